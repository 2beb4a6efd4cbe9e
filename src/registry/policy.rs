//! What the administrator says about one service provider: `metadata/NAME.toml`.
//!
//! [`Policy::parse`] reads a file whole and names every fault in it with line, key and remedy. Beside an XML file of the
//! same name it holds the policy; with `entity_id` it is the service provider itself; for an aggregate it has a table
//! per entityID, which takes the keys it does not set from the top of the file. A key that is not enforced yet is an
//! error, never ignored.

mod fault;
mod profile;
mod provider;
mod reader;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use crate::authproc::FilterConfig;
use crate::saml::encryption::EncryptionMethod;
use crate::saml::signature::SignatureAlgorithm;

pub use fault::PolicyFault;
pub use profile::Profile;
pub use provider::{CertificateSource, TomlServiceProvider};

/// What `idp_entity_id` may hold a place for.
pub const UPN_DOMAIN: &str = "{upn_domain}";

/// The policy of one service provider. The default is that of a service provider without a TOML file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file, by its name")]
pub struct Policy {
    /// `enabled`: whether sign-ons are served at all.
    pub enabled: bool,
    /// `entity_id_aliases`: further issuers that mean this service provider.
    pub entity_id_aliases: Vec<String>,
    /// `audience`: of the assertion; empty means the entityID.
    pub audience: Vec<String>,
    /// `idp_entity_id`: the entityID by which the identity provider speaks to this service provider, where that is not
    /// its own; [`UPN_DOMAIN`] in it stands for the domain of the person's userPrincipalName.
    pub idp_entity_id: Option<String>,
    /// `name_id_format`: the URI of the format where the request asks for none.
    pub name_id_format: Option<String>,
    /// `name_id_format = "none"`: the assertion has no NameID where the request asks for no format.
    pub without_name_id: bool,
    /// `name_id_force`: the format of the policy goes before the request's.
    pub name_id_force: bool,
    /// `name_id_attribute`: the attribute whose first value after authproc is the NameID.
    pub name_id_attribute: Option<String>,
    /// `name_id_encoding`: how that value is written.
    pub name_id_encoding: NameIdEncoding,
    /// `attributes`: the release list; none means the RequestedAttributes.
    pub attributes: Option<Vec<String>>,
    /// `attribute_name_format`: the URI for every attribute; none means uri or basic by the name.
    pub attribute_name_format: Option<String>,
    /// `send_attributes`: `false` sends no AttributeStatement.
    pub send_attributes: bool,
    /// `sign`: what is signed.
    pub sign: Sign,
    /// `encrypt`: whether assertions are encrypted.
    pub encrypt: Encrypt,
    /// `encryption_methods`: the algorithms to encrypt with, best first, in the place of the metadata's; empty means
    /// those of the metadata.
    pub encryption_methods: Vec<EncryptionMethod>,
    /// `verify_requests`: when a request's signature is wanted.
    pub verify_requests: VerifyRequests,
    /// `allow`: who may use the service provider; empty means everyone.
    pub allow: Vec<Allow>,
    /// `assertion_lifetime`: until NotOnOrAfter.
    pub assertion_lifetime: SignedDuration,
    /// `not_before_skew`: how far NotBefore lies back.
    pub not_before_skew: SignedDuration,
    /// `session_not_on_or_after`: whether the assertion tells the end of the session.
    pub session_not_on_or_after: bool,
    /// `relay_state`: sent when the identity provider begins and no other is given.
    pub relay_state: Option<String>,
    /// `relay_state_prefixes`: what a RelayState of `/saml/sso/init` must begin with; empty means anything.
    pub relay_state_prefixes: Vec<String>,
    /// `request_max_age`: the age at which a request is too old; none means the identity provider's.
    pub request_max_age: Option<SignedDuration>,
    /// `ignore_requested_authn_context`: any way of signing in will do.
    pub ignore_requested_authn_context: bool,
    /// `max_authn_age`: the age at which a sign-in must be repeated.
    pub max_authn_age: Option<SignedDuration>,
    /// `ecp`: whether enhanced clients may sign people in by password alone.
    pub ecp: bool,
    /// `allow_sha1_requests`: whether a request may be signed with SHA-1.
    pub allow_sha1_requests: bool,
    /// `allow_sha1_responses`: whether it may be signed for with SHA-1. It is, where `signature_algorithm` or its metadata
    /// name that first, or neither names anything.
    pub allow_sha1_responses: bool,
    /// `signature_algorithm`: what it is signed for with; none means the first of its metadata (alg:SigningMethod) that
    /// the key can do, else what the key does best.
    pub signature_algorithm: Option<SignatureAlgorithm>,
    /// `private_key`: the key that signs for it alone (PEM; relative names start at the TOML's folder).
    pub private_key: Option<PathBuf>,
    /// `certificate`: of that key.
    pub certificate: Option<PathBuf>,
    /// `profile`: whose defaults the policy begins with.
    pub profile: Option<Profile>,
}

/// What is signed. WantAssertionsSigned in the metadata goes before `Response`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sign {
    /// The assertion alone.
    Assertion,
    /// The response alone.
    Response,
    /// Both.
    #[default]
    Both,
}

/// Whether assertions are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encrypt {
    /// Never: many service providers publish a key that they cannot use.
    #[default]
    Never,
    /// If the service provider publishes a usable key.
    WhenKey,
    /// Always: without a usable key nothing is issued.
    Always,
}

/// When a request's signature is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VerifyRequests {
    /// It must be there and verify.
    Required,
    /// It must verify if it is there and a key is registered.
    #[default]
    WhenKey,
    /// It is not looked at.
    Ignore,
}

/// How the value of `name_id_attribute` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameIdEncoding {
    /// As text.
    #[default]
    Text,
    /// As base64 of the octets: objectGUID and mS-DS-ConsistencyGuid for Microsoft 365.
    Base64,
}

/// Who may use a service provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allow {
    /// The members, nested ones too, of the group with this distinguished name.
    Group(String),
    /// The person with this login name.
    User(String),
}

/// One file, read.
#[derive(Debug)]
pub struct PolicyFile {
    /// The policy at the top of the file.
    pub policy: Policy,
    /// The service provider, if the file describes one (`entity_id`).
    pub service_provider: Option<TomlServiceProvider>,
    /// The filters of the service provider's level.
    pub authproc: Vec<FilterConfig>,
    /// For an aggregate: the policies of single entities by entityID.
    pub by_entity: BTreeMap<String, EntityPolicy>,
}

/// The policy of one entity of an aggregate.
#[derive(Debug)]
pub struct EntityPolicy {
    /// Its own keys over those at the top of the file.
    pub policy: Policy,
    /// Its own filters, else those at the top of the file.
    pub authproc: Vec<FilterConfig>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enabled: true,
            entity_id_aliases: Vec::new(),
            audience: Vec::new(),
            idp_entity_id: None,
            name_id_format: None,
            without_name_id: false,
            name_id_force: false,
            name_id_attribute: None,
            name_id_encoding: NameIdEncoding::default(),
            attributes: None,
            attribute_name_format: None,
            send_attributes: true,
            sign: Sign::default(),
            encrypt: Encrypt::default(),
            encryption_methods: Vec::new(),
            verify_requests: VerifyRequests::default(),
            allow: Vec::new(),
            assertion_lifetime: SignedDuration::from_mins(5),
            not_before_skew: SignedDuration::from_secs(30),
            session_not_on_or_after: true,
            relay_state: None,
            relay_state_prefixes: Vec::new(),
            request_max_age: None,
            ignore_requested_authn_context: false,
            max_authn_age: None,
            ecp: false,
            allow_sha1_requests: false,
            allow_sha1_responses: false,
            signature_algorithm: None,
            private_key: None,
            certificate: None,
            profile: None,
        }
    }
}

impl Policy {
    /// Reads `text`, the content of `file`. On error: every fault of the file, in its order.
    pub fn parse(file: &Path, text: &str) -> Result<PolicyFile, Vec<PolicyFault>> {
        reader::parse(file, text, None)
    }

    /// The same; a file that names no profile has this one.
    pub fn parse_with(
        file: &Path,
        text: &str,
        profile: Option<Profile>,
    ) -> Result<PolicyFile, Vec<PolicyFault>> {
        reader::parse(file, text, profile)
    }
}

#[cfg(test)]
mod tests;
