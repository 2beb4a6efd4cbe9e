//! ScopeFromAttribute: takes the scope of an attribute, the text after its last `@`.
//!
//! | option | meaning |
//! |---|---|
//! | `sourceAttribute` | the attribute whose first value has the scope |
//! | `targetAttribute` | where the scope goes; a target that is there is never touched |
//!
//! With `mail = ["a@b@x.jp", "c@y.jp"]` and `uid = ["u"]`:
//!
//! | options | result |
//! |---|---|
//! | `sourceAttribute = "mail"`, `targetAttribute = "scope"` | `scope = ["x.jp"]`, the others as they were |
//! | `sourceAttribute = "uid"`, `targetAttribute = "scope"` | as it was: it has no `@` |
//! | `sourceAttribute = "mail"`, `targetAttribute = "uid"` | as it was |

use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, required, word};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::Attributes;

pub(super) const KIND: FilterKind = FilterKind {
    name: "ScopeFromAttribute",
    options: &[("sourceAttribute", "sourceAttribute"), ("targetAttribute", "targetAttribute")],
    draft: || Box::new(ScopeFromAttributeDraft::default()),
};

/// Takes a scope; see the page of the module.
#[derive(Debug)]
pub struct ScopeFromAttribute {
    source: String,
    target: String,
}

impl Filter for ScopeFromAttribute {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, mut attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        let scope = attributes.first_text(&self.source).and_then(|text| text.rsplit_once('@'));
        if let Some((_, scope)) = scope.filter(|_| !attributes.contains(&self.target)) {
            let scope = vec![scope.into()];
            attributes.insert(&self.target, scope);
        }
        Ok(attributes)
    }
}

#[derive(Default)]
struct ScopeFromAttributeDraft {
    source: Option<String>,
    target: Option<String>,
}

impl Draft for ScopeFromAttributeDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        let name = Some(word(option, value)?);
        if option == "sourceAttribute" {
            self.source = name;
        } else {
            self.target = name;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        Ok(Arc::new(ScopeFromAttribute {
            source: required(self.source, "sourceAttribute", "sourceAttribute = \"mail\"")?,
            target: required(self.target, "targetAttribute", "targetAttribute = \"scope\"")?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig};
    use crate::identity::Attributes;

    #[test]
    fn the_page_is_true() {
        let person = || -> Attributes {
            [("mail", vec!["a@b@x.jp", "c@y.jp"]), ("uid", vec!["u"])].into_iter().collect()
        };
        let mut with_scope = person();
        with_scope.insert("scope", vec!["x.jp".into()]);
        for (source, target, expected) in
            [("mail", "scope", with_scope), ("uid", "scope", person()), ("mail", "uid", person())]
        {
            let table = format!(
                "priority = 1\nfilter = \"ScopeFromAttribute\"\nsourceAttribute = '{source}'\ntargetAttribute = '{target}'"
            );
            let chain = Chain::build(&[toml::from_str::<FilterConfig>(&table).unwrap()], &[], &[]).unwrap();
            assert_eq!(chain.apply(person(), &Context::default()).unwrap(), expected, "{source} {target}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let table = "priority = 1\nfilter = \"ScopeFromAttribute\"\nsourceAttribute = 'mail'";
        let error = toml::from_str::<FilterConfig>(table).unwrap_err();
        assert!(error.message().contains("\"targetAttribute\" is missing"), "{}", error.message());
    }
}
