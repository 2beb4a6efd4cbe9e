//! The answer of an IdP to an enhanced client (saml-profiles 4.2.4): the Response in an envelope whose header names the one
//! place that may take it.

use super::soap::{BODY, ENVELOPE};
use crate::saml::uris::{ECP, SOAP, names};
use crate::saml::xml::Writer;

names! { SOAP: HEADER = "Header" }
names! { ECP: RESPONSE = "Response" }

const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

/// The envelope around a Response for the PAOS endpoint `acs`.
pub fn envelope(response: &[u8], acs: &str) -> Vec<u8> {
    let mut w = Writer::with_capacity(response.len() + 1024);
    w.start(&ENVELOPE, &mut []);
    w.start(&HEADER, &mut []);
    let mut attributes = [
        ("AssertionConsumerServiceURL", acs.into()),
        ("S:actor", NEXT.into()),
        ("S:mustUnderstand", "1".into()),
    ];
    w.leaf(&RESPONSE, &mut attributes, "");
    w.end();
    w.start(&BODY, &mut []);
    w.splice(response);
    w.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::{Limits, parse};

    #[test]
    fn the_header_names_the_place() {
        let whole = envelope(b"<m></m>", "https://sp.example/paos?a&b");
        let root = parse(&whole, &Limits::MESSAGE).unwrap();
        let header = root.first(SOAP.uri, "Header").unwrap().first(ECP.uri, "Response").unwrap();
        assert_eq!(header.attribute("AssertionConsumerServiceURL"), Some("https://sp.example/paos?a&b"));
        assert_eq!(header.attribute_in(SOAP.uri, "mustUnderstand"), Some("1"));
        assert_eq!(header.attribute_in(SOAP.uri, "actor"), Some(NEXT));
        assert!(root.first(SOAP.uri, "Body").unwrap().first("", "m").is_some());
    }
}
