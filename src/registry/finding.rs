//! [`Finding`]: what is worth saying about a metadata or policy file, with its place and the remedy.

use std::fmt;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Works as it is, but perhaps not as meant.
    Notice,
    /// Works today; should be mended.
    Warning,
    /// Something is refused or cannot work.
    Error,
}

/// One thing that an admin should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file as its name in the folder.
    pub file: String,
    /// Line from 1, where one can be named.
    pub line: Option<usize>,
    /// The entityID, or empty when the file could not be read so far.
    pub subject: String,
    /// What is so.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl Severity {
    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if !self.subject.is_empty() {
            write!(f, " ({})", self.subject)?;
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl Finding {
    /// Writes it to the log, once.
    pub(super) fn log(&self) {
        let line = self.line.unwrap_or(0);
        match self.severity {
            Severity::Error => tracing::error!(file = self.file, line, sp.entity_id = self.subject, "{self}"),
            Severity::Warning => {
                tracing::warn!(file = self.file, line, sp.entity_id = self.subject, "{self}");
            }
            Severity::Notice => tracing::info!(file = self.file, line, sp.entity_id = self.subject, "{self}"),
        }
    }
}
