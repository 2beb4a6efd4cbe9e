//! What listens beside a server: each directory of a target that is watched, domain by domain.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, watch};

use super::schedule::AFTER_FAULT;
use crate::app::App;
use crate::app::sync as wiring;
use crate::config::Config;
use crate::directory::DirectoryError;
use crate::directory::source::Source;
use crate::sync::options::{SourceOptions, SyncOptions};

/// Between the end of one lasting search and the beginning of the next, which tells of what was missed.
const RENEWAL: Duration = Duration::from_secs(1);
/// How often the domains of a global catalogue are asked for.
const DOMAINS_EVERY: Duration = Duration::from_mins(10);

/// The directories of one target.
pub(super) struct Watching<'a> {
    pub(super) app: &'a App,
    pub(super) config: &'a Config,
    pub(super) options: &'a SyncOptions,
    /// Notified when one of them has news.
    pub(super) news: &'a Notify,
}

impl Watching<'_> {
    /// Listens until `stop` turns true; not at all where the configuration does not want it.
    pub(super) async fn go_on(&self, mut stop: watch::Receiver<bool>) {
        if !self.options.watch {
            return;
        }
        let sources = match wiring::sources(self.config, self.options, &self.app.clock) {
            Ok(sources) => sources,
            Err(error) => {
                return tracing::error!(sync.target = self.options.name, "nothing is watched: {error:#}");
            }
        };
        let each = self.options.sources.iter().zip(sources);
        let listening = each.map(|(options, source)| self.listen(options, source));
        tokio::select! {
            _ = join_all(listening) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// To a directory, or to the domains that a global catalogue stands for.
    async fn listen(&self, options: &SourceOptions, source: Arc<dyn Source>) {
        let base = options.base.as_deref().unwrap_or(source.base());
        let mut told = None;
        loop {
            match source.domains(base).await {
                Ok(None) => return self.hear(source.as_ref(), base).await,
                Ok(Some(domains)) => {
                    told = None;
                    let each = domains.iter().map(|domain| self.hear(domain.as_ref(), domain.base()));
                    let _ = tokio::time::timeout(DOMAINS_EVERY, join_all(each)).await;
                }
                Err(error) => {
                    self.tell(source.as_ref(), &error, &mut told);
                    tokio::time::sleep(AFTER_FAULT).await;
                }
            }
        }
    }

    /// For ever, also after faults.
    async fn hear(&self, source: &dyn Source, base: &str) {
        let mut told = None;
        loop {
            match source.watch(base, self.news).await {
                Ok(()) => {
                    told = None;
                    tokio::time::sleep(RENEWAL).await;
                }
                Err(error) => {
                    self.tell(source, &error, &mut told);
                    tokio::time::sleep(AFTER_FAULT).await;
                }
            }
        }
    }

    /// A fault that lasts is told once.
    fn tell(&self, source: &dyn Source, error: &DirectoryError, told: &mut Option<String>) {
        let cause = error.to_string();
        if told.as_ref() != Some(&cause) {
            tracing::warn!(
                sync.target = self.options.name,
                "\"{}\" is not heard, so that its changes wait for the schedule: {cause}",
                source.name()
            );
            *told = Some(cause);
        }
    }
}
