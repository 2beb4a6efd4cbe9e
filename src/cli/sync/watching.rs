//! What listens beside a server: each directory of a target that is watched.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
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
    pub(super) async fn go_on(&self, stop: watch::Receiver<bool>) {
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
        let listening = each.map(|(options, source)| self.listen(options, source, stop.clone()));
        futures_util::future::join_all(listening).await;
    }

    async fn listen(
        &self,
        options: &SourceOptions,
        source: Arc<dyn Source>,
        mut stop: watch::Receiver<bool>,
    ) {
        // A fault that lasts is told once.
        let mut told = None;
        while !*stop.borrow() {
            let ended = tokio::select! {
                ended = self.hear(options, source.as_ref()) => ended,
                _ = stop.changed() => continue,
            };
            let cause = ended.err().map(|error| error.to_string());
            if let Some(cause) = cause.as_ref().filter(|_| told != cause) {
                tracing::warn!(
                    sync.target = self.options.name,
                    "\"{}\" is not heard, so that its changes wait for the schedule: {cause}",
                    options.directory
                );
            }
            let wait = if cause.is_some() { AFTER_FAULT } else { RENEWAL };
            told = cause;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Until one of its domains is to be heard anew: a global catalogue stands for several.
    async fn hear(&self, options: &SourceOptions, source: &dyn Source) -> Result<(), DirectoryError> {
        let base = options.base.as_deref().unwrap_or(source.base());
        let Some(domains) = source.domains(base).await? else { return source.watch(base, self.news).await };
        let mut each: FuturesUnordered<_> =
            domains.iter().map(|domain| domain.watch(domain.base(), self.news)).collect();
        each.next().await.unwrap_or(Ok(()))
    }
}
