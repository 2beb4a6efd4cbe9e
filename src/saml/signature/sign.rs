//! Signs a canonical document as it was written: hash, SignedInfo, signature, one `ds:Signature` to splice in.

use super::{
    CANONICALIZATION_METHOD, DIGEST_METHOD, DIGEST_VALUE, KEY_INFO, REFERENCE, SIGNATURE, SIGNATURE_METHOD,
    SIGNATURE_VALUE, SIGNED_INFO, SignError, Signer, TRANSFORM, TRANSFORMS, X509_CERTIFICATE, X509_DATA,
};
use crate::saml::uris::{DS, ENVELOPED, EXC_C14N};
use crate::saml::xml::Writer;
use crate::saml::xml::writer::Name;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Canonical octets and the place where a signature belongs: right after the Issuer of a message or assertion (saml-core
/// 5.4.1), right behind the start tag of metadata (saml-metadata 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// The element.
    pub bytes: Vec<u8>,
    /// Where its `ds:Signature` is spliced in.
    pub insert_at: usize,
}

impl Unsigned {
    /// What comes before the signature, and what comes after it.
    pub fn halves(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at_checked(self.insert_at).unwrap_or((&self.bytes, &[]))
    }

    /// The element with an enveloped signature over it; `id` is its ID.
    pub fn signed(&self, signer: &dyn Signer, id: &str) -> Result<Vec<u8>, SignError> {
        let (before, after) = self.halves();
        Ok([before, &enveloped(signer, id, &self.bytes)?, after].concat())
    }
}

/// The `ds:Signature` over the element `id`, whose octets without any signature are `canonical`.
pub fn enveloped(signer: &dyn Signer, id: &str, canonical: &[u8]) -> Result<Vec<u8>, SignError> {
    let algorithm = signer.algorithm();
    let digest = algorithm.digest().of(canonical);
    let mut w = Writer::with_capacity(3 * 1024);
    w.start(&SIGNATURE, &mut []);
    let from = w.position();
    w.start(&SIGNED_INFO, &mut []);
    w.leaf(&CANONICALIZATION_METHOD, &mut [("Algorithm", EXC_C14N.into())], "");
    w.leaf(&SIGNATURE_METHOD, &mut [("Algorithm", algorithm.uri().into())], "");
    w.start(&REFERENCE, &mut [("URI", format!("#{id}").into())]);
    w.start(&TRANSFORMS, &mut []);
    w.leaf(&TRANSFORM, &mut [("Algorithm", ENVELOPED.into())], "");
    w.leaf(&TRANSFORM, &mut [("Algorithm", EXC_C14N.into())], "");
    w.end();
    w.leaf(&DIGEST_METHOD, &mut [("Algorithm", algorithm.digest().uri().into())], "");
    base64(&mut w, &DIGEST_VALUE, &STANDARD.encode(digest));
    w.end();
    w.end();
    let signed_info = as_apex(w.written().get(from..).unwrap_or_default());
    let signature = signer.sign(&signed_info)?;
    base64(&mut w, &SIGNATURE_VALUE, &STANDARD.encode(signature));
    w.start(&KEY_INFO, &mut []);
    w.start(&X509_DATA, &mut []);
    base64(&mut w, &X509_CERTIFICATE, signer.certificate());
    Ok(w.finish())
}

/// An element of base64, which has nothing to escape and is not looked through.
fn base64(w: &mut Writer, name: &'static Name, text: &str) {
    w.start(name, &mut []);
    w.splice(text.as_bytes());
    w.end();
}

/// SignedInfo as it is hashed: the apex of its own subset declares `ds`, which its parent declares in the document.
fn as_apex(written: &[u8]) -> Vec<u8> {
    const TAG: &[u8] = b"<ds:SignedInfo";
    let mut apex = Vec::with_capacity(written.len() + 64);
    apex.extend_from_slice(TAG);
    apex.extend_from_slice(b" xmlns:ds=\"");
    apex.extend_from_slice(DS.uri.as_bytes());
    apex.push(b'"');
    apex.extend_from_slice(written.get(TAG.len()..).unwrap_or_default());
    apex
}
