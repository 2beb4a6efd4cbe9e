//! What units and groups become at the target, and what being in a group means: the conventions applied.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::number;
use super::{
    Carry, Group, Mark, Nesting, OrganizationText, People, Record, Structure, Unit, Warning, names,
    number_in, text_in,
};
use crate::directory::dn::Dn;
use crate::sync::object::{ObjectKey, ObjectType, SourceObject};

/// `ADS_GROUP_TYPE_SECURITY_ENABLED` (\[MS-ADTS\] 2.2.12); groupType is a signed number of 32 bits.
const SECURITY_ENABLED: i32 = i32::MIN;

impl Structure {
    /// The units of the company as objects, parents before children.
    pub fn organizations(&self) -> impl Iterator<Item = SourceObject> {
        self.units.iter().map(|unit| SourceObject {
            key: unit.key(),
            dn: unit.dn.clone(),
            active: true,
            attributes: unit.attributes.clone(),
            facts: BTreeMap::from([("@organization", vec![unit.text.clone()])]),
            parent: unit.parent.and_then(|at| self.units.get(at)).map(Unit::key),
            members: BTreeSet::new(),
        })
    }

    /// The groups that are carried, by their keys.
    pub fn carried(&self) -> impl Iterator<Item = ObjectKey> {
        self.groups.iter().filter_map(Group::key)
    }

    /// A carried group as an object; none by this key if it is not carried, or is another type now.
    pub fn group(&self, key: &ObjectKey, people: &People) -> Option<SourceObject> {
        let at = self.group_at.get(&key.id)?;
        self.group_object(*at, people).filter(|object| object.key == *key)
    }

    /// All carried groups as objects.
    pub fn group_objects(&self, people: &People) -> impl Iterator<Item = SourceObject> {
        (0..number(self.groups.len())).filter_map(|at| self.group_object(at, people))
    }

    /// The tokens by which people are in this group through their primary group, nested ones included: in a reading of
    /// changes they have to be read by `(primaryGroupID=...)` before the members of the group are complete.
    pub fn tokens_of(&self, key: &ObjectKey) -> BTreeSet<u32> {
        let at = self.group_at.get(&key.id);
        at.iter()
            .flat_map(|at| self.inside(**at))
            .filter_map(|at| self.groups.get(at as usize)?.token)
            .collect()
    }

    fn group_object(&self, at: u32, people: &People) -> Option<SourceObject> {
        let group = self.groups.get(at as usize)?;
        let role = if group.kind == Some(ObjectType::Role) { self.role_path(&group.dn) } else { None };
        Some(SourceObject {
            key: group.key()?,
            dn: group.dn.clone(),
            active: true,
            attributes: group.attributes.clone(),
            facts: role.into_iter().map(|path| ("@roles", vec![path])).collect(),
            parent: group.parent.and_then(|above| self.groups.get(above as usize)?.key()),
            members: self.members(at, people),
        })
    }

    fn members(&self, at: u32, people: &People) -> BTreeSet<ObjectKey> {
        let mut keys = BTreeSet::new();
        for group in self.inside(at) {
            keys.extend(self.graph.member_texts(group).filter_map(|name| people.named(name)).cloned());
            let token = self.groups.get(group as usize).and_then(|group| group.token);
            let domain = names::domain(self.graph.name_of(group));
            keys.extend(token.iter().flat_map(|token| people.with_token(domain, *token)).cloned());
        }
        if self.conventions.nesting == Nesting::Keep {
            let inside = self.graph.members(at).iter().filter_map(|name| self.graph.group_at(*name));
            let inside = inside.filter_map(|group| self.groups.get(group as usize));
            keys.extend(inside.filter(|group| group.parent == Some(at)).filter_map(Group::key));
        }
        keys
    }

    /// The groups whose members count as those of this one.
    fn inside(&self, at: u32) -> Vec<u32> {
        match self.conventions.nesting {
            Nesting::Expand => self.graph.below(&[at]),
            Nesting::Keep => vec![at],
        }
    }

    pub(super) fn place_units(&mut self, units: Vec<Record>) {
        let named = units.into_iter().map(|unit| (names::normal(&unit.dn), unit));
        let mut named: Vec<_> = named.filter(|(name, _)| self.conventions.is_unit(name)).collect();
        named.sort_by_cached_key(|(name, unit)| (names::depth(name), unit.id.clone()));
        for (name, unit) in named {
            let parent = self.unit_above(&name);
            let own = text_in(&unit.attributes, "ou").map(str::to_owned).or_else(|| first_value(&unit.dn));
            let own = own.unwrap_or_else(|| unit.dn.clone());
            let text = match (self.conventions.organization, parent.and_then(|at| self.units.get(at))) {
                (OrganizationText::Path, Some(above)) => format!("{}/{own}", above.text),
                _ => own,
            };
            self.unit_at.insert(name, self.units.len());
            self.units.push(Unit { id: unit.id, dn: unit.dn, attributes: unit.attributes, text, parent });
        }
    }

    pub(super) fn place_groups(&mut self, groups: Vec<Record>) {
        for record in groups {
            let at = number(self.groups.len());
            let kind = self.kind(self.graph.name_of(at), &record);
            let token = number_in(&record.attributes, "primaryGroupToken");
            if let Some(token) = token {
                self.tokens.entry(token).or_default().push(at);
            }
            self.group_at.insert(record.id.clone(), at);
            self.groups.push(Group {
                id: record.id,
                dn: record.dn,
                attributes: record.attributes,
                kind,
                token,
                marks: Vec::new(),
                parent: None,
            });
        }
    }

    /// Which type a group is at the target, if it is carried.
    fn kind(&self, name: &str, record: &Record) -> Option<ObjectType> {
        let known = &self.conventions;
        if known.groups == Carry::None {
            return None;
        }
        if names::is_below(name, &known.organizations) {
            return Some(ObjectType::Group);
        }
        if names::is_below(name, &known.security) {
            return Some(ObjectType::SecurityGroup);
        }
        let plain = name != known.admin && !known.selecting.iter().any(|selecting| name == selecting);
        if plain && names::is_below(name, &known.roles) && self.role_path(&record.dn).is_some() {
            return Some(ObjectType::Role);
        }
        let other = known.groups == Carry::All && plain && !names::is_below(name, &known.services);
        let under = &known.groups_under;
        let other = other && (under.is_empty() || under.iter().any(|base| names::is_below(name, base)));
        let security = known.security_by_type
            && text_in(&record.attributes, "groupType")
                .and_then(|bits| bits.trim().parse::<i64>().ok())
                .is_some_and(|bits| bits & i64::from(SECURITY_ENABLED) & 0xffff_ffff != 0);
        other.then_some(if security { ObjectType::SecurityGroup } else { ObjectType::Group })
    }

    /// `service/class/value`: the units below the container of roles from the top down, and the name of the group.
    fn role_path(&self, dn: &str) -> Option<String> {
        let mut values = Dn::values(dn)?;
        let container = names::depth(&self.conventions.roles);
        values.truncate(values.len().checked_sub(container)?);
        values.reverse();
        (values.len() > 1).then(|| values.join("/"))
    }

    /// Gives each group the marks of those that it is in.
    pub(super) fn spread_marks(&mut self) {
        for at in 0..number(self.groups.len()) {
            for mark in self.marks_at(at) {
                let place = number(self.marks.len());
                self.marks.push(mark);
                for group in self.graph.below(&[at]) {
                    if let Some(group) = self.groups.get_mut(group as usize) {
                        group.marks.push(place);
                    }
                }
            }
        }
    }

    fn marks_at(&self, at: u32) -> Vec<Mark> {
        let Some(group) = self.groups.get(at as usize) else { return Vec::new() };
        let (name, known) = (self.graph.name_of(at), &self.conventions);
        let mut marks = Vec::new();
        if known.selecting.iter().any(|selecting| name == selecting) {
            marks.push(Mark::Selected(group.dn.clone()));
        }
        if name == known.admin {
            marks.push(Mark::Admin);
        }
        if names::is_below(name, &known.services) {
            marks.extend(first_value(&group.dn).map(Mark::Service));
        }
        if marks.is_empty() && names::is_below(name, &known.roles) {
            marks.extend(self.role_path(&group.dn).map(Mark::Role));
        }
        marks
    }

    /// A group lands under one parent: of those of its type that hold it, the one with the smallest id.
    pub(super) fn choose_parents(&mut self) {
        for at in 0..number(self.groups.len()) {
            let Some(group) = self.groups.get(at as usize).filter(|group| group.kind.is_some()) else {
                continue;
            };
            let holders = self.graph.holders_of(at).iter().filter(|holder| **holder != at);
            let holders = holders.filter_map(|holder| Some((*holder, self.groups.get(*holder as usize)?)));
            let mut holders: Vec<_> = holders.filter(|(_, holder)| holder.kind == group.kind).collect();
            holders.sort_by_key(|(_, holder)| holder.id.as_str());
            let Some(((parent, under), others)) = holders.split_first() else { continue };
            let parent = *parent;
            if !others.is_empty() {
                self.warnings.push(Warning::SeveralParents {
                    group: group.dn.clone(),
                    under: under.dn.clone(),
                    others: others.iter().map(|(_, other)| other.dn.clone()).collect(),
                });
            }
            if let Some(group) = self.groups.get_mut(at as usize) {
                group.parent = Some(parent);
            }
        }
        self.break_circles();
    }

    /// In a circle of parents the group with the smallest id has none.
    fn break_circles(&mut self) {
        let mut done = vec![false; self.groups.len()];
        for start in 0..number(self.groups.len()) {
            let mut trail: Vec<u32> = Vec::new();
            let mut here = Some(start);
            while let Some(at) = here {
                if let Some(from) = trail.iter().position(|seen| *seen == at) {
                    self.break_circle(trail.get(from..).unwrap_or(&[]));
                    break;
                }
                let Some(place) = done.get_mut(at as usize) else { break };
                if std::mem::replace(place, true) {
                    break;
                }
                trail.push(at);
                here = self.groups.get(at as usize).and_then(|group| group.parent);
            }
        }
    }

    fn break_circle(&mut self, circle: &[u32]) {
        let smallest =
            circle.iter().min_by_key(|at| self.groups.get(**at as usize).map(|group| group.id.as_str()));
        if let Some(group) = smallest.and_then(|at| self.groups.get_mut(*at as usize)) {
            group.parent = None;
            self.warnings.push(Warning::Circle { group: group.dn.clone() });
        }
    }
}

impl Group {
    fn key(&self) -> Option<ObjectKey> {
        Some(ObjectKey::new(self.kind?, self.id.as_str()))
    }
}

/// The name of an entry as its DN has it.
fn first_value(dn: &str) -> Option<String> {
    Dn::values(dn)?.into_iter().next()
}
