//! `keys generate`: makes what is missing, keeps what is there, and lets nobody else read it.

use std::os::unix::fs::PermissionsExt;

use sekisho::config::Config;
use sekisho::keys::KeyPair;
use tempfile::TempDir;

use super::{sekisho, site};

const FILES: [&str; 4] =
    ["certs/PrivateKey.pem", "certs/PublicKey.pem", "certs/session-secret", "certs/name-id-secret"];

#[test]
fn makes_what_is_missing_and_never_overwrites() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    let first = sekisho(folder.path(), &["keys", "generate"], "");
    assert_eq!(first.code, 0, "{}", first.err);
    assert_eq!(first.out, FILES.map(|file| format!("made  {file}\n")).concat());
    let config = Config::load(&folder.path().join("sekisho.toml")).unwrap();
    let now = jiff::Timestamp::from_second(1_900_000_000).unwrap();
    let pair = KeyPair::load(&config.saml.private_key, &config.saml.certificate, None, now).unwrap();
    assert_eq!(pair.certificate().key_kind(), "RSA 2048");
    assert_eq!(pair.certificate().subject(), "CN=idp.example.co.jp");
    let read = || FILES.map(|file| std::fs::read(folder.path().join(file)).unwrap());
    for file in FILES {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let before = read();
    std::fs::remove_file(folder.path().join(FILES[2])).unwrap();
    let second = sekisho(folder.path(), &["keys", "generate"], "");
    assert_eq!(second.code, 0, "{}", second.err);
    assert!(
        second.out.contains("kept  certs/PrivateKey.pem\n")
            && second.out.contains("made  certs/session-secret")
    );
    let after = read();
    assert_eq!((&before[0], &before[1], &before[3]), (&after[0], &after[1], &after[3]));
    assert_ne!(before[2], after[2]);
}

#[test]
fn an_ec_key_comes_with_a_warning() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    let run = sekisho(folder.path(), &["keys", "generate", "--ec"], "");
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("warning: Google Workspace and Microsoft 365 take RSA"), "{}", run.out);
}

#[test]
fn half_a_pair_is_not_completed() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    assert_eq!(sekisho(folder.path(), &["keys", "generate"], "").code, 0);
    std::fs::remove_file(folder.path().join(FILES[1])).unwrap();
    let run = sekisho(folder.path(), &["keys", "generate"], "");
    assert_eq!(run.code, 1);
    assert!(run.err.contains("certs/PrivateKey.pem is there and certs/PublicKey.pem is not"), "{}", run.err);
}

#[test]
fn decryption_keys_are_made_where_the_configuration_names_some() {
    let folder = TempDir::new().unwrap();
    site(folder.path());
    let file = folder.path().join("sekisho.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let keys = "[saml]\ndecryption_keys = [\"certs/decryption.pem\", \"certs/former.pem\"]\n";
    std::fs::write(&file, format!("{text}{keys}")).unwrap();
    let before = sekisho(folder.path(), &["check"], "");
    assert!(
        before.err.contains("certs/decryption.pem does not exist; run `sekisho keys generate`"),
        "{}",
        before.err
    );
    let run = sekisho(folder.path(), &["keys", "generate"], "");
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("made  certs/decryption.pem\nmade  certs/former.pem\n"), "{}", run.out);
    let metadata = sekisho(folder.path(), &["metadata"], "");
    assert_eq!(metadata.out.matches("<md:KeyDescriptor use=\"encryption\">").count(), 2, "{}", metadata.out);
    let again = sekisho(folder.path(), &["keys", "generate"], "");
    assert!(again.out.contains("kept  certs/decryption.pem\n"), "{}", again.out);
    std::fs::copy(folder.path().join("certs/PublicKey.pem"), folder.path().join("certs/former.pem")).unwrap();
    let broken = sekisho(folder.path(), &["check"], "");
    assert_eq!(broken.code, 1);
    let words: Vec<&str> = broken.out.split_whitespace().collect();
    let told = "Unable to load private key certs/former.pem: it holds no private key in PEM form";
    assert!(words.join(" ").contains(told), "{}", broken.out);
}
