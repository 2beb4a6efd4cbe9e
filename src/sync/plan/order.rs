//! The order of a plan, the same for the same input: what others refer to exists before they do, and goes after them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::outcome::Plan;
use super::relations::Relation;
use crate::sync::object::{ObjectKey, ObjectType, Reference};
use crate::sync::operation::{Action, Operation};
use crate::sync::structure::names;

/// Deeper than any tree of units or groups.
const DEEPEST: usize = 1_000;

/// Puts everything in order.
pub(super) fn sort(plan: &mut Plan, relations: &[Relation]) {
    let parents = parents(relations);
    let place = |operation: &Operation| {
        let (below, named) = (depth(&operation.key, &parents), names::depth(&names::normal(&operation.dn)));
        let kind = operation.key.kind;
        let (phase, down) = phase(operation.action);
        // Of units that go, not all have a relation: their names say how deep they are.
        let by_name = down && kind == ObjectType::Organization;
        let depth = if by_name { (named, below) } else { (below, named) };
        let up = (!down).then_some((kind, depth));
        (phase, up, down.then_some(Reverse((kind, depth))), operation.dn.clone(), operation.key.id.clone())
    };
    plan.operations.sort_by_cached_key(place);
    plan.notes.sort_by(|one, other| (&one.key, one.after).cmp(&(&other.key, other.after)));
    plan.sizes.sort();
    plan.warnings.sort_by_cached_key(ToString::to_string);
    plan.conflicts.sort_by(|one, other| one.key.cmp(&other.key));
    plan.reports.sort_by(|one, other| one.key.cmp(&other.key));
    plan.skipped.sort_by(|one, other| one.key.cmp(&other.key));
}

/// The part of the plan, and whether children come first there.
fn phase(action: Action) -> (u8, bool) {
    match action {
        Action::Adopt | Action::Create => (0, false),
        Action::Modify | Action::Activate => (1, false),
        Action::Relate => (2, false),
        Action::Deactivate => (3, false),
        Action::Delete => (4, true),
    }
}

/// Who refers to one of the same type: a unit to the unit above it, a group to its parent; people to their managers,
/// whose order does no harm.
fn parents(relations: &[Relation]) -> HashMap<&ObjectKey, &ObjectKey> {
    let pairs =
        relations.iter().flat_map(|relation| relation.to.iter().map(move |(_, to)| (&relation.key, to)));
    let same = pairs.filter_map(|(key, to)| match to {
        Reference::One(to) if to.kind == key.kind => Some((key, to)),
        _ => None,
    });
    same.collect()
}

fn depth(key: &ObjectKey, parents: &HashMap<&ObjectKey, &ObjectKey>) -> usize {
    let mut seen = HashSet::new();
    let above = std::iter::successors(parents.get(key), |above| parents.get(*above));
    above.take(DEEPEST).take_while(|above| seen.insert(**above)).count()
}
