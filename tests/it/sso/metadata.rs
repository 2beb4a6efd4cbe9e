//! `/saml/metadata` and the certificate: what an SP learns of us, and that it leads to a sign-on.

use std::process::Command;

use openssl::x509::X509;

use super::Case;
use crate::support::folder::Folder;
use crate::support::sp::{POST, REDIRECT, Sp};
use crate::support::xml::Element;

#[tokio::test]
async fn metadata_names_what_works_and_nothing_else() {
    for wants_signed in [false, true] {
        let mut folder = Folder::new();
        folder.set("saml.want_authn_requests_signed", wants_signed);
        let mut case = Case::of(folder, Sp::new("app"), "");
        let page = case.browser.open(&case.url("/saml/metadata")).await;
        assert_eq!((page.status, page.header("content-type")), (200, "application/samlmetadata+xml"));
        let root = Element::parse(&page.body);
        assert_eq!(root.attribute("entityID"), Some(case.folder.entity_id().as_str()));
        let idp = root.child("IDPSSODescriptor").expect("an IDPSSODescriptor");
        assert_eq!(idp.attribute("WantAuthnRequestsSigned"), Some(wants_signed.to_string().as_str()));
        let services: Vec<_> = idp
            .all("SingleSignOnService")
            .map(|service| (service.attribute("Binding").unwrap(), service.attribute("Location").unwrap()))
            .collect();
        assert_eq!(services, [(REDIRECT, case.sso().as_str()), (POST, case.sso().as_str())]);
        assert!(idp.child("SingleLogoutService").is_none(), "single logout is not there yet");
        let first = &idp.child("NameIDFormat").unwrap().text;
        assert!(first.ends_with(":persistent"), "{first}");
        let key = idp.at("KeyDescriptor/KeyInfo/X509Data/X509Certificate").unwrap();
        assert_eq!(key.text.split_whitespace().collect::<String>(), case.folder.idp.certificate_base64());
        assert!(root.attribute("validUntil").is_none());
        verify(&page.body, &case.folder.idp.certificate_pem());
        // The address that it names is the one that answers.
        case.sign_in_first().await;
        let mut request = case.ask();
        request.destination = Some(services[0].1.to_owned());
        let url = case.sp.signed_redirect(services[0].1, &request.xml(), None);
        let page = case.browser.open(&url).await;
        case.accept(&page, &request);
    }
}

fn verify(xml: &str, certificate: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (document, pem) = (folder.path().join("metadata.xml"), folder.path().join("idp.pem"));
    std::fs::write(&document, xml).unwrap();
    std::fs::write(&pem, certificate).unwrap();
    let output = Command::new("xmlsec1")
        .args(["--verify", "--enabled-reference-uris", "same-doc"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor", "--pubkey-cert-pem"])
        .args([&pem, &document])
        .output()
        .expect("xmlsec1 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_certificate_comes_as_pem() {
    let mut case = Case::new("");
    let page = case.browser.open(&case.url("/saml/certificate.pem")).await;
    let certificate = X509::from_pem(page.body.as_bytes()).expect("a certificate");
    assert_eq!(certificate.to_der().unwrap(), case.folder.idp.certificate.to_der().unwrap());
    let page = case.browser.open(&case.url("/saml/certificate.cer")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "application/pkix-cert"));
}
