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
    for (id, key) in [("a", "certificates"), ("b", "encryption_certificates")] {
        let toml = format!(
            "entity_id = \"urn:{id}\"\nacs = [\"https://{id}.example/\"]\n{key} = [\"{}\"]\n",
            certificate.display()
        );
        rig.write(&format!("{id}.toml"), toml);
    }
    let registry = rig.open();
    let certificates = |snapshot: &Snapshot| {
        ["urn:a", "urn:b"].map(|id| snapshot.find(id).unwrap().metadata.keys[0].certificates.clone())
    };
    let before = certificates(&registry.snapshot());
    let other = Pair::rsa(2048);
    fs::write(&certificate, other.certificate_pem()).unwrap();
    let der = other.certificate.to_der().unwrap();
    let after = eventually(&registry, "the other certificate for both", |snapshot| {
        certificates(snapshot).iter().all(|held| *held == [der.clone()])
    });
    assert!(certificates(&after) != before);
    let broken = |snapshot: &Snapshot| {
        snapshot.findings().iter().filter(|one| one.severity == Severity::Error).count()
    };
    assert_eq!(broken(&after), 0);
    fs::remove_file(&certificate).unwrap();
    let gone = eventually(&registry, "both faults", |snapshot| broken(snapshot) == 2);
    finding(&gone, "certificate file");
    assert_eq!(certificates(&gone), certificates(&after), "what was last good stays");
    for id in ["a", "b"] {
        let mut told = rig.told();
        told.retain(|line| line.contains(&format!("{id}.toml")));
        assert_eq!(told, ["loaded", "changed", "refused"].map(|what| format!("metadata {id}.toml {what}")));
    }
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
