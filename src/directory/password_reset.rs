//! Setting somebody else's password over LDAP, as an administrator who binds for one call on a connection that nobody else
//! gets: `unicodePwd` replaced, or the password-modify operation.

use super::dn::Dn;
use super::ldap::LdapDirectory;
use super::password::is_usable;
use super::password_change::{Written, judge_write};
use super::password_write::PasswordWrite;
use super::wire::{Entry, judge_bind};
use super::{
    Administrator, Directory, DirectoryError, Login, Lookup, NoPerson, OptionsError, PasswordRefusal,
    PasswordReset,
};
use crate::secret::Secret;

/// Set by Active Directory on members of protected groups (AdminSDHolder).
const ADMIN_COUNT: &str = "adminCount";

impl LdapDirectory {
    /// See [`Directory::reset_password`].
    pub(super) async fn reset(
        &self,
        by: &Administrator<'_>,
        login: &Login,
        new: &Secret<String>,
    ) -> Result<PasswordReset, DirectoryError> {
        if !self.options.is_protected() {
            let cause = Box::new(OptionsError::UnprotectedChange);
            return Err(DirectoryError::Options { directory: self.options.name.clone(), cause });
        }
        if super::is_blank(by.password) || by.dn.trim().is_empty() {
            return Ok(PasswordReset::AdministratorDenied(super::Reason::WrongPassword));
        }
        let (server, mut connection) = self
            .servers
            .ask(|server| async move {
                let connection = server.open().await?;
                Ok((server, connection))
            })
            .await?;
        let answer = connection.bind(by.dn, by.password.expose()).await.map_err(|fault| {
            self.servers.note(&server, &fault);
            self.servers.unanswered(&server, &fault)
        })?;
        let directory = self.options.name.as_str();
        match judge_bind(&answer) {
            None => return Err(self.bind_refused(&answer)),
            Some(Err(reason)) => {
                tracing::warn!(directory, bind_dn = by.dn, reason = reason.as_str(), "LDAP bind failed");
                return Ok(PasswordReset::AdministratorDenied(reason));
            }
            Some(Ok(())) => tracing::info!(directory, bind_dn = by.dn, "LDAP bind success"),
        }
        let entry = match self.whom(by, login).await? {
            Ok(entry) => entry,
            Err(refused) => return Ok(refused),
        };
        if !is_usable(new) {
            return Ok(PasswordReset::Refused(PasswordRefusal::Unusable));
        }
        let (dn, new) = (entry.dn.as_str(), new.expose().as_str());
        let write = if self.is_active_directory().await? {
            PasswordWrite::Unicode { dn, old: None, new }
        } else {
            PasswordWrite::Modify { user: Some(dn), old: None, new }
        };
        let answer = self.written(&server, &mut connection, write).await?;
        match judge_write(&answer) {
            Some(Written::Done) => {
                self.subject(&entry).map(|subject| PasswordReset::Changed(Box::new(subject)))
            }
            Some(Written::Refused(refusal)) => Ok(PasswordReset::Refused(refusal)),
            Some(Written::Rules) => Ok(PasswordReset::Refused(self.offended(dn, new, false).await)),
            Some(Written::Denied(_)) | None => Err(self.write_refused(&answer)),
        }
    }

    /// The one entry whose password may be set.
    async fn whom(
        &self,
        by: &Administrator<'_>,
        login: &Login,
    ) -> Result<Result<Entry, PasswordReset>, DirectoryError> {
        let candidate = match self.find(login).await? {
            Lookup::Unknown => return Ok(Err(PasswordReset::NoPerson(NoPerson::Unknown))),
            Lookup::Ambiguous => return Ok(Err(PasswordReset::NoPerson(NoPerson::Ambiguous))),
            Lookup::Found(candidate) => candidate,
        };
        let mut attributes: Vec<&str> = self.requested.iter().map(String::as_str).collect();
        attributes.extend([ADMIN_COUNT, "objectClass"]);
        let Some(entry) = self.entry(&candidate.bind_name, &attributes).await? else {
            return Ok(Err(PasswordReset::NoPerson(NoPerson::Unknown)));
        };
        let Some(dn) = Dn::parse(&entry.dn) else {
            return Err(self.unusable(&entry.dn, "its DN cannot be read".to_owned()));
        };
        let own_base = Dn::parse(&self.options.search_base);
        let is_inside = by.base.into_iter().chain(own_base.as_ref()).all(|base| dn.is_under(base));
        if !is_inside || (by.base.is_none() && own_base.is_none()) {
            return Ok(Err(PasswordReset::NoPerson(NoPerson::Outside)));
        }
        let service = self.options.bind_dn.as_deref().and_then(Dn::parse);
        if is_privileged(&entry) || by.spared.contains(&dn) || service == Some(dn) {
            return Ok(Err(PasswordReset::Privileged));
        }
        Ok(Ok(entry))
    }
}

/// Administrators, and accounts of machines.
fn is_privileged(entry: &Entry) -> bool {
    let admin = entry.text(ADMIN_COUNT).is_some_and(|count| count.trim() != "0");
    let mut classes = entry.texts("objectClass");
    admin
        || classes
            .any(|class| ["computer", "trustedDomain"].iter().any(|one| class.eq_ignore_ascii_case(one)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_and_machines_are_privileged() {
        let entry = |name: &str, values: &[&str]| Entry {
            dn: String::new(),
            attributes: vec![(
                name.to_owned(),
                values.iter().map(|value| value.as_bytes().to_vec()).collect(),
            )],
        };
        assert!(is_privileged(&entry("adminCount", &["1"])) && is_privileged(&entry("ADMINCOUNT", &["2"])));
        assert!(is_privileged(&entry("objectClass", &["top", "person", "user", "Computer"])));
        assert!(!is_privileged(&entry("adminCount", &["0"])));
        assert!(!is_privileged(&entry("objectClass", &["top", "person", "user"])));
    }
}
