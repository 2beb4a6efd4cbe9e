//! What a step of a logout leads to, without a word of HTTP.

use super::chain::{Failure, State};
use crate::sso::outcome::{PostForm, Refused, SpNames};

/// A step of a logout.
#[derive(Debug)]
pub struct LogoutStep {
    /// What the browser is to be given.
    pub outcome: LogoutOutcome,
    /// The browser's own session has ended: its cookie goes.
    pub signed_out: bool,
    /// What becomes of the cookie that says which logout the browser is in.
    pub cookie: ChainCookie,
}

/// What becomes of the cookie that says which logout the browser is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainCookie {
    /// It stays as it is, if it is.
    Keep,
    /// The browser is in this logout from now on: see [`Chain::id_of`](super::chain::Chain::id_of).
    Set(String),
    /// It is in none any more.
    Drop,
}

impl LogoutStep {
    /// A step that changes no cookie.
    pub(super) fn still(outcome: LogoutOutcome) -> Self {
        Self { outcome, signed_out: false, cookie: ChainCookie::Keep }
    }
}

/// What the browser is to be given.
#[derive(Debug)]
pub enum LogoutOutcome {
    /// Another address: an SP's, with the message in its query, or the one where people go after the logout.
    Go(String),
    /// The same address by a page of ours, since browsers follow only so many redirects at a stretch.
    Pause {
        /// The address.
        url: String,
        /// The SP as a person knows it.
        names: SpNames,
    },
    /// A page that posts a message to an SP.
    Post(PostForm),
    /// Our own page, which says how far the logout is.
    Look,
    /// Our own page, which asks whether to sign out.
    Ask,
    /// A page that says why not.
    Refused(Refused),
}

/// How far a logout is, for a page.
#[derive(Debug)]
pub struct LogoutView {
    /// Each service provider and what came of it.
    pub parties: Vec<PartyView>,
    /// What comes next.
    pub next: NextView,
}

/// A service provider of a logout, for a page.
#[derive(Debug)]
pub struct PartyView {
    /// As people know it.
    pub names: SpNames,
    /// What came of it.
    pub state: State,
}

/// What comes next, for a page.
#[derive(Debug)]
pub enum NextView {
    /// Nothing: the page is the end.
    Nothing,
    /// The browser looks whether this one is there after all.
    Try {
        /// Its place among the parties.
        at: usize,
        /// As people know it.
        names: SpNames,
        /// Scheme, host and port, to be asked without a cookie.
        origin: String,
    },
    /// Back to the SP that asked, which is told how it went.
    Answer(SpNames),
    /// To the address where people go after a logout.
    Continue,
}

/// What the person does on our page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Go to the doubtful one at this place all the same.
    Try(usize),
    /// Leave it out.
    Skip(usize),
    /// Leave all doubtful ones out.
    Finish,
}

impl State {
    /// A stable word for log and audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Doubtful => "doubtful",
            Self::Asked => "asked",
            Self::SignedOut => "signed_out",
            Self::Failed(failure) => Failure::as_str(failure),
        }
    }
}
