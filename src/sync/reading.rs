//! Reading the source: [`Part`] is one directory with what its places and groups mean; [`Reading`] takes what it tells
//! through structure, scope and mapping to the planner.
//!
//! A full reading takes everything, people as a stream. A reading of changes takes what is new since the cursors, and
//! whom a change of groups touches; where that cannot be said it answers [`Taken::Whole`], and everything is read.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::former::{self, Later};
use super::mapping::{Invalid, Mapping, Unread};
use super::news::{Heard, News};
use super::object::{ObjectKey, ObjectType, SourceObject};
use super::plan::{Planner, Shown};
use super::queries::Queries;
use super::scope::{Scope, Verdict, is_of_the_system};
use super::structure::{Affected, Conventions, Former, People, Structure};
use crate::directory::dn::Dn;
use crate::directory::source::{Cursor, Gone, Source, SourceEntry, SourceQuery};
use crate::directory::{DirectoryError, NO_SUCH_OBJECT};

/// So many people whom a change of groups touches are read one by one; for more, everything is read.
const FEW: usize = 500;
/// So many primary groups are asked for at once.
const TOKENS: usize = 100;
/// Parts of a stream that wait.
const AHEAD: usize = 16;

/// One directory.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) source: Arc<dyn Source>,
    pub(super) conventions: Conventions,
    pub(super) scope: Scope,
    pub(super) queries: Queries,
}

/// The people of a directory on their way: they are read while other things are done.
pub(super) struct Stream(Vec<Pages>);

/// The answers to one question.
struct Pages {
    pages: mpsc::Receiver<Vec<SourceEntry>>,
    reader: JoinHandle<Result<Cursor, DirectoryError>>,
}

impl Stream {
    /// Begins to read.
    pub(super) fn of_people(part: &Part) -> Self {
        Self(part.queries.people().map(|(_, query)| Pages::of(part, &query.query)).collect())
    }
}

impl Pages {
    fn of(part: &Part, query: &SourceQuery) -> Self {
        let (parts, pages) = mpsc::channel(AHEAD);
        let (source, query) = (Arc::clone(&part.source), query.clone());
        let name = source.name().to_owned();
        // Taking answers apart is half of the work: it goes on beside what is made of them.
        let reader = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| unread(&name, &error))?.block_on(source.read(&query, parts))
        });
        Self { pages, reader }
    }
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
    /// What is carried without some attributes, since they cannot be read.
    pub(super) unread: Vec<Unread>,
    /// Whom it told of: what was planned for them before holds no longer. Nobody in a full reading, which takes the place of
    /// all that was planned.
    pub(super) told: HashSet<ObjectKey>,
    /// Objects that name somebody who was not read yet.
    waiting: Vec<SourceObject>,
    whole: bool,
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
            unread: Vec::new(),
            told: HashSet::new(),
            whole: false,
            waiting: Vec::new(),
        }
    }

    /// The same for a full reading of about so many people.
    pub(super) fn of_all(mut self, people: usize) -> Self {
        self.whole = true;
        self.people.reserve(people);
        self
    }

    /// Reads all of a part. `before`: the names that people had before, and that groups said.
    pub(super) async fn whole(
        &mut self,
        part: &Part,
        stream: Stream,
        before: &Former,
    ) -> Result<(), DirectoryError> {
        let structure = self.read_structure(part).await?;
        let others = former::by_id(before);
        let mut later = Later::new();
        for ((kind, query), Pages { mut pages, reader }) in part.queries.people().zip(stream.0) {
            while let Some(page) = pages.recv().await {
                for entry in page {
                    if self.other_names(&structure, &others, (kind, &entry)).is_empty() {
                        self.take_person(part, &structure, kind, entry);
                    } else {
                        later.push((kind, entry));
                    }
                }
            }
            let cursor = joined(part, reader.await)??;
            self.note(part, &query.name, cursor);
        }
        let renamed = self.renamed_of_all(&structure, before, &later);
        let verdicts = former::verdicts(part, &structure, renamed).await;
        let structure = structure.with_verdicts(verdicts);
        for (kind, entry) in later {
            let (key, dn) = (ObjectKey::new(kind, entry.id.as_str()), entry.dn.clone());
            self.take_person(part, &structure, kind, entry);
            if self.people.find(&dn) == Some(&key) {
                structure.names_of(&key.id).for_each(|name| self.people.put_name(key.clone(), name));
            }
        }
        self.structures.push(structure);
        Ok(())
    }

    /// Units and groups, whole.
    async fn read_structure(&mut self, part: &Part) -> Result<Structure, DirectoryError> {
        let (structure, cursors) = read_structure(part).await?;
        for (query, cursor) in [&part.queries.units, &part.queries.groups].into_iter().zip(cursors) {
            self.note(part, &query.name, cursor);
        }
        Ok(structure)
    }

    /// Takes what changed in a directory. `kept`: the names that people had before, of which the groups as they were need
    /// not say all. `alone`: there is no other one; `few`: nobody but those of whom it tells is touched.
    pub(super) async fn changes(
        &mut self,
        news: News<'_>,
        kept: &Former,
        (alone, few): (bool, bool),
    ) -> Result<Taken, DirectoryError> {
        let mut moved = news.is_of_structure();
        let News { part, old, heard } = news;
        let name = part.source.name();
        let mut nothing = !moved;
        if !moved && !few {
            // Groups may list somebody by the new name without having been changed, or were changed since they were asked.
            moved =
                heard.iter().any(|one| one.kind.is_some_and(|kind| self.is_new(kind, &one.changed, kept)));
        }
        let (structure, touched) = if moved {
            let new = self.read_structure(part).await?;
            let other = self.renamed_since(&new, kept, &heard);
            let verdicts = former::verdicts(part, &new, other).await;
            let new = new.with_verdicts(verdicts);
            let Some(touched) = self.touched(part, &new, &old).await? else {
                return Ok(Taken::Whole("a change of groups or units touches very many".to_owned()));
            };
            let carried: BTreeSet<ObjectKey> = new.carried().collect();
            for key in old.carried().filter(|key| !carried.contains(key)) {
                self.planner.gone(&key);
                self.tell(&key);
            }
            (new, touched)
        } else {
            (old, Vec::new())
        };
        self.name_former(&structure);
        let mut taken = HashSet::new();
        for Heard { kind, query, changed, gone, cursor } in heard {
            let Some(kind) = kind else {
                if !moved {
                    self.note(part, &query.name, cursor);
                }
                continue;
            };
            let gone = match gone {
                // Of one of several directories it may be somebody whom another one has.
                Gone::These(ids) if !alone && self.has_linked(kind, &ids) => {
                    return Ok(Taken::Whole(format!("somebody is gone from \"{name}\", which is not alone")));
                }
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
                self.tell(key);
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

    /// Whether somebody is not linked by this name, or it is one that somebody had before.
    fn is_new(&self, kind: ObjectType, changed: &[SourceEntry], kept: &Former) -> bool {
        let key = |entry: &SourceEntry| ObjectKey::new(kind, entry.id.as_str());
        changed
            .iter()
            .any(|entry| self.people.find(&entry.dn) != Some(&key(entry)) || former::is_one(kept, &entry.dn))
    }

    fn has_linked(&self, kind: ObjectType, ids: &[String]) -> bool {
        ids.iter().any(|id| self.planner.target_id(&ObjectKey::new(kind, id.as_str())).is_some())
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
        let Affected { mut members, tokens, units, .. } = old.affected(new);
        let other = |name: &String| old.former().get(name).or(new.former().get(name)).map(|had| &had.id);
        let said = members.iter().filter_map(other);
        let both = old.former().iter().chain(new.former());
        let turned = both.filter(|(name, _)| old.former().get(*name) != new.former().get(*name));
        let ids: BTreeSet<&String> = said.chain(turned.map(|(_, had)| &had.id)).collect();
        let more: Vec<String> = ids.into_iter().filter_map(|id| self.linked_name(id)).collect();
        members.extend(more);
        if members.len() > FEW || !tokens.is_empty() || !units.is_empty() {
            return Ok(None);
        }
        let mut found = Vec::new();
        for member in members {
            let Some(dn) = Dn::parse(&member) else { continue };
            for (kind, query) in part.queries.people() {
                // Members from elsewhere are not carried.
                if !Dn::parse(&query.query.base).is_some_and(|base| dn.is_under(&base)) {
                    continue;
                }
                let query = SourceQuery { base: member.clone(), ..query.query.clone() };
                match collect(part, &query).await {
                    Ok((entries, _)) => found.extend(entries.into_iter().map(|entry| (kind, entry))),
                    Err(DirectoryError::Search { code: NO_SUCH_OBJECT, .. }) => {}
                    Err(DirectoryError::Search { .. }) => return Ok(None),
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
            let carried = structure.carried().filter(|key| self.mappings.contains_key(&key.kind));
            let tokens: BTreeSet<u32> = carried.flat_map(|key| structure.tokens_of(&key)).collect();
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

    /// Whoever waited for somebody.
    pub(super) fn finish_people(&mut self) {
        for object in std::mem::take(&mut self.waiting) {
            self.offer(&object, true);
        }
    }

    /// Whoever waited for somebody, and units and groups as objects.
    pub(super) fn finish(&mut self) {
        self.finish_people();
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

    fn tell(&mut self, key: &ObjectKey) {
        if !self.whole {
            self.told.insert(key.clone());
        }
    }

    pub(super) fn take_person(
        &mut self,
        part: &Part,
        structure: &Structure,
        kind: ObjectType,
        entry: SourceEntry,
    ) {
        let standing = structure.standing(&entry);
        let key = ObjectKey::new(kind, entry.id.as_str());
        self.tell(&key);
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
        self.tell(&object.key);
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
                self.unread.extend(mapping.unread(object));
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

/// Units and groups, whole, and how far each was read.
pub(super) async fn read_structure(part: &Part) -> Result<(Structure, [Cursor; 2]), DirectoryError> {
    let (mut units, of_units) = collect(part, &part.queries.units.query).await?;
    units.retain(|unit| !is_of_the_system(unit));
    let (groups, of_groups) = collect(part, &part.queries.groups.query).await?;
    Ok((Structure::build(units, groups, &part.conventions), [of_units, of_groups]))
}

/// All entries of a query.
pub(super) async fn collect(
    part: &Part,
    query: &SourceQuery,
) -> Result<(Vec<SourceEntry>, Cursor), DirectoryError> {
    let Pages { mut pages, reader } = Pages::of(part, query);
    let mut entries = Vec::new();
    while let Some(page) = pages.recv().await {
        entries.extend(page);
    }
    let cursor = joined(part, reader.await)??;
    Ok((entries, cursor))
}

fn joined<T>(part: &Part, ended: Result<T, tokio::task::JoinError>) -> Result<T, DirectoryError> {
    ended.map_err(|cause| unread(part.source.name(), &cause))
}

fn unread(directory: &str, cause: &dyn std::error::Error) -> DirectoryError {
    DirectoryError::Refused {
        code: 0,
        directory: directory.to_owned(),
        operation: "the reading",
        cause: cause.to_string(),
    }
}
