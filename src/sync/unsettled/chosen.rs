//! [`Chosen`]: at whom of those who are unsettled a run of changes looks again. Whoever wants the same is looked at together
//! or not at all: seen alone, one of two would be taken for the only one.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Everybody, MOST, Unsettled, Wants};
use crate::sync::linked::is_person;
use crate::sync::object::{ObjectKey, ObjectType};

/// Some of those who are unsettled and of whom there is no news.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    /// At whom it looks.
    pub(super) looked: Vec<&'a Unsettled>,
    /// At whom it does not, of those who are in conflict.
    pub(super) waiting: Vec<&'a Unsettled>,
    /// Whose turn was last; nothing where it looks at all who are not too many.
    pub(super) turn: String,
}

impl<'a> Chosen<'a> {
    /// `changed`: of whom there is news; with whom they are in conflict comes first, then the others from `turn` on.
    pub(super) fn of(unsettled: &'a Everybody, changed: &HashSet<ObjectKey>, turn: &str) -> Self {
        let people = unsettled.kept.iter().filter(|one| is_person(one.key.kind));
        let all =
            groups(people).into_iter().filter(|group| group.iter().any(|one| !changed.contains(&one.key)));
        let (first, mut others): (Vec<_>, Vec<_>) =
            all.partition(|group| group.iter().any(|one| changed.contains(&one.key)));
        let at = others.partition_point(|group| place(group).as_str() <= turn);
        others.rotate_left(at);
        let mut found = Self { looked: Vec::new(), waiting: Vec::new(), turn: String::new() };
        let (mut is_over, mut last) = (false, turn.to_owned());
        for (group, by_turn) in
            first.into_iter().map(|group| (group, false)).chain(others.into_iter().map(|group| (group, true)))
        {
            // Of those who are not kept, some may want the same.
            let never = is_vast(&group) || unsettled.rivals && group.iter().any(|one| one.wants.is_some());
            let open: Vec<&Unsettled> =
                group.iter().filter(|one| !changed.contains(&one.key)).copied().collect();
            let fits = found.looked.len() + open.len() <= MOST;
            if never || is_over || !fits {
                is_over |= by_turn && !never;
                found.waiting.extend(open.into_iter().filter(|one| one.wants.is_some()));
                continue;
            }
            if by_turn {
                last = place(&group);
            }
            found.looked.extend(open);
        }
        if is_over {
            found.turn = last;
        }
        found
    }
}

/// Whether a run of changes looks at units and groups again: at all of them, with a question for each.
pub(super) fn may_look_at_structure(unsettled: &Everybody) -> bool {
    (1..=MOST).contains(&of_structure(&unsettled.kept).count())
}

/// Those who are too many to be looked at together, or who want too much.
pub(super) fn vast(all: &[Unsettled]) -> HashSet<ObjectKey> {
    let groups = groups(all.iter().filter(|one| is_person(one.key.kind))).into_iter();
    let people = groups.filter(|group| is_vast(group)).flatten();
    let structure: Vec<&Unsettled> = of_structure(all).collect();
    let structure = Some(structure).filter(|all| all.len() > MOST).into_iter().flatten();
    people.chain(structure).map(|one| one.key.clone()).collect()
}

fn of_structure(all: &[Unsettled]) -> impl Iterator<Item = &Unsettled> {
    all.iter().filter(|one| !is_person(one.key.kind))
}

fn is_vast(group: &[&Unsettled]) -> bool {
    let wants_much = |one: &&Unsettled| one.wants.as_ref().is_some_and(|wants| wants.ids.is_empty());
    group.len() > MOST || group.iter().any(wants_much)
}

/// Where a group stands among the others.
fn place(group: &[&Unsettled]) -> String {
    group.first().map_or_else(String::new, |one| one.key.to_string())
}

/// Together, whoever wants the same; in the order of the first of each.
fn groups<'a>(all: impl Iterator<Item = &'a Unsettled>) -> Vec<Vec<&'a Unsettled>> {
    // In the order of what is kept of turns.
    let mut open: BTreeMap<String, &Unsettled> = all.map(|one| (one.key.to_string(), one)).collect();
    let mut by_id: HashMap<(ObjectType, &str), Vec<&Unsettled>> = HashMap::new();
    for one in open.values() {
        for id in ids(one) {
            by_id.entry((one.key.kind, id)).or_default().push(one);
        }
    }
    let mut groups = Vec::new();
    while let Some((_, first)) = open.pop_first() {
        let (mut group, mut next) = (Vec::new(), vec![first]);
        while let Some(one) = next.pop() {
            group.push(one);
            for id in ids(one) {
                let same = by_id.remove(&(one.key.kind, id)).unwrap_or_default();
                next.extend(same.into_iter().filter(|other| open.remove(&other.key.to_string()).is_some()));
            }
        }
        groups.push(group);
    }
    groups
}

fn ids(one: &Unsettled) -> impl Iterator<Item = &str> {
    let ids: &[String] = match &one.wants {
        Some(Wants { ids, .. }) => ids,
        None => &[],
    };
    ids.iter().map(String::as_str)
}
