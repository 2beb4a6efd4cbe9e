//! What the configuration says of the identity provider itself, as the modules want to hear it.

use anyhow::Result;

use crate::clock::Ids;
use crate::config::{self, Config, DirectoryConfig};
use crate::identity::AuthnContext;
use crate::keys::{DecryptionPairs, KeyPair, load_certificate};
use crate::registry::RegistryOptions;
use crate::saml::metadata::idp::{Contact, ContactKind, IdpDescription, Organization, UiInfo, write};
use crate::saml::metadata::sp::{Localized, Logo};
use crate::saml::signature::sign;
use crate::saml::uris::name_id::{EMAIL, PERSISTENT, TRANSIENT, UNSPECIFIED};
use crate::saml::uris::subject_id::{PAIRWISE_ID, SUBJECT_ID};
use crate::sso::{Demands, Identifiers, Idp};
use crate::web::{Endpoint, Site};

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

/// Our own addresses of an endpoint, and its aliases.
fn destinations(config: &Config, endpoint: config::Endpoint, own: &[&str]) -> Vec<String> {
    let base = config.base_url.as_str();
    let aliases = config.saml.aliases.iter();
    let old = aliases.filter(|(_, meant)| *meant == endpoint).map(|(path, _)| path.as_str());
    own.iter().copied().chain(old).map(|path| format!("{base}{path}")).collect()
}

pub(super) fn registry_options(config: &Config) -> RegistryOptions {
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

/// The certificates that SPs may encrypt to, in base64.
pub(super) fn encryption_certificates(decryption: &DecryptionPairs) -> Vec<String> {
    decryption.certificates().iter().map(|certificate| certificate.base64_der().to_owned()).collect()
}

/// The signed metadata (saml-metadata 3).
pub(super) fn metadata(
    config: &Config,
    keys: &KeyPair,
    decryption: &DecryptionPairs,
    ids: &dyn Ids,
) -> Result<String> {
    let base = config.base_url.as_str();
    let published = &config.saml.published;
    let description = IdpDescription {
        entity_id: config.saml.entity_id.clone(),
        sso_redirect: format!("{base}/saml/sso"),
        sso_post: format!("{base}/saml/sso"),
        certificates: certificates(config, keys)?,
        encryption_certificates: encryption_certificates(decryption),
        want_authn_requests_signed: config.saml.want_authn_requests_signed,
        name_id_formats: [PERSISTENT, TRANSIENT, EMAIL, UNSPECIFIED].map(str::to_owned).to_vec(),
        scope: published.scope.clone(),
        ui_info: UiInfo {
            display_names: localized(&published.display_name),
            logos: published.logo.iter().map(logo).collect(),
            ..UiInfo::default()
        },
        organization: published.organization.as_ref().map(|organization| Organization {
            names: localized(&organization.name),
            display_names: localized(&organization.display_name),
            urls: localized(&organization.url),
        }),
        contacts: published.contacts.iter().filter_map(contact).collect(),
        error_url: published.error_url.clone(),
        ..IdpDescription::default()
    };
    let id = ids.xml_id();
    let unsigned = write(&description, &id);
    let signature = sign::enveloped(keys, &id, &unsigned.bytes)?;
    Ok(String::from_utf8(unsigned.with_signature(&signature))?)
}

fn localized(texts: &[config::Localized]) -> Vec<Localized> {
    texts.iter().map(|one| Localized { lang: one.lang.clone(), text: one.text.clone() }).collect()
}

fn logo(logo: &config::Logo) -> Logo {
    Logo { lang: String::new(), url: logo.url.clone(), width: Some(logo.width), height: Some(logo.height) }
}

fn contact(contact: &config::Contact) -> Option<Contact> {
    Some(Contact {
        kind: ContactKind::from_word(contact.contact_type)?,
        company: None,
        given_name: contact.name.clone(),
        sur_name: None,
        emails: vec![contact.email.clone()],
        telephones: Vec::new(),
    })
}
