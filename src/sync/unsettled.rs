//! [`Unsettled`]: those who are in conflict, are only reported (`match`) or cannot be carried as they are, kept until that
//! is over. A run of changes looks at them again although the directory tells nothing new of them: the cure may be at the
//! target. It looks at a few, by turns (`chosen`), and of very many only the first are kept.

mod chosen;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::engine::Synchronisation;
use super::error::SyncError;
use super::linked::{is_person, split};
use super::mapping::Invalid;
use super::matching::Conflict;
use super::news::News;
use super::object::{ObjectKey, ObjectType};
use super::operation::{Action, Operation};
use super::plan::{Plan, Planner, Reading as ReadingOf, Unmatched};
use super::prepare::Before;
use super::reading::Reading;
use super::state::State;
use super::structure::names;
use crate::clock::Timestamp;
use crate::directory::source::SourceEntry;
use chosen::Chosen;

/// Under this name they are kept, beside the structure.
pub(super) const SHELF: &str = "unsettled";

/// Under this name it is kept whose turn was last, where not all are looked at by each run.
pub(super) const TURN: &str = "unsettled-turn";

/// So many are looked at again by one run of changes: each may be a question to the target. Of units and groups, which are
/// looked at all together, no more than these in all.
const MOST: usize = 50;
/// So many are kept; of more it is known that there are more.
const KEPT: usize = 2_000;
/// So many of those who are as they were are told of one by one.
const TOLD: usize = 20;

/// Somebody, or something, that is in conflict, only reported, or cannot be carried as it is.
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
    /// Who is in its way, as far as they are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holders: Vec<ObjectKey>,
    /// What it wants of the target, where that is what cannot be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wants: Option<Wants>,
}

impl Unsettled {
    /// What it wants of the target, and by which path and value it was found.
    pub(super) fn wanted(&self) -> Option<(&(String, String), &[String])> {
        self.wants.as_ref().map(|wants| (&wants.by, wants.ids.as_slice()))
    }

    /// What others want as well, whom its sentence names: the sentence of one of them tells of all.
    pub fn shared(&self) -> Option<Shared> {
        let wants = self.wants.as_ref().filter(|wants| wants.shared)?;
        Some((self.key.kind, wants.ids.first()?.clone()))
    }
}

/// What somebody who is in conflict wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Wants {
    /// The path and the value by which it was found.
    by: (String, String),
    /// The target's ids of it; none where they were too many to keep.
    ids: Vec<String>,
    /// Whether it is nobody's yet, and others want it as well.
    #[serde(default)]
    shared: bool,
}

/// An object of the target that several want: its type and the target's id.
pub type Shared = (ObjectType, String);

/// All who are unsettled, as far as they are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Everybody {
    /// These, in the order of their keys.
    pub kept: Vec<Unsettled>,
    /// So many more there are, or were when everything was last read.
    pub more: usize,
    /// Whether some of the others are in conflict.
    #[serde(default)]
    pub(super) rivals: bool,
}

impl Everybody {
    /// Of all and of those that were not kept before: who is in conflict is kept first, for others may want the same.
    pub(super) fn of(mut all: Vec<Unsettled>, before: &Self) -> Self {
        all.sort_by(|one, other| (one.wants.is_none(), &one.key).cmp(&(other.wants.is_none(), &other.key)));
        let others = all.split_off(KEPT.min(all.len()));
        let rivals = others.iter().any(|one| one.wants.is_some());
        all.sort_by(|one, other| one.key.cmp(&other.key));
        Self { kept: all, more: others.len().max(before.more), rivals: rivals || before.rivals }
    }

    /// Whether there are so many that nobody can say who else wants what somebody takes over.
    pub(super) fn is_unclear(&self, plan: &Plan) -> bool {
        let adopts = |one: &Operation| one.action == Action::Adopt && is_person(one.key.kind);
        self.rivals && plan.operations.iter().any(adopts)
    }
}

/// What a look at those who were unsettled came to.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// Whoever was looked at.
    looked: HashSet<ObjectKey>,
    /// Whoever of them still is so.
    still: Vec<Unsettled>,
    /// Whoever was not, of those who are in conflict: nobody else takes over what they want.
    waiting: Vec<Unsettled>,
    /// Whose turn was last, as it is to be kept.
    turn: String,
    /// Whether units or groups are among those who were unsettled: these are looked at with all others of their kind.
    pub(super) of_structure: bool,
}

/// Somebody who was read again, with the place of the directory among those that are read.
type Found = (usize, ObjectType, SourceEntry);

impl Again {
    /// Whose turn was last, where that is another than it was `before`.
    pub(super) fn turn(&self, before: &BTreeMap<String, String>) -> Option<String> {
        let before = before.get(TURN).map_or("", String::as_str);
        (self.turn != before).then(|| self.turn.clone())
    }

    /// Tells a planner what is wanted by those who are not looked at.
    pub(super) fn contest(&self, planner: &mut Planner) {
        for one in &self.waiting {
            if let Some((by, ids)) = one.wanted() {
                planner.contest((one.key.clone(), one.dn.clone()), by, ids.iter().cloned());
            }
        }
    }
}

/// Those who are kept as unsettled.
pub(super) fn kept(stored: &BTreeMap<String, String>) -> Everybody {
    stored.get(SHELF).and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}

/// Whether what is kept can be read: another program may have written it.
pub(super) fn is_known(stored: &BTreeMap<String, String>) -> bool {
    let body = stored.get(SHELF).map_or("", String::as_str);
    body.is_empty() || serde_json::from_str::<Everybody>(body).is_ok()
}

/// How they are kept; nothing for nobody.
pub(super) fn body(everybody: &Everybody) -> String {
    if *everybody == Everybody::default() {
        return String::new();
    }
    serde_json::to_string(everybody).unwrap_or_default()
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
    let mut put = |key: &ObjectKey, dn: &str, told: String, conflict: Option<&Conflict>| {
        let holders = conflict.into_iter().flat_map(|cause| &cause.found);
        let new = || Unsettled {
            key: key.clone(),
            dn: dn.to_owned(),
            since: since.get(key).copied().unwrap_or(now),
            told: Vec::new(),
            holders: holders.filter_map(|(_, holder)| holder.clone()).collect(),
            wants: conflict.map(Wants::of),
        };
        found.entry(key.clone()).or_insert_with(new).told.push(told);
    };
    for fault in invalid {
        put(&fault.key, &fault.dn, fault.to_string(), None);
    }
    for report in &plan.reports {
        put(&report.key, &report.dn, report.sentence(), None);
    }
    for conflict in &plan.conflicts {
        put(&conflict.key, &conflict.dn, conflict.sentence(), Some(&conflict.cause));
    }
    let mut found: Vec<Unsettled> = found.into_values().collect();
    let vast: HashSet<ObjectKey> = chosen::vast(&found);
    for one in found.iter_mut().filter(|one| vast.contains(&one.key)) {
        one.told.iter_mut().for_each(|told| told.push_str(NOT_AGAIN));
    }
    found
}

/// What is said of those at whom no run of changes looks again.
const NOT_AGAIN: &str = "; only a run with --full looks at this again";

impl Wants {
    fn of(cause: &Conflict) -> Self {
        let ids: BTreeSet<&String> = cause.found.iter().map(|(id, _)| id).collect();
        // Others who want the same one are no further ids.
        let is_known = cause.more == 0 || ids.len() == 1;
        let ids = ids.into_iter().filter(|_| is_known).cloned().collect();
        Self { by: (cause.path.clone(), cause.value.clone()), ids, shared: cause.wanted }
    }
}

/// Those who are unsettled after a run that `told` of some, looked `again` at others and could not ask for `unasked`:
/// first, whom it did not look at; and those of whom its plan does not tell.
pub(super) fn after(
    before: &[Unsettled],
    (told, unasked): (&HashSet<ObjectKey>, &HashSet<&ObjectKey>),
    again: Again,
    new: Vec<Unsettled>,
) -> (Vec<Unsettled>, Vec<Unsettled>) {
    let Again { looked, still, .. } = again;
    let is_as_it_was = |one: &Unsettled| {
        unasked.contains(&one.key) || !told.contains(&one.key) && !looked.contains(&one.key)
    };
    let mut unchanged: Vec<Unsettled> = before.iter().filter(|one| is_as_it_was(one)).cloned().collect();
    unchanged.extend(still.into_iter().filter(|one| !told.contains(&one.key)));
    let mut all = unchanged.clone();
    all.extend(new);
    (all, unchanged)
}

/// What a report says of the conflicts of a plan: of those who want the same, one sentence. `known`: what is told of.
pub(super) fn conflicts(plan: &Plan, known: &mut HashSet<Shared>) -> Vec<String> {
    let shared = |one: &Unmatched<Conflict>| {
        let (id, _) = one.cause.found.first().filter(|_| one.cause.wanted)?;
        Some((one.key.kind, id.clone()))
    };
    let told = plan.conflicts.iter().filter(|one| shared(one).is_none_or(|what| known.insert(what)));
    told.map(Unmatched::<Conflict>::sentence).collect()
}

/// What a report says of those who are as they were, but for what is told of already.
pub(super) fn sentences(unchanged: &Everybody, target: &str, known: &mut HashSet<Shared>) -> Vec<String> {
    let first = unchanged.kept.iter().filter(|one| one.shared().is_none_or(|what| known.insert(what)));
    let first: Vec<&Unsettled> = first.collect();
    let mut told: Vec<String> = first.iter().take(TOLD).flat_map(|one| one.told.clone()).collect();
    let more = first.len().saturating_sub(TOLD) + unchanged.more;
    if more > 0 {
        told.push(format!("{}, as before; `sekisho sync status {target}` shows them", more_are(more)));
    }
    told
}

/// Of so many more, what they all may be.
pub fn more_are(more: usize) -> String {
    let are = if more == 1 { "is" } else { "are" };
    format!("{more} more {are} in conflict, cannot be carried, or {are} only told of (match)")
}

impl Synchronisation {
    /// Looks at those who were unsettled and of whom there is no news. For whom it may be over joins the news: the plan
    /// decides.
    pub(super) async fn look_again(
        &self,
        (state, before): (&State, &Before),
        news: &mut [News<'_>],
        unsettled: &Everybody,
    ) -> Result<Again, SyncError> {
        let of_structure = chosen::may_look_at_structure(unsettled);
        let told = news.iter().flat_map(News::people);
        let changed: HashSet<ObjectKey> =
            told.map(|(kind, entry)| ObjectKey::new(kind, entry.id.as_str())).collect();
        let Chosen { looked: chosen, waiting, turn } = Chosen::of(unsettled, &changed, before.kept_as(TURN));
        let waiting = waiting.into_iter().cloned().collect();
        if chosen.is_empty() {
            return Ok(Again { waiting, turn, of_structure, ..Again::default() });
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
        Ok(Again { looked, still, waiting, turn, of_structure })
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
        let mut planner = Planner::new([], self.options().plan_policy(), self.now());
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
