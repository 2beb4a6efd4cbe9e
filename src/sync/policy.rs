//! What a `[[sync]]` wants of a plan: who is deactivated and deleted, and when.

use super::mapping::sum;
use super::options::SyncOptions;
use super::plan::{Deactivation, Policy, TypePolicy};
use super::preset::Deletion;
use crate::scim;

impl SyncOptions {
    pub(super) fn plan_policy(&self) -> Policy {
        let types = self.preset.types.iter().map(|(kind, preset)| {
            let deactivation = self.deactivation.unwrap_or(match self.preset.deletion {
                Deletion::Delete => Deactivation::DeleteLater,
                Deletion::DeactivateOnly => Deactivation::DeactivateOnly,
                Deletion::DeactivationDeletes => Deactivation::DeactivationDeletes,
            });
            let policy = TypePolicy {
                active: preset.active.clone(),
                deactivation,
                delete_after: self.delete_after,
                immutable: preset.immutable.iter().cloned().collect(),
                immutable_change: self.immutable_change,
                write_only: preset.write_only.iter().cloned().collect(),
            };
            (*kind, policy)
        });
        Policy {
            types: types.collect(),
            members_per_request: self.preset.members_per_request as usize,
            orphans: self.orphans,
            hash: sum,
            group: scim::patch::group,
            zone: self.zone.clone(),
        }
    }
}
