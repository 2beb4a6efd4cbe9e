//! A service with SCIM as a target: its address, and what it knows us by.

use std::path::Path;

use super::super::fault::{Complaint, FaultKind};
use super::super::reader::Section;
use super::super::secrets::{read_secret_file, secret_keys};
use super::super::values::{flag, text, web_url};
use crate::outgoing::Exchange;
use crate::secret::Secret;
use crate::sync::options::{Access, Destination};

/// The target, or none with all that is wrong with it.
pub(super) fn read(section: &Section<'_>) -> Option<Destination> {
    let url = section.required("url", "write the base URL of the service's SCIM, from https:// on", web_url);
    let access = read_access(section);
    let authorities = section.existing("ca_certificate", None);
    let plain_http = section.or("allow_http", false, flag);
    if url.starts_with("http://") && !plain_http {
        let remedy = "write https://, or allow_http = true for a service on this machine";
        section.complain("url", Complaint::wrong("the token would cross the network in clear", remedy));
    }
    if !url.is_empty()
        && let Err(fault) = Exchange::check_base(&url)
    {
        section.complain(
            "url",
            Complaint::wrong(fault.to_string(), "write it as in \"https://scim.example.com/v2\""),
        );
    }
    if plain_http {
        section.warn(
            "allow_http",
            "the token may cross the network in clear",
            "use https:// and take it out",
        );
    }
    let authorities = authorities.and_then(|path| read_authorities(section, &path));
    Some(Destination::Scim { url, access: access?, authorities, plain_http })
}

/// One way and no more: whoever finds two would not know which of them counts.
fn read_access(section: &Section<'_>) -> Option<Access> {
    section.known(&["token", "token_env"]);
    let written = ["token_file", "token", "token_env"].into_iter().filter(|key| section.has(key));
    let written: Vec<&'static str> = written.collect();
    let has_account = section.has("user") || section.has("password") || section.has("password_file");
    let has_account = has_account || section.has("password_env");
    let user = section.optional("user", text);
    let password = section.secret(secret_keys!("password"));
    let remedy = "write token_file (then `sekisho sync token set` fills it), or user and password";
    match (written.as_slice(), has_account) {
        ([], false) => {
            section.complain("token_file", Complaint::wrong("the service would not know who asks", remedy));
            None
        }
        ([], true) => read_account(section, user, password),
        ([first, second, ..], _) => {
            let message = format!("is given twice, also as {first}");
            section.complain(second, Complaint::wrong(message, "keep one of the two"));
            None
        }
        ([_], true) => {
            let message = "there are a token and an account, and one way to prove who asks is enough";
            section.complain("user", Complaint::wrong(message, "take the token out, or user and password"));
            None
        }
        (["token_file"], false) => read_token_file(section),
        ([_], false) => section.secret(secret_keys!("token")).map(Access::Token),
    }
}

fn read_account(
    section: &Section<'_>,
    user: Option<String>,
    password: Option<Secret<String>>,
) -> Option<Access> {
    match (user, password) {
        (Some(user), Some(password)) => Some(Access::Password(user, password)),
        (Some(_), None) if section.has("password") || section.has("password_file") => None,
        (Some(_), None) if section.has("password_env") => None,
        (Some(_), None) => {
            section.missing("password_file", "write a file with the password of user");
            None
        }
        (None, _) if section.has("user") => None,
        (None, _) => {
            section.missing("user", "write the name that belongs to the password");
            None
        }
    }
}

/// The file may be written by `sekisho sync token set` later, and each run reads it anew. One that is there and of no use
/// is the matter of this target alone, and not of the whole configuration.
fn read_token_file(section: &Section<'_>) -> Option<Access> {
    let path = section.resolve(&section.optional("token_file", text)?);
    if path.exists()
        && let Err(fault) = read_secret_file(&path)
    {
        let kind = FaultKind::Token;
        section.warn_of("token_file", Complaint { kind, message: fault.message, remedy: fault.remedy });
    }
    Some(Access::TokenFile(path))
}

fn read_authorities(section: &Section<'_>, path: &Path) -> Option<Vec<u8>> {
    let complain = |message, remedy| section.complain("ca_certificate", Complaint::wrong(message, remedy));
    match std::fs::read(path) {
        Ok(pem) => {
            if Exchange::check_authorities(&pem).is_err() {
                let message = format!("{} holds no certificates in PEM", path.display());
                complain(message, "write those of the authorities that issue the service's certificate");
            }
            Some(pem)
        }
        // One that is not there is told already.
        Err(cause) => {
            if path.exists() {
                let message = format!("{} cannot be read: {cause}", path.display());
                complain(message, "let the user of sekisho read it");
            }
            None
        }
    }
}
