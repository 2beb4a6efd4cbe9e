//! [`Unit`]: the files of one name, what was read of them, and the last good that came of it.

use std::path::PathBuf;
use std::sync::Arc;

use super::RegistryOptions;
use super::change::{Change, FileKind, What};
use super::finding::Finding;
use super::folder::{self, Content, Entry, Files};
use super::load::{self, load};
use super::provider::{Origin, ServiceProvider};
use crate::clock::Timestamp;
use crate::saml::metadata::affiliation::Affiliation;

/// The files of one name over time.
#[derive(Debug, Default)]
pub(super) struct Unit {
    files: Files,
    seen: Option<Hashes>,
    judged: Option<Hashes>,
    /// Files elsewhere that the TOML names, as they were when it was last read and judged.
    named: Vec<PathBuf>,
    beside: Vec<Option<Entry>>,
    beside_judged: Vec<Option<Entry>>,
    settled: bool,
    missing: bool,
    good: Option<Good>,
    faults: Vec<Finding>,
}

/// Content that is in use.
#[derive(Debug)]
pub(super) struct Good {
    hashes: Hashes,
    pub(super) providers: Vec<Arc<ServiceProvider>>,
    pub(super) affiliations: Vec<Affiliation>,
    pub(super) findings: Vec<Finding>,
}

/// SHA-256 of the files in hexadecimal; empty for one that cannot be read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Hashes {
    xml: Option<String>,
    toml: Option<String>,
}

/// When new content is believed to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// When it was read twice in the same state: somebody may be copying it just now.
    ReadTwice,
    /// At once: nobody writes, or somebody waits.
    AtOnce,
}

/// What a look at the files brought.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The content that counts is another.
    pub(super) changed: bool,
    /// A second look is needed.
    pub(super) unsettled: bool,
    /// For the audit trail.
    pub(super) changes: Vec<Change>,
}

impl Unit {
    /// What is in use.
    pub(super) fn good(&self) -> Option<&Good> {
        self.good.as_ref()
    }

    /// Why the present content is not in use; empty if it is.
    pub(super) fn faults(&self) -> &[Finding] {
        &self.faults
    }

    /// Whether there is content and no use of any.
    pub(super) fn is_broken(&self) -> bool {
        self.good.is_none() && !self.faults.is_empty()
    }

    pub(super) fn has_file(&self, stem: &str, file: &str) -> bool {
        (self.files.xml.is_some() && file.strip_suffix(".xml") == Some(stem))
            || (self.files.toml.is_some() && file.strip_suffix(".toml") == Some(stem))
    }

    /// Looks at the files that are there now.
    pub(super) fn look(
        &mut self,
        stem: &str,
        files: Files,
        patience: Patience,
        options: &RegistryOptions,
        now: Timestamp,
    ) -> Seen {
        self.missing = false;
        if self.settled && self.files == files && self.beside == folder::beside(&self.named) {
            return Seen::default();
        }
        let content = files.read();
        let hashes = Hashes::of(&content);
        self.named = load::named(&content);
        let beside = folder::beside(&self.named);
        let same = self.files == files && self.seen.as_ref() == Some(&hashes) && self.beside == beside;
        self.files = files;
        self.beside = beside;
        self.seen = Some(hashes.clone());
        self.settled = same;
        let mut seen = Seen { unsettled: !same, ..Seen::default() };
        let whole = same || patience == Patience::AtOnce;
        if whole
            && (self.judged.as_ref() != Some(&hashes) || self.beside_judged != self.beside)
            && let Some(main) = content.main()
        {
            self.beside_judged.clone_from(&self.beside);
            let origin = Origin { file: main.path.clone(), options, now };
            seen.changes = self.judge(stem, &content, hashes, &origin);
            seen.changed = true;
        }
        seen
    }

    /// The files are not there any more.
    pub(super) fn vanish(&mut self, stem: &str, patience: Patience) -> Seen {
        if patience == Patience::ReadTwice && !self.missing {
            self.missing = true;
            return Seen { unsettled: true, ..Seen::default() };
        }
        let before = self.judged.take().unwrap_or_default();
        Seen { changed: true, unsettled: false, changes: changes(stem, &before, &Hashes::default()) }
    }

    fn judge(&mut self, stem: &str, content: &Content, hashes: Hashes, origin: &Origin<'_>) -> Vec<Change> {
        self.judged = Some(hashes.clone());
        match load(content, origin) {
            Ok(loaded) => {
                let before = self.good.take().map(|good| good.hashes).unwrap_or_default();
                let mut told = changes(stem, &before, &hashes);
                if told.is_empty() {
                    // A key that it names is another.
                    told.extend(change(stem, &hashes, "toml", What::Changed));
                }
                let providers: Vec<_> = loaded.providers.into_iter().map(Arc::new).collect();
                let found = providers.iter().flat_map(|provider| &provider.findings);
                found.chain(&loaded.findings).for_each(Finding::log);
                tracing::info!(file = stem, service_providers = providers.len(), "metadata loaded");
                self.faults = Vec::new();
                let (affiliations, findings) = (loaded.affiliations, loaded.findings);
                self.good = Some(Good { hashes, providers, affiliations, findings });
                told
            }
            Err(faults) => {
                let mut told = Vec::new();
                // Last good content outlives a bad change of its file, but not the file.
                let orphan = |good: &Good| good.hashes.xml.is_some() && hashes.xml.is_none();
                if let Some(good) = self.good.take_if(|good| orphan(good)) {
                    told.extend(change(stem, &good.hashes, "xml", What::Removed));
                }
                for fault in &faults {
                    tracing::error!(
                        file = fault.file,
                        line = fault.line.unwrap_or(0),
                        last_good_kept = self.good.is_some(),
                        "Unable to load metadata: {fault}"
                    );
                }
                let extension = faults.first().and_then(|fault| fault.file.rsplit('.').next());
                told.extend(change(stem, &hashes, extension.unwrap_or("xml"), What::Refused));
                self.faults = faults;
                told
            }
        }
    }
}

impl Good {
    /// The name of the file that describes the service providers.
    pub(super) fn main_file(&self, stem: &str) -> String {
        let extension = if self.hashes.xml.is_some() { "xml" } else { "toml" };
        format!("{stem}.{extension}")
    }

    /// SHA-256 of that file.
    pub(super) fn main_sha256(&self) -> &str {
        self.hashes.xml.as_ref().or(self.hashes.toml.as_ref()).map(String::as_str).unwrap_or_default()
    }

    /// Whether the other says the same with the same policy.
    pub(super) fn same_content(&self, other: &Good) -> bool {
        self.hashes == other.hashes
    }
}

impl Hashes {
    fn of(content: &Content) -> Self {
        let hash = |text: &super::folder::Text| text.sha256.clone();
        Self { xml: content.xml.as_ref().map(hash), toml: content.toml.as_ref().map(hash) }
    }

    fn by(&self, extension: &str) -> Option<&str> {
        if extension == "xml" { self.xml.as_deref() } else { self.toml.as_deref() }
    }

    fn kind(&self, extension: &str) -> FileKind {
        if extension == "toml" && self.xml.is_some() { FileKind::Policy } else { FileKind::Metadata }
    }
}

fn changes(stem: &str, before: &Hashes, after: &Hashes) -> Vec<Change> {
    ["xml", "toml"]
        .into_iter()
        .filter_map(|extension| match (before.by(extension), after.by(extension)) {
            (None, Some(_)) => change(stem, after, extension, What::Loaded),
            (Some(old), Some(new)) if old != new => change(stem, after, extension, What::Changed),
            (Some(_), None) => change(stem, before, extension, What::Removed),
            _ => None,
        })
        .collect()
}

fn change(stem: &str, hashes: &Hashes, extension: &str, what: What) -> Option<Change> {
    let sha256 = hashes.by(extension)?;
    let sha256 = if what == What::Removed { String::new() } else { sha256.to_owned() };
    Some(Change { kind: hashes.kind(extension), file: format!("{stem}.{extension}"), what, sha256 })
}
