//! AttributeAddFromLDAP: adds attributes of the entries that a search in the person's directory finds.
//!
//! | option | meaning |
//! |---|---|
//! | `search_filter` (`search.filter`) | an LDAP filter (RFC 4515); `%name%` stands for the person's first value of that attribute, which is escaped |
//! | `attributes` | what is read: a name, a list of names and of tables `{ new = "name" }`, or such a table |
//! | `policy` (`attribute.policy`) | beside values that are there: `merge` adds new ones, `add` adds all, `replace` takes those of the last entry alone; `merge` if it is not given |
//! | `binary` (`attributes.binary`) | the names whose values become base64 |
//!
//! One attribute may also be given as `attribute.new` and `search.attribute`. It is searched below the `search_base` of
//! the directory that the person came from, by its `bind_dn`; `authsource` and `ldap.*` are refused. Passwords and keys
//! are never read. Where the person lacks an attribute of the filter, or its first value is empty, nothing is asked and nothing added; of a person of
//! a file directory nothing is found. Answers are kept for five
//! minutes, and for an hour where the directory cannot be asked. A directory that cannot be asked longer ends the
//! sign-on, where SimpleSAMLphp would go on without the attributes: an SP may take away what it is not told. With
//! `uid = ["tanaka"]`, `mail = ["m@x"]` and one entry that is found, with `mail: m@x`, `mail: n@x` and `cn: sales`:
//!
//! | options | result |
//! |---|---|
//! | `search_filter = "(memberUid=%uid%)"`, `attributes = { groups = "cn" }` | `groups = ["sales"]`, the others as they were |
//! | `search_filter = "(uid=%uid%)"`, `attributes = ["mail"]` | `mail = ["m@x", "n@x"]` |
//! | the same, `policy = "add"` | `mail = ["m@x", "m@x", "n@x"]` |
//! | the same, `policy = "replace"`, `attributes = [{ mail = "cn" }]` | `mail = ["sales"]` |
//! | `search_filter = "(x=%sn%)"`, `attributes = ["mail"]` | as it was |

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::config::{Draft, FilterKind, OptionError, required, text, word, words, wrong_type};
use super::search_filter::SearchFilter;
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::{Attributes, Found, Question, Value, is_secret};

pub(super) const KIND: FilterKind = FilterKind {
    name: "AttributeAddFromLDAP",
    options: &[
        ("search_filter", "search_filter"),
        ("search.filter", "search_filter"),
        ("ldap_search_filter", "search_filter"),
        ("attributes", "attributes"),
        ("policy", "policy"),
        ("attribute.policy", "policy"),
        ("binary", "binary"),
        ("attributes.binary", "binary"),
        ("attribute.new", "attribute.new"),
        ("new_attribute_name", "attribute.new"),
        ("search.attribute", "search.attribute"),
        ("ldap_search_attribute", "search.attribute"),
    ],
    draft: || Box::new(AttributeAddFromLdapDraft::default()),
};

const WANTED: &str = "a list of names and of tables such as { groups = \"cn\" }";

/// Adds attributes of other entries; see the page of the module.
#[derive(Debug)]
pub struct AttributeAddFromLdap {
    filter: SearchFilter,
    /// The attribute of the person, and that of the entry.
    attributes: Vec<(String, String)>,
    policy: Policy,
    binary: Vec<String>,
}

/// What becomes of values that are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Policy {
    #[default]
    Merge,
    Add,
    Replace,
}

impl Filter for AttributeAddFromLdap {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, mut attributes: Attributes, context: &Context<'_>) -> Result<Attributes, FilterError> {
        let Some(filter) = self.filter.about(&attributes) else { return Ok(attributes) };
        let asked = self.attributes.iter().map(|(_, name)| name.clone()).collect();
        for entry in context.answer(Question::Search { filter, attributes: asked })? {
            for (target, name) in &self.attributes {
                self.take(entry, name, target, &mut attributes);
            }
        }
        Ok(attributes)
    }
}

impl AttributeAddFromLdap {
    fn take(&self, entry: &Found, name: &str, target: &str, attributes: &mut Attributes) {
        if self.policy == Policy::Replace {
            attributes.remove(target);
        }
        let Some(values) = entry.values(name) else { return };
        let is_binary = self.binary.iter().any(|binary| binary.eq_ignore_ascii_case(name));
        let read = |value: &Value| {
            if is_binary { Value::Text(STANDARD.encode(value.as_bytes())) } else { value.clone() }
        };
        for value in values.iter().map(read) {
            let held = attributes.values(target).unwrap_or_default();
            if self.policy != Policy::Merge || !held.contains(&value) {
                attributes.append(target, [value]);
            }
        }
    }
}

#[derive(Default)]
struct AttributeAddFromLdapDraft {
    filter: Option<SearchFilter>,
    attributes: Option<Vec<(String, String)>>,
    new: Option<String>,
    searched: Option<String>,
    policy: Policy,
    binary: Vec<String>,
}

impl Draft for AttributeAddFromLdapDraft {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        match option {
            "search_filter" => self.filter = Some(SearchFilter::parse(&word(option, value)?)?),
            "attributes" => self.attributes = Some(pairs(option, value)?),
            "policy" => {
                let value = text(option, value)?;
                self.policy = match value.as_str() {
                    "merge" => Policy::Merge,
                    "add" => Policy::Add,
                    "replace" => Policy::Replace,
                    _ => {
                        let remedy = "write \"merge\", \"add\" or \"replace\"";
                        return Err(OptionError::Unusable { option: "policy", value, remedy });
                    }
                };
            }
            "binary" => self.binary = words(option, value)?,
            "attribute.new" => self.new = Some(word(option, value)?),
            _ => self.searched = Some(word(option, value)?),
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        let Self { filter, attributes, new, searched, policy, binary } = *self;
        let filter = required(filter, "search_filter", "search_filter = \"(uid=%uid%)\"")?;
        let single = searched.map(|name| vec![(new.unwrap_or_else(|| name.clone()), name)]);
        let attributes = attributes.filter(|pairs| !pairs.is_empty()).or(single);
        let attributes = required(attributes, "attributes", "attributes = [\"mail\"]")?;
        if attributes.iter().any(|(_, name)| is_secret(name)) {
            let remedy = "passwords and keys are never read: name other attributes";
            return Err(OptionError::NotSupported { option: "attributes", remedy });
        }
        Ok(Arc::new(AttributeAddFromLdap { filter, attributes, policy, binary }))
    }
}

/// The names of the person's attributes and of the entry's.
fn pairs(option: &str, value: Setting) -> Result<Vec<(String, String)>, OptionError> {
    let same = |name: String| (name.clone(), name);
    Ok(match value {
        Setting::Text(_) => vec![same(word(option, value)?)],
        Setting::Table(table) => {
            if table.iter().any(|(new, _)| new == "binary") {
                let remedy = "in TOML it stands in quotes or is called binary: `binary = [\"jpegPhoto\"]`";
                return Err(OptionError::NotSupported { option: "attributes.binary", remedy });
            }
            let pair = |(new, name): (String, Setting)| word(&new, name).map(|name| (new, name));
            table.into_iter().map(pair).collect::<Result<_, _>>()?
        }
        Setting::List(list) => {
            let mut all = Vec::new();
            for entry in list {
                match entry {
                    Setting::Text(_) | Setting::Table(_) => all.extend(pairs(option, entry)?),
                    other => return Err(wrong_type(option, WANTED, &other)),
                }
            }
            all
        }
        other => return Err(wrong_type(option, WANTED, &other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authproc::{Answers, Chain, FilterConfig};
    use crate::identity::Piece;

    fn person() -> Attributes {
        [("uid", vec!["tanaka"]), ("mail", vec!["m@x"])].into_iter().collect()
    }

    /// The question, where there is one, and what comes of the answer.
    fn added(options: &str, found: Vec<Attributes>) -> (Option<Question>, Attributes) {
        let table = format!("priority = 50\nfilter = \"AttributeAddFromLDAP\"\n{options}");
        let config: FilterConfig = toml::from_str(&table).unwrap();
        let chain = Chain::build(&[config], &[], &[]).unwrap();
        let question = match chain.apply(person(), &Context::default()) {
            Ok(attributes) => return (None, attributes),
            Err(FilterError::Unanswered(question)) => *question,
            Err(other) => panic!("{other}"),
        };
        let entry = |attributes| Found { dn: "cn=sales,dc=x".to_owned(), attributes };
        let answers = Answers::from([(question.clone(), found.into_iter().map(entry).collect())]);
        let context = Context { answers: Some(&answers), ..Context::default() };
        (Some(question), chain.apply(person(), &context).unwrap())
    }

    fn entry() -> Attributes {
        [("mail", vec!["m@x", "n@x"]), ("CN", vec!["sales"])].into_iter().collect()
    }

    #[test]
    fn the_page_is_true() {
        let uid = || ("uid", vec!["tanaka"]);
        let by_uid = "search_filter = '(uid=%uid%)'\n";
        for (options, expected) in [
            (
                "search_filter = '(memberUid=%uid%)'\nattributes = { groups = 'cn' }".to_owned(),
                vec![uid(), ("mail", vec!["m@x"]), ("groups", vec!["sales"])],
            ),
            (
                "search.filter = '(memberUid=%uid%)'\nattribute.new = 'groups'\nsearch.attribute = 'cn'"
                    .to_owned(),
                vec![uid(), ("mail", vec!["m@x"]), ("groups", vec!["sales"])],
            ),
            (format!("{by_uid}attributes = ['mail']"), vec![uid(), ("mail", vec!["m@x", "n@x"])]),
            (format!("{by_uid}attributes = 'mail'"), vec![uid(), ("mail", vec!["m@x", "n@x"])]),
            (
                format!("{by_uid}attributes = ['mail']\npolicy = 'add'"),
                vec![uid(), ("mail", vec!["m@x", "m@x", "n@x"])],
            ),
            (
                format!("{by_uid}attributes = [{{ mail = 'cn' }}]\n'attribute.policy' = 'replace'"),
                vec![uid(), ("mail", vec!["sales"])],
            ),
            (
                format!("{by_uid}attributes = [{{ x = 'cn' }}, 'none']\nbinary = ['cn']"),
                vec![uid(), ("mail", vec!["m@x"]), ("x", vec!["c2FsZXM="])],
            ),
        ] {
            assert_eq!(added(&options, vec![entry()]).1, expected.into_iter().collect(), "{options}");
        }
        let (question, after) = added("search_filter = '(x=%sn%)'\nattributes = ['mail']", vec![entry()]);
        assert_eq!((question, after), (None, person()), "nothing is asked");
    }

    #[test]
    fn of_several_entries_all_are_merged_and_the_last_replaces() {
        let other: Attributes = [("mail", vec!["n@x", "o@x"])].into_iter().collect();
        let both = || vec![entry(), other.clone()];
        let options = |policy: &str| {
            format!("search_filter = '(uid=%uid%)'\nattributes = ['mail']\npolicy = '{policy}'")
        };
        for (policy, mail) in [
            ("merge", vec!["m@x", "n@x", "o@x"]),
            ("add", vec!["m@x", "m@x", "n@x", "n@x", "o@x"]),
            ("replace", vec!["n@x", "o@x"]),
        ] {
            let expected = [("uid", vec!["tanaka"]), ("mail", mail)].into_iter().collect();
            assert_eq!(added(&options(policy), both()).1, expected, "{policy}");
            assert_eq!(added(&options(policy), Vec::new()).1, person(), "{policy}, nothing found");
        }
    }

    #[test]
    fn what_is_asked_names_the_attributes_of_the_entry_and_the_values_of_the_person() {
        let options = "search_filter = '(memberUid=%uid%)'\nattributes = { groups = 'cn' }";
        let question = added(options, Vec::new()).0;
        let filter = vec![
            Piece::Written("(memberUid=".to_owned()),
            Piece::Value(b"tanaka".to_vec()),
            Piece::Written(")".to_owned()),
        ];
        assert_eq!(question, Some(Question::Search { filter, attributes: vec!["cn".to_owned()] }));
    }

    #[test]
    fn faults_are_told_when_the_configuration_is_read() {
        let filter = "search_filter = '(uid=%uid%)'\n";
        for (options, said) in [
            (
                "attributes = ['mail']".to_owned(),
                "\"search_filter\" is missing: add it, for example `search_filter = \"(uid=%uid%)\"`",
            ),
            (filter.to_owned(), "\"attributes\" is missing: add it, for example `attributes = [\"mail\"]`"),
            (
                format!("{filter}attributes = ['userPassword']"),
                "\"attributes\" is not supported: passwords and keys are never read: name other attributes",
            ),
            (
                format!("{filter}attributes = ['mail']\npolicy = 'mrege'"),
                "\"policy\" cannot be \"mrege\": write \"merge\", \"add\" or \"replace\"",
            ),
            (
                format!("{filter}attributes.binary = 'jpegPhoto'"),
                "\"attributes.binary\" is not supported: in TOML it stands in quotes or is called binary: `binary = [\"jpegPhoto\"]`",
            ),
            (
                format!("{filter}attributes = [1]"),
                "\"attributes\" must be a list of names and of tables such as { groups = \"cn\" }, not an integer",
            ),
            (
                "search_filter = '(uid=%uid%'\nattributes = 'mail'".to_owned(),
                "\"search_filter\" cannot be \"(uid=%uid%\": write an LDAP filter, as in \"(uid=%uid%)\", with \\25 for a percent sign of its own",
            ),
        ] {
            let table = format!("priority = 1\nfilter = \"ldap:AttributeAddFromLDAP\"\n{options}");
            let error = toml::from_str::<FilterConfig>(&table).unwrap_err();
            assert_eq!(error.message(), format!("authproc filter AttributeAddFromLDAP: {said}"));
        }
    }
}
