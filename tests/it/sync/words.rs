//! What administrators read of a run, and what they are told of: values that are no text, faults and their remedies.

use std::os::unix::fs::PermissionsExt;

use super::rig::{Rig, Run, folder, run_in};
use super::to_ldap;
use crate::support::scim::ScimServer;
use crate::support::slapd::{ADMINISTRATOR, ADMINISTRATOR_PASSWORD, BASE, Copies, Slapd};

/// Below which the people of these tests are.
const WORDS: &str = "ou=words,dc=example,dc=test";

/// A directory with an empty unit.
fn source() -> Slapd {
    let slapd = Slapd::start_source(Copies::Log, 0);
    slapd.modify(&format!("dn: {WORDS}\nchangetype: add\nobjectClass: organizationalUnit\nou: words\n"));
    slapd
}

/// A target of that unit; `more`: further keys.
async fn rig(slapd: &Slapd, more: &str) -> Rig {
    let more = format!("search_base = \"{WORDS}\"\n{more}");
    Rig::new(ScimServer::scim2().await, &Slapd::directory(&[slapd]), &more).await
}

/// Somebody, with further lines.
fn person(uid: &str, lines: &str) -> String {
    format!(
        "dn: uid={uid},{WORDS}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
         givenName: {uid}\nmail: {uid}@example.test\n{lines}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_carried_and_octets_take_nothing_away() {
    let slapd = source();
    // "Lead", ESC, "[1m", U+0085, "Two".
    slapd.modify(&person("aoki", "title:: TGVhZBtbMW3ChVR3bw==\naudio: low\n"));
    let nick = "[[map]]\nobject = \"user\"\npath = \"nickName\"\nsource = \"audio\"\n";
    let rig = rig(&slapd, nick).await;
    rig.carried(&["run", "idp"]);
    let held = rig.users().await["aoki@example.test"].clone();
    assert_eq!((&held["title"], &held["nickName"]), (&"Lead\u{1b}[1m\u{85}Two".into(), &"low".into()));
    let (_, writes) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!(writes, [""; 0], "it is what it was");
    let octets =
        |value: &str| format!("dn: uid=aoki,{WORDS}\nchangetype: modify\nreplace: audio\naudio:: {value}\n");
    // Octets that are no UTF-8; a NUL.
    for value in ["/9j/", "YQBi"] {
        slapd.modify(&octets(value));
        for arguments in [&["run", "idp"][..], &["run", "idp", "--full"]] {
            let (out, writes) = rig.carried(arguments);
            let told = format!(
                "warning: uid=aoki,{WORDS}: audio holds octets that are no text: nickName, and what is"
            );
            assert!(out.contains(&told), "{out}");
            assert_eq!(writes, [""; 0], "{arguments:?}");
        }
    }
    assert_eq!(rig.users().await["aoki@example.test"]["nickName"], "low");
}

/// How often a text stands in what a command printed.
fn times(run: &Run, text: &str) -> usize {
    run.out.matches(text).count() + run.err.matches(text).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_error_is_told_once_with_filter_base_and_key() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    let more = "search_base = \"ou=nowhere,dc=example,dc=test\"\n";
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), more).await;
    for command in ["run", "check"] {
        let run = rig.sync(&[command, "idp"]);
        let told = "Searching by (objectClass=inetOrgPerson) at ou=nowhere,dc=example,dc=test failed: ";
        let units = "Searching by (objectClass=organizationalUnit) at ou=nowhere,dc=example,dc=test failed: ";
        assert_eq!(times(&run, told) + times(&run, units), 1, "{}\n{}", run.out, run.err);
        let key =
            "correct search_base of the [[directory]] \"corp\", or of the [[sync]] where that has its own";
        assert_eq!((run.code, times(&run, key)), (1, 1), "{}\n{}", run.out, run.err);
        assert_eq!(times(&run, "Synchronizing idp failed(32)"), 1, "{}", run.err);
        assert!(!run.err.contains("sekisho: "), "{}", run.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_silent_is_told_once() {
    let slapd = source();
    let folder = folder("http://127.0.0.1:1/scim", &Slapd::directory(&[&slapd]), "");
    let run = run_in(&folder, &["check", "idp"], "");
    assert_eq!((run.code, times(&run, "failed(81)"), times(&run, "the target: ")), (1, 1, 1), "{}", run.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bind_that_an_ldap_target_refuses_names_the_account() {
    let slapd = source();
    let rig = to_ldap::Rig::new(&Slapd::directory(&[&slapd]), &format!("search_base = \"{WORDS}\"\n"));
    let text = std::fs::read_to_string(rig.folder.path("sekisho.toml")).unwrap();
    assert!(text.contains(ADMINISTRATOR_PASSWORD));
    rig.folder.write("sekisho.toml", &text.replace(ADMINISTRATOR_PASSWORD, "another"));
    let run = run_in(&rig.folder, &["run", "idp"], "");
    assert_eq!(times(&run, &format!("Binding by {ADMINISTRATOR} failed: ")), 1, "{}", run.err);
    assert_eq!(times(&run, "the bind as"), 1, "{}", run.err);
    assert!(run.err.contains("failed(49)") && run.err.contains("check its bind_dn and bind_password"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_not_there_is_named_with_its_key() {
    let slapd = source();
    slapd.modify(&person("aoki", ""));
    let rig = to_ldap::Rig::new(&Slapd::directory(&[&slapd]), &format!("search_base = \"{WORDS}\"\n"));
    let people = format!("ou=people,ou=target,{BASE}");
    rig.target.modify(&format!("dn: {people}\nchangetype: delete\n"));
    let key = |kind: &str| {
        format!("there is no container \"{people}\", which base of [sync.ldap.types{kind}] names")
    };
    let remedy = "make that entry at the target, correct base in [sync.ldap.types], or let bind_dn read it";
    let run = run_in(&rig.folder, &["run", "idp"], "");
    assert_eq!(times(&run, &key(".organization")) + times(&run, &key(".user")), 1, "{}", run.err);
    assert_eq!(times(&run, remedy), 1, "{}", run.err);
    // Where the base of another type is above it, nothing is known before the first one is made.
    let text = std::fs::read_to_string(rig.folder.path("sekisho.toml")).unwrap();
    let contacts = format!("\"ou=contacts,ou=target,{BASE}\"");
    assert!(text.contains(&contacts), "{text}");
    rig.folder.write("sekisho.toml", &text.replace(&contacts, &format!("\"ou=target,{BASE}\"")));
    let run = run_in(&rig.folder, &["run", "idp"], "");
    assert_eq!(times(&run, "Searching in IDP failed(32)"), 1, "{}", run.err);
    assert_eq!((times(&run, &key(".user")), times(&run, remedy)), (1, 1), "{}\n{}", run.out, run.err);
    let unit = format!("dn: {people}\nchangetype: add\nobjectClass: organizationalUnit\n");
    rig.target.modify(&unit);
    rig.carried(&["run", "idp"]);
    rig.target
        .modify(&format!("dn: uid=aoki,{people}\nchangetype: delete\n\ndn: {people}\nchangetype: delete\n"));
    slapd.modify(&person("baba", ""));
    let run = run_in(&rig.folder, &["run", "idp"], "");
    assert!(run.code == 1 && times(&run, &key(".user")) > 0, "{}\n{}", run.out, run.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_refuses_is_named_counted_and_said_of_groups() {
    let slapd = source();
    let keys = "hook_before = [\"before.sh\"]\nhook_timeout = \"1s\"\n";
    let unit = |dn: &str| format!("dn: {dn},{WORDS}\nchangetype: add\nobjectClass: organizationalUnit\n\n");
    slapd.modify(&["ou=groups", "ou=Organizations,ou=groups"].map(unit).concat());
    slapd.modify(&["aoki", "baba", "chiba"].map(|uid| person(uid, "")).concat());
    let members: String = ["aoki", "baba"].map(|uid| format!("member: uid={uid},{WORDS}\n")).concat();
    slapd.modify(&format!(
        "dn: cn=team,ou=Organizations,ou=groups,{WORDS}\nchangetype: add\nobjectClass: groupOfNames\n{members}"
    ));
    let rig = rig(&slapd, keys).await;
    let script = "#!/bin/sh\ntold=$(cat)\ncase $told in *'\"create\"'*) ;; *) exit 0 ;; esac\n\
                  case $told in *uid=aoki,*) echo not today >&2; exit 3 ;; *uid=chiba,*) exec sleep 600 ;; esac\n";
    rig.folder.write("before.sh", script);
    let file = rig.folder.path("before.sh");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = rig.sync(&["run", "idp"]);
    let counted =
        "Object=User Total=3 Add=3(1 succeeded) Modify=0(0 succeeded) Delete=0(0 succeeded) Error/Skip=2";
    assert!(run.code == 1 && run.out.contains(counted), "{}\n{}", run.out, run.err);
    let refused = "before.sh refused (exit status: 3): not today";
    let late = "before.sh exceeded its time, 1s (hook_timeout), and was ended";
    for (uid, why) in [("aoki", refused), ("chiba", late)] {
        let starts = format!("Adding uid={uid},{WORDS} failed: the hook ");
        let line = run.err.lines().find(|line| line.contains(&starts) && line.contains(why));
        let line = line.unwrap_or_else(|| panic!("{starts}\n{}", run.err));
        assert!(line.contains("code=53 remedy=\"the target was not asked; see why the hook"), "{line}");
    }
    let lacking = format!("not at the target: uid=aoki,{WORDS} (making it failed: the hook ");
    let line = run.err.lines().find(|line| line.contains("is not complete: ") && line.contains(&lacking));
    assert!(
        line.is_some_and(|line| line.contains("cn=team,") && line.contains("see why that object")),
        "{}",
        run.err
    );
    let status = rig.sync(&["status", "idp"]);
    let line = status.out.lines().find(|line| line.contains(&lacking));
    assert!(
        line.is_some_and(|line| line.contains(refused) && line.contains("see why that object")),
        "{}",
        status.out
    );
}
