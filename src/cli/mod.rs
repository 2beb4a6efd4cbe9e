//! The command line: one file per command, exit code 0 for good, 1 for "found something wrong", 2 for "used wrong".
//!
//! Commands write to the two streams they are given, and nothing else in the crate prints.

mod app_part;
mod check;
mod demo;
mod explain;
mod hash_password;
mod keys;
mod keytab;
mod logging;
mod metadata;
mod names;
mod report;
mod serve;
mod sessions;
mod sync;
mod table;
mod targets;
mod throttle;
mod unheard;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigFault, FaultKind};

/// A SAML 2.0 identity provider for accounts in Active Directory, LDAP or a file.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version)]
struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, env = "SEKISHO_CONFIG", default_value = "sekisho.toml", value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve,
    /// Run a complete server with three sample people, to try it out.
    Demo(demo::Arguments),
    /// Look for faults in configuration, keys, directories, SPs and targets of synchronisation.
    Check(check::Arguments),
    /// Keys and secrets.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print the identity provider's metadata, or the values that SaaS consoles ask for.
    Metadata(metadata::Arguments),
    /// Say what a SAML message is, and what would become of it here.
    Explain(explain::Arguments),
    /// Where a person is signed in, and the end of it.
    #[command(subcommand)]
    Sessions(sessions::Command),
    /// Accounts carried to services: run, check, plan, status and more.
    #[command(subcommand)]
    Sync(sync::Command),
    /// Who is stopped after wrong passwords, and letting them try again.
    #[command(subcommand)]
    Throttle(throttle::Command),
    /// Read a password from standard input and print its hash for people.toml.
    HashPassword,
}

/// Why a command ends without success.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The configuration is wrong.
    #[error("the configuration has {} {}", .0.len(), if .0.len() == 1 { "fault" } else { "faults" })]
    Config(Vec<ConfigFault>),
    /// The command did what it should, found something wrong and has said so.
    #[error("something is wrong")]
    Found,
    /// The command was used wrong.
    #[error("{0}")]
    Usage(String),
    /// A key cannot be loaded or made.
    #[error("{}", .0.told())]
    Key(#[from] crate::keys::KeyError),
    /// Reading or writing failed.
    #[error(transparent)]
    Stream(#[from] std::io::Error),
    /// Something else went wrong.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// Runs the command that the program's arguments name.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(help) => {
            // Help and version are no faults; clap sends them to standard output by itself.
            let code = if help.use_stderr() { 2 } else { 0 };
            return if help.print().is_ok() { code.into() } else { ExitCode::FAILURE };
        }
    };
    let mut out = std::io::stdout();
    let only_prints = arguments.command.only_prints();
    let carries = arguments.command.carries();
    let mut unheard = unheard::Unheard(&mut out);
    let stream: &mut dyn Write = if carries { &mut unheard } else { unheard.0 };
    let done = arguments.command.run(&arguments.config, stream).and_then(|()| Ok(stream.flush()?));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if only_prints && failure.is_closed_stream() => ExitCode::FAILURE,
        Err(failure) => failure.tell(&mut std::io::stderr()),
    }
}

impl Command {
    /// Whether nothing is lost when nobody reads to the end.
    fn only_prints(&self) -> bool {
        match self {
            Self::Check(_) | Self::Metadata(_) | Self::Explain(_) => true,
            Self::Sync(command) => command.only_prints(),
            _ => false,
        }
    }

    /// Whether it must go on to its end when nobody reads any more.
    fn carries(&self) -> bool {
        matches!(self, Self::Sync(command) if !command.only_prints())
    }

    fn run(self, config: &std::path::Path, out: &mut dyn Write) -> Result<(), Failure> {
        let load = || Config::load(config).map_err(Failure::Config);
        match self {
            Self::Serve => {
                let config = load()?;
                keytab::export(&config)?;
                serve::run(config)
            }
            Self::Demo(arguments) => demo::run(&arguments, out),
            Self::Check(arguments) => {
                let loaded = Config::load(config);
                loaded.as_ref().map_or(Ok(()), keytab::export)?;
                check::run(&arguments, loaded, out)
            }
            Self::Keys(command) => {
                keys::run(command, &Config::load_before_keys(config).map_err(Failure::Config)?, out)
            }
            Self::Metadata(arguments) => metadata::run(&arguments, &load()?, out),
            Self::Explain(arguments) => explain::run(&arguments, &load()?, out),
            Self::Sessions(command) => sessions::run(&command, &load()?, out),
            Self::Sync(command) => sync::run(&command, &load()?, out),
            Self::Throttle(command) => throttle::run(&command, &load()?, out),
            Self::HashPassword => hash_password::run(out),
        }
    }
}

impl Failure {
    /// Whether whoever reads what is printed has seen enough, as `head` has.
    fn is_closed_stream(&self) -> bool {
        matches!(self, Self::Stream(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    fn tell(&self, error_stream: &mut dyn Write) -> ExitCode {
        // When standard error is closed there is nobody left to tell.
        let _ = match self {
            Self::Config(faults) => faults
                .iter()
                .try_for_each(|fault| writeln!(error_stream, "{fault}"))
                .and_then(|()| writeln!(error_stream, "sekisho: {self}")),
            Self::Found => Ok(()),
            _ => writeln!(error_stream, "sekisho: {self}"),
        };
        let misused = match self {
            Self::Config(faults) => faults.iter().any(|fault| fault.kind == FaultKind::Unreadable),
            Self::Usage(_) => true,
            _ => false,
        };
        if misused { ExitCode::from(2) } else { ExitCode::FAILURE }
    }
}
