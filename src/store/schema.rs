//! The tables, and how they come to be: numbered steps that only go forward, recorded in `sekisho_schema`.
//!
//! A step that has been released is never edited; the next one is appended. Types are TEXT and BIGINT alone, since one
//! SQL text serves SQLite and PostgreSQL.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::StoreError;
use super::location::Location;

/// Version and statements of each step.
const STEPS: &[(i64, &[&str])] = &[
    (
        1,
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
        &[
            "ALTER TABLE sp_session ADD COLUMN name_key TEXT NOT NULL DEFAULT ''",
            "CREATE INDEX sp_session_name ON sp_session (name_key)",
            "CREATE TABLE memo (memo_key TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, expires_ms BIGINT NOT NULL)",
            "CREATE INDEX memo_expires ON memo (expires_ms)",
        ],
    ),
    (3, &["ALTER TABLE sp_session ADD COLUMN issued_ms BIGINT NOT NULL DEFAULT 0"]),
];

/// Brings the tables to the newest version.
pub(super) async fn migrate(connection: &mut AnyConnection, location: &Location) -> Result<(), StoreError> {
    let failed = |version: i64| {
        let url = location.shown.clone();
        move |cause: sqlx::Error| match StoreError::of(&url, &cause) {
            StoreError::Unavailable { url, cause } => StoreError::Schema { url, version, cause },
            known => known,
        }
    };
    // With SQLite the write lock keeps a second process out; PostgreSQL locks the table below.
    let embedded = location.file.is_some();
    let begin = if embedded { "BEGIN IMMEDIATE" } else { "BEGIN" };
    sqlx::query(begin).execute(&mut *connection).await.map_err(failed(0))?;
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
    let known = STEPS.last().map_or(0, |(version, _)| *version);
    if found > known {
        return Err(StoreError::Newer { url: location.shown.clone(), found, known });
    }
    for (version, statements) in STEPS.iter().filter(|(version, _)| *version > found) {
        for statement in *statements {
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
