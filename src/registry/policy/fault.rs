//! What is wrong with a policy file, said so that it can be mended.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The key; empty where the text is no TOML.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}: {}", self.message, self.remedy)
    }
}

impl std::error::Error for PolicyFault {}

/// Collects the faults of one file.
pub(super) struct Faults<'f> {
    file: &'f Path,
    text: &'f str,
    found: Vec<PolicyFault>,
}

impl<'f> Faults<'f> {
    pub(super) fn new(file: &'f Path, text: &'f str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    pub(super) fn add(
        &mut self,
        span: Option<Range<usize>>,
        key: &str,
        message: impl Into<String>,
        remedy: &str,
    ) {
        let before = span.and_then(|span| self.text.get(..span.start));
        self.found.push(PolicyFault {
            file: self.file.to_owned(),
            line: before.map(|before| before.matches('\n').count() + 1),
            key: key.to_owned(),
            message: message.into(),
            remedy: remedy.to_owned(),
        });
    }

    pub(super) fn file(&self) -> &'f Path {
        self.file
    }

    /// The faults in the order of the file.
    pub(super) fn into_found(mut self) -> Vec<PolicyFault> {
        self.found.sort_by_key(|fault| fault.line);
        self.found
    }
}
