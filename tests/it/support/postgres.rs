//! A real Debian PostgreSQL as a child process, in a temporary folder, on a free port, with a password.
//!
//! Texts are compared as in Japanese, not by their octets: so a database of a Japanese company does. The users of databases
//! own theirs and nothing else. The server is ended when its [`Postgres`] is dropped, and no other process ever is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::process::{Process, Signal, free_port};

/// Of the administrator and of `sekisho`.
const PASSWORD: &str = "Sql-Passw0rd!";

pub(crate) struct Postgres {
    folder: tempfile::TempDir,
    process: Mutex<Option<Process>>,
    port: u16,
    databases: AtomicU32,
}

/// A database of its own on a server that may have others.
pub(crate) struct Database {
    pub(crate) server: Arc<Postgres>,
    name: String,
}

impl Database {
    /// On the server that the tests share which run at this moment.
    pub(crate) async fn new() -> Self {
        static SHARED: tokio::sync::Mutex<Weak<Postgres>> = tokio::sync::Mutex::const_new(Weak::new());
        let mut shared = SHARED.lock().await;
        let server = match shared.upgrade() {
            Some(server) => server,
            None => Arc::new(Postgres::start().await),
        };
        *shared = Arc::downgrade(&server);
        drop(shared);
        Self::on(&server)
    }

    pub(crate) fn on(server: &Arc<Postgres>) -> Self {
        let name = format!("sekisho_{}", server.databases.fetch_add(1, Ordering::Relaxed));
        server.run("postgres", &format!("CREATE DATABASE {name} OWNER sekisho"));
        Self { server: Arc::clone(server), name }
    }

    /// For `[store] url`.
    pub(crate) fn url(&self) -> String {
        let password = PASSWORD.replace('!', "%21");
        format!("postgres://sekisho:{password}@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements as the administrator; the rows, a line each.
    pub(crate) fn run(&self, sql: &str) -> String {
        self.server.run(&self.name, sql)
    }

    /// Another client that holds a lock until it is dropped.
    pub(crate) fn lock(&self, tables: &str) -> Lock {
        let statements = format!("BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)");
        let mut command = self.server.psql(&self.name, &statements);
        let client = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let lock = Lock { client };
        let held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                    WHERE d.datname = current_database() AND l.mode = 'AccessExclusiveLock' AND l.granted";
        while self.run(held) == "0" {
            std::thread::sleep(Duration::from_millis(10));
        }
        lock
    }
}

/// See [`Database::lock`].
pub(crate) struct Lock {
    client: std::process::Child,
}

impl Lock {
    /// Ends it, and waits until the server has noticed.
    pub(crate) fn release(mut self, database: &Database) {
        self.client.kill().unwrap();
        self.client.wait().unwrap();
        database.run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
             WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()",
        );
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (process, databases) = (Mutex::new(None), AtomicU32::new(0));
        let server = Self { folder, process, port: free_port(), databases };
        fs::write(server.folder.path().join("password"), PASSWORD).unwrap();
        if is_root() {
            let given = Command::new("chown").args(["-R", "postgres:"]).arg(server.folder.path()).status();
            assert!(given.unwrap().success());
        }
        let made = as_postgres("initdb")
            .args(["--username=postgres", "--auth=scram-sha-256", "--pwfile=password", "--pgdata=data"])
            .args(["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=ja-JP"])
            .args(["--no-sync", "--no-instructions"])
            .current_dir(server.folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.restart().await;
        server.run("postgres", &format!("CREATE ROLE sekisho LOGIN PASSWORD '{PASSWORD}'"));
        server
    }

    /// Starts the server (again) on the same port, with the same data.
    pub(crate) async fn restart(&self) {
        self.stop().await;
        let mut command = as_postgres("postgres");
        command.args(["-D", "data", "-p", &self.port.to_string(), "-k", "", "-h", "127.0.0.1"]);
        for setting in ["fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=32MB"] {
            command.args(["-c", setting]);
        }
        let log = self.folder.path().join("log");
        let mut process = Process::start(command.current_dir(self.folder.path()), &log);
        let answers = || async { self.psql("postgres", "SELECT 1").output().unwrap().status.success() };
        process.wait_until("PostgreSQL answers", answers).await;
        *self.process.lock().unwrap() = Some(process);
    }

    /// Ends the server and whoever is connected; its data stay.
    pub(crate) async fn stop(&self) {
        let process = self.process.lock().unwrap().take();
        if let Some(mut process) = process {
            process.signal(Signal::Interrupt);
            process.ended().await;
        }
    }

    /// Everybody's connections stay open, and nobody gets an answer; new ones are not made either.
    pub(crate) fn pause(&self) {
        self.signal_all(Signal::Stop);
    }

    /// Goes on after [`Postgres::pause`].
    pub(crate) fn resume(&self) {
        self.signal_all(Signal::Continue);
    }

    fn signal_all(&self, signal: Signal) {
        let held = self.process.lock().unwrap();
        let Some(process) = held.as_ref() else { return };
        process.signal(signal);
        let children = format!("/proc/{0}/task/{0}/children", process.id());
        for child in fs::read_to_string(children).unwrap().split_whitespace() {
            // One may have ended by itself.
            let _ = Command::new("kill").args(["-s", signal.name(), child]).stderr(Stdio::null()).status();
        }
    }

    /// Runs statements as the administrator; the rows, a line each.
    fn run(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database, sql).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut command = Command::new(programs().join("psql"));
        command
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres", "-d", database])
            .args(["--no-psqlrc", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .env("PGPASSWORD", PASSWORD)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // One that is stopped ends nobody.
        self.signal_all(Signal::Continue);
        let Some(process) = self.process.get_mut().unwrap().take() else { return };
        // Its children are in groups of their own: it ends them itself, at once.
        process.signal(Signal::Quit);
        let stat = format!("/proc/{}/stat", process.id());
        let state = || fs::read_to_string(&stat).unwrap_or_default().rsplit(") ").next().map(str::to_owned);
        while state().is_some_and(|state| !state.is_empty() && !state.starts_with('Z')) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Where Debian has the programs of the newest version that is installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let versions = versions.map(|entry| entry.unwrap().path());
    versions.max_by_key(|path| number(path)).expect("a version of PostgreSQL").join("bin")
}

/// One of its programs, as the user that it is to run as: it refuses root.
fn as_postgres(program: &str) -> Command {
    let program = programs().join(program);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}
