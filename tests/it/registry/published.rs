//! The identity provider's own metadata, judged by the schemas of OASIS and Shibboleth.

use sekisho::clock::SignedDuration;
use sekisho::saml::metadata::idp::{
    Contact, ContactKind, IdpDescription, Organization, UiInfo, Unsigned, content_id, write,
};
use sekisho::saml::metadata::sp::{Localized, Logo};
use sekisho::saml::signature::AlgorithmSet;
use sekisho::saml::uris::name_id;

use crate::support::schema::faults;

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

fn contact(kind: ContactKind) -> Contact {
    Contact {
        kind,
        company: Some("Example".to_owned()),
        given_name: Some("太郎".to_owned()),
        sur_name: Some("田中".to_owned()),
        emails: vec!["it@example.co.jp".to_owned(), "mailto:help@example.co.jp".to_owned()],
        telephones: vec!["+81 3 1234 5678".to_owned()],
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
        algorithms: AlgorithmSet::SHA2,
        ecp: Some("https://idp.example.co.jp/saml/soap/ecp".to_owned()),
        slo_front: "https://idp.example.co.jp/saml/slo".to_owned(),
        slo_soap: "https://idp.example.co.jp/saml/soap/slo".to_owned(),
        artifact: "https://idp.example.co.jp/saml/soap/artifact".to_owned(),
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
        contacts: vec![contact(ContactKind::Technical), contact(ContactKind::Security)],
        error_url: Some("https://idp.example.co.jp/error".to_owned()),
        valid_until: Some("2030-01-01T00:00:00.5Z".parse().unwrap()),
        cache_duration: SignedDuration::from_hours(6),
        ..minimal()
    }
}

fn text(idp: &IdpDescription) -> String {
    String::from_utf8(write(idp, "_1").bytes).unwrap()
}

#[test]
fn it_obeys_the_schemas() {
    assert_eq!(faults(&text(&full())), None);
    assert_eq!(faults(&text(&minimal())), None);
    let wrong = faults(&text(&full()).replace("SurName", "Surname")).expect("the judge judges");
    assert!(wrong.contains("Surname"), "{wrong}");
    for (right, wrong) in [
        ("<mdui:Description", "<mdui:Decsription"),
        (" height=\"60\"", " height=\"-1\""),
        (" Algorithm=\"", " Algorihtm=\""),
        ("regexp=\"false\"", "regexp=\"no\""),
        ("isDefault=\"true\"", "isDefault=\"yes\""),
    ] {
        let document = text(&full());
        assert!(document.contains(right) && faults(&document.replace(right, wrong)).is_some(), "{wrong}");
    }
}

#[test]
fn the_id_is_made_of_the_content() {
    let mut other = full();
    assert_eq!(content_id(&full()), content_id(&other));
    other.certificates.push("MIID".to_owned());
    assert_ne!(content_id(&full()), content_id(&other));
    let id = content_id(&full());
    assert!(id.starts_with('_') && id.len() == 65, "{id}");
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
fn it_says_what_it_was_told_and_nothing_else() {
    let full = text(&full());
    for part in [
        "validUntil=\"2030-01-01T00:00:00Z\"",
        "cacheDuration=\"PT21600S\"",
        "WantAuthnRequestsSigned=\"true\"",
        " regexp=\"false\">example.co.jp</shibmd:Scope>",
        "<mdui:DisplayName xml:lang=\"ja\">例株式会社 &lt;関所&gt;</mdui:DisplayName>",
        "<md:EmailAddress>mailto:help@example.co.jp</md:EmailAddress>",
        "errorURL=\"https://idp.example.co.jp/error\"",
        "<md:ContactPerson xmlns:remd=\"http://refeds.org/metadata\" contactType=\"other\" \
         remd:contactType=\"http://refeds.org/metadata/contactType/security\">",
        "<md:ArtifactResolutionService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" \
         Location=\"https://idp.example.co.jp/saml/soap/artifact\" index=\"0\" isDefault=\"true\">",
        "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" \
         Location=\"https://idp.example.co.jp/saml/soap/ecp\">",
    ] {
        assert!(full.contains(part), "{part} in {full}");
    }
    assert_eq!(full.matches("<md:SingleLogoutService ").count(), 3);
    let plain = text(&minimal());
    for absent in [
        "SingleLogoutService",
        "ArtifactResolution",
        "SOAP",
        "validUntil",
        "cacheDuration",
        "UIInfo",
        "Organization",
        "errorURL",
        "Scope",
    ] {
        assert!(!plain.contains(absent), "{absent}");
    }
}
