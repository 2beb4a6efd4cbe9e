//! Types of which the source had nobody any more when it was last read. Whoever it would take away waits; when there is
//! somebody again, that does not hold any longer, though a directory may tell nothing of it.

use std::collections::BTreeMap;

use super::object::ObjectType;
use super::plan::Plan;

/// Under this name they are kept, beside the structure.
pub(super) const SHELF: &str = "emptied";

/// How those of a plan are kept.
pub(super) fn body(plan: &Plan) -> String {
    let words: Vec<&str> = plan.emptied().map(ObjectType::key).collect();
    words.join(" ")
}

/// Why everything has to be read: a type was empty before, and is not by this plan of what changed.
pub(super) fn refilled(stored: &BTreeMap<String, String>, plan: &Plan) -> Option<String> {
    let before = stored.get(SHELF)?.split(' ').filter_map(ObjectType::parse);
    let mut over = before.filter(|kind| plan.emptied().all(|one| one != *kind));
    over.next().map(|kind| format!("there was nobody left of {}, and that is over", kind.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::plan::Warning;

    #[test]
    fn everything_is_read_when_a_type_has_somebody_again() {
        let plan = |kinds: &[ObjectType]| {
            let empty = |kind: &ObjectType| Warning::Empty { kind: *kind, leaving: 1 };
            Plan { warnings: kinds.iter().map(empty).collect(), ..Plan::default() }
        };
        let both = plan(&[ObjectType::User, ObjectType::Group]);
        let stored = BTreeMap::from([(SHELF.to_owned(), body(&both))]);
        assert_eq!(refilled(&stored, &both), None, "nobody is back");
        let told = refilled(&stored, &plan(&[ObjectType::User]));
        assert_eq!(told.as_deref(), Some("there was nobody left of Group, and that is over"));
        assert_eq!(refilled(&BTreeMap::new(), &plan(&[])), None);
        assert_eq!(refilled(&BTreeMap::from([(SHELF.to_owned(), body(&plan(&[])))]), &plan(&[])), None);
    }
}
