//! Single logout (saml-core 3.7, saml-profiles 4.4): the session dies first, then everybody who was told of a sign-in is
//! told of its end, and at last the page and the SP that asked hear the truth.
//!
//! `accept` judges what comes, [`chain`] says who is next, `send` takes messages there, `reach` looks before a browser
//! is sent; [`SingleLogout`] is the dispatcher that they return to.

pub(super) mod accept;
pub mod chain;
pub mod outcome;
mod reach;
mod send;
pub mod sessions;
pub mod steps;
mod turns;

use std::borrow::Cow;
use std::sync::Arc;

use accept::{Asked, Heard, Unheard, find_also_disabled, hear, hear_soap};
use chain::{Chain, Initiator, State, parties};
use outcome::{ChainCookie, LogoutOutcome, LogoutStep};
use reach::Reach;
use turns::Turns;

use super::accept::{FUTURE, Ground};
use super::outcome::{Refused, Rejection, Sentence, SoapAnswer};
use super::{Incoming, RequestContext, SingleSignOn};
use crate::audit::Event;
use crate::clock::SignedDuration;
use crate::identity::{Accounts, NameId};
use crate::outgoing::Outgoing;
use crate::registry::{ServiceProvider, Snapshot};
use crate::saml::encryption::DecryptionKeys;
use crate::saml::status::{REQUESTER, Status, UNKNOWN_PRINCIPAL};
use crate::saml::uris::name_id::UNSPECIFIED;
use crate::session::{Memos, SpSession, SsoSession};

/// How long a logout may take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);

/// Everything that single logout needs; made once by `app`.
#[derive(Debug)]
pub struct SingleLogout {
    sso: Arc<SingleSignOn>,
    memos: Arc<Memos>,
    accounts: Arc<dyn Accounts>,
    outgoing: Outgoing,
    reach: Reach,
    /// Steps of one logout come one after the other.
    turns: Turns,
    /// `saml.after_logout_url`: where people go after a logout that began here.
    after_logout_url: Option<String>,
}

/// What a browser holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Held<'a> {
    /// The token of the session.
    pub token: Option<&'a str>,
    /// The secret of the logout that it is in.
    pub chain: Option<&'a str>,
}

impl Held<'_> {
    /// The logout of the cookie.
    fn chain_id(self) -> Option<String> {
        self.chain.map(Chain::id_of)
    }
}

/// Sessions that end, and why.
struct Ending<'a> {
    sessions: Vec<Arc<SsoSession>>,
    initiator: Option<Initiator>,
    /// The SP that asks and the name it used: it knows already.
    asking: Option<(&'a str, &'a NameId)>,
    /// Whether the person's browser is at hand.
    with_browser: bool,
}

impl SingleLogout {
    /// Joins the parts.
    pub fn new(
        sso: Arc<SingleSignOn>,
        memos: Arc<Memos>,
        accounts: Arc<dyn Accounts>,
        outgoing: Outgoing,
        after_logout_url: Option<String>,
    ) -> Self {
        let reach = Reach::new(outgoing.clone(), Arc::clone(&sso.clock));
        Self { sso, memos, accounts, outgoing, reach, turns: Turns::default(), after_logout_url }
    }

    /// A logout message that a browser brings.
    pub async fn receive(
        &self,
        incoming: Incoming<'_>,
        held: Held<'_>,
        request: &RequestContext<'_>,
    ) -> LogoutStep {
        let snapshot = self.sso.registry.snapshot();
        let keys = self.sso.decryption.load();
        let ground = self.ground(&snapshot, &keys);
        let step = match hear(incoming, ground) {
            Ok(Heard::Request(asked)) => self.requested(&asked, held, request).await,
            Ok(Heard::Unsigned) => Ok(LogoutStep::still(LogoutOutcome::Ask)),
            Ok(Heard::Response(answered)) => self.answered(&answered, held, request).await,
            Err(Unheard::Response(rejection, claimed)) => {
                self.nonsense(rejection, claimed, held, request).await
            }
            Err(Unheard::Request(rejection)) => Err(rejection),
        };
        step.unwrap_or_else(|rejection| LogoutStep::still(self.refuse(&rejection, request)))
    }

    /// A LogoutRequest by SOAP.
    pub async fn receive_soap(&self, envelope: &[u8], request: &RequestContext<'_>) -> SoapAnswer {
        match self.answer_soap(envelope, request).await {
            Ok(message) => SoapAnswer::Message(message),
            Err(rejection) => self.fault(&rejection, request),
        }
    }

    /// A logout that begins here: the browser's own session.
    pub async fn initiate(&self, held: Held<'_>, request: &RequestContext<'_>) -> LogoutStep {
        let step = async {
            let Some(session) = self.own(held).await? else {
                return Ok(LogoutStep::still(LogoutOutcome::Look));
            };
            let sessions = vec![session];
            let ending = Ending { sessions, initiator: None, asking: None, with_browser: true };
            self.end_and_go(ending, held, request).await
        };
        let step: Result<_, Rejection> = step.await;
        step.unwrap_or_else(|rejection| LogoutStep::still(self.refuse(&rejection, request)))
    }

    async fn requested(
        &self,
        asked: &Asked,
        held: Held<'_>,
        request: &RequestContext<'_>,
    ) -> Result<LogoutStep, Rejection> {
        let own = self.own(held).await?;
        let named = self.named(asked, own.as_ref()).await?;
        match self.come_once(asked).await {
            // Reload, back, or a browser that asks again: the logout that it began goes on.
            Err(Rejection::Replayed { .. }) if self.began(asked, held).await? => {
                return Ok(LogoutStep::still(LogoutOutcome::Look));
            }
            once => once?,
        }
        let Named::Sessions(sessions) = named else {
            let outcome = self.answer_stranger(&self.initiator(asked, own.as_deref()), request)?;
            return Ok(LogoutStep::still(outcome));
        };
        let initiator = self.initiator(asked, sessions.first().map(AsRef::as_ref));
        if sessions.is_empty()
            && let Some(chain) = self.under_way(held).await?
        {
            return self.join(chain, initiator, request).await;
        }
        // Only the browser of the person is sent to the other SPs: what it brings there names the person as they do.
        let signed_out = own.is_some_and(|own| sessions.iter().any(|s| s.id_hash == own.id_hash));
        let asking = asked.name.as_ref().map(|name| (asked.sp.entity_id(), name));
        let ending = Ending { sessions, initiator: Some(initiator), asking, with_browser: signed_out };
        self.end_and_go(ending, held, request).await
    }

    /// Ends, and goes on. Should something fail once the session is over, the browser keeps the chain: its page goes on.
    async fn end_and_go(
        &self,
        ending: Ending<'_>,
        held: Held<'_>,
        request: &RequestContext<'_>,
    ) -> Result<LogoutStep, Rejection> {
        let signed_out = ending.with_browser;
        let secret = match held.token {
            Some(token) if signed_out => Chain::secret_of(token),
            _ => self.sso.ids.token(),
        };
        let id = Chain::id_of(&secret);
        let _turn = self.turns.wait(&id).await;
        let went = match self.end(ending, id.clone(), request).await {
            Ok(chain) if signed_out => self.advance(chain, request).await,
            // This browser is not the person's: it takes the answer along and sees nothing of where they were signed in.
            Ok(chain) => return Ok(LogoutStep::still(self.last(&chain)?.unwrap_or(LogoutOutcome::Look))),
            Err(rejection) => Err(rejection),
        };
        match went {
            Ok(LogoutStep { outcome, cookie: ChainCookie::Keep, .. }) => {
                Ok(LogoutStep { outcome, signed_out, cookie: ChainCookie::Set(secret) })
            }
            Ok(step) => Ok(LogoutStep { signed_out, ..step }),
            Err(rejection) if self.stored(&id).await.is_ok_and(|kept| kept.is_some()) => {
                let outcome = self.refuse(&rejection, request);
                Ok(LogoutStep { outcome, signed_out, cookie: ChainCookie::Set(secret) })
            }
            Err(rejection) => Err(rejection),
        }
    }

    /// An SP asks in a browser whose logout is not over: it is not told Success before that is true.
    async fn join(
        &self,
        found: Chain,
        initiator: Initiator,
        request: &RequestContext<'_>,
    ) -> Result<LogoutStep, Rejection> {
        let _turn = self.turns.wait(&found.id).await;
        let Some(mut chain) = self.stored(&found.id).await? else {
            return Ok(LogoutStep::still(LogoutOutcome::Look));
        };
        for party in chain.parties.iter_mut().filter(|party| party.sp == initiator.sp) {
            party.state = State::SignedOut;
        }
        if chain.initiator.as_ref().is_none_or(|first| first.sp == initiator.sp) {
            chain.initiator = Some(initiator);
            self.tell_first(&mut chain, true, request).await?;
            return self.advance(chain, request).await;
        }
        self.keep(&chain).await?;
        let answer = self.answer(&initiator, &chain.status(), &self.sso.registry.snapshot())?;
        Ok(LogoutStep::still(answer.unwrap_or(LogoutOutcome::Look)))
    }

    /// Whether the logout that this browser is in was begun by this very request.
    async fn began(&self, asked: &Asked, held: Held<'_>) -> Result<bool, Rejection> {
        let chain = self.under_way(held).await?;
        let initiator = chain.and_then(|chain| chain.initiator);
        Ok(initiator
            .is_some_and(|one| one.sp == asked.sp.entity_id() && one.request == asked.request.head.id))
    }

    async fn answer_soap(&self, envelope: &[u8], request: &RequestContext<'_>) -> Result<Vec<u8>, Rejection> {
        let snapshot = self.sso.registry.snapshot();
        let keys = self.sso.decryption.load();
        let ground = self.ground(&snapshot, &keys);
        let asked = hear_soap(envelope, ground)?;
        let named = self.named(&asked, None).await?;
        self.come_once(&asked).await?;
        let mut initiator = self.initiator(&asked, None);
        let status = match named {
            Named::Stranger => stranger(),
            Named::Sessions(sessions) => {
                initiator = self.initiator(&asked, sessions.first().map(AsRef::as_ref));
                let asking = asked.name.as_ref().map(|name| (asked.sp.entity_id(), name));
                let ending = Ending { sessions, initiator: None, asking, with_browser: false };
                let chain = self.end(ending, self.sso.ids.xml_id(), request).await?;
                chain.status()
            }
        };
        self.soap_response(&asked.sp, &initiator, &status, request)
    }

    fn ground<'a>(&'a self, snapshot: &'a Snapshot, keys: &'a DecryptionKeys) -> Ground<'a> {
        Ground { idp: &self.sso.idp, snapshot, keys, now: self.sso.clock.now() }
    }

    /// A message that verified may come once.
    async fn come_once(&self, asked: &Asked) -> Result<(), Rejection> {
        let (sp, id) = (asked.sp.entity_id(), asked.request.head.id.as_str());
        let age = asked.sp.policy.request_max_age.unwrap_or(self.sso.idp.demands.request_max_age);
        let now = self.sso.clock.now();
        let until = now.checked_add(age + FUTURE + FUTURE).unwrap_or(now);
        if self.memos.first_use(sp, id, until).await.map_err(Rejection::unavailable)? {
            return Ok(());
        }
        Err(Rejection::Replayed { sp: sp.to_owned(), id: id.to_owned() })
    }

    async fn own(&self, held: Held<'_>) -> Result<Option<Arc<SsoSession>>, Rejection> {
        let Some(token) = held.token else { return Ok(None) };
        let found = self.sso.sessions.find_any(token).await;
        found.map_err(Rejection::unavailable)
    }

    /// The sessions that a LogoutRequest means (saml-core 3.7.3.2).
    async fn named(&self, asked: &Asked, own: Option<&Arc<SsoSession>>) -> Result<Named, Rejection> {
        let Some(name) = &asked.name else { return Ok(Named::Stranger) };
        let (sp, indexes) = (asked.sp.entity_id(), &asked.request.session_indexes);
        let means = |session: &Arc<SsoSession>| {
            let held = session.sp_sessions_at(sp);
            let issuer = self.issuer(&asked.sp, Some(session));
            held.iter().any(|held| {
                self.is_name(held, name, &issuer)
                    && (indexes.is_empty() || indexes.contains(&held.session_index))
            })
        };
        let own_is_meant = own.filter(|own| means(own));
        if let (Some(own), [_]) = (own_is_meant, indexes.as_slice()) {
            return Ok(Named::Sessions(vec![Arc::clone(own)]));
        }
        let found = self.sso.sessions.named(sp, &name.value).await;
        let mut found = found.map_err(Rejection::unavailable)?;
        found.retain(means);
        if let Some(own) = own_is_meant
            && !found.iter().any(|session| session.id_hash == own.id_hash)
        {
            found.push(Arc::clone(own));
        }
        let elsewhere = own.is_some_and(|own| !own.sp_sessions_at(sp).is_empty());
        Ok(if found.is_empty() && elsewhere { Named::Stranger } else { Named::Sessions(found) })
    }

    /// The whole value; absent qualifiers mean ours and the SP's, an unspecified format matches any (saml-core 8.3.1).
    fn is_name(&self, held: &SpSession, name: &NameId, issuer: &str) -> bool {
        let Some(ours) = &held.name_id else { return false };
        let qualifies = |said: &Option<String>, held: &Option<String>, meant: &[&str]| {
            let said = said.as_deref().filter(|said| !said.is_empty());
            said.is_none_or(|said| held.as_deref().map_or(meant.contains(&said), |held| held == said))
        };
        ours.value == name.value
            && (name.format == UNSPECIFIED || name.format == ours.format)
            && qualifies(&name.name_qualifier, &ours.name_qualifier, &[&self.sso.idp.entity_id, issuer])
            && qualifies(&name.sp_name_qualifier, &ours.sp_name_qualifier, &[&held.sp])
    }

    /// Ends sessions and tells whom it can: the session is dead, durably, before anybody hears of it.
    async fn end(
        &self,
        ending: Ending<'_>,
        id: String,
        request: &RequestContext<'_>,
    ) -> Result<Chain, Rejection> {
        let ended = self.sso.sessions.finish(&ending.sessions).await.map_err(Rejection::unavailable)?;
        let mut chain = self.chain(id, &ended, ending.initiator, ending.asking);
        // Nobody comes back to a logout without a browser, or without an SP.
        let is_walked = ending.with_browser && !chain.parties.is_empty();
        let kept = if is_walked { self.keep(&chain).await } else { Ok(()) };
        // Whatever became of the memo: what has ended stays ended.
        self.sso.sessions.settle_ends(&ended).await.map_err(Rejection::unavailable)?;
        kept?;
        let recorded = ended.iter().try_for_each(|session| {
            let event = Event::SignedOut {
                subject: session.subject.id.to_string(),
                login: session.subject.login.clone(),
                sp: ending.asking.map(|(sp, _)| sp.to_owned()),
            };
            self.record(request, event)
        });
        self.tell_first(&mut chain, ending.with_browser, request).await?;
        recorded?;
        Ok(chain)
    }

    /// Who must hear that these sessions are over.
    fn chain(
        &self,
        id: String,
        ended: &[Arc<SsoSession>],
        initiator: Option<Initiator>,
        asking: Option<(&str, &NameId)>,
    ) -> Chain {
        let now = self.sso.clock.now();
        let snapshot = self.sso.registry.snapshot();
        let issuer = |sp: &str, session: &SsoSession| {
            let found = find_also_disabled(&snapshot, sp, now).ok();
            found.map_or_else(|| self.sso.idp.entity_id.clone(), |sp| self.issuer(&sp, Some(session)))
        };
        let first = ended.first().map(|session| &session.subject);
        Chain {
            id,
            until: now.checked_add(PATIENCE).unwrap_or(now),
            subject: first.map(|subject| subject.id.to_string()).unwrap_or_default(),
            login: first.map(|subject| subject.login.clone()).unwrap_or_default(),
            initiator,
            parties: parties(ended, asking, issuer),
            told: false,
            hops: 0,
        }
    }

    /// Tells whoever can be told without the browser, once.
    async fn tell_first(
        &self,
        chain: &mut Chain,
        with_browser: bool,
        request: &RequestContext<'_>,
    ) -> Result<(), Rejection> {
        if std::mem::replace(&mut chain.told, true) {
            return Ok(());
        }
        self.tell(chain, &self.sso.registry.snapshot(), with_browser).await;
        (0..chain.parties.len()).try_for_each(|at| self.note(chain, at, request))
    }

    /// Who we are to an SP when we speak of the person of this session.
    fn issuer(&self, sp: &ServiceProvider, session: Option<&SsoSession>) -> String {
        let idp = &self.sso.idp;
        let for_person = session.and_then(|session| idp.issuer_for(sp, &session.subject).ok());
        for_person.map_or_else(|| idp.issuer_without_subject(sp).to_owned(), Cow::into_owned)
    }

    fn initiator(&self, asked: &Asked, session: Option<&SsoSession>) -> Initiator {
        Initiator {
            sp: asked.sp.entity_id().to_owned(),
            issuer: self.issuer(&asked.sp, session),
            request: asked.request.head.id.clone(),
            relay_state: asked.relay_state.clone(),
            binding: asked.binding.to_owned(),
            asynchronous: asked.request.asynchronous,
        }
    }

    /// A name that is not the one of the session: nothing ends, and the SP is told so.
    fn answer_stranger(
        &self,
        initiator: &Initiator,
        request: &RequestContext<'_>,
    ) -> Result<LogoutOutcome, Rejection> {
        let reason = "the LogoutRequest does not name the person of the session".to_owned();
        tracing::info!(request.id = %request.id, sp.entity_id = initiator.sp, "{reason}");
        let (sp, code) = (Some(initiator.sp.clone()), UNKNOWN_PRINCIPAL.to_owned());
        self.record(request, Event::RequestRefused { sp, code, reason })?;
        let snapshot = self.sso.registry.snapshot();
        let answer = self.answer(initiator, &stranger(), &snapshot)?;
        Ok(answer.unwrap_or(LogoutOutcome::Ask))
    }

    fn record(&self, request: &RequestContext<'_>, event: Event) -> Result<(), Rejection> {
        super::issue::record(&self.sso, request, event)
    }

    /// The person is told; the log and the audit have the cause.
    fn refuse(&self, rejection: &Rejection, request: &RequestContext<'_>) -> LogoutOutcome {
        let sentence = self.tell_log(rejection, request);
        LogoutOutcome::Refused(Refused { sentence, names: None })
    }

    fn fault(&self, rejection: &Rejection, request: &RequestContext<'_>) -> SoapAnswer {
        SoapAnswer::fault(rejection, self.tell_log(rejection, request))
    }

    fn tell_log(&self, rejection: &Rejection, request: &RequestContext<'_>) -> Sentence {
        let sentence = match rejection.sentence() {
            kept @ (Sentence::Unavailable | Sentence::UnknownServiceProvider | Sentence::NoRequest) => kept,
            _ => Sentence::SignOut,
        };
        if self.sso.tell_log(rejection.sp(), rejection, sentence.code(), request).is_err() {
            return Sentence::Unavailable;
        }
        sentence
    }
}

/// Whom a LogoutRequest means.
enum Named {
    /// These sessions; none if nobody is signed in under that name.
    Sessions(Vec<Arc<SsoSession>>),
    /// Somebody else than the person who is signed in there with this browser.
    Stranger,
}

fn stranger() -> Status {
    let message = "the LogoutRequest does not name the person who is signed in";
    Status::failure(REQUESTER, UNKNOWN_PRINCIPAL, message)
}
