//! SIGTERM and kill -9.

use std::net::TcpStream;

use crate::faults::{ask, enter, fake_directory, folder_with, received};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::{Browser, Navigation};
use crate::support::fake_ldap::{Conduct, FakeLdap};
use crate::support::folder::TANAKA;
use crate::support::process::Signal;
use crate::support::sp::Sp;

#[tokio::test]
async fn sigterm_lets_a_request_finish_and_takes_no_other() {
    let gate = FakeLdap::start(Conduct::Gate, Conduct::Well).await;
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    folder.add_directory(&fake_directory(&[&gate]));
    let mut server = TestServer::start(folder).await;
    let mut browser = Browser::new();
    let page = ask(&server, &mut browser, &sp).await;
    let form = page.form_with("password").fill("login", "sato").fill("password", "right");
    let step = Navigation::form(&page, &form);
    let under_way = tokio::spawn(async move { browser.step(&step).await });
    gate.until_bound(1).await;

    server.process.signal(Signal::Term);
    let port = server.folder.port;
    let refuses = || async { TcpStream::connect(("127.0.0.1", port)).is_err() };
    server.process.wait_until("new connections are refused", refuses).await;
    assert!(!under_way.is_finished());
    gate.open();
    let answer = under_way.await.unwrap();
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(server.process.ended().await.code(), Some(0), "{}", server.log());
    assert!(server.log().lines().last().unwrap().contains("sekisho has stopped"), "{}", server.log());
    let last = server.audit().pop().unwrap();
    assert_eq!((last["event"].as_str(), last["state"].as_str()), (Some("server"), Some("stopped")));
}

#[tokio::test]
async fn a_sign_in_that_nobody_waits_for_does_not_keep_the_server_from_ending() {
    let fake = FakeLdap::start(Conduct::Hang, Conduct::Well).await;
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    folder.add_directory(&fake_directory(&[&fake]));
    let mut server = TestServer::start(folder).await;
    let mut browser = Browser::new();
    let page = ask(&server, &mut browser, &sp).await;
    let hanging = tokio::spawn(async move { sign_in(&mut browser, &page, ("sato", "x")).await });
    fake.until_bound(1).await;
    hanging.abort();
    assert_eq!(server.stop().await, Some(0), "{}", server.log());
}

#[tokio::test]
async fn sessions_survive_a_stop_and_a_kill() {
    let sp = Sp::new("kintai");
    let mut server = TestServer::start(folder_with(&sp)).await;
    let mut browser = Browser::new();
    let waiting = ask(&server, &mut browser, &sp).await;
    let first = received(&server, &sp, &enter(&server, &mut browser, &sp, TANAKA).await);
    server.kill().await;
    server.restart().await;
    let second = received(&server, &sp, &ask(&server, &mut browser, &sp).await);
    assert_eq!(second.session_index(), first.session_index());
    assert_eq!(
        second.assertion("AuthnStatement").attribute("AuthnInstant"),
        first.assertion("AuthnStatement").attribute("AuthnInstant")
    );
    assert_eq!(server.stop().await, Some(0));
    server.restart().await;
    received(&server, &sp, &ask(&server, &mut browser, &sp).await);
    // The page that was open all the while leads to its end too.
    received(&server, &sp, &sign_in(&mut browser, &waiting, TANAKA).await);
}
