//! [`Cache`]: the sessions at hand, bounded in number and weight. What is evicted comes back from the store.
//!
//! Ended sessions stay until they are evicted: a reader that found the row before its end cannot bring it back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SsoSession;

/// How much is held at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Sessions.
    pub(super) sessions: usize,
    /// Estimated bytes.
    pub(super) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { sessions: 100_000, bytes: 8 << 20 }
    }
}

/// Sessions by id_hash.
#[derive(Debug)]
pub(super) struct Cache {
    bounds: Bounds,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    held: HashMap<String, Held>,
    bytes: usize,
    tick: u64,
    generation: u64,
}

#[derive(Debug)]
struct Held {
    session: Arc<SsoSession>,
    bytes: usize,
    used: u64,
}

impl Cache {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, inner: Mutex::default() }
    }

    /// The session, ended or not. A new `generation` of the store empties the cache first, but for what `pinned` says
    /// the store does not know yet.
    pub(super) fn find(
        &self,
        id_hash: &str,
        generation: u64,
        pinned: impl Fn(&SsoSession) -> bool,
    ) -> Option<Arc<SsoSession>> {
        let mut inner = self.lock();
        if inner.generation != generation {
            inner.generation = generation;
            inner.held.retain(|_, held| pinned(&held.session) || held.session.is_ended());
            inner.bytes = inner.held.values().map(|held| held.bytes).sum();
        }
        inner.tick += 1;
        let tick = inner.tick;
        let held = inner.held.get_mut(id_hash)?;
        held.used = tick;
        Some(Arc::clone(&held.session))
    }

    /// Holds a session that was read while the store was at `generation`, and returns the one that is held from now on:
    /// somebody else may have been first.
    pub(super) fn hold(
        &self,
        session: SsoSession,
        bytes: usize,
        generation: u64,
        pinned: impl Fn(&SsoSession) -> bool,
    ) -> Arc<SsoSession> {
        let mut inner = self.lock();
        if let Some(held) = inner.held.get(&session.id_hash) {
            return Arc::clone(&held.session);
        }
        let session = Arc::new(session);
        if inner.generation != generation && !pinned(&session) {
            return session;
        }
        inner.tick += 1;
        // Strings have their own allocations, and the map its slots.
        let (used, bytes) = (inner.tick, 2 * bytes + 768);
        inner.bytes += bytes;
        inner.held.insert(session.id_hash.clone(), Held { session: Arc::clone(&session), bytes, used });
        if inner.held.len() > self.bounds.sessions || inner.bytes > self.bounds.bytes {
            inner.shrink(self.bounds, pinned);
        }
        session
    }

    /// How many sessions are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().held.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Evicts what was not used for longest, a tenth more than needed, so that the next insertions are cheap.
    fn shrink(&mut self, bounds: Bounds, pinned: impl Fn(&SsoSession) -> bool) {
        let (sessions, bytes) = (bounds.sessions - bounds.sessions / 10, bounds.bytes - bounds.bytes / 10);
        let mut by_use: Vec<_> = self.held.values().filter(|held| !pinned(&held.session)).collect();
        by_use.sort_unstable_by_key(|held| held.used);
        let mut excess = Vec::new();
        let mut left = (self.held.len(), self.bytes);
        for held in by_use {
            if left.0 <= sessions && left.1 <= bytes {
                break;
            }
            excess.push(held.session.id_hash.clone());
            left = (left.0 - 1, left.1.saturating_sub(held.bytes));
        }
        for id_hash in excess {
            self.held.remove(&id_hash);
        }
        self.bytes = left.1;
    }
}
