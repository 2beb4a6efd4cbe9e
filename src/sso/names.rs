//! Names that a directory's entry gives, for the NameID formats that mean names of other systems (saml-core 8.3).

use crate::identity::Subject;

/// `DOMAIN\user` (saml-core 8.3.4): what Active Directory says itself, if `msDS-PrincipalName` was read, else of the
/// directory's one NetBIOS name and sAMAccountName.
pub(super) fn windows_domain(subject: &Subject, netbios: Option<&str>) -> Option<String> {
    let whole = |name: &&str| {
        name.split_once('\\').is_some_and(|(domain, user)| !domain.is_empty() && !user.is_empty())
    };
    if let Some(name) = subject.attributes.first_text("msDS-PrincipalName").filter(whole) {
        return Some(name.to_owned());
    }
    let account = subject.attributes.first_text("sAMAccountName").filter(|name| !name.is_empty())?;
    Some(format!("{}\\{account}", netbios?))
}

/// `user@REALM` (saml-core 8.3.5): the entry's own krbPrincipalName; in Active Directory sAMAccountName at the domain of
/// the DN, which is what tickets say; else userPrincipalName, which may be a second name.
pub(super) fn kerberos(subject: &Subject) -> Option<String> {
    let attributes = &subject.attributes;
    let whole = |name: &&str| {
        name.rsplit_once('@').is_some_and(|(user, realm)| !user.is_empty() && !realm.is_empty())
    };
    let own = attributes.first_text("krbPrincipalName").filter(whole).map(str::to_owned);
    let ticket = || {
        let account = attributes.first_text("sAMAccountName").filter(|name| !name.is_empty())?;
        Some(format!("{account}@{}", realm(subject.dn.as_deref()?)?))
    };
    let second = || attributes.first_text("userPrincipalName").filter(whole).map(str::to_owned);
    own.or_else(ticket).or_else(second)
}

/// The realm of the domain that a DN ends with.
fn realm(dn: &str) -> Option<String> {
    let component = |part: &str| {
        let (kind, value) = part.split_once('=')?;
        let value = value.trim();
        (kind.trim().eq_ignore_ascii_case("dc") && !value.is_empty()).then(|| value.to_uppercase())
    };
    let mut labels: Vec<String> = dn.rsplit(',').map_while(component).collect();
    labels.reverse();
    (!labels.is_empty()).then(|| labels.join("."))
}

/// Whether a text looks like an addr-spec (RFC 2822 3.4.1): something on both sides of one last `@`, without blanks.
pub(super) fn is_address(text: &str) -> bool {
    let blank = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';');
    !text.contains(blank)
        && text.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !local.contains('@') && !domain.starts_with('.')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SubjectId;

    fn person(dn: Option<&str>, attributes: &[(&str, &str)]) -> Subject {
        Subject {
            id: SubjectId { directory: "corp".to_owned(), key: "1".to_owned() },
            login: "tanaka".to_owned(),
            display_name: "田中".to_owned(),
            dn: dn.map(str::to_owned),
            attributes: attributes.iter().map(|(name, value)| (*name, vec![*value])).collect(),
            password_expires: None,
        }
    }

    #[test]
    fn windows_names_are_what_the_domain_says_or_of_its_one_name() {
        let account = ("sAMAccountName", "tanaka");
        for (attributes, netbios, expected) in [
            (
                &[account, ("msDS-PrincipalName", "EXAMPLE\\tanaka")][..],
                Some("OTHER"),
                Some("EXAMPLE\\tanaka"),
            ),
            (&[account, ("msDS-PrincipalName", "S-1-5-21")], Some("EXAMPLE"), Some("EXAMPLE\\tanaka")),
            (&[account, ("msDS-PrincipalName", "\\tanaka")], None, None),
            (&[account], Some("EXAMPLE"), Some("EXAMPLE\\tanaka")),
            (&[account], None, None),
            (&[("uid", "tanaka")], Some("EXAMPLE"), None),
            (&[("sAMAccountName", "")], Some("EXAMPLE"), None),
        ] {
            let subject = person(None, attributes);
            assert_eq!(windows_domain(&subject, netbios).as_deref(), expected, "{attributes:?} {netbios:?}");
        }
    }

    #[test]
    fn kerberos_names_are_those_of_tickets() {
        let dn = "CN=Tanaka\\, Taro,OU=DC=x,DC=example,dc = co,DC=jp";
        let account = ("sAMAccountName", "tanaka");
        let upn = ("userPrincipalName", "taro@example.com");
        for (dn, attributes, expected) in [
            (Some(dn), &[account, upn][..], Some("tanaka@EXAMPLE.CO.JP")),
            (Some(dn), &[account, ("krbPrincipalName", "t/admin@REALM")], Some("t/admin@REALM")),
            (Some(dn), &[account, ("krbPrincipalName", "t")], Some("tanaka@EXAMPLE.CO.JP")),
            (Some("CN=Tanaka,O=Example"), &[account, upn], Some("taro@example.com")),
            (None, &[account], None),
            (Some(dn), &[("userPrincipalName", "taro@")], None),
            (Some(dn), &[], None),
        ] {
            assert_eq!(kerberos(&person(dn, attributes)).as_deref(), expected, "{dn:?} {attributes:?}");
        }
    }

    #[test]
    fn addresses_have_two_sides() {
        for address in ["tanaka@example.jp", "\"a.b\"+c@例.jp", "a@localhost"] {
            assert!(is_address(address), "{address}");
        }
        for other in ["tanaka", "@example.jp", "tanaka@", "a@b@c", "a b@c", "a@.jp", "A <a@b>", "a@b,c@d", ""]
        {
            assert!(!is_address(other), "{other}");
        }
    }
}
