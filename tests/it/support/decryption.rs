//! Three implementations of XML Encryption that are not ours: bergshamra (Rust), the xmlsec1 program of Debian 12, which
//! knows OAEP with SHA-1 alone, and a newer libxmlsec1 by way of Python (`tests/setup.sh` puts it into `target/python`).

use std::fs;
use std::path::Path;
use std::process::Command;

use bergshamra::keys::loader::load_rsa_private_pem;
use bergshamra::{EncContext, KeysManager};

use super::pki::Pair;
use super::sp::Received;
use super::xml::Element;

/// The document with its first EncryptedData decrypted, or what the judge has against it.
pub type Verdict = Result<String, String>;

pub fn bergshamra(xml: &str, pair: &Pair) -> Verdict {
    let mut keys = KeysManager::new();
    keys.add_key(load_rsa_private_pem(pair.key_pem().as_bytes()).map_err(|error| error.to_string())?);
    bergshamra::decrypt(&EncContext::new(keys), xml).map_err(|error| error.to_string())
}

pub fn xmlsec1(xml: &str, pair: &Pair) -> Verdict {
    let mut command = Command::new("xmlsec1");
    command.args(["--decrypt", "--node-xpath", "//*[local-name()='EncryptedData']", "--privkey-pem"]);
    run(command, &[xml], pair)
}

pub fn libxmlsec(xml: &str, pair: &Pair) -> Verdict {
    libxmlsec_all(&[xml], pair).map(|mut all| all.remove(0))
}

/// The same for many documents in one process.
pub fn libxmlsec_all(documents: &[&str], pair: &Pair) -> Result<Vec<String>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("target/python/bin/python"));
    command.arg(root.join("tests/data/xmlenc.py"));
    let written = run(command, documents, pair)?;
    Ok(written.split_terminator('\0').map(str::to_owned).collect())
}

/// What is left for an SP when every judge has read the same: the Response with its assertion in the clear, and without
/// its own signature, which was over the encrypted one.
pub fn opened(sealed: &Received, pair: &Pair) -> Received {
    let read = [bergshamra, libxmlsec, xmlsec1].map(|judge| judge(&sealed.xml, pair).unwrap());
    let [plain, ..] = read.each_ref().map(|xml| assertion(xml));
    let tree = Element::parse(plain);
    assert!(read.iter().all(|xml| Element::parse(assertion(xml)) == tree), "they differ: {read:?}");
    let (head, rest) = sealed.xml.split_once("<saml:EncryptedAssertion").expect("an EncryptedAssertion");
    let (_, tail) = rest.split_once("</saml:EncryptedAssertion>").unwrap();
    let head = match head.split_once("<ds:Signature ") {
        Some((before, signature)) => before.to_owned() + signature.split_once("</ds:Signature>").unwrap().1,
        None => head.to_owned(),
    };
    Received::new(&format!("{head}{plain}{tail}"), sealed.acs.clone(), sealed.relay_state.as_deref())
}

/// The one Assertion inside what a judge decrypted, as it was written.
pub fn assertion(decrypted: &str) -> &str {
    let from = decrypted.find("<saml:Assertion ").unwrap_or_else(|| panic!("no Assertion in {decrypted}"));
    let (whole, _) = decrypted[from..].split_once("</saml:Assertion>").unwrap();
    &decrypted[from..from + whole.len() + "</saml:Assertion>".len()]
}

/// Runs a program that takes a key and documents.
fn run(mut command: Command, documents: &[&str], pair: &Pair) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    fs::write(&key, pair.key_pem()).unwrap();
    command.arg(&key);
    for (number, xml) in documents.iter().enumerate() {
        let document = folder.path().join(format!("{number}.xml"));
        fs::write(&document, xml).unwrap();
        command.arg(document);
    }
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; run tests/setup.sh test"));
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
