//! Changing one's own password over LDAP, and what both ways of writing one share.
//!
//! The old password is proved by a bind, as at a sign-in. Active Directory lets nobody bind whose password has expired, so
//! there the exchange itself, which proves the old password once more, is sent over a connection of the service account;
//! "Change password" is everybody's right. Elsewhere it is the person's own connection; only where the policy refuses the
//! bind of an expired password the service account does it, if it may write `userPassword`.

use std::sync::Arc;

use super::active_directory::domain_of;
use super::connection::{Connection, Fault};
use super::ldap::LdapDirectory;
use super::password::is_usable;
use super::password_policy::{RULES, Rules, refusal_of_policy};
use super::password_write::PasswordWrite;
use super::pool::Lease;
use super::server::Server;
use super::wire::{BindAnswer, judge_bind};
use super::{Candidate, DirectoryError, PasswordChange, PasswordRefusal, Reason, Verdict};
use crate::clock::{SignedDuration, Timestamp};
use crate::identity::Subject;
use crate::secret::Secret;

/// Of a person, what the rules for passwords are judged by.
const PERSON: [&str; 4] = ["pwdLastSet", "sAMAccountName", "displayName", "msDS-ResultantPSO"];

impl LdapDirectory {
    /// See [`super::Directory::change_password`].
    pub(super) async fn change(
        &self,
        candidate: &Candidate,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<PasswordChange, DirectoryError> {
        if super::is_blank(old) || candidate.bind_name.trim().is_empty() {
            return Ok(PasswordChange::Denied(Reason::WrongPassword));
        }
        let (server, lease, answer) = self.bind(&candidate.bind_name, old).await?;
        let bound = answer.code == 0;
        match judge_bind(&answer) {
            None => return Err(self.bind_refused(&answer)),
            Some(Ok(()) | Err(Reason::PasswordExpired | Reason::PasswordMustChange)) => {}
            Some(Err(reason)) => return Ok(PasswordChange::Denied(reason)),
        }
        if let Some(reason) = candidate.barred {
            return Ok(PasswordChange::Denied(reason));
        }
        if !self.options.password_change || !self.options.is_protected() {
            return Ok(PasswordChange::Refused(PasswordRefusal::NotAllowed));
        }
        if !is_usable(new) {
            return Ok(PasswordChange::Refused(PasswordRefusal::Unusable));
        }
        let proved = Proved { server, lease, bound };
        self.exchange(proved, &candidate.bind_name, old, new).await
    }

    async fn exchange(
        &self,
        proved: Proved,
        dn: &str,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<PasswordChange, DirectoryError> {
        let active_directory = self.is_active_directory().await?;
        let Proved { server, mut lease, bound } = proved;
        let old = Some(old.expose().as_str());
        let new = new.expose().as_str();
        let mut service = match (active_directory, bound, server.approach.account.is_some()) {
            (true, _, true) | (false, false, true) => {
                Some(server.open_for_search().await.map_err(|fault| self.fault(&server, &fault))?)
            }
            (_, true, _) => None,
            (_, false, false) => return Ok(PasswordChange::Refused(PasswordRefusal::NotAllowed)),
        };
        let write = match (active_directory, &service) {
            (true, _) => PasswordWrite::Unicode { dn, old, new },
            (false, Some(_)) => PasswordWrite::Modify { user: Some(dn), old, new },
            (false, None) => PasswordWrite::Modify { user: None, old, new },
        };
        let answer = self.written(&server, service.as_mut().unwrap_or(&mut lease.connection), write).await?;
        lease.give_back();
        match judge_write(&answer) {
            Some(Written::Done) => Ok(PasswordChange::Changed),
            Some(Written::Denied(reason)) => Ok(PasswordChange::Denied(reason)),
            Some(Written::Refused(refusal)) => Ok(PasswordChange::Refused(refusal)),
            Some(Written::Rules) => Ok(PasswordChange::Refused(self.offended(dn, new, true).await)),
            None => Err(self.write_refused(&answer)),
        }
    }

    /// Sends a new password; when no answer comes, it may count or not.
    pub(super) async fn written(
        &self,
        server: &Arc<Server>,
        connection: &mut Connection,
        write: PasswordWrite<'_>,
    ) -> Result<BindAnswer, DirectoryError> {
        connection.write(write).await.map_err(|fault| {
            self.servers.note(server, &fault);
            let cause = format!("{}: {fault}", server.url.text);
            DirectoryError::ChangeUnanswered { directory: self.options.name.clone(), cause }
        })
    }

    /// A fault before anything was sent that counts.
    pub(super) fn fault(&self, server: &Arc<Server>, fault: &Fault) -> DirectoryError {
        self.servers.note(server, fault);
        self.servers.error(server, fault)
    }

    pub(super) fn write_refused(&self, answer: &BindAnswer) -> DirectoryError {
        DirectoryError::Refused {
            directory: self.options.name.clone(),
            code: answer.code,
            operation: "change of a password",
            cause: answer.to_string(),
        }
    }

    /// The rule that Active Directory did not name, as far as the service account may read rules.
    pub(super) async fn offended(&self, dn: &str, new: &str, own_change: bool) -> PasswordRefusal {
        let read = async |dn: &str, names: &[&str]| self.entry(dn, names).await.ok().flatten();
        let Some(person) = read(dn, &PERSON).await else { return PasswordRefusal::Policy };
        let place = match person.text("msDS-ResultantPSO") {
            Some(policy) => policy.to_owned(),
            None => domain_of(dn).to_owned(),
        };
        let rules = read(&place, &RULES).await.and_then(|entry| Rules::of(&entry));
        rules.map_or(PasswordRefusal::Policy, |rules| rules.judge(new, &person, own_change, self.clock.now()))
    }

    /// The person who gave the right password; the bind may have told when that ends.
    pub(super) fn accepted(&self, mut subject: Subject, expires_in: Option<u32>) -> Verdict {
        let told = expires_in.map(|seconds| SignedDuration::from_secs(i64::from(seconds)));
        if let Some(ends) = told.and_then(|left| self.clock.now().checked_add(left).ok()) {
            subject.password_expires = self.near_end(ends);
        }
        Verdict::Accepted(Box::new(subject))
    }

    /// The end of a password, only where it is near enough to be told.
    pub(super) fn near_end(&self, ends: Timestamp) -> Option<Timestamp> {
        let limit = self.options.warns_before().and_then(|before| self.clock.now().checked_add(before).ok());
        limit.filter(|limit| ends <= *limit).map(|_| ends)
    }
}

/// The old password was right: at this server, on this connection, which is the person's if the bind succeeded.
struct Proved {
    server: Arc<Server>,
    lease: Lease,
    bound: bool,
}

/// What the answer to a write means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    Denied(Reason),
    Refused(PasswordRefusal),
    /// Some rule of Active Directory's.
    Rules,
}

/// `None` when it says nothing about passwords.
pub(super) fn judge_write(answer: &BindAnswer) -> Option<Written> {
    if answer.code == 0 {
        return Some(Written::Done);
    }
    if let Some(refusal) = answer.policy_error.and_then(refusal_of_policy) {
        return Some(Written::Refused(refusal));
    }
    // Active Directory writes a Windows error code in front (MS-ERREF 2.2).
    let code = answer.text.trim_start().get(..8).unwrap_or_default().to_ascii_uppercase();
    match (answer.code, code.as_str()) {
        (_, "0000052D") => Some(Written::Rules),
        (_, "00000056") => Some(Written::Denied(Reason::WrongPassword)),
        (_, "00000775") => Some(Written::Denied(LOCKED)),
        (_, "00000533") => Some(Written::Denied(Reason::Disabled)),
        // insufficientAccessRights
        (50, _) | (_, "00000005") => Some(Written::Refused(PasswordRefusal::NotAllowed)),
        // invalidCredentials, and what OpenLDAP says of an old password that is not there
        (49, _) => Some(Written::Denied(Reason::WrongPassword)),
        (53, _) if answer.text.contains("old password") => Some(Written::Denied(Reason::WrongPassword)),
        // constraintViolation
        (19, _) => Some(Written::Refused(PasswordRefusal::Policy)),
        _ => None,
    }
}

/// Locked, as far as an answer tells.
const LOCKED: Reason = Reason::Locked { until: None };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_write_is_told_apart() {
        let judge = |code, text: &str, policy_error| {
            judge_write(&BindAnswer { code, text: text.to_owned(), policy_error, expires_in: None })
        };
        let refused = |refusal| Some(Written::Refused(refusal));
        assert_eq!(judge(0, "", None), Some(Written::Done));
        assert_eq!(
            judge(19, "0000052D: Constraint violation - check_password_restrictions: x", None),
            Some(Written::Rules)
        );
        assert_eq!(
            judge(53, "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0", None),
            Some(Written::Rules)
        );
        let wrong = Some(Written::Denied(Reason::WrongPassword));
        assert_eq!(judge(19, "00000056: AtrErr: DSID-03191083, #1:", None), wrong);
        assert_eq!(judge(53, "unwilling to verify old password", None), wrong);
        assert_eq!(judge(50, "00002098: SecErr: DSID-03150F94", None), refused(PasswordRefusal::NotAllowed));
        assert_eq!(
            judge(19, "Password fails quality checking policy", Some(6)),
            refused(PasswordRefusal::TooShort { least: None })
        );
        assert_eq!(judge(19, "", Some(8)), refused(PasswordRefusal::InHistory));
        assert_eq!(judge(19, "", None), refused(PasswordRefusal::Policy));
        assert_eq!(judge(53, "0000001F: SvcErr", None), None, "no TLS is a fault, not an answer");
        assert_eq!(judge(80, "", None), None);
    }
}
