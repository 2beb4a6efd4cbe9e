//! One attempt at one operation: what is sent, and what the answer means. It never sends twice by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Policy;
use super::task::{Sending, Task};
use crate::scim;
use crate::sync::operation::Action;
use crate::sync::state::{State, StateError};
use crate::sync::target::{Edit, FaultKind, Target, TargetFault, TargetObject};

/// LDAP result codes of what is judged here (RFC 4511 appendix A).
pub(super) const NO_SUCH_OBJECT: u16 = 32;
const UNWILLING: u16 = 53;
const ALREADY_EXISTS: u16 = 68;

/// A creation without an answer is left alone for so many times as long as it lasted, before it is looked for once more
/// and sent again. A service does not hear that nobody waits any more: it goes on with the request, and with the others
/// that went together with it, one after the other, and what is not found yet may come still.
const PATIENCE: u32 = 2;

/// How an attempt went.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is so at the target, which calls the object by this id.
    Done(String),
    /// It is so at the target, which calls the object by this id, without anything being sent.
    Nothing(String),
    /// The object is at the target and linked by this id; what else was to be sent was refused.
    Linked(String, TargetFault),
    /// It is not there any more, as was wanted.
    Removed,
    /// It is not there any more, though it was to be changed.
    Lost,
    /// It may be tried again.
    Again {
        /// Why.
        fault: TargetFault,
        /// Whether it may have been done.
        look_up: bool,
        /// How long it is left alone at least.
        rest: Duration,
    },
    /// It was tried often enough, and the target answers nothing else, either.
    Down {
        /// Why.
        fault: TargetFault,
        /// Whether it may have been done.
        look_up: bool,
    },
    /// It would be refused again.
    Failed(TargetFault),
    /// A hook did not agree: nothing was sent.
    Vetoed(TargetFault),
    /// The credentials are refused.
    Unauthorized(TargetFault),
    /// The state cannot be read.
    Broken(StateError),
}

/// What attempts share.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) state: State,
    pub(super) target: Arc<dyn Target>,
    pub(super) policy: Arc<Policy>,
    /// Whether the credentials were good when they were first refused.
    pub(super) probed: OnceCell<bool>,
}

/// What a look for an object came to.
enum Found {
    Nothing,
    One(TargetObject, Whose),
    Taken(TargetFault),
}

/// Whose an object is that was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// It has the external id: it was made by this creation.
    Own,
    /// It may be taken over.
    Nobodys,
}

/// A fault, or the state's.
enum Stop {
    Target(TargetFault),
    /// What is to be made may come still, for so long.
    Unsettled(TargetFault, Duration),
    State(StateError),
}

impl Sender {
    /// Makes the attempt. Hooks before it are asked once for each operation, those after it when it is settled.
    pub(super) async fn attempt(&self, task: &Task, sending: &Sending) -> Outcome {
        let action = task.operation.action;
        if !matches!(action, Action::Create | Action::Delete) && task.is_idle(sending) {
            return Outcome::Nothing(sending.id.clone().unwrap_or_default());
        }
        let (hooks, name) = (&self.policy.hooks, self.state.target());
        let first = task.attempts <= 1 && !task.look_up && !task.is_agreed;
        let refusal = if first { hooks.before(name, &task.operation).await.err() } else { None };
        let outcome = match refusal {
            Some(refusal) => {
                let (kind, detail) = (FaultKind::Refused, refusal.to_string());
                Outcome::Vetoed(TargetFault { kind, code: UNWILLING, detail, retry_after: None })
            }
            None => self.tried(task, sending).await,
        };
        if let Some(code) = settled(&outcome)
            && let Err(fault) = hooks.after(name, &task.operation, code).await
        {
            tracing::warn!(sync.target = name, object = %task.operation.key, "{fault}");
        }
        outcome
    }

    async fn tried(&self, task: &Task, sending: &Sending) -> Outcome {
        let tried = match task.operation.action {
            Action::Create => self.create(task, sending).await,
            Action::Delete => self.delete(task, sending).await,
            _ => self.modify(task, sending).await,
        };
        match tried {
            Ok(outcome) => outcome,
            Err(Stop::State(error)) => Outcome::Broken(error),
            Err(Stop::Target(fault)) => self.judge(task, without(&sending.secrets, fault)).await,
            Err(Stop::Unsettled(fault, rest)) => {
                match self.judge(task, without(&sending.secrets, fault)).await {
                    Outcome::Again { fault, look_up, .. } => Outcome::Again { fault, look_up, rest },
                    outcome => outcome,
                }
            }
        }
    }

    /// What a fault means that nothing else has been made of.
    async fn judge(&self, task: &Task, fault: TargetFault) -> Outcome {
        match fault.kind {
            FaultKind::Unsent => Outcome::Again { fault, look_up: task.look_up, rest: Duration::ZERO },
            FaultKind::Unheard | FaultKind::Busy => self.enough(task, fault, task.look_up).await,
            FaultKind::Unknown => self.enough(task, fault, task.creates()).await,
            FaultKind::NotFound | FaultKind::Conflict | FaultKind::Refused => Outcome::Failed(fault),
            FaultKind::Unauthorized => {
                // Many in flight are refused at once: one question is enough.
                let good = self.probed.get_or_init(|| async { self.target.probe().await.is_ok() }).await;
                if *good { Outcome::Failed(fault) } else { Outcome::Unauthorized(fault) }
            }
        }
    }

    /// What was tried often enough is put off, if it is the matter of this object: else the target is down.
    async fn enough(&self, task: &Task, fault: TargetFault, look_up: bool) -> Outcome {
        if task.attempts < self.policy.pace.attempts {
            return Outcome::Again { fault, look_up, rest: Duration::ZERO };
        }
        let down = self.target.probe().await.is_err();
        if down { Outcome::Down { fault, look_up } } else { Outcome::Failed(fault) }
    }

    async fn create(&self, task: &Task, sending: &Sending) -> Result<Outcome, Stop> {
        if task.look_up {
            match self.look_up(task).await? {
                Found::Nothing => {}
                Found::One(object, whose) => return self.take_over(task, sending, object, whose).await,
                Found::Taken(fault) => return Ok(Outcome::Failed(fault)),
            }
        }
        let (kind, sent) = (task.operation.key.kind, Instant::now());
        match self.target.create(kind, &sending.values).await {
            Ok(made) => self.complete(task, sending, made.id).await,
            // POST is not repeatable: the answer is looked for before anything is sent again.
            Err(fault) if fault.kind == FaultKind::Unknown => {
                let rest = sent.elapsed() * PATIENCE;
                match self.look_up(task).await {
                    Ok(Found::One(object, whose)) => self.take_over(task, sending, object, whose).await,
                    Ok(Found::Taken(taken)) => Ok(Outcome::Failed(taken)),
                    Ok(Found::Nothing) | Err(Stop::Target(_)) => Err(Stop::Unsettled(fault, rest)),
                    Err(stop) => Err(stop),
                }
            }
            Err(fault) if fault.kind == FaultKind::Conflict => match self.look_up(task).await? {
                Found::One(object, whose) => self.take_over(task, sending, object, whose).await,
                Found::Taken(taken) => Ok(Outcome::Failed(taken)),
                Found::Nothing => Ok(Outcome::Failed(fault)),
            },
            Err(fault) => Err(Stop::Target(fault)),
        }
    }

    /// Looks for what a creation may have made, or what stands in its way.
    async fn look_up(&self, task: &Task) -> Result<Found, Stop> {
        let operation = &task.operation;
        for (path, value) in &operation.match_by {
            let found = self.target.find(operation.key.kind, path, value).await.map_err(Stop::Target)?;
            let mut found = found.into_iter();
            let Some(object) = found.next() else { continue };
            if found.next().is_some() {
                return Ok(Found::Taken(taken(&format!("several objects have {path} \"{value}\""))));
            }
            let linked = self.state.linked_to(operation.key.kind, &object.id).await.map_err(Stop::State)?;
            if let Some(other) = linked.iter().find(|key| **key != operation.key) {
                return Ok(Found::Taken(taken(&format!(
                    "{path} \"{value}\" is that of the object of {other}"
                ))));
            }
            return Ok(match self.whose(operation, path, &object) {
                Some(whose) if whose == Whose::Own || self.policy.adopt => Found::One(object, whose),
                Some(_) => {
                    Found::Taken(taken(&format!("an object has {path} \"{value}\" and is not taken over")))
                }
                None => {
                    Found::Taken(taken(&format!("{path} \"{value}\" is that of another source's object")))
                }
            });
        }
        Ok(Found::Nothing)
    }

    /// Whose it is; none when it has another external id.
    fn whose(&self, operation: &crate::sync::Operation, path: &str, object: &TargetObject) -> Option<Whose> {
        let Some(external) = &self.policy.external_id else { return Some(Whose::Nobodys) };
        let own = operation.match_by.iter().find(|(by, _)| by == external).map(|(_, value)| value.as_str());
        let has = self.target.value(object, external);
        match has.as_ref().and_then(Value::as_str).filter(|value| !value.is_empty()) {
            Some(value) if Some(value) == own => Some(Whose::Own),
            Some(_) => None,
            // It was found by it, though the target does not show it.
            None if path == external => Some(Whose::Own),
            None => Some(Whose::Nobodys),
        }
    }

    /// Links what was found. What this creation made has its values; another's gets those that differ.
    async fn take_over(
        &self,
        task: &Task,
        sending: &Sending,
        object: TargetObject,
        whose: Whose,
    ) -> Result<Outcome, Stop> {
        if whose == Whose::Own {
            return self.complete(task, sending, object.id).await;
        }
        let random = |path: &str| {
            let random = |change: &crate::sync::Change| matches!(change, crate::sync::Change::Random { path: at } if at == path);
            task.operation.changes.iter().any(random)
        };
        let differs = |(path, value): &(&String, &Value)| {
            !random(path) && self.target.value(&object, path).as_ref() != Some(*value)
        };
        // Attributes are changed as wholes: of one that differs in a part, all parts are sent.
        let groups: BTreeSet<&str> =
            sending.values.iter().filter(differs).map(|(path, _)| scim::patch::group(path)).collect();
        let belongs =
            |(path, _): &(&String, &Value)| !random(path) && groups.contains(scim::patch::group(path));
        let edits = sending.values.iter().filter(belongs);
        let mut edits: Vec<_> = edits.map(|(path, value)| Edit::Set(path.clone(), value.clone())).collect();
        edits.extend(sending.edits.iter().cloned());
        self.edit(task, object.id, &edits).await
    }

    /// What can be sent only when the object is there.
    async fn complete(&self, task: &Task, sending: &Sending, id: String) -> Result<Outcome, Stop> {
        self.edit(task, id, &sending.edits).await
    }

    /// The object is there in any case: a fault leaves the rest for a later run.
    async fn edit(&self, task: &Task, id: String, edits: &[Edit]) -> Result<Outcome, Stop> {
        if edits.is_empty() {
            return Ok(Outcome::Done(id));
        }
        match self.target.modify(task.operation.key.kind, &id, edits).await {
            Ok(()) => Ok(Outcome::Done(id)),
            // It is found again, and then the rest is sent.
            Err(fault) if fault.kind == FaultKind::Unsent => {
                Ok(Outcome::Again { fault, look_up: true, rest: Duration::ZERO })
            }
            Err(fault) => Ok(Outcome::Linked(id, fault)),
        }
    }

    async fn modify(&self, task: &Task, sending: &Sending) -> Result<Outcome, Stop> {
        let id = sending.id.clone().unwrap_or_default();
        match self.target.modify(task.operation.key.kind, &id, &sending.edits).await {
            Ok(()) => Ok(Outcome::Done(id)),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(Outcome::Lost),
            Err(fault) => Err(Stop::Target(fault)),
        }
    }

    async fn delete(&self, task: &Task, sending: &Sending) -> Result<Outcome, Stop> {
        let id = sending.id.clone().unwrap_or_default();
        match self.target.delete(task.operation.key.kind, &id).await {
            Ok(()) => Ok(Outcome::Removed),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(Outcome::Removed),
            Err(fault) => Err(Stop::Target(fault)),
        }
    }
}

fn taken(detail: &str) -> TargetFault {
    let detail = detail.to_owned();
    TargetFault { kind: FaultKind::Conflict, code: ALREADY_EXISTS, detail, retry_after: None }
}

/// What is said of an object that was to be changed.
pub(super) fn lost() -> TargetFault {
    let detail = "the target does not have the object any more".to_owned();
    TargetFault { kind: FaultKind::NotFound, code: NO_SUCH_OBJECT, detail, retry_after: None }
}

/// The result code of an attempt after which there is no other.
fn settled(outcome: &Outcome) -> Option<u16> {
    match outcome {
        Outcome::Done(_) | Outcome::Removed => Some(0),
        Outcome::Lost => Some(NO_SUCH_OBJECT),
        Outcome::Linked(_, fault) | Outcome::Failed(fault) | Outcome::Vetoed(fault) => Some(fault.code),
        Outcome::Nothing(_)
        | Outcome::Again { .. }
        | Outcome::Down { .. }
        | Outcome::Unauthorized(_)
        | Outcome::Broken(_) => None,
    }
}

/// A target may repeat in its refusal what it was sent.
fn without(secrets: &[String], mut fault: TargetFault) -> TargetFault {
    for secret in secrets {
        fault.detail = fault.detail.replace(secret.as_str(), "***");
    }
    fault
}
