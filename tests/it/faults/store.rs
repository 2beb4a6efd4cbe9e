//! A store that cannot be written to: no assertion leaves whose session is not recorded, and all is well again
//! afterwards without a restart.

use std::process::{Child, Command, Stdio};

use super::{ask, enter, folder_with, limit_files, received, refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::folder::{Folder, SUZUKI, TANAKA};
use crate::support::sp::{Sp, redirect};

/// Another process that holds the write lock of the database until it is dropped.
struct Lock(Child);

impl Lock {
    fn take(folder: &Folder) -> Self {
        let taken = folder.path("locked");
        let script = format!(
            "import sqlite3, sys, time\n\
             db = sqlite3.connect('{}', timeout=30, isolation_level=None)\n\
             db.execute('BEGIN IMMEDIATE')\n\
             open('{}', 'w').close()\n\
             sys.stdin.read()\n",
            folder.path("sekisho.db").display(),
            taken.display()
        );
        let child =
            Command::new("python3").args(["-c", &script]).stdin(Stdio::piped()).spawn().expect("python3");
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        while !taken.exists() {
            assert!(std::time::Instant::now() < deadline, "the lock is not to be had");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        std::fs::remove_file(taken).unwrap();
        Self(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether anything was issued to anybody, by the audit trail.
fn issued(server: &TestServer) -> usize {
    server.audit().iter().filter(|event| event["event"] == "assertion_issued").count()
}

#[tokio::test]
async fn a_locked_database_gives_503_and_no_assertion() {
    let (sp, other) = (Sp::new("kintai"), Sp::new("keihi"));
    let folder = folder_with(&sp);
    folder.register("other", &other, "");
    let server = TestServer::start(folder).await;
    let mut warm = Browser::new();
    received(&server, &sp, &enter(&server, &mut warm, &sp, TANAKA).await);
    let mut cold = Browser::new();
    let page = ask(&server, &mut cold, &sp).await;
    let before = issued(&server);

    let lock = Lock::take(&server.folder);
    refused(&sign_in(&mut cold, &page, SUZUKI).await, 503, "SK-UNAVAILABLE");
    refused(&ask(&server, &mut warm, &other).await, 503, "SK-UNAVAILABLE");
    refused(&enter(&server, &mut Browser::new(), &sp, (SUZUKI.0, "wrong")).await, 503, "SK-STORE");
    assert_eq!(issued(&server), before);
    // What is recorded already needs no write.
    received(&server, &sp, &ask(&server, &mut warm, &sp).await);
    assert!(server.log().contains("locked by another process"), "{}", server.log());

    drop(lock);
    received(&server, &other, &ask(&server, &mut warm, &other).await);
    received(&server, &sp, &sign_in(&mut cold, &page, SUZUKI).await);
}

#[tokio::test]
async fn a_full_disk_gives_503_and_no_assertion() {
    let sp = Sp::new("kintai");
    let mut server = TestServer::start_on_small_disk(folder_with(&sp)).await;
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, TANAKA).await);
    let mut cold = Browser::new();
    let page = ask(&server, &mut cold, &sp).await;
    let before = issued(&server);
    // The database's files cannot grow; the audit trail and the log, which are far smaller, can.
    let wal = std::fs::metadata(server.folder.path("sekisho.db-wal")).unwrap().len();
    let small = ["audit.jsonl", "sekisho.log"].map(|file| server.folder.read(file).len() as u64);
    assert!(small.iter().all(|size| size + 16_384 < wal), "{small:?} {wal}");
    limit_files(&server, Some(wal));
    refused(&sign_in(&mut cold, &page, SUZUKI).await, 503, "SK-UNAVAILABLE");
    refused(&enter(&server, &mut Browser::new(), &sp, SUZUKI).await, 503, "SK-UNAVAILABLE");
    assert_eq!(issued(&server), before);
    let ready = server.url("/readyz");
    let status = |browser: Browser| {
        let ready = ready.clone();
        async move { browser.clone().open(&ready).await.status }
    };
    server.process.wait_until("not ready", || async { status(Browser::new()).await == 503 }).await;

    limit_files(&server, None);
    server.process.wait_until("ready", || async { status(Browser::new()).await == 200 }).await;
    // The password was right and the session is there, so that nobody has to type it again.
    let response = received(&server, &sp, &ask(&server, &mut cold, &sp).await);
    // And it is recorded indeed.
    server.kill().await;
    server.restart().await;
    let again = received(&server, &sp, &ask(&server, &mut cold, &sp).await);
    assert_eq!(again.session_index(), response.session_index());
}

#[tokio::test]
async fn a_sign_out_holds_though_it_cannot_be_written_yet() {
    let sp = Sp::new("kintai");
    let server = TestServer::start(folder_with(&sp)).await;
    let mut browser = Browser::new();
    received(&server, &sp, &enter(&server, &mut browser, &sp, TANAKA).await);
    let stolen = browser.clone();
    let page = browser.open(&server.url("/logout")).await;
    let form = page.forms().into_iter().find(|form| form.action.path() == "/logout").expect("a form");
    let lock = Lock::take(&server.folder);
    browser.submit(&page, &form).await;
    let url = redirect(&server.sso(), &sp.request().xml(), None);
    assert!(!stolen.clone().open(&url).await.body.contains("SAMLResponse"));
    drop(lock);
    assert!(!stolen.clone().open(&url).await.body.contains("SAMLResponse"));
}
