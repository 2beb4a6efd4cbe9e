//! [`LdapWriter`]: entries of a configured LDAP directory, made, changed, renamed, moved and removed by its service
//! account.
//!
//! It has connections of its own to one server at a time (`home`), and sends nothing twice: what was sent and not
//! answered is [`WriteFault::Unanswered`], and whoever asked decides. What is read on the way (`reading`) is asked again
//! on a new connection where a kept one had died. `name` takes DNs apart; values and names are escaped here and nowhere
//! else.

mod fault;
mod home;
mod name;
mod reading;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapError, LdapResult, Mod};

use super::connection::{guarded, limited};
use super::ldap::LdapDirectory;
use super::password::is_usable;
use super::password_write::PasswordWrite;
use super::source::Flavour;
use crate::identity::{Attributes, Value, is_secret};
use crate::secret::Secret;

pub use super::entry_id::is_id;
pub use fault::WriteFault;
use home::Home;
pub use name::{Rdn, equality, is_attribute, parent_of};
pub use reading::Reading;

/// Adding what is there and removing what is not is no fault (\[MS-ADTS\] 3.1.1.3.4.1.8; OpenLDAP knows it too).
const PERMISSIVE_MODIFY: &str = "1.2.840.113556.1.4.1413";

/// A deletion takes all that is below too (\[MS-ADTS\] 3.1.1.3.4.1.15).
const TREE_DELETE: &str = "1.2.840.113556.1.4.805";

/// An entry as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// objectGUID or entryUUID in its text form, in lower case.
    pub id: String,
    /// Where it is.
    pub dn: String,
    /// What was asked for, as the server spells the names; whole, also where it gives ranges. No secrets.
    pub attributes: Attributes,
}

impl DirectoryEntry {
    /// All values of an attribute; names are compared without case.
    pub fn values(&self, name: &str) -> &[Value] {
        let found = self.attributes.iter().find(|(held, _)| held.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values)
    }

    /// The first value as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values(name).first().and_then(Value::as_text)
    }
}

/// One change of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Modification {
    /// These are its values now; none: it has none, whether it had any or not.
    Replace(String, Vec<Value>),
    /// These too.
    Add(String, Vec<Value>),
    /// These no longer.
    Remove(String, Vec<Value>),
}

/// How far a deletion goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Only an entry with nothing below it.
    Leaf,
    /// With all that is below it.
    Subtree,
}

/// Writes to an LDAP directory. All methods may be called at once from many tasks.
#[derive(Debug)]
pub struct LdapWriter {
    directory: Arc<LdapDirectory>,
    home: Mutex<Option<Arc<Home>>>,
}

impl LdapWriter {
    /// Connects nowhere yet.
    pub fn new(directory: Arc<LdapDirectory>) -> Self {
        Self { directory, home: Mutex::default() }
    }

    /// The `name` of the `[[directory]]`.
    pub fn name(&self) -> &str {
        &self.directory.options.name
    }

    /// The entry below which everything is.
    pub fn base(&self) -> &str {
        &self.directory.options.search_base
    }

    /// The DN that is written as; `None`: nobody, and servers refuse that.
    pub fn account(&self) -> Option<&str> {
        self.directory.options.bind_dn.as_deref()
    }

    /// What kind of server it is; asked once.
    pub async fn flavour(&self) -> Result<Flavour, WriteFault> {
        Ok(if self.is_active_directory().await? { Flavour::ActiveDirectory } else { Flavour::Other })
    }

    /// Whether it has `userParameters` and takes it: AD LDS has none, and Samba takes none over LDAP (its bug 8077).
    pub async fn takes_user_parameters(&self) -> Result<bool, WriteFault> {
        if !self.is_active_directory().await? {
            return Ok(false);
        }
        let root = self.directory.entry("", &["vendorName"]).await?;
        let is_samba = |name: &str| name.starts_with("Samba");
        Ok(!root.iter().flat_map(|entry| entry.texts("vendorName")).any(is_samba))
    }

    async fn is_active_directory(&self) -> Result<bool, WriteFault> {
        Ok(self.directory.is_active_directory().await?)
    }

    /// Makes an entry. Attributes without values are left out.
    pub async fn add(&self, dn: &str, attributes: &[(String, Vec<Value>)]) -> Result<(), WriteFault> {
        let names = attributes.iter().map(|(name, _)| name.as_str());
        writable("add", dn, names)?;
        let attributes = attributes.iter().filter(|(_, values)| !values.is_empty());
        let attributes = attributes.map(|(name, values)| (name.as_bytes().to_vec(), octets(values)));
        self.write(Request::Add { dn, attributes: attributes.collect() }).await
    }

    /// Changes an entry, all or nothing. To add what is there or to remove what is not is no fault where the server knows
    /// the control for it; else it is refused with 20 or 16.
    pub async fn modify(&self, dn: &str, changes: &[Modification]) -> Result<(), WriteFault> {
        let name = |change: &Modification| match change {
            Modification::Replace(name, _) | Modification::Add(name, _) | Modification::Remove(name, _) => {
                name.clone()
            }
        };
        let names: Vec<String> = changes.iter().map(name).collect();
        writable("modify", dn, names.iter().map(String::as_str))?;
        let changes: Vec<Mod<Vec<u8>>> = changes.iter().filter_map(sent).collect();
        if changes.is_empty() {
            return Ok(());
        }
        self.write(Request::Modify { dn, changes }).await
    }

    /// Gives an entry another name, and another parent where one is named; the old name goes.
    pub async fn rename(&self, dn: &str, name: &Rdn, parent: Option<&str>) -> Result<(), WriteFault> {
        writable("rename", dn, std::iter::once(name.attribute.as_str()))?;
        self.write(Request::Rename { dn, name: name.text(), parent }).await
    }

    /// Removes an entry.
    pub async fn delete(&self, dn: &str, extent: Extent) -> Result<(), WriteFault> {
        self.write(Request::Delete { dn, extent }).await
    }

    /// Sets the password of an entry, as an administrator does: by `unicodePwd` in Active Directory, else by the
    /// password-modify operation (RFC 3062), which leaves the hashing to the server. Only where every server is reached by
    /// TLS and proves who it is; else it is refused with 13.
    pub async fn set_password(&self, dn: &str, new: &Secret<String>) -> Result<(), WriteFault> {
        let operation = "change of the password";
        if !self.directory.options.is_protected() {
            let text = "passwords go only to ldaps:// or by start_tls, with verify_certificate = true";
            return Err(WriteFault::here(operation, dn, 13, text));
        }
        if !is_usable(new) {
            return Err(WriteFault::here(
                operation,
                dn,
                19,
                "it is empty, too long or has control characters",
            ));
        }
        let write = if self.is_active_directory().await? {
            PasswordWrite::Unicode { dn, old: None, new: new.expose() }
        } else {
            PasswordWrite::Modify { user: Some(dn), old: None, new: new.expose() }
        };
        let mut line = self.proved_line().await?;
        match line.lease.connection.write(write).await {
            Ok(answer) => {
                line.give_back();
                judged(operation, dn, answer.code, &answer.text)
            }
            Err(fault) => Err(self.unanswered(&line, operation, &fault)),
        }
    }

    async fn write(&self, request: Request<'_>) -> Result<(), WriteFault> {
        let (operation, dn) = (request.operation(), request.dn().to_owned());
        let mut line = self.proved_line().await?;
        let carrying = guarded(carried(&mut line.lease.connection.ldap, request));
        match limited(self.patience(), operation, carrying).await {
            Ok(result) => {
                line.give_back();
                judged(operation, &dn, result.rc, &result.text)
            }
            Err(fault) => Err(self.unanswered(&line, operation, &fault)),
        }
    }

    fn unanswered(
        &self,
        line: &home::Line,
        operation: &'static str,
        fault: &super::connection::Fault,
    ) -> WriteFault {
        self.leave(&line.home, fault);
        let cause = format!("{}: {fault}", line.home.url());
        WriteFault::Unanswered { directory: self.name().to_owned(), operation, cause }
    }
}

/// What is sent once.
enum Request<'a> {
    Add { dn: &'a str, attributes: Vec<(Vec<u8>, HashSet<Vec<u8>>)> },
    Modify { dn: &'a str, changes: Vec<Mod<Vec<u8>>> },
    Rename { dn: &'a str, name: String, parent: Option<&'a str> },
    Delete { dn: &'a str, extent: Extent },
}

impl Request<'_> {
    fn operation(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Modify { .. } => "modify",
            Self::Rename { .. } => "rename",
            Self::Delete { .. } => "delete",
        }
    }

    fn dn(&self) -> &str {
        match self {
            Self::Add { dn, .. }
            | Self::Modify { dn, .. }
            | Self::Rename { dn, .. }
            | Self::Delete { dn, .. } => dn,
        }
    }
}

async fn carried(ldap: &mut Ldap, request: Request<'_>) -> Result<LdapResult, LdapError> {
    let control = |oid: &str, crit| vec![RawControl { ctype: oid.to_owned(), crit, val: None }];
    match request {
        Request::Add { dn, attributes } => ldap.add(dn, attributes).await,
        Request::Modify { dn, changes } => {
            ldap.with_controls(control(PERMISSIVE_MODIFY, false)).modify(dn, changes).await
        }
        Request::Rename { dn, name, parent } => ldap.modifydn(dn, &name, true, parent).await,
        Request::Delete { dn, extent: Extent::Leaf } => ldap.delete(dn).await,
        Request::Delete { dn, extent: Extent::Subtree } => {
            ldap.with_controls(control(TREE_DELETE, true)).delete(dn).await
        }
    }
}

fn judged(operation: &'static str, dn: &str, code: u32, text: &str) -> Result<(), WriteFault> {
    match code {
        0 => Ok(()),
        code => Err(WriteFault::here(operation, dn, code, text.trim_end_matches('\0').trim())),
    }
}

/// Names that are attributes', and no passwords among them: those have a way of their own.
fn writable<'a>(
    operation: &'static str,
    dn: &str,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), WriteFault> {
    for name in names {
        if !is_attribute(name) {
            return Err(WriteFault::here(
                operation,
                dn,
                17,
                format!("\"{name}\" is no name of an attribute"),
            ));
        }
        if is_secret(name) {
            let text = format!("{name} is a secret, which is written as a password or not at all");
            return Err(WriteFault::here(operation, dn, 53, text));
        }
    }
    Ok(())
}

fn octets(values: &[Value]) -> HashSet<Vec<u8>> {
    values.iter().map(|value| value.as_bytes().to_vec()).collect()
}

/// `None` for what changes nothing: to remove no values would remove all (RFC 4511 section 4.6).
fn sent(change: &Modification) -> Option<Mod<Vec<u8>>> {
    match change {
        Modification::Replace(name, values) => Some(Mod::Replace(name.as_bytes().to_vec(), octets(values))),
        Modification::Add(_, values) | Modification::Remove(_, values) if values.is_empty() => None,
        Modification::Add(name, values) => Some(Mod::Add(name.as_bytes().to_vec(), octets(values))),
        Modification::Remove(name, values) => Some(Mod::Delete(name.as_bytes().to_vec(), octets(values))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_no_values_removes_none() {
        let name = || "member".to_owned();
        assert!(sent(&Modification::Remove(name(), vec![])).is_none());
        assert!(sent(&Modification::Add(name(), vec![])).is_none());
        assert!(matches!(sent(&Modification::Replace(name(), vec![])), Some(Mod::Replace(..))));
        let one = sent(&Modification::Remove(name(), vec!["cn=a".into()]));
        assert!(matches!(one, Some(Mod::Delete(_, values)) if values.contains(b"cn=a".as_slice())));
    }

    #[test]
    fn passwords_and_names_that_are_none_are_not_sent() {
        let refused = |name| writable("add", "cn=a", std::iter::once(name)).unwrap_err().code();
        assert_eq!((refused("userPassword"), refused("unicodePwd;x")), (Some(53), Some(53)));
        assert_eq!(refused("@active"), Some(17));
        assert_eq!(writable("add", "cn=a", ["cn", "mail"].into_iter()), Ok(()));
    }
}
