//! Signing in against directories that say what a test tells them to.

mod integrated;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::audit::Event;
use crate::audit::memory::Memory;
use crate::clock::{ManualClock, SignedDuration, Timestamp};
use crate::directory::{
    Candidate, Directory, DirectoryError, Lockout, Login, Lookup, Reason, Standing, Verdict,
};
use crate::identity::{Attributes, Found, Question, Subject, SubjectId};
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
    /// Who is known instead of `tanaka`.
    other: Option<&'static str>,
    is_empty: bool,
    ambiguous: bool,
    barred: Option<Reason>,
    dn: Option<&'static str>,
    down: AtomicBool,
    mute: AtomicBool,
    finds: AtomicU32,
    binds: AtomicU32,
    bind_takes: Duration,
    /// How much longer it takes to find somebody than nobody.
    find_takes: Duration,
    /// Wrong passwords that it has counted, and so many lock; 0: none do.
    wrong: AtomicU32,
    locks_at: AtomicU32,
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

    /// What it would show of its own counting: nothing, unless it locks.
    fn lockout(&self) -> Lockout {
        let threshold = Some(self.locks_at.load(Ordering::SeqCst)).filter(|threshold| *threshold > 0);
        Lockout { wrong: self.wrong.load(Ordering::SeqCst), threshold, ..Lockout::default() }
    }

    fn candidate(&self) -> Box<Candidate> {
        let subject = self.subject();
        Box::new(Candidate {
            throttle_key: subject.id.to_string(),
            bind_name: "cn=tanaka".to_owned(),
            subject: Some(subject),
            barred: self.barred,
            lockout: self.lockout(),
        })
    }

    fn subject(&self) -> Subject {
        Subject {
            id: SubjectId { directory: self.name.into(), key: "guid-1".into() },
            login: "tanaka".into(),
            display_name: "田中".into(),
            dn: self.dn.map(str::to_owned),
            attributes: Attributes::new(),
            password_expires: None,
        }
    }
}

#[async_trait]
impl Directory for Fake {
    fn name(&self) -> &str {
        self.name
    }

    fn local_name<'a>(&self, login: &'a Login) -> Option<&'a str> {
        login.as_str().strip_prefix("CORP\\")
    }

    async fn find(&self, login: &Login) -> Result<Lookup, DirectoryError> {
        self.answers()?;
        self.finds.fetch_add(1, Ordering::SeqCst);
        let name = self.local_name(login).unwrap_or(login.as_str());
        if self.is_empty || !name.eq_ignore_ascii_case(self.other.unwrap_or("tanaka")) {
            return Ok(Lookup::Unknown);
        }
        if self.ambiguous {
            return Ok(Lookup::Ambiguous);
        }
        if !self.find_takes.is_zero() {
            tokio::time::sleep(self.find_takes).await;
        }
        Ok(Lookup::Found(self.candidate()))
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
            "verdict:locked" => Verdict::Denied(Reason::Locked { until: None }),
            "verdict:expired" => Verdict::Denied(Reason::PasswordExpired),
            _ => {
                self.wrong.fetch_add(1, Ordering::SeqCst);
                Verdict::Denied(Reason::WrongPassword)
            }
        })
    }

    async fn find_by_id(&self, id: &SubjectId) -> Result<Option<Box<Candidate>>, DirectoryError> {
        Ok((*id == self.subject().id).then(|| self.candidate()))
    }

    async fn standing(&self, _: &SubjectId) -> Result<Standing, DirectoryError> {
        Ok(Standing::Usable)
    }

    async fn ask(&self, _: &Subject, _: &Question) -> Result<Vec<Found>, DirectoryError> {
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

    /// The same with other bounds.
    fn with(self, options: ThrottleOptions) -> Self {
        let directories = self.sign_in.directories().to_vec();
        let (store, audit, clock) = (self.store.clone(), self.audit.clone(), self.clock.clone());
        Self { sign_in: PasswordSignIn::new(directories, store, audit, clock, options), ..self }
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
    ThrottleOptions {
        account_tries: 4,
        address_tries: 10,
        address_accounts: 10,
        window: SignedDuration::from_mins(30),
    }
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
async fn an_unknown_name_takes_as_long_as_one_that_is_long_looked_at() {
    let takes = Duration::from_millis(80);
    let fixture = Fixture::new(vec![Fake { find_takes: takes, ..Fake::corp() }]).await;
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
    let begun = std::time::Instant::now();
    assert_eq!(fixture.try_in("nobody", "x", HOME).await, WRONG);
    assert!(begun.elapsed() >= takes);
}

/// Else the quick answers would tell whose account is in which directory.
#[tokio::test]
async fn a_name_of_a_quick_directory_takes_as_long_as_one_of_a_slow_one() {
    let takes = Duration::from_millis(80);
    let local = Fake { name: "local", other: Some("root"), bind_takes: takes, ..Fake::default() };
    let fixture = Fixture::new(vec![local, Fake::corp()]).await;
    assert_eq!(fixture.try_in("root", "x", HOME).await, WRONG);
    for login in ["tanaka", "nobody"] {
        let begun = std::time::Instant::now();
        assert_eq!(fixture.try_in(login, "x", HOME).await, WRONG);
        assert!(begun.elapsed() >= takes, "{login}");
    }
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_bind_of_the_last_directory() {
    let takes = Duration::from_millis(80);
    let local = Fake { name: "local", other: Some("root"), ..Fake::default() };
    let fixture = Fixture::new(vec![local, Fake { bind_takes: takes, ..Fake::corp() }]).await;
    assert_eq!(fixture.try_in("root", "x", HOME).await, WRONG);
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
    for login in ["nobody", "somebody", "a\nb", "c\nd"] {
        let begun = std::time::Instant::now();
        assert_eq!(fixture.try_in(login, "x", HOME).await, WRONG);
        assert!(begun.elapsed() >= takes, "{login}: the time of the first directory's bind");
    }
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
        assert_eq!(
            fixture.try_in("tanaka", "verdict:expired", HOME).await,
            Some(Refusal::PasswordExpired { changeable: false })
        );
    }
    assert_eq!(fixture.try_in("tanaka", "verdict:locked", HOME).await, Some(Refusal::Locked { until: None }));
    assert_eq!(fixture.reasons().last().unwrap(), "locked");
}

/// Where the name in the entry is none to sign in by, and the entry is found by its identity.
#[tokio::test]
async fn a_changed_password_closes_no_lock_of_the_directory() {
    let fixture = Fixture::new(vec![Fake { other: Some("renamed"), ..Fake::corp() }]).await;
    let person = fixture.first.subject();
    let change = async || {
        let (old, new) = (Secret::new("x".to_owned()), Secret::new("y".to_owned()));
        let whose = Whose::SignedIn(Box::new(person.clone()));
        let (address, request_id) = (HOME.parse().unwrap(), "R1".to_owned());
        let attempt = ChangeAttempt { whose, old, new, address, request_id };
        fixture.sign_in.change_password(attempt).await.unwrap()
    };
    fixture.first.locks_at.store(5, Ordering::SeqCst);
    fixture.first.wrong.store(4, Ordering::SeqCst);
    assert_eq!(change().await, ChangeAnswer::Refused(Refusal::WrongCredentials));
    assert_eq!((fixture.first.binds(), fixture.reasons()), (0, vec!["near_lockout".to_owned()]));
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
