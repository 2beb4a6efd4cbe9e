//! ScopeAttribute: adds `@scope` to the values of an attribute.
//!
//! | option | meaning |
//! |---|---|
//! | `scopeAttribute` | where the scope is: the text after the first `@` of a value, or the value without one |
//! | `sourceAttribute` | the values that get the scope |
//! | `targetAttribute` | where they go; what is there stays, and no value comes twice |
//! | `onlyIfEmpty` | `true`: a target that has values stays as it is; default `false` |
//!
//! Each value goes with each scope. Without source or scope nothing happens; with both the target is there afterwards,
//! with or without values. A binary value has no part in it. More than 10,000 values refuse the sign-on. With
//! `uid = ["u", "v"]` and `mail = ["a@x.jp", "y.jp"]`, `scopeAttribute = "mail"`, `sourceAttribute = "uid"`:
//!
//! | options | result |
//! |---|---|
//! | `targetAttribute = "eppn"` | `eppn = ["u@x.jp", "v@x.jp", "u@y.jp", "v@y.jp"]`, the others as they were |
//! | `targetAttribute = "mail"` | `mail = ["a@x.jp", "y.jp", "u@x.jp", "v@x.jp", "u@y.jp", "v@y.jp"]` |
//! | `targetAttribute = "mail"`, `onlyIfEmpty = true` | as it was |

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, flag, required, word};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::{Attributes, Value};

pub(super) const KIND: FilterKind = FilterKind {
    name: "ScopeAttribute",
    options: &[
        ("scopeAttribute", "scopeAttribute"),
        ("sourceAttribute", "sourceAttribute"),
        ("targetAttribute", "targetAttribute"),
        ("onlyIfEmpty", "onlyIfEmpty"),
    ],
    draft: || Box::new(ScopeAttributeDraft::default()),
};

/// Values that one attribute may get. A target that is its own source doubles with each scope.
const MOST_VALUES: usize = 10_000;

/// Adds scopes; see the page of the module.
#[derive(Debug)]
pub struct ScopeAttribute {
    scope: String,
    source: String,
    target: String,
    only_if_empty: bool,
}

impl Filter for ScopeAttribute {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, mut attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        let (Some(scopes), Some(sources)) = (attributes.values(&self.scope), attributes.values(&self.source))
        else {
            return Ok(attributes);
        };
        let mut held = attributes.values(&self.target).unwrap_or_default().to_vec();
        if !self.only_if_empty || held.is_empty() {
            let own_source = self.source == self.target;
            let mut known: HashSet<Value> = held.iter().cloned().collect();
            let mut scopes_known = HashSet::new();
            for scope in scopes.iter().filter_map(Value::as_text) {
                let scope = scope.split_once('@').map_or(scope, |(_, behind)| behind);
                // A target that is its own source grows from scope to scope, as in PHP's loops.
                if !scopes_known.insert(scope) && !own_source {
                    continue;
                }
                let sources = if own_source { Cow::Owned(held.clone()) } else { Cow::Borrowed(sources) };
                for source in sources.iter().filter_map(Value::as_text) {
                    let new = Value::Text(format!("{source}@{scope}"));
                    if !known.insert(new.clone()) {
                        continue;
                    }
                    if held.len() == MOST_VALUES {
                        let cause = format!("\"{}\" gets more than {MOST_VALUES} values", self.target);
                        return Err(FilterError::Unevaluable { filter: KIND.name, cause });
                    }
                    held.push(new);
                }
            }
        }
        attributes.insert(&self.target, held);
        Ok(attributes)
    }
}

#[derive(Default)]
struct ScopeAttributeDraft {
    scope: Option<String>,
    source: Option<String>,
    target: Option<String>,
    only_if_empty: bool,
}

impl Draft for ScopeAttributeDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        match option {
            "scopeAttribute" => self.scope = Some(word(option, value)?),
            "sourceAttribute" => self.source = Some(word(option, value)?),
            "targetAttribute" => self.target = Some(word(option, value)?),
            _ => self.only_if_empty = flag(option, &value)?,
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        Ok(Arc::new(ScopeAttribute {
            scope: required(self.scope, "scopeAttribute", "scopeAttribute = \"mail\"")?,
            source: required(self.source, "sourceAttribute", "sourceAttribute = \"uid\"")?,
            target: required(self.target, "targetAttribute", "targetAttribute = \"eppn\"")?,
            only_if_empty: self.only_if_empty,
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig};
    use crate::identity::Attributes;

    #[test]
    fn the_page_is_true() {
        let scoped = |options: &str| -> Attributes {
            let head = "priority = 50\nfilter = \"ScopeAttribute\"\nscopeAttribute = 'mail'\nsourceAttribute = 'uid'";
            let config: FilterConfig = toml::from_str(&format!("{head}\n{options}")).unwrap();
            let person = [("uid", vec!["u", "v"]), ("mail", vec!["a@x.jp", "y.jp"])].into_iter().collect();
            Chain::build(&[config], &[], &[]).unwrap().apply(person, &Context::default()).unwrap()
        };
        let (uid, new) = (("uid", vec!["u", "v"]), ["u@x.jp", "v@x.jp", "u@y.jp", "v@y.jp"]);
        let mail = vec!["a@x.jp", "y.jp"];
        let both = mail.iter().copied().chain(new).collect();
        for (options, expected) in [
            ("targetAttribute = 'eppn'", vec![uid.clone(), ("mail", mail.clone()), ("eppn", new.to_vec())]),
            ("targetAttribute = 'mail'", vec![uid.clone(), ("mail", both)]),
            ("targetAttribute = 'mail'\nonlyIfEmpty = true", vec![uid.clone(), ("mail", mail)]),
        ] {
            assert_eq!(scoped(options), expected.into_iter().collect(), "{options}");
        }
    }

    #[test]
    fn an_attribute_that_doubles_with_each_scope_is_refused_in_time() {
        let table = "priority = 1\nfilter = \"ScopeAttribute\"\nscopeAttribute = 'mail'\nsourceAttribute = 'mail'\n\
                     targetAttribute = 'mail'";
        let chain = Chain::build(&[toml::from_str::<FilterConfig>(table).unwrap()], &[], &[]).unwrap();
        let mut person = Attributes::new();
        person.insert("mail", (0..64).map(|n| format!("{n}").into()).collect());
        let refused = chain.apply(person, &Context::default()).unwrap_err();
        let said = "authproc filter ScopeAttribute cannot be evaluated: \"mail\" gets more than 10000 values";
        assert_eq!(refused.to_string(), said);
    }

    #[test]
    fn what_is_missing_is_said() {
        let table =
            "priority = 1\nfilter = \"ScopeAttribute\"\nscopeAttribute = 'mail'\nsourceAttribute = 'uid'";
        let error = toml::from_str::<FilterConfig>(table).unwrap_err();
        assert!(error.message().contains("\"targetAttribute\" is missing"), "{}", error.message());
    }
}
