//! [`Passwords`]: people change their own password, and whatever sessions they have elsewhere end.

use std::error::Error;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument;

use super::PasswordError;
use crate::audit::Sink;
use crate::authn::{ChangeAnswer, ChangeAttempt, PasswordSignIn, Whose};
use crate::clock::Clock;
use crate::identity::{Subject, SubjectId};
use crate::secret::Secret;

/// Ends what was opened with a password that does not count any more. Wired in `app`.
#[async_trait]
pub trait EndsSessions: Send + Sync + Debug {
    /// Ends all sessions of a person but that of the cookie token `keep`, and writes so to the audit trail; returns how many.
    /// `request`: its id, and where it came from.
    async fn end_others(
        &self,
        subject: &SubjectId,
        keep: &str,
        request: (&str, IpAddr),
    ) -> Result<usize, Box<dyn Error + Send + Sync>>;
}

/// Changes passwords for their people.
#[derive(Debug, Clone)]
pub struct Passwords {
    /// Proves the old one.
    pub sign_in: PasswordSignIn,
    /// What ends.
    pub sessions: Arc<dyn EndsSessions>,
    /// Where it is told.
    pub audit: Arc<dyn Sink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Passwords {
    /// Exchanges a password, and ends the person's sessions but that of the cookie token `keep`. The work goes on when the
    /// caller goes away.
    pub async fn change(
        &self,
        attempt: ChangeAttempt<'_>,
        keep: Option<&str>,
    ) -> Result<ChangeAnswer, PasswordError> {
        let person: Option<Subject> = match attempt.whose {
            Whose::Named(_) => None,
            Whose::SignedIn(subject) => Some(subject.clone()),
        };
        let login = match attempt.whose {
            Whose::Named(login) => login.to_owned(),
            Whose::SignedIn(_) => String::new(),
        };
        let (this, address, id) = (self.clone(), attempt.address, attempt.request_id.to_owned());
        let (old, new) = (attempt.old, attempt.new);
        let keep = Secret::new(keep.unwrap_or_default().to_owned());
        let work = async move {
            let whose = person.as_ref().map_or(Whose::Named(&login), Whose::SignedIn);
            let attempt = ChangeAttempt { whose, old, new, address, request_id: &id };
            let answer = this.sign_in.change_password(attempt).await?;
            if let ChangeAnswer::Changed(Some(subject)) = &answer {
                this.end_others(subject, keep.expose(), (&id, address)).await?;
            }
            Ok(answer)
        };
        let work = tokio::spawn(work.in_current_span());
        work.await.unwrap_or_else(|cause| Err(PasswordError::Interrupted(cause.to_string())))
    }

    /// Ends a person's sessions but that of the cookie token `keep`, after the password was changed. `request`: its id, and
    /// where it came from.
    pub async fn end_others(
        &self,
        subject: &SubjectId,
        keep: &str,
        request: (&str, IpAddr),
    ) -> Result<(), PasswordError> {
        let ended = self.sessions.end_others(subject, keep, request).await;
        ended.map(drop).map_err(PasswordError::SessionsRemain)
    }
}
