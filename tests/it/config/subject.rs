//! `[saml]`: the keys about persons, right and wrong.

use sekisho::sso::PersistentIds;

use super::{LEAST, Site};

const OVER_TLS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

fn faults(keys: &str) -> Vec<String> {
    let text = format!("{LEAST}\n[saml]\n{keys}");
    Site::new().load(&text).expect_err(keys).iter().map(ToString::to_string).collect()
}

#[test]
fn orders_and_releases_are_read() {
    let keys = format!(
        "authn_context_order = [\"{OVER_TLS}\", \"urn:example:card\"]\n\
         [[saml.release]]\nentity_category = \"https://c\"\nattributes = [\"a\"]\n\
         [[saml.release]]\nentity_attribute = \"urn:n\"\nvalue = \"v\"\nattributes = []\nonly_requested = true\n"
    );
    let config = Site::new().load(&format!("{LEAST}\n[saml]\n{keys}")).unwrap();
    let subject = config.saml.subject;
    assert_eq!(subject.authn_context_order, [OVER_TLS, "urn:example:card"]);
    let rules: Vec<_> =
        subject.release.iter().map(|rule| (rule.name.as_str(), rule.value.as_str())).collect();
    assert_eq!(rules, [("http://macedir.org/entity-category", "https://c"), ("urn:n", "v")]);
    assert_eq!(subject.release.iter().map(|rule| rule.only_requested).collect::<Vec<_>>(), [false, true]);
    assert_eq!(subject.release[0].attributes, ["a"]);
}

#[test]
fn what_is_wrong_is_said() {
    for (keys, said) in [
        ("authn_context_order = [\"urn:x\"]", "PasswordProtectedTransport\" is missing"),
        ("authn_context_order = [\"Password\"]", "\"Password\" is no URI of a class"),
        (
            "authn_context_order = [\"urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified\"]",
            "has no place in it",
        ),
        ("authn_context_order = [\"urn:x\", \"urn:x\"]", "\"urn:x\" is in it twice"),
        ("[[saml.release]]\nattributes = []", "write entity_category, or entity_attribute and value"),
        ("[[saml.release]]\nentity_attribute = \"urn:x\"\nattributes = []", "saml.release[1].value"),
        ("[[saml.release]]\nentity_category = \"https://c\"", "name what these service providers get"),
        (
            "[[saml.release]]\nentity_category = \"https://c\"\nvalue = \"x\"\nattributes = []",
            "stands beside entity_category",
        ),
        ("subject_id_attribute = \"uid\"", "needs a scope"),
        ("scope = \"example.co.jp/x\"", "is no scope"),
        ("persistent_id = \"sha1\"", "legacy-sha1"),
        ("legacy_attribute = \"uid\"", "legacy_attribute: has no effect"),
        ("legacy_salt_file = \"certs/salt\"", "legacy_salt_file: has no effect"),
        ("persistent_id = \"legacy-sha1\"\nlegacy_attribute = \"uid\"", "legacy_salt: is missing"),
        ("persistent_id = \"legacy-sha1\"\nlegacy_salt = \"\"\nlegacy_attribute = \"uid\"", "legacy_salt"),
        (
            "persistent_id = \"legacy-sha1\"\nlegacy_salt = \"s\"",
            "name the attribute that SimpleSAMLphp knew people by",
        ),
        ("[[saml.release]]\nentity_categories = \"https://c\"\nattributes = []", "entity_categor"),
    ] {
        let found = faults(keys);
        assert!(found.iter().any(|fault| fault.contains(said)), "{keys}: {found:#?}");
    }
    assert_eq!(faults("scope = 1").len(), 1, "it is read once");
}

#[test]
fn legacy_ids_are_of_the_present_entity_id_unless_it_changed() {
    let of = |keys: &str| {
        let text = format!(
            "{LEAST}\n[saml]\nentity_id = \"https://new.test\"\npersistent_id = \"legacy-sha1\"\n\
             legacy_salt = \"o9bn\"\nlegacy_attribute = \"uid\"\n{keys}"
        );
        match Site::new().load(&text).unwrap().saml.subject.persistent_id {
            PersistentIds::LegacySha1(legacy) => legacy,
            PersistentIds::HmacSha256 => panic!("{text}"),
        }
    };
    let legacy = of("");
    assert_eq!((legacy.salt.expose().as_str(), legacy.attribute.as_str()), ("o9bn", "uid"));
    assert_eq!(legacy.idp, "https://new.test");
    assert_eq!(of("legacy_idp_entity_id = \"https://old.test\"").idp, "https://old.test");
    let plain = Site::new().load(LEAST).unwrap().saml.subject;
    assert!(matches!(plain.persistent_id, PersistentIds::HmacSha256) && plain.subject_id_attribute.is_none());
}
