//! [`SyncError`]: why a run did not come to its end, with the code and the line that the log of old has for it.

use super::object::ObjectType;
use super::plan::PlanFileError;
use super::scope::ScopeError;
use super::state::StateError;
use super::structure::ConventionError;
use super::target::{FaultKind, Target, TargetFault, known_by};
use super::words::{self, Failed};
use crate::directory::{DirectoryError, NO_SUCH_OBJECT};

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The directory could not be read. Nobody loses anything by that.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The state could not be read or written, or is somebody else's at the moment.
    #[error(transparent)]
    State(#[from] StateError),
    /// The target did not answer, or not well.
    #[error("the target: {fault}")]
    Target {
        /// What it said.
        fault: TargetFault,
        /// Whom it knows us by.
        account: String,
    },
    /// A list of the target could not be had.
    #[error("the search at the target: {0}")]
    Listing(TargetFault),
    /// The target has very few of those that it had.
    #[error(
        "the target has lost {gone} of {linked} objects of type {}; nothing was sent. If they are to be made anew, run with --full --refill",
        .kind.as_str()
    )]
    Forgetful {
        /// Of which type.
        kind: ObjectType,
        /// How many are gone.
        gone: usize,
        /// Of how many.
        linked: usize,
    },
    /// There is no such person.
    #[error("nobody in the source has the login name \"{0}\", or the filter leaves them out")]
    Nobody(String),
    /// No group says who is carried.
    #[error(
        "the directory has no group that says who is carried (scope.who = \"selected\"): {0}; nothing was done"
    )]
    Unselected(String),
    /// There is nothing to allow.
    #[error("run {0} holds nothing back; `sekisho sync status` shows which one does")]
    NothingHeld(i64),
    /// It waits until it is resumed.
    #[error("\"{0}\" is paused; `sekisho sync resume {0}` lets it go on")]
    Paused(String),
    /// It was ended before it was known what is to be done.
    #[error("ended before anything was sent")]
    Cancelled,
    /// A name in the scope.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A name in the conventions.
    #[error(transparent)]
    Conventions(#[from] ConventionError),
    /// A plan from a file.
    #[error(transparent)]
    PlanFile(#[from] PlanFileError),
    /// What is to be kept cannot be written.
    #[error("the structure cannot be kept: {0}")]
    Kept(String),
}

impl SyncError {
    pub(super) fn at(target: &dyn Target, fault: TargetFault) -> Self {
        Self::Target { fault, account: known_by(target).to_owned() }
    }

    /// Of a list or a search: who asks may not be known any more.
    pub(super) fn listing(target: &dyn Target, fault: TargetFault) -> Self {
        if fault.is_of_credentials() { Self::at(target, fault) } else { Self::Listing(fault) }
    }

    /// Whether credentials were refused: they are so a minute later, too, and an account may be locked by more tries.
    pub fn is_refused_login(&self) -> bool {
        match self {
            Self::Target { fault, .. } | Self::Listing(fault) => fault.kind == FaultKind::Unauthorized,
            Self::Directory(DirectoryError::ServiceBind { .. }) => true,
            _ => false,
        }
    }

    /// The LDAP result code of log lines.
    pub fn code(&self) -> u16 {
        match self {
            Self::Target { fault, .. } | Self::Listing(fault) => fault.code,
            Self::Directory(DirectoryError::Unreachable { .. } | DirectoryError::Unanswered { .. }) => 81,
            Self::Directory(DirectoryError::ServiceBind { code, .. }) => words::code_of_bind(*code),
            Self::Directory(DirectoryError::Search { code: code @ (8 | 13), .. }) => {
                words::code_of_bind(*code)
            }
            Self::Directory(DirectoryError::Search { code: NO_SUCH_OBJECT, .. })
            | Self::Nobody(_)
            | Self::Unselected(_) => 32,
            Self::Forgetful { .. } | Self::Paused(_) => 53,
            _ => 80,
        }
    }

    /// What an administrator can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Cancelled => "run it again",
            Self::NothingHeld(_) => "give the number of a run that holds something back",
            Self::Paused(_) => "resume it when it is to go on",
            Self::Unselected(_) => {
                "make the group, let bind_dn read it, or correct idsync in [sync.conventions]"
            }
            Self::Nobody(_) => "correct the login name, or the filters in [[sync]]",
            Self::Forgetful { .. } => "look at the target before it is filled anew",
            Self::PlanFile(_) => "make the plan anew",
            Self::State(StateError::Leased { .. }) => "wait for the end of the other run",
            Self::State(_) => "see that the store can be written",
            Self::Directory(DirectoryError::Search { code: NO_SUCH_OBJECT, .. }) => {
                "correct search_base, or let bind_dn read what is there"
            }
            Self::Directory(DirectoryError::Search { code: 8 | 13, .. }) => words::remedy(self.code()),
            Self::Directory(DirectoryError::Search { .. }) => {
                "look at the directory's answer; check the filters in [[sync]] and what bind_dn may read"
            }
            Self::Directory(DirectoryError::Unreachable { cause, .. }) if words::is_untrusted(cause) => {
                words::remedy_of_trust(cause, true)
            }
            Self::Directory(DirectoryError::Unreachable { .. } | DirectoryError::Unanswered { .. }) => {
                "no connection; check urls of the [[directory]], and that a firewall lets this machine through"
            }
            Self::Directory(DirectoryError::Options { .. } | DirectoryError::Entry { .. }) => {
                "correct what the line names; nothing was sent"
            }
            Self::Directory(DirectoryError::Refused { .. }) => "look at the directory's answer",
            Self::Scope(_) | Self::Conventions(_) => "correct it in [[sync]]",
            Self::Kept(_) => "run it again with --full",
            Self::Target { fault, .. } | Self::Listing(fault) => words::remedy_of(fault.code, &fault.detail),
            Self::Directory(_) => words::remedy(self.code()),
        }
    }

    /// The lines of the log, as the log of old has them: what failed, if it has a word for that, and that the run of this
    /// target did. The cause stands in one of them.
    pub fn lines(&self, target: &str) -> (Option<String>, String) {
        let last = words::failure(Failed::Synchronizing(target, self.code()), 0, "");
        match self.line() {
            Some((line, true)) => (Some(line), last),
            other => (other.map(|(line, _)| line), words::one_line(format!("{last}: {self}"))),
        }
    }

    /// The line that says what failed, and whether it has the cause.
    fn line(&self) -> Option<(String, bool)> {
        let line = match self {
            Self::Directory(
                DirectoryError::Unreachable { directory, .. } | DirectoryError::Unanswered { directory, .. },
            ) => (words::failure(Failed::Connecting(directory), 0, ""), false),
            Self::Directory(DirectoryError::ServiceBind { bind_dn, cause, .. }) => {
                (words::failure(Failed::Binding(bind_dn), 0, cause), true)
            }
            Self::Directory(DirectoryError::Search { filter, base, cause, .. }) => {
                (words::failure(Failed::Searching(filter, base), 0, cause), true)
            }
            Self::Listing(fault) => (words::failure(Failed::SearchingTarget(fault.code), 0, ""), false),
            Self::Target { fault, account } if fault.kind == FaultKind::Unauthorized => {
                (words::failure(Failed::Binding(account), 0, &fault.detail), true)
            }
            _ => return None,
        };
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_wants_tls_is_told_apart_from_a_wrong_password() {
        let refused = |code| {
            let words = |text: &str| text.to_owned();
            let (directory, bind_dn) = (words("corp"), words("cn=svc"));
            let cause = format!("result {code}");
            SyncError::from(DirectoryError::ServiceBind { code, directory, bind_dn, cause })
        };
        for code in [8, 13] {
            let told = refused(code);
            assert_eq!(u32::from(told.code()), code);
            assert!(
                told.remedy().starts_with("the directory wants TLS; write ldaps://"),
                "{}",
                told.remedy()
            );
            assert!(
                told.to_string()
                    .ends_with("; the server wants TLS: write ldaps:// in urls, or start_tls = true")
            );
            assert!(told.is_refused_login());
        }
        assert_eq!(refused(49).code(), 49);
        assert!(refused(49).to_string().ends_with("; check bind_dn and bind_password"));
    }

    #[test]
    fn a_certificate_that_is_not_trusted_has_a_remedy_of_its_own() {
        let unreachable = |cause: &str| {
            let (directory, cause) = ("corp".to_owned(), cause.to_owned());
            SyncError::from(DirectoryError::Unreachable { directory, cause }).remedy()
        };
        let told = unreachable("ldaps://dc1: certificate verify failed: self-signed certificate");
        assert!(told.ends_with("name that in ca_certificate of the [[directory]]"), "{told}");
        let told = unreachable("ldaps://dc1: certificate verify failed: hostname mismatch");
        assert!(told.starts_with("write into urls of the [[directory]] the name"), "{told}");
        assert!(unreachable("refused").starts_with("no connection"));
    }

    #[test]
    fn what_a_directory_says_is_judged_by_its_code_alone() {
        let failed = |code| {
            SyncError::from(DirectoryError::Search {
                code,
                directory: "corp".to_owned(),
                filter: "(cn=*)".to_owned(),
                base: "dc=x".to_owned(),
                cause: "rc=53, text: \"noSuchObject\"".to_owned(),
            })
        };
        assert_eq!((failed(NO_SUCH_OBJECT).code(), failed(53).code(), failed(0).code()), (32, 80, 80));
        assert!(failed(NO_SUCH_OBJECT).remedy().starts_with("correct search_base"));
        assert!(failed(53).remedy().starts_with("look at the directory's answer"));
    }
}
