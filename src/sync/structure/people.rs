//! [`People`]: those who are carried, by name, so that members become keys.

use std::collections::HashSet;

use foldhash::HashMap;

use super::{names, number_in};
use crate::directory::source::SourceEntry;
use crate::sync::object::ObjectKey;

/// Those who are carried, by name and by primary group. In a full reading each entry in scope is put here; in a reading
/// of changes, first the links with their DNs, then what changed.
#[derive(Debug, Default)]
pub struct People {
    by_name: HashMap<Box<str>, ObjectKey>,
    /// The numbers of primary groups are of one domain each.
    by_token: HashMap<Box<str>, HashMap<u32, Vec<ObjectKey>>>,
}

impl People {
    /// Room for so many.
    pub fn reserve(&mut self, count: usize) {
        self.by_name.reserve(count);
    }

    /// Somebody who was read. Their primary group counts if primaryGroupID is among the attributes.
    pub fn put(&mut self, key: ObjectKey, entry: &SourceEntry) {
        if let Some(token) = number_in(&entry.attributes, "primaryGroupID") {
            let name = names::normal(&entry.dn);
            let domain = names::domain(&name);
            if let Some(known) = self.by_token.get_mut(domain) {
                known.entry(token).or_default().push(key.clone());
            } else {
                self.by_token.insert(domain.into(), HashMap::from_iter([(token, vec![key.clone()])]));
            }
            self.by_name.insert(name.into(), key);
            return;
        }
        self.put_name(key, &entry.dn);
    }

    /// Somebody who is known by a link.
    pub fn put_name(&mut self, key: ObjectKey, dn: &str) {
        self.by_name.insert(names::normal(dn).into(), key);
    }

    /// Who has this DN, however it is written.
    pub fn find(&self, dn: &str) -> Option<&ObjectKey> {
        self.by_name.get(names::normal(dn).as_str())
    }

    /// Somebody who is not carried any more.
    pub fn forget(&mut self, dn: &str) {
        self.by_name.remove(names::normal(dn).as_str());
    }

    /// Those who are gone from the source.
    pub fn forget_all(&mut self, gone: &HashSet<ObjectKey>) {
        if !gone.is_empty() {
            self.by_name.retain(|_, key| !gone.contains(key));
        }
    }

    /// And all of these.
    pub fn extend(&mut self, others: Self) {
        self.by_name.extend(others.by_name);
        for (domain, tokens) in others.by_token {
            let known = self.by_token.entry(domain).or_default();
            for (token, keys) in tokens {
                known.entry(token).or_default().extend(keys);
            }
        }
    }

    /// Who has this normal name.
    pub(super) fn named(&self, name: &str) -> Option<&ObjectKey> {
        self.by_name.get(name)
    }

    /// Those whose primary group it is, in its domain.
    pub(super) fn with_token(&self, domain: &str, token: u32) -> &[ObjectKey] {
        let known = self.by_token.get(domain).and_then(|tokens| tokens.get(&token));
        known.map_or(&[], Vec::as_slice)
    }
}
