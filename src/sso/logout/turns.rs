//! [`Turns`]: the steps of one logout come one after the other, so that a reload and an answer do not undo each other.
//!
//! On other nodes nothing waits for them: there the later step wins, which can make a service provider that was signed out
//! look as if it had not answered, and never the other way round.

use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::{Mutex, MutexGuard};

const LANES: usize = 64;

/// Locks that chains share by chance.
#[derive(Debug)]
pub(super) struct Turns(Vec<Mutex<()>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..LANES).map(|_| Mutex::default()).collect())
    }
}

impl Turns {
    /// Waits for the turn of a chain; nothing to wait for without one.
    pub(super) async fn wait(&self, chain: Option<&str>) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        chain?.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % 64).unwrap_or(0);
        Some(self.0.get(lane)?.lock().await)
    }
}
