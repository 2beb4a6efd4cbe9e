//! `sekisho sync status`: what is known of a target, what waits, and why a run could not begin.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::engine::Synchronisation;
use super::error::SyncError;
use super::object::ObjectType;
use super::options::SyncOptions;
use super::state::{Kept, Run, State, StateError};
use super::unsettled::{self, Everybody};
use crate::clock::Timestamp;

/// So many runs are shown.
const SHOWN: usize = 10;

/// Under this name it is kept why the last run could not begin, beside the structure.
const SHELF: &str = "not-begun";

/// What `sekisho sync status` shows of a target.
#[derive(Debug, Clone)]
pub struct Status {
    /// The target.
    pub target: String,
    /// Whether it waits to be resumed.
    pub paused: bool,
    /// Who has a run under way: machine, process and a random part, or what an earlier program called itself.
    pub under_way: Option<String>,
    /// How much is planned and not carried out, though nothing holds it back.
    pub waiting: u64,
    /// How many objects are linked.
    pub linked: u64,
    /// Who is gone from the directory and still at the target.
    pub leaving: Vec<Leaving>,
    /// Who is in conflict, cannot be carried or is only told of.
    pub unsettled: Everybody,
    /// Why no run could begin since the newest one.
    pub not_begun: Option<NotBegun>,
    /// Why none can begin now, as far as that is seen without asking anybody.
    pub cannot_begin: Option<String>,
    /// The newest runs.
    pub runs: Vec<Run>,
    /// By run, how much is held back.
    pub held: BTreeMap<i64, usize>,
    /// What failed and is tried again.
    pub failed: Vec<Kept>,
}

/// Who is gone from the directory and still at the target, of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// Which type.
    pub kind: ObjectType,
    /// How many.
    pub count: u64,
    /// Whether they are deactivated: where there is such a thing.
    pub deactivated: bool,
    /// When the first of them is deleted; none: they are kept.
    pub deleted: Option<Timestamp>,
}

/// A run that could not begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotBegun {
    /// Since when none could.
    pub since: Timestamp,
    /// When it was last tried.
    pub at: Timestamp,
    /// The result code.
    pub code: u16,
    /// Why, in a sentence.
    pub cause: String,
    /// What helps.
    pub remedy: String,
}

impl Status {
    /// What is known and what waits. Neither directories nor the target are needed for it.
    pub async fn of(
        options: &SyncOptions,
        state: &State,
        (paused, cannot_begin): (bool, Option<String>),
    ) -> Result<Self, SyncError> {
        let linked = state.link_counts().await?.values().sum();
        let (held, failed, runs) = (state.held().await?, state.failed().await?, state.runs(SHOWN).await?);
        let stored = state.structure().await?;
        let policy = options.plan_policy();
        let leaving = state.leaving().await?.into_iter().map(|(kind, (count, since))| {
            let rules = policy.types.get(&kind);
            Leaving {
                kind,
                count,
                deactivated: rules.is_some_and(|rules| rules.active.is_some()),
                deleted: rules.and_then(|rules| rules.deleted_at(since)),
            }
        });
        let newest = runs.first().map(|run| run.started);
        Ok(Self {
            target: options.name.clone(),
            paused,
            under_way: state.holder().await?,
            waiting: state.waiting().await?,
            linked,
            leaving: leaving.collect(),
            unsettled: unsettled::kept(&stored),
            not_begun: not_begun(&stored).filter(|one| newest.is_none_or(|newest| one.at >= newest)),
            cannot_begin,
            runs,
            held,
            failed,
        })
    }
}

impl Synchronisation {
    /// Keeps why a run could not begin, until one does.
    pub(super) async fn note_not_begun(&self, state: &State, error: &SyncError) {
        if !is_fault(error) {
            return;
        }
        if let Err(cause) = self.keep_not_begun(state, error).await {
            tracing::warn!(sync.target = state.target(), "why the run could not begin is not kept: {cause}");
        }
    }

    async fn keep_not_begun(&self, state: &State, error: &SyncError) -> Result<(), StateError> {
        let at = self.now();
        let newest = state.runs(1).await?.first().map(|run| run.started);
        let before = not_begun(&state.structure().await?);
        let before = before.filter(|one| newest.is_none_or(|newest| one.at >= newest));
        let kept = NotBegun {
            since: before.map_or(at, |before| before.since),
            at,
            code: error.code(),
            cause: error.to_string(),
            remedy: error.remedy().to_owned(),
        };
        state.keep(SHELF, serde_json::to_string(&kept).unwrap_or_default()).await
    }
}

fn not_begun(stored: &BTreeMap<String, String>) -> Option<NotBegun> {
    serde_json::from_str(stored.get(SHELF)?).ok()
}

/// Whether somebody has to do something before a run can begin.
fn is_fault(error: &SyncError) -> bool {
    match error {
        SyncError::State(_)
        | SyncError::Nobody(_)
        | SyncError::NothingHeld(_)
        | SyncError::Paused(_)
        | SyncError::Cancelled
        | SyncError::PlanFile(_) => false,
        SyncError::Directory(_)
        | SyncError::Target { .. }
        | SyncError::Listing(_)
        | SyncError::Forgetful { .. }
        | SyncError::Unselected(_)
        | SyncError::Scope(_)
        | SyncError::Conventions(_)
        | SyncError::Kept(_) => true,
    }
}
