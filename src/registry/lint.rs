//! What works but is perhaps not meant so: findings about a service provider that is live.

use super::endpoint::is_clear;
use super::finding::{Finding, Severity};
use super::policy::{Profile, VerifyRequests};
use super::provider::{Origin, ServiceProvider, shown};
use crate::saml::uris::{BINDING_ARTIFACT, BINDING_PAOS, BINDING_POST, BINDING_REDIRECT, BINDING_SOAP};

const KNOWN_BINDINGS: [&str; 5] =
    [BINDING_REDIRECT, BINDING_POST, BINDING_ARTIFACT, BINDING_SOAP, BINDING_PAOS];

/// All findings about `provider` but those of its keys and endpoints.
pub(super) fn findings(provider: &ServiceProvider, origin: &Origin<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |severity, message: String, remedy: &str| {
        found.push(origin.finding(severity, &provider.metadata, message, remedy));
    };
    signatures(provider, &mut say);
    consumers(provider, &mut say);
    release(provider, origin, &mut say);
    for (key, requirement) in Profile::deviations(&provider.policy) {
        say(
            Severity::Warning,
            format!("{key} goes against its profile ({requirement})"),
            "remove the key, or take another profile",
        );
    }
    if let Some(until) = provider.metadata.valid_until.filter(|until| *until <= origin.now) {
        say(
            Severity::Warning,
            format!("its validUntil ({until}) has passed; it is used all the same"),
            "fetch the metadata again; saml.enforce_valid_until = true would refuse it",
        );
    }
    found
}

type Say<'a> = dyn FnMut(Severity, String, &str) + 'a;

fn signatures(provider: &ServiceProvider, say: &mut Say<'_>) {
    if !provider.keys.is_empty() || provider.policy.verify_requests == VerifyRequests::Ignore {
        return;
    }
    let demand = if provider.policy.verify_requests == VerifyRequests::Required {
        "verify_requests = \"required\""
    } else if provider.metadata.authn_requests_signed {
        "AuthnRequestsSigned=\"true\""
    } else {
        return;
    };
    say(
        Severity::Error,
        format!("{demand}, but no usable signing key is registered: its requests will be refused"),
        "add the service provider's signing certificate",
    );
}

fn consumers(provider: &ServiceProvider, say: &mut Say<'_>) {
    let acs = &provider.metadata.acs;
    if !acs.iter().any(|acs| [BINDING_POST, BINDING_ARTIFACT].contains(&acs.binding.as_str())) {
        say(
            Severity::Error,
            "none of its AssertionConsumerServices takes HTTP-POST or HTTP-Artifact: no assertion can reach it"
                .to_owned(),
            "ask the service provider for an ACS with the HTTP-POST binding",
        );
    }
    if acs.iter().any(|acs| acs.binding == BINDING_ARTIFACT) && provider.keys.is_empty() {
        say(
            Severity::Warning,
            "it has an ACS by HTTP-Artifact, but no usable signing key: it cannot fetch what waits for it"
                .to_owned(),
            "add the service provider's signing certificate",
        );
    }
    clients(provider, say);
    for url in acs.iter().map(|acs| &acs.location).filter(|url| is_clear(url)) {
        say(
            Severity::Warning,
            format!("AssertionConsumerService \"{}\" is http: assertions travel in the clear", shown(url)),
            "use https",
        );
    }
    let mut unknown: Vec<&str> =
        acs.iter().map(|acs| acs.binding.as_str()).filter(|b| !KNOWN_BINDINGS.contains(b)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    for binding in unknown {
        say(
            Severity::Notice,
            format!("an AssertionConsumerService has the unknown binding \"{}\"", shown(binding)),
            "nothing needs to be done while another ACS takes HTTP-POST",
        );
    }
}

fn clients(provider: &ServiceProvider, say: &mut Say<'_>) {
    if !provider.policy.ecp {
        return;
    }
    say(
        Severity::Warning,
        "ecp = true: enhanced clients sign people in by password alone, whatever else a sign-in here asks for"
            .to_owned(),
        "switch it off unless a program without a browser needs it",
    );
    if !provider.metadata.acs.iter().any(|acs| acs.binding == BINDING_PAOS) {
        say(
            Severity::Error,
            "ecp = true, but none of its AssertionConsumerServices takes PAOS".to_owned(),
            "ask the service provider for an ACS with the PAOS binding, or remove ecp",
        );
    }
}

fn release(provider: &ServiceProvider, origin: &Origin<'_>, say: &mut Say<'_>) {
    let policy = &provider.policy;
    let release = provider.releases.default_service();
    let listed = release.attributes.is_some()
        || !release.subject_ids.is_empty()
        || origin.options.idp_attributes.is_some();
    if policy.send_attributes && !listed && !provider.chain.has_release_list() {
        say(
            Severity::Warning,
            "no release list names an attribute: none will leave for it".to_owned(),
            "set attributes = [...] in its TOML; attributes = [] says that it is meant so",
        );
    }
    for names in release.withheld() {
        let name = names.last().map(String::as_str).unwrap_or_default();
        say(
            Severity::Notice,
            format!("its metadata requires \"{}\", which its release list does not name", shown(name)),
            "add it to the list in force, if the service provider may have it",
        );
    }
    for id in release.subject_ids.iter().filter(|id| !origin.options.subject_ids.contains(id)) {
        let id = id.rsplit(':').next().unwrap_or(id);
        say(
            Severity::Warning,
            format!("its metadata asks for {id}, which is not configured: it gets none"),
            if id == "subject-id" {
                "set saml.scope and saml.subject_id_attribute"
            } else {
                "set saml.scope"
            },
        );
    }
    let format =
        policy.name_id_format.is_some() || policy.without_name_id || policy.name_id_attribute.is_some();
    if !format && provider.metadata.name_id_formats.is_empty() {
        say(
            Severity::Notice,
            "neither metadata nor policy names a NameID format: transient unless a request asks".to_owned(),
            "set name_id_format in its TOML if it needs to know people again",
        );
    }
}
