//! Targets that refuse a deletion: whoever has left is without access all the same, from the same run on.

use super::rig::{Rig, run_in};
use super::to_ldap;
use crate::support::scim::ScimServer;
use crate::support::scim_proxy::Conduct;
use crate::support::slapd::{BASE, Copies, Slapd};

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_deletes_nobody_is_told_that_they_have_left() {
    let slapd = Slapd::start_source(Copies::Log, 5);
    let keys = format!("objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\ndelete_after = \"0\"\n");
    let rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &keys).await;
    rig.carried(&["run", "idp"]);
    let refused = [(403, "code=50"), (405, "code=53"), (501, "code=53"), (400, "code=66")];
    for (number, (status, code)) in refused.into_iter().enumerate() {
        slapd.modify(&format!("dn: uid=m{number},ou=many,{BASE}\nchangetype: delete\n"));
        rig.proxy.next("DELETE", "/Users/", Conduct::Answer(status, &[], ""));
        let run = rig.sync(&["run", "idp"]);
        let (out, err) = (&run.out, &run.err);
        let writes = rig.writes();
        assert!(
            matches!(&writes[..], [delete, patch] if delete.starts_with("DELETE /Users/") && patch.starts_with("PATCH /Users/")),
            "{status}: {writes:?}"
        );
        let sums = "Modify=1(1 succeeded) Delete=1(0 succeeded) Error/Skip=1";
        assert!(run.code == 1 && out.contains(sums), "{status}: {out}\n{err}");
        let failed = format!("Deleting uid=m{number},ou=many,{BASE} failed: HTTP {status}");
        let line = err.lines().find(|line| line.contains(&failed)).unwrap_or_else(|| panic!("{err}"));
        assert!(line.contains(code), "{line}");
        assert_eq!(line.contains("deactivation = \\\"deactivate-only\\\""), code == "code=53", "{line}");
        assert!(
            err.contains(&format!("type=modify dn=uid=m{number},ou=many,{BASE} result=0 active:=false")),
            "{err}"
        );
        let users = rig.users().await;
        assert_eq!(users[&format!("m{number}@example.test")]["active"], false, "{users:?}");

        // It is tried again, and nobody is deactivated who is already.
        for (arguments, asked) in [(&["run", "idp"][..], 0), (&["run", "idp", "--full"], 1)] {
            if asked > 0 {
                rig.proxy.next("DELETE", "/Users/", Conduct::Answer(status, &[], ""));
            }
            let run = rig.sync(arguments);
            let writes = rig.writes();
            assert!(run.code == 1 && writes.len() == asked, "{writes:?}\n{}\n{}", run.out, run.err);
            assert!(writes.iter().all(|line| line.starts_with("DELETE ")), "{writes:?}");
        }
        let status = rig.sync(&["status", "idp"]).out;
        assert!(status.contains("1 object of User is gone from the directory and deactivated"), "{status}");
        let (_, writes) = rig.carried(&["run", "idp", "--full"]);
        assert!(matches!(&writes[..], [delete] if delete.starts_with("DELETE ")), "{writes:?}");
        assert!(!rig.users().await.contains_key(&format!("m{number}@example.test")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_with_others_below_it_is_locked() {
    let source = Slapd::start_source(Copies::Log, 0);
    to_ldap::company(&source, "");
    let rig = to_ldap::Rig::new(&Slapd::directory(&[&source]), &to_ldap::source_keys(""));
    rig.carried(&["run", "idp"]);
    let aoki = to_ldap::person("aoki");
    let below = format!("cn=phone,{aoki},{BASE}");
    rig.target.modify(&format!("dn: {below}\nchangetype: add\nobjectClass: device\ncn: phone\n"));
    source.modify(&format!("dn: uid=aoki,ou=Sales,ou=Staff,{BASE}\nchangetype: delete\n"));
    let run = run_in(&rig.folder, &["run", "idp"], "");
    assert!(run.code == 1 && run.out.contains("Delete=1(0 succeeded)"), "{}\n{}", run.out, run.err);
    assert!(run.err.contains("code=66"), "{}", run.err);
    assert_eq!(rig.values(&aoki, "pwdAccountLockedTime"), ["000001010000Z"]);
    let changed = rig.values(&aoki, "entryCSN");
    assert_eq!(run_in(&rig.folder, &["run", "idp", "--full"], "").code, 1);
    assert_eq!(rig.values(&aoki, "entryCSN"), changed, "locked once");
    rig.target.modify(&format!("dn: {below}\nchangetype: delete\n"));
    rig.carried(&["run", "idp", "--full"]);
    assert!(!rig.is_there(&aoki));
}
