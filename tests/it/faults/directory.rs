//! LDAP servers that stop, pause and come back under a server that goes on.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::{POLICY, ask, enter, fake_directory, folder_with, received, refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::fake_ldap::{Conduct, ENTRY, FakeLdap};
use crate::support::folder::{SUZUKI, TANAKA};
use crate::support::html::Page;
use crate::support::slapd::{BASE, PASSWORD, Slapd, password_of};
use crate::support::sp::Sp;

/// Only slapd knows this one.
const YOSHIDA: (&str, &str) = ("yoshida", PASSWORD);

/// slapd behind a server with one SP.
async fn serve(directory: &str) -> (TestServer, Sp) {
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    folder.add_directory(directory);
    (TestServer::start(folder).await, sp)
}

/// A person with a Japanese name and a value full of markup signs in; the SP gets both to the letter.
async fn signs_in(directory: &str) {
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    folder.add_directory(directory);
    folder.write_secret("people.toml", "");
    let server = TestServer::start(folder).await;
    let page = enter(&server, &mut Browser::new(), &sp, ("tanaka", PASSWORD)).await;
    let attributes = received(&server, &sp, &page).attributes();
    assert_eq!(attributes["displayName"], ["田中 太郎"]);
    assert_eq!(attributes["title"], ["a&<b>\"c]]>"]);
    assert_eq!(attributes.len(), 3, "{attributes:?}");
    assert!(server.log().contains("tanaka successfully authenticated"), "{}", server.log());
}

#[tokio::test]
async fn a_person_signs_in_by_ldaps() {
    let slapd = Slapd::start();
    signs_in(&Slapd::directory(&[&slapd])).await;
}

#[tokio::test]
async fn a_person_signs_in_by_start_tls() {
    let slapd = Slapd::start();
    let directory = Slapd::directory(&[&slapd]).replace(&slapd.ldaps_url(), &slapd.ldap_url());
    signs_in(&format!("{directory}start_tls = true\n")).await;
}

#[tokio::test]
async fn a_person_signs_in_by_a_dn_pattern() {
    let slapd = Slapd::start();
    let directory = Slapd::directory(&[&slapd]);
    signs_in(&format!("{directory}dn_pattern = \"uid={{login}},ou=people,{BASE}\"\n")).await;
}

#[tokio::test]
async fn a_name_of_the_file_is_never_tried_in_ldap() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let (server, sp) = serve(&fake_directory(&[&fake])).await;
    let mut browser = Browser::new();
    let page = enter(&server, &mut browser, &sp, (TANAKA.0, "another")).await;
    refused(&page, 401, "SK-CREDENTIALS");
    received(&server, &sp, &sign_in(&mut browser, &page, TANAKA).await);
    assert!(fake.binds().is_empty(), "{:?}", fake.binds());
    // What the file does not know is looked for in LDAP.
    let other = enter(&server, &mut Browser::new(), &sp, ("sato", "right for this one")).await;
    received(&server, &sp, &other);
    assert_eq!(fake.binds(), [ENTRY]);
}

#[tokio::test]
async fn a_stopped_server_is_no_wrong_password_and_is_found_again() {
    let mut slapd = Slapd::start();
    let (server, sp) = serve(&Slapd::directory(&[&slapd])).await;
    let mut browser = Browser::new();
    slapd.stop();
    for _ in 0..6 {
        // More often than the throttle lets wrong passwords through.
        let page = enter(&server, &mut browser, &sp, YOSHIDA).await;
        refused(&page, 503, "SK-DIRECTORY");
        assert!(!page.body.contains("wrong") && !page.body.contains("パスワードが違います"), "{}", page.body);
    }
    let log = server.log();
    let cause = log.lines().find(|line| line.contains("SK-DIRECTORY")).expect("a line with the code");
    assert!(
        cause.contains("ERROR") && cause.contains("Connection refused") && cause.contains("corp"),
        "{cause}"
    );
    assert!(server.audit().iter().any(|event| event["reason"] == "directory_unavailable"));

    // Whom the file knows signs in all the while.
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, SUZUKI).await);

    slapd.restart();
    received(&server, &sp, &enter(&server, &mut browser, &sp, YOSHIDA).await);
}

#[tokio::test]
async fn a_paused_server_is_no_wrong_password_and_is_found_again() {
    let slapd = Slapd::start();
    let (mut server, sp) = serve(&Slapd::directory(&[&slapd])).await;
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, YOSHIDA).await);
    slapd.pause();
    let page = enter(&server, &mut Browser::new(), &sp, ("u1", &password_of(1))).await;
    refused(&page, 503, "SK-DIRECTORY");
    slapd.resume();
    let sso = redirected(&server, &sp);
    let answers_again = || async {
        let mut browser = Browser::new();
        let page = browser.open(&sso).await;
        sign_in(&mut browser, &page, ("u1", &password_of(1))).await.body.contains("SAMLResponse")
    };
    server.process.wait_until("slapd is found again", answers_again).await;
}

fn redirected(server: &TestServer, sp: &Sp) -> String {
    crate::support::sp::redirect(&server.sso(), &sp.request().xml(), None)
}

/// Six sign-ins at once, of which the throttle lets three through: those hang in their bind, and the others wait for
/// them. The pages are fetched before, so that all come close together.
async fn hang(server: &TestServer, sp: &Sp) -> Vec<JoinHandle<Page>> {
    let mut pages = Vec::new();
    for _ in 0..6 {
        let mut browser = Browser::new();
        pages.push((ask(server, &mut browser, sp).await, browser));
    }
    let send = |(page, mut browser): (Page, Browser)| {
        tokio::spawn(async move { sign_in(&mut browser, &page, ("sato", "x")).await })
    };
    pages.into_iter().map(send).collect()
}

/// Whether three binds arrived before the directory was given up.
async fn three_bound(fake: &FakeLdap, hanging: &[JoinHandle<Page>]) -> bool {
    while fake.binds().len() < 3 {
        if hanging.iter().all(JoinHandle::is_finished) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

/// Whether all that was asked while binds hung was answered before they ended.
async fn are_served_while_binds_hang() -> bool {
    let fake = FakeLdap::start(Conduct::Hang, Conduct::Well).await;
    let (server, sp) = serve(&fake_directory(&[&fake])).await;
    let other = Sp::new("keihi");
    server.folder.register("other", &other, POLICY);
    let mut warm = Browser::new();
    received(&server, &sp, &enter(&server, &mut warm, &sp, TANAKA).await);

    let hanging = hang(&server, &sp).await;
    let hung = three_bound(&fake, &hanging).await;
    let mut pages = Vec::new();
    for _ in 0..5 {
        pages.push((&sp, ask(&server, &mut warm, &sp).await));
    }
    // An SP that is new to the session, so that the store is written to.
    pages.push((&other, ask(&server, &mut warm, &other).await));
    // Somebody of the file signs in anew.
    pages.push((&sp, enter(&server, &mut Browser::new(), &sp, SUZUKI).await));
    let pending = hanging.iter().filter(|task| !task.is_finished()).count();
    for (sp, page) in pages {
        received(&server, sp, &page);
    }
    for task in hanging {
        let page = task.await.unwrap();
        refused(&page, page.status, if page.status == 429 { "SK-THROTTLED" } else { "SK-DIRECTORY" });
    }
    assert!(fake.binds().len() <= 3, "a bind without an answer may have counted, and is not sent again");
    hung && pending == 6
}

/// A bind hangs for five seconds. On a machine so busy that a few pages take longer, a round shows nothing and there is
/// another one; were those pages to wait for the directory, no round would do.
#[tokio::test]
async fn people_who_are_signed_in_do_not_wait_for_a_hanging_directory() {
    for _ in 0..5 {
        if are_served_while_binds_hang().await {
            return;
        }
    }
    panic!("in no round all was served before the sign-ins that hang ended");
}

#[tokio::test]
async fn the_second_server_answers_for_a_paused_and_for_a_stopped_one() {
    let (mut first, second) = (Slapd::start(), Slapd::start());
    let (server, sp) = serve(&Slapd::directory(&[&first, &second])).await;
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, YOSHIDA).await);
    first.pause();
    // The first sign-in finds out that the server is silent; where a bind was sent already it cannot be repeated.
    let found_out = enter(&server, &mut Browser::new(), &sp, YOSHIDA).await;
    assert!(matches!(found_out.status, 200 | 503), "{}", found_out.body);
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, ("u2", &password_of(2))).await);
    first.stop();
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, ("u3", &password_of(3))).await);
    assert!(server.log().contains("LDAP server is out"), "{}", server.log());
}
