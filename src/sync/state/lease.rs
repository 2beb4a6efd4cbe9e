//! [`Lease`]: one process at a time synchronises a target, on whichever node it runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{State, StateError};
use crate::clock::Timestamp;

/// How long a lease lasts without being renewed: nodes' clocks may differ by less than this.
const LASTS: Duration = Duration::from_mins(1);
/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(15);

/// A lease that is renewed until it is dropped. Everything that [`Lease::state`] writes is written only while the lease
/// is this one's, whatever the clocks say.
#[derive(Debug)]
pub struct Lease {
    state: State,
    renewal: JoinHandle<()>,
}

impl State {
    /// Takes the lease; `holder` is a name for messages and a part that nobody else has, such as `host:4711:random`.
    pub async fn lease(&self, holder: &str) -> Result<Lease, StateError> {
        if !self.renew(holder).await? {
            let target = self.target.to_string();
            let (holder, until_ms) = self.store.leased(&self.target).await?.unwrap_or_default();
            let until = Timestamp::from_millisecond(until_ms).unwrap_or(Timestamp::UNIX_EPOCH);
            return Err(StateError::Leased { target, holder, until });
        }
        let state = Self { holder: Some(Arc::from(holder)), ..self.clone() };
        state.name_links().await?;
        let renewal = tokio::spawn(keep(state.clone(), holder.to_owned()));
        Ok(Lease { state, renewal })
    }

    async fn renew(&self, holder: &str) -> Result<bool, StateError> {
        let now_ms = self.now_ms();
        let until_ms = now_ms + i64::try_from(LASTS.as_millis()).unwrap_or(0);
        Ok(self.store.lease(&self.target, holder, (now_ms, until_ms)).await?)
    }
}

async fn keep(state: State, holder: String) {
    loop {
        tokio::time::sleep(RENEWED).await;
        match state.renew(&holder).await {
            Ok(true) => {}
            Ok(false) => break,
            // Not lost yet: the fence of the next write will say.
            Err(error) => tracing::warn!(%error, sync.target = %state.target, "cannot renew the lease"),
        }
    }
    tracing::error!(sync.target = %state.target, "the lease was lost: another node may synchronise this target");
}

impl Lease {
    /// The state, which writes only while the lease holds.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Ends it, and waits until that is written: a process that ends would leave it behind.
    pub async fn release(self) {
        self.renewal.abort();
        if let Some(holder) = &self.state.holder
            && let Err(error) = self.state.store.release(&self.state.target, holder).await
        {
            tracing::warn!(%error, sync.target = %self.state.target, "cannot release the lease; it ends by its time");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
        if let Some(holder) = &self.state.holder {
            self.state.store.release_later(&self.state.target, holder);
        }
    }
}
