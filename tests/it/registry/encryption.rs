//! Which key of an SP is encrypted to, by which algorithms, and what `check` says where there is none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::nid::Nid;
use sekisho::registry::{Severity, Snapshot};
use sekisho::saml::encryption::{BlockCipher, EncryptionKey, KeyTransport};
use sekisho::saml::signature::DigestAlgorithm::{Sha1, Sha256};

use super::{Rig, finding, sp};
use crate::support::pki::Pair;

/// A KeyDescriptor with `inside` after its KeyInfo.
fn descriptor(attributes: &str, pairs: &[&Pair], inside: &str) -> String {
    let data = |pair: &&Pair| {
        let certificate = pair.certificate_base64();
        format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>")
    };
    let certificates = pairs.iter().map(data).collect::<Vec<_>>().concat();
    format!(
        "<md:KeyDescriptor{attributes}><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{certificates}\
         </ds:KeyInfo>{inside}</md:KeyDescriptor>"
    )
}

/// An SP with these KeyDescriptors.
fn with_keys(keys: &[String]) -> String {
    let acs = "<md:AssertionConsumerService";
    sp("a", "https://a.example.org/acs").replace(acs, &format!("{}{acs}", keys.concat()))
}

fn open(keys: &[String], policy: &str) -> std::sync::Arc<Snapshot> {
    Rig::with(&[("a.xml", &with_keys(keys)), ("a.toml", policy)]).open().snapshot()
}

fn chosen(snapshot: &Snapshot) -> Option<EncryptionKey> {
    snapshot.find("a").unwrap().encryption.clone()
}

fn about_encryption(snapshot: &Snapshot) -> Vec<(Severity, String)> {
    let about = |message: &str| message.contains("encrypt") || message.contains("EncryptionMethod");
    let findings = snapshot.findings().iter().filter(|finding| about(&finding.message));
    findings.map(|finding| (finding.severity, finding.message.clone())).collect()
}

const ALWAYS: &str = "encrypt = \"always\"\n";

#[test]
fn the_first_usable_key_with_the_algorithms_of_its_own_descriptor() {
    let (curve, rsa) = (Pair::ec(Nid::X9_62_PRIME256V1), Pair::of_sp());
    let methods = "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#tripledes-cbc\"/>\
        <md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes128-gcm\"/>\
        <md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#rsa-oaep\">\
        <ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
        <xenc11:MGF xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\"/>\
        </md:EncryptionMethod>";
    let keys = [
        descriptor(" use=\"signing\"", &[Pair::of_idp()], ""),
        // The second certificate of a KeyInfo is that of an issuer.
        descriptor(" use=\"encryption\"", &[&curve, Pair::of_idp()], ""),
        descriptor("", &[rsa], methods),
        descriptor(" use=\"encryption\"", &[Pair::of_idp()], ""),
    ];
    let snapshot = open(&keys, ALWAYS);
    let key = chosen(&snapshot).unwrap();
    assert_eq!(key.block(), BlockCipher::Aes128Gcm);
    assert_eq!(key.transport(), KeyTransport::Oaep { digest: Sha256, mgf: Sha256 });
    let skipped = finding(&snapshot, "an encryption key is not used: the key is not RSA");
    assert_eq!((skipped.severity, skipped.line), (Severity::Warning, Some(3)));
    assert_eq!(about_encryption(&snapshot).len(), 1, "{:?}", about_encryption(&snapshot));
}

#[test]
fn without_a_usable_key_the_policy_decides_what_it_is_worth() {
    let curve = [descriptor("", &[&Pair::ec(Nid::SECP384R1)], "")];
    for (policy, expected) in
        [(ALWAYS, Some(Severity::Error)), ("encrypt = \"when-key\"\n", Some(Severity::Notice)), ("", None)]
    {
        let snapshot = open(&curve, policy);
        assert!(chosen(&snapshot).is_none());
        let found = about_encryption(&snapshot);
        let missing = found.iter().find(|(_, message)| message.contains("it publishes no usable"));
        assert_eq!(missing.map(|(severity, _)| *severity), expected, "{policy}: {found:?}");
        assert_eq!(found.len(), if expected.is_some() { 2 } else { 0 }, "{policy}: {found:?}");
    }
    let snapshot = open(&[], ALWAYS);
    let remedy = &finding(&snapshot, "no sign-on to it succeeds").remedy;
    assert!(remedy.contains("encryption_certificates") && remedy.contains("when-key"), "{remedy}");
}

#[test]
fn weak_algorithms_and_cbc_are_told() {
    let method =
        |name: &str| format!("<md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#{name}\"/>");
    let only = |methods: &[&str]| {
        let methods = methods.iter().map(|name| method(name)).collect::<Vec<_>>().concat();
        open(&[descriptor("", &[Pair::of_sp()], &methods)], ALWAYS)
    };
    let snapshot = only(&["aes256-cbc", "rsa-1_5"]);
    assert!(chosen(&snapshot).is_none());
    finding(&snapshot, "none is RSA-OAEP");
    let snapshot = only(&["tripledes-cbc", "rsa-oaep-mgf1p"]);
    assert!(chosen(&snapshot).is_none());
    finding(&snapshot, "none is AES-GCM or AES-CBC");
    let snapshot = only(&["aes256-cbc", "rsa-1_5", "rsa-oaep-mgf1p"]);
    let key = chosen(&snapshot).unwrap();
    assert_eq!((key.block(), key.transport()), (BlockCipher::Aes256Cbc, KeyTransport::Mgf1p(None)));
    assert_eq!(finding(&snapshot, "is AES-CBC").severity, Severity::Notice);
}

#[test]
fn an_expired_certificate_still_encrypts() {
    let mut rig =
        Rig::with(&[("a.xml", &with_keys(&[descriptor("", &[Pair::of_sp()], "")])), ("a.toml", ALWAYS)]);
    rig.now = "2090-01-01T00:00:00Z".parse().unwrap();
    let snapshot = rig.open().snapshot();
    assert!(chosen(&snapshot).is_some());
    assert_eq!(finding(&snapshot, "its encryption certificate expired on").severity, Severity::Warning);
}

#[test]
fn a_toml_alone_names_its_certificates() {
    let certificate = STANDARD.encode(Pair::of_sp().certificate.to_der().unwrap());
    let toml = format!(
        "entity_id = \"a\"\nacs = [\"https://a.example.org/acs\"]\nencrypt = \"always\"\n\
         encryption_certificates = [\"{certificate}\"]\n"
    );
    let snapshot = Rig::with(&[("a.toml", &toml)]).open().snapshot();
    let key = chosen(&snapshot).unwrap();
    assert_eq!((key.block(), key.transport()), (BlockCipher::Aes256Gcm, KeyTransport::Mgf1p(Some(Sha1))));
    assert!(snapshot.find("a").unwrap().keys.is_empty(), "it verifies nothing");
    assert_eq!(about_encryption(&snapshot), []);
}
