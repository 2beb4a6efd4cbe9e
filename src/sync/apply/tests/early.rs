//! What failed, and is tried again before its time.

use std::collections::HashSet;

use super::fake::{Mishap, fault};
use super::*;
use crate::clock::SignedDuration;
use crate::sync::target::FaultKind;

#[tokio::test]
async fn what_failed_is_tried_before_its_time_where_that_is_wanted() {
    let mut fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, ["a", "b"].map(|id| create(user(id), vec![])).to_vec()).await;
    let refused = || Mishap::Fault(fault(FaultKind::Refused, 19, "no"));
    fixture.fake.fail(move |what, _| (what == "create").then(refused));
    assert_eq!(fixture.apply(&state).await.put_off, 2);
    fixture.fake.fail(|_, _| None);
    let failed_at = fixture.clock.now();
    fixture.early = Early::All(failed_at);
    assert_eq!(fixture.apply(&state).await.tally, Tally::new(), "not twice in one run");
    fixture.clock.advance(SignedDuration::from_secs(1));
    fixture.early = Early::Nothing;
    assert_eq!(fixture.apply(&state).await.tally, Tally::new(), "six hours have not passed");
    let now = fixture.clock.now();
    fixture.early = Early::Of(HashSet::from([user("a")]), now);
    fixture.apply(&state).await;
    assert_eq!(fixture.fake.len(), 1);
    fixture.early = Early::All(now);
    fixture.apply(&state).await;
    assert_eq!((fixture.fake.len(), state.open().await.unwrap().len()), (2, 0));
}
