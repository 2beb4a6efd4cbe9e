//! What administrators are told until it is over: conflicts, who cannot be carried, who is gone, runs that cannot begin,
//! failed writes that wait; and that a check counts what a run then counts.

use serde_json::{Value, json};

use super::rig::{Rig, Run};
use crate::support::http::client;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::scim_proxy::Conduct;
use crate::support::slapd::{BASE, BLIND, Copies, READER, Slapd};

async fn rig(slapd: &Slapd, keys: &str) -> Rig {
    let keys = format!("search_base = \"ou=many,{BASE}\"\n{keys}");
    Rig::new(ScimServer::scim2().await, &Slapd::directory(&[slapd]), &keys).await
}

fn person(uid: &str, mail: &str) -> String {
    format!(
        "dn: uid={uid},ou=many,{BASE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
         mail: {mail}\n\n"
    )
}

fn changed(uid: &str, lines: &str) -> String {
    format!("dn: uid={uid},ou=many,{BASE}\nchangetype: modify\n{lines}\n\n")
}

fn gone(uid: &str) -> String {
    format!("dn: uid={uid},ou=many,{BASE}\nchangetype: delete\n\n")
}

/// A run that has something to tell.
fn found(rig: &Rig, arguments: &[&str]) -> Run {
    rig.proxy.take_log();
    let run = rig.sync(arguments);
    assert_eq!(run.code, 1, "{}\n{}", run.out, run.err);
    run
}

fn status(rig: &Rig) -> Value {
    let run = rig.sync(&["status", "idp", "--json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str::<Value>(&run.out).unwrap()[0].clone()
}

/// The groups of a company, of which one says who is carried: the numbered people.
fn groups(slapd: &Slapd, many: usize) {
    let unit = |name: &str| {
        let class = "changetype: add\nobjectClass: organizationalUnit";
        format!("dn: ou={name},ou=groups,{BASE}\n{class}\nou: {name}\n\n")
    };
    let units = ["Roles", "Organizations"].map(unit).concat();
    let members: Vec<String> = (0..many).map(|n| format!("member: uid=m{n},ou=many,{BASE}\n")).collect();
    slapd.modify(&format!("{units}{}", group("cn=idsync,ou=Roles", &members.concat())));
}

fn group(name: &str, members: &str) -> String {
    format!("dn: {name},ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\n{members}\n")
}

/// Somebody new has the login name of somebody who is gone and whose account is still there.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_told_by_each_run_until_it_is_solved() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let rig = rig(&slapd, "").await;
    slapd.modify(&person("tanaka", "tanaka@example.test"));
    rig.carried(&["run", "idp"]);
    slapd.modify(&gone("tanaka"));
    rig.carried(&["run", "idp"]);
    slapd.modify(&person("tanaka2", "tanaka@example.test"));
    let id = rig.users().await["tanaka@example.test"]["id"].as_str().unwrap().to_owned();
    let mut since = None;
    for number in 0..3 {
        if number == 2 {
            // Something else happens, and a run tells of both.
            slapd.modify(&changed("m1", "replace: givenName\ngivenName: x"));
        }
        let run = found(&rig, &["run", "idp"]);
        for words in [
            format!("uid=tanaka2,ou=many,{BASE}: conflict: userName \"tanaka@example.test\""),
            format!("that of {id}, which belongs to uid=tanaka,ou=many,{BASE}"),
            "is gone from the directory since ".to_owned(),
            format!("delete {id} at the target, wait until it is deleted there after "),
            "Error/Skip=1".to_owned(),
        ] {
            assert!(run.out.contains(&words), "{number}: {words} in {}", run.out);
        }
        assert_eq!(run.out.matches("conflict").count(), 1, "{}", run.out);
        assert_eq!(rig.writes().len(), usize::from(number == 2));
        let shown = status(&rig)["unsettled"].clone();
        assert_eq!(shown[0]["dn"], format!("uid=tanaka2,ou=many,{BASE}"), "{shown}");
        assert!(since.is_none_or(|since| since == shown[0]["since"]), "{shown}");
        since = Some(shown[0]["since"].clone());
    }
    let check = found(&rig, &["check", "idp"]);
    assert!(check.out.contains("conflict") && !check.out.contains("would be done"), "{}", check.out);
    assert!(rig.sync(&["status"]).out.contains("conflict: userName"));

    // The cure is at the target, where nobody hears of it.
    let old = client().delete(format!("{}/Users/{id}", rig.service.url)).bearer_auth(TOKEN);
    assert_eq!(old.send().await.unwrap().status().as_u16(), 204);
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes, ["POST /Users"], "{out}");
    assert_eq!(status(&rig)["unsettled"], json!([]));
    let (out, _) = rig.carried(&["run", "idp"]);
    assert!(!out.contains("conflict"), "{out}");
}

/// Two people are carried, and the service has an account that nobody of the directory has.
async fn beside_an_account_of_its_own() -> (Slapd, Rig) {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let rig = rig(&slapd, "").await;
    rig.carried(&["run", "idp"]);
    let account = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ito@example.test", "active": true,
    });
    let made = client().post(format!("{}/Users", rig.service.url)).bearer_auth(TOKEN).json(&account);
    assert_eq!(made.send().await.unwrap().status().as_u16(), 201);
    (slapd, rig)
}

/// Two in the directory have one account; who of them is alone for a run is not taken for its owner.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_want_the_same_are_in_conflict_until_one_of_them_gives_way() {
    let (slapd, rig) = beside_an_account_of_its_own().await;
    slapd.modify(&format!("{}{}", person("ito1", "ito@example.test"), person("ito2", "ito@example.test")));
    for number in 0..3 {
        let run = found(&rig, &["run", "idp"]);
        let words = format!("uid=ito1,ou=many,{BASE}: conflict: userName \"ito@example.test\"");
        let rival = format!("which uid=ito2,ou=many,{BASE} wants as well; give one");
        assert!(run.out.contains(&words) && run.out.contains(&rival), "{number}: {}", run.out);
        assert_eq!(run.out.matches("conflict: ").count(), 1, "{number}: {}", run.out);
        assert_eq!(rig.writes(), [""; 0]);
        // There is news of one alone.
        slapd.modify(&changed("ito1", &format!("replace: givenName\ngivenName: {number}")));
    }
    slapd.modify(&changed("ito2", "replace: mail\nmail: ito2@example.test"));
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes.len(), 2, "{out} {writes:?}");
    assert!(rig.users().await.contains_key("ito2@example.test"));
}

/// More than one run looks at: they are left to a full one, and news of one of them makes nobody the owner.
#[tokio::test(flavor = "multi_thread")]
async fn very_many_who_want_the_same_are_left_to_a_full_run() {
    let (slapd, rig) = beside_an_account_of_its_own().await;
    let people: Vec<String> = (0..51).map(|n| person(&format!("ito{n:02}"), "ito@example.test")).collect();
    slapd.modify(&people.concat());
    let run = found(&rig, &["run", "idp"]);
    let named = " and 45 more want as well; give all but one of them another userName in the directory";
    assert_eq!(
        (run.out.matches(named).count(), run.out.matches("conflict: ").count()),
        (1, 1),
        "{}",
        run.out
    );
    let asked = |rig: &Rig| rig.proxy.take_lines().iter().filter(|line| line.contains("ito")).count();
    for number in 0..2 {
        let run = found(&rig, &["run", "idp"]);
        assert_eq!(run.out.matches("conflict: ").count(), 1, "{}", run.out);
        // Who is changed is looked for, and nobody else.
        assert_eq!(asked(&rig), number, "{}", run.out);
        slapd.modify(&changed("ito07", "replace: givenName\ngivenName: x"));
    }
    let told = status(&rig)["unsettled"].to_string();
    assert_eq!(told.matches("\"since\"").count(), 51, "{told}");
    assert_eq!(told.matches("; only a run with --full looks at this again").count(), 50, "{told}");
    assert_eq!(rig.users().await["ito@example.test"].get("externalId"), None);
}

/// Two groups of one name: groups are looked at again, too.
#[tokio::test(flavor = "multi_thread")]
async fn groups_in_conflict_are_looked_at_again() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    groups(&slapd, 2);
    let selected = "[scope]\nwho = \"selected\"\n";
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), selected).await;
    rig.carried(&["run", "idp"]);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "sales",
        });
        let made = client().post(format!("{}/Groups", rig.service.url)).bearer_auth(TOKEN).json(&group);
        let made: Value = made.send().await.unwrap().json().await.unwrap();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let member = format!("member: uid=m0,ou=many,{BASE}\n");
    slapd.modify(&group("cn=sales,ou=Organizations", &member));
    for _ in 0..2 {
        let run = found(&rig, &["run", "idp"]);
        let words = format!("cn=sales,ou=Organizations,ou=groups,{BASE}: conflict: displayName \"sales\"");
        assert!(run.out.contains(&words), "{}", run.out);
        assert!(run.out.contains("; leave displayName to only one of them at the target"), "{}", run.out);
    }
    let one = client().delete(format!("{}/Groups/{}", rig.service.url, ids[0])).bearer_auth(TOKEN);
    assert_eq!(one.send().await.unwrap().status().as_u16(), 204);
    rig.carried(&["run", "idp"]);
    assert_eq!(rig.groups().await["sales"]["members"].as_array().unwrap().len(), 1);
    assert_eq!(status(&rig)["unsettled"], json!([]));
}

/// A value that is missing is told of by each run; who is cured or gone is not.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_be_carried_is_told_of_by_each_run() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let map = "[[map]]\nobject = \"user\"\npath = \"title\"\nsource = \"title\"\nrequired = true\n";
    for uid in ["m0", "m1"] {
        slapd.modify(&changed(uid, "add: title\ntitle: boss"));
    }
    let rig = rig(&slapd, map).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&format!("{}{}", person("abe", "abe@example.test"), person("baba", "baba@example.test")));
    let told = |uid: &str| format!("uid={uid},ou=many,{BASE}: title");
    for _ in 0..2 {
        let run = found(&rig, &["run", "idp"]);
        for uid in ["abe", "baba"] {
            assert!(run.out.contains(&told(uid)), "{}", run.out);
        }
    }
    slapd.modify(&format!("{}{}", gone("abe"), changed("m0", "replace: givenName\ngivenName: y")));
    let run = found(&rig, &["run", "idp"]);
    assert!(!run.out.contains(&told("abe")) && run.out.contains(&told("baba")), "{}", run.out);
    slapd.modify(&changed("baba", "add: title\ntitle: boss"));
    rig.carried(&["run", "idp"]);
    assert_eq!(status(&rig)["unsettled"], json!([]));
    assert!(rig.users().await.contains_key("baba@example.test"));
}

/// A directory that is down, and credentials that are refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_could_not_begin_is_shown_until_one_does() {
    let mut slapd = Slapd::start_source(Copies::Log, 2);
    let rig = rig(&slapd, "").await;
    rig.carried(&["run", "idp"]);
    assert_eq!(status(&rig)["not_begun"], Value::Null);
    slapd.stop();
    found(&rig, &["run", "idp"]);
    let first = status(&rig)["not_begun"].clone();
    assert_eq!((&first["code"], &first["since"]), (&json!(81), &first["at"]), "{first}");
    found(&rig, &["run", "idp"]);
    let second = status(&rig)["not_begun"].clone();
    assert_eq!(second["since"], first["since"]);
    assert_ne!(second["at"], first["at"]);
    let shown = rig.sync(&["status"]).out;
    assert!(
        shown.contains("could not begin, none since ") && shown.contains("(81: no connection"),
        "{shown}"
    );
    slapd.restart();
    found(&rig, &["run", "idp", "--user", "nobody"]);
    assert_eq!(status(&rig)["not_begun"], second, "who is not there is no fault");
    rig.carried(&["run", "idp"]);
    assert_eq!(status(&rig)["not_begun"], Value::Null);
    rig.folder.write_secret("certs/token", "expired\n");
    found(&rig, &["run", "idp"]);
    let refused = status(&rig)["not_begun"].clone();
    assert_eq!((&refused["code"], &refused["since"]), (&json!(50), &refused["at"]), "{refused}");
    assert!(
        rig.sync(&["status"]).out.contains("could not begin: the target: "),
        "{}",
        rig.sync(&["status"]).out
    );
}

/// Who is gone is counted, and is told what becomes of the account.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_gone_is_shown_and_explained() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let mut rig = rig(&slapd, "").await;
    rig.folder.set("log.timezone", "Asia/Tokyo");
    rig.folder.write_config();
    rig.carried(&["run", "idp"]);
    assert_eq!(status(&rig)["leaving"], json!([]));
    slapd.modify(&gone("m1"));
    let there = format!("uid=m2,ou=many,{BASE}");
    let by_dn = rig.sync(&["explain", "--user", &there.to_uppercase()]);
    let import = format!("as {there}");
    assert!(
        by_dn.code == 0 && by_dn.out.contains(&import) && by_dn.out.contains("match    linked to "),
        "{}",
        by_dn.out
    );
    let run = rig.sync(&["run", "idp", "--user", &there]);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    let early = rig.sync(&["explain", "--user", "m1"]);
    assert_eq!(early.code, 1);
    assert!(early.out.contains(&format!("does not have uid=m1,ou=many,{BASE} any more")), "{}", early.out);
    rig.carried(&["run", "idp"]);
    let leaving = status(&rig)["leaving"].clone();
    let started: jiff::Timestamp = status(&rig)["runs"][0]["started"].as_str().unwrap().parse().unwrap();
    let due: jiff::Timestamp = leaving[0]["next_deletion"].as_str().unwrap().parse().unwrap();
    let days = due.duration_since(started).as_hours();
    assert!((30 * 24 - 1..=30 * 24).contains(&days), "{leaving}");
    assert_eq!((&leaving[0]["object"], &leaving[0]["count"]), (&json!("user"), &json!(1)));
    let shown = rig.sync(&["status"]).out;
    assert!(
        shown.contains(
            "1 object of User is gone from the directory and deactivated; the next deletion is due after "
        ),
        "{shown}"
    );
    assert!(shown.contains(" +09:00\n"), "{shown}");
    let users = rig.users().await;
    let (mail, account) = users.iter().find(|(_, user)| user["active"] == false).unwrap();
    let id = account["id"].as_str().unwrap();
    let after =
        due.to_zoned(jiff::tz::TimeZone::get("Asia/Tokyo").unwrap()).strftime("%Y-%m-%d %H:%M +09:00");
    for login in ["m1", "M1", mail, &format!("uid=m1,ou=many,{BASE}")] {
        let told = rig.sync(&["explain", "--user", login]);
        assert_eq!(told.code, 1, "{}", told.err);
        for words in [
            format!("import   uid=m1,ou=many,{BASE} is gone from the directory since "),
            format!("match    linked to {id}"),
            format!("act      deactivated at the target, deleted there after {after}"),
        ] {
            assert!(told.out.contains(&words), "{login}: {words} in {}", told.out);
        }
    }
    let nobody = rig.sync(&["explain", "--user", "stranger"]);
    assert!(nobody.out.contains("nobody in the source has the login name"), "{}", nobody.out);
    let target = rig.folder.config["sync"].as_array_mut().unwrap()[0].as_table_mut().unwrap();
    target.insert("deactivation".to_owned(), "deactivate-only".into());
    rig.folder.write_config();
    let told = rig.sync(&["explain", "--user", "m1"]).out;
    assert!(told.contains("act      deactivated at the target, and kept there"), "{told}");
    assert_eq!(status(&rig)["leaving"][0]["next_deletion"], Value::Null);
    assert!(rig.sync(&["status"]).out.contains("and deactivated; kept at the target"));
}

/// A write that was refused waits; runs after it say so, and do not end well.
#[tokio::test(flavor = "multi_thread")]
async fn runs_do_not_end_well_while_failed_writes_wait() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let rig = rig(&slapd, "").await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&changed("m0", "replace: givenName\ngivenName: x"));
    rig.proxy.next("PATCH", "/Users", Conduct::Answer(400, &[], r#"{"scimType":"invalidValue"}"#));
    let waits = "1 failed operation waits to be tried again; `sekisho sync status idp` shows it";
    for number in 0..3 {
        let run = rig.sync(&["run", "idp"]);
        assert!(run.code == 1 && run.out.contains(waits), "{number}: {}", run.out);
        assert_eq!(rig.writes().len(), usize::from(number == 0));
    }
    assert_eq!(status(&rig)["runs"][0]["result"], "incomplete");
    slapd.modify(&changed("m0", "replace: givenName\ngivenName: y"));
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert!(!out.contains("waits") && writes.len() == 1, "{out}");
}

/// Managers and members are requests of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_counts_what_a_run_counts() {
    let slapd = Slapd::start_source(Copies::Log, 4);
    groups(&slapd, 4);
    let selected = "[scope]\nwho = \"selected\"\n";
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), selected).await;
    let manager = format!("add: manager\nmanager: uid=m0,ou=many,{BASE}");
    slapd.modify(&format!("{}{}", changed("m1", &manager), changed("m2", &manager)));
    slapd.modify(&group("cn=sales,ou=Organizations", &format!("member: uid=m0,ou=many,{BASE}\n")));
    let of = |out: &str| -> Vec<[String; 5]> {
        let lines = out.lines().filter(|line| line.starts_with("Data=IDP"));
        let numbers = |line: &str| {
            ["Total=", "Add=", "Modify=", "Delete=", "Error/Skip="].map(|name| {
                let (_, rest) = line.split_once(name).unwrap();
                rest.chars().take_while(char::is_ascii_digit).collect()
            })
        };
        lines.map(numbers).collect()
    };
    let mut modified = 0;
    for change in [
        String::new(),
        changed("m1", "replace: givenName\ngivenName: x\n-\ndelete: manager"),
        changed("m3", &manager),
    ] {
        if !change.is_empty() {
            slapd.modify(&change);
        }
        let check = of(&rig.sync(&["check", "idp"]).out);
        let run = of(&rig.sync(&["run", "idp"]).out);
        assert_eq!(check, run, "{change}");
        modified += run.iter().map(|line| line[2].parse::<u32>().unwrap()).sum::<u32>();
    }
    assert!(modified >= 5, "{modified}");
}

/// The last ones of a type wait until somebody says that they may go, and come back when it was a fault.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_a_type_leave_when_it_is_allowed_and_not_before() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let rig = rig(&slapd, "").await;
    rig.carried(&["run", "idp"]);
    let moved = |uid: &str, from: &str, to: &str| {
        format!(
            "dn: uid={uid},ou={from},{BASE}\nchangetype: modrdn\nnewrdn: uid={uid}\ndeleteoldrdn: 0\n\
             newsuperior: ou={to},{BASE}\n\n"
        )
    };
    let both = |from, to| format!("{}{}", moved("m0", from, to), moved("m1", from, to));
    slapd.modify(&both("many", "people"));
    let told = "held back: 2 objects of User, of which the source has none any more, would be deactivated or deleted; \
                when that is as it should be: sekisho sync allow 2 idp";
    for arguments in [&["run", "idp"][..], &["run", "idp"], &["run", "idp", "--full"]] {
        let run = found(&rig, arguments);
        assert_eq!(rig.writes(), [""; 0]);
        assert!(run.out.contains(told), "{}", run.out);
        assert_eq!(status(&rig)["held"], json!([{ "run": 2, "operations": 2 }]), "{}", run.out);
    }
    let why = rig.sync(&["explain", "--user", "m0"]);
    let held = "act      held back by run 2, would be deactivated as ";
    let allow = "; `sekisho sync allow 2 idp` releases what it holds";
    assert!(why.code == 1 && why.out.contains(held) && why.out.contains(allow), "{}", why.out);
    slapd.modify(&both("people", "many"));
    let (_, writes) = rig.carried(&["run", "idp"]);
    assert_eq!((writes.len(), &status(&rig)["held"]), (0, &json!([])), "{writes:?}");
    assert!(found(&rig, &["allow", "2"]).err.contains("run 2 holds nothing back"));

    slapd.modify(&both("many", "people"));
    let run = found(&rig, &["run", "idp"]);
    let (_, after) = run.out.split_once("sekisho sync allow ").unwrap();
    let (number, _) = after.split_once(' ').unwrap();
    let (out, writes) = rig.carried(&["allow", number]);
    assert!(out.contains("released 2 operations") && writes.len() == 2, "{out} {writes:?}");
    assert!(rig.users().await.values().all(|user| user["active"] == false));
    assert_eq!(status(&rig)["leaving"][0]["count"], 2);
    for arguments in [&["run", "idp"][..], &["run", "idp"], &["run", "idp", "--full"]] {
        let (out, writes) = rig.carried(arguments);
        assert_eq!(writes, [""; 0], "{out}");
        assert!(!out.contains("everything is read"), "{out}");
    }
}

/// A right to read that is lost is no change, and neither is one that is given again.
#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_hidden_is_asked_for_alone_until_it_is_there_again() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let rig = rig(&slapd, "").await;
    rig.carried(&["run", "idp"]);
    let blind = format!("dn: {BLIND}\nchangetype: ");
    slapd.modify(&format!("{blind}add\nobjectClass: groupOfNames\nmember: {READER}\n"));
    let told = "2 objects of User would leave, but the source has none of those who are linked: they wait;";
    for (arguments, mode) in [
        (&["run", "idp", "--full"][..], "full"),
        (&["run", "idp"], "incremental"),
        (&["run", "idp"], "incremental"),
    ] {
        let run = found(&rig, arguments);
        assert_eq!(rig.writes(), [""; 0]);
        assert!(run.out.contains(told), "{}", run.out);
        let status = status(&rig);
        assert_eq!(status["runs"][0]["mode"], mode, "{}", run.out);
        assert_eq!(status["held"][0]["operations"], 2);
    }
    slapd.modify(&format!("{blind}delete\n"));
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes, [""; 0]);
    assert!(out.contains("everything is read: the source has objects of User again"), "{out}");
    let (out, _) = rig.carried(&["run", "idp"]);
    assert!(!out.contains("everything is read"), "{out}");
    assert_eq!(status(&rig)["held"], json!([]));
}

/// The only group: nothing is sent for it until it is deleted, and it waits for that as others do.
#[tokio::test(flavor = "multi_thread")]
async fn the_only_group_may_be_allowed_to_go() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    groups(&slapd, 2);
    slapd.modify(&group("cn=sales,ou=Organizations", &format!("member: uid=m0,ou=many,{BASE}\n")));
    let keys = "delete_after = \"0\"\n[scope]\nwho = \"selected\"\n";
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), keys).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&format!("dn: cn=sales,ou=Organizations,ou=groups,{BASE}\nchangetype: delete\n"));
    let run = found(&rig, &["run", "idp"]);
    assert!(run.out.contains("1 object of Group, of which the source has none any more"), "{}", run.out);
    assert_eq!(rig.writes(), [""; 0]);
    let (out, writes) = rig.carried(&["allow", "2"]);
    assert!(writes.len() == 1 && writes[0].starts_with("DELETE /Groups/"), "{out} {writes:?}");
    let (out, writes) = rig.carried(&["run", "idp"]);
    assert_eq!(writes, [""; 0]);
    assert!(!out.contains("everything is read"), "{out}");
}
