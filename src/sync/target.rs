//! [`Target`]: a service that objects are carried to. `scim` and `ldap` are its adapters, and both pass one conformance
//! suite (`tests/it/sync/conformance.rs`).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::mpsc;

use super::object::ObjectType;
use super::questions::Questions;

/// An object as the target has it.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetObject {
    /// The target's own id: a SCIM `id` (RFC 7643 section 3.1), or an entryUUID or DN.
    pub id: String,
    /// What it is.
    pub body: Value,
}

/// One change with the target's ids in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// The value at this path becomes this one, as a whole.
    Set(String, Value),
    /// No value at this path any more.
    Clear(String),
    /// These ids are members at this path too.
    Join(String, Vec<String>),
    /// These are no longer.
    Leave(String, Vec<String>),
}

/// What a target can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ability {
    /// The types that it has.
    pub types: Vec<ObjectType>,
    /// Whether all objects of a type can be listed, so that a first match needs no question for each.
    pub lists: bool,
    /// Paths that it takes and does not keep: nothing is missing where they show nothing. In any case.
    pub ignored: Vec<String>,
}

/// Why a target did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFault {
    /// The kind, which says how it goes on.
    pub kind: FaultKind,
    /// The LDAP result code that stands for it in the log (`sync/words.rs` has the table).
    pub code: u16,
    /// The target's own words, without secrets.
    pub detail: String,
    /// When the target wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// How it goes on after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Not heard: no connection. Nothing was done; it may be sent again.
    Unheard,
    /// Sent, and no answer or a broken one: it may have been done or not.
    Unknown,
    /// Too much at once (429), or not now (503): nothing was done.
    Busy,
    /// Held back by ourselves, since the target wants to be left alone or the run ends: that is no attempt.
    Unsent,
    /// The credentials are refused (401, 403): the run stops.
    Unauthorized,
    /// There is no such object (any more).
    NotFound,
    /// Another object has that name.
    Conflict,
    /// The target will not have it so: the same request would be refused again.
    Refused,
}

impl TargetFault {
    /// Whether it is not known who asks, which is the matter of no single type or object. What is forbidden (403) may be.
    pub fn is_of_credentials(&self) -> bool {
        self.kind == FaultKind::Unauthorized && !self.detail.starts_with("HTTP 403")
    }
}

impl fmt::Display for TargetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for TargetFault {}

/// Whom a target knows us by, as log lines have it.
pub fn known_by(target: &dyn Target) -> &str {
    target.account().unwrap_or("the token")
}

/// A service. All methods may be called at once from many tasks; none retries by itself but for the parts of a list.
#[async_trait]
pub trait Target: Send + Sync + fmt::Debug {
    /// Whom it knows us by, for log lines; none where that is a token.
    fn account(&self) -> Option<&str> {
        None
    }

    /// Asks what it can do: proves address and credentials, and changes nothing.
    async fn probe(&self) -> Result<Ability, TargetFault>;

    /// How many changes one request can carry, when so many are asked for at once. Asks the target at most once.
    async fn per_request(&self) -> usize {
        1
    }

    /// Whether changes that were given to it and are not sent yet are held back, until it is told otherwise: they fail as
    /// [`FaultKind::Unsent`], as does [`Target::find`]. What was sent is answered.
    fn hold(&self, _held: bool) {}

    /// All objects of a type, in parts, each of them one of the `questions`. Only an `Ok` says that these were all.
    async fn list(
        &self,
        kind: ObjectType,
        parts: mpsc::Sender<Vec<TargetObject>>,
        questions: &Questions,
    ) -> Result<(), TargetFault>;

    /// One object by the target's id.
    async fn read(&self, kind: ObjectType, id: &str) -> Result<Option<TargetObject>, TargetFault>;

    /// The objects that have this value at this path; two are enough to know that it is not unique.
    async fn find(&self, kind: ObjectType, path: &str, value: &str)
    -> Result<Vec<TargetObject>, TargetFault>;

    /// Makes an object. Not repeatable.
    async fn create(
        &self,
        kind: ObjectType,
        values: &BTreeMap<String, Value>,
    ) -> Result<TargetObject, TargetFault>;

    /// Changes an object. Repeatable.
    async fn modify(&self, kind: ObjectType, id: &str, edits: &[Edit]) -> Result<(), TargetFault>;

    /// Removes an object. Repeatable: one that is gone is [`FaultKind::NotFound`].
    async fn delete(&self, kind: ObjectType, id: &str) -> Result<(), TargetFault>;

    /// What an object has at a path; `None` when nothing is there.
    fn value(&self, object: &TargetObject, path: &str) -> Option<Value>;
}
