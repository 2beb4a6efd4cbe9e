//! [`Source`]: a directory that is read as a whole, and afterwards only where it changed, for synchronisation.
//!
//! `ldap` and `file` implement it. Inside LDAP: `reading` is the one connection on which all of one call happens, and its
//! pages; `cursor` what a cursor holds; `sync`, `usn`, `dirsync` and `stamp` are the four ways to ask for changes (RFC
//! 4533, Active Directory's update sequence numbers and its DirSync control, modifyTimestamp), and `units` knows what none
//! of them tells: that a unit was moved with all that is below it; `watch` hears that something changed, without asking.
//! `forest` finds the domains that a global catalogue stands for, `there` whether
//! entries are there. `entry`, `sync_message` and `matching` (filters, for the
//! file) are pure.

mod cursor;
pub(super) mod dirsync;
mod entry;
mod file;
mod forest;
mod ldap;
mod matching;
mod reading;
mod stamp;
mod sync;
mod sync_message;
mod there;
mod units;
mod usn;
mod watch;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};

use super::DirectoryError;
use super::active_directory::guid_key;
use super::entry_id::{octets_of, swapped};
use crate::identity::Attributes;

/// An entry as it is read for synchronisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEntry {
    /// objectGUID or entryUUID in its text form, in lower case.
    pub id: String,
    /// Where it is.
    pub dn: String,
    /// Whether it is an account that is disabled or expired, or locked by an administrator. A lock against guessers is
    /// none.
    pub disabled: bool,
    /// What was asked for, as the schema spells the names; whole, also where the server gives ranges.
    pub attributes: Attributes,
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceQuery {
    /// Below which entry, itself included.
    pub base: String,
    /// Which ones (RFC 4515).
    pub filter: String,
    /// With what; the id and what `disabled` needs are read in any case.
    pub attributes: Vec<String>,
}

/// How far a source was read: what is asked from there on is only what changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Of which server, or which copy of the data: the invocationId of a domain controller; with DirSync, of which domain.
    pub server: String,
    /// A USN, a cookie of syncrepl or DirSync, a time.
    pub value: String,
}

impl Cursor {
    /// Nothing was read.
    pub fn none() -> Self {
        Self { server: String::new(), value: String::new() }
    }
}

/// What changed since a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// This; from `cursor` on the next time.
    Since {
        /// Entries that are new or different, and still match the query.
        changed: Vec<SourceEntry>,
        /// What is not there any more, or matches the query no longer.
        gone: Gone,
        /// How far it was read.
        cursor: Cursor,
    },
    /// It cannot be said, and all must be read: another server than before, a cookie that is too old.
    Lost(String),
}

/// What is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// These ids.
    These(Vec<String>),
    /// All ids but these: the server tells of no deletions, and was asked for everything that is there.
    AllBut(Vec<String>),
}

/// Whether an entry is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum There {
    /// It is.
    Yes,
    /// It is not, or may not be seen.
    No,
    /// The directory does not say: its answer.
    Unsure(String),
}

/// What kind of server it is: they differ in their object classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Active Directory, Samba AD, AD LDS.
    ActiveDirectory,
    /// OpenLDAP and others.
    Other,
}

/// A directory that can be read as a whole. One reading is of one server: copies differ.
#[async_trait]
pub trait Source: Send + Sync + fmt::Debug {
    /// The `name` of the `[[directory]]`.
    fn name(&self) -> &str;

    /// The entry below which everything is.
    fn base(&self) -> &str;

    /// The DN that it is read as; that account is not carried.
    fn account(&self) -> Option<&str>;

    /// What is to be read in its place, at and below a base: the domains of a global catalogue, each with a base of its own.
    /// `None`: itself.
    async fn domains(&self, _base: &str) -> Result<Option<Vec<Arc<dyn Source>>>, DirectoryError> {
        Ok(None)
    }

    /// What it is.
    async fn flavour(&self) -> Result<Flavour, DirectoryError>;

    /// Reads all that the query names, in parts, and says from where on changes are to be asked. Only an `Ok` says that
    /// it was all; a receiver that is gone ends it with an error.
    async fn read(
        &self,
        query: &SourceQuery,
        parts: mpsc::Sender<Vec<SourceEntry>>,
    ) -> Result<Cursor, DirectoryError>;

    /// What changed since `cursor`, which was given for the same query.
    async fn changes(&self, query: &SourceQuery, cursor: &Cursor) -> Result<Changes, DirectoryError>;

    /// Entries by their ids, those of them that match the query's base and filter; in any order.
    async fn by_ids(&self, query: &SourceQuery, ids: &[String]) -> Result<Vec<SourceEntry>, DirectoryError>;

    /// Who is called so by the directory's `login_filter`; for `--user`.
    async fn by_login(&self, query: &SourceQuery, login: &str) -> Result<Vec<SourceEntry>, DirectoryError>;

    /// Whether these entries are there, in this order, whatever they are. They may be many: one connection does for all.
    async fn there(&self, dns: &[String]) -> Result<Vec<There>, DirectoryError>;

    /// Notifies when something below `base` may have changed, until the server ends it or it is to be begun anew; then
    /// [`changes`](Source::changes) says what. Not every source can.
    async fn watch(&self, base: &str, changed: &Notify) -> Result<(), DirectoryError>;
}

/// What sign-on may know somebody by who has this id here: [`SubjectId::key`](crate::identity::SubjectId::key) of a
/// directory without a `subject_attribute` of its own is the objectGUID's octets or the entryUUID.
pub fn subject_keys(id: &str) -> Vec<String> {
    let guid = octets_of(id).map(|octets| guid_key(&swapped(octets)));
    std::iter::once(id.to_owned()).chain(guid).collect()
}
