//! How links, members and operations are written in rows, and read again.
//!
//! Members are kept in [`SHARDS`] parts by a hash of their keys: a group of 100,000 is 64 rows of 1,600, which are read at
//! once, and one member more rewrites one of them. A row for each member would be ten times slower to read, and twice as
//! large: its key is longer than what it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kept, Progress};
use crate::clock::Timestamp;
use crate::store::{KeyRow, LinkRow, MemberRow, OperationRow};
use crate::sync::link::{Link, LinkState, PathSums};
use crate::sync::object::{ObjectKey, ObjectType};
use crate::sync::structure::names;

/// The parts of the members of one path.
const SHARDS: u64 = 64;

/// A key as rows have it.
pub(in crate::sync) fn key_row(key: &ObjectKey) -> KeyRow {
    (key.kind.key().to_owned(), key.id.clone())
}

/// The part that a member belongs to: FNV-1a of its id, which is the same on every machine and in every version.
pub(in crate::sync) fn shard_of(member: &ObjectKey) -> i64 {
    let hash = member.id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    i64::try_from((hash ^ (hash >> 32)) % SHARDS).unwrap_or(0)
}

/// Members of a path as rows; `only` names the parts that are wanted, and a part without members is an empty row.
pub(in crate::sync) fn in_shards(
    key: &ObjectKey,
    path: &str,
    members: &BTreeSet<ObjectKey>,
    only: Option<&BTreeSet<i64>>,
) -> Vec<MemberRow> {
    let mut shards: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    if let Some(only) = only {
        shards.extend(only.iter().map(|shard| (*shard, Vec::new())));
    }
    for member in members {
        let shard = shard_of(member);
        if only.is_none_or(|only| only.contains(&shard)) {
            shards.entry(shard).or_default().push(member.to_string());
        }
    }
    let row = |(shard, members): (i64, Vec<String>)| MemberRow {
        key: key_row(key),
        path: path.to_owned(),
        shard,
        members: if members.is_empty() {
            String::new()
        } else {
            serde_json::Value::from(members).to_string()
        },
    };
    shards.into_iter().map(row).collect()
}

/// A link as a row; its members are rows of their own.
pub(in crate::sync) fn link_row(link: &Link) -> LinkRow {
    let (state, since_ms) = match link.state {
        LinkState::Active => ("active", 0),
        LinkState::Inactive => ("inactive", 0),
        LinkState::Leaving { since } => ("leaving", since.as_millisecond()),
    };
    LinkRow {
        key: key_row(&link.key),
        target_id: link.target_id.clone(),
        name: names::normal(&link.dn),
        dn: link.dn.clone(),
        state: state.to_owned(),
        since_ms,
        sums: link.sums.as_str().to_owned(),
    }
}

/// The link of a row and the rows of its members; the row's key when they cannot be read.
pub(super) fn link(row: LinkRow, members: Vec<MemberRow>) -> Result<Link, KeyRow> {
    let read = (ObjectType::parse(&row.key.0), state(&row), by_path(members), PathSums::parse(row.sums));
    let (Some(kind), Some(state), Some(members), Some(sums)) = read else { return Err(row.key) };
    let key = ObjectKey { kind, id: row.key.1 };
    Ok(Link { key, dn: row.dn, target_id: row.target_id, state, sums, members })
}

fn state(row: &LinkRow) -> Option<LinkState> {
    Some(match row.state.as_str() {
        "active" => LinkState::Active,
        "inactive" => LinkState::Inactive,
        "leaving" => LinkState::Leaving { since: Timestamp::from_millisecond(row.since_ms).ok()? },
        _ => return None,
    })
}

fn by_path(members: Vec<MemberRow>) -> Option<BTreeMap<String, BTreeSet<ObjectKey>>> {
    let mut by_path: BTreeMap<String, BTreeSet<ObjectKey>> = BTreeMap::new();
    for part in members {
        let names: Vec<String> = serde_json::from_str(&part.members).ok()?;
        let keys: Option<Vec<_>> = names.iter().map(|name| key(name)).collect();
        by_path.entry(part.path).or_default().extend(keys?);
    }
    Some(by_path)
}

/// The key that [`ObjectKey`] displays so.
fn key(name: &str) -> Option<ObjectKey> {
    let (kind, id) = name.split_once('/')?;
    Some(ObjectKey { kind: ObjectType::parse(kind)?, id: id.to_owned() })
}

/// An operation of a row.
pub(super) fn kept(row: OperationRow) -> Option<Kept> {
    let count = |number| u32::try_from(number).unwrap_or(0);
    let code = u16::try_from(row.mark.error_code).ok()?;
    Some(Kept {
        run: row.run,
        seq: row.seq,
        operation: serde_json::from_str(&row.body).ok()?,
        progress: progress(&row.mark.state)?,
        attempts: count(row.mark.attempts),
        rounds: count(row.mark.rounds),
        next_try: Timestamp::from_millisecond(row.mark.next_try_ms).ok()?,
        fault: (code > 0).then_some((code, row.mark.error)),
    })
}

fn progress(word: &str) -> Option<Progress> {
    Some(match word {
        "waiting" => Progress::Waiting,
        "sent" => Progress::Sent,
        "done" => Progress::Done,
        "failed" => Progress::Failed,
        "held" => Progress::Held,
        "dropped" => Progress::Dropped,
        _ => return None,
    })
}
