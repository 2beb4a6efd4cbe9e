//! [`Plan`]: what has to be done, what cannot be done, and what is told of both.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sync::link::LinkState;
use crate::sync::matching;
use crate::sync::object::{ObjectKey, ObjectType};
use crate::sync::operation::{Action, Operation};
use crate::sync::words::objects;

/// Of a type that the source has none of any more, so many wait until they are allowed to go. More are not even prepared for
/// that: a source that has lost a whole company is mended.
pub(super) const MOST_DOUBTED: u64 = 1_000;

/// What a run would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order in which they are to be done.
    pub operations: Vec<Operation>,
    /// What takes away the last ones of a type: it waits in any case until somebody allows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<Operation>,
    /// What becomes of links besides.
    pub notes: Vec<Note>,
    /// Numbers per type; a type without objects is not there.
    pub totals: BTreeMap<ObjectType, Totals>,
    /// How many were deactivated and how many deleted shortly before, by type: the gate counts them as well.
    #[serde(skip)]
    pub earlier: BTreeMap<ObjectType, [u64; 2]>,
    /// How many members those have that some leave.
    pub sizes: Vec<(ObjectKey, u64)>,
    /// What cannot be matched.
    pub conflicts: Vec<Unmatched<matching::Conflict>>,
    /// What is reported instead of being made or taken over.
    pub reports: Vec<Unmatched<matching::Report>>,
    /// What is not sent, since the target does not take it.
    pub skipped: Vec<Skipped>,
    /// What somebody should know.
    pub warnings: Vec<Warning>,
}

impl Plan {
    /// The types of which the source has nobody any more, though somebody is at the target.
    pub fn emptied(&self) -> impl Iterator<Item = ObjectType> {
        self.warnings.iter().filter_map(|warning| match warning {
            Warning::Empty { kind, .. } => Some(*kind),
            Warning::Immutable { .. } | Warning::Incomplete { .. } | Warning::Twice { .. } => None,
        })
    }
}

/// An object of the source that is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched<T> {
    /// Which.
    pub key: ObjectKey,
    /// Its DN.
    pub dn: String,
    /// Why.
    pub cause: T,
}

impl<T: fmt::Display> Unmatched<T> {
    fn told(&self, what: &str) -> String {
        format!("{}: {what}{}", self.dn, self.cause)
    }
}

impl Unmatched<matching::Conflict> {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        self.told("conflict: ")
    }
}

impl Unmatched<matching::Report> {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        self.told("")
    }
}

/// What becomes of a link that its operations do not say: an operation that succeeded leaves the sums of the values that
/// it sent, its members, and for the rest what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Which.
    pub key: ObjectKey,
    /// When it holds: as soon as the plan is taken up, or when this operation of the key has succeeded.
    pub after: Option<Action>,
    /// Its DN now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dn: Option<String>,
    /// Its state now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<LinkState>,
    /// Sums of values that the target has already.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<String, u64>,
    /// The target has no such object any more: no link, and nobody's member.
    #[serde(default)]
    pub forget: bool,
}

impl Note {
    pub(super) fn new(key: &ObjectKey, after: Option<Action>) -> Self {
        Self { key: key.clone(), after, dn: None, state: None, held: BTreeMap::new(), forget: false }
    }
}

/// Numbers of objects, not of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// That the source told of.
    pub total: u64,
    /// That are made.
    pub add: u64,
    /// That are changed, activated, deactivated, or get other members.
    pub modify: u64,
    /// That are deleted.
    pub delete: u64,
    /// That the source told of and that stay as they are.
    pub unchanged: u64,
    /// That are left alone although something should be done.
    pub skip: u64,
    /// That are linked: what limits are reckoned by.
    pub linked: u64,
}

/// A change that is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Of which object.
    pub key: ObjectKey,
    /// Its DN.
    pub dn: String,
    /// Why.
    pub cause: SkipCause,
}

/// Why a change is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipCause {
    /// The target takes these paths at creation only.
    Immutable(Vec<String>),
    /// Nothing was found at the target, and nothing is to be made.
    NotThere,
    /// Nobody looked for it at the target.
    NotMatched,
}

impl fmt::Display for SkipCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Immutable(paths) => write!(f, "skip: immutable at target: {}", paths.join(", ")),
            Self::NotThere => f.write_str("skip: not at target (match.none)"),
            Self::NotMatched => f.write_str("skip: not looked for at target"),
        }
    }
}

/// What somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// The target keeps old values, for it takes new ones at creation only.
    Immutable {
        /// The DN of the object.
        dn: String,
        /// Where.
        paths: Vec<String>,
        /// Whether it is deleted, to be made anew.
        recreated: bool,
    },
    /// Objects would leave, but not everything was read.
    Incomplete {
        /// Of which type.
        kind: ObjectType,
        /// How many.
        leaving: u64,
    },
    /// Objects would leave, but the source has none of those who are linked, which is rather a fault of the reading.
    Empty {
        /// Of which type.
        kind: ObjectType,
        /// How many.
        leaving: u64,
    },
    /// The source told of an object twice; the first one holds.
    Twice {
        /// The DN of the second one.
        dn: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Immutable { dn, paths, recreated: false } => {
                let paths = paths.join(", ");
                write!(f, "{dn}: the target takes {paths} at creation only and keeps the old value")
            }
            Self::Immutable { dn, paths, recreated: true } => {
                let paths = paths.join(", ");
                write!(
                    f,
                    "{dn}: the target takes {paths} at creation only: deleted, the next run makes it anew"
                )
            }
            Self::Incomplete { kind, leaving } => {
                let (objects, kind) = (objects(*leaving), kind.as_str());
                write!(f, "{objects} of {kind} would leave, but not everything was read: nobody does")
            }
            Self::Empty { kind, leaving } => {
                let (objects, kind) = (objects(*leaving), kind.as_str());
                write!(
                    f,
                    "{objects} of {kind} would leave, but the source has none of those who are linked: "
                )?;
                if *leaving > MOST_DOUBTED {
                    return write!(
                        f,
                        "nobody does, for more than {MOST_DOUBTED} are not even held back; look at the base, the filter and what the account may read, or leave one there until the others are gone"
                    );
                }
                f.write_str(
                    "they wait; look at the base, the filter and what the account may read, or allow it",
                )
            }
            Self::Twice { dn } => write!(f, "{dn}: the source told of it twice; the first one holds"),
        }
    }
}

/// How far the source was read, for one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// All of it: what was not told of is gone.
    All,
    /// What changed: what was not told of is as it was.
    Changes,
    /// Not to its end, or not at all: nobody leaves.
    Incomplete,
}

/// How far the source was read. A type that is not there was not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readings(BTreeMap<ObjectType, Reading>);

impl Readings {
    /// The same for all types.
    pub fn every(reading: Reading) -> Self {
        ObjectType::ALL.into_iter().map(|kind| (kind, reading)).collect()
    }

    /// That of a type.
    pub fn of(&self, kind: ObjectType) -> Reading {
        self.0.get(&kind).copied().unwrap_or(Reading::Incomplete)
    }
}

impl FromIterator<(ObjectType, Reading)> for Readings {
    fn from_iter<T: IntoIterator<Item = (ObjectType, Reading)>>(readings: T) -> Self {
        Self(readings.into_iter().collect())
    }
}
