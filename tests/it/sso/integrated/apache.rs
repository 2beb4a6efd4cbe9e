//! The whole chain as it stands in a company: the KDC of a Samba domain, a person's ticket, apache with mod_auth_gssapi,
//! and the entry in LDAP.

use super::super::assert_refused;
use super::{KERBEROS, SECRET, asks_for_password, assert_form};
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::folder::Folder;
use crate::support::html::Page;
use crate::support::negotiate::{Curl, Front, Named, Ticket};
use crate::support::request::AuthnRequest;
use crate::support::samba::{REALM, Samba};
use crate::support::sp::{Received, STATUS, Sp, redirect};

/// A server behind apache.
struct Chain {
    samba: &'static Samba,
    server: TestServer,
    front: Front,
    sp: Sp,
}

impl Chain {
    /// `None` where there can be no domain.
    async fn start(named: Named) -> Option<Self> {
        let samba = Samba::shared()?;
        let mut folder = Folder::new();
        let front = Front::start(samba, folder.port, SECRET, named).await;
        front.prepare(samba, &mut folder, SECRET);
        let sp = Sp::new("app");
        folder.register("app", &sp, "attributes = [\"displayName\"]");
        let server = TestServer::start(folder).await;
        Some(Self { samba, server, front, sp })
    }

    fn ask(&self) -> AuthnRequest {
        self.sp.request()
    }

    fn send(&self, browser: &Curl<'_>, request: &AuthnRequest) -> Page {
        browser.open(&redirect(&self.server.sso(), &request.xml(), None))
    }

    fn accept(&self, page: &Page, request: &AuthnRequest) -> Received {
        assert_eq!(page.status, 200, "{}\n{}", page.body, self.front.log());
        let received = self.sp.receive(page);
        received.verify(&self.sp, Some(&request.id), &self.server.folder.idp.certificate_pem());
        received
    }

    fn status(&self, page: &Page) -> Vec<String> {
        assert_eq!(page.status, 200, "{}\n{}", page.body, self.front.log());
        let received = self.sp.receive(page);
        received.status().iter().map(|code| code.trim_start_matches(STATUS).to_owned()).collect()
    }

    fn reasons(&self) -> Vec<String> {
        let audit = self.server.audit();
        audit.iter().filter_map(|record| Some(record.get("reason")?.as_str()?.to_owned())).collect()
    }
}

#[tokio::test]
async fn a_ticket_signs_in_whatever_form_the_name_has() {
    for (named, login, shown) in [
        (Named::AtRealm, "alice", "Alice Anderson"),
        (Named::InDomain, "alice", "Alice Anderson"),
        (Named::Bare, "alice", "Alice Anderson"),
        (Named::AtRealm, "吉田", "𠮷田 潤"),
    ] {
        let Some(chain) = Chain::start(named).await else { return };
        let ticket = Ticket::of(chain.samba, login);
        let browser = Curl::with(&ticket);
        let request = chain.ask();
        let received = chain.accept(&chain.send(&browser, &request), &request);
        assert_eq!(received.class(), KERBEROS, "{named:?}");
        assert_eq!(received.attributes()["displayName"], [shown]);
        assert!(chain.server.log().contains(&format!("{login} successfully authenticated")));
        // The session is there; no second ticket is looked at.
        let request = chain.ask();
        chain.accept(&chain.send(&browser, &request), &request);
        assert_eq!(chain.server.log().matches("successfully authenticated").count(), 1);
    }
}

#[tokio::test]
async fn a_disabled_account_whose_ticket_lives_comes_to_the_form() {
    let Some(chain) = Chain::start(Named::AtRealm).await else { return };
    let dn = chain.samba.person("ticket-disabled");
    let ticket = Ticket::of(chain.samba, "ticket-disabled");
    let request = chain.ask();
    chain.accept(&chain.send(&Curl::with(&ticket), &request), &request);
    chain.samba.set(&dn, "userAccountControl", "514");
    let page = chain.send(&Curl::with(&ticket), &chain.ask());
    assert_form(&page, 403);
    assert!(page.all_text().contains("SK-DISABLED"), "{}", page.all_text());
    assert_eq!(chain.reasons(), ["disabled"]);
}

#[tokio::test]
async fn a_locked_account_whose_ticket_lives_comes_to_the_form() {
    let Some(chain) = Chain::start(Named::AtRealm).await else { return };
    let dn = chain.samba.person("ticket-locked");
    let ticket = Ticket::of(chain.samba, "ticket-locked");
    let request = chain.ask();
    chain.accept(&chain.send(&Curl::with(&ticket), &request), &request);
    chain.samba.lock(&dn);
    let page = chain.send(&Curl::with(&ticket), &chain.ask());
    assert_form(&page, 403);
    assert!(page.all_text().contains("SK-LOCKED"), "{}", page.all_text());
    assert_eq!(chain.reasons(), ["locked"]);
}

#[tokio::test]
async fn whoever_has_no_ticket_gets_the_form_inside_the_challenge() {
    let Some(chain) = Chain::start(Named::AtRealm).await else { return };
    let outside = Ticket::none(chain.samba);
    let browser = Curl::with(&outside);
    let request = chain.ask();
    let page = chain.send(&browser, &request);
    assert_form(&page, 401);
    assert_eq!(page.header("www-authenticate"), "Negotiate");
    assert_eq!(page.form_with("password").action.path(), "/login");
    assert!(page.form_with("password").value("pending").is_some());

    let passive = AuthnRequest { is_passive: Some(true), ..chain.ask() };
    let page = chain.send(&browser, &passive);
    assert!(page.status == 401 && !asks_for_password(&page), "{}", page.body);
    let refresh = page.attribute("meta[http-equiv=refresh]", "content").unwrap();
    let url = page.url.join(refresh.split_once("url=").unwrap().1).unwrap();
    assert_eq!(chain.status(&browser.open(url.as_str())), ["Responder", "NoPassive"]);
}

#[tokio::test]
async fn force_authn_and_is_passive_with_a_ticket() {
    let Some(chain) = Chain::start(Named::AtRealm).await else { return };
    let ticket = Ticket::of(chain.samba, "alice");
    let browser = Curl::with(&ticket);
    let passive = AuthnRequest { is_passive: Some(true), ..chain.ask() };
    chain.accept(&chain.send(&browser, &passive), &passive);
    let forced = AuthnRequest { force_authn: Some(true), ..chain.ask() };
    assert_form(&chain.send(&browser, &forced), 200);
    let forced = AuthnRequest { force_authn: Some(true), ..passive };
    assert_eq!(chain.status(&chain.send(&browser, &forced)), ["Responder", "NoPassive"]);
}

#[tokio::test]
async fn nobody_brings_a_name_of_their_own_through_apache_or_past_it() {
    let Some(chain) = Chain::start(Named::AtRealm).await else { return };
    let ticket = Ticket::of(chain.samba, "alice");
    for spelling in ["X-Remote-User", "x_remote_user"] {
        let mut browser = Curl::with(&ticket);
        browser.arguments = vec!["-H".to_owned(), format!("{spelling}: bob@{REALM}")];
        browser.open(&chain.server.url("/login/integrated"));
        let signed_in: Vec<_> =
            chain.server.audit().into_iter().filter(|r| r["event"] == "signed_in").collect();
        assert!(signed_in.iter().all(|record| record["login"] == "alice") && !signed_in.is_empty());
        let outside = Ticket::none(chain.samba);
        let mut browser = Curl::with(&outside);
        browser.arguments = vec!["-H".to_owned(), format!("{spelling}: bob@{REALM}")];
        assert_form(&browser.open(&chain.server.url("/login/integrated")), 401);
    }
    // What apache does not know of comes through, and refuses.
    let mut browser = Curl::with(&ticket);
    browser.arguments = vec!["-H".to_owned(), format!("X-Remote_User: bob@{REALM}")];
    assert_refused(&browser.open(&chain.server.url("/login/integrated")), 400, "SK-PROXY-HEADER");
    // Past it: this machine is a proxy's, but does not know the secret.
    let mut browser = Browser::new();
    browser.added = vec![("X-Remote-User", format!("bob@{REALM}"))];
    let past = format!("http://127.0.0.1:{}/login/integrated", chain.server.folder.port);
    assert_form(&browser.open(&past).await, 200);
    assert!(chain.server.log().contains("the header of integrated.secret_header is missing"));
}
