//! What a [`Course`] tells its journal.

use std::time::Duration;

use tokio::time::Instant;

use super::Course;
use crate::clock::SignedDuration;
use crate::sync::apply::journal::{WriteKind, Written, shown};
use crate::sync::apply::task::Task;
use crate::sync::target::TargetFault;

impl Course<'_> {
    pub(super) fn tell(&mut self, task: &Task, target_id: Option<&str>, fault: Option<&TargetFault>) {
        let kind = WriteKind::of(task.operation.action);
        self.tally.entry(task.operation.key.kind).or_default().write(kind, fault.is_none());
        self.job.journal.wrote(&self.written(task, target_id, fault));
    }

    pub(super) fn written<'t>(
        &self,
        task: &'t Task,
        target_id: Option<&'t str>,
        fault: Option<&'t TargetFault>,
    ) -> Written<'t> {
        Written {
            action: task.operation.action,
            kind: WriteKind::of(task.operation.action),
            key: &task.operation.key,
            dn: &task.operation.dn,
            target_id,
            code: fault.map_or(0, |fault| fault.code),
            detail: fault.map_or("", |fault| fault.detail.as_str()),
            retries: task.attempts.saturating_sub(1),
            run: task.run,
            took: if task.attempts == 0 { Duration::ZERO } else { task.sent.elapsed() },
            hashes: (
                task.hashes.0.or_else(|| task.before.as_ref().map(self.job.policy.sums.link)),
                task.hashes.1,
            ),
            changes: shown(&task.operation, |path| self.job.policy.secret.contains(path)),
        }
    }

    /// Tells of a long pause, once.
    pub(super) fn tell_pause(&mut self, fault: &TargetFault, now: Instant) {
        let Some(until) = self.pace.news(now) else { return };
        let lasts = SignedDuration::try_from(until - now).unwrap_or_default();
        let now = self.job.state.now();
        self.job.journal.pausing(now.checked_add(lasts).unwrap_or(now), fault, self.to_do());
    }

    /// How much is not done.
    fn to_do(&self) -> usize {
        let parked: usize = self.parked.values().map(Vec::len).sum();
        let begun = self.intents.len() + self.ready.len() + self.waiting.len() + self.flying.len();
        self.feed.len() + begun + parked
    }
}
