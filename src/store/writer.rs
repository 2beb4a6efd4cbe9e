//! The one task that writes: it drains everything that is queued into one transaction, so that the price of a commit is
//! shared by all who wait for one (group commit).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::batch::Batch;
use super::connect::{Settings, answered};
use super::location::Location;
use super::sql::Statements;
use super::{StoreError, Write, connect, purge};

/// The most jobs of one transaction.
const BATCH: usize = 512;
/// How long a deferred write waits for company.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long deferred writes wait after a transaction failed.
const RETRY: Duration = Duration::from_secs(1);
/// How often a transaction is made that the database broke off because of another one.
const ATTEMPTS: u32 = 4;
/// The most deferred writes that wait.
const DEFERRED: usize = 65_536;

/// Who waits for a commit.
type Done = oneshot::Sender<Result<(), StoreError>>;

/// What the writer is asked for.
pub(super) enum Job {
    /// Write these, and say when they are durable.
    Commit(Vec<Write>, Done),
    /// Delete what is over, and say how much it was.
    Purge(i64, oneshot::Sender<Result<u64, StoreError>>),
    /// Write something that changes nothing: a disk may be full or the database locked though it can be read.
    Probe(oneshot::Sender<Result<(), StoreError>>),
    /// Forget a memo whose time is not over, and say what it was.
    TakeMemo(String, i64, oneshot::Sender<Result<Option<String>, StoreError>>),
    /// Remember a key until a time, and say whether it was unknown.
    FirstUse(String, i64, oneshot::Sender<Result<bool, StoreError>>),
    /// SQLite's `data_version` as this connection sees it.
    DataVersion(oneshot::Sender<Result<i64, StoreError>>),
}

/// What the writer and the handles of the store share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    deferred: Mutex<Deferred>,
    /// The ticket of the newest deferred write that is durable.
    landed: AtomicU64,
    wake: Notify,
    /// Goes up when somebody else has changed the database.
    pub(super) generation: AtomicU64,
    /// How many transactions were committed.
    pub(super) transactions: AtomicU64,
}

#[derive(Debug, Default)]
struct Deferred {
    writes: Vec<Write>,
    ticket: u64,
}

impl Shared {
    fn deferred(&self) -> MutexGuard<'_, Deferred> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a write for the next transaction; `None` when too many wait.
    pub(super) fn defer(&self, write: Write) -> Option<u64> {
        let mut deferred = self.deferred();
        if deferred.writes.len() >= DEFERRED {
            return None;
        }
        deferred.writes.push(write);
        deferred.ticket += 1;
        let (ticket, first) = (deferred.ticket, deferred.writes.len() == 1);
        drop(deferred);
        if first {
            self.wake.notify_one();
        }
        Some(ticket)
    }

    /// Whether the deferred write with this ticket is durable.
    pub(super) fn landed(&self, ticket: u64) -> bool {
        self.landed.load(Ordering::Acquire) >= ticket
    }

    fn take(&self) -> (Vec<Write>, u64) {
        let mut deferred = self.deferred();
        (std::mem::take(&mut deferred.writes), deferred.ticket)
    }

    fn put_back(&self, mut writes: Vec<Write>) {
        let mut deferred = self.deferred();
        writes.append(&mut deferred.writes);
        deferred.writes = writes;
    }
}

/// The writing side of a store.
pub(super) struct Writer {
    location: Location,
    settings: Settings,
    connection: Option<AnyConnection>,
    statements: Statements,
    shared: Arc<Shared>,
    data_version: Option<i64>,
    /// When the deferred writes go out though nobody waits for a commit.
    due: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        location: Location,
        settings: Settings,
        connection: AnyConnection,
        shared: Arc<Shared>,
    ) -> Self {
        let (statements, connection) = (Statements::new(&location, settings), Some(connection));
        Self { location, settings, connection, statements, shared, data_version: None, due: None }
    }

    /// Works until every handle of the store is gone, then writes what is left.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut watch = tokio::time::interval(Duration::from_secs(1));
        watch.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let shared = Arc::clone(&self.shared);
        loop {
            let due = self.due;
            tokio::select! {
                // The timers first: under load the queue is never empty.
                biased;
                _ = watch.tick(), if self.location.file.is_some() => self.look().await,
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.write(Vec::new()).await;
                }
                job = queue.recv() => match job {
                    Some(job) => self.serve(job, &mut queue).await,
                    None => break,
                },
                () = shared.wake.notified(), if due.is_none() => self.due = Some(Instant::now() + PATIENCE),
            }
        }
        self.write(Vec::new()).await;
    }

    /// Takes the first job and whatever else is queued.
    async fn serve(&mut self, first: Job, queue: &mut mpsc::Receiver<Job>) {
        let mut commits = Vec::new();
        let mut others = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Commit(writes, done) => commits.push((writes, done)),
                other => others.push(other),
            }
            next = if commits.len() < BATCH { queue.try_recv().ok() } else { None };
        }
        if !commits.is_empty() {
            self.write(commits).await;
        }
        for job in others {
            // Whoever asked may have gone: then nobody wants the answer.
            match job {
                Job::Purge(now_ms, done) => drop(done.send(self.purge(now_ms).await)),
                Job::Probe(done) => drop(done.send(self.probe().await)),
                Job::TakeMemo(key, now_ms, done) => drop(done.send(self.take_memo(&key, now_ms).await)),
                Job::FirstUse(key, expires_ms, done) => {
                    drop(done.send(self.first_use(&key, expires_ms).await));
                }
                Job::DataVersion(done) => drop(done.send(self.read_version().await)),
                Job::Commit(..) => {}
            }
        }
    }

    /// One transaction of everything deferred and of `commits`, each of which is told how it went.
    async fn write(&mut self, commits: Vec<(Vec<Write>, Done)>) {
        let (deferred, ticket) = self.shared.take();
        let batch = Batch::of(deferred.iter().chain(commits.iter().flat_map(|(writes, _)| writes)));
        let result = if batch.is_empty() { Ok(()) } else { self.transactions(&batch).await };
        let result = match result {
            Ok(()) => {
                self.shared.landed.fetch_max(ticket, Ordering::AcqRel);
                self.shared.transactions.fetch_add(u64::from(!batch.is_empty()), Ordering::Relaxed);
                self.due = None;
                Ok(())
            }
            Err(cause) => {
                let error = self.failed(&cause);
                if !deferred.is_empty() {
                    tracing::error!(error = %error, writes = deferred.len(), "deferred writes failed, trying again");
                    self.due = Some(Instant::now() + RETRY);
                    self.shared.put_back(deferred);
                }
                Err(error)
            }
        };
        for (_, done) in commits {
            drop(done.send(result.clone()));
        }
    }

    async fn transactions(&mut self, batch: &Batch<'_>) -> Result<(), sqlx::Error> {
        let mut attempt = 1;
        loop {
            let Self { connection, location, settings, statements, .. } = self;
            let work = transaction(connection, location, *settings, statements, batch);
            match answered(location, *settings, work).await {
                Err(cause) if attempt < ATTEMPTS && was_broken_off(&cause) => self.connection = None,
                result => return result,
            }
            attempt += 1;
        }
    }

    /// After any fault the connection is made anew: that ends its transaction, whatever state it was in.
    fn failed(&mut self, cause: &sqlx::Error) -> StoreError {
        self.connection = None;
        self.data_version = None;
        StoreError::of(&self.location.shown, cause)
    }

    async fn purge(&mut self, now_ms: i64) -> Result<u64, StoreError> {
        let work = async {
            let connection = open(&mut self.connection, &self.location, self.settings).await?;
            purge::run(connection, (&self.location, self.settings), now_ms).await
        };
        match work.await {
            Ok(gone) => Ok(gone),
            Err(cause) => Err(self.failed(&cause)),
        }
    }

    async fn probe(&mut self) -> Result<(), StoreError> {
        let embedded = self.location.file.is_some();
        let work = async {
            let connection = open(&mut self.connection, &self.location, self.settings).await?;
            // It writes the first page whatever the number was ("seki" in ASCII).
            let write = if embedded { "PRAGMA application_id = 1936026473" } else { PROBE };
            sqlx::query(write).execute(connection).await.map(drop)
        };
        match answered(&self.location, self.settings, work).await {
            Ok(()) => Ok(()),
            Err(cause) => Err(self.failed(&cause)),
        }
    }

    async fn take_memo(&mut self, key: &str, now_ms: i64) -> Result<Option<String>, StoreError> {
        let work = async {
            let connection = open(&mut self.connection, &self.location, self.settings).await?;
            let query = sqlx::query("DELETE FROM memo WHERE memo_key = $1 RETURNING body, expires_ms");
            // To the end of the answer: then it is gone for certain.
            let row: Option<AnyRow> = query.bind(key).fetch_all(connection).await?.pop();
            let taken = row.map(|row| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get::<i64, _>(1)?)));
            Ok(taken.transpose()?.filter(|(_, expires_ms)| *expires_ms > now_ms).map(|(body, _)| body))
        };
        match answered(&self.location, self.settings, work).await {
            Ok(taken) => Ok(taken),
            Err(cause) => Err(self.failed(&cause)),
        }
    }

    async fn first_use(&mut self, key: &str, expires_ms: i64) -> Result<bool, StoreError> {
        let work = async {
            let connection = open(&mut self.connection, &self.location, self.settings).await?;
            let query = sqlx::query(
                "INSERT INTO memo (memo_key, body, expires_ms) VALUES ($1, '', $2) ON CONFLICT (memo_key) DO NOTHING",
            );
            let done = query.bind(key).bind(expires_ms).execute(connection).await?;
            Ok(done.rows_affected() == 1)
        };
        match answered(&self.location, self.settings, work).await {
            Ok(first) => Ok(first),
            Err(cause) => Err(self.failed(&cause)),
        }
    }

    async fn read_version(&mut self) -> Result<i64, StoreError> {
        if self.location.file.is_none() {
            return Ok(0);
        }
        let work = async {
            let connection = open(&mut self.connection, &self.location, self.settings).await?;
            let row: AnyRow = sqlx::query("PRAGMA data_version").fetch_one(connection).await?;
            row.try_get::<i64, _>(0)
        };
        match answered(&self.location, self.settings, work).await {
            Ok(version) => Ok(version),
            Err(cause) => Err(self.failed(&cause)),
        }
    }

    /// The first look, before anybody can have read anything that a later one would find changed.
    pub(super) async fn begin(&mut self) {
        if self.location.file.is_some() {
            self.data_version = self.read_version().await.ok();
        }
    }

    /// `data_version` changes on a connection when another one has committed, never by its own commits. It is read on
    /// the only connection of this process that writes: a change is therefore another process's.
    async fn look(&mut self) {
        match self.read_version().await {
            Ok(version) if self.data_version == Some(version) => {}
            // Also after a new connection: what happened in between is unknown.
            Ok(version) => {
                self.data_version = Some(version);
                self.shared.generation.fetch_add(1, Ordering::AcqRel);
            }
            Err(error) => tracing::error!(error = %error, "cannot look for other processes' changes"),
        }
    }
}

/// Writes a row that is over, so that the next purge takes it: a server may be a copy that is only read, or full.
const PROBE: &str = "INSERT INTO memo (memo_key, body, expires_ms) VALUES ('probe', '', 0) \
                     ON CONFLICT (memo_key) DO UPDATE SET body = excluded.body";

/// Whether nothing of a transaction was done, since it and another one waited for each other.
fn was_broken_off(cause: &sqlx::Error) -> bool {
    let code = cause.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40P01" | "40001"))
}

/// The open connection, or a new one where there is none or it broke: before anything is sent, so that nothing is done
/// twice.
pub(super) async fn open<'a>(
    held: &'a mut Option<AnyConnection>,
    location: &Location,
    settings: Settings,
) -> Result<&'a mut AnyConnection, sqlx::Error> {
    if let Some(mut connection) = held.take()
        && connect::is_alive(location, &mut connection).await
    {
        return Ok(held.insert(connection));
    }
    Ok(held.insert(connect::writer(location, settings).await?))
}

async fn transaction(
    held: &mut Option<AnyConnection>,
    location: &Location,
    settings: Settings,
    statements: &mut Statements,
    batch: &Batch<'_>,
) -> Result<(), sqlx::Error> {
    let connection = open(held, location, settings).await?;
    // SQLite: the write lock at once, since a lock that is asked for half-way cannot be waited for.
    let begin = if location.file.is_some() { "BEGIN IMMEDIATE" } else { "BEGIN" };
    sqlx::query(begin).execute(&mut *connection).await?;
    statements.run(connection, batch).await?;
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    Ok(())
}
