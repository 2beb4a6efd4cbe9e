//! What is to be done, in its order: a light index of all open operations, of which some at a time are loaded with what
//! they need.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::task::{Known, Task, named};
use crate::store::OperationRow;
use crate::sync::object::{ObjectKey, ObjectType};
use crate::sync::operation::Action;
use crate::sync::state::{State, StateError, of_phase};

/// An operation that is not loaded yet.
#[derive(Debug)]
struct Entry {
    phase: i64,
    run: i64,
    seq: i64,
    sent: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Feed {
    entries: VecDeque<Entry>,
    /// Objects that are not at the target yet and will be.
    pub(super) coming: HashSet<ObjectKey>,
    /// Objects that are there, as far as somebody asked.
    pub(super) known: Known,
}

impl Feed {
    /// All that is open and due.
    pub(super) async fn new(state: &State, only: Option<i64>) -> Result<Self, StateError> {
        let now_ms = state.now_ms();
        let due = |row: &OperationRow| match row.mark.state.as_str() {
            "waiting" | "sent" => true,
            "failed" => row.mark.next_try_ms <= now_ms,
            _ => false,
        };
        let mut rows = state.index().await?;
        rows.retain(|row| due(row) && only.is_none_or(|run| run == row.run));
        rows.sort_by_key(|row| (row.phase, row.run, row.seq));
        let mut coming = HashSet::new();
        let mut entries = VecDeque::with_capacity(rows.len());
        for row in rows {
            let (run, seq, phase, sent) = (row.run, row.seq, row.phase, row.mark.state == "sent");
            if makes(phase) {
                coming.insert(state.key(row.key)?);
            }
            entries.push_back(Entry { phase, run, seq, sent });
        }
        Ok(Self { entries, coming, known: HashMap::new() })
    }

    /// The turn of the next operation.
    pub(super) fn turn(&self) -> Option<i64> {
        self.entries.front().map(|entry| entry.phase)
    }

    /// How many are left.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Loads at most so many, all of one turn and one run, with their links and those of the objects that they name.
    pub(super) async fn load(&mut self, state: &State, most: usize) -> Result<Vec<Task>, StateError> {
        let Some((phase, run)) = self.entries.front().map(|entry| (entry.phase, entry.run)) else {
            return Ok(Vec::new());
        };
        let same =
            self.entries.iter().take(most).take_while(|entry| (entry.phase, entry.run) == (phase, run));
        let length = same.count();
        let sent: BTreeMap<i64, bool> =
            self.entries.drain(..length).map(|entry| (entry.seq, entry.sent)).collect();
        let seqs: Vec<i64> = sent.keys().copied().collect();
        let mut kept = state.operations_at(run, &seqs).await?;
        kept.sort_by_key(|kept| kept.seq);
        let keys: Vec<_> = kept.iter().map(|kept| kept.operation.key.clone()).collect();
        let creates = of_phase(phase).0 == Action::Create;
        let before = if creates { Vec::new() } else { state.links_of(&keys).await? };
        let mut before: HashMap<_, _> = before.into_iter().map(|link| (link.key.clone(), link)).collect();
        self.known.extend(before.values().map(|link| (link.key.clone(), Arc::from(link.target_id.as_str()))));
        let named = kept.iter().flat_map(|kept| named(&kept.operation));
        let unknown: HashSet<_> = named.filter(|key| !self.known.contains_key(*key)).cloned().collect();
        let unknown: Vec<_> = unknown.into_iter().collect();
        let found = state.ids_of(&unknown).await?.into_iter();
        self.known.extend(found.map(|(key, id)| (key, Arc::from(id))));
        let sent_before = |seq| sent.get(&seq).copied().unwrap_or(false);
        let task = |kept: crate::sync::state::Kept| Task {
            run,
            seq: kept.seq,
            before: before.remove(&kept.operation.key),
            // What failed before was sent, too; an answer that was lost may have been the last one.
            look_up: creates && (sent_before(kept.seq) || kept.rounds > 0),
            operation: kept.operation,
            attempts: 0,
            rounds: kept.rounds,
            forced: false,
            missing: Vec::new(),
            sent: Instant::now(),
        };
        Ok(kept.into_iter().map(task).collect())
    }
}

/// Whether the operations of a turn go one after the other: an organisation is in another one, and nothing but their
/// order says in which.
pub(super) fn is_serial(phase: i64) -> bool {
    matches!(of_phase(phase), (Action::Create | Action::Delete, ObjectType::Organization))
}

/// Whether objects come to be at the target in a turn.
pub(super) fn makes(phase: i64) -> bool {
    matches!(of_phase(phase).0, Action::Adopt | Action::Create)
}
