//! The plan: what has to be done at a target so that it has what it should. It waits for nobody and asks nobody.
//!
//! A [`Planner`] takes the links, then what the source tells, object by object: [`Planner::offer`] (or
//! [`Planner::compare`], with what the target shows), [`Planner::out_of_scope`], [`Planner::gone`]. What has no link waits
//! in [`Planner::unmatched`] for [`Planner::matched`]. [`Planner::finish`] makes the [`Plan`]. An object that is as it was
//! leaves nothing behind in the planner.
//!
//! What is gone goes down a ladder (`ladder`): deactivated first, deleted after a time. Nobody leaves by a reading that
//! was not whole.

mod adopt;
mod conflicts;
mod differences;
mod digest;
mod file;
mod holders;
mod ladder;
mod ledger;
mod order;
mod outcome;
mod policy;
mod relations;
#[cfg(test)]
mod tests;
mod totals;

use std::collections::{BTreeMap, HashMap};

use super::link::{Link, LinkState};
use super::matching::{Decision, Report};
use super::object::{Desired, ObjectKey, ObjectType};
use super::operation::{Action, Afterwards, Change, Operation};
use crate::clock::Timestamp;
use crate::scim;

use adopt::Adoption;
use conflicts::Claim;
pub use differences::Shown;
use differences::{Carried, differences};
pub use digest::StateHash;
pub use file::{PlanFile, PlanFileError};
use holders::Holders;
use ladder::Down;
use ledger::Ledger;
pub use outcome::{Note, Plan, Reading, Readings, SkipCause, Skipped, Totals, Unmatched, Warning};
pub use policy::{Deactivation, ImmutableChange, Orphans, Policy, TypePolicy, reference_sum};
use relations::Relation;

/// Makes one plan for one target.
#[derive(Debug)]
pub struct Planner {
    policy: Policy,
    /// That of types without one of their own.
    plain: TypePolicy,
    now: Timestamp,
    ledger: Ledger,
    /// How many links there are beside those of the ledger.
    others: BTreeMap<ObjectType, u64>,
    /// Whose a target's id is, by link or by adoption.
    holders: Holders,
    unmatched: BTreeMap<ObjectKey, Desired>,
    adopted: BTreeMap<ObjectKey, Adoption>,
    /// What somebody wants, too, of whom nothing is told now.
    contested: HashMap<(ObjectType, String), (ObjectKey, Claim)>,
    /// What is made or taken over, with the target's id if it has one.
    created: HashMap<ObjectKey, Option<String>>,
    down: BTreeMap<ObjectKey, Down>,
    relations: Vec<Relation>,
    orphans: Vec<Operation>,
    told: BTreeMap<ObjectType, u64>,
    plan: Plan,
}

impl Planner {
    /// For a target with these links.
    pub fn new(links: impl IntoIterator<Item = Link>, policy: Policy, now: Timestamp) -> Self {
        let mut planner = Self {
            policy,
            plain: TypePolicy::default(),
            now,
            ledger: Ledger::default(),
            others: BTreeMap::new(),
            holders: Holders::default(),
            unmatched: BTreeMap::new(),
            adopted: BTreeMap::new(),
            contested: HashMap::new(),
            created: HashMap::new(),
            down: BTreeMap::new(),
            relations: Vec::new(),
            orphans: Vec::new(),
            told: BTreeMap::new(),
            plan: Plan::default(),
        };
        links.into_iter().for_each(|link| planner.link(link));
        planner
    }

    /// Room for so many links of each type.
    pub fn reserve(&mut self, counts: &BTreeMap<ObjectType, usize>) {
        self.holders.reserve(counts);
        self.ledger.reserve(counts.values().sum());
    }

    /// One more link. All come before everything else.
    pub fn link(&mut self, link: Link) {
        self.holders.put(&link.target_id, &link.key);
        self.ledger.put(link);
    }

    /// How many more there are: links that this plan has nothing to do with need not be read.
    pub fn others(&mut self, others: BTreeMap<ObjectType, u64>) {
        self.others = others;
    }

    /// Paths that the target takes and does not show, beside those of the policy.
    pub fn not_shown<'a>(&mut self, kind: ObjectType, paths: impl Iterator<Item = &'a str>) {
        if let Some(rules) = self.policy.types.get_mut(&kind) {
            rules.write_only.extend(paths.map(str::to_owned));
        }
    }

    /// The target has no object of this link any more: it is looked for or made anew when it is offered. Comes before
    /// everything that is offered, for others refer to it.
    pub fn lost(&mut self, key: &ObjectKey) {
        if let Some(known) = self.ledger.remove(key) {
            self.holders.remove(key.kind, &known.target_id);
            self.plan.notes.push(Note { forget: true, ..Note::new(key, None) });
        }
    }

    /// What an object should be; compared with what was last carried.
    pub fn offer(&mut self, desired: Desired) {
        self.weigh(desired, None);
    }

    /// What an object should be; compared with what the target shows of it, so that what was changed there is put right.
    /// What is not managed is not looked at.
    pub fn compare(&mut self, desired: Desired, shown: &Shown) {
        self.weigh(desired, Some(shown));
    }

    /// The source has it, and it is not carried (any more).
    pub fn out_of_scope(&mut self, key: &ObjectKey) {
        *self.told.entry(key.kind).or_default() += 1;
        // Another directory may have told of somebody already.
        if let Some(known) = self.ledger.find_mut(key).filter(|known| !known.seen) {
            known.seen = true;
            self.down.insert(key.clone(), Down::OutOfScope);
        }
    }

    /// The source has it, and it cannot be carried as it is: it stays at the target as it was.
    pub fn left_alone(&mut self, key: &ObjectKey) {
        *self.told.entry(key.kind).or_default() += 1;
        self.plan.totals.entry(key.kind).or_default().skip += 1;
        if let Some(known) = self.ledger.find_mut(key) {
            known.seen = true;
        }
    }

    /// The target's id of an object that is linked.
    pub fn target_id(&self, key: &ObjectKey) -> Option<&str> {
        self.ledger.find(key).map(|known| &*known.target_id)
    }

    /// Under which DN an object is linked.
    pub fn dn(&self, key: &ObjectKey) -> Option<&str> {
        self.ledger.find(key).map(|known| &*known.dn)
    }

    /// The source does not have it any more.
    pub fn gone(&mut self, key: &ObjectKey) {
        if self.ledger.find(key).is_some_and(|known| !known.seen) {
            self.down.insert(key.clone(), Down::Gone);
        }
    }

    /// Something that the target has and nobody else: `name` is for people who read logs, `active` says whether it is
    /// usable there. Told after everything that is offered.
    pub fn orphan(&mut self, kind: ObjectType, target_id: &str, name: &str, active: bool) {
        let rules = self.policy.types.get(&kind).unwrap_or(&self.plain);
        let Some(path) = rules.active.clone() else { return };
        if self.policy.orphans == Orphans::Deactivate && active {
            self.orphans.push(Operation {
                action: Action::Deactivate,
                key: ObjectKey::new(kind, format!("target:{target_id}")),
                dn: name.to_owned(),
                target_id: Some(target_id.to_owned()),
                changes: vec![Change::Set { path, value: false.into() }],
                match_by: Vec::new(),
                afterwards: Afterwards::default(),
            });
        }
    }

    /// What has no counterpart yet, with what it may be found by.
    pub fn unmatched(&self) -> impl Iterator<Item = (&ObjectKey, &[(String, String)])> {
        self.unmatched.iter().map(|(key, desired)| (key, desired.match_by.as_slice()))
    }

    /// The DN of one of them.
    pub fn dn_of_unmatched(&self, key: &ObjectKey) -> Option<&str> {
        self.unmatched.get(key).map(|desired| desired.dn.as_str())
    }

    /// Whoever an earlier run is to make: others may refer to them.
    pub fn expect(&mut self, key: ObjectKey) {
        self.created.entry(key).or_default();
    }

    /// What is linked, with the target's ids: what the target does not list of them is [`Planner::lost`].
    pub fn linked(&self) -> impl Iterator<Item = (&ObjectKey, &str)> {
        self.ledger.iter().map(|(key, known)| (key, known.target_id.as_ref()))
    }

    /// Whether somebody of a type could not be matched.
    pub fn is_unclear(&self, kind: ObjectType) -> bool {
        let conflicts = self.plan.conflicts.iter().map(|one| one.key.kind);
        conflicts.chain(self.plan.reports.iter().map(|one| one.key.kind)).any(|one| one == kind)
    }

    /// The target's ids of those who are taken over by this plan.
    pub fn adopted(&self) -> impl Iterator<Item = &str> {
        self.adopted.values().map(|adoption| adoption.target_id.as_str())
    }

    /// Whose an object of the target is by a link; for [`decide`](super::matching::decide).
    pub fn holder(&self, kind: ObjectType, target_id: &str) -> Option<&ObjectKey> {
        self.holders.find(kind, target_id)
    }

    /// What becomes of an unmatched object, and what the target shows of the one that it takes over, if that is known.
    pub fn matched(&mut self, key: &ObjectKey, decision: Decision, shown: Option<Shown>) {
        let Some(desired) = self.unmatched.remove(key) else { return };
        let dn = desired.dn.clone();
        match decision {
            Decision::Create | Decision::Skip | Decision::Report(Report::Nothing) if !desired.active => {}
            Decision::Create => self.create(desired),
            Decision::Adopt { target_id } => {
                self.adopted.insert(key.clone(), Adoption { desired, target_id, shown });
            }
            Decision::Skip => {
                self.plan.skipped.push(Skipped { key: key.clone(), dn, cause: SkipCause::NotThere });
            }
            Decision::Report(cause) => {
                self.plan.reports.push(Unmatched { key: key.clone(), dn, cause });
            }
            Decision::Conflict(mut cause) => {
                self.name_holders(&mut cause);
                self.plan.conflicts.push(Unmatched { key: key.clone(), dn, cause });
            }
        }
    }

    fn rules(&self, kind: ObjectType) -> &TypePolicy {
        self.policy.types.get(&kind).unwrap_or(&self.plain)
    }

    fn weigh(&mut self, desired: Desired, shown: Option<&Shown>) {
        let key = &desired.key;
        if self.unmatched.contains_key(key) || self.ledger.find(key).is_some_and(|known| known.seen) {
            self.plan.warnings.push(Warning::Twice { dn: desired.dn });
            return;
        }
        *self.told.entry(key.kind).or_default() += 1;
        let Some(known) = self.ledger.find_mut(key) else {
            // Nobody is made to be unusable, but whoever is there already is stopped.
            if desired.active || self.rules(key.kind).active.is_some() {
                self.unmatched.insert(key.clone(), desired);
            }
            return;
        };
        known.seen = true;
        self.down.remove(key);
        if desired.active { self.update(&desired, shown) } else { self.disable(&desired, shown) }
    }

    fn disable(&mut self, desired: &Desired, shown: Option<&Shown>) {
        let rules = self.rules(desired.key.kind);
        let usable = rules.active.as_ref().and_then(|path| shown?.get(path)).is_some_and(is_true);
        self.note_place(desired, None);
        self.down.insert(desired.key.clone(), if usable { Down::DisabledAgain } else { Down::OutOfScope });
    }

    fn update(&mut self, desired: &Desired, shown: Option<&Shown>) {
        let Some(known) = self.ledger.find(&desired.key) else { return };
        let rules = self.rules(desired.key.kind);
        let carried = Carried { ledger: &self.ledger, known: Some(known) };
        let mut found = differences(desired, carried, shown, &self.policy, rules);
        let unusable =
            rules.active.as_ref().and_then(|path| shown?.get(path)).is_some_and(|now| !is_true(now));
        let asleep = known.state != LinkState::Active;
        let (target_id, active) = (known.target_id.to_string(), rules.active.clone());
        let mut note = Note { held: std::mem::take(&mut found.held), ..Note::new(&desired.key, None) };
        if asleep && active.is_none() {
            note.state = Some(LinkState::Active);
        }
        if known.dn.as_ref() != desired.dn {
            note.dn = Some(desired.dn.clone());
        }
        if note.dn.is_some() || note.state.is_some() || !note.held.is_empty() {
            self.plan.notes.push(note);
        }
        if self.refused(desired, &found.immutable) {
            return;
        }
        let others = shown.map_or_else(Vec::new, |shown| self.see(desired, shown));
        self.relate(desired, &others);
        let wakes = active.filter(|_| asleep || unusable);
        let action = if wakes.is_some() { Action::Activate } else { Action::Modify };
        if let Some(path) = wakes {
            found.changes.insert(0, Change::Set { path, value: true.into() });
            self.plan.notes.push(Note {
                state: Some(LinkState::Active),
                ..Note::new(&desired.key, Some(Action::Activate))
            });
        }
        if !found.changes.is_empty() {
            self.push(action, desired, Some(target_id), found.changes);
        }
    }

    /// Tells of what the target does not take. Whether the object is deleted instead.
    fn refused(&mut self, desired: &Desired, paths: &[String]) -> bool {
        if paths.is_empty() {
            return false;
        }
        let rules = self.rules(desired.key.kind);
        let recreated = rules.immutable_change == ImmutableChange::Recreate
            && rules.deactivation != Deactivation::DeactivateOnly;
        let (key, dn) = (desired.key.clone(), desired.dn.clone());
        self.plan.warnings.push(Warning::Immutable { dn: dn.clone(), paths: paths.to_vec(), recreated });
        if recreated {
            self.down.insert(key, Down::Recreate);
        } else {
            self.plan.skipped.push(Skipped { key, dn, cause: SkipCause::Immutable(paths.to_vec()) });
        }
        recreated
    }

    fn note_place(&mut self, desired: &Desired, after: Option<Action>) {
        if self.ledger.find(&desired.key).is_some_and(|known| known.dn.as_ref() != desired.dn) {
            self.plan.notes.push(Note { dn: Some(desired.dn.clone()), ..Note::new(&desired.key, after) });
        }
    }

    fn push(&mut self, action: Action, desired: &Desired, target_id: Option<String>, changes: Vec<Change>) {
        self.plan.operations.push(Operation {
            action,
            key: desired.key.clone(),
            dn: desired.dn.clone(),
            target_id,
            changes,
            match_by: Vec::new(),
            afterwards: Afterwards::default(),
        });
    }

    /// The plan of all that was told.
    pub fn finish(mut self, readings: &Readings) -> Plan {
        let unmatched = std::mem::take(&mut self.unmatched).into_iter();
        for (key, desired) in unmatched.filter(|(_, desired)| desired.active) {
            self.plan.skipped.push(Skipped { key, dn: desired.dn, cause: SkipCause::NotMatched });
        }
        self.adopt_all();
        let staying = self.step_down(readings);
        self.push_relations(&staying);
        let orphans = std::mem::take(&mut self.orphans);
        let whole = |kind| readings.of(kind) == Reading::All && staying.may_leave(kind);
        let orphans = orphans.into_iter().filter(|orphan| {
            let kind = orphan.key.kind;
            let held = orphan.target_id.as_ref().is_some_and(|id| self.holders.find(kind, id).is_some());
            whole(kind) && !held
        });
        self.plan.operations.extend(orphans);
        order::sort(&mut self.plan, &self.relations);
        self.count();
        self.plan
    }
}

fn is_true(value: &serde_json::Value) -> bool {
    scim::boolean(value) == Some(true)
}
