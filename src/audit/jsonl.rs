//! The audit sink of a server: JSON Lines, one `write(2)` a record, to a file (mode 0600) or standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::{AuditError, Record, Sink};

/// Appends one JSON object a line.
#[derive(Debug)]
pub struct JsonLines {
    target: String,
    file: Option<File>,
    /// Whether the file ends within a record that broke off.
    torn: Mutex<bool>,
}

impl JsonLines {
    /// Appends to the file at `path`, which is made if it is missing.
    pub fn file(path: &Path) -> Result<Self, AuditError> {
        let target = path.display().to_string();
        match OpenOptions::new().append(true).create(true).mode(0o600).open(path) {
            Ok(file) => Ok(Self { target, file: Some(file), torn: Mutex::new(ends_within_a_line(path)) }),
            Err(cause) => Err(AuditError { target, cause }),
        }
    }

    /// Writes to standard output; each object carries `"target":"audit"`.
    pub fn standard_output() -> Self {
        Self { target: "standard output".to_owned(), file: None, torn: Mutex::default() }
    }

    /// One record, on a line of its own also behind one that a full disk cut off.
    fn append(&self, file: &File, line: &[u8]) -> io::Result<()> {
        let mut torn = self.torn.lock().unwrap_or_else(PoisonError::into_inner);
        if *torn {
            write_all(file, b"\n").map_err(|(cause, _)| cause)?;
            *torn = false;
        }
        write_all(file, line).map_err(|(cause, written)| {
            *torn = written > 0;
            cause
        })
    }

    fn line(&self, record: &Record) -> io::Result<Vec<u8>> {
        let mut line = Vec::with_capacity(512);
        match self.file {
            Some(_) => serde_json::to_writer(&mut line, record)?,
            None => serde_json::to_writer(&mut line, &Tagged { target: "audit", record })?,
        }
        if !line.is_ascii() {
            line = printable(&line);
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
            Some(file) => self.append(file, &line),
            None => io::stdout().lock().write_all(&line),
        });
        written.map_err(|cause| AuditError { target: self.target.clone(), cause })
    }
}

/// JSON escapes what ends a line for C, not what does for Unicode, nor what turns the direction of text.
fn printable(json: &[u8]) -> Vec<u8> {
    let is_harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    let mut line = String::with_capacity(json.len() + 16);
    for c in String::from_utf8_lossy(json).chars() {
        if is_harmful(c) {
            line.extend(format!("\\u{:04x}", u32::from(c)).chars());
        } else {
            line.push(c);
        }
    }
    line.into_bytes()
}

/// As [`Write::write_all`]; a failure comes with how much was written before.
fn write_all(mut file: &File, bytes: &[u8]) -> Result<(), (io::Error, usize)> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = match file.write(rest) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            other => other,
        };
        let written = written.map_err(|cause| (cause, bytes.len() - rest.len()))?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Whether the process before this one, or its disk, ended in the middle of a record.
fn ends_within_a_line(path: &Path) -> bool {
    let last = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut octet = [0];
        file.read_exact(&mut octet)?;
        Ok::<_, io::Error>(octet)
    };
    // An empty file and a pipe have no last octet.
    last().is_ok_and(|octet| octet != *b"\n")
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
        let event = Event::SignInRefused {
            login: "a\r\nb\u{2028}\u{85}".into(),
            subject: None,
            reason: "unknown".into(),
            locked_until: None,
        };
        let record =
            Record { time: Timestamp::UNIX_EPOCH, request_id: "R".into(), client_address: None, event };
        sink.write(&record).unwrap();
        sink.write(&record).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        let value: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(value["event"], "sign_in_refused");
        assert_eq!(value["login"], "a\r\nb\u{2028}\u{85}");
        assert!(text.is_ascii(), "{text}");
        assert_eq!(value["request.id"], "R");
    }
    #[test]
    fn a_record_that_broke_off_does_not_spoil_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        std::fs::write(&path, "{\"time\":").unwrap();
        let event = Event::Server { state: "started".into(), version: "1".into() };
        let record =
            Record { time: Timestamp::UNIX_EPOCH, request_id: String::new(), client_address: None, event };
        for _ in 0..2 {
            JsonLines::file(&path).unwrap().write(&record).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let good = text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
        assert_eq!((text.lines().count(), good.count()), (3, 2), "{text}");
    }
}
