//! From the content of `NAME.xml` and `NAME.toml` to service providers, or to the faults that refuse them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::RegistryOptions;
use super::affiliations;
use super::finding::{Finding, Severity};
use super::folder::{self, Content, Text};
use super::policy::{CertificateSource, Policy, PolicyFault, PolicyFile, Profile, TomlServiceProvider};
use super::provider::{Origin, ServiceProvider};
use crate::saml::metadata::affiliation::{Affiliation, Described};
use crate::saml::metadata::sp::{
    self, AssertionConsumerService, Endpoint, KeyDescriptor, Localized, SpMetadata,
};
use crate::saml::uris::{BINDING_POST, BINDING_REDIRECT};

/// What good content gives.
pub(super) struct Loaded {
    pub(super) providers: Vec<ServiceProvider>,
    pub(super) affiliations: Vec<Affiliation>,
    /// What was left out of an aggregate, and why.
    pub(super) findings: Vec<Finding>,
}

/// Reads the content; every fault is an error of the whole, except inside an aggregate.
pub(super) fn load(content: &Content, origin: &Origin<'_>) -> Result<Loaded, Vec<Finding>> {
    let profile = origin.options.profile;
    let file = content.toml.as_ref().map(|text| policy(text, profile)).transpose()?;
    let Some(xml) = &content.xml else {
        let (Some(file), Some(text)) = (file, &content.toml) else { return Err(Vec::new()) };
        return alone(&file, text, origin);
    };
    let Described { providers: all, affiliations } = sp::parse_all(bytes(xml)?)
        .map_err(|error| vec![fault(xml, Some(error.line), "", &error.fault.to_string(), error.remedy())])?;
    let file = match (file, &content.toml) {
        (Some(file), Some(text)) => consistent(file, text, &all)?,
        _ => empty(profile),
    };
    let (affiliations, findings) = affiliations::judged(affiliations, origin);
    if all.is_empty() {
        return Ok(Loaded { providers: Vec::new(), affiliations, findings });
    }
    let mut loaded = build(all, &file, origin)?;
    loaded.affiliations = affiliations;
    loaded.findings.extend(findings);
    Ok(loaded)
}

/// The files elsewhere that the TOML names: what they hold is part of what it says.
pub(super) fn named(content: &Content) -> Vec<PathBuf> {
    let Some(Ok(file)) = content.toml.as_ref().map(|text| policy(text, None)) else { return Vec::new() };
    let of_sp = |sp: &TomlServiceProvider| [&sp.certificates[..], &sp.encryption_certificates].concat();
    let certificates = file.service_provider.iter().flat_map(of_sp);
    let certificates = certificates.filter_map(|source| match source {
        CertificateSource::File(path) => Some(path),
        CertificateSource::Der(_) => None,
    });
    let policies = std::iter::once(&file.policy).chain(file.by_entity.values().map(|own| &own.policy));
    let keys = policies.flat_map(|policy| policy.private_key.iter().chain(&policy.certificate));
    keys.cloned().chain(certificates).collect()
}

/// The service provider that no file describes; the TOML is ours, so that nothing can be wrong with it but a bug. It shows
/// what an SP without a profile would get.
pub(super) fn built_in(toml: &str, origin: &Origin<'_>) -> Option<ServiceProvider> {
    let options = RegistryOptions { profile: None, ..origin.options.clone() };
    let origin = &Origin { file: origin.file.clone(), options: &options, now: origin.now };
    let path = PathBuf::from("(built in)");
    let text = Text { path, bytes: Ok(toml.as_bytes().to_vec()), sha256: String::new() };
    match load(&Content { xml: None, toml: Some(text) }, origin) {
        Ok(mut loaded) => loaded.providers.pop(),
        Err(findings) => {
            for finding in findings {
                tracing::error!("the built-in service provider: {finding}");
            }
            None
        }
    }
}

fn build(all: Vec<SpMetadata>, file: &PolicyFile, origin: &Origin<'_>) -> Result<Loaded, Vec<Finding>> {
    let (all, mut findings) = distinct(all, origin);
    let mut providers = Vec::new();
    for metadata in all {
        let own = file.by_entity.get(&metadata.entity_id);
        let (policy, filters) =
            own.map_or((&file.policy, &file.authproc), |own| (&own.policy, &own.authproc));
        match ServiceProvider::build(metadata, policy.clone(), filters, origin) {
            Ok(provider) => providers.push(provider),
            Err(finding) => findings.push(*finding),
        }
    }
    if providers.is_empty() {
        return Err(findings);
    }
    Ok(Loaded { providers, affiliations: Vec::new(), findings })
}

/// An entityID that stands twice in one file counts once if both say the same, else not at all.
fn distinct(all: Vec<SpMetadata>, origin: &Origin<'_>) -> (Vec<SpMetadata>, Vec<Finding>) {
    let mut by_entity: BTreeMap<String, Vec<SpMetadata>> = BTreeMap::new();
    for metadata in all {
        by_entity.entry(metadata.entity_id.clone()).or_default().push(metadata);
    }
    let (mut kept, mut findings) = (Vec::new(), Vec::new());
    for mut same in by_entity.into_values() {
        let Some(last) = same.pop() else { continue };
        let line = last.line;
        if same.iter().all(|other| same_but_line(other, &last, line)) {
            kept.push(last);
        } else {
            let message = "the file describes this entityID twice, differently; neither is used".to_owned();
            findings.push(origin.error(&last, message, "remove one of the two"));
        }
    }
    (kept, findings)
}

fn same_but_line(one: &SpMetadata, other: &SpMetadata, line: usize) -> bool {
    let mut one = SpMetadata { line, ..one.clone() };
    for (key, like) in one.keys.iter_mut().zip(&other.keys) {
        key.line = like.line;
    }
    one == *other
}

/// A TOML that is the service provider itself.
fn alone(file: &PolicyFile, text: &Text, origin: &Origin<'_>) -> Result<Loaded, Vec<Finding>> {
    let Some(described) = &file.service_provider else {
        let message = "it is a policy, but there is no XML file of the same name";
        let remedy = "drop the service provider's XML beside it, or set entity_id and acs in it";
        return Err(vec![fault(text, None, "", message, remedy)]);
    };
    let metadata = from_toml(described, text)?;
    build(vec![metadata], file, origin)
}

fn from_toml(described: &TomlServiceProvider, text: &Text) -> Result<SpMetadata, Vec<Finding>> {
    let acs = described.acs.iter().enumerate().map(|(at, location)| AssertionConsumerService {
        index: u16::try_from(at).ok(),
        is_default: Some(at == 0),
        binding: BINDING_POST.to_owned(),
        location: location.clone(),
    });
    let single_logout = described.slo.iter().map(|location| Endpoint {
        binding: BINDING_REDIRECT.to_owned(),
        location: location.clone(),
        response_location: None,
    });
    let signing = described.certificates.iter().map(|source| (source, true));
    let keys = signing.chain(described.encryption_certificates.iter().map(|source| (source, false)));
    let keys = keys.map(|(source, signing)| {
        let certificates = certificates(source, text, &described.entity_id)?;
        let encryption_methods = Vec::new();
        Ok(KeyDescriptor { signing, encryption: !signing, certificates, encryption_methods, line: 0 })
    });
    Ok(SpMetadata {
        entity_id: described.entity_id.clone(),
        acs: acs.collect(),
        single_logout: single_logout.collect(),
        keys: keys.collect::<Result<_, Vec<Finding>>>()?,
        display_names: described
            .name
            .iter()
            .map(|name| Localized { lang: String::new(), text: name.clone() })
            .collect(),
        ..SpMetadata::default()
    })
}

fn certificates(
    source: &CertificateSource,
    text: &Text,
    entity_id: &str,
) -> Result<Vec<Vec<u8>>, Vec<Finding>> {
    let path = match source {
        CertificateSource::Der(der) => return Ok(vec![der.clone()]),
        CertificateSource::File(path) => path,
    };
    let remedy = "name a PEM file, or write the certificate itself";
    let refuse = |cause: &str| {
        vec![fault(text, None, entity_id, &format!("certificate file {}: {cause}", path.display()), remedy)]
    };
    let octets = folder::read(path).map_err(|cause| refuse(&cause.to_string()))?;
    if octets.first() == Some(&0x30) {
        return Ok(vec![octets]);
    }
    let pem = std::str::from_utf8(&octets).ok().and_then(CertificateSource::from_pem);
    pem.ok_or_else(|| refuse("it holds no certificate"))
}

fn policy(text: &Text, profile: Option<Profile>) -> Result<PolicyFile, Vec<Finding>> {
    let content = std::str::from_utf8(bytes(text)?)
        .map_err(|_| vec![fault(text, None, "", "it is not UTF-8", "save the file as UTF-8")])?;
    let content = content.strip_prefix('\u{FEFF}').unwrap_or(content);
    Policy::parse_with(&text.path, content, profile)
        .map_err(|faults| faults.iter().map(|f| from_policy(f, text)).collect())
}

fn from_policy(found: &PolicyFault, text: &Text) -> Finding {
    let key = if found.key.is_empty() { String::new() } else { format!("{}: ", found.key) };
    fault(text, found.line, "", &format!("{key}{}", found.message), &found.remedy)
}

/// A policy that would apply to nothing was meant for something: nobody must believe that it is in force.
fn consistent(file: PolicyFile, text: &Text, all: &[SpMetadata]) -> Result<PolicyFile, Vec<Finding>> {
    if let Some(own) = &file.service_provider {
        let message =
            "it describes a service provider (entity_id), but there is an XML file of the same name";
        let remedy = "remove entity_id, acs, slo, certificates, encryption_certificates and name from it, or rename it";
        return Err(vec![fault(text, None, &own.entity_id, message, remedy)]);
    }
    if all.is_empty() {
        let message = "it is a policy, but the XML file of the same name has no service provider";
        return Err(vec![fault(text, None, "", message, "remove it: an affiliation has no policy")]);
    }
    let strangers = file.by_entity.keys().filter(|id| !all.iter().any(|sp| sp.entity_id == **id));
    let faults: Vec<Finding> = strangers
        .map(|id| {
            let message = "it has a table for this entityID, which the XML file of the same name has not";
            fault(text, None, id, message, "correct the entityID of the table, or remove the table")
        })
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    if !file.policy.entity_id_aliases.is_empty() && all.len() > 1 {
        let message =
            "entity_id_aliases at the top of the file would name all service providers of the XML file";
        return Err(vec![fault(text, None, "", message, "move it into the table of one entityID")]);
    }
    Ok(file)
}

fn empty(profile: Option<Profile>) -> PolicyFile {
    PolicyFile {
        policy: Profile::policy(profile),
        service_provider: None,
        authproc: Vec::new(),
        by_entity: BTreeMap::new(),
    }
}

fn bytes(text: &Text) -> Result<&[u8], Vec<Finding>> {
    text.bytes.as_deref().map_err(|cause| {
        let remedy = "make it a readable file of at most 1 MB";
        vec![fault(text, None, "", &cause.to_string(), remedy)]
    })
}

fn fault(text: &Text, line: Option<usize>, subject: &str, message: &str, remedy: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        file: folder::name(&text.path),
        line,
        subject: subject.to_owned(),
        message: message.to_owned(),
        remedy: remedy.to_owned(),
    }
}
