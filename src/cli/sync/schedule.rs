//! What runs by itself beside a server: each target with a schedule, one node at a time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::{Notify, watch};

use super::log;
use super::node::node;
use super::watching::Watching;
use crate::app::App;
use crate::app::sync::{self as wiring, InServer, farewell};
use crate::clock::{SignedDuration, Timestamp};
use crate::config::Config;
use crate::store::SyncStore;
use crate::sync::engine::{Extent, Synchronisation};
use crate::sync::error::SyncError;
use crate::sync::notice::{Notices, Told};
use crate::sync::options::SyncOptions;
use crate::sync::report::{Report, Teller};
use crate::sync::schedule::Schedule;
use crate::sync::state::StateError;
use crate::sync::target::FaultKind;
use crate::sync::words;

/// How long a target is left alone after a run that could not be made, at least.
pub(super) const AFTER_FAULT: Duration = Duration::from_mins(1);
/// How often it is looked whether a target that is paused was resumed, when something is due: whoever resumes it carries what
/// changed first. And whether another node or a command is at it still.
const WHILE_NOT_OURS: Duration = Duration::from_secs(30);
/// How long changes that were heard of wait after the beginning of the last run: many come at once.
const TOGETHER: SignedDuration = SignedDuration::from_secs(5);
/// How often the state is relieved of what has passed.
const PURGE_EVERY: Duration = Duration::from_hours(1);
/// The longest sleep: a clock may be set.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Runs every target of the configuration that has a schedule, until `stop` turns true.
pub(in crate::cli) async fn keep(app: Arc<App>, config: Arc<Config>, stop: watch::Receiver<bool>) {
    let scheduled = config.sync.iter().filter(|one| one.schedule.is_some() || one.full_schedule.is_some());
    let scheduled: Vec<&SyncOptions> = scheduled.collect();
    if scheduled.is_empty() {
        return;
    }
    let state = match app.store.sync_state().await {
        Ok(state) => state,
        Err(error) => return tracing::error!("nothing is synchronised: {error}"),
    };
    let run = Beside { app: &app, config: &config, state };
    let loops = scheduled.into_iter().map(|options| run.keep(options, stop.clone()));
    let purging = run.purge(stop.clone());
    tokio::join!(futures_util::future::join_all(loops), purging);
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It was made, or need not be.
    Yes {
        /// Whether it found nothing at all.
        idle: bool,
    },
    /// It could not be made, or not to its end.
    No,
    /// A full run could not be made, for what a run of changes does not look at.
    NotWhole,
    /// Another node or a command is at it.
    Elsewhere,
    /// It waits until the target is resumed.
    Paused,
}

/// What runs beside a server.
struct Beside<'a> {
    app: &'a App,
    config: &'a Config,
    state: SyncStore,
}

impl Beside<'_> {
    async fn keep(&self, options: &SyncOptions, stop: watch::Receiver<bool>) {
        let news = Notify::new();
        let watching = Watching { app: self.app, config: self.config, options, news: &news };
        tokio::join!(self.run_when_due(options, &news, stop.clone()), watching.go_on(stop));
    }

    async fn run_when_due(&self, options: &SyncOptions, news: &Notify, mut stop: watch::Receiver<bool>) {
        let start = self.app.clock.now();
        let mut began: [Option<Timestamp>; 2] = [None, None];
        match self.last_runs(options).await {
            Ok(known) => began = known,
            Err(error) => tracing::error!(sync.target = options.name, "{error:#}"),
        }
        // What the administrator was told of the last run, so that it is told once.
        let mut told = Told::default();
        // Whether there is news since the last run, and how long it waits for more.
        let (mut heard, mut together) = (false, TOGETHER);
        let mut was_paused = false;
        // When a full run that alone could not be made is tried again: those of changes go on meanwhile.
        let mut full_again = Timestamp::MIN;
        while !*stop.borrow() {
            let now = self.app.clock.now();
            let next = |schedule: &Option<Schedule>, last| {
                schedule.as_ref().and_then(|one| one.due(last, start, now))
            };
            let [changes, full] = began;
            // A full run is one of changes, too.
            let last = changes.max(full);
            let soon = Some(Schedule::Every(together)).filter(|_| heard);
            let due = [
                next(&options.schedule, last).into_iter().chain(next(&soon, last)).min(),
                next(&options.full_schedule, full).map(|due| due.max(full_again)),
            ];
            let Some(first) = due.into_iter().flatten().min() else { return };
            let mut wait =
                Duration::try_from(first.duration_since(now)).unwrap_or_default().min(LONGEST_SLEEP);
            if first <= now {
                let [_, full] = due;
                let is_full = full.is_some_and(|full| full <= now);
                let extent = if is_full { Extent::Full { refill: false } } else { Extent::Changes };
                let before = began;
                if let Some(began) = began.get_mut(usize::from(is_full)) {
                    *began = Some(now);
                }
                let news_before = std::mem::take(&mut heard);
                // Boxed: it holds a whole plan.
                let made = Box::pin(self.run(options, (&extent, stop.clone()), &mut told)).await;
                if let Err(error) = &made {
                    tracing::error!(sync.target = options.name, "{error:#}");
                }
                wait = Duration::ZERO;
                let made = made.unwrap_or(Made::No);
                if let Made::Yes { idle } = made {
                    // What is heard is of the whole directory: most of it may be nobody's matter here.
                    together = if idle { TOGETHER * 2 } else { TOGETHER };
                } else {
                    // What is heard meanwhile waits, too.
                    heard |= news_before;
                    began = before;
                    if made == Made::Paused && !was_paused {
                        tracing::info!(
                            sync.target = options.name,
                            "paused: what is due waits until it is resumed"
                        );
                    }
                    if made == Made::NotWhole {
                        full_again = self.app.clock.now().checked_add(AFTER_FAULT).unwrap_or(now);
                        continue;
                    }
                    let pause = if made == Made::No { AFTER_FAULT } else { WHILE_NOT_OURS };
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        _ = stop.changed() => {}
                    }
                    if made == Made::Elsewhere {
                        // What was due may be what was made there, or not.
                        began = self.last_runs(options).await.unwrap_or(began);
                    }
                }
                was_paused = made == Made::Paused;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = news.notified() => heard = true,
                _ = stop.changed() => {}
            }
        }
    }

    /// Relieves the state of what has passed.
    async fn purge(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(error) = self.state.purge(self.app.clock.now().as_millisecond()).await {
                tracing::error!("cannot purge the state of synchronisation: {error}");
            }
            tokio::select! {
                () = tokio::time::sleep(PURGE_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    fn engine(&self, options: &SyncOptions) -> Result<Synchronisation> {
        let ports = (Arc::clone(&self.app.clock), Arc::clone(&self.app.ids), node());
        wiring::synchronisation(self.config, options, &self.state, ports)
    }

    /// When the last run of changes and the last full one began, whoever made them.
    async fn last_runs(&self, options: &SyncOptions) -> Result<[Option<Timestamp>; 2]> {
        let last = wiring::state(options, &self.state, &self.app.clock).last_runs().await?;
        Ok(["incremental", "full"].map(|mode| last.get(mode).copied()))
    }

    async fn run(
        &self,
        options: &SyncOptions,
        (extent, mut stop): (&Extent, watch::Receiver<bool>),
        told: &mut Told,
    ) -> Result<Made> {
        let app = self.app;
        if wiring::is_paused(&app.store, &options.name, app.clock.now()).await? {
            return Ok(Made::Paused);
        }
        // The token and the keys of a directory are read anew.
        let engine = match self.engine(options) {
            Ok(engine) => engine,
            Err(error) => {
                app.metrics.synchronised(&options.name, None);
                self.notify(options, extent, vec![format!("{error:#}")], told).await?;
                return Err(error);
            }
        };
        let ends = Arc::new(InServer(Arc::clone(&app.logout), Arc::clone(&app.ids)));
        let (leavers, ending) = farewell(options, ends);
        let ending = tokio::spawn(ending);
        tracing::info!(sync.target = options.name, "{}", words::STARTING);
        let ended = {
            let zone = &self.config.log.timezone;
            let wrote = |report: &Report| app.metrics.wrote(&options.name, report);
            let teller = Teller {
                target: &options.name,
                zone,
                progress: None,
                leavers: Some(&leavers),
                unreported: Some(&wrote),
            };
            let (ends, cancel) = watch::channel(false);
            let told_to_end = async {
                tokio::select! {
                    Ok(_) = stop.wait_for(|stop| *stop) => {}
                    () = wiring::until_paused(&app.store, &options.name, app.clock.as_ref()) => {}
                }
                let _ = ends.send(true);
                std::future::pending().await
            };
            tokio::select! {
                ended = engine.run(extent, &teller, cancel) => ended,
                never = told_to_end => never,
            }
        };
        drop(leavers);
        let _ = ending.await;
        match &ended {
            Ok(report) => {
                app.metrics.synchronised(&options.name, Some(report));
                tell(options, report);
            }
            Err(SyncError::State(StateError::Leased { holder, .. })) => {
                tracing::info!(sync.target = options.name, holder, "another node synchronises this target");
                return Ok(Made::Elsewhere);
            }
            Err(SyncError::Cancelled) => {
                tracing::info!(sync.target = options.name, "{}", SyncError::Cancelled);
                return Ok(Made::No);
            }
            Err(error) => {
                app.metrics.synchronised(&options.name, None);
                log(&options.name, error);
            }
        }
        tracing::info!(sync.target = options.name, "{}", words::FINISHED);
        let causes = match &ended {
            Ok(report) => report.told_causes(),
            Err(error) => vec![format!("{error} ({})", error.remedy())],
        };
        self.notify(options, extent, causes, told).await?;
        Ok(match ended {
            Ok(report) => made(&report),
            Err(error) if error.is_refused_login() => Made::Yes { idle: true },
            Err(SyncError::Forgetful { .. }) => Made::NotWhole,
            Err(_) => Made::No,
        })
    }

    async fn notify(
        &self,
        options: &SyncOptions,
        extent: &Extent,
        causes: Vec<String>,
        told: &mut Told,
    ) -> Result<()> {
        let notices = Notices::new(options, self.config.mail.as_ref(), &self.config.log.timezone)?;
        let is_full = matches!(extent, Extent::Full { .. });
        for error in notices.send(causes, is_full, told, self.app.clock.now()).await {
            tracing::error!(
                sync.target = options.name,
                "a notice was not sent, and will be with the next run: {error}"
            );
        }
        Ok(())
    }
}

fn made(report: &Report) -> Made {
    match &report.stopped {
        // Credentials that are refused are not tried again until the next time.
        Some(fault) if fault.kind == FaultKind::Unauthorized => {}
        Some(_) => return Made::No,
        // Without a number it ended when it had done what an earlier one left.
        None if report.run.is_none() => return Made::No,
        None => {}
    }
    Made::Yes { idle: report.counts.values().all(|counts| counts.total == 0) }
}

fn tell(options: &SyncOptions, report: &Report) {
    let run = report.run;
    for line in report.summary() {
        tracing::info!(sync.target = options.name, sync.run = run, result = report.result(), "{line}");
    }
    for line in report.told().chain(&report.causes) {
        tracing::warn!(sync.target = options.name, sync.run = run, "{line}");
    }
    if let Some(waits) = report.waits() {
        tracing::info!(sync.target = options.name, sync.run = run, "{waits}");
    }
    if let Some(fault) = &report.stopped {
        let remedy = words::remedy_of(fault.code, &fault.detail);
        tracing::error!(
            sync.target = options.name,
            sync.run = run,
            code = fault.code,
            remedy,
            "stopped: {fault}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::target::TargetFault;

    #[test]
    fn a_run_that_ended_with_what_an_earlier_one_left_was_not_made() {
        let report = |run, kind: Option<FaultKind>| {
            let stopped =
                kind.map(|kind| TargetFault { kind, code: 0, detail: String::new(), retry_after: None });
            made(&Report { run, stopped, ..Report::default() })
        };
        let yes = Made::Yes { idle: true };
        assert_eq!((report(Some(1), None), report(None, None)), (yes, Made::No));
        // Whoever is refused is not asked again a minute later, whenever that was.
        let refused = Some(FaultKind::Unauthorized);
        assert_eq!((report(Some(1), refused), report(None, refused)), (yes, yes));
        let out = Some(FaultKind::Unheard);
        assert_eq!((report(Some(1), out), report(None, out)), (Made::No, Made::No));
    }
}
