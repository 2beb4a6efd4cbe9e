//! One person alone (`--user`): who else wants the same of the target is not looked at. Whoever is known to is in the way;
//! for the rest the report says what was not looked at.

use std::collections::HashSet;

use super::object::ObjectKey;
use super::operation::Action;
use super::plan::{Plan, Planner};
use super::unsettled::Everybody;

/// Tells a planner what is wanted by those who are kept as in conflict, but for these themselves.
pub(super) fn contest(planner: &mut Planner, unsettled: &Everybody, themselves: &HashSet<ObjectKey>) {
    for one in unsettled.kept.iter().filter(|one| !themselves.contains(&one.key)) {
        if let Some((by, ids)) = one.wanted() {
            planner.contest((one.key.clone(), one.dn.clone()), by, ids.iter().cloned());
        }
    }
}

/// Takes out who would take something over that others may want who are not kept by name; gives what is said of it, and of
/// whatever is taken over.
pub(super) fn cautions(plan: &mut Plan, unsettled: &Everybody) -> Vec<String> {
    let adopts = plan.operations.iter().filter(|one| one.action == Action::Adopt);
    let adopts: Vec<(ObjectKey, String)> = adopts.map(|one| (one.key.clone(), one.dn.clone())).collect();
    let is_unclear = unsettled.is_unclear(plan);
    if is_unclear {
        plan.operations.retain(|operation| adopts.iter().all(|(key, _)| *key != operation.key));
        plan.notes.retain(|note| adopts.iter().all(|(key, _)| *key != note.key));
    }
    let told = |(_, dn): (ObjectKey, String)| {
        if is_unclear {
            return format!(
                "{dn}: not taken over at the target: more are in conflict than are known by name, and one of them may want \
                 the same; run with --full"
            );
        }
        format!(
            "{dn}: taken over at the target without a look at who else may want the same: a run for all looks"
        )
    };
    adopts.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::object::ObjectType;
    use crate::sync::operation::{Afterwards, Operation};

    #[test]
    fn nobody_is_taken_over_while_some_of_those_in_conflict_are_not_known_by_name() {
        let operation = |action, id: &str| Operation {
            action,
            key: ObjectKey::new(ObjectType::User, id),
            dn: format!("uid={id}"),
            target_id: None,
            changes: Vec::new(),
            match_by: Vec::new(),
            afterwards: Afterwards::default(),
        };
        let planned = [(Action::Adopt, "a"), (Action::Relate, "a"), (Action::Modify, "b")];
        let plan = || Plan {
            operations: planned.iter().map(|(action, id)| operation(*action, id)).collect(),
            ..Plan::default()
        };
        let (mut clear, mut unclear) = (plan(), plan());
        let told = cautions(&mut clear, &Everybody::default());
        assert_eq!((clear, told.len()), (plan(), 1));
        assert!(told[0].starts_with("uid=a: taken over at the target without a look"), "{told:?}");
        let told = cautions(&mut unclear, &Everybody { rivals: true, ..Everybody::default() });
        assert_eq!(unclear.operations, plan().operations[2..]);
        assert!(told[0].starts_with("uid=a: not taken over at the target: more are in conflict"), "{told:?}");
    }
}
