//! The task that writes what synchronisation keeps, one transaction after the other.

use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};

use super::rows::{Fence, SyncWrite};
use super::sql;
use crate::store::StoreError;
use crate::store::connect::Settings;
use crate::store::location::Location;
use crate::store::sql::Statements;
use crate::store::writer::open;

/// Operations that are over are known for 30 days.
const OPERATIONS_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Runs are known for a year.
const RUNS_MS: i64 = 365 * 24 * 60 * 60 * 1000;
/// The most rows of one statement, which is a transaction of its own.
const PORTION: i64 = 1000;

/// The lease is taken when it is free, over, or one's own.
const LEASE: &str = "INSERT INTO sync_lease (target, holder, until_ms) VALUES ($1, $2, $3) \
                     ON CONFLICT (target) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms \
                     WHERE sync_lease.until_ms <= $4 OR sync_lease.holder = excluded.holder";
const RELEASE: &str = "DELETE FROM sync_lease WHERE target = $1 AND holder = $2";
/// Changes nothing, and holds the row until the transaction ends: nobody takes the lease in between.
const FENCE: &str = "UPDATE sync_lease SET holder = holder WHERE target = $1 AND holder = $2";
const OLD_OPERATIONS: &str = "DELETE FROM sync_operation WHERE state IN ('done', 'dropped') \
                              AND (target, run, seq) IN (SELECT target, run, seq FROM sync_operation \
                              WHERE at_ms <= $1 AND state IN ('done', 'dropped') ORDER BY at_ms LIMIT $2)";
const OLD_RUNS: &str = "DELETE FROM sync_run WHERE (target, run) IN (SELECT target, run FROM sync_run r \
                        WHERE ended_ms > 0 AND ended_ms <= $1 AND NOT EXISTS (SELECT 1 FROM sync_operation o \
                        WHERE o.target = r.target AND o.run = r.run) LIMIT $2)";
/// Every few seconds there may be one.
const OLD_RUNS_OF_CHANGES: &str = "DELETE FROM sync_run WHERE (target, run) IN (SELECT target, run FROM sync_run r \
                                   WHERE mode = 'incremental' AND ended_ms > 0 AND ended_ms <= $1 \
                                   AND NOT EXISTS (SELECT 1 FROM sync_operation o \
                                   WHERE o.target = r.target AND o.run = r.run) LIMIT $2)";

/// Something to do, and who waits for it.
pub(super) struct Job {
    pub(super) target: String,
    pub(super) work: Work,
    pub(super) done: oneshot::Sender<Result<u64, StoreError>>,
}

/// What the writer is asked for. The answer is a number of rows.
pub(super) enum Work {
    Commit { fence: Option<Fence>, writes: Vec<SyncWrite> },
    Lease { holder: String, now_ms: i64, until_ms: i64 },
    Release { holder: String },
    Purge { now_ms: i64 },
}

/// The writing side.
pub(super) struct Writer {
    location: Location,
    settings: Settings,
    connection: Option<AnyConnection>,
    statements: Statements,
}

impl Writer {
    pub(super) fn new(location: Location, settings: Settings, connection: Option<AnyConnection>) -> Self {
        let statements = Statements::new(&location, settings);
        Self { location, settings, connection, statements }
    }

    /// Works until every handle of the store is gone.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        while let Some(Job { target, work, done }) = queue.recv().await {
            let result = self.work(&target, work).await.map_err(|cause| {
                // A connection after a fault is made anew: that ends its transaction, whatever state it was in.
                self.connection = None;
                StoreError::of(&self.location.shown, &cause)
            });
            // Whoever asked may have gone: then nobody wants the answer.
            drop(done.send(result));
        }
    }

    async fn work(&mut self, target: &str, work: Work) -> Result<u64, sqlx::Error> {
        let connection = open(&mut self.connection, &self.location, self.settings).await?;
        let begin = if self.location.file.is_some() { "BEGIN IMMEDIATE" } else { "BEGIN" };
        match work {
            Work::Commit { fence, writes } => {
                self.statements.execute(connection, sqlx::query(begin)).await?;
                if let Some(fence) = fence {
                    let query = sqlx::query(FENCE).bind(target).bind(fence.holder);
                    if self.statements.execute(connection, query).await? == 0 {
                        self.statements.execute(connection, sqlx::query("ROLLBACK")).await?;
                        return Ok(0);
                    }
                }
                for write in &writes {
                    sql::run(&mut self.statements, connection, target, write).await?;
                }
                self.statements.execute(connection, sqlx::query("COMMIT")).await?;
                Ok(1)
            }
            Work::Lease { holder, now_ms, until_ms } => {
                let query = sqlx::query(LEASE).bind(target).bind(holder).bind(until_ms).bind(now_ms);
                self.statements.execute(connection, query).await
            }
            Work::Release { holder } => {
                let query = sqlx::query(RELEASE).bind(target).bind(holder);
                self.statements.execute(connection, query).await
            }
            Work::Purge { now_ms } => {
                let mut gone = 0;
                for (text, before_ms) in [
                    (OLD_OPERATIONS, now_ms - OPERATIONS_MS),
                    (OLD_RUNS_OF_CHANGES, now_ms - OPERATIONS_MS),
                    (OLD_RUNS, now_ms - RUNS_MS),
                ] {
                    gone += portions(&self.statements, connection, text, before_ms).await?;
                }
                Ok(gone)
            }
        }
    }
}

async fn portions(
    statements: &Statements,
    connection: &mut AnyConnection,
    text: &'static str,
    before_ms: i64,
) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    loop {
        let query = sqlx::query(text).bind(before_ms).bind(PORTION);
        let rows = statements.execute(connection, query).await?;
        gone += rows;
        if rows == 0 {
            return Ok(gone);
        }
    }
}
