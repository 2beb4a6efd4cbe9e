//! The words of the log, to the letter as administrators of the ancestor grep for them: start and end, a summary line for
//! each type of object, failures with their retries, the update log, and the table of error codes with remedies.
//!
//! The text of a line is made here; whoever logs it adds target, run and request as structured fields.

use std::fmt::{self, Write as _};

use jiff::tz::TimeZone;
use serde_json::Value;

use super::apply::journal::{ShownValue, WriteKind, Written};
use super::object::ObjectType;
use crate::clock::Timestamp;
use crate::directory::WANTS_TLS;

/// A run begins.
pub const STARTING: &str = "Differential check starting";
/// A run has ended, well or not.
pub const FINISHED: &str = "Differential check finished";

/// How many of each; `(tried, succeeded)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects that the source has in scope.
    pub total: u64,
    /// Creations and adoptions.
    pub add: (u64, u64),
    /// Changes, deactivations among them.
    pub modify: (u64, u64),
    /// Deletions.
    pub delete: (u64, u64),
    /// What failed, was held back or could not be carried.
    pub skipped: u64,
}

/// The summary line of a type of object.
pub fn summary(kind: ObjectType, counts: &Counts) -> String {
    let Counts { total, add, modify, delete, skipped } = counts;
    format!(
        "Data=IDP Object={} Total={total} Add={}({} succeeded) Modify={}({} succeeded) Delete={}({} succeeded) Error/Skip={skipped}",
        kind.as_str(),
        add.0,
        add.1,
        modify.0,
        modify.1,
        delete.0,
        delete.1
    )
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed<'a> {
    /// No connection to a server of the source.
    Connecting(&'a str),
    /// The source or the target refused the account.
    Binding(&'a str),
    /// A filter at a base.
    Searching(&'a str, &'a str),
    /// A creation, by the DN at the source.
    Adding(&'a str),
    /// A change.
    Modifying(&'a str),
    /// A deactivation or deletion.
    Deleting(&'a str),
    /// A search at the target, with the code.
    SearchingTarget(u16),
    /// The run as a whole, of this target, with the code.
    Synchronizing(&'a str, u16),
}

/// The line of a failure: `retries` stands there only when there were any.
pub fn failure(failed: Failed<'_>, retries: u32, detail: &str) -> String {
    let retry = if retries == 0 { String::new() } else { format!("retry=\"{retries}\". ") };
    let line = match failed {
        Failed::Connecting(server) => return format!("Can't connect {server}"),
        Failed::SearchingTarget(code) => return format!("Searching in IDP failed({code})"),
        Failed::Synchronizing(data, code) => return format!("Synchronizing {data} failed({code})"),
        Failed::Binding(dn) => format!("Binding by {dn} failed: {retry}{detail}"),
        Failed::Searching(filter, base) => format!("Searching by {filter} at {base} failed: {retry}{detail}"),
        Failed::Adding(dn) => format!("Adding {dn} failed: {retry}{detail}"),
        Failed::Modifying(dn) => format!("Modifying {dn} failed: {retry}{detail}"),
        Failed::Deleting(dn) => format!("Deleting {dn} failed: {retry}{detail}"),
    };
    one_line(line)
}

/// The line of one write: its values after `+` (added), `-` (removed), `=` (replaced).
pub fn update(written: &Written<'_>) -> String {
    let mut line = format!("type={} dn={} result={}", written.kind.as_str(), written.dn, written.code);
    let made = written.kind == WriteKind::Add;
    for change in &written.changes {
        let sign = if made && change.sign == '=' { '+' } else { change.sign };
        // A String takes everything.
        let _ = write!(line, " {}:{sign}{}", change.path, Told(&change.value));
    }
    one_line(line)
}

/// So many objects, as a number is said.
pub(super) fn objects(count: u64) -> String {
    let noun = if count == 1 { "object" } else { "objects" };
    format!("{count} {noun}")
}

/// So many operations, and what they do: they wait.
pub fn operations_wait(count: u64) -> (String, &'static str) {
    match count {
        1 => ("1 operation".to_owned(), "waits"),
        _ => (format!("{count} operations"), "wait"),
    }
}

/// A number of operations in a sentence.
pub fn operations(count: usize) -> String {
    let noun = if count == 1 { "operation" } else { "operations" };
    format!("{count} {noun}")
}

/// A moment in a sentence, to the minute, with how far the time zone is from UTC.
pub(super) fn moment(moment: Timestamp, zone: &TimeZone) -> String {
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()
}

struct Told<'a>(&'a ShownValue<'a>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ShownValue::Value(value) => plain(value, f),
            ShownValue::Objects(keys) => {
                let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
                f.write_str(&ids.join(";"))
            }
            ShownValue::Secret => f.write_str("***"),
            ShownValue::Nothing => Ok(()),
        }
    }
}

fn plain(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::String(text) => f.write_str(text),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(at, item)| {
            f.write_str(if at == 0 { "" } else { ";" })?;
            plain(item, f)
        }),
        other => write!(f, "{other}"),
    }
}

/// A value of a directory must not begin a line of its own, nor steer a terminal.
pub fn one_line(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

/// How it begins what is told of an operation that a hook keeps from being sent.
const OF_HOOK: &str = "the hook ";
/// What is told of an operation that names objects which are not at the target begins so.
pub(super) const NOT_THERE: &str = "not at the target: ";
/// And what is told of an LDAP directory without the entry below which a type is to be.
pub(super) const NO_CONTAINER: &str = "there is no container ";

/// How OpenSSL says that a certificate does not count.
const UNTRUSTED: &str = "certificate verify failed";
/// What is told of a fault of an LDAP directory begins so.
const OF_DIRECTORY: &str = "directory \"";

/// Other words of faults by which their causes are told apart; those in brackets are LDAP's names of results.
const NOT_TAKEN_OVER: &str = " and is not taken over";
const UNWILLING: &str = "(unwillingToPerform)";
const CLASSES: &str = "(objectClassViolation)";
const RIGHTS: &str = "(insufficientAccessRights)";

/// What an administrator can do about a fault: one code has several causes.
pub fn remedy_of(code: u16, detail: &str) -> &'static str {
    match code {
        53 if detail.starts_with(OF_HOOK) => {
            "the target was not asked; see why the hook did not agree, or take it out of hook_before"
        }
        53 if detail.starts_with("HTTP ") && (detail.contains(" at http") || detail.contains("web page")) => {
            "the service has no such endpoint; correct url, or take the type out of objects where the service does not have it"
        }
        53 if detail.contains(UNWILLING) => {
            "the directory refuses it by a rule of its own, such as that for passwords, or wants TLS for it; look at its answer"
        }
        32 if detail.starts_with(NOT_THERE) => {
            "see why that object is not made; this is done as soon as it is there"
        }
        32 if detail.starts_with(NO_CONTAINER) => {
            "make that entry at the target, correct base in [sync.ldap.types], or let bind_dn read it"
        }
        50 if detail.contains(RIGHTS) => {
            "give the bind_dn of the target's [[directory]] the right to do this"
        }
        65 if detail.contains(CLASSES) => {
            "its object classes want a value that is missing, or do not allow one; correct the rule in [[sync.map]], or classes in [sync.ldap.types]"
        }
        81 if is_untrusted(detail) => remedy_of_trust(detail, detail.starts_with(OF_DIRECTORY)),
        68 if detail.ends_with(NOT_TAKEN_OVER) => {
            "rename or delete that object, or let it be taken over: match.one = \"adopt\""
        }
        _ => remedy(code),
    }
}

/// The same of an operation of this kind.
pub fn remedy_of_write(kind: WriteKind, code: u16, detail: &str) -> &'static str {
    match (kind, code) {
        (WriteKind::Delete, 53) if detail.starts_with("HTTP ") => {
            "where the service never deletes, write deactivation = \"deactivate-only\" into its [[sync]]"
        }
        _ => remedy_of(code, detail),
    }
}

/// Whether a connection failed since the server's certificate does not count.
pub(super) fn is_untrusted(detail: &str) -> bool {
    detail.contains(UNTRUSTED)
}

/// What helps then, at a directory or at a service with SCIM.
pub(super) fn remedy_of_trust(detail: &str, is_directory: bool) -> &'static str {
    let is_other_name = detail.to_ascii_lowercase().contains("mismatch");
    match (detail.contains("has expired"), is_other_name, is_directory) {
        (true, ..) => {
            "let the server be given a new certificate; see that the clock of this machine is right"
        }
        (_, true, true) => {
            "write into urls of the [[directory]] the name that the server's certificate holds"
        }
        (_, true, false) => "write into url the name that the service's certificate holds",
        (_, false, true) => {
            "put the certificate that issued the server's into a file, and name that in ca_certificate of the [[directory]]"
        }
        (_, false, false) => {
            "put the certificate that issued the service's into a file, and name that in ca_certificate of its [[sync]]"
        }
    }
}

/// The code of the log for a bind that was refused with this one.
pub(super) fn code_of_bind(code: u32) -> u16 {
    if WANTS_TLS.contains(&code) { u16::try_from(code).unwrap_or(49) } else { 49 }
}

/// What an administrator can do about an error code; the codes are LDAP's (RFC 4511 appendix A), and 51, 81 and 82 of its
/// clients.
pub fn remedy(code: u16) -> &'static str {
    match code {
        8 | 13 => "the directory wants TLS; write ldaps:// in urls, or start_tls = true",
        19 => {
            "the target does not take a value; correct it in the directory, or the rule for it in [[sync.map]]"
        }
        21 => {
            "the target does not know an attribute, or not in this form; correct path or source of its rule in [[sync.map]]"
        }
        32 => "the object is no longer at the target; the next run looks for it, or makes it anew",
        50 => {
            "the target refuses the credentials or the right; renew the token with `sekisho sync token set`, or have it given the right there"
        }
        49 => "the directory refuses the account; check its bind_dn and bind_password",
        51 => "the target was too busy; it is tried again by itself",
        53 => {
            "the target does not take objects of this type, or the service is not enabled there; take the type out of objects"
        }
        65 => {
            "a value that the target requires is missing; fill it in the directory, or give its rule a default"
        }
        66 => "there is still something below the object at the target; move or delete that first",
        68 => {
            "the target has another object with this name, or one that was deleted within five days; rename one, or wait"
        }
        81 => {
            "no connection; check url (of a directory: urls), and that a firewall lets this machine through"
        }
        _ => "look at the target's answer; the next run tries again",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::sync::apply::journal::Shown;
    use crate::sync::{Action, ObjectKey};

    #[test]
    fn summaries_are_as_they_were() {
        let counts = Counts { total: 12, add: (3, 2), modify: (2, 2), delete: (1, 0), skipped: 2 };
        assert_eq!(
            summary(ObjectType::User, &counts),
            "Data=IDP Object=User Total=12 Add=3(2 succeeded) Modify=2(2 succeeded) Delete=1(0 succeeded) Error/Skip=2"
        );
        assert!(
            summary(ObjectType::SecurityGroup, &Counts::default())
                .starts_with("Data=IDP Object=SecurityGroup Total=0 ")
        );
    }

    #[test]
    fn failures_name_their_retries_only_when_there_were_any() {
        let told = |failed, retries| failure(failed, retries, "invalidValue");
        assert_eq!(told(Failed::Adding("uid=a"), 0), "Adding uid=a failed: invalidValue");
        assert_eq!(told(Failed::Adding("uid=a"), 3), "Adding uid=a failed: retry=\"3\". invalidValue");
        assert_eq!(told(Failed::Modifying("uid=a"), 0), "Modifying uid=a failed: invalidValue");
        assert_eq!(told(Failed::Deleting("uid=a"), 0), "Deleting uid=a failed: invalidValue");
        assert_eq!(told(Failed::Binding("cn=x"), 1), "Binding by cn=x failed: retry=\"1\". invalidValue");
        assert_eq!(
            told(Failed::Searching("(a=b)", "dc=x"), 0),
            "Searching by (a=b) at dc=x failed: invalidValue"
        );
        assert_eq!(told(Failed::SearchingTarget(81), 2), "Searching in IDP failed(81)");
        assert_eq!(told(Failed::Synchronizing("idp", 50), 0), "Synchronizing idp failed(50)");
        assert_eq!(told(Failed::Connecting("dc1.example.test"), 0), "Can't connect dc1.example.test");
    }

    #[test]
    fn a_remedy_is_for_the_cause_and_not_for_the_code_alone() {
        use std::time::Duration;

        use crate::directory::write::WriteFault;
        use crate::sync::hooks::HookError;

        let program = || "/x/before.sh".to_owned();
        let hooks = [
            HookError::Start { program: program(), cause: "none".to_owned() },
            HookError::Late { program: program(), patience: Duration::from_secs(10) },
            HookError::Refused { program: program(), status: "3".to_owned(), said: "no".to_owned() },
        ];
        for hook in hooks {
            assert!(remedy_of(53, &hook.to_string()).ends_with("take it out of hook_before"), "{hook}");
        }
        let refused = |code: u32| {
            let (dn, text) = ("cn=a".to_owned(), "no".to_owned());
            WriteFault::Refused { operation: "add", dn, code, text }.to_string()
        };
        for (code, starts) in
            [(50, "give the bind_dn"), (53, "the directory refuses"), (65, "its object classes")]
        {
            let told = remedy_of(code, &refused(u32::from(code)));
            assert!(told.starts_with(starts), "{code}: {told}");
        }
        assert!(remedy_of(68, "an object has mail \"a@b\" and is not taken over").contains("match.one"));
        let of = |kind| remedy_of_write(kind, 53, "HTTP 405 at https://scim.example.test/Users/1");
        assert!(of(WriteKind::Delete).contains("deactivate-only") && of(WriteKind::Add).contains("objects"));
        for code in [19, 21, 32, 49, 50, 51, 53, 65, 66, 68, 80, 81] {
            assert_eq!(remedy_of(code, "HTTP 400: the hook and (busy)"), remedy(code));
        }
    }

    #[test]
    fn a_write_is_one_line_with_its_values() {
        let key = ObjectKey::new(ObjectType::User, "1");
        let shown = |path, sign, value| Shown { path, sign, value };
        let written = |kind, action, code, changes| Written {
            action,
            kind,
            key: &key,
            dn: "uid=a",
            target_id: None,
            code,
            detail: "",
            retries: 0,
            run: 1,
            took: Duration::ZERO,
            hashes: (None, None),
            changes,
        };
        let (name, roles, yes) = (json!("a@b"), json!(["x", "y"]), json!(true));
        let changes = vec![
            shown("userName", '=', ShownValue::Value(&name)),
            shown("roles", '=', ShownValue::Value(&roles)),
            shown("active", '=', ShownValue::Value(&yes)),
            shown("password", '=', ShownValue::Secret),
        ];
        assert_eq!(
            update(&written(WriteKind::Add, Action::Create, 0, changes)),
            "type=add dn=uid=a result=0 userName:+a@b roles:+x;y active:+true password:+***"
        );
        let (title, keys) = (json!("two\nlines"), [key.clone()]);
        let changes = vec![
            shown("title", '=', ShownValue::Value(&title)),
            shown("nickName", '-', ShownValue::Nothing),
            shown("members", '+', ShownValue::Objects(&keys)),
            shown("members", '-', ShownValue::Objects(&keys)),
        ];
        assert_eq!(
            update(&written(WriteKind::Modify, Action::Modify, 19, changes)),
            "type=modify dn=uid=a result=19 title:=two lines nickName:- members:+1 members:-1"
        );
        let delete = update(&written(WriteKind::Delete, Action::Delete, 0, vec![]));
        assert_eq!(delete, "type=delete dn=uid=a result=0");
    }
}
