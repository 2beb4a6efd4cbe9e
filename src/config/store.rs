//! `[store]`: where sessions and counters are kept.

use super::fault::Complaint;
use super::reader::Section;
use super::secrets::secret_keys;
use crate::secret::Secret;

/// The default: a file beside the configuration.
const DEFAULT: &str = "sqlite:sekisho.db";

/// The store's URL (`url`, also as `url_file` or `url_env`, since one of PostgreSQL holds a password). The path of a
/// SQLite file is relative to the configuration file. Default `sqlite:sekisho.db`.
pub(super) fn read(section: &Section<'_>) -> Secret<String> {
    let url = section.secret(secret_keys!("url")).unwrap_or_else(|| Secret::new(DEFAULT.to_owned()));
    let written = url.expose().as_str();
    if written.starts_with("postgres://") || written.starts_with("postgresql://") {
        if !is_local(written) && !written.contains("sslmode=verify-full") {
            let message = "the database need not prove who it is, and may be spoken to in the clear";
            section.warn("url", message, "add ?sslmode=verify-full&sslrootcert=FILE to it");
        }
        return url;
    }
    match written.strip_prefix("sqlite:") {
        Some(":memory:" | "//:memory:") => url,
        Some(file) if !file.trim_start_matches('/').is_empty() => {
            let path = section.resolve(file.strip_prefix("//").unwrap_or(file));
            Secret::new(format!("sqlite:{}", path.display()))
        }
        _ => {
            let remedy = "write \"sqlite:sekisho.db\" or \"postgres://user:password@host/database\"";
            section.complain("url", Complaint::wrong("is no URL of a store", remedy));
            url
        }
    }
}

/// Whether the database is on this machine.
fn is_local(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
    let host = authority.rsplit('@').next().unwrap_or("");
    let name = host.split(':').next().unwrap_or("");
    let is_loopback = |ip: std::net::Ipv4Addr| ip.is_loopback();
    name == "localhost" || name.parse().is_ok_and(is_loopback) || host.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_this_machine_is_local() {
        for url in ["postgres://u:p@localhost:5432/d", "postgres://127.0.0.1/d", "postgresql://u@[::1]/d?x=y"]
        {
            assert!(is_local(url), "{url}");
        }
        for url in ["postgres://u:localhost@db/d", "postgres://db/localhost", "postgres://127.evil.example/d"]
        {
            assert!(!is_local(url), "{url}");
        }
    }
}
