//! What differs between what an object should be and what the target has, or was last given.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ledger::{Known, Ledger};
use super::policy::{Policy, TypePolicy};
use crate::sync::matching;
use crate::sync::object::{Desired, Reference};
use crate::sync::operation::{Action, Afterwards, Change, Operation};

/// What the target shows of an object, by path.
pub type Shown = BTreeMap<String, Value>;

/// What was last carried: a link, or nothing yet.
#[derive(Clone, Copy)]
pub(super) struct Carried<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) known: Option<&'a Known>,
}

impl<'a> Carried<'a> {
    pub(super) fn sum(self, path: &str) -> Option<u64> {
        self.ledger.sum(self.known?, path)
    }

    /// How many paths were carried.
    fn count(self) -> usize {
        self.known.map_or(0, Known::count)
    }

    fn paths(self) -> impl Iterator<Item = &'a str> {
        self.known.into_iter().flat_map(move |known| self.ledger.paths(known))
    }
}

/// What has to be sent.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Differences {
    pub(super) changes: Vec<Change>,
    /// Paths that differ and that the target does not take.
    pub(super) immutable: Vec<String>,
    /// Sums of values that the target has without having been given them.
    pub(super) held: BTreeMap<String, u64>,
}

/// Compares `desired` with what was carried, and with what the target shows if that is known.
pub(super) fn differences(
    desired: &Desired,
    carried: Carried<'_>,
    shown: Option<&Shown>,
    policy: &Policy,
    rules: &TypePolicy,
) -> Differences {
    let mut found = Differences::default();
    let mut touched: BTreeSet<&str> = BTreeSet::new();
    let mut again = 0;
    for (path, value) in values(desired, rules) {
        let sum = (policy.hash)(value);
        let before = carried.sum(path);
        again += usize::from(before.is_some());
        let as_carried = before == Some(sum);
        let shown = shown.filter(|_| !rules.write_only.contains(path));
        let differs = match shown {
            Some(shown) => differs(path, value, shown.get(path), as_carried),
            None => !as_carried,
        };
        if differs {
            touched.insert(path);
        } else if !as_carried {
            found.held.insert(path.clone(), sum);
        }
    }
    if touched.is_empty() && again + others_wanted(desired, carried, rules) == carried.count() {
        // All that was carried is still wanted: nothing is cleared either.
        return found;
    }
    let cleared: BTreeSet<&str> = carried.paths().filter(|path| is_vanished(desired, rules, path)).collect();
    touched.extend(&cleared);
    let refused = touched.iter().filter(|path| rules.immutable.contains(**path));
    found.immutable = refused.map(|path| (*path).to_owned()).collect();
    // What is written together with what cannot be read would take that away.
    let kept = desired.at_creation.iter().filter(|(_, value)| value.is_null()).map(|(path, _)| path);
    let kept = kept
        .filter(|path| carried.sum(path).is_some() || shown.is_some_and(|shown| shown.contains_key(*path)));
    let refused: BTreeSet<&str> =
        found.immutable.iter().chain(kept).map(|path| (policy.group)(path)).collect();
    let groups: BTreeSet<&str> = touched.iter().map(|path| (policy.group)(path)).collect();
    if groups.iter().all(|group| refused.contains(group)) {
        return found;
    }
    let goes = |path: &str| {
        let group = (policy.group)(path);
        groups.contains(group) && !refused.contains(group)
    };
    let set = values(desired, rules).filter(|(path, _)| goes(path));
    found.changes.extend(set.map(|(path, value)| Change::Set { path: path.clone(), value: value.clone() }));
    let own = desired.at_creation.iter().filter(|(path, value)| goes(path) && !is_empty(value));
    found.changes.extend(own.filter_map(|(path, value)| {
        // It is the target's own by now, and would go with the rest of its attribute.
        let held = match shown.filter(|_| !rules.write_only.contains(path)) {
            Some(shown) => shown.get(path).cloned(),
            None => Some(value.clone()),
        };
        Some(Change::Set { path: path.clone(), value: held? })
    }));
    let clear = cleared.into_iter().filter(|path| goes(path));
    found.changes.extend(clear.map(|path| Change::Clear { path: path.to_owned() }));
    found
}

/// Everything that a creation sends.
pub(super) fn creation(desired: Desired, rules: &TypePolicy) -> Operation {
    let values = desired.values.into_iter().chain(desired.at_creation);
    let values = values.filter(|(path, value)| !is_empty(value) && !rules.is_active(path));
    let active = rules.active.iter().map(|path| (path.clone(), Value::Bool(true)));
    let given = values.chain(active).map(|(path, value)| Change::Set { path, value });
    let random = desired.random.into_iter().map(|path| Change::Random { path });
    Operation {
        action: Action::Create,
        key: desired.key,
        dn: desired.dn,
        target_id: None,
        changes: given.chain(random).collect(),
        match_by: desired.match_by,
        afterwards: Afterwards::default(),
    }
}

/// What there is to be at the target: an empty value is none.
fn values<'a>(desired: &'a Desired, rules: &'a TypePolicy) -> impl Iterator<Item = (&'a String, &'a Value)> {
    desired.values.iter().filter(|(path, value)| !rules.is_active(path) && !is_empty(value))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

/// How many of the carried paths are wanted without being among the [`values`].
fn others_wanted(desired: &Desired, carried: Carried<'_>, rules: &TypePolicy) -> usize {
    let referred = desired.references.iter().filter(|(_, to)| matches!(to, Reference::One(_)));
    let referred = referred.map(|(path, _)| path);
    let others: BTreeSet<&String> = rules
        .active
        .iter()
        .chain(referred)
        .chain(desired.at_creation.keys())
        .filter(|path| rules.is_active(path) || desired.values.get(*path).is_none_or(is_empty))
        .collect();
    others.into_iter().filter(|path| carried.sum(path).is_some()).count()
}

/// Whether a path was carried and has nothing to be carried any more.
fn is_vanished(desired: &Desired, rules: &TypePolicy, path: &str) -> bool {
    let referred = matches!(desired.references.get(path), Some(Reference::One(_)));
    !referred
        && !rules.is_active(path)
        && desired.values.get(path).is_none_or(is_empty)
        && !desired.at_creation.contains_key(path)
        && !desired.random.iter().any(|random| random == path)
}

/// A target may write a name or an address in its own case: only a change of ours corrects that.
fn differs(path: &str, wanted: &Value, shown: Option<&Value>, as_carried: bool) -> bool {
    let Some(shown) = shown else { return true };
    if alike(wanted, shown, |one, other| one == other) {
        return false;
    }
    !as_carried || !alike(wanted, shown, |one, other| matching::same(path, one, other))
}

/// The order in a list means nothing (RFC 7643 section 2.4).
fn alike(wanted: &Value, shown: &Value, same: impl Fn(&str, &str) -> bool + Copy) -> bool {
    match (wanted, shown) {
        (Value::String(one), Value::String(other)) => same(one, other),
        (Value::Array(ones), Value::Array(others)) => {
            let within = |all: &[Value], one: &Value| all.iter().any(|other| alike(one, other, same));
            ones.len() == others.len()
                && ones.iter().all(|one| within(others, one))
                && others.iter().all(|other| within(ones, other))
        }
        (Value::Array(ones), single) | (single, Value::Array(ones)) => {
            matches!(ones.as_slice(), [one] if alike(one, single, same))
        }
        // A directory tells a boolean as a text.
        (Value::Bool(one), Value::String(other)) | (Value::String(other), Value::Bool(one)) => {
            other.eq_ignore_ascii_case(if *one { "true" } else { "false" })
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sync::link::{Link, LinkState};
    use crate::sync::object::{ObjectKey, ObjectType};

    #[test]
    fn the_switch_the_manager_and_what_was_given_at_the_creation_are_wanted_once() {
        let key = ObjectKey::new(ObjectType::User, "a");
        let paths = ["active", "locale", "manager.value", "title", "userName"];
        let mut ledger = Ledger::default();
        ledger.put(Link {
            key: key.clone(),
            dn: String::new(),
            target_id: "t".to_owned(),
            state: LinkState::Active,
            sums: paths.iter().map(|path| ((*path).to_owned(), 1)).collect::<BTreeMap<_, _>>().into(),
            members: BTreeMap::new(),
        });
        let carried = Carried { ledger: &ledger, known: ledger.find(&key) };
        let manager = Reference::One(ObjectKey::new(ObjectType::User, "b"));
        let desired = Desired {
            key: key.clone(),
            dn: String::new(),
            active: true,
            values: [("userName", json!("a")), ("active", json!(true)), ("locale", json!("ja"))]
                .map(|(path, value)| (path.to_owned(), value))
                .into(),
            at_creation: [("locale".to_owned(), json!("ja")), ("zone".to_owned(), json!("x"))].into(),
            random: Vec::new(),
            references: [("manager.value".to_owned(), manager)].into(),
            match_by: Vec::new(),
        };
        let rules = TypePolicy::with_active("active");
        assert_eq!(others_wanted(&desired, carried, &rules), 2, "active and manager.value");
        let without = Desired { values: BTreeMap::new(), ..desired };
        assert_eq!(others_wanted(&without, carried, &rules), 3, "and locale");
    }
}
