//! [`Timings`]: lets every refusal take as long, whosever name it is and whether a password was tried or not.
//!
//! What is timed is the whole of search and bind: an entry that is found costs more than one that is not. Each refusal takes
//! as long as the slowest directory would: its own time counts where a password was tried there, an earlier try's
//! elsewhere.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many tries are remembered.
const SAMPLES: usize = 31;
/// What a try is thought to take before there was one.
const FIRST: Duration = Duration::from_millis(10);
/// Longer ones are a directory in trouble, and nobody is made to wait for that.
const LONGEST: Duration = Duration::from_secs(2);
/// Every refusal waits this much more, so that all end at a tick of the runtime's clock (1 ms), with a try or without.
const GRID: Duration = Duration::from_millis(2);

/// The durations of the last tries, each directory's for itself: a password hash takes longer than LDAP.
#[derive(Debug)]
pub(super) struct Timings(Vec<Mutex<VecDeque<Duration>>>);

impl Timings {
    /// For so many directories.
    pub(super) fn new(directories: usize) -> Self {
        Self((0..directories).map(|_| Mutex::default()).collect())
    }

    /// Notes how long search and bind of a name of this directory took.
    pub(super) fn note(&self, directory: usize, took: Duration) {
        let Some(samples) = self.0.get(directory) else { return };
        let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() >= SAMPLES {
            samples.pop_front();
        }
        samples.push_back(took.min(LONGEST));
    }

    /// How long a refusal takes for which no password was tried.
    pub(super) fn expected(&self) -> Duration {
        (0..self.0.len()).map(|directory| self.replayed(directory)).max().unwrap_or(FIRST)
    }

    /// How long a refusal takes whose password was tried in this directory, which took `took`.
    pub(super) fn beside(&self, directory: usize, took: Duration) -> Duration {
        let others = (0..self.0.len()).filter(|other| *other != directory);
        others.map(|other| self.replayed(other)).max().unwrap_or_default().max(took)
    }

    /// The last tries of a directory in turn, so that not only the mean is the same but the scatter too.
    fn replayed(&self, directory: usize) -> Duration {
        let Some(samples) = self.0.get(directory) else { return FIRST };
        let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = samples.pop_front() else { return FIRST };
        samples.push_back(next);
        next
    }

    /// Waits until a refusal may be given that began at `begun` and takes `took`.
    pub(super) async fn wait(begun: Instant, took: Duration) {
        tokio::time::sleep_until(begun + took.min(LONGEST) + GRID).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tries_of_a_directory_are_played_again() {
        let timings = Timings::new(2);
        assert_eq!((timings.replayed(0), timings.expected()), (FIRST, FIRST));
        for millis in 0..40 {
            timings.note(0, Duration::from_millis(millis));
        }
        let played: Vec<_> = (0..SAMPLES).map(|_| timings.replayed(0).as_millis()).collect();
        assert_eq!(played, (9..40).collect::<Vec<_>>());
        assert_eq!(timings.replayed(1), FIRST, "another directory");
        timings.note(1, Duration::from_mins(1));
        assert_eq!(timings.replayed(1), LONGEST);
        assert!((0..SAMPLES).all(|_| timings.replayed(0) < Duration::from_millis(40)));
    }

    #[test]
    fn the_slowest_directory_says_how_long_a_refusal_takes() {
        let (timings, slow, quick) = (Timings::new(2), Duration::from_millis(80), Duration::from_millis(3));
        timings.note(0, slow);
        timings.note(1, quick);
        assert_eq!(
            (timings.expected(), timings.beside(0, slow), timings.beside(1, quick)),
            (slow, slow, slow)
        );
        assert_eq!(timings.beside(0, Duration::ZERO), quick, "its own time is what it took");
        assert_eq!(Timings::new(1).beside(0, quick), quick);
    }
}
