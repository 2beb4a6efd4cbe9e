//! # Decisions
//!
//! Each with its reason and with what was rejected. Change one by writing the better one here.
//!
//! ## samael signs and verifies nothing at run time
//!
//! samael is the SAML crate of the ecosystem and was meant to carry the protocol. Version 0.0.22 was tried, and each of
//! these was reproduced; `tests/it/saml/samael.rs` holds those that have a test name here, so that a new version can be
//! looked at again:
//!
//! * Its serialiser writes text unescaped: a directory value that contains `</saml2:AttributeValue>` ends up as a validly
//!   signed second attribute (`samael_writes_values_unescaped_and_signs_what_they_add`).
//! * It verifies with one parser and returns what another one parsed: a forged root around a genuine signed request is
//!   "verified", with the forged Issuer and ACS (`samael_verifies_one_request_and_returns_another`).
//! * `try_verify_self_signed` trusts the key inside the message (`samael_trusts_the_key_in_the_message`).
//! * A redirect's query is encoded anew before it is verified, so requests of peers that write `%3d` in lower case fail
//!   (`samael_encodes_the_query_anew_before_it_verifies`), and a missing SigAlg is a panic
//!   (`samael_panics_without_sig_alg`).
//! * xmlsec, on which it stands, fetches `Reference URI="http://..."` and local files before it verifies.
//! * Its Response builder signs the Response alone, with RSA and a SHA-1 digest and without NotOnOrAfter; its metadata
//!   reader refuses `PT1H` and interleaved elements, and drops every extension.
//! * One signature by way of xmlsec costs 4.5 times what RSA itself costs.
//!
//! So it is a dev-dependency: beside `xmlsec1` and bergshamra it is a judge of what sekisho writes, and as such it has
//! found nothing to object to. Rejected: linking xmlsec or libxml2 (a C parser with DTD, entities and network on by
//! default, six times the memory), and patching samael (what is wrong is how it is built: text pasted into XML, and two
//! parsers).
//!
//! ## XML is written in canonical form
//!
//! [`writer`](crate::saml::xml::writer) emits exclusively canonical XML, so that what is written is what is hashed: no
//! second pass, no tree. A value is escaped by the writer or not written at all. SignedInfo is hashed with `xmlns:ds` at
//! its apex and written without it where an ancestor declares it. EC signatures are r and s side by side, not DER.
//!
//! The reader ([`parse`](crate::saml::xml::parse)) makes a bounded tree from quick-xml's events; the signature is verified
//! over that tree ([`canonical`](crate::saml::xml::canonical)) and everything else is read from the same tree. There is
//! nothing that another parser could see differently.
//!
//! ## No xsi:type on attribute values
//!
//! It is optional (saml-core 2.7.3.1.1), its value uses the prefix `xs` where exclusive canonicalisation does not see it,
//! and SPs that need it were not met. Rejected: `InclusiveNamespaces PrefixList="xs"` on every signature.
//!
//! ## An assertion is encrypted to one key, which stands inside
//!
//! One EncryptedKey, inside the KeyInfo of the EncryptedData, without Recipient and without a KeyInfo of its own. What
//! SPs look for: xmlseclibs (SimpleSAMLphp) returns the first EncryptedKey that it finds in the KeyInfo and
//! knows none beside the EncryptedData but by RetrievalMethod; python3-saml looks in the KeyInfo or follows a
//! RetrievalMethod; lasso (mod_auth_mellon) takes the first one, beside the data or inside; OpenSAML (Shibboleth) takes the
//! first inside without Recipient or with its own, else the same beside. So what is inside is read by all, a second
//! EncryptedKey by none, and an SP that exchanges its key tries all of its own private keys anyway. Rejected: one
//! EncryptedKey per key (an SP that has only the second key fails as before), the EncryptedKey as a sibling.
//!
//! The first usable key in document order is taken, RSA with 2048 bits or more; of several certificates in one KeyInfo the
//! first, since the others are issuers'. The default is AES-256-GCM with rsa-oaep-mgf1p and a SHA-1 digest that is named:
//! libxmlsec1 before 1.3 (Debian 12, hence mellon) and xmlseclibs know no other digest, and inside OAEP nothing hangs on
//! collisions of SHA-1. CBC is written only for an SP, or an administrator, that asks for it; rsa-1_5 and Triple DES do
//! not exist, so that an SP that takes nothing else cannot be served encrypted. `encrypt` is `never` by default: many SPs
//! publish a key that they do not use.
//!
//! The assertion is signed, then encrypted, then the Response is signed (saml-core 6.2). What is encrypted is the
//! assertion as it was written, with its namespace declarations, so that the signature holds wherever an SP puts it. A
//! NameIDPolicy that asks for an EncryptedID gets one whatever `encrypt` says; the format in it is chosen as if none had
//! been asked for.
//!
//! ## Decrypting tells nothing
//!
//! We decrypt an EncryptedID of a request, only after its signature verified, only OAEP with AES-GCM, with one error for
//! everything ([`NotDecrypted`](crate::saml::encryption::NotDecrypted)). Every key is tried on every EncryptedKey, and if
//! none opens it, the content is decrypted under another key and then refused, so that neither words nor time say which
//! step failed. A person's decrypted identifier is not offered as the login name on the sign-in page, where the browser
//! would show what was hidden from it. A decryption key is one file with its certificate, since there is nothing to do with
//! one without the other, and a list of names stays a list of names. Rejected: the signing key as decryption key.
//!
//! ## One transaction a sign-in
//!
//! An SQLite commit costs as much as half an RSA signature. A new session is therefore deferred and goes with the commit
//! of the SP session that follows, known address and throttle with it; one writer task puts everything that is queued into
//! one transaction ([`Store::commit`](crate::store::Store::commit)). A warm sign-on to the same SP writes nothing.
//! Rejected: sessions in the cookie alone (no logout, no list of SPs to log out from), a write-behind cache (an assertion
//! could leave whose session a crash forgets).
//!
//! ## The pending request is sealed into the page
//!
//! [`PendingRequest`](crate::session::PendingRequest) travels in the browser under AES-256-GCM
//! ([`Seal`](crate::session::Seal)). No server state means: two tabs, the back button, a bookmark, a restart and another
//! node all work, nothing must be purged, and a stranger cannot fill a table. Everything is looked up again when it comes
//! back, since metadata may have changed. Rejected: a server-side table ("State information lost").
//!
//! ## The store is SQL through sqlx's `Any`
//!
//! One SQL text for an SQLite file (the default: no server to run) and PostgreSQL (several nodes). With SQLite, one
//! process owns the truth and reads sessions through a bounded write-through cache; with PostgreSQL nothing is cached.
//! The price of `Any`: TEXT and BIGINT only. What a store promises is one list of tests that runs over both. At a server
//! every wait has an end, a held connection is asked whether it is alive before anything is sent by it (so that a
//! statement is never sent twice, and a server that was restarted costs nobody an error), and READ COMMITTED is set, for
//! which the statements are written: a lease, a memo and a first use are single statements that one node alone wins.
//! Rejected: Redis (not durable enough for what synchronisation will keep), an
//! ORM, a second SQLite library.
//!
//! ## The throttle
//!
//! Wrong tries are counted in the store per entry found (in AD, spellings of a name are one account), per folded name
//! without a domain of ours where there is none, and per address (an IPv6 /64 is one). A place is reserved before the bind,
//! so that tries at the same time cannot pass together. At most `account_tries` wrong ones reach the directory in a window,
//! whoever makes them: the directory's own lock stays open. So that a stranger cannot lock a person out here either, the
//! last place is kept for an address from which that person signed in before; strangers have `account_tries` - 1. A bind
//! that was sent and not answered is not repeated on another server and counts as a wrong try of the account, since it may
//! have counted there; a failure before the bind does not count. What a directory tells of an account (locked, expired)
//! counts against the address alone. A name or an address that was refused is not searched for again while it stays
//! refused: only under a name that signed in from there before is an address that is used up let through to the search.
//! Rejected: governor (in memory, and lost by a restart), locks that only an administrator opens.
//!
//! ## The directory's lock
//!
//! The directory counts what Windows, mail and VPN send it too, so our own count is not enough to keep its lock open. What
//! it shows comes with the entry that the search reads anyway; only the policy (every five minutes) and the PDC emulator,
//! where another controller answered, cost a read. The try that would make the count one less than the threshold is the
//! last one; it is kept for known addresses, as ours is. Tries under way, or ended since the entry was read, count as wrong.
//! A stranger whose try is not made is told that the password is wrong, and it takes and counts as much: a refusal of its
//! own would say that the name exists, since unknown names are never near a lock. The price: at a new address a person who
//! mistyped often at Windows is told so too, though the password was right; the audit trail has `near_lockout`.
//! An account that is locked is tried, since that harms nobody and only the directory knows whether it still is.
//! Rejected: reading the counters from every controller (slow, and the PDC has the sum); refusing when the policy cannot be
//! read (a right that is missing would shut everybody out).
//!
//! ## Spraying is slowed, not refused
//!
//! One password for many accounts shows in no account's count. After wrong passwords for `address_accounts` accounts an
//! address goes on at a try every two seconds, and stops at `address_tries`. People whom the address signed in before do
//! not wait, so that an office behind one address goes on working, until there were wrong passwords for three times as many
//! accounts: then somebody in the office sprays, and everybody there takes a turn. Tries that come all at once are bounded by
//! `address_tries` alone.
//!
//! ## Same page, same time
//!
//! An unknown name waits as long as search and bind of late took, then counts and is audited by the same steps; of several
//! directories the slowest says how long, for all. Rejected: a bind against some other account, which would count against
//! that one.
//!
//! ## Computed persistent NameIDs
//!
//! Lower-case base32 of HMAC-SHA-256 over IdP, SP and subject, each part with its length
//! ([`persistent`](crate::saml::name_id::persistent)). The subject is the directory's name with objectGUID or entryUUID (or
//! `subject_attribute`), never the login name nor the DN: people marry, and move. Nothing is stored, so every node gives
//! the same id and no directory must be writable. The price: who loses `name_id_secret`, or renames a `[[directory]]`,
//! changes them all. Rejected: a table of random ids; SHA-1 with a salt as SimpleSAMLphp 1.x computes it, but for the
//! migration of those (`persistent_id = "legacy-sha1"`), which is for the whole IdP: its SPs come together.
//!
//! AllowCreate is read and changes nothing. Where it is false, only an identifier that "has already been established" may
//! be given, which "does not prevent the identity provider from creating such identifiers outside the context of this
//! specific request" (saml-core 3.4.1.1): what is computed is there before anybody asks.
//!
//! The unique part of pairwise-id is the same value, so that an SP that moves from the persistent NameID to pairwise-id
//! finds its people again. For `subject-id:req` `any` it gets pairwise-id, which tells less.
//!
//! ## The Subject of a request
//!
//! It is met when the person's name at the SP is the same, in the format of the answer or in the one that the request
//! uses: NameIDPolicy may ask for another format than the Subject has (saml-core 3.4.1.4). Addresses and
//! Windows names are compared without case, all others to the letter; qualifiers that are absent mean ours and the SP's.
//! Otherwise it is UnknownPrincipal, also when somebody else signs in than was meant. A SubjectConfirmation in it refuses
//! the request (saml-profiles 4.1.4.1 forbids it).
//!
//! ## Scoping is passed over
//!
//! ProxyCount, RequesterID and IDPList are for proxies; the IDPList is "advisory" (saml-core 3.4.1.2), and NoSupportedIDP
//! and NoAvailableIDP are "used by an intermediary" (3.2.2.2). This IdP authenticates people itself: whoever sends a
//! request here is answered. Rejected: NoSupportedIDP for a list that does not name us (the SP asked us all the same).
//!
//! ## A name from an attribute is not judged
//!
//! `name_id_attribute` answers emailAddress, kerberos and the others with what it holds. SPs ask for emailAddress and want
//! an employee number, and the admin knows. Only what sekisho chooses itself, `mail`, must look like an address.
//!
//! ## Nothing is released without a list
//!
//! SimpleSAMLphp releases everything when nobody says otherwise. Here an SP without `attributes`, RequestedAttribute,
//! `saml.attributes` or an AttributeLimit with an own list gets none, and `check` says so.
//!
//! ## A filter that the directory does not answer ends the sign-on
//!
//! SimpleSAMLphp's AttributeAddFromLDAP goes on without the attributes. An SP that learns roles or groups from them takes
//! away what it is not told, so that an outage of minutes would cost people their rights. Answers are kept for five
//! minutes and, while the directory is silent, for an hour; after that the person sees an error, and the SP nothing. Such a
//! filter stays pure: it says what it would ask, `sso` asks, and the chain is run again with the answer. Rejected: asking
//! before the chain (the question is made of what earlier filters have made), an asynchronous chain (filters would do I/O).
//!
//! ## Entity attributes go before RequestedAttributes
//!
//! A `[[saml.release]]` is an admin's word about a kind of SP, RequestedAttributes are the SP's wish; and an entity
//! category such as research-and-scholarship promises its whole bundle. Where the wish should narrow the list, as the
//! code of conduct wants it, `only_requested` says so. Rejected: the intersection always (breaks what the categories
//! promise), a language of rules.
//!
//! ## An unknown AttributeConsumingServiceIndex
//!
//! saml-core 3.4.1 does not say what becomes of an index that cannot be mapped. Some SPs send one and describe no
//! service: it decides nothing and is passed over. Beside other services it is Requester, RequestUnsupported: the
//! attributes of the default service might be more than the one meant may have. Rejected: the default service (what
//! OpenSAML does), an error always (breaks SPs for a number that changes nothing).
//!
//! ## A required attribute that is missing is no error
//!
//! isRequired says that the SP does not work without the attribute; the SP knows which part of it, and its page tells
//! the person more than a status code could. Log and audit trail name it. Rejected: an error status.
//!
//! ## Patterns without delimiters
//!
//! AttributeLimit takes PCRE between delimiters, as PHP does, translated when it is read or refused there with the
//! reason. One form is taken besides: a pattern that begins with `^` and has no closing delimiter, as in
//! `'^[^@]+@example\.co\.jp$'`. PHP refuses it, so it can mean nothing else, and it is how people write it. Everything
//! else without delimiters is refused: what reads like a pattern may be one between odd delimiters.
//!
//! ## Replacements as PHP makes them
//!
//! AttributeAlter replaces every match as `preg_replace` does, which goes on in another way than the regex crate: after
//! a match of nothing PHP looks for one of something at the same place. [`Substitution`](crate::authproc::Substitution)
//! walks as PHP does, and refuses the patterns for which that second look could find anything (`/a*?/`, `/|a/`): nobody
//! means them. `regex-syntax`, which is in the regex crate anyway, tells them apart.
//!
//! ## An SP may know the IdP by another name
//!
//! `idp_entity_id` is the Issuer of everything that is said to one SP, and the NameQualifier of pairwise ids. Computed
//! ids hang on the IdP's own entityID all the same, so that the key may be set, changed or taken away and nobody loses an
//! account. `{upn_domain}` is read from what the directory said at sign-in, before any filter: a policy of the SP cannot
//! move a person to another domain. Who has no domain is answered with `Responder`, `UnknownPrincipal`, by the IdP's own
//! name: there is no other to speak by.
//!
//! ## The own metadata are named by their content
//!
//! Their ID is the SHA-256 of what they say. So two nodes, a restart and `sekisho metadata` make the same document, and the ID
//! is the ETag. It is weak, because ECDSA signatures of the same document differ. Documents are signed when they are made,
//! never by a request: at start, when the key changes, and, with `metadata_valid_for`, by the first request after a quarter
//! of that time, while others get the old one. Rejected: a timer (one more thing that can stand still), a random ID, and a
//! validUntil by default (copies made by hand would end).
//!
//! The contact for security incidents is one of kind `other` with REFEDS' mark, which the schema allows: federations ask for
//! it, and others pass over it.
//!
//! ## A key of an SP's own is named in its TOML
//!
//! File names in it start at its folder, as those of `certificates` do: one rule for one file. The key is part of the SP,
//! so that a key that cannot be used refuses the SP and leaves what was last good, like any other fault there; its files
//! are watched like the TOML. The registry has a port for it ([`SigningKeys`](crate::registry::SigningKeys)), since it must
//! not know `keys`. Such an SP has metadata of its own (`?sp=`, `--sp`) with that certificate alone. Rejected: all keys in
//! one document (an SP would believe a key that others hold), and an entityID per key.
//!
//! ## The algorithm is chosen when it is used
//!
//! What an SP takes is read once, as a list; the key is asked each time what it can do
//! ([`Preference`](crate::saml::signature::Preference)), because keys change while SPs stay. It is a look at four words,
//! with nothing allocated. An SP whose wishes cannot be met gets the default and not an error: that its metadata are old is
//! likelier than that it means it, and `check` says so. DigestMethod and SignatureMethod always use one hash.
//!
//! ## Logout by the top of the window, and a look before each step
//!
//! Frames cannot sign anybody out where third-party cookies are blocked, and then the page lies. So the browser itself goes
//! to each SP that has no SOAP endpoint. What it cannot do is come back from where nobody answers: therefore this server looks
//! first ([`Reach`](crate::sso::logout)), those that it cannot see come last, and for them a page with one small script asks
//! from the browser's own place (`fetch` without cookies) and goes on by itself either way. Without script that page waits 15 s
//! or for a click. After three redirects at a stretch a page that refreshes at once stands between, since browsers stop at some
//! 16 to 20. An SP that keeps the browser is left behind when the person opens `/logout`. Rejected: frames, pop-up windows
//! (blocked without a click), and looking from the server alone (many may not reach the outside).
//!
//! The chain is in the store under the digest of a secret; requests of it are `DIGEST.N`, so that an answer finds its place
//! without a table. A cookie holds the secret, which is made of the token of the session that ended: also a browser that
//! did not wait for the first answer, by a second click, finds the logout that it began. An SP's answer counts without it,
//! but only the browser that has it is sent on: our LogoutRequest names the person as that SP knows them, in clear, and
//! goes through a browser that must be theirs.
//!
//! ## What a LogoutResponse is worth
//!
//! Only what a registered key signed makes "signed out" on the page. By SOAP an answer without a signature counts too,
//! since the connection was ours and to a registered https address (http only where `allow_http_endpoints` allows it); one
//! with a wrong signature does not. An SP without an endpoint, and one that did not answer, make it PartialLogout: the page
//! names them, and then the SP that asked is told.
//!
//! ## Sessions are known for a day after their time
//!
//! An SP's own session often outlives ours. When it signs a person out then, the others must still be found; so a session whose
//! time is over can no longer be used, and its row stays for another day. A person who signs in anew, by ForceAuthn, takes
//! along what the former session issued.
//!
//! ## ECP is a switch per SP
//!
//! It is a password check beyond whatever else a sign-in asks for, so it is off, a warning of `check` where it is on, and its
//! endpoint is in the metadata only while some SP has it. Nobody's password is tried before the request stands. Channel
//! bindings and generated keys of ECP 2.0 are not there: no client was met that uses them.
//!
//! ## A new password is the directory's business
//!
//! The old password is proved by the bind that a sign-in makes, under the same throttle, and only then is the new one sent:
//! so a wrong one is one wrong try and looks like one, and an account's state is told as at a sign-in. Active Directory takes
//! the exchange over a connection of the service account, which needs no right for it; elsewhere it is the person's own.
//! What is refused is told in kinds. Active Directory has one code for all rules, so they are read and judged afterwards,
//! never before: the directory alone says no. After the exchange the person signs in by the new password in the ordinary way.
//!
//! The page stands where `password_change` is on and not by default: most companies' directories are read here and nothing
//! else. The warning comes right after a sign-in by password, so that no passive request meets it.
//!
//! A program that sets passwords brings its own account for each call. No account of ours may do it, so a fault of ours
//! cannot either. The answer to an account that is not listed is that to a wrong password.
//!
//! ## A key that does nothing is a fault
//!
//! A key or section that this version does not serve is refused when it is switched on (`integrated.keytab` in a program
//! without Kerberos), so that nobody believes in a protection that is not there.
//!
//! ## A ticket is asked for at one address
//!
//! `/login/integrated` alone reads the header of a proxy or answers a challenge, so that a proxy has one path to protect and
//! forms, SAML messages and SOAP never carry a negotiation. The sign-in page leads there by itself; what a browser without a
//! ticket gets there is the page again, inside the 401. `how=form` in an address says that the ticket was tried: without a
//! state in the server nothing goes in circles, also where cookies are blocked. `decide` knows both ways of signing in
//! ([`Ways`](crate::sso::Ways)) and whether the browser may be asked ([`Ticket`](crate::sso::Ticket)), so that a request goes
//! to the one that meets it and is refused when none does. A session remembers that nobody typed anything (`silent`): it never
//! meets ForceAuthn, whatever class is configured. Rejected: a challenge on `/saml/sso` (a POST would be lost in it) and asking
//! in a frame or by script (third-party cookies, and a page that depends on script).
//!
//! A sign-out leaves a cookie by which only a click asks for the ticket again. A session that was ended without the browser
//! (SOAP) has the same effect: its cookie is then of a session that is not known, not even as one whose time is over.
//!
//! ## Kerberos by libgssapi, behind a feature
//!
//! libgssapi (licence MIT) is the safe binding to the system's MIT Kerberos; its headers and clang are
//! needed to build it, so it is a feature, and the demo is built without. It cannot be told a keytab, and setting a variable of
//! a running process is unsafe in Rust: so `serve` and `check` replace themselves once by the same program with `KRB5_KTNAME`
//! set. Rejected: a helper process (a second thing to supervise) and own bindings (unsafe code). The calls block: four at once,
//! on threads of their own. Who a ticket is for is judged by the key that opened it, since its own word is not signed.
//!
//! ## The state of synchronisation has a file of its own
//!
//! `sekisho-sync.db` beside `sekisho.db`: a first run writes the whole queue in one transaction, and no sign-in may wait for
//! that lock. It is written with `synchronous = FULL`, sign-ins with NORMAL: a lost session is a sign-in, a lost note that a
//! creation was sent is a second account. Several results share a commit, so that the price of the disk is paid a few times
//! a second. Rejected: one file (sign-ins behind a run), a queue in memory (a crash forgets it, and the directory does not
//! tell it again).
//!
//! ## What was sent is kept as sums
//!
//! A link keeps a 64-bit sum of each value, and not the values: 100,000 people are compared without a copy of the directory
//! in our file. [`sum`](crate::sync::mapping::sum) must never change: all objects would be sent again. Two values with one sum
//! are one in 2^64; a full run compares with the target itself. Sums are no secret: who can read the file can guess short
//! values.
//!
//! ## DirSync names, and a search reads
//!
//! The control tells of the whole domain and gives only what is new of an object. So it is asked for everything, whatever
//! the query is, and of its answers the objectGUID is taken alone: what it names is read as the query wants it, and who is
//! not found so is gone. That sees who left the filter or the base, which a filter on the control would hide. Who was
//! touched is counted as by uSNChanged, but more than 20,000 at once are read as a whole, since each costs a look-up.
//!
//! LDAP_DIRSYNC_OBJECT_SECURITY would spare the right "Replicating Directory Changes" and is not used: with it the control
//! is silent about what the account may not see, and so about who was deleted or moved out of its sight. Passwords are not
//! among what the right shows; those take "Replicating Directory Changes All".
//!
//! A cursor is bound to the objectGUID of the naming context in place of a domain controller. Where a domain is put back to
//! an old state, the next full reading finds what was forgotten, not the next run of changes. A first cookie costs the
//! server a walk through its objects; so within a run it is kept, for at most ten minutes, for further readings of the same
//! domain controller, which are told a little twice. The next run has no need of it: it goes on from cursors. Rejected:
//! a cookie of one domain controller for a reading of another one, which may not have received yet what the cookie
//! counts as told.
//!
//! ## A global catalogue says where, and is not read
//!
//! A catalogue has a part of the attributes. Read as a source it would make of what it lacks what was removed, so a reading
//! refuses its ports, whoever asks. It is asked for the domains once in a run, and they are sources like those of a list:
//! nothing else knows of forests. It is known by its port, since no answer tells it from the domain controller that it is on.
//!
//! The host is that of the catalogue where it is a domain controller of the domain: it is known to answer. Else it is the
//! name of the domain, as DNS gives it, and not a domain controller out of the configuration: that may be in a site that
//! cannot be reached from here, and DNS is where an administrator says which are to be asked.
//!
//! A domain that is not named any more was closed, or hidden by a right, or the forest was asked at a bad moment. The limits
//! of the gate would let a small domain pass; so what takes away what it had waits, however little it is. Others leave as
//! always. It is known by the structure that is kept of each source, which no fault of a run forgets. Rejected: to end the
//! run (one closed domain would stop all others) and to remember nothing (30 people gone for a right that was taken back).
//!
//! The number of a primary group is of one domain, and each has a 513: it is looked for in the domain of the DN.
//!
//! ## The last ones of a type wait for a person
//!
//! That nothing is ever carried out where the source has none of a type keeps a lost right, a wrong base or an empty filter
//! from emptying a target, but it left no way for the last group or contact that is really gone. So what takes them away, up
//! to 1,000, waits as what is over a limit does: an `allow` is the word of a person about exactly this list, made from a
//! reading that the person has seen, and never of a later one. Runs alone still take nobody away. Rejected: a switch in the
//! configuration (it would hold for the next fault, too), a limit that lets few pass (a small type is as easily hidden),
//! and more than 1,000 (a source that has lost a company is mended; whoever means it leaves one there until the rest is gone).
//!
//! A right that is given again is no change in a directory, so runs of changes ask for such a type alone, and read
//! everything when there is somebody. Rejected: a whole reading by each run meanwhile.
//!
//! ## A run of changes reads few links
//!
//! It needs the links of whom the directory tells and of whom they name, as long as each of them is carried under the same
//! name and stays, or is not carried and remains so. Whatever else happens (somebody new, renamed, disabled or gone, a group
//! or unit that changed, a deletion that is due) may touch others, and all links are read: a second at 100,000. The rule
//! asks for what is surely harmless, and is told in one place, `sync/few.rs`. Links are found by name through a column
//! that holds the DN in one spelling. Rejected: all links always (the plan of one change took three seconds), a cache in
//! memory (another node or command may have written).
//!
//! ## Groups go on meaning who had a DN, while nobody has it
//!
//! A directory without referential integrity leaves the old DN of whoever is renamed in its groups. Taken at its word, a
//! marriage costs all roles, and where groups select, the account. So a DN that somebody had means that person for as long as
//! a group says it and no entry has it. Who had it is known from the link in the run that sees the new one, and is kept, with
//! the DN as the directory wrote it: the text by which DNs are compared is not always one. Each run that reads groups asks
//! again, and an entry of whatever kind counts. noSuchObject alone says that nobody has it; any other answer leaves things as
//! they were, since a doubt may neither end a run nor take somebody out of a group that the directory lists. More than 1,000,
//! as when a unit is renamed, are not asked for: they would be asked for in each run until somebody corrects the groups.
//!
//! It cannot know of an entry that `bind_dn` may not see, for which the answer is the same; of somebody who had the DN between
//! two runs and was renamed too; nor whether the old DN was left on purpose, to take rights away. Rejected: to take groups at
//! their word; to keep rights until the group changes, without asking, since who gets the DN next would share them; to
//! guess by login name or mail address, which are given to others too.
//!
//! ## A lasting search says that there is news, not what
//!
//! refreshAndPersist brings the changed entries themselves, and Active Directory's notifications bring entries without a
//! cursor. Taking changes from either would be a second way beside the one that is asked by a cursor, with faults of its
//! own: what comes between two searches, what was applied and what only heard when a process is killed. So a lasting
//! search only wakes the run, which asks as ever: one way to be right, and a search that misses something is late by the
//! schedule and no more.
//!
//! ## What the target shows of references
//!
//! A full run that compares puts right a manager or member that was changed at the target, as far as the target names
//! objects that are linked. Members of its own stay, and a service that does not show members, or names them by
//! something else than their ids, is believed to have what it was given.
//!
//! ## A change replaces the whole attribute
//!
//! A PATCH names `emails`, not `emails[type eq "work"].value`: what services make of a value filter that finds nothing, or
//! of a part of a complex attribute, differs; that a value is replaced is the same everywhere. Only members are added and
//! taken out one by one, since a group may have very many. The other values of an attribute that has rules are sent with
//! it, so whoever fills one address of two at the target by hand loses it: write a rule for both.
//!
//! ## Members are kept in shards
//!
//! The members of a group are 64 rows, by a hash of their ids, so that one who comes changes one row and not a list of
//! 100,000.
//!
//! ## A creation is looked up, never repeated
//!
//! POST is not repeatable (RFC 9110 9.2.2), and services do not keep Idempotency-Key. It is noted before it is sent; when
//! the answer is lost, is a 5xx, or the process died, the object is looked for by externalId and by the paths of matching
//! before anything is sent again. PUT, PATCH of whole attributes and DELETE may be repeated, and are. Rejected: trusting the
//! 409 of a second POST (not all services have unique names for groups).
//!
//! ## Presets are data
//!
//! A service is a TOML file in `src/sync/presets/`, in the form of `[[sync.map]]`, with what its document says and what is
//! ours at the top. A new service needs no code, an administrator can take the place of each line, and a test reads the
//! table of the manual against the files. Rejected: a type in Rust for each service; a script language in rules (a value that
//! cannot be computed without side effects cannot be explained either).
//!
//! ## Hooks see the operation and no shell
//!
//! A shell makes of a directory's value a command. A hook is a program with fixed arguments, an environment of two variables
//! and JSON on its standard input.
//!
//! ## Crates of synchronisation
//!
//! | crate | licence | for what, and why no other |
//! |---|---|---|
//! | `cronexpr` | Apache-2.0 | the five fields of a crontab with time zones by jiff, the time type of the house; others bring chrono |
//! | `lettre` | MIT | mail by SMTP with verified TLS; without its defaults, with the TLS of the system as reqwest has it |
//! | `indicatif` | MIT | the line that shows how far a run by hand is; only on a terminal |
//! | `mimalloc`, version 2 | MIT | the allocator of the program: a plan of 100,000 people makes and drops a hundred million small values, which cost half of the time with glibc, whose memory then stayed in pieces; version 3 was slower where a value goes from one thread to another; without huge pages, which doubled the memory of a server |
//! | `foldhash` | Zlib | tables of a hundred thousand DNs and ids, which cost std's hasher three times as much; its seeds are no defence against somebody who sees times and chooses keys, so nothing that comes through a browser goes into such a table |
//! | `strsim` | MIT | the function that was meant, when an expression names one that is not there; clap brings it along |
//! | `xxhash-rust` | BSL-1.0 | sums; XXH3 is specified and will stay, which std's hasher does not promise |
//! | `prometheus-client` | Apache-2.0 or MIT | counters, and their text in OpenMetrics; of the Prometheus project itself |
//! | `h2`, by `http2` of reqwest | MIT | many requests on one connection, where a service offers it |
//!
//! ## Where the plan of the house was changed
//!
//! `tests/it/architecture.rs` holds the table of who may import whom. Against the first plan:
//!
//! | change | reason |
//! |---|---|
//! | `saml` and `authproc`, pure, have no I/O, but `saml` may import `clock` and `secret` | messages carry instants, and there is one time type; persistent NameIDs are an HMAC, and there is one HMAC, in `secret` |
//! | `keys` and `sso` may import `clock` and `secret` | the same, and Ids are an argument |
//! | `registry` imports neither `audit` nor `store` but has two ports | [`Observer`](crate::registry::Observer) hears changes, [`LiveFiles`](crate::registry::LiveFiles) remembers which file was live; `app` joins them to the audit trail and the store |
//! | `openssl` in `secret` and below `saml/signature` | constant-time comparison and verification belong beside what they protect |
//! | `hmac` and `sha2` in `secret`, `sha2` in `session` and below `saml/signature` | OpenSSL 3 looks a digest up by name each time, which takes longer than the hash of a session's token or of a small element |
//! | `getrandom` in `clock` | randomness is an argument like time; seeds for tests come from the same place |
//! | `tests` below `src` may import anything | they build their subject |
//! | `toml` with `preserve_order` | AttributeAdd adds in the order of the file, as PHP arrays do |
//! | `regex-syntax` in `authproc` | it answers what the regex crate does not: whether a pattern can match nothing where it could match something |
//! | `app.rs` has a folder beside it | ports and adapters are joined there, and a file has a limit |
//! | `cli/app_part.rs` | what commands need of actix-web is in one file |
