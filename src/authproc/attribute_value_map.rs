//! AttributeValueMap: gives an attribute fixed values, by the values of another one: what groups mean at an SP.
//!
//! | option | meaning |
//! |---|---|
//! | `sourceattribute` | the attribute whose values decide |
//! | `targetattribute` | the attribute that gets the values |
//! | `values` | table from a value of the target to the value, or the list of values, of the source that gives it |
//! | `replace` (`%replace`) | `true`: what is at the target is overwritten where something matched; default: both stay, each value once |
//! | `keep` (`%keep`) | `true`: the source stays; default: it goes, whether something matched or not |
//!
//! Values are compared exactly; a binary value matches none. The order of the new values is that of the table. A person
//! without the source passes untouched. With `memberOf = ["cn=sales", "cn=it"]` and `role = ["user"]`,
//! `sourceattribute = "memberOf"`, `targetattribute = "role"`:
//!
//! | options | result |
//! |---|---|
//! | `values = { admin = "cn=it", seller = ["cn=sales", "cn=shop"] }` | `role = ["user", "admin", "seller"]` |
//! | the same, `replace = true` | `role = ["admin", "seller"]` |
//! | the same, `keep = true` | `memberOf` as it was, `role = ["user", "admin", "seller"]` |
//! | `values = { user = "cn=it" }` | `role = ["user"]` |
//! | `values = { boss = "cn=board" }`, `replace = true` | `role = ["user"]` |
//!
//! A target that is its own source needs `keep`: SimpleSAMLphp would fill it and take it away.

use std::collections::HashSet;
use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, flag, required, table, texts, word};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::{Attributes, Value};

pub(super) const KIND: FilterKind = FilterKind {
    name: "AttributeValueMap",
    options: &[
        ("sourceattribute", "sourceattribute"),
        ("targetattribute", "targetattribute"),
        ("values", "values"),
        ("replace", "replace"),
        ("%replace", "replace"),
        ("keep", "keep"),
        ("%keep", "keep"),
    ],
    draft: || Box::new(AttributeValueMapDraft::default()),
};

/// Maps values; see the page of the module.
#[derive(Debug)]
pub struct AttributeValueMap {
    source: String,
    target: String,
    /// A value of the target, and the values of the source that give it.
    values: Vec<(String, Vec<String>)>,
    replace: bool,
    keep: bool,
}

impl Filter for AttributeValueMap {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, mut attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        let Some(held) = attributes.values(&self.source) else { return Ok(attributes) };
        let holds = |wanted: &String| held.iter().any(|value| value.as_text() == Some(wanted));
        let given = self.values.iter().filter(|(_, sources)| sources.iter().any(holds));
        let mut given: Vec<Value> = given.map(|(value, _)| value.as_str().into()).collect();
        if !given.is_empty() {
            if let Some(before) = attributes.values(&self.target).filter(|_| !self.replace) {
                given = once_each(before.iter().cloned().chain(given));
            }
            attributes.insert(&self.target, given);
        }
        if !self.keep {
            attributes.remove(&self.source);
        }
        Ok(attributes)
    }
}

fn once_each(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut known = HashSet::new();
    values.filter(|value| known.insert(value.clone())).collect()
}

#[derive(Default)]
struct AttributeValueMapDraft {
    source: Option<String>,
    target: Option<String>,
    values: Option<Vec<(String, Vec<String>)>>,
    replace: bool,
    keep: bool,
}

impl Draft for AttributeValueMapDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        match option {
            "sourceattribute" => self.source = Some(word(option, value)?),
            "targetattribute" => self.target = Some(word(option, value)?),
            "replace" => self.replace = flag(option, &value)?,
            "keep" => self.keep = flag(option, &value)?,
            _ => {
                let wanted = "a table such as { admin = \"CN=IT,DC=example,DC=jp\" }";
                self.values = Some(table(option, wanted, value, texts)?);
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        let source = required(self.source, "sourceattribute", "sourceattribute = \"memberOf\"")?;
        let target = required(self.target, "targetattribute", "targetattribute = \"role\"")?;
        let values = required(self.values, "values", "values = { admin = \"CN=IT,DC=example,DC=jp\" }")?;
        if source == target && !self.keep {
            let remedy = "the source goes when it has been read: add keep = true, or take another target";
            return Err(OptionError::NoEffect { option: "targetattribute".to_owned(), remedy });
        }
        Ok(Arc::new(AttributeValueMap { source, target, values, replace: self.replace, keep: self.keep }))
    }
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig};
    use crate::identity::Attributes;

    const HEAD: &str = "priority = 50\nfilter = \"AttributeValueMap\"\n";

    fn mapped(options: &str) -> Attributes {
        let names = "sourceattribute = 'memberOf'\ntargetattribute = 'role'";
        let config: FilterConfig = toml::from_str(&format!("{HEAD}{names}\n{options}")).unwrap();
        let person = [("memberOf", vec!["cn=sales", "cn=it"]), ("role", vec!["user"])].into_iter().collect();
        Chain::build(&[config], &[], &[]).unwrap().apply(person, &Context::default()).unwrap()
    }

    type Row<'r> = (String, Vec<(&'r str, Vec<&'r str>)>);

    #[test]
    fn the_page_is_true() {
        let values = "values = { admin = 'cn=it', seller = ['cn=sales', 'cn=shop'] }";
        let all = || ("role", vec!["user", "admin", "seller"]);
        let cases: Vec<Row<'_>> = vec![
            (values.to_owned(), vec![all()]),
            (format!("{values}\n'%replace' = true"), vec![("role", vec!["admin", "seller"])]),
            (format!("{values}\n'%keep' = true"), vec![("memberOf", vec!["cn=sales", "cn=it"]), all()]),
            ("values = { user = 'cn=it' }".to_owned(), vec![("role", vec!["user"])]),
            ("values = { boss = 'cn=board' }\nreplace = true".to_owned(), vec![("role", vec!["user"])]),
            ("values = { boss = 'CN=IT' }".to_owned(), vec![("role", vec!["user"])]),
        ];
        for (options, expected) in cases {
            assert_eq!(mapped(&options), expected.into_iter().collect(), "{options}");
        }
    }

    #[test]
    fn a_person_without_the_source_passes() {
        let options = "sourceattribute = 'x'\ntargetattribute = 'y'\nvalues = { a = 'b' }\nreplace = true";
        let config: FilterConfig = toml::from_str(&format!("{HEAD}{options}")).unwrap();
        let person: Attributes = [("y", vec!["1", "1"])].into_iter().collect();
        let chain = Chain::build(&[config], &[], &[]).unwrap();
        assert_eq!(chain.apply(person.clone(), &Context::default()).unwrap(), person);
    }

    #[test]
    fn what_is_missing_or_does_nothing_is_refused_when_it_is_read() {
        for (options, said) in [
            ("targetattribute = 'y'\nvalues = {}", "\"sourceattribute\" is missing"),
            ("sourceattribute = 'x'\nvalues = {}", "\"targetattribute\" is missing"),
            ("sourceattribute = 'x'\ntargetattribute = 'y'", "\"values\" is missing"),
            (
                "sourceattribute = 'x'\ntargetattribute = 'x'\nvalues = { a = 'b' }",
                "\"targetattribute\" has no effect",
            ),
            ("values = ['a']", "\"values\" must be a table"),
        ] {
            let error = toml::from_str::<FilterConfig>(&format!("{HEAD}{options}")).unwrap_err();
            assert!(error.message().contains(said), "{options}: {}", error.message());
        }
    }
}
