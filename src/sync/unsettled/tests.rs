//! Who is kept, who is told of again, and who is looked at together.

use super::*;
use crate::sync::matching::Conflict;
use crate::sync::plan::Unmatched;

fn key(id: &str) -> ObjectKey {
    ObjectKey::new(ObjectType::User, id)
}

fn unsettled(id: &str, holders: &[&str]) -> Unsettled {
    Unsettled {
        key: key(id),
        dn: format!("uid={id}"),
        since: Timestamp::UNIX_EPOCH,
        told: vec![format!("uid={id}: conflict")],
        holders: holders.iter().map(|id| key(id)).collect(),
    }
}

fn ids<'a>(all: impl IntoIterator<Item = &'a Unsettled>) -> Vec<&'a str> {
    all.into_iter().map(|one| one.key.id.as_str()).collect()
}

#[test]
fn whoever_was_not_looked_at_stays_and_is_told_of() {
    let before = ["cured", "gone", "late", "rest", "still"].map(|id| unsettled(id, &[])).to_vec();
    let told = HashSet::from([key("cured"), key("late")]);
    let late = key("late");
    let again = Again {
        looked: HashSet::from([key("gone"), key("still")]),
        still: vec![unsettled("still", &[])],
        of_structure: false,
    };
    let new = vec![unsettled("new", &[])];
    let (all, unchanged) = after(before, (&told, &HashSet::from([&late])), again, new);
    assert_eq!(ids(&all), ["late", "new", "rest", "still"]);
    assert_eq!(ids(&unchanged), ["late", "rest", "still"]);
}

#[test]
fn those_who_are_in_conflict_with_each_other_are_looked_at_together() {
    let mut all: Vec<Unsettled> = (0..MOST).map(|n| unsettled(&format!("n{n:03}"), &["z1"])).collect();
    all.push(unsettled("z1", &["n000"]));
    all.push(unsettled("z2", &["changed"]));
    all.push(unsettled("z3", &["somebody"]));
    let changed = HashSet::from([key("changed"), key("n001")]);
    let chosen = chosen(&all, &changed);
    assert_eq!(chosen.len(), MOST + 1);
    assert!(!ids(chosen.iter().copied()).contains(&"n001"), "there is news of it");
    assert_eq!(ids(chosen.into_iter().rev().take(2)), ["z2", "z1"]);
}

#[test]
fn many_are_told_of_by_their_number() {
    let all: Vec<Unsettled> = (0..TOLD + 3).map(|n| unsettled(&n.to_string(), &[])).collect();
    let told = sentences(&all, "idp");
    assert_eq!(told.len(), TOLD + 1);
    assert_eq!(
        told.last().unwrap(),
        "3 more are in conflict or cannot be carried, as before; `sekisho sync status idp` shows them"
    );
    assert_eq!(sentences(&all[..TOLD], "idp").len(), TOLD);
}

#[test]
fn it_is_kept_since_when_somebody_is_unsettled() {
    let found = vec![("t".to_owned(), Some(key("b")))];
    let cause = Conflict { path: "userName".into(), value: "a".into(), found, holders: Vec::new() };
    let conflict = |id: &str| Unmatched { key: key(id), dn: format!("uid={id}"), cause: cause.clone() };
    let plan = Plan { conflicts: vec![conflict("a"), conflict("c")], ..Plan::default() };
    let now = Timestamp::from_second(9).unwrap();
    let all = of_plan(&plan, &[], &[unsettled("a", &[])], now);
    assert_eq!(all.iter().map(|one| one.since).collect::<Vec<_>>(), [Timestamp::UNIX_EPOCH, now]);
    assert_eq!(all[0].holders, [key("b")]);
    let stored = BTreeMap::from([(SHELF.to_owned(), body(&all))]);
    assert_eq!(kept(&stored), all);
    assert_eq!((body(&[]), kept(&BTreeMap::new())), (String::new(), vec![]));
}
