//! AttributeMap: renames attributes.
//!
//! | option | meaning |
//! |---|---|
//! | `map` | table from a name to a name, or to a list of names |
//! | `duplicate` (`%duplicate`) | `true` keeps the source too; default `false` |
//!
//! A new set is built in the order of the person's attributes: a mapped value overwrites what is at its target; an
//! attribute that is not mapped is copied if its name is not there yet; values never merge. With `uid = ["u"]` and
//! `mail = ["m@x", "M@x"]`:
//!
//! | map | result |
//! |---|---|
//! | `{ uid = "cn" }` | `cn = ["u"]`, mail as it was |
//! | `{ uid = "mail" }` | `mail = ["u"]` |
//! | `{ uid = "x", mail = "x" }` | `x = ["m@x", "M@x"]`: the later one of the person's attributes |
//! | `{ uid = ["a", "b"] }` | `a = ["u"]`, `b = ["u"]`, mail as it was |
//! | `{ uid = "a" }`, `duplicate = true` | `uid = ["u"]`, `a = ["u"]`, mail as it was |
//! | `{ uid = [] }` | mail alone |
//!
//! SimpleSAMLphp's named map files (`name2oid`) are not read: write the pairs into `map`.

use std::collections::HashMap;
use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, flag, required, table, words};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::Attributes;

pub(super) const KIND: FilterKind = FilterKind {
    name: "AttributeMap",
    options: &[
        ("map", "map"),
        ("duplicate", "duplicate"),
        ("%duplicate", "duplicate"),
        ("map_file", "map_file"),
    ],
    draft: || Box::new(AttributeMapDraft::default()),
};

/// Renames attributes; see the page of the module.
#[derive(Debug)]
pub struct AttributeMap {
    map: HashMap<String, Targets>,
    duplicate: bool,
}

/// Where the values of one attribute go.
#[derive(Debug)]
struct Targets {
    names: Vec<String>,
    /// Whether they were written as a list.
    listed: bool,
}

impl Filter for AttributeMap {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        let mut mapped = Attributes::new();
        for (name, values) in attributes.iter() {
            match self.map.get(name) {
                Some(targets) => {
                    // The place decides what a later filter overwrites: SimpleSAMLphp puts the source
                    // before a single target and after a list.
                    if self.duplicate && !targets.listed {
                        mapped.insert(name, values.to_vec());
                    }
                    for target in &targets.names {
                        mapped.insert(target, values.to_vec());
                    }
                    if self.duplicate {
                        mapped.insert(name, values.to_vec());
                    }
                }
                None if mapped.contains(name) => {}
                None => mapped.insert(name, values.to_vec()),
            }
        }
        Ok(mapped)
    }
}

#[derive(Default)]
struct AttributeMapDraft {
    map: Option<HashMap<String, Targets>>,
    duplicate: bool,
}

impl Draft for AttributeMapDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        match option {
            "map" => {
                let wanted = "a table such as { sAMAccountName = \"uid\" }";
                self.map = Some(table(option, wanted, value, targets)?);
            }
            "duplicate" => self.duplicate = flag(option, &value)?,
            _ => {
                let remedy = "write the pairs of the file into \"map\"";
                return Err(OptionError::NotSupported { option: "map_file", remedy });
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        let map = required(self.map, "map", "map = { sAMAccountName = \"uid\" }")?;
        Ok(Arc::new(AttributeMap { map, duplicate: self.duplicate }))
    }
}

fn targets(from: &str, to: Setting) -> Result<Targets, OptionError> {
    let listed = matches!(to, Setting::List(_));
    Ok(Targets { names: words(from, to)?, listed })
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig};
    use crate::identity::{Attributes, Value};

    fn mapped(options: &str) -> Attributes {
        let table = format!("priority = 50\nfilter = \"AttributeMap\"\n{options}");
        let config: FilterConfig = toml::from_str(&table).unwrap();
        let person = [("uid", vec!["u"]), ("mail", vec!["m@x", "M@x"])].into_iter().collect();
        Chain::build(&[config], &[], &[]).unwrap().apply(person, &Context::default()).unwrap()
    }

    type Row<'r> = (&'r str, Vec<(&'r str, Vec<&'r str>)>);

    #[test]
    fn the_page_is_true() {
        let mail = || vec!["m@x", "M@x"];
        let cases: Vec<Row<'_>> = vec![
            ("map = { uid = 'cn' }", vec![("cn", vec!["u"]), ("mail", mail())]),
            ("map = { uid = 'mail' }", vec![("mail", vec!["u"])]),
            ("map = { uid = 'x', mail = 'x' }", vec![("x", mail())]),
            ("map = { uid = ['a', 'b'] }", vec![("a", vec!["u"]), ("b", vec!["u"]), ("mail", mail())]),
            (
                "map = { uid = 'a' }\nduplicate = true",
                vec![("uid", vec!["u"]), ("a", vec!["u"]), ("mail", mail())],
            ),
            ("map = { uid = [] }", vec![("mail", mail())]),
            ("map = { mail = 'uid' }", vec![("uid", mail())]),
        ];
        for (options, expected) in cases {
            assert_eq!(mapped(options), expected.into_iter().collect(), "{options}");
        }
    }

    #[test]
    fn binary_values_pass_untouched() {
        let config: FilterConfig =
            toml::from_str("priority = 1\nfilter = \"AttributeMap\"\nmap = { objectGUID = 'id' }").unwrap();
        let mut person = Attributes::new();
        person.insert("objectGUID", vec![Value::Binary(vec![0, 159])]);
        let chain = Chain::build(&[config], &[], &[]).unwrap();
        let after = chain.apply(person, &Context::default()).unwrap();
        assert_eq!(after.values("id"), Some([Value::Binary(vec![0, 159])].as_slice()));
    }

    #[test]
    fn an_attribute_without_a_name_is_refused() {
        let table = "priority = 1\nfilter = \"AttributeMap\"\nmap = { mail = '' }";
        let error = toml::from_str::<FilterConfig>(table).unwrap_err();
        assert_eq!(error.message(), "authproc filter AttributeMap: \"mail\" must be a name, not nothing");
    }

    #[test]
    fn a_map_file_is_refused_with_the_remedy() {
        let error = toml::from_str::<FilterConfig>(
            "priority = 1\nfilter = \"AttributeMap\"\nmap_file = \"name2oid\"",
        )
        .unwrap_err();
        let said = "authproc filter AttributeMap: \"map_file\" is not supported: write the pairs of the file into \"map\"";
        assert_eq!(error.message(), said);
    }
}
