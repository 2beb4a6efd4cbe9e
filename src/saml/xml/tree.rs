//! The tree that [`super::reader`] makes: elements with resolved names, text without comments.
//!
//! It borrows from the input where nothing had to be decoded. Whatever was verified is read from this same tree and
//! from nowhere else, so that there is no second parser that could see another document.

use std::borrow::Cow;

/// An element, its attributes and what it contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'a> {
    /// The prefix as written; empty without one.
    pub prefix: &'a str,
    /// The local name.
    pub local: &'a str,
    /// The namespace URI; empty in no namespace.
    pub namespace: Cow<'a, str>,
    /// Namespace declarations on this element: prefix (empty for the default) and URI.
    pub declarations: Vec<(&'a str, Cow<'a, str>)>,
    /// All other attributes, in document order.
    pub attributes: Vec<Attribute<'a>>,
    /// Children in document order.
    pub children: Vec<Node<'a>>,
    /// Whether a comment or a CDATA section stood among the children.
    pub cut: bool,
    /// Line of the start tag, from 1.
    pub line: usize,
}

/// An attribute that is no namespace declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The prefix as written; empty without one.
    pub prefix: &'a str,
    /// The local name.
    pub local: &'a str,
    /// The namespace URI; empty without a prefix.
    pub namespace: Cow<'a, str>,
    /// The value, decoded and normalised (XML 1.0, 3.3.3).
    pub value: Cow<'a, str>,
}

/// A child of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'a> {
    /// An element.
    Element(Element<'a>),
    /// Text, decoded; texts that a comment or a CDATA section parts are one.
    Text(Cow<'a, str>),
}

impl<'a> Element<'a> {
    /// Whether this is the element `local` of `namespace`.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && self.namespace == namespace
    }

    /// The value of the attribute `local` in no namespace.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attribute_in("", local)
    }

    /// The value of the attribute `local` in `namespace`.
    pub fn attribute_in(&self, namespace: &str, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.local == local && a.namespace == namespace)
            .map(|a| a.value.as_ref())
    }

    /// The child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Element<'a>> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The child elements `local` of `namespace`.
    pub fn all<'s>(&'s self, namespace: &'s str, local: &'s str) -> impl Iterator<Item = &'s Element<'a>> {
        self.elements().filter(move |element| element.is(namespace, local))
    }

    /// The first child element `local` of `namespace`.
    pub fn first(&self, namespace: &str, local: &str) -> Option<&Element<'a>> {
        self.elements().find(|element| element.is(namespace, local))
    }

    /// The whole text directly inside this element; comments do not cut it.
    pub fn text(&self) -> Cow<'_, str> {
        let mut texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_ref()),
            Node::Element(_) => None,
        });
        let Some(first) = texts.next() else { return Cow::Borrowed("") };
        texts.fold(Cow::Borrowed(first), |whole, text| Cow::Owned(whole.into_owned() + text))
    }

    /// The text, if there is nothing but text inside: no element, no comment, no CDATA section.
    pub fn only_text(&self) -> Option<Cow<'_, str>> {
        (!self.cut && self.elements().next().is_none()).then(|| self.text())
    }

    /// This element and all elements below it, in document order.
    pub fn descendants(&self) -> Vec<&Element<'a>> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(element) = open.pop() {
            found.push(element);
            let below: Vec<_> = element.elements().collect();
            open.extend(below.into_iter().rev());
        }
        found
    }
}
