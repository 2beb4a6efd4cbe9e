//! `[throttle]`: how many wrong passwords are let through to the directory.

use jiff::SignedDuration;

use toml::de::DeValue;

use super::fault::Complaint;
use super::reader::Section;
use super::values::{count, duration};

/// Bounds on guessing.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// `account_tries`: wrong tries per account in the window. The last one is kept for addresses that signed the person
    /// in before. Default 4, under the usual lock-out of 5.
    pub account_tries: u32,
    /// `address_tries`: wrong tries per address in the window. Default 30.
    pub address_tries: u32,
    /// `address_accounts`: accounts that one address had wrong tries for in the window; from then on its tries go one
    /// after the other. Default 10.
    pub address_accounts: u32,
    /// `window`: how long a wrong try counts. Default 30 min.
    pub window: SignedDuration,
}

impl Throttle {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            account_tries: section.or("account_tries", 4, count(1..=1000)),
            address_tries: section.or("address_tries", 30, count(1..=100_000)),
            address_accounts: section.or("address_accounts", 10, count(1..=100_000)),
            window: section.or("window", SignedDuration::from_mins(30), window),
        }
    }
}

/// Wrong tries are kept for a day; nothing longer could be kept to.
fn window(value: &DeValue<'_>) -> Result<SignedDuration, Complaint> {
    let window = duration(value)?;
    if window <= SignedDuration::from_hours(24) {
        return Ok(window);
    }
    Err(Complaint::wrong(format!("{window:#} is longer than a day"), "write at most \"24h\""))
}
