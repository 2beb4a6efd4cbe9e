//! The tables, and how they come to be: numbered steps that only go forward, recorded in `sekisho_schema`.
//!
//! A step that has been released is never edited; the next one is appended. Types are TEXT and BIGINT alone, since one
//! SQL text serves SQLite and PostgreSQL.

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use tokio::time::timeout;

use super::StoreError;
use super::connect::GRACE;
use super::location::Location;

/// What an embedded database keeps in a file of its own; PostgreSQL has all parts in one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What signing in needs.
    SignOn,
    /// What synchronisation needs.
    Sync,
}

/// Version, part and statements of each step. Each file counts all of them, and runs those of its part.
const STEPS: &[(i64, Part, &[&str])] = &[
    (
        1,
        Part::SignOn,
        &[
            "CREATE TABLE session (id_hash TEXT NOT NULL PRIMARY KEY, subject TEXT NOT NULL, body TEXT NOT NULL, \
         created_ms BIGINT NOT NULL, last_used_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL)",
            "CREATE INDEX session_subject ON session (subject)",
            "CREATE INDEX session_expires ON session (expires_ms)",
            "CREATE TABLE sp_session (id_hash TEXT NOT NULL, session_index TEXT NOT NULL, sp TEXT NOT NULL, \
         body TEXT NOT NULL, PRIMARY KEY (id_hash, session_index))",
            "CREATE TABLE wrong_try (throttle_key TEXT NOT NULL, at_ms BIGINT NOT NULL)",
            "CREATE INDEX wrong_try_key ON wrong_try (throttle_key, at_ms)",
            "CREATE INDEX wrong_try_at ON wrong_try (at_ms)",
            "CREATE TABLE known_address (subject TEXT NOT NULL, address TEXT NOT NULL, at_ms BIGINT NOT NULL, \
         PRIMARY KEY (subject, address))",
            "CREATE INDEX known_address_at ON known_address (at_ms)",
            "CREATE TABLE live_file (entity_id TEXT NOT NULL PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL)",
        ],
    ),
    (
        2,
        Part::SignOn,
        &[
            "ALTER TABLE sp_session ADD COLUMN name_key TEXT NOT NULL DEFAULT ''",
            "CREATE INDEX sp_session_name ON sp_session (name_key)",
            "CREATE TABLE memo (memo_key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, expires_ms BIGINT NOT NULL)",
            "CREATE INDEX memo_expires ON memo (expires_ms)",
        ],
    ),
    (3, Part::SignOn, &["ALTER TABLE sp_session ADD COLUMN issued_ms BIGINT NOT NULL DEFAULT 0"]),
    (
        4,
        Part::Sync,
        &[
            "CREATE TABLE sync_link (target TEXT NOT NULL, kind TEXT NOT NULL, source_id TEXT NOT NULL, \
         target_id TEXT NOT NULL, dn TEXT NOT NULL, state TEXT NOT NULL, since_ms BIGINT NOT NULL, \
         sums TEXT NOT NULL, PRIMARY KEY (target, kind, source_id))",
            "CREATE INDEX sync_link_target_id ON sync_link (target, kind, target_id)",
            "CREATE TABLE sync_member (target TEXT NOT NULL, kind TEXT NOT NULL, source_id TEXT NOT NULL, \
         path TEXT NOT NULL, shard BIGINT NOT NULL, members TEXT NOT NULL, \
         PRIMARY KEY (target, kind, source_id, path, shard))",
            "CREATE TABLE sync_cursor (target TEXT NOT NULL, source TEXT NOT NULL, query TEXT NOT NULL, \
         server TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (target, source, query))",
            "CREATE TABLE sync_structure (target TEXT NOT NULL, source_id TEXT NOT NULL, body TEXT NOT NULL, \
         PRIMARY KEY (target, source_id))",
            "CREATE TABLE sync_run (target TEXT NOT NULL, run BIGINT NOT NULL, mode TEXT NOT NULL, \
         started_ms BIGINT NOT NULL, ended_ms BIGINT NOT NULL, counts TEXT NOT NULL, result TEXT NOT NULL, \
         causes TEXT NOT NULL, PRIMARY KEY (target, run))",
            "CREATE TABLE sync_operation (target TEXT NOT NULL, run BIGINT NOT NULL, seq BIGINT NOT NULL, \
         kind TEXT NOT NULL, source_id TEXT NOT NULL, phase BIGINT NOT NULL, body TEXT NOT NULL, \
         state TEXT NOT NULL, attempts BIGINT NOT NULL, rounds BIGINT NOT NULL, next_try_ms BIGINT NOT NULL, \
         error_code BIGINT NOT NULL, error TEXT NOT NULL, at_ms BIGINT NOT NULL, PRIMARY KEY (target, run, seq))",
            "CREATE INDEX sync_operation_open ON sync_operation (target, run, seq) \
         WHERE state IN ('waiting', 'sent', 'failed', 'held')",
            "CREATE INDEX sync_operation_object ON sync_operation (target, source_id)",
            "CREATE INDEX sync_operation_over ON sync_operation (at_ms) WHERE state IN ('done', 'dropped')",
            "CREATE TABLE sync_lease (target TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, \
         until_ms BIGINT NOT NULL)",
        ],
    ),
    (
        5,
        Part::Sync,
        &[
            "ALTER TABLE sync_link ADD COLUMN name TEXT NOT NULL DEFAULT ''",
            "CREATE INDEX sync_link_name ON sync_link (target, kind, name)",
            "CREATE INDEX sync_link_leaving ON sync_link (target, kind, since_ms) WHERE state = 'leaving'",
        ],
    ),
];

/// Names are in any script. SQL_ASCII keeps what it is given.
const ENCODINGS: [&str; 2] = ["UTF8", "SQL_ASCII"];
/// "sekisho" in ASCII: nobody else's lock in a database of its own.
const LOCK: i64 = 0x73_656b_6973_686f;

/// How long the tables of a server may take: an index of a large table has its time, a server or a node that hangs does not
/// hold every start for ever.
const PATIENCE: Duration = Duration::from_mins(10);

/// Waits until no other node is at the tables of a server, and says which encoding it has. `CREATE TABLE IF NOT EXISTS` is no
/// lock: two at the same moment fail each other.
async fn alone(connection: &mut AnyConnection, location: &Location) -> Result<String, sqlx::Error> {
    let patient = "SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)";
    let milliseconds = |time: Duration| time.as_millis().to_string();
    // Of two that end together, the server tells the less helpful one.
    let (lock, statement) = (milliseconds(PATIENCE), milliseconds(PATIENCE + GRACE / 2));
    sqlx::query(patient).bind(lock).bind(statement).execute(&mut *connection).await?;
    let attempt = "SELECT current_setting('server_encoding'), pg_try_advisory_xact_lock($1)";
    let row: AnyRow = sqlx::query(attempt).bind(LOCK).fetch_one(&mut *connection).await?;
    let (encoding, is_free) = (row.try_get(0)?, row.try_get::<bool, _>(1)?);
    if !is_free {
        tracing::info!(store = %location.shown, "waits for another node, which is at the tables");
        let lock = "SELECT 1 FROM pg_advisory_xact_lock($1)";
        sqlx::query(lock).bind(LOCK).execute(connection).await?;
    }
    Ok(encoding)
}

/// Brings the tables of `part` to the newest version; all of them in a database that is shared.
pub(super) async fn migrate(
    connection: &mut AnyConnection,
    location: &Location,
    part: Part,
) -> Result<(), StoreError> {
    let work = steps(connection, location, part);
    if location.file.is_some() {
        return work.await;
    }
    // The server gives up first, where it still can, and tells why.
    let silence = |_| {
        let cause = format!(
            "not done within {} min: the server hangs, or another node is stuck at the tables; end that node, or its \
             session in pg_stat_activity, and start again",
            PATIENCE.as_secs() / 60
        );
        Err(StoreError::Schema { url: location.shown.clone(), version: known(), cause })
    };
    timeout(PATIENCE + GRACE, work).await.unwrap_or_else(silence)
}

/// The newest version.
fn known() -> i64 {
    STEPS.last().map_or(0, |(version, ..)| *version)
}

async fn steps(connection: &mut AnyConnection, location: &Location, part: Part) -> Result<(), StoreError> {
    let failed = |version: i64| {
        let url = location.shown.clone();
        move |cause: sqlx::Error| match StoreError::of(&url, &cause) {
            StoreError::Unavailable { url, cause } => StoreError::Schema { url, version, cause },
            known => known,
        }
    };
    // With SQLite the write lock keeps a second process out.
    let embedded = location.file.is_some();
    let begin = if embedded { "BEGIN IMMEDIATE" } else { "BEGIN" };
    sqlx::query(begin).execute(&mut *connection).await.map_err(failed(0))?;
    if !embedded {
        let encoding = alone(connection, location).await.map_err(failed(0))?;
        if !ENCODINGS.contains(&encoding.as_str()) {
            let cause = format!("the database has the encoding {encoding}; make one with ENCODING 'UTF8'");
            return Err(StoreError::Url { url: location.shown.clone(), cause });
        }
    }
    sqlx::query("CREATE TABLE IF NOT EXISTS sekisho_schema (version BIGINT NOT NULL PRIMARY KEY)")
        .execute(&mut *connection)
        .await
        .map_err(failed(0))?;
    if !embedded {
        let lock = "LOCK TABLE sekisho_schema IN EXCLUSIVE MODE";
        sqlx::query(lock).execute(&mut *connection).await.map_err(failed(0))?;
    }
    let found = sqlx::query("SELECT COALESCE(MAX(version), 0) FROM sekisho_schema")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row: AnyRow| row.try_get::<i64, _>(0))
        .map_err(failed(0))?;
    let known = known();
    if found > known {
        return Err(StoreError::Newer { url: location.shown.clone(), found, known });
    }
    for (version, of, statements) in STEPS.iter().filter(|(version, ..)| *version > found) {
        for statement in statements.iter().filter(|_| !embedded || *of == part) {
            sqlx::query(*statement).execute(&mut *connection).await.map_err(failed(*version))?;
        }
        sqlx::query("INSERT INTO sekisho_schema (version) VALUES ($1)")
            .bind(*version)
            .execute(&mut *connection)
            .await
            .map_err(failed(*version))?;
    }
    sqlx::query("COMMIT").execute(&mut *connection).await.map_err(failed(known))?;
    Ok(())
}
