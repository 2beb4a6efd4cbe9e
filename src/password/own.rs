//! [`Passwords`]: people change their own password, and whatever sessions they have elsewhere end.

use std::error::Error;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument;

use super::PasswordError;
use crate::audit::Sink;
use crate::authn::{
    Answer, Attempt, ChangeAnswer, ChangeAttempt, PasswordRefusal, PasswordSignIn, Refusal, Whose,
};
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

/// What came of it.
#[derive(Debug)]
pub enum Changing {
    /// The new password counts.
    Changed {
        /// Who came with a name, signed in by the new password; `None` where that did not go at once, and for somebody
        /// who was signed in.
        signed_in: Option<Box<Subject>>,
    },
    /// The old password was right, the new one was not taken.
    Kept(PasswordRefusal),
    /// The old password is not right, or the account may do nothing.
    Refused(Refusal),
}

impl Passwords {
    /// Exchanges a password, and ends the person's sessions but that of the cookie token `keep`; who came with a name is
    /// signed in by the new password. The work goes on when the caller goes away.
    pub async fn change(
        &self,
        attempt: ChangeAttempt,
        keep: Option<&str>,
    ) -> Result<Changing, PasswordError> {
        let (this, keep) = (self.clone(), Secret::new(keep.unwrap_or_default().to_owned()));
        let work = async move { this.exchange(attempt, keep.expose()).await };
        let work = tokio::spawn(work.in_current_span());
        work.await.unwrap_or_else(|cause| Err(PasswordError::Interrupted(cause.to_string())))
    }

    async fn exchange(&self, attempt: ChangeAttempt, keep: &str) -> Result<Changing, PasswordError> {
        let (address, id) = (attempt.address, attempt.request_id.clone());
        let named = match &attempt.whose {
            Whose::Named(login) => Some((login.clone(), attempt.new.clone())),
            Whose::SignedIn(_) => None,
        };
        let known = match self.sign_in.change_password(attempt).await? {
            ChangeAnswer::Changed(known) => known,
            ChangeAnswer::Kept(refusal) => return Ok(Changing::Kept(refusal)),
            ChangeAnswer::Refused(refusal) => return Ok(Changing::Refused(refusal)),
        };
        if let Some(subject) = &known {
            self.end_others(subject, keep, (&id, address)).await?;
        }
        let Some((login, password)) = named else { return Ok(Changing::Changed { signed_in: None }) };
        let attempt = Attempt { login: &login, password, address, request_id: &id };
        // Another server of the directory may not know the new password yet, or not answer: it is changed all the same.
        let signed_in = match self.sign_in.sign_in(attempt).await {
            Ok(Answer::SignedIn(subject)) => Some(subject),
            Ok(Answer::Refused(_)) => None,
            Err(cause) => {
                tracing::warn!(request.id = %id, "no sign-in with the new password: {cause}");
                None
            }
        };
        if known.is_none() {
            let Some(subject) = &signed_in else {
                let cause = "the directory did not tell whose they are";
                return Err(PasswordError::SessionsRemain(cause.into()));
            };
            self.end_others(&subject.id, keep, (&id, address)).await?;
        }
        Ok(Changing::Changed { signed_in })
    }

    /// Ends a person's sessions but that of the cookie token `keep`, after the password was changed. `request`: its id, and
    /// where it came from.
    pub(super) async fn end_others(
        &self,
        subject: &SubjectId,
        keep: &str,
        request: (&str, IpAddr),
    ) -> Result<(), PasswordError> {
        let ended = self.sessions.end_others(subject, keep, request).await;
        ended.map(drop).map_err(PasswordError::SessionsRemain)
    }
}
