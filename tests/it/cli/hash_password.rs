//! `hash-password`: what it prints verifies.

use argon2::password_hash::{PasswordHash, PasswordVerifier};
use tempfile::TempDir;

use super::sekisho;

#[test]
fn the_hash_verifies_and_differs_each_time() {
    let folder = TempDir::new().unwrap();
    let runs =
        ["関所 pass\n", "関所 pass\r\n"].map(|input| sekisho(folder.path(), &["hash-password"], input));
    for run in &runs {
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(run.out.starts_with("$argon2id$v=19$"), "{}", run.out);
        let hash = PasswordHash::new(run.out.trim_end()).unwrap();
        let verify = |password: &str| argon2::Argon2::default().verify_password(password.as_bytes(), &hash);
        assert!(verify("関所 pass").is_ok());
        assert!(verify("関所 pas").is_err());
    }
    assert_ne!(runs[0].out, runs[1].out);
}

#[test]
fn an_empty_password_is_refused() {
    let folder = TempDir::new().unwrap();
    for input in ["", "\n", "  \n"] {
        assert_eq!(sekisho(folder.path(), &["hash-password"], input).code, 2);
    }
}
