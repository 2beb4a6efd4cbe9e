//! Runs that end before their end: by Ctrl-C, by a pause, by kill -9; what is told of them, and what the next one does. And
//! what failed, and is tried again at once when somebody asks for that.

use std::process::{Command, Stdio};

use sekisho::store::Store;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::Child;

use super::rig::{Rig, command, members};
use crate::support::app::TestServer;
use crate::support::http::client;
use crate::support::process::{free_port, wait_until};
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::scim_proxy::Conduct;
use crate::support::slapd::{BASE, Copies, Slapd};

async fn rig(slapd: &Slapd, keys: &str) -> Rig {
    let keys = format!("search_base = \"ou=many,{BASE}\"\nobjects = [\"user\"]\n{keys}");
    Rig::new(ScimServer::scim2().await, &Slapd::directory(&[slapd]), &keys).await
}

fn changed(uid: &str, name: &str) -> String {
    format!("dn: uid={uid},ou=many,{BASE}\nchangetype: modify\nreplace: sn\nsn: {name}\n\n")
}

/// The path of a person at the service.
async fn path(rig: &Rig, uid: &str) -> &'static str {
    let id = rig.users().await[&format!("{uid}@example.test")]["id"].as_str().unwrap().to_owned();
    Box::leak(format!("/Users/{id}").into_boxed_str())
}

/// The newest run first.
fn status(rig: &Rig) -> Value {
    let run = rig.sync(&["status", "idp", "--json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str::<Value>(&run.out).unwrap()[0].clone()
}

/// Two changes are carried, and one more, which comes after them, is what the service has no time for during an hour.
async fn held_up(slapd: &Slapd, rig: &Rig) {
    rig.carried(&["run", "idp"]);
    rig.proxy.next("PATCH", path(rig, "m2").await, Conduct::Answer(429, &["Retry-After: 3600"], ""));
    slapd.modify(&format!(
        "{}{}dn: uid=m2,ou=many,{BASE}\nchangetype: delete\n",
        changed("m0", "x"),
        changed("m1", "x")
    ));
}

/// A run that has come so far that it waits.
async fn waiting_run(rig: &Rig) -> Child {
    let mut command = tokio::process::Command::from(command(&rig.folder, &["run", "idp"]));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = child.spawn().unwrap();
    wait_until("it is told to wait", || rig.proxy.is_through()).await;
    child
}

/// Reads the log of a run until this stands in it.
async fn heard(child: &mut Child, words: &str) -> String {
    let mut log = Vec::new();
    let stream = child.stderr.as_mut().unwrap();
    while !String::from_utf8_lossy(&log).contains(words) {
        assert!(stream.read_buf(&mut log).await.unwrap() > 0, "{words}: {}", String::from_utf8_lossy(&log));
    }
    String::from_utf8(log).unwrap()
}

/// Ends a run by a signal, and gives what it printed.
async fn end(child: Child, signal: &str) -> String {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    let ended = child.wait_with_output().await.unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{out}");
    out
}

/// Three people who are all in the group `all`; m0 is the manager of m1.
async fn team(slapd: &Slapd, keys: &str) -> Rig {
    let unit = |name: &str| {
        format!(
            "dn: ou={name},ou=groups,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\nou: {name}\n\n"
        )
    };
    let everybody = [0, 1, 2].map(|number| format!("member: uid=m{number},ou=many,{BASE}\n")).concat();
    let group = |name: &str, unit: &str| {
        format!(
            "dn: cn={name},ou={unit},ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\ncn: {name}\n{everybody}\n"
        )
    };
    let manager = format!(
        "dn: uid=m1,ou=many,{BASE}\nchangetype: modify\nreplace: manager\nmanager: uid=m0,ou=many,{BASE}\n"
    );
    slapd.modify(
        &[
            unit("Roles"),
            unit("Organizations"),
            group("idsync", "Roles"),
            group("all", "Organizations"),
            manager,
        ]
        .concat(),
    );
    let keys = format!("objects = [\"user\", \"group\"]\nbulk = false\n{keys}[scope]\nwho = \"selected\"\n");
    Rig::new(ScimServer::scim2().await, &Slapd::directory(&[slapd]), &keys).await
}

/// Who is in the group `all`, and whether m0 is the manager of m1.
async fn related(rig: &Rig) -> (Vec<String>, bool) {
    let (users, groups) = (rig.users().await, rig.groups().await);
    let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let manager = &users["m1@example.test"][extension]["manager"]["value"];
    let reports = users.get("m0@example.test").is_some_and(|m0| m0["id"] == *manager);
    let members = members(&groups["all"], &users, &groups);
    (members.iter().map(|name| name.replace("@example.test", "")).collect(), reports)
}

/// As a minute does.
async fn end_lease(rig: &Rig) {
    let store = Store::open(&format!("sqlite:{}", rig.folder.path("sekisho.db").display())).await.unwrap();
    let state = store.sync_state().await.unwrap();
    let (holder, _) = state.leased("idp").await.unwrap().unwrap();
    state.release("idp", &holder).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_interrupted_says_so_counts_what_it_sent_and_leaves_the_rest() {
    interrupted_by("-INT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_end_by_another_program_does_so_in_order() {
    interrupted_by("-TERM").await;
}

async fn interrupted_by(signal: &str) {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "").await;
    held_up(&slapd, &rig).await;
    let mut child = waiting_run(&rig).await;
    let log = heard(&mut child, "is left alone until ").await;
    assert!(log.contains(", and 1 operation waits: "), "{log}");
    let out = end(child, signal).await;
    assert!(out.contains(" Modify=2(2 succeeded) "), "{out}");
    assert!(out.contains("interrupted; 1 operation waits for the next run\n"), "{out}");
    let told = status(&rig);
    let result = &told["runs"][0]["result"];
    assert_eq!((&told["waiting"], result), (&1.into(), &"interrupted".into()), "{told}");
    let told = rig.sync(&["status", "idp"]).out;
    assert!(told.contains("1 operation of an earlier run waits for the next one\n"), "{told}");
    let told = rig.sync(&["check", "idp"]).out;
    assert!(told.contains("warning: 1 operation of an earlier run waits; "), "{told}");
    slapd.modify(&changed("m0", "y"));
    rig.proxy.take_log();
    let one = rig.sync(&["run", "idp", "--user", "m0"]);
    assert!(one.code == 0 && one.out.contains(" Modify=1(1 succeeded) "), "{}\n{}", one.out, one.err);
    assert_eq!(
        rig.writes(),
        [format!("PATCH {}", path(&rig, "m0").await)],
        "one person waits for nobody else"
    );
    let run = rig.sync(&["run", "idp"]);
    assert!(run.code == 0 && !run.err.contains("cut off"), "{}\n{}", run.out, run.err);
    assert!(run.out.contains(" Modify=1(1 succeeded) "), "{}", run.out);
    assert_eq!(rig.users().await["m2@example.test"]["active"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_ends_the_run_that_is_under_way() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "").await;
    held_up(&slapd, &rig).await;
    let child = waiting_run(&rig).await;
    let told = rig.sync(&["status", "idp"]).out;
    assert!(told.contains(", a run is under way (") && told.contains("  under way"), "{told}");
    assert!(!told.contains("cut off"), "{told}");
    let paused = rig.sync(&["pause", "idp"]).out;
    assert!(paused.contains("idp is paused; the run that is under way ends within seconds; "), "{paused}");
    let ended = child.wait_with_output().await.unwrap();
    let (out, log) = [ended.stdout, ended.stderr].map(|text| String::from_utf8(text).unwrap()).into();
    assert!(ended.status.code() == Some(1) && log.contains("idp was paused: the run ends"), "{out}\n{log}");
    assert!(out.contains("interrupted; 1 operation waits for the next run\n"), "{out}");
    let paused = rig.sync(&["pause", "idp"]).out;
    assert!(!paused.contains("under way"), "{paused}");
    let (out, writes) = rig.carried(&["resume", "idp"]);
    assert!(writes.len() == 1 && out.contains(" Modify=1(1 succeeded) "), "{writes:?}\n{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_ends_the_run_of_a_server() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "schedule = \"10s\"\n").await;
    held_up(&slapd, &rig).await;
    let Rig { folder, proxy, service: _service } = rig;
    let mut server = TestServer::start(folder).await;
    wait_until("it is told to wait", || proxy.is_through()).await;
    server.process.wait_for_log("is left alone until ").await;
    assert_eq!(super::rig::run_in(&server.folder, &["pause", "idp"], "").code, 0);
    server.process.wait_for_log("idp was paused: the run ends").await;
    server.process.wait_for_log("interrupted; 1 operation waits for the next run").await;
    let told = super::rig::run_in(&server.folder, &["status", "idp"], "").out;
    assert!(told.contains(", paused\n") && told.contains("interrupted"), "{told}");
    assert_eq!(server.stop().await, Some(0));
}

/// What an earlier run left is carried out, and then the directory cannot be read, so that no report tells of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_by_a_run_that_then_cannot_begin_is_counted() {
    let mut slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "schedule = \"10s\"\n").await;
    held_up(&slapd, &rig).await;
    let mut child = waiting_run(&rig).await;
    heard(&mut child, "is left alone until ").await;
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    child.wait_with_output().await.unwrap();
    assert_eq!(status(&rig)["waiting"], 1);
    slapd.stop();
    let port = free_port();
    let Rig { mut folder, proxy: _proxy, service: _service } = rig;
    folder.set("listen.admin", format!("127.0.0.1:{port}"));
    let mut server = TestServer::start(folder).await;
    let metrics = || async move {
        let answer = client().get(format!("http://127.0.0.1:{port}/metrics")).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let not_begun = || async {
        metrics().await.contains("sekisho_sync_runs_total{target=\"idp\",result=\"not_begun\"} 1\n")
    };
    server.process.wait_until("the run is counted", not_begun).await;
    let written =
        "sekisho_sync_writes_total{target=\"idp\",object=\"user\",type=\"modify\",result=\"ok\"} 1\n";
    let text = metrics().await;
    assert!(text.contains(written), "{text}");
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_is_ended_by_the_next_one_which_counts_what_it_left() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "").await;
    held_up(&slapd, &rig).await;
    let mut child = waiting_run(&rig).await;
    child.kill().await.unwrap();
    end_lease(&rig).await;
    let told = rig.sync(&["status", "idp"]).out;
    assert!(told.contains("not ended") && told.contains("cut off"), "{told}");
    let waiting = status(&rig)["waiting"].as_u64().unwrap();
    let run = rig.sync(&["run", "idp"]);
    assert!(run.code == 0 && run.err.contains("an earlier run, 2, was cut off"), "{}\n{}", run.out, run.err);
    assert!(run.out.contains(&format!(" Modify={waiting}({waiting} succeeded) ")), "{waiting}: {}", run.out);
    let told = status(&rig);
    let of = |at: usize| (told["runs"][at]["result"].clone(), told["runs"][at]["ended"].is_string());
    assert_eq!((of(0), of(1)), (("complete".into(), true), ("cut off".into(), true)), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_when_somebody_asks_for_it() {
    const REFUSED: Conduct = Conduct::Answer(400, &[], r#"{"scimType":"invalidValue"}"#);
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "bulk = false\n").await;
    (0..3).for_each(|_| rig.proxy.next("POST", "/Users", REFUSED));
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    let writes = |arguments: &[&str]| {
        rig.proxy.take_log();
        let run = rig.sync(arguments);
        (run.code, rig.writes())
    };
    let one = "POST /Users";
    assert_eq!(writes(&["run", "idp"]), (1, vec![]), "its time has not come");
    let (_, alone) = writes(&["run", "idp", "--user", "m1"]);
    assert_eq!(
        (alone, rig.users().await.into_keys().collect()),
        (vec![one.to_owned()], vec!["m1@example.test".to_owned()])
    );
    assert_eq!(rig.sync(&["pause", "idp"]).code, 0);
    assert_eq!(writes(&["resume", "idp"]), (0, vec![one.to_owned(); 2]));
    rig.proxy.next("PATCH", path(&rig, "m0").await, REFUSED);
    slapd.modify(&changed("m0", "x"));
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    assert_eq!(writes(&["run", "idp"]), (1, vec![]));
    let (code, sent) = writes(&["run", "idp", "--full"]);
    assert_eq!((code, sent.len()), (0, 1), "{sent:?}");
    assert_eq!(rig.users().await["m0@example.test"]["name"]["familyName"], "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_made_at_a_later_try_is_in_the_groups_and_has_the_reports_that_waited() {
    const REFUSED: Conduct = Conduct::Answer(400, &[], r#"{"scimType":"invalidValue"}"#);
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = team(&slapd, "in_flight = 1\n").await;
    (0..2).for_each(|_| rig.proxy.next("POST", "/Users", REFUSED));
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    let (there, managed) = related(&rig).await;
    assert!(there.len() == 1 && !managed, "{there:?}");
    // Groups, and whoever has a manager, are told of meanwhile.
    slapd.modify(&format!(
        "dn: cn=all,ou=Organizations,ou=groups,{BASE}\nchangetype: modify\nreplace: description\ndescription: x\n\n{}",
        changed("m1", "x")
    ));
    for _ in 0..2 {
        assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    }
    let run = rig.sync(&["resume", "idp"]);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    let everybody = ["m0", "m1", "m2"].map(str::to_owned).to_vec();
    assert_eq!(related(&rig).await, (everybody, true));
    assert_eq!(rig.carried(&["run", "idp", "--full"]).1, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_for_one_person_after_one_that_was_interrupted_costs_nobody_a_group_or_a_manager() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = team(&slapd, "in_flight = 1\n").await;
    rig.proxy.next("POST", "/Users", Conduct::Answer(429, &["Retry-After: 3600"], ""));
    let child = waiting_run(&rig).await;
    end(child, "-INT").await;
    let one = rig.sync(&["run", "idp", "--user", "m1"]);
    assert_eq!(rig.users().await.len(), 1, "{}\n{}", one.out, one.err);
    assert_eq!(related(&rig).await, (vec!["m1".to_owned()], false), "{}", one.err);
    let run = rig.sync(&["run", "idp"]);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    let everybody = ["m0", "m1", "m2"].map(str::to_owned).to_vec();
    assert_eq!(related(&rig).await, (everybody, true), "{}", run.out);
    assert_eq!(rig.carried(&["run", "idp", "--full"]).1, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_everything_is_read_after_an_object_was_gone_is_told() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "").await;
    rig.carried(&["run", "idp"]);
    let url = format!("{}{}", rig.service.url, path(&rig, "m1").await);
    assert!(client().delete(url).bearer_auth(TOKEN).send().await.unwrap().status().is_success());
    slapd.modify(&changed("m1", "x"));
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    let (out, _) = rig.carried(&["run", "idp"]);
    assert!(out.contains("warning: everything is read: run 2 found objects gone from the target\n"), "{out}");
    assert_eq!(rig.users().await["m1@example.test"]["name"]["familyName"], "x");
}

/// What `script` shows is what a terminal gets.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_the_log_stands_above_the_bar() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "").await;
    rig.proxy.next("POST", "/Users", Conduct::Answer(429, &["Retry-After: 2"], ""));
    let run = format!("stty cols 200; exec {} sync run idp", env!("CARGO_BIN_EXE_sekisho"));
    let mut script = Command::new("script");
    script.args(["-qec", &run, "/dev/null"]).current_dir(rig.folder.root()).stdin(Stdio::null());
    let shown = tokio::task::block_in_place(|| script.output().unwrap());
    let shown = String::from_utf8(shown.stdout).unwrap();
    let lines: Vec<&str> = shown.lines().filter(|line| line.contains(" type=add dn=")).collect();
    assert_eq!(lines.len(), 3, "{shown:?}");
    for line in lines {
        // What was cleared does not stand there any more.
        let line = line.rsplit("\u{1b}[2K").next().unwrap();
        assert!(line.starts_with("20"), "{line:?} in {shown:?}");
    }
    let (_, bar) = shown.rsplit_once(" of 3, ").unwrap_or_else(|| panic!("{shown:?}"));
    let (rate, _) = bar.split_once("/s, ").unwrap_or_else(|| panic!("{shown:?}"));
    assert!(rate.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 1), "{rate}");
}
