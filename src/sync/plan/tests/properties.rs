//! What holds for every plan of every source and every target.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::model::*;
use crate::clock::SignedDuration;
use crate::sync::object::Reference;
use crate::sync::plan::*;

/// A source: per number, whether it is there, and what it is.
#[derive(Debug, Clone)]
struct Source {
    units: Vec<Option<u8>>,
    people: Vec<Option<(bool, u8, Option<usize>)>>,
    groups: Vec<Option<BTreeSet<usize>>>,
}

fn source() -> impl Strategy<Value = Source> {
    let units = prop::collection::vec(prop::option::weighted(0.8, 0_u8..3), 4);
    let somebody = (prop::bool::weighted(0.8), 0_u8..3, prop::option::of(0_usize..6));
    let people = prop::collection::vec(prop::option::weighted(0.7, somebody), 6);
    let group = prop::collection::btree_set(0_usize..6, 0..6);
    let groups = prop::collection::vec(prop::option::weighted(0.7, group), 3);
    (units, people, groups).prop_map(|(units, people, groups)| Source { units, people, groups })
}

impl Source {
    fn desired(&self) -> Vec<Desired> {
        let mut all = Vec::new();
        // Groups first: the order of offers is of no matter.
        for (at, group) in self.groups.iter().enumerate() {
            let Some(group) = group else { continue };
            let mut wanted = named(ObjectType::Group, at, 0);
            let inside: Vec<_> =
                group.iter().map(|at| ObjectKey::new(ObjectType::User, at.to_string())).collect();
            wanted.references.insert("members".to_owned(), members(&inside));
            all.push(wanted);
        }
        for (at, somebody) in self.people.iter().enumerate() {
            let Some((active, title, manager)) = somebody else { continue };
            let mut wanted = named(ObjectType::User, at, *title);
            wanted.active = *active;
            let manager = manager.map(|at| Reference::One(user(&at.to_string())));
            wanted.references.extend(manager.map(|manager| ("manager".to_owned(), manager)));
            all.push(wanted);
        }
        for (at, unit) in self.units.iter().enumerate() {
            let Some(unit) = unit else { continue };
            let mut wanted = named(ObjectType::Organization, at, *unit);
            let above = (0..at).rev().fold(String::new(), |above, at| above + format!("ou={at},").as_str());
            wanted.dn = format!("ou={at},{above}dc=x");
            let parent = self.units[..at].iter().rposition(Option::is_some);
            let parent =
                parent.map(|at| Reference::One(ObjectKey::new(ObjectType::Organization, at.to_string())));
            wanted.references.extend(parent.map(|parent| ("parent".to_owned(), parent)));
            all.push(wanted);
        }
        all
    }
}

fn named(kind: ObjectType, at: usize, title: u8) -> Desired {
    let name = format!("{}{at}", kind.key());
    let mut values: Vec<(&str, Value)> = vec![("userName", json!(name))];
    if title > 0 {
        values.push(("title", json!(title.to_string())));
        values.push(("title.more", json!("same")));
    }
    Desired {
        match_by: vec![("userName".to_owned(), name)],
        ..wanted(ObjectKey::new(kind, at.to_string()), &values)
    }
}

/// A target that has some of them already, and others.
fn world(there: &[bool]) -> World {
    let mut world = World::default();
    for (at, _) in there.iter().enumerate().filter(|(_, there)| **there) {
        let values = [("userName", json!(format!("User{at}"))), ("theirs", json!(at))];
        let object = Object {
            kind: Some(ObjectType::User),
            values: values.into_iter().map(|(path, value)| (path.to_owned(), value)).collect(),
            ..Object::default()
        };
        world.objects.insert(format!("there-{at}"), object);
    }
    world
}

fn rules(days: i64) -> Policy {
    let mut policy = policy();
    for kind in ObjectType::ALL {
        policy.types.entry(kind).or_default().delete_after = SignedDuration::from_hours(24 * days);
    }
    policy
}

/// What every plan keeps to.
fn keeps_order(plan: &Plan) {
    let mut seen = BTreeSet::new();
    for (at, operation) in plan.operations.iter().enumerate() {
        assert!(seen.insert((&operation.key, operation.action)), "twice: {operation:?}");
        let later = &plan.operations[at + 1..];
        let depth = |operation: &Operation| operation.dn.matches(',').count();
        let unit = |operation: &Operation| operation.key.kind == ObjectType::Organization;
        match operation.action {
            Action::Adopt | Action::Create if unit(operation) => {
                let parents = later.iter().filter(|later| later.action <= Action::Create && unit(later));
                assert!(parents.map(depth).all(|later| later >= depth(operation)));
            }
            Action::Delete if unit(operation) => {
                assert!(
                    later.iter().all(|later| depth(later) <= depth(operation)),
                    "{operation:?} before {later:?}"
                );
            }
            Action::Delete => assert!(later.iter().all(|later| later.action == Action::Delete)),
            _ => {}
        }
    }
    for (kind, totals) in &plan.totals {
        assert!(totals.unchanged <= totals.total, "{kind:?} {totals:?}");
    }
}

/// Whether the target has what was desired.
fn is_as_desired(world: &World, source: &[Desired], deleted_at_once: bool) {
    let keys: BTreeSet<&ObjectKey> = source.iter().map(|desired| &desired.key).collect();
    for desired in source.iter().filter(|desired| desired.active) {
        let shown = world.shown(&desired.key);
        for (path, value) in &desired.values {
            assert_eq!(shown.values.get(path), Some(value), "{} {path}", desired.key);
        }
        for path in ["title", "title.more"] {
            assert_eq!(shown.values.contains_key(path), desired.values.contains_key(path), "{}", desired.key);
        }
        for (path, to) in &desired.references {
            match to {
                Reference::One(to) => {
                    let there = world.links.get(to).map(|link| &link.target_id);
                    assert_eq!(shown.refers.get(path), there, "{} {path}", desired.key);
                }
                // A source without people is not believed: nobody leaves a group by it.
                Reference::Many(_) if keys.iter().all(|key| key.kind != ObjectType::User) => {}
                Reference::Many(members) => {
                    let there = members.iter().filter_map(|member| world.links.get(member));
                    let there: BTreeSet<_> = there.map(|link| link.target_id.clone()).collect();
                    assert_eq!(
                        shown.members.get(path).cloned().unwrap_or_default(),
                        there,
                        "{}",
                        desired.key
                    );
                }
            }
        }
        if desired.key.kind == ObjectType::User {
            assert_eq!(shown.values["active"], json!(true));
        }
    }
    let off = source.iter().filter(|desired| !desired.active && world.links.contains_key(&desired.key));
    for desired in off.filter(|desired| desired.key.kind == ObjectType::User) {
        assert_eq!(world.shown(&desired.key).values["active"], json!(false));
    }
    for key in world.links.keys().filter(|key| !keys.contains(key)) {
        let none = !source.iter().any(|desired| desired.key.kind == key.kind);
        assert!(none || !deleted_at_once, "{key} is deleted");
        if !none && key.kind == ObjectType::User {
            assert_eq!(world.shown(key).values["active"], json!(false), "{key} is deactivated");
        }
    }
}

/// Whether a source has, of some type, strangers alone: nobody leaves by that.
fn is_another(world: &World, source: &[Desired]) -> bool {
    ObjectType::ALL.into_iter().any(|kind| {
        let linked: BTreeSet<_> = world.links.keys().filter(|key| key.kind == kind).collect();
        let here: BTreeSet<_> =
            source.iter().map(|desired| &desired.key).filter(|key| key.kind == kind).collect();
        !linked.is_empty() && !here.is_empty() && linked.is_disjoint(&here)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn a_plan_brings_about_what_is_desired_and_the_next_one_is_empty(
        sources in prop::collection::vec(source(), 1..4),
        there in prop::collection::vec(any::<bool>(), 8),
        days in prop::sample::select(vec![0_i64, 30]),
    ) {
        let (mut world, policy) = (world(&there), rules(days));
        let strangers: Vec<_> = (6..8).filter_map(|at| world.objects.get(&format!("there-{at}")).cloned()).collect();
        for (day, source) in (0_i64..).zip(&sources) {
            let desired = source.desired();
            if is_another(&world, &desired) {
                continue;
            }
            let plan = world.run(&desired, &policy, at(day));
            keeps_order(&plan);
            is_as_desired(&world, &desired, days == 0);
            let again = world.run(&desired, &policy, at(day));
            prop_assert_eq!(told(&again), Vec::<String>::new());
            prop_assert!(again.notes.is_empty(), "{:?}", again.notes);
        }
        let left: Vec<_> = (6..8).filter_map(|at| world.objects.get(&format!("there-{at}")).cloned()).collect();
        prop_assert_eq!(left, strangers, "whom only the target has is never touched");
    }

    #[test]
    fn nobody_is_taken_away_by_half_a_reading(
        first in source(),
        second in source(),
        gone in prop::collection::vec(0_usize..6, 0..4),
    ) {
        let (mut world, policy) = (World::default(), rules(0));
        world.run(&first.desired(), &policy, at(0));
        let mut planner = world.planner(policy, at(1));
        offer_all(&mut planner, second.desired());
        for at in gone {
            planner.gone(&user(&at.to_string()));
        }
        world.match_all(&mut planner);
        let plan = planner.finish(&Readings::default());
        keeps_order(&plan);
        for operation in &plan.operations {
            prop_assert!(operation.action < Action::Deactivate, "{:?}", operation);
            let leaves = operation.changes.iter().any(|change| matches!(change, Change::Leave { .. }));
            prop_assert!(!leaves, "{:?}", operation);
        }
        prop_assert!(plan.notes.iter().all(|note| !note.forget && note.state.is_none_or(|state| state == LinkState::Active)));
    }

    #[test]
    fn the_order_of_offers_is_of_no_matter(first in source(), second in source()) {
        let (mut world, policy) = (World::default(), rules(0));
        world.run(&first.desired(), &policy, at(0));
        let mut desired = second.desired();
        let plan = world.plan(&desired, &policy, at(1), Reading::All);
        desired.reverse();
        prop_assert_eq!(world.plan(&desired, &policy, at(1), Reading::All), plan);
    }
}
