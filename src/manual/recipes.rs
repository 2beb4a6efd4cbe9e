//! # The SaaS that companies in Japan use
//!
//! A recipe each: what to drop into `metadata/`, what to enter in the vendor's console, and what to look out for. Each
//! is a file under `tests/data/saas`, and `tests/it/saas` signs a person of an Active Directory on with it and compares
//! Issuer, NameID, Audience, Recipient, attributes and signatures with what is said here. None was tried against the
//! vendor's own service: that takes an account there. What stands under *Not checked* was not found in a document of
//! the vendor. Consoles and their words change; the vendor's page goes before this one.
//!
//! Replace `example` and `example.co.jp`, and the attributes that are yours. The recipes use the names of Active
//! Directory; with OpenLDAP write `uid` for `sAMAccountName`, and a mail address or the like for `userPrincipalName`.
//!
//! ## What every console asks for
//!
//! | the console's word | what to enter |
//! |---|---|
//! | entity ID, issuer, IdP エンティティ ID, 発行者 | `saml.entity_id`; by default `https://idp.example.co.jp/saml/metadata` |
//! | SSO URL, sign-in page URL, login URL, ログイン URL, SSO エンドポイント URL | `https://idp.example.co.jp/saml/sso` |
//! | sign-out page URL, logout URL, ログアウト URL | `https://idp.example.co.jp/logout` |
//! | change password URL, パスワード変更用 URL | `https://idp.example.co.jp/password`, where a directory has `password_change = true` |
//! | certificate, 証明書, 公開鍵 | `https://idp.example.co.jp/saml/certificate.pem` |
//! | metadata, メタデータ | `https://idp.example.co.jp/saml/metadata` |
//! | a link that starts at the IdP | `https://idp.example.co.jp/saml/sso/init?sp=ENTITYID` |
//!
//! `sekisho metadata --values ENTITYID` prints them. Take an RSA
//! key (`keys generate` makes one): the consoles of Microsoft, Google and cybozu.com name no other that sekisho makes.
//!
//! Where the vendor offers metadata as XML, drop that as `NAME.xml`, and take `entity_id`, `entity_id_aliases`, `acs`
//! and `name` out of the TOML of the same name: the XML says them, with the key of signed requests.
//!
//! ## Microsoft 365
//!
//! Drop Microsoft's metadata (see the source) as `metadata/microsoft365.xml`, and this beside it:
//!
//! ```toml
//! idp_entity_id = "https://idp.example.co.jp/saml/{upn_domain}"   # the IssuerUri of each federated domain
//! name_id_format = "persistent"
//! name_id_attribute = "objectGUID"         # or mS-DS-ConsistencyGuid: what the ImmutableID is made of
//! name_id_encoding = "base64"
//! attributes = ["IDPEmail"]
//!
//! [[authproc]]
//! priority = 50
//! filter = "AttributeCopy"
//! map = { userPrincipalName = "IDPEmail" }
//! ```
//!
//! The domains are federated from PowerShell, each with an issuer of its own, which is what `{upn_domain}` stands for.
//! Enter what the domain gives in place of it:
//!
//! | `New-MgDomainFederationConfiguration` | value |
//! |---|---|
//! | `-DomainId` | `example.co.jp` |
//! | `-IssuerUri` | `https://idp.example.co.jp/saml/example.co.jp`: `idp_entity_id` with the domain in it, as `sekisho metadata --values urn:federation:MicrosoftOnline` prints it without |
//! | `-PassiveSignInUri` | `https://idp.example.co.jp/saml/sso` |
//! | `-SignOutUri` | `https://idp.example.co.jp/logout` |
//! | `-SigningCertificate` | the base64 of the certificate in one line |
//! | `-PreferredAuthenticationProtocol` | `saml` |
//! | `-ActiveSignInUri` | leave it out: it is for ECP |
//!
//! * The domain is the text after the last `@` of the person's `userPrincipalName`, in lower case, as the directory has
//!   it before any filter. A person without one is refused (`Responder`, `UnknownPrincipal`), and the log says so. So
//!   `userPrincipalName` and `objectGUID` must be among the directory's `attributes`; `"*"` has both. With one domain
//!   alone a fixed `idp_entity_id`, or none, does as well.
//! * NameID is the ImmutableID (OnPremisesImmutableId) of the user in Entra ID. What Entra Connect makes it of, it
//!   calls the source anchor: `objectGUID`, or `mS-DS-ConsistencyGuid`, both as base64 of the 16 octets. The wrong one
//!   signs nobody in. A user without the attribute gets InvalidNameIDPolicy.
//! * `IDPEmail` must be the user's UserPrincipalName in Entra ID, to the letter.
//! * The default signs the assertion, which Microsoft asks for, and the Response, which it allows.
//! * Coming from AD FS with several domains: their issuers are `http://DOMAIN/adfs/services/trust/`, and `idp_entity_id
//!   = "http://{upn_domain}/adfs/services/trust/"` keeps them.
//! * A domain may be out for two hours after it is federated. The `onmicrosoft.com` domain cannot be federated: keep an
//!   administrator in it.
//! * Clients that do not use a browser need ECP: `ecp = true`, and what it means is in `metadata/README.md`.
//!
//! *Not checked*: the document has SHA-1 signatures as the only ones and, in a note below, SHA-1 as deprecated in
//! favour of SHA-256, which is what sekisho signs with. It says that NameID has "alpha numeric characters" and that `+`
//! is written as `.2B`; base64 has `+`, `/` and `=`. Other identity providers' guides (LemonLDAP::NG, Gluu) send plain
//! base64, as here.
//!
//! *Sources*: Microsoft Learn, "Use a SAML 2.0 Identity Provider (IdP) for Single Sign On"
//! (`how-to-connect-fed-saml-idp`), which names the address of the metadata; for AD FS's issuers, its page on hybrid
//! join of devices in federated domains.
//!
//! ## Google Workspace
//!
//! `metadata/google.toml`:
//!
//! ```toml
//! entity_id = "google.com/a/example.co.jp"
//! entity_id_aliases = ["google.com"]       # the issuer where the domain-specific one is not switched on
//! acs = ["https://www.google.com/a/example.co.jp/acs", "https://accounts.google.com/a/example.co.jp/acs"]
//! name = "Google Workspace"
//! name_id_format = "emailAddress"
//! name_id_attribute = "mail"
//! send_attributes = false                  # nothing beyond ASCII may arrive there
//! ```
//!
//! | Admin console: Security, Authentication, SSO with third party IdP (サードパーティの IdP による SSO) | value |
//! |---|---|
//! | Sign-in page URL (ログインページの URL) | `/saml/sso` |
//! | Sign-out page URL (ログアウトページの URL) | `/logout` |
//! | Verification certificate (確認用の証明書) | RSA or DSA, PEM or DER |
//! | Use a domain-specific issuer (ドメイン固有の発行元を使用) | on; off, requests come from `google.com`, the alias |
//! | Change password URL (パスワード変更用 URL) | `/password`, or an address of yours |
//!
//! * NameID is the user's primary address at Google, and case counts.
//! * With the legacy profile (組織向けの SSO プロファイル) an attribute with a character beyond ASCII makes the sign-in fail, and
//!   2 KB is the most of all attributes. So none is sent.
//! * Recipient is the address of the primary domain, also for users of other domains of the same account.
//! * The newer SSO profiles show an entity ID and an ACS URL of their own: write those into `entity_id` and `acs`.
//! * Keep a super administrator who signs in at Google itself.
//!
//! *Not checked*: the value of Audience, here the issuer of the request (the document's own words were cut off where
//! they could be read); whether Google wants Response or assertion signed, here both.
//!
//! *Sources*: Google Workspace Admin Help, "SSO assertion requirements" (answer 6330801), "Set up SSO" (answer
//! 12032922, 6349809); SmartHR help, "Google WorkspaceのSAML認証設定の設定方法", for the Japanese words.
//!
//! ## Salesforce
//!
//! Drop what "Download Metadata" of the finished setting gives as `metadata/salesforce.xml`, and this as
//! `metadata/salesforce.toml`:
//!
//! ```toml
//! name_id_format = "unspecified"
//! name_id_attribute = "userPrincipalName"  # what stands in the Federation ID of the users
//! attributes = []
//! ```
//!
//! | Setup, Single Sign-On Settings (シングルサインオン設定), New from Metadata File (メタデータファイルから新規作成) | value |
//! |---|---|
//! | Issuer (発行者) | entityID |
//! | Identity Provider Certificate (ID プロバイダーの証明書) | the certificate |
//! | SAML Identity Type (SAML ID 種別) | Assertion contains the Federation ID from the User object |
//! | SAML Identity Location (SAML ID の場所) | Identity is in the NameIdentifier element of the Subject statement |
//! | Entity ID (エンティティ ID) | `https://example.my.salesforce.com`: the Audience |
//! | Identity Provider Login URL | `/saml/sso` |
//!
//! * NameID is compared with the Federation ID (統合 ID) of the user. "Make Federation ID case-insensitive" is on in new
//!   settings; without it case counts.
//! * Its requests are signed; sekisho verifies them with the key in the XML. Certificates run out there: fetch the XML
//!   again.
//! * The sign-on starts at My Domain only after the setting was ticked under My Domain, Authentication Configuration.
//! * The SAML Assertion Validator of the same page says what is wrong with the last Response.
//!
//! *Not checked*: the Japanese words but "シングルサインオン設定" and "メタデータファイルから新規作成"; attributes for just-in-time users.
//!
//! *Sources*: Salesforce Help, "Create a SAML Single Sign-On Setting in Salesforce"
//! (`sso_service_provider_configuration`), "SAML Login Errors" (`sso_saml_validation_errors`), "View and Edit Single
//! Sign-On Settings" (`sso_saml_detail`); Microsoft Learn, "Configure Salesforce for Single sign-on".
//!
//! ## AWS
//!
//! The Management Console by IAM roles. `metadata/aws.toml`:
//!
//! ```toml
//! entity_id = "urn:amazon:webservices"
//! acs = ["https://signin.aws.amazon.com/saml"]
//! name = "AWS"
//! name_id_format = "persistent"
//! attributes = [
//!     "https://aws.amazon.com/SAML/Attributes/Role",
//!     "https://aws.amazon.com/SAML/Attributes/RoleSessionName",
//!     "https://aws.amazon.com/SAML/Attributes/SessionDuration",
//! ]
//!
//! # AWS shows people by this name: 2 to 64 of A-Z a-z 0-9 _ . , + = @ -
//! [[authproc]]
//! priority = 50
//! filter = "AttributeCopy"
//! map = { userPrincipalName = "https://aws.amazon.com/SAML/Attributes/RoleSessionName" }
//!
//! # CN=AWS-123456789012-Admin,... is the role Admin of the account 123456789012.
//! [[authproc]]
//! priority = 60
//! filter = "AttributeAlter"
//! subject = "memberOf"
//! target = "https://aws.amazon.com/SAML/Attributes/Role"
//! pattern = '/^CN=AWS-([0-9]{12})-([\w.@-]+),.*$/i'
//! replacement = 'arn:aws:iam::$1:role/$2,arn:aws:iam::$1:saml-provider/sekisho'
//!
//! # Groups whose names do not say it.
//! [[authproc]]
//! priority = 70
//! filter = "AttributeValueMap"
//! sourceattribute = "memberOf"
//! targetattribute = "https://aws.amazon.com/SAML/Attributes/Role"
//! keep = true
//!
//! [authproc.values]
//! "arn:aws:iam::210987654321:role/Billing,arn:aws:iam::210987654321:saml-provider/sekisho" = ["CN=経理,OU=Groups,DC=example,DC=co,DC=jp"]
//!
//! [[authproc]]
//! priority = 80
//! filter = "AttributeAdd"
//! add = { "https://aws.amazon.com/SAML/Attributes/SessionDuration" = "28800" }   # seconds; 900 to 43200
//! ```
//!
//! In IAM, make an identity provider (ID プロバイダー) of type SAML with sekisho's metadata; its name is the end of
//! `saml-provider/sekisho` above. Make roles that trust it for SAML, with `SAML:aud`
//! `https://signin.aws.amazon.com/saml`. People start at `/saml/sso/init?sp=urn:amazon:webservices`.
//!
//! | attribute (names count to the letter) | from |
//! |---|---|
//! | `https://aws.amazon.com/SAML/Attributes/Role` | a pair "role ARN,provider ARN" for each group in `memberOf` named `AWS-ACCOUNT-ROLE`, by AttributeAlter; and for listed groups, by AttributeValueMap |
//! | `https://aws.amazon.com/SAML/Attributes/RoleSessionName` | `userPrincipalName`, by AttributeCopy: 2 to 64 letters, digits and `_ . , + = @ -`, no blanks |
//! | `https://aws.amazon.com/SAML/Attributes/SessionDuration` | seconds, 900 to 43200, by AttributeAdd; the role must allow as much |
//!
//! * `memberOf` has the groups that a person is in directly, and not the primary one. For nested groups put
//!   AttributeAddUsersGroups before the others (`priority = 40`, `groups = "memberOf"`): it adds the rest.
//! * AttributeValueMap compares distinguished names to the letter; AttributeAlter's pattern has the flag `i`.
//! * Whoever is in no such group gets no role, and AWS an assertion that it cannot use: let nobody else in by `allow =
//!   ["group:CN=AWS Users,OU=Groups,DC=example,DC=co,DC=jp"]`.
//! * The console session ends at the earlier of SessionDuration and SessionNotOnOrAfter. The latter is the end of the
//!   session here (`session.lifetime`); `session_not_on_or_after = false` leaves it out.
//! * With several pairs AWS asks the person for one.
//! * IAM keeps sekisho's certificate in the metadata that it was given: give it new metadata before a roll-over.
//!
//! *Not checked*: the word for the provider in the Japanese console beyond "ID プロバイダー"; AWS's own metadata
//! (`https://signin.aws.amazon.com/static/saml-metadata.xml`), which run out, and which this recipe does without.
//!
//! *Source*: AWS IAM User Guide, "Configure SAML assertions for the authentication response".
//!
//! ## SeciossLink
//!
//! The service of the product that sekisho follows, as an SP behind this IdP. `metadata/seciosslink.toml`:
//!
//! ```toml
//! entity_id = "https://slink.secioss.com/example"      # with the tenant's ID
//! acs = ["https://slink.secioss.com/acs"]              # from the request or the metadata
//! name = "SeciossLink"
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
//! | 認証, SAML ID プロバイダー, 登録 | value |
//! |---|---|
//! | エンティティ ID | entityID |
//! | ログイン URL | `/saml/sso` |
//! | ログアウト URL, SAML ログアウト | `/logout`; its SAML ログアウト was not tried |
//! | ID の属性 | what the NameID is: ユーザ ID here; メールアドレス or 社員番号 with another `name_id_attribute` |
//! | SAML 公開鍵 | the certificate |
//!
//! * The entityID of its requests has the tenant's ID where "送信するエンティティ ID" is ticked.
//! * Filters and attributes are those of the ancestor's own configuration: `uid` or `sAMAccountName` becomes
//!   `seciosssystemid`.
//!
//! *Not checked*: the ACS URL, for which the recipe has a place holder (the log of the first request, or its metadata,
//! has the true one); the two attributes, which no page of the manual names.
//!
//! *Source*: SeciossLink 管理者ガイド, "SAML ID プロバイダー", and its earlier edition "SAML ID プロバイダ".
//!
//! ## kintone, Garoon and the rest of cybozu.com
//!
//! One setting for all services of a subdomain. `metadata/kintone.toml`:
//!
//! ```toml
//! entity_id = "https://example.cybozu.com" # without a slash at its end
//! acs = ["https://example.cybozu.com/saml/acs"]
//! name = "kintone, Garoon"
//! name_id_format = "unspecified"
//! name_id_attribute = "sAMAccountName"     # what stands in the login name (ログイン名) of the users
//! attributes = []
//! ```
//!
//! | cybozu.com 共通管理, システム管理, セキュリティ, ログイン: 「SAML認証を有効にする」 | value |
//! |---|---|
//! | Identity ProviderのSSOエンドポイントURL(HTTP-Redirect) | `/saml/sso` |
//! | cybozu.comからのログアウト後に遷移するURL | `/logout` |
//! | 証明書を登録する | RSA (or DSA); SHA-1 or SHA-256 |
//!
//! * NameID is the login name (ログイン名) of the user in cybozu.com: what `name_id_attribute` gives must be just that.
//! * The entityID ends without a slash. Outside Japan it is `https://example.kintone.com`.
//! * "Service Provider メタデータのダウンロード" gives the XML. kintone and Garoon in the cloud need nothing else.
//! * `https://example.cybozu.com/login?saml=off` signs in without SAML, for administrators even where SAML is required
//!   (「SAML認証の使用を必須にする」). Where it is, programs other than administrators' cannot use passwords with the APIs.
//!
//! *Not checked*: the NameID format (the manual says "NameID"; unspecified here, and a request may ask for another);
//! whether Response or assertion must be signed (both are); Garoon installed on one's own server.
//!
//! *Sources*: cybozu.com help, "STEP1: Registering cybozu.com with the IdP" (`saml_idp_settings`; read in its editions
//! for cybozu.cn and kintone.com), "STEP 2: Configuring SAML Authentication for cybozu.com" (`saml_settings`),
//! "ログイン時にSAML認証だけを使うように制限する" (`saml_restriction`); Microsoft Learn's article on Cybozu (cybozu.com), for entityID and
//! ACS.
//!
//! ## Zoom
//!
//! `metadata/zoom.toml`; `https://example.zoom.us/saml/metadata/sp` has the XML once the setting is saved:
//!
//! ```toml
//! entity_id = "https://example.zoom.us"    # as the SSO page of Zoom shows it
//! entity_id_aliases = ["example.zoom.us"]
//! acs = ["https://example.zoom.us/saml/SSO"]
//! name = "Zoom"
//! name_id_format = "emailAddress"
//! name_id_attribute = "mail"
//! attributes = ["urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:2.5.4.4", "urn:oid:2.5.4.42"]
//!
//! [[authproc]]
//! priority = 50
//! filter = "AttributeCopy"
//!
//! [authproc.map]
//! mail = "urn:oid:0.9.2342.19200300.100.1.3"
//! sn = "urn:oid:2.5.4.4"
//! givenName = "urn:oid:2.5.4.42"
//! ```
//!
//! | Advanced, Single Sign-On (シングルサインオン) | value |
//! |---|---|
//! | Sign-in page URL | `/saml/sso` |
//! | Sign-out page URL | `/logout` |
//! | Identity provider certificate | without the lines BEGIN and END |
//! | Issuer (IDP Entity ID) | entityID |
//! | Binding | HTTP-Redirect or HTTP-POST |
//! | Signature hash algorithm | SHA-256 |
//!
//! * A vanity URL must have been approved first.
//! * In SAML Response Mapping enter the three names above for email, last name and first name. NameID may be any unique
//!   value of the person; a mail address here. Who is unknown is created.
//!
//! *Not checked*: which spelling of the SP's entityID an account has. Zoom's own pages and Microsoft's differ; the
//! recipe takes both as Issuer, and `entity_id` is the Audience. Whether Response or assertion must be signed.
//!
//! *Sources*: Zoom Support, "Getting started with SSO" (KB0065487), Zoom Library, "SSO Field Guide"; Microsoft Learn,
//! "single sign-on (SSO) integration with Zoom"; ADFS sample of the PowerShell module MSIdentityTools (Identifier, ACS,
//! assertion signed).
//!
//! ## Slack
//!
//! `metadata/slack.toml`:
//!
//! ```toml
//! entity_id = "https://slack.com"
//! acs = ["https://example.slack.com/sso/saml"]
//! name = "Slack"
//! name_id_format = "persistent"            # computed: it says nothing, and never changes
//! attribute_name_format = "unspecified"
//! attributes = ["User.Email", "User.Username", "first_name", "last_name"]
//!
//! [[authproc]]
//! priority = 50
//! filter = "AttributeCopy"
//! map = { mail = "User.Email", sAMAccountName = "User.Username", givenName = "first_name", sn = "last_name" }
//! ```
//!
//! | Authentication, SAML (認証), Configure | value |
//! |---|---|
//! | SAML SSO URL | `/saml/sso` |
//! | Identity provider issuer (ID プロバイダ発行者) | entityID |
//! | Public certificate | the certificate |
//! | Advanced options: Service provider issuer | `https://slack.com`, or the workspace's URL, as `entity_id` says |
//! | Advanced options: AuthnContextClassRef | PasswordProtectedTransport, which a sign-in over TLS is, or don't send this value |
//! | Responses signed (署名つきレスポンス), Assertions signed | both |
//!
//! * NameID is persistent, and must stay with the person: Slack binds the account to it. A computed one hangs on
//!   `name_id_secret` and on the name of the `[[directory]]`.
//! * `User.Email` is required; `User.Username`, `first_name` and `last_name` are not.
//! * Slack has no single logout. Enterprise organisations have `https://example.enterprise.slack.com/sso/saml` as ACS.
//!
//! *Not checked*: the document's NameID has the workspace as NameQualifier; sekisho's has the IdP, as saml-core 8.3.7
//! says.
//!
//! *Sources*: Slack Help, "Custom SAML single sign-on" (205168057), "SAML 認証エラーのトラブルシューティング" (360037402653); Microsoft
//! Learn, "Configure Slack for Single sign-on".
//!
//! ## Box
//!
//! `metadata/box.toml`:
//!
//! ```toml
//! entity_id = "box.net"
//! acs = ["https://sso.services.box.net/sp/ACS.saml2"]
//! name = "Box"
//! name_id_format = "emailAddress"
//! name_id_attribute = "mail"
//! attributes = ["mail", "givenName", "sn"]
//! ```
//!
//! Box's administrators upload sekisho's metadata (Admin Console, Enterprise Settings, User Settings, Configure SSO),
//! and name the attribute with the mail address, which must be that of the user in Box; given name and surname may go
//! along.
//!
//! *Not checked*: the words of the console; the names `mail`, `givenName` and `sn`, which are the administrator's to
//! choose (Ping Identity's guide has the last two); NameID format and signatures.
//!
//! *Sources*: Box Support, "Setting Up Single Sign On (SSO) for Your Enterprise" (360043696514); Microsoft Learn's
//! article on Box, for entityID and ACS.
//!
//! ## freee
//!
//! `metadata/freee.toml`:
//!
//! ```toml
//! entity_id = "https://freee.example/entity-id"        # [Entity ID] of the SAML SSO page
//! acs = ["https://freee.example/acs"]                  # [ACS URL] of that page
//! name = "freee"
//! name_id_format = "emailAddress"
//! name_id_attribute = "mail"
//! attributes = []
//! ```
//!
//! Open 事業所管理, セキュリティ, SAML SSO を設定する. 「freee(サービスプロバイダ)の情報」 shows Entity ID and ACS URL: enter them above. Upload
//! sekisho's metadata there, and switch SAML on for each member. Name the NameID as mail address, with the format
//! emailAddress. The SAML option plan is needed. freee サイン has a page and values of its own.
//!
//! *Not checked*: the two values themselves, for which the recipe has place holders; signatures.
//!
//! *Sources*: freee ヘルプセンター, "SAMLログインを設定する" (37515787435417); SmartHR ヘルプセンター, "freeeのSAML認証設定の設定方法".
//!
//! ## SmartHR
//!
//! `metadata/smarthr.toml`:
//!
//! ```toml
//! entity_id = "https://example.smarthr.jp/external_saml/metadata"
//! acs = ["https://example.smarthr.jp/external_saml/acs"]
//! name = "SmartHR"
//! name_id_format = "unspecified"
//! name_id_attribute = "userPrincipalName"  # what stands in 連携 IdP アカウント
//! attributes = []
//! ```
//!
//! Open 共通設定, SAML SSO 設定, サービスプロバイダ情報: it shows ACS URL and Audience (`entity_id`), and exports metadata. Upload
//! sekisho's metadata there, and test with 設定の確認をする. In SAML SSO アカウント each account gets 連携 IdP アカウント: the value of the
//! NameID.
//!
//! *Not checked*: signatures. The format unspecified is from SmartHR's page for Okta.
//!
//! *Sources*: SmartHR ヘルプセンター, "SAML SSOの初期設定" (360037010093), "アカウントに対してSAML SSOを有効化・無効化する" (360037085933),
//! "Oktaの設定方法" (360039744674).
