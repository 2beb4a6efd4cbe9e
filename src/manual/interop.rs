//! # Service providers, one by one
//!
//! What to drop where, which policy to set, and how the other side's configuration looks. The first four kinds are run
//! by `tests/interop`, from their Debian and PyPI packages, against the real binary; the lines of configuration shown
//! here are those of the tests. What stands under [others](#others) was read in their documents and code, and not run.
//!
//! ## For every kind
//!
//! 1. Give the SP our metadata: `https://idp.example.co.jp/saml/metadata`, or the file that `sekisho metadata` writes.
//! 2. Put the SP's metadata into `metadata/NAME.xml`, and what you decide about it into `metadata/NAME.toml`.
//! 3. Run `sekisho check`, and read the SP's line.
//!
//! ```toml
//! attributes = ["uid", "displayName"]      # nothing is released without a list
//! name_id_format = "persistent"            # where the SP asks for nothing, or for "unspecified"
//! verify_requests = "required"             # if the SP signs what it sends
//! encrypt = "never"                        # "always" where the SP wants it; its metadata must have a key for it
//! ecp = false                              # true for clients that are no browsers; it goes past any second factor
//! ```
//!
//! What goes wrong most often, with every kind:
//!
//! * **The clock** of the SP. An assertion is good from 30 seconds before to 5 minutes after it was made.
//! * **A logout that is not signed.** LogoutRequests must be signed, also by SPs whose AuthnRequests need not be. An
//!   unsigned one ends at our page that asks the person whether to sign out.
//! * **Cookies.** A Response by POST comes from another site: an SP's session cookie with `SameSite=Lax` is not sent
//!   with it. SPs that look for the cookie there say "state lost" or "no session".
//! * **RequestedAuthnContext.** Several toolkits ask for PasswordProtectedTransport unless told otherwise. That is what
//!   a sign-in with a password over https is. With `http://` in `base_url` it is not, and the answer is NoAuthnContext.
//!
//! ## What the tests drive
//!
//! | | mod_auth_mellon | Shibboleth SP | SimpleSAMLphp | python3-saml |
//! |---|---|---|---|---|
//! | version | 0.18.1 | 3.4.1 | 1.19.7 | 1.16.0 |
//! | request by redirect, unsigned and signed | yes | yes | yes | yes |
//! | request by POST, signed | yes | yes | yes | it has none |
//! | encrypted assertion | yes | yes | yes | yes |
//! | Response by artifact | yes | yes | yes | it has none |
//! | ECP | yes | yes | it has none | it has none |
//! | logout by redirect | yes | yes | yes | yes |
//! | logout by POST | it has none | yes | yes | it has none |
//! | logout by SOAP from us | yes | yes | broken there | it has none |
//!
//! Each with a persistent, transient, emailAddress and unspecified NameID, and with logout begun by the SP, by us, and
//! with another SP in the session that is dead.
//!
//! ## mod_auth_mellon
//!
//! `mellon_create_metadata ENTITYID https://sp.example.com/mellon` makes key, certificate and metadata. Its metadata
//! goes to `metadata/NAME.xml`, ours to the file that `MellonIdPMetadataFile` names; apache reads it when it starts.
//!
//! ```apache
//! <Location /example>
//!     MellonEnable auth
//!     MellonEndpointPath /example/mellon
//!     MellonSPMetadataFile /etc/apache2/mellon/sp.example.xml
//!     MellonSPPrivateKeyFile /etc/apache2/mellon/sp.example.key
//!     MellonSPCertFile /etc/apache2/mellon/sp.example.crt
//!     MellonIdPMetadataFile /etc/apache2/mellon/idp.example.xml
//!     AuthType Mellon
//!     Require valid-user
//! </Location>
//! ```
//!
//! * **NameID.** It asks for the first `<NameIDFormat>` of its own metadata, and without one, as
//!   `mellon_create_metadata` leaves it, for transient. Then a `name_id_format` here has no effect: write the element,
//!   or set `name_id_force = true` beside it.
//! * **Signed requests.** `AuthnRequestsSigned="true"` in its metadata makes it sign, and us insist on it.
//! * **POST.** It sends by redirect as long as our metadata offers that. For requests by POST give it a copy of our
//!   metadata without the redirect endpoint of SingleSignOnService.
//! * **Artifact.** Its ACS is `/mellon/artifactResponse` with the HTTP-Artifact binding, in place of `postResponse`.
//! * **ECP.** An AssertionConsumerService `/mellon/paosResponse` with the PAOS binding in its metadata, `ecp = true` in
//!   `NAME.toml`.
//! * **Logout.** `/mellon/logout?ReturnTo=URL`; the URL must be of its own host or in `MellonRedirectDomains`. It takes
//!   LogoutRequests at `/mellon/logout` by redirect and by SOAP: with the SOAP endpoint in its metadata people are
//!   signed out there without their browser. It signs LogoutRequests even when it does not sign AuthnRequests.
//! * **Two sign-ins of one person.** It looks for the session to end by the NameID alone, among all browsers and all
//!   Locations of the server, and takes the first. Is that another one than we mean, it refuses, and our page says so.
//!   NameIDs that differ by SP (persistent, transient) keep Locations apart; for two browsers of one person only
//!   transient does.
//! * **Several Locations** under one host that are SPs of their own need a `MellonVariable` each, or one's session
//!   cookie overwrites the other's.
//! * It loads all root certificates of the system each time it reads metadata, which slows first requests, not later
//!   ones.
//!
//! ## Shibboleth SP
//!
//! `https://sp.example.com/Shibboleth.sso/Metadata` gives its metadata: save it as `metadata/NAME.xml`. It begins with
//! a comment that warns not to use it as it is; for one SP and one IdP it does.
//!
//! ```xml
//! <ApplicationDefaults entityID="https://sp.example.com/shibboleth" signing="true">
//!   <Sessions lifetime="28800" timeout="3600" relayState="ss:mem" checkAddress="false"
//!       handlerSSL="true" cookieProps="https"> <!-- example.com has TLS -->
//!     <SSO entityID="https://idp.example.co.jp/saml/metadata">SAML2</SSO>
//!     <Logout signing="true">SAML2 Local</Logout> <!-- example: all bindings -->
//!     <Handler type="MetadataGenerator" Location="/Metadata" signing="false"/>
//!   </Sessions>
//!   <MetadataProvider type="XML" path="/etc/shibboleth/idp.example.xml"/>
//! </ApplicationDefaults>
//! ```
//!
//! ```xml
//! <Attribute name="uid" nameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic" id="uid"/>
//! ```
//!
//! * **Attributes.** It drops what `attribute-map.xml` does not name, by name *and* NameFormat. Our `displayName` goes
//!   out as `attrname-format:basic`, and without `nameFormat` the map means `uri`: write it, as above, or rename the
//!   attributes to their `urn:oid:` names by an AttributeMap.
//! * **Signing.** Without `signing="true"` it signs a request only if we publish WantAuthnRequestsSigned, and a
//!   LogoutRequest never. `<Logout signing="true">` signs logout alone.
//! * **Logout.** It publishes SOAP first, then redirect, POST and artifact; we take SOAP, so its host must be reached
//!   from ours. `/Shibboleth.sso/Logout?return=URL` begins one; `outgoingBindings` of `<Logout>` chooses how. By default
//!   it asks for no answer (Asynchronous), and people end at our page that says who was told. With
//!   `asynchronous="false"` on `<Logout>` they come back to the SP.
//! * **POST.** `<SSO outgoingBindings="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" ...>`.
//! * **NameID.** It asks for what `ShibRequestSetting NameIDFormat` says, else for nothing.
//! * **Artifact.** It names the ACS that it wants: `<SSO acsIndex="3" ...>` is the artifact one of its `protocols.xml`.
//! * **ECP.** `<SSO ECP="true" ...>` there, `ecp = true` in `NAME.toml`. What goes to an enhanced client it signs with
//!   SHA-1, which is refused here, unless `signingAlg="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"` stands beside
//!   `signing`.
//! * **SOAP without TLS** (a closed network) needs `requireConfidentiality="false"` on ApplicationDefaults.
//! * Its cookie for the request is `SameSite=None` also where the site has no TLS; browsers drop it there, and it gets
//!   along without.
//!
//! ## SimpleSAMLphp
//!
//! `https://sp.example.com/simplesaml/module.php/saml/sp/metadata.php/default-sp` gives its metadata. Ours is one entry
//! of `metadata.sources` with `'type' => 'xml'`, or converted by its metadata converter.
//!
//! ```php
//! 'default-sp' => [ // https://sp.example.com
//!     'saml:SP',
//!     'idp' => 'https://idp.example.co.jp/saml/metadata',
//!     'privatekey' => 'sp.key',
//!     'certificate' => 'sp.crt',
//!     'sign.logout' => true,
//!     'validate.logout' => true,
//!     'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
//!     'WantAssertionsSigned' => true,
//! ],
//! ```
//!
//! * **Signing.** `'sign.authnrequest' => true` signs AuthnRequests and says so in its metadata; `'sign.logout'` is a
//!   key of its own and is needed for logout.
//! * **NameID.** Without `'NameIDPolicy'` it asks for transient. `'NameIDPolicy' => []` asks for nothing, and then
//!   `name_id_format` decides.
//! * **Logout by SOAP.** With `'store.type' => 'sql'` its metadata offers SOAP. Version 1.19.7 then ends the session but
//!   answers with an error page, so that we say "perhaps still signed in": leave it out by
//!   `'SingleLogoutServiceBinding' => ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect']`. With `phpsession` it is
//!   not offered.
//! * **Logout by POST.** `'SingleLogoutServiceBinding'` lists what it publishes; it begins by redirect as long as our
//!   metadata offers that.
//! * **Artifact.** `'ProtocolBinding'` and `'acs.Bindings'` with HTTP-Artifact; PHP needs its `soap` extension. Over
//!   https it takes our *signing* certificate for the one of the TLS server: where these differ, it fails.
//! * **Encryption.** `'assertion.encryption' => true` refuses an assertion that is not encrypted.
//! * "State information lost" means that its session cookie did not come back: one host name, https, and
//!   `'session.cookie.samesite' => 'None'`.
//!
//! ## python3-saml
//!
//! OneLogin's toolkit, and what is built on it (python-social-auth). `get_sp_metadata()` gives the metadata. Version
//! 1.16 stamps it with validUntil two days ahead; a file that was dropped here by hand is good for longer, `check` only
//! mentions it (unless `enforce_valid_until = true`).
//!
//! ```json
//! "strict": true,
//! "security": {
//!     "logoutRequestSigned": true,
//!     "logoutResponseSigned": true,
//!     "wantMessagesSigned": true,
//!     "wantAssertionsSigned": true,
//!     "rejectDeprecatedAlgorithm": true,
//! ```
//!
//! `OneLogin_Saml2_IdPMetadataParser.parse(xml)` makes the `idp` part from our metadata.
//!
//! * **Installing.** `lxml` and `xmlsec` must hold the same libxml2, or the import fails with "library version
//!   mismatch". The wheels `lxml==6.1.3` and `xmlsec==1.3.17` do.
//! * **Both signatures.** `wantMessagesSigned` and `wantAssertionsSigned` are both met by `sign = "both"`, the default.
//! * **RequestedAuthnContext.** Its default asks for exactly PasswordProtectedTransport; see above. `false` asks for
//!   nothing.
//! * **NameID.** `"NameIDFormat"` of `sp` is what it asks for.
//! * **Encryption.** With `"wantAssertionsEncrypted": true` it publishes a key for it and refuses what is not
//!   encrypted.
//! * **Bindings.** It sends by redirect and takes Responses by POST; logout goes by redirect both ways, and
//!   `process_slo()` must be told the query string as it came (`query_string`, `validate_signature_from_qs`) to verify.
//! * **Partial logout.** If another SP did not answer, our LogoutResponse is Success with PartialLogout inside.
//!   `process_slo()` reads the outer code alone, so the person is not told there; our page told them before.
//! * **What ends a session.** `process_slo()` compares neither the name nor the SessionIndex of a LogoutRequest with the
//!   session of the browser, and InResponseTo only where one is there and `request_id` is given: the application has to.
//!
//! ## Others
//!
//! Read, not run.
//!
//! * **Spring Security** reads our metadata from `metadata-uri`, and signs AuthnRequests only if it says
//!   WantAuthnRequestsSigned (`want_authn_requests_signed = true`, for all SPs); `sign-request` has no effect beside
//!   `metadata-uri` (spring-security#11818). So do not set `verify_requests = "required"` otherwise. Its metadata is at
//!   `/saml2/metadata/REGISTRATION`. It takes logout at `/logout/saml2/slo`, by redirect or POST, never by SOAP, and
//!   needs a key of its own for that.
//! * **Keycloak as broker.** "Import from URL" reads our metadata. It asks for a persistent NameID unless "NameID
//!   policy format" says otherwise. Its metadata is at the provider's `/broker/ALIAS/endpoint/descriptor`. "Backchannel
//!   logout" there posts a LogoutRequest from Keycloak's server to our logout endpoint, without a browser and its
//!   cookies.
//! * **node-saml, passport-saml.** Redirect for AuthnRequests, or `authnRequestBinding: "HTTP-POST"`; Responses by
//!   POST. It asks for an emailAddress NameID unless `identifierFormat` is set, and for PasswordProtectedTransport
//!   unless `disableRequestedAuthnContext`. `signatureAlgorithm` was `sha1` by default in older versions, which is
//!   refused here: set `"sha256"`. `acceptedClockSkewMs` is 0 by default.
//! * **ruby-saml.** `IdpMetadataParser` reads our metadata. It asks for what `name_identifier_format` says;
//!   `allowed_clock_drift` is nothing by default.
//! * **samlify** throws `ERR_METADATA_CONFLICT_REQUEST_SIGNED_FLAG` unless its `authnRequestsSigned` equals our
//!   WantAuthnRequestsSigned: set `want_authn_requests_signed` for all SPs, or give it a copy of our metadata that
//!   agrees.
