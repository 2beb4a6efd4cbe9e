//! `POST /api/password` as a program of the company's calls it, and as nobody should.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::app::{TestServer, sign_in};
use crate::support::browser::Browser;
use crate::support::folder::Folder;
use crate::support::http::{builder, client};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{BASE, PASSWORD, READER_PASSWORD, RESETTER, Slapd, make_certificate};
use crate::support::test_app::TestApp;

const NEW: &str = "Sakura-2024-x";

/// The API is open to `caller` from this machine.
fn folder(mut folder: Folder, directory: &str, caller: &str) -> Folder {
    folder.add_directory(directory);
    folder.set("password_api.enabled", true);
    folder.set("password_api.directory", "corp");
    folder.set("password_api.callers", vec![caller.to_owned()]);
    folder.set("password_api.allowed_networks", vec!["127.0.0.1".to_owned(), "192.0.2.0/24".to_owned()]);
    folder
}

fn on_slapd(slapd: &Slapd) -> Folder {
    folder(Folder::new(), &Slapd::directory(&[slapd]), RESETTER)
}

fn call(login: &str, password: &str) -> Value {
    json!({ "bind_dn": RESETTER, "bind_password": READER_PASSWORD, "login": login, "password": password })
}

fn with(mut call: Value, key: &str, value: impl Into<Value>) -> Value {
    call[key] = value.into();
    call
}

fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

/// Status, code and message of the answer.
async fn send(url: &str, body: impl Into<reqwest::Body>, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut request = client().post(url).body(body);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let said: Value = answer.json().await.unwrap();
    assert_eq!(said["success"], status == 200, "{said}");
    assert_eq!(said["request_id"].as_str().map(str::len), Some(16), "{said}");
    (status, said["code"].as_str().unwrap().to_owned(), said["message"].as_str().unwrap().to_owned())
}

/// Sends the beginning of a body, and reads the first line of the answer.
async fn begin(url: &str, sent: usize, announced: usize) -> String {
    let url: reqwest::Url = url.parse().unwrap();
    let (host, port) = (url.host_str().unwrap().to_owned(), url.port().unwrap());
    let exchange = move || {
        let mut socket = TcpStream::connect((host.as_str(), port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nContent-Length: {announced}\r\n\r\n",
            url.path()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(&vec![b' '; sent]).unwrap();
        let mut line = String::new();
        BufReader::new(socket).read_line(&mut line).unwrap();
        line
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

async fn ask(app: &TestApp, call: &Value) -> (u16, String) {
    let (status, _, message) = send(&app.url("/api/password"), call.to_string(), &[]).await;
    (status, message)
}

fn said(status: u16, message: &str) -> (u16, String) {
    (status, message.to_owned())
}

fn reasons(app: &TestApp, event: &str) -> Vec<String> {
    app.events(event).iter().map(|record| record["reason"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_new_password_binds_and_the_old_does_not() {
    let slapd = Slapd::start();
    let app = TestApp::start(on_slapd(&slapd));
    let mut browser = Browser::new();
    let page = browser.open(&app.url("/login")).await;
    sign_in(&mut browser, &page, ("mori", PASSWORD)).await;
    let succeeded = said(200, "Changing password succeeded");
    assert_eq!(ask(&app, &call("mori", NEW)).await, succeeded);
    assert!(slapd.try_password(&dn("mori"), NEW) && !slapd.try_password(&dn("mori"), PASSWORD));
    let changed = app.events("password_changed").remove(0);
    assert_eq!((&changed["login"], &changed["by"]), (&"mori".into(), &RESETTER.into()));
    assert!(browser.open(&app.url("/")).await.body.contains("name=\"password\""), "the sessions have ended");
    assert_eq!(app.events("session_ended")[0]["reason"], "password_changed");
    // Another spelling of the caller's name is the same caller.
    let spelled = with(call("mori", "Momiji-2024-x"), "bind_dn", RESETTER.to_uppercase().replace(',', " , "));
    assert_eq!(ask(&app, &spelled).await, succeeded);
}

#[tokio::test]
async fn on_active_directory_too() {
    let Some(samba) = Samba::shared() else { return };
    let dn = samba.person("api-person");
    let app = TestApp::start(folder(Folder::new(), &samba.directory(), samba::RESETTER));
    let caller = |login: &str, password: &str| {
        json!({
            "bind_dn": samba::RESETTER, "bind_password": samba::SERVICE_PASSWORD, "login": login, "password": password
        })
    };
    let succeeded = said(200, "Changing password succeeded");
    assert_eq!(ask(&app, &caller("api-person", NEW)).await, succeeded);
    assert!(samba.try_password(&dn, NEW) && !samba.try_password(&dn, samba::PASSWORD));
    assert_eq!(ask(&app, &caller("EXAMPLE\\api-person", "Momiji-2024-x")).await, succeeded);
    assert!(samba.try_password(&dn, "Momiji-2024-x"));
    let short =
        said(422, "Changing password failed: the password is too short; it needs at least 7 characters");
    assert_eq!(ask(&app, &caller("api-person", "Aa1!")).await, short);
    let privileged = said(422, "Changing password failed: the account is privileged");
    for login in ["boss", "administrator", "svc-reset", "svc-sekisho", "DC1$"] {
        assert_eq!(ask(&app, &caller(login, NEW)).await, privileged, "{login}");
    }
    let wrong = with(caller("api-person", NEW), "bind_password", "wrong");
    assert_eq!(ask(&app, &wrong).await, said(401, "Bind DN or password is incorrect"));
}

/// Whoever changes passwords is an account of the directory too, which other programs try with wrong passwords.
#[tokio::test]
async fn a_caller_is_never_locked_out_of_the_directory() {
    let Some(samba) = Samba::shared() else { return };
    let by = samba.person("api-caller");
    let app = TestApp::start(folder(Folder::new(), &samba.directory(), &by));
    // Elsewhere: one more than may stand here locks at five.
    for _ in 0..3 {
        assert!(!samba.try_password(&by, "wrong"));
    }
    let wrong = json!({ "bind_dn": by, "bind_password": "wrong", "login": "nobody", "password": NEW });
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(ask(&app, &wrong).await.0);
    }
    assert!(answers.contains(&429), "{answers:?}");
    assert_eq!(samba.value(&by, "lockoutTime").unwrap_or_default().trim_matches('0'), "");
    assert!(samba.try_password(&by, samba::PASSWORD), "it is not locked");
}

#[tokio::test]
async fn what_the_directory_refuses_is_told_to_the_caller() {
    let slapd = Slapd::start();
    let mut folder = on_slapd(&slapd);
    folder.set("password_api.search_base", format!("ou=people,{BASE}"));
    let app = TestApp::start(folder);
    let failed = |detail: &str| said(422, &format!("Changing password failed: {detail}"));
    assert_eq!(ask(&app, &call("mori", "short")).await, failed("the password is too short"));
    assert_eq!(ask(&app, &call("nobody", NEW)).await, failed("there is no user of this login name"));
    let twins = ask(&app, &call("twin@example.test", NEW)).await;
    assert_eq!(twins, failed("more than one user has this login name"));
    let told = ["too_short", "unknown", "ambiguous"];
    assert_eq!(reasons(&app, "password_change_refused"), told);
}

#[tokio::test]
async fn only_people_below_the_base() {
    let slapd = Slapd::start();
    let mut folder = on_slapd(&slapd);
    folder.set("password_api.search_base", format!("ou=groups,{BASE}"));
    let app = TestApp::start(folder);
    let outside = said(422, "Changing password failed: the user is not below the search base");
    assert_eq!(ask(&app, &call("mori", NEW)).await, outside);
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
}

#[tokio::test]
async fn a_wrong_caller_is_told_nothing_and_throttled() {
    let slapd = Slapd::start();
    let app = TestApp::start(on_slapd(&slapd));
    let denied = said(401, "Bind DN or password is incorrect");
    let not_listed = [&dn("mori"), "cn=admin,dc=example,dc=test", "cn=reader", "anonymous", "\u{202e}x=y"];
    for caller in not_listed {
        assert_eq!(ask(&app, &with(call("mori", NEW), "bind_dn", caller)).await, denied, "{caller}");
    }
    for spelled in [RESETTER.to_owned(), RESETTER.to_uppercase(), RESETTER.replace('=', " = ")] {
        let wrong = with(call("mori", NEW), "bind_password", "wrong");
        assert_eq!(ask(&app, &with(wrong, "bind_dn", spelled)).await, denied);
    }
    let throttled = said(429, "Not authenticated");
    assert_eq!(ask(&app, &call("mori", NEW)).await, throttled, "even with the right password");
    let reasons = reasons(&app, "password_api_refused");
    assert_eq!(reasons.iter().filter(|reason| *reason == "not_listed").count(), 5);
    assert_eq!(reasons.last().map(String::as_str), Some("throttled"));
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
    app.clock.advance(sekisho::clock::SignedDuration::from_mins(31));
    assert_eq!(ask(&app, &call("mori", NEW)).await.0, 200);
}

#[tokio::test]
async fn calls_are_limited_by_the_minute() {
    let slapd = Slapd::start();
    let mut folder = on_slapd(&slapd);
    folder.set("password_api.calls_per_minute", 2);
    let app = TestApp::start(folder);
    for _ in 0..2 {
        assert_eq!(ask(&app, &call("nobody", NEW)).await.0, 422);
    }
    assert_eq!(ask(&app, &call("mori", NEW)).await, said(429, "Not authenticated"));
    assert_eq!(reasons(&app, "password_api_refused"), ["rate"]);
    app.clock.advance(sekisho::clock::SignedDuration::from_secs(30));
    assert_eq!(ask(&app, &call("mori", NEW)).await.0, 200);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_parameter_error() {
    let slapd = Slapd::start();
    let app = TestApp::start(on_slapd(&slapd));
    let url = app.url("/api/password");
    let good = call("mori", NEW);
    let mut short = good.clone();
    short.as_object_mut().unwrap().remove("login");
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let doubled = good.to_string().replacen('{', "{\"login\":\"tanaka\",", 1);
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        deep,
        doubled,
        short.to_string(),
        format!("{good}{good}"),
        good.to_string().replace("mori", "\\ud800"),
        with(good.clone(), "login", 1).to_string(),
        with(good.clone(), "login", Value::Null).to_string(),
        with(good.clone(), "password", json!(["x"])).to_string(),
        with(good.clone(), "password", "").to_string(),
        with(good.clone(), "password", "x".repeat(2000)).to_string(),
        with(good.clone(), "login", "a\nb").to_string(),
        with(good.clone(), "login", "  ").to_string(),
        with(good.clone(), "bind_password", "").to_string(),
        with(good.clone(), "admin", true).to_string(),
    ];
    for body in bodies {
        let answer = send(&url, body.clone(), &[]).await;
        assert_eq!(answer, (400, "SK-API-PARAMETER".to_owned(), "Parameter error".to_owned()), "{body}");
    }
    let large = with(good.clone(), "password", "x".repeat(20_000)).to_string();
    assert_eq!(send(&url, large, &[]).await.0, 413);
    assert_eq!(send(&url, vec![b' '; 1_000_000], &[]).await.0, 413);
    assert!(begin(&url, 20_000, 200_000).await.starts_with("HTTP/1.1 413"), "before the rest has come");
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        assert_eq!(send(&url, good.to_string(), &[("content-type", kind)]).await.0, 415, "{kind}");
    }
    let answer = client().get(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "POST"));
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
    // Names that would mean something in a filter or a DN are only names.
    for login in ["*", "mori)(uid=*", "mori\\2a", "uid=mori,ou=people"] {
        assert_eq!(ask(&app, &call(login, NEW)).await.0, 422, "{login}");
    }
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
}

#[tokio::test]
async fn another_network_or_a_way_without_tls_is_refused_unread() {
    let slapd = Slapd::start();
    let mut folder = on_slapd(&slapd);
    folder.set("listen.trusted_proxies", vec!["127.0.0.1".to_owned()]);
    let app = TestApp::start(folder);
    let url = app.url("/api/password");
    let from = async |headers: &[(&str, &str)]| send(&url, call("mori", NEW).to_string(), headers).await;
    let refused = (403, "SK-API-REFUSED".to_owned(), "Not authenticated".to_owned());
    let (ours, https) = (("x-forwarded-for", "192.0.2.9"), ("x-forwarded-proto", "https"));
    assert_eq!(from(&[("x-forwarded-for", "198.51.100.1"), https]).await, refused);
    assert_eq!(from(&[("x-forwarded-for", "192.0.2.9, 198.51.100.1"), https]).await, refused);
    assert_eq!(from(&[ours]).await, refused);
    assert_eq!(from(&[ours, ("x-forwarded-proto", "http")]).await, refused);
    let unread = send(&url, "{", &[("x-forwarded-for", "198.51.100.1"), https]).await;
    assert_eq!(unread, refused);
    let told = ["network", "network", "no_tls", "no_tls", "network"];
    assert_eq!(reasons(&app, "password_api_refused"), told);
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
    assert_eq!(from(&[ours, https]).await.0, 200);
}

#[tokio::test]
async fn our_own_tls_is_protection_enough() {
    let slapd = Slapd::start();
    let app = TestApp::start(folder(Folder::tls(), &Slapd::directory(&[&slapd]), RESETTER));
    assert_eq!(ask(&app, &call("mori", NEW)).await.0, 200);
}

#[tokio::test]
async fn a_certificate_can_be_asked_for_as_well() {
    let slapd = Slapd::start();
    let mut folder = folder(Folder::tls(), &Slapd::directory(&[&slapd]), RESETTER);
    let (ca_key, ca) = make_certificate("callers", &[], None);
    folder.write("certs/callers-ca.pem", &String::from_utf8(ca.to_pem().unwrap()).unwrap());
    folder.set("password_api.client_certificates", "certs/callers-ca.pem");
    let app = TestApp::start(folder);
    let refused = said(403, "Not authenticated");
    assert_eq!(ask(&app, &call("mori", NEW)).await, refused);
    assert_eq!(reasons(&app, "password_api_refused"), ["no_certificate"]);
    assert_eq!(Browser::new().open(&app.url("/login")).await.status, 200, "people need none");

    let (strange_key, strange) = make_certificate("callers", &[], None);
    for (issuer, good) in [((&ca_key, &ca), true), ((&strange_key, &strange), false)] {
        let (key, certificate) = make_certificate("saas", &["saas.example"], Some(issuer));
        let (key, certificate) = (key.private_key_to_pem_pkcs8().unwrap(), certificate.to_pem().unwrap());
        let identity = reqwest::Identity::from_pkcs8_pem(&certificate, &key).unwrap();
        let client = builder().identity(identity).build().unwrap();
        let answer = client.post(app.url("/api/password")).json(&call("mori", "Momiji-2024-x")).send().await;
        assert_eq!(answer.is_ok_and(|answer| answer.status().as_u16() == 200), good);
    }
    assert!(slapd.try_password(&dn("mori"), "Momiji-2024-x"));
}

#[tokio::test]
async fn it_is_off_unless_it_is_switched_on() {
    let slapd = Slapd::start();
    let mut folder = on_slapd(&slapd);
    folder.set("password_api.enabled", false);
    let app = TestApp::start(folder);
    let request = client().post(app.url("/api/password")).json(&call("mori", NEW));
    assert_eq!(request.send().await.unwrap().status().as_u16(), 404);
    assert!(slapd.try_password(&dn("mori"), PASSWORD));
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_503() {
    let mut slapd = Slapd::start();
    let app = TestApp::start(on_slapd(&slapd));
    slapd.stop();
    let down = said(503, "Changing password failed: the directory did not answer");
    assert_eq!(ask(&app, &call("mori", NEW)).await, down);
    assert_eq!(reasons(&app, "password_change_refused"), ["directory_unavailable"]);
}

#[tokio::test]
async fn the_log_has_the_words_that_administrators_know_and_no_password() {
    let slapd = Slapd::start();
    let mut folder = on_slapd(&slapd);
    folder.set("log.level", "trace");
    let server = TestServer::start(folder).await;
    let url = server.url("/api/password");
    let calls = [
        call("mori", "Momiji-2024-x"),
        with(call("mori", NEW), "bind_password", "Wr0ng-Secret"),
        call("mori", "sh0rt"),
        with(call("mori", NEW), "password", json!({ "Wr0ng-Type": 1 })),
    ];
    for call in calls {
        send(&url, call.to_string(), &[]).await;
    }
    let whole = call("mori", NEW).to_string();
    send(&url, whole.clone(), &[("content-type", "text/plain")]).await;
    assert_eq!(reqwest::Client::new().put(&url).body(whole).send().await.unwrap().status(), 405);
    send(&url, with(call("mori", NEW), "login", "mo\u{7}ri").to_string(), &[]).await;
    let log = server.log();
    let parameter = |code: &str| {
        let is_it = |line: &&str| {
            line.contains("Parameter error") && line.contains(code) && line.contains("request.id")
        };
        log.lines().filter(is_it).count()
    };
    let counts = ["SK-API-PARAMETER", "SK-FORM", "SK-METHOD"].map(parameter);
    assert_eq!(counts, [2, 1, 1], "{log}");
    let bound = log.lines().find(|line| line.contains("LDAP bind failed")).unwrap();
    assert!(bound.contains("password_api{request.id="), "{bound}");
    for line in [
        "Set password configuration",
        "LDAP bind success",
        "LDAP bind failed",
        "Parameter error",
        "Changing password succeeded",
        "Changing password failed: the password is too short",
    ] {
        assert!(log.contains(line), "{line} is not in:\n{log}");
    }
    let audit = server.folder.read("audit.jsonl");
    for secret in [READER_PASSWORD, NEW, "Momiji-2024-x", "Wr0ng-Secret", "sh0rt", "Wr0ng-Type"] {
        assert!(!log.contains(secret) && !audit.contains(secret), "{secret} in:\n{log}\n{audit}");
    }
}
