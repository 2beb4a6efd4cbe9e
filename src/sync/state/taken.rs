//! How much was taken away at a target, and when; and how much will be without being planned anew.

use std::collections::{BTreeMap, BTreeSet};

use super::begin::{TYPES, of_phase, place};
use super::{State, StateError};
use crate::clock::Timestamp;
use crate::sync::object::{ObjectKey, ObjectType};
use crate::sync::operation::Action;

impl State {
    /// Whom deactivations and deletions of the runs after one are for that were released and are not done: they are when
    /// the target takes them.
    pub(in crate::sync) async fn taking_away(
        &self,
        after: i64,
    ) -> Result<BTreeSet<(Action, ObjectKey)>, StateError> {
        let mut found = BTreeSet::new();
        for row in self.index().await? {
            let (action, _) = of_phase(row.phase);
            if action >= Action::Deactivate && row.run > after && row.mark.state != "held" {
                found.insert((action, self.key(row.key)?));
            }
        }
        Ok(found)
    }

    /// How many were deactivated and deleted since a moment, by type, without those of a run.
    pub(in crate::sync) async fn taken_away(
        &self,
        since: Timestamp,
        without: Option<i64>,
    ) -> Result<BTreeMap<ObjectType, [u64; 2]>, StateError> {
        let from = place(Action::Deactivate) * TYPES;
        let without = without.unwrap_or(-1);
        let rows = self.store.done(&self.target, since.as_millisecond(), (without, from)).await?;
        let mut found: BTreeMap<ObjectType, [u64; 2]> = BTreeMap::new();
        for (phase, count) in rows {
            let (action, kind) = of_phase(phase);
            let [deactivated, deleted] = found.entry(kind).or_default();
            let counter = if action == Action::Delete { deleted } else { deactivated };
            *counter += u64::try_from(count).unwrap_or(0);
        }
        Ok(found)
    }
}
