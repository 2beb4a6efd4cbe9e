//! How many wrong passwords reach a directory, seen from both ends: at the pages, and at an LDAP server that counts.

use std::net::{IpAddr, Ipv4Addr};

use super::{ask, enter, fake_directory, folder_with, received, refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::fake_ldap::{Conduct, FakeLdap};
use crate::support::folder::{Folder, TANAKA};
use crate::support::sp::Sp;

const RIGHT: (&str, &str) = ("sato", "right");
const WRONG: (&str, &str) = ("sato", "wrong");

async fn fake() -> FakeLdap {
    FakeLdap::start(Conduct::Password(RIGHT.1), Conduct::Well).await
}

fn folder(fake: &FakeLdap, sp: &Sp) -> Folder {
    let mut folder = folder_with(sp);
    folder.add_directory(&fake_directory(&[fake]));
    folder
}

/// A browser at 127.0.0.`last`.
fn at(last: u8) -> Browser {
    Browser::at(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
}

#[tokio::test]
async fn three_wrong_tries_of_a_stranger_reach_the_directory_even_after_a_restart() {
    let (fake, sp) = (fake().await, Sp::new("kintai"));
    let mut server = TestServer::start(folder(&fake, &sp)).await;
    for name in ["sato", "SATO", "ｓａｔｏ"] {
        refused(&enter(&server, &mut at(1), &sp, (name, "wrong")).await, 401, "SK-CREDENTIALS");
    }
    assert_eq!(fake.binds().len(), 3);
    refused(&enter(&server, &mut at(1), &sp, WRONG).await, 429, "SK-THROTTLED");
    refused(&enter(&server, &mut at(2), &sp, RIGHT).await, 429, "SK-THROTTLED");
    server.kill().await;
    server.restart().await;
    refused(&enter(&server, &mut at(1), &sp, RIGHT).await, 429, "SK-THROTTLED");
    assert_eq!(fake.binds().len(), 3);
    assert!(server.audit().iter().any(|event| event["reason"] == "throttled"));
}

#[tokio::test]
async fn tries_at_once_do_not_pass_together() {
    let (fake, sp) = (fake().await, Sp::new("kintai"));
    let server = TestServer::start(folder(&fake, &sp)).await;
    let mut tries = Vec::new();
    for _ in 0..24 {
        let mut browser = at(1);
        let page = ask(&server, &mut browser, &sp).await;
        tries.push(tokio::spawn(async move { sign_in(&mut browser, &page, WRONG).await.status }));
    }
    let mut wrong = 0;
    for answer in tries {
        wrong += usize::from(answer.await.unwrap() == 401);
    }
    assert_eq!((wrong, fake.binds().len()), (3, 3), "the fourth is kept for addresses that are known");
}

#[tokio::test]
async fn strangers_cannot_shut_out_who_signed_in_before() {
    let (fake, sp) = (fake().await, Sp::new("kintai"));
    let mut server = TestServer::start(folder(&fake, &sp)).await;
    received(&server, &sp, &enter(&server, &mut at(2), &sp, RIGHT).await);
    let before = fake.binds().len();
    for _ in 0..3 {
        refused(&enter(&server, &mut at(3), &sp, WRONG).await, 401, "SK-CREDENTIALS");
    }
    refused(&enter(&server, &mut at(3), &sp, WRONG).await, 429, "SK-THROTTLED");
    refused(&enter(&server, &mut at(4), &sp, RIGHT).await, 429, "SK-THROTTLED");
    assert_eq!(fake.binds().len(), before + 3);
    server.stop().await;
    server.restart().await;
    received(&server, &sp, &enter(&server, &mut at(2), &sp, RIGHT).await);
    assert_eq!(fake.binds().len(), before + 4);
}

#[tokio::test]
async fn an_address_that_guesses_under_many_names_is_shut_out() {
    let (fake, sp) = (fake().await, Sp::new("kintai"));
    let mut folder = folder(&fake, &sp);
    folder.set("throttle.address_tries", 3);
    let server = TestServer::start(folder).await;
    received(&server, &sp, &enter(&server, &mut at(1), &sp, TANAKA).await);
    for name in [TANAKA.0, "suzuki", "sato"] {
        refused(&enter(&server, &mut at(3), &sp, (name, "guess")).await, 401, "SK-CREDENTIALS");
    }
    let before = fake.binds().len();
    refused(&enter(&server, &mut at(3), &sp, RIGHT).await, 429, "SK-THROTTLED");
    refused(&enter(&server, &mut at(3), &sp, TANAKA).await, 429, "SK-THROTTLED");
    assert_eq!(fake.binds().len(), before);
    // Nobody else is concerned.
    received(&server, &sp, &enter(&server, &mut at(4), &sp, RIGHT).await);
    received(&server, &sp, &enter(&server, &mut at(1), &sp, TANAKA).await);
}

/// One wrong try from 127.0.0.1 that says it was forwarded; the address that log and audit name.
async fn address_of(server: &TestServer, sp: &Sp, forwarded_for: &str) -> String {
    let mut browser = Browser::new();
    browser.forwarded_for = Some(forwarded_for.to_owned());
    refused(&enter(server, &mut browser, sp, (TANAKA.0, "wrong")).await, 401, "SK-CREDENTIALS");
    let events = server.audit();
    let event = events.iter().rev().find(|event| event["event"] == "sign_in_refused").unwrap();
    let (address, id) = (event["client.address"].as_str().unwrap(), event["request.id"].as_str().unwrap());
    let log = server.log();
    let line = log.lines().find(|line| line.contains(id) && line.contains("path=/login")).unwrap();
    assert!(line.contains(&format!("client.address={address}")), "{line}");
    address.to_owned()
}

#[tokio::test]
async fn only_a_trusted_proxy_says_whom_it_forwards_for() {
    let sp = Sp::new("kintai");
    let server = TestServer::start(folder_with(&sp)).await;
    assert_eq!(address_of(&server, &sp, "203.0.113.7").await, "127.0.0.1");

    let mut folder = folder_with(&sp);
    folder.set("listen.trusted_proxies", vec!["127.0.0.0/8"]);
    folder.set("throttle.account_tries", 100);
    folder.set("throttle.address_tries", 2);
    let server = TestServer::start(folder).await;
    assert_eq!(address_of(&server, &sp, "203.0.113.7").await, "203.0.113.7");
    // What the client wrote itself stands left of what the proxy wrote.
    assert_eq!(address_of(&server, &sp, "198.51.100.1, 203.0.113.7").await, "203.0.113.7");
    let mut forwarded = Browser::new();
    forwarded.forwarded_for = Some("198.51.100.1, 203.0.113.7".to_owned());
    refused(&enter(&server, &mut forwarded, &sp, TANAKA).await, 429, "SK-THROTTLED");
    forwarded.forwarded_for = Some("198.51.100.1".to_owned());
    received(&server, &sp, &enter(&server, &mut forwarded, &sp, TANAKA).await);
}
