//! [`Throttle`]: how many wrong passwords reach a directory.
//!
//! Tries are counted in the store, per account and per address. Before a bind a place is reserved in memory, so that
//! tries that run at once cannot pass together; the place becomes a row of the store when the password was wrong. At most
//! `account_tries` wrong ones reach the directory in a window, from wherever they come, so that the directory's own lock
//! stays open. The last place is kept for an address that signed this person in before; all others get one less, for an
//! unknown name too, so that the number of tries does not tell which names exist. A known address has one try per person
//! even when `address_tries` is used up.

use std::collections::HashMap;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};
use unicode_normalization::UnicodeNormalization;

use crate::clock::{Clock, SignedDuration};
use crate::directory::Login;
use crate::store::{LONGEST_WINDOW, Store, StoreError, Write};

/// The most keys that are remembered as clean, and the most addresses as known.
const REMEMBERED: usize = 20_000;
/// The most tries that wait for others; a flood is refused rather than kept.
const MOST_WAITING: usize = 256;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `[throttle]`.
#[derive(Debug, Clone, Copy)]
pub struct ThrottleOptions {
    /// Wrong passwords for one account that reach the directory in a window.
    pub account_tries: u32,
    /// Wrong passwords from one address (an IPv6 /64 counts as one) in a window.
    pub address_tries: u32,
    /// How long a wrong password counts; at most [`LONGEST_WINDOW`].
    pub window: SignedDuration,
}

/// Counts and admits.
#[derive(Debug)]
pub(super) struct Throttle {
    store: Store,
    clock: Arc<dyn Clock>,
    options: ThrottleOptions,
    book: Mutex<Book>,
    /// Wakes who waits for tries under way.
    freed: Notify,
    /// Places to wait in.
    waiting: Semaphore,
}

#[derive(Debug, Default)]
struct Book {
    tallies: HashMap<String, Tally>,
    /// Keys without a try in the store.
    clean: HashSet<String>,
    /// Day on which an address was written as known, by account and address.
    known: HashMap<String, i64>,
    generation: u64,
}

/// What memory knows of a key beyond the store.
#[derive(Debug, Default)]
struct Tally {
    /// Who is looking at the key.
    watchers: u32,
    /// Tries that are under way.
    reserved: u32,
    /// Tries that were written since the first watcher came.
    landed: u32,
    /// When tries were made that could not be written.
    unwritten: Vec<i64>,
}

/// Leave to try one password. Dropped without a word, the try does not count.
#[derive(Debug)]
pub(super) struct Permit {
    throttle: Arc<Throttle>,
    keys: Keys,
    /// Whether the pair of account and address counts too.
    paired: bool,
    /// Whether there is something to forget after a success.
    stained: bool,
    open: bool,
}

/// What a try counts against.
#[derive(Debug, Clone)]
struct Keys {
    account: String,
    address: String,
    /// The throttle key and the address, as the store knows them.
    person: (String, String),
}

impl Keys {
    fn all(&self) -> [String; 3] {
        let pair = format!("pair:{}@{}", self.person.0, self.person.1);
        [self.account.clone(), self.address.clone(), pair]
    }
}

/// Whose throttle it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Account<'a> {
    /// An entry was found; its [`crate::directory::Candidate::throttle_key`].
    Entry(&'a str),
    /// None was found.
    Name(&'a Login),
}

impl Throttle {
    pub(super) fn new(store: Store, clock: Arc<dyn Clock>, options: ThrottleOptions) -> Self {
        let waiting = Semaphore::new(MOST_WAITING);
        Self { store, clock, options, book: Mutex::default(), freed: Notify::new(), waiting }
    }

    /// Leave to try, or `None` when too many tries were wrong. Tries under way may turn out right: while they alone
    /// stand in the way, the next one waits for them, so that one person with many devices is not refused.
    pub(super) async fn admit(
        self: &Arc<Self>,
        account: Account<'_>,
        address: IpAddr,
    ) -> Result<Option<Permit>, StoreError> {
        let keys = keys(account, address);
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let under_way = self.book().is_under_way(&keys);
            if let Some(permit) = self.try_admit(account, keys.clone()).await? {
                return Ok(Some(permit));
            }
            let Ok(_place) = self.waiting.try_acquire() else { return Ok(None) };
            if !under_way && !self.book().is_under_way(&keys) {
                return Ok(None);
            }
            freed.await;
        }
    }

    async fn try_admit(
        self: &Arc<Self>,
        account: Account<'_>,
        keys: Keys,
    ) -> Result<Option<Permit>, StoreError> {
        let all = keys.all();
        let watch = Watch::new(self, &all);
        let stored = if watch.clean { vec![0; 3] } else { self.store.tries(&all, self.since()).await? };
        let mut known = false;
        let used = self.book().used(&watch, &stored, self.since());
        if used.first().is_none_or(|used| *used >= self.options.account_tries) {
            return Ok(None);
        }
        if self.judge(&used, known).is_none() {
            let (person, address) = &keys.person;
            // A name that nobody has is asked for too: both take the same time.
            known = self.store.known_address(person, address).await? && matches!(account, Account::Entry(_));
        }
        // From here to the reservation nobody else can reserve.
        let mut book = self.book();
        let used = book.used(&watch, &stored, self.since());
        let Some(paired) = self.judge(&used, known) else { return Ok(None) };
        let stained = used.first() != Some(&0);
        if !self.store.is_shared() && book.generation == watch.generation {
            book.note_clean(&watch, &stored);
        }
        for key in all.iter().take(if paired { 3 } else { 2 }) {
            book.tallies.entry(key.clone()).or_default().reserved += 1;
        }
        drop(book);
        Ok(Some(Permit { throttle: Arc::clone(self), keys, paired, stained, open: true }))
    }

    /// `Some(paired)` for leave to try; `known`: the address signed this person in before.
    fn judge(&self, used: &[u32], known: bool) -> Option<bool> {
        let &[account, address, pair] = used else { return None };
        let tries = self.options.account_tries;
        if account >= tries - u32::from(tries > 1 && !known) {
            return None;
        }
        if address < self.options.address_tries {
            return Some(false);
        }
        (known && pair == 0).then_some(true)
    }

    fn since(&self) -> i64 {
        let window = self.options.window.min(LONGEST_WINDOW);
        self.clock
            .now()
            .as_millisecond()
            .saturating_sub(i64::try_from(window.as_millis()).unwrap_or(i64::MAX))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The password was wrong: the try counts. Should that not be written, it counts in memory.
    pub(super) async fn wrong(mut self) -> Result<(), StoreError> {
        let keys = self.reserved();
        let at_ms = self.throttle.clock.now().as_millisecond();
        let written = self.throttle.store.commit(vec![Write::WrongTry { keys: keys.clone(), at_ms }]).await;
        let since = self.throttle.since();
        let mut book = self.throttle.book();
        for key in &keys {
            book.clean.remove(key);
            let tally = book.tallies.entry(key.clone()).or_default();
            if written.is_ok() {
                tally.landed = tally.landed.saturating_add(1);
            } else {
                tally.unwritten.retain(|at| *at >= since);
                tally.unwritten.push(at_ms);
            }
        }
        drop(book);
        self.release();
        written
    }

    /// The password was right: the account's tries are forgotten (the address's are not, or an account of one's own would
    /// be enough to go on guessing), and the address is known from now on.
    pub(super) async fn right(mut self) -> Result<(), StoreError> {
        let [account, _, pair] = self.keys.all();
        if self.stained || self.paired {
            let keys = vec![account.clone(), pair];
            self.throttle.store.commit(vec![Write::ClearTries { keys }]).await?;
            if let Some(tally) = self.throttle.book().tallies.get_mut(&account) {
                tally.unwritten.clear();
            }
        }
        let at_ms = self.throttle.clock.now().as_millisecond();
        let (subject, address) = self.keys.person.clone();
        if self.throttle.book().is_news(format!("{address} {subject}"), at_ms / DAY_MS) {
            self.throttle.store.defer(Write::KnownAddress { subject, address, at_ms })?;
        }
        self.release();
        Ok(())
    }

    fn reserved(&self) -> Vec<String> {
        self.keys.all().into_iter().take(if self.paired { 3 } else { 2 }).collect()
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.open) {
            let mut book = self.throttle.book();
            for key in self.reserved() {
                book.change(&key, |tally| tally.reserved = tally.reserved.saturating_sub(1));
            }
            drop(book);
            self.throttle.freed.notify_waiters();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.release();
    }
}

/// While it lives, tries that are written for its keys are counted: a reader of the store cannot miss those that were
/// written after it read.
struct Watch<'a> {
    throttle: &'a Throttle,
    keys: &'a [String; 3],
    landed_before: Vec<u32>,
    clean: bool,
    generation: u64,
}

impl<'a> Watch<'a> {
    fn new(throttle: &'a Throttle, keys: &'a [String; 3]) -> Self {
        let generation = throttle.store.generation();
        let mut book = throttle.book();
        if book.generation != generation {
            book.generation = generation;
            book.clean.clear();
            book.known.clear();
        }
        let clean = keys.iter().all(|key| book.clean.contains(key));
        let landed_before = keys.iter().map(|key| {
            let tally = book.tallies.entry(key.clone()).or_default();
            tally.watchers += 1;
            tally.landed
        });
        let landed_before = landed_before.collect();
        Self { throttle, keys, landed_before, clean, generation }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut book = self.throttle.book();
        for key in self.keys {
            book.change(key, |tally| tally.watchers = tally.watchers.saturating_sub(1));
        }
    }
}

impl Book {
    /// Whether a try of the account or the address is under way.
    fn is_under_way(&self, keys: &Keys) -> bool {
        let reserved = |key: &String| self.tallies.get(key).is_some_and(|tally| tally.reserved > 0);
        reserved(&keys.account) || reserved(&keys.address)
    }

    /// The tries of each key: those in the store, those written since, those under way, those that could not be written.
    fn used(&self, watch: &Watch<'_>, stored: &[u32], since: i64) -> Vec<u32> {
        let keys = watch.keys.iter().zip(&watch.landed_before).zip(stored);
        keys.map(|((key, landed_before), stored)| {
            let Some(tally) = self.tallies.get(key) else { return *stored };
            let unwritten = tally.unwritten.iter().filter(|at| **at >= since).count();
            stored
                .saturating_add(tally.landed.saturating_sub(*landed_before))
                .saturating_add(tally.reserved)
                .saturating_add(u32::try_from(unwritten).unwrap_or(u32::MAX))
        })
        .collect()
    }

    fn note_clean(&mut self, watch: &Watch<'_>, stored: &[u32]) {
        if self.clean.len() >= REMEMBERED {
            self.clean.clear();
        }
        for ((key, landed_before), stored) in watch.keys.iter().zip(&watch.landed_before).zip(stored) {
            if *stored == 0 && self.tallies.get(key).is_some_and(|tally| tally.landed == *landed_before) {
                self.clean.insert(key.clone());
            }
        }
    }

    /// Whether this address of this person was not written today.
    fn is_news(&mut self, key: String, day: i64) -> bool {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, day) != Some(day)
    }

    /// Changes a tally, and forgets it when it says nothing.
    fn change(&mut self, key: &str, change: impl FnOnce(&mut Tally)) {
        if let Some(tally) = self.tallies.get_mut(key) {
            change(tally);
            if tally.watchers == 0 && tally.reserved == 0 && tally.unwritten.is_empty() {
                self.tallies.remove(key);
            }
        }
    }
}

fn keys(account: Account<'_>, address: IpAddr) -> Keys {
    let address = network(address);
    let (kind, name) = match account {
        Account::Entry(key) => ("entry", key.to_owned()),
        Account::Name(login) => ("name", fold(login)),
    };
    Keys { account: format!("{kind}:{name}"), address: format!("address:{address}"), person: (name, address) }
}

/// One person has a whole /64 of IPv6 addresses.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            format!("{}/64", std::net::Ipv6Addr::from(network))
        }
    }
}

/// Names that differ in width, case or composition are one.
fn fold(login: &Login) -> String {
    login.as_str().nfkc().flat_map(char::to_lowercase).nfkc().take(512).collect()
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
        let fold = |text: &str| fold(&Login::parse(text).unwrap());
        assert_eq!(fold("ＴＡＮＡＫＡ"), "tanaka");
        assert_eq!(fold("Tanaka"), fold("tanaka "));
        assert_eq!(fold("ﾀﾅｶ"), fold("タナカ"));
        assert_eq!(fold("cafe\u{301}"), fold("CAFÉ"));
    }
}
