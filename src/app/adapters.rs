//! Joins ports to what implements them elsewhere, so that the modules on both sides need not know each other.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use crate::audit::{Event, Record, Sink};
use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::directory::{Directory, DirectoryError};
use crate::identity::{Membership, Subject, SubjectId, Unavailable};
use crate::registry::{Change, LiveFile, LiveFiles, Observer};
use crate::store::{Store, Write};

/// How long groups are believed without asking again, so that a directory that hangs does not delay people who are
/// signed in, and how long at most while it cannot be asked.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// How long somebody whose groups are known waits for newer ones.
const PATIENCE: Duration = Duration::from_millis(100);
/// People whose groups are kept; when there are more, the old ones go.
const KEPT: usize = 20_000;

/// Asks the directory that a person came from for their groups.
#[derive(Debug, Clone)]
pub(super) struct DirectoryMembership {
    directories: Vec<Arc<dyn Directory>>,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<HashMap<SubjectId, Known>>>,
}

#[derive(Debug, Clone)]
struct Known {
    groups: Vec<String>,
    asked: Timestamp,
}

impl DirectoryMembership {
    pub(super) fn new(directories: Vec<Arc<dyn Directory>>, clock: Arc<dyn Clock>) -> Self {
        Self { directories, clock, known: Arc::default() }
    }

    /// What was answered no longer ago than `age`.
    fn known(&self, id: &SubjectId, age: SignedDuration) -> Option<Vec<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(id)?;
        (self.clock.now().duration_since(known.asked) <= age).then(|| known.groups.clone())
    }

    fn keep(&self, id: &SubjectId, groups: &[String]) {
        let now = self.clock.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, one| now.duration_since(one.asked) <= FRESH);
        }
        if known.len() < KEPT {
            known.insert(id.clone(), Known { groups: groups.to_vec(), asked: now });
        }
    }

    /// Asks, and keeps the answer also when nobody waits for it any more.
    async fn ask(
        self,
        directory: Arc<dyn Directory>,
        subject: Subject,
    ) -> Result<Vec<String>, DirectoryError> {
        let groups = directory.groups(&subject).await?;
        self.keep(&subject.id, &groups);
        Ok(groups)
    }
}

#[async_trait]
impl Membership for DirectoryMembership {
    async fn groups(&self, subject: &Subject) -> Result<Vec<String>, Unavailable> {
        let named = &subject.id.directory;
        let unavailable = |cause: String| Unavailable { directory: named.clone(), cause };
        let directory = self.directories.iter().find(|directory| directory.name() == named);
        let directory = directory
            .ok_or_else(|| unavailable("it is no longer in the configuration; sign in anew".to_owned()))?;
        if let Some(groups) = self.known(&subject.id, FRESH) {
            return Ok(groups);
        }
        let asking = tokio::spawn(self.clone().ask(Arc::clone(directory), subject.clone()));
        let held = self.known(&subject.id, STALE);
        let answer = match &held {
            Some(_) => timeout(PATIENCE, asking).await,
            None => Ok(asking.await),
        };
        let cause = match answer {
            Ok(Ok(Ok(groups))) => return Ok(groups),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(broken)) => broken.to_string(),
            Err(_) => format!("directory \"{named}\": no answer within {PATIENCE:?}"),
        };
        match held {
            Some(groups) => {
                tracing::warn!(subject.id = %subject.id, "{cause}; the groups of within the hour are used");
                Ok(groups)
            }
            None => Err(unavailable(cause)),
        }
    }
}

/// Remembers in the store which metadata file was live.
pub(super) struct StoredLiveFiles {
    store: Store,
    known: Mutex<BTreeMap<String, LiveFile>>,
}

impl fmt::Debug for StoredLiveFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredLiveFiles")
    }
}

impl StoredLiveFiles {
    pub(super) fn new(store: Store, known: Vec<(String, String, String)>) -> Self {
        let known = known
            .into_iter()
            .map(|(entity_id, file, sha256)| (entity_id.clone(), LiveFile { entity_id, file, sha256 }));
        Self { store, known: Mutex::new(known.collect()) }
    }

    fn write(&self, write: Write) {
        if let Err(error) = self.store.defer(write) {
            tracing::error!("cannot remember which metadata file is live: {error}");
        }
    }
}

impl LiveFiles for StoredLiveFiles {
    fn load(&self) -> Vec<LiveFile> {
        self.known.lock().map(|known| known.values().cloned().collect()).unwrap_or_default()
    }

    fn remember(&self, live: &LiveFile) {
        if let Ok(mut known) = self.known.lock() {
            known.insert(live.entity_id.clone(), live.clone());
        }
        let LiveFile { entity_id, file, sha256 } = live.clone();
        self.write(Write::LiveFile { entity_id, file, sha256 });
    }

    fn forget(&self, entity_id: &str) {
        if let Ok(mut known) = self.known.lock() {
            known.remove(entity_id);
        }
        self.write(Write::ForgetLiveFile { entity_id: entity_id.to_owned() });
    }
}

/// Writes every change of a metadata or policy file to the audit trail.
pub(super) fn observer(audit: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Observer {
    Arc::new(move |change: &Change| {
        let event = Event::ConfigurationChanged {
            kind: change.kind.as_str().to_owned(),
            file: change.file.clone(),
            change: change.what.as_str().to_owned(),
            sha256: change.sha256.clone(),
        };
        let record = Record { time: clock.now(), request_id: String::new(), client_address: None, event };
        if let Err(error) = audit.write(&record) {
            tracing::error!("{error}");
        }
    })
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
        async fn groups(&self, _: &Subject) -> Result<Vec<String>, DirectoryError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.hangs.load(Ordering::SeqCst) {
                self.answers.notified().await;
                return Ok(vec!["cn=board".to_owned()]);
            }
            self.probe().await.map(|()| vec!["cn=sales".to_owned()])
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
        let membership = DirectoryMembership::new(vec![directory.clone()], clock.clone());
        let tanaka = tanaka();
        for (minutes, asked) in [(0, 1), (5, 1), (1, 2)] {
            clock.advance(SignedDuration::from_mins(minutes));
            assert_eq!(membership.groups(&tanaka).await.unwrap(), ["cn=sales"]);
            assert_eq!(directory.asked.load(Ordering::SeqCst), asked);
        }
        directory.away.store(true, Ordering::SeqCst);
        clock.advance(SignedDuration::from_mins(60));
        assert!(membership.groups(&tanaka).await.is_ok());
        clock.advance(SignedDuration::from_mins(1));
        assert!(membership.groups(&tanaka).await.is_err(), "nobody is let in by what was true long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_hangs_delays_nobody_whose_groups_are_known() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let directory = Arc::new(Corp::default());
        let membership = DirectoryMembership::new(vec![directory.clone()], clock.clone());
        let tanaka = tanaka();
        assert_eq!(membership.groups(&tanaka).await.unwrap(), ["cn=sales"]);
        directory.hangs.store(true, Ordering::SeqCst);
        clock.advance(SignedDuration::from_mins(6));
        // Nothing would ever end this wait but the patience; the time is the runtime's own.
        let begun = tokio::time::Instant::now();
        assert_eq!(membership.groups(&tanaka).await.unwrap(), ["cn=sales"]);
        assert!(begun.elapsed() < Duration::from_millis(200));
        // What comes late is kept.
        directory.answers.notify_one();
        while membership.known(&tanaka.id, FRESH).is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(membership.groups(&tanaka).await.unwrap(), ["cn=board"]);
        assert_eq!(directory.asked.load(Ordering::SeqCst), 2);
    }
}
