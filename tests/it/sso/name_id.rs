//! The name that an SP gets for a person: each format, whose word counts, and what cannot be given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sekisho::registry::Severity;

use super::{Case, EMAIL, PERSISTENT, TRANSIENT, UNSPECIFIED};
use crate::support::app::sign_in;
use crate::support::browser::Browser;
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::html::Page;
use crate::support::request::AuthnRequest;
use crate::support::sp::{Received, Sp, redirect};

const KERBEROS: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos";

impl Case {
    async fn name_of(&mut self, format: Option<&str>) -> (Page, AuthnRequest) {
        let request = AuthnRequest { name_id_format: format.map(str::to_owned), ..self.ask() };
        (self.send(&request).await, request)
    }

    async fn named(&mut self, format: Option<&str>) -> Received {
        let (page, request) = self.name_of(format).await;
        self.accept(&page, &request)
    }

    async fn unnamed(&mut self, format: Option<&str>) -> Vec<String> {
        let (page, request) = self.name_of(format).await;
        self.status(&page, &request)
    }

    fn set_policy(&mut self, policy: &str) {
        self.policy(policy);
        let snapshot = self.app.app().registry.snapshot();
        assert!(snapshot.findings().iter().all(|finding| finding.severity != Severity::Error));
    }
}

#[tokio::test]
async fn a_transient_name_is_of_one_session_at_one_sp() {
    let folder = Folder::new();
    let second = Sp::new("second");
    folder.register("second", &second, "");
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    let first = case.named(Some(TRANSIENT)).await;
    let again = case.named(None).await;
    assert_eq!(first.name_id(), again.name_id(), "transient where nobody says anything");
    assert_eq!(first.name_id().0, TRANSIENT);
    let element = first.assertion("Subject/NameID");
    assert_eq!(element.attribute("NameQualifier"), Some(case.folder.entity_id().as_str()));
    assert_eq!(element.attribute("SPNameQualifier"), Some(case.sp.entity_id.as_str()));
    let request = case.request(&second);
    let page = case.send(&request).await;
    let at_second = second.receive(&page);
    at_second.verify(&second, Some(&request.id), &case.folder.idp.certificate_pem());
    assert_ne!(at_second.name_id().1, first.name_id().1);
    case.browser = Browser::new();
    case.sign_in_first().await;
    let later = case.named(Some(TRANSIENT)).await;
    assert_ne!(later.name_id().1, first.name_id().1);
    assert_ne!(later.session_index(), first.session_index());
    assert!(!first.xml.contains(TANAKA.0), "nothing tells who it is: {}", first.xml);
}

#[tokio::test]
async fn a_persistent_name_is_of_one_person_at_one_sp_for_good() {
    let folder = Folder::new();
    let second = Sp::new("second");
    folder.register("second", &second, "");
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    let name = case.named(Some(PERSISTENT)).await.name_id().1.to_owned();
    assert_eq!(name.len(), 52, "256 bits in base32: {name}");
    let request = AuthnRequest { name_id_format: Some(PERSISTENT.to_owned()), ..case.request(&second) };
    let page = case.send(&request).await;
    assert_ne!(second.receive(&page).name_id().1, name, "pairwise");
    case.restart();
    case.browser = Browser::new();
    case.sign_in_first().await;
    let received = case.named(Some(PERSISTENT)).await;
    assert_eq!(received.name_id(), (PERSISTENT, name.as_str()));
    assert_eq!(
        received.assertion("Subject/NameID").attribute("SPNameQualifier"),
        Some("https://app.test/metadata")
    );
    let mut other = Browser::new();
    let request = AuthnRequest { name_id_format: Some(PERSISTENT.to_owned()), ..case.ask() };
    let page = other.open(&redirect(&case.sso(), &request.xml(), None)).await;
    let page = sign_in(&mut other, &page, SUZUKI).await;
    assert_ne!(case.accept(&page, &request).name_id().1, name);
}

#[tokio::test]
async fn request_policy_and_metadata_choose_the_format_in_this_order() {
    let mut sp = Sp::new("app");
    sp.name_id_formats = vec![UNSPECIFIED.to_owned(), EMAIL.to_owned(), PERSISTENT.to_owned()];
    let mut case = Case::of(Folder::new(), sp, "");
    case.sign_in_first().await;
    let mail = "tanaka@example.jp";
    assert_eq!(case.named(None).await.name_id(), (EMAIL, mail), "the first that says something");
    assert_eq!(case.named(Some(UNSPECIFIED)).await.name_id(), (EMAIL, mail), "unspecified asks for nothing");
    assert_eq!(case.named(Some(TRANSIENT)).await.name_id().0, TRANSIENT);
    for spelled in ["emailAddress", "unspecified"] {
        let spelled = format!("urn:oasis:names:tc:SAML:2.0:nameid-format:{spelled}");
        assert_eq!(case.named(Some(&spelled)).await.name_id(), (EMAIL, mail));
    }
    case.set_policy("name_id_format = \"persistent\"");
    assert_eq!(case.named(None).await.name_id().0, PERSISTENT);
    assert_eq!(case.named(Some(EMAIL)).await.name_id().0, EMAIL);
    case.set_policy("name_id_format = \"unspecified\"\nname_id_force = true");
    for format in [None, Some(EMAIL), Some(TRANSIENT), Some(UNSPECIFIED)] {
        assert_eq!(case.named(format).await.name_id(), (UNSPECIFIED, TANAKA.0));
    }
}

#[tokio::test]
async fn a_name_from_an_attribute_answers_every_format_but_transient() {
    let mut case = Case::signed_in("name_id_attribute = \"ou\"").await;
    assert_eq!(case.named(None).await.name_id(), (UNSPECIFIED, "Sales"), "the first value");
    for format in [PERSISTENT, EMAIL, UNSPECIFIED, KERBEROS] {
        assert_eq!(case.named(Some(format)).await.name_id(), (format, "Sales"));
    }
    let transient = case.named(Some(TRANSIENT)).await;
    assert_eq!(transient.name_id().0, TRANSIENT);
    assert_ne!(transient.name_id().1, "Sales");
    assert!(transient.attributes().is_empty(), "a name is no release");
    case.set_policy("name_id_attribute = \"displayName\"\nname_id_encoding = \"base64\"");
    let expected = STANDARD.encode("田中 太郎");
    assert_eq!(case.named(Some(PERSISTENT)).await.name_id(), (PERSISTENT, expected.as_str()));
    // After authproc, not before.
    case.set_policy(
        "name_id_attribute = \"code\"\n[[authproc]]\npriority = 50\nfilter = \"AttributeMap\"\nmap = { uid = \"code\" }",
    );
    assert_eq!(case.named(None).await.name_id(), (UNSPECIFIED, TANAKA.0));
}

#[tokio::test]
async fn a_name_that_cannot_be_given_is_said_and_never_replaced() {
    let mut case = Case::signed_in("name_id_attribute = \"employeeNumber\"").await;
    let refused = ["Requester", "InvalidNameIDPolicy"];
    assert_eq!(case.unnamed(None).await, refused);
    assert_eq!(case.unnamed(Some(PERSISTENT)).await, refused);
    let event = case.events("request_refused").pop().unwrap();
    assert!(event["reason"].as_str().unwrap().contains("employeeNumber"), "{event}");
    assert_eq!(event["sp.entity_id"], case.sp.entity_id.as_str());
    case.set_policy("");
    assert_eq!(case.unnamed(Some(KERBEROS)).await, refused);
    assert_eq!(case.unnamed(Some("urn:example:unheard-of")).await, refused);
    assert!(case.events("assertion_issued").is_empty());
}

#[tokio::test]
async fn a_qualifier_that_is_not_the_sps_own_is_refused() {
    let mut case = Case::signed_in("").await;
    for (qualifier, fine) in
        [("https://app.test/metadata", true), ("", true), ("https://other.test/metadata", false)]
    {
        let request = AuthnRequest {
            name_id_format: Some(PERSISTENT.to_owned()),
            sp_name_qualifier: Some(qualifier.to_owned()),
            allow_create: Some(true),
            ..case.ask()
        };
        let page = case.send(&request).await;
        if fine {
            assert_eq!(case.accept(&page, &request).name_id().0, PERSISTENT);
        } else {
            assert_eq!(case.status(&page, &request), ["Requester", "InvalidNameIDPolicy"]);
        }
    }
}
