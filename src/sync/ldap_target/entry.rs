//! An entry as a [`TargetObject`]: a JSON object of its attributes, a text for one value and a sorted list for more, with
//! `@rdn`, `@parent`, `@active`, `@groupType` and those of terminal services as the paths of the target have them, and
//! members by their ids.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::active_directory::{USER_PARAMETERS, group_type_word, is_usable};
use super::options::{Disabling, Shape};
use super::user_parameters::{Setting, UserParameters};
use crate::directory::dn::Dn;
use crate::directory::write::{DirectoryEntry, Rdn, parent_of};
use crate::identity::Value;
use crate::sync::target::TargetObject;

/// The ids of other entries, by their DNs.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<Dn, Option<String>>);

impl Known {
    /// Whether nobody has looked for it yet.
    pub(super) fn is_new(&self, dn: &str) -> bool {
        Dn::parse(dn).is_some_and(|dn| !self.0.contains_key(&dn))
    }

    /// Notes an id, or that there is none unless one is known.
    pub(super) fn learn(&mut self, dn: &str, id: Option<String>) {
        let Some(dn) = Dn::parse(dn) else { return };
        let held = self.0.entry(dn).or_default();
        *held = id.or_else(|| held.take());
    }

    fn id(&self, dn: &str) -> Option<&str> {
        self.0.get(&Dn::parse(dn)?)?.as_deref()
    }
}

/// The entry. Members are told by their ids, as a list always; those that are not below a base of the target are not.
pub(super) fn object(entry: &DirectoryEntry, shape: &Shape, known: &Known) -> TargetObject {
    let mut body = Map::new();
    for (name, values) in entry.attributes.iter() {
        let value = if name.eq_ignore_ascii_case(&shape.member) {
            let dns = values.iter().filter(|value| !is_placeholder(value, shape)).filter_map(Value::as_text);
            let mut ids: Vec<&str> = dns.filter_map(|dn| known.id(dn)).collect();
            ids.sort_unstable();
            (!ids.is_empty()).then(|| ids.into())
        } else {
            json(values)
        };
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
    let parent = Some(parent_of(&entry.dn)).and_then(|above| known.id(above));
    let mut own = |path: &str, value: Option<Json>| {
        if let Some(value) = value {
            body.insert(path.to_owned(), value);
        }
    };
    own("@rdn", Rdn::of(&entry.dn).map(|rdn| rdn.value.into()));
    own("@parent", parent.map(Json::from));
    own("@active", active(entry, shape).map(Json::from));
    own("@groupType", entry.text("groupType").and_then(group_type_word).map(Json::from));
    for (path, setting) in Setting::all() {
        own(path, terminal(entry, shape, setting).map(Json::from));
    }
    TargetObject { id: entry.id.clone(), body: Json::Object(body) }
}

/// What an object has at a path.
pub(super) fn value(object: &TargetObject, path: &str) -> Option<Json> {
    let body = object.body.as_object()?;
    body.iter().find(|(name, _)| name.eq_ignore_ascii_case(path)).map(|(_, value)| value.clone())
}

/// Whether the account is usable; `None` where that is not told.
fn active(entry: &DirectoryEntry, shape: &Shape) -> Option<bool> {
    match &shape.disabling {
        Disabling::AccountControl => {
            Some(is_usable(entry.text("userAccountControl").and_then(|flags| flags.parse().ok())?))
        }
        Disabling::Attribute { name, disabled, .. } => {
            Some(!entry.text(name).is_some_and(|held| held.eq_ignore_ascii_case(disabled)))
        }
        Disabling::Nothing => None,
    }
}

/// What terminal services are told; nothing where that cannot be understood.
fn terminal(entry: &DirectoryEntry, shape: &Shape, setting: Setting) -> Option<String> {
    let held = entry.values(USER_PARAMETERS).first().map_or(&[][..], Value::as_bytes);
    UserParameters::parse(held).ok().filter(|_| shape.terminal)?.get(setting)
}

/// Whether a member only stands there because there must be one.
pub(super) fn is_placeholder(value: &Value, shape: &Shape) -> bool {
    let parsed = |dn: &str| Dn::parse(dn);
    match (value.as_text(), shape.placeholder.as_deref()) {
        (Some(held), Some(placeholder)) => held == placeholder || parsed(held) == parsed(placeholder),
        _ => false,
    }
}

fn json(values: &[Value]) -> Option<Json> {
    let mut texts: Vec<String> = values
        .iter()
        .map(|value| match value {
            Value::Text(text) => text.clone(),
            Value::Binary(octets) => data_encoding::BASE64.encode(octets),
        })
        .collect();
    texts.sort_unstable();
    match texts.len() {
        0 => None,
        1 => texts.pop().map(Json::String),
        _ => Some(texts.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::directory::source::Flavour;
    use crate::sync::ObjectType;
    use crate::sync::ldap_target::options::{LdapTargetOptions, TypeOptions};

    #[test]
    fn an_entry_is_told_by_its_paths() {
        let kinds = [ObjectType::User, ObjectType::Group];
        let of = |kind| (kind, TypeOptions { base: "dc=x".into(), ..TypeOptions::default() });
        let options = LdapTargetOptions {
            types: BTreeMap::from(kinds.map(of)),
            placeholder: Some("CN=nobody,dc=x".into()),
            ..LdapTargetOptions::default()
        };
        let entry = |attributes: Vec<(&str, Vec<&str>)>| DirectoryEntry {
            id: "1".into(),
            dn: "uid=a\\2cb,ou=y,dc=x".into(),
            attributes: attributes.into_iter().collect(),
        };
        let mut known = Known::default();
        known.learn("OU=Y, dc=x", Some("2".into()));
        known.learn("ou=y,dc=x", None);
        let user = options.shape(ObjectType::User, Flavour::Other).unwrap();
        let locked = [("pwdAccountLockedTime", vec!["000001010000Z"]), ("mail", vec!["b@x", "a@x"])];
        let told = object(&entry(locked.into()), &user, &known);
        assert_eq!(value(&told, "MAIL"), Some(json!(["a@x", "b@x"])));
        assert_eq!((value(&told, "@active"), value(&told, "@rdn")), (Some(json!(false)), Some(json!("a,b"))));
        assert_eq!((value(&told, "@parent"), value(&told, "title")), (Some(json!("2")), None));
        let guessed = entry(vec![("pwdAccountLockedTime", vec!["20240501115900Z"])]);
        assert_eq!(value(&object(&guessed, &user, &known), "@active"), Some(json!(true)));
        let group = options.shape(ObjectType::Group, Flavour::Other).unwrap();
        let empty = object(&entry(vec![("member", vec!["cn=Nobody, dc=x"])]), &group, &known);
        assert_eq!((value(&empty, "member"), value(&empty, "@active")), (None, None));
        let others = vec!["cn=stranger,dc=x", "OU=y,dc=x", "cn=nobody,dc=x"];
        let one = object(&entry(vec![("member", others)]), &group, &known);
        assert_eq!(value(&one, "MEMBER"), Some(json!(["2"])));
        let user = options.shape(ObjectType::User, Flavour::ActiveDirectory).unwrap();
        let disabled = object(&entry(vec![("userAccountControl", vec!["514"])]), &user, &known);
        assert_eq!(value(&disabled, "@active"), Some(json!(false)));
    }
}
