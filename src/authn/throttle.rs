//! How many wrong passwords reach a directory.
//!
//! Tries are counted in the store, per account and per address. Before a bind a place is reserved in memory, so that
//! tries that run at once cannot pass together; the place becomes a row of the store when the password was wrong. At most
//! `account_tries` wrong ones reach the directory in a window, from wherever they come, so that the directory's own lock
//! stays open. The last place is kept for an address that signed this person in before; all others get one less, for an
//! unknown name too, so that the number of tries does not tell which names exist. A known address has one try per person
//! even when `address_tries` is used up. States of accounts (locked, expired) count against the address alone.

mod early;
mod keys;
mod ledger;
mod shield;
mod spray;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};

use self::early::Refusals;
use self::shield::{Ended, Shield};
use self::spray::Turns;
use crate::clock::{Clock, SignedDuration};
use crate::store::{LONGEST_WINDOW, Store, StoreError, Write};

pub(super) use self::keys::{Keys, Name};
pub use self::ledger::{Against, Held, Whom, clear, held};
pub(super) use self::shield::{Shielded, Shown};
pub(super) use self::spray::Turn;

/// The most keys that are remembered as clean, the most addresses as known, and the most names as refused.
const REMEMBERED: usize = 20_000;
/// The most tries that wait for others; a flood is refused rather than kept.
const MOST_WAITING: usize = 256;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `[throttle]`.
#[derive(Debug, Clone, Copy)]
pub struct ThrottleOptions {
    /// Wrong passwords for one account that reach the directory in a window; one less of strangers, unless it is 1.
    pub account_tries: u32,
    /// Wrong passwords from one address (an IPv6 /64 counts as one) in a window.
    pub address_tries: u32,
    /// Accounts that one address had wrong passwords for in a window; from then on its tries are slowed.
    pub address_accounts: u32,
    /// How long a wrong password counts; at most [`LONGEST_WINDOW`].
    pub window: SignedDuration,
}

impl ThrottleOptions {
    fn window_ms(&self) -> i64 {
        i64::try_from(self.window.min(LONGEST_WINDOW).as_millis()).unwrap_or(i64::MAX)
    }
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
    refusals: Refusals,
    ended: Ended,
    turns: Turns,
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
    keys: Arc<Keys>,
    /// Whether the pair of account and address counts too.
    paired: bool,
    /// Set when the try may not reach the directory, which could lock the account for it.
    shielded: Option<Shielded>,
    /// Whether there is something to forget after a success.
    stained: bool,
    open: bool,
}

impl Throttle {
    pub(super) fn new(store: Store, clock: Arc<dyn Clock>, options: ThrottleOptions) -> Self {
        let waiting = Semaphore::new(MOST_WAITING);
        Self { store, clock, options, book: Mutex::default(), freed: Notify::new(), waiting }
    }

    /// Leave to try, or `None` when too many tries were wrong. `entry`: what the directory showed of whom the keys are of.
    /// Tries under way may turn out right: while they alone stand in the way, the next one waits for them, so that one
    /// person with many devices is not refused.
    pub(super) async fn admit(
        self: &Arc<Self>,
        keys: &Arc<Keys>,
        entry: Option<Shown>,
    ) -> Result<Option<Permit>, StoreError> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let under_way = self.book().is_under_way(keys);
            if let Some(permit) = self.try_admit(keys, entry).await? {
                return Ok(Some(permit));
            }
            let Ok(_place) = self.waiting.try_acquire() else { return Ok(None) };
            if !under_way && !self.book().is_under_way(keys) {
                return Ok(None);
            }
            freed.await;
        }
    }

    async fn try_admit(
        self: &Arc<Self>,
        keys: &Arc<Keys>,
        entry: Option<Shown>,
    ) -> Result<Option<Permit>, StoreError> {
        let watch = Watch::new(self, &keys.all);
        let (stored, known) = self.look_up(&watch, keys, entry).await?;
        // From here to the reservation nobody else can reserve.
        let mut book = self.book();
        let used = book.used(&watch, &stored, self.since());
        let Some(paired) = self.judge(&used, known) else {
            let settled = book.settled(&watch, &stored, self.since());
            if self.judge(&settled, known).is_none() {
                book.refusals.note(keys, self.is_spent(&settled));
            }
            return Ok(None);
        };
        let shield = book.shield(keys.account(), entry, known);
        if shield == Shield::Busy {
            return Ok(None);
        }
        let stained = used.first() != Some(&0);
        if !self.store.is_shared() && book.generation == watch.generation {
            book.note_clean(&watch, &stored);
        }
        for key in keys.reserved(paired) {
            book.tallies.entry(key.clone()).or_default().reserved += 1;
        }
        drop(book);
        let shielded = (shield == Shield::Closed).then_some(Shielded { from_known_address: known });
        let (throttle, keys) = (Arc::clone(self), Arc::clone(keys));
        Ok(Some(Permit { throttle, keys, paired, shielded, stained, open: true }))
    }

    /// The tries of each key in the store, and, where it matters, whether the address signed this person in before. A
    /// name that nobody has is asked for too: both take the same time.
    async fn look_up(
        &self,
        watch: &Watch<'_>,
        keys: &Keys,
        entry: Option<Shown>,
    ) -> Result<(Vec<u32>, bool), StoreError> {
        let stored =
            if watch.clean { vec![0; 3] } else { self.store.tries(watch.keys, self.since()).await? };
        let (used, shield) = {
            let book = self.book();
            (book.used(watch, &stored, self.since()), book.shield(keys.account(), entry, false))
        };
        let matters = (self.judge(&used, false).is_none() || shield != Shield::Open)
            && used.first().is_some_and(|account| *account < self.options.account_tries);
        let (who, network) = keys.person();
        let known = matters && self.store.known_address(who, network).await?;
        Ok((stored, known))
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

    fn is_spent(&self, settled: &[u32]) -> bool {
        settled.get(1).is_some_and(|address| *address >= self.options.address_tries)
    }

    /// Makes an address known for somebody who signed in there, by the person and by the name that was typed; once a day
    /// is enough.
    pub(super) fn make_known(&self, keys: &Keys) -> Result<(), StoreError> {
        let at_ms = self.clock.now().as_millisecond();
        let (who, network) = keys.person();
        let mut book = self.book();
        book.renew(self.store.generation());
        let is_news = book.is_news(format!("{network} {who} {}", keys.name.local), at_ms / DAY_MS);
        drop(book);
        if is_news { keys.make_known(&self.store, at_ms) } else { Ok(()) }
    }

    fn since(&self) -> i64 {
        self.clock.now().as_millisecond().saturating_sub(self.options.window_ms())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Set when the try may not reach the directory.
    pub(super) fn shielded(&self) -> Option<Shielded> {
        self.shielded
    }

    /// The password was wrong: the try counts. Should that not be written, it counts in memory.
    pub(super) async fn wrong(self) -> Result<(), StoreError> {
        let mut keys = self.reserved();
        keys.push(self.keys.tried());
        self.count(keys).await
    }

    /// The directory told the state of the account: no wrong password of it, but whoever asks for states is counted.
    pub(super) async fn told(self) -> Result<(), StoreError> {
        let mut keys = self.reserved();
        keys.retain(|key| key != self.keys.account());
        self.count(keys).await
    }

    /// The directory gave no answer and may have counted the try against the account. The address is not to blame: while a
    /// directory hangs, a whole office behind one address tries in vain.
    pub(super) async fn unanswered(self) -> Result<(), StoreError> {
        let account = self.keys.account().clone();
        self.count(vec![account]).await
    }

    async fn count(mut self, keys: Vec<String>) -> Result<(), StoreError> {
        let at_ms = self.throttle.clock.now().as_millisecond();
        let written = self.throttle.store.commit(vec![Write::WrongTry { keys: keys.clone(), at_ms }]).await;
        let since = self.throttle.since();
        let mut book = self.throttle.book();
        if written.is_err() {
            book.forget_unwritten(since);
        }
        if self.shielded.is_none() {
            book.ended.note(self.keys.account());
        }
        for key in &keys {
            book.clean.remove(key);
            // Without one nobody looks at the key: no place was reserved under it.
            let Some(tally) = book.tallies.get_mut(key) else { continue };
            if written.is_ok() {
                tally.landed = tally.landed.saturating_add(1);
            } else {
                tally.unwritten.push(at_ms);
            }
        }
        drop(book);
        self.release();
        written
    }

    /// The password was right: the account's tries are forgotten (the address's are not, or an account of one's own would
    /// be enough to go on guessing), and the address is known from now on, for the person and for the name that was typed.
    pub(super) async fn right(mut self) -> Result<(), StoreError> {
        if self.stained || self.paired {
            let account = self.keys.account();
            let keys = vec![account.clone(), self.keys.pair().clone(), self.keys.tried()];
            self.throttle.store.commit(vec![Write::ClearTries { keys }]).await?;
            if let Some(tally) = self.throttle.book().tallies.get_mut(account) {
                tally.unwritten.clear();
            }
        }
        self.throttle.make_known(&self.keys)?;
        self.release();
        Ok(())
    }

    fn reserved(&self) -> Vec<String> {
        self.keys.reserved(self.paired).cloned().collect()
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.open) {
            let mut book = self.throttle.book();
            for key in self.keys.reserved(self.paired) {
                book.change(key, |tally| tally.reserved = tally.reserved.saturating_sub(1));
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
        book.renew(generation);
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
    /// Forgets what another process may have changed in the store.
    fn renew(&mut self, generation: u64) {
        if self.generation != generation {
            self.generation = generation;
            self.clean.clear();
            self.known.clear();
        }
    }

    /// Whether a try of the account or the address is under way.
    fn is_under_way(&self, keys: &Keys) -> bool {
        let reserved = |key: &String| self.tallies.get(key).is_some_and(|tally| tally.reserved > 0);
        reserved(keys.account()) || reserved(&keys.name.address)
    }

    /// The tries of each key: those that are settled and those under way.
    fn used(&self, watch: &Watch<'_>, stored: &[u32], since: i64) -> Vec<u32> {
        let reserved = |key| self.tallies.get(key).map_or(0, |tally| tally.reserved);
        let settled = self.settled(watch, stored, since);
        watch.keys.iter().zip(settled).map(|(key, settled)| settled.saturating_add(reserved(key))).collect()
    }

    /// The tries of each key that were wrong: those in the store, those written since, those that could not be written.
    fn settled(&self, watch: &Watch<'_>, stored: &[u32], since: i64) -> Vec<u32> {
        let keys = watch.keys.iter().zip(&watch.landed_before).zip(stored);
        keys.map(|((key, landed_before), stored)| {
            let Some(tally) = self.tallies.get(key) else { return *stored };
            let unwritten = tally.unwritten.iter().filter(|at| **at >= since).count();
            stored
                .saturating_add(tally.landed.saturating_sub(*landed_before))
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
            if tally.says_nothing() {
                self.tallies.remove(key);
            }
        }
    }

    /// Forgets tries that could not be written and whose window has passed: else a name that never comes again would
    /// stay for good.
    fn forget_unwritten(&mut self, since: i64) {
        self.tallies.retain(|_, tally| {
            tally.unwritten.retain(|at| *at >= since);
            !tally.says_nothing()
        });
    }
}

impl Tally {
    fn says_nothing(&self) -> bool {
        self.watchers == 0 && self.reserved == 0 && self.unwritten.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wrong_tries_leave_nothing_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", dir.path().join("s.db").display())).await.unwrap();
        let options = ThrottleOptions {
            account_tries: 4,
            address_tries: 100,
            address_accounts: 100,
            window: SignedDuration::from_mins(30),
        };
        let throttle = Arc::new(Throttle::new(store.clone(), Arc::new(crate::clock::SystemClock), options));
        let address = std::net::IpAddr::from([192, 0, 2, 7]);
        for n in 0..5 {
            let login = crate::directory::Login::parse(&format!("nobody{n}")).unwrap();
            let name = Arc::new(Name::new(&login, login.as_str(), address));
            let keys = Arc::new(Keys::new(&name, None));
            throttle.admit(&keys, None).await.unwrap().unwrap().wrong().await.unwrap();
        }
        assert_eq!(throttle.book().tallies.keys().collect::<Vec<_>>(), [""; 0]);
        assert_eq!(store.keys_tried("tried:192.0.2.7|", 0).await.unwrap(), 5);
    }

    #[test]
    fn tries_that_could_not_be_written_are_forgotten_after_their_window() {
        let mut book = Book::default();
        let tally = |unwritten: &[i64], reserved| Tally {
            unwritten: unwritten.to_vec(),
            reserved,
            ..Tally::default()
        };
        for (key, tally) in [("old", tally(&[1, 2], 0)), ("used", tally(&[1], 1)), ("new", tally(&[2, 3], 0))]
        {
            book.tallies.insert(key.to_owned(), tally);
        }
        book.forget_unwritten(3);
        assert!(!book.tallies.contains_key("old"));
        assert!(book.tallies["used"].unwritten.is_empty());
        assert_eq!(book.tallies["new"].unwritten, [3]);
    }
}
