//! Connections: how a database is opened, and the settings that each new connection gets.

use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection};

use super::StoreError;
use super::location::Location;

/// How long a statement waits for SQLite's write lock, or for a lock at a server, before it gives up.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(2);

/// How long a server may take to say that a connection is alive, and to take one where a person waits.
const CONNECT: Duration = Duration::from_secs(5);
/// How much later than the server the client gives up a statement: a server that can tell why, does.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// What a dead node left open at the server, with its locks, ends after this.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(20);

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
    /// How long a server may work at a statement.
    pub(super) statement: Duration,
}

/// What the work comes to, or a fault where a server gives no answer for longer than a statement may take: a line may break
/// without a word.
pub(super) async fn answered<T>(
    location: &Location,
    settings: Settings,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    if location.file.is_some() { work.await } else { within(settings.statement + GRACE, work).await }
}

fn connect_wait(settings: Settings) -> Duration {
    settings.lock_wait.max(CONNECT)
}

async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let silence = |_| {
        let words = format!("no answer within {} s", patience.as_secs());
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, words)))
    };
    tokio::time::timeout(patience, work).await.unwrap_or_else(silence)
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
    let options = options(location)?;
    let connect = async {
        let mut connection = options.connect().await?;
        settle_in(&mut connection, settings, location.file.is_some()).await?;
        Ok(connection)
    };
    // A file waits for locks by itself.
    if location.file.is_some() { connect.await } else { within(connect_wait(settings), connect).await }
}

/// Whether a connection that was held for a while can still be used.
pub(super) async fn is_alive(location: &Location, connection: &mut AnyConnection) -> bool {
    location.file.is_some() || within(CONNECT, connection.ping()).await.is_ok()
}

/// The connections that read.
pub(super) fn readers(location: &Location, settings: Settings) -> Result<AnyPool, sqlx::Error> {
    let embedded = location.file.is_some();
    let pool = AnyPoolOptions::new()
        .max_connections(if embedded { 2 } else { 8 })
        .acquire_timeout(connect_wait(settings))
        // A file does not go away; a server may, and is asked first.
        .test_before_acquire(!embedded)
        .max_lifetime(None)
        .idle_timeout(None)
        .after_connect(move |connection, _| Box::pin(settle_in(connection, settings, embedded)));
    Ok(pool.connect_lazy_with(options(location)?))
}

fn options(location: &Location) -> Result<AnyConnectOptions, sqlx::Error> {
    Ok(AnyConnectOptions::from_str(&location.url)?.disable_statement_logging())
}

async fn settle_in(
    connection: &mut AnyConnection,
    settings: Settings,
    embedded: bool,
) -> Result<(), sqlx::Error> {
    if !embedded {
        return settle_in_at_server(connection, settings).await;
    }
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

/// Whatever the database, the role or the URL say of these: the statements are written for READ COMMITTED.
async fn settle_in_at_server(connection: &mut AnyConnection, settings: Settings) -> Result<(), sqlx::Error> {
    let query = sqlx::query(
        "SELECT set_config('default_transaction_isolation', 'read committed', false), \
         set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false), \
         set_config('idle_in_transaction_session_timeout', $3, false)",
    );
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let query = query.bind(milliseconds(settings.lock_wait)).bind(milliseconds(settings.statement));
    query.bind(milliseconds(IDLE_IN_TRANSACTION)).execute(connection).await.map(drop)
}
