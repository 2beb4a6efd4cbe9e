//! What is sent: changed values, with the rest of their attribute; drift, immutable and write-only paths, adoption.

use serde_json::{Value, json};

use super::model::*;
use crate::sync::link::PathSums;
use crate::sync::object::Reference;
use crate::sync::plan::*;

/// Path and value.
type At = (&'static str, Value);

const WORK: &str = "addresses[type eq \"work\"].locality";
const CODE: &str = "addresses[type eq \"work\"].postalCode";

fn one(values: &[(&str, Value)]) -> Vec<Desired> {
    let mut all = vec![("userName", json!("a"))];
    all.extend(values.iter().cloned());
    vec![wanted(user("a"), &all)]
}

fn carried(values: &[(&str, Value)]) -> World {
    let mut world = World::default();
    world.run(&one(values), &policy(), at(0));
    world
}

fn with(change: impl Fn(&mut TypePolicy)) -> Policy {
    let mut policy = policy();
    policy.types.values_mut().for_each(change);
    policy
}

fn compared(world: &World, desired: Desired, policy: &Policy) -> Plan {
    let mut planner = world.planner(policy.clone(), at(1));
    let shown = world.shown(&desired.key).values.clone();
    planner.compare(desired, &shown);
    planner.finish(&Readings::every(Reading::All))
}

#[test]
fn a_creation_sends_everything_and_a_second_run_nothing() {
    let mut source = one(&[("title", json!("")), ("nickName", Value::Null), (WORK, json!("東京"))]);
    source[0].at_creation.insert("locale".to_owned(), json!("ja"));
    source[0].random.push("password".to_owned());
    source[0].values.insert("active".to_owned(), json!(true));
    let mut world = World::default();
    let plan = world.run(&source, &policy(), at(0));
    assert_eq!(told(&plan), ["Create user/a"]);
    let sent = changes(&plan.operations[0]);
    let place = format!("{WORK}=\"東京\"");
    assert_eq!(sent, [&place, "userName=\"a\"", "locale=\"ja\"", "active=true", "?password"]);
    assert_eq!(plan.operations[0].match_by, [("userName".to_owned(), "a".to_owned())]);
    assert_eq!(plan.totals[&ObjectType::User], Totals { total: 1, add: 1, ..Totals::default() });
    let plan = world.run(&source, &policy(), at(1));
    assert_eq!((told(&plan), plan.notes.len()), (vec![], 0));
    assert_eq!(
        plan.totals[&ObjectType::User],
        Totals { total: 1, unchanged: 1, linked: 1, ..Totals::default() }
    );
}

#[test]
fn what_changed_is_sent_with_the_rest_of_its_attribute() {
    let before = [("title", json!("x")), (WORK, json!("a")), (CODE, json!("1"))];
    let place = |value: &str| format!("{WORK}=\"{value}\"");
    let code = |value: &str| format!("{CODE}=\"{value}\"");
    let cases: [(&[At], Vec<String>); 6] = [
        (&[("title", json!("y")), (WORK, json!("a")), (CODE, json!("1"))], vec!["title=\"y\"".into()]),
        (&[("title", json!("x")), (WORK, json!("b")), (CODE, json!("1"))], vec![place("b"), code("1")]),
        (&[("title", json!("x")), (WORK, json!("a"))], vec![place("a"), format!("-{CODE}")]),
        (&[("title", json!("x"))], vec![format!("-{WORK}"), format!("-{CODE}")]),
        (&[("title", json!("")), (WORK, json!("a")), (CODE, json!("1"))], vec!["-title".into()]),
        (&before, vec![]),
    ];
    for (after, expected) in cases {
        let mut world = carried(&before);
        let plan = world.run(&one(after), &policy(), at(1));
        let sent: Vec<String> = plan.operations.iter().flat_map(changes).collect();
        assert_eq!(sent, expected, "{after:?}");
        assert_eq!(told(&world.run(&one(after), &policy(), at(2))), [""; 0]);
    }
}

#[test]
fn drift_is_put_right_and_what_is_not_managed_is_left() {
    let source = one(&[("title", json!("x")), ("tags", json!(["a", "b"])), ("note", json!("n"))]);
    let cases: [(&str, Option<Value>, &[&str]); 8] = [
        ("title", Some(json!("changed")), &["title=\"x\""]),
        ("title", None, &["title=\"x\""]),
        ("tags", Some(json!(["b", "a"])), &[]),
        ("tags", Some(json!(["b"])), &["tags=[\"a\",\"b\"]"]),
        ("unmanaged", Some(json!("theirs")), &[]),
        ("userName", Some(json!("A")), &[]),
        ("note", None, &[]),
        ("active", Some(json!(false)), &["active=true"]),
    ];
    let policy = with(|rules| rules.write_only = ["note".to_owned()].into());
    for (path, there, expected) in cases {
        let mut world = World::default();
        world.run(&source, &policy, at(0));
        let id = world.links[&user("a")].target_id.clone();
        let values = &mut world.objects.get_mut(&id).unwrap().values;
        match there {
            Some(value) => drop(values.insert(path.to_owned(), value)),
            None => drop(values.remove(path)),
        }
        let plan = compared(&world, source[0].clone(), &policy);
        let sent: Vec<String> = plan.operations.iter().flat_map(changes).collect();
        assert_eq!(sent, expected, "{path}");
    }
}

#[test]
fn who_was_made_usable_by_hand_is_deactivated_again() {
    let mut world = carried(&[]);
    let mut off = one(&[]);
    off[0].active = false;
    world.run(&off, &policy(), at(1));
    assert_eq!(told(&compared(&world, off[0].clone(), &policy())), [""; 0]);
    let id = world.links[&user("a")].target_id.clone();
    world.objects.get_mut(&id).unwrap().values.insert("active".into(), json!("True"));
    assert_eq!(told(&compared(&world, off[0].clone(), &policy())), ["Deactivate user/a"]);
}

#[test]
fn what_is_right_at_the_target_already_is_only_noted() {
    let mut world = carried(&[("title", json!("x"))]);
    let id = world.links[&user("a")].target_id.clone();
    world.objects.get_mut(&id).unwrap().values.insert("title".into(), json!("y"));
    let now = one(&[("title", json!("y"))]);
    let plan = compared(&world, now[0].clone(), &policy());
    assert_eq!(told(&plan), [""; 0]);
    world.carry_out(&plan);
    assert_eq!(told(&world.run(&now, &policy(), at(2))), [""; 0], "by its sum too");
}

#[test]
fn a_write_only_path_is_compared_by_its_sum() {
    let policy = with(|rules| rules.write_only = ["title".to_owned()].into());
    let world = carried(&[("title", json!("x"))]);
    let plan = compared(&world, one(&[("title", json!("y"))]).remove(0), &policy);
    assert_eq!(changes(&plan.operations[0]), ["title=\"y\""]);
}

#[test]
fn what_the_target_does_not_take_is_skipped_with_a_warning() {
    let world = carried(&[("title", json!("x"))]);
    let after = vec![wanted(user("a"), &[("userName", json!("b")), ("title", json!("y"))])];
    let immutable = |rules: &mut TypePolicy| rules.immutable = ["userName".to_owned()].into();
    let plan = world.plan(&after, &with(immutable), at(1), Reading::All);
    assert_eq!(changes(&plan.operations[0]), ["title=\"y\""]);
    assert_eq!(plan.skipped[0].cause.to_string(), "skip: immutable at target: userName");
    assert_eq!(
        plan.warnings[0].to_string(),
        "cn=a,dc=x: the target takes userName at creation only and keeps the old value"
    );
    let totals = plan.totals[&ObjectType::User];
    assert_eq!((totals.total, totals.modify, totals.skip, totals.unchanged), (1, 1, 1, 0));
}

#[test]
fn or_it_is_made_anew_in_two_runs() {
    let mut world = carried(&[]);
    let after = vec![wanted(user("a"), &[("userName", json!("b"))])];
    let recreate = with(|rules| {
        rules.immutable.insert("userName".to_owned());
        rules.immutable_change = ImmutableChange::Recreate;
    });
    let plan = world.run(&after, &recreate, at(1));
    assert_eq!(told(&plan), ["Delete user/a"]);
    assert!(!plan.operations[0].afterwards.deactivate, "nobody has left");
    assert_eq!(told(&world.run(&after, &recreate, at(1))), ["Create user/a"]);
    assert_eq!(world.shown(&user("a")).values["userName"], json!("b"));
    assert_eq!(told(&world.run(&after, &recreate, at(1))), [""; 0]);
    let world = carried(&[]);
    let mut never = recreate.clone();
    never.types.values_mut().for_each(|rules| rules.deactivation = Deactivation::DeactivateOnly);
    assert_eq!(told(&world.plan(&after, &never, at(1), Reading::All)), [""; 0], "it never deletes there");
}

#[test]
fn a_link_whose_object_is_gone_is_made_anew() {
    let key = ObjectKey::new(ObjectType::Group, "g");
    let mut source = one(&[]);
    source.push(wanted(user("b"), &[("userName", json!("b"))]));
    source[1].references.insert("manager".to_owned(), Reference::One(user("a")));
    source.push(wanted(key.clone(), &[("userName", json!("g"))]));
    source[2].references.insert("members".to_owned(), members(&[user("a"), user("b")]));
    let mut world = World::default();
    world.run(&source, &policy(), at(0));
    let id = world.links[&user("a")].target_id.clone();
    world.objects.remove(&id);
    let mut planner = world.planner(policy(), at(1));
    let lost: Vec<_> = planner
        .linked()
        .filter(|(_, id)| !world.objects.contains_key(*id))
        .map(|(key, _)| key.clone())
        .collect();
    for key in &lost {
        planner.lost(key);
    }
    offer_all(&mut planner, source.clone());
    world.match_all(&mut planner);
    let plan = planner.finish(&Readings::every(Reading::All));
    assert_eq!(told(&plan), ["Create user/a", "Relate user/b", "Relate group/g"]);
    assert_eq!(changes(&plan.operations[1]), ["manager>user/a"]);
    assert_eq!(changes(&plan.operations[2]), ["members+a"]);
    world.carry_out(&plan);
    assert_eq!(world.shown(&key).members["members"].len(), 3, "the target of this test keeps the dead id");
    assert_eq!(told(&world.run(&source, &policy(), at(2))), [""; 0]);
}

#[test]
fn what_is_found_is_taken_over_with_what_differs() {
    let mut world = World::default();
    let values = [("userName", json!("A")), ("title", json!("x")), ("theirs", json!("z"))];
    let there = Object {
        kind: Some(ObjectType::User),
        values: values.into_iter().map(|(path, value)| (path.to_owned(), value)).collect(),
        ..Object::default()
    };
    world.objects.insert("t1".into(), there);
    let source = one(&[("title", json!("x")), ("nickName", json!("n"))]);
    let plan = world.run(&source, &policy(), at(0));
    assert_eq!(told(&plan), ["Adopt user/a"]);
    assert_eq!(changes(&plan.operations[0]), ["active=true", "nickName=\"n\"", "userName=\"a\""]);
    assert_eq!(plan.operations[0].target_id.as_deref(), Some("t1"));
    assert_eq!(told(&world.run(&source, &policy(), at(1))), [""; 0], "what was right is known too");
    assert_eq!(world.objects["t1"].values["theirs"], json!("z"));
}

#[test]
fn two_that_find_the_same_are_a_conflict_for_both() {
    let mut planner = World::default().planner(policy(), at(0));
    for id in ["a", "b", "c"] {
        planner.offer(wanted(user(id), &[]));
    }
    for id in ["b", "a"] {
        planner.matched(&user(id), Decision::Adopt { target_id: "t".into() }, None);
    }
    planner.matched(&user("nobody"), Decision::Create, None);
    let plan = planner.finish(&Readings::every(Reading::All));
    assert_eq!(told(&plan), [""; 0]);
    let told: Vec<_> =
        plan.conflicts.iter().map(|conflict| format!("{}: {}", conflict.dn, conflict.cause)).collect();
    assert_eq!(
        told,
        [
            "cn=a,dc=x: userName \"a\" at the target is that of t, which cn=b,dc=x wants as well; \
             give one of the two another userName in the directory",
            "cn=b,dc=x: userName \"b\" at the target is that of t, which cn=a,dc=x wants as well; \
             give one of the two another userName in the directory",
        ]
    );
    assert_eq!(plan.skipped[0].cause, SkipCause::NotMatched, "nobody asked for c");
    let totals = plan.totals[&ObjectType::User];
    assert_eq!((totals.total, totals.skip, totals.unchanged), (3, 3, 0));
}

#[test]
fn a_conflict_names_who_is_in_the_way_and_what_helps() {
    let mut world = World::default();
    world.run(&[wanted(user("a"), &[]), wanted(user("b"), &[])], &policy(), at(0));
    for object in world.objects.values_mut() {
        object.values.insert("userName".into(), json!("tanaka"));
    }
    let again = wanted(user("new"), &[]);
    let conflict = |world: &World| {
        let mut planner = world.planner(policy(), at(2));
        let found = vec![("made-1".to_owned(), planner.holder(ObjectType::User, "made-1").cloned())];
        let (path, value) = ("userName".into(), "tanaka".into());
        planner.offer(again.clone());
        let cause = crate::sync::matching::Conflict {
            path,
            value,
            found,
            more: 0,
            holders: Vec::new(),
            wanted: false,
        };
        planner.matched(&user("new"), Decision::Conflict(cause), None);
        let plan = planner.finish(&Readings::every(Reading::Changes));
        plan.conflicts[0].cause.to_string()
    };
    assert_eq!(
        conflict(&world),
        "userName \"tanaka\" at the target is that of made-1, which belongs to cn=a,dc=x; \
         give one of the two another userName in the directory"
    );
    world.run(&[wanted(user("b"), &[])], &policy(), at(1));
    assert_eq!(
        conflict(&world),
        "userName \"tanaka\" at the target is that of made-1, which belongs to cn=a,dc=x; cn=a,dc=x is gone from the \
         directory since 2023-11-16 07:13 +09:00: delete made-1 at the target, wait until it is deleted there after \
         2023-12-16 07:13 +09:00, or give the new one another userName"
    );
}

#[test]
fn reports_and_twice_told_objects_change_nothing() {
    use crate::sync::matching::Report;
    let mut planner = World::default().planner(policy(), at(0));
    planner.offer(wanted(user("a"), &[]));
    planner.offer(wanted(user("a"), &[]));
    planner.offer(wanted(user("b"), &[]));
    planner.matched(&user("a"), Decision::Report(Report::Nothing), None);
    planner.matched(&user("b"), Decision::Skip, None);
    let plan = planner.finish(&Readings::every(Reading::All));
    assert_eq!((told(&plan), plan.reports.len(), plan.skipped.len()), (vec![], 1, 1));
    assert_eq!(plan.warnings, [Warning::Twice { dn: "cn=a,dc=x".into() }]);
}

#[test]
fn members_go_in_parts_and_only_those_who_are_there() {
    let key = ObjectKey::new(ObjectType::Group, "g");
    let all: Vec<_> = ["a", "b", "c", "d", "e"].map(user).into();
    let mut source: Vec<_> =
        all.iter().map(|key| wanted(key.clone(), &[("userName", json!(key.id))])).collect();
    let mut group = wanted(key.clone(), &[("userName", json!("g"))]);
    group.references.insert("members".to_owned(), members(&[all.as_slice(), &[user("stranger")]].concat()));
    source.push(group.clone());
    let mut world = World::default();
    let plan = world.run(&source, &policy(), at(0));
    assert_eq!(changes(plan.operations.last().unwrap()), ["members+a,b", "members+c,d", "members+e"]);
    group.references.insert("members".to_owned(), members(&[user("e")]));
    *source.last_mut().unwrap() = group;
    let plan = world.run(&source, &policy(), at(1));
    assert_eq!(told(&plan), ["Relate group/g"]);
    assert_eq!(changes(&plan.operations[0]), ["members-a,b", "members-c,d"]);
    assert_eq!(plan.sizes, [(key, 5)]);
}

#[test]
fn who_moved_is_noted() {
    let mut world = carried(&[]);
    let mut moved = one(&[]);
    moved[0].dn = "cn=a,ou=new,dc=x".to_owned();
    let plan = world.run(&moved, &policy(), at(1));
    assert_eq!(told(&plan), [""; 0]);
    assert_eq!(world.links[&user("a")].dn, "cn=a,ou=new,dc=x");
}

#[test]
fn parents_go_before_children_and_after_them() {
    let unit = |id: &str, dn: &str| Desired {
        dn: dn.to_owned(),
        ..wanted(ObjectKey::new(ObjectType::Organization, id), &[("userName", json!(id))])
    };
    let group = |id: &str, parent: Option<&str>| {
        let mut group = wanted(ObjectKey::new(ObjectType::Group, id), &[("userName", json!(id))]);
        let parent = parent.map(|id| Reference::One(ObjectKey::new(ObjectType::Group, id)));
        group.references.extend(parent.map(|parent| ("parent".to_owned(), parent)));
        group
    };
    let source = vec![
        group("1", Some("2")),
        group("2", Some("3")),
        group("3", None),
        wanted(user("a"), &[("userName", json!("a"))]),
        unit("7", "ou=a,ou=b,dc=x"),
        unit("8", "ou=b,dc=x"),
    ];
    let mut world = World::default();
    let plan = world.run(&source, &policy(), at(0));
    assert_eq!(
        told(&plan)[..6],
        [
            "Create organization/8",
            "Create organization/7",
            "Create user/a",
            "Create group/3",
            "Create group/2",
            "Create group/1",
        ]
    );
    let mut at_once = policy();
    for kind in ObjectType::ALL {
        at_once.types.entry(kind).or_default().delete_after = crate::clock::SignedDuration::ZERO;
    }
    let mut planner = world.planner(at_once, at(1));
    for key in world.links.keys().filter(|key| key.id != "3" && key.id != "a") {
        planner.gone(key);
    }
    planner.offer(unit("9", "ou=c,dc=x"));
    planner.matched(&ObjectKey::new(ObjectType::Organization, "9"), Decision::Create, None);
    let plan = planner.finish(&Readings::every(Reading::Changes));
    assert_eq!(
        told(&plan),
        [
            "Create organization/9",
            "Delete group/1",
            "Delete group/2",
            "Delete organization/7",
            "Delete organization/8",
        ]
    );
}

#[test]
fn a_plan_goes_through_a_file_as_long_as_nothing_changes() {
    let mut world = World::default();
    let source = one(&[("title", json!("x"))]);
    let state = world.links.values().fold(StateHash::default(), StateHash::with_link);
    let plan = world.plan(&source, &policy(), at(0), Reading::All);
    let text = PlanFile::new("saas", plan.clone(), state, at(0)).to_text().unwrap();
    let file = || PlanFile::parse(&text).unwrap();
    assert_eq!(file().take("saas", state).unwrap(), plan);
    assert_eq!(
        file().take("other", state).unwrap_err().to_string(),
        "the plan is for the target \"saas\", not for \"other\""
    );
    world.carry_out(&plan);
    let changed = world.links.values().fold(StateHash::default(), StateHash::with_link);
    let error = file().take("saas", changed).unwrap_err().to_string();
    assert!(error.starts_with("something has changed since the plan was made at 2023-11-14T"), "{error}");
    let older = text.replace("\"version\": 2", "\"version\": 1");
    assert_eq!(
        PlanFile::parse(&older).unwrap_err().to_string(),
        "the plan has version 1, this sekisho knows version 2; make it anew: sekisho sync plan --out FILE"
    );
    assert!(matches!(PlanFile::parse("{}"), Err(PlanFileError::NoPlan(_))));
}

#[test]
fn what_the_target_shows_of_references_is_put_right_and_strangers_stay() {
    let mut world = World::default();
    let staff = ObjectKey::new(ObjectType::Group, "g");
    let mut team = wanted(staff.clone(), &[("displayName", json!("Staff"))]);
    team.references.insert("members".to_owned(), members(&[user("a"), user("b")]));
    let mut source = ["a", "b", "c"].map(|id| wanted(user(id), &[("userName", json!(id))])).to_vec();
    source[0].references.insert("manager".to_owned(), Reference::One(user("b")));
    source.push(team.clone());
    world.run(&source, &policy(), at(0));
    let id = |id: &str| world.links[&user(id)].target_id.clone();
    let compared = |members: Vec<String>, manager: &str| {
        let mut planner = world.planner(policy(), at(1));
        let shown = |pairs: Vec<(&str, Value)>| -> Shown {
            pairs.into_iter().map(|(path, value)| (path.to_owned(), value)).collect()
        };
        let of_team = vec![("displayName", json!("Staff")), ("members", json!(members))];
        planner.compare(team.clone(), &shown(of_team));
        let of_a = vec![("userName", json!("a")), ("active", json!(true)), ("manager", json!(manager))];
        planner.compare(source[0].clone(), &shown(of_a));
        source[1..3].iter().for_each(|desired| planner.offer(desired.clone()));
        let plan = planner.finish(&Readings::every(Reading::All));
        plan.operations.iter().flat_map(changes).collect::<Vec<_>>()
    };
    assert_eq!(compared(vec![id("a"), id("b"), "stranger".to_owned()], &id("b")), [""; 0]);
    assert_eq!(compared(vec!["uid=a".to_owned()], "uid=b"), [""; 0], "they are not told by their ids");
    assert_eq!(
        compared(vec![id("a"), id("c"), "stranger".to_owned()], &id("c")),
        ["manager>user/b", "members+b", "members-c"]
    );
}

#[test]
fn an_id_of_one_type_says_nothing_of_another() {
    let link = |kind, id: &str| Link {
        key: ObjectKey::new(kind, id),
        dn: String::new(),
        target_id: "1".to_owned(),
        state: LinkState::Active,
        sums: PathSums::default(),
        members: BTreeMap::new(),
    };
    let links = [link(ObjectType::User, "u"), link(ObjectType::Group, "g")];
    let planner = Planner::new(links, policy(), at(0));
    let holder = |kind| planner.holder(kind, "1").map(|key| key.id.as_str());
    assert_eq!((holder(ObjectType::User), holder(ObjectType::SecurityGroup)), (Some("u"), Some("g")));
    assert_eq!(holder(ObjectType::Organization), None);
}

#[test]
fn what_cannot_be_read_stays_with_all_that_is_written_together_with_it() {
    let before = [("title", json!("x")), ("nick", json!("n")), (WORK, json!("a")), (CODE, json!("1"))];
    let unread = |path: &str, mut source: Vec<Desired>| {
        source[0].at_creation.insert(path.to_owned(), Value::Null);
        source
    };
    let sent = |source: Vec<Desired>| {
        let mut world = carried(&before);
        world.run(&source, &policy(), at(1)).operations.iter().flat_map(changes).collect::<Vec<_>>()
    };
    let title = |value: &str| ("title", json!(value));
    assert_eq!(sent(unread("nick", one(&[title("x"), (WORK, json!("a")), (CODE, json!("1"))]))), [""; 0]);
    let moved = [title("y"), ("nick", json!("n")), (WORK, json!("b"))];
    assert_eq!(sent(unread(CODE, one(&moved))), ["title=\"y\""]);
    let plan = World::default().run(&unread("nick", one(&[title("x")])), &policy(), at(0));
    assert_eq!(changes(&plan.operations[0]), ["title=\"x\"", "userName=\"a\"", "active=true"]);
    let target = BTreeMap::from([("nick".to_owned(), json!("theirs"))]);
    let mut planner = carried(&[title("x")]).planner(policy(), at(1));
    planner.compare(unread("nick", one(&[title("x")])).remove(0), &target);
    let plan = planner.finish(&Readings::every(Reading::All));
    assert!(plan.operations.iter().flat_map(changes).all(|change| !change.contains("nick")), "{plan:?}");
}
