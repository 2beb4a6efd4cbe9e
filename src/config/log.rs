//! `[log]`: what is logged, how, and where the audit trail goes.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use toml::de::DeValue;
use tracing::Level;

use super::fault::Complaint;
use super::reader::Section;
use super::values::{choice, text};

/// Log and audit.
#[derive(Debug, Clone)]
pub struct Log {
    /// `timezone`: of log lines and pages, by its IANA name. Default: the system's. SAML is always UTC.
    pub timezone: TimeZone,
    /// `level`: error, warn, info, debug or trace. Default info.
    pub level: Level,
    /// `format`: text or json. Default text.
    pub format: LogFormat,
    /// `audit`: the file of the audit trail. Default: standard output, target=audit.
    pub audit: Option<PathBuf>,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

const LEVELS: &[(&str, Level)] = &[
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

const FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];

impl Log {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            timezone: section.optional("timezone", timezone).unwrap_or_else(TimeZone::system),
            level: section.or("level", Level::INFO, choice(LEVELS)),
            format: section.or("format", LogFormat::Text, choice(FORMATS)),
            audit: section.optional("audit", text).map(|path| section.resolve(&path)),
        }
    }
}

fn timezone(value: &DeValue<'_>) -> Result<TimeZone, Complaint> {
    let name = text(value)?;
    TimeZone::get(&name).map_err(|_| {
        let remedy = "write an IANA name such as \"Asia/Tokyo\" (Debian: package tzdata)";
        Complaint::wrong(format!("\"{name}\" is no time zone of this machine"), remedy)
    })
}
