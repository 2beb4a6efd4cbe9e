//! CardinalitySingle: makes attributes single-valued, or refuses a person whose attribute is not.
//!
//! | option | meaning |
//! |---|---|
//! | `singleValued` | names: a second value refuses the person |
//! | `firstValue` | names: the first value stays |
//! | `flatten` | names: the values become one text |
//! | `flattenWith` | what stands between them; default `";"` |
//!
//! An attribute with one value or none is never touched; what stands in several lists obeys the first of them. A refusal is
//! told as by Cardinality. With `uid = ["u"]` and `mail = ["m@x", "M@x"]`:
//!
//! | options | result |
//! |---|---|
//! | `singleValued = ["uid"]` | as it was |
//! | `singleValued = ["mail"]` | refused: mail has 2 values |
//! | `firstValue = ["mail"]` | `mail = ["m@x"]`, uid as it was |
//! | `flatten = ["mail", "uid"]` | `mail = ["m@x;M@x"]`, uid as it was |
//! | `flatten = ["mail"]`, `flattenWith = ", "` | `mail = ["m@x, M@x"]`, uid as it was |
//!
//! Binary values cannot be flattened: they refuse the sign-on. `%ignoreEntities` is not taken, as in Cardinality.

use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, ignore_entities, text, texts};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::{Attributes, Value};

pub(super) const KIND: FilterKind = FilterKind {
    name: "CardinalitySingle",
    options: &[
        ("singleValued", "singleValued"),
        ("firstValue", "firstValue"),
        ("flatten", "flatten"),
        ("flattenWith", "flattenWith"),
        ("ignoreEntities", "ignoreEntities"),
        ("%ignoreEntities", "ignoreEntities"),
    ],
    draft: || Box::new(CardinalitySingle::default()),
};

/// Leaves single values; see the page of the module.
#[derive(Debug, Default)]
pub struct CardinalitySingle {
    single_valued: Vec<String>,
    first_value: Vec<String>,
    flatten: Vec<String>,
    flatten_with: Option<String>,
}

impl Filter for CardinalitySingle {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        let in_list = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        let (mut single, mut broken) = (Attributes::new(), Vec::new());
        for (name, values) in attributes.iter() {
            let values = match values {
                [_, _, ..] if in_list(&self.single_valued, name) => {
                    broken.push(format!("{name} has {} values", values.len()));
                    continue;
                }
                [first, _, ..] if in_list(&self.first_value, name) => vec![first.clone()],
                [_, _, ..] if in_list(&self.flatten, name) => vec![self.flattened(name, values)?],
                _ => values.to_vec(),
            };
            single.insert(name, values);
        }
        if broken.is_empty() {
            return Ok(single);
        }
        Err(FilterError::Refused { filter: KIND.name, cause: broken.join("; ") })
    }
}

impl CardinalitySingle {
    fn flattened(&self, name: &str, values: &[Value]) -> Result<Value, FilterError> {
        let texts: Option<Vec<&str>> = values.iter().map(Value::as_text).collect();
        let cause = || format!("a value of \"{name}\" is binary and cannot be flattened");
        let texts = texts.ok_or_else(|| FilterError::Unevaluable { filter: KIND.name, cause: cause() })?;
        Ok(texts.join(self.flatten_with.as_deref().unwrap_or(";")).into())
    }
}

impl Draft for CardinalitySingle {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        match option {
            "singleValued" => self.single_valued = texts(option, value)?,
            "firstValue" => self.first_value = texts(option, value)?,
            "flatten" => self.flatten = texts(option, value)?,
            "flattenWith" => self.flatten_with = Some(text(option, value)?),
            _ => return Err(ignore_entities()),
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        if self.flatten_with.is_some() && self.flatten.is_empty() {
            let remedy = "nothing is flattened: add flatten, or leave it out";
            return Err(OptionError::NoEffect { option: "flattenWith".to_owned(), remedy });
        }
        if self.single_valued.is_empty() && self.first_value.is_empty() && self.flatten.is_empty() {
            let example = "firstValue = [\"mail\"]";
            return Err(OptionError::Missing { option: "firstValue", example });
        }
        Ok(Arc::new(*self))
    }
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig, FilterError};
    use crate::identity::{Attributes, Value};

    fn read(options: &str) -> Result<Chain, toml::de::Error> {
        let table = format!("priority = 50\nfilter = \"CardinalitySingle\"\n{options}");
        toml::from_str::<FilterConfig>(&table).map(|config| Chain::build(&[config], &[], &[]).unwrap())
    }

    #[test]
    fn the_page_is_true() {
        for (options, mail) in [
            ("singleValued = ['uid']", Some(vec!["m@x", "M@x"])),
            ("singleValued = ['mail']\nfirstValue = ['mail']", None),
            ("firstValue = ['mail']\nflatten = ['mail']", Some(vec!["m@x"])),
            ("flatten = ['mail', 'uid']", Some(vec!["m@x;M@x"])),
            ("flatten = ['mail']\nflattenWith = ', '", Some(vec!["m@x, M@x"])),
        ] {
            let person = [("uid", vec!["u"]), ("mail", vec!["m@x", "M@x"])].into_iter().collect();
            let result = read(options).unwrap().apply(person, &Context::default());
            match mail {
                Some(mail) => {
                    let expected: Attributes = [("uid", vec!["u"]), ("mail", mail)].into_iter().collect();
                    assert_eq!(result.unwrap(), expected, "{options}");
                }
                None => assert_eq!(
                    result.unwrap_err().to_string(),
                    "authproc filter CardinalitySingle refuses: mail has 2 values"
                ),
            }
        }
    }

    #[test]
    fn binary_values_are_not_flattened() {
        let mut person = Attributes::new();
        person.insert("mail", vec![Value::Binary(vec![0xFF]), "a".into()]);
        let refused = read("flatten = ['mail']").unwrap().apply(person, &Context::default()).unwrap_err();
        assert!(matches!(refused, FilterError::Unevaluable { filter: "CardinalitySingle", .. }));
    }

    #[test]
    fn what_does_nothing_is_refused_when_it_is_read() {
        for (options, said) in [
            ("", "\"firstValue\" is missing"),
            ("firstValue = ['a']\nflattenWith = ' '", "\"flattenWith\" has no effect"),
            ("firstValue = ['a']\nignoreEntities = ['x']", "\"ignoreEntities\" is not supported"),
        ] {
            let error = read(options).unwrap_err();
            assert!(error.message().contains(said), "{options}: {}", error.message());
        }
    }
}
