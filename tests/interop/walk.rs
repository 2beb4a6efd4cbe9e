//! A person walks through the demo with a real browser: sign-in page, test service provider, attributes.

use std::process::Command;

use tempfile::TempDir;

use crate::chromium::Chromium;
use crate::support::http::client;
use crate::support::process::{Process, free_port};

/// `sekisho demo` in a folder of its own.
struct Demo {
    url: String,
    _process: Process,
    _place: TempDir,
}

impl Demo {
    async fn start() -> Self {
        let (place, port) = (tempfile::tempdir().unwrap(), free_port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.arg("demo").arg("--dir").arg(place.path().join("demo")).args(["--port", &port.to_string()]);
        let mut process = Process::start(&mut command, &place.path().join("demo.log"));
        let url = format!("https://localhost:{port}");
        let http = client();
        let health = format!("{url}/healthz");
        let answers =
            || async { http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) };
        process.wait_until("the demo answers", answers).await;
        let printed = process.log();
        assert!(printed.contains(&url) && printed.contains("sekisho-tanaka"), "{printed}");
        Self { url, _process: process, _place: place }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

#[tokio::test]
async fn a_person_signs_in_to_the_test_sp() {
    let demo = Demo::start().await;
    let window = Chromium::open("en").await;

    window.driver.goto(demo.url("/test-sp")).await.unwrap();
    window.picture("test-sp").await;
    window.press("form[action$='/saml/sso'] button").await;
    window.wait_for(&demo.url("/login")).await;
    window.picture("sign-in").await;
    window.fill("login", "tanaka").await;
    window.fill("password", "wrong").await;
    window.press("form [type=submit]").await;
    window.see("[role=alert]").await;
    window.picture("sign-in-wrong").await;
    window.fill("password", "sekisho-tanaka").await;
    window.press("form [type=submit]").await;

    // The page in between sends itself on, by script.
    window.wait_for(&demo.url("/test-sp/acs")).await;
    let text = window.text().await;
    window.picture("test-sp-arrived").await;
    for seen in ["tanaka", "田中 太郎", "displayName"] {
        assert!(text.contains(seen), "{seen} is missing:\n{text}");
    }
    window.close().await;
}

#[tokio::test]
async fn the_sign_in_page_is_japanese_and_fits_a_phone() {
    let demo = Demo::start().await;
    let window = Chromium::open("ja").await;
    window.as_phone().await;

    window.driver.goto(demo.url("/")).await.unwrap();
    window.see("input[name=password]").await;
    let page = window.text().await;
    window.picture("sign-in-ja-phone").await;
    assert!(page.contains("パスワード"), "{page}");
    assert!(window.overflow().await <= 0, "the page is wider than a phone");
    window.close().await;
}

async fn sign_in(demo: &Demo, window: &Chromium) {
    window.driver.goto(demo.url("/login")).await.unwrap();
    window.fill("login", "tanaka").await;
    window.fill("password", "sekisho-tanaka").await;
    window.press("form [type=submit]").await;
    window.see("a[href$='/sessions']").await;
}

#[tokio::test]
async fn a_person_signs_out_another_browser_of_theirs() {
    let demo = Demo::start().await;
    let (desk, phone) = (Chromium::open("en").await, Chromium::open("ja").await);
    phone.as_phone().await;
    sign_in(&demo, &desk).await;
    sign_in(&demo, &phone).await;
    desk.picture("home").await;
    phone.driver.goto(demo.url("/sessions")).await.unwrap();
    phone.see(".sessions button").await;
    phone.picture("sessions-ja-phone").await;
    assert!(phone.overflow().await <= 0, "the page is wider than a phone");

    desk.press("a[href$='/sessions']").await;
    let line = desk.text_of(".sessions li:nth-of-type(2)").await;
    assert!(line.contains("Chrome") && line.contains("Linux"), "{line}");
    desk.picture("sessions").await;
    desk.press(".sessions button").await;
    desk.see(".sessions li:only-of-type").await;
    phone.driver.goto(demo.url("/")).await.unwrap();
    phone.see("input[name=password]").await;
    desk.close().await;
    phone.close().await;
}
