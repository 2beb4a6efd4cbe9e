//! [`Response`] (saml-core 3.3.3): written and signed by the IdP; read by [`super::received`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::assertion::{Assertion, Unsigned};
use super::message::{ISSUER, date_time};
use super::signature::{SignError, Signer, sign};
use super::status::Status;
use super::uris::{SAMLP, names};
use super::xml::Writer;
use super::xml::name::is_char;
use super::xml::writer::Attr;
use crate::clock::Timestamp;

names! { SAMLP: RESPONSE = "Response" }

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    /// The Assertion.
    pub assertion: bool,
    /// The Response.
    pub response: bool,
}

/// The answer to an SP.
#[derive(Debug)]
pub struct Response<'a> {
    /// Its ID.
    pub id: &'a str,
    /// The IdP's entityID.
    pub issuer: &'a str,
    /// When it is made.
    pub issue_instant: Timestamp,
    /// The ACS that it is posted to.
    pub destination: &'a str,
    /// The request that it answers.
    pub in_response_to: Option<&'a str>,
    /// How it went.
    pub status: &'a Status,
    /// What is asserted; nothing where the status is a failure.
    pub assertion: Option<&'a Assertion<'a>>,
}

impl Response<'_> {
    /// Writes and signs it. A Response without assertion is always signed as a whole.
    pub fn signed(&self, signer: &dyn Signer, what: Sign) -> Result<Vec<u8>, SignError> {
        let assertion = match self.assertion {
            Some(assertion) => {
                check_name_id(assertion)?;
                let unsigned = assertion.write();
                let signature =
                    if what.assertion { signature(signer, assertion.id, &unsigned)? } else { Vec::new() };
                Some((unsigned, signature))
            }
            None => None,
        };
        let response = self.write(assertion.as_ref());
        if !what.response && assertion.is_some() {
            return Ok(response.bytes);
        }
        response.signed(signer, self.id)
    }

    fn write(&self, assertion: Option<&(Unsigned, Vec<u8>)>) -> Unsigned {
        let mut w = Writer::with_capacity(10 * 1024);
        let mut attributes: Vec<Attr<'_>> = vec![
            ("ID", self.id.into()),
            ("Version", "2.0".into()),
            ("IssueInstant", date_time(self.issue_instant).into()),
            ("Destination", self.destination.into()),
        ];
        attributes.extend(self.in_response_to.map(|id| ("InResponseTo", id.into())));
        w.start(&RESPONSE, &mut attributes);
        w.leaf(&ISSUER, &mut [], self.issuer);
        let insert_at = w.position();
        self.status.write(&mut w);
        if let Some((unsigned, signature)) = assertion {
            let (before, after) = unsigned.halves();
            w.splice(before);
            w.splice(signature);
            w.splice(after);
        }
        Unsigned { bytes: w.finish(), insert_at }
    }
}

/// A NameID with another character in place of one that XML cannot hold might be somebody else's.
fn check_name_id(assertion: &Assertion<'_>) -> Result<(), SignError> {
    let value = assertion.name_id.map_or("", |name_id| &name_id.value);
    match value.chars().find(|c| !is_char(*c)) {
        Some(c) => Err(SignError(format!("the NameID holds U+{:04X}, which XML cannot hold", u32::from(c)))),
        None => Ok(()),
    }
}

fn signature(signer: &dyn Signer, id: &str, unsigned: &Unsigned) -> Result<Vec<u8>, SignError> {
    sign::enveloped(signer, id, &unsigned.bytes)
}

/// The value of a form field that carries a message by POST.
pub fn encode(message: &[u8]) -> String {
    STANDARD.encode(message)
}
