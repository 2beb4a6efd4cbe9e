//! The SOAP binding (saml-bindings 3.2): takes the one message out of an envelope, and puts one into it.
//!
//! The element that [`read`] returns stands alone: what its signature and its prefixes mean does not change, since the
//! namespace declarations around it go with it, and nothing else of the envelope is ever looked at.

use super::BindingError;
use crate::saml::uris::{SOAP, names};
use crate::saml::xml::tree::Node;
use crate::saml::xml::{Element, Limits, Writer, parse};

names! { SOAP: ENVELOPE = "Envelope", BODY = "Body", FAULT = "Fault" }

/// Whose fault it is (SOAP 1.1, 4.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// The sender's.
    Client,
    /// Ours; another try may help.
    Server,
    /// A header that must be understood is not.
    MustUnderstand,
}

/// The message in the Body of an envelope.
pub fn read(envelope: &[u8]) -> Result<Element<'_>, BindingError> {
    let mut root = parse(envelope, &Limits::MESSAGE).map_err(BindingError::Envelope)?;
    if !root.is(SOAP.uri, "Envelope") {
        return Err(BindingError::Soap("the root is no SOAP 1.1 Envelope"));
    }
    check_headers(&root)?;
    let outer = std::mem::take(&mut root.declarations);
    let mut body = sole(root, |child| child.is(SOAP.uri, "Body"))
        .ok_or(BindingError::Soap("the Envelope holds no Body, or several"))?;
    let inner = std::mem::take(&mut body.declarations);
    let mut message =
        sole(body, |_| true).ok_or(BindingError::Soap("the Body does not hold exactly one message"))?;
    for (prefix, uri) in inner.into_iter().chain(outer) {
        if !message.declarations.iter().any(|(held, _)| *held == prefix) {
            message.declarations.push((prefix, uri));
        }
    }
    Ok(message)
}

/// The `actor` that means whoever gets the message next (SOAP 1.1, 4.2.2).
const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

/// The header blocks for us that we would have to understand: there are none that we do. What is for another `actor` is
/// none of our business.
fn check_headers(root: &Element<'_>) -> Result<(), BindingError> {
    let blocks = root.all(SOAP.uri, "Header").flat_map(Element::elements);
    let ours = |block: &&Element<'_>| matches!(block.attribute_in(SOAP.uri, "actor"), None | Some("" | NEXT));
    let demands =
        |block: &&Element<'_>| matches!(block.attribute_in(SOAP.uri, "mustUnderstand"), Some("1" | "true"));
    let mut demanding = blocks.filter(ours).filter(demands);
    match demanding.next() {
        Some(block) => Err(BindingError::MustUnderstand(block.local.chars().take(128).collect())),
        None => Ok(()),
    }
}

/// The only child element for which `is` holds.
fn sole<'a>(parent: Element<'a>, is: impl Fn(&Element<'a>) -> bool) -> Option<Element<'a>> {
    let elements = parent.children.into_iter().filter_map(|node| match node {
        Node::Element(element) => Some(element),
        Node::Text(_) => None,
    });
    let mut found = elements.filter(is);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// An envelope around a message that was written canonically.
pub fn envelope(message: &[u8]) -> Vec<u8> {
    let mut w = Writer::with_capacity(message.len() + 256);
    w.start(&ENVELOPE, &mut []);
    w.start(&BODY, &mut []);
    w.splice(message);
    w.finish()
}

/// An envelope that says that nothing came of it (SOAP 1.1, 4.4). The text is for the peer's administrator.
pub fn fault(code: FaultCode, text: &str) -> Vec<u8> {
    let code = match code {
        FaultCode::Client => "S:Client",
        FaultCode::Server => "S:Server",
        FaultCode::MustUnderstand => "S:MustUnderstand",
    };
    let mut w = Writer::with_capacity(512);
    w.start(&ENVELOPE, &mut []);
    w.start(&BODY, &mut []);
    w.start(&FAULT, &mut []);
    w.unqualified("faultcode", code);
    w.unqualified("faultstring", text);
    w.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::xml::canonical::{Subset, write};

    fn canonical(element: &Element<'_>, inclusive: &[&str]) -> String {
        let mut out = Vec::new();
        write(&Subset { ancestors: &[], apex: element, without: None, inclusive }, &mut out);
        String::from_utf8(out).unwrap()
    }

    const S: &str = "xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'";

    #[test]
    fn the_message_keeps_the_namespaces_around_it() {
        let envelope = format!(
            "<S:Envelope {S} xmlns:p='urn:outer' xmlns:q='urn:q'><S:Header><x/></S:Header> \
             <S:Body xmlns:p='urn:inner'> <p:m a='1'><p:n/></p:m></S:Body></S:Envelope>"
        );
        let message = read(envelope.as_bytes()).unwrap();
        assert!(message.is("urn:inner", "m"));
        assert_eq!(canonical(&message, &[]), "<p:m xmlns:p=\"urn:inner\" a=\"1\"><p:n></p:n></p:m>");
        let with = "<p:m xmlns:p=\"urn:inner\" xmlns:q=\"urn:q\" a=\"1\"><p:n></p:n></p:m>";
        assert_eq!(canonical(&message, &["q"]), with);
    }

    #[test]
    fn what_is_no_envelope_with_one_message_is_refused() {
        let refused =
            |inside: &str| read(format!("<S:Envelope {S}>{inside}</S:Envelope>").as_bytes()).unwrap_err();
        for inside in
            ["", "<S:Body/>", "<S:Body><a/><b/></S:Body>", "<S:Body><a/></S:Body><S:Body><a/></S:Body>"]
        {
            assert!(matches!(refused(inside), BindingError::Soap(_)), "{inside}");
        }
        for actor in ["", "S:actor=''", "S:actor='http://schemas.xmlsoap.org/soap/actor/next'"] {
            let header =
                format!("<S:Header><w S:mustUnderstand='1' {actor}/></S:Header><S:Body><a/></S:Body>");
            assert_eq!(refused(&header), BindingError::MustUnderstand("w".into()), "{actor}");
        }
        assert!(matches!(read(b"<a/>"), Err(BindingError::Soap(_))));
        assert!(matches!(read(b"<!DOCTYPE a><a/>"), Err(BindingError::Envelope(_))));
        let soap12 = "<S:Envelope xmlns:S='http://www.w3.org/2003/05/soap-envelope'><S:Body><a/></S:Body></S:Envelope>";
        assert!(matches!(read(soap12.as_bytes()), Err(BindingError::Soap(_))));
    }

    /// SOAP 1.1, 4.2.2.
    #[test]
    fn what_another_actor_must_understand_is_passed_over() {
        let header = "<S:Header><w S:mustUnderstand='1' S:actor='urn:x:other'/></S:Header>";
        let envelope = format!("<S:Envelope {S}>{header}<S:Body><a/></S:Body></S:Envelope>");
        assert!(read(envelope.as_bytes()).unwrap().is("", "a"));
    }

    #[test]
    fn envelopes_and_faults_are_written() {
        let whole = envelope(b"<m></m>");
        let text = String::from_utf8(whole.clone()).unwrap();
        assert!(!text.contains("Header"), "{text}");
        assert!(read(&whole).unwrap().is("", "m"));
        let fault = fault(FaultCode::Client, "a < b");
        let read = read(&fault).unwrap();
        assert!(read.is(SOAP.uri, "Fault"));
        assert_eq!(read.first("", "faultcode").unwrap().text(), "S:Client");
        assert_eq!(read.first("", "faultstring").unwrap().text(), "a < b");
    }
}
