//! One `[[authproc]]` table: `priority`, `filter` and the filter's own options.
//!
//! [`FilterConfig`] implements `Deserialize`, so that it stands inside any configuration struct. What is wrong is said
//! with the filter, the option and the nearest known word; the TOML reader adds the line.

use std::fmt;
use std::sync::Arc;

use super::pcre::{PatternError, SubstitutionError};
use super::setting::Setting;
use super::{
    Filter, attribute_add, attribute_add_from_ldap, attribute_add_users_groups, attribute_alter,
    attribute_copy, attribute_limit, attribute_map, attribute_value_map, cardinality, cardinality_single,
    hint, scope_attribute, scope_from_attribute,
};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

/// Every filter that a configuration may name: a new filter is a line here.
const FILTERS: &[FilterKind] = &[
    attribute_add::KIND,
    attribute_add_from_ldap::KIND,
    attribute_add_users_groups::KIND,
    attribute_alter::KIND,
    attribute_copy::KIND,
    attribute_limit::KIND,
    attribute_map::KIND,
    attribute_value_map::KIND,
    cardinality::KIND,
    cardinality_single::KIND,
    scope_attribute::KIND,
    scope_from_attribute::KIND,
];

/// One configured filter with its place in the chain.
#[derive(Debug, Clone)]
pub struct FilterConfig {
    priority: i64,
    filter: Arc<dyn Filter>,
}

impl FilterConfig {
    /// The place in the chain; lower runs earlier.
    pub fn priority(&self) -> i64 {
        self.priority
    }

    /// The name of the filter.
    pub fn name(&self) -> &'static str {
        self.filter.name()
    }

    pub(super) fn filter(&self) -> Arc<dyn Filter> {
        Arc::clone(&self.filter)
    }
}

impl<'de> Deserialize<'de> for FilterConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor)
    }
}

/// How a filter is read: its name, its options as they may be spelled, and an empty draft of it.
#[derive(Debug)]
pub(super) struct FilterKind {
    pub(super) name: &'static str,
    /// Spelling and option; SimpleSAMLphp's spellings are further ones of the same option.
    pub(super) options: &'static [(&'static str, &'static str)],
    pub(super) draft: fn() -> Box<dyn Draft>,
}

/// A filter whose options are being read.
pub(super) trait Draft {
    /// Takes one option, by the name that [`FilterKind::options`] gives it; each comes once.
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError>;

    /// The filter, when every option has been read.
    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError>;
}

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
pub(super) enum OptionError {
    #[error("unknown authproc filter \"{name}\": {hint}")]
    UnknownFilter { name: String, hint: String },
    #[error("unknown option \"{option}\": {hint}")]
    UnknownOption { option: String, hint: String },
    #[error("\"{option}\" must be {wanted}, not {found}")]
    WrongType { option: String, wanted: &'static str, found: &'static str },
    #[error("\"{option}\" must be a name, not nothing")]
    Empty { option: String },
    #[error("\"{option}\" is missing: add it, for example `{example}`")]
    Missing { option: &'static str, example: &'static str },
    #[error("\"{option}\" is given twice: keep one")]
    Twice { option: String },
    #[error("\"{option}\" is not supported: {remedy}")]
    NotSupported { option: &'static str, remedy: &'static str },
    #[error("\"{option}\" cannot be \"{value}\": {remedy}")]
    Unusable { option: &'static str, value: String, remedy: &'static str },
    #[error("\"{option}\" has no effect: {remedy}")]
    NoEffect { option: String, remedy: &'static str },
    #[error("the pattern '{pattern}' of \"{option}\" is refused: {cause}")]
    Pattern { option: String, pattern: String, cause: PatternError },
    #[error(transparent)]
    Replacement(SubstitutionError),
}

/// A boolean option.
pub(super) fn flag(option: &str, value: &Setting) -> Result<bool, OptionError> {
    match value {
        Setting::Flag(flag) => Ok(*flag),
        other => Err(wrong_type(option, "true or false", other)),
    }
}

/// A string.
pub(super) fn text(option: &str, value: Setting) -> Result<String, OptionError> {
    match value {
        Setting::Text(text) => Ok(text),
        other => Err(wrong_type(option, "a string", &other)),
    }
}

/// The name of an attribute.
pub(super) fn word(option: &str, value: Setting) -> Result<String, OptionError> {
    let name = text(option, value)?;
    if name.is_empty() { Err(OptionError::Empty { option: option.to_owned() }) } else { Ok(name) }
}

/// The name of an attribute, or a list of names.
pub(super) fn words(option: &str, value: Setting) -> Result<Vec<String>, OptionError> {
    let names = texts(option, value)?;
    let empty = names.iter().any(String::is_empty);
    if empty { Err(OptionError::Empty { option: option.to_owned() }) } else { Ok(names) }
}

/// A string or a list of strings.
pub(super) fn texts(option: &str, value: Setting) -> Result<Vec<String>, OptionError> {
    match value {
        Setting::Text(one) => Ok(vec![one]),
        Setting::List(list) => list
            .into_iter()
            .map(|value| match value {
                Setting::Text(text) => Ok(text),
                other => Err(wrong_type(option, "a list of strings", &other)),
            })
            .collect(),
        other => Err(wrong_type(option, "a string or a list of strings", &other)),
    }
}

/// A table, whose values `read` reads by their keys, in the order of the file; `wanted` describes it.
pub(super) fn table<T, C: FromIterator<(String, T)>>(
    option: &str,
    wanted: &'static str,
    value: Setting,
    read: impl Fn(&str, Setting) -> Result<T, OptionError>,
) -> Result<C, OptionError> {
    let Setting::Table(pairs) = value else { return Err(wrong_type(option, wanted, &value)) };
    let pair = |(key, value): (String, Setting)| read(&key, value).map(|read| (key, read));
    pairs.into_iter().map(pair).collect()
}

/// What must be there.
pub(super) fn required<T>(
    value: Option<T>,
    option: &'static str,
    example: &'static str,
) -> Result<T, OptionError> {
    value.ok_or(OptionError::Missing { option, example })
}

/// The error for SimpleSAMLphp's `%ignoreEntities`.
pub(super) fn ignore_entities() -> OptionError {
    let remedy = "it names identity providers, and here there is one: leave it out";
    OptionError::NotSupported { option: "ignoreEntities", remedy }
}

/// The error for SimpleSAMLphp's options of the connection to a directory.
fn no_connection(option: &str) -> OptionError {
    let remedy = "the directory that the person came from is asked, as its [[directory]] says: leave it out";
    OptionError::NoEffect { option: option.to_owned(), remedy }
}

/// The error for a value of another kind.
pub(super) fn wrong_type(option: &str, wanted: &'static str, found: &Setting) -> OptionError {
    OptionError::WrongType { option: option.to_owned(), wanted, found: found.kind() }
}

/// The error for an option that nothing reads.
pub(super) fn unknown_option(option: &str, known: &[&str]) -> OptionError {
    OptionError::UnknownOption { option: option.to_owned(), hint: hint(option, known) }
}

/// Reads a table. Options that come before `filter` wait until it is known; all others are judged where they stand,
/// so that the reader can name their line.
struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = FilterConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with priority, filter and the filter's options")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilterConfig, A::Error> {
        let mut priority = None;
        let mut reading: Option<Reading> = None;
        let mut waiting = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match (key.as_str(), &mut reading) {
                ("priority", _) => priority = Some(map.next_value_seed(Priority)?),
                ("filter", _) => reading = Some(map.next_value_seed(FilterName)?),
                (_, Some(reading)) => map.next_value_seed(OptionOf { reading, key: &key })?,
                (_, None) => waiting.push((key, map.next_value::<Setting>()?)),
            }
        }
        let Some(mut reading) = reading else {
            let missing = OptionError::Missing { option: "filter", example: "filter = \"AttributeMap\"" };
            return Err(A::Error::custom(missing));
        };
        let kind = reading.kind.name;
        let fault = |error| A::Error::custom(format!("authproc filter {kind}: {error}"));
        for (key, value) in waiting {
            reading.take(&key, value).map_err(fault)?;
        }
        let filter = reading.draft.finish().map_err(fault)?;
        let missing = OptionError::Missing { option: "priority", example: "priority = 50" };
        let priority = priority.ok_or_else(|| fault(missing))?;
        Ok(FilterConfig { priority, filter })
    }
}

/// A filter whose name is known.
struct Reading {
    kind: &'static FilterKind,
    draft: Box<dyn Draft>,
    taken: Vec<&'static str>,
}

impl Reading {
    fn take(&mut self, key: &str, value: Setting) -> Result<(), OptionError> {
        let Some((_, option)) = self.kind.options.iter().find(|(spelling, _)| *spelling == key) else {
            if key == "authsource" || key == "ldap" || key.starts_with("ldap.") {
                return Err(no_connection(key));
            }
            // SimpleSAMLphp's names with a dot in them are tables in TOML where they stand without quotes.
            let inner = format!("{key}.");
            let is_table = self.kind.options.iter().any(|(spelling, _)| spelling.starts_with(&inner));
            if let (true, Setting::Table(pairs)) = (is_table, &value) {
                let mut pairs = pairs.iter();
                return pairs
                    .try_for_each(|(name, value)| self.take(&format!("{inner}{name}"), value.clone()));
            }
            let mut known: Vec<&str> = self.kind.options.iter().map(|(spelling, _)| *spelling).collect();
            known.extend(["priority", "filter"]);
            return Err(unknown_option(key, &known));
        };
        if self.taken.contains(option) {
            return Err(OptionError::Twice { option: (*option).to_owned() });
        }
        self.taken.push(option);
        self.draft.option(option, value)
    }
}

struct Priority;

impl<'de> DeserializeSeed<'de> for Priority {
    type Value = i64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<i64, D::Error> {
        match Setting::deserialize(deserializer)? {
            Setting::Integer(priority) => Ok(priority),
            other => Err(D::Error::custom(wrong_type("priority", "an integer such as 50", &other))),
        }
    }
}

struct FilterName;

impl<'de> DeserializeSeed<'de> for FilterName {
    type Value = Reading;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Reading, D::Error> {
        let value = Setting::deserialize(deserializer)?;
        let Setting::Text(name) = &value else {
            return Err(D::Error::custom(wrong_type("filter", "the name of a filter", &value)));
        };
        // SimpleSAMLphp writes the module in front of the name.
        let bare = ["core:", "ldap:"].iter().find_map(|module| name.strip_prefix(module)).unwrap_or(name);
        let Some(kind) = FILTERS.iter().find(|kind| kind.name == bare) else {
            let known: Vec<&str> = FILTERS.iter().map(|kind| kind.name).collect();
            let unknown = OptionError::UnknownFilter { name: name.clone(), hint: hint(bare, &known) };
            return Err(D::Error::custom(unknown));
        };
        Ok(Reading { kind, draft: (kind.draft)(), taken: Vec::new() })
    }
}

struct OptionOf<'r> {
    reading: &'r mut Reading,
    key: &'r str,
}

impl<'de> DeserializeSeed<'de> for OptionOf<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let value = Setting::deserialize(deserializer)?;
        let kind = self.reading.kind.name;
        self.reading
            .take(self.key, value)
            .map_err(|error| D::Error::custom(format!("authproc filter {kind}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        authproc: Vec<FilterConfig>,
    }

    fn refusal(table: &str) -> (usize, String) {
        let text = format!("[[authproc]]\n{table}");
        let error = toml::from_str::<File>(&text).map(|file| file.authproc).unwrap_err();
        let before = &text[..error.span().unwrap().start];
        (before.matches('\n').count() + 1, error.message().to_owned())
    }

    #[test]
    fn a_table_is_read_in_any_order_and_from_a_value() {
        let text =
            "map = { a = \"b\" }\nfilter = \"core:AttributeMap\"\npriority = -5\n\"%duplicate\" = true";
        let config: FilterConfig = toml::from_str(text).unwrap();
        assert_eq!((config.priority(), config.name()), (-5, "AttributeMap"));
        let value: toml::Table = text.parse().unwrap();
        assert_eq!(FilterConfig::deserialize(value.clone()).unwrap().name(), "AttributeMap");
        assert_eq!(FilterConfig::deserialize(toml::Value::Table(value)).unwrap().priority(), -5);
    }

    #[test]
    fn faults_name_the_filter_the_option_the_nearest_word_and_the_line() {
        let cases = [
            (
                "priority = 1\nfilter = \"AttributeMpa\"",
                3,
                "unknown authproc filter \"AttributeMpa\": did you mean \"AttributeMap\"?",
            ),
            (
                "priority = 1\nfilter = \"PHP\"",
                3,
                "unknown authproc filter \"PHP\": known are: AttributeAdd, AttributeAddFromLDAP, AttributeAddUsersGroups, \
                 AttributeAlter, AttributeCopy, AttributeLimit, AttributeMap, AttributeValueMap, Cardinality, CardinalitySingle, ScopeAttribute, ScopeFromAttribute",
            ),
            (
                "priority = 1\nfilter = \"AttributeMap\"\nduplicat = true",
                4,
                "authproc filter AttributeMap: unknown option \"duplicat\": did you mean \"duplicate\"?",
            ),
            (
                "priority = 1\nfilter = \"AttributeMap\"\nmap = { a = 1 }",
                4,
                "authproc filter AttributeMap: \"a\" must be a string or a list of strings, not an integer",
            ),
            (
                "priority = 1\nfilter = \"AttributeMap\"\nduplicate = true\n\"%duplicate\" = true\nmap = {}",
                5,
                "authproc filter AttributeMap: \"duplicate\" is given twice: keep one",
            ),
            (
                "priority = \"1\"\nfilter = \"AttributeMap\"",
                2,
                "\"priority\" must be an integer such as 50, not a string",
            ),
            (
                "filter = \"AttributeMap\"\nmap = { a = \"b\" }",
                1,
                "authproc filter AttributeMap: \"priority\" is missing: add it, for example `priority = 50`",
            ),
            ("priority = 1", 1, "\"filter\" is missing: add it, for example `filter = \"AttributeMap\"`"),
            (
                "mapp = { a = \"b\" }\npriority = 1\nfilter = \"AttributeMap\"",
                1,
                "authproc filter AttributeMap: unknown option \"mapp\": did you mean \"map\"?",
            ),
        ];
        for (table, line, message) in cases {
            assert_eq!(refusal(table), (line, message.to_owned()), "{table}");
        }
    }
}
