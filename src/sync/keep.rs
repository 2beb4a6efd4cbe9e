//! What a creation alone sends (`when = "creation"`) is the target's own afterwards. A change replaces an attribute as a
//! whole, since services differ in what they make of its parts; so whatever the target has there by now is sent along.
//!
//! Where the target is listed the planner knows it. Where it is not, the planner sends what the creation did, and here the
//! target is asked for the object instead: one question for each of the few whose rules share an attribute so.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;

use super::engine::Synchronisation;
use super::error::SyncError;
use super::found::NotAsked;
use super::mapping::Mapping;
use super::object::{ObjectKey, ObjectType};
use super::operation::{Action, Change, Operation};
use super::plan::Plan;
use super::target::FaultKind;
use crate::scim;

impl Synchronisation {
    /// Puts the target's own values in the place of those of the creation. Where the object cannot be read now, the
    /// attributes that have such values are left to the next run: gives whom that is about.
    pub(super) async fn keep_own(
        &self,
        plan: &mut Plan,
        mappings: &BTreeMap<ObjectType, Mapping>,
    ) -> Result<Vec<(ObjectKey, NotAsked)>, SyncError> {
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
        let mut answers = futures_util::stream::iter(reads).buffer_unordered(questions.at_once());
        let mut unread = Vec::new();
        while let Some((place, answer)) = answers.next().await {
            let Some(operation) = plan.operations.get_mut(place) else { continue };
            let own = own.get(&operation.key.kind).map_or(&[][..], Vec::as_slice);
            match answer {
                Ok(Some(object)) => operation.changes.retain_mut(|change| match change {
                    Change::Set { path, value } if own.contains(&path.as_str()) => {
                        let held = target.value(&object, path).filter(|held| !held.is_null());
                        held.map(|held| *value = held).is_some()
                    }
                    _ => true,
                }),
                Ok(None) => {}
                Err(fault) if fault.kind == FaultKind::Unauthorized => {
                    return Err(SyncError::listing(self.target(), fault));
                }
                Err(fault) => {
                    leave(operation, own);
                    unread.push((operation.key.clone(), NotAsked { dn: operation.dn.clone(), fault }));
                }
            }
        }
        plan.operations.retain(|one| one.action != Action::Modify || !one.changes.is_empty());
        Ok(unread)
    }

    /// The paths that only a creation fills, and that the target shows.
    fn own_paths<'m>(&self, kind: ObjectType, mapping: &'m Mapping) -> Vec<&'m str> {
        let preset = self.options().preset.types.get(&kind);
        let is_shown =
            |path: &&str| preset.is_none_or(|preset| preset.write_only.iter().all(|one| one != path));
        mapping.at_creation().filter(is_shown).collect()
    }
}

/// Takes out what is written together with such paths: it would take away what the target has there.
fn leave(operation: &mut Operation, own: &[&str]) {
    let path = |change: &Change| match change {
        Change::Set { path, .. } | Change::Clear { path } | Change::Random { path } => Some(path.clone()),
        Change::Refer { .. } | Change::Join { .. } | Change::Leave { .. } => None,
    };
    let shared: BTreeSet<String> = operation
        .changes
        .iter()
        .filter_map(path)
        .filter(|path| own.contains(&path.as_str()))
        .map(|path| scim::patch::group(&path).to_owned())
        .collect();
    operation
        .changes
        .retain(|change| path(change).is_none_or(|path| !shared.contains(scim::patch::group(&path))));
}

/// Whether a change of somebody who is linked has such a path.
fn shares(operation: &Operation, own: &[&str]) -> bool {
    let is_own = |change: &Change| matches!(change, Change::Set { path, .. } if own.contains(&path.as_str()));
    let changes = matches!(operation.action, Action::Modify | Action::Activate);
    changes && operation.changes.iter().any(is_own)
}
