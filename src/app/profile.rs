//! What a deployment profile wants of the identity provider itself and the configuration does not have.

use crate::config::{Config, ConfigFault, FaultKind};
use crate::registry::{Profile, Snapshot};
use crate::saml::metadata::idp::ContactKind;

/// What saml2int wants and is missing, if any SP of `snapshot` is served by that profile.
pub fn lacking(config: &Config, snapshot: &Snapshot) -> Vec<ConfigFault> {
    if !snapshot.iter().any(|sp| sp.policy.profile == Some(Profile::Saml2int)) {
        return Vec::new();
    }
    let saml = &config.saml;
    let published = &saml.published;
    let ui = &published.ui_info;
    let is_https = |url: &str| url.starts_with("https://");
    let technical = published
        .contacts
        .iter()
        .any(|contact| contact.kind == ContactKind::Technical && !contact.emails.is_empty());
    let table = [
        (!config.base_url.is_https(), "base_url", "SDP-IDP03: requests are taken over TLS", "use https://"),
        (
            saml.entity_id.chars().count() > 256 || !saml.entity_id.contains(':'),
            "saml.entity_id",
            "SDP-G04: an absolute URI of at most 256 characters",
            "choose another before SPs know it",
        ),
        (
            !published.error_url.as_deref().is_some_and(is_https),
            "saml.error_url",
            "SDP-MD12: an https page to which SPs send people",
            "set it",
        ),
        (
            ui.display_names.is_empty(),
            "saml.ui_info.display_name",
            "SDP-MD09: a name for people",
            "set it, in English at least",
        ),
        (
            !ui.logos.iter().any(|logo| is_https(&logo.url)),
            "saml.ui_info.logo",
            "SDP-MD09, SDP-MD10: a picture at an https address",
            "set it",
        ),
        (!technical, "saml.contacts", "SDP-MD11: a technical contact with its e-mail address", "add one"),
        (
            published.scope.is_none(),
            "saml.scope",
            "SDP-IDP14: the scope of subject identifiers",
            "set it to your domain",
        ),
        (
            !saml.enforce_valid_until,
            "saml.enforce_valid_until",
            "SDP-MD03: metadata end with their validUntil",
            "set it to true",
        ),
    ];
    let fault = |key: &str, wanted: &str, remedy: &str| ConfigFault {
        kind: FaultKind::Wrong,
        file: config.file.clone(),
        line: None,
        key: key.to_owned(),
        message: format!("profile saml2int wants this ({wanted})"),
        remedy: remedy.to_owned(),
    };
    let lacks = table.into_iter().filter(|(lacks, ..)| *lacks);
    lacks.map(|(_, key, wanted, remedy)| fault(key, wanted, remedy)).collect()
}
