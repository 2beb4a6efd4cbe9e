//! # Presets and rules: what an object is at a target
//!
//! What an object should be at a target is said by rules: one path of the target, and one expression over what the directory
//! holds. A preset brings the rules of a service; `[[sync.map]]` takes the place of single ones.
//!
//! ## Presets
//!
//! | preset | service | carried | also known | update | deletion | requests a second | token warning |
//! |---|---|---|---|---|---|---|---|
//! | `6clicks` | 6clicks | user, group | role | PATCH | delete | 5 | 300 days |
//! | `diligent-one` | Diligent One | user | | PATCH | delete | 5 | |
//! | `generic` | SCIM 2.0 | user, group | security-group | PATCH | delete | 10 | |
//! | `ldap` | LDAP | user, group | organization, contact, security-group, role | PATCH | delete | 1000 | |
//! | `secioss` | Secioss | organization, user, group, security-group, role | contact | PATCH | delete | 10 | |
//! | `trustlogin` | TrustLogin | user | | PATCH | delete | 3 | |
//!
//! What the documents of each service say, and what they leave open, stands at the top of its file in `src/sync/presets/`; the
//! rules below it are in the form of this page. No vendor tells a rate: these are ours, and a service that wants less says so
//! by 429. Types that are also known are carried where the configuration says so.
//!
//! * `6clicks`: userName and e-mail address cannot be changed after creation; a change of them is reported and not sent.
//! * `diligent-one`: `externalField1Value` to `externalField13Value` of
//!   `urn:ietf:params:scim:schemas:extension:Diligent:2.0:User` are filled by rules of yours; there are no others.
//! * `trustlogin`: a work e-mail address that equals userName is left out, for the service answers it with an error. What it
//!   does not keep is not compared, so that it is not sent again each time.
//! * `ldap`: `[sync.ldap]` says where; see [configuration](super::configuration). Update tells nothing there. An OpenLDAP
//!   needs the overlay `refint` for `member` and `manager`: without it, whoever is renamed stays there by the old name. Give
//!   each type a `base` of its own: people and contacts are of one object class, and so are groups and roles.
//! * `generic` and `secioss`: `userName` differs. `generic` takes userPrincipalName, else mail, else uid; `secioss` takes
//!   sAMAccountName, else uid, and gives a random password at creation.
//!
//! ## Terminal services of Active Directory
//!
//! What terminal services keep of a user stands inside one value, `userParameters` (\[MS-TSTS\] 2.3). With `preset = "ldap"`
//! and Active Directory as the target, rules reach it by names that ADSI has for it:
//!
//! | path | value |
//! |---|---|
//! | `TerminalServicesHomeDirectory` | a path, such as `\\files\tanaka` |
//! | `TerminalServicesHomeDrive` | a drive, such as `H:` |
//! | `TerminalServicesProfilePath` | a path |
//! | `TerminalServicesAllowLogon` | whether the user may log on; without a value: yes |
//!
//! The source of such a path is best built by an expression: `'join("", "\\\\files\\profiles\\", uid)'`.
//!
//! Everything else in the value stays: what other programs wrote there, and settings without a rule. A value that is not
//! written as terminal services write it is not touched; the change is refused with 19 then, and told. Where there is no such
//! value, in AD LDS and in OpenLDAP, the settings are left out and nothing fails; so with Samba, which does not take them by
//! LDAP. `msTSHomeDirectory` and the like are attributes of their own, which terminal services do not read: a rule for one
//! writes just that.
//!
//! ## Rules
//!
//! ```toml
//! [[sync.map]]                                     # a value of your own
//! object = "user"
//! path = "nickName"
//! source = "first(displayNamePrintable, givenName)"
//! max_length = 64
//!
//! [[sync.map]]                                     # in place of the preset's rule for the path
//! object = "user"
//! path = "userName"
//! source = 'lower(first(mail, join("@", sAMAccountName, "example.co.jp")))'
//! required = true
//! pattern = '[^@ ]+@example\.co\.jp'
//!
//! [[sync.map]]                                     # no longer carried
//! object = "user"
//! path = 'phoneNumbers[type eq "home"].value'
//! when = "never"
//!
//! [[sync.map]]                                     # sent at creation, and the target's own afterwards
//! object = "user"
//! path = "locale"
//! default = "ja-JP"
//! when = "creation"
//!
//! [[sync.map]]                                     # the ids of the people whose DNs the directory holds
//! object = "user"
//! path = "urn:example:2.0:User:assistants"
//! source = "all(assistant)"
//! reference = "user"
//!
//! [[sync.map]]
//! object = "user"
//! path = "password"
//! random = true
//! ```
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `object` | `user`, `group`, `organization`, `security-group`, `contact`, `role` | |
//! | `path` | where at the target: a SCIM path, as in the example, or an LDAP attribute | |
//! | `source` | an expression; or `@members` or `@parent`, for references to the objects inside and to the one above | `default` alone |
//! | `when` | `always`; `creation`: sent then, and not compared later; `never`: removes the rule of this path | `always` |
//! | `required` | an object without a value is not carried, but reported with what helps | `false` |
//! | `default` | the value where the source has none | |
//! | `pattern` | a regular expression that the whole value must match | |
//! | `max_length` | the most characters | |
//! | `one_of` | the only values, as they stand here | any |
//! | `omit_if_equal` | another path; the value is left out where it equals the one there, letters' case aside | |
//! | `reference` | the object type: the source gives DNs, and the target gets its own ids of these objects; a list (`all(..)`) refers to many. A type that is not in `objects` is a warning | |
//! | `random` | a fresh random password at creation; it is kept and logged nowhere | `false` |
//!
//! A rule for a path takes the whole place of the old one, its checks included. Names of paths have no case. All faults of all
//! rules are told at once, when the configuration is read. A value that does not pass its checks is not shown in the report,
//! only the object, the path, the rule and what helps. A DN of nobody who is carried is no reference, and no fault unless the
//! rule is required.
//!
//! A change replaces an attribute as a whole (all of `phoneNumbers`). A value in it that only a creation sends goes along as
//! the target has it by then: where a run does not list the target, each such object is asked for once before it is changed.
//!
//! Whether an object is usable is no rule: the preset names the path (`active`). Objects at the target are matched by the
//! paths that the preset names, which must be filled by rules.
//!
//! ## Expressions
//!
//! An expression is the name of an attribute, a text in quotes, `true` or `false`, a fact, or a function of expressions. In
//! TOML it is best written in single quotes, since texts in it have double ones. In texts `\"` is a quotation mark and `\\` a
//! backslash, so that the pattern `\d` is `"\\d"`.
//!
//! * The name of an attribute is worth its first value that is a text. Names have no case, and options are part of them:
//!   `givenName;lang-ja` is not `givenName`. A name that is a function's, or has other characters than letters, digits and
//!   `-`, is written `attr("name")`.
//! * A text is UTF-8 without a NUL. Other control characters in it are carried as they are. What is none, such as a photo, is
//!   octets: where a rule asks for a text and finds octets, that is a warning with the DN and the attribute. A rule that has
//!   nothing else is left out then: what the target has there stays, and so does what is written together with it (all of
//!   `phoneNumbers`). `base64(attribute)` carries octets.
//! * What is missing has no value. An empty text is none either, wherever it comes from; a function of what has no value has
//!   none, if its row says nothing else. No value at the target is what becomes of it: what was carried there is
//!   removed. What never was carried stays, such as a title that somebody wrote at the target where the directory has none,
//!   also of those who are taken over: a first run empties nothing.
//! * A value is a text, a boolean or a list of texts. Functions that change a text change each text of a list; those that
//!   become nothing or the same as another go. Where a boolean stands for a text it is `true` or `false`.
//! * Positions are counted in characters from 0 on.
//! * An expression has at most 4096 octets, calls stand at most 32 deep, and no value is longer than 64 KiB: a longer one is a
//!   fault of the object.
//!
//! The examples are worth what their row says for this person, with a table `plan` that has `E3 = "Office 365 E3"`:
//!
//! ```ldif
//! dn: CN=Tanaka Taro,OU=Sales,DC=example,DC=jp
//! cn: Tanaka Taro
//! sn: 田中
//! givenName: 太郎
//! givenName;lang-en: Taro
//! mail: Taro.Tanaka@Example.JP
//! mail: taro@example.jp
//! department: Sales-East
//! telephoneNumber: +81 (0)3-1234-5678
//! employeeType: E3
//! lower: yes
//! thumbnail:: AP8=
//! ```
//!
//! ## Functions
//!
//! | function | what it is worth | example | worth |
//! |---|---|---|---|
//! | `first(a, b, ..)` | the first that has a value: mail, else userPrincipalName | `first(userPrincipalName, mail)` | `"Taro.Tanaka@Example.JP"` |
//! | `default(a, "x")` | the same of two | `default(title, "Staff")` | `"Staff"` |
//! | `all(a, b, ..)` | all values of the attributes, and what other arguments are worth, as one list in alphabetical order, since a directory keeps them in none | `all(mail, "x@example.jp")` | `["Taro.Tanaka@Example.JP", "taro@example.jp", "x@example.jp"]` |
//! | `only(a, "pattern")` | the texts in which the regular expression is found | `only(all(mail), "^taro@")` | `["taro@example.jp"]` |
//! | `join("separator", a, b, ..)` | those that have a value, as one text | `join(" ", sn, middleName, givenName)` | `"田中 太郎"` |
//! | `split(a, "separator", n)` | the n-th part | `split(department, "-", 1)` | `"East"` |
//! | `substring(a, from, length)` | some characters | `substring(cn, 0, 6)` | `"Tanaka"` |
//! | `lower(a)` | small letters | `lower(mail)` | `"taro.tanaka@example.jp"` |
//! | `upper(a)` | capital letters | `upper(department)` | `"SALES-EAST"` |
//! | `trim(a)` | without blanks around it | `trim("  x ")` | `"x"` |
//! | `replace(a, "pattern", "with")` | each match of the regular expression replaced; `$1` or `${1}` is a group of it, `$0` the match, `$$` a dollar | `replace(cn, "^(\\w+) (\\w+)$", "$2 $1")` | `"Taro Tanaka"` |
//! | `domain(a)` | what stands after the last `@` | `lower(domain(mail))` | `"example.jp"` |
//! | `local(a)` | what stands before it | `local(mail)` | `"Taro.Tanaka"` |
//! | `switch(a, default, "x", y, ..)` | `y` where `a` is `x`, and so on; else the default | `switch(department, "other", "Sales-East", "S1", "Sales-West", "S2")` | `"S1"` |
//! | `lookup("table", a)` | what the table has for it, as it is spelled there | `lookup("plan", employeeType)` | `"Office 365 E3"` |
//! | `if(condition, a, b)` | `a` where the condition is `true` (or the text, in any case), else `b`, else nothing | `if(present(manager), "yes", "no")` | `"no"` |
//! | `eq(a, b)` | whether they are the same, to the letter; of lists, whether they have a text in common | `eq(all(mail), "taro@example.jp")` | `true` |
//! | `present(a)` | whether it has a value | `present(sn)` | `true` |
//! | `not(a)` | `false` for what is true, `true` for all else | `not(present(title))` | `true` |
//! | `nfkc(a)` | Unicode's compatibility form: full-width letters become plain ones | `nfkc("Ｔａｒｏ１２３")` | `"Taro123"` |
//! | `phone(a)` | digits, after `+` where there is one; what holds other things than digits, blanks, brackets, hyphens, dots and slashes stays | `phone(telephoneNumber)` | `"+81312345678"` |
//! | `base64(attribute)` | the octets of the first value | `base64(thumbnail)` | `"AP8="` |
//!
//! ## Examples
//!
//! | example | worth |
//! |---|---|
//! | `GIVENNAME` | `"太郎"` |
//! | `givenName;lang-en` | `"Taro"` |
//! | `attr("lower")` | `"yes"` |
//! | `"a \"quoted\" text"` | `"a \"quoted\" text"` |
//! | `title` | nothing |
//! | `thumbnail` | nothing |
//! | `lower(title)` | nothing |
//! | `join(", ", title, manager)` | nothing |
//! | `first(title, "")` | nothing |
//! | `domain(cn)` | nothing |
//! | `lower(all(mail))` | `["taro.tanaka@example.jp", "taro@example.jp"]` |
//! | `domain(lower(all(mail)))` | `["example.jp"]` |
//! | `all(if(@admin, "admin"), @services)` | `["googleapps", "salesforce"]` |
//! | `if(eq(@services, "googleapps"), "G", "-")` | `"G"` |
//! | `switch(@active, "?", "true", "Enabled", "false", "Disabled")` | `"Enabled"` |
//!
//! ## Facts
//!
//! What is known of an object beside its attributes. The person above is active, in the unit Sales, may use two services, and
//! was read from OpenLDAP:
//!
//! | fact | what it is worth | worth |
//! |---|---|---|
//! | `@active` | whether the account is neither disabled nor expired | `true` |
//! | `@admin` | whether it is in the group of administrators | `false` |
//! | `@dn` | the DN | `"CN=Tanaka Taro,OU=Sales,DC=example,DC=jp"` |
//! | `@guid` | objectGUID or entryUUID in its text form | `"00112233-4455-6677-8899-aabbccddeeff"` |
//! | `@guid_base64` | its 16 octets in base64, see below | `"ABEiM0RVZneImaq7zN3u/w=="` |
//! | `@organization` | the unit that it is in; nothing outside of all units | `"Sales"` |
//! | `@roles` | roles and licences, as a list; nothing without any | nothing |
//! | `@services` | the services that it may use, as a list | `["googleapps", "salesforce"]` |
//!
//! `@guid_base64` is made of the octets as the directory holds them. Those of an entryUUID are in the order of its text form
//! (RFC 9562 section 4). Those of an objectGUID are not: the first three groups of its text form stand there from the last
//! octet to the first (\[MS-DTYP\] 2.3.4.2). This is what Entra Connect calls ImmutableId and what PowerShell gives for
//! `[Convert]::ToBase64String($user.ObjectGUID.ToByteArray())`; with the text form above it would be
//! `MyIRAFVEd2aImaq7zN3u/w==`.
