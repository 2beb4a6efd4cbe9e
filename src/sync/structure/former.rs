//! Names that people do not have any more and that groups still say.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Structure, Warning};

/// By the normal name: who had it.
pub type Former = BTreeMap<String, Had>;

/// Who had a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct Had {
    /// The id of the person.
    pub id: String,
    /// The name as the directory wrote it: a normal one is not always a DN for it. Empty: not known.
    pub dn: String,
}

/// As it may have been kept.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    /// At first, without the name.
    Id(String),
    Had {
        id: String,
        dn: String,
    },
}

impl From<Kept> for Had {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Id(id) => Self { id, dn: String::new() },
            Kept::Had { id, dn } => Self { id, dn },
        }
    }
}

/// What the directory says of names that people had.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Nobody has these.
    pub free: Former,
    /// Of these it is not known: they are taken for who had them.
    pub doubtful: Former,
    /// Why not.
    pub doubt: Option<Doubt>,
}

/// Why it is not known whether anybody has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// They are more than so many, and were not asked for.
    TooMany(usize),
    /// The directory answered this.
    Answer(String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(most) => write!(f, "no more than {most} are asked for"),
            Self::Answer(cause) => write!(f, "the directory does not say: {cause}"),
        }
    }
}

impl Structure {
    /// The same, in which groups mean these people by these names, as far as any group says them.
    #[must_use]
    pub fn with_former(self, former: Former) -> Self {
        self.with_verdicts(Verdicts { free: former, ..Verdicts::default() })
    }

    /// The same by names that were asked for.
    #[must_use]
    pub fn with_verdicts(mut self, verdicts: Verdicts) -> Self {
        let Verdicts { mut free, mut doubtful, doubt } = verdicts;
        free.retain(|name, _| self.lists(name));
        doubtful.retain(|name, _| self.lists(name));
        self.warnings.retain(|known| !matches!(known, Warning::Dangling { .. } | Warning::Doubtful { .. }));
        let dangling = self.first_of(&free).map(|(name, group)| {
            let count = free.keys().map(|name| self.holders(name).len()).sum();
            Warning::Dangling { count, name, group }
        });
        let doubted = self.first_of(&doubtful).zip(doubt);
        let doubted = doubted.map(|((name, group), doubt)| Warning::Doubtful {
            count: doubtful.len(),
            name,
            group,
            doubt,
        });
        self.warnings.extend(dangling.into_iter().chain(doubted));
        free.extend(doubtful);
        self.former_names.clear();
        for (name, had) in &free {
            self.former_names.entry(had.id.clone()).or_default().push(name.clone());
        }
        self.former = free;
        self
    }

    /// The first of some names, and the DN of a group that says it.
    fn first_of(&self, names: &Former) -> Option<(String, String)> {
        let name = names.keys().next()?;
        let group = self.groups.get(*self.holders(name).first()? as usize)?;
        Some((name.clone(), group.dn.clone()))
    }

    /// Names that people had, and that groups say.
    pub fn former(&self) -> &Former {
        &self.former
    }

    /// Of them, those of the person with this id.
    pub fn names_of(&self, id: &str) -> impl Iterator<Item = &str> {
        let names = if self.former_names.is_empty() { None } else { self.former_names.get(id) };
        names.into_iter().flatten().map(String::as_str)
    }

    /// Whether a group says this normal name.
    pub fn lists(&self, name: &str) -> bool {
        !self.holders(name).is_empty()
    }

    /// The groups that say a normal name.
    pub(super) fn holders(&self, name: &str) -> &[u32] {
        self.graph.names.find(name).map_or(&[], |name| self.graph.holders(name))
    }

    /// The groups that say a name that the person with this id had.
    pub(super) fn former_holders(&self, id: &str) -> impl Iterator<Item = &u32> {
        self.names_of(id).flat_map(|name| self.holders(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::source::SourceEntry;
    use crate::identity::Attributes;
    use crate::sync::structure::{ConventionOptions, Conventions};

    fn entry(id: &str, dn: &str, members: &[&str]) -> SourceEntry {
        let attributes = [("member", members.to_vec())].into_iter().collect::<Attributes>();
        SourceEntry { id: id.to_owned(), dn: dn.to_owned(), disabled: false, attributes }
    }

    fn had(id: &str) -> Had {
        Had { id: id.to_owned(), dn: String::new() }
    }

    #[test]
    fn rights_go_on_by_the_old_name_and_one_warning_counts() {
        let conventions = Conventions::new(&ConventionOptions::default(), "dc=x").unwrap();
        let groups = ["cn=idsync,ou=Roles,ou=Groups,dc=x", "cn=admin,ou=Roles,ou=Groups,dc=x"];
        let groups = groups.map(|dn| entry(dn, dn, &["uid=Old,dc=x", "uid=b,dc=x"]));
        let built = Structure::build(Vec::new(), groups.to_vec(), &conventions);
        let renamed = entry("1", "uid=new,dc=x", &[]);
        assert_eq!(built.standing(&renamed).selected_by, None);
        let former = ["uid=old,dc=x", "uid=nowhere,dc=x"].map(|name| (name.to_owned(), had("1")));
        let built = built.with_former(former.into());
        assert_eq!(
            built.former().keys().collect::<Vec<_>>(),
            ["uid=old,dc=x"],
            "what no group says is forgotten"
        );
        let standing = built.standing(&renamed);
        assert!(standing.selected_by.is_some() && standing.facts.contains_key("@admin"), "{standing:?}");
        let told: Vec<String> = built.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(
            "2 members of groups name DNs that nobody has any more (uid=old,dc=x in cn=idsync,"
        ));
        assert_eq!(built.with_former(Former::new()).warnings(), []);
    }

    #[test]
    fn what_is_in_doubt_is_meant_and_told_apart() {
        let conventions = Conventions::new(&ConventionOptions::default(), "dc=x").unwrap();
        let group = entry("1", "cn=a,dc=x", &["uid=old,dc=x", "uid=older,dc=x"]);
        let built = Structure::build(Vec::new(), vec![group], &conventions);
        let one = |name: &str| Former::from([(name.to_owned(), had("1"))]);
        let verdicts = |doubt| Verdicts {
            free: one("uid=old,dc=x"),
            doubtful: one("uid=older,dc=x"),
            doubt: Some(doubt),
        };
        let built = built.with_verdicts(verdicts(Doubt::Answer("no".to_owned())));
        assert_eq!(built.names_of("1").collect::<Vec<_>>(), ["uid=old,dc=x", "uid=older,dc=x"]);
        let told: Vec<String> = built.warnings().iter().map(ToString::to_string).collect();
        assert!(told[0].starts_with("1 member of a group names a DN that nobody has any more (uid=old,"));
        assert_eq!(
            told[1],
            "1 DN in groups may be somebody else's by now (uid=older,dc=x in cn=a,dc=x; the directory does not say: \
             no): it is taken for who had it; give the directory the overlay refint, and correct the groups"
        );
        let built = built.with_verdicts(verdicts(Doubt::TooMany(1000)));
        assert_eq!(built.warnings().len(), 2);
        assert!(built.warnings()[1].to_string().contains("; no more than 1000 are asked for): it is taken"));
    }

    #[test]
    fn names_that_were_kept_without_their_spelling_are_known() {
        let kept = r#"{"uid=a,dc=x":"1","uid=b,dc=x":{"id":"2","dn":"UID=b,dc=x"}}"#;
        let former: Former = serde_json::from_str(kept).unwrap();
        let second = Had { id: "2".to_owned(), dn: "UID=b,dc=x".to_owned() };
        assert_eq!(former.into_values().collect::<Vec<_>>(), [had("1"), second]);
    }
}
