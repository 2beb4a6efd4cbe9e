//! What an SP asks for by its metadata and picks by its request: services and their attributes, entity attributes, and
//! contexts in the order of the configuration.

use toml::Value;

use super::Case;
use crate::support::folder::Folder;
use crate::support::request::AuthnRequest;
use crate::support::sp::{Received, Sp};

const CATEGORY: &str = "http://macedir.org/entity-category";
const RESEARCH: &str = "http://refeds.org/category/research-and-scholarship";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
const MFA: &str = "https://refeds.org/profile/mfa";

/// An AttributeConsumingService with these RequestedAttributes.
fn service(index: u8, attributes: &str) -> String {
    format!(
        "<md:AttributeConsumingService index=\"{index}\"><md:ServiceName xml:lang=\"en\">s</md:ServiceName>\
         {attributes}</md:AttributeConsumingService>"
    )
}

/// An entity attribute.
pub(super) fn entity_attribute(name: &str, value: &str) -> String {
    format!(
        "<mdattr:EntityAttributes xmlns:mdattr=\"urn:oasis:names:tc:SAML:metadata:attribute\">\
         <saml:Attribute xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Name=\"{name}\">\
         <saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes>"
    )
}

impl Case {
    /// Registers the SP anew with these elements in its Extensions and its SPSSODescriptor.
    pub(super) fn describe(&mut self, extensions: &str, role: &str) {
        let metadata = self
            .sp
            .metadata()
            .replace("</md:Extensions>", &format!("{extensions}</md:Extensions>"))
            .replace("</md:SPSSODescriptor>", &format!("{role}</md:SPSSODescriptor>"));
        self.folder.write("metadata/app.xml", &metadata);
        self.reload();
    }

    async fn at_service(&mut self, index: Option<&str>) -> Received {
        let request = self.for_service(index);
        let page = self.send(&request).await;
        self.accept(&page, &request)
    }

    fn for_service(&self, index: Option<&str>) -> AuthnRequest {
        let attribute_service = index.map(str::to_owned);
        AuthnRequest { attribute_service, ..self.ask() }
    }
}

/// A folder whose configuration has this `[[saml.release]]`.
fn with_release(rule: &str) -> Folder {
    let mut folder = Folder::new();
    folder.set("saml.release", vec![Value::Table(rule.parse().unwrap())]);
    folder
}

#[tokio::test]
async fn the_index_of_a_request_chooses_what_is_released() {
    let mut case = Case::signed_in("").await;
    let services = [
        service(1, "<md:RequestedAttribute Name=\"uid\"/>"),
        service(
            2,
            "<md:RequestedAttribute Name=\"urn:oid:0.9.2342.19200300.100.1.3\" FriendlyName=\"mail\"/>",
        ),
    ];
    case.describe("", &services.concat());
    assert_eq!(case.at_service(None).await.attribute_names(), ["uid"], "the first is the default");
    assert_eq!(case.at_service(Some("2")).await.attribute_names(), ["mail"]);
    assert_eq!(case.at_service(Some("1")).await.attribute_names(), ["uid"]);
    let request = case.for_service(Some("3"));
    let page = case.send(&request).await;
    assert_eq!(case.status(&page, &request), ["Requester", "RequestUnsupported"]);
    let refused = case.events("request_refused").pop().unwrap();
    assert!(refused["reason"].as_str().unwrap().contains("AttributeConsumingServiceIndex 3"), "{refused}");
    // An index that decides nothing is no reason to refuse anybody.
    case.policy("attributes = [\"ou\"]");
    assert_eq!(case.at_service(Some("3")).await.attribute_names(), ["ou"]);
}

#[tokio::test]
async fn the_index_survives_the_sign_in_page() {
    let mut case = Case::new("");
    let services = [
        service(0, "<md:RequestedAttribute Name=\"uid\"/>"),
        service(1, "<md:RequestedAttribute Name=\"mail\"/>"),
    ];
    case.describe("", &services.concat());
    let request = case.for_service(Some("9"));
    let page = case.send(&request).await;
    assert_eq!(case.status(&page, &request), ["Requester", "RequestUnsupported"], "before anybody signs in");
    let request = case.for_service(Some("1"));
    let login = case.send(&request).await;
    let page = case.enter(&login).await;
    assert_eq!(case.accept(&page, &request).attribute_names(), ["mail"]);
}

#[tokio::test]
async fn only_the_values_that_a_service_names_leave_and_what_it_requires_is_missed() {
    let mut case = Case::signed_in("").await;
    let value = "<saml:AttributeValue xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">Osaka</saml:AttributeValue>";
    let asks = format!(
        "<md:RequestedAttribute Name=\"ou\">{value}</md:RequestedAttribute>\
         <md:RequestedAttribute Name=\"mail\" isRequired=\"true\"/>\
         <md:RequestedAttribute Name=\"urn:oid:2.16.840.1.113730.3.1.3\" FriendlyName=\"employeeNumber\" isRequired=\"true\"/>"
    );
    case.describe("", &service(0, &asks));
    let received = case.at_service(None).await;
    assert_eq!(received.attributes()["ou"], ["Osaka"]);
    assert_eq!(received.attribute_names(), ["mail", "ou"]);
    let issued = case.events("assertion_issued").pop().unwrap();
    assert_eq!(issued["attributes.missing"], serde_json::json!(["employeeNumber"]), "{issued}");
    case.policy("attributes = [\"ou\"]");
    assert_eq!(
        case.at_service(None).await.attributes()["ou"],
        ["Sales", "Osaka"],
        "the admin's list is about names"
    );
    let issued = case.events("assertion_issued").pop().unwrap();
    assert!(issued.get("attributes.missing").is_none(), "withheld is not missing: {issued}");
}

#[tokio::test]
async fn entity_categories_have_lists_of_their_own() {
    let folder =
        with_release(&format!("entity_category = \"{RESEARCH}\"\nattributes = [\"mail\", \"displayName\"]"));
    let mut case = Case::of(folder, Sp::new("app"), "");
    case.sign_in_first().await;
    assert!(case.at_service(None).await.attribute_names().is_empty());
    let asks = service(0, "<md:RequestedAttribute Name=\"uid\"/>");
    case.describe(&entity_attribute(CATEGORY, RESEARCH), &asks);
    assert_eq!(case.at_service(None).await.attribute_names(), ["displayName", "mail"]);
    case.describe(&entity_attribute("urn:other", RESEARCH), &asks);
    assert_eq!(case.at_service(None).await.attribute_names(), ["uid"]);
    case.describe(&entity_attribute(CATEGORY, RESEARCH), &asks);
    case.policy("attributes = [\"ou\"]");
    assert_eq!(case.at_service(None).await.attribute_names(), ["ou"], "the SP's own list goes first");
}

#[tokio::test]
async fn a_release_by_any_entity_attribute_may_be_bound_to_what_is_requested() {
    let rule = "entity_attribute = \"urn:example:tier\"\nvalue = \"gold\"\nattributes = [\"mail\", \"ou\"]\nonly_requested = true";
    let mut case = Case::of(with_release(rule), Sp::new("app"), "");
    case.sign_in_first().await;
    case.describe(&entity_attribute("urn:example:tier", "gold"), "");
    assert!(case.at_service(None).await.attribute_names().is_empty(), "it asks for nothing");
    let asks = "<md:RequestedAttribute Name=\"uid\"/><md:RequestedAttribute Name=\"mail\"/>";
    case.describe(&entity_attribute("urn:example:tier", "gold"), &service(0, asks));
    assert_eq!(case.at_service(None).await.attribute_names(), ["mail"]);
}

#[tokio::test]
async fn contexts_are_compared_in_the_order_of_the_configuration() {
    let order = |order: &[&str]| {
        let mut folder = Folder::new();
        folder.set("saml.authn_context_order", order.to_vec());
        folder
    };
    let ask = |case: &Case, comparison: &str, class: &str| AuthnRequest {
        comparison: Some(comparison.to_owned()),
        contexts: vec![class.to_owned()],
        ..case.ask()
    };
    let mut case = Case::of(order(&["urn:example:card", PASSWORD]), Sp::new("app"), "");
    case.sign_in_first().await;
    for (comparison, class, met) in [
        ("minimum", "urn:example:card", true),
        ("better", "urn:example:card", true),
        ("maximum", "urn:example:card", false),
        ("minimum", MFA, false),
        ("maximum", MFA, false),
    ] {
        let request = ask(&case, comparison, class);
        let page = case.send(&request).await;
        if met {
            case.accept(&page, &request);
        } else {
            assert_eq!(case.status(&page, &request), ["Responder", "NoAuthnContext"], "{comparison} {class}");
        }
    }
    // Where nothing is configured, a second factor is stronger than any password.
    let mut case = Case::signed_in("").await;
    let request = ask(&case, "maximum", MFA);
    let page = case.send(&request).await;
    case.accept(&page, &request);
    let request = ask(&case, "minimum", MFA);
    let page = case.send(&request).await;
    assert_eq!(case.status(&page, &request), ["Responder", "NoAuthnContext"]);
}

#[tokio::test]
async fn a_declaration_is_no_class() {
    let mut case = Case::signed_in("").await;
    let declared = |class: &str, comparison: &str| {
        format!(
            "<samlp:RequestedAuthnContext Comparison=\"{comparison}\">{class}<saml:AuthnContextDeclRef>{PASSWORD}\
             </saml:AuthnContextDeclRef></samlp:RequestedAuthnContext>"
        )
    };
    let class = format!("<saml:AuthnContextClassRef>{PASSWORD}</saml:AuthnContextClassRef>");
    for (class, comparison, met) in [
        ("", "exact", false),
        ("", "maximum", false),
        (class.as_str(), "exact", true),
        (class.as_str(), "better", false),
    ] {
        let request = AuthnRequest { extra: declared(class, comparison), ..case.ask() };
        let page = case.send(&request).await;
        if met {
            case.accept(&page, &request);
        } else {
            assert_eq!(case.status(&page, &request), ["Responder", "NoAuthnContext"], "{comparison} {class}");
        }
    }
}
