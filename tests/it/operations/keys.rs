//! A signing key that is exchanged while the server runs, and one that cannot be used.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use openssl::hash::MessageDigest;

use crate::faults::{enter, folder_with, received};
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::folder::TANAKA;
use crate::support::pki::Pair;
use crate::support::sp::Sp;

async fn certificate(server: &TestServer) -> String {
    Browser::new().open(&server.url("/saml/certificate.pem")).await.body
}

#[tokio::test]
async fn a_new_key_is_taken_over_and_one_that_cannot_be_used_is_not() {
    let sp = Sp::new("kintai");
    let mut server = TestServer::start(folder_with(&sp)).await;
    let old = certificate(&server).await;

    server.folder.use_key(&Pair::rsa(3072));
    let own = server.folder.idp.certificate_pem();
    let url = server.url("/saml/certificate.pem");
    let published = || async { Browser::new().open(&url).await.body.trim() == own.trim() };
    server.process.wait_until("the new certificate is published", published).await;
    assert_ne!(certificate(&server).await, old);
    // Judged by the new certificate.
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, TANAKA).await);

    server.folder.write("certs/PublicKey.pem", &Pair::rsa(2048).certificate_pem());
    let path = server.folder.path("sekisho.log");
    let told = || async {
        let log = std::fs::read_to_string(&path).unwrap();
        log.lines().any(|line| line.contains("PublicKey.pem") && line.contains("the old keys stay in use"))
    };
    server.process.wait_until("the pair that does not match is named", told).await;
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, TANAKA).await);
    assert_eq!(certificate(&server).await.trim(), own.trim());
    let changes =
        server.audit().iter().filter(|one| one["kind"] == "key" && one["change"] == "changed").count();
    assert_eq!(changes, 1);
}

/// The log names `chmod 600` as the remedy: that is enough.
#[tokio::test]
async fn a_new_key_that_is_open_to_others_is_taken_over_once_it_is_closed() {
    let sp = Sp::new("kintai");
    let mut server = TestServer::start(folder_with(&sp)).await;
    let pair = Pair::rsa(2048);
    let key = server.folder.path("certs/PrivateKey.pem");
    server.folder.write("certs/PrivateKey.pem", &pair.key_pem());
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    server.folder.write("certs/PublicKey.pem", &pair.certificate_pem());
    let path = server.folder.path("sekisho.log");
    let told = || async { std::fs::read_to_string(&path).unwrap().contains("is open to other users") };
    server.process.wait_until("the open key is named", told).await;

    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let (own, url) = (pair.certificate_pem(), server.url("/saml/certificate.pem"));
    let published = || async { Browser::new().open(&url).await.body.trim() == own.trim() };
    server.process.wait_until("the new certificate is published", published).await;
}

#[tokio::test]
async fn a_new_decryption_key_is_published_while_the_server_runs() {
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    let file = |pair: &Pair| format!("{}{}", pair.key_pem(), pair.certificate_pem());
    folder.write_secret("certs/decryption.pem", &file(Pair::of_sp()));
    folder.set("saml.decryption_keys", vec!["certs/decryption.pem"]);
    let mut server = TestServer::start(folder).await;
    let url = server.url("/saml/metadata");
    let metadata = Browser::new().open(&url).await.body;
    assert!(metadata.contains(&Pair::of_sp().certificate_base64()), "{metadata}");

    let next = Pair::rsa(2048);
    server.folder.write_secret("certs/decryption.pem", &file(&next));
    let published = || async { Browser::new().open(&url).await.body.contains(&next.certificate_base64()) };
    server.process.wait_until("the new certificate is published", published).await;
    let changed = server.audit().into_iter().filter(|one| one["kind"] == "key" && one["change"] == "changed");
    let changed: Vec<_> = changed.map(|one| (one["file"].clone(), one["sha256"].clone())).collect();
    let sha256 = data_encoding::HEXLOWER.encode(&next.certificate.digest(MessageDigest::sha256()).unwrap());
    let [(file, told)] = &changed[..] else { panic!("{changed:?}") };
    assert!(file.as_str().unwrap().ends_with("certs/decryption.pem") && *told == sha256, "{changed:?}");
}
