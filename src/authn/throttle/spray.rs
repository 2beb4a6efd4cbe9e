//! Spraying: one password for many accounts, from one address.
//!
//! The accounts are counted that an address had wrong passwords for. From `address_accounts` on, its tries go one after
//! the other, some seconds apart, unless the address signed that very person in before: an office behind one address is
//! slowed, not shut out, and only for newcomers. With [`FOR_ALL`] times as many accounts it is slowed for everybody:
//! whoever sprays from inside the office tries those whom it knows.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::keys::Keys;
use super::{REMEMBERED, Throttle};
use crate::store::StoreError;

/// Between two tries of an address that sprays.
const PAUSE: Duration = Duration::from_secs(2);
/// So many times `address_accounts` slow people too whom the address signed in before.
const FOR_ALL: u32 = 3;
/// Nobody waits longer for a turn.
const LONGEST: Duration = Duration::from_secs(30);

/// When the next try of an address may go.
#[derive(Debug, Default)]
pub(super) struct Turns(HashMap<String, Instant>);

impl Turns {
    /// The moment for this try; `None` when too many wait already.
    pub(super) fn take(&mut self, address: &str, now: Instant) -> Option<Instant> {
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, next| *next > now);
        }
        let next = self.0.entry(address.to_owned()).or_insert(now);
        let turn = (*next).max(now);
        if turn.duration_since(now) > LONGEST {
            return None;
        }
        *next = turn + PAUSE;
        Some(turn)
    }
}

/// Whether it is the turn of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::authn) enum Turn {
    /// It is, and was at once.
    Now,
    /// It is, and others have been before it: what was known before is old.
    Waited,
    /// Too many wait already.
    Never,
}

impl Throttle {
    /// Waits for the turn of this try.
    pub(in crate::authn) async fn turn(&self, keys: &Keys) -> Result<Turn, StoreError> {
        let address = &keys.name.address;
        if self.book().clean.contains(address) && !self.store.is_shared() {
            return Ok(Turn::Now);
        }
        // No more accounts than tries, which cost less to count.
        let tries = self.store.tries(std::slice::from_ref(address), self.since()).await?;
        if tries.first().is_none_or(|tries| *tries < self.options.address_accounts) {
            return Ok(Turn::Now);
        }
        let accounts = self.store.keys_tried(&keys.tried_prefix(), self.since()).await?;
        if accounts < self.options.address_accounts {
            return Ok(Turn::Now);
        }
        let (who, network) = keys.person();
        let for_all = accounts >= self.options.address_accounts.saturating_mul(FOR_ALL);
        if !for_all && self.store.known_address(who, network).await? {
            return Ok(Turn::Now);
        }
        let now = Instant::now();
        let turn = self.book().turns.take(address, now);
        match turn {
            None => Ok(Turn::Never),
            Some(turn) if turn <= now => Ok(Turn::Now),
            Some(turn) => {
                tokio::time::sleep_until(turn).await;
                Ok(Turn::Waited)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_one_address_come_one_after_the_other_and_not_for_ever() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        assert_eq!(turns.take("a", now), Some(now));
        assert_eq!(turns.take("a", now), Some(now + PAUSE));
        assert_eq!(turns.take("b", now), Some(now), "another address");
        let waiting = (0..100).filter_map(|_| turns.take("a", now)).count();
        assert_eq!(waiting, 14, "2 s apart, 30 s at most");
        assert_eq!(turns.take("a", now), None);
        let later = now + Duration::from_mins(1);
        assert_eq!(turns.take("a", later), Some(later));
    }
}
