//! What happens beside a running server: it carries changes by itself, and whoever is deactivated by a run has no session
//! any more.

use std::time::{Duration, Instant};

use sekisho::clock::{Clock, SystemClock};
use sekisho::store::{Store, Write};

use super::rig::{Rig, folder, run_in};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::http::client;
use crate::support::process::wait_until;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::scim_sink::{Faults, ScimSink};
use crate::support::slapd::{BASE, Copies, Slapd, password_of};

async fn sink() -> ScimSink {
    ScimSink::start(1, Faults { lost: 0, busy: 0 }).await
}

/// Whoever is, is sent on from the sign-in page.
async fn is_signed_in(browser: &mut Browser, server: &TestServer) -> bool {
    browser.open(&server.url("/login")).await.url.path() == "/"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_carries_changes_by_itself() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let sink = sink().await;
    let keys = format!("objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\nschedule = \"10s\"\n");
    let folder = folder(&sink.url, &Slapd::directory(&[&slapd]), &keys);
    let mut server = TestServer::start(folder).await;
    wait_until("everybody is there", || sink.users().len() == 3).await;
    let family = |login: &str| sink.users()[login]["name"]["familyName"].clone();
    assert_eq!(family("m1@example.test"), "m");
    slapd.modify(&format!("dn: uid=m1,ou=many,{BASE}\nchangetype: modify\nreplace: sn\nsn: changed\n"));
    wait_until("the change is there", || family("m1@example.test") == "changed").await;
    assert_eq!(sink.counts().0, 4, "three are made, one is changed");
    server
        .process
        .wait_for_log("Data=IDP Object=User Total=1 Add=0(0 succeeded) Modify=1(1 succeeded)")
        .await;
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_watched_directory_tells_is_carried_long_before_the_schedule() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let sink = sink().await;
    let keys =
        format!("objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\nschedule = \"1d\"\nwatch = true\n");
    let folder = folder(&sink.url, &Slapd::directory(&[&slapd]), &keys);
    let mut server = TestServer::start(folder).await;
    wait_until("everybody is there", || sink.users().len() == 3).await;
    for name in ["changed", "changed again"] {
        slapd.modify(&format!("dn: uid=m1,ou=many,{BASE}\nchangetype: modify\nreplace: sn\nsn: {name}\n"));
        wait_until("the change is there", || sink.users()["m1@example.test"]["name"]["familyName"] == name)
            .await;
    }
    slapd.modify(&format!("dn: uid=m2,ou=many,{BASE}\nchangetype: delete\n"));
    wait_until("who is gone is disabled", || sink.users()["m2@example.test"]["active"] == false).await;
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_heard_is_told_once_and_asked_by_the_schedule() {
    let slapd = Slapd::start_source(Copies::No, 3);
    let sink = sink().await;
    let keys =
        format!("objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\nschedule = \"10s\"\nwatch = true\n");
    let folder = folder(&sink.url, &Slapd::directory(&[&slapd]), &keys);
    let mut server = TestServer::start(folder).await;
    let told = "\"corp\" is not heard, so that its changes wait for the schedule: ";
    server.process.wait_for_log(told).await;
    wait_until("everybody is there", || sink.users().len() == 3).await;
    slapd.modify(&format!("dn: uid=m1,ou=many,{BASE}\nchangetype: modify\nreplace: sn\nsn: changed\n"));
    wait_until("the change is there", || sink.users()["m1@example.test"]["name"]["familyName"] == "changed")
        .await;
    assert_eq!(server.process.log().matches(told).count(), 1);
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_deactivated_is_signed_out_at_once() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    let sink = sink().await;
    let keys = "objects = [\"user\"]\nfilter = \"(uid=u*)\"\n";
    let folder = folder(&sink.url, &Slapd::directory(&[&slapd]), keys);
    let run = run_in(&folder, &["run", "idp"], "");
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    let server = TestServer::start(folder).await;
    let (mut leaver, mut other) = (Browser::new(), Browser::new());
    for (number, browser) in [&mut leaver, &mut other].into_iter().enumerate() {
        let page = browser.open(&server.url("/login")).await;
        let page = sign_in(browser, &page, (&format!("u{number}"), &password_of(number))).await;
        assert_eq!(page.url.path(), "/");
        assert!(is_signed_in(browser, &server).await);
    }
    let lock = "add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z";
    slapd.modify(&format!("dn: uid=u0,ou=people,{BASE}\nchangetype: modify\n{lock}\n"));
    assert!(is_signed_in(&mut leaver, &server).await, "nobody has looked yet");
    let run = run_in(&server.folder, &["run", "idp"], "");
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    assert_eq!(sink.users()["u0"]["active"], false);
    // The server takes it over from the command.
    let deadline = Instant::now() + Duration::from_mins(1);
    while is_signed_in(&mut leaver, &server).await {
        assert!(Instant::now() < deadline, "still signed in");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(is_signed_in(&mut other, &server).await, "nobody else is signed out");
    let ended = server.audit().into_iter().filter(|event| event["event"] == "session_ended");
    let told: Vec<_> = ended.map(|event| (event["login"].clone(), event["reason"].clone())).collect();
    assert_eq!(told, [("u0".into(), "deactivated".into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_due_during_a_pause_is_made_after_it() {
    let slapd = Slapd::start_source(Copies::Log, 1);
    let sink = sink().await;
    let keys = format!("objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\nfull_schedule = \"1h\"\n");
    let folder = folder(&sink.url, &Slapd::directory(&[&slapd]), &keys);
    assert_eq!(run_in(&folder, &["pause", "idp"], "").code, 0);
    let mut server = TestServer::start(folder).await;
    server.process.wait_for_log("paused: what is due waits until it is resumed").await;
    assert_eq!(sink.users().len(), 0);
    // Without the run of `sekisho sync resume`.
    let store = format!("sqlite:{}", server.folder.path("sekisho.db").display());
    let store = Store::open(&store).await.unwrap();
    store.commit(vec![Write::DropMemo { key: "sync-paused/idp".to_owned() }]).await.unwrap();
    wait_until("everybody is there", || sink.users().len() == 1).await;
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_due_while_another_was_at_it_is_made_after_that() {
    let slapd = Slapd::start_source(Copies::Log, 1);
    let sink = sink().await;
    let keys = format!("objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\nfull_schedule = \"1d\"\n");
    let folder = folder(&sink.url, &Slapd::directory(&[&slapd]), &keys);
    // Somebody else who makes no full run, and does not end in order either.
    let store = Store::open(&format!("sqlite:{}", folder.path("sekisho.db").display())).await.unwrap();
    let now_ms = SystemClock.now().as_millisecond();
    let state = store.sync_state().await.unwrap();
    assert!(state.lease("idp", "elsewhere", (now_ms, now_ms + 20_000)).await.unwrap());
    let mut server = TestServer::start(folder).await;
    server.process.wait_for_log("another node synchronises this target").await;
    assert_eq!(sink.users().len(), 0);
    wait_until("everybody is there", || sink.users().len() == 1).await;
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_carried_while_a_full_run_is_refused() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let service = ScimServer::scim2().await;
    let keys = format!(
        "objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\nschedule = \"10s\"\nfull_schedule = \"10s\"\n\
         [limits.user]\ndelete = {{ percent = 0, count = 0 }}\n"
    );
    let rig = Rig::new(service, &Slapd::directory(&[&slapd]), &keys).await;
    rig.carried(&["run", "idp"]);
    let id = rig.users().await["m0@example.test"]["id"].as_str().unwrap().to_owned();
    let url = format!("{}/Users/{id}", rig.service.url);
    assert!(client().delete(url).bearer_auth(TOKEN).send().await.unwrap().status().is_success());
    let Rig { folder, proxy, .. } = rig;
    let mut server = TestServer::start(folder).await;
    server.process.wait_for_log("the target has lost 1 of 3 objects of type User").await;
    proxy.take_log();
    slapd.modify(&format!("dn: uid=m1,ou=many,{BASE}\nchangetype: modify\nreplace: sn\nsn: changed\n"));
    let carried = "Data=IDP Object=User Total=1 Add=0(0 succeeded) Modify=1(1 succeeded)";
    server.process.wait_for_log(carried).await;
    assert_eq!(server.process.log().matches("the target has lost").count(), 1, "before it is tried again");
    assert_eq!(server.stop().await, Some(0));
}
