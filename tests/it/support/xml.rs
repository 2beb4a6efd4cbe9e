//! XML as a small tree, for tests that ask what an SP would read. It knows nothing of the code under test.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

/// An element with its local name, its namespace, its attributes (by local name), its children and its whole text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub namespace: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub text: String,
}

impl Element {
    /// Reads a document.
    pub fn parse(xml: &str) -> Self {
        let mut reader = NsReader::from_str(xml);
        let mut open = vec![Self::default()];
        loop {
            let (namespace, event) =
                reader.read_resolved_event().unwrap_or_else(|error| panic!("{error}:\n{xml}"));
            let namespace = match namespace {
                ResolveResult::Bound(namespace) => AsRef::<str>::as_ref(&namespace).to_owned(),
                _ => String::new(),
            };
            match event {
                Event::Start(start) => open.push(Self::begin(namespace, &start)),
                Event::Empty(start) => {
                    let element = Self::begin(namespace, &start);
                    open.last_mut().unwrap().children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(element);
                }
                Event::Text(text) => open.last_mut().unwrap().text.push_str(&text.xml10_content()),
                Event::CData(text) => open.last_mut().unwrap().text.push_str(&text),
                Event::GeneralRef(reference) => open.last_mut().unwrap().text.push_str(&resolved(&reference)),
                Event::Eof => return open.remove(0).children.remove(0),
                _ => {}
            }
        }
    }

    fn begin(namespace: String, start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|attribute| attribute.unwrap());
        Self {
            name: start.local_name().as_ref().to_owned(),
            namespace,
            attributes: attributes
                .map(|attribute| {
                    let name = attribute.key.local_name().as_ref().to_owned();
                    let value = quick_xml::escape::unescape(&attribute.value).unwrap();
                    (name, value.into_owned())
                })
                .collect(),
            ..Self::default()
        }
    }

    /// The attribute's value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    /// The first child of this local name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this local name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        let name = name.to_owned();
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The element at the end of a path of local names, `Assertion/Subject/NameID`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |element, name| element.child(name))
    }
}

fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Some(character) = reference.resolve_char_ref().unwrap() {
        return character.to_string();
    }
    let name: &str = reference;
    quick_xml::escape::resolve_predefined_entity(name).unwrap_or_else(|| panic!("&{name};")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_read_whole() {
        let root = Element::parse(
            "<a:b xmlns:a='urn:a' a:c='x&#10;&lt;'>1<!-- x -->&amp;<![CDATA[<2>]]><d/>3</a:b>",
        );
        assert_eq!((root.name.as_str(), root.namespace.as_str()), ("b", "urn:a"));
        assert_eq!(root.attribute("c"), Some("x\n<"));
        assert_eq!(root.text, "1&<2>3");
        assert!(root.at("d").is_some());
    }
}
