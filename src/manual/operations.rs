//! # Running it
//!
//! ## As a service
//!
//! ```ini
//! # /etc/systemd/system/sekisho.service
//! [Service]
//! User=sekisho
//! Environment=SEKISHO_CONFIG=/etc/sekisho/sekisho.toml
//! ExecStartPre=/usr/local/bin/sekisho check
//! ExecStart=/usr/local/bin/sekisho serve
//! Restart=on-failure
//! ```
//!
//! The user must be able to read the configuration, `certs/` and `metadata/`, and to write the folders of the store and
//! of the audit file. SIGTERM stops accepting, finishes what is under way within 10 s and exits with 0. The
//! configuration, the secrets and the listener's certificate are read at start: a change of theirs takes a restart, which
//! takes less than a second and ends no session. `metadata/`, `people.toml` and the key files of `[saml]` are watched
//! and need none; a key that cannot be used is named in the log (`the old keys stay in use`) and changes nothing.
//!
//! `/healthz` answers while the process does. `/readyz` answers 200 while the store and at least one directory do; what is
//! wrong is in the log.
//!
//! ## Metrics
//!
//! `[listen] admin = "127.0.0.1:9090"` opens one more address, in plain HTTP and without a password: let nobody but your
//! monitoring reach it. Any address but those of the machine itself (127.0.0.1, ::1) is a warning of `check` and of the
//! log; where the monitoring is elsewhere, write an address of the administrators' network and no other. It has no sign-in and no name of a person. `/readyz` there names, as JSON, each directory and what is
//! wrong with it, `/metrics` has the text of OpenMetrics, for Prometheus and whoever reads that:
//!
//! | series | what it is |
//! |---|---|
//! | `sekisho_audit_events_total{event,reason}` | records of the audit trail since the start, such as `signed_in`, or `sign_in_refused` with its reason |
//! | `sekisho_sync_runs_total{target,result}` | runs by this process: `complete`, `incomplete`, `held`, `stopped`, `interrupted`, `not_begun` |
//! | `sekisho_sync_writes_total{target,object,type,result}` | what they wrote, also one that carried out what an earlier run left and then could not begin: `add`, `modify`, `delete`; `ok` or `failed` |
//! | `sekisho_sync_linked_objects{target,object}` | objects that are known at the target |
//! | `sekisho_sync_held_operations{target}`, `sekisho_sync_failing_operations{target}` | what waits for `sekisho sync allow`, and what is tried again |
//! | `sekisho_sync_last_run_start_timestamp_seconds{target}`, `.._end_..`, `sekisho_sync_last_run_complete{target}` | the newest run, whoever made it |
//! | `sekisho_sync_paused{target}`, `sekisho_sync_token_expiry_timestamp_seconds{target}` | 1 while it is paused; `token_expires` |
//! | `sekisho_build_info{version}` | the version |
//!
//! ## The account for reading Active Directory
//!
//! `bind_dn` needs no more rights than every account has, but one: fine-grained password policies are for administrators'
//! eyes. Who uses them lets the account read the container `CN=Password Settings Container,CN=System` and what is in it.
//! Without that sekisho takes whomever such a policy applies to as locked by three wrong passwords, and the log says so.
//!
//! ## The account for reading whole directories
//!
//! Synchronisation reads everything below a base, and afterwards asks only for what changed. `bind_dn` needs:
//!
//! **Active Directory.** To read the people and their attributes, as every account may, and the entry of its domain
//! controller below `CN=Sites,CN=Configuration` (its invocationId; every account may as well). So that deletions are told
//! and not looked for by reading all ids each time, let it see deleted objects:
//!
//! ```text
//! dsacls "CN=Deleted Objects,DC=example,DC=co,DC=jp" /takeownership
//! dsacls "CN=Deleted Objects,DC=example,DC=co,DC=jp" /G EXAMPLE\svc-sekisho:LCRP
//! ```
//!
//! Without the right all works, and each run costs the time of such a sweep (a second for 100,000 people). Another domain
//! controller than the last time, or one that was restored, is read as a whole. With `changes = "dirsync"` another one goes
//! on where the last ended, and deletions are told in any case; for that the account needs one right on the domain, which
//! shows no passwords:
//!
//! ```text
//! dsacls "DC=example,DC=co,DC=jp" /G "EXAMPLE\svc-sekisho:CA;Replicating Directory Changes"
//! ```
//!
//! **OpenLDAP.** No limits, or a reading ends with an error when they are met; syncprov, so that changes are told by RFC 4533,
//! with a log of its session, so that deletions are:
//!
//! ```text
//! limits dn.exact="cn=reader,ou=service,dc=example,dc=test" size=unlimited time=unlimited
//! overlay syncprov
//! syncprov-sessionlog 10000
//! index entryCSN,entryUUID eq
//! ```
//!
//! Without syncprov, and with other servers, changes are found by modifyTimestamp (index it; clocks may differ by ten minutes)
//! and a sweep of all ids. An organisational unit that was changed in any way means that all is read: the entries below it
//! do not tell that they moved with it. An account whose time is over changes nothing in the directory when it ends: it is
//! noticed by the next reading of everything.
//!
//! ## Locks
//!
//! Windows locks an account after some wrong passwords, and sekisho never makes the last of them: before a password is
//! tried, the directory's own counters are looked at (badPwdCount with its observation window, also at the PDC emulator,
//! which must be reachable by its dNSHostName for that; pwdFailureTime of password policies, where `bind_dn` must be able to
//! read it and the `pwdPolicy` entries: without a pwdPolicySubentry the strictest of them is taken). Who mistyped at
//! Windows before has less tries left here. With a `dn_pattern` there is nothing to look at: keep `account_tries` below the
//! threshold.
//!
//! `sekisho throttle list` shows accounts, names and addresses with wrong passwords that count (`--json` for programs), and
//! `stopped` for those whose next try is refused or slowed. `sekisho throttle clear --user tanaka`, `--address 192.0.2.7` or
//! `--all` lets them try again, beside a running server, within a second; it is audited. Exit code 1: there was nothing to
//! clear. The directory's own counter is not touched: unlock there.
//!
//! ## Behind a TLS proxy
//!
//! Leave both TLS keys out of `[listen]`, set `address = "127.0.0.1:8080"`, keep `base_url` at the public `https://`
//! address, and name the proxy in `trusted_proxies`, since the throttle counts by client address.
//!
//! ```nginx
//! server {
//!     listen 443 ssl;
//!     server_name idp.example.co.jp;
//!     large_client_header_buffers 4 64k;      # a request waits in the address while its person signs in
//!     location / {
//!         proxy_pass http://127.0.0.1:8080;
//!         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
//!         proxy_buffer_size 64k;              # the same address in a Location header
//!         proxy_buffers 8 64k;
//!         proxy_busy_buffers_size 128k;
//!     }
//! }
//! ```
//!
//! Host and X-Forwarded-Proto are not looked at. Let the proxy pass `Origin`, `Referer` and cookies as they are, and add
//! no Content-Security-Policy of its own.
//!
//! ## Several nodes
//!
//! With `[store] url = "postgres://..."` nodes share sessions, throttle, logouts under way, artifacts and what
//! synchronisation keeps. Give each the same configuration, `certs/` and `metadata/` (a shared folder, or copies); any
//! balancer will do, since no request waits in a node.
//!
//! ```sql
//! CREATE ROLE sekisho LOGIN PASSWORD '...';
//! CREATE DATABASE sekisho OWNER sekisho ENCODING 'UTF8' TEMPLATE template0;
//! ```
//!
//! The user must own the database, since the tables are made and brought up to date at start; nodes that start together do it
//! one after the other. A node takes up to 18 connections (9 without synchronisation), a command beside it a few more.
//! They have settings of their own, so nothing may share them out by the transaction: connect directly, or by a pooler that
//! gives a whole session. A connection is waited for for 5 s, a lock for 2, an answer for 8 (synchronisation: 15, 15 and
//! 60); a transaction of a node that died in it is ended by the server after 20 s. What two nodes break off for each other
//! is tried again, four times in all.
//!
//! While the server is away, people get 503 with `SK-STORE` (or `SK-UNAVAILABLE`, where an SP waits for the answer) after
//! 5 s at most, `/readyz` says 503, and the log says why. A run of synchronisation stops and says the same; a scheduled one
//! is tried again a minute later. When the server is back, the next request finds it; nothing has to be restarted. A server
//! that can only be read, as after a failover, is not ready either. The URL has one host: who has several servers puts a
//! name or an address before them that leads to the one that is written to.
//!
//! The limits:
//!
//! * Each request with a session reads the database; nothing is cached there.
//! * A place for a password try is reserved in the node that makes it, and the others hear of it when the password was
//!   wrong. At the very same moment each node can let through what is left of `account_tries`, and each looks at the same
//!   counters of the directory: keep `account_tries` times the number of nodes below the lock-out threshold. The pauses of
//!   an address that sprays are each node's own, too.
//! * A metadata file is live when each node has read it, up to two seconds apart.
//! * Each node writes its own log and audit trail.
//! * Tested is PostgreSQL 15 as Debian 12 has it, on one machine, with texts sorted as in Japanese: signing in and out on one
//!   node and on two, runs of synchronisation with kills, two nodes at one target, a server that stops, starts, hangs, locks
//!   or only reads. Not tested: replicas and failover, poolers, TLS to the server, other versions.
//!
//! An SQLite file belongs to one server. Do not put it on a network file system.
//!
//! ## Backup
//!
//! | what | if it is lost |
//! |---|---|
//! | `certs/PrivateKey.pem`, `PublicKey.pem` | every SP has to be given a new certificate |
//! | `certs/name-id-secret` | every computed persistent NameID changes: SPs no longer know the people |
//! | the file of `legacy_salt_file`, where `persistent_id` is `legacy-sha1` | the same for the ids of SimpleSAMLphp |
//! | `sekisho.toml`, `metadata/`, `people.toml` | your work |
//! | the files of `saml.decryption_keys` | SPs that encrypt identifiers have to be given a new certificate |
//! | `certs/session-secret` | who is just signing in starts again; nothing else |
//! | the store | everybody signs in once more; wrong tries are forgotten |
//!
//! PostgreSQL is copied by its own means (`pg_dump`). With SQLite, copy the store while it runs with
//! `sqlite3 sekisho.db ".backup copy.db"`; a plain copy needs the server stopped. In WAL
//! mode a commit outlives the end of the process; losing power may cost the last ones, never the file. What is kept of
//! synchronisation is in a file of its own beside it, `sekisho-sync.db`, which is copied in the same way: its commits
//! outlive a loss of power, too. Without it the next run finds everybody again at the target by the ids and names there.
//!
//! ## Changing the signing key
//!
//! 1. Make the next pair beside the present one:
//!
//!    ```sh
//!    openssl req -x509 -newkey rsa:2048 -noenc -days 3650 -subj /CN=idp.example.co.jp \
//!        -keyout certs/next-key.pem -out certs/next.pem && chmod 600 certs/next-key.pem
//!    ```
//!
//! 2. `next_certificate = "certs/next.pem"` and restart: the metadata lists both certificates, the present key signs.
//! 3. Wait until each SP knows the next one. SPs that read the metadata do it by themselves; where a console takes two
//!    certificates, add it. Where it takes one only, its sign-ins break from one step to the other: do those together.
//! 4. `private_key = "certs/next-key.pem"`, `certificate = "certs/next.pem"`,
//!    `next_certificate = "certs/PublicKey.pem"`, restart: the next key signs, the former stays published.
//! 5. When nothing complains, remove `next_certificate`.
//!
//! An SP that is not ready at step 4 may keep the former key for a while: name both files as `private_key` and `certificate`
//! in its TOML. It is then signed for with that key, and `/saml/metadata?sp=ENTITYID` is its metadata; what others get
//! does not change. The same way one SP can go first.
//!
//! ## Changing a decryption key
//!
//! `decryption_keys` lists the files, each a key with its certificate. All are published and all are tried, so: put the
//! next one first, run `sekisho keys generate`, restart; when every SP encrypts to it, remove the former and restart.
//!
//! ## Upgrading
//!
//! `sekisho check` with the new program, then replace it and restart. The store's tables are brought up to date at start,
//! in one transaction, forwards only: an older program refuses a newer store, so keep a copy of it for the way back.
//!
//! ## The log
//!
//! Standard output, one record a line, `format = "text"` or `"json"`. Each request has one line, and everything that it
//! caused has its `request.id`, which the error page shows as well:
//!
//! ```text
//! 2026-11-24T01:06:41.389+09:00  INFO request method=POST path=/login status=303 duration_ms=2.713 request.id=F5BHECFEAFXC25T7 client.address=192.0.2.7
//! ```
//!
//! What to search for, `<...>` standing for what varies:
//!
//! | line | level | what it means |
//! |---|---|---|
//! | `<user> successfully authenticated` | info | the password was right |
//! | `<user> was refused` | info | the password was wrong, or the account may not; `reason` has the word of the audit trail |
//! | `the header <name> is ignored: <cause>` | warn | somebody who is not the proxy names a person; see [integrated](super::integrated) |
//! | `no Kerberos ticket of use: <cause>` | info | what a browser showed was refused |
//! | `<user> changed the password` | info | on a page of ours |
//! | `<user>: the new password was not taken` | info | `reason` has the rule, in the word of the audit trail |
//! | `Set password configuration` | info | the password API is on |
//! | `LDAP bind success` | info | a caller of the password API is who it says |
//! | `LDAP bind failed` | warn | it is not; `reason` says why |
//! | `Parameter error` | warn | a call that cannot be read; what it held is never logged |
//! | `Changing password succeeded` | info | by the password API |
//! | `Changing password failed: <detail>` | warn | the caller was told the same |
//! | `password API: refused` | warn | another network, no TLS, an account that is not listed, too many tries; see `reason` |
//! | `LDAP search returned zero entries` | info | no directory entry has this login name |
//! | `Unable to locate metadata for <entityID>` | warn | an SP that no file describes |
//! | `Unable to load private key <file>` | error | the server does not start; the line says why and what to do |
//! | `metadata loaded` | info | a file of `metadata/` is live |
//! | `metadata removed` | info | a file is gone, and its SP with it |
//! | `Unable to load metadata: <file, line, reason, remedy>` | error | a file is refused; what was last good of it stays |
//! | `the assertion must be encrypted, and no usable encryption key of the SP is known` | info | `encrypt = "always"`: the SP was told that it gets nothing; `sekisho check` says what is wrong with its keys |
//! | `people reloaded` | info | a changed `people.toml` is live |
//! | `people not reloaded; the last good ones stay` | error | it has a fault |
//! | `LDAP server is out` | warn | a server does not answer; the others are asked |
//! | `LDAP server refuses the service account; check bind_dn and bind_password` | warn | it answers, and does not take that account: the password is wrong, has expired, or the account is locked or disabled there; the others are asked |
//! | `LDAP server takes no password in clear; write ldaps:// in urls, or start_tls = true` | warn | it answers, and wants TLS before it takes a password, as Active Directory may; the others are asked |
//! | `LDAP server answers again` | info | it does |
//! | `<url> announces bulk requests and does not do them (<cause>): <what follows>` | warn | a service with SCIM; each change goes by itself until the run ends, and `bulk = false` in its `[[sync]]` spares the try |
//! | `CERTIFICATES ARE NOT VERIFIED` | warn | `verify_certificate = false` |
//! | `passwords go to this server in the clear` | warn | `ldap://` without StartTLS |
//! | `not ready: the store does not answer` | error | `/readyz` said no |
//! | `deferred writes failed, trying again` | error | the store takes no writes: disk full, locked by another program, PostgreSQL down |
//! | `sekisho serves` | info | started |
//! | `sekisho has stopped` | info | stopped in order |
//!
//! ## Sessions
//!
//! A person sees at `/sessions` where they are signed in, and ends there what they do not know. An administrator does the
//! same by `sekisho sessions list --user LOGIN` and `sekisho sessions end --user LOGIN` (or `--subject DIRECTORY/KEY`, as
//! log and audit trail name people); a running server heeds it within a second, and the SPs hear of it when the person
//! signs out at one of them or opens `/logout`. While somebody is signed in, the directory is asked again whether the
//! account may still be used when it was last looked at longer ago than `session.account_check` (15 minutes): a person who
//! was disabled or deleted, or whose account expired, loses all sessions, and the SPs that can be told without the browser
//! are told. A lock against guessed passwords ends no session: otherwise anybody could sign anybody out. While the
//! directory cannot be asked, sessions go on, and it is asked again a minute later; the log says so. With `dn_pattern` and
//! no `search_base` nobody but the person can read the entry, and nothing is asked.
//!
//! ## Single logout
//!
//! A logout begins at an SP (by redirect, POST or SOAP) or at `/logout`. The session here ends first. Then SPs whose metadata
//! name a SOAP endpoint are told by this server, side by side and for at most 5 s each: it must be able to reach them over
//! HTTPS. The others are told by the browser, one after the other. Before it is sent to one of those, this server looks
//! whether anybody answers there (a HEAD request, believed for 30 s); one that does not answer comes last, and the browser
//! looks for itself before it goes there. So where the server may not open connections to the outside, logout works all the
//! same, a little slower. Whoever could not be told is named on the page, and the SP that asked hears `PartialLogout`.
//!
//! A person who got stuck at an SP opens `/logout` and goes on from there, within 30 minutes. `saml.logout_without_question`
//! lets a link to `/logout` sign out at once, as SaaS with nothing but a sign-out URL want it; any page on the web can then
//! sign people out. `saml.after_logout_url` is where people go after a logout that began here and reached everybody.
//!
//! ## Passwords that people change
//!
//! With `password_change = true` in a `[[directory]]` its people get a page for a new password: at a sign-in with a right
//! password that has expired or must be changed, and then they go on to their application; from the start page; and at
//! `/password`, the address that SaaS consoles ask for. The directory decides on the new password, and its refusal is told in
//! words. A wrong old password counts as a wrong try. All other sessions of the person end. `password_warning` (14 days)
//! before a password ends its person is told once after a sign-in, and may go on. Several servers of one directory: a
//! password is sent to one alone, and never again when no answer came.
//!
//! **Active Directory.** `bind_dn` needs no right to write: the exchange proves the old password, and "Change password"
//! (User-Change-Password) is given to Everyone unless somebody took it away. It is sent over a connection of `bind_dn`,
//! since a person whose password has expired cannot bind. For the words "too short, at least 12 characters" `bind_dn` must
//! be able to read the domain (anybody may) and fine-grained policies (administrators alone, unless you give it "Read" on
//! `CN=Password Settings Container,CN=System`); without that the page lists what the rules may be. Users who "cannot change
//! password" are told to ask. The warning comes from `msDS-UserPasswordExpiryTimeComputed`.
//!
//! **OpenLDAP and relatives.** The password-modify operation (RFC 3062) on the person's own connection: `access to
//! attrs=userPassword by self =xw`. A password that has expired lets nobody bind: either the policy grants
//! `pwdGraceAuthNLimit`, or `bind_dn` gets `write` on `userPassword`. The warning is that of the password-policy overlay
//! (`pwdExpireWarning`).
//!
//! `people.toml` is never written to.
//!
//! ## Passwords that programs set
//!
//! A SaaS at which people change their password can push it into the company's directory. `[password_api]` opens
//! `POST /api/password`:
//!
//! ```text
//! curl https://idp.example.co.jp/api/password -H 'Content-Type: application/json' -d '{
//!   "bind_dn": "CN=svc-passwordsync,OU=Service,DC=example,DC=co,DC=jp", "bind_password": "...",
//!   "login": "tanaka", "password": "..." }'
//!   {"success":true,"code":"SK-OK","message":"Changing password succeeded","request_id":"F5BHECFEAFXC25T7"}
//! ```
//!
//! | status | `message` | when |
//! |---|---|---|
//! | 200 | `Changing password succeeded` | it is set; the person's sessions have ended |
//! | 400, 405, 413, 415 | `Parameter error` | the call cannot be read: all four fields, text, no other, at most 1024 octets each |
//! | 401 | `Bind DN or password is incorrect` | `bind_dn` is not in `callers`, or its password is wrong |
//! | 403 | `Not authenticated` | from elsewhere than `allowed_networks`, not over TLS, or without a certificate that is asked for |
//! | 422 | `Changing password failed: <detail>` | nobody has the login name, the account is privileged, a rule of the directory ... |
//! | 429 | `Not authenticated` | too many wrong tries (`[throttle]`), or more than `calls_per_minute` |
//! | 503 | `Changing password failed: <detail>` | the directory did not answer; try again |
//!
//! The caller binds for each call on a connection of its own, and what it may do is the directory's business. In Active
//! Directory give the account "Reset password" on the users below an OU and nothing else (Delegation of Control, or `dsacls
//! "OU=People,DC=example,DC=co,DC=jp" /I:S /G "EXAMPLE\svc-passwordsync:CA;Reset Password;user"`). In OpenLDAP: `write` on
//! `userPassword` below the base, and `pwdMustChange: FALSE` in the policy, or each person must change the password again.
//!
//! Accounts with `adminCount` other than 0, computers, the `callers` and `bind_dn` are refused whatever the caller may do.
//! `bind_dn` of the directory must be able to read `adminCount`; Active Directory itself takes a delegated right away from
//! such accounts. For the time of its "old password allowed period" (60 minutes) Active Directory goes on taking the old
//! password for NTLM; set `OldPasswordAllowedPeriod` to 0 where that matters.
//!
//! Calls come by the TLS of `[listen]`, through a proxy in `trusted_proxies` that says `X-Forwarded-Proto: https`, or from
//! this machine. With `client_certificates`, a file of CAs, each caller must show a certificate of theirs as well; that is seen
//! in our own TLS alone, so with a proxy in front it is the proxy that asks. Browsers use the same port: they offer a
//! certificate only to people who have one of these CAs, so take a CA that issues none to people.
//!
//! ## The audit trail
//!
//! JSON Lines, in UTC, to the file `[log] audit` or to standard output with `"target":"audit"`. The file is opened once and
//! appended to: rotate it by copying and truncating (logrotate's `copytruncate`). An event of each kind:
//!
//! ```json
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"signed_in","subject.id":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","login":"suzuki","authn.context":"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"sign_in_refused","login":"suzuki","subject.id":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","reason":"locked","locked_until":"2026-11-23T16:31:13Z"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"assertion_issued","subject.id":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","login":"suzuki","sp.entity_id":"https://sp.example.com/","name_id.format":"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent","attributes":["displayName","mail"],"attributes.missing":["employeeNumber"],"assertion.id":"_98c1c208d7e9159176d1e51f606944a232fb84b6","in_response_to":"_3275bffbf2fca66387ba834fe180b933f23f04ec"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"request_refused","sp.entity_id":"https://sp.example.com/","code":"SK-NOT-ALLOWED","reason":"suzuki is not in \"allow\" of https://sp.example.com/"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"session_ended","subject.id":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","login":"suzuki","reason":"disabled"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"signed_out","subject.id":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","login":"suzuki","sp.entity_id":"https://sp.example.com/"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"signed_out_at","subject.id":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","login":"suzuki","sp.entity_id":"https://sp.example.com/","outcome":"unreachable"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"password_changed","subject.id":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","login":"suzuki","by":"person"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"password_change_refused","subject.id":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","login":"suzuki","by":"CN=svc-passwordsync,OU=Service,DC=example,DC=co,DC=jp","reason":"too_short"}
//! {"time":"2026-11-23T16:01:13.280642962Z","request.id":"WEMTM7AKGGNEGGLW","client.address":"192.0.2.7","event":"password_api_refused","caller":"CN=svc-passwordsync,OU=Service,DC=example,DC=co,DC=jp","reason":"wrong_password"}
//! {"time":"2026-11-23T16:01:13.280642962Z","event":"configuration_changed","kind":"metadata","file":"kintai.xml","change":"loaded","sha256":"3f1ccb14befe422b5c21abf6e6aa367c25444bae762868c87bcff7899a08a0e0"}
//! {"time":"2026-11-23T16:01:13.280642962Z","event":"throttle_cleared","against":"account","who":"corp/6886b64a-7ba3-1041-8209-a9f5f090a466","tries":3}
//! {"time":"2026-11-23T16:01:13.280642962Z","event":"server","state":"started","version":"0.1.0"}
//! ```
//!
//! `attributes.missing` of `assertion_issued`, there only when it is not empty, names what the SP's metadata requires
//! (`isRequired`) and does not get, since the person does not have it.
//!
//! `session_ended` is written when a session ends without a logout of its browser: `replaced` (somebody signed in anew with
//! it), `ended_elsewhere` (the person ended it at `/sessions`), `ended_by_administrator`, `password_changed`, or what the
//! directory says of the account (`disabled`, `account_expired`, `gone`). `sp.entity_id` of `signed_out` is the SP that
//! asked; without it the person signed out here. `signed_out_at` is written for each SP that was to be told: `signed_out`,
//! or why the person may still be signed in there: `no_endpoint` (its metadata have none for logout), `no_name_id`,
//! `unregistered`, `unreachable`, `no_answer`, `bad_answer`, `refused`, or `no_browser` (only a browser could have told it,
//! and the person's was not at hand).
//!
//! `reason` of `sign_in_refused` is the true one, whatever the person was told: `wrong_password`, `unknown`, `ambiguous`,
//! `invalid_login`, `throttled`, `locked`, `disabled`, `account_expired`, `password_expired`, `password_must_change`,
//! `logon_hours`, `workstation`, `near_lockout` (one more wrong password could have locked the account, so it was not
//! tried), `directory_unavailable`; of a Kerberos ticket also `unknown_realm`, `other_realm`, `bad_ticket` and
//! `proxy_header`. `locked_until` is there with `locked` where the directory shows it. With `throttled` there is a
//! `subject.id` only where the directory was still asked. A wrong old password on the page for a new one is a
//! `sign_in_refused` too.
//!
//! `by` of `password_changed` and `password_change_refused` is `person`, or the DN of the account that called the password
//! API. Reasons of the latter: `too_short`, `not_complex_enough`, `in_history`, `too_young`, `unusable`, `policy`,
//! `not_allowed`; of the API also `unknown`, `ambiguous`, `outside`, `privileged`, `directory_unavailable`. Those of
//! `password_api_refused`: `network`, `no_tls`, `no_certificate`, `not_listed`, `throttled`, `rate`, or why the caller's
//! bind was refused.
//!
//! `code` of `request_refused` is one of those below, or the SAML status that the SP was sent.
//!
//! ## Error codes
//!
//! The page shows a sentence, the code and the request id; the log line with that id has the cause.
//!
//! | code | status | meaning | remedy |
//! |---|---|---|---|
//! | `SK-REQUEST` | 400 | the SP's message cannot be read | the log names the element; show it to the SP |
//! | `SK-UNKNOWN-SP` | 400 | no file in `metadata/` has this Issuer | put the SP's metadata there, or its other name into `entity_id_aliases` |
//! | `SK-DISABLED-SP` | 400 | `enabled = false`, or its validUntil has passed and is enforced | change the policy, or fetch the metadata again |
//! | `SK-SIGNATURE` | 400 | the request must be signed and is not, or the signature does not verify | `check` shows whether a key is registered; fetch the SP's metadata again |
//! | `SK-DESTINATION` | 400 | Destination is another address | correct `base_url`, or the old path belongs into `aliases` |
//! | `SK-TIME` | 400 | IssueInstant is more than 5 minutes ahead, or no time | set the clocks of both machines by NTP |
//! | `SK-STALE` | 400 | the request is older than `request_max_age` | the page leads back to the start; an old bookmark may be the cause |
//! | `SK-ACS` | 400 | the SP wants the answer at an address that its metadata do not hold | fetch its metadata again |
//! | `SK-RELAYSTATE` | 400 | RelayState is too long, is no text, or is outside `relay_state_prefixes` | the log says which |
//! | `SK-LOGOUT` | 400, 500 | a sign-out message of an SP does not stand: not signed by it, too old, for another address, seen before, or an answer to nothing | the log has the cause; fetch the SP's metadata again |
//! | `SK-NO-REQUEST` | 400 | the page was opened without a request, or its sealed one was changed | start from the application; on all SPs after a change of `session-secret` |
//! | `SK-NOT-ALLOWED` | 403 | `allow` of the SP's policy does not name this person | add the person or the group |
//! | `SK-UNAVAILABLE` | 503 | store, directory, signing or a filter failed | the log has the cause |
//! | `SK-CREDENTIALS` | 401 | name or password is wrong | the audit trail says which |
//! | `SK-TICKET` | 403 | the Kerberos ticket is of no use here, or names nobody | the log and the audit trail have the cause; [integrated](super::integrated) |
//! | `SK-PROXY-HEADER` | 400 | the proxy let through a header that names a person | let it drop what clients send under that name and its look-alikes |
//! | `SK-THROTTLED` | 429 | too many wrong tries | wait for `[throttle] window`, or `sekisho throttle clear`; the audit trail has the addresses |
//! | `SK-LOCKED` | 401 | the directory has locked the account | unlock it there |
//! | `SK-DISABLED` | 401 | the account is disabled | enable it in the directory |
//! | `SK-ACCOUNT-EXPIRED` | 401 | the account's time is over | extend it in the directory |
//! | `SK-PASSWORD-EXPIRED` | 200, 401 | the password's time is over | with `password_change` the page for a new one comes by itself; else change it by the usual way of the directory |
//! | `SK-PASSWORD-CHANGE` | 200, 401 | the password must be changed first | the same |
//! | `SK-PASSWORD-TWICE` | 422 | the two new passwords differ | type them again |
//! | `SK-PASSWORD-SHORT` | 422 | the directory wants a longer one | choose a longer one |
//! | `SK-PASSWORD-SIMPLE` | 422 | the directory wants more kinds of characters, or no name in it | choose another one |
//! | `SK-PASSWORD-HISTORY` | 422 | it is the old one, was used before, or is on a list of forbidden words | choose another one |
//! | `SK-PASSWORD-YOUNG` | 422 | the policy's minimum age | wait, or reset it in the directory |
//! | `SK-PASSWORD-UNUSABLE` | 422 | empty, too long, or with control characters | choose another one |
//! | `SK-PASSWORD-POLICY` | 422 | some rule of the directory, which does not say which and does not let `bind_dn` read its rules | let `bind_dn` read the policy, so that people are told which |
//! | `SK-PASSWORD-DENIED` | 403 | the person may not change it, or `bind_dn` may not for one that has expired | see "Passwords that people change" |
//! | `SK-PASSWORD-CHANGED` | 200 | it is changed, and the sign-in with it was refused | another server may not know it yet; sign in again |
//! | `SK-NO-PASSWORD-CHANGE` | 404 | no directory, or not this person's, has `password_change = true` | set it, or change passwords elsewhere |
//! | `SK-SESSIONS-REMAIN` | 503 | the password is changed, the sessions elsewhere live on | the store: disk full, locked, down; or, with `dn_pattern`, a server of the directory that does not know the new password yet, so that nobody knows whose they are; end them by hand |
//! | `SK-OK` | 200 | password API: the password is set | - |
//! | `SK-API-REFUSED` | 403 | password API: not from `allowed_networks`, not over TLS, or without a certificate | the audit trail says which |
//! | `SK-API-CALLER` | 401 | password API: the account is not in `callers`, or its password is wrong | the audit trail says which |
//! | `SK-API-PARAMETER` | 400 | password API: no JSON, a field too few or too many, no text, empty | correct the caller |
//! | `SK-API-FAILED` | 422 | password API: the password stays as it was | the message says why |
//! | `SK-LOGON-HOURS` | 401 | the directory forbids this hour | change logonHours |
//! | `SK-WORKSTATION` | 401 | the directory forbids this place | change userWorkstations |
//! | `SK-FORM-TOKEN` | 403 | the page was older than the browser's cookie, or cookies are off | sign in once more; allow cookies |
//! | `SK-ORIGIN` | 403 | the form came from another site | a proxy that changes `Origin`, a wrong `base_url`, or an attack |
//! | `SK-FORM` | 400, 415 | what was sent is no form, or lacks a field | start again; the log says what |
//! | `SK-TOO-LARGE` | 413, 414 | body over 256 KB or query over 48 KB | none: no SP needs that |
//! | `SK-INCOMPLETE` | 408 | the form did not arrive within 10 s | try again; look at the network |
//! | `SK-METHOD` | 405 | the address does not take this method | - |
//! | `SK-NOT-FOUND` | 404 | no page at this address | an old path belongs into `aliases` |
//! | `SK-DIRECTORY` | 503 | no directory server could say whether the password is right | the log names each server and its fault |
//! | `SK-STORE` | 503 | the store cannot be read or written | disk full, locked file, PostgreSQL down |
//! | `SK-AUDIT` | 503 | the audit event cannot be written, so nothing happened | disk full, or rights of the file |
//! | `SK-INTERNAL` | 500, 503 | a fault of sekisho | report it with the log line |
//!
//! ## What is not there yet
//!
//! A second factor, importing a SimpleSAMLphp folder, and metadata fetched from a URL or by MDQ. What
//! [synchronisation](super::synchronisation) does not do is told there.
