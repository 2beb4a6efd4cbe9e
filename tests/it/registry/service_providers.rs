//! What becomes of metadata and policy: keys, release lists, endpoints, findings.

use sekisho::registry::policy::VerifyRequests;
use sekisho::registry::{Registry, Severity};

use super::{Rig, finding, sp};

const PORTAL: &str = "https://portal.example.org/shibboleth";

#[test]
fn a_toml_alone_is_a_service_provider() {
    let rig = Rig::new();
    rig.copy("google.toml");
    let snapshot = rig.open().snapshot();
    let google = snapshot.find("google.com").unwrap();
    assert_eq!(google.entity_id(), "google.com/a/example.co.jp");
    assert_eq!(google.display_name("ja"), "Google Workspace");
    assert_eq!(google.metadata.acs[0].location, "https://www.google.com/a/example.co.jp/acs");
    assert_eq!(google.releases.default_service().attributes.as_deref(), Some([].as_slice()));
    assert_eq!(snapshot.iter().len(), 1);
    assert_eq!(rig.told(), ["metadata google.toml loaded"]);
}

#[test]
fn release_is_the_policy_else_the_requested_attributes_by_both_names() {
    let rig = Rig::new();
    rig.copy("shibboleth.xml");
    let requested = [
        "urn:oid:0.9.2342.19200300.100.1.3",
        "mail",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
        "eduPersonPrincipalName",
        "displayName",
    ];
    let registry = rig.open();
    let release = |registry: &Registry| {
        let snapshot = registry.snapshot();
        snapshot.find(PORTAL).unwrap().releases.default_service().attributes.clone()
    };
    assert_eq!(release(&registry).unwrap(), requested);
    rig.write("shibboleth.toml", "attributes = [\"uid\"]\n");
    registry.reload_now().unwrap();
    assert_eq!(release(&registry).unwrap(), ["uid"]);
    rig.write("bare.xml", sp("bare", "https://bare.example.org/acs"));
    registry.reload_now().unwrap();
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.find("bare").unwrap().releases.default_service().attributes, None);
    finding(&snapshot, "no release list names an attribute");
    finding(&snapshot, "neither metadata nor policy names a NameID format");
}

#[test]
fn weak_and_expired_keys() {
    let mut rig = Rig::new();
    rig.copy("simplesamlphp.xml");
    rig.copy("shibboleth.xml");
    let snapshot = rig.open().snapshot();
    let keys: Vec<_> = snapshot.iter().map(|provider| provider.keys.len()).collect();
    assert_eq!(keys, [1, 2], "RSA-1024 is dropped; RSA-2048 and EC P-256 stay");
    let weak = finding(&snapshot, "the RSA key has 1024 bits");
    assert_eq!((weak.severity, weak.file.as_str()), (Severity::Warning, "simplesamlphp.xml"));
    rig.now = "2090-01-01T00:00:00Z".parse().unwrap();
    let snapshot = rig.open().snapshot();
    finding(&snapshot, "expired on");
    assert_eq!(snapshot.find(PORTAL).unwrap().keys.len(), 2);
}

#[test]
fn signatures_demanded_without_a_key() {
    let promised =
        sp("b", "https://b.example.org/acs").replace("protocolS", "AuthnRequestsSigned=\"1\" protocolS");
    let rig = Rig::with(&[
        ("required.xml", &sp("a", "https://a.example.org/acs")),
        ("required.toml", "verify_requests = \"required\"\n"),
        ("promised.xml", &promised),
    ]);
    let snapshot = rig.open().snapshot();
    let required = finding(&snapshot, "verify_requests = \"required\", but no usable signing key");
    assert_eq!((required.file.as_str(), required.severity), ("required.xml", Severity::Error));
    assert_eq!(finding(&snapshot, "AuthnRequestsSigned=\"true\", but").file, "promised.xml");
    assert_eq!(snapshot.find("a").unwrap().policy.verify_requests, VerifyRequests::Required);
}

#[test]
fn http_endpoints_on_this_machine_and_by_switch() {
    let mut rig = Rig::with(&[
        ("near.xml", &sp("near", "http://127.0.0.1:8080/acs")),
        ("far.xml", &sp("far", "http://sp.intra/acs")),
    ]);
    let snapshot = rig.open().snapshot();
    assert!(snapshot.find("near").is_some() && snapshot.find("far").is_none());
    assert_eq!(finding(&snapshot, "assertions travel in the clear").file, "near.xml");
    assert_eq!(finding(&snapshot, "allow_http_endpoints").file, "far.xml");
    rig.options.allow_http_endpoints = true;
    assert!(rig.open().snapshot().find("far").is_some());
}

#[test]
fn an_http_endpoint_beside_an_https_one_is_left_out() {
    const CLEAR: &str = r#"<md:AssertionConsumerService index="1" Location="http://sp.example.org/acs"
        Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/></md:SPSSO"#;
    let both = sp("both", "https://sp.example.org/acs").replace("</md:SPSSO", CLEAR);
    let snapshot = Rig::with(&[("both.xml", &both)]).open().snapshot();
    let acs = &snapshot.find("both").unwrap().metadata.acs;
    assert_eq!(acs.iter().map(|a| a.location.as_str()).collect::<Vec<_>>(), ["https://sp.example.org/acs"]);
    let clear = finding(&snapshot, "\"http://sp.example.org/acs\" is not used");
    assert_eq!(clear.severity, Severity::Error);
}

#[test]
fn no_way_to_deliver_by_post() {
    let paos = sp("paos", "https://sp.example.org/acs").replace("HTTP-POST", "PAOS");
    let odd = sp("odd", "https://sp.example.org/acs").replace("HTTP-POST", "HTTP-PIGEON");
    let snapshot = Rig::with(&[("paos.xml", &paos), ("odd.xml", &odd)]).open().snapshot();
    let without = snapshot.findings().iter().filter(|f| f.message.contains("takes HTTP-POST"));
    assert_eq!(without.map(|f| f.file.as_str()).collect::<Vec<_>>(), ["odd.xml", "paos.xml"]);
    assert_eq!(finding(&snapshot, "unknown binding").file, "odd.xml");
}

#[test]
fn valid_until_is_a_finding_or_the_end() {
    let mut rig = Rig::new();
    rig.copy("simplesamlphp.xml");
    rig.copy("salesforce.xml");
    let snapshot = rig.open().snapshot();
    assert_eq!(finding(&snapshot, "validUntil").file, "simplesamlphp.xml");
    assert_eq!(snapshot.iter().len(), 2);
    assert!(snapshot.iter().all(|provider| !provider.expired(rig.now)));
    rig.options.enforce_valid_until = true;
    let snapshot = rig.open().snapshot();
    assert_eq!(finding(&snapshot, "validUntil has passed").severity, Severity::Error);
    let [salesforce] = snapshot.iter().collect::<Vec<_>>()[..] else { panic!("one is left") };
    assert!(!salesforce.expired(rig.now));
    assert!(salesforce.expired("2036-06-01T00:00:00Z".parse().unwrap()), "also at request time");
}

#[test]
fn a_disabled_service_provider_is_known_but_not_found() {
    let rig = Rig::with(&[("a.xml", &sp("a", "https://a.example.org/acs")), ("a.toml", "enabled = false\n")]);
    let snapshot = rig.open().snapshot();
    assert!(snapshot.find("a").is_none());
    assert!(snapshot.find_disabled("a").is_some());
    assert_eq!(snapshot.iter().len(), 1);
}

#[test]
fn an_aggregate_takes_policies_by_entity() {
    let rig = Rig::new();
    rig.copy("aggregate.xml");
    let policy = "sign = \"response\"\n[\"https://two.example.org/sp\"]\nattributes = [\"mail\"]\n";
    rig.write("aggregate.toml", policy);
    let snapshot = rig.open().snapshot();
    assert_eq!(
        snapshot.find("https://one.example.org/sp").unwrap().releases.default_service().attributes,
        None
    );
    let two = snapshot.find("https://two.example.org/sp").unwrap();
    assert_eq!(two.releases.default_service().attributes.as_deref().unwrap(), ["mail"]);
    assert_eq!(rig.told(), ["metadata aggregate.xml loaded", "policy aggregate.toml loaded"]);
}

#[test]
fn what_metadata_asks_for_and_does_not_get_is_said() {
    let mut rig = Rig::new();
    rig.copy("shibboleth.xml");
    rig.write("shibboleth.toml", "attributes = [\"uid\"]\n");
    let notice = finding(&rig.open().snapshot(), "its metadata requires \"mail\"").clone();
    assert_eq!(notice.severity, Severity::Notice);
    let text = sp("asks", "https://asks.example.org/acs").replace(
        "<md:SPSSODescriptor",
        "<md:Extensions><EntityAttributes xmlns=\"urn:oasis:names:tc:SAML:metadata:attribute\">\
         <Attribute xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         Name=\"urn:oasis:names:tc:SAML:profiles:subject-id:req\"><AttributeValue>any</AttributeValue></Attribute>\
         </EntityAttributes></md:Extensions><md:SPSSODescriptor",
    );
    rig.write("asks.xml", text);
    let snapshot = rig.open().snapshot();
    finding(&snapshot, "its metadata asks for pairwise-id, which is not configured");
    rig.options.subject_ids = vec!["urn:oasis:names:tc:SAML:attribute:pairwise-id"];
    let snapshot = rig.open().snapshot();
    assert!(!snapshot.findings().iter().any(|found| found.message.contains("asks for pairwise-id")));
}

#[test]
fn an_affiliation_is_no_service_provider_and_has_no_policy() {
    let mut rig = Rig::new();
    let affiliation = "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"group\">\
                       <AffiliationDescriptor affiliationOwnerID=\"a\" validUntil=\"2026-07-01T00:00:00Z\">\
                       <AffiliateMember>a</AffiliateMember></AffiliationDescriptor></EntityDescriptor>";
    rig.write("group.xml", affiliation);
    let later = "2026-08-01T00:00:00Z".parse().unwrap();
    let snapshot = rig.open().snapshot();
    assert_eq!(snapshot.iter().len(), 0);
    assert!(snapshot.findings().is_empty(), "{:?}", snapshot.findings());
    assert!(snapshot.is_affiliated("group", "a", later) && !snapshot.is_affiliated("group", "b", later));
    rig.options.enforce_valid_until = true;
    let snapshot = rig.open().snapshot();
    assert!(snapshot.is_affiliated("group", "a", rig.now) && !snapshot.is_affiliated("group", "a", later));
    rig.now = later;
    finding(&rig.open().snapshot(), "the validUntil of this affiliation has passed");
    rig.write("group.toml", "sign = \"both\"\n");
    finding(&rig.open().snapshot(), "the XML file of the same name has no service provider");
}
