//! Credentials that are refused in the middle of it.

use super::fake::{Mishap, fault};
use super::*;
use crate::sync::target::FaultKind;

#[tokio::test]
async fn credentials_that_are_refused_after_other_faults_are_told_with_the_retries() {
    let fixture = Fixture::new();
    let state = fixture.open().await;
    plan(&state, vec![create(user("a"), vec![])]).await;
    let mut tries = 0;
    fixture.fake.fail(move |what, _| {
        tries += usize::from(what == "create");
        let busy = tries < 3 && what == "create";
        let (kind, code, detail) =
            if busy { (FaultKind::Busy, 51, "503") } else { (FaultKind::Unauthorized, 50, "401") };
        Some(Mishap::Fault(fault(kind, code, detail)))
    });
    let applied = fixture.apply(&state).await;
    assert!(matches!(applied.end, End::Unauthorized(_)), "{applied:?}");
    assert_eq!(fixture.lines(), ["denied the token 401 retry=2"]);
}
