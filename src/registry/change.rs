//! What the registry tells and asks the outside: [`Change`]s for the audit trail, and [`LiveFiles`], the memory of which
//! file an entityID was live from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Something about a file changed. It is told before it takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What the file is.
    pub kind: FileKind,
    /// Its name in the folder.
    pub file: String,
    /// What happened to it.
    pub what: What,
    /// SHA-256 of the content in hexadecimal; empty when it is gone or cannot be read.
    pub sha256: String,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// It describes service providers.
    Metadata,
    /// It is the policy of service providers.
    Policy,
}

impl FileKind {
    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Policy => "policy",
        }
    }
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It is new and good.
    Loaded,
    /// It has another content, which is good.
    Changed,
    /// It is gone.
    Removed,
    /// Its content is not used.
    Refused,
}

impl What {
    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Refused => "refused",
        }
    }
}

/// Who is told of changes.
pub type Observer = Arc<dyn Fn(&Change) + Send + Sync>;

/// Which file an entityID was live from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveFile {
    /// The entityID.
    pub entity_id: String,
    /// The file's name in the folder.
    pub file: String,
    /// SHA-256 of its content in hexadecimal.
    pub sha256: String,
}

/// The memory that decides between files that claim one entityID. The store is one; [`InMemory`] lasts no restart.
pub trait LiveFiles: Send + Sync {
    /// All that is remembered.
    fn load(&self) -> Vec<LiveFile>;
    /// Remembers `live` in place of what was remembered of its entityID.
    fn remember(&self, live: &LiveFile);
    /// Forgets an entityID.
    fn forget(&self, entity_id: &str);
}

/// A memory for tests and for commands that only look.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<BTreeMap<String, LiveFile>>);

impl InMemory {
    /// A memory that begins with `known`.
    pub fn knowing(known: impl IntoIterator<Item = LiveFile>) -> Self {
        Self(Mutex::new(known.into_iter().map(|live| (live.entity_id.clone(), live)).collect()))
    }
}

impl LiveFiles for InMemory {
    fn load(&self) -> Vec<LiveFile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn remember(&self, live: &LiveFile) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(live.entity_id.clone(), live.clone());
    }

    fn forget(&self, entity_id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(entity_id);
    }
}
