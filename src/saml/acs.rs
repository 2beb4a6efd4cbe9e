//! [`Acs`]: the place to answer to, which only an SP's metadata can name (saml-core 3.4.1, saml-metadata 2.2.3).

use super::authn_request::AuthnRequest;
use super::metadata::sp::AssertionConsumerService;
use super::uris::BINDING_POST;

/// Proof that a location is registered; nothing is sent anywhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acs {
    location: String,
    lint: Option<Lint>,
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
    /// The SP has no ACS for a binding that the IdP speaks.
    #[error("the SP's metadata has no AssertionConsumerService with the HTTP-POST binding")]
    NoPost,
    /// The ACS that was asked for is of another binding.
    #[error("the AssertionConsumerService that was asked for takes \"{0}\", not HTTP-POST")]
    Binding(String),
}

impl Acs {
    /// The URL.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// What was odd about the request.
    pub fn lint(&self) -> Option<Lint> {
        self.lint
    }

    /// The place that `request` asks for.
    pub fn choose(services: &[AssertionConsumerService], request: &AuthnRequest) -> Result<Self, AcsError> {
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
                indexed.map_or_else(|| by_url(services, url, wanted), Ok)?
            }
            (None, Some(indexed)) => indexed,
            (None, None) => default_for(services, wanted)?,
        };
        Self::of(chosen, wanted)
    }

    /// The place for a sign-on that no request asked for.
    pub fn default(services: &[AssertionConsumerService]) -> Result<Self, AcsError> {
        Self::of(default_for(services, None)?, None)
    }

    /// A place that was chosen earlier and must still be registered.
    pub fn registered(services: &[AssertionConsumerService], location: &str) -> Result<Self, AcsError> {
        Self::of(by_url(services, location, Some(BINDING_POST))?, None)
    }

    fn of(service: &AssertionConsumerService, wanted: Option<&str>) -> Result<Self, AcsError> {
        if service.binding != BINDING_POST {
            return Err(AcsError::Binding(service.binding.clone()));
        }
        let odd = wanted.is_some_and(|binding| binding != service.binding);
        Ok(Self { location: service.location.clone(), lint: odd.then_some(Lint::UnregisteredBinding) })
    }
}

fn by_url<'s>(
    services: &'s [AssertionConsumerService],
    url: &str,
    wanted: Option<&str>,
) -> Result<&'s AssertionConsumerService, AcsError> {
    let at = || services.iter().filter(|s| s.location == url);
    at().find(|s| wanted.is_some_and(|binding| s.binding == binding))
        .or_else(|| at().find(|s| s.binding == BINDING_POST))
        .or_else(|| at().next())
        .ok_or_else(|| AcsError::UnknownUrl(url.chars().take(512).collect()))
}

/// saml-metadata 2.2.3: the one that says so, else the first that does not say no, else the first.
fn default_for<'s>(
    services: &'s [AssertionConsumerService],
    wanted: Option<&str>,
) -> Result<&'s AssertionConsumerService, AcsError> {
    let of = |binding: &str| -> Option<&'s AssertionConsumerService> {
        let of: Vec<_> = services.iter().filter(|s| s.binding == binding).collect();
        let marked = of.iter().find(|s| s.is_default == Some(true));
        marked.or_else(|| of.iter().find(|s| s.is_default.is_none())).or_else(|| of.first()).copied()
    };
    wanted.and_then(of).or_else(|| of(BINDING_POST)).ok_or(AcsError::NoPost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::saml::name_id::NameIdPolicy;
    use crate::saml::uris::BINDING_ARTIFACT;

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
        let services = [
            service(0, Some(false), BINDING_POST, "https://sp/0"),
            service(1, None, BINDING_POST, "https://sp/1"),
            service(2, None, BINDING_ARTIFACT, "https://sp/1"),
            service(3, None, BINDING_ARTIFACT, "https://sp/3"),
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
            attribute_service: None,
        };
        Acs::choose(&services, &request)
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
        assert_eq!(chosen(Some("https://sp/3"), None, None), Err(AcsError::Binding(BINDING_ARTIFACT.into())));
        let odd = chosen(Some("https://sp/0"), None, Some("urn:x")).unwrap();
        assert_eq!(odd.lint(), Some(Lint::UnregisteredBinding));
    }
}
