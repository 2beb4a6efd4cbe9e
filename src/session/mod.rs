//! Sessions: [`SsoSession`] is a person's, [`SpSession`] what came out of it for one service provider.
//!
//! [`Sessions`] starts, finds and ends them; [`Seal`] closes what is handed to browsers. Times are judged by the clock
//! that is handed in. A session ends by its lifetime, by not being used, by `end`, and never comes back. What was issued
//! in it is known for a day after its time, since single logout must find it; [`Memos`] is for what lives shorter.

mod cache;
mod memos;
mod pending;
mod seal;
mod sessions;
mod sso_session;

#[cfg(test)]
mod tests;

pub use self::memos::{MemoError, Memos};
pub use self::pending::{Ask, PendingRequest};
pub use self::seal::Seal;
pub use self::sessions::{SessionOptions, Sessions};
pub use self::sso_session::{SpSession, SsoSession};

use crate::store::StoreError;

/// A session could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The session has ended meanwhile: the person signs in anew.
    #[error("the session has ended")]
    Ended,
    /// More was issued in one session than one person can use.
    #[error("the session has {0} sessions of service providers, which is the most; sign in anew")]
    TooMany(usize),
    /// What is known of the person cannot be written.
    #[error("cannot write the session: {0}")]
    Encode(#[from] serde_json::Error),
}
