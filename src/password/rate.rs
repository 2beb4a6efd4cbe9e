//! [`Rate`]: so many calls a minute, by whomever.

use std::sync::{Mutex, PoisonError};

use crate::clock::{SignedDuration, Timestamp};

/// A bucket that fills up evenly.
#[derive(Debug)]
pub(super) struct Rate {
    most: u32,
    /// How full it is, in sixtieths of a call, and since when.
    level: Mutex<Option<(i64, Timestamp)>>,
}

/// One call, in the unit of the level: a bucket of `most` calls gains `most` units a second.
const CALL: i64 = 60;

impl Rate {
    /// `most` calls a minute, and as many at once.
    pub(super) fn new(most: u32) -> Self {
        Self { most, level: Mutex::new(None) }
    }

    /// Takes a call's place, if there is one.
    pub(super) fn take(&self, now: Timestamp) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let full = i64::from(self.most) * CALL;
        let (mut left, mut since) = level.unwrap_or((full, now));
        // Whole seconds alone, so that none is lost; a clock that is set back gains nothing.
        let seconds = now.duration_since(since).as_secs().clamp(0, CALL);
        if seconds > 0 {
            left = full.min(left + seconds * i64::from(self.most));
            let next = since.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
            since = if left == full { now } else { next };
        }
        let admitted = left >= CALL;
        *level = Some((if admitted { left - CALL } else { left }, since));
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_so_many_calls_and_no_more() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let rate = Rate::new(3);
        let taken = |second, tries: usize| (0..tries).filter(|_| rate.take(at(second))).count();
        assert_eq!(taken(0, 10), 3);
        assert_eq!((taken(10, 2), taken(19, 2)), (0, 0));
        assert_eq!((taken(20, 2), taken(40, 2)), (1, 1));
        assert_eq!(taken(10, 2), 0, "a clock that is set back");
        assert_eq!(taken(4000, 10), 3);
    }
}
