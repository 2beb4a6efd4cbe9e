//! The state that outlives the process: sessions, memos, throttle counters, known addresses, live metadata files.
//!
//! [`Store`] is one implementation over sqlx's `Any` driver: an SQLite file by default, PostgreSQL for several nodes, the
//! same SQL for both. Reads go through a small pool. Writes go to one task that commits everything that is queued in one
//! transaction; [`Store::commit`] returns when that is durable, [`Store::defer`] leaves a write for the next one.

mod batch;
mod connect;
mod error;
mod location;
mod purge;
mod read;
mod rows;
mod schema;
mod sql;
mod sync;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::AnyPool;
use tokio::sync::{mpsc, oneshot};

pub use self::error::StoreError;
pub use self::rows::{SessionRow, SpSessionRow, Write};
pub use self::sync::SyncStore;
pub use self::sync::rows::{
    CursorRow, Fence, KeyRow, LinkRow, Mark, MemberRow, OperationRow, RunRow, StructureRow, SyncWrite,
};

use self::connect::{Durability, Settings};
use self::location::Location;
use self::schema::Part;
use self::writer::{Job, Shared, Writer};
use crate::clock::SignedDuration;

/// The longest window of a throttle: older tries are purged.
pub const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// How long a server may work at a statement: a person waits.
const STATEMENT: Duration = Duration::from_secs(8);

/// The most jobs that wait for the writer.
const QUEUE: usize = 4096;

/// The state. A clone is another handle of the same store; the writer ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Store {
    readers: AnyPool,
    queue: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    location: Arc<Location>,
    settings: Settings,
}

impl Store {
    /// Opens the database at `url`, makes an embedded one if it is missing (mode 0600), brings its tables up to date and
    /// starts the writer on the current runtime.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, connect::LOCK_WAIT).await
    }

    async fn open_with(url: &str, lock_wait: Duration) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let location = Location::parse(url)?;
        let failed = |cause: sqlx::Error| StoreError::of(&location.shown, &cause);
        connect::keep_private(&location).await?;
        let settings = Settings { lock_wait, durability: Durability::Normal, statement: STATEMENT };
        let mut connection = connect::writer(&location, settings).await.map_err(failed)?;
        schema::migrate(&mut connection, &location, Part::SignOn).await?;
        let readers = connect::readers(&location, settings).map_err(failed)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let mut writer = Writer::new(location.clone(), settings, connection, Arc::clone(&shared));
        // From here on, what another process commits is noticed.
        writer.begin().await;
        tokio::spawn(writer.run(jobs));
        Ok(Self { readers, queue, shared, location: Arc::new(location), settings })
    }

    /// The state of synchronisation. An embedded database has it in a file of its own, so that neither its long
    /// transactions nor its commits, which wait for the disk, are in the way of a sign-on, and what it writes does not
    /// count as another process's change. Opened once; a clone is another handle of it.
    pub async fn sync_state(&self) -> Result<SyncStore, StoreError> {
        SyncStore::open(self.location.for_sync()).await
    }

    /// A session with what was issued in it.
    pub async fn session(&self, id_hash: &str) -> Result<Option<SessionRow>, StoreError> {
        let work = read::sessions(&self.readers, read::By::IdHash(id_hash));
        Ok(self.read(work).await?.pop())
    }

    /// All sessions of a person (`directory/key`), the oldest first.
    pub async fn sessions_of(&self, subject: &str) -> Result<Vec<SessionRow>, StoreError> {
        let work = read::sessions(&self.readers, read::By::Subject(subject));
        self.read(work).await
    }

    /// All sessions in which something was issued under this name, the oldest first.
    pub async fn sessions_named(&self, name_key: &str) -> Result<Vec<SessionRow>, StoreError> {
        let work = read::sessions(&self.readers, read::By::Name(name_key));
        self.read(work).await
    }

    /// What was remembered by this key.
    pub async fn memo(&self, key: &str, now_ms: i64) -> Result<Option<String>, StoreError> {
        self.read(read::memo(&self.readers, key, now_ms)).await
    }

    /// Keys that begin so, and until when they are remembered.
    pub async fn memo_keys(&self, prefix: &str, now_ms: i64) -> Result<Vec<(String, i64)>, StoreError> {
        self.read(read::memo_keys(&self.readers, prefix, now_ms)).await
    }

    /// Forgets what was remembered by this key and returns it: to one caller alone, whichever node it asks.
    pub async fn take_memo(&self, key: &str, now_ms: i64) -> Result<Option<String>, StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::TakeMemo(key.to_owned(), now_ms, done), answer).await
    }

    /// Remembers a key, and says whether it was unknown: to one caller alone, whichever node it asks.
    pub async fn first_use(&self, key: &str, expires_ms: i64) -> Result<bool, StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::FirstUse(key.to_owned(), expires_ms, done), answer).await
    }

    /// Writes these, and everything deferred, in one transaction; returns when it is durable. Fails as a whole.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::Commit(writes, done), answer).await
    }

    /// Leaves a write for the next commit, or for 100 ms from now at the latest; a write that fails is tried again with
    /// the next one. The ticket is for [`Store::landed`].
    pub fn defer(&self, write: Write) -> Result<u64, StoreError> {
        self.shared.defer(write).ok_or_else(|| StoreError::Overloaded { url: self.location.shown.clone() })
    }

    /// Whether the deferred write with this ticket is durable.
    pub fn landed(&self, ticket: u64) -> bool {
        self.shared.landed(ticket)
    }

    /// How many wrong tries each of `keys` has from `since_ms` on.
    pub async fn tries(&self, keys: &[String], since_ms: i64) -> Result<Vec<u32>, StoreError> {
        self.read(read::tries(&self.readers, keys, since_ms)).await
    }

    /// How many keys that begin so have wrong tries from `since_ms` on.
    pub async fn keys_tried(&self, prefix: &str, since_ms: i64) -> Result<u32, StoreError> {
        let work = read::keys_tried(&self.readers, (prefix, since_ms), self.is_shared());
        self.read(work).await
    }

    /// Every key with wrong tries from `since_ms` on: how many, and when the last one was.
    pub async fn all_tries(&self, since_ms: i64) -> Result<Vec<(String, u32, i64)>, StoreError> {
        self.read(read::all_tries(&self.readers, since_ms)).await
    }

    /// Whether this person signed in from this address before.
    pub async fn known_address(&self, subject: &str, address: &str) -> Result<bool, StoreError> {
        let work = read::known_address(&self.readers, subject, address);
        self.read(work).await
    }

    /// entityID, file and SHA-256 of the metadata files that were live last.
    pub async fn live_files(&self) -> Result<Vec<(String, String, String)>, StoreError> {
        self.read(read::live_files(&self.readers)).await
    }

    /// Deletes sessions a day after their time, memos after theirs, old tries and addresses; returns how many rows went.
    pub async fn purge(&self, now_ms: i64) -> Result<u64, StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::Purge(now_ms, done), answer).await
    }

    /// Whether the database answers and can be written to.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(read::ping(&self.readers)).await?;
        let (done, answer) = oneshot::channel();
        self.ask(Job::Probe(done), answer).await
    }

    /// SQLite's `data_version` on the writing connection: changes when another process has written. Always 0 with
    /// PostgreSQL.
    pub async fn data_version(&self) -> Result<i64, StoreError> {
        let (done, answer) = oneshot::channel();
        self.ask(Job::DataVersion(done), answer).await
    }

    /// Goes up within a second after another process has written: what was read before may be out of date. Costs nothing
    /// to ask. Says nothing where [`Store::is_shared`].
    pub fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Whether other nodes write to this database all the time, so that nothing may be cached.
    pub fn is_shared(&self) -> bool {
        self.location.file.is_none()
    }

    /// How many transactions this process has committed.
    pub fn transactions(&self) -> u64 {
        self.shared.transactions.load(Ordering::Relaxed)
    }

    async fn ask<T>(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let url = || self.location.shown.clone();
        self.queue.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded { url: url() },
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed { url: url() },
        })?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed { url: url() }))
    }

    async fn read<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
        let found = connect::answered(&self.location, self.settings, work).await;
        found.map_err(|cause| StoreError::of(&self.location.shown, &cause))
    }
}
