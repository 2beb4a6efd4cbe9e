//! [`StoreError`]: why state could not be read or written, with the remedy; no password is ever part of it.

/// The state could not be read or written. The use cases answer 503.
///
/// It is `Clone`, since one failed transaction fails everybody whose writes were in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database that this program can use.
    #[error(
        "[store] url \"{url}\": {cause}; use \"sqlite:FILE\" or \"postgres://USER:PASSWORD@HOST/DATABASE\""
    )]
    Url {
        /// The URL without its password.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The database file cannot be made or kept private.
    #[error("[store] url \"{url}\": {cause}; the folder must exist and belong to the user sekisho runs as")]
    File {
        /// The URL without its password.
        url: String,
        /// The system's word.
        cause: String,
    },
    /// The tables cannot be made or brought up to date.
    #[error("store {url}: cannot bring the tables to version {version}: {cause}")]
    Schema {
        /// The URL without its password.
        url: String,
        /// The version that failed.
        version: i64,
        /// The database's word.
        cause: String,
    },
    /// The database was written by a newer program.
    #[error(
        "store {url}: its tables have version {found}, this program knows {known}; start the newer sekisho"
    )]
    Newer {
        /// The URL without its password.
        url: String,
        /// What the database has.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// Somebody else holds the database's lock.
    #[error("store {url}: locked by another process; end the program that holds it open: {cause}")]
    Busy {
        /// The URL without its password.
        url: String,
        /// The database's word.
        cause: String,
    },
    /// There is no room for another page.
    #[error("store {url}: the disk is full; make room: {cause}")]
    Full {
        /// The URL without its password.
        url: String,
        /// The database's word.
        cause: String,
    },
    /// The database does not answer, or answers with an error.
    #[error("store {url}: {cause}")]
    Unavailable {
        /// The URL without its password.
        url: String,
        /// The database's word.
        cause: String,
    },
    /// More writes wait than the queue holds.
    #[error("store {url}: too many writes wait; the database is slower than the sign-ins")]
    Overloaded {
        /// The URL without its password.
        url: String,
    },
    /// The writer has ended: the program is going down.
    #[error("store {url}: closed")]
    Closed {
        /// The URL without its password.
        url: String,
    },
}

impl StoreError {
    /// Sorts what sqlx says of the database at `url` (already without password).
    pub(super) fn of(url: &str, cause: &sqlx::Error) -> Self {
        let url = url.to_owned();
        let code = match cause {
            sqlx::Error::Database(error) => {
                error.code().map(std::borrow::Cow::into_owned).unwrap_or_default()
            }
            _ => String::new(),
        };
        let cause = match cause {
            sqlx::Error::PoolTimedOut => {
                "no connection in time: the server is down, or all connections are taken".to_owned()
            }
            other => other.to_string(),
        };
        // SQLite gives extended result codes as decimal numbers, whose low byte is the primary one; PostgreSQL's
        // SQLSTATE has five characters.
        let primary = if code.len() == 5 { None } else { code.parse::<i32>().ok().map(|code| code & 0xff) };
        match (primary, code.as_str()) {
            (Some(5 | 6), _) | (_, "55P03") => Self::Busy { url, cause },
            (Some(13), _) | (_, "53100") => Self::Full { url, cause },
            _ => Self::Unavailable { url, cause },
        }
    }
}
