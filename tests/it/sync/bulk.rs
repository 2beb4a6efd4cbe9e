//! Bulk requests (RFC 7644 section 3.7) to services that take them: what many changes come to, and what becomes of them when
//! a bulk request goes wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use sekisho::sync::questions::Questions;
use sekisho::sync::target::{Ability, Edit, FaultKind};
use sekisho::sync::{ObjectType, ScimOptions, ScimTarget, Target, TargetFault, TargetObject};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::rig::{Rig, Run};
use crate::support::scim::{ScimServer, options, target};
use crate::support::scim_proxy::{Conduct, Recorded};
use crate::support::scim_sink::{Faults, ScimSink};
use crate::support::slapd::{BASE, Copies, Slapd};

const PEOPLE: usize = 150;

/// A target whose every change goes in a bulk request with another one, for the conformance suite.
#[derive(Debug)]
pub(super) struct InCompany(pub(super) ScimTarget);

impl InCompany {
    /// The first goes alone, and what comes meanwhile goes together.
    async fn with<T>(&self, change: impl Future<Output = T>) -> T {
        let nobody = |id| self.0.delete(ObjectType::User, id);
        let (first, second, changed) = tokio::join!(nobody("nobody-1"), nobody("nobody-2"), change);
        assert!(first.is_err() && second.is_err());
        changed
    }
}

#[async_trait]
impl Target for InCompany {
    async fn probe(&self) -> Result<Ability, TargetFault> {
        self.0.probe().await
    }

    async fn list(
        &self,
        kind: ObjectType,
        parts: mpsc::Sender<Vec<TargetObject>>,
        questions: &Questions,
    ) -> Result<(), TargetFault> {
        self.0.list(kind, parts, questions).await
    }

    async fn read(&self, kind: ObjectType, id: &str) -> Result<Option<TargetObject>, TargetFault> {
        self.0.read(kind, id).await
    }

    async fn find(
        &self,
        kind: ObjectType,
        path: &str,
        value: &str,
    ) -> Result<Vec<TargetObject>, TargetFault> {
        self.0.find(kind, path, value).await
    }

    async fn create(
        &self,
        kind: ObjectType,
        values: &BTreeMap<String, Value>,
    ) -> Result<TargetObject, TargetFault> {
        // Most services answer with the place alone.
        let made = self.with(self.0.create(kind, values)).await?;
        Ok(self.0.read(kind, &made.id).await?.expect("it was made"))
    }

    async fn modify(&self, kind: ObjectType, id: &str, edits: &[Edit]) -> Result<(), TargetFault> {
        self.with(self.0.modify(kind, id, edits)).await
    }

    async fn delete(&self, kind: ObjectType, id: &str) -> Result<(), TargetFault> {
        self.with(self.0.delete(kind, id)).await
    }

    fn value(&self, object: &TargetObject, path: &str) -> Option<Value> {
        self.0.value(object, path)
    }
}

async fn rig(service: ScimServer, more: &str) -> (Slapd, Rig) {
    let slapd = Slapd::start_source(Copies::Log, PEOPLE);
    let keys = format!(
        "objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\n{more}\n\
         [limits.user]\nmodify = {{ percent = 100, count = 1 }}\n"
    );
    let rig = Rig::new(service, &Slapd::directory(&[&slapd]), &keys).await;
    (slapd, rig)
}

/// A run that ends well, and the requests that changed something.
fn carried(rig: &Rig, arguments: &[&str]) -> (Run, Vec<Recorded>) {
    let run = rig.sync(arguments);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    let mut log = rig.proxy.take_log();
    log.retain(|request| request.method != "GET");
    (run, log)
}

/// How many of them are bulk requests.
fn bulk(log: &[Recorded]) -> usize {
    log.iter().filter(|request| request.path == "/Bulk").count()
}

/// Everybody is there once, with this family name, and another run has nothing to do.
async fn everybody(rig: &Rig, family: &str) {
    let users = rig.users().await;
    assert_eq!(users.len(), PEOPLE);
    for (login, user) in &users {
        assert_eq!(user["name"]["familyName"], family, "{login}");
    }
    assert!(carried(rig, &["run", "idp", "--full"]).1.is_empty());
}

fn renamed(family: &str) -> String {
    let one = |id| format!("dn: uid=m{id},ou=many,{BASE}\nchangetype: modify\nreplace: sn\nsn: {family}\n");
    (0..PEOPLE).map(one).collect::<Vec<_>>().join("\n")
}

async fn many_changes_are_few_requests(service: ScimServer) {
    let (slapd, rig) = rig(service, "").await;
    let (run, log) = carried(&rig, &["run", "idp"]);
    assert!(run.out.contains(&format!(" Add={PEOPLE}({PEOPLE} succeeded) ")), "{}", run.out);
    assert!(bulk(&log) > 0 && log.len() < PEOPLE / 5, "{} requests", log.len());
    let most = log.iter().map(|request| request.operations().len()).max();
    assert!(
        (20..=100).contains(&most.unwrap()),
        "more than are in flight without, no more than are taken: {most:?}"
    );
    everybody(&rig, "m").await;
    slapd.modify(&renamed("n"));
    let (run, log) = carried(&rig, &["run", "idp"]);
    assert!(run.out.contains(&format!(" Modify={PEOPLE}({PEOPLE} succeeded) ")), "{}", run.out);
    assert!(bulk(&log) > 0 && log.len() < PEOPLE / 5, "{} requests", log.len());
    // The log has a line for each, as ever.
    let of = |id: usize| format!("dn=uid=m{id},ou=many,{BASE} result=0 ");
    assert!((0..PEOPLE).all(|id| run.err.contains(&of(id))), "{}", run.err);
    everybody(&rig, "n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_are_few_requests_to_scimmy() {
    many_changes_are_few_requests(ScimServer::scimmy().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_are_few_requests_to_scim2_server() {
    many_changes_are_few_requests(ScimServer::scim2().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_request_that_goes_wrong_makes_nobody_twice_and_loses_none() {
    let (slapd, rig) = rig(ScimServer::scimmy().await, "").await;
    let busy = Conduct::Answer(429, &["Retry-After: 1"], "{\"detail\":\"too many\"}");
    let half =
        r#"{"Operations":[{"bulkId":"0","method":"POST","status":"201"},{"bulkId":"1","status":"500"}]}"#;
    for conduct in [Conduct::DropAfter, busy.clone(), Conduct::NOT_NOW, Conduct::Body(half)] {
        rig.proxy.next("POST", "/Bulk", conduct);
    }
    let (run, log) = carried(&rig, &["run", "idp"]);
    assert!(run.out.contains(&format!(" Add={PEOPLE}({PEOPLE} succeeded) ")), "{}", run.out);
    assert!(bulk(&log) > 4 && log.len() < PEOPLE / 2, "{} requests", log.len());
    everybody(&rig, "m").await;
    slapd.modify(&renamed("n"));
    for conduct in [Conduct::HalfAfter, busy, Conduct::DropBefore, Conduct::NOT_NOW] {
        rig.proxy.next("POST", "/Bulk", conduct);
    }
    let (run, log) = carried(&rig, &["run", "idp"]);
    assert!(run.out.contains(&format!(" Modify={PEOPLE}({PEOPLE} succeeded) ")), "{}", run.out);
    assert!(bulk(&log) > 4, "{}", log.len());
    everybody(&rig, "n").await;
}

/// Makes so many people with these names at once; says how many of them were made.
async fn made(target: &Arc<ScimTarget>, name: impl Fn(usize) -> Value, count: usize) -> usize {
    let mut coming = JoinSet::new();
    for id in 0..count {
        let (target, values) = (Arc::clone(target), BTreeMap::from([("userName".to_owned(), name(id))]));
        coming.spawn(async move { target.create(ObjectType::User, &values).await });
    }
    coming.join_all().await.iter().filter(|made| made.is_ok()).count()
}

/// Whom it refuses by themselves, too, says nothing about bulk requests; whom it takes by themselves, does.
#[tokio::test(flavor = "multi_thread")]
async fn people_whom_a_service_refuses_are_no_reason_to_do_without_bulk_requests() {
    let sink = ScimSink::start(1, Faults { lost: 0, busy: 0 }).await;
    sink.take_bulk();
    let target = Arc::new(target(ScimOptions { bulk: true, in_flight: 4, ..options(&sink.url) }));
    assert!(target.per_request().await > 1);
    assert_eq!(made(&target, |_| Value::Null, 60).await, 0);
    assert!(sink.bulk_requests() > 3);
    let before = sink.bulk_requests();
    assert_eq!(made(&target, |id| format!("a{id}").into(), 60).await, 60);
    assert!(sink.bulk_requests() > before, "it does without");
    sink.misread();
    assert_eq!(made(&target, |id| format!("b{id}").into(), 300).await, 300);
    let before = sink.bulk_requests();
    assert_eq!(made(&target, |id| format!("c{id}").into(), 60).await, 60);
    assert_eq!(sink.bulk_requests(), before, "it was not understood");
}

/// What waits for its request when a run ends is for the next one.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_bulk_request_is_not_sent_when_a_run_ends() {
    let sink = ScimSink::start(1, Faults { lost: 0, busy: 0 }).await;
    sink.take_bulk();
    let target = Arc::new(target(ScimOptions { bulk: true, in_flight: 1, ..options(&sink.url) }));
    assert!(target.per_request().await > 1);
    let name = |id: usize| BTreeMap::from([("userName".to_owned(), Value::from(format!("u{id}")))]);
    sink.fall_silent_after(0);
    let mut made = JoinSet::new();
    for id in 0..20 {
        let target = Arc::clone(&target);
        made.spawn(async move { target.create(ObjectType::User, &name(id)).await });
    }
    sink.silent().await;
    target.hold(true);
    for _ in 0..19 {
        let fault = made.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unsent, "{fault}");
    }
    let found = target.find(ObjectType::User, "userName", "u1").await;
    assert_eq!(found.unwrap_err().kind, FaultKind::Unsent);
    // The first one was sent; nobody answers it.
    made.shutdown().await;
    target.hold(false);
    sink.speak();
    assert!(target.create(ObjectType::User, &name(20)).await.is_ok());
    assert!(sink.users().len() <= 2, "{:?}", sink.users().keys());
}

/// There is a hook for each change that is under way.
#[tokio::test(flavor = "multi_thread")]
async fn with_hooks_no_more_changes_are_under_way_than_requests_may_be() {
    let (_slapd, rig) = rig(ScimServer::scimmy().await, "hook_before = [\"/bin/true\"]").await;
    let (_, log) = carried(&rig, &["run", "idp"]);
    let most = log.iter().map(|request| request.operations().len()).max();
    assert!(bulk(&log) > 0 && most < Some(8), "{most:?}");
    everybody(&rig, "m").await;
}

/// Each change goes by itself then, and the log says so once.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_announces_bulk_requests_and_does_none_gets_none() {
    let refused = [
        vec![Conduct::Answer(501, &[], "")],
        vec![Conduct::Answer(403, &[], "<html>")],
        vec![Conduct::Body("{}"), Conduct::Body("<html>"), Conduct::Body(r#"{"Operations":[]}"#)],
    ];
    for conducts in refused {
        let (_slapd, rig) = rig(ScimServer::scimmy().await, "in_flight = 4").await;
        let told = format!("{conducts:?}");
        let wrong = conducts.len();
        for conduct in conducts {
            rig.proxy.next("POST", "/Bulk", conduct);
        }
        let (run, log) = carried(&rig, &["run", "idp"]);
        assert_eq!(bulk(&log), wrong, "{told}");
        let warned = run.err.matches("announces bulk requests and does not do them").count();
        assert_eq!(warned, 1, "{told}: {}", run.err);
        everybody(&rig, "m").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bulk_each_change_is_its_own_request() {
    let (_slapd, rig) = rig(ScimServer::scimmy().await, "bulk = false").await;
    let (_, log) = carried(&rig, &["run", "idp"]);
    assert_eq!((bulk(&log), log.len()), (0, PEOPLE));
    everybody(&rig, "m").await;
}
