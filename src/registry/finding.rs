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
        let line = self.line.map(|line| format!(", line {line}")).unwrap_or_default();
        let subject = if self.subject.is_empty() { String::new() } else { format!(" ({})", self.subject) };
        let text = format!("{}{line}{subject}: {}; {}", self.file, self.message, self.remedy);
        // File names and texts of others must not begin a line of their own in the log.
        text.chars().try_for_each(|c| {
            if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") }
        })
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
