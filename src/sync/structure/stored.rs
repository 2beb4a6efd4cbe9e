//! [`Stored`]: a structure between two runs. Names are kept as a tree: of a name, only its own part and where the rest is.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::graph::{Graph, Names, number};
use super::{Conventions, Record, Structure, names};
use crate::identity::Attributes;

/// All that a structure is made of, to be kept by serde.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Its own part of each name, and the number of the name above it plus one; those above come first.
    names: Vec<(u32, String)>,
    units: Vec<StoredEntry>,
    groups: Vec<(StoredEntry, Vec<u32>)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredEntry {
    id: String,
    dn: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<(String, Vec<crate::identity::Value>)>,
}

/// Why a stored structure is of no use; everything is read anew then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// A number stands for no name.
    #[error(
        "the stored structure of the directory is damaged: {0} is the number of no name; a full run reads it anew"
    )]
    NoName(u32),
}

impl Structure {
    /// What is kept of it.
    pub fn stored(&self) -> Stored {
        let mut tree = Tree::default();
        let groups = self.groups.iter().enumerate().map(|(at, group)| {
            let members = self.graph.member_texts(number(at)).map(|name| tree.put(name)).collect();
            (StoredEntry::new(&group.id, &group.dn, &group.attributes), members)
        });
        let groups = groups.collect();
        let units = self.units.iter().map(|unit| StoredEntry::new(&unit.id, &unit.dn, &unit.attributes));
        Stored { names: tree.names, units: units.collect(), groups }
    }

    /// The structure of which `stored` was kept. Other conventions than then may hold now.
    pub fn restore(stored: Stored, conventions: &Conventions) -> Result<Self, StoredError> {
        let mut texts: Vec<String> = Vec::with_capacity(stored.names.len());
        for (above, part) in stored.names {
            let text = match above.checked_sub(1) {
                None => part,
                Some(above) => {
                    let above = texts.get(above as usize).ok_or(StoredError::NoName(above))?;
                    format!("{part},{above}")
                }
            };
            texts.push(text);
        }
        let mut names = Names::default();
        let (mut records, mut nodes) = (Vec::new(), Vec::new());
        for (entry, members) in stored.groups {
            let members = members.into_iter().map(|member| {
                texts.get(member as usize).map(|text| names.put(text)).ok_or(StoredError::NoName(member))
            });
            let members = members.collect::<Result<Vec<_>, _>>()?;
            nodes.push((names.put(&names::normal(&entry.dn)), members));
            records.push(entry.into());
        }
        let units = stored.units.into_iter().map(Record::from).collect();
        Ok(Self::assemble(units, records, Graph::new(names, nodes), conventions))
    }
}

impl StoredEntry {
    fn new(id: &str, dn: &str, attributes: &Attributes) -> Self {
        let attributes = attributes.iter().map(|(name, values)| (name.to_owned(), values.to_vec()));
        Self { id: id.to_owned(), dn: dn.to_owned(), attributes: attributes.collect() }
    }
}

impl From<StoredEntry> for Record {
    fn from(stored: StoredEntry) -> Self {
        Self { id: stored.id, dn: stored.dn, attributes: stored.attributes.into_iter().collect() }
    }
}

#[derive(Default)]
struct Tree<'a> {
    names: Vec<(u32, String)>,
    numbers: HashMap<&'a str, u32>,
}

impl<'a> Tree<'a> {
    fn put(&mut self, name: &'a str) -> u32 {
        let mut missing = Vec::new();
        let mut here = Some(name);
        let mut above = 0;
        while let Some(text) = here {
            if let Some(known) = self.numbers.get(text) {
                above = known + 1;
                break;
            }
            missing.push(text);
            here = names::parent(text);
        }
        for text in missing.into_iter().rev() {
            let rest = names::parent(text).map_or(0, |rest| rest.len() + 1);
            let part = text.get(..text.len() - rest).unwrap_or(text);
            let number = number(self.names.len());
            self.names.push((above, part.to_owned()));
            self.numbers.insert(text, number);
            above = number + 1;
        }
        above.saturating_sub(1)
    }
}
