//! The whole server while something under it is broken: the directory, the store, the disk, the network. Each test starts the real binary.

mod audit;
mod directory;
mod passwords;
mod slow;
mod store;
mod throttle;

use std::process::Command;

use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::fake_ldap::FakeLdap;
use crate::support::folder::Folder;
use crate::support::html::Page;
use crate::support::sp::{Received, Sp, redirect};

/// What the SP of these tests gets.
pub(crate) const POLICY: &str = "attributes = [\"uid\", \"displayName\", \"title\"]\n";

/// A folder with one SP.
pub(crate) fn folder_with(sp: &Sp) -> Folder {
    let folder = Folder::new();
    folder.register("sp", sp, POLICY);
    folder
}

/// The `[[directory]]` "corp" for servers that do wrong.
pub(crate) fn fake_directory(fakes: &[&FakeLdap]) -> String {
    let urls: Vec<String> = fakes.iter().map(|fake| fake.url()).collect();
    format!("name = \"corp\"\nkind = \"ldap\"\nurls = {urls:?}\nsearch_base = \"dc=fake\"\n")
}

/// Sends a request and signs in on the page that comes.
pub(crate) async fn enter(server: &TestServer, browser: &mut Browser, sp: &Sp, who: (&str, &str)) -> Page {
    let page = ask(server, browser, sp).await;
    sign_in(browser, &page, who).await
}

/// Sends a request.
pub(crate) async fn ask(server: &TestServer, browser: &mut Browser, sp: &Sp) -> Page {
    browser.open(&redirect(&server.sso(), &sp.request().xml(), None)).await
}

/// The Response of a page that must carry one; all judges accept it.
pub(crate) fn received(server: &TestServer, sp: &Sp, page: &Page) -> Received {
    assert_eq!(page.status, 200, "{}", page.body);
    let received = sp.receive(page);
    let request = received.response.attribute("InResponseTo").map(str::to_owned);
    received.verify(sp, request.as_deref(), &server.folder.idp.certificate_pem());
    received
}

/// The page tells this, and carries no Response to anybody.
pub(crate) fn refused(page: &Page, status: u16, code: &str) {
    assert_eq!(page.status, status, "{}", page.body);
    assert!(page.body.contains(&format!("{code}<")), "no {code}: {}", page.all_text());
    assert!(!page.body.contains("SAMLResponse"), "{}", page.body);
}

/// How large the files may get that the server writes from now on; `None`: as large as they like. This is a full disk for
/// whoever is not root.
pub(crate) fn limit_files(server: &TestServer, octets: Option<u64>) {
    let soft = octets.map_or_else(|| "unlimited".to_owned(), |octets| octets.to_string());
    let told = Command::new("prlimit")
        .args(["--pid", &server.process.id().to_string(), &format!("--fsize={soft}:unlimited")])
        .status()
        .expect("prlimit");
    assert!(told.success());
}
