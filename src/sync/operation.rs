//! [`Operation`]: one thing to do at the target, as a plan names it, a file holds it and the queue keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::link::LinkState;
use super::object::ObjectKey;

/// One thing to do. Secrets are not in it: a random password is made when it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// What.
    pub action: Action,
    /// To which object of the source.
    pub key: ObjectKey,
    /// Its DN, for people who read logs.
    pub dn: String,
    /// The target's id of it; none before it is created there.
    pub target_id: Option<String>,
    /// With which values.
    pub changes: Vec<Change>,
    /// What it may be found by at the target when an answer to its creation was lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_by: Vec<(String, String)>,
    /// What becomes of the link when it has succeeded, beside what it says itself.
    #[serde(default, skip_serializing_if = "Afterwards::is_nothing")]
    pub afterwards: Afterwards,
}

/// What becomes of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Afterwards {
    /// Its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<LinkState>,
    /// Sums of values that the target has already.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sums: BTreeMap<String, u64>,
    /// The target has no such object any more: there is no link.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forget: bool,
    /// Somebody has left: where the target refuses the deletion, the object is made unusable at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deactivate: bool,
}

impl Afterwards {
    fn is_nothing(&self) -> bool {
        self.state.is_none() && self.sums.is_empty() && !self.forget && !self.deactivate
    }
}

/// What is done. The order is that of the queue: what others refer to exists before they do, and goes after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Take over what is there already: `target_id` is the found one, `changes` what differs.
    Adopt,
    /// Make it.
    Create,
    /// Bring values up to date.
    Modify,
    /// Make it usable again, and bring values up to date.
    Activate,
    /// References and members, when all that they name exist.
    Relate,
    /// Make it unusable; it stays.
    Deactivate,
    /// Remove it.
    Delete,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The value at a path becomes this one.
    Set {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// There is no value at a path any more.
    Clear {
        /// Where.
        path: String,
    },
    /// A fresh random password.
    Random {
        /// Where.
        path: String,
    },
    /// One other object.
    Refer {
        /// Where.
        path: String,
        /// Which.
        to: ObjectKey,
    },
    /// More members.
    Join {
        /// Where.
        path: String,
        /// Who.
        members: Vec<ObjectKey>,
    },
    /// Fewer members.
    Leave {
        /// Where.
        path: String,
        /// Who.
        members: Vec<ObjectKey>,
    },
}
