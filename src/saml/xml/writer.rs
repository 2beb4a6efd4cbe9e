//! Emits documents that are exclusively canonical from the first octet, so that they are hashed as they are written.
//!
//! Prefixes are fixed (see [`super::super::uris`]); a namespace is declared on the element that first uses it, as
//! exclusive canonicalisation would. Attributes are sorted here; text goes through the one escaping function.

use std::borrow::Cow;

use super::canonical::{Place, escape};

/// A canonical document under construction.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    open: Vec<Open>,
    rendered: Vec<&'static Namespace>,
}

#[derive(Debug)]
struct Open {
    name: &'static Name,
    rendered: usize,
}

/// A namespace with the prefix that it is always written with.
#[derive(Debug, PartialEq, Eq)]
pub struct Namespace {
    /// The prefix.
    pub prefix: &'static str,
    /// The URI.
    pub uri: &'static str,
}

/// The name of an element.
#[derive(Debug)]
pub struct Name {
    /// Its namespace.
    pub namespace: &'static Namespace,
    /// Its local name.
    pub local: &'static str,
}

/// An attribute to be written: in no namespace, `xml:lang`, or with the prefix of a namespace that
/// [`Writer::start_with`] is given.
pub type Attr<'v> = (&'static str, Cow<'v, str>);

impl Writer {
    /// An empty document with room for `capacity` octets.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity), ..Self::default() }
    }

    /// Opens an element. `attributes` may come in any order; of those with a prefix only `xml:lang` is known.
    pub fn start(&mut self, name: &'static Name, attributes: &mut [Attr<'_>]) {
        self.start_with(name, &[], attributes);
    }

    /// Opens an element whose attributes use the prefixes of `namespaces`, which come in the order of their prefixes and
    /// after that of the element (c14n 1.0, 2.2).
    pub fn start_with(
        &mut self,
        name: &'static Name,
        namespaces: &[&'static Namespace],
        attributes: &mut [Attr<'_>],
    ) {
        let rendered = self.rendered.len();
        self.out.push(b'<');
        self.name(name);
        for namespace in std::iter::once(&name.namespace).chain(namespaces) {
            if !self.rendered.contains(namespace) {
                self.rendered.push(namespace);
                self.out.extend_from_slice(b" xmlns:");
                self.out.extend_from_slice(namespace.prefix.as_bytes());
                self.out.extend_from_slice(b"=\"");
                self.out.extend_from_slice(namespace.uri.as_bytes());
                self.out.push(b'"');
            }
        }
        // Attributes without a namespace come first (c14n 1.0, 2.2).
        attributes.sort_unstable_by_key(|(name, _)| (name.contains(':'), *name));
        for (name, value) in attributes {
            self.out.push(b' ');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"=\"");
            escape(value, Place::Attribute, &mut self.out);
            self.out.push(b'"');
        }
        self.out.push(b'>');
        self.open.push(Open { name, rendered });
    }

    /// Closes the element that was opened last.
    pub fn end(&mut self) {
        if let Some(open) = self.open.pop() {
            self.out.extend_from_slice(b"</");
            self.name(open.name);
            self.out.push(b'>');
            self.rendered.truncate(open.rendered);
        }
    }

    /// Text inside the open element.
    pub fn text(&mut self, text: &str) {
        escape(text, Place::Text, &mut self.out);
    }

    /// An element with nothing but text.
    pub fn leaf(&mut self, name: &'static Name, attributes: &mut [Attr<'_>], text: &str) {
        self.start(name, attributes);
        self.text(text);
        self.end();
    }

    /// An element in no namespace with nothing but text. Its parent's default namespace is none, since nothing here is
    /// written without a prefix.
    pub fn unqualified(&mut self, local: &'static str, text: &str) {
        self.out.push(b'<');
        self.out.extend_from_slice(local.as_bytes());
        self.out.push(b'>');
        self.text(text);
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(local.as_bytes());
        self.out.push(b'>');
    }

    /// Octets that are canonical already in this place: a signed assertion inside its response.
    pub fn splice(&mut self, canonical: &[u8]) {
        self.out.extend_from_slice(canonical);
    }

    /// A whole document as an element of this one. Where its root declares a namespace that is declared here already, the
    /// canonical form has no second declaration.
    pub fn splice_within(&mut self, document: &[u8]) {
        let name = document.iter().position(|octet| matches!(octet, b' ' | b'>')).unwrap_or(document.len());
        let (name, mut rest) = document.split_at(name);
        let prefix = name.strip_prefix(b"<").and_then(|name| name.split(|octet| *octet == b':').next());
        let known = self.rendered.iter().find(|held| Some(held.prefix.as_bytes()) == prefix);
        if let Some(namespace) = known {
            let declaration = format!(" xmlns:{}=\"{}\"", namespace.prefix, namespace.uri);
            rest = rest.strip_prefix(declaration.as_bytes()).unwrap_or(rest);
        }
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(rest);
    }

    /// How many octets have been written: a place to come back to.
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// What has been written.
    pub fn written(&self) -> &[u8] {
        &self.out
    }

    /// The finished document; closes what is still open.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn name(&mut self, name: &Name) {
        self.out.extend_from_slice(name.namespace.prefix.as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(name.local.as_bytes());
    }
}
