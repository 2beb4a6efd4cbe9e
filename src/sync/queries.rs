//! [`Queries`]: what a directory is asked for: units, groups, people and contacts, each with the attributes that somebody
//! needs.

use std::collections::{BTreeMap, BTreeSet};

use super::mapping::{Mapping, sum};
use super::object::ObjectType;
use super::options::SourceOptions;
use super::scope::{SYSTEM, Scope};
use crate::directory::source::{Flavour, SourceQuery};

/// What groups need to be understood, beside what is mapped of them.
const OF_GROUPS: [&str; 6] =
    ["cn", "member", "uniqueMember", "groupType", "primaryGroupToken", "primaryGroupID"];
/// And units.
const OF_UNITS: [&str; 2] = ["ou", SYSTEM];
/// And people.
const OF_PEOPLE: [&str; 1] = ["primaryGroupID"];

/// A query with the name under which its cursor is kept.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// It holds what is asked and what becomes of the answer: when that changes, everything is read anew.
    pub(super) name: String,
    pub(super) query: SourceQuery,
}

/// The queries of one directory.
#[derive(Debug, Clone)]
pub(super) struct Queries {
    pub(super) units: Named,
    pub(super) groups: Named,
    people: Vec<(ObjectType, Named)>,
}

impl Queries {
    /// `configuration`: a sum of all that decides what becomes of entries.
    pub(super) fn new(
        (options, flavour): (&SourceOptions, Flavour),
        base: &str,
        objects: &BTreeSet<ObjectType>,
        mappings: &BTreeMap<ObjectType, Mapping>,
        scope: &Scope,
        configuration: u64,
    ) -> Self {
        let make = |kind: ObjectType, word: &str, kinds: &[ObjectType], fixed: &[&str]| {
            let mapped = kinds.iter().filter_map(|kind| mappings.get(kind)).flat_map(Mapping::attributes);
            let mut attributes: Vec<String> = Vec::new();
            for name in fixed.iter().copied().chain(mapped) {
                if !attributes.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    attributes.push(name.to_owned());
                }
            }
            let own = options.filters.get(&kind).cloned();
            let mut filter = own.unwrap_or_else(|| default_filter(flavour, kind).to_owned());
            let is_person = matches!(kind, ObjectType::User | ObjectType::Contact);
            if let Some(further) = options.filter.as_ref().filter(|_| is_person) {
                filter = format!("(&{filter}{further})");
            }
            let query = SourceQuery { base: base.to_owned(), filter, attributes };
            let print = format!("{configuration:016x} {query:?}");
            Named { name: format!("{word}#{:016x}", sum(&print.into())), query }
        };
        let groups = [ObjectType::Group, ObjectType::SecurityGroup, ObjectType::Role];
        let of_people: Vec<&str> = OF_PEOPLE.into_iter().chain(scope.attributes()).collect();
        let people = [(ObjectType::User, "users"), (ObjectType::Contact, "contacts")];
        Self {
            units: make(ObjectType::Organization, "units", &[ObjectType::Organization], &OF_UNITS),
            groups: make(ObjectType::Group, "groups", &groups, &OF_GROUPS),
            people: people
                .into_iter()
                .filter(|(kind, _)| objects.contains(kind))
                .map(|(kind, word)| (kind, make(kind, word, &[kind], &of_people)))
                .collect(),
        }
    }

    /// The queries of people and contacts, of those that are carried.
    pub(super) fn people(&self) -> impl Iterator<Item = (ObjectType, &Named)> {
        self.people.iter().map(|(kind, named)| (*kind, named))
    }

    /// All; no type: of the structure.
    pub(super) fn all(&self) -> impl Iterator<Item = (Option<ObjectType>, &Named)> {
        let structure = [&self.units, &self.groups].into_iter().map(|named| (None, named));
        structure.chain(self.people().map(|(kind, named)| (Some(kind), named)))
    }
}

/// What entries of a type are, by the kind of server.
fn default_filter(flavour: Flavour, kind: ObjectType) -> &'static str {
    match (flavour, kind) {
        (Flavour::ActiveDirectory, ObjectType::User) => "(&(objectCategory=person)(objectClass=user))",
        (Flavour::ActiveDirectory, ObjectType::Contact) => "(&(objectCategory=person)(objectClass=contact))",
        (_, ObjectType::Organization) => "(objectClass=organizationalUnit)",
        (Flavour::ActiveDirectory, _) => "(objectClass=group)",
        (Flavour::Other, ObjectType::User) => "(objectClass=inetOrgPerson)",
        (Flavour::Other, ObjectType::Contact) => "(objectClass=contact)",
        (Flavour::Other, _) => "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::preset::Preset;
    use crate::sync::scope::ScopeOptions;

    fn queries(filter: Option<&str>, configuration: u64) -> Queries {
        let preset = Preset::named("generic").unwrap();
        let mappings = preset.types.iter().map(|(kind, preset)| (*kind, preset.mapping.clone())).collect();
        let options = SourceOptions {
            directory: "corp".to_owned(),
            base: None,
            filters: BTreeMap::new(),
            filter: filter.map(str::to_owned),
        };
        let scope = Scope::new(ScopeOptions::default(), None).unwrap();
        let objects = BTreeSet::from([ObjectType::User]);
        Queries::new((&options, Flavour::Other), "dc=x", &objects, &mappings, &scope, configuration)
    }

    #[test]
    fn people_are_asked_for_with_what_mapping_and_scope_need() {
        let queries = queries(Some("(mail=*)"), 1);
        let (kind, people) = queries.people().next().unwrap();
        assert_eq!((kind, queries.people().count()), (ObjectType::User, 1));
        assert_eq!(people.query.filter, "(&(objectClass=inetOrgPerson)(mail=*))");
        for name in ["givenName", "mail", "uid", "seciossAccountStatus", "primaryGroupID"] {
            let count = people.query.attributes.iter().filter(|held| held.eq_ignore_ascii_case(name)).count();
            assert_eq!(count, 1, "{name}");
        }
        assert!(!queries.units.query.filter.contains("mail"));
    }

    #[test]
    fn a_cursor_is_of_one_configuration() {
        let name =
            |filter, configuration| queries(filter, configuration).people().next().unwrap().1.name.clone();
        assert_eq!(name(None, 1), name(None, 1));
        assert_ne!(name(None, 1), name(None, 2));
        assert_ne!(name(None, 1), name(Some("(mail=*)"), 1));
    }
}
