//! `[saml]`, the keys about persons: how strongly they were authenticated, and what SPs are told about them.

use toml::de::DeValue;

use super::base_url::BaseUrl;
use super::fault::Complaint;
use super::reader::Section;
use super::secrets::secret_keys;
use super::values::{choice, flag, text};
use crate::identity::AuthnContext;
use crate::registry::EntityRelease;
use crate::saml::subject_id::is_scope;
use crate::secret::Secret;
use crate::sso::{LegacyIds, PersistentIds};

/// The attribute of entities that holds their categories (RFC 8409).
const ENTITY_CATEGORY: &str = "http://macedir.org/entity-category";

/// What `[saml]` says about persons.
#[derive(Debug, Clone)]
pub struct Subject {
    /// `authn_context_order`: authentication context classes from the weakest to the strongest. Default:
    /// [`AuthnContext::ORDER`].
    pub authn_context_order: Vec<String>,
    /// `[[saml.release]]`: release lists of SPs by an attribute of their metadata. Default: none.
    pub release: Vec<EntityRelease>,
    /// `subject_id_attribute`: what subject-id is made of. Default: none, and no subject-id.
    pub subject_id_attribute: Option<String>,
    /// `persistent_id`: how persistent NameIDs are computed, `hmac-sha256` or `legacy-sha1`. Default `hmac-sha256`.
    ///
    /// `legacy_salt`, also as `_file` or `_env`: SimpleSAMLphp's `secretsalt`. `legacy_attribute`: the attribute that it
    /// knew people by (`userid.attribute`, or the option of `saml:PersistentNameID`). `legacy_idp_entity_id`: what it
    /// called itself. Default: the present entityID.
    pub persistent_id: PersistentIds,
}

impl Subject {
    pub(super) fn read(
        section: &Section<'_>,
        base_url: &BaseUrl,
        entity_id: &str,
        scope: Option<&str>,
    ) -> Self {
        Self {
            authn_context_order: authn_context_order(section, base_url),
            release: section.sections("release").iter().map(entity_release).collect(),
            subject_id_attribute: subject_id_attribute(section, scope),
            persistent_id: persistent_id(section, entity_id),
        }
    }
}

fn subject_id_attribute(section: &Section<'_>, scope: Option<&str>) -> Option<String> {
    if let Some(scope) = scope.filter(|scope| !is_scope(scope)) {
        let message = format!("\"{scope}\" is no scope");
        let remedy = "write a domain: letters, digits, '-' and '.', at most 127";
        section.complain("scope", Complaint::wrong(message, remedy));
    }
    let attribute = section.optional("subject_id_attribute", text);
    if attribute.is_some() && scope.is_none() {
        let remedy = "write scope = \"example.co.jp\", the domain that stands behind the @";
        section.complain("subject_id_attribute", Complaint::wrong("needs a scope", remedy));
    }
    attribute
}

fn persistent_id(section: &Section<'_>, entity_id: &str) -> PersistentIds {
    const LEGACY: [&str; 5] =
        ["legacy_salt", "legacy_salt_file", "legacy_salt_env", "legacy_attribute", "legacy_idp_entity_id"];
    let legacy = section.or("persistent_id", false, choice(&[("hmac-sha256", false), ("legacy-sha1", true)]));
    if !legacy {
        section.known(&LEGACY);
        for key in LEGACY.into_iter().filter(|key| section.has(key)) {
            let remedy = "write persistent_id = \"legacy-sha1\", or take the key out";
            section.complain(key, Complaint::wrong("has no effect", remedy));
        }
        return PersistentIds::HmacSha256;
    }
    let salt = section.secret(secret_keys!("legacy_salt"));
    if salt.is_none() && !LEGACY.iter().take(3).any(|key| section.has(key)) {
        section
            .missing("legacy_salt", "write SimpleSAMLphp's secretsalt, best into a file: legacy_salt_file");
    }
    let remedy = "name the attribute that SimpleSAMLphp knew people by";
    PersistentIds::LegacySha1(LegacyIds {
        salt: salt.unwrap_or_else(|| Secret::new(String::new())),
        attribute: section.required("legacy_attribute", remedy, text),
        idp: section.or("legacy_idp_entity_id", entity_id.to_owned(), text),
    })
}

/// Classes that nobody gives here yet may stand in it: an SP may ask for less than them.
fn authn_context_order(section: &Section<'_>, base_url: &BaseUrl) -> Vec<String> {
    const KEY: &str = "authn_context_order";
    let Some(order) = section.list(KEY, class) else {
        return AuthnContext::ORDER.map(str::to_owned).to_vec();
    };
    if let Some((_, twice)) =
        order.iter().enumerate().find(|(at, one)| order.iter().take(*at).any(|o| o == *one))
    {
        section.complain(KEY, Complaint::wrong(format!("\"{twice}\" is in it twice"), "keep one"));
    }
    let form = AuthnContext::of_form(base_url.is_https());
    if !order.iter().any(|class| class == form) {
        let message = format!("\"{form}\" is missing, which is what signing in at the page gives");
        section.complain(KEY, Complaint::wrong(message, "put it at the place of its strength"));
    }
    order
}

fn class(value: &DeValue<'_>) -> Result<String, Complaint> {
    let class = text(value)?;
    if class == AuthnContext::UNSPECIFIED {
        return Err(Complaint::wrong("unspecified has no place in it", "take it out: every class meets it"));
    }
    if !class.contains(':') || class.contains(char::is_whitespace) {
        let example = AuthnContext::PASSWORD_PROTECTED_TRANSPORT;
        let message = format!("\"{class}\" is no URI of a class");
        return Err(Complaint::wrong(message, format!("write it in full, such as \"{example}\"")));
    }
    Ok(class)
}

/// `entity_category`, or any attribute by `entity_attribute` and `value`.
fn entity_release(section: &Section<'_>) -> EntityRelease {
    let category = section.optional("entity_category", text);
    let name = section.optional("entity_attribute", text);
    let value = section.optional("value", text);
    let remedy = "write entity_category, or entity_attribute and value";
    if section.has("entity_category") {
        for key in ["entity_attribute", "value"].into_iter().filter(|key| section.has(key)) {
            section.complain(key, Complaint::wrong("stands beside entity_category", remedy));
        }
    } else {
        for key in ["entity_attribute", "value"].into_iter().filter(|key| !section.has(key)) {
            section.missing(key, remedy);
        }
    }
    let (name, value) = match category {
        Some(category) => (ENTITY_CATEGORY.to_owned(), category),
        None => (name.unwrap_or_default(), value.unwrap_or_default()),
    };
    if !section.has("attributes") {
        section.missing("attributes", "name what these service providers get; [] for nothing");
    }
    EntityRelease {
        name,
        value,
        attributes: section.list("attributes", text).unwrap_or_default(),
        only_requested: section.or("only_requested", false, flag),
    }
}
