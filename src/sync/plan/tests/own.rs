//! What a creation alone sends, when the rest of its attribute changes.

use serde_json::{Value, json};

use super::super::*;
use super::model::*;
use crate::sync::matching::Decision;

const WORK: &str = "phones[type eq \"work\"].value";
const HOME: &str = "phones[type eq \"home\"].value";

/// Somebody whose home number is sent at the creation alone.
fn somebody(work: &str) -> Desired {
    let mut desired =
        wanted(user("a"), &[("userName", json!("a")), ("title", json!(work)), (WORK, json!(work))]);
    desired.at_creation.insert(HOME.to_owned(), json!("creation"));
    desired
}

fn world() -> World {
    let mut world = World::default();
    world.run(&[somebody("1")], &policy(), at(0));
    world
}

/// What is sent of the attribute.
fn sent(plan: &Plan) -> Vec<String> {
    let all = plan.operations.iter().flat_map(changes);
    all.filter(|change| change.starts_with("phones") || change.starts_with("-phones")).collect()
}

fn set(path: &str, value: &str) -> String {
    format!("{path}=\"{value}\"")
}

#[test]
fn it_goes_along_as_the_target_shows_it() {
    let shown = |home: Option<Value>, policy: &Policy| {
        let mut world = world();
        let values = &mut world.objects.values_mut().next().unwrap().values;
        values.remove(HOME);
        values.extend(home.map(|home| (HOME.to_owned(), home)));
        let shown = values.clone();
        let mut planner = world.planner(policy.clone(), at(1));
        planner.compare(somebody("2"), &shown);
        sent(&planner.finish(&Readings::every(Reading::All)))
    };
    assert_eq!(shown(Some(json!("theirs")), &policy()), [set(WORK, "2"), set(HOME, "theirs")]);
    assert_eq!(shown(None, &policy()), [set(WORK, "2")], "it was taken out there");
    let mut blind = policy();
    blind.types.values_mut().for_each(|rules| rules.write_only.extend([HOME.to_owned()]));
    assert_eq!(shown(None, &blind), [set(WORK, "2"), set(HOME, "creation")], "nobody can say");
}

#[test]
fn where_the_target_is_not_listed_it_is_as_at_the_creation_until_somebody_asks() {
    let mut world = world();
    assert_eq!(sent(&world.run(&[somebody("2")], &policy(), at(1))), [set(WORK, "2"), set(HOME, "creation")]);
    assert_eq!(world.run(&[somebody("2")], &policy(), at(2)).operations, [], "once");
    let alone = Desired { values: [("userName".to_owned(), json!("b"))].into(), ..somebody("2") };
    let cleared = world.plan(&[alone], &policy(), at(3), Reading::All);
    assert_eq!(sent(&cleared), [set(HOME, "creation"), format!("-{WORK}")]);
}

#[test]
fn whoever_is_taken_over_keeps_it() {
    let mut planner = World::default().planner(policy(), at(0));
    planner.offer(somebody("1"));
    let shown = [(HOME.to_owned(), json!("theirs"))].into();
    planner.matched(&user("a"), Decision::Adopt { target_id: "t".into() }, Some(shown));
    let plan = planner.finish(&Readings::every(Reading::All));
    assert_eq!(sent(&plan), [set(WORK, "1"), set(HOME, "theirs")]);
}
