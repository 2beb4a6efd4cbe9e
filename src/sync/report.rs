//! [`Report`]: what a run or a check came to; [`Teller`]: who writes the lines of the log while it goes on.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::json;

use super::apply::Applied;
use super::apply::journal::{Counts as Written, Journal, WriteKind, Written as Write};
use super::gate::{Cause, Gated};
use super::matching;
use super::object::ObjectType;
use super::operation::{Action, Operation};
use super::options::SyncOptions;
use super::plan::{Totals, Unmatched, Warning};
use super::prepare::Prepared;
use super::problem::{Problem, ProblemKind};
use super::target::TargetFault;
use super::unsettled;
use super::words::{self, Counts, Failed};
use crate::clock::Timestamp;

/// What a run or a check came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The target.
    pub target: String,
    /// The number of the run; none of a check.
    pub run: Option<i64>,
    /// `full`, `incremental`, `person` or `plan`.
    pub mode: String,
    /// Numbers by type.
    pub counts: BTreeMap<ObjectType, Counts>,
    /// Why something is held back, in sentences.
    pub causes: Vec<String>,
    /// What is held back.
    pub held: Vec<Operation>,
    /// How much earlier runs hold back still, by run.
    pub held_before: BTreeMap<i64, usize>,
    /// What is to be done, of a check.
    pub operations: Vec<Operation>,
    /// What could not be carried, or is not clear; those of a kind together.
    pub problems: Vec<Problem>,
    /// Of the problems, those that an administrator is told of: all would leave, and are not believed to.
    pub doubted: Vec<String>,
    /// What somebody should know.
    pub warnings: Vec<String>,
    /// How many operations were put off to a later run.
    pub put_off: u64,
    /// How many wait, since the run ended early.
    pub left: u64,
    /// Whether it was ended before its end, by a signal or by a pause.
    pub interrupted: bool,
    /// How many writes failed, in this run or before, and are tried again.
    pub failing: u64,
    /// Why it ended early.
    pub stopped: Option<TargetFault>,
}

impl Report {
    pub(super) fn planned(options: &SyncOptions, prepared: &Prepared) -> Self {
        let plan = &prepared.plan;
        let mut problems: Vec<Problem> = Problem::each(ProblemKind::Invalid, &prepared.invalid).collect();
        let mut known = HashSet::new();
        let conflicts = unsettled::conflicts(plan, &mut known);
        problems.extend(Problem::each(ProblemKind::Conflict, conflicts));
        let unchanged = unsettled::sentences(&prepared.unchanged, &options.name, &mut known);
        problems.extend(Problem::each(ProblemKind::Few, unchanged));
        let reports = plan.reports.iter().map(Unmatched::<matching::Report>::sentence);
        problems.extend(Problem::each(ProblemKind::Reported, reports));
        let unasked =
            prepared.unasked.iter().map(|(_, one)| format!("{}: not looked for: {}", one.dn, one.fault));
        problems.extend(Problem::each(ProblemKind::Unasked, unasked));
        let lacking = prepared.lacking.iter().map(|kind| {
            format!(
                "{} ({})",
                words::failure(Failed::Synchronizing(kind.as_str(), 53), 0, ""),
                words::remedy(53)
            )
        });
        problems.extend(Problem::each(ProblemKind::Few, lacking));
        let mut warnings = prepared.warnings.clone();
        warnings.extend(plan.skipped.iter().map(|one| format!("{}: {}", one.dn, one.cause)));
        let (doubts, others): (Vec<_>, Vec<_>) =
            plan.warnings.iter().partition(|one| matches!(one, Warning::Empty { .. }));
        let still = prepared.still_empty.iter();
        let still = still.map(|(kind, leaving)| Warning::Empty { kind: *kind, leaving: *leaving });
        let doubted: Vec<String> =
            doubts.iter().map(ToString::to_string).chain(still.map(|one| one.to_string())).collect();
        problems.extend(Problem::each(ProblemKind::Few, &doubted));
        warnings.extend(others.iter().map(ToString::to_string));
        // Every type that is carried has a line, also where nothing was to be done.
        let mut counts: BTreeMap<_, _> =
            options.objects.iter().map(|kind| (*kind, Counts::default())).collect();
        counts.extend(plan.totals.iter().map(|(kind, totals)| (*kind, planned(*totals))));
        for one in &prepared.unchanged.kept {
            counts.entry(one.key.kind).or_default().skipped += 1;
        }
        Self {
            target: options.name.clone(),
            run: None,
            mode: prepared.mode.to_owned(),
            counts,
            problems,
            doubted,
            warnings,
            ..Self::default()
        }
    }

    pub(super) fn resumed(target: &str, run: i64, applied: &Applied) -> Self {
        let mut report =
            Self { target: target.to_owned(), run: Some(run), mode: "allowed".to_owned(), ..Self::default() };
        report.add(applied);
        report
    }

    /// Of a run that ended when it had carried out what an earlier one left, and nothing else.
    pub(super) fn left(target: &str, applied: &Applied) -> Self {
        let mut report = Self { target: target.to_owned(), ..Self::default() };
        report.add(applied);
        report.interrupted = report.stopped.is_none();
        report
    }

    /// Of a check.
    pub(super) fn warn_of_waiting(&mut self, waiting: u64) {
        if waiting > 0 {
            let (they, wait) = words::operations_wait(waiting);
            self.warnings
                .push(format!("{they} of an earlier run {wait}; the next run carries out these first"));
        }
    }

    /// What is left to the next run, in a sentence.
    pub fn waits(&self) -> Option<String> {
        let (they, wait) = words::operations_wait(self.left);
        match (self.interrupted, self.left) {
            (false, 0) => None,
            (true, 0) => Some("interrupted; what changed waits for the next run".to_owned()),
            (true, _) => Some(format!("interrupted; {they} {wait} for the next run")),
            (false, _) => Some(format!("{they} {wait} for the next run")),
        }
    }

    /// What was carried out takes the place of what was planned.
    pub(super) fn add(&mut self, applied: &Applied) {
        for (kind, counts) in &mut self.counts {
            let done = applied.tally.get(kind).copied().unwrap_or_default();
            counts.take(&done);
        }
        for (kind, done) in &applied.tally {
            self.counts.entry(*kind).or_insert_with(|| {
                let mut counts = Counts::default();
                counts.take(done);
                counts
            });
        }
        let held = std::mem::take(&mut self.held);
        self.skip(&held);
        self.held = held;
        self.put_off = applied.put_off;
        self.left = applied.left;
        self.interrupted = applied.is_interrupted();
        let lost = applied.lost.iter().map(|dn| {
            format!("{dn}: it was gone from the target; the next run looks for it or makes it anew")
        });
        self.problems.extend(Problem::each(ProblemKind::Lost, lost));
        self.stopped = applied.fault().cloned();
    }

    /// Of a check: what a run would count of these, since it counts operations and not objects.
    pub(super) fn count_planned(&mut self, gated: &Gated) {
        for counts in self.counts.values_mut() {
            (counts.add, counts.modify, counts.delete) = Default::default();
        }
        for operation in &gated.released {
            let kind = WriteKind::of(operation.action);
            // What is taken over as it is needs no request.
            if kind != WriteKind::Modify || !operation.changes.is_empty() {
                let counts = self.counts.entry(operation.key.kind).or_default();
                match kind {
                    WriteKind::Add => counts.add.0 += 1,
                    WriteKind::Modify => counts.modify.0 += 1,
                    WriteKind::Delete => counts.delete.0 += 1,
                }
            }
        }
        self.skip(&gated.held);
    }

    fn skip(&mut self, held: &[Operation]) {
        for operation in held {
            self.counts.entry(operation.key.kind).or_default().skipped += 1;
        }
    }

    /// Why something is held back; `run` is what `sekisho sync allow` is given.
    pub(super) fn hold(&mut self, causes: &[Cause], run: &str) {
        self.causes = causes.iter().map(|cause| cause.sentence(run)).collect();
    }

    /// Runs before that hold something back still, but for those that hold what is held back now.
    pub(super) fn hold_before(&mut self, mut held: BTreeMap<i64, usize>, now: &BTreeSet<i64>) {
        // Who runs for one person is not asked about the others.
        held.retain(|run, _| self.mode != "person" && Some(*run) != self.run && !now.contains(run));
        let told = held.iter().map(|(run, count)| {
            let (operations, target) = (words::operations(*count), &self.target);
            format!("run {run} holds back {operations} still; when that is as it should be: sekisho sync allow {run} {target}")
        });
        self.problems.extend(Problem::each(ProblemKind::Few, told));
        self.held_before = held;
    }

    /// A word for how it ended.
    pub fn result(&self) -> &'static str {
        if self.stopped.is_some() {
            return "stopped";
        }
        if self.interrupted {
            return "interrupted";
        }
        let failed = self.failing + self.put_off + self.counts.values().map(Counts::failed).sum::<u64>();
        match (self.held.is_empty() && self.held_before.is_empty(), failed == 0 && self.problems.is_empty()) {
            (false, _) => "held",
            (true, false) => "incomplete",
            (true, true) => "complete",
        }
    }

    /// What an administrator has to do something about: what is held back, doubted or failed, and why it stopped.
    pub fn told_causes(&self) -> Vec<String> {
        let stopped = self
            .stopped
            .as_ref()
            .map(|fault| format!("stopped: {fault} ({})", words::remedy_of(fault.code, &fault.detail)));
        // The same sentence as long as anything fails, so that it is told once.
        let failing = (self.failing > 0).then(|| {
            format!(
                "writes fail and are tried again; `sekisho sync status {}` shows which and why",
                self.target
            )
        });
        self.causes.iter().chain(&self.doubted).cloned().chain(stopped).chain(failing).collect()
    }

    /// All that is told of objects.
    pub fn told(&self) -> impl Iterator<Item = &String> {
        self.warnings.iter().chain(self.problems.iter().map(|problem| &problem.told))
    }

    /// The summary lines, one for each type.
    pub fn summary(&self) -> impl Iterator<Item = String> {
        self.counts.iter().map(|(kind, counts)| words::summary(*kind, counts))
    }

    pub(super) fn counts_json(&self) -> serde_json::Value {
        let of = |counts: &Counts| {
            json!({
                "total": counts.total,
                "add": counts.add.0, "added": counts.add.1,
                "modify": counts.modify.0, "modified": counts.modify.1,
                "delete": counts.delete.0, "deleted": counts.delete.1,
                "skip": counts.skipped,
            })
        };
        self.counts.iter().map(|(kind, counts)| (kind.key().to_owned(), of(counts))).collect()
    }
}

/// A plan as numbers: nothing has succeeded yet.
fn planned(totals: Totals) -> Counts {
    let Totals { total, add, modify, delete, skip, .. } = totals;
    Counts { total, add: (add, 0), modify: (modify, 0), delete: (delete, 0), skipped: skip }
}

impl Counts {
    fn take(&mut self, done: &Written) {
        self.add = (done.add.tried, done.add.succeeded);
        self.modify = (done.modify.tried, done.modify.succeeded);
        self.delete = (done.delete.tried, done.delete.succeeded);
        self.skipped += done.failed;
    }

    fn failed(&self) -> u64 {
        let missed = |(tried, succeeded): (u64, u64)| tried.saturating_sub(succeeded);
        missed(self.add) + missed(self.modify) + missed(self.delete)
    }
}

/// Who hears that somebody was deactivated or removed at a target, and ends what that person has here.
pub trait Leavers: Send + Sync + fmt::Debug {
    /// The person with this entry; an objectGUID or entryUUID in text form.
    fn left(&self, id: &str);
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many operations more are to be done.
    Expected(usize),
    /// One is done, or put off.
    Passed,
}

/// Writes the lines of the log, and tells who wants to know how far it is.
#[derive(Clone, Copy)]
pub struct Teller<'a> {
    /// The target.
    pub target: &'a str,
    /// That of moments in sentences.
    pub zone: &'a TimeZone,
    /// Hears how far it is.
    pub progress: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
    /// Who ends sessions.
    pub leavers: Option<&'a dyn Leavers>,
    /// Hears what a run wrote that has no report of its own, since it then could not begin.
    pub unreported: Option<&'a (dyn Fn(&Report) + Send + Sync)>,
}

impl fmt::Debug for Teller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller").field("target", &self.target).finish_non_exhaustive()
    }
}

fn hexadecimal(hash: u64) -> String {
    format!("{hash:016x}")
}

impl Journal for Teller<'_> {
    fn wrote(&self, written: &Write<'_>) {
        let target = self.target;
        let (before, after) = (written.hashes.0.map(hexadecimal), written.hashes.1.map(hexadecimal));
        tracing::info!(
            sync.target = target,
            sync.run = written.run,
            object = %written.key,
            target_id = written.target_id.map(tracing::field::display),
            attempts = written.retries + 1,
            duration_ms = u64::try_from(written.took.as_millis()).unwrap_or(u64::MAX),
            before = before.as_ref().map(tracing::field::display),
            after = after.as_ref().map(tracing::field::display),
            "{}",
            words::update(written)
        );
        if written.code != 0 {
            let failed = match written.kind {
                WriteKind::Add => Failed::Adding(written.dn),
                WriteKind::Modify => Failed::Modifying(written.dn),
                WriteKind::Delete => Failed::Deleting(written.dn),
            };
            let line = words::failure(failed, written.retries, written.detail);
            let remedy = words::remedy_of_write(written.kind, written.code, written.detail);
            let run = written.run;
            tracing::error!(sync.target = target, sync.run = run, object = %written.key, code = written.code, remedy, "{line}");
        } else if written.key.kind == ObjectType::User
            && matches!(written.action, Action::Deactivate | Action::Delete)
            && let Some(leavers) = self.leavers
        {
            leavers.left(&written.key.id);
        }
    }

    fn lacking(&self, written: &Write<'_>) {
        let remedy = words::remedy_of(written.code, written.detail);
        let (target, run) = (self.target, written.run);
        tracing::warn!(sync.target = target, sync.run = run, object = %written.key, remedy, "{} is not complete: {}", written.dn, written.detail);
    }

    fn skipped(&self, written: &Write<'_>) {
        let remedy = words::remedy_of(written.code, written.detail);
        let (target, run) = (self.target, written.run);
        tracing::warn!(sync.target = target, sync.run = run, object = %written.key, dn = written.dn, remedy, "not sent: {}", written.detail);
    }

    fn expected(&self, operations: usize) {
        if let Some(progress) = self.progress {
            progress(Progress::Expected(operations));
        }
    }

    fn passed(&self) {
        if let Some(progress) = self.progress {
            progress(Progress::Passed);
        }
    }

    fn pausing(&self, until: Timestamp, fault: &TargetFault, waiting: usize) {
        let (they, wait) = words::operations_wait(u64::try_from(waiting).unwrap_or(u64::MAX));
        let until = words::moment(until, self.zone);
        tracing::warn!(
            sync.target = self.target,
            "the target is left alone until {until}, and {they} {wait}: {fault}"
        );
    }

    fn denied(&self, account: &str, retries: u32, fault: &TargetFault) {
        let line = words::failure(Failed::Binding(account), retries, &fault.detail);
        let remedy = words::remedy_of(fault.code, &fault.detail);
        tracing::error!(sync.target = self.target, code = fault.code, remedy, "{line}");
    }

    fn retrying(&self, operation: &Operation, fault: &TargetFault, wait: Duration) {
        tracing::debug!(sync.target = self.target, object = %operation.key, ?wait, "tried again: {fault}");
    }
}
