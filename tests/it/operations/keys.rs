//! A signing key that is exchanged while the server runs, and one that cannot be used.

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
        log.lines()
            .any(|line| line.contains("PublicKey.pem") && line.contains("the old signing key stays in use"))
    };
    server.process.wait_until("the pair that does not match is named", told).await;
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, TANAKA).await);
    assert_eq!(certificate(&server).await.trim(), own.trim());
    let changes =
        server.audit().iter().filter(|one| one["kind"] == "key" && one["change"] == "changed").count();
    assert_eq!(changes, 1);
}
