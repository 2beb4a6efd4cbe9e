//! [`DirectoryInquiry`]: asks the directory that a person came from for groups and for what filters look for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::directory::{Directory, DirectoryError};
use crate::identity::{Found, Inquiry, Question, Subject, SubjectId, Unavailable};

/// How long an answer is believed without asking again, so that a directory that hangs does not delay people who are
/// signed in, and how long at most while it cannot be asked.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// How long somebody whose answer is known waits for a newer one.
const PATIENCE: Duration = Duration::from_millis(100);
/// People whose answers are kept; when there are more, the old ones go.
const KEPT: usize = 20_000;
/// Answers that are kept of one of them: a filter of the pipeline may ask something else after each sign-in.
const KEPT_OF_ONE: usize = 32;

/// The directories, and what they answered.
#[derive(Debug, Clone)]
pub(super) struct DirectoryInquiry {
    directories: Vec<Arc<dyn Directory>>,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<HashMap<SubjectId, Vec<Known>>>>,
}

#[derive(Debug)]
struct Known {
    question: Question,
    answer: Arc<[Found]>,
    asked: Timestamp,
}

impl DirectoryInquiry {
    pub(super) fn new(directories: Vec<Arc<dyn Directory>>, clock: Arc<dyn Clock>) -> Self {
        Self { directories, clock, known: Arc::default() }
    }

    /// What was answered no longer ago than `age`.
    fn known(&self, id: &SubjectId, question: &Question, age: SignedDuration) -> Option<Arc<[Found]>> {
        let known = self.all();
        let known = known.get(id)?.iter().find(|known| known.question == *question)?;
        (self.clock.now().duration_since(known.asked) <= age).then(|| Arc::clone(&known.answer))
    }

    fn keep(&self, id: &SubjectId, question: Question, answer: Arc<[Found]>) {
        let now = self.clock.now();
        let is_fresh = |known: &Known| now.duration_since(known.asked) <= FRESH;
        let mut known = self.all();
        if known.len() >= KEPT {
            known.retain(|_, of_one| of_one.iter().any(is_fresh));
        }
        if known.len() < KEPT {
            let of_one = known.entry(id.clone()).or_default();
            of_one.retain(|known| known.question != question);
            if of_one.len() >= KEPT_OF_ONE {
                of_one.remove(0);
            }
            of_one.push(Known { question, answer, asked: now });
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<SubjectId, Vec<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and keeps the answer also when nobody waits for it any more.
    async fn look(
        self,
        directory: Arc<dyn Directory>,
        subject: Subject,
        question: Question,
    ) -> Result<Arc<[Found]>, DirectoryError> {
        let answer: Arc<[Found]> = directory.ask(&subject, &question).await?.into();
        self.keep(&subject.id, question, Arc::clone(&answer));
        Ok(answer)
    }
}

#[async_trait]
impl Inquiry for DirectoryInquiry {
    async fn ask(&self, subject: &Subject, question: &Question) -> Result<Arc<[Found]>, Unavailable> {
        let named = &subject.id.directory;
        let unavailable = |cause: String| Unavailable { directory: named.clone(), cause };
        let directory = self.directories.iter().find(|directory| directory.name() == named);
        let directory = directory
            .ok_or_else(|| unavailable("it is no longer in the configuration; sign in anew".to_owned()))?;
        if let Some(answer) = self.known(&subject.id, question, FRESH) {
            return Ok(answer);
        }
        let look = self.clone().look(Arc::clone(directory), subject.clone(), question.clone());
        let asking = tokio::spawn(look);
        let held = self.known(&subject.id, question, STALE);
        let answer = match &held {
            Some(_) => timeout(PATIENCE, asking).await,
            None => Ok(asking.await),
        };
        let cause = match answer {
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(broken)) => broken.to_string(),
            Err(_) => format!("directory \"{named}\": no answer within {PATIENCE:?}"),
        };
        match held {
            Some(answer) => {
                tracing::warn!(subject.id = %subject.id, "{cause}; its answer of within the hour is used");
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

    pub(in crate::app) fn tanaka() -> Subject {
        let id = SubjectId { directory: "corp".to_owned(), key: "1".to_owned() };
        let (login, display_name) = ("tanaka".to_owned(), "田中".to_owned());
        Subject { id, login, display_name, dn: None, attributes: Attributes::new(), password_expires: None }
    }

    #[tokio::test]
    async fn groups_are_asked_for_every_five_minutes_and_outlive_an_hour_of_silence() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let directory = Arc::new(Corp::default());
        let inquiry = DirectoryInquiry::new(vec![directory.clone()], clock.clone());
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
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let directory = Arc::new(Corp::default());
        let inquiry = DirectoryInquiry::new(vec![directory.clone()], clock.clone());
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
        while inquiry.known(&tanaka.id, &Question::Groups { attribute: None }, FRESH).is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(inquiry.groups(&tanaka).await.unwrap(), ["cn=board"]);
        assert_eq!(directory.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn each_question_has_its_own_answer_and_a_person_has_so_many() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let directory = Arc::new(Corp::default());
        let inquiry = DirectoryInquiry::new(vec![directory.clone()], clock);
        let search =
            |name: usize| Question::Search { filter: Vec::new(), attributes: vec![name.to_string()] };
        let dn = async |question: &Question| inquiry.ask(&tanaka(), question).await.unwrap()[0].dn.clone();
        assert_eq!(inquiry.groups(&tanaka()).await.unwrap(), ["cn=sales"]);
        assert_eq!(
            (dn(&search(0)).await, dn(&search(0)).await),
            ("cn=found".to_owned(), "cn=found".to_owned())
        );
        assert_eq!(directory.asked.load(Ordering::SeqCst), 2);
        for name in 1..=KEPT_OF_ONE {
            dn(&search(name)).await;
        }
        assert_eq!(inquiry.all()[&tanaka().id].len(), KEPT_OF_ONE);
        let asked = directory.asked.load(Ordering::SeqCst);
        dn(&search(KEPT_OF_ONE)).await;
        assert_eq!(directory.asked.load(Ordering::SeqCst), asked, "the newest are kept");
    }
}
