//! PCRE patterns with delimiters and flags, as SimpleSAMLphp's filters take them, on Rust's regular expressions.
//!
//! A pattern is translated when the configuration is read and means what PCRE makes of it, or it is refused there with
//! the reason; it is never reinterpreted. Without the flag `u` PCRE matches octets, so `.` is one octet of a Japanese
//! character; with it characters, by their Unicode properties. `$` matches before a last line feed too, unless the flag
//! `D` is there.
//!
//! A pattern that starts with `^` and has no closing delimiter is taken as it stands, without flags: PHP would refuse it.
//!
//! ```
//! use sekisho::authproc::Pattern;
//!
//! assert!(Pattern::parse(r"/@example\.jp$/i")?.is_match("Tanaka@EXAMPLE.jp"));
//! assert!(Pattern::parse("{^(?:sales|it)-[0-9]{2}$}D")?.is_match("it-07"));
//! assert!(Pattern::parse("/(?=lookaround)/").is_err());
//! # Ok::<(), sekisho::authproc::PatternError>(())
//! ```

mod class;
mod substitution;
mod translate;

use std::ops::Range;

use regex::bytes::{Captures, Regex, RegexBuilder};
use regex_syntax::hir::Hir;

pub use substitution::{Substitution, SubstitutionError};
use translate::{Translated, Translator};

/// A translated pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
    flags: Flags,
    /// Where the pattern's own groups are among those of the translation.
    groups: Vec<usize>,
    /// The groups that hold the line feed which the translation of `$` takes in.
    ends: Vec<usize>,
}

/// A pattern is bad, or has no faithful translation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The first character cannot be a delimiter, or its partner is missing.
    #[error("it has no delimiters: write it as /.../")]
    Delimiter,
    /// A letter after the delimiter that is no flag.
    #[error("'{0}' is no flag: i, s, u, x, A, D, U and S are taken")]
    UnknownFlag(char),
    /// A flag without a faithful translation.
    #[error("the flag '{flag}' is not supported: {remedy}")]
    Flag {
        /// The flag.
        flag: char,
        /// What to do instead.
        remedy: &'static str,
    },
    /// A construct without a faithful translation.
    #[error("{construct} cannot be translated: {remedy}")]
    Untranslatable {
        /// What it is, in words.
        construct: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// PCRE would refuse it as well.
    #[error("{0}")]
    Bad(String),
}

impl PatternError {
    fn untranslatable(construct: impl Into<String>, remedy: &'static str) -> Self {
        Self::Untranslatable { construct: construct.into(), remedy }
    }
}

/// The flags behind the closing delimiter.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag letter, and any of them may stand together"
)]
struct Flags {
    /// `i`
    caseless: bool,
    /// `s`
    dot_all: bool,
    /// `x`
    extended: bool,
    /// `u`: characters and their properties instead of octets.
    unicode: bool,
    /// `A`
    anchored: bool,
    /// `D`
    dollar_end_only: bool,
    /// `U`
    ungreedy: bool,
}

impl Pattern {
    /// Translates `source`, a pattern with delimiters and flags.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let (body, flags) = match delimited(source) {
            Some((body, letters)) => (body, Flags::parse(letters)?),
            None if source.starts_with('^') => (source, Flags::default()),
            None => return Err(PatternError::Delimiter),
        };
        let Translated { text, groups, ends } = Translator::new(body, flags).translate()?;
        let regex = RegexBuilder::new(&text)
            .unicode(flags.unicode)
            .case_insensitive(flags.caseless)
            .dot_matches_new_line(flags.dot_all)
            .swap_greed(flags.ungreedy)
            .build()
            .map_err(|error| PatternError::Bad(reason(&error)))?;
        Ok(Self { source: source.to_owned(), regex, flags, groups, ends })
    }

    /// Whether the pattern matches somewhere in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        if self.flags.anchored {
            return self.regex.find(text.as_bytes()).is_some_and(|found| found.start() == 0);
        }
        self.regex.is_match(text.as_bytes())
    }

    /// The first match in `text`, in octets: without the flag u it may be a part of a character.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t [u8]> {
        let text = text.as_bytes();
        let captures = self.captures_at(text, 0)?;
        text.get(self.span(&captures, 0)?)
    }

    /// The first match at or after `start`; with the flag A at `start` alone.
    fn captures_at<'t>(&self, text: &'t [u8], start: usize) -> Option<Captures<'t>> {
        let captures = self.regex.captures_at(text, start)?;
        let here = captures.get(0).is_some_and(|whole| whole.start() == start);
        (here || !self.flags.anchored).then_some(captures)
    }

    /// Where a group of the pattern matched; 0 is the whole match. The line feed before which `$` matched is no part of
    /// any group.
    fn span(&self, captures: &Captures<'_>, group: usize) -> Option<Range<usize>> {
        let at = if group == 0 { 0 } else { *self.groups.get(group - 1)? };
        let found = captures.get(at)?;
        let mut ends = self.ends.iter().filter_map(|end| captures.get(*end));
        let cut = ends.find(|end| !end.is_empty()).map_or(usize::MAX, |end| end.start());
        Some(found.start().min(cut)..found.end().min(cut))
    }

    /// The structure of the translation.
    fn structure(&self) -> Option<Hir> {
        let mut parser = regex_syntax::ParserBuilder::new();
        parser.utf8(false).unicode(self.flags.unicode).case_insensitive(self.flags.caseless);
        parser.dot_matches_new_line(self.flags.dot_all).swap_greed(self.flags.ungreedy);
        parser.build().parse(self.regex.as_str()).ok()
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Flags {
    fn parse(letters: &str) -> Result<Self, PatternError> {
        let mut flags = Self::default();
        for letter in letters.chars() {
            match letter {
                'i' => flags.caseless = true,
                's' => flags.dot_all = true,
                'x' => flags.extended = true,
                'u' => flags.unicode = true,
                'A' => flags.anchored = true,
                'D' => flags.dollar_end_only = true,
                'U' => flags.ungreedy = true,
                // Studying a pattern changes no result; PHP skips white space here.
                'S' | ' ' | '\n' | '\r' => {}
                'm' => {
                    let remedy = "a value is one line: leave the flag out";
                    return Err(PatternError::Flag { flag: 'm', remedy });
                }
                'X' | 'J' | 'n' => {
                    let remedy = "leave the flag out";
                    return Err(PatternError::Flag { flag: letter, remedy });
                }
                other => return Err(PatternError::UnknownFlag(other)),
            }
        }
        Ok(flags)
    }
}

/// Splits a pattern at its delimiters as PHP does; nothing if there are none. A text that starts with `^` counts as
/// delimited by it only if flags alone follow the second one.
fn delimited(source: &str) -> Option<(&str, &str)> {
    let source = source.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let open = source.chars().next().filter(|c| c.is_ascii() && !c.is_ascii_alphanumeric())?;
    if matches!(open, '\\' | '\0') {
        return None;
    }
    let close = match open {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '<' => '>',
        same => same,
    };
    let inner = source.get(1..)?;
    let (mut depth, mut escaped) = (1_usize, false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == close => {
                depth -= 1;
                if depth == 0 {
                    let (body, rest) = inner.split_at(at);
                    let letters = rest.get(1..)?;
                    let flags_alone = letters.chars().all(|c| c.is_ascii_alphabetic());
                    return (open != '^' || flags_alone).then_some((body, letters));
                }
            }
            _ if c == open => depth += 1,
            _ => {}
        }
    }
    None
}

/// The last line of the regex crate's report: what is wrong, without the drawing of where.
fn reason(error: &regex::Error) -> String {
    let report = error.to_string();
    let last = report.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_phps() {
        for (source, body, letters) in [
            ("/a/", "a", ""),
            (" #a\\#b#i", "a\\#b", "i"),
            ("(a(b)c)x", "a(b)c", "x"),
            ("{a{2}}", "a{2}", ""),
            ("<a>", "a", ""),
            ("/a/iu\n", "a", "iu\n"),
            ("^a^i", "a", "i"),
        ] {
            assert_eq!(delimited(source), Some((body, letters)), "{source}");
        }
        for source in ["abc", "", "/abc", "\\a\\", "éaé", "(a", "^[^@]+@x$", "^a"] {
            assert_eq!(delimited(source), None, "{source}");
        }
    }

    #[test]
    fn what_pcre_matches_matches() {
        for (pattern, text, matches) in [
            ("/^a$/", "a\n", true),
            ("/^a$/D", "a\n", false),
            ("/^a\\Z/", "a\n", true),
            ("/^a\\z/", "a\n", false),
            ("/^(?:a$|b$)/", "b\n", true),
            ("/^a$/", "a\n\n", false),
            ("/^.$/", "田", false),
            ("/^.$/u", "田", true),
            ("/^...$/", "田", true),
            ("/^田+$/", "田田", false),
            ("/^田+$/u", "田田", true),
            ("/^[あ-ん]+$/u", "たなか", true),
            ("/\\w/", "田", false),
            ("/\\w/u", "田", true),
            ("/^a b # c\n$/x", "ab", true),
            ("/^a\\ b[ ]$/x", "a b ", true),
            ("/b/A", "ab", false),
            ("/a.b/s", "a\nb", true),
            ("/a.b/", "a\nb", false),
            ("/É/i", "é", false),
            ("/É/iu", "é", true),
            ("/^[]a]+$/", "]a", true),
            ("/^[a[&&-]+$/", "[&&-a", true),
            ("/^[a-c[:digit:]_-]+$/", "b7_-", true),
            ("/^a{,2}$/", "a{,2}", true),
            ("/^a{x}$/", "a{x}", true),
            ("/^\\Qa.b\\E$/", "a.b", true),
            ("/^(a(?i)b|c)$/", "C", true),
            ("/^\\x41\\x{42}$/", "AB", true),
            ("/^\\p{Lu}\\pL$/u", "Éa", true),
            ("/^(?<first>a)(?P<second>b)(?'third'c)$/", "abc", true),
            ("/^a(?#comment)b$/", "ab", true),
            (r"^[^@]+@example\.co\.jp$", "a@example.co.jp", true),
            (r"^[^@]+@example\.co\.jp$", "a@example.co.jp.evil", false),
        ] {
            let translated = Pattern::parse(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
            assert_eq!(translated.is_match(text), matches, "{pattern} on {text:?}: {translated:?}");
        }
    }

    #[test]
    fn what_is_bad_or_cannot_be_translated_is_refused() {
        for (pattern, said) in [
            ("abc", "no delimiters"),
            ("/a/q", "'q' is no flag"),
            ("/a/m", "the flag 'm'"),
            ("/a/e", "'e' is no flag"),
            ("/(/", "unclosed group"),
            ("/a)/", "unopened group"),
            ("/[a/", "unclosed character class"),
            ("/a**/", "a quantifier after a quantifier"),
            ("/a++/", "a quantifier after a quantifier"),
            ("/a{2}+/", "a quantifier after a quantifier"),
            ("/+a/", "nothing to repeat"),
            ("/^*/", "nothing to repeat"),
            (r"/(a)\1/", "a back reference"),
            (r"/(?<n>a)\k<n>/", "a back reference"),
            ("/a(?=b)/", "lookaround"),
            ("/(?<!b)a/", "lookaround"),
            ("/(?>a)/", "an atomic group"),
            ("/(?|a|b)/", "a branch reset group"),
            ("/(?R)/", "recursion"),
            ("/(?(1)a|b)/", "a condition"),
            ("/(*UTF8)a/", "a verb"),
            (r"/a\Kb/", r"\K"),
            (r"/a\yb/", r"\y"),
            ("/a$\\n/", "'$' before the end"),
            ("/(a$)?b/", "'$' before the end"),
            ("/[あ]/", "without the flag u"),
            (r"/\p{Han}/u", r"\p{Han}"),
            (r"/\pL/", r"\p without the flag u"),
            (r"/\bа/u", r"\b with the flag u"),
            (r"/[\w]/iu", r"\w in a class"),
            ("/[[:alpha:]]/u", "[:alpha:] with the flag u"),
            ("/[z-a]/", "range"),
            (r"/[\d-z]/", "range"),
            (r"/\012/", "octal"),
            ("/a\\", "no delimiters"),
        ] {
            let refused = Pattern::parse(pattern).expect_err(pattern).to_string();
            assert!(refused.contains(said), "{pattern}: {refused}");
        }
    }
}
