//! The statements that [`SyncWrite`]s become, in their order.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::rows::{Mark, MemberRow, OperationRow, SyncWrite};
use crate::store::sql::Arg::{Number, Text};
use crate::store::sql::{Bound, Form, Statements, bind};

const PUT_LINKS: Form = Form {
    head: "INSERT INTO sync_link (target, kind, source_id, target_id, dn, name, state, since_ms, sums) VALUES ",
    tail: " ON CONFLICT (target, kind, source_id) DO UPDATE SET target_id = excluded.target_id, \
           dn = excluded.dn, name = excluded.name, state = excluded.state, since_ms = excluded.since_ms, sums = excluded.sums",
    tuples: true,
};
const PUT_MEMBERS: Form = Form {
    head: "INSERT INTO sync_member (target, kind, source_id, path, shard, members) VALUES ",
    tail: " ON CONFLICT (target, kind, source_id, path, shard) DO UPDATE SET members = excluded.members",
    tuples: true,
};
const DROP_LINKS: Form = Form {
    head: "DELETE FROM sync_link WHERE target = $1 AND kind = $2 AND source_id IN (",
    tail: ")",
    tuples: false,
};
const DROP_MEMBERS: Form = Form {
    head: "DELETE FROM sync_member WHERE target = $1 AND kind = $2 AND source_id IN (",
    tail: ")",
    tuples: false,
};
const PUT_CURSORS: Form = Form {
    head: "INSERT INTO sync_cursor (target, source, query, server, value) VALUES ",
    tail: " ON CONFLICT (target, source, query) DO UPDATE SET server = excluded.server, value = excluded.value",
    tuples: true,
};
const PUT_STRUCTURE: Form = Form {
    head: "INSERT INTO sync_structure (target, source_id, body) VALUES ",
    tail: " ON CONFLICT (target, source_id) DO UPDATE SET body = excluded.body",
    tuples: true,
};
const ADD_OPERATIONS: Form = Form {
    head: "INSERT INTO sync_operation (target, run, seq, kind, source_id, phase, body, state, attempts, \
           rounds, next_try_ms, error_code, error, at_ms) VALUES ",
    tail: "",
    tuples: true,
};
const MARK_ALL: Form = Form {
    head: "UPDATE sync_operation SET state = $1, at_ms = $2 WHERE target = $3 AND run = $4 AND seq IN (",
    tail: ")",
    tuples: false,
};
/// A part that holds nobody is none.
const DROP_EMPTY: &str = "DELETE FROM sync_member WHERE target = $1 AND kind = $2 AND source_id = $3 \
                          AND path = $4 AND shard = $5";
const PUT_RUN: &str = "INSERT INTO sync_run (target, run, mode, started_ms, ended_ms, counts, result, causes) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (target, run) DO UPDATE SET \
                       mode = excluded.mode, started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, \
                       counts = excluded.counts, result = excluded.result, causes = excluded.causes";
const MARK_ONE: &str = "UPDATE sync_operation SET state = $1, attempts = $2, rounds = $3, next_try_ms = $4, \
                        error_code = $5, error = $6, at_ms = $7 WHERE target = $8 AND run = $9 AND seq = $10";
const TURN: &str = "UPDATE sync_operation SET state = $1, at_ms = $2 WHERE target = $3 AND state = $4 \
                    AND state IN ('waiting', 'sent', 'failed', 'held') AND ($5 < 0 OR run = $5)";

/// Runs a write inside the transaction that is open on `connection`.
pub(super) async fn run(
    statements: &mut Statements,
    connection: &mut AnyConnection,
    target: &str,
    write: &SyncWrite,
) -> Result<(), sqlx::Error> {
    let to = Text(target);
    match write {
        SyncWrite::PutLinks(links) => {
            // One statement changes no row twice: the last one of a key counts.
            let links: BTreeMap<_, _> = links.iter().map(|link| (&link.key, link)).collect();
            let names: Vec<_> = links.values().map(|link| indexable(&link.name)).collect();
            let row = links.values().zip(&names).map(|(link, name)| {
                let (kind, id) = (Text(&link.key.0), Text(&link.key.1));
                let (state, since) = (Text(&link.state), Number(link.since_ms));
                let (dn, name) = (Text(&link.dn), Text(name));
                [to, kind, id, Text(&link.target_id), dn, name, state, since, Text(&link.sums)]
            });
            statements.each(connection, &PUT_LINKS, &[], &row.collect::<Vec<_>>()).await
        }
        SyncWrite::DropLinks(keys) => {
            for (kind, ids) in by_kind(keys) {
                let ids: Vec<_> = ids.into_iter().map(|id| [Text(id)]).collect();
                statements.each(connection, &DROP_LINKS, &[to, Text(kind)], &ids).await?;
                statements.each(connection, &DROP_MEMBERS, &[to, Text(kind)], &ids).await?;
            }
            Ok(())
        }
        SyncWrite::PutMembers(rows) => {
            let rows: BTreeMap<_, _> =
                rows.iter().map(|row| ((&row.key, &row.path, row.shard), row)).collect();
            let (empty, full): (Vec<&MemberRow>, Vec<&MemberRow>) =
                rows.into_values().partition(|row| row.members.is_empty());
            for row in empty {
                let query = sqlx::query(DROP_EMPTY).bind(target).bind(row.key.0.as_str());
                let query = bind(query, &row.key.1).bind(row.path.as_str()).bind(row.shard);
                statements.execute(connection, query).await?;
            }
            let full = full.iter().map(|row| {
                let (kind, id) = (Text(&row.key.0), Text(&row.key.1));
                [to, kind, id, Text(&row.path), Number(row.shard), Text(&row.members)]
            });
            statements.each(connection, &PUT_MEMBERS, &[], &full.collect::<Vec<_>>()).await
        }
        SyncWrite::AddOperations(rows) => {
            let rows: Vec<_> = rows.iter().map(|row| operation(target, row)).collect();
            statements.each(connection, &ADD_OPERATIONS, &[], &rows).await
        }
        SyncWrite::MarkAll { run, seqs, state, at_ms } => {
            let seqs: Vec<_> = seqs.iter().map(|seq| [Number(*seq)]).collect();
            statements
                .each(connection, &MARK_ALL, &[Text(state), Number(*at_ms), to, Number(*run)], &seqs)
                .await
        }
        SyncWrite::MarkOne { run, seq, mark } => {
            statements.execute(connection, mark_one(target, (*run, *seq), mark)).await.map(drop)
        }
        SyncWrite::Turn { run, from, to: turned, at_ms } => {
            let query = sqlx::query(TURN).bind(*turned).bind(*at_ms).bind(target).bind(*from);
            statements.execute(connection, query.bind(run.unwrap_or(-1))).await.map(drop)
        }
        SyncWrite::PutRun(row) => {
            let query = sqlx::query(PUT_RUN).bind(target).bind(row.run).bind(row.mode.as_str());
            let query = query.bind(row.started_ms).bind(row.ended_ms).bind(row.counts.as_str());
            let query = query.bind(row.result.as_str()).bind(row.causes.as_str());
            statements.execute(connection, query).await.map(drop)
        }
        SyncWrite::PutCursors(rows) => {
            let rows: BTreeMap<_, _> = rows.iter().map(|row| ((&row.source, &row.query), row)).collect();
            let rows = rows
                .values()
                .map(|row| [to, Text(&row.source), Text(&row.query), Text(&row.server), Text(&row.value)]);
            statements.each(connection, &PUT_CURSORS, &[], &rows.collect::<Vec<_>>()).await
        }
        SyncWrite::PutStructure(rows) => {
            let rows: BTreeMap<_, _> = rows.iter().map(|row| (&row.source_id, &row.body)).collect();
            let rows: Vec<_> = rows.into_iter().map(|(id, body)| [to, Text(id), Text(body)]).collect();
            statements.each(connection, &PUT_STRUCTURE, &[], &rows).await
        }
    }
}

fn operation<'a>(target: &'a str, row: &'a OperationRow) -> [crate::store::sql::Arg<'a>; 14] {
    let mark = &row.mark;
    [
        Text(target),
        Number(row.run),
        Number(row.seq),
        Text(&row.key.0),
        Text(&row.key.1),
        Number(row.phase),
        Text(&row.body),
        Text(&mark.state),
        Number(mark.attempts),
        Number(mark.rounds),
        Number(mark.next_try_ms),
        Number(mark.error_code),
        Text(&mark.error),
        Number(mark.at_ms),
    ]
}

fn mark_one<'q>(target: &'q str, (run, seq): (i64, i64), mark: &'q Mark) -> Bound<'q> {
    let query = sqlx::query(MARK_ONE).bind(mark.state.as_str()).bind(mark.attempts).bind(mark.rounds);
    let query = bind(query.bind(mark.next_try_ms).bind(mark.error_code), &mark.error);
    query.bind(mark.at_ms).bind(target).bind(run).bind(seq)
}

/// No index of PostgreSQL takes more than 2,700 octets; what is longer stands for itself by its beginning and a sum
/// (FNV-1a) of the whole.
pub(super) fn indexable(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 2_000;
    if name.len() <= LONGEST {
        return Cow::Borrowed(name);
    }
    let sum = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, octet| {
        (sum ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let beginning = name.get(..name.floor_char_boundary(LONGEST)).unwrap_or_default();
    Cow::Owned(format!("{beginning}#{sum:016x}"))
}

pub(super) fn by_kind<'a>(
    keys: impl IntoIterator<Item = &'a (String, String)>,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    keys.into_iter().for_each(|(kind, id)| kinds.entry(kind).or_default().push(id));
    kinds
}
