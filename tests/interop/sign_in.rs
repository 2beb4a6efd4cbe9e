//! Sign-ins at real service providers: by redirect and by a signed POST, with a Japanese value, back to the page that
//! was asked for.

use regex::Regex;

use crate::mellon::Mellon;
use crate::simplesamlphp::SimpleSamlPhp;
use crate::support::app::{TestServer, sign_in};
use crate::support::browser::{Browser, Navigation};
use crate::support::folder::{Folder, TANAKA};
use crate::support::html::Page;

/// How the service provider sends its AuthnRequest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Redirect,
    Post,
}

const POLICY: &str = "attributes = [\"uid\", \"displayName\"]\nname_id_format = \"persistent\"\nverify_requests = \"required\"\n";

/// What is asked for; it must come back unchanged.
const PAGE: &str = "secret?from=%E7%94%B0&x=1%262";

#[tokio::test]
async fn mellon_by_redirect() {
    mellon(By::Redirect).await;
}

#[tokio::test]
async fn mellon_by_signed_post() {
    mellon(By::Post).await;
}

#[tokio::test]
async fn simplesamlphp_by_redirect() {
    simplesamlphp(By::Redirect).await;
}

#[tokio::test]
async fn simplesamlphp_by_signed_post() {
    simplesamlphp(By::Post).await;
}

async fn mellon(by: By) {
    let mut sp = Mellon::prepare();
    let server = serve("mellon", &sp.metadata()).await;
    sp.start(&idp_metadata(&server, by).await).await;

    let asked = sp.url(&format!("/{PAGE}"));
    let page = go(by, &asked).await;

    assert_eq!((page.status, page.url.as_str()), (200, asked.as_str()));
    for line in ["MELLON_uid=tanaka", "MELLON_displayName=田中 太郎", "QUERY_STRING=from=%E7%94%B0&x=1%262"]
    {
        assert!(page.body.lines().any(|is| is == line), "{line} is missing:\n{}", page.body);
    }
    assert!(!page.body.contains("MELLON_mail"), "mail is on no release list:\n{}", page.body);
}

async fn simplesamlphp(by: By) {
    let folder = folder();
    let sp = SimpleSamlPhp::start(&folder.entity_id()).await;
    let server = serve_folder(folder, "simplesamlphp", &sp.metadata().await).await;
    sp.trust(&idp_metadata(&server, by).await);

    let asked = sp.url(&format!("/{}", PAGE.replace("secret", "secret.php")));
    let page = go(by, &asked).await;

    assert_eq!((page.status, page.url.as_str()), (200, asked.as_str()), "{}", page.body);
    let seen: serde_json::Value =
        serde_json::from_str(&page.body).unwrap_or_else(|_| panic!("{}", page.body));
    assert_eq!(seen["attributes"], serde_json::json!({ "uid": ["tanaka"], "displayName": ["田中 太郎"] }));
    assert_eq!(seen["format"], "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
    assert_eq!(seen["query"], serde_json::json!({ "from": "田", "x": "1&2" }));
}

fn folder() -> Folder {
    let mut folder = Folder::new();
    folder.set("saml.allow_http_endpoints", true);
    folder
}

async fn serve(name: &str, sp_metadata: &str) -> TestServer {
    serve_folder(folder(), name, sp_metadata).await
}

async fn serve_folder(folder: Folder, name: &str, sp_metadata: &str) -> TestServer {
    folder.write(&format!("metadata/{name}.toml"), POLICY);
    folder.write(&format!("metadata/{name}.xml"), sp_metadata);
    TestServer::start(folder).await
}

/// Our metadata as the SP gets it. Both toolkits send by POST only when there is no redirect endpoint.
async fn idp_metadata(server: &TestServer, by: By) -> String {
    let published = Browser::new().open(&server.url("/saml/metadata")).await;
    assert_eq!(published.status, 200, "{}", published.body);
    let redirect = Regex::new(
        r"<([\w]+:)?SingleSignOnService[^>]*bindings:HTTP-Redirect[^>]*(/>|>\s*</([\w]+:)?SingleSignOnService>)",
    )
    .unwrap();
    match by {
        By::Redirect => published.body,
        By::Post => {
            assert!(redirect.is_match(&published.body), "{}", published.body);
            redirect.replace_all(&published.body, "").into_owned()
        }
    }
}

/// From the SP's page over our sign-in page back to the SP, pressing the button of every page in between.
async fn go(by: By, asked: &str) -> Page {
    let mut browser = Browser::new();
    let mut page = browser.open(asked).await;
    if by == By::Post {
        assert!(page.form().value("SAMLRequest").is_some(), "{}", page.body);
        page = browser.navigate(Navigation::form(&page, &page.form())).await;
    }
    let page = sign_in(&mut browser, &page, TANAKA).await;
    let response = page.form_with("SAMLResponse");
    browser.navigate(Navigation::form(&page, &response)).await
}
