//! [`SearchFilter`]: an LDAP filter (RFC 4515) with `%name%` where a value of the person goes.

use super::config::OptionError;
use crate::identity::{Attributes, Piece, Value};

/// Filters within filters.
const DEEPEST: usize = 50;

/// A filter as the configuration has it: the texts between the names, one more than there are names.
#[derive(Debug)]
pub(super) struct SearchFilter {
    first: String,
    /// The name of an attribute, and the text after its value.
    rest: Vec<(String, String)>,
}

impl SearchFilter {
    /// Refuses what no directory would take. The outer parentheses may be left out, as SimpleSAMLphp lets them be.
    pub(super) fn parse(text: &str) -> Result<Self, OptionError> {
        let text = text.trim();
        let whole = if text.starts_with('(') { text.to_owned() } else { format!("({text})") };
        Self::cut(&whole).filter(Self::is_filter).ok_or_else(|| {
            let remedy =
                "write an LDAP filter, as in \"(uid=%uid%)\", with \\25 for a percent sign of its own";
            OptionError::Unusable { option: "search_filter", value: text.to_owned(), remedy }
        })
    }

    /// The filter for this person; `None` where the person has no value of an attribute of it, or an empty one: `(cn=%uid%*)`
    /// must not become `(cn=*)`.
    pub(super) fn about(&self, person: &Attributes) -> Option<Vec<Piece>> {
        let mut pieces = vec![Piece::Written(self.first.clone())];
        for (name, after) in &self.rest {
            let value =
                person.values(name)?.first().map(Value::as_bytes).filter(|value| !value.is_empty())?;
            pieces.push(Piece::Value(value.to_vec()));
            pieces.push(Piece::Written(after.clone()));
        }
        Some(pieces)
    }

    fn cut(whole: &str) -> Option<Self> {
        let mut parts = whole.split('%').map(str::to_owned);
        let first = parts.next()?;
        let mut rest = Vec::new();
        while let Some(name) = parts.next() {
            rest.push((Some(name).filter(|name| !name.is_empty())?, parts.next()?));
        }
        Some(Self { first, rest })
    }

    fn is_filter(&self) -> bool {
        let written: String = self.rest.iter().flat_map(|(_, after)| ["x", after]).collect();
        let whole = format!("{}{written}", self.first);
        after_filter(&whole, 0) == Some("")
    }
}

/// What follows the filter that the text begins with.
fn after_filter(text: &str, depth: usize) -> Option<&str> {
    let inner = text.strip_prefix('(').filter(|_| depth < DEEPEST)?;
    let rest = if let Some(list) = inner.strip_prefix(['&', '|']) {
        let mut rest = after_filter(list, depth + 1)?;
        while rest.starts_with('(') {
            rest = after_filter(rest, depth + 1)?;
        }
        rest
    } else if let Some(not) = inner.strip_prefix('!') {
        after_filter(not, depth + 1)?
    } else {
        let (item, rest) = inner.split_at(inner.find(['(', ')'])?);
        is_item(item).then_some(rest)?
    };
    rest.strip_prefix(')')
}

fn is_item(item: &str) -> bool {
    let Some((name, value)) = item.split_once('=') else { return false };
    let name = name.trim_end_matches([':', '~', '<', '>']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-;.:".contains(c);
    let mut escapes = value.split('\\').skip(1);
    !name.is_empty()
        && name.chars().all(is_name)
        && escapes.all(|after| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(filter: &str, person: &Attributes) -> Option<String> {
        let pieces = SearchFilter::parse(filter).unwrap().about(person)?;
        let piece = |piece: &Piece| match piece {
            Piece::Written(text) => text.clone(),
            Piece::Value(octets) => format!("<{}>", String::from_utf8_lossy(octets)),
        };
        Some(pieces.iter().map(piece).collect())
    }

    #[test]
    fn names_between_percent_signs_stand_for_first_values() {
        let person: Attributes =
            [("uid", vec!["a*b%mail%", "c"]), ("mail", vec!["m@x"]), ("none", vec![]), ("empty", vec![""])]
                .into_iter()
                .collect();
        for (filter, expected) in [
            ("(uid=%uid%)", Some("(uid=<a*b%mail%>)")),
            ("uid=%uid%", Some("(uid=<a*b%mail%>)")),
            ("(&(a=%uid%)(b=x-%mail%-y))", Some("(&(a=<a*b%mail%>)(b=x-<m@x>-y))")),
            ("(a=%none%)", None),
            ("(a=%empty%*)", None),
            ("(a=b)", Some("(a=b)")),
            ("(a=%sn%)", None),
            ("(a=%UID%)", None),
        ] {
            assert_eq!(rendered(filter, &person).as_deref(), expected, "{filter}");
        }
    }

    #[test]
    fn what_no_directory_would_take_is_refused() {
        let taken = |filter: &str| SearchFilter::parse(filter).is_ok();
        for good in [
            "(uid=x)",
            "(&(objectClass=group)(|(member=x)(uniqueMember=x))(!(cn=a)))",
            "(member:1.2.840.113556.1.4.1941:=x)",
            "(cn=*)",
            "(cn=a*b\\2a)",
            "(a>=1)",
            "(a~=1)",
            "(cn;lang-ja=田中)",
            "(a=)",
        ] {
            assert!(taken(good), "{good}");
        }
        for bad in [
            "(uid=%uid%",
            "(uid=%uid)",
            "(uid=%%)",
            "((uid=x))",
            "(uid)",
            "(&)",
            "(=x)",
            "(a=b)(c=d)",
            "(a=\\zz)",
        ] {
            assert!(!taken(bad), "{bad}");
        }
        let deep = |levels| format!("{}(a=b){}", "(!".repeat(levels), ")".repeat(levels));
        assert!(taken(&deep(DEEPEST - 1)) && !taken(&deep(DEEPEST)));
    }
}
