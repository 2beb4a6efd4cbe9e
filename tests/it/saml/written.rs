//! What we write is valid for xmlsec1, samael and bergshamra, is its own canonical form, and comes back to the octet
//! through parsers that are not ours.

use quick_xml::NsReader;
use quick_xml::events::Event;
use sekisho::identity::{Attributes, Value};
use sekisho::saml::received::Received;
use sekisho::saml::response::Sign;
use sekisho::saml::signature::SignatureAlgorithm;
use sekisho::saml::xml::canonical::{self, Subset};
use sekisho::saml::xml::{Limits, parse};

use super::judges::{self, OF_ASSERTION, OF_ROOT};
use super::keys::{TestKey, p256, p384, sp};
use super::messages::{response, try_response};

const BOTH: Sign = Sign { assertion: true, response: true };
const WAYS: [Sign; 3] =
    [Sign { assertion: true, response: false }, Sign { assertion: false, response: true }, BOTH];

/// What a directory may hold and a careless writer breaks on.
const VALUES: [&str; 14] = [
    "田中 太郎",
    "𠮷野家 \u{20BB7}",
    "👩‍💻🗾",
    "& < > \" ' &amp; &#x41; &lt;",
    "a\rb\nc\td\r\ne",
    " leading and trailing ",
    "\t\n\r",
    "",
    "</saml:AttributeValue><saml:AttributeValue>role=admin",
    "</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>",
    "]]>",
    "<![CDATA[x]]><!-- y --><?z?>",
    "e\u{301} \u{85} \u{2028} \u{FEFF} \u{A0}",
    "\u{10FFFD}\u{E000}\u{FFFD}",
];

fn attributes() -> Attributes {
    let mut attributes = Attributes::new();
    attributes.insert("displayName", VALUES.iter().map(|v| Value::from(*v)).collect());
    attributes.insert("urn:oid:0.9.2342.19200300.100.1.3", vec!["tanaka@example.jp".into()]);
    attributes.insert("a name with \"quotes\" & <brackets>\t\r\n", vec!["x".into()]);
    attributes.insert("objectGUID", vec![Value::Binary(vec![0, 0xff, 0x80])]);
    attributes
}

fn keys() -> Vec<TestKey> {
    let rsa = sp();
    vec![
        rsa.clone(),
        rsa.with(SignatureAlgorithm::RsaSha384),
        rsa.with(SignatureAlgorithm::RsaSha512),
        TestKey::rsa(4096, SignatureAlgorithm::RsaSha256),
        p256().clone(),
        p384().clone(),
        p384().with(SignatureAlgorithm::EcdsaSha512),
    ]
}

#[test]
fn xmlsec1_samael_and_bergshamra_accept_every_signature() {
    for key in keys() {
        for what in WAYS {
            let xml = response(&key, what, "田中", &attributes());
            let case = format!("{:?} {what:?}\n{xml}", sekisho::saml::signature::Signer::algorithm(&key));
            let mut covered = Vec::new();
            if what.response {
                judges::xmlsec1(&xml, &key, OF_ROOT).unwrap_or_else(|e| panic!("{e}\n{case}"));
                covered.push("#_response".to_owned());
            }
            if what.assertion {
                judges::xmlsec1(&xml, &key, OF_ASSERTION).unwrap_or_else(|e| panic!("{e}\n{case}"));
                covered.push("#_assertion".to_owned());
            }
            assert_eq!(judges::bergshamra(&xml, &key), Ok(covered), "{case}");
            let left = judges::samael(&xml, &key).unwrap_or_else(|e| panic!("{e}\n{case}"));
            // samael drops text that is nothing but white space from what it hands back.
            let kept = VALUES.map(|v| if v.trim().is_empty() { "" } else { v });
            assert_eq!(values(&left, "displayName"), kept, "{case}");
            let received = Received::read(xml.as_bytes(), &key.registered()).unwrap();
            assert_eq!(
                (received.response_signed, received.assertion_signed),
                (what.response, what.assertion)
            );
        }
    }
}

/// A judge that says yes to everything would prove nothing.
#[test]
fn every_judge_refuses_a_change_and_a_strange_key() {
    let xml = response(sp(), BOTH, "tanaka", &attributes());
    let changed = xml.replace("tanaka@example.jp", "tanaka@example.cn");
    for (xml, key) in [(&changed, sp()), (&xml, super::keys::attacker())] {
        assert!(judges::xmlsec1(xml, key, OF_ROOT).is_err());
        assert!(judges::xmlsec1(xml, key, OF_ASSERTION).is_err());
        assert!(judges::bergshamra(xml, key).is_err());
        assert!(judges::samael(xml, key).is_err());
        assert!(Received::read(xml.as_bytes(), &key.registered()).is_err());
    }
}

#[test]
fn values_come_back_to_the_octet() {
    let xml = response(sp(), BOTH, " 𠮷&<>\"'\r ", &attributes());
    assert_eq!(values(&xml, "displayName"), VALUES);
    assert_eq!(values(&xml, "objectGUID"), ["AP+A"]);
    assert_eq!(values(&xml, "a name with \"quotes\" & <brackets>\t\r\n"), ["x"]);
    assert_eq!(xpath(&xml, "string(//*[local-name()='NameID'])"), " 𠮷&<>\"'\r ");
    assert_eq!(xpath(&xml, "count(//*[local-name()='AttributeValue'])"), (VALUES.len() + 3).to_string());
    for (at, value) in VALUES.iter().enumerate() {
        let path = format!("string((//*[local-name()='AttributeValue'])[{}])", at + 1);
        assert_eq!(xpath(&xml, &path), *value);
    }
}

/// What XML cannot hold becomes U+FFFD and the message stays readable.
#[test]
fn characters_outside_xml_do_not_make_the_message_unreadable() {
    let mut attributes = Attributes::new();
    attributes.insert("cn", vec!["a\0b\u{1}c\u{FFFE}d".into()]);
    let xml = response(sp(), BOTH, "x", &attributes);
    judges::xmlsec1(&xml, sp(), OF_ROOT).unwrap();
    assert_eq!(values(&xml, "cn"), ["a\u{FFFD}b\u{FFFD}c\u{FFFD}d"]);
}

/// Nobody becomes somebody else by such a character.
#[test]
fn a_name_id_that_xml_cannot_hold_is_not_written() {
    let error = try_response(sp(), BOTH, "a\u{1}b", &attributes()).unwrap_err();
    assert_eq!(error.to_string(), "cannot sign: the NameID holds U+0001, which XML cannot hold");
}

#[test]
fn what_we_write_is_its_own_canonical_form() {
    for what in WAYS {
        let xml = response(sp(), what, "田中", &attributes());
        let root = parse(xml.as_bytes(), &Limits::MESSAGE).unwrap();
        let mut ours = Vec::new();
        canonical::write(&Subset { ancestors: &[], apex: &root, without: None, inclusive: &[] }, &mut ours);
        assert_eq!(String::from_utf8(ours).unwrap(), xml);
        assert_eq!(String::from_utf8(judges::bergshamra_c14n(&xml, &[])).unwrap(), xml);
        assert_eq!(String::from_utf8(judges::xmllint_c14n(xml.as_bytes()).unwrap()).unwrap(), xml);
    }
}

/// The values of an attribute as quick-xml reads them.
fn values(xml: &str, attribute: &str) -> Vec<String> {
    let mut reader = NsReader::from_str(xml);
    let (mut inside, mut found, mut value) = (false, Vec::new(), None::<String>);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) if start.local_name().as_ref() == "Attribute" => {
                let name = start.attributes().map(|a| a.unwrap()).find(|a| a.key.as_ref() == "Name").unwrap();
                inside = quick_xml::escape::unescape(&name.value).unwrap() == attribute;
            }
            Event::Start(start) if inside && start.local_name().as_ref() == "AttributeValue" => {
                value = Some(String::new());
            }
            Event::Empty(empty) if inside && empty.local_name().as_ref() == "AttributeValue" => {
                found.push(String::new());
            }
            Event::End(end) if end.local_name().as_ref() == "AttributeValue" => found.extend(value.take()),
            Event::Text(text) => value = value.map(|v| v + &text),
            Event::GeneralRef(reference) => {
                let text = quick_xml::escape::unescape(&format!("&{};", &*reference)).unwrap().into_owned();
                value = value.map(|v| v + &text);
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

/// What libxml2 says of an XPath expression; xmllint ends its answer with a line feed.
fn xpath(xml: &str, expression: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("document.xml");
    std::fs::write(&document, xml).unwrap();
    let output =
        std::process::Command::new("xmllint").args(["--xpath", expression]).arg(&document).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}
