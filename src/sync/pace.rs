//! [`Pace`]: how fast a target is asked: a token bucket, a window of requests in flight that grows while all goes well
//! and is halved when the target has enough, pauses that the target asks for, and the waits between tries.
//!
//! It decides and waits for nobody: moments are arguments, and chance comes from [`Ids`].

use std::time::Duration;

use tokio::time::Instant;

use super::target::{FaultKind, TargetFault};
use crate::clock::{Ids, SignedDuration};

/// The longest pause that a target is believed to want.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// A pause that is no longer than this is not told of.
const SILENCE: Duration = Duration::from_secs(10);
/// When an operation that was tried often enough is tried again: after the first time, the second, and each later one.
const PUT_OFF: [SignedDuration; 3] =
    [SignedDuration::from_hours(6), SignedDuration::from_hours(12), SignedDuration::from_hours(24)];

/// For each request at once, the most operations in flight, and the most of all.
const FILLING: usize = 25;
const MOST_IN_FLIGHT: usize = 256;

/// How a target wants to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct PaceOptions {
    /// The most requests in flight.
    pub in_flight: usize,
    /// The most requests per second; none is no bound.
    pub per_second: Option<f64>,
    /// How often an operation is sent before it is put off.
    pub attempts: u32,
    /// The longest wait before the second attempt; each later one is twice as long.
    pub first_wait: Duration,
    /// The longest wait of all.
    pub longest_wait: Duration,
}

impl Default for PaceOptions {
    fn default() -> Self {
        Self {
            in_flight: 8,
            per_second: None,
            attempts: 8,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(5),
        }
    }
}

impl PaceOptions {
    /// For a target of which one request can carry so many operations: so many more are in flight that such requests can be
    /// filled.
    #[must_use]
    pub fn for_requests_of(self, operations: usize) -> Self {
        let more = self.in_flight.saturating_mul(operations.clamp(1, FILLING)).min(MOST_IN_FLIGHT);
        Self { in_flight: more.max(self.in_flight), ..self }
    }
}

/// When the next request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Now.
    Now,
    /// Not before this.
    At(Instant),
    /// When one of those in flight is answered.
    Answer,
}

/// The pace of one target.
#[derive(Debug)]
pub struct Pace {
    options: PaceOptions,
    window: usize,
    /// Good answers since the window last changed.
    clean: usize,
    tokens: f64,
    filled: Instant,
    paused: Option<Instant>,
    /// Until when a pause lasts that was told of.
    told: Option<Instant>,
    /// What was sent before this was answered by the trouble that is already known.
    slowed: Option<Instant>,
    /// Rounds of trouble without a good answer in between.
    streak: u32,
}

impl Pace {
    /// Begins at full speed.
    pub fn new(options: PaceOptions, now: Instant) -> Self {
        let window = options.in_flight.max(1);
        let tokens = options.per_second.map_or(0.0, burst);
        Self {
            options,
            window,
            clean: 0,
            tokens,
            filled: now,
            paused: None,
            told: None,
            slowed: None,
            streak: 0,
        }
    }

    /// When the next request may go, with so many in flight.
    pub fn turn(&mut self, now: Instant, in_flight: usize) -> Turn {
        if in_flight >= self.window {
            return Turn::Answer;
        }
        if let Some(until) = self.paused {
            if until > now {
                return Turn::At(until);
            }
            self.paused = None;
        }
        let Some(rate) = self.options.per_second else { return Turn::Now };
        let filled = self.tokens + now.duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = filled.min(burst(rate));
        self.filled = now;
        if self.tokens >= 1.0 {
            return Turn::Now;
        }
        let missing = Duration::try_from_secs_f64((1.0 - self.tokens) / rate).unwrap_or(LONGEST_PAUSE);
        // A timer that is a moment early would ask again and again.
        Turn::At(now + missing.max(Duration::from_millis(1)))
    }

    /// A request goes.
    pub fn sent(&mut self) {
        if self.options.per_second.is_some() {
            self.tokens -= 1.0;
        }
    }

    /// The target answered, and was not busy: also a refusal is an answer.
    pub fn answered(&mut self) {
        self.streak = 0;
        self.clean += 1;
        if self.clean >= self.window && self.window < self.options.in_flight {
            self.window += 1;
            self.clean = 0;
        }
    }

    /// The target has enough, or is not there; `sent` is when that request went. A round of requests that went together
    /// counts once. All wait as long as it asks for; when it does not say, after the second round and longer each time.
    pub fn slow(&mut self, fault: &TargetFault, sent: Instant, now: Instant, ids: &dyn Ids) {
        if let Some(wanted) = fault.retry_after {
            self.pause(now + wanted.min(LONGEST_PAUSE));
        }
        // What was not sent says nothing more than that.
        if fault.kind == FaultKind::Unsent || self.slowed.is_some_and(|slowed| sent <= slowed) {
            return;
        }
        self.slowed = Some(now);
        self.streak = self.streak.saturating_add(1);
        self.window = (self.window / 2).max(1);
        self.clean = 0;
        // Once, it is the matter of that operation, which waits by itself; twice in a row, it is the target.
        if fault.retry_after.is_none() && self.streak > 1 {
            self.pause(now + self.wait(self.streak - 1, ids));
        }
    }

    fn pause(&mut self, until: Instant) {
        self.paused = self.paused.max(Some(until));
    }

    /// Until when the target is left alone, if that is long and was not told of.
    pub fn news(&mut self, now: Instant) -> Option<Instant> {
        let until = self.paused.filter(|until| *until > now + SILENCE)?;
        // Each of those in flight hears of the same pause a moment later.
        if self.told.is_some_and(|told| until <= told + SILENCE) {
            return None;
        }
        self.told = Some(until);
        Some(until)
    }

    /// Until when the target is left alone, if it is.
    pub fn paused(&self) -> Option<Instant> {
        self.paused
    }

    /// How long an operation waits after this many attempts: between nothing and twice as long as before ("full
    /// jitter"), so that many do not come back at once.
    pub fn wait(&self, attempts: u32, ids: &dyn Ids) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let most = self.options.first_wait.saturating_mul(doubled).min(self.options.longest_wait);
        let mut drawn = [0; 4];
        ids.fill(&mut drawn);
        most.mul_f64(f64::from(u32::from_le_bytes(drawn)) / f64::from(u32::MAX))
    }
}

/// For how long an operation is put off that was put off `rounds` times before.
pub fn put_off(rounds: u32) -> SignedDuration {
    let [first, second, later] = PUT_OFF;
    match rounds {
        0 => first,
        1 => second,
        _ => later,
    }
}

/// A tenth of a second's worth may go at once.
fn burst(rate: f64) -> f64 {
    (rate / 10.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{RandomIds, SeededIds};

    fn busy(retry_after: Option<u64>) -> TargetFault {
        let retry_after = retry_after.map(Duration::from_secs);
        TargetFault { kind: FaultKind::Busy, code: 51, detail: "429".into(), retry_after }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_window_is_halved_once_for_a_round_and_grows_by_one_for_a_clean_one() {
        let start = Instant::now();
        let mut pace = Pace::new(PaceOptions::default(), start);
        assert_eq!((pace.turn(start, 7), pace.turn(start, 8)), (Turn::Now, Turn::Answer));
        let heard = start + SECOND;
        for _ in 0..8 {
            pace.slow(&busy(Some(2)), start, heard, &RandomIds);
        }
        assert_eq!(pace.turn(heard, 0), Turn::At(heard + 2 * SECOND), "all wait as long as the target wants");
        let later = heard + 2 * SECOND;
        assert_eq!((pace.turn(later, 3), pace.turn(later, 4)), (Turn::Now, Turn::Answer));
        (0..4).for_each(|_| pace.answered());
        assert_eq!((pace.turn(later, 4), pace.turn(later, 5)), (Turn::Now, Turn::Answer));
        for round in 1..9 {
            let sent = later + SECOND * 10 * round;
            pace.slow(&busy(Some(0)), sent, sent + SECOND, &RandomIds);
        }
        let later = later + SECOND * 100;
        assert_eq!((pace.turn(later, 0), pace.turn(later, 1)), (Turn::Now, Turn::Answer), "one is the least");
        (0..1 + 2 + 3 + 4 + 5 + 6 + 7 + 8).for_each(|_| pace.answered());
        assert_eq!(
            (pace.turn(later, 7), pace.turn(later, 8)),
            (Turn::Now, Turn::Answer),
            "never more than allowed"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_sent_is_a_pause_and_no_trouble() {
        let start = Instant::now();
        let mut pace = Pace::new(PaceOptions::default(), start);
        let unsent = TargetFault { kind: FaultKind::Unsent, ..busy(Some(2)) };
        pace.slow(&unsent, start, start, &RandomIds);
        assert_eq!(pace.turn(start, 0), Turn::At(start + 2 * SECOND));
        assert_eq!(pace.turn(start + 2 * SECOND, 7), Turn::Now, "as many at once as before");
    }

    #[test]
    fn requests_that_carry_more_have_more_in_flight() {
        let in_flight = |in_flight, operations| {
            PaceOptions { in_flight, ..PaceOptions::default() }.for_requests_of(operations).in_flight
        };
        let got = [in_flight(8, 1), in_flight(8, 0), in_flight(8, 5), in_flight(8, 1_000), in_flight(1, 100)];
        assert_eq!(got, [8, 8, 40, 200, 25]);
        assert_eq!([in_flight(16, 100), in_flight(256, 100), in_flight(300, 100)], [256, 256, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_pause_is_told_once() {
        let start = Instant::now();
        let mut pace = Pace::new(PaceOptions::default(), start);
        pace.slow(&busy(Some(10)), start, start, &RandomIds);
        assert_eq!(pace.news(start), None, "nobody wonders");
        pace.slow(&busy(Some(600)), start, start, &RandomIds);
        assert_eq!(pace.news(start), Some(start + 600 * SECOND));
        let later = start + SECOND;
        pace.slow(&busy(Some(600)), start, later, &RandomIds);
        assert_eq!(pace.news(later), None, "it is the same pause");
        pace.slow(&busy(Some(1_800)), start, later, &RandomIds);
        assert_eq!(pace.news(later), Some(later + 1_800 * SECOND), "much longer");
        let after = later + 1_900 * SECOND;
        pace.slow(&busy(Some(60)), after, after, &RandomIds);
        assert_eq!(pace.news(after), Some(after + 60 * SECOND), "another one");
    }

    #[tokio::test(start_paused = true)]
    async fn the_bucket_gives_what_the_rate_allows() {
        let start = Instant::now();
        let options = PaceOptions { per_second: Some(100.0), in_flight: 1_000, ..PaceOptions::default() };
        let mut pace = Pace::new(options, start);
        let mut sent = 0;
        while start.elapsed() < 10 * SECOND {
            match pace.turn(Instant::now(), 0) {
                Turn::Now => {
                    pace.sent();
                    sent += 1;
                }
                Turn::At(then) => tokio::time::sleep_until(then).await,
                Turn::Answer => unreachable!("nothing is in flight"),
            }
        }
        assert!((990..=1_011).contains(&sent), "{sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_the_longest_and_are_spread_from_nothing_on() {
        let pace = Pace::new(PaceOptions::default(), Instant::now());
        for (attempts, most) in [(1, 1), (2, 2), (4, 8), (8, 128), (10, 300), (60, 300)] {
            let ids = SeededIds::new(u64::from(attempts));
            let waits: Vec<_> = (0..200).map(|_| pace.wait(attempts, &ids).as_secs_f64()).collect();
            let most = f64::from(most);
            assert!(waits.iter().all(|wait| *wait <= most), "{attempts}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait > most * 0.9), "{attempts}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait < most * 0.1), "{attempts}: {waits:?}");
        }
        assert_eq!([0, 1, 2, 9].map(|rounds| put_off(rounds).as_hours()), [6, 12, 24, 24]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_allows_a_hundred_a_second_gets_over_ninety_useful_ones() {
        let start = Instant::now();
        let mut pace = Pace::new(PaceOptions::default(), start);
        // It answers after 2 ms, counts by the second, and asks for a second's pause.
        let (mut window, mut used, mut useful) = (0, 0, 0);
        let mut flying = std::collections::VecDeque::new();
        while start.elapsed() < 20 * SECOND {
            let now = Instant::now();
            match pace.turn(now, flying.len()) {
                Turn::Now => {
                    pace.sent();
                    if start.elapsed().as_secs() != window {
                        (window, used) = (start.elapsed().as_secs(), 0);
                    }
                    used += 1;
                    flying.push_back((now, used <= 100));
                    continue;
                }
                Turn::At(then) if flying.is_empty() => tokio::time::sleep_until(then).await,
                _ => {}
            }
            if let Some((sent, good)) = flying.pop_front() {
                tokio::time::sleep_until(sent + Duration::from_millis(2)).await;
                if good {
                    useful += 1;
                    pace.answered();
                } else {
                    pace.slow(&busy(Some(1)), sent, Instant::now(), &RandomIds);
                }
            }
        }
        assert!(useful >= 90 * 20, "{useful} in 20 seconds");
    }
}
