//! What waits at a target for its request, and is held back there.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::fake::{Mishap, fault};
use super::*;
use crate::sync::target::FaultKind;

/// `count` creations that wait at the target; the last of them ends the run.
async fn waiting(fixture: &Fixture, state: &State, count: usize) {
    plan(state, (0..count).map(|n| create(user(&format!("u{n}")), vec![])).collect()).await;
    let (cancel, mut calls) = (fixture.cancel.clone(), 0);
    fixture.fake.fail(move |_, _| {
        calls += 1;
        if calls == count {
            cancel.send_replace(true);
        }
        Some(Mishap::Wait)
    });
}

#[tokio::test]
async fn a_run_that_ends_does_not_wait_for_what_was_not_sent() {
    let mut fixture = Fixture::new();
    // It was its last attempt.
    fixture.policy.pace.attempts = 1;
    let state = fixture.open().await;
    waiting(&fixture, &state, 8).await;
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, applied.left, applied.put_off), (End::Cancelled, 8, 0));
    assert!(state.open().await.unwrap().iter().all(|kept| kept.progress == Progress::Waiting));
    assert!(!*fixture.fake.inner().held.borrow(), "the next run sends");
    assert_eq!(fixture.lines(), [""; 0]);
    fixture.cancel.send_replace(false);
    fixture.fake.heal();
    assert_eq!(fixture.apply(&state).await.end, End::Complete);
    assert_eq!((fixture.fake.len(), fixture.fake.count("find")), (8, 0));
}

#[tokio::test]
async fn of_what_was_made_the_rest_is_sent_by_the_next_run() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("b"), vec![])]).await;
    fixture.apply(&state).await;
    plan(&state, vec![create(group("g"), vec![join(&[user("b")])])]).await;
    let cancel = fixture.cancel.clone();
    fixture.fake.fail(move |what, _| {
        cancel.send_replace(true);
        (what == "modify").then_some(Mishap::Wait)
    });
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, applied.left, applied.put_off), (End::Cancelled, 1, 0));
    assert_eq!(state.open().await.unwrap().remove(0).progress, Progress::Sent, "it is looked for");
    fixture.cancel.send_replace(false);
    fixture.fake.heal();
    assert_eq!(fixture.apply(&state).await.end, End::Complete);
    assert_eq!(fixture.fake.one("g").1["members"], json!([fixture.fake.one("b").0]));
    assert_eq!(fixture.fake.count("create"), 2);
}

#[tokio::test]
async fn what_was_not_sent_was_not_tried() {
    let mut fixture = Fixture::new();
    fixture.policy.pace.attempts = 2;
    let told = tempfile::tempdir().unwrap();
    let arguments = vec!["-c".to_owned(), format!("echo x >> {}/asked", told.path().display())];
    let hook = Hook { program: "/bin/sh".into(), arguments, patience: Duration::from_secs(20) };
    fixture.policy.hooks = Hooks { before: vec![hook], after: vec![] };
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![])]).await;
    let calls = AtomicUsize::new(0);
    fixture.fake.fail(move |what, _| {
        let held_back = what == "create" && calls.fetch_add(1, Ordering::Relaxed) < 5;
        let retry_after = Some(Duration::from_millis(1));
        let unsent = TargetFault { retry_after, ..fault(FaultKind::Unsent, 51, "it wants to be left alone") };
        held_back.then_some(Mishap::Fault(unsent))
    });
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, applied.put_off, fixture.fake.len()), (End::Complete, 0, 1));
    let line = fixture.lines().remove(0);
    assert!(line.contains(" retry=0 "), "{line}");
    let asked = tokio::fs::read_to_string(told.path().join("asked")).await.unwrap();
    assert_eq!(asked, "x\n", "the hook is asked once");
}
