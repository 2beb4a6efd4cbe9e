//! Who is kept, who is told of again, and who is looked at together.

use super::*;
use crate::sync::matching::Conflict;
use crate::sync::operation::Afterwards;
use crate::sync::plan::Unmatched;

fn key(id: &str) -> ObjectKey {
    ObjectKey::new(ObjectType::User, id)
}

/// Somebody in conflict, or without `ids` one who cannot be carried.
fn unsettled(id: &str, ids: &[&str]) -> Unsettled {
    let by = ("userName".to_owned(), "a".to_owned());
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    Unsettled {
        key: key(id),
        dn: format!("uid={id}"),
        since: Timestamp::UNIX_EPOCH,
        told: vec![format!("uid={id}: conflict")],
        holders: Vec::new(),
        wants: (!ids.is_empty()).then_some(Wants { by, ids, shared: false }),
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
        ..Again::default()
    };
    let new = vec![unsettled("new", &[])];
    let (all, unchanged) = after(&before, (&told, &HashSet::from([&late])), again, new);
    let all = Everybody::of(all, &Everybody::default());
    assert_eq!(ids(&all.kept), ["late", "new", "rest", "still"]);
    assert_eq!(ids(&unchanged), ["late", "rest", "still"]);
}

fn everybody(all: Vec<Unsettled>) -> Everybody {
    Everybody::of(all, &Everybody::default())
}

fn numbered(range: std::ops::Range<usize>, wants: &[&str]) -> Vec<Unsettled> {
    range.map(|number| unsettled(&format!("n{number:05}"), wants)).collect()
}

#[test]
fn those_who_want_the_same_are_looked_at_together_and_first_where_there_is_news() {
    let mut all = numbered(0..MOST, &[]);
    // By way of z2, z1 and z3 want the same.
    for (id, wants) in [("z1", &["t1"][..]), ("z2", &["t1", "t2"]), ("z3", &["t2"]), ("z4", &["t4"])] {
        all.push(unsettled(id, wants));
    }
    let all = everybody(all);
    let changed = HashSet::from([key("z3"), key("n00001")]);
    let found = Chosen::of(&all, &changed, "");
    assert_eq!(ids(found.looked.iter().copied())[..3], ["z1", "z2", "n00000"], "there is news of z3");
    assert_eq!((found.looked.len(), found.turn.as_str()), (MOST, "user/n00048"));
    assert_eq!(ids(found.waiting), ["z4"], "nobody else takes t4 over");
    let found = Chosen::of(&all, &changed, "user/n00048");
    assert_eq!(ids(found.looked)[2..5], ["n00049", "z4", "n00000"]);
}

#[test]
fn many_are_looked_at_by_turns() {
    let all = everybody(numbered(0..2 * MOST + 9, &[]));
    let (mut turn, mut seen) = (String::new(), Vec::new());
    for _ in 0..3 {
        let found = Chosen::of(&all, &HashSet::new(), &turn);
        assert_eq!(found.looked.len(), MOST);
        seen.extend(found.looked.iter().map(|one| one.key.clone()));
        turn = found.turn;
    }
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), all.kept.len());
    let few = everybody(numbered(0..MOST, &[]));
    let found = Chosen::of(&few, &HashSet::new(), &turn);
    assert_eq!((found.looked.len(), found.turn.as_str()), (MOST, ""), "all of them each time");
}

#[test]
fn too_many_who_want_the_same_are_the_matter_of_a_full_run() {
    let mut all = numbered(0..MOST + 1, &["t"]);
    all.push(unsettled("other", &[]));
    let all = everybody(all);
    let changed = HashSet::from([key("n00000")]);
    let found = Chosen::of(&all, &changed, "");
    assert_eq!((ids(found.looked), found.waiting.len(), found.turn.as_str()), (vec!["other"], MOST, ""));

    let found = |id: &str, ids: usize, more: usize| {
        let found = (0..ids).map(|at| (format!("t{at}"), Some(key("x")))).collect();
        let cause = Conflict {
            path: "userName".into(),
            value: "a".into(),
            found,
            more,
            holders: Vec::new(),
            wanted: false,
        };
        Unmatched { key: key(id), dn: format!("uid={id}"), cause }
    };
    let mut conflicts: Vec<_> = (0..=MOST).map(|at| found(&at.to_string(), 1, 4)).collect();
    conflicts.push(found("much", 2, 3));
    let plan = Plan { conflicts, ..Plan::default() };
    let all = of_plan(&plan, &[], &[], Timestamp::UNIX_EPOCH);
    assert!(all.iter().all(|one| one.told[0].ends_with("; only a run with --full looks at this again")));
    let plan = Plan { conflicts: plan.conflicts[1..=MOST].to_vec(), ..Plan::default() };
    let all = of_plan(&plan, &[], &[], Timestamp::UNIX_EPOCH);
    assert!(
        all.iter()
            .all(|one| one.told[0].ends_with("at the target") || one.told[0].ends_with("in the directory"))
    );
}

#[test]
fn of_very_many_the_first_are_kept_and_those_in_conflict_before_others() {
    let mut all = numbered(0..KEPT + 1_000, &[]);
    all.push(unsettled("z", &["t"]));
    let all = everybody(all);
    assert_eq!((all.kept.len(), all.more, all.rivals), (KEPT, 1_001, false));
    assert_eq!(ids(&all.kept)[KEPT - 2..], ["n01998", "z"]);
    // A run that finds them as they were writes nothing.
    let again = Everybody::of(all.kept.iter().rev().cloned().collect(), &all);
    assert_eq!(body(&again), body(&all));
    assert!(body(&all).len() < 400_000);

    let rivals = everybody(numbered(0..KEPT + 1, &["t"]));
    assert!(Chosen::of(&rivals, &HashSet::new(), "").looked.is_empty());
    let adopts = |kind| Operation {
        action: Action::Adopt,
        key: ObjectKey::new(kind, "new"),
        dn: String::new(),
        target_id: None,
        changes: Vec::new(),
        match_by: Vec::new(),
        afterwards: Afterwards::default(),
    };
    let plan = |kind| Plan { operations: vec![adopts(kind)], ..Plan::default() };
    assert!(rivals.is_unclear(&plan(ObjectType::User)), "one of the others may want the same");
    assert!(!rivals.is_unclear(&plan(ObjectType::Group)) && !all.is_unclear(&plan(ObjectType::User)));
}

#[test]
fn many_are_told_of_by_their_number() {
    let all: Vec<Unsettled> = (0..TOLD + 3).map(|n| unsettled(&n.to_string(), &[])).collect();
    let everybody = |more: usize, all: &[Unsettled]| Everybody { kept: all.to_vec(), more, rivals: false };
    let told = sentences(&everybody(0, &all), "idp", &mut HashSet::new());
    assert_eq!(told.len(), TOLD + 1);
    assert_eq!(
        told.last().unwrap(),
        "3 more are in conflict, cannot be carried, or are only told of (match), as before; `sekisho sync status idp` shows \
         them"
    );
    assert_eq!(sentences(&everybody(0, &all[..TOLD]), "idp", &mut HashSet::new()).len(), TOLD);
    assert!(
        sentences(&everybody(7, &all[..TOLD]), "idp", &mut HashSet::new())[TOLD]
            .starts_with("7 more are in conflict")
    );
    assert_eq!(more_are(1), "1 more is in conflict, cannot be carried, or is only told of (match)");
}

#[test]
fn what_match_reports_is_kept_until_it_is_over_and_stands_in_nobodys_way() {
    use crate::sync::matching::Report;
    let report = |id: &str, cause| Unmatched { key: key(id), dn: format!("uid={id}"), cause };
    let found = Report::Unlinked { path: "userName".into(), target_id: "t".into() };
    let reports = vec![report("a", Report::Nothing), report("b", found)];
    let all = of_plan(&Plan { reports, ..Plan::default() }, &[], &[], Timestamp::UNIX_EPOCH);
    assert_eq!(ids(&all), ["a", "b"]);
    assert_eq!(all[0].told, ["uid=a: the target has none, and none is made (match.none)"]);
    assert_eq!(
        all[1].told,
        ["uid=b: t at the target has the same userName, and is not taken over (match.one)"]
    );
    assert!(all.iter().all(|one| one.wants.is_none()));
    let all = everybody(all);
    assert_eq!(ids(Chosen::of(&all, &HashSet::new(), "").looked), ["a", "b"], "they are looked at again");
}

#[test]
fn groups_are_looked_at_again_unless_they_are_too_many() {
    use crate::sync::matching::Report;
    let of = |groups: usize, people: usize| {
        let group = |n: usize| ObjectKey::new(ObjectType::Group, n.to_string());
        let keys = (0..groups).map(group).chain((0..people).map(|n| key(&n.to_string())));
        let reports = keys.map(|key| Unmatched { key, dn: "cn=x".into(), cause: Report::Nothing });
        of_plan(&Plan { reports: reports.collect(), ..Plan::default() }, &[], &[], Timestamp::UNIX_EPOCH)
    };
    for (groups, people, expected) in [(0, 1, false), (1, MOST, true), (MOST, 1, true), (MOST + 1, 0, false)]
    {
        let all = of(groups, people);
        let is_told_of_once = all.iter().all(|one| one.told[0].ends_with(NOT_AGAIN));
        assert_eq!(is_told_of_once, groups > MOST, "{groups}");
        assert_eq!(chosen::may_look_at_structure(&everybody(all)), expected, "{groups} and {people}");
    }
}

#[test]
fn of_those_who_want_the_same_one_sentence_tells() {
    let found = |other: &str| vec![("t".to_owned(), Some(key(other)))];
    let cause = |other: &str, wanted| Conflict {
        path: "userName".into(),
        value: "a".into(),
        found: found(other),
        more: 0,
        holders: Vec::new(),
        wanted,
    };
    let conflict = |id: &str, cause| Unmatched { key: key(id), dn: format!("uid={id}"), cause };
    let all = vec![conflict("a", cause("b", true)), conflict("b", cause("a", true))];
    let of_one = |all| Plan { conflicts: all, ..Plan::default() };
    let mut known = HashSet::new();
    let told = conflicts(&of_one(all.clone()), &mut known);
    assert_eq!(
        told,
        [
            "uid=a: conflict: userName \"a\" at the target is that of t, which user/b wants as well; give one of the two \
          another userName in the directory"
        ]
    );
    let kept = everybody(of_plan(&of_one(all), &[], &[], Timestamp::UNIX_EPOCH));
    assert_eq!(sentences(&kept, "idp", &mut known), [""; 0], "it is told already");
    assert_eq!(sentences(&kept, "idp", &mut HashSet::new()), told);
    let linked = vec![conflict("a", cause("c", false)), conflict("b", cause("c", false))];
    assert_eq!(conflicts(&of_one(linked), &mut HashSet::new()).len(), 2, "each has its own");
}

#[test]
fn it_is_kept_since_when_somebody_is_unsettled() {
    let found = vec![("t".to_owned(), Some(key("b")))];
    let cause = Conflict {
        path: "userName".into(),
        value: "a".into(),
        found,
        more: 0,
        holders: Vec::new(),
        wanted: false,
    };
    let conflict = |id: &str| Unmatched { key: key(id), dn: format!("uid={id}"), cause: cause.clone() };
    let plan = Plan { conflicts: vec![conflict("a"), conflict("c")], ..Plan::default() };
    let now = Timestamp::from_second(9).unwrap();
    let all = of_plan(&plan, &[], &[unsettled("a", &[])], now);
    assert_eq!(all.iter().map(|one| one.since).collect::<Vec<_>>(), [Timestamp::UNIX_EPOCH, now]);
    assert_eq!(all[0].holders, [key("b")]);
    let all = Everybody::of(all, &Everybody::default());
    let stored = BTreeMap::from([(SHELF.to_owned(), body(&all))]);
    assert_eq!(kept(&stored), all);
    let of_another = BTreeMap::from([(SHELF.to_owned(), "[{}]".to_owned())]);
    assert_eq!([&stored, &of_another, &BTreeMap::new()].map(is_known), [true, false, true]);
    let nobody = Everybody::default();
    assert_eq!((body(&nobody), kept(&BTreeMap::new())), (String::new(), nobody));
}
