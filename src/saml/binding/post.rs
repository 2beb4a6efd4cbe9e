//! The HTTP POST binding (saml-bindings 3.5): reads a form body. What goes out is a page, see `web::views`.

use super::{BindingError, Kind, Parameters, base64};

/// A message that came in a form.
#[derive(Debug)]
pub struct Received {
    /// The message; its signature, if any, is inside.
    pub xml: Vec<u8>,
    /// RelayState, decoded.
    pub relay_state: Option<String>,
}

impl Received {
    /// Reads a SAMLRequest or a SAMLResponse from the raw `application/x-www-form-urlencoded` body.
    pub fn message(body: &[u8]) -> Result<(Kind, Self), BindingError> {
        let parameters = split(body)?;
        let (kind, message) = parameters.sole_message()?;
        let xml = base64(message, kind.parameter())?;
        Ok((kind, Self { xml, relay_state: parameters.decoded_relay_state()? }))
    }

    /// Reads a SAMLRequest.
    pub fn request(body: &[u8]) -> Result<Self, BindingError> {
        match Self::message(body)? {
            (Kind::Request, received) => Ok(received),
            (Kind::Response, _) => Err(BindingError::NotARequest),
        }
    }

    /// Reads a SAMLResponse: for the built-in SP.
    pub fn response(body: &[u8]) -> Result<Self, BindingError> {
        let parameters = split(body)?;
        let message = parameters.response.ok_or(BindingError::NoMessage)?;
        Ok(Self { xml: base64(message, "SAMLResponse")?, relay_state: parameters.decoded_relay_state()? })
    }
}

fn split(body: &[u8]) -> Result<Parameters<'_>, BindingError> {
    let body = std::str::from_utf8(body).map_err(|_| BindingError::NotUtf8)?;
    Parameters::split(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read() {
        let received = Received::request(b"SAMLRequest=PGEv%0D%0APg%3D%3D&RelayState=a+b%2Bc").unwrap();
        assert_eq!(received.xml, b"<a/>");
        assert_eq!(received.relay_state.as_deref(), Some("a b+c"));
        assert_eq!(Received::request(b"SAMLResponse=PGEvPg").unwrap_err(), BindingError::NotARequest);
        assert_eq!(Received::response(b"SAMLResponse=PGEvPg").unwrap().xml, b"<a/>");
        assert_eq!(Received::request(b"SAMLRequest=PGEvPg&\xFF").unwrap_err(), BindingError::NotUtf8);
    }
}
