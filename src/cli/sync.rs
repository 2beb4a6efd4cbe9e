//! `sekisho sync ...`: accounts carried to services, by hand. What runs by itself is in `schedule`.

mod node;
mod output;
pub(super) mod progress;
pub(super) mod schedule;
mod status;
mod token;
mod watching;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use self::progress::Bar;
use super::{Failure, logging};
use crate::app::sync::{self as wiring, InStore, farewell};
use crate::app::{self, Ports};
use crate::config::Config;
use crate::session::{SessionOptions, Sessions};
use crate::store::{Store, SyncStore};
use crate::sync::engine::{Extent, Synchronisation};
use crate::sync::error::SyncError;
use crate::sync::options::SyncOptions;
use crate::sync::plan::PlanFile;
use crate::sync::report::{Report, Teller};
use crate::sync::state::State;
use crate::sync::status::Status;
use crate::sync::words;

/// Identity synchronisation.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Carry what changed to a target.
    Run {
        /// The `name` of a [[sync]].
        target: String,
        #[command(flatten)]
        how: How,
        /// With --full: also make anew what the target has lost in a great number.
        #[arg(long, requires = "full")]
        refill: bool,
    },
    /// Say what would be carried, and write nothing.
    Check {
        /// The `name` of a [[sync]].
        target: String,
        #[command(flatten)]
        how: How,
    },
    /// Write what would be carried to a file, for review.
    Plan {
        /// The `name` of a [[sync]].
        target: String,
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        how: How,
    },
    /// Carry out a plan that was reviewed, if nothing has changed since.
    Apply {
        /// The file that `plan` wrote.
        file: PathBuf,
    },
    /// Show the newest runs, what waits, and what failed.
    Status {
        /// The `name` of a [[sync]]; all where it is not given.
        target: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say step by step what becomes of one person, and why.
    Explain {
        /// The `name` of a [[sync]]; the only one where it is not given.
        target: Option<String>,
        /// The login name.
        #[arg(long, value_name = "LOGIN")]
        user: String,
    },
    /// Release exactly what was held back in a run.
    Allow {
        /// The number of the run, as `status` shows it.
        run: i64,
        /// The `name` of a [[sync]]; the only one where it is not given.
        target: Option<String>,
    },
    /// Carry nothing to a target until it is resumed.
    Pause {
        /// The `name` of a [[sync]].
        target: String,
    },
    /// Let a target go on, and carry what changed in the meantime.
    Resume {
        /// The `name` of a [[sync]].
        target: String,
        /// Everything is carried.
        #[arg(long)]
        full: bool,
    },
    /// Prove address and credentials of a target, and say what it has.
    Test {
        /// The `name` of a [[sync]].
        target: String,
    },
    /// The token of a target.
    #[command(subcommand)]
    Token(token::Command),
}

/// How much.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Everything, not only what changed.
    #[arg(long, conflicts_with = "user")]
    full: bool,
    /// One person alone.
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
}

impl How {
    fn extent(&self, refill: bool) -> Extent {
        match (&self.user, self.full) {
            (Some(login), _) => Extent::Person(login.clone()),
            (None, true) => Extent::Full { refill },
            (None, false) => Extent::Changes,
        }
    }
}

/// What every command works with.
struct Bench<'a> {
    config: &'a Config,
    store: Store,
    state: SyncStore,
    ports: Ports,
}

impl Command {
    /// Whether nothing is lost when nobody reads to the end.
    pub(super) fn only_prints(&self) -> bool {
        matches!(self, Self::Check { .. } | Self::Status { .. } | Self::Explain { .. })
    }
}

/// Exit code 0 when all is carried, 1 when something failed or is held back.
pub(super) fn run(command: &Command, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    if let Command::Token(command) = command {
        return token::run(command, config, out);
    }
    logging::start_on_error_stream(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(helpers()).enable_all().build();
    runtime.map_err(anyhow::Error::from)?.block_on(async {
        let store = Store::open(config.store_url.expose()).await.map_err(anyhow::Error::from)?;
        let state = store.sync_state().await.map_err(anyhow::Error::from)?;
        let bench = Bench { config, store, state, ports: Ports::of_system(config)? };
        // Boxed: it holds a whole plan.
        Box::pin(bench.run(command, out)).await
    })
}

/// Threads for what is sent to the target and what comes from directories: the run itself has one more.
fn helpers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1))
}

impl Bench<'_> {
    async fn run(&self, command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
        match command {
            Command::Run { target, how, refill } => {
                let (options, engine) = self.engine(target)?;
                self.refuse_paused(target).await?;
                self.carry(options, &engine, (&how.extent(*refill), false), out).await
            }
            Command::Check { target, how } => {
                let (_, engine) = self.engine(target)?;
                let report = engine.check(&how.extent(false)).await.map_err(|error| told(target, &error))?;
                output::check(&report, out)
            }
            Command::Plan { target, out: path, how } => {
                let (_, engine) = self.engine(target)?;
                let (report, file) =
                    engine.plan(&how.extent(false)).await.map_err(|error| told(target, &error))?;
                let text = file.to_text().map_err(anyhow::Error::from)?;
                output::write_private(path, &text)?;
                output::check(&report, out)?;
                Ok(writeln!(
                    out,
                    "the plan is in {}; `sekisho sync apply {}` carries it out",
                    path.display(),
                    path.display()
                )?)
            }
            Command::Apply { file } => self.apply(file, out).await,
            Command::Status { target, json } => self.status(target.as_deref(), *json, out).await,
            Command::Explain { target, user } => {
                let name = self.only(target.as_deref())?;
                let (_, engine) = self.engine(&name)?;
                let steps = engine.explain(user).await.map_err(|error| told(&name, &error))?;
                output::explain(&steps, out)
            }
            Command::Allow { run, target } => self.allow(*run, target.as_deref(), out).await,
            Command::Pause { target } => {
                let state = self.kept(self.options(target)?);
                // Asked first: the run may end before this one has told of it.
                let under_way = state.is_under_way().await.map_err(anyhow::Error::from)?;
                wiring::pause(&self.store, target).await?;
                let ends = if under_way { "; the run that is under way ends within seconds" } else { "" };
                Ok(writeln!(out, "{target} is paused{ends}; `sekisho sync resume {target}` lets it go on")?)
            }
            Command::Resume { target, full } => {
                let (options, engine) = self.engine(target)?;
                wiring::resume(&self.store, target).await?;
                let extent = if *full { Extent::Full { refill: false } } else { Extent::Changes };
                self.carry(options, &engine, (&extent, true), out).await
            }
            Command::Test { target } => {
                let (_, engine) = self.engine(target)?;
                let ability = engine.test().await.map_err(|error| told(target, &error))?;
                output::test(target, &ability, out)
            }
            Command::Token(_) => Ok(()),
        }
    }

    /// For a command that asks directories.
    fn engine(&self, target: &str) -> Result<(&SyncOptions, Synchronisation), Failure> {
        let options = self.options(target)?;
        let ports = (Arc::clone(&self.ports.clock), Arc::clone(&self.ports.ids), node::node());
        let engine = wiring::synchronisation(self.config, options, &self.state, ports)?;
        app::tell_risks(self.config);
        Ok((options, engine))
    }

    /// For a command that only looks into the store: it works whatever is wrong with token and directories.
    fn kept(&self, options: &SyncOptions) -> State {
        wiring::state(options, &self.state, &self.ports.clock)
    }

    fn options(&self, target: &str) -> Result<&SyncOptions, Failure> {
        wiring::sync_options(self.config, target).map_err(|error| Failure::Usage(error.to_string()))
    }

    fn only(&self, target: Option<&str>) -> Result<String, Failure> {
        match (target, self.config.sync.as_slice()) {
            (Some(target), _) => Ok(target.to_owned()),
            (None, [one]) => Ok(one.name.clone()),
            (None, _) => Err(Failure::Usage("name the target: there is not exactly one [[sync]]".to_owned())),
        }
    }

    async fn refuse_paused(&self, target: &str) -> Result<(), Failure> {
        if wiring::is_paused(&self.store, target, self.ports.clock.now()).await? {
            return Err(told(target, &SyncError::Paused(target.to_owned())));
        }
        Ok(())
    }

    async fn carry(
        &self,
        options: &SyncOptions,
        engine: &Synchronisation,
        (extent, resumed): (&Extent, bool),
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        writeln!(out, "{}", words::STARTING)?;
        let ended = self.with_teller(options, async |teller, cancel| {
            if resumed {
                engine.resume(extent, teller, cancel).await
            } else {
                engine.run(extent, teller, cancel).await
            }
        });
        let ended = ended.await;
        let shown = match ended {
            Ok(report) => output::report(&report, out),
            Err(error) => Err(told(&options.name, &error)),
        };
        writeln!(out, "{}", words::FINISHED)?;
        shown
    }

    async fn apply(&self, file: &std::path::Path, out: &mut dyn Write) -> Result<(), Failure> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let plan = PlanFile::parse(&text).with_context(|| file.display().to_string())?;
        let target = plan.target.clone();
        let (options, engine) = self.engine(&target)?;
        self.refuse_paused(&target).await?;
        let ended = self
            .with_teller(options, async |teller, cancel| engine.run_plan(plan, teller, cancel).await)
            .await;
        output::report(&ended.map_err(|error| told(&target, &error))?, out)
    }

    async fn allow(&self, run: i64, target: Option<&str>, out: &mut dyn Write) -> Result<(), Failure> {
        let name = self.only(target)?;
        let (options, engine) = self.engine(&name)?;
        self.refuse_paused(&name).await?;
        let ended =
            self.with_teller(options, async |teller, cancel| engine.allow(run, teller, cancel).await).await;
        let (released, report) = ended.map_err(|error| told(&name, &error))?;
        writeln!(out, "released {} of run {run}", words::operations(released))?;
        output::report(&report, out)
    }

    async fn status(&self, target: Option<&str>, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
        let mut all = Vec::new();
        for options in &self.config.sync {
            if target.is_some_and(|target| target != options.name) {
                continue;
            }
            let paused = wiring::is_paused(&self.store, &options.name, self.ports.clock.now()).await?;
            let (state, cannot_begin) = (self.kept(options), wiring::unusable_token(options));
            let known = Status::of(options, &state, (paused, cannot_begin)).await;
            all.push(known.map_err(|error| told(&options.name, &error))?);
        }
        if let Some(target) = target.filter(|_| all.is_empty()) {
            self.options(target)?;
        }
        status::status(&all, (json, &self.config.log.timezone), out)
    }

    /// Runs with a progress bar, ends cleanly on Ctrl-C, on SIGTERM and when the target is paused, and ends the sessions of whom it
    /// deactivates.
    async fn with_teller<T>(
        &self,
        options: &SyncOptions,
        work: impl AsyncFnOnce(&Teller<'_>, watch::Receiver<bool>) -> Result<T, SyncError>,
    ) -> Result<T, SyncError> {
        let session = &self.config.session;
        let session = SessionOptions { lifetime: session.lifetime, idle: session.idle };
        let (clock, ids) = (Arc::clone(&self.ports.clock), Arc::clone(&self.ports.ids));
        let sessions = Sessions::new(self.store.clone(), Arc::clone(&clock), ids, session);
        let audit = Arc::clone(&self.ports.audit);
        let ends = Arc::new(InStore { sessions, audit, clock: Arc::clone(&clock) });
        let (leavers, ending) = farewell(options, ends);
        let ending = tokio::spawn(ending);
        let (stop, cancel) = watch::channel(false);
        let (store, target) = (self.store.clone(), options.name.clone());
        let mut ended_by_others = signal(SignalKind::terminate());
        let listening = tokio::spawn(async move {
            let terminated = async {
                match &mut ended_by_others {
                    Ok(signal) => signal.recv().await,
                    Err(_) => None,
                }
            };
            tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => {}
                Some(()) = terminated => {}
                () = wiring::until_paused(&store, &target, clock.as_ref()) => {}
            }
            let _ = stop.send(true);
            // The channel stays open as long as the run goes on.
            std::future::pending::<()>().await;
        });
        let bar = Bar::new();
        let progress = |progress| bar.take(progress);
        let ended = {
            let zone = &self.config.log.timezone;
            let teller = Teller {
                target: &options.name,
                zone,
                progress: Some(&progress),
                leavers: Some(&leavers),
                unreported: None,
            };
            work(&teller, cancel).await
        };
        bar.end();
        listening.abort();
        drop(leavers);
        let _ = ending.await;
        ended
    }
}

/// Tells why a command did not come to its end: by the log, which is on the error stream here.
fn told(target: &str, error: &SyncError) -> Failure {
    log(target, error);
    Failure::Found
}

/// Writes to the log why a run did not come to its end.
fn log(target: &str, error: &SyncError) {
    let (line, last) = error.lines(target);
    if let Some(line) = line {
        tracing::error!(sync.target = target, "{line}");
    }
    tracing::error!(sync.target = target, code = error.code(), remedy = error.remedy(), "{last}");
}

/// Whether everything was carried.
fn verdict(report: &Report) -> Result<(), Failure> {
    if report.result() == "complete" { Ok(()) } else { Err(Failure::Found) }
}
