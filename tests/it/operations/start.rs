//! Starting, and not starting: every reason with its file and its remedy.

use std::os::unix::fs::PermissionsExt;

use openssl::symm::Cipher;

use crate::faults::{enter, folder_with, received};
use crate::support::app::{TestServer, sekisho};
use crate::support::browser::Browser;
use crate::support::folder::{Folder, TANAKA};
use crate::support::pki::Pair;
use crate::support::sp::Sp;

/// Exit code and both outputs of a start that must fail.
fn fails(folder: &Folder) -> (i32, String) {
    let mut serve = sekisho(folder, &["serve"]);
    let output = serve.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn generated_keys_serve_at_once() {
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    for file in ["PrivateKey.pem", "PublicKey.pem", "session-secret", "name-id-secret"] {
        folder.remove(&format!("certs/{file}"));
    }
    let (code, text) = fails(&folder);
    assert_eq!(code, 1);
    assert!(text.contains("Unable to load private key") && text.contains("sekisho keys generate"), "{text}");
    let made = sekisho(&folder, &["keys", "generate"]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let key =
        openssl::pkey::PKey::private_key_from_pem(folder.read("certs/PrivateKey.pem").as_bytes()).unwrap();
    let certificate = openssl::x509::X509::from_pem(folder.read("certs/PublicKey.pem").as_bytes()).unwrap();
    folder.idp = Pair { key, certificate };
    let server = TestServer::start(folder).await;
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, TANAKA).await);
}

#[test]
fn a_key_that_must_not_or_cannot_be_used_does_not_start() {
    let chmod = |folder: &Folder, file: &str, mode| {
        std::fs::set_permissions(folder.path(file), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let other = Pair::of_sp();
    type Damage = Box<dyn Fn(&Folder)>;
    let damages: Vec<(&str, Damage, [&'static str; 2])> = vec![
        ("open", Box::new(move |f| chmod(f, "certs/PrivateKey.pem", 0o644)), ["mode 0644", "chmod 600"]),
        ("group", Box::new(move |f| chmod(f, "certs/PrivateKey.pem", 0o640)), ["mode 0640", "chmod 600"]),
        (
            "encrypted",
            Box::new(|f| {
                let pem = f.idp.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"x").unwrap();
                f.write_secret("certs/PrivateKey.pem", &String::from_utf8(pem).unwrap());
            }),
            ["it is encrypted", "private_key_passphrase_file"],
        ),
        (
            "mismatched",
            Box::new(|f| f.write_secret("certs/PrivateKey.pem", &other.key_pem())),
            ["it is not the key of certificate", ";"],
        ),
        (
            "no key",
            Box::new(|f| f.write_secret("certs/PrivateKey.pem", "hello\n")),
            ["it holds no private key in PEM form", ";"],
        ),
    ];
    for (name, damage, words) in damages {
        let folder = folder_with(&Sp::new("kintai"));
        damage(&folder);
        let (code, text) = fails(&folder);
        assert_eq!(code, 1, "{name}: {text}");
        let line = text.lines().find(|line| line.contains("Unable to load private key"));
        let line = line.unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(
            line.contains("PrivateKey.pem") && words.iter().all(|word| line.contains(word)),
            "{name}: {line}"
        );
        assert!(!text.contains("sekisho serves"), "{text}");
    }
}

#[test]
fn other_peoples_secrets_are_no_secrets() {
    let secrets = ["certs/session-secret", "certs/name-id-secret", "people.toml", "certs/tls.key"];
    let folder = Folder::tls();
    for file in secrets {
        std::fs::set_permissions(folder.path(file), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let (code, text) = fails(&folder);
    assert_eq!(code, 1);
    for file in secrets {
        let line = text.lines().find(|line| line.contains(file)).unwrap_or_else(|| panic!("{file}: {text}"));
        assert!(line.contains("chmod 600"), "{line}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let mut folder = Folder::new();
    folder.set("throttle.windw", "1h");
    folder.set("session.lifetime", "soon");
    folder.set("saml.metadata", "nowhere");
    folder.set("listen.trusted_proxies", vec!["10.0.0.0/99"]);
    folder.add_directory("name = \"corp\"\nkind = \"ldap\"\nurls = [\"ldap://dc1.example.co.jp\"]\n");
    folder.remove("certs/session-secret");
    let (code, text) = fails(&folder);
    assert_eq!(code, 1);
    for word in
        ["windw", "lifetime", "nowhere", "10.0.0.0/99", "in the clear", "search_base", "session-secret"]
    {
        let line = text.lines().find(|line| line.contains(word));
        assert!(line.is_some_and(|line| line.contains("sekisho.toml:")), "{word}: {text}");
    }
}

#[test]
fn what_is_taken_or_missing_below_is_told_with_its_name() {
    let folder = Folder::new();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", folder.port)).unwrap();
    let (code, text) = fails(&folder);
    assert_eq!(code, 1);
    assert!(text.contains("cannot listen on") && text.contains(&folder.port.to_string()), "{text}");

    let mut folder = Folder::new();
    folder.set("store.url", "sqlite:no/such/folder/sekisho.db");
    let (code, text) = fails(&folder);
    assert_eq!(code, 1);
    assert!(text.contains("no/such/folder") && text.contains("the folder must exist"), "{text}");

    let mut folder = Folder::new();
    folder.set("log.audit", "no/such/folder/audit.jsonl");
    let (code, text) = fails(&folder);
    assert_eq!(code, 1);
    assert!(text.contains("no/such/folder/audit.jsonl"), "{text}");
}

/// A full disk cannot be started on: what happens could not be told.
#[test]
fn an_audit_trail_that_takes_nothing_does_not_start() {
    let mut folder = Folder::new();
    folder.set("log.audit", "/dev/full");
    let (code, text) = fails(&folder);
    assert_eq!(code, 1);
    assert!(text.contains("/dev/full") && text.contains("No space left"), "{text}");
}

/// Directories may be down when the server starts: it begins without them.
#[tokio::test]
async fn a_directory_that_is_down_does_not_keep_the_server_from_starting() {
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    let port = crate::support::process::free_port();
    folder.add_directory(&format!(
        "name = \"corp\"\nkind = \"ldap\"\nurls = [\"ldap://127.0.0.1:{port}\"]\nsearch_base = \"dc=x\"\n"
    ));
    let server = TestServer::start(folder).await;
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, TANAKA).await);
}
