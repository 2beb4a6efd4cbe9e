//! Two-level status codes (saml-core 3.2.2.2).

use super::uris::{SAMLP, names};
use super::xml::{Element, Writer};

names! { SAMLP:
    STATUS = "Status",
    STATUS_CODE = "StatusCode",
    STATUS_MESSAGE = "StatusMessage",
}

/// What a Response says of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The first level.
    pub code: &'static str,
    /// The second level.
    pub detail: Option<&'static str>,
    /// A sentence for the SP's administrator.
    pub message: Option<String>,
}

/// All went well.
pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// The fault is the requester's.
pub const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
/// The fault is ours.
pub const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
/// The person was not authenticated.
pub const AUTHN_FAILED: &str = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";
/// The NameIDPolicy cannot be met.
pub const INVALID_NAME_ID_POLICY: &str = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy";
/// The RequestedAuthnContext cannot be met.
pub const NO_AUTHN_CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext";
/// IsPassive, and a page would be needed.
pub const NO_PASSIVE: &str = "urn:oasis:names:tc:SAML:2.0:status:NoPassive";
/// The Subject of the request is not the person.
pub const UNKNOWN_PRINCIPAL: &str = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal";
/// The IdP will not answer.
pub const REQUEST_DENIED: &str = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied";

/// What is asked is nothing that the IdP can do.
pub const REQUEST_UNSUPPORTED: &str = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported";
/// Not every session participant is signed out.
pub const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";

/// The status codes of a response, the outer one first.
pub(super) fn codes(response: &Element<'_>) -> Vec<String> {
    let mut codes = Vec::new();
    let mut code = response.first(SAMLP.uri, "Status").and_then(|s| s.first(SAMLP.uri, "StatusCode"));
    while let Some(element) = code {
        codes.extend(element.attribute("Value").map(str::to_owned));
        code = element.first(SAMLP.uri, "StatusCode");
    }
    codes
}

impl Status {
    /// All went well.
    pub fn success() -> Self {
        Self { code: SUCCESS, detail: None, message: None }
    }

    /// The person is signed out here, but not everywhere (saml-core 3.7.3.2).
    pub fn partial_logout() -> Self {
        let message = "the person is signed out here, but not at every service provider of the session";
        Self { code: SUCCESS, detail: Some(PARTIAL_LOGOUT), message: Some(message.to_owned()) }
    }

    /// Two levels and a sentence.
    pub fn failure(code: &'static str, detail: &'static str, message: impl Into<String>) -> Self {
        Self { code, detail: Some(detail), message: Some(message.into()) }
    }
    /// Writes samlp:Status.
    pub(super) fn write(&self, w: &mut Writer) {
        w.start(&STATUS, &mut []);
        w.start(&STATUS_CODE, &mut [("Value", self.code.into())]);
        if let Some(detail) = self.detail {
            w.leaf(&STATUS_CODE, &mut [("Value", detail.into())], "");
        }
        w.end();
        if let Some(message) = &self.message {
            w.leaf(&STATUS_MESSAGE, &mut [], message);
        }
        w.end();
    }
}
