//! The conventions, nesting and changes of a structure, on small directories and on a large one.

use proptest::prelude::*;

use super::*;

const BASE: &str = "dc=example,dc=jp";

fn conventions() -> Conventions {
    Conventions::new(&ConventionOptions::default(), BASE).unwrap()
}

fn with(change: impl FnOnce(&mut ConventionOptions)) -> Conventions {
    let mut options = ConventionOptions::default();
    change(&mut options);
    Conventions::new(&options, BASE).unwrap()
}

fn entry(id: &str, dn: &str, attributes: &[(&str, &[&str])]) -> SourceEntry {
    let attributes = attributes
        .iter()
        .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| Value::from(*value)).collect()));
    SourceEntry { id: id.to_owned(), dn: under(dn), disabled: false, attributes: attributes.collect() }
}

fn under(dn: &str) -> String {
    format!("{dn},{BASE}")
}

fn person(dn: &str) -> SourceEntry {
    entry(dn, dn, &[])
}

fn group(id: &str, dn: &str, members: &[&str]) -> SourceEntry {
    let members: Vec<String> = members.iter().map(|dn| under(dn)).collect();
    entry(id, dn, &[("member", &members.iter().map(String::as_str).collect::<Vec<_>>())])
}

fn groups(groups: Vec<SourceEntry>) -> Structure {
    Structure::build(Vec::new(), groups, &conventions())
}

fn fact<'a>(standing: &'a Standing, name: &str) -> Vec<&'a str> {
    standing.facts.get(name).into_iter().flatten().map(String::as_str).collect()
}

#[test]
fn groups_give_rights_by_their_places() {
    let built = groups(vec![
        group("1", "cn=idsync,ou=Roles,ou=Groups", &["uid=a,ou=p"]),
        group("2", "CN=Admin,OU=roles,OU=Groups", &["uid=A, ou=p"]),
        group("3", "cn=googleapps,ou=Services,ou=Groups", &["uid=a,ou=p"]),
        group("4", "cn=salesforce,ou=Services,ou=Groups", &["uid=a,ou=p", "uid=b,ou=p"]),
        group("5", "cn=E3,ou=Plan,ou=Office365,ou=Roles,ou=Groups", &["uid=a,ou=p"]),
        group("6", "cn=全体管理者,ou=管理者の役割,ou=Office365,ou=Roles,ou=Groups", &["uid=a,ou=p"]),
        group("7", "cn=標準ユーザー,ou=プロファイル,ou=Salesforce,ou=Roles,ou=Groups", &["uid=b,ou=p"]),
    ]);
    let a = built.standing(&person("UID=a,OU=P"));
    assert_eq!(fact(&a, "@admin"), ["true"]);
    assert_eq!(fact(&a, "@services"), ["googleapps", "salesforce"]);
    assert_eq!(fact(&a, "@roles"), ["Office365/Plan/E3", "Office365/管理者の役割/全体管理者"]);
    assert_eq!(a.selected_by, Some(under("cn=idsync,ou=Roles,ou=Groups")));
    let b = built.standing(&person("uid=b,ou=p"));
    assert_eq!(fact(&b, "@admin"), [""; 0]);
    assert_eq!(fact(&b, "@services"), ["salesforce"]);
    assert_eq!(fact(&b, "@roles"), ["Salesforce/プロファイル/標準ユーザー"]);
    assert_eq!((b.selected_by, b.parent), (None, None));
}

#[test]
fn rights_reach_through_nested_groups_and_circles() {
    let built = groups(vec![
        group("1", "cn=admin,ou=Roles,ou=Groups", &["cn=x,ou=any"]),
        group("2", "cn=x,ou=any", &["cn=y,ou=any", "cn=x,ou=any"]),
        group("3", "cn=y,ou=any", &["cn=x,ou=any", "uid=a,ou=p"]),
        group("4", "cn=z,ou=any", &["uid=b,ou=p"]),
    ]);
    assert_eq!(fact(&built.standing(&person("uid=a,ou=p")), "@admin"), ["true"]);
    assert_eq!(fact(&built.standing(&person("uid=b,ou=p")), "@admin"), [""; 0]);
    let all = built.groups_of(&person("uid=a,ou=p"));
    let expected = ["cn=admin,ou=Roles,ou=Groups", "cn=x,ou=any", "cn=y,ou=any"].map(under);
    assert_eq!(all, expected.iter().map(String::as_str).collect());
    let members = built.members_of(&under("CN=Admin,ou=Roles,ou=Groups"));
    assert_eq!(members, BTreeSet::from(["uid=a,ou=p,dc=example,dc=jp"]));
}

#[test]
fn the_primary_group_counts() {
    let mut users = group("1", "cn=Domain Users,cn=Users", &[]);
    users.attributes.insert("primaryGroupToken", vec!["513".into()]);
    let admin = group("2", "cn=admin,ou=Roles,ou=Groups", &["cn=Domain Users,cn=Users"]);
    let built = Structure::build(vec![], vec![users, admin], &with(|o| o.groups = Carry::All));
    let a = entry("a", "cn=a,cn=Users", &[("primaryGroupID", &["513"])]);
    let b = entry("b", "cn=b,cn=Users", &[("primaryGroupID", &["514"])]);
    assert_eq!(fact(&built.standing(&a), "@admin"), ["true"]);
    assert_eq!(fact(&built.standing(&b), "@admin"), [""; 0]);
    let mut people = People::default();
    people.put(ObjectKey::new(ObjectType::User, "a"), &a);
    people.put(ObjectKey::new(ObjectType::User, "b"), &b);
    let key = ObjectKey::new(ObjectType::Group, "1");
    let members = built.group(&key, &people).unwrap().members;
    assert_eq!(members, BTreeSet::from([ObjectKey::new(ObjectType::User, "a")]));
    assert_eq!(built.tokens_of(&key), BTreeSet::from([513]));
}

#[test]
fn the_primary_group_is_that_of_the_own_domain() {
    let in_domain = |mut entry: SourceEntry, domain: &str| {
        entry.dn = format!("{},{domain}", entry.dn.trim_end_matches(&format!(",{BASE}")));
        entry
    };
    let [root, child] = [BASE, "dc=child,dc=example,dc=jp"];
    let users = |id: &str, domain| {
        let mut users = in_domain(group(id, "cn=Domain Users,cn=Users", &[]), domain);
        users.attributes.insert("primaryGroupToken", vec!["513".into()]);
        users
    };
    let somebody = |id: &str, domain| {
        in_domain(entry(id, &format!("cn={id},cn=Users"), &[("primaryGroupID", &["513"])]), domain)
    };
    let mut admin = group("9", "cn=admin,ou=Roles,ou=Groups", &[]);
    admin.attributes.insert("member", vec![format!("cn=Domain Users,cn=Users,{child}").into()]);
    let all = with(|o| o.groups = Carry::All);
    let built = Structure::build(vec![], vec![users("1", root), users("2", child), admin], &all);
    let mut people = People::default();
    let (a, b) = (somebody("a", root), somebody("b", child));
    people.put(ObjectKey::new(ObjectType::User, "a"), &a);
    let mut others = People::default();
    others.put(ObjectKey::new(ObjectType::User, "b"), &b);
    people.extend(others);
    for (group, who) in [("1", "a"), ("2", "b")] {
        let members = built.group(&ObjectKey::new(ObjectType::Group, group), &people).unwrap().members;
        assert_eq!(members, BTreeSet::from([ObjectKey::new(ObjectType::User, who)]), "{group}");
    }
    assert_eq!(fact(&built.standing(&a), "@admin"), [""; 0]);
    assert_eq!(fact(&built.standing(&b), "@admin"), ["true"]);
    // As two directories have it: the groups of one, and the people of both.
    let alone = Structure::build(vec![], vec![users("1", root)], &all);
    let members = alone.group(&ObjectKey::new(ObjectType::Group, "1"), &people).unwrap().members;
    assert_eq!(members, BTreeSet::from([ObjectKey::new(ObjectType::User, "a")]));
}

#[test]
fn units_are_organizations_but_for_those_of_groups() {
    let units = vec![
        entry("3", "ou=東京,ou=Sales,ou=Company", &[("ou", &["東京"])]),
        entry("2", "OU=Sales,OU=Company", &[]),
        entry("1", "ou=Company", &[("ou", &["The Company"])]),
        entry("8", "ou=Groups", &[]),
        entry("9", "ou=Roles,ou=Groups", &[]),
    ];
    let built = Structure::build(units.clone(), vec![], &conventions());
    let organization = |id: &str| Some(ObjectKey::new(ObjectType::Organization, id));
    let told: Vec<_> = built.organizations().map(|unit| (unit.key.id.clone(), unit.parent)).collect();
    assert_eq!(
        told,
        [("1".into(), None), ("2".into(), organization("1")), ("3".into(), organization("2"))],
        "parents first"
    );
    let a = built.standing(&person("cn=a,cn=Users,ou=東京,ou=sales,ou=company"));
    assert_eq!((fact(&a, "@organization"), a.parent.clone()), (vec!["東京"], organization("3")));
    let path = Structure::build(units, vec![], &with(|o| o.organization = OrganizationText::Path));
    let a = path.standing(&person("cn=a,ou=東京,ou=sales,ou=company"));
    assert_eq!(fact(&a, "@organization"), ["The Company/Sales/東京"]);
    assert_eq!(path.standing(&person("cn=a,cn=Users")).parent, None);
}

#[test]
fn which_groups_are_carried_and_as_what() {
    let typed = |id: &str, dn: &str, kind: &str| entry(id, dn, &[("groupType", &[kind])]);
    let all = vec![
        group("1", "cn=a,ou=Organizations,ou=Groups", &[]),
        group("2", "cn=b,ou=deep,ou=Security,ou=Groups", &[]),
        group("3", "cn=c,ou=Plan,ou=Office365,ou=Roles,ou=Groups", &[]),
        group("4", "cn=idsync,ou=Roles,ou=Groups", &[]),
        group("5", "cn=admin,ou=Roles,ou=Groups", &[]),
        group("6", "cn=mail,ou=Services,ou=Groups", &[]),
        typed("7", "cn=d,ou=any", "-2147483646"),
        typed("8", "cn=e,ou=any", "2"),
        group("9", "cn=f,ou=other", &[]),
    ];
    let carried = |change: fn(&mut ConventionOptions)| {
        let built = Structure::build(vec![], all.clone(), &with(change));
        built.carried().map(|key| format!("{key}")).collect::<Vec<_>>()
    };
    assert_eq!(carried(|_| ()), ["group/1", "security-group/2", "role/3"]);
    assert_eq!(
        carried(|o| o.groups = Carry::All),
        ["group/1", "security-group/2", "role/3", "security-group/7", "group/8", "group/9"]
    );
    assert_eq!(
        carried(|o| {
            o.groups = Carry::All;
            o.groups_under = vec!["ou=any".to_owned()];
            o.security_by_type = false;
        }),
        ["group/1", "security-group/2", "role/3", "group/7", "group/8"]
    );
    assert_eq!(carried(|o| o.groups = Carry::None), [""; 0]);
}

#[test]
fn a_group_has_one_parent_the_smallest_id_and_a_warning_tells() {
    let at = |name: &str| format!("cn={name},ou=Organizations,ou=Groups");
    let (child, one, two) = (at("child"), at("one"), at("two"));
    let mut all = vec![
        group("c", &child, &["uid=a,ou=p"]),
        group("b", &one, &[&child]),
        group("a", &two, &[&child]),
        group("0", "cn=s,ou=Security,ou=Groups", &[&child]),
    ];
    for _ in 0..2 {
        let built = groups(all.clone());
        let found: Vec<_> = built.group_objects(&People::default()).collect();
        let child_object = found.iter().find(|object| object.key.id == "c").unwrap();
        assert_eq!(child_object.parent, Some(ObjectKey::new(ObjectType::Group, "a")));
        assert_eq!(
            built.warnings(),
            [Warning::SeveralParents { group: under(&child), under: under(&two), others: vec![under(&one)] }]
        );
        all.reverse();
    }
}

#[test]
fn a_circle_of_parents_is_cut_at_the_smallest_id() {
    let at = |name: &str| format!("cn={name},ou=Organizations,ou=Groups");
    let built = groups(vec![
        group("b", &at("x"), &[&at("y")]),
        group("a", &at("y"), &[&at("z")]),
        group("c", &at("z"), &[&at("x"), &at("tail")]),
        group("0", &at("tail"), &[]),
    ]);
    let parents: BTreeMap<_, _> = built
        .group_objects(&People::default())
        .map(|object| (object.key.id, object.parent.map(|parent| parent.id)))
        .collect();
    let expected = [("0", Some("c")), ("a", None), ("b", Some("c")), ("c", Some("a"))]
        .map(|(a, b)| (a.into(), b.map(Into::into)));
    assert_eq!(parents, BTreeMap::from(expected));
    assert_eq!(built.warnings(), [Warning::Circle { group: under(&at("y")) }]);
}

#[test]
fn members_are_expanded_or_groups_are_kept() {
    let at = |name: &str| format!("cn={name},ou=Organizations,ou=Groups");
    let all = vec![
        group("1", &at("top"), &[&at("sub"), "uid=a,ou=p", "uid=stranger,ou=p"]),
        group("2", &at("sub"), &["UID=B,ou=p", &at("top")]),
    ];
    let mut people = People::default();
    for id in ["a", "b"] {
        people.put_name(ObjectKey::new(ObjectType::User, id), &under(&format!("uid={id},ou=P")));
    }
    let members = |nesting| {
        let built = Structure::build(vec![], all.clone(), &with(|o| o.nesting = nesting));
        let top = built.group(&ObjectKey::new(ObjectType::Group, "1"), &people).unwrap();
        top.members.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(members(Nesting::Expand), ["user/a", "user/b"]);
    assert_eq!(members(Nesting::Keep), ["user/a", "group/2"]);
    let built = groups(all);
    assert_eq!(
        built.group(&ObjectKey::new(ObjectType::SecurityGroup, "1"), &people),
        None,
        "of another type"
    );
}

#[test]
fn a_change_names_whom_it_touches() {
    let old = groups(vec![
        group("1", "cn=admin,ou=Roles,ou=Groups", &["cn=sub,ou=any", "uid=a,ou=p"]),
        group("2", "cn=sub,ou=any", &["uid=b,ou=p"]),
        group("3", "cn=still,ou=any", &["uid=c,ou=p"]),
        group("4", "cn=away,ou=Services,ou=Groups", &["uid=d,ou=p"]),
    ]);
    let new = groups(vec![
        group("1", "cn=admin,ou=Roles,ou=Groups", &["uid=a,ou=p", "uid=e,ou=p"]),
        group("2", "cn=sub,ou=any", &["uid=b,ou=p"]),
        group("3", "cn=still,ou=any", &["UID=c, ou=p"]),
        group("5", "cn=new,ou=Services,ou=Groups", &["uid=f,ou=p"]),
    ]);
    let affected = old.affected(&new);
    let names: Vec<String> =
        ["cn=sub,ou=any", "uid=b,ou=p", "uid=d,ou=p", "uid=e,ou=p", "uid=f,ou=p"].map(under).into();
    assert_eq!(affected.members, names.into_iter().collect());
    assert_eq!(affected.groups, ["1", "4", "5"].map(str::to_owned).into());
    assert_eq!(new.affected(&new), Affected::default());
}

#[test]
fn a_renamed_unit_touches_all_below_it() {
    let build = |name: &str| {
        let unit = entry("1", &format!("ou={name}"), &[]);
        Structure::build(vec![unit, entry("2", "ou=other", &[])], vec![], &conventions())
    };
    let affected = build("old").affected(&build("new"));
    assert_eq!(affected.units, [under("ou=new"), under("ou=old")].into());
}

#[test]
fn a_structure_is_kept_whole() {
    let mut users = group("1", "cn=Domain Users\\, all,ou=管理", &["uid=a\\,b,ou=P", "uid=c,ou=p"]);
    users.attributes.insert("primaryGroupToken", vec!["513".into()]);
    users.attributes.insert("objectSid", vec![Value::Binary(vec![1, 255])]);
    let all = vec![users, group("2", "cn=admin,ou=Roles,ou=Groups", &["cn=Domain Users\\2c all,ou=管理"])];
    let built = Structure::build(vec![entry("3", "ou=P", &[])], all, &conventions());
    let text = serde_json::to_string(&built.stored()).unwrap();
    let again = Structure::restore(serde_json::from_str(&text).unwrap(), &conventions()).unwrap();
    assert_eq!(built.affected(&again), Affected::default());
    assert_eq!(again.stored(), built.stored());
    let a = entry("a", "uid=a\\2cb,ou=p", &[]);
    assert_eq!(again.standing(&a), built.standing(&a));
    assert_eq!(fact(&again.standing(&a), "@admin"), ["true"]);
    assert_eq!(text.matches("dc=example").count(), 4, "one for all members, and one per entry: {text}");
    let broken = text.replace("[[0,", "[[7,");
    let error = Structure::restore(serde_json::from_str(&broken).unwrap(), &conventions()).unwrap_err();
    assert_eq!(error, StoredError::NoName(6));
}

#[test]
fn a_large_directory_with_deep_nesting_is_walked_once() {
    let mut all: Vec<SourceEntry> = (0..1000)
        .map(|at| {
            let people = (0..100).map(|p| format!("uid=u{},ou=p", at * 100 + p));
            let next = format!("cn=g{},ou=any", (at + 1) % 1000);
            let again = format!("cn=g{},ou=any", (at + 2) % 1000);
            let members: Vec<String> = people.chain([next, again]).collect();
            group(
                &format!("{at:04}"),
                &format!("cn=g{at},ou=any"),
                &members.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        })
        .collect();
    all.push(group("x", "cn=admin,ou=Roles,ou=Groups", &["cn=g500,ou=any"]));
    let built = groups(all);
    assert_eq!(built.members_of(&under("cn=g7,ou=any")).len(), 100_000);
    assert_eq!(fact(&built.standing(&person("uid=u99999,ou=p")), "@admin"), ["true"]);
}

/// Who is in which group, by following members again and again until nothing is new: slow and plain.
fn plain_closure(edges: &[(u8, u8)], from: u8) -> BTreeSet<u8> {
    let mut all = BTreeSet::from([from]);
    loop {
        let more: Vec<u8> = edges.iter().filter(|(a, _)| all.contains(a)).map(|(_, b)| *b).collect();
        let before = all.len();
        all.extend(more);
        if all.len() == before {
            return all;
        }
    }
}

proptest! {
    /// Groups 0..8, people 8..12; group 0 is that of the administrators.
    #[test]
    fn nesting_is_what_following_members_gives(edges in prop::collection::vec((0_u8..8, 0_u8..12), 0..30)) {
        let name = |at: u8| match at {
            0 => "cn=admin,ou=Roles,ou=Groups".to_owned(),
            1..8 => format!("cn=g{at},ou=Organizations,ou=Groups"),
            _ => format!("uid=u{at},ou=p"),
        };
        let all = (0..8).map(|at| {
            let members: Vec<String> = edges.iter().filter(|(a, _)| *a == at).map(|(_, b)| name(*b)).collect();
            group(&at.to_string(), &name(at), &members.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let built = groups(all.collect());
        for at in 0..8 {
            let expected: BTreeSet<String> =
                plain_closure(&edges, at).into_iter().filter(|at| *at >= 8).map(|at| under(&name(at))).collect();
            let found: BTreeSet<String> =
                built.members_of(&under(&name(at))).into_iter().map(str::to_owned).collect();
            prop_assert_eq!(found, expected);
        }
        for at in 8..12 {
            let admin = plain_closure(&edges, 0).contains(&at);
            prop_assert_eq!(built.standing(&person(&name(at))).facts.contains_key("@admin"), admin);
        }
        // Parents never go in a circle.
        let objects: BTreeMap<_, _> =
            built.group_objects(&People::default()).map(|object| (object.key, object.parent)).collect();
        for key in objects.keys() {
            let chain = std::iter::successors(Some(key), |key| objects[*key].as_ref());
            prop_assert!(chain.take(10).count() < 9);
        }
    }

    /// Whoever stands otherwise afterwards is named.
    #[test]
    fn nobody_who_is_touched_is_left_out(
        old in prop::collection::vec((0_u8..6, 0_u8..10), 0..20),
        new in prop::collection::vec((0_u8..6, 0_u8..10), 0..20),
    ) {
        let name = |at: u8| match at {
            0 => "cn=admin,ou=Roles,ou=Groups".to_owned(),
            1 => "cn=idsync,ou=Roles,ou=Groups".to_owned(),
            2 => "cn=mail,ou=Services,ou=Groups".to_owned(),
            3..6 => format!("cn=g{at},ou=Organizations,ou=Groups"),
            _ => format!("uid=u{at},ou=p"),
        };
        let build = |edges: &[(u8, u8)]| {
            let all = (0..6).map(|at| {
                let members: Vec<String> = edges.iter().filter(|(a, _)| *a == at).map(|(_, b)| name(*b)).collect();
                group(&at.to_string(), &name(at), &members.iter().map(String::as_str).collect::<Vec<_>>())
            });
            groups(all.collect())
        };
        let (was, is) = (build(&old), build(&new));
        let affected = was.affected(&is);
        for at in 6..10 {
            let somebody = person(&name(at));
            if was.standing(&somebody) != is.standing(&somebody) {
                prop_assert!(affected.members.contains(&under(&name(at))));
            }
        }
        for at in 0..6 {
            let dn = under(&name(at));
            if was.members_of(&dn) != is.members_of(&dn) {
                prop_assert!(affected.groups.contains(&at.to_string()));
            }
        }
    }
}
