//! What had no counterpart: it is made, or what was found is taken over.

use std::collections::HashMap;

use super::conflicts::Claim;
use super::differences::{Carried, Shown, creation, differences};
use super::holders::numbered_with;
use super::outcome::{Note, SkipCause, Skipped, Warning};
use super::policy::Deactivation;
use super::{Planner, is_true};
use crate::sync::link::LinkState;
use crate::sync::matching::NAMED;
use crate::sync::object::{Desired, ObjectKey, ObjectType};
use crate::sync::operation::{Action, Afterwards, Change, Operation};

/// Somebody found at the target; two objects of the source may have found the same.
#[derive(Debug)]
pub(super) struct Adoption {
    pub(super) desired: Desired,
    pub(super) target_id: String,
    pub(super) shown: Option<Shown>,
}

impl Planner {
    pub(super) fn create(&mut self, desired: Desired) {
        self.created.insert(desired.key.clone(), None);
        self.relate(&desired, &[]);
        let kind = desired.key.kind;
        let operation = creation(desired, self.rules(kind));
        self.plan.operations.push(operation);
    }

    /// Takes over what was found, unless two found the same.
    pub(super) fn adopt_all(&mut self) {
        let mut claims: HashMap<(ObjectType, String), Vec<ObjectKey>> = HashMap::new();
        for (key, adoption) in &self.adopted {
            let id = (numbered_with(key.kind), adoption.target_id.clone());
            claims.entry(id).or_default().push(key.clone());
        }
        let mut claimants = HashMap::new();
        for (id, (key, claim)) in std::mem::take(&mut self.contested) {
            let Some(keys) = claims.get_mut(&id).filter(|keys| !keys.contains(&key)) else { continue };
            keys.push(key.clone());
            claimants.insert(key, claim);
        }
        claims.retain(|_, keys| keys.len() > 1);
        let adopted = claims.values().flatten().filter_map(|key| self.adopted.get(key));
        claimants.extend(adopted.map(|one| (one.desired.key.clone(), Claim::of(&one.desired))));
        for (key, adoption) in std::mem::take(&mut self.adopted) {
            let twice = claims.get(&(numbered_with(key.kind), adoption.target_id.clone()));
            match (twice, self.holders.find(key.kind, &adoption.target_id).cloned()) {
                (None, None) if !adoption.desired.active => self.stop(&adoption),
                (None, None) => self.adopt(&adoption),
                (_, Some(holder)) => self.conflict(key, adoption, (&[holder], 0, false), &claimants),
                (Some(claims), None) => {
                    let others = claims.iter().filter(|other| **other != key).take(NAMED);
                    let others: Vec<ObjectKey> = others.cloned().collect();
                    let more = claims.len() - 1 - others.len();
                    self.conflict(key, adoption, (&others, more, true), &claimants);
                }
            }
        }
    }

    /// The account of somebody who may not use it any more, and who was never carried.
    fn stop(&mut self, adoption: &Adoption) {
        let (key, dn) = (&adoption.desired.key, &adoption.desired.dn);
        let rules = self.rules(key.kind);
        let Some(path) = rules.active.clone() else { return };
        let deletes = rules.deactivation == Deactivation::DeactivationDeletes;
        let shown = adoption.shown.as_ref().and_then(|shown| shown.get(&path));
        if shown.is_some_and(|now| !is_true(now)) {
            return;
        }
        self.holders.put(&adoption.target_id, key);
        if !deletes {
            // Others may name whoever stays.
            self.created.insert(key.clone(), Some(adoption.target_id.clone()));
        }
        self.push(Action::Adopt, &adoption.desired, Some(adoption.target_id.clone()), Vec::new());
        let state = (!deletes).then_some(LinkState::Inactive);
        self.plan.notes.push(Note { state, forget: deletes, ..Note::new(key, Some(Action::Deactivate)) });
        self.plan.operations.push(Operation {
            action: Action::Deactivate,
            key: key.clone(),
            dn: dn.clone(),
            target_id: Some(adoption.target_id.clone()),
            changes: vec![Change::Set { path, value: false.into() }],
            match_by: Vec::new(),
            afterwards: Afterwards::default(),
        });
    }

    fn adopt(&mut self, adoption: &Adoption) {
        let (desired, shown) = (&adoption.desired, adoption.shown.as_ref());
        let rules = self.rules(desired.key.kind);
        let carried = Carried { ledger: &self.ledger, known: None };
        let mut found = differences(desired, carried, shown, &self.policy, rules);
        let usable = |path: &String| shown.and_then(|shown| shown.get(path)).is_some_and(is_true);
        if let Some(path) = rules.active.clone().filter(|path| !usable(path)) {
            found.changes.insert(0, Change::Set { path, value: true.into() });
        }
        if !found.immutable.is_empty() {
            let (key, dn, paths) = (desired.key.clone(), desired.dn.clone(), found.immutable);
            self.plan.warnings.push(Warning::Immutable {
                dn: dn.clone(),
                paths: paths.clone(),
                recreated: false,
            });
            self.plan.skipped.push(Skipped { key, dn, cause: SkipCause::Immutable(paths) });
        }
        if !found.held.is_empty() {
            let note = Note::new(&desired.key, Some(Action::Adopt));
            self.plan.notes.push(Note { held: found.held, ..note });
        }
        self.holders.put(&adoption.target_id, &desired.key);
        self.created.insert(desired.key.clone(), Some(adoption.target_id.clone()));
        self.relate(desired, &[]);
        self.push(Action::Adopt, desired, Some(adoption.target_id.clone()), found.changes);
    }
}
