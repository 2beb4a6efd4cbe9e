//! [`Bulk`]: operations that are sent at the same moment are gathered for one bulk request (RFC 7644 section 3.7).
//!
//! Each caller brings one operation and gets a [`Turn`]: its answer, or the [`Lead`] of those that go together with its
//! own, which it sends. Nobody waits for company: what comes while requests are under way is company enough. Whatever
//! moment a caller is dropped at, the others go on: what was not sent is led by another, and what was sent has no answer.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::super::target::{FaultKind, TargetFault};
use super::answers::broken;
use crate::outgoing::Answer;
use crate::scim::bulk::Operation;
use crate::scim::message::ServiceConfig;

/// The most operations of a request: enough that a request costs nothing beside them, and few enough for its time.
const MOST: usize = 100;
/// The most operations of the first request: of a service that does one after the other and takes seconds for each, it
/// has its answer in time. Of a quick one the next requests have twice as many.
const FIRST: usize = 8;
/// The most octets of a request.
const OCTETS: usize = 1024 * 1024;
/// What a request has around its operations, and around each of them, at most.
const AROUND: usize = 200;
/// A full request that took less shows that there can be more in one, and one that took more that there are too many: a
/// service that does one operation after the other must come to the end before the answer is waited for no longer.
const QUICK: Duration = Duration::from_secs(2);
pub(super) const SLOW: Duration = Duration::from_secs(8);
/// The longest that a service is left alone by what waits here, as the pace of a run has it.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// For how long nothing is changed at a service that has no time and does not say until when. What waits here would be
/// sent at once else, and lose an attempt each.
const REST: Duration = Duration::from_secs(1);
/// So many bulk requests in a row without a usable answer are enough.
const UNUSABLE: u32 = 3;

/// What one operation is answered with.
pub(super) type Answered = Result<Answer, TargetFault>;

/// The operations of one service that wait, and how they go.
#[derive(Debug)]
pub(super) struct Bulk {
    /// The most operations of a request.
    most: usize,
    /// The most octets of a request.
    octets: usize,
    /// The most bulk requests at once.
    places: usize,
    /// Requests of any kind at once: more operations may wait than are to be sent.
    requests: Semaphore,
    /// Whether what is not sent yet is not to be sent.
    held: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Waiting>,
    under_way: usize,
    /// The most operations of the next request.
    size: usize,
    /// Requests in a row without a usable answer.
    unusable: u32,
    off: bool,
    /// Until when the service wants to be left alone.
    paused: Option<Instant>,
    /// Until when nothing is changed there.
    resting: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    operation: Operation,
    octets: usize,
    back: oneshot::Sender<Turn>,
}

/// How it goes on with an operation.
#[derive(Debug)]
pub(super) enum Turn {
    /// It was sent, by another.
    Answer(Answered),
    /// It is to be sent, together with others.
    Lead(Lead),
    /// It is to be sent as a request of its own.
    Alone,
    /// The same; where it is accepted then, [`Bulk::was_right`] is to be told of it.
    Apart(Doubt),
}

/// That the service perhaps did not understand a request, or refuses just these operations.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    is_over: Arc<AtomicBool>,
    sent: (usize, usize),
}

/// How a request went, and what follows for the next ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// Well.
    Well,
    /// The service has no time, was not reached or does not know us: that says nothing about bulk requests.
    Busy,
    /// Each operation is refused, and is to be sent by itself: only that shows whether it is for what it is.
    Doubtful,
    /// Few operations have a usable answer.
    Unusable,
    /// The service takes none.
    Refused,
}

/// Why there are no bulk requests any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The service takes none, or its answers cannot be used.
    NotDone,
    /// One of no more than so many operations took too long.
    TooLong(usize),
}

/// The operations of one request. Dropped before it is begun, they are led by another; dropped later, they have no answer.
#[derive(Debug)]
pub(super) struct Lead {
    bulk: Arc<Bulk>,
    own: Operation,
    others: Vec<Waiting>,
    /// The most operations that it could have had.
    size: usize,
    began: Option<Instant>,
    is_over: bool,
}

impl Bulk {
    /// For a service that says this of itself; none when it takes no bulk requests.
    pub(super) fn new(config: &ServiceConfig, in_flight: usize) -> Option<Arc<Self>> {
        let most = config.bulk.map(|most| most.min(MOST)).filter(|most| *most > 1)?;
        let state = State {
            queue: VecDeque::new(),
            under_way: 0,
            size: most.min(FIRST),
            unusable: 0,
            off: false,
            paused: None,
            resting: None,
        };
        Some(Arc::new(Self {
            most,
            octets: config.max_payload.unwrap_or(OCTETS).min(OCTETS),
            places: (in_flight / 4).clamp(1, 4),
            requests: Semaphore::new(in_flight.max(1)),
            held: watch::Sender::new(false),
            state: Mutex::new(state),
        }))
    }

    /// The most operations of a request.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Waits until it is said how it goes on with an operation, whose data has so many octets.
    pub(super) async fn turn(self: &Arc<Self>, operation: Operation, octets: usize) -> Turn {
        let (back, turn) = oneshot::channel();
        let octets = octets + operation.path.len() + AROUND;
        {
            let mut state = self.lock();
            if state.off {
                return Turn::Alone;
            }
            state.queue.push_back(Waiting { operation, octets, back });
        }
        self.pass_on();
        let cut = || Turn::Answer(Err(broken(&"the bulk request that carried it was cut off")));
        turn.await.unwrap_or_else(|_| cut())
    }

    /// The place of a request that may go now, as long as it lasts. A question is not held back: that for the credentials
    /// is asked also by a run that ends.
    pub(super) async fn place(&self, changes: bool) -> Result<Option<SemaphorePermit<'_>>, TargetFault> {
        let place = self.requests.acquire();
        let place = if changes { self.unless_held(place).await? } else { place.await };
        // It is never closed.
        self.paused(changes).map_or(Ok(place.ok()), Err)
    }

    /// What the service is not to be asked now.
    fn paused(&self, changes: bool) -> Option<TargetFault> {
        let until = {
            let state = self.lock();
            state.paused.max(state.resting.filter(|_| changes))
        };
        let left = until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(unsent("the service wants to be left alone; it was not sent", Some(left)))
    }

    /// Whether what waits here is answered as not sent, and what comes.
    pub(super) fn hold(self: &Arc<Self>, held: bool) {
        self.held.send_replace(held);
        self.pass_on();
    }

    /// What comes of this, unless it is held back before.
    pub(super) async fn unless_held<T>(&self, coming: impl Future<Output = T>) -> Result<T, TargetFault> {
        let mut held = self.held.subscribe();
        let held = async { held.wait_for(|held| *held).await.is_ok() };
        tokio::select! {
            biased;
            true = held => Err(run_ends()),
            came = coming => Ok(came),
        }
    }

    /// Notes how long the service wants to be left alone: what waits here would be sent else, though nothing new comes.
    pub(super) fn heard(&self, answer: &Answer, changes: bool) {
        if !matches!(answer.status, 429 | 503) {
            return;
        }
        let (now, mut state) = (Instant::now(), self.lock());
        match answer.retry_after {
            Some(wanted) => state.paused = state.paused.max(Some(now + wanted.min(LONGEST_PAUSE))),
            None if changes => state.resting = Some(now + REST),
            None => {}
        }
    }

    /// An operation was accepted by itself: the request in which it was refused was not understood, which counts once for
    /// all of them. Says why bulk requests ended by it, if they did.
    pub(super) fn was_right(self: &Arc<Self>, doubt: &Doubt) -> Option<Ended> {
        if doubt.is_over.swap(true, Ordering::Relaxed) {
            return None;
        }
        let ended = self.lock().learn(Went::Unusable, doubt.sent, self.most, Duration::ZERO);
        self.pass_on();
        ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets begin what may.
    fn pass_on(self: &Arc<Self>) {
        let is_held = *self.held.borrow();
        let done_with = {
            let mut state = self.lock();
            if is_held || state.off { std::mem::take(&mut state.queue) } else { VecDeque::new() }
        };
        for waiting in done_with {
            let turn = if is_held { Turn::Answer(Err(run_ends())) } else { Turn::Alone };
            let _ = waiting.back.send(turn);
        }
        while let Some((back, lead)) = self.next() {
            // Nobody is there to send it: then the next one.
            if let Err(Turn::Lead(mut lead)) = back.send(Turn::Lead(lead)) {
                lead.disband();
            }
        }
    }

    /// The next request, if it may begin: a further one at the same time when it is half full.
    fn next(self: &Arc<Self>) -> Option<(oneshot::Sender<Turn>, Lead)> {
        let mut state = self.lock();
        state.queue.retain(|waiting| !waiting.back.is_closed());
        let is_enough = state.under_way == 0 || state.queue.len() >= state.size.div_ceil(2);
        if state.under_way >= self.places || !is_enough {
            return None;
        }
        let Waiting { operation: own, mut octets, back } = state.queue.pop_front()?;
        octets += AROUND;
        let mut paths = HashSet::from([own.path.clone()]);
        let (mut others, mut left) = (Vec::new(), VecDeque::new());
        let queue = std::mem::take(&mut state.queue);
        for waiting in queue {
            let creates = waiting.operation.method == "POST";
            let has_room = others.len() + 1 < state.size && octets + waiting.octets <= self.octets;
            if has_room && (creates || paths.insert(waiting.operation.path.clone())) {
                octets += waiting.octets;
                others.push(waiting);
            } else {
                left.push_back(waiting);
            }
        }
        state.queue = left;
        state.under_way += 1;
        let size = state.size;
        Some((back, Lead { bulk: Arc::clone(self), own, others, size, began: None, is_over: false }))
    }
}

fn run_ends() -> TargetFault {
    unsent("the run ends; it was not sent", None)
}

fn unsent(why: &str, retry_after: Option<Duration>) -> TargetFault {
    TargetFault { kind: FaultKind::Unsent, code: 51, detail: why.to_owned(), retry_after }
}

impl State {
    /// What the next requests may have, never more than `most`, after one of so many, to which so many could have gone. Those
    /// that went at the same time tell of the same moment: the first of them counts. Says why bulk requests ended by it,
    /// if they did.
    fn learn(
        &mut self,
        went: Went,
        (sent, size): (usize, usize),
        most: usize,
        took: Duration,
    ) -> Option<Ended> {
        let is_slow = matches!(went, Went::Well | Went::Unusable) && took > SLOW;
        if went == Went::Well {
            self.unusable = 0;
        }
        if size <= self.size && (went == Went::Unusable || is_slow) {
            self.unusable += u32::from(went == Went::Unusable);
            self.size /= 2;
        } else if went == Went::Well && sent >= self.size && took < QUICK {
            self.size = (self.size * 2).min(most);
        }
        let was_off = self.off;
        self.off = was_off || went == Went::Refused || self.unusable >= UNUSABLE || self.size < 2;
        let is_not_done = matches!(went, Went::Refused | Went::Unusable);
        let why = if is_not_done { Ended::NotDone } else { Ended::TooLong(sent) };
        (self.off && !was_off).then_some(why)
    }
}

impl Lead {
    /// What is sent: one's own operation first.
    pub(super) fn operations(&self) -> Vec<&Operation> {
        std::iter::once(&self.own).chain(self.others.iter().map(|waiting| &waiting.operation)).collect()
    }

    /// Whether there is no other.
    pub(super) fn is_alone(&self) -> bool {
        self.others.is_empty()
    }

    /// From now on it may have been done.
    pub(super) fn begin(&mut self) {
        self.began = Some(Instant::now());
    }

    /// It is over: the others get their turns, and the first of them is one's own. Says why bulk requests ended by it, if
    /// they did.
    pub(super) fn end(mut self, went: Went, turns: Vec<Turn>) -> (Turn, Option<Ended>) {
        let took = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let sent = (self.others.len() + 1, self.size);
        let ended = self.bulk.lock().learn(went, sent, self.bulk.most, took);
        let doubt = Doubt { is_over: Arc::default(), sent };
        let mut turns = turns.into_iter().map(|turn| match turn {
            Turn::Alone if went == Went::Doubtful => Turn::Apart(doubt.clone()),
            turn => turn,
        });
        let own = turns.next().unwrap_or(Turn::Alone);
        // Who is gone needs no answer.
        for (waiting, turn) in std::mem::take(&mut self.others).into_iter().zip(turns) {
            let _ = waiting.back.send(turn);
        }
        (own, ended)
    }

    /// Ends it without a word: what was not sent waits again.
    fn disband(&mut self) {
        self.is_over = true;
        let mut state = self.bulk.lock();
        state.under_way -= 1;
        if self.began.is_none() {
            for waiting in self.others.drain(..).rev() {
                state.queue.push_front(waiting);
            }
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.is_over {
            self.disband();
            self.bulk.pass_on();
        }
    }
}

#[cfg(test)]
mod tests;
