//! Encrypted assertions and identifiers: when an SP gets them, what it can read, and what it may send encrypted.

use sekisho::clock::{SeededIds, SignedDuration};
use sekisho::saml::encryption::{ENCRYPTED_ID, EncryptionKey};

use super::{Case, EMAIL, assert_refused};
use crate::support::browser::Navigation;
use crate::support::decryption;
use crate::support::folder::Folder;
use crate::support::judges::{self, Signed};
use crate::support::logout::{LogoutRequest, redirected};
use crate::support::pki::Pair;
use crate::support::request::AuthnRequest;
use crate::support::sp::{self, REDIRECT, Received, Slo, Sp};
use crate::support::xml::Element;

const ENCRYPTED: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted";
const POLICY: &str = "attributes = [\"displayName\"]\nname_id_format = \"persistent\"\n";

fn policy(encrypt: &str) -> String {
    format!("{POLICY}encrypt = \"{encrypt}\"\n")
}

fn without_key() -> Sp {
    Sp { publishes_key: false, ..Sp::new("app") }
}

async fn case(sp: Sp, policy: &str) -> Case {
    let mut case = Case::of(Folder::new(), sp, policy);
    case.sign_in_first().await;
    case
}

/// What the SP can read: a Response that gives nothing away and is signed so, and the assertion inside; all judges take
/// both.
async fn opened(case: &mut Case, outside: Signed) -> Received {
    let request = case.ask();
    let page = case.send(&request).await;
    let sealed = case.received(&page);
    assert!(sealed.response.child("Assertion").is_none(), "{}", sealed.xml);
    for told in ["田中", "displayName", "AuthnStatement"] {
        assert!(!sealed.xml.contains(told), "{told} stands in {}", sealed.xml);
    }
    let certificate = case.folder.idp.certificate_pem();
    assert_eq!(judges::signed(&sealed.xml), outside, "{}", sealed.xml);
    if outside != Signed::Nothing {
        judges::accept(&sealed.xml, &certificate);
    }
    let opened = decryption::opened(&sealed, Pair::of_sp());
    opened.verify(&case.sp, Some(&request.id), &certificate);
    opened
}

#[tokio::test]
async fn always_is_always_and_all_judges_can_read_it() {
    for (sign, outside) in [("both", Signed::Response), ("assertion", Signed::Nothing)] {
        let policy = format!("{}sign = \"{sign}\"\n", policy("always"));
        let mut case = case(Sp::new("app"), &policy).await;
        let received = opened(&mut case, outside).await;
        assert_eq!(received.attributes()["displayName"], ["田中 太郎"]);
        let again = opened(&mut case, outside).await;
        assert_eq!(received.name_id(), again.name_id());
        assert_ne!(received.xml, again.xml);
    }
}

#[tokio::test]
async fn the_sp_says_by_which_algorithms() {
    let cbc = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
    let sp = Sp { encryption_methods: vec![cbc.to_owned()], ..Sp::new("app") };
    let mut case = case(sp, &policy("always")).await;
    let request = case.ask();
    let page = case.send(&request).await;
    let sealed = case.received(&page);
    let method = |path: &str| {
        let element = sealed.response.at(path).unwrap_or_else(|| panic!("{path} in {}", sealed.xml));
        element.attribute("Algorithm").unwrap().to_owned()
    };
    assert_eq!(method("EncryptedAssertion/EncryptedData/EncryptionMethod"), cbc);
    let transport = "EncryptedAssertion/EncryptedData/KeyInfo/EncryptedKey/EncryptionMethod";
    assert_eq!(method(transport), "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p");
    assert_eq!(method(&format!("{transport}/DigestMethod")), "http://www.w3.org/2000/09/xmldsig#sha1");
    opened(&mut case, Signed::Response).await;
    // The administrator's word goes before the metadata's.
    let sp = Sp { encryption_methods: vec![cbc.to_owned()], ..Sp::new("app") };
    let mut case =
        self::case(sp, &format!("{}encryption_methods = [\"aes128-gcm\"]\n", policy("always"))).await;
    let sealed = {
        let request = case.ask();
        let page = case.send(&request).await;
        case.received(&page)
    };
    assert!(sealed.xml.contains("xmlenc11#aes128-gcm"), "{}", sealed.xml);
}

#[tokio::test]
async fn without_a_key_always_sends_nothing() {
    let mut case = case(without_key(), &policy("always")).await;
    let request = case.ask();
    let page = case.send(&request).await;
    assert_eq!(case.status(&page, &request), ["Responder"]);
    let refused = case.events("request_refused");
    let reason = refused.last().unwrap()["reason"].as_str().unwrap();
    assert!(reason.contains("no usable encryption key of the SP is known"), "{reason}");
    assert!(case.events("assertion_issued").is_empty());
    let snapshot = case.app.app().registry.snapshot();
    let told = snapshot.findings().iter().any(|finding| finding.message.contains("encrypt = \"always\""));
    assert!(told, "{:?}", snapshot.findings());
}

#[tokio::test]
async fn when_key_encrypts_where_there_is_one() {
    let mut with = case(Sp::new("app"), &policy("when-key")).await;
    opened(&mut with, Signed::Response).await;
    let mut without = case(without_key(), &policy("when-key")).await;
    let mut never = case(Sp::new("app"), &policy("never")).await;
    for case in [&mut without, &mut never] {
        let request = case.ask();
        let page = case.send(&request).await;
        case.accept(&page, &request);
    }
}

/// The EncryptedID of an assertion, opened.
fn name_id(received: &Received) -> Element {
    let element = received.assertion("Subject/EncryptedID");
    assert!(received.response.at("Assertion/Subject/NameID").is_none());
    assert_eq!(element.children.len(), 1);
    let from = received.xml.find("<xenc:EncryptedData").unwrap();
    let data = received.xml[from..].split_inclusive("</xenc:EncryptedData>").next().unwrap();
    let id = format!("<id>{data}</id>");
    let read = [decryption::bergshamra, decryption::libxmlsec, decryption::xmlsec1]
        .map(|judge| Element::parse(&judge(&id, Pair::of_sp()).unwrap()));
    let [id, ..] = &read;
    assert!(read.iter().all(|other| other == id), "{read:?}");
    id.child("NameID").cloned().unwrap()
}

#[tokio::test]
async fn an_encrypted_id_is_given_where_a_request_asks_for_one() {
    let mut case = case(Sp::new("app"), POLICY).await;
    let clear = case.ask();
    let page = case.send(&clear).await;
    let expected = case.accept(&page, &clear).name_id().1.to_owned();
    let asked = AuthnRequest { name_id_format: Some(ENCRYPTED.to_owned()), ..case.ask() };
    let page = case.send(&asked).await;
    let received = case.accept(&page, &asked);
    assert!(!received.xml.contains(&expected), "the identifier stands in the clear");
    let name_id = name_id(&received);
    assert_eq!(name_id.text, expected);
    assert!(name_id.attribute("Format").unwrap().ends_with(":persistent"));
}

#[tokio::test]
async fn without_a_key_no_encrypted_id_and_no_clear_one() {
    let mut case = case(without_key(), POLICY).await;
    let asked = AuthnRequest { name_id_format: Some(ENCRYPTED.to_owned()), ..case.ask() };
    let page = case.send(&asked).await;
    assert_eq!(case.status(&page, &asked), ["Requester", "InvalidNameIDPolicy"]);
}

/// An IdP with two decryption keys, of which the second one is used, and a person who is signed in.
async fn decrypting(policy: &str) -> Case {
    let mut folder = Folder::new();
    for (name, pair) in [("old", Pair::of_idp()), ("new", Pair::of_sp())] {
        let both = format!("{}{}", pair.key_pem(), pair.certificate_pem());
        folder.write_secret(&format!("certs/{name}.pem"), &both);
    }
    folder.set("saml.decryption_keys", vec!["certs/old.pem", "certs/new.pem"]);
    let slo = vec![Slo::new(REDIRECT, "https://app.test/slo")];
    let mut case = Case::of(folder, Sp { slo, ..Sp::new("app") }, policy);
    case.sign_in_first().await;
    case
}

/// An EncryptedID for the second key.
fn encrypted_id(value: &str) -> String {
    let plaintext = format!(
        "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Format=\"{EMAIL}\">{value}</saml:NameID>"
    );
    let key = EncryptionKey::from_certificate_der(&Pair::of_sp().certificate.to_der().unwrap(), &[]).unwrap();
    let id = key.element(&ENCRYPTED_ID, plaintext.as_bytes(), &SeededIds::new(4)).unwrap();
    String::from_utf8(id).unwrap()
}

fn asking_for(case: &Case, value: &str) -> AuthnRequest {
    let extra = format!("<saml:Subject>{}</saml:Subject>", encrypted_id(value));
    AuthnRequest { extra, destination: Some(case.sso()), ..case.ask() }
}

#[tokio::test]
async fn an_encrypted_subject_is_compared() {
    let mut case = decrypting("name_id_format = \"emailAddress\"\n").await;
    for (value, expected) in [("tanaka@example.jp", None), ("suzuki@example.jp", Some("UnknownPrincipal"))] {
        let request = asking_for(&case, value);
        let url = case.sp.signed_redirect(&case.sso(), &request.xml(), None);
        let by_redirect = case.browser.open(&url).await;
        let signed = case.sp.signed(&request.xml());
        let by_post = case.post(&signed, None).await;
        for page in [by_redirect, by_post] {
            match expected {
                None => assert_eq!(case.accept(&page, &request).name_id(), (EMAIL, value)),
                Some(code) => assert_eq!(case.status(&page, &request), ["Requester", code]),
            }
        }
    }
}

#[tokio::test]
async fn an_encrypted_name_in_a_logout_request_is_opened() {
    let mut case = decrypting("name_id_format = \"emailAddress\"\n").await;
    let request = case.ask();
    let page = case.send(&request).await;
    case.accept(&page, &request);
    for (value, status) in
        [("suzuki@example.jp", &["Requester", "UnknownPrincipal"][..]), ("tanaka@example.jp", &["Success"])]
    {
        let request = LogoutRequest {
            destination: Some(case.url("/saml/slo")),
            principal: encrypted_id(value),
            issue_instant: case.instant(SignedDuration::ZERO),
            ..LogoutRequest::new(&case.sp.entity_id, "", &[])
        };
        let url = case.sp.signed_redirect(&case.url("/saml/slo"), &request.xml(), None);
        let page = case.browser.step(&Navigation::to(&url)).await;
        assert_eq!(sp::status(&redirected(&page, "https://app.test/slo")), status, "{value}");
    }
    assert!(!case.is_signed_in().await);
}

#[tokio::test]
async fn nothing_of_an_unsigned_request_is_decrypted() {
    let mut case = decrypting("name_id_format = \"emailAddress\"\n").await;
    let request = asking_for(&case, "tanaka@example.jp");
    let page = case.send(&request).await;
    assert_refused(&page, 400, "SK-REQUEST");
    let broken = request.extra.replacen("<xenc:CipherValue>", "<xenc:CipherValue>AAAA", 1);
    let broken = AuthnRequest { extra: broken, ..request };
    let url = case.sp.signed_redirect(&case.sso(), &broken.xml(), None);
    let page = case.browser.open(&url).await;
    assert_refused(&page, 400, "SK-REQUEST");
    let reasons: Vec<_> = case.events("request_refused").iter().map(|e| e["reason"].to_string()).collect();
    assert!(reasons[0].contains("nothing of an unsigned request is decrypted"), "{reasons:?}");
    assert!(reasons[1].contains("cannot be decrypted"), "{reasons:?}");
}

#[tokio::test]
async fn what_was_encrypted_is_shown_on_no_page() {
    let mut case = decrypting("name_id_format = \"emailAddress\"\n").await;
    case.clock.advance(SignedDuration::from_mins(1));
    let request = AuthnRequest { force_authn: Some(true), ..asking_for(&case, "tanaka@example.jp") };
    let url = case.sp.signed_redirect(&case.sso(), &request.xml(), None);
    let page = case.browser.open(&url).await;
    assert!(!page.body.contains("tanaka@example.jp"), "{}", page.body);
    let page = case.enter(&page).await;
    case.accept(&page, &request);
}

#[tokio::test]
async fn without_decryption_keys_an_encrypted_subject_is_refused() {
    let mut case = case(Sp::new("app"), "").await;
    let request = asking_for(&case, "tanaka@example.jp");
    let url = case.sp.signed_redirect(&case.sso(), &request.xml(), None);
    let page = case.browser.open(&url).await;
    assert_refused(&page, 400, "SK-REQUEST");
    let refused = case.events("request_refused");
    let reason = refused[0]["reason"].as_str().unwrap();
    assert!(reason.contains("saml.decryption_keys names no key"), "{reason}");
}

#[tokio::test]
async fn the_keys_to_encrypt_to_are_published() {
    let mut case = decrypting("").await;
    let page = case.browser.open(&case.url("/saml/metadata")).await;
    let root = Element::parse(&page.body);
    let published: Vec<_> = root.child("IDPSSODescriptor").unwrap().all("KeyDescriptor").collect();
    let uses: Vec<_> = published.iter().map(|key| key.attribute("use").unwrap()).collect();
    assert_eq!(uses, ["signing", "encryption", "encryption"]);
    for (key, pair) in published[1..].iter().zip([Pair::of_idp(), Pair::of_sp()]) {
        assert_eq!(key.at("KeyInfo/X509Data/X509Certificate").unwrap().text, pair.certificate_base64());
        let methods: Vec<_> =
            key.all("EncryptionMethod").map(|method| method.attribute("Algorithm").unwrap()).collect();
        assert!(methods.iter().any(|uri| uri.ends_with("#aes256-gcm")), "{methods:?}");
        assert!(!methods.iter().any(|uri| uri.contains("cbc") || uri.contains("1_5")), "{methods:?}");
    }
}
