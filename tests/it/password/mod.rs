//! New passwords: what a directory does with them, the pages of people, the API of programs.

mod active_directory;
mod api;
mod ldap;
mod own;
mod pages;

use sekisho::directory::{Directory, LdapDirectory, LdapOptions, PasswordChange, PasswordRefusal};

use crate::directory::{candidate, open, secret};
use crate::support::slapd::Slapd;

/// Options for a slapd whose people change their passwords.
fn options(slapd: &Slapd) -> LdapOptions {
    LdapOptions { password_change: true, ..Slapd::options(&[slapd]) }
}

async fn change(directory: &LdapDirectory, login: &str, old: &str, new: &str) -> PasswordChange {
    let candidate = candidate(directory, login).await;
    directory.change_password(&candidate, &secret(old), &secret(new)).await.unwrap()
}

fn refused(refusal: PasswordRefusal) -> PasswordChange {
    PasswordChange::Refused(refusal)
}
