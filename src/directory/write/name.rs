//! Names of entries, taken apart and put together: [`Rdn`], [`parent_of`].

use super::super::filter::{escape_dn, escape_filter};

/// The first part of a DN: one attribute and its value, not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rdn {
    /// The attribute, as in `cn`.
    pub attribute: String,
    /// Its value.
    pub value: String,
}

impl Rdn {
    /// Of an attribute and a value.
    pub fn new(attribute: impl Into<String>, value: impl Into<String>) -> Self {
        Self { attribute: attribute.into(), value: value.into() }
    }

    /// The first part of a DN; `None` when it has several values (`cn=a+uid=b`), one in hexadecimal, or is none.
    pub fn of(dn: &str) -> Option<Self> {
        let (first, _) = cut(dn);
        let (attribute, value) = first.split_once('=')?;
        let attribute = attribute.trim();
        let value = unescaped(value)?;
        is_attribute(attribute).then(|| Self { attribute: attribute.to_owned(), value })
    }

    /// As it stands in a DN (RFC 4514 section 2.3).
    pub fn text(&self) -> String {
        format!("{}={}", self.attribute, escape_dn(&self.value))
    }

    /// The DN of an entry with this name below `parent`.
    pub fn below(&self, parent: &str) -> String {
        format!("{},{parent}", self.text())
    }
}

/// The DN of the entry above; "" above the first.
pub fn parent_of(dn: &str) -> &str {
    cut(dn).1.trim_start()
}

/// The first part, and what follows its comma.
fn cut(dn: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in dn.char_indices() {
        match c {
            ',' | ';' if !escaped => return (dn.get(..at).unwrap_or(dn), dn.get(at + 1..).unwrap_or("")),
            _ => escaped = c == '\\' && !escaped,
        }
    }
    (dn, "")
}

fn unescaped(text: &str) -> Option<String> {
    let text = text.trim_start();
    if text.starts_with('#') {
        return None;
    }
    let mut octets = Vec::with_capacity(text.len());
    // Blanks at the end count only when they are escaped.
    let mut kept = 0;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '+' => return None,
            '\\' => {
                let first = rest.next()?;
                match first.to_digit(16) {
                    Some(high) => octets.push(u8::try_from(high * 16 + rest.next()?.to_digit(16)?).ok()?),
                    None => octets.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes()),
                }
                kept = octets.len();
            }
            c => {
                octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                kept = if c == ' ' { kept } else { octets.len() };
            }
        }
    }
    octets.truncate(kept);
    String::from_utf8(octets).ok().filter(|value| !value.is_empty())
}

/// Whether this may stand where a filter or a request names an attribute: a short name or an OID, with options
/// (RFC 4512 section 2.5).
pub fn is_attribute(name: &str) -> bool {
    let mut parts = name.split(';');
    let base = parts.next().unwrap_or_default();
    let is_plain = |text: &str| {
        !text.is_empty() && text.len() <= 256 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let is_name = is_plain(base) && base.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_oid = base.contains('.')
        && base.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|c| c.is_ascii_digit()));
    (is_name || is_oid) && parts.all(is_plain)
}

/// `(attribute=value)`, where the value means only itself; `None` when the name is no attribute's.
pub fn equality(attribute: &str, value: &str) -> Option<String> {
    is_attribute(attribute).then(|| format!("({attribute}={})", escape_filter(value.as_bytes())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_taken_apart_as_it_is_written() {
        let rdn = |dn| Rdn::of(dn).map(|rdn| (rdn.attribute, rdn.value));
        let some = |attribute: &str, value: &str| Some((attribute.to_owned(), value.to_owned()));
        assert_eq!(rdn("CN=Davis\\, Jr.,OU=A,DC=x"), some("CN", "Davis, Jr."));
        assert_eq!(rdn("cn = a b  ,dc=x"), some("cn", "a b"));
        assert_eq!(rdn("cn=\\e7\\94\\b0中\\ "), some("cn", "田中 "));
        for none in ["cn=a+uid=b,dc=x", "cn=#0401", "cn", "", "cn=", "cn=a\\", "c n=a"] {
            assert_eq!(rdn(none), None, "{none}");
        }
        assert_eq!(parent_of("CN=Davis\\, Jr., OU=A,DC=x"), "OU=A,DC=x");
        assert_eq!(parent_of("cn=a\\\\,dc=x"), "dc=x");
        assert_eq!(parent_of("dc=x"), "");
    }

    #[test]
    fn an_attribute_is_a_name_or_an_oid() {
        for name in ["cn", "msDS-User", "userCertificate;binary", "2.5.4.3", "cn;lang-ja"] {
            assert!(is_attribute(name), "{name}");
        }
        for name in ["", "@active", "c n", "cn)(uid=*", "1", "cn;", "2.5.", "-a", "名"] {
            assert!(!is_attribute(name), "{name}");
        }
        assert_eq!(equality("cn", "*)(").as_deref(), Some("(cn=\\2a\\29\\28)"));
        assert_eq!(equality("cn)(uid", "a"), None);
    }

    proptest! {
        #[test]
        fn what_is_put_together_comes_apart_again(value in "[ -~é田\\x01]{1,20}") {
            let rdn = Rdn::new("cn", value);
            let dn = rdn.below("ou=a\\, b,dc=x");
            prop_assert_eq!(Rdn::of(&dn), Some(rdn));
            prop_assert_eq!(parent_of(&dn), "ou=a\\, b,dc=x");
        }
    }
}
