//! Joins ports to what implements them elsewhere, so that the modules on both sides need not know each other.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::audit::{Event, Record, Sink};
use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::directory::Directory;
use crate::identity::{Membership, Subject, SubjectId, Unavailable};
use crate::registry::{Change, LiveFile, LiveFiles, Observer};
use crate::store::{Store, Write};

/// How long groups are believed without asking again, so that a directory that hangs does not delay people who are
/// signed in, and how long at most while it cannot be asked.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// People whose groups are kept; when there are more, the old ones go.
const KEPT: usize = 20_000;

/// Asks the directory that a person came from for their groups.
#[derive(Debug)]
pub(super) struct DirectoryMembership {
    directories: Vec<Arc<dyn Directory>>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<SubjectId, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    groups: Vec<String>,
    asked: Timestamp,
}

impl DirectoryMembership {
    pub(super) fn new(directories: Vec<Arc<dyn Directory>>, clock: Arc<dyn Clock>) -> Self {
        Self { directories, clock, known: Mutex::default() }
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
        match directory.groups(subject).await {
            Ok(groups) => {
                self.keep(&subject.id, &groups);
                Ok(groups)
            }
            Err(error) => match self.known(&subject.id, STALE) {
                Some(groups) => {
                    tracing::warn!(subject.id = %subject.id, "{error}; the groups of within the hour are used");
                    Ok(groups)
                }
                None => Err(unavailable(error.to_string())),
            },
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
