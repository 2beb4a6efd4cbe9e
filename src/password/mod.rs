//! Passwords that change: [`Passwords`] for people who change their own, [`PasswordApi`] for programs that set them.
//!
//! The directory decides on every password; here stand what goes with it: throttle, sessions that end, audit.

mod api;
mod own;
mod rate;

pub use self::api::{ApiAnswer, ApiOptions, Call, Detail, PasswordApi};
pub use self::own::{Changing, EndsSessions, Passwords};

use std::error::Error;

use crate::audit::AuditError;
use crate::authn::AuthnError;

/// A password could not be changed, or not all that goes with it be done.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It could not be proved or changed.
    #[error(transparent)]
    Authn(#[from] AuthnError),
    /// The record could not be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The password was changed, and the person's other sessions live on.
    #[error("the password was changed, but the person's other sessions could not be ended: {0}")]
    SessionsRemain(#[source] Box<dyn Error + Send + Sync>),
    /// The work was broken off: a fault in the program, or its end.
    #[error("the change was broken off: {0}")]
    Interrupted(String),
}
