//! [`Sessions`]: starts, finds and ends sessions over the store.
//!
//! With an embedded store this process is the only one that serves, so the cache is the truth and the store its memory;
//! other processes' changes (a command that ends a session) are noticed by the store's generation. With a shared store
//! every look-up reads the database.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sha2::{Digest, Sha256};

use super::cache::{Bounds, Cache};
use super::sso_session::{SP_SESSIONS, name_key};
use super::{Beginning, SessionError, SpSession, SsoSession};
use crate::clock::{Clock, Ids, SignedDuration};
use crate::identity::{NameId, SubjectId};
use crate::secret::Secret;
use crate::store::{SessionRow, Store, Write};

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub struct SessionOptions {
    /// From the sign-in on.
    pub lifetime: SignedDuration,
    /// Without being used.
    pub idle: SignedDuration,
}

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    options: SessionOptions,
    pub(super) cache: Cache,
}

impl Sessions {
    /// Sessions in `store`.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, options: SessionOptions) -> Self {
        Self::bounded(store, clock, ids, options, Bounds::default())
    }

    pub(super) fn bounded(
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        options: SessionOptions,
        bounds: Bounds,
    ) -> Self {
        Self { store, clock, ids, options, cache: Cache::new(bounds) }
    }

    /// Begins a session of somebody who has just proved who they are. The token is the cookie's value and is kept nowhere
    /// else. It is written with the next commit; at once where other nodes must find it.
    pub async fn start(
        &self,
        beginning: Beginning,
    ) -> Result<(Secret<String>, Arc<SsoSession>), SessionError> {
        self.start_after(beginning, None).await
    }

    /// The same for somebody who signed in anew: what an earlier session of the same person issued goes on in this one,
    /// so that signing out reaches those service providers too.
    pub async fn start_after(
        &self,
        beginning: Beginning,
        earlier: Option<&SsoSession>,
    ) -> Result<(Secret<String>, Arc<SsoSession>), SessionError> {
        let token = Secret::new(self.ids.token());
        let (now, lifetime) = (self.clock.now(), self.options.lifetime);
        let same = earlier.filter(|earlier| earlier.subject.id == beginning.subject.id);
        let session = SsoSession::begin(hash(token.expose()), beginning, now, lifetime);
        let session = match same {
            Some(earlier) => session.after(earlier),
            None => session,
        };
        let row = session.row()?;
        if self.store.is_shared() {
            self.store.commit(vec![Write::PutSession(row)]).await?;
            return Ok((token, Arc::new(session)));
        }
        let bytes = weight(&row);
        session.ticket.store(self.store.defer(Write::PutSession(row))?, Ordering::Release);
        let session = self.cache.hold(session, bytes, self.store.generation(), |held| self.is_pinned(held));
        Ok((token, session))
    }

    /// The session of a cookie, unless it is over: lifetime and idle time are judged here, and this counts as its use.
    pub async fn find(&self, token: &str) -> Result<Option<Arc<SsoSession>>, SessionError> {
        let Some(session) = self.load(&hash(token)).await? else { return Ok(None) };
        let now = self.clock.now();
        if session.is_ended() {
            return Ok(None);
        }
        if !session.is_in_time(now, self.options.idle) {
            if session.lapse() {
                // It is over by its time, written or not.
                let (id_hash, at_ms) = (session.id_hash.clone(), now.as_millisecond());
                self.pin_until(&session, Write::LapseSession { id_hash, at_ms }).ok();
            }
            return Ok(None);
        }
        if session.touch(now) {
            let touch =
                Write::TouchSession { id_hash: session.id_hash.clone(), last_used_ms: now.as_millisecond() };
            // A use that cannot be noted is no reason to refuse it: the memory holds it.
            self.store.defer(touch).ok();
        }
        Ok(Some(session))
    }

    /// The SP session for one more assertion: the one of the same SP and name, or a new one, which is durable when this
    /// returns, and the session with it.
    pub async fn sp_session(
        &self,
        session: &Arc<SsoSession>,
        sp: &str,
        name_id: impl Into<Option<NameId>> + Send,
    ) -> Result<SpSession, SessionError> {
        let name_id = name_id.into();
        if session.is_ended() {
            return Err(SessionError::Ended);
        }
        if let Some(old) = session.issued(sp, name_id.as_ref()) {
            return if self.is_gone(session).await? { Err(SessionError::Ended) } else { Ok(old) };
        }
        if session.held().len() >= SP_SESSIONS {
            return Err(SessionError::TooMany(SP_SESSIONS));
        }
        let (session_index, issued) = (self.ids.xml_id(), self.clock.now());
        let new = SpSession { sp: sp.to_owned(), session_index, name_id, issued };
        self.store.commit(vec![Write::PutSpSession(new.row(session)?)]).await?;
        let gone = self.is_gone(session).await?;
        // Under the lock: whoever ends the session sees what is held, or this sees that it ended.
        let mut held = session.held();
        if gone || session.is_ended() {
            drop(held);
            // It ended while this was under way; whichever was written last, it stays ended.
            self.end_later(session)?;
            return Err(SessionError::Ended);
        }
        held.push(new.clone());
        Ok(new)
    }

    /// Whether another node ended the session meanwhile.
    async fn is_gone(&self, session: &SsoSession) -> Result<bool, SessionError> {
        if !self.store.is_shared() {
            return Ok(false);
        }
        Ok(self.store.session(&session.id_hash).await?.is_none_or(|row| row.has_lapsed()))
    }

    /// The session of a cookie also when its time is over, as long as it is known: for signing out.
    pub async fn find_any(&self, token: &str) -> Result<Option<Arc<SsoSession>>, SessionError> {
        Ok(self.load(&hash(token)).await?.filter(|session| !session.is_ended()))
    }

    /// The sessions in which a service provider knows a person by this name, also those whose time is over. Nobody but a
    /// logout asks.
    pub async fn named(&self, sp: &str, name: &str) -> Result<Vec<Arc<SsoSession>>, SessionError> {
        self.settle().await?;
        let generation = self.store.generation();
        let rows = self.store.sessions_named(&name_key(sp, name)).await?;
        let found = rows.into_iter().filter_map(|row| self.read(row, generation));
        let holds = |session: &Arc<SsoSession>| {
            session.held().iter().any(|held| held.sp == sp && held.is_named(name))
        };
        Ok(found.filter(|session| !session.is_ended() && holds(session)).collect())
    }

    /// Marks these sessions as over: nothing is issued in them any more. Returns those that were not ended before, with
    /// all that was issued in them; should two nodes end one at the same moment, both return it. Durable is that by [`Self::settle_ends`].
    pub async fn finish(&self, sessions: &[Arc<SsoSession>]) -> Result<Vec<Arc<SsoSession>>, SessionError> {
        let mut ended = Vec::new();
        if self.store.is_shared() {
            // From here on no other node issues anything in them; what it issued before is read below.
            let at_ms = self.clock.now().as_millisecond();
            let lapse =
                |session: &Arc<SsoSession>| Write::LapseSession { id_hash: session.id_hash.clone(), at_ms };
            self.store.commit(sessions.iter().map(lapse).collect()).await?;
        }
        for session in sessions {
            let newest = if self.store.is_shared() {
                // Gone: another node ended it, and tells whoever must hear of it.
                let Some(newest) = self.load(&session.id_hash).await? else { continue };
                newest
            } else {
                Arc::clone(session)
            };
            if session.finish() && newest.finish_with(session) {
                ended.push(newest);
            }
        }
        Ok(ended)
    }

    /// Writes the end of sessions that [`Self::finish`] marked, and everything deferred with it. Deferred first: that pins
    /// the sessions in the cache until it is durable, and it is written also when the caller goes away or this commit fails.
    pub async fn settle_ends(&self, ended: &[Arc<SsoSession>]) -> Result<(), SessionError> {
        let mut deferred = Ok(());
        for session in ended {
            deferred = deferred.and(self.end_later(session));
        }
        if !ended.is_empty() {
            self.settle().await?;
        }
        deferred
    }

    /// Both at once.
    pub async fn end_all(&self, sessions: &[Arc<SsoSession>]) -> Result<Vec<Arc<SsoSession>>, SessionError> {
        let ended = self.finish(sessions).await?;
        self.settle_ends(&ended).await?;
        Ok(ended)
    }

    /// Makes durable what waits for the next commit.
    pub async fn settle(&self) -> Result<(), SessionError> {
        Ok(self.store.commit(Vec::new()).await?)
    }

    /// The sessions of a person that may be used, the newest first.
    pub async fn of(&self, id: &SubjectId) -> Result<Vec<Arc<SsoSession>>, SessionError> {
        self.settle().await?;
        let generation = self.store.generation();
        let rows = self.store.sessions_of(&id.to_string()).await?;
        let found = rows.into_iter().filter_map(|row| self.read(row, generation));
        let (now, idle) = (self.clock.now(), self.options.idle);
        let mut found: Vec<_> =
            found.filter(|session| !session.is_ended() && session.is_in_time(now, idle)).collect();
        found.sort_by_key(|session| std::cmp::Reverse(session.created));
        Ok(found)
    }

    /// Ends sessions on purpose, durably: they open nothing any more, and what was issued in them is still known, so that a
    /// logout reaches it. A server that runs beside this process sees it within a second.
    pub async fn revoke(&self, sessions: &[Arc<SsoSession>]) -> Result<(), SessionError> {
        let revoke = |session: &Arc<SsoSession>| {
            session.lapse();
            Write::RevokeSession { id_hash: session.id_hash.clone() }
        };
        Ok(self.store.commit(sessions.iter().map(revoke).collect()).await?)
    }

    /// From the cache or the store, whatever its state.
    async fn load(&self, id_hash: &str) -> Result<Option<Arc<SsoSession>>, SessionError> {
        let generation = self.store.generation();
        if !self.store.is_shared()
            && let Some(session) = self.cache.find(id_hash, generation, |held| self.is_pinned(held))
        {
            return Ok(Some(session));
        }
        let row = self.store.session(id_hash).await?;
        Ok(row.and_then(|row| self.read(row, generation)))
    }

    /// A row that this version cannot read is as good as none: the person signs in anew.
    fn read(&self, row: SessionRow, generation: u64) -> Option<Arc<SsoSession>> {
        let bytes = weight(&row);
        match SsoSession::read(row) {
            Ok(session) if self.store.is_shared() => Some(Arc::new(session)),
            Ok(session) => Some(self.cache.hold(session, bytes, generation, |held| self.is_pinned(held))),
            Err(cause) => {
                tracing::warn!(error = %cause, "a session in the store cannot be read and is ignored");
                None
            }
        }
    }

    fn end_later(&self, session: &SsoSession) -> Result<(), SessionError> {
        self.pin_until(session, Write::EndSession { id_hash: session.id_hash.clone() })
    }

    /// Defers a write; until it is durable, the session stays in the cache.
    fn pin_until(&self, session: &SsoSession, write: Write) -> Result<(), SessionError> {
        let deferred = self.store.defer(write);
        // Never landing keeps it in the cache, where it is known to be over.
        session.ticket.store(*deferred.as_ref().unwrap_or(&u64::MAX), Ordering::Release);
        Ok(deferred.map(drop)?)
    }

    /// Whether the store does not know the truth about this session yet.
    fn is_pinned(&self, session: &SsoSession) -> bool {
        !self.store.landed(session.ticket.load(Ordering::Acquire))
    }
}

fn weight(row: &SessionRow) -> usize {
    row.body.len() + row.sp_sessions.iter().map(|sp| sp.body.len() + sp.sp.len()).sum::<usize>()
}

/// The name of a session in memory and store: whoever reads the store cannot make a cookie of it.
fn hash(token: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}
