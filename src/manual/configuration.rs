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
//! step. (With a key on an elliptic curve the SignatureValue alone differs: ECDSA never signs twice alike.)
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
