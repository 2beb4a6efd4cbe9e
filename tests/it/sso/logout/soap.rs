//! Logout by SOAP: a service provider asks without the browser.

use super::SignedIn;
use crate::support::judges;
use crate::support::logout::{Answer, LogoutRequest};
use crate::support::pki::Pair;
use crate::support::soap::{self, message, post_soap};
use crate::support::sp::{self, REDIRECT, SOAP};
use crate::support::xml::Element;

async fn send(person: &SignedIn, body: String) -> (u16, String) {
    post_soap(&person.app.url("/saml/soap/slo"), body, None).await
}

fn signed(person: &SignedIn, change: impl FnOnce(&mut LogoutRequest)) -> (String, String) {
    let mut request = person.request(0);
    request.destination = Some(person.app.url("/saml/soap/slo"));
    change(&mut request);
    let envelope = soap::signed(&request.xml(), Pair::of_sp());
    (request.id, envelope)
}

#[tokio::test]
async fn a_request_by_soap_ends_the_session_and_is_answered_by_soap() {
    let mut person =
        SignedIn::of(&[("first", &[SOAP], Answer::Success), ("second", &[SOAP], Answer::Success)]).await;
    let (id, envelope) = signed(&person, |_| {});
    let (status, answer) = send(&person, envelope.clone()).await;
    assert_eq!(status, 200, "{answer}");
    judges::accept(message(&answer), &Pair::of_idp().certificate_pem());
    let response = Element::parse(&answer);
    let response = response.at("Body/LogoutResponse").unwrap();
    assert_eq!(response.attribute("InResponseTo"), Some(id.as_str()));
    assert_eq!(sp::status(response), ["Success"]);
    assert_eq!(person.sps[1].seen().len(), 1);
    assert!(!person.is_signed_in().await, "the cookie is there, the session is not");

    let (status, answer) = send(&person, envelope).await;
    assert_eq!(status, 500, "a message comes once");
    let fault = Element::parse(&answer);
    let fault = fault.at("Body/Fault").unwrap();
    assert_eq!(fault.child("faultcode").unwrap().text, "S:Client");
    assert!(fault.child("faultstring").unwrap().text.starts_with("SK-LOGOUT, request "));
}

#[tokio::test]
async fn one_that_only_a_browser_could_tell_makes_it_partial() {
    let person =
        SignedIn::of(&[("first", &[SOAP], Answer::Success), ("front", &[REDIRECT], Answer::Success)]).await;
    let (_, envelope) = signed(&person, |_| {});
    let (_, answer) = send(&person, envelope).await;
    let response = Element::parse(&answer);
    let response = response.at("Body/LogoutResponse").unwrap();
    assert_eq!(sp::status(response), ["Success", "PartialLogout"]);
    assert_eq!(person.outcomes(), [("https://front.test/metadata".to_owned(), "no_browser".to_owned())]);
}

#[tokio::test]
async fn what_is_not_a_signed_request_is_a_fault_and_ends_nothing() {
    let mut person = SignedIn::of(&[("first", &[SOAP], Answer::Success)]).await;
    let (_, good) = signed(&person, |_| {});
    let unsigned = soap::envelope(&person.request(0).xml());
    let (_, elsewhere) = signed(&person, |request| request.destination = Some("https://other.test/".into()));
    let (_, unknown) = signed(&person, |request| "https://nobody.test/".clone_into(&mut request.issuer));
    let header = good.replace(
        "<soap11:Body>",
        "<soap11:Header><w:x xmlns:w=\"urn:w\" soap11:mustUnderstand=\"1\"/></soap11:Header><soap11:Body>",
    );
    for (body, code, detail) in [
        (unsigned, "S:Client", "SK-LOGOUT"),
        (good.replace("SessionIndex>_", "SessionIndex>_x"), "S:Client", "SK-LOGOUT"),
        (elsewhere, "S:Client", "SK-LOGOUT"),
        (unknown, "S:Client", "SK-UNKNOWN-SP"),
        (header, "S:MustUnderstand", "SK-LOGOUT"),
        ("<a/>".to_owned(), "S:Client", "SK-LOGOUT"),
        (format!("<!DOCTYPE a>{good}"), "S:Client", "SK-LOGOUT"),
    ] {
        let (status, answer) = send(&person, body.clone()).await;
        assert_eq!(status, 500, "{body}");
        let fault = Element::parse(&answer);
        let fault = fault.at("Body/Fault").unwrap();
        assert_eq!(fault.child("faultcode").unwrap().text, code, "{body}");
        assert!(fault.child("faultstring").unwrap().text.starts_with(detail), "{body}: {answer}");
    }
    assert!(person.is_signed_in().await);
    assert!(person.app.events("signed_out").is_empty());
}
