//! Limits line by line.

use proptest::prelude::*;

use super::*;
use crate::sync::Afterwards;
use crate::sync::plan::Totals;

fn gate(plan: &mut Plan, policy: &GatePolicy) -> Gated {
    super::gate(plan, policy, (&BTreeMap::new(), &Before::default()))
}

fn user(at: u64) -> ObjectKey {
    ObjectKey::new(ObjectType::User, format!("{at:04}"))
}

fn operation(action: Action, key: ObjectKey, changes: Vec<Change>) -> Operation {
    let dn = format!("cn={}", key.id);
    Operation {
        action,
        target_id: Some("t".to_owned()),
        dn,
        key,
        changes,
        match_by: Vec::new(),
        afterwards: Afterwards::default(),
    }
}

fn plan(linked: u64, operations: Vec<Operation>) -> Plan {
    let totals =
        [ObjectType::User, ObjectType::Group].map(|kind| (kind, Totals { linked, ..Totals::default() }));
    Plan { operations, totals: totals.into(), ..Plan::default() }
}

fn many(action: Action, count: u64) -> Vec<Operation> {
    (0..count).map(|at| operation(action, user(at), vec![])).collect()
}

fn leave(members: impl Iterator<Item = u64>) -> Change {
    Change::Leave { path: "members".to_owned(), members: members.map(user).collect() }
}

fn noted(key: &ObjectKey, after: Option<Action>, forget: bool) -> Note {
    Note { key: key.clone(), after, dn: None, state: None, held: BTreeMap::new(), forget }
}

fn counts(gated: &Gated) -> (usize, usize, usize) {
    (gated.released.len(), gated.held.len(), gated.causes.len())
}

#[test]
fn the_larger_of_percent_and_count_is_the_limit() {
    for (linked, planned, held) in [(10, 50, 0), (10, 51, 51), (2000, 100, 0), (2000, 101, 101)] {
        for action in [Action::Delete, Action::Deactivate, Action::Modify] {
            let gated = gate(&mut plan(linked, many(action, planned)), &GatePolicy::default());
            let expected = (planned - held, held, u64::from(held > 0));
            let (released, held, causes) = counts(&gated);
            let found = (released as u64, held as u64, causes as u64);
            assert_eq!(found, expected, "{action:?} {planned} of {linked}");
        }
    }
    let free = gate(&mut plan(10, many(Action::Create, 900)), &GatePolicy::default());
    assert_eq!(counts(&free), (900, 0, 0));
}

#[test]
fn over_a_limit_nothing_is_taken_away_and_what_gives_passes() {
    let mut operations = many(Action::Create, 3);
    operations.extend((100..104).map(|at| operation(Action::Modify, user(at), vec![])));
    operations.push(operation(Action::Activate, user(200), vec![]));
    operations.push(operation(Action::Deactivate, user(300), vec![]));
    operations.extend((400..460).map(|at| operation(Action::Delete, user(at), vec![])));
    operations.push(operation(Action::Delete, ObjectKey::new(ObjectType::Group, "g"), vec![]));
    let mut planned = plan(60, operations);
    planned.notes = vec![
        noted(&user(300), Some(Action::Deactivate), false),
        noted(&user(400), Some(Action::Delete), true),
        noted(&user(200), Some(Action::Activate), false),
        noted(&user(999), None, true),
    ];
    let gated = gate(&mut planned.clone(), &GatePolicy::default());
    assert_eq!(counts(&gated), (3 + 4 + 1 + 1, 61, 1));
    assert!(gated.released.iter().all(|found| found.action < Action::Deactivate || found.key.id == "g"));
    assert_eq!(gated.notes.iter().map(|note| note.key.clone()).collect::<Vec<_>>(), [user(200), user(999)]);
    assert_eq!(
        gated.causes[0].sentence("17"),
        "60 of 60 objects of User would be deleted, the limit is 50; when that is as it should be: sekisho sync \
         allow 17"
    );
    let all = gate(&mut planned.clone(), &GatePolicy { over: Over::All, ..GatePolicy::default() });
    assert_eq!((counts(&all), all.notes.len()), ((0, 70, 1), 0));
}

#[test]
fn whom_a_first_run_finds_is_not_counted_among_those_who_are_linked() {
    for (linked, told) in [
        (0, "51 objects of User would be deactivated, and 0 are linked so far; the limit is 50"),
        (50, "51 objects of User would be deactivated, and 50 are linked so far; the limit is 50"),
        (51, "51 of 51 objects of User would be deactivated, the limit is 50"),
    ] {
        let gated = gate(&mut plan(linked, many(Action::Deactivate, 51)), &GatePolicy::default());
        assert_eq!(gated.causes[0].to_string(), told);
    }
}

#[test]
fn a_change_of_too_many_holds_the_changes() {
    let mut operations = many(Action::Modify, 51);
    operations.push(operation(Action::Delete, user(99), vec![]));
    operations.push(operation(Action::Create, user(100), vec![]));
    assert_eq!(counts(&gate(&mut plan(9, operations), &GatePolicy::default())), (1, 52, 1));
}

#[test]
fn a_deactivation_by_which_the_target_deletes_is_a_deletion() {
    let strict = Limits { delete: Limit { percent: 0, count: 0 }, ..Limits::default() };
    let policy = GatePolicy { types: [(ObjectType::User, strict)].into(), ..GatePolicy::default() };
    let mut planned = plan(9, many(Action::Deactivate, 1));
    assert_eq!(counts(&gate(&mut planned.clone(), &policy)), (1, 0, 0));
    planned.notes = vec![noted(&user(0), Some(Action::Deactivate), true)];
    let gated = gate(&mut planned.clone(), &policy);
    assert_eq!((counts(&gated), gated.notes.len()), ((0, 1, 1), 0));
}

#[test]
fn too_many_do_not_leave_one_group_and_others_join_it() {
    let key = ObjectKey::new(ObjectType::Group, "g");
    let join = Change::Join { path: "members".to_owned(), members: vec![user(900)] };
    let relate = |from, to| vec![operation(Action::Relate, key.clone(), vec![join.clone(), leave(from..to)])];
    let mut small = plan(9, relate(0, 51));
    small.sizes = vec![(key.clone(), 100)];
    let gated = gate(&mut small.clone(), &GatePolicy::default());
    assert_eq!(gated.released[0].changes, std::slice::from_ref(&join));
    assert_eq!(gated.held[0].changes, [leave(0..51)]);
    assert_eq!(gated.causes[0].to_string(), "51 of 100 members would leave cn=g, the limit is 50");
    small.sizes = vec![(key.clone(), 2000)];
    assert_eq!(counts(&gate(&mut small.clone(), &GatePolicy::default())), (1, 0, 0));
}

#[test]
fn who_waits_leaves_no_group() {
    let key = ObjectKey::new(ObjectType::Group, "g");
    let mut operations = many(Action::Delete, 51);
    operations.push(operation(Action::Relate, key.clone(), vec![leave(49..53)]));
    let mut planned = plan(9, operations);
    planned.sizes = vec![(key, 4)];
    let gated = gate(&mut planned.clone(), &GatePolicy::default());
    assert_eq!(gated.released.len(), 1);
    assert_eq!(gated.released[0].changes, [leave(51..53)]);
    assert_eq!(gated.held.last().unwrap().changes, [leave(49..51)]);
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_passes_a_limit(
        actions in prop::collection::vec((0_u64..40, 0_u8..5), 0..60),
        linked in 0_u64..100,
        count in 0_u64..6,
    ) {
        let all = [Action::Create, Action::Modify, Action::Activate, Action::Deactivate, Action::Delete];
        let operations: Vec<_> =
            actions.iter().map(|(at, action)| operation(all[usize::from(*action)], user(*at), vec![])).collect();
        let limit = Limit { percent: 5, count };
        let limits = Limits { delete: limit, deactivate: limit, modify: limit, members: limit };
        let policy = GatePolicy { types: [(ObjectType::User, limits)].into(), ..GatePolicy::default() };
        let gated = gate(&mut plan(linked, operations.clone()), &policy);
        prop_assert_eq!(gated.released.len() + gated.held.len(), operations.len());
        prop_assert_eq!(gated.held.is_empty(), gated.causes.is_empty());
        for action in [Action::Modify, Action::Deactivate, Action::Delete] {
            let released = gated.released.iter().filter(|found| found.action == action).count() as u64;
            prop_assert!(released <= count.max(linked * 5 / 100));
        }
        prop_assert!(gated.held.iter().all(|held| !matches!(held.action, Action::Create | Action::Activate)));
    }
}

#[test]
fn nobody_of_a_domain_that_is_not_there_leaves_unseen() {
    let operations = many(Action::Deactivate, 2);
    let planned = plan(9, operations.clone());
    assert_eq!(gate(&mut planned.clone(), &GatePolicy::default()).held, []);
    let away = BTreeMap::from([(user(1), "corp/child.example.test".to_owned())]);
    let gated = super::gate(&mut planned.clone(), &GatePolicy::default(), (&away, &Before::default()));
    assert_eq!((gated.released.as_slice(), gated.held.as_slice()), operations.split_at(1));
    let told: Vec<String> = gated.causes.iter().map(ToString::to_string).collect();
    let expected =
        "1 object of corp/child.example.test, which is not there any more, would be deactivated or deleted";
    assert_eq!(told, [expected]);
}

#[test]
fn a_domain_that_is_not_there_stops_nobody_of_another_one() {
    let mut operations = many(Action::Deactivate, 60);
    let key = ObjectKey::new(ObjectType::Group, "g");
    operations.push(operation(Action::Relate, key, vec![leave(49..60)]));
    let away = (0..55).map(|at| (user(at), "corp/child.example.test".to_owned())).collect();
    let gated = super::gate(&mut plan(60, operations), &GatePolicy::default(), (&away, &Before::default()));
    assert_eq!(counts(&gated), (5 + 1, 55 + 1, 1));
    assert_eq!(gated.released.last().unwrap().changes, [leave(55..60)]);
    assert_eq!(gated.held.last().unwrap().changes, [leave(49..55)]);
}

#[test]
fn what_was_taken_away_within_a_day_counts() {
    let after = |earlier: [u64; 2], action, planned| {
        let mut plan = plan(10, many(action, planned));
        plan.earlier = BTreeMap::from([(ObjectType::User, earlier)]);
        gate(&mut plan, &GatePolicy::default())
    };
    assert_eq!(counts(&after([30, 0], Action::Deactivate, 20)), (20, 0, 0));
    let held = after([31, 0], Action::Deactivate, 20);
    assert_eq!(counts(&held), (0, 20, 1));
    let told = "20 objects of User would be deactivated, 31 more within a day, and 10 are linked so far; the limit is 50";
    assert_eq!(held.causes[0].to_string(), told);
    let few = after([50, 0], Action::Deactivate, 2).causes.remove(0);
    let told = "2 of 10 objects of User would be deactivated, and 50 more within a day; the limit is 50";
    assert_eq!(few.to_string(), told);
    assert_eq!(counts(&after([90, 0], Action::Delete, 20)), (20, 0, 0), "who is deleted was counted before");
    assert_eq!(counts(&after([0, 31], Action::Delete, 20)), (0, 20, 1));
    assert_eq!(counts(&after([90, 90], Action::Modify, 20)), (20, 0, 0), "nothing is taken away");
}

fn told(gated: &Gated) -> Vec<String> {
    gated.causes.iter().map(ToString::to_string).collect()
}

#[test]
fn what_was_held_back_waits_though_it_would_pass() {
    let (staff, sales) =
        (ObjectKey::new(ObjectType::Group, "staff"), ObjectKey::new(ObjectType::Group, "sales"));
    let mut operations = many(Action::Deactivate, 3);
    operations.push(operation(Action::Delete, user(3), vec![]));
    operations.push(operation(Action::Modify, user(9), vec![]));
    operations.push(operation(Action::Relate, staff.clone(), vec![leave([0, 1, 8].into_iter())]));
    operations.push(operation(Action::Relate, sales.clone(), vec![leave([4, 5].into_iter())]));
    let mut before = Before { held: [user(0), user(3), user(7)].into(), ..Before::default() };
    before.staying.insert(sales.clone(), [user(5)].into());
    before.released.insert(user(1));
    let mut planned = plan(60, operations);
    planned.notes = vec![
        noted(&user(0), Some(Action::Deactivate), false),
        noted(&user(1), Some(Action::Deactivate), false),
        noted(&user(3), Some(Action::Delete), true),
    ];
    for over in [Over::Destructive, Over::All] {
        let policy = GatePolicy { over, ..GatePolicy::default() };
        let gated = super::gate(&mut planned.clone(), &policy, (&BTreeMap::new(), &before));
        assert_eq!(told(&gated), ["3 operations that an earlier run held back"]);
        let held = [user(0), user(3), staff.clone(), sales.clone()];
        assert_eq!(gated.held.iter().map(|one| one.key.clone()).collect::<Vec<_>>(), held);
        let changes: Vec<_> = gated.held.iter().skip(2).flat_map(|one| one.changes.clone()).collect();
        assert_eq!(changes, [leave([0].into_iter()), leave([5].into_iter())], "who waits leaves no group");
        assert_eq!(gated.notes, [noted(&user(1), Some(Action::Deactivate), false)]);
        assert_eq!(gated.released.len(), 5, "what was not held passes");
    }
}

#[test]
fn what_was_released_passes_and_is_no_more_than_before() {
    let before = Before { released: (0..50).map(user).collect(), ..Before::default() };
    let of = |planned: u64| {
        let operations = many(Action::Deactivate, planned);
        super::gate(&mut plan(60, operations), &GatePolicy::default(), (&BTreeMap::new(), &before))
    };
    assert_eq!(counts(&of(100)), (100, 0, 0), "fifty more");
    let gated = of(101);
    assert_eq!(counts(&gated), (50, 51, 1), "what was released before goes on");
    assert!(gated.held.iter().all(|one| !before.released(&one.key)));
}
