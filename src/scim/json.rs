//! JSON as SCIM has it: read within bounds, and looked into with names in any case (RFC 7643 section 2.1).

use serde_json::{Map, Value};

use super::ScimError;

/// How deep a document may be nested. A resource takes four levels, a list of them six.
pub const DEEPEST: usize = 16;

/// Reads a document; a byte order mark before it is no fault.
pub fn document(bytes: &[u8]) -> Result<Value, ScimError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(bytes).map_err(|error| ScimError::Json(error.to_string()))?;
    if is_deeper(&value, DEEPEST) { Err(ScimError::Deep) } else { Ok(value) }
}

/// serde_json itself ends at 128 levels, so this recursion does too.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper(item, below)),
        Value::Object(members) => members.values().any(|member| is_deeper(member, below)),
        _ => false,
    }
}

/// The member of this name, in any case; the one that is spelled so when there are several.
pub(super) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The name under which it stands there, in any case.
pub(super) fn spelling(object: &Map<String, Value>, name: &str) -> Option<String> {
    if object.contains_key(name) {
        return Some(name.to_owned());
    }
    object.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
}

/// A count, also as a text.
pub(super) fn count(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text that is not empty.
pub(super) fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    member(object, name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_has_bounds() {
        assert_eq!(document(b"\xef\xbb\xbf{\"a\":1}"), Ok(json!({"a": 1})));
        assert!(matches!(document(b"{\"a\":"), Err(ScimError::Json(_))));
        assert!(matches!(document(b"{\"a\":\"\xff\"}"), Err(ScimError::Json(_))));
        let nested = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
        assert!(document(&nested(DEEPEST)).is_ok());
        assert_eq!(document(&nested(DEEPEST + 1)), Err(ScimError::Deep));
        assert!(matches!(document(&nested(100_000)), Err(ScimError::Json(_))));
    }

    #[test]
    fn names_are_found_in_any_case() {
        let object = json!({"username": "b", "userName": "a", "Total": "7"});
        let object = object.as_object().unwrap();
        assert_eq!(member(object, "userName"), Some(&json!("a")));
        assert_eq!(member(object, "USERNAME").map(Value::is_string), Some(true));
        assert_eq!(member(object, "total").and_then(count), Some(7));
    }
}
