//! [`Turns`]: the steps of one logout come one after the other, so that a reload and an answer do not undo each other.
//!
//! On other nodes nothing waits for them: there the later step wins, which can make a service provider that was signed out
//! look as if it had not answered, and never the other way round.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

use tokio::sync::{Mutex, OwnedMutexGuard};

/// A lock for each logout that has a step under way.
#[derive(Debug, Default)]
pub(super) struct Turns(std::sync::Mutex<HashMap<String, Weak<Mutex<()>>>>);

/// Names of logouts whose steps are over are cleared away when there are this many.
const MANY: usize = 1_024;

impl Turns {
    /// Waits for the turn of a chain.
    pub(super) async fn wait(&self, chain: &str) -> OwnedMutexGuard<()> {
        self.of(chain).lock_owned().await
    }

    fn of(&self, chain: &str) -> Arc<Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(chain).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() >= MANY {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::default();
        turns.insert(chain.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_logout_waits_for_itself_and_for_no_other() {
        let turns = Turns::default();
        let first = turns.wait("a").await;
        assert!(turns.wait("a").now_or_never().is_none());
        assert!(turns.wait("b").now_or_never().is_some());
        drop(first);
        assert!(turns.wait("a").now_or_never().is_some());
    }

    #[tokio::test]
    async fn what_is_over_is_cleared_away() {
        let turns = Turns::default();
        let held = turns.wait("held").await;
        for n in 0..5 * MANY {
            drop(turns.wait(&n.to_string()).await);
        }
        assert!(turns.0.lock().unwrap().len() <= MANY);
        assert!(turns.wait("held").now_or_never().is_none());
        drop(held);
    }
}
