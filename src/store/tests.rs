//! What the store has of its own in an SQLite file. What it promises wherever it is: `tests/it/store`.

use std::os::unix::fs::PermissionsExt;

use sqlx::ConnectOptions;
use sqlx::any::AnyConnectOptions;

use super::*;

/// Another process that holds the write lock of the database.
pub(crate) struct Lock(sqlx::AnyConnection);

impl Lock {
    pub(crate) async fn take(url: &str) -> Self {
        let mut connection = url.parse::<AnyConnectOptions>().unwrap().connect().await.unwrap();
        execute(&mut connection, "BEGIN IMMEDIATE").await;
        Self(connection)
    }

    pub(crate) async fn release(mut self) {
        execute(&mut self.0, "ROLLBACK").await;
    }
}

struct Fixture {
    dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.dir.path().join("s.db").display())
    }

    async fn open(&self) -> Store {
        Store::open_with(&self.url(), Duration::from_millis(50)).await.unwrap()
    }

    /// Another process, as far as SQLite can tell.
    async fn stranger(&self) -> sqlx::AnyConnection {
        self.url().parse::<AnyConnectOptions>().unwrap().connect().await.unwrap()
    }
}

fn session(id: &str, subject: &str) -> SessionRow {
    SessionRow {
        id_hash: id.into(),
        subject: subject.into(),
        body: "{\"名\":1}".into(),
        created_ms: 10,
        last_used_ms: 10,
        expires_ms: 1000,
        sp_sessions: vec![],
    }
}

async fn execute(connection: &mut sqlx::AnyConnection, text: &'static str) {
    sqlx::query(text).execute(connection).await.unwrap();
}

#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    let fixture = Fixture::new();
    std::fs::write(fixture.dir.path().join("s.db"), "").unwrap();
    let loose = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(fixture.dir.path().join("s.db"), loose).unwrap();
    let store = fixture.open().await;
    store.commit(vec![Write::PutSession(session("a", "s"))]).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(fixture.dir.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 2, "the log is beside the database");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

#[tokio::test]
async fn a_locked_database_fails_all_who_wait_and_loses_nothing_deferred() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let lock = Lock::take(&fixture.url()).await;
    let ticket = store.defer(Write::PutSession(session("deferred", "s"))).unwrap();
    let (one, two) = tokio::join!(
        store.commit(vec![Write::PutSession(session("one", "s"))]),
        store.commit(vec![Write::PutSession(session("two", "s"))])
    );
    for result in [one, two] {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Busy { .. }), "{error}");
        assert!(error.to_string().contains("s.db") && error.to_string().contains("locked"), "{error}");
    }
    assert!(!store.landed(ticket));
    assert!(store.session("one").await.unwrap().is_none(), "reading goes on");
    assert!(matches!(store.ping().await, Err(StoreError::Busy { .. })), "who cannot write is not ready");
    lock.release().await;
    store.ping().await.unwrap();
    store.commit(vec![Write::PutSession(session("three", "s"))]).await.unwrap();
    assert!(store.landed(ticket));
    assert!(store.session("deferred").await.unwrap().is_some());
    assert!(store.session("one").await.unwrap().is_none(), "who was told no is not written later");
}

#[tokio::test]
async fn a_full_disk_is_told_apart() {
    let fixture = Fixture::new();
    let _store = fixture.open().await;
    let mut limited = fixture.stranger().await;
    execute(&mut limited, "PRAGMA max_page_count = 1").await;
    let insert = "INSERT INTO live_file SELECT 'x', hex(zeroblob(3000000)), ''";
    let cause = sqlx::query(insert).execute(&mut limited).await.unwrap_err();
    let error = StoreError::of("sqlite:s.db", &cause);
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().contains("make room"));
}

#[tokio::test]
async fn only_other_processes_raise_the_generation() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let before = store.data_version().await.unwrap();
    store.commit(vec![Write::PutSession(session("a", "s"))]).await.unwrap();
    store.purge(0).await.unwrap();
    assert!(store.session("a").await.unwrap().is_some());
    assert_eq!(store.data_version().await.unwrap(), before, "our own writes do not count");
    let generation = store.generation();
    execute(&mut fixture.stranger().await, "DELETE FROM session").await;
    assert_ne!(store.data_version().await.unwrap(), before);
    while store.generation() == generation {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(store.session("a").await.unwrap(), None);
}

#[tokio::test]
async fn keys_are_counted_by_their_beginning_without_looking_at_others() {
    use sqlx::Row;
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let keys = ["tried:10.0.0.1|a", "tried:10.0.0.1|a", "tried:10.0.0.1|ÿ田", "tried:10.0.0.1|"];
    let others = ["tried:10.0.0.10|a", "tried:10.0.0|a", "tried:10.0.0.1}", "TRIED:10.0.0.1|a"];
    let wrong = |key: &&str| Write::WrongTry { keys: vec![(*key).to_owned()], at_ms: 5 };
    store.commit(keys.iter().chain(&others).map(wrong).collect()).await.unwrap();
    let tried = async |since| store.keys_tried("tried:10.0.0.1|", since).await.unwrap();
    assert_eq!((tried(5).await, tried(6).await), (3, 0));
    let explained = format!("EXPLAIN QUERY PLAN {}", read::KEYS_TRIED);
    let plan = sqlx::query(sqlx::AssertSqlSafe(explained)).bind(0_i64).bind("a").bind("b");
    let plan = plan.fetch_one(&mut fixture.stranger().await).await.unwrap().get::<String, _>("detail");
    assert!(plan.contains("wrong_try_key (throttle_key>? AND throttle_key<?)"), "{plan}");
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let fixture = Fixture::new();
    drop(fixture.open().await);
    execute(&mut fixture.stranger().await, "INSERT INTO sekisho_schema (version) VALUES (999)").await;
    let error = Store::open(&fixture.url()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error}");
}

#[tokio::test]
async fn a_missing_folder_is_named_with_the_remedy() {
    let error = Store::open("sqlite:/nowhere/at/all/s.db").await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/at/all/s.db") && error.to_string().contains("must exist"));
}
