//! [`Link`]: what is known of an object at the target: which one it is there, and what was last carried.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::object::ObjectKey;
use crate::clock::Timestamp;

/// An object of the source and its counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The object of the source.
    pub key: ObjectKey,
    /// Its DN when it was last carried.
    pub dn: String,
    /// The target's own id of it.
    pub target_id: String,
    /// What has become of it.
    pub state: LinkState,
    /// A hash of each value that was last carried, by path; references to one object are among them.
    pub sums: BTreeMap<String, u64>,
    /// The members that were last carried, by path.
    pub members: BTreeMap<String, BTreeSet<ObjectKey>>,
}

/// The rungs of the ladder down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// In use.
    Active,
    /// Deactivated at the target: disabled at the source, or no longer in scope. It stays.
    Inactive,
    /// Deactivated, and gone from the source since then: deleted at the target when the time of the ladder is over.
    Leaving {
        /// When it was first missed.
        since: Timestamp,
    },
}
