//! What earlier runs hold back still when a plan is carried out: what it wants is its own, and what it does not want, though
//! it is about that object, is dropped.

use std::collections::{BTreeMap, HashSet};

use super::gate::Gated;
use super::object::ObjectKey;
use super::prepare::Prepared;
use super::state::{State, StateError};

/// How much, by run.
pub(super) async fn held_still(
    state: &State,
    (prepared, gated): (&Prepared, &Gated),
) -> Result<BTreeMap<i64, usize>, StateError> {
    let mut found = BTreeMap::new();
    // A plan of all takes the place of everything that is open.
    if prepared.mode == "full" {
        return Ok(found);
    }
    let planned: HashSet<&ObjectKey> =
        gated.released.iter().chain(&gated.held).map(|operation| &operation.key).collect();
    for row in state.index().await? {
        if row.mark.state == "held" {
            let (run, key) = (row.run, state.key(row.key)?);
            if !planned.contains(&key) && !prepared.told.contains(&key) {
                *found.entry(run).or_default() += 1;
            }
        }
    }
    Ok(found)
}
