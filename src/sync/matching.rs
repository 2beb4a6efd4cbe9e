//! What becomes of an object of the source that has no counterpart yet, by what was found at the target: [`decide`].
//!
//! A [`Hit`] says what was found by one key, asked of the target or looked up in [`Listed`], all that it has.

mod conflict;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::ObjectKey;
pub use conflict::{Conflict, Departure, Holder, NAMED};

/// What to do by the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatchRules {
    /// When nothing is found.
    pub none: OnNone,
    /// When one is found that belongs to nobody yet.
    pub one: OnOne,
}

impl Default for MatchRules {
    fn default() -> Self {
        Self { none: OnNone::Create, one: OnOne::Adopt }
    }
}

/// What to do when nothing is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNone {
    /// It is made.
    Create,
    /// It is left alone.
    Skip,
    /// It is named in the report.
    Report,
}

/// What to do when one is found that belongs to nobody yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOne {
    /// It is taken over.
    Adopt,
    /// It is named in the report.
    Report,
}

/// What was found by one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The path that was looked at.
    pub path: String,
    /// The value that was looked for.
    pub value: String,
    /// The target's ids of those that have it.
    pub ids: Vec<String>,
}

/// What becomes of the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is made.
    Create,
    /// This one is taken over.
    Adopt {
        /// The target's id of it.
        target_id: String,
    },
    /// Nothing was found, and it is left alone.
    Skip,
    /// It is left alone and named in the report.
    Report(Report),
    /// It is left alone, for it is not clear which one it is.
    Conflict(Conflict),
}

/// What is named in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// Nothing was found.
    Nothing,
    /// One that belongs to nobody yet.
    Unlinked {
        /// The path that it was found by.
        path: String,
        /// The target's id of it.
        target_id: String,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("the target has none, and none is made (match.none)"),
            Self::Unlinked { path, target_id } => {
                write!(f, "{target_id} at the target has the same {path}, and is not taken over (match.one)")
            }
        }
    }
}

/// Decides by the first key that found anything; keys are in the order of trust.
pub fn decide<'a>(
    key: &ObjectKey,
    hits: &[Hit],
    linked: impl Fn(&str) -> Option<&'a ObjectKey>,
    rules: MatchRules,
) -> Decision {
    let Some((hit, ids)) = hits.iter().map(|hit| (hit, distinct(&hit.ids))).find(|(_, ids)| !ids.is_empty())
    else {
        return match rules.none {
            OnNone::Create => Decision::Create,
            OnNone::Skip => Decision::Skip,
            OnNone::Report => Decision::Report(Report::Nothing),
        };
    };
    let mut free = ids.iter().filter(|id| linked(id).is_none_or(|holder| holder == key));
    match (free.next(), ids.len(), rules.one) {
        (Some(id), 1, OnOne::Adopt) => Decision::Adopt { target_id: (*id).to_owned() },
        (Some(id), 1, OnOne::Report) => {
            Decision::Report(Report::Unlinked { path: hit.path.clone(), target_id: (*id).to_owned() })
        }
        _ => Decision::Conflict(Conflict {
            path: hit.path.clone(),
            value: hit.value.clone(),
            more: ids.len().saturating_sub(NAMED),
            found: ids.into_iter().take(NAMED).map(|id| (id.to_owned(), linked(id).cloned())).collect(),
            holders: Vec::new(),
            wanted: false,
        }),
    }
}

fn distinct(ids: &[String]) -> BTreeSet<&str> {
    ids.iter().map(String::as_str).collect()
}

/// Whether what the target shows at a path is what was looked for. A target may search more loosely than it was asked
/// to: what it shows otherwise is no hit. What it does not show is believed.
pub fn confirms(path: &str, wanted: &str, shown: Option<&Value>) -> bool {
    match shown {
        None | Some(Value::Null) => true,
        Some(Value::Array(values)) => {
            values.iter().filter_map(Value::as_str).any(|text| same(path, text, wanted))
        }
        Some(value) => value.as_str().is_some_and(|text| same(path, text, wanted)),
    }
}

/// Whether case is of no matter at a path: names to sign in by and mail addresses (RFC 7643 section 4.1.1).
pub(super) fn is_caseless(path: &str) -> bool {
    let end = path.find('[').unwrap_or(path.len());
    let start = path.get(..end).and_then(|plain| plain.rfind(':')).map_or(0, |colon| colon + 1);
    let top = path.get(start..).unwrap_or(path).split(['[', '.']).next().unwrap_or(path);
    let names = ["userName", "emails", "mail", "uid", "userPrincipalName", "sAMAccountName"];
    names.iter().any(|name| name.eq_ignore_ascii_case(top))
}

/// Whether two texts at a path mean the same.
pub(super) fn same(path: &str, one: &str, other: &str) -> bool {
    one == other || is_caseless(path) && one.to_lowercase() == other.to_lowercase()
}

/// All that the target has of one type, to be looked up by the paths that objects are matched by.
#[derive(Debug, Default)]
pub struct Listed {
    by_path: HashMap<String, HashMap<String, Vec<String>>>,
}

impl Listed {
    /// To be looked up by these paths.
    pub fn by(paths: impl IntoIterator<Item = String>) -> Self {
        Self { by_path: paths.into_iter().map(|path| (path, HashMap::new())).collect() }
    }

    /// One more object, by its id and what it has at a path.
    pub fn put(&mut self, id: &str, value_at: impl Fn(&str) -> Option<Value>) {
        for (path, ids) in &mut self.by_path {
            let texts = match value_at(path) {
                Some(Value::String(text)) => vec![text],
                Some(Value::Array(values)) => {
                    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                }
                _ => continue,
            };
            for text in texts {
                ids.entry(folded(path, &text)).or_default().push(id.to_owned());
            }
        }
    }

    /// What is found by these keys, in their order.
    pub fn hits(&self, match_by: &[(String, String)]) -> Vec<Hit> {
        let found =
            |path: &String, value: &String| self.by_path.get(path)?.get(&folded(path, value)).cloned();
        let hits = match_by.iter().map(|(path, value)| Hit {
            path: path.clone(),
            value: value.clone(),
            ids: found(path, value).unwrap_or_default(),
        });
        hits.collect()
    }
}

fn folded(path: &str, text: &str) -> String {
    if is_caseless(path) { text.to_lowercase() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sync::object::ObjectType;

    fn key(id: &str) -> ObjectKey {
        ObjectKey::new(ObjectType::User, id)
    }

    fn hit(path: &str, ids: &[&str]) -> Hit {
        Hit { path: path.into(), value: "v".into(), ids: ids.iter().map(|id| (*id).to_owned()).collect() }
    }

    fn conflict(path: &str, found: &[(&str, Option<&str>)]) -> Decision {
        let found = found.iter().map(|(id, holder)| ((*id).to_owned(), holder.map(key))).collect();
        Decision::Conflict(Conflict {
            path: path.into(),
            value: "v".into(),
            found,
            more: 0,
            holders: Vec::new(),
            wanted: false,
        })
    }

    fn adopt(id: &str) -> Decision {
        Decision::Adopt { target_id: id.to_owned() }
    }

    #[test]
    fn what_was_found_decides() {
        let (own, other) = (key("own"), key("other"));
        let linked = |id: &str| match id {
            "taken" => Some(&other),
            "mine" => Some(&own),
            _ => None,
        };
        let cases = [
            (vec![], Decision::Create),
            (vec![hit("externalId", &[]), hit("userName", &[])], Decision::Create),
            (vec![hit("externalId", &["t1"]), hit("userName", &["t2"])], adopt("t1")),
            (vec![hit("externalId", &[]), hit("userName", &["t2"])], adopt("t2")),
            (vec![hit("userName", &["t2", "t2"])], adopt("t2")),
            (vec![hit("userName", &["mine"])], adopt("mine")),
            (vec![hit("userName", &["taken"])], conflict("userName", &[("taken", Some("other"))])),
            (
                vec![hit("externalId", &["taken"]), hit("userName", &["t2"])],
                conflict("externalId", &[("taken", Some("other"))]),
            ),
            (vec![hit("userName", &["t2", "t1"])], conflict("userName", &[("t1", None), ("t2", None)])),
            (
                vec![hit("userName", &["t2", "taken"])],
                conflict("userName", &[("t2", None), ("taken", Some("other"))]),
            ),
        ];
        for (hits, expected) in cases {
            assert_eq!(decide(&own, &hits, linked, MatchRules::default()), expected, "{hits:?}");
        }
    }

    #[test]
    fn rules_say_what_follows() {
        let nobody = |_: &str| None;
        let none = |none| decide(&key("a"), &[], nobody, MatchRules { none, one: OnOne::Adopt });
        assert_eq!(none(OnNone::Create), Decision::Create);
        assert_eq!(none(OnNone::Skip), Decision::Skip);
        assert_eq!(none(OnNone::Report), Decision::Report(Report::Nothing));
        let rules = MatchRules { none: OnNone::Create, one: OnOne::Report };
        let Decision::Report(report) = decide(&key("a"), &[hit("userName", &["t"])], nobody, rules) else {
            panic!("no report");
        };
        assert_eq!(
            report.to_string(),
            "t at the target has the same userName, and is not taken over (match.one)"
        );
        let two = decide(&key("a"), &[hit("userName", &["t", "u"])], nobody, rules);
        assert_eq!(two, conflict("userName", &[("t", None), ("u", None)]));
        let Decision::Conflict(two) = two else { panic!("no conflict") };
        assert_eq!(
            two.to_string(),
            "userName \"v\" at the target is that of t and u; leave userName to only one of them at the target"
        );
    }

    #[test]
    fn case_is_of_no_matter_for_names_and_addresses() {
        for path in [
            "userName",
            "emails[type eq \"work\"].value",
            "emails.value",
            "mail",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
        ] {
            assert!(confirms(path, "Ä@x", Some(&json!("ä@X"))), "{path}");
        }
        for path in ["externalId", "displayName", "urn:x:emails:note", "nickName"] {
            assert!(!confirms(path, "a", Some(&json!("A"))), "{path}");
            assert!(confirms(path, "a", Some(&json!("a"))), "{path}");
        }
        assert!(confirms("userName", "a", None), "what is not shown is believed");
        assert!(!confirms("userName", "a", Some(&json!("ab"))), "a looser search is not");
        assert!(confirms("emails.value", "a", Some(&json!(["b", "A"]))));
    }

    #[test]
    fn a_list_is_looked_up_as_the_target_would_be_asked() {
        let mut listed = Listed::by(["externalId".to_owned(), "userName".to_owned()]);
        for (id, name) in [("t1", "Alice"), ("t2", "bob"), ("t3", "ALICE")] {
            listed.put(id, |path| (path == "userName").then(|| json!(name)));
        }
        let keys = |name: &str| {
            vec![("externalId".to_owned(), "g".to_owned()), ("userName".to_owned(), name.to_owned())]
        };
        let ids: Vec<_> = listed.hits(&keys("alice")).into_iter().map(|hit| hit.ids).collect();
        assert_eq!(ids, [vec![], vec!["t1".to_owned(), "t3".to_owned()]]);
        assert_eq!(listed.hits(&keys("BOB"))[1].ids, ["t2"]);
        assert_eq!(listed.hits(&[("nickName".to_owned(), "x".to_owned())])[0].ids, [""; 0]);
    }
}
