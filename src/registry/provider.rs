//! [`ServiceProvider`]: metadata, policy and what follows from both, ready for a sign-on.

use std::path::PathBuf;
use std::sync::Arc;

use crate::authproc::{Chain, FilterConfig};
use crate::clock::Timestamp;
use crate::saml::encryption::EncryptionKey;
use crate::saml::metadata::sp::SpMetadata;
use crate::saml::name_id::canonical_format;
use crate::saml::signature::{AlgorithmSet, Preference, Signer, VerificationKey};
use crate::saml::uris::name_id::{ENCRYPTED, TRANSIENT, UNSPECIFIED};

use super::finding::{Finding, Severity};
use super::policy::Policy;
use super::release::Releases;
use super::{RegistryOptions, encryption, endpoint, folder, lint, signing};

/// A service provider as the rest of the program sees it.
#[derive(Debug)]
pub struct ServiceProvider {
    /// What it says about itself; endpoints that are not used are not in it.
    pub metadata: SpMetadata,
    /// Further names that it sends as Issuer.
    pub aliases: Vec<String>,
    /// The file that describes it.
    pub file: PathBuf,
    /// What the admin says about it.
    pub policy: Policy,
    /// Its attribute pipeline: global, identity provider's and its own filters.
    pub chain: Chain,
    /// What may leave for it.
    pub releases: Releases,
    /// Keys that may sign its requests.
    pub keys: Vec<VerificationKey>,
    /// The key that may be encrypted to, if it has one: whether it is, says `policy.encrypt`.
    pub encryption: Option<EncryptionKey>,
    /// What its requests may be signed with.
    pub request_algorithms: AlgorithmSet,
    /// What it is signed for with.
    pub signature: Preference,
    /// The key that signs for it alone.
    pub signer: Option<Arc<dyn Signer>>,
    /// What is worth saying about it.
    pub findings: Vec<Finding>,
    enforce_valid_until: bool,
}

/// Where a service provider comes from.
pub(super) struct Origin<'a> {
    pub(super) file: PathBuf,
    pub(super) options: &'a RegistryOptions,
    pub(super) now: Timestamp,
}

impl ServiceProvider {
    /// Its name in SAML.
    pub fn entity_id(&self) -> &str {
        &self.metadata.entity_id
    }

    /// What people call it, in `lang` if it says so.
    pub fn display_name(&self, lang: &str) -> &str {
        self.metadata.display_name(lang)
    }

    /// The format of NameIDs for it: that which is `asked` for, unless that is unspecified or the wish for an EncryptedID,
    /// which leaves it open, else the policy's, else the first of the metadata that says something, else what an attribute
    /// leaves open, else transient. None is the policy's `none`.
    pub fn name_id_format<'a>(&'a self, asked: Option<&'a str>) -> Option<&'a str> {
        let names_one = |format: &&str| ![UNSPECIFIED, ENCRYPTED].contains(format);
        let asked = asked.filter(names_one).filter(|_| !self.policy.name_id_force);
        if self.policy.without_name_id && asked.is_none() {
            return None;
        }
        let own = self.policy.name_id_format.as_deref().map(canonical_format);
        let published = || self.metadata.name_id_formats.iter().map(|f| canonical_format(f)).find(names_one);
        let open = || if self.policy.name_id_attribute.is_some() { UNSPECIFIED } else { TRANSIENT };
        Some(asked.or(own).or_else(published).unwrap_or_else(open))
    }

    /// Whether its validUntil has passed and is enforced: nothing is issued to it any more.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.enforce_valid_until && self.metadata.valid_until.is_some_and(|until| until <= now)
    }

    /// Builds one, or says why it cannot be used.
    pub(super) fn build(
        mut metadata: SpMetadata,
        policy: Policy,
        filters: &[FilterConfig],
        origin: &Origin<'_>,
    ) -> Result<Self, Box<Finding>> {
        let options = origin.options;
        let mut findings = usable_endpoints(&mut metadata, origin)?;
        let chain =
            Chain::build(&options.global_filters, &options.idp_filters, filters).map_err(|error| {
                origin.error(&metadata, error.to_string(), "write fewer filters for this service provider")
            })?;
        let idp_attributes = options.idp_attributes.as_deref();
        let releases = Releases::of(&metadata, &policy, &options.entity_releases, idp_attributes);
        let keys = keys(&metadata, origin, &mut findings);
        let encryption = encryption::key(&metadata, &policy, origin, &mut findings);
        let signer = signing::own_key(&metadata, &policy, origin, &mut findings)?;
        let mut provider = Self {
            request_algorithms: signing::request_algorithms(&policy, origin),
            signature: signing::preference(&metadata, &policy, origin),
            signer,
            aliases: policy.entity_id_aliases.clone(),
            file: origin.file.clone(),
            enforce_valid_until: options.enforce_valid_until,
            metadata,
            policy,
            chain,
            releases,
            keys,
            encryption,
            findings,
        };
        if provider.expired(origin.now) {
            let message = "its validUntil has passed".to_owned();
            let remedy = "fetch the metadata again, or set saml.enforce_valid_until = false";
            return Err(Box::new(origin.error(&provider.metadata, message, remedy)));
        }
        let mut lints = lint::findings(&provider, origin);
        lints.extend(signing::findings(&provider, origin));
        provider.findings.extend(lints);
        Ok(provider)
    }
}

impl Origin<'_> {
    pub(super) fn finding(
        &self,
        severity: Severity,
        metadata: &SpMetadata,
        message: String,
        remedy: &str,
    ) -> Finding {
        Finding {
            severity,
            file: folder::name(&self.file),
            line: (metadata.line > 0).then_some(metadata.line),
            subject: metadata.entity_id.clone(),
            message,
            remedy: remedy.to_owned(),
        }
    }

    pub(super) fn error(&self, metadata: &SpMetadata, message: String, remedy: &str) -> Finding {
        self.finding(Severity::Error, metadata, message, remedy)
    }
}

/// Takes http endpoints out; any other scheme, or nothing left, refuses the service provider.
fn usable_endpoints(metadata: &mut SpMetadata, origin: &Origin<'_>) -> Result<Vec<Finding>, Box<Finding>> {
    let allow_http = origin.options.allow_http_endpoints;
    let mut findings = Vec::new();
    let mut judge = |what: &str, url: &str, about: &SpMetadata| match endpoint::check(url, allow_http) {
        Ok(()) => Ok(true),
        Err(fault) => {
            let message = format!("{what} \"{}\" is not used: {fault}", shown(url));
            let finding = origin.error(about, message, fault.remedy());
            if fault == endpoint::EndpointFault::Clear {
                findings.push(finding);
                Ok(false)
            } else {
                Err(Box::new(finding))
            }
        }
    };
    let about = metadata.clone();
    let mut acs = Vec::new();
    for consumer in std::mem::take(&mut metadata.acs) {
        if judge("AssertionConsumerService", &consumer.location, &about)? {
            acs.push(consumer);
        }
    }
    let mut single_logout = Vec::new();
    for endpoint in std::mem::take(&mut metadata.single_logout) {
        let response = endpoint.response_location.as_deref();
        let usable = response.map_or(Ok(true), |url| judge("SingleLogoutService", url, &about))?;
        if judge("SingleLogoutService", &endpoint.location, &about)? && usable {
            single_logout.push(endpoint);
        }
    }
    metadata.acs = acs;
    metadata.single_logout = single_logout;
    if metadata.acs.is_empty() {
        let nothing = || {
            let message = "it has no AssertionConsumerService".to_owned();
            origin.error(&about, message, "ask the service provider for metadata with an ACS URL")
        };
        return Err(Box::new(findings.into_iter().next().unwrap_or_else(nothing)));
    }
    Ok(findings)
}

fn keys(metadata: &SpMetadata, origin: &Origin<'_>, findings: &mut Vec<Finding>) -> Vec<VerificationKey> {
    let mut keys: Vec<VerificationKey> = Vec::new();
    for descriptor in metadata.keys.iter().filter(|descriptor| descriptor.signing) {
        for der in &descriptor.certificates {
            let mut finding = match VerificationKey::from_certificate_der(der) {
                Ok(key) if keys.iter().any(|known| known.fingerprint() == key.fingerprint()) => continue,
                Ok(key) => {
                    let after = key.not_after().filter(|after| *after < origin.now);
                    keys.push(key);
                    let Some(after) = after else { continue };
                    origin.finding(
                        Severity::Warning,
                        metadata,
                        format!(
                            "its signing certificate expired on {}; the key is still used",
                            after.strftime("%F")
                        ),
                        "ask the service provider whether it has a new one",
                    )
                }
                Err(rejected) => origin.finding(
                    Severity::Warning,
                    metadata,
                    format!("a signing key is not used: {rejected}"),
                    "ask the service provider for a certificate with RSA of 2048 bits or more, or EC P-256",
                ),
            };
            if descriptor.line > 0 {
                finding.line = Some(descriptor.line);
            }
            findings.push(finding);
        }
    }
    keys
}

pub(super) fn shown(url: &str) -> String {
    url.escape_debug().take(200).collect()
}
