//! `[sync.limits.TYPE]` and `over_limit`: how much may be done at once.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fault::Complaint;
use super::super::reader::Section;
use super::super::values::choice;
use crate::sync::ObjectType;
use crate::sync::gate::{GatePolicy, Limit, Limits, Over};

const OVER: &[(&str, Over)] = &[("destructive", Over::Destructive), ("everything", Over::All)];

/// The limits of each type.
pub(super) fn read(section: &Section<'_>) -> GatePolicy {
    let all = section.section("limits");
    let mut types = BTreeMap::new();
    for kind in ObjectType::ALL {
        let Some(limits) = all.by_serde::<Limits>(kind.key()) else { continue };
        judge(&all.section(kind.key()), &limits);
        types.insert(kind, limits);
    }
    GatePolicy { types, over: section.or("over_limit", Over::Destructive, choice(OVER)) }
}

/// Warns of those of types that are not `objects`.
pub(super) fn warn_of_others(section: &Section<'_>, objects: &BTreeSet<ObjectType>, gate: &GatePolicy) {
    let others: Vec<&ObjectType> = gate.types.keys().filter(|kind| !objects.contains(kind)).collect();
    if others.is_empty() {
        return;
    }
    let all = section.section("limits");
    all.ignore_the_rest();
    for kind in others {
        let remedy = format!("take it out, or add \"{}\" to objects", kind.key());
        all.warn(kind.key(), "has no effect: objects of this type are not carried", remedy);
    }
}

/// Complains of what is more than all.
fn judge(section: &Section<'_>, limits: &Limits) {
    // Serde knows which keys there are.
    section.ignore_the_rest();
    let Limits { delete, deactivate, modify, members } = *limits;
    let all = [("delete", delete), ("deactivate", deactivate), ("modify", modify), ("members", members)];
    for (key, Limit { percent, .. }) in all.into_iter().filter(|(_, limit)| limit.percent > 100) {
        let limit = section.section(key);
        limit.ignore_the_rest();
        let message = format!("{percent} percent is more than all");
        limit.complain(
            "percent",
            Complaint::wrong(message, "write 0 to 100; a high count lets everything pass"),
        );
    }
}
