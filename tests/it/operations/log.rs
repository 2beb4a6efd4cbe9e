//! Log and audit trail: one record one line whatever was typed, nothing secret in them, and the ancestor's messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::faults::{ask, enter, folder_with, received, refused};
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::folder::TANAKA;
use crate::support::slapd::{PASSWORD, READER_PASSWORD, Slapd};
use crate::support::sp::{Sp, redirect};

const HOSTILE: &str = "eve\r\n2026-01-01T00:00:00.000+09:00  INFO root successfully authenticated\u{1b}[2J\u{2028}\u{202e}\u{85}x";

#[tokio::test]
async fn a_record_is_one_line_whatever_was_typed() {
    for format in ["text", "json"] {
        let sp = Sp::new("kintai");
        let mut folder = folder_with(&sp);
        folder.set("log.format", format);
        let server = TestServer::start(folder).await;
        let mut browser = Browser::new();
        let page = ask(&server, &mut browser, &sp).await;
        refused(&sign_in(&mut browser, &page, (HOSTILE, "x")).await, 401, "SK-CREDENTIALS");
        // An Issuer, a path and a RelayState can be as bad.
        let mut request = sp.request();
        request.issuer = Some(format!("https://evil.test/{}", HOSTILE.replace('\u{1b}', "")));
        let asked = browser.open(&redirect(&server.sso(), &request.xml(), None)).await;
        refused(&asked, 400, "SK-UNKNOWN-SP");
        let asked = browser.open(&redirect(&server.sso(), &sp.request().xml(), Some(HOSTILE))).await;
        refused(&asked, 400, "SK-RELAYSTATE");
        browser.open(&server.url("/a%0d%0ab%1b%e2%80%a8")).await;

        let (log, trail) = (server.log(), server.folder.read("audit.jsonl"));
        for text in [&log, &trail] {
            let bad =
                |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}'));
            assert!(!text.contains(bad), "{format}: {text:?}");
        }
        for line in log.lines() {
            if format == "json" {
                serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{line}"));
            } else {
                // Each begins with its own time, so none with what was typed.
                assert!(
                    line.starts_with(|c: char| c.is_ascii_digit())
                        && !line.starts_with("2026-01-01T00:00:00.000+09:00"),
                    "{line}"
                );
            }
        }
        assert!(log.contains("Unable to locate metadata for https://evil.test/eve"), "{log}");
        assert_eq!(
            log.lines()
                .filter(|line| line.contains("root successfully authenticated"))
                .filter(|line| !line.contains("eve"))
                .count(),
            0
        );
        assert_eq!(server.audit().iter().filter(|event| event["event"] == "sign_in_refused").count(), 1);
    }
}

#[tokio::test]
async fn nothing_secret_is_written_anywhere() {
    let slapd = Slapd::start();
    let sp = Sp::new("kintai");
    let mut folder = folder_with(&sp);
    folder.add_directory(&Slapd::directory(&[&slapd]));
    folder.set("log.level", "debug");
    let server = TestServer::start(folder).await;
    let mut browser = Browser::new();
    let page = ask(&server, &mut browser, &sp).await;
    let pending = page.form_with("password").value("pending").unwrap().to_owned();
    let csrf = page.form_with("password").value("csrf").unwrap().to_owned();
    sign_in(&mut browser, &page, ("yoshida", "Wr0ng-Secret!")).await;
    let response = received(&server, &sp, &enter(&server, &mut browser, &sp, ("yoshida", PASSWORD)).await);
    let cold = enter(&server, &mut Browser::new(), &sp, TANAKA).await;
    received(&server, &sp, &cold);
    // A password may be typed into the wrong field or the address; a bad form may hold one.
    browser.open(&server.url("/login?password=Url-Passw0rd")).await;
    let cookie = browser.cookie("sekisho").expect("a session").to_owned();
    let session_secret = server.folder.read("certs/session-secret");

    let encoded = STANDARD.encode(&response.xml);
    let secrets = [
        ("a password", PASSWORD),
        ("a wrong password", "Wr0ng-Secret!"),
        ("the file's password", TANAKA.1),
        ("the service account's password", READER_PASSWORD),
        ("a query", "Url-Passw0rd"),
        ("the session cookie", cookie.as_str()),
        ("the sealed request", &pending[..40]),
        ("the form's token", csrf.as_str()),
        ("the Response", &encoded[..60]),
        ("the Response", "<saml:Assertion"),
        ("a signature", "SignatureValue"),
        ("the session secret", session_secret.trim()),
    ];
    let files = ["sekisho.log", "audit.jsonl"].map(|file| (file, server.folder.read(file)));
    for (file, text) in &files {
        for (what, secret) in secrets {
            assert!(!text.contains(secret), "{what} is in {file}");
        }
    }
    // They are in use indeed: each sign-in left its line and its event.
    let [(_, log), (_, trail)] = &files;
    assert!(
        log.contains("yoshida successfully authenticated")
            && log.contains("tanaka successfully authenticated")
    );
    assert!(trail.contains("assertion_issued"));
    let database = std::fs::read(server.folder.path("sekisho.db-wal")).unwrap();
    let holds = |secret: &str| database.windows(secret.len()).any(|window| window == secret.as_bytes());
    assert!(holds("yoshida") && !holds(&cookie) && !holds(PASSWORD), "the store holds a secret");
}

#[tokio::test]
async fn one_line_a_request_and_one_event_a_sign_in() {
    let sp = Sp::new("kintai");
    let server = TestServer::start(folder_with(&sp)).await;
    let mut browser = Browser::new();
    let page = ask(&server, &mut browser, &sp).await;
    let lines = |path: &str| {
        let log = server.log();
        log.lines()
            .filter(|line| line.contains(" request ") && line.contains(&format!("path={path} ")))
            .count()
    };
    assert_eq!((lines("/saml/sso"), lines("/login")), (1, 1), "{}", server.log());
    sign_in(&mut browser, &page, (TANAKA.0, "wrong")).await;
    sign_in(&mut browser, &page, TANAKA).await;
    assert_eq!((lines("/login"), lines("/saml/sso/continue")), (3, 1), "{}", server.log());
    let events: Vec<String> =
        server.audit().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    let told: Vec<&str> = events
        .iter()
        .map(String::as_str)
        .filter(|event| event.contains("sign") || event.contains("assertion"))
        .collect();
    assert_eq!(told, ["sign_in_refused", "signed_in", "assertion_issued"]);
    // Page, log and audit share the id.
    let refusal = sign_in(&mut Browser::new(), &page, TANAKA).await;
    assert_eq!(refusal.status, 403, "no cookie, no form");
}
