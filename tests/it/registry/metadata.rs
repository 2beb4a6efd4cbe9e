//! Metadata as the common service providers write it.

use std::fs;

use sekisho::clock::SignedDuration;
use sekisho::saml::metadata::sp::{SpMetadata, parse};
use sekisho::saml::uris::{BINDING_POST, BINDING_SOAP, name_id};

use super::fixture;

fn only(name: &str) -> SpMetadata {
    let mut all = parse(&fs::read(fixture(name)).unwrap()).unwrap().providers;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn mod_auth_mellon() {
    let sp = only("mellon.xml");
    assert_eq!(sp.entity_id, "https://mellon.example.org/mellon/metadata");
    assert_eq!(sp.line, 2);
    assert!(sp.authn_requests_signed && sp.want_assertions_signed);
    let uses: Vec<_> = sp.keys.iter().map(|key| (key.signing, key.encryption)).collect();
    assert_eq!(uses, [(true, false), (false, true)]);
    assert_eq!(sp.keys[0].certificates.len(), 1);
    assert_eq!(sp.acs.iter().map(|acs| acs.index).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    assert_eq!((sp.acs[0].is_default, sp.acs[1].is_default), (Some(true), None));
    assert_eq!(sp.single_logout[0].binding, BINDING_SOAP);
    assert_eq!(sp.name_id_formats, [name_id::TRANSIENT]);
    assert_eq!(sp.display_name("ja"), "mellon.example.org");
}

#[test]
fn shibboleth_with_interleaved_elements_and_extensions() {
    let sp = only("shibboleth.xml");
    assert_eq!(sp.cache_duration, Some(SignedDuration::from_hours(1)));
    assert_eq!(sp.acs[0].location, "https://portal.example.org/Shibboleth.sso/SAML2/POST");
    assert_eq!(sp.acs[0].binding, BINDING_POST);
    assert_eq!(sp.acs.len(), 2, "the ACS of the SAML 1.1 role is not one of ours");
    let [key] = sp.keys.as_slice() else { panic!("one KeyDescriptor") };
    assert!(key.signing && key.encryption, "a key without use is for both");
    assert_eq!(key.certificates.len(), 2);
    assert_eq!(key.encryption_methods[0].algorithm, "http://www.w3.org/2009/xmlenc11#aes128-gcm");
    let response = sp.single_logout[1].response_location.as_deref();
    assert_eq!(response, Some("https://portal.example.org/Shibboleth.sso/SLO/Done"));
    assert_eq!(sp.name_id_formats, [name_id::PERSISTENT]);
    assert_eq!(sp.display_name("ja"), "社内ポータル");
    assert_eq!(sp.display_name("fr"), "Example Portal");
    assert_eq!((sp.logos[0].width, sp.logos[0].height), (Some(80), Some(60)));
    let requested = &sp.default_attribute_consuming().unwrap().requested;
    assert_eq!(requested[0].friendly_name.as_deref(), Some("mail"));
    assert!(requested[0].required && !requested[1].required);
    assert_eq!(sp.entity_attributes[0].values, ["http://refeds.org/category/research-and-scholarship"]);
}

#[test]
fn algorithms_of_the_role_go_before_those_of_the_entity() {
    let method = |element: &str, algorithm: &str| {
        format!(
            "<alg:{element} xmlns:alg=\"urn:oasis:names:tc:SAML:metadata:algsupport\" Algorithm=\"{algorithm}\"/>"
        )
    };
    let document = |of_role: &str| {
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"urn:a\">\
             <md:Extensions>{}{}{}</md:Extensions>\
             <md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:Extensions>{of_role}</md:Extensions>\
             <md:AssertionConsumerService Binding=\"{BINDING_POST}\" Location=\"https://a/\" index=\"0\"/>\
             </md:SPSSODescriptor></md:EntityDescriptor>",
            method("DigestMethod", "urn:d"),
            method("SigningMethod", "urn:1"),
            method("SigningMethod", "urn:2"),
        )
    };
    let read = |of_role: &str| parse(document(of_role).as_bytes()).unwrap().providers.remove(0);
    let entity = read("");
    assert_eq!(
        (entity.signing_methods, entity.digest_methods),
        (vec!["urn:1".into(), "urn:2".into()], vec!["urn:d".into()])
    );
    let role = read(&method("SigningMethod", "urn:3"));
    assert_eq!(
        (role.signing_methods, role.digest_methods),
        (vec!["urn:3".to_owned()], vec!["urn:d".to_owned()])
    );
}

#[test]
fn simplesamlphp_and_salesforce() {
    let sp = only("simplesamlphp.xml");
    assert_eq!(sp.valid_until, Some("2026-01-03T00:00:00Z".parse().unwrap()));
    assert_eq!(sp.cache_duration, Some(SignedDuration::from_hours(168)));
    assert_eq!(sp.keys.len(), 2);
    let sp = only("salesforce.xml");
    assert_eq!(sp.valid_until, Some("2036-06-01T00:00:00Z".parse().unwrap()));
    assert_eq!(sp.acs[0].location, "https://example.my.salesforce.com?so=00D28000000abcd");
}

#[test]
fn adfs_in_utf16_with_both_roles() {
    let sp = only("adfs.xml");
    assert_eq!(sp.entity_id, "http://fs.example.co.jp/adfs/services/trust");
    assert_eq!(sp.line, 2, "lines count as in the file");
    assert_eq!(sp.acs[0].location, "https://fs.example.co.jp/adfs/ls/");
    assert_eq!(sp.keys[0].certificates.len(), 1);
}

#[test]
fn an_aggregate_gives_its_service_providers_and_narrows_their_validity() {
    let all = parse(&fs::read(fixture("aggregate.xml")).unwrap()).unwrap().providers;
    let found: Vec<_> =
        all.iter().map(|sp| (sp.entity_id.as_str(), sp.valid_until.unwrap().to_string())).collect();
    let expected = [
        ("https://one.example.org/sp", "2030-01-01T00:00:00Z".to_owned()),
        ("https://two.example.org/sp", "2027-01-01T00:00:00Z".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_byte_order_mark_of_utf8_is_no_text() {
    let mut bytes = b"\xEF\xBB\xBF".to_vec();
    bytes.extend(fs::read(fixture("salesforce.xml")).unwrap());
    assert_eq!(parse(&bytes).unwrap().providers[0].entity_id, "https://example.my.salesforce.com");
}
