//! [`SyncOptions`]: one `[[sync]]` of the configuration, checked: which directories are carried where, how, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::absent::Named;
use super::gate::GatePolicy;
use super::hooks::Hooks;
use super::ldap_target::LdapTargetOptions;
use super::matching::MatchRules;
use super::object::ObjectType;
use super::pace::PaceOptions;
use super::plan::{Deactivation, ImmutableChange, Orphans};
use super::preset::Preset;
use super::schedule::Schedule;
use super::scope::ScopeOptions;
use super::structure::ConventionOptions;
use crate::clock::{SignedDuration, Timestamp};
use crate::secret::Secret;

/// What one target gets, and from where.
#[derive(Debug, Clone)]
pub struct SyncOptions {
    /// What commands, log and store call it; at most 64 letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The directories that are read, each whole.
    pub sources: Vec<SourceOptions>,
    /// Where it goes.
    pub destination: Destination,
    /// What is known of the service, with the rules of the configuration.
    pub preset: Preset,
    /// The types that are carried. Default: those of the preset.
    pub objects: BTreeSet<ObjectType>,
    /// What places and groups of the directory mean.
    pub conventions: ConventionOptions,
    /// The names that `[sync.conventions]` gives, so that it can be told when no directory has one.
    pub named: Vec<Named>,
    /// Who is carried.
    pub scope: ScopeOptions,
    /// What becomes of what has no counterpart yet.
    pub matching: MatchRules,
    /// How much may be done at once.
    pub gate: GatePolicy,
    /// What follows a deactivation; the preset's where it is not said.
    pub deactivation: Option<Deactivation>,
    /// How long somebody who is gone from the directory stays, deactivated. Default: 30 days; zero deletes at once.
    pub delete_after: SignedDuration,
    /// What becomes of a change that the target does not take. Default: it is kept back and reported.
    pub immutable_change: ImmutableChange,
    /// What becomes of objects that only the target has. Default: nothing.
    pub orphans: Orphans,
    /// Whether a full run compares with what the target shows, and puts right what was changed there. Default: true.
    pub compare: bool,
    /// How fast the target is asked. Default: 8 requests at once, and as many a second as the preset says.
    pub pace: PaceOptions,
    /// Whether changes go in bulk requests where the service announces them. Default: what the preset says.
    pub bulk: bool,
    /// When changes are carried by themselves. Default: never.
    pub schedule: Option<Schedule>,
    /// Whether the directories are listened to, so that changes are carried as they happen; `schedule` is what remains where
    /// they cannot be heard. Default: false.
    pub watch: bool,
    /// When everything is. Default: never.
    pub full_schedule: Option<Schedule>,
    /// When the token of the target ends, or should be replaced; 30 days before, notices and `sekisho check` say so.
    pub token_expires: Option<Timestamp>,
    /// Programs before and after each operation, each with 10 s where nothing else is said.
    pub hooks: Hooks,
    /// Who hears of what an administrator has to know.
    pub notices: NoticeOptions,
    /// In which moments are told; that of `[log]`, as the schedules.
    pub zone: TimeZone,
}

/// One directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOptions {
    /// The `name` of the `[[directory]]`.
    pub directory: String,
    /// Below which entry; the directory's own base where it is not said.
    pub base: Option<String>,
    /// Which entries, by type (RFC 4515); those of the server's kind where it is not said.
    pub filters: BTreeMap<ObjectType, String>,
    /// A further condition on people and contacts.
    pub filter: Option<String>,
}

/// Where objects go.
#[derive(Debug, Clone)]
pub enum Destination {
    /// A service with SCIM 2.0.
    Scim {
        /// The base URL.
        url: String,
        /// What the service knows us by.
        access: Access,
        /// Authorities that are trusted beside those of the system, as PEM.
        authorities: Option<Vec<u8>>,
        /// Whether `http://` is taken.
        plain_http: bool,
    },
    /// Another LDAP directory.
    Ldap {
        /// The `name` of its `[[directory]]`, whose account writes.
        directory: String,
        /// Where objects are there.
        options: LdapTargetOptions,
    },
}

/// What a service knows us by.
#[derive(Debug, Clone)]
pub enum Access {
    /// A token in a file, which `sekisho sync token set` writes and each run reads anew.
    TokenFile(PathBuf),
    /// A token that stands elsewhere.
    Token(Secret<String>),
    /// A name and a password.
    Password(String, Secret<String>),
}

/// Who hears of what an administrator has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeOptions {
    /// Mail addresses.
    pub mail_to: Vec<String>,
    /// A URL that a JSON object is posted to.
    pub webhook: Option<String>,
}
