//! [`Affected`]: whom a change of the structure touches. Entries themselves do not change when their groups do.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, Structure, Unit, names};

/// What has to be looked at again. It may name more than what differs, never less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// Normal names of those whose facts, scope or memberships may differ.
    pub members: BTreeSet<String>,
    /// And of everybody with one of these in primaryGroupID: such groups do not list their members.
    pub tokens: BTreeSet<u32>,
    /// And of everybody below these: their unit is another one or has another name. Normal names.
    pub units: BTreeSet<String>,
    /// Ids of the groups that are new, gone, or different in their attributes or members, nested ones included.
    pub groups: BTreeSet<String>,
}

impl Affected {
    /// Whether nobody is touched.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Structure {
    /// Whom it touches that the structure was this one and is `new` now.
    pub fn affected(&self, new: &Self) -> Affected {
        let mut affected = Affected::default();
        let (was, is) = (&self.group_at, &new.group_at);
        for (id, at) in was {
            match is.get(id) {
                Some(now) if self.same_group(*at, new, *now) => {}
                Some(now) => self.changed(*at, new, *now, &mut affected),
                None => self.touch_all(*at, &mut affected),
            }
        }
        for (_, at) in is.iter().filter(|(id, _)| !was.contains_key(*id)) {
            new.touch_all(*at, &mut affected);
        }
        self.changed_units(new, &mut affected.units);
        affected
    }

    fn same_group(&self, at: u32, new: &Self, now: u32) -> bool {
        self.same_standing(at, new, now)
            && self.attributes_of(at) == new.attributes_of(now)
            && self.graph.member_texts(at).eq(new.graph.member_texts(now))
    }

    /// Whether its members get the same from the group itself, apart from what it is in.
    fn same_standing(&self, at: u32, new: &Self, now: u32) -> bool {
        let of = |structure: &Self, at: u32| {
            let group = structure.groups.get(at as usize)?;
            let parent =
                group.parent.and_then(|above| Some(structure.groups.get(above as usize)?.id.clone()));
            Some((group.dn.clone(), group.kind, group.token, parent))
        };
        of(self, at) == of(new, now)
    }

    fn attributes_of(&self, at: u32) -> Option<&crate::identity::Attributes> {
        self.groups.get(at as usize).map(|group| &group.attributes)
    }

    fn changed(&self, at: u32, new: &Self, now: u32, affected: &mut Affected) {
        if !self.same_standing(at, new, now) {
            self.touch_all(at, affected);
            new.touch_all(now, affected);
            return;
        }
        self.note_groups(at, affected);
        new.note_groups(now, affected);
        let was: BTreeSet<&str> = self.graph.member_texts(at).collect();
        let is: BTreeSet<&str> = new.graph.member_texts(now).collect();
        for name in was.symmetric_difference(&is) {
            affected.members.insert((*name).to_owned());
            for structure in [self, new] {
                let group = structure.graph.names.find(name).and_then(|name| structure.graph.group_at(name));
                if let Some(group) = group {
                    structure.touch_members(group, affected);
                }
            }
        }
    }

    fn touch_all(&self, at: u32, affected: &mut Affected) {
        self.note_groups(at, affected);
        self.touch_members(at, affected);
    }

    /// The group, and those that hold it: their members are others too.
    fn note_groups(&self, at: u32, affected: &mut Affected) {
        let above = self.graph.above(&[at]);
        let above = above.iter().filter_map(|group| self.groups.get(*group as usize));
        affected.groups.extend(above.map(|group| group.id.clone()));
    }

    fn touch_members(&self, at: u32, affected: &mut Affected) {
        for group in self.graph.below(&[at]) {
            affected.members.extend(self.graph.member_texts(group).map(str::to_owned));
            affected.tokens.extend(self.groups.get(group as usize).and_then(|group: &Group| group.token));
        }
    }

    fn changed_units(&self, new: &Self, units: &mut BTreeSet<String>) {
        let was: BTreeMap<&str, &Unit> = self.units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
        let is: BTreeMap<&str, &Unit> = new.units.iter().map(|unit| (unit.id.as_str(), unit)).collect();
        for id in was.keys().chain(is.keys()) {
            let (old, now) = (was.get(id), is.get(id));
            let told = |unit: &Unit| (unit.dn.clone(), unit.text.clone());
            if old.map(|unit| told(unit)) != now.map(|unit| told(unit)) {
                units.extend(old.into_iter().chain(now).map(|unit| names::normal(&unit.dn)));
            }
        }
    }
}
