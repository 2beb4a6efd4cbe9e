//! `[password_api]`: programs that set passwords, `POST /api/password`.

use std::path::PathBuf;

use ipnet::IpNet;
use toml::de::DeValue;

use super::fault::Complaint;
use super::reader::Section;
use super::values::{count, flag, network, text};
use super::{DirectoryConfig, Listen};
use crate::directory::dn::Dn;
use crate::password::ApiOptions;

/// The password API, where it is switched on.
#[derive(Debug, Clone)]
pub struct PasswordApi {
    /// `directory`: the name of the `[[directory]]`, which must be LDAP over verified TLS.
    pub directory: String,
    /// `callers`, the DNs that may call, each with its password in the call; `search_base`, by default the directory's;
    /// `calls_per_minute`, by default 60: more are put off.
    pub options: ApiOptions,
    /// `allowed_networks`: where calls may come from; `0.0.0.0/0` and `::/0` for everywhere.
    pub allowed_networks: Vec<IpNet>,
    /// `client_certificates`: PEM file of the CAs that each caller's certificate must come from; it is shown in the TLS of
    /// `[listen]`. Default: no certificate is asked for.
    pub client_certificates: Option<PathBuf>,
}

/// `None` unless `enabled = true`; what is written is checked all the same.
pub(super) fn read(
    section: &Section<'_>,
    directories: &[DirectoryConfig],
    listen: &Listen,
) -> Option<PasswordApi> {
    let enabled = section.or("enabled", false, flag);
    let read = PasswordApi {
        directory: section.optional("directory", text).unwrap_or_default(),
        options: ApiOptions {
            callers: section.list("callers", dn).unwrap_or_default(),
            search_base: section.optional("search_base", dn),
            calls_per_minute: section.or("calls_per_minute", 60, count(1..=6000)),
        },
        allowed_networks: section.list("allowed_networks", network).unwrap_or_default(),
        client_certificates: section.existing("client_certificates", None),
    };
    if !enabled {
        return None;
    }
    if !section.has("directory") {
        section.missing("directory", "name the [[directory]] in which passwords are set");
    } else if !read.directory.is_empty() {
        check_directory(section, &read, directories);
    }
    if section.has("client_certificates") && listen.tls.is_none() {
        let remedy = "give [listen] its TLS keys, or let the proxy ask for certificates and take this out";
        section.complain("client_certificates", Complaint::wrong("is only seen in our own TLS", remedy));
    }
    let lists = [
        ("callers", read.options.callers.is_empty(), "list the DNs of the accounts that may call"),
        ("allowed_networks", read.allowed_networks.is_empty(), "list the networks that calls come from"),
    ];
    for (key, is_empty, remedy) in lists {
        if !section.has(key) {
            section.missing(key, remedy);
        } else if is_empty && section.is_empty_list(key) {
            section.complain(key, Complaint::wrong("is empty, so nobody could call", remedy));
        }
    }
    Some(read)
}

fn check_directory(section: &Section<'_>, read: &PasswordApi, directories: &[DirectoryConfig]) {
    let name = &read.directory;
    let complain =
        |message: String, remedy: &str| section.complain("directory", Complaint::wrong(message, remedy));
    let options = match directories.iter().find(|directory| directory.name() == name) {
        None => {
            return complain(
                format!("there is no directory \"{name}\""),
                "write the name of a [[directory]]",
            );
        }
        Some(DirectoryConfig::File { .. }) => {
            return complain(
                format!("\"{name}\" is a file, which is never written to"),
                "name one with kind = \"ldap\"",
            );
        }
        Some(DirectoryConfig::Ldap(options)) => options,
    };
    if !options.is_protected() {
        let remedy = "write ldaps:// in its urls, or set its start_tls, and leave verify_certificate on";
        complain(format!("\"{name}\" is not reached over verified TLS alone"), remedy);
    }
    let base = Dn::parse(&options.search_base);
    if base.is_none() {
        let message = match options.search_base.trim() {
            "" => format!("\"{name}\" has no search_base"),
            no_dn => format!("the search_base of \"{name}\", \"{no_dn}\", is no DN"),
        };
        complain(message, "set the DN under which its people are");
    }
    if let (Some(base), Some(own)) = (&base, &read.options.search_base)
        && !own.is_under(base)
    {
        let message = format!("is not below the search_base of \"{name}\"");
        section
            .complain("search_base", Complaint::wrong(message, "write a DN below it, or take the key out"));
    }
}

fn dn(value: &DeValue<'_>) -> Result<Dn, Complaint> {
    let written = text(value)?;
    let remedy = "write it as in \"CN=svc-passwordsync,OU=Service,DC=example,DC=co,DC=jp\"";
    Dn::parse(&written).ok_or_else(|| Complaint::wrong(format!("\"{written}\" is no DN"), remedy))
}
