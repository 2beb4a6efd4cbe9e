//! Whole sign-ons as a person and their service provider see them: a browser, an SP with judges of its own, and the
//! program between them. One file for each question that an SP or an admin asks.

mod accept;
mod acs;
mod artifact;
mod asked;
mod conditions;
mod ecp;
mod encryption;
mod faults;
mod identifiers;
mod init;
mod issuer;
mod keys;
mod logout;
mod metadata;
mod name_id;
mod profile;
mod refusals;
mod release;
mod resume;
mod session;
mod signatures;

use std::ops::{Deref, DerefMut};

use crate::support::app::sign_in;
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::Page;
use crate::support::request::AuthnRequest;
use crate::support::sp::{Received, Sp, post, redirect};
use crate::support::test_app::TestApp;

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// A program with one SP, and a person's browser.
struct Case {
    app: TestApp,
    sp: Sp,
    browser: Browser,
}

impl Deref for Case {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

impl DerefMut for Case {
    fn deref_mut(&mut self) -> &mut TestApp {
        &mut self.app
    }
}

impl Case {
    /// An SP with this policy.
    fn new(policy: &str) -> Self {
        Self::of(Folder::new(), Sp::new("app"), policy)
    }

    fn of(folder: Folder, sp: Sp, policy: &str) -> Self {
        folder.register("app", &sp, policy);
        let app = TestApp::start(folder);
        assert!(app.app().registry.snapshot().find(&sp.entity_id).is_some() || policy.contains("enabled"));
        Self { app, sp, browser: Browser::new() }
    }

    /// With a person who signed in at the start page.
    async fn signed_in(policy: &str) -> Self {
        let mut case = Self::new(policy);
        case.sign_in_first().await;
        case
    }

    async fn sign_in_first(&mut self) {
        let page = self.browser.open(&self.app.url("/login")).await;
        let home = sign_in(&mut self.browser, &page, TANAKA).await;
        assert_eq!((home.status, home.url.path()), (200, "/"), "{}", home.body);
    }

    /// A request at the time of the clock.
    fn ask(&self) -> AuthnRequest {
        self.app.request(&self.sp)
    }

    /// Sends the request by Redirect, unsigned.
    async fn send(&mut self, request: &AuthnRequest) -> Page {
        self.browser.open(&redirect(&self.app.sso(), &request.xml(), None)).await
    }

    /// Sends a document by POST.
    async fn post(&mut self, xml: &str, relay_state: Option<&str>) -> Page {
        let navigation = Navigation::to(&self.app.sso()).post(&post(xml, relay_state));
        self.browser.navigate(navigation).await
    }

    /// Signs in on the page that came, which must be the sign-in page.
    async fn enter(&mut self, page: &Page) -> Page {
        assert_eq!((page.status, page.url.path()), (200, "/login"), "{}", page.body);
        sign_in(&mut self.browser, page, TANAKA).await
    }

    /// What the page would post to the SP: a success that every judge takes, in answer to the request.
    fn accept(&self, page: &Page, request: &AuthnRequest) -> Received {
        let received = self.received(page);
        received.verify(&self.sp, Some(&request.id), &self.app.folder.idp.certificate_pem());
        received
    }

    fn received(&self, page: &Page) -> Received {
        assert_eq!(page.status, 200, "{}", page.body);
        self.sp.receive(page)
    }

    /// See [`status`].
    fn status(&self, page: &Page, request: &AuthnRequest) -> Vec<String> {
        status(&self.app, &self.sp, page, request)
    }

    /// See [`is_signed_in`].
    async fn is_signed_in(&mut self) -> bool {
        is_signed_in(&self.app, &self.sp, &mut self.browser).await
    }

    /// Registers the SP anew with this policy.
    fn policy(&self, policy: &str) {
        self.folder.write("metadata/app.toml", policy);
        self.reload();
    }
}

/// The codes of a Response that says no, which must be signed and answer the request, and hold no assertion.
fn status(app: &TestApp, sp: &Sp, page: &Page, request: &AuthnRequest) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.body);
    let received = sp.receive(page);
    assert!(received.response.child("Assertion").is_none(), "{}", received.xml);
    crate::support::judges::accept(&received.xml, &app.folder.idp.certificate_pem());
    assert_eq!(received.response.attribute("InResponseTo"), Some(request.id.as_str()));
    received.status().into_iter().map(str::to_owned).collect()
}

/// Whether the SP gets a Response at once, without a page in between.
async fn is_signed_in(app: &TestApp, sp: &Sp, browser: &mut Browser) -> bool {
    let request = app.request(sp);
    let page = browser.open(&redirect(&app.sso(), &request.xml(), None)).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.url.path() != "/login" && {
        sp.receive(&page).verify(sp, Some(&request.id), &app.folder.idp.certificate_pem());
        true
    }
}

/// The page is a refusal of ours with this code, from which nothing can go anywhere.
fn assert_refused(page: &Page, status: u16, code: &str) {
    assert_eq!(page.status, status, "{}", page.body);
    assert!(page.all_text().contains(code), "{code} is expected:\n{}", page.all_text());
    assert!(!page.body.contains("SAMLResponse") && page.forms().is_empty(), "{}", page.body);
}
