//! How messages travel: [`redirect`], [`post`], [`soap`] and [`paos`]; what they share is here.
//!
//! Each reads the raw octets of a request itself: a framework's decoded copy is not what was signed.

mod deflate;
pub mod paos;
pub mod post;
pub mod redirect;
pub mod soap;

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

use super::xml::{Limits, XmlError};

/// Why the parameters of a request were refused before any XML was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// Neither SAMLRequest nor SAMLResponse.
    #[error("there is no SAMLRequest")]
    NoMessage,
    /// A parameter of the binding occurs twice.
    #[error("the parameter {0} occurs twice")]
    Duplicate(&'static str),
    /// A request and a response at once.
    #[error("SAMLRequest and SAMLResponse in one request")]
    RequestAndResponse,
    /// A response where a request is expected.
    #[error("a SAMLResponse where a SAMLRequest is expected")]
    NotARequest,
    /// The value is no base64.
    #[error("{0} is not base64")]
    Base64(&'static str),
    /// The value does not inflate.
    #[error("the message is not DEFLATE-compressed (RFC 1951)")]
    Deflate,
    /// More octets than a message may have.
    #[error("the message has more than {0} bytes")]
    TooLarge(usize),
    /// An encoding other than DEFLATE (saml-bindings 3.4.4).
    #[error("SAMLEncoding \"{0}\" is not DEFLATE")]
    Encoding(String),
    /// RelayState over 8 KB, not UTF-8, or with control characters.
    #[error("RelayState {0}")]
    RelayState(&'static str),
    /// What came by SOAP is no XML that SAML allows.
    #[error("the SOAP envelope: {0}")]
    Envelope(XmlError),
    /// What came by SOAP is no envelope with one message.
    #[error("SOAP: {0}")]
    Soap(&'static str),
    /// A SOAP header block that must be understood.
    #[error("SOAP: the header block \"{0}\" must be understood, and is not")]
    MustUnderstand(String),
    /// SigAlg without Signature or the other way round.
    #[error("SigAlg and Signature must come together")]
    HalfSigned,
}

/// Which way a message goes: it decides on the name of its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It asks.
    Request,
    /// It answers.
    Response,
}

impl Kind {
    /// The name of the parameter (saml-bindings 3.4.4.1, 3.5.4).
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// Which way the message of a query or form goes, whether or not it can be read.
pub fn kind(raw: &[u8]) -> Option<Kind> {
    let parameters = Parameters::split(std::str::from_utf8(raw).ok()?).ok()?;
    parameters.sole_message().ok().map(|(kind, _)| kind)
}

/// The longest RelayState that is kept, in octets.
pub const RELAY_STATE_LIMIT: usize = 8 * 1024;

/// Judges a RelayState that is to come back to the octet.
pub fn relay_state(text: &str) -> Result<(), BindingError> {
    if text.len() > RELAY_STATE_LIMIT {
        return Err(BindingError::RelayState("is longer than 8 KB"));
    }
    // Browsers rewrite lone CR and LF in hidden fields; other control characters have no business there.
    if text.chars().any(char::is_control) {
        return Err(BindingError::RelayState("holds control characters"));
    }
    Ok(())
}

/// The parameters of a query or form that SAML knows, raw, each at most once.
#[derive(Debug, Default)]
pub(crate) struct Parameters<'a> {
    pub(crate) request: Option<&'a str>,
    pub(crate) response: Option<&'a str>,
    pub(crate) relay_state: Option<&'a str>,
    pub(crate) algorithm: Option<&'a str>,
    pub(crate) signature: Option<&'a str>,
    pub(crate) encoding: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    pub(crate) fn split(raw: &'a str) -> Result<Self, BindingError> {
        let mut found = Self::default();
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode_str(name).decode_utf8_lossy();
            let (slot, name) = match name.as_ref() {
                "SAMLRequest" => (&mut found.request, "SAMLRequest"),
                "SAMLResponse" => (&mut found.response, "SAMLResponse"),
                "RelayState" => (&mut found.relay_state, "RelayState"),
                "SigAlg" => (&mut found.algorithm, "SigAlg"),
                "Signature" => (&mut found.signature, "Signature"),
                "SAMLEncoding" => (&mut found.encoding, "SAMLEncoding"),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(BindingError::Duplicate(name));
            }
        }
        Ok(found)
    }

    /// The one message in it.
    pub(crate) fn sole_message(&self) -> Result<(Kind, &'a str), BindingError> {
        match (self.request, self.response) {
            (Some(_), Some(_)) => Err(BindingError::RequestAndResponse),
            (Some(request), None) => Ok((Kind::Request, request)),
            (None, Some(response)) => Ok((Kind::Response, response)),
            (None, None) => Err(BindingError::NoMessage),
        }
    }

    /// The one request in it.
    pub(crate) fn sole_request(&self) -> Result<&'a str, BindingError> {
        match self.sole_message()? {
            (Kind::Request, request) => Ok(request),
            (Kind::Response, _) => Err(BindingError::NotARequest),
        }
    }

    pub(crate) fn decoded_relay_state(&self) -> Result<Option<String>, BindingError> {
        let Some(raw) = self.relay_state else { return Ok(None) };
        let spaced = if raw.contains('+') { Cow::Owned(raw.replace('+', " ")) } else { Cow::Borrowed(raw) };
        let text = percent_decode_str(&spaced).decode_utf8();
        let text = text.map_err(|_| BindingError::RelayState("is not UTF-8"))?.into_owned();
        relay_state(&text)?;
        Ok(Some(text))
    }
}

/// Base64 from a query or form. A plus sign that the sender forgot to encode stays a plus sign; white space is passed
/// over; padding may be missing.
pub(crate) fn base64(raw: &str, name: &'static str) -> Result<Vec<u8>, BindingError> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let mut text: Vec<u8> = percent_decode_str(raw).collect();
    text.retain(|byte| !byte.is_ascii_whitespace());
    if text.len() > Limits::MESSAGE.bytes * 2 {
        return Err(BindingError::TooLarge(Limits::MESSAGE.bytes));
    }
    LENIENT.decode(text).map_err(|_| BindingError::Base64(name))
}
