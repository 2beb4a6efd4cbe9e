//! Joins ports to what implements them elsewhere, so that the modules on both sides need not know each other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::audit::{Event, Record, Sink};
use crate::clock::Clock;
use crate::registry::{Change, LiveFile, LiveFiles, Observer};
use crate::store::{Store, Write};

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
