//! # Coming from SimpleSAMLphp
//!
//! For admins of SimpleSAMLphp, and of the product built on it that sekisho follows. Everything here is done by hand; a
//! command that reads a SimpleSAMLphp folder is still to come.
//!
//! ## Files
//!
//! | there | here |
//! |---|---|
//! | `config/config.php`, `config/authsources.php` | `sekisho.toml` |
//! | `metadata/saml20-idp-hosted.php` | `[saml]` in `sekisho.toml` |
//! | `metadata/saml20-sp-remote.php` | one `metadata/NAME.xml` for each SP, and `metadata/NAME.toml` for its policy |
//! | `'privatekey' => 'PrivateKey.pem'` in `cert/` | `certs/PrivateKey.pem`, `chmod 600` |
//! | `'certificate' => 'PublicKey.pem'` | `certs/PublicKey.pem` |
//! | `'privatekey_pass'` | `private_key_passphrase_file` |
//! | `'authproc.idp'` in `config.php` | `[[authproc]]` in `sekisho.toml` |
//! | `'authproc'` in `saml20-idp-hosted.php` | `[[saml.authproc]]` |
//! | `'authproc'` of an SP | `[[authproc]]` in its `NAME.toml` |
//! | `'secretsalt'` | `legacy_salt_file`; see persistent NameIDs below |
//!
//! Keep key, certificate and entityID, and no SP notices the change: `entity_id` is then what the old server called itself,
//! for SimpleSAMLphp mostly `https://idp.example.co.jp/simplesaml/saml2/idp/metadata.php`.
//!
//! ## Old addresses
//!
//! SPs hold the old SSO address. `aliases` lets them keep it, as path and as Destination:
//!
//! ```toml
//! # sekisho.toml
//! [saml]
//! entity_id = "https://idp.example.co.jp/simplesaml/saml2/idp/metadata.php"
//! aliases = { "/simplesaml/saml2/idp/SSOService.php" = "sso", "/simplesaml/saml2/idp/initSSO.php" = "sso-init", "/simplesaml/saml2/idp/metadata.php" = "metadata" }
//! ```
//!
//! The ancestor's path is `/saml/saml2/idp/SSOService.php`. `spentityid` is taken for `sp` where a sign-on starts here. An
//! alias for `SingleLogoutService.php` is `"slo"`.
//!
//! ## An SP, side by side
//!
//! ```php
//! $metadata['https://sp.example.com/'] = [
//!     'AssertionConsumerService' => 'https://sp.example.com/acs',
//!     'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
//!     'simplesaml.nameidattribute' => 'seciosssystemid',
//!     'attributes' => ['seciosssystemid', 'seciossallowedservice'],
//!     'authproc' => [
//!         50 => ['class' => 'core:AttributeMap', 'uid' => 'seciosssystemid', 'sAMAccountName' => 'seciosssystemid'],
//!         60 => ['class' => 'core:AttributeAdd', 'seciossallowedservice' => ['']],
//!         100 => ['class' => 'core:AttributeLimit'],
//!     ],
//! ];
//! ```
//!
//! Without XML from the SP, the TOML describes it too:
//!
//! ```toml
//! entity_id = "https://sp.example.com/"
//! acs = ["https://sp.example.com/acs"]
//! name_id_format = "persistent"
//! name_id_attribute = "seciosssystemid"
//! attributes = ["seciosssystemid", "seciossallowedservice"]
//!
//! [[authproc]]
//! priority = 50
//! filter = "AttributeMap"
//! map = { uid = "seciosssystemid", sAMAccountName = "seciosssystemid" }
//!
//! [[authproc]]
//! priority = 60
//! filter = "AttributeAdd"
//! add = { seciossallowedservice = [""] }
//!
//! [[authproc]]
//! priority = 100
//! filter = "AttributeLimit"
//! ```
//!
//! The NameID is taken from what the filters leave, before the release: the attribute need not be in `attributes`.
//!
//! | `saml20-sp-remote.php` | `NAME.toml` |
//! |---|---|
//! | `'AssertionConsumerService'`, `'keys'`, `'certData'` | in the XML; without one, `acs` and `certificates` |
//! | `'name'`, `'UIInfo'` | in the XML; without one, `name` |
//! | `'NameIDFormat'` | `name_id_format`: the URI, or its last word |
//! | `'simplesaml.nameidattribute'` | `name_id_attribute` |
//! | `'attributes'` | `attributes` |
//! | `'attributes.NameFormat'` | `attribute_name_format` |
//! | `'simplesaml.attributes' => false` | `send_attributes = false` |
//! | `'saml20.sign.assertion'`, `'saml20.sign.response'` | `sign = "assertion"`, `"response"` or `"both"` (the default) |
//! | `'signature.algorithm'` | `signature_algorithm`: the URI, or its last word (`"rsa-sha512"`); SHA-1 needs `allow_sha1_responses = true` too |
//! | `'signature.privatekey'`, `'signature.certificate'` | `private_key`, `certificate`: names from the TOML's folder on, `"../certs/other.pem"` |
//! | `'validate.authnrequest'` | `verify_requests = "required"`; `false` is `"when-key"` |
//! | `'assertion.lifetime'` | `assertion_lifetime = "5m"` |
//! | `'audience'` | `audience` |
//! | `'assertion.encryption' => true` | `encrypt = "always"`; `'sharedkey_algorithm'` is `encryption_methods`, such as `["aes128-cbc"]` |
//! | `'SingleLogoutService'` | in the SP's XML; in a TOML alone, `slo` (HTTP-Redirect) |
//! | `'attributeencodings'` | not yet |
//!
//! ## Filters
//!
//! The names are SimpleSAMLphp's without `core:` and `ldap:`; so are the option words, and with the same input each gives the same
//! result, in the same order. `tests/it/authproc` runs SimpleSAMLphp's own classes beside them. What PHP writes as keys of
//! one array is a table here; `%duplicate`, `%replace`, `%remove` and `%keep` may be written with or without the percent
//! sign.
//!
//! | PHP | TOML |
//! |---|---|
//! | `50 => ['class' => 'core:AttributeMap', 'uid' => 'cn']` | `priority = 50`, `filter = "AttributeMap"`, `map = { uid = "cn" }` |
//! | `'uid' => ['a', 'b'], '%duplicate'` | `map = { uid = ["a", "b"] }`, `duplicate = true` |
//! | `'name2oid'` (a map file) | write its pairs into `map` |
//! | `['class' => 'core:AttributeAdd', 'groups' => ['users']]` | `filter = "AttributeAdd"`, `add = { groups = ["users"] }` |
//! | `'%replace'` | `replace = true` |
//! | `['class' => 'core:AttributeLimit', 'uid', 'mail']` | `filter = "AttributeLimit"`, `attributes = ["uid", "mail"]` |
//! | `'default' => true` | `default = true` |
//! | `'mail' => ['a@x']` | `attributes = [{ mail = ["a@x"] }]` |
//! | `'mail' => ['regex' => true, '/@x$/']` | `attributes = [{ mail = { regex = true, values = ["/@x$/"] } }]` |
//! | `'mail' => ['ignoreCase' => true, 'A@x']` | `attributes = [{ mail = { ignore_case = true, values = ["A@x"] } }]` |
//! | `['class' => 'core:AttributeCopy', 'mail' => ['a', 'b']]` | `filter = "AttributeCopy"`, `map = { mail = ["a", "b"] }` |
//! | `['class' => 'core:AttributeAlter', 'subject' => 'mail', 'pattern' => '/@x$/', 'replacement' => '@y']` | `filter = "AttributeAlter"`, `subject = "mail"`, `pattern = "/@x$/"`, `replacement = "@y"` |
//! | `'target' => 't'`, `'%replace'`, `'%remove'` | `target = "t"`, `replace = true`, `remove = true` |
//! | `['class' => 'core:AttributeValueMap', 'sourceattribute' => 'memberOf', 'targetattribute' => 'role', 'values' => ['admin' => ['cn=it']]]` | `filter = "AttributeValueMap"`, the same words, `values = { admin = ["cn=it"] }` |
//! | `'%keep'`, `'%replace'` | `keep = true`, `replace = true` |
//! | `core:ScopeAttribute`, `core:ScopeFromAttribute` | the same words |
//! | `['class' => 'core:Cardinality', 'mail' => [1, 1]]` | `filter = "Cardinality"`, `cardinality = { mail = [1, 1] }` |
//! | `core:CardinalitySingle` | the same words |
//! | `'warn'`, `'%ignoreEntities'` | not taken |
//! | `['class' => 'ldap:AttributeAddUsersGroups', 'attribute.groups' => 'g', 'attribute.return' => 'cn']` | `filter = "AttributeAddUsersGroups"`, `groups = "g"`, `return = "cn"`; without `return` the DNs, where SimpleSAMLphp gives names outside Active Directory |
//! | `['class' => 'ldap:AttributeAddFromLDAP', 'attributes' => ['g' => 'cn'], 'search.filter' => '(memberUid=%uid%)']` | `filter = "AttributeAddFromLDAP"`, `attributes = { g = "cn" }`, `search_filter = "(memberUid=%uid%)"` |
//! | `'attribute.policy'`, `'attributes.binary'` | `policy`, `binary` |
//! | `'authsource'`, `'ldap.hostname'` and so on | leave them out: the directory that the person came from is asked |
//! | any other `class` | not yet: `check` names it |
//!
//! ```toml
//! attributes = ["uid", "mail"]
//!
//! [[authproc]]
//! priority = 60
//! filter = "AttributeLimit"
//! default = true
//! attributes = ["uid", { mail = { regex = true, values = ['/@example\.co\.jp$/'] } }]
//! ```
//!
//! ## Persistent NameIDs
//!
//! SimpleSAMLphp 1.x computes them as SHA-1 of `secretsalt`, both entityIDs and one attribute of the person. SPs know
//! people by these ids; they stay the same with
//!
//! ```toml
//! # sekisho.toml
//! [saml]
//! persistent_id = "legacy-sha1"
//! legacy_salt_file = "certs/legacy-salt"
//! legacy_attribute = "eduPersonPrincipalName"
//! legacy_idp_entity_id = "https://old.example.co.jp/simplesaml/saml2/idp/metadata.php"
//! ```
//!
//! | there | here |
//! |---|---|
//! | `'secretsalt'` in `config.php` | `legacy_salt`, `legacy_salt_file` or `legacy_salt_env`, to the letter |
//! | `'userid.attribute'` in the IdP's metadata (default `eduPersonPrincipalName`), where no filter makes NameIDs | `legacy_attribute` |
//! | `'attribute'` of `saml:PersistentNameID` | `legacy_attribute` |
//! | the entityID of the IdP | `legacy_idp_entity_id`, if `entity_id` is another now |
//!
//! The attribute is taken as the filters leave it, else as the directory gives it; it must have exactly one value, as
//! there. An SP with `name_id_attribute` (`simplesaml.nameidattribute`) is not concerned. `tests/it/authproc/persistent.rs`
//! has SimpleSAMLphp compute the same ids. Not made: the ids of `saml:SQLPersistentNameID`, which are random and in its
//! database, and those of `core:TargetedID`, which are an attribute and made of other parts.
//!
//! ## What is otherwise
//!
//! * **Release.** SimpleSAMLphp sends every attribute when neither `attributes` nor AttributeLimit says otherwise. Here
//!   nothing leaves then. Write the list out: `attributes`, or once for all SPs `saml.attributes`.
//! * **ACS.** A request that names an ACS which is not registered is refused; SimpleSAMLphp answers to the default one.
//! * **NameID.** A missing `name_id_attribute` is InvalidNameIDPolicy, told to the SP and the log; SimpleSAMLphp falls back
//!   to a transient one.
//! * **Persistent NameIDs** are computed from a key of the directory's own, unless `persistent_id` says otherwise. Ids
//!   from an attribute, as above, stay as they are:
//!
//!   ```toml
//!   name_id_format = "persistent"
//!   name_id_attribute = "employeeNumber"
//!   ```
//!
//! * **Patterns** that PCRE would find bad when it runs are refused when the file is read; so is a replacement that names
//!   a group which the pattern does not have (PHP writes nothing), and an AttributeValueMap onto its own source without
//!   `keep` (SimpleSAMLphp fills it and takes it away).
//! * **Sessions** are in the store and survive a restart; no memcache is needed.
//!
//! ## Synchronisation
//!
//! | there | here |
//! |---|---|
//! | `idsync idp` | `sekisho sync run idp` |
//! | `idsync -r idp`, the difference check | `sekisho sync check idp --full`: reads, tells what differs, writes nothing; without `--full` what changed since the last run. That `-r` only reports is our reading of its manual |
//! | cron | `schedule` and `full_schedule` in `[[sync]]`, kept by `sekisho serve`; or cron as before |
//! | `ldaps://`, base DN, bind DN, password of the source | the `[[directory]]`; `search_base` where it is another |
//! | tenant, administrator, password of the target | `url`, and `token_file` or `user` and `password_file` |
//! | all users but the bind user | the same; nor `admin`, nor whom `seciossAccountStatus` calls deleted (`[sync.scope]`) |
//! | members of `cn=idsync,ou=Roles,ou=Groups` | `scope = { who = "selected" }` |
//! | the OU tree | `objects` with `"organization"`; `@organization` is the unit of a person |
//! | `cn=admin,ou=Roles,ou=Groups` | `@admin` in a rule; preset `secioss` has it |
//! | `ou=Services,ou=Groups` | `@services` |
//! | `ou=Organizations,ou=Groups`, `ou=Security,ou=Groups` | groups and security groups; one in several is under that with the smallest id, and a warning says so |
//! | `ou=Roles,ou=Groups` | `@roles`: the units from the top down and the name, as service, class and value |
//! | contacts, off by default | `objects` with `"contact"` |
//! | no passwords, a random one at creation | the same with preset `secioss` |
//! | its log | the same lines, and `result=` with the same codes; see [synchronisation](super::synchronisation) |
//!
//! All names of OUs and groups can be others: `[sync.conventions]`.
//!
//! ## The log
//!
//! The lines that people search for are the same: `<user> successfully authenticated`,
//! `Unable to locate metadata for <entityID>`, `Unable to load private key`, `LDAP search returned zero entries`.
