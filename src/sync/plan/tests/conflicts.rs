//! Many who want the same, and those who do although nothing is told of them.

use super::super::*;
use super::model::*;

#[test]
fn of_many_who_find_the_same_a_few_are_named() {
    let mut planner = World::default().planner(policy(), at(0));
    let ids: Vec<String> = (0..300).map(|id| format!("u{id:03}")).collect();
    for id in &ids {
        planner.offer(wanted(user(id), &[]));
        planner.matched(&user(id), Decision::Adopt { target_id: "t".into() }, None);
    }
    let plan = planner.finish(&Readings::every(Reading::All));
    assert_eq!((told(&plan), plan.conflicts.len()), (vec![], 300));
    for conflict in &plan.conflicts {
        let cause = &conflict.cause;
        assert_eq!((cause.found.len(), cause.holders.len(), cause.more), (5, 5, 294));
    }
    let sentence = plan.conflicts[0].sentence();
    assert_eq!(
        sentence,
        "cn=u000,dc=x: conflict: userName \"u000\" at the target is that of t, which cn=u001,dc=x; cn=u002,dc=x; \
         cn=u003,dc=x; cn=u004,dc=x; cn=u005,dc=x and 294 more want as well; give all but one of them another userName \
         in the directory"
    );
}

#[test]
fn nobody_takes_over_what_somebody_else_wants_who_is_not_looked_at() {
    let plan = |rival: &str| {
        let mut planner = World::default().planner(policy(), at(0));
        let by = ("userName".to_owned(), "a".to_owned());
        planner.contest((user(rival), format!("cn={rival},dc=x")), &by, ["t".to_owned()]);
        planner.offer(wanted(user("a"), &[]));
        planner.matched(&user("a"), Decision::Adopt { target_id: "t".into() }, None);
        planner.finish(&Readings::every(Reading::Changes))
    };
    let found = plan("b");
    assert_eq!((told(&found), found.conflicts.len()), (vec![], 1));
    assert_eq!(
        found.conflicts[0].sentence(),
        "cn=a,dc=x: conflict: userName \"a\" at the target is that of t, which cn=b,dc=x wants as well; give one \
         of the two another userName in the directory"
    );
    assert_eq!(told(&plan("a")), ["Adopt user/a"], "nobody is in the own way");
}
