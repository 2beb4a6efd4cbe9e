//! The conformance suite: what every target must do alike, run on two SCIM services that are not ours, by PATCH and by
//! PUT, alone and in bulk requests, and on OpenLDAP.

use std::collections::BTreeSet;

use sekisho::sync::target::{Edit, FaultKind};
use sekisho::sync::{ObjectType, ScimOptions, Target, TargetFault, TargetObject, Update};
use serde_json::{Value, json};

use super::bulk::InCompany;
use super::ldap_target::{below, open};
use super::{listed, values};
use crate::support::scim::{ScimServer, options, target};
use crate::support::scim_proxy::ScimProxy;
use crate::support::slapd::{BASE, Slapd};

/// What the same things are called at different targets.
pub(super) struct Names {
    login: &'static str,
    given: &'static str,
    family: &'static str,
    mail: &'static str,
    title: &'static str,
    department: &'static str,
    active: &'static str,
    external: &'static str,
    group: &'static str,
    members: &'static str,
    /// What it has of RFC 7644's filters.
    filters: Filters,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filters {
    Whole,
    /// Texts are compared by their case, also where they are the same in any (RFC 7643 section 2.3.1), and a text with an
    /// escaped character is refused.
    Plain,
}

const SCIM: Names = Names {
    login: "userName",
    given: "name.givenName",
    family: "name.familyName",
    mail: "emails[type eq \"work\"].value",
    title: "title",
    department: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    active: "active",
    external: "externalId",
    group: "displayName",
    members: "members",
    filters: Filters::Whole,
};

const SCIMMY: Names = Names { filters: Filters::Plain, ..SCIM };

const LDAP: Names = Names {
    login: "cn",
    given: "givenName",
    family: "sn",
    mail: "mail",
    title: "title",
    department: "departmentNumber",
    active: "@active",
    external: "employeeNumber",
    group: "cn",
    members: "member",
    filters: Filters::Whole,
};

/// An empty target with users and groups.
async fn suite(target: &dyn Target, names: &Names) {
    let ability = target.probe().await.unwrap();
    assert_eq!((ability.types, ability.lists), (vec![ObjectType::User, ObjectType::Group], true));
    assert_eq!(listed(target, ObjectType::User).await, Ok(vec![]));
    an_object_is_made_and_read(target, names).await;
    objects_are_found_by_what_they_have(target, names).await;
    a_name_is_taken_once(target, names).await;
    attributes_are_changed_as_a_whole(target, names).await;
    what_is_not_there_is_said_to_be_so(target, names).await;
    members_come_and_go(target, names).await;
    a_list_has_all(target, names).await;
    what_is_deleted_is_gone(target, names).await;
}

async fn user(target: &dyn Target, names: &Names, login: &str) -> TargetObject {
    let made = values([
        (names.login, json!(login)),
        (names.given, json!("太郎")),
        (names.family, json!("O'Neil \"<田中>\\")),
        (names.mail, json!(login)),
        (names.department, json!("営業")),
        (names.title, json!("a")),
        (names.external, json!(format!("guid-of-{login}"))),
        (names.active, json!(true)),
    ]);
    target.create(ObjectType::User, &made).await.unwrap()
}

async fn now(target: &dyn Target, id: &str) -> TargetObject {
    target.read(ObjectType::User, id).await.unwrap().expect("the object is there")
}

fn fault<T: std::fmt::Debug>(result: Result<T, TargetFault>) -> (FaultKind, u16) {
    let fault = result.unwrap_err();
    (fault.kind, fault.code)
}

async fn an_object_is_made_and_read(target: &dyn Target, names: &Names) {
    let made = user(target, names, "taro@example.test").await;
    for object in [&made, &now(target, &made.id).await] {
        assert_eq!(object.id, made.id);
        let wanted = [
            (names.login, json!("taro@example.test")),
            (names.given, json!("太郎")),
            (names.family, json!("O'Neil \"<田中>\\")),
            (names.mail, json!("taro@example.test")),
            (names.department, json!("営業")),
            (names.external, json!("guid-of-taro@example.test")),
            (names.active, json!(true)),
        ];
        for (path, value) in wanted {
            assert_eq!(target.value(object, path), Some(value), "{path}");
        }
        assert_eq!(target.value(object, "no-such-thing"), None);
    }
}

async fn objects_are_found_by_what_they_have(target: &dyn Target, names: &Names) {
    user(target, names, "hanako@example.test").await;
    let whole = names.filters == Filters::Whole;
    let taro = [
        (names.login, "taro@example.test", true),
        (names.login, "TARO@example.test", whole),
        (names.mail, "taro@example.test", true),
        (names.external, "guid-of-taro@example.test", true),
    ];
    for (path, value, there) in taro {
        let found = logins(target, names, path, value).await.unwrap();
        assert_eq!(
            found,
            BTreeSet::from_iter(there.then_some(json!("taro@example.test").to_string())),
            "{path} {value}"
        );
    }
    let family = logins(target, names, names.family, "O'Neil \"<田中>\\").await;
    assert_eq!(
        family.map_or_else(|fault| fault.code.into(), |found| found.len()),
        if whole { 2 } else { 21 }
    );
    let nobody =
        ["nobody", "*", "", "x\" or userName pr or userName eq \"", "a)(uid=*", "\\", "taro@example.test\0"];
    for value in nobody {
        match logins(target, names, names.login, value).await {
            Ok(found) => assert!(found.is_empty(), "{value:?} finds {found:?}"),
            Err(fault) => {
                assert!(!whole && (fault.kind, fault.code) == (FaultKind::Refused, 21), "{value:?}: {fault}");
            }
        }
    }
}

/// The logins of those who are found.
async fn logins(
    target: &dyn Target,
    names: &Names,
    path: &str,
    value: &str,
) -> Result<BTreeSet<String>, TargetFault> {
    let found = target.find(ObjectType::User, path, value).await?;
    Ok(found
        .iter()
        .filter_map(|object| target.value(object, names.login))
        .map(|login| login.to_string())
        .collect())
}

async fn a_name_is_taken_once(target: &dyn Target, names: &Names) {
    let again = values([
        (names.login, json!("taro@example.test")),
        (names.given, json!("b")),
        (names.family, json!("c")),
    ]);
    let refused = target.create(ObjectType::User, &again).await;
    assert_eq!(fault(refused), (FaultKind::Conflict, 68));
    let nameless = values([(names.given, json!("b")), (names.family, json!("c"))]);
    assert_eq!(fault(target.create(ObjectType::User, &nameless).await), (FaultKind::Refused, 65));
}

async fn attributes_are_changed_as_a_whole(target: &dyn Target, names: &Names) {
    let made = user(target, names, "jiro@example.test").await;
    let set = |path: &str, value: Value| Edit::Set(path.to_owned(), value);
    let edits = [
        set(names.given, json!("次郎")),
        set(names.family, json!("鈴木")),
        set(names.mail, json!("j@example.test")),
        set(names.active, json!(false)),
        set(names.department, json!("IT")),
        Edit::Clear(names.title.to_owned()),
    ];
    // The same once more changes nothing.
    for _ in 0..2 {
        target.modify(ObjectType::User, &made.id, &edits).await.unwrap();
        let object = now(target, &made.id).await;
        let wanted = [
            (names.given, Some(json!("次郎"))),
            (names.family, Some(json!("鈴木"))),
            (names.mail, Some(json!("j@example.test"))),
            (names.active, Some(json!(false))),
            (names.department, Some(json!("IT"))),
            (names.title, None),
            (names.login, Some(json!("jiro@example.test"))),
            (names.external, Some(json!("guid-of-jiro@example.test"))),
        ];
        for (path, value) in wanted {
            assert_eq!(target.value(&object, path), value, "{path}");
        }
    }
    let less = [
        set(names.family, json!("佐藤")),
        Edit::Clear(names.given.to_owned()),
        Edit::Clear(names.mail.to_owned()),
        Edit::Clear(names.department.to_owned()),
        set(names.active, json!(true)),
    ];
    target.modify(ObjectType::User, &made.id, &less).await.unwrap();
    let object = now(target, &made.id).await;
    for path in [names.given, names.mail, names.department] {
        assert_eq!(target.value(&object, path), None, "{path}");
    }
    assert_eq!(target.value(&object, names.family), Some(json!("佐藤")));
    assert_eq!(target.value(&object, names.active), Some(json!(true)));
    target.modify(ObjectType::User, &made.id, &[]).await.unwrap();
    assert_eq!(target.value(&now(target, &made.id).await, names.login), Some(json!("jiro@example.test")));
}

async fn what_is_not_there_is_said_to_be_so(target: &dyn Target, names: &Names) {
    let missing = (FaultKind::NotFound, 32);
    let edits = [Edit::Set(names.title.to_owned(), json!("a"))];
    for id in ["00000000-0000-4000-8000-000000000000", "../Groups", "a/b?c#d", "田中"] {
        assert_eq!(target.read(ObjectType::User, id).await, Ok(None), "{id}");
        assert_eq!(fault(target.modify(ObjectType::User, id, &edits).await), missing, "{id}");
        assert_eq!(fault(target.delete(ObjectType::User, id).await), missing, "{id}");
    }
    let refused = (FaultKind::Refused, 53);
    assert_eq!(fault(target.create(ObjectType::Contact, &values([])).await), refused);
    assert_eq!(fault(listed(target, ObjectType::Contact).await), refused);
}

async fn members_come_and_go(target: &dyn Target, names: &Names) {
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(user(target, names, &format!("member-{number}@example.test")).await.id);
    }
    let made = values([(names.group, json!("営業部")), (names.members, json!(ids[..1]))]);
    let group = target.create(ObjectType::Group, &made).await.unwrap();
    let members = async || {
        let group = target.read(ObjectType::Group, &group.id).await.unwrap().unwrap();
        assert_eq!(target.value(&group, names.group), Some(json!("営業部")));
        let members = target.value(&group, names.members).unwrap_or(json!([]));
        serde_json::from_value::<BTreeSet<String>>(members).unwrap()
    };
    let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(members().await, set(&ids[..1]));
    let join = [Edit::Join(names.members.to_owned(), ids.clone())];
    let leave = [Edit::Leave(names.members.to_owned(), ids[1..4].to_vec())];
    let wanted = set(&[ids[0].clone(), ids[4].clone()]);
    for _ in 0..2 {
        target.modify(ObjectType::Group, &group.id, &join).await.unwrap();
        assert_eq!(members().await, set(&ids));
    }
    // Who is out already stays out.
    for _ in 0..2 {
        target.modify(ObjectType::Group, &group.id, &leave).await.unwrap();
        assert_eq!(members().await, wanted);
    }
}

async fn a_list_has_all(target: &dyn Target, names: &Names) {
    let before = listed(target, ObjectType::User).await.unwrap();
    for number in 0..45 {
        user(target, names, &format!("many-{number}@example.test")).await;
    }
    let all = listed(target, ObjectType::User).await.unwrap();
    let logins: BTreeSet<String> = all
        .iter()
        .filter_map(|object| target.value(object, names.login))
        .map(|login| login.to_string())
        .collect();
    assert_eq!((all.len(), logins.len()), (before.len() + 45, before.len() + 45));
    assert!((0..45).all(|number| logins.contains(&format!("\"many-{number}@example.test\""))));
    assert_eq!(listed(target, ObjectType::Group).await.unwrap().len(), 1);
}

async fn what_is_deleted_is_gone(target: &dyn Target, names: &Names) {
    let made = user(target, names, "saburo@example.test").await;
    target.delete(ObjectType::User, &made.id).await.unwrap();
    assert_eq!(target.read(ObjectType::User, &made.id).await, Ok(None));
    assert_eq!(target.find(ObjectType::User, names.login, "saburo@example.test").await, Ok(vec![]));
    assert_eq!(fault(target.delete(ObjectType::User, &made.id).await), (FaultKind::NotFound, 32));
    // And the name is free.
    user(target, names, "saburo@example.test").await;
}

/// Small parts, so that there are several.
fn small(server: &ScimServer, update: Update) -> ScimOptions {
    ScimOptions { update, page: 20, members_per_patch: 2, ..server.options() }
}

#[tokio::test]
async fn scim2_server_by_patch() {
    let server = ScimServer::scim2().await;
    suite(&target(small(&server, Update::Patch)), &SCIM).await;
}

#[tokio::test]
async fn scim2_server_by_put() {
    let server = ScimServer::scim2().await;
    suite(&target(small(&server, Update::Put)), &SCIM).await;
}

#[tokio::test]
async fn scimmy_by_patch() {
    let server = ScimServer::scimmy().await;
    suite(&target(ScimOptions { page: 200, ..small(&server, Update::Patch) }), &SCIMMY).await;
}

#[tokio::test]
async fn scimmy_by_put() {
    let server = ScimServer::scimmy().await;
    suite(&target(small(&server, Update::Put)), &SCIMMY).await;
}

/// Every change in a bulk request with another one.
async fn in_bulk(server: &ScimServer, update: Update, names: &Names) {
    let proxy = ScimProxy::start(&server.url).await;
    let options = ScimOptions { bulk: true, update, page: 20, members_per_patch: 2, ..options(&proxy.url) };
    suite(&InCompany(target(options)), names).await;
    let log = proxy.take_log();
    let bulk = log.iter().filter(|request| request.operations().len() > 1).count();
    let alone = |method: &str| {
        log.iter().filter(|request| request.method == method && request.path != "/Bulk").count()
    };
    // One is refused, as are those whom it goes with: perhaps they were not understood.
    assert!(bulk > 60 && alone("POST") == 1, "{bulk} bulk requests, {} POST alone", alone("POST"));
}

#[tokio::test]
async fn scim2_server_by_patch_in_bulk() {
    in_bulk(&ScimServer::scim2().await, Update::Patch, &SCIM).await;
}

#[tokio::test]
async fn scimmy_by_patch_in_bulk() {
    in_bulk(&ScimServer::scimmy().await, Update::Patch, &SCIMMY).await;
}

#[tokio::test]
async fn scimmy_by_put_in_bulk() {
    in_bulk(&ScimServer::scimmy().await, Update::Put, &SCIMMY).await;
}

#[tokio::test]
async fn openldap() {
    let slapd = Slapd::start_target();
    let mut options = below(&format!("ou=target,{BASE}"));
    options.types.retain(|kind, _| matches!(kind, ObjectType::User | ObjectType::Group));
    // No person without a cn: it is the login name too.
    options.types.get_mut(&ObjectType::User).unwrap().rdn = Some("cn".to_owned());
    suite(&open(slapd.writing(), options), &LDAP).await;
}
