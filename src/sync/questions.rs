//! [`Questions`]: what a target is asked before anything is changed there. They go no faster than the target wants to be
//! asked, and what it has no time for is asked again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::pace::{Pace, PaceOptions, Turn};
use super::target::{FaultKind, TargetFault};
use crate::clock::Ids;

/// How often a question is asked that the target has no time for.
const ATTEMPTS: u32 = 5;
/// A target that wants to be left alone for longer than this is asked by a later run.
const MOST_PATIENCE: Duration = Duration::from_mins(5);

/// After so many questions one after the other for which the target had no time, it is asked no more.
const MOST_BUSY: u32 = 8;

/// The questions of one run.
#[derive(Debug)]
pub struct Questions {
    pace: Mutex<Pace>,
    ids: Arc<dyn Ids>,
    at_once: usize,
    /// How many questions in a row were given up.
    given_up: AtomicU32,
    /// For the log.
    target: String,
}

impl Questions {
    /// As fast as these options allow.
    pub fn new(options: PaceOptions, ids: Arc<dyn Ids>) -> Self {
        let at_once = options.in_flight.max(1);
        let pace = Mutex::new(Pace::new(options, Instant::now()));
        Self { pace, ids, at_once, given_up: AtomicU32::new(0), target: String::new() }
    }

    /// Those of the target of this name.
    #[must_use]
    pub fn of(self, target: &str) -> Self {
        Self { target: target.to_owned(), ..self }
    }

    /// How many may be open at the same time.
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Asks when it is its turn, and again where the target has no time.
    pub async fn ask<T, R>(&self, question: impl Fn() -> R) -> Result<T, TargetFault>
    where
        R: Future<Output = Result<T, TargetFault>>,
    {
        let mut attempts = 1;
        loop {
            if self.given_up.load(Ordering::Relaxed) >= MOST_BUSY {
                let detail =
                    format!("the target had no time for {MOST_BUSY} questions in a row; it is asked no more");
                return Err(TargetFault { kind: FaultKind::Busy, code: 51, detail, retry_after: None });
            }
            self.turn().await;
            let sent = Instant::now();
            let fault = match question().await {
                Err(fault) if matches!(fault.kind, FaultKind::Busy | FaultKind::Unsent) => fault,
                answer => {
                    let unheard =
                        |fault: &TargetFault| matches!(fault.kind, FaultKind::Unheard | FaultKind::Unknown);
                    if !answer.as_ref().is_err_and(unheard) {
                        self.with_pace(Pace::answered);
                        self.given_up.store(0, Ordering::Relaxed);
                    }
                    return answer;
                }
            };
            let wanted = fault.retry_after;
            if attempts >= ATTEMPTS || wanted.is_some_and(|wanted| wanted > MOST_PATIENCE) {
                self.given_up.fetch_add(1, Ordering::Relaxed);
                return Err(fault);
            }
            let wait = self.with_pace(|pace| {
                pace.slow(&fault, sent, Instant::now(), self.ids.as_ref());
                if let Some(until) = pace.news(Instant::now()) {
                    let seconds = until.duration_since(sent).as_secs();
                    let target = self.target.as_str();
                    tracing::warn!(sync.target = target, "the target is not asked for {seconds} s: {fault}");
                }
                // Where it says how long, all questions wait so long.
                if wanted.is_some() { Duration::ZERO } else { pace.wait(attempts + 1, self.ids.as_ref()) }
            });
            sleep(wait).await;
            attempts += 1;
        }
    }

    async fn turn(&self) {
        loop {
            let turn = self.with_pace(|pace| {
                let turn = pace.turn(Instant::now(), 0);
                if turn == Turn::Now {
                    pace.sent();
                }
                turn
            });
            match turn {
                Turn::At(moment) => sleep_until(moment).await,
                Turn::Now | Turn::Answer => return,
            }
        }
    }

    fn with_pace<T>(&self, of: impl FnOnce(&mut Pace) -> T) -> T {
        of(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededIds;

    fn questions(per_second: f64) -> Questions {
        let options = PaceOptions { per_second: Some(per_second), ..PaceOptions::default() };
        Questions::new(options, Arc::new(SeededIds::new(1)))
    }

    fn busy(retry_after: Option<Duration>) -> TargetFault {
        TargetFault { kind: FaultKind::Busy, code: 51, detail: "429".into(), retry_after }
    }

    #[tokio::test(start_paused = true)]
    async fn questions_go_as_fast_as_the_target_wants() {
        let (questions, begun) = (questions(5.0), Instant::now());
        let all = (0..21).map(|_| questions.ask(|| async { Ok(()) }));
        futures_util::future::try_join_all(all).await.unwrap();
        let took = begun.elapsed().as_secs_f64();
        assert!((4.0..4.1).contains(&took), "one at once, then 20 at 5 a second: {took}");
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_target_has_enough_all_questions_wait() {
        let (questions, begun) = (questions(100.0), Instant::now());
        let asked = AtomicU32::new(0);
        let one = || async {
            let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            if first { Err(busy(Some(Duration::from_secs(30)))) } else { Ok(begun.elapsed().as_secs()) }
        };
        let (first, second) = tokio::join!(questions.ask(one), async {
            sleep(Duration::from_secs(1)).await;
            questions.ask(one).await
        });
        assert_eq!((first.unwrap(), second.unwrap(), asked.load(Ordering::Relaxed)), (30, 30, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let asked = AtomicU32::new(0);
        let never = |retry_after| {
            asked.fetch_add(1, Ordering::Relaxed);
            async move { Err::<(), _>(busy(retry_after)) }
        };
        let questions = questions(100.0);
        assert_eq!(questions.ask(|| never(None)).await, Err(busy(None)));
        assert_eq!(asked.swap(0, Ordering::Relaxed), ATTEMPTS);
        let hours = Some(Duration::from_hours(2));
        assert_eq!(questions.ask(|| never(hours)).await, Err(busy(hours)));
        assert_eq!(asked.load(Ordering::Relaxed), 1, "a later run asks");
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_has_time_is_asked_no_more() {
        let (questions, asked) = (questions(100.0), AtomicU32::new(0));
        let never = || {
            asked.fetch_add(1, Ordering::Relaxed);
            async { Err::<(), _>(busy(None)) }
        };
        for _ in 0..MOST_BUSY {
            assert_eq!(questions.ask(never).await, Err(busy(None)));
        }
        let before = asked.load(Ordering::Relaxed);
        let fault = questions.ask(never).await.unwrap_err();
        assert_eq!((fault.kind, asked.load(Ordering::Relaxed)), (FaultKind::Busy, before));
    }
}
