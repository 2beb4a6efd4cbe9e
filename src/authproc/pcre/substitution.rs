//! A pattern with a replacement, as PHP's `preg_replace` takes them: every match is replaced, and the replacement may
//! name groups.
//!
//! `$1`, `${1}` and `\1` stand for a group, `$0` for the whole match, each with one or two digits; a backslash takes the
//! meaning from a `$` or a backslash behind it. A group that is not in the pattern is refused (PHP writes nothing for it).
//!
//! ```
//! use sekisho::authproc::Substitution;
//!
//! let role = Substitution::parse(r"/^CN=aws-([^,]+),.*$/i", "arn:aws:iam::123456789012:role/$1")?;
//! let replaced = role.replace("CN=AWS-admin,OU=Groups,DC=example,DC=jp");
//! assert_eq!(replaced, b"arn:aws:iam::123456789012:role/admin");
//! # Ok::<(), sekisho::authproc::SubstitutionError>(())
//! ```

use regex_syntax::hir::{Hir, HirKind};

use super::{Pattern, PatternError};

/// What `preg_replace` does with one pattern and one replacement.
#[derive(Debug, Clone)]
pub struct Substitution {
    pattern: Pattern,
    replacement: Vec<Piece>,
}

/// A pattern or its replacement is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubstitutionError {
    /// The pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The replacement names a group that the pattern does not have.
    #[error("the replacement names group {group}, and the pattern has {groups}: write ${{1}} before a digit")]
    Group {
        /// The group.
        group: usize,
        /// How many the pattern has.
        groups: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Group(usize),
}

impl Substitution {
    /// Translates `pattern` (see [`Pattern::parse`]) and reads `replacement`.
    pub fn parse(pattern: &str, replacement: &str) -> Result<Self, SubstitutionError> {
        let pattern = Pattern::parse(pattern)?;
        if !pattern.structure().is_some_and(|structure| is_eager(&structure)) {
            let construct = "a pattern in a replacement that prefers nothing to something";
            let remedy = "make quantifiers greedy, and put a branch that may be empty last";
            return Err(PatternError::untranslatable(construct, remedy).into());
        }
        let replacement = pieces(replacement);
        let groups = pattern.groups.len();
        for piece in &replacement {
            match piece {
                Piece::Group(group) if *group > groups => {
                    return Err(SubstitutionError::Group { group: *group, groups });
                }
                _ => {}
            }
        }
        Ok(Self { pattern, replacement })
    }

    /// `text` with every match replaced. Without the flag u a match may be a part of a character, so that the result may
    /// be no UTF-8.
    pub fn replace(&self, text: &str) -> Vec<u8> {
        let text = text.as_bytes();
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
        let (mut replaced, mut copied, mut at) = (Vec::with_capacity(text.len()), 0, 0);
        while let Some(captures) = self.pattern.captures_at(text, at) {
            let Some(found) = self.pattern.span(&captures, 0) else { break };
            replaced.extend_from_slice(part(copied..found.start));
            for piece in &self.replacement {
                match piece {
                    Piece::Literal(literal) => replaced.extend_from_slice(literal.as_bytes()),
                    Piece::Group(group) => {
                        replaced.extend_from_slice(self.pattern.span(&captures, *group).map_or(&[], part));
                    }
                }
            }
            copied = found.end;
            at = found.end;
            if found.is_empty() {
                if at >= text.len() {
                    break;
                }
                at += self.width(text, at);
            }
        }
        replaced.extend_from_slice(part(copied..text.len()));
        replaced
    }

    /// After a match of nothing PHP goes on behind the next octet, or character.
    fn width(&self, text: &[u8], at: usize) -> usize {
        let rest = text.iter().skip(at + 1);
        1 + if self.pattern.flags.unicode {
            rest.take_while(|octet| **octet & 0xC0 == 0x80).count()
        } else {
            0
        }
    }
}

/// Whether the pattern matches nothing only where it could not match something. After a match of nothing PHP looks for
/// one of something at the same place, for which the regex crate has no counterpart: for these patterns there is none.
fn is_eager(structure: &Hir) -> bool {
    if structure.properties().minimum_len().is_none_or(|least| least > 0) {
        return true;
    }
    match structure.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => true,
        HirKind::Repetition(repetition) => repetition.greedy && is_eager(&repetition.sub),
        HirKind::Capture(capture) => is_eager(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(is_eager),
        HirKind::Alternation(branches) => {
            let may_be_empty = |branch: &Hir| branch.properties().minimum_len() == Some(0);
            let last = branches.len().saturating_sub(1);
            !branches.iter().take(last).any(may_be_empty) && branches.last().is_none_or(is_eager)
        }
    }
}

/// Reads a replacement as PHP does.
fn pieces(replacement: &str) -> Vec<Piece> {
    let (mut pieces, mut literal) = (Vec::new(), String::new());
    let mut rest = replacement;
    let mut after_backslash = false;
    while let Some(c) = rest.chars().next() {
        if matches!(c, '\\' | '$') {
            if after_backslash {
                literal.pop();
                literal.push(c);
                after_backslash = false;
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            if let Some((group, behind)) = reference(rest) {
                pieces.extend((!literal.is_empty()).then(|| Piece::Literal(std::mem::take(&mut literal))));
                pieces.push(Piece::Group(group));
                rest = behind;
                continue;
            }
        }
        after_backslash = c == '\\';
        literal.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    pieces.extend((!literal.is_empty()).then_some(Piece::Literal(literal)));
    pieces
}

/// `\1`, `$1` or `${1}` at the start of `text`, and what comes behind it.
fn reference(text: &str) -> Option<(usize, &str)> {
    let braced = text.strip_prefix("${");
    let digits = braced.or_else(|| text.get(1..))?;
    let count = digits.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, behind) = digits.split_at_checked(count)?;
    let behind = if braced.is_some() { behind.strip_prefix('}')? } else { behind };
    Some((number.parse().ok()?, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(pattern: &str, replacement: &str, text: &str) -> String {
        let substitution = Substitution::parse(pattern, replacement).unwrap();
        String::from_utf8(substitution.replace(text)).unwrap()
    }

    #[test]
    fn what_preg_replace_gives() {
        for (pattern, replacement, text, expected) in [
            ("/a/", "b", "aca", "bcb"),
            ("/(a)(b)?/", "<$2\\1${0}>", "a", "<aa>"),
            ("/a/", "\\$0 \\\\0 $x ${0", "a", "$0 \\0 $x ${0"),
            ("/^/", "x", "a", "xa"),
            ("/$/", "x", "a\n", "ax\nx"),
            ("/$/D", "x", "a\n", "a\nx"),
            ("/(a$)/", "<$1>", "a\n", "<a>\n"),
            ("/a*/", "x", "baac", "xbxxcx"),
            ("/.*/", "x", "ab", "xx"),
            ("/x*/u", "-", "田é", "-田-é-"),
            ("/a/A", "x", "aaba", "xxba"),
            ("/é/", "e", "é", "e"),
            ("/(?<n>a)|(b$)/", "[$1$2]", "ab\n", "[a][b]\n"),
        ] {
            assert_eq!(replaced(pattern, replacement, text), expected, "{pattern} {replacement} {text:?}");
        }
    }

    #[test]
    fn a_part_of_a_character_is_no_text() {
        let first = Substitution::parse("/^./", "").unwrap();
        assert_eq!(first.replace("é"), [0xA9]);
        assert_eq!(first.pattern.find("é"), Some([0xC3].as_slice()));
    }

    #[test]
    fn what_php_alone_can_do_or_has_no_group_for_is_refused() {
        for pattern in ["/a*?/", "/|a/", "/^|a/", "/(?:a*|b)c?/", "/a*/U", "/(?:a??)*/"] {
            let refused = Substitution::parse(pattern, "x").unwrap_err().to_string();
            assert!(refused.contains("prefers nothing"), "{pattern}: {refused}");
        }
        let refused = Substitution::parse("/(a)/", "$12").unwrap_err();
        assert_eq!(refused, SubstitutionError::Group { group: 12, groups: 1 });
    }
}
