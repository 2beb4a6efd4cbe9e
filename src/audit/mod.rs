//! The audit trail: a closed list of [`Event`]s and the [`Sink`] they are written to, before the answer goes out.
//!
//! [`jsonl::JsonLines`] is the file (or standard output) of a server, [`memory::Memory`] the one of tests.

pub mod jsonl;
pub mod memory;

use std::net::IpAddr;

use serde::Serialize;

use crate::clock::Timestamp;

/// One line of the audit trail.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// When it happened (UTC).
    pub time: Timestamp,
    /// The id that the page, the log and this record share; empty for what no request caused.
    #[serde(rename = "request.id", skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// Where the request came from.
    #[serde(rename = "client.address", skip_serializing_if = "Option::is_none")]
    pub client_address: Option<IpAddr>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Everything that is worth an auditor's line.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A person proved who they are.
    SignedIn {
        /// directory/key of the person.
        #[serde(rename = "subject.id")]
        subject: String,
        /// The login name as the entry spells it.
        login: String,
        /// The authentication context class.
        #[serde(rename = "authn.context")]
        context: String,
    },
    /// A sign-in was refused.
    SignInRefused {
        /// The name that was typed, escaped and cut to 256 characters.
        login: String,
        /// directory/key, when an entry was found.
        #[serde(rename = "subject.id", skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// The true reason, a stable word (`wrong_password`, `unknown`, `throttled` ...).
        reason: String,
        /// When the directory's lock ends, where it shows that.
        #[serde(skip_serializing_if = "Option::is_none")]
        locked_until: Option<Timestamp>,
    },
    /// A password was changed: by its person, or by another program that may set passwords.
    PasswordChanged {
        /// directory/key of the person; empty where the directory does not let us read that.
        #[serde(rename = "subject.id")]
        subject: String,
        /// The login name as the entry spells it.
        login: String,
        /// `person`, or the DN of the account that set it.
        by: String,
    },
    /// A new password was not taken; the old one, or the account that sets it, had been proved.
    PasswordChangeRefused {
        /// directory/key of the person, when an entry was found.
        #[serde(rename = "subject.id", skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// The login name, escaped and cut to 256 characters.
        login: String,
        /// `person`, or the DN of the account that would have set it.
        by: String,
        /// Why, a stable word (`too_short`, `in_history`, `privileged` ...).
        reason: String,
    },
    /// A call of the password API was refused before any password was set.
    PasswordApiRefused {
        /// The DN that it came with, escaped and cut; empty where it was not read.
        caller: String,
        /// Why, a stable word (`network`, `not_listed`, `wrong_password`, `throttled` ...).
        reason: String,
    },
    /// An assertion was issued.
    AssertionIssued {
        /// directory/key of the person.
        #[serde(rename = "subject.id")]
        subject: String,
        /// The login name as the entry spells it.
        login: String,
        /// To whom.
        #[serde(rename = "sp.entity_id")]
        sp: String,
        /// The format of the NameID; `none` for an assertion without one.
        #[serde(rename = "name_id.format")]
        name_id_format: String,
        /// The names of the attributes that left.
        attributes: Vec<String>,
        /// The names of attributes that the SP's metadata requires, and that the person does not have.
        #[serde(rename = "attributes.missing", skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
        /// ID of the Assertion.
        #[serde(rename = "assertion.id")]
        assertion_id: String,
        /// ID of the request that it answers; absent for IdP-initiated sign-on.
        #[serde(rename = "in_response_to", skip_serializing_if = "Option::is_none")]
        in_response_to: Option<String>,
    },
    /// A request was refused, locally or by a Response with an error status.
    RequestRefused {
        /// The Issuer that the message names, if it could be read.
        #[serde(rename = "sp.entity_id", skip_serializing_if = "Option::is_none")]
        sp: Option<String>,
        /// The stable code, `SK-...`.
        code: String,
        /// The whole cause.
        reason: String,
    },
    /// A session ended without a logout of its person.
    SessionEnded {
        /// directory/key of the person.
        #[serde(rename = "subject.id")]
        subject: String,
        /// The login name as the entry spells it.
        login: String,
        /// `replaced` (somebody signed in anew with its browser), `ended_elsewhere` (by the person, from another browser),
        /// `ended_by_administrator`, `password_changed`, or what the directory says of the account (`disabled`,
        /// `account_expired`, `gone`).
        reason: String,
    },
    /// A person's session ended by a logout.
    SignedOut {
        /// directory/key of the person.
        #[serde(rename = "subject.id")]
        subject: String,
        /// The login name as the entry spells it.
        login: String,
        /// The SP that asked for it; absent when it came from here.
        #[serde(rename = "sp.entity_id", skip_serializing_if = "Option::is_none")]
        sp: Option<String>,
    },
    /// What came of telling an SP that a person signs out.
    SignedOutAt {
        /// directory/key of the person.
        #[serde(rename = "subject.id")]
        subject: String,
        /// The login name as the entry spells it.
        login: String,
        /// Who was told.
        #[serde(rename = "sp.entity_id")]
        sp: String,
        /// `signed_out`, or why the person may still be signed in there (`no_endpoint`, `no_name_id`,
        /// `unreachable`, `no_answer`, `bad_answer`, `refused`, `no_browser`, `unregistered`).
        outcome: String,
    },
    /// Configuration, metadata, a policy or a key was loaded or changed.
    ConfigurationChanged {
        /// `configuration`, `metadata`, `policy` or `key`.
        kind: String,
        /// The file.
        file: String,
        /// `loaded`, `changed`, `removed` or `refused`.
        change: String,
        /// SHA-256 of the content in hexadecimal; empty when it is gone.
        sha256: String,
    },
    /// An administrator had wrong tries forgotten.
    ThrottleCleared {
        /// `account`, `name` or `address`.
        against: String,
        /// directory/key, the folded name or the address.
        who: String,
        /// How many tries were forgotten.
        tries: u32,
    },
    /// The server started or stopped.
    Server {
        /// `started` or `stopped`.
        state: String,
        /// The version of the program.
        version: String,
    },
}

impl Event {
    /// What happened, as the record has it, and the stable word for its reason, outcome or code; empty where it has none.
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            Self::SignedIn { .. } => ("signed_in", ""),
            Self::SignInRefused { reason, .. } => ("sign_in_refused", reason),
            Self::PasswordChanged { .. } => ("password_changed", ""),
            Self::PasswordChangeRefused { reason, .. } => ("password_change_refused", reason),
            Self::PasswordApiRefused { reason, .. } => ("password_api_refused", reason),
            Self::AssertionIssued { .. } => ("assertion_issued", ""),
            Self::RequestRefused { code, .. } => ("request_refused", code),
            Self::SessionEnded { reason, .. } => ("session_ended", reason),
            Self::SignedOut { .. } => ("signed_out", ""),
            Self::SignedOutAt { outcome, .. } => ("signed_out_at", outcome),
            Self::ConfigurationChanged { change, .. } => ("configuration_changed", change),
            Self::ThrottleCleared { .. } => ("throttle_cleared", ""),
            Self::Server { state, .. } => ("server", state),
        }
    }
}

/// The record could not be written; what it speaks of must not happen.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the audit record to {target}: {cause}")]
pub struct AuditError {
    /// The file, or `standard output`.
    pub target: String,
    /// The system's word.
    pub cause: std::io::Error,
}

/// Where audit records go.
pub trait Sink: Send + Sync + std::fmt::Debug {
    /// Writes one record with one write; returns when it is written.
    fn write(&self, record: &Record) -> Result<(), AuditError>;
}
