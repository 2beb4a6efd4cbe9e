//! What a record of the log holds beside its words: where it belongs, how long it took, and what was known of the object.

use serde_json::Value;

use super::rig::Rig;
use crate::support::scim::ScimServer;
use crate::support::scim_proxy::Conduct;
use crate::support::slapd::{Copies, Slapd};

const PEOPLE: &str = "ou=records,dc=example,dc=test";

/// The record of the only write of a run.
fn record(rig: &Rig) -> Value {
    let run = rig.sync(&["run", "idp"]);
    let records = run.err.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_write = |record: &Value| record["message"].as_str().unwrap().starts_with("type=");
    let mut writes: Vec<_> = records.filter(is_write).collect();
    assert_eq!((run.code, writes.len()), (0, 1), "{}\n{}", run.out, run.err);
    writes.remove(0)
}

fn person(name: &str) -> String {
    format!(
        "dn: uid={name},{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n\
         givenName: {name}\nmail: {name}@example.test\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_write_has_run_object_attempts_time_and_hashes() {
    let slapd = Slapd::start_source(Copies::Log, 0);
    slapd.modify(&format!("dn: {PEOPLE}\nchangetype: add\nobjectClass: organizationalUnit\nou: records\n"));
    slapd.modify(&person("aoki"));
    let more = format!("search_base = \"{PEOPLE}\"\ndelete_after = \"0\"\n");
    let mut rig = Rig::new(ScimServer::scim2().await, &Slapd::directory(&[&slapd]), &more).await;
    rig.folder.config.insert("log".to_owned(), toml::toml! { format = "json" }.into());
    rig.folder.write_config();
    record(&rig);

    slapd.modify(&person("baba"));
    rig.proxy.next("POST", "/Users", Conduct::Answer(429, &["Retry-After: 0"], ""));
    let made = record(&rig);
    let held = rig.users().await["baba@example.test"].clone();
    let object = format!("user/{}", held["externalId"].as_str().unwrap());
    assert_eq!((&made["sync.target"], &made["sync.run"]), (&"idp".into(), &2.into()), "{made}");
    assert_eq!((&made["object"], &made["target_id"]), (&object.clone().into(), &held["id"]), "{made}");
    assert_eq!((&made["attempts"], &made["before"]), (&2.into(), &Value::Null), "{made}");
    assert!(made["duration_ms"].is_u64() && made["after"].as_str().unwrap().len() == 16, "{made}");

    slapd.modify(&format!("dn: uid=baba,{PEOPLE}\nchangetype: modify\nreplace: title\ntitle: Chief\n"));
    let changed = record(&rig);
    assert_eq!((&changed["sync.run"], &changed["attempts"]), (&3.into(), &1.into()), "{changed}");
    assert_eq!(changed["before"], made["after"], "nothing was known to change between the two");
    assert_ne!(changed["after"], changed["before"]);

    slapd.modify(&format!("dn: uid=baba,{PEOPLE}\nchangetype: delete\n"));
    let gone = record(&rig);
    assert_eq!((&gone["object"], &gone["before"]), (&object.into(), &changed["after"]), "{gone}");
    assert_eq!(gone["after"], Value::Null, "nothing is known of it any more");
}
