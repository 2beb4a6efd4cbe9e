//! Takes genuine signed messages apart and puts them together as an attacker would.

use crate::saml::judges;
use crate::saml::keys::{TestKey, sp};
use crate::saml::messages::{NAMESPACES, Template, request, signed_request};

/// Where the attacker wants the assertion.
pub const EVIL: &str = "https://evil.example/acs";

/// A genuine signed request in pieces.
#[derive(Debug)]
pub struct Genuine {
    /// All of it.
    pub whole: String,
    /// Its ds:Signature.
    pub signature: String,
    /// The rest.
    pub unsigned: String,
}

impl Genuine {
    /// Signed by the service provider's registered key.
    pub fn new() -> Self {
        Self::of(signed_request(sp()))
    }

    pub fn of(whole: String) -> Self {
        let (before, rest) = whole.split_once("<ds:Signature ").unwrap();
        let (signature, after) = rest.split_once("</ds:Signature>").unwrap();
        let (before, after) = (before.to_owned(), after.to_owned());
        let signature = format!("<ds:Signature {signature}</ds:Signature>");
        Self { whole, signature, unsigned: before + &after }
    }

    /// Its signature with more inside, before the end tag.
    pub fn signature_holding(&self, inside: &str) -> String {
        self.signature.replace("</ds:Signature>", &format!("{inside}</ds:Signature>"))
    }
}

/// A request of the attacker's with `inside`.
pub fn forged(id: &str, inside: &str) -> String {
    request(id, EVIL, inside)
}

/// An Extensions element.
pub fn extensions(inside: &str) -> String {
    format!("<samlp:Extensions {NAMESPACES}>{inside}</samlp:Extensions>")
}

/// An Object of a signature.
pub fn object(inside: &str) -> String {
    format!("<ds:Object>{inside}</ds:Object>")
}

/// A request whose signature the registered key really made, by another shape than SAML allows.
pub fn signed_with(key: &TestKey, change: impl FnOnce(&mut Template)) -> String {
    let mut template = Template::of(key, "_genuine");
    change(&mut template);
    judges::sign(&request("_genuine", "https://sp.example/acs", &template.xml()), key)
}

/// The same without a valid signature, where no signer makes such a thing.
pub fn shaped(change: impl FnOnce(&mut Template)) -> String {
    let mut template = Template::of(sp(), "_genuine");
    change(&mut template);
    let filled = template
        .xml()
        .replace("DigestValue></", "DigestValue>AAAA</")
        .replace("SignatureValue></", "SignatureValue>AAAA</");
    request("_genuine", "https://sp.example/acs", &filled)
}
