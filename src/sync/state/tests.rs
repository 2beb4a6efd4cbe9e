//! The typed state against real SQLite files.

use std::collections::{BTreeSet, HashSet};

use super::*;
use crate::clock::{ManualClock, SignedDuration};
use crate::store::Store;
use crate::sync::link::LinkState;
use crate::sync::operation::{Action, Afterwards, Change};

struct Fixture {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Fixture {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
        Self { dir: tempfile::tempdir().unwrap(), clock }
    }

    async fn open(&self) -> State {
        let store = Store::open(&format!("sqlite:{}", self.dir.path().join("s.db").display())).await.unwrap();
        State::new(store.sync_state().await.unwrap(), "saas", Arc::clone(&self.clock) as Arc<dyn Clock>)
    }
}

fn user(id: &str) -> ObjectKey {
    ObjectKey::new(ObjectType::User, id)
}

fn operation(action: Action, key: ObjectKey, value: &str) -> Operation {
    Operation {
        action,
        dn: format!("uid={},dc=x", key.id),
        key,
        target_id: None,
        changes: vec![Change::Set { path: "userName".into(), value: value.into() }],
        match_by: vec![("externalId".into(), "x".into())],
        afterwards: Afterwards::default(),
    }
}

fn create(id: &str, value: &str) -> Operation {
    operation(Action::Create, user(id), value)
}

fn link(id: &str, members: usize) -> Link {
    let members: BTreeSet<_> = (0..members).map(|n| user(&format!("m{n}"))).collect();
    Link {
        key: ObjectKey::new(ObjectType::Group, id),
        dn: "cn=g".into(),
        target_id: format!("t-{id}"),
        state: LinkState::Leaving { since: Timestamp::from_second(7).unwrap() },
        sums: BTreeMap::from([("emails[type eq \"work\"].value".into(), u64::MAX), ("b".into(), 0)]).into(),
        members: if members.is_empty() {
            BTreeMap::new()
        } else {
            BTreeMap::from([("members".into(), members)])
        },
    }
}

#[tokio::test]
async fn what_a_run_begins_with_is_there_after_opening_again() {
    let fixture = Fixture::new();
    let cursor = Cursor { server: "dc1".into(), value: "42".into() };
    let planned = Planned {
        mode: "full".into(),
        operations: vec![create("u1", "a")],
        held: vec![operation(Action::Delete, user("u2"), "")],
        links: vec![link("g1", 500), link("g2", 0)],
        cursors: vec![("corp".into(), "people".into(), cursor.clone())],
        structure: BTreeMap::from([("o1".into(), "{}".into()), ("o2".into(), "x".into())]),
        ..Planned::default()
    };
    let begun = fixture.open().await.begin(planned).await.unwrap();
    assert_eq!(begun, Begun { run: 1, queued: 2, known: 0, dropped: 0 });
    let state = fixture.open().await;
    assert_eq!(state.links().all().await.unwrap(), [link("g1", 500), link("g2", 0)]);
    assert_eq!(state.link(&link("g1", 0).key).await.unwrap(), Some(link("g1", 500)));
    assert_eq!(state.linked_to(ObjectType::Group, "t-g2").await.unwrap(), [link("g2", 0).key]);
    assert_eq!(state.cursors().await.unwrap(), BTreeMap::from([(("corp".into(), "people".into()), cursor)]));
    let open = state.open().await.unwrap();
    assert_eq!(open[0].operation, create("u1", "a"));
    assert_eq!((open[0].progress, open[1].progress), (Progress::Waiting, Progress::Held));
    assert_eq!(state.waiting().await.unwrap(), 1);
    let structure = BTreeMap::from([("o2".to_owned(), "y".to_owned())]);
    state
        .begin(Planned { structure, unlinked: vec![link("g1", 0).key], ..Planned::default() })
        .await
        .unwrap();
    let kept: Vec<_> = state.structure().await.unwrap().into_values().collect();
    assert_eq!(kept, ["{}", "y"]);
    assert_eq!(state.links().all().await.unwrap(), [link("g2", 0)]);
}

#[tokio::test]
async fn what_is_open_already_is_not_planned_again_and_what_is_another_gives_way() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let planned = |operations: Vec<Operation>, held: Vec<Operation>, complete| Planned {
        complete,
        operations,
        held,
        ..Planned::default()
    };
    let first = vec![create("same", "1"), create("other", "1"), create("sent", "1"), create("left", "1")];
    let held = vec![operation(Action::Delete, user("kept"), ""), operation(Action::Delete, user("free"), "")];
    state.begin(planned(first, held.clone(), true)).await.unwrap();
    let at_ms = state.now_ms();
    state.write(vec![SyncWrite::MarkAll { run: 1, seqs: vec![2], state: "sent", at_ms }]).await.unwrap();

    let second = vec![create("same", "1"), create("other", "2"), create("sent", "2"), held[1].clone()];
    let begun = state.begin(planned(second, vec![held[0].clone()], false)).await.unwrap();
    assert_eq!(begun, Begun { run: 2, queued: 2, known: 3, dropped: 2 });
    let open = state.open().await.unwrap();
    let open: Vec<_> =
        open.iter().map(|kept| (kept.run, kept.operation.key.id.as_str(), kept.progress)).collect();
    let expected = [
        (1, "same", Progress::Waiting),
        (1, "sent", Progress::Sent),
        (1, "left", Progress::Waiting),
        (1, "kept", Progress::Held),
        (2, "other", Progress::Waiting),
        (2, "free", Progress::Waiting),
    ];
    assert_eq!(open, expected);

    let begun = state.begin(planned(vec![], vec![], true)).await.unwrap();
    assert_eq!(
        begun.dropped, 5,
        "a complete plan wants nothing else; a creation that was sent is found out first"
    );
    assert_eq!(state.open().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_planned_for_somebody_who_was_told_of_anew_gives_way() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let first = Planned {
        operations: vec![create("left", "1"), create("other", "1")],
        held: vec![operation(Action::Deactivate, user("back"), "")],
        ..Planned::default()
    };
    state.begin(first).await.unwrap();
    let told = HashSet::from([user("left"), user("back")]);
    let begun = state.begin(Planned { told, ..Planned::default() }).await.unwrap();
    assert_eq!(begun.dropped, 2, "an account for who left, and the end of one who is back");
    let open = state.open().await.unwrap();
    assert_eq!(open.iter().map(|kept| kept.operation.key.id.as_str()).collect::<Vec<_>>(), ["other"]);
}

#[tokio::test]
async fn what_is_held_stays_with_its_run_though_it_was_missed_later() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let missed = |second, dn: &str| {
        let since = Timestamp::from_second(second).unwrap();
        let mut operation = operation(Action::Deactivate, user("gone"), "");
        operation.afterwards.state = Some(LinkState::Leaving { since });
        Planned { held: vec![Operation { dn: dn.to_owned(), ..operation }], ..Planned::default() }
    };
    assert_eq!(state.holding(&[]).await.unwrap(), BTreeSet::new());
    for (second, dn, run) in [(1, "uid=a", 1), (2, "uid=a", 1), (3, "uid=b", 3)] {
        let planned = missed(second, dn);
        let held = planned.held.clone();
        state.begin(planned).await.unwrap();
        assert_eq!(state.holding(&held).await.unwrap(), BTreeSet::from([run]));
        assert_eq!(state.held().await.unwrap(), BTreeMap::from([(run, 1)]), "{second}");
    }
}

#[tokio::test]
async fn turns_are_by_action_and_type_and_go_down_in_the_opposite_order() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let of = |action, kind, id: &str| operation(action, ObjectKey::new(kind, id), "");
    let operations = vec![
        of(Action::Delete, ObjectType::Organization, "6"),
        of(Action::Delete, ObjectType::Group, "5"),
        of(Action::Relate, ObjectType::Group, "4"),
        of(Action::Create, ObjectType::User, "2"),
        of(Action::Create, ObjectType::User, "3"),
        of(Action::Create, ObjectType::Organization, "1"),
    ];
    state.begin(Planned { operations: operations.clone(), ..Planned::default() }).await.unwrap();
    let open = state.open().await.unwrap();
    let order: Vec<_> = open.iter().map(|kept| kept.operation.key.id.as_str()).collect();
    assert_eq!(order, ["1", "2", "3", "4", "5", "6"]);
    let turns: Vec<_> = state.index().await.unwrap().iter().map(|row| begin::of_phase(row.phase)).collect();
    let expected: Vec<_> = open.iter().map(|kept| (kept.operation.action, kept.operation.key.kind)).collect();
    assert_eq!(turns, expected);
}

#[tokio::test]
async fn a_list_that_was_held_is_released_as_it_was() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let held = vec![operation(Action::Delete, user("a"), ""), operation(Action::Delete, user("b"), "")];
    state.begin(Planned { held, ..Planned::default() }).await.unwrap();
    assert_eq!(state.waiting().await.unwrap(), 0);
    assert_eq!(state.allow(7).await.unwrap(), 0);
    assert_eq!(state.allow(1).await.unwrap(), 2);
    assert!(state.open().await.unwrap().iter().all(|kept| kept.progress == Progress::Waiting));
    fixture.clock.advance(SignedDuration::from_secs(3));
    state.end(1, "partial", &serde_json::json!({"user": 2}), &["gate".to_owned()]).await.unwrap();
    let run = state.runs(5).await.unwrap().remove(0);
    assert_eq!(run.ended, Some(fixture.clock.now()));
    assert_eq!(
        (run.result.as_str(), run.causes, run.counts["user"].as_u64()),
        ("partial", vec!["gate".into()], Some(2))
    );
    assert_eq!(state.history(&user("a"), 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_that_was_cut_off_is_ended_by_whoever_has_the_lease() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    state.begin(Planned::default()).await.unwrap();
    assert!(!state.is_under_way().await.unwrap());
    fixture.clock.advance(SignedDuration::from_secs(5));
    let lease = state.lease("one").await.unwrap();
    assert!(state.is_under_way().await.unwrap());
    assert_eq!(lease.state().end_cut_off().await.unwrap(), [1]);
    let run = state.runs(5).await.unwrap().remove(0);
    assert_eq!((run.ended, run.result.as_str()), (Some(fixture.clock.now()), CUT_OFF));
    assert_eq!(lease.state().end_cut_off().await.unwrap(), [0_i64; 0]);
    fixture.clock.advance(SignedDuration::from_secs(61));
    assert!(!state.is_under_way().await.unwrap(), "its process is gone");
}

#[tokio::test]
async fn who_lost_the_lease_begins_nothing() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let lease = state.lease("one").await.unwrap();
    let refused = fixture.open().await.lease("two").await.unwrap_err();
    assert!(matches!(&refused, StateError::Leased { holder, .. } if holder == "one"), "{refused}");
    fixture.clock.advance(SignedDuration::from_secs(61));
    let other = fixture.open().await.lease("two").await.unwrap();
    let lost = lease.state().begin(Planned::default()).await.unwrap_err();
    assert!(matches!(lost, StateError::LeaseLost { .. }), "{lost}");
    other.state().begin(Planned::default()).await.unwrap();
    drop(lease);
    assert!(fixture.open().await.lease("three").await.is_err(), "it was not its own that it released");
    drop(other);
    while fixture.open().await.lease("three").await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_part_that_is_held_and_the_rest_are_two() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let relate = |change: Change| Operation {
        changes: vec![change],
        ..operation(Action::Relate, ObjectKey::new(ObjectType::Group, "g"), "")
    };
    let leave = relate(Change::Leave { path: "members".into(), members: vec![user("a"), user("b")] });
    let join = |id| relate(Change::Join { path: "members".into(), members: vec![user(id)] });
    let planned = |operations, held| Planned { complete: true, operations, held, ..Planned::default() };
    state.begin(planned(vec![join("c")], vec![leave.clone()])).await.unwrap();
    let begun = state.begin(planned(vec![join("c")], vec![leave.clone()])).await.unwrap();
    assert_eq!((begun.queued, begun.known, begun.dropped), (0, 2, 0));
    let begun = state.begin(planned(vec![join("d")], vec![leave.clone()])).await.unwrap();
    assert_eq!((begun.queued, begun.known, begun.dropped), (1, 1, 1));
    let open: Vec<_> = state
        .open()
        .await
        .unwrap()
        .into_iter()
        .map(|kept| (kept.run, kept.operation, kept.progress))
        .collect();
    assert_eq!(open, [(1, leave, Progress::Held), (3, join("d"), Progress::Waiting)]);
}

#[tokio::test]
async fn what_was_released_is_not_held_again_for_another_moment_of_leaving() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let gone = |second| {
        let mut gone = operation(Action::Deactivate, user("u"), "");
        gone.afterwards.state = Some(LinkState::Leaving { since: Timestamp::from_second(second).unwrap() });
        gone
    };
    let planned = |operations, held| Planned { complete: true, operations, held, ..Planned::default() };
    state.begin(planned(vec![], vec![gone(1)])).await.unwrap();
    state.allow(1).await.unwrap();
    for (operations, held) in [(vec![], vec![gone(2)]), (vec![gone(3)], vec![])] {
        let begun = state.begin(planned(operations, held)).await.unwrap();
        assert_eq!((begun.queued, begun.known, begun.dropped), (0, 1, 0));
        let open = state.open().await.unwrap();
        assert_eq!((open.len(), open[0].run, open[0].progress), (1, 1, Progress::Waiting));
        assert_eq!(open[0].operation, gone(1), "with the moment at which it was first missed");
    }
}

#[tokio::test]
async fn whoever_is_taken_away_twice_counts_once_and_what_is_still_to_be_done_is_known() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let off = |id: &str| operation(Action::Deactivate, user(id), "");
    for run in 1..=2 {
        state.begin(Planned { operations: vec![off("a")], ..Planned::default() }).await.unwrap();
        let at_ms = state.now_ms();
        state.write(vec![SyncWrite::MarkAll { run, seqs: vec![0], state: "done", at_ms }]).await.unwrap();
    }
    let third = Planned {
        operations: vec![create("new", "1"), off("b"), operation(Action::Delete, user("c"), "")],
        held: vec![off("held")],
        ..Planned::default()
    };
    state.begin(third).await.unwrap();
    let done = state.taken_away(Timestamp::UNIX_EPOCH, None).await.unwrap();
    assert_eq!(done, BTreeMap::from([(ObjectType::User, [1, 0])]));
    let open = BTreeSet::from([(Action::Deactivate, user("b")), (Action::Delete, user("c"))]);
    assert_eq!(state.taking_away(2).await.unwrap(), open);
    assert_eq!(state.taking_away(3).await.unwrap(), BTreeSet::new(), "what was looked at counts no more");
}
