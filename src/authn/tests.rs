//! Signing in against directories that say what a test tells them to.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::audit::Event;
use crate::audit::memory::Memory;
use crate::clock::{ManualClock, SignedDuration, Timestamp};
use crate::directory::{Candidate, Directory, DirectoryError, Login, Lookup, Reason, Verdict};
use crate::identity::{Attributes, Subject, SubjectId};
use crate::secret::Secret;
use crate::store::Store;
use crate::store::tests::Lock;

const HOME: &str = "10.0.0.1";
const AWAY: &str = "192.0.2.7";

/// Knows `tanaka` in any case, whose password is `right`; `verdict:X` as password gives the reason of that name. While
/// it is `mute`, binds arrive and are not answered; while it is `down`, nothing arrives.
#[derive(Debug, Default)]
struct Fake {
    name: &'static str,
    is_empty: bool,
    ambiguous: bool,
    barred: Option<Reason>,
    down: AtomicBool,
    mute: AtomicBool,
    finds: AtomicU32,
    binds: AtomicU32,
    bind_takes: Duration,
}

impl Fake {
    fn corp() -> Self {
        Self { name: "corp", ..Self::default() }
    }

    fn binds(&self) -> u32 {
        self.binds.load(Ordering::SeqCst)
    }

    fn finds(&self) -> u32 {
        self.finds.load(Ordering::SeqCst)
    }

    fn answers(&self) -> Result<(), DirectoryError> {
        let (directory, cause) = (self.name.to_owned(), "gone".to_owned());
        if self.down.load(Ordering::SeqCst) {
            return Err(DirectoryError::Unreachable { directory, cause });
        }
        Ok(())
    }

    fn subject(&self) -> Subject {
        Subject {
            id: SubjectId { directory: self.name.into(), key: "guid-1".into() },
            login: "tanaka".into(),
            display_name: "田中".into(),
            dn: None,
            attributes: Attributes::new(),
        }
    }
}

#[async_trait]
impl Directory for Fake {
    fn name(&self) -> &str {
        self.name
    }

    async fn find(&self, login: &Login) -> Result<Lookup, DirectoryError> {
        self.answers()?;
        self.finds.fetch_add(1, Ordering::SeqCst);
        if self.is_empty || !login.as_str().eq_ignore_ascii_case("tanaka") {
            return Ok(Lookup::Unknown);
        }
        if self.ambiguous {
            return Ok(Lookup::Ambiguous);
        }
        let (throttle_key, bind_name) = (self.subject().id.to_string(), "cn=tanaka".to_owned());
        let (subject, barred) = (Some(self.subject()), self.barred);
        Ok(Lookup::Found(Box::new(Candidate { throttle_key, bind_name, subject, barred })))
    }

    async fn verify(&self, _: &Candidate, password: &Secret<String>) -> Result<Verdict, DirectoryError> {
        self.answers()?;
        self.binds.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.bind_takes).await;
        if self.mute.load(Ordering::SeqCst) {
            let (directory, cause) = (self.name.to_owned(), "silence".to_owned());
            return Err(DirectoryError::Unanswered { directory, cause });
        }
        Ok(match password.expose().as_str() {
            "right" => Verdict::Accepted(Box::new(self.subject())),
            "verdict:locked" => Verdict::Denied(Reason::Locked),
            "verdict:expired" => Verdict::Denied(Reason::PasswordExpired),
            _ => Verdict::Denied(Reason::WrongPassword),
        })
    }

    async fn read(&self, _: &SubjectId) -> Result<Option<Subject>, DirectoryError> {
        Ok(None)
    }

    async fn groups(&self, _: &Subject) -> Result<Vec<String>, DirectoryError> {
        Ok(vec![])
    }

    async fn probe(&self) -> Result<(), DirectoryError> {
        self.answers()
    }
}

struct Fixture {
    dir: tempfile::TempDir,
    store: Store,
    audit: Arc<Memory>,
    clock: Arc<ManualClock>,
    sign_in: PasswordSignIn,
    first: Arc<Fake>,
}

impl Fixture {
    async fn new(fakes: Vec<Fake>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&url(&dir)).await.unwrap();
        let audit = Arc::new(Memory::default());
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
        let fakes: Vec<_> = fakes.into_iter().map(Arc::new).collect();
        let first = fakes[0].clone();
        let directories: Vec<_> = fakes.into_iter().map(|fake| fake as Arc<dyn Directory>).collect();
        let sign_in =
            PasswordSignIn::new(directories, store.clone(), audit.clone(), clock.clone(), throttle());
        Self { dir, store, audit, clock, sign_in, first }
    }

    /// As after a restart: nothing is left but the file.
    async fn restarted(self) -> Self {
        let store = Store::open(&url(&self.dir)).await.unwrap();
        let directories = self.sign_in.directories().to_vec();
        let (audit, clock) = (self.audit.clone(), self.clock.clone());
        let sign_in = PasswordSignIn::new(directories, store.clone(), audit, clock, throttle());
        Self { store, sign_in, ..self }
    }

    async fn attempt(&self, login: &str, password: &str, address: &str) -> Result<Answer, AuthnError> {
        let (password, address) = (Secret::new(password.to_owned()), address.parse::<IpAddr>().unwrap());
        self.sign_in.sign_in(Attempt { login, password, address, request_id: "R1" }).await
    }

    /// The refusal, or `None` for a sign-in.
    async fn try_in(&self, login: &str, password: &str, address: &str) -> Option<Refusal> {
        match self.attempt(login, password, address).await.unwrap() {
            Answer::SignedIn(subject) => {
                assert_eq!(subject.id.key, "guid-1");
                None
            }
            Answer::Refused(refusal) => Some(refusal),
        }
    }

    fn reasons(&self) -> Vec<String> {
        let reason = |event| match event {
            Event::SignedIn { .. } => "signed_in".to_owned(),
            Event::SignInRefused { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        self.audit.records().into_iter().map(|record| reason(record.event)).collect()
    }
}

fn throttle() -> ThrottleOptions {
    ThrottleOptions { account_tries: 4, address_tries: 10, window: SignedDuration::from_mins(30) }
}

fn url(dir: &tempfile::TempDir) -> String {
    format!("sqlite:{}", dir.path().join("s.db").display())
}

const WRONG: Option<Refusal> = Some(Refusal::WrongCredentials);
const THROTTLED: Option<Refusal> = Some(Refusal::Throttled);

#[tokio::test]
async fn the_right_password_signs_in_and_is_audited() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("TANAKA", "right", HOME).await, None);
    let record = fixture.audit.records().remove(0);
    assert_eq!((record.request_id.as_str(), record.client_address), ("R1", HOME.parse().ok()));
    let Event::SignedIn { subject, login, .. } = record.event else { panic!() };
    assert_eq!((subject.as_str(), login.as_str()), ("corp/guid-1", "tanaka"), "as the entry spells it");
}

#[tokio::test]
async fn unknown_ambiguous_and_wrong_look_the_same_and_are_told_apart_in_the_audit() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("nobody", "x", HOME).await, WRONG);
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
    assert_eq!(fixture.try_in("a\nb", "x", HOME).await, WRONG);
    assert_eq!(fixture.reasons(), ["unknown", "wrong_password", "invalid_login"]);
    let Event::SignInRefused { login, .. } = &fixture.audit.records()[2].event else { panic!() };
    assert_eq!(login, "a\\u{a}b");
    let fixture = Fixture::new(vec![Fake { ambiguous: true, ..Fake::corp() }]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, WRONG);
    assert_eq!((fixture.reasons(), fixture.first.binds()), (vec!["ambiguous".to_owned()], 0));
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_bind() {
    let takes = Duration::from_millis(80);
    let fixture = Fixture::new(vec![Fake { bind_takes: takes, ..Fake::corp() }]).await;
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
    let begun = std::time::Instant::now();
    assert_eq!(fixture.try_in("nobody", "x", HOME).await, WRONG);
    assert!(begun.elapsed() >= takes);
    assert_eq!(fixture.first.binds(), 1, "no bind against another account");
}

#[tokio::test]
async fn no_password_is_never_sent() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for password in ["", "  ", "right\0"] {
        assert_eq!(fixture.try_in("tanaka", password, HOME).await, WRONG);
    }
    assert_eq!(fixture.first.binds(), 0);
}

#[tokio::test]
async fn what_the_directory_says_of_the_account_is_told_when_it_was_said_by_a_bind() {
    let fixture = Fixture::new(vec![Fake { barred: Some(Reason::Disabled), ..Fake::corp() }]).await;
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG, "a barred account is no news to a stranger");
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, Some(Refusal::Disabled));
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for _ in 0..9 {
        assert_eq!(fixture.try_in("tanaka", "verdict:expired", HOME).await, Some(Refusal::PasswordExpired));
    }
    assert_eq!(fixture.try_in("tanaka", "verdict:locked", HOME).await, Some(Refusal::Locked));
    assert_eq!(fixture.reasons().last().unwrap(), "locked");
}

#[tokio::test]
async fn directories_are_asked_in_order_and_a_silent_one_ends_the_search() {
    let empty = || Fake { name: "local", is_empty: true, ..Fake::default() };
    let fixture = Fixture::new(vec![empty(), Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.first.down.store(true, Ordering::SeqCst);
    let error = fixture.attempt("tanaka", "right", HOME).await.unwrap_err();
    assert!(matches!(error, AuthnError::Directory(DirectoryError::Unreachable { .. })));
    assert_eq!(fixture.reasons().last().unwrap(), "directory_unavailable");
    // Break-glass accounts are found before the silent directory is asked.
    let down = Fake { down: AtomicBool::new(true), ..Fake::corp() };
    let fixture = Fixture::new(vec![Fake { name: "local", ..Fake::default() }, down]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    // A name that is found is not tried in the next directory.
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
}

#[tokio::test]
async fn without_an_audit_record_there_is_no_answer() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    fixture.audit.break_down(true);
    for password in ["right", "wrong"] {
        let error = fixture.attempt("tanaka", password, HOME).await.unwrap_err();
        assert!(matches!(error, AuthnError::Audit(_)));
    }
}

#[tokio::test]
async fn three_wrong_tries_of_strangers_reach_the_directory_until_the_window_has_passed() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for login in ["tanaka", "Tanaka", "TANAKA "] {
        assert_eq!(fixture.try_in(login, "x", AWAY).await, WRONG);
    }
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.first.binds(), 3);
    let restarted = fixture.restarted().await;
    assert_eq!(restarted.try_in("tanaka", "right", HOME).await, THROTTLED);
    restarted.clock.advance(SignedDuration::from_mins(31));
    assert_eq!(restarted.try_in("tanaka", "right", AWAY).await, None);
}

/// Else the number of tries would tell which names exist, and who signed in here before.
#[tokio::test]
async fn strangers_have_as_many_tries_for_unknown_names_as_for_known_ones() {
    let (unused, used) = (Fixture::new(vec![Fake::corp()]).await, Fixture::new(vec![Fake::corp()]).await);
    assert_eq!(used.try_in("tanaka", "right", HOME).await, None);
    used.store.commit(vec![]).await.unwrap();
    for (fixture, logins) in
        [(&unused, ["tanaka"; 3]), (&used, ["tanaka"; 3]), (&used, ["nobody", "NOBODY", "ｎｏｂｏｄｙ"])]
    {
        for login in logins {
            assert_eq!(fixture.try_in(login, "x", AWAY).await, WRONG, "{login}");
        }
        assert_eq!(fixture.try_in(logins[0], "x", "192.0.2.99").await, THROTTLED, "{logins:?}");
    }
    assert_eq!(used.try_in("somebody", "x", AWAY).await, WRONG);
}

#[tokio::test]
async fn a_success_clears_the_account_but_not_the_address() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for wrong in [2, 3, 3] {
        for _ in 0..wrong {
            assert_eq!(fixture.try_in("tanaka", "x", AWAY).await, WRONG);
        }
        assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, None);
        fixture.store.commit(vec![]).await.unwrap();
    }
    assert_eq!(fixture.try_in("anybody", "x", AWAY).await, WRONG);
    assert_eq!(fixture.try_in("nobody", "x", AWAY).await, WRONG);
    assert_eq!(fixture.try_in("somebody", "x", AWAY).await, THROTTLED, "ten tries from this address");
    assert_eq!(fixture.try_in("somebody", "x", HOME).await, WRONG);
}

#[tokio::test]
async fn sixty_four_tries_at_once_pass_as_three() {
    let fixture = Fixture::new(vec![Fake { bind_takes: Duration::from_millis(5), ..Fake::corp() }]).await;
    let tries: Vec<_> = (0..64)
        .map(|n| {
            let (sign_in, address) = (fixture.sign_in.clone(), IpAddr::from([192, 0, 2, n]));
            tokio::spawn(async move {
                let password = Secret::new("x".to_owned());
                sign_in
                    .sign_in(Attempt { login: "tanaka", password, address, request_id: "R" })
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut wrong = 0;
    for done in tries {
        wrong += u32::from(matches!(done.await.unwrap(), Answer::Refused(Refusal::WrongCredentials)));
    }
    assert_eq!((fixture.first.binds(), wrong), (3, 3));
}

#[tokio::test]
async fn sixteen_devices_of_one_person_sign_in_at_once() {
    let fixture = Fixture::new(vec![Fake { bind_takes: Duration::from_millis(5), ..Fake::corp() }]).await;
    let mut tries = tokio::task::JoinSet::new();
    for device in 0..16 {
        let (sign_in, address) = (fixture.sign_in.clone(), IpAddr::from([192, 0, 2, device]));
        tries.spawn(async move {
            let password = Secret::new("right".to_owned());
            sign_in.sign_in(Attempt { login: "tanaka", password, address, request_id: "R" }).await
        });
    }
    for answer in tries.join_all().await {
        assert!(matches!(answer.unwrap(), Answer::SignedIn(_)));
    }
}

#[tokio::test]
async fn strangers_cannot_lock_out_an_address_that_signed_the_person_in() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    for n in 1..=20 {
        fixture.try_in("tanaka", "x", &format!("192.0.2.{n}")).await;
    }
    assert_eq!(fixture.first.binds(), 1 + 3, "one of the four is kept");
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    // Wrong ones from there are among the four.
    for _ in 0..9 {
        fixture.try_in("tanaka", "x", HOME).await;
    }
    assert_eq!(fixture.first.binds(), 1 + 3 + 1 + 4);
}

#[tokio::test]
async fn an_exhausted_address_still_signs_in_whom_it_knows_with_one_try_each() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    for n in 0..10 {
        assert_eq!(fixture.try_in(&format!("nobody{n}"), "x", HOME).await, WRONG);
    }
    assert_eq!(fixture.try_in("nobody", "x", HOME).await, THROTTLED);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, THROTTLED);
}

#[tokio::test]
async fn tries_that_cannot_be_written_count_in_memory() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    let lock = Lock::take(&url(&fixture.dir)).await;
    let tries = (0..6).map(|_| fixture.attempt("tanaka", "x", AWAY));
    for answer in futures_util::future::join_all(tries).await {
        assert!(matches!(answer, Err(AuthnError::Store(_)) | Ok(Answer::Refused(Refusal::Throttled))));
    }
    assert_eq!(fixture.first.binds(), 3);
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    lock.release().await;
}

/// The directory may have counted them.
#[tokio::test]
async fn binds_without_an_answer_count_and_failures_before_a_bind_do_not() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    fixture.first.down.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        let error = fixture.attempt("tanaka", "x", AWAY).await.unwrap_err();
        assert!(matches!(error, AuthnError::Directory(DirectoryError::Unreachable { .. })));
    }
    fixture.first.down.store(false, Ordering::SeqCst);
    fixture.first.mute.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = fixture.attempt("tanaka", "right", AWAY).await.unwrap_err();
        assert!(matches!(error, AuthnError::Directory(DirectoryError::Unanswered { .. })));
        assert_eq!(fixture.reasons().last().unwrap(), "directory_unavailable");
    }
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.first.binds(), 3);
    // Three of the ten of the address.
    let restarted = fixture.restarted().await;
    assert_eq!(restarted.try_in("tanaka", "right", HOME).await, THROTTLED);
    for n in 0..7 {
        assert_eq!(restarted.try_in(&format!("nobody{n}"), "x", AWAY).await, WRONG);
    }
    assert_eq!(restarted.try_in("nobody", "x", AWAY).await, THROTTLED);
}

/// The store cannot be written to: the directory's fault is still what is told, and the try counts in memory.
#[tokio::test]
async fn a_bind_without_an_answer_that_cannot_be_written_counts_in_memory() {
    let fixture = Fixture::new(vec![Fake { mute: AtomicBool::new(true), ..Fake::corp() }]).await;
    let lock = Lock::take(&url(&fixture.dir)).await;
    let tries = (0..6).map(|_| fixture.attempt("tanaka", "x", AWAY));
    for answer in futures_util::future::join_all(tries).await {
        assert!(matches!(answer, Err(AuthnError::Directory(_)) | Ok(Answer::Refused(Refusal::Throttled))));
    }
    assert_eq!(fixture.first.binds(), 3);
    lock.release().await;
}

#[tokio::test]
async fn a_caller_who_goes_away_is_counted_all_the_same() {
    let fixture = Fixture::new(vec![Fake { bind_takes: Duration::from_millis(20), ..Fake::corp() }]).await;
    for n in 1..=3 {
        tokio::select! {
            biased;
            _ = fixture.attempt("tanaka", "x", AWAY) => panic!("a bind takes longer than nothing"),
            () = std::future::ready(()) => {}
        }
        while fixture.audit.records().len() < n {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.first.binds(), 3);
}
