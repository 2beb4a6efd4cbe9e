//! The same attacks on a Response, against the reader of the built-in service provider.

use sekisho::identity::Attributes;
use sekisho::saml::received::{Received, ReceivedError as R};
use sekisho::saml::response::Sign;
use sekisho::saml::signature::SignatureError as S;

use crate::saml::keys::sp;
use crate::saml::messages::{NAMESPACES, response};

const SHAPE: S = S::Shape("SignedInfo, SignatureValue and at most one KeyInfo");

/// A genuine Response with the assertion signed, in pieces.
struct Genuine {
    whole: String,
    assertion: String,
    signature: String,
    unsigned: String,
}

fn genuine() -> Genuine {
    let whole = response(sp(), Sign { assertion: true, response: false }, "tanaka", &Attributes::new());
    let assertion = cut(&whole, "<saml:Assertion ", "</saml:Assertion>");
    let signature = cut(&assertion, "<ds:Signature ", "</ds:Signature>");
    let unsigned = assertion.replace(&signature, "");
    Genuine { whole, assertion, signature, unsigned }
}

fn cut(whole: &str, from: &str, to: &str) -> String {
    let start = whole.find(from).unwrap();
    let end = whole.find(to).unwrap() + to.len();
    whole[start..end].to_owned()
}

impl Genuine {
    /// The attacker's assertion of this ID, with `inside` after its Issuer.
    fn forged(&self, id: &str, inside: &str) -> String {
        let forged =
            self.unsigned.replace("tanaka", "admin").replace("ID=\"_assertion\"", &format!("ID=\"{id}\""));
        forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inside}"), 1)
    }

    /// The verdict on the Response with `assertions` in place of the genuine one.
    fn refused(&self, assertions: &str) -> R {
        refused(&self.whole.replace(&self.assertion, assertions))
    }
}

fn refused(xml: &str) -> R {
    Received::read(xml.as_bytes(), &sp().registered()).expect_err(xml)
}

fn signature(error: R) -> S {
    match error {
        R::Signature(error) => error,
        other => panic!("{other:?}"),
    }
}

fn whole_response() -> (String, String, String) {
    let whole = response(sp(), Sign { assertion: false, response: true }, "tanaka", &Attributes::new());
    let signature = cut(&whole, "<ds:Signature ", "</ds:Signature>");
    let unsigned = whole.replace(&signature, "");
    (whole, signature, unsigned)
}

fn forged_response(id: &str, inside: &str) -> String {
    let (_, _, unsigned) = whole_response();
    let forged = unsigned.replace("tanaka", "admin").replace("ID=\"_response\"", &format!("ID=\"{id}\""));
    forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inside}"), 1)
}

#[test]
fn xsw1_the_response_inside_its_signature() {
    let (_, sign, unsigned) = whole_response();
    let holding = sign.replace("</ds:Signature>", &format!("{unsigned}</ds:Signature>"));
    assert_eq!(
        signature(refused(&forged_response("_forged", &holding))),
        S::AmbiguousId("_assertion".to_owned())
    );
    let renamed = forged_response("_forged", &holding).replacen("ID=\"_assertion\"", "ID=\"_other\"", 1);
    assert_eq!(signature(refused(&renamed)), SHAPE);
}

#[test]
fn xsw2_the_response_beside_its_signature() {
    let (_, sign, unsigned) = whole_response();
    let unsigned = unsigned.replace("_assertion", "_renamed");
    let forged = forged_response("_forged", &format!("{unsigned}{sign}"));
    assert_eq!(signature(refused(&forged)), S::Reference("#_response".to_owned()));
}

#[test]
fn xsw3_the_forged_assertion_before_the_genuine_one() {
    let genuine = genuine();
    for forged in [genuine.forged("_forged", ""), genuine.forged("_assertion", "")] {
        assert!(matches!(genuine.refused(&format!("{forged}{}", genuine.assertion)), R::Assertions));
        assert!(matches!(genuine.refused(&format!("{}{forged}", genuine.assertion)), R::Assertions));
    }
}

#[test]
fn xsw4_the_genuine_assertion_inside_the_forged_one() {
    let genuine = genuine();
    for id in ["_forged", "_assertion"] {
        let error = genuine.refused(&genuine.forged(id, &genuine.assertion));
        assert_eq!(signature(error), S::Misplaced);
    }
}

#[test]
fn xsw5_the_signature_in_the_forged_assertion() {
    let genuine = genuine();
    let forged = genuine.forged("_forged", &genuine.signature);
    assert!(matches!(genuine.refused(&format!("{forged}{}", genuine.unsigned)), R::Assertions));
    assert_eq!(signature(genuine.refused(&forged)), S::Reference("#_assertion".to_owned()));
    let same_id = genuine.forged("_assertion", &genuine.signature);
    assert!(matches!(signature(genuine.refused(&same_id)), S::Digest { .. }));
}

#[test]
fn xsw6_the_genuine_assertion_inside_the_signature() {
    let genuine = genuine();
    let end = "</ds:Signature>";
    let holding = genuine.signature.replace(end, &format!("{}{end}", genuine.unsigned));
    assert_eq!(signature(genuine.refused(&genuine.forged("_forged", &holding))), SHAPE);
    let same_id = signature(genuine.refused(&genuine.forged("_assertion", &holding)));
    assert_eq!(same_id, S::AmbiguousId("_assertion".to_owned()));
}

#[test]
fn xsw7_the_genuine_assertion_in_extensions() {
    let genuine = genuine();
    let extensions = format!("<samlp:Extensions {NAMESPACES}>{}</samlp:Extensions>", genuine.assertion);
    for id in ["_forged", "_assertion"] {
        let forged = genuine.forged(id, "");
        assert!(matches!(genuine.refused(&format!("{extensions}{forged}")), R::Unsigned));
    }
    assert!(matches!(genuine.refused(&extensions), R::Unsigned));
}

#[test]
fn xsw8_the_genuine_assertion_in_an_object() {
    let genuine = genuine();
    let end = "</ds:Signature>";
    let object = format!("<ds:Object>{}</ds:Object>{end}", genuine.unsigned);
    let holding = genuine.signature.replace(end, &object);
    assert_eq!(signature(genuine.refused(&genuine.forged("_forged", &holding))), SHAPE);
}

#[test]
fn an_unsigned_response_is_not_believed() {
    let (_, sign, unsigned) = whole_response();
    assert!(matches!(refused(&unsigned), R::Unsigned));
    let twice = unsigned.replacen("</saml:Issuer>", &format!("</saml:Issuer>{sign}{sign}"), 1);
    assert_eq!(signature(refused(&twice)), S::Misplaced);
    assert!(matches!(refused(&unsigned.replace("samlp:Response", "samlp:AuthnRequest")), R::Root));
}

/// Ruby-saml and others read the text before a comment (2018, VU#475445): "tanaka<!-- -->.evil" is one name.
#[test]
fn a_comment_does_not_cut_a_name() {
    let genuine = genuine();
    let commented = genuine.whole.replace(">tanaka<", ">tan<!-- x -->aka<");
    let received = Received::read(commented.as_bytes(), &sp().registered()).unwrap();
    assert_eq!(received.name_id.unwrap().value, "tanaka");
}
