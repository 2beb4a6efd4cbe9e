//! Cardinality: refuses a person who has too few or too many values of an attribute.
//!
//! | option | meaning |
//! |---|---|
//! | `cardinality` | table from a name to `[min, max]`, `[min]`, or `{ min = .., max = .. }`; without `max` there is no limit |
//!
//! Where a person has what no rule allows, nothing is issued: the SP gets `Responder`, `RequestDenied`, and the log has the
//! attributes with their counts. With `uid = ["u"]` and `mail = ["m@x", "M@x"]`:
//!
//! | options | result |
//! |---|---|
//! | `cardinality = { uid = [1, 1], mail = { min = 1 } }` | as it was |
//! | `cardinality = { mail = [0, 1] }` | refused: mail has 2 values, 0 to 1 are allowed |
//! | `cardinality = { sn = [1] }` | refused: sn has 0 values, 1 or more are needed |
//! | `cardinality = { sn = { max = 1 } }` | as it was |
//!
//! SimpleSAMLphp's `warn` is not taken: a rule refuses or is not there. Nor is `%ignoreEntities`, which names identity
//! providers: here there is one.

use std::sync::Arc;

use super::config::{
    Draft, FilterKind, OptionError, ignore_entities, required, table, unknown_option, wrong_type,
};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::{Attributes, Value};

pub(super) const KIND: FilterKind = FilterKind {
    name: "Cardinality",
    options: &[
        ("cardinality", "cardinality"),
        ("ignoreEntities", "ignoreEntities"),
        ("%ignoreEntities", "ignoreEntities"),
    ],
    draft: || Box::new(CardinalityDraft::default()),
};

const RULE: &str = "[min, max] or a table { min = 1, max = 1 }, in whole numbers from 0";

/// Counts values; see the page of the module.
#[derive(Debug)]
pub struct Cardinality {
    rules: Vec<(String, Rule)>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Rule {
    min: usize,
    max: Option<usize>,
}

impl Filter for Cardinality {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        let broken = |(name, rule): &(String, Rule)| {
            let count = attributes.values(name).map_or(0, <[Value]>::len);
            rule.broken(count).then(|| format!("{name} has {count} values, {rule}"))
        };
        let broken: Vec<String> = self.rules.iter().filter_map(broken).collect();
        if broken.is_empty() {
            return Ok(attributes);
        }
        Err(FilterError::Refused { filter: KIND.name, cause: broken.join("; ") })
    }
}

impl Rule {
    fn broken(self, count: usize) -> bool {
        count < self.min || self.max.is_some_and(|max| count > max)
    }

    fn parse(name: &str, value: &Setting) -> Result<Self, OptionError> {
        let number = |setting: &Setting| match setting {
            Setting::Integer(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        let wrong = || wrong_type(name, RULE, value);
        let mut rule = Self::default();
        match value {
            Setting::List(list) => {
                let numbers: Option<Vec<usize>> = list.iter().map(number).collect();
                match numbers.ok_or_else(wrong)?.as_slice() {
                    [min] => rule.min = *min,
                    [min, max] => rule = Self { min: *min, max: Some(*max) },
                    _ => return Err(wrong()),
                }
            }
            Setting::Table(table) => {
                for (key, value) in table {
                    let number = number(value).ok_or_else(|| wrong_type(key, "a whole number from 0", value));
                    match key.as_str() {
                        "min" => rule.min = number?,
                        "max" => rule.max = Some(number?),
                        "warn" => {
                            let remedy = "take the rule out, or let it refuse";
                            return Err(OptionError::NotSupported { option: "warn", remedy });
                        }
                        _ => return Err(unknown_option(key, &["min", "max"])),
                    }
                }
            }
            _ => return Err(wrong()),
        }
        let remedy = "nobody can have at least more than at most: write [min, max]";
        let empty = rule.max.is_some_and(|max| rule.min > max);
        if empty { Err(OptionError::NoEffect { option: name.to_owned(), remedy }) } else { Ok(rule) }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.max {
            Some(max) => write!(f, "{} to {max} are allowed", self.min),
            None => write!(f, "{} or more are needed", self.min),
        }
    }
}

#[derive(Default)]
struct CardinalityDraft {
    rules: Option<Vec<(String, Rule)>>,
}

impl Draft for CardinalityDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        if option == "ignoreEntities" {
            return Err(ignore_entities());
        }
        let rule = |name: &str, value| Rule::parse(name, &value);
        self.rules = Some(table(option, "a table such as { mail = [1, 1] }", value, rule)?);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        let rules = required(self.rules, "cardinality", "cardinality = { mail = [1, 1] }")?;
        Ok(Arc::new(Cardinality { rules }))
    }
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig};
    use crate::identity::Attributes;

    fn read(options: &str) -> Result<FilterConfig, toml::de::Error> {
        toml::from_str(&format!("priority = 50\nfilter = \"Cardinality\"\n{options}"))
    }

    #[test]
    fn the_page_is_true() {
        let person =
            || -> Attributes { [("uid", vec!["u"]), ("mail", vec!["m@x", "M@x"])].into_iter().collect() };
        for (options, refused) in [
            ("{ uid = [1, 1], mail = { min = 1 } }", None),
            ("{ mail = [0, 1] }", Some("mail has 2 values, 0 to 1 are allowed")),
            ("{ sn = [1] }", Some("sn has 0 values, 1 or more are needed")),
            ("{ sn = { max = 1 } }", None),
            (
                "{ uid = [2], mail = [3, 4] }",
                Some("uid has 1 values, 2 or more are needed; mail has 2 values, 3 to 4 are allowed"),
            ),
        ] {
            let config = read(&format!("cardinality = {options}")).unwrap();
            let result = Chain::build(&[config], &[], &[]).unwrap().apply(person(), &Context::default());
            match refused {
                None => assert_eq!(result.unwrap(), person(), "{options}"),
                Some(said) => assert_eq!(
                    result.unwrap_err().to_string(),
                    format!("authproc filter Cardinality refuses: {said}")
                ),
            }
        }
    }

    #[test]
    fn rules_that_cannot_be_or_are_not_taken_are_refused_when_they_are_read() {
        for (options, said) in [
            ("", "\"cardinality\" is missing"),
            ("cardinality = [1]", "\"cardinality\" must be a table"),
            ("cardinality = { a = 1 }", "\"a\" must be [min, max]"),
            ("cardinality = { a = [-1] }", "\"a\" must be [min, max]"),
            ("cardinality = { a = [1, 2, 3] }", "\"a\" must be [min, max]"),
            ("cardinality = { a = { max = -1 } }", "\"max\" must be a whole number"),
            ("cardinality = { a = [2, 1] }", "\"a\" has no effect"),
            ("cardinality = { a = { min = 1, warn = true } }", "\"warn\" is not supported"),
            ("cardinality = { a = { mim = 1 } }", "did you mean \"min\"?"),
            ("'%ignoreEntities' = ['x']", "\"ignoreEntities\" is not supported"),
        ] {
            let error = read(options).unwrap_err();
            assert!(error.message().contains(said), "{options}: {}", error.message());
        }
    }
}
