//! [`Timings`]: lets a refusal without a bind take as long as one with a bind of the same directory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many binds are remembered.
const SAMPLES: usize = 31;
/// What a bind is thought to take before there was one.
const FIRST: Duration = Duration::from_millis(10);
/// Longer binds are a directory in trouble, and nobody is made to wait for that.
const LONGEST: Duration = Duration::from_secs(2);
/// Every refusal waits this much more, so that all end at a tick of the runtime's clock (1 ms), with a bind or without.
const GRID: Duration = Duration::from_millis(2);

/// The durations of the last binds, each directory's for itself: a password hash takes longer than LDAP.
#[derive(Debug)]
pub(super) struct Timings(Vec<Mutex<VecDeque<Duration>>>);

impl Timings {
    /// For so many directories.
    pub(super) fn new(directories: usize) -> Self {
        Self((0..directories).map(|_| Mutex::default()).collect())
    }

    /// Notes how long a bind of this directory took.
    pub(super) fn note(&self, directory: usize, took: Duration) {
        let Some(samples) = self.0.get(directory) else { return };
        let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() >= SAMPLES {
            samples.pop_front();
        }
        samples.push_back(took.min(LONGEST));
    }

    /// How long a bind of this directory would take: the last ones in turn, so that not only the mean is the same but
    /// the scatter too.
    pub(super) fn expected(&self, directory: usize) -> Duration {
        let Some(samples) = self.0.get(directory) else { return FIRST };
        let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = samples.pop_front() else { return FIRST };
        samples.push_back(next);
        next
    }

    /// Waits until a refusal may be given that began at `begun` and whose bind took `took`, or would have.
    pub(super) async fn wait(begun: Instant, took: Duration) {
        tokio::time::sleep_until(begun + took.min(LONGEST) + GRID).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_binds_of_a_directory_are_played_again() {
        let timings = Timings::new(2);
        assert_eq!(timings.expected(0), FIRST);
        for millis in 0..40 {
            timings.note(0, Duration::from_millis(millis));
        }
        let played: Vec<_> = (0..SAMPLES).map(|_| timings.expected(0).as_millis()).collect();
        assert_eq!(played, (9..40).collect::<Vec<_>>());
        assert_eq!(timings.expected(1), FIRST, "another directory");
        timings.note(1, Duration::from_mins(1));
        assert_eq!(timings.expected(1), LONGEST);
        assert!((0..SAMPLES).all(|_| timings.expected(0) < Duration::from_millis(40)));
    }
}
