//! A real browser on a machine of a domain: Chromium shows the ticket by itself, to apache and to the server, and the
//! person sees the application and no page in between.

use crate::chromium::Chromium;
use crate::support::app::TestServer;
use crate::support::folder::Folder;
use crate::support::negotiate::{Front, Named, Ticket};
use crate::support::samba::Samba;

const SECRET: &str = "only-the-proxy-knows-this";

/// Signs on at the built-in service provider, out, and in again by the button.
async fn walk(server: &TestServer, samba: &Samba) {
    let ticket = Ticket::of(samba, "tanaka");
    let window = Chromium::open_in_domain("ja", &ticket).await;
    window.driver.goto(server.url("/test-sp")).await.unwrap();
    window.press("form [type=submit]").await;
    window.wait_for(&server.url("/test-sp/acs")).await;
    let text = window.text().await;
    assert!(text.contains("urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos"), "{text}\n{}", server.log());
    assert_eq!(server.log().matches("tanaka successfully authenticated").count(), 1);

    window.driver.goto(server.url("/logout")).await.unwrap();
    window.press("form [type=submit]").await;
    window.wait_for(&server.url("/logout")).await;
    window.driver.goto(server.url("/")).await.unwrap();
    window.see("input[name=password]").await;
    assert_eq!(server.log().matches("tanaka successfully authenticated").count(), 1);
    window.picture("login-after-sign-out").await;
    window.press("form.beside [type=submit]").await;
    window.see(".person").await;
    assert!(window.text().await.contains("田中"), "{}", window.text().await);
    window.close().await;

    let outside = Ticket::none(samba);
    let window = Chromium::open_in_domain("ja", &outside).await;
    window.driver.goto(server.url("/")).await.unwrap();
    window.see("input[name=password]").await;
    assert!(window.driver.current_url().await.unwrap().path() == "/login/integrated");
    window.picture("login-without-ticket").await;
    window.close().await;
}

#[tokio::test]
async fn chromium_shows_its_ticket_to_apache() {
    let Some(samba) = Samba::shared() else { return };
    let mut folder = Folder::new();
    folder.set("saml.test_sp", true);
    let front = Front::start(samba, folder.port, SECRET, Named::AtRealm).await;
    front.prepare(samba, &mut folder, SECRET);
    walk(&TestServer::start(folder).await, samba).await;
}

#[cfg(feature = "kerberos")]
#[tokio::test]
async fn chromium_shows_its_ticket_to_the_server() {
    let Some(samba) = Samba::shared() else { return };
    let mut folder = Folder::new();
    folder.set("saml.test_sp", true);
    crate::support::negotiate::prepare_native(samba, &mut folder);
    walk(&TestServer::start(folder).await, samba).await;
}
