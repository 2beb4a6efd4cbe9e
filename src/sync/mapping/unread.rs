//! [`Unread`]: octets where a rule wants a text. They are told, and nothing is taken from the target because of them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::rule::Rule;
use super::{InvalidFault, Mapping};
use crate::identity;
use crate::sync::object::{Desired, SourceObject};

/// So many are told one by one.
const TOLD: usize = 20;

/// An attribute that a rule asks for a text, and that holds octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The object's DN.
    pub dn: String,
    /// The attribute.
    pub attribute: String,
    /// The path at the target.
    pub path: String,
    /// Whether the rule is worth nothing without it, and the path stays as it is.
    pub kept: bool,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dn, attribute, path, kept } = self;
        let what = if *kept {
            format!("{path}, and what is written together with it, stays at the target as it is")
        } else {
            format!("{path} is made without it")
        };
        write!(
            f,
            "{dn}: {attribute} holds octets that are no text: {what}; correct it in the directory, or carry it by \
             base64({attribute})"
        )
    }
}

impl Unread {
    /// The sentences of a report on these.
    pub fn sentences(all: &[Self]) -> Vec<String> {
        let mut told: Vec<String> = all.iter().take(TOLD).map(ToString::to_string).collect();
        let more = all.get(TOLD..).unwrap_or_default();
        if !more.is_empty() {
            let names: BTreeSet<&str> = more.iter().map(|one| one.attribute.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            told.push(format!(
                "{} more times an attribute holds octets that are no text: {}",
                more.len(),
                names.join(", ")
            ));
        }
        told
    }
}

impl Mapping {
    /// What the rules ask an object for a text, and find octets.
    pub fn unread(&self, object: &SourceObject) -> Vec<Unread> {
        let octets = octets(object);
        let mut found = Vec::new();
        for rule in self.rules.iter().filter(|_| !octets.is_empty()) {
            let Some(expression) = rule.expression().filter(|expression| expression.reads(&octets)) else {
                continue;
            };
            let is_nothing = matches!(expression.evaluate(object, &self.tables), Ok(None));
            for attribute in expression.unread(object, &self.tables) {
                let (dn, path) = (object.dn.clone(), rule.path.clone());
                found.push(Unread { dn, attribute, path, kept: is_nothing && rule.default.is_none() });
            }
        }
        found
    }

    /// That a value is missing, or why it cannot be read.
    pub(super) fn missing(&self, rule: &Rule, object: &SourceObject) -> InvalidFault {
        let unread = rule.expression().map(|expression| expression.unread(object, &self.tables));
        unread.and_then(|names| names.into_iter().next()).map_or(InvalidFault::Missing, InvalidFault::NoText)
    }

    /// A path of which nothing is known is not cleared.
    pub(super) fn keep_unread(&self, object: &SourceObject, desired: &mut Desired) {
        for Unread { path, .. } in self.unread(object).into_iter().filter(|one| one.kept) {
            desired.references.remove(&path);
            if !desired.values.contains_key(&path) {
                desired.at_creation.entry(path).or_insert(Value::Null);
            }
        }
    }
}

/// The attributes of an object that hold octets; objectGUID does always.
fn octets(object: &SourceObject) -> Vec<&str> {
    let octets = |values: &[identity::Value]| values.iter().any(|value| value.as_text().is_none());
    object.attributes.iter().filter(|(_, values)| octets(values)).map(|(name, _)| name).collect()
}
