//! [`Snapshot`]: the service providers at one moment; [`merge`] decides between files that claim one entityID.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::affiliations::Affiliations;
use super::change::LiveFile;
use super::finding::{Finding, Severity};
use super::folder;
use super::provider::ServiceProvider;
use super::unit::{Good, Unit};
use crate::clock::Timestamp;

/// All service providers at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    by_name: HashMap<String, Arc<ServiceProvider>>,
    providers: Vec<Arc<ServiceProvider>>,
    affiliations: Affiliations,
    findings: Vec<Finding>,
    ecp: bool,
}

impl Snapshot {
    /// The enabled service provider with this entityID or alias.
    pub fn find(&self, entity_id: &str) -> Option<&Arc<ServiceProvider>> {
        self.by_name.get(entity_id).filter(|provider| provider.policy.enabled)
    }

    /// The service provider with this entityID or alias that `enabled = false` switched off.
    pub fn find_disabled(&self, entity_id: &str) -> Option<&Arc<ServiceProvider>> {
        self.by_name.get(entity_id).filter(|provider| !provider.policy.enabled)
    }

    /// All, also disabled ones, in the order of their entityIDs.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<ServiceProvider>> {
        self.providers.iter()
    }

    /// Whether the metadata has an affiliation of this name with this service provider in it.
    pub fn is_affiliated(&self, affiliation: &str, entity_id: &str, now: Timestamp) -> bool {
        self.affiliations.has(affiliation, entity_id, now)
    }

    /// Whether some service provider is open to enhanced clients.
    pub fn has_ecp(&self) -> bool {
        self.ecp
    }

    /// Adds a service provider that no file describes, unless a file does.
    pub(super) fn add_built_in(&mut self, provider: &Arc<ServiceProvider>) {
        if !self.by_name.contains_key(provider.entity_id()) {
            self.by_name.insert(provider.entity_id().to_owned(), Arc::clone(provider));
            self.providers.push(Arc::clone(provider));
            self.providers.sort_by(|a, b| a.entity_id().cmp(b.entity_id()));
        }
    }

    /// What is worth saying about the folder's files, in the order of their names.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// A snapshot and what follows from making it.
pub(super) struct Merged {
    pub(super) snapshot: Snapshot,
    /// Which file each live entityID is from.
    pub(super) live: Vec<LiveFile>,
    /// Files that another one keeps out.
    pub(super) refused: Vec<(LiveFile, Finding)>,
}

type Units = BTreeMap<String, Unit>;
type Remembered = BTreeMap<String, LiveFile>;

struct Claim<'u> {
    stem: &'u str,
    good: &'u Good,
    provider: &'u Arc<ServiceProvider>,
}

/// Puts the good content of all files together (security: identical files are one; of different ones the file that was
/// live last stays; where none is known, none is used).
pub(super) fn merge(units: &Units, remembered: &Remembered) -> Merged {
    let mut claims: BTreeMap<&str, Vec<Claim<'_>>> = BTreeMap::new();
    let mut snapshot = Snapshot::default();
    for (stem, unit) in units {
        snapshot.findings.extend(unit.faults().iter().cloned());
        let Some(good) = unit.good() else { continue };
        snapshot.findings.extend(good.findings.iter().cloned());
        for provider in &good.providers {
            snapshot.findings.extend(provider.findings.iter().cloned());
            claims.entry(provider.entity_id()).or_default().push(Claim { stem, good, provider });
        }
    }
    let (mut live, mut refused) = (Vec::new(), Vec::new());
    for (entity_id, claims) in &claims {
        let before = remembered.get(*entity_id);
        let winner = winner(claims, before, units);
        if let Some(winner) = winner {
            snapshot.by_name.insert((*entity_id).to_owned(), Arc::clone(winner.provider));
            snapshot.providers.push(Arc::clone(winner.provider));
            snapshot.ecp |= winner.provider.policy.enabled && winner.provider.policy.ecp;
            live.push(winner.live_file());
        }
        for claim in claims.iter().filter(|claim| !winner.is_some_and(|w| w.good.same_content(claim.good))) {
            refused.push((claim.live_file(), duplicate(claim, claims, winner, before)));
        }
    }
    snapshot.findings.extend(refused.iter().map(|(_, finding)| finding.clone()));
    let aliases = add_aliases(&mut snapshot);
    snapshot.findings.extend(aliases);
    let (mut affiliations, disputed) = Affiliations::merge(units);
    let taken = affiliations.yield_to(|name| snapshot.by_name.contains_key(name));
    snapshot.affiliations = affiliations;
    snapshot.findings.extend(disputed.into_iter().chain(taken));
    snapshot.findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Merged { snapshot, live, refused }
}

fn winner<'c, 'u>(
    claims: &'c [Claim<'u>],
    before: Option<&LiveFile>,
    units: &Units,
) -> Option<&'c Claim<'u>> {
    let by_memory = before.and_then(|before| {
        let by_file = claims.iter().find(|claim| claim.file() == before.file);
        by_file.or_else(|| claims.iter().find(|claim| claim.good.main_sha256() == before.sha256))
    });
    if by_memory.is_some() {
        return by_memory;
    }
    // The file that was live last is there, but broken: nobody takes its place meanwhile.
    let broken = before.is_some_and(|before| {
        units.iter().any(|(stem, unit)| unit.is_broken() && unit.has_file(stem, &before.file))
    });
    let (first, others) = claims.split_first()?;
    let agreed = others.iter().all(|claim| claim.good.same_content(first.good));
    (agreed && !broken).then_some(first)
}

impl Claim<'_> {
    fn file(&self) -> String {
        self.good.main_file(self.stem)
    }

    fn live_file(&self) -> LiveFile {
        LiveFile {
            entity_id: self.provider.entity_id().to_owned(),
            file: self.file(),
            sha256: self.good.main_sha256().to_owned(),
        }
    }
}

fn duplicate(
    claim: &Claim<'_>,
    claims: &[Claim<'_>],
    winner: Option<&Claim<'_>>,
    before: Option<&LiveFile>,
) -> Finding {
    let others: Vec<String> =
        claims.iter().filter(|other| other.stem != claim.stem).map(Claim::file).collect();
    let (message, remedy) = match (winner, before) {
        (Some(winner), _) => (
            format!("it is not used, since {} was live with this entityID before it", winner.file()),
            "remove one of the two files".to_owned(),
        ),
        (None, Some(before)) if others.is_empty() => (
            format!("it is not used, since this entityID belongs to {}, which is broken", before.file),
            format!("repair {0} or remove it", before.file),
        ),
        (None, _) => (
            format!("it is not used, since {} has the same entityID and another content", others.join(", ")),
            "remove all of these files but one".to_owned(),
        ),
    };
    Finding {
        severity: Severity::Error,
        file: claim.file(),
        line: (claim.provider.metadata.line > 0).then_some(claim.provider.metadata.line),
        subject: claim.provider.entity_id().to_owned(),
        message,
        remedy,
    }
}

/// An alias that somebody else has too would hand one service provider's requests to another: it is not used.
fn add_aliases(snapshot: &mut Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wanted: BTreeMap<&str, Vec<&Arc<ServiceProvider>>> = BTreeMap::new();
    for provider in &snapshot.providers {
        for alias in provider.aliases.iter().filter(|alias| *alias != provider.entity_id()) {
            wanted.entry(alias).or_default().push(provider);
        }
    }
    for (alias, providers) in wanted {
        let mut distinct = providers.clone();
        distinct.dedup_by(|a, b| Arc::ptr_eq(a, b));
        if let ([only], false) = (distinct.as_slice(), snapshot.by_name.contains_key(alias)) {
            snapshot.by_name.insert(alias.to_owned(), Arc::clone(only));
            continue;
        }
        findings.extend(distinct.iter().map(|provider| Finding {
            severity: Severity::Error,
            file: folder::name(&provider.file),
            line: None,
            subject: provider.entity_id().to_owned(),
            message: format!(
                "entity_id_aliases: \"{alias}\" is not used, since another service provider has that name"
            ),
            remedy: "remove it from one of them".to_owned(),
        }));
    }
    findings
}
