//! [`Keys`]: what a try counts against.

use std::net::IpAddr;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use crate::directory::Login;
use crate::store::{Store, StoreError, Write};

/// A login name and where it was typed, as tries are counted under them.
#[derive(Debug)]
pub(in crate::authn) struct Name {
    /// Folded, as it was typed.
    pub(super) typed: String,
    /// The same without a domain of ours: else whoever writes a name in several ways would learn that nobody has it, by
    /// having more tries than an account gives. An address is known under it before the directory was asked whose it is.
    pub(super) local: String,
    /// The network as the store's known addresses have it.
    network: String,
    /// What the tries of the network count under.
    pub(super) address: String,
}

impl Name {
    /// `local`: the name without the domain of a directory ([`crate::directory::Directory::local_name`]).
    pub(in crate::authn) fn new(login: &Login, local: &str, address: IpAddr) -> Self {
        let typed = name_key(login.as_str());
        let local = if local == login.as_str() { typed.clone() } else { name_key(local) };
        let network = network(address);
        Self { typed, local, address: format!("address:{network}"), network }
    }
}

/// The keys of one try.
#[derive(Debug)]
pub(in crate::authn) struct Keys {
    pub(super) name: Arc<Name>,
    /// The entry that was found, or the name where none was; the address; both together.
    pub(super) all: [String; 3],
    /// Whose tries they are, as the store's known addresses have it.
    pub(super) who: String,
}

impl Keys {
    /// `entry`: the [`crate::directory::Candidate::throttle_key`], where an entry was found.
    pub(in crate::authn) fn new(name: &Arc<Name>, entry: Option<&str>) -> Self {
        match entry {
            Some(key) => Self::of(name, format!("entry:{key}"), key.to_owned()),
            None => Self::of(name, name.local.clone(), name.local.clone()),
        }
    }

    /// For an account that the name turned out to be.
    pub(super) fn of(name: &Arc<Name>, account: String, who: String) -> Self {
        let pair = format!("pair:{who}@{}", name.network);
        Self { all: [account, name.address.clone(), pair], who, name: Arc::clone(name) }
    }

    pub(super) fn account(&self) -> &String {
        let [account, ..] = &self.all;
        account
    }

    pub(super) fn pair(&self) -> &String {
        let [.., pair] = &self.all;
        pair
    }

    /// Those that a place is reserved under; `paired`: account and address together count too.
    pub(super) fn reserved(&self, paired: bool) -> impl Iterator<Item = &String> {
        self.all.iter().take(if paired { 3 } else { 2 })
    }

    /// Person and network, as the store's known addresses have them.
    pub(super) fn person(&self) -> (&str, &str) {
        (&self.who, &self.name.network)
    }

    /// Writes that the person signed in at this address, by key and by name.
    pub(super) fn make_known(&self, store: &Store, at_ms: i64) -> Result<(), StoreError> {
        for subject in [&self.who, &self.name.local] {
            let (subject, address) = (subject.clone(), self.name.network.clone());
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
        format!("{}{}", self.tried_prefix(), self.who)
    }

    /// What the keys of all accounts begin with that an address tried.
    pub(super) fn tried_prefix(&self) -> String {
        format!("tried:{}|", self.name.network)
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
