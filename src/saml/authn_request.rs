//! [`AuthnRequest`] (saml-core 3.4.1): read from a verified tree, and written by the built-in SP.

use serde::{Deserialize, Serialize};

use super::encryption::{self, DecryptionKeys};
use super::error::MessageError;
use super::message::{Head, ISSUER, boolean, cut, date_time, once};
use super::name_id::{self, NameIdPolicy};
use super::signature::SignatureValid;
use super::uris::{BINDING_POST, SAML, SAMLP, names};
use super::xml::{Element, Writer};
use crate::clock::Timestamp;
use crate::identity::NameId;

names! { SAMLP: AUTHN_REQUEST = "AuthnRequest" }

/// What an SP asks for. Scoping is passed over: it limits proxies, and its IDPList is advisory (saml-core 3.4.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnRequest {
    /// The ID that the Response will answer.
    pub id: String,
    /// When the SP made it.
    pub issue_instant: Timestamp,
    /// Where the SP meant to send it.
    pub destination: Option<String>,
    /// The SP's entityID.
    pub issuer: String,
    /// Where it wants the answer.
    pub acs_url: Option<String>,
    /// The same as an index of its metadata.
    pub acs_index: Option<u16>,
    /// By which binding it wants the answer.
    pub protocol_binding: Option<String>,
    /// Sign in anew, whatever session there is.
    pub force_authn: bool,
    /// Show no page.
    pub is_passive: bool,
    /// What the NameID should be.
    pub name_id_policy: NameIdPolicy,
    /// How strongly the person should be authenticated.
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// Who should be signed in.
    pub subject: Option<NameId>,
    /// Whether that is told by an EncryptedID; [`Self::decrypt_subject`] reads it.
    pub subject_encrypted: bool,
    /// For which service of its metadata it asks: which attributes that needs.
    pub attribute_consuming_service_index: Option<u16>,
}

/// saml-core 3.3.2.2.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedAuthnContext {
    /// How the classes are compared.
    pub comparison: Comparison,
    /// AuthnContextClassRef, in order of preference; none when the SP asks by AuthnContextDeclRef, which nothing here
    /// can meet: sekisho makes no authentication context declarations.
    pub classes: Vec<String>,
}

/// saml-core 3.3.2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// One of the classes.
    Exact,
    /// At least as strong as one of them.
    Minimum,
    /// As strong as possible without exceeding the strength of at least one of them.
    Maximum,
    /// Stronger than each of them.
    Better,
}

impl AuthnRequest {
    /// Reads the request that `root` is.
    pub fn read(root: &Element<'_>) -> Result<Self, MessageError> {
        let head = Head::read(root, "AuthnRequest", "samlp:AuthnRequest")?;
        let (subject, subject_encrypted) = subject(root)?;
        Ok(Self {
            id: head.id,
            issue_instant: head.issue_instant,
            destination: head.destination,
            issuer: head.issuer,
            acs_url: root.attribute("AssertionConsumerServiceURL").map(str::to_owned),
            acs_index: index(root, "AssertionConsumerServiceIndex")?,
            protocol_binding: root.attribute("ProtocolBinding").map(str::to_owned),
            force_authn: boolean(root, "ForceAuthn")?,
            is_passive: boolean(root, "IsPassive")?,
            name_id_policy: name_id_policy(root)?,
            requested_authn_context: requested_authn_context(root)?,
            subject,
            subject_encrypted,
            attribute_consuming_service_index: index(root, "AttributeConsumingServiceIndex")?,
        })
    }

    /// Decrypts who is meant.
    pub fn decrypt_subject(
        &mut self,
        root: &Element<'_>,
        proof: &SignatureValid,
        keys: &DecryptionKeys,
    ) -> Result<(), MessageError> {
        let subject = root.first(SAML.uri, "Subject").and_then(|subject| encrypted_id(subject).transpose());
        let Some(encrypted) = subject.transpose()? else { return Ok(()) };
        self.subject = Some(encryption::name_id(encrypted, proof, keys)?);
        Ok(())
    }

    /// Writes an unsigned request that asks for a Response by POST at `acs_url`.
    pub fn write(id: &str, now: Timestamp, destination: &str, issuer: &str, acs_url: &str) -> Vec<u8> {
        let mut w = Writer::with_capacity(1024);
        w.start(
            &AUTHN_REQUEST,
            &mut [
                ("ID", id.into()),
                ("Version", "2.0".into()),
                ("IssueInstant", date_time(now).into()),
                ("Destination", destination.into()),
                ("AssertionConsumerServiceURL", acs_url.into()),
                ("ProtocolBinding", BINDING_POST.into()),
            ],
        );
        w.leaf(&ISSUER, &mut [], issuer);
        w.finish()
    }
}

fn index(root: &Element<'_>, attribute: &'static str) -> Result<Option<u16>, MessageError> {
    let Some(text) = root.attribute(attribute) else { return Ok(None) };
    let parsed = text.trim().parse().map(Some);
    parsed.map_err(|_| MessageError::Value { attribute, value: cut(text) })
}

fn name_id_policy(root: &Element<'_>) -> Result<NameIdPolicy, MessageError> {
    let Some(policy) = once(root, SAMLP.uri, "NameIDPolicy")? else { return Ok(NameIdPolicy::default()) };
    let format = policy.attribute("Format").map(str::trim).filter(|f| !f.is_empty());
    Ok(NameIdPolicy {
        format: format.map(|f| name_id::canonical_format(f).to_owned()),
        sp_name_qualifier: policy.attribute("SPNameQualifier").filter(|q| !q.is_empty()).map(str::to_owned),
        allow_create: boolean(policy, "AllowCreate")?,
    })
}

fn requested_authn_context(root: &Element<'_>) -> Result<Option<RequestedAuthnContext>, MessageError> {
    let Some(requested) = once(root, SAMLP.uri, "RequestedAuthnContext")? else { return Ok(None) };
    let comparison = match requested.attribute("Comparison").unwrap_or("exact") {
        "exact" => Comparison::Exact,
        "minimum" => Comparison::Minimum,
        "maximum" => Comparison::Maximum,
        "better" => Comparison::Better,
        other => return Err(MessageError::Comparison(cut(other))),
    };
    let mut classes: Vec<_> =
        requested.all(SAML.uri, "AuthnContextClassRef").map(|e| e.text().trim().to_owned()).collect();
    let declared = requested.first(SAML.uri, "AuthnContextDeclRef").is_some();
    if declared && comparison == Comparison::Better {
        // Nothing is known to be stronger than a declaration that nobody here can read.
        classes.clear();
    }
    let asked = declared || !classes.is_empty();
    Ok(asked.then_some(RequestedAuthnContext { comparison, classes }))
}

/// Who is meant, and whether an EncryptedID says so.
fn subject(root: &Element<'_>) -> Result<(Option<NameId>, bool), MessageError> {
    let Some(subject) = once(root, SAML.uri, "Subject")? else { return Ok((None, false)) };
    // To pass over who is meant would be to answer for whoever is signed in.
    if subject.first(SAML.uri, "BaseID").is_some() {
        return Err(MessageError::Subject("BaseID"));
    }
    if subject.first(SAML.uri, "SubjectConfirmation").is_some() {
        return Err(MessageError::SubjectConfirmation);
    }
    let encrypted = encrypted_id(subject)?.is_some();
    match once(subject, SAML.uri, "NameID")? {
        Some(_) if encrypted => Err(MessageError::Twice("the identifier of the Subject")),
        name_id => Ok((name_id.map(name_id::read), encrypted)),
    }
}

fn encrypted_id<'t, 'a>(subject: &'t Element<'a>) -> Result<Option<&'t Element<'a>>, MessageError> {
    once(subject, SAML.uri, "EncryptedID")
}
