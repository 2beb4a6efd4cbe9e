//! What a use case asks the directory of a person who has signed in: a [`Question`], answered with what was [`Found`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Attributes, Subject};

/// What the directory of a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// All groups of the person, nested ones and the primary group included.
    Groups {
        /// What is read of each; without it the distinguished name alone is wanted.
        attribute: Option<String>,
    },
    /// The entries below the search base that a filter finds.
    Search {
        /// The filter (RFC 4515) in pieces, so that no value can leave its place.
        filter: Vec<Piece>,
        /// What is read of each entry.
        attributes: Vec<String>,
    },
}

/// A part of a search filter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// As the configuration has it.
    Written(String),
    /// A value of the person, which the directory escapes.
    Value(Vec<u8>),
}

/// One entry of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The distinguished name.
    pub dn: String,
    /// What was asked for and is there, named as the directory names it.
    pub attributes: Attributes,
}

impl Found {
    /// The values of an attribute. LDAP does not mind the case of names.
    pub fn values(&self, name: &str) -> Option<&[super::Value]> {
        let mut named = self.attributes.iter().filter(|(held, _)| held.eq_ignore_ascii_case(name));
        named.next().map(|(_, values)| values)
    }
}

/// The directory could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("cannot ask directory \"{directory}\": {cause}")]
pub struct Unavailable {
    /// The `name` of the `[[directory]]`.
    pub directory: String,
    /// What went wrong, for the log.
    pub cause: String,
}

/// Asks the directory for what the session does not hold. Wired in `app`.
#[async_trait]
pub trait Inquiry: Send + Sync + fmt::Debug {
    /// The answer, some minutes old at most; up to an hour where the directory cannot be asked.
    async fn ask(&self, subject: &Subject, question: &Question) -> Result<Arc<[Found]>, Unavailable>;

    /// The distinguished names of all groups of a person, nested ones included, compared without case.
    async fn groups(&self, subject: &Subject) -> Result<Vec<String>, Unavailable> {
        let groups = self.ask(subject, &Question::Groups { attribute: None }).await?;
        Ok(groups.iter().map(|group| group.dn.clone()).collect())
    }
}
