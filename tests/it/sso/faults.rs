//! What breaks while people sign in: nothing leaves that cannot be recorded, and nobody is told that a
//! password was wrong.

use sqlx::{Connection, Executor, SqliteConnection};

use super::{Case, assert_refused};
use crate::support::app::sign_in;
use crate::support::browser::Browser;
use crate::support::folder::{Folder, TANAKA};
use crate::support::sp::{Sp, redirect};

#[tokio::test]
async fn without_an_audit_trail_no_response_leaves() {
    let mut case = Case::signed_in("").await;
    let (good, mut unknown) = (case.ask(), case.ask());
    unknown.issuer = Some("https://nobody.test".to_owned());
    let mut unmet = case.ask();
    unmet.name_id_format = Some("urn:example:unheard-of".to_owned());
    case.audit().break_down(true);
    for request in [&good, &unknown, &unmet] {
        let page = case.send(request).await;
        assert_refused(&page, 503, "SK-UNAVAILABLE");
    }
    let page = case.browser.open(&case.url("/saml/sso/init?sp=https%3A%2F%2Fapp.test%2Fmetadata")).await;
    assert_refused(&page, 503, "SK-UNAVAILABLE");
    case.audit().break_down(false);
    let page = case.send(&good).await;
    case.accept(&page, &good);
}

#[tokio::test]
async fn without_an_audit_trail_nobody_signs_in() {
    let mut case = Case::new("");
    let request = case.ask();
    let login = case.send(&request).await;
    case.audit().break_down(true);
    for password in [TANAKA.1, "wrong"] {
        let page = sign_in(&mut case.browser, &login, (TANAKA.0, password)).await;
        assert_eq!(page.status, 503, "{}", page.body);
        let text = page.all_text();
        assert!(text.contains("SK-AUDIT") && !text.contains("wrong") && !text.contains("disk"), "{text}");
        assert!(case.browser.cookie("sekisho").is_none(), "{password}");
        assert!(page.link("a.button").is_some_and(|retry| retry.contains("/login?pending=")));
    }
    case.audit().break_down(false);
    let page = case.enter(&login).await;
    case.accept(&page, &request);
}

/// Somebody else who holds the database's write lock.
async fn lock(case: &Case) -> SqliteConnection {
    let url = format!("sqlite:{}", case.folder.path("sekisho.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    connection.execute("BEGIN EXCLUSIVE").await.unwrap();
    connection
}

#[tokio::test]
async fn a_session_that_cannot_be_recorded_gets_no_assertion() {
    let folder = Folder::new();
    let second = Sp::new("second");
    folder.register("second", &second, "");
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    assert!(case.is_signed_in().await);
    let mut held = lock(&case).await;
    let request = case.request(&second);
    let page = case.send(&request).await;
    assert_refused(&page, 503, "SK-UNAVAILABLE");
    assert!(case.is_signed_in().await, "where nothing is to be written, nobody waits");
    held.execute("ROLLBACK").await.unwrap();
    let page = case.send(&request).await;
    second.receive(&page).verify(&second, Some(&request.id), &case.folder.idp.certificate_pem());
    assert_eq!(case.events("assertion_issued").len(), 3);
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_recorded_ends_in_a_503_and_can_be_repeated() {
    let mut case = Case::new("");
    let request = case.ask();
    let mut browser = Browser::new();
    let login = browser.open(&redirect(&case.sso(), &request.xml(), Some("deep"))).await;
    let mut held = lock(&case).await;
    let page = sign_in(&mut browser, &login, TANAKA).await;
    assert_eq!(page.status, 503, "{}", page.body);
    assert!(!page.body.contains("SAMLResponse") && !page.all_text().contains("wrong"), "{}", page.all_text());
    assert!(case.events("assertion_issued").is_empty());
    held.execute("ROLLBACK").await.unwrap();
    let page = sign_in(&mut browser, &login, TANAKA).await;
    assert_eq!(case.accept(&page, &request).relay_state.as_deref(), Some("deep"));
    case.browser = browser;
    assert!(case.is_signed_in().await);
}
