//! What must be refused, and the exact error; `src/manual/attacks.rs` lists them.

mod documents;
mod encryption;
mod forge;
mod redirect;
mod response;
mod signature;
mod wrapping;

use sekisho::saml::authn_request::AuthnRequest;
use sekisho::saml::error::MessageError;
use sekisho::saml::signature::{AlgorithmSet, SignatureError, VerificationKey, verify};
use sekisho::saml::xml::reader::Violation;
use sekisho::saml::xml::{Limits, parse};

/// Why a request by POST did not get in.
#[derive(Debug, PartialEq)]
enum Refused {
    Xml(Violation),
    Signature(SignatureError),
    Message(MessageError),
}

/// None of these verifies it: the error names each.
fn no_key(tried: &[VerificationKey]) -> SignatureError {
    if tried.is_empty() {
        return SignatureError::NoKeys;
    }
    SignatureError::NoKey { tried: tried.iter().map(|key| key.fingerprint()[..16].to_owned()).collect() }
}

/// What an IdP does with a request that must be signed.
fn accept(xml: &[u8], keys: &[VerificationKey], sha1: bool) -> Result<AuthnRequest, Refused> {
    let root = parse(xml, &Limits::MESSAGE).map_err(|error| Refused::Xml(error.cause))?;
    let allowed = if sha1 { AlgorithmSet::ALL } else { AlgorithmSet::SHA2 };
    verify::enveloped(&root, keys, allowed).map_err(Refused::Signature)?;
    AuthnRequest::read(&root).map_err(Refused::Message)
}

/// The same where no signature is asked for.
fn accept_unsigned(xml: &[u8]) -> Result<AuthnRequest, Refused> {
    let root = parse(xml, &Limits::MESSAGE).map_err(|error| Refused::Xml(error.cause))?;
    AuthnRequest::read(&root).map_err(Refused::Message)
}
