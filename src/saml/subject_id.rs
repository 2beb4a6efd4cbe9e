//! subject-id and pairwise-id as values: `uniqueID@scope` (saml-subject-id-attr 1.0, 3.3 and 3.4).

/// Characters that a uniqueID or a scope may have.
const LONGEST: usize = 127;

/// The value of a subject identifier, in one letter case, since two that differ only by case mean one person; none if
/// the parts do not have the form that the profile wants.
pub fn value(unique: &str, scope: &str) -> Option<String> {
    let fits = is_part(unique, b"=-") && is_scope(scope);
    fits.then(|| format!("{unique}@{scope}").to_ascii_lowercase())
}

/// Whether this can stand behind the `@`.
pub fn is_scope(text: &str) -> bool {
    is_part(text, b"-.")
}

fn is_part(text: &str, others: &[u8]) -> bool {
    let mut bytes = text.bytes();
    text.len() <= LONGEST
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_form_of_the_profile() {
        let longest = "a".repeat(127);
        for (unique, scope, expected) in [
            ("tanaka", "example.co.jp", Some("tanaka@example.co.jp")),
            ("Tanaka", "Example.co.jp", Some("tanaka@example.co.jp")),
            ("0=-", "0.-..", Some("0=-@0.-..")),
            ("", "example.co.jp", None),
            ("tanaka", "", None),
            ("-a", "example.co.jp", None),
            ("a", ".example", None),
            ("tanaka.taro", "example.co.jp", None),
            ("tanaka_taro", "example.co.jp", None),
            ("a@b", "example.co.jp", None),
            ("a", "b@c", None),
            ("a", "b=c", None),
            ("田中", "example.co.jp", None),
            ("a b", "example.co.jp", None),
        ] {
            assert_eq!(value(unique, scope).as_deref(), expected, "{unique}@{scope}");
        }
        assert!(value(&longest, &longest).is_some());
        assert!(value(&format!("{longest}a"), "x").is_none() && value("x", &format!("{longest}a")).is_none());
    }
}
