//! What is to be done, in its order: a light index of all open operations, of which some at a time are loaded with what
//! they need.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::Early;
use super::task::{Known, Task, named};
use crate::store::OperationRow;
use crate::sync::link::Link;
use crate::sync::object::{ObjectKey, ObjectType};
use crate::sync::operation::Action;
use crate::sync::state::{Kept, State, StateError, key_row, of_phase};

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
    /// All that is open and due, and what failed and is to be tried before its time.
    pub(super) async fn new(state: &State, only: Option<i64>, early: &Early) -> Result<Self, StateError> {
        let now_ms = state.now_ms();
        let (whose, before_ms) = match early {
            Early::Nothing => (Some(HashSet::new()), i64::MIN),
            Early::All(before) => (None, before.as_millisecond()),
            Early::Of(keys, before) => (Some(keys.iter().map(key_row).collect()), before.as_millisecond()),
        };
        let is_early = |row: &OperationRow| {
            row.mark.at_ms < before_ms && whose.as_ref().is_none_or(|whose| whose.contains(&row.key))
        };
        let due = |row: &OperationRow| match row.mark.state.as_str() {
            "waiting" | "sent" => true,
            "failed" => row.mark.next_try_ms <= now_ms || is_early(row),
            _ => false,
        };
        let mut rows = state.index().await?;
        let alone = whose.as_ref().filter(|_| matches!(early, Early::Of(..)));
        rows.retain(|row| {
            due(row)
                && only.is_none_or(|run| run == row.run)
                && alone.is_none_or(|whose| whose.contains(&row.key))
        });
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

    /// Takes out at most so many, all of one turn and one run.
    pub(super) fn next(&mut self, most: usize) -> Option<Batch> {
        let (phase, run) = self.entries.front().map(|entry| (entry.phase, entry.run))?;
        let same =
            self.entries.iter().take(most).take_while(|entry| (entry.phase, entry.run) == (phase, run));
        let length = same.count();
        let sent = self.entries.drain(..length).map(|entry| (entry.seq, entry.sent)).collect();
        Some(Batch { phase, run, sent })
    }

    /// The objects that they name and nobody asked for yet.
    pub(super) fn unknown(&self, loaded: &Loaded) -> Vec<ObjectKey> {
        let named = loaded.kept.iter().flat_map(|kept| named(&kept.operation));
        let own = loaded.before.iter().map(|link| &link.key).collect::<HashSet<_>>();
        let unknown = named.filter(|key| !self.known.contains_key(*key) && !own.contains(key));
        unknown.cloned().collect::<HashSet<_>>().into_iter().collect()
    }

    /// What was loaded, as it is sent.
    pub(super) fn take(&mut self, loaded: Loaded) -> Vec<Task> {
        let Loaded { batch, kept, before, ids } = loaded;
        self.known.extend(before.iter().map(|link| (link.key.clone(), Arc::from(link.target_id.as_str()))));
        self.known.extend(ids.into_iter().flatten().map(|(key, id)| (key, Arc::from(id))));
        let mut before: HashMap<_, _> = before.into_iter().map(|link| (link.key.clone(), link)).collect();
        let sent_before = |seq| batch.sent.get(&seq).copied().unwrap_or(false);
        let task = |kept: Kept| Task {
            run: batch.run,
            seq: kept.seq,
            before: before.remove(&kept.operation.key),
            // What failed before was sent, too; an answer that was lost may have been the last one.
            look_up: batch.creates() && (sent_before(kept.seq) || kept.rounds > 0),
            operation: kept.operation,
            attempts: 0,
            is_agreed: false,
            rounds: kept.rounds,
            forced: false,
            missing: Vec::new(),
            refused: None,
            sent: Instant::now(),
            hashes: (None, None),
        };
        kept.into_iter().map(task).collect()
    }
}

/// Some operations that are to be loaded.
#[derive(Debug)]
pub(super) struct Batch {
    phase: i64,
    run: i64,
    /// Whether it was sent before, by place.
    sent: BTreeMap<i64, bool>,
}

/// Operations with their links.
#[derive(Debug)]
pub(super) struct Loaded {
    batch: Batch,
    kept: Vec<Kept>,
    before: Vec<Link>,
    /// The target's ids of those whom they name; none before somebody asked.
    ids: Option<Vec<(ObjectKey, String)>>,
}

impl Batch {
    fn creates(&self) -> bool {
        of_phase(self.phase).0 == Action::Create
    }

    pub(super) async fn load(self, state: &State) -> Result<Loaded, StateError> {
        let seqs: Vec<i64> = self.sent.keys().copied().collect();
        let mut kept = state.operations_at(self.run, &seqs).await?;
        kept.sort_by_key(|kept| kept.seq);
        let keys: Vec<_> = kept.iter().map(|kept| kept.operation.key.clone()).collect();
        let before = if self.creates() { Vec::new() } else { state.links_of(&keys).await? };
        Ok(Loaded { batch: self, kept, before, ids: None })
    }
}

impl Loaded {
    /// Whether it was asked for those whom they name.
    pub(super) fn is_complete(&self) -> bool {
        self.ids.is_some()
    }

    /// Asks for these.
    pub(super) async fn named(self, state: &State, unknown: &[ObjectKey]) -> Result<Self, StateError> {
        Ok(Self { ids: Some(state.ids_of(unknown).await?), ..self })
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
