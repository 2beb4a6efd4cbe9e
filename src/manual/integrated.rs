//! # Integrated Windows authentication
//!
//! Whoever signed in to Windows has a Kerberos ticket, and signs in here without typing anything. The ticket is looked at by
//! a proxy in front (apache, or what else speaks Kerberos), or by sekisho itself. Either way the person's entry is looked up
//! in the directory each time: a ticket lives for ten hours, also when its account is disabled meanwhile. An account that is
//! unknown, disabled, expired or locked comes to the form, and the audit trail has the reason.
//!
//! ## What happens
//!
//! Where the sign-in page would be shown, a browser that may be asked is led to `/login/integrated`. With a ticket it goes on
//! to the application; without one the answer to the challenge is the sign-in page itself.
//!
//! | case | what happens |
//! |---|---|
//! | ForceAuthn | the form: a ticket is shown by the machine and proves nothing about who sits there now |
//! | IsPassive | a ticket is taken; without one the application hears NoPassive, and nobody sees a page |
//! | an application asks for the class Kerberos | the ticket; without one it hears NoAuthnContext, since the form would not help |
//! | an application asks for a class that a ticket does not give | the form |
//! | after a sign-out | the form with a button "Use my Windows sign-in"; nobody is signed in again without a click |
//! | somebody signed in at the form, and the ticket may be another person's | the same, where an application wants a ticket |
//! | the time of a session is over | the ticket again |
//!
//! Names come as `user@REALM`, `DOMAIN\user` or `user`, in any case. `realms` says which directory a realm or domain is; any
//! other is refused. A bare `user` is taken only while `realms` names a single directory of a single realm. The user is then
//! looked up by the directory's `login_filter`, which must find people by their Windows name (`sAMAccountName={login}`).
//! A directory may be of several realms, as a global catalogue is: there the domain in the entry's DN must have the name of
//! the realm, so that a namesake in another domain is nobody, and a NetBIOS name cannot stand beside them.
//!
//! ## A proxy that looks at tickets
//!
//! ```toml
//! # sekisho.toml
//! [listen]
//! trusted_proxies = ["127.0.0.1"]                  # whose X-Forwarded-For is believed: the proxy's
//! [integrated]
//! enabled = true
//! proxies = ["127.0.0.1"]                          # where its connections come from
//! secret_file = "certs/proxy-secret"               # what it sends as X-Sekisho-Proxy-Secret
//! realms = { "EXAMPLE.CO.JP" = "corp", "EXAMPLE" = "corp" }
//! # networks = ["10.0.0.0/8"]                      # whose browsers are asked; default: all that come by the proxy
//! ```
//!
//! The secret: `(umask 077; openssl rand -hex 32 > certs/proxy-secret)`. apache with `libapache2-mod-auth-gssapi`:
//!
//! ```apache
//! LimitRequestFieldSize 65536
//! ProxyPass / http://127.0.0.1:8080/
//! RequestHeader unset X-Remote-User early
//! RequestHeader unset X_Remote_User early
//! RequestHeader unset X-Sekisho-Proxy-Secret early
//! <Location /login/integrated>
//!     AuthType GSSAPI
//!     AuthName sekisho
//!     GssapiCredStore keytab:/etc/apache2/http.keytab
//!     GssapiAllowedMech krb5
//!     GssapiNegotiateOnce On
//!     Require valid-user
//!     ErrorDocument 401 "/login?how=challenged&%{QUERY_STRING}"
//!     RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"
//!     RequestHeader set X-Sekisho-Proxy-Secret "the line of certs/proxy-secret"
//!     RequestHeader unset Authorization
//! </Location>
//! ```
//!
//! The file with the secret is then apache's secret too (`chmod 600`). A header counts only from `proxies`, beside the secret,
//! and when it is the only one of its name: a second copy, or `X_Remote_User` beside it, is refused (`SK-PROXY-HEADER`),
//! since it may be the client's. From anywhere else it is ignored, and the log says so.
//!
//! Other proxies: protect `/login/integrated` and nothing else, drop what clients send under the two names, and show
//! `/login?how=challenged&` with the query of the request inside the 401. IIS with ARR rewrites before it authenticates, so
//! that the variable `REMOTE_USER` is empty in its rules, as its users report; with IIS in front, switch its Windows
//! authentication off and give sekisho a keytab (below): the headers of the negotiation pass through. (Not tried here.)
//!
//! ## A keytab
//!
//! ```toml
//! # sekisho.toml
//! [integrated]
//! enabled = true
//! keytab = "certs/http.keytab"                     # readable by the user of sekisho alone
//! # principal = "HTTP/idp.example.co.jp@EXAMPLE.CO.JP"     # whose keys of it; default: all of HTTP/...
//! networks = ["10.0.0.0/8"]                        # whose browsers are asked: those of machines in the domain
//! realms = { "EXAMPLE.CO.JP" = "corp", "EXAMPLE" = "corp" }
//! ```
//!
//! This takes a program that was built with `cargo build --release --features kerberos` (Debian: `libkrb5-dev` and
//! `libclang-dev`), as a Debian package is to be; any other refuses the key. No `krb5.conf` is needed. Only browsers of
//! `networks` see a challenge, since a browser outside the domain may answer one with a window for a password. What such a
//! browser sends (NTLM), and any ticket that is of no use, leads to the form and to no second challenge. A ticket is taken
//! once: the replay cache of MIT Kerberos is on the machine (`/var/tmp/krb5_*.rcache2`), so that several nodes do not share
//! it. Behind a TLS proxy its headers must have room for tickets of people in many groups: 64 KB
//! (nginx: `large_client_header_buffers 4 64k`).
//!
//! `serve` and `check` start themselves anew with `KRB5_KTNAME` in the environment: the library takes the name of its keytab
//! from nowhere else. A new keytab takes a restart.
//!
//! ## The account and its keys
//!
//! Make a user account for the service, with a long random password and `This account supports Kerberos AES 256 bit
//! encryption`. The name after `HTTP/` is the host of `base_url`, as browsers see it; no other account may have it
//! (`setspn -Q HTTP/idp.example.co.jp`). On Windows:
//!
//! ```text
//! ktpass /out http.keytab /princ HTTP/idp.example.co.jp@EXAMPLE.CO.JP /mapuser EXAMPLE\svc-idp-http /crypto AES256-SHA1 /ptype KRB5_NT_PRINCIPAL +rndPass
//! ```
//!
//! On a Samba domain controller:
//!
//! ```text
//! samba-tool spn add HTTP/idp.example.co.jp svc-idp-http
//! samba-tool domain exportkeytab http.keytab --principal=HTTP/idp.example.co.jp
//! ```
//!
//! A new password of the account makes the keytab useless: write it anew. All names of one account have one key; give this
//! account no other service. Clocks may differ by 5 minutes.
//!
//! ## The browsers
//!
//! Browsers show tickets only to hosts that an administrator has named:
//!
//! | browser | what to set |
//! |---|---|
//! | Edge and Chrome on Windows | the group policy "Site to Zone Assignment List": `https://idp.example.co.jp` = 1 (intranet); or `AuthServerAllowlist` |
//! | Chrome and Chromium elsewhere | the policy `AuthServerAllowlist` = `idp.example.co.jp` |
//! | Firefox | the policy `Authentication` / `SPNEGO` = `["https://idp.example.co.jp"]`, or `network.negotiate-auth.trusted-uris` |
//! | Safari on macOS | nothing, in a domain |
//!
//! In the intranet zone "Automatic logon only in Intranet zone" must be in force, which is the default.
//!
//! ## When it does not work
//!
//! | what is seen | what it is |
//! |---|---|
//! | the form, and no line beside it | the browser has no ticket, or may not show it: `klist get HTTP/idp.example.co.jp` on the client, and the policy above |
//! | `the browser answered with NTLM` | no account has the SPN, two have it, or the address is an alias: browsers ask for the canonical host name |
//! | `no Kerberos ticket of use: <cause>` | the library's word: `No key table entry found` or `Decrypt integrity check failed` is a keytab that is not the account's; `Clock skew too great` |
//! | `the header x-remote-user is ignored: <cause>` | the proxy's address or its secret is not what is configured, or somebody tries |
//! | `unknown_realm`, `unknown`, `ambiguous` in the audit trail | `realms`, or the `login_filter` of the directory |
//! | `other_realm` in the audit trail | the directory is of several realms, and the entry is of another one; the log says which |
//! | a window that asks for a password | the browser is outside the domain and inside `networks`, or the proxy challenges everybody |
