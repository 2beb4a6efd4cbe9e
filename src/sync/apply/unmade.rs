//! [`Unmade`]: who is not at the target since a creation failed, so that whatever names them can say why.

use std::collections::HashMap;

use super::send::NO_SUCH_OBJECT;
use super::task::Task;
use crate::sync::object::ObjectKey;
use crate::sync::operation::Action;
use crate::sync::state::{State, StateError};
use crate::sync::target::{FaultKind, TargetFault};
use crate::sync::words::NOT_THERE;

/// Creations that failed: the DN at the source, and why.
#[derive(Debug, Default)]
pub(super) struct Unmade(HashMap<ObjectKey, (String, String)>);

impl Unmade {
    /// Those of earlier runs.
    pub(super) async fn load(state: &State) -> Result<Self, StateError> {
        let failed = state.failed().await?.into_iter();
        let creations = failed.filter(|kept| kept.operation.action == Action::Create);
        let told = creations.map(|kept| {
            let why = kept.fault.map_or_else(String::new, |(_, detail)| detail);
            (kept.operation.key, (kept.operation.dn, why))
        });
        Ok(Self(told.collect()))
    }

    /// An operation failed.
    pub(super) fn note(&mut self, task: &Task, fault: &TargetFault) {
        if task.creates() {
            let told = (task.operation.dn.clone(), fault.detail.clone());
            self.0.insert(task.operation.key.clone(), told);
        }
    }

    /// What is said of an operation that needs objects which are not at the target.
    pub(super) fn fault(&self, missing: &[ObjectKey]) -> TargetFault {
        let first = missing.first().map_or_else(String::new, |key| match self.0.get(key) {
            Some((dn, why)) => format!("{dn} (making it failed: {why})"),
            None => format!("{key} (it was not made yet, is held back, or was removed there)"),
        });
        let more = missing.len().saturating_sub(1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let detail = format!("{NOT_THERE}{first}{more}");
        TargetFault { kind: FaultKind::NotFound, code: NO_SUCH_OBJECT, detail, retry_after: None }
    }
}
