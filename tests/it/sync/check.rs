//! What `sekisho check` says of the targets of synchronisation.

use serde_json::Value;

use super::rig;
use crate::support::app::sekisho;
use crate::support::folder::Folder;
use crate::support::process::free_port;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::slapd::{BASE, Copies, Slapd};

/// A target `idp` of the people in the folder's file.
fn folder(url: &str, more: &str) -> Folder {
    let mut folder = Folder::new();
    let keys = format!(
        "name = \"idp\"\ndirectory = \"people\"\nurl = \"{url}\"\nallow_http = true\n\
         token_file = \"certs/token\"\n{more}"
    );
    let target: toml::Table = keys.parse().unwrap();
    folder.config.insert("sync".to_owned(), vec![toml::Value::Table(target)].into());
    folder.write_secret("certs/token", &format!("{TOKEN}\n"));
    folder.write_config();
    folder
}

/// The exit code, the row of the target, and what is found of it: severity, message, remedy.
fn check(folder: &Folder) -> (Option<i32>, Value, Vec<[String; 3]>) {
    let ran = tokio::task::block_in_place(|| sekisho(folder, &["check", "--json"]).output().unwrap());
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let all = report["findings"].as_array().unwrap();
    let own = all.iter().filter(|finding| finding["subject"] == "target idp");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let found = own.map(|finding| ["severity", "message", "remedy"].map(|key| text(finding, key)));
    (ran.status.code(), report["targets"][0].clone(), found.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_answers_says_what_it_has() {
    let service = ScimServer::scim2().await;
    let folder = folder(&service.url, "token_expires = 2099-08-01\n");
    let (code, row, found) = check(&folder);
    assert_eq!((code, found.len()), (Some(0), 0), "{found:?}");
    let expected = serde_json::json!({
        "name": "idp", "kind": "SCIM 2.0", "state": "answers", "types": "User, Group", "token": "ends on 2099-08-01",
    });
    assert_eq!(row, expected);
    let table = tokio::task::block_in_place(|| sekisho(&folder, &["check"]).output().unwrap());
    let table = String::from_utf8(table.stdout).unwrap();
    let row = table.lines().find(|line| line.starts_with("idp ")).expect("a row");
    for part in ["SCIM 2.0", "answers", "User, Group", "ends on 2099-08-01"] {
        assert!(row.contains(part), "{part}: {row}");
    }
    assert!(!folder.path("sekisho-sync.db").exists(), "to look changes nothing");

    folder.write_secret("certs/token", "expired\n");
    let (code, row, found) = check(&folder);
    assert_eq!((code, row["state"].as_str()), (Some(1), Some("credentials refused")));
    assert!(
        found[0][1].starts_with("HTTP 401") && found[0][2].contains("sekisho sync token set"),
        "{found:?}"
    );
    assert!(!found[0][1].contains("expired"), "the token is told: {found:?}");

    folder.remove("certs/token");
    let (code, row, found) = check(&folder);
    assert_eq!((code, row["state"].as_str()), (Some(1), Some("cannot be asked")));
    assert!(found[0][2].starts_with("write it anew with `sekisho sync token set idp`"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_there_and_a_token_that_ends_are_told() {
    let nowhere = format!("http://127.0.0.1:{}/v2", free_port());
    let (code, row, found) = check(&folder(&nowhere, "token_expires = 2020-01-01\n"));
    assert_eq!((code, row["state"].as_str()), (Some(1), Some("does not answer")));
    let [unheard, ended] = &found[..] else { panic!("{found:?}") };
    assert_eq!((unheard[0].as_str(), ended[0].as_str()), ("error", "warning"));
    assert!(unheard[2].starts_with("no connection; check url"), "{found:?}");
    assert_eq!(ended[1], "the token ended on 2020-01-01");
    assert!(ended[2].contains("`sekisho sync token set idp`"), "{found:?}");

    // A service that does not warn: the file tells how old the token is.
    let folder = folder(&nowhere, "preset = \"6clicks\"\n");
    let (.., found) = check(&folder);
    assert_eq!(found.len(), 1, "{found:?}");
    let file = std::fs::File::options().write(true).open(folder.path("certs/token")).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(24 * 365 * 50);
    file.set_modified(long_ago).unwrap();
    let (.., found) = check(&folder);
    assert_eq!(found[1][1], "the token is more than 300 days old, and the service does not warn of its end");
}

/// What is found of keys below `sync[1].conventions`: where it stands, the key, the message, the remedy.
fn conventions(folder: &Folder) -> Vec<[String; 4]> {
    let ran = tokio::task::block_in_place(|| sekisho(folder, &["check", "--json"]).output().unwrap());
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let all = report["findings"].as_array().unwrap().iter();
    let own = all.filter(|finding| finding["subject"].as_str().unwrap().contains("conventions"));
    let row = |finding: &Value| {
        assert_eq!(finding["severity"], "warning", "{finding}");
        let place = format!("{}:{}", finding["file"].as_str().unwrap(), finding["line"]);
        let [key, message, remedy] =
            ["subject", "message", "remedy"].map(|key| finding[key].as_str().unwrap().to_owned());
        [place, key, message, remedy]
    };
    own.map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_the_conventions_that_is_not_there_is_told_with_its_key() {
    let slapd = Slapd::start_source(Copies::Log, 2);
    let base = format!("ou=many,{BASE}");
    slapd.modify(&format!(
        "dn: cn=chiefs,{base}\nchangetype: add\nobjectClass: groupOfNames\ncn: chiefs\nmember: uid=m0,{base}\n\n\
         dn: ou=places,{base}\nchangetype: add\nobjectClass: organizationalUnit\nou: places\n"
    ));
    let directory = Slapd::directory(&[&slapd]);
    let service = ScimServer::scim2().await;
    let with = |conventions: &str| {
        let keys = format!("search_base = \"{base}\"\n[conventions]\nidsync = \"cn=some\"\n{conventions}");
        rig::folder(&service.url, &directory, &keys)
    };
    let missing = with(
        "admin = \"cn=Bosses,ou=Groups\"\nservices = \"ou=places\"\ngroups = \"all\"\ngroups_under = [\"ou=places\", \"ou=Lists\"]\n",
    );
    let text = std::fs::read_to_string(missing.path("sekisho.toml")).unwrap();
    let line = |start: &str| text.lines().position(|line| line.starts_with(start)).unwrap() + 1;
    let expected = [
        ("admin", line("admin = "), format!("cn=bosses,ou=groups,{base}")),
        ("groups_under", line("groups_under = "), format!("ou=lists,{base}")),
    ];
    let found = conventions(&missing);
    assert_eq!(found.len(), 2, "{found:?}");
    let check = rig::run_in(&missing, &["check", "idp"], "");
    for ([place, key, message, remedy], (expected, line, dn)) in found.iter().zip(&expected) {
        assert!(place.ends_with(&format!("sekisho.toml:{line}")), "{place}: {line}\n{text}");
        assert_eq!(key, &format!("sync[1].conventions.{expected}"));
        assert_eq!(message, &format!("the directory has no {dn}"));
        assert_eq!(remedy, "make it there, let bind_dn read it, or correct the name");
        let warning = format!("warning: sekisho.toml:{line}: {key}: {message}; {remedy}");
        assert!(check.out.lines().any(|line| line == warning), "{warning}\n{}\n{}", check.out, check.err);
    }
    assert_eq!(check.out.matches("the directory has no").count(), 2, "{}", check.out);
    assert_eq!(check.code, 0, "it goes on\n{}\n{}", check.out, check.err);

    // What is there, and what is only a default, is no matter.
    let right = with("admin = \"cn=chiefs\"\n");
    assert_eq!(conventions(&right).len(), 0);
    let check = rig::run_in(&right, &["check", "idp"], "");
    assert!(!check.out.contains("conventions"), "{}", check.out);
}
