//! Groups of OpenLDAP: members in and out, by hundreds, groups in groups, and groups that must not be empty.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use sekisho::sync::target::{Edit, FaultKind};
use sekisho::sync::{LdapTarget, ObjectType, Target};
use serde_json::json;

use super::{below, fault, listed, open, person, read, set, texts, values};
use crate::support::slapd::{BASE, Slapd};

const GROUP: ObjectType = ObjectType::Group;

fn nobody() -> String {
    format!("cn=nobody,{BASE}")
}

/// With the placeholder.
fn target(slapd: &Slapd) -> LdapTarget {
    let mut options = below(&format!("ou=target,{BASE}"));
    options.placeholder = Some(nobody());
    open(slapd.writing(), options)
}

fn held(slapd: &Slapd, dn: &str, attribute: &str) -> BTreeSet<String> {
    let start = format!("{attribute}: ");
    let lines = slapd.lines(dn).unwrap();
    lines.iter().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
}

fn join(ids: &[&str]) -> [Edit; 1] {
    [Edit::Join("member".to_owned(), ids.iter().map(|id| (*id).to_owned()).collect())]
}

fn leave(ids: &[&str]) -> [Edit; 1] {
    [Edit::Leave("member".to_owned(), ids.iter().map(|id| (*id).to_owned()).collect())]
}

#[tokio::test]
async fn members_come_and_go_and_a_group_is_never_empty() {
    let slapd = Slapd::start_target();
    let target = target(&slapd);
    let (a, b) = (person(&target, "a").await, person(&target, "b").await);
    let dn = |name: &str| format!("uid={name},ou=target,{BASE}");
    let group = target.create(GROUP, &values([("cn", json!("g"))])).await.unwrap();
    let at = format!("cn=g,ou=target,{BASE}");
    let members = || held(&slapd, &at, "member");
    assert_eq!(members(), BTreeSet::from([nobody()]));
    assert_eq!(target.value(&group, "member"), None);
    // Each twice: who is in may join, who is out may leave.
    for _ in 0..2 {
        target.modify(GROUP, &group.id, &join(&[&a.id, &b.id])).await.unwrap();
        assert_eq!(members(), BTreeSet::from([dn("a"), dn("b")]));
    }
    let told = texts(target.value(&read(&target, GROUP, &group.id).await, "member"));
    assert_eq!(BTreeSet::from_iter(told), BTreeSet::from([a.id.clone(), b.id.clone()]));
    for _ in 0..2 {
        target.modify(GROUP, &group.id, &leave(&[&a.id])).await.unwrap();
        assert_eq!(members(), BTreeSet::from([dn("b")]));
    }
    for _ in 0..2 {
        target.modify(GROUP, &group.id, &leave(&[&a.id, &b.id])).await.unwrap();
        assert_eq!(members(), BTreeSet::from([nobody()]));
    }
    // All at once, and another all.
    target.modify(GROUP, &group.id, &[set("member", json!([a.id]))]).await.unwrap();
    assert_eq!(members(), BTreeSet::from([dn("a")]));
    target.modify(GROUP, &group.id, &[set("member", json!([b.id]))]).await.unwrap();
    assert_eq!(members(), BTreeSet::from([dn("b")]));
    target.modify(GROUP, &group.id, &[Edit::Clear("member".to_owned())]).await.unwrap();
    assert_eq!(members(), BTreeSet::from([nobody()]));
    // Those who are there are in, and that one is missing is told.
    let strange = "00000000-0000-4000-8000-000000000000";
    let told = target.modify(GROUP, &group.id, &join(&[&a.id, strange])).await;
    assert!(told.as_ref().unwrap_err().detail.contains(strange));
    assert_eq!(fault(told), (FaultKind::Refused, 32));
    assert_eq!(members(), BTreeSet::from([dn("a")]));
}

#[tokio::test]
async fn without_a_placeholder_the_last_one_stays() {
    let slapd = Slapd::start_target();
    let target = super::target(&slapd);
    assert_eq!(fault(target.create(GROUP, &values([("cn", json!("g"))])).await), (FaultKind::Refused, 65));
    let a = person(&target, "a").await;
    let made = values([("cn", json!("g")), ("member", json!([a.id]))]);
    let group = target.create(GROUP, &made).await.unwrap();
    assert_eq!(fault(target.modify(GROUP, &group.id, &leave(&[&a.id])).await), (FaultKind::Refused, 65));
}

#[tokio::test]
async fn groups_are_in_groups_and_other_attributes_hold_members_too() {
    let slapd = Slapd::start_target();
    let mut options = below(&format!("ou=target,{BASE}"));
    let unique = options.types.get_mut(&ObjectType::SecurityGroup).unwrap();
    unique.classes = vec!["groupOfUniqueNames".to_owned()];
    unique.member = Some("uniqueMember".to_owned());
    let target = open(slapd.writing(), options);
    let a = person(&target, "a").await;
    let inner = values([("cn", json!("inner")), ("uniqueMember", json!([a.id]))]);
    let inner = target.create(ObjectType::SecurityGroup, &inner).await.unwrap();
    let outer = values([("cn", json!("outer")), ("member", json!([inner.id]))]);
    let outer = target.create(GROUP, &outer).await.unwrap();
    let at = |name: &str| format!("cn={name},ou=target,{BASE}");
    assert_eq!(held(&slapd, &at("inner"), "uniqueMember"), [format!("uid=a,ou=target,{BASE}")].into());
    assert_eq!(held(&slapd, &at("outer"), "member"), [at("inner")].into());
    assert_eq!(target.value(&outer, "member"), Some(json!([inner.id])));
    assert_eq!(target.value(&inner, "uniqueMember"), Some(json!([a.id])));
    // A renamed member is the same one.
    target.modify(GROUP, &outer.id, &[set("cn", "around")]).await.unwrap();
    assert_eq!(held(&slapd, &at("around"), "cn"), ["around".to_owned()].into());
}

#[tokio::test]
async fn twelve_hundred_members_go_in_and_out() {
    let slapd = Slapd::start_target();
    let target = target(&slapd);
    let names: Vec<String> = (0..1200).map(|number| format!("p{number}")).collect();
    let made = stream::iter(&names).map(|name| person(&target, name)).buffer_unordered(16);
    let ids: Vec<String> = made.map(|object| object.id).collect().await;
    let all = listed(&target, ObjectType::User).await.unwrap();
    let listed: BTreeSet<&String> = all.iter().map(|object| &object.id).collect();
    assert_eq!((all.len(), listed), (1200, ids.iter().collect()));
    let at = format!("cn=g,ou=target,{BASE}");
    let made = values([("cn", json!("g")), ("member", json!(ids))]);
    let group = target.create(GROUP, &made).await.unwrap();
    assert_eq!(held(&slapd, &at, "member").len(), 1200);
    assert_eq!(texts(target.value(&group, "member")).len(), 1200);
    let whole = |ids: &[String]| ids.to_vec();
    target.modify(GROUP, &group.id, &[Edit::Leave("member".to_owned(), whole(&ids))]).await.unwrap();
    assert_eq!(held(&slapd, &at, "member"), BTreeSet::from([nobody()]));
    target.modify(GROUP, &group.id, &[Edit::Join("member".to_owned(), whole(&ids))]).await.unwrap();
    assert_eq!(held(&slapd, &at, "member").len(), 1200);
    target.modify(GROUP, &group.id, &[set("member", json!(ids[..3]))]).await.unwrap();
    assert_eq!(held(&slapd, &at, "member").len(), 3);
}
