//! [`Releases`]: what may leave for a service provider, worked out when its files are read, so that a sign-on only looks
//! up a list.
//!
//! The list in force is the first of: `attributes` of the policy; the lists of `[[saml.release]]` whose entity attribute
//! the metadata has; the RequestedAttributes of the AttributeConsumingService that the request names, else of the
//! default one; `saml.attributes`. Entity attributes are believed because an admin dropped the file that holds them.

use std::collections::BTreeSet;

use super::policy::Policy;
use crate::saml::metadata::sp::{AttributeConsumingService, RequestedAttribute, SpMetadata};
use crate::saml::uris::subject_id::{PAIRWISE_ID, REQUIREMENT, SUBJECT_ID};

/// One `[[saml.release]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityRelease {
    /// The Name of the entity attribute.
    pub name: String,
    /// The value that it must have among its values.
    pub value: String,
    /// What such service providers get.
    pub attributes: Vec<String>,
    /// Of that, only what their RequestedAttributes name.
    pub only_requested: bool,
}

/// Where a release list comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseOrigin {
    /// `attributes` of the policy.
    Policy,
    /// `[[saml.release]]`.
    EntityAttribute,
    /// RequestedAttributes.
    Metadata,
    /// `saml.attributes`, or none.
    IdentityProvider,
}

/// What may leave for one service of a service provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Whose word it is.
    pub origin: ReleaseOrigin,
    /// The names; none leaves it to `saml.attributes`.
    pub attributes: Option<Vec<String>>,
    /// subject-id and pairwise-id, as far as `subject-id:req` asks for them.
    pub subject_ids: &'static [&'static str],
    /// Whether `subject-id:req` is the last word about subject-id and pairwise-id.
    subject_ids_only: bool,
    /// The values that are wanted of an attribute; one that is not here has all.
    values: Vec<(String, Vec<String>)>,
    /// The names, any of which will do, of each attribute without which the service does not work.
    required: Vec<Vec<String>>,
    /// The same, of those that the list does not name.
    withheld: Vec<Vec<String>>,
}

/// The releases of a service provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releases {
    default: Release,
    /// By AttributeConsumingServiceIndex; empty where the index decides nothing.
    by_index: Vec<(u16, Release)>,
}

/// A request names a service that the metadata does not describe, or describes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("AttributeConsumingServiceIndex {0} does not stand once in the SP's metadata")]
pub struct UnknownService(pub u16);

impl Releases {
    pub(super) fn of(
        metadata: &SpMetadata,
        policy: &Policy,
        rules: &[EntityRelease],
        idp_attributes: Option<&[String]>,
    ) -> Self {
        let for_service = |service| Release::of(service, metadata, policy, rules, idp_attributes);
        let services = metadata.attribute_consuming.iter();
        let services = services.filter(|_| policy.attributes.is_none());
        Self {
            default: for_service(metadata.default_attribute_consuming()),
            by_index: services.filter_map(|s| Some((s.index?, for_service(Some(s))))).collect(),
        }
    }

    /// The release where no request names a service.
    pub fn default_service(&self) -> &Release {
        &self.default
    }

    /// The release for the service with this index (saml-core 3.4.1). An index that would decide nothing, since the
    /// policy has a list or the metadata describes no service, is as good as none: some service providers send one all
    /// the same. One that the metadata lacks beside others is an error: any list might be the wrong one.
    pub fn service(&self, index: Option<u16>) -> Result<&Release, UnknownService> {
        match index {
            Some(index) if !self.by_index.is_empty() => {
                let mut found = self.by_index.iter().filter(|(known, _)| *known == index);
                match (found.next(), found.next()) {
                    (Some((_, release)), None) => Ok(release),
                    _ => Err(UnknownService(index)),
                }
            }
            _ => Ok(&self.default),
        }
    }
}

impl Release {
    fn of(
        service: Option<&AttributeConsumingService>,
        metadata: &SpMetadata,
        policy: &Policy,
        rules: &[EntityRelease],
        idp_attributes: Option<&[String]>,
    ) -> Self {
        let requested = service.map_or(&[][..], |service| &service.requested);
        let (origin, mut attributes) = if let Some(own) = &policy.attributes {
            (ReleaseOrigin::Policy, Some(own.clone()))
        } else if let Some(list) = by_entity_attribute(metadata, rules, requested) {
            (ReleaseOrigin::EntityAttribute, Some(list))
        } else if requested.is_empty() {
            (ReleaseOrigin::IdentityProvider, None)
        } else {
            (ReleaseOrigin::Metadata, Some(unique(requested.iter().flat_map(names))))
        };
        let wanted = required_subject_ids(metadata).filter(|_| origin != ReleaseOrigin::Policy);
        if wanted.is_some() {
            attributes = attributes.or_else(|| idp_attributes.map(<[String]>::to_vec));
            if let Some(list) = &mut attributes {
                list.retain(|name| !is_subject_id(name));
            }
        }
        let listed = |name: &String| attributes.as_ref().is_none_or(|list| list.contains(name));
        let required = requested.iter().filter(|attribute| attribute.required);
        let required = required.map(|attribute| names(attribute).cloned().collect());
        let (required, withheld) = required.partition(|names: &Vec<String>| names.iter().any(listed));
        Self {
            origin,
            subject_ids: wanted.unwrap_or_default(),
            subject_ids_only: wanted.is_some(),
            values: if origin == ReleaseOrigin::Policy { Vec::new() } else { values(requested) },
            required,
            withheld,
            attributes,
        }
    }

    /// Whether it names this attribute; `idp_attributes` is the list where it has none.
    pub fn names(&self, name: &str, idp_attributes: Option<&[String]>) -> bool {
        let list = self.attributes.as_deref().or(idp_attributes).unwrap_or_default();
        self.subject_ids.contains(&name) || list.iter().any(|listed| listed == name)
    }

    /// Whether the attribute may leave at all: `subject-id:req` keeps back the identifiers that it does not ask for.
    pub fn passes(&self, name: &str) -> bool {
        !self.subject_ids_only || !is_subject_id(name) || self.subject_ids.contains(&name)
    }

    /// The only values of the attribute that are wanted (saml-metadata 2.4.4.2); none means all.
    pub fn wanted(&self, name: &str) -> Option<&[String]> {
        self.values.iter().find(|(listed, _)| listed == name).map(|(_, values)| values.as_slice())
    }

    /// The names, any of which will do, of each attribute without which the service does not work; the last is the one
    /// that people use. What the list does not name is not among them: it is withheld, not missing.
    pub fn required(&self) -> &[Vec<String>] {
        &self.required
    }

    /// The attributes without which the service does not work, and that the list keeps back.
    pub fn withheld(&self) -> &[Vec<String>] {
        &self.withheld
    }
}

/// What the rules give that apply; none where none applies.
fn by_entity_attribute(
    metadata: &SpMetadata,
    rules: &[EntityRelease],
    requested: &[RequestedAttribute],
) -> Option<Vec<String>> {
    let has = |rule: &&EntityRelease| {
        let mut held = metadata.entity_attributes.iter().filter(|held| held.name == rule.name);
        held.any(|held| held.values.contains(&rule.value))
    };
    let applying: Vec<&EntityRelease> = rules.iter().filter(has).collect();
    let asked: BTreeSet<&String> = requested.iter().flat_map(names).collect();
    let given = applying
        .iter()
        .flat_map(|rule| rule.attributes.iter().filter(|name| !rule.only_requested || asked.contains(name)));
    (!applying.is_empty()).then(|| unique(given))
}

/// What the service provider says about subject-id and pairwise-id (saml-subject-id-attr 1.0, 4); none where it says
/// nothing that is known. `any` gets the one that tells less.
fn required_subject_ids(metadata: &SpMetadata) -> Option<&'static [&'static str]> {
    let mut said = metadata.entity_attributes.iter().filter(|held| held.name == REQUIREMENT);
    match said.next()?.values.first()?.as_str() {
        "subject-id" => Some(&[SUBJECT_ID]),
        "pairwise-id" | "any" => Some(&[PAIRWISE_ID]),
        "none" => Some(&[]),
        _ => None,
    }
}

fn is_subject_id(name: &str) -> bool {
    [SUBJECT_ID, PAIRWISE_ID].contains(&name)
}

/// A RequestedAttribute asks by an OID, our attribute goes by its friendly name: both are meant.
fn names(attribute: &RequestedAttribute) -> impl Iterator<Item = &String> {
    std::iter::once(&attribute.name).chain(&attribute.friendly_name)
}

fn values(requested: &[RequestedAttribute]) -> Vec<(String, Vec<String>)> {
    let limited = requested.iter().filter(|attribute| !attribute.values.is_empty());
    limited.flat_map(|a| names(a).map(|name| (name.clone(), a.values.clone()))).collect()
}

fn unique<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests;
