//! [`RuleText`]: a rule as presets and `[[sync.map]]` write it; [`Rule`]: the same, checked.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::sync::expression::{Expression, ExpressionError};
use crate::sync::object::ObjectType;

/// Octets of a path.
const LONGEST_PATH: usize = 1024;

/// Octets of a compiled pattern.
const LARGEST_PATTERN: usize = 1 << 20;

/// A rule as it is written. Every key but `object` and `path` may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// Whose: `user`, `group`, `organization`, `security-group`, `contact`, `role`.
    pub object: ObjectType,
    /// The target's path: a SCIM attribute path (RFC 7644 section 3.10) or an LDAP attribute.
    pub path: String,
    /// The value: an [`Expression`], or `@members` or `@parent` for references. Without one the value is `default`.
    #[serde(default)]
    pub source: Option<String>,
    /// When it is sent.
    #[serde(default)]
    pub when: When,
    /// An object without a value is not carried, but reported.
    #[serde(default)]
    pub required: bool,
    /// The value where the source has none.
    #[serde(default)]
    pub default: Option<String>,
    /// A regular expression that the whole value matches.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The most characters.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// The only values; none named: any.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// Left out where it equals the value at this path, letters' case aside.
    #[serde(default)]
    pub omit_if_equal: Option<String>,
    /// The source gives DNs, and the target gets its own ids of the objects of this type that have them; a DN of no object
    /// that is carried is none. A list (`all(..)`) refers to many.
    #[serde(default)]
    pub reference: Option<ObjectType>,
    /// A fresh random password at creation, and nothing later.
    #[serde(default)]
    pub random: bool,
}

impl RuleText {
    /// Whether the path can be none of any target.
    pub(super) fn has_odd_path(&self) -> bool {
        let path = &self.path;
        path.is_empty()
            || path.len() > LONGEST_PATH
            || path.trim() != path
            || path.contains(|c: char| c.is_control())
    }
}

/// When a value is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// At creation, and whenever it differs.
    #[default]
    Always,
    /// At creation alone.
    Creation,
    /// Not at all: the rule of this path is removed.
    Never,
}

/// Why a rule cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// The path is empty or too long, or has blanks around it or control characters.
    #[error(
        "path must be 1 to {LONGEST_PATH} octets, without blanks around it and without control characters"
    )]
    Path,
    /// The path is none of SCIM: why.
    #[error("path is none of SCIM, such as name.givenName or emails[type eq \"work\"].value: {0}")]
    NoScimPath(&'static str),
    /// The path is no attribute of LDAP.
    #[error("path is no name of an LDAP attribute, as the schema of the directory has it")]
    NoAttribute,
    /// The path is that by which objects are deactivated.
    #[error(
        "path is where the target is told whether somebody may sign in, which no rule fills: take it away"
    )]
    Usable,
    /// A value of no characters is none.
    #[error("max_length is 0, so that no value passes")]
    NoLength,
    /// Neither source nor default.
    #[error("name a source, a default, or random = true; when = \"never\" removes a rule")]
    NoSource,
    /// The source is no expression.
    #[error("source: {0}")]
    Source(ExpressionError),
    /// The pattern is none.
    #[error("pattern: no regular expression: {0}")]
    Pattern(String),
    /// Keys that say nothing together.
    #[error("{0} cannot be beside {1}: take one of them away")]
    Beside(&'static str, &'static str),
    /// `default` would not pass the rule's own checks.
    #[error("default does not pass pattern, max_length or one_of")]
    Default,
    /// A rule of another object type.
    #[error("this is the mapping of {0}: correct object")]
    OtherObject(&'static str),
    /// Two rules for one path.
    #[error("there are two rules for this path: take one away")]
    Twice,
    /// `when = "never"` for what is not there.
    #[error("when = \"never\": no rule fills this path: correct it, or take this one away")]
    NothingToRemove,
    /// Two rules with `@members`.
    #[error("there is another rule with the source @members: remove it by when = \"never\"")]
    MembersTwice,
    /// `omit_if_equal` names what no rule fills.
    #[error("omit_if_equal: no rule fills \"{0}\": correct the path, or add a rule")]
    NoSuchPath(String),
    /// `lookup` names an unknown table.
    #[error("source: there is no lookup table \"{0}\": add it, or correct the name")]
    NoSuchTable(String),
    /// The target is to be matched by what no rule fills.
    #[error("the target is matched by this path, and no rule fills it: add one, or take it out of match_by")]
    MatchWithoutRule,
    /// The target has no such object type.
    #[error("the preset has no such object type")]
    NoSuchType,
    /// The schema of the target has no such attribute.
    #[error("the target's schema has no such attribute; it has {}", .0.join(", "))]
    NoSuchAttribute(Vec<String>),
}

/// A rule that can be applied.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) path: String,
    pub(super) origin: Origin,
    pub(super) when: When,
    pub(super) required: bool,
    pub(super) default: Option<String>,
    pub(super) checks: Checks,
    pub(super) omit_if_equal: Option<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Value(Expression),
    Dn(Expression, ObjectType),
    Members,
    Parent,
    Random,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(expression) | Self::Dn(expression, _) => expression.fmt(f),
            Self::Members => f.write_str("@members"),
            Self::Parent => f.write_str("@parent"),
            Self::Random => f.write_str("random"),
        }
    }
}

/// What a value must be.
#[derive(Debug, Clone, Default)]
pub(super) struct Checks {
    /// As it is written, and for the whole value.
    pub(super) pattern: Option<(String, Regex)>,
    pub(super) max_length: Option<usize>,
    pub(super) one_of: Vec<String>,
}

impl Rule {
    /// `None` for a rule that only removes another.
    pub(super) fn new(text: RuleText) -> Result<Option<Self>, Vec<RuleFault>> {
        let mut faults = beside(&text);
        if text.has_odd_path() {
            faults.push(RuleFault::Path);
        }
        if text.max_length == Some(0) {
            faults.push(RuleFault::NoLength);
        }
        if text.when == When::Never {
            return if faults.is_empty() { Ok(None) } else { Err(faults) };
        }
        let origin = origin(&text).map_err(|fault| faults.push(fault)).ok();
        let checks = checks(&text).map_err(|fault| faults.push(fault)).ok();
        if let (Some(checks), Some(default)) = (&checks, &text.default)
            && (default.is_empty() || checks.hold(default).is_err())
        {
            faults.push(RuleFault::Default);
        }
        match (origin, checks) {
            (Some(origin), Some(checks)) if faults.is_empty() => Ok(Some(Self {
                path: text.path,
                origin,
                when: text.when,
                required: text.required,
                default: text.default,
                checks,
                omit_if_equal: text.omit_if_equal,
            })),
            _ => Err(faults),
        }
    }

    pub(super) fn expression(&self) -> Option<&Expression> {
        match &self.origin {
            Origin::Value(expression) | Origin::Dn(expression, _) => Some(expression),
            Origin::Members | Origin::Parent | Origin::Random => None,
        }
    }
}

fn origin(text: &RuleText) -> Result<Origin, RuleFault> {
    let parse = |source: &str| Expression::parse(source).map_err(RuleFault::Source);
    match (text.source.as_deref(), text.reference) {
        (Some("@members"), _) => Ok(Origin::Members),
        (Some("@parent"), _) => Ok(Origin::Parent),
        (Some(source), Some(kind)) => Ok(Origin::Dn(parse(source)?, kind)),
        (Some(source), None) => parse(source).map(Origin::Value),
        (None, _) if text.random => Ok(Origin::Random),
        // The value is the default, for everybody.
        (None, _) if text.default.is_some() => parse("\"\"").map(Origin::Value),
        (None, _) => Err(RuleFault::NoSource),
    }
}

fn checks(text: &RuleText) -> Result<Checks, RuleFault> {
    let compiled = text.pattern.as_ref().map(|written| {
        let whole = format!("\\A(?:{written})\\z");
        let regex = RegexBuilder::new(&whole).size_limit(LARGEST_PATTERN).build();
        regex.map(|regex| (written.clone(), regex)).map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default();
            RuleFault::Pattern(last.trim_start_matches("error: ").to_owned())
        })
    });
    Ok(Checks { pattern: compiled.transpose()?, max_length: text.max_length, one_of: text.one_of.clone() })
}

/// Keys that exclude one another.
fn beside(text: &RuleText) -> Vec<RuleFault> {
    let structural = matches!(text.source.as_deref(), Some("@members" | "@parent"));
    let refers = structural || text.reference.is_some();
    let reference = if structural { "source = \"@members\" or \"@parent\"" } else { "reference" };
    let checked = text.pattern.is_some() || text.max_length.is_some() || !text.one_of.is_empty();
    let pairs = [
        (text.random && text.source.is_some(), "random", "source"),
        (text.random && text.reference.is_some(), "random", "reference"),
        (text.random && text.default.is_some(), "random", "default"),
        (text.random && checked, "random", "pattern, max_length and one_of"),
        (text.random && text.omit_if_equal.is_some(), "random", "omit_if_equal"),
        (structural && text.reference.is_some(), reference, "reference"),
        (refers && text.default.is_some(), reference, "default"),
        (refers && checked, reference, "pattern, max_length and one_of"),
        (refers && text.omit_if_equal.is_some(), reference, "omit_if_equal"),
        (refers && text.when == When::Creation, reference, "when = \"creation\""),
        (text.required && text.omit_if_equal.is_some(), "required", "omit_if_equal"),
    ];
    let pairs = pairs.into_iter().filter(|(both, ..)| *both);
    pairs.map(|(_, one, other)| RuleFault::Beside(one, other)).collect()
}
