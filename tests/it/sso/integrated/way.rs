//! Where the way leads: what a ticket meets and what it does not, and that nobody is signed in by it against their will.

use sekisho::clock::SignedDuration;

use super::super::Case;
use super::{KERBEROS, PASSWORD, TANAKA_TICKET, asks_for_password, assert_form, folder, has_button, proved};
use crate::support::app::sign_in;
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{SUZUKI, TANAKA};
use crate::support::html::Page;
use crate::support::request::AuthnRequest;
use crate::support::sp::Sp;

fn exactly(case: &Case, class: &str) -> AuthnRequest {
    AuthnRequest { contexts: vec![class.to_owned()], ..case.ask() }
}

fn passive(case: &Case) -> AuthnRequest {
    AuthnRequest { is_passive: Some(true), ..case.ask() }
}

/// Follows the refresh of a page, as browsers do without a click.
async fn refreshed(case: &mut Case, page: &Page) -> Page {
    let refresh =
        page.attribute("meta[http-equiv=refresh]", "content").unwrap_or_else(|| panic!("{}", page.body));
    let (_, path) = refresh.split_once("url=").unwrap();
    let url = page.url.join(path).unwrap();
    case.browser.navigate(Navigation::to(url.as_str()).from(page)).await
}

async fn click(case: &mut Case, page: &Page) -> Page {
    let form = page.form_with("how");
    case.browser.submit(page, &form).await
}

async fn sign_out(case: &mut Case) {
    let page = case.browser.open(&case.app.url("/logout")).await;
    let form = page.form_with("csrf");
    case.browser.submit(&page, &form).await;
}

#[tokio::test]
async fn without_a_ticket_there_is_the_form() {
    let mut case = Case::without_ticket();
    let request = case.ask();
    let page = case.send(&request).await;
    assert_form(&page, 200);
    assert_eq!(page.url.path(), "/login/integrated");
    let switched = case.browser.open(&page.link("footer a").unwrap()).await;
    assert_form(&switched, 200);
    assert!(switched.body.contains("<html lang=\"ja\">"), "{}", switched.body);
    let page = sign_in(&mut case.browser, &page, TANAKA).await;
    assert_eq!(case.accept(&page, &request).class(), PASSWORD);
}

#[tokio::test]
async fn force_authn_wants_the_person_and_no_ticket() {
    let mut case = Case::with_ticket(TANAKA_TICKET);
    assert!(case.is_signed_in().await);
    case.clock.advance(SignedDuration::from_mins(1));
    let request = AuthnRequest { force_authn: Some(true), ..case.ask() };
    let page = case.send(&request).await;
    assert_form(&page, 200);
    assert!(page.url.path() == "/login" && !has_button(&page), "{}", page.url);
    // A new session by the ticket, in another tab or by this address, does not meet it.
    let pending = page.form_with("password").value("pending").unwrap().to_owned();
    case.clock.advance(SignedDuration::from_secs(1));
    let mut elsewhere = Browser::new();
    elsewhere.added = proved(TANAKA_TICKET);
    elsewhere.open(&case.app.url("/login")).await;
    for path in ["/saml/sso/continue", "/login", "/login/integrated"] {
        let page = elsewhere.open(&case.app.url(&format!("{path}?pending={pending}"))).await;
        assert_form(&page, 200);
    }
    let page = sign_in(&mut case.browser, &page, TANAKA).await;
    assert_eq!(case.accept(&page, &request).class(), PASSWORD);
    let both = AuthnRequest { force_authn: Some(true), ..passive(&case) };
    case.clock.advance(SignedDuration::from_secs(1));
    let page = case.send(&both).await;
    assert_eq!(case.status(&page, &both), ["Responder", "NoPassive"]);
}

#[tokio::test]
async fn is_passive_is_met_by_a_ticket_alone_and_shows_nothing() {
    let mut case = Case::with_ticket(TANAKA_TICKET);
    let request = passive(&case);
    let page = case.send(&request).await;
    assert_eq!(case.accept(&page, &request).class(), KERBEROS);
    // After a sign-out a click would be needed, so that nothing can be done.
    sign_out(&mut case).await;
    let request = passive(&case);
    let page = case.send(&request).await;
    assert_eq!(case.status(&page, &request), ["Responder", "NoPassive"]);

    for mut case in [Case::without_ticket(), Case::with_ticket("nobody@EXAMPLE.TEST")] {
        let request = passive(&case);
        let page = case.send(&request).await;
        assert!(!asks_for_password(&page), "{}", page.body);
        let page = refreshed(&mut case, &page).await;
        assert_eq!(case.status(&page, &request), ["Responder", "NoPassive"]);
    }
}

#[tokio::test]
async fn a_requested_context_leads_to_the_way_that_meets_it() {
    let mut case = Case::with_ticket(TANAKA_TICKET);
    let request = exactly(&case, KERBEROS);
    let page = case.send(&request).await;
    case.accept(&page, &request);
    // The session by ticket does not meet this; the form does, and the ticket is not asked for in circles.
    let request = exactly(&case, PASSWORD);
    let page = case.send(&request).await;
    assert_form(&page, 200);
    assert!(page.url.path() == "/login" && !has_button(&page));
    let page = sign_in(&mut case.browser, &page, TANAKA).await;
    assert_eq!(case.accept(&page, &request).class(), PASSWORD);

    for mut case in [Case::without_ticket(), Case::with_ticket("tanaka@OTHER.TEST")] {
        let request = exactly(&case, KERBEROS);
        let page = case.send(&request).await;
        assert!(!asks_for_password(&page), "the form would not help: {}", page.body);
        let page = refreshed(&mut case, &page).await;
        assert_eq!(case.status(&page, &request), ["Responder", "NoAuthnContext"]);
    }
}

#[tokio::test]
async fn after_a_sign_out_only_a_click_signs_in_by_ticket() {
    let mut case = Case::with_ticket(TANAKA_TICKET);
    assert!(case.is_signed_in().await);
    sign_out(&mut case).await;
    for path in ["/", "/login", "/login/integrated"] {
        let page = case.browser.open(&case.app.url(path)).await;
        assert_form(&page, 200);
        assert!(has_button(&page), "{path}: {}", page.body);
    }
    let request = case.ask();
    let page = case.send(&request).await;
    assert_form(&page, 200);
    // A form of another site is no click of this person.
    let foreign = Navigation::form(&page, &page.form_with("how")).by_site("https://evil.test/");
    assert_eq!(case.browser.navigate(foreign).await.status, 403);
    let unproved = page.form_with("how").fill("csrf", "guess");
    let refused = case.browser.submit(&page, &unproved).await;
    assert_form(&refused, 403);
    assert_eq!(case.events("signed_in").len(), 1);
    let page = click(&mut case, &page).await;
    case.accept(&page, &request);
    // From then on it is as before.
    assert_eq!(case.browser.cookie("sekisho-ticket"), None);
    case.clock.advance(SignedDuration::from_hours(9));
    assert!(case.is_signed_in().await, "a session that is over by its time is followed by another");
}

#[tokio::test]
async fn a_session_that_was_ended_from_elsewhere_is_not_followed_by_another() {
    let mut case = Case::with_ticket(TANAKA_TICKET);
    assert!(case.is_signed_in().await);
    let token = case.browser.cookie("sekisho").unwrap().to_owned();
    let app = case.app.app();
    let session = app.sessions.find(&token).await.unwrap().unwrap();
    app.sessions.end_all(&[session]).await.unwrap();
    let page = case.browser.open(&case.app.url("/")).await;
    assert_form(&page, 200);
    assert!(has_button(&page));
    let page = click(&mut case, &page).await;
    assert!(page.all_text().contains("田中 太郎"), "{}", page.all_text());
}

#[tokio::test]
async fn whoever_signed_in_at_the_page_is_not_replaced_unasked() {
    let mut case = Case::without_ticket();
    let page = case.browser.open(&case.app.url("/login")).await;
    sign_in(&mut case.browser, &page, SUZUKI).await;
    case.browser.added = proved(TANAKA_TICKET);
    let request = exactly(&case, KERBEROS);
    let page = case.send(&request).await;
    assert!(has_button(&page) && !asks_for_password(&page), "{}", page.body);
    let home = case.browser.open(&case.app.url("/")).await;
    assert!(home.all_text().contains("鈴木 花子"), "{}", home.all_text());
    let silent = AuthnRequest { is_passive: Some(true), ..request.clone() };
    let answer = case.send(&silent).await;
    assert_eq!(case.status(&answer, &silent), ["Responder", "NoAuthnContext"]);
    let page = click(&mut case, &page).await;
    case.accept(&page, &request);
    let home = case.browser.open(&case.app.url("/")).await;
    assert!(home.all_text().contains("田中 太郎"), "{}", home.all_text());
}

#[tokio::test]
async fn a_browser_without_cookies_does_not_go_in_circles() {
    let mut case = Case::of(folder(), Sp::new("app"), "");
    let request = case.ask();
    let start = crate::support::sp::redirect(&case.app.sso(), &request.xml(), None);
    for start in [start, case.app.url("/"), case.app.url("/login")] {
        let mut next = start;
        let mut steps = 0;
        let page = loop {
            case.browser = Browser::new();
            case.browser.added = proved(TANAKA_TICKET);
            let page = case.browser.step(&Navigation::to(&next)).await;
            if page.status != 303 {
                break page;
            }
            next = page.header("location").to_owned();
            next = page.url.join(&next).unwrap().to_string();
            steps += 1;
            assert!(steps < 8, "in circles at {next}");
        };
        assert_form(&page, 200);
    }
}

#[tokio::test]
async fn the_class_is_the_configured_one() {
    let mut folder = folder();
    folder
        .set("integrated.authn_context", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.browser.added = proved(TANAKA_TICKET);
    let request = case.ask();
    let page = case.send(&request).await;
    let class = case.accept(&page, &request).class().to_owned();
    assert_eq!(class, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
}
