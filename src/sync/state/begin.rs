//! How a run begins: its operations, the cursors and the structure that they came from, in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{PAGE, State, StateError, in_shards, key_row, limit, link_row, shard_of};
use crate::clock::Timestamp;
use crate::directory::source::Cursor;
use crate::store::{CursorRow, KeyRow, Mark, OperationRow, RunRow, StructureRow, SyncWrite};
use crate::sync::link::{Link, LinkState};
use crate::sync::object::{ObjectKey, ObjectType};
use crate::sync::operation::{Action, Operation};

/// What a plan comes to.
#[derive(Debug, Default)]
pub struct Planned {
    /// `full`, `incremental` or another word.
    pub mode: String,
    /// Whether the plan is of all objects: what is open of earlier runs and not in it is not wanted any more.
    pub complete: bool,
    /// What is to be done, within one action and type in this order: parents before children, for deletions after them.
    pub operations: Vec<Operation>,
    /// What the gate holds back.
    pub held: Vec<Operation>,
    /// Links that are new without anything being sent, or of which something else changed than what was sent: a state, a
    /// DN, the sums of values that an adopted object has already. `members` are written where there are some.
    pub links: Vec<Link>,
    /// Objects that are known no more.
    pub unlinked: Vec<ObjectKey>,
    /// Links with fewer members than before, though nothing is sent, and who they are without now.
    pub without: Vec<(Link, Vec<ObjectKey>)>,
    /// Of whom it was told, beside what it comes to: what is open for them and not in it is not wanted any more.
    pub told: HashSet<ObjectKey>,
    /// How far sources were read: source, kind of question, cursor.
    pub cursors: Vec<(String, String, Cursor)>,
    /// What of the structure is as this now: a body by its name.
    pub structure: BTreeMap<String, String>,
}

/// How a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// The number of the run.
    pub run: i64,
    /// How many operations it has itself, with those that are held.
    pub queued: usize,
    /// How many it wanted that earlier runs have open already: they keep their attempts and their time.
    pub known: usize,
    /// How many of earlier runs are not wanted any more.
    pub dropped: usize,
}

impl State {
    /// Begins a run. An operation that an earlier run has open and that is the same stays as it is; other ones for the
    /// same object and action give way, but for a creation that was sent: its outcome is found out first.
    pub async fn begin(&self, mut planned: Planned) -> Result<Begun, StateError> {
        let runs = self.store.runs(&self.target, 1).await?;
        let run = runs.first().map_or(1, |row| row.run + 1);
        let now_ms = self.now_ms();
        let [operations, held] = [&mut planned.operations, &mut planned.held].map(std::mem::take);
        let mut rows = rows((run, now_ms), operations, held);
        let before = rows.len();
        let told: HashSet<KeyRow> = planned.told.iter().map(key_row).collect();
        let dropped = self.weigh(&mut rows, (planned.complete, &told)).await?;
        let begun = Begun {
            run,
            queued: rows.len(),
            known: before - rows.len(),
            dropped: dropped.values().map(Vec::len).sum(),
        };
        let row = RunRow {
            run,
            mode: planned.mode.clone(),
            started_ms: now_ms,
            ended_ms: 0,
            counts: "{}".to_owned(),
            result: String::new(),
            causes: "[]".to_owned(),
        };
        let mut writes = vec![SyncWrite::PutRun(row)];
        let mark = |(run, seqs)| SyncWrite::MarkAll { run, seqs, state: "dropped", at_ms: now_ms };
        writes.extend(dropped.into_iter().map(mark));
        writes.push(SyncWrite::AddOperations(rows));
        writes.extend(known(planned));
        self.write(writes).await?;
        Ok(begun)
    }

    /// The runs that hold these operations back: what was held before and is held still stays with the one that held it
    /// first.
    pub(in crate::sync) async fn holding(
        &self,
        operations: &[Operation],
    ) -> Result<BTreeSet<i64>, StateError> {
        if operations.is_empty() {
            return Ok(BTreeSet::new());
        }
        let keys: HashSet<KeyRow> = operations.iter().map(|operation| key_row(&operation.key)).collect();
        let open = self.index().await?.into_iter();
        let held = open.filter(|row| row.mark.state == "held" && keys.contains(&row.key));
        Ok(held.map(|row| row.run).collect())
    }

    /// Takes out of `rows` what is open already, and says what of earlier runs is dropped, by run.
    async fn weigh(
        &self,
        rows: &mut Vec<OperationRow>,
        (complete, told): (bool, &HashSet<KeyRow>),
    ) -> Result<BTreeMap<i64, Vec<i64>>, StateError> {
        // A part of a change may be held while the rest of it is not.
        let is_held = |row: &OperationRow| row.mark.state == "held";
        let wanted: HashMap<(&KeyRow, i64, bool), &OperationRow> =
            rows.iter().map(|row| ((&row.key, row.phase, is_held(row)), row)).collect();
        let wanted_keys: HashSet<&KeyRow> = rows.iter().map(|row| &row.key).collect();
        let mut dropped: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        let mut taken: HashSet<(KeyRow, i64, bool)> = HashSet::new();
        let mut after = (i64::MIN, 0);
        loop {
            let open = self.store.open_operations(&self.target, after, limit(PAGE)).await?;
            after = open.last().map_or(after, |row| (row.run, row.seq));
            for old in &open {
                // What was held and is free now is another one; what was released is not held again.
                let states = if is_held(old) { &[true][..] } else { &[false, true] };
                let is_found = |held: &&bool| {
                    let new = wanted.get(&(&old.key, old.phase, **held));
                    new.is_some_and(|new| new.body == old.body || is_alike(new, old))
                };
                if let Some(held) = states.iter().find(is_found) {
                    taken.insert((old.key.clone(), old.phase, *held));
                } else if old.mark.state == "sent" && old.phase / TYPES == place(Action::Create) {
                    taken.extend([true, false].map(|held| (old.key.clone(), old.phase, held)));
                } else if complete || wanted_keys.contains(&old.key) || told.contains(&old.key) {
                    dropped.entry(old.run).or_default().push(old.seq);
                }
            }
            if open.len() < PAGE {
                break;
            }
        }
        drop((wanted, wanted_keys));
        rows.retain(|row| !taken.contains(&(row.key.clone(), row.phase, is_held(row))));
        Ok(dropped)
    }
}

/// Whether two operations differ in nothing but the moment at which somebody was missed: that is another
/// one for each run that finds the same.
fn is_alike(one: &OperationRow, other: &OperationRow) -> bool {
    let read = |row: &OperationRow| {
        let mut operation: Operation = serde_json::from_str(&row.body).ok()?;
        if let Some(LinkState::Leaving { since }) = &mut operation.afterwards.state {
            *since = Timestamp::UNIX_EPOCH;
        }
        Some(operation)
    };
    read(one).is_some_and(|one| Some(one) == read(other))
}

/// What is known from now on, beside the operations.
fn known(planned: Planned) -> Vec<SyncWrite> {
    let mut writes = Vec::new();
    let members = planned.links.iter().flat_map(|link| {
        link.members.iter().flat_map(|(path, members)| in_shards(&link.key, path, members, None))
    });
    let fewer = planned.without.iter().flat_map(|(link, removed)| {
        let shards: BTreeSet<i64> = removed.iter().map(shard_of).collect();
        let paths = link.members.iter();
        paths.flat_map(move |(path, members)| in_shards(&link.key, path, members, Some(&shards)))
    });
    writes.push(SyncWrite::PutMembers(members.chain(fewer).collect()));
    writes.push(SyncWrite::PutLinks(planned.links.iter().map(link_row).collect()));
    writes.push(SyncWrite::DropLinks(planned.unlinked.iter().map(key_row).collect()));
    let cursor = |(source, query, cursor): (String, String, Cursor)| CursorRow {
        source,
        query,
        server: cursor.server,
        value: cursor.value,
    };
    writes.push(SyncWrite::PutCursors(planned.cursors.into_iter().map(cursor).collect()));
    let body = |(source_id, body)| StructureRow { source_id, body };
    writes.push(SyncWrite::PutStructure(planned.structure.into_iter().map(body).collect()));
    writes
}

/// The rows of a plan, in the order of their turns. Each operation is gone when its row is there: of many, both together
/// would be much.
fn rows((run, now_ms): (i64, i64), operations: Vec<Operation>, held: Vec<Operation>) -> Vec<OperationRow> {
    let waiting = operations.into_iter().map(|operation| (operation, "waiting"));
    let held = held.into_iter().map(|operation| (operation, "held"));
    let mut all: Vec<_> = waiting.chain(held).collect();
    all.sort_by_key(|(operation, _)| phase(operation));
    let row = |((operation, state), seq): ((Operation, &str), i64)| {
        // Maps have texts for keys, and numbers are numbers: nothing in an operation is no JSON.
        let mut body = serde_json::to_string(&operation).unwrap_or_default();
        body.shrink_to_fit();
        let mark = Mark { state: state.to_owned(), at_ms: now_ms, ..Mark::default() };
        OperationRow { run, seq, key: key_row(&operation.key), phase: phase(&operation), body, mark }
    };
    all.into_iter().zip(0..).map(row).collect()
}

/// More than there are types.
pub(super) const TYPES: i64 = 16;

/// The turn of an operation: by action, and within one by type; what goes, goes in the opposite order.
fn phase(operation: &Operation) -> i64 {
    let kind = ObjectType::ALL.iter().position(|kind| *kind == operation.key.kind);
    let kind = kind.and_then(|kind| i64::try_from(kind).ok()).unwrap_or(0);
    let downwards = matches!(operation.action, Action::Deactivate | Action::Delete);
    place(operation.action) * TYPES + if downwards { TYPES - 1 - kind } else { kind }
}

/// The order of [`Action`], as numbers that stay.
pub(super) fn place(action: Action) -> i64 {
    match action {
        Action::Adopt => 0,
        Action::Create => 1,
        Action::Modify => 2,
        Action::Activate => 3,
        Action::Relate => 4,
        Action::Deactivate => 5,
        Action::Delete => 6,
    }
}

/// The action and the type of a turn.
pub(in crate::sync) fn of_phase(phase: i64) -> (Action, ObjectType) {
    let actions =
        [Action::Adopt, Action::Create, Action::Modify, Action::Activate, Action::Relate, Action::Deactivate];
    let action = actions.into_iter().find(|action| place(*action) == phase / TYPES).unwrap_or(Action::Delete);
    let downwards = matches!(action, Action::Deactivate | Action::Delete);
    let kind = if downwards { TYPES - 1 - phase % TYPES } else { phase % TYPES };
    let kind = usize::try_from(kind).ok().and_then(|kind| ObjectType::ALL.get(kind).copied());
    (action, kind.unwrap_or(ObjectType::User))
}
