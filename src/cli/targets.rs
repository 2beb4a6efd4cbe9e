//! What `check` says of each `[[sync]]`: whether the target answers, what it has, and how long its token lasts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::report::{FindingRow, Report, Severity, TargetRow};
use crate::app::sync::{sources, target};
use crate::clock::{Clock, SignedDuration, SystemClock, Timestamp};
use crate::config::Config;
use crate::sync::absent::{Absent, REMEDY, absent};
use crate::sync::options::{Access, Destination, SyncOptions};
use crate::sync::target::{Ability, FaultKind};
use crate::sync::{ObjectType, TargetFault, words};

/// How long all questions to one target may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long before its end a token is spoken of.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What came of asking a target.
enum Asked {
    Has(Ability),
    Said(TargetFault),
    Late,
    /// It cannot even be asked; the sentence, and the remedy.
    Unready(String),
}

/// Asks every target at once, and adds them and what is wrong with them to the report.
pub(super) async fn inspect(config: &Config, report: &mut Report) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let asking = config.sync.iter().map(|options| ask(config, options, &clock));
    let looking = config.sync.iter().map(|options| look(config, options, &clock));
    let (answers, absent) = tokio::join!(join_all(asking), join_all(looking));
    report.findings.extend(absent.into_iter().flatten().map(|absent| FindingRow {
        severity: Severity::Warning,
        file: absent.named.file.display().to_string(),
        line: Some(absent.named.line),
        subject: absent.named.key,
        message: absent.message,
        remedy: REMEDY.to_owned(),
    }));
    for (options, asked) in config.sync.iter().zip(answers) {
        let (state, types) = match &asked {
            Asked::Has(ability) => ("answers", names(ability.types.iter().copied())),
            Asked::Late => ("does not answer", String::new()),
            Asked::Said(fault) => (state(fault), String::new()),
            Asked::Unready(_) => ("cannot be asked", String::new()),
        };
        let token = options.token_expires.map(|ends| format!("ends on {}", day(ends, config)));
        report.targets.push(TargetRow {
            name: options.name.clone(),
            kind: options.preset.title.clone(),
            state: state.to_owned(),
            types,
            token: token.unwrap_or_default(),
        });
        let found = findings(options, asked).into_iter().chain(of_token(options, config, clock.now()));
        report.findings.extend(found.map(|(severity, message, remedy)| FindingRow {
            severity,
            file: config.file.display().to_string(),
            line: None,
            subject: format!("target {}", options.name),
            message,
            remedy,
        }));
    }
}

async fn ask(config: &Config, options: &SyncOptions, clock: &Arc<dyn Clock>) -> Asked {
    let target = match target(config, options, clock) {
        Ok(target) => target,
        Err(error) => return Asked::Unready(format!("{error:#}")),
    };
    match timeout(PATIENCE, target.probe()).await {
        Ok(Ok(ability)) => Asked::Has(ability),
        Ok(Err(fault)) => Asked::Said(fault),
        Err(_) => Asked::Late,
    }
}

/// The names of its conventions that no directory has; nothing where that cannot be asked, which is told of the directory.
async fn look(config: &Config, options: &SyncOptions, clock: &Arc<dyn Clock>) -> Vec<Absent> {
    if options.named.is_empty() {
        return Vec::new();
    }
    let Ok(sources) = sources(config, options, clock) else { return Vec::new() };
    let asked = timeout(PATIENCE, absent(options, &sources)).await;
    asked.map_or_else(|_| Vec::new(), Result::unwrap_or_default)
}

fn state(fault: &TargetFault) -> &'static str {
    match fault.kind {
        FaultKind::Unauthorized => "credentials refused",
        FaultKind::Unheard | FaultKind::Unknown => "does not answer",
        FaultKind::Busy | FaultKind::Unsent => "is busy",
        FaultKind::NotFound | FaultKind::Conflict | FaultKind::Refused => "answers, but cannot be used",
    }
}

fn findings(options: &SyncOptions, asked: Asked) -> Vec<(Severity, String, String)> {
    let error = |message: String, remedy: &str| vec![(Severity::Error, message, remedy.to_owned())];
    match asked {
        Asked::Late => error(format!("no answer within {} s", PATIENCE.as_secs()), words::remedy(81)),
        Asked::Said(fault) if fault.kind == FaultKind::Busy => {
            let remedy = words::remedy_of(fault.code, &fault.detail);
            vec![(Severity::Warning, fault.detail, remedy.to_owned())]
        }
        Asked::Said(fault) => {
            let remedy = words::remedy_of(fault.code, &fault.detail);
            error(fault.detail, remedy)
        }
        Asked::Unready(told) => match told.rsplit_once("; ") {
            Some((message, remedy)) => error(message.to_owned(), remedy),
            None => error(told, "correct its [[sync]]"),
        },
        Asked::Has(ability) => {
            let lacking = options.objects.iter().copied().filter(|kind| !ability.types.contains(kind));
            let lacking = names(lacking);
            if lacking.is_empty() {
                return Vec::new();
            }
            vec![(Severity::Warning, format!("it does not have {lacking}"), words::remedy(53).to_owned())]
        }
    }
}

/// A token that ends soon or has ended; one of a service that does not warn, by the age of its file.
fn of_token(options: &SyncOptions, config: &Config, now: Timestamp) -> Option<(Severity, String, String)> {
    let name = &options.name;
    let remedy = format!("make a new one there and write it with `sekisho sync token set {name}`");
    if let Some(ends) = options.token_expires {
        let left = ends.duration_since(now);
        let told = if left.is_negative() { "ended" } else { "ends" };
        let message = format!("the token {told} on {}", day(ends, config));
        return (left < AHEAD).then_some((Severity::Warning, message, remedy));
    }
    let days = options.preset.token_age_warning_days?;
    let Destination::Scim { access: Access::TokenFile(path), .. } = &options.destination else { return None };
    let age = now.duration_since(written(path)?);
    let message = format!("the token is more than {days} days old, and the service does not warn of its end");
    let remedy = format!("{remedy}; token_expires says when it ends");
    (age > SignedDuration::from_hours(24 * i64::from(days))).then_some((Severity::Warning, message, remedy))
}

fn written(path: &Path) -> Option<Timestamp> {
    Timestamp::try_from(std::fs::metadata(path).ok()?.modified().ok()?).ok()
}

fn day(instant: Timestamp, config: &Config) -> String {
    instant.to_zoned(config.log.timezone.clone()).strftime("%Y-%m-%d").to_string()
}

fn names(kinds: impl Iterator<Item = ObjectType>) -> String {
    kinds.map(ObjectType::as_str).collect::<Vec<_>>().join(", ")
}
