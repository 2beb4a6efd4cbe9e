//! AttributeAdd: adds attributes with fixed values.
//!
//! | option | meaning |
//! |---|---|
//! | `add` | table from a name to a value or a list of values |
//! | `replace` (`%replace`) | `true` overwrites what is there, for every attribute of the instance; default `false` |
//!
//! Values are appended; duplicates stay. With `uid = ["u"]`:
//!
//! | options | result |
//! |---|---|
//! | `add = { uid = "u" }` | `uid = ["u", "u"]` |
//! | `add = { uid = "v" }`, `replace = true` | `uid = ["v"]` |
//! | `add = { seciossallowedservice = [""] }` | `uid = ["u"]`, `seciossallowedservice = [""]` |

use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, flag, required, table, texts};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::Attributes;

pub(super) const KIND: FilterKind = FilterKind {
    name: "AttributeAdd",
    options: &[("add", "add"), ("replace", "replace"), ("%replace", "replace")],
    draft: || Box::new(AttributeAddDraft::default()),
};

/// Adds attributes; see the page of the module.
#[derive(Debug)]
pub struct AttributeAdd {
    add: Vec<(String, Vec<String>)>,
    replace: bool,
}

impl Filter for AttributeAdd {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, mut attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        for (name, values) in &self.add {
            let values = values.iter().map(|value| value.as_str().into());
            if self.replace {
                attributes.insert(name, values.collect());
            } else {
                attributes.append(name, values);
            }
        }
        Ok(attributes)
    }
}

#[derive(Default)]
struct AttributeAddDraft {
    add: Option<Vec<(String, Vec<String>)>>,
    replace: bool,
}

impl Draft for AttributeAddDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        if option == "replace" {
            self.replace = flag(option, &value)?;
            return Ok(());
        }
        self.add = Some(table(option, "a table such as { o = \"Example\" }", value, texts)?);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        let add = required(self.add, "add", "add = { o = \"Example\" }")?;
        Ok(Arc::new(AttributeAdd { add, replace: self.replace }))
    }
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig};
    use crate::identity::Attributes;

    fn added(options: &str) -> Attributes {
        let table = format!("priority = 50\nfilter = \"AttributeAdd\"\n{options}");
        let config: FilterConfig = toml::from_str(&table).unwrap();
        let person = [("uid", vec!["u"])].into_iter().collect();
        Chain::build(&[config], &[], &[]).unwrap().apply(person, &Context::default()).unwrap()
    }

    type Row<'r> = (&'r str, Vec<(&'r str, Vec<&'r str>)>);

    #[test]
    fn the_page_is_true() {
        let cases: Vec<Row<'_>> = vec![
            ("add = { uid = 'u' }", vec![("uid", vec!["u", "u"])]),
            ("add = { uid = 'v' }\nreplace = true", vec![("uid", vec!["v"])]),
            ("add = { uid = ['v', 'w'] }\n'%replace' = true", vec![("uid", vec!["v", "w"])]),
            (
                "add = { seciossallowedservice = [''] }",
                vec![("uid", vec!["u"]), ("seciossallowedservice", vec![""])],
            ),
            ("add = { z = '1', a = '2' }", vec![("uid", vec!["u"]), ("z", vec!["1"]), ("a", vec!["2"])]),
        ];
        for (options, expected) in cases {
            assert_eq!(added(options), expected.into_iter().collect(), "{options}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_refused() {
        let error =
            toml::from_str::<FilterConfig>("priority = 1\nfilter = \"AttributeAdd\"\nadd = { a = [1] }")
                .unwrap_err();
        assert_eq!(
            error.message(),
            "authproc filter AttributeAdd: \"a\" must be a list of strings, not an integer"
        );
    }
}
