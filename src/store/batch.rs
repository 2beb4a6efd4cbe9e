//! [`Batch`]: many writes folded into what they come to, so that a transaction needs few statements.
//!
//! Later writes win over earlier ones on the same key. Once folded, the deletions are run before the insertions, and
//! the result is the one that the writes in their order would have had.

use std::collections::{BTreeMap, BTreeSet};

use super::{SessionRow, SpSessionRow, Write};

/// The net effect of a list of writes, which it borrows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch<'a> {
    /// id_hash of sessions to delete, with their SP sessions.
    pub(super) ended: BTreeSet<&'a str>,
    /// When by id_hash of sessions whose time is over.
    pub(super) lapsed: BTreeMap<&'a str, i64>,
    /// id_hash of sessions that are revoked.
    pub(super) revoked: BTreeSet<&'a str>,
    /// Throttle keys whose tries go.
    pub(super) cleared: BTreeSet<&'a str>,
    /// entityIDs to forget.
    pub(super) forgotten: BTreeSet<&'a str>,
    /// Sessions and their last use by id_hash.
    pub(super) sessions: BTreeMap<&'a str, (&'a SessionRow, i64)>,
    /// SP sessions by id_hash and SessionIndex.
    pub(super) sp_sessions: BTreeMap<(&'a str, &'a str), &'a SpSessionRow>,
    /// Last uses by id_hash.
    pub(super) touches: BTreeMap<&'a str, i64>,
    /// Wrong tries.
    pub(super) tries: Vec<(&'a str, i64)>,
    /// Time by (subject, address).
    pub(super) addresses: BTreeMap<(&'a str, &'a str), i64>,
    /// Keys of memos to forget.
    pub(super) dropped: BTreeSet<&'a str>,
    /// (body, time) by key.
    pub(super) memos: BTreeMap<&'a str, (&'a str, i64)>,
    /// (file, sha256) by entityID.
    pub(super) files: BTreeMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Batch<'a> {
    /// Folds writes in their order.
    pub(super) fn of(writes: impl IntoIterator<Item = &'a Write>) -> Self {
        let mut batch = Self::default();
        writes.into_iter().for_each(|write| batch.add(write));
        batch
    }

    fn add(&mut self, write: &'a Write) {
        match write {
            Write::PutSession(row) => {
                self.touches.remove(row.id_hash.as_str());
                row.sp_sessions.iter().for_each(|sp| self.put_sp_session(sp));
                self.sessions.insert(&row.id_hash, (row, row.last_used_ms));
            }
            Write::TouchSession { id_hash, last_used_ms } => match self.sessions.get_mut(id_hash.as_str()) {
                Some((_, held)) => {
                    *held = (*held).max(*last_used_ms);
                }
                None => {
                    self.touches.insert(id_hash, *last_used_ms);
                }
            },
            Write::LapseSession { id_hash, at_ms } => {
                self.lapsed.insert(id_hash, *at_ms);
            }
            Write::RevokeSession { id_hash } => {
                self.revoked.insert(id_hash);
            }
            Write::EndSession { id_hash } => {
                self.lapsed.remove(id_hash.as_str());
                self.revoked.remove(id_hash.as_str());
                self.sessions.remove(id_hash.as_str());
                self.touches.remove(id_hash.as_str());
                self.sp_sessions.retain(|_, row| row.id_hash != *id_hash);
                self.ended.insert(id_hash);
            }
            Write::PutSpSession(row) => self.put_sp_session(row),
            Write::WrongTry { keys, at_ms } => {
                self.tries.extend(keys.iter().map(|key| (key.as_str(), *at_ms)));
            }
            Write::ClearTries { keys } => {
                self.tries.retain(|(key, _)| !keys.iter().any(|cleared| cleared == key));
                self.cleared.extend(keys.iter().map(String::as_str));
            }
            Write::KnownAddress { subject, address, at_ms } => {
                self.addresses.insert((subject, address), *at_ms);
            }
            Write::PutMemo { key, body, expires_ms } => {
                self.memos.insert(key, (body, *expires_ms));
            }
            Write::DropMemo { key } => {
                self.memos.remove(key.as_str());
                self.dropped.insert(key);
            }
            Write::LiveFile { entity_id, file, sha256 } => {
                self.files.insert(entity_id, (file, sha256));
            }
            Write::ForgetLiveFile { entity_id } => {
                self.files.remove(entity_id.as_str());
                self.forgotten.insert(entity_id);
            }
        }
    }

    fn put_sp_session(&mut self, row: &'a SpSessionRow) {
        self.sp_sessions.insert((&row.id_hash, &row.session_index), row);
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: &str, last_used_ms: i64) -> Write {
        Write::PutSession(SessionRow {
            id_hash: id.into(),
            subject: "d/k".into(),
            body: "{}".into(),
            created_ms: 0,
            last_used_ms,
            expires_ms: 9,
            sp_sessions: vec![],
        })
    }

    fn sp_session(id: &str, index: &str) -> Write {
        Write::PutSpSession(SpSessionRow {
            id_hash: id.into(),
            sp: "sp".into(),
            session_index: index.into(),
            name_key: String::new(),
            body: "{}".into(),
            issued_ms: 7,
        })
    }

    #[test]
    fn an_end_takes_with_it_what_was_to_be_written() {
        let end = Write::EndSession { id_hash: "a".into() };
        let touch = Write::TouchSession { id_hash: "a".into(), last_used_ms: 5 };
        let writes = [session("a", 1), sp_session("a", "i"), sp_session("b", "j"), touch, end];
        let batch = Batch::of(&writes);
        assert!(batch.sessions.is_empty() && batch.touches.is_empty());
        assert_eq!(batch.sp_sessions.keys().collect::<Vec<_>>(), [&("b", "j")]);
        assert!(batch.ended.contains("a"));
    }

    #[test]
    fn a_touch_goes_into_the_row_that_is_written_anyway() {
        let touch = |at| Write::TouchSession { id_hash: "a".into(), last_used_ms: at };
        let writes = [session("a", 3), touch(5), touch(4)];
        let batch = Batch::of(&writes);
        assert_eq!(batch.sessions["a"].1, 5);
        assert!(batch.touches.is_empty());
    }

    #[test]
    fn tries_are_cleared_up_to_the_clearing_and_counted_after_it() {
        let wrong = |at_ms| Write::WrongTry { keys: vec!["k".into(), "l".into()], at_ms };
        let writes = [wrong(1), Write::ClearTries { keys: vec!["k".into()] }, wrong(2)];
        let batch = Batch::of(&writes);
        assert_eq!(batch.tries, [("l", 1), ("k", 2), ("l", 2)]);
        assert!(batch.cleared.contains("k"));
        assert!(!batch.is_empty() && Batch::default().is_empty());
    }
}
