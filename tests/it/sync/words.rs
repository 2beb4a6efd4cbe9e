//! What administrators read of a run, and what they are told of: values that are no text, faults and their remedies.

use super::rig::Rig;
use crate::support::scim::ScimServer;
use crate::support::slapd::{Copies, Slapd};

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
