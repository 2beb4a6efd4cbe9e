//! [`Unmade`]: who is not at the target since a creation failed, so that whatever names them can say why.

use std::collections::HashMap;

use super::send::NO_SUCH_OBJECT;
use super::task::Task;
use crate::sync::object::ObjectKey;
use crate::sync::operation::Action;
use crate::sync::state::{Progress, State, StateError};
use crate::sync::target::{FaultKind, TargetFault};
use crate::sync::words::NOT_THERE;

/// So many of the newest operations of an object are looked at for the one that was to make it.
const RECENT: usize = 4;

/// Creations that failed, as far as somebody asked: the DN at the source, and why.
#[derive(Debug, Default)]
pub(super) struct Unmade(HashMap<ObjectKey, Option<(String, String)>>);

impl Unmade {
    /// Why one is not there: of this run, or of an earlier one. There may be very many, of which nobody asks.
    async fn why(&mut self, state: &State, key: &ObjectKey) -> Result<Option<&(String, String)>, StateError> {
        if !self.0.contains_key(key) {
            let newest = state.history(key, RECENT).await?.into_iter();
            let creation = newest
                .filter(|kept| kept.operation.action == Action::Create)
                .find(|kept| kept.progress == Progress::Failed);
            let told = creation.map(|kept| {
                let why = kept.fault.map_or_else(String::new, |(_, detail)| detail);
                (kept.operation.dn, why)
            });
            self.0.insert(key.clone(), told);
        }
        Ok(self.0.get(key).and_then(Option::as_ref))
    }

    /// An operation failed.
    pub(super) fn note(&mut self, task: &Task, fault: &TargetFault) {
        if task.creates() {
            let told = (task.operation.dn.clone(), fault.detail.clone());
            self.0.insert(task.operation.key.clone(), Some(told));
        }
    }

    /// What is said of an operation that needs objects which are not at the target.
    pub(super) async fn fault(
        &mut self,
        state: &State,
        missing: &[ObjectKey],
    ) -> Result<TargetFault, StateError> {
        let first = match missing.first() {
            None => String::new(),
            Some(key) => match self.why(state, key).await? {
                Some((dn, why)) => format!("{dn} (making it failed: {why})"),
                None => format!("{key} (it was not made yet, is held back, or was removed there)"),
            },
        };
        let more = missing.len().saturating_sub(1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let detail = format!("{NOT_THERE}{first}{more}");
        Ok(TargetFault { kind: FaultKind::NotFound, code: NO_SUCH_OBJECT, detail, retry_after: None })
    }
}
