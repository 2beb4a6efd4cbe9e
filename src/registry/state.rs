//! What the registry knows of its folder, and how a look at the folder changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::{Change, FileKind, LiveFile, LiveFiles, Observer, What};
use super::folder;
use super::load;
use super::provider::{Origin, ServiceProvider};
use super::snapshot::{Merged, Snapshot, merge};
use super::unit::{Patience, Seen, Unit};
use super::{RegistryError, RegistryOptions};
use crate::clock::Clock;

/// Everything that lasts from one look at the folder to the next.
pub(super) struct State {
    options: RegistryOptions,
    clock: Arc<dyn Clock>,
    observer: Observer,
    live_files: Arc<dyn LiveFiles>,
    units: BTreeMap<String, Unit>,
    remembered: BTreeMap<String, LiveFile>,
    refused: BTreeSet<(String, String, String)>,
    unreadable: bool,
    built_in: Option<Arc<ServiceProvider>>,
    looked: bool,
}

/// What a look at the folder brought.
pub(super) struct Scan {
    /// The new snapshot, if anything changed.
    pub(super) snapshot: Option<Snapshot>,
    /// Whether something is perhaps half written and wants another look soon.
    pub(super) unsettled: bool,
}

impl State {
    pub(super) fn new(
        options: RegistryOptions,
        clock: Arc<dyn Clock>,
        observer: Observer,
        live_files: Arc<dyn LiveFiles>,
    ) -> Self {
        let remembered = live_files.load().into_iter().map(|live| (live.entity_id.clone(), live)).collect();
        let (units, refused) = (BTreeMap::new(), BTreeSet::new());
        let origin = Origin { file: "(built in)".into(), options: &options, now: clock.now() };
        let built_in =
            options.built_in.as_deref().and_then(|toml| load::built_in(toml, &origin)).map(Arc::new);
        Self {
            options,
            clock,
            observer,
            live_files,
            units,
            remembered,
            refused,
            unreadable: false,
            built_in,
            looked: false,
        }
    }

    /// Looks at the folder. An unreadable folder changes nothing: a file server may be away for a moment.
    pub(super) fn scan(&mut self, patience: Patience) -> Result<Scan, RegistryError> {
        let path = &self.options.folder;
        let listed =
            folder::list(path).map_err(|cause| RegistryError::Folder { path: path.clone(), cause })?;
        let mut whole = Seen::default();
        let mut gone = Vec::new();
        for (stem, unit) in self.units.iter_mut().filter(|(stem, _)| !listed.contains_key(*stem)) {
            let seen = unit.vanish(stem, patience);
            if seen.changed {
                gone.push(stem.clone());
            }
            whole.add(seen);
        }
        for stem in gone {
            tracing::info!(file = stem, "metadata removed");
            self.units.remove(&stem);
        }
        let (options, now) = (&self.options, self.clock.now());
        for (stem, files) in listed {
            let unit = self.units.entry(stem.clone()).or_default();
            whole.add(unit.look(&stem, files, patience, options, now));
        }
        whole.changes.iter().for_each(|change| (self.observer)(change));
        let first = !std::mem::replace(&mut self.looked, true);
        let snapshot = (whole.changed || first).then(|| self.merged());
        Ok(Scan { snapshot, unsettled: whole.unsettled })
    }

    /// Like [`Self::scan`], for the watcher: a folder that cannot be read is logged once.
    pub(super) fn watch(&mut self) -> Scan {
        match self.scan(Patience::ReadTwice) {
            Ok(scan) => {
                self.unreadable = false;
                scan
            }
            Err(error) => {
                if !std::mem::replace(&mut self.unreadable, true) {
                    tracing::error!("{error}; the service providers stay as they are until it can be read");
                }
                Scan { snapshot: None, unsettled: false }
            }
        }
    }

    fn merged(&mut self) -> Snapshot {
        let Merged { mut snapshot, live, refused } = merge(&self.units, &self.remembered);
        let mut still = BTreeSet::new();
        for (file, finding) in refused {
            let key = (file.entity_id, file.file, file.sha256);
            if !self.refused.contains(&key) && !still.contains(&key) {
                tracing::error!(file = key.1, sp.entity_id = key.0, "Unable to load metadata: {finding}");
                let change = Change {
                    kind: FileKind::Metadata,
                    file: key.1.clone(),
                    what: What::Refused,
                    sha256: key.2.clone(),
                };
                (self.observer)(&change);
            }
            still.insert(key);
        }
        self.refused = still;
        self.remember(live);
        if let Some(provider) = &self.built_in {
            snapshot.add_built_in(provider);
        }
        snapshot
    }

    fn remember(&mut self, live: Vec<LiveFile>) {
        for file in live {
            if self.remembered.get(&file.entity_id) != Some(&file) {
                self.live_files.remember(&file);
                self.remembered.insert(file.entity_id.clone(), file);
            }
        }
        let units = &self.units;
        let over = |live: &LiveFile| {
            let claims = |unit: &Unit| {
                let good = unit.good();
                good.is_some_and(|g| g.providers.iter().any(|p| p.entity_id() == live.entity_id))
            };
            // A broken file keeps its claim until it is repaired or removed.
            let broken = |(stem, unit): (&String, &Unit)| unit.is_broken() && unit.has_file(stem, &live.file);
            !units.values().any(claims) && !units.iter().any(broken)
        };
        let forgotten: Vec<String> =
            self.remembered.values().filter(|live| over(live)).map(|live| live.entity_id.clone()).collect();
        for entity_id in forgotten {
            self.live_files.forget(&entity_id);
            self.remembered.remove(&entity_id);
        }
    }
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.changed |= other.changed;
        self.unsettled |= other.unsettled;
        self.changes.extend(other.changes);
    }
}
