//! [`Acs`]: the place to answer to, which only an SP's metadata can name (saml-core 3.4.1, saml-metadata 2.2.3).

use serde::{Deserialize, Serialize};

use super::authn_request::AuthnRequest;
use super::metadata::sp::AssertionConsumerService;
use super::uris::{BINDING_ARTIFACT, BINDING_PAOS, BINDING_POST};

/// Proof that a location is registered; nothing is sent anywhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acs {
    location: String,
    binding: AcsBinding,
    lint: Option<Lint>,
}

/// How a Response reaches the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AcsBinding {
    /// A form in the browser.
    #[default]
    Post,
    /// A reference in the browser; the SP fetches the Response.
    Artifact,
    /// An enhanced client takes it there.
    Paos,
}

impl AcsBinding {
    fn of(uri: &str) -> Option<Self> {
        match uri {
            BINDING_POST => Some(Self::Post),
            BINDING_ARTIFACT => Some(Self::Artifact),
            BINDING_PAOS => Some(Self::Paos),
            _ => None,
        }
    }
}

/// Who will take the Response there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A browser.
    Browser,
    /// An enhanced client (saml-profiles 4.2).
    Client,
}

impl Carrier {
    /// The bindings that it can use, the usual one first.
    fn bindings(self) -> &'static [AcsBinding] {
        match self {
            Self::Browser => &[AcsBinding::Post, AcsBinding::Artifact],
            Self::Client => &[AcsBinding::Paos],
        }
    }
}

/// Something that an SP does wrong and that harms nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lint {
    /// ProtocolBinding names a binding that the ACS does not have; the ACS's own was taken.
    UnregisteredBinding,
}

/// Why there is no place to answer to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcsError {
    /// The URL is not in the metadata, to the letter.
    #[error("AssertionConsumerServiceURL \"{0}\" is not in the SP's metadata")]
    UnknownUrl(String),
    /// The index is not in the metadata.
    #[error("AssertionConsumerServiceIndex {0} is not in the SP's metadata")]
    UnknownIndex(u16),
    /// URL and index name different places.
    #[error("AssertionConsumerServiceURL and AssertionConsumerServiceIndex disagree")]
    Disagree,
    /// The SP has no ACS for a binding that fits.
    #[error("the SP's metadata has no AssertionConsumerService with the {0} binding")]
    None(&'static str),
    /// The ACS that was asked for is of another binding.
    #[error("the AssertionConsumerService that was asked for takes \"{0}\", which does not fit this request")]
    Binding(String),
}

impl Acs {
    /// The URL.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// How it is reached.
    pub fn binding(&self) -> AcsBinding {
        self.binding
    }

    /// What was odd about the request.
    pub fn lint(&self) -> Option<Lint> {
        self.lint
    }

    /// The place that `request` asks for.
    pub fn choose(
        services: &[AssertionConsumerService],
        request: &AuthnRequest,
        carrier: Carrier,
    ) -> Result<Self, AcsError> {
        let by_index = match request.acs_index {
            Some(index) => {
                Some(services.iter().find(|s| s.index == Some(index)).ok_or(AcsError::UnknownIndex(index))?)
            }
            None => None,
        };
        let wanted = request.protocol_binding.as_deref();
        let chosen = match (&request.acs_url, by_index) {
            (Some(url), indexed) => {
                if indexed.is_some_and(|s| s.location != *url) {
                    return Err(AcsError::Disagree);
                }
                indexed.map_or_else(|| by_url(services, url, wanted, carrier), Ok)?
            }
            (None, Some(indexed)) => indexed,
            (None, None) => default_for(services, wanted, carrier)?,
        };
        Self::of(chosen, wanted, carrier)
    }

    /// The place for a sign-on that no request asked for.
    pub fn default(services: &[AssertionConsumerService]) -> Result<Self, AcsError> {
        Self::of(default_for(services, None, Carrier::Browser)?, None, Carrier::Browser)
    }

    /// A place that was chosen earlier and must still be registered.
    pub fn registered(
        services: &[AssertionConsumerService],
        location: &str,
        binding: AcsBinding,
    ) -> Result<Self, AcsError> {
        let mut at = services.iter().filter(|s| s.location == location);
        let found = at.find(|s| AcsBinding::of(&s.binding) == Some(binding));
        let found = found.ok_or_else(|| unknown(location))?;
        Ok(Self { location: found.location.clone(), binding, lint: None })
    }

    fn of(
        service: &AssertionConsumerService,
        wanted: Option<&str>,
        carrier: Carrier,
    ) -> Result<Self, AcsError> {
        let binding = AcsBinding::of(&service.binding).filter(|known| carrier.bindings().contains(known));
        let binding = binding.ok_or_else(|| AcsError::Binding(service.binding.clone()))?;
        let odd = wanted.is_some_and(|binding| binding != service.binding);
        let lint = odd.then_some(Lint::UnregisteredBinding);
        Ok(Self { location: service.location.clone(), binding, lint })
    }
}

fn unknown(url: &str) -> AcsError {
    AcsError::UnknownUrl(url.chars().take(512).collect())
}

fn fits(service: &AssertionConsumerService, binding: AcsBinding) -> bool {
    AcsBinding::of(&service.binding) == Some(binding)
}

fn by_url<'s>(
    services: &'s [AssertionConsumerService],
    url: &str,
    wanted: Option<&str>,
    carrier: Carrier,
) -> Result<&'s AssertionConsumerService, AcsError> {
    let at = || services.iter().filter(|s| s.location == url);
    at().find(|s| wanted.is_some_and(|binding| s.binding == binding))
        .or_else(|| carrier.bindings().iter().find_map(|usable| at().find(|s| fits(s, *usable))))
        .or_else(|| at().next())
        .ok_or_else(|| unknown(url))
}

/// saml-metadata 2.2.3: the one that says so, else the first that does not say no, else the first.
fn default_for<'s>(
    services: &'s [AssertionConsumerService],
    wanted: Option<&str>,
    carrier: Carrier,
) -> Result<&'s AssertionConsumerService, AcsError> {
    let of = |binding: AcsBinding| -> Option<&'s AssertionConsumerService> {
        let of: Vec<_> = services.iter().filter(|s| fits(s, binding)).collect();
        let marked = of.iter().find(|s| s.is_default == Some(true));
        marked.or_else(|| of.iter().find(|s| s.is_default.is_none())).or_else(|| of.first()).copied()
    };
    let usable = carrier.bindings();
    let wanted = wanted.and_then(AcsBinding::of).filter(|wanted| usable.contains(wanted));
    let missing = match carrier {
        Carrier::Browser => "HTTP-POST or HTTP-Artifact",
        Carrier::Client => "PAOS",
    };
    wanted
        .and_then(of)
        .or_else(|| usable.iter().find_map(|binding| of(*binding)))
        .ok_or(AcsError::None(missing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::saml::name_id::NameIdPolicy;

    fn service(
        index: u16,
        is_default: Option<bool>,
        binding: &str,
        location: &str,
    ) -> AssertionConsumerService {
        let (binding, location) = (binding.to_owned(), location.to_owned());
        AssertionConsumerService { index: Some(index), is_default, binding, location }
    }

    fn chosen(url: Option<&str>, index: Option<u16>, binding: Option<&str>) -> Result<Acs, AcsError> {
        let services = vec![
            service(0, Some(false), BINDING_POST, "https://sp/0"),
            service(1, None, BINDING_POST, "https://sp/1"),
            service(2, None, BINDING_ARTIFACT, "https://sp/1"),
            service(3, None, BINDING_ARTIFACT, "https://sp/3"),
            service(4, None, BINDING_PAOS, "https://sp/4"),
        ];
        let request = AuthnRequest {
            id: "_1".into(),
            issue_instant: Timestamp::UNIX_EPOCH,
            destination: None,
            issuer: "sp".into(),
            acs_url: url.map(Into::into),
            acs_index: index,
            protocol_binding: binding.map(Into::into),
            force_authn: false,
            is_passive: false,
            name_id_policy: NameIdPolicy::default(),
            requested_authn_context: None,
            subject: None,
            subject_encrypted: false,
            attribute_consuming_service_index: None,
        };
        Acs::choose(&services, &request, Carrier::Browser)
    }

    #[test]
    fn only_what_is_registered_is_chosen() {
        let location = |acs: Result<Acs, AcsError>| acs.map(|a| a.location);
        assert_eq!(location(chosen(None, None, None)), Ok("https://sp/1".into()));
        assert_eq!(location(chosen(Some("https://sp/0"), None, None)), Ok("https://sp/0".into()));
        assert_eq!(location(chosen(None, Some(0), None)), Ok("https://sp/0".into()));
        assert_eq!(location(chosen(Some("https://sp/0"), Some(0), None)), Ok("https://sp/0".into()));
        assert_eq!(chosen(Some("https://sp/0"), Some(1), None), Err(AcsError::Disagree));
        assert_eq!(chosen(None, Some(9), None), Err(AcsError::UnknownIndex(9)));
        for url in ["https://sp/0/", "https://sp/0?x", "https://SP/0", "https://evil/"] {
            assert_eq!(chosen(Some(url), None, None), Err(AcsError::UnknownUrl(url.into())));
        }
        let by = |url: Option<&str>, index, binding| chosen(url, index, binding).map(|acs| acs.binding);
        assert_eq!(by(Some("https://sp/3"), None, None), Ok(AcsBinding::Artifact));
        assert_eq!(by(Some("https://sp/1"), None, None), Ok(AcsBinding::Post));
        assert_eq!(by(Some("https://sp/1"), None, Some(BINDING_ARTIFACT)), Ok(AcsBinding::Artifact));
        assert_eq!(by(None, Some(2), None), Ok(AcsBinding::Artifact));
        assert_eq!(by(None, None, Some(BINDING_ARTIFACT)), Ok(AcsBinding::Artifact));
        assert_eq!(by(None, Some(4), None), Err(AcsError::Binding(BINDING_PAOS.into())));
        assert_eq!(by(None, None, Some(BINDING_PAOS)), Ok(AcsBinding::Post));
        let odd = chosen(Some("https://sp/0"), None, Some("urn:x")).unwrap();
        assert_eq!(odd.lint(), Some(Lint::UnregisteredBinding));
    }
}
