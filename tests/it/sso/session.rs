//! The session: a new id at each sign-in, the cookie, its lifetime, and what outlives the process.

use std::fs;

use sekisho::clock::SignedDuration;
use sekisho::config::Config;

use super::{Case, assert_refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::{Browser, Cookie, Navigation, SameSite};
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::sp::{Sp, post, redirect};

fn session(browser: &Browser) -> &Cookie {
    let found = browser.cookies.iter().find(|cookie| cookie.name.ends_with("sekisho"));
    found.unwrap_or_else(|| panic!("no session cookie: {:?}", browser.cookies))
}

#[tokio::test]
async fn the_cookie_is_bound_to_the_host_and_goes_along_with_a_cross_site_post() {
    let mut case = Case::of(Folder::tls(), Sp::new("app"), "");
    case.sign_in_first().await;
    let cookie = session(&case.browser).clone();
    assert_eq!((cookie.name.as_str(), cookie.path.as_str()), ("__Host-sekisho", "/"));
    assert!(cookie.secure && cookie.http_only && cookie.same_site == SameSite::None);
    assert_eq!(cookie.value.len(), 43, "256 bits");
    let request = case.ask();
    let form =
        Navigation::to(&case.sso()).post(&post(&request.xml(), Some("r"))).by_site("https://app.test/");
    let page = case.browser.navigate(form).await;
    assert_eq!(case.accept(&page, &request).relay_state.as_deref(), Some("r"));
}

#[tokio::test]
async fn over_http_the_cookie_is_lax() {
    let case = Case::signed_in("").await;
    let cookie = session(&case.browser);
    assert_eq!(cookie.name, "sekisho");
    assert!(!cookie.secure && cookie.http_only && cookie.same_site == SameSite::Lax);
}

#[tokio::test]
async fn an_id_that_somebody_planted_is_never_a_session() {
    let mut case = Case::new("");
    let planted = Cookie {
        name: "sekisho".to_owned(),
        value: "A".repeat(43),
        host: "localhost".to_owned(),
        path: "/".to_owned(),
        secure: false,
        http_only: true,
        same_site: SameSite::Lax,
    };
    case.browser.cookies.push(planted.clone());
    assert!(!case.is_signed_in().await);
    case.sign_in_first().await;
    let first = session(&case.browser).clone();
    assert_ne!(first.value, planted.value);
    // Who signs in again gets another id, and the old one is dead.
    let page = case.browser.open(&case.url("/login?lang=en")).await;
    assert_eq!(page.url.path(), "/");
    case.clock.advance(SignedDuration::from_secs(1));
    let mut forced = case.ask();
    forced.force_authn = Some(true);
    let login = case.send(&forced).await;
    let page = case.enter(&login).await;
    case.accept(&page, &forced);
    assert_ne!(session(&case.browser).value, first.value);
    for dead in [planted, first] {
        case.browser.cookies = vec![dead];
        assert!(!case.is_signed_in().await);
    }
}

#[tokio::test]
async fn only_our_own_form_signs_anybody_in() {
    let mut case = Case::new("");
    let mut attacker = Browser::new();
    let page = attacker.open(&case.url("/login")).await;
    let form = page.form().fill("login", SUZUKI.0).fill("password", SUZUKI.1);
    // The attacker's form and token, in the victim's browser.
    let own = case.browser.open(&case.url("/login")).await;
    let steps = [
        (Navigation::form(&own, &form), "SK-FORM-TOKEN"),
        (Navigation::form(&own, &own.form().forge("csrf", "").fill("password", "x")), "SK-FORM-TOKEN"),
        (Navigation::form(&own, &form).by_site("https://evil.test/"), "SK-ORIGIN"),
        (Navigation::form(&own, &form).by_site("http://localhost:1/"), "SK-ORIGIN"),
    ];
    for (step, code) in steps {
        let page = case.browser.navigate(step).await;
        assert_eq!(page.status, 403);
        assert!(page.all_text().contains(code), "{code}: {}", page.all_text());
        assert!(case.browser.cookie("sekisho").is_none());
    }
    assert!(case.events("signed_in").is_empty() && case.events("sign_in_refused").is_empty());
    let page = sign_in(&mut case.browser, &own, TANAKA).await;
    assert_eq!(page.url.path(), "/", "the person's own form is still good");
}

#[tokio::test]
async fn an_unused_session_ends_and_a_used_one_lasts_its_lifetime() {
    let mut case = Case::signed_in("").await;
    for _ in 0..8 {
        case.clock.advance(SignedDuration::from_mins(59));
        assert!(case.is_signed_in().await, "used within the hour");
    }
    // 7 h 52 min; at 8 h the session is over, however much it was used.
    case.clock.advance(SignedDuration::from_mins(8));
    assert!(!case.is_signed_in().await);
    case.sign_in_first().await;
    case.clock.advance(SignedDuration::from_mins(60));
    assert!(!case.is_signed_in().await, "an hour unused");
    case.clock.advance(SignedDuration::from_mins(-60));
    assert!(!case.is_signed_in().await, "what is over stays over");
}

#[tokio::test]
async fn sessions_survive_a_restart_with_their_times() {
    let mut case = Case::new("");
    let request = case.ask();
    let page = case.send(&request).await;
    let page = case.enter(&page).await;
    let before = case.accept(&page, &request);
    case.clock.advance(SignedDuration::from_mins(30));
    case.restart();
    let request = case.ask();
    let page = case.send(&request).await;
    let after = case.accept(&page, &request);
    assert_eq!(after.session_index(), before.session_index());
    assert_eq!(after.name_id(), before.name_id());
    let instant = |received: &crate::support::sp::Received, name: &str| {
        received.assertion("AuthnStatement").attribute(name).unwrap().to_owned()
    };
    for name in ["AuthnInstant", "SessionNotOnOrAfter"] {
        assert_eq!(instant(&after, name), instant(&before, name));
    }
    case.clock.advance(SignedDuration::from_mins(61));
    case.restart();
    assert!(!case.is_signed_in().await, "idle time is counted over a restart");
}

#[tokio::test]
async fn sessions_survive_a_kill() {
    let folder = Folder::new();
    let sp = Sp::new("app");
    folder.register("app", &sp, "");
    let mut server = TestServer::start(folder).await;
    // One signs in at the SP, the other at the start page.
    let (mut at_sp, mut at_home) = (Browser::new(), Browser::new());
    let request = sp.request();
    let login = at_sp.open(&redirect(&server.sso(), &request.xml(), None)).await;
    let page = sign_in(&mut at_sp, &login, TANAKA).await;
    let before = sp.receive(&page);
    let login = at_home.open(&server.url("/login")).await;
    assert_eq!(sign_in(&mut at_home, &login, SUZUKI).await.url.path(), "/");
    server.kill().await;
    server.restart().await;
    let certificate = server.folder.idp.certificate_pem();
    for browser in [&mut at_sp, &mut at_home] {
        let request = sp.request();
        let page = browser.open(&redirect(&server.sso(), &request.xml(), None)).await;
        let received = sp.receive(&page);
        received.verify(&sp, Some(&request.id), &certificate);
        if received.name_id() == before.name_id() {
            assert_eq!(received.session_index(), before.session_index());
        }
    }
    let index = |browser: &Browser| session(browser).value.clone();
    assert_ne!(index(&at_sp), index(&at_home));
    assert_keeps_no_secrets(&server, &[&index(&at_sp), &index(&at_home), TANAKA.1, SUZUKI.1]);
    assert_eq!(server.stop().await, Some(0));
}

/// No file of the server holds a cookie's value or a password.
fn assert_keeps_no_secrets(server: &TestServer, secrets: &[&str]) {
    let mut files = 0;
    for entry in fs::read_dir(server.folder.root()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        files += 1;
        let bytes = fs::read(&path).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {secret}", path.display());
        }
    }
    assert!(files >= 4, "configuration, people, log, audit and store");
    let log = server.log();
    assert!(log.contains("tanaka successfully authenticated"), "{log}");
    assert!(!log.contains("SAMLResponse") && !log.contains("<saml"), "{log}");
}

#[tokio::test]
async fn one_request_is_one_line_and_one_sign_in_one_audit_event() {
    let folder = Folder::new();
    let sp = Sp::new("app");
    folder.register("app", &sp, "");
    let server = TestServer::start(folder).await;
    let mut browser = Browser::new();
    let request = sp.request();
    let login = browser.open(&redirect(&server.sso(), &request.xml(), Some("private"))).await;
    let wrong = sign_in(&mut browser, &login, (TANAKA.0, "wrong-and-secret")).await;
    let page = sign_in(&mut browser, &wrong, TANAKA).await;
    sp.receive(&page);
    let log = server.log();
    let lines = |path: &str| log.lines().filter(|line| line.contains(&format!("path={path} "))).count();
    assert_eq!((lines("/saml/sso"), lines("/saml/sso/continue")), (1, 1), "{log}");
    // The page, the page after its form was refused, and the form that was accepted.
    assert_eq!(lines("/login"), 3, "{log}");
    for secret in ["wrong-and-secret", TANAKA.1, "private", "pending="] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    let events: Vec<String> =
        server.audit().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    let of = |name: &str| events.iter().filter(|event| *event == name).count();
    assert_eq!((of("sign_in_refused"), of("signed_in"), of("assertion_issued")), (1, 1, 1), "{events:?}");
}

#[test]
fn a_lifetime_that_would_serve_no_sp_is_a_fault() {
    let mut folder = Folder::new();
    folder.set("session.lifetime", "9m");
    folder.set("session.idle", "5m");
    let faults = format!("{:?}", Config::load(&folder.write_config()).unwrap_err());
    assert!(faults.contains("session.lifetime") && faults.contains("10 minutes"), "{faults}");
    folder.set("session.lifetime", "10m");
    assert!(Config::load(&folder.write_config()).is_ok());
}

#[tokio::test]
async fn a_session_of_a_person_is_not_anothers() {
    let mut case = Case::signed_in("attributes = [\"uid\"]").await;
    let mut suzuki = Browser::new();
    let login = suzuki.open(&case.url("/login")).await;
    sign_in(&mut suzuki, &login, SUZUKI).await;
    for (browser, uid) in [(&mut case.browser.clone(), TANAKA.0), (&mut suzuki, SUZUKI.0)] {
        let request = case.ask();
        let page = browser.open(&redirect(&case.sso(), &request.xml(), None)).await;
        assert_eq!(case.accept(&page, &request).attributes()["uid"], [uid]);
    }
    let cut = session(&case.browser).value[..42].to_owned();
    case.browser.cookies.iter_mut().for_each(|cookie| cookie.value.clone_from(&cut));
    assert!(!case.is_signed_in().await);
    let page = case.browser.open(&case.sso()).await;
    assert_refused(&page, 400, "SK-NO-REQUEST");
}
