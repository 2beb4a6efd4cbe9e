//! Connections: how a database is opened, and the settings that each new connection gets.

use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions};

use super::StoreError;
use super::location::Location;

/// How long a statement waits for SQLite's write lock before it gives up.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(2);

/// NORMAL in WAL mode: a commit survives the end of the process; losing power may cost the last ones, never the file.
/// A log of up to 4,000 pages (16 MB) before it is copied into the file: session ids are random, so that a page waits for
/// many of them. 2 MB of cache for each connection.
const SQLITE_SETTINGS: [&str; 3] =
    ["PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 4000", "PRAGMA cache_size = -2048"];

/// What outlives a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// The file, as a whole; the last commits may be lost.
    Normal,
    /// Every commit: a creation that was sent to another service cannot be found out from anything else.
    Full,
}

/// How a connection is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) lock_wait: Duration,
    pub(super) durability: Durability,
}

/// Makes the file of an embedded database, or an existing one, readable by its owner alone. SQLite gives the same mode
/// to the files that it puts beside it.
pub(super) async fn keep_private(location: &Location) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let Some(path) = &location.file else { return Ok(()) };
    let failed = |cause: std::io::Error| StoreError::File {
        url: location.shown.clone(),
        cause: format!("{}: {cause}", path.display()),
    };
    if location.url.contains("mode=rwc") {
        let mut options = tokio::fs::OpenOptions::new();
        options.append(true).create(true).mode(0o600).open(path).await.map_err(failed)?;
    }
    let permissions = tokio::fs::metadata(path).await.map_err(failed)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        tokio::fs::set_permissions(path, private).await.map_err(failed)?;
    }
    Ok(())
}

/// The connection that writes.
pub(super) async fn writer(location: &Location, settings: Settings) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = options(location)?.connect().await?;
    if location.file.is_some() {
        settle_in(&mut connection, settings).await?;
    }
    Ok(connection)
}

/// The connections that read.
pub(super) fn readers(location: &Location, settings: Settings) -> Result<AnyPool, sqlx::Error> {
    let embedded = location.file.is_some();
    let pool = AnyPoolOptions::new()
        .max_connections(if embedded { 2 } else { 8 })
        .acquire_timeout(Duration::from_secs(5))
        // A file does not go away; a server may, and is asked first.
        .test_before_acquire(!embedded)
        .max_lifetime(None)
        .idle_timeout(None)
        .after_connect(move |connection, _| {
            Box::pin(async move { if embedded { settle_in(connection, settings).await } else { Ok(()) } })
        });
    Ok(pool.connect_lazy_with(options(location)?))
}

fn options(location: &Location) -> Result<AnyConnectOptions, sqlx::Error> {
    Ok(AnyConnectOptions::from_str(&location.url)?.disable_statement_logging())
}

async fn settle_in(connection: &mut AnyConnection, settings: Settings) -> Result<(), sqlx::Error> {
    let wait = format!("PRAGMA busy_timeout = {}", settings.lock_wait.as_millis());
    sqlx::query(sqlx::AssertSqlSafe(wait)).execute(&mut *connection).await?;
    let synchronous = match settings.durability {
        Durability::Normal => "PRAGMA synchronous = NORMAL",
        Durability::Full => "PRAGMA synchronous = FULL",
    };
    for setting in SQLITE_SETTINGS.into_iter().chain([synchronous]) {
        sqlx::query(setting).execute(&mut *connection).await?;
    }
    Ok(())
}
