//! Integrated Windows authentication: by the header of a proxy that the test itself plays (`header`, `way`), by a real
//! apache with a real KDC (`apache`), and natively (`spnego`).

mod apache;
mod header;
#[cfg(feature = "kerberos")]
mod spnego;
mod way;

use super::Case;
use crate::support::folder::Folder;
use crate::support::html::Page;
use crate::support::sp::{Received, Sp};

const KERBEROS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
const SECRET: &str = "only-the-proxy-knows-this";
const TANAKA_TICKET: &str = "tanaka@EXAMPLE.TEST";

/// A server that believes a proxy at 127.0.0.1, with the people of `people.toml`.
fn folder() -> Folder {
    let mut folder = Folder::new();
    folder.write_secret("certs/proxy-secret", SECRET);
    folder.set("integrated.enabled", true);
    folder.set("integrated.proxies", vec!["127.0.0.1/32"]);
    folder.set("integrated.secret_file", "certs/proxy-secret");
    for realm in ["EXAMPLE.TEST", "EXAMPLE"] {
        folder.set_in("integrated.realms", realm, "people");
    }
    folder
}

impl Case {
    /// The browser's way leads over the proxy, which has proved this name.
    fn with_ticket(name: &str) -> Self {
        let mut case = Self::of(folder(), Sp::new("app"), "");
        case.browser.added = proved(name);
        case
    }

    /// The browser's way leads over the proxy, and nobody has a ticket.
    fn without_ticket() -> Self {
        let mut case = Self::of(folder(), Sp::new("app"), "");
        case.browser.added = vec![("X-Sekisho-Proxy-Secret", SECRET.to_owned())];
        case
    }
}

impl Received {
    /// The authentication context class.
    fn class(&self) -> &str {
        &self.assertion("AuthnStatement/AuthnContext/AuthnContextClassRef").text
    }
}

/// What the proxy adds.
fn proved(name: &str) -> Vec<(&'static str, String)> {
    vec![("X-Remote-User", name.to_owned()), ("X-Sekisho-Proxy-Secret", SECRET.to_owned())]
}

fn has_button(page: &Page) -> bool {
    page.forms().iter().any(|form| form.value("how") == Some("ticket"))
}

fn asks_for_password(page: &Page) -> bool {
    page.forms().iter().any(|form| form.value("password").is_some())
}

/// The person sees the page with the fields for name and password, with this status.
fn assert_form(page: &Page, status: u16) {
    assert_eq!(page.status, status, "{}", page.body);
    assert!(asks_for_password(page) && !page.body.contains("SAMLResponse"), "{}", page.body);
}
