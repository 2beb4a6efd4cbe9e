//! XML signature wrapping: the eight forms of Somorovsky and others (2012), adapted to an AuthnRequest, and their kin.

use sekisho::saml::signature::SignatureError as S;

use super::forge::{EVIL, Genuine, extensions, forged, object};
use super::{Refused, accept};
use crate::saml::keys::{attacker, sp};
use crate::saml::messages::signed_request;

const SHAPE: S = S::Shape("SignedInfo, SignatureValue and at most one KeyInfo");

fn ambiguous() -> S {
    S::AmbiguousId("_genuine".to_owned())
}

fn refused(xml: &str) -> S {
    match accept(xml.as_bytes(), &sp().registered(), false) {
        Err(Refused::Signature(error)) => error,
        other => panic!("{other:?}\n{xml}"),
    }
}

#[test]
fn the_genuine_request_is_accepted() {
    let request = accept(Genuine::new().whole.as_bytes(), &sp().registered(), false).unwrap();
    assert_eq!(
        (request.id.as_str(), request.acs_url.as_deref()),
        ("_genuine", Some("https://sp.example/acs"))
    );
}

#[test]
fn xsw1_the_genuine_request_inside_the_signature_of_the_forged_one() {
    let genuine = Genuine::new();
    assert_eq!(refused(&forged("_forged", &genuine.signature_holding(&genuine.unsigned))), SHAPE);
}

#[test]
fn xsw2_the_genuine_request_beside_its_signature_in_the_forged_one() {
    let genuine = Genuine::new();
    let reference = S::Reference("#_genuine".to_owned());
    for inside in [
        format!("{}{}", genuine.unsigned, genuine.signature),
        format!("{}{}", genuine.signature, genuine.unsigned),
    ] {
        assert_eq!(refused(&forged("_forged", &inside)), reference);
    }
}

#[test]
fn xsw3_the_whole_genuine_request_as_a_child_of_the_forged_one() {
    assert_eq!(refused(&forged("_forged", &Genuine::new().whole)), S::Misplaced);
    assert_eq!(refused(&forged("_genuine", &Genuine::new().whole)), S::Misplaced);
}

#[test]
fn xsw4_the_forged_request_inside_the_genuine_one() {
    let genuine = Genuine::new();
    let end = "</samlp:AuthnRequest>";
    let holding = genuine.whole.replace(end, &format!("{}{end}", forged("_forged", "")));
    assert!(matches!(refused(&holding), S::Digest { .. }));
}

#[test]
fn xsw5_both_with_one_id() {
    let genuine = Genuine::new();
    let inside = format!("{}{}", genuine.signature, genuine.unsigned);
    assert_eq!(refused(&forged("_genuine", &inside)), ambiguous());
}

#[test]
fn xsw6_both_with_one_id_the_genuine_one_inside_the_signature() {
    let genuine = Genuine::new();
    let inside = genuine.signature_holding(&genuine.unsigned);
    assert_eq!(refused(&forged("_genuine", &inside)), ambiguous());
}

#[test]
fn xsw7_the_genuine_request_in_extensions() {
    let genuine = Genuine::new();
    let inside = format!("{}{}", genuine.signature, extensions(&genuine.unsigned));
    assert_eq!(refused(&forged("_genuine", &inside)), ambiguous());
    assert_eq!(refused(&forged("_forged", &inside)), S::Reference("#_genuine".to_owned()));
    assert_eq!(refused(&forged("_forged", &extensions(&genuine.whole))), S::Misplaced);
}

#[test]
fn xsw8_the_genuine_request_in_an_object() {
    let genuine = Genuine::new();
    let inside = genuine.signature_holding(&object(&genuine.unsigned));
    assert_eq!(refused(&forged("_forged", &inside)), SHAPE);
    assert_eq!(refused(&forged("_genuine", &inside)), ambiguous());
}

/// Whatever an implementation may take for an ID, of any case and namespace, must be unique.
#[test]
fn a_second_id_of_another_spelling() {
    let genuine = Genuine::new();
    for attribute in ["ID", "Id", "id", "iD", "xml:id", "x:Id"] {
        let decoy = format!("<d xmlns:x=\"urn:x\" {attribute}=\"_genuine\"/>");
        let inside = format!("{}{}", genuine.signature, extensions(&decoy));
        assert_eq!(refused(&forged("_genuine", &inside)), ambiguous(), "{attribute}");
    }
}

#[test]
fn no_id_at_the_root() {
    let genuine = Genuine::new();
    let forged = forged("_genuine", &genuine.signature).replace("ID=\"_genuine\"", "");
    assert_eq!(refused(&forged), S::AmbiguousId(String::new()));
    let forged = forged.replace("Version=", "Id=\"_genuine\" Version=");
    assert_eq!(refused(&forged), S::AmbiguousId(String::new()));
}

#[test]
fn a_second_signature() {
    let genuine = Genuine::new();
    let theirs = Genuine::of(signed_request(attacker()));
    for both in [
        format!("{}{}", genuine.signature, theirs.signature),
        format!("{}{}", theirs.signature, genuine.signature),
        format!("{}{}", genuine.signature, extensions(&theirs.signature)),
        genuine.signature_holding(&object(&theirs.signature)),
        theirs.signature_holding(&object(&genuine.signature)),
    ] {
        assert_eq!(refused(&genuine.whole.replace(&genuine.signature, &both)), S::Misplaced);
        assert_eq!(refused(&forged("_genuine", &both)), S::Misplaced);
    }
}

#[test]
fn a_signature_that_is_no_child_of_the_root() {
    let genuine = Genuine::new();
    for elsewhere in [
        extensions(&genuine.signature),
        format!("<saml:Subject>{}</saml:Subject>", genuine.signature),
        format!("<x:Object xmlns:x=\"urn:x\">{}</x:Object>", genuine.signature),
    ] {
        assert_eq!(refused(&forged("_genuine", &elsewhere)), S::Misplaced);
    }
}

#[test]
fn a_signature_of_another_namespace_is_none() {
    let genuine = Genuine::new();
    let other = genuine
        .whole
        .replace("http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo", "urn:x\"><ds:SignedInfo");
    assert_eq!(refused(&other), S::Missing);
    assert_eq!(refused(&genuine.unsigned), S::Missing);
}

#[test]
fn what_is_signed_cannot_be_changed() {
    let genuine = Genuine::new();
    for (old, new) in [
        ("https://sp.example/acs", EVIL),
        ("<saml:Issuer>", "<saml:Issuer><!-- kept out -->x"),
        ("AllowCreate=\"true\"", "AllowCreate=\"false\""),
        ("Version=", "ForceAuthn=\"false\" Version="),
        ("<samlp:NameIDPolicy", " <samlp:NameIDPolicy"),
        ("xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "xmlns:saml=\"urn:x\""),
    ] {
        assert!(matches!(refused(&genuine.whole.replace(old, new)), S::Digest { .. }), "{new}");
    }
}
