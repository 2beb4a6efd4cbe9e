//! A directory that leaves the old names of people in its groups: OpenLDAP without the overlay refint.

use std::collections::BTreeMap;

use super::rig::{Rig, Run, members};
use crate::support::scim::ScimServer;
use crate::support::slapd::{Copies, Slapd};

const BASE: &str = "ou=words,dc=example,dc=test";

/// Three people; two of them are in a group, and selected.
fn source() -> Slapd {
    let slapd = Slapd::start_source(Copies::Log, 0);
    let unit = |dn: &str| format!("dn: {dn}\nchangetype: add\nobjectClass: organizationalUnit\n\n");
    let units = ["", "ou=people,", "ou=groups,", "ou=Roles,ou=groups,", "ou=Organizations,ou=groups,"];
    slapd.modify(&units.map(|place| unit(&format!("{place}{BASE}"))).concat());
    slapd.modify(&["aoki", "baba", "chiba"].map(person).concat());
    let group = |place: &str| {
        format!(
            "dn: {place},ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfNames\nmember: {}\nmember: {}\n\n",
            dn("aoki"),
            dn("baba")
        )
    };
    slapd.modify(&[group("cn=team,ou=Organizations"), group("cn=idsync,ou=Roles")].concat());
    slapd
}

fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

fn person(uid: &str) -> String {
    format!(
        "dn: {}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: {uid}\nsn: {uid}\ngivenName: {uid}\n\
         mail: {uid}@example.test\n\n",
        dn(uid)
    )
}

fn renamed(from: &str, to: &str) -> String {
    format!("dn: {}\nchangetype: modrdn\nnewrdn: uid={to}\ndeleteoldrdn: 1\n\n", dn(from))
}

fn replaced(dn: &str, attribute: &str, values: &[&str]) -> String {
    let lines = values.iter().map(|value| format!("{attribute}: {value}\n")).collect::<Vec<_>>().concat();
    format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{lines}\n")
}

fn team() -> String {
    format!("cn=team,ou=Organizations,ou=groups,{BASE}")
}

async fn rig(slapd: &Slapd) -> Rig {
    rig_of(slapd, "selected").await
}

async fn rig_of(slapd: &Slapd, who: &str) -> Rig {
    let more = format!(
        "search_base = \"{BASE}\"\n[scope]\nwho = \"{who}\"\n[limits.user]\ndelete = {{ percent = 100, count = 9 }}\n"
    );
    Rig::new(ScimServer::scim2().await, &Slapd::directory(&[slapd]), &more).await
}

/// Who is in the team, and who is active.
async fn there(rig: &Rig) -> (Vec<String>, Vec<String>) {
    let (users, groups) = (rig.users().await, rig.groups().await);
    let short = |name: &str| name.trim_end_matches("@example.test").to_owned();
    let team = members(&groups["team"], &users, &BTreeMap::new());
    let active = users.iter().filter(|(_, user)| user["active"] == true);
    (team.iter().map(|name| short(name)).collect(), active.map(|(name, _)| short(name)).collect())
}

fn both(names: &[&str]) -> (Vec<String>, Vec<String>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    (names.clone(), names)
}

/// Aoki is called aono in the directory, and the groups say the old name.
async fn after_a_rename() -> (Slapd, Rig) {
    let slapd = source();
    let rig = rig(&slapd).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&renamed("aoki", "aono"));
    rig.carried(&["run", "idp"]);
    assert_eq!(there(&rig).await, both(&["aoki", "baba"]));
    (slapd, rig)
}

fn warns(run: &str) -> bool {
    run.contains("warning: 2 members of groups name DNs that nobody has any more (uid=aoki,")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_renamed_stays_in_groups_that_say_the_old_name() {
    let slapd = source();
    let rig = rig(&slapd).await;
    rig.carried(&["run", "idp"]);
    assert_eq!(there(&rig).await, both(&["aoki", "baba"]));

    slapd.modify(&renamed("aoki", "aono"));
    let touched = replaced(&team(), "description", &["x"]);
    let titled = |title: &str| replaced(&dn("aono"), "title", &[title]);
    let steps: [(&[&str], String, bool); 6] = [
        (&["run", "idp"], String::new(), true),
        (&["run", "idp"], touched, true),
        (&["run", "idp", "--full"], String::new(), true),
        (&["run", "idp"], titled("Lead"), true),
        (&["run", "idp", "--user", "aono"], titled("Head"), false),
        (&["run", "idp", "--full"], renamed("aono", "aoto"), true),
    ];
    for (arguments, change, told) in steps {
        if !change.is_empty() {
            slapd.modify(&change);
        }
        let (out, _) = rig.carried(arguments);
        assert_eq!((there(&rig).await, warns(&out)), (both(&["aoki", "baba"]), told), "{arguments:?}\n{out}");
    }

    // The groups say the new name, and then nothing.
    slapd.modify(&replaced(&team(), "member", &[&dn("aoto"), &dn("baba")]));
    slapd.modify(&replaced(
        &format!("cn=idsync,ou=Roles,ou=groups,{BASE}"),
        "member",
        &[&dn("aoto"), &dn("baba")],
    ));
    let (out, _) = rig.carried(&["run", "idp"]);
    assert_eq!((there(&rig).await, out.contains("nobody has")), (both(&["aoki", "baba"]), false), "{out}");
    slapd.modify(&replaced(&team(), "member", &[&dn("baba")]));
    rig.carried(&["run", "idp"]);
    assert_eq!(there(&rig).await.0, ["baba"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_name_that_is_anothers_means_the_other() {
    let (slapd, rig) = after_a_rename().await;
    // Somebody new, with the mail address of the third.
    slapd.modify(&renamed("chiba", "aoki"));
    let (out, _) = rig.carried(&["run", "idp"]);
    assert_eq!((there(&rig).await, out.contains("nobody has")), (both(&["baba", "chiba"]), false), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_gone_leaves_whatever_groups_say() {
    let (slapd, rig) = after_a_rename().await;
    slapd.modify(&format!("dn: {}\nchangetype: delete\n", dn("aono")));
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"], &["run", "idp"]] {
        rig.carried(arguments);
        assert_eq!(there(&rig).await, both(&["baba"]), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_kept_by_a_run_for_one_person_and_by_a_plan_from_a_file() {
    for by_file in [false, true] {
        let slapd = source();
        let rig = rig(&slapd).await;
        rig.carried(&["run", "idp"]);
        slapd.modify(&renamed("aoki", "aono"));
        slapd.modify(&replaced(&dn("aono"), "title", &["Lead"]));
        if by_file {
            let Run { code, out, err } = rig.sync(&["plan", "idp", "--out", "plan.json"]);
            assert_eq!(code, 0, "{out}\n{err}");
            rig.carried(&["apply", "plan.json"]);
        } else {
            rig.carried(&["run", "idp", "--user", "aono"]);
        }
        for arguments in [&["run", "idp"][..], &["run", "idp", "--full"]] {
            let (out, _) = rig.carried(arguments);
            assert_eq!(there(&rig).await, both(&["aoki", "baba"]), "{by_file} {arguments:?}\n{out}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_name_of_whatever_entry_means_nobody_else() {
    let (slapd, rig) = after_a_rename().await;
    // No person, so that no question for people finds it.
    slapd.modify(&format!("dn: {}\nchangetype: add\nobjectClass: account\n", dn("aoki")));
    let (out, _) = rig.carried(&["run", "idp", "--full"]);
    assert_eq!((there(&rig).await, out.contains("nobody has")), (both(&["baba"]), false), "{out}");
}

/// The text by which names are compared is no DN for the server: what was asked for by it ended every run.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_name_with_escapes_is_asked_for_as_it_was_written() {
    let slapd = source();
    let old = format!("uid=abe\\2Btest,ou=people,{BASE}");
    let person = "objectClass: inetOrgPerson\ncn: abe\nsn: abe\ngivenName: abe\nmail: abe@example.test\n\n";
    slapd.modify(&format!("dn: {old}\nchangetype: add\n{person}"));
    let listed = [old.as_str(), &dn("baba")];
    slapd.modify(&replaced(&team(), "member", &listed));
    slapd.modify(&replaced(&format!("cn=idsync,ou=Roles,ou=groups,{BASE}"), "member", &listed));
    let rig = rig(&slapd).await;
    rig.carried(&["run", "idp"]);
    assert_eq!(there(&rig).await, both(&["abe", "baba"]));
    slapd.modify(&format!("dn: {old}\nchangetype: modrdn\nnewrdn: uid=abe\ndeleteoldrdn: 1\n\n"));
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"], &["run", "idp", "--user", "abe"]] {
        rig.carried(arguments);
        assert_eq!(there(&rig).await, both(&["abe", "baba"]), "{arguments:?}");
    }
    slapd.modify(&format!("dn: {old}\nchangetype: add\nobjectClass: account\n"));
    rig.carried(&["run", "idp", "--full"]);
    assert_eq!(there(&rig).await, both(&["baba"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_groups_say_since_the_last_reading_of_all_is_kept_too() {
    let slapd = source();
    let rig = rig_of(&slapd, "everyone").await;
    rig.carried(&["run", "idp"]);
    assert_eq!(there(&rig).await.0, ["aoki", "baba"]);
    let listed = ["aoki", "baba", "chiba"].map(dn);
    slapd.modify(&replaced(&team(), "member", &listed.each_ref().map(String::as_str)));
    slapd.modify(&renamed("chiba", "chino"));
    rig.carried(&["run", "idp", "--user", "chino"]);
    for arguments in [&["run", "idp"][..], &["run", "idp", "--full"]] {
        let (out, _) = rig.carried(arguments);
        assert_eq!(there(&rig).await.0, ["aoki", "baba", "chiba"], "{arguments:?}\n{out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_asks_whether_an_old_name_is_anothers() {
    let slapd = source();
    let rig = rig(&slapd).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&renamed("aoki", "aono"));
    let scope = |rig: &Rig| {
        let told = rig.sync(&["explain", "--user", "aono"]).out;
        told.lines().find(|line| line.starts_with("scope")).unwrap_or(&told).to_owned()
    };
    // Before a run has seen the new name, and after that.
    assert!(!scope(&rig).contains("out of scope"), "{}", scope(&rig));
    rig.carried(&["run", "idp"]);
    assert!(!scope(&rig).contains("out of scope"), "{}", scope(&rig));
    slapd.modify(&format!("dn: {}\nchangetype: add\nobjectClass: account\n", dn("aoki")));
    assert!(scope(&rig).contains("out of scope"), "{}", scope(&rig));
}

/// Whose id somebody's manager is.
async fn manager(rig: &Rig, of: &str) -> Option<String> {
    let users = rig.users().await;
    let own = &users[&format!("{of}@example.test")];
    let id = own.pointer("/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager/value")?;
    users.iter().find(|(_, user)| user["id"] == *id).map(|(name, _)| name.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_by_an_old_name_is_found_as_long_as_a_group_says_it() {
    let slapd = source();
    slapd.modify(&replaced(&dn("baba"), "manager", &[&dn("aoki")]));
    let rig = rig(&slapd).await;
    rig.carried(&["run", "idp"]);
    let aoki = Some("aoki@example.test".to_owned());
    assert_eq!(manager(&rig, "baba").await, aoki);
    slapd.modify(&renamed("aoki", "aono"));
    let steps: [(&[&str], String); 4] = [
        (&["run", "idp"], String::new()),
        (&["run", "idp"], replaced(&dn("baba"), "title", &["Lead"])),
        (&["run", "idp", "--user", "baba"], replaced(&dn("baba"), "title", &["Head"])),
        (&["run", "idp", "--full"], String::new()),
    ];
    for (arguments, change) in steps {
        if !change.is_empty() {
            slapd.modify(&change);
        }
        rig.carried(arguments);
        assert_eq!(manager(&rig, "baba").await, aoki, "{arguments:?}");
    }
}
