//! The audit sink of tests: keeps the records, and can be told to fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{AuditError, Record, Sink};

/// Holds every record in memory.
#[derive(Debug, Default)]
pub struct Memory {
    records: Mutex<Vec<Record>>,
    broken: AtomicBool,
}

impl Memory {
    /// What has been written so far.
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().map(|held| held.clone()).unwrap_or_default()
    }

    /// Makes every further write fail (a full disk), or work again.
    pub fn break_down(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }
}

impl Sink for Memory {
    fn write(&self, record: &Record) -> Result<(), AuditError> {
        if self.broken.load(Ordering::SeqCst) {
            let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(AuditError { target: "memory".to_owned(), cause });
        }
        if let Ok(mut held) = self.records.lock() {
            held.push(record.clone());
        }
        Ok(())
    }
}
