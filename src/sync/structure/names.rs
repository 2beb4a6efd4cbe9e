//! Names of entries as texts that can be compared: [`normal`], and the tree that they are in.

use crate::directory::dn::Dn;

/// One text for all spellings of a DN; what is no DN stands for itself, without case.
pub(crate) fn normal(dn: &str) -> String {
    if is_plain(dn) {
        return dn.to_lowercase();
    }
    Dn::parse(dn).map_or_else(|| dn.to_lowercase(), |parsed| parsed.normal())
}

/// Whether lower case is all that it needs, as almost always: directories write their own names in one way.
fn is_plain(dn: &str) -> bool {
    let mut before = b',';
    let mut kind = false;
    for byte in dn.bytes() {
        match byte {
            b'\\' | b'"' | b'<' | b'>' | b';' | b'#' | 0x00..=0x1f | 0x7f.. => return false,
            b' ' if matches!(before, b',' | b'=') => return false,
            b',' if !kind || matches!(before, b' ' | b',' | b'=') => return false,
            b',' => kind = false,
            b'=' if kind => return false,
            b'=' if matches!(before, b' ' | b',') => return false,
            b'=' => kind = true,
            _ => {}
        }
        before = byte;
    }
    kind && !matches!(before, b' ' | b',' | b'=')
}

/// The normal name of the entry above.
pub(crate) fn parent(normal: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, byte) in normal.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => return normal.get(at + 1..),
            _ => {}
        }
    }
    None
}

/// The normal names of the entries above, from the nearest on.
pub(crate) fn ancestors(normal: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(normal), |above| parent(above))
}

/// The domain that a normal name is in: its last parts, as far as they are `dc`.
pub(crate) fn domain(normal: &str) -> &str {
    let all = std::iter::once(normal).chain(ancestors(normal));
    all.fold(normal, |domain, name| if name.starts_with("dc=") { domain } else { parent(name).unwrap_or("") })
}

/// How many parts a normal name has.
pub(crate) fn depth(normal: &str) -> usize {
    1 + ancestors(normal).count()
}

/// Whether an entry is below another, which is not itself.
pub(crate) fn is_below(normal: &str, base: &str) -> bool {
    normal.len() > base.len() && normal.ends_with(base) && ancestors(normal).any(|above| above == base)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_are_one() {
        let one = "cn=davis\\, jr.,ou=sales,dc=x";
        for text in ["CN=Davis\\2C Jr. , OU=Sales,DC=x", "cn=Davis\\, Jr.,ou=sales;dc=X", one] {
            assert_eq!(normal(text), one, "{text}");
        }
        assert_eq!(normal("CN=管理者,OU=\\e7\\ae\\a1,DC=X"), "cn=管理者,ou=管,dc=x");
        assert_eq!(normal("No Name"), "no name");
    }

    #[test]
    fn the_tree_is_by_whole_parts() {
        assert_eq!(parent("cn=a\\,b,ou=c,dc=x"), Some("ou=c,dc=x"));
        assert_eq!(parent("cn=a\\\\,ou=c"), Some("ou=c"));
        assert_eq!(parent("dc=x"), None);
        assert_eq!(ancestors("cn=a,ou=c,dc=x").collect::<Vec<_>>(), ["ou=c,dc=x", "dc=x"]);
        for (name, domain_of) in [
            ("cn=a,ou=c,dc=x,dc=y", "dc=x,dc=y"),
            ("cn=a\\,dc=b,ou=c,dc=x", "dc=x"),
            ("dc=a,ou=c,dc=x", "dc=x"),
            ("dc=x,dc=y", "dc=x,dc=y"),
            ("cn=a,o=c", ""),
            ("", ""),
        ] {
            assert_eq!(domain(name), domain_of, "{name}");
        }
        assert_eq!(depth("cn=a,ou=c,dc=x"), 3);
        assert!(is_below("cn=a,ou=c,dc=x", "ou=c,dc=x"));
        assert!(!is_below("ou=c,dc=x", "ou=c,dc=x"), "not itself");
        assert!(!is_below("cn=a\\,ou=c,dc=x", "ou=c,dc=x"), "a comma inside a value");
    }

    proptest! {
        #[test]
        fn the_short_way_and_the_long_one_agree(text in "[a-cA-C=,; \\\\#é\"+]{1,14}") {
            let long = Dn::parse(&text).map_or_else(|| text.to_lowercase(), |parsed| parsed.normal());
            prop_assert_eq!(normal(&text), long);
        }

        #[test]
        fn a_normal_name_stays(text in "[a-c]=[a-cA-C=; \\\\#é\"+]{1,14},dc=x") {
            prop_assert_eq!(normal(&normal(&text)), normal(&text));
        }
    }
}
