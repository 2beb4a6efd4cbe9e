//! `[session]`: how long a sign-in lasts, and the secret that seals cookies and pending requests.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::fault::Complaint;
use super::reader::Section;
use super::secrets::secret_keys;
use super::values::{duration, duration_within};
use crate::secret::Secret;

/// Shorter than this, a secret could be guessed.
const LEAST_SECRET: usize = 32;

/// A session with under 5 minutes left is no ground for a sign-on: a shorter one would ask for the password for ever.
const LEAST_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
const LONGEST_LIFETIME: SignedDuration = SignedDuration::from_hours(366 * 24);

const LEAST_CHECK: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_CHECK: SignedDuration = SignedDuration::from_hours(24);

/// Sessions.
#[derive(Debug, Clone)]
pub struct Session {
    /// `secret`, also as `_file` or `_env`: at least 32 characters, the same on every node. Default: the file
    /// `certs/session-secret`.
    pub secret: Secret<Vec<u8>>,
    /// Where that secret came from, if from a file.
    pub secret_file: Option<PathBuf>,
    /// `lifetime`: from sign-in to the end, 10 minutes to 366 days. Default 8 h.
    pub lifetime: SignedDuration,
    /// `idle`: how long it may rest unused. Default 1 h.
    pub idle: SignedDuration,
    /// `account_check`: how long after a sign-in, or the last look, the directory is asked again whether the account of
    /// somebody who is signed in may still be used, 1 minute to 1 day. Default 15 minutes.
    pub account_check: SignedDuration,
}

impl Session {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let (secret, secret_file) = section.secret_or_file(secret_keys!("secret"), "certs/session-secret");
        let length = secret.expose().len();
        if (1..LEAST_SECRET).contains(&length) {
            let key = if secret_file.is_some() { "secret_file" } else { "secret" };
            let message = format!("the secret has {length} characters");
            section.complain(key, Complaint::wrong(message, "use `sekisho keys generate`, or at least 32"));
        }
        let bounded = duration_within(LEAST_LIFETIME..=LONGEST_LIFETIME, "10 minutes to 366 days");
        let lifetime = section.or("lifetime", SignedDuration::from_hours(8), bounded);
        let idle = section.optional("idle", duration);
        if idle.is_some_and(|idle| idle > lifetime) {
            section.complain("idle", Complaint::wrong("is longer than lifetime", "make it shorter or equal"));
        }
        let bounded = duration_within(LEAST_CHECK..=LONGEST_CHECK, "1 minute to 1 day");
        let account_check = section.or("account_check", SignedDuration::from_mins(15), bounded);
        Self {
            secret: Secret::new(secret.expose().clone().into_bytes()),
            secret_file,
            lifetime,
            idle: idle.unwrap_or_else(|| lifetime.min(SignedDuration::from_hours(1))),
            account_check,
        }
    }
}
