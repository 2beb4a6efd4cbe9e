//! The last step: filters, NameID, SP session, assertion, Response, signature, audit.

use std::sync::Arc;

use super::RequestContext;
use super::SingleSignOn;
use super::accept::Accepted;
use super::outcome::{Outcome, PostForm, Rejection, SpNames};
use super::told::Told;
use crate::audit::{Event, Record};
use crate::clock::Timestamp;
use crate::identity::NameId;
use crate::registry::{Encrypt, ServiceProvider, Sign as SignPolicy};
use crate::saml::acs::AcsBinding;
use crate::saml::assertion::{Assertion, write_name_id};
use crate::saml::binding::{Kind, paos};
use crate::saml::encryption::EncryptionKey;
use crate::saml::response::{Response, Sign, WriteError, encode};
use crate::saml::status::{INVALID_NAME_ID_POLICY, REQUESTER, RESPONDER, Status, UNKNOWN_PRINCIPAL};
use crate::saml::uris::name_id::ENCRYPTED;
use crate::session::{SessionError, SsoSession};

/// Why no assertion was made: the SP is told, or the person.
#[derive(Debug)]
pub(super) enum NotIssued {
    /// The SP gets a Response with this status, the log gets the words.
    Status(Status, String),
    /// The session has ended meanwhile: the person signs in anew.
    SessionEnded,
    /// Nothing can be sent.
    Rejected(Rejection),
}

impl From<Rejection> for NotIssued {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<SessionError> for NotIssued {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Ended => Self::SessionEnded,
            other => Self::Rejected(Rejection::unavailable(other)),
        }
    }
}

pub(super) async fn issue(
    sso: &SingleSignOn,
    accepted: &Accepted,
    session: &Arc<SsoSession>,
    request: &RequestContext<'_>,
) -> Result<Outcome, NotIssued> {
    let sp = accepted.sp();
    let encryption = encryption(accepted)?;
    let issuer = sso.idp.issuer_for(sp, &session.subject).map_err(|error| {
        let message = "the person has no domain that this identity provider could speak for";
        NotIssued::Status(Status::failure(RESPONDER, UNKNOWN_PRINCIPAL, message), error.to_string())
    })?;
    let told = Told::of(sso, accepted, session, &issuer).await?;
    let sp_session = sso.sessions.sp_session(session, sp.entity_id(), told.name_id).await?;
    let now = sso.clock.now();
    let assertion_id = sso.ids.xml_id();
    let response_id = sso.ids.xml_id();
    let encrypted_id = encryption
        .name_id
        .zip(sp_session.name_id.as_ref())
        .map(|(key, name_id)| encrypted_id(sso, key, name_id))
        .transpose()?;
    let own_audience = [sp.entity_id().to_owned()];
    let policy = &sp.policy;
    let assertion = Assertion {
        id: &assertion_id,
        issuer: &issuer,
        issue_instant: now,
        name_id: sp_session.name_id.as_ref(),
        encrypted_id: encrypted_id.as_deref(),
        in_response_to: accepted.ask().id.as_deref(),
        recipient: accepted.acs(),
        not_before: now.checked_sub(policy.not_before_skew).unwrap_or(Timestamp::MIN),
        not_on_or_after: now.checked_add(policy.assertion_lifetime).unwrap_or(Timestamp::MAX),
        audience: if policy.audience.is_empty() { &own_audience } else { &policy.audience },
        authn_instant: session.authn_instant,
        session_index: &sp_session.session_index,
        session_not_on_or_after: policy.session_not_on_or_after.then_some(session.not_on_or_after),
        authn_context: &session.context.0,
        attributes: &told.attributes,
        name_format: policy.attribute_name_format.as_deref(),
    };
    let response = Response {
        id: &response_id,
        issuer: &issuer,
        issue_instant: now,
        destination: accepted.acs(),
        in_response_to: accepted.ask().id.as_deref(),
        status: &Status::success(),
        assertion: Some(&assertion),
    };
    let signer = sso.signing(sp);
    let xml = match encryption.assertion {
        Some(key) => response.encrypted(&signer, signed_parts(sp), key, sso.ids.as_ref()),
        None => response.signed(&signer, signed_parts(sp)).map_err(WriteError::Sign),
    };
    let xml = xml.map_err(Rejection::unavailable)?;
    if !told.missing.is_empty() {
        let (sp, missing) = (sp.entity_id(), told.missing.join(", "));
        tracing::warn!(
            request.id = %request.id,
            sp.entity_id = sp,
            "{} lacks what the SP requires: {missing}",
            session.subject.login
        );
    }
    let event = Event::AssertionIssued {
        subject: session.subject.id.to_string(),
        login: session.subject.login.clone(),
        sp: sp.entity_id().to_owned(),
        name_id_format: sp_session.name_id.map_or_else(|| "none".to_owned(), |name| name.format),
        attributes: told.attributes.iter().map(|(name, _)| name.to_owned()).collect(),
        missing: told.missing,
        assertion_id,
        in_response_to: accepted.ask().id.clone(),
    };
    record(sso, request, event)?;
    Ok(deliver(sso, accepted, xml).await?)
}

/// The key that each part is encrypted to.
#[derive(Debug, Default)]
struct Encryption<'a> {
    assertion: Option<&'a EncryptionKey>,
    name_id: Option<&'a EncryptionKey>,
}

/// What must be encrypted and can be. What must be and cannot is never sent in the clear.
fn encryption(accepted: &Accepted) -> Result<Encryption<'_>, NotIssued> {
    let sp = accepted.sp();
    let key = sp.encryption.as_ref();
    let mut encryption = Encryption::default();
    match (sp.policy.encrypt, key) {
        (Encrypt::Never, _) => {}
        (Encrypt::WhenKey, key) | (Encrypt::Always, key @ Some(_)) => encryption.assertion = key,
        (Encrypt::Always, None) => {
            let message = "the assertion must be encrypted, and no usable encryption key of the SP is known";
            let status = Status { code: RESPONDER, detail: None, message: Some(message.to_owned()) };
            let remedy = "`sekisho check` says which keys it has";
            return Err(NotIssued::Status(status, format!("{}: {message}; {remedy}", sp.entity_id())));
        }
    }
    if accepted.ask().name_id_policy.format.as_deref() == Some(ENCRYPTED) {
        let message = "an EncryptedID was asked for, and no usable encryption key of the SP is known";
        let refused = || {
            let status = Status::failure(REQUESTER, INVALID_NAME_ID_POLICY, message);
            NotIssued::Status(status, format!("{}: {message}", sp.entity_id()))
        };
        encryption.name_id = Some(key.ok_or_else(refused)?);
    }
    Ok(encryption)
}

fn encrypted_id(sso: &SingleSignOn, key: &EncryptionKey, name_id: &NameId) -> Result<Vec<u8>, Rejection> {
    key.data(&write_name_id(name_id), sso.ids.as_ref()).map_err(Rejection::unavailable)
}

/// Writes the audit event before the answer goes out.
pub(super) fn record(
    sso: &SingleSignOn,
    request: &RequestContext<'_>,
    event: Event,
) -> Result<(), Rejection> {
    let record = Record {
        time: sso.clock.now(),
        request_id: request.id.to_owned(),
        client_address: Some(request.address),
        event,
    };
    sso.audit.write(&record).map_err(Rejection::unavailable)
}

/// A Response that tells the SP why not (saml-core 3.2.2), always signed.
pub(super) async fn failure(
    sso: &SingleSignOn,
    accepted: &Accepted,
    status: &Status,
    session: Option<&Arc<SsoSession>>,
) -> Result<Outcome, Rejection> {
    let id = sso.ids.xml_id();
    let (idp, sp) = (&sso.idp, accepted.sp());
    let issuer = session.and_then(|session| idp.issuer_for(sp, &session.subject).ok());
    let response = Response {
        id: &id,
        issuer: issuer.as_deref().unwrap_or_else(|| idp.issuer_without_subject(sp)),
        issue_instant: sso.clock.now(),
        destination: accepted.acs(),
        in_response_to: accepted.ask().id.as_deref(),
        status,
        assertion: None,
    };
    let both = Sign { assertion: true, response: true };
    let signed = response.signed(&sso.signing(accepted.sp()), both);
    let xml = signed.map_err(Rejection::unavailable)?;
    deliver(sso, accepted, xml).await
}

/// By the binding of the ACS.
async fn deliver(sso: &SingleSignOn, accepted: &Accepted, xml: Vec<u8>) -> Result<Outcome, Rejection> {
    match accepted.binding() {
        AcsBinding::Post => Ok(Outcome::Respond(form(accepted, &xml))),
        AcsBinding::Artifact => sso.refer(accepted, xml).await.map(Outcome::Refer),
        AcsBinding::Paos => Ok(Outcome::Envelope(paos::envelope(&xml, accepted.acs()))),
    }
}

fn form(accepted: &Accepted, xml: &[u8]) -> PostForm {
    PostForm {
        location: accepted.acs().to_owned(),
        kind: Kind::Response,
        message: encode(xml),
        relay_state: accepted.relay_state().map(str::to_owned),
        names: SpNames::of(accepted.sp()),
    }
}

fn signed_parts(sp: &ServiceProvider) -> Sign {
    match sp.policy.sign {
        SignPolicy::Both => Sign { assertion: true, response: true },
        SignPolicy::Assertion => Sign { assertion: true, response: false },
        SignPolicy::Response => Sign { assertion: sp.metadata.want_assertions_signed, response: true },
    }
}
