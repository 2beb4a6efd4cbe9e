//! A planner with all who are linked, read in pages beside what is made of them.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::engine::Synchronisation;
use super::error::SyncError;
use super::link::{Link, LinkState};
use super::object::ObjectType;
use super::plan::Planner;
use super::state::{State, StateError};
use super::structure::People;

/// Pages of links that wait.
const AHEAD: usize = 2;

impl Synchronisation {
    /// With all who are linked: those of the source, and those who are gone from it.
    pub(super) async fn planner(&self, state: &State) -> Result<(Planner, [People; 2]), SyncError> {
        let mut planner = Planner::new([], self.options().plan_policy(), self.now());
        let mut people: [People; 2] = Default::default();
        let counts = state.link_counts().await?;
        let counts: BTreeMap<ObjectType, usize> =
            counts.into_iter().map(|(kind, count)| (kind, usize::try_from(count).unwrap_or(0))).collect();
        planner.reserve(&counts);
        let [present, _] = &mut people;
        present.reserve(counts.iter().filter(|(kind, _)| is_person(**kind)).map(|(_, count)| count).sum());
        let (sender, mut pages) = mpsc::channel(AHEAD);
        let state = state.clone();
        // The next page is read beside what is made of this one.
        let reader = tokio::spawn(async move {
            let mut pages = state.links();
            while let Some(page) = pages.next().await? {
                if sender.send(page).await.is_err() {
                    break;
                }
            }
            Ok::<_, StateError>(())
        });
        while let Some(page) = pages.recv().await {
            for link in page {
                split(&link, &mut people);
                planner.link(link);
            }
        }
        match reader.await.map_err(JoinError::try_into_panic) {
            Ok(read) => read?,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The program ends.
            Err(Err(_)) => return Err(SyncError::Cancelled),
        }
        Ok((planner, people))
    }
}

/// Puts people by their names to those of the source, or to those who are gone from it.
pub(super) fn split(link: &Link, [present, gone]: &mut [People; 2]) {
    if is_person(link.key.kind) {
        let people = if matches!(link.state, LinkState::Leaving { .. }) { gone } else { present };
        people.put_name(link.key.clone(), &link.dn);
    }
}

pub(super) fn is_person(kind: ObjectType) -> bool {
    matches!(kind, ObjectType::User | ObjectType::Contact)
}
