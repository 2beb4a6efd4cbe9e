//! Types of which the source had nobody any more when it was last read. Whoever it would take away waits; when there is
//! somebody again, that does not hold any longer, though a directory may tell nothing of it: a right to read that was lost
//! and given again is no change there. So each run of changes asks for these types alone.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::mpsc;

use super::engine::Synchronisation;
use super::error::SyncError;
use super::linked::is_person;
use super::object::ObjectType;
use super::plan::Plan;
use super::reading::{Part, read_structure};
use super::state::State;
use crate::directory::DirectoryError;
use crate::directory::source::{SourceEntry, SourceQuery};

/// Under this name they are kept, beside the structure.
pub(super) const SHELF: &str = "emptied";

/// Which they were.
fn kept(stored: &BTreeMap<String, String>) -> BTreeSet<ObjectType> {
    let words = stored.get(SHELF).map_or("", String::as_str).split(' ');
    words.filter_map(ObjectType::parse).collect()
}

/// How those of a plan are kept, and those of which there is `still` nobody.
pub(super) fn body(plan: &Plan, still: &[(ObjectType, u64)]) -> String {
    let all: BTreeSet<ObjectType> = plan.emptied().chain(still.iter().map(|(kind, _)| *kind)).collect();
    let words: Vec<&str> = all.into_iter().map(ObjectType::key).collect();
    words.join(" ")
}

impl Synchronisation {
    /// Of the types that were empty before and are not by this plan of what changed: those of which there is nobody still,
    /// with the number of those who wait for that; a sentence where there is somebody again, so that everything has to be
    /// read. When all who waited have been allowed to leave, it is over.
    pub(super) async fn still_empty(
        &self,
        state: &State,
        stored: &BTreeMap<String, String>,
        (parts, plan): (&[Part], &Plan),
    ) -> Result<Result<Vec<(ObjectType, u64)>, String>, SyncError> {
        let mut open = kept(stored);
        open.retain(|kind| plan.emptied().all(|known| known != *kind));
        let mut still = Vec::new();
        if open.is_empty() {
            return Ok(Ok(still));
        }
        let (linked, leaving) = (state.link_counts().await?, state.leaving().await?);
        for kind in open {
            let gone = leaving.get(&kind).map_or(0, |(count, _)| *count);
            let waiting = linked.get(&kind).copied().unwrap_or(0).saturating_sub(gone);
            if waiting == 0 {
                continue;
            }
            let is_told = plan.totals.get(&kind).is_some_and(|totals| totals.total > 0);
            if is_told || is_there(parts, kind).await? {
                return Ok(Err(format!("the source has objects of {} again", kind.as_str())));
            }
            still.push((kind, waiting));
        }
        Ok(Ok(still))
    }
}

/// Whether a directory has anything of a type.
async fn is_there(parts: &[Part], kind: ObjectType) -> Result<bool, DirectoryError> {
    for part in parts {
        let found = match part.queries.people().find(|(known, _)| *known == kind) {
            Some((_, named)) => has_any(part, &named.query).await?,
            None if is_person(kind) => false,
            None => {
                let (structure, _) = read_structure(part).await?;
                let units = structure.organizations().map(|unit| unit.key);
                units.chain(structure.carried()).any(|key| key.kind == kind)
            }
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether anything matches; no more is read than is needed to say so.
async fn has_any(part: &Part, query: &SourceQuery) -> Result<bool, DirectoryError> {
    let query = SourceQuery { attributes: Vec::new(), ..query.clone() };
    let (sender, mut pages) = mpsc::channel::<Vec<SourceEntry>>(1);
    let found = async move {
        while let Some(page) = pages.recv().await {
            if !page.is_empty() {
                // Nobody takes more: that ends the reading.
                return true;
            }
        }
        false
    };
    let (ended, found) = tokio::join!(part.source.read(&query, sender), found);
    if found { Ok(true) } else { ended.map(|_| false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::plan::Warning;

    #[test]
    fn types_are_kept_by_their_words() {
        let empty = |kind: ObjectType| Warning::Empty { kind, leaving: 1 };
        let plan =
            Plan { warnings: vec![empty(ObjectType::Group), empty(ObjectType::User)], ..Plan::default() };
        let still = [(ObjectType::Contact, 3), (ObjectType::User, 1)];
        assert_eq!(body(&plan, &still), "user contact group");
        let stored = BTreeMap::from([(SHELF.to_owned(), body(&plan, &still))]);
        let all = [ObjectType::User, ObjectType::Contact, ObjectType::Group];
        assert_eq!(kept(&stored), BTreeSet::from(all));
        assert_eq!((body(&Plan::default(), &[]), kept(&BTreeMap::new())), (String::new(), BTreeSet::new()));
    }
}
