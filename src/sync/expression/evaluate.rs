//! What a [`Node`] is worth for an object.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::syntax::{Fact, Function, Node};
use super::{LONGEST_RESULT, Tables, TooLong};
use crate::identity;
use crate::sync::object::SourceObject;

/// A value on its way; no text is empty, and no list.
#[derive(Debug)]
enum Datum {
    Text(String),
    Bool(bool),
    List(Vec<String>),
}

type Outcome = Result<Option<Datum>, TooLong>;

pub(super) fn value(node: &Node, object: &SourceObject, tables: &Tables) -> Result<Option<Value>, TooLong> {
    let datum = Evaluation { object, tables, unread: None }.of(node)?;
    Ok(datum.map(|datum| match datum {
        Datum::Text(text) => Value::String(text),
        Datum::Bool(truth) => Value::Bool(truth),
        Datum::List(list) => list.into(),
    }))
}

/// The attributes that are asked for a text and hold octets alone, or of which a list leaves some octets out.
pub(super) fn unread(node: &Node, object: &SourceObject, tables: &Tables) -> BTreeSet<String> {
    let unread = RefCell::default();
    // A result that is too long is told by `value`.
    let _ = Evaluation { object, tables, unread: Some(&unread) }.of(node);
    unread.into_inner()
}

struct Evaluation<'a> {
    object: &'a SourceObject,
    tables: &'a Tables,
    /// Where it is noted what could not be read.
    unread: Option<&'a RefCell<BTreeSet<String>>>,
}

impl Evaluation<'_> {
    fn of(&self, node: &Node) -> Outcome {
        match node {
            Node::Text(text) => text_datum(text.clone()),
            Node::Bool(truth) => Ok(Some(Datum::Bool(*truth))),
            Node::Number(_) | Node::Pattern(_) => Ok(None),
            Node::Attribute(name) => {
                let values = self.values(name);
                self.note(name, values.iter().all(is_octets));
                let text = values.iter().filter_map(identity::Value::as_text);
                text_datum(text.filter(|text| !text.is_empty()).map(str::to_owned).next().unwrap_or_default())
            }
            Node::Fact(fact) => self.fact(*fact),
            Node::Call(function, arguments) => self.call(*function, arguments),
        }
    }

    /// All values of an attribute; names have no case.
    fn values(&self, name: &str) -> &[identity::Value] {
        let mut attributes = self.object.attributes.iter();
        attributes.find(|(held, _)| held.eq_ignore_ascii_case(name)).map_or(&[], |(_, values)| values)
    }

    fn note(&self, name: &str, is_unread: bool) {
        if let Some(unread) = self.unread.filter(|_| is_unread && !self.values(name).is_empty()) {
            unread.borrow_mut().insert(name.to_owned());
        }
    }

    fn fact(&self, fact: Fact) -> Outcome {
        let told = || self.object.facts.get(fact.name()).map_or(&[][..], Vec::as_slice);
        match fact {
            Fact::Active => Ok(Some(Datum::Bool(self.object.active))),
            Fact::Admin => Ok(Some(Datum::Bool(told().first().is_some_and(|told| told != "false")))),
            Fact::Dn => text_datum(self.object.dn.clone()),
            Fact::Guid => text_datum(self.object.key.id.clone()),
            Fact::GuidBase64 => text_datum(self.guid_base64().unwrap_or_default()),
            Fact::Organization => text_datum(told().first().cloned().unwrap_or_default()),
            Fact::Roles | Fact::Services => list_datum(in_order(told().to_vec())),
        }
    }

    /// The octets as the directory holds them: of an objectGUID as it stands there, which is not the order of its text
    /// form (\[MS-DTYP\] 2.3.4.2); of an entryUUID those of its text form (RFC 9562 section 4).
    fn guid_base64(&self) -> Option<String> {
        let held = self.values("objectGUID").first().map(identity::Value::as_bytes);
        if let Some(octets) = held.filter(|octets| octets.len() == 16) {
            return Some(STANDARD.encode(octets));
        }
        let mut octets = uuid_octets(&self.object.key.id)?;
        if held.is_some() {
            // objectGUID, but as text.
            for part in [0..4, 4..6, 6..8] {
                octets.get_mut(part)?.reverse();
            }
        }
        Some(STANDARD.encode(octets))
    }

    fn call(&self, function: Function, arguments: &[Node]) -> Outcome {
        use Function as F;
        match (function, arguments) {
            (F::First | F::Default, arguments) => {
                for argument in arguments {
                    if let Some(datum) = self.of(argument)? {
                        return Ok(Some(datum));
                    }
                }
                Ok(None)
            }
            (F::All, arguments) => self.all(arguments),
            (F::Join, [Node::Text(separator), parts @ ..]) => {
                let mut texts = Vec::new();
                for part in parts {
                    texts.extend(self.texts(part)?);
                }
                text_datum(texts.join(separator))
            }
            (F::Base64, [Node::Attribute(name)]) => {
                let octets = self.values(name).first().map_or(&[][..], identity::Value::as_bytes);
                text_datum(STANDARD.encode(octets))
            }
            (F::Eq, [a, b]) => {
                let b: HashSet<String> = self.texts(b)?.into_iter().collect();
                Ok(Some(Datum::Bool(self.texts(a)?.iter().any(|a| b.contains(a)))))
            }
            // Whether there is a text is known of octets, too.
            (F::Present, [a]) => Ok(Some(Datum::Bool(Evaluation { unread: None, ..*self }.of(a)?.is_some()))),
            (F::Not, [a]) => Ok(Some(Datum::Bool(!self.is_true(a)?))),
            (F::If, [condition, yes, no @ ..]) => {
                let chosen = if self.is_true(condition)? { Some(yes) } else { no.first() };
                chosen.map_or(Ok(None), |chosen| self.of(chosen))
            }
            (F::Switch, [subject, default, cases @ ..]) => self.switch(subject, default, cases),
            (function, arguments) => self.on_each(function, arguments),
        }
    }

    /// Functions that work on a text, and on a list text by text.
    fn on_each(&self, function: Function, arguments: &[Node]) -> Outcome {
        use Function as F;
        match (function, arguments) {
            (F::Lower, [a]) => self.each(a, |text| Some(text.to_lowercase())),
            (F::Upper, [a]) => self.each(a, |text| Some(text.to_uppercase())),
            (F::Trim, [a]) => self.each(a, |text| Some(text.trim().to_owned())),
            (F::Nfkc, [a]) => self.each(a, |text| Some(text.nfkc().collect())),
            (F::Phone, [a]) => self.each(a, |text| Some(phone(text))),
            (F::Domain, [a]) => self.each(a, |text| Some(text.rsplit_once('@')?.1.to_owned())),
            (F::Local, [a]) => self.each(a, |text| Some(text.rsplit_once('@')?.0.to_owned())),
            (F::Lookup, [Node::Text(table), a]) => {
                self.each(a, |text| self.tables.get(table)?.get(text).cloned())
            }
            (F::Substring, [a, Node::Number(from), Node::Number(length)]) => {
                self.each(a, |text| Some(text.chars().skip(*from).take(*length).collect()))
            }
            (F::Split, [a, Node::Text(separator), Node::Number(n)]) => self.each(a, |text| {
                if separator.is_empty() {
                    return text.chars().nth(*n).map(String::from);
                }
                text.split(separator.as_str()).nth(*n).map(str::to_owned)
            }),
            (F::Only, [a, Node::Pattern(pattern)]) => {
                self.each(a, |text| pattern.0.is_match(text).then(|| text.to_owned()))
            }
            (F::Replace, [a, Node::Pattern(pattern), Node::Text(with)]) => {
                let mut too_long = false;
                let datum = self.each(a, |text| {
                    let replaced = replaced(&pattern.0, text, with);
                    too_long |= replaced.is_none();
                    replaced
                })?;
                if too_long { Err(TooLong) } else { Ok(datum) }
            }
            // The parser lets no call with other arguments pass.
            _ => Ok(None),
        }
    }

    /// All values of all arguments, each once; the name of an attribute stands for all of its values.
    fn all(&self, arguments: &[Node]) -> Outcome {
        let mut texts = Vec::new();
        for argument in arguments {
            match argument {
                Node::Attribute(name) => {
                    let values = self.values(name);
                    self.note(name, values.iter().any(is_octets));
                    texts.extend(values.iter().filter_map(identity::Value::as_text).map(str::to_owned));
                }
                Node::Fact(Fact::Organization) => {
                    texts.extend(
                        self.object.facts.get(Fact::Organization.name()).cloned().unwrap_or_default(),
                    );
                }
                other => texts.extend(self.texts(other)?),
            }
        }
        list_datum(in_order(texts))
    }

    fn switch(&self, subject: &Node, default: &Node, cases: &[Node]) -> Outcome {
        let texts = self.texts(subject)?;
        let hit = cases.chunks_exact(2).find_map(|case| match case {
            [Node::Text(text), result] if texts.contains(text) => Some(result),
            _ => None,
        });
        self.of(hit.unwrap_or(default))
    }

    fn is_true(&self, node: &Node) -> Result<bool, TooLong> {
        Ok(match self.of(node)? {
            Some(Datum::Bool(truth)) => truth,
            // A boolean of LDAP (RFC 4517 section 3.3.3).
            Some(Datum::Text(text)) => text.eq_ignore_ascii_case("true"),
            Some(Datum::List(_)) | None => false,
        })
    }

    fn texts(&self, node: &Node) -> Result<Vec<String>, TooLong> {
        Ok(match self.of(node)? {
            None => Vec::new(),
            Some(Datum::Text(text)) => vec![text],
            Some(Datum::Bool(truth)) => vec![truth.to_string()],
            Some(Datum::List(list)) => list,
        })
    }

    fn each(&self, node: &Node, change: impl FnMut(&str) -> Option<String>) -> Outcome {
        let mut change = change;
        match self.of(node)? {
            None => Ok(None),
            Some(Datum::Text(text)) => text_datum(change(&text).unwrap_or_default()),
            Some(Datum::Bool(truth)) => text_datum(change(&truth.to_string()).unwrap_or_default()),
            Some(Datum::List(list)) => {
                let mut seen = HashSet::new();
                let changed = list.iter().filter_map(|text| change(text));
                list_datum(changed.filter(|text| seen.insert(text.clone())).collect())
            }
        }
    }
}

fn is_octets(value: &identity::Value) -> bool {
    value.as_text().is_none()
}

fn text_datum(text: String) -> Outcome {
    match text.len() {
        0 => Ok(None),
        1..=LONGEST_RESULT => Ok(Some(Datum::Text(text))),
        _ => Err(TooLong),
    }
}

fn list_datum(mut texts: Vec<String>) -> Outcome {
    texts.retain(|text| !text.is_empty());
    let length: usize = texts.iter().map(String::len).sum();
    match length {
        0 => Ok(None),
        1..=LONGEST_RESULT => Ok(Some(Datum::List(texts))),
        _ => Err(TooLong),
    }
}

/// A directory keeps values in no order (RFC 4512 section 2.2), and the same values must make the same list.
fn in_order(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn uuid_octets(text: &str) -> Option<Vec<u8>> {
    let digits = text.replace('-', "");
    data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok().filter(|octets| octets.len() == 16)
}

/// `None` when it becomes too long.
fn replaced(pattern: &Regex, text: &str, with: &str) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for found in pattern.captures_iter(text) {
        let whole = found.get(0)?;
        result.push_str(text.get(done..whole.start())?);
        found.expand(with, &mut result);
        done = whole.end();
        if result.len() > LONGEST_RESULT {
            return None;
        }
    }
    result.push_str(text.get(done..)?);
    (result.len() <= LONGEST_RESULT).then_some(result)
}

/// Digits alone, after a `+` where there is one. What holds anything else than digits and what people write between them
/// stays as it is.
fn phone(text: &str) -> String {
    let folded: String = text.nfkc().collect();
    let folded = folded.trim();
    let (plus, digits) = folded.strip_prefix('+').map_or(("", folded), |rest| ("+", rest));
    // The trunk prefix of the country is not dialled after its code.
    let digits = if plus.is_empty() { digits.to_owned() } else { digits.replacen("(0)", "", 1) };
    let between = |c: char| {
        c.is_whitespace() || "()-./\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}\u{30fc}".contains(c)
    };
    if !digits.chars().all(|c| c.is_ascii_digit() || between(c)) {
        return folded.to_owned();
    }
    let only: String = digits.chars().filter(char::is_ascii_digit).collect();
    if only.is_empty() { String::new() } else { format!("{plus}{only}") }
}
