//! Each preset: somebody of Active Directory and of OpenLDAP goes in, and the exact object comes out; and what holds for all
//! presets.

mod rules;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::identity::{self, Attributes};
use crate::sync::object::{Desired, ObjectKey, Reference, SourceObject};

const GUID: &str = "00112233-4455-6677-8899-aabbccddeeff";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:";
const SEKISHO: &str = "urn:ietf:params:scim:schemas:extension:sekisho:2.0:";

fn object(kind: ObjectType, attributes: &[(&str, &str)]) -> SourceObject {
    let attributes = attributes.iter().map(|(name, value)| (*name, vec![*value]));
    SourceObject {
        key: ObjectKey::new(kind, GUID),
        dn: "CN=x,DC=example,DC=jp".to_owned(),
        active: true,
        attributes: attributes.collect::<Attributes>(),
        facts: BTreeMap::from([
            ("@organization", vec!["営業部".to_owned()]),
            ("@services", vec!["googleapps".to_owned(), "salesforce".to_owned()]),
            ("@roles", vec!["Office365/E3/Exchange".to_owned()]),
        ]),
        parent: Some(ObjectKey::new(ObjectType::Organization, "sales")),
        members: BTreeSet::from([ObjectKey::new(ObjectType::User, "m")]),
    }
}

/// A user of Active Directory with everything.
fn tanaka() -> SourceObject {
    let mut tanaka = object(
        ObjectType::User,
        &[
            ("sAMAccountName", "tanaka"),
            ("userPrincipalName", "tanaka@example.jp"),
            ("mail", "taro.tanaka@example.jp"),
            ("displayName", "田中 太郎"),
            ("cn", "Tanaka Taro"),
            ("givenName", "太郎"),
            ("sn", "田中"),
            ("middleName", "M"),
            ("initials", "TT"),
            ("title", "部長"),
            ("preferredLanguage", "ja"),
            ("telephoneNumber", "03-1234-5678"),
            ("mobile", "090-1234-5678"),
            ("homePhone", "03-9"),
            ("pager", "03-8"),
            ("ipPhone", "7"),
            ("facsimileTelephoneNumber", "03-1234-5679"),
            ("streetAddress", "丸の内1-1"),
            ("l", "千代田区"),
            ("st", "東京都"),
            ("postalCode", "100-0005"),
            ("c", "JP"),
            ("physicalDeliveryOfficeName", "本社"),
            ("company", "Example KK"),
            ("department", "Sales"),
            ("division", "East"),
            ("employeeID", "1234"),
            ("manager", "CN=Boss"),
        ],
    );
    let octets =
        vec![0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
    tanaka.attributes.insert("objectGUID", vec![identity::Value::Binary(octets)]);
    tanaka
}

/// An inetOrgPerson of OpenLDAP.
fn suzuki() -> SourceObject {
    object(
        ObjectType::User,
        &[
            ("uid", "suzuki"),
            ("mail", "Suzuki@example.jp"),
            ("cn", "鈴木 花子"),
            ("sn", "鈴木"),
            ("givenName", "花子"),
            ("street", "港南2-2"),
            ("o", "Example"),
            ("departmentNumber", "42"),
            ("employeeNumber", "5"),
        ],
    )
}

fn resolve(dn: &str) -> Option<ObjectKey> {
    (dn == "CN=Boss").then(|| ObjectKey::new(ObjectType::User, "boss"))
}

fn mapped(preset: &str, object: &SourceObject) -> Desired {
    let preset = Preset::named(preset).unwrap_or_else(|error| panic!("{error}"));
    preset.types[&object.key.kind].mapping.map(object, &resolve).unwrap()
}

/// Everything that differs between objects is in it.
fn assert_mapped(
    preset: &str,
    object: &SourceObject,
    values: &Value,
    references: &[(&str, Reference)],
    found: &[&str],
) {
    let desired = mapped(preset, object);
    let text =
        |path: &&str| values.get(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}")).to_owned();
    let expected = Desired {
        key: object.key.clone(),
        dn: object.dn.clone(),
        active: true,
        match_by: found.iter().map(|path| ((*path).to_owned(), text(path))).collect(),
        values: serde_json::from_value(values.clone()).unwrap(),
        at_creation: BTreeMap::new(),
        random: if preset == "secioss" && object.key.kind == ObjectType::User {
            vec!["password".to_owned()]
        } else {
            Vec::new()
        },
        references: references.iter().map(|(path, to)| ((*path).to_owned(), to.clone())).collect(),
    };
    assert_eq!(desired, expected, "{preset}");
}

fn one(kind: ObjectType, id: &str) -> Reference {
    Reference::One(ObjectKey::new(kind, id))
}

fn members() -> Reference {
    Reference::Many(BTreeSet::from([ObjectKey::new(ObjectType::User, "m")]))
}

#[test]
fn generic_carries_the_standards_user() {
    let values = json!({
        "userName": "tanaka@example.jp",
        "externalId": GUID,
        "displayName": "田中 太郎",
        "name.givenName": "太郎",
        "name.familyName": "田中",
        "name.middleName": "M",
        "title": "部長",
        "preferredLanguage": "ja",
        "emails[type eq \"work\"].value": "taro.tanaka@example.jp",
        "emails[type eq \"work\"].primary": true,
        "phoneNumbers[type eq \"work\"].value": "03-1234-5678",
        "phoneNumbers[type eq \"mobile\"].value": "090-1234-5678",
        "phoneNumbers[type eq \"fax\"].value": "03-1234-5679",
        "phoneNumbers[type eq \"home\"].value": "03-9",
        "phoneNumbers[type eq \"pager\"].value": "03-8",
        "addresses[type eq \"work\"].streetAddress": "丸の内1-1",
        "addresses[type eq \"work\"].locality": "千代田区",
        "addresses[type eq \"work\"].region": "東京都",
        "addresses[type eq \"work\"].postalCode": "100-0005",
        "addresses[type eq \"work\"].country": "JP",
        format!("{ENTERPRISE}employeeNumber"): "1234",
        format!("{ENTERPRISE}organization"): "Example KK",
        format!("{ENTERPRISE}division"): "East",
        format!("{ENTERPRISE}department"): "Sales",
    });
    let manager = format!("{ENTERPRISE}manager.value");
    let references = [(manager.as_str(), one(ObjectType::User, "boss"))];
    assert_mapped("generic", &tanaka(), &values, &references, &["externalId", "userName"]);

    let values = json!({
        "userName": "Suzuki@example.jp",
        "externalId": GUID,
        "displayName": "鈴木 花子",
        "name.givenName": "花子",
        "name.familyName": "鈴木",
        "emails[type eq \"work\"].value": "Suzuki@example.jp",
        "emails[type eq \"work\"].primary": true,
        "addresses[type eq \"work\"].streetAddress": "港南2-2",
        format!("{ENTERPRISE}employeeNumber"): "5",
        format!("{ENTERPRISE}organization"): "Example",
        format!("{ENTERPRISE}department"): "42",
    });
    assert_mapped("generic", &suzuki(), &values, &[], &["externalId", "userName"]);

    let bare = object(ObjectType::User, &[("uid", "sato"), ("cn", "佐藤")]);
    let values = json!({
        "userName": "sato",
        "externalId": GUID,
        "displayName": "佐藤",
        "name.familyName": "佐藤",
        format!("{ENTERPRISE}organization"): "営業部",
    });
    assert_mapped("generic", &bare, &values, &[], &["externalId", "userName"]);
}

#[test]
fn generic_carries_groups() {
    let group = object(ObjectType::Group, &[("cn", "staff")]);
    let values = json!({"displayName": "staff", "externalId": GUID});
    let references = [("members", members())];
    assert_mapped("generic", &group, &values, &references, &["externalId", "displayName"]);
    let group = object(ObjectType::SecurityGroup, &[("cn", "staff"), ("displayName", "Staff")]);
    let values =
        json!({"displayName": "Staff", "externalId": GUID, format!("{SEKISHO}Group:type"): "security"});
    assert_mapped("generic", &group, &values, &references, &["externalId", "displayName"]);
}

#[test]
fn diligent_one_gets_its_fields() {
    let values = json!({
        "userName": "taro.tanaka@example.jp",
        "externalId": GUID,
        "name.givenName": "太郎",
        "name.familyName": "田中",
        "name.initials": "TT",
        "name.middleName": "M",
        "title": "部長",
        "phoneNumbers[type eq \"work\"].value": "03-1234-5678",
        "phoneNumbers[type eq \"home\"].value": "03-9",
        "phoneNumbers[type eq \"mobile\"].value": "090-1234-5678",
        "addresses[type eq \"work\"].streetAddress": "丸の内1-1",
        "addresses[type eq \"work\"].locality": "千代田区",
        "addresses[type eq \"work\"].region": "東京都",
        "addresses[type eq \"work\"].country": "JP",
        "addresses[type eq \"work\"].postalCode": "100-0005",
        "addresses[type eq \"work\"].location": "本社",
    });
    assert_mapped("diligent-one", &tanaka(), &values, &[], &["externalId", "userName"]);
    let by_upn = object(ObjectType::User, &[("userPrincipalName", "u@x"), ("givenName", "g"), ("cn", "c")]);
    let values =
        json!({"userName": "u@x", "externalId": GUID, "name.givenName": "g", "name.familyName": "c"});
    assert_mapped("diligent-one", &by_upn, &values, &[], &["externalId", "userName"]);
}

/// D5 of the specification.
#[test]
fn diligent_one_requires_a_name_and_both_its_parts() {
    let preset = Preset::named("diligent-one").unwrap();
    let faults = preset.types[&ObjectType::User].mapping.map(&object(ObjectType::User, &[]), &resolve);
    let paths: Vec<String> = faults.unwrap_err().into_iter().map(|fault| fault.path).collect();
    assert_eq!(paths, ["userName", "name.givenName", "name.familyName"]);
}

#[test]
fn diligent_one_has_thirteen_fields_more() {
    let field = |number| {
        let path =
            format!("urn:ietf:params:scim:schemas:extension:Diligent:2.0:User:externalField{number}Value");
        rule("user", &path, "source = \"ipPhone\"")
    };
    let preset = || Preset::named("diligent-one").unwrap();
    let all: Vec<RuleText> = (1..=13).map(field).collect();
    let filled = preset().overridden(&by(all)).unwrap();
    let desired = filled.types[&ObjectType::User].mapping.map(&tanaka(), &resolve).unwrap();
    let fields = desired.values.iter().filter(|(path, _)| path.contains("Diligent"));
    assert_eq!(fields.map(|(_, value)| value.clone()).collect::<Vec<_>>(), vec![json!("7"); 13]);
    for number in [0, 14] {
        let error = preset().overridden(&by(vec![field(number)])).unwrap_err().to_string();
        assert!(error.contains("no such attribute; it has externalField1Value, "), "{error}");
    }
}

#[test]
fn six_clicks_gets_its_fields() {
    let found = ["emails[type eq \"work\"].value", "userName"];
    let values = json!({
        "emails[type eq \"work\"].value": "taro.tanaka@example.jp",
        "emails[type eq \"work\"].primary": true,
        "userName": "tanaka@example.jp",
        "name.givenName": "太郎",
        "name.familyName": "田中",
        "externalId": GUID,
    });
    assert_mapped("6clicks", &tanaka(), &values, &[], &found);
    let values = json!({
        "emails[type eq \"work\"].value": "Suzuki@example.jp",
        "emails[type eq \"work\"].primary": true,
        "userName": "suzuki@example.jp",
        "name.givenName": "花子",
        "name.familyName": "鈴木",
        "externalId": GUID,
    });
    assert_mapped("6clicks", &suzuki(), &values, &[], &found);
    for kind in [ObjectType::Group, ObjectType::Role] {
        let group = object(kind, &[("cn", "staff"), ("displayName", "Staff")]);
        let values = json!({"displayName": "Staff", "externalId": GUID});
        assert_mapped("6clicks", &group, &values, &[("members", members())], &["displayName"]);
    }
}

#[test]
fn trustlogin_gets_its_fields() {
    let values = json!({
        "userName": "tanaka@example.jp",
        "displayName": "田中 太郎",
        "title": "部長",
        "name.givenName": "太郎",
        "name.familyName": "田中",
        "addresses[type eq \"work\"].streetAddress": "丸の内1-1",
        "addresses[type eq \"work\"].locality": "千代田区",
        "addresses[type eq \"work\"].region": "東京都",
        "addresses[type eq \"work\"].postalCode": "100-0005",
        "addresses[type eq \"work\"].country": "JP",
        "phoneNumbers[type eq \"work\"].value": "03-1234-5678",
        "phoneNumbers[type eq \"mobile\"].value": "090-1234-5678",
        "phoneNumbers[type eq \"fax\"].value": "03-1234-5679",
        format!("{ENTERPRISE}organization"): "Example KK",
        format!("{ENTERPRISE}department"): "Sales",
        "emails[type eq \"other\"].value": "MyIRAFVEd2aImaq7zN3u/w==",
        "emails[type eq \"work\"].value": "taro.tanaka@example.jp",
        "externalId": GUID,
    });
    assert_mapped("trustlogin", &tanaka(), &values, &[], &["userName"]);
}

/// T3 and T4 of the specification.
#[test]
fn trustlogin_gets_no_address_that_equals_the_user_name_and_the_older_immutable_id() {
    let mut tanaka = tanaka();
    tanaka.attributes.insert("mail", vec!["Tanaka@EXAMPLE.jp".into()]);
    tanaka.attributes.insert("mS-DS-ConsistencyGuid", vec![identity::Value::Binary(vec![0; 16])]);
    let values = mapped("trustlogin", &tanaka).values;
    assert_eq!(values.get("emails[type eq \"work\"].value"), None);
    assert_eq!(values["emails[type eq \"other\"].value"], json!("AAAAAAAAAAAAAAAAAAAAAA=="));
    assert_eq!(mapped("trustlogin", &suzuki()).values.get("emails[type eq \"work\"].value"), None);
}

#[test]
fn secioss_gets_users_with_their_rights() {
    let organization = format!("{SEKISHO}User:organization.value");
    let manager = format!("{ENTERPRISE}manager.value");
    let references = [
        (manager.as_str(), one(ObjectType::User, "boss")),
        (organization.as_str(), one(ObjectType::Organization, "sales")),
    ];
    let values = |roles: Value| {
        json!({
            "userName": "tanaka",
            "externalId": GUID,
            "displayName": "田中 太郎",
            "name.givenName": "太郎",
            "name.familyName": "田中",
            "emails[type eq \"work\"].value": "taro.tanaka@example.jp",
            "emails[type eq \"work\"].primary": true,
            "phoneNumbers[type eq \"work\"].value": "03-1234-5678",
            "phoneNumbers[type eq \"mobile\"].value": "090-1234-5678",
            "title": "部長",
            "roles": roles,
            format!("{SEKISHO}User:services"): ["googleapps", "salesforce"],
            format!("{ENTERPRISE}organization"): "営業部",
            format!("{ENTERPRISE}department"): "Sales",
        })
    };
    let found = ["externalId", "userName"];
    let mut tanaka = tanaka();
    assert_mapped("secioss", &tanaka, &values(json!(["Office365/E3/Exchange"])), &references, &found);
    tanaka.facts.insert("@admin", vec!["true".to_owned()]);
    assert_mapped(
        "secioss",
        &tanaka,
        &values(json!(["Office365/E3/Exchange", "admin"])),
        &references,
        &found,
    );
}

/// A type, attributes, and the values, references and paths to match by that they become.
type Case<'a> = (ObjectType, &'a [(&'a str, &'a str)], Value, &'a [(&'a str, Reference)], &'a [&'a str]);

#[test]
fn secioss_gets_the_other_types() {
    let parent = || one(ObjectType::Organization, "sales");
    let group_parent = format!("{SEKISHO}Group:parent.value");
    let table: [Case<'_>; 5] = [
        (
            ObjectType::Organization,
            &[("ou", "東日本"), ("description", "d")],
            json!({"displayName": "東日本", "externalId": GUID, "description": "d"}),
            &[("parent.value", parent())],
            &["externalId"],
        ),
        (
            ObjectType::Contact,
            &[("cn", "取引先"), ("mail", "c@x"), ("telephoneNumber", "1"), ("givenName", "g")],
            json!({
                "displayName": "取引先",
                "externalId": GUID,
                "name.givenName": "g",
                "name.familyName": "取引先",
                "emails[type eq \"work\"].value": "c@x",
                "phoneNumbers[type eq \"work\"].value": "1",
            }),
            &[],
            &["externalId"],
        ),
        (
            ObjectType::Group,
            &[("cn", "staff")],
            json!({"displayName": "staff", "externalId": GUID}),
            &[(&group_parent, parent()), ("members", members())],
            &["externalId", "displayName"],
        ),
        (
            ObjectType::SecurityGroup,
            &[("cn", "staff")],
            json!({"displayName": "staff", "externalId": GUID}),
            &[("parent.value", parent()), ("members", members())],
            &["externalId", "displayName"],
        ),
        (
            ObjectType::Role,
            &[("cn", "Exchange")],
            json!({"displayName": "Exchange", "externalId": GUID, "path": "Office365/E3/Exchange"}),
            &[("members", members())],
            &["externalId"],
        ),
    ];
    for (kind, attributes, values, references, found) in table {
        assert_mapped("secioss", &object(kind, attributes), &values, references, found);
    }
}

fn rule(object: &str, path: &str, rest: &str) -> RuleText {
    toml::from_str(&format!("object = \"{object}\"\npath = '{path}'\n{rest}\n")).unwrap()
}

fn by(rules: Vec<RuleText>) -> Overrides {
    Overrides { rules, ..Overrides::default() }
}
