//! Character classes: PCRE's members and ranges, written so that the regex crate's own class syntax (nested classes,
//! `&&`, `--`, `~~`) never comes into play.

use super::PatternError;
use super::translate::{Translator, unicode_set};

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// One member of a class.
enum Member {
    /// A character, or an octet without the flag u: it may begin or end a range.
    Code(u32),
    /// A set that is already translated.
    Set(String),
}

impl Translator<'_> {
    /// A class, after its `[`.
    pub(super) fn class(&mut self) -> Result<(), PatternError> {
        let mut class = String::from("[");
        if self.rest.next_if_eq(&'^').is_some() {
            class.push('^');
        }
        let mut first = true;
        loop {
            let c = self.rest.next().ok_or_else(unclosed)?;
            if c == ']' && !first {
                break;
            }
            first = false;
            let member = self.member(c)?;
            let end = self.range_end()?;
            match (member, end) {
                (Member::Code(code), None) => class.push_str(&self.code_text(code)),
                (Member::Set(set), None) => class.push_str(&set),
                (Member::Code(from), Some(Member::Code(to))) if from <= to => {
                    class.push_str(&format!("{}-{}", self.code_text(from), self.code_text(to)));
                }
                _ => {
                    return Err(PatternError::Bad(
                        "a range in a class needs a lower and a higher end".to_owned(),
                    ));
                }
            }
        }
        class.push(']');
        self.atom(&class);
        Ok(())
    }

    /// What follows a `-`, unless that `-` is the last member.
    fn range_end(&mut self) -> Result<Option<Member>, PatternError> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || ahead.next() == Some(']') {
            return Ok(None);
        }
        self.rest.next();
        let c = self.rest.next().ok_or_else(unclosed)?;
        self.member(c).map(Some)
    }

    fn member(&mut self, c: char) -> Result<Member, PatternError> {
        match c {
            '[' if self.rest.peek() == Some(&':') => self.posix(),
            '[' if matches!(self.rest.peek(), Some('.' | '=')) => {
                Err(PatternError::untranslatable("a collating element", "write \\[ for the character"))
            }
            '\\' => self.class_escape(),
            c if c.is_ascii() || self.flags.unicode => Ok(Member::Code(u32::from(c))),
            c => {
                let construct = format!("'{c}' in a class without the flag u");
                Err(PatternError::untranslatable(construct, "it would be single octets: add the flag u"))
            }
        }
    }

    /// `[:name:]` and `[:^name:]`; a `[` that starts neither is itself.
    fn posix(&mut self) -> Result<Member, PatternError> {
        let name: String =
            self.rest.clone().skip(1).take_while(|c| c.is_ascii_alphabetic() || *c == '^').collect();
        let length = name.chars().count();
        let closing: String = self.rest.clone().skip(1 + length).take(2).collect();
        if closing != ":]" {
            return Ok(Member::Code(u32::from('[')));
        }
        if !POSIX.contains(&name.strip_prefix('^').unwrap_or(&name)) {
            return Err(PatternError::Bad(format!("[:{name}:] is no class")));
        }
        if self.flags.unicode {
            let construct = format!("[:{name}:] with the flag u");
            return Err(PatternError::untranslatable(construct, "write \\p{L}, \\d or a range"));
        }
        for _ in 0..length + 3 {
            self.rest.next();
        }
        Ok(Member::Set(format!("[:{name}:]")))
    }

    fn class_escape(&mut self) -> Result<Member, PatternError> {
        let Some(c) = self.rest.next() else {
            return Err(PatternError::Bad("a backslash at the end".to_owned()));
        };
        match c {
            'b' => Ok(Member::Code(0x08)),
            // Case folding inside a class would widen the sets.
            'w' | 'W' | 'p' | 'P' if self.flags.unicode && self.flags.caseless => {
                let construct = format!("\\{c} in a class with the flags i and u");
                Err(PatternError::untranslatable(construct, "leave one of the flags out"))
            }
            'w' | 's' if self.flags.unicode => Ok(Member::Set(unicode_set(c).to_owned())),
            'W' | 'S' if self.flags.unicode => {
                Ok(Member::Set(format!("[^{}]", unicode_set(c.to_ascii_lowercase()))))
            }
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => Ok(Member::Set(format!("\\{c}"))),
            'p' | 'P' => self.property(c).map(Member::Set),
            other => self.code(other).map(Member::Code),
        }
    }
}

fn unclosed() -> PatternError {
    PatternError::Bad("unclosed character class".to_owned())
}
