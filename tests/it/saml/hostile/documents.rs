//! The unsigned fixtures of `tests/data/hostile`, one fault each.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sekisho::saml::error::MessageError as M;
use sekisho::saml::xml::reader::Violation as V;

use super::{Refused, accept_unsigned};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile").join(name)
}

/// Each fixture meets its error, and no fixture is without a test.
fn judge(kind: &str, table: Vec<(&str, Refused)>) {
    let there: BTreeSet<String> = std::fs::read_dir(folder(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let named: BTreeSet<String> = table.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, named);
    for (name, expected) in table {
        let document = std::fs::read(folder(kind).join(format!("{name}.xml"))).unwrap();
        assert_eq!(accept_unsigned(&document).expect_err(name), expected, "{name}");
    }
}

fn malformed(text: &str) -> V {
    V::Malformed(text.to_owned())
}

#[test]
fn hostile_xml_is_refused() {
    let attributes = || malformed("attributes of a start tag");
    let table = vec![
        ("doctype", V::Doctype),
        ("entity_bomb", V::Doctype),
        ("quadratic_entity", V::Doctype),
        ("external_entity", V::Doctype),
        ("parameter_entity", V::Doctype),
        ("unknown_entity", V::Entity("nbsp".into())),
        ("processing_instruction", V::ProcessingInstruction),
        ("stylesheet", V::ProcessingInstruction),
        ("instruction_after_root", V::ProcessingInstruction),
        ("utf_16", V::NotUtf8),
        ("utf_16_declared", V::Declaration),
        ("utf_7_declared", V::Declaration),
        ("latin_1", V::NotUtf8),
        ("overlong_utf_8", V::NotUtf8),
        ("surrogate", V::NotUtf8),
        ("version_1_1", V::Declaration),
        ("late_declaration", V::Declaration),
        ("nul", V::Character('\0')),
        ("nul_reference", V::Entity("#0".into())),
        ("control_character", V::Character('\u{8}')),
        ("signed_reference", V::Entity("#+46".into())),
        ("after_root", V::TextOutsideRoot),
        ("after_root_and_nul", V::Character('\0')),
        ("second_root", V::SecondRoot),
        ("before_root", V::TextOutsideRoot),
        ("cdata_after_root", V::TextOutsideRoot),
        ("truncated", malformed("syntax error: tag not closed: `>` not found before end of input")),
        ("empty", V::Truncated),
        ("only_a_comment", V::Truncated),
        ("deep", V::Depth(64)),
        ("many_elements", V::Elements(1_000)),
        ("many_attributes", V::Attributes(64)),
        ("many_namespaces", V::Namespaces(64)),
        ("large", V::TooLarge { found: 131_325, limit: 131_072 }),
        ("relative_namespace", V::RelativeNamespace("relative".into())),
        ("relative_namespace_prefixed", V::RelativeNamespace("../relative".into())),
        ("undeclared_prefix", V::UndeclaredPrefix("p".into())),
        ("rebound_xml_prefix", V::ReservedPrefix("xml".into())),
        ("undeclaring_prefix", V::ReservedPrefix("p".into())),
        ("attribute_twice", V::DuplicateAttribute("ID".into())),
        ("attribute_twice_by_namespace", V::DuplicateAttribute("y".into())),
        ("two_colons", malformed("\"a:b:c\" is no name")),
        (
            "mismatched_tags",
            malformed(
                "ill-formed document: expected `</samlp:AuthnRequest>`, but `</samlp:Authnrequest>` was found",
            ),
        ),
        ("less_than_in_attribute", malformed("< in an attribute value")),
        ("attributes_without_space", attributes()),
        ("cdata_end_in_text", malformed("]]> in text")),
        (
            "double_hyphen_in_comment",
            malformed("ill-formed document: forbidden string `--` was found in a comment"),
        ),
    ];
    judge("xml", table.into_iter().map(|(name, violation)| (name, Refused::Xml(violation))).collect());
}

#[test]
fn hostile_messages_are_refused() {
    let root = |found: &str| M::Root { found: found.to_owned(), expected: "samlp:AuthnRequest" };
    let value = |attribute, value: &str| M::Value { attribute, value: value.to_owned() };
    let instant = |text: &str| M::IssueInstant(text.to_owned());
    let table = vec![
        ("response_for_a_request", root("Response")),
        ("other_namespace", root("AuthnRequest")),
        ("version_1_1", M::Version("1.1".into())),
        ("no_version", M::Version(String::new())),
        ("no_id", M::Id),
        ("empty_id", M::Id),
        ("long_id", M::Id),
        ("id_with_blank", M::Id),
        ("id_with_markup", M::Id),
        ("id_with_line_feed", M::Id),
        ("id_beyond_ascii", M::Id),
        ("instant_empty", instant("")),
        ("instant_word", instant("now")),
        ("instant_date", instant("2026-01-02")),
        ("instant_month_13", instant("2026-13-02T03:04:05Z")),
        ("instant_blank", instant("2026-01-02 03:04:05Z")),
        ("instant_no_seconds", instant("2026-01-02T03:04Z")),
        ("instant_no_minutes", instant("2026-01-02T03Z")),
        ("instant_basic", instant("20260102T030405Z")),
        ("instant_named_zone", instant("2026-01-02T03:04:05+09:00[Asia/Tokyo]")),
        ("instant_comma", instant("2026-01-02T03:04:05,5Z")),
        ("instant_hour_25", instant("2026-01-02T25:04:05Z")),
        ("instant_offset_25", instant("2026-01-02T03:04:05+25:00")),
        ("instant_digits", instant("1767323045")),
        ("instant_far_year", instant("999999-01-02T03:04:05Z")),
        ("instant_trailing", instant("2026-01-02T03:04:05Zx")),
        ("no_issuer", M::NoIssuer),
        ("empty_issuer", M::NoIssuer),
        ("second_issuer", M::SecondIssuer),
        ("issuer_with_element", M::Issuer),
        ("issuer_of_other_format", M::Issuer),
        ("long_issuer", M::Issuer),
        ("issuer_of_other_namespace", M::NoIssuer),
        ("force_authn_maybe", value("ForceAuthn", "maybe")),
        ("passive_TRUE", value("IsPassive", "TRUE")),
        ("index_too_large", value("AssertionConsumerServiceIndex", "65536")),
        ("index_negative", value("AssertionConsumerServiceIndex", "-1")),
        ("service_index_too_large", value("AttributeConsumingServiceIndex", "65536")),
        ("service_index_word", value("AttributeConsumingServiceIndex", "first")),
        ("subject_confirmed", M::SubjectConfirmation),
        ("subject_confirmed_alone", M::SubjectConfirmation),
        ("two_policies", M::Twice("NameIDPolicy")),
        ("two_subjects", M::Twice("Subject")),
        ("subject_clear_and_encrypted", M::Twice("the identifier of the Subject")),
        ("subject_of_another_kind", M::Subject("BaseID")),
        ("two_contexts", M::Twice("RequestedAuthnContext")),
        ("comparison_unknown", M::Comparison("worse".into())),
        ("two_name_ids", M::Twice("NameID")),
    ];
    judge("message", table.into_iter().map(|(name, error)| (name, Refused::Message(error))).collect());
}

/// Comments and CDATA sections do not cut what is read.
#[test]
fn the_issuer_is_read_whole() {
    let document = std::fs::read_to_string(folder("message/no_issuer.xml")).unwrap();
    let issuer = "<saml:Issuer>https://sp.example<!-- x -->.evil<![CDATA[.example]]>&#x2E;org</saml:Issuer>";
    let document = document.replace("</samlp:AuthnRequest>", &format!("{issuer}</samlp:AuthnRequest>"));
    assert_eq!(accept_unsigned(document.as_bytes()).unwrap().issuer, "https://sp.example.evil.example.org");
}

/// Nothing that a message names is fetched: an XInclude is an element like any other.
#[test]
fn an_xinclude_is_not_followed() {
    let document = std::fs::read_to_string(folder("message/no_issuer.xml")).unwrap();
    let include = "<saml:Issuer>a<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" \
         href=\"file:///etc/hostname\" parse=\"text\"/></saml:Issuer>";
    let document = document.replace("</samlp:AuthnRequest>", &format!("{include}</samlp:AuthnRequest>"));
    assert_eq!(accept_unsigned(document.as_bytes()).unwrap_err(), Refused::Message(M::Issuer));
}
