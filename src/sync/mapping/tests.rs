//! What becomes of an object by rules, what is refused of it, and which rules cannot be.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::identity::Attributes;

const TANAKA: &str = "CN=Tanaka,OU=Sales,DC=example,DC=jp";

fn rules(text: &str) -> Vec<RuleText> {
    #[derive(serde::Deserialize)]
    struct Page {
        #[serde(default)]
        map: Vec<RuleText>,
    }
    toml::from_str::<Page>(text).unwrap_or_else(|error| panic!("{error}")).map
}

/// Rules of users, one a line: `path = ".."` and what else belongs to it.
fn users(lines: &[&str]) -> Vec<RuleText> {
    let table = |line: &&str| {
        format!(
            "[[map]]
object = \"user\"
{}
",
            line.replace(
                "; ", "
"
            )
        )
    };
    rules(&lines.iter().map(table).collect::<Vec<_>>().concat())
}

fn mapping(lines: &[&str]) -> Result<Mapping, MappingError> {
    Mapping::new(ObjectType::User, users(lines), Vec::new(), Arc::default())
}

fn person(attributes: &[(&str, &[&str])]) -> SourceObject {
    let attributes = attributes.iter().map(|(name, values)| (*name, values.to_vec()));
    SourceObject {
        key: ObjectKey::new(ObjectType::User, "00112233-4455-6677-8899-aabbccddeeff"),
        dn: TANAKA.to_owned(),
        active: true,
        attributes: attributes.collect::<Attributes>(),
        facts: BTreeMap::new(),
        parent: Some(ObjectKey::new(ObjectType::Organization, "o")),
        members: BTreeSet::from([ObjectKey::new(ObjectType::User, "m")]),
    }
}

/// Knows a boss and a group.
fn resolve(dn: &str) -> Option<ObjectKey> {
    match dn {
        "CN=Boss" => Some(ObjectKey::new(ObjectType::User, "boss")),
        "CN=Group" => Some(ObjectKey::new(ObjectType::Group, "group")),
        _ => None,
    }
}

fn values(lines: &[&str], attributes: &[(&str, &[&str])]) -> Value {
    let desired = mapping(lines).unwrap().map(&person(attributes), &resolve).unwrap();
    json!(desired.values)
}

fn fault(lines: &[&str], attributes: &[(&str, &[&str])]) -> InvalidFault {
    let faults = mapping(lines).unwrap().map(&person(attributes), &resolve).unwrap_err();
    let [one] = &faults[..] else { panic!("{faults:?}") };
    one.fault.clone()
}

#[test]
fn an_object_becomes_what_the_rules_say() {
    let lines = [
        "path = \"userName\"; source = \"lower(mail)\"; required = true",
        "path = \"title\"; source = \"title\"",
        "path = \"userType\"; default = \"Employee\"",
        "path = \"locale\"; source = \"preferredLanguage\"; default = \"ja-JP\"; when = \"creation\"",
        "path = \"password\"; random = true",
        "path = \"manager.value\"; source = \"manager\"; reference = \"user\"",
        "path = \"owners\"; source = \"all(owner)\"; reference = \"user\"",
        "path = \"parent.value\"; source = \"@parent\"",
        "path = \"members\"; source = \"@members\"",
    ];
    let match_by = vec!["locale".to_owned(), "title".to_owned(), "userName".to_owned()];
    let mapping = Mapping::new(ObjectType::User, users(&lines), match_by, Arc::default()).unwrap();
    assert_eq!(mapping.secret_paths().collect::<Vec<_>>(), ["password"]);
    let person = person(&[
        ("mail", &["Tanaka@example.jp"]),
        ("manager", &["CN=Boss"]),
        ("owner", &["CN=Group", "CN=Boss", "CN=Nobody"]),
    ]);
    let text = str::to_owned;
    let boss = ObjectKey::new(ObjectType::User, "boss");
    let expected = Desired {
        key: person.key.clone(),
        dn: text(TANAKA),
        active: true,
        values: BTreeMap::from([
            (text("userName"), json!("tanaka@example.jp")),
            (text("userType"), json!("Employee")),
        ]),
        at_creation: BTreeMap::from([(text("locale"), json!("ja-JP"))]),
        random: vec![text("password")],
        references: BTreeMap::from([
            (text("manager.value"), Reference::One(boss.clone())),
            (text("owners"), Reference::Many(BTreeSet::from([boss]))),
            (text("parent.value"), Reference::One(ObjectKey::new(ObjectType::Organization, "o"))),
            (text("members"), Reference::Many(person.members.clone())),
        ]),
        match_by: vec![(text("locale"), text("ja-JP")), (text("userName"), text("tanaka@example.jp"))],
    };
    assert_eq!(mapping.map(&person, &resolve), Ok(expected));
    assert_eq!(mapping.attributes(), ["mail", "title", "preferredLanguage", "manager", "owner"]);
    assert_eq!(mapping.members(), Some("members"));
}

#[test]
fn a_reference_is_to_an_object_of_its_type_that_is_carried() {
    let lines = ["path = \"manager.value\"; source = \"manager\"; reference = \"user\""];
    for manager in ["CN=Group", "CN=Nobody"] {
        let desired = mapping(&lines).unwrap().map(&person(&[("manager", &[manager])]), &resolve).unwrap();
        assert_eq!(desired.references, BTreeMap::new(), "{manager}");
    }
    let required = ["path = \"manager.value\"; source = \"manager\"; reference = \"user\"; required = true"];
    assert_eq!(fault(&required, &[("manager", &["CN=Nobody"])]), InvalidFault::Missing);
    let no_dn = ["path = \"manager.value\"; source = \"present(manager)\"; reference = \"user\""];
    assert_eq!(fault(&no_dn, &[]), InvalidFault::NoDn);
}

#[test]
fn nobody_in_a_group_is_said_too() {
    let mut empty = person(&[]);
    empty.members.clear();
    let mapping = mapping(&["path = \"members\"; source = \"@members\""]).unwrap();
    let desired = mapping.map(&empty, &resolve).unwrap();
    assert_eq!(desired.references.get("members"), Some(&Reference::Many(BTreeSet::new())));
}

#[test]
fn what_equals_another_value_is_left_out() {
    let lines = [
        "path = \"emails[type eq \\\"work\\\"].value\"; source = \"mail\"; omit_if_equal = \"userName\"",
        "path = \"userName\"; source = \"userPrincipalName\"",
    ];
    let table = [
        ("Ä@example.jp", "ä@EXAMPLE.jp", json!({"userName": "ä@EXAMPLE.jp"})),
        ("b@x", "a@x", json!({"emails[type eq \"work\"].value": "b@x", "userName": "a@x"})),
    ];
    for (mail, upn, expected) in table {
        assert_eq!(values(&lines, &[("mail", &[mail]), ("userPrincipalName", &[upn])]), expected);
    }
    let absent = values(&lines, &[("mail", &["b@x"])]);
    assert_eq!(absent, json!({"emails[type eq \"work\"].value": "b@x"}));
    assert_eq!(values(&lines, &[]), json!({}));
}

#[test]
fn a_value_that_does_not_pass_is_said_with_its_remedy() {
    let pattern = ["path = \"a\"; source = \"all(cn)\"; pattern = \"[a-z]+|x\""];
    let length = ["path = \"a\"; source = \"cn\"; max_length = 2"];
    let one_of = ["path = \"a\"; source = \"cn\"; one_of = [\"x\", \"y\"]"];
    let required = ["path = \"a\"; source = \"cn\"; required = true"];
    let table: [(&[&str], &[&str], Option<InvalidFault>); 9] = [
        (&pattern, &["abc", "x"], None),
        (&pattern, &["abc", "x1"], Some(InvalidFault::Pattern("[a-z]+|x".to_owned()))),
        (&pattern, &["x\ny"], Some(InvalidFault::Pattern("[a-z]+|x".to_owned()))),
        (&length, &["田中"], None),
        (&length, &["田中太"], Some(InvalidFault::TooLong { length: 3, most: 2 })),
        (&one_of, &["y"], None),
        (&one_of, &["Y"], Some(InvalidFault::NotOneOf(vec!["x".to_owned(), "y".to_owned()]))),
        (&required, &[""], Some(InvalidFault::Missing)),
        (&required, &["x"], None),
    ];
    for (lines, cn, expected) in table {
        let found = mapping(lines).unwrap().map(&person(&[("cn", cn)]), &resolve);
        let found = found.err().map(|faults| faults[0].fault.clone());
        assert_eq!(found, expected, "{lines:?} {cn:?}");
    }
    let long = "x".repeat(70_000);
    assert_eq!(fault(&length, &[("cn", &[&long])]), InvalidFault::Unbounded(TooLong));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let lines = [
        "path = \"a\"; source = \"lower(sn)\"; required = true",
        "path = \"b\"; source = \"cn\"",
        "path = \"c\"; source = \"cn\"; max_length = 1",
    ];
    let faults = mapping(&lines).unwrap().map(&person(&[("cn", &["secret"])]), &resolve).unwrap_err();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            format!(
                "{TANAKA}: a (from lower(sn)): there is no value, and the target needs one: fill it in the directory, \
                 or give the rule a default"
            ),
            format!(
                "{TANAKA}: c (from cn): the value has 6 characters, and max_length is 1: shorten it, or cut it by \
                 substring(..)"
            ),
        ]
    );
}

#[test]
fn single_rules_are_replaced_removed_and_added() {
    let base = mapping(&["path = \"userName\"; source = \"mail\"", "path = \"title\"; source = \"title\""]);
    let own = users(&[
        "path = \"USERNAME\"; source = \"uid\"",
        "path = \"title\"; when = \"never\"",
        "path = \"nickName\"; source = \"sn\"",
    ]);
    let changed = base.unwrap().overridden(own).unwrap();
    let attributes: [(&str, &[&str]); 4] =
        [("uid", &["u"]), ("mail", &["m"]), ("title", &["t"]), ("sn", &["s"])];
    let desired = changed.map(&person(&attributes), &resolve).unwrap();
    assert_eq!(json!(desired.values), json!({"nickName": "s", "userName": "u"}));
    assert_eq!(changed.paths().collect::<Vec<_>>(), ["userName", "nickName"]);
}

#[test]
fn tables_are_looked_up() {
    let lines = users(&["path = \"a\"; source = \"lookup(\\\"cities\\\", l)\""]);
    let table = BTreeMap::from([("東京".to_owned(), "Tokyo".to_owned())]);
    let tables = Arc::new(Tables::from([("cities".to_owned(), table)]));
    let base = mapping(&[]).unwrap();
    let error = base.overridden(lines.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rule for \"a\" of user: source: there is no lookup table \"cities\": add it, or correct the name"
    );
    let mapping = base.with_tables(tables).overridden(lines).unwrap();
    let desired = mapping.map(&person(&[("l", &["東京"])]), &resolve).unwrap();
    assert_eq!(json!(desired.values), json!({"a": "Tokyo"}));
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let table: [(&[&str], &str); 15] = [
        (&["path = \"a\""], "name a source, a default, or random = true"),
        (&["path = \"\"; source = \"cn\""], "path must be 1 to 1024 octets"),
        (&["path = \" a\"; source = \"cn\""], "path must be 1 to 1024 octets"),
        (&["path = \"a\"; source = \"lwoer(cn)\""], "source: character 1: there is no function \"lwoer\""),
        (
            &["path = \"a\"; source = \"cn\"; pattern = \"(\""],
            "pattern: no regular expression: unclosed group",
        ),
        (&["path = \"a\"; default = \"x\"; one_of = [\"y\"]"], "default does not pass"),
        (&["path = \"a\"; source = \"cn\"; default = \"\""], "default does not pass"),
        (&["path = \"a\"; source = \"cn\"; random = true"], "random cannot be beside source"),
        (&["path = \"a\"; source = \"@members\"; default = \"x\""], "\"@parent\" cannot be beside default"),
        (
            &["path = \"a\"; source = \"m\"; reference = \"user\"; when = \"creation\""],
            "reference cannot be beside when = \"creation\"",
        ),
        (
            &["path = \"a\"; source = \"@members\"", "path = \"b\"; source = \"@members\""],
            "another rule with the source @members",
        ),
        (&["path = \"a\"; source = \"cn\"", "path = \"A\"; source = \"sn\""], "there are two rules"),
        (&["path = \"a\"; when = \"never\""], "no rule fills this path"),
        (&["path = \"a\"; source = \"cn\"; omit_if_equal = \"b\""], "omit_if_equal: no rule fills \"b\""),
        (
            &["path = \"a\"; source = \"cn\"; required = true; omit_if_equal = \"a\""],
            "required cannot be beside omit_if_equal",
        ),
    ];
    for (lines, reason) in table {
        let error = mapping(lines).unwrap_err();
        assert_eq!(error.0.len(), 1, "{error}");
        assert!(error.to_string().contains(reason), "{lines:?}: {error}");
    }
    let group = rules("[[map]]\nobject = \"group\"\npath = \"a\"\nsource = \"cn\"\n");
    let error = mapping(&[]).unwrap().overridden(group).unwrap_err();
    assert_eq!(error.to_string(), "rule for \"a\" of group: this is the mapping of user: correct object");
    let error = mapping(&["path = \"a\"; source = \"(\"", "path = \"b\""]).unwrap_err();
    assert_eq!(error.0.len(), 2, "{error}");
}

#[test]
fn a_target_is_matched_by_what_is_filled() {
    let base = mapping(&["path = \"a\"; source = \"cn\"", "path = \"p\"; random = true"]).unwrap();
    assert_eq!(base.changed(Vec::new(), Some(&["a".to_owned()])).unwrap().match_by(), ["a"]);
    for path in ["p", "b"] {
        let error = base.changed(Vec::new(), Some(&[path.to_owned()])).unwrap_err();
        assert!(error.to_string().contains("no rule fills it"), "{error}");
    }
}

#[test]
fn unknown_keys_and_types_are_refused() {
    for rule in ["sorce = \"cn\"", "when = \"sometimes\"", "reference = \"users\""] {
        let text = format!("object = \"user\"\npath = \"a\"\n{rule}\n");
        assert!(toml::from_str::<RuleText>(&text).is_err(), "{rule}");
    }
}

fn with_octets(attributes: &[(&str, &[&str])]) -> SourceObject {
    let mut person = person(attributes);
    for name in ["title", "objectGUID"] {
        person.attributes.insert(name, vec![crate::identity::Value::Binary(vec![0xff, 0])]);
    }
    person
}

#[test]
fn octets_are_told_and_what_the_target_has_stays() {
    let lines = [
        "path = \"a\"; source = \"title\"",
        "path = \"b\"; source = \"first(lower(title), cn)\"",
        "path = \"c\"; source = \"title\"; default = \"Staff\"",
        "path = \"d\"; source = \"first(cn, title)\"",
        "path = \"e\"; source = \"base64(title)\"",
        "path = \"f\"; source = \"if(present(title), cn, \\\"none\\\")\"",
        "path = \"g\"; source = \"@guid_base64\"",
        "path = \"h.value\"; source = \"all(title)\"; reference = \"user\"",
    ];
    let mapping = mapping(&lines).unwrap();
    let person = with_octets(&[("cn", &["Taro"])]);
    let desired = mapping.map(&person, &resolve).unwrap();
    assert_eq!(
        (json!(desired.values), json!(desired.at_creation), desired.references),
        (
            json!({ "b": "Taro", "c": "Staff", "d": "Taro", "e": "/wA=", "f": "none", "g": "MyIRAFVEd2aImaq7zN3u/w==" }),
            json!({ "a": null, "h.value": null }),
            BTreeMap::new()
        )
    );
    let told = mapping.unread(&person);
    let paths: Vec<_> = told.iter().map(|one| (one.path.as_str(), one.kept)).collect();
    assert_eq!(paths, [("a", true), ("b", false), ("c", false), ("h.value", true)]);
    assert_eq!(
        told[0].to_string(),
        "CN=Tanaka,OU=Sales,DC=example,DC=jp: title holds octets that are no text: a, and what is written together with \
         it, stays at the target as it is; correct it in the directory, or carry it by base64(title)"
    );
    assert_eq!(
        Unread::sentences(&vec![told[1].clone(); 23])[20..],
        ["3 more times an attribute holds octets that are no text: title"]
    );
}

#[test]
fn a_required_value_of_octets_is_called_that() {
    let mapping = mapping(&["path = \"a\"; source = \"title\"; required = true"]).unwrap();
    let faults = mapping.map(&with_octets(&[]), &resolve).unwrap_err();
    assert_eq!(faults[0].fault, InvalidFault::NoText("title".to_owned()));
    assert_eq!(mapping.map(&person(&[]), &resolve).unwrap_err()[0].fault, InvalidFault::Missing);
}
