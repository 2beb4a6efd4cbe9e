//! [`Scope`]: who is carried at all, and the sentence that says why or why not (`sekisho sync explain`).
//!
//! The filter of a source is LDAP's business: what it leaves out is not read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::structure::{Standing, names};
use crate::directory::dn::Dn;
use crate::directory::source::SourceEntry;
use crate::identity::{Attributes, Value};

/// What Active Directory keeps of its own objects.
pub(super) const SYSTEM: &str = "isCriticalSystemObject";

/// As the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScopeOptions {
    /// Who is carried, before anybody is excluded.
    pub who: Who,
    /// The attribute that may say that an account is deleted; empty for none.
    pub status_attribute: String,
    /// What it says then; case is of no matter.
    pub deleted: Vec<String>,
    /// Login names of accounts that are local to the directory.
    pub local: Vec<String>,
    /// Entries that are not carried, with all below them.
    pub exclude: Vec<String>,
}

impl Default for ScopeOptions {
    fn default() -> Self {
        Self {
            who: Who::Everyone,
            status_attribute: "seciossAccountStatus".to_owned(),
            deleted: vec!["deleted".to_owned()],
            local: vec!["admin".to_owned()],
            exclude: Vec::new(),
        }
    }
}

/// Who is carried, before anybody is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Everybody who is read.
    Everyone,
    /// The members of the group `idsync` and of the other groups that select.
    Selected,
}

/// Why a scope cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// What is to be excluded is no DN.
    #[error("scope.exclude: {0:?} is no DN; write it whole, as cn=name,ou=unit,dc=example,dc=com")]
    NoDn(String),
}

/// Whether somebody is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    InScope(Ground),
    /// No.
    Out(Reason),
}

/// Why somebody is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ground {
    /// Everybody is.
    Everyone,
    /// As a member of the group with this DN.
    Member(String),
}

/// Why somebody is not carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is the account that the directory is read as.
    Account,
    /// It is on the list, or below this DN of it.
    Excluded(String),
    /// It is an account of the directory itself, by this name.
    Local(String),
    /// It is one that the directory needs for itself.
    System,
    /// An attribute says that it is deleted.
    Deleted {
        /// Which attribute.
        attribute: String,
        /// What it says.
        value: String,
    },
    /// It is in none of the groups that select.
    NotSelected,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InScope(Ground::Everyone) => f.write_str("in scope: everybody is"),
            Self::InScope(Ground::Member(group)) => write!(f, "in scope: a member of {group}"),
            Self::Out(Reason::Account) => f.write_str("out of scope: the directory is read as this account"),
            Self::Out(Reason::Excluded(dn)) => write!(f, "out of scope: scope.exclude names {dn}"),
            Self::Out(Reason::Local(name)) => {
                write!(f, "out of scope: {name} is an account of the directory itself (scope.local)")
            }
            Self::Out(Reason::System) => {
                write!(f, "out of scope: an account of Active Directory itself ({SYSTEM} is TRUE)")
            }
            Self::Out(Reason::Deleted { attribute, value }) => {
                write!(f, "out of scope: {attribute} is {value}")
            }
            Self::Out(Reason::NotSelected) => f.write_str(
                "out of scope: a member of none of the groups that select (scope.who = \"selected\")",
            ),
        }
    }
}

/// Who is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    options: ScopeOptions,
    /// By normal name, with the DN as it was written.
    exclude: Vec<(String, String)>,
    account: Option<Account>,
}

/// The account that a directory is read as, by the form of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Account {
    Dn(String),
    Principal(String),
    /// `DOMAIN\name`, or the name alone.
    Name(String),
}

impl Scope {
    /// By `options`, without the account that the source is read as, as [`Source::account`] tells it.
    ///
    /// [`Source::account`]: crate::directory::source::Source::account
    pub fn new(options: ScopeOptions, account: Option<&str>) -> Result<Self, ScopeError> {
        let exclude = options.exclude.iter().map(|text| match Dn::parse(text) {
            Some(dn) => Ok((dn.normal(), text.clone())),
            None => Err(ScopeError::NoDn(text.clone())),
        });
        let exclude = exclude.collect::<Result<_, _>>()?;
        Ok(Self { options, exclude, account: account.map(Account::of) })
    }

    /// The attributes that have to be read for it.
    pub fn attributes(&self) -> Vec<&str> {
        let status = Some(self.options.status_attribute.as_str()).filter(|name| !name.is_empty());
        ["uid", "sAMAccountName", "userPrincipalName", SYSTEM].into_iter().chain(status).collect()
    }

    /// Judges somebody by the entry and by what the structure says.
    pub fn judge(&self, entry: &SourceEntry, standing: &Standing) -> Verdict {
        if let Some(reason) = self.bar(entry) {
            return Verdict::Out(reason);
        }
        match (self.options.who, &standing.selected_by) {
            (Who::Everyone, _) => Verdict::InScope(Ground::Everyone),
            (Who::Selected, Some(group)) => Verdict::InScope(Ground::Member(group.clone())),
            (Who::Selected, None) => Verdict::Out(Reason::NotSelected),
        }
    }

    fn bar(&self, entry: &SourceEntry) -> Option<Reason> {
        let name = names::normal(&entry.dn);
        if self.account.as_ref().is_some_and(|account| account.is(&name, &entry.attributes)) {
            return Some(Reason::Account);
        }
        let mut excluded = self.exclude.iter();
        if let Some((_, dn)) = excluded.find(|(no, _)| name == *no || names::is_below(&name, no)) {
            return Some(Reason::Excluded(dn.clone()));
        }
        if let Some(login) = logins(entry).into_iter().find(|login| holds(&self.options.local, login)) {
            return Some(Reason::Local(login));
        }
        if is_of_the_system(entry) {
            return Some(Reason::System);
        }
        let status = Some(self.options.status_attribute.as_str()).filter(|name| !name.is_empty())?;
        let value = texts(&entry.attributes, status).find(|value| holds(&self.options.deleted, value))?;
        Some(Reason::Deleted { attribute: status.to_owned(), value: value.to_owned() })
    }
}

/// Whether Active Directory needs it for itself, as Administrator, krbtgt and `OU=Domain Controllers`.
pub(super) fn is_of_the_system(entry: &SourceEntry) -> bool {
    texts(&entry.attributes, SYSTEM).any(|value| same(value, "TRUE"))
}

impl Account {
    fn of(text: &str) -> Self {
        match (Dn::parse(text), text.rsplit_once('\\')) {
            (Some(dn), _) => Self::Dn(dn.normal()),
            (None, Some((_, name))) => Self::Name(name.to_owned()),
            (None, None) if text.contains('@') => Self::Principal(text.to_owned()),
            (None, None) => Self::Name(text.to_owned()),
        }
    }

    fn is(&self, name: &str, attributes: &Attributes) -> bool {
        let among = |attribute, wanted: &str| texts(attributes, attribute).any(|text| same(text, wanted));
        match self {
            Self::Dn(dn) => dn == name,
            Self::Principal(principal) => among("userPrincipalName", principal),
            Self::Name(name) => among("sAMAccountName", name),
        }
    }
}

/// What somebody signs in as at the directory; where no attribute says it, as the entry is called.
fn logins(entry: &SourceEntry) -> Vec<String> {
    let named = ["uid", "sAMAccountName"].into_iter().flat_map(|name| texts(&entry.attributes, name));
    let named: Vec<String> = named.map(str::to_owned).collect();
    if named.is_empty() { Dn::values(&entry.dn).into_iter().flatten().take(1).collect() } else { named }
}

fn texts<'a>(attributes: &'a Attributes, name: &str) -> impl Iterator<Item = &'a str> {
    let values = attributes.iter().filter(move |(held, _)| held.eq_ignore_ascii_case(name));
    values.flat_map(|(_, values)| values).filter_map(Value::as_text)
}

fn holds(list: &[String], text: &str) -> bool {
    list.iter().any(|listed| same(listed, text))
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(dn: &str, attributes: &[(&str, &str)]) -> SourceEntry {
        let attributes = attributes.iter().map(|(name, value)| (*name, vec![Value::from(*value)]));
        SourceEntry { id: "1".into(), dn: dn.into(), disabled: false, attributes: attributes.collect() }
    }

    fn scope(account: Option<&str>, change: impl FnOnce(&mut ScopeOptions)) -> Scope {
        let mut options = ScopeOptions::default();
        change(&mut options);
        Scope::new(options, account).unwrap()
    }

    fn told(scope: &Scope, entry: &SourceEntry, selected_by: Option<&str>) -> String {
        let standing = Standing { selected_by: selected_by.map(str::to_owned), ..Standing::default() };
        scope.judge(entry, &standing).to_string()
    }

    #[test]
    fn everybody_is_carried_but_those_who_are_excluded() {
        let scope = scope(Some("CN=Sync,OU=Service,dc=x"), |o| {
            o.exclude = vec!["ou=Robots,dc=x".to_owned(), "cn=One,dc=x".to_owned()];
        });
        let cases = [
            (entry("cn=a,dc=x", &[]), "in scope: everybody is"),
            (entry("cn=sync, ou=service,dc=X", &[]), "out of scope: the directory is read as this account"),
            (entry("cn=b,ou=robots,dc=x", &[]), "out of scope: scope.exclude names ou=Robots,dc=x"),
            (entry("cn=one,dc=x", &[]), "out of scope: scope.exclude names cn=One,dc=x"),
            (
                entry("cn=x,dc=x", &[("uid", "Admin")]),
                "out of scope: Admin is an account of the directory itself (scope.local)",
            ),
            (
                entry("CN=admin,dc=x", &[]),
                "out of scope: admin is an account of the directory itself (scope.local)",
            ),
            (entry("CN=Admin,dc=x", &[("sAMAccountName", "asmith")]), "in scope: everybody is"),
            (
                entry("cn=c,dc=x", &[("seciossaccountstatus", "DELETED")]),
                "out of scope: seciossAccountStatus is DELETED",
            ),
            (entry("cn=c,dc=x", &[("seciossaccountstatus", "active")]), "in scope: everybody is"),
            (
                entry("cn=Guest,dc=x", &[("iscriticalsystemobject", "TRUE")]),
                "out of scope: an account of Active Directory itself (isCriticalSystemObject is TRUE)",
            ),
            (entry("cn=d,dc=x", &[("isCriticalSystemObject", "FALSE")]), "in scope: everybody is"),
        ];
        for (entry, expected) in cases {
            assert_eq!(told(&scope, &entry, None), expected, "{}", entry.dn);
        }
    }

    #[test]
    fn where_some_are_selected_the_group_decides() {
        let scope = scope(None, |o| o.who = Who::Selected);
        let somebody = entry("cn=a,dc=x", &[]);
        assert_eq!(told(&scope, &somebody, Some("cn=idsync,dc=x")), "in scope: a member of cn=idsync,dc=x");
        assert_eq!(
            told(&scope, &somebody, None),
            "out of scope: a member of none of the groups that select (scope.who = \"selected\")"
        );
        let local = entry("cn=b,dc=x", &[("uid", "admin")]);
        assert!(told(&scope, &local, Some("cn=idsync,dc=x")).starts_with("out of scope: admin"));
    }

    #[test]
    fn the_account_is_known_by_each_form_of_its_name() {
        let sync = [("sAMAccountName", "svc-sync"), ("userPrincipalName", "svc-sync@x.test")];
        let sync = entry("cn=Sync,dc=x", &sync);
        for account in ["SVC-sync@X.test", "X\\Svc-Sync", "svc-sync", "CN=Sync,DC=x"] {
            let verdict = scope(Some(account), |_| ()).judge(&sync, &Standing::default());
            assert_eq!(verdict, Verdict::Out(Reason::Account), "{account}");
        }
        let verdict = scope(Some("other@x.test"), |_| ()).judge(&sync, &Standing::default());
        assert_eq!(verdict, Verdict::InScope(Ground::Everyone));
    }

    #[test]
    fn what_is_read_and_what_is_no_name() {
        assert!(scope(None, |_| ()).attributes().contains(&"seciossAccountStatus"));
        let none = scope(None, |o| o.status_attribute.clear());
        assert_eq!(none.attributes(), ["uid", "sAMAccountName", "userPrincipalName", SYSTEM]);
        assert_eq!(none.judge(&entry("cn=a", &[("", "deleted")]), &Standing::default()), {
            Verdict::InScope(Ground::Everyone)
        });
        let options = ScopeOptions { exclude: vec!["robots".to_owned()], ..ScopeOptions::default() };
        assert_eq!(Scope::new(options, None), Err(ScopeError::NoDn("robots".to_owned())));
    }
}
