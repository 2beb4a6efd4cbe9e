//! Two-level status codes (saml-core 3.2.2.2).

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

impl Status {
    /// All went well.
    pub fn success() -> Self {
        Self { code: SUCCESS, detail: None, message: None }
    }

    /// Two levels and a sentence.
    pub fn failure(code: &'static str, detail: &'static str, message: impl Into<String>) -> Self {
        Self { code, detail: Some(detail), message: Some(message.into()) }
    }
}
