//! The tables of a PostgreSQL database: made by whoever comes first, once.

use std::sync::Arc;

use sekisho::store::{Store, StoreError};

use crate::support::postgres::Database;

const VERSIONS: &str = "SELECT string_agg(version::text, ' ' ORDER BY version) FROM sekisho_schema";
/// All columns and indexes.
const SHAPE: &str = "SELECT md5(string_agg(d, ';' ORDER BY d)) FROM (\
    SELECT table_name || '.' || column_name || ' ' || data_type d FROM information_schema.columns \
    WHERE table_schema = 'public' UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public') x";

#[tokio::test]
async fn tables_are_made_once_and_found_again() {
    let database = Database::new().await;
    let store = Store::open(&database.url()).await.unwrap();
    store.sync_state().await.unwrap();
    let (versions, shape) = (database.run(VERSIONS), database.run(SHAPE));
    assert!(versions.starts_with("1 2 3 4 5"), "{versions}");
    let again = Store::open(&database.url()).await.unwrap();
    again.sync_state().await.unwrap();
    again.ping().await.unwrap();
    assert_eq!((database.run(VERSIONS), database.run(SHAPE)), (versions, shape));
}

/// An empty one, and one of an older program: all nodes of a cluster are started by one command.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_make_the_tables_together() {
    let whole = Database::new().await;
    Store::open(&whole.url()).await.unwrap();
    for round in 0..6 {
        let database = Database::new().await;
        let nodes = (0..8).map(|_| {
            let url = database.url();
            tokio::spawn(async move { Store::open(&url).await.map(drop) })
        });
        for node in nodes.collect::<Vec<_>>() {
            let opened = node.await.unwrap();
            assert!(opened.is_ok(), "round {round}: {opened:?}");
        }
        assert_eq!(database.run(VERSIONS), whole.run(VERSIONS));
        assert_eq!(database.run(SHAPE), whole.run(SHAPE));
    }
}

/// Longer than a statement may wait for a lock at other times.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_waits_for_another_one_that_is_at_the_tables() {
    let database = Arc::new(Database::new().await);
    let other = {
        let database = Arc::clone(&database);
        // "sekisho" in ASCII.
        let lock = "SELECT pg_advisory_lock(x'73656b6973686f'::bigint), pg_sleep(4)";
        std::thread::spawn(move || database.run(lock))
    };
    let held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted";
    while database.run(held) == "0" {
        assert!(!other.is_finished(), "the lock is never seen");
    }
    let opened = Store::open(&database.url()).await;
    assert!(opened.is_ok(), "{opened:?}");
    assert_eq!(database.run(held), "0", "it has waited");
    other.join().unwrap();
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let database = Database::new().await;
    drop(Store::open(&database.url()).await.unwrap());
    database.run("INSERT INTO sekisho_schema (version) VALUES (999)");
    let error = Store::open(&database.url()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error}");
}

/// In one that is not UTF-8, the first name in kanji would fail, after all seemed well.
#[tokio::test]
async fn a_database_of_another_encoding_is_refused_with_the_remedy() {
    let database = Database::new().await;
    let name = "sekisho_latin";
    let made = "CREATE DATABASE sekisho_latin OWNER sekisho TEMPLATE template0 ENCODING LATIN1 LOCALE 'C' \
                LOCALE_PROVIDER libc";
    database.run(made);
    let (server, _) =
        database.url().rsplit_once('/').map(|(server, name)| (server.to_owned(), name.to_owned())).unwrap();
    let error = Store::open(&format!("{server}/{name}")).await.unwrap_err();
    assert!(error.to_string().contains("LATIN1") && error.to_string().contains("UTF8"), "{error}");
    database.run("DROP DATABASE sekisho_latin WITH (FORCE)");
}

/// Each message says what is wrong with what, and never the password.
#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let database = Database::new().await;
    let url = database.url();
    let (before, _) = url.rsplit_once('/').unwrap();
    for (url, words) in [
        (format!("{before}/nothing"), "database \"nothing\" does not exist"),
        (url.replace("Sql-Passw0rd", "Wr0ng"), "password authentication failed for user \"sekisho\""),
        (format!("{before}/template1"), "permission denied for schema public"),
        ("postgres://sekisho:Sql-Passw0rd@127.0.0.1:1/x".to_owned(), "Connection refused"),
    ] {
        let error = Store::open(&url).await.unwrap_err().to_string();
        assert!(error.contains(words), "{words} in {error}");
        assert!(!error.contains("Passw0rd") && !error.contains("Wr0ng"), "{error}");
    }
}
