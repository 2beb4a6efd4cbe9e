//! What the configuration says of the identity provider itself, as the modules want to hear it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use super::metadata::Template;
use super::sp_keys::FileKeys;
use crate::authn::{Acceptor, IntegratedOptions, Prover};
use crate::clock::Clock;
use crate::config::{self, Config, DirectoryConfig, TicketProver};
use crate::identity::AuthnContext;
use crate::keys::{Certificate, KeyPair, load_certificate};
use crate::registry::RegistryOptions;
use crate::saml::metadata::idp::IdpDescription;
use crate::saml::signature::{AlgorithmSet, SignatureAlgorithm};
use crate::saml::uris::subject_id::{PAIRWISE_ID, SUBJECT_ID};
use crate::sso::{Demands, Identifiers, Idp};
use crate::web::{ApiDoor, Endpoint, Site};

pub(super) fn idp(config: &Config) -> Idp {
    Idp {
        entity_id: config.saml.entity_id.clone(),
        demands: Demands {
            destinations: destinations(config, config::Endpoint::Sso, &["/saml/sso", "/saml/soap/ecp"]),
            logout_destinations: destinations(
                config,
                config::Endpoint::Slo,
                &["/saml/slo", "/saml/soap/slo"],
            ),
            artifact_destinations: vec![config.base_url.join("/saml/soap/artifact")],
            request_max_age: config.saml.request_max_age,
            want_authn_requests_signed: config.saml.want_authn_requests_signed,
        },
        attributes: config.saml.attributes.clone(),
        class_order: config.saml.subject.authn_context_order.clone(),
        form_class: form_class(config).to_owned(),
        ticket_class: config.integrated.as_ref().map(|integrated| integrated.authn_context.clone()),
        identifiers: identifiers(config),
    }
}

fn identifiers(config: &Config) -> Identifiers {
    let ldap = config.directories.iter().filter_map(|directory| match directory {
        DirectoryConfig::Ldap(options) => Some(options),
        DirectoryConfig::File { .. } => None,
    });
    // Of several names nobody could tell whose an account is.
    let netbios = ldap.filter_map(|options| match options.netbios_names.as_slice() {
        [only] => Some((options.name.clone(), only.clone())),
        _ => None,
    });
    Identifiers {
        persistent: config.saml.subject.persistent_id.clone(),
        scope: config.saml.published.scope.clone(),
        subject_id_attribute: config.saml.subject.subject_id_attribute.clone(),
        netbios: netbios.collect(),
    }
}

/// No class is claimed that did not happen: without TLS it is a bare password.
pub(super) fn form_class(config: &Config) -> &'static str {
    AuthnContext::of_form(config.base_url.is_https())
}

/// What `[integrated]` says, as the use case wants to hear it.
pub(super) fn integrated(integrated: &config::Integrated) -> Result<IntegratedOptions> {
    let prover = match &integrated.prover {
        TicketProver::Proxy(trusted) => Prover::Proxy(trusted.clone()),
        TicketProver::Keytab { path, principal } => Prover::Keytab(acceptor(path, principal.as_deref())?),
    };
    Ok(IntegratedOptions {
        prover,
        networks: integrated.networks.clone(),
        realms: integrated.realms.clone(),
        context: AuthnContext(integrated.authn_context.clone()),
    })
}

/// What proves tickets with these keys.
fn acceptor(keytab: &Path, principal: Option<&str>) -> Result<Acceptor> {
    Acceptor::open(principal).with_context(|| {
        let keys = principal.map(|name| format!(" of {name}")).unwrap_or_default();
        let file = keytab.display();
        format!("integrated.keytab {file}: `klist -k {file}` shows whether keys{keys} are in it")
    })
}

/// Our own addresses of an endpoint, and its aliases.
fn destinations(config: &Config, endpoint: config::Endpoint, own: &[&str]) -> Vec<String> {
    let base = config.base_url.as_str();
    let aliases = config.saml.aliases.iter();
    let old = aliases.filter(|(_, meant)| *meant == endpoint).map(|(path, _)| path.as_str());
    own.iter().copied().chain(old).map(|path| format!("{base}{path}")).collect()
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
        entity_releases: saml.subject.release.clone(),
        subject_ids: subject_ids(config),
        built_in: saml.test_sp.then(|| test_sp(config)),
        profile: saml.profile,
        denied: AlgorithmSet::ALL.without(saml.algorithms),
        signs_with: signs_with.to_vec(),
        signing_keys: Some(Arc::new(FileKeys::new(config, clock))),
    }
}

/// What people can have of subject-id and pairwise-id.
fn subject_ids(config: &Config) -> Vec<&'static str> {
    let scope = config.saml.published.scope.is_some();
    let subject_id = config.saml.subject.subject_id_attribute.is_some().then_some(SUBJECT_ID);
    scope.then_some(PAIRWISE_ID).into_iter().chain(subject_id.filter(|_| scope)).collect()
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
        .map(|(path, endpoint)| {
            let endpoint = match endpoint {
                config::Endpoint::Sso => Endpoint::Sso,
                config::Endpoint::SsoInit => Endpoint::SsoInit,
                config::Endpoint::Slo => Endpoint::Slo,
                config::Endpoint::Logout => Endpoint::Logout,
                config::Endpoint::Metadata => Endpoint::Metadata,
                config::Endpoint::Certificate => Endpoint::Certificate,
            };
            (path.clone(), endpoint)
        })
        .collect();
    site.logout_without_question = config.saml.logout_without_question;
    site.timezone = config.log.timezone.clone();
    site.test_sp = config.saml.test_sp;
    site.password_api = config.password_api.as_ref().map(|api| ApiDoor {
        networks: api.allowed_networks.clone(),
        client_certificate: api.client_certificates.is_some(),
    });
    Ok(site)
}

/// The certificates of signing keys that SPs are told of: the active one, then the next.
pub(super) fn certificates(config: &Config, keys: &KeyPair) -> Result<Vec<Certificate>> {
    let mut certificates = vec![keys.certificate().clone()];
    if let Some(next) = &config.saml.next_certificate {
        certificates.push(load_certificate(next).map_err(|error| anyhow!(error.told()))?);
    }
    Ok(certificates)
}

/// What the own metadata is made of, with these certificates.
pub(super) fn template(config: &Config, signing: &[Certificate], encryption: &[Certificate]) -> Template {
    let base64 = |certificates: &[Certificate]| {
        certificates.iter().map(|certificate| certificate.base64_der().to_owned()).collect()
    };
    Template {
        description: description(config, base64(signing), base64(encryption)),
        valid_for: config.saml.published.valid_for,
        algorithms: config.saml.algorithms,
    }
}

/// What the own metadata says, with these certificates. `validUntil` comes when it is signed.
fn description(config: &Config, certificates: Vec<String>, encryption: Vec<String>) -> IdpDescription {
    let published = &config.saml.published;
    let url = |path: &str| config.base_url.join(path);
    IdpDescription {
        entity_id: config.saml.entity_id.clone(),
        sso_redirect: url("/saml/sso"),
        sso_post: url("/saml/sso"),
        ecp: Some(url("/saml/soap/ecp")),
        slo_front: url("/saml/slo"),
        slo_soap: url("/saml/soap/slo"),
        artifact: url("/saml/soap/artifact"),
        certificates,
        encryption_certificates: encryption,
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
        cache_duration: published.cache_duration,
    }
}
