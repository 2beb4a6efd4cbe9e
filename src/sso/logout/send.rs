//! Takes messages to SPs: LogoutRequests by SOAP side by side, by the browser one after the other, and the
//! LogoutResponse at the end.

use futures_util::StreamExt;
use futures_util::stream;

use super::SingleLogout;
use super::accept::{find_also_disabled, hear_answer};
use super::chain::{Chain, Failure, Initiator, Party, State};
use super::outcome::LogoutOutcome;
use crate::clock::SignedDuration;
use crate::registry::{ServiceProvider, Snapshot};
use crate::saml::binding::{Kind, redirect, soap};
use crate::saml::logout::{Request, Response};
use crate::saml::metadata::sp::Endpoint;
use crate::saml::response::encode;
use crate::saml::signature::sign::Unsigned;
use crate::saml::status::Status;
use crate::saml::uris::{BINDING_POST, BINDING_REDIRECT, BINDING_SOAP};
use crate::sso::RequestContext;
use crate::sso::outcome::{PostForm, Rejection, SpNames};

/// How long a LogoutRequest of ours means anything.
const VALID: SignedDuration = SignedDuration::from_mins(5);
/// Back channels that are used side by side.
const ABREAST: usize = 16;

/// The SP's endpoint of one of these bindings, the first binding first.
fn endpoint<'s>(sp: &'s ServiceProvider, bindings: &[&str]) -> Option<&'s Endpoint> {
    let of = |binding: &&str| sp.metadata.single_logout.iter().find(|e| e.binding == **binding);
    bindings.iter().find_map(of)
}

/// The endpoint to which a browser can be sent.
pub(super) fn front(sp: &ServiceProvider) -> Option<&Endpoint> {
    endpoint(sp, &[BINDING_REDIRECT, BINDING_POST])
}

/// Where the SP that asked is answered: by its own binding if that is the browser's.
fn answered_at<'s>(initiator: &Initiator, sp: &'s ServiceProvider) -> Option<&'s Endpoint> {
    endpoint(sp, &[initiator.binding.as_str(), BINDING_REDIRECT, BINDING_POST])
}

impl SingleLogout {
    /// Tells everybody who can be told without the browser, and finds out whom the browser can be sent to.
    pub(super) async fn tell(&self, chain: &mut Chain, snapshot: &Snapshot, with_browser: bool) {
        let told = {
            let by_soap = (0..chain.parties.len()).filter_map(|at| {
                let party = chain.parties.get(at).filter(|party| party.state == State::Waiting)?;
                let sp = find_also_disabled(snapshot, &party.sp, self.sso.clock.now()).ok()?;
                let url = endpoint(&sp, &[BINDING_SOAP])?.location.clone();
                Some((at, party, sp, url))
            });
            let request_id = |at| chain.request_id(at);
            let asking = by_soap.map(|(at, party, sp, url)| async move {
                (at, self.tell_by_soap(&request_id(at), party, &sp, &url, snapshot).await)
            });
            let asking: Vec<_> = asking.collect();
            stream::iter(asking).buffer_unordered(ABREAST).collect::<Vec<_>>().await
        };
        for (at, state) in told {
            if let (Some(party), Some(state)) = (chain.parties.get_mut(at), state) {
                party.state = state;
            }
        }
        self.sort_out(chain, snapshot, with_browser).await;
    }

    /// What is left for the browser: whoever has an endpoint for it, the doubtful ones marked.
    async fn sort_out(&self, chain: &mut Chain, snapshot: &Snapshot, with_browser: bool) {
        let mut fronts = Vec::new();
        for (at, party) in chain.parties.iter_mut().enumerate() {
            if party.state != State::Waiting {
                continue;
            }
            let Ok(sp) = find_also_disabled(snapshot, &party.sp, self.sso.clock.now()) else {
                party.state = State::Failed(Failure::Unregistered);
                continue;
            };
            // Whoever has a back channel and still waits did not hear it.
            let by_soap = endpoint(&sp, &[BINDING_SOAP]).is_some();
            match front(&sp) {
                Some(endpoint) if with_browser => fronts.push((at, endpoint.location.clone())),
                _ if by_soap => party.state = State::Failed(Failure::Unreachable),
                Some(_) => party.state = State::Failed(Failure::NoBrowser),
                None => party.state = State::Failed(Failure::NoEndpoint),
            }
        }
        let gone = self.reach.gone(fronts.iter().map(|(_, url)| url.clone()).collect()).await;
        for (at, _) in fronts.iter().filter(|(_, url)| gone.contains(url)) {
            if let Some(party) = chain.parties.get_mut(*at) {
                party.state = State::Doubtful;
            }
        }
    }

    /// `None`: nobody heard it, so that the browser may still try.
    async fn tell_by_soap(
        &self,
        id: &str,
        party: &Party,
        sp: &ServiceProvider,
        url: &str,
        snapshot: &Snapshot,
    ) -> Option<State> {
        let signed = self.request(id, party, url)?.signed(&self.sso.signing(sp), id);
        let envelope = match signed {
            Ok(message) => soap::envelope(&message),
            Err(error) => {
                tracing::error!(sp.entity_id = party.sp, "{error}");
                return Some(State::Failed(Failure::NoAnswer));
            }
        };
        let answer = match self.outgoing.post_soap(url, envelope).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(sp.entity_id = party.sp, "logout by SOAP: {error}");
                return if error.is_unheard() { None } else { Some(State::Failed(Failure::NoAnswer)) };
            }
        };
        let keys = self.sso.decryption.load();
        Some(match hear_answer(&answer, sp, id, self.ground(snapshot, &keys)) {
            Ok(answered) if answered.success => State::SignedOut,
            Ok(_) => State::Failed(Failure::Refused),
            Err(rejection) => {
                tracing::warn!(sp.entity_id = party.sp, "logout by SOAP: {rejection}");
                State::Failed(Failure::Nonsense)
            }
        })
    }

    /// The LogoutRequest that the browser takes to a party; `None` if there is nowhere to take it.
    pub(super) fn ask(
        &self,
        chain: &Chain,
        at: usize,
        snapshot: &Snapshot,
    ) -> Result<Option<LogoutOutcome>, Rejection> {
        let Some(party) = chain.parties.get(at) else { return Ok(None) };
        let Ok(sp) = find_also_disabled(snapshot, &party.sp, self.sso.clock.now()) else { return Ok(None) };
        let Some(endpoint) = front(&sp) else { return Ok(None) };
        let id = chain.request_id(at);
        let Some(unsigned) = self.request(&id, party, &endpoint.location) else { return Ok(None) };
        let way = Way { endpoint, location: &endpoint.location, kind: Kind::Request, relay_state: None };
        self.by_browser(&sp, &way, &unsigned, &id).map(Some)
    }

    /// The LogoutResponse that the browser takes to the SP that asked; `None` if there is nowhere to take it.
    pub(super) fn answer(
        &self,
        initiator: &Initiator,
        status: &Status,
        snapshot: &Snapshot,
    ) -> Result<Option<LogoutOutcome>, Rejection> {
        let Ok(sp) = find_also_disabled(snapshot, &initiator.sp, self.sso.clock.now()) else {
            return Ok(None);
        };
        let Some(endpoint) = answered_at(initiator, &sp) else { return Ok(None) };
        let location = endpoint.response_location.as_ref().unwrap_or(&endpoint.location);
        let id = self.sso.ids.xml_id();
        let unsigned = Response {
            id: &id,
            issuer: &initiator.issuer,
            issue_instant: self.sso.clock.now(),
            destination: Some(location),
            in_response_to: &initiator.request,
            status,
        }
        .write();
        let relay_state = initiator.relay_state.as_deref();
        let way = Way { endpoint, location, kind: Kind::Response, relay_state };
        self.by_browser(&sp, &way, &unsigned, &id).map(Some)
    }

    /// Whether there is somewhere to take the LogoutResponse.
    pub(super) fn can_answer(&self, initiator: &Initiator, snapshot: &Snapshot) -> bool {
        let sp = find_also_disabled(snapshot, &initiator.sp, self.sso.clock.now());
        sp.is_ok_and(|sp| answered_at(initiator, &sp).is_some())
    }

    fn by_browser(
        &self,
        sp: &ServiceProvider,
        way: &Way<'_>,
        unsigned: &Unsigned,
        id: &str,
    ) -> Result<LogoutOutcome, Rejection> {
        let signer = &self.sso.signing(sp);
        if way.endpoint.binding == BINDING_REDIRECT {
            let query = redirect::signed_query(way.kind, &unsigned.bytes, way.relay_state, signer);
            return Ok(LogoutOutcome::Go(redirect::address(
                way.location,
                &query.map_err(Rejection::unavailable)?,
            )));
        }
        Ok(LogoutOutcome::Post(PostForm {
            location: way.location.to_owned(),
            kind: way.kind,
            message: encode(&unsigned.signed(signer, id).map_err(Rejection::unavailable)?),
            relay_state: way.relay_state.map(str::to_owned),
            names: SpNames::of(sp),
        }))
    }

    fn request(&self, id: &str, party: &Party, destination: &str) -> Option<Unsigned> {
        let now = self.sso.clock.now();
        let request = Request {
            id,
            issuer: &party.issuer,
            issue_instant: now,
            not_on_or_after: now.checked_add(VALID).unwrap_or(now),
            destination,
            name_id: party.name_id.as_ref()?,
            session_indexes: &party.session_indexes,
        };
        Some(request.write())
    }

    /// The names of a party, by its entityID where it is no longer registered.
    pub(super) fn names(&self, snapshot: &Snapshot, sp: &str) -> SpNames {
        match find_also_disabled(snapshot, sp, self.sso.clock.now()) {
            Ok(found) => SpNames::of(&found),
            Err(_) => SpNames { en: sp.to_owned(), ja: sp.to_owned() },
        }
    }

    /// Answers a request that came by SOAP.
    pub(super) fn soap_response(
        &self,
        sp: &ServiceProvider,
        initiator: &Initiator,
        status: &Status,
        request: &RequestContext<'_>,
    ) -> Result<Vec<u8>, Rejection> {
        let id = self.sso.ids.xml_id();
        let unsigned = Response {
            id: &id,
            issuer: &initiator.issuer,
            issue_instant: self.sso.clock.now(),
            destination: None,
            in_response_to: &initiator.request,
            status,
        }
        .write();
        tracing::debug!(request.id = %request.id, status = status.code, "LogoutResponse by SOAP");
        let signed = unsigned.signed(&self.sso.signing(sp), &id);
        signed.map(|message| soap::envelope(&message)).map_err(Rejection::unavailable)
    }
}

/// How a message travels by the browser.
struct Way<'a> {
    endpoint: &'a Endpoint,
    location: &'a str,
    kind: Kind,
    relay_state: Option<&'a str>,
}
