//! Single logout as a person, the service providers of the session and an attacker see it.

mod answers;
mod by_sp;
mod everywhere;
mod here;
mod hostile;
mod sessions;
mod soap;

use std::sync::{Arc, Mutex};

use crate::sso::is_signed_in;
use crate::support::app::sign_in;
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::Page;
use crate::support::logout::{Answer, LogoutRequest, LogoutSp, redirected};
use crate::support::sp::{Received, redirect};
use crate::support::test_app::TestApp;
use crate::support::xml::Element;

/// A person who is signed in at several service providers.
struct SignedIn {
    app: TestApp,
    browser: Browser,
    sps: Vec<LogoutSp>,
    /// What each of them got.
    received: Vec<Received>,
}

/// Where LogoutResponses go, before the server has an address.
fn idp() -> Arc<Mutex<String>> {
    Arc::default()
}

impl SignedIn {
    /// At service providers with these names, bindings and answers.
    async fn of(sps: &[(&str, &[&str], Answer)]) -> Self {
        let idp = idp();
        let sps = sps.iter().map(|(name, bindings, answer)| LogoutSp::start(name, bindings, *answer, &idp));
        Self::at(sps.collect(), &idp).await
    }

    async fn at(sps: Vec<LogoutSp>, idp: &Arc<Mutex<String>>) -> Self {
        Self::with(Folder::new(), sps, idp).await
    }

    async fn with(folder: Folder, sps: Vec<LogoutSp>, idp: &Arc<Mutex<String>>) -> Self {
        for (at, sp) in sps.iter().enumerate() {
            folder.register(&format!("sp{at}"), &sp.sp, "name_id_format = \"persistent\"\nattributes = []\n");
        }
        let app = TestApp::start(folder);
        *idp.lock().unwrap() = app.url("/saml/slo");
        let mut made = Self { app, browser: Browser::new(), sps, received: Vec::new() };
        made.sign_in().await;
        made
    }

    /// Signs in at every service provider.
    async fn sign_in(&mut self) {
        self.received.clear();
        for sp in &self.sps {
            let request = self.app.request(&sp.sp);
            let mut page = self.browser.open(&redirect(&self.app.sso(), &request.xml(), None)).await;
            if page.url.path() == "/login" {
                page = sign_in(&mut self.browser, &page, TANAKA).await;
            }
            self.received.push(sp.sp.receive(&page));
        }
    }

    /// Presses "Sign out" and goes wherever that leads.
    async fn sign_out(&mut self) -> Page {
        let page = self.browser.open(&self.app.url("/logout")).await;
        let page = self.browser.submit(&page, &page.form()).await;
        self.walk(page).await
    }

    /// Goes on as a browser without script does: pages that refresh at once by themselves, forms by their button.
    async fn walk(&mut self, mut page: Page) -> Page {
        for _ in 0..40 {
            if let Some(onward) = refresh(&page) {
                page = self.browser.navigate(Navigation::to(&onward).from(&page)).await;
            } else if let Some(form) = page
                .forms()
                .into_iter()
                .find(|form| form.value("SAMLRequest").is_some() || form.value("SAMLResponse").is_some())
            {
                page = self.browser.submit(&page, &form).await;
            } else {
                return page;
            }
        }
        panic!("no end: {}", page.body);
    }

    /// A LogoutRequest of a service provider that names the person as the Response did.
    fn request(&self, at: usize) -> LogoutRequest {
        let received = &self.received[at];
        let (_, name) = received.name_id();
        LogoutRequest {
            destination: Some(self.app.url("/saml/slo")),
            issue_instant: self.app.instant(sekisho::clock::SignedDuration::ZERO),
            ..LogoutRequest::new(&self.sps[at].sp.entity_id, name, &[received.session_index()])
        }
    }

    /// The answer to a request of the first service provider, by Redirect in the person's browser.
    async fn answered(&mut self, request: &LogoutRequest) -> Element {
        let address = self.by_redirect(0, request, None);
        let page = self.browser.step(&Navigation::to(&address)).await;
        redirected(&page, &self.sps[0].sp.slo[0].location)
    }

    /// The address that brings the request by Redirect, signed.
    fn by_redirect(&self, at: usize, request: &LogoutRequest, relay_state: Option<&str>) -> String {
        self.sps[at].sp.signed_redirect(&self.app.url("/saml/slo"), &request.xml(), relay_state)
    }

    /// Whether the IdP would answer a request of the first service provider without a page.
    async fn is_signed_in(&mut self) -> bool {
        is_signed_in(&self.app, &self.sps[0].sp, &mut self.browser).await
    }

    /// The name and the words of each application on the page.
    fn told(page: &Page) -> Vec<(String, String)> {
        page.texts(".parties li")
            .into_iter()
            .map(|line| {
                let (name, words) = line.split_once("application").expect("the name of a test SP");
                (format!("{name}application"), words.trim().to_owned())
            })
            .collect()
    }

    fn outcomes(&self) -> Vec<(String, String)> {
        let events = self.app.events("signed_out_at");
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        events.iter().map(|event| (text(&event["sp.entity_id"]), text(&event["outcome"]))).collect()
    }
}

/// Where a page goes at once by itself.
fn refresh(page: &Page) -> Option<String> {
    let content = page.attribute("head > meta[http-equiv=refresh]", "content")?;
    let (seconds, url) = content.split_once(";url=")?;
    (seconds == "0").then(|| page.url.join(url).unwrap().to_string())
}
