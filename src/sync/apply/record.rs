//! What becomes of results: links, members and marks, gathered until they are written in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use super::Policy;
use super::task::Task;
use crate::clock::Timestamp;
use crate::store::{KeyRow, LinkRow, Mark, MemberRow, SyncWrite};
use crate::sync::link::{Link, LinkState, PathSums};
use crate::sync::object::ObjectKey;
use crate::sync::operation::{Action, Change};
use crate::sync::pace::put_off;
use crate::sync::state::{in_shards, key_row, link_row, shard_of};
use crate::sync::target::TargetFault;

/// What the id of an object begins with that only the target has.
const ORPHAN: &str = "target:";
/// The most octets of what a target says that are kept.
const DETAIL: usize = 500;

/// Results that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Results {
    links: Vec<LinkRow>,
    members: Vec<MemberRow>,
    unlinked: Vec<KeyRow>,
    /// By run and state.
    marked: BTreeMap<(i64, &'static str), Vec<i64>>,
    failed: Vec<SyncWrite>,
    length: usize,
}

impl Results {
    /// How many operations these are of.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// An operation is in a state of which nothing else is to be said.
    pub(super) fn mark(&mut self, task: &Task, state: &'static str) {
        self.length += 1;
        self.marked.entry((task.run, state)).or_default().push(task.seq);
    }

    /// The object is linked with what the operation carried; what it was to carry and could not, `carried` leaves out.
    pub(super) fn link(
        &mut self,
        task: &mut Task,
        id: &str,
        policy: &Policy,
        (carried, now): (bool, Timestamp),
    ) {
        if task.operation.afterwards.forget && carried || is_orphan(&task.operation.key) {
            return self.unlink(&task.operation.key);
        }
        let before = task.before.take();
        task.hashes.0 = before.as_ref().map(policy.sums.link);
        if before.as_ref().is_some_and(|link| link.target_id != id) {
            self.unlink(&task.operation.key);
        }
        let mut link = before.filter(|link| link.target_id == id).unwrap_or_else(|| Link {
            key: task.operation.key.clone(),
            dn: String::new(),
            target_id: id.to_owned(),
            state: LinkState::Active,
            sums: PathSums::default(),
            members: BTreeMap::new(),
        });
        task.operation.dn.clone_into(&mut link.dn);
        match (task.operation.action, link.state) {
            (Action::Create | Action::Activate, _) => link.state = LinkState::Active,
            (Action::Deactivate, LinkState::Active) if carried => link.state = LinkState::Inactive,
            _ => {}
        }
        let afterwards = &task.operation.afterwards;
        if let Some(state) = afterwards.state.filter(|_| carried) {
            link.state = match state {
                // What waited long to be allowed or sent is not deleted the sooner for that.
                LinkState::Leaving { since } => LinkState::Leaving { since: since.max(now) },
                state => state,
            };
        }
        let mut sums = link.sums.to_map();
        sums.extend(afterwards.sums.iter().filter(|_| carried).map(|(path, sum)| (path.clone(), *sum)));
        for change in &task.operation.changes {
            self.carry((&mut link, &mut sums), change, task, policy, carried);
        }
        link.sums = sums.into();
        task.hashes.1 = Some((policy.sums.link)(&link));
        self.links.push(link_row(&link));
    }

    fn carry(
        &mut self,
        (link, sums): (&mut Link, &mut BTreeMap<String, u64>),
        change: &Change,
        task: &Task,
        policy: &Policy,
        carried: bool,
    ) {
        let mut sum = |path: &String, sum: Option<u64>| match sum.filter(|_| carried) {
            Some(sum) => drop(sums.insert(path.clone(), sum)),
            None => drop(sums.remove(path)),
        };
        match change {
            Change::Set { path, value } => sum(path, Some((policy.sums.value)(value))),
            Change::Clear { path } => sum(path, None),
            Change::Refer { path, to } => {
                sum(path, Some((policy.sums.reference)(to)).filter(|_| !task.missing.contains(to)));
            }
            Change::Join { path, members } => {
                let missing: BTreeSet<_> = task.missing.iter().collect();
                let joined = members.iter().filter(|member| carried && !missing.contains(member));
                let joined: Vec<_> = joined.cloned().collect();
                let all = link.members.entry(path.clone()).or_default();
                all.extend(joined.iter().cloned());
                self.members.extend(changed(&link.key, path, all, &joined));
            }
            Change::Leave { path, members } if carried => {
                let all = link.members.entry(path.clone()).or_default();
                all.retain(|member| !members.contains(member));
                self.members.extend(changed(&link.key, path, all, members));
            }
            Change::Random { .. } | Change::Leave { .. } => {}
        }
    }

    /// The object is not at the target any more.
    pub(super) fn unlink(&mut self, key: &ObjectKey) {
        let key = key_row(key);
        self.links.retain(|link| link.key != key);
        self.members.retain(|part| part.key != key);
        self.unlinked.push(key);
    }

    /// An operation is put off to a later run.
    pub(super) fn put_off(&mut self, task: &Task, fault: &TargetFault, now: Timestamp) {
        let next = now.checked_add(put_off(task.rounds)).unwrap_or(now);
        let mut error = fault.detail.clone();
        error.truncate(
            (0..=DETAIL.min(error.len())).rev().find(|end| error.is_char_boundary(*end)).unwrap_or(0),
        );
        let mark = Mark {
            state: "failed".to_owned(),
            attempts: i64::from(task.attempts),
            rounds: i64::from(task.rounds) + 1,
            next_try_ms: next.as_millisecond(),
            error_code: i64::from(fault.code),
            error,
            at_ms: now.as_millisecond(),
        };
        self.length += 1;
        self.failed.push(SyncWrite::MarkOne { run: task.run, seq: task.seq, mark });
    }

    /// All of it, as writes of one transaction.
    pub(super) fn take(&mut self, at_ms: i64) -> Vec<SyncWrite> {
        let taken = std::mem::take(self);
        let mut writes = taken.failed;
        // What was linked and then unlinked is not in both.
        writes.push(SyncWrite::DropLinks(taken.unlinked));
        writes.push(SyncWrite::PutLinks(taken.links));
        writes.push(SyncWrite::PutMembers(taken.members));
        let mark = |((run, state), seqs)| SyncWrite::MarkAll { run, seqs, state, at_ms };
        writes.extend(taken.marked.into_iter().map(mark));
        writes
    }
}

/// Something that only the target has: it belongs to nobody in the source, and gets no link.
fn is_orphan(key: &ObjectKey) -> bool {
    key.id.starts_with(ORPHAN)
}

/// The parts of `all` in which something changed.
fn changed(key: &ObjectKey, path: &str, all: &BTreeSet<ObjectKey>, members: &[ObjectKey]) -> Vec<MemberRow> {
    let shards: BTreeSet<i64> = members.iter().map(shard_of).collect();
    in_shards(key, path, all, Some(&shards))
}
