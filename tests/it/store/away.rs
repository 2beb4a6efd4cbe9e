//! A PostgreSQL server that goes away, hangs or locks: nobody is told something wrong, and all is well again afterwards
//! without a restart.

use std::sync::Arc;

use sekisho::store::{Store, StoreError, Write};

use crate::faults::{POLICY, ask, enter, received, refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::postgres::{Database, Postgres};
use crate::support::sp::Sp;

fn memo(key: &str) -> Write {
    Write::PutMemo { key: key.into(), body: String::new(), expires_ms: 9 }
}

async fn serve(database: &Database, sp: &Sp) -> TestServer {
    let mut folder = Folder::new();
    folder.set("store.url", database.url());
    folder.register("sp", sp, POLICY);
    TestServer::start(folder).await
}

/// A server of its own, and a database on it.
async fn alone() -> (Arc<Postgres>, Database) {
    let server = Arc::new(Postgres::start().await);
    let database = Database::on(&server);
    (server, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_while_it_is_away_and_served_when_it_is_back() {
    let sp = Sp::new("kintai");
    let (postgres, database) = alone().await;
    let mut server = serve(&database, &sp).await;
    let (mut warm, mut cold) = (Browser::new(), Browser::new());
    received(&server, &sp, &enter(&server, &mut warm, &sp, TANAKA).await);
    let page = ask(&server, &mut cold, &sp).await;
    postgres.stop().await;
    let (signed, again, wrong) = tokio::join!(
        async { sign_in(&mut cold.clone(), &page, SUZUKI).await },
        async { ask(&server, &mut warm.clone(), &sp).await },
        async { enter(&server, &mut Browser::new(), &sp, (SUZUKI.0, "wrong")).await },
    );
    refused(&signed, 503, "SK-STORE");
    refused(&again, 503, "SK-STORE");
    refused(&wrong, 503, "SK-STORE");
    assert_eq!(Browser::new().open(&server.url("/readyz")).await.status, 503);
    assert_eq!(Browser::new().open(&server.url("/healthz")).await.status, 200);
    let log = server.log();
    assert!(log.contains("Connection refused") || log.contains("no connection in time"), "{log}");
    assert!(!log.contains("Passw0rd"), "{log}");

    postgres.restart().await;
    // The very first one of each kind.
    received(&server, &sp, &sign_in(&mut cold, &page, SUZUKI).await);
    received(&server, &sp, &ask(&server, &mut warm, &sp).await);
    assert_eq!(Browser::new().open(&server.url("/readyz")).await.status, 200);
    assert_eq!(server.stop().await, Some(0));
}

/// Every connection is broken, and the server is there: nobody notices.
#[tokio::test]
async fn connections_that_broke_are_made_anew_before_anything_is_lost() {
    let database = Database::new().await;
    let store = Store::open(&database.url()).await.unwrap();
    let state = store.sync_state().await.unwrap();
    let breaks = || {
        database.run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    };
    store.commit(vec![memo("a")]).await.unwrap();
    breaks();
    store.commit(vec![memo("b")]).await.unwrap();
    assert!(store.memo("b", 0).await.unwrap().is_some());
    breaks();
    assert!(store.first_use("c", 9).await.unwrap());
    assert!(state.lease("t", "one", (0, 9)).await.unwrap());
    breaks();
    assert!(store.take_memo("a", 0).await.unwrap().is_some());
    assert!(state.commit("t", None, vec![]).await.unwrap());
    assert_eq!(state.leased("t").await.unwrap(), Some(("one".to_owned(), 9)));
    breaks();
    assert_eq!(store.purge(9).await.unwrap(), 2);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn who_waits_for_a_lock_waits_no_longer_than_promised() {
    let database = Database::new().await;
    let store = Store::open(&database.url()).await.unwrap();
    store.commit(vec![memo("a")]).await.unwrap();
    let lock = database.lock("memo");
    let ticket = store.defer(memo("deferred")).unwrap();
    let error = store.commit(vec![memo("b")]).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    assert!(matches!(store.memo("a", 0).await, Err(StoreError::Busy { .. })), "reading waits as well");
    assert!(!store.landed(ticket));
    lock.release(&database);
    store.commit(vec![memo("c")]).await.unwrap();
    assert!(store.landed(ticket));
    assert!(store.memo("deferred", 0).await.unwrap().is_some());
    assert_eq!(store.memo("b", 0).await.unwrap(), None, "who was told no is not written later");
}

/// It takes connections and answers nobody, as behind a broken line.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_is_given_up() {
    let (postgres, database) = alone().await;
    let store = Store::open(&database.url()).await.unwrap();
    store.commit(vec![memo("a")]).await.unwrap();
    assert!(store.memo("a", 0).await.unwrap().is_some());
    postgres.pause();
    let (written, read, ready) =
        tokio::join!(store.commit(vec![memo("b")]), store.memo("a", 0), store.ping());
    for error in [written.unwrap_err(), read.unwrap_err(), ready.unwrap_err()] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    postgres.resume();
    store.commit(vec![memo("c")]).await.unwrap();
    assert!(store.memo("c", 0).await.unwrap().is_some());
}

/// After a failover the old server may be a copy: it answers, and takes nothing.
#[tokio::test]
async fn one_that_only_reads_is_not_ready() {
    let database = Database::new().await;
    let store = Store::open(&database.url()).await.unwrap();
    store.ping().await.unwrap();
    database.run(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name()));
    database.run(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    let error = store.ping().await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
}
