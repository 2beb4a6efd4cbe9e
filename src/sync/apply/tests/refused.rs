//! Deletions that are refused: who has left does not keep access for that.

use super::fake::{Mishap, fault};
use super::*;
use crate::clock::SignedDuration;
use crate::sync::link::LinkState;
use crate::sync::target::FaultKind;

/// The deletion of somebody who has left.
fn leave(id: &str) -> Operation {
    let afterwards = Afterwards { forget: true, deactivate: true, ..Afterwards::default() };
    Operation { afterwards, ..operation(Action::Delete, user(id), vec![]) }
}

async fn carried(fixture: &Fixture, ids: &[String]) -> State {
    let state = fixture.open().await;
    plan(&state, ids.iter().map(|id| create(user(id), vec![])).collect()).await;
    fixture.apply(&state).await;
    fixture.lines();
    let known = async |id: &String| fixture.fake.one(id).0;
    let mut deletions = Vec::new();
    for id in ids {
        deletions.push(Operation { target_id: Some(known(id).await), ..leave(id) });
    }
    plan(&state, deletions).await;
    state
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("u{at}")).collect()
}

/// What is refused, and how.
fn refusing(fixture: &Fixture, what: &'static [&'static str], kind: FaultKind, code: u16) {
    fixture
        .fake
        .fail(move |called, _| what.contains(&called).then(|| Mishap::Fault(fault(kind, code, "never"))));
}

fn counts(applied: &Applied) -> [(u64, u64); 2] {
    let counts = applied.tally[&ObjectType::User];
    [counts.delete, counts.modify].map(|count| (count.tried, count.succeeded))
}

#[tokio::test]
async fn who_cannot_be_deleted_is_deactivated_at_once_and_only_once() {
    // More than so many refusals as end a run where nothing else is taken.
    for (kind, code, count) in [
        (FaultKind::Unauthorized, 50, 20),
        (FaultKind::Refused, 53, 3),
        (FaultKind::Conflict, 68, 1),
        (FaultKind::Unknown, 80, 1),
    ] {
        let mut fixture = Fixture::new();
        let ids = names(count);
        let state = carried(&fixture, &ids).await;
        refusing(&fixture, &["delete"], kind, code);
        let applied = fixture.apply(&state).await;
        let all = count as u64;
        assert_eq!((applied.end.clone(), applied.put_off), (End::Complete, all), "{kind:?}");
        assert_eq!(counts(&applied), [(all, 0), (all, all)], "{kind:?}");
        assert_eq!(applied.tally[&ObjectType::User].failed, all);
        let lines = fixture.lines();
        assert!(
            lines.iter().any(|line| line.starts_with(&format!("delete uid=u0 {code} never"))),
            "{lines:?}"
        );
        assert!(lines.contains(&"modify uid=u0 0  retry=0 active:=false".to_owned()), "{lines:?}");
        for id in &ids {
            assert_eq!(fixture.fake.one(id).1["active"], json!(false));
            let link = state.link(&user(id)).await.unwrap().unwrap();
            assert_eq!(link.state, LinkState::Leaving { since: fixture.clock.now() });
        }
        let open = state.open().await.unwrap();
        assert_eq!(open.len(), count);
        for kept in &open {
            assert_eq!((kept.progress, kept.operation.action), (Progress::Failed, Action::Delete));
            assert_eq!(kept.fault, Some((code, "never".to_owned())));
            assert!(kept.operation.changes.is_empty() && kept.rounds == 1);
        }

        let modified = fixture.fake.count("modify");
        fixture.clock.advance(SignedDuration::from_secs(1));
        fixture.early = Early::All(fixture.clock.now());
        if count < 8 {
            let applied = fixture.apply(&state).await;
            assert_eq!((counts(&applied), fixture.fake.count("modify")), ([(all, 0), (0, 0)], modified));
            fixture.clock.advance(SignedDuration::from_secs(1));
            fixture.early = Early::All(fixture.clock.now());
        }
        fixture.fake.heal();
        let applied = fixture.apply(&state).await;
        assert_eq!((counts(&applied)[0], fixture.fake.len()), ((all, all), 0));
        assert!(state.open().await.unwrap().is_empty() && state.links().all().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_nobody_has_left_by_is_not_deactivated_for_its_deletion() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![]), create(group("g"), vec![])]).await;
    fixture.apply(&state).await;
    // It would be made anew; and a group cannot be deactivated.
    let mut of_group = leave("g");
    of_group.key = group("g");
    plan(&state, vec![operation(Action::Delete, user("a"), vec![]), of_group]).await;
    refusing(&fixture, &["delete"], FaultKind::Refused, 53);
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.put_off, fixture.fake.count("modify")), (2, 0));
    assert_eq!(state.link(&user("a")).await.unwrap().unwrap().state, LinkState::Active);
}

#[tokio::test]
async fn a_hook_that_keeps_a_deletion_back_keeps_all_back() {
    let mut fixture = Fixture::new();
    let state = carried(&fixture, &names(1)).await;
    let arguments = vec!["-c".to_owned(), "exit 1".to_owned()];
    let hook = Hook { program: "/bin/sh".into(), arguments, patience: Duration::from_secs(20) };
    fixture.policy.hooks.before = vec![hook];
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.put_off, fixture.fake.count("modify") + fixture.fake.count("delete")), (1, 0));
}

#[tokio::test]
async fn a_hook_is_asked_for_the_deactivation_as_well() {
    let mut fixture = Fixture::new();
    let state = carried(&fixture, &names(1)).await;
    let arguments = vec!["-c".to_owned(), "! grep -q '\"action\":\"deactivate\"'".to_owned()];
    let hook = Hook { program: "/bin/sh".into(), arguments, patience: Duration::from_secs(20) };
    fixture.policy.hooks.before = vec![hook];
    refusing(&fixture, &["delete"], FaultKind::Refused, 53);
    let applied = fixture.apply(&state).await;
    assert_eq!((counts(&applied), fixture.fake.count("modify")), ([(1, 0), (1, 0)], 0));
    assert_eq!(state.open().await.unwrap()[0].fault, Some((53, "never".to_owned())), "that of the deletion");
}

#[tokio::test]
async fn where_both_are_refused_both_are_told_and_tried_again() {
    let mut fixture = Fixture::new();
    let state = carried(&fixture, &names(1)).await;
    refusing(&fixture, &["delete", "modify"], FaultKind::Refused, 53);
    let applied = fixture.apply(&state).await;
    assert_eq!((counts(&applied), applied.put_off), ([(1, 0), (1, 0)], 1));
    assert_eq!(applied.tally[&ObjectType::User].failed, 2);
    let link = state.link(&user("u0")).await.unwrap().unwrap();
    assert_eq!(link.state, LinkState::Active);
    refusing(&fixture, &["delete"], FaultKind::Refused, 53);
    fixture.clock.advance(SignedDuration::from_secs(1));
    fixture.early = Early::All(fixture.clock.now());
    assert_eq!(counts(&fixture.apply(&state).await), [(1, 0), (1, 1)]);
    assert_eq!(fixture.fake.one("u0").1["active"], json!(false));
}

#[tokio::test]
async fn credentials_that_may_do_neither_end_the_run() {
    let fixture = Fixture::new();
    let state = carried(&fixture, &names(30)).await;
    refusing(&fixture, &["delete", "modify"], FaultKind::Unauthorized, 50);
    let applied = fixture.apply(&state).await;
    assert!(matches!(applied.end, End::Unauthorized(_)), "{applied:?}");
    assert!(applied.left > 0 && fixture.lines().iter().any(|line| line.starts_with("denied")));
}

#[tokio::test]
async fn a_deactivation_in_place_of_a_deletion_waits_as_any_other() {
    let fixture = Fixture::new();
    let state = carried(&fixture, &names(1)).await;
    let mut busy = 3;
    fixture.fake.fail(move |what, _| match what {
        "delete" => Some(Mishap::Fault(fault(FaultKind::Refused, 53, "never"))),
        "modify" if busy > 0 => {
            busy -= 1;
            Some(Mishap::Fault(fault(FaultKind::Busy, 51, "503")))
        }
        _ => None,
    });
    assert_eq!(counts(&fixture.apply(&state).await), [(1, 0), (1, 1)]);
    assert_eq!((fixture.fake.count("delete"), fixture.fake.count("modify")), (1, 4));
    assert!(fixture.lines().contains(&"modify uid=u0 0  retry=3 active:=false".to_owned()));
}

#[tokio::test]
async fn who_turns_out_to_be_gone_is_forgotten() {
    let fixture = Fixture::new();
    let state = carried(&fixture, &names(1)).await;
    // It was done, and no answer ever came.
    fixture
        .fake
        .fail(|what, _| (what == "delete").then(|| Mishap::Fault(fault(FaultKind::Unknown, 80, "500"))));
    fixture.fake.inner().objects.clear();
    let applied = fixture.apply(&state).await;
    assert!(applied.lost.is_empty() && applied.put_off == 0, "{applied:?}");
    assert!(state.open().await.unwrap().is_empty() && state.links().all().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_crash_between_both_leaves_nothing_out() {
    let fixture = Fixture::new();
    let state = carried(&fixture, &names(1)).await;
    let (reached, mut hangs) = tokio::sync::mpsc::unbounded_channel();
    fixture.fake.fail(move |what, _| match what {
        "delete" => Some(Mishap::Fault(fault(FaultKind::Refused, 53, "never"))),
        "modify" => {
            let _ = reached.send(());
            Some(Mishap::Hang)
        }
        _ => None,
    });
    tokio::select! {
        _ = fixture.apply(&state) => panic!("it ended"),
        reached = hangs.recv() => assert!(reached.is_some()),
    }
    refusing(&fixture, &["delete"], FaultKind::Refused, 53);
    assert_eq!(counts(&fixture.apply(&state).await), [(1, 0), (1, 1)]);
    assert_eq!(fixture.fake.one("u0").1["active"], json!(false));
}
