//! What a fault of the directory is for a run: [`FaultKind`], and the code of the log.

use crate::directory::write::WriteFault;
use crate::sync::object::ObjectType;
use crate::sync::target::{FaultKind, TargetFault};
use crate::sync::words::{NO_CONTAINER, code_of_bind};

/// What was going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum During {
    /// A question: asking again does no harm.
    Reading,
    /// The making of an object; what is not there is its parent.
    Making,
    /// The change or removal of an object that was there a moment ago.
    Changing,
}

/// The fault of a run. Codes are the server's, but for 16 and 17, which are both "the target does not know an attribute":
/// 21 in the table of remedies.
pub(super) fn told(fault: &WriteFault, during: During) -> TargetFault {
    let (kind, code) = match fault {
        WriteFault::NotConnected { .. } => (FaultKind::Unheard, 81),
        WriteFault::Unanswered { .. } if during == During::Reading => (FaultKind::Unheard, 81),
        WriteFault::Unanswered { .. } => (FaultKind::Unknown, 81),
        WriteFault::ServiceBind { code, .. } => (FaultKind::Unauthorized, code_of_bind(*code)),
        WriteFault::Refused { code, text, .. } => judged(*code, text, during),
    };
    TargetFault { kind, code, detail: fault.to_string(), retry_after: None }
}

/// A fault that this side finds.
pub(super) fn refused(code: u16, detail: impl Into<String>) -> TargetFault {
    TargetFault { kind: FaultKind::Refused, code, detail: detail.into(), retry_after: None }
}

/// There is no object with this id below the base of its type.
pub(super) fn gone(id: &str, base: &str) -> TargetFault {
    let detail = format!("no entry with the id {id} is below \"{base}\"");
    TargetFault { kind: FaultKind::NotFound, code: 32, detail, retry_after: None }
}

/// There is no entry below which objects of a type are to be.
pub(super) fn no_container(base: &str, kind: Option<ObjectType>) -> TargetFault {
    let key = kind.map_or_else(String::new, |kind| format!(".{}", kind.key()));
    refused(32, format!("{NO_CONTAINER}\"{base}\", which base of [sync.ldap.types{key}] names"))
}

fn judged(code: u32, text: &str, during: During) -> (FaultKind, u16) {
    let kind = match code {
        // busy, unavailable
        51 | 52 => FaultKind::Busy,
        // strongerAuthRequired, invalidCredentials, inappropriateAuthentication: nobody is bound
        8 | 48 | 49 => FaultKind::Unauthorized,
        32 if during == During::Changing => FaultKind::NotFound,
        68 => FaultKind::Conflict,
        // OpenLDAP's overlay unique, and Active Directory's forest-wide names (MS-ERREF 2.2).
        19 if is_taken(text) => FaultKind::Conflict,
        _ => FaultKind::Refused,
    };
    let code = match code {
        16 | 17 => 21,
        code => u16::try_from(code).unwrap_or(80),
    };
    (kind, code)
}

fn is_taken(text: &str) -> bool {
    let windows = ["000021C7", "000021C8", "00000524", "00000562"];
    text.contains("not unique") || windows.iter().any(|code| text.starts_with(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u32, text: &str, during: During) -> (FaultKind, u16) {
        let (operation, dn, text) = ("modify", "cn=a".to_owned(), text.to_owned());
        let fault = told(&WriteFault::Refused { operation, dn, code, text }, during);
        (fault.kind, fault.code)
    }

    #[test]
    fn codes_are_the_servers_and_kinds_say_how_it_goes_on() {
        use During::{Changing, Making};
        for (code, during, expected) in [
            (19, Changing, (FaultKind::Refused, 19)),
            (17, Making, (FaultKind::Refused, 21)),
            (16, Changing, (FaultKind::Refused, 21)),
            (21, Changing, (FaultKind::Refused, 21)),
            (32, Changing, (FaultKind::NotFound, 32)),
            (32, Making, (FaultKind::Refused, 32)),
            (50, Changing, (FaultKind::Refused, 50)),
            (51, Changing, (FaultKind::Busy, 51)),
            (53, Changing, (FaultKind::Refused, 53)),
            (65, Making, (FaultKind::Refused, 65)),
            (66, Changing, (FaultKind::Refused, 66)),
            (68, Making, (FaultKind::Conflict, 68)),
            (49, Changing, (FaultKind::Unauthorized, 49)),
            (100_000, Changing, (FaultKind::Refused, 80)),
        ] {
            assert_eq!(answer(code, "", during), expected, "{code}");
        }
        let taken = "000021C8: AtrErr: DSID-03200BBA, #1:";
        assert_eq!(answer(19, taken, Changing), (FaultKind::Conflict, 19));
        assert_eq!(answer(19, "some attributes not unique", Changing), (FaultKind::Conflict, 19));
    }

    #[test]
    fn only_a_write_without_an_answer_is_unknown() {
        let lost = || WriteFault::Unanswered {
            directory: "corp".to_owned(),
            operation: "add",
            cause: String::new(),
        };
        let kind = |during| told(&lost(), during).kind;
        assert_eq!((kind(During::Making), kind(During::Changing)), (FaultKind::Unknown, FaultKind::Unknown));
        assert_eq!(kind(During::Reading), FaultKind::Unheard);
    }
}
