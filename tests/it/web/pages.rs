//! The pages over HTTP without a network: what every route answers, with which headers, and the forms' way.

use std::ops::Deref;
use std::sync::{Arc, Mutex};

use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{self, TestRequest};
use actix_web::web;
use scraper::{Html, Selector};

use sekisho::app::{App, Ports};
use sekisho::audit::memory::Memory;
use sekisho::clock::{ManualClock, SeededIds};
use sekisho::config::Config;
use sekisho::identity::{Attributes, AuthnContext, Subject, SubjectId};
use sekisho::session::Beginning;
use sekisho::web::routes::application;

use crate::support::folder::Folder;

const HTTPS: &str = "https://idp.example.jp";

/// An application and the folder that it lives in.
struct InProcess {
    app: web::Data<App>,
    _folder: Folder,
}

impl Deref for InProcess {
    type Target = web::Data<App>;

    fn deref(&self) -> &web::Data<App> {
        &self.app
    }
}

/// An application with two people and no service provider but the built-in one.
async fn app(base_url: &str) -> InProcess {
    let mut folder = Folder::new();
    folder.write_secret("people.toml", &folder.read("people.toml"));
    folder.set("base_url", base_url);
    folder.set("saml.test_sp", true);
    let aliases = [("/simplesaml/saml2/idp/SSOService.php", "sso")];
    folder
        .set("saml.aliases", toml::Table::from_iter(aliases.map(|(old, new)| (old.to_owned(), new.into()))));
    let config = Config::load(&folder.write_config()).unwrap();
    let clock = Arc::new(ManualClock::at("2026-04-01T00:00:00Z".parse().unwrap()));
    let ports = Ports { clock, ids: Arc::new(SeededIds::new(1)), audit: Arc::new(Memory::default()) };
    InProcess { app: web::Data::new(App::build(&config, ports).await.unwrap()), _folder: folder }
}

/// One request to `base_url`, with its answer's body.
async fn send(base_url: &str, request: TestRequest) -> (ServiceResponse<()>, String) {
    let app = app(base_url).await;
    send_to(&app, request).await
}

async fn send_to(app: &web::Data<App>, request: TestRequest) -> (ServiceResponse<()>, String) {
    let service = test::init_service(application(app)).await;
    let answer = test::call_service(&service, request.to_request()).await;
    let (request, answer) = answer.into_parts();
    let (answer, body) = answer.into_parts();
    let Ok(body) = to_bytes(body).await else { panic!("the body broke off") };
    (ServiceResponse::new(request, answer), String::from_utf8(body.to_vec()).unwrap())
}

fn header_of(answer: &ServiceResponse<()>, name: header::HeaderName) -> &str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The value of a hidden field as a browser reads it.
fn field(page: &str, name: &str) -> Option<String> {
    let selector = Selector::parse(&format!("input[name={name}]")).unwrap();
    Some(Html::parse_document(page).select(&selector).next()?.value().attr("value")?.to_owned())
}

/// The sign-in page's token and the `Cookie` header that goes with it.
async fn sign_in_page(base_url: &str) -> (String, String) {
    let (answer, page) = send(base_url, TestRequest::get().uri("/login")).await;
    let cookie = header_of(&answer, header::SET_COOKIE).split(';').next().unwrap().to_owned();
    (field(&page, "csrf").unwrap(), cookie)
}

fn login_form(token: &str, cookie: &str) -> TestRequest {
    let fields = [("csrf", token), ("login", "tanaka\"><b>"), ("password", "hunter2-secret")];
    TestRequest::post()
        .uri("/login")
        .insert_header((header::COOKIE, cookie))
        .insert_header((header::ORIGIN, HTTPS))
        .set_form(fields)
}

#[actix_web::test]
async fn the_sign_in_page_has_its_headers_and_cookie() {
    let (answer, page) = send(HTTPS, TestRequest::get().uri("/login")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = header_of(&answer, header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("form-action"), "browsers apply it to the redirect to the SP");
    assert_eq!(header_of(&answer, header::REFERRER_POLICY), "same-origin");
    assert_eq!(header_of(&answer, header::CACHE_CONTROL), "no-store");
    assert_eq!(header_of(&answer, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert!(answer.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    let cookie = header_of(&answer, header::SET_COOKIE);
    assert!(cookie.starts_with("__Host-sekisho-visit=") && cookie.contains("; Secure; SameSite=None"));
    assert!(page.contains("autocomplete=\"username\"") && page.contains("autocomplete=\"current-password\""));
    assert!(!page.contains("<script") && !page.contains("//fonts"));
}

#[actix_web::test]
async fn over_http_there_is_neither_hsts_nor_secure() {
    let (answer, _) = send("http://127.0.0.1:8080", TestRequest::get().uri("/login")).await;
    assert!(!answer.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    let cookie = header_of(&answer, header::SET_COOKIE);
    assert!(cookie.starts_with("sekisho-visit=") && cookie.contains("SameSite=Lax"));
    assert!(!cookie.contains("Secure"));
}

#[actix_web::test]
async fn a_wrong_password_brings_the_page_again_without_it() {
    let (token, cookie) = sign_in_page(HTTPS).await;
    let (answer, page) = send(HTTPS, login_form(&token, &cookie)).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(page.contains("SK-CREDENTIALS") && !page.contains("hunter2"));
    assert_eq!(field(&page, "login").as_deref(), Some("tanaka\"><b>"));
    assert!(!page.contains("<b>"), "what was typed must not become markup");
    assert!(!answer.headers().contains_key(header::SET_COOKIE), "the pre-session stays for other tabs");
}

#[actix_web::test]
async fn a_form_without_its_token_or_from_elsewhere_is_refused() {
    let (token, cookie) = sign_in_page(HTTPS).await;
    for (token, cookie) in [("", cookie.as_str()), ("forged", cookie.as_str()), (token.as_str(), "")] {
        let (answer, page) = send(HTTPS, login_form(token, cookie)).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(page.contains("SK-FORM-TOKEN") && field(&page, "csrf").is_some());
    }
    for origin in ["null", "https://evil.example", "http://idp.example.jp"] {
        let form = login_form(&token, &cookie).insert_header((header::ORIGIN, origin));
        let (answer, page) = send(HTTPS, form).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(page.contains("SK-ORIGIN") && field(&page, "csrf").is_none());
    }
}

#[actix_web::test]
async fn a_page_that_is_not_there_and_a_method_that_is_not_look_like_ours() {
    for method in [Method::GET, Method::HEAD, Method::POST, Method::from_bytes(b"PROPFIND").unwrap()] {
        let (answer, page) = send(HTTPS, TestRequest::with_uri("/nothing%0d%0aX:y").method(method)).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert!(page.contains("SK-NOT-FOUND") && page.contains("<html lang=\"en\">"));
        assert!(header_of(&answer, header::CONTENT_SECURITY_POLICY).contains("form-action 'self'"));
    }
    for (method, path, allow) in [
        (Method::DELETE, "/login", "GET, HEAD, POST"),
        (Method::HEAD, "/saml/sso", "GET, POST"),
        (Method::PUT, "/simplesaml/saml2/idp/SSOService.php", "GET, POST"),
        (Method::POST, "/saml/metadata", "GET, HEAD"),
        (Method::GET, "/test-sp/acs", "POST"),
    ] {
        let (answer, page) = send(HTTPS, TestRequest::with_uri(path).method(method)).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(header_of(&answer, header::ALLOW), allow);
        assert!(page.contains("SK-METHOD"));
    }
}

#[actix_web::test]
async fn pages_answer_to_head() {
    for path in ["/", "/login", "/saml/metadata", "/saml/certificate.pem", "/healthz", "/test-sp"] {
        let (answer, _) = send(HTTPS, TestRequest::with_uri(path).method(Method::HEAD)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

#[actix_web::test]
async fn the_language_follows_link_cookie_and_browser() {
    let japanese = |page: &str| page.contains("<html lang=\"ja\">");
    let ja = ("accept-language", "ja,en;q=0.5");
    let (_, page) = send(HTTPS, TestRequest::get().uri("/login").insert_header(ja)).await;
    assert!(japanese(&page) && page.contains("href=\"/login?lang=en\""));
    let english = ("cookie", "__Host-sekisho-lang=en");
    let (_, page) =
        send(HTTPS, TestRequest::get().uri("/login").insert_header(ja).insert_header(english)).await;
    assert!(!japanese(&page));
    let (answer, page) = send(HTTPS, TestRequest::get().uri("/logout?lang=ja").insert_header(english)).await;
    assert!(japanese(&page));
    assert!(header_of(&answer, header::SET_COOKIE).starts_with("__Host-sekisho-lang=ja; Path=/"));
}

#[actix_web::test]
async fn nothing_in_a_request_decides_where_a_browser_goes() {
    let uri = "/login?pending=https%3A%2F%2Fevil.example%2F&next=//evil.example&lang=https://evil.example";
    let request = TestRequest::get().uri(uri).insert_header((header::HOST, "evil.example"));
    let (answer, page) = send(HTTPS, request).await;
    assert!(!answer.headers().contains_key(header::LOCATION) && !page.contains("evil.example"));
    assert!(answer.status().is_client_error());
}

#[actix_web::test]
async fn what_is_too_large_or_no_form_is_refused() {
    let large = TestRequest::post()
        .uri("/saml/sso")
        .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
        .set_payload(vec![b'a'; 256 * 1024 + 1]);
    assert_eq!(send(HTTPS, large).await.0.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let json = TestRequest::post().uri("/saml/sso").set_json("{}");
    assert_eq!(send(HTTPS, json).await.0.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let long = TestRequest::get().uri(&format!("/saml/sso?SAMLRequest={}", "a".repeat(50_000))).to_request();
    let app = app(HTTPS).await;
    let service = test::init_service(application(&app)).await;
    assert_eq!(test::call_service(&service, long).await.status(), StatusCode::URI_TOO_LONG);
    for query in ["/login?pending=a&pending=b", "/saml/sso/init", "/saml/sso/continue?pending="] {
        let (answer, _) = send(HTTPS, TestRequest::get().uri(query)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
    }
}

#[actix_web::test]
async fn compression_only_where_nothing_is_secret() {
    let gzip = ("accept-encoding", "gzip");
    let (_, page) = send(HTTPS, TestRequest::get().uri("/login")).await;
    let selector = Selector::parse("link[rel=stylesheet]").unwrap();
    let css = Html::parse_document(&page).select(&selector).next().unwrap().attr("href").unwrap().to_owned();
    let (answer, _) = send_raw(TestRequest::get().uri(&css).insert_header(gzip)).await;
    assert_eq!(answer.headers().get(header::CONTENT_ENCODING).unwrap(), "gzip");
    assert!(header_of(&answer, header::CACHE_CONTROL).contains("immutable"));
    for path in ["/login", "/logout", "/test-sp", "/nothing"] {
        let (answer, _) = send_raw(TestRequest::get().uri(path).insert_header(gzip)).await;
        assert!(!answer.headers().contains_key(header::CONTENT_ENCODING), "{path}");
    }
    let (answer, _) = send_raw(TestRequest::get().uri("/assets/sekisho.css")).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "the name without its hash is never cached");
}

/// Like [`send`], for a body that may be compressed.
async fn send_raw(request: TestRequest) -> (ServiceResponse<()>, usize) {
    let app = app(HTTPS).await;
    let service = test::init_service(application(&app)).await;
    let (request, answer) = test::call_service(&service, request.to_request()).await.into_parts();
    let (answer, body) = answer.into_parts();
    let length = to_bytes(body).await.map_or(0, |body| body.len());
    (ServiceResponse::new(request, answer), length)
}

#[actix_web::test]
async fn the_test_sp_offers_a_request_and_shows_hostile_text_as_text() {
    let (_, page) = send(HTTPS, TestRequest::get().uri("/test-sp")).await;
    let request = field(&page, "SAMLRequest").unwrap();
    let xml = String::from_utf8(data_encoding::BASE64.decode(request.as_bytes()).unwrap()).unwrap();
    assert!(xml.contains(">https://idp.example.jp/test-sp</saml:Issuer>"), "{xml}");
    assert!(xml.contains("IssueInstant=\"2026-04-01T00:00:00Z\""), "{xml}");
    let hostile = data_encoding::BASE64.encode(b"</pre></details><script>alert(1)</script>");
    let form = TestRequest::post()
        .uri("/test-sp/acs")
        .set_form([("SAMLResponse", hostile.as_str()), ("RelayState", "<script>")]);
    let (answer, page) = send(HTTPS, form).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(!page.contains("<script"));
}

/// Somebody who is signed in, and the `Cookie` header of the browser.
async fn signed_in(app: &web::Data<App>) -> String {
    let subject = Subject {
        id: SubjectId { directory: "local".to_owned(), key: "tanaka".to_owned() },
        login: "tanaka".to_owned(),
        display_name: "田中 <太郎>".to_owned(),
        dn: None,
        attributes: Attributes::new(),
        password_expires: None,
    };
    let context = AuthnContext(AuthnContext::PASSWORD_PROTECTED_TRANSPORT.to_owned());
    let (token, _) = app.sessions.start(Beginning::new(subject, context)).await.unwrap();
    format!("__Host-sekisho={}", token.expose())
}

#[actix_web::test]
async fn a_link_only_asks_and_our_own_form_signs_out() {
    let app = app(HTTPS).await;
    let session = signed_in(&app).await;
    let with = |request: TestRequest, cookie: &str| request.insert_header(("cookie", cookie.to_owned()));

    let (_, home) = send_to(&app, with(TestRequest::get().uri("/"), &session)).await;
    assert!(home.contains("田中") && !home.contains("<太郎>"));
    let (answer, _) = send_to(&app, with(TestRequest::get().uri("/login"), &session)).await;
    assert_eq!((answer.status().as_u16(), header_of(&answer, header::LOCATION)), (303, "/"));

    let (answer, page) = send_to(&app, with(TestRequest::get().uri("/logout"), &session)).await;
    let token = field(&page, "csrf").unwrap();
    let visit = header_of(&answer, header::SET_COOKIE).split(';').next().unwrap();
    let cookies = format!("{session}; {visit}");
    for form in [[("csrf", "")], [("csrf", "forged")]] {
        let request = with(TestRequest::post().uri("/logout"), &cookies).set_form(form);
        assert_eq!(send_to(&app, request).await.0.status(), StatusCode::FORBIDDEN);
    }
    let (_, home) = send_to(&app, with(TestRequest::get().uri("/"), &session)).await;
    assert!(home.contains("田中"), "nothing but the form signs out");

    let request = with(TestRequest::post().uri("/logout"), &cookies).set_form([("csrf", token.as_str())]);
    let (answer, _) = send_to(&app, request).await;
    assert_eq!((answer.status().as_u16(), header_of(&answer, header::LOCATION)), (303, "/logout"));
    assert!(header_of(&answer, header::SET_COOKIE).starts_with("__Host-sekisho=; "));
    let (_, home) = send_to(&app, with(TestRequest::get().uri("/"), &session)).await;
    assert!(!home.contains("田中"), "the session is dead, not only its cookie");
}

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn a_request_is_one_line_without_query_form_or_password() {
    let (token, cookie) = sign_in_page(HTTPS).await;
    // With only one dispatcher alive, tracing asks the thread that comes first whether an event is wanted, and
    // remembers its answer for all threads; with two it asks every dispatcher.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let held = tracing::subscriber::set_default(subscriber);
    let (_, page) = send(HTTPS, login_form(&token, &cookie)).await;
    let (_, _) = send(HTTPS, TestRequest::get().uri("/saml/metadata?sp=topsecret%0d%0a")).await;
    drop(held);

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let requests: Vec<_> = log.lines().filter(|line| line.contains(" request method=")).collect();
    assert_eq!(requests.len(), 2, "{log}");
    assert!(
        requests[0].contains("path=/login status=401") && requests[0].contains("SK-CREDENTIALS"),
        "{log}"
    );
    let id = page.split("Request ").nth(1).unwrap().split('<').next().unwrap();
    assert!(requests[0].contains(&format!("request.id={id}")), "the page and the log share {id}: {log}");
    for secret in ["hunter2", "topsecret", token.as_str(), "__Host"] {
        assert!(!log.contains(secret), "{log}");
    }
}
