//! What runs leave behind: what waits, what was cut off, and what makes the next one read everything; and whether one is
//! under way.

use super::{RECENT, State, StateError};
use crate::store::{CursorRow, StructureRow, SyncWrite};

/// The result of a run whose process ended before it did.
pub const CUT_OFF: &str = "cut off";

/// Under this name it is kept why nothing counts as read, beside the structure.
pub(in crate::sync) const WHY_WHOLE: &str = "why-whole";

impl State {
    /// How much was planned by runs that are over and not carried out, though nothing holds it back.
    pub async fn waiting(&self) -> Result<u64, StateError> {
        let open = self.store.open_counts(&self.target).await?;
        let waiting = open.iter().filter(|(_, state, _)| matches!(state.as_str(), "waiting" | "sent"));
        Ok(waiting.map(|(.., count)| u64::try_from(*count).unwrap_or(0)).sum())
    }

    /// Whether somebody synchronises the target at the moment.
    pub async fn is_under_way(&self) -> Result<bool, StateError> {
        Ok(self.holder().await?.is_some())
    }

    /// Who does, as they call themselves.
    pub async fn holder(&self) -> Result<Option<String>, StateError> {
        let lease = self.store.leased(&self.target).await?;
        Ok(lease.filter(|(_, until_ms)| *until_ms > self.now_ms()).map(|(holder, _)| holder))
    }

    /// Ends the runs that did not come to their end, and says which: with the lease nobody else is at them.
    pub(in crate::sync) async fn end_cut_off(&self) -> Result<Vec<i64>, StateError> {
        let mut rows = self.store.runs(&self.target, RECENT).await?;
        rows.retain(|row| row.ended_ms == 0);
        let runs: Vec<i64> = rows.iter().map(|row| row.run).collect();
        for row in &mut rows {
            row.ended_ms = self.now_ms();
            CUT_OFF.clone_into(&mut row.result);
        }
        if !runs.is_empty() {
            self.write(rows.into_iter().map(SyncWrite::PutRun).collect()).await?;
        }
        Ok(runs)
    }

    /// What is read next is read as a whole; `why` is what is told of that.
    pub async fn forget_cursors(&self, why: &str) -> Result<(), StateError> {
        let known = self.cursors().await?.into_keys();
        let none = |(source, query)| CursorRow { source, query, server: String::new(), value: String::new() };
        let why = StructureRow { source_id: WHY_WHOLE.to_owned(), body: why.to_owned() };
        self.write(vec![SyncWrite::PutCursors(known.map(none).collect()), SyncWrite::PutStructure(vec![why])])
            .await
    }
}
