//! [`Ledger`]: the links of a target while a plan is made, packed: there may be a hundred thousand.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use crate::sync::link::{Link, LinkState};
use crate::sync::object::ObjectKey;

/// A link without its key.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) dn: Box<str>,
    pub(super) target_id: Box<str>,
    pub(super) state: LinkState,
    /// By the number of the path, ascending.
    sums: Box<[(u32, u64)]>,
    pub(super) members: BTreeMap<String, BTreeSet<ObjectKey>>,
    /// Whether the source has told of it in this run.
    pub(super) seen: bool,
}

impl Known {
    /// How many paths were carried.
    pub(super) fn count(&self) -> usize {
        self.sums.len()
    }
}

/// The links of a target by their keys.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: HashMap<ObjectKey, Known>,
    paths: Vec<String>,
    path_numbers: HashMap<String, u32>,
}

impl Ledger {
    /// Room for so many links.
    pub(super) fn reserve(&mut self, count: usize) {
        self.known.reserve(count);
    }

    pub(super) fn put(&mut self, link: Link) {
        let mut sums = Vec::with_capacity(link.sums.count());
        let mut next = 0;
        for (path, sum) in link.sums.iter() {
            // Almost all links have the same paths, in this order.
            let known = self.paths.get(next as usize).is_some_and(|known| known == path);
            let number = if known { next } else { self.path_number(path) };
            next = number.saturating_add(1);
            sums.push((number, sum));
        }
        sums.sort_unstable();
        let known = Known {
            dn: link.dn.into(),
            target_id: link.target_id.into(),
            state: link.state,
            sums: sums.into(),
            members: link.members,
            seen: false,
        };
        self.known.insert(link.key, known);
    }

    fn path_number(&mut self, path: &str) -> u32 {
        if let Some(number) = self.path_numbers.get(path) {
            return *number;
        }
        let next = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        self.paths.push(path.to_owned());
        self.path_numbers.insert(path.to_owned(), next);
        next
    }

    pub(super) fn find(&self, key: &ObjectKey) -> Option<&Known> {
        self.known.get(key)
    }

    pub(super) fn find_mut(&mut self, key: &ObjectKey) -> Option<&mut Known> {
        self.known.get_mut(key)
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) -> Option<Known> {
        self.known.remove(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Known)> {
        self.known.iter()
    }

    /// The sum that was last carried at a path.
    pub(super) fn sum(&self, known: &Known, path: &str) -> Option<u64> {
        let number = self.path_numbers.get(path)?;
        let at = known.sums.binary_search_by_key(number, |(path, _)| *path).ok()?;
        known.sums.get(at).map(|(_, sum)| *sum)
    }

    /// The paths that were last carried.
    pub(super) fn paths<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = &'a str> {
        known.sums.iter().filter_map(|(number, _)| self.paths.get(*number as usize)).map(String::as_str)
    }
}
