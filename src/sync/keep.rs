//! What a creation alone sends (`when = "creation"`) is the target's own afterwards. A change replaces an attribute as a
//! whole, since services differ in what they make of its parts; so whatever the target has there by now is sent along.
//!
//! Where the target is listed the planner knows it. Where it is not, the planner sends what the creation did, and here the
//! target is asked for the object instead: one question for each of the few whose rules share an attribute so.

use std::collections::BTreeMap;

use futures_util::StreamExt;

use super::engine::Synchronisation;
use super::error::SyncError;
use super::mapping::Mapping;
use super::object::ObjectType;
use super::operation::{Action, Change, Operation};
use super::plan::Plan;
use super::target::{FaultKind, TargetFault, TargetObject};

/// An operation by its place, and what the target has of its object.
type Answer = (usize, Result<Option<TargetObject>, TargetFault>);

impl Synchronisation {
    /// Puts the target's own values in the place of those of the creation. An object that cannot be read now gets the latter.
    pub(super) async fn keep_own(
        &self,
        plan: &mut Plan,
        mappings: &BTreeMap<ObjectType, Mapping>,
    ) -> Result<(), SyncError> {
        let (target, questions) = (self.target(), self.questions());
        let own: BTreeMap<ObjectType, Vec<&str>> =
            mappings.iter().map(|(kind, mapping)| (*kind, self.own_paths(*kind, mapping))).collect();
        let asked = plan.operations.iter().enumerate().filter_map(|(place, one)| {
            let shares = own.get(&one.key.kind).is_some_and(|own| shares(one, own));
            Some((place, one.key.kind, one.target_id.clone().filter(|_| shares)?))
        });
        let asked: Vec<_> = asked.collect();
        let reads = asked.into_iter().map(|(place, kind, id)| async move {
            let id = id.as_str();
            (place, questions.ask(|| target.read(kind, id)).await)
        });
        let answers: Vec<Answer> =
            futures_util::stream::iter(reads).buffer_unordered(questions.at_once()).collect().await;
        for (place, answer) in answers {
            let object = match answer {
                Ok(Some(object)) => object,
                Err(fault) if fault.kind == FaultKind::Unauthorized => {
                    return Err(SyncError::listing(self.target(), fault));
                }
                Ok(None) | Err(_) => continue,
            };
            let Some(operation) = plan.operations.get_mut(place) else { continue };
            let own = own.get(&operation.key.kind).map_or(&[][..], Vec::as_slice);
            operation.changes.retain_mut(|change| match change {
                Change::Set { path, value } if own.contains(&path.as_str()) => {
                    let held = target.value(&object, path).filter(|held| !held.is_null());
                    held.map(|held| *value = held).is_some()
                }
                _ => true,
            });
        }
        Ok(())
    }

    /// The paths that only a creation fills, and that the target shows.
    fn own_paths<'m>(&self, kind: ObjectType, mapping: &'m Mapping) -> Vec<&'m str> {
        let preset = self.options().preset.types.get(&kind);
        let is_shown =
            |path: &&str| preset.is_none_or(|preset| preset.write_only.iter().all(|one| one != path));
        mapping.at_creation().filter(is_shown).collect()
    }
}

/// Whether a change of somebody who is linked has such a path.
fn shares(operation: &Operation, own: &[&str]) -> bool {
    let is_own = |change: &Change| matches!(change, Change::Set { path, .. } if own.contains(&path.as_str()));
    let changes = matches!(operation.action, Action::Modify | Action::Activate);
    changes && operation.changes.iter().any(is_own)
}
