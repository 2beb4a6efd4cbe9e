//! [`Memos`]: what must be remembered for a short time: a logout under way, an artifact, the ID of a message that may not
//! come again.
//!
//! As with sessions, an embedded store's truth is in this process and the file is its memory over a restart; a shared
//! store is asked each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::clock::{Clock, Timestamp};
use crate::store::{Store, StoreError, Write};

/// Octets of memos in memory; what the store has and this has not is read from there.
const HELD: usize = 16 * 1024 * 1024;
/// What a memo costs beside its octets.
const EACH: usize = 256;
/// IDs of messages in memory: some 10 MB; and those of one sender, so that none keeps the others from being heard.
const USED: usize = 200_000;
const USED_BY_ONE: usize = 20_000;
/// How often those whose time is over are looked for.
const SWEEP_MS: i64 = 1_000;
const USED_PREFIX: &str = "used/";

/// A memo could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum MemoError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No further message is taken, since one that came before could not be told from it.
    #[error(
        "more than {most} logout messages of {whose} came within saml.request_max_age, or that of the policy; shorten it, \
         or ask who sends so many"
    )]
    TooManyMessages {
        /// So many are remembered.
        most: usize,
        /// Of which SP, or of all.
        whose: String,
    },
}

/// Short-lived things by key.
#[derive(Debug)]
pub struct Memos {
    store: Store,
    clock: Arc<dyn Clock>,
    held: Mutex<HeldMemos>,
    used: Mutex<Used>,
}

#[derive(Debug)]
struct Held {
    /// `None`: forgotten, which the store may not know yet.
    body: Option<String>,
    expires_ms: i64,
    ticket: u64,
}

/// The memos in memory and their octets.
#[derive(Debug, Default)]
struct HeldMemos {
    memos: HashMap<String, Held>,
    octets: usize,
}

impl HeldMemos {
    fn insert(&mut self, key: &str, memo: Held) {
        self.remove(key);
        self.octets += octets(key, &memo);
        self.memos.insert(key.to_owned(), memo);
    }

    fn remove(&mut self, key: &str) {
        if let Some(memo) = self.memos.remove(key) {
            self.octets -= octets(key, &memo);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Held) -> bool) {
        self.memos.retain(|_, memo| keep(memo));
        self.octets = self.memos.iter().map(|(key, memo)| octets(key, memo)).sum();
    }
}

/// IDs of messages and their ends, and how many there are of each sender.
#[derive(Debug, Default)]
struct Used {
    ids: HashMap<Digest, i64>,
    senders: HashMap<[u8; 4], usize>,
    swept_ms: i64,
}

/// Four octets of the sender's digest, twelve of the message's: no two messages meet by chance, and nobody gains by making
/// two of their own meet.
type Digest = [u8; 16];

impl Used {
    fn is_full(&self, digest: Digest) -> bool {
        self.ids.len() >= USED
            || self.senders.get(&sender_of(digest)).is_some_and(|count| *count >= USED_BY_ONE)
    }

    fn insert(&mut self, digest: Digest, until: i64) {
        if self.ids.insert(digest, until).is_none() {
            *self.senders.entry(sender_of(digest)).or_default() += 1;
        }
    }

    fn sweep(&mut self, now_ms: i64) {
        if now_ms.saturating_sub(self.swept_ms) < SWEEP_MS {
            return;
        }
        self.swept_ms = now_ms;
        self.ids.retain(|_, until| *until > now_ms);
        self.senders.clear();
        for digest in self.ids.keys() {
            *self.senders.entry(sender_of(*digest)).or_default() += 1;
        }
    }

    fn remove(&mut self, digest: Digest) {
        if self.ids.remove(&digest).is_some() {
            self.senders.entry(sender_of(digest)).and_modify(|count| *count = count.saturating_sub(1));
        }
    }
}

fn sender_of(digest: Digest) -> [u8; 4] {
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

fn octets(key: &str, memo: &Held) -> usize {
    EACH + key.len() + memo.body.as_ref().map_or(0, String::len)
}

impl Memos {
    /// The memos of `store`; reads which messages came before a restart.
    pub async fn open(store: Store, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let mut used = Used::default();
        if !store.is_shared() {
            for (key, expires_ms) in store.memo_keys(USED_PREFIX, clock.now().as_millisecond()).await? {
                if let Some(digest) = read_used(&key) {
                    used.insert(digest, expires_ms);
                }
            }
        }
        Ok(Self { store, clock, held: Mutex::default(), used: Mutex::new(used) })
    }

    /// The name of what a secret opens: who knows the name can do nothing with it.
    pub fn name_of(secret: &str) -> String {
        let digest = Sha256::digest(secret.as_bytes());
        data_encoding::HEXLOWER.encode(digest.split_at(20).0)
    }

    /// A secret that whoever has the token of a session can find again.
    pub fn secret_of(purpose: &str, token: &str) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(format!("{purpose} of {token}").as_bytes()))
    }

    /// Remembers `body` until a time; durable with the next commit, at once where other nodes must find it.
    pub async fn put(&self, key: &str, body: String, until: Timestamp) -> Result<(), MemoError> {
        let expires_ms = until.as_millisecond();
        let write = Write::PutMemo { key: key.to_owned(), body: body.clone(), expires_ms };
        if self.store.is_shared() {
            return Ok(self.store.commit(vec![write]).await?);
        }
        let ticket = self.store.defer(write)?;
        self.hold(key, Held { body: Some(body), expires_ms, ticket });
        Ok(())
    }

    /// What is remembered.
    pub async fn get(&self, key: &str) -> Result<Option<String>, MemoError> {
        let now_ms = self.clock.now().as_millisecond();
        if !self.store.is_shared()
            && let Some(held) = lock(&self.held).memos.get(key)
        {
            return Ok(held.body.clone().filter(|_| held.expires_ms > now_ms));
        }
        Ok(self.store.memo(key, now_ms).await?)
    }

    /// Forgets it.
    pub async fn forget(&self, key: &str) -> Result<(), MemoError> {
        let write = Write::DropMemo { key: key.to_owned() };
        if self.store.is_shared() {
            return Ok(self.store.commit(vec![write]).await?);
        }
        let ticket = self.store.defer(write)?;
        self.hold(key, Held { body: None, expires_ms: i64::MAX, ticket });
        Ok(())
    }

    /// Forgets it and returns it, to one caller alone.
    pub async fn take(&self, key: &str) -> Result<Option<String>, MemoError> {
        if !self.store.is_shared() {
            // The row may wait for its commit still.
            self.store.commit(Vec::new()).await?;
            lock(&self.held).remove(key);
        }
        Ok(self.store.take_memo(key, self.clock.now().as_millisecond()).await?)
    }

    /// Whether this message did not come before; it is remembered until a time. Durable with the next commit.
    pub async fn first_use(&self, sender: &str, id: &str, until: Timestamp) -> Result<bool, MemoError> {
        let expires_ms = until.as_millisecond();
        let digest = digest(sender, id);
        let key = format!("{USED_PREFIX}{}", data_encoding::HEXLOWER.encode(&digest));
        if self.store.is_shared() {
            return Ok(self.store.first_use(&key, expires_ms).await?);
        }
        let now_ms = self.clock.now().as_millisecond();
        {
            let mut used = lock(&self.used);
            if used.ids.get(&digest).is_some_and(|until| *until > now_ms) {
                return Ok(false);
            }
            if used.is_full(digest) {
                used.sweep(now_ms);
            }
            if used.is_full(digest) {
                let of_all = used.ids.len() >= USED;
                let most = if of_all { USED } else { USED_BY_ONE };
                let whose = if of_all { "all SPs" } else { sender };
                return Err(MemoError::TooManyMessages { most, whose: whose.to_owned() });
            }
            used.insert(digest, expires_ms);
        }
        let written = self.store.defer(Write::PutMemo { key, body: String::new(), expires_ms });
        if written.is_err() {
            lock(&self.used).remove(digest);
        }
        written?;
        Ok(true)
    }

    fn hold(&self, key: &str, memo: Held) {
        let mut held = lock(&self.held);
        if held.octets >= HELD {
            held.retain(|memo| !self.store.landed(memo.ticket));
        }
        held.insert(key, memo);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn digest(by: &str, id: &str) -> Digest {
    let mut digest = Digest::default();
    let (sender, message) = digest.split_at_mut(4);
    let whole = Sha256::digest(format!("{}:{by}{id}", by.len()).as_bytes());
    sender.iter_mut().zip(Sha256::digest(by.as_bytes())).for_each(|(to, from)| *to = from);
    message.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    digest
}

fn read_used(key: &str) -> Option<Digest> {
    let hex = key.strip_prefix(USED_PREFIX)?;
    data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, SignedDuration};

    async fn memos() -> (tempfile::TempDir, Store, Arc<ManualClock>, Memos) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("s.db").display())).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_000).unwrap()));
        let memos = Memos::open(store.clone(), Arc::clone(&clock) as _).await.unwrap();
        (folder, store, clock, memos)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test]
    async fn a_memo_is_found_until_it_is_forgotten_or_its_time_is_over() {
        let (_folder, _store, clock, memos) = memos().await;
        memos.put("a", "one".into(), at(1_060)).await.unwrap();
        memos.put("b", "two".into(), at(1_060)).await.unwrap();
        assert_eq!(memos.get("a").await.unwrap().as_deref(), Some("one"));
        memos.forget("a").await.unwrap();
        assert_eq!(memos.get("a").await.unwrap(), None);
        clock.advance(SignedDuration::from_secs(60));
        assert_eq!(memos.get("b").await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_the_store_has_need_not_stay_in_memory() {
        let (_folder, store, _clock, memos) = memos().await;
        let large = "x".repeat(1024 * 1024);
        for n in 0..40 {
            memos.put(&n.to_string(), large.clone(), at(1_060)).await.unwrap();
            store.commit(Vec::new()).await.unwrap();
        }
        assert!(lock(&memos.held).octets <= HELD + large.len() + 2 * EACH);
        assert_eq!(memos.get("0").await.unwrap().as_deref(), Some(large.as_str()));
        memos.forget("39").await.unwrap();
        assert_eq!(memos.get("39").await.unwrap(), None);
    }

    #[test]
    fn a_name_does_not_open_what_its_secret_opens() {
        let secret = Memos::secret_of("logout", "token");
        let name = Memos::name_of(&secret);
        assert_eq!((name.len(), secret.len()), (40, 64));
        assert_ne!(Memos::name_of(&name), name);
        assert_ne!(Memos::secret_of("logout", "other"), secret);
        assert!(!secret.contains(&name));
    }

    #[tokio::test]
    async fn what_is_taken_is_gone_for_everybody_also_after_a_restart() {
        let (_folder, store, clock, memos) = memos().await;
        memos.put("a", "one".into(), at(1_060)).await.unwrap();
        assert_eq!(memos.take("a").await.unwrap().as_deref(), Some("one"));
        assert_eq!(memos.take("a").await.unwrap(), None);
        assert_eq!(memos.get("a").await.unwrap(), None);
        memos.put("late", "x".into(), at(1_060)).await.unwrap();
        clock.advance(SignedDuration::from_secs(61));
        let again = Memos::open(store, clock as _).await.unwrap();
        assert_eq!(again.take("late").await.unwrap(), None);
    }

    #[test]
    fn no_sender_fills_the_memory_of_all() {
        let mut used = Used::default();
        for n in 0..USED_BY_ONE {
            used.insert(digest("loud", &n.to_string()), 10);
        }
        assert!(used.is_full(digest("loud", "one more")) && !used.is_full(digest("quiet", "1")));
        used.remove(digest("loud", "0"));
        assert!(!used.is_full(digest("loud", "one more")));
        used.sweep(10 + SWEEP_MS);
        assert!(used.ids.is_empty() && used.senders.is_empty());
    }

    #[tokio::test]
    async fn a_message_comes_once_also_after_a_restart() {
        let (_folder, store, clock, memos) = memos().await;
        assert!(memos.first_use("sp", "_1", at(1_060)).await.unwrap());
        assert!(!memos.first_use("sp", "_1", at(1_060)).await.unwrap());
        assert!(memos.first_use("sp2", "_1", at(1_060)).await.unwrap());
        store.commit(Vec::new()).await.unwrap();
        let again = Memos::open(store, Arc::clone(&clock) as _).await.unwrap();
        assert!(!again.first_use("sp", "_1", at(1_060)).await.unwrap());
        clock.advance(SignedDuration::from_secs(61));
        assert!(again.first_use("sp", "_1", at(1_200)).await.unwrap());
    }
}
