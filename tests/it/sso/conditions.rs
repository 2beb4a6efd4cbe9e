//! What an SP may ask of a sign-in: ForceAuthn, IsPassive, RequestedAuthnContext, its Subject, and how old it may be.

use sekisho::clock::SignedDuration;

use super::{Case, EMAIL, PERSISTENT, TRANSIENT, UNSPECIFIED};
use crate::support::app::sign_in;
use crate::support::browser::Browser;
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::request::AuthnRequest;
use crate::support::sp::{STATUS, Sp};

const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
const OVER_TLS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const KERBEROS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos";
const ANY: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

fn forced(case: &Case) -> AuthnRequest {
    AuthnRequest { force_authn: Some(true), ..case.ask() }
}

fn passive(case: &Case) -> AuthnRequest {
    AuthnRequest { is_passive: Some(true), ..case.ask() }
}

#[tokio::test]
async fn force_authn_asks_the_same_person_again() {
    let mut case = Case::signed_in("").await;
    let first = case.ask();
    let page = case.send(&first).await;
    let before = case.accept(&page, &first);
    case.clock.advance(SignedDuration::from_mins(10));
    let request = forced(&case);
    let login = case.send(&request).await;
    assert!(login.all_text().contains("enter your password again"), "{}", login.all_text());
    // To go on without signing in leads to the same page.
    let pending = login.form_with("password").value("pending").unwrap().to_owned();
    let skipped = case.browser.open(&case.url(&format!("/saml/sso/continue?pending={pending}"))).await;
    assert_eq!(skipped.url.path(), "/login");
    let wrong = sign_in(&mut case.browser, &skipped, (TANAKA.0, "wrong")).await;
    assert_eq!((wrong.status, wrong.url.path()), (401, "/login"));
    let page = sign_in(&mut case.browser, &wrong, TANAKA).await;
    let after = case.accept(&page, &request);
    let instant = |received: &crate::support::sp::Received| {
        received.assertion("AuthnStatement").attribute("AuthnInstant").unwrap().to_owned()
    };
    assert!(instant(&after) > instant(&before), "{} {}", instant(&after), instant(&before));
    assert_ne!(after.session_index(), before.session_index());
    // The next one has to be met anew.
    case.clock.advance(SignedDuration::from_secs(1));
    let again = forced(&case);
    assert_eq!(case.send(&again).await.url.path(), "/login");
}

#[tokio::test]
async fn force_authn_is_not_met_by_another_person_whose_sign_in_ends_the_old_session() {
    let mut case = Case::signed_in("").await;
    case.clock.advance(SignedDuration::from_mins(1));
    let mut old = case.browser.clone();
    let request = forced(&case);
    let login = case.send(&request).await;
    let page = sign_in(&mut case.browser, &login, SUZUKI).await;
    assert_eq!(case.status(&page, &request), ["Responder", "AuthnFailed"]);
    let page = old.open(&case.url("/")).await;
    assert!(page.all_text().contains("Password"), "the old session is dead: {}", page.all_text());
    let page = case.browser.open(&case.url("/")).await;
    assert!(page.all_text().contains("鈴木 花子"), "{}", page.all_text());
    assert_eq!(case.events("assertion_issued").len(), 0);
    assert_eq!(case.events("request_refused")[0]["code"], format!("{STATUS}AuthnFailed"));
}

#[tokio::test]
async fn force_authn_without_a_session_is_met_by_whoever_signs_in() {
    let mut case = Case::new("");
    let request = forced(&case);
    let login = case.send(&request).await;
    let page = sign_in(&mut case.browser, &login, SUZUKI).await;
    case.accept(&page, &request);
}

#[tokio::test]
async fn is_passive_shows_no_page() {
    let mut case = Case::new("");
    let request = passive(&case);
    let page = case.send(&request).await;
    assert_eq!(case.status(&page, &request), ["Responder", "NoPassive"]);
    case.sign_in_first().await;
    let request = passive(&case);
    let page = case.send(&request).await;
    case.accept(&page, &request);
    let both = AuthnRequest { force_authn: Some(true), ..passive(&case) };
    case.clock.advance(SignedDuration::from_secs(1));
    let page = case.send(&both).await;
    assert_eq!(case.status(&page, &both), ["Responder", "NoPassive"]);
    case.policy("allow = [\"user:suzuki\"]");
    let request = passive(&case);
    let page = case.send(&request).await;
    assert_eq!(case.status(&page, &request), ["Responder", "RequestDenied"]);
}

#[tokio::test]
async fn a_requested_context_is_met_or_refused() {
    let mut case = Case::signed_in("").await;
    for (comparison, classes, met) in [
        (None, &[PASSWORD][..], true),
        (None, &[OVER_TLS], false),
        (None, &[KERBEROS, PASSWORD], true),
        (Some("exact"), &[ANY], true),
        (Some("minimum"), &[PASSWORD], true),
        (Some("minimum"), &[OVER_TLS], false),
        (Some("maximum"), &[KERBEROS], true),
        (Some("better"), &[PASSWORD], false),
        (Some("minimum"), &["urn:example:retina"], false),
    ] {
        let request = AuthnRequest {
            comparison: comparison.map(str::to_owned),
            contexts: classes.iter().map(ToString::to_string).collect(),
            ..case.ask()
        };
        let page = case.send(&request).await;
        if met {
            let received = case.accept(&page, &request);
            let class = &received.assertion("AuthnStatement/AuthnContext/AuthnContextClassRef").text;
            assert_eq!(class, PASSWORD, "no class is claimed that did not happen");
        } else {
            assert_eq!(case.status(&page, &request), ["Responder", "NoAuthnContext"], "{comparison:?}");
        }
    }
    case.policy("ignore_requested_authn_context = true");
    let request = AuthnRequest { contexts: vec![KERBEROS.to_owned()], ..case.ask() };
    let page = case.send(&request).await;
    case.accept(&page, &request);
}

#[tokio::test]
async fn over_tls_the_context_is_a_protected_password() {
    let mut case = Case::of(Folder::tls(), Sp::new("app"), "");
    let request = AuthnRequest { contexts: vec![OVER_TLS.to_owned()], ..case.ask() };
    let page = case.send(&request).await;
    let page = case.enter(&page).await;
    let received = case.accept(&page, &request);
    assert_eq!(received.assertion("AuthnStatement/AuthnContext/AuthnContextClassRef").text, OVER_TLS);
    let request = AuthnRequest { contexts: vec![PASSWORD.to_owned()], ..case.ask() };
    let page = case.send(&request).await;
    assert_eq!(case.status(&page, &request), ["Responder", "NoAuthnContext"]);
}

#[tokio::test]
async fn a_sign_in_that_is_too_old_for_the_sp_is_repeated() {
    let mut case = Case::signed_in("max_authn_age = \"30m\"").await;
    case.clock.advance(SignedDuration::from_mins(30));
    assert!(case.is_signed_in().await);
    case.clock.advance(SignedDuration::from_secs(1));
    let request = case.ask();
    let page = case.send(&request).await;
    let page = case.enter(&page).await;
    case.accept(&page, &request);
    assert!(case.is_signed_in().await);
}

#[tokio::test]
async fn the_last_five_minutes_of_a_session_serve_no_sp() {
    let mut folder = Folder::new();
    folder.set("session.lifetime", "2h");
    folder.set("session.idle", "2h");
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    case.clock.advance(SignedDuration::from_mins(115));
    assert!(case.is_signed_in().await);
    case.clock.advance(SignedDuration::from_secs(1));
    let request = case.ask();
    let page = case.send(&request).await;
    let page = case.enter(&page).await;
    case.accept(&page, &request);
    assert!(case.is_signed_in().await);
}

#[tokio::test]
async fn the_subject_of_a_request_is_the_person_or_nobody() {
    let mut case = Case::new(&format!("name_id_format = \"{UNSPECIFIED}\""));
    let asks = |case: &Case, name: &str| AuthnRequest { subject: Some(name.to_owned()), ..case.ask() };
    let request = asks(&case, TANAKA.0);
    let login = case.send(&request).await;
    assert_eq!(login.form_with("password").value("login"), Some(TANAKA.0), "the page begins with the name");
    let page = case.enter(&login).await;
    assert_eq!(case.accept(&page, &request).name_id(), (UNSPECIFIED, TANAKA.0));
    for name in ["suzuki", "Tanaka", "tanaka2", "tanak"] {
        let request = asks(&case, name);
        let page = case.send(&request).await;
        assert_eq!(case.status(&page, &request), ["Requester", "UnknownPrincipal"]);
    }
    assert_eq!(case.events("assertion_issued").len(), 1);
    let mut other = Browser::new();
    let request = asks(&case, TANAKA.0);
    let url = crate::support::sp::redirect(&case.sso(), &request.xml(), None);
    let login = other.open(&url).await;
    let page = sign_in(&mut other, &login, SUZUKI).await;
    assert_eq!(case.status(&page, &request), ["Requester", "UnknownPrincipal"]);
}

/// A saml:Subject with this NameID.
fn subject(format: &str, attributes: &str, value: &str) -> String {
    format!(
        "<saml:Subject><saml:NameID Format=\"{format}\" {attributes}>{value}</saml:NameID></saml:Subject>"
    )
}

#[tokio::test]
async fn a_subject_may_be_named_in_another_format_than_the_answer() {
    let mut case = Case::signed_in("").await;
    let ask = |case: &Case, wanted: &str, subject: String| AuthnRequest {
        name_id_format: Some(wanted.to_owned()),
        extra: subject,
        ..case.ask()
    };
    let request = ask(&case, PERSISTENT, String::new());
    let page = case.send(&request).await;
    let persistent = case.accept(&page, &request).name_id().1.to_owned();
    let request = ask(&case, TRANSIENT, String::new());
    let page = case.send(&request).await;
    let transient = case.accept(&page, &request).name_id().1.to_owned();
    let idp = format!("NameQualifier=\"{}\"", case.folder.entity_id());
    for (format, attributes, value, wanted, met) in [
        (EMAIL, "", "tanaka@example.jp", PERSISTENT, true),
        (EMAIL, "", "Tanaka@Example.jp", PERSISTENT, true),
        (EMAIL, "", "suzuki@example.jp", PERSISTENT, false),
        (PERSISTENT, "", persistent.as_str(), EMAIL, true),
        (PERSISTENT, idp.as_str(), &persistent, PERSISTENT, true),
        (PERSISTENT, "NameQualifier=\"https://other.test\"", &persistent, PERSISTENT, false),
        (PERSISTENT, "SPNameQualifier=\"https://other.test\"", &persistent, PERSISTENT, false),
        (PERSISTENT, "", &persistent.to_uppercase(), PERSISTENT, false),
        (PERSISTENT, "", "tanaka@example.jp", EMAIL, false),
        (TRANSIENT, "", &transient, EMAIL, true),
        (TRANSIENT, "", "_0", EMAIL, false),
        (UNSPECIFIED, "", TANAKA.0, PERSISTENT, true),
        (UNSPECIFIED, "", "tanaka@example.jp", EMAIL, true),
        (UNSPECIFIED, "", "suzuki", EMAIL, false),
        (UNSPECIFIED, "", "", EMAIL, false),
        ("urn:unheard-of", "", TANAKA.0, EMAIL, false),
    ] {
        let request = ask(&case, wanted, subject(format, attributes, value));
        let page = case.send(&request).await;
        if met {
            assert_eq!(case.accept(&page, &request).name_id().0, wanted, "{format} {value}");
        } else {
            assert_eq!(case.status(&page, &request), ["Requester", "UnknownPrincipal"], "{format} {value}");
        }
    }
}

#[tokio::test]
async fn scoping_is_for_proxies_and_passed_over() {
    let mut case = Case::signed_in("").await;
    let us = case.folder.entity_id();
    let list = |ids: &[&str]| -> String {
        let entries = ids.iter().map(|id| format!("<samlp:IDPEntry ProviderID=\"{id}\"/>"));
        format!("<samlp:IDPList>{}</samlp:IDPList>", entries.collect::<String>())
    };
    for (attributes, inside) in [
        ("ProxyCount=\"0\"", String::new()),
        ("", list(&[&us])),
        ("ProxyCount=\"2\"", list(&["https://other.test/idp", "https://third.test/idp"])),
        ("", "<samlp:RequesterID>https://behind.test</samlp:RequesterID>".to_owned()),
    ] {
        let extra = format!("<samlp:Scoping {attributes}>{inside}</samlp:Scoping>");
        let request = AuthnRequest { extra, ..case.ask() };
        let page = case.send(&request).await;
        case.accept(&page, &request);
    }
}

#[tokio::test]
async fn a_subject_must_not_be_confirmed() {
    let mut case = Case::signed_in("").await;
    let confirmed = "<saml:Subject><saml:NameID>tanaka</saml:NameID>\
                     <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"/></saml:Subject>";
    let request = AuthnRequest { extra: confirmed.to_owned(), ..case.ask() };
    let page = case.send(&request).await;
    super::assert_refused(&page, 400, "SK-REQUEST");
}
