//! [`Location`]: what a store URL means, and how it is shown to people.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::StoreError;

/// A database URL, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Location {
    /// What the driver connects to.
    pub(super) url: String,
    /// The same without a password, for messages.
    pub(super) shown: String,
    /// The file of an embedded database; `None` is PostgreSQL.
    pub(super) file: Option<PathBuf>,
}

impl Location {
    /// Reads `sqlite:FILE`, `sqlite://FILE` or a `postgres:` URL.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let shown = without_password(url);
        let wrong = |cause: &str| StoreError::Url { url: shown.clone(), cause: cause.to_owned() };
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Ok(Self { url: url.to_owned(), shown, file: None });
        }
        let Some(rest) = url.strip_prefix("sqlite:") else { return Err(wrong("unknown kind of database")) };
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err(wrong("it names no file"));
        }
        if path == ":memory:" || query.contains("mode=memory") {
            return Err(wrong("a database in memory forgets everything"));
        }
        let Ok(file) = percent_decode_str(path).decode_utf8() else {
            return Err(wrong("the path is no UTF-8"));
        };
        let mode = if query.contains("mode=") { "" } else { "mode=rwc" };
        let joint = if query.is_empty() || mode.is_empty() { "" } else { "&" };
        let url = format!("sqlite://{path}?{query}{joint}{mode}");
        Ok(Self { url, shown, file: Some(PathBuf::from(file.as_ref())) })
    }

    /// The file of an embedded database that is for synchronisation alone: `sekisho-sync.db` beside `sekisho.db`. The
    /// same database where it is PostgreSQL.
    pub(super) fn for_sync(&self) -> Self {
        let Some(file) = &self.file else { return self.clone() };
        let named = |path: &str| {
            let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
            let slash = if path.contains('/') { "/" } else { "" };
            match name.rsplit_once('.') {
                Some((stem, end)) if !stem.is_empty() => format!("{folder}{slash}{stem}-sync.{end}"),
                _ => format!("{folder}{slash}{name}-sync"),
            }
        };
        let renamed = |url: &str| {
            let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
            let (scheme, path) = path.split_once("sqlite:").map_or(("", path), |(_, path)| ("sqlite:", path));
            let slashes = if path.starts_with("//") { "//" } else { "" };
            let path = named(path.strip_prefix("//").unwrap_or(path));
            format!("{scheme}{slashes}{path}{}", query.map(|query| format!("?{query}")).unwrap_or_default())
        };
        Self {
            url: renamed(&self.url),
            shown: renamed(&self.shown),
            file: Some(PathBuf::from(named(&file.to_string_lossy()))),
        }
    }
}

/// Puts `***` where a URL has its password, in the authority or as a parameter.
fn without_password(url: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let shown = match base.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((user, host)) => {
                let name = user.split_once(':').map_or(user, |(name, _)| name);
                let hidden = if user.contains(':') { ":***" } else { "" };
                format!("{scheme}://{name}{hidden}@{host}")
            }
            None => base.to_owned(),
        },
        None => base.to_owned(),
    };
    if query.to_ascii_lowercase().contains("password") { format!("{shown}?***") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_unless_the_url_says_otherwise() {
        let location = Location::parse("sqlite:sekisho.db").unwrap();
        assert_eq!(location.url, "sqlite://sekisho.db?mode=rwc");
        assert_eq!(location.file.unwrap(), PathBuf::from("sekisho.db"));
        let location = Location::parse("sqlite:///var/lib/a%20b.db?mode=rw").unwrap();
        assert_eq!(location.url, "sqlite:///var/lib/a%20b.db?mode=rw");
        assert_eq!(location.file.unwrap(), PathBuf::from("/var/lib/a b.db"));
    }

    #[test]
    fn synchronisation_has_a_file_of_its_own_beside() {
        for (url, synced, file) in [
            ("sqlite:sekisho.db", "sqlite://sekisho-sync.db?mode=rwc", "sekisho-sync.db"),
            (
                "sqlite:///var/l.d/a%20b.db?mode=rw",
                "sqlite:///var/l.d/a%20b-sync.db?mode=rw",
                "/var/l.d/a b-sync.db",
            ),
            ("sqlite:/var/l.d/state", "sqlite:///var/l.d/state-sync?mode=rwc", "/var/l.d/state-sync"),
        ] {
            let location = Location::parse(url).unwrap().for_sync();
            assert_eq!((location.url.as_str(), location.file), (synced, Some(PathBuf::from(file))));
        }
        let shared = Location::parse("postgres://u@h/d").unwrap();
        assert_eq!(shared.for_sync().url, shared.url);
    }

    #[test]
    fn what_cannot_hold_state_is_refused_with_the_remedy() {
        for url in ["sqlite::memory:", "sqlite:", "mysql://u@h/d", "sekisho.db", "sqlite:x?mode=memory"] {
            let error = Location::parse(url).unwrap_err();
            assert!(matches!(error, StoreError::Url { .. }), "{url}");
            assert!(error.to_string().contains("use \"sqlite:FILE\""), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://sekisho:hunter2@db/x",
            "postgres://sekisho:hun@ter2@db/x",
            "postgres://db/x?password=hunter2",
        ] {
            let location = Location::parse(url).unwrap();
            assert!(!location.shown.contains("ter2"), "{}", location.shown);
            assert_eq!(location.url, url);
        }
        assert_eq!(without_password("postgres://u@h/d?sslmode=require"), "postgres://u@h/d");
    }
}
