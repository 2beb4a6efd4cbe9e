//! `/readyz` against directories that come and go.

use crate::faults::folder_with;
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::slapd::Slapd;
use crate::support::sp::Sp;

async fn until(server: &mut TestServer, status: u16) {
    let url = server.url("/readyz");
    let is = || async { Browser::new().open(&url).await.status == status };
    server.process.wait_until(&format!("/readyz says {status}"), is).await;
}

#[tokio::test]
async fn ready_follows_the_directory() {
    let mut slapd = Slapd::start();
    let mut folder = folder_with(&Sp::new("kintai"));
    folder.config.remove("directory");
    folder.set("directory", toml::Value::Array(Vec::new()));
    folder.add_directory(&Slapd::directory(&[&slapd]));
    let mut server = TestServer::start(folder).await;
    until(&mut server, 200).await;
    slapd.stop();
    until(&mut server, 503).await;
    // It is alive all the same, and tells nobody why it is not ready but the log.
    let alive = Browser::new().open(&server.url("/healthz")).await;
    assert_eq!((alive.status, alive.body.as_str()), (200, "alive\n"));
    assert_eq!(Browser::new().open(&server.url("/readyz")).await.body, "not ready\n");
    assert!(server.log().contains("Connection refused"), "{}", server.log());
    slapd.restart();
    until(&mut server, 200).await;
}
