//! [`Course`]: the one loop that feeds, sends, waits and writes; all decisions of one application are made here, one
//! after the other.

mod refused;
mod tell;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(super) use self::refused::Refused;
use super::feed::{Feed, Loaded, is_serial, makes};
use super::journal::Tally;
use super::record::Results;
use super::send::{Outcome, Sender, lost};
use super::task::Task;
use super::unmade::Unmade;
use super::{Application, Applied, End, until_true};
use crate::store::SyncWrite;
use crate::sync::object::ObjectKey;
use crate::sync::pace::{Pace, Turn};
use crate::sync::state::StateError;
use crate::sync::target::{FaultKind, TargetFault, known_by};

/// Operations of one transaction, as a rule.
const BATCH: usize = 256;
/// How long results wait for company: the price of a commit is shared.
const LINGER: Duration = Duration::from_millis(250);
/// The most operations that wait for their next attempt while others are begun.
const WAITING: usize = 1_000;
/// So many refusals of the credentials in a row are no matter of single objects.
const DENIED: u32 = 8;

type Loading<'a> = BoxFuture<'a, Result<Loaded, StateError>>;
type Commit<'a> = BoxFuture<'a, (Result<(), StateError>, Vec<Task>)>;

/// An application under way.
pub(super) struct Course<'a> {
    job: &'a Application<'a>,
    sender: Arc<Sender>,
    pace: Pace,
    feed: Feed,
    /// The turn that is under way.
    turn: Option<i64>,
    /// Creations that are to be noted as sent with the next commit.
    intents: Vec<Task>,
    ready: VecDeque<Task>,
    /// By the moment of the next attempt.
    waiting: BTreeMap<(Instant, u64), Task>,
    counter: u64,
    /// By the object that is not there yet.
    parked: HashMap<ObjectKey, Vec<Task>>,
    /// Each is a task of its own, so that requests are made while results are written; they end with this.
    flying: JoinSet<(Task, Outcome)>,
    results: Results,
    oldest: Option<Instant>,
    commit: Option<Commit<'a>>,
    loading: Option<Loading<'a>>,
    denied: u32,
    cancel: watch::Receiver<bool>,
    end: End,
    tally: Tally,
    lost: Vec<String>,
    unmade: Unmade,
    put_off: u64,
    left: usize,
}

impl<'a> Course<'a> {
    pub(super) async fn new(job: &'a Application<'a>) -> Result<Self, StateError> {
        let (state, probed) = (job.state.clone(), OnceCell::new());
        let (target, policy) = (Arc::clone(&job.target), Arc::clone(&job.policy));
        Ok(Self {
            job,
            pace: Pace::new(policy.pace.clone(), Instant::now()),
            sender: Arc::new(Sender { state, target, policy, probed }),
            feed: Feed::new(job.state, job.only, &job.early).await?,
            turn: None,
            intents: Vec::new(),
            ready: VecDeque::new(),
            waiting: BTreeMap::new(),
            counter: 0,
            parked: HashMap::new(),
            flying: JoinSet::new(),
            results: Results::default(),
            oldest: None,
            commit: None,
            loading: None,
            denied: 0,
            cancel: job.cancel.clone(),
            end: End::Complete,
            tally: Tally::new(),
            lost: Vec::new(),
            unmade: Unmade::default(),
            put_off: 0,
            left: 0,
        })
    }

    pub(super) async fn run(mut self) -> Result<Applied, StateError> {
        self.job.journal.expected(self.feed.len());
        let ended = self.go_on().await;
        // The lease is another's after this: nothing may be under way any more.
        self.flying.shutdown().await;
        self.job.target.hold(false);
        ended.map(|()| self.applied())
    }

    async fn go_on(&mut self) -> Result<(), StateError> {
        loop {
            if *self.cancel.borrow() && self.end == End::Complete {
                self.end = End::Cancelled;
            }
            let goes_on = self.end == End::Complete;
            if goes_on {
                self.load();
            } else {
                // Hundreds of changes may wait there for their requests: they would be sent for minutes still.
                self.job.target.hold(true);
                self.give_back();
            }
            let wake = if goes_on { self.launch().await? } else { None };
            self.write(self.flying.is_empty() && (wake.is_none() || !goes_on));
            if self.commit.is_none() && self.flying.is_empty() && self.results.len() == 0 && self.is_idle() {
                if self.release_parked() || (goes_on && self.feed.len() > 0) {
                    continue;
                }
                return Ok(());
            }
            self.wait(wake).await?;
        }
    }

    /// Whether nothing is loaded but what is parked, and nothing on the way.
    fn is_idle(&self) -> bool {
        let nothing = self.intents.is_empty() && self.ready.is_empty() && self.waiting.is_empty();
        nothing && self.loading.is_none()
    }

    /// Begins to load the next operations: of this turn, or of the next one when this one is over.
    fn load(&mut self) {
        let enough = self.intents.len() + self.ready.len() >= 2 * BATCH || self.waiting.len() >= WAITING;
        let Some(next) = self.feed.turn().filter(|_| !enough && self.loading.is_none()) else { return };
        if self.turn != Some(next) && !self.is_over(next) {
            return;
        }
        self.turn = Some(next);
        let state = self.job.state;
        self.loading = self.feed.next(BATCH).map(|batch| Box::pin(batch.load(state)) as Loading<'a>);
    }

    /// Takes what was loaded, when the objects that it names are known, too.
    fn loaded(&mut self, loaded: Loaded) {
        let unknown = if loaded.is_complete() { Vec::new() } else { self.feed.unknown(&loaded) };
        if !unknown.is_empty() {
            let state = self.job.state;
            self.loading = Some(Box::pin(async move { loaded.named(state, &unknown).await }));
            return;
        }
        for task in self.feed.take(loaded) {
            if task.creates() && !task.look_up {
                self.intents.push(task);
            } else {
                self.ready.push_back(task);
            }
        }
    }

    /// Whether the turn before `next` is over, and written: links are read again for the next one.
    fn is_over(&self, next: i64) -> bool {
        self.flying.is_empty()
            && self.commit.is_none()
            && self.results.len() == 0
            && self.is_idle()
            && (self.parked.is_empty() || makes(next))
    }

    /// Sends what may go now; says when there is something to send again, if that is known.
    async fn launch(&mut self) -> Result<Option<Instant>, StateError> {
        let serial = self.turn.is_some_and(is_serial);
        loop {
            let now = Instant::now();
            if serial && !self.flying.is_empty() {
                return Ok(None);
            }
            let due = self.waiting.first_key_value().map(|((due, _), _)| *due);
            let again = due.is_some_and(|due| due <= now);
            if !again && (self.ready.is_empty() || (serial && due.is_some())) {
                return Ok(due);
            }
            match self.pace.turn(now, self.flying.len()) {
                Turn::Now => {}
                Turn::At(then) => return Ok(Some(then)),
                Turn::Answer => return Ok(None),
            }
            let next =
                if again { self.waiting.pop_first().map(|(_, task)| task) } else { self.ready.pop_front() };
            if let Some(task) = next {
                self.send(task, now).await?;
            }
        }
    }

    async fn send(&mut self, mut task: Task, now: Instant) -> Result<(), StateError> {
        if let Some(needed) = task.waits_for(&self.feed.known, &self.feed.coming) {
            self.parked.entry(needed).or_default().push(task);
            return Ok(());
        }
        let Some(sending) = task.sending(&self.feed.known, &self.job.policy, self.job.ids) else {
            return self.skip(&task).await;
        };
        if task.is_idle(&sending) && !task.missing.is_empty() {
            return self.skip(&task).await;
        }
        self.pace.sent();
        task.attempts += 1;
        task.sent = now;
        let sender = Arc::clone(&self.sender);
        self.flying.spawn(async move {
            let outcome = sender.attempt(&task, &sending).await;
            (task, outcome)
        });
        Ok(())
    }

    /// Waits until something happens.
    async fn wait(&mut self, wake: Option<Instant>) -> Result<(), StateError> {
        let linger = self.oldest.filter(|_| self.commit.is_none()).map(|oldest| oldest + LINGER);
        let wake = [wake, linger].into_iter().flatten().min();
        let (watched, cancelled) = (self.end == End::Complete, self.cancel.clone());
        let commit = async {
            match &mut self.commit {
                Some(commit) => commit.await,
                None => std::future::pending().await,
            }
        };
        let loading = async {
            match &mut self.loading {
                Some(loading) => loading.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(ended) = self.flying.join_next(), if !self.flying.is_empty() => match ended {
                Ok((task, outcome)) => self.settle(task, outcome).await?,
                Err(error) => {
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
            },
            (written, tasks) = commit => {
                self.commit = None;
                written?;
                self.ready.extend(tasks);
            }
            loaded = loading => {
                self.loading = None;
                self.loaded(loaded?);
            }
            () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            () = until_true(cancelled), if watched => {}
        }
        Ok(())
    }

    /// Notes how an attempt went.
    async fn settle(&mut self, mut task: Task, outcome: Outcome) -> Result<(), StateError> {
        let (now, before) = (Instant::now(), self.results.len());
        match outcome {
            Outcome::Again { .. } | Outcome::Down { .. } | Outcome::Unauthorized(_) => {}
            _ => self.pace.answered(),
        }
        match outcome {
            Outcome::Done(id) => {
                self.results.link(&mut task, &id, &self.job.policy, (true, self.job.state.now()));
                self.tell(&task, Some(&id), None);
                self.arrive(&task, Some(id));
                if let Some(fault) = task.restore() {
                    self.put_off(&task, &fault);
                } else if task.missing.is_empty() {
                    self.results.mark(&task, "done");
                } else {
                    let fault = self.unmade.fault(self.job.state, &task.missing).await?;
                    self.job.journal.lacking(&self.written(&task, None, Some(&fault)));
                    self.put_off(&task, &fault);
                }
            }
            Outcome::Nothing(id) => {
                self.results.link(&mut task, &id, &self.job.policy, (true, self.job.state.now()));
                self.results.mark(&task, "done");
            }
            Outcome::Linked(id, fault) => {
                self.results.link(&mut task, &id, &self.job.policy, (false, self.job.state.now()));
                self.tell(&task, Some(&id), Some(&fault));
                self.arrive(&task, Some(id));
                self.put_off(&task, &fault);
            }
            Outcome::Removed => {
                self.results.unlink(&task.operation.key);
                self.feed.known.remove(&task.operation.key);
                self.tell(&task, None, None);
                self.results.mark(&task, "done");
            }
            Outcome::Lost if task.refused.is_some() => {
                self.results.unlink(&task.operation.key);
                self.feed.known.remove(&task.operation.key);
                self.results.mark(&task, "done");
            }
            Outcome::Lost => {
                self.results.unlink(&task.operation.key);
                self.lost.push(task.operation.dn.clone());
                self.feed.known.remove(&task.operation.key);
                self.tell(&task, None, Some(&lost()));
                self.arrive(&task, None);
                self.results.mark(&task, "dropped");
            }
            Outcome::Failed(fault) => self.refuse(task, fault),
            Outcome::Vetoed(fault) => self.fail(task, &fault),
            Outcome::Again { fault, look_up, rest } => self.again(task, &fault, (look_up, rest), now),
            Outcome::Down { fault, look_up } => {
                self.stay(&task, if look_up { "sent" } else { "waiting" });
                self.end = End::Unavailable(fault);
            }
            Outcome::Unauthorized(fault) => self.deny(&task, fault),
            Outcome::Broken(error) => return Err(error),
        }
        if self.results.len() > before {
            self.job.journal.passed();
        }
        self.note_time(now);
        Ok(())
    }

    fn fail(&mut self, mut task: Task, fault: &TargetFault) {
        if fault.kind == FaultKind::Unauthorized {
            self.denied += 1;
            if self.denied >= DENIED {
                return self.deny(&task, fault.clone());
            }
        } else {
            self.denied = 0;
        }
        self.tell(&task, task.operation.target_id.as_deref(), Some(fault));
        self.arrive(&task, None);
        let of_deletion = task.restore();
        self.put_off(&task, of_deletion.as_ref().unwrap_or(fault));
    }

    /// It ends here. What is in flight is refused as well, and is not told of again.
    fn deny(&mut self, task: &Task, fault: TargetFault) {
        if !matches!(self.end, End::Unauthorized(_)) {
            let account = known_by(self.job.target.as_ref());
            self.job.journal.denied(account, task.attempts.saturating_sub(1), &fault);
            self.end = End::Unauthorized(fault);
        }
        self.stay(task, if task.look_up { "sent" } else { "waiting" });
    }

    /// What may be tried again is: alone after its own wait, or with all others when the target said when.
    fn again(
        &mut self,
        mut task: Task,
        fault: &TargetFault,
        (look_up, rest): (bool, Duration),
        now: Instant,
    ) {
        if fault.kind == FaultKind::Unsent {
            task.attempts = task.attempts.saturating_sub(1);
            task.is_agreed = true;
        }
        self.pace.slow(fault, task.sent, now, self.job.ids);
        task.look_up = look_up;
        let wait = match fault.retry_after {
            Some(_) => rest,
            None => self.pace.wait(task.attempts, self.job.ids).max(rest),
        };
        self.job.journal.retrying(&task.operation, fault, fault.retry_after.unwrap_or(wait).max(wait));
        self.counter += 1;
        self.waiting.insert((now + wait, self.counter), task);
        self.tell_pause(fault, now);
    }

    /// An operation stays for the next run.
    fn stay(&mut self, task: &Task, state: &'static str) {
        self.left += 1;
        self.results.mark(task, state);
    }

    /// An operation that cannot be sent.
    async fn skip(&mut self, task: &Task) -> Result<(), StateError> {
        let fault = self.unmade.fault(self.job.state, &task.missing).await?;
        self.tally.entry(task.operation.key.kind).or_default().failed += 1;
        self.job.journal.skipped(&self.written(task, task.operation.target_id.as_deref(), Some(&fault)));
        self.arrive(task, None);
        self.put_off(task, &fault);
        self.job.journal.passed();
        self.note_time(Instant::now());
        Ok(())
    }

    /// Since when results wait, if there are some.
    fn note_time(&mut self, now: Instant) {
        if self.results.len() > 0 {
            self.oldest.get_or_insert(now);
        }
    }

    fn put_off(&mut self, task: &Task, fault: &TargetFault) {
        self.put_off += 1;
        self.unmade.note(task, fault);
        self.results.put_off(task, fault, self.job.state.now());
    }

    /// What waited for this object goes on: with it, or without.
    fn arrive(&mut self, task: &Task, id: Option<String>) {
        let key = &task.operation.key;
        if let Some(id) = id {
            self.denied = 0;
            self.feed.known.insert(key.clone(), Arc::from(id));
        }
        if self.feed.coming.remove(key) {
            self.ready.extend(self.parked.remove(key).into_iter().flatten());
        }
    }

    /// What waits for objects that wait for others in a circle goes without them.
    fn release_parked(&mut self) -> bool {
        if self.end != End::Complete || self.feed.turn().is_some_and(makes) {
            return false;
        }
        let tasks = self.parked.drain().flat_map(|(_, tasks)| tasks);
        self.ready.extend(tasks.map(|task| Task { forced: true, ..task }));
        !self.ready.is_empty()
    }

    /// What was not sent stays for the next run; what was noted as sent and was not is noted as waiting.
    fn give_back(&mut self) {
        let parked = self.parked.drain().flat_map(|(_, tasks)| tasks);
        let waiting = std::mem::take(&mut self.waiting).into_values();
        self.left += self.intents.len();
        for task in self.ready.drain(..).chain(waiting).chain(parked) {
            self.left += 1;
            if task.creates() && !task.look_up {
                self.results.mark(&task, "waiting");
            }
        }
        self.intents.clear();
    }

    /// Begins a transaction when there is enough for one, or nothing else to do.
    fn write(&mut self, idle: bool) {
        if self.commit.is_some() {
            return;
        }
        let late = self.oldest.is_some_and(|oldest| oldest.elapsed() >= LINGER);
        let hungry = !self.intents.is_empty() && self.ready.len() < BATCH;
        let full = self.results.len() >= BATCH;
        if !(hungry || full || (self.results.len() > 0 && (idle || late))) {
            return;
        }
        let at_ms = self.job.state.now_ms();
        let mut writes = self.results.take(at_ms);
        self.oldest = None;
        let intents = std::mem::take(&mut self.intents);
        let mut seqs: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for task in &intents {
            seqs.entry(task.run).or_default().push(task.seq);
        }
        let sent = |(run, seqs)| SyncWrite::MarkAll { run, seqs, state: "sent", at_ms };
        writes.extend(seqs.into_iter().map(sent));
        let state = self.job.state;
        self.commit = Some(Box::pin(async move { (state.write(writes).await, intents) }));
    }

    fn applied(self) -> Applied {
        let left = u64::try_from(self.left + self.feed.len()).unwrap_or(u64::MAX);
        Applied { tally: self.tally, end: self.end, lost: self.lost, put_off: self.put_off, left }
    }
}
