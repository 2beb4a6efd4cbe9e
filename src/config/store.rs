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
