//! `sekisho sessions list|end`: where a person is signed in, and the end of it. A running server takes it over within a
//! second.

use std::io::Write;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::serve::block_on;
use super::throttle::candidates;
use super::{Failure, table};
use crate::app::Ports;
use crate::audit::{Event, Record};
use crate::clock::{Clock, RandomIds, SystemClock, Timestamp};
use crate::config::Config;
use crate::identity::SubjectId;
use crate::session::{SessionOptions, Sessions, SsoSession};
use crate::sso::logout::sessions::Cause;
use crate::store::Store;

/// Where somebody is signed in.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the sessions of a person.
    List {
        #[command(flatten)]
        person: Person,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// End all sessions of a person. SPs hear of it when the person signs out there or opens /logout.
    End(Person),
}

/// Who.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Person {
    /// By the login name, which the directories are asked for.
    #[arg(long, value_name = "LOGIN")]
    user: Option<String>,
    /// By `subject.id` of log and audit trail, for somebody who is gone from the directory.
    #[arg(long, value_name = "DIRECTORY/KEY")]
    subject: Option<String>,
}

/// Lists, or ends and audits what was ended. Nobody signed in is "found wrong".
pub(super) fn run(command: &Command, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    block_on(async {
        let store = Store::open(config.store_url.expose()).await.map_err(anyhow::Error::from)?;
        let options = SessionOptions { lifetime: config.session.lifetime, idle: config.session.idle };
        let sessions = Sessions::new(store, Arc::new(SystemClock), Arc::new(RandomIds), options);
        let (Command::List { person, .. } | Command::End(person)) = command;
        let mut found = Vec::new();
        let ids = person.ids(config, out).await?;
        if ids.is_empty() {
            return Err(Failure::Found);
        }
        for id in ids {
            found.extend(sessions.of(&id).await.map_err(anyhow::Error::from)?);
        }
        match command {
            Command::List { json, .. } => list(config, &found, *json, out)?,
            Command::End(_) => end(config, &sessions, &found, out).await?,
        }
        if found.is_empty() { Err(Failure::Found) } else { Ok(()) }
    })
}

impl Person {
    async fn ids(&self, config: &Config, out: &mut dyn Write) -> Result<Vec<SubjectId>, Failure> {
        let typed = match (&self.user, &self.subject) {
            (Some(typed), _) => typed,
            (None, subject) => {
                let text = subject.as_deref().unwrap_or_default();
                let wrong = format!("\"{text}\" is no subject.id; write it as in the log, like corp/1a2b3c");
                return Ok(vec![SubjectId::parse(text).ok_or(Failure::Usage(wrong))?]);
            }
        };
        let (_, found) = candidates(config, typed, out).await?;
        let unnamed = found.iter().any(|candidate| candidate.subject.is_none());
        if found.is_empty() || unnamed {
            writeln!(
                out,
                "no directory tells whose name this is; write --subject with the subject.id of log and audit trail"
            )?;
        }
        if unnamed {
            return Err(Failure::Found);
        }
        Ok(found.into_iter().filter_map(|candidate| Some(candidate.subject?.id)).collect())
    }
}

fn list(config: &Config, found: &[Arc<SsoSession>], json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let applications = |session: &SsoSession| {
        let mut names: Vec<String> = session.sp_sessions().into_iter().map(|held| held.sp).collect();
        names.sort();
        names.dedup();
        names
    };
    if json {
        let row = |session: &Arc<SsoSession>| {
            json!({
                "subject.id": session.subject.id.to_string(),
                "login": session.subject.login,
                "began": session.created.to_string(),
                "last_used": session.last_used().to_string(),
                "authn.context": session.context.0,
                "client.address": session.client.as_ref().map(|client| client.address),
                "client.agent": session.client.as_ref().map(|client| &client.agent),
                "sp.entity_id": applications(session),
            })
        };
        writeln!(out, "{:#}", found.iter().map(row).collect::<serde_json::Value>())?;
        return Ok(());
    }
    if found.is_empty() {
        writeln!(out, "not signed in")?;
        return Ok(());
    }
    let shown = |instant: Timestamp| {
        instant.to_zoned(config.log.timezone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let row = |session: &Arc<SsoSession>| {
        let address = session.client.as_ref().map(|client| client.address.to_string()).unwrap_or_default();
        let who = format!("{} ({})", session.subject.login, session.subject.id);
        let (began, used) = (shown(session.created), shown(session.last_used()));
        [vec![began], vec![used], vec![address], vec![who], applications(session)]
    };
    table::write(
        out,
        ["began", "last used", "address", "who", "applications"],
        found.iter().map(row).collect(),
    )?;
    Ok(())
}

async fn end(
    config: &Config,
    sessions: &Sessions,
    found: &[Arc<SsoSession>],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if found.is_empty() {
        writeln!(out, "there was nothing to end")?;
        return Ok(());
    }
    let audit = Ports::of_system(config)?.audit;
    sessions.revoke(found).await.map_err(anyhow::Error::from)?;
    for session in found {
        let (subject, login) = (session.subject.id.to_string(), session.subject.login.clone());
        writeln!(out, "ended a session of {login} ({subject})")?;
        let event = Event::SessionEnded { subject, login, reason: Cause::Administrator.as_str().to_owned() };
        let (time, request_id) = (SystemClock.now(), String::new());
        audit
            .write(&Record { time, request_id, client_address: None, event })
            .map_err(anyhow::Error::from)?;
    }
    Ok(())
}
