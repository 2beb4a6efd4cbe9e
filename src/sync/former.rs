//! Former names: a directory without referential integrity, such as OpenLDAP without the overlay refint, leaves the old DN
//! of whoever is renamed in its groups. As long as no other entry has that DN, it means the same person.
//!
//! What they were called is known of the links in the run that sees the new name, and kept from then on for as long as a
//! group says it ([`kept`], [`to_keep`]). Each run that reads groups asks the directory whether the DN is still nobody's.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use super::link::Link;
use super::news::Heard;
use super::object::{ObjectKey, ObjectType};
use super::reading::{Part, Reading};
use super::structure::{Doubt, Former, Had, Structure, Verdicts, names};
use crate::directory::source::{Source, SourceEntry, There};

/// Under these names the former names of the people of each source are kept.
const SHELF: &str = "former/";
/// More names are not asked for: a whole unit was renamed, and each run would ask for all that was in it.
const MOST: usize = 1_000;

/// People who may be called by another name, whose turn comes when that is known.
pub(super) type Later = Vec<(ObjectType, SourceEntry)>;

/// Names with who had them, by id.
type ById<'a> = HashMap<&'a str, Vec<(&'a str, &'a Had)>>;

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

/// The name of a link is one that somebody may not have any more.
pub(super) fn add_link(kept: &mut Former, link: &Link) {
    kept.insert(names::normal(&link.dn), Had { id: link.key.id.clone(), dn: link.dn.clone() });
}

/// The ids of those who had another name, with these names.
pub(super) fn by_id(former: &Former) -> ById<'_> {
    let mut found = ById::new();
    for (name, had) in former {
        found.entry(&had.id).or_default().push((name, had));
    }
    found
}

impl Reading<'_> {
    /// The other names by which groups may mean somebody.
    pub(super) fn other_names(
        &self,
        structure: &Structure,
        before: &ById<'_>,
        (kind, entry): (ObjectType, &SourceEntry),
    ) -> Vec<(String, Had)> {
        let linked = self.planner.dn(&ObjectKey::new(kind, entry.id.as_str()));
        let linked = linked.filter(|dn| *dn != entry.dn);
        let had = |dn: &str| Had { id: entry.id.clone(), dn: dn.to_owned() };
        let linked = linked.map(|dn| (names::normal(dn), had(dn)));
        let others = before.get(entry.id.as_str()).into_iter().flatten();
        let others = others.map(|(name, had)| ((*name).to_owned(), (*had).clone()));
        // The link is the newer of the two.
        let mut names: Vec<(String, Had)> = others.chain(linked).collect();
        if !names.is_empty() {
            let own = names::normal(&entry.dn);
            names.retain(|(name, _)| *name != own && structure.lists(name));
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
            found.extend(self.other_names(structure, &before, (kind, entry)));
            let dn = self.planner.dn(&ObjectKey::new(kind, entry.id.as_str()));
            let had = |dn: &str| Had { id: entry.id.clone(), dn: dn.to_owned() };
            linked.extend(dn.map(|dn| (names::normal(dn), had(dn))));
        }
        // Whoever had a name last is meant by it.
        for (name, had) in &mut found {
            if let Some(last) = linked.get(name) {
                had.clone_from(last);
            }
        }
        found
    }

    /// The same of all who were read, of whom these may be meant by other names.
    pub(super) fn renamed_of_all(&self, structure: &Structure, before: &Former, later: &Later) -> Former {
        let mut found = self.renamed(structure, before, later.iter().map(|(kind, entry)| (*kind, entry)));
        without_own(&mut found, later.iter().map(|(_, entry)| entry));
        found.retain(|name, had| self.is_nobody_elses(name, had));
        found
    }

    /// The same after a reading of changes: those who are kept, and who changed.
    pub(super) fn renamed_since(&self, structure: &Structure, kept: &Former, heard: &[Heard<'_>]) -> Former {
        let people = || {
            let people = heard.iter().filter_map(|one| Some((one.kind?, &one.changed)));
            people.flat_map(|(kind, all)| all.iter().map(move |entry| (kind, entry)))
        };
        let kept = kept.iter().filter(|(_, had)| self.present(&had.id).is_some());
        let mut found: Former = kept.map(|(name, had)| (name.clone(), had.clone())).collect();
        found.extend(self.renamed(structure, &Former::new(), people()));
        without_own(&mut found, people().map(|(_, entry)| entry));
        found
    }

    /// What a directory says also of the names under which these people are linked.
    pub(super) async fn verdicts_of_linked(
        &self,
        part: &Part,
        structure: &Structure,
        people: &[(ObjectType, SourceEntry)],
    ) -> Verdicts {
        let mut known = structure.former().clone();
        let is_theirs = |had: &Had| people.iter().any(|(_, entry)| entry.id == had.id);
        known.retain(|name, had| is_theirs(had) || self.is_nobody_elses(name, had));
        let mut linked =
            self.renamed(structure, &Former::new(), people.iter().map(|(kind, entry)| (*kind, entry)));
        without_own(&mut linked, people.iter().map(|(_, entry)| entry));
        // What was asked for before is not asked for again.
        linked.retain(|name, had| known.get(name).is_none_or(|known| known.id != had.id));
        verdicts_of_some(part, structure, (linked, known)).await
    }

    /// Whether nobody else is known by a name that somebody had.
    fn is_nobody_elses(&self, name: &str, had: &Had) -> bool {
        self.people.find(name).is_none_or(|key| key.id == had.id)
    }

    /// Whom other names of a structure mean are members by them, too: of those who are linked and in the source.
    pub(super) fn name_former(&mut self, structure: &Structure) {
        for (name, had) in structure.former() {
            if let Some(key) = self.present(&had.id) {
                self.people.put_name(key, name);
            }
        }
    }

    /// Somebody with this id, if linked and in the source, as far as a reading of changes knows.
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

/// What a directory says of these names, as far as groups list them.
pub(super) async fn verdicts(part: &Part, structure: &Structure, names: Former) -> Verdicts {
    verdicts_of_some(part, structure, (names, Former::new())).await
}

/// The same of the names that some people had alone: those that others had are as they are kept.
pub(super) async fn verdicts_of(
    part: &Part,
    structure: &Structure,
    mut kept: Former,
    people: &[(ObjectType, SourceEntry)],
) -> Verdicts {
    without_own(&mut kept, people.iter().map(|(_, entry)| entry));
    let is_theirs = |had: &Had| people.iter().any(|(_, entry)| entry.id == had.id);
    let names = kept.into_iter().partition(|(_, had)| is_theirs(had));
    verdicts_of_some(part, structure, names).await
}

/// Only the first names are asked for.
async fn verdicts_of_some(
    part: &Part,
    structure: &Structure,
    (mut names, mut others): (Former, Former),
) -> Verdicts {
    others.retain(|name, _| !names.contains_key(name));
    names.retain(|name, _| structure.lists(name));
    let mut verdicts = asked(&*part.source, names).await;
    verdicts.free.extend(others);
    verdicts
}

/// What a directory says of these names. Whatever it does not say takes nobody out of a group, and ends no run.
async fn asked(source: &dyn Source, names: Former) -> Verdicts {
    if names.is_empty() {
        return Verdicts::default();
    }
    if names.len() > MOST {
        return Verdicts { doubtful: names, doubt: Some(Doubt::TooMany(MOST)), ..Verdicts::default() };
    }
    let spelt = |(name, had): (&String, &Had)| if had.dn.is_empty() { name } else { &had.dn }.clone();
    let dns: Vec<String> = names.iter().map(spelt).collect();
    let (answers, silence) = match source.there(&dns).await {
        Ok(answers) => (answers, String::new()),
        Err(error) => (Vec::new(), error.to_string()),
    };
    let answers = answers.into_iter().chain(std::iter::repeat_with(|| There::Unsure(silence.clone())));
    let mut verdicts = Verdicts::default();
    for ((name, had), answer) in names.into_iter().zip(answers) {
        match answer {
            There::Yes => {}
            There::No => drop(verdicts.free.insert(name, had)),
            There::Unsure(cause) => {
                verdicts.doubt.get_or_insert(Doubt::Answer(cause));
                verdicts.doubtful.insert(name, had);
            }
        }
    }
    verdicts
}

/// Whether it is a name that somebody had.
pub(super) fn is_one(kept: &Former, dn: &str) -> bool {
    !kept.is_empty() && kept.contains_key(&names::normal(dn))
}

/// Whoever is read has the name, whoever had it before.
fn without_own<'e>(names: &mut Former, people: impl Iterator<Item = &'e SourceEntry>) {
    if !names.is_empty() {
        people.for_each(|entry| drop(names.remove(&names::normal(&entry.dn))));
    }
}
