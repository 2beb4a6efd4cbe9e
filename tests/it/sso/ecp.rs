//! Enhanced clients: an AuthnRequest by SOAP, the password by HTTP Basic, the Response for the PAOS endpoint.

use super::Case;
use crate::support::folder::{Folder, TANAKA};
use crate::support::judges;
use crate::support::pki::Pair;
use crate::support::soap::{envelope, message, post_soap, signed};
use crate::support::sp::{Received, Sp};
use crate::support::xml::Element;

fn sp() -> Sp {
    Sp { paos_acs: vec!["https://app.test/paos".to_owned()], ..Sp::new("app") }
}

fn case(policy: &str) -> Case {
    Case::of(Folder::new(), sp(), policy)
}

async fn send(case: &Case, body: String, basic: Option<(&str, &str)>) -> (u16, String) {
    post_soap(&case.url("/saml/soap/ecp"), body, basic).await
}

const POLICY: &str = "ecp = true\nattributes = [\"uid\"]\n";

#[tokio::test]
async fn a_client_gets_the_response_for_the_paos_endpoint() {
    let case = case(POLICY);
    let request = case.ask();
    let (status, answer) = send(&case, envelope(&request.xml()), Some(TANAKA)).await;
    assert_eq!(status, 200, "{answer}");
    let whole = Element::parse(&answer);
    let header = whole.at("Header/Response").unwrap();
    assert_eq!(header.attribute("AssertionConsumerServiceURL"), Some("https://app.test/paos"));
    assert_eq!(header.attribute("mustUnderstand"), Some("1"));
    assert_eq!(header.attribute("actor"), Some("http://schemas.xmlsoap.org/soap/actor/next"));
    let received = Received::new(message(&answer), "https://app.test/paos".to_owned(), None);
    received.verify(&case.sp, Some(&request.id), &case.folder.idp.certificate_pem());
    assert_eq!(received.attributes()["uid"], ["tanaka"]);
    assert_eq!(case.events("signed_in").len(), 1);
}

#[tokio::test]
async fn without_the_right_password_there_is_a_challenge() {
    let case = case(POLICY);
    let body = || envelope(&case.ask().xml());
    for (basic, code) in [
        (None, "SK-CREDENTIALS"),
        (Some(("tanaka", "wrong")), "SK-CREDENTIALS"),
        (Some(("tanaka", "")), "SK-CREDENTIALS"),
        (Some(("nobody", "x")), "SK-CREDENTIALS"),
    ] {
        let (status, answer) = send(&case, body(), basic).await;
        assert_eq!(status, 401, "{basic:?}: {answer}");
        assert!(answer.contains(code), "{basic:?}: {answer}");
        assert!(!answer.contains("Assertion"), "{basic:?}");
    }
    for _ in 0..6 {
        send(&case, body(), Some(("tanaka", "wrong"))).await;
    }
    let (status, answer) = send(&case, body(), Some(TANAKA)).await;
    assert!(status == 401 && answer.contains("SK-THROTTLED"), "the same throttle as at the page: {answer}");
}

#[tokio::test]
async fn it_is_off_unless_the_policy_says_so_and_no_password_is_tried() {
    let case = case("attributes = []");
    let (status, answer) = send(&case, envelope(&case.ask().xml()), Some(("tanaka", "wrong"))).await;
    assert!(status == 500 && answer.contains("SK-DISABLED-SP"), "{answer}");
    assert!(case.events("sign_in_refused").is_empty());
    let refused = case.events("request_refused");
    assert!(refused[0]["reason"].as_str().unwrap().contains("ecp = true"), "{refused:?}");
}

#[tokio::test]
async fn what_does_not_stand_is_a_fault_before_any_password() {
    let case = case(&format!("{POLICY}verify_requests = \"required\"\n"));
    let by_browser = {
        let mut request = case.ask();
        request.acs_url = Some("https://app.test/acs".to_owned());
        signed(&request.xml(), &case.sp.pair)
    };
    for (body, code) in [
        (envelope(&case.ask().xml()), "SK-SIGNATURE"),
        (signed(&case.ask().xml(), &Pair::rsa(2048)), "SK-SIGNATURE"),
        (by_browser, "SK-ACS"),
        (case.ask().xml(), "SK-REQUEST"),
    ] {
        let (status, answer) = send(&case, body, Some(TANAKA)).await;
        assert!(status == 500 && answer.contains(code), "{code}: {answer}");
    }
    assert!(case.events("signed_in").is_empty());
    let (status, _) = send(&case, signed(&case.ask().xml(), &case.sp.pair), Some(TANAKA)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn who_may_not_use_the_sp_gets_a_status() {
    let case = case(&format!("{POLICY}allow = [\"user:suzuki\"]\n"));
    let (status, answer) = send(&case, envelope(&case.ask().xml()), Some(TANAKA)).await;
    assert_eq!(status, 200, "{answer}");
    judges::accept(message(&answer), &Pair::of_idp().certificate_pem());
    assert!(answer.contains("status:RequestDenied") && !answer.contains("<saml:Assertion"), "{answer}");
}
