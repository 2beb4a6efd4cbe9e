//! Whom a header names, and when it is believed.

use serde_json::json;

use super::super::{Case, assert_refused};
use super::{KERBEROS, SECRET, TANAKA_TICKET, assert_form, folder, has_button, proved};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::folder::{Folder, TANAKA};
use crate::support::sp::Sp;

#[tokio::test]
async fn the_three_forms_of_a_name_sign_in_without_a_page() {
    for name in [TANAKA_TICKET, "Tanaka@example.test", "EXAMPLE\\TANAKA", "example\\tanaka", "tanaka"] {
        let mut case = Case::with_ticket(name);
        let request = case.ask();
        let page = case.send(&request).await;
        let received = case.accept(&page, &request);
        assert_eq!(received.class(), KERBEROS, "{name}");
        let way: Vec<&str> = page.via.iter().map(reqwest::Url::path).collect();
        assert_eq!(way, ["/saml/sso", "/login", "/login/integrated"], "{name}");
        let [signed_in] = &case.events("signed_in")[..] else { panic!("{:?}", case.audit_records()) };
        assert_eq!((&signed_in["login"], &signed_in["authn.context"]), (&json!("tanaka"), &json!(KERBEROS)));
        assert_eq!(signed_in["subject.id"], "people/tanaka");
        assert!(case.is_signed_in().await, "{name}");
        assert_eq!(case.events("signed_in").len(), 1);
    }
}

#[tokio::test]
async fn the_start_page_and_the_sign_in_page_lead_by_the_ticket_too() {
    for path in ["/", "/login", "/login/integrated"] {
        let mut case = Case::with_ticket(TANAKA_TICKET);
        let page = case.browser.open(&case.app.url(path)).await;
        assert_eq!((page.status, page.url.path(), page.url.query()), (200, "/", None), "{path}");
        assert!(page.all_text().contains("田中 太郎"), "{}", page.all_text());
    }
}

#[tokio::test]
async fn a_name_of_nobody_here_comes_to_the_form_and_the_audit_trail_says_why() {
    for (name, reason) in [
        ("tanaka@OTHER.TEST", "unknown_realm"),
        ("OTHER\\tanaka", "unknown_realm"),
        ("tanaka@example", "signed in"),
        ("nobody@EXAMPLE.TEST", "unknown"),
        ("HTTP/localhost@EXAMPLE.TEST", "invalid_login"),
        ("tanaka@EXAMPLE.TEST, suzuki@EXAMPLE.TEST", "invalid_login"),
        ("EXAMPLE\\tanaka@EXAMPLE.TEST", "invalid_login"),
        ("*", "invalid_login"),
        ("@EXAMPLE.TEST", "invalid_login"),
    ] {
        let mut case = Case::with_ticket(name);
        let request = case.ask();
        let page = case.send(&request).await;
        if reason == "signed in" {
            case.accept(&page, &request);
            continue;
        }
        assert_form(&page, 403);
        assert!(page.all_text().contains("SK-TICKET"), "{name}: {}", page.all_text());
        assert_eq!(page.header("www-authenticate"), "");
        let [refused] = &case.events("sign_in_refused")[..] else { panic!("{:?}", case.audit_records()) };
        assert_eq!((&refused["login"], &refused["reason"]), (&json!(name), &json!(reason)));
        // And there the way goes on.
        let page = sign_in(&mut case.browser, &page, TANAKA).await;
        assert_ne!(case.accept(&page, &request).class(), KERBEROS);
    }
}

#[tokio::test]
async fn a_bare_name_is_refused_where_it_could_mean_two_directories() {
    let mut folder = folder();
    folder.write_secret("others.toml", &folder.read("people.toml"));
    folder.add_directory("name = \"others\"\nkind = \"file\"\npath = \"others.toml\"");
    folder.set_in("integrated.realms", "OTHER.TEST", "others");
    let mut case = Case::of(folder, Sp::new("app"), "");
    for (name, subject) in [
        ("tanaka", None),
        ("tanaka@OTHER.TEST", Some("others/tanaka")),
        ("tanaka@EXAMPLE.TEST", Some("people/tanaka")),
    ] {
        case.browser = Browser::new();
        case.browser.added = proved(name);
        let request = case.ask();
        let page = case.send(&request).await;
        match subject {
            None => assert_form(&page, 403),
            Some(subject) => {
                case.accept(&page, &request);
                assert_eq!(case.events("signed_in").last().unwrap()["subject.id"], subject);
            }
        }
    }
    assert_eq!(case.events("sign_in_refused")[0]["reason"], "unknown_realm");
}

#[tokio::test]
async fn a_disabled_account_with_a_living_ticket_is_refused() {
    let mut case = Case::with_ticket(TANAKA_TICKET);
    assert!(case.is_signed_in().await);
    let people = case.folder.read("people.toml");
    case.folder.write_secret("people.toml", &people.replacen("login =", "disabled = true\nlogin =", 1));
    case.browser.cookies.clear();
    let request = case.ask();
    let page = case.send(&request).await;
    assert_form(&page, 403);
    assert!(page.all_text().contains("SK-DISABLED"), "{}", page.all_text());
    let refused = &case.events("sign_in_refused")[0];
    assert_eq!((&refused["subject.id"], &refused["reason"]), (&json!("people/tanaka"), &json!("disabled")));
    assert_eq!(case.events("assertion_issued").len(), 1);
}

/// A real server, whose log is read.
async fn server() -> (TestServer, Sp) {
    let (folder, sp) = (folder(), Sp::new("app"));
    folder.register("app", &sp, "");
    (TestServer::start(folder).await, sp)
}

#[tokio::test]
async fn a_header_of_anybody_else_is_ignored_and_the_log_says_so() {
    let (server, sp) = server().await;
    let whole = proved(TANAKA_TICKET);
    let secret = |text: &str| ("X-Sekisho-Proxy-Secret", text.to_owned());
    for (address, headers, why) in [
        ("127.0.0.2", whole.clone(), Some("connection does not come from integrated.proxies")),
        ("127.0.0.1", vec![whole[0].clone()], Some("header of integrated.secret_header is missing")),
        (
            "127.0.0.1",
            vec![whole[0].clone(), secret("guess")],
            Some("header of integrated.secret_header does not hold the secret"),
        ),
        (
            "127.0.0.1",
            vec![whole[0].clone(), secret("")],
            Some("header of integrated.secret_header does not hold the secret"),
        ),
        ("127.0.0.1", vec![secret(SECRET)], None),
        ("127.0.0.2", vec![], None),
    ] {
        let mut browser = Browser::at(address.parse().unwrap());
        browser.added = headers;
        browser.forwarded_for = Some("127.0.0.1".to_owned());
        for path in ["/login/integrated", "/login", "/"] {
            let page = browser.open(&server.url(path)).await;
            assert_form(&page, 200);
            assert_eq!(page.header("www-authenticate"), "");
        }
        let page =
            browser.open(&crate::support::sp::redirect(&server.sso(), &sp.request().xml(), None)).await;
        assert_form(&page, 200);
        let log = server.log();
        assert!(
            why.is_none_or(|why| log.contains(&format!("the header x-remote-user is ignored: the {why}"))),
            "{log}"
        );
    }
    // Those that come by the proxy are led there from each page, and those that name nobody are not told.
    assert_eq!(server.log().matches("is ignored").count(), 1 + 3 * 4, "{}", server.log());
    assert!(!server.audit().iter().any(|record| record["event"] == "signed_in"));
}

#[tokio::test]
async fn copies_and_look_alikes_are_refused() {
    for more in ["X-Remote-User", "x-remote-user", "X_Remote_User", "X-Remote_User"] {
        let mut case = Case::with_ticket(TANAKA_TICKET);
        case.browser.added.push((more, "suzuki@EXAMPLE.TEST".to_owned()));
        let page = case.browser.open(&case.app.url("/login/integrated")).await;
        assert_refused(&page, 400, "SK-PROXY-HEADER");
        assert_eq!(case.events("sign_in_refused")[0]["reason"], "proxy_header");
        assert!(case.events("signed_in").is_empty() && case.browser.cookies.is_empty());
        let form = case.browser.open(&page.link("main a").unwrap()).await;
        assert_form(&form, 200);
    }
    let mut case = Case::with_ticket(TANAKA_TICKET);
    case.browser.added[0].0 = "X_Remote_User";
    assert_refused(&case.browser.open(&case.app.url("/login/integrated")).await, 400, "SK-PROXY-HEADER");
    let mut case = Case::with_ticket(TANAKA_TICKET);
    case.browser.added.push(("X-Sekisho-Proxy-Secret", "guess".to_owned()));
    assert_refused(&case.browser.open(&case.app.url("/login/integrated")).await, 400, "SK-PROXY-HEADER");
}

#[tokio::test]
async fn it_is_off_unless_switched_on() {
    let mut case = Case::of(Folder::new(), Sp::new("app"), "");
    case.browser.added = proved(TANAKA_TICKET);
    let page = case.browser.open(&case.app.url("/login/integrated")).await;
    assert_refused(&page, 404, "SK-NOT-FOUND");
    let request = case.ask();
    let page = case.send(&request).await;
    assert_form(&page, 200);
    assert!(!has_button(&page) && page.url.path() == "/login");
}

#[tokio::test]
async fn only_browsers_of_the_networks_are_asked() {
    let mut folder = folder();
    folder.set("integrated.networks", vec!["10.0.0.0/8"]);
    folder.set("listen.trusted_proxies", vec!["127.0.0.1/32"]);
    let mut case = Case::of(folder, Sp::new("app"), "");
    for (address, inside) in [("10.1.2.3", true), ("192.0.2.7", false)] {
        case.browser = Browser::new();
        case.browser.added = proved(TANAKA_TICKET);
        case.browser.forwarded_for = Some(address.to_owned());
        let request = case.ask();
        let page = case.send(&request).await;
        if inside {
            case.accept(&page, &request);
            continue;
        }
        assert_form(&page, 200);
        assert!(!has_button(&page));
        let page = case.browser.open(&case.app.url("/login/integrated")).await;
        assert_form(&page, 200);
    }
    assert_eq!(case.events("signed_in").len(), 1);
}
