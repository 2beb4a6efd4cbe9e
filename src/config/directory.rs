//! `[[directory]]`: where the accounts live, LDAP servers or a file.

use std::path::PathBuf;

use toml::de::DeValue;

use super::fault::Complaint;
use super::reader::Section;
use super::secrets::secret_keys;
use super::values::{choice, flag, text};
use crate::secret::Secret;

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

/// Finds people in OpenLDAP by uid, in Active Directory by sAMAccountName or userPrincipalName, in both by mail.
const DEFAULT_LOGIN_FILTER: &str = "(&(objectClass=person)(|(uid={login})(sAMAccountName={login})\
    (userPrincipalName={login})(mail={login})))";

/// An LDAP directory.
#[derive(Debug, Clone)]
pub struct LdapOptions {
    /// `name`: how this directory is called in logs and stable identities; never change it.
    pub name: String,
    /// `urls`: the servers, in the order in which they are tried.
    pub urls: Vec<String>,
    /// `start_tls`: TLS on an `ldap://` connection. Default false.
    pub start_tls: bool,
    /// `ca_certificate`: PEM of who issued the servers' certificates. Default: the system's.
    pub ca_certificate: Option<PathBuf>,
    /// `verify_certificate`. Default true.
    pub verify_certificate: bool,
    /// `bind_dn`: the account that searches. Default: anonymous.
    pub bind_dn: Option<String>,
    /// `bind_password`, also as `_file` or `_env`.
    pub bind_password: Option<Secret<String>>,
    /// `search_base`: where the people are.
    pub search_base: String,
    /// `login_filter`: finds exactly one person; `{login}` stands for the name that was typed.
    /// Default: a person with this uid, sAMAccountName, userPrincipalName or mail.
    pub login_filter: String,
    /// `dn_pattern`: the person's DN by its pattern, instead of a search.
    pub dn_pattern: Option<String>,
    /// `netbios_names`: the domains that may stand before a backslash.
    pub netbios_names: Vec<String>,
    /// `subject_attribute`: what identities are made of. Default: objectGUID or entryUUID.
    pub subject_attribute: Option<String>,
    /// `attributes`: what is read at sign-in. Default `["*"]`.
    pub attributes: Vec<String>,
    /// `display_name_attributes`: the first of these greets the person. Default displayName, cn.
    pub display_name_attributes: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Ldap,
    File,
}

const KINDS: &[(&str, Kind)] = &[("ldap", Kind::Ldap), ("file", Kind::File)];

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
            Some(Kind::Ldap) => Some(Self::Ldap(Box::new(LdapOptions::read(section, name)))),
            Some(Kind::File) => {
                let path = section.private("path", Some("people.toml")).unwrap_or_default();
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

impl LdapOptions {
    fn read(section: &Section<'_>, name: String) -> Self {
        let urls = section.list("urls", ldap_url);
        let dn_pattern = section.optional("dn_pattern", with_login);
        if urls.is_none() || section.is_empty_list("urls") {
            section.missing("urls", "name at least one server, urls = [\"ldaps://dc1.example.co.jp\"]");
        }
        let searches = dn_pattern.is_none() && !section.has("dn_pattern");
        let base = "name the place of the people, such as \"DC=example,DC=co,DC=jp\"";
        let options = Self {
            name,
            urls: urls.unwrap_or_default(),
            start_tls: section.or("start_tls", false, flag),
            ca_certificate: section.existing("ca_certificate", None),
            verify_certificate: section.or("verify_certificate", true, flag),
            bind_dn: section.optional("bind_dn", text),
            bind_password: section.secret(secret_keys!("bind_password")),
            search_base: if searches {
                section.required("search_base", base, text)
            } else {
                section.or("search_base", String::new(), text)
            },
            login_filter: section.or("login_filter", DEFAULT_LOGIN_FILTER.to_owned(), with_login),
            dn_pattern,
            netbios_names: section.list("netbios_names", text).unwrap_or_default(),
            subject_attribute: section.optional("subject_attribute", text),
            attributes: section.list("attributes", text).unwrap_or_else(|| vec!["*".to_owned()]),
            display_name_attributes: section
                .list("display_name_attributes", text)
                .unwrap_or_else(|| vec!["displayName".to_owned(), "cn".to_owned()]),
        };
        options.judge(section);
        options
    }

    fn judge(&self, section: &Section<'_>) {
        let password = ["bind_password", "bind_password_file", "bind_password_env"];
        let has_password = password.into_iter().any(|key| section.has(key));
        if self.bind_dn.is_some() && !has_password {
            section.missing("bind_password", "give it as bind_password_file, or take bind_dn out");
        }
        if !section.has("bind_dn") && has_password {
            section.missing("bind_dn", "name the account whose password this is");
        }
        let in_clear = |url: &&String| url.starts_with("ldap://") && !self.start_tls;
        for url in self.urls.iter().filter(in_clear) {
            let message = format!("passwords would cross the network in clear to {url}");
            let remedy = "write ldaps://, or start_tls = true";
            if is_loopback(url) {
                section.warn("urls", format!("{url} has no TLS"), remedy);
            } else {
                section.complain("urls", Complaint::wrong(message, remedy));
            }
        }
        if !self.verify_certificate {
            let message = "whoever stands between can pose as the directory and read every password";
            section.warn("verify_certificate", message, "name the issuer in ca_certificate and take it out");
        }
        if let Some(url) = self.urls.iter().find(|url| url.starts_with("ldaps://")).filter(|_| self.start_tls)
        {
            let message = format!("{url} has TLS from the first byte");
            section.complain("start_tls", Complaint::wrong(message, "write ldap://, or start_tls = false"));
        }
    }
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

fn ldap_url(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    let authority = written.strip_prefix("ldaps://").or_else(|| written.strip_prefix("ldap://"));
    let host = authority.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let fits = |host: &str| {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port.parse::<u16>().is_ok()),
            _ => (host, true),
        };
        port && !name.is_empty() && !name.contains(['/', '?', '#', '@', ' '])
    };
    if host.is_some_and(fits) {
        return Ok(written);
    }
    let message = format!("\"{written}\" is no address of a server");
    Err(Complaint::wrong(message, "write \"ldaps://dc1.example.co.jp\", with \":port\" if it is not 636"))
}

fn with_login(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    if written.contains("{login}") {
        return Ok(written);
    }
    let message = format!("\"{written}\" does not hold {{login}}");
    Err(Complaint::wrong(message, "put {login} where the typed name belongs"))
}

fn is_loopback(url: &str) -> bool {
    let authority = url.trim_start_matches("ldap://").trim_end_matches('/');
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let address = host.trim_matches(['[', ']']);
    address == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
