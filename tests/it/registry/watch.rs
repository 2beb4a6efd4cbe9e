//! Files that come, change and go while the registry watches.

use std::fs::{self, File};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sekisho::clock::ManualClock;
use sekisho::registry::{Registry, Severity, Snapshot};

use super::{Rig, acs_of, eventually, finding, sp};
use crate::support::pki::Pair;

const A: &str = "https://sp.example.org/a";
const B: &str = "https://sp.example.org/b";

#[test]
fn dropped_changed_and_removed() {
    let rig = Rig::new();
    let registry = rig.open();
    rig.write("x.xml", sp("one", A));
    eventually(&registry, "dropped", |s| acs_of(s, "one").as_deref() == Some(A));
    rig.write("x.xml", sp("one", B));
    eventually(&registry, "changed in place, same size", |s| acs_of(s, "one").as_deref() == Some(B));
    rig.replace("x.xml", &sp("one", A));
    eventually(&registry, "replaced", |s| acs_of(s, "one").as_deref() == Some(A));
    rig.write("x.toml", "enabled = false\n");
    eventually(&registry, "policy dropped", |s| s.find_disabled("one").is_some());
    fs::remove_file(rig.path("x.toml")).unwrap();
    eventually(&registry, "policy removed", |s| s.find("one").is_some());
    fs::remove_file(rig.path("x.xml")).unwrap();
    eventually(&registry, "removed", |s| s.iter().len() == 0);
    let told = [
        "metadata x.xml loaded",
        "metadata x.xml changed",
        "metadata x.xml changed",
        "policy x.toml loaded",
        "policy x.toml removed",
        "metadata x.xml removed",
    ];
    assert_eq!(rig.told(), told);
}

/// A certificate that a TOML names is part of it, wherever it is.
#[test]
fn a_file_that_the_toml_names_is_watched_too() {
    let rig = Rig::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let certificate = elsewhere.path().join("sp.pem");
    fs::write(&certificate, Pair::of_sp().certificate_pem()).unwrap();
    let toml = format!(
        "entity_id = \"urn:a\"\nacs = [\"https://a.example/\"]\ncertificates = [\"{}\"]\n",
        certificate.display()
    );
    rig.write("a.toml", toml);
    let registry = rig.open();
    let key = |snapshot: &Snapshot| snapshot.find("urn:a").map(|sp| sp.keys[0].fingerprint().to_owned());
    let before = key(&registry.snapshot()).unwrap();
    let other = Pair::rsa(2048);
    fs::write(&certificate, other.certificate_pem()).unwrap();
    let after =
        eventually(&registry, "the other certificate", |snapshot| key(snapshot) != Some(before.clone()));
    let broken = |snapshot: &Snapshot| snapshot.findings().iter().any(|one| one.severity == Severity::Error);
    assert!(!broken(&after));
    fs::remove_file(&certificate).unwrap();
    let gone = eventually(&registry, "the fault", broken);
    finding(&gone, "certificate file");
    assert_eq!(key(&gone), key(&after), "what was last good stays");
    assert_eq!(rig.told(), ["metadata a.toml loaded", "metadata a.toml changed", "metadata a.toml refused"]);
}

#[test]
fn a_bad_change_keeps_the_last_good_while_the_file_exists() {
    let rig = Rig::with(&[("x.xml", &sp("one", A)), ("y.xml", &sp("other", B))]);
    let registry = rig.open();
    rig.write("x.xml", "<html></html>");
    let snapshot = eventually(&registry, "refused", |s| {
        s.findings().iter().any(|f| f.file == "x.xml" && f.message.contains("the root element is <html>"))
    });
    assert_eq!(acs_of(&snapshot, "one").as_deref(), Some(A));
    assert_eq!(acs_of(&snapshot, "other").as_deref(), Some(B));
    rig.write("x.xml", sp("one", B));
    eventually(&registry, "repaired", |s| acs_of(s, "one").as_deref() == Some(B));
    rig.write("x.toml", "sing = \"both\"\n");
    let snapshot = eventually(&registry, "bad policy", |s| s.findings().iter().any(|f| f.file == "x.toml"));
    assert_eq!(finding(&snapshot, "sing").line, Some(1));
    assert!(snapshot.find("one").is_some());
    fs::remove_file(rig.path("x.xml")).unwrap();
    let snapshot = eventually(&registry, "gone with its file", |s| s.find("one").is_none());
    assert!(snapshot.find("other").is_some());
}

#[test]
fn a_file_is_not_judged_while_it_is_copied() {
    let rig = Rig::with(&[("x.xml", &sp("one", A))]);
    let registry = rig.open();
    let text = sp("one", B);
    let mut file = File::create(rig.path("x.xml")).unwrap();
    for piece in text.as_bytes().chunks(16) {
        file.write_all(piece).unwrap();
        assert!(registry.snapshot().find("one").is_some());
    }
    drop(file);
    eventually(&registry, "whole", |s| acs_of(s, "one").as_deref() == Some(B));
}

#[test]
fn readers_always_see_a_whole_snapshot() {
    let rig = Rig::with(&[("x.xml", &sp("one", A)), ("y.xml", &sp("two", A))]);
    let registry = rig.open();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let snapshot = registry.snapshot();
                assert!(snapshot.find("one").is_some() && snapshot.find("two").is_some());
            }
        });
        for acs in [B, A, B, A, B] {
            rig.replace("x.xml", &sp("one", acs));
            eventually(&registry, "read", |s| {
                registry.reload_now().unwrap();
                acs_of(s, "one").as_deref() == Some(acs)
            });
        }
        stop.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
}

#[test]
fn a_folder_that_is_away_changes_nothing() {
    let rig = Rig::with(&[("x.xml", &sp("one", A))]);
    let registry = rig.open();
    let away = rig.folder.path().with_extension("away");
    fs::rename(rig.folder.path(), &away).unwrap();
    assert!(registry.reload_now().is_err());
    assert!(registry.snapshot().find("one").is_some());
    fs::rename(&away, rig.folder.path()).unwrap();
    rig.write("x.xml", sp("one", B));
    eventually(&registry, "back", |s| acs_of(s, "one").as_deref() == Some(B));
}

#[test]
fn a_folder_that_never_was_is_an_error_with_its_name() {
    let mut rig = Rig::new();
    rig.options.folder = rig.path("no-such-folder");
    let clock = Arc::new(ManualClock::at(rig.now));
    let opened = Registry::open(rig.options.clone(), clock, Arc::new(|_| {}), rig.live_files.clone());
    assert!(opened.unwrap_err().to_string().contains("no-such-folder"));
}
