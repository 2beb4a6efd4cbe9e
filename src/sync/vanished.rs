//! Domains of a forest that were read before and are not there any more. Nobody can say whether such a domain was closed
//! or only cannot be seen, so whoever it had is not taken for gone until somebody has allowed it.

use std::collections::{BTreeMap, BTreeSet};

use super::error::SyncError;
use super::options::SourceOptions;
use super::reading::Part;
use super::state::State;
use super::structure::names;

/// Under these names the structure of each source is kept, for as long as anything is known of it.
const SHELF: &str = "structure/";

/// Those of whom something is kept, by the names of their sources: `forest/child.example.test`.
pub(super) fn vanished(
    kept: &BTreeMap<String, String>,
    parts: &[Part],
    sources: &[SourceOptions],
) -> BTreeSet<String> {
    let is_of_forest = |name: &str| {
        let forest = name.split_once('/').map(|(forest, _)| forest);
        forest.is_some_and(|forest| sources.iter().any(|source| source.directory == forest))
    };
    let is_there = |name: &str| parts.iter().any(|part| part.source.name() == name);
    let read = kept.iter().filter(|(_, body)| !body.is_empty());
    let read = read.filter_map(|(shelf, _)| shelf.strip_prefix(SHELF));
    read.filter(|name| is_of_forest(name) && !is_there(name)).map(str::to_owned).collect()
}

/// The one of these domains that an entry was in: their names are made of their DNs.
pub(super) fn holder<'a>(vanished: &'a BTreeSet<String>, dn: &str) -> Option<&'a str> {
    let name = if vanished.is_empty() { return None } else { names::normal(dn) };
    let held = |source: &&String| {
        let (_, host) = source.split_once('/').unwrap_or_default();
        let parts: Vec<String> = host.split('.').map(|part| format!("dc={part}")).collect();
        names::domain(&name) == names::normal(&parts.join(","))
    };
    vanished.iter().find(held).map(String::as_str)
}

/// What is kept of those of whom nothing is linked any more: nothing.
pub(super) async fn forgotten(
    state: &State,
    vanished: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, SyncError> {
    if vanished.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut still = BTreeSet::new();
    let mut pages = state.links();
    while let Some(page) = pages.next().await? {
        still.extend(page.iter().filter_map(|link| holder(vanished, &link.dn)));
    }
    let gone = vanished.iter().filter(|domain| !still.contains(domain.as_str()));
    Ok(gone.map(|domain| (shelf(domain), String::new())).collect())
}

/// The name under which the structure of a source is kept.
pub(super) fn shelf(source: &str) -> String {
    format!("{SHELF}{source}")
}

/// What a report says of one.
pub(super) fn sentence(domain: &str) -> String {
    format!(
        "{domain} was read before, and is no domain of the forest below search_base any more: nobody of it is \
         deactivated or deleted until that is allowed"
    )
}
