//! Targets that do harm by what they forget.

use super::rig::Rig;
use crate::support::http::client;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::slapd::{BASE, Copies, Slapd};

/// A service that was restored from an old copy, or that answers for another tenant, is not filled without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_forgot_is_not_filled_anew() {
    let slapd = Slapd::start_source(Copies::Log, 8);
    let directory = Slapd::directory(&[&slapd]);
    let limit = "limits = { user = { delete = { percent = 0, count = 7 } } }";
    let keys = format!("search_base = \"ou=many,{BASE}\"\n{limit}\n");
    let rig = Rig::new(ScimServer::scim2().await, &directory, &keys).await;
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes.len(), 8);
    for user in rig.users().await.values() {
        let place = format!("{}/Users/{}", rig.proxy.url, user["id"].as_str().unwrap());
        assert!(client().delete(place).bearer_auth(TOKEN).send().await.unwrap().status().is_success());
    }
    rig.proxy.take_log();
    let run = rig.sync(&["run", "idp", "--full"]);
    assert_eq!((run.code, rig.writes()), (1, vec![]), "{}\n{}", run.out, run.err);
    assert!(run.err.contains("the target has lost 8 of 8 objects of type User"), "{}", run.err);
    assert!(run.err.contains("Synchronizing idp failed(53)"), "{}", run.err);
    let (_, writes) = rig.carried(&["run", "idp", "--full", "--refill"]);
    assert_eq!(writes.iter().filter(|line| *line == "POST /Users").count(), 8, "{writes:?}");
    assert_eq!(rig.users().await.len(), 8);
}
