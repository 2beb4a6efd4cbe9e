//! [`Lockout`]: how near an account is to being locked by its directory, from what the directory shows of its own counting.
//!
//! Pure: `policy` reads the entries that are judged here. Active Directory counts in badPwdCount, which stands until a
//! success and means nothing once the observation window has passed since badPasswordTime;
//! password policies (draft-behera-ldap-password-policy 5.3) keep each failure in pwdFailureTime.

use super::active_directory::{interval, moment, moment_in};
use super::wire::Entry;
use crate::clock::{SignedDuration, Timestamp};

/// So much longer than its window a wrong password counts here: clocks differ, and the directory judges by its own.
const CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// `msDS-User-Account-Control-Computed`: locked.
const LOCKED: i64 = 0x10;

/// What `pwdAccountLockedTime` of an account begins with that an administrator locked; seconds may follow.
const FOR_GOOD: &str = "000001010000";

/// What a directory shows of the wrong passwords for an account. The default says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockout {
    /// Wrong passwords that it counts at present.
    pub wrong: u32,
    /// So many of them lock the account; `None` when nothing locks it or it is not said.
    pub threshold: Option<u32>,
    /// Whether it is locked: then a wrong password does no more harm.
    pub locked: bool,
    /// When the lock ends, where that is known.
    pub locked_until: Option<Timestamp>,
}

impl Lockout {
    /// How many wrong passwords may stand in the directory: one less than locks. Where one alone locks, it is let
    /// through, or nobody could ever sign in. `None`: as many as you like.
    pub fn most_wrong(&self) -> Option<u32> {
        self.threshold.filter(|_| !self.locked).map(|threshold| threshold.saturating_sub(1).max(1))
    }

    /// The worse of what two servers say.
    pub(super) fn or_worse(self, other: Self) -> Self {
        Self {
            wrong: self.wrong.max(other.wrong),
            threshold: self.threshold.or(other.threshold),
            locked: self.locked || other.locked,
            locked_until: self.locked_until.max(other.locked_until),
        }
    }
}

/// When accounts are locked, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LockoutPolicy {
    /// So many wrong passwords lock; `None`: they never do.
    pub(super) threshold: Option<u32>,
    /// How long a wrong password counts; `None`: until the next right one.
    pub(super) window: Option<SignedDuration>,
    /// How long a lock lasts; `None`: until an administrator ends it.
    pub(super) duration: Option<SignedDuration>,
}

impl LockoutPolicy {
    /// Of the root of a domain (lockoutThreshold ...) or of a fine-grained policy (msDS-LockoutThreshold ...). `None`
    /// when it cannot be read.
    pub(super) fn of_active_directory(entry: &Entry) -> Option<Self> {
        let number = |names: [&str; 2]| names.into_iter().find_map(|name| entry.number(name));
        let threshold = number(["lockoutThreshold", "msDS-LockoutThreshold"])?;
        let span = |names| number(names).and_then(interval);
        Some(Self {
            threshold: u32::try_from(threshold).ok().filter(|threshold| *threshold > 0),
            window: span(["lockOutObservationWindow", "msDS-LockoutObservationWindow"]),
            duration: span(["lockoutDuration", "msDS-LockoutDuration"]),
        })
    }

    /// Of a `pwdPolicy` entry.
    pub(super) fn of_password_policy(entry: &Entry) -> Self {
        let locks = entry.text("pwdLockout").is_some_and(|text| text.eq_ignore_ascii_case("TRUE"));
        let number = |name| entry.number(name).filter(|number| *number > 0);
        let span = |name| number(name).map(SignedDuration::from_secs);
        Self {
            threshold: number("pwdMaxFailure").filter(|_| locks).and_then(|most| u32::try_from(most).ok()),
            window: span("pwdFailureCountInterval"),
            duration: span("pwdLockoutDuration"),
        }
    }

    /// The stricter of two, where it is not known which one applies.
    pub(super) fn stricter(self, other: Self) -> Self {
        match (self.threshold, other.threshold) {
            (None, _) => other,
            (_, None) => self,
            (Some(mine), Some(others)) => Self {
                threshold: Some(mine.min(others)),
                window: self.window.zip(other.window).map(|(mine, others)| mine.max(others)),
                duration: self.duration.zip(other.duration).map(|(mine, others)| mine.max(others)),
            },
        }
    }
}

/// What an entry of Active Directory shows.
pub(super) fn of_account(entry: &Entry, policy: LockoutPolicy, now: Timestamp) -> Lockout {
    let counts = |since: Timestamp| policy.window.is_none_or(|window| within(since, window, now));
    let last = entry.number("badPasswordTime").and_then(moment);
    let wrong = entry.number("badPwdCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
    let locked_at = moment_in(entry, "lockoutTime");
    let is_locked = match entry.number("msDS-User-Account-Control-Computed") {
        Some(flags) => flags & LOCKED != 0,
        None => locked_at.is_some(),
    };
    // Without a time the count is taken as it stands.
    let wrong = if last.is_none_or(counts) { wrong } else { 0 };
    judged(wrong, policy, locked_at.filter(|_| is_locked), now)
}

fn judged(wrong: u32, policy: LockoutPolicy, locked_at: Option<Timestamp>, now: Timestamp) -> Lockout {
    let end = locked_at.zip(policy.duration).and_then(|(at, duration)| at.checked_add(duration).ok());
    let locked = locked_at.is_some() && end.is_none_or(|end| end > now);
    Lockout { wrong, threshold: policy.threshold, locked, locked_until: end.filter(|_| locked) }
}

/// What an entry under a password policy shows.
pub(super) fn of_policed_entry(entry: &Entry, policy: LockoutPolicy, now: Timestamp) -> Lockout {
    let counts = |since: &Timestamp| policy.window.is_none_or(|window| within(*since, window, now));
    let wrong = entry.texts("pwdFailureTime").filter_map(generalized_time).filter(counts).count();
    let wrong = u32::try_from(wrong).unwrap_or(u32::MAX);
    match entry.text("pwdAccountLockedTime") {
        Some(locked_at) if is_for_good(locked_at) => {
            Lockout { locked: true, ..judged(wrong, policy, None, now) }
        }
        locked_at => judged(wrong, policy, locked_at.and_then(generalized_time), now),
    }
}

/// Whether a value of `pwdAccountLockedTime` is an administrator's, not a time.
pub(super) fn is_for_good(locked_at: &str) -> bool {
    locked_at.starts_with(FOR_GOOD)
}

/// Whether a wrong password still counts.
fn within(since: Timestamp, window: SignedDuration, now: Timestamp) -> bool {
    since.checked_add(window.saturating_add(CLOCKS)).is_ok_and(|end| end > now)
}

/// GeneralizedTime of UTC (RFC 4517 3.3.13) to the second.
fn generalized_time(text: &str) -> Option<Timestamp> {
    let seconds = text.strip_suffix('Z')?.split('.').next()?;
    Timestamp::strptime("%Y%m%d%H%M%S%z", format!("{seconds}+0000")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> Entry {
        let values = |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let attributes = attributes.iter().map(|(name, held)| ((*name).to_owned(), values(held))).collect();
        Entry { dn: String::new(), attributes }
    }

    fn now() -> Timestamp {
        "2024-05-01T12:00:00Z".parse().unwrap()
    }

    /// FILETIME so many minutes before now.
    fn ago(minutes: i64) -> String {
        ((now().as_second() - minutes * 60 + 11_644_473_600) * 10_000_000).to_string()
    }

    fn half_an_hour() -> LockoutPolicy {
        let domain = [
            ("lockoutThreshold", &["5"][..]),
            ("lockOutObservationWindow", &["-18000000000"]),
            ("lockoutDuration", &["-18000000000"]),
        ];
        LockoutPolicy::of_active_directory(&entry(&domain)).unwrap()
    }

    #[test]
    fn a_policy_of_active_directory_is_read() {
        let minutes = Some(SignedDuration::from_mins(30));
        assert_eq!(half_an_hour(), LockoutPolicy { threshold: Some(5), window: minutes, duration: minutes });
        let fine_grained = entry(&[
            ("msDS-LockoutThreshold", &["3"]),
            ("msDS-LockoutObservationWindow", &["-18000000000"]),
            ("msDS-LockoutDuration", &["-9223372036854775808"]),
        ]);
        let policy = LockoutPolicy::of_active_directory(&fine_grained).unwrap();
        assert_eq!((policy.threshold, policy.duration), (Some(3), None));
        let never = LockoutPolicy::of_active_directory(&entry(&[("lockoutThreshold", &["0"])])).unwrap();
        assert_eq!(never.threshold, None);
        assert_eq!(LockoutPolicy::of_active_directory(&entry(&[])), None);
    }

    #[test]
    fn a_count_is_stale_after_the_window_and_what_clocks_may_differ_by() {
        let counted = |minutes| {
            let account = [("badPwdCount", "4"), ("badPasswordTime", &*ago(minutes))];
            let account = account.map(|(name, value)| (name.to_owned(), vec![value.as_bytes().to_vec()]));
            let account = Entry { dn: String::new(), attributes: account.to_vec() };
            of_account(&account, half_an_hour(), now()).wrong
        };
        assert_eq!((counted(0), counted(30), counted(34), counted(35), counted(600)), (4, 4, 4, 0, 0));
        let fresh = of_account(&entry(&[]), half_an_hour(), now());
        assert_eq!((fresh.wrong, fresh.most_wrong()), (0, Some(4)));
    }

    #[test]
    fn a_lock_ends_when_the_policy_says() {
        let locked = |minutes, flags: &str, policy| {
            let time = ago(minutes);
            let account =
                entry(&[("lockoutTime", &[time.as_str()]), ("msDS-User-Account-Control-Computed", &[flags])]);
            let shown = of_account(&account, policy, now());
            (shown.locked, shown.locked_until)
        };
        let end = |minutes| now().checked_add(SignedDuration::from_mins(minutes)).ok();
        assert_eq!(locked(10, "16", half_an_hour()), (true, end(20)));
        assert_eq!(locked(10, "0", half_an_hour()), (false, None));
        assert_eq!(locked(31, "16", half_an_hour()), (false, None));
        assert_eq!(locked(10, "16", LockoutPolicy { duration: None, ..half_an_hour() }), (true, None));
    }

    #[test]
    fn failures_of_a_password_policy_count_for_their_interval() {
        let policy = |more: &[(&str, &[&str])]| {
            let mut all: Vec<(&str, &[&str])> = vec![("pwdLockout", &["TRUE"]), ("pwdMaxFailure", &["3"])];
            all.extend(more);
            LockoutPolicy::of_password_policy(&entry(&all))
        };
        let account = entry(&[
            ("pwdFailureTime", &["20240501115800.123456Z", "20240501115900Z", "20240501100000.000001Z", "x"]),
            ("pwdAccountLockedTime", &["20240501115900Z"]),
        ]);
        let shown = |policy| of_policed_entry(&account, policy, now());
        let until_reset = shown(policy(&[]));
        assert_eq!((until_reset.wrong, until_reset.locked, until_reset.locked_until), (3, true, None));
        let hour = policy(&[("pwdFailureCountInterval", &["3600"]), ("pwdLockoutDuration", &["120"])]);
        assert_eq!((shown(hour).wrong, shown(hour).most_wrong()), (2, None));
        assert_eq!(shown(hour).locked_until, now().checked_add(SignedDuration::from_mins(1)).ok());
        assert_eq!(LockoutPolicy::of_password_policy(&entry(&[("pwdMaxFailure", &["3"])])).threshold, None);
        for written in ["000001010000Z", "00000101000000Z"] {
            let for_good = of_policed_entry(&entry(&[("pwdAccountLockedTime", &[written])]), hour, now());
            assert_eq!((for_good.locked, for_good.locked_until), (true, None), "{written}");
        }
    }

    #[test]
    fn of_two_policies_the_stricter_one_holds() {
        let never = LockoutPolicy::default();
        let three = LockoutPolicy { threshold: Some(3), window: None, duration: None };
        assert_eq!(never.stricter(half_an_hour()), half_an_hour());
        assert_eq!(half_an_hour().stricter(never), half_an_hour());
        assert_eq!(half_an_hour().stricter(three), three);
    }

    #[test]
    fn where_one_wrong_password_locks_one_is_let_through() {
        let most = |threshold| Lockout { threshold: Some(threshold), ..Lockout::default() }.most_wrong();
        assert_eq!((most(1), most(2), most(5)), (Some(1), Some(1), Some(4)));
        let locked = Lockout { threshold: Some(5), locked: true, ..Lockout::default() };
        assert_eq!(locked.most_wrong(), None, "a lock that is closed cannot be closed again");
    }
}
