//! [`Unheard`]: a stream whose reader may leave, for commands whose work must go on all the same.

use std::io::{self, ErrorKind, Write};

/// What is written after the reader has left is lost.
pub(super) struct Unheard<'a>(pub(super) &'a mut dyn Write);

impl Write for Unheard<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        or_lost(self.0.write(text), text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        or_lost(self.0.flush(), ())
    }
}

fn or_lost<T>(done: io::Result<T>, lost: T) -> io::Result<T> {
    match done {
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(lost),
        done => done,
    }
}
