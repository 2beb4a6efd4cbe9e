//! [`gate`]: what is too much at once waits until somebody has looked at it.
//!
//! Limits hold per type. Over one of them nothing that takes away is released for that type; what gives still is. What
//! is held stays with its run ([`State::allow`](super::state::State::allow)): what a later run holds is another list.
//! What was held once waits until somebody allows it, or until nobody wants it any more ([`Before`]).

mod before;
pub(super) mod earlier;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::before::Before;
use super::object::{ObjectKey, ObjectType};
use super::operation::{Action, Change, Operation};
use super::plan::{Note, Plan};
use super::words::{objects, operations};

/// So much may be done at once: the larger of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Percent of those who are linked; of a group, of its members.
    pub percent: u8,
    /// A number of objects.
    pub count: u64,
}

impl Default for Limit {
    fn default() -> Self {
        Self { percent: 5, count: 50 }
    }
}

impl Limit {
    /// The most of so many.
    pub fn most(self, population: u64) -> u64 {
        self.count.max(population.saturating_mul(u64::from(self.percent)) / 100)
    }
}

/// The limits of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Of deletions, and of deactivations by which the target deletes.
    pub delete: Limit,
    /// Of deactivations.
    pub deactivate: Limit,
    /// Of objects whose values change.
    pub modify: Limit,
    /// Of members who leave one group.
    pub members: Limit,
}

/// Limits by type, and what follows when one is passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GatePolicy {
    /// By type; a type that is not named has the defaults.
    pub types: BTreeMap<ObjectType, Limits>,
    /// What waits then.
    pub over: Over,
}

/// What waits when a limit is passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// What takes away, of that type.
    #[default]
    Destructive,
    /// Everything.
    All,
}

/// A plan after the gate.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gated {
    /// What may be done, in order.
    pub released: Vec<Operation>,
    /// What waits, in order.
    pub held: Vec<Operation>,
    /// What becomes of links, without what waits.
    pub notes: Vec<Note>,
    /// Why something waits.
    pub causes: Vec<Cause>,
}

/// Why something waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Too many objects of a type.
    Objects {
        /// Which type.
        kind: ObjectType,
        /// What would be done to them.
        what: What,
        /// To how many.
        planned: u64,
        /// To how many it was done within a day before.
        #[serde(default)]
        earlier: u64,
        /// How many are linked.
        linked: u64,
        /// The limit, reckoned.
        allowed: u64,
    },
    /// Too many members of a group.
    Members {
        /// The DN of the group.
        dn: String,
        /// How many would leave.
        planned: u64,
        /// How many it has.
        members: u64,
        /// The limit, reckoned.
        allowed: u64,
    },
    /// The source has no objects of a type any more.
    Emptied {
        /// Which type.
        kind: ObjectType,
        /// How many would be deactivated or deleted.
        planned: u64,
    },
    /// A domain that was read before is not there any more.
    Vanished {
        /// Which one.
        domain: String,
        /// How many of it would be deactivated or deleted.
        planned: u64,
    },
    /// It was held back before, and would pass by now.
    Still {
        /// How many operations.
        planned: u64,
    },
}

/// What would be done to too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Deleted.
    Delete,
    /// Deactivated.
    Deactivate,
    /// Changed.
    Modify,
}

impl Cause {
    /// The sentence for people, with the remedy; `run` is what `sekisho sync allow` is given.
    pub fn sentence(&self, run: &str) -> String {
        format!("{self}; when that is as it should be: sekisho sync allow {run}")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Objects { kind, what, planned, earlier, linked, allowed } => {
                let kind = kind.as_str();
                let what = match what {
                    What::Delete => "deleted",
                    What::Deactivate => "deactivated",
                    What::Modify => "changed",
                };
                let before = match earlier {
                    0 => String::new(),
                    _ => format!("{earlier} more within a day"),
                };
                if planned <= linked {
                    write!(f, "{planned} of {linked} objects of {kind} would be {what}")?;
                    let before = if before.is_empty() { "," } else { &format!(", and {before};") };
                    return write!(f, "{before} the limit is {allowed}");
                }
                // Whom a first run takes over is not linked yet.
                let before = if before.is_empty() { before } else { format!(" {before},") };
                let objects = objects(*planned);
                write!(
                    f,
                    "{objects} of {kind} would be {what},{before} and {linked} are linked so far; the limit is {allowed}"
                )
            }
            Self::Members { dn, planned, members, allowed } => {
                write!(f, "{planned} of {members} members would leave {dn}, the limit is {allowed}")
            }
            Self::Emptied { kind, planned } => {
                let (objects, kind) = (objects(*planned), kind.as_str());
                write!(
                    f,
                    "{objects} of {kind}, of which the source has none any more, would be deactivated or deleted"
                )
            }
            Self::Vanished { domain, planned } => {
                let objects = objects(*planned);
                write!(
                    f,
                    "{objects} of {domain}, which is not there any more, would be deactivated or deleted"
                )
            }
            Self::Still { planned } => {
                let operations = operations(usize::try_from(*planned).unwrap_or(usize::MAX));
                write!(f, "{operations} that an earlier run held back")
            }
        }
    }
}

/// Takes operations and notes out of a plan, and holds back what is too much at once, what was held back `before`, and
/// what takes `away` those whose domain is not there any more; it says which one that is. What takes away the last ones
/// of a type waits, too.
pub fn gate(
    plan: &mut Plan,
    policy: &GatePolicy,
    (away, before): (&BTreeMap<ObjectKey, String>, &Before),
) -> Gated {
    let doubtful = std::mem::take(&mut plan.doubtful);
    let mut gated = limit(plan, policy, (away, before));
    let mut counts: BTreeMap<ObjectType, u64> = BTreeMap::new();
    for operation in &doubtful {
        *counts.entry(operation.key.kind).or_default() += 1;
    }
    gated.causes.extend(counts.into_iter().map(|(kind, planned)| Cause::Emptied { kind, planned }));
    gated.held.extend(doubtful);
    gated
}

fn limit(
    plan: &mut Plan,
    policy: &GatePolicy,
    (away, before): (&BTreeMap<ObjectKey, String>, &Before),
) -> Gated {
    let operations = std::mem::take(&mut plan.operations);
    let mut notes = std::mem::take(&mut plan.notes);
    let mut barrier = Barrier::of(&operations, &notes, (plan, away, before), policy);
    barrier.hold_vanished(&operations, away);
    if policy.over == Over::All && !barrier.causes.is_empty() {
        return Gated { causes: barrier.causes, held: operations, ..Gated::default() };
    }
    barrier.hold_still(&operations);
    if barrier.causes.is_empty() {
        return Gated { released: operations, notes, ..Gated::default() };
    }
    let split: Vec<_> = operations.iter().map(|operation| barrier.split(operation)).collect();
    let held: Vec<Operation> = split.iter().filter_map(|(_, held)| held.clone()).collect();
    let waiting: BTreeSet<(&ObjectKey, Action)> =
        held.iter().map(|operation| (&operation.key, operation.action)).collect();
    notes.retain(|note| note.after.is_none_or(|after| !waiting.contains(&(&note.key, after))));
    Gated {
        released: split.into_iter().filter_map(|(released, _)| released).collect(),
        notes,
        causes: barrier.causes,
        held,
    }
}

/// What does not pass.
struct Barrier<'a> {
    before: &'a Before,
    causes: Vec<Cause>,
    /// Types of which nothing that takes away passes.
    kinds: BTreeSet<ObjectType>,
    /// Types of which no change passes.
    changes: BTreeSet<ObjectType>,
    /// Groups that nobody leaves.
    groups: BTreeSet<&'a ObjectKey>,
    /// Those whose domain is not there any more.
    away: BTreeSet<&'a ObjectKey>,
    /// Who waits: they leave no group either.
    waiting: BTreeSet<&'a ObjectKey>,
}

impl<'a> Barrier<'a> {
    fn of(
        operations: &'a [Operation],
        notes: &[Note],
        (plan, away, before): (&Plan, &BTreeMap<ObjectKey, String>, &'a Before),
        policy: &GatePolicy,
    ) -> Self {
        let mut barrier = Self {
            before,
            causes: Vec::new(),
            kinds: BTreeSet::new(),
            changes: BTreeSet::new(),
            groups: BTreeSet::new(),
            away: BTreeSet::new(),
            waiting: BTreeSet::new(),
        };
        let forgotten: BTreeSet<&ObjectKey> = notes
            .iter()
            .filter(|note| note.forget && note.after == Some(Action::Deactivate))
            .map(|note| &note.key)
            .collect();
        for kind in ObjectType::ALL {
            let limits = policy.types.get(&kind).copied().unwrap_or_default();
            let linked = plan.totals.get(&kind).map_or(0, |totals| totals.linked);
            let [off_before, gone_before] = plan.earlier.get(&kind).copied().unwrap_or_default();
            let forgets = forgotten.iter().any(|key| key.kind == kind);
            // Who waits in any case is not too much for the others, and who was released is counted as before.
            let is_known = |found: &Operation| {
                found.action >= Action::Deactivate
                    && (away.contains_key(&found.key) || before.released(&found.key))
            };
            let count = |wanted: &dyn Fn(&Operation) -> bool| {
                let counted =
                    |found: &&Operation| found.key.kind == kind && !is_known(found) && wanted(found);
                operations.iter().filter(counted).count() as u64
            };
            let deletes = |found: &Operation| {
                found.action == Action::Delete
                    || found.action == Action::Deactivate && forgotten.contains(&found.key)
            };
            let deactivates = |found: &Operation| found.action == Action::Deactivate && !deletes(found);
            let modifies = |found: &Operation| found.action == Action::Modify;
            let planned = [
                (
                    What::Delete,
                    limits.delete,
                    count(&deletes),
                    if forgets { off_before + gone_before } else { gone_before },
                ),
                (What::Deactivate, limits.deactivate, count(&deactivates), off_before),
                (What::Modify, limits.modify, count(&modifies), 0),
            ];
            for (what, limit, planned, earlier) in planned {
                let allowed = limit.most(linked);
                if planned > 0 && planned + earlier > allowed {
                    barrier.causes.push(Cause::Objects { kind, what, planned, earlier, linked, allowed });
                    barrier.kinds.insert(kind);
                    if what == What::Modify {
                        barrier.changes.insert(kind);
                    }
                }
            }
        }
        let leaving = operations.iter().filter(|found| {
            barrier.kinds.contains(&found.key.kind)
                && found.action >= Action::Deactivate
                && !before.released(&found.key)
        });
        barrier.waiting = leaving.map(|found| &found.key).collect();
        barrier.count_members(operations, plan, policy);
        barrier
    }

    fn hold_vanished(&mut self, operations: &'a [Operation], away: &'a BTreeMap<ObjectKey, String>) {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let before = self.before;
        let leaving = operations
            .iter()
            .filter(|found| found.action >= Action::Deactivate && !before.released(&found.key));
        for operation in leaving {
            if let Some(domain) = away.get(&operation.key) {
                *counts.entry(domain).or_default() += 1;
                self.away.insert(&operation.key);
                self.waiting.insert(&operation.key);
            }
        }
        let cause = |(domain, planned): (&str, u64)| Cause::Vanished { domain: domain.to_owned(), planned };
        self.causes.extend(counts.into_iter().map(cause));
    }

    /// What was held back before waits, though nothing else holds it.
    fn hold_still(&mut self, operations: &'a [Operation]) {
        let before = self.before;
        let held = operations.iter().filter(|found| {
            found.action >= Action::Deactivate
                && before.holds(&found.key)
                && !self.waiting.contains(&found.key)
        });
        let held: Vec<&ObjectKey> = held.map(|found| &found.key).collect();
        self.waiting.extend(&held);
        let stays = |found: &&Operation| {
            !self.groups.contains(&found.key)
                && leaving(found).any(|one| before.keeps(&found.key, one) && !self.waiting.contains(one))
        };
        let planned = held.len() + operations.iter().filter(stays).count();
        if planned > 0 {
            self.causes.push(Cause::Still { planned: planned as u64 });
        }
    }

    fn count_members(&mut self, operations: &'a [Operation], plan: &Plan, policy: &GatePolicy) {
        let sizes: BTreeMap<&ObjectKey, u64> = plan.sizes.iter().map(|(key, size)| (key, *size)).collect();
        for operation in operations.iter().filter(|operation| operation.action == Action::Relate) {
            let planned = leaving(operation).count() as u64;
            let members = sizes.get(&operation.key).copied().unwrap_or(planned);
            let limits = policy.types.get(&operation.key.kind).copied().unwrap_or_default();
            let allowed = limits.members.most(members);
            if planned > allowed {
                self.causes.push(Cause::Members { dn: operation.dn.clone(), planned, members, allowed });
                self.groups.insert(&operation.key);
            }
        }
    }

    /// The part of an operation that passes, and the part that waits.
    fn split(&self, operation: &Operation) -> (Option<Operation>, Option<Operation>) {
        let kind = operation.key.kind;
        let waits = match operation.action {
            Action::Deactivate | Action::Delete => self.waiting.contains(&operation.key),
            Action::Modify => self.changes.contains(&kind),
            Action::Relate => return self.split_members(operation),
            Action::Adopt | Action::Create | Action::Activate => false,
        };
        let whole = Some(operation.clone());
        if waits { (None, whole) } else { (whole, None) }
    }

    fn split_members(&self, operation: &Operation) -> (Option<Operation>, Option<Operation>) {
        let (mut passing, mut waiting) = (Vec::new(), Vec::new());
        for change in &operation.changes {
            let Change::Leave { path, members } = change else {
                passing.push(change.clone());
                continue;
            };
            let all = self.groups.contains(&operation.key);
            let (held, free): (Vec<_>, Vec<_>) = members.iter().cloned().partition(|member| {
                all || self.waiting.contains(member) || self.before.keeps(&operation.key, member)
            });
            for (members, changes) in [(free, &mut passing), (held, &mut waiting)] {
                if !members.is_empty() {
                    changes.push(Change::Leave { path: path.clone(), members });
                }
            }
        }
        let part =
            |changes: Vec<Change>| (!changes.is_empty()).then(|| Operation { changes, ..operation.clone() });
        (part(passing), part(waiting))
    }
}

/// Who leaves by an operation.
fn leaving(operation: &Operation) -> impl Iterator<Item = &ObjectKey> {
    operation.changes.iter().flat_map(|change| match change {
        Change::Leave { members, .. } => members.as_slice(),
        _ => &[],
    })
}
