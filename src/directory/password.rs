//! What a directory says when a password is to be changed: [`PasswordChange`] to the person, [`PasswordReset`] to an
//! administrator, [`PasswordRefusal`] why the new one was not taken.

use super::Reason;
use super::dn::Dn;
use crate::clock::Timestamp;
use crate::identity::Subject;
use crate::secret::Secret;

/// What came of the change of one's own password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordChange {
    /// The old password was right, and the new one counts from now on.
    Changed,
    /// The old password was right; the new one was not taken.
    Refused(PasswordRefusal),
    /// The old password was wrong, or the account may do nothing.
    Denied(Reason),
}

/// Why a new password was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordRefusal {
    /// Too few characters.
    TooShort {
        /// How many there must be, where the directory lets us read that.
        least: Option<u32>,
    },
    /// It lacks kinds of characters, or holds the person's name.
    NotComplexEnough,
    /// It was used before.
    InHistory,
    /// The old one was changed too short a time ago.
    TooYoung {
        /// From when on it may be changed, where the directory lets us read that.
        until: Option<Timestamp>,
    },
    /// Empty, blank, too long, or with control characters.
    Unusable,
    /// Some rule of the directory's, which does not say which.
    Policy,
    /// The person, or the account that does it for the person, may not change it.
    NotAllowed,
}

impl PasswordRefusal {
    /// The stable word of log and audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::NotComplexEnough => "not_complex_enough",
            Self::InHistory => "in_history",
            Self::TooYoung { .. } => "too_young",
            Self::Unusable => "unusable",
            Self::Policy => "policy",
            Self::NotAllowed => "not_allowed",
        }
    }
}

/// The account that sets the password of somebody else, for one call.
#[derive(Debug)]
pub struct Administrator<'a> {
    /// Its DN.
    pub dn: &'a str,
    /// Its password.
    pub password: &'a Secret<String>,
    /// Only people at or below this DN; none: below the directory's own `search_base`.
    pub base: Option<&'a Dn>,
    /// Whose password is never set, beside those whom the directory calls privileged.
    pub spared: &'a [Dn],
}

/// What came of setting somebody's password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordReset {
    /// The administrator's own bind was refused.
    AdministratorDenied(Reason),
    /// Nobody has the login name, more than one has it, or not below the base.
    NoPerson(NoPerson),
    /// An account of administrators, services or computers: never set.
    Privileged,
    /// Not taken.
    Refused(PasswordRefusal),
    /// The new password counts from now on.
    Changed(Box<Subject>),
}

/// Why a login name means nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPerson {
    /// Nobody has it.
    Unknown,
    /// More than one entry has it.
    Ambiguous,
    /// The entry is elsewhere in the tree.
    Outside,
}

/// The longest password that is sent on, in octets; Active Directory takes 256 characters.
const LONGEST: usize = 1024;

/// Whether a new password may be sent to a directory at all.
pub(super) fn is_usable(new: &Secret<String>) -> bool {
    let new = new.expose();
    !new.trim().is_empty() && new.len() <= LONGEST && !new.chars().any(char::is_control)
}
