//! The directory's own lock: a try that could close it is not made.
//!
//! What a directory shows of its counting was read before the try was admitted: tries that are under way, or that ended
//! since, count as if they were wrong. As with our own bounds, the last place is kept for addresses that signed the
//! person in before. The directory counts what Windows sends it too, so this holds where our own counting cannot.

use std::collections::HashMap;

use tokio::time::Instant;

use super::{Book, REMEMBERED};
use crate::directory::{Candidate, Lockout};

/// What the directory showed of the account that a name means.
#[derive(Debug, Clone, Copy)]
pub(in crate::authn) struct Shown {
    lockout: Lockout,
    /// When it was asked for.
    since: Instant,
}

impl Shown {
    /// `since`: a moment before the directory was asked.
    pub(in crate::authn) fn new(candidate: &Candidate, since: Instant) -> Self {
        Self { lockout: candidate.lockout, since }
    }
}

/// A try that may not reach the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::authn) struct Shielded {
    /// Whether the address signed this person in before.
    pub(in crate::authn) from_known_address: bool,
}

/// When tries of an account ended that the directory may have counted.
#[derive(Debug, Default)]
pub(super) struct Ended(HashMap<String, Vec<Instant>>);

impl Ended {
    /// Only what ended after a directory was asked is of interest; no question takes so long.
    const OF_INTEREST: std::time::Duration = std::time::Duration::from_mins(1);

    pub(super) fn note(&mut self, account: &str) {
        let now = Instant::now();
        let is_late = |at: &Instant| now.duration_since(*at) < Self::OF_INTEREST;
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, ended| ended.iter().any(is_late));
        }
        let ended = self.0.entry(account.to_owned()).or_default();
        ended.retain(is_late);
        ended.push(now);
    }

    fn after(&self, account: &str, since: Instant) -> usize {
        self.0.get(account).map_or(0, |ended| ended.iter().filter(|at| **at >= since).count())
    }
}

/// Whether a try may reach the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shield {
    /// It may.
    Open,
    /// Not while others of this account are under way.
    Busy,
    /// It may not.
    Closed,
}

impl Book {
    /// `known`: the address signed this person in before.
    pub(super) fn shield(&self, account: &str, shown: Option<Shown>, known: bool) -> Shield {
        let most = shown.and_then(|shown| Some((shown, shown.lockout.most_wrong()?)));
        let Some((Shown { lockout, since, .. }, most)) = most else { return Shield::Open };
        let most = most - u32::from(most > 1 && !known);
        let ended = u32::try_from(self.ended.after(account, since)).unwrap_or(u32::MAX);
        let settled = lockout.wrong.saturating_add(ended);
        let reserved = self.tallies.get(account).map_or(0, |tally| tally.reserved);
        if settled >= most {
            Shield::Closed
        } else if settled.saturating_add(reserved) >= most {
            Shield::Busy
        } else {
            Shield::Open
        }
    }
}
