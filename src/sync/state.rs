//! [`State`]: what is known and planned of one target, durably; the typed face of [`SyncStore`].
//!
//! A run takes the [`Lease`] of its target, reads links, cursors and structure, and begins with [`State::begin`]: the new
//! cursors and the operations that came out of the reading are one transaction, before anything is sent, so that a crash
//! can repeat work and never lose it. `apply` carries out what is open and notes results; [`State::end`] closes the run.

mod begin;
mod code;
mod lease;
mod taken;
mod unfinished;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::link::Link;
use super::object::{ObjectKey, ObjectType};
use super::operation::Operation;
use super::structure::names;
use crate::clock::{Clock, Timestamp};
use crate::directory::source::Cursor;
use crate::store::{
    Fence, KeyRow, LinkRow, MemberRow, OperationRow, RunRow, StoreError, StructureRow, SyncStore, SyncWrite,
};

pub(super) use self::begin::of_phase;
pub use self::begin::{Begun, Planned};
pub(super) use self::code::{in_shards, key_row, link_row, shard_of};
pub use self::lease::Lease;
pub use self::unfinished::CUT_OFF;
pub(super) use self::unfinished::WHY_WHOLE;

/// A run that ends is among so many of the newest.
const RECENT: i64 = 64;

/// Rows of one page.
const PAGE: usize = 2_000;

/// Why the state cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something in it cannot be read: it was written by another program.
    #[error(
        "the state of target \"{target}\" has {what} that cannot be read; start the sekisho that wrote it"
    )]
    Unreadable {
        /// The target.
        target: String,
        /// What.
        what: String,
    },
    /// Another process or node synchronises the same target.
    #[error(
        "target \"{target}\" is synchronised by {holder} at the moment; wait for its end, or, if that process is gone, until {until}"
    )]
    Leased {
        /// The target.
        target: String,
        /// Who.
        holder: String,
        /// When the lease ends if it is not renewed.
        until: Timestamp,
    },
    /// The lease ended in the middle of a run, and another may have it.
    #[error(
        "target \"{target}\": the lease was lost, so that another node may synchronise it; this run stopped"
    )]
    LeaseLost {
        /// The target.
        target: String,
    },
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Not sent.
    Waiting,
    /// Sent, and its result not known here: whether a creation was done is asked first.
    Sent,
    /// Done.
    Done,
    /// Not done; tried again at its time.
    Failed,
    /// Kept back by the gate until it is allowed.
    Held,
    /// Not wanted any more.
    Dropped,
}

/// An operation of a run, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The run that planned it.
    pub run: i64,
    /// Its place there.
    pub seq: i64,
    /// What.
    pub operation: Operation,
    /// How far it is.
    pub progress: Progress,
    /// How often it was sent since it was last put off.
    pub attempts: u32,
    /// How often it was put off.
    pub rounds: u32,
    /// When it is tried again, if it failed.
    pub next_try: Timestamp,
    /// The result code and words of the last fault.
    pub fault: Option<(u16, String)>,
}

/// A run, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub run: i64,
    /// `full`, `incremental` or another word.
    pub mode: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; none while it runs, or when it was cut off and none has begun since.
    pub ended: Option<Timestamp>,
    /// Numbers, as whoever ended it wrote them.
    pub counts: serde_json::Value,
    /// A word for how it ended.
    pub result: String,
    /// Why.
    pub causes: Vec<String>,
}

/// The state of one target. A clone is another handle of it.
#[derive(Debug, Clone)]
pub struct State {
    store: SyncStore,
    target: Arc<str>,
    clock: Arc<dyn Clock>,
    holder: Option<Arc<str>>,
}

impl State {
    /// Of the target of this name. Writes nothing but the lease itself before [`State::lease`] was asked for it.
    pub fn new(store: SyncStore, target: &str, clock: Arc<dyn Clock>) -> Self {
        Self { store, target: target.into(), clock, holder: None }
    }

    /// The target.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// All links, in pages, in the order of type words and ids.
    pub fn links(&self) -> Pages<'_> {
        Pages { state: self, after: Some(KeyRow::default()) }
    }

    /// The link of an object.
    pub async fn link(&self, key: &ObjectKey) -> Result<Option<Link>, StateError> {
        Ok(self.links_of(std::slice::from_ref(key)).await?.pop())
    }

    /// The links of these objects, of those that have one; in any order.
    pub async fn links_of(&self, keys: &[ObjectKey]) -> Result<Vec<Link>, StateError> {
        let keys: Vec<_> = keys.iter().map(key_row).collect();
        let rows = self.store.links(&self.target, &keys).await?;
        let linked: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
        let members = self.store.members(&self.target, &linked).await?;
        self.join(rows, members)
    }

    /// The links of a type whose DNs have these normal forms.
    pub(super) async fn named(
        &self,
        kind: ObjectType,
        names: impl IntoIterator<Item = String>,
    ) -> Result<Vec<Link>, StateError> {
        let names: Vec<_> = names.into_iter().map(|name| (kind.key().to_owned(), name)).collect();
        let rows = self.store.links_named(&self.target, &names).await?;
        self.join(rows, Vec::new())
    }

    /// Gives a name to links that were written before names were kept.
    async fn name_links(&self) -> Result<(), StateError> {
        loop {
            let mut rows = self.store.unnamed_links(&self.target, limit(PAGE)).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &mut rows {
                row.name = names::normal(&row.dn);
            }
            self.write(vec![SyncWrite::PutLinks(rows)]).await?;
        }
    }

    /// Whether all links can be found by name.
    pub(super) async fn has_names(&self) -> Result<bool, StateError> {
        Ok(self.store.unnamed_links(&self.target, 1).await?.is_empty())
    }

    /// How many links there are of each type.
    pub async fn link_counts(&self) -> Result<BTreeMap<ObjectType, u64>, StateError> {
        let rows = self.store.link_counts(&self.target).await?.into_iter();
        let count = |(kind, count): (String, i64)| Ok((self.kind(&kind)?, u64::try_from(count).unwrap_or(0)));
        rows.map(count).collect()
    }

    /// How many of each type are leaving, and since when the first one is.
    pub(super) async fn leaving(&self) -> Result<BTreeMap<ObjectType, (u64, Timestamp)>, StateError> {
        let rows = self.store.leaving(&self.target).await?.into_iter();
        let moment = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let of = |(kind, count, since_ms): (String, i64, i64)| {
            Ok((self.kind(&kind)?, (u64::try_from(count).unwrap_or(0), moment(since_ms))))
        };
        rows.map(of).collect()
    }

    /// Keeps something beside the structure, under a name.
    pub(super) async fn keep(&self, name: &str, body: String) -> Result<(), StateError> {
        let row = StructureRow { source_id: name.to_owned(), body };
        self.write(vec![SyncWrite::PutStructure(vec![row])]).await
    }

    /// The target's ids of these objects, without what else is known of them.
    pub(super) async fn ids_of(&self, keys: &[ObjectKey]) -> Result<Vec<(ObjectKey, String)>, StateError> {
        let keys: Vec<_> = keys.iter().map(key_row).collect();
        let rows = self.store.links(&self.target, &keys).await?;
        rows.into_iter().map(|row| Ok((self.key(row.key)?, row.target_id))).collect()
    }

    /// Which object of the source is linked to an object of the target; more than one is a fault of an earlier program.
    pub async fn linked_to(&self, kind: ObjectType, target_id: &str) -> Result<Vec<ObjectKey>, StateError> {
        let id = (kind.key().to_owned(), target_id.to_owned());
        let rows = self.store.links_at(&self.target, &[id]).await?;
        rows.into_iter().map(|row| self.key(row.key)).collect()
    }

    /// How far each source was read, by source and kind of question.
    pub async fn cursors(&self) -> Result<BTreeMap<(String, String), Cursor>, StateError> {
        let rows = self.store.cursors(&self.target).await?.into_iter();
        Ok(rows
            .map(|row| ((row.source, row.query), Cursor { server: row.server, value: row.value }))
            .collect())
    }

    /// The structure as it was last read: a body by the id of its entry.
    pub async fn structure(&self) -> Result<BTreeMap<String, String>, StateError> {
        let mut found = BTreeMap::new();
        let mut after = String::new();
        loop {
            let rows = self.store.structure_after(&self.target, &after, limit(PAGE)).await?;
            let last = rows.len() < PAGE;
            after = rows.last().map(|row| row.source_id.clone()).unwrap_or_default();
            found.extend(rows.into_iter().map(|row| (row.source_id, row.body)));
            if last {
                return Ok(found);
            }
        }
    }

    /// Operations that are neither done nor dropped, of all runs: what is to be resumed, shown or allowed.
    pub async fn open(&self) -> Result<Vec<Kept>, StateError> {
        let mut found = Vec::new();
        let mut after = (i64::MIN, 0);
        loop {
            let rows = self.store.open_operations(&self.target, after, limit(PAGE)).await?;
            let last = rows.len() < PAGE;
            after = rows.last().map_or(after, |row| (row.run, row.seq));
            for row in rows {
                found.push(self.kept(row)?);
            }
            if last {
                return Ok(found);
            }
        }
    }

    /// How much failed and is tried again.
    pub async fn failing(&self) -> Result<u64, StateError> {
        let open = self.store.open_counts(&self.target).await?;
        let failed = open.iter().filter(|(_, state, _)| state == "failed");
        Ok(failed.map(|(.., count)| u64::try_from(*count).unwrap_or(0)).sum())
    }

    /// How much is held back, by run.
    pub async fn held(&self) -> Result<BTreeMap<i64, usize>, StateError> {
        let open = self.store.open_counts(&self.target).await?.into_iter();
        let held = open.filter(|(_, state, _)| state == "held");
        Ok(held.map(|(run, _, count)| (run, usize::try_from(count).unwrap_or(0))).collect())
    }

    /// What failed and is tried again.
    pub async fn failed(&self) -> Result<Vec<Kept>, StateError> {
        let mut places: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in self.index().await?.into_iter().filter(|row| row.mark.state == "failed") {
            places.entry(row.run).or_default().push(row.seq);
        }
        let mut found = Vec::new();
        for (run, seqs) in places {
            found.extend(self.operations_at(run, &seqs).await?);
        }
        found.sort_by_key(|kept| (kept.run, kept.seq));
        Ok(found)
    }

    /// What was planned for an object, the newest first.
    pub async fn history(&self, key: &ObjectKey, most: usize) -> Result<Vec<Kept>, StateError> {
        let rows = self.store.operations_for(&self.target, &key_row(key), limit(most)).await?;
        rows.into_iter().map(|row| self.kept(row)).collect()
    }

    /// The newest runs, the newest first.
    pub async fn runs(&self, most: usize) -> Result<Vec<Run>, StateError> {
        let moment = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let rows = self.store.runs(&self.target, limit(most)).await?.into_iter();
        let run = |row: RunRow| Run {
            run: row.run,
            mode: row.mode,
            started: moment(row.started_ms),
            ended: (row.ended_ms > 0).then(|| moment(row.ended_ms)),
            counts: serde_json::from_str(&row.counts).unwrap_or_default(),
            result: row.result,
            causes: serde_json::from_str(&row.causes).unwrap_or_default(),
        };
        Ok(rows.map(run).collect())
    }

    /// When the last run of each mode began.
    pub async fn last_runs(&self) -> Result<BTreeMap<String, Timestamp>, StateError> {
        let rows = self.store.last_runs(&self.target).await?.into_iter();
        let moment = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(rows.map(|(mode, started_ms)| (mode, moment(started_ms))).collect())
    }

    /// Ends a run.
    pub async fn end(
        &self,
        run: i64,
        result: &str,
        counts: &serde_json::Value,
        causes: &[String],
    ) -> Result<(), StateError> {
        let rows = self.store.runs(&self.target, RECENT).await?;
        let Some(mut row) = rows.into_iter().find(|row| row.run == run) else { return Ok(()) };
        row.ended_ms = self.now_ms();
        row.counts = counts.to_string();
        result.clone_into(&mut row.result);
        row.causes = serde_json::Value::from(causes).to_string();
        self.write(vec![SyncWrite::PutRun(row)]).await
    }

    /// Releases what the gate held back in a run: exactly this. Says how much it was.
    pub async fn allow(&self, run: i64) -> Result<usize, StateError> {
        let held = self.held().await?.get(&run).copied().unwrap_or(0);
        let at_ms = self.now_ms();
        self.write(vec![SyncWrite::Turn { run: Some(run), from: "held", to: "waiting", at_ms }]).await?;
        Ok(held)
    }

    /// Open operations without their bodies, in the order of runs and places.
    pub(super) async fn index(&self) -> Result<Vec<OperationRow>, StateError> {
        let mut found = Vec::new();
        let mut after = (i64::MIN, 0);
        loop {
            let rows = self.store.open_index(&self.target, after, limit(PAGE)).await?;
            let last = rows.len() < PAGE;
            after = rows.last().map_or(after, |row| (row.run, row.seq));
            found.extend(rows);
            if last {
                return Ok(found);
            }
        }
    }

    /// Operations of a run by their places.
    pub(super) async fn operations_at(&self, run: i64, seqs: &[i64]) -> Result<Vec<Kept>, StateError> {
        let rows = self.store.operations_at(&self.target, run, seqs).await?;
        rows.into_iter().map(|row| self.kept(row)).collect()
    }

    /// Writes, if the lease is still held by whom this state was leased to.
    pub(super) async fn write(&self, writes: Vec<SyncWrite>) -> Result<(), StateError> {
        let fence = self.holder.as_ref().map(|holder| Fence { holder: holder.to_string() });
        if self.store.commit(&self.target, fence, writes).await? {
            Ok(())
        } else {
            Err(StateError::LeaseLost { target: self.target.to_string() })
        }
    }

    /// The present moment.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The present moment, as rows have it.
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    fn unreadable(&self, what: String) -> StateError {
        StateError::Unreadable { target: self.target.to_string(), what }
    }

    pub(super) fn key(&self, (kind, id): KeyRow) -> Result<ObjectKey, StateError> {
        Ok(ObjectKey { kind: self.kind(&kind)?, id })
    }

    fn kind(&self, word: &str) -> Result<ObjectType, StateError> {
        let known = ObjectType::parse(word);
        known.ok_or_else(|| self.unreadable(format!("an object of type \"{word}\"")))
    }

    /// Links with their members.
    fn join(&self, rows: Vec<LinkRow>, members: Vec<MemberRow>) -> Result<Vec<Link>, StateError> {
        let mut by_key: BTreeMap<KeyRow, Vec<MemberRow>> = BTreeMap::new();
        for row in members {
            by_key.entry(row.key.clone()).or_default().push(row);
        }
        let link = |row: LinkRow| {
            let members = by_key.remove(&row.key).unwrap_or_default();
            code::link(row, members).map_err(|(kind, id)| self.unreadable(format!("the link of {kind}/{id}")))
        };
        rows.into_iter().map(link).collect()
    }

    fn kept(&self, row: OperationRow) -> Result<Kept, StateError> {
        let name = format!("operation {} of run {}", row.seq, row.run);
        code::kept(row).ok_or_else(|| self.unreadable(name))
    }
}

/// Links in pages; see [`State::links`].
#[derive(Debug)]
pub struct Pages<'a> {
    state: &'a State,
    after: Option<KeyRow>,
}

impl Pages<'_> {
    /// The next page; none after the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<Link>>, StateError> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let state = self.state;
        let rows = state.store.links_after(&state.target, &after, limit(PAGE)).await?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
        let members = state.store.members_between(&state.target, &first.key, &last.key).await?;
        self.after = (rows.len() == PAGE).then(|| last.key.clone());
        state.join(rows, members).map(Some)
    }

    /// All that are left.
    pub async fn all(mut self) -> Result<Vec<Link>, StateError> {
        let mut found = Vec::new();
        while let Some(page) = self.next().await? {
            found.extend(page);
        }
        Ok(found)
    }
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
