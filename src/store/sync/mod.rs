//! [`SyncStore`]: what synchronisation keeps of each target: links, cursors, structure, runs, operations, leases.
//!
//! One task writes, a transaction for each [`SyncStore::commit`]: the caller has made a batch of it already, and a run
//! that has lost its lease fails alone. Dropping a call that waits loses the answer, never half of a transaction.

pub(super) mod rows;

mod read;
mod sql;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use sqlx::AnyPool;
use tokio::sync::{mpsc, oneshot};

use self::rows::{
    CursorRow, Fence, KeyRow, LinkRow, MemberRow, OperationRow, RunRow, StructureRow, SyncWrite,
};
use self::write::{Job, Work, Writer};
use super::connect::{self, Durability, Settings};
use super::location::Location;
use super::schema::{self, Part};
use super::{StoreError, writer};

/// How long a statement waits for the lock of the file: the queue of a first run is written in one transaction.
const LOCK_WAIT: Duration = Duration::from_secs(15);

/// How long a server may work at a statement, of which some change all operations of a run.
const STATEMENT: Duration = Duration::from_mins(1);

/// The most jobs that wait for the writer.
const QUEUE: usize = 256;

/// The state of synchronisation. A clone is another handle; the writer ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct SyncStore {
    readers: AnyPool,
    queue: mpsc::Sender<Job>,
    location: Arc<Location>,
    settings: Settings,
}

impl SyncStore {
    pub(super) async fn open(location: Location) -> Result<Self, StoreError> {
        let failed = |cause: sqlx::Error| StoreError::of(&location.shown, &cause);
        let settings = Settings { lock_wait: LOCK_WAIT, durability: Durability::Full, statement: STATEMENT };
        connect::keep_private(&location).await?;
        let mut held = None;
        let connection = writer::open(&mut held, &location, settings).await.map_err(failed)?;
        schema::migrate(connection, &location, Part::Sync).await?;
        let readers = connect::readers(&location, settings).map_err(failed)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        tokio::spawn(Writer::new(location.clone(), settings, held).run(jobs));
        Ok(Self { readers, queue, location: Arc::new(location), settings })
    }

    /// Writes these in one transaction; returns when it is durable. With a fence, `false` says that the target is not
    /// leased to that holder any more, and that nothing was written.
    pub async fn commit(
        &self,
        target: &str,
        fence: Option<Fence>,
        writes: Vec<SyncWrite>,
    ) -> Result<bool, StoreError> {
        self.ask(target, Work::Commit { fence, writes }).await.map(|rows| rows > 0)
    }

    /// Leases a target until `until_ms`, if nobody else has it at `now_ms`: to one holder alone, whichever node it asks.
    /// Who has it renews it so.
    pub async fn lease(
        &self,
        target: &str,
        holder: &str,
        (now_ms, until_ms): (i64, i64),
    ) -> Result<bool, StoreError> {
        let holder = holder.to_owned();
        self.ask(target, Work::Lease { holder, now_ms, until_ms }).await.map(|rows| rows > 0)
    }

    /// Ends a lease, if it is this holder's.
    pub async fn release(&self, target: &str, holder: &str) -> Result<(), StoreError> {
        self.ask(target, Work::Release { holder: holder.to_owned() }).await.map(drop)
    }

    /// As [`SyncStore::release`], without waiting for it.
    pub fn release_later(&self, target: &str, holder: &str) {
        let (done, _) = oneshot::channel();
        let work = Work::Release { holder: holder.to_owned() };
        // A queue that is full or closed: the lease ends by its time.
        drop(self.queue.try_send(Job { target: target.to_owned(), work, done }));
    }

    /// Who holds the lease of a target, and until when.
    pub async fn leased(&self, target: &str) -> Result<Option<(String, i64)>, StoreError> {
        self.read(read::lease(&self.readers, target)).await
    }

    /// Deletes operations that have been over for 30 days, and runs that have none any more: those of changes 30 days after
    /// their end, others a year after it.
    /// What failed or is held stays. Returns how many rows went.
    pub async fn purge(&self, now_ms: i64) -> Result<u64, StoreError> {
        self.ask("", Work::Purge { now_ms }).await
    }

    /// The next links after `after`, in the order of their keys; from the first one where both are empty.
    pub async fn links_after(
        &self,
        target: &str,
        after: &KeyRow,
        limit: i64,
    ) -> Result<Vec<LinkRow>, StoreError> {
        self.read(read::links_after(&self.readers, target, after, limit)).await
    }

    /// The members of all links from `first` to `last`, in the order of their keys.
    pub async fn members_between(
        &self,
        target: &str,
        first: &KeyRow,
        last: &KeyRow,
    ) -> Result<Vec<MemberRow>, StoreError> {
        let work = read::members_between(&self.readers, target, (first, last));
        self.read(work).await
    }

    /// Links by their keys, in any order.
    pub async fn links(&self, target: &str, keys: &[KeyRow]) -> Result<Vec<LinkRow>, StoreError> {
        self.read(read::links(&self.readers, target, keys)).await
    }

    /// Links by kind and name, in any order.
    pub async fn links_named(&self, target: &str, names: &[KeyRow]) -> Result<Vec<LinkRow>, StoreError> {
        self.read(read::links_named(&self.readers, target, names)).await
    }

    /// How many links there are of each kind.
    pub async fn link_counts(&self, target: &str) -> Result<Vec<(String, i64)>, StoreError> {
        self.read(read::link_counts(&self.readers, target)).await
    }

    /// By kind, how many are in the state `leaving`, and since when the first of them is.
    pub async fn leaving(&self, target: &str) -> Result<Vec<(String, i64, i64)>, StoreError> {
        self.read(read::leaving(&self.readers, target)).await
    }

    /// Links without a name, which versions before this one wrote.
    pub async fn unnamed_links(&self, target: &str, limit: i64) -> Result<Vec<LinkRow>, StoreError> {
        self.read(read::unnamed(&self.readers, target, limit)).await
    }

    /// Links by kind and the target's own id, in any order.
    pub async fn links_at(&self, target: &str, ids: &[KeyRow]) -> Result<Vec<LinkRow>, StoreError> {
        self.read(read::links_at(&self.readers, target, ids)).await
    }

    /// The members of links by their keys.
    pub async fn members(&self, target: &str, keys: &[KeyRow]) -> Result<Vec<MemberRow>, StoreError> {
        self.read(read::members(&self.readers, target, keys)).await
    }

    /// How far sources were read for a target.
    pub async fn cursors(&self, target: &str) -> Result<Vec<CursorRow>, StoreError> {
        self.read(read::cursors(&self.readers, target)).await
    }

    /// The next entries of the structure after the one with this id.
    pub async fn structure_after(
        &self,
        target: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<StructureRow>, StoreError> {
        let work = read::structure_after(&self.readers, target, after, limit);
        self.read(work).await
    }

    /// The newest runs, the newest first.
    pub async fn runs(&self, target: &str, limit: i64) -> Result<Vec<RunRow>, StoreError> {
        self.read(read::runs(&self.readers, target, limit)).await
    }

    /// By mode, when the last run began.
    pub async fn last_runs(&self, target: &str) -> Result<Vec<(String, i64)>, StoreError> {
        self.read(read::last_runs(&self.readers, target)).await
    }

    /// The next operations of all runs after `(run, seq)` that are waiting, sent, failed or held.
    pub async fn open_operations(
        &self,
        target: &str,
        after: (i64, i64),
        limit: i64,
    ) -> Result<Vec<OperationRow>, StoreError> {
        let work = read::open_operations(&self.readers, target, after, limit);
        self.read(work).await
    }

    /// How many operations are not over, by run and state.
    pub async fn open_counts(&self, target: &str) -> Result<Vec<(i64, String, i64)>, StoreError> {
        self.read(read::open_counts(&self.readers, target)).await
    }

    /// To how many objects operations of the turns from one on were done since a moment, by turn, without those of a run.
    pub async fn done(
        &self,
        target: &str,
        since_ms: i64,
        (without, from): (i64, i64),
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        self.read(read::done(&self.readers, target, since_ms, (without, from))).await
    }

    /// The next open operations, with empty bodies.
    pub async fn open_index(
        &self,
        target: &str,
        after: (i64, i64),
        limit: i64,
    ) -> Result<Vec<OperationRow>, StoreError> {
        let work = read::open_index(&self.readers, target, after, limit);
        self.read(work).await
    }

    /// Operations of a run by their places, in any order.
    pub async fn operations_at(
        &self,
        target: &str,
        run: i64,
        seqs: &[i64],
    ) -> Result<Vec<OperationRow>, StoreError> {
        let work = read::operations_at(&self.readers, target, run, seqs);
        self.read(work).await
    }

    /// What was planned for an object, the newest first.
    pub async fn operations_for(
        &self,
        target: &str,
        key: &KeyRow,
        limit: i64,
    ) -> Result<Vec<OperationRow>, StoreError> {
        let work = read::operations_for(&self.readers, target, key, limit);
        self.read(work).await
    }

    /// Waits for a place in the queue: those who write here are few, and each waits for its answer.
    async fn ask(&self, target: &str, work: Work) -> Result<u64, StoreError> {
        let closed = || StoreError::Closed { url: self.location.shown.clone() };
        let (done, answer) = oneshot::channel();
        let job = Job { target: target.to_owned(), work, done };
        self.queue.send(job).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn read<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
        let found = connect::answered(&self.location, self.settings, work).await;
        found.map_err(|cause| StoreError::of(&self.location.shown, &cause))
    }
}
