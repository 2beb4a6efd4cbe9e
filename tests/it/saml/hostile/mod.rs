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
use sekisho::saml::signature::{SignatureError, VerificationKey, verify};
use sekisho::saml::xml::reader::Violation;
use sekisho::saml::xml::{Limits, parse};

/// Why a request by POST did not get in.
#[derive(Debug, PartialEq)]
enum Refused {
    Xml(Violation),
    Signature(SignatureError),
    Message(MessageError),
}

/// What an IdP does with a request that must be signed.
fn accept(xml: &[u8], keys: &[VerificationKey], sha1: bool) -> Result<AuthnRequest, Refused> {
    let root = parse(xml, &Limits::MESSAGE).map_err(|error| Refused::Xml(error.cause))?;
    verify::enveloped(&root, keys, sha1).map_err(Refused::Signature)?;
    AuthnRequest::read(&root).map_err(Refused::Message)
}

/// The same where no signature is asked for.
fn accept_unsigned(xml: &[u8]) -> Result<AuthnRequest, Refused> {
    let root = parse(xml, &Limits::MESSAGE).map_err(|error| Refused::Xml(error.cause))?;
    AuthnRequest::read(&root).map_err(Refused::Message)
}
