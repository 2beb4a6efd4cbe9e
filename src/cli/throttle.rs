//! `sekisho throttle list|clear`: who is stopped after wrong passwords, and letting them try again. A running server takes
//! it over within a second.

use std::collections::HashMap;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::serve::block_on;
use super::{Failure, table};
use crate::app::{self, Ports};
use crate::audit::{Event, Record};
use crate::authn::throttle::{self, Against, Held, Whom};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::directory::{Candidate, Directory, Login, Lookup};
use crate::identity::SubjectId;
use crate::store::Store;

/// A directory that does not answer must not keep an administrator from clearing.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many names are looked up for a list; the others stand there by their keys.
const MOST_NAMES: usize = 200;

/// Wrong passwords that are counted.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show accounts, names and addresses with wrong passwords that count.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Forget wrong passwords, so that the next try is let through.
    Clear(Chosen),
}

/// Whose.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Chosen {
    /// Of one person, by the login name.
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
    /// Of one address.
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// Of everybody.
    #[arg(long)]
    all: bool,
}

/// Lists, or clears and audits what was cleared. To clear what is not there is "found wrong".
pub(super) fn run(command: &Command, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    block_on(async {
        let store = Store::open(config.store_url.expose()).await.map_err(anyhow::Error::from)?;
        match command {
            Command::List { json } => list(config, &store, *json, out).await,
            Command::Clear(chosen) => clear(config, &store, chosen, out).await,
        }
    })
}

async fn list(config: &Config, store: &Store, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let options = app::throttle_options(config);
    let held = throttle::held(store, &options, SystemClock.now()).await.map_err(anyhow::Error::from)?;
    let logins = logins(config, &held).await?;
    if json {
        let row = |held: &Held| {
            json!({
                "against": held.against.kind(),
                "who": held.against.as_str(),
                "login": logins.get(held.against.as_str()),
                "tries": held.tries,
                "accounts": matches!(held.against, Against::Address(_)).then_some(held.accounts),
                "last": held.last.to_string(),
                "stopped": held.stopped,
            })
        };
        writeln!(out, "{:#}", held.iter().map(row).collect::<serde_json::Value>())?;
        return Ok(());
    }
    if held.is_empty() {
        writeln!(out, "no wrong password counts at present")?;
        return Ok(());
    }
    let row = |held: &Held| {
        let who = held.against.as_str();
        let who = match logins.get(who) {
            Some(login) => format!("{login} ({who})"),
            None => who.to_owned(),
        };
        let tries = match held.against {
            Against::Address(_) => format!("{} for {}", held.tries, accounts(held.accounts)),
            Against::Account(_) | Against::Name(_) => held.tries.to_string(),
        };
        let last = held.last.to_zoned(config.log.timezone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let state = if held.stopped { "stopped" } else { "counting" };
        [held.against.kind().to_owned(), tries, last, state.to_owned(), who].map(|text| vec![text])
    };
    table::write(out, ["against", "wrong", "last", "state", "who"], held.iter().map(row).collect())?;
    Ok(())
}

fn accounts(count: u32) -> String {
    if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") }
}

async fn clear(config: &Config, store: &Store, chosen: &Chosen, out: &mut dyn Write) -> Result<(), Failure> {
    let audit = Ports::of_system(config)?.audit;
    let cleared = match (&chosen.user, chosen.address) {
        (Some(typed), _) => {
            let (login, found) = candidates(config, typed, out).await?;
            found.iter().try_for_each(|candidate| tell_directory(candidate, out))?;
            let accounts: Vec<String> = found.into_iter().map(|candidate| candidate.throttle_key).collect();
            throttle::clear(store, Whom::Person(&login, &accounts)).await
        }
        (None, Some(address)) => throttle::clear(store, Whom::Address(address)).await,
        (None, None) => throttle::clear(store, Whom::All).await,
    };
    let cleared = cleared.map_err(anyhow::Error::from)?;
    if cleared.is_empty() {
        writeln!(out, "there was nothing to clear")?;
        return Err(Failure::Found);
    }
    for (against, tries) in &cleared {
        let (kind, who) = (against.kind().to_owned(), against.as_str().to_owned());
        writeln!(out, "cleared {kind} {who}: {tries} wrong")?;
        let event = Event::ThrottleCleared { against: kind, who, tries: *tries };
        let time = SystemClock.now();
        let record = Record { time, request_id: String::new(), client_address: None, event };
        audit.write(&record).map_err(anyhow::Error::from)?;
    }
    Ok(())
}

/// Whom a login name means. A directory that does not answer is told of: its account stays as it is.
pub(super) async fn candidates(
    config: &Config,
    typed: &str,
    out: &mut dyn Write,
) -> Result<(Login, Vec<Candidate>), Failure> {
    let wrong = || Failure::Usage(format!("\"{typed}\" can be nobody's login name"));
    let login = Login::parse(typed).ok_or_else(wrong)?;
    let mut found = Vec::new();
    for directory in directories(config)? {
        match tokio::time::timeout(PATIENCE, directory.find(&login)).await {
            Ok(Ok(Lookup::Found(candidate))) => found.push(*candidate),
            Ok(Ok(Lookup::Unknown | Lookup::Ambiguous)) => {}
            Ok(Err(cause)) => writeln!(out, "{cause}")?,
            Err(_) => writeln!(out, "directory \"{}\" does not answer", directory.name())?,
        }
    }
    Ok((login, found))
}

/// What is cleared here is not cleared in the directory, whose count stops tries too.
fn tell_directory(candidate: &Candidate, out: &mut dyn Write) -> Result<(), Failure> {
    let (held, who) = (candidate.lockout, &candidate.bind_name);
    if held.locked {
        writeln!(out, "{who} is locked by its directory; unlock it there")?;
    } else if let (1.., Some(threshold)) = (held.wrong, held.threshold) {
        let wrong = held.wrong;
        writeln!(
            out,
            "{who}: the directory itself counts {wrong} wrong, and locks at {threshold}: few or no tries are sent until its window has passed; signing in elsewhere with the right password, or unlocking the account there, ends that at once"
        )?;
    }
    Ok(())
}

/// The login names of accounts, where their directories tell them soon.
async fn logins(config: &Config, held: &[Held]) -> Result<HashMap<String, String>, Failure> {
    let directories = directories(config)?;
    let mut logins = HashMap::new();
    let looking = async {
        for held in held.iter().take(MOST_NAMES) {
            let Against::Account(account) = &held.against else { continue };
            let Some(id) = SubjectId::parse(account) else { continue };
            let Some(directory) = directories.iter().find(|one| one.name() == id.directory) else { continue };
            let found = directory.find_by_id(&id).await.ok().flatten();
            if let Some(subject) = found.and_then(|found| found.subject) {
                logins.insert(account.clone(), subject.login);
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE, looking).await;
    Ok(logins)
}

fn directories(config: &Config) -> Result<Vec<Arc<dyn Directory>>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(app::directories(config, &clock)?)
}
