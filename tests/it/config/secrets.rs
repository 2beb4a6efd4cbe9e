//! Secrets as text, file and variable, and files that others can read.

use super::{LEAST, Site};

fn with_session(lines: &str) -> String {
    format!("{LEAST}\n[session]\n{lines}")
}

#[test]
fn a_secret_may_be_text_file_or_variable() {
    let site = Site::new();
    let text = site.load(&with_session("secret = \"0123456789-0123456789-0123456789\"")).unwrap();
    assert_eq!(text.session.secret.expose(), b"0123456789-0123456789-0123456789");
    assert_eq!(text.session.secret_file, None);
    let file = site.load(&with_session("secret_file = \"certs/name-id-secret\"")).unwrap();
    assert_eq!(file.session.secret.expose(), b"fedcba9876543210fedcba9876543210");
    // A variable that every test process has.
    let variable = site.load(&format!("{LEAST}\n[store]\nurl_env = \"CARGO_MANIFEST_DIR\"")).unwrap_err();
    assert!(variable[0].message.contains("is no URL of a store"), "{variable:?}");
}

#[test]
fn a_secret_is_never_printed() {
    let site = Site::new();
    let config = site.load(&with_session("secret = \"0123456789-0123456789-0123456789\"")).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("0123456789-0") && !printed.contains("fedcba"), "{printed}");
}

#[test]
fn a_secret_is_wanted_once_and_long() {
    let site = Site::new();
    for (lines, fault) in [
        (
            "secret = \"0123456789-0123456789-0123456789\"\nsecret_env = \"X\"",
            "sekisho.toml:9: session.secret_env: is given twice, also as secret; keep one of the two",
        ),
        (
            "secret = \"short\"",
            "sekisho.toml:8: session.secret: the secret has 5 characters; \
             use `sekisho keys generate`, or at least 32",
        ),
        (
            "secret_env = \"SEKISHO_TEST_NOT_SET\"",
            "sekisho.toml:8: session.secret_env: the environment variable SEKISHO_TEST_NOT_SET is not set; \
             set it, or use the key with _file",
        ),
    ] {
        assert_eq!(site.faults(&with_session(lines)), fault);
    }
}

#[test]
fn a_missing_secret_is_made_by_us_only_if_it_is_ours() {
    let site = Site::new();
    std::fs::remove_file(site.path("certs/session-secret")).unwrap();
    let ours = site.faults(LEAST);
    assert!(ours.contains("certs/session-secret does not exist; run `sekisho keys generate`"), "{ours}");
    let theirs = "kind = \"ldap\"\nurls = [\"ldaps://dc1\"]\nsearch_base = \"dc=x\"\nbind_dn = \"cn=x\"\n\
                  bind_password_file = \"certs/none\"";
    let faults = site.faults(&LEAST.replace("kind = \"file\"", theirs));
    assert!(faults.contains("certs/none does not exist; write the secret into it, alone"), "{faults}");
}

#[test]
fn files_that_others_can_read_are_refused() {
    let site = Site::new();
    site.mode("certs/session-secret", 0o644);
    site.mode("certs/PrivateKey.pem", 0o604);
    site.mode("people.toml", 0o620);
    site.mode("certs/name-id-secret", 0o640);
    let faults = site.faults(LEAST);
    let lines: Vec<&str> = faults.lines().collect();
    assert_eq!(lines.len(), 3, "{faults}");
    for (file, mode) in
        [("certs/session-secret", "0644"), ("certs/PrivateKey.pem", "0604"), ("people.toml", "0620")]
    {
        let wanted = format!("{file} is open to other users of this machine (mode {mode}); chmod 600 {file}");
        assert!(lines.iter().any(|line| line.ends_with(&wanted)), "{faults}");
    }
}

#[test]
fn a_secret_file_holds_one_line() {
    let site = Site::new();
    for content in ["", "\n", "one\ntwo\n"] {
        site.write("certs/session-secret", content);
        assert!(site.faults(LEAST).contains("certs/session-secret does not hold one line of text"));
    }
}
