//! Who is to be made by an earlier run and is not at the target yet. In a run that does not read everybody they count as
//! members and managers, as all who are linked do: without them, what waits to relate them would be taken for not wanted.

use std::collections::BTreeMap;

use super::error::SyncError;
use super::linked::is_person;
use super::object::ObjectKey;
use super::operation::Action;
use super::reading::{Part, Reading};
use super::state::{State, StateError, of_phase};

/// Somebody, and the DN by which groups and others name them.
pub(super) type Coming = (ObjectKey, String);

impl State {
    /// The people whom an open operation makes or takes over, whether it waits, failed or is held back.
    pub(super) async fn coming(&self) -> Result<Vec<Coming>, StateError> {
        let mut places: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in self.index().await? {
            let (action, kind) = of_phase(row.phase);
            if matches!(action, Action::Adopt | Action::Create) && is_person(kind) {
                places.entry(row.run).or_default().push(row.seq);
            }
        }
        let mut found = Vec::new();
        for (run, seqs) in places {
            let kept = self.operations_at(run, &seqs).await?.into_iter();
            found.extend(kept.map(|kept| (kept.operation.key, kept.operation.dn)));
        }
        Ok(found)
    }
}

impl Reading<'_> {
    /// The end of a reading that is not of all. `few`: nobody but those of whom it told is touched.
    pub(super) async fn end(
        &mut self,
        (state, parts): (&State, &[Part]),
        few: bool,
    ) -> Result<(), SyncError> {
        self.expect(state.coming().await?);
        if few {
            self.finish_people();
        } else {
            self.take_primary(parts).await?;
            self.finish();
        }
        Ok(())
    }

    /// Counts these, but for whom it told of: of them the plan says what becomes.
    fn expect(&mut self, coming: Vec<Coming>) {
        for (key, dn) in coming {
            let is_known = self.told.contains(&key) || self.planner.target_id(&key).is_some();
            if !is_known && self.people.find(&dn).is_none() {
                self.people.put_name(key.clone(), &dn);
                self.planner.expect(key);
            }
        }
    }
}
