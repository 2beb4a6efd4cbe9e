//! The store against real SQLite files.

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

fn sp_session(id: &str, index: &str) -> SpSessionRow {
    SpSessionRow {
        id_hash: id.into(),
        sp: "https://sp".into(),
        session_index: index.into(),
        name_key: "n".into(),
        body: "{}".into(),
        issued_ms: 7,
    }
}

async fn execute(connection: &mut sqlx::AnyConnection, text: &'static str) {
    sqlx::query(text).execute(connection).await.unwrap();
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let mut row = session("a", "corp/1");
    row.sp_sessions.push(sp_session("a", "i1"));
    store
        .commit(vec![Write::PutSession(row.clone()), Write::PutSession(session("b", "corp/2"))])
        .await
        .unwrap();
    store.commit(vec![Write::PutSpSession(sp_session("a", "i2"))]).await.unwrap();
    drop(store);
    let store = fixture.open().await;
    row.sp_sessions.push(sp_session("a", "i2"));
    assert_eq!(store.session("a").await.unwrap(), Some(row.clone()));
    assert_eq!(store.sessions_of("corp/1").await.unwrap(), [row]);
    assert_eq!(store.session("c").await.unwrap(), None);
    store.commit(vec![Write::EndSession { id_hash: "a".into() }]).await.unwrap();
    assert_eq!(store.session("a").await.unwrap(), None);
    assert!(store.session("b").await.unwrap().is_some());
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
async fn writers_that_meet_share_a_transaction() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let writes = (0..200).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(vec![Write::PutSession(session(&n.to_string(), "s"))]).await })
    });
    for done in writes.collect::<Vec<_>>() {
        done.await.unwrap().unwrap();
    }
    assert_eq!(store.sessions_of("s").await.unwrap().len(), 200);
    assert!(store.transactions() < 100, "{} transactions", store.transactions());
}

#[tokio::test]
async fn deferred_writes_go_with_the_next_commit_or_by_themselves() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let ticket = store.defer(Write::PutSession(session("a", "s"))).unwrap();
    store.commit(vec![]).await.unwrap();
    assert!(store.landed(ticket));
    assert_eq!(store.transactions(), 1);
    assert!(store.session("a").await.unwrap().is_some());

    let touch = Write::TouchSession { id_hash: "a".into(), last_used_ms: 70 };
    let ticket = store.defer(touch).unwrap();
    while !store.landed(ticket) {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.session("a").await.unwrap().unwrap().last_used_ms, 70);
}

#[tokio::test]
async fn deferred_writes_are_written_when_the_last_handle_goes() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    store.defer(Write::PutSession(session("a", "s"))).unwrap();
    let shared = Arc::clone(&store.shared);
    drop(store);
    while !shared.landed(1) {
        tokio::task::yield_now().await;
    }
    assert!(fixture.open().await.session("a").await.unwrap().is_some());
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
async fn tries_are_counted_by_key_and_time() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let wrong =
        |keys: &[&str], at_ms| Write::WrongTry { keys: keys.iter().map(|&k| k.into()).collect(), at_ms };
    store.commit(vec![wrong(&["a", "b"], 5), wrong(&["a"], 6), wrong(&["a"], 6)]).await.unwrap();
    let keys = ["b".to_owned(), "a".to_owned(), "c".to_owned()];
    assert_eq!(store.tries(&keys, 5).await.unwrap(), [1, 3, 0]);
    assert_eq!(store.tries(&keys, 6).await.unwrap(), [0, 2, 0]);
    store.commit(vec![Write::ClearTries { keys: vec!["a".into()] }]).await.unwrap();
    assert_eq!(store.tries(&keys, 0).await.unwrap(), [1, 0, 0]);
    assert!(store.tries(&[], 0).await.unwrap().is_empty());
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
async fn addresses_and_files_are_remembered() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let known = |at_ms| Write::KnownAddress { subject: "s".into(), address: "10.0.0.1".into(), at_ms };
    let live = |file: &str| Write::LiveFile { entity_id: "e".into(), file: file.into(), sha256: "00".into() };
    store.commit(vec![known(1), live("a.xml")]).await.unwrap();
    store.commit(vec![known(2), live("b.xml")]).await.unwrap();
    assert!(store.known_address("s", "10.0.0.1").await.unwrap());
    assert!(!store.known_address("s", "10.0.0.2").await.unwrap());
    assert!(!store.known_address("t", "10.0.0.1").await.unwrap());
    assert_eq!(store.live_files().await.unwrap(), [("e".into(), "b.xml".into(), "00".into())]);
    store.commit(vec![Write::ForgetLiveFile { entity_id: "e".into() }]).await.unwrap();
    assert!(store.live_files().await.unwrap().is_empty());
}

#[tokio::test]
async fn purge_deletes_what_is_over_and_nothing_else() {
    let fixture = Fixture::new();
    let store = fixture.open().await;
    let mut over = session("over", "s");
    over.expires_ms = 500;
    over.sp_sessions.push(sp_session("over", "i"));
    let mut live = session("live", "s");
    live.sp_sessions.push(sp_session("live", "j"));
    let wrong = Write::WrongTry { keys: vec!["k".into()], at_ms: 0 };
    let memo = Write::PutMemo { key: "m".into(), body: String::new(), expires_ms: 500 };
    store.commit(vec![Write::PutSession(over), Write::PutSession(live), wrong, memo]).await.unwrap();
    assert_eq!(store.purge(600).await.unwrap(), 1, "a session is known for a day after its time");
    assert_eq!(store.sessions_named("n").await.unwrap().len(), 2);
    let day = i64::try_from(LONGEST_WINDOW.as_millis()).unwrap();
    assert_eq!(store.purge(day + 600).await.unwrap(), 3);
    assert_eq!(store.session("live").await.unwrap().unwrap().sp_sessions.len(), 1);
    assert_eq!(store.sessions_named("n").await.unwrap().len(), 1);
    assert_eq!(store.purge(day + 1_000).await.unwrap(), 2);
    assert_eq!(store.tries(&["k".into()], 0).await.unwrap(), [0]);
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
