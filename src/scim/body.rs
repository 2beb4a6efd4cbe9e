//! Values in and out of a resource by their paths: [`read`] and [`assemble`].
//!
//! What is put at a path is a text, a boolean or a list of texts. A list at an attribute that has several values by RFC
//! 7643 section 4 (`members`, `roles`), or at `.value` of any other, becomes one complex value each. With a value filter
//! the values get what the filter says: `emails[type eq "work"].value` gives `{"type": "work", "value": ..}`.

use std::borrow::Borrow;

use serde_json::{Map, Value};

use super::ScimError;
use super::json::{member, spelling};
use super::path::{Path, ValueFilter};

/// RFC 7643 sections 4.1.2 and 4.2: attributes of several complex values.
const SEVERAL: [&str; 10] = [
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
    "members",
];
/// The most values of one attribute: more than the largest group has.
const MOST: usize = 1_000_000;

/// A boolean, also as the text that some services give and take ("True", "false").
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// What a resource has at a path: one value, a list when the path names several, `None` when it names none (RFC 7643
/// section 2.5: null and an empty list are none). Names are found in any case; `active` and `primary` are booleans.
pub fn read(resource: &Value, path: &Path) -> Option<Value> {
    let resource = resource.as_object()?;
    let holder = match &path.schema {
        Some(schema) => member(resource, schema)?.as_object()?,
        None => resource,
    };
    let attribute = member(holder, &path.attribute)?;
    let found = match (&path.filter, &path.sub) {
        (None, None) => flat(path, attribute),
        (None, Some(sub)) => match attribute {
            Value::Array(elements) => list(elements.iter().filter_map(|element| part(element, sub))),
            element => part(element, sub)?,
        },
        (Some(filter), sub) => {
            let elements = attribute.as_array().map_or(std::slice::from_ref(attribute), Vec::as_slice);
            let part =
                |element| sub.as_ref().map_or_else(|| Some(Value::clone(element)), |sub| part(element, sub));
            let mut found: Vec<Value> =
                elements.iter().filter(|element| fits(element, filter)).filter_map(part).collect();
            if found.len() == 1 { found.remove(0) } else { Value::Array(found) }
        }
    };
    (!is_none(&found)).then(|| as_boolean(path, &found).unwrap_or(found))
}

/// The values of complex values, where the attribute is one that has several.
fn flat(path: &Path, attribute: &Value) -> Value {
    let Value::Array(elements) = attribute else { return attribute.clone() };
    let values: Option<Vec<Value>> = elements.iter().map(|element| part(element, "value")).collect();
    match values {
        Some(values) if has_several(path) => Value::Array(values),
        _ => attribute.clone(),
    }
}

/// A sub-attribute; the value itself where a complex value was to be and only its `value` stands (a manager's id).
fn part(element: &Value, sub: &str) -> Option<Value> {
    match element {
        Value::Object(members) => member(members, sub).filter(|value| !is_none(value)).cloned(),
        Value::Array(_) | Value::Null => None,
        scalar => sub.eq_ignore_ascii_case("value").then(|| scalar.clone()),
    }
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    Value::Array(values.collect())
}

pub(super) fn is_none(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Whether a value filter picks this element. Ids are told apart by case, words such as `work` are not (RFC 7643
/// section 2.3.1).
pub(super) fn fits(element: &Value, filter: &ValueFilter) -> bool {
    let Some(found) = part(element, &filter.attribute) else { return false };
    match (&filter.equals, &found) {
        (Value::Bool(wanted), found) => boolean(found) == Some(*wanted),
        (Value::String(wanted), Value::String(found)) if !filter.attribute.eq_ignore_ascii_case("value") => {
            wanted.eq_ignore_ascii_case(found)
        }
        (wanted, found) => wanted == found,
    }
}

fn has_several(path: &Path) -> bool {
    path.schema.is_none() && SEVERAL.iter().any(|name| name.eq_ignore_ascii_case(&path.attribute))
}

/// The two booleans that everybody has, as booleans; `None` where it is another attribute, or no boolean.
fn as_boolean(path: &Path, value: &Value) -> Option<Value> {
    let is_boolean = match &path.sub {
        Some(sub) => sub.eq_ignore_ascii_case("primary"),
        None => path.schema.is_none() && path.attribute.eq_ignore_ascii_case("active"),
    };
    if is_boolean { boolean(value).map(Value::Bool) } else { None }
}

/// A resource of these schemas and of the extensions that the paths name. Null and an empty list put nothing.
pub fn assemble<'a, V: Borrow<Value>>(
    values: impl IntoIterator<Item = (&'a str, V)>,
    schemas: &[String],
) -> Result<Value, ScimError> {
    let mut resource = Map::new();
    let mut urns = schemas.to_vec();
    for (path, value) in values {
        let value = value.borrow();
        if is_none(value) {
            continue;
        }
        let path = Path::parse(path)?;
        if let Some(schema) = &path.schema
            && !urns.iter().any(|urn| urn.eq_ignore_ascii_case(schema))
        {
            urns.push(schema.clone());
        }
        put(&mut resource, &path, value)?;
    }
    resource.insert("schemas".to_owned(), urns.into());
    Ok(Value::Object(resource))
}

/// Puts a value at a path of a resource. Nothing that stands there already is replaced.
pub(super) fn put(resource: &mut Map<String, Value>, path: &Path, value: &Value) -> Result<(), ScimError> {
    let typed = as_boolean(path, value);
    let value = typed.as_ref().unwrap_or(value);
    let collision = || ScimError::Collision(path.to_string());
    if value.as_array().is_some_and(|values| values.len() > MOST) {
        return Err(ScimError::Value { path: path.to_string(), cause: "more than 1,000,000 values" });
    }
    let holder = match &path.schema {
        Some(schema) => entry(resource, schema, Map::new).as_object_mut().ok_or_else(collision)?,
        None => resource,
    };
    match (&path.filter, &path.sub) {
        (Some(filter), sub) => {
            let elements = entry(holder, &path.attribute, Vec::<Value>::new).as_array_mut();
            put_filtered(elements.ok_or_else(collision)?, filter, sub.as_deref(), value).ok_or_else(collision)
        }
        (None, None) => new_member(holder, &path.attribute, whole(path, value)?).ok_or_else(collision),
        (None, Some(sub)) => match value {
            Value::Array(values) => {
                let elements = values.iter().map(|value| complex(sub, value)).collect();
                new_member(holder, &path.attribute, elements).ok_or_else(collision)
            }
            _ if has_several(path) => Err(ScimError::Several(path.attribute.clone())),
            value => {
                let parts = entry(holder, &path.attribute, Map::new).as_object_mut().ok_or_else(collision)?;
                new_member(parts, sub, value.clone()).ok_or_else(collision)
            }
        },
    }
}

fn whole(path: &Path, value: &Value) -> Result<Value, ScimError> {
    match value {
        Value::Array(values) if has_several(path) => {
            let element =
                |value: &Value| if value.is_object() { value.clone() } else { complex("value", value) };
            Ok(values.iter().map(element).collect())
        }
        Value::Array(_) | Value::Object(_) => Ok(value.clone()),
        _ if has_several(path) => Err(ScimError::Several(path.attribute.clone())),
        value => Ok(value.clone()),
    }
}

fn complex(sub: &str, value: &Value) -> Value {
    Value::Object(Map::from_iter([(sub.to_owned(), value.clone())]))
}

/// Into the first value that the filter picks, a list into the first ones; `None` when something stands there.
fn put_filtered(
    elements: &mut Vec<Value>,
    filter: &ValueFilter,
    sub: Option<&str>,
    value: &Value,
) -> Option<()> {
    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let mut next = 0;
    for value in values {
        let found = elements.iter().skip(next).position(|element| fits(element, filter));
        let at = found.map_or(elements.len(), |position| next + position);
        if at == elements.len() {
            elements.push(complex(&filter.attribute, &filter.equals));
        }
        next = at + 1;
        let parts = elements.get_mut(at)?.as_object_mut()?;
        match (sub, value) {
            (None, Value::Object(new)) => {
                for (name, value) in
                    new.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(&filter.attribute))
                {
                    new_member(parts, name, value.clone())?;
                }
            }
            (sub, value) => new_member(parts, sub.unwrap_or("value"), value.clone())?,
        }
    }
    Some(())
}

/// The member of this name in any case, made when it is not there.
fn entry<'a, T: Into<Value>>(
    object: &'a mut Map<String, Value>,
    name: &str,
    empty: impl Fn() -> T,
) -> &'a mut Value {
    let name = spelling(object, name).unwrap_or_else(|| name.to_owned());
    object.entry(name).or_insert_with(|| empty().into())
}

/// `None` when there is one of this name.
fn new_member(object: &mut Map<String, Value>, name: &str, value: Value) -> Option<()> {
    if spelling(object, name).is_some() {
        return None;
    }
    object.insert(name.to_owned(), value);
    Some(())
}

#[cfg(test)]
mod tests;
