//! Reads and judges logout messages: what is left is signed, in time, meant for us and by a registered SP.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::identity::NameId;
use crate::registry::{ServiceProvider, Snapshot};
use crate::saml::binding::{self, BindingError, Kind, post, redirect, soap};
use crate::saml::encryption;
use crate::saml::logout::{LogoutRequest, LogoutResponse, Principal};
use crate::saml::message::Head;
use crate::saml::signature::{SignatureError, SignatureValid};
use crate::saml::uris::{BINDING_POST, BINDING_REDIRECT, BINDING_SOAP, SAML};
use crate::saml::xml::{Element, Limits, parse};
use crate::sso::Incoming;
use crate::sso::accept::{FUTURE, Ground, check_age, check_destination, enveloped, find};
use crate::sso::outcome::Rejection;

/// A logout message that stands.
#[derive(Debug)]
pub(in crate::sso) enum Heard {
    /// A person signed out at an SP.
    Request(Box<Asked>),
    /// The same, but nothing proves that the SP says so.
    Unsigned,
    /// An SP answers.
    Response(Answered),
}

/// A LogoutRequest that stands.
#[derive(Debug)]
pub(in crate::sso) struct Asked {
    pub(in crate::sso) sp: Arc<ServiceProvider>,
    pub(in crate::sso) request: LogoutRequest,
    /// Who is to be signed out; `None` if the EncryptedID cannot be read.
    pub(in crate::sso) name: Option<NameId>,
    pub(in crate::sso) relay_state: Option<String>,
    pub(in crate::sso) binding: &'static str,
}

/// A LogoutResponse that stands.
#[derive(Debug)]
pub(in crate::sso) struct Answered {
    /// The entityID of the SP.
    pub(in crate::sso) sp: String,
    /// The request that it answers.
    pub(in crate::sso) request: String,
    /// Whether it says that the person is signed out there.
    pub(in crate::sso) success: bool,
}

/// A message that does not stand.
#[derive(Debug)]
pub(in crate::sso) enum Unheard {
    /// A request, or nothing that could be told from one.
    Request(Rejection),
    /// A response, and the request that it claims to answer.
    Response(Rejection, Option<String>),
}

/// Judges what a browser brought.
pub(in crate::sso) fn hear(incoming: Incoming<'_>, ground: Ground<'_>) -> Result<Heard, Unheard> {
    let raw = match incoming {
        Incoming::Redirect { raw_query } => raw_query.as_bytes(),
        Incoming::Post { body } => body,
    };
    let unseen = |error: BindingError| match binding::kind(raw) {
        Some(Kind::Response) => Unheard::Response(error.into(), None),
        Some(Kind::Request) | None => Unheard::Request(error.into()),
    };
    match incoming {
        Incoming::Redirect { raw_query } => {
            let (kind, received) = redirect::Received::message(raw_query).map_err(unseen)?;
            let verify =
                |_: &Element<'_>, sp: &ServiceProvider| received.verify(&sp.keys, sp.request_algorithms);
            let relay_state = received.relay_state.clone();
            message(kind, &received.xml, (BINDING_REDIRECT, relay_state), ground, verify)
        }
        Incoming::Post { body } => {
            let (kind, received) = post::Received::message(body).map_err(unseen)?;
            message(kind, &received.xml, (BINDING_POST, received.relay_state), ground, enveloped)
        }
    }
}

/// Judges a LogoutRequest that came by SOAP.
pub(super) fn hear_soap(envelope: &[u8], ground: Ground<'_>) -> Result<Box<Asked>, Rejection> {
    let root = soap::read(envelope)?;
    match request(&root, (BINDING_SOAP, None), ground, enveloped)? {
        Heard::Request(asked) => Ok(asked),
        Heard::Unsigned | Heard::Response(_) => {
            let sp = LogoutRequest::read(&root)?.head.issuer;
            Err(Rejection::Signature { sp, cause: SignatureError::Missing })
        }
    }
}

/// Judges the answer to a request of ours that went by SOAP. The connection was made by us to a registered endpoint, so
/// a signature may be missing; one that is there must verify.
pub(super) fn hear_answer(
    envelope: &[u8],
    sp: &ServiceProvider,
    request: &str,
    ground: Ground<'_>,
) -> Result<Answered, Rejection> {
    let root = soap::read(envelope)?;
    let response = LogoutResponse::read(&root)?;
    let signed = enveloped(&root, sp);
    if let Err(cause) = signed
        && !sp.keys.is_empty()
        && cause != SignatureError::Missing
    {
        return Err(Rejection::Signature { sp: sp.entity_id().to_owned(), cause });
    }
    let sender = find_also_disabled(ground.snapshot, &response.head.issuer, ground.now)?;
    let answered = Answered {
        sp: sender.entity_id().to_owned(),
        request: response.in_response_to.clone().unwrap_or_default(),
        success: response.is_success(),
    };
    if answered.sp == sp.entity_id() && answered.request == request {
        return Ok(answered);
    }
    Err(Rejection::Unasked { sp: answered.sp, id: answered.request.chars().take(256).collect() })
}

type Verify<'v> = dyn Fn(&Element<'_>, &ServiceProvider) -> Result<SignatureValid, SignatureError> + 'v;

fn message(
    kind: Kind,
    xml: &[u8],
    way: (&'static str, Option<String>),
    ground: Ground<'_>,
    verify: impl Fn(&Element<'_>, &ServiceProvider) -> Result<SignatureValid, SignatureError>,
) -> Result<Heard, Unheard> {
    let parsed = parse(xml, &Limits::MESSAGE).map_err(Rejection::from);
    match kind {
        Kind::Request => {
            parsed.and_then(|root| request(&root, way, ground, verify)).map_err(Unheard::Request)
        }
        Kind::Response => {
            let root = parsed.map_err(|rejection| Unheard::Response(rejection, None))?;
            let claimed = root.attribute("InResponseTo").map(str::to_owned);
            response(&root, way.0, ground, &verify).map_err(|error| Unheard::Response(error, claimed))
        }
    }
}

fn request(
    root: &Element<'_>,
    (binding, relay_state): (&'static str, Option<String>),
    ground: Ground<'_>,
    verify: impl Fn(&Element<'_>, &ServiceProvider) -> Result<SignatureValid, SignatureError>,
) -> Result<Heard, Rejection> {
    let request = LogoutRequest::read(root)?;
    let sp = find(ground.snapshot, &request.head.issuer, ground.now)?;
    if !signature(root, &sp, &verify)? {
        return Ok(Heard::Unsigned);
    }
    stands(&request.head, &sp, binding, ground)?;
    let over = request.not_on_or_after.is_some_and(|end| ground.now.duration_since(end) >= FUTURE);
    if over {
        return Err(Rejection::Over(sp.entity_id().to_owned()));
    }
    let name = match &request.principal {
        Principal::Named(name) => Some(name.clone()),
        // Only now: nothing of a message that nobody signed is decrypted.
        Principal::Encrypted => root
            .first(SAML.uri, "EncryptedID")
            .and_then(|encrypted| encryption::name_id(encrypted, ground.keys).ok()),
    };
    Ok(Heard::Request(Box::new(Asked { sp, request, name, relay_state, binding })))
}

fn response(
    root: &Element<'_>,
    binding: &'static str,
    ground: Ground<'_>,
    verify: &Verify<'_>,
) -> Result<Heard, Rejection> {
    let response = LogoutResponse::read(root)?;
    let sp = find_also_disabled(ground.snapshot, &response.head.issuer, ground.now)?;
    if !signature(root, &sp, verify)? {
        return Err(Rejection::Signature { sp: sp.entity_id().to_owned(), cause: SignatureError::Missing });
    }
    stands(&response.head, &sp, binding, ground)?;
    Ok(Heard::Response(Answered {
        sp: sp.entity_id().to_owned(),
        request: response.in_response_to.clone().unwrap_or_default(),
        success: response.is_success(),
    }))
}

/// Whether the SP signed it; `false` where nothing proves it: no signature, or no key to judge one by.
fn signature(root: &Element<'_>, sp: &ServiceProvider, verify: &Verify<'_>) -> Result<bool, Rejection> {
    if sp.keys.is_empty() {
        return Ok(false);
    }
    match verify(root, sp) {
        Ok(_) => Ok(true),
        Err(SignatureError::Missing) => Ok(false),
        Err(cause) => Err(Rejection::Signature { sp: sp.entity_id().to_owned(), cause }),
    }
}

/// Destination and time of a signed message.
fn stands(head: &Head, sp: &ServiceProvider, binding: &str, ground: Ground<'_>) -> Result<(), Rejection> {
    // saml-bindings 3.5.5.2
    if binding == BINDING_POST && head.destination.is_none() {
        return Err(Rejection::NoDestination(sp.entity_id().to_owned()));
    }
    check_destination(sp, head.destination.as_deref(), &ground.idp.demands.logout_destinations)?;
    check_age(sp, head.issue_instant, &ground.idp.demands, ground.now)
}

/// An SP that was switched off meanwhile may still say that it signed somebody out.
pub(in crate::sso) fn find_also_disabled(
    snapshot: &Snapshot,
    entity_id: &str,
    now: Timestamp,
) -> Result<Arc<ServiceProvider>, Rejection> {
    match snapshot.find_disabled(entity_id) {
        Some(sp) => Ok(Arc::clone(sp)),
        None => find(snapshot, entity_id, now),
    }
}
