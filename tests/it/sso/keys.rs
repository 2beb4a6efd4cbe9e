//! What is signed and with which key: every Response goes to xmlsec1, samael and bergshamra.

use openssl::nid::Nid;

use super::Case;
use crate::support::folder::Folder;
use crate::support::judges::{self, Signed};
use crate::support::pki::Pair;
use crate::support::sp::Sp;

/// Attribute values that a careless writer would break.
const HOSTILE: &str = "& < > \\\" ' ]]> </saml:AttributeValue> CR\\rLF\\nTAB\\t 田中 𠮷 e\u{301}";

fn folder() -> Folder {
    let folder = Folder::new();
    let people = folder.read("people.toml").replace("\"Osaka\"", &format!("\"{HOSTILE}\""));
    folder.write_secret("people.toml", &people);
    folder
}

#[tokio::test]
async fn every_part_is_signed_as_the_policy_says() {
    for (policy, wants_assertions_signed, expected) in [
        ("", false, Signed::Both),
        ("sign = \"both\"", true, Signed::Both),
        ("sign = \"assertion\"", false, Signed::Assertion),
        ("sign = \"assertion\"", true, Signed::Assertion),
        ("sign = \"response\"", false, Signed::Response),
        ("sign = \"response\"", true, Signed::Both),
    ] {
        let mut sp = Sp::new("app");
        sp.want_assertions_signed = wants_assertions_signed;
        let mut case = Case::of(folder(), sp, &format!("attributes = [\"ou\"]\n{policy}"));
        case.sign_in_first().await;
        let request = case.ask();
        let page = case.send(&request).await;
        let received = case.accept(&page, &request);
        assert_eq!(judges::signed(&received.xml), expected, "{policy} {wants_assertions_signed}");
        let plain = HOSTILE.replace("\\\"", "\"").replace("\\r", "\r").replace("\\n", "\n");
        assert_eq!(received.attributes()["ou"], ["Sales", &plain.replace("\\t", "\t")]);
        // An error is signed whatever the policy says: SPs act on it.
        let passive = crate::support::request::AuthnRequest { is_passive: Some(true), ..case.ask() };
        case.browser.cookies.clear();
        let page = case.send(&passive).await;
        assert_eq!(case.status(&page, &passive), ["Responder", "NoPassive"]);
    }
}

#[tokio::test]
async fn every_kind_of_key_signs() {
    for (pair, algorithm) in [
        (Pair::rsa(3072), "rsa-sha256"),
        (Pair::rsa(4096), "rsa-sha256"),
        (Pair::ec(Nid::X9_62_PRIME256V1), "ecdsa-sha256"),
        (Pair::ec(Nid::SECP384R1), "ecdsa-sha384"),
    ] {
        let mut folder = folder();
        folder.use_key(&pair);
        let mut case = Case::of(folder, Sp::new("app"), "attributes = [\"ou\", \"displayName\"]");
        case.sign_in_first().await;
        let request = case.ask();
        let page = case.send(&request).await;
        let received = case.accept(&page, &request);
        assert_eq!(judges::signed(&received.xml), Signed::Both);
        let uri = format!("Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#{algorithm}\"");
        assert_eq!(received.xml.matches(&uri).count(), 2, "{}", received.xml);
        let metadata = case.browser.open(&case.url("/saml/metadata")).await;
        assert!(metadata.body.contains(&pair.certificate_base64()));
    }
}
