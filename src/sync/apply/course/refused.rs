//! [`Refused`]: a deletion that the target refuses. Who has left does not keep access until it is tried again: the object
//! is made unusable at once, by the same task, and the deletion is then put off.

use super::Course;
use crate::clock::Timestamp;
use crate::sync::apply::Policy;
use crate::sync::apply::task::Task;
use crate::sync::link::LinkState;
use crate::sync::operation::{Action, Afterwards, Change, Operation};
use crate::sync::target::{FaultKind, TargetFault};

/// The deletion that a deactivation took the place of.
#[derive(Debug)]
pub(in crate::sync::apply) struct Refused {
    operation: Operation,
    attempts: u32,
    fault: TargetFault,
}

impl Task {
    /// Whether it is the deletion of somebody who has left, and is usable at the target as far as is known.
    fn leaves_usable(&self, policy: &Policy) -> bool {
        let is_active = self.before.as_ref().is_some_and(|link| link.state == LinkState::Active);
        let deletes = self.operation.action == Action::Delete && self.operation.afterwards.deactivate;
        deletes && is_active && policy.standing.contains_key(&self.operation.key.kind)
    }

    /// From now on it is a deactivation.
    fn deactivate(&mut self, fault: TargetFault, policy: &Policy, now: Timestamp) {
        let standing = policy.standing.get(&self.operation.key.kind);
        let off = standing.map(|off| Change::Set { path: off.path.clone(), value: off.unusable.clone() });
        let state = Some(LinkState::Leaving { since: now });
        let operation = Operation {
            action: Action::Deactivate,
            changes: off.into_iter().collect(),
            afterwards: Afterwards { state, ..Afterwards::default() },
            ..self.operation.clone()
        };
        let operation = std::mem::replace(&mut self.operation, operation);
        let attempts = std::mem::take(&mut self.attempts);
        self.refused = Some(Refused { operation, attempts, fault });
    }

    /// The deletion again, if it was one, and why that was refused.
    pub(super) fn restore(&mut self) -> Option<TargetFault> {
        let Refused { operation, attempts, fault } = self.refused.take()?;
        self.operation = operation;
        self.attempts = attempts;
        Some(fault)
    }
}

impl Course<'_> {
    /// An operation would be refused again: it failed, unless something else is to be done at once.
    pub(super) fn refuse(&mut self, mut task: Task, fault: TargetFault) {
        if !task.leaves_usable(&self.job.policy) {
            return self.fail(task, &fault);
        }
        // Whether the credentials count at all, the deactivation will show.
        if fault.kind != FaultKind::Unauthorized {
            self.denied = 0;
        }
        self.tell(&task, task.operation.target_id.as_deref(), Some(&fault));
        task.deactivate(fault, &self.job.policy, self.job.state.now());
        self.ready.push_front(task);
    }
}
