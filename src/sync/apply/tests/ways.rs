//! What becomes of one operation or a few, by the target's answer.

use super::fake::{Mishap, fault};
use super::*;
use crate::clock::SignedDuration;
use crate::sync::link::LinkState;
use crate::sync::target::FaultKind;

#[tokio::test]
async fn objects_are_made_before_what_names_them_and_removed_in_the_opposite_order() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let unit = |id: &str| ObjectKey::new(ObjectType::Organization, id);
    let refer = |to| Change::Refer { path: "parent".into(), to };
    let operations = vec![
        create(user("u1"), vec![refer(unit("o2"))]),
        create(user("u2"), vec![Change::Refer { path: "manager".into(), to: user("u1") }]),
        create(unit("o1"), vec![]),
        create(unit("o2"), vec![refer(unit("o1"))]),
        create(group("g"), vec![]),
        operation(Action::Relate, group("g"), vec![join(&[user("u1"), user("u2")])]),
    ];
    plan(&state, operations).await;
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, applied.put_off, applied.left), (End::Complete, 0, 0));
    let made: Vec<_> = fixture.fake.inner().calls.iter().map(|(_, about)| about.clone()).collect();
    assert_eq!(made[..2], ["o1", "o2"]);
    let at = |id: &str| fixture.fake.one(id);
    assert_eq!(at("u1").1["parent"], json!(at("o2").0));
    assert_eq!(at("u2").1["manager"], json!(at("u1").0));
    assert_eq!(at("u1").1["active"], json!(true), "by policy");
    assert_eq!(at("g").1["members"], json!([at("u1").0, at("u2").0]));
    assert_eq!(at("g").1.get("active"), None);
    let counts = applied.tally[&ObjectType::Group];
    assert_eq!((counts.add.succeeded, counts.modify.succeeded, counts.failed), (1, 1, 0));

    let link = state.link(&group("g")).await.unwrap().unwrap();
    assert_eq!(link.members["members"], BTreeSet::from([user("u1"), user("u2")]));
    assert_eq!(link.sums.to_map()["userName"], sum(&json!("g")));
    let leave = Change::Leave { path: "members".into(), members: vec![user("u2")] };
    let operations = vec![
        operation(Action::Delete, unit("o2"), vec![]),
        operation(Action::Delete, unit("o1"), vec![]),
        operation(Action::Relate, group("g"), vec![leave]),
        operation(Action::Delete, user("u2"), vec![]),
    ];
    let gone = [at("u2").0, at("o2").0, at("o1").0];
    plan(&state, operations).await;
    fixture.apply(&state).await;
    assert_eq!(at("g").1["members"], json!([at("u1").0]));
    let deleted = fixture.fake.inner().calls.clone();
    let deleted: Vec<_> = deleted.iter().filter(|(what, _)| what == "delete").map(|(_, id)| id).collect();
    assert_eq!(deleted, gone.iter().collect::<Vec<_>>());
    assert_eq!(state.links().all().await.unwrap().len(), 2);
    let link = state.link(&group("g")).await.unwrap().unwrap();
    assert_eq!(link.members["members"], BTreeSet::from([user("u1")]));
}

#[tokio::test]
async fn nothing_is_ever_called_by_its_id_at_the_source() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let manager = |to| vec![Change::Refer { path: "manager".into(), to }];
    let operations = vec![
        create(group("g"), vec![]),
        create(user("there"), vec![]),
        operation(Action::Relate, group("g"), vec![join(&[user("there"), user("nowhere")])]),
        operation(Action::Relate, user("there"), manager(user("nowhere"))),
        create(user("lonely"), manager(user("nowhere"))),
        // Each waits for the other.
        create(user("hen"), manager(user("egg"))),
        create(user("egg"), manager(user("hen"))),
    ];
    plan(&state, operations).await;
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, applied.put_off), (End::Complete, 5));
    assert_eq!(fixture.fake.one("g").1["members"], json!([fixture.fake.one("there").0]));
    assert_eq!(fixture.fake.len(), 2);
    let sent = json!(fixture.fake.inner().objects.values().collect::<Vec<_>>()).to_string();
    assert!(!sent.contains("nowhere"), "{sent}");
    let open = state.open().await.unwrap();
    assert!(
        open.iter().all(|kept| kept.progress == Progress::Failed && kept.fault.as_ref().unwrap().0 == 32)
    );
    let link = state.link(&group("g")).await.unwrap().unwrap();
    assert_eq!(link.members["members"], BTreeSet::from([user("there")]));
    let lines = fixture.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("skipped ")).count(), 4, "{lines:#?}");

    // When it is there, what was put off is done at its time.
    plan(&state, vec![create(user("nowhere"), vec![])]).await;
    fixture.apply(&state).await;
    assert_eq!(state.open().await.unwrap().len(), 5, "not before its time");
    fixture.clock.advance(SignedDuration::from_hours(7));
    fixture.apply(&state).await;
    assert_eq!(fixture.fake.one("g").1["members"].as_array().unwrap().len(), 2);
    assert_eq!(fixture.fake.one("lonely").1["manager"], json!(fixture.fake.one("nowhere").0));
}

#[tokio::test]
async fn what_stands_in_the_way_is_linked_taken_over_or_a_conflict() {
    let fixture = Fixture::new();
    fixture.fake.inner().unique = true;
    let state = fixture.open().await;
    let put = |values: Value| fixture.fake.put(ObjectType::User, values);
    let own = put(json!({"userName": "own", "externalId": "own", "title": "old"}));
    let free = put(json!({"userName": "free", "title": "same", "note": "theirs"}));
    put(json!({"userName": "foreign", "externalId": "another"}));
    let title = |id: &str| create(user(id), vec![set("title", "same")]);
    plan(&state, vec![title("own"), title("free"), title("foreign")]).await;
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.put_off, fixture.fake.len()), (1, 3));
    let linked = |key| {
        let state = &state;
        async move { state.link(&user(key)).await.unwrap().map(|link| link.target_id) }
    };
    assert_eq!(linked("own").await, Some(own.clone()), "what this creation made is not written again");
    assert_eq!(linked("free").await, Some(free));
    assert_eq!(linked("foreign").await, None);
    let taken = fixture.fake.one("free").1;
    assert_eq!((&taken["note"], &taken["active"]), (&json!("theirs"), &json!(true)));
    let open = state.open().await.unwrap();
    assert_eq!(open[0].fault.as_ref().unwrap().0, 68);
    assert!(!fixture.fake.inner().calls.contains(&("modify".into(), own)));

    // One that is linked to somebody else is nobody's to take, either.
    let mut other = create(user("thief"), vec![]);
    other.match_by = vec![("userName".into(), "free".into())];
    other.changes = vec![set("userName", "free")];
    plan(&state, vec![other]).await;
    fixture.apply(&state).await;
    assert_eq!(linked("thief").await, None);
}

#[tokio::test]
async fn what_is_gone_is_unlinked_and_told() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![]), create(user("b"), vec![])]).await;
    fixture.apply(&state).await;
    fixture.fake.inner().objects.clear();
    let operations = vec![
        operation(Action::Modify, user("a"), vec![set("title", "x")]),
        operation(Action::Delete, user("b"), vec![]),
    ];
    plan(&state, operations).await;
    let applied = fixture.apply(&state).await;
    assert_eq!(applied.lost, ["uid=a"]);
    assert_eq!(applied.tally[&ObjectType::User].delete.succeeded, 1, "it is gone, as was wanted");
    assert!(state.links().all().await.unwrap().is_empty());
    assert!(state.open().await.unwrap().is_empty());
}

#[tokio::test]
async fn refused_credentials_end_it_after_one_question() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, (0..50).map(|n| create(user(&format!("u{n}")), vec![])).collect()).await;
    fixture.fake.fail(|_, _| Some(Mishap::Fault(fault(FaultKind::Unauthorized, 50, "401"))));
    let applied = fixture.apply(&state).await;
    assert!(matches!(applied.end, End::Unauthorized(_)), "{applied:?}");
    assert_eq!((fixture.fake.count("probe"), applied.left, applied.put_off), (1, 50, 0));
    assert!(fixture.fake.count("create") <= 8);
    assert_eq!(fixture.lines(), ["denied the token 401 retry=0"], "once");
    assert!(state.open().await.unwrap().iter().all(|kept| kept.progress == Progress::Waiting));
    // One object that is not ours to write does not end anything.
    fixture.fake.fail(|what, about| {
        (what == "create" && about == "u7").then(|| Mishap::Fault(fault(FaultKind::Unauthorized, 50, "403")))
    });
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, applied.put_off), (End::Complete, 1));
    assert_eq!(fixture.fake.len(), 49);
    assert!(fixture.lines().iter().all(|line| !line.starts_with("denied")));
}

#[tokio::test]
async fn what_fails_is_tried_again_and_put_off_longer_each_time() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("bad"), vec![]), create(user("good"), vec![])]).await;
    let mut tries = 0;
    fixture.fake.fail(move |what, about| {
        tries += usize::from(about == "good");
        let fails = what == "create" && (about == "bad" || tries < 4);
        fails.then(|| Mishap::Fault(fault(FaultKind::Busy, 51, "503")))
    });
    for (round, hours, others) in [(1, 6, 4), (2, 12, 0), (3, 24, 0), (4, 24, 0)] {
        let before = fixture.fake.count("create");
        let applied = fixture.apply(&state).await;
        assert_eq!((applied.end, applied.put_off), (End::Complete, 1));
        assert_eq!(fixture.fake.count("create") - before, 8 + others);
        let kept = state.open().await.unwrap().remove(0);
        assert_eq!((kept.operation.key, kept.rounds, kept.attempts), (user("bad"), round, 8));
        assert_eq!(kept.next_try.duration_since(fixture.clock.now()), SignedDuration::from_hours(hours));
        assert_eq!(fixture.apply(&state).await.put_off, 0, "not before its time");
        fixture.clock.advance(SignedDuration::from_hours(hours));
    }
    let lines = fixture.lines();
    assert!(
        lines.iter().any(|line| line.starts_with("add uid=good 0") && line.contains("retry=3")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.starts_with("add uid=bad 51 503 retry=7")), "{lines:?}");
}

#[tokio::test]
async fn waiting_for_the_next_attempt_costs_nothing() {
    let mut fixture = Fixture::new();
    let wait = Duration::from_secs(1);
    fixture.policy.pace = PaceOptions { first_wait: wait, longest_wait: wait, ..PaceOptions::default() };
    let mut tries = 0;
    fixture.fake.fail(move |what, _| {
        tries += usize::from(what == "create");
        (what == "create" && tries < 4).then(|| Mishap::Fault(fault(FaultKind::Busy, 51, "503")))
    });
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![])]).await;
    let mut applying = std::pin::pin!(fixture.apply(&state));
    let mut polls = 0;
    let applied = std::future::poll_fn(|context| {
        polls += 1;
        applying.as_mut().poll(context)
    })
    .await;
    assert_eq!((applied.end, applied.put_off), (End::Complete, 0));
    assert!(polls < 1_000, "{polls}: it asks again and again whether it is time");
}

#[tokio::test]
async fn a_target_that_is_down_ends_the_run_and_loses_nothing() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, (0..300).map(|n| create(user(&format!("u{n}")), vec![])).collect()).await;
    fixture.fake.fail(|_, _| Some(Mishap::Fault(fault(FaultKind::Unheard, 81, "refused"))));
    let applied = fixture.apply(&state).await;
    assert!(matches!(applied.end, End::Unavailable(_)), "{applied:?}");
    assert_eq!((applied.left, applied.put_off), (300, 0));
    assert!(fixture.fake.count("create") < 100);
    fixture.fake.heal();
    assert_eq!(fixture.apply(&state).await.end, End::Complete);
    assert_eq!((fixture.fake.len(), fixture.fake.count("find")), (300, 0));
}

#[tokio::test]
async fn a_password_is_made_when_it_is_sent_and_nobody_else_sees_it() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let random = || Change::Random { path: "password".into() };
    plan(
        &state,
        vec![create(user("a"), vec![random(), set("pin", "1234")]), create(user("b"), vec![random()])],
    )
    .await;
    fixture.apply(&state).await;
    let password = |id: &str| fixture.fake.one(id).1["password"].as_str().unwrap().to_owned();
    let (a, b) = (password("a"), password("b"));
    assert!(a != b && a.len() == 24, "{a} {b}");
    let lines = fixture.lines().join("\n");
    assert!(
        lines.contains("password:=***") && lines.contains("pin:=***") && !lines.contains("1234"),
        "{lines}"
    );
    let mut files = tokio::fs::read_dir(fixture.dir.path()).await.unwrap();
    while let Some(file) = files.next_entry().await.unwrap() {
        let bytes = tokio::fs::read(file.path()).await.unwrap();
        assert!(!bytes.windows(a.len()).any(|window| window == a.as_bytes()));
    }
    assert!(!lines.contains(&a));
    assert!(!state.link(&user("a")).await.unwrap().unwrap().sums.to_map().contains_key("password"));
}

#[tokio::test]
async fn hooks_are_asked_before_and_told_after() {
    let mut fixture = Fixture::new();
    let told = tempfile::tempdir().unwrap();
    let shell = |script: String| {
        let arguments = vec!["-c".to_owned(), script];
        Hook { program: "/bin/sh".into(), arguments, patience: Duration::from_secs(20) }
    };
    let no = "if grep -q uid=bad; then echo not today >&2; exit 1; fi".to_owned();
    // A file for each, since two write at once.
    let after = format!("cat > {}/$$", told.path().display());
    fixture.policy.hooks = Hooks { before: vec![shell(no)], after: vec![shell(after)] };
    let state = fixture.open().await;
    plan(&state, vec![create(user("bad"), vec![]), create(user("good"), vec![])]).await;
    let applied = fixture.apply(&state).await;
    assert_eq!((fixture.fake.len(), fixture.fake.count("create"), applied.put_off), (1, 1, 1));
    let lines = fixture.lines().join("\n");
    assert!(lines.contains("add uid=bad 53 the hook /bin/sh refused (exit status: 1): not today"), "{lines}");
    let mut results = BTreeSet::new();
    let mut files = tokio::fs::read_dir(told.path()).await.unwrap();
    while let Some(file) = files.next_entry().await.unwrap() {
        let told: Value = serde_json::from_slice(&tokio::fs::read(file.path()).await.unwrap()).unwrap();
        results.insert((told["dn"].as_str().unwrap().to_owned(), told["result"].as_u64().unwrap()));
    }
    let expected = [("uid=bad".to_owned(), 53), ("uid=good".to_owned(), 0)];
    assert_eq!(results, BTreeSet::from(expected));
}

#[tokio::test]
async fn what_is_held_is_not_sent_before_it_is_allowed() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![]), create(user("b"), vec![])]).await;
    fixture.apply(&state).await;
    let held = vec![operation(Action::Delete, user("a"), vec![])];
    let off = vec![operation(Action::Deactivate, user("b"), vec![])];
    state.begin(Planned { operations: off, held, ..Planned::default() }).await.unwrap();
    fixture.apply(&state).await;
    assert_eq!(fixture.fake.len(), 2);
    assert_eq!(fixture.fake.one("b").1["active"], json!(false));
    assert_eq!(state.link(&user("b")).await.unwrap().unwrap().state, LinkState::Inactive);
    assert_eq!(state.allow(2).await.unwrap(), 1);
    fixture.apply(&state).await;
    assert_eq!(fixture.fake.len(), 1);
    let back = operation(Action::Activate, user("b"), vec![set("title", "again")]);
    plan(&state, vec![back]).await;
    fixture.apply(&state).await;
    assert_eq!(fixture.fake.one("b").1["active"], json!(true));
    assert_eq!(state.link(&user("b")).await.unwrap().unwrap().state, LinkState::Active);
}

#[tokio::test]
async fn whoever_was_held_for_long_is_not_deleted_the_sooner() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![])]).await;
    fixture.apply(&state).await;
    let mut off = operation(Action::Deactivate, user("a"), vec![]);
    off.afterwards.state = Some(LinkState::Leaving { since: fixture.clock.now() });
    state.begin(Planned { held: vec![off], ..Planned::default() }).await.unwrap();
    fixture.clock.advance(SignedDuration::from_hours(40 * 24));
    state.allow(2).await.unwrap();
    fixture.apply(&state).await;
    let expected = LinkState::Leaving { since: fixture.clock.now() };
    assert_eq!(state.link(&user("a")).await.unwrap().unwrap().state, expected);
}

#[tokio::test]
async fn what_is_allowed_is_the_list_of_one_run() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![]), create(user("b"), vec![])]).await;
    fixture.apply(&state).await;
    for id in ["a", "b"] {
        let held = vec![operation(Action::Delete, user(id), vec![])];
        state.begin(Planned { held, ..Planned::default() }).await.unwrap();
    }
    assert_eq!(state.allow(2).await.unwrap(), 1);
    fixture.apply(&state).await;
    assert_eq!((fixture.fake.len(), fixture.fake.one("b").1["userName"].clone()), (1, json!("b")));
    assert_eq!(state.open().await.unwrap().len(), 1, "held still");
}

#[tokio::test]
async fn a_pause_answers_what_is_in_flight_and_leaves_the_rest() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, (0..500).map(|n| create(user(&format!("u{n}")), vec![])).collect()).await;
    let (cancel, mut calls) = (fixture.cancel.clone(), 0);
    fixture.fake.fail(move |_, _| {
        calls += 1;
        if calls == 100 {
            cancel.send_replace(true);
        }
        None
    });
    let applied = fixture.apply(&state).await;
    assert_eq!(applied.end, End::Cancelled);
    let made = fixture.fake.len();
    assert!((100..=108).contains(&made), "{made}");
    assert_eq!(usize::try_from(applied.left).unwrap(), 500 - made);
    assert_eq!(state.links().all().await.unwrap().len(), made);
    assert!(state.open().await.unwrap().iter().all(|kept| kept.progress == Progress::Waiting));
    assert_eq!(fixture.fake.inner().widest, 8);
    fixture.cancel.send_replace(false);
    assert_eq!(fixture.apply(&state).await.end, End::Complete);
    assert_eq!((fixture.fake.len(), fixture.fake.count("find")), (500, 0));
}

#[tokio::test]
async fn who_lost_the_lease_stops() {
    let fixture = Fixture::new();
    let lease = fixture.open().await.lease("one").await.unwrap();
    plan(lease.state(), (0..2_000).map(|n| create(user(&format!("u{n}")), vec![])).collect()).await;
    fixture.clock.advance(SignedDuration::from_mins(2));
    let other = fixture.open().await.lease("two").await.unwrap();
    let lost = fixture.try_apply(lease.state()).await.unwrap_err();
    assert!(matches!(lost, StateError::LeaseLost { .. }), "{lost}");
    assert_eq!(fixture.fake.writes(), 0, "intents come before what they intend");
    assert_eq!(fixture.apply(other.state()).await.end, End::Complete);
}

#[test]
fn kinds_of_lines_have_their_words() {
    let of = |action| WriteKind::of(action).as_str();
    assert_eq!([Action::Create, Action::Deactivate, Action::Delete].map(of), ["add", "modify", "delete"]);
}

#[tokio::test]
async fn what_is_taken_over_keeps_the_parts_that_were_right_already() {
    let fixture = Fixture::new();
    fixture.fake.inner().unique = true;
    let state = fixture.open().await;
    let free = json!({"userName": "a", "name.givenName": "old", "name.familyName": "same"});
    let id = fixture.fake.put(ObjectType::User, free);
    let names = vec![set("name.givenName", "new"), set("name.familyName", "same")];
    plan(&state, vec![create(user("a"), names)]).await;
    fixture.apply(&state).await;
    let held = fixture.fake.inner().objects[&(ObjectType::User, id)].clone();
    assert_eq!((&held["name.givenName"], &held["name.familyName"]), (&json!("new"), &json!("same")));
}

#[tokio::test]
async fn what_only_the_target_has_gets_no_link() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    let id = fixture.fake.put(ObjectType::User, json!({"userName": "x", "active": true}));
    let key = user(&format!("target:{id}"));
    let orphan = operation(Action::Deactivate, key, vec![set("active", false)]);
    plan(&state, vec![Operation { target_id: Some(id.clone()), ..orphan }]).await;
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, applied.put_off), (End::Complete, 0));
    assert_eq!(fixture.fake.inner().objects[&(ObjectType::User, id)]["active"], json!(false));
    assert!(state.links().all().await.unwrap().is_empty(), "the next plan would delete it");
}

#[tokio::test]
async fn a_creation_whose_outcome_is_not_known_is_looked_for_also_after_a_refused_token() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![])]).await;
    fixture.fake.fail(|what, _| {
        Some(match what {
            "create" => Mishap::LoseAnswer,
            _ => Mishap::Fault(fault(FaultKind::Unauthorized, 50, "401")),
        })
    });
    let applied = fixture.apply(&state).await;
    assert!(matches!(applied.end, End::Unauthorized(_)), "{applied:?}");
    fixture.fake.heal();
    fixture.apply(&state).await;
    assert_eq!((fixture.fake.len(), fixture.fake.count("create")), (1, 1));
    assert!(state.link(&user("a")).await.unwrap().is_some());
}

#[tokio::test]
async fn whoever_is_named_and_was_not_made_before_is_told_with_the_cause() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    fixture.fake.fail(|what, about| {
        (what == "create" && about == "bad").then(|| Mishap::Fault(fault(FaultKind::Refused, 19, "too long")))
    });
    plan(&state, vec![create(user("bad"), vec![]), create(group("g"), vec![])]).await;
    fixture.apply(&state).await;
    fixture.lines();
    // It failed in an earlier run.
    let joined = |who: &str| operation(Action::Relate, group("g"), vec![join(&[user(who)])]);
    for (who, why) in [
        ("bad", "uid=bad (making it failed: too long)"),
        ("none", "user/none (it was not made yet, is held back, or was removed there)"),
    ] {
        plan(&state, vec![joined(who)]).await;
        fixture.apply(&state).await;
        let lines = fixture.lines().join("\n");
        assert!(lines.contains(why), "{lines}");
    }
}

#[tokio::test]
async fn whoever_is_deactivated_already_is_only_noted_as_missed() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![])]).await;
    fixture.apply(&state).await;
    plan(&state, vec![operation(Action::Deactivate, user("a"), vec![set("active", false)])]).await;
    fixture.apply(&state).await;
    assert_eq!(state.link(&user("a")).await.unwrap().unwrap().state, LinkState::Inactive);
    let (writes, now) = (fixture.fake.writes(), fixture.clock.now());
    fixture.lines();
    let mut missed = operation(Action::Deactivate, user("a"), vec![]);
    missed.afterwards.state = Some(LinkState::Leaving { since: now });
    plan(&state, vec![missed]).await;
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, fixture.fake.writes(), fixture.lines()), (End::Complete, writes, vec![]));
    assert_eq!(state.link(&user("a")).await.unwrap().unwrap().state, LinkState::Leaving { since: now });
}
