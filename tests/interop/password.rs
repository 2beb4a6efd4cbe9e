//! A new password in a real Chromium, on a desk and on a telephone, in both languages.

use crate::chromium::Chromium;
use crate::support::app::TestServer;
use crate::support::folder::Folder;
use crate::support::slapd::{PASSWORD, Slapd};
use crate::support::sp::percent;

const NEW: &str = "Sakura-2024-x";

async fn sign_in(window: &Chromium, login: &str, password: &str) {
    window.fill("login", login).await;
    window.fill("password", password).await;
    window.press("button[type=submit]").await;
}

async fn renew(window: &Chromium, old: &str, new: &str, again: &str) {
    window.fill("old_password", old).await;
    window.fill("new_password", new).await;
    window.fill("new_password_again", again).await;
    window.press("button[type=submit]").await;
}

async fn picture(window: &Chromium, name: &str) {
    assert!(window.overflow().await <= 0, "{name} is wider than the window");
    window.picture(name).await;
}

#[tokio::test]
async fn a_person_changes_the_password_before_the_sign_in_goes_on() {
    let slapd = Slapd::start();
    let mut folder = Folder::new();
    folder.set("saml.test_sp", true);
    folder.add_directory(&format!("{}password_change = true\n", Slapd::directory(&[&slapd])));
    let server = TestServer::start(folder).await;
    let start = format!("{}{}", server.url("/saml/sso/init?sp="), percent(&server.url("/test-sp")));

    let window = Chromium::open("ja").await;
    window.driver.goto(&start).await.unwrap();
    sign_in(&window, "mustchange", PASSWORD).await;
    window.see("input[name=new_password]").await;
    picture(&window, "password-must-change-ja").await;
    renew(&window, PASSWORD, NEW, "another").await;
    window.see("#notice").await;
    assert!(window.text().await.contains("SK-PASSWORD-TWICE"));
    window.as_phone().await;
    picture(&window, "password-twice-ja-phone").await;
    renew(&window, PASSWORD, NEW, NEW).await;
    window.wait_for(&server.url("/test-sp/acs")).await;
    window.close().await;

    let window = Chromium::open("en").await;
    window.driver.goto(&start).await.unwrap();
    sign_in(&window, "soon", PASSWORD).await;
    window.see("#now").await;
    picture(&window, "password-soon").await;
    window.press("#later").await;
    window.wait_for(&server.url("/test-sp/acs")).await;
    window.driver.goto(server.url("/")).await.unwrap();
    window.see("#change-password").await;
    picture(&window, "password-home").await;
    window.press("#change-password").await;
    window.see("input[name=new_password]").await;
    picture(&window, "password-own").await;
    renew(&window, PASSWORD, "short", "short").await;
    window.see("#notice").await;
    picture(&window, "password-short").await;
    renew(&window, PASSWORD, NEW, NEW).await;
    window.wait_for(&server.url("/password/changed")).await;
    picture(&window, "password-changed").await;
    window.close().await;
}
