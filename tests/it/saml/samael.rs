//! Why samael 0.0.22 is a judge in the tests and signs and verifies nothing at run time: each test asserts what it does
//! and what we do. When one fails because samael has changed, the decision may be looked at anew.

use samael::crypto::{CertificateDer, UrlVerifier};
use samael::idp::response_builder::ResponseAttribute;
use samael::idp::sp_extractor::RequiredAttribute;
use samael::idp::verified_request::UnverifiedAuthnRequest;
use samael::idp::{CertificateParams, IdentityProvider, KeyType, Rsa};
use samael::traits::ToXml;
use sekisho::identity::Attributes;
use sekisho::saml::binding::{BindingError, Kind, redirect};
use sekisho::saml::received::Received;
use sekisho::saml::response::Sign;
use sekisho::saml::signature::{AlgorithmSet, SignatureError, Signer, verify};
use sekisho::saml::xml::{Limits, parse};

use super::judges::{self, OF_ROOT};
use super::keys::{attacker, sp};
use super::messages::{Template, request, response, signed_request};

const INJECTION: &str = "x</saml2:AttributeValue></saml2:Attribute><saml2:Attribute Name=\"role\">\
     <saml2:AttributeValue>admin";

#[test]
fn samael_writes_values_unescaped_and_signs_what_they_add() {
    let idp = IdentityProvider::generate_new(KeyType::Rsa(Rsa::Rsa2048)).unwrap();
    let params = CertificateParams { common_name: "idp", issuer_name: "idp", days_until_expiration: 1 };
    let certificate = idp.create_certificate(&params).unwrap();
    let attribute = ResponseAttribute {
        required_attribute: RequiredAttribute { name: "cn".to_owned(), format: None },
        value: INJECTION,
    };
    let theirs = idp
        .sign_authn_response(&certificate, "x", "sp", "https://sp/acs", "idp", "_1", &[attribute])
        .unwrap();
    let statements = theirs.assertion.as_ref().unwrap().attribute_statements.as_ref().unwrap();
    let role = statements[0].attributes.iter().find(|a| a.name.as_deref() == Some("role")).unwrap();
    assert_eq!(role.values[0].value.as_deref(), Some("admin"));
    assert!(theirs.to_string().unwrap().contains("Name=\"role\""));

    let ours = INJECTION.replace("saml2:", "saml:");
    let mut attributes = Attributes::new();
    attributes.insert("cn", vec![ours.as_str().into()]);
    let xml = response(sp(), Sign { assertion: true, response: true }, "x", &attributes);
    judges::xmlsec1(&xml, sp(), OF_ROOT).unwrap();
    let received = Received::read(xml.as_bytes(), &sp().registered()).unwrap();
    assert_eq!(received.attributes, [("cn".to_owned(), vec![ours])]);
}

/// The genuine request, whole and signed, inside a forged one.
fn wrapped() -> String {
    request("_forged", "https://evil.example/acs", &signed_request(sp())).replacen(
        "https://sp.example<",
        "https://evil.example<",
        1,
    )
}

#[test]
fn samael_verifies_one_request_and_returns_another() {
    let wrapped = wrapped();
    let theirs = UnverifiedAuthnRequest::from_xml(&wrapped).unwrap();
    let theirs = theirs.try_verify_with_cert(&CertificateDer::from(sp().der())).unwrap();
    assert_eq!(theirs.issuer_value().as_deref(), Some("https://evil.example"));
    assert_eq!(theirs.assertion_consumer_service_url.as_deref(), Some("https://evil.example/acs"));

    let root = parse(wrapped.as_bytes(), &Limits::MESSAGE).unwrap();
    let ours = verify::enveloped(&root, &sp().registered(), AlgorithmSet::SHA2);
    assert_eq!(ours, Err(SignatureError::Misplaced));
}

#[test]
fn samael_trusts_the_key_in_the_message() {
    let mut template = Template::of(attacker(), "_genuine");
    template.after = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        attacker().certificate()
    );
    let unsigned = request("_genuine", "https://evil.example/acs", &template.xml());
    let forged = judges::sign(&unsigned, attacker());
    let theirs = UnverifiedAuthnRequest::from_xml(&forged).unwrap().try_verify_self_signed().unwrap();
    assert_eq!(theirs.assertion_consumer_service_url.as_deref(), Some("https://evil.example/acs"));

    let root = parse(forged.as_bytes(), &Limits::MESSAGE).unwrap();
    let ours = verify::enveloped(&root, &sp().registered(), AlgorithmSet::SHA2);
    assert_eq!(
        ours,
        Err(SignatureError::NoKey { tried: vec![sp().registered()[0].short_fingerprint().to_owned()] })
    );
}

#[test]
fn samael_panics_without_sig_alg() {
    let query =
        redirect::query(Kind::Request, request("_1", "https://sp.example/acs", "").as_bytes(), None).unwrap();
    let query = format!("{query}&Signature=AAAA");
    let verifier = UrlVerifier::from_x509(&CertificateDer::from(sp().der())).unwrap();
    let url = format!("/saml/sso?{query}");
    let theirs = std::panic::catch_unwind(|| {
        verifier.verify_percent_encoded_request_uri_string(&url).map_err(|error| error.to_string())
    });
    assert!(theirs.is_err());

    assert_eq!(redirect::Received::request(&query).unwrap_err(), BindingError::HalfSigned);
}

/// What signed the octets may have written hexadecimal in lower case, as .NET does.
#[test]
fn samael_encodes_the_query_anew_before_it_verifies() {
    let message =
        redirect::query(Kind::Request, request("_1", "https://sp.example/acs", "").as_bytes(), None).unwrap();
    let octets = format!("{message}&SigAlg=http%3a%2f%2fwww.w3.org%2f2001%2f04%2fxmldsig-more%23rsa-sha256");
    let signature = openssl::base64::encode_block(&sp().sign(octets.as_bytes()).unwrap()).replace('\n', "");
    let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let query = format!("{octets}&Signature={signature}");
    let verifier = UrlVerifier::from_x509(&CertificateDer::from(sp().der())).unwrap();
    let theirs = verifier.verify_percent_encoded_request_uri_string(&format!("/saml/sso?{query}"));
    assert!(!theirs.unwrap());

    let ours = redirect::Received::request(&query).unwrap();
    assert!(ours.verify(&sp().registered(), AlgorithmSet::SHA2).is_ok());
}
