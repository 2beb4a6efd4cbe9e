//! What goes on, or can be mended, though something around a run is broken: nobody reads what is printed, a token file is of
//! no use, a certificate is not trusted, a directory takes no password in clear.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use super::rig::{Rig, command, folder, run_in};
use crate::support::app::{TestServer, sekisho};
use crate::support::folder::Folder;
use crate::support::samba::Samba;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::slapd::{BASE, Copies, Slapd};

async fn rig(slapd: &Slapd, keys: &str) -> Rig {
    let keys = format!("objects = [\"user\"]\nsearch_base = \"ou=many,{BASE}\"\n{keys}");
    Rig::new(ScimServer::scim2().await, &Slapd::directory(&[slapd]), &keys).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_when_nobody_reads_what_it_prints() {
    let slapd = Slapd::start_source(Copies::Log, 20);
    let rig = rig(&slapd, "").await;
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let ended = tokio::task::block_in_place(|| {
        command(&rig.folder, &["run", "idp"]).stdout(closed()).stderr(closed()).status().unwrap()
    });
    assert_eq!(ended.code(), Some(0));
    assert_eq!(rig.users().await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_of_no_use_is_mended_by_token_set() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let rig = rig(&slapd, "schedule = \"10s\"\n").await;
    let path = rig.folder.path("certs/token");
    for (content, mode, why) in [
        ("two\nlines\n", 0o600, "does not hold one line of text"),
        ("", 0o600, "does not hold one line of text"),
        (TOKEN, 0o644, "is open to other users of this machine (mode 0644)"),
    ] {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let run = rig.sync(&["run", "idp"]);
        let told = "write it anew with `sekisho sync token set idp`";
        assert!(run.code == 1 && run.err.contains(why) && run.err.contains(told), "{}", run.err);
        let check =
            tokio::task::block_in_place(|| sekisho(&rig.folder, &["check", "--json"]).output().unwrap());
        let shown = String::from_utf8(check.stdout).unwrap();
        assert!(check.status.code() == Some(1) && shown.matches(why).count() == 1, "{shown}");
        let set = rig.sync_with(&["token", "set", "idp"], TOKEN);
        assert_eq!(set.code, 0, "{}", set.err);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!((std::fs::read_to_string(&path).unwrap(), mode), (format!("{TOKEN}\n"), 0o600));
        rig.carried(&["run", "idp"]);
    }
    std::fs::write(&path, "").unwrap();
    // Now of all times somebody wants to pause it, and to see how things are, with the other targets, too.
    let mut folder = rig.folder;
    let mut other = folder.config["sync"][0].clone();
    let keys = other.as_table_mut().unwrap();
    keys.insert("name".to_owned(), "other".into());
    keys.insert("token_file".to_owned(), "certs/other-token".into());
    folder.write_secret("certs/other-token", &format!("{TOKEN}\n"));
    folder.config["sync"].as_array_mut().unwrap().push(other);
    folder.write_config();
    let sync = |folder: &Folder, arguments: &[&str], code| {
        let run = run_in(folder, arguments, "");
        assert_eq!(run.code, code, "{arguments:?}: {}\n{}", run.out, run.err);
        run.out
    };
    sync(&folder, &["run", "other"], 0);
    let shown = sync(&folder, &["status"], 0);
    let told = "idp: 2 linked\nno run can begin: the token of target \"idp\": ";
    assert!(shown.contains(told) && shown.contains("\nother: 2 linked\n"), "{shown}");
    assert_eq!(shown.matches("no run can begin").count(), 1, "{shown}");
    let shown: serde_json::Value = serde_json::from_str(&sync(&folder, &["status", "--json"], 0)).unwrap();
    assert!(shown[0]["cannot_begin"].as_str().unwrap().contains("`sekisho sync token set idp`"), "{shown}");
    assert!(shown[1]["cannot_begin"].is_null(), "{shown}");
    assert!(sync(&folder, &["explain", "other", "--user", "m1"], 0).contains("linked to "));
    sync(&folder, &["allow", "1", "other"], 1);
    assert!(sync(&folder, &["pause", "idp"], 0).contains("idp is paused; "));
    assert!(sync(&folder, &["status"], 0).contains("idp: 2 linked, paused\n"));
    folder.config["sync"].as_array_mut().unwrap().pop();
    folder.write_config();
    std::fs::write(folder.path("certs/token"), TOKEN).unwrap();
    assert!(sync(&folder, &["resume", "idp"], 0).contains("Error/Skip=0"));
    std::fs::write(folder.path("certs/token"), "").unwrap();
    let mut server = TestServer::start(folder).await;
    server.process.wait_for_log("sync[1].token_file: ").await;
    server.process.wait_for_log("the token of target \"idp\": ").await;
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_is_told_once_with_the_key_that_helps() {
    let slapd = Slapd::start_source(Copies::Log, 1);
    let told = |url: String, more: &str| {
        let folder = folder(&url, &Slapd::directory(&[&slapd]), more);
        let run = super::rig::run_in(&folder, &["test", "idp"], "");
        assert_eq!(run.code, 1, "{}", run.out);
        run.err
    };
    // Any server with TLS will do.
    let url = || format!("{}/v2", slapd.ldaps_url().replace("ldaps://", "https://"));
    let err = told(url(), "");
    assert_eq!(err.matches("certificate verify failed").count(), 1, "{err}");
    assert!(
        err.contains("name that in ca_certificate of its [[sync]]") && !err.contains("0A000086"),
        "{err}"
    );
    let trusted = format!("ca_certificate = {:?}\n", slapd.ca_file().display().to_string());
    let wrong_name = format!("{}/v2", slapd.wrong_name_url().replace("ldaps://", "https://"));
    let err = told(wrong_name, &trusted);
    assert!(err.contains("write into url the name that the service's certificate holds"), "{err}");
    let err = told(url(), &trusted);
    assert!(!err.contains("certificate"), "{err}");
}

/// Samba wants TLS for a simple bind, as Active Directory may.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_takes_no_password_in_clear_wants_tls() {
    let Some(samba) = Samba::shared() else { return };
    let service = ScimServer::scim2().await;
    let clear = samba.directory().replace("ldaps://", "ldap://");
    let run = super::rig::run_in(&folder(&service.url, &clear, ""), &["run", "idp"], "");
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(run.err.contains("result 8 (strongerAuthRequired)"), "{}", run.err);
    assert!(run.err.contains("Synchronizing idp failed(8)"), "{}", run.err);
    assert!(
        run.err.contains("the directory wants TLS; write ldaps:// in urls, or start_tls = true"),
        "{}",
        run.err
    );
}
