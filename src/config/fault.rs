//! [`ConfigFault`]: one thing that is wrong with the configuration, where it stands and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// What sort of fault it is; `keys generate` goes on in spite of missing files, since it makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The file cannot be read.
    Unreadable,
    /// It is no TOML.
    Syntax,
    /// No such key.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// A value that cannot be.
    Wrong,
    /// A file or folder that is named does not exist.
    MissingFile,
    /// A secret that everybody on the machine can read.
    Exposed,
    /// A token of a target that cannot be used; that target alone has to do without it.
    Token,
    /// Something that this version does not do.
    NotAvailable,
}

/// One fault, with file, line, key and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// What sort of fault it is.
    pub kind: FaultKind,
    /// The configuration file.
    pub file: PathBuf,
    /// The line in it, from 1; none when the file as a whole is meant.
    pub line: Option<usize>,
    /// The key with its section, `listen.address`; empty when the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to write or do instead.
    pub remedy: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}; {}", self.message, self.remedy)
    }
}

impl std::error::Error for ConfigFault {}

/// What a reader of one value has to say against it.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) kind: FaultKind,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl Complaint {
    /// The value cannot be.
    pub(super) fn wrong(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind: FaultKind::Wrong, message: message.into(), remedy: remedy.into() }
    }

    /// The same complaint as another sort of fault.
    pub(super) fn kind(self, kind: FaultKind) -> Self {
        Self { kind, ..self }
    }
}
