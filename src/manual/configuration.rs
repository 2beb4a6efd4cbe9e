//! # The configuration
//!
//! One file, `sekisho.toml`, named by `--config` or `SEKISHO_CONFIG`. The commented sample at the top of the source
//! shows every key; the fields of [`crate::config`] say what each means, its default and its bounds.
//!
//! ## How it is read
//!
//! * Every fault of the file is told at once, with line, key and remedy. Nothing starts with a wrong file.
//! * An unknown key is a fault, so that a mistyped one never leaves a default in force unseen. A section that this
//!   version does not serve may stand there switched off (`enabled = false`); switched on, it is a fault.
//! * Paths are relative to the file, SQLite's too.
//! * A secret `x` is written as `x`, `x_file` or `x_env`, and only one of them. A secret file holds one line. One that
//!   other users of the machine can read, or its group can write, is refused; the group may read it (`0640`), for
//!   services with a user of their own and files owned by root.
//! * Durations are numbers with units, `30s`, `10m`, `8h`, `7d`; a day has 24 hours.
//!
//! ## `base_url`
//!
//! The scheme, host and port that browsers use. Metadata, Destination checks, cookies and redirects are made from it and
//! never from a request. It has no path: sekisho answers at the top of its host. With `https://` and no TLS keys in
//! `[listen]` sekisho expects a TLS proxy in front of it. With `http://` cookies lose their `Secure` flag, and `check`
//! and the log say so each time.
//!
//! ## `aliases`
//!
//! Paths of an identity provider that stood here before. An SP that sends people to an old path, or names it as the
//! Destination of its requests, goes on working.
//!
//! | word | endpoint |
//! |---|---|
//! | `sso` | `/saml/sso` |
//! | `sso-init` | `/saml/sso/init` |
//! | `slo` | `/saml/slo` |
//! | `logout` | `/logout` |
//! | `metadata` | `/saml/metadata` |
//! | `certificate` | `/saml/certificate.pem` |
//!
//! ## `authn_context_order`
//!
//! Authentication context classes from the weakest to the strongest, for the requests that ask for a `minimum`, a
//! `maximum` or `better` (saml-core 3.3.2.2.1). Default: [`AuthnContext::ORDER`](crate::identity::AuthnContext::ORDER),
//! Password, PasswordProtectedTransport, Kerberos, TimeSyncToken and `https://refeds.org/profile/mfa`. A class may stand
//! in it that nobody is given here: an SP may ask for at most that. The class that signing in at the page gives must be
//! in it. A class outside the order is as strong as itself and comparable with no other; every class meets
//! `unspecified`. AuthnContextDeclRef is never met and never taken for a class. A session that does not meet the request
//! leads to the way of signing in that would, the page or a Kerberos ticket; where none would, and with IsPassive, the SP gets
//! NoAuthnContext.
//!
//! ## Names and domains
//!
//! A person is found by `login_filter` (default: `uid`, sAMAccountName, userPrincipalName or `mail`), in the first
//! `[[directory]]` that has the name. `DOMAIN\name` is looked for where `netbios_names` has the `DOMAIN`. Where
//! `upn_suffixes` is set, `user@domain` is looked for only if it has the `domain`, first whole, then as `user`: in Active
//! Directory that finds people whose userPrincipalName is another or none. So each domain of a forest is a `[[directory]]`
//! of its own with its domain controllers, its base, its attributes and its names, and nobody waits for the others.
//!
//! One `[[directory]]` may be a whole forest by its global catalogue (`ldaps://dc1.example.co.jp:3269`), which holds few
//! attributes. Neither lock-out policy nor counters are in it: they are read from the domain controller that it is on, for
//! people of that domain; for others only `[throttle]` bounds the wrong passwords. A `[[sync]]` reads no catalogue: it is told
//! there which domains there are, and reads each from its own domain controllers; see
//! [synchronisation](super::synchronisation). A catalogue is known by its ports, 3268 and 3269.
//!
//! ## How Active Directory tells what changed
//!
//! `changes` of a `[[directory]]` says how synchronisation asks Active Directory for what changed; other servers are asked as
//! they can, and do not take the second.
//!
//! | `changes` | how | what the account needs | when another domain controller answers |
//! |---|---|---|---|
//! | `"usn"` (default) | by uSNChanged | nothing; to see deleted objects spares a sweep | everything is read |
//! | `"dirsync"` | by the DirSync control | the right "Replicating Directory Changes" on the domain | it goes on from there |
//!
//! To change the key means one reading of everything. [Operations](super::operations) tells how the right is given.
//!
//! ## `[integrated]`
//!
//! Signing in by the Kerberos ticket of Windows; [integrated](super::integrated) tells how it is set up. Either `proxies`,
//! `header`, `secret_header` and `secret` (a proxy looks at the tickets) or `keytab` and `principal` (sekisho does). `realms`
//! has a line for each Kerberos realm and NetBIOS name, with the `name` of its directory, which must not have a
//! `dn_pattern`. `networks` says whose browsers are asked, by the client's address as `listen.trusted_proxies` lets it be
//! known; with a keytab it must be there. `authn_context` is the class that a ticket gives, Kerberos by default; it must be in
//! `authn_context_order`. An empty `proxies`, one that is everybody, and a secret under 16 characters do not start.
//!
//! ## Passwords
//!
//! `password_change = true` lets the people of a `[[directory]]` change their password here: all its `urls` must be
//! `ldaps://` or go on by `start_tls`, with `verify_certificate` on. Default: nothing of it, the directory is only read.
//! `password_warning` (1 hour to 366 days, or `"off"`; default `"14d"`) counts only with it. A directory with
//! `kind = "file"` has neither.
//!
//! `[password_api]` lets programs set passwords in one `directory`, which must be reached by verified TLS as well and have a
//! `search_base`; whether its people may change theirs here is another matter. `callers` and `allowed_networks` must not be
//! empty once it is `enabled`: write `0.0.0.0/0` and `::/0` if everybody may try. A network is that of the client, which a
//! proxy in `listen.trusted_proxies` tells. `search_base` narrows the directory's own. What to set up in the directory, and
//! what is sent, is in [operations](super::operations).
//!
//! ## What an SP gets
//!
//! The first list that there is:
//!
//! 1. `attributes` in `metadata/NAME.toml`;
//! 2. `[[saml.release]]`: the lists of all tables whose entity attribute the SP's metadata has, by name and value.
//!    `entity_category` is short for the attribute `http://macedir.org/entity-category` (RFC 8409). With
//!    `only_requested = true` a table gives, of its list, what the SP's RequestedAttributes name. Entity attributes are
//!    believed because an admin dropped the file that holds them;
//! 3. the RequestedAttributes of the AttributeConsumingService that the request names by its index, else of the default
//!    one. A RequestedAttribute means attributes of its Name and of its FriendlyName;
//! 4. `saml.attributes`.
//!
//! Where a RequestedAttribute lists AttributeValues, only these values leave (saml-metadata 2.4.4.2), unless the list is
//! the policy's. A required attribute (`isRequired`) that a person does not have is in the log and in
//! `attributes.missing` of the audit trail; the SP gets its assertion all the same. An index that the metadata lacks is
//! RequestUnsupported for the SP; where it would decide nothing (1 is in force, or the metadata describes no service) it
//! is passed over. `sekisho check` shows each list and, for 2 and 3, where it comes from.
//!
//! ## How an SP knows a person
//!
//! The format of the NameID is the request's unless that is `unspecified`, else `name_id_format` of the SP's policy, else
//! the first NameIDFormat of its metadata that says something, else transient. `name_id_force` puts the policy first.
//! `name_id_attribute` answers every format but transient with what it holds. Without it:
//!
//! | `name_id_format` | value |
//! |---|---|
//! | `transient` | random, one for each session and SP |
//! | `persistent` | computed for the person and the SP; see `persistent_id` below |
//! | `emailAddress` | `mail`, if it looks like an address |
//! | `unspecified` | the login name as the directory spells it |
//! | `X509SubjectName` | the DN of the entry |
//! | `WindowsDomainQualifiedName` | `msDS-PrincipalName` (to be named in `attributes` of the directory), else sAMAccountName behind the directory's `netbios_names`, if that is one name |
//! | `kerberos` | `krbPrincipalName`, else sAMAccountName at the domain of the DN in capitals, else `userPrincipalName` |
//! | `none` | the assertion has no NameID; a request that asks for a format gets one all the same, unless `name_id_force` |
//!
//! What is not there is InvalidNameIDPolicy for the SP, and the log says what was needed. An SP without a NameID cannot
//! be told of a logout: a LogoutRequest must name somebody.
//!
//! An SPNameQualifier in a request must be the SP's entityID, or the entityID of an affiliation: an
//! `md:AffiliationDescriptor` (saml-metadata 2.5) in a file of `metadata/` that has the SP among its AffiliateMembers. The
//! members then know a person by one name. AllowCreate changes nothing: computed identifiers are "already established".
//!
//! `persistent_id = "hmac-sha256"` computes persistent NameIDs from `name_id_secret` and the directory's own key of the
//! person. `"legacy-sha1"` computes those of SimpleSAMLphp 1.x; see [migration](super::migration).
//!
//! `scope` and `subject_id_attribute` make the attributes of the SAML V2.0 Subject Identifier Attributes Profile:
//!
//! * `urn:oasis:names:tc:SAML:attribute:subject-id`: the one value of `subject_id_attribute` after the filters, `@`, the
//!   scope, in small letters. It must have 1 to 127 letters, digits, `=` and `-`; no `.` and no `_`. Take an attribute
//!   that is never given to another person and not told apart by case.
//! * `urn:oasis:names:tc:SAML:attribute:pairwise-id`: the computed persistent NameID (by HMAC-SHA-256, whatever
//!   `persistent_id` says) and the scope.
//!
//! They leave where a list names them, and where the SP's metadata asks by the entity attribute
//! `urn:oasis:names:tc:SAML:profiles:subject-id:req`. That attribute is the last word below the policy's own
//! `attributes`: `subject-id`, `pairwise-id`, `any` (pairwise-id then) or `none`. What cannot be made is a warning of the
//! log; the SP gets its assertion without it.
//!
//! ## The published metadata
//!
//! `GET /saml/metadata` gives keys, endpoints, NameID formats, the algorithms that are understood, and what `[saml]` says of
//! the company: `organization`, `contacts`, `ui_info`, `scope`, `error_url`. A text is one string, taken as English, or a
//! table by language: `{ en = "Example", ja = "例" }`. `ui_info.logo` is a table, or a list of them with `lang`. A contact has
//! `type` (`technical`, `support`, `administrative`, `billing`, `other`, or `security`: the one of REFEDS for incidents),
//! `name` (given name), `sur_name`, `company`, `email` and `telephone` (one or a list).
//!
//! SPs keep a copy for `metadata_cache_duration` (1 h), which is how long a roll-over has to wait for them; asking again is
//! cheap (ETag and Last-Modified, answered by 304). Copies never end, because SPs to which the file was copied by hand would
//! refuse every sign-in from then on; with `metadata_valid_for = "14d"` they do, and what is served is signed anew each time
//! a quarter of that has passed. `sekisho metadata` prints the same octets, and `--output FILE` puts them into a file in one
//! step. (With a key on an elliptic curve the SignatureValue alone differs: ECDSA never signs twice alike. With
//! `metadata_valid_for` validUntil begins with the command, so that ID and signature differ too.)
//!
//! ## Algorithms
//!
//! What goes out is signed with SHA-256 (EC on P-384: SHA-384), unless the SP wants another: first `signature_algorithm` of
//! its policy, then the alg:SigningMethod and alg:DigestMethod of its metadata in their order, as far as the key can do it.
//! What cannot be met is a finding of `check`, and the default signs. `denied_algorithms` takes algorithms out for both
//! directions: `rsa-sha256`, `rsa-sha384`, `rsa-sha512`, `ecdsa-...`, a digest (`sha512`: everything that uses it), or an
//! identifier. SHA-1 is used only where an SP's policy says `allow_sha1_requests` or `allow_sha1_responses`; each is a warning
//! of `check` and of every start. MD5, HMAC and DSA do not exist here.
//!
//! ## Keys
//!
//! `sekisho keys generate` makes what is missing and never overwrites: RSA with 2048 bits and a certificate for ten
//! years, since SPs store certificates by hand. `--ec` makes a P-256 key: ten times as fast, but Google Workspace and
//! Microsoft 365 take RSA only. A private key must belong to its certificate and be RSA with at least 2048 bits, or EC
//! on P-256 or P-384. An expired certificate is a finding of `check` and no fault: SAML takes no notice of its dates
//! (saml-metadata 2.4.1.1), though some SPs do.
//!
//! `saml.decryption_keys` lists PEM files, each with an RSA key and its certificate. They are never the signing key: what
//! one tells of a key must not weaken the other, and EC keys, which may sign, cannot decrypt. `keys generate` makes those
//! that are listed and missing. All are published (`use="encryption"`) and tried on an EncryptedID; without any, nothing
//! is published and a message with an EncryptedID is refused.
//!
//! ## Targets of synchronisation
//!
//! Each `[[sync]]` is one target; [synchronisation](super::synchronisation) tells what is done with it. The tables
//! `[sync.scope]` and so on belong to the `[[sync]]` above them.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `name` | what commands, log and state call it: at most 64 letters, digits, `-`, `_` and `.`. By another name it is another target, whose first run finds everybody anew | must be there |
//! | `directory` | the `name` of the `[[directory]]` that is read, or a list of them; one with `kind = "file"` as well. Of a global catalogue all `urls` must be on its ports | must be there |
//! | `preset` | which service, and with it rules and pace | `"generic"`; with `[sync.ldap]` `"ldap"` |
//! | `url` | base URL of its SCIM; not with `[sync.ldap]` | must be there |
//! | `token_file` | file of the bearer token, which `sekisho sync token set` writes and each run reads; it may be missing until then. Or `token`, or `token_env` | one of these, or an account |
//! | `user`, `password` | an account instead (HTTP Basic); or `password_file`, `password_env` | |
//! | `ca_certificate` | PEM file of authorities that are trusted beside the system's | the system's alone |
//! | `allow_http` | takes a `url` with `http://`, over which the token goes in clear: for a service on this machine. A warning of each start | `false` |
//! | `search_base` | below which entry is read; only with one directory | the directory's |
//! | `filter` | a further condition on people and contacts (RFC 4515) | none |
//! | `user_filter`, `contact_filter`, `group_filter`, `unit_filter` | which entries are people, contacts, groups, organisations | those of the server's kind: `(&(objectCategory=person)(objectClass=user))` or `(objectClass=inetOrgPerson)`, and so on |
//! | `objects` | the types that are carried, of those that the preset has: `user`, `group`, `organization`, `security-group`, `contact`, `role` | the preset's |
//! | `deactivation` | `"delete-later"`, `"deactivate-only"` (nothing is ever deleted), `"deactivation-deletes"` (the service deletes what is deactivated) | the preset's |
//! | `delete_after` | how long who is gone from the directory stays deactivated before the deletion; `"0"`: it is deleted at once | `"30d"` |
//! | `immutable_change` | of a value that the service takes at creation only: `"skip"` (kept and reported), `"recreate"` (deleted, and made anew by the next run) | `"skip"` |
//! | `orphans` | of what the target alone has: `"keep"`, `"deactivate"` | `"keep"` |
//! | `compare` | a full run puts right what was changed at the target | `true` |
//! | `in_flight` | requests at once, 1 to 256 | 8 |
//! | `requests_per_second` | at most, 1 to 100000; of a bulk request each change counts | the preset's |
//! | `bulk` | many changes in one request (RFC 7644 section 3.7), where the service announces that; not with a preset whose service has none | the preset's |
//! | `members_per_request` | members that one request adds or removes, 1 to 100000 | the preset's, 500 mostly |
//! | `over_limit` | what waits over a limit: `"destructive"`, `"everything"` | `"destructive"` |
//! | `schedule` | when changes are carried by `sekisho serve`: a length of time from 10 s on, or five fields of a crontab in `log.timezone` | never |
//! | `watch` | the directories are listened to, and what changes there is carried within seconds; needs `schedule`, which is what remains where one of them cannot be heard | `false` |
//! | `full_schedule` | the same for everything | a day after the last one, where `schedule` is set |
//! | `token_expires` | the day on which the token ends, `2027-08-01` | unknown |
//! | `mail_to` | addresses that notices go to; needs `[mail]` | nobody |
//! | `webhook` | a URL that notices are posted to as JSON | none |
//! | `hook_before`, `hook_after` | a program and its arguments, run around each operation | none |
//! | `hook_timeout` | how long one may take | `"10s"` |
//!
//! ### `[sync.scope]`
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `who` | `"everyone"`; `"selected"`: the members, also of groups inside, of the group `conventions.idsync` and of those in `conventions.selecting` | `"everyone"` |
//! | `status_attribute` | the attribute that may say that an account is deleted; empty for none | `"seciossAccountStatus"` |
//! | `deleted` | what it says then; case is of no matter | `["deleted"]` |
//! | `local` | login names that are never carried | `["admin"]` |
//! | `exclude` | DNs that are not carried, with all below them | `[]` |
//!
//! ### `[sync.match]` and `[sync.match_by]`
//!
//! `match` has `none`, for who is not found at the target: `"create"` (default), `"skip"`, `"report"`; and `one`, for who is
//! found and belongs to nobody: `"adopt"` (default), `"report"`. `match_by` has for a type the paths that are looked at, the
//! most trusted first, in place of the preset's: `user = ["externalId", "userName"]`. Each must be filled by a rule.
//!
//! ### `[sync.conventions]`
//!
//! What places and groups of the directory mean. Names without the base at their end are below the base.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `idsync` | the group of those who are carried with `who = "selected"` | `"cn=idsync,ou=Roles,ou=Groups"` |
//! | `admin` | the group of administrators (`@admin`) | `"cn=admin,ou=Roles,ou=Groups"` |
//! | `services` | below it each group is a service that its members may use (`@services`) | `"ou=Services,ou=Groups"` |
//! | `organizations` | below it groups are carried as groups | `"ou=Organizations,ou=Groups"` |
//! | `security` | below it groups are carried as security groups | `"ou=Security,ou=Groups"` |
//! | `roles` | below it groups are roles: units from the top down, then the name (`@roles`) | `"ou=Roles,ou=Groups"` |
//! | `container` | units in and below it are no organisations | `"ou=Groups"` |
//! | `other_units` | further units that are none, with all below them | `[]` |
//! | `selecting` | further groups whose members are carried | `[]` |
//! | `groups` | `"conventional"`: those above; `"all"`: every other one too; `"none"` | `"conventional"` |
//! | `groups_under` | with `"all"`, else a warning: only groups below one of these | `[]` |
//! | `security_by_type` | with `"all"`: groups for rights of Active Directory are security groups; where that is not said and these are not in `objects`, they are groups | `true` |
//! | `nesting` | `"expand"`: a group has everybody inside, however deep; `"keep"`: those who are in it, and its groups as groups | `"expand"` |
//! | `organization` | what `@organization` says: `"name"`, or `"path"` from the top down with `/` | `"name"` |
//!
//! ### `[sync.limits.TYPE]`
//!
//! For each type `delete`, `deactivate`, `modify` and `members` (who leave one group), each as `{ percent = 5, count = 50 }`:
//! the larger of both is the most that one run does. Both must be there, `percent` from 0 to
//! 100; `{ percent = 0, count = 0 }` is nothing at all. Limits of a type that is not in `objects` are a warning.
//!
//! ### `[[sync.map]]` and `[sync.tables.NAME]`
//!
//! Rules in place of the preset's, and the tables of `lookup("NAME", ..)`: pairs of texts. Both are told in
//! [synchronisation](super::synchronisation).
//!
//! ### `[sync.ldap]`
//!
//! Another LDAP directory as the target, in place of `url` and token.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `directory` | the `name` of its `[[directory]]`, with `kind = "ldap"` and a `bind_dn` that may write there | must be there |
//! | `disabling` | how an account is made unusable: `"userAccountControl"`, `"pwdAccountLockedTime"` (overlay ppolicy), `"nothing"` | as the server does it: the first for Active Directory, else the second |
//! | `placeholder` | a DN that is the only member of a group without others, which groupOfNames must have one of | none: the last member stays, with code 65 |
//! | `tree_delete` | an entry is deleted with all below it, where the server can | `false` |
//! | `types` | `[sync.ldap.types.user]` and so on, at least one | must be there |
//!
//! Of each type `base` (must be there: below which they are), `rdn` (`uid` for people of OpenLDAP, `ou` for organisations, else
//! `cn`), `classes` (the structural one first), `auxiliary`, `member` (`"member"`), `filter` (those of the structural class).
//!
//! ### `[mail]`
//!
//! The relay for notices, one for all targets.
//!
//! | key | meaning | default |
//! |---|---|---|
//! | `host` | its name | must be there |
//! | `protection` | `"starttls"`, `"tls"`; `"none"` for a relay on this machine. Certificates are verified | `"starttls"` |
//! | `port` | | 587, 465 or 25, by `protection` |
//! | `user`, `password` | an account, where it wants one; or `password_file`, `password_env`. Never with `"none"` | none |
//! | `from` | the sender's address | must be there |
