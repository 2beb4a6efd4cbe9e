//! Preparing a run: links, target and source become one [`Prepared`] plan. It writes nothing anywhere.

mod person;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::emptied;
use super::engine::{Extent, Synchronisation};
use super::error::SyncError;
use super::few::Told;
use super::former;
use super::found::{Inventory, NotAsked, listing, settle};
use super::linked::is_person;
use super::listed::{note_orphans, take_linked};
use super::mapping::{Invalid, Mapping, Unread};
use super::news::News;
use super::object::{ObjectKey, ObjectType};
use super::plan::{Plan, Planner, Reading as ReadingOf, Readings, Shown};
use super::reading::{Part, Reading, Stream, Taken};
use super::selection;
use super::state::{State, WHY_WHOLE};
use super::structure::{Former, Stored, Structure};
use super::target::Ability;
use super::unsettled::{self, Again, Everybody};
use super::vanished::{marks, sentence, shelf, vanished};
use crate::clock::Timestamp;
use crate::directory::source::{Cursor, Gone};

/// A plan and what it came from.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) plan: Plan,
    /// `full`, `incremental`, `person`.
    pub(super) mode: &'static str,
    pub(super) cursors: Vec<(String, String, Cursor)>,
    /// The structure of each source, where it was read, or a mark of it.
    pub(super) structure: BTreeMap<String, String>,
    /// The names that people had before, of each source, where they are others than before.
    pub(super) former: BTreeMap<String, String>,
    /// What cannot be carried as it is.
    pub(super) invalid: Vec<Invalid>,
    /// Whom a reading of changes, or of one person, told of.
    pub(super) told: HashSet<ObjectKey>,
    /// What could not be looked for at the target.
    pub(super) unasked: Vec<(ObjectKey, NotAsked)>,
    /// Types that are to be carried and that the target does not have.
    pub(super) lacking: Vec<ObjectType>,
    /// Domains of a forest that were read before and are not there any more.
    pub(super) vanished: BTreeSet<String>,
    /// What is odd, in sentences.
    pub(super) warnings: Vec<String>,
    /// Who is unsettled after this, as it is to be kept; none: as it is kept.
    pub(super) unsettled: Option<String>,
    /// Of which types there is nobody left, as it is to be kept; none: as it is kept.
    pub(super) emptied: Option<String>,
    /// Types of which there is nobody left, as before, and how many wait for that, beside those of the plan.
    pub(super) still_empty: Vec<(ObjectType, u64)>,
    /// Who is unsettled as before, beside those of the plan.
    pub(super) unchanged: Everybody,
    /// Whose turn to be looked at again was last, as it is to be kept; none: as it is kept.
    turn: Option<String>,
    /// What a second look at those came to.
    again: Again,
}

/// What is known before the source is read.
pub(super) struct Before {
    cursors: BTreeMap<(String, String), Cursor>,
    stored: BTreeMap<String, String>,
    pub(super) mappings: BTreeMap<ObjectType, Mapping>,
    active: BTreeMap<ObjectType, String>,
    /// Domains of a forest that were read before and are not there any more.
    vanished: BTreeSet<String>,
}

impl Before {
    /// Units and groups of a directory as they were last read.
    fn structure(&self, part: &Part) -> Option<Structure> {
        let text = self.stored.get(&shelf(part.source.name()))?;
        let stored = serde_json::from_str::<Stored>(text).ok()?;
        Some(Structure::restore(stored, &part.conventions).ok()?.with_former(self.former(part)))
    }

    /// What is kept beside the structure under a name.
    pub(super) fn kept_as(&self, name: &str) -> &str {
        self.stored.get(name).map_or("", String::as_str)
    }

    /// Why nothing counts as read.
    fn why_whole(&self) -> String {
        let kept = Some(self.kept_as(WHY_WHOLE)).filter(|why| !why.is_empty());
        kept.unwrap_or("nothing was read before").to_owned()
    }

    /// The names that people had before, and that groups said when they were last read.
    fn former(&self, part: &Part) -> Former {
        former::kept(&self.stored, part.source.name())
    }

    /// Of a type that is not carried nothing was read: nobody of it leaves.
    pub(super) fn readings(&self, reading: ReadingOf) -> Readings {
        self.mappings.keys().map(|kind| (*kind, reading)).collect()
    }
}

impl Prepared {
    /// Of a plan that was reviewed: what was read for it is read again by the next run.
    pub(super) fn of_file(
        plan: Plan,
        vanished: BTreeSet<String>,
        read: &BTreeSet<String>,
        former: BTreeMap<String, String>,
    ) -> Self {
        Self {
            emptied: Some(emptied::body(&plan, &[])).filter(|body| !body.is_empty()),
            plan,
            mode: "plan",
            structure: marks(read.iter().map(String::as_str)),
            former,
            warnings: vanished.iter().map(|domain| sentence(domain)).collect(),
            vanished,
            ..Self::default()
        }
    }

    /// What is to be kept beside the structure.
    pub(super) fn kept_beside(&mut self) -> Vec<(String, String)> {
        let unsettled = self.unsettled.take().map(|body| (unsettled::SHELF.to_owned(), body));
        let emptied = self.emptied.take().map(|body| (emptied::SHELF.to_owned(), body));
        let turn = self.turn.take().map(|turn| (unsettled::TURN.to_owned(), turn));
        unsettled.into_iter().chain(emptied).chain(turn).collect()
    }

    fn finish(&mut self, lacking: Vec<ObjectType>, before: Before, now: Timestamp) {
        self.lacking = lacking;
        self.warnings.extend(before.vanished.iter().map(|domain| sentence(domain)));
        self.vanished = before.vanished;
        let earlier = unsettled::kept(&before.stored);
        let new = unsettled::of_plan(&self.plan, &self.invalid, &earlier.kept, now);
        let all = if self.mode == "full" {
            Everybody::of(new, &Everybody::default())
        } else {
            let unasked: HashSet<&ObjectKey> = self.unasked.iter().map(|(key, _)| key).collect();
            let again = std::mem::take(&mut self.again);
            self.turn = again.turn(&before.stored).filter(|_| self.mode != "person");
            let (all, unchanged) = unsettled::after(&earlier.kept, (&self.told, &unasked), again, new);
            self.unchanged = Everybody { kept: unchanged, more: earlier.more, rivals: earlier.rivals };
            Everybody::of(all, &earlier)
        };
        let (kept, body) = (before.stored.get(unsettled::SHELF), unsettled::body(&all));
        self.unsettled = Some(body).filter(|body| kept.map_or("", String::as_str) != body);
        if self.mode != "person" {
            let (kept, body) =
                (before.stored.get(emptied::SHELF), emptied::body(&self.plan, &self.still_empty));
            self.emptied = Some(body).filter(|body| kept.map_or("", String::as_str) != body);
        }
    }
}

impl Synchronisation {
    /// Plans.
    pub(super) async fn prepare(
        &self,
        state: &State,
        extent: &Extent,
        ability: &Ability,
    ) -> Result<Prepared, SyncError> {
        let (carried, lacking): (Vec<ObjectType>, Vec<ObjectType>) =
            self.options().objects.iter().partition(|kind| ability.types.contains(kind));
        let types = &self.options().preset.types;
        let of = |kind: &ObjectType| Some((*kind, types.get(kind)?));
        let mut cursors = state.cursors().await?;
        cursors.retain(|_, cursor| !cursor.value.is_empty());
        let mut before = Before {
            cursors,
            stored: state.structure().await?,
            mappings: carried.iter().filter_map(of).map(|(kind, one)| (kind, one.mapping.clone())).collect(),
            active: carried
                .iter()
                .filter_map(of)
                .filter_map(|(kind, one)| Some((kind, one.active.clone()?)))
                .collect(),
            vanished: BTreeSet::new(),
        };
        let parts = self.parts(&before.mappings).await?;
        before.vanished = vanished(&before.stored, &parts, &self.options().sources);
        let mut why = None;
        if let Extent::Changes = extent {
            match self.plan_changes(state, &before, &parts).await? {
                Ok(mut prepared) => {
                    prepared.finish(lacking, before, self.now());
                    return Ok(prepared);
                }
                Err(cause) => why = Some(cause),
            }
        }
        let mut prepared = match extent {
            Extent::Person(login) => self.plan_person(state, &before, &parts, login).await?,
            Extent::Changes | Extent::Full { .. } => {
                let refill = matches!(extent, Extent::Full { refill: true });
                self.plan_whole(state, &before, &parts, (ability, refill)).await?
            }
        };
        prepared.finish(lacking, before, self.now());
        if let Extent::Person(_) = extent {
            // The others are the matter of a run for all.
            prepared.unchanged = Everybody::default();
        }
        prepared.warnings.extend(why.map(|cause| format!("everything is read: {cause}")));
        Ok(prepared)
    }

    /// Everything, against the links, and against what the target shows where that is wanted.
    async fn plan_whole(
        &self,
        state: &State,
        before: &Before,
        parts: &[Part],
        (ability, refill): (&Ability, bool),
    ) -> Result<Prepared, SyncError> {
        let streams: Vec<Stream> = parts.iter().map(Stream::of_people).collect();
        let (mut planner, [mut known, gone]) = self.planner(state).await?;
        known.extend(gone);
        let is_ignored = |path: &&str| ability.ignored.iter().any(|known| known.eq_ignore_ascii_case(path));
        for (kind, mapping) in &before.mappings {
            planner.not_shown(*kind, mapping.paths().filter(is_ignored));
        }
        let is_first = planner.linked().next().is_none();
        let mut lists = BTreeMap::new();
        if ability.lists && (is_first || self.options().compare) {
            for (kind, mapping) in &before.mappings {
                let active = before.active.get(kind).map(String::as_str);
                let asked = (self.target(), self.questions());
                let list = listing(asked, *kind, mapping, active)
                    .await
                    .map_err(|fault| SyncError::listing(self.target(), fault))?;
                lists.insert(*kind, list);
            }
            self.note_losses(&mut planner, &lists, refill)?;
        }
        let shown: BTreeMap<ObjectType, BTreeMap<String, Shown>> = if self.options().compare {
            lists.iter_mut().map(|(kind, list)| (*kind, take_linked(list, *kind, &planner))).collect()
        } else {
            BTreeMap::new()
        };
        let linked = planner.linked().filter(|(key, _)| is_person(key.kind)).count();
        let mut reading = Reading::new(&mut planner, &before.mappings, &shown, known).of_all(linked);
        for (part, stream) in parts.iter().zip(streams) {
            reading.whole(part, stream, &before.former(part)).await?;
        }
        reading.finish();
        let Reading { structures, cursors, invalid, unread, .. } = reading;
        selection::check(self.options(), &structures)?;
        let structure = keep(parts, &structures)?;
        let former = former::to_keep(&before.stored, (parts, &structures), false);
        let cursors = with_others_forgotten(cursors, &before.cursors);
        let mut unasked = self.settle(&mut planner, before, &lists).await?;
        let unclear: BTreeSet<ObjectType> = if invalid.is_empty() {
            unasked.iter().map(|(key, _)| key.kind).collect()
        } else {
            before.mappings.keys().copied().collect()
        };
        note_orphans(&mut planner, &lists, &before.active, &unclear);
        let warnings = told(&structures, &unread);
        let mut plan = planner.finish(&before.readings(ReadingOf::All));
        if shown.is_empty() {
            unasked.extend(self.keep_own(&mut plan, &before.mappings).await?);
        }
        Ok(Prepared {
            plan,
            mode: "full",
            cursors,
            structure,
            former,
            invalid,
            unasked,
            warnings,
            ..Prepared::default()
        })
    }

    /// What changed; a sentence where everything has to be read.
    async fn plan_changes(
        &self,
        state: &State,
        before: &Before,
        parts: &[Part],
    ) -> Result<Result<Prepared, String>, SyncError> {
        if before.cursors.is_empty() {
            return Ok(Err(before.why_whole()));
        }
        if !unsettled::is_known(&before.stored) {
            return Ok(Err("it is not known any more who is in conflict".to_owned()));
        }
        let mut news = Vec::new();
        for part in parts {
            match News::ask(part, &before.cursors, before.structure(part)).await? {
                Ok(told) => news.push(told),
                Err(cause) => return Ok(Err(cause)),
            }
        }
        let unsettled = unsettled::kept(&before.stored);
        let again = self.look_again((state, before), &mut news, &unsettled).await?;
        let few = match told_of(&news).filter(|_| !again.of_structure) {
            Some(told) => self.few(state, &before.mappings, &told).await?,
            None => None,
        };
        let is_few = few.is_some();
        let (mut planner, [present, gone]) = match few {
            Some(few) => few,
            None => self.planner(state).await?,
        };
        again.contest(&mut planner);
        let nobody = BTreeMap::new();
        let mut reading = Reading::new(&mut planner, &before.mappings, &nobody, gone);
        reading.people = present;
        let mut nothing = true;
        for told in news {
            let kept = before.former(told.part);
            match reading
                .changes(told, &kept, (parts.len() == 1 && before.vanished.is_empty(), is_few))
                .await?
            {
                Taken::Nothing => {}
                Taken::Changes => nothing = false,
                Taken::Whole(cause) => return Ok(Err(cause)),
            }
        }
        if is_few || !nothing || again.of_structure {
            reading.end((state, parts), is_few).await?;
        }
        let Reading { structures, cursors, invalid, unread, told: keys, .. } = reading;
        selection::check(self.options(), &structures)?;
        let structure = if nothing || is_few { BTreeMap::new() } else { keep(parts, &structures)? };
        let former = former::to_keep(&before.stored, (parts, &structures), structure.is_empty());
        let mut unasked = self.settle(&mut planner, before, &BTreeMap::new()).await?;
        let mut plan = planner.finish(&before.readings(ReadingOf::Changes));
        unasked.extend(self.keep_own(&mut plan, &before.mappings).await?);
        if unsettled.is_unclear(&plan) {
            return Ok(Err(
                "more are in conflict than are known by name, and somebody is found at the target".to_owned(),
            ));
        }
        let still_empty = match self.still_empty(state, &before.stored, (parts, &plan)).await? {
            Ok(still_empty) => still_empty,
            Err(cause) => return Ok(Err(cause)),
        };
        Ok(Ok(Prepared {
            plan,
            mode: "incremental",
            cursors,
            structure,
            former,
            invalid,
            told: keys,
            unasked,
            again,
            still_empty,
            warnings: told(&structures, &unread),
            ..Prepared::default()
        }))
    }

    pub(super) async fn settle(
        &self,
        planner: &mut Planner,
        before: &Before,
        lists: &BTreeMap<ObjectType, Inventory>,
    ) -> Result<Vec<(ObjectKey, NotAsked)>, SyncError> {
        let rules = self.options().matching;
        settle(planner, (self.target(), self.questions()), (&before.mappings, &before.active), lists, rules)
            .await
            .map_err(|fault| SyncError::listing(self.target(), fault))
    }
}

/// Whom news are about, where units and groups are as they were and it was told who is gone.
fn told_of<'a>(news: &'a [News<'_>]) -> Option<Vec<Told<'a>>> {
    let of = |news: &'a News<'_>| {
        let mut gone = Vec::new();
        for heard in &news.heard {
            match (heard.kind, &heard.gone) {
                (None, _) => {}
                (Some(kind), Gone::These(ids)) => {
                    gone.extend(ids.iter().map(|id| ObjectKey::new(kind, id.as_str())));
                }
                (Some(_), Gone::AllBut(_)) => return None,
            }
        }
        let people = news.people().collect();
        (!news.is_of_structure()).then_some(Told { part: news.part, structure: &news.old, people, gone })
    };
    news.iter().map(of).collect()
}

fn keep(parts: &[Part], structures: &[Structure]) -> Result<BTreeMap<String, String>, SyncError> {
    let kept = parts.iter().zip(structures).map(|(part, structure)| {
        let text =
            serde_json::to_string(&structure.stored()).map_err(|cause| SyncError::Kept(cause.to_string()));
        Ok((shelf(part.source.name()), text?))
    });
    kept.collect()
}

fn told(structures: &[Structure], unread: &[Unread]) -> Vec<String> {
    let of_structures = structures.iter().flat_map(Structure::warnings).map(ToString::to_string);
    of_structures.chain(Unread::sentences(unread)).collect()
}

/// Cursors of other questions than these count no longer: what was asked by them may have changed since.
fn with_others_forgotten(
    mut cursors: Vec<(String, String, Cursor)>,
    before: &BTreeMap<(String, String), Cursor>,
) -> Vec<(String, String, Cursor)> {
    let asked: BTreeSet<(String, String)> =
        cursors.iter().map(|(source, query, _)| (source.clone(), query.clone())).collect();
    let others = before.keys().filter(|key| !asked.contains(*key));
    cursors.extend(others.map(|(source, query)| (source.clone(), query.clone(), Cursor::none())));
    cursors
}
