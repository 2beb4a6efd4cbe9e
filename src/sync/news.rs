//! [`News`]: what a directory tells of since it was last read, before anything is made of it.

use std::collections::{BTreeMap, HashSet};

use futures_util::future;

use super::object::ObjectType;
use super::queries::Named;
use super::reading::Part;
use super::structure::Structure;
use crate::directory::DirectoryError;
use crate::directory::source::{Changes, Cursor, Gone, SourceEntry};

/// What one directory tells.
pub(super) struct News<'p> {
    pub(super) part: &'p Part,
    /// Units and groups as they were.
    pub(super) old: Structure,
    pub(super) heard: Vec<Heard<'p>>,
}

/// The answer to one question.
pub(super) struct Heard<'p> {
    /// None: units or groups.
    pub(super) kind: Option<ObjectType>,
    pub(super) query: &'p Named,
    pub(super) changed: Vec<SourceEntry>,
    pub(super) gone: Gone,
    pub(super) cursor: Cursor,
}

impl<'p> News<'p> {
    /// Asks; a sentence where it cannot be said what changed. `old`: units and groups as they were.
    pub(super) async fn ask(
        part: &'p Part,
        cursors: &BTreeMap<(String, String), Cursor>,
        old: Option<Structure>,
    ) -> Result<Result<Self, String>, DirectoryError> {
        let name = part.source.name();
        let mut asked = Vec::new();
        for (kind, query) in part.queries.all() {
            let Some(cursor) = cursors.get(&(name.to_owned(), query.name.clone())) else {
                return Ok(Err(format!("\"{name}\" was not read with this configuration before")));
            };
            asked.push((kind, query, cursor));
        }
        let answers = asked.iter().map(|(_, query, cursor)| part.source.changes(&query.query, cursor));
        let answers = future::try_join_all(answers).await?;
        let mut heard = Vec::new();
        for ((kind, query, _), answer) in asked.into_iter().zip(answers) {
            match answer {
                Changes::Lost(why) => return Ok(Err(why)),
                Changes::Since { changed, gone, cursor } => {
                    heard.push(Heard { kind, query, changed, gone, cursor });
                }
            }
        }
        let none = || format!("the groups of \"{name}\" are not known any more");
        Ok(old.map(|old| Self { part, old, heard }).ok_or_else(none))
    }

    /// Whether units or groups changed.
    pub(super) fn is_of_structure(&self) -> bool {
        self.heard.iter().filter(|heard| heard.kind.is_none()).any(|heard| {
            let is_units = heard.query.name == self.part.queries.units.name;
            !heard.changed.is_empty() || has_lost(&self.old, is_units, &heard.gone)
        })
    }

    /// Whom it tells of, of people and contacts.
    pub(super) fn people(&self) -> impl Iterator<Item = (ObjectType, &SourceEntry)> {
        let of_people = self.heard.iter().filter_map(|heard| Some((heard.kind?, &heard.changed)));
        of_people.flat_map(|(kind, changed)| changed.iter().map(move |entry| (kind, entry)))
    }

    /// What it tells of people of a type.
    pub(super) fn heard_of(&mut self, kind: ObjectType) -> Option<&mut Heard<'p>> {
        self.heard.iter_mut().find(|heard| heard.kind == Some(kind))
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
