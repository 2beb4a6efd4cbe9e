//! [`Expression`]: what a value at the target is made of, in the small language that rules of a mapping are written in.
//! The manual's page [`presets`](crate::manual::presets) tells it to admins, function by function.
//!
//! A text is parsed once, when the configuration is read, and evaluated for each object:
//!
//! ```
//! use sekisho::sync::expression::{Expression, Tables};
//!
//! # fn main() -> Result<(), sekisho::sync::expression::ExpressionError> {
//! let address = Expression::parse("lower(first(mail, userPrincipalName))")?;
//! assert_eq!(address.attributes(), ["mail", "userPrincipalName"]);
//! # Ok(())
//! # }
//! ```
//!
//! What is missing has no value; nothing is ever the empty text. No expression can fail for what an object holds, but for
//! results that are too long.

mod evaluate;
mod parse;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

pub use parse::{ExpressionError, SyntaxFault};
use syntax::Node;

use super::object::SourceObject;

/// Octets of the text of an expression.
pub const LONGEST: usize = 4096;

/// How deep calls may stand in calls.
pub const DEEPEST: usize = 32;

/// Octets of a result, and of each part of it.
pub const LONGEST_RESULT: usize = 64 * 1024;

/// Tables by name, of what `lookup` finds.
pub type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// A parsed expression; it displays as the text that it can be parsed from.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression(Node);

/// A result is longer than [`LONGEST_RESULT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is longer than {LONGEST_RESULT} octets")]
pub struct TooLong;

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// Where it is no expression, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parse::expression(text).map(Self)
    }

    /// Its value for an object: a text, a boolean, or a list of texts; none of them empty.
    pub fn evaluate(&self, object: &SourceObject, tables: &Tables) -> Result<Option<Value>, TooLong> {
        evaluate::value(&self.0, object, tables)
    }

    /// Whether it reads one of these attributes; a name that nobody needs to remember takes no memory.
    pub(super) fn reads(&self, names: &[&str]) -> bool {
        let mut found = false;
        self.0.visit(&mut |node| {
            let read = node.attribute();
            found |= read.is_some_and(|read| names.iter().any(|name| name.eq_ignore_ascii_case(read)));
        });
        found
    }

    /// The attributes of an object that it asks for a text, and that hold octets.
    pub fn unread(&self, object: &SourceObject, tables: &Tables) -> BTreeSet<String> {
        evaluate::unread(&self.0, object, tables)
    }

    /// The attributes of the directory that it reads, each once, in the spelling that comes first.
    pub fn attributes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        self.0.visit(&mut |node| {
            if let Some(name) = node.attribute()
                && !names.iter().any(|known| known.eq_ignore_ascii_case(name))
            {
                names.push(name);
            }
        });
        names
    }

    /// The tables that it looks up.
    pub fn tables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.0.visit(&mut |node| names.extend(node.table()));
        names
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests;
