//! How an SP is signed for, and what its own signatures may be: its key, its algorithms, and what `check` says of them.

use std::path::Path;
use std::sync::Arc;

use super::finding::{Finding, Severity};
use super::policy::{Policy, Profile};
use super::provider::{Origin, ServiceProvider};
use crate::saml::metadata::sp::SpMetadata;
use crate::saml::signature::{AlgorithmSet, DigestAlgorithm, Preference, SignatureAlgorithm, Signer};

/// Loads the signing keys that single SPs have for themselves (`private_key`, `certificate`).
pub trait SigningKeys: Send + Sync + std::fmt::Debug {
    /// The pair, checked as that of the identity provider.
    fn load(&self, private_key: &Path, certificate: &Path) -> Result<SigningKey, KeyRemark>;
}

/// A key that can be used.
#[derive(Debug)]
pub struct SigningKey {
    /// What signs.
    pub signer: Arc<dyn Signer>,
    /// What is worth knowing of it all the same.
    pub concerns: Vec<KeyRemark>,
}

/// What is so with a key, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRemark {
    /// What is so.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// The key of the policy; refused as a whole SP if it cannot be used, since another key would not be believed there.
pub(super) fn own_key(
    metadata: &SpMetadata,
    policy: &Policy,
    origin: &Origin<'_>,
    findings: &mut Vec<Finding>,
) -> Result<Option<Arc<dyn Signer>>, Box<Finding>> {
    let (Some(private_key), Some(certificate)) = (&policy.private_key, &policy.certificate) else {
        return Ok(None);
    };
    let Some(keys) = &origin.options.signing_keys else { return Ok(None) };
    let refused = |message: &str, remedy: &str| {
        Box::new(origin.error(metadata, format!("private_key: {message}"), remedy))
    };
    let key = keys.load(private_key, certificate).map_err(|told| refused(&told.message, &told.remedy))?;
    if !AlgorithmSet::ALL.without(origin.options.denied).leaves(key.signer.algorithms()) {
        let message = "saml.denied_algorithms leaves nothing that it can sign with";
        return Err(refused(message, "take some out, or give the SP a key of another kind"));
    }
    for KeyRemark { message, remedy } in &key.concerns {
        findings.push(origin.finding(Severity::Warning, metadata, format!("certificate: {message}"), remedy));
    }
    Ok(Some(key.signer))
}

/// What its requests may be signed with.
pub(super) fn request_algorithms(policy: &Policy, origin: &Origin<'_>) -> AlgorithmSet {
    let by_policy = if policy.allow_sha1_requests { AlgorithmSet::ALL } else { AlgorithmSet::SHA2 };
    by_policy.without(origin.options.denied)
}

/// What to sign with for it: what its policy says, else what its metadata asks for (saml-metadata-algsupport 2.3), else
/// what the profile or the switch for SHA-1 wants.
pub(super) fn preference(metadata: &SpMetadata, policy: &Policy, origin: &Origin<'_>) -> Preference {
    let by_policy = if policy.allow_sha1_responses { AlgorithmSet::ALL } else { AlgorithmSet::SHA2 };
    let wanted = match policy.signature_algorithm {
        Some(algorithm) => vec![algorithm],
        None if is_particular(metadata) => listed(metadata),
        None if policy.allow_sha1_responses => vec![SignatureAlgorithm::RsaSha1],
        // SDP-ALG01 of saml2int.
        None if policy.profile == Some(Profile::Saml2int) => {
            vec![SignatureAlgorithm::RsaSha256, SignatureAlgorithm::EcdsaSha256]
        }
        None => Vec::new(),
    };
    Preference::new(wanted, by_policy.without(origin.options.denied))
}

fn is_particular(metadata: &SpMetadata) -> bool {
    !metadata.signing_methods.is_empty() || !metadata.digest_methods.is_empty()
}

/// What it lists and we know, in its order. Our signatures hash twice with one digest, which must be among its digests.
fn listed(metadata: &SpMetadata) -> Vec<SignatureAlgorithm> {
    let digests: Vec<DigestAlgorithm> =
        metadata.digest_methods.iter().filter_map(|uri| DigestAlgorithm::from_uri(uri)).collect();
    let fits = |algorithm: &SignatureAlgorithm| {
        metadata.digest_methods.is_empty() || digests.contains(&algorithm.digest())
    };
    if metadata.signing_methods.is_empty() {
        return AlgorithmSet::ALL.signatures().filter(fits).collect();
    }
    let known = metadata.signing_methods.iter().filter_map(|uri| SignatureAlgorithm::from_uri(uri));
    known.filter(fits).collect()
}

/// What is worth saying about all this.
pub(super) fn findings(provider: &ServiceProvider, origin: &Origin<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |severity, message: String, remedy: &str| {
        found.push(origin.finding(severity, &provider.metadata, message, remedy));
    };
    let policy = &provider.policy;
    if policy.allow_sha1_requests {
        let message = "its requests may be signed with SHA-1 (allow_sha1_requests), which others can forge";
        say(
            Severity::Warning,
            message.to_owned(),
            "let it sign with SHA-256, then remove allow_sha1_requests",
        );
    }
    if policy.allow_sha1_responses {
        let message = "what it gets may be signed with SHA-1 (allow_sha1_responses), which others can forge";
        say(
            Severity::Warning,
            message.to_owned(),
            "ask when it will take SHA-256, then remove allow_sha1_responses",
        );
    }
    let main = &origin.options.signs_with;
    let can = provider.signer.as_ref().map_or(main.as_slice(), |signer| signer.algorithms());
    let asked = policy.signature_algorithm.is_some() || is_particular(&provider.metadata);
    if can.is_empty() || provider.signature.fitting(can).is_some() {
        return found;
    }
    let words: Vec<&str> = can.iter().map(|algorithm| algorithm.word()).collect();
    let words = words.join(", ");
    if let Some(algorithm) = policy.signature_algorithm {
        let message =
            format!("signature_algorithm = \"{}\" cannot be used: the key does {words}", algorithm.word());
        say(
            Severity::Error,
            message,
            "choose another that saml.denied_algorithms leaves, or give the SP a key of its own",
        );
    } else if asked {
        let asked = [&provider.metadata.signing_methods[..], &provider.metadata.digest_methods].concat();
        let message = format!(
            "its metadata asks for signature algorithms that cannot be used ({}); the key does {words}",
            super::provider::shown(&asked.join(" "))
        );
        say(Severity::Warning, message, "set signature_algorithm, or give the SP a private_key of its own");
    } else if policy.allow_sha1_responses {
        let message = format!("allow_sha1_responses has no effect: the key does {words}");
        say(Severity::Error, message, "remove it, or give the SP an RSA key of its own");
    }
    found
}
