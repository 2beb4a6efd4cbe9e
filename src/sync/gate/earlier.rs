//! What was taken away before, within a day: many small runs are together as much as a large one. What somebody allowed
//! is looked at, and counts no more, nor does what was before it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clock::{SignedDuration, Timestamp};
use crate::sync::object::ObjectKey;
use crate::sync::operation::Action;
use crate::sync::prepare::Prepared;
use crate::sync::state::{State, StateError};

/// How long what was taken away counts.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Under this name it is kept what was last allowed, beside the structure.
const SHELF: &str = "allowed";

/// What was last allowed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Allowed {
    run: i64,
    at: Timestamp,
}

/// Writes into a plan that takes something away how much was before it, and how much was released and is not done: all of
/// that would be gone at once when the target takes it.
pub(in crate::sync) async fn note(state: &State, prepared: &mut Prepared) -> Result<(), StateError> {
    let Prepared { plan, told, mode, .. } = prepared;
    let leaving = plan.operations.iter().filter(|operation| operation.action >= Action::Deactivate);
    let planned: HashSet<&ObjectKey> = leaving.map(|operation| &operation.key).collect();
    if planned.is_empty() {
        return Ok(());
    }
    let kept = state.structure().await?;
    let allowed: Option<Allowed> = kept.get(SHELF).and_then(|body| serde_json::from_str(body).ok());
    let day_ago = state.now().checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
    let since = allowed.map_or(day_ago, |allowed| allowed.at.max(day_ago));
    let mut earlier = state.taken_away(since, allowed.map(|allowed| allowed.run)).await?;
    for (action, key) in state.taking_away(allowed.map_or(0, |allowed| allowed.run)).await? {
        // What is planned again goes on; of whom else the plan is about, it is dropped.
        let is_dropped = *mode == "full" || told.contains(&key);
        if planned.contains(&key) || !is_dropped {
            let [deactivated, deleted] = earlier.entry(key.kind).or_default();
            *(if action == Action::Delete { deleted } else { deactivated }) += 1;
        }
    }
    plan.earlier = earlier;
    Ok(())
}

/// What a run holds back is allowed from now on.
pub(in crate::sync) async fn allow(state: &State, run: i64) -> Result<(), StateError> {
    let allowed = Allowed { run, at: state.now() };
    state.keep(SHELF, serde_json::to_string(&allowed).unwrap_or_default()).await
}
