//! The audit sink of a server: JSON Lines, one `write(2)` a record, to a file (mode 0600) or standard output.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;

use super::{AuditError, Record, Sink};

/// Appends one JSON object a line.
#[derive(Debug)]
pub struct JsonLines {
    target: String,
    file: Option<File>,
}

impl JsonLines {
    /// Appends to the file at `path`, which is made if it is missing.
    pub fn file(path: &Path) -> Result<Self, AuditError> {
        let target = path.display().to_string();
        match OpenOptions::new().append(true).create(true).mode(0o600).open(path) {
            Ok(file) => Ok(Self { target, file: Some(file) }),
            Err(cause) => Err(AuditError { target, cause }),
        }
    }

    /// Writes to standard output; each object carries `"target":"audit"`.
    pub fn standard_output() -> Self {
        Self { target: "standard output".to_owned(), file: None }
    }

    fn line(&self, record: &Record) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::with_capacity(512);
        match self.file {
            Some(_) => serde_json::to_writer(&mut line, record)?,
            None => serde_json::to_writer(&mut line, &Tagged { target: "audit", record })?,
        }
        line.push(b'\n');
        Ok(line)
    }
}

/// A record among the lines of the log.
#[derive(Serialize)]
struct Tagged<'a> {
    target: &'static str,
    #[serde(flatten)]
    record: &'a Record,
}

impl Sink for JsonLines {
    fn write(&self, record: &Record) -> Result<(), AuditError> {
        let written = self.line(record).and_then(|line| match &self.file {
            Some(file) => (&*file).write_all(&line),
            None => std::io::stdout().lock().write_all(&line),
        });
        written.map_err(|cause| AuditError { target: self.target.clone(), cause })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_record_is_one_line_even_with_line_breaks_inside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let sink = JsonLines::file(&path).unwrap();
        let event =
            Event::SignInRefused { login: "a\r\nb\u{2028}".into(), subject: None, reason: "unknown".into() };
        let record =
            Record { time: Timestamp::UNIX_EPOCH, request_id: "R".into(), client_address: None, event };
        sink.write(&record).unwrap();
        sink.write(&record).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        let value: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(value["event"], "sign_in_refused");
        assert_eq!(value["request.id"], "R");
    }
}
