//! The statements that read what synchronisation keeps. What may be much is read in pages, so that nothing is held open
//! between two of them.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe, Row};

use super::rows::{CursorRow, KeyRow, LinkRow, Mark, MemberRow, OperationRow, RunRow, StructureRow};
use super::sql::{by_kind, indexable};
use crate::store::sql::bind;

/// The most ids of one question: SQLite takes 32,766 parameters, PostgreSQL 65,535.
const IDS: usize = 512;

const LINK: &str =
    "SELECT kind, source_id, target_id, dn, name, state, since_ms, sums FROM sync_link WHERE target = $1";
const MEMBER: &str = "SELECT kind, source_id, path, shard, members FROM sync_member WHERE target = $1";
macro_rules! operations {
    ($body:literal) => {
        concat!(
            "SELECT run, seq, kind, source_id, ",
            $body,
            ", state, attempts, rounds, next_try_ms, error_code, error, at_ms, phase \
             FROM sync_operation WHERE target = $1"
        )
    };
}
const OPERATION: &str = operations!("body");
const OPEN: &str = "state IN ('waiting', 'sent', 'failed', 'held') AND (run, seq) > ($2, $3) \
                    ORDER BY run, seq LIMIT $4";

type Rows<T> = Result<Vec<T>, sqlx::Error>;

/// The next links after `after`, in the order of their keys.
pub(super) async fn links_after(pool: &AnyPool, target: &str, after: &KeyRow, limit: i64) -> Rows<LinkRow> {
    let text = format!("{LINK} AND (kind, source_id) > ($2, $3) ORDER BY kind, source_id LIMIT $4");
    let query = sqlx::query(AssertSqlSafe(text)).bind(target).bind(after.0.as_str());
    let query = bind(query, &after.1).bind(limit);
    query.fetch_all(pool).await?.iter().map(link).collect()
}

/// The members of all links from `first` to `last`, in the order of their keys.
pub(super) async fn members_between(
    pool: &AnyPool,
    target: &str,
    (first, last): (&KeyRow, &KeyRow),
) -> Rows<MemberRow> {
    let text = format!(
        "{MEMBER} AND (kind, source_id) >= ($2, $3) AND (kind, source_id) <= ($4, $5) ORDER BY kind, source_id"
    );
    let query = bind(sqlx::query(AssertSqlSafe(text)).bind(target).bind(first.0.as_str()), &first.1);
    let rows = bind(query.bind(last.0.as_str()), &last.1).fetch_all(pool).await?;
    rows.iter().map(member).collect()
}

/// Links by their keys, in any order.
pub(super) async fn links(pool: &AnyPool, target: &str, keys: &[KeyRow]) -> Rows<LinkRow> {
    of_keys(pool, LINK, "source_id", target, keys).await?.iter().map(link).collect()
}

/// Links by what they are at the target, in any order.
pub(super) async fn links_at(pool: &AnyPool, target: &str, ids: &[KeyRow]) -> Rows<LinkRow> {
    of_keys(pool, LINK, "target_id", target, ids).await?.iter().map(link).collect()
}

/// Links by kind and name, in any order.
pub(super) async fn links_named(pool: &AnyPool, target: &str, names: &[KeyRow]) -> Rows<LinkRow> {
    let names: Vec<KeyRow> =
        names.iter().map(|(kind, name)| (kind.clone(), indexable(name).into_owned())).collect();
    of_keys(pool, LINK, "name", target, &names).await?.iter().map(link).collect()
}

/// How many links there are of each kind.
pub(super) async fn link_counts(pool: &AnyPool, target: &str) -> Rows<(String, i64)> {
    let text = "SELECT kind, COUNT(*) FROM sync_link WHERE target = $1 GROUP BY kind";
    let rows = sqlx::query(text).bind(target).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// By kind, how many are leaving, and since when the first one is.
pub(super) async fn leaving(pool: &AnyPool, target: &str) -> Rows<(String, i64, i64)> {
    let text = "SELECT kind, COUNT(*), MIN(since_ms) FROM sync_link WHERE target = $1 AND state = 'leaving' \
                GROUP BY kind";
    let rows = sqlx::query(text).bind(target).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}

/// Links whose names are not kept.
pub(super) async fn unnamed(pool: &AnyPool, target: &str, limit: i64) -> Rows<LinkRow> {
    let query = sqlx::query(AssertSqlSafe(format!("{LINK} AND name = '' LIMIT $2"))).bind(target);
    query.bind(limit).fetch_all(pool).await?.iter().map(link).collect()
}

/// The members of these keys.
pub(super) async fn members(pool: &AnyPool, target: &str, keys: &[KeyRow]) -> Rows<MemberRow> {
    of_keys(pool, MEMBER, "source_id", target, keys).await?.iter().map(member).collect()
}

async fn of_keys(
    pool: &AnyPool,
    select: &str,
    column: &str,
    target: &str,
    keys: &[KeyRow],
) -> Result<Vec<AnyRow>, sqlx::Error> {
    let mut found = Vec::new();
    for (kind, ids) in by_kind(keys) {
        for ids in ids.chunks(IDS) {
            // Lengths that are powers of two: the last id is asked for again, and the database keeps few texts.
            let length = ids.len().next_power_of_two();
            let places: Vec<_> = (0..length).map(|place| format!("${}", place + 3)).collect();
            let text = format!("{select} AND kind = $2 AND {column} IN ({})", places.join(", "));
            let mut query = sqlx::query(AssertSqlSafe(text)).bind(target).bind(kind);
            for place in 0..length {
                query = bind(query, ids.get(place).or(ids.last()).copied().unwrap_or_default());
            }
            found.extend(query.fetch_all(pool).await?);
        }
    }
    Ok(found)
}

pub(super) async fn cursors(pool: &AnyPool, target: &str) -> Rows<CursorRow> {
    let text =
        "SELECT source, query, server, value FROM sync_cursor WHERE target = $1 ORDER BY source, query";
    let read = |row: &AnyRow| {
        let (source, query, server) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok(CursorRow { source, query, server, value: row.try_get(3)? })
    };
    sqlx::query(text).bind(target).fetch_all(pool).await?.iter().map(read).collect()
}

pub(super) async fn structure_after(
    pool: &AnyPool,
    target: &str,
    after: &str,
    limit: i64,
) -> Rows<StructureRow> {
    let text = "SELECT source_id, body FROM sync_structure WHERE target = $1 AND source_id > $2 \
                ORDER BY source_id LIMIT $3";
    let rows = sqlx::query(text).bind(target).bind(after).bind(limit).fetch_all(pool).await?;
    rows.iter().map(|row| Ok(StructureRow { source_id: row.try_get(0)?, body: row.try_get(1)? })).collect()
}

pub(super) async fn runs(pool: &AnyPool, target: &str, limit: i64) -> Rows<RunRow> {
    let text = "SELECT run, mode, started_ms, ended_ms, counts, result, causes FROM sync_run WHERE target = $1 \
                ORDER BY run DESC LIMIT $2";
    let read = |row: &AnyRow| {
        let (run, mode, started_ms, ended_ms) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        let (counts, result, causes) = (row.try_get(4)?, row.try_get(5)?, row.try_get(6)?);
        Ok(RunRow { run, mode, started_ms, ended_ms, counts, result, causes })
    };
    sqlx::query(text).bind(target).bind(limit).fetch_all(pool).await?.iter().map(read).collect()
}

/// By mode, when the last run began.
pub(super) async fn last_runs(pool: &AnyPool, target: &str) -> Rows<(String, i64)> {
    let text = "SELECT mode, MAX(started_ms) FROM sync_run WHERE target = $1 GROUP BY mode";
    let rows = sqlx::query(text).bind(target).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// The next operations after `(run, seq)` that are not over.
pub(super) async fn open_operations(
    pool: &AnyPool,
    target: &str,
    (run, seq): (i64, i64),
    limit: i64,
) -> Rows<OperationRow> {
    let query = sqlx::query(AssertSqlSafe(format!("{OPERATION} AND {OPEN}"))).bind(target);
    query.bind(run).bind(seq).bind(limit).fetch_all(pool).await?.iter().map(operation).collect()
}

/// How many operations are not over, by run and state.
pub(super) async fn open_counts(pool: &AnyPool, target: &str) -> Rows<(i64, String, i64)> {
    let text = "SELECT run, state, COUNT(*) FROM sync_operation WHERE target = $1 \
                AND state IN ('waiting', 'sent', 'failed', 'held') GROUP BY run, state ORDER BY run";
    let rows = sqlx::query(text).bind(target).fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}

/// To how many objects operations of the turns from one on were done since a moment, by turn, without those of a run.
pub(super) async fn done(
    pool: &AnyPool,
    target: &str,
    since_ms: i64,
    (without, from): (i64, i64),
) -> Rows<(i64, i64)> {
    // The index is of both states.
    let text = "SELECT phase, COUNT(DISTINCT source_id) FROM sync_operation WHERE target = $1 \
                AND state IN ('done', 'dropped') AND state = 'done' AND at_ms >= $2 AND run <> $3 AND phase >= $4 GROUP BY phase";
    let query = sqlx::query(text).bind(target).bind(since_ms).bind(without).bind(from);
    let rows = query.fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// The same with empty bodies.
pub(super) async fn open_index(
    pool: &AnyPool,
    target: &str,
    (run, seq): (i64, i64),
    limit: i64,
) -> Rows<OperationRow> {
    let query = sqlx::query(AssertSqlSafe(format!("{} AND {OPEN}", operations!("''")))).bind(target);
    query.bind(run).bind(seq).bind(limit).fetch_all(pool).await?.iter().map(operation).collect()
}

/// Operations of a run by their places, in any order.
pub(super) async fn operations_at(
    pool: &AnyPool,
    target: &str,
    run: i64,
    seqs: &[i64],
) -> Rows<OperationRow> {
    let mut found = Vec::with_capacity(seqs.len());
    for seqs in seqs.chunks(IDS) {
        let length = seqs.len().next_power_of_two();
        let places: Vec<_> = (0..length).map(|place| format!("${}", place + 3)).collect();
        let text = format!("{OPERATION} AND run = $2 AND seq IN ({})", places.join(", "));
        let mut query = sqlx::query(AssertSqlSafe(text)).bind(target).bind(run);
        for place in 0..length {
            query = query.bind(seqs.get(place).or(seqs.last()).copied().unwrap_or_default());
        }
        for row in query.fetch_all(pool).await? {
            found.push(operation(&row)?);
        }
    }
    Ok(found)
}

/// What was done for an object, the newest first.
pub(super) async fn operations_for(
    pool: &AnyPool,
    target: &str,
    key: &KeyRow,
    limit: i64,
) -> Rows<OperationRow> {
    let text = format!("{OPERATION} AND source_id = $2 AND kind = $3 ORDER BY run DESC, seq DESC LIMIT $4");
    let query = bind(sqlx::query(AssertSqlSafe(text)).bind(target), &key.1);
    query.bind(key.0.as_str()).bind(limit).fetch_all(pool).await?.iter().map(operation).collect()
}

/// Who holds the lease of a target, and until when.
pub(super) async fn lease(pool: &AnyPool, target: &str) -> Result<Option<(String, i64)>, sqlx::Error> {
    let query = sqlx::query("SELECT holder, until_ms FROM sync_lease WHERE target = $1").bind(target);
    let row = query.fetch_optional(pool).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}

fn link(row: &AnyRow) -> Result<LinkRow, sqlx::Error> {
    Ok(LinkRow {
        key: (row.try_get(0)?, row.try_get(1)?),
        target_id: row.try_get(2)?,
        dn: row.try_get(3)?,
        name: row.try_get(4)?,
        state: row.try_get(5)?,
        since_ms: row.try_get(6)?,
        sums: row.try_get(7)?,
    })
}

fn member(row: &AnyRow) -> Result<MemberRow, sqlx::Error> {
    let (path, shard, members) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    Ok(MemberRow { key: (row.try_get(0)?, row.try_get(1)?), path, shard, members })
}

fn operation(row: &AnyRow) -> Result<OperationRow, sqlx::Error> {
    let mark = Mark {
        state: row.try_get(5)?,
        attempts: row.try_get(6)?,
        rounds: row.try_get(7)?,
        next_try_ms: row.try_get(8)?,
        error_code: row.try_get(9)?,
        error: row.try_get(10)?,
        at_ms: row.try_get(11)?,
    };
    let key = (row.try_get(2)?, row.try_get(3)?);
    let (run, seq, phase, body) = (row.try_get(0)?, row.try_get(1)?, row.try_get(12)?, row.try_get(4)?);
    Ok(OperationRow { run, seq, key, phase, body, mark })
}
