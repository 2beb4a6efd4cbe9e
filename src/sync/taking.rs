//! How much is taken away beside a plan: what was within a day before, and what earlier runs released and the target did
//! not take yet. All of that would be gone at once when the target takes it, past the gate.

use std::collections::{BTreeMap, HashSet};

use super::gate::earlier;
use super::object::ObjectKey;
use super::operation::Action;
use super::plan::Plan;
use super::prepare::Prepared;
use super::state::{State, StateError};

/// Under this name the gate keeps what was last allowed, beside the structure.
const ALLOWED: &str = "allowed";

/// Writes into a plan that takes something away how much is taken away beside it.
pub(super) async fn note(state: &State, prepared: &mut Prepared) -> Result<(), StateError> {
    earlier::note(state, &mut prepared.plan).await?;
    let Prepared { plan, told, mode, .. } = prepared;
    // What everything was read for takes the place of all that is open.
    if *mode == "full" || plan.operations.iter().all(|operation| operation.action < Action::Deactivate) {
        return Ok(());
    }
    let after = last_allowed(&state.structure().await?);
    let taking = state.taking_away(after).await?;
    add(plan, taking.iter().filter(|(_, key)| !told.contains(key)));
    Ok(())
}

/// But for those whom the plan is about: what is open for them gives way to it.
fn add<'a>(plan: &mut Plan, taking: impl Iterator<Item = &'a (Action, ObjectKey)>) {
    let planned: HashSet<&ObjectKey> = plan.operations.iter().map(|operation| &operation.key).collect();
    for (action, key) in taking.filter(|(_, key)| !planned.contains(key)) {
        let [deactivated, deleted] = plan.earlier.entry(key.kind).or_default();
        *(if *action == Action::Delete { deleted } else { deactivated }) += 1;
    }
}

/// The run that was last allowed: what was planned until then was looked at.
fn last_allowed(kept: &BTreeMap<String, String>) -> i64 {
    let allowed = kept.get(ALLOWED).and_then(|body| serde_json::from_str::<serde_json::Value>(body).ok());
    allowed.and_then(|allowed| allowed.get("run")?.as_i64()).unwrap_or(0)
}
