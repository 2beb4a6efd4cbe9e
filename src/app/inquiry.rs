//! [`DirectoryInquiry`]: asks the directory that a person came from for groups and for what filters look for.
//!
//! Answers are kept, so that signed-in people do not wait for their directory: for five minutes in any case, for a quarter
//! of an hour where it is slow, and for an hour where it cannot be asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::directory::{Directory, DirectoryError};
use crate::identity::{Found, Inquiry, Question, Subject, SubjectId, Unavailable, Value};

/// How long an answer is believed without asking again; how long while a newer one is on its way; and how long at most,
/// while none can be had.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
const LATE: SignedDuration = SignedDuration::from_mins(15);
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// How long somebody whose answer is known waits for a newer one.
const PATIENCE: Duration = Duration::from_millis(100);
/// A directory that could not be asked is taken for such a one for so long.
const SILENT: SignedDuration = SignedDuration::from_mins(1);

/// All answers that are kept, and the largest, in octets; the old ones go when there are more.
const ALL: usize = 64 << 20;
const LARGEST: usize = 512 << 10;
/// Answers that are kept of one person: a filter of the pipeline may ask something else after each sign-in.
const OF_ONE: usize = 32;

/// The directories, and what they answered.
#[derive(Debug, Clone)]
pub(super) struct DirectoryInquiry {
    directories: Vec<Arc<dyn Directory>>,
    clock: Arc<dyn Clock>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<SubjectId, Vec<Known>>,
    octets: usize,
    swept: Option<Timestamp>,
    /// By name, when a directory last could not be asked.
    silent: HashMap<String, Timestamp>,
}

#[derive(Debug)]
struct Known {
    question: Question,
    answer: Arc<[Found]>,
    asked: Timestamp,
    octets: usize,
}

impl Kept {
    fn put(&mut self, id: &SubjectId, known: Known) {
        let now = known.asked;
        if self.swept.is_none_or(|swept| now.duration_since(swept) > FRESH) {
            self.sweep(now, STALE);
        }
        if self.octets + known.octets > ALL {
            self.sweep(now, FRESH);
        }
        let of_one = self.answers.entry(id.clone()).or_default();
        let before = of_one.iter().position(|held| held.question == known.question);
        let surplus = before.or((of_one.len() >= OF_ONE).then_some(0));
        if let Some(gone) = surplus.map(|at| of_one.remove(at)) {
            self.octets -= gone.octets;
        }
        if known.octets <= LARGEST && self.octets + known.octets <= ALL {
            self.octets += known.octets;
            of_one.push(known);
        }
    }

    /// Drops what is older.
    fn sweep(&mut self, now: Timestamp, age: SignedDuration) {
        self.swept = Some(now);
        self.answers.retain(|_, of_one| {
            of_one.retain(|known| now.duration_since(known.asked) <= age);
            !of_one.is_empty()
        });
        self.octets = self.answers.values().flatten().map(|known| known.octets).sum();
    }
}

impl DirectoryInquiry {
    pub(super) fn new(directories: Vec<Arc<dyn Directory>>, clock: Arc<dyn Clock>) -> Self {
        Self { directories, clock, kept: Arc::default() }
    }

    /// What was answered no longer ago than an hour, and how long ago.
    fn known(&self, id: &SubjectId, question: &Question) -> Option<(Arc<[Found]>, SignedDuration)> {
        let kept = self.kept();
        let known = kept.answers.get(id)?.iter().find(|known| known.question == *question)?;
        let age = self.clock.now().duration_since(known.asked);
        (age <= STALE).then(|| (Arc::clone(&known.answer), age))
    }

    /// Whether a directory could not be asked a short time ago.
    fn is_silent(&self, directory: &str) -> bool {
        let since = self.kept().silent.get(directory).copied();
        since.is_some_and(|since| self.clock.now().duration_since(since) <= SILENT)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and keeps the answer also when nobody waits for it any more.
    async fn look(
        self,
        directory: Arc<dyn Directory>,
        subject: Subject,
        question: Question,
    ) -> Result<Arc<[Found]>, DirectoryError> {
        let answer = directory.ask(&subject, &question).await;
        let asked = self.clock.now();
        let mut kept = self.kept();
        match answer {
            Ok(found) => {
                let answer: Arc<[Found]> = found.into();
                let octets = answer.iter().map(octets).sum();
                kept.silent.remove(&subject.id.directory);
                kept.put(&subject.id, Known { question, answer: Arc::clone(&answer), asked, octets });
                Ok(answer)
            }
            Err(error) => {
                kept.silent.insert(subject.id.directory, asked);
                Err(error)
            }
        }
    }
}

/// About what an entry takes.
fn octets(found: &Found) -> usize {
    let values = |values: &[Value]| values.iter().map(|value| value.as_bytes().len() + 32).sum::<usize>();
    let attributes = found.attributes.iter().map(|(name, held)| name.len() + 32 + values(held));
    found.dn.len() + 64 + attributes.sum::<usize>()
}

#[async_trait]
impl Inquiry for DirectoryInquiry {
    async fn ask(&self, subject: &Subject, question: &Question) -> Result<Arc<[Found]>, Unavailable> {
        let named = &subject.id.directory;
        let unavailable = |cause: String| Unavailable { directory: named.clone(), cause };
        let directory = self.directories.iter().find(|directory| directory.name() == named);
        let directory = directory
            .ok_or_else(|| unavailable("it is no longer in the configuration; sign in anew".to_owned()))?;
        let held = self.known(&subject.id, question);
        if let Some((answer, _)) = held.as_ref().filter(|(_, age)| *age <= FRESH) {
            return Ok(Arc::clone(answer));
        }
        let waits = held.as_ref().is_none_or(|(_, age)| *age > LATE) && !self.is_silent(named);
        let look = self.clone().look(Arc::clone(directory), subject.clone(), question.clone());
        let asking = tokio::spawn(look);
        let answer = if waits || held.is_none() { Ok(asking.await) } else { timeout(PATIENCE, asking).await };
        let cause = match answer {
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(broken)) => broken.to_string(),
            Err(_) => format!("directory \"{named}\": no answer within {PATIENCE:?}"),
        };
        match held {
            Some((answer, age)) => {
                let minutes = age.as_mins();
                tracing::warn!(subject.id = %subject.id, "{cause}; its answer of {minutes} minutes ago is used");
                Ok(answer)
            }
            None => Err(unavailable(cause)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;
    use crate::clock::ManualClock;
    use crate::directory::{Candidate, DirectoryError, Login, Lookup, Reason, Standing, Verdict};
    use crate::identity::Attributes;
    use crate::secret::Secret;

    /// A directory of one person.
    #[derive(Debug, Default)]
    pub(in crate::app) struct Corp {
        pub(in crate::app) asked: AtomicU32,
        pub(in crate::app) away: AtomicBool,
        pub(in crate::app) hangs: AtomicBool,
        pub(in crate::app) disabled: AtomicBool,
        pub(in crate::app) answers: tokio::sync::Notify,
    }

    #[async_trait]
    impl Directory for Corp {
        fn name(&self) -> &'static str {
            "corp"
        }
        async fn find(&self, _: &Login) -> Result<Lookup, DirectoryError> {
            Ok(Lookup::Unknown)
        }
        async fn verify(&self, _: &Candidate, _: &Secret<String>) -> Result<Verdict, DirectoryError> {
            self.probe().await.map(|()| Verdict::Denied(Reason::Unknown))
        }
        async fn find_by_id(&self, _: &SubjectId) -> Result<Option<Box<Candidate>>, DirectoryError> {
            Ok(None)
        }
        async fn standing(&self, _: &SubjectId) -> Result<Standing, DirectoryError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.hangs.load(Ordering::SeqCst) {
                self.answers.notified().await;
            }
            let disabled = self.disabled.load(Ordering::SeqCst);
            let standing = if disabled { Standing::Barred(Reason::Disabled) } else { Standing::Usable };
            self.probe().await.map(|()| standing)
        }
        async fn ask(&self, _: &Subject, question: &Question) -> Result<Vec<Found>, DirectoryError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let found = |dn: &str| vec![Found { dn: dn.to_owned(), attributes: Attributes::new() }];
            if self.hangs.load(Ordering::SeqCst) {
                self.answers.notified().await;
                return Ok(found("cn=board"));
            }
            let is_groups = *question == Question::Groups { attribute: None };
            self.probe().await.map(|()| found(if is_groups { "cn=sales" } else { "cn=found" }))
        }
        async fn probe(&self) -> Result<(), DirectoryError> {
            let (directory, cause) = ("corp".to_owned(), "away".to_owned());
            let away = self.away.load(Ordering::SeqCst);
            if away { Err(DirectoryError::Unreachable { directory, cause }) } else { Ok(()) }
        }
    }

    fn corp() -> (Arc<ManualClock>, Arc<Corp>, DirectoryInquiry) {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let directory = Arc::new(Corp::default());
        let inquiry = DirectoryInquiry::new(vec![directory.clone()], clock.clone());
        (clock, directory, inquiry)
    }

    pub(in crate::app) fn tanaka() -> Subject {
        let id = SubjectId { directory: "corp".to_owned(), key: "1".to_owned() };
        let (login, display_name) = ("tanaka".to_owned(), "田中".to_owned());
        Subject { id, login, display_name, dn: None, attributes: Attributes::new(), password_expires: None }
    }

    #[tokio::test]
    async fn groups_are_asked_for_every_five_minutes_and_outlive_an_hour_of_silence() {
        let (clock, directory, inquiry) = corp();
        let tanaka = tanaka();
        for (minutes, asked) in [(0, 1), (5, 1), (1, 2)] {
            clock.advance(SignedDuration::from_mins(minutes));
            assert_eq!(inquiry.groups(&tanaka).await.unwrap(), ["cn=sales"]);
            assert_eq!(directory.asked.load(Ordering::SeqCst), asked);
        }
        directory.away.store(true, Ordering::SeqCst);
        clock.advance(SignedDuration::from_mins(60));
        assert!(inquiry.groups(&tanaka).await.is_ok());
        clock.advance(SignedDuration::from_mins(1));
        assert!(inquiry.groups(&tanaka).await.is_err(), "nobody is let in by what was true long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_hangs_delays_nobody_whose_groups_are_known() {
        let (clock, directory, inquiry) = corp();
        let tanaka = tanaka();
        assert_eq!(inquiry.groups(&tanaka).await.unwrap(), ["cn=sales"]);
        directory.hangs.store(true, Ordering::SeqCst);
        clock.advance(SignedDuration::from_mins(6));
        // Nothing would ever end this wait but the patience; the time is the runtime's own.
        let begun = tokio::time::Instant::now();
        assert_eq!(inquiry.groups(&tanaka).await.unwrap(), ["cn=sales"]);
        assert!(begun.elapsed() < Duration::from_millis(200));
        // What comes late is kept.
        directory.answers.notify_one();
        while inquiry.known(&tanaka.id, &Question::Groups { attribute: None }).unwrap().1 > FRESH {
            tokio::task::yield_now().await;
        }
        assert_eq!(inquiry.groups(&tanaka).await.unwrap(), ["cn=board"]);
        assert_eq!(directory.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn each_question_has_its_own_answer_and_a_person_has_so_many() {
        let (_, directory, inquiry) = corp();
        let search =
            |name: usize| Question::Search { filter: Vec::new(), attributes: vec![name.to_string()] };
        let dn = async |question: &Question| inquiry.ask(&tanaka(), question).await.unwrap()[0].dn.clone();
        assert_eq!(inquiry.groups(&tanaka()).await.unwrap(), ["cn=sales"]);
        assert_eq!(
            (dn(&search(0)).await, dn(&search(0)).await),
            ("cn=found".to_owned(), "cn=found".to_owned())
        );
        assert_eq!(directory.asked.load(Ordering::SeqCst), 2);
        for name in 1..=OF_ONE {
            dn(&search(name)).await;
        }
        assert_eq!(inquiry.kept().answers[&tanaka().id].len(), OF_ONE);
        let asked = directory.asked.load(Ordering::SeqCst);
        dn(&search(OF_ONE)).await;
        assert_eq!(directory.asked.load(Ordering::SeqCst), asked, "the newest are kept");
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_answer_serves_only_where_no_newer_one_can_be_had() {
        let (clock, directory, inquiry) = corp();
        let tanaka = tanaka();
        assert_eq!(inquiry.groups(&tanaka).await.unwrap(), ["cn=sales"]);
        // Slow, and the answer is older than a quarter of an hour: the newer one is waited for, however long it takes.
        directory.hangs.store(true, Ordering::SeqCst);
        clock.advance(SignedDuration::from_mins(16));
        let later = async {
            tokio::time::sleep(10 * PATIENCE).await;
            directory.answers.notify_one();
        };
        let (groups, ()) = tokio::join!(inquiry.groups(&tanaka), later);
        assert_eq!(groups.unwrap(), ["cn=board"]);
        // It cannot be asked: the old one must do, and for a minute nobody waits for that again.
        directory.hangs.store(false, Ordering::SeqCst);
        directory.away.store(true, Ordering::SeqCst);
        clock.advance(SignedDuration::from_mins(30));
        assert_eq!(inquiry.groups(&tanaka).await.unwrap(), ["cn=board"]);
        directory.hangs.store(true, Ordering::SeqCst);
        let begun = tokio::time::Instant::now();
        assert_eq!(inquiry.groups(&tanaka).await.unwrap(), ["cn=board"]);
        assert!(begun.elapsed() < 2 * PATIENCE);
    }

    #[test]
    fn what_is_kept_is_bounded_by_its_size_and_age() {
        let (mut kept, at) =
            (Kept::default(), |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes));
        let id = |key: usize| SubjectId { directory: "corp".to_owned(), key: key.to_string() };
        let known = |octets, asked| Known {
            question: Question::Groups { attribute: None },
            answer: [].into(),
            asked,
            octets,
        };
        kept.put(&id(0), known(LARGEST + 1, at(0)));
        assert_eq!(kept.octets, 0, "too large");
        let most = ALL / LARGEST;
        for key in 0..=most {
            kept.put(&id(key), known(LARGEST, at(0)));
        }
        assert_eq!(kept.octets, ALL, "no more than fits");
        kept.put(&id(1), known(10, at(1)));
        assert_eq!(kept.octets, ALL - LARGEST + 10, "a newer one takes the place of the older");
        kept.put(&id(most), known(LARGEST, at(6)));
        assert_eq!((kept.octets, kept.answers.len()), (LARGEST + 10, 2), "what is old makes room");
        kept.put(&id(2), known(1, at(120)));
        assert_eq!((kept.octets, kept.answers.len()), (1, 1), "nothing is kept longer than it serves");
    }
}
