//! Directories: where accounts live and passwords are proved.
//!
//! [`Directory`] is the port; `ldap::LdapDirectory` (Active Directory, OpenLDAP and relatives) and
//! `file::FileDirectory` (`people.toml`) are its adapters, and both pass one conformance suite
//! (`tests/it/directory/`). `authn` asks them in order.
//!
//! Inside LDAP, from the outside in: `ldap` (the use), `person` (entry to Subject), `groups`, `found` (what filters
//! of the pipeline look for), `policy` (when accounts are
//! locked), `password_change` and `password_reset` (new passwords), `failover` (which server), `server` and `breaker` (one
//! server), `pool` and `connection` (one socket), `wire` and `password_write` (octets); `options`, `filter`, `dn`,
//! `lockout`, `password_policy` (why a new password was not taken) and `active_directory` are pure. `password` has the
//! words of the port for new passwords. `write` makes, changes and removes entries, for synchronisation.

pub mod active_directory;
mod breaker;
mod connection;
pub mod dn;
mod entry_id;
mod failover;
pub mod file;
pub mod filter;
mod found;
mod groups;
pub mod ldap;
pub mod lockout;
mod options;
pub mod password;
mod password_change;
mod password_policy;
mod password_reset;
mod password_write;
mod person;
mod policy;
mod pool;
mod server;
pub mod source;
mod wire;
pub mod write;

use std::fmt;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::identity::{Found, Question, Subject, SubjectId};
use crate::secret::Secret;

pub use connection::Limits;
pub use file::{FileDirectory, FileError, hash_password};
pub use ldap::LdapDirectory;
pub use lockout::Lockout;
pub use options::{ChangesBy, DEFAULT_LOGIN_FILTER, DEFAULT_PASSWORD_WARNING, LdapOptions, OptionsError};
pub use password::{Administrator, NoPerson, PasswordChange, PasswordRefusal, PasswordReset};

/// A login name that may be put into a filter or a DN: NFC or not, any script, no control characters, 1 to 256
/// characters, not only blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login(String);

impl Login {
    /// Refuses what no account can be called.
    pub fn parse(typed: &str) -> Option<Self> {
        let fits =
            !typed.trim().is_empty() && typed.chars().count() <= 256 && !typed.chars().any(char::is_control);
        fits.then(|| Self(typed.trim().to_owned()))
    }

    /// The name as it was typed, without surrounding blanks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Somebody whom a login name may mean, before the password was tried.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What wrong tries are counted under: directory and stable key where the entry was found; the folded name where
    /// only a `dn_pattern` says who it would be.
    pub throttle_key: String,
    /// The name that the user bind is made with, or the login of a file directory.
    pub bind_name: String,
    /// The entry, where it was found before the bind.
    pub subject: Option<Subject>,
    /// Set when the account may not sign in whatever the password is.
    pub barred: Option<Reason>,
    /// How near the account is to being locked by its directory.
    pub lockout: Lockout,
}

/// What a directory says of a login name.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// Nobody here has it; the next directory may be asked.
    Unknown,
    /// More than one entry has it; no directory after this one is asked.
    Ambiguous,
    /// Exactly one account has it; no directory after this one is asked.
    Found(Box<Candidate>),
}

/// What a directory says of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right and the account may sign in.
    Accepted(Box<Subject>),
    /// It may not, and why.
    Denied(Reason),
}

/// Why somebody may not sign in: what Active Directory's sub-codes and OpenLDAP's password policy tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The password is wrong.
    WrongPassword,
    /// Nobody has this name.
    Unknown,
    /// More than one entry has this name.
    Ambiguous,
    /// Locked by the directory after wrong passwords, or by an administrator.
    Locked {
        /// When that ends, where the directory shows it.
        until: Option<Timestamp>,
    },
    /// Disabled by an administrator.
    Disabled,
    /// The account's time is over.
    AccountExpired,
    /// The password's time is over.
    PasswordExpired,
    /// The password must be changed before anything else.
    PasswordMustChange,
    /// Not at this hour.
    LogonHours,
    /// Not from this place.
    Workstation,
    /// Not tried: one more wrong password could lock the account.
    NearLockout,
}

impl Reason {
    /// The stable word of log and audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::Unknown => "unknown",
            Self::Ambiguous => "ambiguous",
            Self::Locked { .. } => "locked",
            Self::Disabled => "disabled",
            Self::AccountExpired => "account_expired",
            Self::PasswordExpired => "password_expired",
            Self::PasswordMustChange => "password_must_change",
            Self::LogonHours => "logon_hours",
            Self::Workstation => "workstation",
            Self::NearLockout => "near_lockout",
        }
    }
}

/// Whether an account may still be used by somebody who has signed in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Usable,
    /// It may not, whatever the password is. A lock against guessers is no such bar: it would let them end sessions.
    Barred(Reason),
    /// There is no such entry any more.
    Gone,
}

/// The directory could not say: never to be taken for "wrong password".
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// No server answered in time. The password of a person was not sent, or was answered.
    #[error("directory \"{directory}\": no server answered: {cause}")]
    Unreachable {
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// Each server and its fault.
        cause: String,
    },
    /// The password of a person was sent, and no answer came: it may have been tried there, and counted.
    #[error("directory \"{directory}\": no answer to the bind of a person: {cause}")]
    Unanswered {
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// The server and its fault.
        cause: String,
    },
    /// The service account was refused.
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
    /// A new password was sent, and no answer came: it may count or not.
    #[error(
        "directory \"{directory}\": no answer to the change of a password, which may have been made: {cause}"
    )]
    ChangeUnanswered {
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// The server and its fault.
        cause: String,
    },
    /// The server answered with an error.
    #[error("directory \"{directory}\": {operation} failed: {cause}")]
    Refused {
        /// The result code (RFC 4511 appendix A); 0 where what was answered will not do.
        code: u32,
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// What was asked.
        operation: &'static str,
        /// The server's word: result code, name and text.
        cause: String,
    },
    /// A search for many entries was answered with an error.
    #[error("directory \"{directory}\": the search by {filter} at \"{base}\" failed: {cause}")]
    Search {
        /// The result code (RFC 4511 appendix A); 0 where what was answered or asked will not do.
        code: u32,
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// What was asked for (RFC 4515).
        filter: String,
        /// Below which entry.
        base: String,
        /// The server's word: result code, name and text, and for some a remedy.
        cause: String,
    },
    /// The configuration cannot be used.
    #[error("directory \"{directory}\": {cause}")]
    Options {
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// Key and remedy.
        cause: Box<OptionsError>,
    },
    /// The entry cannot be used.
    #[error("directory \"{directory}\": entry \"{dn}\": {cause}")]
    Entry {
        /// The `name` of the `[[directory]]`.
        directory: String,
        /// Which entry.
        dn: String,
        /// What is missing.
        cause: String,
    },
}

/// What helps where the service account was refused with this result code.
pub(crate) fn remedy_of_bind(code: u32) -> &'static str {
    if WANTS_TLS.contains(&code) {
        "the server wants TLS: write ldaps:// in urls, or start_tls = true"
    } else {
        "check bind_dn and bind_password"
    }
}

/// strongerAuthRequired and confidentialityRequired: no password is taken in clear.
pub(crate) const WANTS_TLS: [u32; 2] = [8, 13];

/// RFC 4511 appendix A: the code of an answer that there is no such entry, or that it may not be seen.
pub(crate) const NO_SUCH_OBJECT: u32 = 32;

/// A place where accounts live. All methods may be called at once from many tasks.
#[async_trait]
pub trait Directory: Send + Sync + fmt::Debug {
    /// The `name` of the `[[directory]]`.
    fn name(&self) -> &str;

    /// The name without a domain that says that it is of this directory; `None` when there is no such domain in it.
    fn local_name<'a>(&self, _login: &'a Login) -> Option<&'a str> {
        None
    }

    /// Whom this login name means.
    async fn find(&self, login: &Login) -> Result<Lookup, DirectoryError>;

    /// Proves the password with at most one user bind. An empty or blank password or one with NUL is refused as wrong
    /// before anything is sent. A bind that was sent and not answered is [`DirectoryError::Unanswered`].
    async fn verify(
        &self,
        candidate: &Candidate,
        password: &Secret<String>,
    ) -> Result<Verdict, DirectoryError>;

    /// Finds a person again by the stable identity, with all that [`Directory::find`] tells; `None` when the entry is
    /// gone. The candidate's subject is always known.
    async fn find_by_id(&self, id: &SubjectId) -> Result<Option<Box<Candidate>>, DirectoryError>;

    /// Whose entry it is; `None` when there is none that can be read.
    async fn find_by_dn(&self, _dn: &str) -> Result<Option<Box<Candidate>>, DirectoryError> {
        Ok(None)
    }

    /// Whether the account may still be used: one cheap read.
    async fn standing(&self, id: &SubjectId) -> Result<Standing, DirectoryError>;

    /// What the directory has to say about a person beyond the entry; the answer is whole, or an error.
    async fn ask(&self, subject: &Subject, question: &Question) -> Result<Vec<Found>, DirectoryError>;

    /// Whether people may change their own password here.
    fn changes_passwords(&self) -> bool {
        false
    }

    /// Exchanges a person's own password. The old one is proved as [`Directory::verify`] proves it, by the same one bind;
    /// one that has expired or must be changed is right too.
    async fn change_password(
        &self,
        candidate: &Candidate,
        old: &Secret<String>,
        _new: &Secret<String>,
    ) -> Result<PasswordChange, DirectoryError> {
        Ok(match self.verify(candidate, old).await? {
            Verdict::Accepted(_) | Verdict::Denied(Reason::PasswordExpired | Reason::PasswordMustChange) => {
                PasswordChange::Refused(PasswordRefusal::NotAllowed)
            }
            Verdict::Denied(reason) => PasswordChange::Denied(reason),
        })
    }

    /// Sets the password of whom the login name means, as an administrator who binds for this one call.
    async fn reset_password(
        &self,
        _by: &Administrator<'_>,
        _login: &Login,
        _new: &Secret<String>,
    ) -> Result<PasswordReset, DirectoryError> {
        Ok(PasswordReset::Refused(PasswordRefusal::NotAllowed))
    }

    /// Whether there is an entry of this name, a person's or a group's, that may be read.
    async fn has(&self, _dn: &str) -> Result<bool, DirectoryError> {
        Ok(false)
    }

    /// So many wrong passwords lock an account to which no policy of its own applies; `None`: none do, or nobody says so.
    async fn locks_at(&self) -> Result<Option<u32>, DirectoryError> {
        Ok(None)
    }

    /// What each of its servers says, asked by itself on a new connection: for `check`, which tells about every one.
    async fn probe_each(&self) -> Vec<(String, Result<(), DirectoryError>)> {
        Vec::new()
    }

    /// Whether the directory answers: connects, binds the service account, reads the search base.
    async fn probe(&self) -> Result<(), DirectoryError>;
}

/// What no directory is ever asked: an empty or blank password is an anonymous bind for some servers (RFC 4513 5.1.2),
/// and NUL cuts a password short in others.
pub(crate) fn is_blank(password: &Secret<String>) -> bool {
    password.expose().trim().is_empty() || password.expose().contains('\0')
}
