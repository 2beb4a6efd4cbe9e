//! What runs by itself beside a server: each target with a schedule, one node at a time.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use anyhow::Result;
use tokio::sync::watch;

use crate::app::App;
use crate::app::sync::{self as wiring, InServer, farewell};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::sync::engine::{Extent, SyncError};
use crate::sync::notice::Notices;
use crate::sync::options::SyncOptions;
use crate::sync::report::{Report, Teller};
use crate::sync::state::StateError;
use crate::sync::words::{self, Failed};

/// How long a target is left alone after a run that could not be made, at least.
const AFTER_FAULT: Duration = Duration::from_mins(1);
/// The longest sleep: a clock may be set.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Runs every target of the configuration that has a schedule, until `stop` turns true.
pub(in crate::cli) async fn keep(app: Data<App>, config: Arc<Config>, stop: watch::Receiver<bool>) {
    let scheduled = config.sync.iter().filter(|one| one.schedule.is_some() || one.full_schedule.is_some());
    let loops = scheduled.map(|options| keep_one(&app, &config, options, stop.clone()));
    futures_util::future::join_all(loops).await;
}

async fn keep_one(app: &App, config: &Config, options: &SyncOptions, mut stop: watch::Receiver<bool>) {
    let mut began: [Option<Timestamp>; 2] = [None, None];
    match last_runs(app, config, options).await {
        Ok(known) => began = known,
        Err(error) => tracing::error!(sync.target = options.name, "{error:#}"),
    }
    while !*stop.borrow() {
        let now = app.clock.now();
        let next = |schedule: &Option<crate::sync::schedule::Schedule>, last| {
            schedule.as_ref().and_then(|schedule| schedule.next(last, now))
        };
        let [changes, full] = began;
        // A full run is one of changes, too.
        let due = [next(&options.schedule, changes.max(full)), next(&options.full_schedule, full)];
        let Some(first) = due.into_iter().flatten().min() else { return };
        if first > now {
            let wait = Duration::try_from(first.duration_since(now)).unwrap_or(LONGEST_SLEEP);
            tokio::select! {
                () = tokio::time::sleep(wait.min(LONGEST_SLEEP)) => {}
                _ = stop.changed() => {}
            }
            continue;
        }
        let is_full = due.get(1).copied().flatten().is_some_and(|full| full <= now);
        let extent = if is_full { Extent::Full { refill: false } } else { Extent::Changes };
        if let Some(began) = began.get_mut(usize::from(is_full)) {
            *began = Some(now);
        }
        if let Err(error) = run(app, config, options, (&extent, stop.clone())).await {
            tracing::error!(sync.target = options.name, "{error:#}");
            tokio::select! {
                () = tokio::time::sleep(AFTER_FAULT) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

/// When the last run of changes and the last full one began, whoever made them.
async fn last_runs(app: &App, config: &Config, options: &SyncOptions) -> Result<[Option<Timestamp>; 2]> {
    let ports = (Arc::clone(&app.clock), Arc::clone(&app.ids));
    let engine = wiring::synchronisation(config, options, &app.store, ports).await?;
    let runs = engine.runs(100).await?;
    let last = |mode: &str| runs.iter().find(|run| run.mode == mode).map(|run| run.started);
    Ok([last("incremental"), last("full")])
}

async fn run(
    app: &App,
    config: &Config,
    options: &SyncOptions,
    (extent, cancel): (&Extent, watch::Receiver<bool>),
) -> Result<()> {
    if wiring::is_paused(&app.store, &options.name, app.clock.now()).await? {
        return Ok(());
    }
    let ports = (Arc::clone(&app.clock), Arc::clone(&app.ids));
    let engine = wiring::synchronisation(config, options, &app.store, ports).await?;
    let before = engine.runs(1).await?.into_iter().next().map(|run| run.causes).unwrap_or_default();
    let ends = Arc::new(InServer(Arc::clone(&app.logout), Arc::clone(&app.ids)));
    let (leavers, ending) = farewell(options, ends);
    let ending = tokio::spawn(ending);
    tracing::info!(sync.target = options.name, "{}", words::STARTING);
    let ended = {
        let teller = Teller { target: &options.name, progress: None, leavers: Some(&leavers) };
        engine.run(extent, &teller, cancel).await
    };
    drop(leavers);
    let _ = ending.await;
    let notices = Notices::new(options, config.mail.as_ref())?;
    match &ended {
        Ok(report) => tell(options, report),
        Err(SyncError::State(StateError::Leased { holder, .. })) => {
            tracing::info!(sync.target = options.name, holder, "another node synchronises this target");
            return Ok(());
        }
        Err(error) => {
            let line = words::failure(Failed::Synchronizing(&options.name, error.code()), 0, "");
            let remedy = words::remedy(error.code());
            tracing::error!(sync.target = options.name, code = error.code(), remedy, "{line}: {error}");
        }
    }
    tracing::info!(sync.target = options.name, "{}", words::FINISHED);
    if let Err(error) = notices.send(&ended, &before, app.clock.now()).await {
        tracing::error!(sync.target = options.name, "a notice was not sent: {error}");
    }
    Ok(())
}

fn tell(options: &SyncOptions, report: &Report) {
    let run = report.run;
    for line in report.summary() {
        tracing::info!(sync.target = options.name, sync.run = run, result = report.result(), "{line}");
    }
    for line in report.warnings.iter().chain(&report.problems).chain(&report.causes) {
        tracing::warn!(sync.target = options.name, sync.run = run, "{line}");
    }
}
