//! Former names: a directory without referential integrity, such as OpenLDAP without the overlay refint, leaves the old DN
//! of whoever is renamed in its groups. As long as no other entry has that DN, it means the same person.
//!
//! What they were called is known of the links in the run that sees the new name, and kept from then on for as long as a
//! group says it ([`kept`], [`to_keep`]). Each run that reads groups asks the directory whether the DN is still nobody's.

use std::collections::{BTreeMap, HashMap};

use futures_util::future;

use super::object::{ObjectKey, ObjectType};
use super::reading::{Part, Reading, collect};
use super::structure::{Former, Structure, names};
use crate::directory::DirectoryError;
use crate::directory::source::{NO_SUCH_OBJECT, SourceEntry, SourceQuery};

/// Under these names the former names of the people of each source are kept.
const SHELF: &str = "former/";
/// So many DNs are asked for at once.
const AT_ONCE: usize = 8;

/// People who may be called by another name, whose turn comes when that is known.
pub(super) type Later = Vec<(ObjectType, SourceEntry)>;

/// What is kept of a source.
pub(super) fn kept(stored: &BTreeMap<String, String>, source: &str) -> Former {
    let text = stored.get(&format!("{SHELF}{source}"));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// What is to be kept of each source, where it is not what is kept. `only_more`: nothing is forgotten, since what was read
/// of groups is not kept, either.
pub(super) fn to_keep(
    stored: &BTreeMap<String, String>,
    (parts, structures): (&[Part], &[Structure]),
    only_more: bool,
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (part, structure) in parts.iter().zip(structures) {
        let source = part.source.name();
        let before = kept(stored, source);
        let mut now = if only_more { before.clone() } else { Former::new() };
        now.extend(structure.former().clone());
        // Texts by texts can always be written.
        if now != before
            && let Ok(text) = serde_json::to_string(&now)
        {
            found.insert(format!("{SHELF}{source}"), text);
        }
    }
    found
}

/// The ids of those who had another name, with these names.
pub(super) fn by_id(former: &Former) -> HashMap<&str, Vec<&str>> {
    let mut found: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, id) in former {
        found.entry(id).or_default().push(name);
    }
    found
}

impl Reading<'_> {
    /// The other names by which groups may mean somebody.
    pub(super) fn other_names(
        &self,
        structure: &Structure,
        before: &HashMap<&str, Vec<&str>>,
        (kind, entry): (ObjectType, &SourceEntry),
    ) -> Vec<String> {
        let linked = self.planner.dn(&ObjectKey::new(kind, entry.id.as_str()));
        let linked = linked.filter(|dn| *dn != entry.dn).map(names::normal);
        let others = before.get(entry.id.as_str()).into_iter().flatten().map(|name| (*name).to_owned());
        let mut names: Vec<String> = linked.into_iter().chain(others).collect();
        if !names.is_empty() {
            let own = names::normal(&entry.dn);
            names.retain(|name| *name != own && structure.lists(name));
        }
        names
    }

    /// Those of these people who may be meant by other names, with the names.
    pub(super) fn renamed<'e>(
        &self,
        structure: &Structure,
        before: &Former,
        people: impl Iterator<Item = (ObjectType, &'e SourceEntry)>,
    ) -> Former {
        let before = by_id(before);
        let (mut found, mut linked) = (Former::new(), Former::new());
        for (kind, entry) in people {
            for name in self.other_names(structure, &before, (kind, entry)) {
                found.insert(name, entry.id.clone());
            }
            let dn = self.planner.dn(&ObjectKey::new(kind, entry.id.as_str()));
            linked.extend(dn.map(|dn| (names::normal(dn), entry.id.clone())));
        }
        // Whoever had a name last is meant by it.
        for (name, id) in &mut found {
            if let Some(last) = linked.get(name) {
                id.clone_from(last);
            }
        }
        found
    }

    /// Whom other names of a structure mean are members by them, too: of those who are linked and in the source.
    pub(super) fn name_former(&mut self, structure: &Structure) {
        for (name, id) in structure.former() {
            if let Some(key) = self.present(id) {
                self.people.put_name(key, name);
            }
        }
    }

    /// Whether somebody with this id is linked and in the source, as far as a reading of changes knows.
    pub(super) fn is_present(&self, id: &str) -> bool {
        self.present(id).is_some()
    }

    fn present(&self, id: &str) -> Option<ObjectKey> {
        let keys = [ObjectType::User, ObjectType::Contact].map(|kind| ObjectKey::new(kind, id));
        let mut keys = keys.into_iter();
        keys.find(|key| self.planner.dn(key).is_some_and(|dn| self.people.find(dn) == Some(key)))
    }

    /// The normal DN under which somebody with this id is linked.
    pub(super) fn linked_name(&self, id: &str) -> Option<String> {
        let kinds = [ObjectType::User, ObjectType::Contact].into_iter();
        let mut dns = kinds.filter_map(|kind| self.planner.dn(&ObjectKey::new(kind, id)));
        dns.next().map(names::normal)
    }
}

/// The structure in which groups mean these people by these names, as far as it lists them and no entry has them.
pub(super) async fn with_former(
    part: &Part,
    structure: Structure,
    former: Former,
) -> Result<Structure, DirectoryError> {
    let open: Vec<(String, String)> = former.into_iter().filter(|(name, _)| structure.lists(name)).collect();
    let mut free = Former::new();
    for some in open.chunks(AT_ONCE) {
        let asked = some.iter().map(|(name, _)| is_free(part, name));
        let answers = future::try_join_all(asked).await?;
        let found = some.iter().zip(answers).filter(|(_, is_free)| *is_free);
        free.extend(found.map(|(one, _)| one.clone()));
    }
    Ok(structure.with_former(free))
}

/// Whether a directory has no entry of this name, whatever it is.
async fn is_free(part: &Part, name: &str) -> Result<bool, DirectoryError> {
    let query =
        SourceQuery { base: name.to_owned(), filter: "(objectClass=*)".to_owned(), attributes: Vec::new() };
    match collect(part, &query).await {
        Ok(_) | Err(DirectoryError::Entry { .. }) => Ok(false),
        Err(DirectoryError::Search { cause, .. }) if cause.contains(NO_SUCH_OBJECT) => Ok(true),
        Err(error) => Err(error),
    }
}
