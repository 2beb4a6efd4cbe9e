//! The request that waits while a person signs in: it travels in the page, so that tabs, the back button, a bookmark and
//! a restarted server all end in the right place with the right RelayState.

use sekisho::clock::SignedDuration;

use super::{Case, assert_refused};
use crate::support::app::sign_in;
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::Page;
use crate::support::sp::{Sp, redirect};

/// Opens the sign-in page for a request that answers in `relay_state`.
async fn open(case: &mut Case, relay_state: &str) -> (Page, crate::support::request::AuthnRequest) {
    let request = case.ask();
    let page = case.browser.open(&redirect(&case.sso(), &request.xml(), Some(relay_state))).await;
    assert_eq!(page.url.path(), "/login");
    (page, request)
}

#[tokio::test]
async fn two_tabs_end_each_in_its_own_place() {
    let folder = Folder::new();
    let second = Sp::new("second");
    folder.register("second", &second, "");
    let mut case = Case::of(folder, Sp::new("app"), "");
    let (tab, request) = open(&mut case, "first").await;
    let other = case.request(&second);
    let other_tab = case.browser.open(&redirect(&case.sso(), &other.xml(), Some("second"))).await;
    assert!(other_tab.all_text().contains("The second application"));
    let page = case.enter(&tab).await;
    assert_eq!(case.accept(&page, &request).relay_state.as_deref(), Some("first"));
    let page = case.enter(&other_tab).await;
    let received = second.receive(&page);
    received.verify(&second, Some(&other.id), &case.folder.idp.certificate_pem());
    assert_eq!(received.relay_state.as_deref(), Some("second"));
}

#[tokio::test]
async fn a_reloaded_tab_goes_on_by_itself_once_another_has_signed_in() {
    let mut case = Case::new("");
    let (waiting, request) = open(&mut case, "waiting").await;
    let mut fresh = case.ask();
    fresh.force_authn = Some(true);
    let force = case.send(&fresh).await;
    case.sign_in_first().await;
    let page = case.browser.open(waiting.url.as_str()).await;
    assert_eq!(page.url.path(), "/saml/sso/continue");
    assert_eq!(case.accept(&page, &request).relay_state.as_deref(), Some("waiting"));
    // That sign-in was after the request that asks for a fresh one: it is one.
    let page = case.browser.open(force.url.as_str()).await;
    case.accept(&page, &fresh);
    // A request that came later wants another.
    let mut later = case.ask();
    later.force_authn = Some(true);
    case.clock.advance(SignedDuration::from_secs(1));
    let page = case.send(&later).await;
    let page = case.browser.open(page.url.as_str()).await;
    assert_eq!(page.url.path(), "/login");
}

#[tokio::test]
async fn back_button_reload_and_bookmark_lead_to_the_same_answer() {
    let mut case = Case::new("");
    let (login, request) = open(&mut case, "deep").await;
    let page = case.enter(&login).await;
    let first = case.accept(&page, &request);
    // Back to the sign-in page, and once more.
    let page = case.enter(&login).await;
    let second = case.accept(&page, &request);
    assert_eq!(second.relay_state, first.relay_state);
    // The page with the Response is reloaded.
    let reloaded = case.browser.open(page.url.as_str()).await;
    assert_eq!(page.url.path(), "/saml/sso/continue");
    assert_eq!(case.accept(&reloaded, &request).relay_state.as_deref(), Some("deep"));
    // The sign-in page was kept as a bookmark, and is opened half an hour later in another browser.
    case.clock.advance(SignedDuration::from_mins(30));
    let mut elsewhere = Browser::new();
    let bookmarked = elsewhere.open(login.url.as_str()).await;
    let page = sign_in(&mut elsewhere, &bookmarked, TANAKA).await;
    assert_eq!(case.accept(&page, &request).relay_state.as_deref(), Some("deep"));
    // What is sealed is no pass: whoever has the address alone signs in.
    let stranger = Browser::new().open(page.url.as_str()).await;
    assert_eq!(stranger.url.path(), "/login");
}

#[tokio::test]
async fn the_server_may_be_restarted_between_the_page_and_its_form() {
    let mut case = Case::new("");
    let (login, request) = open(&mut case, "deep").await;
    case.restart();
    let page = case.enter(&login).await;
    assert_eq!(case.accept(&page, &request).relay_state.as_deref(), Some("deep"));
    case.browser.cookies.clear();
    let (login, _) = open(&mut case, "deep").await;
    case.folder.write_secret("certs/session-secret", &"7a".repeat(32));
    case.restart();
    let navigation = Navigation::form(&login, &login.form_with("password").fill("password", TANAKA.1));
    let page = case.browser.navigate(navigation).await;
    assert_refused(&page, 400, "SK-NO-REQUEST");
    assert!(case.events("signed_in").is_empty() && case.events("sign_in_refused").is_empty());
}

#[tokio::test]
async fn a_wrong_password_or_another_language_loses_nothing() {
    let mut case = Case::new("");
    let (login, request) = open(&mut case, "deep").await;
    let japanese = login.link("footer a").expect("the language switch");
    let login = case.browser.open(&japanese).await;
    assert!(login.all_text().contains("サインイン") && login.all_text().contains("The app application"));
    let again = sign_in(&mut case.browser, &login, (TANAKA.0, "wrong")).await;
    assert_eq!(again.status, 401);
    let page = sign_in(&mut case.browser, &again, TANAKA).await;
    assert_eq!(case.accept(&page, &request).relay_state.as_deref(), Some("deep"));
}

#[tokio::test]
async fn a_sealed_request_past_its_time_leads_back_to_a_new_start() {
    let mut case = Case::new("");
    let (login, _) = open(&mut case, "deep").await;
    case.clock.advance(SignedDuration::from_secs(3601));
    let bookmarked = case.browser.open(login.url.as_str()).await;
    let late = case.enter(&login).await;
    for page in [&bookmarked, &late] {
        assert_eq!(page.status, 400, "{}", page.body);
        assert!(page.all_text().contains("SK-STALE") && page.forms().is_empty(), "{}", page.body);
    }
    let start = late.link("a.button").expect("a button back");
    assert!(case.events("signed_in").is_empty(), "no password is tried for what leads nowhere");
    let page = case.browser.open(&start).await;
    let page = case.enter(&page).await;
    case.received(&page).verify(&case.sp, None, &case.folder.idp.certificate_pem());
}

#[tokio::test]
async fn a_sealed_request_that_was_changed_is_refused() {
    let mut case = Case::new("");
    let (login, _) = open(&mut case, "deep").await;
    let form = login.form_with("password").fill("login", TANAKA.0).fill("password", TANAKA.1);
    let sealed = form.value("pending").unwrap().to_owned();
    let last = if sealed.ends_with('A') { 'B' } else { 'A' };
    let middle = if sealed.as_bytes()[40] == b'A' { "B" } else { "A" };
    for changed in [
        format!("{}{last}", &sealed[..sealed.len() - 1]),
        format!("{}{middle}{}", &sealed[..40], &sealed[41..]),
        sealed[..sealed.len() - 4].to_owned(),
        format!("{sealed}AAAA"),
        "A".repeat(100),
        "x y\"<".to_owned(),
    ] {
        let page = case.browser.submit(&login, &form.clone().forge("pending", &changed)).await;
        assert_refused(&page, 400, "SK-NO-REQUEST");
        for path in ["/saml/sso/continue", "/login"] {
            let query = crate::support::browser::encode(&[("pending".to_owned(), changed.clone())]);
            let page = case.browser.open(&case.url(&format!("{path}?{query}"))).await;
            assert_refused(&page, 400, "SK-NO-REQUEST");
        }
    }
    assert!(case.events("signed_in").is_empty());
}
