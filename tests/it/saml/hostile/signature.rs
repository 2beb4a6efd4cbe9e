//! Signatures of another shape, by other algorithms and by other keys. Where a signer makes such a thing, the registered
//! key has really signed it, so that nothing but the shape is wrong.

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer as Signing;
use sekisho::saml::signature::{
    AlgorithmSet, KeyRejected, SignatureAlgorithm, SignatureError as S, Signer, VerificationKey, verify,
};
use sekisho::saml::xml::reader::Violation;
use sekisho::saml::xml::{Limits, parse};

use super::forge::{Genuine, object, shaped, signed_with};
use super::{Refused, accept, no_key};
use crate::saml::judges;
use crate::saml::keys::{TestKey, attacker, p256, sp};
use crate::saml::messages::{Template, request, signed_request};

fn refused(xml: &str) -> S {
    match accept(xml.as_bytes(), &sp().registered(), false) {
        Err(Refused::Signature(error)) => error,
        other => panic!("{other:?}\n{xml}"),
    }
}

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const XSLT: &str = "http://www.w3.org/TR/1999/REC-xslt-19991116";
const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";
const XPATH_2: &str = "http://www.w3.org/2002/06/xmldsig-filter2";
const BASE64: &str = "http://www.w3.org/2000/09/xmldsig#base64";
const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

#[test]
fn the_reference_names_the_root_and_nothing_else() {
    for uri in [
        "",
        "http://127.0.0.1:1/x",
        "https://sp.example/metadata",
        "file:///etc/passwd",
        "cid:x",
        "#_other",
        "_genuine",
        "#",
        "#xpointer(/)",
        "#xpointer(id('_genuine'))",
        "#_genuine ",
        "##_genuine",
        "#_Genuine",
    ] {
        let forged = shaped(|t| t.uri = format!(" URI=\"{uri}\""));
        assert_eq!(refused(&forged), S::Reference(uri.to_owned()));
    }
    assert_eq!(refused(&shaped(|t| t.uri = String::new())), S::Reference(String::new()));
    let whole_document = signed_with(sp(), |t| t.uri = " URI=\"\"".to_owned());
    assert!(judges::bergshamra(&whole_document, sp()).is_ok());
    assert_eq!(refused(&whole_document), S::Reference(String::new()));
}

#[test]
fn one_reference() {
    let genuine = Genuine::new();
    let (before, rest) = genuine.whole.split_once("<ds:Reference").unwrap();
    let (reference, after) = rest.split_once("</ds:Reference>").unwrap();
    let reference = format!("<ds:Reference{reference}</ds:Reference>");
    let shape = S::Shape("SignedInfo holds CanonicalizationMethod, SignatureMethod, one Reference");
    assert_eq!(refused(&format!("{before}{reference}{reference}{after}")), shape);
    assert_eq!(refused(&format!("{before}{after}")), shape);
}

#[test]
fn no_transform_but_enveloped_signature_and_exclusive_c14n() {
    let comments = format!("{EXC_C14N}WithComments");
    let c14n_comments = format!("{C14N}#WithComments");
    let c14n_11 = "http://www.w3.org/2006/12/xml-c14n11";
    for algorithm in [XSLT, XPATH, XPATH_2, BASE64, C14N, &comments, &c14n_comments, c14n_11, "", "urn:x"] {
        let transform = format!("<ds:Transform Algorithm=\"{algorithm}\"/>");
        let expected = S::Transform(algorithm.to_owned());
        assert_eq!(refused(&shaped(|t| t.transforms = transform.clone())), expected);
        assert_eq!(refused(&shaped(|t| t.transforms += &transform)), expected);
        assert_eq!(refused(&shaped(|t| t.transforms = transform.clone() + &t.transforms)), expected);
    }
    let signed = signed_with(sp(), |t| t.transforms = t.transforms.replace(EXC_C14N, C14N));
    assert!(judges::bergshamra(&signed, sp()).is_ok());
    assert_eq!(refused(&signed), S::Transform(C14N.to_owned()));
}

#[test]
fn the_transforms_are_two_in_their_order() {
    let one = |algorithm: &str| format!("<ds:Transform Algorithm=\"{algorithm}\"/>");
    let shape = S::Shape("the transforms are enveloped-signature, then exclusive c14n");
    let (enveloped, c14n) = (one(ENVELOPED), one(EXC_C14N));
    for transforms in [
        String::new(),
        enveloped.clone(),
        c14n.clone(),
        format!("{c14n}{enveloped}"),
        format!("{enveloped}{c14n}{c14n}"),
        enveloped.repeat(9),
    ] {
        assert_eq!(refused(&shaped(|t| t.transforms = transforms.clone())), shape);
    }
}

#[test]
fn transforms_take_no_program() {
    let sheet = format!("<ds:Transform Algorithm=\"{EXC_C14N}\"><xsl xmlns=\"urn:x\"/></ds:Transform>");
    let forged = shaped(|t| t.transforms = format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>{sheet}"));
    assert_eq!(refused(&forged), S::Shape("a transform holds at most InclusiveNamespaces"));
    let inside = format!("<ds:Transform Algorithm=\"{ENVELOPED}\"><x xmlns=\"urn:x\"/></ds:Transform>");
    let forged = shaped(|t| t.transforms = format!("{inside}<ds:Transform Algorithm=\"{EXC_C14N}\"/>"));
    assert_eq!(refused(&forged), S::Transform(ENVELOPED.to_owned()));
    let named = format!("<ds:transform Algorithm=\"{ENVELOPED}\"/><ds:Transform Algorithm=\"{EXC_C14N}\"/>");
    assert_eq!(refused(&shaped(|t| t.transforms = named.clone())), S::Transform(ENVELOPED.to_owned()));
}

#[test]
fn signed_info_is_canonicalised_exclusively_without_comments() {
    for algorithm in [C14N, &format!("{EXC_C14N}WithComments"), XSLT] {
        let forged = signed_with(sp(), |t| {
            if algorithm != XSLT {
                t.canonicalization = t.canonicalization.replace(EXC_C14N, algorithm);
            }
        });
        let forged = forged.replacen(
            &format!("CanonicalizationMethod Algorithm=\"{EXC_C14N}\""),
            &format!("CanonicalizationMethod Algorithm=\"{algorithm}\""),
            1,
        );
        assert_eq!(refused(&forged), S::Transform(algorithm.to_owned()));
    }
}

/// Each prefix costs a look-up at each element.
#[test]
fn a_prefix_list_has_bounds() {
    let many = "p ".repeat(65);
    let list = format!("<InclusiveNamespaces xmlns=\"{EXC_C14N}\" PrefixList=\"{many}\"/>");
    let with = |element: &str| format!("#\">{list}</ds:{element}>");
    let too_many = S::Shape("a PrefixList of more than 64 prefixes");
    let forged = shaped(|t| {
        t.canonicalization = t.canonicalization.replace("#\"/>", &with("CanonicalizationMethod"));
    });
    assert_eq!(refused(&forged), too_many);
    let signed = signed_with(sp(), |t| {
        t.transforms = t.transforms.replace("c14n#\"/>", &format!("c14n{}", with("Transform")));
    });
    assert_eq!(refused(&signed), too_many);
}

/// CVE-2025-29774, CVE-2025-29775: a comment in DigestValue, a second SignedInfo.
#[test]
fn values_are_nothing_but_text() {
    let genuine = Genuine::new();
    for inside in ["AAAA<!-- x -->", "<!---->", "<![CDATA[AAAA]]>", "<x/>", "<ds:DigestValue/>"] {
        let forged = genuine.whole.replace("<ds:DigestValue>", &format!("<ds:DigestValue>{inside}"));
        assert_eq!(refused(&forged), S::Shape("DigestValue is not base64 text"), "{inside}");
        let forged = genuine.whole.replace("<ds:SignatureValue>", &format!("<ds:SignatureValue>{inside}"));
        assert_eq!(refused(&forged), S::Shape("SignatureValue is not base64"), "{inside}");
    }
    let forged = genuine.whole.replace("<ds:DigestValue>", "<ds:DigestValue>!");
    assert_eq!(refused(&forged), S::Shape("DigestValue is not base64 text"));
}

#[test]
fn one_signed_info_and_no_object() {
    let genuine = Genuine::new();
    let shape = S::Shape("SignedInfo, SignatureValue and at most one KeyInfo");
    let (before, rest) = genuine.signature.split_once("<ds:SignedInfo>").unwrap();
    let (info, after) = rest.split_once("</ds:SignedInfo>").unwrap();
    let info = format!("<ds:SignedInfo>{info}</ds:SignedInfo>");
    let of_attacker = info.replace("<ds:DigestValue>", "<ds:DigestValue>AAAA");
    let changed = |signature: &str| refused(&genuine.whole.replace(&genuine.signature, signature));
    assert_eq!(changed(&format!("{before}{info}{of_attacker}{after}")), shape);
    assert_eq!(changed(&format!("{before}{of_attacker}{info}{after}")), shape);
    assert_eq!(changed(&genuine.signature_holding(&info)), shape);
    assert_eq!(changed(&genuine.signature_holding(&object(&info))), shape);
    assert_eq!(changed(&genuine.signature_holding(&object(""))), shape);
    assert_eq!(changed(&genuine.signature_holding("<ds:KeyInfo/><ds:KeyInfo/>")), shape);
    // CVE-2024-45409: a DigestValue elsewhere is not looked at, and inside the Reference there is one.
    let digest = "<ds:DigestValue>AAAA</ds:DigestValue>";
    let twice = genuine.signature.replace("<ds:DigestValue>", &format!("{digest}<ds:DigestValue>"));
    assert_eq!(changed(&twice), S::Shape("Reference holds Transforms, DigestMethod, DigestValue"));
}

#[test]
fn algorithms_that_are_none() {
    const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
    for algorithm in [
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        &format!("{MORE}hmac-sha256"),
        &format!("{MORE}rsa-md5"),
        &format!("{MORE}rsa-ripemd160"),
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "none",
        "",
    ] {
        let forged = shaped(|t| t.algorithm = algorithm.to_owned());
        assert_eq!(refused(&forged), S::Algorithm(algorithm.to_owned()));
    }
    for digest in [&format!("{MORE}md5"), "http://www.w3.org/2000/09/xmldsig#sha1", "", "urn:x"] {
        let forged = shaped(|t| t.digest = digest.to_owned());
        assert_eq!(refused(&forged), S::Algorithm(digest.to_owned()));
    }
    let forged = shaped(|_| ()).replace("#rsa-sha256\"/>", "#rsa-sha256\"><x/></ds:SignatureMethod>");
    assert_eq!(refused(&forged), S::Shape("SignatureMethod and DigestMethod take no parameters"));
}

/// The classic confusion: a MAC under the public key, which everybody has.
#[test]
fn hmac_with_the_public_key_as_secret() {
    let algorithm = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
    let unsigned = signed_with(sp(), |_| ()).replace(SignatureAlgorithm::RsaSha256.uri(), algorithm);
    let (_, rest) = unsigned.split_once("<ds:SignedInfo>").unwrap();
    let (info, _) = rest.split_once("</ds:SignedInfo>").unwrap();
    let octets = judges::bergshamra_c14n(
        &format!("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}</ds:SignedInfo>"),
        &[],
    );
    let secret = PKey::hmac(&sp().public_key_pem()).unwrap();
    let mac = Signing::new(MessageDigest::sha256(), &secret).unwrap().sign_oneshot_to_vec(&octets).unwrap();
    let (before, rest) = unsigned.split_once("<ds:SignatureValue>").unwrap();
    let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
    let mac = openssl::base64::encode_block(&mac);
    let forged = format!("{before}<ds:SignatureValue>{mac}</ds:SignatureValue>{after}");
    assert_eq!(refused(&forged), S::Algorithm(algorithm.to_owned()));
}

#[test]
fn sha_1_only_by_the_switch() {
    let key = sp().with(SignatureAlgorithm::RsaSha1);
    let signed = signed_request(&key);
    assert_eq!(refused(&signed), S::Algorithm("http://www.w3.org/2000/09/xmldsig#sha1".to_owned()));
    assert_eq!(accept(signed.as_bytes(), &key.registered(), true).unwrap().id, "_genuine");
    let only_the_signature =
        signed_with(&key, |t| t.digest = "http://www.w3.org/2001/04/xmlenc#sha256".to_owned());
    assert_eq!(refused(&only_the_signature), S::Algorithm(key.algorithm().uri().to_owned()));
}

#[test]
fn an_algorithm_that_is_denied() {
    let genuine = Genuine::new().whole;
    let root = parse(genuine.as_bytes(), &Limits::MESSAGE).unwrap();
    let judged = |denied: &str| {
        let allowed = AlgorithmSet::ALL.without(AlgorithmSet::from_word(denied).unwrap());
        verify::enveloped(&root, &sp().registered(), allowed).map(drop)
    };
    assert_eq!(judged("rsa-sha512"), Ok(()));
    assert_eq!(judged("rsa-sha256"), Err(S::Algorithm(SignatureAlgorithm::RsaSha256.uri().to_owned())));
    assert_eq!(judged("sha256"), Err(S::Algorithm("http://www.w3.org/2001/04/xmlenc#sha256".to_owned())));
}

#[test]
fn weak_keys_are_never_registered() {
    let weak = TestKey::rsa(1024, SignatureAlgorithm::RsaSha256);
    assert_eq!(VerificationKey::from_certificate_der(&weak.der()).unwrap_err(), KeyRejected::WeakRsa(1024));
    let curve = TestKey::ec(openssl::nid::Nid::SECP256K1, SignatureAlgorithm::EcdsaSha256);
    assert_eq!(VerificationKey::from_certificate_der(&curve.der()).unwrap_err(), KeyRejected::Curve);
    assert!(matches!(VerificationKey::from_certificate_der(b"x"), Err(KeyRejected::Unreadable(_))));
}

/// Keys come from metadata: what KeyInfo says changes nothing.
#[test]
fn the_certificate_in_the_message_is_not_believed() {
    let key_info = |key: &TestKey| {
        format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
            key.certificate()
        )
    };
    for shown in [attacker(), sp()] {
        let forged = signed_with(attacker(), |t| t.after = key_info(shown));
        assert_eq!(refused(&forged), no_key(&sp().registered()));
    }
    let genuine = signed_with(sp(), |t| t.after = key_info(attacker()));
    assert!(accept(genuine.as_bytes(), &sp().registered(), false).is_ok());
    assert_eq!(accept(genuine.as_bytes(), &[], false).unwrap_err(), Refused::Signature(no_key(&[])));
}

/// The log of a refusal must tell an admin which keys were tried, so that they see that the SP has a new one.
#[test]
fn the_error_names_the_keys_that_were_tried() {
    let keys = [sp().registered(), p256().registered()].concat();
    let error = match accept(signed_request(attacker()).as_bytes(), &keys, false) {
        Err(Refused::Signature(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let tried = keys.iter().map(|key| &key.fingerprint()[..16]).collect::<Vec<_>>().join(", ");
    assert_eq!(error, format!("no registered key verifies the signature; tried: {tried}"));
    let nothing = accept(signed_request(attacker()).as_bytes(), &[], false);
    assert!(matches!(nothing, Err(Refused::Signature(S::NoKeys))));
}

#[test]
fn a_key_of_another_kind_does_not_verify() {
    let signed = signed_request(p256());
    assert_eq!(refused(&signed), no_key(&sp().registered()));
    assert_eq!(refused(&signed.replace("ecdsa-sha256", "rsa-sha256")), no_key(&sp().registered()));
    let rsa = Genuine::new().whole.replace("#rsa-sha256", "#ecdsa-sha256");
    assert_eq!(
        accept(rsa.as_bytes(), &p256().registered(), false).unwrap_err(),
        Refused::Signature(no_key(&p256().registered()))
    );
}

/// An ECDSA signature is r||s of full width, neither zero (CVE-2022-21449) nor DER.
#[test]
fn ecdsa_signatures_of_another_form() {
    let signed = signed_request(p256());
    let (before, rest) = signed.split_once("<ds:SignatureValue>").unwrap();
    let (_, after) = rest.split_once("</ds:SignatureValue>").unwrap();
    for value in [
        vec![0; 64],
        vec![0xff; 64],
        vec![1; 63],
        vec![],
        p256().with(SignatureAlgorithm::RsaSha256).sign(b"").unwrap(),
    ] {
        let value = openssl::base64::encode_block(&value).replace('\n', "");
        let forged = format!("{before}<ds:SignatureValue>{value}</ds:SignatureValue>{after}");
        let answer = accept(forged.as_bytes(), &p256().registered(), false);
        assert_eq!(answer.unwrap_err(), Refused::Signature(no_key(&p256().registered())));
    }
}

#[test]
fn a_relative_namespace_has_no_canonical_form() {
    let inside = format!("{}<x xmlns=\"relative\"/>", Template::of(sp(), "_genuine").xml());
    let signed = judges::sign(&request("_genuine", "https://sp.example/acs", &inside), sp());
    let answer = accept(signed.as_bytes(), &sp().registered(), false).unwrap_err();
    assert_eq!(answer, Refused::Xml(Violation::RelativeNamespace("relative".to_owned())));
}
