//! `profile`: a deployment profile as a set of defaults, which the other keys of a file override.

use super::{Encrypt, Policy, Sign, VerifyRequests};
use crate::saml::uris::{attribute_name, name_id};

/// A deployment profile.
///
/// # saml2int
///
/// The Kantara "SAML V2.0 Deployment Profile for Federation Interoperability" (saml2int 2). What it changes:
///
/// | key | without | with `profile = "saml2int"` | requirement |
/// |---|---|---|---|
/// | `encrypt` | `never` | `always` | SDP-IDP11 |
/// | `name_id_format`, `name_id_force` | the request's, the metadata's | `transient`, always | SDP-IDP12 |
/// | `attribute_name_format` | by the name | `uri` | SDP-IDP18 |
/// | `signature_algorithm` | the key's | SHA-256, unless the SP's metadata asks for another | SDP-ALG01 |
/// | `sign` | `both` | `both` | SDP-IDP09 |
/// | `verify_requests` | `when-key` | `when-key` | SDP-IDP04, SDP-IDP05 |
///
/// A key of the file that goes against the profile is obeyed and is a finding of `check`; so is what the profile wants of
/// the identity provider's own metadata and is not configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// saml2int, version 2.
    Saml2int,
}

/// `encrypt` of saml2int (SDP-IDP11).
const ENCRYPT: Encrypt = Encrypt::Always;

impl Profile {
    /// The words of the configuration.
    pub const WORDS: [(&str, Self); 1] = [("saml2int", Self::Saml2int)];

    /// The policy of an SP that says nothing else.
    pub fn policy(profile: Option<Self>) -> Policy {
        match profile {
            None => Policy::default(),
            Some(Self::Saml2int) => Policy {
                profile,
                encrypt: ENCRYPT,
                name_id_format: Some(name_id::TRANSIENT.to_owned()),
                name_id_force: true,
                attribute_name_format: Some(attribute_name::URI.to_owned()),
                ..Policy::default()
            },
        }
    }

    /// What a policy does against its profile: key and requirement.
    pub fn deviations(policy: &Policy) -> Vec<(&'static str, &'static str)> {
        if policy.profile.is_none() {
            return Vec::new();
        }
        let transient = policy.name_id_format.as_deref() == Some(name_id::TRANSIENT);
        let table = [
            (policy.encrypt != ENCRYPT, "encrypt", "SDP-IDP11: assertions are encrypted"),
            (policy.sign == Sign::Assertion, "sign", "SDP-IDP09: the Response is signed"),
            (!transient || !policy.name_id_force, "name_id_format", "SDP-IDP12: the NameID is transient"),
            (
                policy.attribute_name_format.as_deref() != Some(attribute_name::URI),
                "attribute_name_format",
                "SDP-IDP18: names of attributes are URIs",
            ),
            (
                policy.verify_requests == VerifyRequests::Ignore,
                "verify_requests",
                "SDP-IDP05: signed requests are verified",
            ),
            (
                policy.allow_sha1_requests || policy.allow_sha1_responses,
                "allow_sha1_requests or allow_sha1_responses",
                "SDP-ALG01: SHA-256",
            ),
        ];
        table.into_iter().filter(|(against, ..)| *against).map(|(_, key, why)| (key, why)).collect()
    }
}
