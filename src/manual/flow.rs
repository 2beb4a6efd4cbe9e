//! # One sign-on, walked through the code
//!
//! ## The steps
//!
//! ```text
//! GET or POST /saml/sso            web/sso.rs     the raw query or body, its size capped; nothing is judged here
//!   sso::SingleSignOn::accept                     the dispatcher: each step returns to it, none calls another
//!   |- accept::Accepted::read      1 accept       binding -> XML -> AuthnRequest -> SP -> signature -> time -> ACS
//!   |- decide::decide              2 decide       pure: Issue | Login | Reject | Forbid
//!   |- issue (Issue)               3 issue        filters -> NameID -> SP session -> Response -> signature -> audit
//!   '- PendingRequest::seal (Login)               the request, sealed for the browser to keep
//! web/outcome.rs                                  post.html | 303 /login | error page | "start again" page
//!
//! POST /login                      web/login.rs   CSRF and Origin, then authn, then a new session
//!   authn::PasswordSignIn::sign_in                directories in order, throttle, one bind, audit
//! GET /login/integrated            web/integrated.rs   instead of the form: a ticket, proved by a proxy or by authn::Acceptor,
//!   authn::IntegratedSignIn::sign_in              names an entry, whose state counts; audit
//! GET /saml/sso/continue           web/resume.rs  SingleSignOn::resume: 2 and 3 again, with the session
//! ```
//!
//! 1. [`Accepted`](crate::sso::accept::Accepted) is the proof that issuer, signature, Destination, time and ACS stand.
//!    Only the check makes one. What fails before that is a local page and reaches no SP
//!    ([`Rejection`](crate::sso::outcome::Rejection)); what fails afterwards goes to the SP's registered ACS as a
//!    Response with a status.
//!    - [`redirect::Received`](crate::saml::binding::redirect::Received) and
//!      [`post::Received`](crate::saml::binding::post::Received) take the message out of the parameters. The signature
//!      of a redirect is over the octets as they came, so the query is never decoded and encoded again.
//!    - [`parse`](crate::saml::xml::parse) is the hardened reader; [`AuthnRequest`](crate::saml::authn_request) is read
//!      from its tree once.
//!    - [`Snapshot::find`](crate::registry::Snapshot::find) gives the
//!      [`ServiceProvider`](crate::registry::ServiceProvider): metadata, policy, filter chain and keys, all judged when
//!      the files were read.
//!    - [`verify`](crate::saml::signature::verify) judges the signature, [`Acs`](crate::saml::acs::Acs) the place for
//!      the answer. Only with that proof is a Subject decrypted that the SP encrypted.
//! 2. [`decide`](crate::sso::decide::decide) is the only place where ForceAuthn, IsPassive, RequestedAuthnContext,
//!    AttributeConsumingServiceIndex, the age of a session and `allow` are judged. It has no input but its arguments, so a
//!    table tests it without a server.
//! 3. `issue` runs the [`Chain`](crate::authproc::Chain), takes the NameID from
//!    [`Source`](crate::sso::name_id::Source) (out of what the filters left, before the release), takes what leaves
//!    by the service provider's [`Releases`](crate::registry::Releases), lets
//!    [`Sessions::sp_session`](crate::session::Sessions::sp_session) find or write the SP session, builds
//!    [`Assertion`](crate::saml::assertion::Assertion) and [`Response`](crate::saml::response::Response), signs,
//!    encrypts to the SP's [`EncryptionKey`](crate::saml::encryption::EncryptionKey) where the policy says so, and writes
//!    the audit event. Only then does the page exist.
//!
//! ## Cold: nobody is signed in
//!
//! | request | what happens | stored | audit |
//! |---|---|---|---|
//! | `GET /saml/sso` | accepted; `decide` says Login; 303 to `/login?pending=...` | nothing: the request is in the address, sealed | - |
//! | `GET /login` | the seal is opened to name the SP; the form gets a CSRF token bound to a pre-session cookie | nothing | - |
//! | `POST /login`, wrong | one bind, or none and no search for who was refused lately; the answer takes the same time for a name that nobody has | the try: one transaction | `sign_in_refused` |
//! | `POST /login`, right | new session id, cookie; the session waits for the next transaction | nothing yet | `signed_in` |
//! | `GET /saml/sso/continue` | the seal is opened, SP and ACS are looked up anew, `decide` says Issue | one transaction: session, SP session, known address | `assertion_issued` |
//! | `POST /login`, right but expired | the page for a new password, where the directory has it; `POST /password` proves the old one, exchanges it and goes on as a sign-in | as there | `password_changed`, `signed_in` |
//! | `POST /login`, right, the password ends soon | 303 to `/password/soon`, from which "later" leads on | the session, at once | `signed_in` |
//!
//! So a right sign-in costs one transaction, and an assertion leaves only when its session is durable. A sign-in without
//! a request (`/login` by itself) commits at once, since nothing follows. With PostgreSQL a session is committed at once
//! too: the next request may reach another node.
//!
//! Tabs, the back button and bookmarks work because no request waits in the server: each tab has its own in its own
//! address. A sealed request is refused after `request_max_age`, or when its SP or ACS is no longer registered.
//!
//! ## Warm: the session is there
//!
//! `GET /saml/sso` finds the session by the SHA-256 of its cookie ([`Sessions::find`](crate::session::Sessions::find)), in
//! memory with SQLite and in the database with PostgreSQL. `decide` says Issue. A repeated sign-on to the same SP with the
//! same NameID takes the SP session that is there, so nothing is written but the audit line; a first sign-on to another SP
//! is one transaction. That the session was used is noted once a minute, along with another write.
//!
//! ## What is stored
//!
//! | table | what | goes |
//! |---|---|---|
//! | `session` | SHA-256 of the cookie; who, when, how, from which address and with which User-Agent; the attributes read at sign-in | at sign-out, or a day after its end |
//! | `sp_session` | SP, SessionIndex and NameID of each assertion's session | with its session |
//! | `memo` | IDs of logout messages that came; a logout under way, with the names that SPs know the person by; a Response that waits for its artifact; with PostgreSQL, one that `/readyz` writes | after `request_max_age`; 30 minutes; 60 seconds |
//! | `wrong_try` | throttle key and time | after a day |
//! | `known_address` | whence a person signed in, by identity and by name | after half a year |
//! | `live_file` | which metadata file of an entityID was live, and its hash | when the file goes |
//!
//! Never stored: passwords, cookies, pending requests; assertions only while an SP may fetch them by an artifact.
//!
//! ## What is written where
//!
//! Each HTTP request gives one log line with method, path, status, duration and `request.id`; never a query, a form or a
//! cookie. A refusal adds one line with its cause and the same id. The audit trail has one event for what happened to a
//! person or an SP ([`Event`](crate::audit::Event)). It is written before the answer goes out; when it cannot be written,
//! the answer is 503. Samples are in [`super::operations`].
