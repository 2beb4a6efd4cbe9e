//! What signing in at an LDAP directory costs: our CPU beside the signatures, against a bare client over the same pools, and
//! with a first server that does not answer.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use openssl::nid::Nid;

use sekisho::clock::SystemClock;
use sekisho::directory::{Directory, LdapDirectory, LdapOptions, Login, Lookup, Verdict};
use sekisho::secret::Secret;

use crate::load::{self, Run, Work};
use crate::report::{Goal, Report};
use crate::server::Server;
use crate::support::folder::Folder;
use crate::support::pki::Pair;
use crate::support::slapd::{NUMBERED, Slapd, password_of};
use crate::{CONNECTIONS, SECONDS, move_to_core, openssl_speed, register, run};

const FILTER: &str = "(&(objectClass=inetOrgPerson)(uid={login}))";

/// Measures all of it.
pub fn measure(report: &mut Report) {
    cost(report);
    beside_a_bare_client(report);
    silent_first_server(report);
}

/// LDAPS, kept connections, two signatures.
fn cost(report: &mut Report) {
    let slapd = Slapd::start();
    let round = || {
        let before = signature_ms();
        let all = 1000.0 / sign_ins(&slapd, "both", None).rate();
        (all - before - signature_ms(), all)
    };
    let (beside, all) = middle([round(), round(), round()]);
    report.fact("cold sign-in over LDAPS, two RSA-2048 signatures, CPU ms", all);
    report.limit("  without the signatures, CPU ms", beside, Goal::Below(0.6));
}

/// What one signature takes while the other core is as busy as it is with slapd and the load: the two may be one to the
/// machine below.
fn signature_ms() -> f64 {
    1000.0 / beside_signatures(1, || openssl_speed("rsa2048"))
}

/// Does something while a core is busy with signatures, which give way to all else there.
fn beside_signatures<T>(core: u8, measured: impl FnOnce() -> T) -> T {
    let mut signing = Command::new("taskset");
    signing.args([
        "-c",
        &core.to_string(),
        "nice",
        "-n",
        "19",
        "openssl",
        "speed",
        "-seconds",
        "60",
        "rsa2048",
    ]);
    let mut signing = signing.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let measured = measured();
    signing.kill().and_then(|()| signing.wait()).unwrap();
    measured
}

/// The password hash takes more than everything else. slapd has a core for itself, as it has it with the bare client: the
/// load shares the other one with the server. The two cores may be one to the machine below, so that slapd is slower beside
/// a busy one: the bare client is also measured while the rest of its core makes signatures.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn beside_a_bare_client(report: &mut Report) {
    let (slapd, curve) = (Slapd::start_hashed(), Pair::ec(Nid::X9_62_PRIME256V1));
    let round = || {
        let (before, busy_before) = (bare_client(&slapd), beside_signatures(0, || bare_client(&slapd)));
        move_to_core(0);
        let ours = sign_ins(&slapd, "assertion", None).count() / SECONDS as f64;
        let by_curve = sign_ins(&slapd, "assertion", Some(&curve)).count() / SECONDS as f64;
        move_to_core(1);
        let busy = f64::midpoint(busy_before, beside_signatures(0, || bare_client(&slapd)));
        let bare = f64::midpoint(before, bare_client(&slapd));
        (ours / bare, (ours, by_curve, bare, busy))
    };
    let (share, (ours, by_curve, bare, busy)) = middle([round(), round(), round()]);
    report.fact("search and bind by a bare client, 16 at once, {CRYPT} sha512, /s", bare);
    report.fact("  while the rest of its core makes signatures, /s", busy);
    report.fact("sign-ins, 16 at once, one RSA-2048 signature each, /s", ours);
    report.limit("  of the bare client's rate", share, Goal::AtLeast(0.8));
    report.fact("  of its rate beside signatures", ours / busy);
    report.fact("sign-ins, 16 at once, one EC P-256 signature each, /s", by_curve);
    report.limit("  of the bare client's rate", by_curve / bare, Goal::AtLeast(0.8));
}

/// Virtual machines have neighbours: the round in the middle counts.
fn middle<T: Copy>(mut rounds: [(f64, T); 3]) -> (f64, T) {
    rounds.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    rounds[1]
}

/// Nobody answers at the first address, which takes connections; at the second slapd does.
fn silent_first_server(report: &mut Report) {
    let slapd = Slapd::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(&slapd);
    options.urls.insert(0, format!("ldaps://127.0.0.1:{}", silent.local_addr().unwrap().port()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut times = runtime.block_on(async {
        let directory = LdapDirectory::new(options, Arc::new(SystemClock)).unwrap();
        let mut times = Vec::new();
        for number in 0..100 {
            let started = Instant::now();
            sign_in(&directory, number % NUMBERED).await;
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        times
    });
    report.limit("first sign-in with a silent first server, ms", times.remove(0), Goal::Below(300.0));
    let slowest = times.into_iter().fold(0.0, f64::max);
    report.limit("slowest of the 99 after it, ms", slowest, Goal::Below(50.0));
}

/// As many as there can be, at the server.
fn sign_ins(slapd: &Slapd, sign: &str, pair: Option<&Pair>) -> Run {
    let mut folder = Folder::new();
    if let Some(pair) = pair {
        folder.use_key(pair);
    }
    let directory = format!("{}login_filter = {FILTER:?}\n", Slapd::directory(&[slapd]));
    folder.set("directory", vec![directory.parse::<toml::Table>().unwrap()]);
    let sp = register(&folder, &format!("sign = \"{sign}\""));
    let people: Vec<_> = (0..NUMBERED).map(|number| (format!("u{number}"), password_of(number))).collect();
    let server = Server::start(folder);
    load::run(&server, &Work { sp: &sp, people: &people, warm: false })
}

/// The same searches and binds a second without a server around them, on the core that the server has.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn bare_client(slapd: &Slapd) -> f64 {
    let (options, count) = (options(slapd), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&count);
    let client = thread::spawn(move || {
        let thread = std::fs::read_link("/proc/thread-self").unwrap();
        let thread = thread.file_name().unwrap().to_str().unwrap().to_owned();
        run(Command::new("taskset").args(["-p", "-c", "0", &thread]));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = Arc::new(LdapDirectory::new(options, Arc::new(SystemClock)).unwrap());
            let mut people = tokio::task::JoinSet::new();
            for person in 0..CONNECTIONS {
                let (directory, count) = (Arc::clone(&directory), Arc::clone(&counted));
                people.spawn(async move {
                    for turn in 0.. {
                        sign_in(&directory, (person + turn * CONNECTIONS) % NUMBERED).await;
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // The connections are opened in the first second.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let before = counted.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(SECONDS)).await;
            people.abort_all();
            counted.load(Ordering::Relaxed) - before
        })
    });
    client.join().unwrap() as f64 / SECONDS as f64
}

fn options(slapd: &Slapd) -> LdapOptions {
    LdapOptions { login_filter: FILTER.to_owned(), ..Slapd::options(&[slapd]) }
}

async fn sign_in(directory: &LdapDirectory, number: usize) {
    let found = directory.find(&Login::parse(&format!("u{number}")).unwrap()).await.unwrap();
    let Lookup::Found(candidate) = found else { panic!("u{number}: {found:?}") };
    let verdict = directory.verify(&candidate, &Secret::new(password_of(number))).await.unwrap();
    assert!(matches!(verdict, Verdict::Accepted(_)), "u{number}: {verdict:?}");
}
