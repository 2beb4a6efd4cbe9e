//! What reaches a directory of a try, and what the person hears.

use super::{ask, enter, fake_directory, folder_with, received, refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::fake_ldap::{Conduct, ENTRY, FakeLdap};
use crate::support::html::Page;
use crate::support::sp::Sp;

async fn serve(fake: &FakeLdap) -> (TestServer, Sp) {
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    folder.add_directory(&fake_directory(&[fake]));
    folder.set("throttle.account_tries", 100);
    folder.set("throttle.address_tries", 1000);
    (TestServer::start(folder).await, sp)
}

#[tokio::test]
async fn one_try_is_one_bind() {
    let fake = FakeLdap::start(Conduct::Password("right"), Conduct::Well).await;
    let (server, sp) = serve(&fake).await;
    let mut browser = Browser::new();
    refused(&enter(&server, &mut browser, &sp, ("sato", "wrong")).await, 401, "SK-CREDENTIALS");
    assert_eq!(fake.binds(), [ENTRY]);
    received(&server, &sp, &enter(&server, &mut browser, &sp, ("sato", "right")).await);
    assert_eq!(fake.binds(), [ENTRY, ENTRY]);
    // Once signed in, no password is proved again.
    received(&server, &sp, &ask(&server, &mut browser, &sp).await);
    assert_eq!(fake.binds(), [ENTRY, ENTRY]);
}

#[tokio::test]
async fn passwords_and_names_that_prove_nothing_never_reach_the_directory() {
    let fake = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let (server, sp) = serve(&fake).await;
    let mut browser = Browser::new();
    let page = ask(&server, &mut browser, &sp).await;
    let long = "x".repeat(257);
    let tries = [
        ("sato", ""),
        ("sato", "   "),
        ("sato", "\u{3000}"),
        ("sato", "right\0"),
        ("", "right"),
        ("sa\0to", "right"),
        ("sa\nto", "right"),
        (long.as_str(), "right"),
    ];
    for who in tries {
        let answer = sign_in(&mut browser, &page, who).await;
        refused(&answer, 401, "SK-CREDENTIALS");
    }
    assert!(fake.binds().is_empty(), "{:?}", fake.binds());
    received(&server, &sp, &sign_in(&mut browser, &page, ("sato", "right")).await);
}

/// A bind that breaks off may have been counted by the directory: it is not sent again, and is no wrong password.
#[tokio::test]
async fn a_bind_that_breaks_off_is_not_repeated_on_another_server() {
    for conduct in [Conduct::Close, Conduct::CloseInTheMiddle, Conduct::Garbage, Conduct::Malformed] {
        let broken = FakeLdap::start(conduct, Conduct::Well).await;
        let good = FakeLdap::start(Conduct::Well, Conduct::Well).await;
        let sp = Sp::new("kintai");
        let mut folder = folder_with(&sp);
        folder.add_directory(&fake_directory(&[&broken, &good]));
        let server = TestServer::start(folder).await;
        let page = enter(&server, &mut Browser::new(), &sp, ("sato", "right")).await;
        refused(&page, 503, "SK-DIRECTORY");
        assert_eq!((broken.binds().len(), good.binds().len()), (1, 0), "{conduct:?}");
    }
}

#[tokio::test]
async fn unknown_name_and_wrong_password_look_the_same() {
    let fake = FakeLdap::start(Conduct::Refuse(""), Conduct::Well).await;
    let (server, sp) = serve(&fake).await;
    let nobody = FakeLdap::start(Conduct::Well, Conduct::NoEntry).await;
    let (empty_server, _) = serve(&nobody).await;
    empty_server.folder.register("sp", &sp, super::POLICY);
    let mut pages = Vec::new();
    for (server, who) in [(&server, ("sato", "wrong")), (&empty_server, ("sato", "wrong"))] {
        let page = enter(server, &mut Browser::new(), &sp, who).await;
        refused(&page, 401, "SK-CREDENTIALS");
        pages.push(without_the_unique(&page));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!((fake.binds().len(), nobody.binds().len()), (1, 0));
    let reason = |server: &TestServer| {
        let events = server.audit();
        let event = events.iter().find(|event| event["event"] == "sign_in_refused").unwrap();
        event["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!((reason(&server), reason(&empty_server)), ("wrong_password".into(), "unknown".into()));
    assert!(empty_server.log().contains("LDAP search returned zero entries"), "{}", empty_server.log());
    assert!(!server.log().contains("LDAP search returned zero entries"));
}

/// Status, names of the headers, and the text without request id and port.
fn without_the_unique(page: &Page) -> (u16, Vec<String>, String) {
    let text = page.all_text();
    let id = regex::Regex::new(r"Request \S+").unwrap();
    assert!(id.is_match(&text), "{text}");
    let mut names: Vec<String> = page.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    (page.status, names, id.replace(&text, "Request").into_owned())
}
