//! Files that must be refused, each for its own reason, with line and remedy, and without harm to another.

use std::fs;
use std::os::unix::fs::symlink;

use sekisho::registry::{Severity, Snapshot};
use sekisho::saml::metadata::MetadataFault;
use sekisho::saml::metadata::sp::parse;
use sekisho::saml::xml::reader::Violation;

use super::{Rig, finding, fixture, sp};

fn fault(name: &str) -> (usize, MetadataFault) {
    let error = parse(&fs::read(fixture("hostile").join(name)).unwrap()).unwrap_err();
    assert!(!error.remedy().is_empty());
    (error.line, error.fault)
}

#[test]
fn each_hostile_file_has_its_own_error() {
    use MetadataFault as F;
    assert_eq!(fault("doctype.xml"), (1, F::Xml(Violation::Doctype)));
    assert_eq!(fault("truncated.xml").1, F::Xml(Violation::Truncated));
    assert_eq!(fault("web-page.xml"), (1, F::NotMetadata("html".to_owned())));
    assert_eq!(fault("idp.xml"), (1, F::IdentityProvider("https://idp.example.net/".to_owned())));
    assert_eq!(fault("saml1.xml"), (1, F::NotSaml2("https://saml1.example.org/".to_owned())));
    assert_eq!(fault("no-entity-id.xml"), (1, F::EntityId));
    assert_eq!(fault("control-character.xml"), (1, F::EntityId));
    assert_eq!(fault("certificate.xml"), (2, F::Certificate));
    assert_eq!(fault("affiliation-of-nobody.xml"), (2, F::NoMember));
    assert_eq!(fault("affiliation-without-name.xml"), (1, F::EntityId));
    let element = "AssertionConsumerService";
    assert_eq!(fault("duplicate-index.xml").1, F::DuplicateIndex { element, index: 0 });
    let element = element.to_owned();
    assert_eq!(fault("no-location.xml").1, F::Missing { element: element.clone(), attribute: "Location" });
    let (value, expected) = ("65536".to_owned(), "number from 0 to 65535");
    assert_eq!(fault("index.xml").1, F::Value { element, attribute: "index", value, expected });
    let (element, value, expected) = ("EntityDescriptor".to_owned(), "soon".to_owned(), "xs:dateTime");
    assert_eq!(fault("valid-until.xml").1, F::Value { element, attribute: "validUntil", value, expected });
}

fn refused(snapshot: &Snapshot, file: &str, part: &str) {
    let found = snapshot.findings().iter().find(|f| f.file == file && f.severity == Severity::Error);
    let found = found.unwrap_or_else(|| panic!("{file} is not refused: {:#?}", snapshot.findings()));
    assert!(found.to_string().contains(part), "{found}");
    assert!(!found.remedy.is_empty());
}

#[test]
fn bad_files_are_named_and_harm_nobody() {
    let rig = Rig::with(&[("good.xml", &sp("https://good.example.org/", "https://good.example.org/acs"))]);
    for entry in fs::read_dir(fixture("hostile")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, rig.path(path.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    let filling = " ".repeat(2 * 1024 * 1024);
    rig.write("huge.xml", sp("https://huge.example.org/", "https://huge.example.org/acs") + &filling);
    symlink(rig.path("loop.xml"), rig.path("loop.xml")).unwrap();
    symlink("/dev/zero", rig.path("device.xml")).unwrap();
    fs::create_dir(rig.path("folder.xml")).unwrap();
    rig.write("latin.toml", b"name = \"caf\xE9\"");
    rig.write("orphan.toml", "sign = \"both\"\n");
    rig.write("broken.toml", "entity_id = \"https://b.example.org/\"\nacs = [\n");
    rig.write("typo.toml", "entity_id = \"t\"\nacs = [\"https://t.example.org/\"]\nalow = []\n");
    rig.write("notes.txt", "not metadata");
    let snapshot = rig.open().snapshot();
    let found: Vec<_> = snapshot.iter().map(|provider| provider.entity_id()).collect();
    assert_eq!(found, ["https://good.example.org/"]);
    refused(&snapshot, "doctype.xml", "line 1: a DOCTYPE is not allowed");
    refused(&snapshot, "javascript.xml", "it is no https URL");
    refused(&snapshot, "javascript-slo.xml", "SingleLogoutService \"javascript:alert(1)\"");
    refused(&snapshot, "http.xml", "allow_http_endpoints");
    refused(&snapshot, "huge.xml", "larger than");
    refused(&snapshot, "loop.xml", "cannot be read");
    refused(&snapshot, "device.xml", "not a regular file");
    refused(&snapshot, "folder.xml", "not a regular file");
    refused(&snapshot, "latin.toml", "not UTF-8");
    refused(&snapshot, "orphan.toml", "no XML file of the same name");
    refused(&snapshot, "broken.toml", "broken.toml");
    refused(&snapshot, "typo.toml", "line 3");
    refused(&snapshot, "certificate.xml", "line 2");
    assert!(!snapshot.findings().iter().any(|finding| finding.file.contains("notes")));
    assert!(rig.told().contains(&"metadata doctype.xml refused".to_owned()));
}

#[test]
fn a_policy_that_would_apply_to_nothing_refuses() {
    let rig = Rig::new();
    rig.copy("aggregate.xml");
    rig.write("aggregate.toml", "[\"https://tow.example.org/sp\"]\nallow = [\"user:tanaka\"]\n");
    rig.copy("salesforce.xml");
    rig.write("salesforce.toml", "entity_id = \"x\"\nacs = [\"https://x.example.org/acs\"]\n");
    let snapshot = rig.open().snapshot();
    assert_eq!(snapshot.iter().len(), 0);
    finding(&snapshot, "https://tow.example.org/sp");
    finding(&snapshot, "it describes a service provider (entity_id), but there is an XML file");
}

/// To be named as the name space of another service provider would give its names away.
#[test]
fn an_affiliation_cannot_take_the_name_of_a_service_provider() {
    let affiliation = |name: &str| {
        format!(
            "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{name}\">\
             <AffiliationDescriptor affiliationOwnerID=\"https://evil.example.org/\">\
             <AffiliateMember>https://evil.example.org/</AffiliateMember></AffiliationDescriptor></EntityDescriptor>"
        )
    };
    let (victim, alias) = ("https://victim.example.org/", "https://old.victim.example.org/");
    let rig = Rig::with(&[
        ("victim.xml", &sp(victim, "https://victim.example.org/acs")),
        ("victim.toml", &format!("entity_id_aliases = [\"{alias}\"]\nenabled = false\n")),
        ("evil.xml", &affiliation(victim)),
        ("worse.xml", &affiliation(alias)),
        ("fine.xml", &affiliation("https://group.example.org/")),
    ]);
    let snapshot = rig.open().snapshot();
    for name in [victim, alias] {
        assert!(!snapshot.is_affiliated(name, "https://evil.example.org/", rig.now), "{name}");
    }
    assert!(snapshot.is_affiliated("https://group.example.org/", "https://evil.example.org/", rig.now));
    for file in ["evil.xml", "worse.xml"] {
        refused(&snapshot, file, "this name is a service provider's");
    }
}

/// Whose members count would be anybody's guess.
#[test]
fn two_affiliations_of_one_name_are_none() {
    let affiliation = |member: &str| {
        format!(
            "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"group\">\
             <AffiliationDescriptor affiliationOwnerID=\"o\"><AffiliateMember>{member}</AffiliateMember>\
             </AffiliationDescriptor></EntityDescriptor>"
        )
    };
    let rig = Rig::with(&[("a.xml", &affiliation("a")), ("copy.xml", &affiliation("a"))]);
    assert!(rig.open().snapshot().is_affiliated("group", "a", rig.now), "they say the same");
    rig.write("evil.xml", affiliation("evil"));
    let snapshot = rig.open().snapshot();
    assert!(!["a", "evil"].iter().any(|member| snapshot.is_affiliated("group", member, rig.now)));
    for file in ["a.xml", "copy.xml", "evil.xml"] {
        refused(&snapshot, file, "neither is used");
    }
}
