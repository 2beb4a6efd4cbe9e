//! [`Structure`]: what the place of an entry and its groups mean.
//!
//! It is built of all units and groups of the source, kept between runs ([`Structure::stored`]), and asked for each
//! entry: [`Structure::standing`]. It also makes the objects that it is built of: [`Structure::organizations`] and
//! [`Structure::group`]. When it changes, [`Structure::affected`] names whom that touches, for an entry does not change
//! when its groups do.

mod affected;
mod carried;
mod conventions;
mod former;
mod graph;
pub(crate) mod names;
mod people;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::object::{ObjectKey, ObjectType, SourceObject};
use crate::directory::source::SourceEntry;
use crate::identity::{Attributes, Value};

pub use affected::Affected;
pub(super) use conventions::whole_name;
pub use conventions::{Carry, ConventionError, ConventionOptions, Conventions, Nesting, OrganizationText};
pub use former::{Doubt, Former, Had, Verdicts};
use graph::{Graph, Names};
pub use people::People;
pub use stored::{Stored, StoredError};

/// Attributes that hold the members of a group.
const MEMBERS: [&str; 2] = ["member", "uniqueMember"];

/// Units and groups, and what they say of everybody.
#[derive(Debug)]
pub struct Structure {
    conventions: Conventions,
    units: Vec<Unit>,
    unit_at: HashMap<String, usize>,
    groups: Vec<Group>,
    group_at: HashMap<String, u32>,
    graph: Graph,
    marks: Vec<Mark>,
    /// By primaryGroupToken: the groups, one of each domain, that accounts name in primaryGroupID and that do not list them.
    tokens: HashMap<u32, Vec<u32>>,
    former: Former,
    /// The same by id.
    former_names: HashMap<String, Vec<String>>,
    warnings: Vec<Warning>,
}

/// What the structure says of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// `@admin`, `@services`, `@roles`, `@organization`; what does not hold is not there.
    pub facts: BTreeMap<&'static str, Vec<String>>,
    /// The unit that it is in.
    pub parent: Option<ObjectKey>,
    /// The DN of a group by which it is carried where not everybody is.
    pub selected_by: Option<String>,
}

/// What is odd about the groups; the run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A group is in several groups, and has one place at the target.
    SeveralParents {
        /// The DN of the group.
        group: String,
        /// The DN of the one that it lands under.
        under: String,
        /// The DNs of the others.
        others: Vec<String>,
    },
    /// Groups say names that people had before: the directory does not put them right.
    Dangling {
        /// How many times.
        count: usize,
        /// One of the names.
        name: String,
        /// The DN of a group that says it.
        group: String,
    },
    /// Groups say names that people had before, and it is not known whether others have them.
    Doubtful {
        /// How many names.
        count: usize,
        /// One of them.
        name: String,
        /// The DN of a group that says it.
        group: String,
        /// Why it is not known.
        doubt: Doubt,
    },
    /// A group is inside itself: it is at the top.
    Circle {
        /// Its DN.
        group: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeveralParents { group, under, others } => {
                let others = others.join("; ");
                write!(f, "{group} is in several groups: it lands under {under}, and not under {others}")
            }
            Self::Dangling { count, name, group } => {
                let (members, names) = if *count == 1 {
                    ("member of a group names a DN", "it is taken for who had it")
                } else {
                    ("members of groups name DNs", "they are taken for those who had them")
                };
                write!(
                    f,
                    "{count} {members} that nobody has any more ({name} in {group}): {names}; give the directory the \
                     overlay refint, and correct the groups"
                )
            }
            Self::Doubtful { count, name, group, doubt } => {
                let (dns, who) = if *count == 1 {
                    ("DN", "it is taken for who had it")
                } else {
                    ("DNs", "they are taken for those who had them")
                };
                write!(
                    f,
                    "{count} {dns} in groups may be somebody else's by now ({name} in {group}; {doubt}): {who}; \
                     give the directory the overlay refint, and correct the groups"
                )
            }
            Self::Circle { group } => write!(f, "{group} is inside itself by its groups: it has no parent"),
        }
    }
}

#[derive(Debug)]
struct Unit {
    id: String,
    dn: String,
    attributes: Attributes,
    /// What `@organization` says of those in it.
    text: String,
    parent: Option<usize>,
}

#[derive(Debug)]
struct Group {
    id: String,
    dn: String,
    /// Without the members.
    attributes: Attributes,
    kind: Option<ObjectType>,
    token: Option<u32>,
    /// The marks of its members, ascending.
    marks: Vec<u32>,
    parent: Option<u32>,
}

/// What being in a group means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Selected(String),
    Admin,
    Service(String),
    Role(String),
}

impl Structure {
    /// Of all units and all groups of the source.
    pub fn build(units: Vec<SourceEntry>, groups: Vec<SourceEntry>, conventions: &Conventions) -> Self {
        let mut names = Names::default();
        let mut nodes = Vec::with_capacity(groups.len());
        let mut records = Vec::with_capacity(groups.len());
        for mut entry in groups {
            let mut inside = Vec::new();
            entry.attributes.retain(|attribute, values| {
                let members = MEMBERS.iter().any(|known| known.eq_ignore_ascii_case(attribute));
                if members {
                    let texts = values.iter().filter_map(Value::as_text);
                    inside.extend(texts.map(|dn| names.put(&names::normal(dn))));
                }
                !members
            });
            nodes.push((names.put(&names::normal(&entry.dn)), inside));
            records.push(Record::from(entry));
        }
        let units = units.into_iter().map(Record::from).collect();
        Self::assemble(units, records, Graph::new(names, nodes), conventions)
    }

    fn assemble(units: Vec<Record>, groups: Vec<Record>, graph: Graph, conventions: &Conventions) -> Self {
        let mut built = Self {
            conventions: conventions.clone(),
            units: Vec::new(),
            unit_at: HashMap::new(),
            groups: Vec::new(),
            group_at: HashMap::new(),
            graph,
            marks: Vec::new(),
            tokens: HashMap::new(),
            former: Former::new(),
            former_names: HashMap::new(),
            warnings: Vec::new(),
        };
        built.place_units(units);
        built.place_groups(groups);
        built.spread_marks();
        built.choose_parents();
        built
    }

    /// What the place and the groups of an entry say of it.
    pub fn standing(&self, entry: &SourceEntry) -> Standing {
        let name = names::normal(&entry.dn);
        let mut marks: BTreeSet<u32> = BTreeSet::new();
        for group in self.direct(&name, entry) {
            marks.extend(self.groups.get(group as usize).into_iter().flat_map(|group| &group.marks));
        }
        let mut standing = Standing::default();
        let marks: BTreeSet<&Mark> =
            marks.into_iter().filter_map(|mark| self.marks.get(mark as usize)).collect();
        for mark in marks {
            let (fact, text) = match mark {
                Mark::Selected(dn) => {
                    standing.selected_by.get_or_insert_with(|| dn.clone());
                    continue;
                }
                Mark::Admin => ("@admin", "true"),
                Mark::Service(name) => ("@services", name.as_str()),
                Mark::Role(path) => ("@roles", path.as_str()),
            };
            let texts = standing.facts.entry(fact).or_default();
            if texts.last().is_none_or(|last| last != text) {
                texts.push(text.to_owned());
            }
        }
        if let Some(unit) = self.unit_above(&name).and_then(|at| self.units.get(at)) {
            standing.facts.insert("@organization", vec![unit.text.clone()]);
            standing.parent = Some(unit.key());
        }
        standing
    }

    /// The names of the groups that select who is carried.
    pub fn selecting(&self) -> impl Iterator<Item = &str> {
        self.conventions.selecting.iter().map(String::as_str)
    }

    /// Whether one of these groups is there.
    pub fn has_selecting(&self) -> bool {
        self.marks.iter().any(|mark| matches!(mark, Mark::Selected(_)))
    }

    /// Somebody as an object, with what [`Structure::standing`] said.
    pub fn person(&self, kind: ObjectType, entry: SourceEntry, standing: Standing) -> SourceObject {
        SourceObject {
            key: ObjectKey::new(kind, entry.id),
            dn: entry.dn,
            active: !entry.disabled,
            attributes: entry.attributes,
            facts: standing.facts,
            parent: standing.parent,
            members: BTreeSet::new(),
        }
    }

    /// The DNs of all groups that an entry is in, nested ones and the primary one included; for explanations.
    pub fn groups_of(&self, entry: &SourceEntry) -> BTreeSet<&str> {
        let direct = self.direct(&names::normal(&entry.dn), entry);
        let above = self.graph.above(&direct);
        above
            .iter()
            .filter_map(|group| self.groups.get(*group as usize))
            .map(|group| group.dn.as_str())
            .collect()
    }

    /// The normal names of all who are in a group, nested ones included, without the groups; those whose primary group
    /// it is are not among them.
    pub fn members_of(&self, dn: &str) -> BTreeSet<&str> {
        let group = self.graph.names.find(&names::normal(dn)).and_then(|name| self.graph.group_at(name));
        let below = self.graph.below(group.as_slice());
        let names = below.iter().flat_map(|group| self.graph.members(*group));
        let people = names.filter(|name| self.graph.group_at(**name).is_none());
        people.map(|name| self.graph.names.text(*name)).collect()
    }

    /// The ids of all units.
    pub fn unit_ids(&self) -> impl Iterator<Item = &str> {
        self.units.iter().map(|unit| unit.id.as_str())
    }

    /// The ids of all groups.
    pub fn group_ids(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| group.id.as_str())
    }

    /// What is odd about the groups.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The groups that an entry is in itself, its primary group included.
    fn direct(&self, name: &str, entry: &SourceEntry) -> Vec<u32> {
        let listed = self.holders(name).iter().chain(self.former_holders(&entry.id));
        let primary = number_in(&entry.attributes, "primaryGroupID");
        let primary = primary.and_then(|token| self.tokens.get(&token)).into_iter().flatten();
        let domain = names::domain(name);
        let primary = primary.filter(|group| names::domain(self.graph.name_of(**group)) == domain);
        listed.chain(primary).copied().collect()
    }

    fn unit_above(&self, name: &str) -> Option<usize> {
        names::ancestors(name).find_map(|above| self.unit_at.get(above).copied())
    }
}

impl Unit {
    fn key(&self) -> ObjectKey {
        ObjectKey::new(ObjectType::Organization, self.id.as_str())
    }
}

/// An entry without its members.
#[derive(Debug)]
struct Record {
    id: String,
    dn: String,
    attributes: Attributes,
}

impl From<SourceEntry> for Record {
    fn from(entry: SourceEntry) -> Self {
        Self { id: entry.id, dn: entry.dn, attributes: entry.attributes }
    }
}

/// The first value of an attribute, however its name is spelt.
fn text_in<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    let mut found = attributes.iter().filter(|(held, _)| held.eq_ignore_ascii_case(name));
    found.find_map(|(_, values)| values.first()?.as_text())
}

fn number_in(attributes: &Attributes, name: &str) -> Option<u32> {
    text_in(attributes, name)?.trim().parse().ok()
}
