//! [`Affiliation`]: service providers that share one name space for pairwise identifiers (saml-metadata 2.5).

use jiff::Timestamp;

/// An md:AffiliationDescriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affiliation {
    /// Its name, which requests give as SPNameQualifier.
    pub entity_id: String,
    /// Line of the EntityDescriptor, from 1.
    pub line: usize,
    /// The earliest validUntil of the affiliation and what is around it.
    pub valid_until: Option<Timestamp>,
    /// The entityIDs of its members.
    pub members: Vec<String>,
}

/// What a metadata file describes, as far as an identity provider needs it.
#[derive(Debug, Default)]
pub struct Described {
    /// The service providers.
    pub providers: Vec<super::sp::SpMetadata>,
    /// Affiliations of service providers.
    pub affiliations: Vec<Affiliation>,
}
