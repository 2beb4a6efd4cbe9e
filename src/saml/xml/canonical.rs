//! Exclusive XML Canonicalization 1.0 (<https://www.w3.org/TR/xml-exc-c14n/>) without comments, written piece by piece
//! into a [`Sink`]: a hash while verifying, a buffer in tests. Nothing is collected in between.

use super::tree::{Attribute, Element, Node};

/// Takes canonical octets in order.
pub trait Sink {
    /// The next octets.
    fn push(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn push(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// What is canonicalised.
#[derive(Debug, Clone, Copy)]
pub struct Subset<'s, 'a> {
    /// The ancestors of the apex, outermost first: where the prefixes of `inclusive` may be declared.
    pub ancestors: &'s [&'s Element<'a>],
    /// The element that is written, with all below it.
    pub apex: &'s Element<'a>,
    /// A child of the apex that is left out with all below it: the enveloped signature.
    pub without: Option<&'s Element<'a>>,
    /// The InclusiveNamespaces PrefixList; `#default` is the default namespace.
    pub inclusive: &'s [&'s str],
}

/// Writes the canonical form of `subset` into `sink`.
pub fn write(subset: &Subset<'_, '_>, sink: &mut impl Sink) {
    let mut walk = Walk { subset, sink, declared: Vec::new(), rendered: Vec::new() };
    for ancestor in subset.ancestors {
        walk.declare(ancestor);
    }
    walk.element(subset.apex, true);
}

struct Walk<'w, 's, 'a, S> {
    subset: &'w Subset<'s, 'a>,
    sink: &'w mut S,
    /// In scope in the document.
    declared: Vec<(&'s str, &'s str)>,
    /// In scope in the output.
    rendered: Vec<(&'s str, &'s str)>,
}

impl<'s, 'a, S: Sink> Walk<'_, 's, 'a, S> {
    fn declare(&mut self, element: &'s Element<'a>) {
        self.declared.extend(element.declarations.iter().map(|(prefix, uri)| (*prefix, uri.as_ref())));
    }

    fn element(&mut self, element: &'s Element<'a>, apex: bool) {
        let (declared, rendered) = (self.declared.len(), self.rendered.len());
        self.declare(element);
        self.sink.push(b"<");
        self.name(element.prefix, element.local);
        self.namespaces(element);
        self.attributes(&element.attributes);
        self.sink.push(b">");
        for node in &element.children {
            match node {
                Node::Text(text) => escape(text, Place::Text, self.sink),
                Node::Element(child) => {
                    let left_out = apex && self.subset.without.is_some_and(|w| std::ptr::eq(w, child));
                    if !left_out {
                        self.element(child, false);
                    }
                }
            }
        }
        self.sink.push(b"</");
        self.name(element.prefix, element.local);
        self.sink.push(b">");
        self.declared.truncate(declared);
        self.rendered.truncate(rendered);
    }

    fn name(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.sink.push(prefix.as_bytes());
            self.sink.push(b":");
        }
        self.sink.push(local.as_bytes());
    }

    fn namespaces(&mut self, element: &'s Element<'a>) {
        let mut wanted: Vec<(&'s str, &'s str)> = vec![(element.prefix, element.namespace.as_ref())];
        for attribute in &element.attributes {
            if !attribute.prefix.is_empty() {
                wanted.push((attribute.prefix, attribute.namespace.as_ref()));
            }
        }
        for prefix in self.subset.inclusive {
            let prefix = if *prefix == "#default" { "" } else { *prefix };
            if let Some((prefix, uri)) = self.declared.iter().rev().find(|(bound, _)| *bound == prefix) {
                wanted.push((prefix, uri));
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        for (prefix, uri) in wanted {
            let now =
                self.rendered.iter().rev().find(|(bound, _)| *bound == prefix).map_or("", |(_, uri)| *uri);
            if prefix == "xml" || now == uri {
                continue;
            }
            self.rendered.push((prefix, uri));
            self.sink.push(if prefix.is_empty() { b" xmlns" } else { b" xmlns:" });
            self.sink.push(prefix.as_bytes());
            self.sink.push(b"=\"");
            escape(uri, Place::Attribute, self.sink);
            self.sink.push(b"\"");
        }
    }

    fn attributes(&mut self, attributes: &'s [Attribute<'a>]) {
        let mut sorted: Vec<_> = attributes.iter().collect();
        sorted.sort_unstable_by_key(|a| (a.namespace.as_ref(), a.local));
        for attribute in sorted {
            self.sink.push(b" ");
            self.name(attribute.prefix, attribute.local);
            self.sink.push(b"=\"");
            escape(&attribute.value, Place::Attribute, self.sink);
            self.sink.push(b"\"");
        }
    }
}

/// Where text stands: it decides what must be escaped (c14n 1.0, 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Between tags.
    Text,
    /// In a quoted attribute value.
    Attribute,
}

/// Writes `text` with the references of the canonical form.
pub fn escape(text: &str, place: Place, sink: &mut impl Sink) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let reference: &[u8] = match (byte, place) {
            (b'&', _) => b"&amp;",
            (b'<', _) => b"&lt;",
            (b'>', Place::Text) => b"&gt;",
            (b'\r', _) => b"&#xD;",
            (b'"', Place::Attribute) => b"&quot;",
            (b'\t', Place::Attribute) => b"&#x9;",
            (b'\n', Place::Attribute) => b"&#xA;",
            _ => continue,
        };
        sink.push(bytes.get(from..at).unwrap_or_default());
        sink.push(reference);
        from = at + 1;
    }
    sink.push(bytes.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, parse};
    use super::*;

    fn canonical(document: &str, inclusive: &[&str]) -> String {
        let root = parse(document.as_bytes(), &Limits::MESSAGE).unwrap();
        let mut out = Vec::new();
        write(&Subset { ancestors: &[], apex: &root, without: None, inclusive }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn attributes_and_namespaces_are_sorted_and_only_what_is_used() {
        assert_eq!(
            canonical(
                "<a xmlns:z='urn:z' xmlns:b='urn:b' xmlns='urn:d' z='1' b:y='2' a='3' xml:lang='ja'/>",
                &[]
            ),
            "<a xmlns=\"urn:d\" xmlns:b=\"urn:b\" a=\"3\" z=\"1\" xml:lang=\"ja\" b:y=\"2\"></a>"
        );
        assert_eq!(
            canonical("<a xmlns:xs='urn:xs'><b xmlns:xs='urn:other'/></a>", &["xs"]),
            "<a xmlns:xs=\"urn:xs\"><b xmlns:xs=\"urn:other\"></b></a>"
        );
        assert_eq!(
            canonical("<a xmlns='urn:d'><b xmlns=''><c/></b></a>", &[]),
            "<a xmlns=\"urn:d\"><b xmlns=\"\"><c></c></b></a>"
        );
    }

    #[test]
    fn text_is_escaped_as_c14n_asks() {
        assert_eq!(
            canonical("<a b='&quot;&#9;&#10;&#13;&lt;>'>&lt;&gt;&amp;&#13;\t\n\"<!-- gone --></a>", &[]),
            "<a b=\"&quot;&#x9;&#xA;&#xD;&lt;>\">&lt;&gt;&amp;&#xD;\t\n\"</a>"
        );
    }

    #[test]
    fn the_enveloped_child_is_left_out_and_ancestors_lend_their_prefixes() {
        let root = parse(b"<a xmlns:p='urn:p'><s/><b><s/></b></a>", &Limits::MESSAGE).unwrap();
        let without = root.elements().next();
        let mut out = Vec::new();
        write(&Subset { ancestors: &[], apex: &root, without, inclusive: &[] }, &mut out);
        assert_eq!(out, b"<a><b><s></s></b></a>");
        let apex = root.elements().nth(1).unwrap();
        out.clear();
        write(&Subset { ancestors: &[&root], apex, without: None, inclusive: &["p"] }, &mut out);
        assert_eq!(out, b"<b xmlns:p=\"urn:p\"><s></s></b>");
    }
}
