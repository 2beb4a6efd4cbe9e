//! Tickets that the server proves itself, by the keytab of a real domain.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{KERBEROS, asks_for_password, assert_form};
use crate::support::app::{TestServer, sekisho, sign_in};
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::Page;
use crate::support::negotiate::{Curl, Ticket, prepare_native, token};
use crate::support::request::AuthnRequest;
use crate::support::samba::Samba;
use crate::support::sp::{Sp, redirect};

/// A server with the keys of `HTTP/localhost`, which asks browsers at 127.0.0.1.
struct Native {
    samba: &'static Samba,
    server: TestServer,
    sp: Sp,
}

fn folder(samba: &Samba, mut folder: Folder) -> Folder {
    prepare_native(samba, &mut folder);
    folder
}

impl Native {
    /// `None` where there can be no domain.
    async fn start() -> Option<Self> {
        let samba = Samba::shared()?;
        Some(Self::of(samba, folder(samba, Folder::new())).await)
    }

    async fn of(samba: &'static Samba, folder: Folder) -> Self {
        let sp = Sp::new("app");
        folder.register("app", &sp, "");
        Self { samba, server: TestServer::start(folder).await, sp }
    }

    fn address(&self, request: &AuthnRequest) -> String {
        redirect(&self.server.sso(), &request.xml(), None)
    }

    /// What a browser gets that brings this to the endpoint, and follows no redirect.
    async fn bring(&self, authorization: &str) -> Page {
        let mut browser = Browser::new();
        browser.added = vec![("Authorization", authorization.to_owned())];
        browser.step(&Navigation::to(&self.server.url("/login/integrated"))).await
    }

    fn reasons(&self) -> Vec<String> {
        let audit = self.server.audit();
        audit.iter().filter_map(|record| Some(record.get("reason")?.as_str()?.to_owned())).collect()
    }
}

#[tokio::test]
async fn a_ticket_signs_in_and_the_server_proves_itself_too() {
    let Some(native) = Native::start().await else { return };
    let ticket = Ticket::of(native.samba, "alice");
    let browser = Curl::with(&ticket);
    let request = native.sp.request();
    let page = browser.open(&native.address(&request));
    let received = native.sp.receive(&page);
    received.verify(&native.sp, Some(&request.id), &native.server.folder.idp.certificate_pem());
    assert_eq!(received.class(), KERBEROS);
    assert!(native.server.log().contains("alice successfully authenticated"), "{}", native.server.log());
    let answer = native.bring(&format!("Negotiate {}", token(&ticket, "HTTP"))).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/login?how=form"));
    assert!(answer.header("www-authenticate").starts_with("Negotiate oY"), "{:?}", answer.headers);
}

#[tokio::test]
async fn only_browsers_of_the_networks_see_a_challenge() {
    let Some(native) = Native::start().await else { return };
    let outside = Ticket::none(native.samba);
    let browser = Curl::with(&outside);
    let request = native.sp.request();
    let page = browser.open(&native.address(&request));
    assert_form(&page, 401);
    assert_eq!(page.header("www-authenticate"), "Negotiate");
    assert!(page.form_with("password").value("pending").is_some());
    let passive = AuthnRequest { is_passive: Some(true), ..native.sp.request() };
    let page = browser.open(&native.address(&passive));
    assert!(page.status == 401 && !asks_for_password(&page), "{}", page.body);
    assert!(page.attribute("meta[http-equiv=refresh]", "content").is_some());

    let ticket = Ticket::of(native.samba, "alice");
    let mut elsewhere = Browser::at("127.0.0.2".parse().unwrap());
    for authorization in [None, Some(format!("Negotiate {}", token(&ticket, "HTTP")))] {
        elsewhere.added = authorization.into_iter().map(|value| ("Authorization", value)).collect();
        for url in [native.address(&request), native.server.url("/login/integrated")] {
            let page = elsewhere.open(&url).await;
            assert_form(&page, 200);
            assert_eq!(page.header("www-authenticate"), "");
        }
    }
    assert!(native.reasons().is_empty());
    // The form signs in as ever, also from where a challenge was.
    let mut inside = Browser::new();
    let page = inside.open(&native.server.url("/login")).await;
    assert_form(&page, 401);
    let home = sign_in(&mut inside, &page, TANAKA).await;
    assert!(home.all_text().contains("田中 太郎"), "{}", home.all_text());
}

#[tokio::test]
async fn a_token_comes_once_also_after_a_restart() {
    let Some(mut native) = Native::start().await else { return };
    let ticket = Ticket::of(native.samba, "alice");
    let authorization = format!("Negotiate {}", token(&ticket, "HTTP"));
    assert_eq!(native.bring(&authorization).await.status, 303);
    let again = native.bring(&authorization).await;
    assert_form(&again, 403);
    assert!(again.all_text().contains("SK-TICKET") && again.header("www-authenticate").is_empty());
    native.server.stop().await;
    native.server.restart().await;
    assert_form(&native.bring(&authorization).await, 403);
    assert_eq!(native.server.log().matches("Request is a replay").count(), 2, "{}", native.server.log());
    assert_eq!(native.reasons(), ["bad_ticket", "bad_ticket"]);
    assert_eq!(native.bring(&format!("Negotiate {}", token(&ticket, "HTTP"))).await.status, 303);
}

/// SPNEGO (RFC 4178 4.2.1) that offers NTLM alone, with its first message.
fn ntlm_in_spnego() -> String {
    let ntlm = b"NTLMSSP\0\x01\0\0\0\x97\x82\x08\xe2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0a\0\x61\x4a\0\0\0\x0f";
    let wrap = |tag: u8, inside: &[u8]| [&[tag, u8::try_from(inside.len()).unwrap()], inside].concat();
    let oid = wrap(0x06, b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a");
    let types = wrap(0xa0, &wrap(0x30, &oid));
    let init = wrap(0xa0, &wrap(0x30, &[types, wrap(0xa2, &wrap(0x04, ntlm))].concat()));
    STANDARD.encode(wrap(0x60, &[wrap(0x06, b"\x2b\x06\x01\x05\x05\x02"), init].concat()))
}

#[tokio::test]
async fn whatever_is_no_ticket_comes_to_the_form_and_never_to_a_second_challenge() {
    let Some(native) = Native::start().await else { return };
    let ticket = Ticket::of(native.samba, "alice");
    let whole = STANDARD.decode(token(&ticket, "HTTP")).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let ntlm = "TlRMTVNTUAABAAAAl4II4gAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==".to_owned();
    for (token, status) in [
        (ntlm, 200),
        (ntlm_in_spnego(), 403),
        (STANDARD.encode(&changed), 403),
        (STANDARD.encode(&whole[..whole.len() / 2]), 403),
        (STANDARD.encode([0x60, 0x84, 0xff, 0xff, 0xff, 0xff]), 403),
        (STANDARD.encode(vec![0x60; 300]), 403),
        ("%%%".to_owned(), 403),
    ] {
        let page = native.bring(&format!("Negotiate {token}")).await;
        assert_form(&page, status);
        assert_eq!(page.header("www-authenticate"), "", "{token}");
        assert_eq!(page.all_text().contains("SK-TICKET"), status == 403, "{token}");
    }
    assert_eq!(native.reasons().len(), 6);
    assert!(native.server.log().contains("the browser answered with NTLM"));
    // What is of another scheme, or nothing, is no answer to the challenge.
    for nothing in ["Basic YWxpY2U6eA==", "Negotiate", "Negotiate "] {
        assert_form(&native.bring(nothing).await, 401);
    }
    assert!(!native.server.audit().iter().any(|record| record["event"] == "signed_in"));
}

#[tokio::test]
async fn tickets_of_people_in_many_groups_fit() {
    let Some(samba) = Samba::shared() else { return };
    for folder in [folder(samba, Folder::new()), folder(samba, Folder::tls())] {
        let native = Native::of(samba, folder).await;
        let large = STANDARD.encode(vec![0x60; 48_000]);
        assert!(large.len() >= 64_000);
        assert_form(&native.bring(&format!("Negotiate {large}")).await, 403);
    }
}

#[tokio::test]
async fn a_ticket_for_another_service_of_the_machine_is_none() {
    let Some(samba) = Samba::shared() else { return };
    // An account of its own, since the names of one account have one key.
    samba.person("other-service");
    samba.tool(&["spn", "add", "cifs/localhost", "other-service"]);
    let folder = folder(samba, Folder::new());
    let file = folder.path("certs/http.keytab").display().to_string();
    samba.tool(&["domain", "exportkeytab", &file, "--principal=cifs/localhost"]);
    let native = Native::of(samba, folder).await;
    let ticket = Ticket::of(samba, "alice");
    assert_form(&native.bring(&format!("Negotiate {}", token(&ticket, "cifs"))).await, 403);
    let log = native.server.log();
    assert!(log.contains("the ticket is for cifs/localhost@EXAMPLE.TEST, and not for HTTP"), "{log}");
    assert_eq!(native.bring(&format!("Negotiate {}", token(&ticket, "HTTP"))).await.status, 303);
}

#[tokio::test]
async fn a_disabled_account_whose_ticket_lives_is_refused_here_too() {
    let Some(native) = Native::start().await else { return };
    let dn = native.samba.person("native-disabled");
    let ticket = Ticket::of(native.samba, "native-disabled");
    // The KDC gives a disabled account no more tickets; this one it has.
    token(&ticket, "HTTP");
    native.samba.set(&dn, "userAccountControl", "514");
    let page = native.bring(&format!("Negotiate {}", token(&ticket, "HTTP"))).await;
    assert_form(&page, 403);
    assert!(page.all_text().contains("SK-DISABLED") && page.header("www-authenticate").is_empty());
    assert_eq!(native.reasons(), ["disabled"]);
}

#[tokio::test]
async fn a_keytab_that_cannot_be_used_is_told_by_check_and_does_not_start() {
    let Some(samba) = Samba::shared() else { return };
    for (principal, content) in
        [(None, Some("no keytab")), (Some("HTTP/other.example.test@EXAMPLE.TEST"), None)]
    {
        let mut folder = folder(samba, Folder::new());
        if let Some(content) = content {
            folder.write_secret("certs/http.keytab", content);
        }
        if let Some(principal) = principal {
            folder.set("integrated.principal", principal);
        }
        for command in ["check", "serve"] {
            let output = sekisho(&folder, &[command]).output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).unwrap();
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("integrated.keytab") && said.contains("klist -k"), "{command}: {said}");
        }
    }
    let mut folder = folder(samba, Folder::new());
    folder.set("integrated.principal", "HTTP/localhost@EXAMPLE.TEST");
    fs::remove_file(folder.path("people.toml")).unwrap();
    folder.write_secret("people.toml", "");
    let output = sekisho(&folder, &["check"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("keytab"), "{said}");
}
