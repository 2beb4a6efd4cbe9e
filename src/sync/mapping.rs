//! [`Mapping`]: what an object of the source should be at the target, by rules of one value each.
//!
//! Rules are written by presets and admins as [`RuleText`] and checked once, all of them, when the configuration is read.
//! [`Mapping::map`] then makes a [`Desired`] of a [`SourceObject`], or says all that is wrong with it. What is usable or not
//! (`active`) is no rule's business: the preset names the path of it.

mod path;
mod rule;
mod sum;
mod unread;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::expression::{Expression, Tables, TooLong};
use super::object::{Desired, ObjectKey, ObjectType, Reference, SourceObject};
use crate::identity;
pub use path::PathForm;
use rule::{Checks, Origin, Rule};
pub use rule::{RuleFault, RuleText, When};
pub use sum::{sum, sum_of_link};
pub use unread::Unread;

/// The rules of one object type.
#[derive(Debug, Clone)]
pub struct Mapping {
    object: ObjectType,
    rules: Vec<Rule>,
    match_by: Vec<String>,
    tables: Arc<Tables>,
}

/// Rules that cannot be: all faults of all rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct MappingError(pub Vec<RuleError>);

/// A rule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule for \"{path}\" of {}: {fault}", .object.key())]
pub struct RuleError {
    /// Its object type.
    pub object: ObjectType,
    /// Its path.
    pub path: String,
    /// Why.
    pub fault: RuleFault,
}

/// An object that the target could not be given so; it says the object, the path, the rule, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The object.
    pub key: ObjectKey,
    /// The object's DN.
    pub dn: String,
    /// The path at the target.
    pub path: String,
    /// The rule's expression.
    pub rule: String,
    /// What is wrong.
    pub fault: InvalidFault,
}

/// What is wrong with a value. None of them quotes it: logs hold no personal data that they need not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFault {
    /// A value must be there.
    #[error(
        "there is no value, and the target needs one: fill it in the directory, or give the rule a default"
    )]
    Missing,
    /// A value must be there, and what there is cannot be read.
    #[error(
        "{0} holds octets that are no text, and the target needs a value: correct it in the directory, or carry it by base64(..)"
    )]
    NoText(String),
    /// It has more characters than allowed.
    #[error(
        "the value has {length} characters, and max_length is {most}: shorten it, or cut it by substring(..)"
    )]
    TooLong {
        /// How many it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
    /// It does not match.
    #[error("the value does not match \"{0}\": correct it in the directory, or change the rule's pattern")]
    Pattern(String),
    /// It is no known one.
    #[error("the value is none of {}: correct it, or map it by switch(..) or lookup(..)", .0.join(", "))]
    NotOneOf(Vec<String>),
    /// It is too long for anything.
    #[error("{0}: shorten what the directory holds")]
    Unbounded(#[from] TooLong),
    /// A reference needs DNs.
    #[error("the value is no text, and a reference is a DN: name an attribute of DNs as the rule's source")]
    NoDn,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dn, path, rule, fault, .. } = self;
        write!(f, "{dn}: {path} (from {rule}): {fault}")
    }
}

impl std::error::Error for Invalid {}

impl Mapping {
    /// The rules of one type. `match_by` are the paths by which somebody at the target may be found, the most trusted
    /// first.
    ///
    /// # Errors
    ///
    /// All faults of all rules.
    pub fn new(
        object: ObjectType,
        rules: Vec<RuleText>,
        match_by: Vec<String>,
        tables: Arc<Tables>,
    ) -> Result<Self, MappingError> {
        Self { object, rules: Vec::new(), match_by, tables }.overridden(rules)
    }

    /// The same with other rules: one for the same path takes the place of the old one, `when = "never"` removes it, and
    /// others are added.
    ///
    /// # Errors
    ///
    /// All faults of the rules, also in their relation to those that stay.
    pub fn overridden(&self, rules: Vec<RuleText>) -> Result<Self, MappingError> {
        self.changed(rules, None)
    }

    /// The same with other rules, and where `match_by` is given, found at the target by these paths.
    ///
    /// # Errors
    ///
    /// As [`Mapping::overridden`]; and a path of `match_by` that no rule fills.
    pub fn changed(&self, rules: Vec<RuleText>, match_by: Option<&[String]>) -> Result<Self, MappingError> {
        let mut mapping = self.clone();
        if let Some(paths) = match_by {
            mapping.match_by = paths.to_vec();
        }
        let mut faults = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for text in rules {
            let (object, path) = (text.object, text.path.clone());
            let mut refuse = |fault| faults.push(RuleError { object, path: path.clone(), fault });
            if object != self.object {
                refuse(RuleFault::OtherObject(self.object.key()));
            } else if seen.iter().any(|seen| same(seen, &path)) {
                refuse(RuleFault::Twice);
            }
            match Rule::new(text) {
                Ok(rule) => {
                    if !mapping.put(&path, rule) {
                        refuse(RuleFault::NothingToRemove);
                    }
                }
                Err(found) => found.into_iter().for_each(refuse),
            }
            seen.push(path);
        }
        faults.extend(mapping.faults());
        if faults.is_empty() { Ok(mapping) } else { Err(MappingError(faults)) }
    }

    /// The same with other tables for `lookup`.
    #[must_use]
    pub fn with_tables(mut self, tables: Arc<Tables>) -> Self {
        self.tables = tables;
        self
    }

    /// The attributes of the directory that the rules read, each once.
    pub fn attributes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.rules.iter().filter_map(Rule::expression).flat_map(Expression::attributes) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
        names
    }

    /// The paths that the rules fill, in their order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.path.as_str())
    }

    /// The paths of values that nobody is to be told, but for those whose names say that they are passwords.
    pub fn secret_paths(&self) -> impl Iterator<Item = &str> {
        let secret = |rule: &&Rule| matches!(rule.origin, Origin::Random) || identity::is_secret(&rule.path);
        self.rules.iter().filter(secret).map(|rule| rule.path.as_str())
    }

    /// The paths of values that only a creation sends.
    pub fn at_creation(&self) -> impl Iterator<Item = &str> {
        let sent = |rule: &&Rule| rule.when == When::Creation && matches!(rule.origin, Origin::Value(_));
        self.rules.iter().filter(sent).map(|rule| rule.path.as_str())
    }

    /// The path of the members.
    pub fn members(&self) -> Option<&str> {
        let rule = self.rules.iter().find(|rule| matches!(rule.origin, Origin::Members))?;
        Some(&rule.path)
    }

    /// The paths by which somebody at the target may be found.
    pub fn match_by(&self) -> &[String] {
        &self.match_by
    }

    /// Whom the object names, by DN, and of which type they are to be.
    pub fn names(&self, object: &SourceObject) -> Vec<(ObjectType, String)> {
        let mut found = Vec::new();
        for rule in &self.rules {
            let Origin::Dn(expression, kind) = &rule.origin else { continue };
            match expression.evaluate(object, &self.tables) {
                Ok(Some(Value::String(dn))) => found.push((*kind, dn)),
                Ok(Some(Value::Array(dns))) => {
                    found.extend(dns.iter().filter_map(|dn| Some((*kind, dn.as_str()?.to_owned()))));
                }
                _ => {}
            }
        }
        found
    }

    /// What the object should be at the target. `resolve` finds who has a DN, of those who are carried.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the object.
    pub fn map(
        &self,
        object: &SourceObject,
        resolve: &dyn Fn(&str) -> Option<ObjectKey>,
    ) -> Result<Desired, Vec<Invalid>> {
        let mut desired = Desired {
            key: object.key.clone(),
            dn: object.dn.clone(),
            active: object.active,
            values: BTreeMap::new(),
            at_creation: BTreeMap::new(),
            random: Vec::new(),
            references: BTreeMap::new(),
            match_by: Vec::new(),
        };
        let mut faults = Vec::new();
        for rule in &self.rules {
            if let Err(fault) = self.apply(rule, object, resolve, &mut desired) {
                let fault = match fault {
                    InvalidFault::Missing => self.missing(rule, object),
                    fault => fault,
                };
                faults.push(Invalid {
                    key: object.key.clone(),
                    dn: object.dn.clone(),
                    path: rule.path.clone(),
                    rule: rule.origin.to_string(),
                    fault,
                });
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.omit_equals(&mut desired);
        self.keep_unread(object, &mut desired);
        desired.match_by = self
            .match_by
            .iter()
            .filter_map(|path| Some((path.clone(), value_at(&desired, path)?.as_str()?.to_owned())))
            .collect();
        Ok(desired)
    }

    fn apply(
        &self,
        rule: &Rule,
        object: &SourceObject,
        resolve: &dyn Fn(&str) -> Option<ObjectKey>,
        desired: &mut Desired,
    ) -> Result<(), InvalidFault> {
        let path = || rule.path.clone();
        let reference = match &rule.origin {
            Origin::Random => {
                desired.random.push(path());
                return Ok(());
            }
            Origin::Value(expression) => {
                if let Some(value) = self.value(rule, expression, object)? {
                    let values = match rule.when {
                        When::Creation => &mut desired.at_creation,
                        When::Always | When::Never => &mut desired.values,
                    };
                    values.insert(path(), value);
                }
                return Ok(());
            }
            Origin::Members => Some(Reference::Many(object.members.clone())),
            Origin::Parent => object.parent.clone().map(Reference::One),
            Origin::Dn(expression, kind) => {
                let resolve = |dn: &str| resolve(dn).filter(|key| key.kind == *kind);
                match expression.evaluate(object, &self.tables)? {
                    None => None,
                    Some(Value::String(dn)) => resolve(&dn).map(Reference::One),
                    Some(Value::Array(dns)) => {
                        let keys = dns.iter().filter_map(|dn| resolve(dn.as_str()?));
                        Some(Reference::Many(keys.collect()))
                    }
                    Some(_) => return Err(InvalidFault::NoDn),
                }
            }
        };
        match reference {
            Some(reference) => {
                desired.references.insert(path(), reference);
                Ok(())
            }
            None if rule.required => Err(InvalidFault::Missing),
            None => Ok(()),
        }
    }

    fn value(
        &self,
        rule: &Rule,
        expression: &Expression,
        object: &SourceObject,
    ) -> Result<Option<Value>, InvalidFault> {
        let value = expression.evaluate(object, &self.tables)?;
        let Some(value) = value.or_else(|| rule.default.clone().map(Value::String)) else {
            return if rule.required { Err(InvalidFault::Missing) } else { Ok(None) };
        };
        match &value {
            Value::String(text) => rule.checks.hold(text)?,
            Value::Array(texts) => {
                texts.iter().filter_map(Value::as_str).try_for_each(|t| rule.checks.hold(t))?;
            }
            _ => {}
        }
        Ok(Some(value))
    }

    /// Takes away what would say the same as another path.
    fn omit_equals(&self, desired: &mut Desired) {
        for rule in &self.rules {
            let Some(other) = &rule.omit_if_equal else { continue };
            let equal = match (value_at(desired, &rule.path), value_at(desired, other)) {
                (Some(Value::String(one)), Some(Value::String(other))) => {
                    one.to_lowercase() == other.to_lowercase()
                }
                (one, other) => one.is_some() && one == other,
            };
            if equal {
                desired.values.remove(&rule.path);
                desired.at_creation.remove(&rule.path);
            }
        }
    }

    /// No when there is nothing to remove. The spelling of a known path stays: others name it.
    fn put(&mut self, path: &str, rule: Option<Rule>) -> bool {
        let at = self.rules.iter().position(|known| same(&known.path, path));
        match (at.and_then(|at| self.rules.get_mut(at)), rule) {
            (Some(place), Some(rule)) => *place = Rule { path: std::mem::take(&mut place.path), ..rule },
            (None, Some(rule)) => self.rules.push(rule),
            (Some(_), None) => self.rules.retain(|known| !same(&known.path, path)),
            (None, None) => return false,
        }
        true
    }

    /// What is wrong with the rules together.
    fn faults(&self) -> Vec<RuleError> {
        let object = self.object;
        let filled = |path: &str| {
            let mut values = self.rules.iter().filter(|rule| matches!(rule.origin, Origin::Value(_)));
            values.any(|rule| rule.path == path)
        };
        let unmatched = self.match_by.iter().filter(|path| !filled(path));
        let mut faults: Vec<RuleError> = unmatched
            .map(|path| RuleError { object, path: path.clone(), fault: RuleFault::MatchWithoutRule })
            .collect();
        for rule in &self.rules {
            let mut refuse = |fault| faults.push(RuleError { object, path: rule.path.clone(), fault });
            if let Some(other) = rule.omit_if_equal.as_ref().filter(|other| !filled(other)) {
                refuse(RuleFault::NoSuchPath(other.clone()));
            }
            for table in rule.expression().map(Expression::tables).unwrap_or_default() {
                if !self.tables.contains_key(table) {
                    refuse(RuleFault::NoSuchTable(table.to_owned()));
                }
            }
        }
        let members = self.rules.iter().filter(|rule| matches!(rule.origin, Origin::Members)).skip(1);
        faults.extend(members.map(|rule| RuleError {
            object,
            path: rule.path.clone(),
            fault: RuleFault::MembersTwice,
        }));
        faults
    }
}

impl Checks {
    fn hold(&self, text: &str) -> Result<(), InvalidFault> {
        let length = text.chars().count();
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            return Err(InvalidFault::TooLong { length, most });
        }
        if let Some((written, pattern)) = &self.pattern
            && !pattern.is_match(text)
        {
            return Err(InvalidFault::Pattern(written.clone()));
        }
        if !self.one_of.is_empty() && !self.one_of.iter().any(|known| known == text) {
            return Err(InvalidFault::NotOneOf(self.one_of.clone()));
        }
        Ok(())
    }
}

/// Attribute names have no case (RFC 7643 section 2.1).
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn value_at<'d>(desired: &'d Desired, path: &str) -> Option<&'d Value> {
    desired.values.get(path).or_else(|| desired.at_creation.get(path))
}

#[cfg(test)]
mod tests;
