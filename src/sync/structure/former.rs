//! Names that people do not have any more and that groups still say.

use std::collections::BTreeMap;

use super::{Structure, Warning};

/// By the normal name that nobody has: the id of the person who had it.
pub type Former = BTreeMap<String, String>;

impl Structure {
    /// The same, in which groups mean these people by these names, as far as any group says them.
    #[must_use]
    pub fn with_former(mut self, mut former: Former) -> Self {
        former.retain(|name, _| self.lists(name));
        self.warnings.retain(|warning| !matches!(warning, Warning::Dangling { .. }));
        let values = former.keys().map(|name| (name, self.holders(name)));
        let count = values.clone().map(|(_, groups)| groups.len()).sum();
        let first = values.into_iter().next();
        let first = first.and_then(|(name, groups)| {
            let group = self.groups.get(*groups.first()? as usize)?;
            Some(Warning::Dangling { count, name: name.clone(), group: group.dn.clone() })
        });
        self.warnings.extend(first);
        self.former_names.clear();
        for (name, id) in &former {
            self.former_names.entry(id.clone()).or_default().push(name.clone());
        }
        self.former = former;
        self
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

    #[test]
    fn rights_go_on_by_the_old_name_and_one_warning_counts() {
        let conventions = Conventions::new(&ConventionOptions::default(), "dc=x").unwrap();
        let groups = ["cn=idsync,ou=Roles,ou=Groups,dc=x", "cn=admin,ou=Roles,ou=Groups,dc=x"];
        let groups = groups.map(|dn| entry(dn, dn, &["uid=Old,dc=x", "uid=b,dc=x"]));
        let built = Structure::build(Vec::new(), groups.to_vec(), &conventions);
        let renamed = entry("1", "uid=new,dc=x", &[]);
        assert_eq!(built.standing(&renamed).selected_by, None);
        let former = ["uid=old,dc=x", "uid=nowhere,dc=x"].map(|name| (name.to_owned(), "1".to_owned()));
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
}
