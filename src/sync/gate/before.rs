//! What earlier runs decided about what takes something away: what they held back waits until somebody allows it, though
//! it would pass by now, and what they released goes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::sync::object::ObjectKey;
use crate::sync::operation::{Action, Change, Operation};
use crate::sync::plan::Plan;
use crate::sync::state::{State, StateError, of_phase};
use crate::sync::vanished;

/// What is open of runs before.
#[derive(Debug, Default)]
pub struct Before {
    /// Whose deactivation or deletion is held back.
    pub(super) held: BTreeSet<ObjectKey>,
    /// Who is held back from leaving which group.
    pub(super) staying: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    /// Whose deactivation or deletion was released and is not done yet.
    pub(super) released: BTreeSet<ObjectKey>,
}

impl Before {
    /// Reads it, for a plan. What would only be noted of those who are held back becomes an operation that can wait.
    pub(in crate::sync) async fn of(state: &State, plan: &mut Plan) -> Result<Self, StateError> {
        let mut before = Self::default();
        let takes = |operation: &Operation| {
            operation.action >= Action::Deactivate || super::leaving(operation).next().is_some()
        };
        if !plan.operations.iter().any(takes) && !plan.notes.iter().any(vanished::is_leaving) {
            return Ok(before);
        }
        let mut groups: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in state.index().await? {
            let (action, kind) = of_phase(row.phase);
            let key = || ObjectKey::new(kind, row.key.1.clone());
            match (action, row.mark.state == "held") {
                (Action::Deactivate | Action::Delete, true) => before.held.extend([key()]),
                (Action::Deactivate | Action::Delete, false) => before.released.extend([key()]),
                (Action::Relate, true) => groups.entry(row.run).or_default().push(row.seq),
                _ => {}
            }
        }
        for (run, seqs) in groups {
            for kept in state.operations_at(run, &seqs).await? {
                before.stay(kept.operation);
            }
        }
        let links = state.links_of(&before.held.iter().cloned().collect::<Vec<_>>()).await?;
        vanished::make_wait(plan, &links.into_iter().map(|link| (link.key.clone(), link)).collect());
        Ok(before)
    }

    fn stay(&mut self, operation: Operation) {
        for change in operation.changes {
            if let Change::Leave { members, .. } = change {
                self.staying.entry(operation.key.clone()).or_default().extend(members);
            }
        }
    }

    /// Whether somebody's going is held back.
    pub(super) fn holds(&self, key: &ObjectKey) -> bool {
        self.held.contains(key)
    }

    /// Whether somebody is held back from leaving a group.
    pub(super) fn keeps(&self, group: &ObjectKey, member: &ObjectKey) -> bool {
        self.staying.get(group).is_some_and(|staying| staying.contains(member))
    }

    /// Whether somebody's going was released: it is no other one now.
    pub(super) fn released(&self, key: &ObjectKey) -> bool {
        self.released.contains(key) && !self.held.contains(key)
    }
}
