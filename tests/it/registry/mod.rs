//! The registry on real folders: what is read, what is refused and why, what changes while it watches.

mod duplicates;
mod encryption;
mod hostile;
mod metadata;
mod published;
mod service_providers;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sekisho::clock::{ManualClock, Timestamp};
use sekisho::registry::{Change, Finding, InMemory, LiveFiles, Registry, RegistryOptions, Snapshot};
use tempfile::TempDir;

/// The folder of the fixtures.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/metadata").join(name)
}

/// A service provider with one ACS.
fn sp(entity_id: &str, acs: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">
<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{acs}" index="0"/>
</md:SPSSODescriptor></md:EntityDescriptor>"#
    )
}

/// A metadata folder with its surroundings: a clock that stands, a memory, and the changes that were told.
struct Rig {
    folder: TempDir,
    options: RegistryOptions,
    now: Timestamp,
    live_files: Arc<InMemory>,
    changes: Arc<Mutex<Vec<Change>>>,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = RegistryOptions { folder: folder.path().to_owned(), ..RegistryOptions::default() };
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        Self { folder, options, now, live_files: Arc::default(), changes: Arc::default() }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let rig = Self::new();
        for (name, text) in files {
            rig.write(name, text);
        }
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Replaces a file as careful programs do.
    fn replace(&self, name: &str, text: &str) {
        self.write(".new", text);
        fs::rename(self.path(".new"), self.path(name)).unwrap();
    }

    fn copy(&self, name: &str) {
        fs::copy(fixture(name), self.path(name)).unwrap();
    }

    fn open(&self) -> Registry {
        let changes = Arc::clone(&self.changes);
        let observer = move |change: &Change| changes.lock().unwrap().push(change.clone());
        let live_files: Arc<dyn LiveFiles> = self.live_files.clone();
        let clock = Arc::new(ManualClock::at(self.now));
        Registry::open(self.options.clone(), clock, Arc::new(observer), live_files).unwrap()
    }

    /// `metadata shop.xml loaded` for each change so far.
    fn told(&self) -> Vec<String> {
        let changes = self.changes.lock().unwrap();
        changes.iter().map(|c| format!("{} {} {}", c.kind.as_str(), c.file, c.what.as_str())).collect()
    }
}

/// Waits until the snapshot is as told; the deadline is for a broken registry only.
fn eventually(registry: &Registry, what: &str, holds: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let snapshot = registry.snapshot();
        if holds(&snapshot) {
            return snapshot;
        }
        assert!(Instant::now() < deadline, "never: {what}; findings {:#?}", snapshot.findings());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn finding<'s>(snapshot: &'s Snapshot, part: &str) -> &'s Finding {
    let found = snapshot.findings().iter().find(|finding| finding.to_string().contains(part));
    found.unwrap_or_else(|| panic!("no finding says {part:?}: {:#?}", snapshot.findings()))
}

fn acs_of(snapshot: &Snapshot, entity_id: &str) -> Option<String> {
    snapshot.find(entity_id).map(|provider| provider.metadata.acs[0].location.clone())
}
