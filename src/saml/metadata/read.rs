//! Reads service providers out of a metadata file: lenient about order and unknown elements, strict about what is used.

use jiff::{SignedDuration, Timestamp};

use super::affiliation::{Affiliation, Described};
use super::error::{MetadataError, MetadataFault};
use super::sp::{
    AssertionConsumerService, AttributeConsumingService, Endpoint, EntityAttribute, KeyDescriptor, Localized,
    Logo, RequestedAttribute, SpMetadata,
};
use super::text;
use crate::saml::encryption::EncryptionMethod;
use crate::saml::uris::{ALG, DS, MD, MDATTR, MDUI, SAML, SAMLP, XML};
use crate::saml::xml::{Element, Limits, parse as parse_xml};

/// An entityID may have so many characters (saml-core 8.3.6).
const LONGEST_ENTITY_ID: usize = 1024;

/// What a file describes: the one of an EntityDescriptor, or those of an EntitiesDescriptor. A file may hold affiliations
/// alone.
pub fn parse(bytes: &[u8]) -> Result<Described, MetadataError> {
    let decoded = text::decode(bytes).ok_or(MetadataError { line: 1, fault: MetadataFault::Encoding })?;
    let root = parse_xml(&decoded, &Limits::METADATA)?;
    let alone = match (root.namespace.as_ref(), root.local) {
        (namespace, "EntityDescriptor") if namespace == MD.uri => true,
        (namespace, "EntitiesDescriptor") if namespace == MD.uri => false,
        _ => return Err(fault(&root, MetadataFault::NotMetadata(root.local.to_owned()))),
    };
    let (mut found, mut affiliations) = (Vec::new(), Vec::new());
    entities(&root, Validity::default(), &mut found, &mut affiliations)?;
    if let (Some(Err(error)), true) = (found.first(), alone) {
        return Err(error.clone());
    }
    let providers: Vec<SpMetadata> = found.into_iter().filter_map(Result::ok).collect();
    if providers.is_empty() && affiliations.is_empty() {
        return Err(fault(&root, MetadataFault::NoServiceProvider("the EntitiesDescriptor".to_owned())));
    }
    Ok(Described { providers, affiliations })
}

/// validUntil and cacheDuration narrow from the outside to the inside.
#[derive(Default, Clone, Copy)]
struct Validity {
    until: Option<Timestamp>,
    cache: Option<SignedDuration>,
}

impl Validity {
    fn narrowed(self, element: &Element<'_>) -> Result<Self, MetadataError> {
        let until = typed(element, "validUntil", "xs:dateTime", text::date_time)?;
        let cache = typed(element, "cacheDuration", "xs:duration", text::duration)?;
        Ok(Self {
            until: self.until.into_iter().chain(until).min(),
            cache: self.cache.into_iter().chain(cache).min(),
        })
    }
}

/// Collects the entities; one that is no service provider of SAML 2.0 is an inner `Err`, which an aggregate skips.
fn entities(
    element: &Element<'_>,
    validity: Validity,
    found: &mut Vec<Result<SpMetadata, MetadataError>>,
    affiliations: &mut Vec<Affiliation>,
) -> Result<(), MetadataError> {
    let validity = validity.narrowed(element)?;
    if element.is(MD.uri, "EntityDescriptor") {
        let descriptor = element.first(MD.uri, "AffiliationDescriptor");
        if let Some(descriptor) = descriptor.filter(|_| element.first(MD.uri, "SPSSODescriptor").is_none()) {
            affiliations.push(affiliation(element, descriptor, validity)?);
            return Ok(());
        }
        found.push(match role(element)? {
            Ok((entity_id, role)) => Ok(service_provider(element, entity_id, role, validity)?),
            Err(other) => Err(fault(element, other)),
        });
        return Ok(());
    }
    element
        .elements()
        .filter(|child| child.is(MD.uri, "EntityDescriptor") || child.is(MD.uri, "EntitiesDescriptor"))
        .try_for_each(|child| entities(child, validity, found, affiliations))
}

/// saml-metadata 2.5; an affiliation stands in the place of roles.
fn affiliation(
    entity: &Element<'_>,
    descriptor: &Element<'_>,
    validity: Validity,
) -> Result<Affiliation, MetadataError> {
    let members: Vec<String> = descriptor.all(MD.uri, "AffiliateMember").filter_map(words).collect();
    if members.is_empty() {
        return Err(fault(descriptor, MetadataFault::NoMember));
    }
    Ok(Affiliation {
        entity_id: entity_id(entity)?,
        line: entity.line,
        valid_until: validity.narrowed(descriptor)?.until,
        members,
    })
}

fn entity_id(entity: &Element<'_>) -> Result<String, MetadataError> {
    let entity_id = optional(entity, "entityID").unwrap_or_default();
    let shaped = !entity_id.chars().any(char::is_control);
    if entity_id.is_empty() || entity_id.chars().count() > LONGEST_ENTITY_ID || !shaped {
        return Err(fault(entity, MetadataFault::EntityId));
    }
    Ok(entity_id)
}

type Role<'e, 'a> = Result<(String, &'e Element<'a>), MetadataFault>;

fn role<'e, 'a>(entity: &'e Element<'a>) -> Result<Role<'e, 'a>, MetadataError> {
    let entity_id = entity_id(entity)?;
    let mut roles = entity.all(MD.uri, "SPSSODescriptor").peekable();
    if roles.peek().is_none() {
        let idp = entity.first(MD.uri, "IDPSSODescriptor").is_some();
        return Ok(Err(if idp {
            MetadataFault::IdentityProvider(entity_id)
        } else {
            MetadataFault::NoServiceProvider(entity_id)
        }));
    }
    let saml2 = roles.find(|role| {
        let protocols = role.attribute("protocolSupportEnumeration");
        protocols.is_none_or(|list| list.split_whitespace().any(|protocol| protocol == SAMLP.uri))
    });
    Ok(match saml2 {
        Some(role) => Ok((entity_id, role)),
        None => Err(MetadataFault::NotSaml2(entity_id)),
    })
}

fn service_provider(
    entity: &Element<'_>,
    entity_id: String,
    role: &Element<'_>,
    validity: Validity,
) -> Result<SpMetadata, MetadataError> {
    let validity = validity.narrowed(role)?;
    let extensions: Vec<&Element<'_>> =
        [role, entity].into_iter().flat_map(|e| e.all(MD.uri, "Extensions")).collect();
    let ui = extensions.iter().find_map(|e| e.first(MDUI.uri, "UIInfo"));
    let acs: Vec<AssertionConsumerService> =
        role.all(MD.uri, "AssertionConsumerService").map(consumer).collect::<Result<_, _>>()?;
    if let Some(index) = twice(acs.iter().filter_map(|acs| acs.index)) {
        let element = "AssertionConsumerService";
        return Err(fault(role, MetadataFault::DuplicateIndex { element, index }));
    }
    let organization = role.first(MD.uri, "Organization").or_else(|| entity.first(MD.uri, "Organization"));
    Ok(SpMetadata {
        entity_id,
        line: entity.line,
        valid_until: validity.until,
        cache_duration: validity.cache,
        authn_requests_signed: typed(role, "AuthnRequestsSigned", "xs:boolean", text::boolean)?
            .unwrap_or(false),
        want_assertions_signed: typed(role, "WantAssertionsSigned", "xs:boolean", text::boolean)?
            .unwrap_or(false),
        keys: role.all(MD.uri, "KeyDescriptor").map(key).collect::<Result<_, _>>()?,
        signing_methods: algorithms(&extensions, "SigningMethod"),
        digest_methods: algorithms(&extensions, "DigestMethod"),
        single_logout: role.all(MD.uri, "SingleLogoutService").map(endpoint).collect::<Result<_, _>>()?,
        name_id_formats: role.all(MD.uri, "NameIDFormat").filter_map(words).collect(),
        acs,
        attribute_consuming: role
            .all(MD.uri, "AttributeConsumingService")
            .map(attribute_consuming)
            .collect::<Result<_, _>>()?,
        display_names: ui.map(|ui| localized(ui, MDUI.uri, "DisplayName")).unwrap_or_default(),
        logos: ui.map(|ui| ui.all(MDUI.uri, "Logo").filter_map(logo).collect()).unwrap_or_default(),
        organization_names: organization.map(organization_names).unwrap_or_default(),
        entity_attributes: extensions
            .iter()
            .flat_map(|e| e.all(MDATTR.uri, "EntityAttributes"))
            .flat_map(|e| e.all(SAML.uri, "Attribute"))
            .filter_map(entity_attribute)
            .collect(),
    })
}

/// Those of the role, else those of the entity (saml-metadata-algsupport 2).
fn algorithms(extensions: &[&Element<'_>], local: &str) -> Vec<String> {
    let named = |e: &&Element<'_>| -> Vec<String> {
        e.all(ALG.uri, local).filter_map(|method| optional(method, "Algorithm")).collect()
    };
    extensions.iter().map(named).find(|list| !list.is_empty()).unwrap_or_default()
}

fn consumer(element: &Element<'_>) -> Result<AssertionConsumerService, MetadataError> {
    Ok(AssertionConsumerService {
        index: index(element)?,
        is_default: typed(element, "isDefault", "xs:boolean", text::boolean)?,
        binding: required(element, "Binding")?,
        location: required(element, "Location")?,
    })
}

fn endpoint(element: &Element<'_>) -> Result<Endpoint, MetadataError> {
    Ok(Endpoint {
        binding: required(element, "Binding")?,
        location: required(element, "Location")?,
        response_location: optional(element, "ResponseLocation").filter(|url| !url.is_empty()),
    })
}

fn key(element: &Element<'_>) -> Result<KeyDescriptor, MetadataError> {
    let (signing, encryption) = match optional(element, "use").as_deref() {
        None | Some("") => (true, true),
        Some("signing") => (true, false),
        Some("encryption") => (false, true),
        Some(other) => return Err(value(element, "use", other, "\"signing\" or \"encryption\"")),
    };
    let certificates = element
        .all(DS.uri, "KeyInfo")
        .flat_map(|info| info.all(DS.uri, "X509Data"))
        .flat_map(|data| data.all(DS.uri, "X509Certificate"))
        .map(|c| text::certificate(&c.text()).ok_or_else(|| fault(c, MetadataFault::Certificate)))
        .collect::<Result<_, _>>()?;
    let encryption_methods =
        element.all(MD.uri, "EncryptionMethod").filter_map(EncryptionMethod::read).collect();
    Ok(KeyDescriptor { signing, encryption, certificates, encryption_methods, line: element.line })
}

fn attribute_consuming(element: &Element<'_>) -> Result<AttributeConsumingService, MetadataError> {
    let requested = element.all(MD.uri, "RequestedAttribute").map(|attribute| {
        Ok::<_, MetadataError>(RequestedAttribute {
            name: required(attribute, "Name")?,
            name_format: optional(attribute, "NameFormat"),
            friendly_name: optional(attribute, "FriendlyName").filter(|name| !name.is_empty()),
            required: typed(attribute, "isRequired", "xs:boolean", text::boolean)?.unwrap_or(false),
            values: attribute.all(SAML.uri, "AttributeValue").filter_map(words).collect(),
        })
    });
    Ok(AttributeConsumingService {
        index: index(element)?,
        is_default: typed(element, "isDefault", "xs:boolean", text::boolean)?,
        service_names: localized(element, MD.uri, "ServiceName"),
        requested: requested.collect::<Result<_, _>>()?,
    })
}

fn organization_names(organization: &Element<'_>) -> Vec<Localized> {
    let displayed = localized(organization, MD.uri, "OrganizationDisplayName");
    if displayed.is_empty() { localized(organization, MD.uri, "OrganizationName") } else { displayed }
}

fn localized(parent: &Element<'_>, namespace: &str, local: &str) -> Vec<Localized> {
    parent.all(namespace, local).filter_map(|e| Some(Localized { lang: lang(e), text: words(e)? })).collect()
}

fn logo(element: &Element<'_>) -> Option<Logo> {
    let pixels = |name| element.attribute(name).and_then(|size| size.trim().parse().ok());
    Some(Logo { lang: lang(element), url: words(element)?, width: pixels("width"), height: pixels("height") })
}

fn entity_attribute(element: &Element<'_>) -> Option<EntityAttribute> {
    let values = element.all(SAML.uri, "AttributeValue").filter_map(words).collect();
    Some(EntityAttribute { name: optional(element, "Name")?, values })
}

fn lang(element: &Element<'_>) -> String {
    element.attribute_in(XML, "lang").unwrap_or_default().trim().to_owned()
}

/// The text with white space collapsed; `None` without any.
fn words(element: &Element<'_>) -> Option<String> {
    let words: Vec<String> = element.text().split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn index(element: &Element<'_>) -> Result<Option<u16>, MetadataError> {
    typed(element, "index", "number from 0 to 65535", |text| text.trim().parse().ok())
}

fn optional(element: &Element<'_>, attribute: &str) -> Option<String> {
    element.attribute(attribute).map(|value| value.trim().to_owned())
}

fn required(element: &Element<'_>, attribute: &'static str) -> Result<String, MetadataError> {
    optional(element, attribute).filter(|value| !value.is_empty()).ok_or_else(|| {
        fault(element, MetadataFault::Missing { element: element.local.to_owned(), attribute })
    })
}

fn typed<T>(
    element: &Element<'_>,
    attribute: &'static str,
    expected: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, MetadataError> {
    element
        .attribute(attribute)
        .map(|text| read(text).ok_or_else(|| value(element, attribute, text, expected)))
        .transpose()
}

fn value(
    element: &Element<'_>,
    attribute: &'static str,
    value: &str,
    expected: &'static str,
) -> MetadataError {
    let value = value.escape_debug().take(80).collect();
    fault(element, MetadataFault::Value { element: element.local.to_owned(), attribute, value, expected })
}

fn fault(element: &Element<'_>, fault: MetadataFault) -> MetadataError {
    MetadataError { line: element.line, fault }
}

fn twice(indexes: impl Iterator<Item = u16>) -> Option<u16> {
    let mut seen = std::collections::BTreeSet::new();
    indexes.into_iter().find(|index| !seen.insert(*index))
}
