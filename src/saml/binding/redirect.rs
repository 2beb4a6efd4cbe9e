//! The HTTP Redirect binding, DEFLATE encoding (saml-bindings 3.4.4): reads a query string, and writes one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::deflate::{deflate, inflate};
use super::{BindingError, Kind, Parameters, base64};
use crate::saml::signature::key::sha256_hex;
use crate::saml::signature::verify::{allowed_algorithm, detached};
use crate::saml::signature::{
    AlgorithmSet, SignError, SignatureError, SignatureValid, Signer, VerificationKey,
};

/// A message that came in a query string.
#[derive(Debug)]
pub struct Received {
    /// The inflated message.
    pub xml: Vec<u8>,
    /// RelayState, decoded.
    pub relay_state: Option<String>,
    signature: Option<Detached>,
}

#[derive(Debug)]
struct Detached {
    octets: String,
    algorithm: String,
    value: Vec<u8>,
}

impl Received {
    /// Reads a SAMLRequest from the raw query.
    pub fn request(raw_query: &str) -> Result<Self, BindingError> {
        let parameters = Parameters::split(raw_query)?;
        Self::of(&parameters, Kind::Request, parameters.sole_request()?)
    }

    /// Reads a SAMLRequest or a SAMLResponse from the raw query.
    pub fn message(raw_query: &str) -> Result<(Kind, Self), BindingError> {
        let parameters = Parameters::split(raw_query)?;
        let (kind, message) = parameters.sole_message()?;
        Ok((kind, Self::of(&parameters, kind, message)?))
    }

    fn of(parameters: &Parameters<'_>, kind: Kind, message: &str) -> Result<Self, BindingError> {
        if let Some(encoding) = parameters.encoding {
            let encoding = percent_decode_str(encoding).decode_utf8_lossy();
            if encoding != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
                return Err(BindingError::Encoding(encoding.chars().take(128).collect()));
            }
        }
        let xml = inflate(&base64(message, kind.parameter())?)?;
        let relay_state = parameters.decoded_relay_state()?;
        let signature = match (parameters.algorithm, parameters.signature) {
            (Some(algorithm), Some(value)) => {
                Some(Detached::of((kind, message), parameters.relay_state, algorithm, value)?)
            }
            (None, None) => None,
            _ => return Err(BindingError::HalfSigned),
        };
        Ok(Self { xml, relay_state, signature })
    }

    /// SHA-256, in hexadecimal, of the octets that were signed, if there is a signature.
    pub fn signed_digest(&self) -> Option<String> {
        self.signature.as_ref().map(|signature| sha256_hex(signature.octets.as_bytes()))
    }

    /// Judges the signature over the query as it came.
    pub fn verify(
        &self,
        keys: &[VerificationKey],
        allowed: AlgorithmSet,
    ) -> Result<SignatureValid, SignatureError> {
        let signature = self.signature.as_ref().ok_or(SignatureError::Missing)?;
        let algorithm = allowed_algorithm(&signature.algorithm, allowed)?;
        detached(signature.octets.as_bytes(), algorithm, &signature.value, keys)
    }
}

impl Detached {
    /// The octets that were signed: raw values, in the order of the specification and not of the query.
    fn of(
        (kind, message): (Kind, &str),
        relay: Option<&str>,
        algorithm: &str,
        value: &str,
    ) -> Result<Self, BindingError> {
        let mut octets = format!("{}={message}", kind.parameter());
        if let Some(relay) = relay {
            octets.push_str("&RelayState=");
            octets.push_str(relay);
        }
        octets.push_str("&SigAlg=");
        octets.push_str(algorithm);
        let algorithm = percent_decode_str(algorithm).decode_utf8_lossy().into_owned();
        Ok(Self { octets, algorithm, value: base64(value, "Signature")? })
    }
}

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The unsigned query that carries a message: `SAMLRequest=...[&RelayState=...]`.
pub fn query(kind: Kind, xml: &[u8], relay_state: Option<&str>) -> Result<String, SignError> {
    let deflated = deflate(xml).ok_or_else(|| SignError("the message cannot be deflated".to_owned()))?;
    let message = STANDARD.encode(deflated);
    let mut query = format!("{}={}", kind.parameter(), utf8_percent_encode(&message, KEPT));
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        query.extend(utf8_percent_encode(relay_state, KEPT));
    }
    Ok(query)
}

/// The same with SigAlg and a Signature over the octets as they are sent (saml-bindings 3.4.4.1).
pub fn signed_query(
    kind: Kind,
    xml: &[u8],
    relay_state: Option<&str>,
    signer: &dyn Signer,
) -> Result<String, SignError> {
    let mut query = query(kind, xml, relay_state)?;
    query.push_str("&SigAlg=");
    query.extend(utf8_percent_encode(signer.algorithm().uri(), KEPT));
    let signature = STANDARD.encode(signer.sign(query.as_bytes())?);
    query.push_str("&Signature=");
    query.extend(utf8_percent_encode(&signature, KEPT));
    Ok(query)
}

/// The query that carries an artifact (saml-bindings 3.6.3.1).
pub fn artifact_query(artifact: &str, relay_state: Option<&str>) -> String {
    let mut query = format!("SAMLart={}", utf8_percent_encode(artifact, KEPT));
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        query.extend(utf8_percent_encode(relay_state, KEPT));
    }
    query
}

/// The address `location` with `query` behind it: behind `?`, or `&` where the location has a query of its own.
pub fn address(location: &str, query: &str) -> String {
    let location = location.split('#').next().unwrap_or(location);
    let joint = match location.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, held)) if held.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{location}{joint}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_comes_back_to_the_octet() {
        let query = query(Kind::Request, b"<a/>", Some("ss:mem:1/2?x=y&z=+ \u{7530}")).unwrap();
        let received = Received::request(&query).unwrap();
        assert_eq!(received.xml, b"<a/>");
        assert_eq!(received.relay_state.as_deref(), Some("ss:mem:1/2?x=y&z=+ \u{7530}"));
        assert!(received.signature.is_none());
    }

    #[test]
    fn a_location_with_a_query_keeps_it() {
        for (location, whole) in [
            ("https://sp/slo", "https://sp/slo?q=1"),
            ("https://sp/slo?", "https://sp/slo?q=1"),
            ("https://sp/slo?a=b", "https://sp/slo?a=b&q=1"),
            ("https://sp/slo?a=b&", "https://sp/slo?a=b&q=1"),
            ("https://sp/slo?a#part", "https://sp/slo?a&q=1"),
        ] {
            assert_eq!(address(location, "q=1"), whole);
        }
    }

    #[test]
    fn an_unencoded_plus_and_line_breaks_in_base64_are_forgiven() {
        let message = b"<a b='1'>some text that compresses to a plus sign: ~~~>>>???</a>";
        let deflated = STANDARD.encode(deflate(message).unwrap());
        let (head, tail) = deflated.split_at(8);
        assert!(Received::request(&format!("SAMLRequest={head}%0A{tail}")).is_ok());
    }

    #[test]
    fn hostile_queries_are_refused() {
        let refusal = |query: &str| Received::request(query).unwrap_err();
        assert_eq!(refusal(""), BindingError::NoMessage);
        assert_eq!(refusal("SAMLResponse=x"), BindingError::NotARequest);
        assert_eq!(refusal("SAMLRequest=x&SAMLResponse=x"), BindingError::RequestAndResponse);
        assert_eq!(refusal("SAMLRequest=x&SAMLRequest=x"), BindingError::Duplicate("SAMLRequest"));
        assert_eq!(refusal("SAMLRequest=x&SAML%52equest=x"), BindingError::Duplicate("SAMLRequest"));
        assert_eq!(refusal("SAMLRequest=x&Signature=a&Signature=b"), BindingError::Duplicate("Signature"));
        assert_eq!(refusal("SAMLRequest=!!"), BindingError::Base64("SAMLRequest"));
        assert_eq!(refusal("SAMLRequest=AAAA"), BindingError::Deflate);
        let good = query(Kind::Request, b"<a/>", None).unwrap();
        assert_eq!(refusal(&format!("{good}&SigAlg=x")), BindingError::HalfSigned);
        assert_eq!(refusal(&format!("{good}&SAMLEncoding=x")), BindingError::Encoding("x".into()));
        let relay = |value: &str| refusal(&format!("{good}&RelayState={value}"));
        assert_eq!(relay("%FF"), BindingError::RelayState("is not UTF-8"));
        assert_eq!(relay("a%0D%0Ab"), BindingError::RelayState("holds control characters"));
        assert_eq!(relay(&"x".repeat(8_193)), BindingError::RelayState("is longer than 8 KB"));
        let bomb = query(Kind::Request, &vec![b' '; 50_000_000], None).unwrap();
        assert_eq!(refusal(&bomb), BindingError::TooLarge(131_072));
    }
}
