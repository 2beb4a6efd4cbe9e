//! Conflicts: who it is that has what somebody else would have been matched with.

use std::collections::HashMap;

use super::Planner;
use super::adopt::Adoption;
use super::holders::numbered_with;
use super::outcome::Unmatched;
use crate::clock::Timestamp;
use crate::sync::link::LinkState;
use crate::sync::matching::{Conflict, Departure, Holder};
use crate::sync::object::{Desired, ObjectKey};
use crate::sync::words::moment;

/// Somebody who found the same as somebody else.
#[derive(Debug)]
pub(super) struct Claim {
    dn: String,
    match_by: Vec<(String, String)>,
}

impl Claim {
    pub(super) fn of(desired: &Desired) -> Self {
        Self { dn: desired.dn.clone(), match_by: desired.match_by.clone() }
    }
}

impl Planner {
    /// Says who they are to whom what was found belongs.
    pub(super) fn name_holders(&self, cause: &mut Conflict) {
        let keys = cause.found.iter().filter_map(|(_, holder)| holder.as_ref());
        cause.holders = keys.filter_map(|key| self.known_holder(key)).collect();
    }

    fn known_holder(&self, key: &ObjectKey) -> Option<Holder> {
        let known = self.ledger.find(key)?;
        let gone = match known.state {
            LinkState::Leaving { since } => Some(self.departure(key, since)),
            LinkState::Active | LinkState::Inactive => None,
        };
        Some(Holder { key: key.clone(), dn: known.dn.to_string(), gone })
    }

    fn departure(&self, key: &ObjectKey, since: Timestamp) -> Departure {
        let deleted = self.rules(key.kind).deleted_at(since);
        let told = |at| moment(at, &self.policy.zone);
        Departure { since: told(since), deleted: deleted.map(told) }
    }

    /// Somebody of whom nothing else is told now wants these of the target, too, found by a path and value: nobody else
    /// takes them over.
    pub fn contest(
        &mut self,
        (key, dn): (ObjectKey, String),
        by: &(String, String),
        target_ids: impl IntoIterator<Item = String>,
    ) {
        for target_id in target_ids {
            let wanted = (numbered_with(key.kind), target_id);
            let claim = || (key.clone(), Claim { dn: dn.clone(), match_by: vec![by.clone()] });
            self.contested.entry(wanted).or_insert_with(claim);
        }
    }

    /// What `key` would have taken over is that of these, and of `more`; or is only wanted by them, too.
    pub(super) fn conflict(
        &mut self,
        key: ObjectKey,
        adoption: Adoption,
        (holders, more, wanted): (&[ObjectKey], usize, bool),
        claims: &HashMap<ObjectKey, Claim>,
    ) {
        let Adoption { desired, target_id, .. } = adoption;
        let others: Vec<&Claim> = holders.iter().filter_map(|holder| claims.get(holder)).collect();
        let is_common =
            |wanted: &&(String, String)| others.iter().any(|other| other.match_by.contains(wanted));
        let common = desired.match_by.iter().find(is_common).or(desired.match_by.first());
        let (path, value) = common.cloned().unwrap_or_default();
        let who = |holder: &ObjectKey| {
            let claimant =
                || Some(Holder { key: holder.clone(), dn: claims.get(holder)?.dn.clone(), gone: None });
            self.known_holder(holder).or_else(claimant)
        };
        let found = holders.iter().map(|holder| (target_id.clone(), Some(holder.clone()))).collect();
        let holders = holders.iter().filter_map(who).collect();
        let cause = Conflict { path, value, found, more, holders, wanted };
        self.plan.conflicts.push(Unmatched { key, dn: desired.dn, cause });
    }
}
