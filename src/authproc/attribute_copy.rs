//! AttributeCopy: copies attributes to further names.
//!
//! | option | meaning |
//! |---|---|
//! | `map` | table from a name to a name, or to a list of names |
//!
//! What is at the target is overwritten; the source stays. Every copy is made of what the person had before the filter,
//! in the order of the person's attributes, so that a later one overwrites an earlier one at the same target. With
//! `uid = ["u"]` and `mail = ["m@x", "M@x"]`:
//!
//! | map | result |
//! |---|---|
//! | `{ uid = "cn" }` | `cn = ["u"]`, the others as they were |
//! | `{ uid = "mail" }` | `mail = ["u"]`, uid as it was |
//! | `{ uid = ["a", "b"] }` | `a = ["u"]`, `b = ["u"]`, the others as they were |
//! | `{ uid = "mail", mail = "uid" }` | `uid = ["m@x", "M@x"]`, `mail = ["u"]` |
//! | `{ mail = "x", uid = "x" }` | `x = ["m@x", "M@x"]`, the others as they were |
//! | `{ sn = "cn" }` | as it was |

use std::collections::HashMap;
use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, required, table, words};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::Attributes;

pub(super) const KIND: FilterKind = FilterKind {
    name: "AttributeCopy",
    options: &[("map", "map")],
    draft: || Box::new(AttributeCopyDraft::default()),
};

/// Copies attributes; see the page of the module.
#[derive(Debug)]
pub struct AttributeCopy {
    map: HashMap<String, Vec<String>>,
}

impl Filter for AttributeCopy {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        let mut copied = attributes.clone();
        for (name, values) in attributes.iter() {
            for target in self.map.get(name).into_iter().flatten() {
                copied.insert(target, values.to_vec());
            }
        }
        Ok(copied)
    }
}

#[derive(Default)]
struct AttributeCopyDraft {
    map: Option<HashMap<String, Vec<String>>>,
}

impl Draft for AttributeCopyDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        self.map = Some(table(option, "a table such as { mail = \"email\" }", value, words)?);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        let map = required(self.map, "map", "map = { mail = \"email\" }")?;
        Ok(Arc::new(AttributeCopy { map }))
    }
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig};
    use crate::identity::Attributes;

    fn copied(map: &str) -> Attributes {
        let table = format!("priority = 50\nfilter = \"AttributeCopy\"\nmap = {map}");
        let config: FilterConfig = toml::from_str(&table).unwrap();
        let person = [("uid", vec!["u"]), ("mail", vec!["m@x", "M@x"])].into_iter().collect();
        Chain::build(&[config], &[], &[]).unwrap().apply(person, &Context::default()).unwrap()
    }

    type Row<'r> = (&'r str, Vec<(&'r str, Vec<&'r str>)>);

    #[test]
    fn the_page_is_true() {
        let (uid, mail) = (|| ("uid", vec!["u"]), || ("mail", vec!["m@x", "M@x"]));
        let cases: Vec<Row<'_>> = vec![
            ("{ uid = 'cn' }", vec![uid(), mail(), ("cn", vec!["u"])]),
            ("{ uid = 'mail' }", vec![uid(), ("mail", vec!["u"])]),
            ("{ uid = ['a', 'b'] }", vec![uid(), mail(), ("a", vec!["u"]), ("b", vec!["u"])]),
            ("{ uid = 'mail', mail = 'uid' }", vec![("uid", vec!["m@x", "M@x"]), ("mail", vec!["u"])]),
            ("{ mail = 'x', uid = 'x' }", vec![uid(), mail(), ("x", vec!["m@x", "M@x"])]),
            ("{ sn = 'cn' }", vec![uid(), mail()]),
        ];
        for (map, expected) in cases {
            assert_eq!(copied(map), expected.into_iter().collect(), "{map}");
        }
    }

    #[test]
    fn a_map_is_needed() {
        for (options, said) in [
            ("", "\"map\" is missing: add it, for example `map = { mail = \"email\" }`"),
            ("map = { mail = '' }", "\"mail\" must be a name, not nothing"),
            ("map = { mail = ['a', ''] }", "\"mail\" must be a name, not nothing"),
            ("map = 'mail'", "\"map\" must be a table such as { mail = \"email\" }, not a string"),
        ] {
            let table = format!("priority = 1\nfilter = \"AttributeCopy\"\n{options}");
            let error = toml::from_str::<FilterConfig>(&table).unwrap_err();
            assert_eq!(error.message(), format!("authproc filter AttributeCopy: {said}"));
        }
    }
}
