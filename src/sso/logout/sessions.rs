//! A browser's session between its person's logouts: looked up, replaced by another, ended from elsewhere.
//!
//! Service providers that can be told without the browser are told aside: nobody waits for them.

use std::sync::Arc;

use super::SingleLogout;
use crate::audit::{AuditError, Event, Record};
use crate::identity::SubjectId;
use crate::secret::Secret;
use crate::session::{Beginning, SessionError, SsoSession};
use crate::sso::{RequestContext, Ticket};

/// A session could not be found, written or ended.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The session or its store.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The record could not be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// Why a session ends that its person did not sign out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Somebody signed in anew with its browser.
    Replaced,
    /// Its person ended it from another browser.
    Elsewhere,
    /// An administrator ended it by command.
    Administrator,
    /// Its person changed the password.
    PasswordChanged,
    /// The directory says that the account may not be used any more.
    Account(&'static str),
}

impl Cause {
    /// The stable word of log and audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Elsewhere => "ended_elsewhere",
            Self::Administrator => "ended_by_administrator",
            Self::PasswordChanged => "password_changed",
            Self::Account(word) => word,
        }
    }
}

impl SingleLogout {
    /// The living session of a cookie; this counts as its use. Where its account was looked at too long ago, the directory
    /// is asked: a session of somebody who may not sign in any more ends here.
    pub async fn session(
        self: &Arc<Self>,
        token: &str,
        request: &RequestContext<'_>,
    ) -> Result<Option<Arc<SsoSession>>, CustodyError> {
        let Some(session) = self.sso.sessions.find(token).await? else { return Ok(None) };
        let Some(word) = self.accounts.bar(&session.subject.id, session.authn_instant).await else {
            return Ok(Some(session));
        };
        let all = self.sso.sessions.of(&session.subject.id).await?;
        self.end_sessions(&all, Cause::Account(word), request).await?;
        Ok(None)
    }

    /// A session for somebody who has just proved who they are, in place of the one that the browser had. What that issued
    /// goes on where it was the same person's. Written with the next commit.
    pub async fn replace(
        self: &Arc<Self>,
        token: Option<&str>,
        beginning: Beginning,
        request: &RequestContext<'_>,
    ) -> Result<Secret<String>, CustodyError> {
        let sessions = &self.sso.sessions;
        let held = match token {
            Some(token) => sessions.find_any(token).await?,
            None => None,
        };
        let earlier = match held {
            Some(held) => sessions.end_all(&[held]).await?.pop(),
            None => None,
        };
        if let Some(earlier) = &earlier {
            self.note_end(earlier, Cause::Replaced, request)?;
        }
        let (token, session) = sessions.start_after(beginning, earlier.as_deref()).await?;
        if let Some(left) = earlier.filter(|earlier| earlier.subject.id != session.subject.id) {
            self.tell_aside(vec![left], request);
        }
        Ok(token)
    }

    /// Ends sessions without their browsers; returns how many ended.
    pub async fn end_sessions(
        self: &Arc<Self>,
        sessions: &[Arc<SsoSession>],
        cause: Cause,
        request: &RequestContext<'_>,
    ) -> Result<usize, CustodyError> {
        let ended = self.sso.sessions.end_all(sessions).await?;
        let noted = ended.iter().try_for_each(|session| self.note_end(session, cause, request));
        let count = ended.len();
        self.tell_aside(ended, request);
        noted?;
        Ok(count)
    }

    /// The same for all sessions of a person but that of the cookie token `keep`.
    pub async fn end_others(
        self: &Arc<Self>,
        id: &SubjectId,
        keep: &str,
        cause: Cause,
        request: &RequestContext<'_>,
    ) -> Result<usize, CustodyError> {
        let kept = if keep.is_empty() { None } else { self.sso.sessions.find_any(keep).await? };
        let mut sessions = self.sso.sessions.of(id).await?;
        sessions.retain(|one| kept.as_ref().is_none_or(|kept| kept.id_hash != one.id_hash));
        self.end_sessions(&sessions, cause, request).await
    }

    fn note_end(
        &self,
        session: &SsoSession,
        cause: Cause,
        request: &RequestContext<'_>,
    ) -> Result<(), AuditError> {
        let (subject, login) = (session.subject.id.to_string(), session.subject.login.clone());
        tracing::info!(request.id = %request.id, reason = cause.as_str(), "a session of {login} has ended");
        self.sso.audit.write(&Record {
            time: self.sso.clock.now(),
            request_id: request.id.to_owned(),
            client_address: Some(request.address),
            event: Event::SessionEnded { subject, login, reason: cause.as_str().to_owned() },
        })
    }

    fn tell_aside(self: &Arc<Self>, ended: Vec<Arc<SsoSession>>, request: &RequestContext<'_>) {
        if ended.iter().all(|session| session.sp_sessions().is_empty()) {
            return;
        }
        let (logout, id, address) = (Arc::clone(self), request.id.to_owned(), request.address);
        tokio::spawn(async move {
            let request = RequestContext { id: &id, address, ticket: Ticket::Never };
            let mut chain = logout.chain(logout.sso.ids.xml_id(), &ended, None, None);
            if let Err(rejection) = logout.tell_first(&mut chain, false, &request).await {
                tracing::error!(request.id = %id, "{rejection}");
            }
        });
    }
}
