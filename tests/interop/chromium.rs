//! Headless Chromium, driven by chromedriver: what a person sees, with scripts, styles and cookies as they really are.

use std::fs;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;
use tokio::time::{Instant, sleep};

use crate::support::negotiate::Ticket;
use crate::support::process::{Process, free_port};

/// How long a page may take, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);

/// A browser window. Call [`Chromium::close`] at the end; after a panic it is killed together with chromedriver.
#[derive(Debug)]
pub struct Chromium {
    /// Never dropped: its drop would wait two minutes for an answer that our stopped runtime cannot take.
    pub driver: ManuallyDrop<WebDriver>,
    _profile: TempDir,
    _chromedriver: Process,
}

/// What a window can do.
#[derive(Debug, Clone, Copy)]
pub struct Wishes {
    pub script: bool,
}

impl Chromium {
    /// Opens a window that prefers this language (`ja`, `en`) and takes any certificate.
    pub async fn open(language: &str) -> Self {
        Self::open_with(language, Wishes { script: true }).await
    }

    /// The same with or without script. Third-party cookies are blocked.
    pub async fn open_with(language: &str, able: Wishes) -> Self {
        Self::start(language, able, None).await
    }

    /// The same on a machine of a domain, whose administrator lets `localhost` see tickets.
    pub async fn open_in_domain(language: &str, ticket: &Ticket) -> Self {
        Self::start(language, Wishes { script: true }, Some(ticket)).await
    }

    async fn start(language: &str, able: Wishes, ticket: Option<&Ticket>) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let mut more = Vec::new();
        if let Some(ticket) = ticket {
            command.envs(ticket.environment());
            more.push("--auth-server-allowlist=localhost".to_owned());
            // A profile that never saw such a challenge refuses the first one: its network service then has no GSSAPI.
            let state = r#"{"net":{"received_http_auth_negotiate_headers":true}}"#;
            fs::create_dir(profile.path().join("profile")).unwrap();
            fs::write(profile.path().join("profile/Local State"), state).unwrap();
        }
        let mut chromedriver = Process::start(&mut command, &profile.path().join("chromedriver.log"));
        chromedriver.wait_for_log("started successfully").await;
        let mut wishes = DesiredCapabilities::chrome();
        wishes.accept_insecure_certs(true).unwrap();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1000,800",
            &format!("--accept-lang={language}"),
            &format!("--user-data-dir={}", profile.path().join("profile").display()),
        ] {
            wishes.add_arg(argument).unwrap();
        }
        for argument in &more {
            wishes.add_arg(argument).unwrap();
        }
        let script = if able.script { 1 } else { 2 };
        let settings = serde_json::json!({
            "profile.cookie_controls_mode": 1,
            "profile.block_third_party_cookies": true,
            "profile.managed_default_content_settings.javascript": script,
        });
        wishes.add_experimental_option("prefs", settings).unwrap();
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wishes).await.expect("a window");
        Self { driver: ManuallyDrop::new(driver), _profile: profile, _chromedriver: chromedriver }
    }

    /// Waits until the element is there and can be seen.
    pub async fn see(&self, css: &str) {
        self.with(css, async |_| Ok(())).await;
    }

    /// Types into the field of this name.
    pub async fn fill(&self, name: &str, text: &str) {
        self.with(&format!("input[name={name}]"), async |field| field.send_keys(text).await).await;
    }

    /// Clicks what leads to another page, and waits until this one is gone: what is looked for afterwards is not found
    /// on the page before.
    pub async fn press(&self, css: &str) {
        // Where the other page cannot be had, the browser shows an error of its own, which the driver reports.
        let press = async |element: WebElement| match element.click().await {
            Err(error) if is_stale(&error) => Err(error),
            outcome => Ok((element, outcome)),
        };
        let (element, outcome) = self.with(css, press).await;
        let deadline = Instant::now() + PATIENCE;
        while element.is_present().await.unwrap_or(false) {
            assert!(Instant::now() < deadline, "{css} leads nowhere: {outcome:?}\n{}", self.source().await);
            sleep(PAUSE).await;
        }
    }

    /// The text of the element that a person reads.
    pub async fn text_of(&self, css: &str) -> String {
        self.with(css, async |element| element.text().await).await
    }

    /// The text that a person reads on the page.
    pub async fn text(&self) -> String {
        self.text_of("body").await
    }

    /// Does this with the element, as soon as it can be seen; once more where another page came in between.
    async fn with<T>(&self, css: &str, act: impl AsyncFn(WebElement) -> WebDriverResult<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.driver.query(By::Css(css)).wait(PATIENCE, PAUSE).and_displayed().first().await;
            let outcome = match found {
                Ok(element) => act(element).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(done) => return done,
                Err(error) if is_stale(&error) && Instant::now() < deadline => sleep(PAUSE).await,
                Err(error) => panic!("{css}: {error}\n{}", self.source().await),
            }
        }
    }

    async fn source(&self) -> String {
        self.driver.source().await.unwrap_or_default()
    }

    /// Waits until the page's address begins so.
    pub async fn wait_for(&self, address: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let at = self.driver.current_url().await.unwrap();
            if at.as_str().starts_with(address) {
                return;
            }
            assert!(Instant::now() < deadline, "at {at} and not at {address}:\n{}", self.source().await);
            sleep(PAUSE).await;
        }
    }

    /// Keeps a picture as `target/screenshots/NAME.png`, for people to look at.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        self.driver.screenshot(&path).await.unwrap();
        path
    }

    /// Makes the window as small as a telephone.
    pub async fn as_phone(&self) {
        self.driver.set_window_rect(0, 0, 390, 844).await.unwrap();
    }

    /// How far the page is wider than the window: nothing, if it can be read without scrolling sideways.
    pub async fn overflow(&self) -> i64 {
        let script = "return document.documentElement.scrollWidth - window.innerWidth";
        let answer = self.driver.execute(script, Vec::new()).await.unwrap();
        answer.json().as_i64().unwrap_or(i64::MAX)
    }

    pub async fn close(self) {
        WebDriver::clone(&self.driver).quit().await.unwrap();
    }
}

/// Whether the element was of a page that another one has replaced.
fn is_stale(error: &WebDriverError) -> bool {
    matches!(**error, WebDriverErrorInner::StaleElementReference(..))
}
