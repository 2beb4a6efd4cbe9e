//! The statements that read.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe, Row};

use super::{SessionRow, SpSessionRow};

/// Sessions and their SP sessions in one answer: a session's row has no SessionIndex and comes before its SP sessions,
/// which come in the order in which they were issued.
macro_rules! sessions_where {
    ($condition:literal) => {
        concat!(
            "SELECT id_hash, '' AS session_index, subject AS name, body, created_ms, last_used_ms, expires_ms, \
             0 AS issued_ms FROM session WHERE ",
            $condition,
            " UNION ALL SELECT p.id_hash, p.session_index, p.sp, p.name_key || ' ' || p.body, s.created_ms, 0, 0, \
             p.issued_ms FROM session s JOIN sp_session p ON p.id_hash = s.id_hash WHERE s.",
            $condition,
            " ORDER BY 5, 1, 8, 2"
        )
    };
}

/// Which sessions.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    IdHash(&'a str),
    Subject(&'a str),
    /// Something was issued in them under this name.
    Name(&'a str),
}

pub(super) async fn sessions(readers: &AnyPool, by: By<'_>) -> Result<Vec<SessionRow>, sqlx::Error> {
    let query = match by {
        By::IdHash(id_hash) => sqlx::query(sessions_where!("id_hash = $1")).bind(id_hash),
        By::Subject(subject) => sqlx::query(sessions_where!("subject = $1")).bind(subject),
        By::Name(name_key) => {
            sqlx::query(sessions_where!("id_hash IN (SELECT id_hash FROM sp_session WHERE name_key = $1)"))
                .bind(name_key)
        }
    };
    let mut found: Vec<SessionRow> = Vec::new();
    for row in query.fetch_all(readers).await? {
        let (id_hash, session_index) = (row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
        let (name, body): (String, String) = (row.try_get(2)?, row.try_get(3)?);
        if session_index.is_empty() {
            found.push(session(&row, id_hash, name, body)?);
        } else if let Some(session) = found.last_mut().filter(|session| session.id_hash == id_hash) {
            // One column for two, so that the two halves of the question have the same columns; a key has no blank.
            let (name_key, body) = body.split_once(' ').unwrap_or(("", &body));
            let (name_key, body) = (name_key.to_owned(), body.to_owned());
            let issued_ms = row.try_get(7)?;
            session.sp_sessions.push(SpSessionRow {
                id_hash,
                sp: name,
                session_index,
                name_key,
                body,
                issued_ms,
            });
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

/// SQLite compares octets, and looks only at the keys of the range; its LIKE ignores case, and looks at all.
pub(super) const KEYS_TRIED: &str = "SELECT COUNT(DISTINCT throttle_key) FROM wrong_try WHERE at_ms >= $1 \
                                     AND throttle_key >= $2 AND throttle_key < $3";
/// PostgreSQL compares as the language of the database does, in which a range need not hold a prefix.
const KEYS_TRIED_SHARED: &str =
    "SELECT COUNT(DISTINCT throttle_key) FROM wrong_try WHERE at_ms >= $1 AND throttle_key LIKE $2";

/// `prefix` holds neither `%` nor `_`, and ends with `|`.
pub(super) async fn keys_tried(
    readers: &AnyPool,
    (prefix, since_ms): (&str, i64),
    is_shared: bool,
) -> Result<u32, sqlx::Error> {
    let query = if is_shared {
        sqlx::query(KEYS_TRIED_SHARED).bind(since_ms).bind(format!("{prefix}%"))
    } else {
        // `}` is the octet after `|`.
        let end = format!("{}}}", prefix.trim_end_matches('|'));
        sqlx::query(KEYS_TRIED).bind(since_ms).bind(prefix).bind(end)
    };
    let row = query.fetch_one(readers).await?;
    Ok(u32::try_from(row.try_get::<i64, _>(0)?).unwrap_or(u32::MAX))
}

pub(super) async fn all_tries(
    readers: &AnyPool,
    since_ms: i64,
) -> Result<Vec<(String, u32, i64)>, sqlx::Error> {
    let query = sqlx::query(
        "SELECT throttle_key, COUNT(*), MAX(at_ms) FROM wrong_try WHERE at_ms >= $1 \
         GROUP BY throttle_key ORDER BY throttle_key",
    );
    let rows = query.bind(since_ms).fetch_all(readers).await?;
    let most = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    rows.iter().map(|row| Ok((row.try_get(0)?, most(row.try_get(1)?), row.try_get(2)?))).collect()
}

pub(super) async fn known_address(
    readers: &AnyPool,
    subject: &str,
    address: &str,
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query("SELECT at_ms FROM known_address WHERE subject = $1 AND address = $2 LIMIT 1");
    Ok(query.bind(subject).bind(address).fetch_optional(readers).await?.is_some())
}

/// A memo, unless its time is over.
pub(super) async fn memo(readers: &AnyPool, key: &str, now_ms: i64) -> Result<Option<String>, sqlx::Error> {
    let query = sqlx::query("SELECT body FROM memo WHERE memo_key = $1 AND expires_ms > $2");
    let row = query.bind(key).bind(now_ms).fetch_optional(readers).await?;
    row.map(|row| row.try_get(0)).transpose()
}

/// Keys and times of the memos whose keys begin so.
pub(super) async fn memo_keys(
    readers: &AnyPool,
    prefix: &str,
    now_ms: i64,
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let query =
        sqlx::query("SELECT memo_key, expires_ms FROM memo WHERE expires_ms > $1 AND memo_key LIKE $2");
    let rows = query.bind(now_ms).bind(format!("{prefix}%")).fetch_all(readers).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
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
