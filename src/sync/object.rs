//! What is carried: [`SourceObject`] as the directory and its structure tell it, [`Desired`] as the target should have it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::Attributes;

/// The kinds of objects, in the order in which they are carried: what others refer to goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectType {
    /// A unit of the company: an organizationalUnit of the source.
    Organization,
    /// Somebody with an account.
    User,
    /// Somebody without one: an entry of an address book.
    Contact,
    /// People together.
    Group,
    /// People together, for rights.
    SecurityGroup,
    /// A right or licence at the target.
    Role,
}

impl ObjectType {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Organization, Self::User, Self::Contact, Self::Group, Self::SecurityGroup, Self::Role];

    /// The word of summary lines: `Object=<word>`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::User => "User",
            Self::Contact => "Contact",
            Self::Group => "Group",
            Self::SecurityGroup => "SecurityGroup",
            Self::Role => "Role",
        }
    }

    /// The word of configuration and store.
    pub fn key(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::User => "user",
            Self::Contact => "contact",
            Self::Group => "group",
            Self::SecurityGroup => "security-group",
            Self::Role => "role",
        }
    }

    /// The type that [`ObjectType::key`] names.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.key() == key)
    }
}

/// What an object is called as long as it exists: its type and its objectGUID or entryUUID, never its DN.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectKey {
    /// The type at the target.
    pub kind: ObjectType,
    /// The UUID in its text form, in lower case (RFC 9562 section 4).
    pub id: String,
}

impl ObjectKey {
    /// Of a type and a UUID in text form.
    pub fn new(kind: ObjectType, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.key(), self.id)
    }
}

/// An object of the source with what its place in the tree and its groups say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceObject {
    /// Which one.
    pub key: ObjectKey,
    /// Where it is; for people who read logs.
    pub dn: String,
    /// Whether the account is neither disabled nor expired.
    pub active: bool,
    /// What the directory holds.
    pub attributes: Attributes,
    /// What the structure says, by names that begin with `@`: `@admin`, `@services`, `@roles`, `@organization`.
    pub facts: BTreeMap<&'static str, Vec<String>>,
    /// The organisation or group that it is under.
    pub parent: Option<ObjectKey>,
    /// Who is in it, of those who are carried.
    pub members: BTreeSet<ObjectKey>,
}

/// What an object should be at the target. Paths are the target's: SCIM attribute paths (RFC 7644 section 3.10) or LDAP
/// attribute names.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Which object of the source.
    pub key: ObjectKey,
    /// Its DN at the source.
    pub dn: String,
    /// Whether it should be usable; else it is deactivated there, if it is there.
    pub active: bool,
    /// What is compared and kept up to date: texts, booleans, lists of texts. No entry: the target should have none.
    pub values: BTreeMap<String, Value>,
    /// What only a creation sends; `null`: nothing, and what the target has there stays.
    pub at_creation: BTreeMap<String, Value>,
    /// Paths that get a fresh random password at creation.
    pub random: Vec<String>,
    /// Other objects that it names.
    pub references: BTreeMap<String, Reference>,
    /// What somebody at the target may be found by, in the order of trust: path and value.
    pub match_by: Vec<(String, String)>,
}

/// Other objects by their keys; they become the target's own ids when they are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// One, such as a manager or a parent.
    One(ObjectKey),
    /// Members.
    Many(BTreeSet<ObjectKey>),
}
