//! What holds for all presets, and what a configuration may change of them.

use super::*;

/// What the vendors' documents say beside the rules.
#[test]
fn presets_know_what_their_services_cannot() {
    let preset = |name| Preset::named(name).unwrap();
    let carried = |name| {
        let types = preset(name).types;
        types.into_iter().filter(|(_, preset)| preset.carried).map(|(kind, _)| kind).collect::<Vec<_>>()
    };
    let (user, group) = (ObjectType::User, ObjectType::Group);
    assert_eq!(carried("diligent-one"), [user]);
    assert_eq!(carried("trustlogin"), [user]);
    assert_eq!(carried("6clicks"), [user, group]);
    assert_eq!(carried("generic"), [user, group]);
    let all_but_contacts = ObjectType::ALL.into_iter().filter(|kind| *kind != ObjectType::Contact);
    assert_eq!(carried("secioss"), all_but_contacts.collect::<Vec<_>>());
    assert!(preset("secioss").types.contains_key(&ObjectType::Contact));

    let warnings = names().map(|name| (name, preset(name).token_age_warning_days));
    assert_eq!(warnings.filter(|(_, days)| days.is_some()).collect::<Vec<_>>(), [("6clicks", Some(300))]);
    let six = preset("6clicks").types.remove(&user).unwrap();
    let immutable = ["userName", "emails[type eq \"work\"].value", "emails[type eq \"work\"].primary"];
    assert_eq!(six.immutable, immutable);
    let trust = preset("trustlogin").types.remove(&user).unwrap();
    let not_stored = [
        "displayName",
        "title",
        "addresses[type eq \"work\"].country",
        "phoneNumbers[type eq \"mobile\"].value",
        "phoneNumbers[type eq \"fax\"].value",
        "emails[type eq \"other\"].value",
        "externalId",
    ];
    assert_eq!(trust.write_only, not_stored);
    for name in names() {
        let preset = preset(name);
        assert_eq!(
            (preset.name.as_str(), preset.update, preset.deletion),
            (name, Update::Patch, Deletion::Delete)
        );
        assert_eq!(preset.members_per_request, 500);
        assert_eq!(preset.bulk, ["generic", "secioss"].contains(&name));
    }
}

/// Names of RFC 7643 sections 3.1, 4.1, 4.2 and 4.3, and those that a service has of its own.
fn is_known(name: &str, kind: ObjectType, path: &str) -> bool {
    let own: &[&str] = match name {
        "diligent-one" => &[
            "phoneNumbers[type eq \"extension\"].value",
            "addresses[type eq \"work\"].streetAddress2",
            "addresses[type eq \"work\"].location",
        ],
        _ => &[],
    };
    if let Some(rest) = path.strip_prefix(ENTERPRISE) {
        let names =
            ["employeeNumber", "costCenter", "organization", "division", "department", "manager.value"];
        return kind == ObjectType::User && names.contains(&rest);
    }
    if path.starts_with("urn:") {
        return path.starts_with(SEKISHO)
            || (name == "diligent-one" && path.contains(":Diligent:2.0:User:externalField"));
    }
    let (attribute, rest) = path.split_once(['[', '.']).unwrap_or((path, ""));
    let sub = path.rsplit_once("].").map_or(rest, |(_, sub)| sub);
    let user = match attribute {
        "userName" | "displayName" | "title" | "preferredLanguage" | "password" | "roles" | "active" => {
            rest.is_empty()
        }
        "name" => ["familyName", "givenName", "middleName"].contains(&sub) || path == "name.initials",
        "emails" => ["value", "primary"].contains(&sub),
        "phoneNumbers" => {
            let types = ["work", "home", "mobile", "fax", "pager", "other"];
            types.iter().any(|kind| path == format!("phoneNumbers[type eq \"{kind}\"].value"))
        }
        "addresses" => ["streetAddress", "locality", "region", "postalCode", "country"].contains(&sub),
        _ => false,
    };
    let other = ["displayName", "members", "description", "parent.value", "path"].contains(&path);
    let person = [ObjectType::User, ObjectType::Contact].contains(&kind);
    path == "externalId" || own.contains(&path) || if person { user } else { other }
}

#[test]
fn each_preset_names_only_known_paths_and_known_attributes() {
    for name in names().filter(|name| *name != "ldap") {
        let preset = Preset::named(name).unwrap();
        for (kind, of) in &preset.types {
            for path in
                of.mapping.paths().chain(of.offered.iter().map(String::as_str)).chain(of.active.as_deref())
            {
                assert!(is_known(name, *kind, path), "{name} {kind:?}: {path}");
            }
            let filled: Vec<&str> = of.mapping.paths().collect();
            for path in of.immutable.iter().chain(&of.write_only) {
                assert!(filled.contains(&path.as_str()), "{name} {kind:?}: {path}");
            }
            assert!(of.offered.iter().all(|path| !filled.contains(&path.as_str())), "{name} {kind:?}");
            assert!(!of.endpoint.is_empty() && !of.schemas.is_empty(), "{name} {kind:?}");
            let groups = [ObjectType::Group, ObjectType::SecurityGroup, ObjectType::Role].contains(kind);
            assert_eq!(of.members.as_deref(), groups.then_some("members"), "{name} {kind:?}");
            assert_eq!(
                of.active.as_deref(),
                (*kind == ObjectType::User).then_some("active"),
                "{name} {kind:?}"
            );
        }
        let read: BTreeSet<&str> = preset.types.values().flat_map(|of| of.mapping.attributes()).collect();
        let unknown: Vec<_> = read.iter().filter(|read| !ATTRIBUTES.contains(read)).collect();
        assert!(unknown.is_empty(), "{name} reads {unknown:?}");
    }
}

#[test]
fn the_preset_for_a_directory_writes_what_it_reads() {
    let preset = Preset::named("ldap").unwrap();
    let user = &preset.types[&ObjectType::User];
    assert_eq!((user.active.as_deref(), user.mapping.match_by()), (Some("@active"), &["uid".to_owned()][..]));
    let names: BTreeMap<_, _> = preset.types.iter().map(|(kind, of)| (*kind, of.mapping.paths())).collect();
    for (kind, paths) in names {
        for path in paths {
            let groups = [ObjectType::Group, ObjectType::SecurityGroup, ObjectType::Role];
            let special = (groups.contains(&kind) && path == "member")
                || (kind == ObjectType::Organization && path == "@parent");
            assert!(special || ATTRIBUTES.contains(&path), "{kind:?}: {path}");
        }
    }
    for kind in [ObjectType::Group, ObjectType::SecurityGroup, ObjectType::Role] {
        assert_eq!(preset.types[&kind].members.as_deref(), Some("member"), "{kind:?}");
    }
}

/// Of Active Directory's schema, and of OpenLDAP's core, cosine and inetorgperson.
const ATTRIBUTES: [&str; 37] = [
    "c",
    "cn",
    "company",
    "department",
    "departmentNumber",
    "description",
    "displayName",
    "division",
    "employeeID",
    "employeeNumber",
    "facsimileTelephoneNumber",
    "givenName",
    "homePhone",
    "initials",
    "l",
    "mS-DS-ConsistencyGuid",
    "mail",
    "manager",
    "middleName",
    "mobile",
    "o",
    "objectGUID",
    "ou",
    "pager",
    "physicalDeliveryOfficeName",
    "postalCode",
    "preferredLanguage",
    "sAMAccountName",
    "sn",
    "st",
    "street",
    "streetAddress",
    "telephoneNumber",
    "title",
    "uid",
    "userPrincipalName",
    "ipPhone",
];

#[test]
fn each_file_begins_with_its_source() {
    for (name, text) in FILES {
        let head: String = text.lines().take_while(|line| line.starts_with('#')).collect();
        let told = head.contains("Source: ")
            || (name == "generic" && head.contains("RFC 7643"))
            || (name == "ldap" && head.contains("RFC 4519"));
        assert!(told, "{name}: {head}");
    }
}

#[test]
fn a_configuration_takes_the_place_of_single_rules() {
    let rules = vec![
        rule("user", "userName", "source = 'lookup(\"names\", sAMAccountName)'"),
        rule("user", "title", "when = \"never\""),
        rule("group", "members", "when = \"never\""),
    ];
    let names = BTreeMap::from([("tanaka".to_owned(), "taro".to_owned())]);
    let tables = Arc::new(Tables::from([("names".to_owned(), names)]));
    let preset = Preset::named("generic").unwrap().overridden(&Overrides { tables, ..by(rules) }).unwrap();
    let desired = preset.types[&ObjectType::User].mapping.map(&tanaka(), &resolve).unwrap();
    assert_eq!((desired.values.get("userName"), desired.values.get("title")), (Some(&json!("taro")), None));
    assert_eq!(preset.types[&ObjectType::Group].members, None);
}

/// As Diligent One may need it: the service may refuse externalId, or not give it back.
#[test]
fn a_configuration_says_what_is_matched_by() {
    let user = |paths: &[&str]| {
        BTreeMap::from([(ObjectType::User, paths.iter().map(|path| (*path).to_owned()).collect())])
    };
    let without = || by(vec![rule("user", "externalId", "when = \"never\"")]);
    let diligent = || Preset::named("diligent-one").unwrap();
    assert!(diligent().overridden(&without()).is_err());
    let by_name = Overrides { match_by: user(&["userName"]), ..without() };
    let preset = diligent().overridden(&by_name).unwrap();
    let desired = preset.types[&ObjectType::User].mapping.map(&tanaka(), &resolve).unwrap();
    assert_eq!(desired.match_by, [("userName".to_owned(), "taro.tanaka@example.jp".to_owned())]);
    assert_eq!(desired.values.get("externalId"), None);
    let strange = BTreeMap::from([(ObjectType::Role, vec!["displayName".to_owned()])]);
    let error = diligent().overridden(&Overrides { match_by: strange, ..Overrides::default() }).unwrap_err();
    assert_eq!(error.to_string(), "rule for \"match_by\" of role: the preset has no such object type");
}

#[test]
fn rules_of_a_configuration_are_refused_all_at_once() {
    let rules = vec![
        rule("group", "displayName", "source = \"cn\""),
        rule("user", "userName", "when = \"never\""),
        rule("user", "nickName", "source = \"lwoer(sn)\""),
    ];
    let error = Preset::named("trustlogin").unwrap().overridden(&by(rules)).unwrap_err();
    let said: Vec<String> = error.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "rule for \"displayName\" of group: the preset has no such object type",
            "rule for \"nickName\" of user: source: character 1: there is no function \"lwoer\"; did you mean \
             \"lower\"?",
            "rule for \"userName\" of user: the target is matched by this path, and no rule fills it: add one, or \
             take it out of match_by",
            "rule for \"emails[type eq \"work\"].value\" of user: omit_if_equal: no rule fills \"userName\": correct \
             the path, or add a rule",
        ]
    );
}

#[test]
fn a_preset_that_is_none_is_refused() {
    let error = Preset::named("generik").unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no preset \"generik\"; known are: 6clicks, diligent-one, generic, ldap, secioss, trustlogin"
    );
    let (_, text) = FILES[2];
    for (from, to, reason) in [
        ("rate = 10", "rate = 0", "rate must be 1 to 100000"),
        ("rate = 10", "rte = 10", "unknown field"),
        ("[types.group]", "[types.groups]", "unknown variant"),
        ("source = \"@guid\"", "source = \"@giud\"", "did you mean \"@guid\""),
        ("object = \"user\"", "object = \"contact\"", "no such object type"),
    ] {
        let error = Preset::parse(&text.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(reason), "{to}: {error}");
    }
}
