//! A service that goes on with what nobody waits for any more.

use super::fake::Mishap;
use super::*;

/// It needs twice as long as it is waited for: at that moment nothing is there, and later it is.
#[tokio::test]
async fn what_is_made_after_its_time_is_not_made_twice() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(group("a"), vec![]), create(group("b"), vec![])]).await;
    let mut late = 0;
    fixture.fake.fail(move |what, _| {
        late += u32::from(what == "create");
        // Longer than all waits of this pace.
        (what == "create" && late < 3).then_some(Mishap::Late(Duration::from_millis(200)))
    });
    let applied = fixture.apply(&state).await;
    assert_eq!((applied.end, applied.put_off), (End::Complete, 0));
    assert_eq!((fixture.fake.len(), fixture.fake.count("create")), (2, 2));
    assert_eq!(state.links().all().await.unwrap().len(), 2);
}
