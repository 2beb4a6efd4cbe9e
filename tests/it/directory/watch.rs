//! Lasting searches: whatever happens is heard at once, without asking.

use std::sync::Arc;
use std::time::Duration;

use sekisho::clock::SeededIds;
use sekisho::directory::source::Source;
use sekisho::directory::{FileDirectory, LdapOptions, hash_password};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::source::{Edit, Rig, SambaRig, SlapdRig};
use super::{open, options, secret};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{BASE, Copies};

/// Each of these edits is heard by somebody who began to listen just before it.
async fn are_heard(rig: &mut dyn Rig, options: &LdapOptions, edits: &[Edit]) {
    let base = rig.query().base;
    for edit in edits {
        let (source, changed) = (open(options.clone()), Arc::new(Notify::new()));
        let listening = tokio::spawn({
            let (base, changed) = (base.clone(), Arc::clone(&changed));
            async move { source.watch(&base, &changed).await }
        });
        let heard = |what: String| {
            let changed = Arc::clone(&changed);
            async move {
                let heard = timeout(Duration::from_mins(1), changed.notified()).await;
                heard.unwrap_or_else(|_| panic!("{what} is not heard"));
            }
        };
        heard("the beginning".to_owned()).await;
        rig.edit(*edit);
        heard(format!("{edit:?}")).await;
        assert!(!listening.is_finished(), "it goes on");
        listening.abort();
    }
}

const ALL: &[Edit] = &[
    Edit::Add("ichiro"),
    Edit::Title("ichiro", "chief"),
    Edit::Rename("ichiro"),
    Edit::Disable("ichiro"),
    Edit::LeaveFilter("ichiro"),
    Edit::MoveOut("ichiro"),
    Edit::MoveIn("ichiro"),
    Edit::Delete("ichiro"),
];

#[tokio::test]
async fn what_happens_in_a_slapd_is_heard() {
    let mut rig = SlapdRig::new(Copies::Log);
    let options = options(&[&rig.slapd]);
    are_heard(&mut rig, &options, ALL).await;
}

#[tokio::test]
async fn what_happens_in_an_active_directory_is_heard() {
    let Some(samba) = Samba::shared() else { return };
    let mut rig = SambaRig::new(samba, "watched", (samba::READER, samba::SERVICE_PASSWORD));
    let (deletion, others) = ALL.split_last().unwrap();
    are_heard(&mut rig, &samba.options(), others).await;
    // By whoever sees what was deleted.
    let mut options = samba.options();
    options.bind_dn = Some(samba::ADMINISTRATOR.to_owned());
    options.bind_password = Some(secret(samba::ADMINISTRATOR_PASSWORD));
    are_heard(&mut rig, &options, &[*deletion]).await;
}

#[tokio::test]
async fn a_slapd_that_is_stopped_ends_the_search() {
    let rig = SlapdRig::new(Copies::Log);
    let (source, changed) = (open(options(&[&rig.slapd])), Arc::new(Notify::new()));
    let listening = tokio::spawn({
        let changed = Arc::clone(&changed);
        async move { source.watch(&format!("ou=many,{BASE}"), &changed).await }
    });
    timeout(Duration::from_mins(1), changed.notified()).await.unwrap();
    drop(rig);
    let ended = timeout(Duration::from_mins(1), listening).await.unwrap().unwrap();
    let told = ended.unwrap_err().to_string();
    assert!(told.contains("closed the connection") || told.contains("unavailable"), "{told}");
}

#[tokio::test]
async fn who_cannot_be_heard_says_so() {
    let rig = SlapdRig::new(Copies::No);
    let changed = Notify::new();
    let told = rig.source().watch(&rig.query().base, &changed).await.unwrap_err().to_string();
    assert!(told.contains("OpenLDAP needs the overlay syncprov"), "{told}");
    let elsewhere = SlapdRig::new(Copies::Log);
    let told =
        elsewhere.source().watch("ou=nowhere,dc=example,dc=test", &changed).await.unwrap_err().to_string();
    assert!(told.contains("ou=nowhere"), "{told}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.toml");
    let hash = hash_password(&secret("x"), &SeededIds::new(1));
    std::fs::write(&path, format!("[[person]]\nlogin = \"a\"\npassword = \"{hash}\"\n")).unwrap();
    let file = FileDirectory::load("local", &path).unwrap();
    let told = file.watch("", &changed).await.unwrap_err().to_string();
    assert!(told.contains("take `watch` out"), "{told}");
}
