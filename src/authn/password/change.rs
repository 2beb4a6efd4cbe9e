//! Changing one's own password: the same steps as a sign-in, with the same throttle, and the exchange at their end.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Found, PasswordSignIn, Refusal, Request, plain};
use crate::audit::Event;
use crate::authn::AuthnError;
use crate::directory::{
    Candidate, Directory, DirectoryError, Login, Lookup, PasswordChange, PasswordRefusal, Reason, Verdict,
};
use crate::identity::{Subject, SubjectId};
use crate::secret::Secret;

/// What came from the page for a new password.
#[derive(Debug)]
pub struct ChangeAttempt {
    /// Whose password it is.
    pub whose: Whose,
    /// The password that counts until now.
    pub old: Secret<String>,
    /// The one that is to count.
    pub new: Secret<String>,
    /// Where it comes from.
    pub address: IpAddr,
    /// The id that page, log and audit share.
    pub request_id: String,
}

/// Somebody who wants a new password.
#[derive(Debug)]
pub enum Whose {
    /// Whom this name means.
    Named(String),
    /// Somebody who is signed in.
    SignedIn(Box<Subject>),
}

/// What is known afterwards.
#[derive(Debug, PartialEq, Eq)]
pub enum ChangeAnswer {
    /// The new password counts; whose, unless a name was changed that only a bind could have told the entry of.
    Changed(Option<SubjectId>),
    /// The old password was right, the new one was not taken.
    Kept(PasswordRefusal),
    /// The old password is not right, or the account may do nothing.
    Refused(Refusal),
}

/// What a [`Request`] ends with.
#[derive(Debug)]
pub(super) enum Proof {
    SignedIn(Box<Subject>),
    Refused(Refusal),
    Changed(Option<SubjectId>),
    Kept(PasswordRefusal),
}

/// The part of a request that is not in a sign-in.
pub(super) struct Change {
    new: Secret<String>,
    /// Who must be found.
    person: Option<Box<Subject>>,
}

/// What a directory said.
pub(super) enum Asked {
    Verdict(Verdict),
    /// The old password was right: the new one counts, or why not.
    Right(Option<PasswordRefusal>),
}

impl PasswordSignIn {
    /// Exchanges a password. Whoever asks must know the old one; wrong ones count as at a sign-in. Not to be dropped before
    /// its end: a password that was sent to a directory must be counted.
    pub async fn change_password(&self, attempt: ChangeAttempt) -> Result<ChangeAnswer, AuthnError> {
        let (login, person) = match attempt.whose {
            Whose::Named(login) => (login, None),
            Whose::SignedIn(subject) => (subject.login.clone(), Some(subject)),
        };
        let request = Request {
            inner: Arc::clone(&self.0),
            login,
            password: attempt.old,
            address: attempt.address,
            id: attempt.request_id,
            change: Some(Change { new: attempt.new, person }),
        };
        match request.run().await? {
            Proof::Changed(subject) => Ok(ChangeAnswer::Changed(subject)),
            Proof::Kept(refusal) => Ok(ChangeAnswer::Kept(refusal)),
            Proof::Refused(refusal) => Ok(ChangeAnswer::Refused(refusal)),
            Proof::SignedIn(_) => {
                Err(AuthnError::Interrupted("a password was proved and not changed".to_owned()))
            }
        }
    }

    /// Whether people of this directory may change their password here.
    pub fn changes_passwords_of(&self, directory: &str) -> bool {
        let mut named = self.directories().iter().filter(|one| one.name() == directory);
        named.any(|one| one.changes_passwords())
    }

    /// Whether anybody may.
    pub fn changes_passwords(&self) -> bool {
        self.directories().iter().any(|directory| directory.changes_passwords())
    }
}

impl Request {
    pub(super) async fn ask(
        &self,
        directory: &Arc<dyn Directory>,
        candidate: &Candidate,
    ) -> Result<Asked, DirectoryError> {
        let Some(change) = &self.change else {
            return directory.verify(candidate, &self.password).await.map(Asked::Verdict);
        };
        Ok(match directory.change_password(candidate, &self.password, &change.new).await? {
            PasswordChange::Changed => Asked::Right(None),
            PasswordChange::Refused(refusal) => Asked::Right(Some(refusal)),
            PasswordChange::Denied(reason) => Asked::Verdict(Verdict::Denied(reason)),
        })
    }

    /// Whom the name means, or the entry of somebody who is signed in: the name in it need not be one to sign in by.
    pub(super) async fn find_whom(&self, login: &Login) -> Result<Found<'_>, AuthnError> {
        let Some(person) = self.change.as_ref().and_then(|change| change.person.as_ref()) else {
            return self.find(login).await;
        };
        let directories = &self.inner.directories;
        let Some(at) = directories.iter().position(|one| one.name() == person.id.directory) else {
            return Ok(Found::Nobody(Reason::Unknown));
        };
        let Some(directory) = directories.get(at) else { return Ok(Found::Nobody(Reason::Unknown)) };
        let cannot = |error| self.cannot_say(None, error);
        if let Lookup::Found(candidate) = directory.find(login).await.map_err(cannot)? {
            let is_same = match &candidate.subject {
                Some(subject) => subject.id == person.id,
                None => person.dn.as_ref().is_some_and(|dn| dn.eq_ignore_ascii_case(&candidate.bind_name)),
            };
            if is_same {
                return Ok(Found::Somebody { at, directory, candidate });
            }
        }
        match directory.find_by_id(&person.id).await.map_err(cannot)? {
            Some(candidate) => Ok(Found::Somebody { at, directory, candidate }),
            None => Ok(Found::Nobody(Reason::Unknown)),
        }
    }

    /// The old password was right.
    pub(super) fn end_change(
        &self,
        candidate: &Candidate,
        refusal: Option<PasswordRefusal>,
    ) -> Result<Proof, AuthnError> {
        let person = self.change.as_ref().and_then(|change| change.person.as_deref());
        let subject = candidate.subject.as_ref().or(person);
        let login = plain(subject.map_or(self.login.as_str(), |subject| subject.login.as_str()));
        let id = subject.map(|subject| subject.id.clone());
        let subject = id.as_ref().map(|id| plain(&id.to_string()));
        let by = "person".to_owned();
        match refusal {
            None => {
                let shown = subject.unwrap_or_default();
                tracing::info!(subject.id = %shown, request.id = %self.id, "{login} changed the password");
                self.record(Event::PasswordChanged { subject: shown, login, by })?;
                Ok(Proof::Changed(id))
            }
            Some(refusal) => {
                let reason = refusal.as_str();
                let shown = subject.as_deref().unwrap_or_default();
                tracing::info!(
                    subject.id = %shown, request.id = %self.id, reason, "{login}: the new password was not taken"
                );
                let reason = reason.to_owned();
                self.record(Event::PasswordChangeRefused { subject, login, by, reason })?;
                Ok(Proof::Kept(refusal))
            }
        }
    }
}
