//! What only Active Directory does: sub-codes of a refused bind, objectGUID, userAccountControl, FILETIME, and the
//! matching rule that follows nested groups.

use super::Reason;
use super::filter::escape_filter;
use super::wire::Entry;
use crate::clock::Timestamp;

/// The value of `supportedCapabilities` in the root DSE by which a server says that it is Active Directory.
pub const CAPABILITY: &str = "1.2.840.113556.1.4.800";

/// `ADS_UF_ACCOUNTDISABLE` in userAccountControl.
const ACCOUNT_DISABLED: i64 = 0x2;

/// Seconds from 1601-01-01, where FILETIME begins, to 1970-01-01.
pub(super) const FILETIME_TO_UNIX: i64 = 11_644_473_600;

/// The reason behind result 49, from its text: `80090308: LdapErr: DSID-..., comment: ..., data 773, v1db1`.
pub fn reason_of_sub_code(text: &str) -> Option<Reason> {
    let (_, tail) = text.rsplit_once("data ")?;
    let code = tail.split([',', ' ', '\0']).next()?;
    match code.to_ascii_lowercase().as_str() {
        // 525 is "no such user": told apart from 52e it would say which names exist.
        "52e" | "525" => Some(Reason::WrongPassword),
        "530" => Some(Reason::LogonHours),
        "531" => Some(Reason::Workstation),
        "532" => Some(Reason::PasswordExpired),
        "533" => Some(Reason::Disabled),
        "701" => Some(Reason::AccountExpired),
        "773" => Some(Reason::PasswordMustChange),
        "775" => Some(Reason::Locked),
        _ => None,
    }
}

/// What the entry itself says against signing in: disabled, or its time is over.
pub(super) fn bar(entry: &Entry, now: Timestamp) -> Option<Reason> {
    let number = |name| entry.text(name).and_then(|text| text.parse::<i64>().ok());
    if number("userAccountControl").is_some_and(|flags| flags & ACCOUNT_DISABLED != 0) {
        return Some(Reason::Disabled);
    }
    match number("accountExpires") {
        // Both mean never.
        None | Some(0 | i64::MAX) => None,
        Some(filetime) => {
            let expires = filetime.div_euclid(10_000_000).saturating_sub(FILETIME_TO_UNIX);
            (expires <= now.as_second()).then_some(Reason::AccountExpired)
        }
    }
}

/// objectGUID as a key: the 16 octets in Active Directory's order, in lower-case hexadecimal.
pub fn guid_key(octets: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(octets)
}

/// The octets of such a key.
pub fn guid_octets(key: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok().filter(|octets| octets.len() == 16)
}

/// All groups that hold this DN, through groups in groups (LDAP_MATCHING_RULE_IN_CHAIN); cycles end by themselves.
pub fn groups_filter(dn: &str) -> String {
    format!("(member:1.2.840.113556.1.4.1941:={})", escape_filter(dn.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sub_code_has_its_reason() {
        let text = |code| {
            format!(
                "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {code}, v1db1\0"
            )
        };
        let known = [
            ("52e", Reason::WrongPassword),
            ("525", Reason::WrongPassword),
            ("530", Reason::LogonHours),
            ("531", Reason::Workstation),
            ("532", Reason::PasswordExpired),
            ("533", Reason::Disabled),
            ("701", Reason::AccountExpired),
            ("773", Reason::PasswordMustChange),
            ("775", Reason::Locked),
        ];
        for (code, reason) in known {
            assert_eq!(reason_of_sub_code(&text(code)), Some(reason), "{code}");
        }
        assert_eq!(reason_of_sub_code(&text("0")), None);
        assert_eq!(reason_of_sub_code("Invalid credentials"), None);
    }

    #[test]
    fn a_guid_has_a_key() {
        let octets: Vec<u8> = (0..16).collect();
        assert_eq!(guid_key(&octets), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(guid_octets(&guid_key(&octets)), Some(octets.clone()));
        assert_eq!(guid_octets("00"), None);
    }

    #[test]
    fn a_disabled_or_expired_entry_is_barred() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let entry = |name: &str, value: &str| Entry {
            dn: String::new(),
            attributes: vec![(name.to_owned(), vec![value.as_bytes().to_vec()])],
        };
        assert_eq!(bar(&entry("userAccountControl", "514"), now), Some(Reason::Disabled));
        assert_eq!(bar(&entry("userAccountControl", "512"), now), None);
        assert_eq!(bar(&entry("accountExpires", "133000000000000000"), now), Some(Reason::AccountExpired));
        assert_eq!(bar(&entry("accountExpires", "9223372036854775807"), now), None);
        assert_eq!(bar(&entry("accountExpires", "0"), now), None);
    }
}
