//! `sekisho sync explain`: the way of one person, step by step: connect, import, scope, match, act.

mod gone;

use super::engine::{Extent, Step, Synchronisation};
use super::error::SyncError;
use super::former;
use super::object::ObjectKey;
use super::operation::{Action, Operation};
use super::person::person;
use super::reading::read_structure;
use super::scope::Verdict;
use super::state::{Kept, Progress};
use super::words;
use crate::directory::source::SourceEntry;

/// So much of what was done before is shown.
const RECENT: usize = 3;
/// In so much of it is looked for what is held back.
const KEPT: usize = 100;

impl Synchronisation {
    /// What becomes of a person, by the login name, and why. It writes nothing.
    pub async fn explain(&self, login: &str) -> Result<Vec<Step>, SyncError> {
        let mut steps = Vec::new();
        let ability = match self.test().await {
            Ok(ability) => {
                steps.push(step("connect", true, "the target answers and takes the credentials".to_owned()));
                ability
            }
            Err(error) => {
                steps.push(step("connect", false, error.to_string()));
                return Ok(steps);
            }
        };
        let mappings = self
            .options()
            .preset
            .types
            .iter()
            .map(|(kind, preset)| (*kind, preset.mapping.clone()))
            .collect();
        let mut keys = Vec::new();
        let stored = self.state().structure().await?;
        for part in self.parts(&mappings).await? {
            let mut kept = former::kept(&stored, part.source.name());
            let structure = read_structure(&part).await?.0;
            let entries = person(&part, login).await?;
            for (kind, entry) in &entries {
                let link = self.state().link(&ObjectKey::new(*kind, entry.id.as_str())).await?;
                if let Some(link) = &link {
                    former::add_link(&mut kept, link);
                }
            }
            let verdicts = former::verdicts_of(&part, &structure, kept, &entries).await;
            let structure = structure.with_verdicts(verdicts);
            for (kind, entry) in entries {
                steps.push(step("import", true, import(part.source.name(), &entry)));
                let verdict = part.scope.judge(&entry, &structure.standing(&entry));
                let is_in = matches!(verdict, Verdict::InScope(_));
                steps.push(step("scope", is_in, verdict.to_string()));
                keys.push(ObjectKey::new(kind, entry.id));
            }
        }
        if keys.is_empty() {
            let gone = self.explain_gone(login).await?;
            if gone.is_empty() {
                let told = SyncError::Nobody(login.to_owned()).to_string();
                steps.push(step("import", false, told));
            }
            steps.extend(gone);
            return Ok(steps);
        }
        let prepared = self.prepare(self.state(), &Extent::Person(login.to_owned()), &ability).await?;
        for key in &keys {
            let unclear = prepared.plan.conflicts.iter().find(|one| one.key == *key);
            let reported = prepared.plan.reports.iter().find(|one| one.key == *key);
            let unclear = unclear.map(|one| one.cause.to_string());
            let matched = match (
                self.state().link(key).await?,
                unclear.or(reported.map(|one| one.cause.to_string())),
            ) {
                (Some(link), _) => {
                    step("match", true, format!("linked to {} ({:?})", link.target_id, link.state))
                }
                (None, Some(why)) => step("match", false, why),
                (None, None) => step("match", true, "not linked yet".to_owned()),
            };
            steps.push(matched);
            let own = prepared.plan.operations.iter().filter(|operation| operation.key == *key);
            let own: Vec<String> = own.map(act).collect();
            let history = self.state().history(key, KEPT).await?;
            steps.push(to_do(&own, held(&history, &self.options().name)));
            for fault in prepared.invalid.iter().filter(|fault| fault.key == *key) {
                steps.push(step("act", false, fault.to_string()));
            }
            steps.extend(history.into_iter().take(RECENT).map(before));
        }
        Ok(steps)
    }
}

fn to_do(own: &[String], held: Option<String>) -> Step {
    match held {
        Some(held) => step("act", false, held),
        None if own.is_empty() => step("act", true, "nothing is to be done".to_owned()),
        None => step("act", true, own.join("; ")),
    }
}

/// What a run holds back of somebody, and the command that releases it.
fn held(history: &[Kept], target: &str) -> Option<String> {
    let kept = history.iter().find(|kept| kept.progress == Progress::Held)?;
    let (run, told) = (kept.run, act(&kept.operation));
    Some(format!(
        "held back by run {run}, would be {told}; `sekisho sync allow {run} {target}` releases what it holds"
    ))
}

/// What was done for somebody by an earlier run.
fn before(kept: Kept) -> Step {
    let fault = kept.fault.map_or(String::new(), |(code, told)| {
        format!(": {told} ({code}: {})", words::remedy_of(code, &told))
    });
    let told = format!("in run {}: {} ({:?}){fault}", kept.run, act(&kept.operation), kept.progress);
    step("before", true, told)
}

fn step(name: &'static str, good: bool, told: String) -> Step {
    Step { name, good, told }
}

fn import(source: &str, entry: &SourceEntry) -> String {
    let disabled = if entry.disabled { ", disabled or expired" } else { "" };
    format!("\"{source}\" has {} as {}{disabled}", entry.id, entry.dn)
}

fn act(operation: &Operation) -> String {
    let what = match operation.action {
        Action::Adopt => "taken over",
        Action::Create => "made",
        Action::Modify => "changed",
        Action::Activate => "activated",
        Action::Relate => "related to others",
        Action::Deactivate => "deactivated",
        Action::Delete => "deleted",
    };
    let at = operation.target_id.as_ref().map_or(String::new(), |id| format!(" as {id}"));
    let count = operation.changes.len();
    format!("{what}{at}, {count} {}", if count == 1 { "change" } else { "changes" })
}
