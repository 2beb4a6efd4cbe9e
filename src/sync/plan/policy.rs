//! [`Policy`]: what a plan may do at a target, per type of object.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{SignedDuration, Timestamp};
use crate::sync::object::{ObjectKey, ObjectType};

/// What a plan may do at a target, and how it sees values.
#[derive(Debug, Clone)]
pub struct Policy {
    /// By type; a type that is not named has the defaults.
    pub types: BTreeMap<ObjectType, TypePolicy>,
    /// So many members go into one request.
    pub members_per_request: usize,
    /// What becomes of objects that only the target has.
    pub orphans: Orphans,
    /// The hash that [`Link::sums`](crate::sync::Link::sums) are made with.
    pub hash: fn(&Value) -> u64,
    /// The top-level attribute of a path: its paths are sent together.
    pub group: fn(&str) -> &str,
    /// In which moments are told.
    pub zone: TimeZone,
}

impl Policy {
    /// Whether somebody who was first missed then is deleted now.
    pub fn is_due(&self, kind: ObjectType, since: Timestamp, now: Timestamp) -> bool {
        self.types.get(&kind).is_some_and(|rules| rules.is_due(since, now))
    }

    /// Whether a change may end in a deletion.
    pub fn recreates(&self) -> bool {
        let recreates = |rules: &TypePolicy| rules.immutable_change == ImmutableChange::Recreate;
        self.types.values().any(|rules| recreates(rules) && !rules.immutable.is_empty())
    }
}

/// What holds for one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypePolicy {
    /// The path that says whether an object is usable; none where the target has no such thing. The ladder alone changes
    /// it: among the values of an object it is passed over.
    pub active: Option<String>,
    /// What follows a deactivation.
    pub deactivation: Deactivation,
    /// How long an object that is gone from the source stays, deactivated.
    pub delete_after: SignedDuration,
    /// Paths that the target takes at creation only.
    pub immutable: BTreeSet<String>,
    /// What becomes of a change of one of them.
    pub immutable_change: ImmutableChange,
    /// Paths that the target takes and does not show.
    pub write_only: BTreeSet<String>,
}

impl Default for TypePolicy {
    fn default() -> Self {
        Self {
            active: None,
            deactivation: Deactivation::DeleteLater,
            delete_after: SignedDuration::from_hours(30 * 24),
            immutable: BTreeSet::new(),
            immutable_change: ImmutableChange::Skip,
            write_only: BTreeSet::new(),
        }
    }
}

impl TypePolicy {
    /// That of people: `active` can be switched.
    pub fn with_active(path: &str) -> Self {
        Self { active: Some(path.to_owned()), ..Self::default() }
    }

    /// When somebody who was first missed then is deleted; none: never.
    pub fn deleted_at(&self, since: Timestamp) -> Option<Timestamp> {
        let deletes = self.deactivation == Deactivation::DeleteLater;
        deletes.then(|| since.checked_add(self.delete_after).ok()).flatten()
    }

    /// Whether somebody who was first missed then is deleted now.
    pub(super) fn is_due(&self, since: Timestamp, now: Timestamp) -> bool {
        self.deleted_at(since).is_some_and(|moment| moment <= now)
    }

    /// Whether the ladder alone changes this path.
    pub(super) fn is_active(&self, path: &str) -> bool {
        self.active.as_deref() == Some(path)
    }
}

/// What follows a deactivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deactivation {
    /// What is gone from the source is deleted after a time.
    DeleteLater,
    /// Nothing: sekisho never deletes there.
    DeactivateOnly,
    /// The target deletes what is deactivated.
    DeactivationDeletes,
}

/// What becomes of a change that the target does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImmutableChange {
    /// It is not sent, and the report says so.
    Skip,
    /// The object is deleted; the next plan makes it anew.
    Recreate,
}

/// What becomes of objects that only the target has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orphans {
    /// Nothing.
    Keep,
    /// They are deactivated.
    Deactivate,
}

/// The sum of a reference to one object, as it stands in [`Link::sums`](crate::sync::Link::sums).
pub fn reference_sum(hash: fn(&Value) -> u64, to: &ObjectKey) -> u64 {
    hash(&Value::String(to.to_string()))
}
