//! A run from its beginning: what earlier runs left is carried out first, then what is to be done is planned, and carried
//! out. It ends in order at any moment when it is told to.

use std::collections::{BTreeMap, HashSet};

use tokio::sync::watch;

use super::apply::journal::Tally;
use super::apply::{Applied, Early, End, until_true};
use super::engine::{Extent, Synchronisation};
use super::error::SyncError;
use super::object::ObjectKey;
use super::report::{Report, Teller};
use super::state::State;
use super::target::{Ability, TargetFault};
use super::words::operations;

impl Synchronisation {
    /// Synchronises. `cancel` ends it cleanly. Of everything or one person, it also tries again what failed.
    pub async fn run(
        &self,
        extent: &Extent,
        teller: &Teller<'_>,
        cancel: watch::Receiver<bool>,
    ) -> Result<Report, SyncError> {
        self.begin((extent, matches!(extent, Extent::Full { .. })), teller, cancel).await
    }

    /// The same after a pause: it tries again all that failed.
    pub async fn resume(
        &self,
        extent: &Extent,
        teller: &Teller<'_>,
        cancel: watch::Receiver<bool>,
    ) -> Result<Report, SyncError> {
        self.begin((extent, true), teller, cancel).await
    }

    async fn begin(
        &self,
        extent: (&Extent, bool),
        teller: &Teller<'_>,
        cancel: watch::Receiver<bool>,
    ) -> Result<Report, SyncError> {
        let work = async |state: &State| {
            let ended = self.run_leased(state, extent, (teller, cancel)).await;
            if let Err(error) = &ended {
                self.note_not_begun(state, error).await;
            }
            ended
        };
        self.leased(work).await
    }

    /// `all`: what failed is tried again whatever its time is.
    pub(super) async fn run_leased(
        &self,
        state: &State,
        (extent, all): (&Extent, bool),
        (teller, cancel): (&Teller<'_>, watch::Receiver<bool>),
    ) -> Result<Report, SyncError> {
        let before = self.now();
        let ability = tokio::select! {
            biased;
            () = until_true(cancel.clone()) => return Err(SyncError::Cancelled),
            ability = self.questions().ask(|| self.target().probe()) => ability,
        };
        let ability = ability.map_err(|fault| SyncError::at(self.target(), fault))?;
        // One person waits for nobody else.
        let left = match extent {
            Extent::Person(_) => None,
            Extent::Changes | Extent::Full { .. } => self.carry_left(state, (teller, &cancel)).await?,
        };
        if let Some(stopped) = left.as_ref().filter(|left| left.fault().is_some()) {
            // Nobody asks on with credentials that are refused, or a target that is not there.
            return self.ended_early(state, stopped).await;
        }
        // A run for one person may have put off what needs whoever was made only now.
        let has_made = left.as_ref().is_some_and(Applied::has_made);
        let early = |told| match extent {
            Extent::Person(_) => Early::Of(told, before),
            _ if all || has_made => Early::All(before),
            _ => Early::Nothing,
        };
        let ended = self.go_on(state, (extent, &ability), (left.clone(), early), (teller, cancel)).await;
        if let (Err(_), Some(left)) = (&ended, &left) {
            // No report tells of it.
            let report = Report::left(teller.target, left);
            report.summary().for_each(|line| tracing::info!(sync.target = teller.target, "{line}"));
            if let Some(hear) = teller.unreported {
                hear(&report);
            }
        }
        ended
    }

    /// Plans, and carries it out. `left` was carried out before.
    async fn go_on(
        &self,
        state: &State,
        (extent, ability): (&Extent, &Ability),
        (left, early): (Option<Applied>, impl FnOnce(HashSet<ObjectKey>) -> Early),
        (teller, cancel): (&Teller<'_>, watch::Receiver<bool>),
    ) -> Result<Report, SyncError> {
        let prepared = tokio::select! {
            biased;
            () = until_true(cancel.clone()) => Err(SyncError::Cancelled),
            prepared = self.prepare(state, extent, ability) => prepared,
        };
        let prepared = match (prepared, &left) {
            (Ok(prepared), _) => prepared,
            (Err(SyncError::Cancelled), Some(left)) => return self.ended_early(state, left).await,
            (Err(error), _) => return Err(error),
        };
        let early = early(prepared.told.clone());
        self.carry_out(state, prepared, (left, early), (teller, cancel)).await
    }

    /// Ends before it was known what else is to be done.
    async fn ended_early(&self, state: &State, left: &Applied) -> Result<Report, SyncError> {
        let mut report = Report::left(&self.options().name, left);
        report.failing = state.failing().await?;
        if let Some(fault) = &report.stopped {
            let error = SyncError::at(self.target(), fault.clone());
            self.note_not_begun(state, &error).await;
        }
        Ok(report)
    }

    /// Carries out what earlier runs planned and did not, if there is such a thing.
    async fn carry_left(
        &self,
        state: &State,
        (teller, cancel): (&Teller<'_>, &watch::Receiver<bool>),
    ) -> Result<Option<Applied>, SyncError> {
        let waiting = state.waiting().await?;
        if waiting == 0 {
            return Ok(None);
        }
        tracing::info!(
            sync.target = teller.target,
            "first what an earlier run left: {}",
            operations(usize::try_from(waiting).unwrap_or(usize::MAX))
        );
        let applied = self.apply(state, (None, Early::Nothing), teller, cancel.clone()).await?;
        if !applied.lost.is_empty() {
            state
                .forget_cursors("what an earlier run left was for objects that are gone from the target")
                .await?;
        }
        Ok(Some(applied))
    }
}

impl Applied {
    /// With what was carried out before it in the same run.
    pub(super) fn after(mut self, before: Option<Applied>) -> Self {
        let Some(before) = before else { return self };
        add(&mut self.tally, &before.tally);
        self.put_off += before.put_off;
        self
    }

    /// What ended it before its end, beside a signal or a pause.
    pub(super) fn fault(&self) -> Option<&TargetFault> {
        match &self.end {
            End::Unauthorized(fault) | End::Unavailable(fault) => Some(fault),
            End::Complete | End::Cancelled => None,
        }
    }

    /// Whether somebody is at the target now who was not.
    fn has_made(&self) -> bool {
        self.tally.values().any(|counts| counts.add.succeeded > 0)
    }

    /// Whether it was ended with something left to do.
    pub(super) fn is_interrupted(&self) -> bool {
        self.end == End::Cancelled && self.left > 0
    }
}

fn add(tally: &mut Tally, more: &Tally) {
    let sums: &mut BTreeMap<_, _> = tally;
    for (kind, more) in more {
        let counts = sums.entry(*kind).or_default();
        let each = [
            (&mut counts.add, more.add),
            (&mut counts.modify, more.modify),
            (&mut counts.delete, more.delete),
        ];
        for (count, more) in each {
            count.tried += more.tried;
            count.succeeded += more.succeeded;
        }
        counts.failed += more.failed;
    }
}
