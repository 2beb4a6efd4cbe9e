//! [`Identifiers`]: what the configuration says of how persons are named to SPs.

use std::collections::BTreeMap;

use crate::secret::Secret;

/// How persons are named.
#[derive(Debug, Clone, Default)]
pub struct Identifiers {
    /// `saml.persistent_id`: how persistent NameIDs without an attribute are computed.
    pub persistent: PersistentIds,
    /// `saml.scope`: what stands behind the `@` of subject-id and pairwise-id; without it there is neither.
    pub scope: Option<String>,
    /// `saml.subject_id_attribute`: what stands before it in subject-id; without it there is no subject-id.
    pub subject_id_attribute: Option<String>,
    /// The NetBIOS name of a directory's domain by the directory's name, where it has just one.
    pub netbios: BTreeMap<String, String>,
}

/// How persistent NameIDs are computed.
#[derive(Debug, Clone, Default)]
pub enum PersistentIds {
    /// HMAC-SHA-256 over the directory's own key of the person.
    #[default]
    HmacSha256,
    /// As SimpleSAMLphp 1.x did.
    LegacySha1(LegacyIds),
}

/// What SimpleSAMLphp computed its ids from.
#[derive(Debug, Clone)]
pub struct LegacyIds {
    /// `saml.legacy_salt`: its `secretsalt`.
    pub salt: Secret<String>,
    /// `saml.legacy_attribute`: the attribute that identified the person.
    pub attribute: String,
    /// `saml.legacy_idp_entity_id`: what it called itself.
    pub idp: String,
}
