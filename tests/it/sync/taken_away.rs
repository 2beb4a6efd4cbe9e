//! What takes away and is no single large plan: many small runs, and a group that selects and is not there.

use super::rig::Rig;
use crate::support::scim::ScimServer;
use crate::support::scim_proxy::Conduct;
use crate::support::slapd::{BASE, Copies, Slapd};

fn delete(people: std::ops::RangeInclusive<usize>) -> String {
    let entry = |number| format!("dn: uid=m{number},ou=many,{BASE}\nchangetype: delete\n");
    people.map(entry).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_runs_are_held_back_as_one_large_one() {
    let slapd = Slapd::start_source(Copies::Log, 20);
    let keys = format!(
        "objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\n\
         [limits.user]\ndeactivate = {{ percent = 1, count = 3 }}\n"
    );
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&delete(1..=2));
    assert_eq!(rig.carried(&["run", "idp"]).1.len(), 2);

    slapd.modify(&delete(3..=4));
    let check = rig.sync(&["check", "idp"]);
    let run = rig.sync(&["run", "idp"]);
    let told = "2 of 20 objects of User would be deactivated, and 2 more within a day; the limit is 3";
    for run in [&check, &run] {
        assert!(run.code == 1 && run.out.contains(told), "{}\n{}", run.out, run.err);
    }
    assert!(check.out.contains("sekisho sync allow RUN idp\n"), "{}", check.out);
    assert!(run.out.contains("sekisho sync allow 3 idp\n"), "{}", run.out);
    let whole = rig.sync(&["check", "idp", "--full"]);
    assert!(whole.out.contains("sekisho sync allow 3 idp\n"), "{}", whole.out);
    assert_eq!(rig.writes().len(), 0);
    // Nothing is new, and something waits still.
    let still = "problem: run 3 holds back 2 operations still; when that is as it should be: sekisho sync allow 3 idp";
    for command in [["check", "idp"], ["run", "idp"]] {
        let run = rig.sync(&command);
        assert!(run.code == 1 && run.out.contains(still), "{}\n{}", run.out, run.err);
    }
    let other = rig.sync(&["run", "idp", "--user", "m9"]);
    assert_eq!(other.code, 0, "that is no matter of this person\n{}", other.out);
    assert_eq!(rig.writes().len(), 0);

    let allowed = rig.sync(&["allow", "3", "idp"]);
    assert_eq!((allowed.code, rig.writes().len()), (0, 2), "{}\n{}", allowed.out, allowed.err);
    let again = rig.sync(&["allow", "3", "idp"]);
    assert!(
        again.code == 1 && again.err.contains("run 3 holds nothing back"),
        "{}\n{}",
        again.out,
        again.err
    );
    let runs = || rig.sync(&["status", "idp", "--json"]).out;
    let before = runs();
    assert_eq!(rig.sync(&["allow", "999", "idp"]).code, 1);
    assert_eq!(runs(), before, "no run is another one for that");

    // What was allowed was looked at, and what was before it with it.
    slapd.modify(&delete(5..=7));
    assert_eq!(rig.carried(&["run", "idp"]).1.len(), 3);
    slapd.modify(&delete(8..=8));
    let run = rig.sync(&["run", "idp"]);
    assert!(run.code == 1 && run.out.contains("and 3 more within a day"), "{}\n{}", run.out, run.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_selects_and_is_not_there_takes_nobody_away() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let group = format!("cn=idsync,ou=Roles,ou=groups,{BASE}");
    let members = [0, 1, 2].map(|number| format!("member: uid=m{number},ou=many,{BASE}\n")).concat();
    slapd.modify(&format!(
        "dn: ou=Roles,ou=groups,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\nou: Roles\n\n\
         dn: {group}\nchangetype: add\nobjectClass: groupOfNames\ncn: idsync\n{members}"
    ));
    let keys = "objects = [\"user\"]\n[scope]\nwho = \"selected\"\n";
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), keys).await;
    assert_eq!(rig.carried(&["run", "idp"]).1.len(), 3);

    slapd.modify(&format!("dn: {group}\nchangetype: modrdn\nnewrdn: cn=other\ndeleteoldrdn: 1\n"));
    for arguments in
        [&["run", "idp"][..], &["check", "idp"], &["run", "idp", "--full"], &["run", "idp", "--user", "m1"]]
    {
        let run = rig.sync(arguments);
        let told = format!(
            "the directory has no group that says who is carried (scope.who = \"selected\"): {}",
            group.to_lowercase()
        );
        assert!(run.code == 1 && run.err.contains(&told), "{arguments:?}: {}\n{}", run.out, run.err);
        assert!(run.err.contains("make the group, let bind_dn read it, or correct idsync"), "{}", run.err);
    }
    assert_eq!(rig.writes(), [""; 0]);
    assert!(rig.sync(&["status", "idp"]).out.contains("no group that says who is carried"));

    slapd.modify(&format!(
        "dn: cn=other,ou=Roles,ou=groups,{BASE}\nchangetype: modrdn\nnewrdn: cn=idsync\ndeleteoldrdn: 1\n"
    ));
    assert_eq!(rig.carried(&["run", "idp"]).1, [""; 0], "everybody is there as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_back_waits_though_it_would_pass_by_now() {
    let slapd = Slapd::start_source(Copies::Log, 20);
    let keys = format!(
        "objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\n\
         [limits.user]\ndeactivate = {{ percent = 1, count = 3 }}\n"
    );
    let mut rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&delete(1..=5));
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    rig.folder.config["sync"][0]["limits"]["user"]["deactivate"]["count"] = 10.into();
    rig.folder.write_config();

    slapd.modify(&delete(6..=6));
    let still =
        "5 operations that an earlier run held back; when that is as it should be: sekisho sync allow 2 idp";
    let run = rig.sync(&["run", "idp", "--full"]);
    assert!(run.code == 1 && run.out.contains(still), "{}\n{}", run.out, run.err);
    assert_eq!(rig.writes().len(), 1, "that of the one who left now");
    assert_eq!(rig.carried(&["allow", "2", "idp"]).1.len(), 5);
    assert_eq!(rig.carried(&["run", "idp", "--full"]).1, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_directory_takes_nobody_away_however_often_it_is_read() {
    let slapd = Slapd::start_source(Copies::Log, 3);
    let (base, other) = (format!("ou=many,{BASE}"), format!("ou=other,{BASE}"));
    slapd.modify(&format!(
        "dn: {other}\nchangetype: add\nobjectClass: organizationalUnit\nou: other\n\n\
         dn: uid=x,{other}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: x\ncn: x\nsn: x\nmail: x@example.test\n"
    ));
    let keys = format!("objects = [\"user\"]\nsearch_base = {base:?}\n");
    let mut rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    assert_eq!(rig.carried(&["run", "idp"]).1.len(), 3);

    rig.folder.config["sync"][0]["search_base"] = other.into();
    rig.folder.write_config();
    for (mode, writes) in [(&["run", "idp"][..], 1), (&["run", "idp"], 0), (&["run", "idp", "--full"], 0)] {
        let run = rig.sync(mode);
        assert!(run.code == 1 && run.out.contains("sekisho sync allow 2 idp"), "{}\n{}", run.out, run.err);
        assert_eq!(rig.writes().len(), writes, "{mode:?}: {}\n{}", run.out, run.err);
    }

    rig.folder.config["sync"][0]["search_base"] = base.into();
    rig.folder.write_config();
    let run = rig.sync(&["run", "idp"]);
    assert!(!run.out.contains("sekisho sync allow 2 idp"), "they are there: {}\n{}", run.out, run.err);
    let users = rig.users().await;
    let active = users.iter().filter(|(_, user)| user["active"] != false).map(|(name, _)| name.as_str());
    let here = ["m0@example.test", "m1@example.test", "m2@example.test"];
    assert_eq!(active.collect::<Vec<_>>(), here, "of the other one, x alone has left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_released_and_is_refused_counts_until_the_target_takes_it() {
    const REFUSED: Conduct = Conduct::Answer(400, &[], r#"{"scimType":"invalidValue"}"#);
    let slapd = Slapd::start_source(Copies::Log, 20);
    let keys = format!(
        "objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\nbulk = false\n\
         [limits.user]\ndeactivate = {{ percent = 1, count = 3 }}\n"
    );
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.carried(&["run", "idp"]);
    slapd.modify(&delete(1..=3));
    (0..3).for_each(|_| rig.proxy.next("PATCH", "/Users/", REFUSED));
    let run = rig.sync(&["run", "idp"]);
    assert!(run.code == 1 && run.out.contains(" Modify=3(0 succeeded) "), "{}\n{}", run.out, run.err);
    // The same three again are no further ones.
    let check = rig.sync(&["check", "idp", "--full"]);
    assert!(check.code == 0 && check.out.contains("would be done: 3\n"), "{}\n{}", check.out, check.err);
    rig.proxy.take_log();
    slapd.modify(&delete(4..=4));
    let told = "1 of 20 objects of User would be deactivated, and 3 more within a day; the limit is 3";
    for command in [["check", "idp"], ["run", "idp"]] {
        let run = rig.sync(&command);
        assert!(run.code == 1 && run.out.contains(told), "{}\n{}", run.out, run.err);
    }
    assert_eq!(rig.writes(), [""; 0]);
    // What is allowed was looked at, and what failed before it.
    assert_eq!(rig.sync(&["allow", "3", "idp"]).code, 1, "three failed before");
    assert_eq!(rig.writes().len(), 1);
    slapd.modify(&delete(5..=7));
    let run = rig.sync(&["run", "idp"]);
    assert!(run.out.contains(" Modify=3(3 succeeded) "), "{}\n{}", run.out, run.err);
    assert_eq!(rig.sync(&["resume", "idp"]).code, 0);
    assert_eq!(rig.users().await.values().filter(|user| user["active"] == false).count(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_allows_one_run_hears_of_the_other_one() {
    let slapd = Slapd::start_source(Copies::Log, 20);
    let keys = format!(
        "objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\n\
         [limits.user]\ndeactivate = {{ percent = 1, count = 1 }}\n"
    );
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.carried(&["run", "idp"]);
    for people in [1..=2, 3..=5] {
        slapd.modify(&delete(people));
        assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    }
    let allowed = rig.sync(&["allow", "2", "idp"]);
    let still = "problem: run 3 holds back 3 operations still; when that is as it should be: sekisho sync allow 3 idp";
    assert!(allowed.code == 1 && allowed.out.contains(still), "{}\n{}", allowed.out, allowed.err);
    assert!(allowed.out.starts_with("released 2 operations of run 2\n"), "{}", allowed.out);
    let status = rig.sync(&["status", "idp", "--json"]).out;
    assert!(status.contains("\"result\": \"held\""), "{status}");
    assert_eq!(rig.sync(&["allow", "3", "idp"]).code, 0);
    slapd.modify(&delete(6..=6));
    rig.carried(&["run", "idp"]);
    slapd.modify(&delete(7..=7));
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    let allowed = rig.sync(&["allow", "5", "idp"]);
    assert!(allowed.out.starts_with("released 1 operation of run 5\n"), "{}", allowed.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_asks_nobody_to_allow_what_a_run_would_drop() {
    let slapd = Slapd::start_source(Copies::Log, 5);
    let group = format!("cn=idsync,ou=Roles,ou=groups,{BASE}");
    let member = |number: usize| format!("member: uid=m{number},ou=many,{BASE}\n");
    let all = (0..5).map(member).collect::<String>();
    slapd.modify(&format!(
        "dn: ou=Roles,ou=groups,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\nou: Roles\n\n\
         dn: {group}\nchangetype: add\nobjectClass: groupOfNames\ncn: idsync\n{all}"
    ));
    let keys = "objects = [\"user\"]\n[scope]\nwho = \"selected\"\n\
                [limits.user]\ndeactivate = { percent = 1, count = 1 }\n";
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), keys).await;
    rig.carried(&["run", "idp"]);
    let out = (1..4).map(member).collect::<String>();
    slapd.modify(&format!("dn: {group}\nchangetype: modify\ndelete: member\n{out}"));
    assert_eq!(rig.sync(&["run", "idp"]).code, 1);
    for arguments in [&["check", "idp"][..], &["check", "idp", "--full"]] {
        let check = rig.sync(arguments);
        assert!(check.code == 1 && check.out.contains("sekisho sync allow"), "{}\n{}", check.out, check.err);
    }
    slapd.modify(&format!("dn: {group}\nchangetype: modify\nadd: member\n{out}"));
    for arguments in [&["check", "idp"][..], &["check", "idp", "--full"], &["run", "idp", "--full"]] {
        let check = rig.sync(arguments);
        assert!(check.code == 0 && !check.out.contains("holds back"), "{}\n{}", check.out, check.err);
    }
    assert!(!rig.sync(&["status", "idp"]).out.contains("holds"));
}
