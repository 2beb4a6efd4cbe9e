//! Three implementations of XML Signature that are not ours: xmlsec1 (the program), samael (libxmlsec1) and
//! bergshamra (Rust). What all of them take, an SP takes.

use std::fs;
use std::process::Command;

use bergshamra::keys::loader::load_x509_cert_pem;
use bergshamra::{DsigContext, KeysManager, VerifyResult};
use openssl::x509::X509;
use samael::crypto::{CertificateDer, Crypto, CryptoProvider, ReduceMode};

use super::xml::Element;

/// Which elements of a Response carry a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Response,
    Assertion,
    Both,
    Nothing,
}

/// Where the signatures of this Response are, as it stands and not yet verified.
pub fn signed(xml: &str) -> Signed {
    let response = Element::parse(xml);
    let assertion =
        response.child("Assertion").is_some_and(|assertion| assertion.child("Signature").is_some());
    match (response.child("Signature").is_some(), assertion) {
        (true, true) => Signed::Both,
        (true, false) => Signed::Response,
        (false, true) => Signed::Assertion,
        (false, false) => Signed::Nothing,
    }
}

/// Every judge must find every signature valid, and each signature must be over the element that carries it.
pub fn accept(xml: &str, certificate_pem: &str) {
    assert_ne!(signed(xml), Signed::Nothing, "nothing is signed in {xml}");
    for (judge, verdict) in [
        ("xmlsec1", xmlsec1(xml, certificate_pem)),
        ("bergshamra", bergshamra(xml, certificate_pem)),
        ("samael", samael(xml, certificate_pem)),
    ] {
        verdict.unwrap_or_else(|fault| panic!("{judge} refuses: {fault}\n{xml}"));
    }
}

/// The verdict of the xmlsec1 program on each signature of the Response.
pub fn xmlsec1(xml: &str, certificate_pem: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let (document, certificate) = (folder.path().join("document.xml"), folder.path().join("idp.pem"));
    fs::write(&document, xml).unwrap();
    fs::write(&certificate, certificate_pem).unwrap();
    let response = "/*/*[local-name()='Signature']";
    let assertion = "/*/*[local-name()='Assertion']/*[local-name()='Signature']";
    let signatures = match signed(xml) {
        Signed::Response => vec![response],
        Signed::Assertion => vec![assertion],
        Signed::Both => vec![response, assertion],
        Signed::Nothing => return Err("no signature".to_owned()),
    };
    for signature in signatures {
        let output = Command::new("xmlsec1")
            .args(["--verify", "--enabled-reference-uris", "same-doc", "--enabled-key-data", "rsa,ecdsa"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:LogoutRequest"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:LogoutResponse"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResponse"])
            .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
            .args(["--node-xpath", signature, "--pubkey-cert-pem"])
            .args([&certificate, &document])
            .output()
            .expect("xmlsec1 is installed");
        if !output.status.success() {
            return Err(format!("{signature}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}

/// The verdict of bergshamra, which must also have digested exactly the elements that carry the signatures.
pub fn bergshamra(xml: &str, certificate_pem: &str) -> Result<(), String> {
    let mut keys = KeysManager::new();
    keys.add_key(load_x509_cert_pem(certificate_pem.as_bytes()).map_err(|error| error.to_string())?);
    let context = DsigContext::new(keys);
    let mut covered = Vec::new();
    for result in bergshamra::verify_all(&context, xml).map_err(|error| error.to_string())? {
        match result {
            VerifyResult::Valid { references, .. } => {
                covered.extend(references.into_iter().map(|reference| reference.uri));
            }
            VerifyResult::Invalid { reason } => return Err(reason),
        }
    }
    let response = Element::parse(xml);
    let carriers = std::iter::once(&response).chain(response.child("Assertion"));
    let expected: Vec<String> = carriers
        .filter(|element| element.child("Signature").is_some())
        .map(|element| format!("#{}", element.attribute("ID").unwrap_or_default()))
        .collect();
    if covered == expected { Ok(()) } else { Err(format!("covered {covered:?} and not {expected:?}")) }
}

/// The verdict of samael: what is left when everything unsigned is taken away must still hold the assertion.
pub fn samael(xml: &str, certificate_pem: &str) -> Result<(), String> {
    let der =
        X509::from_pem(certificate_pem.as_bytes()).and_then(|certificate| certificate.to_der()).unwrap();
    let certificates = [CertificateDer::from(der)];
    let reduced = Crypto::reduce_xml_to_signed(xml, &certificates, ReduceMode::ValidateAndMarkNoAncestors)
        .map_err(|error| error.to_string())?;
    let is_there = reduced.contains("Assertion") || signed(xml) == Signed::Response;
    if is_there { Ok(()) } else { Err(format!("left over: {reduced}")) }
}

#[cfg(test)]
mod tests {
    use super::super::pki::Pair;
    use super::super::sp::sign;
    use super::*;

    const NAMESPACES: &str = "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
        xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

    fn response(signs: Signed, pair: &Pair) -> String {
        let head = "Version=\"2.0\" IssueInstant=\"2024-01-01T00:00:00Z\"><saml:Issuer>idp</saml:Issuer>";
        let mut assertion = format!(
            "<saml:Assertion {NAMESPACES} ID=\"_a\" {head}<saml:Subject><saml:NameID>田中</saml:NameID>\
             </saml:Subject></saml:Assertion>"
        );
        if matches!(signs, Signed::Assertion | Signed::Both) {
            assertion = sign(&assertion, pair).split_once("?>").unwrap().1.trim().to_owned();
        }
        let response = format!("<samlp:Response {NAMESPACES} ID=\"_r\" {head}{assertion}</samlp:Response>");
        if matches!(signs, Signed::Response | Signed::Both) { sign(&response, pair) } else { response }
    }

    #[test]
    fn what_is_signed_is_accepted() {
        for pair in [Pair::of_idp().clone(), Pair::ec(openssl::nid::Nid::X9_62_PRIME256V1)] {
            for signs in [Signed::Response, Signed::Assertion, Signed::Both] {
                let xml = response(signs, &pair);
                assert_eq!(signed(&xml), signs);
                accept(&xml, &pair.certificate_pem());
            }
        }
    }

    #[test]
    fn each_judge_refuses_a_change_and_a_strange_key() {
        let (pair, stranger) = (Pair::of_idp(), Pair::of_sp());
        for signs in [Signed::Response, Signed::Assertion, Signed::Both] {
            let xml = response(signs, pair);
            let changed = xml.replace("<saml:NameID>", "<saml:NameID>x");
            for judge in [xmlsec1, bergshamra, samael] {
                assert!(judge(&xml, &stranger.certificate_pem()).is_err(), "{signs:?}");
                assert!(judge(&changed, &pair.certificate_pem()).is_err(), "{signs:?}");
            }
        }
    }
}
