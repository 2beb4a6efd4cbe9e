//! The identity provider's own metadata, judged by the schema of OASIS as SimpleSAMLphp ships it.

use std::io::Write;
use std::process::Command;

use sekisho::clock::SignedDuration;
use sekisho::saml::metadata::idp::{
    Contact, ContactKind, IdpDescription, Organization, UiInfo, Unsigned, write,
};
use sekisho::saml::metadata::sp::{Localized, Logo};
use sekisho::saml::uris::name_id;

const SCHEMA: &str = "/usr/share/simplesamlphp/schemas/saml-schema-metadata-2.0.xsd";

/// Validates a file; schemas that others import by URL are in the same folder.
const JUDGE: &str = r"
libxml_use_internal_errors(true);
libxml_set_external_entity_loader(fn($public, $system) =>
    preg_match('~^https?:~', $system) ? dirname($argv[2]) . '/' . basename($system) : $system);
$document = new DOMDocument();
$document->load($argv[1]);
if (!$document->schemaValidate($argv[2])) {
    foreach (libxml_get_errors() as $error) { echo $error->message; }
    exit(1);
}";

fn texts(texts: &[(&str, &str)]) -> Vec<Localized> {
    texts
        .iter()
        .map(|(lang, text)| Localized { lang: (*lang).to_owned(), text: (*text).to_owned() })
        .collect()
}

fn minimal() -> IdpDescription {
    IdpDescription {
        entity_id: "https://idp.example.co.jp/saml/metadata".to_owned(),
        sso_redirect: "https://idp.example.co.jp/saml/sso".to_owned(),
        sso_post: "https://idp.example.co.jp/saml/sso".to_owned(),
        certificates: vec!["MIIB".to_owned(), "MIIC".to_owned()],
        ..IdpDescription::default()
    }
}

fn full() -> IdpDescription {
    let logo = |lang: &str| Logo {
        lang: lang.to_owned(),
        url: "https://idp.example.co.jp/logo.png?a=1&b=2".to_owned(),
        width: Some(80),
        height: Some(60),
    };
    IdpDescription {
        want_authn_requests_signed: true,
        name_id_formats: vec![name_id::PERSISTENT.to_owned(), name_id::EMAIL.to_owned()],
        scope: Some("example.co.jp".to_owned()),
        ui_info: UiInfo {
            display_names: texts(&[("en", "Example & Co. \"Ltd\""), ("ja", "例株式会社 <関所>")]),
            descriptions: texts(&[("en", "Sign-in of Example")]),
            logos: vec![logo("ja"), logo("")],
            information_urls: texts(&[("en", "https://example.co.jp/")]),
            privacy_statement_urls: texts(&[("en", "https://example.co.jp/privacy")]),
        },
        organization: Some(Organization {
            names: texts(&[("en", "Example"), ("ja", "例株式会社")]),
            display_names: Vec::new(),
            urls: texts(&[("en", "https://example.co.jp/")]),
        }),
        contacts: vec![Contact {
            kind: ContactKind::Technical,
            company: Some("Example".to_owned()),
            given_name: Some("太郎".to_owned()),
            sur_name: Some("田中".to_owned()),
            emails: vec!["it@example.co.jp".to_owned(), "mailto:help@example.co.jp".to_owned()],
            telephones: vec!["+81 3 1234 5678".to_owned()],
        }],
        error_url: Some("https://idp.example.co.jp/error".to_owned()),
        valid_until: Some("2030-01-01T00:00:00.5Z".parse().unwrap()),
        cache_duration: Some(SignedDuration::from_hours(6)),
        ..minimal()
    }
}

fn text(idp: &IdpDescription) -> String {
    String::from_utf8(write(idp, "_1").bytes).unwrap()
}

fn faults(document: &str) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(document.as_bytes()).unwrap();
    let judged = Command::new("php").args(["-r", JUDGE, "--"]).arg(file.path()).arg(SCHEMA).output().unwrap();
    let said =
        String::from_utf8_lossy(&judged.stdout).into_owned() + &String::from_utf8_lossy(&judged.stderr);
    (!judged.status.success()).then_some(said)
}

#[test]
fn it_obeys_the_schema() {
    assert_eq!(faults(&text(&full())), None);
    assert_eq!(faults(&text(&minimal())), None);
    let wrong = faults(&text(&full()).replace("SurName", "Surname")).expect("the judge judges");
    assert!(wrong.contains("Surname"), "{wrong}");
}

#[test]
fn the_signature_goes_first() {
    let unsigned: Unsigned = write(&full(), "_1");
    let signed = String::from_utf8(unsigned.with_signature(b"<ds:Signature/>")).unwrap();
    let (start, rest) = signed.split_once("<ds:Signature/>").unwrap();
    assert!(start.starts_with("<md:EntityDescriptor ") && start.ends_with('>'));
    assert_eq!(start.matches('<').count(), 1);
    assert!(start.contains(" ID=\"_1\" "));
    assert!(rest.starts_with("<md:Extensions>"));
}

#[test]
fn it_says_what_it_was_told_and_offers_no_logout() {
    let full = text(&full());
    for part in [
        "validUntil=\"2030-01-01T00:00:00Z\"",
        "cacheDuration=\"PT21600S\"",
        "WantAuthnRequestsSigned=\"true\"",
        " regexp=\"false\">example.co.jp</shibmd:Scope>",
        "<mdui:DisplayName xml:lang=\"ja\">例株式会社 &lt;関所&gt;</mdui:DisplayName>",
        "<md:EmailAddress>mailto:help@example.co.jp</md:EmailAddress>",
        "errorURL=\"https://idp.example.co.jp/error\"",
    ] {
        assert!(full.contains(part), "{part} in {full}");
    }
    assert!(!full.contains("SingleLogoutService"));
    let plain = text(&minimal());
    for absent in ["validUntil", "cacheDuration", "UIInfo", "Organization", "errorURL", "Scope"] {
        assert!(!plain.contains(absent), "{absent}");
    }
}
