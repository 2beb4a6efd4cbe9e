//! A program that a test runs beside itself: started with its output in a file, awaited, signalled, and gone when the
//! test is.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running program. Dropping it kills it and what it started, and shows the end of its log when the test failed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

/// What can be told to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Term,
    Interrupt,
    Quit,
    Kill,
    Stop,
    Continue,
}

impl Signal {
    /// As `kill -s` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

impl Process {
    /// Starts a program; what it writes, on both outputs, is appended to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = File::options().create(true).append(true).open(log).expect("the log file");
        let errors = output.try_clone().expect("the log file twice");
        let child = command
            .stdin(Stdio::null())
            // A group of its own, so that what it starts goes with it.
            .process_group(0)
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, child, log: log.to_owned() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it wrote so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn end_of_log(&self) -> String {
        const LINES: usize = 60;
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    /// Waits until `ready` says yes. Panics with the log when the program ends before, or after 60 seconds.
    pub async fn wait_until<F: Future<Output = bool>>(&mut self, what: &str, ready: impl Fn() -> F) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !ready().await {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended ({status}) before {what}:\n{}", self.name, self.log());
            }
            assert!(Instant::now() < deadline, "{}: no {what} after 60 s:\n{}", self.name, self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the log holds this text.
    pub async fn wait_for_log(&mut self, text: &str) {
        let log = self.log.clone();
        let holds = || {
            let found = fs::read_to_string(&log).unwrap_or_default().contains(text);
            async move { found }
        };
        self.wait_until(&format!("log line {text:?}"), holds).await;
    }

    pub fn signal(&self, signal: Signal) {
        let name = signal.name();
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().expect("kill");
        assert!(status.success(), "kill -s {name} {} ({})", self.id(), self.name);
    }

    /// Waits for the program's end, for 60 seconds at most.
    pub async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "{} does not end:\n{}", self.name, self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "whoever reads of a failed test wants to know why")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}, what it wrote last:\n{}", self.name, self.end_of_log());
        }
        // The group may be gone already; then there is nobody to tell.
        let group = format!("-{}", self.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// A TCP port of the loopback interface that was free a moment ago, below those that the system gives to connections: none
/// of them takes it before the server does, or while the server starts anew.
pub fn free_port() -> u16 {
    const FIRST: u32 = 11_000;
    const COUNT: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test binaries that run at the same time begin far from one another.
    let begin = std::process::id().wrapping_mul(7_919);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let candidate = |_| {
        let at = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        u16::try_from(FIRST + at).unwrap()
    };
    (0..COUNT).map(candidate).find(is_free).expect("a free port")
}

/// Waits until something holds that another thread brings about.
pub async fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
