//! From text to [`Node`], in one pass, with errors that say where and what was expected.

use regex::RegexBuilder;

use super::syntax::{FUNCTIONS, Fact, Node, Parameter, Pattern, Signature, is_attribute};
use super::{DEEPEST, LONGEST};

/// Octets of a compiled pattern.
const LARGEST_PATTERN: usize = 1 << 20;

/// Octets of what replaces a match: it may name the match again and again.
pub(super) const LONGEST_REPLACEMENT: usize = 256;

/// Positions and lengths that a function may be given.
const LARGEST_NUMBER: usize = 65_535;

/// A text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {position}: {fault}")]
pub struct ExpressionError {
    /// Where, in characters from 1 on.
    pub position: usize,
    /// Why.
    pub fault: SyntaxFault,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxFault {
    /// Something else belongs there.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// There is no such function.
    #[error("there is no function \"{name}\"; {hint}")]
    UnknownFunction {
        /// As it is written.
        name: String,
        /// The nearest one, or all.
        hint: String,
    },
    /// There is no such fact.
    #[error("there is no fact \"{name}\"; {hint}")]
    UnknownFact {
        /// As it is written.
        name: String,
        /// The nearest one, or all.
        hint: String,
    },
    /// The name of a function without its brackets.
    #[error("\"{0}\" is a function: write {0}(..), or attr(\"{0}\") for an attribute of that name")]
    BareFunction(String),
    /// Too few or too many arguments.
    #[error("write {usage}: {given} arguments were given")]
    Arguments {
        /// How the function is called.
        usage: &'static str,
        /// How many there are.
        given: usize,
    },
    /// A text does not end.
    #[error("the text that begins here has no closing \"")]
    OpenText,
    /// Only `\"` and `\\` are known.
    #[error("write \\\\ for a backslash and \\\" for a quotation mark")]
    Escape,
    /// A pattern is none.
    #[error("no regular expression: {0}")]
    Pattern(String),
    /// What replaces a match is too long.
    #[error(
        "the replacement is longer than {LONGEST_REPLACEMENT} octets; name groups of the pattern instead"
    )]
    LongReplacement,
    /// The expression is too long.
    #[error("the expression is longer than {LONGEST} octets; move texts into a lookup table")]
    TooLong,
    /// The expression is too deep.
    #[error("more than {DEEPEST} calls stand in one another; make first(..) or switch(..) of them")]
    TooDeep,
}

pub(super) fn expression(text: &str) -> Result<Node, ExpressionError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    if text.len() > LONGEST {
        parser.at = text.floor_char_boundary(LONGEST);
        return Err(parser.error(SyntaxFault::TooLong));
    }
    let node = parser.any()?;
    parser.blanks();
    if parser.rest().is_empty() { Ok(node) } else { Err(parser.expected("the end, or a comma before it")) }
}

struct Parser<'t> {
    text: &'t str,
    /// In octets.
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// What begins here and consists of such characters.
    fn word(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let word = rest.get(..rest.find(|c| !fits(c)).unwrap_or(rest.len())).unwrap_or_default();
        self.at += word.len();
        word
    }

    /// Goes past blanks and `mark`, if it stands there.
    fn takes(&mut self, mark: char) -> bool {
        self.blanks();
        let there = self.rest().starts_with(mark);
        self.at += if there { mark.len_utf8() } else { 0 };
        there
    }

    fn error(&self, fault: SyntaxFault) -> ExpressionError {
        Self::error_at(self.text, self.at, fault)
    }

    fn error_at(text: &str, at: usize, fault: SyntaxFault) -> ExpressionError {
        let before = text.get(..at).unwrap_or_default();
        ExpressionError { position: before.chars().count() + 1, fault }
    }

    fn expected(&self, expected: &'static str) -> ExpressionError {
        let rest = self.rest();
        let found = match rest.chars().next() {
            None => "the end".to_owned(),
            Some(_) => format!("\"{}\"", rest.chars().take(12).collect::<String>()),
        };
        self.error(SyntaxFault::Expected { expected, found })
    }

    fn any(&mut self) -> Result<Node, ExpressionError> {
        self.blanks();
        let start = self.at;
        match self.rest().chars().next() {
            Some('"') => self.quoted().map(Node::Text),
            Some('@') => self.fact(),
            Some(c) if c.is_ascii_alphabetic() => {
                let name = self.word(|c| c.is_ascii_alphanumeric() || "-;_".contains(c));
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(Self::error_at(self.text, start, SyntaxFault::TooDeep));
                }
                let node = self.named(name, start);
                self.depth -= 1;
                node
            }
            _ => Err(self.expected("an attribute, a function, a text in quotes, or a fact such as @guid")),
        }
    }

    /// What begins with a name: an attribute, a boolean, a call.
    fn named(&mut self, name: &'t str, start: usize) -> Result<Node, ExpressionError> {
        let fault = |fault| Self::error_at(self.text, start, fault);
        let after = self.at;
        let signature = FUNCTIONS.iter().find(|known| known.name == name);
        if !self.takes('(') {
            self.at = after;
            return match (name, signature) {
                ("true", _) => Ok(Node::Bool(true)),
                ("false", _) => Ok(Node::Bool(false)),
                ("attr", _) | (_, Some(_)) => Err(fault(SyntaxFault::BareFunction(name.to_owned()))),
                _ => self.attribute(name, start),
            };
        }
        match signature {
            Some(signature) => self.call(signature, start),
            None if name == "attr" => self.attr(),
            None => {
                let known: Vec<&str> = FUNCTIONS.iter().map(|known| known.name).collect();
                let hint = hint(name, &known);
                Err(fault(SyntaxFault::UnknownFunction { name: name.to_owned(), hint }))
            }
        }
    }

    fn attribute(&self, name: &str, start: usize) -> Result<Node, ExpressionError> {
        if is_attribute(name) && !name.contains('_') {
            return Ok(Node::Attribute(name.to_owned()));
        }
        let expected = "an attribute's name of letters, digits and \"-\", with options after \";\" \
                        (others: attr(\"name\"))";
        let found = format!("\"{name}\"");
        Err(Self::error_at(self.text, start, SyntaxFault::Expected { expected, found }))
    }

    /// What follows `attr(`.
    fn attr(&mut self) -> Result<Node, ExpressionError> {
        self.blanks();
        let start = self.at;
        let name = self.quoted()?;
        if !is_attribute(&name) {
            self.at = start;
            return Err(self.expected("the name of an attribute in quotes"));
        }
        if self.takes(')') { Ok(Node::Attribute(name)) } else { Err(self.expected("\")\"")) }
    }

    fn fact(&mut self) -> Result<Node, ExpressionError> {
        let start = self.at;
        self.at += 1;
        let word = self.word(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let known = Fact::ALL.into_iter().find(|(name, _)| name.get(1..) == Some(word));
        known.map(|(_, fact)| Node::Fact(fact)).ok_or_else(|| {
            let name = format!("@{word}");
            let hint = hint(&name, &Fact::ALL.map(|(name, _)| name));
            Self::error_at(self.text, start, SyntaxFault::UnknownFact { name, hint })
        })
    }

    fn call(&mut self, signature: &Signature, start: usize) -> Result<Node, ExpressionError> {
        let Signature { function, usage, fixed, more, most, .. } = signature;
        let mut arguments = Vec::new();
        let mut places = fixed.iter().chain(more.iter().cycle());
        let allowed = more.len().saturating_mul(*most).saturating_add(fixed.len());
        let count = |given| Self::error_at(self.text, start, SyntaxFault::Arguments { usage, given });
        if !self.takes(')') {
            loop {
                let place = places.next().filter(|_| arguments.len() < allowed);
                let Some(place) = place else { return Err(count(arguments.len() + 1)) };
                arguments.push(self.argument(*place)?);
                if self.takes(')') {
                    break;
                }
                if !self.takes(',') {
                    return Err(self.expected("\",\" or \")\""));
                }
            }
        }
        let over = arguments.len().checked_sub(fixed.len());
        let whole = over.is_some_and(|over| over == 0 || over.checked_rem(more.len()) == Some(0));
        if whole { Ok(Node::Call(*function, arguments)) } else { Err(count(arguments.len())) }
    }

    fn argument(&mut self, place: Parameter) -> Result<Node, ExpressionError> {
        self.blanks();
        let start = self.at;
        let fault = |fault| Self::error_at(self.text, start, fault);
        match place {
            Parameter::Any => self.any(),
            Parameter::Attribute => {
                let node = self.any()?;
                if !matches!(node, Node::Attribute(_)) {
                    self.at = start;
                    return Err(self.expected("an attribute"));
                }
                Ok(node)
            }
            Parameter::Text => self.quoted().map(Node::Text),
            Parameter::Replacement => {
                let text = self.quoted()?;
                let fits = text.len() <= LONGEST_REPLACEMENT;
                if fits { Ok(Node::Text(text)) } else { Err(fault(SyntaxFault::LongReplacement)) }
            }
            Parameter::Pattern => {
                let text = self.quoted()?;
                let regex = RegexBuilder::new(&text).size_limit(LARGEST_PATTERN).build();
                regex.map(|regex| Node::Pattern(Pattern(regex))).map_err(|error| {
                    let reason = error.to_string();
                    let last = reason.lines().last().unwrap_or_default();
                    fault(SyntaxFault::Pattern(last.trim_start_matches("error: ").to_owned()))
                })
            }
            Parameter::Number => {
                let number = self.word(|c| c.is_ascii_digit()).parse().ok();
                number.filter(|number| *number <= LARGEST_NUMBER).map(Node::Number).ok_or_else(|| {
                    self.at = start;
                    self.expected("a number from 0 to 65535")
                })
            }
        }
    }

    /// A text in quotes, at this very place.
    fn quoted(&mut self) -> Result<String, ExpressionError> {
        let start = self.at;
        if !self.takes('"') {
            return Err(self.expected("a text in quotes"));
        }
        let mut text = String::new();
        let mut rest = self.rest().char_indices();
        while let Some((at, c)) = rest.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' => match rest.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    _ => return Err(Self::error_at(self.text, self.at + at, SyntaxFault::Escape)),
                },
                c => text.push(c),
            }
        }
        Err(Self::error_at(self.text, start, SyntaxFault::OpenText))
    }
}

/// The end of an error sentence: the nearest known word, else all of them.
fn hint(word: &str, known: &[&str]) -> String {
    let typed: String = word.to_lowercase().chars().take(40).collect();
    let nearest = known.iter().map(|known| (strsim::osa_distance(&typed, known), known));
    let nearest = nearest.filter(|(steps, known)| *steps <= known.chars().count().div_ceil(3));
    match nearest.min_by_key(|(steps, _)| *steps) {
        Some((_, meant)) => format!("did you mean \"{meant}\"?"),
        None => format!("known are: {}", known.join(", ")),
    }
}
