//! The statements that read.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe, Row};

use super::{SessionRow, SpSessionRow};

/// Sessions and their SP sessions in one answer: a session's row has no SessionIndex and comes before its SP sessions.
macro_rules! sessions_where {
    ($condition:literal) => {
        concat!(
            "SELECT id_hash, '' AS session_index, subject AS name, body, created_ms, last_used_ms, expires_ms \
             FROM session WHERE ",
            $condition,
            " UNION ALL SELECT p.id_hash, p.session_index, p.sp, p.body, s.created_ms, 0, 0 \
             FROM session s JOIN sp_session p ON p.id_hash = s.id_hash WHERE s.",
            $condition,
            " ORDER BY 5, 1, 2"
        )
    };
}

/// Which sessions.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    IdHash(&'a str),
    Subject(&'a str),
}

pub(super) async fn sessions(readers: &AnyPool, by: By<'_>) -> Result<Vec<SessionRow>, sqlx::Error> {
    let query = match by {
        By::IdHash(id_hash) => sqlx::query(sessions_where!("id_hash = $1")).bind(id_hash),
        By::Subject(subject) => sqlx::query(sessions_where!("subject = $1")).bind(subject),
    };
    let mut found: Vec<SessionRow> = Vec::new();
    for row in query.fetch_all(readers).await? {
        let (id_hash, session_index) = (row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
        let (name, body) = (row.try_get(2)?, row.try_get(3)?);
        if session_index.is_empty() {
            found.push(session(&row, id_hash, name, body)?);
        } else if let Some(session) = found.last_mut().filter(|session| session.id_hash == id_hash) {
            session.sp_sessions.push(SpSessionRow { id_hash, sp: name, session_index, body });
        }
    }
    Ok(found)
}

fn session(row: &AnyRow, id_hash: String, subject: String, body: String) -> Result<SessionRow, sqlx::Error> {
    let (created_ms, last_used_ms, expires_ms) = (row.try_get(4)?, row.try_get(5)?, row.try_get(6)?);
    Ok(SessionRow { id_hash, subject, body, created_ms, last_used_ms, expires_ms, sp_sessions: Vec::new() })
}

pub(super) async fn tries(
    readers: &AnyPool,
    keys: &[String],
    since_ms: i64,
) -> Result<Vec<u32>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> = (0..keys.len()).map(|key| format!("${}", key + 2)).collect();
    let text = format!(
        "SELECT throttle_key, COUNT(*) FROM wrong_try WHERE at_ms >= $1 AND throttle_key IN ({}) \
         GROUP BY throttle_key",
        places.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(text)).bind(since_ms);
    for key in keys {
        query = query.bind(key.as_str());
    }
    let mut counts = vec![0; keys.len()];
    for row in query.fetch_all(readers).await? {
        let (found, count) = (row.try_get::<String, _>(0)?, row.try_get::<i64, _>(1)?);
        for (_, counted) in keys.iter().zip(&mut counts).filter(|(key, _)| **key == found) {
            *counted = u32::try_from(count).unwrap_or(u32::MAX);
        }
    }
    Ok(counts)
}

pub(super) async fn known_address(
    readers: &AnyPool,
    subject: &str,
    address: &str,
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query("SELECT at_ms FROM known_address WHERE subject = $1 AND address = $2 LIMIT 1");
    Ok(query.bind(subject).bind(address).fetch_optional(readers).await?.is_some())
}

pub(super) async fn live_files(readers: &AnyPool) -> Result<Vec<(String, String, String)>, sqlx::Error> {
    let rows = sqlx::query("SELECT entity_id, file, sha256 FROM live_file ORDER BY entity_id")
        .fetch_all(readers)
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}

pub(super) async fn ping(readers: &AnyPool) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT 1").fetch_one(readers).await.map(drop)
}
