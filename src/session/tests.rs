//! Sessions over a real store, with a clock that stands still.

use std::sync::Arc;

use super::cache::Bounds;
use super::*;
use crate::clock::{Clock, ManualClock, SeededIds, SignedDuration, Timestamp};
use crate::identity::{Attributes, AuthnContext, NameId, Subject, SubjectId};
use crate::store::tests::Lock;
use crate::store::{Store, Write};

struct Fixture {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    ids: Arc<SeededIds>,
    store: Store,
    sessions: Sessions,
}

impl Fixture {
    async fn new() -> Self {
        Self::bounded(Bounds::default()).await
    }

    async fn bounded(bounds: Bounds) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
        let ids = Arc::new(SeededIds::new(1));
        let store = Store::open(&url(&dir)).await.unwrap();
        let sessions = Sessions::bounded(store.clone(), clock.clone(), ids.clone(), options(), bounds);
        Self { dir, clock, ids, store, sessions }
    }

    /// As after a restart: another process with the same file.
    async fn reopened(&self) -> Sessions {
        let store = Store::open(&url(&self.dir)).await.unwrap();
        Sessions::new(store, self.clock.clone(), self.ids.clone(), options())
    }

    async fn start(&self, key: &str) -> (String, Arc<SsoSession>) {
        let context = AuthnContext(AuthnContext::PASSWORD.to_owned());
        let (token, session) = self.sessions.start(Beginning::new(subject(key), context)).await.unwrap();
        (token.expose().clone(), session)
    }

    async fn end(&self, token: &str) -> Result<Option<Arc<SsoSession>>, SessionError> {
        let Some(session) = self.sessions.find_any(token).await? else { return Ok(None) };
        Ok(self.sessions.end_all(&[session]).await?.pop())
    }

    fn advance(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }
}

fn url(dir: &tempfile::TempDir) -> String {
    format!("sqlite:{}", dir.path().join("s.db").display())
}

fn options() -> SessionOptions {
    SessionOptions { lifetime: SignedDuration::from_hours(8), idle: SignedDuration::from_hours(1) }
}

fn subject(key: &str) -> Subject {
    Subject {
        id: SubjectId { directory: "corp".into(), key: key.into() },
        login: key.into(),
        display_name: "田中 太郎".into(),
        dn: None,
        attributes: [("uid", vec!["tanaka"])].into_iter().collect::<Attributes>(),
        password_expires: None,
    }
}

fn name_id(value: &str) -> NameId {
    NameId { value: value.into(), format: "f".into(), name_qualifier: None, sp_name_qualifier: None }
}

#[tokio::test]
async fn a_session_survives_a_restart_with_everything_in_it() {
    let fixture = Fixture::new().await;
    let (token, session) = fixture.start("1").await;
    let sp_session = fixture.sessions.sp_session(&session, "https://sp", name_id("n")).await.unwrap();
    let again = fixture.reopened().await.find(&token).await.unwrap().unwrap();
    assert_eq!(again.subject, session.subject);
    assert_eq!((again.authn_instant, again.created), (session.authn_instant, session.created));
    assert_eq!(again.not_on_or_after, session.not_on_or_after);
    assert_eq!(again.sp_sessions(), [sp_session]);
    assert!(!session.id_hash.contains(&token) && session.id_hash.len() == 64);
    assert!(fixture.reopened().await.find("no such token").await.unwrap().is_none());
    assert!(fixture.reopened().await.find(&session.id_hash).await.unwrap().is_none());
}

#[tokio::test]
async fn an_assertion_without_a_name_has_its_session_too() {
    let fixture = Fixture::new().await;
    let (token, session) = fixture.start("1").await;
    let nameless = fixture.sessions.sp_session(&session, "https://sp", None).await.unwrap();
    let named = fixture.sessions.sp_session(&session, "https://sp", name_id("n")).await.unwrap();
    assert_ne!(nameless.session_index, named.session_index);
    assert_eq!(fixture.sessions.sp_session(&session, "https://sp", None).await.unwrap(), nameless);
    let again = fixture.reopened().await.find(&token).await.unwrap().unwrap();
    let held = again.sp_sessions();
    assert!(held.len() == 2 && held.contains(&nameless) && held.contains(&named), "{held:?}");
}

#[tokio::test]
async fn a_sign_in_and_its_assertion_are_one_transaction_and_a_repetition_is_none() {
    let fixture = Fixture::new().await;
    let before = fixture.store.transactions();
    let (token, session) = fixture.start("1").await;
    let first = fixture.sessions.sp_session(&session, "https://sp", name_id("n")).await.unwrap();
    assert_eq!(fixture.store.transactions(), before + 1);
    let session = fixture.sessions.find(&token).await.unwrap().unwrap();
    assert_eq!(fixture.sessions.sp_session(&session, "https://sp", name_id("n")).await.unwrap(), first);
    fixture.sessions.settle().await.unwrap();
    assert_eq!(fixture.store.transactions(), before + 1);
    let other = fixture.sessions.sp_session(&session, "https://sp", name_id("m")).await.unwrap();
    assert_ne!(other.session_index, first.session_index);
    assert_eq!(session.sp_sessions_at("https://sp"), [first, other]);
    assert!(session.sp_sessions_at("https://other").is_empty());
}

#[tokio::test]
async fn lifetime_ends_a_session_however_much_it_is_used() {
    let fixture = Fixture::new().await;
    let (token, _) = fixture.start("1").await;
    for _ in 0..15 {
        fixture.advance(31);
        assert!(fixture.sessions.find(&token).await.unwrap().is_some());
    }
    fixture.advance(15);
    assert!(fixture.sessions.find(&token).await.unwrap().is_none());
    fixture.advance(-60);
    assert!(fixture.sessions.find(&token).await.unwrap().is_none(), "what is over stays over");
    fixture.sessions.settle().await.unwrap();
    assert!(fixture.reopened().await.find(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn an_unused_session_ends_and_a_used_one_does_not() {
    let fixture = Fixture::new().await;
    let (unused, _) = fixture.start("1").await;
    let (used, _) = fixture.start("1").await;
    fixture.advance(40);
    assert!(fixture.sessions.find(&used).await.unwrap().is_some());
    fixture.advance(20);
    assert!(fixture.sessions.find(&unused).await.unwrap().is_none());
    fixture.sessions.settle().await.unwrap();
    let restarted = fixture.reopened().await;
    assert!(restarted.find(&used).await.unwrap().is_some(), "the use was written");
    assert!(restarted.find(&unused).await.unwrap().is_none());
}

#[tokio::test]
async fn uses_within_a_minute_are_not_written() {
    let fixture = Fixture::new().await;
    let (token, session) = fixture.start("1").await;
    fixture.sessions.settle().await.unwrap();
    let before = fixture.store.transactions();
    for _ in 0..5 {
        fixture.clock.advance(SignedDuration::from_secs(11));
        fixture.sessions.find(&token).await.unwrap().unwrap();
    }
    fixture.sessions.settle().await.unwrap();
    assert_eq!(fixture.store.transactions(), before);
    assert_eq!(session.last_used(), session.created + SignedDuration::from_secs(55));
    fixture.clock.advance(SignedDuration::from_secs(5));
    fixture.sessions.find(&token).await.unwrap().unwrap();
    fixture.sessions.settle().await.unwrap();
    assert_eq!(fixture.store.transactions(), before + 1);
}

#[tokio::test]
async fn an_ended_session_is_dead_everywhere() {
    let fixture = Fixture::new().await;
    let (token, session) = fixture.start("1").await;
    let ended = fixture.end(&token).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&ended, &session) && session.is_ended());
    assert!(fixture.sessions.find(&token).await.unwrap().is_none());
    assert!(fixture.end(&token).await.unwrap().is_none());
    let late = fixture.sessions.sp_session(&session, "https://sp", name_id("n")).await;
    assert!(matches!(late, Err(SessionError::Ended)));
    assert!(fixture.reopened().await.find(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn an_end_that_cannot_be_written_holds_and_is_written_later() {
    let fixture = Fixture::new().await;
    let (token, _) = fixture.start("1").await;
    fixture.sessions.settle().await.unwrap();
    let lock = Lock::take(&url(&fixture.dir)).await;
    assert!(matches!(fixture.end(&token).await, Err(SessionError::Store(_))));
    assert!(fixture.sessions.find(&token).await.unwrap().is_none());
    lock.release().await;
    fixture.sessions.settle().await.unwrap();
    assert!(fixture.reopened().await.find(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn no_sp_session_is_given_that_is_not_recorded() {
    let fixture = Fixture::new().await;
    let (token, session) = fixture.start("1").await;
    let lock = Lock::take(&url(&fixture.dir)).await;
    let refused = fixture.sessions.sp_session(&session, "https://sp", name_id("n")).await;
    assert!(matches!(refused, Err(SessionError::Store(_))));
    assert!(session.sp_sessions().is_empty());
    lock.release().await;
    fixture.sessions.sp_session(&session, "https://sp", name_id("n")).await.unwrap();
    assert!(
        fixture.reopened().await.find(&token).await.unwrap().is_some(),
        "the deferred session came along"
    );
}

#[tokio::test]
async fn the_sessions_of_a_person_are_found_and_end_together() {
    let fixture = Fixture::new().await;
    let (one, session) = fixture.start("1").await;
    let (two, _) = fixture.start("1").await;
    let (three, _) = fixture.start("1").await;
    let (other, _) = fixture.start("2").await;
    let mut others = fixture.sessions.of(&session.subject.id).await.unwrap();
    assert_eq!(others.len(), 3);
    others.retain(|held| held.id_hash != session.id_hash);
    assert_eq!(fixture.sessions.end_all(&others).await.unwrap().len(), 2);
    for (token, alive) in [(&one, true), (&two, false), (&three, false), (&other, true)] {
        assert_eq!(fixture.sessions.find(token).await.unwrap().is_some(), alive);
        assert_eq!(fixture.reopened().await.find(token).await.unwrap().is_some(), alive);
    }
    assert_eq!(fixture.sessions.of(&session.subject.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_evicted_comes_back_from_the_store() {
    let fixture = Fixture::bounded(Bounds { sessions: 20, bytes: 1 << 20 }).await;
    let mut tokens = Vec::new();
    for n in 0..100 {
        tokens.push(fixture.start(&n.to_string()).await.0);
        fixture.sessions.settle().await.unwrap();
    }
    assert!(fixture.sessions.cache.len() <= 20);
    for (n, token) in tokens.iter().enumerate() {
        let session = fixture.sessions.find(token).await.unwrap().unwrap();
        assert_eq!(session.subject.id.key, n.to_string());
    }
    assert!(fixture.sessions.cache.len() <= 20);
}

#[tokio::test]
async fn an_end_that_is_being_written_cannot_be_missed_by_evicting_it() {
    let fixture = Fixture::bounded(Bounds { sessions: 2, bytes: usize::MAX }).await;
    let mut tokens = Vec::new();
    for key in ["1", "2", "3", "4"] {
        tokens.push(fixture.start(key).await.0);
        fixture.sessions.settle().await.unwrap();
    }
    let sessions = &fixture.sessions;
    assert!(sessions.find(&tokens[0]).await.unwrap().is_some());
    let lock = Lock::take(&url(&fixture.dir)).await;
    let meanwhile = async {
        for token in tokens.iter().skip(1).cycle().take(9) {
            assert!(sessions.find(token).await.unwrap().is_some());
        }
        let found = sessions.find(&tokens[0]).await.unwrap();
        lock.release().await;
        found
    };
    let (ended, found) = tokio::join!(fixture.end(&tokens[0]), meanwhile);
    assert!(ended.unwrap().is_some() && found.is_none());
    assert!(sessions.find(&tokens[0]).await.unwrap().is_none());
}

#[tokio::test]
async fn weight_bounds_the_cache_but_nothing_unwritten_is_evicted() {
    let fixture = Fixture::bounded(Bounds { sessions: 1000, bytes: 10_000 }).await;
    let lock = Lock::take(&url(&fixture.dir)).await;
    let mut tokens = Vec::new();
    for n in 0..30 {
        tokens.push(fixture.start(&n.to_string()).await.0);
    }
    for token in &tokens {
        assert!(fixture.sessions.find(token).await.unwrap().is_some());
    }
    lock.release().await;
    fixture.sessions.settle().await.unwrap();
    fixture.start("last").await;
    assert!(fixture.sessions.cache.len() <= 10);
}

#[tokio::test]
async fn another_process_can_end_a_session() {
    let fixture = Fixture::new().await;
    let (token, session) = fixture.start("1").await;
    fixture.sessions.settle().await.unwrap();
    let command = Store::open(&url(&fixture.dir)).await.unwrap();
    command.commit(vec![Write::EndSession { id_hash: session.id_hash.clone() }]).await.unwrap();
    while fixture.sessions.find(&token).await.unwrap().is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_was_taken_over_is_signed_out_and_never_issued_again_also_after_a_restart() {
    let fixture = Fixture::new().await;
    let (_, earlier) = fixture.start("1").await;
    let mut issued = Vec::new();
    for _ in 0..5 {
        fixture.advance(1);
        let context = AuthnContext(AuthnContext::PASSWORD.to_owned());
        let before = issued.last().unwrap_or(&earlier);
        let (_, anew) =
            fixture.sessions.start_after(Beginning::new(subject("1"), context), Some(before)).await.unwrap();
        fixture.sessions.sp_session(&anew, "https://sp", name_id("n")).await.unwrap();
        issued.push(anew);
    }
    let context = AuthnContext(AuthnContext::PASSWORD.to_owned());
    fixture.advance(1);
    let (token, _) = fixture
        .sessions
        .start_after(Beginning::new(subject("1"), context), issued.last().map(|s| &**s))
        .await
        .unwrap();
    fixture.sessions.settle().await.unwrap();
    let reopened = fixture.reopened().await;
    let again = reopened.find(token.expose()).await.unwrap().unwrap();
    let held = again.sp_sessions();
    let newest: Vec<_> =
        issued.iter().rev().take(3).rev().map(|one| one.sp_sessions().pop().unwrap()).collect();
    assert_eq!(held, newest, "the newest few, the oldest of them first");
    let new = reopened.sp_session(&again, "https://sp", name_id("n")).await.unwrap();
    assert!(!held.contains(&new));
}

#[tokio::test]
async fn a_session_that_lapsed_stays_so_whatever_another_node_writes_late() {
    let fixture = Fixture::new().await;
    let (token, session) = fixture.start("1").await;
    let id_hash = session.id_hash.clone();
    let at_ms = fixture.clock.now().as_millisecond();
    fixture.store.commit(vec![Write::LapseSession { id_hash: id_hash.clone(), at_ms }]).await.unwrap();
    fixture.store.commit(vec![Write::TouchSession { id_hash, last_used_ms: at_ms + 1 }]).await.unwrap();
    let reopened = fixture.reopened().await;
    assert!(reopened.find(&token).await.unwrap().is_none());
    assert!(reopened.find_any(&token).await.unwrap().is_some());
}
