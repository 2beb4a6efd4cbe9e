//! [`Link`]: what is known of an object at the target: which one it is there, and what was last carried.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::object::ObjectKey;
use crate::clock::Timestamp;

/// An object of the source and its counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The object of the source.
    pub key: ObjectKey,
    /// Its DN when it was last carried.
    pub dn: String,
    /// The target's own id of it.
    pub target_id: String,
    /// What has become of it.
    pub state: LinkState,
    /// A hash of each value that was last carried, by path; references to one object are among them.
    pub sums: PathSums,
    /// The members that were last carried, by path.
    pub members: BTreeMap<String, BTreeSet<ObjectKey>>,
}

/// The rungs of the ladder down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// In use.
    Active,
    /// Deactivated at the target: disabled at the source, or no longer in scope. It stays.
    Inactive,
    /// Deactivated, and gone from the source since then: deleted at the target when the time of the ladder is over.
    Leaving {
        /// When it was first missed.
        since: Timestamp,
    },
}

/// Hashes by path in the form in which they are kept: a full plan reads millions of them and changes few.
///
/// A line for each, by path: 16 hexadecimal digits, a blank, the path. JSON would take three times as long to read. A path
/// with a line break, which no target knows, is not remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathSums(String);

impl PathSums {
    /// Digits and blank before a path.
    const BEFORE: usize = 17;

    /// What [`PathSums::as_str`] gave; `None` where a line is of another form.
    pub fn parse(text: String) -> Option<Self> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (sum, path) = rest.split_at_checked(Self::BEFORE)?;
            let (blank, digits) = sum.split_last()?;
            if *blank != b' ' || !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            rest = path.get(path.iter().position(|octet| *octet == b'\n')? + 1..)?;
        }
        Some(Self(text))
    }

    /// The text that is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Path and hash of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.split_terminator('\n').filter_map(|line| {
            let (sum, path) = line.split_at_checked(Self::BEFORE)?;
            Some((path, u64::from_str_radix(sum.trim_end(), 16).ok()?))
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.bytes().filter(|octet| *octet == b'\n').count()
    }

    /// The same to change something in.
    pub fn to_map(&self) -> BTreeMap<String, u64> {
        self.iter().map(|(path, sum)| (path.to_owned(), sum)).collect()
    }
}

impl From<BTreeMap<String, u64>> for PathSums {
    fn from(sums: BTreeMap<String, u64>) -> Self {
        let mut text = String::with_capacity(sums.keys().map(|path| path.len() + Self::BEFORE + 1).sum());
        for (path, sum) in sums.iter().filter(|(path, _)| !path.contains('\n')) {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{sum:016x} {path}");
        }
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_kept_as_they_are() {
        let all = [
            ("b".to_owned(), 0),
            ("emails[type eq \"work\"].value".to_owned(), u64::MAX),
            ("é".to_owned(), 7),
        ];
        let sums = PathSums::from(BTreeMap::from(all.clone()));
        assert_eq!(
            sums.as_str(),
            "0000000000000000 b\nffffffffffffffff emails[type eq \"work\"].value\n0000000000000007 é\n"
        );
        assert_eq!(PathSums::parse(sums.as_str().to_owned()), Some(sums.clone()));
        assert_eq!(sums.iter().map(|(path, sum)| (path.to_owned(), sum)).collect::<Vec<_>>(), all);
        assert_eq!((sums.count(), sums.to_map()), (3, all.into()));
        assert_eq!(PathSums::parse(String::new()), Some(PathSums::default()));
        let returns = PathSums::from(BTreeMap::from([("a\r".to_owned(), 1)]));
        assert_eq!(PathSums::parse(returns.as_str().to_owned()).unwrap().iter().next(), Some(("a\r", 1)));
        assert_eq!(PathSums::from(BTreeMap::from([("a\nb".to_owned(), 1)])), PathSums::default());
    }

    #[test]
    fn anything_else_is_no_sums() {
        for text in [
            "{}",
            "1 a",
            "000000000000000g a",
            "0000000000000001a",
            "0000000000000001 a\n\n",
            "００００００ a",
        ] {
            assert_eq!(PathSums::parse(text.to_owned()), None, "{text}");
        }
    }
}
