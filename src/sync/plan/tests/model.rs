//! A target in memory that carries plans out and refuses what no target would take, and the links that come of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::*;
use crate::sync::link::PathSums;
use crate::sync::matching::{Listed, MatchRules, decide};
use crate::sync::object::Reference;

pub(super) fn hash(value: &Value) -> u64 {
    value.to_string().bytes().fold(7, |sum, octet| sum.wrapping_mul(1_099_511_628_211) ^ u64::from(octet))
}

pub(super) fn group(path: &str) -> &str {
    path.split(['[', '.']).next().unwrap_or(path)
}

pub(super) fn policy() -> Policy {
    let people = [ObjectType::User, ObjectType::Contact];
    Policy {
        types: people.map(|kind| (kind, TypePolicy::with_active("active"))).into(),
        members_per_request: 2,
        orphans: Orphans::Keep,
        hash,
        group,
        zone: TimeZone::get("Asia/Tokyo").unwrap(),
    }
}

pub(super) fn user(id: &str) -> ObjectKey {
    ObjectKey::new(ObjectType::User, id)
}

pub(super) fn wanted(key: ObjectKey, values: &[(&str, Value)]) -> Desired {
    Desired {
        dn: format!("cn={},dc=x", key.id),
        active: true,
        values: values.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect(),
        at_creation: BTreeMap::new(),
        random: Vec::new(),
        references: BTreeMap::new(),
        match_by: vec![("userName".to_owned(), key.id.clone())],
        key,
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Object {
    pub(super) kind: Option<ObjectType>,
    pub(super) values: BTreeMap<String, Value>,
    pub(super) refers: BTreeMap<String, String>,
    pub(super) members: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) links: BTreeMap<ObjectKey, Link>,
    pub(super) objects: BTreeMap<String, Object>,
    made: u32,
}

impl World {
    pub(super) fn planner(&self, policy: Policy, now: Timestamp) -> Planner {
        Planner::new(self.links.values().cloned(), policy, now)
    }

    /// Matches what has no link by the list of what there is.
    pub(super) fn match_all(&self, planner: &mut Planner) {
        let open: Vec<_> =
            planner.unmatched().map(|(key, match_by)| (key.clone(), match_by.to_vec())).collect();
        for (key, match_by) in open {
            let mut listed = Listed::by(match_by.iter().map(|(path, _)| path.clone()));
            for (id, object) in self.objects.iter().filter(|(_, object)| object.kind == Some(key.kind)) {
                listed.put(id, |path| object.values.get(path).cloned());
            }
            let hits = listed.hits(&match_by);
            let decision = decide(&key, &hits, |id| planner.holder(key.kind, id), MatchRules::default());
            let shown = match &decision {
                Decision::Adopt { target_id } => Some(self.objects[target_id].values.clone()),
                _ => None,
            };
            planner.matched(&key, decision, shown);
        }
    }

    /// A whole run, and its plan.
    pub(super) fn run(&mut self, source: &[Desired], policy: &Policy, now: Timestamp) -> Plan {
        let plan = self.plan(source, policy, now, Reading::All);
        self.carry_out(&plan);
        plan
    }

    pub(super) fn plan(&self, source: &[Desired], policy: &Policy, now: Timestamp, how: Reading) -> Plan {
        let mut planner = self.planner(policy.clone(), now);
        offer_all(&mut planner, source.to_vec());
        self.match_all(&mut planner);
        planner.finish(&Readings::every(how))
    }

    pub(super) fn carry_out(&mut self, plan: &Plan) {
        self.note(plan.notes.iter().filter(|note| note.after.is_none()));
        for operation in &plan.operations {
            self.act(operation);
            let after = |note: &&Note| note.after == Some(operation.action) && note.key == operation.key;
            self.note(plan.notes.iter().filter(after));
        }
    }

    fn note<'a>(&mut self, notes: impl Iterator<Item = &'a Note>) {
        for note in notes {
            if note.forget {
                self.links.remove(&note.key);
                for link in self.links.values_mut() {
                    link.members
                        .values_mut()
                        .for_each(|members| members.retain(|member| *member != note.key));
                }
                continue;
            }
            let link = self.links.get_mut(&note.key).unwrap();
            link.dn = note.dn.clone().unwrap_or(link.dn.clone());
            link.state = note.state.unwrap_or(link.state);
            let mut sums = link.sums.to_map();
            sums.extend(note.held.clone());
            link.sums = sums.into();
        }
    }

    fn act(&mut self, operation: &Operation) {
        let key = &operation.key;
        match operation.action {
            Action::Create => {
                assert_eq!(operation.target_id, None);
                self.made += 1;
                let id = format!("made-{}", self.made);
                self.objects.insert(id.clone(), Object { kind: Some(key.kind), ..Object::default() });
                self.link(operation, &id);
            }
            Action::Adopt => self.link(operation, &operation.target_id.clone().unwrap()),
            Action::Delete => {
                let id = operation.target_id.as_ref().unwrap();
                assert!(self.objects.remove(id).is_some(), "{key} is deleted once");
                for object in self.objects.values_mut() {
                    object.members.values_mut().for_each(|members| members.retain(|member| member != id));
                    object.refers.retain(|_, to| to != id);
                }
            }
            _ => {
                if let (Some(link), Some(id)) = (self.links.get(key), &operation.target_id) {
                    assert_eq!(link.target_id, *id);
                }
            }
        }
        for change in &operation.changes {
            self.change(operation, change);
        }
    }

    fn link(&mut self, operation: &Operation, id: &str) {
        let link = Link {
            key: operation.key.clone(),
            dn: operation.dn.clone(),
            target_id: id.to_owned(),
            state: LinkState::Active,
            sums: PathSums::default(),
            members: BTreeMap::new(),
        };
        assert_eq!(self.links.insert(operation.key.clone(), link), None, "{} has a link", operation.key);
    }

    fn id_of(&self, key: &ObjectKey) -> String {
        let id = self.links.get(key).unwrap_or_else(|| panic!("{key} has no link")).target_id.clone();
        assert!(self.objects.contains_key(&id), "{key} is there");
        id
    }

    fn change(&mut self, operation: &Operation, change: &Change) {
        let known: HashMap<ObjectKey, String> = match change {
            Change::Join { members, .. } | Change::Leave { members, .. } => {
                members.iter().map(|member| (member.clone(), self.id_of(member))).collect()
            }
            Change::Refer { to, .. } => [(to.clone(), self.id_of(to))].into(),
            _ => HashMap::new(),
        };
        let id = match self.links.get(&operation.key) {
            Some(link) => link.target_id.clone(),
            None => operation.target_id.clone().unwrap(),
        };
        let object = self.objects.get_mut(&id).unwrap_or_else(|| panic!("{} is there", operation.key));
        let mut nowhere = BTreeMap::new();
        let link = self.links.get_mut(&operation.key);
        let mut sums = link.as_ref().map(|link| link.sums.to_map()).unwrap_or_default();
        let (carried, kept) = match link {
            Some(link) => (&mut link.members, Some(&mut link.sums)),
            None => (&mut nowhere, None),
        };
        match change {
            Change::Set { path, value } => {
                sums.insert(path.clone(), hash(value));
                object.values.insert(path.clone(), value.clone());
            }
            Change::Clear { path } => {
                sums.remove(path);
                object.values.remove(path);
                object.refers.remove(path);
            }
            Change::Random { path } => drop(object.values.insert(path.clone(), json!("secret"))),
            Change::Refer { path, to } => {
                sums.insert(path.clone(), reference_sum(hash, to));
                object.refers.insert(path.clone(), known[to].clone());
            }
            Change::Join { path, members } => {
                for member in members {
                    assert!(carried.entry(path.clone()).or_default().insert(member.clone()), "joins once");
                    object.members.entry(path.clone()).or_default().insert(known[member].clone());
                }
            }
            Change::Leave { path, members } => {
                for member in members {
                    assert!(carried.get_mut(path).unwrap().remove(member), "leaves once");
                    object.members.get_mut(path).unwrap().remove(&known[member]);
                }
            }
        }
        if let Some(kept) = kept {
            *kept = sums.into();
        }
    }

    /// What the target shows of an object of the source.
    pub(super) fn shown(&self, key: &ObjectKey) -> &Object {
        &self.objects[&self.links[key].target_id]
    }
}

pub(super) fn offer_all(planner: &mut Planner, source: Vec<Desired>) {
    for desired in source {
        planner.offer(desired);
    }
}

/// Actions and keys, as text.
pub(super) fn told(plan: &Plan) -> Vec<String> {
    plan.operations.iter().map(|operation| format!("{:?} {}", operation.action, operation.key)).collect()
}

/// The changes of an operation, as text.
pub(super) fn changes(operation: &Operation) -> Vec<String> {
    let text = |change: &Change| match change {
        Change::Set { path, value } => format!("{path}={value}"),
        Change::Clear { path } => format!("-{path}"),
        Change::Random { path } => format!("?{path}"),
        Change::Refer { path, to } => format!("{path}>{to}"),
        Change::Join { path, members } => format!("{path}+{}", names(members)),
        Change::Leave { path, members } => format!("{path}-{}", names(members)),
    };
    operation.changes.iter().map(text).collect()
}

fn names(members: &[ObjectKey]) -> String {
    members.iter().map(|member| member.id.as_str()).collect::<Vec<_>>().join(",")
}

pub(super) fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()
}

pub(super) fn members(keys: &[ObjectKey]) -> Reference {
    Reference::Many(keys.iter().cloned().collect())
}
