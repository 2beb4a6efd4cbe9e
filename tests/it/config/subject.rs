//! `[saml]`: the keys about persons, right and wrong.

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
        ("[[saml.release]]\nentity_categories = \"https://c\"\nattributes = []", "entity_categor"),
    ] {
        let found = faults(keys);
        assert!(found.iter().any(|fault| fault.contains(said)), "{keys}: {found:#?}");
    }
}
