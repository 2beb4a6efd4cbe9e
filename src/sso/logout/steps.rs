//! The steps of a logout after its beginning: an answer, silence, a click; each ends where [`Chain::next`] says.

use tokio::sync::OwnedMutexGuard;

use super::accept::Answered;
use super::chain::{Chain, Failure, Next, State};
use super::outcome::{ChainCookie, LogoutOutcome, LogoutStep, LogoutView, NextView, PartyView, Step};
use super::send::front;
use super::{Held, SingleLogout};
use crate::audit::Event;
use crate::sso::RequestContext;
use crate::sso::outcome::Rejection;

/// What a browser that opens the page of its logout gets.
#[derive(Debug)]
pub enum Looked {
    /// The logout goes on.
    Step(LogoutStep),
    /// A page.
    View(LogoutView),
    /// There is no such logout.
    Nothing,
}

impl SingleLogout {
    /// The browser shows its page: whoever was asked and did not send it on is left behind.
    pub async fn look(&self, held: Held<'_>, request: &RequestContext<'_>) -> Looked {
        let looked = async {
            let Some(found) = self.under_way(held).await? else { return Ok(Looked::Nothing) };
            let _turn = self.turns.wait(&found.id).await;
            let Some(mut chain) = self.stored(&found.id).await? else { return Ok(Looked::Nothing) };
            let news = !chain.told;
            self.tell_first(&mut chain, true, request).await?;
            let silent = chain.give_up_asked(Failure::NoAnswer);
            for at in &silent {
                self.note(&chain, *at, request)?;
            }
            if let Next::Ask(_) = chain.next() {
                return Ok(Looked::Step(self.advance(chain, request).await?));
            }
            if chain.is_complete()
                && let Some(outcome) = self.last(&chain)?
            {
                self.forget(&chain).await?;
                let step = LogoutStep { outcome, signed_out: false, cookie: ChainCookie::Drop };
                return Ok(Looked::Step(step));
            }
            if news || !silent.is_empty() {
                self.keep(&chain).await?;
            }
            Ok(Looked::View(self.view(&chain)))
        };
        let looked: Result<_, Rejection> = looked.await;
        looked.unwrap_or_else(|rejection| Looked::Step(LogoutStep::still(self.refuse(&rejection, request))))
    }

    /// What the person, or the page by itself, does.
    pub async fn go_on(&self, step: Step, held: Held<'_>, request: &RequestContext<'_>) -> LogoutStep {
        let taken = async {
            let (_turn, found) = self.held(held).await?;
            let Some(mut chain) = found else { return Ok(LogoutStep::still(LogoutOutcome::Look)) };
            self.tell_first(&mut chain, true, request).await?;
            match (step, chain.next()) {
                (Step::Try(meant), Next::Look(at)) if meant == at => {
                    self.set(&mut chain, at, State::Waiting, request)?;
                }
                (Step::Skip(meant), Next::Look(at)) if meant == at => {
                    self.set(&mut chain, at, State::Failed(Failure::Unreachable), request)?;
                }
                (Step::Finish, Next::Look(_) | Next::Finish) => {
                    let silent = chain.give_up_asked(Failure::NoAnswer);
                    for at in chain.give_up_doubtful().into_iter().chain(silent) {
                        self.note(&chain, at, request)?;
                    }
                    return self.conclude(&chain).await;
                }
                // A second click, or one that came late.
                (Step::Try(_) | Step::Skip(_), Next::Look(_)) => {
                    return Ok(LogoutStep::still(LogoutOutcome::Look));
                }
                (_, Next::Ask(_) | Next::Finish) => {}
            }
            self.advance(chain, request).await
        };
        let taken: Result<_, Rejection> = taken.await;
        taken.unwrap_or_else(|rejection| LogoutStep::still(self.refuse(&rejection, request)))
    }

    /// An SP's answer that stands.
    pub(super) async fn answered(
        &self,
        answered: &Answered,
        held: Held<'_>,
        request: &RequestContext<'_>,
    ) -> Result<LogoutStep, Rejection> {
        let unasked = || Rejection::Unasked {
            sp: answered.sp.clone(),
            id: answered.request.chars().take(256).collect(),
        };
        let (id, at) = Chain::of_request(&answered.request).ok_or_else(unasked)?;
        let _turn = self.turns.wait(id).await;
        let mut chain = self.stored(id).await?.ok_or_else(unasked)?;
        let party = chain.parties.get(at).filter(|party| party.sp == answered.sp).ok_or_else(unasked)?;
        match party.state {
            // One that was given up may answer after all.
            State::Asked | State::Failed(Failure::NoAnswer | Failure::Nonsense) => {
                let state = if answered.success { State::SignedOut } else { State::Failed(Failure::Refused) };
                self.set(&mut chain, at, state, request)?;
            }
            State::SignedOut | State::Failed(Failure::Refused) => {}
            State::Waiting | State::Doubtful | State::Failed(_) => return Err(unasked()),
        }
        if held.chain_id().as_deref() == Some(id) {
            return self.advance(chain, request).await;
        }
        // Whoever has not the cookie may be the SP itself, and is told nothing of the others. The person's browser shows its
        // cookie at the page, and goes on from there.
        self.keep(&chain).await?;
        Ok(LogoutStep::still(LogoutOutcome::Look))
    }

    /// A response that cannot be believed: whoever this browser was sent to is left behind.
    pub(super) async fn nonsense(
        &self,
        rejection: Rejection,
        claimed: Option<String>,
        held: Held<'_>,
        request: &RequestContext<'_>,
    ) -> Result<LogoutStep, Rejection> {
        let (_turn, found) = self.held(held).await?;
        let Some(mut chain) = found else {
            // By POST from another site an http set-up gets no cookie: the page will have it.
            let ours = claimed.as_deref().and_then(Chain::of_request).is_some();
            if !ours {
                return Err(rejection);
            }
            tracing::warn!(request.id = %request.id, "{}", rejection.to_string().escape_debug());
            return Ok(LogoutStep::still(LogoutOutcome::Look));
        };
        let asked = chain.give_up_asked(Failure::Nonsense);
        if asked.is_empty() {
            return Err(rejection);
        }
        tracing::warn!(request.id = %request.id, "{}", rejection.to_string().escape_debug());
        for at in asked {
            self.note(&chain, at, request)?;
        }
        self.advance(chain, request).await
    }

    /// To whoever is next, or to the end.
    pub(super) async fn advance(
        &self,
        mut chain: Chain,
        request: &RequestContext<'_>,
    ) -> Result<LogoutStep, Rejection> {
        let snapshot = self.sso.registry.snapshot();
        while let Next::Ask(at) = chain.next() {
            let outcome = match self.ask(&chain, at, &snapshot) {
                Ok(Some(outcome)) => outcome,
                Ok(None) => {
                    self.set(&mut chain, at, State::Failed(Failure::Unregistered), request)?;
                    continue;
                }
                Err(rejection) => {
                    tracing::error!(request.id = %request.id, "{rejection}");
                    self.set(&mut chain, at, State::Failed(Failure::NoAnswer), request)?;
                    continue;
                }
            };
            self.set(&mut chain, at, State::Asked, request)?;
            let outcome = match outcome {
                LogoutOutcome::Go(url) if chain.hop() => {
                    let sp = chain.parties.get(at).map(|party| party.sp.as_str()).unwrap_or_default();
                    LogoutOutcome::Pause { url, names: self.names(&snapshot, sp) }
                }
                other => other,
            };
            self.keep(&chain).await?;
            return Ok(LogoutStep::still(outcome));
        }
        if chain.is_complete() {
            return self.conclude(&chain).await;
        }
        self.keep(&chain).await?;
        Ok(LogoutStep::still(LogoutOutcome::Look))
    }

    /// Where the end of a logout leads: to the SP that asked, with how it went, or to where people go after a logout.
    pub(super) fn last(&self, chain: &Chain) -> Result<Option<LogoutOutcome>, Rejection> {
        match chain.awaiting() {
            Some(initiator) => self.answer(initiator, &chain.status(), &self.sso.registry.snapshot()),
            None => Ok(self.after_logout_url.clone().map(LogoutOutcome::Go)),
        }
    }

    /// The logout is over; where it leads nowhere, the page shows what came of it.
    async fn conclude(&self, chain: &Chain) -> Result<LogoutStep, Rejection> {
        match self.last(chain)? {
            Some(outcome) => {
                self.forget(chain).await?;
                Ok(LogoutStep { outcome, signed_out: false, cookie: ChainCookie::Drop })
            }
            None if chain.parties.is_empty() => {
                Ok(LogoutStep { outcome: LogoutOutcome::Look, signed_out: false, cookie: ChainCookie::Drop })
            }
            None => {
                self.keep(chain).await?;
                Ok(LogoutStep::still(LogoutOutcome::Look))
            }
        }
    }

    fn view(&self, chain: &Chain) -> LogoutView {
        let snapshot = self.sso.registry.snapshot();
        let parties = chain.parties.iter();
        let mut parties: Vec<_> = parties
            .map(|party| PartyView { names: self.names(&snapshot, &party.sp), state: party.state })
            .collect();
        // What is left to do stands first.
        parties.sort_by_key(|party| party.state == State::SignedOut);
        let next = match (chain.next(), chain.awaiting()) {
            (Next::Look(at), _) => self.doubtful(chain, at),
            (_, Some(initiator)) if self.can_answer(initiator, &snapshot) => {
                NextView::Answer(self.names(&snapshot, &initiator.sp))
            }
            (_, None) if self.after_logout_url.is_some() => NextView::Continue,
            (_, _) => NextView::Nothing,
        };
        LogoutView { parties, next }
    }

    fn doubtful(&self, chain: &Chain, at: usize) -> NextView {
        let snapshot = self.sso.registry.snapshot();
        let Some(party) = chain.parties.get(at) else { return NextView::Nothing };
        let sp = super::accept::find_also_disabled(&snapshot, &party.sp, self.sso.clock.now());
        let location = sp.ok().and_then(|sp| front(&sp).map(|endpoint| endpoint.location.clone()));
        let origin = location.as_deref().map(origin).unwrap_or_default().to_owned();
        NextView::Try { at, names: self.names(&snapshot, &party.sp), origin }
    }

    fn set(
        &self,
        chain: &mut Chain,
        at: usize,
        state: State,
        request: &RequestContext<'_>,
    ) -> Result<(), Rejection> {
        if let Some(party) = chain.parties.get_mut(at) {
            party.state = state;
        }
        self.note(chain, at, request)
    }

    /// Writes to the audit trail what came of a party, once that is final.
    pub(super) fn note(
        &self,
        chain: &Chain,
        at: usize,
        request: &RequestContext<'_>,
    ) -> Result<(), Rejection> {
        let Some(party) = chain.parties.get(at) else { return Ok(()) };
        if !matches!(party.state, State::SignedOut | State::Failed(_)) {
            return Ok(());
        }
        self.record(
            request,
            Event::SignedOutAt {
                subject: chain.subject.clone(),
                login: chain.login.clone(),
                sp: party.sp.clone(),
                outcome: party.state.as_str().to_owned(),
            },
        )
    }

    /// The logout of the cookie, and the turn in it.
    async fn held(&self, held: Held<'_>) -> Result<(Option<OwnedMutexGuard<()>>, Option<Chain>), Rejection> {
        let Some(id) = held.chain_id() else { return Ok((None, None)) };
        let turn = self.turns.wait(&id).await;
        Ok((Some(turn), self.stored(&id).await?))
    }

    /// The logout of the cookie, else the one that ended the browser's session before it got a cookie.
    pub(super) async fn under_way(&self, held: Held<'_>) -> Result<Option<Chain>, Rejection> {
        let of_session = held.token.map(|token| Chain::id_of(&Chain::secret_of(token)));
        for id in held.chain_id().into_iter().chain(of_session) {
            if let Some(chain) = self.stored(&id).await? {
                return Ok(Some(chain));
            }
        }
        Ok(None)
    }

    pub(super) async fn stored(&self, id: &str) -> Result<Option<Chain>, Rejection> {
        let found = self.memos.get(&key(id)).await;
        let found = found.map_err(Rejection::unavailable)?;
        Ok(found.and_then(|body| serde_json::from_str(&body).ok()))
    }

    pub(super) async fn keep(&self, chain: &Chain) -> Result<(), Rejection> {
        let body = serde_json::to_string(chain).map_err(Rejection::unavailable)?;
        let kept = self.memos.put(&key(&chain.id), body, chain.until).await;
        kept.map_err(Rejection::unavailable)
    }

    async fn forget(&self, chain: &Chain) -> Result<(), Rejection> {
        if chain.parties.is_empty() {
            return Ok(());
        }
        let forgotten = self.memos.forget(&key(&chain.id)).await;
        forgotten.map_err(Rejection::unavailable)
    }
}

fn key(id: &str) -> String {
    format!("logout/{id}")
}

/// Scheme, host and port of a registered endpoint.
fn origin(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(after..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(url.len(), |at| after + at);
    url.get(..end).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_ends_where_the_path_begins() {
        assert_eq!(origin("https://sp.example:8443/slo?x=1"), "https://sp.example:8443");
        assert_eq!(origin("http://sp.example?x"), "http://sp.example");
        assert_eq!(origin("https://sp.example"), "https://sp.example");
    }
}
