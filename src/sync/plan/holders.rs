//! [`Holders`]: whose the target's ids are. A service may number each type by itself, so that an id says nothing without
//! its type; groups of all sorts are one type there.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::sync::object::{ObjectKey, ObjectType};

/// Objects of the source by the target's ids of them.
#[derive(Debug, Default)]
pub(super) struct Holders(HashMap<ObjectType, HashMap<String, ObjectKey>>);

impl Holders {
    /// Room for so many of each type.
    pub(super) fn reserve(&mut self, counts: &BTreeMap<ObjectType, usize>) {
        let mut together: BTreeMap<ObjectType, usize> = BTreeMap::new();
        for (kind, count) in counts {
            *together.entry(numbered_with(*kind)).or_default() += count;
        }
        for (kind, count) in together {
            self.0.entry(kind).or_default().reserve(count);
        }
    }

    pub(super) fn put(&mut self, target_id: &str, key: &ObjectKey) {
        self.0.entry(numbered_with(key.kind)).or_default().insert(target_id.to_owned(), key.clone());
    }

    pub(super) fn remove(&mut self, kind: ObjectType, target_id: &str) {
        if let Some(ids) = self.0.get_mut(&numbered_with(kind)) {
            ids.remove(target_id);
        }
    }

    /// Whose an object of this type is.
    pub(super) fn find(&self, kind: ObjectType, target_id: &str) -> Option<&ObjectKey> {
        self.0.get(&numbered_with(kind))?.get(target_id)
    }

    /// Who is meant where an id stands alone; `likely` says who it is when it may be several.
    pub(super) fn meant(&self, target_id: &str, likely: impl Fn(&ObjectKey) -> bool) -> Option<&ObjectKey> {
        let mut all = self.0.values().filter_map(|ids| ids.get(target_id));
        let first = all.next()?;
        let mut others = all.peekable();
        if others.peek().is_none() {
            Some(first)
        } else {
            std::iter::once(first).chain(others).find(|key| likely(key))
        }
    }
}

/// The type whose ids are no other's.
pub(super) fn numbered_with(kind: ObjectType) -> ObjectType {
    match kind {
        ObjectType::SecurityGroup | ObjectType::Role => ObjectType::Group,
        ObjectType::Organization | ObjectType::User | ObjectType::Contact | ObjectType::Group => kind,
    }
}
