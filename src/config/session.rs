//! `[session]`: how long a sign-in lasts, and the secret that seals cookies and pending requests.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::fault::Complaint;
use super::reader::Section;
use super::secrets::secret_keys;
use super::values::duration;
use crate::secret::Secret;

/// Shorter than this, a secret could be guessed.
const LEAST_SECRET: usize = 32;

/// Shorter than this, a person would have to sign in anew as soon as they had signed in.
const LEAST_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// Sessions.
#[derive(Debug, Clone)]
pub struct Session {
    /// `secret`, also as `_file` or `_env`: at least 32 characters, the same on every node. Default: the file
    /// `certs/session-secret`.
    pub secret: Secret<Vec<u8>>,
    /// Where that secret came from, if from a file.
    pub secret_file: Option<PathBuf>,
    /// `lifetime`: from sign-in to the end. Default 8 h.
    pub lifetime: SignedDuration,
    /// `idle`: how long it may rest unused. Default 1 h.
    pub idle: SignedDuration,
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
        let lifetime = section.or("lifetime", SignedDuration::from_hours(8), duration);
        if lifetime < LEAST_LIFETIME {
            let message = "is too short: SPs get nothing from a session with less than 5 minutes left";
            section.complain("lifetime", Complaint::wrong(message, "make it 10m or longer"));
        }
        let idle = section.optional("idle", duration);
        if idle.is_some_and(|idle| idle > lifetime) {
            section.complain("idle", Complaint::wrong("is longer than lifetime", "make it shorter or equal"));
        }
        Self {
            secret: Secret::new(secret.expose().clone().into_bytes()),
            secret_file,
            lifetime,
            idle: idle.unwrap_or_else(|| lifetime.min(SignedDuration::from_hours(1))),
        }
    }
}
