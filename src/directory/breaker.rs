//! [`Breaker`]: remembers that a server is out, so that nobody waits for it, and lets one probe through now and then.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Fault;

/// How a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It answers.
    Good,
    /// It is out, and it is time to try it; the caller that hears this is the one who may.
    Probe,
    /// It is out, but it fails at once (connection refused): it may be asked when nobody else is left.
    LastResort,
    /// It is out, and asking it would only cost time.
    Out,
}

/// The memory of one server.
#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<Option<Open>>,
    retry: Duration,
}

#[derive(Debug)]
struct Open {
    fault: Fault,
    next_probe: Instant,
    failures: u32,
}

impl Breaker {
    /// A server that is trusted to answer; after its first fault it is tried again after `retry`.
    pub(super) fn new(retry: Duration) -> Self {
        Self { state: Mutex::new(None), retry }
    }

    /// How the server stands now.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        let Ok(mut state) = self.state.lock() else { return Standing::Good };
        match state.as_mut() {
            None => Standing::Good,
            Some(open) if open.next_probe <= now => {
                // Whoever comes next hears Out until this probe was answered or its time is over.
                open.next_probe = now + self.pause(open.failures);
                Standing::Probe
            }
            Some(Open { fault: Fault::Lost(_), .. }) => Standing::LastResort,
            Some(_) => Standing::Out,
        }
    }

    /// The server answered. True when it was out before.
    pub(super) fn succeeded(&self) -> bool {
        self.state.lock().is_ok_and(|mut state| state.take().is_some())
    }

    /// The server failed. True when it was good before. One that was silent, or that refused the service account (asked
    /// again and again it would lock it), is out; one that fails at once is a last resort.
    pub(super) fn failed(&self, fault: Fault, now: Instant) -> bool {
        let Ok(mut state) = self.state.lock() else { return false };
        let failures = state.as_ref().map_or(0, |open| open.failures.saturating_add(1));
        let next_probe = now + self.pause(failures);
        let first = state.is_none();
        *state = Some(Open { fault, next_probe, failures });
        first
    }

    /// Why the server is out.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.state.lock().ok()?.as_ref().map(|open| open.fault.clone())
    }

    fn pause(&self, failures: u32) -> Duration {
        self.retry * 2_u32.pow(failures.min(4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_probe_at_a_time_and_pauses_that_grow() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let silent = || Fault::Silent(String::new());
        let breaker = Breaker::new(Duration::from_secs(1));
        assert_eq!(breaker.standing(at(0)), Standing::Good);
        assert!(breaker.failed(silent(), at(0)));
        assert_eq!(breaker.standing(at(0)), Standing::Out);
        assert_eq!(breaker.standing(at(1)), Standing::Probe);
        assert_eq!(breaker.standing(at(1)), Standing::Out);
        assert!(!breaker.failed(silent(), at(1)));
        assert_eq!(breaker.standing(at(2)), Standing::Out);
        assert_eq!(breaker.standing(at(3)), Standing::Probe);
        assert!(breaker.succeeded());
        assert_eq!(breaker.standing(at(3)), Standing::Good);
    }

    #[test]
    fn what_fails_at_once_may_be_asked_as_a_last_resort() {
        let now = Instant::now();
        let breaker = Breaker::new(Duration::from_secs(1));
        breaker.failed(Fault::Lost("connection refused".to_owned()), now);
        assert_eq!(breaker.standing(now), Standing::LastResort);
        assert!(breaker.fault().is_some_and(|fault| fault.to_string() == "connection refused"));
    }
}
