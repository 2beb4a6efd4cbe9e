//! A person walks through a sign-in with a real browser: sign-in page, test service provider, sign-out.

use crate::chromium::Chromium;
use crate::support::app::TestServer;
use crate::support::folder::{Folder, TANAKA};

#[tokio::test]
async fn a_person_signs_in_to_the_test_sp() {
    let server = start().await;
    let window = Chromium::open("en").await;

    window.driver.goto(server.url("/test-sp")).await.unwrap();
    window.wait_for(&server.url("/login")).await;
    window.picture("sign-in-en").await;
    window.fill("login", TANAKA.0).await;
    window.fill("password", "wrong").await;
    window.find("form [type=submit]").await.click().await.unwrap();
    window.find("[role=alert]").await;
    window.picture("sign-in-wrong").await;
    window.fill("password", TANAKA.1).await;
    window.find("form [type=submit]").await.click().await.unwrap();

    window.wait_for(&server.url("/test-sp")).await;
    let text = window.text().await;
    window.picture("test-sp").await;
    for seen in ["tanaka", "田中 太郎", "displayName"] {
        assert!(text.contains(seen), "{seen} is missing:\n{text}");
    }
    window.close().await;
}

#[tokio::test]
async fn the_sign_in_page_is_japanese_and_fits_a_phone() {
    let server = start().await;
    let window = Chromium::open("ja").await;
    window.as_phone().await;

    window.driver.goto(server.url("/")).await.unwrap();
    let page = window.text().await;
    window.picture("sign-in-ja-phone").await;
    assert!(page.contains("パスワード"), "{page}");
    assert_eq!(window.overflow().await, 0, "the page is wider than a phone");
    window.close().await;
}

async fn start() -> TestServer {
    let mut folder = Folder::tls();
    folder.set("saml.test_sp", true);
    TestServer::start(folder).await
}
