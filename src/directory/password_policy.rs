//! Why a directory did not take a new password: Active Directory has one code for every rule, so its rules are read and
//! judged here; a password policy (draft-behera-ldap-password-policy) says which one it was.

use unicode_normalization::UnicodeNormalization;

use super::PasswordRefusal;
use super::active_directory::{interval, moment_in};
use super::wire::Entry;
use crate::clock::{SignedDuration, Timestamp};

/// `DOMAIN_PASSWORD_COMPLEX` in pwdProperties (\[MS-SAMR\] 2.2.1.13).
const COMPLEX: i64 = 1;
/// So many of the five kinds of characters make a complex password.
const KINDS: usize = 3;
/// Parts of the person's name that are shorter may be in a password.
const SHORT_NAME: usize = 3;

/// The attributes of a domain that say what a password must be like, then those of a fine-grained policy.
pub(super) const RULES: [&str; 8] = [
    "minPwdLength",
    "pwdProperties",
    "minPwdAge",
    "pwdHistoryLength",
    "msDS-MinimumPasswordLength",
    "msDS-PasswordComplexityEnabled",
    "msDS-MinimumPasswordAge",
    "msDS-PasswordHistoryLength",
];

/// What Active Directory asks of a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    least: u32,
    complex: bool,
    least_age: Option<SignedDuration>,
    history: bool,
}

impl Rules {
    /// Of the root of a domain or of a fine-grained policy; `None` when they cannot be read.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let either = |domain, fine| entry.number(domain).or_else(|| entry.number(fine));
        let least = either("minPwdLength", "msDS-MinimumPasswordLength")?;
        let complex = match entry.text("msDS-PasswordComplexityEnabled") {
            Some(text) => text.eq_ignore_ascii_case("TRUE"),
            None => entry.number("pwdProperties")? & COMPLEX != 0,
        };
        Some(Self {
            least: u32::try_from(least).ok()?,
            complex,
            least_age: either("minPwdAge", "msDS-MinimumPasswordAge").and_then(interval),
            history: either("pwdHistoryLength", "msDS-PasswordHistoryLength")
                .is_some_and(|length| length > 0),
        })
    }

    /// Which rule a password offends that the domain did not take. `person` has pwdLastSet, sAMAccountName and displayName.
    pub(super) fn judge(
        &self,
        new: &str,
        person: &Entry,
        own_change: bool,
        now: Timestamp,
    ) -> PasswordRefusal {
        if u32::try_from(new.encode_utf16().count()).is_ok_and(|length| length < self.least) {
            return PasswordRefusal::TooShort { least: Some(self.least) };
        }
        if self.complex && !is_complex(new, person) {
            return PasswordRefusal::NotComplexEnough;
        }
        if own_change && let Some(until) = self.too_young_until(person, now) {
            return PasswordRefusal::TooYoung { until: Some(until) };
        }
        // What is left is its history, or a filter that the company installed.
        if own_change && self.history { PasswordRefusal::InHistory } else { PasswordRefusal::Policy }
    }

    fn too_young_until(&self, person: &Entry, now: Timestamp) -> Option<Timestamp> {
        let set = moment_in(person, "pwdLastSet")?;
        set.checked_add(self.least_age?).ok().filter(|until| *until > now)
    }
}

/// When a password ends, as Active Directory works it out.
pub(super) const COMPUTED_EXPIRY: &str = "msDS-UserPasswordExpiryTimeComputed";

/// The moment of [`COMPUTED_EXPIRY`]; `None` for never, and for one that must be changed now.
pub(super) fn computed_expiry(entry: &Entry) -> Option<Timestamp> {
    moment_in(entry, COMPUTED_EXPIRY)
}

/// The rule of "Password must meet complexity requirements".
fn is_complex(new: &str, person: &Entry) -> bool {
    let kinds: [fn(char) -> bool; 5] = [
        |c| c.is_uppercase(),
        |c| c.is_lowercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_alphanumeric(),
        |c| c.is_alphabetic() && !c.is_uppercase() && !c.is_lowercase(),
    ];
    let shown = kinds.iter().filter(|kind| new.chars().any(kind)).count();
    let fold = |text: &str| text.nfkc().flat_map(char::to_lowercase).collect::<String>();
    let folded = fold(new);
    let holds = |part: &str| part.chars().count() >= SHORT_NAME && folded.contains(&fold(part));
    let login = person.text("sAMAccountName").is_some_and(holds);
    let parts = person.text("displayName").unwrap_or_default();
    let separators = [',', '.', '-', '_', ' ', '#', '\t', '\u{3000}'];
    shown >= KINDS && !login && !parts.split(separators).any(holds)
}

/// The refusal behind the `error` of a password policy's answer.
pub(super) fn refusal_of_policy(error: u8) -> Option<PasswordRefusal> {
    // draft-behera-ldap-password-policy 6.2; 9 is "too long" of newer servers.
    match error {
        3 | 4 => Some(PasswordRefusal::NotAllowed),
        5 => Some(PasswordRefusal::NotComplexEnough),
        6 => Some(PasswordRefusal::TooShort { least: None }),
        7 => Some(PasswordRefusal::TooYoung { until: None }),
        8 => Some(PasswordRefusal::InHistory),
        9 => Some(PasswordRefusal::Unusable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &str)]) -> Entry {
        let attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()]))
            .collect();
        Entry { dn: String::new(), attributes }
    }

    fn domain(history: &str) -> Rules {
        Rules::of(&entry(&[
            ("minPwdLength", "7"),
            ("pwdProperties", "1"),
            ("minPwdAge", "-864000000000"),
            ("pwdHistoryLength", history),
        ]))
        .unwrap()
    }

    #[test]
    fn the_rules_of_a_domain_tell_which_one_was_offended() {
        let now: Timestamp = "2024-05-01T12:00:00Z".parse().unwrap();
        let set = |hours: i64| ((now.as_second() - hours * 3600 + 11_644_473_600) * 10_000_000).to_string();
        let (yesterday, today) = (set(25), set(1));
        let person = |set: &str| {
            entry(&[("pwdLastSet", set), ("sAMAccountName", "tanaka"), ("displayName", "Taro Tanaka, Jr")])
        };
        let judge = |new: &str, set: &str| domain("24").judge(new, &person(set), true, now);
        assert_eq!(judge("Aa1!aa", &yesterday), PasswordRefusal::TooShort { least: Some(7) });
        assert_eq!(judge("aaaaaaa1", &yesterday), PasswordRefusal::NotComplexEnough);
        assert_eq!(judge("xTaNaKa1!", &yesterday), PasswordRefusal::NotComplexEnough, "the login name");
        assert_eq!(judge("Btaro123", &yesterday), PasswordRefusal::NotComplexEnough, "a part of the name");
        assert_eq!(
            judge("Sakura1jr", &yesterday),
            PasswordRefusal::InHistory,
            "two letters of a name are none"
        );
        assert_eq!(judge("さくらABc1", &yesterday), PasswordRefusal::InHistory);
        let tomorrow = "2024-05-02T11:00:00Z".parse().ok();
        assert_eq!(judge("Sakura123", &today), PasswordRefusal::TooYoung { until: tomorrow });
        let by_admin = domain("24").judge("Sakura123", &person(&today), false, now);
        assert_eq!(by_admin, PasswordRefusal::Policy, "age and history do not bind an administrator");
        assert_eq!(domain("0").judge("Sakura123", &person("0"), true, now), PasswordRefusal::Policy);
    }

    #[test]
    fn a_fine_grained_policy_has_rules_of_its_own() {
        let fine = Rules::of(&entry(&[
            ("msDS-MinimumPasswordLength", "14"),
            ("msDS-PasswordComplexityEnabled", "FALSE"),
            ("msDS-MinimumPasswordAge", "0"),
            ("msDS-PasswordHistoryLength", "3"),
        ]));
        assert_eq!(fine, Some(Rules { least: 14, complex: false, least_age: None, history: true }));
        assert_eq!(Rules::of(&entry(&[("pwdProperties", "1")])), None);
    }

    #[test]
    fn never_is_no_moment() {
        let computed = |value| computed_expiry(&entry(&[(COMPUTED_EXPIRY, value)]));
        assert_eq!((computed("0"), computed("9223372036854775807"), computed("x")), (None, None, None));
        assert_eq!(computed("133589952000000000"), "2024-05-01T00:00:00Z".parse().ok());
    }
}
