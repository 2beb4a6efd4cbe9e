//! The log of a server: text or JSON on standard output, in the configured time zone, one record one line.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use jiff::tz::TimeZone;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::sync::progress;
use crate::clock::{Clock, SystemClock};
use crate::config::{Log, LogFormat};

/// Sends all records of this process to standard output; a second call changes nothing.
pub(super) fn start(log: &Log) {
    start_on(log, OneLine(Stream::Output));
}

/// The same to standard error, for a command that has something else to print.
pub(super) fn start_on_error_stream(log: &Log) {
    start_on(log, OneLine(Stream::Error));
}

fn start_on(log: &Log, writer: OneLine) {
    let level = log.level.to_string().to_ascii_lowercase();
    // What happens inside other crates is of interest when something is wrong with them.
    let filter = EnvFilter::new(format!("warn,sekisho={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_timer(ZonedTime(log.timezone.clone()))
        .with_writer(writer);
    // A test that runs two commands in one process has a log already.
    let _ = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

struct ZonedTime(TimeZone);

impl FormatTime for ZonedTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        let now = SystemClock.now().to_zoned(self.0.clone());
        write!(w, "{}", now.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"))
    }
}

/// Writes each record with one write, its control characters escaped, so that no value can forge a second record.
#[derive(Clone, Copy)]
struct OneLine(Stream);

#[derive(Clone, Copy)]
enum Stream {
    Output,
    Error,
}

impl<'a> MakeWriter<'a> for OneLine {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        *self
    }
}

impl Write for OneLine {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let line = if is_one_line(record) { Cow::Borrowed(record) } else { Cow::Owned(one_line(record)) };
        // tracing-subscriber tells of a fault on standard error, and ends the process where that is closed.
        let lost = match self.0 {
            Stream::Output => io::stdout().lock().write_all(&line),
            Stream::Error => progress::above(|| io::stderr().lock().write_all(&line)),
        };
        if let (Err(cause), Stream::Output) = (lost, self.0) {
            let _ = writeln!(io::stderr(), "sekisho: a line of the log cannot be written: {cause}");
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = match self.0 {
            Stream::Output => io::stdout().flush(),
            Stream::Error => io::stderr().flush(),
        };
        Ok(())
    }
}

/// Most records are: nothing in them is a control character or, with 0xE2 0x80 first, perhaps a separator of lines.
fn is_one_line(record: &[u8]) -> bool {
    let Some((b'\n', body)) = record.split_last() else { return false };
    std::str::from_utf8(body).is_ok()
        && !body.iter().any(|b| b.is_ascii_control() || matches!(b, 0xC2 | 0xE2))
}

fn one_line(record: &[u8]) -> Vec<u8> {
    let body = record.strip_suffix(b"\n").unwrap_or(record);
    let text = String::from_utf8_lossy(body);
    let mut line = String::with_capacity(body.len() + 1);
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            // U+2028 and U+2029 end a line for some viewers, others turn its direction. JSON knows no other escape.
            _ if c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}') => {
                line.extend(format!("\\u{:04x}", u32::from(c)).chars());
            }
            _ => line.push(c),
        }
    }
    line.push('\n');
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_record_in_json_stays_json() {
        let line = one_line("{\"a\":\"x\u{85}\u{2028}\u{7f}\u{202e}\"}\n".as_bytes());
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value["a"], "x\u{85}\u{2028}\u{7f}\u{202e}");
        assert!(line.is_ascii());
    }

    #[test]
    fn a_record_stays_one_line() {
        assert_eq!(
            one_line("a\nb\r\u{1b}[31m田\u{2028}c\n".as_bytes()),
            "a\\nb\\r\\u001b[31m田\\u2028c\n".as_bytes()
        );
    }
}
