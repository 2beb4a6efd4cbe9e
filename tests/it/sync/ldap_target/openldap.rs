//! People and organisations of OpenLDAP: made, changed, renamed, moved, closed, opened and removed.

use sekisho::sync::ldap_target::TypeOptions;
use sekisho::sync::target::Edit;
use sekisho::sync::{ObjectType, Target};
use serde_json::{Value, json};

use super::{below, listed, open, person, read, set, target, values};
use crate::support::slapd::{BASE, Slapd};

const USER: ObjectType = ObjectType::User;
const UNIT: ObjectType = ObjectType::Organization;

fn has(slapd: &Slapd, dn: &str, line: &str) -> bool {
    slapd.lines(dn).unwrap_or_else(|| panic!("{dn} is not there")).iter().any(|held| held == line)
}

#[tokio::test]
async fn a_person_is_made_and_changed() {
    let slapd = Slapd::start_target();
    let target = target(&slapd);
    let ability = target.probe().await.unwrap();
    assert_eq!((ability.types.len(), ability.lists), (4, true));
    let made = values([
        ("uid", json!("tanaka,o=x")),
        ("cn", json!("Taro *)(uid=")),
        ("sn", json!("O'Neil \"<x>\\")),
        ("mail", json!(["b@example.test", "a@example.test"])),
        ("title", json!("")),
        ("userPassword", json!("N3w-Passw0rd!x")),
    ]);
    let object = target.create(USER, &made).await.unwrap();
    let dn = format!("uid=tanaka\\2Co\\3Dx,ou=target,{BASE}");
    assert!(has(&slapd, &dn, &format!("entryUUID: {}", object.id)));
    assert!(has(&slapd, &dn, "sn: O'Neil \"<x>\\"));
    assert!(slapd.try_password(&dn, "N3w-Passw0rd!x"));
    let lines = slapd.lines(&dn).unwrap();
    let hash = lines.iter().find_map(|line| line.strip_prefix("userPassword:: ")).unwrap();
    let hash = data_encoding::BASE64.decode(hash.as_bytes()).unwrap();
    assert!(hash.starts_with(b"{SSHA}"), "hashed by the server");
    assert!(!lines.iter().any(|line| line.starts_with("title")));
    for object in [&object, &read(&target, USER, &object.id).await] {
        assert_eq!(target.value(object, "MAIL"), Some(json!(["a@example.test", "b@example.test"])));
        assert_eq!(target.value(object, "@active"), Some(json!(true)));
        assert_eq!(target.value(object, "@rdn"), Some(json!("tanaka,o=x")));
        assert_eq!(target.value(object, "userPassword"), None);
        assert!(!object.body.to_string().contains("SSHA"));
    }
    let edits =
        [set("mail", "c@example.test"), set("title", json!(["長", "a"])), Edit::Clear("l".to_owned())];
    // The same once more changes nothing.
    for _ in 0..2 {
        target.modify(USER, &object.id, &edits).await.unwrap();
        let lines = slapd.lines(&dn).unwrap();
        let mails: Vec<&String> = lines.iter().filter(|line| line.starts_with("mail:")).collect();
        assert_eq!(mails, ["mail: c@example.test"]);
        assert_eq!(lines.iter().filter(|line| line.starts_with("title:")).count(), 2);
    }
    target.modify(USER, &object.id, &[Edit::Clear("title".to_owned())]).await.unwrap();
    assert!(!slapd.lines(&dn).unwrap().iter().any(|line| line.starts_with("title")));
    target.delete(USER, &object.id).await.unwrap();
    assert_eq!(slapd.lines(&dn), None);
}

#[tokio::test]
async fn people_are_found_by_what_they_have() {
    let slapd = Slapd::start_target();
    let target = target(&slapd);
    let made = person(&target, "a)(uid=*").await;
    person(&target, "b").await;
    for (path, value) in [("uid", "A)(UID=*"), ("@rdn", "a)(uid=*"), ("entryUUID", made.id.as_str())] {
        let found = target.find(USER, path, value).await.unwrap();
        assert_eq!(found.iter().map(|object| &object.id).collect::<Vec<_>>(), [&made.id], "{path}");
    }
    assert_eq!(target.find(USER, "sn", "田中").await.unwrap().len(), 2);
    for (path, value) in
        [("uid", "*"), ("uid", ""), ("noSuchThing", "a"), ("entryUUID", "x"), ("uid", "tanaka")]
    {
        assert_eq!(target.find(USER, path, value).await.unwrap(), [], "{path}={value}");
    }
    for path in ["userPassword", "uid)(cn", "@active"] {
        assert_eq!(target.find(USER, path, "a").await.unwrap_err().code, 21, "{path}");
    }
    // tanaka and the units above are elsewhere.
    assert_eq!(listed(&target, USER).await.unwrap().len(), 2);
    assert_eq!(listed(&target, UNIT).await.unwrap(), [], "the base is nobody's object");
}

#[tokio::test]
async fn a_new_name_and_a_new_parent_keep_the_entry() {
    let slapd = Slapd::start_target();
    let target = target(&slapd);
    let unit = async |name: &str, parent: Option<&str>| {
        let parent = parent.map_or(Value::Null, Value::from);
        target.create(UNIT, &values([("ou", json!(name)), ("@parent", parent)])).await.unwrap()
    };
    let sales = unit("営業部", None).await;
    let first = unit("一課", Some(&sales.id)).await;
    assert_eq!(target.value(&first, "@parent"), Some(json!(sales.id)));
    let made = person(&target, "taro").await;
    assert_eq!(target.value(&made, "@parent"), None);
    // Together: one request.
    let edits = [set("uid", "jiro"), set("@parent", first.id.as_str()), set("title", "主任")];
    for _ in 0..2 {
        target.modify(USER, &made.id, &edits).await.unwrap();
        let dn = format!("uid=jiro,ou=一課,ou=営業部,ou=target,{BASE}");
        assert!(has(&slapd, &dn, &format!("entryUUID: {}", made.id)));
        assert!(has(&slapd, &dn, "uid: jiro") && !has(&slapd, &dn, "uid: taro"));
    }
    let moved = read(&target, USER, &made.id).await;
    assert_eq!(target.value(&moved, "@parent"), Some(json!(first.id)));
    assert_eq!(target.value(&moved, "title"), Some(json!("主任")));
    // A unit goes with all that is below it, and only its case may change.
    target.modify(UNIT, &first.id, &[set("@rdn", "Team"), set("@parent", Value::Null)]).await.unwrap();
    target.modify(UNIT, &first.id, &[set("ou", "TEAM")]).await.unwrap();
    assert!(has(&slapd, &format!("ou=TEAM,ou=target,{BASE}"), "ou: TEAM"));
    target.modify(USER, &made.id, &[Edit::Clear("@parent".to_owned())]).await.unwrap();
    assert!(slapd.lines(&format!("uid=jiro,ou=target,{BASE}")).is_some());
    let outside = [set("@parent", format!("ou=other,{BASE}"))];
    assert_eq!(target.modify(USER, &made.id, &outside).await.unwrap_err().code, 32);
}

#[tokio::test]
async fn an_account_is_closed_and_opened() {
    let slapd = Slapd::start_target();
    let target = target(&slapd);
    let base = [("cn", json!("a")), ("sn", json!("a")), ("@password", json!("N3w-Passw0rd!x"))];
    let [cn, sn, password] = base;
    let open = values([("uid", json!("open")), cn.clone(), sn.clone(), password.clone()]);
    let shut = values([("uid", json!("shut")), cn, sn, password, ("@active", json!(false))]);
    let lock = "pwdAccountLockedTime: 000001010000Z";
    for (name, made, active) in [("open", open, true), ("shut", shut, false)] {
        let id = target.create(USER, &made).await.unwrap().id;
        let dn = format!("uid={name},ou=target,{BASE}");
        for active in [active, !active, !active, active] {
            target.modify(USER, &id, &[set("@active", active)]).await.unwrap();
            assert_eq!(has(&slapd, &dn, lock), !active);
            assert_eq!(slapd.try_password(&dn, "N3w-Passw0rd!x"), active);
            assert_eq!(target.value(&read(&target, USER, &id).await, "@active"), Some(json!(active)));
        }
    }
    let dn = format!("uid=born,ou=target,{BASE}");
    let born =
        values([("uid", json!("born")), ("cn", json!("b")), ("sn", json!("b")), ("@active", json!(false))]);
    let born = target.create(USER, &born).await.unwrap();
    assert!(has(&slapd, &dn, lock));
    assert_eq!(target.value(&born, "@active"), Some(json!(false)));
}

#[tokio::test]
async fn classes_and_attributes_of_ones_own_come_and_go() {
    let slapd = Slapd::start_target();
    let mut options = below(&format!("ou=target,{BASE}"));
    let user = TypeOptions {
        rdn: Some("cn".to_owned()),
        classes: vec!["organizationalPerson".to_owned()],
        auxiliary: vec!["uidObject".to_owned()],
        attributes: vec!["cn".to_owned(), "sn".to_owned(), "uid".to_owned()],
        ..options.types[&USER].clone()
    };
    options.types.insert(USER, user);
    let target = open(slapd.writing(), options);
    let made =
        values([("cn", json!("Taro")), ("sn", json!("T")), ("uid", json!("taro")), ("title", json!("x"))]);
    let made = target.create(USER, &made).await.unwrap();
    let dn = format!("cn=Taro,ou=target,{BASE}");
    assert!(has(&slapd, &dn, "objectClass: uidObject") && has(&slapd, &dn, "title: x"));
    assert_eq!(target.value(&made, "title"), None, "not asked for");
    let away = [set("objectClass", json!([])), Edit::Clear("uid".to_owned())];
    target.modify(USER, &made.id, &away).await.unwrap();
    assert!(!has(&slapd, &dn, "objectClass: uidObject") && !has(&slapd, &dn, "uid: taro"));
    let back = [set("objectClass", json!(["uidObject"])), set("uid", "t2")];
    target.modify(USER, &made.id, &back).await.unwrap();
    assert!(has(&slapd, &dn, "objectClass: uidObject") && has(&slapd, &dn, "uid: t2"));
}

#[tokio::test]
async fn others_are_named_by_their_ids() {
    let slapd = Slapd::start_target();
    let target = target(&slapd);
    let (chief, clerk) = (person(&target, "chief").await, person(&target, "clerk").await);
    target.modify(USER, &clerk.id, &[set("manager", chief.id.as_str())]).await.unwrap();
    let dn = format!("uid=clerk,ou=target,{BASE}");
    assert!(has(&slapd, &dn, &format!("manager: uid=chief,ou=target,{BASE}")));
    let nobody = [set("manager", "00000000-0000-4000-8000-000000000000")];
    assert_eq!(target.modify(USER, &clerk.id, &nobody).await.unwrap_err().code, 32);
}
