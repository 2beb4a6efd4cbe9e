//! From PCRE syntax to that of the regex crate, one construct at a time; what is not listed here is refused.

use std::iter::Peekable;
use std::str::Chars;

use super::{Flags, PatternError};

/// Walks over a pattern once.
pub(super) struct Translator<'p> {
    pub(super) rest: Peekable<Chars<'p>>,
    pub(super) out: String,
    pub(super) flags: Flags,
    /// For each open group, whether a `$` ends one of its branches.
    groups: Vec<bool>,
    last: Last,
    /// A `$` stands here that may take a line feed into the match, so that nothing may follow in this branch.
    ended: bool,
    /// The same for the branches before, at the top level or in the open group.
    branch_ended: bool,
    /// Capturing groups so far, with those of [`Self::end`].
    captures: usize,
    groups_at: Vec<usize>,
    ends_at: Vec<usize>,
}

/// A pattern in the syntax of the regex crate.
pub(super) struct Translated {
    pub(super) text: String,
    /// Where the groups of the pattern are among those of the translation.
    pub(super) groups: Vec<usize>,
    /// The groups that a `$` may take a last line feed into.
    pub(super) ends: Vec<usize>,
}

/// What a quantifier would apply to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Atom,
    Quantified,
}

const REWRITE: &str = "write the pattern without it";

impl<'p> Translator<'p> {
    pub(super) fn new(body: &'p str, flags: Flags) -> Self {
        Self {
            rest: body.chars().peekable(),
            out: String::new(),
            flags,
            groups: Vec::new(),
            last: Last::Nothing,
            ended: false,
            branch_ended: false,
            captures: 0,
            groups_at: Vec::new(),
            ends_at: Vec::new(),
        }
    }

    pub(super) fn translate(mut self) -> Result<Translated, PatternError> {
        while let Some(c) = self.rest.next() {
            if self.flags.extended && self.skipped(c)? {
                continue;
            }
            if self.ended && !matches!(c, ')' | '|') {
                let remedy = "nothing may follow '$' but '|' and ')'; or take the flag D";
                return Err(PatternError::untranslatable("'$' before the end", remedy));
            }
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => self.branch(),
                '*' | '+' | '?' => self.quantify(&c.to_string())?,
                '{' => self.brace()?,
                '^' => self.anchor("\\A"),
                '$' if self.flags.dollar_end_only => self.anchor("\\z"),
                '$' => self.end(),
                '.' => self.atom("."),
                other => self.literal(other),
            }
        }
        if !self.groups.is_empty() {
            return Err(PatternError::Bad("unclosed group".to_owned()));
        }
        Ok(Translated { text: self.out, groups: self.groups_at, ends: self.ends_at })
    }

    /// White space and comments of the flag `x`.
    fn skipped(&mut self, c: char) -> Result<bool, PatternError> {
        match c {
            '#' => {
                self.rest.by_ref().find(|c| *c == '\n');
                Ok(true)
            }
            ' ' | '\t'..='\r' => Ok(true),
            // PCRE skips some of them with the flag u, by its version.
            other if other.is_whitespace() || matches!(other, '\u{200e}' | '\u{200f}') => {
                Err(PatternError::untranslatable(
                    "white space beyond ASCII with the flag x",
                    "write it as \\x{...}",
                ))
            }
            _ => Ok(false),
        }
    }

    pub(super) fn atom(&mut self, translated: &str) {
        self.out.push_str(translated);
        self.last = Last::Atom;
    }

    fn anchor(&mut self, translated: &str) {
        self.out.push_str(translated);
        self.last = Last::Nothing;
    }

    /// `$` and `\Z`: the end, or before a line feed that ends the text.
    fn end(&mut self) {
        self.anchor("(?:(\\n?)\\z)");
        self.captures += 1;
        self.ends_at.push(self.captures);
        self.ended = true;
    }

    pub(super) fn literal(&mut self, c: char) {
        if c.is_ascii() || self.flags.unicode {
            self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        } else {
            // Octet by octet: a quantifier that follows repeats the last octet, as in PCRE.
            for octet in c.encode_utf8(&mut [0; 4]).bytes() {
                self.out.push_str(&octet_text(octet.into()));
            }
        }
        self.last = Last::Atom;
    }

    fn branch(&mut self) {
        self.out.push('|');
        self.last = Last::Nothing;
        self.branch_ended |= self.ended;
        self.ended = false;
    }

    fn close(&mut self) -> Result<(), PatternError> {
        let Some(outer) = self.groups.pop() else {
            return Err(PatternError::Bad("unopened group".to_owned()));
        };
        self.atom(")");
        self.ended |= self.branch_ended;
        self.branch_ended = outer;
        Ok(())
    }

    fn group(&mut self, opening: &str) {
        self.out.push_str(opening);
        self.groups.push(self.branch_ended);
        self.branch_ended = false;
        self.last = Last::Nothing;
    }

    fn capture(&mut self, opening: &str) {
        self.group(opening);
        self.captures += 1;
        self.groups_at.push(self.captures);
    }

    fn open(&mut self) -> Result<(), PatternError> {
        if self.rest.peek() == Some(&'*') {
            return Err(PatternError::untranslatable("a verb such as (*UTF8)", "use flags"));
        }
        if self.rest.next_if_eq(&'?').is_none() {
            self.capture("(");
            return Ok(());
        }
        let refused = |construct: &str| Err(PatternError::untranslatable(construct, REWRITE));
        match self.rest.next() {
            Some(':') => self.group("(?:"),
            Some('#') => {
                if !self.rest.any(|c| c == ')') {
                    return Err(PatternError::Bad("unclosed comment".to_owned()));
                }
            }
            Some('=' | '!') => return refused("lookaround"),
            Some('<') if matches!(self.rest.peek(), Some('=' | '!')) => return refused("lookaround"),
            Some('<') => self.named('>')?,
            Some('\'') => self.named('\'')?,
            Some('P') if self.rest.next_if_eq(&'<').is_some() => self.named('>')?,
            Some('>') => return refused("an atomic group"),
            Some('|') => return refused("a branch reset group"),
            Some('(') => return refused("a condition"),
            Some('R' | '&' | '+' | '0'..='9' | 'P') => return refused("recursion"),
            Some(letter) => self.inline_flags(letter)?,
            None => return Err(PatternError::Bad("unclosed group".to_owned())),
        }
        Ok(())
    }

    fn named(&mut self, closing: char) -> Result<(), PatternError> {
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        if name.is_empty()
            || name.starts_with(|c: char| c.is_ascii_digit())
            || self.rest.next() != Some(closing)
        {
            return Err(PatternError::Bad("a group name must be letters, digits and _".to_owned()));
        }
        self.capture(&format!("(?P<{name}>"));
        Ok(())
    }

    /// `(?i)`, `(?-s)`, `(?i:...)`: the letters that mean the same in both.
    fn inline_flags(&mut self, first: char) -> Result<(), PatternError> {
        let mut letters = String::new();
        let mut next = Some(first);
        loop {
            match next {
                Some(')') => {
                    self.anchor(&format!("(?{letters})"));
                    return Ok(());
                }
                Some(':') => {
                    self.group(&format!("(?{letters}:"));
                    return Ok(());
                }
                Some('i') => {
                    // Never taken back: it only makes the refusals below stricter.
                    self.flags.caseless = true;
                    letters.push('i');
                }
                Some('s') => letters.push('s'),
                Some('-') if !letters.contains('-') => letters.push('-'),
                _ => {
                    let remedy = "i and s alone may stand inside a pattern";
                    return Err(PatternError::untranslatable("an inline flag", remedy));
                }
            }
            next = self.rest.next();
        }
    }

    fn quantify(&mut self, quantifier: &str) -> Result<(), PatternError> {
        match self.last {
            Last::Nothing => return Err(PatternError::Bad(format!("nothing to repeat before {quantifier}"))),
            Last::Quantified => {
                let remedy =
                    "possessive and double quantifiers have no counterpart: leave the second one out";
                return Err(PatternError::untranslatable("a quantifier after a quantifier", remedy));
            }
            Last::Atom => {}
        }
        self.out.push_str(quantifier);
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        self.last = Last::Quantified;
        Ok(())
    }

    /// `{n}`, `{n,}` and `{n,m}` are quantifiers; any other brace is itself.
    fn brace(&mut self) -> Result<(), PatternError> {
        let ahead: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let closed = self.rest.clone().any(|c| c == '}');
        let (from, to) = ahead.split_once(',').unwrap_or((&ahead, ""));
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if !closed || from.is_empty() || !digits(from) || !digits(to) {
            self.literal('{');
            return Ok(());
        }
        for _ in 0..=ahead.len() {
            self.rest.next();
        }
        self.quantify(&format!("{{{ahead}}}"))
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        let Some(c) = self.rest.next() else {
            return Err(PatternError::Bad("a backslash at the end".to_owned()));
        };
        match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => self.shorthand(c),
            'b' | 'B' if self.flags.unicode => {
                let construct = format!("\\{c} with the flag u");
                return Err(PatternError::untranslatable(construct, "what a word is differs: leave u out"));
            }
            'b' | 'B' => self.anchor(if c == 'b' { "\\b" } else { "\\B" }),
            'A' => self.anchor("\\A"),
            'z' => self.anchor("\\z"),
            'Z' => self.end(),
            'Q' => self.quote(),
            'E' => {}
            'p' | 'P' => {
                let property = self.property(c)?;
                self.atom(&format!("(?-i:{property})"));
            }
            'g' | 'k' | '1'..='9' => return Err(PatternError::untranslatable("a back reference", REWRITE)),
            other => {
                let code = self.code(other)?;
                let translated = self.code_text(code);
                self.atom(&translated);
            }
        }
        Ok(())
    }

    /// `\w` and `\s` with the flag u are PCRE's sets, which are not Rust's.
    fn shorthand(&mut self, letter: char) {
        let translated = match letter {
            'w' | 's' if self.flags.unicode => format!("(?-i:[{}])", unicode_set(letter)),
            'W' | 'S' if self.flags.unicode => {
                format!("(?-i:[^{}])", unicode_set(letter.to_ascii_lowercase()))
            }
            same => format!("\\{same}"),
        };
        self.atom(&translated);
    }

    /// `\Q...\E`
    fn quote(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(c);
        }
    }

    /// `\pL` and `\p{Lu}`: the general categories, which are the same everywhere. Script names are not: PCRE changed
    /// what they mean.
    pub(super) fn property(&mut self, letter: char) -> Result<String, PatternError> {
        if !self.flags.unicode {
            return Err(PatternError::untranslatable(
                format!("\\{letter} without the flag u"),
                "add the flag u",
            ));
        }
        let mut name = String::new();
        if self.rest.next_if_eq(&'{').is_some() {
            name.extend(self.rest.by_ref().take_while(|c| *c != '}'));
        } else {
            name.extend(self.rest.next());
        }
        let known = [
            "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd",
            "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
        ];
        if !known.contains(&name.as_str()) {
            let remedy =
                "general categories such as Lu are taken; write scripts as ranges: [\\x{3041}-\\x{3096}]";
            return Err(PatternError::untranslatable(format!("\\{letter}{{{name}}}"), remedy));
        }
        Ok(format!("\\{letter}{{{name}}}"))
    }

    /// The code point, or the octet without the flag u, of an escape that stands for one character.
    pub(super) fn code(&mut self, letter: char) -> Result<u32, PatternError> {
        match letter {
            'n' => Ok(0x0A),
            'r' => Ok(0x0D),
            't' => Ok(0x09),
            'a' => Ok(0x07),
            'e' => Ok(0x1B),
            'f' => Ok(0x0C),
            'x' => self.hexadecimal(),
            '0'..='9' | 'o' => Err(PatternError::untranslatable("an octal escape", "write it as \\x{...}")),
            c if c.is_ascii_alphanumeric() => Err(PatternError::untranslatable(format!("\\{c}"), REWRITE)),
            c if c.is_ascii() || self.flags.unicode => Ok(u32::from(c)),
            c => Err(PatternError::untranslatable(format!("\\{c} without the flag u"), "add the flag u")),
        }
    }

    /// A code as the regex crate writes it: an octet without the flag u.
    pub(super) fn code_text(&self, code: u32) -> String {
        if self.flags.unicode { format!("\\x{{{code:X}}}") } else { octet_text(code) }
    }

    fn hexadecimal(&mut self) -> Result<u32, PatternError> {
        let digits: String = if self.rest.next_if_eq(&'{').is_some() {
            self.rest.by_ref().take_while(|c| *c != '}').collect()
        } else {
            self.rest.by_ref().take(2).collect()
        };
        let code = u32::from_str_radix(&digits, 16).ok().filter(|_| !digits.starts_with('+'));
        let code = code
            .filter(|code| if self.flags.unicode { char::from_u32(*code).is_some() } else { *code < 256 });
        let remedy = "give it two digits, or {...} with a character's code";
        code.ok_or_else(|| PatternError::untranslatable("\\x without a code", remedy))
    }
}

fn octet_text(octet: u32) -> String {
    format!("\\x{octet:02X}")
}

/// What PCRE2's `\w` and `\s` hold with Unicode properties.
pub(super) fn unicode_set(letter: char) -> &'static str {
    if letter == 'w' { "\\p{L}\\p{N}_" } else { "\\p{Z}\\t-\\r\\x{85}\\x{180E}" }
}
