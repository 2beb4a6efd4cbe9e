//! [`Graph`]: who is in which group, as numbers. Nested groups may go in circles; every walk sees a group once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Stands for "no group".
const NONE: u32 = u32::MAX;

/// Normal names, each once, by number.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Names {
    /// The number of a name, old or new.
    pub(super) fn put(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = number(self.texts.len());
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    pub(super) fn find(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |text| text)
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}

/// Lists of numbers, one after another in one piece of memory.
#[derive(Debug, Default)]
struct Lists {
    ends: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    fn of(&self, at: u32) -> &[u32] {
        let at = at as usize;
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let (Some(start), Some(end)) = (start, self.ends.get(at)) else { return &[] };
        self.items.get(start as usize..*end as usize).unwrap_or(&[])
    }

    fn push(&mut self, items: impl IntoIterator<Item = u32>) {
        self.items.extend(items);
        self.ends.push(number(self.items.len()));
    }
}

/// Groups by number and the names in them.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) names: Names,
    /// By name: the group that has it.
    group_at: Vec<u32>,
    /// By group: its name.
    name_of: Vec<u32>,
    /// By group: the names in it, sorted by their texts.
    members: Lists,
    /// By name: the groups that it is in.
    holders: Lists,
}

impl Graph {
    /// Of groups: the name of each, and the names in it.
    pub(super) fn new(names: Names, groups: Vec<(u32, Vec<u32>)>) -> Self {
        let mut group_at = vec![NONE; names.len()];
        let mut counts = vec![0_u32; names.len()];
        let mut name_of = Vec::with_capacity(groups.len());
        let mut members = Lists::default();
        for (group, (name, mut inside)) in groups.into_iter().enumerate() {
            inside.sort_unstable_by(|a, b| names.text(*a).cmp(names.text(*b)));
            inside.dedup();
            if let Some(place) = group_at.get_mut(name as usize) {
                *place = number(group);
            }
            for name in &inside {
                if let Some(count) = counts.get_mut(*name as usize) {
                    *count += 1;
                }
            }
            name_of.push(name);
            members.push(inside);
        }
        let holders = turned(&members, &counts, name_of.len());
        Self { names, group_at, name_of, members, holders }
    }

    /// The group of a name.
    pub(super) fn group_at(&self, name: u32) -> Option<u32> {
        self.group_at.get(name as usize).copied().filter(|group| *group != NONE)
    }

    /// The normal name of a group.
    pub(super) fn name_of(&self, group: u32) -> &str {
        self.names.text(self.number_of(group))
    }

    fn number_of(&self, group: u32) -> u32 {
        self.name_of.get(group as usize).copied().unwrap_or(NONE)
    }

    /// The names in a group itself.
    pub(super) fn members(&self, group: u32) -> &[u32] {
        self.members.of(group)
    }

    /// The texts of the names in a group itself, sorted.
    pub(super) fn member_texts(&self, group: u32) -> impl Iterator<Item = &str> {
        self.members(group).iter().map(|name| self.names.text(*name))
    }

    /// The groups that a name is in itself.
    pub(super) fn holders(&self, name: u32) -> &[u32] {
        self.holders.of(name)
    }

    /// The groups that hold a group itself.
    pub(super) fn holders_of(&self, group: u32) -> &[u32] {
        self.holders(self.number_of(group))
    }

    /// These groups and all inside them.
    pub(super) fn below(&self, groups: &[u32]) -> Vec<u32> {
        self.walk(groups, |graph, group, next| {
            next.extend(graph.members(group).iter().filter_map(|name| graph.group_at(*name)));
        })
    }

    /// These groups and all that hold them.
    pub(super) fn above(&self, groups: &[u32]) -> Vec<u32> {
        self.walk(groups, |graph, group, next| next.extend(graph.holders_of(group)))
    }

    fn walk(&self, from: &[u32], step: impl Fn(&Self, u32, &mut Vec<u32>)) -> Vec<u32> {
        let mut seen = HashSet::new();
        let mut open = from.to_vec();
        let mut found = Vec::new();
        while let Some(group) = open.pop() {
            if seen.insert(group) {
                found.push(group);
                step(self, group, &mut open);
            }
        }
        found
    }
}

/// From "who is in which group" to "which groups is one in".
fn turned(members: &Lists, counts: &[u32], groups: usize) -> Lists {
    let mut end = 0;
    let mut holders = Lists { ends: Vec::with_capacity(counts.len()), items: vec![0; members.items.len()] };
    let mut free: Vec<u32> = Vec::with_capacity(counts.len());
    for count in counts {
        free.push(end);
        end += count;
        holders.ends.push(end);
    }
    for group in 0..number(groups) {
        for name in members.of(group) {
            if let Some(at) = free.get_mut(*name as usize)
                && let Some(item) = holders.items.get_mut(*at as usize)
            {
                *item = group;
                *at += 1;
            }
        }
    }
    holders
}

/// No list here gets that long: an entry of a directory takes more than one octet.
pub(super) fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(NONE)
}
