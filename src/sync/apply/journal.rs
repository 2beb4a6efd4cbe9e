//! What others hear of an application: [`Journal`], a port for the log and for a progress bar, and [`Tally`], its sums.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::sync::object::{ObjectKey, ObjectType};
use crate::sync::operation::{Action, Change, Operation};
use crate::sync::target::TargetFault;

/// Who is told what happens at the target. It is called between two writes: it must not wait.
pub trait Journal: Send + Sync + fmt::Debug {
    /// Something was written, or was tried and not done: once for each operation, after its last attempt.
    fn wrote(&self, written: &Written<'_>);

    /// An operation was not sent: what it needs is not at the target.
    fn skipped(&self, written: &Written<'_>);

    /// Something was written without some objects that it names: they are not at the target.
    fn lacking(&self, _written: &Written<'_>) {}

    /// So many operations more are to be done.
    fn expected(&self, _operations: usize) {}

    /// One of them is done, or put off.
    fn passed(&self) {}

    /// The target is left alone until then because of this, and so many operations wait.
    fn pausing(&self, _until: Timestamp, _fault: &TargetFault, _waiting: usize) {}

    /// The target refuses the credentials of this account, after so many further tries: the application ends.
    fn denied(&self, _account: &str, _retries: u32, _fault: &TargetFault) {}

    /// An attempt failed and is made again after this time at the earliest.
    fn retrying(&self, _operation: &Operation, _fault: &TargetFault, _wait: Duration) {}
}

/// One write. Secrets are not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written<'a> {
    /// What kind of line it is.
    pub kind: WriteKind,
    /// What was done.
    pub action: Action,
    /// The object of the source.
    pub key: &'a ObjectKey,
    /// Its DN at the source.
    pub dn: &'a str,
    /// The target's id of it, where it has one.
    pub target_id: Option<&'a str>,
    /// 0, or the LDAP result code of the fault.
    pub code: u16,
    /// The target's words on the fault.
    pub detail: &'a str,
    /// How often it was tried again after the first time.
    pub retries: u32,
    /// The run that planned it.
    pub run: i64,
    /// How long the last attempt took; nothing where it was not sent.
    pub took: Duration,
    /// A hash of what was known of the object before, and of what is known now; none where nothing was, or is.
    pub hashes: (Option<u64>, Option<u64>),
    /// With which values.
    pub changes: Vec<Shown<'a>>,
}

/// The `type` of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteKind {
    /// A creation.
    Add,
    /// A change.
    Modify,
    /// A removal.
    Delete,
}

impl WriteKind {
    /// The word of the line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Modify => "modify",
            Self::Delete => "delete",
        }
    }

    /// That of an action.
    pub fn of(action: Action) -> Self {
        match action {
            Action::Create => Self::Add,
            Action::Delete => Self::Delete,
            _ => Self::Modify,
        }
    }
}

/// One change, as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown<'a> {
    /// Where.
    pub path: &'a str,
    /// `+`, `-` or `=`.
    pub sign: char,
    /// What.
    pub value: ShownValue<'a>,
}

/// What may be shown of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum ShownValue<'a> {
    /// This.
    Value(&'a Value),
    /// Other objects of the source.
    Objects(&'a [ObjectKey]),
    /// That there is one.
    Secret,
    /// There is none.
    Nothing,
}

/// The changes of an operation; values at the paths for which `secret` says so are not shown.
pub(super) fn shown<'a>(operation: &'a Operation, secret: impl Fn(&str) -> bool) -> Vec<Shown<'a>> {
    let show = |change: &'a Change| {
        let (path, sign, value) = match change {
            Change::Set { path, value } => (path, '=', ShownValue::Value(value)),
            Change::Clear { path } => (path, '-', ShownValue::Nothing),
            Change::Random { path } => (path, '=', ShownValue::Secret),
            Change::Refer { path, to } => (path, '=', ShownValue::Objects(std::slice::from_ref(to))),
            Change::Join { path, members } => (path, '+', ShownValue::Objects(members)),
            Change::Leave { path, members } => (path, '-', ShownValue::Objects(members)),
        };
        let hidden = matches!(value, ShownValue::Value(_)) && secret(path);
        Shown { path, sign, value: if hidden { ShownValue::Secret } else { value } }
    };
    operation.changes.iter().map(show).collect()
}

/// How much was written.
pub type Tally = BTreeMap<ObjectType, Counts>;

/// How much was written of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Creations.
    pub add: Count,
    /// Changes.
    pub modify: Count,
    /// Removals.
    pub delete: Count,
    /// What failed, and what was not sent.
    pub failed: u64,
}

/// Writes of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub tried: u64,
    /// Those that were done.
    pub succeeded: u64,
}

impl Counts {
    /// Counts a write.
    pub(super) fn write(&mut self, kind: WriteKind, succeeded: bool) {
        let count = match kind {
            WriteKind::Add => &mut self.add,
            WriteKind::Modify => &mut self.modify,
            WriteKind::Delete => &mut self.delete,
        };
        count.tried += 1;
        count.succeeded += u64::from(succeeded);
        self.failed += u64::from(!succeeded);
    }
}
