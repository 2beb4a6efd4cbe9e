//! [`Response`] (saml-core 3.3.3): written and signed by the IdP; read by [`super::received`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::assertion::Assertion;
use super::encryption::{ENCRYPTED_ASSERTION, EncryptError, EncryptionKey};
use super::message::{ISSUER, date_time};
use super::signature::sign::{self, Unsigned};
use super::signature::{SignError, Signer};
use super::status::Status;
use super::uris::{SAMLP, names};
use super::xml::Writer;
use super::xml::name::is_char;
use super::xml::writer::Attr;
use crate::clock::{Ids, Timestamp};

names! { SAMLP: RESPONSE = "Response" }

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    /// The Assertion.
    pub assertion: bool,
    /// The Response.
    pub response: bool,
}

/// Why a Response was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It could not be encrypted.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
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
        let Some(assertion) = self.assertion else { return self.whole(signer, &[]) };
        let (unsigned, signature) = signed_assertion(assertion, signer, what)?;
        let (before, after) = unsigned.halves();
        self.around(signer, what, &[before, &signature, after])
    }

    /// The same with the assertion encrypted to `key`: it is signed before (saml-core 6.2), the Response afterwards.
    pub fn encrypted(
        &self,
        signer: &dyn Signer,
        what: Sign,
        key: &EncryptionKey,
        ids: &dyn Ids,
    ) -> Result<Vec<u8>, WriteError> {
        let Some(assertion) = self.assertion else { return Ok(self.whole(signer, &[])?) };
        let (unsigned, signature) = signed_assertion(assertion, signer, what)?;
        let (before, after) = unsigned.halves();
        let plaintext = [before, &signature, after].concat();
        let encrypted = key.element(&ENCRYPTED_ASSERTION, &plaintext, ids)?;
        Ok(self.around(signer, what, &[&encrypted])?)
    }

    fn around(&self, signer: &dyn Signer, what: Sign, assertion: &[&[u8]]) -> Result<Vec<u8>, SignError> {
        if what.response { self.whole(signer, assertion) } else { Ok(self.write(assertion).bytes) }
    }

    /// The Response with a signature of its own.
    fn whole(&self, signer: &dyn Signer, assertion: &[&[u8]]) -> Result<Vec<u8>, SignError> {
        self.write(assertion).signed(signer, self.id)
    }

    fn write(&self, assertion: &[&[u8]]) -> Unsigned {
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
        for part in assertion {
            w.splice(part);
        }
        Unsigned { bytes: w.finish(), insert_at }
    }
}

/// The assertion without its signature, and the signature; empty where none is wanted.
fn signed_assertion(
    assertion: &Assertion<'_>,
    signer: &dyn Signer,
    what: Sign,
) -> Result<(Unsigned, Vec<u8>), SignError> {
    check_name_id(assertion)?;
    let unsigned = assertion.write();
    let sign = || sign::enveloped(signer, assertion.id, &unsigned.bytes);
    let signature = if what.assertion { sign()? } else { Vec::new() };
    Ok((unsigned, signature))
}

/// A NameID with another character in place of one that XML cannot hold might be somebody else's.
fn check_name_id(assertion: &Assertion<'_>) -> Result<(), SignError> {
    let value = assertion.name_id.map_or("", |name_id| &name_id.value);
    match value.chars().find(|c| !is_char(*c)) {
        Some(c) => Err(SignError(format!("the NameID holds U+{:04X}, which XML cannot hold", u32::from(c)))),
        None => Ok(()),
    }
}

/// The value of a form field that carries a message by POST.
pub fn encode(message: &[u8]) -> String {
    STANDARD.encode(message)
}
