//! [`PasswordSignIn`]: a login name and a password become a [`Subject`] or a refusal.
//!
//! The directories are asked in their order; the first one that knows the name decides. A refusal takes the same time
//! and looks the same whether there is such a person or not, and wherever. Each sign-in and each refusal is audited before it is
//! answered.

mod change;

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::Instrument;

use self::change::{Asked, Change, Proof};
use super::AuthnError;
use super::journal::{Journal, Origin};
use super::throttle::{Keys, Name, Permit, Shielded, Shown, Throttle, ThrottleOptions, Turn};
use super::timing::Timings;
use crate::audit::{Event, Sink};
use crate::clock::{Clock, Timestamp};
use crate::directory::{Candidate, Directory, DirectoryError, Login, Lookup, Reason, Verdict, is_blank};
use crate::identity::{AuthnContext, Subject};
use crate::secret::Secret;
use crate::store::Store;

pub use self::change::{ChangeAnswer, ChangeAttempt, Whose};

/// Signs people in by password.
#[derive(Debug, Clone)]
pub struct PasswordSignIn(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    directories: Vec<Arc<dyn Directory>>,
    throttle: Arc<Throttle>,
    journal: Journal,
    timings: Arc<Timings>,
    context: AuthnContext,
}

/// What came from the sign-in page.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The login name as it was typed.
    pub login: &'a str,
    /// The password.
    pub password: Secret<String>,
    /// Where it comes from.
    pub address: IpAddr,
    /// The id that page, log and audit share.
    pub request_id: &'a str,
}

/// What is known afterwards.
#[derive(Debug)]
pub enum Answer {
    /// This is the person.
    SignedIn(Box<Subject>),
    /// No.
    Refused(Refusal),
}

/// What the person may be told. All but the first three are said only to somebody who gave the right password, or by a
/// directory that says so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Name or password is wrong, and which of them is not said.
    WrongCredentials,
    /// Too many wrong tries.
    Throttled,
    /// The directory has locked the account.
    Locked {
        /// When that ends, where it is known.
        until: Option<Timestamp>,
    },
    /// An administrator has disabled the account.
    Disabled,
    /// The account's time is over.
    AccountExpired,
    /// The password's time is over.
    PasswordExpired {
        /// Whether its directory lets people change it here.
        changeable: bool,
    },
    /// The password must be changed first.
    PasswordMustChange {
        /// Whether its directory lets people change it here.
        changeable: bool,
    },
    /// Not at this hour.
    LogonHours,
    /// Not from this place.
    Workstation,
    /// A Kerberos ticket that names nobody here.
    Ticket,
}

impl PasswordSignIn {
    /// `directories` in the order in which they are asked: file directories first, so that they work while others are
    /// down. The audit trail says `PasswordProtectedTransport`; see [`PasswordSignIn::with_context`].
    pub fn new(
        directories: Vec<Arc<dyn Directory>>,
        store: Store,
        audit: Arc<dyn Sink>,
        clock: Arc<dyn Clock>,
        throttle: ThrottleOptions,
    ) -> Self {
        let throttle = Arc::new(Throttle::new(store, Arc::clone(&clock), throttle));
        let context = AuthnContext(AuthnContext::PASSWORD_PROTECTED_TRANSPORT.to_owned());
        let timings = Arc::new(Timings::new(directories.len()));
        let journal = Journal::new(audit, clock);
        Self(Arc::new(Inner { directories, throttle, journal, timings, context }))
    }

    /// What a sign-in is audited as, where it is not over TLS.
    #[must_use]
    pub fn with_context(self, context: AuthnContext) -> Self {
        Self(Arc::new(Inner { context, ..Inner::clone(&self.0) }))
    }

    /// The directories, in order.
    pub fn directories(&self) -> &[Arc<dyn Directory>] {
        &self.0.directories
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    pub(super) fn throttle(&self) -> &Arc<Throttle> {
        &self.0.throttle
    }

    /// Finds out who this is. The work goes on when the caller goes away: a password that was sent to a directory is
    /// always counted.
    pub async fn sign_in(&self, attempt: Attempt<'_>) -> Result<Answer, AuthnError> {
        let request = Request {
            inner: Arc::clone(&self.0),
            login: attempt.login.to_owned(),
            password: attempt.password,
            address: attempt.address,
            id: attempt.request_id.to_owned(),
            change: None,
        };
        match request.spawn().await? {
            Proof::SignedIn(subject) => Ok(Answer::SignedIn(subject)),
            Proof::Refused(refusal) => Ok(Answer::Refused(refusal)),
            Proof::Changed(_) | Proof::Kept(_) => {
                Err(AuthnError::Interrupted("a sign-in changes no password".to_owned()))
            }
        }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::WrongPassword | Reason::Unknown | Reason::Ambiguous | Reason::NearLockout => {
                Self::WrongCredentials
            }
            Reason::Locked { until } => Self::Locked { until },
            Reason::Disabled => Self::Disabled,
            Reason::AccountExpired => Self::AccountExpired,
            Reason::PasswordExpired => Self::PasswordExpired { changeable: false },
            Reason::PasswordMustChange => Self::PasswordMustChange { changeable: false },
            Reason::LogonHours => Self::LogonHours,
            Reason::Workstation => Self::Workstation,
        }
    }
}

impl Refusal {
    /// As this directory says it.
    fn by(self, directory: &dyn Directory) -> Self {
        let changeable = directory.changes_passwords();
        match self {
            Self::PasswordExpired { .. } => Self::PasswordExpired { changeable },
            Self::PasswordMustChange { .. } => Self::PasswordMustChange { changeable },
            other => other,
        }
    }
}

/// An attempt that owns what it needs.
struct Request {
    inner: Arc<Inner>,
    login: String,
    password: Secret<String>,
    address: IpAddr,
    id: String,
    /// What is to be done beside proving the password.
    change: Option<Change>,
}

/// Whom the directories know by a name; `at` is the place of the directory that said so.
enum Found<'a> {
    Nobody(Reason),
    Somebody { at: usize, directory: &'a Arc<dyn Directory>, candidate: Box<Candidate> },
}

impl Found<'_> {
    fn keys(&self, name: &Arc<Name>) -> Arc<Keys> {
        Arc::new(Keys::new(name, self.candidate().map(|candidate| candidate.throttle_key.as_str())))
    }

    fn candidate(&self) -> Option<&Candidate> {
        match self {
            Self::Nobody(_) => None,
            Self::Somebody { candidate, .. } => Some(candidate),
        }
    }
}

impl Request {
    /// Runs to its end whether anybody waits for it or not.
    async fn spawn(self) -> Result<Proof, AuthnError> {
        let work = tokio::spawn(async move { self.run().await }.in_current_span());
        work.await.unwrap_or_else(|cause| Err(AuthnError::Interrupted(cause.to_string())))
    }

    async fn run(&self) -> Result<Proof, AuthnError> {
        let Some(login) = Login::parse(&self.login) else {
            Timings::wait(Instant::now(), self.inner.timings.expected()).await;
            return self.refuse(None, "invalid_login", Refusal::WrongCredentials);
        };
        let name = Arc::new(Name::new(&login, self.local(&login), self.address));
        if self.inner.throttle.refuses(&name).await? {
            return self.refuse(None, "throttled", Refusal::Throttled);
        }
        let mut since = Instant::now();
        let mut found = self.find_whom(&login).await?;
        let mut searched = since.elapsed();
        let mut keys = found.keys(&name);
        match self.inner.throttle.turn(&keys).await? {
            Turn::Now => {}
            Turn::Waited => {
                // The counters of before the wait are old.
                since = Instant::now();
                found = self.find_whom(&login).await?;
                searched = since.elapsed();
                keys = found.keys(&name);
            }
            Turn::Never => return self.refuse(found.candidate(), "throttled", Refusal::Throttled),
        }
        let entry = found.candidate().map(|candidate| Shown::new(candidate, since));
        let Some(permit) = self.inner.throttle.admit(&keys, entry).await? else {
            return self.refuse(found.candidate(), "throttled", Refusal::Throttled);
        };
        // The search counts, the wait for leave does not.
        let now = Instant::now();
        let begun = now.checked_sub(searched).unwrap_or(now);
        match &found {
            Found::Nobody(reason) => {
                self.wrong(permit, None, *reason, begun, self.inner.timings.expected()).await
            }
            Found::Somebody { at, directory, candidate } => {
                self.prove((*at, directory), candidate, permit, begun).await
            }
        }
    }

    /// The name without the domain of a directory.
    fn local<'a>(&self, login: &'a Login) -> &'a str {
        let mut directories = self.inner.directories.iter();
        directories.find_map(|directory| directory.local_name(login)).unwrap_or(login.as_str())
    }

    /// The first directory that knows the name. One that cannot say ends the search: the name might be there, and a later
    /// directory's namesake is somebody else.
    async fn find(&self, login: &Login) -> Result<Found<'_>, AuthnError> {
        for (at, directory) in self.inner.directories.iter().enumerate() {
            match directory.find(login).await {
                Ok(Lookup::Unknown) => {}
                Ok(Lookup::Ambiguous) => return Ok(Found::Nobody(Reason::Ambiguous)),
                Ok(Lookup::Found(candidate)) => return Ok(Found::Somebody { at, directory, candidate }),
                Err(error) => return Err(self.cannot_say(None, error)),
            }
        }
        Ok(Found::Nobody(Reason::Unknown))
    }

    async fn prove(
        &self,
        (at, directory): (usize, &Arc<dyn Directory>),
        candidate: &Candidate,
        permit: Permit,
        begun: Instant,
    ) -> Result<Proof, AuthnError> {
        if let Some(shielded) = permit.shielded() {
            return self.shield(candidate, (permit, shielded), begun).await;
        }
        if is_blank(&self.password) {
            // Some servers answer an empty password with success: nothing is sent (RFC 4513 5.1.2).
            let took = self.inner.timings.expected();
            return self.wrong(permit, Some(candidate), Reason::WrongPassword, begun, took).await;
        }
        let verdict = match self.ask(directory, candidate).await {
            Ok(Asked::Verdict(verdict)) => verdict,
            Ok(Asked::Right(refusal)) => {
                self.inner.timings.note(at, begun.elapsed());
                permit.right().await?;
                return self.end_change(candidate, refusal);
            }
            Err(error @ DirectoryError::Unanswered { .. }) => {
                return self.unanswered(permit, candidate, error).await;
            }
            Err(error) => return Err(self.cannot_say(Some(candidate), error)),
        };
        let took = begun.elapsed();
        let reason = match (verdict, candidate.barred) {
            (Verdict::Accepted(subject), None) => {
                self.inner.timings.note(at, took);
                permit.right().await?;
                return self.accept(subject);
            }
            // The password was right: what bars the account may be told.
            (Verdict::Accepted(_), Some(reason)) | (Verdict::Denied(reason), _) => reason,
        };
        match Refusal::from(reason).by(directory.as_ref()) {
            Refusal::WrongCredentials => {
                self.inner.timings.note(at, took);
                let took = self.inner.timings.beside(at, took);
                self.wrong(permit, Some(candidate), reason, begun, took).await
            }
            told => {
                let counted = permit.told().await;
                let answer = self.refuse(Some(candidate), reason.as_str(), told)?;
                counted?;
                Ok(answer)
            }
        }
    }

    /// One more wrong password could lock the account, so it is not tried. Who signed in from here before is told; to
    /// anybody else it looks like a wrong password, since unknown names look so too.
    async fn shield(
        &self,
        candidate: &Candidate,
        (permit, shielded): (Permit, Shielded),
        begun: Instant,
    ) -> Result<Proof, AuthnError> {
        if shielded.from_known_address {
            return self.refuse(Some(candidate), Reason::NearLockout.as_str(), Refusal::Throttled);
        }
        let took = self.inner.timings.expected();
        self.wrong(permit, Some(candidate), Reason::NearLockout, begun, took).await
    }

    /// Name or password was wrong: the same steps in the same time, whichever it was.
    async fn wrong(
        &self,
        permit: Permit,
        candidate: Option<&Candidate>,
        reason: Reason,
        begun: Instant,
        took: std::time::Duration,
    ) -> Result<Proof, AuthnError> {
        Timings::wait(begun, took).await;
        let counted = permit.wrong().await;
        let answer = self.refuse(candidate, reason.as_str(), Refusal::WrongCredentials)?;
        counted?;
        Ok(answer)
    }

    /// The password may have been tried in the directory, and have been wrong: it counts as if it was.
    async fn unanswered(
        &self,
        permit: Permit,
        candidate: &Candidate,
        error: DirectoryError,
    ) -> Result<Proof, AuthnError> {
        if let Err(cause) = permit.unanswered().await {
            tracing::error!(%cause, request.id = %self.id, "the try counts only until the next start");
        }
        Err(self.cannot_say(Some(candidate), error))
    }

    fn accept(&self, subject: Box<Subject>) -> Result<Proof, AuthnError> {
        self.inner.journal.accept(self.origin(), &subject, &self.inner.context, None)?;
        Ok(Proof::SignedIn(subject))
    }

    fn refuse(
        &self,
        candidate: Option<&Candidate>,
        reason: &str,
        refusal: Refusal,
    ) -> Result<Proof, AuthnError> {
        let subject = candidate.and_then(|candidate| candidate.subject.as_ref());
        self.inner.journal.refuse(self.origin(), (plain(&self.login), subject), reason, refusal)?;
        Ok(Proof::Refused(refusal))
    }

    /// The cause goes up, to be logged where it is answered; the trail says that there was a try.
    fn cannot_say(&self, candidate: Option<&Candidate>, error: DirectoryError) -> AuthnError {
        let told = self.refuse(candidate, "directory_unavailable", Refusal::WrongCredentials);
        told.err().unwrap_or_else(|| error.into())
    }

    fn record(&self, event: Event) -> Result<(), AuthnError> {
        self.inner.journal.record(self.origin(), event)
    }

    fn origin(&self) -> Origin<'_> {
        Origin { address: self.address, request_id: &self.id }
    }
}

/// A name as one may print it: at most 256 characters, and those escaped that move the cursor, break lines or turn the
/// writing direction.
pub fn plain(text: &str) -> String {
    let is_harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    let mut printed = String::with_capacity(text.len());
    for c in text.chars().take(256) {
        if is_harmful(c) {
            printed.extend(c.escape_unicode());
        } else {
            printed.push(c);
        }
    }
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_name_cannot_forge_a_log_line() {
        assert_eq!(plain("a\r\nb\u{1b}[2J\u{202e}c"), "a\\u{d}\\u{a}b\\u{1b}[2J\\u{202e}c");
        assert_eq!(plain("田中 é"), "田中 é");
        assert_eq!(plain(&"x".repeat(300)).len(), 256);
    }
}
