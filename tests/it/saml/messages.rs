//! Messages to be judged: a Response as the IdP writes it, and AuthnRequests as templates for other signers.

use sekisho::clock::{SeededIds, Timestamp};
use sekisho::identity::{Attributes, NameId};
use sekisho::saml::assertion::Assertion;
use sekisho::saml::encryption::EncryptionKey;
use sekisho::saml::response::{Response, Sign};
use sekisho::saml::signature::{SignError, Signer};
use sekisho::saml::status::Status;

use super::judges;
use super::keys::TestKey;

/// Namespace declarations that most templates here need.
pub const NAMESPACES: &str = "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
    xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A Response with one assertion about `name_id` and `attributes`, signed by `signer`.
pub fn response(signer: &dyn Signer, what: Sign, name_id: &str, attributes: &Attributes) -> String {
    String::from_utf8(try_response(signer, what, name_id, attributes).unwrap()).unwrap()
}

/// The same, where it may fail.
pub fn try_response(
    signer: &dyn Signer,
    what: Sign,
    name_id: &str,
    attributes: &Attributes,
) -> Result<Vec<u8>, SignError> {
    with_response(name_id, attributes, |response| response.signed(signer, what))
}

/// The same with its assertion encrypted.
pub fn encrypted_response(
    signer: &dyn Signer,
    what: Sign,
    attributes: &Attributes,
    key: &EncryptionKey,
) -> String {
    let ids = SeededIds::new(5);
    let xml = with_response("tanaka", attributes, |response| response.encrypted(signer, what, key, &ids));
    String::from_utf8(xml.unwrap()).unwrap()
}

fn with_response<T>(name_id: &str, attributes: &Attributes, write: impl FnOnce(&Response<'_>) -> T) -> T {
    let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let name_id = NameId {
        value: name_id.to_owned(),
        format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned(),
        name_qualifier: Some("https://idp.example/<&\">".to_owned()),
        sp_name_qualifier: Some("https://sp.example".to_owned()),
    };
    let assertion = Assertion {
        id: "_assertion",
        issuer: "https://idp.example/?a=1&b=2",
        issue_instant: now,
        name_id: Some(&name_id),
        encrypted_id: None,
        in_response_to: Some("_request"),
        recipient: "https://sp.example/acs?x=1&y=\"2\"",
        not_before: now,
        not_on_or_after: now,
        audience: &["https://sp.example".to_owned(), "urn:<sp>".to_owned()],
        authn_instant: now,
        session_index: "_session",
        session_not_on_or_after: Some(now),
        authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        attributes,
        name_format: None,
    };
    let response = Response {
        id: "_response",
        issuer: "https://idp.example/?a=1&b=2",
        issue_instant: now,
        destination: "https://sp.example/acs?x=1&y=\"2\"",
        in_response_to: Some("_request"),
        status: &Status::success(),
        assertion: Some(&assertion),
    };
    write(&response)
}

/// An empty `ds:Signature` for another implementation to fill.
#[derive(Debug, Clone)]
pub struct Template {
    /// The signature algorithm.
    pub algorithm: String,
    /// The digest algorithm.
    pub digest: String,
    /// The Reference's URI.
    pub uri: String,
    /// What stands inside Transforms.
    pub transforms: String,
    /// The CanonicalizationMethod element.
    pub canonicalization: String,
    /// What follows SignatureValue.
    pub after: String,
}

impl Template {
    /// The shape that SAML allows, for the root element `id`.
    pub fn of(key: &TestKey, id: &str) -> Self {
        Self {
            algorithm: key.algorithm().uri().to_owned(),
            digest: key.algorithm().digest().uri().to_owned(),
            uri: format!(" URI=\"#{id}\""),
            transforms: format!(
                "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
                 <ds:Transform Algorithm=\"{EXC_C14N}\"/>"
            ),
            canonicalization: format!("<ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"/>"),
            after: String::new(),
        }
    }

    pub fn xml(&self) -> String {
        format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>{}\
             <ds:SignatureMethod Algorithm=\"{}\"/><ds:Reference{}><ds:Transforms>{}</ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>\
             <ds:SignatureValue></ds:SignatureValue>{}</ds:Signature>",
            self.canonicalization, self.algorithm, self.uri, self.transforms, self.digest, self.after
        )
    }
}

/// An AuthnRequest of `https://sp.example` with `inside` after its Issuer.
pub fn request(id: &str, acs: &str, inside: &str) -> String {
    format!(
        "<samlp:AuthnRequest {NAMESPACES} ID=\"{id}\" Version=\"2.0\" IssueInstant=\"2026-01-02T03:04:05Z\" \
         AssertionConsumerServiceURL=\"{acs}\"><saml:Issuer>https://sp.example</saml:Issuer>{inside}\
         <samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>"
    )
}

/// A genuine request, signed by an implementation that is not ours.
pub fn signed_request(key: &TestKey) -> String {
    judges::sign(&request("_genuine", "https://sp.example/acs", &Template::of(key, "_genuine").xml()), key)
}
