//! Who is this? [`PasswordSignIn`] proves a login name and a password against the directories, under a throttle;
//! [`IntegratedSignIn`] looks up whom a Kerberos ticket names.
//!
//! A refusal is an [`Answer`]; an [`AuthnError`] means that it could not be found out (503, never "wrong password").

mod caller;
mod integrated;
mod journal;
mod password;
mod spnego;
pub mod throttle;
mod timing;
mod trusted_header;

#[cfg(test)]
mod tests;

pub use self::caller::Leave;
pub use self::integrated::{Claim, IntegratedOptions, IntegratedSignIn, Prover};
pub use self::password::{
    Answer, Attempt, ChangeAnswer, ChangeAttempt, PasswordSignIn, Refusal, Whose, plain,
};
pub use self::spnego::{Acceptor, KeytabError, Proved, TicketFault};
pub use self::throttle::ThrottleOptions;
pub use self::trusted_header::{Distrust, HeaderFault, Presented, TrustedHeader};

use crate::audit::AuditError;
pub use crate::directory::{DirectoryError, PasswordRefusal};
use crate::store::StoreError;

/// It could not be found out who this is.
#[derive(Debug, thiserror::Error)]
pub enum AuthnError {
    /// A directory could not say.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Tries could not be counted: then none is made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record could not be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The work was broken off: a fault in the program, or its end.
    #[error("the sign-in was broken off: {0}")]
    Interrupted(String),
}
