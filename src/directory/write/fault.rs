//! [`WriteFault`]: why an entry was not written or read, and whether it may have been written all the same.

use super::super::{DirectoryError, remedy_of_bind};

/// Why the directory did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteFault {
    /// No server takes connections; nothing was sent.
    #[error("directory \"{directory}\": no server answered: {cause}")]
    NotConnected {
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// Each server and its fault.
        cause: String,
    },
    /// The service account was refused; nothing else was sent.
    #[error(
        "directory \"{directory}\": the bind as \"{bind_dn}\" failed: {cause}; {}",
        remedy_of_bind(*.code)
    )]
    ServiceBind {
        /// The result code (RFC 4511 appendix A).
        code: u32,
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// The account.
        bind_dn: String,
        /// The server's word.
        cause: String,
    },
    /// It was sent and not answered: it may have been done or not.
    #[error("directory \"{directory}\": no answer to the {operation}, which may have been done: {cause}")]
    Unanswered {
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// What was asked.
        operation: &'static str,
        /// The server and its fault.
        cause: String,
    },
    /// The answer is no.
    #[error("{operation} of \"{dn}\" refused: result {code}{}{text}", word(*.code))]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// Of which entry, or below which.
        dn: String,
        /// The result code (RFC 4511 appendix A).
        code: u32,
        /// The server's own text.
        text: String,
    },
}

impl WriteFault {
    /// The result code of an answer that is no.
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// What was asked cannot be sent, or this side will not; by the code that a server would give for it.
    pub(super) fn here(operation: &'static str, dn: &str, code: u32, text: impl Into<String>) -> Self {
        Self::Refused { operation, dn: dn.to_owned(), code, text: text.into() }
    }
}

impl From<DirectoryError> for WriteFault {
    /// Of what comes before anything is sent.
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::ServiceBind { code, directory, bind_dn, cause } => {
                Self::ServiceBind { code, directory, bind_dn, cause }
            }
            DirectoryError::Unreachable { directory, cause } => Self::NotConnected { directory, cause },
            other => Self::NotConnected { directory: String::new(), cause: other.to_string() },
        }
    }
}

/// The name of a result code, for people.
fn word(code: u32) -> &'static str {
    match code {
        3 => " (timeLimitExceeded): ",
        4 => " (sizeLimitExceeded): ",
        8 => " (strongerAuthRequired): ",
        10 => " (referral): ",
        11 => " (adminLimitExceeded): ",
        12 => " (unavailableCriticalExtension): ",
        13 => " (confidentialityRequired): ",
        16 => " (noSuchAttribute): ",
        17 => " (undefinedAttributeType): ",
        18 => " (inappropriateMatching): ",
        19 => " (constraintViolation): ",
        20 => " (attributeOrValueExists): ",
        21 => " (invalidAttributeSyntax): ",
        32 => " (noSuchObject): ",
        34 => " (invalidDNSyntax): ",
        50 => " (insufficientAccessRights): ",
        51 => " (busy): ",
        52 => " (unavailable): ",
        53 => " (unwillingToPerform): ",
        64 => " (namingViolation): ",
        65 => " (objectClassViolation): ",
        66 => " (notAllowedOnNonLeaf): ",
        67 => " (notAllowedOnRDN): ",
        68 => " (entryAlreadyExists): ",
        69 => " (objectClassModsProhibited): ",
        71 => " (affectsMultipleDSAs): ",
        80 => " (other): ",
        _ => ": ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_with_its_code_and_text() {
        let fault = WriteFault::here("add", "cn=a,dc=x", 68, "there is one");
        assert_eq!(
            fault.to_string(),
            "add of \"cn=a,dc=x\" refused: result 68 (entryAlreadyExists): there is one"
        );
        assert_eq!(fault.code(), Some(68));
    }
}
