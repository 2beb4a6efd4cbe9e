//! What the list of all that a target has says beside the links: what is lost there, and what it alone has.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::Synchronisation;
use super::error::SyncError;
use super::found::Inventory;
use super::object::ObjectType;
use super::plan::{Planner, Shown};
use crate::scim;

impl Synchronisation {
    /// What is linked and no longer listed is made anew, but a target that lost very much is not refilled blindly.
    pub(super) fn note_losses(
        &self,
        planner: &mut Planner,
        lists: &BTreeMap<ObjectType, Inventory>,
        refill: bool,
    ) -> Result<(), SyncError> {
        for (kind, list) in lists {
            let linked = planner.linked().filter(|(key, _)| key.kind == *kind);
            let (gone, held): (Vec<_>, Vec<_>) = linked
                .map(|(key, id)| (key.clone(), list.shown.contains_key(id)))
                .partition(|(_, is_there)| !is_there);
            let all = gone.len() + held.len();
            let limits = self.options().gate.types.get(kind).copied().unwrap_or_default();
            if !refill && gone.len() as u64 > limits.delete.most(all as u64) {
                return Err(SyncError::Forgetful { kind: *kind, gone: gone.len(), linked: all });
            }
            for (key, _) in gone {
                planner.lost(&key);
            }
        }
        Ok(())
    }
}

/// Tells of those that the target alone has.
pub(super) fn note_orphans(
    planner: &mut Planner,
    lists: &BTreeMap<ObjectType, Inventory>,
    active: &BTreeMap<ObjectType, String>,
    unclear: &BTreeSet<ObjectType>,
) {
    let adopted: BTreeSet<String> = planner.adopted().map(str::to_owned).collect();
    for (kind, list) in lists {
        // One of these may be somebody who is in the source, and could not be matched.
        if unclear.contains(kind) || planner.is_unclear(*kind) {
            continue;
        }
        let path = active.get(kind);
        for (id, shown) in &list.shown {
            if adopted.contains(id) || planner.holder(*kind, id).is_some() {
                continue;
            }
            let is_active =
                path.and_then(|path| shown.get(path)).is_none_or(|value| scim::boolean(value) == Some(true));
            let name = shown.values().find_map(|value| value.as_str()).unwrap_or(id);
            planner.orphan(*kind, id, name, is_active);
        }
    }
}

/// What the target shows of those who are linked; the rest stays, for those who are still to be matched.
pub(super) fn take_linked(
    list: &mut Inventory,
    kind: ObjectType,
    planner: &Planner,
) -> BTreeMap<String, Shown> {
    let ids: BTreeSet<&str> =
        planner.linked().filter(|(key, _)| key.kind == kind).map(|(_, id)| id).collect();
    let (linked, rest) =
        std::mem::take(&mut list.shown).into_iter().partition(|(id, _)| ids.contains(id.as_str()));
    list.shown = rest;
    linked
}
