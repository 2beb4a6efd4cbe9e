//! What goes wrong, by its result code, and whether it may have been done.

use sekisho::directory::LdapOptions;
use sekisho::secret::Secret;
use sekisho::sync::target::{Edit, FaultKind, TargetFault};
use sekisho::sync::{ObjectType, Target};
use serde_json::{Value, json};

use super::{below, fault, listed, open, person, set, target, values};
use crate::support::fake_ldap::{Conduct, FakeLdap, SERVICE};
use crate::support::slapd::{BASE, Slapd};

const USER: ObjectType = ObjectType::User;
const UNIT: ObjectType = ObjectType::Organization;
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_base_that_is_not_there_is_named_with_its_key() {
    let slapd = Slapd::start_target();
    let base = format!("ou=nowhere,{BASE}");
    let target = open(slapd.writing(), below(&base));
    let named = |fault: TargetFault| {
        let key = format!("there is no container \"{base}\", which base of [sync.ldap.types.");
        assert!(fault.code == 32 && fault.detail.starts_with(&key), "{fault:?}");
        fault.detail
    };
    let taro = values([("uid", json!("taro")), ("cn", json!("taro")), ("sn", json!("taro"))]);
    assert!(named(target.create(USER, &taro).await.unwrap_err()).contains(".types.user]"));
    assert!(named(target.find(UNIT, "ou", "x").await.unwrap_err()).contains(".types.organization]"));
    assert!(named(listed(&target, USER).await.unwrap_err()).contains(".types.user]"));
    named(target.probe().await.unwrap_err());
    // A parent of its own is another matter.
    let child =
        values([("uid", json!("x")), ("cn", json!("x")), ("sn", json!("x")), ("@parent", json!(NOBODY))]);
    let target = open(slapd.writing(), below(&format!("ou=target,{BASE}")));
    assert!(!target.create(USER, &child).await.unwrap_err().detail.contains("container"));
}

#[tokio::test]
async fn a_refusal_has_the_code_of_the_server() {
    let slapd = Slapd::start_target();
    let target = target(&slapd);
    let taro = person(&target, "taro").await;
    let refused = |code| (FaultKind::Refused, code);
    let user = |path: &str, value: Value| {
        values([("uid", json!("x")), ("cn", json!("x")), ("sn", json!("x")), (path, value)])
    };
    let creations = [
        (user("uid", json!("TARO")), (FaultKind::Conflict, 68)),
        (user("sn", Value::Null), refused(65)),
        (values([("cn", json!("x")), ("sn", json!("x"))]), refused(65)),
        (user("noSuchThing", json!("a")), refused(21)),
        (user("no such thing", json!("a")), refused(21)),
        (user("seeAlso", json!("no DN")), refused(21)),
        (user("preferredLanguage", json!(["ja", "en"])), refused(19)),
        (user("associatedDomain", json!("x.test")), refused(65)),
        (user("@parent", json!(NOBODY)), refused(32)),
        (user("@parent", json!(format!("ou=nowhere,ou=target,{BASE}"))), refused(32)),
        (user("@groupType", json!("forest")), refused(21)),
        (user("sambaNTPassword", json!("x")), refused(53)),
    ];
    for (made, expected) in creations {
        assert_eq!(fault(target.create(USER, &made).await), expected, "{made:?}");
    }
    let changes = [
        (set("noSuchThing", "a"), refused(21)),
        (set("seeAlso", "no DN"), refused(21)),
        (set("preferredLanguage", json!(["ja", "en"])), refused(19)),
        (Edit::Clear("sn".to_owned()), refused(65)),
        (Edit::Clear("uid".to_owned()), refused(67)),
    ];
    for (edit, expected) in changes {
        assert_eq!(
            fault(target.modify(USER, &taro.id, std::slice::from_ref(&edit)).await),
            expected,
            "{edit:?}"
        );
    }
    person(&target, "jiro").await;
    let taken = target.modify(USER, &taro.id, &[set("uid", "jiro")]).await;
    assert_eq!(fault(taken), (FaultKind::Conflict, 68));
    let contact = values([("cn", json!("x"))]);
    assert_eq!(fault(target.create(ObjectType::Contact, &contact).await), refused(53));
    for id in [NOBODY, "tanaka", "*"] {
        let gone = (FaultKind::NotFound, 32);
        assert_eq!(fault(target.modify(USER, id, &[set("sn", "a")]).await), gone);
        assert_eq!(fault(target.delete(USER, id).await), gone);
        assert_eq!(target.read(USER, id).await, Ok(None));
    }
    assert_eq!(listed(&target, USER).await.unwrap().len(), 2, "nothing of it was made");
}

#[tokio::test]
async fn a_parent_is_not_deleted() {
    let slapd = Slapd::start_target();
    let mut options = below(&format!("ou=target,{BASE}"));
    options.tree_delete = true;
    // OpenLDAP does not know how.
    for target in [target(&slapd), open(slapd.writing(), options)] {
        let unit = target.create(UNIT, &values([("ou", json!("unit"))])).await.unwrap();
        let under = values([
            ("uid", json!("x")),
            ("cn", json!("x")),
            ("sn", json!("x")),
            ("@parent", json!(unit.id)),
        ]);
        let under = target.create(USER, &under).await.unwrap();
        assert_eq!(fault(target.delete(UNIT, &unit.id).await), (FaultKind::Refused, 66));
        target.delete(USER, &under.id).await.unwrap();
        target.delete(UNIT, &unit.id).await.unwrap();
        assert_eq!(slapd.lines(&format!("ou=unit,ou=target,{BASE}")), None);
        assert_eq!(fault(target.delete(UNIT, &unit.id).await), (FaultKind::NotFound, 32));
    }
}

#[tokio::test]
async fn what_is_elsewhere_is_not_touched() {
    let slapd = Slapd::start_target();
    let all = open(slapd.writing(), below(BASE));
    let tanaka = all.find(USER, "uid", "tanaka").await.unwrap().remove(0);
    let unit = all.find(UNIT, "ou", "target").await.unwrap().remove(0);
    let target = target(&slapd);
    for (kind, id) in [(USER, &tanaka.id), (UNIT, &unit.id)] {
        assert_eq!(target.read(kind, id).await, Ok(None));
        assert_eq!(fault(target.delete(kind, id).await), (FaultKind::NotFound, 32));
    }
}

#[tokio::test]
async fn an_account_without_rights_is_told_apart_from_none() {
    let slapd = Slapd::start_target();
    let base = format!("ou=people,{BASE}");
    let reader = open(Slapd::options(&[&slapd]), below(&base));
    reader.probe().await.unwrap();
    let made = values([("uid", json!("x")), ("cn", json!("x")), ("sn", json!("x"))]);
    assert_eq!(fault(reader.create(USER, &made).await), (FaultKind::Refused, 50));
    let tanaka = reader.find(USER, "uid", "tanaka").await.unwrap().remove(0);
    assert_eq!(fault(reader.modify(USER, &tanaka.id, &[set("title", "a")]).await), (FaultKind::Refused, 50));
    assert_eq!(fault(reader.delete(USER, &tanaka.id).await), (FaultKind::Refused, 50));
    let mut wrong = slapd.writing();
    wrong.bind_password = Some(Secret::new("wrong".to_owned()));
    let unauthorized = (FaultKind::Unauthorized, 49);
    assert_eq!(fault(open(wrong, below(&base)).probe().await), unauthorized);
    let mut anonymous = slapd.writing();
    (anonymous.bind_dn, anonymous.bind_password) = (None, None);
    assert_eq!(fault(open(anonymous, below(&base)).probe().await).0, FaultKind::Unauthorized);
    assert_eq!(fault(open(slapd.writing(), below("ou=no,dc=example,dc=test")).probe().await).1, 32);
    // A password never goes in the clear, and what was made for it is taken away again.
    let mut clear = slapd.writing();
    clear.urls = vec![slapd.ldap_url()];
    let target = open(clear, below(&format!("ou=target,{BASE}")));
    let made = values([
        ("uid", json!("x")),
        ("cn", json!("x")),
        ("sn", json!("x")),
        ("userPassword", json!("N3w-Passw0rd!x")),
    ]);
    assert_eq!(fault(target.create(USER, &made).await), (FaultKind::Refused, 13));
    assert_eq!(slapd.lines(&format!("uid=x,ou=target,{BASE}")), None);
}

#[tokio::test]
async fn a_server_that_is_gone_was_sent_nothing() {
    let mut slapd = Slapd::start_target();
    let target = target(&slapd);
    let taro = person(&target, "taro").await;
    slapd.stop();
    let unheard = (FaultKind::Unheard, 81);
    let made = values([("uid", json!("x")), ("cn", json!("x")), ("sn", json!("x"))]);
    assert_eq!(fault(target.modify(USER, &taro.id, &[set("title", "a")]).await), unheard);
    assert_eq!(fault(target.delete(USER, &taro.id).await), unheard);
    assert_eq!(fault(target.create(USER, &made).await), unheard);
    assert_eq!(fault(listed(&target, USER).await), unheard);
    assert_eq!(fault(target.probe().await), unheard);
    slapd.restart();
    target.modify(USER, &taro.id, &[set("title", "a")]).await.unwrap();
    target.create(USER, &made).await.unwrap();
    // Started anew between two operations: noticed by what is read first.
    slapd.restart();
    target.modify(USER, &taro.id, &[set("title", "b")]).await.unwrap();
}

fn fake(fake: &FakeLdap) -> LdapOptions {
    let mut options = LdapOptions::new("fake");
    options.urls = vec![fake.url()];
    "dc=fake".clone_into(&mut options.search_base);
    options.bind_dn = Some(SERVICE.to_owned());
    options.bind_password = Some(Secret::new("service".to_owned()));
    options
}

#[tokio::test]
async fn what_was_sent_and_not_answered_is_sent_once() {
    let server = FakeLdap::start(Conduct::Well, Conduct::Well).await;
    let target = open(fake(&server), below("dc=fake"));
    let unknown = (FaultKind::Unknown, 81);
    let made = values([("uid", json!("x")), ("cn", json!("x")), ("sn", json!("x"))]);
    assert_eq!(fault(target.create(USER, &made).await), unknown);
    assert_eq!(server.writes(), 1);
    assert_eq!(fault(target.modify(USER, NOBODY, &[set("title", "a")]).await), unknown);
    assert_eq!(server.writes(), 2);
    assert_eq!(fault(target.delete(USER, NOBODY).await), unknown);
    assert_eq!(server.writes(), 3);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_later() {
    let server = FakeLdap::start(Conduct::Well, Conduct::Busy).await;
    let target = open(fake(&server), below("dc=fake"));
    let answer = target.modify(USER, NOBODY, &[set("title", "a")]).await;
    assert_eq!((fault(answer), server.writes()), ((FaultKind::Busy, 51), 1));
}
