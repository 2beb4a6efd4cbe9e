//! [`Received`]: a Response as an SP reads it. The built-in SP shows it; nothing else in an IdP takes Responses.

use super::signature::verify::{self, SignatureError};
use super::signature::{AlgorithmSet, VerificationKey};
use super::uris::{SAML, SAMLP};
use super::xml::{Element, Limits, XmlError, parse};
use crate::identity::NameId;

/// What a Response that verified says.
#[derive(Debug)]
pub struct Received {
    /// The status code of the first level, and those below it.
    pub status: Vec<String>,
    /// StatusMessage.
    pub status_message: Option<String>,
    /// InResponseTo.
    pub in_response_to: Option<String>,
    /// Destination.
    pub destination: Option<String>,
    /// The person.
    pub name_id: Option<NameId>,
    /// Attribute names, and their values.
    pub attributes: Vec<(String, Vec<String>)>,
    /// AuthnContextClassRef.
    pub authn_context: Option<String>,
    /// AuthnInstant.
    pub authn_instant: Option<String>,
    /// SessionIndex.
    pub session_index: Option<String>,
    /// Issuer of the Assertion.
    pub issuer: Option<String>,
    /// NotBefore of the Conditions.
    pub not_before: Option<String>,
    /// NotOnOrAfter of the Conditions.
    pub not_on_or_after: Option<String>,
    /// Audience.
    pub audience: Vec<String>,
    /// Whether the Response itself was signed.
    pub response_signed: bool,
    /// Whether the Assertion was signed.
    pub assertion_signed: bool,
}

/// Why a Response was not believed.
#[derive(Debug, thiserror::Error)]
pub enum ReceivedError {
    /// Not XML that SAML allows.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// No Response.
    #[error("the message is no samlp:Response")]
    Root,
    /// A signature that does not verify.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An assertion that no signature covers.
    #[error("neither the Response nor the Assertion is signed")]
    Unsigned,
    /// More than one assertion.
    #[error("there is more than one Assertion")]
    Assertions,
}

impl Received {
    /// Reads a Response and verifies all its signatures with `keys`.
    pub fn read(xml: &[u8], keys: &[VerificationKey]) -> Result<Self, ReceivedError> {
        let root = parse(xml, &Limits::MESSAGE)?;
        if !root.is(SAMLP.uri, "Response") {
            return Err(ReceivedError::Root);
        }
        let mut assertions = root.all(SAML.uri, "Assertion");
        let assertion = assertions.next();
        if assertions.next().is_some() {
            return Err(ReceivedError::Assertions);
        }
        let response_signed = verify::response(&root, keys)?.is_some();
        let assertion_signed = match assertion {
            Some(assertion) => match verify::enveloped(assertion, keys, AlgorithmSet::SHA2) {
                Ok(_) => true,
                Err(SignatureError::Missing) => false,
                Err(error) => return Err(error.into()),
            },
            None => false,
        };
        if !response_signed && !assertion_signed {
            return Err(ReceivedError::Unsigned);
        }
        // An unsigned Response around a signed Assertion says nothing that could be believed but the Assertion.
        let mut received = Self::status_of(&root);
        received.response_signed = response_signed;
        received.assertion_signed = assertion_signed;
        if let Some(assertion) = assertion {
            received.take(assertion);
        }
        Ok(received)
    }

    fn status_of(root: &Element<'_>) -> Self {
        let status = root.first(SAMLP.uri, "Status");
        let message = status.and_then(|s| s.first(SAMLP.uri, "StatusMessage"));
        Self {
            status: super::status::codes(root),
            status_message: message.map(|m| m.text().into_owned()),
            in_response_to: root.attribute("InResponseTo").map(str::to_owned),
            destination: root.attribute("Destination").map(str::to_owned),
            name_id: None,
            attributes: Vec::new(),
            authn_context: None,
            authn_instant: None,
            session_index: None,
            issuer: None,
            not_before: None,
            not_on_or_after: None,
            audience: Vec::new(),
            response_signed: false,
            assertion_signed: false,
        }
    }

    fn take(&mut self, assertion: &Element<'_>) {
        self.issuer = assertion.first(SAML.uri, "Issuer").map(|issuer| issuer.text().into_owned());
        let subject = assertion.first(SAML.uri, "Subject");
        self.name_id = subject.and_then(|s| s.first(SAML.uri, "NameID")).map(super::name_id::read);
        if let Some(conditions) = assertion.first(SAML.uri, "Conditions") {
            self.not_before = conditions.attribute("NotBefore").map(str::to_owned);
            self.not_on_or_after = conditions.attribute("NotOnOrAfter").map(str::to_owned);
            let restrictions = conditions.all(SAML.uri, "AudienceRestriction");
            for restriction in restrictions {
                self.audience.extend(restriction.all(SAML.uri, "Audience").map(|a| a.text().into_owned()));
            }
        }
        if let Some(statement) = assertion.first(SAML.uri, "AuthnStatement") {
            self.authn_instant = statement.attribute("AuthnInstant").map(str::to_owned);
            self.session_index = statement.attribute("SessionIndex").map(str::to_owned);
            let context = statement.first(SAML.uri, "AuthnContext");
            let class = context.and_then(|c| c.first(SAML.uri, "AuthnContextClassRef"));
            self.authn_context = class.map(|c| c.text().into_owned());
        }
        for statement in assertion.all(SAML.uri, "AttributeStatement") {
            for attribute in statement.all(SAML.uri, "Attribute") {
                let name = attribute.attribute("Name").unwrap_or_default().to_owned();
                let values = attribute.all(SAML.uri, "AttributeValue").map(|v| v.text().into_owned());
                self.attributes.push((name, values.collect()));
            }
        }
    }
}
