//! Files that claim one entityID.

use std::fs;

use sekisho::registry::{LiveFile, LiveFiles};

use super::{Rig, acs_of, finding, sp};

const A: &str = "https://sp.example.org/a";
const B: &str = "https://sp.example.org/b";

#[test]
fn identical_files_are_one() {
    let text = sp("one", A);
    let snapshot = Rig::with(&[("x.xml", &text), ("y.xml", &text)]).open().snapshot();
    assert_eq!(acs_of(&snapshot, "one").as_deref(), Some(A));
    assert_eq!(snapshot.iter().len(), 1);
    assert!(!snapshot.findings().iter().any(|finding| finding.message.contains("not used")));
}

#[test]
fn of_different_files_none_is_used_where_none_was_live() {
    let rig = Rig::with(&[("x.xml", &sp("one", A)), ("y.xml", &sp("one", B)), ("z.xml", &sp("other", A))]);
    let snapshot = rig.open().snapshot();
    assert!(snapshot.find("one").is_none());
    assert!(snapshot.find("other").is_some());
    assert_eq!(finding(&snapshot, "since y.xml has the same entityID").file, "x.xml");
    assert_eq!(finding(&snapshot, "since x.xml has the same entityID").file, "y.xml");
}

#[test]
fn an_identical_file_with_another_policy_is_a_different_one() {
    let text = sp("one", A);
    let rig = Rig::with(&[("x.xml", &text), ("y.xml", &text), ("y.toml", "allow = [\"user:tanaka\"]\n")]);
    assert!(rig.open().snapshot().find("one").is_none());
}

#[test]
fn the_file_that_was_live_stays_also_over_a_restart() {
    let rig = Rig::with(&[("m.xml", &sp("one", A))]);
    let registry = rig.open();
    rig.write("a.xml", sp("one", B));
    registry.reload_now().unwrap();
    assert_eq!(acs_of(&registry.snapshot(), "one").as_deref(), Some(A));
    assert_eq!(finding(&registry.snapshot(), "since m.xml was live").file, "a.xml");
    assert!(rig.told().contains(&"metadata a.xml refused".to_owned()), "{:?}", rig.told());
    drop(registry);
    let registry = rig.open();
    assert_eq!(acs_of(&registry.snapshot(), "one").as_deref(), Some(A));
    fs::remove_file(rig.path("m.xml")).unwrap();
    registry.reload_now().unwrap();
    assert_eq!(acs_of(&registry.snapshot(), "one").as_deref(), Some(B), "the way is free now");
}

#[test]
fn a_renamed_file_is_known_by_its_content() {
    let rig = Rig::with(&[("old.xml", &sp("one", A))]);
    drop(rig.open());
    fs::rename(rig.path("old.xml"), rig.path("z.xml")).unwrap();
    rig.write("a.xml", sp("one", B));
    assert_eq!(acs_of(&rig.open().snapshot(), "one").as_deref(), Some(A));
    assert_eq!(rig.live_files.load()[0].file, "z.xml");
}

#[test]
fn nobody_takes_the_place_of_a_file_that_is_broken() {
    let rig = Rig::with(&[("m.xml", "<broken"), ("a.xml", &sp("one", B))]);
    let entity_id = "one".to_owned();
    rig.live_files.remember(&LiveFile { entity_id, file: "m.xml".to_owned(), sha256: "00".to_owned() });
    let registry = rig.open();
    assert!(registry.snapshot().find("one").is_none());
    assert_eq!(finding(&registry.snapshot(), "belongs to m.xml, which is broken").file, "a.xml");
    rig.write("m.xml", sp("one", A));
    registry.reload_now().unwrap();
    assert_eq!(acs_of(&registry.snapshot(), "one").as_deref(), Some(A));
}

#[test]
fn what_is_gone_is_forgotten() {
    let rig = Rig::with(&[("m.xml", &sp("one", A))]);
    let registry = rig.open();
    assert_eq!(rig.live_files.load().len(), 1);
    fs::remove_file(rig.path("m.xml")).unwrap();
    registry.reload_now().unwrap();
    assert_eq!(rig.live_files.load(), []);
}

#[test]
fn twice_in_one_file() {
    let (one, other, third) = (sp("one", A), sp("one", B), sp("third", A));
    let group = |texts: [&str; 3]| {
        let inside = texts.concat();
        format!(
            r#"<g:EntitiesDescriptor xmlns:g="urn:oasis:names:tc:SAML:2.0:metadata">{inside}</g:EntitiesDescriptor>"#
        )
    };
    let snapshot = Rig::with(&[("g.xml", &group([&one, &other, &third]))]).open().snapshot();
    assert!(snapshot.find("one").is_none() && snapshot.find("third").is_some());
    finding(&snapshot, "describes this entityID twice");
    let snapshot = Rig::with(&[("g.xml", &group([&one, &one, &third]))]).open().snapshot();
    assert_eq!(snapshot.iter().len(), 2);
}

#[test]
fn an_alias_never_takes_the_name_of_another() {
    let rig = Rig::with(&[
        ("x.xml", &sp("one", A)),
        ("x.toml", "entity_id_aliases = [\"two\", \"shared\", \"mine\"]\n"),
        ("y.xml", &sp("two", B)),
        ("y.toml", "entity_id_aliases = [\"shared\"]\n"),
    ]);
    let snapshot = rig.open().snapshot();
    assert_eq!(acs_of(&snapshot, "two").as_deref(), Some(B));
    assert!(snapshot.find("shared").is_none());
    assert_eq!(acs_of(&snapshot, "mine").as_deref(), Some(A));
    assert_eq!(finding(&snapshot, "\"two\" is not used").file, "x.xml");
}
