//! Reading the source: [`Part`] is one directory with what its places and groups mean; [`Reading`] takes what it tells
//! through structure, scope and mapping to the planner.
//!
//! A full reading takes everything, people as a stream. A reading of changes takes what is new since the cursors, and
//! whom a change of groups touches; where that cannot be said it answers [`Taken::Whole`], and everything is read.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::mapping::{Invalid, Mapping};
use super::object::{ObjectKey, ObjectType, SourceObject};
use super::plan::{Planner, Shown};
use super::queries::Queries;
use super::scope::{Scope, Verdict};
use super::structure::{Affected, Conventions, People, Stored, Structure};
use crate::directory::DirectoryError;
use crate::directory::source::{Changes, Cursor, Flavour, Gone, Source, SourceEntry, SourceQuery};

/// So many people whom a change of groups touches are read one by one; for more, everything is read.
const FEW: usize = 500;
/// So many primary groups are asked for at once.
const TOKENS: usize = 100;
/// Parts of a stream that wait.
const AHEAD: usize = 4;

/// One directory.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) source: Arc<dyn Source>,
    pub(super) conventions: Conventions,
    pub(super) scope: Scope,
    pub(super) queries: Queries,
}

/// What a reading of changes came to.
pub(super) enum Taken {
    /// What changed was told.
    Changes,
    /// Nothing changed.
    Nothing,
    /// It cannot be said what changed, and everything has to be read: why.
    Whole(String),
}

/// What is read goes here.
pub(super) struct Reading<'a> {
    pub(super) planner: &'a mut Planner,
    pub(super) mappings: &'a BTreeMap<ObjectType, Mapping>,
    /// What the target shows, by its ids, where a full run compares.
    pub(super) shown: &'a BTreeMap<ObjectType, BTreeMap<String, Shown>>,
    /// Who is linked, by DN: whom references name. In a reading of changes, those of them who are gone from the source.
    pub(super) known: People,
    /// Who is carried and in the source: all who were read, and in a reading of changes also who is linked.
    pub(super) people: People,
    /// What was read of units and groups.
    pub(super) structures: Vec<Structure>,
    /// How far it was read: source, query, cursor.
    pub(super) cursors: Vec<(String, String, Cursor)>,
    /// What cannot be carried as it is.
    pub(super) invalid: Vec<Invalid>,
    /// Objects that name somebody who was not read yet.
    waiting: Vec<SourceObject>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        planner: &'a mut Planner,
        mappings: &'a BTreeMap<ObjectType, Mapping>,
        shown: &'a BTreeMap<ObjectType, BTreeMap<String, Shown>>,
        known: People,
    ) -> Self {
        Self {
            planner,
            mappings,
            shown,
            known,
            people: People::default(),
            structures: Vec::new(),
            cursors: Vec::new(),
            invalid: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Reads all of a part.
    pub(super) async fn whole(&mut self, part: &Part) -> Result<(), DirectoryError> {
        let structure = self.read_structure(part).await?;
        for (kind, query) in part.queries.people() {
            let (parts, mut pages) = mpsc::channel(AHEAD);
            let source = Arc::clone(&part.source);
            let asked = query.query.clone();
            let reader = tokio::spawn(async move { source.read(&asked, parts).await });
            while let Some(page) = pages.recv().await {
                for entry in page {
                    self.take_person(part, &structure, kind, entry);
                }
            }
            let cursor = joined(part, reader.await)??;
            self.note(part, &query.name, cursor);
        }
        self.structures.push(structure);
        Ok(())
    }

    /// Units and groups, whole.
    pub(super) async fn read_structure(&mut self, part: &Part) -> Result<Structure, DirectoryError> {
        let mut found = [Vec::new(), Vec::new()];
        for (query, entries) in [&part.queries.units, &part.queries.groups].into_iter().zip(&mut found) {
            let (taken, cursor) = collect(part, &query.query).await?;
            *entries = taken;
            self.note(part, &query.name, cursor);
        }
        let [units, groups] = found;
        Ok(Structure::build(units, groups, &part.conventions))
    }

    /// Reads what changed in a part. `stored`: the structure as it was; `alone`: there is no other part.
    pub(super) async fn changes(
        &mut self,
        part: &Part,
        cursors: &BTreeMap<(String, String), Cursor>,
        (stored, alone): (Option<Stored>, bool),
    ) -> Result<Taken, DirectoryError> {
        let name = part.source.name();
        let mut told = Vec::new();
        for (kind, query) in part.queries.all() {
            let Some(cursor) = cursors.get(&(name.to_owned(), query.name.clone())) else {
                return Ok(Taken::Whole(format!("\"{name}\" was not read with this configuration before")));
            };
            match part.source.changes(&query.query, cursor).await? {
                Changes::Lost(why) => return Ok(Taken::Whole(why)),
                Changes::Since { changed, gone, cursor } => told.push((kind, changed, gone, query, cursor)),
            }
        }
        let Some(Ok(old)) = stored.map(|stored| Structure::restore(stored, &part.conventions)) else {
            return Ok(Taken::Whole(format!("the groups of \"{name}\" are not known any more")));
        };
        let mut moved = told.iter().any(|(kind, changed, gone, query, _)| {
            let is_units = query.name == part.queries.units.name;
            kind.is_none() && (!changed.is_empty() || has_lost(&old, is_units, gone))
        });
        let mut nothing = !moved;
        if !moved && part.source.flavour().await? == Flavour::ActiveDirectory {
            // Groups list somebody by the new name without having been changed.
            moved =
                told.iter().any(|(kind, changed, ..)| kind.is_some_and(|kind| self.is_new(kind, changed)));
        }
        let (structure, touched) = if moved {
            let new = self.read_structure(part).await?;
            let Some(touched) = self.touched(part, &new, &old).await? else {
                return Ok(Taken::Whole("a change of groups touches very many".to_owned()));
            };
            let carried: BTreeSet<ObjectKey> = new.carried().collect();
            for key in old.carried().filter(|key| !carried.contains(key)) {
                self.planner.gone(&key);
            }
            (new, touched)
        } else {
            (old, Vec::new())
        };
        let mut taken = HashSet::new();
        for (kind, changed, gone, query, cursor) in told {
            let Some(kind) = kind else {
                if !moved {
                    self.note(part, &query.name, cursor);
                }
                continue;
            };
            let gone = match gone {
                Gone::These(ids) => ids,
                Gone::AllBut(ids) if alone => self.missing(kind, &ids),
                Gone::AllBut(_) => {
                    return Ok(Taken::Whole(format!("\"{name}\" tells of no deletions, and is not alone")));
                }
            };
            nothing &= changed.is_empty() && gone.is_empty();
            let gone: HashSet<ObjectKey> = gone.into_iter().map(|id| ObjectKey::new(kind, id)).collect();
            for key in &gone {
                self.planner.gone(key);
            }
            self.people.forget_all(&gone);
            for entry in changed {
                taken.insert(entry.id.clone());
                self.take_person(part, &structure, kind, entry);
            }
            self.note(part, &query.name, cursor);
        }
        for (kind, entry) in touched {
            if taken.insert(entry.id.clone()) {
                self.take_person(part, &structure, kind, entry);
            }
        }
        self.structures.push(structure);
        Ok(if nothing { Taken::Nothing } else { Taken::Changes })
    }

    /// Whether somebody is not linked by this name.
    fn is_new(&self, kind: ObjectType, changed: &[SourceEntry]) -> bool {
        let key = |entry: &SourceEntry| ObjectKey::new(kind, entry.id.as_str());
        changed.iter().any(|entry| self.people.find(&entry.dn) != Some(&key(entry)))
    }

    /// The ids of links of a type that are not among these.
    fn missing(&self, kind: ObjectType, ids: &[String]) -> Vec<String> {
        let ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
        let linked = self.planner.linked().filter(|(key, _)| key.kind == kind);
        linked.map(|(key, _)| key.id.clone()).filter(|id| !ids.contains(id.as_str())).collect()
    }

    /// Those whom the difference of two structures touches, read anew; none when they are too many.
    async fn touched(
        &self,
        part: &Part,
        new: &Structure,
        old: &Structure,
    ) -> Result<Option<Vec<(ObjectType, SourceEntry)>>, DirectoryError> {
        let Affected { members, tokens, units, .. } = old.affected(new);
        if members.len() > FEW || !tokens.is_empty() || !units.is_empty() {
            return Ok(None);
        }
        let mut found = Vec::new();
        for dn in members {
            for (kind, query) in part.queries.people() {
                let query = SourceQuery { base: dn.clone(), ..query.query.clone() };
                match collect(part, &query).await {
                    Ok((entries, _)) => found.extend(entries.into_iter().map(|entry| (kind, entry))),
                    // A member that is no entry here, or none any more.
                    Err(DirectoryError::Refused { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Some(found))
    }

    /// Reads who has a carried group, or one inside it, for the primary one: such groups do not list them. After a
    /// reading of changes, before its end; a full reading has them.
    pub(super) async fn take_primary(&mut self, parts: &[Part]) -> Result<(), DirectoryError> {
        let structures = std::mem::take(&mut self.structures);
        for (part, structure) in parts.iter().zip(&structures) {
            let tokens: BTreeSet<u32> =
                structure.carried().flat_map(|key| structure.tokens_of(&key)).collect();
            let tokens: Vec<String> =
                tokens.into_iter().map(|token| format!("(primaryGroupID={token})")).collect();
            for some in tokens.chunks(TOKENS) {
                for (kind, query) in part.queries.people() {
                    let filter = format!("(&{}(|{}))", query.query.filter, some.concat());
                    let (entries, _) = collect(part, &SourceQuery { filter, ..query.query.clone() }).await?;
                    for entry in entries {
                        let key = ObjectKey::new(kind, entry.id.as_str());
                        let verdict = part.scope.judge(&entry, &structure.standing(&entry));
                        if matches!(verdict, Verdict::InScope(_)) || self.planner.target_id(&key).is_some() {
                            self.people.put(key, &entry);
                        }
                    }
                }
            }
        }
        self.structures = structures;
        Ok(())
    }

    /// Reads one person by the login name; says how many it were.
    pub(super) async fn person(
        &mut self,
        part: &Part,
        structure: &Structure,
        login: &str,
    ) -> Result<usize, DirectoryError> {
        let mut count = 0;
        for (kind, query) in part.queries.people() {
            for entry in part.source.by_login(&query.query, login).await? {
                count += 1;
                self.take_person(part, structure, kind, entry);
            }
        }
        Ok(count)
    }

    /// Units and groups as objects, and whoever waited for somebody.
    pub(super) fn finish(&mut self) {
        for object in std::mem::take(&mut self.waiting) {
            self.offer(&object, true);
        }
        let structures = std::mem::take(&mut self.structures);
        for structure in &structures {
            for unit in structure.organizations() {
                self.offer(&unit, true);
            }
            for key in structure.carried().collect::<Vec<_>>() {
                if let Some(group) = structure.group(&key, &self.people) {
                    self.offer(&group, true);
                }
            }
        }
        self.structures = structures;
    }

    fn note(&mut self, part: &Part, query: &str, cursor: Cursor) {
        self.cursors.push((part.source.name().to_owned(), query.to_owned(), cursor));
    }

    fn take_person(&mut self, part: &Part, structure: &Structure, kind: ObjectType, entry: SourceEntry) {
        let standing = structure.standing(&entry);
        let key = ObjectKey::new(kind, entry.id.as_str());
        if let Verdict::Out(_) = part.scope.judge(&entry, &standing) {
            self.planner.out_of_scope(&key);
            // Whoever is only deactivated keeps the place in groups, until the source takes it.
            if self.planner.target_id(&key).is_some() {
                self.people.put(key, &entry);
            } else {
                self.people.forget(&entry.dn);
            }
            return;
        }
        self.people.put(key, &entry);
        let object = structure.person(kind, entry, standing);
        self.offer(&object, false);
    }

    /// Offers an object to the planner, unless it names somebody who may still be read.
    fn offer(&mut self, object: &SourceObject, last: bool) {
        let Some(mapping) = self.mappings.get(&object.key.kind) else { return };
        let missed = Cell::new(false);
        let resolve = |dn: &str| {
            let found = self.people.find(dn).or_else(|| self.known.find(dn)).cloned();
            missed.set(missed.get() || found.is_none());
            found
        };
        let mapped = mapping.map(object, &resolve);
        if missed.get() && !last {
            self.waiting.push(object.clone());
            return;
        }
        match mapped {
            Ok(desired) => {
                let shown = self.shown.get(&object.key.kind);
                let id = self.planner.target_id(&object.key);
                match shown.zip(id).and_then(|(shown, id)| shown.get(id)) {
                    Some(shown) => self.planner.compare(desired, shown),
                    None => self.planner.offer(desired),
                }
            }
            // Whoever is not to be used there any more needs no values.
            Err(_) if !object.active => self.planner.out_of_scope(&object.key),
            Err(faults) => {
                self.planner.left_alone(&object.key);
                self.invalid.extend(faults);
            }
        }
    }
}

/// Whether units or groups are gone.
fn has_lost(old: &Structure, is_units: bool, gone: &Gone) -> bool {
    let (ids, told_gone) = match gone {
        // Active Directory names whatever was touched in the domain.
        Gone::These(ids) => (ids, true),
        Gone::AllBut(ids) => (ids, false),
    };
    let ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let mut held: Box<dyn Iterator<Item = &str>> =
        if is_units { Box::new(old.unit_ids()) } else { Box::new(old.group_ids()) };
    held.any(|id| ids.contains(id) == told_gone)
}

/// All entries of a query.
pub(super) async fn collect(
    part: &Part,
    query: &SourceQuery,
) -> Result<(Vec<SourceEntry>, Cursor), DirectoryError> {
    let (parts, mut pages) = mpsc::channel(AHEAD);
    let source = Arc::clone(&part.source);
    let query = query.clone();
    let reader = tokio::spawn(async move { source.read(&query, parts).await });
    let mut entries = Vec::new();
    while let Some(page) = pages.recv().await {
        entries.extend(page);
    }
    let cursor = joined(part, reader.await)??;
    Ok((entries, cursor))
}

fn joined<T>(part: &Part, ended: Result<T, tokio::task::JoinError>) -> Result<T, DirectoryError> {
    ended.map_err(|cause| DirectoryError::Refused {
        directory: part.source.name().to_owned(),
        operation: "the reading",
        cause: cause.to_string(),
    })
}
