//! Directories: one conformance suite for all, then what only LDAP and Active Directory have, then faults.

mod active_directory;
mod conformance;
mod faults;
mod ldap;
mod source;
mod source_changes;
mod source_dirsync;
mod source_faults;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use sekisho::clock::SystemClock;
use sekisho::directory::{
    Candidate, Directory, DirectoryError, LdapDirectory, LdapOptions, Limits, Login, Lookup, Verdict,
};
use sekisho::identity::{Question, Subject, Value};
use sekisho::secret::Secret;

use crate::support::slapd::Slapd;

/// Options for one or more slapds, by LDAPS and with the service account.
fn options(slapds: &[&Slapd]) -> LdapOptions {
    Slapd::options(slapds)
}

pub(crate) fn open(options: LdapOptions) -> LdapDirectory {
    LdapDirectory::new(options, Arc::new(SystemClock)).unwrap()
}

/// Waits that a test of a silent server can afford; the order of events is that of the defaults.
fn impatient() -> Limits {
    Limits {
        hedge: Duration::from_millis(100),
        connect: Duration::from_millis(600),
        answer: Duration::from_secs(1),
        total: Duration::from_secs(2),
        retry: Duration::from_millis(50),
        ..Limits::default()
    }
}

fn open_impatient(options: LdapOptions) -> LdapDirectory {
    LdapDirectory::with_limits(options, Arc::new(SystemClock), impatient()).unwrap()
}

/// The names of all groups.
async fn groups(directory: &dyn Directory, subject: &Subject) -> Vec<String> {
    let found = directory.ask(subject, &Question::Groups { attribute: None }).await.unwrap();
    found.into_iter().map(|group| group.dn).collect()
}

/// The values of an attribute of all entries that a question is answered with.
async fn values(
    directory: &dyn Directory,
    subject: &Subject,
    question: &Question,
    name: &str,
) -> Vec<String> {
    let found = directory.ask(subject, question).await.unwrap();
    let texts = found.iter().flat_map(|entry| entry.values(name).unwrap_or_default());
    let mut texts: Vec<String> = texts.filter_map(Value::as_text).map(str::to_owned).collect();
    texts.sort();
    texts
}

fn login(name: &str) -> Login {
    Login::parse(name).unwrap()
}

pub(crate) fn secret(password: &str) -> Secret<String> {
    Secret::new(password.to_owned())
}

pub(crate) async fn candidate(directory: &dyn Directory, name: &str) -> Candidate {
    match directory.find(&login(name)).await.unwrap() {
        Lookup::Found(candidate) => *candidate,
        other => panic!("{name}: {other:?}"),
    }
}

async fn sign_in(directory: &dyn Directory, name: &str, password: &str) -> Result<Verdict, DirectoryError> {
    directory.verify(&candidate(directory, name).await, &secret(password)).await
}
