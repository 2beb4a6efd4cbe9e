//! AttributeAlter: changes or removes the values of one attribute that match a pattern.
//!
//! | option | meaning |
//! |---|---|
//! | `subject` | the attribute whose values are looked at |
//! | `pattern` | a PCRE pattern between delimiters, see [`Pattern`] |
//! | `replacement` | what each match becomes; `$1`, `${1}` and `\1` name groups, see [`Substitution`] |
//! | `target` | where the result goes; default: the subject |
//! | `replace` (`%replace`) | `true`: the whole value becomes `replacement`, as it stands, or the matched text without one |
//! | `remove` (`%remove`) | `true`: values that match go, and the attribute with the last of them |
//!
//! Without `replace` and `remove` every match inside a value is replaced. With another target the subject stays; the target
//! then holds the changed values alone (not those that the subject has already), and is left without values if there are
//! none; with `replace` it holds what the last match gave, and is not touched without a match. A person without the subject
//! passes untouched. A binary value matches no pattern. With `mail = ["m@x", "M@x"]`:
//!
//! | options | result |
//! |---|---|
//! | `pattern = "/@x$/"`, `replacement = "@y"` | `mail = ["m@y", "M@y"]` |
//! | `pattern = "/^(.)@/"`, `replacement = "$1-"` | `mail = ["m-x", "M-x"]` |
//! | `pattern = "/^m/"`, `replacement = "z"`, `target = "t"` | `t = ["z@x"]`, mail as it was |
//! | `pattern = "/^z/"`, `replacement = "m"`, `target = "t"` | `t = []`, mail as it was |
//! | `pattern = "/@x/"`, `replace = true` | `mail = ["@x", "@x"]` |
//! | `pattern = "/^M/"`, `replacement = "$0"`, `replace = true` | `mail = ["m@x", "$0"]` |
//! | `pattern = "/^./"`, `replace = true`, `target = "t"` | `t = ["M"]`, mail as it was |
//! | `pattern = "/^m/"`, `remove = true` | `mail = ["M@x"]` |
//! | `pattern = "/@/"`, `remove = true` | nothing |
//!
//! A pattern that makes roles for AWS of the groups in `memberOf`, as in the manual's [`recipes`](crate::manual::recipes):
//!
//! ```toml
//! [[authproc]]
//! priority = 60
//! filter = "AttributeAlter"
//! subject = "memberOf"
//! target = "https://aws.amazon.com/SAML/Attributes/Role"
//! pattern = '/^CN=AWS-([0-9]{12})-([\w.@-]+),.*$/i'
//! replacement = 'arn:aws:iam::$1:role/$2,arn:aws:iam::$1:saml-provider/sekisho'
//! ```
//!
//! A pattern that PCRE would find bad, or that has no translation, is refused when the configuration is read; so is an
//! option that would do nothing. Without the flag `u` a pattern may tear a character apart: a result that is no UTF-8
//! refuses the sign-on.

use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, flag, required, text, word};
use super::setting::Setting;
use super::{Context, Filter, FilterError, Pattern, Substitution, SubstitutionError};
use crate::identity::{Attributes, Value};

pub(super) const KIND: FilterKind = FilterKind {
    name: "AttributeAlter",
    options: &[
        ("subject", "subject"),
        ("pattern", "pattern"),
        ("replacement", "replacement"),
        ("target", "target"),
        ("replace", "replace"),
        ("%replace", "replace"),
        ("remove", "remove"),
        ("%remove", "remove"),
    ],
    draft: || Box::new(AttributeAlterDraft::default()),
};

/// Changes values; see the page of the module.
#[derive(Debug)]
pub struct AttributeAlter {
    subject: String,
    target: String,
    change: Change,
}

/// What becomes of a value that matches.
#[derive(Debug)]
enum Change {
    Parts(Substitution),
    Whole(Pattern, Option<String>),
    Remove(Pattern),
}

impl Filter for AttributeAlter {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, mut attributes: Attributes, _: &Context<'_>) -> Result<Attributes, FilterError> {
        let Some(values) = attributes.values(&self.subject).map(<[Value]>::to_vec) else {
            return Ok(attributes);
        };
        match &self.change {
            Change::Parts(substitution) => {
                let replace = |text: &str| utf8(substitution.replace(text)).map(Some);
                let mut changed = altered(&values, replace)?;
                if self.subject != self.target {
                    changed.retain(|value| !values.contains(value));
                }
                attributes.insert(&self.target, changed);
            }
            Change::Whole(pattern, replacement) => {
                let whole = |text: &str| match (pattern.find(text), replacement) {
                    (None, _) => Ok(None),
                    (Some(_), Some(replacement)) => Ok(Some(replacement.clone())),
                    (Some(found), None) => utf8(found.to_vec()).map(Some),
                };
                if self.subject == self.target {
                    attributes.insert(&self.target, altered(&values, whole)?);
                } else if let Some(last) = last_match(&values, whole)? {
                    attributes.insert(&self.target, vec![last.into()]);
                }
            }
            Change::Remove(pattern) => {
                let matches = |value: &Value| value.as_text().is_some_and(|text| pattern.is_match(text));
                let kept: Vec<Value> = values.into_iter().filter(|value| !matches(value)).collect();
                if kept.is_empty() {
                    attributes.remove(&self.subject);
                } else {
                    attributes.insert(&self.subject, kept);
                }
            }
        }
        Ok(attributes)
    }
}

/// The values, with what `alter` gives in place of those that it answers for.
fn altered(
    values: &[Value],
    alter: impl Fn(&str) -> Result<Option<String>, FilterError>,
) -> Result<Vec<Value>, FilterError> {
    let one = |value: &Value| {
        let new = value.as_text().map_or(Ok(None), &alter)?;
        Ok(new.map_or_else(|| value.clone(), Value::Text))
    };
    values.iter().map(one).collect()
}

fn last_match(
    values: &[Value],
    alter: impl Fn(&str) -> Result<Option<String>, FilterError>,
) -> Result<Option<String>, FilterError> {
    for text in values.iter().rev().filter_map(Value::as_text) {
        if let Some(new) = alter(text)? {
            return Ok(Some(new));
        }
    }
    Ok(None)
}

fn utf8(octets: Vec<u8>) -> Result<String, FilterError> {
    let torn = |_| FilterError::Unevaluable {
        filter: KIND.name,
        cause: "the result is no UTF-8: add the flag u to the pattern".to_owned(),
    };
    String::from_utf8(octets).map_err(torn)
}

#[derive(Default)]
struct AttributeAlterDraft {
    subject: Option<String>,
    target: Option<String>,
    pattern: Option<String>,
    replacement: Option<String>,
    replace: bool,
    remove: bool,
}

impl Draft for AttributeAlterDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        match option {
            "subject" => self.subject = Some(word(option, value)?),
            "target" => self.target = Some(word(option, value)?),
            "pattern" => self.pattern = Some(text(option, value)?),
            "replacement" => self.replacement = Some(text(option, value)?),
            "replace" => self.replace = flag(option, &value)?,
            _ => self.remove = flag(option, &value)?,
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        let no_effect = |option: &str, remedy| OptionError::NoEffect { option: option.to_owned(), remedy };
        let subject = required(self.subject, "subject", "subject = \"mail\"")?;
        let pattern = required(self.pattern, "pattern", "pattern = \"/@example\\\\.jp$/\"")?;
        let target = self.target.unwrap_or_else(|| subject.clone());
        if self.remove {
            if self.replace {
                return Err(no_effect("replace", "it cannot stand beside remove; keep one of the two"));
            }
            if self.replacement.is_some() {
                return Err(no_effect("replacement", "it cannot stand beside remove; keep one of the two"));
            }
            if target != subject {
                return Err(no_effect(
                    "target",
                    "remove takes values from the subject; leave the target out",
                ));
            }
        }
        let refused =
            |cause| OptionError::Pattern { option: "pattern".to_owned(), pattern: pattern.clone(), cause };
        let parsed = || Pattern::parse(&pattern).map_err(refused);
        let change = match (self.replacement, self.replace, self.remove) {
            (_, _, true) => Change::Remove(parsed()?),
            (replacement, true, _) => Change::Whole(parsed()?, replacement),
            (replacement, false, _) => {
                let example = "replacement = \"@example.co.jp\"";
                let replacement = required(replacement, "replacement", example)?;
                let substitution = Substitution::parse(&pattern, &replacement);
                Change::Parts(substitution.map_err(|error| match error {
                    SubstitutionError::Pattern(cause) => refused(cause),
                    group @ SubstitutionError::Group { .. } => OptionError::Replacement(group),
                })?)
            }
        };
        Ok(Arc::new(AttributeAlter { subject, target, change }))
    }
}

#[cfg(test)]
mod tests {
    use crate::authproc::{Chain, Context, FilterConfig, FilterError};
    use crate::identity::{Attributes, Value};

    fn chain(options: &str) -> Result<Chain, toml::de::Error> {
        let table = format!("priority = 50\nfilter = \"AttributeAlter\"\nsubject = \"mail\"\n{options}");
        toml::from_str::<FilterConfig>(&table).map(|config| Chain::build(&[config], &[], &[]).unwrap())
    }

    fn altered(options: &str) -> Attributes {
        let person = [("mail", vec!["m@x", "M@x"])].into_iter().collect();
        chain(options).unwrap().apply(person, &Context::default()).unwrap()
    }

    type Row<'r> = (&'r str, Vec<(&'r str, Vec<&'r str>)>);

    #[test]
    fn the_page_is_true() {
        let mail = || ("mail", vec!["m@x", "M@x"]);
        let cases: Vec<Row<'_>> = vec![
            ("pattern = '/@x$/'\nreplacement = '@y'", vec![("mail", vec!["m@y", "M@y"])]),
            ("pattern = '/^(.)@/'\nreplacement = '$1-'", vec![("mail", vec!["m-x", "M-x"])]),
            ("pattern = '/^m/'\nreplacement = 'z'\ntarget = 't'", vec![mail(), ("t", vec!["z@x"])]),
            ("pattern = '/^z/'\nreplacement = 'm'\ntarget = 't'", vec![mail(), ("t", vec![])]),
            ("pattern = '/^m/'\nreplacement = 'M'\ntarget = 't'", vec![mail(), ("t", vec![])]),
            ("pattern = '/@x/'\n'%replace' = true", vec![("mail", vec!["@x", "@x"])]),
            ("pattern = '/^M/'\nreplacement = '$0'\nreplace = true", vec![("mail", vec!["m@x", "$0"])]),
            ("pattern = '/^./'\nreplace = true\ntarget = 't'", vec![mail(), ("t", vec!["M"])]),
            ("pattern = '/^z/'\nreplace = true\ntarget = 't'", vec![mail()]),
            ("pattern = '/^m/'\nremove = true", vec![("mail", vec!["M@x"])]),
            ("pattern = '/@/'\n'%remove' = true", vec![]),
            ("pattern = '/z/'\nremove = true", vec![mail()]),
        ];
        for (options, expected) in cases {
            assert_eq!(altered(options), expected.into_iter().collect(), "{options}");
        }
    }

    #[test]
    fn a_person_without_the_subject_passes_and_a_binary_value_stays() {
        let chain = chain("pattern = '/^/'\nreplacement = 'x'\ntarget = 't'").unwrap();
        let person: Attributes = [("uid", vec!["u"])].into_iter().collect();
        assert_eq!(chain.apply(person.clone(), &Context::default()).unwrap(), person);
        let mut binary = Attributes::new();
        binary.insert("mail", vec![Value::Binary(vec![0xFF])]);
        let after = chain.apply(binary, &Context::default()).unwrap();
        assert_eq!(after.values("mail"), Some([Value::Binary(vec![0xFF])].as_slice()));
        assert_eq!(after.values("t"), Some([].as_slice()));
    }

    #[test]
    fn a_torn_character_refuses() {
        let chain = chain("pattern = '/^./'\nreplacement = ''").unwrap();
        let person: Attributes = [("mail", vec!["田"])].into_iter().collect();
        let refused = chain.apply(person, &Context::default()).unwrap_err();
        assert!(matches!(refused, FilterError::Unevaluable { filter: "AttributeAlter", .. }), "{refused}");
    }

    #[test]
    fn what_cannot_be_or_does_nothing_is_refused_when_it_is_read() {
        for (options, said) in [
            ("replacement = 'x'", "\"pattern\" is missing"),
            ("pattern = '/a/'", "\"replacement\" is missing"),
            ("pattern = '/a/'\nremove = true\nreplace = true", "\"replace\" has no effect"),
            ("pattern = '/a/'\nremove = true\nreplacement = 'x'", "\"replacement\" has no effect"),
            ("pattern = '/a/'\nremove = true\ntarget = 't'", "\"target\" has no effect"),
            ("pattern = 'a'\nremove = true", "the pattern 'a' of \"pattern\" is refused"),
            ("pattern = '/a*?/'\nreplacement = ''", "cannot be translated"),
            ("pattern = '/a/'\nreplacement = '$1'", "names group 1, and the pattern has 0"),
            ("pattern = '/a/'\nreplacement = 1", "\"replacement\" must be a string, not an integer"),
            ("pattern = '/a/'\nreplacement = ''\ntarget = ''", "\"target\" must be a name"),
        ] {
            let error = chain(options).unwrap_err();
            assert!(error.message().contains(said), "{options}: {}", error.message());
        }
    }
}
