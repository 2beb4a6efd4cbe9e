//! What we encrypt is read by bergshamra, xmlsec1 and a newer libxmlsec1, signatures inside and outside hold, and what
//! others encrypt to us is read here.

use std::fs;
use std::process::Command;

use sekisho::clock::SeededIds;
use sekisho::identity::{Attributes, NameId};
use sekisho::saml::assertion::write_name_id;
use sekisho::saml::encryption::{
    BlockCipher, DecryptionKeys, ENCRYPTED_ID, EncryptionKey, EncryptionMethod, KeyTransport, KeyUnfit,
    name_id,
};
use sekisho::saml::error::MessageError;
use sekisho::saml::response::Sign;
use sekisho::saml::signature::DigestAlgorithm::{Sha1, Sha256, Sha512};
use sekisho::saml::signature::KeyRejected;
use sekisho::saml::uris::name_id::PERSISTENT;
use sekisho::saml::xml::{Limits, parse};

use super::keys::{p256, proof, sp};
use super::messages::encrypted_response;
use crate::support::decryption::{self, assertion};
use crate::support::judges;
use crate::support::pki::Pair;
use crate::support::xml::Element;

const MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";

fn method(algorithm: &str, digest: Option<&str>, mgf: Option<&str>) -> EncryptionMethod {
    let mgf = mgf.map(|name| format!("http://www.w3.org/2009/xmlenc11#{name}"));
    EncryptionMethod {
        algorithm: algorithm.to_owned(),
        digest: digest.map(str::to_owned),
        mgf,
        oaep_params: false,
    }
}

/// Each key transport as metadata names it, what becomes of it, and whether xmlsec1 1.2.37 knows it.
fn transports() -> [(EncryptionMethod, KeyTransport, bool); 7] {
    [
        (method(MGF1P, None, None), KeyTransport::Mgf1p(None), true),
        (method(MGF1P, Some(SHA1), None), KeyTransport::Mgf1p(Some(Sha1)), true),
        (method(MGF1P, Some(SHA256), None), KeyTransport::Mgf1p(Some(Sha256)), false),
        (method(OAEP, None, None), KeyTransport::Oaep { digest: Sha1, mgf: Sha1 }, false),
        (method(OAEP, Some(SHA256), None), KeyTransport::Oaep { digest: Sha256, mgf: Sha1 }, false),
        (
            method(OAEP, Some(SHA256), Some("mgf1sha256")),
            KeyTransport::Oaep { digest: Sha256, mgf: Sha256 },
            false,
        ),
        (
            method(OAEP, Some(SHA512), Some("mgf1sha512")),
            KeyTransport::Oaep { digest: Sha512, mgf: Sha512 },
            false,
        ),
    ]
}

fn certificate() -> Vec<u8> {
    Pair::of_sp().certificate.to_der().unwrap()
}

fn ours() -> DecryptionKeys {
    DecryptionKeys::new(vec![Pair::of_idp().key.clone(), Pair::of_sp().key.clone()])
}

fn tanaka() -> NameId {
    NameId {
        value: "田中 <&> \"太郎\"".to_owned(),
        format: PERSISTENT.to_owned(),
        name_qualifier: Some("https://idp.example/?a&b".to_owned()),
        sp_name_qualifier: None,
    }
}

/// What we read in an EncryptedID.
fn read(xml: &str, keys: &DecryptionKeys) -> Result<NameId, MessageError> {
    name_id(&parse(xml.as_bytes(), &Limits::MESSAGE).unwrap(), &proof(), keys)
}

#[test]
fn every_combination_is_read_by_every_judge_and_the_signatures_hold() {
    let attributes: Attributes = [("displayName", vec!["田中 <太郎>\r\n"])].into_iter().collect();
    let (pair, both) = (Pair::of_sp(), Sign { assertion: true, response: true });
    let mut written = Vec::new();
    let mut plain: Option<String> = None;
    for block in BlockCipher::ALL {
        for (wanted, transport, old) in transports() {
            let methods = [method(block.uri(), None, None), wanted];
            let key = EncryptionKey::from_certificate_der(&certificate(), &methods).unwrap();
            assert_eq!((key.block(), key.transport()), (block, transport));
            let xml = encrypted_response(sp(), both, &attributes, &key);
            assert!(!xml.contains("displayName"), "{xml}");
            let read = decryption::bergshamra(&xml, pair).unwrap_or_else(|e| panic!("{key:?}: {e}\n{xml}"));
            let plain = plain.get_or_insert_with(|| assertion(&read).to_owned());
            assert_eq!(assertion(&read), plain);
            if old {
                let read = decryption::xmlsec1(&xml, pair).unwrap_or_else(|e| panic!("{key:?}: {e}\n{xml}"));
                assert!(Element::parse(assertion(&read)) == Element::parse(plain), "{key:?}: {read}");
            }
            written.push(xml);
        }
    }
    let plain = plain.unwrap();
    let documents: Vec<_> = written.iter().map(String::as_str).collect();
    let read = decryption::libxmlsec_all(&documents, pair).unwrap();
    assert_eq!((written.len(), read.len()), (42, 42));
    for (written, read) in written.iter().zip(&read) {
        assert!(Element::parse(assertion(read)) == Element::parse(&plain), "{read}\n{written}");
    }
    judges::accept(&written[0], &sp().certificate_pem());
    assert_eq!(judges::signed(&written[0]), judges::Signed::Response);
    let alone = format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_x\">{plain}</samlp:Response>"
    );
    assert_eq!(judges::signed(&alone), judges::Signed::Assertion);
    judges::accept(&alone, &sp().certificate_pem());
}

#[test]
fn what_is_signed_is_the_same_as_in_the_clear() {
    let (attributes, pair) = (Attributes::new(), Pair::of_sp());
    let key = EncryptionKey::from_certificate_der(&certificate(), &[]).unwrap();
    for (assertion_signed, response_signed) in [(true, false), (false, true)] {
        let what = Sign { assertion: assertion_signed, response: response_signed };
        let xml = encrypted_response(sp(), what, &attributes, &key);
        let outside = if response_signed { judges::Signed::Response } else { judges::Signed::Nothing };
        assert_eq!(judges::signed(&xml), outside);
        if response_signed {
            judges::accept(&xml, &sp().certificate_pem());
        }
        let plain = decryption::bergshamra(&xml, pair).unwrap();
        assert_eq!(assertion(&plain).contains("<ds:Signature "), assertion_signed);
    }
}

#[test]
fn each_encryption_draws_its_own_key_and_vector() {
    let key = EncryptionKey::from_certificate_der(&certificate(), &[]).unwrap();
    let ids = SeededIds::new(1);
    let values = |xml: Vec<u8>| -> Vec<String> {
        let xml = String::from_utf8(xml).unwrap();
        let values = xml.split("<xenc:CipherValue>").skip(1);
        values.map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect()
    };
    let [first, second] =
        [(), ()].map(|()| values(key.element(&ENCRYPTED_ID, &write_name_id(&tanaka()), &ids).unwrap()));
    assert_eq!((first.len(), second.len()), (2, 2));
    for (one, other) in first.iter().zip(&second) {
        assert_ne!(one[..16], other[..16]);
    }
}

#[test]
fn keys_that_cannot_carry_a_content_key_are_refused() {
    let refused = |der: &[u8], methods: &[EncryptionMethod]| {
        EncryptionKey::from_certificate_der(der, methods).unwrap_err()
    };
    assert_eq!(refused(&p256().der(), &[]), KeyUnfit::Kind);
    assert_eq!(
        refused(&Pair::rsa(1024).certificate.to_der().unwrap(), &[]),
        KeyUnfit::Certificate(KeyRejected::WeakRsa(1024))
    );
    assert!(matches!(refused(b"0", &[]), KeyUnfit::Certificate(KeyRejected::Unreadable(_))));
    let weak = [method("http://www.w3.org/2001/04/xmlenc#rsa-1_5", None, None)];
    assert!(matches!(refused(&certificate(), &weak), KeyUnfit::Algorithm(_)));
}

#[test]
fn our_own_encrypted_id_comes_back() {
    for block in BlockCipher::ALL.into_iter().filter(|block| block.is_authenticated()) {
        for (wanted, ..) in transports() {
            let methods = [method(block.uri(), None, None), wanted];
            let key = EncryptionKey::from_certificate_der(&certificate(), &methods).unwrap();
            let xml = key.element(&ENCRYPTED_ID, &write_name_id(&tanaka()), &SeededIds::new(3)).unwrap();
            assert_eq!(read(std::str::from_utf8(&xml).unwrap(), &ours()), Ok(tanaka()), "{key:?}");
        }
    }
}

/// EncryptedData by xmlsec1, its key in its KeyInfo, as lasso and python3-saml make it.
fn by_xmlsec1(plaintext: &str, block: &str, pair: &Pair) -> String {
    let template = format!(
        "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
         Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod Algorithm=\"{block}\"/>\
         <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><xenc:EncryptedKey>\
         <xenc:EncryptionMethod Algorithm=\"{MGF1P}\"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData>\
         </xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData>\
         </xenc:EncryptedData>"
    );
    let folder = tempfile::tempdir().unwrap();
    let [data, key, into] = ["data.xml", "key.pem", "template.xml"].map(|name| folder.path().join(name));
    fs::write(&data, plaintext).unwrap();
    fs::write(&key, pair.certificate_pem()).unwrap();
    fs::write(&into, template).unwrap();
    let output = Command::new("xmlsec1")
        .args(["--encrypt", "--session-key", "aes-256", "--pubkey-cert-pem"])
        .arg(&key)
        .arg("--xml-data")
        .args([&data, &into])
        .output()
        .expect("xmlsec1 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let xml = String::from_utf8(output.stdout).unwrap();
    xml.split_once("?>").unwrap().1.trim().to_owned()
}

#[test]
fn what_xmlsec1_encrypts_to_any_of_our_keys_is_read() {
    let plaintext = String::from_utf8(write_name_id(&tanaka())).unwrap();
    for pair in [Pair::of_idp(), Pair::of_sp()] {
        let data = by_xmlsec1(&plaintext, BlockCipher::Aes256Gcm.uri(), pair);
        let id = |inside: &str| {
            format!(
                "<saml:EncryptedID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
                 xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\">\
                 {inside}</saml:EncryptedID>"
            )
        };
        assert_eq!(read(&id(&data), &ours()), Ok(tanaka()), "the key in the KeyInfo");
        let from = data.find("<xenc:EncryptedKey").unwrap();
        let to = data.find("</xenc:EncryptedKey>").unwrap() + "</xenc:EncryptedKey>".len();
        let key = &data[from..to];
        let beside = id(&format!("{}{key}", data.replace(key, "")));
        assert_eq!(read(&beside, &ours()), Ok(tanaka()), "the key beside the EncryptedData");
        let strangers = by_xmlsec1(&plaintext, BlockCipher::Aes256Gcm.uri(), &Pair::rsa(2048));
        let strangers_key = &strangers[strangers.find("<xenc:EncryptedKey").unwrap()..];
        let strangers_key = strangers_key.split_inclusive("</xenc:EncryptedKey>").next().unwrap();
        let two = id(&data.replace(key, &format!("{strangers_key}{key}")));
        assert_eq!(read(&two, &ours()), Ok(tanaka()), "a key for somebody else before it");
    }
}
