//! [`Filter`]: whether attributes match a filter of RFC 4515, for a directory that is no server. Pure.
//!
//! Texts are compared without case, as most of the schema does. What cannot be told (extensible matching) is undefined
//! and matches nothing, inside a `!` too (RFC 4511 section 4.5.1.7).

use ldap3::asn1::{ASNTag, StructureTag};

use crate::identity::{Attributes, Value};

/// A filter, taken apart.
#[derive(Debug)]
pub(super) enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Present(String),
    Equal(String, Vec<u8>),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    Like(String, Vec<(u64, String)>),
    Undefined,
}

impl Filter {
    /// `None` for what is no filter.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::of(ldap3::parse_filter(text.trim()).ok()?.into_structure())
    }

    /// Whether an entry with these attributes matches.
    pub(super) fn matches(&self, attributes: &Attributes) -> bool {
        self.judge(attributes) == Some(true)
    }

    /// Filter of RFC 4511 section 4.5.1.
    fn of(tag: StructureTag) -> Option<Self> {
        let text = |octets| String::from_utf8(octets).ok();
        let id = tag.id;
        if id == 7 {
            return Some(Self::Present(text(tag.expect_primitive()?)?));
        }
        let mut parts = tag.expect_constructed()?.into_iter();
        match id {
            0 => parts.map(Self::of).collect::<Option<_>>().map(Self::And),
            1 => parts.map(Self::of).collect::<Option<_>>().map(Self::Or),
            2 => Some(Self::Not(Box::new(Self::of(parts.next()?)?))),
            4 => {
                let name = text(parts.next()?.expect_primitive()?)?;
                let pieces = parts.next()?.expect_constructed()?.into_iter();
                let piece = |piece: StructureTag| Some((piece.id, fold(&piece.expect_primitive()?)));
                Some(Self::Like(name, pieces.map(piece).collect::<Option<_>>()?))
            }
            3 | 5 | 6 | 8 => {
                let name = text(parts.next()?.expect_primitive()?)?;
                let value = parts.next()?.expect_primitive()?;
                Some(match id {
                    5 => Self::AtLeast(name, value),
                    6 => Self::AtMost(name, value),
                    _ => Self::Equal(name, value),
                })
            }
            _ => Some(Self::Undefined),
        }
    }

    fn judge(&self, attributes: &Attributes) -> Option<bool> {
        let any = |name: &str, fits: &dyn Fn(&Value) -> bool| {
            let mut all = attributes.iter().filter(|(held, _)| held.eq_ignore_ascii_case(name));
            Some(all.any(|(_, values)| values.iter().any(fits)))
        };
        match self {
            Self::And(parts) => {
                let judged: Vec<_> = parts.iter().map(|part| part.judge(attributes)).collect();
                let is_false = judged.contains(&Some(false));
                if is_false { Some(false) } else { (!judged.contains(&None)).then_some(true) }
            }
            Self::Or(parts) => {
                let judged: Vec<_> = parts.iter().map(|part| part.judge(attributes)).collect();
                let is_true = judged.contains(&Some(true));
                if is_true { Some(true) } else { (!judged.contains(&None)).then_some(false) }
            }
            Self::Not(part) => part.judge(attributes).map(|is| !is),
            // Every entry has classes, also where the file does not name them.
            Self::Present(name) if name.eq_ignore_ascii_case("objectClass") => Some(true),
            Self::Present(name) => any(name, &|_| true),
            Self::Equal(name, value) => any(name, &|held| fold(held.as_bytes()) == fold(value)),
            Self::AtLeast(name, value) => any(name, &|held| compare(held.as_bytes(), value).is_ge()),
            Self::AtMost(name, value) => any(name, &|held| compare(held.as_bytes(), value).is_le()),
            Self::Like(name, pieces) => any(name, &|held| is_like(&fold(held.as_bytes()), pieces)),
            Self::Undefined => None,
        }
    }
}

fn fold(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).to_lowercase()
}

/// Numbers by their size, all else by its letters.
fn compare(held: &[u8], value: &[u8]) -> std::cmp::Ordering {
    let number = |text: &str| text.parse::<i64>().ok();
    let (held, value) = (fold(held), fold(value));
    number(&held).zip(number(&value)).map_or_else(|| held.cmp(&value), |(held, value)| held.cmp(&value))
}

/// `initial*any*final` (RFC 4511 section 4.5.1.7.2).
fn is_like(held: &str, pieces: &[(u64, String)]) -> bool {
    let mut rest = held;
    for (kind, piece) in pieces {
        let after = match kind {
            0 => rest.strip_prefix(piece.as_str()),
            1 => rest.split_once(piece.as_str()).map(|(_, after)| after),
            _ => rest.ends_with(piece.as_str()).then_some(""),
        };
        match after {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_mean_what_the_rfc_says() {
        let attributes: Attributes = [
            ("objectClass", vec!["person", "inetOrgPerson"]),
            ("cn", vec!["Tanaka Taro", "田中 太郎"]),
            ("employeeNumber", vec!["900"]),
        ]
        .into_iter()
        .collect();
        let cases = [
            ("(objectClass=*)", true),
            ("objectclass=PERSON", true),
            ("(mail=*)", false),
            ("(!(mail=*))", true),
            ("(cn=田中 太郎)", true),
            ("(cn=\\e7\\94\\b0*)", true),
            ("(cn=tan*ta*ro)", true),
            ("(cn=tan*taro*x)", false),
            ("(cn=*naka*)", true),
            ("(cn=taro*)", false),
            ("(cn=*tanaka taro tanaka taro)", false),
            ("(employeeNumber>=1000)", false),
            ("(employeeNumber<=1000)", true),
            ("(cn~=tanaka taro)", true),
            ("(&(cn=tanaka taro)(!(employeeNumber=1)))", true),
            ("(|(cn=x)(employeeNumber=900))", true),
            ("(|(cn=x)(cn=y))", false),
            ("(&)", true),
            ("(cn:caseExactMatch:=Tanaka Taro)", false),
            ("(!(cn:caseExactMatch:=Tanaka Taro))", false),
            ("(|(cn:caseExactMatch:=x)(cn=tanaka taro))", true),
            ("(&(cn:caseExactMatch:=x)(cn=nobody))", false),
        ];
        for (text, expected) in cases {
            let filter = Filter::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(filter.matches(&attributes), expected, "{text}");
        }
        for wrong in ["", "(", "(cn=a", "cn", "(cn=a))", "(&(cn=a)"] {
            assert!(Filter::parse(wrong).is_none(), "{wrong}");
        }
    }
}
