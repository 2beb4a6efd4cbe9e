//! One person alone, found by the login name.

use std::collections::BTreeMap;

use super::{Before, Prepared};
use crate::directory::source::SourceEntry;
use crate::sync::engine::Synchronisation;
use crate::sync::error::SyncError;
use crate::sync::few::Told;
use crate::sync::former;
use crate::sync::mapping::Unread;
use crate::sync::object::ObjectKey;
use crate::sync::person::person;
use crate::sync::plan::Reading as ReadingOf;
use crate::sync::reading::{Part, Reading, read_structure};
use crate::sync::rivals;
use crate::sync::selection;
use crate::sync::state::State;
use crate::sync::unsettled;
use crate::sync::vanished::marks;

impl Synchronisation {
    /// One person, found by the login name.
    pub(super) async fn plan_person(
        &self,
        state: &State,
        before: &Before,
        parts: &[Part],
        login: &str,
    ) -> Result<Prepared, SyncError> {
        let mut found = Vec::new();
        for part in parts {
            // What was kept of the groups may be older than the person.
            let structure = read_structure(part).await?.0;
            let entries = person(part, login).await?;
            let verdicts = former::verdicts_of(part, &structure, before.former(part), &entries).await;
            found.push((part, structure.with_verdicts(verdicts), entries));
        }
        if found.iter().all(|(.., entries)| entries.is_empty()) {
            return Err(SyncError::Nobody(login.to_owned()));
        }
        let is_as_it_was = found.iter().all(|(part, structure, _)| {
            before.structure(part).is_some_and(|old| old.affected(structure).is_empty())
        });
        let few = if is_as_it_was {
            let told = found.iter().map(|(part, structure, entries)| Told {
                part,
                structure,
                people: entries.iter().map(|(kind, entry)| (*kind, entry)).collect(),
                gone: Vec::new(),
            });
            self.few(state, &before.mappings, &told.collect::<Vec<_>>()).await?
        } else {
            None
        };
        let is_few = few.is_some();
        let (mut planner, [present, gone]) = match few {
            Some(few) => few,
            None => self.planner(state).await?,
        };
        let key = |(kind, entry): &(_, SourceEntry)| ObjectKey::new(*kind, entry.id.as_str());
        let themselves = found.iter().flat_map(|(.., entries)| entries.iter().map(key)).collect();
        let unsettled = unsettled::kept(&before.stored);
        rivals::contest(&mut planner, &unsettled, &themselves);
        let nobody = BTreeMap::new();
        let mut reading = Reading::new(&mut planner, &before.mappings, &nobody, gone);
        reading.people = present;
        for (part, structure, entries) in found {
            let verdicts = reading.verdicts_of_linked(part, &structure, &entries).await;
            let structure = structure.with_verdicts(verdicts);
            reading.name_former(&structure);
            for (kind, entry) in entries {
                reading.take_person(part, &structure, kind, entry);
            }
            reading.structures.push(structure);
        }
        reading.end((state, parts), is_few).await?;
        let Reading { invalid, unread, told, structures, .. } = reading;
        selection::check(self.options(), &structures)?;
        let former = former::to_keep(&before.stored, (parts, &structures), true);
        let mut unasked = self.settle(&mut planner, before, &BTreeMap::new()).await?;
        let mut plan = planner.finish(&before.readings(ReadingOf::Changes));
        // Others may be on the ladder; that is the matter of a run for all.
        plan.operations.retain(|operation| told.contains(&operation.key));
        plan.doubtful.clear();
        plan.notes.retain(|note| told.contains(&note.key));
        unasked.extend(self.keep_own(&mut plan, &before.mappings).await?);
        let mut warnings = Unread::sentences(&unread);
        warnings.extend(rivals::cautions(&mut plan, &unsettled));
        Ok(Prepared {
            plan,
            told,
            mode: "person",
            // How far it was read has not changed by this: no cursors.
            structure: marks(parts.iter().map(|part| part.source.name())),
            former,
            invalid,
            unasked,
            warnings,
            ..Prepared::default()
        })
    }
}
