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
