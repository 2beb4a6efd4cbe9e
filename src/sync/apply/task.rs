//! [`Task`]: an operation on its way, and what is sent for it once the objects that it names are known at the target.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::Policy;
use super::course::Refused;
use crate::clock::Ids;
use crate::sync::link::{Link, LinkState};
use crate::sync::object::ObjectKey;
use crate::sync::operation::{Action, Change, Operation};
use crate::sync::target::Edit;

/// The target's ids of objects that are linked.
pub(super) type Known = HashMap<ObjectKey, Arc<str>>;

/// An operation on its way.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) run: i64,
    pub(super) seq: i64,
    pub(super) operation: Operation,
    /// The link as it was before.
    pub(super) before: Option<Link>,
    /// How often it was sent.
    pub(super) attempts: u32,
    /// Whether the hooks before it were asked in this run though it was not sent.
    pub(super) is_agreed: bool,
    /// How often it was put off before.
    pub(super) rounds: u32,
    /// A creation whose answer is not known: it is looked for before it is sent again.
    pub(super) look_up: bool,
    /// What it names and is not there will not come in this run: it goes without.
    pub(super) forced: bool,
    /// Members and references that were left out.
    pub(super) missing: Vec<ObjectKey>,
    /// The deletion that was refused, while the object is made unusable instead.
    pub(super) refused: Option<Refused>,
    /// When it was last sent.
    pub(super) sent: Instant,
    /// The link as a hash, as it was and as it became.
    pub(super) hashes: (Option<u64>, Option<u64>),
}

/// What is sent.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// The target's id.
    pub(super) id: Option<String>,
    /// What a creation sends.
    pub(super) values: BTreeMap<String, Value>,
    /// What a change sends; for a creation, what can be sent only afterwards.
    pub(super) edits: Vec<Edit>,
    /// Passwords in it, which are taken out of what the target says.
    pub(super) secrets: Vec<String>,
}

impl Task {
    pub(super) fn creates(&self) -> bool {
        self.operation.action == Action::Create
    }

    /// The objects that must be at the target before.
    pub(super) fn needs(&self) -> impl Iterator<Item = &ObjectKey> {
        let own = (!self.creates() && self.operation.target_id.is_none()).then_some(&self.operation.key);
        own.into_iter().chain(named(&self.operation))
    }

    /// The first object that is not at the target yet and will be: the task waits for it.
    pub(super) fn waits_for(&self, known: &Known, coming: &HashSet<ObjectKey>) -> Option<ObjectKey> {
        if self.forced {
            return None;
        }
        let mut needs = self.needs();
        needs.find(|key| !known.contains_key(*key) && coming.contains(*key)).cloned()
    }

    /// What is sent; none when it cannot be, since an object that it needs is not there. Members and references that
    /// are not there are left out and noted: nothing is ever called by its id at the source.
    pub(super) fn sending(&mut self, known: &Known, policy: &Policy, ids: &dyn Ids) -> Option<Sending> {
        self.missing.clear();
        let creates = self.creates();
        let own = self.operation.target_id.clone();
        let own = own.or_else(|| known.get(&self.operation.key).map(ToString::to_string));
        if !creates && own.is_none() {
            self.missing.push(self.operation.key.clone());
            return None;
        }
        let mut sending = Sending { id: own, ..Sending::default() };
        for change in &self.operation.changes {
            match change {
                Change::Set { path, value } => sending.set(creates, path, value.clone()),
                Change::Clear { path } if creates => drop(sending.values.remove(path)),
                Change::Clear { path } => sending.edits.push(Edit::Clear(path.clone())),
                Change::Random { path } => {
                    let password = password(ids);
                    sending.set(creates, path, Value::from(password.as_str()));
                    sending.secrets.push(password);
                }
                Change::Refer { path, to } => match known.get(to) {
                    Some(id) => sending.set(creates, path, Value::from(&**id)),
                    None => self.missing.push(to.clone()),
                },
                Change::Join { path, members } => {
                    let members = present(members, known, Some(&mut self.missing));
                    if !members.is_empty() {
                        sending.edits.push(Edit::Join(path.clone(), members));
                    }
                }
                // Who has no counterpart any more is no member there.
                Change::Leave { path, members } => {
                    let members = present(members, known, None);
                    if !members.is_empty() {
                        sending.edits.push(Edit::Leave(path.clone(), members));
                    }
                }
            }
        }
        let refers = |change: &Change| matches!(change, Change::Refer { to, .. } if !known.contains_key(to));
        if creates && self.operation.changes.iter().any(refers) {
            return None;
        }
        self.stand(&mut sending, policy);
        Some(sending)
    }

    /// Whether there is nothing to send for it: then it is done.
    pub(super) fn is_idle(&self, sending: &Sending) -> bool {
        !matches!(self.operation.action, Action::Create | Action::Delete) && sending.edits.is_empty()
    }

    /// Whether it was deactivated before.
    fn is_asleep(&self) -> bool {
        self.before.as_ref().is_some_and(|link| link.state != LinkState::Active)
    }

    /// Whether it is usable there. Of somebody who is not usable there already only the link changes.
    fn stand(&self, sending: &mut Sending, policy: &Policy) {
        let Some(standing) = policy.standing.get(&self.operation.key.kind) else { return };
        let value = match self.operation.action {
            Action::Create | Action::Activate => &standing.usable,
            Action::Deactivate if self.operation.changes.is_empty() && self.is_asleep() => return,
            Action::Deactivate => &standing.unusable,
            _ => return,
        };
        let said = |change: &Change| matches!(change, Change::Set { path, .. } if *path == standing.path);
        if !self.operation.changes.iter().any(said) {
            sending.set(self.creates(), &standing.path, value.clone());
        }
    }
}

impl Sending {
    fn set(&mut self, creates: bool, path: &str, value: Value) {
        if creates {
            self.values.insert(path.to_owned(), value);
        } else {
            self.edits.push(Edit::Set(path.to_owned(), value));
        }
    }
}

/// The objects that an operation names.
pub(super) fn named(operation: &Operation) -> impl Iterator<Item = &ObjectKey> {
    operation.changes.iter().flat_map(|change| match change {
        Change::Refer { to, .. } => std::slice::from_ref(to),
        Change::Join { members, .. } | Change::Leave { members, .. } => members,
        Change::Set { .. } | Change::Clear { .. } | Change::Random { .. } => &[],
    })
}

fn present(members: &[ObjectKey], known: &Known, mut missing: Option<&mut Vec<ObjectKey>>) -> Vec<String> {
    let mut found = Vec::with_capacity(members.len());
    for member in members {
        match (known.get(member), &mut missing) {
            (Some(id), _) => found.push(id.to_string()),
            (None, Some(missing)) => missing.push(member.clone()),
            (None, None) => {}
        }
    }
    found
}

/// 120 random bits with a letter of each case, a digit and a sign, as most policies want it.
fn password(ids: &dyn Ids) -> String {
    let mut token = ids.token();
    token.truncate(20);
    token + "-Aa7"
}
