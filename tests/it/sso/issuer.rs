//! By which name the IdP speaks to an SP: its own, the policy's, or one for each domain of its people.

use super::{Case, PERSISTENT};
use crate::support::app::sign_in;
use crate::support::browser::Browser;
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::request::AuthnRequest;
use crate::support::sp::{Sp, redirect};

const BY_DOMAIN: &str = "idp_entity_id = \"https://idp.test/{upn_domain}\"\n";

/// Tanaka is of example.jp, as the directory writes it; Suzuki is of no domain.
fn domains() -> Folder {
    let folder = Folder::new();
    let upn = "userPrincipalName = [\"a@b@Example.JP\"], uid = [\"tanaka\"]";
    folder.write_secret("people.toml", &folder.read("people.toml").replace("uid = [\"tanaka\"]", upn));
    folder
}

#[tokio::test]
async fn a_policy_has_its_own_issuer_and_computed_names_stay() {
    let mut case = Case::signed_in("").await;
    let ask = |case: &Case| AuthnRequest { name_id_format: Some(PERSISTENT.to_owned()), ..case.ask() };
    let request = ask(&case);
    let page = case.send(&request).await;
    let before = case.accept(&page, &request);
    let own = case.folder.entity_id();
    assert_eq!(before.response.child("Issuer").unwrap().text, own);
    case.policy("idp_entity_id = \"urn:example:idp\"");
    let request = ask(&case);
    let page = case.send(&request).await;
    let after = case.accept(&page, &request);
    assert_eq!(after.response.child("Issuer").unwrap().text, "urn:example:idp");
    assert_eq!(after.assertion("Issuer").text, "urn:example:idp");
    assert_eq!(after.name_id(), before.name_id(), "the person keeps the account");
    let qualifier = |received: &crate::support::sp::Received| {
        received.assertion("Subject/NameID").attribute("NameQualifier").map(str::to_owned)
    };
    assert_eq!(
        (qualifier(&before).as_deref(), qualifier(&after).as_deref()),
        (Some(own.as_str()), Some("urn:example:idp"))
    );
    // A refusal is from the same IdP, whether anybody is signed in or not.
    for browser in [std::mem::take(&mut case.browser), Browser::new()] {
        case.browser = browser;
        let format = Some("urn:example:unheard-of".to_owned());
        let request = AuthnRequest { is_passive: Some(true), name_id_format: format, ..case.ask() };
        let page = case.send(&request).await;
        case.status(&page, &request);
        assert_eq!(case.received(&page).response.child("Issuer").unwrap().text, "urn:example:idp");
    }
}

#[tokio::test]
async fn the_domain_is_the_directorys_before_any_filter() {
    let filter = "[[authproc]]\npriority = 1\nfilter = \"AttributeAdd\"\nreplace = true\n\
                  add = { userPrincipalName = \"x@other.jp\" }";
    let mut case = Case::of(domains(), Sp::new("app"), &format!("{BY_DOMAIN}{filter}"));
    case.sign_in_first().await;
    let request = case.ask();
    let page = case.send(&request).await;
    let received = case.accept(&page, &request);
    assert_eq!(received.response.child("Issuer").unwrap().text, "https://idp.test/example.jp");
    assert_eq!(received.assertion("Issuer").text, "https://idp.test/example.jp");
}

#[tokio::test]
async fn nobody_without_a_domain_is_asserted_by_another_ones_issuer() {
    let case = Case::of(domains(), Sp::new("app"), BY_DOMAIN);
    for (person, fine) in [(TANAKA, true), (SUZUKI, false)] {
        let (mut browser, request) = (Browser::new(), case.ask());
        let page = browser.open(&redirect(&case.sso(), &request.xml(), None)).await;
        let page = sign_in(&mut browser, &page, person).await;
        if fine {
            case.accept(&page, &request);
            continue;
        }
        assert_eq!(case.status(&page, &request), ["Responder", "UnknownPrincipal"]);
        let response = case.received(&page).response;
        assert_eq!(response.child("Issuer").unwrap().text, case.folder.entity_id());
        assert!(!page.body.contains("idp.test"));
    }
    let refused = case.events("request_refused").pop().unwrap();
    let reason = refused["reason"].as_str().unwrap();
    assert!(reason.contains("userPrincipalName") && reason.contains(SUZUKI.0), "{refused}");
    assert_eq!(case.events("assertion_issued").len(), 1);
}
