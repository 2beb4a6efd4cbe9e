//! The hardened reader: bytes in, a namespace-resolved tree out, or a [`Violation`] with its line.
//!
//! quick-xml splits the document into markup; everything that it lets pass and XML forbids is refused here, together
//! with what SAML has no use for: DTDs, processing instructions, entities beyond the five of XML, documents without
//! bounds. Nothing is ever fetched.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, Event};

use super::name::{is_char, split};
use super::tree::{Attribute, Element, Node};

/// What a document may cost before any cryptography is done on it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the document.
    pub bytes: usize,
    /// Elements inside one another.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
    /// Attributes of one element, and as many namespace declarations.
    pub attributes: usize,
}

impl Limits {
    /// For protocol messages.
    pub const MESSAGE: Self = Self { bytes: 128 * 1024, depth: 64, elements: 1_000, attributes: 64 };
    /// For a metadata file.
    pub const METADATA: Self = Self { bytes: 1024 * 1024, depth: 64, elements: 50_000, attributes: 64 };
}

/// Every element and attribute in a namespace may hold a copy of its name.
const NAMESPACE_LENGTH: usize = 1024;
/// Each name is looked up among them.
const NAMESPACES_IN_FORCE: usize = 256;

/// Why a document was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {cause}")]
pub struct XmlError {
    /// Line from 1.
    pub line: usize,
    /// What is wrong there.
    pub cause: Violation,
}

/// What a document did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// More bytes than allowed.
    #[error("the document has {found} bytes; {limit} are allowed")]
    TooLarge {
        /// Bytes of the document.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// A document type declaration.
    #[error("a DOCTYPE is not allowed")]
    Doctype,
    /// A processing instruction.
    #[error("a processing instruction is not allowed")]
    ProcessingInstruction,
    /// A version other than 1.0, or an encoding other than UTF-8, or a declaration in the wrong place.
    #[error(
        "the XML declaration must be the first thing and say version 1.0 and, if anything, encoding UTF-8"
    )]
    Declaration,
    /// Elements nested too deeply.
    #[error("elements are nested deeper than {0}")]
    Depth(usize),
    /// Too many elements.
    #[error("more than {0} elements")]
    Elements(usize),
    /// Too many attributes on one element.
    #[error("more than {0} attributes on one element")]
    Attributes(usize),
    /// Too many namespace declarations on one element.
    #[error("more than {0} namespace declarations on one element")]
    Namespaces(usize),
    /// Not well-formed in another way.
    #[error("not well-formed: {0}")]
    Malformed(String),
    /// A character that XML does not allow, raw or by reference.
    #[error("character U+{:04X} is not allowed in XML", *.0 as u32)]
    Character(char),
    /// An entity that is none of the five of XML.
    #[error("unknown entity &{0};")]
    Entity(String),
    /// The same attribute twice.
    #[error("attribute \"{0}\" occurs twice")]
    DuplicateAttribute(String),
    /// A prefix without a declaration.
    #[error("namespace prefix \"{0}\" is not declared")]
    UndeclaredPrefix(String),
    /// `xml` or `xmlns` bound to something else, or a prefix bound to nothing.
    #[error("namespace prefix \"{0}\" cannot be bound so")]
    ReservedPrefix(String),
    /// A namespace name so long that copying it for every name in it would cost more than the document is worth.
    #[error("a namespace of more than {NAMESPACE_LENGTH} bytes")]
    LongNamespace,
    /// More namespace declarations in force at once than a document has use for.
    #[error("more than {NAMESPACES_IN_FORCE} namespace declarations in force at once")]
    NamespacesInForce,
    /// A namespace name that is no absolute URI: its canonical form is undefined.
    #[error("namespace \"{}\" is not an absolute URI", .0.escape_debug())]
    RelativeNamespace(String),
    /// Text before or after the root element.
    #[error("text outside the root element")]
    TextOutsideRoot,
    /// A second root element.
    #[error("a second root element")]
    SecondRoot,
    /// No root element, or the end before it was closed.
    #[error("the document ends before its root element is closed")]
    Truncated,
}

/// Reads one document.
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Element<'a>, XmlError> {
    if bytes.len() > limits.bytes {
        let cause = Violation::TooLarge { found: bytes.len(), limit: limits.bytes };
        return Err(XmlError { line: 1, cause });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| XmlError { line: line_at(bytes, e.valid_up_to()), cause: Violation::NotUtf8 })?;
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_comments = true;
    config.check_end_names = true;
    let mut builder = Builder { limits, open: Vec::new(), root: None, scope: Vec::new(), elements: 0 };
    let mut lines = Lines { bytes, at: 0, line: 1 };
    loop {
        let from = usize::try_from(reader.buffer_position()).unwrap_or(bytes.len());
        let line = lines.line_of(from);
        let fault = |cause| XmlError { line, cause };
        let event = reader.read_event().map_err(|e| fault(Violation::Malformed(e.to_string())))?;
        if matches!(event, Event::Eof) {
            return builder.finish().map_err(fault);
        }
        let to = usize::try_from(reader.buffer_position()).unwrap_or(bytes.len());
        let markup = text.get(from..to).unwrap_or_default();
        builder.take(event, markup, Place { at: from, line }).map_err(fault)?;
    }
}

/// Where a piece of markup stands.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    line: usize,
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn line_of(&mut self, position: usize) -> usize {
        let passed = self.bytes.get(self.at..position).unwrap_or_default();
        self.line += newlines(passed);
        self.at = self.at.max(position);
        self.line
    }
}

fn line_at(bytes: &[u8], position: usize) -> usize {
    1 + newlines(bytes.get(..position).unwrap_or_default())
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |count, byte| count + usize::from(*byte == b'\n'))
}

struct Builder<'a, 'l> {
    limits: &'l Limits,
    open: Vec<(Element<'a>, usize)>,
    root: Option<Element<'a>>,
    scope: Vec<(&'a str, Cow<'a, str>)>,
    elements: usize,
}

const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

impl<'a> Builder<'a, '_> {
    fn take(&mut self, event: Event<'a>, markup: &'a str, place: Place) -> Result<(), Violation> {
        match event {
            Event::Start(_) => self.start(inside(markup, ">")?, place.line),
            Event::Empty(_) => self.start(inside(markup, "/>")?, place.line).and_then(|()| self.end()),
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(character_data(text.into_inner())?),
            Event::CData(data) => self.cdata(checked(data.into_inner())?),
            Event::GeneralRef(reference) => {
                let c = resolve(&reference)?;
                if self.open.is_empty() {
                    return Err(Violation::TextOutsideRoot);
                }
                self.text(Cow::Owned(c.to_string()))
            }
            Event::Comment(comment) => {
                checked(comment.into_inner())?;
                self.mark_cut();
                Ok(())
            }
            Event::Decl(declaration) => check_declaration(&declaration, place.at),
            Event::PI(_) => Err(Violation::ProcessingInstruction),
            Event::DocType(_) => Err(Violation::Doctype),
            Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, markup: &'a str, line: usize) -> Result<(), Violation> {
        if self.root.is_some() {
            return Err(Violation::SecondRoot);
        }
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(Violation::Elements(self.limits.elements));
        }
        if self.open.len() >= self.limits.depth {
            return Err(Violation::Depth(self.limits.depth));
        }
        let (name, rest) = markup.split_at(markup.find(is_space).unwrap_or(markup.len()));
        let (prefix, local) = qualified(name)?;
        let mut declarations = Vec::new();
        let mut attributes = Vec::new();
        for (name, value) in self.raw_attributes(rest)? {
            match qualified(name)? {
                ("", "xmlns") => declarations.push(("", declare("", value)?)),
                ("xmlns", bound) => declarations.push((bound, declare(bound, value)?)),
                (prefix, local) => {
                    attributes.push(Attribute { prefix, local, namespace: Cow::Borrowed(""), value });
                }
            }
        }
        self.within_limits(declarations.len(), attributes.len())?;
        let before = self.scope.len();
        for (prefix, uri) in &declarations {
            if declarations.iter().filter(|(other, _)| other == prefix).count() > 1 {
                return Err(Violation::DuplicateAttribute(format!("xmlns:{prefix}")));
            }
            self.scope.push((prefix, uri.clone()));
        }
        if self.scope.len() > NAMESPACES_IN_FORCE {
            return Err(Violation::NamespacesInForce);
        }
        for attribute in &mut attributes {
            if !attribute.prefix.is_empty() {
                attribute.namespace = self.lookup(attribute.prefix)?;
            }
        }
        check_unique(&attributes)?;
        let namespace = self.lookup(prefix)?;
        let children = Vec::new();
        let element =
            Element { prefix, local, namespace, declarations, attributes, children, cut: false, line };
        self.open.push((element, before));
        Ok(())
    }

    fn within_limits(&self, declarations: usize, attributes: usize) -> Result<(), Violation> {
        if attributes > self.limits.attributes {
            return Err(Violation::Attributes(self.limits.attributes));
        }
        if declarations > self.limits.attributes {
            return Err(Violation::Namespaces(self.limits.attributes));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Violation> {
        let Some((element, before)) = self.open.pop() else {
            return Err(Violation::Malformed("an end tag without its start".to_owned()));
        };
        self.scope.truncate(before);
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: Cow<'a, str>) -> Result<(), Violation> {
        match self.open.last_mut() {
            Some((element, _)) => {
                // Neighbouring texts are one: a reference must not cut a value in two.
                if let Some(Node::Text(before)) = element.children.last_mut() {
                    before.to_mut().push_str(&text);
                } else {
                    element.children.push(Node::Text(text));
                }
                Ok(())
            }
            None if text.chars().all(is_space) => Ok(()),
            None => Err(Violation::TextOutsideRoot),
        }
    }

    fn cdata(&mut self, text: Cow<'a, str>) -> Result<(), Violation> {
        if self.open.is_empty() {
            return Err(Violation::TextOutsideRoot);
        }
        self.text(normalise_line_ends(text))?;
        self.mark_cut();
        Ok(())
    }

    fn mark_cut(&mut self) {
        if let Some((element, _)) = self.open.last_mut() {
            element.cut = true;
        }
    }

    fn lookup(&self, prefix: &str) -> Result<Cow<'a, str>, Violation> {
        if prefix == "xml" {
            return Ok(Cow::Borrowed(XML_NAMESPACE));
        }
        match self.scope.iter().rev().find(|(bound, _)| *bound == prefix) {
            Some((_, uri)) => Ok(uri.clone()),
            None if prefix.is_empty() => Ok(Cow::Borrowed("")),
            None => Err(Violation::UndeclaredPrefix(prefix.to_owned())),
        }
    }

    /// Splits what follows the name of a start tag, as strictly as XML 1.0 production 40 asks.
    fn raw_attributes(&self, mut rest: &'a str) -> Result<Vec<(&'a str, Cow<'a, str>)>, Violation> {
        let mut found = Vec::new();
        loop {
            let trimmed = rest.trim_start_matches(is_space);
            if trimmed.is_empty() {
                return Ok(found);
            }
            let malformed = || Violation::Malformed("attributes of a start tag".to_owned());
            if trimmed.len() == rest.len() || found.len() > 2 * self.limits.attributes {
                return Err(if trimmed.len() == rest.len() {
                    malformed()
                } else {
                    Violation::Attributes(self.limits.attributes)
                });
            }
            let (name, after) = trimmed.split_once('=').ok_or_else(malformed)?;
            let after = after.trim_start_matches(is_space);
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(malformed)?;
            let (value, after) = after.get(1..).and_then(|v| v.split_once(quote)).ok_or_else(malformed)?;
            found.push((name.trim_end_matches(is_space), attribute_value(value)?));
            rest = after;
        }
    }

    fn finish(self) -> Result<Element<'a>, Violation> {
        if self.open.is_empty() { self.root.ok_or(Violation::Truncated) } else { Err(Violation::Truncated) }
    }
}

/// What stands between `<` and the end of a start tag.
fn inside<'a>(markup: &'a str, end: &str) -> Result<&'a str, Violation> {
    let inner = markup.strip_prefix('<').and_then(|rest| rest.strip_suffix(end));
    inner.ok_or_else(|| Violation::Malformed("start tag".to_owned()))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn qualified(name: &str) -> Result<(&str, &str), Violation> {
    split(name).ok_or_else(|| Violation::Malformed(format!("\"{}\" is no name", name.escape_debug())))
}

fn declare<'a>(prefix: &str, uri: Cow<'a, str>) -> Result<Cow<'a, str>, Violation> {
    let reserved = match prefix {
        "xml" => uri != XML_NAMESPACE,
        "xmlns" => true,
        "" => uri == XML_NAMESPACE || uri == XMLNS_NAMESPACE,
        _ => uri.is_empty() || uri == XML_NAMESPACE || uri == XMLNS_NAMESPACE,
    };
    if reserved {
        return Err(Violation::ReservedPrefix(prefix.to_owned()));
    }
    if uri.len() > NAMESPACE_LENGTH {
        return Err(Violation::LongNamespace);
    }
    let absolute = uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    // RFC 3986, 2: others would be canonical for us and an error for libxml2.
    let plain = uri.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>[\\]^`{|}".contains(&b));
    if (absolute && plain) || uri.is_empty() {
        Ok(uri)
    } else {
        Err(Violation::RelativeNamespace(uri.into_owned()))
    }
}

fn check_unique(attributes: &[Attribute<'_>]) -> Result<(), Violation> {
    for (at, one) in attributes.iter().enumerate() {
        let twice = attributes
            .iter()
            .skip(at + 1)
            .any(|two| one.local == two.local && one.namespace == two.namespace);
        if twice {
            return Err(Violation::DuplicateAttribute(one.local.to_owned()));
        }
    }
    Ok(())
}

fn check_declaration(declaration: &BytesDecl<'_>, at: usize) -> Result<(), Violation> {
    let version = declaration.version().is_ok_and(|v| v == "1.0");
    let encoding = match declaration.encoding() {
        None => true,
        Some(named) => named.is_ok_and(|e| e.eq_ignore_ascii_case("utf-8")),
    };
    if at == 0 && version && encoding { Ok(()) } else { Err(Violation::Declaration) }
}

fn checked(text: Cow<'_, str>) -> Result<Cow<'_, str>, Violation> {
    match text.chars().find(|c| !is_char(*c)) {
        Some(c) => Err(Violation::Character(c)),
        None => Ok(text),
    }
}

fn character_data(text: Cow<'_, str>) -> Result<Cow<'_, str>, Violation> {
    if text.contains("]]>") {
        return Err(Violation::Malformed("]]> in text".to_owned()));
    }
    Ok(normalise_line_ends(checked(text)?))
}

/// XML 1.0, 2.11.
fn normalise_line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text }
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, Violation> {
    let name: &str = reference;
    match reference.resolve_char_ref() {
        Ok(Some(c)) if is_char(c) => Ok(c),
        Ok(Some(c)) => Err(Violation::Character(c)),
        Ok(None) => predefined(name),
        Err(_) => Err(Violation::Entity(name.to_owned())),
    }
}

fn predefined(name: &str) -> Result<char, Violation> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(Violation::Entity(name.chars().take(64).collect())),
    }
}

/// XML 1.0, 3.3.3: references decoded, white space made blanks.
fn attribute_value(raw: &str) -> Result<Cow<'_, str>, Violation> {
    checked(Cow::Borrowed(raw))?;
    if raw.contains('<') {
        return Err(Violation::Malformed("< in an attribute value".to_owned()));
    }
    if !raw.contains(['&', '\t', '\r', '\n']) {
        return Ok(Cow::Borrowed(raw));
    }
    let ends = normalise_line_ends(Cow::Borrowed(raw));
    let mut value = String::with_capacity(raw.len());
    let mut rest: &str = &ends;
    while let Some(at) = rest.find(['&', '\t', '\n']) {
        let (plain, special) = rest.split_at(at);
        value.push_str(plain);
        if let Some(reference) = special.strip_prefix('&') {
            let (name, after) =
                reference.split_once(';').ok_or_else(|| Violation::Malformed("& without ;".to_owned()))?;
            value.push(resolve(&BytesRef::new(name))?);
            rest = after;
        } else {
            value.push(' ');
            rest = special.get(1..).unwrap_or_default();
        }
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

#[cfg(test)]
mod tests;
