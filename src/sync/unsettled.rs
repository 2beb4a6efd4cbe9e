//! [`Unsettled`]: those who are in conflict or cannot be carried as they are, kept until that is over. A run of changes
//! looks at them again although the directory tells nothing new of them: the cure may be at the target.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::engine::Synchronisation;
use super::error::SyncError;
use super::linked::{is_person, split};
use super::mapping::Invalid;
use super::news::News;
use super::object::{ObjectKey, ObjectType};
use super::plan::{Plan, Planner, Reading as ReadingOf};
use super::prepare::Before;
use super::reading::Reading;
use super::state::State;
use super::structure::names;
use crate::clock::Timestamp;
use crate::directory::source::SourceEntry;

/// Under this name they are kept, beside the structure.
pub(super) const SHELF: &str = "unsettled";

/// So many are looked at again by one run of changes: each may be a question to the target.
const MOST: usize = 50;
/// So many of those who are as they were are told of one by one.
const TOLD: usize = 20;

/// Somebody, or something, that is in conflict or cannot be carried as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    /// Which one.
    pub key: ObjectKey,
    /// Its DN.
    pub dn: String,
    /// When it was first found so.
    pub since: Timestamp,
    /// Why, and what helps, in sentences that name it.
    pub told: Vec<String>,
    /// Who is in its way.
    holders: Vec<ObjectKey>,
}

/// What a look at those who were unsettled came to.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Whoever was looked at.
    looked: HashSet<ObjectKey>,
    /// Whoever of them still is so.
    still: Vec<Unsettled>,
    /// Whether units or groups are among those who were unsettled: these are looked at with all others of their kind.
    pub(super) of_structure: bool,
}

/// Somebody who was read again, with the place of the directory among those that are read.
type Found = (usize, ObjectType, SourceEntry);

/// Those who are kept as unsettled.
pub(super) fn kept(stored: &BTreeMap<String, String>) -> Vec<Unsettled> {
    stored.get(SHELF).and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}

/// How they are kept; nothing for nobody.
pub(super) fn body(unsettled: &[Unsettled]) -> String {
    if unsettled.is_empty() {
        return String::new();
    }
    serde_json::to_string(unsettled).unwrap_or_default()
}

/// Those of a plan and of what was read for it; who was among `before` has been so since then.
pub(super) fn of_plan(
    plan: &Plan,
    invalid: &[Invalid],
    before: &[Unsettled],
    now: Timestamp,
) -> Vec<Unsettled> {
    let since: BTreeMap<&ObjectKey, Timestamp> = before.iter().map(|one| (&one.key, one.since)).collect();
    let mut found: BTreeMap<ObjectKey, Unsettled> = BTreeMap::new();
    let mut put = |key: &ObjectKey, dn: &str, told: String, holders: Vec<ObjectKey>| {
        let new = || Unsettled {
            key: key.clone(),
            dn: dn.to_owned(),
            since: since.get(key).copied().unwrap_or(now),
            told: Vec::new(),
            holders,
        };
        found.entry(key.clone()).or_insert_with(new).told.push(told);
    };
    for fault in invalid {
        put(&fault.key, &fault.dn, fault.to_string(), Vec::new());
    }
    for conflict in &plan.conflicts {
        let holders = conflict.cause.found.iter().filter_map(|(_, holder)| holder.clone());
        put(&conflict.key, &conflict.dn, conflict.sentence(), holders.collect());
    }
    found.into_values().collect()
}

/// Those who are unsettled after a run that `told` of some, looked `again` at others and could not ask for `unasked`:
/// first, whom it did not look at; and those of whom its plan does not tell.
pub(super) fn after(
    before: Vec<Unsettled>,
    (told, unasked): (&HashSet<ObjectKey>, &HashSet<&ObjectKey>),
    again: Again,
    new: Vec<Unsettled>,
) -> (Vec<Unsettled>, Vec<Unsettled>) {
    let Again { looked, still, .. } = again;
    let is_as_it_was = |one: &Unsettled| {
        unasked.contains(&one.key) || !told.contains(&one.key) && !looked.contains(&one.key)
    };
    let mut unchanged: Vec<Unsettled> = before.into_iter().filter(is_as_it_was).collect();
    unchanged.extend(still.into_iter().filter(|one| !told.contains(&one.key)));
    let mut all = unchanged.clone();
    all.extend(new);
    // Where all have their turn each time, the order means nothing.
    if all.len() <= MOST {
        all.sort_by(|one, other| one.key.cmp(&other.key));
    }
    (all, unchanged)
}

/// What a report says of those who are as they were.
pub(super) fn sentences(unchanged: &[Unsettled], target: &str) -> Vec<String> {
    let mut told: Vec<String> = unchanged.iter().take(TOLD).flat_map(|one| one.told.clone()).collect();
    if unchanged.len() > TOLD {
        told.push(format!(
            "{} more are in conflict or cannot be carried, as before; `sekisho sync status {target}` shows them",
            unchanged.len() - TOLD
        ));
    }
    told
}

/// Whom a run looks at again: some of those of whom it was not told, and whoever is in conflict with them, or with
/// somebody of whom it was told. Seen alone, one of two would be taken for the only one.
fn chosen<'a>(unsettled: &'a [Unsettled], changed: &HashSet<ObjectKey>) -> Vec<&'a Unsettled> {
    let open = || unsettled.iter().filter(|one| is_person(one.key.kind) && !changed.contains(&one.key));
    let first: HashSet<&ObjectKey> = open().take(MOST).map(|one| &one.key).collect();
    let is_rival =
        |one: &Unsettled| one.holders.iter().any(|key| first.contains(key) || changed.contains(key));
    open().filter(|one| first.contains(&one.key) || is_rival(one)).collect()
}

impl Synchronisation {
    /// Looks at those who were unsettled and of whom there is no news. For whom it may be over joins the news: the plan
    /// decides.
    pub(super) async fn look_again(
        &self,
        (state, before): (&State, &Before),
        news: &mut [News<'_>],
        unsettled: &[Unsettled],
    ) -> Result<Again, SyncError> {
        let of_structure = unsettled.iter().any(|one| !is_person(one.key.kind));
        let told = news.iter().flat_map(News::people);
        let changed: HashSet<ObjectKey> =
            told.map(|(kind, entry)| ObjectKey::new(kind, entry.id.as_str())).collect();
        let chosen = chosen(unsettled, &changed);
        if chosen.is_empty() {
            return Ok(Again { of_structure, ..Again::default() });
        }
        let mut found: Vec<Found> = Vec::new();
        for (place, one) in news.iter().enumerate() {
            for (kind, query) in one.part.queries.people() {
                let of_kind = chosen.iter().filter(|one| one.key.kind == kind);
                let ids: Vec<String> = of_kind.map(|one| one.key.id.clone()).collect();
                if !ids.is_empty() {
                    let entries = one.part.source.by_ids(&query.query, &ids).await?;
                    found.extend(entries.into_iter().map(|entry| (place, kind, entry)));
                }
            }
        }
        // In other groups than before they may be out of scope, or have other values.
        let still = if news.iter().any(News::is_of_structure) {
            Vec::new()
        } else {
            self.still((state, before), news, &found, &chosen).await?
        };
        let keys: HashSet<&ObjectKey> = still.iter().map(|one| &one.key).collect();
        for (place, kind, entry) in found {
            let key = ObjectKey::new(kind, entry.id.as_str());
            let heard = news.get_mut(place).and_then(|one| one.heard_of(kind));
            if let Some(heard) = heard.filter(|_| !keys.contains(&key)) {
                heard.changed.push(entry);
            }
        }
        let looked = chosen.into_iter().map(|one| one.key.clone()).collect();
        Ok(Again { looked, still, of_structure })
    }

    /// Plans for these alone, with the links of those who are in their way and of whom they name; gives whoever would be
    /// unsettled again, or could not be asked for.
    async fn still(
        &self,
        (state, before): (&State, &Before),
        news: &[News<'_>],
        found: &[Found],
        chosen: &[&Unsettled],
    ) -> Result<Vec<Unsettled>, SyncError> {
        let mut named: BTreeMap<ObjectType, BTreeSet<String>> = BTreeMap::new();
        for (place, kind, entry) in found {
            let Some((one, mapping)) = news.get(*place).zip(before.mappings.get(kind)) else { continue };
            let object = one.old.person(*kind, entry.clone(), one.old.standing(entry));
            for (kind, dn) in mapping.names(&object) {
                named.entry(kind).or_default().insert(names::normal(&dn));
            }
        }
        let holders = chosen.iter().flat_map(|one| one.holders.iter());
        let mut known: BTreeSet<ObjectKey> =
            chosen.iter().map(|one| &one.key).chain(holders).cloned().collect();
        let mut links = state.links_of(&known.iter().cloned().collect::<Vec<_>>()).await?;
        for (kind, names) in named {
            let named = state.named(kind, names).await?;
            links.extend(named.into_iter().filter(|link| known.insert(link.key.clone())));
        }
        let mut planner = Planner::new([], self.plan_policy(), self.now());
        let mut people = Default::default();
        for link in links {
            split(&link, &mut people);
            planner.link(link);
        }
        let ([present, gone], nobody) = (people, BTreeMap::new());
        let mut reading = Reading::new(&mut planner, &before.mappings, &nobody, gone);
        reading.people = present;
        for (place, kind, entry) in found {
            if let Some(one) = news.get(*place) {
                reading.take_person(one.part, &one.old, *kind, entry.clone());
            }
        }
        reading.finish_people();
        let invalid = reading.invalid;
        let unasked = self.settle(&mut planner, before, &BTreeMap::new()).await?;
        let plan = planner.finish(&before.readings(ReadingOf::Changes));
        let earlier: Vec<Unsettled> = chosen.iter().map(|one| (*one).clone()).collect();
        let mut still = of_plan(&plan, &invalid, &earlier, self.now());
        let unasked: HashSet<&ObjectKey> = unasked.iter().map(|(key, _)| key).collect();
        still.extend(earlier.into_iter().filter(|one| unasked.contains(&one.key)));
        Ok(still)
    }
}
