//! The last step: filters, NameID, SP session, assertion, Response, signature, audit.

use std::sync::Arc;

use super::RequestContext;
use super::SingleSignOn;
use super::accept::Accepted;
use super::outcome::{PostForm, Rejection, SpNames};
use super::told::Told;
use crate::audit::{Event, Record};
use crate::clock::Timestamp;
use crate::registry::{ServiceProvider, Sign as SignPolicy};
use crate::saml::assertion::Assertion;
use crate::saml::response::{Response, Sign, encode};
use crate::saml::status::Status;
use crate::session::SsoSession;

/// Why no assertion was made: the SP is told, or the person.
#[derive(Debug)]
pub(super) enum NotIssued {
    /// The SP gets a Response with this status, the log gets the words.
    Status(Status, String),
    /// Nothing can be sent.
    Rejected(Rejection),
}

impl From<Rejection> for NotIssued {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

pub(super) async fn issue(
    sso: &SingleSignOn,
    accepted: &Accepted,
    session: &Arc<SsoSession>,
    request: &RequestContext<'_>,
) -> Result<PostForm, NotIssued> {
    let sp = accepted.sp();
    let told = Told::of(sso, accepted, session)?;
    let sp_session = sso
        .sessions
        .sp_session(session, sp.entity_id(), told.name_id)
        .await
        .map_err(|error| Rejection::Unavailable(error.to_string()))?;
    let now = sso.clock.now();
    let assertion_id = sso.ids.xml_id();
    let response_id = sso.ids.xml_id();
    let own_audience = [sp.entity_id().to_owned()];
    let policy = &sp.policy;
    let assertion = Assertion {
        id: &assertion_id,
        issuer: &sso.idp.entity_id,
        issue_instant: now,
        name_id: sp_session.name_id.as_ref(),
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
        issuer: &sso.idp.entity_id,
        issue_instant: now,
        destination: accepted.acs(),
        in_response_to: accepted.ask().id.as_deref(),
        status: &Status::success(),
        assertion: Some(&assertion),
    };
    let xml = response
        .signed(&***sso.signer.load(), signed_parts(sp))
        .map_err(|error| Rejection::Unavailable(error.to_string()))?;
    if !told.missing.is_empty() {
        let (sp, missing) = (sp.entity_id(), told.missing.join(", "));
        tracing::warn!(
            request.id = request.id,
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
    Ok(form(accepted, &xml))
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
    sso.audit.write(&record).map_err(|error| Rejection::Unavailable(error.to_string()))
}

/// A Response that tells the SP why not (saml-core 3.2.2), always signed.
pub(super) fn failure(
    sso: &SingleSignOn,
    accepted: &Accepted,
    status: &Status,
) -> Result<PostForm, Rejection> {
    let id = sso.ids.xml_id();
    let response = Response {
        id: &id,
        issuer: &sso.idp.entity_id,
        issue_instant: sso.clock.now(),
        destination: accepted.acs(),
        in_response_to: accepted.ask().id.as_deref(),
        status,
        assertion: None,
    };
    let both = Sign { assertion: true, response: true };
    let signed = response.signed(&***sso.signer.load(), both);
    signed.map(|xml| form(accepted, &xml)).map_err(|error| Rejection::Unavailable(error.to_string()))
}

fn form(accepted: &Accepted, xml: &[u8]) -> PostForm {
    PostForm {
        acs: accepted.acs().to_owned(),
        saml_response: encode(xml),
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
