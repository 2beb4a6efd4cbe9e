//! A service provider of our own making for the tests: it writes requests, has metadata and keys, takes the Response
//! out of the page that would carry it, and has independent implementations judge it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use openssl::hash::MessageDigest;
use openssl::pkey::Id;
use openssl::sign::Signer;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::html::Page;
use super::judges;
use super::pki::Pair;
use super::request::{AuthnRequest, escape};
use super::xml::Element;

pub const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
pub const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
pub const ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
pub const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";
pub const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
/// The part of a status code that is the same in all.
pub const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

/// A SingleLogoutService.
#[derive(Debug, Clone)]
pub struct Slo {
    pub binding: String,
    pub location: String,
    pub response_location: Option<String>,
}

impl Slo {
    pub fn new(binding: &str, location: &str) -> Self {
        Self { binding: binding.to_owned(), location: location.to_owned(), response_location: None }
    }
}

/// A service provider with one or more assertion consumer services.
#[derive(Debug, Clone)]
pub struct Sp {
    pub entity_id: String,
    /// HTTP-POST endpoints; the index of each is its place, and the first is the default.
    pub acs: Vec<String>,
    pub slo: Vec<Slo>,
    /// HTTP-Artifact endpoints, their indexes after those of `acs`.
    pub artifact_acs: Vec<String>,
    /// PAOS endpoints, their indexes after those.
    pub paos_acs: Vec<String>,
    pub pair: Pair,
    /// md:KeyDescriptor for the certificate.
    pub publishes_key: bool,
    /// URIs of md:EncryptionMethod with the key.
    pub encryption_methods: Vec<String>,
    pub authn_requests_signed: bool,
    pub want_assertions_signed: bool,
    pub name_id_formats: Vec<String>,
    /// Names of md:RequestedAttribute.
    pub requested_attributes: Vec<String>,
    /// mdui:DisplayName by language.
    pub display_names: Vec<(String, String)>,
}

impl Sp {
    /// `https://NAME.test`, with a key.
    pub fn new(name: &str) -> Self {
        Self {
            entity_id: format!("https://{name}.test/metadata"),
            acs: vec![format!("https://{name}.test/acs")],
            slo: Vec::new(),
            artifact_acs: Vec::new(),
            paos_acs: Vec::new(),
            pair: Pair::of_sp().clone(),
            publishes_key: true,
            encryption_methods: Vec::new(),
            authn_requests_signed: false,
            want_assertions_signed: false,
            name_id_formats: Vec::new(),
            requested_attributes: Vec::new(),
            display_names: vec![("en".to_owned(), format!("The {name} application"))],
        }
    }

    /// The SP's metadata.
    pub fn metadata(&self) -> String {
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{}\">\n\
             <md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             AuthnRequestsSigned=\"{}\" WantAssertionsSigned=\"{}\">\n",
            escape(&self.entity_id),
            self.authn_requests_signed,
            self.want_assertions_signed
        );
        self.write_extensions(&mut xml);
        if self.publishes_key {
            write!(
                xml,
                "<md:KeyDescriptor><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
                 <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
                self.pair.certificate_base64()
            )
            .unwrap();
            for uri in &self.encryption_methods {
                write!(xml, "<md:EncryptionMethod Algorithm=\"{uri}\"/>").unwrap();
            }
            writeln!(xml, "</md:KeyDescriptor>").unwrap();
        }
        for slo in &self.slo {
            let response = slo.response_location.as_ref();
            let response =
                response.map(|url| format!(" ResponseLocation=\"{}\"", escape(url))).unwrap_or_default();
            let (binding, location) = (&slo.binding, escape(&slo.location));
            writeln!(
                xml,
                "<md:SingleLogoutService Binding=\"{binding}\" Location=\"{location}\"{response}/>"
            )
            .unwrap();
        }
        for format in &self.name_id_formats {
            writeln!(xml, "<md:NameIDFormat>{format}</md:NameIDFormat>").unwrap();
        }
        let by = |binding: &'static str, acs: &[String]| {
            acs.iter().map(|acs| (binding, escape(acs))).collect::<Vec<_>>()
        };
        let consumers = [by(POST, &self.acs), by(ARTIFACT, &self.artifact_acs), by(PAOS, &self.paos_acs)];
        for (index, (binding, location)) in consumers.concat().into_iter().enumerate() {
            writeln!(
                xml,
                "<md:AssertionConsumerService Binding=\"{binding}\" Location=\"{location}\" index=\"{index}\"/>"
            )
            .unwrap();
        }
        self.write_requested_attributes(&mut xml);
        xml.push_str("</md:SPSSODescriptor>\n</md:EntityDescriptor>\n");
        xml
    }

    fn write_extensions(&self, xml: &mut String) {
        xml.push_str("<md:Extensions><mdui:UIInfo xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\">");
        for (language, name) in &self.display_names {
            let name = escape(name);
            write!(xml, "<mdui:DisplayName xml:lang=\"{language}\">{name}</mdui:DisplayName>").unwrap();
        }
        xml.push_str("</mdui:UIInfo></md:Extensions>\n");
    }

    fn write_requested_attributes(&self, xml: &mut String) {
        if self.requested_attributes.is_empty() {
            return;
        }
        xml.push_str(
            "<md:AttributeConsumingService index=\"0\"><md:ServiceName xml:lang=\"en\">x</md:ServiceName>",
        );
        for name in &self.requested_attributes {
            write!(xml, "<md:RequestedAttribute Name=\"{}\"/>", escape(name)).unwrap();
        }
        xml.push_str("</md:AttributeConsumingService>\n");
    }

    /// A request by this SP, to be changed by the test before it is sent.
    pub fn request(&self) -> AuthnRequest {
        AuthnRequest::new(&self.entity_id)
    }

    /// [`redirect`] with a detached signature over the query.
    pub fn signed_redirect(&self, sso: &str, xml: &str, relay_state: Option<&str>) -> String {
        self.signed_query(sso, &query("SAMLRequest", xml, relay_state))
    }

    /// The same for a message in this parameter.
    pub fn signed_message(&self, address: &str, parameter: &str, xml: &str) -> String {
        self.signed_query(address, &query(parameter, xml, None))
    }

    fn signed_query(&self, address: &str, query: &str) -> String {
        let is_ec = self.pair.key.id() == Id::EC;
        let algorithm = if is_ec { ECDSA_SHA256 } else { RSA_SHA256 };
        let query = format!("{query}&SigAlg={}", percent(algorithm));
        let mut signer = Signer::new(MessageDigest::sha256(), &self.pair.key).unwrap();
        let mut signature = signer.sign_oneshot_to_vec(query.as_bytes()).unwrap();
        if is_ec {
            signature = raw_ecdsa(&signature);
        }
        format!("{address}?{query}&Signature={}", percent(&STANDARD.encode(signature)))
    }

    /// The document with an enveloped signature.
    pub fn signed(&self, xml: &str) -> String {
        sign(xml, &self.pair)
    }

    /// What the page would post to an assertion consumer service of this SP.
    pub fn receive(&self, page: &Page) -> Received {
        let form = page.form_with("SAMLResponse");
        assert_eq!(form.method, "post", "a Response goes by POST");
        let acs = form.action.to_string();
        assert!(self.acs.contains(&acs), "{acs} is no endpoint of {}", self.entity_id);
        let xml = STANDARD.decode(form.value("SAMLResponse").unwrap()).expect("base64");
        Received::new(&String::from_utf8(xml).expect("UTF-8"), acs, form.value("RelayState"))
    }
}

/// A Response that an SP got, not yet verified.
#[derive(Debug, Clone)]
pub struct Received {
    pub xml: String,
    pub acs: String,
    pub relay_state: Option<String>,
    pub response: Element,
}

impl Received {
    pub fn new(xml: &str, acs: String, relay_state: Option<&str>) -> Self {
        let relay_state = relay_state.map(str::to_owned);
        Self { xml: xml.to_owned(), acs, relay_state, response: Element::parse(xml) }
    }

    /// Has all judges verify every signature, and checks what ties the Response to the request and the SP.
    pub fn verify(&self, sp: &Sp, in_response_to: Option<&str>, certificate_pem: &str) -> &Self {
        judges::accept(&self.xml, certificate_pem);
        assert_eq!(self.status(), ["Success"]);
        assert_eq!(self.response.attribute("InResponseTo"), in_response_to);
        assert_eq!(self.response.attribute("Destination"), Some(self.acs.as_str()));
        assert_eq!(self.response.all("Assertion").count(), 1);
        let confirmation = self.assertion("Subject/SubjectConfirmation/SubjectConfirmationData");
        assert_eq!(confirmation.attribute("InResponseTo"), in_response_to);
        assert_eq!(confirmation.attribute("Recipient"), Some(self.acs.as_str()));
        assert!(confirmation.attribute("NotOnOrAfter").is_some());
        assert_eq!(self.assertion("Conditions/AudienceRestriction/Audience").text, sp.entity_id);
        self
    }

    /// See [`status`].
    pub fn status(&self) -> Vec<&str> {
        status(&self.response)
    }

    /// An element below the only assertion.
    pub fn assertion(&self, path: &str) -> &Element {
        let found = self.response.child("Assertion").and_then(|assertion| assertion.at(path));
        found.unwrap_or_else(|| panic!("no Assertion/{path} in {}", self.xml))
    }

    /// The NameID with its Format.
    pub fn name_id(&self) -> (&str, &str) {
        let name_id = self.assertion("Subject/NameID");
        (name_id.attribute("Format").unwrap_or_default(), &name_id.text)
    }

    /// The SessionIndex of the AuthnStatement.
    pub fn session_index(&self) -> &str {
        self.assertion("AuthnStatement").attribute("SessionIndex").expect("a SessionIndex")
    }

    pub fn attribute_names(&self) -> Vec<String> {
        self.attributes().into_keys().collect()
    }

    /// Attribute values by attribute name.
    pub fn attributes(&self) -> BTreeMap<String, Vec<String>> {
        let statement = self.response.at("Assertion/AttributeStatement");
        let attributes = statement.into_iter().flat_map(|statement| statement.all("Attribute"));
        attributes
            .map(|attribute| {
                let values = attribute.all("AttributeValue").map(|value| value.text.clone()).collect();
                (attribute.attribute("Name").unwrap_or_default().to_owned(), values)
            })
            .collect()
    }
}

/// The status codes of a message, the outer one first, each without [`STATUS`].
pub fn status(message: &Element) -> Vec<&str> {
    let mut codes = Vec::new();
    let mut at = message.at("Status/StatusCode");
    while let Some(code) = at {
        let value = code.attribute("Value").and_then(|value| value.strip_prefix(STATUS));
        codes.push(value.unwrap_or_else(|| panic!("no status of SAML: {code:?}")));
        at = code.child("StatusCode");
    }
    codes
}

/// The address that carries a message by HTTP-Redirect (saml-bindings 3.4.4.1), unsigned.
pub fn redirect(sso: &str, xml: &str, relay_state: Option<&str>) -> String {
    format!("{sso}?{}", query("SAMLRequest", xml, relay_state))
}

/// The same for a message in this parameter.
pub fn unsigned_message(address: &str, parameter: &str, xml: &str) -> String {
    format!("{address}?{}", query(parameter, xml, None))
}

/// The form fields that carry a message by HTTP-POST (saml-bindings 3.5.4).
pub fn post(xml: &str, relay_state: Option<&str>) -> Vec<(String, String)> {
    let mut fields = vec![("SAMLRequest".to_owned(), STANDARD.encode(xml))];
    fields.extend(relay_state.map(|state| ("RelayState".to_owned(), state.to_owned())));
    fields
}

/// Puts an enveloped signature over the root, made by xmlsec1, behind the first saml:Issuer.
pub fn sign(xml: &str, pair: &Pair) -> String {
    let id = Element::parse(xml).attribute("ID").unwrap_or_default().to_owned();
    let algorithm = if pair.key.id() == Id::EC { ECDSA_SHA256 } else { RSA_SHA256 };
    let template = signature_template(&id, algorithm);
    let (head, tail) = xml.split_once("</saml:Issuer>").expect("a saml:Issuer");
    let folder = tempfile::tempdir().unwrap();
    let (document, key) = (folder.path().join("unsigned.xml"), folder.path().join("key.pem"));
    fs::write(&document, format!("{head}</saml:Issuer>{template}{tail}")).unwrap();
    fs::write(&key, pair.key_pem()).unwrap();
    let output = Command::new("xmlsec1")
        .args(["--sign", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:LogoutRequest"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:LogoutResponse"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResolve"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "--privkey-pem"])
        .args([&key, &document])
        .output()
        .expect("xmlsec1 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A message and RelayState as a query, without a signature.
fn query(parameter: &str, xml: &str, relay_state: Option<&str>) -> String {
    let mut query = format!("{parameter}={}", percent(&STANDARD.encode(deflate(xml))));
    if let Some(state) = relay_state {
        write!(query, "&RelayState={}", percent(state)).unwrap();
    }
    query
}

/// Raw DEFLATE (RFC 1951).
pub fn deflate(xml: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// An ECDSA signature on P-256 as XML Signature wants it: r and s, 32 bytes each.
fn raw_ecdsa(der: &[u8]) -> Vec<u8> {
    let signature = openssl::ecdsa::EcdsaSig::from_der(der).unwrap();
    let mut raw = signature.r().to_vec_padded(32).unwrap();
    raw.extend(signature.s().to_vec_padded(32).unwrap());
    raw
}

fn signature_template(id: &str, algorithm: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <ds:SignatureMethod Algorithm=\"{algorithm}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/>\
         </ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    )
}
