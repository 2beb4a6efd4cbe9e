//! The ladder down: deactivated when out of scope or disabled, deactivated and after a time deleted when gone. Nobody
//! goes down it by a reading that was not whole, or by one of a source that has nothing.

use std::collections::BTreeSet;

use super::Planner;
use super::ledger::Known;
use super::outcome::{MOST_DOUBTED, Note, Reading, Readings, Warning};
use super::policy::{Deactivation, TypePolicy};
use crate::clock::Timestamp;
use crate::sync::link::LinkState;
use crate::sync::object::{ObjectKey, ObjectType};
use crate::sync::operation::{Action, Afterwards, Change, Operation};

/// Why somebody goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    /// The source has it; it is not to be used.
    OutOfScope,
    /// And somebody made it usable at the target.
    DisabledAgain,
    /// The source does not have it.
    Gone,
    /// The target has it for ever as it is: it is made anew.
    Recreate,
}

/// Who leaves by a plan.
#[derive(Debug, Default)]
pub(super) struct Leavers {
    pub(super) deleted: BTreeSet<ObjectKey>,
    /// Types of which nobody may leave.
    held: BTreeSet<ObjectType>,
    /// Of these, the ones whose few last objects may leave when somebody allows it.
    doubted: BTreeSet<ObjectType>,
}

impl Leavers {
    pub(super) fn may_leave(&self, kind: ObjectType) -> bool {
        !self.held.contains(&kind)
    }
}

/// One rung.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Stay,
    /// Only the link changes.
    Note(LinkState),
    Deactivate(After),
    Delete,
    /// Deleted to be made anew: nobody has left.
    Recreate,
}

/// What a link is after a deactivation.
#[derive(Debug, PartialEq, Eq)]
enum After {
    State(LinkState),
    Forgotten,
}

impl Planner {
    /// Makes the operations of all who leave.
    pub(super) fn step_down(&mut self, readings: &Readings) -> Leavers {
        let mut leavers = Leavers::default();
        let mut down = std::mem::take(&mut self.down);
        let mut staying = BTreeSet::new();
        for (key, known) in self.ledger.iter() {
            let leaving = matches!(known.state, LinkState::Leaving { .. });
            let gone = match readings.of(key.kind) {
                Reading::All => !known.seen,
                Reading::Changes => !known.seen && leaving,
                Reading::Incomplete => false,
            };
            if gone {
                down.entry(key.clone()).or_insert(Down::Gone);
            } else if known.seen || !down.contains_key(key) {
                staying.insert(key.kind);
            }
        }
        // What is made or was found out of scope is there too. In a whole reading strangers alone are no word on those who are
        // linked: it may be another directory.
        let here = |kind: &ObjectType| {
            readings.of(*kind) != Reading::All || self.ledger.iter().all(|(key, _)| key.kind != *kind)
        };
        let told = self.told.iter().filter(|(kind, told)| **told > 0 && here(kind));
        staying.extend(told.map(|(kind, _)| *kind));
        let steps: Vec<(ObjectKey, Step)> = down
            .iter()
            .filter_map(|(key, down)| {
                let step = step(self.ledger.find(key)?, *down, self.rules(key.kind), self.now);
                (step != Step::Stay).then(|| (key.clone(), step))
            })
            .collect();
        self.hold(&steps, &staying, readings, &mut leavers);
        for (key, step) in steps {
            if leavers.may_leave(key.kind) {
                self.take(&key, &step, &mut leavers);
            } else if leavers.doubted.contains(&key.kind) {
                self.doubt(&key, &step);
            }
        }
        leavers
    }

    /// Finds the types of which nobody may leave, and tells of those who would have.
    fn hold(
        &mut self,
        steps: &[(ObjectKey, Step)],
        staying: &BTreeSet<ObjectType>,
        readings: &Readings,
        leavers: &mut Leavers,
    ) {
        for kind in ObjectType::ALL {
            let leaving = steps.iter().filter(|(key, _)| key.kind == kind).count() as u64;
            let warning = match readings.of(kind) {
                Reading::Incomplete => Warning::Incomplete { kind, leaving },
                Reading::All | Reading::Changes if !staying.contains(&kind) => {
                    Warning::Empty { kind, leaving }
                }
                Reading::All | Reading::Changes => continue,
            };
            leavers.held.insert(kind);
            if leaving == 0 {
                continue;
            }
            if matches!(warning, Warning::Empty { .. }) && leaving <= MOST_DOUBTED {
                leavers.doubted.insert(kind);
            }
            self.plan.warnings.push(warning);
        }
    }

    fn take(&mut self, key: &ObjectKey, step: &Step, leavers: &mut Leavers) {
        let Some((operation, note)) = self.rung(key, step) else { return };
        if note.forget {
            leavers.deleted.insert(key.clone());
        }
        if !matches!(step, Step::Note(_)) {
            self.plan.operations.push(operation);
        }
        self.plan.notes.push(note);
    }

    /// What would only be noted becomes an operation, so that it can wait.
    fn doubt(&mut self, key: &ObjectKey, step: &Step) {
        let Some((operation, note)) = self.rung(key, step) else { return };
        let deletes = matches!(step, Step::Delete | Step::Recreate);
        let action = if deletes { Action::Delete } else { Action::Deactivate };
        let afterwards = Afterwards { state: note.state, forget: note.forget, ..operation.afterwards };
        self.plan.doubtful.push(Operation { action, afterwards, ..operation });
    }

    fn rung(&self, key: &ObjectKey, step: &Step) -> Option<(Operation, Note)> {
        let known = self.ledger.find(key)?;
        let mut operation = Operation {
            action: Action::Delete,
            key: key.clone(),
            dn: known.dn.to_string(),
            target_id: Some(known.target_id.to_string()),
            changes: Vec::new(),
            match_by: Vec::new(),
            afterwards: Afterwards::default(),
        };
        let mut note = Note::new(key, None);
        match step {
            Step::Stay => return None,
            Step::Note(state) => note.state = Some(*state),
            Step::Deactivate(after) => {
                operation.action = Action::Deactivate;
                let active = self.rules(key.kind).active.clone();
                operation.changes.extend(active.map(|path| Change::Set { path, value: false.into() }));
                note.after = Some(Action::Deactivate);
                match after {
                    After::State(state) => note.state = Some(*state),
                    After::Forgotten => note.forget = true,
                }
            }
            Step::Delete | Step::Recreate => {
                operation.afterwards.deactivate =
                    *step == Step::Delete && self.rules(key.kind).active.is_some();
                note.after = Some(Action::Delete);
                note.forget = true;
            }
        }
        Some((operation, note))
    }
}

/// The next rung of somebody.
fn step(known: &Known, down: Down, rules: &TypePolicy, now: Timestamp) -> Step {
    // What cannot be switched off has no other way than that of what is gone.
    let gone = down == Down::Gone || rules.active.is_none();
    match (down, known.state) {
        (Down::Recreate, _) => Step::Recreate,
        (Down::DisabledAgain, _) => Step::Deactivate(after(rules, LinkState::Inactive)),
        (_, LinkState::Active) if !gone => Step::Deactivate(after(rules, LinkState::Inactive)),
        (_, LinkState::Inactive) if !gone => Step::Stay,
        (_, LinkState::Leaving { .. }) if !gone => Step::Note(LinkState::Inactive),
        (_, LinkState::Leaving { since }) if rules.is_due(since, now) => Step::Delete,
        (_, LinkState::Leaving { .. }) => Step::Stay,
        (_, _) if rules.is_due(now, now) => Step::Delete,
        (_, LinkState::Active) if rules.active.is_some() => {
            Step::Deactivate(after(rules, LinkState::Leaving { since: now }))
        }
        (_, _) => Step::Note(LinkState::Leaving { since: now }),
    }
}

fn after(rules: &TypePolicy, state: LinkState) -> After {
    match rules.deactivation {
        Deactivation::DeactivationDeletes => After::Forgotten,
        Deactivation::DeleteLater | Deactivation::DeactivateOnly => After::State(state),
    }
}
