//! The question for resources with a value (RFC 7644 section 3.4.2.2), by `eq` alone.

use serde_json::Value;

use super::path::Path;

/// `userName eq "a"`; with a value filter, `emails[type eq "work" and value eq "a"]`, as the grammar has it.
pub fn equals(path: &Path, value: &str) -> String {
    let literal = Value::from(value);
    match (&path.filter, &path.sub) {
        (Some(filter), sub) => {
            let sub = sub.as_deref().unwrap_or("value");
            format!("{}[{filter} and {sub} eq {literal}]", path.top())
        }
        (None, _) => format!("{path} eq {literal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_written_with_escapes() {
        let cases = [
            ("userName", "a@b.example", r#"userName eq "a@b.example""#),
            ("externalId", r#"x" or id pr or "\"#, r#"externalId eq "x\" or id pr or \"\\""#),
            ("displayName", "田中\n", r#"displayName eq "田中\n""#),
            ("name.familyName", "O'Neil", r#"name.familyName eq "O'Neil""#),
            ("emails[type eq \"work\"].value", "a@b", r#"emails[type eq "work" and value eq "a@b"]"#),
            ("urn:x:y:User:department", "IT", r#"urn:x:y:User:department eq "IT""#),
        ];
        for (path, value, wanted) in cases {
            assert_eq!(equals(&Path::parse(path).unwrap(), value), wanted);
        }
    }
}
