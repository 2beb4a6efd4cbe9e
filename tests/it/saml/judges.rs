//! The judges: xmlsec1 and xmllint (the programs), samael (libxmlsec1) and bergshamra (Rust).

use std::fs;
use std::process::Command;

use bergshamra::c14n::{C14nMode, canonicalize};
use bergshamra::keys::loader::{load_pem_auto, load_x509_cert_pem};
use bergshamra::{DsigContext, KeysManager, VerifyResult};
use samael::crypto::{CertificateDer, Crypto, CryptoProvider, ReduceMode};
use tempfile::TempDir;

use super::keys::TestKey;

/// The signature of the root element.
pub const OF_ROOT: &str = "/*/*[local-name()='Signature']";
/// The signature of the assertion in a Response.
pub const OF_ASSERTION: &str = "/*/*[local-name()='Assertion']/*[local-name()='Signature']";

/// The verdict of xmlsec1 on the signature at `xpath`.
pub fn xmlsec1(xml: &str, key: &TestKey, xpath: &str) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let (document, certificate) = (folder.path().join("document.xml"), folder.path().join("key.pem"));
    fs::write(&document, xml).unwrap();
    fs::write(&certificate, key.certificate_pem()).unwrap();
    let output = Command::new("xmlsec1")
        .args(["--verify", "--enabled-reference-uris", "same-doc", "--enabled-key-data", "rsa,ecdsa"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
        .args(["--node-xpath", xpath, "--pubkey-cert-pem"])
        .args([&certificate, &document])
        .output()
        .expect("xmlsec1 is installed");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The verdict of bergshamra on all signatures: the references that it digested, in document order.
pub fn bergshamra(xml: &str, key: &TestKey) -> Result<Vec<String>, String> {
    let mut keys = KeysManager::new();
    keys.add_key(load_x509_cert_pem(key.certificate_pem().as_bytes()).unwrap());
    let mut covered = Vec::new();
    for result in bergshamra::verify_all(&DsigContext::new(keys), xml).map_err(|e| e.to_string())? {
        match result {
            VerifyResult::Valid { references, .. } => covered.extend(references.into_iter().map(|r| r.uri)),
            VerifyResult::Invalid { reason } => return Err(reason),
        }
    }
    Ok(covered)
}

/// What samael leaves of a document when everything that no signature covers is taken away.
pub fn samael(xml: &str, key: &TestKey) -> Result<String, String> {
    let certificates = [CertificateDer::from(key.der())];
    Crypto::reduce_xml_to_signed(xml, &certificates, ReduceMode::ValidateAndMarkNoAncestors)
        .map_err(|error| error.to_string())
}

/// Fills the empty DigestValue and SignatureValue of a template, by bergshamra.
pub fn sign(template: &str, key: &TestKey) -> String {
    let mut keys = KeysManager::new();
    keys.add_key(load_pem_auto(key.key_pem().as_bytes(), None).unwrap());
    bergshamra::sign(&DsigContext::new_permissive(keys), template)
        .unwrap_or_else(|e| panic!("{e}:\n{template}"))
}

/// The same by xmlsec1.
pub fn xmlsec1_sign(template: &str, key: &TestKey) -> String {
    let folder = TempDir::new().unwrap();
    let (document, private) = (folder.path().join("template.xml"), folder.path().join("key.pem"));
    fs::write(&document, template).unwrap();
    fs::write(&private, key.key_pem()).unwrap();
    let output = Command::new("xmlsec1")
        .args(["--sign", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest"])
        .arg("--privkey-pem")
        .args([&private, &document])
        .output()
        .expect("xmlsec1 is installed");
    assert!(output.status.success(), "{}\n{template}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Exclusive canonicalisation without comments, by bergshamra. It has no way to leave out what stands around the root
/// element, so there must be nothing.
pub fn bergshamra_c14n(xml: &str, prefixes: &[&str]) -> Vec<u8> {
    canonicalize(xml, C14nMode::Exclusive, None, prefixes).unwrap()
}

/// Exclusive canonicalisation with comments, by libxml2; `None` where it cannot read the document.
pub fn xmllint_c14n(xml: &[u8]) -> Option<Vec<u8>> {
    let folder = TempDir::new().unwrap();
    let document = folder.path().join("document.xml");
    fs::write(&document, xml).unwrap();
    let output =
        Command::new("xmllint").arg("--exc-c14n").arg(&document).output().expect("xmllint is installed");
    output.status.success().then_some(output.stdout)
}
