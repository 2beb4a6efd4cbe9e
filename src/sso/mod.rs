//! Sign-on as a use case: [`accept`] reads and judges a request, [`decide()`] says what it leads to, `issue` makes the
//! Response. Steps never call one another; [`SingleSignOn`] is the one dispatcher.

pub mod accept;
mod artifact;
pub mod decide;
pub mod explain;
mod identifiers;
mod issue;
pub mod issuer;
pub mod logout;
pub mod name_id;
mod names;
pub mod outcome;
mod told;

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

pub use accept::{Demands, Ground, Incoming};
pub use decide::{Holder, Ticket, Ways};
pub use identifiers::{Identifiers, LegacyIds, PersistentIds};
pub use outcome::{Outcome, PostForm, Refused, Sentence, SoapAnswer, SpNames};

use accept::Accepted;
use decide::{Circumstances, Decision, allowed, decide};
use issue::NotIssued;
use outcome::Rejection;

use crate::audit::{Event, Sink};
use crate::clock::{Clock, Ids};
use crate::identity::{Inquiry, NameId};
use crate::registry::{Allow, Registry, ServiceProvider};
use crate::saml::encryption::DecryptionKeys;
use crate::saml::signature::{Chosen, Signer};
use crate::saml::status::{REQUEST_DENIED, RESPONDER, Status};
use crate::saml::uris::name_id::{EMAIL, UNSPECIFIED, WINDOWS_DOMAIN};
use crate::secret::Secret;
use crate::session::{Ask, Memos, PendingRequest, Seal, Sessions, SsoSession};

/// The most characters of a cause in log and audit.
const REASON_LIMIT: usize = 1_000;

/// What the IdP is, as far as sign-on is concerned.
#[derive(Debug, Clone)]
pub struct Idp {
    /// Its entityID.
    pub entity_id: String,
    /// What it demands of requests.
    pub demands: Demands,
    /// `saml.attributes`: the release list of SPs without one.
    pub attributes: Option<Vec<String>>,
    /// Authentication context classes from the weakest to the strongest.
    pub class_order: Vec<String>,
    /// The class that signing in at the page gives.
    pub form_class: String,
    /// The class that a Kerberos ticket gives; none where nobody is asked for one.
    pub ticket_class: Option<String>,
    /// How persons are named to SPs.
    pub identifiers: Identifiers,
}

/// Everything that sign-on needs; made once by `app`.
#[derive(Debug)]
pub struct SingleSignOn {
    /// What the IdP is.
    pub idp: Idp,
    /// The service providers.
    pub registry: Arc<Registry>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
    /// What is remembered for a short time.
    pub memos: Arc<Memos>,
    /// Seals pending requests.
    pub seal: Arc<Seal>,
    /// The signing key in use.
    pub signer: ArcSwap<Arc<dyn Signer>>,
    /// The keys for what SPs encrypt to us.
    pub decryption: ArcSwap<DecryptionKeys>,
    /// What computed persistent ids hang on.
    pub name_id_secret: Secret<Vec<u8>>,
    /// Asks the directory for groups, and for what filters look for.
    pub inquiry: Arc<dyn Inquiry>,
    /// The audit trail.
    pub audit: Arc<dyn Sink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
}

/// The request of a browser, as log and audit name it.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// The request id.
    pub id: &'a str,
    /// Where it came from.
    pub address: IpAddr,
    /// Whether it may be asked for a Kerberos ticket.
    pub ticket: Ticket,
}

/// A request of an enhanced client that stands.
#[derive(Debug)]
pub struct ClientRequest {
    accepted: Accepted,
}

/// What the sign-in page shows of a pending request.
#[derive(Debug)]
pub struct PendingView {
    /// The SP's entityID.
    pub sp: String,
    /// The SP as a person knows it.
    pub names: SpNames,
    /// Whether the person must sign in anew.
    pub force_authn: bool,
    /// How signing in would meet it.
    pub ways: Ways,
    /// The login name to begin with.
    pub login_hint: Option<String>,
}

impl SingleSignOn {
    /// A request that an SP sends by way of the browser.
    pub async fn accept(
        &self,
        incoming: Incoming<'_>,
        session: Option<&Arc<SsoSession>>,
        request: &RequestContext<'_>,
    ) -> Outcome {
        let snapshot = self.registry.snapshot();
        let keys = self.decryption.load();
        let ground = Ground { idp: &self.idp, snapshot: &snapshot, keys: &keys, now: self.clock.now() };
        let accepted = Accepted::read(incoming, ground);
        self.run(accepted, session, request).await
    }

    /// A request that waited for its person to sign in.
    pub async fn resume(
        &self,
        sealed: &str,
        session: Option<&Arc<SsoSession>>,
        request: &RequestContext<'_>,
    ) -> Outcome {
        let snapshot = self.registry.snapshot();
        let accepted = PendingRequest::open(sealed, &self.seal)
            .ok_or(Rejection::Seal)
            .and_then(|pending| Accepted::resume(pending, &snapshot, &self.idp.demands, self.clock.now()));
        self.run(accepted, session, request).await
    }

    /// A request that an enhanced client brings: judged before anybody's password is.
    pub fn accept_client(
        &self,
        envelope: &[u8],
        request: &RequestContext<'_>,
    ) -> Result<ClientRequest, SoapAnswer> {
        let snapshot = self.registry.snapshot();
        let keys = self.decryption.load();
        let ground = Ground { idp: &self.idp, snapshot: &snapshot, keys: &keys, now: self.clock.now() };
        let accepted = Accepted::read_soap(envelope, ground);
        accepted
            .map(|accepted| ClientRequest { accepted })
            .map_err(|rejection| self.fault(&rejection, request))
    }

    /// Answers it for the person who proved who they are.
    pub async fn answer_client(
        &self,
        asked: &ClientRequest,
        session: &Arc<SsoSession>,
        request: &RequestContext<'_>,
    ) -> SoapAnswer {
        let answer = match self.go_on(&asked.accepted, Some(session), request).await {
            Ok(Outcome::Envelope(envelope)) => return SoapAnswer::Message(envelope),
            // What only a browser could show.
            Ok(_) => Err(Rejection::NoClients(asked.accepted.sp().entity_id().to_owned())),
            Err(Rejection::NotAllowed { login, sp }) => {
                let message = "the person may not use this service provider";
                let status = Status::failure(RESPONDER, REQUEST_DENIED, message);
                let cause = Rejection::NotAllowed { login, sp }.to_string();
                self.answer(&asked.accepted, &status, &cause, Some(session), request).await
            }
            Err(rejection) => Err(rejection),
        };
        match answer {
            Ok(Outcome::Envelope(envelope)) => SoapAnswer::Message(envelope),
            Ok(_) => self.fault(&Rejection::Seal, request),
            Err(rejection) => self.fault(&rejection, request),
        }
    }

    /// A sign-on that begins here.
    pub async fn initiate(
        &self,
        sp: &str,
        relay_state: Option<&str>,
        session: Option<&Arc<SsoSession>>,
        request: &RequestContext<'_>,
    ) -> Outcome {
        let snapshot = self.registry.snapshot();
        let accepted = Accepted::unsolicited(sp, relay_state, &snapshot, self.clock.now());
        self.run(accepted, session, request).await
    }

    /// What signs for this SP: its own key or the identity provider's, with the algorithm that it takes.
    pub fn signing(&self, sp: &ServiceProvider) -> Chosen {
        let signer = sp.signer.as_ref().map_or_else(|| Arc::clone(&**self.signer.load()), Arc::clone);
        Chosen::new(signer, &sp.signature)
    }

    /// What a sealed request is about, in a browser that may be asked for a ticket or not; `None` if [`Self::resume`] would
    /// refuse it.
    pub fn pending(&self, sealed: &str, ticket: Ticket) -> Option<PendingView> {
        let pending = PendingRequest::open(sealed, &self.seal)?;
        let snapshot = self.registry.snapshot();
        let accepted = Accepted::resume(pending, &snapshot, &self.idp.demands, self.clock.now()).ok()?;
        Some(PendingView {
            sp: accepted.sp().entity_id().to_owned(),
            names: SpNames::of(accepted.sp()),
            force_authn: accepted.ask().force_authn,
            ways: Ways::of(&accepted, &self.around(&[], ticket)),
            login_hint: shown_subject(accepted.ask()).and_then(login_hint),
        })
    }

    /// Whether [`Self::resume`] would issue at once: another tab has signed the person in meanwhile.
    pub async fn is_met(&self, sealed: &str, session: &Arc<SsoSession>) -> bool {
        let Some(pending) = PendingRequest::open(sealed, &self.seal) else { return false };
        let snapshot = self.registry.snapshot();
        let now = self.clock.now();
        let Ok(accepted) = Accepted::resume(pending, &snapshot, &self.idp.demands, now) else { return false };
        let Ok(groups) = self.groups(accepted.sp(), Some(session)).await else { return false };
        decide(&accepted, Some(session), self.around(&groups, Ticket::Never)) == Decision::Issue
    }

    /// The service providers that are switched on and let this person in.
    pub async fn applications(
        &self,
        session: &Arc<SsoSession>,
    ) -> Result<Vec<Arc<ServiceProvider>>, crate::identity::Unavailable> {
        let snapshot = self.registry.snapshot();
        let on: Vec<_> = snapshot.iter().filter(|sp| sp.policy.enabled).collect();
        let groups = if on.iter().any(|sp| asks_for_groups(sp)) {
            self.inquiry.groups(&session.subject).await?
        } else {
            Vec::new()
        };
        let open = on.into_iter().filter(|sp| allowed(&sp.policy.allow, session, &groups));
        Ok(open.map(Arc::clone).collect())
    }

    async fn run(
        &self,
        accepted: Result<Accepted, Rejection>,
        session: Option<&Arc<SsoSession>>,
        request: &RequestContext<'_>,
    ) -> Outcome {
        let (sp, rejection) = match accepted {
            Ok(accepted) => match self.go_on(&accepted, session, request).await {
                Ok(outcome) => return outcome,
                Err(rejection) => (Some(Arc::clone(accepted.sp())), rejection),
            },
            Err(rejection) => (None, rejection),
        };
        self.refuse(sp.as_deref(), &rejection, request)
    }

    /// The dispatcher: every step returns here.
    async fn go_on(
        &self,
        accepted: &Accepted,
        session: Option<&Arc<SsoSession>>,
        request: &RequestContext<'_>,
    ) -> Result<Outcome, Rejection> {
        let groups = self.groups(accepted.sp(), session).await?;
        let around = self.around(&groups, request.ticket);
        let decision = decide(accepted, session.map(AsRef::as_ref), around);
        match (decision, session) {
            (Decision::Issue, Some(session)) => match issue::issue(self, accepted, session, request).await {
                Ok(outcome) => Ok(outcome),
                Err(NotIssued::Rejected(rejection)) => Err(rejection),
                // Signed out in another tab at this very moment.
                Err(NotIssued::SessionEnded) => Box::pin(self.go_on(accepted, None, request)).await,
                Err(NotIssued::Status(status, cause)) => {
                    self.answer(accepted, &status, &cause, Some(session), request).await
                }
            },
            (Decision::Issue | Decision::Login, _) => {
                let mut pending = accepted.to_pending();
                if let (true, Some(session)) = (pending.ask.force_authn, session) {
                    pending.ask.signed_in.get_or_insert_with(|| session.subject.id.clone());
                }
                let sealed = pending.seal(&self.seal);
                let sealed = sealed.map_err(Rejection::unavailable)?;
                Ok(Outcome::Login { pending: sealed })
            }
            (Decision::Reject(status), session) => {
                let cause = status.message.clone().unwrap_or_default();
                self.answer(accepted, &status, &cause, session, request).await
            }
            (Decision::Forbid, session) => Err(Rejection::NotAllowed {
                login: session.map(|s| s.subject.login.clone()).unwrap_or_default(),
                sp: accepted.sp().entity_id().to_owned(),
            }),
        }
    }

    fn around<'a>(&'a self, groups: &'a [String], ticket: Ticket) -> Circumstances<'a> {
        Circumstances {
            now: self.clock.now(),
            groups,
            class_order: &self.idp.class_order,
            form_class: &self.idp.form_class,
            ticket_class: self.idp.ticket_class.as_deref(),
            ticket,
        }
    }

    async fn groups(
        &self,
        sp: &ServiceProvider,
        session: Option<&Arc<SsoSession>>,
    ) -> Result<Vec<String>, Rejection> {
        match session.filter(|_| asks_for_groups(sp)) {
            Some(session) => {
                let groups = self.inquiry.groups(&session.subject).await;
                groups.map_err(Rejection::unavailable)
            }
            None => Ok(Vec::new()),
        }
    }

    /// The SP is told by a Response with an error status.
    async fn answer(
        &self,
        accepted: &Accepted,
        status: &Status,
        cause: &str,
        session: Option<&Arc<SsoSession>>,
        request: &RequestContext<'_>,
    ) -> Result<Outcome, Rejection> {
        let sp = accepted.sp().entity_id();
        let code = status.detail.unwrap_or(status.code);
        tracing::info!(request.id = %request.id, sp.entity_id = sp, status = code, "{cause}");
        let event = Event::RequestRefused {
            sp: Some(sp.to_owned()),
            code: code.to_owned(),
            reason: cause.to_owned(),
        };
        issue::record(self, request, event)?;
        issue::failure(self, accepted, status, session).await
    }

    /// The person is told; the log and the audit have the cause.
    fn refuse(
        &self,
        sp: Option<&ServiceProvider>,
        rejection: &Rejection,
        request: &RequestContext<'_>,
    ) -> Outcome {
        let mut sentence = rejection.sentence();
        let issuer = sp.map(ServiceProvider::entity_id).or_else(|| rejection.sp());
        if self.tell_log(issuer, rejection, sentence.code(), request).is_err() {
            sentence = Sentence::Unavailable;
        } else if let Rejection::Stale { sp, .. } = rejection {
            let snapshot = self.registry.snapshot();
            if let Some(found) = snapshot.find(sp) {
                return Outcome::Stale { sp: sp.clone(), names: SpNames::of(found) };
            }
        }
        Outcome::Refused(Refused { sentence, names: sp.map(SpNames::of) })
    }
}

/// What was encrypted was not meant for the browser's eyes.
fn shown_subject(ask: &Ask) -> Option<&NameId> {
    ask.subject.as_ref().filter(|_| !ask.subject_encrypted)
}

impl SingleSignOn {
    fn fault(&self, rejection: &Rejection, request: &RequestContext<'_>) -> SoapAnswer {
        let sentence = rejection.sentence();
        let told = self.tell_log(rejection.sp(), rejection, sentence.code(), request);
        let sentence = if told.is_ok() { sentence } else { Sentence::Unavailable };
        SoapAnswer::fault(rejection, sentence)
    }

    /// Writes the cause of a refusal to log and audit.
    fn tell_log(
        &self,
        issuer: Option<&str>,
        rejection: &Rejection,
        code: &'static str,
        request: &RequestContext<'_>,
    ) -> Result<(), Rejection> {
        // A hostile message may have put 128 KB into a name.
        let reason: String = rejection.to_string().chars().take(REASON_LIMIT).collect();
        tracing::warn!(request.id = %request.id, code, "{}", reason.escape_debug());
        let event = Event::RequestRefused { sp: issuer.map(str::to_owned), code: code.to_owned(), reason };
        issue::record(self, request, event)
            .inspect_err(|error| tracing::error!(request.id = %request.id, "{error}"))
    }
}

/// A Subject that a person could have typed; an opaque identifier in the form would only be in the way.
fn login_hint(subject: &NameId) -> Option<String> {
    let typed = [EMAIL, UNSPECIFIED, WINDOWS_DOMAIN].contains(&subject.format.as_str());
    typed.then(|| subject.value.clone())
}

fn asks_for_groups(sp: &ServiceProvider) -> bool {
    sp.policy.allow.iter().any(|allow| matches!(allow, Allow::Group(_)))
}

impl SpNames {
    /// The names of an SP.
    pub fn of(sp: &ServiceProvider) -> Self {
        Self { en: sp.display_name("en").to_owned(), ja: sp.display_name("ja").to_owned() }
    }

    /// The name in a language.
    pub fn name(&self, lang: &str) -> &str {
        if lang == "ja" { &self.ja } else { &self.en }
    }
}
