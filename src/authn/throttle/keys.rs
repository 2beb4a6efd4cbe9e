//! [`Keys`]: what a try counts against.

use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization;

use crate::directory::Login;
use crate::store::{Store, StoreError, Write};

/// A login name, as tries are counted under it.
#[derive(Debug, Clone)]
pub(in crate::authn) struct Name {
    typed: String,
    /// Without a domain of ours: else whoever writes a name in several ways would learn that nobody has it, by having
    /// more tries than an account gives.
    local: String,
}

impl Name {
    /// `local`: the name without the domain of a directory ([`crate::directory::Directory::local_name`]).
    pub(in crate::authn) fn new(login: &Login, local: &str) -> Self {
        Self { typed: name_key(login.as_str()), local: name_key(local) }
    }
}

/// The keys of one try.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// The entry that was found, or the name where none was.
    pub(super) account: String,
    pub(super) address: String,
    /// Who, and at which network, as the store's known addresses have it.
    pub(super) person: (String, String),
    /// The folded name as it was typed.
    pub(super) name: String,
    /// The same without a domain of ours, under which an address is known before the directory was asked whose it is.
    pub(super) local: String,
}

impl Keys {
    /// `entry`: the [`crate::directory::Candidate::throttle_key`], where an entry was found.
    pub(super) fn new(name: &Name, entry: Option<&str>, address: IpAddr) -> Self {
        let Name { typed: name, local } = name.clone();
        let (account, who) = match entry {
            Some(key) => (format!("entry:{key}"), key.to_owned()),
            None => (local.clone(), local.clone()),
        };
        let network = network(address);
        Self { account, address: format!("address:{network}"), person: (who, network), name, local }
    }

    /// Writes that the person signed in at this address, by key and by name.
    pub(super) fn make_known(&self, store: &Store, at_ms: i64) -> Result<(), StoreError> {
        let (subject, address) = &self.person;
        for subject in [subject, &self.local] {
            let (subject, address) = (subject.clone(), address.clone());
            store.defer(Write::KnownAddress { subject, address, at_ms })?;
        }
        Ok(())
    }

    /// What tries for a name that nobody has count against.
    pub(super) fn name_key(login: &Login) -> String {
        name_key(login.as_str())
    }

    /// The key that says that this address had a wrong password for this account.
    pub(super) fn tried(&self) -> String {
        format!("{}{}", self.tried_prefix(), self.person.0)
    }

    /// What the keys of all accounts begin with that an address tried.
    pub(super) fn tried_prefix(&self) -> String {
        format!("tried:{}|", self.person.1)
    }

    /// Account, address, and both together.
    pub(super) fn all(&self) -> [String; 3] {
        let pair = format!("pair:{}@{}", self.person.0, self.person.1);
        [self.account.clone(), self.address.clone(), pair]
    }
}

fn name_key(name: &str) -> String {
    format!("name:{}", fold(name))
}

/// One person has a whole /64 of IPv6 addresses.
pub(super) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            format!("{}/64", std::net::Ipv6Addr::from(network))
        }
    }
}

/// Names that differ in width, case or composition are one.
fn fold(name: &str) -> String {
    name.nfkc().flat_map(char::to_lowercase).nfkc().take(512).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_by_what_one_person_has() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("10.0.0.1"), "10.0.0.1");
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }

    #[test]
    fn spellings_of_a_name_are_one() {
        let fold = |text: &str| fold(Login::parse(text).unwrap().as_str());
        assert_eq!(fold("ＴＡＮＡＫＡ"), "tanaka");
        assert_eq!(fold("Tanaka"), fold("tanaka "));
        assert_eq!(fold("ﾀﾅｶ"), fold("タナカ"));
        assert_eq!(fold("cafe\u{301}"), fold("CAFÉ"));
    }
}
