//! What the configuration says of the identity provider itself, as the modules want to hear it.

use std::sync::Arc;

use anyhow::Result;

use super::metadata::Template;
use super::sp_keys::FileKeys;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::identity::AuthnContext;
use crate::keys::{KeyPair, load_certificate};
use crate::registry::RegistryOptions;
use crate::saml::metadata::idp::IdpDescription;
use crate::saml::signature::{AlgorithmSet, SignatureAlgorithm};
use crate::sso::{Demands, Idp};
use crate::web::{Endpoint, Site};

/// Whether some SP may use ECP, so that its endpoint is published.
const ECP: bool = false;

pub(super) fn idp(config: &Config) -> Idp {
    let classes =
        [AuthnContext::PASSWORD, AuthnContext::PASSWORD_PROTECTED_TRANSPORT, AuthnContext::KERBEROS];
    Idp {
        entity_id: config.saml.entity_id.clone(),
        demands: Demands {
            destinations: destinations(config),
            request_max_age: config.saml.request_max_age,
            want_authn_requests_signed: config.saml.want_authn_requests_signed,
        },
        attributes: config.saml.attributes.clone(),
        class_order: classes.map(str::to_owned).to_vec(),
        form_class: form_class(config).to_owned(),
    }
}

/// No class is claimed that did not happen: without TLS it is a bare password.
pub(super) fn form_class(config: &Config) -> &'static str {
    if config.base_url.is_https() {
        AuthnContext::PASSWORD_PROTECTED_TRANSPORT
    } else {
        AuthnContext::PASSWORD
    }
}

fn destinations(config: &Config) -> Vec<String> {
    let base = config.base_url.as_str();
    let aliases = config.saml.aliases.iter();
    let old = aliases.filter(|(_, endpoint)| *endpoint == config::Endpoint::Sso);
    let own = std::iter::once(format!("{base}/saml/sso"));
    own.chain(old.map(|(path, _)| format!("{base}{path}"))).collect()
}

/// `signs_with`: what the key of the identity provider can do.
pub(super) fn registry_options(
    config: &Config,
    signs_with: &[SignatureAlgorithm],
    clock: &Arc<dyn Clock>,
) -> RegistryOptions {
    let saml = &config.saml;
    RegistryOptions {
        folder: saml.metadata.clone(),
        allow_http_endpoints: saml.allow_http_endpoints,
        enforce_valid_until: saml.enforce_valid_until,
        global_filters: config.authproc.clone(),
        idp_filters: saml.authproc.clone(),
        idp_attributes: saml.attributes.clone(),
        built_in: saml.test_sp.then(|| test_sp(config)),
        profile: saml.profile,
        denied: AlgorithmSet::ALL.without(saml.algorithms),
        signs_with: signs_with.to_vec(),
        signing_keys: Some(Arc::new(FileKeys::new(config, clock))),
    }
}

/// The built-in SP, described as any other: it shows all that a sign-in could release.
fn test_sp(config: &Config) -> String {
    let base = config.base_url.as_str();
    format!("entity_id = \"{base}/test-sp\"\nacs = [\"{base}/test-sp/acs\"]\nname = \"sekisho test SP\"\n")
}

pub(super) fn site(config: &Config) -> Result<Site> {
    let mut site = Site::parse(config.base_url.as_str())?;
    site.trusted_proxies.clone_from(&config.listen.trusted_proxies);
    site.aliases = config
        .saml
        .aliases
        .iter()
        .filter_map(|(path, endpoint)| match endpoint {
            config::Endpoint::Sso => Some((path.clone(), Endpoint::Sso)),
            config::Endpoint::SsoInit => Some((path.clone(), Endpoint::SsoInit)),
            config::Endpoint::Logout => Some((path.clone(), Endpoint::Logout)),
            config::Endpoint::Metadata => Some((path.clone(), Endpoint::Metadata)),
            config::Endpoint::Certificate => Some((path.clone(), Endpoint::Certificate)),
            // Comes with single logout; an alias for it may stand in the configuration already.
            config::Endpoint::Slo => None,
        })
        .collect();
    site.test_sp = config.saml.test_sp;
    Ok(site)
}

/// The certificates that SPs are told of, in base64: the active one, then the next.
pub(super) fn certificates(config: &Config, keys: &KeyPair) -> Result<Vec<String>> {
    let mut certificates = vec![keys.certificate().base64_der().to_owned()];
    if let Some(next) = &config.saml.next_certificate {
        certificates.push(load_certificate(next)?.base64_der().to_owned());
    }
    Ok(certificates)
}

/// What the own metadata is made of, with these certificates.
pub(super) fn template(config: &Config, certificates: Vec<String>) -> Template {
    Template {
        description: description(config, certificates),
        valid_for: config.saml.published.valid_for,
        algorithms: config.saml.algorithms,
    }
}

/// What the own metadata says, with these certificates. `validUntil` comes when it is signed.
fn description(config: &Config, certificates: Vec<String>) -> IdpDescription {
    let published = &config.saml.published;
    let url = |path: &str| config.base_url.join(path);
    IdpDescription {
        entity_id: config.saml.entity_id.clone(),
        sso_redirect: url("/saml/sso"),
        sso_post: url("/saml/sso"),
        ecp: ECP.then(|| url("/saml/soap/ecp")),
        slo_front: Some(url("/saml/slo")),
        slo_soap: Some(url("/saml/soap/slo")),
        artifact: Some(url("/saml/soap/artifact")),
        certificates,
        want_authn_requests_signed: config.saml.want_authn_requests_signed,
        // What one SP's policy alone allows is promised to none.
        algorithms: config.saml.algorithms.and(AlgorithmSet::SHA2),
        name_id_formats: published.name_id_formats.clone(),
        scope: published.scope.clone(),
        ui_info: published.ui_info.clone(),
        organization: published.organization.clone(),
        contacts: published.contacts.clone(),
        error_url: published.error_url.clone(),
        valid_until: None,
        cache_duration: Some(published.cache_duration),
    }
}
