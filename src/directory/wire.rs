//! What comes over the wire, read without a panic: [`Entry`] and the answer of the password-policy control.
//!
//! ldap3's own `SearchEntry::construct` panics on a malformed entry and splits values by whether they happen to be
//! UTF-8; this keeps octets and order.

use std::fmt;

use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag, TagClass, parse_tag};
use ldap3::controls::{Control, RawControl};

use super::Reason;
use super::active_directory::reason_of_sub_code;

/// draft-behera-ldap-password-policy: without it OpenLDAP answers a plain success to who must change the password.
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// RFC 4511 A.2: the one result that says name or password was wrong.
const INVALID_CREDENTIALS: u32 = 49;

/// One entry of a search result.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The distinguished name.
    pub(super) dn: String,
    /// Name and values in the server's order and spelling.
    pub(super) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// Decodes a SearchResultEntry (RFC 4511 section 4.5.2); `None` when it is malformed.
    pub(super) fn decode(result: ResultEntry) -> Option<Self> {
        let mut parts = result.0.match_id(4)?.expect_constructed()?.into_iter();
        let dn = text(parts.next()?)?;
        let mut attributes = Vec::new();
        for attribute in parts.next()?.expect_constructed()? {
            let mut parts = attribute.expect_constructed()?.into_iter();
            let name = text(parts.next()?)?;
            let values = parts.next()?.expect_constructed()?;
            let values =
                values.into_iter().map(StructureTag::expect_primitive).collect::<Option<Vec<_>>>()?;
            attributes.push((name, values));
        }
        Some(Self { dn, attributes })
    }

    /// The first attribute that came in part, as Active Directory cuts those with many values
    /// (\[MS-ADTS\] 3.1.1.3.1.3.3): `member;range=0-1499`, and of the last part `member;range=1500-*`.
    pub(super) fn cut(&self) -> Option<Cut> {
        self.attributes.iter().enumerate().find_map(|(at, (name, _))| Cut::of(at, name))
    }

    /// Appends the next part of an attribute. True when it is whole now; `None` when the answer is not that part.
    pub(super) fn append(&mut self, cut: &Cut, part: Self) -> Option<bool> {
        let (next, values) = part.attributes.into_iter().find_map(|(name, values)| {
            Some((Cut::of(cut.at, &name).filter(|next| next.name.eq_ignore_ascii_case(&cut.name))?, values))
        })?;
        let (name, held) = self.attributes.get_mut(cut.at)?;
        let moves = next.end.is_none() || !values.is_empty();
        held.extend(values);
        if next.end.is_some() {
            *name = next.written;
            return moves.then_some(false);
        }
        self.make_whole(cut);
        Some(true)
    }

    /// Takes the part for the whole attribute, without the empty one of the same name that comes beside it.
    pub(super) fn make_whole(&mut self, cut: &Cut) {
        if let Some((name, _)) = self.attributes.get_mut(cut.at) {
            name.clone_from(&cut.name);
        }
        let is_hollow =
            |name: &str, values: &Vec<_>| values.is_empty() && name.eq_ignore_ascii_case(&cut.name);
        self.attributes.retain(|(name, values)| !is_hollow(name, values));
    }

    /// All values of an attribute; names are compared without case.
    pub(super) fn values(&self, name: &str) -> &[Vec<u8>] {
        let found = self.attributes.iter().find(|(held, _)| held.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values)
    }

    /// The first value as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values(name).first().and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first value as a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }

    /// All values that are text.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).iter().filter_map(|value| std::str::from_utf8(value).ok())
    }
}

#[cfg(test)]
impl Entry {
    /// With one value of each attribute.
    pub(super) fn of(attributes: &[(&str, &[u8])]) -> Self {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![value.to_vec()]));
        Self { dn: "uid=t,dc=example".to_owned(), attributes: attributes.collect() }
    }
}

/// A part of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    at: usize,
    /// The name without the range.
    pub(super) name: String,
    written: String,
    /// The number of the last value of the part; `None` for the last part.
    pub(super) end: Option<usize>,
}

impl Cut {
    fn of(at: usize, written: &str) -> Option<Self> {
        // Most names have no option at all, and this is asked of each one of a large reading.
        if !written.contains(';') {
            return None;
        }
        let (name, range) = written.rsplit_once(";range=").or_else(|| written.rsplit_once(";Range="))?;
        let (_, end) = range.split_once('-')?;
        let end = if end == "*" { None } else { Some(end.parse().ok()?) };
        Some(Self { at, name: name.to_owned(), written: written.to_owned(), end })
    }
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(tag.expect_primitive()?).ok()
}

/// The server's answer to a bind, or to the write of a password.
#[derive(Debug, Clone)]
pub(super) struct BindAnswer {
    /// The result code.
    pub(super) code: u32,
    /// The diagnostic message.
    pub(super) text: String,
    /// The `error` of the password-policy control.
    pub(super) policy_error: Option<u8>,
    /// Its `warning`, of a bind: the seconds that the password is good for; none are left while grace logins last.
    pub(super) expires_in: Option<u32>,
}

impl fmt::Display for BindAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "result {}", self.code)?;
        match self.code {
            8 => f.write_str(" (strongerAuthRequired)")?,
            13 => f.write_str(" (confidentialityRequired)")?,
            INVALID_CREDENTIALS => f.write_str(" (invalidCredentials)")?,
            _ => {}
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, ": {}", self.text) }
    }
}

/// What a bind's answer means for the person; `None` when it says nothing about the password.
pub(super) fn judge_bind(answer: &BindAnswer) -> Option<Result<(), Reason>> {
    // draft-behera-ldap-password-policy 6.2
    let policy = match answer.policy_error {
        Some(0) => Some(Reason::PasswordExpired),
        Some(1) => Some(Reason::Locked { until: None }),
        Some(2) => Some(Reason::PasswordMustChange),
        _ => None,
    };
    match answer.code {
        0 => Some(policy.map_or(Ok(()), Err)),
        // invalidCredentials, noSuchObject, inappropriateAuthentication (an entry without password)
        49 | 32 | 48 => {
            Some(Err(policy.or_else(|| reason_of_sub_code(&answer.text)).unwrap_or(Reason::WrongPassword)))
        }
        // 389 Directory Server: 19 "Exceed password retry limit", 53 "Account inactivated".
        19 if answer.text.contains("retry limit") => Some(Err(Reason::Locked { until: None })),
        53 if answer.text.contains("inactivated") => Some(Err(Reason::Disabled)),
        _ => policy.map(Err),
    }
}

/// The request control that makes OpenLDAP and relatives tell why.
pub(super) fn password_policy_request() -> RawControl {
    RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: None }
}

/// The `error` of PasswordPolicyResponseValue ::= SEQUENCE { warning [0] CHOICE OPTIONAL, error [1] ENUMERATED OPTIONAL }.
pub(super) fn password_policy_error(controls: &[Control]) -> Option<u8> {
    match password_policy_part(controls, 1)? {
        PL::P(octets) => octets.last().copied(),
        PL::C(_) => None,
    }
}

/// Its `warning`, CHOICE { timeBeforeExpiration [0] INTEGER, graceAuthNsRemaining [1] INTEGER }, in seconds.
pub(super) fn password_policy_expiry(controls: &[Control]) -> Option<u32> {
    let PL::C(choice) = password_policy_part(controls, 0)? else { return None };
    let warning = choice.into_iter().next().filter(|part| part.class == TagClass::Context)?;
    match (warning.id, warning.payload) {
        (0, PL::P(octets)) if octets.len() <= 5 => {
            let seconds = octets.iter().fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
            u32::try_from(seconds).ok()
        }
        (1, PL::P(_)) => Some(0),
        _ => None,
    }
}

fn password_policy_part(controls: &[Control], id: u64) -> Option<PL> {
    let Control(_, raw) = controls.iter().find(|Control(_, raw)| raw.ctype == PASSWORD_POLICY)?;
    let (_, sequence) = parse_tag(raw.val.as_deref()?).ok()?;
    let mut parts = sequence.expect_constructed()?.into_iter();
    Some(parts.find(|part| part.class == TagClass::Context && part.id == id)?.payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(value: &[u8]) -> Vec<Control> {
        let raw = RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: Some(value.to_vec()) };
        vec![Control(None, raw)]
    }

    #[test]
    fn the_policy_answer_is_decoded() {
        assert_eq!(password_policy_error(&policy(&[0x30, 0x03, 0x81, 0x01, 0x02])), Some(2));
        let warned = [0x30, 0x08, 0xa0, 0x03, 0x80, 0x01, 0x05, 0x81, 0x01, 0x00];
        assert_eq!(password_policy_error(&policy(&warned)), Some(0));
        assert_eq!(password_policy_expiry(&policy(&warned)), Some(5));
        let seconds = |octets: &[u8]| {
            let length = u8::try_from(octets.len()).unwrap();
            let mut value = vec![0x30, length + 4, 0xa0, length + 2, 0x80, length];
            value.extend_from_slice(octets);
            password_policy_expiry(&policy(&value))
        };
        assert_eq!(seconds(&[0x00, 0xff, 0xff]), Some(65535));
        assert_eq!(seconds(&[0x01, 0, 0, 0, 0]), None, "more than fits");
        let grace = [0x30, 0x05, 0xa0, 0x03, 0x81, 0x01, 0x02];
        assert_eq!(password_policy_expiry(&policy(&grace)), Some(0));
        assert_eq!(password_policy_expiry(&policy(&[0x30, 0x03, 0x81, 0x01, 0x02])), None);
        assert_eq!(password_policy_error(&policy(&[0x30, 0x00])), None);
        assert_eq!(password_policy_error(&policy(&[0x30, 0x7f, 0x81])), None);
        assert_eq!(password_policy_error(&[]), None);
    }

    #[test]
    fn must_change_on_success_is_no_sign_in() {
        let answer = |code, text: &str, policy_error| BindAnswer {
            code,
            text: text.to_owned(),
            policy_error,
            expires_in: None,
        };
        assert_eq!(judge_bind(&answer(0, "", None)), Some(Ok(())));
        assert_eq!(judge_bind(&answer(0, "", Some(2))), Some(Err(Reason::PasswordMustChange)));
        assert_eq!(judge_bind(&answer(49, "", Some(1))), Some(Err(Reason::Locked { until: None })));
        assert_eq!(judge_bind(&answer(49, "", Some(0))), Some(Err(Reason::PasswordExpired)));
        assert_eq!(
            judge_bind(&answer(49, "x, data 775, v1", None)),
            Some(Err(Reason::Locked { until: None }))
        );
        assert_eq!(judge_bind(&answer(49, "", None)), Some(Err(Reason::WrongPassword)));
        assert_eq!(judge_bind(&answer(8, "", None)), None);
        assert_eq!(judge_bind(&answer(53, "", None)), None);
    }

    #[test]
    fn parts_of_an_attribute_become_one() {
        let part = |names: &[(&str, &[&str])]| Entry {
            dn: "cn=big".to_owned(),
            attributes: names
                .iter()
                .map(|(name, values)| {
                    ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect())
                })
                .collect(),
        };
        let mut entry = part(&[("member", &[]), ("member;range=0-1", &["a", "b"]), ("cn", &["big"])]);
        let cut = entry.cut().unwrap();
        assert_eq!((cut.name.as_str(), cut.end), ("member", Some(1)));
        assert_eq!(entry.append(&cut, part(&[("member;range=2-3", &["c", "d"])])), Some(false));
        let cut = entry.cut().unwrap();
        assert_eq!(cut.end, Some(3));
        assert_eq!(entry.clone().append(&cut, part(&[("member;range=4-5", &[])])), None, "no end");
        assert_eq!(entry.clone().append(&cut, part(&[("memberOf;range=4-*", &["x"])])), None, "another");
        assert_eq!(entry.append(&cut, part(&[("member;range=4-*", &["e"])])), Some(true));
        assert_eq!(entry.texts("member").collect::<String>(), "abcde");
        assert_eq!((entry.cut(), entry.attributes.len()), (None, 2));
    }

    #[test]
    fn a_malformed_entry_is_refused_not_a_panic() {
        let leaf = |id| StructureTag { class: TagClass::Application, id, payload: PL::P(vec![0xff]) };
        assert!(Entry::decode(ResultEntry::new(leaf(4))).is_none());
        assert!(Entry::decode(ResultEntry::new(leaf(9))).is_none());
        let hollow = StructureTag { class: TagClass::Application, id: 4, payload: PL::C(vec![leaf(4)]) };
        assert!(Entry::decode(ResultEntry::new(hollow)).is_none());
    }
}
