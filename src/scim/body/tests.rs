//! Tests of [`read`] and [`assemble`]: tables of what services send, and that what is put is found again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{CORE_USER, ENTERPRISE_USER, Path, ScimError};
use super::{assemble, boolean, read};

fn at(resource: &Value, path: &str) -> Option<Value> {
    read(resource, &Path::parse(path).unwrap())
}

fn of(values: &BTreeMap<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    values.iter().map(|(path, value)| (path.as_str(), value))
}

fn made(values: Value) -> Result<Value, ScimError> {
    let values: BTreeMap<String, Value> = serde_json::from_value(values).unwrap();
    assemble(of(&values), &[CORE_USER.to_owned()])
}

#[test]
fn values_are_read() {
    let resource = json!({
        "USERNAME": "a@b", "active": "True", "title": null, "nickName": [], "name": {"GivenName": "Taro"},
        "emails": [
            {"type": "home", "value": "h@b", "primary": "false"},
            {"Type": "Work", "value": "w@b", "primary": true},
        ],
        "phoneNumbers": {"type": "work", "value": "1"},
        "addresses": [{"type": "work", "location": "4F"}, {"type": "work", "location": "5F"}],
        "roles": [{"value": "admin", "type": "x"}, {"value": "user"}], "tags": ["a", "b"],
        "services": [{"value": "s1"}, {"value": "s2"}], "members": [],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user": {"department": "IT", "manager": "26"},
    });
    let cases = [
        ("userName", json!("a@b")),
        ("active", json!(true)),
        ("title", Value::Null),
        ("nickName", Value::Null),
        ("name.givenName", json!("Taro")),
        ("name.familyName", Value::Null),
        ("emails[type eq \"work\"].value", json!("w@b")),
        ("emails[type eq \"work\"].primary", json!(true)),
        ("emails[primary eq true].value", json!("w@b")),
        ("emails[primary eq false].primary", json!(false)),
        ("emails[value eq \"H@B\"].type", Value::Null),
        ("emails.value", json!(["h@b", "w@b"])),
        ("emails", json!(["h@b", "w@b"])),
        ("phoneNumbers[type eq \"work\"].value", json!("1")),
        ("phoneNumbers[type eq \"fax\"].value", Value::Null),
        ("addresses[type eq \"work\"].location", json!(["4F", "5F"])),
        ("addresses[type eq \"work\"].country", Value::Null),
        ("roles", json!(["admin", "user"])),
        ("tags", json!(["a", "b"])),
        ("services.value", json!(["s1", "s2"])),
        ("members", Value::Null),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", json!("IT")),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", json!("26")),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", json!("a@b")),
        ("urn:other:User:department", Value::Null),
    ];
    for (path, wanted) in cases {
        assert_eq!(at(&resource, path).unwrap_or_default(), wanted, "{path}");
    }
    assert_eq!(at(&json!("text"), "userName"), None);
    assert_eq!([json!(" FALSE "), json!("no"), json!(1)].map(|v| boolean(&v)), [Some(false), None, None]);
}

#[test]
fn a_resource_is_assembled() {
    let resource = made(json!({
        "userName": "a@b", "active": "False", "name.givenName": "Taro", "name.familyName": "Tanaka", "title": null,
        "emails[type eq \"other\"].value": "x", "emails[type eq \"work\"].value": "w@b",
        "emails[type eq \"work\"].primary": true, "addresses[type eq \"work\"].location": "4F",
        "addresses[type eq \"work\"].streetAddress2": "2", "roles": ["admin", "user"], "services.value": ["s1"],
        "tags": ["a"], "members": [], "phoneNumbers[type eq \"work\"].value": ["1", "2"],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "IT",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value": "26",
        "urn:x:User:a": "1",
    }));
    assert_eq!(
        resource.unwrap(),
        json!({
            "schemas": [CORE_USER, ENTERPRISE_USER, "urn:x:User"],
            "userName": "a@b", "active": false, "name": {"givenName": "Taro", "familyName": "Tanaka"},
            "emails": [{"type": "other", "value": "x"}, {"type": "work", "value": "w@b", "primary": true}],
            "addresses": [{"type": "work", "location": "4F", "streetAddress2": "2"}],
            "roles": [{"value": "admin"}, {"value": "user"}], "services": [{"value": "s1"}], "tags": ["a"],
            "phoneNumbers": [{"type": "work", "value": "1"}, {"type": "work", "value": "2"}],
            (ENTERPRISE_USER): {"department": "IT", "manager": {"value": "26"}},
            "urn:x:User": {"a": "1"},
        })
    );
}

#[test]
fn what_cannot_stand_together_is_refused() {
    let collision = |path: &str| Err(ScimError::Collision(path.to_owned()));
    let several = |path: &str| Err(ScimError::Several(path.to_owned()));
    let cases = [
        (json!({"name": "a", "name.givenName": "b"}), collision("name.givenName")),
        (json!({"userName": "a", "username": "b"}), collision("username")),
        (json!({"emails": ["a"], "emails.value": ["b"]}), collision("emails.value")),
        (json!({"x.y": "a", "x[type eq \"b\"].y": "c"}), collision("x[type eq \"b\"].y")),
        (json!({"a[type eq \"b\"].type": "c"}), collision("a[type eq \"b\"].type")),
        (json!({"emails.value": "a"}), several("emails")),
        (json!({"members": "a"}), several("members")),
    ];
    for (values, wanted) in cases {
        assert_eq!(made(values.clone()), wanted, "{values}");
    }
    assert!(matches!(made(json!({"a b": "c"})), Err(ScimError::Path { .. })));
}

fn place() -> impl Strategy<Value = String> {
    let schema =
        prop_oneof![Just(String::new()), Just(format!("{ENTERPRISE_USER}:")), Just("urn:x:Y:".to_owned())];
    let tail = prop_oneof![
        Just("plain".to_owned()),
        Just("other".to_owned()),
        "name\\.[abc]",
        "addresses\\[type eq \"(work|home)\"\\]\\.(value|location|street2)",
        "things\\[kind eq \"[xy]\"\\]\\.[ab]",
    ];
    (schema, tail).prop_map(|(schema, tail)| schema + tail.as_str())
}

proptest! {
    #[test]
    fn what_is_put_is_found_again(
        values in prop::collection::btree_map(place(), prop_oneof![
            any::<String>().prop_map(Value::from), any::<bool>().prop_map(Value::from),
            prop::collection::vec("[a-z]{1,4}", 2..4).prop_map(Value::from),
        ], 0..12),
    ) {
        // A list takes several values of an attribute, and what stands beside it is then of the first of them.
        let one_each = values.iter().all(|(path, value)| !value.is_array() || !path.contains(['[', '.']));
        prop_assume!(one_each);
        let resource = assemble(of(&values), &[CORE_USER.to_owned()]).unwrap();
        for (path, value) in &values {
            let found = at(&resource, path);
            prop_assert_eq!(found.as_ref(), Some(value), "{}", path);
        }
    }

    #[test]
    fn lists_are_found_again(values in prop::collection::vec(".{0,6}", 1..5)) {
        for path in ["members", "roles", "emails.value", "tags", "services.value"] {
            let put = BTreeMap::from([(path.to_owned(), Value::from(values.clone()))]);
            let found = at(&assemble(of(&put), &[]).unwrap(), path);
            prop_assert_eq!(found, Some(Value::from(values.clone())), "{}", path);
        }
    }
}
