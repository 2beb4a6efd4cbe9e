//! A person signs out at a service provider: the others are told, and it hears the truth.

use super::{SignedIn, idp};
use crate::support::browser::Navigation;
use crate::support::judges;
use crate::support::logout::{Answer, LogoutSp, redirected};
use crate::support::pki::Pair;
use crate::support::sp::{POST, REDIRECT, SOAP, Slo, post, status};
use crate::support::xml::Element;

#[tokio::test]
async fn by_redirect_all_are_signed_out_and_the_first_hears_success() {
    let mut person = SignedIn::of(&[
        ("first", &[REDIRECT], Answer::Success),
        ("by-soap", &[SOAP], Answer::Success),
        ("by-post", &[POST], Answer::Success),
    ])
    .await;
    let request = person.request(0);
    let relay_state = "ss:mem:1/2?x=y&z=田";
    let page = person.browser.open(&person.by_redirect(0, &request, Some(relay_state))).await;
    // By POST at the third: our page, its page, and then the redirect that carries the answer.
    let page = person.browser.submit(&page, &page.form_with("SAMLRequest")).await;
    let answer = Navigation::form(&page, &page.form_with("SAMLResponse"));
    // A form of another site brings no Lax cookie; the page that it leads to goes on with it.
    let to_page = person.browser.step(&answer).await;
    assert_eq!(to_page.header("location"), "/logout");
    let last = person.browser.step(&Navigation::to(&person.app.url("/logout")).from(&page)).await;
    let response = redirected(&last, &person.sps[0].sp.slo[0].location);
    assert_eq!(status(&response), ["Success"]);
    assert_eq!(response.attribute("InResponseTo"), Some(request.id.as_str()));
    assert_eq!(response.child("Issuer").unwrap().text, person.app.folder.entity_id());
    let query = last.header("location").split_once("RelayState=").unwrap().1;
    let returned = query.split('&').next().unwrap();
    assert_eq!(percent_encoding::percent_decode_str(returned).decode_utf8().unwrap(), relay_state);
    assert_eq!((person.sps[0].seen().len(), person.sps[1].seen().len()), (0, 1));
    assert!(!person.is_signed_in().await);
    let ended = person.app.events("signed_out");
    assert_eq!(ended[0]["sp.entity_id"], person.sps[0].sp.entity_id.as_str());
}

#[tokio::test]
async fn by_post_the_answer_goes_to_the_response_location() {
    let idp = idp();
    let mut first = LogoutSp::dead("first", &[]);
    first.sp.slo = vec![Slo {
        response_location: Some("https://first.test/slo-done".to_owned()),
        ..Slo::new(POST, "https://first.test/slo")
    }];
    let mut person = SignedIn::at(vec![first], &idp).await;
    let request = person.request(0);
    let fields = post(&person.sps[0].sp.signed(&request.xml()), Some("state"));
    let page = person.browser.navigate(Navigation::to(&person.app.url("/saml/slo")).post(&fields)).await;
    let form = page.form_with("SAMLResponse");
    assert_eq!(form.action.as_str(), "https://first.test/slo-done");
    assert_eq!(form.value("RelayState"), Some("state"));
    let xml = {
        use base64::Engine as _;
        let decoded = base64::engine::general_purpose::STANDARD.decode(form.value("SAMLResponse").unwrap());
        String::from_utf8(decoded.unwrap()).unwrap()
    };
    judges::accept(&xml, &Pair::of_idp().certificate_pem());
    let response = Element::parse(&xml);
    assert_eq!(status(&response), ["Success"]);
    assert_eq!(response.attribute("Destination"), Some("https://first.test/slo-done"));
}

#[tokio::test]
async fn one_that_refuses_makes_it_partial_and_the_person_is_told_first() {
    let mut person = SignedIn::of(&[
        ("first", &[REDIRECT], Answer::Success),
        ("stubborn", &[REDIRECT], Answer::Refusal),
        ("third", &[REDIRECT], Answer::Success),
    ])
    .await;
    let request = person.request(0);
    let page = person.browser.open(&person.by_redirect(0, &request, None)).await;
    let told = SignedIn::told(&page);
    assert_eq!(
        told.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>(),
        ["Still signed in: it refused", "Signed out"]
    );
    assert!(page.all_text().contains("Continue to The first application"), "{}", page.all_text());
    let again = person.browser.open(&person.app.url("/logout")).await;
    assert_eq!(SignedIn::told(&again), told, "the page can be opened again");
    let onward = Navigation::to(&page.link("a.button").unwrap()).from(&page);
    let last = person.browser.step(&onward).await;
    let response = redirected(&last, &person.sps[0].sp.slo[0].location);
    assert_eq!(status(&response), ["Success", "PartialLogout"]);
}

#[tokio::test]
async fn an_sp_that_waits_for_no_answer_gets_none() {
    let mut person =
        SignedIn::of(&[("first", &[REDIRECT], Answer::Success), ("second", &[REDIRECT], Answer::Success)])
            .await;
    let mut request = person.request(0);
    "<samlp:Extensions><aslo:Asynchronous xmlns:aslo=\"urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo\"/>\
     </samlp:Extensions>"
        .clone_into(&mut request.extensions);
    let page = person.browser.open(&person.by_redirect(0, &request, None)).await;
    assert_eq!((page.status, page.url.path()), (200, "/logout"), "{}", page.body);
    assert!(page.all_text().contains("You are signed out of every application"), "{}", page.all_text());
    assert_eq!(person.sps[1].seen().len(), 1);
}

#[tokio::test]
async fn who_reloads_the_request_goes_on_where_the_logout_is() {
    let mut person =
        SignedIn::of(&[("first", &[REDIRECT], Answer::Success), ("keeps", &[REDIRECT], Answer::Silence)])
            .await;
    let address = person.by_redirect(0, &person.request(0), None);
    person.browser.open(&address).await;
    let page = person.browser.open(&address).await;
    assert_eq!((page.status, page.url.path()), (200, "/logout"), "{}", page.body);
    assert_eq!(SignedIn::told(&page)[0].1, "Perhaps still signed in: it did not confirm");
    assert_eq!(person.sps[1].seen().len(), 1, "the other is not told twice");
}

#[tokio::test]
async fn who_asks_again_is_not_told_success_before_it_is_true() {
    let mut person = SignedIn::of(&[
        ("first", &[REDIRECT], Answer::Success),
        ("keeps", &[REDIRECT], Answer::Silence),
        ("third", &[REDIRECT], Answer::Success),
    ])
    .await;
    person.browser.open(&person.by_redirect(0, &person.request(0), None)).await;
    // The one that keeps the browser asks itself: it has the truth at once.
    let request = person.request(1);
    let page = person.browser.step(&Navigation::to(&person.by_redirect(1, &request, None))).await;
    let response = redirected(&page, &person.sps[1].sp.slo[0].location);
    assert_eq!(status(&response), ["Success", "PartialLogout"]);
    // The first one asks again, and is answered when the last one is told.
    let request = person.request(0);
    let page = person.browser.step(&Navigation::to(&person.by_redirect(0, &request, None))).await;
    assert!(page.header("location").starts_with(&person.sps[2].sp.slo[0].location), "{}", page.body);
    let onward = Navigation::to(page.header("location"));
    let page = person.browser.step(&onward).await;
    let last = person.browser.step(&Navigation::to(page.header("location"))).await;
    let response = redirected(&last, &person.sps[0].sp.slo[0].location);
    assert_eq!(status(&response), ["Success"]);
    assert_eq!(response.attribute("InResponseTo"), Some(request.id.as_str()));
}
