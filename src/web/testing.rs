//! The pages over HTTP without a network: what every route answers, with which headers, and the forms' way.

use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{self, TestRequest};
use actix_web::web;
use scraper::{Html, Selector};

use super::Site;
use super::routes::application;
use crate::app::App;
use crate::audit::memory::Memory;
use crate::authn::PasswordSignIn;
use crate::clock::{ManualClock, SeededIds, SignedDuration, Timestamp};
use crate::registry::Registry;
use crate::secret::Secret;
use crate::session::{Seal, SessionOptions, Sessions};
use crate::sso::SingleSignOn;
use crate::store::Store;

const HTTPS: &str = "https://idp.example.jp";

/// An application without directories and service providers.
fn app(base_url: &str) -> web::Data<App> {
    let ids = Arc::new(SeededIds::new(1));
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let options =
        SessionOptions { lifetime: SignedDuration::from_hours(8), idle: SignedDuration::from_hours(1) };
    let mut site = Site::parse(base_url).unwrap();
    site.test_sp = true;
    site.aliases = vec![("/simplesaml/saml2/idp/SSOService.php".to_owned(), super::Endpoint::Sso)];
    web::Data::new(App {
        sso: SingleSignOn,
        sessions: Sessions::new(Store, clock.clone(), ids.clone(), options),
        sign_in: PasswordSignIn,
        seal: Seal::new(Secret::new(vec![7; 32]), ids.clone()),
        registry: Registry,
        ids,
        clock,
        store: Store,
        audit: Arc::new(Memory::default()),
        metadata_xml: Arc::from("<EntityDescriptor/>"),
        site,
    })
}

/// One request to `base_url`, with its answer's body.
async fn send(base_url: &str, request: TestRequest) -> (ServiceResponse<()>, String) {
    let service = test::init_service(application(&app(base_url))).await;
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
async fn pages_answer_to_head_and_below_a_prefix() {
    for path in ["/", "/login", "/logout", "/saml/metadata", "/saml/certificate.pem", "/healthz", "/test-sp"] {
        let (answer, _) = send(HTTPS, TestRequest::with_uri(path).method(Method::HEAD)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let (answer, page) = send("https://h.example/sso", TestRequest::get().uri("/sso")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(page.contains("action=\"/sso/login\"") && page.contains("href=\"/sso/assets/"));
}

#[actix_web::test]
async fn the_language_follows_link_cookie_and_browser() {
    let japanese = |page: &str| page.contains("<html lang=\"ja\">");
    let ja = ("accept-language", "ja,en;q=0.5");
    let (_, page) = send(HTTPS, TestRequest::get().uri("/login").insert_header(ja)).await;
    assert!(japanese(&page) && page.contains("href=\"/login?lang=en\""));
    let english = ("cookie", "__Host-sekisho-lang=en");
    let (_, page) = send(HTTPS, TestRequest::get().uri("/login").insert_header(ja).insert_header(english)).await;
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
    let service = test::init_service(application(&app(HTTPS))).await;
    assert_eq!(test::call_service(&service, long).await.status(), StatusCode::URI_TOO_LONG);
    for query in ["/login?pending=a&pending=b", "/saml/sso/init", "/saml/sso/continue?pending="] {
        let (answer, _) = send(HTTPS, TestRequest::get().uri(query)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
    }
}

#[actix_web::test]
async fn compression_only_where_nothing_is_secret() {
    let gzip = ("accept-encoding", "gzip");
    let css = super::assets::STYLE.path();
    let (answer, _) = send_raw(TestRequest::get().uri(css).insert_header(gzip)).await;
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
    let service = test::init_service(application(&app(HTTPS))).await;
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
    assert!(xml.contains("<saml:Issuer>https://idp.example.jp/test-sp</saml:Issuer>"));
    assert!(xml.contains("IssueInstant=\"1970-01-01T00:00:00Z\""), "{xml}");
    let hostile = data_encoding::BASE64.encode(b"</pre></details><script>alert(1)</script>");
    let form = TestRequest::post()
        .uri("/test-sp/acs")
        .set_form([("SAMLResponse", hostile.as_str()), ("RelayState", "<script>")]);
    let (answer, page) = send(HTTPS, form).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(!page.contains("<script"));
}
