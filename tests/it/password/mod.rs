//! New passwords: what a directory does with them, the pages of people, the API of programs.

mod active_directory;
mod api;
mod ldap;
mod own;
mod pages;

use std::sync::Arc;

use sekisho::clock::SystemClock;
use sekisho::directory::{
    Candidate, Directory, LdapDirectory, LdapOptions, Login, Lookup, PasswordChange, PasswordRefusal,
};
use sekisho::secret::Secret;

use crate::support::slapd::{BASE, READER, READER_PASSWORD, Slapd};

/// Options for a slapd whose people change their passwords.
fn options(slapd: &Slapd) -> LdapOptions {
    let mut options = LdapOptions::new("corp");
    options.urls = vec![slapd.ldaps_url()];
    options.ca_certificate = Some(slapd.ca_file());
    BASE.clone_into(&mut options.search_base);
    options.bind_dn = Some(READER.to_owned());
    options.bind_password = Some(secret(READER_PASSWORD));
    options.password_change = true;
    options
}

fn open(options: LdapOptions) -> LdapDirectory {
    LdapDirectory::new(options, Arc::new(SystemClock)).unwrap()
}

fn secret(password: &str) -> Secret<String> {
    Secret::new(password.to_owned())
}

async fn candidate(directory: &LdapDirectory, login: &str) -> Candidate {
    match directory.find(&Login::parse(login).unwrap()).await.unwrap() {
        Lookup::Found(candidate) => *candidate,
        other => panic!("{login}: {other:?}"),
    }
}

async fn change(directory: &LdapDirectory, login: &str, old: &str, new: &str) -> PasswordChange {
    let candidate = candidate(directory, login).await;
    directory.change_password(&candidate, &secret(old), &secret(new)).await.unwrap()
}

fn refused(refusal: PasswordRefusal) -> PasswordChange {
    PasswordChange::Refused(refusal)
}
