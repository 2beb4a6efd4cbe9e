//! Carrying out: [`apply`] takes what is open of one target from its [`State`] and does it at a [`Target`].
//!
//! Operations go turn by turn (action, then type), many at once within one; what names an object that is not there yet
//! waits for it. A creation is noted as sent, many in one transaction, before it is sent; results are written many at
//! once, with the links that come of them. Whatever moment the process ends at, what was noted as sent and has no result
//! is looked for at the target before it is sent again. Changes and removals can be repeated, and are.

pub mod journal;

mod course;
mod feed;
mod record;
mod send;
mod task;
mod unmade;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use self::course::Course;
use self::journal::{Journal, Tally};
use super::hooks::Hooks;
use super::link::Link;
use super::object::{ObjectKey, ObjectType};
use super::pace::PaceOptions;
use super::state::{State, StateError};
use super::target::{Target, TargetFault};
use crate::clock::{Ids, Timestamp};

/// How objects of a target are treated.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How somebody is made usable and unusable there, by type. A type without this is left as it is.
    pub standing: BTreeMap<ObjectType, Standing>,
    /// The path that has the id at the source; none where the target keeps no such value.
    pub external_id: Option<String>,
    /// Whether an object that is nobody's is taken over when it stands in the way of a creation.
    pub adopt: bool,
    /// Paths whose values are not shown.
    pub secret: BTreeSet<String>,
    /// Programs that are asked before, and told after, each operation.
    pub hooks: Hooks,
    /// How fast it is asked.
    pub pace: PaceOptions,
    /// The hashes of [`Link::sums`](super::Link::sums): the same as those of the plan.
    pub sums: Sums,
}

/// How usable and unusable are said.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Where: `active`.
    pub path: String,
    /// The value of somebody who may be there.
    pub usable: Value,
    /// The value of somebody who may not.
    pub unusable: Value,
}

/// How a value becomes a hash.
#[derive(Debug, Clone, Copy)]
pub struct Sums {
    /// Of a value.
    pub value: fn(&Value) -> u64,
    /// Of a reference to one object.
    pub reference: fn(&ObjectKey) -> u64,
    /// Of all that is known of an object at the target, for the log.
    pub link: fn(&Link) -> u64,
}

/// What is applied, and with what.
#[derive(Debug)]
pub struct Application<'a> {
    /// The state, of a lease.
    pub state: &'a State,
    /// Where it is done.
    pub target: Arc<dyn Target>,
    /// How.
    pub policy: Arc<Policy>,
    /// Passwords and jitter.
    pub ids: &'a dyn Ids,
    /// Who is told.
    pub journal: &'a dyn Journal,
    /// Only operations of this run; all that are open and due where it is none.
    pub only: Option<i64>,
    /// What failed and is tried again before its time.
    pub early: Early,
    /// Turns true to end it: what is in flight is answered and written, the rest stays for the next run.
    pub cancel: watch::Receiver<bool>,
}

/// Which failed operations are tried again though their time has not come. What this same run has put off already is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Early {
    /// None.
    #[default]
    Nothing,
    /// All that failed before this moment.
    All(Timestamp),
    /// Those of these objects that failed before this moment; of others nothing is done at all.
    Of(HashSet<ObjectKey>, Timestamp),
}

/// How an application ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// How much was written.
    pub tally: Tally,
    /// Why it ended.
    pub end: End,
    /// The DNs of objects that were gone from the target when they were to be changed: they have no link any more, and
    /// are planned again by the next run.
    pub lost: Vec<String>,
    /// How many operations were put off to a later run.
    pub put_off: u64,
    /// How many wait still, since it ended early.
    pub left: u64,
}

/// Why an application ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything was done or put off.
    Complete,
    /// It was cancelled.
    Cancelled,
    /// The target refuses the credentials, also those of a plain question.
    Unauthorized(TargetFault),
    /// The target was busy, or not there, for too long.
    Unavailable(TargetFault),
}

/// Carries out what is open. Fails when the state cannot be read or written, or when its lease is another's; what was
/// done until then is found out by the next run. Dropping it is the same as a crash.
pub async fn apply(application: Application<'_>) -> Result<Applied, StateError> {
    Course::new(&application).await?.run().await
}

/// Returns when the sign is given; never when whoever could give it is gone.
pub(super) async fn until_true(mut sign: watch::Receiver<bool>) {
    if sign.wait_for(|given| *given).await.is_err() {
        std::future::pending::<()>().await;
    }
}
