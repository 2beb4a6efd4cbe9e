//! What an administrator sees of the throttle, and clears: [`held`] and [`clear`].

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::ThrottleOptions;
use super::keys::{Keys, network};
use crate::clock::Timestamp;
use crate::directory::Login;
use crate::store::{Store, StoreError, Write};

/// So many keys are cleared in one write.
const KEYS_A_WRITE: usize = 500;

/// Wrong tries that count at present against one account, name or address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Against whom.
    pub against: Against,
    /// How many.
    pub tries: u32,
    /// For how many accounts, of an address.
    pub accounts: u32,
    /// When the last one was.
    pub last: Timestamp,
    /// Whether the next try is refused or slowed, at least from an address that is not known.
    pub stopped: bool,
}

/// Whom tries count against.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Against {
    /// An account that a directory has: directory/key.
    Account(String),
    /// A folded name that no directory has.
    Name(String),
    /// An IPv4 address or the /64 of an IPv6 address.
    Address(String),
}

/// Whose tries are forgotten.
#[derive(Debug)]
pub enum Whom<'a> {
    /// A person by the name that was typed, and the accounts (directory/key) that it means.
    Person(&'a Login, &'a [String]),
    /// An address, or its /64.
    Address(IpAddr),
    /// Everybody.
    All,
}

/// Everything that counts now.
pub async fn held(store: &Store, options: &ThrottleOptions, now: Timestamp) -> Result<Vec<Held>, StoreError> {
    let since = now.as_millisecond().saturating_sub(options.window_ms());
    let all = store.all_tries(since).await?;
    let mut accounts: BTreeMap<&str, u32> = BTreeMap::new();
    for (address, _) in all.iter().filter_map(|(key, ..)| key.strip_prefix("tried:")?.split_once('|')) {
        *accounts.entry(address).or_default() += 1;
    }
    let mut held: Vec<Held> = all
        .iter()
        .filter_map(|(key, tries, last_ms)| {
            let against = Against::of(key)?;
            let accounts = match &against {
                Against::Address(address) => accounts.get(address.as_str()).copied().unwrap_or(0),
                Against::Account(_) | Against::Name(_) => 0,
            };
            let stopped = match against {
                Against::Address(_) => {
                    *tries >= options.address_tries || accounts >= options.address_accounts
                }
                _ => *tries >= options.account_tries - u32::from(options.account_tries > 1),
            };
            let last = Timestamp::from_millisecond(*last_ms).unwrap_or(now);
            Some(Held { against, tries: *tries, accounts, last, stopped })
        })
        .collect();
    held.sort_by(|one, other| one.against.cmp(&other.against));
    Ok(held)
}

/// Forgets tries; gives what they were held against, and how many each had.
pub async fn clear(store: &Store, whom: Whom<'_>) -> Result<Vec<(Against, u32)>, StoreError> {
    let is_theirs = |key: &str| match &whom {
        Whom::All => true,
        Whom::Address(address) => {
            let network = network(*address);
            key == format!("address:{network}")
                || key.starts_with(&format!("tried:{network}|"))
                || key.starts_with("pair:") && key.ends_with(&format!("@{network}"))
        }
        Whom::Person(login, accounts) => {
            let name = Keys::name_key(login);
            let tried = key.strip_prefix("tried:").and_then(|rest| rest.split_once('|'));
            let pair = key.strip_prefix("pair:").and_then(|rest| rest.rsplit_once('@'));
            let who = tried.map(|(_, who)| who).or(pair.map(|(who, _)| who));
            let who = who.or_else(|| key.strip_prefix("entry:")).unwrap_or(key);
            who == name || accounts.iter().any(|account| account == who)
        }
    };
    let all = store.all_tries(0).await?;
    let meant: Vec<_> = all.into_iter().filter(|(key, ..)| is_theirs(key)).collect();
    for some in meant.chunks(KEYS_A_WRITE) {
        let keys = some.iter().map(|(key, ..)| key.clone()).collect();
        store.commit(vec![Write::ClearTries { keys }]).await?;
    }
    Ok(meant.iter().filter_map(|(key, tries, _)| Some((Against::of(key)?, *tries))).collect())
}

impl Against {
    fn of(key: &str) -> Option<Self> {
        match key.split_once(':')? {
            ("entry", key) => Some(Self::Account(key.to_owned())),
            ("name", name) => Some(Self::Name(name.to_owned())),
            ("address", address) => Some(Self::Address(address.to_owned())),
            _ => None,
        }
    }

    /// `account`, `name` or `address`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Name(_) => "name",
            Self::Address(_) => "address",
        }
    }

    /// The account, name or address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Account(who) | Self::Name(who) | Self::Address(who) => who,
        }
    }
}
