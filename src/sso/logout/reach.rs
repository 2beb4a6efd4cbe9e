//! [`Reach`]: whether somebody is at an SP's endpoint, before a browser is sent there that could not come back.
//!
//! What was seen is believed for a short time, so that a Monday evening's logouts do not each look anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, future, stream};

use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::outgoing::Outgoing;

const THERE: SignedDuration = SignedDuration::from_secs(30);
const GONE: SignedDuration = SignedDuration::from_secs(5);
/// Endpoints that are remembered: only those of registered metadata are ever looked at.
const KNOWN: usize = 10_000;
/// Looks that are taken side by side.
const ABREAST: usize = 16;

/// What is known of endpoints.
#[derive(Debug)]
pub(super) struct Reach {
    outgoing: Outgoing,
    clock: Arc<dyn Clock>,
    seen: Mutex<HashMap<String, (bool, Timestamp)>>,
}

impl Reach {
    pub(super) fn new(outgoing: Outgoing, clock: Arc<dyn Clock>) -> Self {
        Self { outgoing, clock, seen: Mutex::default() }
    }

    /// Those of `urls` at which nobody is, looked up side by side, each once.
    pub(super) async fn gone(&self, urls: HashSet<String>) -> HashSet<String> {
        let looks = stream::iter(urls).map(|url| async { (!self.is_there(&url).await).then_some(url) });
        looks.buffer_unordered(ABREAST).filter_map(future::ready).collect().await
    }

    async fn is_there(&self, url: &str) -> bool {
        if let Some(known) = self.known(url) {
            return known;
        }
        let there = self.outgoing.is_there(url).await;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= KNOWN {
            seen.clear();
        }
        seen.insert(url.to_owned(), (there, self.clock.now()));
        there
    }

    fn known(&self, url: &str) -> Option<bool> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (there, at) = seen.get(url)?;
        let age = self.clock.now().duration_since(*at);
        (age < if *there { THERE } else { GONE }).then_some(*there)
    }
}
