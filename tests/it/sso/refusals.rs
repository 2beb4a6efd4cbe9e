//! Requests that go no further: a page of ours with a code and the request's id, an audit event with the
//! cause, and nothing to any SP, whoever is signed in.

use sekisho::clock::SignedDuration;

use super::{Case, assert_refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, TANAKA};
use crate::support::request::AuthnRequest;
use crate::support::sp::{Sp, post, redirect};

/// What a test does to a request that is otherwise fine.
type Change = fn(&mut AuthnRequest);

/// Sends the document by both bindings; both must be refused with this code, for this reason.
async fn refuse(case: &mut Case, xml: &str, code: &str, reason: &str) {
    let issued = case.events("assertion_issued").len();
    for by_post in [false, true] {
        let page = if by_post {
            case.post(xml, Some("secret-relay")).await
        } else {
            case.browser.open(&redirect(&case.sso(), xml, Some("secret-relay"))).await
        };
        assert_refused(&page, 400, code);
        assert!(!page.body.contains("secret-relay"), "{}", page.body);
        let refused = case.events("request_refused");
        let last = refused.last().expect("an audit event");
        assert_eq!(last["code"], code, "{xml}");
        assert!(last["reason"].as_str().unwrap().contains(reason), "{reason} is expected: {last}");
        let id = last["request.id"].as_str().unwrap();
        assert!(page.all_text().contains(id), "the page and the audit share {id}");
    }
    assert_eq!(case.events("assertion_issued").len(), issued, "{xml}");
}

#[tokio::test]
async fn requests_that_are_no_good_are_refused() {
    let mut case = Case::signed_in("").await;
    let table: [(&str, &str, Change); 19] = [
        ("SK-REQUEST", "Issuer", |request| request.issuer = None),
        ("SK-REQUEST", "Issuer", |request| request.issuer = Some(String::new())),
        ("SK-REQUEST", "Issuer", |request| {
            request.extra = "<saml:Issuer>https://app.test/metadata</saml:Issuer>".to_owned();
        }),
        ("SK-UNKNOWN-SP", "Unable to locate metadata for https://other.test/metadata", |request| {
            request.issuer = Some("https://other.test/metadata".to_owned());
        }),
        ("SK-UNKNOWN-SP", "Unable to locate metadata for https://app.test/METADATA", |request| {
            request.issuer = Some("https://app.test/METADATA".to_owned());
        }),
        ("SK-REQUEST", "1.1", |request| request.version = "1.1".to_owned()),
        ("SK-REQUEST", "2.0", |request| request.version = "2.00".to_owned()),
        ("SK-REQUEST", "", |request| request.version = String::new()),
        ("SK-REQUEST", "ID", |request| request.id = String::new()),
        ("SK-REQUEST", "ID", |request| request.id = "x".repeat(257)),
        ("SK-REQUEST", "ID", |request| request.id = "_a b".to_owned()),
        ("SK-REQUEST", "ID", |request| request.id = "_a\"><x".to_owned()),
        ("SK-REQUEST", "ID", |request| request.id = "_日本".to_owned()),
        ("SK-DESTINATION", "https://elsewhere.test/saml/sso", |request| {
            request.destination = Some("https://elsewhere.test/saml/sso".to_owned());
        }),
        ("SK-TIME", "", |request| request.issue_instant = String::new()),
        ("SK-TIME", "yesterday", |request| request.issue_instant = "yesterday".to_owned()),
        ("SK-TIME", "2026-02-30", |request| request.issue_instant = "2026-02-30T00:00:00Z".to_owned()),
        ("SK-TIME", "2026-02-03 ", |request| request.issue_instant = "2026-02-03 00:00:00Z".to_owned()),
        ("SK-REQUEST", "maybe", |request| {
            request.contexts = vec!["x".to_owned()];
            request.comparison = Some("maybe".to_owned());
        }),
    ];
    for (code, reason, change) in table {
        let mut request = case.ask();
        change(&mut request);
        refuse(&mut case, &request.xml(), code, reason).await;
    }
    let xml = case.ask().xml();
    refuse(&mut case, &format!("{xml}<more/>"), "SK-REQUEST", "").await;
    refuse(&mut case, &format!("{xml}\0<more/>"), "SK-REQUEST", "").await;
    refuse(&mut case, &format!("{xml} x"), "SK-REQUEST", "").await;
    refuse(&mut case, &xml.replace("samlp:AuthnRequest", "samlp:LogoutRequest"), "SK-REQUEST", "").await;
    refuse(&mut case, "", "SK-REQUEST", "").await;
    assert!(case.is_signed_in().await, "the same request without a fault is answered");
}

#[tokio::test]
async fn the_time_of_a_request_has_bounds() {
    let mut case = Case::signed_in("").await;
    for (away, fine) in [(0, true), (4 * 60, true), (-59 * 60, true), (6 * 60, false)] {
        let mut request = case.ask();
        request.issue_instant = case.instant(SignedDuration::from_secs(away));
        if fine {
            let page = case.send(&request).await;
            case.accept(&page, &request);
        } else {
            refuse(&mut case, &request.xml(), "SK-TIME", "ahead").await;
        }
    }
    // 15:00 in Tokyo is 06:00 UTC; some SPs leave the zone out and mean UTC.
    let utc = case.instant(SignedDuration::ZERO);
    let tokyo = case.instant(SignedDuration::from_hours(9)).replace('Z', "+09:00");
    for instant in [utc.replace('Z', ".123456789Z"), utc.replace('Z', ""), tokyo] {
        let mut request = case.ask();
        request.issue_instant = instant;
        let page = case.send(&request).await;
        case.accept(&page, &request);
    }
}

#[tokio::test]
async fn a_request_that_is_too_old_leads_back_to_a_new_start() {
    let mut case = Case::new("request_max_age = \"10m\"");
    let mut request = case.ask();
    request.issue_instant = case.instant(SignedDuration::from_secs(-601));
    for by_post in [false, true] {
        let page = if by_post { case.post(&request.xml(), None).await } else { case.send(&request).await };
        assert_eq!(page.status, 400, "{}", page.body);
        let text = page.all_text();
        assert!(text.contains("SK-STALE") && text.contains("The app application"), "{text}");
        let path = page.link("a.button").expect("a button back");
        assert_eq!(path, case.url("/saml/sso/init?sp=https%3A%2F%2Fapp%2Etest%2Fmetadata"));
        let page = case.browser.open(&path).await;
        let page = sign_in(&mut case.browser, &page, TANAKA).await;
        case.received(&page).verify(&case.sp, None, &case.folder.idp.certificate_pem());
        case.browser.cookies.clear();
    }
    let refused = case.events("request_refused");
    assert_eq!(refused.len(), 2);
    assert!(
        refused.iter().all(|event| event["code"] == "SK-STALE"),
        "page and audit say the same: {refused:?}"
    );
}

#[tokio::test]
async fn a_destination_may_have_the_default_port_and_capitals_in_its_host() {
    let mut folder = Folder::new();
    folder.set("saml.test_sp", true);
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    let port = case.folder.port;
    for (destination, fine) in [
        (format!("http://localhost:{port}/saml/sso"), true),
        (format!("HTTP://LocalHost:{port}/saml/sso"), true),
        (String::new(), true),
        (format!("https://localhost:{port}/saml/sso"), false),
        ("http://localhost/saml/sso".to_owned(), false),
        (format!("http://localhost:{port}/saml/SSO"), false),
        (format!("http://localhost:{port}/saml/sso/"), false),
        (format!("http://localhost:{port}/saml/sso?x"), false),
        (format!("http://localhost:{port}@evil.test/saml/sso"), false),
        (case.folder.entity_id(), false),
    ] {
        let mut request = case.ask();
        request.destination = Some(destination.clone());
        if fine {
            let page = case.send(&request).await;
            case.accept(&page, &request);
        } else {
            refuse(&mut case, &request.xml(), "SK-DESTINATION", &destination).await;
        }
    }
}

#[tokio::test]
async fn an_sp_that_is_switched_off_gets_nothing_until_it_is_on_again() {
    let mut case = Case::signed_in("").await;
    let url = redirect(&case.sso(), &case.ask().xml(), None);
    let anonymous = Browser::new().open(&url).await;
    case.policy("enabled = false");
    let xml = case.ask().xml();
    refuse(&mut case, &xml, "SK-DISABLED-SP", "https://app.test/metadata").await;
    let init = case.url(&format!("/saml/sso/init?sp={}", crate::support::sp::percent(&case.sp.entity_id)));
    let page = case.browser.open(&init).await;
    assert_refused(&page, 400, "SK-DISABLED-SP");
    let mut late = Browser::new();
    let page = late.navigate(Navigation::form(&anonymous, &anonymous.form_with("password"))).await;
    assert_refused(&page, 400, "SK-DISABLED-SP");
    case.policy("enabled = true");
    assert!(case.is_signed_in().await);
}

#[tokio::test]
async fn the_log_has_the_words_that_admins_search_for_on_one_line() {
    let folder = Folder::new();
    let server = TestServer::start(folder).await;
    let sp = Sp::new("nobody");
    let mut request = sp.request();
    request.issuer = Some("https://nobody.test/\u{202e}x\nsekisho: forged line".to_owned());
    let page = Browser::new().open(&redirect(&server.sso(), &request.xml(), None)).await;
    assert_refused(&page, 400, "SK-UNKNOWN-SP");
    assert!(!page.body.contains("forged") && !page.body.contains("nobody.test"), "{}", page.body);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("Unable to locate metadata for https://nobody.test/"));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    assert!(!line.contains('\u{202e}') && !log.lines().any(|line| line.starts_with("sekisho: forged")));
    let audit = server.audit();
    let event = audit.iter().find(|event| event["event"] == "request_refused").expect("an audit event");
    assert_eq!(event["code"], "SK-UNKNOWN-SP");
    let id = event["request.id"].as_str().unwrap();
    assert!(line.contains(id) && page.all_text().contains(id), "{id}: {line}");
    let requests: Vec<_> = log.lines().filter(|line| line.contains("path=/saml/sso ")).collect();
    assert_eq!(requests.len(), 1, "one line a request: {log}");
    assert!(requests[0].contains("status=400") && requests[0].contains("SK-UNKNOWN-SP"), "{}", requests[0]);
    assert!(!log.contains("SAMLRequest"), "{log}");
    let fields = post(&request.xml(), None);
    let page = Browser::new().navigate(Navigation::to(&server.sso()).post(&fields)).await;
    assert_refused(&page, 400, "SK-UNKNOWN-SP");
}
