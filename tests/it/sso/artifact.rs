//! A Response by artifact: the browser takes a reference, the SP fetches the Response, once and it alone.

use sekisho::clock::{Ids, RandomIds, SignedDuration};

use super::{Case, PERSISTENT};
use crate::support::browser::Navigation;
use crate::support::folder::Folder;
use crate::support::html::Page;
use crate::support::judges;
use crate::support::pki::Pair;
use crate::support::request::escape;
use crate::support::soap::{envelope, message, post_soap, signed};
use crate::support::sp::{ARTIFACT, Received, Sp, redirect, status};
use crate::support::xml::Element;

fn sp(name: &str) -> Sp {
    let artifact_acs = vec![format!("https://{name}.test/artifact?a=b")];
    Sp { artifact_acs, name_id_formats: vec![PERSISTENT.to_owned()], ..Sp::new(name) }
}

async fn case() -> Case {
    let folder = Folder::new();
    folder.register("other", &sp("other"), "");
    let mut case = Case::of(folder, sp("app"), "attributes = [\"uid\"]");
    case.sign_in_first().await;
    case
}

/// Asks by ProtocolBinding; the request's ID and the page that would lead to the SP.
async fn ask(case: &mut Case) -> (String, Page) {
    let mut request = case.ask();
    request.protocol_binding = Some(ARTIFACT.to_owned());
    let address = redirect(&case.app.sso(), &request.xml(), Some("state & more"));
    (request.id, case.browser.step(&Navigation::to(&address)).await)
}

/// The artifact in the redirect to the SP.
fn artifact(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.body);
    let location = page.header("location");
    let (address, query) = location.split_once("&SAMLart=").expect("an artifact");
    assert_eq!(address, "https://app.test/artifact?a=b");
    let (artifact, state) = query.split_once("&RelayState=").expect("RelayState");
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    assert_eq!(decode(state), "state & more");
    decode(artifact)
}

fn resolve(case: &Case, issuer: &str, artifact: &str) -> String {
    let id = (&RandomIds as &dyn Ids).xml_id();
    format!(
        "<samlp:ArtifactResolve xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\" \
         Destination=\"{}\"><saml:Issuer>{issuer}</saml:Issuer><samlp:Artifact>{}</samlp:Artifact>\
         </samlp:ArtifactResolve>",
        case.instant(SignedDuration::ZERO),
        case.url("/saml/soap/artifact"),
        escape(artifact),
    )
}

async fn send(case: &Case, body: String) -> (u16, String) {
    post_soap(&case.url("/saml/soap/artifact"), body, None).await
}

/// The Response that came by SOAP, if one came; the ArtifactResponse is judged.
fn fetched(answer: &str) -> Option<String> {
    // The signatures inside are judged with the Response, on its own.
    judges::xmlsec1(message(answer), &Pair::of_idp().certificate_pem()).unwrap();
    let response = Element::parse(message(answer));
    assert_eq!(response.name, "ArtifactResponse");
    assert_eq!(status(&response), ["Success"]);
    response.child("Response")?;
    let (_, rest) = answer.split_once("</samlp:Status>").unwrap();
    let inner = rest.split_once("</samlp:ArtifactResponse>").unwrap().0;
    // Where the ArtifactResponse declares the prefix, the Response inside does not do so again.
    let declared = "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"";
    Some(inner.replacen("<samlp:Response", declared, 1))
}

#[tokio::test]
async fn the_sp_fetches_the_response_once() {
    let mut case = case().await;
    let (id, page) = ask(&mut case).await;
    let artifact = artifact(&page);
    let request = signed(&resolve(&case, &case.sp.entity_id, &artifact), &case.sp.pair);
    let (status, answer) = send(&case, request).await;
    assert_eq!(status, 200, "{answer}");
    let xml = fetched(&answer).expect("a Response");
    let received = Received::new(&xml, case.sp.artifact_acs[0].clone(), None);
    received.verify(&case.sp, Some(&id), &case.folder.idp.certificate_pem());
    assert_eq!(received.attributes()["uid"], ["tanaka"]);

    let again = signed(&resolve(&case, &case.sp.entity_id, &artifact), &case.sp.pair);
    assert_eq!(fetched(&send(&case, again).await.1), None, "an artifact is good once");
}

#[tokio::test]
async fn it_waits_for_its_sp_alone_for_a_minute_and_over_a_restart() {
    let mut case = case().await;
    let (_, page) = ask(&mut case).await;
    let first = artifact(&page);
    let by_other = signed(&resolve(&case, "https://other.test/metadata", &first), Pair::of_sp());
    assert_eq!(fetched(&send(&case, by_other).await.1), None, "the artifact was made for another SP");
    case.app().store.commit(Vec::new()).await.unwrap();
    case.restart();
    let own = signed(&resolve(&case, &case.sp.entity_id, &first), &case.sp.pair);
    assert!(fetched(&send(&case, own).await.1).is_some(), "nobody else used it up");

    let (_, page) = ask(&mut case).await;
    let late = artifact(&page);
    case.clock.advance(SignedDuration::from_secs(61));
    let own = signed(&resolve(&case, &case.sp.entity_id, &late), &case.sp.pair);
    assert_eq!(fetched(&send(&case, own).await.1), None);
}

#[tokio::test]
async fn a_status_that_says_no_comes_the_same_way() {
    let mut case = case().await;
    case.browser.cookies.clear();
    let mut request = case.ask();
    request.acs_url = Some(case.sp.artifact_acs[0].clone());
    request.is_passive = Some(true);
    let address = redirect(&case.app.sso(), &request.xml(), Some("state & more"));
    let page = case.browser.step(&Navigation::to(&address)).await;
    let own = signed(&resolve(&case, &case.sp.entity_id, &artifact(&page)), &case.sp.pair);
    let xml = fetched(&send(&case, own).await.1).expect("a Response");
    let received = Received::new(&xml, case.sp.artifact_acs[0].clone(), None);
    assert_eq!(received.status().last(), Some(&"NoPassive"));
    judges::accept(&xml, &Pair::of_idp().certificate_pem());
}

#[tokio::test]
async fn nobody_fetches_without_proof_of_who_they_are() {
    let mut case = case().await;
    let (_, page) = ask(&mut case).await;
    let artifact = artifact(&page);
    let xml = resolve(&case, &case.sp.entity_id, &artifact);
    let elsewhere = xml.replace("/saml/soap/artifact", "/elsewhere");
    for (body, code) in [
        (envelope(&xml), "SK-SIGNATURE"),
        (signed(&xml, &Pair::rsa(2048)), "SK-SIGNATURE"),
        (signed(&elsewhere, &case.sp.pair), "SK-DESTINATION"),
        (signed(&xml.replace("app.test/metadata", "nobody.test/"), &case.sp.pair), "SK-UNKNOWN-SP"),
        (envelope("<x/>"), "SK-REQUEST"),
    ] {
        let (status, answer) = send(&case, body).await;
        let fault = Element::parse(&answer);
        let fault = fault.at("Body/Fault/faultstring").unwrap_or_else(|| panic!("{code}: {answer}"));
        assert!(status == 500 && fault.text.starts_with(code), "{code}: {}", fault.text);
    }
    let unknown = signed(&resolve(&case, &case.sp.entity_id, "AAQAAA=="), &case.sp.pair);
    assert_eq!(fetched(&send(&case, unknown).await.1), None);
    let own = signed(&xml, &case.sp.pair);
    assert!(fetched(&send(&case, own).await.1).is_some(), "it still waits for its SP");
}
