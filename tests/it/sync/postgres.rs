//! Synchronisation with its state in PostgreSQL: whole runs, two nodes, and what happens when one of them or the database
//! goes away.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::process::Stdio;
use std::sync::Arc;

use sekisho::store::Store;

use super::rig::{Run, command, folder, run_in};
use crate::support::folder::Folder;
use crate::support::postgres::{Database, Postgres};
use crate::support::process::wait_until;
use crate::support::scim_sink::{Faults, ScimSink};
use crate::support::slapd::{BASE, Copies, Slapd};

const PEOPLE: usize = 400;

/// A directory, a service, a database, and a node.
struct Company {
    slapd: Slapd,
    sink: ScimSink,
    database: Database,
    node: Folder,
}

impl Company {
    async fn new(people: usize, faults: Faults) -> Self {
        Self::on(Database::new().await, people, faults).await
    }

    async fn on(database: Database, people: usize, faults: Faults) -> Self {
        let slapd = Slapd::start_source(Copies::Log, people);
        let sink = ScimSink::start(5, faults).await;
        let node = another_node(&slapd, &sink, &database);
        Self { slapd, sink, database, node }
    }

    fn another_node(&self) -> Folder {
        another_node(&self.slapd, &self.sink, &self.database)
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run_in(&self.node, arguments, "")
    }

    /// Begins a run whose words go to the file `runs`.
    fn begin(&self) -> tokio::process::Child {
        let log = || File::options().create(true).append(true).open(self.node.path("runs")).unwrap();
        let mut command = tokio::process::Command::from(command(&self.node, &["run", "idp"]));
        command.stdin(Stdio::null()).stdout(log()).stderr(log()).kill_on_drop(true).spawn().unwrap()
    }

    /// Must end well; how many requests changed something.
    fn carried(&self, arguments: &[&str]) -> u64 {
        let before = self.sink.counts().0;
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}\n{}", run.out, run.err);
        self.sink.counts().0 - before
    }

    /// Everybody is there, once, and another run writes nothing.
    fn check(&self, people: usize) {
        let wanted: BTreeSet<String> = (0..people).map(|number| format!("m{number}@example.test")).collect();
        assert_eq!(self.sink.users().into_keys().collect::<BTreeSet<_>>(), wanted);
        assert_eq!(self.sink.made_twice(), [""; 0], "nobody is sent twice to be made");
        self.sink.behave();
        assert_eq!(self.carried(&["run", "idp", "--full"]), 0, "one more run writes nothing");
    }
}

fn another_node(slapd: &Slapd, sink: &ScimSink, database: &Database) -> Folder {
    let keys = format!("objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\n");
    let mut folder = folder(&sink.url, &Slapd::directory(&[slapd]), &keys);
    folder.set("store.url", database.url());
    folder.write_config();
    folder
}

const NO_FAULTS: Faults = Faults { lost: 0, busy: 0 };

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_carried_held_back_allowed_paused_and_resumed() {
    let company = Company::new(120, NO_FAULTS).await;
    assert_eq!(company.carried(&["run", "idp"]), 120);
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"], &["check", "idp", "--full"]] {
        assert_eq!(company.carried(arguments), 0, "{arguments:?}: nothing has changed");
    }
    let renamed =
        |number| format!("dn: uid=m{number},ou=many,{BASE}\nchangetype: modify\nreplace: sn\nsn: 田中\n\n");
    company.slapd.modify(&(0..7).map(renamed).collect::<String>());
    assert_eq!(company.carried(&["run", "idp"]), 7);
    assert_eq!(company.sink.users()["m3@example.test"]["name"]["familyName"], "田中");

    let gone = |number| format!("dn: uid=m{number},ou=many,{BASE}\nchangetype: delete\n\n");
    company.slapd.modify(&(0..60).map(gone).collect::<String>());
    let before = company.sink.counts().0;
    let run = company.run(&["run", "idp", "--full"]);
    assert_eq!((run.code, company.sink.counts().0), (1, before), "{}\n{}", run.out, run.err);
    let status = company.run(&["status", "idp"]).out;
    let number: u32 = {
        let (before, _) = status.split_once(" holds 60 back").unwrap_or_else(|| panic!("{status}"));
        before.rsplit_once("run ").unwrap().1.parse().unwrap()
    };
    assert_eq!(company.carried(&["allow", &number.to_string()]), 60);
    assert_eq!(company.sink.users().values().filter(|user| user["active"] == false).count(), 60);

    company.slapd.modify(&(100..103).map(renamed).collect::<String>());
    assert_eq!(company.run(&["pause", "idp"]).code, 0);
    let other = company.another_node();
    let before = company.sink.counts().0;
    for node in [&company.node, &other] {
        let run = run_in(node, &["run", "idp"], "");
        assert_eq!((run.code, company.sink.counts().0), (1, before), "{}\n{}", run.out, run.err);
        assert!(format!("{}{}", run.out, run.err).contains("paused"), "{}\n{}", run.out, run.err);
    }
    assert_eq!(company.carried(&["resume", "idp"]), 3);
    assert_eq!(company.carried(&["run", "idp", "--full"]), 0);
}

/// One synchronises, the other is told who does; when the first one dies, its lease lapses, and the other goes on.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_synchronises_and_the_other_takes_over_when_it_dies() {
    let company = Company::new(PEOPLE, NO_FAULTS).await;
    company.sink.fall_silent_after(PEOPLE as u64 / 2);
    let mut first = company.begin();
    company.sink.silent().await;
    let other = company.another_node();
    let told = run_in(&other, &["run", "idp"], "");
    let holder = company.database.run("SELECT holder FROM sync_lease WHERE target = 'idp'");
    assert_eq!(told.code, 1, "{}\n{}", told.out, told.err);
    assert!(told.err.contains(&holder) && told.err.contains("is synchronised by"), "{holder}: {}", told.err);
    let [host, process, random] = holder.split(':').collect::<Vec<_>>()[..] else { panic!("{holder}") };
    assert_eq!(process, first.id().unwrap().to_string());
    assert!(!host.is_empty() && random.len() == 16, "{holder}");
    let status = |holder: &str| {
        let out = run_in(&other, &["status", "idp"], "").out;
        assert!(out.contains(&format!(", a run is under way ({holder})\n")), "{holder}: {out}");
        let out = run_in(&other, &["status", "idp", "--json"], "").out;
        assert!(out.contains(&format!("\"holder\": \"{holder}\"")), "{holder}: {out}");
    };
    status(&holder);
    first.kill().await.unwrap();
    company.sink.speak();
    assert_eq!(run_in(&other, &["run", "idp"], "").code, 1, "it may be alive");
    // A minute passes.
    company.database.run("UPDATE sync_lease SET until_ms = until_ms - 60000");
    let run = run_in(&other, &["run", "idp"], "");
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    company.check(PEOPLE);
    assert_eq!(company.database.run("SELECT count(*) FROM sync_lease"), "0", "who ends, ends the lease");
    // An earlier program called itself by a word alone.
    let word = "K4SB2R5QXM7WZP3D";
    company.database.run(&format!("INSERT INTO sync_lease VALUES ('idp', '{word}', 4000000000000)"));
    let told = run_in(&other, &["run", "idp"], "");
    assert!(told.err.contains(&format!("is synchronised by {word} at the moment")), "{}", told.err);
    status(word);
}

/// A node that was cut off from the database for longer than its lease, and comes back in the middle of its run.
#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_stops_and_writes_nothing_more() {
    let company = Company::new(PEOPLE, NO_FAULTS).await;
    company.sink.fall_silent_after(PEOPLE as u64 / 2);
    let mut first = company.begin();
    company.sink.silent().await;
    company.database.run("UPDATE sync_lease SET holder = 'another node', until_ms = until_ms + 600000");
    let progress = "SELECT string_agg(state || ' ' || at_ms, ',' ORDER BY run, seq) FROM sync_operation";
    let (before, links) =
        (company.database.run(progress), company.database.run("SELECT count(*) FROM sync_link"));
    company.sink.speak();
    let status = first.wait().await.unwrap();
    let said = company.node.read("runs");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("the lease was lost"), "{said}");
    assert_eq!(company.database.run(progress), before, "nothing was noted any more");
    assert_eq!(company.database.run("SELECT count(*) FROM sync_link"), links);
    company.database.run("DELETE FROM sync_lease");
    assert_eq!(company.run(&["run", "idp"]).code, 0);
    company.check(PEOPLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_in_the_middle_lose_nothing_and_make_nothing_twice() {
    let company = Company::new(PEOPLE, Faults { lost: 5, busy: 5 }).await;
    for kill in 0..4 {
        company.sink.fall_silent_after(60 + 20 * kill);
        let mut child = company.begin();
        tokio::select! {
            status = child.wait() => panic!("it ended before it was killed: {status:?}"),
            () = company.sink.silent() => child.kill().await.unwrap(),
        }
        company.sink.speak();
        company.database.run("DELETE FROM sync_lease");
    }
    let mut log = String::new();
    for _ in 0..20 {
        let run = company.run(&["run", "idp"]);
        writeln!(log, "{}{}", run.out, run.err).unwrap();
        if run.code == 0 {
            return company.check(PEOPLE);
        }
    }
    panic!("no end:\n{log}");
}

/// Stopped when half is carried, and started again on the same port.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_database_goes_away_says_so_and_the_next_one_goes_on() {
    let postgres = Arc::new(Postgres::start().await);
    let company = Company::on(Database::on(&postgres), PEOPLE, NO_FAULTS).await;
    company.sink.fall_silent_after(PEOPLE as u64 / 2);
    let mut run = company.begin();
    company.sink.silent().await;
    postgres.stop().await;
    company.sink.speak();
    let status = run.wait().await.unwrap();
    let said = company.node.read("runs");
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("store postgres://sekisho:***@127.0.0.1"), "{said}");
    assert!(!said.contains("Passw0rd"), "{said}");
    let away = company.run(&["run", "idp"]);
    assert!(away.code == 1 && away.err.contains("Connection refused"), "{}", away.err);

    postgres.restart().await;
    company.database.run("DELETE FROM sync_lease");
    let run = company.run(&["run", "idp"]);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    company.check(PEOPLE);
}

/// Beside a server, which must not need a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_goes_on_when_the_database_is_back() {
    let postgres = Arc::new(Postgres::start().await);
    let mut company = Company::on(Database::on(&postgres), 3, NO_FAULTS).await;
    let target = company.node.config["sync"][0].as_table_mut().unwrap();
    target.insert("schedule".to_owned(), "10s".into());
    let folder = std::mem::take(&mut company.node);
    let mut server = crate::support::app::TestServer::start(folder).await;
    let sink = &company.sink;
    wait_until("everybody is there", || sink.users().len() == 3).await;
    postgres.stop().await;
    company
        .slapd
        .modify(&format!("dn: uid=m1,ou=many,{BASE}\nchangetype: modify\nreplace: sn\nsn: changed\n"));
    server.process.wait_for_log("store postgres://sekisho:***@").await;
    postgres.restart().await;
    let family = || sink.users()["m1@example.test"]["name"]["familyName"].clone();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(3);
    while family() != "changed" {
        assert!(std::time::Instant::now() < deadline, "{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(sink.counts().0, 4, "three are made, one is changed");
    assert_eq!(server.stop().await, Some(0));
}

/// The state as two processes see it, without a directory or a service.
#[tokio::test]
async fn a_lease_is_one_nodes_at_the_same_moment() {
    let database = Database::new().await;
    let mut nodes = Vec::new();
    for _ in 0..6 {
        nodes.push(Store::open(&database.url()).await.unwrap().sync_state().await.unwrap());
    }
    for round in 0..20 {
        let now = round * 100;
        let asks = nodes.iter().cloned().enumerate().map(|(at, node)| {
            tokio::spawn(
                async move { node.lease("t", &format!("{round}/{at}"), (now, now + 100)).await.unwrap() },
            )
        });
        let mut holders = 0;
        for ask in asks.collect::<Vec<_>>() {
            holders += usize::from(ask.await.unwrap());
        }
        assert_eq!(holders, 1, "round {round}");
    }
}
