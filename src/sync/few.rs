//! Links for a few: a plan of what changed needs the links of those of whom the directories tell and of whom they name,
//! and no other, as long as it is plain that no other is touched. A hundred thousand links need not be read then.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::Synchronisation;
use super::error::SyncError;
use super::link::{Link, LinkState};
use super::linked::split;
use super::mapping::Mapping;
use super::object::{ObjectKey, ObjectType};
use super::plan::Planner;
use super::reading::Part;
use super::scope::Verdict;
use super::state::State;
use super::structure::{People, Structure, names};
use crate::directory::source::SourceEntry;

/// For more than these, all links are as well read.
const MOST: usize = 5_000;

/// People who were told of, in a structure that is as it was.
pub(super) struct Told<'a> {
    pub(super) part: &'a Part,
    pub(super) structure: &'a Structure,
    pub(super) people: Vec<(ObjectType, &'a SourceEntry)>,
    /// Who is gone.
    pub(super) gone: Vec<ObjectKey>,
}

impl Synchronisation {
    /// A planner with the links of these and of whom they name, and those by name, present and gone. None where others
    /// may be touched too: unless each of these is carried already, under the same name, and stays, or is not carried and
    /// remains so, groups may gain or lose a member, and references be set or cleared; and somebody may be due to be
    /// deleted.
    pub(super) async fn few(
        &self,
        state: &State,
        mappings: &BTreeMap<ObjectType, Mapping>,
        told: &[Told<'_>],
    ) -> Result<Option<(Planner, [People; 2])>, SyncError> {
        let policy = self.options().plan_policy();
        let mut outside: Vec<ObjectKey> = told.iter().flat_map(|told| told.gone.iter().cloned()).collect();
        let mut inside: BTreeMap<ObjectKey, &SourceEntry> = BTreeMap::new();
        let mut named: BTreeMap<ObjectType, BTreeSet<String>> = BTreeMap::new();
        // Whom they name by a name of before.
        let mut had_before = Vec::new();
        let mut parents = BTreeSet::new();
        for Told { part, structure, people, .. } in told {
            let carried = structure.carried().filter(|key| mappings.contains_key(&key.kind));
            // Who is in such a group is not listed there, and may have another primary group now.
            let has_primary = carried.into_iter().any(|key| !structure.tokens_of(&key).is_empty());
            if people.len() + outside.len() > MOST || has_primary {
                return Ok(None);
            }
            for (kind, entry) in people {
                let key = ObjectKey::new(*kind, entry.id.as_str());
                let standing = structure.standing(entry);
                if matches!(part.scope.judge(entry, &standing), Verdict::Out(_)) {
                    outside.push(key);
                    continue;
                }
                if entry.disabled {
                    return Ok(None);
                }
                parents.extend(standing.parent.clone());
                if let Some(mapping) = mappings.get(kind) {
                    let object = structure.person(*kind, (*entry).clone(), standing);
                    for (kind, dn) in mapping.names(&object) {
                        let name = names::normal(&dn);
                        let had = structure.former().get(&name);
                        had_before.extend(had.map(|had| ObjectKey::new(kind, had.id.as_str())));
                        named.entry(kind).or_default().insert(name);
                    }
                }
                inside.insert(key, entry);
            }
        }
        let leaving = state.leaving().await?;
        let is_due = leaving.into_iter().any(|(kind, (_, since))| policy.is_due(kind, since, self.now()));
        if is_due || policy.recreates() || !state.links_of(&outside).await?.is_empty() {
            return Ok(None);
        }
        let mut links = state.links_of(&inside.keys().cloned().collect::<Vec<_>>()).await?;
        let stays = |link: &&Link| {
            let same = |entry: &&SourceEntry| names::normal(&entry.dn) == names::normal(&link.dn);
            link.state == LinkState::Active && inside.get(&link.key).is_some_and(same)
        };
        if links.iter().filter(stays).count() < inside.len() || !state.has_names().await? {
            return Ok(None);
        }
        let mut known: BTreeSet<ObjectKey> = inside.into_keys().collect();
        // Whom they named before, and where they are.
        let members = links.iter().flat_map(|link| link.members.values().flatten().cloned());
        let more: BTreeSet<ObjectKey> =
            members.chain(parents).chain(had_before).filter(|key| !known.contains(key)).collect();
        links.extend(state.links_of(&more.iter().cloned().collect::<Vec<_>>()).await?);
        known.extend(more);
        for (kind, names) in named {
            let found = state.named(kind, names).await?;
            links.extend(found.into_iter().filter(|link| known.insert(link.key.clone())));
        }
        let mut others = state.link_counts().await?;
        let mut planner = Planner::new([], policy, self.now());
        let mut people = Default::default();
        for link in links {
            if let Some(count) = others.get_mut(&link.key.kind) {
                *count = count.saturating_sub(1);
            }
            split(&link, &mut people);
            planner.link(link);
        }
        planner.others(others);
        Ok(Some((planner, people)))
    }
}
