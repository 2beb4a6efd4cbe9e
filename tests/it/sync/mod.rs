//! Synchronisation: one conformance suite for all targets, then what only SCIM or only LDAP has, and faults.

mod active_directory;
mod bulk;
mod check;
mod company;
mod conformance;
mod daemon;
mod ended;
mod forest;
mod former;
mod hostile;
mod inbox;
mod kill;
mod ldap_target;
mod matched;
mod mended;
mod one_percent;
mod own_values;
mod postgres;
mod records;
mod refused;
pub(crate) mod rig;
mod run;
mod scim_target;
mod six_types;
mod six_types_to_ldap;
mod taken_away;
mod terminal_services;
mod to_ldap;
mod told;
mod undeletable;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use sekisho::clock::SeededIds;
use sekisho::sync::pace::PaceOptions;
use sekisho::sync::questions::Questions;
use sekisho::sync::{ObjectType, Target, TargetFault, TargetObject};
use serde_json::Value;
use tokio::sync::mpsc;

/// Values by their paths.
fn values<const N: usize>(values: [(&str, Value); N]) -> BTreeMap<String, Value> {
    values.into_iter().map(|(path, value)| (path.to_owned(), value)).collect()
}

fn questions() -> Questions {
    Questions::new(PaceOptions::default(), Arc::new(SeededIds::new(1)))
}

/// All objects of a type, if it can be said that these are all.
async fn listed(target: &dyn Target, kind: ObjectType) -> Result<Vec<TargetObject>, TargetFault> {
    let (parts, mut received) = mpsc::channel(1);
    let collect = async {
        let mut all = Vec::new();
        while let Some(part) = received.recv().await {
            all.extend(part);
        }
        all
    };
    let questions = questions();
    let (done, all) = tokio::join!(target.list(kind, parts, &questions), collect);
    done.map(|()| all)
}
