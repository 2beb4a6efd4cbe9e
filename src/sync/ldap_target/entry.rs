//! An entry as a [`TargetObject`]: a JSON object of its attributes, a text for one value and a sorted list for more, with
//! `@rdn`, `@parent`, `@active` and `@groupType` as the paths of the target have them.

use serde_json::{Map, Value as Json};

use super::active_directory::{group_type_word, is_usable};
use super::options::{Disabling, Shape};
use crate::directory::dn::Dn;
use crate::directory::write::{DirectoryEntry, Rdn};
use crate::identity::Value;
use crate::sync::target::TargetObject;

/// The entry; `parent` is the id of the one above, unless that is the base.
pub(super) fn object(entry: &DirectoryEntry, shape: &Shape, parent: Option<String>) -> TargetObject {
    let mut body = Map::new();
    for (name, values) in entry.attributes.iter() {
        let is_member = name.eq_ignore_ascii_case(&shape.member);
        let shown = values.iter().filter(|value| !(is_member && is_placeholder(value, shape)));
        if let Some(value) = json(shown) {
            body.insert(name.to_owned(), value);
        }
    }
    let mut own = |path: &str, value: Option<Json>| {
        if let Some(value) = value {
            body.insert(path.to_owned(), value);
        }
    };
    own("@rdn", Rdn::of(&entry.dn).map(|rdn| rdn.value.into()));
    own("@parent", parent.map(Json::from));
    own("@active", active(entry, shape).map(Json::from));
    own("@groupType", entry.text("groupType").and_then(group_type_word).map(Json::from));
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

/// Whether a member only stands there because there must be one.
pub(super) fn is_placeholder(value: &Value, shape: &Shape) -> bool {
    let parsed = |dn: &str| Dn::parse(dn);
    match (value.as_text(), shape.placeholder.as_deref()) {
        (Some(held), Some(placeholder)) => held == placeholder || parsed(held) == parsed(placeholder),
        _ => false,
    }
}

fn json<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Json> {
    let mut texts: Vec<String> = values
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
            dn: "uid=a\\2cb,dc=x".into(),
            attributes: attributes.into_iter().collect(),
        };
        let user = options.shape(ObjectType::User, Flavour::Other).unwrap();
        let locked = [("pwdAccountLockedTime", vec!["000001010000Z"]), ("mail", vec!["b@x", "a@x"])];
        let told = object(&entry(locked.into()), &user, Some("2".into()));
        assert_eq!(value(&told, "MAIL"), Some(json!(["a@x", "b@x"])));
        assert_eq!((value(&told, "@active"), value(&told, "@rdn")), (Some(json!(false)), Some(json!("a,b"))));
        assert_eq!((value(&told, "@parent"), value(&told, "title")), (Some(json!("2")), None));
        let guessed = entry(vec![("pwdAccountLockedTime", vec!["20240501115900Z"])]);
        assert_eq!(value(&object(&guessed, &user, None), "@active"), Some(json!(true)));
        let group = options.shape(ObjectType::Group, Flavour::Other).unwrap();
        let empty = object(&entry(vec![("member", vec!["cn=Nobody, dc=x"])]), &group, None);
        assert_eq!((value(&empty, "member"), value(&empty, "@active")), (None, None));
        let user = options.shape(ObjectType::User, Flavour::ActiveDirectory).unwrap();
        let disabled = object(&entry(vec![("userAccountControl", vec!["514"])]), &user, None);
        assert_eq!(value(&disabled, "@active"), Some(json!(false)));
    }
}
