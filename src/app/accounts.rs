//! [`DirectoryAccounts`]: asks the directory that a person came from whether the account may still be used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::directory::{Directory, DirectoryError, Standing};
use crate::identity::{Accounts, SubjectId};

/// How long somebody who is signed in waits for the directory's word; what comes later counts from the next request on.
const PATIENCE: Duration = Duration::from_millis(100);
/// How soon a directory that could not be asked is asked again.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// Accounts that are remembered.
const KEPT: usize = 50_000;

/// The accounts of all directories.
#[derive(Debug, Clone)]
pub(super) struct DirectoryAccounts {
    directories: Vec<Arc<dyn Directory>>,
    clock: Arc<dyn Clock>,
    /// `session.account_check`
    every: SignedDuration,
    seen: Arc<Mutex<HashMap<SubjectId, Seen>>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    bar: Option<&'static str>,
    /// When to ask again.
    until: Timestamp,
}

impl DirectoryAccounts {
    pub(super) fn new(
        directories: Vec<Arc<dyn Directory>>,
        clock: Arc<dyn Clock>,
        every: SignedDuration,
    ) -> Self {
        Self { directories, clock, every, seen: Arc::default() }
    }

    /// Asks, and keeps the answer also when nobody waits for it any more.
    async fn ask(
        self,
        directory: Arc<dyn Directory>,
        id: SubjectId,
    ) -> Result<Option<&'static str>, DirectoryError> {
        let bar = match directory.standing(&id).await? {
            Standing::Usable => None,
            Standing::Barred(reason) => Some(reason.as_str()),
            Standing::Gone => Some("gone"),
        };
        self.keep(id, bar, self.every);
        Ok(bar)
    }

    fn keep(&self, id: SubjectId, bar: Option<&'static str>, time: SignedDuration) {
        let now = self.clock.now();
        let mut seen = self.seen();
        if seen.len() >= KEPT {
            seen.retain(|_, one| one.until > now);
        }
        if seen.len() >= KEPT {
            // They are asked about once more.
            seen.clear();
        }
        seen.insert(id, Seen { bar, until: now.checked_add(time).unwrap_or(now) });
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<SubjectId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Accounts for DirectoryAccounts {
    async fn bar(&self, id: &SubjectId, good_at: Timestamp) -> Option<&'static str> {
        let now = self.clock.now();
        // Whoever signed in anew was let in by the directory.
        if now.duration_since(good_at) < self.every {
            return None;
        }
        if let Some(seen) = self.seen().get(id).filter(|seen| seen.until > now) {
            return seen.bar;
        }
        let Some(directory) = self.directories.iter().find(|held| held.name() == id.directory) else {
            return Some("gone");
        };
        // Whoever comes while this is under way does not ask too; the answer, also a late one, takes its place.
        self.keep(id.clone(), None, RETRY);
        let asking = tokio::spawn(self.clone().ask(Arc::clone(directory), id.clone()));
        let cause = match timeout(PATIENCE, asking).await {
            Ok(Ok(Ok(bar))) => return bar,
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(broken)) => broken.to_string(),
            Err(_) => format!("directory \"{}\": no answer within {PATIENCE:?}", id.directory),
        };
        tracing::warn!(subject.id = %id, "{cause}; the session goes on, and the account is looked at again in a minute");
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;
    use crate::app::inquiry::tests::{Corp, tanaka};
    use crate::clock::ManualClock;

    fn accounts() -> (Arc<ManualClock>, Arc<Corp>, DirectoryAccounts) {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let corp = Arc::new(Corp::default());
        let accounts =
            DirectoryAccounts::new(vec![corp.clone()], clock.clone(), SignedDuration::from_mins(15));
        (clock, corp, accounts)
    }

    #[tokio::test]
    async fn an_account_is_looked_at_when_its_time_has_come() {
        let (clock, corp, accounts) = accounts();
        let (id, signed_in) = (tanaka().id, clock.now());
        for (minutes, asked) in [(14, 0), (1, 1), (14, 1), (1, 2)] {
            clock.advance(SignedDuration::from_mins(minutes));
            assert_eq!(accounts.bar(&id, signed_in).await, None);
            assert_eq!(corp.asked.load(SeqCst), asked);
        }
        corp.disabled.store(true, SeqCst);
        clock.advance(SignedDuration::from_mins(15));
        assert_eq!(accounts.bar(&id, signed_in).await, Some("disabled"));
        // Let in again, and signed in anew.
        assert_eq!(accounts.bar(&id, clock.now()).await, None);
        let elsewhere = SubjectId { directory: "closed".to_owned(), ..id };
        assert_eq!(accounts.bar(&elsewhere, signed_in).await, Some("gone"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_cannot_say_ends_no_session_and_holds_nobody_up() {
        let (clock, corp, accounts) = accounts();
        let (id, signed_in) = (tanaka().id, clock.now());
        clock.advance(SignedDuration::from_mins(15));
        corp.away.store(true, SeqCst);
        assert_eq!(accounts.bar(&id, signed_in).await, None);
        assert_eq!(accounts.bar(&id, signed_in).await, None);
        assert_eq!(corp.asked.load(SeqCst), 1, "not asked again within the minute");
        corp.away.store(false, SeqCst);
        corp.disabled.store(true, SeqCst);
        corp.hangs.store(true, SeqCst);
        clock.advance(RETRY);
        // Nothing but the patience would end this wait.
        assert_eq!(accounts.bar(&id, signed_in).await, None);
        corp.answers.notify_one();
        while accounts.bar(&id, signed_in).await.is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(corp.asked.load(SeqCst), 2, "what came late is kept");
    }
}
