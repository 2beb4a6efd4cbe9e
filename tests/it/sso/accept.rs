//! `GET` and `POST /saml/sso`: both bindings, signed and not, the page that carries the Response, and RelayState.

use std::collections::BTreeMap;

use super::{Case, assert_refused};
use crate::support::browser::Navigation;
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::Page;
use crate::support::judges::{self, Signed};
use crate::support::pki::Pair;
use crate::support::sp::{Sp, redirect};

#[tokio::test]
async fn every_binding_signed_or_not_leads_to_a_response() {
    for signed in [false, true] {
        for by_post in [false, true] {
            let mut case = Case::new("attributes = [\"uid\", \"displayName\", \"ou\"]");
            let mut request = case.ask();
            request.destination = Some(case.sso());
            let xml = request.xml();
            let page = match (by_post, signed) {
                (false, false) => case.browser.open(&redirect(&case.sso(), &xml, Some("deep"))).await,
                (false, true) => {
                    case.browser.open(&case.sp.signed_redirect(&case.sso(), &xml, Some("deep"))).await
                }
                (true, false) => case.post(&xml, Some("deep")).await,
                (true, true) => {
                    let xml = case.sp.signed(&xml);
                    case.post(&xml, Some("deep")).await
                }
            };
            assert!(page.all_text().contains("The app application"), "the page names the SP");
            let page = case.enter(&page).await;
            let received = case.accept(&page, &request);
            assert_eq!(judges::signed(&received.xml), Signed::Both);
            assert_eq!(received.relay_state.as_deref(), Some("deep"));
            let expected: BTreeMap<String, Vec<String>> =
                [("uid", vec![TANAKA.0]), ("displayName", vec!["田中 太郎"]), ("ou", vec!["Sales", "Osaka"])]
                    .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
                    .into();
            assert_eq!(received.attributes(), expected, "signed: {signed}, by post: {by_post}");
            let issued = case.events("assertion_issued");
            assert_eq!(issued.len(), 1);
            assert_eq!(issued[0]["in_response_to"], request.id.as_str());
            assert_eq!(issued[0]["sp.entity_id"], case.sp.entity_id.as_str());
            assert_eq!(issued[0]["attributes"], serde_json::json!(["displayName", "ou", "uid"]));
            assert_eq!(case.events("signed_in").len(), 1);
        }
    }
}

#[tokio::test]
async fn the_assertion_says_when_for_whom_and_for_how_long() {
    let mut case = Case::signed_in("").await;
    case.clock.advance(sekisho::clock::SignedDuration::from_secs(90));
    let request = case.ask();
    let page = case.send(&request).await;
    let received = case.accept(&page, &request);
    let at = |seconds| case.instant(sekisho::clock::SignedDuration::from_secs(seconds));
    let instant = |element: &crate::support::xml::Element, name: &str| {
        element.attribute(name).unwrap_or_default().get(..19).unwrap_or_default().to_owned() + "Z"
    };
    let conditions = received.assertion("Conditions");
    assert_eq!(instant(conditions, "NotBefore"), at(-30));
    assert_eq!(instant(conditions, "NotOnOrAfter"), at(300));
    let statement = received.assertion("AuthnStatement");
    assert_eq!(instant(statement, "AuthnInstant"), at(-90), "the true time of the sign-in");
    assert_eq!(instant(statement, "SessionNotOnOrAfter"), at(8 * 3600 - 90));
    let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
    assert_eq!(received.assertion("AuthnStatement/AuthnContext/AuthnContextClassRef").text, class);
    assert!(received.response.at("Assertion/AttributeStatement").is_none(), "nothing was asked for");
    let issuer = &received.response.child("Issuer").unwrap().text;
    assert_eq!(*issuer, case.folder.entity_id());
}

#[tokio::test]
async fn the_page_posts_by_itself_and_by_a_button() {
    let mut case = Case::signed_in("").await;
    let request = case.ask();
    let page = case.send(&request).await;
    let policy = page.header("content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).expect("a nonce").split('\'').next().unwrap();
    let script = format!("<script nonce=\"{nonce}\">document.forms[0].submit()</script>");
    assert!(page.body.contains(&script), "{}", page.body);
    assert!(!policy.contains("form-action") && policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.text("form button[type=submit]").as_deref(), Some("Continue"));
    assert_eq!(page.header("referrer-policy"), "strict-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    let again = case.send(&request).await;
    assert!(!again.header("content-security-policy").contains(nonce), "a nonce is used once");
}

/// What comes out of the page when `relay_state` went in, by each binding, with and without a sign-in between.
async fn echoes(case: &mut Case, relay_state: &str) -> [Option<String>; 3] {
    let relayed = |case: &Case, page: &Page| case.received(page).relay_state;
    let xml = case.ask().xml();
    let url = redirect(&case.sso(), &xml, Some(relay_state));
    let page = case.browser.open(&url).await;
    let warm = relayed(case, &page);
    let page = case.post(&xml, Some(relay_state)).await;
    let posted = relayed(case, &page);
    let session = std::mem::take(&mut case.browser.cookies);
    let page = case.browser.open(&url).await;
    let page = case.enter(&page).await;
    let cold = relayed(case, &page);
    case.browser.cookies = session;
    [warm, posted, cold]
}

#[tokio::test]
async fn relay_state_comes_back_to_the_octet() {
    let mut case = Case::signed_in("").await;
    let long = "田+%&".repeat(8192 / 6) + "xy";
    assert_eq!(long.len(), 8192);
    for relay_state in [
        "https://app.test/path?a=b&c=d#e",
        "a+b c%20d%2Bz%",
        "\"'<>&amp;&#10;</form><script>alert(1)</script>",
        "日本語 𠮷 é e\u{301}",
        " leading and trailing ",
        "ss:mem:0123456789abcdef",
        "",
        &long,
    ] {
        let expected = [Some(relay_state), Some(relay_state), Some(relay_state)];
        let echoed = echoes(&mut case, relay_state).await;
        assert_eq!(echoed.each_ref().map(Option::as_deref), expected);
    }
    let request = case.ask();
    let page = case.send(&request).await;
    assert_eq!(case.received(&page).relay_state, None, "none came, none goes");
}

#[tokio::test]
async fn relay_state_that_cannot_be_kept_is_refused() {
    let mut case = Case::signed_in("").await;
    let url = redirect(&case.sso(), &case.ask().xml(), None);
    let long = "x".repeat(8193);
    for raw in ["a%0D%0Ab", "%00", "a%09b", "%C2%85", "%FF%FE", "%7F", &long] {
        let page = case.browser.open(&format!("{url}&RelayState={raw}")).await;
        assert_refused(&page, 400, "SK-RELAYSTATE");
    }
    let xml = case.ask().xml();
    for relay_state in ["a\nb", "\u{1}", &long] {
        let page = case.post(&xml, Some(relay_state)).await;
        assert_refused(&page, 400, "SK-RELAYSTATE");
    }
}

#[tokio::test]
async fn old_paths_answer_and_are_accepted_as_destination() {
    let mut folder = Folder::new();
    let old = ["/simplesaml/saml2/idp/SSOService.php", "/saml/saml2/idp/SSOService.php"];
    folder.set("saml.aliases", toml::Table::from_iter(old.map(|path| (path.to_owned(), "sso".into()))));
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    for path in old {
        for destination in [case.url(path), case.sso()] {
            let mut request = case.ask();
            request.destination = Some(destination.clone());
            let xml = request.xml();
            let page = case.browser.open(&redirect(&case.url(path), &xml, None)).await;
            case.accept(&page, &request);
            let signed = case.sp.signed(&xml);
            let form = crate::support::sp::post(&signed, None);
            let page = case.browser.navigate(Navigation::to(&case.url(path)).post(&form)).await;
            case.accept(&page, &request);
            let page = case.browser.open(&redirect(&case.sso(), &xml, None)).await;
            case.accept(&page, &request);
        }
    }
    let mut request = case.ask();
    request.destination = Some(case.url("/old/SSOService.php"));
    let page = case.send(&request).await;
    assert_refused(&page, 400, "SK-DESTINATION");
}

#[tokio::test]
async fn an_sp_with_an_elliptic_curve_signs_its_requests() {
    let mut sp = Sp::new("app");
    sp.pair = Pair::ec(openssl::nid::Nid::X9_62_PRIME256V1);
    let mut case = Case::of(Folder::new(), sp, "verify_requests = \"required\"");
    case.sign_in_first().await;
    let mut request = case.ask();
    request.destination = Some(case.sso());
    let xml = request.xml();
    let page = case.browser.open(&case.sp.signed_redirect(&case.sso(), &xml, None)).await;
    case.accept(&page, &request);
    let signed = case.sp.signed(&xml);
    let page = case.post(&signed, None).await;
    case.accept(&page, &request);
}

#[tokio::test]
async fn an_authn_request_may_come_again() {
    let mut case = Case::signed_in("").await;
    let request = case.ask();
    let first = case.send(&request).await;
    let second = case.send(&request).await;
    let (first, second) = (case.accept(&first, &request), case.accept(&second, &request));
    assert_ne!(first.response.attribute("ID"), second.response.attribute("ID"));
    assert_eq!(first.session_index(), second.session_index(), "one session at one SP");
}

#[tokio::test]
async fn parameters_that_come_twice_or_do_not_belong_together_are_refused() {
    let mut case = Case::signed_in("").await;
    let url = case.sp.signed_redirect(&case.sso(), &case.ask().xml(), Some("r"));
    let page = case.browser.open(&url).await;
    case.received(&page);
    let message = url.split("SAMLRequest=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    for more in [
        format!("&SAMLRequest={message}"),
        format!("&SAMLResponse={message}"),
        "&RelayState=r".to_owned(),
        "&SigAlg=x".to_owned(),
        "&Signature=x".to_owned(),
        "&%53AMLRequest=x".to_owned(),
    ] {
        let page = case.browser.open(&format!("{url}{more}")).await;
        assert_refused(&page, 400, "SK-REQUEST");
    }
    let page = case.browser.open(&format!("{}?SAMLResponse={message}", case.sso())).await;
    assert_refused(&page, 400, "SK-REQUEST");
    let half = url.split("&Signature=").next().unwrap().to_owned();
    let page = case.browser.open(&half).await;
    assert_refused(&page, 400, "SK-REQUEST");
    let page = case.browser.open(&case.sso()).await;
    assert_refused(&page, 400, "SK-NO-REQUEST");
    let fields = crate::support::sp::post(&case.ask().xml(), None);
    let twice = [fields.clone(), fields].concat();
    let page = case.browser.navigate(Navigation::to(&case.sso()).post(&twice)).await;
    assert_refused(&page, 400, "SK-REQUEST");
}
