//! What only Active Directory does: sub-codes of a refused bind, objectGUID, userAccountControl, FILETIME, and the
//! matching rule that follows nested groups.

use super::Reason;
use super::filter::escape_filter;
use super::wire::Entry;
use crate::clock::{SignedDuration, Timestamp};

/// The value of `supportedCapabilities` in the root DSE by which a server says that it is Active Directory.
pub const CAPABILITY: &str = "1.2.840.113556.1.4.800";

/// `ADS_UF_ACCOUNTDISABLE` in userAccountControl.
const ACCOUNT_DISABLED: i64 = 0x2;

/// Seconds from 1601-01-01, where FILETIME begins, to 1970-01-01.
const FILETIME_TO_UNIX: i64 = 11_644_473_600;

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
        "775" => Some(Reason::Locked { until: None }),
        _ => None,
    }
}

/// What the entry itself says against signing in: disabled, or its time is over.
pub(super) fn bar(entry: &Entry, now: Timestamp) -> Option<Reason> {
    if entry.number("userAccountControl").is_some_and(|flags| flags & ACCOUNT_DISABLED != 0) {
        return Some(Reason::Disabled);
    }
    (moment_in(entry, "accountExpires")? <= now).then_some(Reason::AccountExpired)
}

/// A FILETIME, 100 ns since 1601 (\[MS-DTYP\] 2.3.3), to the second; `None` for what lies beyond all calendars.
pub fn moment(filetime: i64) -> Option<Timestamp> {
    let second = filetime.div_euclid(10_000_000).checked_sub(FILETIME_TO_UNIX)?;
    Timestamp::from_second(second).ok()
}

/// The moment that an attribute holds; 0 and the largest number mean never.
pub(super) fn moment_in(entry: &Entry, name: &str) -> Option<Timestamp> {
    entry.number(name).filter(|filetime| *filetime != 0).and_then(moment)
}

/// A negative count of 100 ns; zero and the smallest number mean for ever.
pub(super) fn interval(number: i64) -> Option<SignedDuration> {
    let ticks = number.checked_neg().filter(|ticks| *ticks > 0)?;
    Some(SignedDuration::from_micros(ticks / 10))
}

/// The naming context that holds this DN: its last `DC=` parts. Empty when there are none.
pub fn domain_of(dn: &str) -> &str {
    let is_part =
        |part: &str| part.trim_start().get(..3).is_some_and(|start| start.eq_ignore_ascii_case("DC="));
    let length: usize = dn.rsplit(',').take_while(|part| is_part(part)).map(|part| part.len() + 1).sum();
    dn.get(dn.len().saturating_sub(length.saturating_sub(1))..)
        .filter(|_| length > 0)
        .unwrap_or("")
        .trim_start()
}

/// The DNS name of the domain that holds this DN, as in `example.test`. Empty when there is none.
pub fn dns_name_of(dn: &str) -> String {
    let labels = domain_of(dn).split(',').filter_map(|part| part.trim().get(3..));
    labels.map(str::trim).collect::<Vec<_>>().join(".")
}

/// objectGUID as a key: the 16 octets in Active Directory's order, in lower-case hexadecimal.
pub fn guid_key(octets: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(octets)
}

/// The octets of such a key.
pub fn guid_octets(key: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok().filter(|octets| octets.len() == 16)
}

/// All groups that hold one of these DNs, through groups in groups (LDAP_MATCHING_RULE_IN_CHAIN); cycles end by
/// themselves.
pub fn groups_filter(dns: &[&str]) -> String {
    let each = |dn: &&str| format!("(member:1.2.840.113556.1.4.1941:={})", escape_filter(dn.as_bytes()));
    format!("(|{})", dns.iter().map(each).collect::<String>())
}

/// The SID of the same domain with another relative identifier, which is the last four octets (\[MS-DTYP\] 2.4.2.2).
pub fn sibling_sid(sid: &[u8], relative: u32) -> Option<Vec<u8>> {
    let domain = sid.get(..sid.len().checked_sub(4)?).filter(|domain| domain.len() >= 8)?;
    Some(domain.iter().copied().chain(relative.to_le_bytes()).collect())
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
            ("775", Reason::Locked { until: None }),
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

    #[test]
    fn a_sid_has_siblings() {
        let domain = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0];
        let sid = |relative: [u8; 4]| [&domain[..], &relative].concat();
        assert_eq!(sibling_sid(&sid([0x50, 4, 0, 0]), 513), Some(sid([1, 2, 0, 0])));
        assert_eq!((sibling_sid(&[], 513), sibling_sid(&[1, 1, 0, 0, 0, 0, 0, 5], 513)), (None, None));
    }

    #[test]
    fn the_domain_is_the_end_of_a_dn() {
        assert_eq!(domain_of("CN=a\\,DC=x,OU=b, dc=example,DC=test"), "dc=example,DC=test");
        assert_eq!(domain_of("DC=example,DC=test"), "DC=example,DC=test");
        assert_eq!((domain_of("uid=a,o=example"), domain_of("")), ("", ""));
        assert_eq!(dns_name_of("CN=a\\,DC=x,OU=b, dc=Example, DC=test"), "Example.test");
        assert_eq!((dns_name_of("uid=a,o=example"), dns_name_of("")), (String::new(), String::new()));
    }
}
