//! [`Affiliations`]: which service providers share a name space (saml-metadata 2.5), out of all files.

use std::collections::BTreeMap;

use super::finding::{Finding, Severity};
use super::provider::Origin;
use super::unit::Unit;
use crate::clock::Timestamp;
use crate::saml::metadata::affiliation::Affiliation;

/// Affiliations by their names.
#[derive(Debug, Default)]
pub(super) struct Affiliations(BTreeMap<String, Affiliation>);

impl Affiliations {
    /// Whether the affiliation has this member now.
    pub(super) fn has(&self, affiliation: &str, member: &str, now: Timestamp) -> bool {
        self.0.get(affiliation).is_some_and(|held| {
            held.valid_until.is_none_or(|until| now < until) && held.members.iter().any(|one| one == member)
        })
    }

    /// Those of all files. Of two that have one name and say different things, neither is used: the identifiers of one
    /// affiliation must not reach the members of the other.
    pub(super) fn merge(units: &BTreeMap<String, Unit>) -> (Self, Vec<Finding>) {
        let mut named: BTreeMap<&str, Vec<(String, &Affiliation)>> = BTreeMap::new();
        for (stem, good) in units.iter().filter_map(|(stem, unit)| Some((stem, unit.good()?))) {
            for affiliation in &good.affiliations {
                named.entry(&affiliation.entity_id).or_default().push((good.main_file(stem), affiliation));
            }
        }
        let (mut merged, mut findings) = (Self::default(), Vec::new());
        for (entity_id, same) in named {
            let mut all = same.iter().map(|(_, affiliation)| *affiliation);
            let Some(first) = all.next() else { continue };
            if all.all(|other| (&other.members, other.valid_until) == (&first.members, first.valid_until)) {
                merged.0.insert(entity_id.to_owned(), first.clone());
                continue;
            }
            findings.extend(same.into_iter().map(|(file, affiliation)| {
                Finding {
                    severity: Severity::Error,
                    file,
                    line: Some(affiliation.line),
                    subject: entity_id.to_owned(),
                    message: "another AffiliationDescriptor has this name and other members; neither is used"
                        .to_owned(),
                    remedy: "remove one of the two".to_owned(),
                }
            }));
        }
        (merged, findings)
    }
}

/// The affiliations of one file as they are used: a validUntil counts where it is enforced, and is a finding where it has
/// passed.
pub(super) fn judged(
    affiliations: Vec<Affiliation>,
    origin: &Origin<'_>,
) -> (Vec<Affiliation>, Vec<Finding>) {
    let enforced = origin.options.enforce_valid_until;
    let mut findings = Vec::new();
    let judge = |mut affiliation: Affiliation| {
        if affiliation.valid_until.is_some_and(|until| until <= origin.now) {
            findings.push(Finding {
                severity: if enforced { Severity::Error } else { Severity::Warning },
                file: super::folder::name(&origin.file),
                line: Some(affiliation.line),
                subject: affiliation.entity_id.clone(),
                message: "the validUntil of this affiliation has passed".to_owned(),
                remedy: "fetch the metadata again".to_owned(),
            });
        }
        affiliation.valid_until = affiliation.valid_until.filter(|_| enforced);
        affiliation
    };
    let judged = affiliations.into_iter().map(judge).collect();
    (judged, findings)
}
