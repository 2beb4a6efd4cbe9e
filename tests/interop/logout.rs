//! A person signs out in a real browser that blocks third-party cookies: nine service providers in the session, one of
//! them dead, with script and without.

use std::sync::{Arc, Mutex};

use crate::chromium::{Chromium, Wishes};
use crate::support::app::TestServer;
use crate::support::folder::{Folder, TANAKA};
use crate::support::logout::{Answer, LogoutSp};
use crate::support::sp::{POST, REDIRECT, SOAP};

/// Eight that are there, of every kind, and one that is not.
fn nine(idp: &Arc<Mutex<String>>) -> (Vec<LogoutSp>, LogoutSp) {
    let there = [
        ("mail", &[REDIRECT][..]),
        ("kintai", &[REDIRECT, POST]),
        ("keihi", &[POST]),
        ("wiki", &[REDIRECT]),
        ("chat", &[SOAP]),
        ("crm", &[REDIRECT]),
        ("hr", &[POST]),
        ("files", &[REDIRECT]),
    ];
    let there =
        there.map(|(name, bindings)| LogoutSp::start(name, bindings, Answer::Success, idp).with_acs());
    (there.into(), LogoutSp::dead("dead", &[REDIRECT]).with_acs())
}

async fn walk(wishes: Wishes) {
    let idp = Arc::default();
    let (there, dead) = nine(&idp);
    let folder = Folder::new();
    for sp in there.iter().chain([&dead]) {
        let name = sp.sp.display_names[0].1.replace(' ', "-");
        folder.register(&name, &sp.sp, "attributes = []\nname_id_format = \"persistent\"\n");
    }
    let server = TestServer::start(folder).await;
    *idp.lock().unwrap() = server.url("/saml/slo");
    let script = wishes.script;
    let window = Chromium::open_with("en", wishes).await;
    window.driver.goto(server.url("/login")).await.unwrap();
    window.fill("login", TANAKA.0).await;
    window.fill("password", TANAKA.1).await;
    window.press("form [type=submit]").await;
    window.see(".applications").await;
    for sp in there.iter().chain([&dead]) {
        let entity_id = crate::support::sp::percent(&sp.sp.entity_id);
        let address = server.url(&format!("/saml/sso/init?sp={entity_id}"));
        // At the dead one the browser shows an error of its own, which the driver reports.
        window.driver.goto(address).await.ok();
        if !script {
            window.press("form [type=submit]").await;
        }
        window.wait_for(&sp.sp.acs[0]).await;
    }

    window.driver.goto(server.url("/logout")).await.unwrap();
    window.press("form [type=submit]").await;
    if !script {
        // Redirects and pages that refresh go by themselves; a message by POST needs the button of its page.
        for _ in there.iter().filter(|sp| sp.sp.slo[0].binding == POST) {
            window.press("input[name=SAMLRequest] ~ button").await;
            window.press("input[name=SAMLResponse] ~ button").await;
        }
        window.see(".parties").await;
        window.picture("signed-out-doubtful").await;
        window.press("a[href*='how=skip']").await;
    }
    window.see(".parties ~ .quiet").await;
    window.picture(if script { "signed-out" } else { "signed-out-without-script" }).await;
    let text = window.text().await;
    assert_eq!(text.matches("Signed out").count(), 8, "{text}");
    assert!(text.contains("Perhaps still signed in: it could not be reached"), "{text}");
    for sp in &there {
        assert_eq!(sp.seen().len(), 1, "{}", sp.sp.entity_id);
        let by_browser = usize::from(sp.sp.slo[0].binding != SOAP);
        assert_eq!(sp.with_session(), by_browser, "{}: its own cookie came along", sp.sp.entity_id);
    }
    window.driver.goto(server.url("/")).await.unwrap();
    window.see("input[name=password]").await;
    window.close().await;
}

#[tokio::test]
async fn nine_are_told_and_the_dead_one_is_named() {
    walk(Wishes { script: true }).await;
}

#[tokio::test]
async fn nine_are_told_without_script() {
    walk(Wishes { script: false }).await;
}
