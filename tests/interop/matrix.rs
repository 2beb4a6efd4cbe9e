//! The matrix: every way to sign on, with every NameID format, and every way to sign out, at each kind of service
//! provider. One server and one service provider are started for a kind, and all its cells are driven through them.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use reqwest::Url;
use serde_json::json;

use crate::cell::{By, Format, LogOut, Service, SignOn};
use crate::ecp;
use crate::rig::idp::IdpMetadata;
use crate::rig::mellon::Mellon;
use crate::rig::python3_saml::Python3Saml;
use crate::rig::shibboleth::Shibboleth;
use crate::rig::simplesamlphp::SimpleSamlPhp;
use crate::rig::{Rig, Seen};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::{Form, Page};
use crate::support::logout::LogoutSp;
use crate::support::sp::{REDIRECT, SOAP, Sp, redirect};

/// What is asked for; it must come back unchanged.
const QUERY: &str = "from=%E7%94%B0&x=1%262";

#[tokio::test]
async fn mellon() {
    drive::<Mellon>().await;
}

#[tokio::test]
async fn shibboleth() {
    drive::<Shibboleth>().await;
}

#[tokio::test]
async fn simplesamlphp() {
    drive::<SimpleSamlPhp>().await;
}

#[tokio::test]
async fn python3_saml() {
    drive::<Python3Saml>().await;
}

/// Drives every cell, also after one that failed, and names those that did.
async fn drive<R: Rig>() {
    let services: Vec<Service> = services::<R>().collect();
    let matrix = Matrix::<R>::start(&services).await;
    let (mut failed, mut driven) = (Vec::new(), 0);
    for service in services {
        for log_out in log_outs(service.on) {
            driven += 1;
            let cell = matrix.cell(service, log_out);
            if AssertUnwindSafe(cell).catch_unwind().await.is_err() {
                failed.push(format!("{} {log_out:?}", service.name()));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{}: {} of {driven} cells failed: {failed:#?}\nleft out: {:#?} {:#?}\n{}\n{}",
        R::NAME,
        failed.len(),
        R::LACKS,
        R::LACKS_LOGOUT,
        matrix.server.log(),
        matrix.rig.log()
    );
}

fn services<R: Rig>() -> impl Iterator<Item = Service> {
    let lacks = |on: SignOn| R::LACKS.iter().any(|(lacking, _)| *lacking == on);
    let ways = SignOn::ALL.into_iter().filter(move |on| !lacks(*on));
    ways.flat_map(|on| Format::ALL.map(|format| Service { on, format }))
}

/// A client that signs on by ECP has no browser: no page of ours to begin at, and nobody else in its session.
fn log_outs(on: SignOn) -> impl Iterator<Item = LogOut> {
    let has_browser = on != SignOn::Ecp;
    let all = LogOut::ALL.into_iter();
    all.filter(move |log_out| has_browser || (log_out.by == By::Sp && !log_out.one_dead))
}

/// A server of ours and a service provider that know each other.
struct Matrix<R> {
    server: TestServer,
    rig: R,
    /// In metadata, and at ports where nobody listens: one to be told by SOAP, one by redirect.
    dead: [LogoutSp; 2],
    /// Without cookies; a clone of it is a new browser.
    browser: Browser,
}

impl<R: Rig> Matrix<R> {
    async fn start(services: &[Service]) -> Self {
        let mut folder = Folder::new();
        folder.set("saml.allow_http_endpoints", true);
        let mut server = TestServer::start(folder).await;
        let rig = R::start(services, &IdpMetadata::of(&server).await).await;
        for service in services {
            let name = service.name();
            server.folder.write(&format!("metadata/{name}.toml"), &policy(*service));
            server.folder.write(&format!("metadata/{name}.xml"), &rig.metadata(*service).await);
        }
        let dead = [("dead", SOAP), ("gone", REDIRECT)].map(|(name, way)| LogoutSp::dead(name, &[way]));
        server.folder.register("dead", &dead[0].sp, "");
        server.folder.register("gone", &dead[1].sp, "");
        let files: Vec<String> = services
            .iter()
            .map(|service| format!("{}.xml", service.name()))
            .chain(["dead.xml".into(), "gone.xml".into()])
            .collect();
        let TestServer { folder, process } = &mut server;
        let known = || async {
            let audit = folder.read("audit.jsonl");
            files.iter().all(|file| audit.contains(&format!("\"file\":\"{file}\"")))
        };
        process.wait_until("the service providers are known", known).await;
        let mut browser = Browser::new();
        // Shibboleth's cookie for the request is SameSite=None, over http too. It gets along without.
        browser.drops_cookies = true;
        Self { server, rig, dead, browser }
    }

    /// Signs on, looks at what the service learned, signs out, and sees that all sessions are gone.
    async fn cell(&self, service: Service, log_out: LogOut) {
        let mut browser = self.browser.clone();
        let seen = match service.on {
            SignOn::Ecp => self.sign_on_by_ecp(&mut browser, service).await,
            _ => self.sign_on(&mut browser, service).await,
        };
        expect(service, &seen);
        let mut signed_on = vec![service];
        if service.on != SignOn::Ecp {
            signed_on.push(service.beside());
            expect(service.beside(), &self.go_on_to(&mut browser, service.beside()).await);
        }
        if log_out.one_dead {
            self.go_on_to_dead(&mut browser, log_out.by).await;
        }
        match log_out.by {
            By::Sp => self.log_out_by_sp(&mut browser, service, log_out.one_dead).await,
            By::Idp => self.log_out_by_idp(&mut browser, log_out.one_dead).await,
        }
        // Nobody is let in at an SP, and at the IdP nobody without a password.
        for service in signed_on {
            let page = self.ask(&mut browser, service).await;
            assert!(page.form_with("password").action.as_str().starts_with(&self.server.url("/")));
        }
    }

    /// From the SP's page over our sign-in page back to the SP.
    async fn sign_on(&self, browser: &mut Browser, service: Service) -> Seen {
        let page = self.ask(browser, service).await;
        let page = sign_in(browser, &page, TANAKA).await;
        self.bring(browser, service, page).await
    }

    /// Signs on at a further service, which takes no password any more.
    async fn go_on_to(&self, browser: &mut Browser, service: Service) -> Seen {
        let page = self.ask(browser, service).await;
        self.bring(browser, service, page).await
    }

    /// Carries the answer to the SP.
    async fn bring(&self, browser: &mut Browser, service: Service, page: Page) -> Seen {
        let asked = self.asked(service);
        if service.on == SignOn::Artifact {
            assert!(page.via.iter().any(|url| url.as_str().contains("SAMLart=")), "{:?}", page.via);
            return self.arrived(service, &page, &asked);
        }
        let response = page.form_with("SAMLResponse");
        let xml = decode(response.value("SAMLResponse").unwrap());
        assert_eq!(xml.contains("EncryptedAssertion"), service.on == SignOn::Encrypted, "{xml}");
        self.arrived(service, &browser.submit(&page, &response).await, &asked)
    }

    fn asked(&self, service: Service) -> String {
        format!("{}?{QUERY}", self.rig.page(service))
    }

    fn arrived(&self, service: Service, page: &Page, asked: &str) -> Seen {
        assert_eq!((page.status, page.url.as_str()), (200, asked), "{}", page.body);
        self.rig.seen(service, page).unwrap_or_else(|| panic!("not signed in:\n{}", page.body))
    }

    /// Opens the SP's page and carries its request to us.
    async fn ask(&self, browser: &mut Browser, service: Service) -> Page {
        let page = browser.open(&self.asked(service)).await;
        assert!(self.rig.seen(service, &page).is_none(), "still signed in:\n{}", page.body);
        if service.on == SignOn::SignedPost {
            let request = page.form_with("SAMLRequest");
            assert!(decode(request.value("SAMLRequest").unwrap()).contains("SignatureValue>"));
            return browser.submit(&page, &request).await;
        }
        let request = page.via.iter().chain([&page.url]).find(|url| url.as_str().contains("SAMLRequest="));
        let request = request.unwrap_or_else(|| panic!("{} ({}):\n{}", page.url, page.status, page.body));
        assert_eq!(request.as_str().contains("&Signature="), service.on.is_signed(), "{request}");
        page
    }

    async fn sign_on_by_ecp(&self, browser: &mut Browser, service: Service) -> Seen {
        let asked = self.asked(service);
        let client = ecp::Client::new(&asked);
        browser.cookies = client.sign_on(&self.server.url("/saml/soap/ecp"), TANAKA).await;
        let page = browser.open(&asked).await;
        self.arrived(service, &page, &asked)
    }

    /// A session at an SP that will never answer.
    async fn go_on_to_dead(&self, browser: &mut Browser, by: By) {
        let dead = self.dead(by);
        let page = browser.open(&redirect(&self.server.sso(), &dead.request().xml(), None)).await;
        assert_eq!(page.form_with("SAMLResponse").action.as_str(), dead.acs[0]);
    }

    async fn log_out_by_sp(&self, browser: &mut Browser, service: Service, one_dead: bool) {
        let page = browser.open(&self.rig.log_out(service)).await;
        let mut page = press_on(browser, page).await;
        if one_dead {
            page = self.pass_dead(browser, page, By::Sp).await;
            if !R::comes_back(service) {
                return;
            }
            let back = page.link("a[href*='how=finish']").expect("a way back to the SP");
            page = browser.navigate(Navigation::to(&back).from(&page)).await;
            page = press_on(browser, page).await;
        } else {
            assert_eq!(page.status, 200, "{}", page.body);
        }
        if !R::comes_back(service) {
            return self.all_signed_out(&page);
        }
        let home = Url::parse(&self.rig.page(service)).unwrap();
        assert_eq!(page.url.origin(), home.origin(), "{}: {}", page.url, page.body);
    }

    async fn log_out_by_idp(&self, browser: &mut Browser, one_dead: bool) {
        let page = browser.open(&self.server.url("/logout")).await;
        let question = page.form_with("csrf");
        let page = browser.submit(&page, &question).await;
        let page = press_on(browser, page).await;
        if one_dead {
            self.pass_dead(browser, page, By::Idp).await;
        } else {
            self.all_signed_out(&page);
        }
    }

    fn all_signed_out(&self, page: &Page) {
        assert!(page.url.as_str().starts_with(&self.server.url("/")), "{}: {}", page.url, page.body);
        assert!(page.all_text().contains("signed out of every application"), "{}", page.body);
    }

    /// Leaves the dead one behind, and reads the truth about it.
    async fn pass_dead(&self, browser: &mut Browser, mut page: Page, by: By) -> Page {
        if let Some(skip) = page.link("a[href*='how=skip']") {
            assert_eq!(by, By::Sp, "a browser is needed: {}", page.body);
            page = browser.navigate(Navigation::to(&skip).from(&page)).await;
            page = press_on(browser, page).await;
        }
        assert!(page.url.as_str().starts_with(&self.server.url("/")), "{}: {}", page.url, page.body);
        let name = &self.dead(by).display_names[0].1;
        let told = format!("{name} Perhaps still signed in: it could not be reached");
        assert!(page.all_text().contains(&told), "{}", page.body);
        page
    }

    fn dead(&self, by: By) -> &Sp {
        match by {
            By::Idp => &self.dead[0].sp,
            By::Sp => &self.dead[1].sp,
        }
    }
}

/// Goes where a browser goes by itself: from page to page, and on with every form that a script would send.
async fn press_on(browser: &mut Browser, mut page: Page) -> Page {
    for _ in 0..20 {
        let carries =
            |form: &&Form| form.value("SAMLRequest").is_some() || form.value("SAMLResponse").is_some();
        let form = page.forms().iter().find(carries).cloned();
        let goes_on = page.body.contains("<meta http-equiv=\"refresh\" content=\"0;");
        page = match (form, page.link("a.button").filter(|_| goes_on)) {
            (Some(form), _) => browser.submit(&page, &form).await,
            (None, Some(link)) => browser.navigate(Navigation::to(&link).from(&page)).await,
            (None, None) => return page,
        };
    }
    panic!("no end of pages: {}", page.url);
}

fn policy(service: Service) -> String {
    let verify = if service.on.is_signed() { "required" } else { "when-key" };
    let more = match service.on {
        SignOn::Encrypted => "encrypt = \"always\"",
        SignOn::Ecp => "ecp = true",
        _ => "",
    };
    format!(
        "attributes = [\"uid\", \"displayName\"]
         name_id_format = \"unspecified\"
         verify_requests = \"{verify}\"
         {more}"
    )
}

/// What is released, and as whom.
fn expect(service: Service, seen: &Seen) {
    assert_eq!(json!(seen.attributes), json!({ "uid": ["tanaka"], "displayName": ["田中 太郎"] }));
    assert_eq!(seen.format, service.format.uri());
    assert_eq!(seen.query, QUERY);
    match service.format {
        Format::EmailAddress => assert_eq!(seen.name_id, "tanaka@example.jp"),
        Format::Unspecified => assert_eq!(seen.name_id, "tanaka"),
        Format::Persistent | Format::Transient => assert!(seen.name_id.len() >= 32, "{}", seen.name_id),
    }
}

fn decode(message: &str) -> String {
    use base64::Engine as _;
    let message: String = message.split_whitespace().collect();
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(message).unwrap()).unwrap()
}
