//! Active Directory as a target: a real Samba domain controller.

use std::collections::BTreeMap;

use sekisho::directory::LdapOptions;
use sekisho::secret::Secret;
use sekisho::sync::ldap_target::TypeOptions;
use sekisho::sync::target::{Edit, FaultKind};
use sekisho::sync::{LdapTarget, LdapTargetOptions, ObjectType, Target};
use serde_json::{Value, json};

use super::{below, fault, listed, open, read, set, texts, values};
use crate::support::samba::{ADMINISTRATOR, ADMINISTRATOR_PASSWORD, BASE, Samba};

const USER: ObjectType = ObjectType::User;
const UNIT: ObjectType = ObjectType::Organization;
const GROUP: ObjectType = ObjectType::SecurityGroup;
const NEW_PASSWORD: &str = "N3w-Passw0rd!x";

fn writing(samba: &Samba) -> LdapOptions {
    let mut options = samba.options();
    options.bind_dn = Some(ADMINISTRATOR.to_owned());
    options.bind_password = Some(Secret::new(ADMINISTRATOR_PASSWORD.to_owned()));
    options
}

/// A unit of the test's own, and what is below it as a target.
fn unit(samba: &Samba, name: &str) -> (String, LdapTargetOptions) {
    let base = format!("OU={name},{BASE}");
    samba.modify(&format!("dn: {base}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    let options = below(&base);
    (base, options)
}

fn user(name: &str, more: &[(&str, Value)]) -> BTreeMap<String, Value> {
    let own = [("cn", json!(name)), ("@password", json!(NEW_PASSWORD))];
    own.iter().chain(more).map(|(path, value)| ((*path).to_owned(), value.clone())).collect()
}

#[tokio::test]
async fn an_account_is_made_disabled_and_opened_with_its_password() {
    let Some(samba) = Samba::shared() else { return };
    let (base, options) = unit(samba, "target-accounts");
    let target = open(writing(samba), options);
    target.probe().await.unwrap();
    let given = [
        ("givenName", json!("Ann")),
        ("sn", json!("Davis")),
        ("initials", json!("M")),
        ("userPrincipalName", json!("t-ann@example.test")),
        ("@active", json!(true)),
    ];
    let ann = target.create(USER, &user("Davis, Ann", &given)).await.unwrap();
    let dn = format!("CN=Davis\\, Ann,{base}");
    let held = |dn: &str, name: &str| samba.value(dn, name);
    assert_eq!(held(&dn, "userAccountControl").as_deref(), Some("512"));
    assert_eq!(held(&dn, "sAMAccountName").as_deref(), Some("t-ann"));
    assert_eq!(held(&dn, "displayName").as_deref(), Some("Ann M. Davis"));
    assert!(samba.try_password(&dn, NEW_PASSWORD));
    // The id is the GUID as others write it.
    assert_eq!(target.value(&ann, "@active"), Some(json!(true)));
    let guid = Samba::guid(&held(&dn, "objectGUID").unwrap());
    assert_eq!(ann.id, guid);
    for active in [false, false, true, true] {
        target.modify(USER, &ann.id, &[set("@active", active)]).await.unwrap();
        let flags = if active { "512" } else { "514" };
        assert_eq!(held(&dn, "userAccountControl").as_deref(), Some(flags));
        assert_eq!(samba.try_password(&dn, NEW_PASSWORD), active);
        assert_eq!(target.value(&read(&target, USER, &ann.id).await, "@active"), Some(json!(active)));
    }
    // Never expires, and must be changed: flags that a password does not take away.
    let shut = [("@active", json!(false)), ("userAccountControl", json!(66048))];
    target.create(USER, &user("t-shut", &shut)).await.unwrap();
    assert_eq!(held(&format!("CN=t-shut,{base}"), "userAccountControl").as_deref(), Some("66050"));
    target.create(USER, &user("t-must", &[("pwdLastSet", json!(0))])).await.unwrap();
    assert_eq!(held(&format!("CN=t-must,{base}"), "pwdLastSet").as_deref(), Some("0"));
    // Too weak: nothing stays.
    let weak = values([("cn", json!("t-weak")), ("@password", json!("weak"))]);
    assert_eq!(fault(target.create(USER, &weak).await), (FaultKind::Refused, 19));
    assert_eq!(target.find(USER, "cn", "t-weak").await, Ok(vec![]));
    target.modify(USER, &ann.id, &[set("@password", "An0ther-Passw0rd!")]).await.unwrap();
    assert!(samba.try_password(&dn, "An0ther-Passw0rd!"));
    target.delete(USER, &ann.id).await.unwrap();
    assert_eq!(target.read(USER, &ann.id).await, Ok(None));
}

#[tokio::test]
async fn a_principal_name_changes_before_the_at_alone() {
    let Some(samba) = Samba::shared() else { return };
    let (base, options) = unit(samba, "target-names");
    let target = open(writing(samba), options);
    let name = "userPrincipalName";
    let made = user("t-names", &[(name, json!("t-names@example.test"))]);
    let made = target.create(USER, &made).await.unwrap();
    target
        .modify(USER, &made.id, &[set(name, "t-names-2@EXAMPLE.test"), set("displayName", "N")])
        .await
        .unwrap();
    let dn = format!("CN=t-names,{base}");
    assert_eq!(samba.value(&dn, name).as_deref(), Some("t-names-2@EXAMPLE.test"));
    assert_eq!(samba.value(&dn, "displayName").as_deref(), Some("N"));
    let refused = target.modify(USER, &made.id, &[set(name, "t-names@elsewhere.test"), set("cn", "x")]).await;
    assert_eq!(fault(refused), (FaultKind::Refused, 19));
    assert_eq!(samba.value(&dn, name).as_deref(), Some("t-names-2@EXAMPLE.test"));
}

#[tokio::test]
async fn entries_are_renamed_and_moved_and_keep_their_id() {
    let Some(samba) = Samba::shared() else { return };
    let (base, options) = unit(samba, "target-moves");
    let target = open(writing(samba), options);
    let unit = target.create(UNIT, &values([("ou", json!("営業部"))])).await.unwrap();
    let made = target.create(USER, &user("t-move", &[])).await.unwrap();
    for _ in 0..2 {
        let edits = [set("cn", "T. Moved"), set("@parent", unit.id.as_str()), set("title", "主任")];
        target.modify(USER, &made.id, &edits).await.unwrap();
        let dn = format!("CN=T. Moved,OU=営業部,{base}");
        assert_eq!(Samba::guid(&samba.value(&dn, "objectGUID").unwrap()), made.id);
        assert_eq!(samba.value(&dn, "sAMAccountName").as_deref(), Some("t-move"));
    }
    let moved = read(&target, USER, &made.id).await;
    assert_eq!(target.value(&moved, "@parent"), Some(json!(unit.id)));
    assert_eq!(target.value(&moved, "title"), Some(json!("主任")));
    target.modify(UNIT, &unit.id, &[set("ou", "Sales")]).await.unwrap();
    assert!(samba.value(&format!("CN=T. Moved,OU=Sales,{base}"), "objectGUID").is_some());
    // With children it stays, unless that is wanted.
    assert_eq!(fault(target.delete(UNIT, &unit.id).await), (FaultKind::Refused, 66));
    let options = LdapTargetOptions { tree_delete: true, ..below(&base) };
    open(writing(samba), options).delete(UNIT, &unit.id).await.unwrap();
    assert_eq!(target.read(USER, &made.id).await, Ok(None));
    assert_eq!(listed(&target, UNIT).await, Ok(vec![]));
}

#[tokio::test]
async fn groups_have_types_and_names_of_their_own() {
    let Some(samba) = Samba::shared() else { return };
    let (base, options) = unit(samba, "target-groups");
    let target = open(writing(samba), options);
    let made = values([("cn", json!("t-営業")), ("@groupType", json!("universal-security"))]);
    let group = target.create(GROUP, &made).await.unwrap();
    let dn = format!("CN=t-営業,{base}");
    assert_eq!(samba.value(&dn, "groupType").as_deref(), Some("-2147483640"));
    let name = data_encoding::BASE64.encode("t-営業".as_bytes());
    assert_eq!(samba.value(&dn, "sAMAccountName"), Some(format!(": {name}")), "as the name is");
    assert_eq!(target.value(&group, "@groupType"), Some(json!("universal-security")));
    let made = values([
        ("cn", json!("t-inner")),
        ("sAMAccountName", json!("t-inner-2")),
        ("@groupType", json!("global-distribution")),
    ]);
    let inner = target.create(GROUP, &made).await.unwrap();
    assert_eq!(samba.value(&format!("CN=t-inner,{base}"), "groupType").as_deref(), Some("2"));
    assert_eq!(samba.value(&format!("CN=t-inner,{base}"), "sAMAccountName").as_deref(), Some("t-inner-2"));
    let member = target.create(USER, &user("t-member", &[])).await.unwrap();
    let both = vec![member.id.clone(), inner.id.clone()];
    for _ in 0..2 {
        target.modify(GROUP, &group.id, &[Edit::Join("member".to_owned(), both.clone())]).await.unwrap();
        let mut held = texts(target.value(&read(&target, GROUP, &group.id).await, "member"));
        let mut both = both.clone();
        held.sort();
        both.sort();
        assert_eq!(held, both);
    }
    for _ in 0..2 {
        target
            .modify(GROUP, &group.id, &[Edit::Leave("member".to_owned(), both[..1].to_vec())])
            .await
            .unwrap();
        assert_eq!(samba.value(&dn, "member"), Some(format!("CN=t-inner,{base}")));
    }
    target.modify(GROUP, &group.id, &[Edit::Clear("member".to_owned())]).await.unwrap();
    assert_eq!(samba.value(&dn, "member"), None);
}

/// People from elsewhere in the domain, more than Active Directory tells at once.
#[tokio::test]
async fn sixteen_hundred_members_go_in_and_out() {
    let Some(samba) = Samba::shared() else { return };
    let (base, mut options) = unit(samba, "target-many");
    let people = TypeOptions { base: format!("OU=Big,OU=Corp,{BASE}"), ..TypeOptions::default() };
    options.types.insert(ObjectType::Contact, people);
    let target: LdapTarget = open(writing(samba), options);
    let people = listed(&target, ObjectType::Contact).await.unwrap();
    let ids: Vec<String> = people.into_iter().map(|object| object.id).collect();
    assert_eq!(ids.len(), 1600);
    let made = values([("cn", json!("t-many")), ("member", json!(ids))]);
    let group = target.create(GROUP, &made).await.unwrap();
    assert_eq!(texts(target.value(&group, "member")).len(), 1600);
    target.modify(GROUP, &group.id, &[Edit::Leave("member".to_owned(), ids[1..].to_vec())]).await.unwrap();
    let held = target.value(&read(&target, GROUP, &group.id).await, "member");
    assert_eq!(
        (texts(held), samba.value(&format!("CN=t-many,{base}"), "member").is_some()),
        (ids[..1].to_vec(), true)
    );
}

#[tokio::test]
async fn a_refusal_has_the_code_of_the_domain_controller() {
    let Some(samba) = Samba::shared() else { return };
    let (_, options) = unit(samba, "target-refusals");
    let target = open(writing(samba), options.clone());
    let taro = target.create(USER, &user("t-refused", &[])).await.unwrap();
    let refused = |code| (FaultKind::Refused, code);
    let creations = [
        (user("t-refused", &[]), (FaultKind::Conflict, 68)),
        (user("t-refused-2", &[("sAMAccountName", json!("t-refused"))]), (FaultKind::Conflict, 68)),
        (user("t-refused-3", &[("noSuchThing", json!("a"))]), refused(21)),
        (user("t-refused-4", &[("userAccountControl", json!("many"))]), refused(21)),
    ];
    for (made, expected) in creations {
        assert_eq!(fault(target.create(USER, &made).await), expected, "{made:?}");
    }
    assert_eq!(listed(&target, USER).await.unwrap().len(), 1, "nothing stays of those that were refused");
    for (edit, expected) in [
        (set("noSuchThing", "a"), refused(21)),
        (set("manager", "no DN"), refused(34)),
        (set("userAccountControl", "many"), refused(21)),
    ] {
        assert_eq!(
            fault(target.modify(USER, &taro.id, std::slice::from_ref(&edit)).await),
            expected,
            "{edit:?}"
        );
    }
    let reader = open(samba.options(), options);
    assert_eq!(fault(reader.modify(USER, &taro.id, &[set("title", "a")]).await), refused(50));
    assert_eq!(fault(reader.delete(USER, &taro.id).await), refused(50));
    assert_eq!(fault(reader.create(USER, &user("t-denied", &[])).await), refused(50));
}
