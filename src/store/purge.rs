//! Deletes what is over, in portions that are transactions of their own.

use sqlx::AnyConnection;

use super::connect::{Settings, answered};
use super::location::Location;

/// Wrong tries are forgotten after a day: the throttle's window is never longer ([`super::LONGEST_WINDOW`]).
const TRIES_MS: i64 = super::LONGEST_WINDOW.as_secs() * 1000;
/// An address from which nobody signed in for half a year is no longer known.
const ADDRESSES_MS: i64 = 180 * 24 * 60 * 60 * 1000;
/// A session whose time is over is known for another day: service providers may be signed in by it for longer, and
/// single logout must find them.
const SESSIONS_MS: i64 = 24 * 60 * 60 * 1000;
/// The most rows of one statement.
const PORTION: i64 = 1000;

/// Each deletes at most `$2` rows that are older than `$1`.
const STATEMENTS: [(&str, i64); 4] = [
    (
        "DELETE FROM wrong_try WHERE at_ms IN \
         (SELECT at_ms FROM wrong_try WHERE at_ms <= $1 ORDER BY at_ms LIMIT $2)",
        TRIES_MS,
    ),
    (
        "DELETE FROM known_address WHERE at_ms IN \
         (SELECT at_ms FROM known_address WHERE at_ms <= $1 ORDER BY at_ms LIMIT $2)",
        ADDRESSES_MS,
    ),
    (
        "DELETE FROM session WHERE id_hash IN \
         (SELECT id_hash FROM session WHERE expires_ms <= $1 ORDER BY expires_ms LIMIT $2)",
        SESSIONS_MS,
    ),
    (
        "DELETE FROM memo WHERE memo_key IN \
         (SELECT memo_key FROM memo WHERE expires_ms <= $1 ORDER BY expires_ms LIMIT $2)",
        0,
    ),
];
/// SP sessions go when their session is gone. A session's row is never younger than what was issued in it.
const ORPHANS: &str = "DELETE FROM sp_session WHERE id_hash IN (SELECT id_hash FROM sp_session \
                       WHERE NOT EXISTS (SELECT 1 FROM session WHERE session.id_hash = sp_session.id_hash) LIMIT $1)";

/// Deletes, and says how many rows went.
pub(super) async fn run(
    connection: &mut AnyConnection,
    (location, settings): (&Location, Settings),
    now_ms: i64,
) -> Result<u64, sqlx::Error> {
    let mut gone = 0;
    for (statement, age_ms) in STATEMENTS {
        loop {
            let query = sqlx::query(statement).bind(now_ms - age_ms).bind(PORTION);
            let done = answered(location, settings, query.execute(&mut *connection)).await?;
            let rows = done.rows_affected();
            gone += rows;
            if rows == 0 {
                break;
            }
        }
    }
    loop {
        let query = sqlx::query(ORPHANS).bind(PORTION).execute(&mut *connection);
        let rows = answered(location, settings, query).await?.rows_affected();
        gone += rows;
        if rows == 0 {
            return Ok(gone);
        }
    }
}
