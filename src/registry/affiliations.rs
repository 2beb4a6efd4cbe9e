//! [`Affiliations`]: which service providers share a name space (saml-metadata 2.5), out of all files.

use std::collections::BTreeMap;

use super::finding::{Finding, Severity};
use super::provider::Origin;
use super::unit::Unit;
use crate::clock::Timestamp;
use crate::saml::metadata::affiliation::Affiliation;

/// Affiliations by their names.
#[derive(Debug, Default)]
pub(super) struct Affiliations(BTreeMap<String, Held>);

/// An affiliation and the file that describes it.
#[derive(Debug)]
struct Held {
    file: String,
    affiliation: Affiliation,
}

impl Held {
    fn refused(&self, entity_id: &str, message: &str) -> Finding {
        Finding {
            severity: Severity::Error,
            file: self.file.clone(),
            line: Some(self.affiliation.line),
            subject: entity_id.to_owned(),
            message: message.to_owned(),
            remedy: "ask whoever made the file; if in doubt, remove the AffiliationDescriptor".to_owned(),
        }
    }
}

impl Affiliations {
    /// Whether the affiliation has this member now.
    pub(super) fn has(&self, affiliation: &str, member: &str, now: Timestamp) -> bool {
        self.0.get(affiliation).is_some_and(|Held { affiliation: held, .. }| {
            held.valid_until.is_none_or(|until| now < until) && held.members.iter().any(|one| one == member)
        })
    }

    /// Takes out those that have the name of a service provider: a member could ask for the names that only that one has.
    pub(super) fn yield_to(&mut self, is_provider: impl Fn(&str) -> bool) -> Vec<Finding> {
        let taken = self.0.extract_if(.., |name, _| is_provider(name));
        taken
            .map(|(name, held)| {
                held.refused(&name, "this name is a service provider's; the affiliation is not used")
            })
            .collect()
    }

    /// Those of all files. Of two that have one name and say different things, neither is used: the identifiers of one
    /// affiliation must not reach the members of the other.
    pub(super) fn merge(units: &BTreeMap<String, Unit>) -> (Self, Vec<Finding>) {
        let mut named: BTreeMap<&str, Vec<Held>> = BTreeMap::new();
        for (stem, good) in units.iter().filter_map(|(stem, unit)| Some((stem, unit.good()?))) {
            for affiliation in &good.affiliations {
                let held = Held { file: good.main_file(stem), affiliation: affiliation.clone() };
                named.entry(&affiliation.entity_id).or_default().push(held);
            }
        }
        let (mut merged, mut findings) = (Self::default(), Vec::new());
        for (entity_id, mut same) in named {
            let said = |held: &Held| (held.affiliation.members.clone(), held.affiliation.valid_until);
            let agreed = same.windows(2).all(|pair| matches!(pair, [a, b] if said(a) == said(b)));
            if !agreed {
                let message =
                    "another AffiliationDescriptor has this name and other members; neither is used";
                findings.extend(same.iter().map(|held| held.refused(entity_id, message)));
            } else if let Some(last) = same.pop() {
                merged.0.insert(entity_id.to_owned(), last);
            }
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
