//! Names inside filters and DNs: [`escape_filter`], [`escape_dn`] and [`Template`], the `{login}` texts of the
//! configuration.

use std::fmt::Write;

/// Where the login name goes.
const PLACE: &str = "{login}";

/// A `login_filter` or `dn_pattern`: text with `{login}` in one place or more.
#[derive(Debug, Clone)]
pub struct Template(Vec<String>);

impl Template {
    /// Cuts the text at each `{login}`; `None` when there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<String> = text.split(PLACE).map(str::to_owned).collect();
        (parts.len() > 1).then_some(Self(parts))
    }

    /// The search filter for a login name.
    pub fn filter(&self, login: &str) -> String {
        self.0.join(&escape_filter(login.as_bytes()))
    }

    /// The distinguished name for a login name.
    pub fn dn(&self, login: &str) -> String {
        self.0.join(&escape_dn(login))
    }
}

/// Whether this is a filter (RFC 4515).
pub fn is_filter(text: &str) -> bool {
    ldap3::parse_filter(text.trim()).is_ok()
}

/// Writes octets as an assertion value that means only themselves (RFC 4515 section 3). All but letters, digits and a
/// few harmless marks are written as `\xx`, which is always allowed.
pub fn escape_filter(value: &[u8]) -> String {
    let mut escaped = String::with_capacity(value.len());
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\{byte:02x}");
        }
    }
    escaped
}

/// Writes every octet as `\xx`: for binary values such as objectGUID.
pub fn escape_octets(value: &[u8]) -> String {
    value.iter().fold(String::with_capacity(value.len() * 3), |mut escaped, byte| {
        let _ = write!(escaped, "\\{byte:02x}");
        escaped
    })
}

/// Writes text as an attribute value inside a DN (RFC 4514 section 2.4): specials, controls, a leading `#` or blank
/// and a trailing blank become `\xx`; letters of any script stay.
pub fn escape_dn(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(value.len());
    for (at, c) in value.chars().enumerate() {
        let edge = c == ' ' && (at == 0 || at == last);
        if edge || c.is_ascii_control() || "\"+,;<>\\=#".contains(c) {
            let _ = write!(escaped, "\\{:02x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_filter_value_means_only_itself() {
        let template = Template::parse("(|(uid={login})(mail={login}))").unwrap();
        assert_eq!(template.filter("*"), "(|(uid=\\2a)(mail=\\2a))");
        assert_eq!(
            template.filter("a)(uid=*\\"),
            "(|(uid=a\\29\\28uid\\3d\\2a\\5c)(mail=a\\29\\28uid\\3d\\2a\\5c))"
        );
        assert_eq!(template.filter("田"), "(|(uid=\\e7\\94\\b0)(mail=\\e7\\94\\b0))");
        assert!(Template::parse("(uid=login)").is_none());
    }

    #[test]
    fn a_login_does_not_leave_its_place_in_a_dn() {
        let template = Template::parse("uid={login},ou=People,dc=example").unwrap();
        assert_eq!(template.dn("a,ou=x"), "uid=a\\2cou\\3dx,ou=People,dc=example");
        assert_eq!(escape_dn(" #a+\"\\<>;\0 "), "\\20\\23a\\2b\\22\\5c\\3c\\3e\\3b\\00\\20");
        assert_eq!(escape_dn("田中 太郎"), "田中 太郎");
    }

    #[test]
    fn octets_are_written_one_by_one() {
        assert_eq!(escape_octets(&[0, 0x2a, 0xff, b'a']), "\\00\\2a\\ff\\61");
    }

    proptest! {
        #[test]
        fn no_login_changes_the_shape_of_a_filter(login in "\\PC{1,40}") {
            let filter = Template::parse("(uid={login})").unwrap().filter(&login);
            prop_assert!(ldap3::parse_filter(&filter).is_ok());
            prop_assert_eq!(filter.matches('(').count(), 1);
            prop_assert_eq!(filter.matches(')').count(), 1);
            prop_assert!(!filter.contains('*'));
        }
    }
}
