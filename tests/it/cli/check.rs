//! Exit codes, and how a wrong configuration is told.

use tempfile::TempDir;

use super::{sekisho, site};

#[test]
fn a_wrong_configuration_is_told_in_full() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    let text = std::fs::read_to_string(folder.path().join("sekisho.toml")).unwrap();
    std::fs::write(folder.path().join("wrong.toml"), format!("{text}[throttle]\nwindw = \"1h\"\n")).unwrap();
    for arguments in [&["check"][..], &["serve"], &["metadata"]] {
        let run = sekisho(folder.path(), &[arguments, &["--config", "wrong.toml"]].concat(), "");
        assert_eq!(run.code, 1);
        assert_eq!(run.out, "");
        assert!(
            run.err.contains("wrong.toml:6: throttle.windw: unknown key; did you mean \"window\"?\n"),
            "{}",
            run.err
        );
        assert!(run.err.contains("Unable to load private key"), "{}", run.err);
        assert!(run.err.ends_with("sekisho: the configuration has 5 faults\n"), "{}", run.err);
    }
    let run = sekisho(folder.path(), &["check", "--json", "--config", "wrong.toml"], "");
    assert_eq!(run.code, 1);
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let windw = findings.iter().find(|finding| finding["subject"] == "throttle.windw").unwrap();
    assert_eq!((&windw["severity"], &windw["line"]), (&"error".into(), &6.into()));
}

#[test]
fn a_pair_that_does_not_match_is_found() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    assert_eq!(sekisho(folder.path(), &["keys", "generate", "--ec"], "").code, 0);
    let other = TempDir::new().unwrap();
    site(other.path());
    assert_eq!(sekisho(other.path(), &["keys", "generate", "--ec"], "").code, 0);
    std::fs::copy(other.path().join("certs/PublicKey.pem"), folder.path().join("certs/PublicKey.pem"))
        .unwrap();
    let run = sekisho(folder.path(), &["check"], "");
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("\nerror     certs/PrivateKey.pem  keys\n"), "{}", run.out);
    let words: Vec<&str> = run.out.split_whitespace().collect();
    let told = "Unable to load private key certs/PrivateKey.pem: it is not the key of certificate certs/PublicKey.pem";
    assert!(words.join(" ").contains(told), "{}", run.out);
    assert!(run.out.lines().all(|line| line.chars().count() <= 100), "{}", run.out);
}

#[test]
fn used_wrong_is_two() {
    let folder = TempDir::new().unwrap();
    for arguments in
        [&["frobnicate"][..], &[], &["check", "--config", "nowhere.toml"], &["keys", "generate", "--force"]]
    {
        assert_eq!(sekisho(folder.path(), arguments, "").code, 2, "{arguments:?}");
    }
    let help = sekisho(folder.path(), &["--help"], "");
    assert_eq!(help.code, 0);
    assert!(help.out.contains("hash-password"), "{}", help.out);
}
