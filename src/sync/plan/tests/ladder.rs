//! Who leaves, when, and by which reading.

use std::collections::BTreeMap;

use serde_json::json;

use super::model::*;
use crate::clock::SignedDuration;
use crate::sync::object::Reference;
use crate::sync::plan::*;

fn people(ids: &[&str]) -> Vec<Desired> {
    ids.iter().map(|id| wanted(user(id), &[("userName", json!(id))])).collect()
}

fn carried(ids: &[&str]) -> World {
    let mut world = World::default();
    world.run(&people(ids), &policy(), at(0));
    world
}

fn with(change: impl Fn(&mut TypePolicy)) -> Policy {
    let mut policy = policy();
    policy.types.values_mut().for_each(change);
    policy
}

#[test]
fn gone_is_deactivated_and_after_thirty_days_deleted() {
    let mut world = carried(&["a", "b"]);
    let (left, policy) = (people(&["b"]), policy());
    assert_eq!(told(&world.run(&left, &policy, at(1))), ["Deactivate user/a"]);
    assert_eq!(world.shown(&user("a")).values["active"], json!(false));
    assert_eq!(world.links[&user("a")].state, LinkState::Leaving { since: at(1) });
    for day in [1, 2, 30] {
        assert_eq!(told(&world.run(&left, &policy, at(day))), [""; 0], "day {day}");
    }
    let plan = world.run(&left, &policy, at(31));
    assert_eq!(told(&plan), ["Delete user/a"]);
    assert_eq!(
        plan.totals[&ObjectType::User],
        Totals { total: 1, delete: 1, unchanged: 1, linked: 2, ..Totals::default() }
    );
    assert!(!world.links.contains_key(&user("a")) && world.objects.len() == 1);
}

#[test]
fn whoever_comes_back_is_activated_on_the_same_link() {
    let mut world = carried(&["a", "b"]);
    let id = world.links[&user("a")].target_id.clone();
    world.run(&people(&["b"]), &policy(), at(1));
    let mut back = people(&["a", "b"]);
    back[0].values.insert("title".into(), json!("Boss"));
    let plan = world.run(&back, &policy(), at(20));
    assert_eq!(told(&plan), ["Activate user/a"]);
    assert_eq!(changes(&plan.operations[0]), ["active=true", "title=\"Boss\""]);
    let link = &world.links[&user("a")];
    assert_eq!((link.state, &link.target_id), (LinkState::Active, &id));
    assert_eq!(told(&world.run(&back, &policy(), at(40))), [""; 0]);
}

#[test]
fn out_of_scope_and_disabled_stay_deactivated() {
    let mut world = carried(&["a", "b", "c"]);
    let policy = policy();
    let mut source = people(&["a", "b"]);
    source[0].active = false;
    for (day, expected) in [(1, vec!["Deactivate user/a", "Deactivate user/c"]), (99, vec![])] {
        let mut planner = world.planner(policy.clone(), at(day));
        offer_all(&mut planner, source.clone());
        planner.out_of_scope(&user("c"));
        planner.out_of_scope(&user("stranger"));
        let plan = planner.finish(&Readings::every(Reading::All));
        assert_eq!(told(&plan), expected);
        assert_eq!(plan.totals[&ObjectType::User].total, 4);
        world.carry_out(&plan);
    }
    assert_eq!(world.links[&user("c")].state, LinkState::Inactive);
    // Gone after that: no more requests until it is deleted.
    assert_eq!(told(&world.run(&source, &policy, at(100))), [""; 0]);
    assert_eq!(world.links[&user("c")].state, LinkState::Leaving { since: at(100) });
    assert_eq!(told(&world.run(&source, &policy, at(130))), ["Delete user/c"]);
}

#[test]
fn who_is_disabled_is_not_made() {
    let mut world = World::default();
    let mut source = people(&["a"]);
    source[0].active = false;
    let plan = world.run(&source, &policy(), at(0));
    assert_eq!((told(&plan), world.objects.len()), (vec![], 0));
    assert_eq!(plan.totals[&ObjectType::User], Totals { total: 1, unchanged: 1, ..Totals::default() });
}

#[test]
fn who_is_disabled_and_there_already_is_stopped() {
    let mut source = people(&["a"]);
    source[0].active = false;
    source[0].match_by = vec![("userName".to_owned(), "a".to_owned())];
    for (active, expected) in
        [(json!(true), vec!["Adopt user/a", "Deactivate user/a"]), (json!(false), vec![])]
    {
        let values = BTreeMap::from([("userName".to_owned(), json!("a")), ("active".to_owned(), active)]);
        let mut world = World::default();
        world.objects.insert(
            "theirs".to_owned(),
            Object { kind: Some(ObjectType::User), values, ..Object::default() },
        );
        assert_eq!(told(&world.run(&source, &policy(), at(0))), expected);
        assert_eq!(world.objects["theirs"].values["active"], json!(false));
        assert_eq!(told(&world.run(&source, &policy(), at(1))), [""; 0]);
        source[0].active = true;
        assert_ne!(told(&world.run(&source, &policy(), at(2))), [""; 0], "used again, on the same account");
        assert_eq!((world.objects.len(), &world.objects["theirs"].values["active"]), (1, &json!(true)));
        source[0].active = false;
    }
}

#[test]
fn a_policy_says_what_follows() {
    let at_once = with(|rules| rules.delete_after = SignedDuration::ZERO);
    let mut world = carried(&["a", "b"]);
    let mut leaving = world.clone();
    let deletion = leaving.run(&people(&["b"]), &at_once, at(1)).operations;
    assert!(deletion[0].afterwards.deactivate, "where that is refused");
    // What is tried again stays the same one when that was done.
    world.links.get_mut(&user("a")).unwrap().state = LinkState::Leaving { since: at(1) };
    assert_eq!(world.run(&people(&["b"]), &at_once, at(2)).operations, deletion);

    let only = with(|rules| rules.deactivation = Deactivation::DeactivateOnly);
    let mut world = carried(&["a", "b"]);
    assert_eq!(told(&world.run(&people(&["b"]), &only, at(1))), ["Deactivate user/a"]);
    assert_eq!(told(&world.run(&people(&["b"]), &only, at(999))), [""; 0]);

    let deletes = with(|rules| rules.deactivation = Deactivation::DeactivationDeletes);
    let mut world = carried(&["a", "b"]);
    assert_eq!(told(&world.run(&people(&["b"]), &deletes, at(1))), ["Deactivate user/a"]);
    assert!(!world.links.contains_key(&user("a")), "the target has it no more");
}

#[test]
fn what_cannot_be_switched_off_waits_and_is_deleted() {
    let key = |id: &str| ObjectKey::new(ObjectType::Group, id);
    let groups = |ids: &[&str]| -> Vec<Desired> {
        ids.iter().map(|id| wanted(key(id), &[("userName", json!(id))])).collect()
    };
    let mut world = World::default();
    world.run(&groups(&["g", "h"]), &policy(), at(0));
    assert_eq!(told(&world.run(&groups(&["h"]), &policy(), at(1))), [""; 0]);
    assert_eq!(world.links[&key("g")].state, LinkState::Leaving { since: at(1) });
    assert_eq!(told(&world.run(&groups(&["g", "h"]), &policy(), at(2))), [""; 0]);
    assert_eq!(world.links[&key("g")].state, LinkState::Active, "back again");
    world.run(&groups(&["h"]), &policy(), at(3));
    assert_eq!(told(&world.run(&groups(&["h"]), &policy(), at(33))), ["Delete group/g"]);
}

#[test]
fn nobody_leaves_by_a_reading_that_was_not_whole() {
    let world = carried(&["a", "b"]);
    for how in [Reading::Incomplete, Reading::Changes] {
        assert_eq!(told(&world.plan(&people(&["b"]), &policy(), at(1), how)), [""; 0], "{how:?}");
    }
    let mut planner = world.planner(policy(), at(1));
    planner.offer(people(&["b"]).remove(0));
    planner.gone(&user("a"));
    let plan = planner.finish(&Readings::every(Reading::Incomplete));
    assert_eq!((told(&plan), plan.notes.len()), (vec![], 0));
    assert_eq!(plan.warnings, [Warning::Incomplete { kind: ObjectType::User, leaving: 1 }]);
    let mut planner = world.planner(policy(), at(1));
    planner.gone(&user("a"));
    assert_eq!(told(&planner.finish(&Readings::every(Reading::Changes))), ["Deactivate user/a"]);
}

#[test]
fn nobody_leaves_by_an_empty_source() {
    let world = carried(&["a", "b"]);
    let plan = world.plan(&[], &policy(), at(1), Reading::All);
    assert_eq!(told(&plan), [""; 0]);
    assert_eq!(plan.warnings, [Warning::Empty { kind: ObjectType::User, leaving: 2 }]);
    let mut planner = world.planner(policy(), at(1));
    planner.gone(&user("a"));
    planner.gone(&user("b"));
    let plan = planner.finish(&Readings::every(Reading::Changes));
    assert_eq!(told(&plan), [""; 0], "a sweep that found nothing");
    assert_eq!(plan.warnings, [Warning::Empty { kind: ObjectType::User, leaving: 2 }]);
}

#[test]
fn nobody_leaves_by_a_source_that_has_strangers_alone() {
    let world = carried(&["a", "b"]);
    let plan = world.plan(&people(&["x"]), &policy(), at(1), Reading::All);
    assert_eq!(told(&plan), ["Create user/x"]);
    assert_eq!(plan.warnings, [Warning::Empty { kind: ObjectType::User, leaving: 2 }]);
    assert_eq!(plan.doubtful.len(), 2, "until somebody allows it");
    let plan = world.plan(&people(&["a", "x"]), &policy(), at(1), Reading::All);
    assert_eq!(told(&plan), ["Create user/x", "Deactivate user/b"]);
}

#[test]
fn the_last_ones_may_be_allowed_to_leave_unless_they_are_very_many() {
    let mut world = carried(&["a", "b"]);
    let plan = world.plan(&[], &policy(), at(1), Reading::All);
    let doubtful = plan.doubtful.iter().map(|one| (one.action, one.key.id.as_str(), one.afterwards.state));
    let leaving = Some(LinkState::Leaving { since: at(1) });
    let expected = ["a", "b"].map(|id| (Action::Deactivate, id, leaving));
    assert_eq!((doubtful.collect::<Vec<_>>(), plan.notes.len()), (expected.to_vec(), 0));
    assert_eq!(changes(&plan.doubtful[0]), ["active=false"]);
    // What cannot be switched off has only the note that it is missed: that waits as well.
    let without_active = with(|rules| rules.active = None);
    let plan = world.plan(&[], &without_active, at(1), Reading::All);
    assert_eq!((plan.doubtful.len(), changes(&plan.doubtful[0]).len(), plan.notes.len()), (2, 0, 0));
    // Their deletion is doubted again.
    for link in world.links.values_mut() {
        link.state = LinkState::Leaving { since: at(1) };
    }
    let (early, due) = [30, 31].map(|day| world.plan(&[], &policy(), at(day), Reading::All)).into();
    assert_eq!((early.doubtful, early.warnings), (vec![], vec![]));
    assert!(due.operations.is_empty() && due.doubtful.iter().all(|one| one.afterwards.forget));
    assert_eq!(due.doubtful.iter().map(|one| one.action).collect::<Vec<_>>(), [Action::Delete; 2]);

    let ids: Vec<String> = (0..1001).map(|id| id.to_string()).collect();
    let world = carried(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let plan = world.plan(&[], &policy(), at(1), Reading::All);
    assert_eq!((plan.operations.len(), plan.doubtful.len(), plan.notes.len()), (0, 0, 0));
    assert_eq!(plan.warnings, [Warning::Empty { kind: ObjectType::User, leaving: 1001 }]);
}

#[test]
fn what_is_said_of_the_last_ones_is_what_is_done_with_them() {
    let kind = ObjectType::User;
    let told = [1, 1000, 1001].map(|leaving| Warning::Empty { kind, leaving }.to_string());
    let look = "look at the base, the filter and what the account may read, or";
    let waits = |many: &str| {
        format!(
            "{many} of User would leave, but the source has none of those who are linked: they wait; {look} allow it"
        )
    };
    assert_eq!(told[..2], [waits("1 object"), waits("1000 objects")]);
    let not_held = format!(
        "1001 objects of User would leave, but the source has none of those who are linked: nobody does, for more than 1000 are not even \
         held back; {look} leave one there until the others are gone"
    );
    assert_eq!(told[2], not_held);
}

#[test]
fn time_passes_in_readings_of_changes_too() {
    let mut world = carried(&["a", "b"]);
    world.run(&people(&["b"]), &policy(), at(1));
    assert_eq!(told(&world.plan(&[], &policy(), at(30), Reading::Changes)), [""; 0]);
    assert_eq!(told(&world.plan(&[], &policy(), at(31), Reading::Changes)), ["Delete user/a"]);
    assert_eq!(told(&world.plan(&[], &policy(), at(31), Reading::Incomplete)), [""; 0]);
}

#[test]
fn members_do_not_leave_by_a_reading_that_was_not_whole() {
    let key = ObjectKey::new(ObjectType::Group, "g");
    let source = |ids: &[&str]| {
        let mut group = wanted(key.clone(), &[("userName", json!("g"))]);
        let all: Vec<_> = ids.iter().map(|id| user(id)).collect();
        group.references.insert("members".to_owned(), members(&all));
        let mut source = people(ids);
        source.push(group);
        source
    };
    let mut world = World::default();
    world.run(&source(&["a", "b"]), &policy(), at(0));
    let readings = |users, groups| {
        let others = ObjectType::ALL.map(|kind| (kind, Reading::All));
        others
            .into_iter()
            .chain([(ObjectType::User, users), (ObjectType::Group, groups)])
            .collect::<Readings>()
    };
    for (users, groups, expected) in [
        (Reading::Incomplete, Reading::All, vec![]),
        (Reading::All, Reading::Incomplete, vec!["Deactivate user/b"]),
        (Reading::All, Reading::All, vec!["Relate group/g", "Deactivate user/b"]),
    ] {
        let mut planner = world.planner(policy(), at(1));
        offer_all(&mut planner, source(&["a"]));
        assert_eq!(told(&planner.finish(&readings(users, groups))), expected, "{users:?} {groups:?}");
    }
}

#[test]
fn orphans_are_kept_or_deactivated_once() {
    let world = carried(&["a"]);
    let plan = |orphans, how| {
        let mut planner = world.planner(Policy { orphans, ..policy() }, at(1));
        offer_all(&mut planner, people(&["a"]));
        planner.orphan(ObjectType::User, "t1", "Local", true);
        planner.orphan(ObjectType::User, "t2", "Asleep", false);
        planner.orphan(ObjectType::Group, "t3", "No switch", true);
        planner.orphan(ObjectType::User, &world.links[&user("a")].target_id, "Linked", true);
        planner.finish(&Readings::every(how))
    };
    assert_eq!(told(&plan(Orphans::Keep, Reading::All)), [""; 0]);
    assert_eq!(told(&plan(Orphans::Deactivate, Reading::Changes)), [""; 0]);
    let plan = plan(Orphans::Deactivate, Reading::All);
    assert_eq!(told(&plan), ["Deactivate user/target:t1"]);
    assert_eq!(plan.operations[0].target_id.as_deref(), Some("t1"));
    assert_eq!(changes(&plan.operations[0]), ["active=false"]);
}

#[test]
fn a_manager_who_is_deleted_is_no_manager() {
    let mut source = people(&["a", "b"]);
    source[1].references.insert("manager".to_owned(), Reference::One(user("a")));
    let mut world = World::default();
    world.run(&source, &policy(), at(0));
    let at_once = with(|rules| rules.delete_after = SignedDuration::ZERO);
    let mut left = people(&["b"]);
    left[0].references.insert("manager".to_owned(), Reference::One(user("other")));
    let plan = world.run(&left, &at_once, at(1));
    assert_eq!(told(&plan), ["Relate user/b", "Delete user/a"]);
    assert_eq!(changes(&plan.operations[0]), ["-manager"]);
    assert_eq!(told(&world.run(&left, &at_once, at(2))), [""; 0]);
}
