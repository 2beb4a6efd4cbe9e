//! `make bench`: what one core of this machine does, per second of the server's CPU time, beside what raw OpenSSL does
//! on the same core. The server has core 0; the load, slapd and the judges have the others. Nothing is asserted but
//! that every Response verifies: figures are for people. `cargo bench --bench throughput promises` measures what is
//! promised in seconds and nothing else, `encryption` what an encrypted assertion costs, `logout` how fast people are
//! signed out, `directory` what signing in at LDAP costs, `sync` what synchronisation costs.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement stops at the first thing that is not as it must be"
)]

mod client;
mod directory;
mod hostile;
mod load;
mod logout;
mod promises;
mod report;
mod server;
#[path = "../../tests/it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a bench uses a part of it")]
mod support;
mod sync;

use std::process::Command;

use openssl::nid::Nid;

use load::{Run, Work};
use report::{Goal, Report};
use server::Server;
use support::folder::{Folder, TANAKA};
use support::pki::Pair;
use support::slapd::{self, Slapd};
use support::sp::Sp;

/// Floors are measured with the allocator of what stands on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each load runs.
const SECONDS: u64 = 8;
/// Kept connections, each with a person who signs on again and again.
const CONNECTIONS: usize = 16;

fn main() {
    move_to_core(1);
    let mut report = Report::new();
    let only = |what: &str| std::env::args().any(|argument| argument == what);
    if only("encryption") {
        encryption(&mut report);
    } else if only("logout") {
        logouts(&mut report);
    } else if only("directory") {
        directory::measure(&mut report);
    } else if only("sync") {
        sync::measure(&mut report);
    } else {
        if !only("promises") {
            rates(&mut report);
            encryption(&mut report);
            logouts(&mut report);
            directory::measure(&mut report);
            sync::measure(&mut report);
        }
        promises::measure(&mut report);
    }
    println!("{report}");
}

fn rates(report: &mut Report) {
    let (one, rsa) = beside("rsa2048", || warm("assertion", None));
    report.fact("openssl speed rsa2048, signatures/s", rsa);
    report.rate("warm sign-on, one RSA-2048 signature", one.rate(), 0.80 * rsa);
    report.fact("  of the raw rate", one.rate() / rsa);
    let (two, rsa) = beside("rsa2048", || warm("both", None));
    report.fact("openssl speed rsa2048, signatures/s", rsa);
    report.rate("warm sign-on, two RSA-2048 signatures", two.rate(), 0.85 * rsa / 2.0);
    report.fact("  of half the raw rate", two.rate() / (rsa / 2.0));
    report.fact("openssl speed ecdsap256, signatures/s", openssl_speed("ecdsap256"));
    let curve = warm("assertion", Some(&Pair::ec(Nid::X9_62_PRIME256V1)));
    report.rate("warm sign-on, one EC P-256 signature", curve.rate(), 8_000.0);

    let cold = cold();
    report.rate("cold sign-in at slapd, two RSA-2048 signatures", cold.rate(), 1_000.0);
    let memory = [&one, &two, &curve, &cold].into_iter().map(|run| run.peak_mb).fold(0.0, f64::max);
    report.limit("memory after the run (VmRSS), MB", cold.resident_mb, Goal::Below(40.0));
    report.limit("memory at its highest of all runs (VmHWM), MB", memory, Goal::Below(40.0));
    report.limit(
        "start to first answer, ms (median of 9)",
        server::start_to_first_answer(9),
        Goal::Below(150.0),
    );
    report.limit("binary, MB", server::binary_mb(), Goal::Below(15.0));
    report.fact("Responses verified by xmlsec1", [one, two, curve, cold].iter().map(Run::verified).sum());
}

/// Assertions in the clear and encrypted, by turns since virtual machines have neighbours: what is left of the rate.
fn encryption(report: &mut Report) {
    let encrypted = "sign = \"both\"\nencrypt = \"always\"";
    let round = || {
        let clear = warm("both", None).rate();
        let sealed = warm_by(encrypted, None).rate();
        (sealed / f64::midpoint(clear, warm("both", None).rate()), sealed)
    };
    let mut rounds = [round(), round(), round()];
    rounds.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (share, rate) = rounds[1];
    report.fact("warm sign-on, two RSA-2048 signatures, encrypted, /CPU-s", rate);
    report.limit("  of the rate in the clear", share, Goal::AtLeast(0.90));
}

fn logouts(report: &mut Report) {
    let (rate, rsa) = beside("rsa2048", logout::rate);
    report.fact("openssl speed rsa2048, signatures/s", rsa);
    report.rate("logouts by redirect, a second SP in the session", rate, 1_200.0);
    report.fact("  of half the raw rate: two signatures", rate / (rsa / 2.0));
}

/// A person who has a session signs on to an SP with a fresh request each time.
fn warm(sign: &str, pair: Option<&Pair>) -> Run {
    warm_by(&format!("sign = \"{sign}\""), pair)
}

fn warm_by(policy: &str, pair: Option<&Pair>) -> Run {
    let mut folder = Folder::new();
    if let Some(pair) = pair {
        folder.use_key(pair);
    }
    let sp = register(&folder, policy);
    let server = Server::start(folder);
    load::run(&server, &Work { sp: &sp, people: &[(TANAKA.0.to_owned(), TANAKA.1.to_owned())], warm: true })
}

/// Request, sign-in page, password, Response; people come from slapd by search and bind.
fn cold() -> Run {
    let slapd = Slapd::start();
    let mut folder = Folder::new();
    let directory = format!(
        "name = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\nbind_dn = \"{}\"\nbind_password = \"{}\"\n\
         search_base = \"{}\"\nlogin_filter = \"(&(objectClass=inetOrgPerson)(uid={{login}}))\"\n",
        slapd.ldap_url(),
        slapd::READER,
        slapd::READER_PASSWORD,
        slapd::BASE
    );
    let directory: toml::Table = directory.parse().unwrap();
    folder.set("directory", vec![directory]);
    let sp = register(&folder, "sign = \"both\"");
    let people: Vec<_> =
        (0..slapd::NUMBERED).map(|number| (format!("u{number}"), slapd::password_of(number))).collect();
    let server = Server::start(folder);
    load::run(&server, &Work { sp: &sp, people: &people, warm: false })
}

fn register(folder: &Folder, policy: &str) -> Sp {
    let sp = Sp::new("bench");
    let policy = format!("attributes = [\"uid\", \"mail\"]\nname_id_format = \"persistent\"\n{policy}\n");
    folder.register("bench", &sp, &policy);
    sp
}

/// Something that was done so many times per second of the server's CPU time.
trait Rated {
    fn rate(&self) -> f64;
}

impl Rated for Run {
    fn rate(&self) -> f64 {
        Self::rate(self)
    }
}

impl Rated for f64 {
    fn rate(&self) -> f64 {
        *self
    }
}

/// A load and the raw rate of the same core right before and after it. Virtual machines have neighbours, so that this is
/// done three times; the round in the middle counts.
fn beside<T: Rated>(algorithm: &str, load: impl Fn() -> T) -> (T, f64) {
    let mut rounds: Vec<(T, f64)> = (0..3)
        .map(|_| {
            let before = openssl_speed(algorithm);
            let run = load();
            (run, f64::midpoint(before, openssl_speed(algorithm)))
        })
        .collect();
    rounds.sort_by(|(one, raw), (other, beside)| (one.rate() / raw).total_cmp(&(other.rate() / beside)));
    rounds.swap_remove(1)
}

/// Signatures a second of the core that the server gets.
fn openssl_speed(algorithm: &str) -> f64 {
    let mut command = Command::new("taskset");
    let text = run(command.args(["-c", "0", "openssl", "speed", "-seconds", "2", algorithm]));
    // rsa 2048 bits 0.000231s 0.000007s   4335.1 149386.2
    let last = text.lines().last().unwrap_or_default();
    let rate = last.split_whitespace().rev().nth(1).and_then(|rate| rate.parse().ok());
    rate.unwrap_or_else(|| panic!("openssl speed {algorithm}: {text}"))
}

/// This process with all its threads, and what it starts from now on.
fn move_to_core(core: u8) {
    run(Command::new("taskset").args(["-a", "-p", "-c", &core.to_string(), &std::process::id().to_string()]));
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
