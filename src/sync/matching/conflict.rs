//! [`Conflict`]: why it is not clear which object of the target somebody is, in a sentence that says what helps.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sync::object::ObjectKey;

/// So many of those that were found, or that want the same, are named.
pub const NAMED: usize = 5;

/// Why it is not clear which one it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The path that they were found by.
    pub path: String,
    /// The value that they have there.
    pub value: String,
    /// The target's ids of those that were found, and whose they are already: the first [`NAMED`].
    pub found: Vec<(String, Option<ObjectKey>)>,
    /// How many more there are.
    #[serde(default)]
    pub more: usize,
    /// Who these are, as far as it is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// Whether these only want it as well: it is nobody's yet.
    #[serde(default)]
    pub wanted: bool,
}

/// Somebody to whom an object of the target belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who.
    pub key: ObjectKey,
    /// The DN, when it was last carried.
    pub dn: String,
    /// Whether somebody is gone from the source.
    pub gone: Option<Departure>,
}

/// That somebody is gone from the source; moments are as they are said, in the time zone of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// When it was first missed.
    pub since: String,
    /// When it is deleted at the target; none: it is kept there.
    pub deleted: Option<String>,
}

impl Conflict {
    fn holder(&self, key: &ObjectKey) -> Option<&Holder> {
        self.holders.iter().find(|holder| holder.key == *key)
    }

    /// The one object that several want, and who.
    fn claimants(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((id, _)) = self.found.first() else { return Ok(()) };
        let keys = self.found.iter().filter_map(|(_, key)| key.as_ref());
        let mut names: Vec<String> =
            keys.map(|key| self.holder(key).map_or_else(|| key.to_string(), |one| one.dn.clone())).collect();
        if self.more > 0 {
            names.push(format!("{} more", self.more));
        }
        // A DN has commas.
        match names.split_last() {
            Some((only, [])) => write!(f, "{id}, which {only} wants as well"),
            Some((last, others)) => write!(f, "{id}, which {} and {last} want as well", others.join("; ")),
            None => f.write_str(id),
        }
    }

    fn remedy(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        let gone = self.found.iter().find_map(|(id, holder)| {
            let holder = self.holder(holder.as_ref()?)?;
            Some((id, &holder.dn, holder.gone.as_ref()?))
        });
        if let Some((id, dn, Departure { since, deleted })) = gone {
            write!(f, "; {dn} is gone from the directory since {since}: delete {id} at the target")?;
            if let Some(deleted) = deleted {
                write!(f, ", wait until it is deleted there after {deleted}")?;
            }
            return write!(f, ", or give the new one another {path}");
        }
        match self.found.iter().filter(|(_, holder)| holder.is_some()).count() + self.more {
            _ if self.found.iter().all(|(_, holder)| holder.is_none()) => {}
            1 => return write!(f, "; give one of the two another {path} in the directory"),
            _ => return write!(f, "; give all but one of them another {path} in the directory"),
        }
        write!(f, "; leave {path} to only one of them at the target")
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} at the target is that of ", self.path, self.value)?;
        if self.wanted {
            self.claimants(f)?;
            return self.remedy(f);
        }
        for (at, (id, holder)) in self.found.iter().enumerate() {
            let and = if at == 0 { "" } else { " and " };
            write!(f, "{and}{id}")?;
            match holder.as_ref().map(|key| (key, self.holder(key))) {
                Some((_, Some(holder))) => write!(f, ", which belongs to {}", holder.dn)?,
                Some((key, None)) => write!(f, ", which belongs to {key}")?,
                None => {}
            }
        }
        if self.more > 0 {
            write!(f, " and {} more", self.more)?;
        }
        self.remedy(f)
    }
}
