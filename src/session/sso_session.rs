//! [`SsoSession`] and [`SpSession`], and how they are written into rows and read again.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SessionError;
use crate::clock::{SignedDuration, Timestamp};
use crate::identity::{AuthnContext, NameId, Subject};
use crate::store::{SessionRow, SpSessionRow};

/// How old the written time of last use may become.
const TOUCH_MS: i64 = 60_000;
/// The most SP sessions that a session takes over from an earlier one, and those of them that are of one name at one SP.
const INHERITED: usize = 200;
const INHERITED_ALIKE: usize = 3;
/// The most SP sessions of one session.
pub(super) const SP_SESSIONS: usize = 1000;

/// The browser or program that a session began with, for the person to tell their sessions apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Where it was.
    pub address: IpAddr,
    /// What it called itself (User-Agent), cut to 256 characters.
    pub agent: String,
}

/// What a session begins with.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// Who has just proved who they are.
    pub subject: Subject,
    /// How.
    pub context: AuthnContext,
    /// Where.
    pub client: Option<Client>,
    /// Whether it was the machine that proved it, by a ticket, and the person did nothing.
    pub silent: bool,
}

/// A person's session at this identity provider.
#[derive(Debug)]
pub struct SsoSession {
    /// SHA-256 of the cookie token, in hexadecimal.
    pub id_hash: String,
    /// Who.
    pub subject: Subject,
    /// When the person proved who they are.
    pub authn_instant: Timestamp,
    /// How.
    pub context: AuthnContext,
    /// Where.
    pub client: Option<Client>,
    /// Whether it was the machine that proved it, by a ticket, and the person did nothing.
    pub silent: bool,
    /// When the session began.
    pub created: Timestamp,
    /// When its lifetime ends.
    pub not_on_or_after: Timestamp,
    last_used_ms: AtomicI64,
    written_ms: AtomicI64,
    ended: AtomicBool,
    lapsed: AtomicBool,
    /// The ticket of the newest deferred write on which the truth of this session hangs.
    pub(super) ticket: AtomicU64,
    sp_sessions: Mutex<Vec<SpSession>>,
}

/// What was issued in a session for one service provider under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpSession {
    /// The entityID of the service provider.
    pub sp: String,
    /// The SessionIndex of its assertions (saml-core 2.7.2).
    pub session_index: String,
    /// The name that it knows the person by; none where the assertion had no NameID.
    pub name_id: Option<NameId>,
    /// When it was issued: before its session began, if that took it over from an earlier one.
    pub(super) issued: Timestamp,
}

#[derive(Serialize)]
struct BodyRef<'a> {
    subject: &'a Subject,
    authn_instant: Timestamp,
    context: &'a AuthnContext,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: &'a Option<Client>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    silent: bool,
}

#[derive(Deserialize)]
struct Body {
    subject: Subject,
    authn_instant: Timestamp,
    context: AuthnContext,
    #[serde(default)]
    client: Option<Client>,
    #[serde(default)]
    silent: bool,
}

impl Beginning {
    /// By the person's own doing, nowhere in particular.
    pub fn new(subject: Subject, context: AuthnContext) -> Self {
        Self { subject, context, client: None, silent: false }
    }
}

impl SsoSession {
    /// A session that begins `now`.
    pub(super) fn begin(
        id_hash: String,
        Beginning { subject, context, client, silent }: Beginning,
        now: Timestamp,
        lifetime: SignedDuration,
    ) -> Self {
        let created_ms = now.as_millisecond();
        let expires_ms = created_ms.saturating_add(i64::try_from(lifetime.as_millis()).unwrap_or(0));
        Self {
            id_hash,
            subject,
            authn_instant: now,
            context,
            client,
            silent,
            created: instant(created_ms),
            not_on_or_after: instant(expires_ms),
            last_used_ms: AtomicI64::new(created_ms),
            written_ms: AtomicI64::new(created_ms),
            ended: AtomicBool::new(false),
            lapsed: AtomicBool::new(false),
            ticket: AtomicU64::new(0),
            sp_sessions: Mutex::default(),
        }
    }

    /// The session with what an earlier one of the same person issued: to be signed out with it, and not to be issued again.
    /// Of one name at one service provider the newest few are enough: older ones are long over there, and a LogoutRequest
    /// must fit into an address.
    pub(super) fn after(self, earlier: &Self) -> Self {
        let mut kept: Vec<SpSession> = Vec::new();
        for held in earlier.sp_sessions().into_iter().rev() {
            let alike = kept.iter().filter(|one| one.sp == held.sp && one.name_id == held.name_id).count();
            if alike < INHERITED_ALIKE && kept.len() < INHERITED {
                kept.push(held);
            }
        }
        kept.reverse();
        Self { sp_sessions: Mutex::new(kept), ..self }
    }

    /// Reads a session from its row.
    pub(super) fn read(row: SessionRow) -> Result<Self, serde_json::Error> {
        let body: Body = serde_json::from_str(&row.body)?;
        let read = |sp: SpSessionRow| {
            let name_id = serde_json::from_str(&sp.body)?;
            let issued = instant(sp.issued_ms);
            Ok(SpSession { sp: sp.sp, session_index: sp.session_index, name_id, issued })
        };
        let lapsed = row.has_lapsed();
        let sp_sessions = row.sp_sessions.into_iter().map(read).collect::<Result<_, serde_json::Error>>()?;
        Ok(Self {
            id_hash: row.id_hash,
            subject: body.subject,
            authn_instant: body.authn_instant,
            context: body.context,
            client: body.client,
            silent: body.silent,
            created: instant(row.created_ms),
            not_on_or_after: instant(row.expires_ms),
            last_used_ms: AtomicI64::new(row.last_used_ms),
            written_ms: AtomicI64::new(row.last_used_ms),
            ended: AtomicBool::new(false),
            lapsed: AtomicBool::new(lapsed),
            ticket: AtomicU64::new(0),
            sp_sessions: Mutex::new(sp_sessions),
        })
    }

    /// The row of the session as it is.
    pub(super) fn row(&self) -> Result<SessionRow, SessionError> {
        let Self { subject, authn_instant, context, client, silent, .. } = self;
        let body = BodyRef { subject, authn_instant: *authn_instant, context, client, silent: *silent };
        Ok(SessionRow {
            id_hash: self.id_hash.clone(),
            subject: self.subject.id.to_string(),
            body: serde_json::to_string(&body)?,
            created_ms: self.created.as_millisecond(),
            last_used_ms: self.last_used_ms.load(Ordering::Relaxed),
            expires_ms: self.not_on_or_after.as_millisecond(),
            sp_sessions: self.held().iter().map(|held| held.row(self)).collect::<Result<_, _>>()?,
        })
    }

    /// What was issued in this session, the oldest first.
    pub fn sp_sessions(&self) -> Vec<SpSession> {
        self.held().clone()
    }

    /// What was issued to this service provider, the oldest first: a transient NameID is taken from here when there is
    /// one already.
    pub fn sp_sessions_at(&self, sp: &str) -> Vec<SpSession> {
        self.held().iter().filter(|held| held.sp == sp).cloned().collect()
    }

    /// What this session issued to a service provider under this name; what it took over does not count.
    pub(super) fn issued(&self, sp: &str, name_id: Option<&NameId>) -> Option<SpSession> {
        let held = self.held();
        let mut own = held.iter().filter(|held| held.issued >= self.created);
        own.find(|held| held.sp == sp && held.name_id.as_ref() == name_id).cloned()
    }

    /// When the session was last used.
    pub fn last_used(&self) -> Timestamp {
        instant(self.last_used_ms.load(Ordering::Relaxed))
    }

    /// Whether the session is over for good.
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Whether [`Sessions::revoke`](super::Sessions::revoke) ended it: no lifetime is nothing long.
    pub fn is_revoked(&self) -> bool {
        self.not_on_or_after <= self.created
    }

    /// Whether lifetime and idle time allow its use. Once they did not, a clock that is set back changes nothing.
    pub(super) fn is_in_time(&self, now: Timestamp, idle: SignedDuration) -> bool {
        let in_time = now < self.not_on_or_after && now.duration_since(self.last_used()) < idle;
        in_time && !self.lapsed.load(Ordering::Acquire)
    }

    /// Notes that the time of the session is over; true for the caller who did it.
    pub(super) fn lapse(&self) -> bool {
        !self.lapsed.swap(true, Ordering::AcqRel)
    }

    /// Marks the session as ended; true for the caller who did it.
    pub(super) fn finish(&self) -> bool {
        !self.ended.swap(true, Ordering::AcqRel)
    }

    /// The same for another copy of a session that was just marked; the copy itself is no second one.
    pub(super) fn finish_with(self: &Arc<Self>, marked: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, marked) || self.finish()
    }

    /// Notes a use; true when that should be written.
    pub(super) fn touch(&self, now: Timestamp) -> bool {
        let now_ms = now.as_millisecond();
        self.last_used_ms.fetch_max(now_ms, Ordering::Relaxed);
        let written = self.written_ms.load(Ordering::Relaxed);
        let exchange =
            |old, new| self.written_ms.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
        now_ms.saturating_sub(written) >= TOUCH_MS && exchange(written, now_ms).is_ok()
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Vec<SpSession>> {
        self.sp_sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpSession {
    /// Whether the service provider knows the person by this NameID.
    pub fn is_named(&self, value: &str) -> bool {
        self.name_id.as_ref().is_some_and(|name| name.value == value)
    }

    pub(super) fn row(&self, session: &SsoSession) -> Result<SpSessionRow, SessionError> {
        Ok(SpSessionRow {
            id_hash: session.id_hash.clone(),
            sp: self.sp.clone(),
            session_index: self.session_index.clone(),
            name_key: self.name_id.as_ref().map(|name| name_key(&self.sp, &name.value)).unwrap_or_default(),
            body: serde_json::to_string(&self.name_id)?,
            issued_ms: self.issued.as_millisecond(),
        })
    }
}

/// Finds the sessions in which a service provider got this NameID.
pub(super) fn name_key(sp: &str, value: &str) -> String {
    let digest = Sha256::digest(format!("{}:{sp}{value}", sp.len()).as_bytes());
    data_encoding::BASE64URL_NOPAD.encode(digest.get(..18).unwrap_or(&digest))
}

/// Times outside jiff's years 1 to 9999 do not occur; should one, the session is over.
fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}
