//! References and members: they name others, which have to exist, and some of which leave.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::ladder::Leavers;
use super::policy::reference_sum;
use super::{Carried, Planner, Shown};
use crate::sync::object::{Desired, ObjectKey, Reference};
use crate::sync::operation::{Action, Afterwards, Change, Operation};

/// What an object refers to, as long as that differs from what was carried.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) key: ObjectKey,
    dn: String,
    pub(super) to: Vec<(String, Reference)>,
}

impl Planner {
    /// What the target shows of references takes the place of what was carried, as far as it is about objects that are
    /// linked: members of its own are its own business. Gives the paths where it names somebody else.
    pub(super) fn see(&mut self, desired: &Desired, shown: &Shown) -> Vec<String> {
        let Some(known) = self.ledger.find_mut(&desired.key) else { return Vec::new() };
        let rules = self.policy.types.get(&desired.key.kind).unwrap_or(&self.plain);
        let mut others = Vec::new();
        for (path, to) in desired.references.iter().filter(|(path, _)| !rules.write_only.contains(*path)) {
            match (to, shown.get(path)) {
                (Reference::One(to), Some(Value::String(id))) => {
                    let is_other = self.holders.meant(id, |key| key == to).is_some_and(|held| held != to);
                    others.extend(is_other.then(|| path.clone()));
                }
                (Reference::Many(members), Some(Value::Array(ids))) => {
                    let carried = known.members.get(path);
                    let likely = |key: &ObjectKey| {
                        members.contains(key) || carried.is_some_and(|carried| carried.contains(key))
                    };
                    let there = ids.iter().filter_map(|id| self.holders.meant(id.as_str()?, likely));
                    let there: BTreeSet<ObjectKey> = there.cloned().collect();
                    // Nobody who is known: they are told by something else than their ids.
                    if !there.is_empty() {
                        known.members.insert(path.clone(), there);
                    }
                }
                _ => {}
            }
        }
        others
    }

    /// Keeps what differs until it is known who exists; `others`: paths where the target names somebody else.
    pub(super) fn relate(&mut self, desired: &Desired, others: &[String]) {
        let differing = desired
            .references
            .iter()
            .filter(|(path, to)| others.contains(path) || self.is_other(&desired.key, path, to));
        let to: Vec<_> = differing.map(|(path, to)| (path.clone(), to.clone())).collect();
        if !to.is_empty() {
            self.relations.push(Relation { key: desired.key.clone(), dn: desired.dn.clone(), to });
        }
    }

    fn is_other(&self, key: &ObjectKey, path: &str, to: &Reference) -> bool {
        let known = self.ledger.find(key);
        match to {
            Reference::One(to) => {
                let sum = Carried { ledger: &self.ledger, known }.sum(path);
                // Whoever is made anew is another one there.
                self.ledger.find(to).is_none() || sum != Some(reference_sum(self.policy.hash, to))
            }
            Reference::Many(members) => {
                let carried = known.and_then(|known| known.members.get(path));
                let same = carried.map_or(members.is_empty(), |carried| carried == members);
                !same || members.iter().any(|member| self.ledger.find(member).is_none())
            }
        }
    }

    /// Makes the operations, now that it is known who exists.
    pub(super) fn push_relations(&mut self, going: &Leavers) {
        self.let_go_of(going);
        let relations = std::mem::take(&mut self.relations);
        for relation in &relations {
            if going.deleted.contains(&relation.key) {
                continue;
            }
            let changes: Vec<Change> = relation
                .to
                .iter()
                .flat_map(|(path, to)| self.changes(&relation.key, path, to, going))
                .collect();
            if changes.is_empty() {
                continue;
            }
            let known = self.ledger.find(&relation.key);
            let adopted = || self.created.get(&relation.key).cloned().flatten();
            let target_id = known.map(|known| known.target_id.to_string()).or_else(adopted);
            if changes.iter().any(|change| matches!(change, Change::Leave { .. })) {
                let members = known.into_iter().flat_map(|known| known.members.values());
                let size = members.map(|members| members.len() as u64).sum();
                self.plan.sizes.push((relation.key.clone(), size));
            }
            self.plan.operations.push(Operation {
                action: Action::Relate,
                key: relation.key.clone(),
                dn: relation.dn.clone(),
                target_id,
                changes,
                match_by: Vec::new(),
                afterwards: Afterwards::default(),
            });
        }
        self.relations = relations;
    }

    /// References that were carried to somebody who is deleted now are cleared, whatever the source says.
    fn let_go_of(&mut self, going: &Leavers) {
        let sums: HashMap<u64, &ObjectKey> =
            going.deleted.iter().map(|key| (reference_sum(self.policy.hash, key), key)).collect();
        if sums.is_empty() {
            return;
        }
        let known: HashSet<(&ObjectKey, &str)> = self
            .relations
            .iter()
            .flat_map(|relation| relation.to.iter().map(move |(path, _)| (&relation.key, path.as_str())))
            .collect();
        let mut more: BTreeMap<&ObjectKey, Relation> = BTreeMap::new();
        for (key, link) in self.ledger.iter() {
            for path in self.ledger.paths(link).filter(|path| !known.contains(&(key, *path))) {
                let to = self.ledger.sum(link, path).and_then(|sum| sums.get(&sum));
                if let Some(to) = to {
                    let new = || Relation { key: key.clone(), dn: link.dn.to_string(), to: Vec::new() };
                    let to = Reference::One((*to).clone());
                    more.entry(key).or_insert_with(new).to.push((path.to_owned(), to));
                }
            }
        }
        let mut more: BTreeMap<ObjectKey, Relation> =
            more.into_iter().map(|(key, relation)| (key.clone(), relation)).collect();
        for relation in &mut self.relations {
            relation.to.extend(more.remove(&relation.key).into_iter().flat_map(|more| more.to));
        }
        self.relations.extend(more.into_values());
    }

    fn changes(&self, key: &ObjectKey, path: &str, to: &Reference, going: &Leavers) -> Vec<Change> {
        let known = self.ledger.find(key);
        let path = path.to_owned();
        match to {
            Reference::One(to) => {
                let carried = Carried { ledger: &self.ledger, known }.sum(&path);
                match (self.exists(to, going), carried) {
                    (true, _) => vec![Change::Refer { path, to: to.clone() }],
                    (false, Some(_)) => vec![Change::Clear { path }],
                    (false, None) => Vec::new(),
                }
            }
            Reference::Many(members) => {
                let carried = known.and_then(|known| known.members.get(&path));
                let had: BTreeSet<&ObjectKey> = carried
                    .into_iter()
                    .flatten()
                    .filter(|member| self.ledger.find(member).is_some())
                    .collect();
                let want: BTreeSet<&ObjectKey> =
                    members.iter().filter(|member| self.exists(member, going)).collect();
                let join: Vec<&ObjectKey> = want.difference(&had).copied().collect();
                // By what was not read to its end, nobody leaves.
                let may_leave = going.may_leave(key.kind);
                let leave = had.difference(&want).copied();
                let leave: Vec<&ObjectKey> =
                    leave.filter(|member| may_leave && going.may_leave(member.kind)).collect();
                let chunk = self.policy.members_per_request.max(1);
                let owned = |members: &[&ObjectKey]| members.iter().map(|member| (*member).clone()).collect();
                let joins =
                    join.chunks(chunk).map(|part| Change::Join { path: path.clone(), members: owned(part) });
                let leaves = leave
                    .chunks(chunk)
                    .map(|part| Change::Leave { path: path.clone(), members: owned(part) });
                joins.chain(leaves).collect()
            }
        }
    }

    /// Whether somebody is at the target when everything before relations is done, and stays.
    fn exists(&self, key: &ObjectKey, going: &Leavers) -> bool {
        (self.ledger.find(key).is_some() || self.created.contains_key(key)) && !going.deleted.contains(key)
    }
}
