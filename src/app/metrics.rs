//! [`Metrics`]: what was counted, in the text format of OpenMetrics, for the address of `[listen] admin`.
//!
//! Counters are those of this process. What is known of synchronisation is read from the store, where the runs of other
//! nodes and of commands are, too.

use std::sync::Arc;

use anyhow::{Context, Result};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::sync::is_paused;
use crate::audit::{AuditError, Record, Sink};
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::store::Store;
use crate::sync::report::Report;
use crate::sync::state::State;

type Labels<const N: usize> = [(&'static str, String); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;

/// What was counted.
#[derive(Debug)]
pub struct Metrics {
    events: Counters<2>,
    runs: Counters<2>,
    writes: Counters<4>,
    /// Name, and when its token ends.
    targets: Vec<(String, Option<Timestamp>)>,
}

impl Metrics {
    pub(super) fn new(config: &Config) -> Self {
        let target = |one: &crate::sync::options::SyncOptions| (one.name.clone(), one.token_expires);
        Self {
            events: Counters::default(),
            runs: Counters::default(),
            writes: Counters::default(),
            targets: config.sync.iter().map(target).collect(),
        }
    }

    /// The audit trail, with its records counted.
    pub(super) fn counted(&self, audit: Arc<dyn Sink>) -> Arc<dyn Sink> {
        Arc::new(Counted { audit, events: self.events.clone() })
    }

    /// A run of synchronisation has ended; none where it could not begin.
    pub fn synchronised(&self, target: &str, report: Option<&Report>) {
        let result = report.map_or("not_begun", Report::result);
        self.runs.get_or_create(&[("target", target.to_owned()), ("result", result.to_owned())]).inc();
        if let Some(report) = report {
            self.wrote(target, report);
        }
    }

    /// What a run wrote, also one that then could not begin.
    pub fn wrote(&self, target: &str, report: &Report) {
        for (kind, counts) in &report.counts {
            let of = [("add", counts.add), ("modify", counts.modify), ("delete", counts.delete)];
            for (action, (tried, succeeded)) in of {
                for (result, count) in [("ok", succeeded), ("failed", tried.saturating_sub(succeeded))] {
                    let object = kind.key().to_owned();
                    let labels = [
                        ("target", target.to_owned()),
                        ("object", object),
                        ("type", action.to_owned()),
                        ("result", result.to_owned()),
                    ];
                    self.writes.get_or_create(&labels).inc_by(count);
                }
            }
        }
    }

    /// All of it. Fails when the store does not answer.
    pub(super) async fn text(&self, store: &Store, clock: &Arc<dyn Clock>) -> Result<String> {
        let mut registry = Registry::with_prefix("sekisho");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of the program", version);
        let help = "Records of the audit trail, by event and, where it has one, its reason or code";
        registry.register("audit_events", help, self.events.clone());
        if !self.targets.is_empty() {
            registry.register("sync_runs", "Runs of synchronisation by this process", self.runs.clone());
            let help = "What runs of this process wrote to targets";
            registry.register("sync_writes", help, self.writes.clone());
            let known = Known::default();
            for (target, expires) in &self.targets {
                known.read(target, store, clock).await.with_context(|| format!("target \"{target}\""))?;
                if let Some(expires) = expires {
                    known.expires.get_or_create(&of(target)).set(expires.as_second());
                }
            }
            known.register(&mut registry);
        }
        let mut text = String::new();
        encode(&mut text, &registry).context("the metrics cannot be written")?;
        Ok(text)
    }
}

fn of(target: &str) -> Labels<1> {
    [("target", target.to_owned())]
}

/// What the store has of the targets.
#[derive(Debug, Default)]
struct Known {
    linked: Gauges<2>,
    held: Gauges<1>,
    failing: Gauges<1>,
    paused: Gauges<1>,
    began: Gauges<1>,
    ended: Gauges<1>,
    complete: Gauges<1>,
    expires: Gauges<1>,
}

impl Known {
    async fn read(&self, target: &str, store: &Store, clock: &Arc<dyn Clock>) -> Result<()> {
        let state = State::new(store.sync_state().await?, target, Arc::clone(clock));
        for (kind, count) in state.link_counts().await? {
            let labels = [("target", target.to_owned()), ("object", kind.key().to_owned())];
            self.linked.get_or_create(&labels).set(i64::try_from(count)?);
        }
        let held: usize = state.held().await?.values().sum();
        self.held.get_or_create(&of(target)).set(i64::try_from(held)?);
        self.failing.get_or_create(&of(target)).set(i64::try_from(state.failing().await?)?);
        let paused = is_paused(store, target, clock.now()).await?;
        self.paused.get_or_create(&of(target)).set(i64::from(paused));
        let Some(last) = state.runs(1).await?.pop() else { return Ok(()) };
        self.began.get_or_create(&of(target)).set(last.started.as_second());
        if let Some(ended) = last.ended {
            self.ended.get_or_create(&of(target)).set(ended.as_second());
            self.complete.get_or_create(&of(target)).set(i64::from(last.result == "complete"));
        }
        Ok(())
    }

    fn register(self, registry: &mut Registry) {
        registry.register("sync_linked_objects", "Objects that are known at the target", self.linked);
        let gauges = [
            ("sync_held_operations", "Operations that wait for `sekisho sync allow`", self.held),
            ("sync_failing_operations", "Operations that failed and are tried again", self.failing),
            ("sync_paused", "1 where the target waits for `sekisho sync resume`", self.paused),
            ("sync_last_run_start_timestamp_seconds", "When the newest run began", self.began),
            ("sync_last_run_end_timestamp_seconds", "When the newest run ended, if it has", self.ended),
            ("sync_last_run_complete", "1 where the newest run left nothing to do", self.complete),
            ("sync_token_expiry_timestamp_seconds", "token_expires of the configuration", self.expires),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge);
        }
    }
}

/// Counts what was written.
#[derive(Debug)]
struct Counted {
    audit: Arc<dyn Sink>,
    events: Counters<2>,
}

impl Sink for Counted {
    fn write(&self, record: &Record) -> Result<(), AuditError> {
        self.audit.write(record)?;
        let (event, reason) = record.event.words();
        self.events.get_or_create(&[("event", event.to_owned()), ("reason", reason.to_owned())]).inc();
        Ok(())
    }
}
