//! `sekisho sync explain`: the way of one person, step by step: connect, import, scope, match, act.

mod gone;

use super::engine::{Extent, Step, Synchronisation};
use super::error::SyncError;
use super::former;
use super::object::ObjectKey;
use super::operation::{Action, Change, Operation};
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
            let history = self.state().history(key, KEPT).await?;
            steps.extend(to_do(own, &history, &self.options().name));
            for fault in prepared.invalid.iter().filter(|fault| fault.key == *key) {
                steps.push(step("act", false, fault.to_string()));
            }
            steps.extend(history.into_iter().take(RECENT).map(before));
        }
        Ok(steps)
    }
}

/// What is done now, and what is held back.
fn to_do<'a>(own: impl Iterator<Item = &'a Operation>, history: &[Kept], target: &str) -> Vec<Step> {
    let waiting: Vec<&Kept> = history.iter().filter(|kept| kept.progress == Progress::Held).collect();
    let now: Vec<String> =
        own.filter_map(|operation| beside(operation, &waiting)).map(|operation| act(&operation)).collect();
    let mut steps = Vec::new();
    if !now.is_empty() {
        steps.push(step("act", true, now.join("; ")));
    } else if waiting.is_empty() {
        steps.push(step("act", true, "nothing is to be done".to_owned()));
    }
    steps.extend(waiting.into_iter().map(|kept| step("act", false, held_by(kept, target))));
    steps
}

/// What of an operation is not held back already: of members and references some may be.
fn beside(operation: &Operation, waiting: &[&Kept]) -> Option<Operation> {
    let held: Vec<&Operation> =
        waiting.iter().map(|kept| &kept.operation).filter(|held| held.action == operation.action).collect();
    if held.is_empty() {
        return Some(operation.clone());
    }
    let mut rest = operation.clone();
    let leaves = |of: &str, member: &ObjectKey| {
        let all = held.iter().flat_map(|held| &held.changes);
        all.into_iter().any(
            |change| matches!(change, Change::Leave { path, members } if path == of && members.contains(member)),
        )
    };
    rest.changes.retain_mut(|change| match change {
        Change::Leave { path, members } => {
            members.retain(|member| !leaves(path, member));
            !members.is_empty()
        }
        other => !held.iter().any(|held| held.changes.contains(other)),
    });
    (rest.action == Action::Relate && !rest.changes.is_empty()).then_some(rest)
}

/// What a run holds back of somebody, and the command that releases it.
fn held(history: &[Kept], target: &str) -> Option<String> {
    history.iter().find(|kept| kept.progress == Progress::Held).map(|kept| held_by(kept, target))
}

fn held_by(kept: &Kept, target: &str) -> String {
    let (run, told) = (kept.run, act(&kept.operation));
    format!(
        "held back by run {run}, would be {told}; `sekisho sync allow {run} {target}` releases what it holds"
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::sync::object::ObjectType;
    use crate::sync::operation::Afterwards;

    fn operation(action: Action, changes: Vec<Change>) -> Operation {
        Operation {
            action,
            key: ObjectKey::new(ObjectType::User, "a"),
            dn: "uid=a".to_owned(),
            target_id: Some("t".to_owned()),
            changes,
            match_by: Vec::new(),
            afterwards: Afterwards::default(),
        }
    }

    fn held(operation: Operation) -> Kept {
        Kept {
            run: 5,
            seq: 0,
            operation,
            progress: Progress::Held,
            attempts: 0,
            rounds: 0,
            next_try: Timestamp::UNIX_EPOCH,
            fault: None,
        }
    }

    #[test]
    fn what_is_held_back_hides_nothing_that_is_done() {
        let member = |id: &str| ObjectKey::new(ObjectType::Group, id);
        let leave = |ids: &[&str]| Change::Leave {
            path: "groups".to_owned(),
            members: ids.iter().map(|id| member(id)).collect(),
        };
        let set = Change::Set { path: "title".to_owned(), value: "x".into() };
        let join = Change::Join { path: "groups".to_owned(), members: vec![member("new")] };
        let told = |own: &[Operation], held: &[Kept]| {
            to_do(own.iter(), held, "idp").into_iter().map(|step| (step.good, step.told)).collect::<Vec<_>>()
        };
        let released = "`sekisho sync allow 5 idp` releases what it holds";
        let waits =
            (false, format!("held back by run 5, would be related to others as t, 1 change; {released}"));
        let all = [
            operation(Action::Modify, vec![set]),
            operation(Action::Relate, vec![join.clone(), leave(&["old"])]),
        ];
        let one = [held(operation(Action::Relate, vec![leave(&["old"])]))];
        let now = "changed as t, 1 change; related to others as t, 1 change".to_owned();
        assert_eq!(told(&all, &one), [(true, now), waits.clone()]);
        let same = [operation(Action::Relate, vec![leave(&["old"])])];
        assert_eq!(told(&same, &one), [waits], "it is told once");
        let more = [operation(Action::Relate, vec![leave(&["old", "older"])])];
        assert_eq!(told(&more, &one)[0], (true, "related to others as t, 1 change".to_owned()));
        let off = [operation(Action::Deactivate, vec![])];
        assert!(!told(&off, &[held(off[0].clone())])[0].0);
        assert_eq!(told(&[], &[]), [(true, "nothing is to be done".to_owned())]);
    }
}
