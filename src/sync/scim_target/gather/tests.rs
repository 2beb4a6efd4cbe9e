//! What goes together, and that nobody waits for ever.

use std::pin::Pin;

use futures_util::FutureExt;

use super::*;

type Coming = Pin<Box<dyn Future<Output = Turn> + Send>>;

/// The most operations of a request after some that went well.
const USUAL: usize = 25;

fn bulk(most: usize, octets: usize) -> Arc<Bulk> {
    let config = ServiceConfig { bulk: Some(most), max_payload: Some(octets), ..ServiceConfig::default() };
    let bulk = Bulk::new(&config, 8).unwrap();
    assert_eq!(std::mem::replace(&mut bulk.lock().size, most.min(USUAL)), most.min(FIRST));
    bulk
}

fn bring(bulk: &Arc<Bulk>, method: &'static str, path: &str) -> Coming {
    let (bulk, path) = (Arc::clone(bulk), path.to_owned());
    let mut coming: Coming =
        Box::pin(async move { bulk.turn(Operation { method, path, data: None }, 100).await });
    // Whoever is to lead at once has that waiting.
    assert!((&mut coming).now_or_never().is_none_or(|turn| panic!("{turn:?} came before it was waited for")));
    coming
}

fn lead(bulk: &Arc<Bulk>, method: &'static str, path: &str) -> Lead {
    let turn = bulk.turn(Operation { method, path: path.to_owned(), data: None }, 100).now_or_never();
    let Some(Turn::Lead(lead)) = turn else { panic!("{turn:?}") };
    lead
}

fn led(coming: &mut Coming) -> Lead {
    let turn = coming.now_or_never();
    let Some(Turn::Lead(lead)) = turn else { panic!("{turn:?}") };
    lead
}

fn paths(lead: &Lead) -> Vec<&str> {
    lead.operations().iter().map(|operation| operation.path.as_str()).collect()
}

fn yes(count: usize) -> Vec<Turn> {
    (0..count).map(|_| Turn::Answer(Ok(Answer::default()))).collect()
}

#[test]
fn a_service_that_takes_one_at_a_time_takes_none() {
    for most in [None, Some(0), Some(1)] {
        assert!(Bulk::new(&ServiceConfig { bulk: most, ..ServiceConfig::default() }, 8).is_none());
    }
    let most = |most| bulk(most, 9).most();
    assert_eq!([most(2), most(5_000)], [2, MOST]);
}

#[tokio::test]
async fn what_comes_while_requests_are_under_way_goes_together() {
    let bulk = bulk(1_000, OCTETS);
    let first = lead(&bulk, "POST", "/Users");
    assert!(first.is_alone());
    let mut waiting: Vec<Coming> = (0..12).map(|_| bring(&bulk, "POST", "/Users")).collect();
    // A second request at the same time when it is half full, and no third one.
    let last = bring(&bulk, "DELETE", "/Users/1");
    let second = led(&mut waiting[0]);
    assert_eq!((second.operations().len(), paths(&second)[12]), (13, "/Users/1"));
    let mut more: Vec<Coming> = (0..40).map(|_| bring(&bulk, "POST", "/Users")).collect();
    assert!(more.iter_mut().all(|coming| coming.now_or_never().is_none()));
    drop(first);
    let third = led(&mut more[0]);
    assert_eq!(third.operations().len(), USUAL, "no more than they have now");
    let (own, ended) = second.end(Went::Well, yes(13));
    assert!(matches!(own, Turn::Answer(Ok(_))) && ended.is_none());
    assert!(matches!(last.now_or_never(), Some(Turn::Answer(Ok(_)))));
    assert_eq!(led(&mut more[25]).operations().len(), 15);
}

#[tokio::test]
async fn a_request_has_no_path_twice_and_keeps_within_the_limits() {
    let small = bulk(3, OCTETS);
    let first = lead(&small, "POST", "/Users");
    let mut a = bring(&small, "PATCH", "/Users/1");
    // Of three at most half is two.
    let mut b = bring(&small, "DELETE", "/Users/1");
    let second = led(&mut a);
    assert_eq!(paths(&second), ["/Users/1"]);
    let mut more: Vec<Coming> = (2..6).map(|id| bring(&small, "PATCH", &format!("/Users/{id}"))).collect();
    drop(first);
    let third = led(&mut b);
    assert_eq!(paths(&third), ["/Users/1", "/Users/2", "/Users/3"]);
    drop(second);
    assert_eq!(paths(&led(&mut more[2])), ["/Users/4", "/Users/5"]);

    // Each has 100 octets of data, and as much as may be around it.
    let narrow = bulk(100, 3 * (100 + AROUND) + AROUND + 30);
    let first = lead(&narrow, "POST", "/Users");
    let mut more: Vec<Coming> = (0..5).map(|_| bring(&narrow, "POST", "/Users")).collect();
    drop(first);
    assert_eq!(led(&mut more[0]).operations().len(), 3);
}

#[tokio::test]
async fn whoever_is_dropped_holds_up_nobody() {
    let bulk = bulk(100, OCTETS);
    let first = lead(&bulk, "POST", "/Users");
    let mut coming: Vec<Coming> = (1..6).map(|id| bring(&bulk, "PATCH", &format!("/Users/{id}"))).collect();
    // One who waits is not sent; one who was to lead and never heard of it is followed by the next.
    drop(coming.remove(3));
    drop(first);
    drop(coming.remove(0));
    let second = led(&mut coming[0]);
    assert_eq!(paths(&second), ["/Users/2", "/Users/3", "/Users/5"]);
    // One who leads and has not begun, too.
    drop(second);
    let mut third = led(&mut coming[1]);
    assert_eq!(paths(&third), ["/Users/3", "/Users/5"]);
    // One who has begun leaves it unknown what was done.
    third.begin();
    let mut late = bring(&bulk, "PATCH", "/Users/9");
    drop(third);
    let Some(Turn::Answer(Err(fault))) = coming.remove(2).now_or_never() else { panic!("no answer") };
    assert_eq!(fault.kind, FaultKind::Unknown);
    assert!(led(&mut late).is_alone());
}

#[tokio::test]
async fn bulk_requests_that_are_refused_end() {
    let bulk = bulk(100, OCTETS);
    let first = lead(&bulk, "POST", "/Users");
    let mut coming: Vec<Coming> = (0..3).map(|_| bring(&bulk, "POST", "/Users")).collect();
    drop(first);
    let mut second = led(&mut coming[0]);
    second.begin();
    let late = bring(&bulk, "POST", "/Users");
    let (own, ended) = second.end(Went::Refused, (0..3).map(|_| Turn::Alone).collect());
    assert!(matches!(own, Turn::Alone) && ended == Some(Ended::NotDone));
    for coming in coming.into_iter().skip(1).chain([late]) {
        assert!(matches!(coming.now_or_never(), Some(Turn::Alone)));
    }
    let next = bulk.turn(Operation { method: "POST", path: "/Users".to_owned(), data: None }, 1);
    assert!(matches!(next.now_or_never(), Some(Turn::Alone)));
}

fn fresh() -> State {
    State {
        queue: VecDeque::new(),
        under_way: 0,
        size: USUAL,
        unusable: 0,
        off: false,
        paused: None,
        resting: None,
    }
}

#[test]
fn the_size_follows_how_it_goes() {
    let mut state = fresh();
    let mut after = |went, sent, seconds| {
        state.learn(went, (sent, state.size), 90, Duration::from_secs(seconds));
        (state.size, state.unusable, state.off)
    };
    assert_eq!(after(Went::Well, 24, 1), (25, 0, false), "it was not full");
    assert_eq!(after(Went::Well, 25, 1), (50, 0, false));
    assert_eq!(after(Went::Well, 50, 1), (90, 0, false));
    assert_eq!(after(Went::Well, 90, 3), (90, 0, false));
    assert_eq!(after(Went::Well, 90, 9), (45, 0, false));
    assert_eq!(
        after(Went::Busy, 45, 9),
        (45, 0, false),
        "a connection that does not come about says nothing of the size"
    );
    assert_eq!(after(Went::Unusable, 45, 1), (22, 1, false));
    assert_eq!(after(Went::Busy, 22, 1), (22, 1, false));
    assert_eq!(after(Went::Unusable, 22, 1), (11, 2, false));
    assert_eq!(after(Went::Well, 5, 1), (11, 0, false));
    for (size, unusable, off) in [(5, 1, false), (2, 2, false), (1, 3, true)] {
        assert_eq!(after(Went::Unusable, 2, 1), (size, unusable, off));
    }
    assert_eq!(after(Went::Well, 1, 1), (2, 0, true), "it stays so");
}

#[test]
fn requests_that_went_together_count_once() {
    let mut state = fresh();
    let mut after = |went, size, seconds| {
        state.learn(went, (size, size), 90, Duration::from_secs(seconds));
        (state.size, state.unusable, state.off)
    };
    for _ in 0..4 {
        assert_eq!(after(Went::Well, USUAL, 9), (12, 0, false));
    }
    for _ in 0..4 {
        assert_eq!(after(Went::Unusable, 12, 30), (6, 1, false));
    }
    assert_eq!(after(Went::Refused, 12, 30), (6, 1, true), "that is not a matter of the size");
}

/// The doubts about a request that was led to its end.
fn doubts(bulk: &Arc<Bulk>) -> Vec<Doubt> {
    let first = lead(bulk, "POST", "/Users");
    let mut coming: Vec<Coming> = (0..2).map(|_| bring(bulk, "POST", "/Users")).collect();
    drop(first);
    let (own, ended) = led(&mut coming[0]).end(Went::Doubtful, (0..2).map(|_| Turn::Alone).collect());
    assert_eq!(ended, None);
    let turns = [own, coming.remove(1).now_or_never().unwrap()];
    let doubt = |turn| match turn {
        Turn::Apart(doubt) => doubt,
        turn => panic!("{turn:?}"),
    };
    turns.map(doubt).into()
}

#[tokio::test]
async fn what_is_refused_for_what_it_is_says_nothing_about_bulk_requests() {
    let bulk = bulk(100, OCTETS);
    for _ in 0..9 {
        doubts(&bulk);
    }
    assert_eq!(bulk.lock().size, USUAL);
    // It was not for what they are.
    for ended in [None, None, Some(Ended::NotDone)] {
        let doubts = doubts(&bulk);
        let told: Vec<_> = doubts.iter().map(|doubt| bulk.was_right(doubt)).collect();
        assert_eq!(told, [ended, None], "once for each request");
    }
}

#[test]
fn why_they_ended_is_said_once() {
    let state = || State {
        queue: VecDeque::new(),
        under_way: 0,
        size: 3,
        unusable: 0,
        off: false,
        paused: None,
        resting: None,
    };
    let mut slow = state();
    let mut after = |went, sent, seconds| slow.learn(went, (sent, 3), 90, Duration::from_secs(seconds));
    assert_eq!(after(Went::Well, 2, 7), None);
    assert_eq!(after(Went::Well, 3, 9), Some(Ended::TooLong(3)));
    assert_eq!(after(Went::Refused, 3, 1), None, "they had ended");
    for went in [Went::Refused, Went::Unusable] {
        assert_eq!(state().learn(went, (3, 3), 90, Duration::ZERO), Some(Ended::NotDone));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_wants_to_be_left_alone_is() {
    let bulk = bulk(100, OCTETS);
    let answer = |status, seconds| {
        let retry_after = Some(Duration::from_secs(seconds));
        Answer { status, retry_after, ..Answer::default() }
    };
    bulk.heard(&answer(200, 9), true);
    assert_eq!(bulk.paused(true), None);
    bulk.heard(&answer(429, 9), true);
    bulk.heard(&answer(503, 2), false);
    let fault = bulk.paused(false).unwrap();
    assert_eq!((fault.kind, fault.retry_after), (FaultKind::Unsent, Some(Duration::from_secs(9))));
    assert_eq!(bulk.paused(true), Some(fault));
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(bulk.paused(true), None);
    bulk.heard(&answer(429, 86_400), true);
    assert_eq!(bulk.paused(true).unwrap().retry_after, Some(LONGEST_PAUSE));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_say_when_it_has_time_is_not_changed_for_a_moment() {
    for status in [429, 503] {
        let bulk = bulk(100, OCTETS);
        let answer = Answer { status, ..Answer::default() };
        bulk.heard(&answer, false);
        assert_eq!(bulk.paused(true), None, "a question");
        bulk.heard(&answer, true);
        assert_eq!(bulk.paused(true).unwrap().retry_after, Some(REST));
        assert_eq!(bulk.paused(false), None, "what was made is looked for");
        tokio::time::advance(REST).await;
        assert_eq!(bulk.paused(true), None);
    }
}

#[tokio::test]
async fn what_is_held_back_is_answered_at_once_and_what_was_sent_is_not() {
    let bulk = bulk(100, OCTETS);
    let mut first = lead(&bulk, "POST", "/Users");
    first.begin();
    let second = bring(&bulk, "POST", "/Users");
    bulk.hold(true);
    let kind = |turn| match turn {
        Some(Turn::Answer(Err(TargetFault { kind, .. }))) => kind,
        turn => panic!("{turn:?}"),
    };
    assert_eq!(kind(second.now_or_never()), FaultKind::Unsent);
    let third = bulk.turn(Operation { method: "POST", path: "/Users".to_owned(), data: None }, 1);
    assert_eq!(kind(third.now_or_never()), FaultKind::Unsent);
    let waiting = bulk.unless_held(std::future::pending::<()>()).now_or_never();
    assert!(matches!(waiting, Some(Err(fault)) if fault.kind == FaultKind::Unsent));
    assert!(matches!(first.end(Went::Well, yes(1)).0, Turn::Answer(Ok(_))));
    bulk.hold(false);
    assert!(bulk.unless_held(std::future::pending::<()>()).now_or_never().is_none());
    assert!(lead(&bulk, "POST", "/Users").is_alone());
}
