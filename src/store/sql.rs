//! The statements that a [`Batch`] becomes: many rows in one statement, in lengths that are powers of two, so that the
//! database meets few different texts and keeps them prepared.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::batch::Batch;
use super::connect::{Settings, answered};
use super::location::Location;

/// The most rows of one statement: SQLite and PostgreSQL take more parameters than this needs.
const LONGEST: usize = 32;

/// A statement over any number of rows.
pub(super) struct Form {
    pub(super) head: &'static str,
    pub(super) tail: &'static str,
    /// `($1, $2)` a row, or a plain list of `$1`.
    pub(super) tuples: bool,
}

const END_SESSIONS: Form = Form { head: "DELETE FROM session WHERE id_hash IN (", tail: ")", tuples: false };
const END_SP_SESSIONS: Form =
    Form { head: "DELETE FROM sp_session WHERE id_hash IN (", tail: ")", tuples: false };
const CLEAR_TRIES: Form =
    Form { head: "DELETE FROM wrong_try WHERE throttle_key IN (", tail: ")", tuples: false };
const FORGET_FILES: Form =
    Form { head: "DELETE FROM live_file WHERE entity_id IN (", tail: ")", tuples: false };
const PUT_SESSIONS: Form = Form {
    head: "INSERT INTO session (id_hash, subject, body, created_ms, last_used_ms, expires_ms) VALUES ",
    tail: " ON CONFLICT (id_hash) DO UPDATE SET subject = excluded.subject, body = excluded.body, \
           created_ms = excluded.created_ms, last_used_ms = excluded.last_used_ms, expires_ms = excluded.expires_ms",
    tuples: true,
};
const PUT_SP_SESSIONS: Form = Form {
    head: "INSERT INTO sp_session (session_index, id_hash, sp, name_key, body, issued_ms) VALUES ",
    tail: " ON CONFLICT (id_hash, session_index) DO UPDATE SET sp = excluded.sp, name_key = excluded.name_key, \
           body = excluded.body",
    tuples: true,
};
const TOUCH_SESSIONS: Form = Form {
    head: "UPDATE session SET last_used_ms = $1 WHERE last_used_ms > 0 AND last_used_ms < $1 AND id_hash IN (",
    tail: ")",
    tuples: false,
};
/// A session that was last used in 1970 is over by any clock; a use that another node notes late does not revive it.
const LAPSE_SESSIONS: Form = Form {
    head: "UPDATE session SET last_used_ms = 0, \
           expires_ms = CASE WHEN expires_ms < $1 THEN expires_ms ELSE $1 END WHERE id_hash IN (",
    tail: ")",
    tuples: false,
};
const REVOKE_SESSIONS: Form = Form {
    head: "UPDATE session SET last_used_ms = 0, expires_ms = created_ms WHERE id_hash IN (",
    tail: ")",
    tuples: false,
};
const COUNT_TRIES: Form =
    Form { head: "INSERT INTO wrong_try (throttle_key, at_ms) VALUES ", tail: "", tuples: true };
const PUT_ADDRESSES: Form = Form {
    head: "INSERT INTO known_address (subject, address, at_ms) VALUES ",
    tail: " ON CONFLICT (subject, address) DO UPDATE SET at_ms = excluded.at_ms",
    tuples: true,
};
const PUT_MEMOS: Form = Form {
    head: "INSERT INTO memo (memo_key, body, expires_ms) VALUES ",
    tail: " ON CONFLICT (memo_key) DO UPDATE SET body = excluded.body, expires_ms = excluded.expires_ms",
    tuples: true,
};
const DROP_MEMOS: Form = Form { head: "DELETE FROM memo WHERE memo_key IN (", tail: ")", tuples: false };
const PUT_FILES: Form = Form {
    head: "INSERT INTO live_file (entity_id, file, sha256) VALUES ",
    tail: " ON CONFLICT (entity_id) DO UPDATE SET file = excluded.file, sha256 = excluded.sha256",
    tuples: true,
};

/// A value to bind.
#[derive(Clone, Copy)]
pub(super) enum Arg<'a> {
    Text(&'a str),
    Number(i64),
}

/// Runs batches, and keeps the texts that it has made.
pub(super) struct Statements {
    location: Location,
    settings: Settings,
    texts: HashMap<(&'static str, usize), Arc<str>>,
}

/// A statement and what is bound to it.
pub(super) type Bound<'q> = Query<'q, Any, AnyArguments>;

/// Binds a text; PostgreSQL takes none with a NUL, which a directory or a service may have.
pub(super) fn bind<'q>(query: Bound<'q>, text: &'q str) -> Bound<'q> {
    if text.contains('\0') { query.bind(text.replace('\0', "\u{fffd}")) } else { query.bind(text) }
}

impl Statements {
    pub(super) fn new(location: &Location, settings: Settings) -> Self {
        Self { location: location.clone(), settings, texts: HashMap::new() }
    }

    /// Runs one, and says how many rows it changed.
    pub(super) async fn execute(
        &self,
        connection: &mut AnyConnection,
        query: Bound<'_>,
    ) -> Result<u64, sqlx::Error> {
        let done = answered(&self.location, self.settings, query.execute(connection)).await?;
        Ok(done.rows_affected())
    }

    /// Runs what the batch comes to inside the transaction that is open on `connection`.
    pub(super) async fn run(
        &mut self,
        connection: &mut AnyConnection,
        batch: &Batch<'_>,
    ) -> Result<(), sqlx::Error> {
        use Arg::{Number, Text};
        let ended: Vec<_> = batch.ended.iter().map(|id| [Text(id)]).collect();
        self.each(connection, &END_SESSIONS, &[], &ended).await?;
        self.each(connection, &END_SP_SESSIONS, &[], &ended).await?;
        let cleared: Vec<_> = batch.cleared.iter().map(|key| [Text(key)]).collect();
        self.each(connection, &CLEAR_TRIES, &[], &cleared).await?;
        let forgotten: Vec<_> = batch.forgotten.iter().map(|id| [Text(id)]).collect();
        self.each(connection, &FORGET_FILES, &[], &forgotten).await?;
        let dropped: Vec<_> = batch.dropped.iter().map(|key| [Text(key)]).collect();
        self.each(connection, &DROP_MEMOS, &[], &dropped).await?;

        let sessions = batch.sessions.iter().map(|(id, (row, last_used))| {
            let (created, expires) = (Number(row.created_ms), Number(row.expires_ms));
            [Text(id), Text(&row.subject), Text(&row.body), created, Number(*last_used), expires]
        });
        self.each(connection, &PUT_SESSIONS, &[], &sessions.collect::<Vec<_>>()).await?;
        let sp_sessions = batch.sp_sessions.values().map(|row| {
            let (index, name_key) = (Text(&row.session_index), Text(&row.name_key));
            [index, Text(&row.id_hash), Text(&row.sp), name_key, Text(&row.body), Number(row.issued_ms)]
        });
        self.each(connection, &PUT_SP_SESSIONS, &[], &sp_sessions.collect::<Vec<_>>()).await?;
        if let Some(newest) = batch.touches.values().max() {
            // All touches of a batch are less than a second apart: they take the newest one's time.
            let touched: Vec<_> = batch.touches.keys().map(|id| [Text(id)]).collect();
            self.each(connection, &TOUCH_SESSIONS, &[Number(*newest)], &touched).await?;
        }
        if let Some(newest) = batch.lapsed.values().max() {
            let lapsed: Vec<_> = batch.lapsed.keys().map(|id| [Text(id)]).collect();
            self.each(connection, &LAPSE_SESSIONS, &[Number(*newest)], &lapsed).await?;
        }
        let revoked: Vec<_> = batch.revoked.iter().map(|id| [Text(id)]).collect();
        self.each(connection, &REVOKE_SESSIONS, &[], &revoked).await?;
        let tries: Vec<_> = batch.tries.iter().map(|(key, at)| [Text(key), Number(*at)]).collect();
        self.each(connection, &COUNT_TRIES, &[], &tries).await?;
        let addresses = batch
            .addresses
            .iter()
            .map(|((subject, address), at)| [Text(subject), Text(address), Number(*at)]);
        self.each(connection, &PUT_ADDRESSES, &[], &addresses.collect::<Vec<_>>()).await?;
        let memos =
            batch.memos.iter().map(|(key, (body, expires))| [Text(key), Text(body), Number(*expires)]);
        self.each(connection, &PUT_MEMOS, &[], &memos.collect::<Vec<_>>()).await?;
        let files = batch.files.iter().map(|(id, (file, sha256))| [Text(id), Text(file), Text(sha256)]);
        self.each(connection, &PUT_FILES, &[], &files.collect::<Vec<_>>()).await
    }

    /// One statement for as many rows as possible, until all are done. `first` is bound before the rows, from `$1` on.
    pub(super) async fn each<const COLUMNS: usize>(
        &mut self,
        connection: &mut AnyConnection,
        form: &Form,
        first: &[Arg<'_>],
        rows: &[[Arg<'_>; COLUMNS]],
    ) -> Result<(), sqlx::Error> {
        let mut left = rows;
        while !left.is_empty() {
            let length = (1 << left.len().ilog2()).min(LONGEST);
            let (now, later) = left.split_at(length);
            left = later;
            let text = self
                .texts
                .entry((form.head, length))
                .or_insert_with(|| form.text(COLUMNS, length, first.len()).into());
            let mut query = sqlx::query(AssertSqlSafe(Arc::clone(text)));
            for arg in first.iter().chain(now.iter().flatten()) {
                query = match arg {
                    Arg::Text(text) => bind(query, text),
                    Arg::Number(number) => query.bind(*number),
                };
            }
            self.execute(connection, query).await?;
        }
        Ok(())
    }
}

impl Form {
    fn text(&self, columns: usize, rows: usize, bound_before: usize) -> String {
        let row = |row: usize| {
            let places: Vec<_> =
                (1..=columns).map(|column| format!("${}", bound_before + row * columns + column)).collect();
            if self.tuples { format!("({})", places.join(", ")) } else { places.join(", ") }
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        format!("{}{}{}", self.head, rows.join(", "), self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_through_all_rows() {
        assert_eq!(
            COUNT_TRIES.text(2, 2, 0),
            "INSERT INTO wrong_try (throttle_key, at_ms) VALUES ($1, $2), ($3, $4)"
        );
        assert!(TOUCH_SESSIONS.text(1, 2, 1).ends_with("id_hash IN ($2, $3)"));
    }
}
