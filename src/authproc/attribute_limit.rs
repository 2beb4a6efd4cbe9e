//! AttributeLimit: lets only listed attributes through, or listed values of them.
//!
//! | option | meaning |
//! |---|---|
//! | `attributes` | list of names, and of tables `{ name = [values] }` or `{ name = { values = [..], .. } }` |
//! | `regex` (in such a table) | `true`: the values are PCRE patterns between delimiters, see [`Pattern`] |
//! | `ignore_case` (`ignoreCase`, there) | `true`: ASCII case aside; beside `regex` it does nothing, as ever: write the flag `i` |
//! | `default` | `true`: a list of the service provider or of the identity provider goes before the own one |
//!
//! Names are exact and case-sensitive; an attribute without values left goes. Which list: with `default = true` the
//! service provider's, else the identity provider's, else the own one; without it the own list if it names anything,
//! else the service provider's, else the identity provider's, else no limit. A binary value matches no text and no
//! pattern. With `uid = ["u"]` and `mail = ["m@x", "M@x"]`:
//!
//! | options | lists | result |
//! |---|---|---|
//! | `attributes = ["uid"]`, `default = true` | SP `[]` | nothing |
//! | `attributes = ["uid"]` | SP `["mail"]` | uid (the release at the end of the chain then wants mail: nothing) |
//! | `attributes = ["uid"]`, `default = true` | SP `["mail"]` | mail |
//! | `default = true` | none | nothing |
//! | none | none | everything |
//! | `attributes = [{ mail = ["m@x"] }]` | none | `mail = ["m@x"]` |
//! | `attributes = [{ mail = { values = ["m@X"], ignore_case = true } }]` | none | `mail = ["m@x", "M@x"]` |
//! | `attributes = [{ mail = { values = ["/^M/"], regex = true } }]` | none | `mail = ["M@x"]` |
//!
//! A pattern that SimpleSAMLphp would find bad when it runs, and log, is refused when the configuration is read.

use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, flag, texts, unknown_option, wrong_type};
use super::setting::Setting;
use super::{Context, Filter, FilterError, Pattern};
use crate::identity::{self, Attributes};

pub(super) const KIND: FilterKind = FilterKind {
    name: "AttributeLimit",
    options: &[("attributes", "attributes"), ("default", "default")],
    draft: || Box::new(AttributeLimit::default()),
};

const WANTED: &str = "a list of names and of tables such as { mail = [\"a@example.jp\"] }";

/// Limits attributes; see the page of the module.
#[derive(Debug, Default)]
pub struct AttributeLimit {
    names: Vec<String>,
    values: Vec<(String, Allowed)>,
    default: bool,
}

/// The values of one attribute that may pass.
#[derive(Debug)]
enum Allowed {
    Exact(Vec<String>),
    IgnoreCase(Vec<String>),
    Matching(Vec<Pattern>),
}

impl Filter for AttributeLimit {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, mut attributes: Attributes, context: &Context<'_>) -> Result<Attributes, FilterError> {
        let others = context.release_list().filter(|_| self.default || !self.has_release_list());
        match others {
            Some(list) => attributes.retain(|name, _| list.iter().any(|listed| listed == name)),
            None if self.default || self.has_release_list() => {
                attributes.retain(|name, values| self.keeps(name, values));
            }
            None => {}
        }
        Ok(attributes)
    }

    fn has_release_list(&self) -> bool {
        !(self.names.is_empty() && self.values.is_empty())
    }
}

impl AttributeLimit {
    fn keeps(&self, name: &str, values: &mut Vec<identity::Value>) -> bool {
        if self.names.iter().any(|listed| listed == name) {
            return true;
        }
        let Some((_, allowed)) = self.values.iter().find(|(listed, _)| listed == name) else {
            return false;
        };
        *values = allowed.filter(std::mem::take(values));
        !values.is_empty()
    }

    fn allow(&mut self, name: String, value: Setting) -> Result<(), OptionError> {
        if self.values.iter().any(|(listed, _)| *listed == name) {
            return Err(OptionError::Twice { option: name });
        }
        let allowed = match value {
            Setting::Table(table) => allowed_by_table(&name, table)?,
            other => Allowed::Exact(texts(&name, other)?),
        };
        self.values.push((name, allowed));
        Ok(())
    }
}

impl Allowed {
    fn filter(&self, mut values: Vec<identity::Value>) -> Vec<identity::Value> {
        let text_passes =
            |value: &identity::Value, passes: &dyn Fn(&str) -> bool| value.as_text().is_some_and(passes);
        match self {
            Self::Exact(listed) => {
                values.retain(|value| text_passes(value, &|text| listed.iter().any(|one| one == text)));
                values
            }
            Self::IgnoreCase(listed) => {
                values.retain(|value| {
                    text_passes(value, &|text| listed.iter().any(|one| one.eq_ignore_ascii_case(text)))
                });
                values
            }
            // As SimpleSAMLphp has it, the order of the patterns is the order of the values.
            Self::Matching(patterns) => {
                let mut matched = Vec::new();
                for pattern in patterns {
                    matched.extend(
                        values.extract_if(.., |value| text_passes(value, &|text| pattern.is_match(text))),
                    );
                }
                matched
            }
        }
    }
}

impl Draft for AttributeLimit {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        if option == "default" {
            self.default = flag(option, &value)?;
            return Ok(());
        }
        let Setting::List(entries) = value else {
            return Err(wrong_type(option, WANTED, &value));
        };
        for entry in entries {
            match entry {
                Setting::Text(name) => self.names.push(name),
                Setting::Table(table) => {
                    for (name, value) in table {
                        self.allow(name, value)?;
                    }
                }
                other => return Err(wrong_type(option, WANTED, &other)),
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        if let Some((name, _)) = self.values.iter().find(|(name, _)| self.names.contains(name)) {
            let remedy = "the attribute is listed without values too; keep one of the two";
            return Err(OptionError::NoEffect { option: name.clone(), remedy });
        }
        Ok(Arc::new(*self))
    }
}

fn allowed_by_table(name: &str, table: Vec<(String, Setting)>) -> Result<Allowed, OptionError> {
    let (mut regex, mut ignore_case, mut values) = (false, None, None);
    for (key, value) in table {
        match key.as_str() {
            "regex" => regex = flag(&key, &value)?,
            "ignore_case" | "ignoreCase" if ignore_case.is_some() => {
                return Err(OptionError::Twice { option: "ignore_case".to_owned() });
            }
            "ignore_case" | "ignoreCase" => ignore_case = Some(flag(&key, &value)?),
            "values" => values = Some(texts(&key, value)?),
            _ => return Err(unknown_option(&key, &["regex", "ignore_case", "ignoreCase", "values"])),
        }
    }
    let values =
        values.ok_or(OptionError::Missing { option: "values", example: "values = [\"a\", \"b\"]" })?;
    if regex {
        let patterns = values.iter().map(|value| pattern(name, value));
        return Ok(Allowed::Matching(patterns.collect::<Result<_, _>>()?));
    }
    Ok(if ignore_case == Some(true) { Allowed::IgnoreCase(values) } else { Allowed::Exact(values) })
}

fn pattern(name: &str, pattern: &str) -> Result<Pattern, OptionError> {
    let refused =
        |cause| OptionError::Pattern { option: name.to_owned(), pattern: pattern.to_owned(), cause };
    Pattern::parse(pattern).map_err(refused)
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig};
    use crate::identity::{Attributes, Value};

    fn config(options: &str) -> Result<FilterConfig, toml::de::Error> {
        toml::from_str(&format!("priority = 50\nfilter = \"AttributeLimit\"\n{options}"))
    }

    fn limited(options: &str, sp: Option<&[&str]>, idp: Option<&[&str]>) -> Attributes {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (sp, idp) = (sp.map(list), idp.map(list));
        let context = Context { sp_attributes: sp.as_deref(), idp_attributes: idp.as_deref(), answers: None };
        let person = [("uid", vec!["u"]), ("mail", vec!["m@x", "M@x"])].into_iter().collect();
        let chain = Chain::build(&[config(options).unwrap()], &[], &[]).unwrap();
        chain.apply(person, &context).unwrap()
    }

    #[test]
    fn the_page_is_true() {
        type Row<'r> = (&'r str, Option<&'r [&'r str]>, Option<&'r [&'r str]>, Vec<(&'r str, Vec<&'r str>)>);
        let (uid, mail) = (|| ("uid", vec!["u"]), || ("mail", vec!["m@x", "M@x"]));
        let cases: Vec<Row<'_>> = vec![
            ("attributes = ['uid']\ndefault = true", Some(&[]), None, vec![]),
            ("attributes = ['uid']", Some(&["mail"]), None, vec![uid()]),
            ("attributes = ['uid']\ndefault = true", Some(&["mail"]), Some(&["uid"]), vec![mail()]),
            ("attributes = ['uid']\ndefault = true", None, Some(&["mail"]), vec![mail()]),
            ("attributes = ['uid']\ndefault = true", None, None, vec![uid()]),
            ("default = true", None, None, vec![]),
            ("", None, None, vec![uid(), mail()]),
            ("", Some(&["mail"]), Some(&["uid"]), vec![mail()]),
            ("", None, Some(&["uid"]), vec![uid()]),
            ("attributes = ['UID']", None, None, vec![]),
            ("attributes = [{ mail = ['m@x'] }]", None, None, vec![("mail", vec!["m@x"])]),
            ("attributes = [{ mail = ['M@X'] }]", None, None, vec![]),
            ("attributes = [{ mail = { ignore_case = true, values = ['m@X'] } }]", None, None, vec![mail()]),
            ("attributes = [{ mail = { ignoreCase = true, values = ['m@X'] } }]", None, None, vec![mail()]),
            (
                "attributes = [{ mail = { regex = true, values = ['/^M/'] } }]",
                None,
                None,
                vec![("mail", vec!["M@x"])],
            ),
            (
                "attributes = ['uid', { mail = { regex = true, values = ['/^M/', '/x$/'] } }]",
                None,
                None,
                vec![uid(), ("mail", vec!["M@x", "m@x"])],
            ),
            (
                "attributes = [{ mail = { regex = true, ignore_case = true, values = ['/^M/'] } }]",
                None,
                None,
                vec![("mail", vec!["M@x"])],
            ),
        ];
        for (options, sp, idp, expected) in cases {
            assert_eq!(limited(options, sp, idp), expected.into_iter().collect(), "{options} {sp:?} {idp:?}");
        }
    }

    #[test]
    fn binary_values_match_names_alone() {
        let mut person = Attributes::new();
        person.insert("objectGUID", vec![Value::Binary(b"text".to_vec())]);
        for (options, passes) in [
            ("attributes = ['objectGUID']", true),
            ("attributes = [{ objectGUID = ['text'] }]", false),
            ("attributes = [{ objectGUID = { regex = true, values = ['/./'] } }]", false),
        ] {
            let chain = Chain::build(&[config(options).unwrap()], &[], &[]).unwrap();
            let after = chain.apply(person.clone(), &Context::default()).unwrap();
            assert_eq!(after.contains("objectGUID"), passes, "{options}");
        }
    }

    #[test]
    fn what_is_bad_is_refused_when_it_is_read() {
        for (options, said) in [
            (
                "attributes = [{ mail = { regex = true, values = ['/(/'] } }]",
                "the pattern '/(/' of \"mail\" is refused",
            ),
            (
                "attributes = [{ mail = { regexp = true, values = ['/a/'] } }]",
                "unknown option \"regexp\": did you mean \"regex\"?",
            ),
            ("attributes = [{ mail = { regex = true } }]", "\"values\" is missing"),
            ("attributes = 'uid'", "\"attributes\" must be a list of names"),
            ("attributes = ['mail', { mail = ['a'] }]", "\"mail\" has no effect"),
            ("attributes = [{ mail = ['a'] }, { mail = ['b'] }]", "\"mail\" is given twice"),
        ] {
            let error = config(options).unwrap_err();
            assert!(
                error.message().starts_with(&format!("authproc filter AttributeLimit: {said}")),
                "{error}"
            );
        }
    }
}
