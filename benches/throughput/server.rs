//! The release binary on a core of its own, and what the kernel knows about it.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Connection;
use crate::support::folder::Folder;
use crate::support::process::Process;

const BINARY: &str = env!("CARGO_BIN_EXE_sekisho");

/// A running server, alone on core 0.
#[derive(Debug)]
pub struct Server {
    pub folder: Folder,
    process: Process,
    first_answer: Duration,
}

impl Server {
    /// Starts it and waits for its first answer.
    pub fn start(folder: Folder) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", "0", BINARY, "serve", "--config"]).arg(folder.write_config());
        let started = Instant::now();
        let process = Process::start(command.current_dir(folder.root()), &folder.path("sekisho.log"));
        while !answers(&folder) {
            assert!(started.elapsed() < Duration::from_secs(20), "no answer:\n{}", process.log());
            thread::sleep(Duration::from_millis(1));
        }
        Self { folder, process, first_answer: started.elapsed() }
    }

    /// User and system time of all threads.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // The second field is the name in parentheses; utime and stime are the 14th and 15th (proc(5)).
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
        // CLK_TCK is 100 on every Linux of today.
        ticks.sum::<f64>() / 100.0
    }

    /// How many connections to it are open on both sides.
    pub fn connections(&self) -> usize {
        let port = format!("{:04X}", self.folder.port);
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let is_open = |line: &str| {
            // sl, local_address, rem_address, st: 01 is ESTABLISHED (proc(5)).
            let mut fields = line.split_whitespace().skip(1);
            let local = fields.next().and_then(|address| address.split(':').nth(1));
            local == Some(port.as_str()) && fields.nth(1) == Some("01")
        };
        table.lines().filter(|line| is_open(line)).count()
    }

    /// `VmRSS` or `VmHWM`.
    pub fn memory_mb(&self, which: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()).unwrap();
        kilobytes.parse::<f64>().unwrap() / 1024.0
    }
}

fn answers(folder: &Folder) -> bool {
    let listens = TcpStream::connect((Ipv4Addr::LOCALHOST, folder.port)).is_ok();
    listens && Connection::open(folder).get("/healthz").status == 200
}

/// Milliseconds from the start of the process to its first answer, the median of some starts.
pub fn start_to_first_answer(starts: usize) -> f64 {
    let mut times: Vec<Duration> = (0..starts).map(|_| Server::start(Folder::new()).first_answer).collect();
    times.sort_unstable();
    times[starts / 2].as_secs_f64() * 1000.0
}

/// The size of the binary.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn binary_mb() -> f64 {
    fs::metadata(BINARY).unwrap().len() as f64 / 1e6
}
