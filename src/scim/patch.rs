//! Changes of a resource (RFC 7644 section 3.5.2), each of an attribute as a whole: services differ in what they make of
//! a value filter and of a part of a complex attribute, and agree on this.
//!
//! Who changes one value therefore hands in all values of its attribute: of every changed path the [`group`], and of
//! each group every path that is to have a value. What a group is not given, the resource does not have afterwards. Only
//! members are added and taken out one by one, since a group may have very many.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use super::ScimError;
use super::body::{fits, is_none, put};
use super::json::{member, spelling};
use super::path::{Path, ValueFilter, split_schema};

/// RFC 7644 section 3.5.2
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One operation of a PatchOp message.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// The attribute has this value.
    Replace(Path, Value),
    /// The attribute has these values too.
    Add(Path, Value),
    /// There is none.
    Remove(Path),
}

/// The attribute that a path belongs to, as it stands in the path: `emails` of `emails[type eq "work"].value`, the whole
/// of `urn:..:User:department`. Names are the same in any case.
pub fn group(path: &str) -> &str {
    let (schema, rest) = split_schema(path);
    let start = schema.map_or(0, |schema| schema.len() + 1);
    let end = start + rest.find(['[', '.']).unwrap_or(rest.len());
    path.get(..end).unwrap_or(path)
}

/// The operations that bring whole attributes up to date: `set` has all values of each, `clear` the paths that have none
/// any more.
pub fn whole(set: &BTreeMap<String, Value>, clear: &[String]) -> Result<Vec<Operation>, ScimError> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let gone = set.iter().filter(|(_, value)| is_none(value)).map(|(path, _)| path);
    for path in clear.iter().chain(gone) {
        let path = Path::parse(path)?;
        groups.entry(key(&path)).or_insert_with(|| Group::of(&path)).gone.push(path);
    }
    for (path, value) in set.iter().filter(|(_, value)| !is_none(value)) {
        let path = Path::parse(path)?;
        let group = groups.entry(key(&path)).or_insert_with(|| Group::of(&path));
        put(&mut group.resource, &path, value)?;
    }
    Ok(groups.into_values().flat_map(Group::operations).collect())
}

fn key(path: &Path) -> String {
    path.top().to_string().to_ascii_lowercase()
}

struct Group {
    top: Path,
    resource: Map<String, Value>,
    gone: Vec<Path>,
}

impl Group {
    fn of(path: &Path) -> Self {
        Self { top: path.top(), resource: Map::new(), gone: Vec::new() }
    }

    /// Some services merge a complex attribute instead of replacing it: its parts that are gone are removed by
    /// themselves before.
    fn operations(self) -> Vec<Operation> {
        let is_part = |path: &Path| path.filter.is_none() && path.sub.is_some();
        let holder = match &self.top.schema {
            Some(schema) => member(&self.resource, schema).and_then(Value::as_object),
            None => Some(&self.resource),
        };
        let value = holder.and_then(|holder| member(holder, &self.top.attribute)).cloned();
        let is_list = value.as_ref().is_some_and(Value::is_array);
        if value.is_none() && !self.gone.iter().all(is_part) {
            return vec![Operation::Remove(self.top)];
        }
        let parts = self.gone.into_iter().filter(|path| is_part(path) && !is_list).map(Operation::Remove);
        parts.chain(value.map(|value| Operation::Replace(self.top, value))).collect()
    }
}

/// These ids are members too.
pub fn join(path: &Path, ids: &[String]) -> Operation {
    let members = ids.iter().map(|id| json!({ "value": id })).collect();
    Operation::Add(path.top(), Value::Array(members))
}

/// These ids are members no longer: one operation each.
pub fn leave(path: &Path, ids: &[String]) -> Vec<Operation> {
    let filter =
        |id: &String| ValueFilter { attribute: "value".to_owned(), equals: Value::from(id.as_str()) };
    ids.iter().map(|id| Operation::Remove(Path { filter: Some(filter(id)), ..path.top() })).collect()
}

/// The message.
pub fn message(operations: &[Operation]) -> Value {
    let operation = |operation: &Operation| match operation {
        Operation::Replace(path, value) => json!({"op": "replace", "path": path.to_string(), "value": value}),
        Operation::Add(path, value) => json!({"op": "add", "path": path.to_string(), "value": value}),
        Operation::Remove(path) => json!({"op": "remove", "path": path.to_string()}),
    };
    json!({"schemas": [PATCH_OP], "Operations": operations.iter().map(operation).collect::<Vec<_>>()})
}

/// Carries the operations out on a resource that is then sent as a whole (PUT); what the service says of it by itself,
/// `meta`, goes.
pub fn apply(resource: &mut Value, operations: &[Operation]) -> Result<(), ScimError> {
    const MESSAGE: &str = "resource";
    let members = resource.as_object_mut();
    let members = members.ok_or(ScimError::Message { message: MESSAGE, cause: "not an object" })?;
    remove_member(members, "meta");
    for operation in operations {
        match operation {
            Operation::Replace(path, value) => {
                take(members, path);
                announce(members, path);
                put(members, path, value)?;
            }
            Operation::Add(path, added) => {
                let values = united(raw(members, path), added);
                take(members, path);
                announce(members, path);
                put(members, path, &values)?;
            }
            Operation::Remove(path) => take(members, path),
        }
    }
    Ok(())
}

/// What is there, and after it those of the added values that are not.
fn united(there: Option<&Value>, added: &Value) -> Value {
    let id = |element: &Value| element.as_object().and_then(|parts| member(parts, "value")).cloned();
    let mut values = there.and_then(Value::as_array).cloned().unwrap_or_default();
    let known: HashSet<Option<Value>> = values.iter().map(id).collect();
    let new = added.as_array().into_iter().flatten().filter(|element| !known.contains(&id(element)));
    values.extend(new.cloned());
    Value::Array(values)
}

fn holder<'a>(resource: &'a mut Map<String, Value>, path: &Path) -> Option<&'a mut Map<String, Value>> {
    match &path.schema {
        Some(schema) => {
            let name = spelling(resource, schema)?;
            resource.get_mut(&name)?.as_object_mut()
        }
        None => Some(resource),
    }
}

fn raw<'a>(resource: &'a Map<String, Value>, path: &Path) -> Option<&'a Value> {
    match &path.schema {
        Some(schema) => member(member(resource, schema)?.as_object()?, &path.attribute),
        None => member(resource, &path.attribute),
    }
}

/// Removes what is at a path: an attribute, a part of a complex one, or the values that a filter picks.
fn take(resource: &mut Map<String, Value>, path: &Path) {
    let Some(holder) = holder(resource, path) else { return };
    let Some(name) = spelling(holder, &path.attribute) else { return };
    match (&path.filter, &path.sub) {
        (None, None) => {
            holder.remove(&name);
        }
        (None, Some(sub)) => {
            if let Some(parts) = holder.get_mut(&name).and_then(Value::as_object_mut) {
                remove_member(parts, sub);
            }
        }
        (Some(filter), _) => {
            if let Some(elements) = holder.get_mut(&name).and_then(Value::as_array_mut) {
                elements.retain(|element| !fits(element, filter));
            }
        }
    }
}

fn remove_member(object: &mut Map<String, Value>, name: &str) {
    while let Some(name) = spelling(object, name) {
        object.remove(&name);
    }
}

/// A resource names the extensions that it has values of (RFC 7643 section 3.3).
fn announce(resource: &mut Map<String, Value>, path: &Path) {
    let Some(schema) = &path.schema else { return };
    let name = spelling(resource, "schemas").unwrap_or_else(|| "schemas".to_owned());
    let schemas = resource.entry(name).or_insert_with(|| json!([]));
    if let Some(schemas) = schemas.as_array_mut() {
        let is_this = |known: &Value| known.as_str().is_some_and(|known| known.eq_ignore_ascii_case(schema));
        if !schemas.iter().any(is_this) {
            schemas.push(Value::from(schema.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CORE_USER, ENTERPRISE_USER};
    use super::*;

    fn wire(set: Value, clear: &[&str]) -> Value {
        let set = serde_json::from_value(set).unwrap();
        let clear: Vec<String> = clear.iter().map(|&path| path.to_owned()).collect();
        message(&whole(&set, &clear).unwrap())["Operations"].clone()
    }

    #[test]
    fn a_path_belongs_to_its_attribute() {
        let department = format!("{ENTERPRISE_USER}:department");
        let cases = [
            ("userName", "userName"),
            ("name.givenName", "name"),
            ("emails[type eq \"a:b.c\"].value", "emails"),
            (department.as_str(), department.as_str()),
            ("urn:x:2.0:User:manager.value", "urn:x:2.0:User:manager"),
            ("urn:x:2.0:User:a[b eq \"c\"].d", "urn:x:2.0:User:a"),
        ];
        for (path, wanted) in cases {
            assert_eq!(group(path), wanted);
            assert_eq!(Path::parse(path).unwrap().top().to_string(), wanted);
        }
    }

    #[test]
    fn attributes_are_replaced_as_a_whole() {
        let manager = format!("{ENTERPRISE_USER}:manager");
        let cases = [
            (json!({"active": "True"}), vec![], json!([{"op": "replace", "path": "active", "value": true}])),
            (
                json!({"name.givenName": "a", "name.familyName": "b"}),
                vec![],
                json!([{"op": "replace", "path": "name", "value": {"givenName": "a", "familyName": "b"}}]),
            ),
            (
                json!({"name.givenName": "a"}),
                vec!["name.middleName"],
                json!([{"op": "remove", "path": "name.middleName"},
                       {"op": "replace", "path": "name", "value": {"givenName": "a"}}]),
            ),
            (json!({}), vec!["name.middleName"], json!([{"op": "remove", "path": "name.middleName"}])),
            (
                json!({"emails[type eq \"work\"].value": "w"}),
                vec!["emails[type eq \"home\"].value"],
                json!([{"op": "replace", "path": "emails", "value": [{"type": "work", "value": "w"}]}]),
            ),
            (
                json!({"title": null}),
                vec!["emails[type eq \"work\"].value"],
                json!([{"op": "remove", "path": "emails"}, {"op": "remove", "path": "title"}]),
            ),
            (
                json!({"roles": ["a"]}),
                vec![],
                json!([{"op": "replace", "path": "roles", "value": [{"value": "a"}]}]),
            ),
            (
                json!({(format!("{manager}.value")): "26"}),
                vec![],
                json!([{"op": "replace", "path": manager, "value": {"value": "26"}}]),
            ),
        ];
        for (set, clear, wanted) in cases {
            assert_eq!(wire(set.clone(), &clear), wanted, "{set} {clear:?}");
        }
        assert!(whole(&BTreeMap::from([("a b".to_owned(), json!("c"))]), &[]).is_err());
    }

    #[test]
    fn members_come_and_go_by_their_ids() {
        let path = Path::parse("members").unwrap();
        let ids = ["1".to_owned(), "a\"b".to_owned()];
        let mut operations = vec![join(&path, &ids)];
        operations.extend(leave(&path, &ids));
        assert_eq!(
            message(&operations),
            json!({"schemas": [PATCH_OP], "Operations": [
                {"op": "add", "path": "members", "value": [{"value": "1"}, {"value": "a\"b"}]},
                {"op": "remove", "path": "members[value eq \"1\"]"},
                {"op": "remove", "path": "members[value eq \"a\\\"b\"]"},
            ]})
        );
    }

    #[test]
    fn the_same_is_done_to_a_resource_that_is_sent_as_a_whole() {
        let mut resource = json!({
            "schemas": [CORE_USER], "id": "7", "Meta": {"version": "1"}, "Name": {"givenName": "a", "middleName": "m"},
            "nickName": "n", "members": [{"value": "1", "display": "x"}, {"value": "2"}],
        });
        let set = BTreeMap::from([
            ("name.givenName".to_owned(), json!("b")),
            (format!("{ENTERPRISE_USER}:department"), json!("IT")),
        ]);
        let mut operations = whole(&set, &["name.middleName".to_owned()]).unwrap();
        let path = Path::parse("members").unwrap();
        operations.push(join(&path, &["1".to_owned(), "3".to_owned()]));
        operations.extend(leave(&path, &["2".to_owned(), "9".to_owned()]));
        apply(&mut resource, &operations).unwrap();
        assert_eq!(
            resource,
            json!({
                "schemas": [CORE_USER, ENTERPRISE_USER], "id": "7", "name": {"givenName": "b"}, "nickName": "n",
                "members": [{"value": "1", "display": "x"}, {"value": "3"}], (ENTERPRISE_USER): {"department": "IT"},
            })
        );
    }
}
