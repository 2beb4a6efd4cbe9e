//! `[saml]`, the keys about persons: how strongly they were authenticated, and what SPs are told about them.

use toml::de::DeValue;

use super::base_url::BaseUrl;
use super::fault::Complaint;
use super::reader::Section;
use super::values::{flag, text};
use crate::identity::AuthnContext;
use crate::registry::EntityRelease;

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
}

impl Subject {
    pub(super) fn read(section: &Section<'_>, base_url: &BaseUrl) -> Self {
        Self {
            authn_context_order: authn_context_order(section, base_url),
            release: section.sections("release").iter().map(entity_release).collect(),
        }
    }
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
