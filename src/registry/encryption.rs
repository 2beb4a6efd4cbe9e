//! The key that a service provider is encrypted to: chosen once, when its metadata is read.

use super::finding::{Finding, Severity};
use super::policy::{Encrypt, Policy};
use super::provider::Origin;
use crate::saml::encryption::EncryptionKey;
use crate::saml::metadata::sp::SpMetadata;

/// The first usable encryption key in document order, with the algorithms of its KeyDescriptor. What is wrong with keys
/// is worth saying only where the policy encrypts: many service providers publish a key that they do not use.
pub(super) fn key(
    metadata: &SpMetadata,
    policy: &Policy,
    origin: &Origin<'_>,
    findings: &mut Vec<Finding>,
) -> Option<EncryptionKey> {
    let mut told = Vec::new();
    let mut chosen = None;
    for descriptor in metadata.keys.iter().filter(|descriptor| descriptor.encryption) {
        // Further certificates of one KeyInfo are those of issuers.
        let Some(der) = descriptor.certificates.first() else { continue };
        let mut say = |severity, message, remedy: &str| {
            let finding = origin.finding(severity, metadata, message, remedy);
            let line = Some(descriptor.line).filter(|line| *line > 0).or(finding.line);
            told.push(Finding { line, ..finding });
        };
        let methods = Some(&policy.encryption_methods).filter(|methods| !methods.is_empty());
        let methods = methods.unwrap_or(&descriptor.encryption_methods);
        match EncryptionKey::from_certificate_der(der, methods) {
            Ok(key) => {
                warn(&key, origin, &mut say);
                chosen = Some(key);
                break;
            }
            Err(unfit) => say(
                Severity::Warning,
                format!("an encryption key is not used: {unfit}"),
                "ask the service provider for an encryption certificate with RSA of 2048 bits or more, \
                 and EncryptionMethods with AES-GCM and RSA-OAEP or none",
            ),
        }
    }
    if policy.encrypt != Encrypt::Never {
        findings.append(&mut told);
        findings.extend(missing(metadata, policy, origin).filter(|_| chosen.is_none()));
    }
    chosen
}

fn warn(key: &EncryptionKey, origin: &Origin<'_>, say: &mut dyn FnMut(Severity, String, &str)) {
    if let Some(after) = key.not_after().filter(|after| *after < origin.now) {
        say(
            Severity::Warning,
            format!("its encryption certificate expired on {}; the key is still used", after.strftime("%F")),
            "ask the service provider whether it has a new one",
        );
    }
    if !key.block().is_authenticated() {
        say(
            Severity::Notice,
            "the first EncryptionMethod that can be met is AES-CBC, which lets ciphertexts be changed unseen"
                .to_owned(),
            "ask the service provider for one with AES-GCM, or put it first if it has one; keep sign = \"both\"",
        );
    }
}

fn missing<'a>(
    metadata: &'a SpMetadata,
    policy: &Policy,
    origin: &'a Origin<'_>,
) -> impl Iterator<Item = Finding> + 'a {
    let found = match policy.encrypt {
        Encrypt::Never => None,
        Encrypt::WhenKey => Some((
            Severity::Notice,
            "encrypt = \"when-key\", and it publishes no usable encryption key: its assertions are not encrypted",
            "ask the service provider for an encryption certificate, or set encrypt = \"never\"",
        )),
        Encrypt::Always => Some((
            Severity::Error,
            "encrypt = \"always\", and it publishes no usable encryption key: no sign-on to it succeeds",
            "ask the service provider for metadata with an RSA encryption certificate (in a TOML alone: \
             encryption_certificates), or set encrypt = \"when-key\"",
        )),
    };
    found
        .into_iter()
        .map(|(severity, message, remedy)| origin.finding(severity, metadata, message.to_owned(), remedy))
}
