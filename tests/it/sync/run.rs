//! Whole runs from a real slapd to real SCIM services, by the commands: what the service has afterwards, and what it was
//! asked for.

use std::fmt::Write as _;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::inbox::Inbox;
use super::rig::{Rig, command, members};
use crate::support::app::TestServer;
use crate::support::http::client;
use crate::support::process::{free_port, wait_until};
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::scim_proxy::{Conduct, ScimProxy};
use crate::support::slapd::{BASE, Copies, Slapd};

/// The company: three people in two units, with the groups that the ancestor's administrators know.
fn company(slapd: &Slapd) {
    let mut ldif = String::new();
    let mut add = |dn: &str, lines: &str| {
        writeln!(ldif, "dn: {dn},{BASE}\nchangetype: add\n{lines}").unwrap();
    };
    let unit = |name: &str| format!("objectClass: organizationalUnit\nou: {name}\n");
    for (dn, name) in [("ou=Staff", "Staff"), ("ou=Sales,ou=Staff", "Sales"), ("ou=Dev,ou=Staff", "Dev")] {
        add(dn, &unit(name));
    }
    for name in ["Roles", "Services", "Organizations", "Security"] {
        add(&format!("ou={name},ou=groups"), &unit(name));
    }
    for (uid, place, manager) in
        [("aoki", "Sales", "baba"), ("baba", "Sales", "baba"), ("chiba", "Dev", "baba")]
    {
        let person = format!(
            "objectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}-sn\ngivenName: {uid}-gn\nmail: {uid}@example.test\n\
             manager: uid={manager},ou=Sales,ou=Staff,{BASE}\n"
        );
        add(&format!("uid={uid},ou={place},ou=Staff"), &person);
    }
    let person = |uid: &str, place: &str| format!("member: uid={uid},ou={place},ou=Staff,{BASE}\n");
    let group = |name: &str, members: &str| format!("objectClass: groupOfNames\ncn: {name}\n{members}");
    let (aoki, baba, chiba) = (person("aoki", "Sales"), person("baba", "Sales"), person("chiba", "Dev"));
    add("cn=idsync,ou=Roles,ou=groups", &group("idsync", &format!("{aoki}{baba}{chiba}")));
    add("cn=inner,ou=Organizations,ou=groups", &group("inner", &chiba));
    let nested = format!("{aoki}member: cn=inner,ou=Organizations,ou=groups,{BASE}\n");
    add("cn=outer,ou=Organizations,ou=groups", &group("outer", &nested));
    slapd.modify(&ldif);
}

/// Of the numbered people.
fn deletions(numbers: Range<usize>) -> String {
    let each = |n| format!("dn: uid=m{n},ou=many,{BASE}\nchangetype: delete\n");
    numbers.map(each).collect::<Vec<_>>().join("\n")
}

fn dn(uid: &str, place: &str) -> String {
    format!("uid={uid},ou={place},ou=Staff,{BASE}")
}

const SELECTED: &str = "[scope]\nwho = \"selected\"\n[limits.user]\ndelete = { percent = 100, count = 9 }\n";

async fn rig(slapd: &Slapd, service: ScimServer) -> Rig {
    Rig::new(service, &Slapd::directory(&[slapd]), SELECTED).await
}

fn names(map: &std::collections::BTreeMap<String, serde_json::Value>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

/// First run, nothing changed, change, rename, move, group in and out, nested, disable, out of scope, delete.
async fn everything_that_happens(service: ScimServer) {
    let slapd = Slapd::start_source(Copies::Log, 0);
    company(&slapd);
    let rig = rig(&slapd, service).await;
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert!(out.contains("Data=IDP Object=User Total="), "{out}");
    assert!(
        out.contains(" Add=3(3 succeeded) Modify=0(0 succeeded) Delete=0(0 succeeded) Error/Skip=0")
            || out.contains("Add=3(3 succeeded)"),
        "{out}"
    );
    assert_eq!(writes.iter().filter(|line| *line == "POST /Users").count(), 3, "{writes:?}");
    let (users, groups) = (rig.users().await, rig.groups().await);
    assert_eq!(names(&users), ["aoki@example.test", "baba@example.test", "chiba@example.test"]);
    assert_eq!(names(&groups), ["inner", "outer"]);
    assert_eq!(users["aoki@example.test"]["name"]["familyName"], "aoki-sn");
    assert_eq!(users["aoki@example.test"]["active"], true);
    assert_eq!(members(&groups["inner"], &users, &groups), ["chiba@example.test"]);
    assert_eq!(
        members(&groups["outer"], &users, &groups),
        ["aoki@example.test", "chiba@example.test"],
        "nested"
    );
    let manager =
        &users["aoki@example.test"]["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"];
    assert_eq!(manager["value"], users["baba@example.test"]["id"]);

    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"], &["check", "idp", "--full"]] {
        let (_, writes) = rig.carried(arguments);
        assert_eq!(writes, [""; 0], "{arguments:?}: nothing has changed");
    }

    slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: givenName\ngivenName: 花子\n",
        dn("aoki", "Sales")
    ));
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].starts_with("PATCH /Users/"), "{writes:?}");
    let users = rig.users().await;
    assert_eq!(users["aoki@example.test"]["name"]["givenName"], "花子");
    assert_eq!(users["aoki@example.test"]["name"]["familyName"], "aoki-sn", "the rest stays");
    for (manager, place) in [("Chiba", "Dev"), ("baba", "Sales")] {
        slapd.modify(&format!(
            "dn: {}\nchangetype: modify\nreplace: manager\nmanager: UID={manager}, OU={place},ou=Staff,{BASE}\n",
            dn("aoki", "Sales")
        ));
        let (_, writes) = rig.carried(&["run", "idp"]);
        assert_eq!(writes.len(), 1, "{writes:?}");
        let users = rig.users().await;
        let shown = &users["aoki@example.test"]["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
        let id = &users[&format!("{}@example.test", manager.to_lowercase())]["id"];
        assert_eq!(shown["manager"]["value"], *id);
    }

    moves_and_groups(&slapd, &rig).await;
    leaving(&slapd, &rig).await;
}

async fn moves_and_groups(slapd: &Slapd, rig: &Rig) {
    // Another name and another place, the same person.
    let users = rig.users().await;
    let id = users["chiba@example.test"]["id"].clone();
    slapd.modify(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: uid=chida\ndeleteoldrdn: 1\nnewsuperior: ou=Sales,ou=Staff,{BASE}\n\n\
         dn: {}\nchangetype: modify\nreplace: mail\nmail: chida@example.test\n\n\
         dn: cn=idsync,ou=Roles,ou=groups,{BASE}\nchangetype: modify\nadd: member\nmember: {}\n\n\
         dn: cn=inner,ou=Organizations,ou=groups,{BASE}\nchangetype: modify\nreplace: member\nmember: {}\n",
        dn("chiba", "Dev"),
        dn("chida", "Sales"),
        dn("chida", "Sales"),
        dn("chida", "Sales"),
    ));
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert!(writes.iter().all(|line| line.starts_with("PATCH ")), "{writes:?}");
    let (users, groups) = (rig.users().await, rig.groups().await);
    assert_eq!(users["chida@example.test"]["id"], id);
    assert_eq!(members(&groups["outer"], &users, &groups), ["aoki@example.test", "chida@example.test"]);

    // Out of a group, into another.
    slapd.modify(&format!(
        "dn: cn=inner,ou=Organizations,ou=groups,{BASE}\nchangetype: modify\nreplace: member\nmember: {}\n",
        dn("baba", "Sales")
    ));
    rig.carried(&["run", "idp"]);
    let (users, groups) = (rig.users().await, rig.groups().await);
    assert_eq!(members(&groups["inner"], &users, &groups), ["baba@example.test"]);
    assert_eq!(members(&groups["outer"], &users, &groups), ["aoki@example.test", "baba@example.test"]);
}

async fn leaving(slapd: &Slapd, rig: &Rig) {
    // Disabled, and enabled again.
    slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n",
        dn("aoki", "Sales")
    ));
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.users().await["aoki@example.test"]["active"], false);
    slapd.modify(&format!("dn: {}\nchangetype: modify\ndelete: pwdAccountLockedTime\n", dn("aoki", "Sales")));
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.users().await["aoki@example.test"]["active"], true);

    // Out of scope, and gone.
    slapd.modify(&format!(
        "dn: cn=idsync,ou=Roles,ou=groups,{BASE}\nchangetype: modify\ndelete: member\nmember: {}\n\ndn: {}\nchangetype: delete\n",
        dn("aoki", "Sales"),
        dn("chida", "Sales"),
    ));
    rig.carried(&["run", "idp"]);
    let users = rig.users().await;
    assert_eq!(
        (&users["aoki@example.test"]["active"], &users["chida@example.test"]["active"]),
        (&false.into(), &false.into())
    );
    assert_eq!(users["baba@example.test"]["active"], true);
    let (_, writes) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0], "a deactivated person stays for 30 days");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_reaches_scim2_server() {
    everything_that_happens(ScimServer::scim2().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_reaches_scimmy() {
    everything_that_happens(ScimServer::scimmy().await).await;
}

/// An answer that is lost after the write, a refusal for a time, and a token that is not taken.
#[tokio::test(flavor = "multi_thread")]
async fn faults_make_no_second_object_and_lose_none() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    company(&slapd);
    let keys = format!("bulk = false\n{SELECTED}");
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.proxy.next("POST", "/Users", Conduct::DropAfter);
    rig.proxy.next("POST", "/Users", Conduct::DropBefore);
    rig.proxy.next("POST", "/Groups", Conduct::Answer(429, &["Retry-After: 1"], ""));
    rig.proxy.next("PATCH", "/Groups", Conduct::NOT_NOW);
    let run = rig.sync(&["run", "idp"]);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    let (users, groups) = (rig.users().await, rig.groups().await);
    assert_eq!((users.len(), groups.len()), (3, 2));
    assert_eq!(members(&groups["outer"], &users, &groups).len(), 2);
    let (_, writes) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0]);

    slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: givenName\ngivenName: x\n",
        dn("aoki", "Sales")
    ));
    rig.folder.write_secret("certs/token", "expired\n");
    let run = rig.sync(&["run", "idp"]);
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(run.err.contains("Synchronizing idp failed(50)"), "{}\n{}", run.out, run.err);
    assert!(!run.err.contains("expired") && !run.out.contains("expired"), "the token is told");
    let set = rig.sync_with(&["token", "set", "idp"], crate::support::scim::TOKEN);
    assert_eq!(set.code, 0, "{}", set.err);
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.users().await["aoki@example.test"]["name"]["givenName"], "x");
}

/// A directory that shows nobody, or far fewer, never takes everybody away.
#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_waits_until_it_is_allowed() {
    let slapd = Slapd::start_source(Copies::Log, 120);
    let directory = Slapd::directory(&[&slapd]);
    let keys = format!("search_base = \"ou=many,{BASE}\"\n");
    let rig = Rig::new(ScimServer::scim2().await, &directory, &keys).await;
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes.len(), 120);
    let gone = deletions(0..60);
    slapd.modify(&gone);
    let run = rig.sync(&["run", "idp", "--full"]);
    assert_eq!((run.code, rig.writes()), (1, vec![]), "{}\n{}", run.out, run.err);
    assert!(run.out.contains("held back: ") && run.out.contains("sekisho sync allow 2 idp"), "{}", run.out);
    assert!(rig.sync(&["status", "idp"]).out.contains("run 2 holds 60 back"));
    let allowed = rig.sync(&["allow", "2"]);
    assert_eq!(allowed.code, 0, "{}\n{}", allowed.out, allowed.err);
    let users = rig.users().await;
    assert_eq!(users.values().filter(|user| user["active"] == false).count(), 60);

    // Nobody at all is rather a fault of the reading.
    let rest = deletions(60..120);
    slapd.modify(&rest);
    rig.proxy.take_log();
    let run = rig.sync(&["run", "idp", "--full"]);
    assert_eq!((run.code, rig.writes()), (1, vec![]), "{}", run.out);
    assert!(run.out.contains("the source has none of those who are linked"), "{}", run.out);
}

/// What is not believed is not forgotten, either.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_has_nobody_left_is_told_by_each_run() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let keys = format!("search_base = \"ou=many,{BASE}\"\n");
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&deletions(0..2));
    rig.proxy.take_log();
    for _ in 0..2 {
        let run = rig.sync(&["run", "idp"]);
        assert_eq!((run.code, rig.writes()), (1, vec![]), "{}", run.out);
        assert!(
            run.out.contains(
                "2 objects of User would leave, but the source has none of those who are linked: they wait; look at"
            ),
            "{}",
            run.out
        );
    }
}

/// What was reviewed is what is done, or nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_reviewed_and_carried_out_only_if_it_still_fits() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    company(&slapd);
    let rig = rig(&slapd, ScimServer::scim2().await).await;
    rig.proxy.take_log();
    std::fs::write(rig.folder.path("plan.json"), "of before, and open to everybody").unwrap();
    assert_eq!(rig.sync(&["plan", "idp", "--out", "plan.json"]).code, 0);
    assert_eq!(rig.sync(&["plan", "idp", "--out", "again.json"]).code, 0);
    assert_eq!(rig.writes(), [""; 0]);
    let mode = std::fs::metadata(rig.folder.path("plan.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds personal data");
    let run = rig.sync(&["apply", "plan.json"]);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    assert_eq!(rig.users().await.len(), 3);
    rig.proxy.take_log();
    let stale = rig.sync(&["apply", "again.json"]);
    assert_eq!(stale.code, 1);
    assert!(stale.err.contains("something has changed since the plan was made"), "{}", stale.err);
    assert_eq!(rig.writes(), [""; 0]);
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes, [""; 0]);
}

/// One person, the words of the way, pause and resume.
#[tokio::test(flavor = "multi_thread")]
async fn one_person_is_carried_and_explained() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    company(&slapd);
    let rig = rig(&slapd, ScimServer::scim2().await).await;
    rig.carried(&["run", "idp", "--user", "aoki"]);
    assert_eq!(names(&rig.users().await), ["aoki@example.test"]);
    let told = rig.sync(&["explain", "--user", "baba"]);
    assert_eq!(told.code, 0, "{}\n{}", told.out, told.err);
    for words in [
        "connect ",
        "import ",
        "scope ",
        "in scope: a member of ",
        "match    not linked yet",
        "act      made",
    ] {
        assert!(told.out.contains(words), "{words} in {}", told.out);
    }
    let told = rig.sync(&["explain", "--user", "suzuki"]);
    assert_eq!(told.code, 1);
    assert!(told.out.contains("out of scope"), "{}", told.out);
    let nobody = rig.sync(&["run", "idp", "--user", "nobody"]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.err.contains("nobody in the source has the login name"), "{}", nobody.err);
    assert_eq!(rig.sync(&["pause", "idp"]).code, 0);
    let paused = rig.sync(&["run", "idp"]);
    assert_eq!(paused.code, 1);
    assert!(paused.err.contains("is paused"), "{}", paused.err);
    rig.carried(&["resume", "idp", "--full"]);
    assert_eq!(rig.users().await.len(), 3);
    assert_eq!(rig.sync(&["run", "other"]).code, 2);
}

/// An administrator's own program decides, and hears what was done.
#[tokio::test(flavor = "multi_thread")]
async fn hooks_are_asked_before_and_told_after() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    company(&slapd);
    let keys =
        "hook_before = [\"before.sh\", \"baba\"]\nhook_after = [\"after.sh\"]\n[scope]\nwho = \"selected\"\n";
    let folder_files = [
        ("before.sh", "#!/bin/sh\nif grep -q \"uid=$1,\"; then echo not today >&2; exit 3; fi\n"),
        // A file for each, since several write at once.
        ("after.sh", "#!/bin/sh\ncat > told-$$\n"),
    ];
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), keys).await;
    for (name, text) in folder_files {
        rig.folder.write(name, text);
        std::fs::set_permissions(rig.folder.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let run = rig.sync(&["run", "idp"]);
    assert_eq!(run.code, 1, "{}\n{}", run.out, run.err);
    assert_eq!(names(&rig.users().await), ["aoki@example.test", "chiba@example.test"]);
    assert!(run.err.contains("not today") && run.err.contains("Adding uid=baba,"), "{}", run.err);
    let files = std::fs::read_dir(rig.folder.root()).unwrap().map(|file| file.unwrap());
    let told = files.filter(|file| file.file_name().to_str().unwrap().starts_with("told-"));
    let told: Vec<serde_json::Value> =
        told.map(|file| serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap()).collect();
    let created = told.iter().filter(|one| one["action"] == "create" && one["object"] == "user");
    let mut results: Vec<_> = created.map(|one| one["result"].as_u64().unwrap()).collect();
    results.sort_unstable();
    assert_eq!(results, [0, 0, 53]);
}

/// A server with something to tell: to a webhook, and by mail to a relay at a port.
async fn telling(slapd: &Slapd, hook: &Inbox, relay: u16) -> (TestServer, ScimServer, ScimProxy) {
    company(slapd);
    let keys = format!(
        "webhook = \"http://{}/hook\"\nmail_to = [\"admin@example.test\"]\ntoken_expires = 2020-01-01\nschedule = \"10s\"\n",
        hook.address
    );
    let mut rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[slapd]), &keys).await;
    rig.folder.set("mail.host", "127.0.0.1");
    rig.folder.set("mail.port", i64::from(relay));
    rig.folder.set("mail.protection", "none");
    rig.folder.set("mail.from", "sekisho@example.test");
    let Rig { folder, proxy, service } = rig;
    (TestServer::start(folder).await, service, proxy)
}

/// What an administrator has to do something about is told by webhook and by mail, once.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_told_once() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    let (hook, relay) = (Inbox::http().await, Inbox::smtp().await);
    let _server = telling(&slapd, &hook, relay.address.port()).await;
    let posted = hook.next().await;
    assert!(posted.starts_with("POST /hook "), "{posted}");
    assert!(
        posted.contains("\"target\":\"idp\"") && posted.contains("the token of idp ends on 2020-01-01"),
        "{posted}"
    );
    let mail = relay.next().await;
    for words in [
        "To: admin@example.test",
        "Subject: sekisho: synchronisation of idp needs you",
        "the token of idp ends on",
    ] {
        assert!(mail.contains(words), "{words} in {mail}");
    }
}

/// A relay that is down does not keep the webhook from hearing.
#[tokio::test(flavor = "multi_thread")]
async fn one_way_to_an_administrator_does_not_wait_for_the_other() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    let hook = Inbox::http().await;
    let _server = telling(&slapd, &hook, free_port()).await;
    let posted = hook.next().await;
    assert!(posted.contains("the token of idp ends on 2020-01-01"), "{posted}");
}

/// The service has no time for a question: nobody is made twice for that, and nobody is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_could_not_be_looked_for_is_carried_by_the_next_run() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    company(&slapd);
    let rig = rig(&slapd, ScimServer::scim2().await).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&format!(
        "dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: doi\ncn: doi\nsn: doi\nmail: doi@example.test\n\n\
         dn: cn=idsync,ou=Roles,ou=groups,{BASE}\nchangetype: modify\nadd: member\nmember: {dn}\n",
        dn = dn("doi", "Dev")
    ));
    for _ in 0..5 {
        rig.proxy.next("GET", "/Users?filter", Conduct::Answer(503, &["Retry-After: 0"], ""));
    }
    let run = rig.sync(&["run", "idp"]);
    assert_eq!((run.code, rig.writes()), (1, vec![]), "{}\n{}", run.out, run.err);
    assert!(run.out.contains(&format!("{}: not looked for: ", dn("doi", "Dev"))), "{}", run.out);
    rig.carried(&["run", "idp"]);
    assert!(rig.users().await.contains_key("doi@example.test"));
}

/// At a service that was in use before: an account of somebody who is disabled in the directory does not stay open.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_disabled_from_the_beginning_loses_the_account_that_is_there() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    company(&slapd);
    let rig = rig(&slapd, ScimServer::scim2().await).await;
    let schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"];
    let account = serde_json::json!({ "schemas": schemas, "userName": "aoki@example.test", "active": true });
    let made = client().post(format!("{}/Users", rig.service.url)).bearer_auth(TOKEN).json(&account);
    assert_eq!(made.send().await.unwrap().status().as_u16(), 201);
    let lock = |how: &str| format!("dn: {}\nchangetype: modify\n{how}\n", dn("aoki", "Sales"));
    slapd.modify(&lock("add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z"));
    rig.carried(&["run", "idp"]);
    let users = rig.users().await;
    assert_eq!(users["aoki@example.test"]["active"], false);
    let id = users["aoki@example.test"]["id"].clone();
    let (_, writes) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0]);
    slapd.modify(&lock("delete: pwdAccountLockedTime"));
    rig.carried(&["run", "idp"]);
    let aoki = &rig.users().await["aoki@example.test"];
    assert_eq!(
        (&aoki["id"], &aoki["active"], &aoki["name"]["familyName"]),
        (&id, &true.into(), &"aoki-sn".into())
    );
}

/// Ctrl-C while the service does not answer a question.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_interrupted_before_anything_is_sent_ends_at_once() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let keys = format!("search_base = \"ou=many,{BASE}\"\n");
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.proxy.next("GET", "/Users?startIndex=1&count=2", Conduct::HangAfter);
    let mut command = tokio::process::Command::from(command(&rig.folder, &["run", "idp"]));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = child.spawn().unwrap();
    wait_until("it waits for the list", || rig.proxy.is_through()).await;
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = child.wait_with_output().await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("ended before anything was sent"), "{told}");
    assert_eq!(rig.writes(), [""; 0]);
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes.len(), 2, "nobody holds the lease");
}
