//! [`Node`]: an expression as a tree, the functions and facts that there are, and how all of it is printed.

use std::fmt;

use regex::Regex;

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// Only where a function takes a number.
    Number(usize),
    Bool(bool),
    /// An attribute of the directory, with its options.
    Attribute(String),
    Fact(Fact),
    /// Only where a function takes a pattern.
    Pattern(Pattern),
    Call(Function, Vec<Node>),
}

/// What is known of an object beside its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    Active,
    Admin,
    Dn,
    Guid,
    GuidBase64,
    Organization,
    Roles,
    Services,
}

impl Fact {
    pub(super) const ALL: [(&'static str, Self); 8] = [
        ("@active", Self::Active),
        ("@admin", Self::Admin),
        ("@dn", Self::Dn),
        ("@guid", Self::Guid),
        ("@guid_base64", Self::GuidBase64),
        ("@organization", Self::Organization),
        ("@roles", Self::Roles),
        ("@services", Self::Services),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, fact)| *fact == self).map_or("", |(name, _)| name)
    }
}

/// A regular expression; two of the same text are equal.
#[derive(Debug, Clone)]
pub(super) struct Pattern(pub(super) Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    All,
    Base64,
    Default,
    Domain,
    Eq,
    First,
    If,
    Join,
    Local,
    Lookup,
    Lower,
    Nfkc,
    Not,
    Only,
    Phone,
    Present,
    Replace,
    Split,
    Substring,
    Switch,
    Trim,
    Upper,
}

/// What stands at a place of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    /// Any expression.
    Any,
    /// An attribute.
    Attribute,
    /// A text in quotes.
    Text,
    /// What replaces a match: a text in quotes of at most [`super::parse::LONGEST_REPLACEMENT`] octets.
    Replacement,
    /// A regular expression in quotes.
    Pattern,
    /// A number from 0 on.
    Number,
}

/// A function: how it is written, and what it takes.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) function: Function,
    pub(super) name: &'static str,
    /// How it is called, for errors.
    pub(super) usage: &'static str,
    pub(super) fixed: &'static [Parameter],
    /// What may follow, as a whole and again.
    pub(super) more: &'static [Parameter],
    /// How often.
    pub(super) most: usize,
}

const fn fixed(
    function: Function,
    name: &'static str,
    usage: &'static str,
    fixed: &'static [Parameter],
) -> Signature {
    Signature { function, name, usage, fixed, more: &[], most: 0 }
}

const fn open(
    function: Function,
    name: &'static str,
    usage: &'static str,
    fixed: &'static [Parameter],
    more: &'static [Parameter],
) -> Signature {
    Signature { function, name, usage, fixed, more, most: usize::MAX }
}

const ANY: &[Parameter] = &[Parameter::Any];

/// All functions, by name.
pub(super) const FUNCTIONS: [Signature; 22] = {
    use Function as F;
    use Parameter::{Any, Number, Pattern, Replacement, Text};
    [
        open(F::All, "all", "all(a, b, ..)", ANY, ANY),
        fixed(F::Base64, "base64", "base64(attribute)", &[Parameter::Attribute]),
        fixed(F::Default, "default", "default(a, \"x\")", &[Any, Any]),
        fixed(F::Domain, "domain", "domain(a)", ANY),
        fixed(F::Eq, "eq", "eq(a, b)", &[Any, Any]),
        open(F::First, "first", "first(a, b, ..)", ANY, ANY),
        Signature {
            function: F::If,
            name: "if",
            usage: "if(condition, a, b)",
            fixed: &[Any, Any],
            more: ANY,
            most: 1,
        },
        open(F::Join, "join", "join(\"separator\", a, b, ..)", &[Text, Any], ANY),
        fixed(F::Local, "local", "local(a)", ANY),
        fixed(F::Lookup, "lookup", "lookup(\"table\", a)", &[Text, Any]),
        fixed(F::Lower, "lower", "lower(a)", ANY),
        fixed(F::Nfkc, "nfkc", "nfkc(a)", ANY),
        fixed(F::Not, "not", "not(a)", ANY),
        fixed(F::Only, "only", "only(a, \"pattern\")", &[Any, Pattern]),
        fixed(F::Phone, "phone", "phone(a)", ANY),
        fixed(F::Present, "present", "present(a)", ANY),
        fixed(F::Replace, "replace", "replace(a, \"pattern\", \"with\")", &[Any, Pattern, Replacement]),
        fixed(F::Split, "split", "split(a, \"separator\", n)", &[Any, Text, Number]),
        fixed(F::Substring, "substring", "substring(a, from, length)", &[Any, Number, Number]),
        open(F::Switch, "switch", "switch(a, default, \"x\", y, ..)", &[Any, Any, Text, Any], &[Text, Any]),
        fixed(F::Trim, "trim", "trim(a)", ANY),
        fixed(F::Upper, "upper", "upper(a)", ANY),
    ]
};

impl Function {
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|known| known.function == self).map_or("", |known| known.name)
    }
}

impl Node {
    /// Shows this node and all below it.
    pub(super) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        if let Self::Call(_, arguments) = self {
            for argument in arguments {
                argument.visit(see);
            }
        }
    }

    /// The attribute that this node itself reads.
    pub(super) fn attribute(&self) -> Option<&str> {
        match self {
            Self::Attribute(name) => Some(name),
            Self::Fact(Fact::GuidBase64) => Some("objectGUID"),
            _ => None,
        }
    }

    /// The table that this node itself looks up.
    pub(super) fn table(&self) -> Option<&str> {
        match self {
            Self::Call(Function::Lookup, arguments) => match arguments.first()? {
                Self::Text(name) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether an attribute's name can stand in an expression as it is.
pub(super) fn is_bare(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    starts
        && is_attribute(name)
        && !name.contains(['.', '_'])
        && !["attr", "true", "false"].contains(&name)
        && !FUNCTIONS.iter().any(|known| known.name == name)
}

/// An attribute description (RFC 4512 section 2.5): a name or an OID, and options; `_` is for schemas that have it.
pub(super) fn is_attribute(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    name.split(';').all(|part| !part.is_empty() && part.chars().all(letter))
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => quoted(f, text),
            Self::Pattern(pattern) => quoted(f, pattern.0.as_str()),
            Self::Number(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
            Self::Attribute(name) if is_bare(name) => f.write_str(name),
            Self::Attribute(name) => write!(f, "attr(\"{name}\")"),
            Self::Fact(fact) => f.write_str(fact.name()),
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                for (at, argument) in arguments.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    argument.fmt(f)?;
                }
                f.write_str(")")
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
