//! The language: tables of what is read, refused and worth what, and properties over all trees and all texts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::syntax::{FUNCTIONS, Fact, Parameter, Pattern, is_attribute};
use super::*;
use crate::identity::{self, Attributes};
use crate::sync::object::{ObjectKey, ObjectType};

fn tanaka() -> SourceObject {
    let mut attributes: Attributes = [
        ("givenName", vec!["太郎"]),
        ("givenName;lang-en", vec!["Taro"]),
        ("sn", vec!["田中"]),
        ("mail", vec!["Tanaka@Example.jp", "taro@example.jp"]),
        ("department", vec!["Sales-East-2"]),
        ("telephoneNumber", vec!["+81 (0)3-1234-5678"]),
        ("title", vec!["", " Manager "]),
        ("employeeType", vec![""]),
        ("locked", vec!["FALSE"]),
        ("lower", vec!["bar\"rier\\"]),
    ]
    .into_iter()
    .collect();
    attributes.insert("photo", vec![identity::Value::Binary(vec![0, 255])]);
    SourceObject {
        key: ObjectKey::new(ObjectType::User, "00112233-4455-6677-8899-aabbccddeeff"),
        dn: "CN=Tanaka,OU=Sales,DC=example,DC=jp".to_owned(),
        active: true,
        attributes,
        facts: BTreeMap::from([
            ("@services", vec!["salesforce".to_owned(), "google".to_owned()]),
            ("@organization", vec!["Sales".to_owned()]),
        ]),
        parent: None,
        members: BTreeSet::new(),
    }
}

fn tables() -> Tables {
    let cities = [("Sales-East-2", "Tokyo"), ("empty", "")];
    let cities = cities.map(|(from, to)| (from.to_owned(), to.to_owned()));
    Tables::from([("cities".to_owned(), BTreeMap::from(cities))])
}

fn worth(text: &str, object: &SourceObject) -> Option<Value> {
    let parsed = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    parsed.evaluate(object, &tables()).unwrap()
}

#[test]
fn each_expression_is_worth_what_the_table_says() {
    let tanaka = tanaka();
    let table = [
        ("GIVENNAME", json!("太郎")),
        (" givenName;lang-en ", json!("Taro")),
        ("attr(\"lower\")", json!("bar\"rier\\")),
        ("mail", json!("Tanaka@Example.jp")),
        ("title", json!(" Manager ")),
        ("\"a\\\"b\\\\\"", json!("a\"b\\")),
        ("all(mail)", json!(["Tanaka@Example.jp", "taro@example.jp"])),
        ("lower(all(mail, \"TARO@example.jp\"))", json!(["taro@example.jp", "tanaka@example.jp"])),
        ("all(if(true, \"admin\"), @services, nothing)", json!(["admin", "google", "salesforce"])),
        ("first(nothing, employeeType, sn)", json!("田中")),
        ("default(photo, \"none\")", json!("none")),
        ("base64(photo)", json!("AP8=")),
        ("base64(sn)", json!("55Sw5Lit")),
        ("join(\" \", sn, nothing, givenName)", json!("田中 太郎")),
        ("join(\",\", @services)", json!("google,salesforce")),
        ("upper(sn)", json!("田中")),
        ("upper(mail)", json!("TANAKA@EXAMPLE.JP")),
        ("trim(title)", json!("Manager")),
        ("substring(telephoneNumber, 1, 2)", json!("81")),
        ("substring(sn, 1, 9)", json!("中")),
        ("replace(mail, \"^([^@]+)@.*$\", \"$1@x.jp\")", json!("Tanaka@x.jp")),
        ("replace(department, \"[0-9-]+\", \" \")", json!("Sales East ")),
        ("only(all(mail), \"^t\")", json!(["taro@example.jp"])),
        ("switch(sn, \"other\", \"佐藤\", \"S\", \"田中\", givenName)", json!("太郎")),
        ("switch(nothing, sn, \"x\", \"y\")", json!("田中")),
        ("switch(@active, \"?\", \"true\", \"Yes\", \"false\", \"No\")", json!("Yes")),
        ("lookup(\"cities\", department)", json!("Tokyo")),
        ("domain(mail)", json!("Example.jp")),
        ("local(mail)", json!("Tanaka")),
        ("split(department, \"-\", 1)", json!("East")),
        ("nfkc(\"Ｔａｒｏ㈱\")", json!("Taro(株)")),
        ("phone(telephoneNumber)", json!("+81312345678")),
        ("phone(\"０３（１２３４）５６７８\")", json!("0312345678")),
        ("phone(\"03-1234-5678 内線 9\")", json!("03-1234-5678 内線 9")),
        ("phone(\"(0)3 12\")", json!("0312")),
        ("if(eq(department, \"Sales-East-2\"), true)", json!(true)),
        ("if(eq(@services, \"google\"), \"yes\", \"no\")", json!("yes")),
        ("if(locked, \"yes\", \"no\")", json!("no")),
        ("if(not(locked), sn)", json!("田中")),
        ("eq(nothing, nothing)", json!(false)),
        ("present(nothing)", json!(false)),
        ("not(nothing)", json!(true)),
        ("@active", json!(true)),
        ("@admin", json!(false)),
        ("@services", json!(["google", "salesforce"])),
        ("@organization", json!("Sales")),
        ("all(@organization)", json!(["Sales"])),
        ("@dn", json!("CN=Tanaka,OU=Sales,DC=example,DC=jp")),
        ("@guid", json!("00112233-4455-6677-8899-aabbccddeeff")),
    ];
    for (text, value) in table {
        assert_eq!(worth(text, &tanaka), Some(value), "{text}");
    }
}

#[test]
fn what_is_missing_has_no_value() {
    let tanaka = tanaka();
    for text in [
        "nothing",
        "employeeType",
        "photo",
        "\"\"",
        "all(employeeType, nothing, photo)",
        "lower(nothing)",
        "first(nothing, employeeType)",
        "join(\", \", nothing)",
        "trim(\"  \")",
        "substring(sn, 2, 4)",
        "substring(sn, 0, 0)",
        "replace(sn, \".\", \"\")",
        "only(sn, \"^x\")",
        "lookup(\"cities\", sn)",
        "lookup(\"cities\", \"empty\")",
        "lookup(\"unknown\", sn)",
        "domain(sn)",
        "local(\"@x\")",
        "split(department, \"-\", 3)",
        "switch(nothing, nothing, \"x\", \"y\")",
        "switch(sn, \"\", \"x\", \"y\")",
        "if(false, sn)",
        "if(@services, sn)",
        "base64(nothing)",
        "phone(\" - \")",
        "@roles",
    ] {
        assert_eq!(worth(text, &tanaka), None, "{text}");
    }
}

#[test]
fn an_administrator_is_who_the_structure_says() {
    let mut tanaka = tanaka();
    for (told, truth) in [(vec!["true"], true), (vec!["false"], false), (vec![], false)] {
        tanaka.facts.insert("@admin", told.into_iter().map(str::to_owned).collect());
        assert_eq!(worth("@admin", &tanaka), Some(json!(truth)));
    }
}

/// The GUID of the example in \[MS-DTYP\] 2.3.4: text and octets differ in their order.
#[test]
fn octets_of_a_guid_are_as_the_directory_holds_them() {
    let mut object = tanaka();
    let of_entry_uuid = "ABEiM0RVZneImaq7zN3u/w==";
    let of_object_guid = "MyIRAFVEd2aImaq7zN3u/w==";
    assert_eq!(worth("@guid_base64", &object), Some(json!(of_entry_uuid)));
    let octets =
        vec![0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
    object.attributes.insert("objectGUID", vec![identity::Value::Binary(octets)]);
    assert_eq!(worth("@guid_base64", &object), Some(json!(of_object_guid)));
    object.attributes.insert("objectGUID", vec![object.key.id.as_str().into()]);
    assert_eq!(worth("@guid_base64", &object), Some(json!(of_object_guid)));
    object.attributes.insert("objectGUID", vec!["ABCDEFGHIJKLMNOP".into()]);
    assert_eq!(
        worth("@guid_base64", &object),
        Some(json!("QUJDREVGR0hJSktMTU5PUA==")),
        "octets that are text"
    );
    object.key.id = "no uuid".to_owned();
    object.attributes.remove("objectGUID");
    assert_eq!(worth("@guid_base64", &object), None);
}

#[test]
fn what_is_no_expression_is_refused_at_its_place() {
    let long = "x".repeat(LONGEST + 1);
    let deep = format!("{}sn{}", "lower(".repeat(DEEPEST), ")".repeat(DEEPEST));
    let with = format!("replace(sn, \"x\", \"{}\")", "y".repeat(257));
    let table: [(&str, usize, &str); 25] = [
        (
            "",
            1,
            "expected an attribute, a function, a text in quotes, or a fact such as @guid, found the end",
        ),
        ("sn givenName", 4, "expected the end, or a comma before it, found \"givenName\""),
        ("lower(sn", 9, "expected \",\" or \")\", found the end"),
        ("田", 1, "found \"田\""),
        ("lower(\"田中\" x)", 12, "expected \",\" or \")\", found \"x)\""),
        ("lwoer(sn)", 1, "there is no function \"lwoer\"; did you mean \"lower\"?"),
        ("first(sn, zzzzzzzz(sn))", 11, "there is no function \"zzzzzzzz\"; known are: all, base64, default"),
        ("@admn", 1, "there is no fact \"@admn\"; did you mean \"@admin\"?"),
        ("@", 1, "there is no fact \"@\"; known are: @active"),
        ("lower", 1, "\"lower\" is a function: write lower(..), or attr(\"lower\")"),
        ("attr", 1, "\"attr\" is a function"),
        ("attr(\"a b\")", 6, "expected the name of an attribute in quotes"),
        ("ms_x", 1, "(others: attr(\"name\")), found \"ms_x\""),
        ("cn;", 1, "with options after \";\""),
        ("lower()", 1, "write lower(a): 0 arguments were given"),
        ("lower(sn, cn)", 1, "write lower(a): 2 arguments were given"),
        ("if(sn, cn, x, y)", 1, "write if(condition, a, b): 4 arguments were given"),
        ("switch(sn, cn, \"x\")", 1, "write switch(a, default, \"x\", y, ..): 3 arguments"),
        ("join(sn, cn)", 6, "expected a text in quotes, found \"sn, cn)\""),
        ("base64(@guid)", 8, "expected an attribute, found \"@guid)\""),
        ("substring(sn, -1, 2)", 15, "expected a number from 0 to 65535, found \"-1, 2)\""),
        ("substring(sn, 1, 65536)", 18, "expected a number from 0 to 65535"),
        ("\"abc", 1, "the text that begins here has no closing \""),
        ("\"a\\d\"", 3, "write \\\\ for a backslash"),
        ("only(sn, \"(\")", 10, "no regular expression: unclosed group"),
    ];
    for (text, position, reason) in table {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.to_string().contains(reason), "{text}: {error}");
    }
    assert_eq!(Expression::parse(&long).unwrap_err().fault, SyntaxFault::TooLong);
    assert_eq!(Expression::parse(&deep).unwrap_err().fault, SyntaxFault::TooDeep);
    assert_eq!(Expression::parse(&with).unwrap_err().fault, SyntaxFault::LongReplacement);
    let large = Expression::parse("only(sn, \"\\\\w{500}{500}\")").unwrap_err();
    assert!(matches!(large.fault, SyntaxFault::Pattern(_)), "{large}");
}

#[test]
fn the_bounds_themselves_are_allowed() {
    assert!(Expression::parse(&"x".repeat(LONGEST)).is_ok());
    let depth = DEEPEST - 1;
    assert!(Expression::parse(&format!("{}sn{}", "lower(".repeat(depth), ")".repeat(depth))).is_ok());
}

#[test]
fn results_that_are_too_long_are_an_error() {
    let mut object = tanaka();
    object.attributes.insert("info", vec!["x".repeat(LONGEST_RESULT).into()]);
    assert!(worth("info", &object).is_some());
    for text in [
        "join(\"\", info, info)",
        "all(info, \"y\")",
        "base64(info)",
        "replace(info, \"x\", \"$0$0\")",
        "replace(all(info), \"x\", \"$0$0\")",
        "lower(join(\"\", info, \"y\"))",
    ] {
        assert_eq!(Expression::parse(text).unwrap().evaluate(&object, &tables()), Err(TooLong), "{text}");
    }
}

#[test]
fn what_must_be_read_is_named_once() {
    let parsed = Expression::parse(
        "first(MAIL, if(@admin, attr(\"x.y\"), lookup(\"a\", mail)), @guid_base64, lookup(\"b\", cn;lang-ja))",
    )
    .unwrap();
    assert_eq!(parsed.attributes(), ["MAIL", "x.y", "objectGUID", "cn;lang-ja"]);
    assert_eq!(parsed.tables(), ["a", "b"]);
    assert!(Expression::parse("join(\"mail\", @dn)").unwrap().attributes().is_empty());
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        "\\PC{0,8}".prop_map(Node::Text),
        any::<bool>().prop_map(Node::Bool),
        attribute(),
        (0..Fact::ALL.len()).prop_map(|at| Node::Fact(Fact::ALL[at].1)),
    ]
}

fn attribute() -> impl Strategy<Value = Node> {
    let names = prop_oneof!["[a-zA-Z0-9._-]{1,8}(;[a-z-]{1,5}){0,2}", Just("lower".to_owned())];
    names.prop_map(|name| {
        assert!(is_attribute(&name));
        Node::Attribute(name)
    })
}

fn fitting(place: Parameter, any: BoxedStrategy<Node>) -> BoxedStrategy<Node> {
    match place {
        Parameter::Any => any,
        Parameter::Attribute => attribute().boxed(),
        Parameter::Text | Parameter::Replacement => "\\PC{0,8}".prop_map(Node::Text).boxed(),
        Parameter::Number => (0..65_536_usize).prop_map(Node::Number).boxed(),
        Parameter::Pattern => "\\PC{0,8}"
            .prop_map(|text| Node::Pattern(Pattern(regex::Regex::new(&regex::escape(&text)).unwrap())))
            .boxed(),
    }
}

/// Any tree that a text could stand for.
fn tree() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let inner = inner.boxed();
        (0..FUNCTIONS.len(), 0..3_usize).prop_flat_map(move |(at, repeats)| {
            let signature = &FUNCTIONS[at];
            let more = signature.more.repeat(repeats.min(signature.most));
            let places: Vec<_> =
                signature.fixed.iter().chain(&more).map(|place| fitting(*place, inner.clone())).collect();
            places.prop_map(move |arguments| Node::Call(signature.function, arguments))
        })
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(tree in tree()) {
        let expression = Expression(tree);
        let text = expression.to_string();
        prop_assume!(text.len() <= LONGEST);
        prop_assert_eq!(Expression::parse(&text), Ok(expression), "{}", text);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,60}") {
        if let Ok(expression) = Expression::parse(&text) {
            prop_assert_eq!(Expression::parse(&expression.to_string()), Ok(expression));
        }
    }

    #[test]
    fn no_text_of_the_language_breaks_the_parser(
        text in "(lower|first|join|switch|attr|if|@guid|\"x\"|\"|\\\\|[(),; a-z0-9@.]){0,20}"
    ) {
        if let Ok(expression) = Expression::parse(&text) {
            prop_assert!(expression.evaluate(&tanaka(), &tables()).is_ok());
        }
    }

    #[test]
    fn no_tree_is_worth_an_empty_text(tree in tree(), value in "\\PC{0,12}") {
        let mut object = tanaka();
        object.attributes.insert("sn", vec![value.into()]);
        let worth = Expression(tree).evaluate(&object, &tables()).unwrap();
        let empty = |value: &Value| value.as_str() == Some("");
        if let Some(value) = worth {
            prop_assert!(!empty(&value));
            if let Value::Array(list) = value {
                prop_assert!(!list.is_empty() && !list.iter().any(empty));
            }
        }
    }
}
