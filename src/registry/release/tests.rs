//! The table of [`Releases`]: whose list is in force, by which service, with which values.

use super::*;
use crate::saml::metadata::sp::EntityAttribute;

const CATEGORY: &str = "http://macedir.org/entity-category";
const RESEARCH: &str = "http://refeds.org/category/research-and-scholarship";
const CONDUCT: &str = "https://refeds.org/category/code-of-conduct/v2";

fn requested(name: &str, friendly: Option<&str>, required: bool, values: &[&str]) -> RequestedAttribute {
    RequestedAttribute {
        name: name.to_owned(),
        name_format: None,
        friendly_name: friendly.map(str::to_owned),
        required,
        values: values.iter().map(ToString::to_string).collect(),
    }
}

fn service(index: u16, requested: Vec<RequestedAttribute>) -> AttributeConsumingService {
    AttributeConsumingService { index: Some(index), is_default: None, service_names: Vec::new(), requested }
}

fn with(services: Vec<AttributeConsumingService>, entity_attributes: &[(&str, &str)]) -> SpMetadata {
    let held = entity_attributes.iter().map(|(name, value)| EntityAttribute {
        name: (*name).to_owned(),
        values: vec!["https://example.org/other".to_owned(), (*value).to_owned()],
    });
    let entity_attributes = held.collect();
    SpMetadata { attribute_consuming: services, entity_attributes, ..SpMetadata::default() }
}

fn rules() -> Vec<EntityRelease> {
    let rule = |value: &str, names: &[&str], only_requested| EntityRelease {
        name: CATEGORY.to_owned(),
        value: value.to_owned(),
        attributes: names.iter().map(ToString::to_string).collect(),
        only_requested,
    };
    vec![rule(RESEARCH, &["displayName", "mail"], false), rule(CONDUCT, &["mail", "ou"], true)]
}

fn policy(names: Option<&[&str]>) -> Policy {
    let attributes = names.map(|names| names.iter().map(ToString::to_string).collect());
    Policy { attributes, ..Policy::default() }
}

fn list(metadata: &SpMetadata, own: Option<&[&str]>) -> (ReleaseOrigin, Option<String>) {
    let releases = Releases::of(metadata, &policy(own), &rules(), None);
    let release = releases.default_service();
    (release.origin, release.attributes.as_ref().map(|names| names.join(" ")))
}

#[test]
fn the_list_in_force_is_the_first_that_there_is() {
    let asks = || vec![service(1, vec![requested("urn:oid:1", Some("ou"), false, &[])])];
    let some = |text: &str| Some(text.to_owned());
    for (metadata, own, expected) in [
        (with(asks(), &[(CATEGORY, RESEARCH)]), Some(&["uid"][..]), (ReleaseOrigin::Policy, some("uid"))),
        (with(asks(), &[(CATEGORY, RESEARCH)]), Some(&[]), (ReleaseOrigin::Policy, some(""))),
        (
            with(asks(), &[(CATEGORY, RESEARCH)]),
            None,
            (ReleaseOrigin::EntityAttribute, some("displayName mail")),
        ),
        (
            with(Vec::new(), &[(CATEGORY, RESEARCH)]),
            None,
            (ReleaseOrigin::EntityAttribute, some("displayName mail")),
        ),
        // Only what is requested, by either name; nothing is requested, nothing leaves.
        (with(asks(), &[(CATEGORY, CONDUCT)]), None, (ReleaseOrigin::EntityAttribute, some("ou"))),
        (with(Vec::new(), &[(CATEGORY, CONDUCT)]), None, (ReleaseOrigin::EntityAttribute, some(""))),
        (
            with(asks(), &[(CATEGORY, CONDUCT), (CATEGORY, RESEARCH)]),
            None,
            (ReleaseOrigin::EntityAttribute, some("displayName mail ou")),
        ),
        // Name and value must both be those of the rule.
        (with(asks(), &[("urn:other", RESEARCH)]), None, (ReleaseOrigin::Metadata, some("urn:oid:1 ou"))),
        (
            with(asks(), &[(CATEGORY, "http://refeds.org/category")]),
            None,
            (ReleaseOrigin::Metadata, some("urn:oid:1 ou")),
        ),
        (with(asks(), &[]), None, (ReleaseOrigin::Metadata, some("urn:oid:1 ou"))),
        (with(Vec::new(), &[]), None, (ReleaseOrigin::IdentityProvider, None)),
        (with(vec![service(1, Vec::new())], &[]), None, (ReleaseOrigin::IdentityProvider, None)),
    ] {
        assert_eq!(list(&metadata, own), expected, "{:?} {own:?}", metadata.entity_attributes);
    }
}

#[test]
fn an_index_chooses_the_service_where_it_decides_something() {
    let metadata = with(
        vec![
            service(1, vec![requested("mail", None, false, &[])]),
            AttributeConsumingService {
                is_default: Some(true),
                ..service(2, vec![requested("ou", None, false, &[])])
            },
        ],
        &[],
    );
    let names = |releases: &Releases, index| {
        releases.service(index).map(|release| release.attributes.clone().unwrap_or_default().join(" "))
    };
    let own = Releases::of(&metadata, &policy(None), &[], None);
    assert_eq!(names(&own, None), Ok("ou".to_owned()));
    assert_eq!(names(&own, Some(1)), Ok("mail".to_owned()));
    assert_eq!(names(&own, Some(2)), Ok("ou".to_owned()));
    assert_eq!(names(&own, Some(3)), Err(UnknownService(3)));
    let mut twice = metadata.clone();
    twice.attribute_consuming.push(service(1, vec![requested("uid", None, false, &[])]));
    let twice = Releases::of(&twice, &policy(None), &[], None);
    assert_eq!(
        (names(&twice, Some(1)), names(&twice, Some(2))),
        (Err(UnknownService(1)), Ok("ou".to_owned()))
    );
    let listed = Releases::of(&metadata, &policy(Some(&["uid"])), &[], None);
    assert_eq!(names(&listed, Some(3)), Ok("uid".to_owned()), "the policy decides, whatever the index");
    let silent = Releases::of(&with(Vec::new(), &[]), &policy(None), &[], None);
    assert_eq!(names(&silent, Some(3)), Ok(String::new()), "there is nothing to choose from");
}

#[test]
fn only_the_values_that_are_wanted_leave() {
    let asks = vec![
        requested("urn:oid:7", Some("entitlement"), false, &["urn:a", "urn:b"]),
        requested("ou", None, false, &["Sales"]),
        requested("mail", None, false, &[]),
    ];
    let metadata = with(vec![service(0, asks)], &[]);
    let wanted = |own: Option<&[&str]>, name: &str| {
        let releases = Releases::of(&metadata, &policy(own), &[], None);
        releases.default_service().wanted(name).map(|values| values.join(" "))
    };
    for (name, expected) in [
        ("urn:oid:7", Some("urn:a urn:b")),
        ("entitlement", Some("urn:a urn:b")),
        ("ou", Some("Sales")),
        ("mail", None),
        ("cn", None),
    ] {
        assert_eq!(wanted(None, name).as_deref(), expected, "{name}");
    }
    assert_eq!(wanted(Some(&["ou"]), "ou"), None, "the admin's own list is about names");
}

#[test]
fn what_is_required_and_missing_is_named_as_people_name_it() {
    let asks = vec![
        requested("urn:oid:3", Some("mail"), true, &[]),
        requested("ou", None, true, &[]),
        requested("cn", None, false, &[]),
    ];
    let metadata = with(vec![service(0, asks)], &[]);
    let releases = Releases::of(&metadata, &policy(None), &[], None);
    assert_eq!(releases.default_service().required(), [vec!["urn:oid:3", "mail"], vec!["ou"]]);
    let own = Releases::of(&metadata, &policy(Some(&["ou"])), &[], None);
    assert_eq!(own.default_service().required(), [["ou"]], "what is withheld is not missing");
    assert_eq!(own.default_service().withheld(), [["urn:oid:3", "mail"]]);
    assert!(releases.default_service().withheld().is_empty());
}

#[test]
fn subject_id_req_is_honoured_below_the_policys_own_list() {
    let idp = [SUBJECT_ID.to_owned(), "mail".to_owned()];
    let both =
        || vec![service(0, [SUBJECT_ID, PAIRWISE_ID].map(|n| requested(n, None, false, &[])).to_vec())];
    let leaves = |said: Option<&str>, services, own: Option<&[&str]>| {
        let held: Vec<EntityAttribute> = said
            .map(|said| EntityAttribute { name: REQUIREMENT.to_owned(), values: vec![said.to_owned()] })
            .into_iter()
            .collect();
        let metadata = SpMetadata { entity_attributes: held, ..with(services, &[]) };
        let releases = Releases::of(&metadata, &policy(own), &[], Some(&idp));
        let release = releases.default_service();
        [SUBJECT_ID, PAIRWISE_ID].map(|name| release.names(name, Some(&idp)))
    };
    let own = [SUBJECT_ID, PAIRWISE_ID];
    for (said, services, policy, expected) in [
        (Some("subject-id"), Vec::new(), None, [true, false]),
        (Some("pairwise-id"), Vec::new(), None, [false, true]),
        (Some("any"), Vec::new(), None, [false, true]),
        (Some("none"), Vec::new(), None, [false, false]),
        (Some("none"), both(), None, [false, false]),
        (Some("pairwise-id"), both(), None, [false, true]),
        (Some("urn:unheard-of"), both(), None, [true, true]),
        (None, both(), None, [true, true]),
        (None, Vec::new(), None, [true, false]),
        (Some("none"), Vec::new(), Some(&own[..]), [true, true]),
        (Some("pairwise-id"), Vec::new(), Some(&["mail"]), [false, false]),
    ] {
        assert_eq!(leaves(said, services, policy), expected, "{said:?} {policy:?}");
    }
    let metadata = SpMetadata {
        entity_attributes: vec![EntityAttribute {
            name: REQUIREMENT.to_owned(),
            values: vec!["pairwise-id".to_owned()],
        }],
        ..with(both(), &[])
    };
    let releases = Releases::of(&metadata, &policy(None), &[], None);
    let release = releases.default_service();
    assert_eq!([SUBJECT_ID, PAIRWISE_ID, "mail"].map(|name| release.passes(name)), [false, true, true]);
}
