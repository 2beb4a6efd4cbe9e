//! [`SpMetadata`]: what a service provider publishes about itself, as far as an identity provider needs it.
//!
//! [`parse`] reads a file. Dates in it are data here: who enforces them has a clock.

use jiff::{SignedDuration, Timestamp};

pub use super::read::parse;
use crate::saml::encryption::EncryptionMethod;

/// A service provider of SAML 2.0 as its metadata describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpMetadata {
    /// Its name in SAML.
    pub entity_id: String,
    /// Line of the EntityDescriptor, from 1; 0 when it did not come from XML.
    pub line: usize,
    /// The earliest validUntil of the role, the entity and the groups around it.
    pub valid_until: Option<Timestamp>,
    /// The shortest cacheDuration of the same.
    pub cache_duration: Option<SignedDuration>,
    /// It promises to sign its requests.
    pub authn_requests_signed: bool,
    /// It wants signed assertions.
    pub want_assertions_signed: bool,
    /// Its keys in document order.
    pub keys: Vec<KeyDescriptor>,
    /// Identifiers of the signature algorithms that it takes (alg:SigningMethod), best first.
    pub signing_methods: Vec<String>,
    /// Identifiers of the digests that it takes (alg:DigestMethod).
    pub digest_methods: Vec<String>,
    /// Where it takes logout messages.
    pub single_logout: Vec<Endpoint>,
    /// NameIDFormats that it takes, best first.
    pub name_id_formats: Vec<String>,
    /// Where it takes assertions, in document order.
    pub acs: Vec<AssertionConsumerService>,
    /// Which attributes it asks for.
    pub attribute_consuming: Vec<AttributeConsumingService>,
    /// mdui:DisplayName.
    pub display_names: Vec<Localized>,
    /// mdui:Logo.
    pub logos: Vec<Logo>,
    /// OrganizationDisplayName, or OrganizationName where there is none.
    pub organization_names: Vec<Localized>,
    /// mdattr:EntityAttributes.
    pub entity_attributes: Vec<EntityAttribute>,
}

/// A key and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescriptor {
    /// It verifies signatures of the service provider.
    pub signing: bool,
    /// It encrypts for the service provider.
    pub encryption: bool,
    /// DER of each certificate.
    pub certificates: Vec<Vec<u8>>,
    /// md:EncryptionMethod, best first.
    pub encryption_methods: Vec<EncryptionMethod>,
    /// Line of the element, from 1; 0 when it did not come from XML.
    pub line: usize,
}

/// An endpoint without an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// URI of the binding.
    pub binding: String,
    /// Where requests go.
    pub location: String,
    /// Where responses go, if elsewhere.
    pub response_location: Option<String>,
}

/// Where assertions are taken (saml-metadata 2.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionConsumerService {
    /// Its index.
    pub index: Option<u16>,
    /// What it says about being the default.
    pub is_default: Option<bool>,
    /// URI of the binding.
    pub binding: String,
    /// Its URL.
    pub location: String,
}

/// A service of a service provider and the attributes that it needs (saml-metadata 2.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeConsumingService {
    /// Its index.
    pub index: Option<u16>,
    /// What it says about being the default.
    pub is_default: Option<bool>,
    /// Its names.
    pub service_names: Vec<Localized>,
    /// The attributes.
    pub requested: Vec<RequestedAttribute>,
}

/// An attribute that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedAttribute {
    /// Name, often an OID URI.
    pub name: String,
    /// URI of the name's format.
    pub name_format: Option<String>,
    /// The name that people use.
    pub friendly_name: Option<String>,
    /// The service does not work without it.
    pub required: bool,
    /// The only values that it wants; none means all.
    pub values: Vec<String>,
}

/// A text in a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localized {
    /// `xml:lang`; empty when absent.
    pub lang: String,
    /// The text.
    pub text: String,
}

/// A picture of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// `xml:lang`; empty when absent.
    pub lang: String,
    /// Where it is.
    pub url: String,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

/// An attribute about the entity: its category and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityAttribute {
    /// Name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

impl SpMetadata {
    /// What people call this service, in `lang` (`ja`, `en` ...) if it says so, else in English, else at all.
    pub fn display_name(&self, lang: &str) -> &str {
        let services = self.attribute_consuming.iter().flat_map(|service| &service.service_names);
        let services: Vec<&Localized> = services.collect();
        let candidates =
            [self.display_names.iter().collect(), self.organization_names.iter().collect(), services];
        candidates.iter().find_map(|texts| best(texts, lang)).unwrap_or_else(|| host(&self.entity_id))
    }

    /// The AttributeConsumingService in force when the request names none: the default, else the first.
    pub fn default_attribute_consuming(&self) -> Option<&AttributeConsumingService> {
        let services = &self.attribute_consuming;
        services.iter().find(|service| service.is_default == Some(true)).or_else(|| services.first())
    }
}

fn best<'a>(texts: &[&'a Localized], lang: &str) -> Option<&'a str> {
    let language = |wanted: &str| {
        texts.iter().find(|text| {
            let primary = text.lang.split(['-', '_']).next().unwrap_or_default();
            !wanted.is_empty() && primary.eq_ignore_ascii_case(wanted)
        })
    };
    let primary = lang.split(['-', '_']).next().unwrap_or_default();
    let exact = texts.iter().find(|text| text.lang.eq_ignore_ascii_case(lang));
    let found = exact.or_else(|| language(primary)).or_else(|| language("en")).or_else(|| texts.first());
    found.map(|text| text.text.as_str())
}

/// The host of a URL; of another name, what stands before its first slash.
fn host(entity_id: &str) -> &str {
    let rest = entity_id.split_once("://").map_or(entity_id, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if host.is_empty() { entity_id } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn localized(lang: &str, text: &str) -> Localized {
        Localized { lang: lang.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn the_name_falls_back_step_by_step() {
        let mut sp = SpMetadata {
            entity_id: "https://sp.example.org:8443/shibboleth".to_owned(),
            ..SpMetadata::default()
        };
        assert_eq!(sp.display_name("ja"), "sp.example.org:8443");
        sp.attribute_consuming.push(AttributeConsumingService {
            index: Some(1),
            is_default: None,
            service_names: vec![localized("en", "Portal service")],
            requested: Vec::new(),
        });
        assert_eq!(sp.display_name("ja"), "Portal service");
        sp.organization_names = vec![localized("en", "Example Inc."), localized("ja-JP", "例社")];
        assert_eq!(sp.display_name("ja"), "例社");
        sp.display_names = vec![localized("de", "Portal"), localized("en", "The portal")];
        assert_eq!(sp.display_name("ja"), "The portal");
        assert_eq!(sp.display_name("de-AT"), "Portal");
        sp.display_names = vec![localized("fr", "Le portail")];
        assert_eq!(sp.display_name("ja"), "Le portail");
    }

    #[test]
    fn names_that_are_no_urls() {
        let named = |id: &str| SpMetadata { entity_id: id.to_owned(), ..SpMetadata::default() };
        assert_eq!(named("google.com/a/example.co.jp").display_name("en"), "google.com");
        assert_eq!(
            named("urn:federation:MicrosoftOnline").display_name("en"),
            "urn:federation:MicrosoftOnline"
        );
    }
}
