//! `[[directory]]`: where the accounts live, LDAP servers or a file.

use std::path::PathBuf;

use jiff::SignedDuration;
use toml::de::DeValue;

use super::fault::Complaint;
use super::reader::Section;
use super::secrets::secret_keys;
use super::values::{choice, duration_within, flag, text};
use crate::directory::{ChangesBy, LdapOptions, OptionsError};

/// One `[[directory]]`, in the order of the file.
#[derive(Debug, Clone)]
pub enum DirectoryConfig {
    /// `kind = "ldap"`: Active Directory, OpenLDAP and relatives.
    Ldap(Box<LdapOptions>),
    /// `kind = "file"`: the embedded directory.
    File {
        /// `name`
        name: String,
        /// `path` of `people.toml`.
        path: PathBuf,
    },
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Ldap,
    File,
}

const KINDS: &[(&str, Kind)] = &[("ldap", Kind::Ldap), ("file", Kind::File)];

const CHANGES: &[(&str, ChangesBy)] = &[("usn", ChangesBy::Usn), ("dirsync", ChangesBy::DirSync)];

impl DirectoryConfig {
    /// The `name`.
    pub fn name(&self) -> &str {
        match self {
            Self::Ldap(options) => &options.name,
            Self::File { name, .. } => name,
        }
    }

    fn read(section: &Section<'_>) -> Option<Self> {
        let name = section.required("name", "give it a short name, such as \"corp\"", name);
        if !section.has("kind") {
            section.missing("kind", "write kind = \"ldap\" or kind = \"file\"");
        }
        let kind = section.optional("kind", choice(KINDS));
        match kind {
            Some(Kind::Ldap) => Some(Self::Ldap(Box::new(read_ldap(section, name)))),
            Some(Kind::File) => {
                let path = section.private("path", Some("people.toml")).unwrap_or_default();
                if section.or("password_change", false, flag) {
                    let remedy = "take it out; `sekisho hash-password` makes a new password for the file";
                    let complaint = Complaint::wrong("a file is never written to", remedy);
                    section.complain("password_change", complaint);
                }
                Some(Self::File { name, path })
            }
            None => {
                section.ignore_the_rest();
                None
            }
        }
    }
}

/// Reads every `[[directory]]`; there must be one, and each name only once.
pub(super) fn read(document: &Section<'_>) -> Vec<DirectoryConfig> {
    if !document.has("directory") {
        document.missing("directory", "describe where your accounts live in a [[directory]]");
    }
    let mut directories: Vec<DirectoryConfig> = Vec::new();
    for section in document.sections("directory") {
        let Some(directory) = DirectoryConfig::read(&section) else { continue };
        let name = directory.name();
        if !name.is_empty() && directories.iter().any(|other| other.name() == name) {
            let message = format!("\"{name}\" is the name of another directory");
            section.complain("name", Complaint::wrong(message, "give each its own name"));
        }
        directories.push(directory);
    }
    directories
}

fn read_ldap(section: &Section<'_>, name: String) -> LdapOptions {
    let default = LdapOptions::new(name);
    let options = LdapOptions {
        urls: section.list("urls", text).unwrap_or_default(),
        start_tls: section.or("start_tls", false, flag),
        ca_certificate: section.existing("ca_certificate", None),
        verify_certificate: section.or("verify_certificate", true, flag),
        bind_dn: section.optional("bind_dn", text),
        bind_password: section.secret(secret_keys!("bind_password")),
        search_base: section.or("search_base", String::new(), text),
        login_filter: section.or("login_filter", default.login_filter, text),
        dn_pattern: section.optional("dn_pattern", text),
        netbios_names: section.list("netbios_names", text).unwrap_or_default(),
        upn_suffixes: section.list("upn_suffixes", suffix).unwrap_or_default(),
        subject_attribute: section.optional("subject_attribute", text),
        changes: section.or("changes", default.changes, choice(CHANGES)),
        attributes: section.list("attributes", text).unwrap_or(default.attributes),
        display_name_attributes: section
            .list("display_name_attributes", text)
            .unwrap_or(default.display_name_attributes),
        password_change: section.or("password_change", false, flag),
        password_warning: section.or("password_warning", default.password_warning, warning),
        name: default.name,
    };
    for fault in options.check().iter().filter(|fault| !is_told(section, fault)) {
        complain(section, fault);
    }
    warn(section, &options);
    options
}

/// Whether a value seems to be missing only because it was refused when it was read.
fn is_told(section: &Section<'_>, fault: &OptionsError) -> bool {
    let password = ["bind_password", "bind_password_file", "bind_password_env"];
    match fault {
        OptionsError::NoUrl => section.has("urls") && !section.is_empty_list("urls"),
        OptionsError::NoSearchBase => section.has("search_base"),
        OptionsError::HalfServiceAccount => {
            section.has("bind_dn") && password.into_iter().any(|key| section.has(key))
        }
        _ => false,
    }
}

/// Says a fault of the options at its key.
fn complain(section: &Section<'_>, fault: &OptionsError) {
    let key = match fault {
        OptionsError::NoUrl | OptionsError::Url(_) | OptionsError::Clear(_) => "urls",
        OptionsError::StartTlsInTls(_) => "start_tls",
        OptionsError::HalfServiceAccount | OptionsError::EmptyServiceAccount => "bind_dn",
        OptionsError::NoSearchBase => "search_base",
        OptionsError::LoginFilter(_) => "login_filter",
        OptionsError::DnPattern(_) => "dn_pattern",
        OptionsError::UnprotectedChange => "password_change",
        OptionsError::CaCertificate { .. } | OptionsError::Tls(_) => "ca_certificate",
    };
    let told = fault.to_string();
    let told = told.split_once(": ").map_or(told.as_str(), |(_, rest)| rest);
    let (message, remedy) = match (told.split_once("; "), told.split_once(", as in ")) {
        (Some((message, remedy)), _) => (message, remedy.to_owned()),
        (None, Some((message, example))) => (message, format!("write it as in {example}")),
        (None, None) => (told, "correct it".to_owned()),
    };
    section.complain(key, Complaint::wrong(message, remedy));
}

fn warn(section: &Section<'_>, options: &LdapOptions) {
    for url in options.urls.iter().filter(|url| url.starts_with("ldap://") && !options.start_tls) {
        section.warn("urls", format!("{url} has no TLS"), "write ldaps://, or start_tls = true");
    }
    if !options.verify_certificate {
        let message = "whoever stands between can pose as the directory and read every password";
        section.warn("verify_certificate", message, "name the issuer in ca_certificate and take it out");
    }
}

fn suffix(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    if !written.trim().is_empty() && !written.contains(['@', '\\']) {
        return Ok(written);
    }
    let message = format!("\"{written}\" is not what stands behind the @ of a login name");
    Err(Complaint::wrong(message, "write it as in \"example.co.jp\""))
}

/// How long before, or `off`.
fn warning(value: &DeValue<'_>) -> Result<Option<SignedDuration>, Complaint> {
    if value.as_str() == Some("off") {
        return Ok(None);
    }
    duration_within(
        SignedDuration::from_hours(1)..=SignedDuration::from_hours(366 * 24),
        "1 hour to 366 days, or \"off\"",
    )(value)
    .map(Some)
}

fn name(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if written.len() <= 64 && written.chars().all(fits) {
        return Ok(written);
    }
    let message = format!("\"{written}\" is no name of a directory");
    Err(Complaint::wrong(message, "use at most 64 letters, digits, '-', '_' and '.'"))
}
