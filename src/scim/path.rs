//! [`Path`]: where a value is in a resource (RFC 7644 section 3.10): `userName`, `name.givenName`,
//! `emails[type eq "work"].value`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`.
//!
//! Names need not be those of RFC 7643: targets have their own. A filter is one comparison by `eq`: more nobody needs
//! to say where a value is to stand.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::ScimError;

/// The longest path, in bytes.
const LONGEST: usize = 1024;
/// Before a name of the core schema nothing need stand.
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:";

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The URN of an extension; none for the core schema.
    pub schema: Option<String>,
    /// The attribute.
    pub attribute: String,
    /// Which of its values.
    pub filter: Option<ValueFilter>,
    /// The sub-attribute.
    pub sub: Option<String>,
}

/// Says which values of an attribute are meant: those where a sub-attribute equals this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFilter {
    /// The sub-attribute: `type`, `value`, `primary`.
    pub attribute: String,
    /// A text or a boolean.
    pub equals: Value,
}

impl Path {
    /// Reads a path. The URN of a core schema before a name is left out.
    pub fn parse(path: &str) -> Result<Self, ScimError> {
        parts(path).map_err(|cause| ScimError::Path { path: path.chars().take(200).collect(), cause })
    }

    /// The path of the attribute as a whole: what [`group`](super::patch::group) gives for its text.
    #[must_use]
    pub fn top(&self) -> Self {
        Self { filter: None, sub: None, ..self.clone() }
    }
}

fn parts(path: &str) -> Result<Path, &'static str> {
    if path.len() > LONGEST {
        return Err("longer than 1024 bytes");
    }
    let (schema, rest) = split_schema(path);
    if schema.is_some_and(|schema| !is_urn(schema)) {
        return Err("what stands before the last colon is no URN");
    }
    let (attribute, rest) = rest.split_at(rest.find(['[', '.']).unwrap_or(rest.len()));
    let (filter, rest) = match rest.strip_prefix('[') {
        None => (None, rest),
        Some(inside) => {
            let (filter, rest) = value_filter(inside)?;
            (Some(filter), rest)
        }
    };
    let sub = match rest {
        "" => None,
        rest => Some(rest.strip_prefix('.').ok_or("after ] stands only a dot and a name")?),
    };
    if !is_name(attribute) || sub.is_some_and(|sub| !is_name(sub)) {
        return Err("a name has letters, digits, - and _ and begins with a letter");
    }
    let schema = schema.filter(|schema| !is_core(schema)).map(str::to_owned);
    Ok(Path { schema, attribute: attribute.to_owned(), filter, sub: sub.map(str::to_owned) })
}

/// The URN, and the rest after its colon. A filter may have colons too, and `2.0` a dot.
pub(super) fn split_schema(path: &str) -> (Option<&str>, &str) {
    let end = path.find('[').unwrap_or(path.len());
    match path.get(..end).and_then(|head| head.rfind(':')) {
        Some(colon) => (path.get(..colon), path.get(colon + 1..).unwrap_or_default()),
        None => (None, path),
    }
}

fn is_core(schema: &str) -> bool {
    schema.get(..CORE.len()).is_some_and(|head| head.eq_ignore_ascii_case(CORE))
}

/// RFC 8141, without what no schema has.
fn is_urn(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~+%".contains(&byte);
    text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:"))
        && text.len() > 4
        && text.bytes().all(allowed)
}

/// RFC 7643 section 2.1; `$ref` is a name as well.
fn is_name(text: &str) -> bool {
    let first = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'$' | b'_');
    text.bytes().next().is_some_and(|byte| first(&byte))
        && text.bytes().skip(1).all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// What stands between the brackets, and what comes after them.
fn value_filter(text: &str) -> Result<(ValueFilter, &str), &'static str> {
    const SHAPE: &str = "between [ and ] stands one comparison, as in [type eq \"work\"]";
    let (attribute, rest) = text.trim_start().split_once(' ').ok_or(SHAPE)?;
    let (operator, rest) = rest.trim_start().split_once(' ').ok_or(SHAPE)?;
    if !is_name(attribute) || !operator.eq_ignore_ascii_case("eq") {
        return Err(SHAPE);
    }
    let mut literals = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    let equals = literals.next().and_then(Result::ok).ok_or(SHAPE)?;
    if !matches!(equals, Value::String(_) | Value::Bool(_)) {
        return Err("a value is found by a text in quotation marks or by true or false");
    }
    let rest = rest.get(literals.byte_offset()..).unwrap_or_default();
    let rest = rest.trim_start().strip_prefix(']').ok_or(SHAPE)?;
    Ok((ValueFilter { attribute: attribute.to_owned(), equals }, rest))
}

impl FromStr for Path {
    type Err = ScimError;

    fn from_str(path: &str) -> Result<Self, ScimError> {
        Self::parse(path)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ValueFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A JSON string is what RFC 7644 has for one: quotation marks and backslashes are escaped.
        write!(f, "{} eq {}", self.attribute, self.equals)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn path(schema: Option<&str>, attribute: &str, by: Option<(&str, Value)>, sub: Option<&str>) -> Path {
        let filter = by.map(|(attribute, equals)| ValueFilter { attribute: attribute.to_owned(), equals });
        let schema = schema.map(str::to_owned);
        Path { schema, attribute: attribute.to_owned(), filter, sub: sub.map(str::to_owned) }
    }

    #[test]
    fn paths_are_read() {
        let work = || Some(("type", json!("work")));
        let cases = [
            ("userName", path(None, "userName", None, None)),
            ("name.givenName", path(None, "name", None, Some("givenName"))),
            ("emails[type eq \"work\"].value", path(None, "emails", work(), Some("value"))),
            ("emails[ type  EQ  \"work\" ]", path(None, "emails", work(), None)),
            ("addresses[type eq \"work\"].location", path(None, "addresses", work(), Some("location"))),
            (
                "emails[primary eq true].value",
                path(None, "emails", Some(("primary", json!(true))), Some("value")),
            ),
            ("members[value eq \"a]:\\\"b\"]", path(None, "members", Some(("value", json!("a]:\"b"))), None)),
            (
                "members[value eq \"1\"].$ref",
                path(None, "members", Some(("value", json!("1"))), Some("$ref")),
            ),
            (&format!("{ENTERPRISE}:department"), path(Some(ENTERPRISE), "department", None, None)),
            (&format!("{ENTERPRISE}:manager.value"), path(Some(ENTERPRISE), "manager", None, Some("value"))),
            ("urn:ietf:params:scim:schemas:core:2.0:User:title", path(None, "title", None, None)),
            (
                "urn:ietf:params:scim:schemas:extension:Diligent:2.0:User:externalField1Value",
                path(
                    Some("urn:ietf:params:scim:schemas:extension:Diligent:2.0:User"),
                    "externalField1Value",
                    None,
                    None,
                ),
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(Path::parse(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let long = "a".repeat(LONGEST + 1);
        let cases = [
            "",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "a b",
            "1a",
            "a[",
            "a[]",
            "a[type]",
            "a[type eq work]",
            "a[type ne \"x\"]",
            "a[type eq \"x\"",
            "a[type eq \"x\"]b",
            "a[type eq \"x\" and b eq \"y\"]",
            "a[type eq 5]",
            "a[type eq null]",
            "a[type eq \"x\"].b.c",
            "mailto:a",
            "urn:a b:c",
            "urn::",
            ":a",
            "\u{e4}",
            "a\u{0}",
            &long,
        ];
        for text in cases {
            assert!(
                matches!(Path::parse(text), Err(ScimError::Path { .. })),
                "{text:?}: {:?}",
                Path::parse(text)
            );
        }
    }

    fn any_path() -> impl Strategy<Value = Path> {
        let name = || "[A-Za-z$_][A-Za-z0-9_-]{0,12}";
        let schema = prop::option::of("urn:[a-z]{2,8}(:[A-Za-z0-9.-]{1,8}){1,4}");
        let equals =
            prop_oneof![any::<String>().prop_map(Value::String), any::<bool>().prop_map(Value::Bool)];
        let filter = prop::option::of(
            (name(), equals).prop_map(|(attribute, equals)| ValueFilter { attribute, equals }),
        );
        (schema, name(), filter, prop::option::of(name())).prop_map(|(schema, attribute, filter, sub)| Path {
            schema,
            attribute,
            filter,
            sub,
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(path in any_path()) {
            let text = path.to_string();
            if text.len() <= LONGEST {
                prop_assert_eq!(Path::parse(&text), Ok(path));
            }
        }

        #[test]
        fn nothing_panics(text in "[a-z:.\\[\\]\" eq\\\\]{0,40}") {
            if let Ok(path) = Path::parse(&text) {
                prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
            }
        }
    }
}
