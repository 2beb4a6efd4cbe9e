//! What goes with a new password of one's own: the sessions that end, and the sign-in that follows.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sekisho::audit::memory::Memory;
use sekisho::authn::{ChangeAttempt, PasswordSignIn, ThrottleOptions, Whose};
use sekisho::clock::{SignedDuration, SystemClock};
use sekisho::directory::lockout::Lockout;
use sekisho::directory::{
    Candidate, Directory, DirectoryError, Login, Lookup, PasswordChange, Reason, Standing, Verdict,
};
use sekisho::identity::{Attributes, Found, Question, Subject, SubjectId};
use sekisho::password::{Changing, EndsSessions, PasswordError, Passwords};
use sekisho::secret::Secret;
use sekisho::store::Store;

use super::secret;

const OLD: &str = "old-password";
const NEW: &str = "new-password";

/// Changes the password of everybody; what a bind proves afterwards may be as old as a replica is.
#[derive(Debug)]
struct Replicated {
    /// Whether the entry is known before the bind.
    tells: bool,
    /// What a bind with the new password comes to.
    bind: Bind,
}

#[derive(Debug, Clone, Copy)]
enum Bind {
    Known,
    Lags,
    Down,
}

impl Replicated {
    fn candidate(&self) -> Candidate {
        let (throttle_key, bind_name) = ("corp/mori".to_owned(), "uid=mori".to_owned());
        let lockout = Lockout::default();
        Candidate { throttle_key, bind_name, subject: self.tells.then(mori), barred: None, lockout }
    }
}

fn mori() -> Subject {
    Subject {
        id: SubjectId { directory: "corp".into(), key: "mori-1".into() },
        login: "mori".into(),
        display_name: "森".into(),
        dn: Some("uid=mori".into()),
        attributes: Attributes::new(),
        password_expires: None,
    }
}

#[async_trait]
impl Directory for Replicated {
    fn name(&self) -> &'static str {
        "corp"
    }

    async fn find(&self, _: &Login) -> Result<Lookup, DirectoryError> {
        Ok(Lookup::Found(Box::new(self.candidate())))
    }

    async fn verify(&self, _: &Candidate, _: &Secret<String>) -> Result<Verdict, DirectoryError> {
        match self.bind {
            Bind::Known => Ok(Verdict::Accepted(Box::new(mori()))),
            Bind::Lags => Ok(Verdict::Denied(Reason::WrongPassword)),
            Bind::Down => {
                let (directory, cause) = ("corp".to_owned(), "gone".to_owned());
                Err(DirectoryError::Unreachable { directory, cause })
            }
        }
    }

    fn changes_passwords(&self) -> bool {
        true
    }

    async fn change_password(
        &self,
        _: &Candidate,
        _: &Secret<String>,
        _: &Secret<String>,
    ) -> Result<PasswordChange, DirectoryError> {
        Ok(PasswordChange::Changed)
    }

    async fn find_by_id(&self, _: &SubjectId) -> Result<Option<Box<Candidate>>, DirectoryError> {
        Ok(Some(Box::new(Candidate { subject: Some(mori()), ..self.candidate() })))
    }

    async fn standing(&self, _: &SubjectId) -> Result<Standing, DirectoryError> {
        Ok(Standing::Usable)
    }

    async fn ask(&self, _: &Subject, _: &Question) -> Result<Vec<Found>, DirectoryError> {
        Ok(vec![])
    }

    async fn probe(&self) -> Result<(), DirectoryError> {
        Ok(())
    }
}

/// Whose sessions were ended, and the one that was kept.
#[derive(Debug, Default)]
struct Ended(Mutex<Vec<(String, String)>>);

#[async_trait]
impl EndsSessions for Ended {
    async fn end_others(
        &self,
        subject: &SubjectId,
        keep: &str,
        _: (&str, IpAddr),
    ) -> Result<usize, Box<dyn Error + Send + Sync>> {
        self.0.lock().unwrap().push((subject.key.clone(), keep.to_owned()));
        Ok(1)
    }
}

/// What the change came to, and whose sessions ended how often.
async fn change(
    directory: Replicated,
    whose: Whose,
) -> (Result<Changing, PasswordError>, Vec<(String, String)>) {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("s.db").display());
    let (store, audit, clock) =
        (Store::open(&url).await.unwrap(), Arc::new(Memory::default()), Arc::new(SystemClock));
    let throttle = ThrottleOptions {
        account_tries: 4,
        address_tries: 10,
        address_accounts: 10,
        window: SignedDuration::from_mins(30),
    };
    let sign_in =
        PasswordSignIn::new(vec![Arc::new(directory)], store, audit.clone(), clock.clone(), throttle);
    let ended = Arc::new(Ended::default());
    let passwords = Passwords { sign_in, sessions: ended.clone(), audit, clock };
    let (address, request_id) = (IpAddr::V4(Ipv4Addr::LOCALHOST), "id-1".to_owned());
    let attempt = ChangeAttempt { whose, old: secret(OLD), new: secret(NEW), address, request_id };
    let came = passwords.change(attempt, Some("token")).await;
    let ended = std::mem::take(&mut *ended.0.lock().unwrap());
    (came, ended)
}

fn named() -> Whose {
    Whose::Named("mori".to_owned())
}

fn once() -> Vec<(String, String)> {
    vec![("mori-1".to_owned(), "token".to_owned())]
}

fn signed_in(came: Result<Changing, PasswordError>) -> Option<String> {
    match came.unwrap() {
        Changing::Changed { signed_in } => signed_in.map(|subject| subject.id.key),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_came_with_a_name_is_signed_in_and_alone() {
    for tells in [true, false] {
        let (came, ended) = change(Replicated { tells, bind: Bind::Known }, named()).await;
        assert_eq!((signed_in(came).as_deref(), ended), (Some("mori-1"), once()), "tells: {tells}");
    }
}

#[tokio::test]
async fn a_replica_that_lags_or_is_down_hides_no_change() {
    for bind in [Bind::Lags, Bind::Down] {
        let (came, ended) = change(Replicated { tells: true, bind }, named()).await;
        assert_eq!((signed_in(came), ended), (None, once()), "{bind:?}");
    }
}

#[tokio::test]
async fn sessions_that_nobody_can_find_are_not_said_to_have_ended() {
    for bind in [Bind::Lags, Bind::Down] {
        let (came, ended) = change(Replicated { tells: false, bind }, named()).await;
        assert!(matches!(came, Err(PasswordError::SessionsRemain(_))) && ended.is_empty(), "{bind:?}");
    }
}

/// The session knows whose it is where the directory does not say so before a bind.
#[tokio::test]
async fn who_is_signed_in_is_signed_out_elsewhere() {
    for (tells, bind) in [(true, Bind::Known), (false, Bind::Known), (false, Bind::Lags)] {
        let whose = Whose::SignedIn(Box::new(mori()));
        let (came, ended) = change(Replicated { tells, bind }, whose).await;
        assert_eq!((signed_in(came), ended), (None, once()), "tells: {tells}, {bind:?}");
    }
}
