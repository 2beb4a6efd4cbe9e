//! [`Chain`]: one logout under way: who asked, which service providers are to be told, and how far it is. Pure: what
//! follows from an answer or from silence is decided here, and nowhere else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::identity::NameId;
use crate::saml::status::Status;
use crate::session::{Memos, SsoSession};

/// A logout under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Its name, made of a secret: see [`Self::id_of`]. The requests of the chain are `ID.N`.
    pub id: String,
    /// When it is forgotten.
    pub until: Timestamp,
    /// directory/key of the person.
    pub subject: String,
    /// The login name as the entry spells it.
    pub login: String,
    /// Who is told at the end how it went.
    pub initiator: Option<Initiator>,
    /// Who is told that the person signs out.
    pub parties: Vec<Party>,
    /// Whoever could be told without the browser was told.
    pub told: bool,
    /// Redirects to parties since the browser showed a page.
    pub hops: u8,
}

/// The SP that asked for the logout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initiator {
    /// Its entityID.
    pub sp: String,
    /// Who we are to it.
    pub issuer: String,
    /// The ID of its request.
    pub request: String,
    /// Its RelayState.
    pub relay_state: Option<String>,
    /// The binding by which it asked.
    pub binding: String,
    /// It waits for no answer.
    pub asynchronous: bool,
}

/// A service provider at which the person is signed in under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Its entityID.
    pub sp: String,
    /// Who we are to it.
    pub issuer: String,
    /// The name that it knows the person by; none where its policy wants none.
    pub name_id: Option<NameId>,
    /// Its sessions.
    pub session_indexes: Vec<String>,
    /// How far it is.
    pub state: State,
}

/// How far a service provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Its turn comes.
    Waiting,
    /// This server did not find it: the browser may, but is not sent there without a look.
    Doubtful,
    /// The browser is on its way there.
    Asked,
    /// It says that the person is signed out there.
    SignedOut,
    /// The person may still be signed in there.
    Failed(Failure),
}

/// Why a person may still be signed in somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// Its metadata names no SingleLogoutService that we speak to.
    NoEndpoint,
    /// It knows the person by no name, and a LogoutRequest must have one.
    NoName,
    /// It is no longer registered.
    Unregistered,
    /// Nobody is there.
    Unreachable,
    /// The browser went there and no answer came.
    NoAnswer,
    /// The answer could not be read or believed.
    Nonsense,
    /// It says that it did not sign the person out.
    Refused,
    /// It can only be told by a browser, and the person's is not at hand.
    NoBrowser,
}

impl Failure {
    /// A stable word for log and audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoEndpoint => "no_endpoint",
            Self::NoName => "no_name_id",
            Self::Unregistered => "unregistered",
            Self::Unreachable => "unreachable",
            Self::NoAnswer => "no_answer",
            Self::Nonsense => "bad_answer",
            Self::Refused => "refused",
            Self::NoBrowser => "no_browser",
        }
    }
}

/// Browsers follow some 16 to 20 redirects at a stretch; each party needs two, and perhaps some of its own.
const HOPS: u8 = 3;

/// What a chain needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The browser goes to this party.
    Ask(usize),
    /// Only doubtful ones are left; this is the first.
    Look(usize),
    /// Everybody's state is final.
    Finish,
}

impl Chain {
    /// The name of the chain that a secret opens. The browser's cookie holds the secret; SPs are told the name, with which
    /// they can do nothing.
    pub fn id_of(secret: &str) -> String {
        format!("_{}", Memos::name_of(secret))
    }

    /// The secret of the logout that ends the session of this token: also a browser that did not wait for the first answer,
    /// and so got no cookie, finds the logout that it began.
    pub fn secret_of(token: &str) -> String {
        Memos::secret_of("logout", token)
    }

    /// The ID of the request to a party.
    pub fn request_id(&self, at: usize) -> String {
        format!("{}.{at}", self.id)
    }

    /// The chain and the party that a request of ours was for.
    pub fn of_request(id: &str) -> Option<(&str, usize)> {
        let (chain, at) = id.rsplit_once('.')?;
        Some((chain, at.parse().ok()?))
    }

    /// What comes next.
    pub fn next(&self) -> Next {
        let first = |state: State| self.parties.iter().position(|party| party.state == state);
        match (first(State::Waiting), first(State::Doubtful)) {
            (Some(at), _) => Next::Ask(at),
            (None, Some(at)) => Next::Look(at),
            (None, None) => Next::Finish,
        }
    }

    /// Counts a redirect; whether the browser must be shown a page first.
    pub fn hop(&mut self) -> bool {
        let pause = self.hops >= HOPS;
        self.hops = if pause { 1 } else { self.hops + 1 };
        pause
    }

    /// Whether everybody was signed out.
    pub fn is_complete(&self) -> bool {
        self.parties.iter().all(|party| party.state == State::SignedOut)
    }

    /// What whoever asked is told.
    pub fn status(&self) -> Status {
        if self.is_complete() { Status::success() } else { Status::partial_logout() }
    }

    /// The SP that waits for an answer.
    pub fn awaiting(&self) -> Option<&Initiator> {
        self.initiator.as_ref().filter(|initiator| !initiator.asynchronous)
    }

    /// Whoever was asked and is not heard of did not answer: the browser is here again. Says who that was.
    pub fn give_up_asked(&mut self, failure: Failure) -> Vec<usize> {
        self.exchange(State::Asked, State::Failed(failure))
    }

    /// Nobody looks for the doubtful ones any more. Says who that was.
    pub fn give_up_doubtful(&mut self) -> Vec<usize> {
        self.exchange(State::Doubtful, State::Failed(Failure::Unreachable))
    }

    fn exchange(&mut self, from: State, to: State) -> Vec<usize> {
        let mut changed = Vec::new();
        for (at, party) in self.parties.iter_mut().enumerate() {
            if party.state == from {
                party.state = to;
                changed.push(at);
            }
        }
        changed
    }
}

/// Who is to be told when these sessions end: each SP once for each name that it knows the person by, but not `asking`,
/// which knows.
pub fn parties(
    sessions: &[Arc<SsoSession>],
    asking: Option<(&str, &NameId)>,
    issuer: impl Fn(&str, &SsoSession) -> String,
) -> Vec<Party> {
    let mut parties: Vec<Party> = Vec::new();
    for session in sessions {
        for held in session.sp_sessions() {
            if asking.is_some_and(|(sp, name)| sp == held.sp && held.is_named(&name.value)) {
                continue;
            }
            let state = match held.name_id {
                Some(_) => State::Waiting,
                None => State::Failed(Failure::NoName),
            };
            match parties.iter_mut().find(|party| party.sp == held.sp && party.name_id == held.name_id) {
                Some(party) => party.session_indexes.push(held.session_index),
                None => parties.push(Party {
                    issuer: issuer(&held.sp, session),
                    sp: held.sp,
                    name_id: held.name_id,
                    session_indexes: vec![held.session_index],
                    state,
                }),
            }
        }
    }
    parties
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(states: &[State]) -> Chain {
        let party = |state: &State| Party {
            sp: "sp".into(),
            issuer: "idp".into(),
            name_id: None,
            session_indexes: vec!["_s".into()],
            state: *state,
        };
        Chain {
            id: "_c".into(),
            until: Timestamp::UNIX_EPOCH,
            subject: "d/k".into(),
            login: "l".into(),
            initiator: None,
            parties: states.iter().map(party).collect(),
            told: true,
            hops: 0,
        }
    }

    #[test]
    fn the_living_come_before_the_doubtful_and_the_end_after_all() {
        use State::{Asked, Doubtful, Failed, SignedOut, Waiting};
        let dead = Failed(Failure::Unreachable);
        for (states, next, complete) in [
            (&[][..], Next::Finish, true),
            (&[Doubtful, SignedOut, Waiting], Next::Ask(2), false),
            (&[SignedOut, Doubtful, dead], Next::Look(1), false),
            (&[SignedOut, dead], Next::Finish, false),
            (&[SignedOut, SignedOut], Next::Finish, true),
            (&[Asked], Next::Finish, false),
        ] {
            let chain = chain(states);
            assert_eq!((chain.next(), chain.is_complete()), (next, complete), "{states:?}");
        }
    }

    #[test]
    fn no_more_redirects_follow_one_another_than_a_browser_takes() {
        let mut chain = chain(&[]);
        let pauses: Vec<bool> = (0..9).map(|_| chain.hop()).collect();
        assert_eq!(pauses, [false, false, false, true, false, false, true, false, false]);
    }

    #[test]
    fn a_browser_that_comes_back_leaves_the_silent_behind() {
        let mut chain = chain(&[State::Asked, State::Waiting, State::Doubtful]);
        assert_eq!(chain.give_up_asked(Failure::NoAnswer), [0]);
        assert_eq!(chain.next(), Next::Ask(1));
        assert_eq!(chain.give_up_doubtful(), [2]);
        assert_eq!(chain.parties[2].state, State::Failed(Failure::Unreachable));
        assert_eq!(Chain::of_request(&chain.request_id(1)), Some(("_c", 1)));
        assert_eq!(Chain::of_request("_c"), None);
        assert_eq!(Chain::of_request("_c.x"), None);
    }
}
