//! `/saml/metadata` and the certificate: what an SP learns of us, and that it leads to a sign-on.

use std::process::Command;

use openssl::nid::Nid;
use openssl::x509::X509;
use reqwest::StatusCode;
use sekisho::clock::{Clock, SignedDuration, Timestamp};

use super::Case;
use crate::support::app::sekisho;
use crate::support::folder::Folder;
use crate::support::http::client;
use crate::support::pki::Pair;
use crate::support::schema;
use crate::support::sp::{POST, REDIRECT, SOAP, Sp};
use crate::support::xml::Element;

#[tokio::test]
async fn metadata_names_what_works_and_nothing_else() {
    for wants_signed in [false, true] {
        let mut folder = Folder::new();
        folder.set("saml.want_authn_requests_signed", wants_signed);
        let mut case = Case::of(folder, Sp::new("app"), "");
        let page = case.browser.open(&case.url("/saml/metadata")).await;
        assert_eq!((page.status, page.header("content-type")), (200, "application/samlmetadata+xml"));
        let root = Element::parse(&page.body);
        assert_eq!(root.attribute("entityID"), Some(case.folder.entity_id().as_str()));
        let idp = root.child("IDPSSODescriptor").expect("an IDPSSODescriptor");
        assert_eq!(idp.attribute("WantAuthnRequestsSigned"), Some(wants_signed.to_string().as_str()));
        let services: Vec<_> = idp
            .all("SingleSignOnService")
            .map(|service| (service.attribute("Binding").unwrap(), service.attribute("Location").unwrap()))
            .collect();
        assert_eq!(services, [(REDIRECT, case.sso().as_str()), (POST, case.sso().as_str())]);
        let logout: Vec<_> = idp
            .all("SingleLogoutService")
            .map(|service| (service.attribute("Binding").unwrap(), service.attribute("Location").unwrap()))
            .collect();
        let (front, soap) = (case.url("/saml/slo"), case.url("/saml/soap/slo"));
        assert_eq!(logout, [(REDIRECT, &*front), (POST, &*front), (SOAP, &*soap)]);
        let artifact = idp.child("ArtifactResolutionService").expect("an ArtifactResolutionService");
        assert_eq!(artifact.attribute("Location"), Some(&*case.url("/saml/soap/artifact")));
        let first = &idp.child("NameIDFormat").unwrap().text;
        assert!(first.ends_with(":persistent"), "{first}");
        let key = idp.at("KeyDescriptor/KeyInfo/X509Data/X509Certificate").unwrap();
        assert_eq!(key.text.split_whitespace().collect::<String>(), case.folder.idp.certificate_base64());
        assert!(root.attribute("validUntil").is_none());
        assert_eq!(root.attribute("cacheDuration"), Some("PT3600S"));
        assert_eq!(schema::faults(&page.body), None);
        verify(&page.body, &case.folder.idp.certificate_pem());
        // The address that it names is the one that answers.
        case.sign_in_first().await;
        let mut request = case.ask();
        request.destination = Some(services[0].1.to_owned());
        let url = case.sp.signed_redirect(services[0].1, &request.xml(), None);
        let page = case.browser.open(&url).await;
        case.accept(&page, &request);
    }
}

fn verify(xml: &str, certificate: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (document, pem) = (folder.path().join("metadata.xml"), folder.path().join("idp.pem"));
    std::fs::write(&document, xml).unwrap();
    std::fs::write(&pem, certificate).unwrap();
    let output = Command::new("xmlsec1")
        .args(["--verify", "--enabled-reference-uris", "same-doc"])
        .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor", "--pubkey-cert-pem"])
        .args([&pem, &document])
        .output()
        .expect("xmlsec1 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn the_certificate_comes_as_pem() {
    let mut case = Case::new("");
    let page = case.browser.open(&case.url("/saml/certificate.pem")).await;
    let certificate = X509::from_pem(page.body.as_bytes()).expect("a certificate");
    assert_eq!(certificate.to_der().unwrap(), case.folder.idp.certificate.to_der().unwrap());
    let page = case.browser.open(&case.url("/saml/certificate.cer")).await;
    assert_eq!((page.status, page.header("content-type")), (200, "application/pkix-cert"));
}

/// Every key of the configuration that metadata are made of.
const PUBLISHED: &str = r#"
    error_url = "https://www.example.co.jp/help"
    scope = "example.co.jp"
    name_id_formats = ["transient", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"]
    next_certificate = "certs/next.pem"
    metadata_cache_duration = "6h"
    metadata_valid_for = "14d"
    denied_algorithms = ["sha512", "ecdsa-sha384"]
    organization = { name = "Example KK", display_name = { en = "Example", ja = "株式会社例" }, url = "https://www.example.co.jp/" }
    [[contacts]]
    type = "technical"
    name = "太郎"
    sur_name = "田中"
    company = "Example & Co"
    email = ["it@example.co.jp", "help@example.co.jp"]
    telephone = "+81 3 1234 5678"
    [[contacts]]
    type = "security"
    email = "csirt@example.co.jp"
    [ui_info]
    display_name = { en = "Example", ja = "例" }
    description = { en = "Sign-in of Example", ja = "例のサインイン" }
    information_url = "https://www.example.co.jp/sso"
    privacy_statement_url = { ja = "https://www.example.co.jp/privacy?lang=ja&v=1" }
    logo = [
        { url = "https://www.example.co.jp/logo.png", width = 80, height = 60 },
        { url = "https://www.example.co.jp/logo-ja.png", width = 16, height = 16, lang = "ja" },
    ]
"#;

fn published() -> (Folder, Pair) {
    let mut folder = Folder::new();
    let keys: toml::Table = PUBLISHED.parse().unwrap();
    for (key, value) in keys {
        folder.set(&format!("saml.{key}"), value);
    }
    let next = Pair::ec(Nid::X9_62_PRIME256V1);
    folder.write("certs/next.pem", &next.certificate_pem());
    (folder, next)
}

#[tokio::test]
async fn everything_that_is_configured_is_published_and_obeys_the_schemas() {
    let (folder, next) = published();
    let mut case = Case::of(folder, Sp::new("app"), "");
    let page = case.browser.open(&case.url("/saml/metadata")).await;
    assert_eq!(schema::faults(&page.body), None);
    verify(&page.body, &case.folder.idp.certificate_pem());
    let root = Element::parse(&page.body);
    let idp = root.child("IDPSSODescriptor").unwrap();
    let texts = |path: &str| -> Vec<(String, String)> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = if parent.is_empty() { &root } else { root.at(parent).expect(path) };
        let lang = |e: &Element| e.attribute("lang").unwrap_or_default().to_owned();
        parent.all(name).map(|e| (lang(e), e.text.clone())).collect()
    };
    let ui = "IDPSSODescriptor/Extensions/UIInfo";
    let pair = |lang: &str, text: &str| (lang.to_owned(), text.to_owned());
    assert_eq!(texts(&format!("{ui}/DisplayName")), [pair("en", "Example"), pair("ja", "例")]);
    assert_eq!(texts(&format!("{ui}/Description"))[1], pair("ja", "例のサインイン"));
    assert_eq!(
        texts(&format!("{ui}/PrivacyStatementURL")),
        [pair("ja", "https://www.example.co.jp/privacy?lang=ja&v=1")]
    );
    assert_eq!(texts(&format!("{ui}/Logo"))[1], pair("ja", "https://www.example.co.jp/logo-ja.png"));
    assert_eq!(texts("Organization/OrganizationDisplayName")[1], pair("ja", "株式会社例"));
    assert_eq!(texts("IDPSSODescriptor/Extensions/Scope"), [pair("", "example.co.jp")]);
    let formats: Vec<String> =
        texts("IDPSSODescriptor/NameIDFormat").into_iter().map(|(_, text)| text).collect();
    assert_eq!(formats, [super::TRANSIENT, super::PERSISTENT]);
    assert_eq!(idp.attribute("errorURL"), Some("https://www.example.co.jp/help"));
    let contacts: Vec<_> = root.all("ContactPerson").collect();
    assert_eq!(contacts[0].all("EmailAddress").count(), 2);
    assert_eq!(contacts[0].child("SurName").unwrap().text, "田中");
    assert_eq!(contacts[1].child("EmailAddress").unwrap().text, "mailto:csirt@example.co.jp");
    let keys: Vec<String> = idp
        .all("KeyDescriptor")
        .map(|key| key.at("KeyInfo/X509Data/X509Certificate").unwrap().text.clone())
        .collect();
    assert_eq!(keys, [case.folder.idp.certificate_base64(), next.certificate_base64()]);
    let methods: Vec<_> = root.child("Extensions").unwrap().all("SigningMethod").collect();
    let words: Vec<_> =
        methods.iter().map(|m| m.attribute("Algorithm").unwrap().split('#').nth(1).unwrap()).collect();
    assert_eq!(words, ["rsa-sha256", "rsa-sha384", "ecdsa-sha256"]);
}

#[tokio::test]
async fn a_validity_is_renewed_before_it_ends_and_not_by_every_request() {
    let (folder, _) = published();
    let mut case = Case::of(folder, Sp::new("app"), "");
    let url = case.url("/saml/metadata");
    let (begin, days) = (case.clock.now(), |days: i64| SignedDuration::from_hours(24 * days));
    let until = |body: &str| -> Timestamp {
        Element::parse(body).attribute("validUntil").expect("validUntil").parse().unwrap()
    };
    let about = |a: Timestamp, b: Timestamp| a.duration_since(b).abs() <= SignedDuration::from_secs(1);
    let first = case.browser.open(&url).await.body;
    assert!(about(until(&first), begin + days(14)));
    case.clock.advance(days(3));
    assert_eq!(case.browser.open(&url).await.body, first);
    case.clock.advance(days(1));
    let second = case.browser.open(&url).await.body;
    assert!(about(until(&second), begin + days(18)), "{second}");
    verify(&second, &case.folder.idp.certificate_pem());
    case.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(case.browser.open(&url).await.body, second);
    // However long nobody asks, what is served is never near its end.
    case.clock.advance(days(60));
    let later = case.browser.open(&url).await.body;
    assert!(about(until(&later), case.clock.now() + days(14)));
}

#[tokio::test]
async fn who_has_the_document_is_told_so() {
    let case = Case::new("");
    let client = client();
    let get = async |name: &str, value: &str| {
        let request = client.get(case.url("/saml/metadata")).header(name, value);
        request.send().await.unwrap()
    };
    let first = get("accept", "*/*").await;
    let header = |name: &str| first.headers()[name].to_str().unwrap().to_owned();
    let (tag, modified) = (header("etag"), header("last-modified"));
    let id = format!(
        "W/\"{}\"",
        Element::parse(&client.get(case.url("/saml/metadata")).send().await.unwrap().text().await.unwrap())
            .attribute("ID")
            .unwrap()
    );
    assert_eq!(tag, id);
    for (name, value, expected) in [
        ("if-none-match", tag.as_str(), StatusCode::NOT_MODIFIED),
        ("if-none-match", &format!("\"other\", {tag}"), StatusCode::NOT_MODIFIED),
        ("if-none-match", "*", StatusCode::NOT_MODIFIED),
        ("if-none-match", "\"other\"", StatusCode::OK),
        ("if-none-match", "nonsense", StatusCode::OK),
        ("if-modified-since", &modified, StatusCode::NOT_MODIFIED),
        ("if-modified-since", "Mon, 01 Jan 2001 00:00:00 GMT", StatusCode::OK),
    ] {
        let answer = get(name, value).await;
        assert_eq!(answer.status(), expected, "{name}: {value}");
        assert_eq!(answer.headers()["etag"].to_str().unwrap(), tag);
        assert_eq!(answer.headers()["cache-control"].to_str().unwrap(), "public, max-age=300");
        let body = answer.text().await.unwrap();
        assert_eq!(body.is_empty(), expected == StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn the_command_writes_the_same_octets() {
    let mut case = Case::new("");
    let served = case.browser.open(&case.url("/saml/metadata")).await.body;
    let printed = sekisho(&case.folder, &["metadata"]).output().unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), served);
    case.folder.write("own.xml", "what was there before");
    let file = case.folder.path("own.xml");
    let written = sekisho(&case.folder, &["metadata", "--output", file.to_str().unwrap()]).output().unwrap();
    assert!(written.status.success() && written.stdout.is_empty());
    assert_eq!(case.folder.read("own.xml"), served);
    let nowhere = case.folder.path("nowhere/own.xml");
    let failed =
        sekisho(&case.folder, &["metadata", "--output", nowhere.to_str().unwrap()]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("check that its folder exists"));
    // With a validity the two differ in it, and in what follows from it.
    let (folder, _) = published();
    let mut case = Case::of(folder, Sp::new("app"), "");
    let served = case.browser.open(&case.url("/saml/metadata")).await.body;
    let printed = sekisho(&case.folder, &["metadata"]).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let plain = |xml: &str| {
        let mut xml = xml.to_owned();
        let root = Element::parse(&xml);
        let ours = [root.attribute("ID").unwrap(), root.attribute("validUntil").unwrap()];
        for value in ours.map(str::to_owned) {
            xml = xml.replace(&value, "");
        }
        let (before, rest) = xml.split_once("<ds:Signature ").unwrap();
        format!("{before}{}", rest.split_once("</ds:Signature>").unwrap().1)
    };
    assert_eq!(plain(&printed), plain(&served));
}
