//! The first step: what came becomes [`Accepted`], or is refused before anything could go to any SP.

use std::sync::Arc;

use super::Idp;
use super::outcome::Rejection;
use crate::clock::{SignedDuration, Timestamp};
use crate::registry::{ServiceProvider, Snapshot, VerifyRequests};
use crate::saml::acs::{Acs, AcsBinding, Carrier};
use crate::saml::authn_request::AuthnRequest;
use crate::saml::binding::{post, redirect, soap};
use crate::saml::encryption::DecryptionKeys;
use crate::saml::error::MessageError;
use crate::saml::message::date_time;
use crate::saml::signature::{SignatureError, SignatureValid, verify};
use crate::saml::xml::{Element, Limits, parse};
use crate::session::{Ask, PendingRequest};

/// How far an SP's clock may be off.
pub(super) const FUTURE: SignedDuration = SignedDuration::from_mins(5);

/// The octets of a request, by binding.
#[derive(Debug, Clone, Copy)]
pub enum Incoming<'a> {
    /// HTTP Redirect: the raw query.
    Redirect {
        /// Everything after the question mark.
        raw_query: &'a str,
    },
    /// HTTP POST: the raw form.
    Post {
        /// The `application/x-www-form-urlencoded` body.
        body: &'a [u8],
    },
}

/// What the IdP itself demands of requests.
#[derive(Debug, Clone)]
pub struct Demands {
    /// The addresses at which requests may be meant to arrive: the own and its aliases.
    pub destinations: Vec<String>,
    /// The same for logout messages, by browser and by SOAP.
    pub logout_destinations: Vec<String>,
    /// The same for ArtifactResolve, by SOAP.
    pub artifact_destinations: Vec<String>,
    /// How old a request may be, where the SP's policy says nothing.
    pub request_max_age: SignedDuration,
    /// Whether every request must be signed.
    pub want_authn_requests_signed: bool,
}

/// What messages are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// What the IdP is.
    pub idp: &'a Idp,
    /// The service providers.
    pub snapshot: &'a Snapshot,
    /// What decrypts an EncryptedID.
    pub keys: &'a DecryptionKeys,
    /// The present moment.
    pub now: Timestamp,
}

/// Proof that issuer, signature, destination, time and ACS of a request stand.
#[derive(Debug)]
pub struct Accepted {
    sp: Arc<ServiceProvider>,
    acs: Acs,
    relay_state: Option<String>,
    ask: Ask,
}

impl Accepted {
    /// Who asks.
    pub fn sp(&self) -> &Arc<ServiceProvider> {
        &self.sp
    }

    /// Where the answer goes.
    pub fn acs(&self) -> &str {
        self.acs.location()
    }

    /// How it gets there.
    pub fn binding(&self) -> AcsBinding {
        self.acs.binding()
    }

    /// RelayState.
    pub fn relay_state(&self) -> Option<&str> {
        self.relay_state.as_deref()
    }

    /// What is asked.
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The request as it waits for a person to sign in.
    pub fn to_pending(&self) -> PendingRequest {
        PendingRequest {
            sp: self.sp.entity_id().to_owned(),
            acs: self.acs.location().to_owned(),
            binding: self.acs.binding(),
            relay_state: self.relay_state.clone(),
            ask: self.ask.clone(),
        }
    }

    /// Judges a request that just came.
    pub fn read(incoming: Incoming<'_>, ground: Ground<'_>) -> Result<Self, Rejection> {
        match incoming {
            Incoming::Redirect { raw_query } => {
                let received = redirect::Received::request(raw_query)?;
                let root = parse(&received.xml, &Limits::MESSAGE)?;
                let judge = |sp: &ServiceProvider| received.verify(&sp.keys, sp.request_algorithms);
                let judged = judged(&root, ground, judge)?;
                Self::complete(judged, (Carrier::Browser, received.relay_state), ground)
            }
            Incoming::Post { body } => {
                let received = post::Received::request(body)?;
                let root = parse(&received.xml, &Limits::MESSAGE)?;
                let judged = judged(&root, ground, |sp| enveloped(&root, sp))?;
                // saml-bindings 3.5.5.2
                if judged.signed && judged.request.destination.is_none() {
                    return Err(Rejection::NoDestination(judged.request.issuer));
                }
                Self::complete(judged, (Carrier::Browser, received.relay_state), ground)
            }
        }
    }

    /// Judges a request that an enhanced client brings by SOAP (saml-profiles 4.2).
    pub fn read_soap(envelope: &[u8], ground: Ground<'_>) -> Result<Self, Rejection> {
        let root = soap::read(envelope)?;
        let judged = judged(&root, ground, |sp| enveloped(&root, sp))?;
        if !judged.sp.policy.ecp {
            return Err(Rejection::NoClients(judged.request.issuer));
        }
        Self::complete(judged, (Carrier::Client, None), ground)
    }

    fn complete(
        Judged { sp, request, .. }: Judged,
        (carrier, relay_state): (Carrier, Option<String>),
        Ground { idp, now, .. }: Ground<'_>,
    ) -> Result<Self, Rejection> {
        let demands = &idp.demands;
        check_destination(&sp, request.destination.as_deref(), &demands.destinations)?;
        check_age(&sp, request.issue_instant, demands, now)?;
        let acs = Acs::choose(&sp.metadata.acs, &request, carrier)
            .map_err(|cause| Rejection::Acs { sp: sp.entity_id().to_owned(), cause })?;
        if let Some(lint) = acs.lint() {
            tracing::info!(sp.entity_id = sp.entity_id(), ?lint, "the request is odd but can be answered");
        }
        let ask = Ask {
            id: Some(request.id),
            received: now,
            force_authn: request.force_authn,
            is_passive: request.is_passive,
            name_id_policy: request.name_id_policy,
            requested_authn_context: request.requested_authn_context,
            subject: request.subject,
            subject_encrypted: request.subject_encrypted,
            attribute_service: request.attribute_service,
            signed_in: None,
        };
        Ok(Self { sp, acs, relay_state, ask })
    }

    /// Takes up a request that waited for a person to sign in. Its SP and ACS must still be registered.
    pub fn resume(
        pending: PendingRequest,
        snapshot: &Snapshot,
        demands: &Demands,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let sp = find(snapshot, &pending.sp, now)?;
        check_age(&sp, pending.ask.received, demands, now)?;
        let acs = Acs::registered(&sp.metadata.acs, &pending.acs, pending.binding)
            .map_err(|cause| Rejection::Acs { sp: pending.sp.clone(), cause })?;
        Ok(Self { sp, acs, relay_state: pending.relay_state, ask: pending.ask })
    }

    /// A sign-on that no request asked for (saml-profiles 4.1.5).
    pub fn unsolicited(
        entity_id: &str,
        relay_state: Option<&str>,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let sp = find(snapshot, entity_id, now)?;
        let named = || entity_id.to_owned();
        // An empty parameter of a link says nothing.
        let relay_state = relay_state.filter(|state| !state.is_empty());
        let acs = Acs::default(&sp.metadata.acs).map_err(|cause| Rejection::Acs { sp: named(), cause })?;
        if let Some(relay_state) = relay_state {
            crate::saml::binding::relay_state(relay_state)?;
            let prefixes = &sp.policy.relay_state_prefixes;
            if !prefixes.is_empty() && !prefixes.iter().any(|prefix| relay_state.starts_with(prefix)) {
                return Err(Rejection::RelayStatePrefix(named()));
            }
        }
        let relay_state = relay_state.map(str::to_owned).or_else(|| sp.policy.relay_state.clone());
        let ask = Ask {
            id: None,
            received: now,
            force_authn: false,
            is_passive: false,
            name_id_policy: crate::saml::name_id::NameIdPolicy::default(),
            requested_authn_context: None,
            subject: None,
            subject_encrypted: false,
            attribute_service: None,
            signed_in: None,
        };
        Ok(Self { sp, acs, relay_state, ask })
    }
}

/// A request that is its SP's.
struct Judged {
    sp: Arc<ServiceProvider>,
    request: AuthnRequest,
    /// A signature was looked at, and holds.
    signed: bool,
}

/// Issuer and signature.
fn judged(
    root: &Element<'_>,
    ground: Ground<'_>,
    verify: impl FnOnce(&ServiceProvider) -> Result<SignatureValid, SignatureError>,
) -> Result<Judged, Rejection> {
    let mut request = AuthnRequest::read(root)?;
    let sp = find(ground.snapshot, &request.issuer, ground.now)?;
    let proof = check_signature(&sp, &ground.idp.demands, verify)
        .map_err(|cause| Rejection::Signature { sp: request.issuer.clone(), cause })?;
    if request.subject_encrypted {
        let proof = proof.as_ref().ok_or(MessageError::EncryptedUnsigned)?;
        request.decrypt_subject(root, proof, ground.keys)?;
    }
    Ok(Judged { sp, request, signed: proof.is_some() })
}

/// Judges the signature in a document by the SP's keys.
pub(super) fn enveloped(root: &Element<'_>, sp: &ServiceProvider) -> Result<SignatureValid, SignatureError> {
    verify::enveloped(root, &sp.keys, sp.request_algorithms)
}

pub(super) fn find(
    snapshot: &Snapshot,
    entity_id: &str,
    now: Timestamp,
) -> Result<Arc<ServiceProvider>, Rejection> {
    let named = || entity_id.chars().take(1024).collect();
    match snapshot.find(entity_id) {
        Some(sp) if sp.expired(now) => Err(Rejection::Expired(named())),
        Some(sp) => Ok(Arc::clone(sp)),
        None if snapshot.find_disabled(entity_id).is_some() => Err(Rejection::Disabled(named())),
        None => Err(Rejection::UnknownServiceProvider(named())),
    }
}

/// What holds of the signatures of this SP's AuthnRequests.
pub(super) fn rule(sp: &ServiceProvider, demands: &Demands) -> VerifyRequests {
    let forced = sp.metadata.authn_requests_signed || demands.want_authn_requests_signed;
    if forced { VerifyRequests::Required } else { sp.policy.verify_requests }
}

/// The proof, where there is a signature that was looked at.
fn check_signature(
    sp: &ServiceProvider,
    demands: &Demands,
    verify: impl FnOnce(&ServiceProvider) -> Result<SignatureValid, SignatureError>,
) -> Result<Option<SignatureValid>, SignatureError> {
    match rule(sp, demands) {
        VerifyRequests::Ignore => Ok(None),
        VerifyRequests::Required => verify(sp).map(Some),
        // Without a registered key a signature says nothing: the request counts as unsigned.
        VerifyRequests::WhenKey if sp.keys.is_empty() => Ok(None),
        VerifyRequests::WhenKey => match verify(sp) {
            Ok(proof) => Ok(Some(proof)),
            Err(SignatureError::Missing) => Ok(None),
            Err(error) => Err(error),
        },
    }
}

/// A message that says where it was sent must have been sent here.
pub(super) fn check_destination(
    sp: &ServiceProvider,
    destination: Option<&str>,
    ours: &[String],
) -> Result<(), Rejection> {
    let Some(destination) = destination else { return Ok(()) };
    let meant = normalised(destination);
    if ours.iter().any(|ours| normalised(ours) == meant) {
        return Ok(());
    }
    let destination = destination.chars().take(512).collect();
    Err(Rejection::Destination { sp: sp.entity_id().to_owned(), destination })
}

pub(super) fn check_age(
    sp: &ServiceProvider,
    made: Timestamp,
    demands: &Demands,
    now: Timestamp,
) -> Result<(), Rejection> {
    let age = now.duration_since(made);
    if age < -FUTURE {
        return Err(Rejection::Future { sp: sp.entity_id().to_owned(), instant: date_time(made) });
    }
    let max_age = sp.policy.request_max_age.unwrap_or(demands.request_max_age);
    if age > max_age {
        return Err(Rejection::Stale { sp: sp.entity_id().to_owned(), max_age: format!("{max_age:#}") });
    }
    Ok(())
}

/// An address for comparison: scheme and host in lower case, the default port left out.
fn normalised(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let host = if port.is_empty() { host.as_str() } else { host.strip_suffix(port).unwrap_or(&host) };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn addresses_are_compared_without_default_port_and_host_case() {
        assert_eq!(normalised("HTTPS://IdP.example:443/saml/SSO"), "https://idp.example/saml/SSO");
        assert_eq!(normalised("http://idp.example:80"), "http://idp.example");
        assert_ne!(normalised("https://idp.example:8443/a"), normalised("https://idp.example/a"));
        assert_ne!(normalised("https://idp.example/a"), normalised("https://idp.example/A"));
        assert_ne!(normalised("https://idp.example/a"), normalised("http://idp.example/a"));
    }
}
