//! kill -9, again and again, with a service that loses answers and has no time: in the end everything is there, and nothing
//! twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::process::Stdio;

use sekisho::clock::{Ids, SeededIds};
use sekisho::store::Store;
use serde_json::Value;

use super::rig::{command, folder, run_in};
use crate::support::folder::Folder;
use crate::support::scim_sink::{Faults, ScimSink};
use crate::support::slapd::{BASE, Copies, Slapd};

const PEOPLE: usize = 10_000;
/// So many more starts than kills are a run that comes to no end.
const STARTS: u64 = 100;

/// Whose name changes, who is locked and who is deleted, after all were made.
const RENAMED: std::ops::Range<usize> = 0..300;
const LOCKED: std::ops::Range<usize> = 300..330;
const DELETED: std::ops::Range<usize> = 330..350;

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_any_moment_lose_nothing_and_make_nothing_twice() {
    killed((14, 6), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_in_the_middle_of_bulk_requests_lose_nothing_and_make_nothing_twice() {
    killed((7, 3), true).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: `make bench` runs it"]
async fn a_hundred_kills_lose_nothing_and_make_nothing_twice() {
    killed((70, 30), false).await;
}

/// So often while they are made, and while changes are carried after that.
async fn killed(kills: (u64, u64), bulk: bool) {
    let slapd = Slapd::start_source(Copies::Log, PEOPLE);
    let sink = ScimSink::start(11, Faults { lost: 5, busy: 10 }).await;
    if bulk {
        sink.take_bulk();
    }
    // About as many requests make all, and change those who change.
    let (making, changing) = if bulk { (210, 12) } else { (PEOPLE as u64 * 3 / 2, 600) };
    let keys = format!(
        "objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\n\
         [limits.user]\nmodify = {{ percent = 100, count = 1 }}\ndeactivate = {{ percent = 100, count = 1 }}\n"
    );
    let folder = folder(&sink.url, &Slapd::directory(&[&slapd]), &keys);
    let chance = SeededIds::new(12);

    // Together the kills come before three quarters of the requests are through.
    carry(&folder, &sink, kills.0, || 1 + draw(&chance) % (making / kills.0)).await;
    check(&folder, &sink, &wanted(false));
    slapd.modify(&changes());
    carry(&folder, &sink, kills.1, || 1 + draw(&chance) % (changing / kills.1)).await;
    check(&folder, &sink, &wanted(true));

    assert_eq!(sink.made_twice(), [""; 0], "nobody is sent twice to be made");
    let (writes, lost, busy) = sink.counts();
    let enough = if bulk { 3 } else { 100 };
    assert!(lost > enough && busy > enough, "{lost} answers lost, {busy} refused");
    assert_eq!(sink.bulk_requests() > 0, bulk);
    sink.behave();
    let run = run_in(&folder, &["run", "idp", "--full"], "");
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    assert_eq!(sink.counts().0, writes, "one more run writes nothing:\n{}", run.out);
}

/// Runs until a run ends well; so many times, after so many requests, it is killed.
async fn carry(folder: &Folder, sink: &ScimSink, kills: u64, moment: impl Fn() -> u64) {
    let mut killed = 0;
    for _ in 0..STARTS + kills {
        if killed < kills {
            sink.fall_silent_after(moment());
        }
        let log =
            || Stdio::from(File::options().create(true).append(true).open(folder.path("runs")).unwrap());
        let mut command = tokio::process::Command::from(command(folder, &["run", "idp"]));
        let child = command.stdin(Stdio::null()).stdout(log()).stderr(log()).kill_on_drop(true).spawn();
        let mut child = child.unwrap();
        tokio::select! {
            status = child.wait() => {
                sink.speak();
                if status.unwrap().success() {
                    assert_eq!(killed, kills, "it was done before it was killed so often");
                    return;
                }
                // The service had no time even for the first question.
            }
            () = sink.silent(), if killed < kills => {
                child.kill().await.unwrap();
                sink.speak();
                killed += 1;
                end_lease(folder).await;
            }
        }
    }
    let log = folder.read("runs");
    panic!("no end after {killed} kills:\n{}", &log[log.len().saturating_sub(4_000)..]);
}

/// As a minute does.
async fn end_lease(folder: &Folder) {
    let store = Store::open(&format!("sqlite:{}", folder.path("sekisho.db").display())).await.unwrap();
    let state = store.sync_state().await.unwrap();
    if let Some((holder, _)) = state.leased("idp").await.unwrap() {
        state.release("idp", &holder).await.unwrap();
    }
}

fn changes() -> String {
    let dn = |number: usize| format!("dn: uid=m{number},ou=many,{BASE}\nchangetype: ");
    let renamed = RENAMED.map(|number| format!("{}modify\nreplace: sn\nsn: n{number}\n", dn(number)));
    let lock = "modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n";
    let locked = LOCKED.map(|number| format!("{}{lock}", dn(number)));
    let deleted = DELETED.map(|number| format!("{}delete\n", dn(number)));
    renamed.chain(locked).chain(deleted).collect::<Vec<_>>().join("\n")
}

/// The service has this; else what the log says of those who differ.
fn check(folder: &Folder, sink: &ScimSink, wanted: &Standing) {
    let standing = standing(sink);
    let logins: BTreeSet<&String> = standing.keys().chain(wanted.keys()).collect();
    let differ: Vec<_> = logins
        .into_iter()
        .filter(|login| standing.get(*login) != wanted.get(*login))
        .map(|login| (login, standing.get(login), wanted.get(login)))
        .collect();
    let of = |line: &&str| {
        differ.iter().take(3).any(|(login, ..)| {
            let (uid, _) = login.split_once('@').unwrap();
            line.contains(&format!("uid={uid},"))
        })
    };
    let log = folder.read("runs");
    let told: Vec<&str> = log.lines().filter(of).collect();
    assert!(differ.is_empty(), "{} differ: {differ:?}\n{}", differ.len(), told.join("\n"));
}

/// Family name and whether active, by login.
type Standing = BTreeMap<String, (String, bool)>;

fn wanted(changed: bool) -> Standing {
    let of = |number: usize| {
        let family = if changed && RENAMED.contains(&number) { format!("n{number}") } else { "m".to_owned() };
        let gone = changed && (LOCKED.contains(&number) || DELETED.contains(&number));
        (format!("m{number}@example.test"), (family, !gone))
    };
    (0..PEOPLE).map(of).collect()
}

fn standing(sink: &ScimSink) -> Standing {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let users = sink.users().into_iter();
    users.map(|(login, user)| (login, (text(&user["name"]["familyName"]), user["active"] == true))).collect()
}

fn draw(chance: &SeededIds) -> u64 {
    let mut drawn = [0; 8];
    chance.fill(&mut drawn);
    u64::from_le_bytes(drawn)
}
