//! What synchronisation costs: 100,000 people of one slapd planned and carried, each figure beside its floor of the same
//! minutes. Nothing is pinned here: slapd, the service and sekisho share what cores there are.

mod sink;
mod world;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{LdapConnAsync, LdapConnSettings, Scope, SearchEntry};

use self::sink::Sink;
use self::world::{
    ALL, ATTRIBUTES, PEOPLE, TEN_THOUSAND, TWO_THOUSAND, Took, folder, folder_with, promote, sync,
};
use crate::report::{Goal, Report};
use crate::run;
use crate::server::Server;
use crate::support::folder::Folder;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::slapd::{READER, READER_PASSWORD, Slapd};

/// Changes a second apart.
const CHANGES: usize = 60;
/// Of how many the one in the middle counts: virtual machines have neighbours.
const ROUNDS: usize = 3;

/// Measures all of it.
pub fn measure(report: &mut Report) {
    let (own, cores) = (std::process::id().to_string(), fs::read_to_string("/sys/devices/system/cpu/online"));
    run(Command::new("taskset").args(["-a", "-p", "-c", cores.unwrap().trim(), &own]));
    load_of_machine(report);
    let slapd = world::directory();
    let sink = Sink::start(None);
    let all = folder(&slapd, &sink.url, PEOPLE);
    into_nothing(report, &all, &sink);
    full_plan(report, &slapd, &all);
    changes(report, &slapd, &all, &sink);
    one_person(report, &slapd, &all, &sink);
    slow_target(report, &slapd);
    real_service(report, &slapd);
    by_itself(report, &slapd, all, &sink);
    load_of_machine(report);
}

/// Everybody is created at a service that keeps nothing.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn into_nothing(report: &mut Report, all: &Folder, sink: &Sink) {
    let took = sync(all, &["run", "idp"]);
    let seen = sink.take();
    assert_eq!(seen.created, PEOPLE, "{}", took.output);
    let body = seen.body.clone();
    let floor = sink::load(&sink.url, TOKEN, PEOPLE, |_| body.clone());
    sink.take();
    report.fact("creations by a plain load generator, 8 in flight, /s", floor);
    report.limit(
        "creations at a service that keeps nothing, 8 in flight, /s",
        seen.rate(),
        Goal::AtLeast(5_000.0),
    );
    report.fact("  with reading and planning before, /s", PEOPLE as f64 / took.seconds);
    report.fact("  CPU of sekisho, s", took.cpu_seconds);
    report.fact("  memory at its highest (VmHWM), MB", took.peak_mb);
}

/// Nothing has changed; everything is read.
fn full_plan(report: &mut Report, slapd: &Slapd, all: &Folder) {
    let bare = middle((0..ROUNDS).map(|_| bare_reading(slapd)).collect());
    let took = rounds(all, &["check", "idp", "--full"]);
    assert!(took.output.contains(&format!("Total={PEOPLE} Add=0")), "{}", took.output);
    report.fact("100,000 people read by bare ldap3, in pages, s", bare);
    report.limit("full plan, 100,000 people unchanged, s", took.seconds, Goal::Below(5.0));
    report.fact("  CPU of sekisho, s", took.cpu_seconds);
    report.limit("  memory at its highest (VmHWM), MB", took.peak_mb, Goal::Below(256.0));
}

/// Some have changed.
fn changes(report: &mut Report, slapd: &Slapd, all: &Folder, sink: &Sink) {
    let start = rounds(all, &["test", "idp"]);
    report.fact("`sekisho sync test`: a start and a word with the service, s", start.seconds);
    for (count, goal) in [(0, 0.1), (100, 0.2), (1_000, 0.5)] {
        if count > 0 {
            promote(slapd, 0..count, &format!("Chief of {count}"));
        }
        let took = rounds(all, &["check", "idp"]);
        assert!(took.output.contains(&format!("Modify={count}(")), "{}", took.output);
        let what = format!("plan of {count} changes among 100,000, beside the start, s");
        report.limit(&what, (took.seconds - start.seconds).max(0.0), Goal::Below(goal));
        report.fact("  with the start, s", took.seconds);
        report.fact("  CPU of sekisho, s", took.cpu_seconds);
        report.fact("  memory at its highest (VmHWM), MB", took.peak_mb);
        let run = sync(all, &["run", "idp"]);
        let seen = sink.take();
        assert_eq!(seen.changed, count, "{}", run.output);
        report.fact("  planned and carried out, s", run.seconds);
    }
}

/// On demand.
fn one_person(report: &mut Report, slapd: &Slapd, all: &Folder, sink: &Sink) {
    let time = |number: usize| {
        promote(slapd, number..number + 1, "Chief of all");
        let took = sync(all, &["run", "idp", "--user", &format!("p{number:05}")]);
        let seen = sink.take();
        assert_eq!(seen.changed, 1, "{}", took.output);
        took.seconds
    };
    let times = (5_000..5_000 + ROUNDS).map(time).collect();
    report.limit("one person on demand, of 100,000, s", middle(times), Goal::Below(1.0));
}

/// A service that takes 100 writes a second and refuses more.
fn slow_target(report: &mut Report, slapd: &Slapd) {
    let sink = Sink::start(Some(100.0));
    let took = sync(&folder(slapd, &sink.url, TWO_THOUSAND), &["run", "idp"]);
    let seen = sink.take();
    assert_eq!(seen.names.len(), TWO_THOUSAND, "somebody is missing\n{}", took.output);
    assert!(seen.names.values().all(|count| *count == 1), "somebody is there twice\n{}", took.output);
    let what = format!("useful writes at a service that allows 100 ({} refused), /s", seen.refused);
    report.limit(&what, seen.rate(), Goal::AtLeast(90.0));
}

/// 10,000 people into scim2-server, between two loads of as many by the generator: virtual machines have neighbours.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn real_service(report: &mut Report, slapd: &Slapd) {
    let sink = Sink::start(None);
    sync(&folder(slapd, &sink.url, TWO_THOUSAND), &["run", "idp"]);
    let body = sink.take().body;
    let login = sink::name(&body).split('@').next().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let plain = || {
        let server = runtime.block_on(ScimServer::scim2());
        sink::load(&server.url, TOKEN, TEN_THOUSAND, |number| body.replace(&login, &format!("g{number:05}")))
    };
    let before = plain();
    let carried = |more: &str| {
        let server = runtime.block_on(ScimServer::scim2());
        let took = sync(&folder_with(slapd, &server.url, TEN_THOUSAND, more), &["run", "idp"]);
        let all = format!("Add={TEN_THOUSAND}({TEN_THOUSAND} succeeded)");
        assert!(took.output.contains(&all), "{}", took.output);
        TEN_THOUSAND as f64 / took.seconds
    };
    let single = carried("bulk = false\n");
    let plain = f64::midpoint(before, plain());
    report.fact("10,000 creations at scim2-server by a plain load generator, /s", plain);
    report.fact("10,000 people carried to scim2-server, each by a request, the whole run, /s", single);
    report.limit("  of the load generator's rate", single / plain, Goal::AtLeast(0.9));
    let bulk = carried("");
    report.fact("the same in bulk requests, as the preset has it, /s", bulk);
    report.limit("  of the load generator's rate", bulk / plain, Goal::AtLeast(0.9));
}

/// Beside a server that listens to the directory: how long changes take that are made one after the other.
fn by_itself(report: &mut Report, slapd: &Slapd, mut all: Folder, sink: &Sink) {
    let targets = all.config.get_mut("sync").and_then(toml::Value::as_array_mut).unwrap();
    let target = targets[0].as_table_mut().unwrap();
    target.insert("schedule".to_owned(), "1h".into());
    target.insert("watch".to_owned(), true.into());
    let server = Server::start(all);
    let title = |number: usize| format!("Chief of the hour {number}.");
    let made: Vec<Instant> = (0..CHANGES)
        .map(|number| {
            let made = Instant::now();
            promote(slapd, number..number + 1, &title(number));
            thread::sleep(Duration::from_secs(1).saturating_sub(made.elapsed()));
            made
        })
        .collect();
    let mut came = Vec::new();
    while came.len() < CHANGES {
        thread::sleep(Duration::from_millis(100));
        assert!(made[0].elapsed() < Duration::from_mins(3), "{} of {CHANGES} came", came.len());
        came.extend(sink.take().changes);
    }
    drop(server);
    let mut times: Vec<f64> = made
        .iter()
        .enumerate()
        .map(|(number, made)| {
            let (_, at) = came.iter().find(|(body, _)| body.contains(&title(number))).unwrap();
            at.duration_since(*made).as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    report.limit(
        "a change until it is carried, `watch = true`, p95 of 60, s",
        times[CHANGES * 95 / 100],
        Goal::Below(10.0),
    );
}

/// What the plan reads, read by nobody who does anything with it.
fn bare_reading(slapd: &Slapd) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let started = Instant::now();
    let count = runtime.block_on(async {
        let settings = LdapConnSettings::new().set_no_tls_verify(true);
        let (connection, mut ldap) =
            LdapConnAsync::with_settings(settings, &slapd.ldaps_url()).await.unwrap();
        ldap3::drive!(connection);
        ldap.simple_bind(READER, READER_PASSWORD).await.unwrap().success().unwrap();
        let adapters: Vec<Box<dyn Adapter<_, _>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(1000))];
        let names: Vec<&str> = ATTRIBUTES.into_iter().chain(["entryUUID"]).collect();
        let mut search = ldap
            .streaming_search_with(adapters, ALL, Scope::Subtree, "(objectClass=inetOrgPerson)", names)
            .await
            .unwrap();
        let mut count = 0;
        while let Some(entry) = search.next().await.unwrap() {
            count += usize::from(!SearchEntry::construct(entry).attrs.is_empty());
        }
        count
    });
    assert_eq!(count, PEOPLE);
    started.elapsed().as_secs_f64()
}

/// The one in the middle by time.
fn rounds(folder: &Folder, arguments: &[&str]) -> Took {
    let mut all: Vec<Took> = (0..ROUNDS).map(|_| sync(folder, arguments)).collect();
    all.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    all.swap_remove(ROUNDS / 2)
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Others may use the same cores.
fn load_of_machine(report: &mut Report) {
    let text = fs::read_to_string("/proc/loadavg").unwrap();
    let load = text.split_whitespace().next().and_then(|load| load.parse().ok());
    report.fact("load of the machine in the last minute", load.unwrap());
}
