//! How much was taken away at a target, and when.

use std::collections::BTreeMap;

use super::begin::{TYPES, of_phase, place};
use super::{State, StateError};
use crate::clock::Timestamp;
use crate::sync::object::ObjectType;
use crate::sync::operation::Action;

impl State {
    /// How many deactivations and deletions were done since a moment, by type, without those of a run.
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
