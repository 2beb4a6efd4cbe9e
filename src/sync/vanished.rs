//! Domains of a forest that were read before and are not there any more. Nobody can say whether such a domain was closed
//! or only cannot be seen, so whoever it had is not taken for gone until somebody has allowed it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::error::SyncError;
use super::link::{Link, LinkState};
use super::object::ObjectKey;
use super::operation::{Action, Afterwards, Operation};
use super::options::SourceOptions;
use super::plan::{Note, Plan};
use super::reading::Part;
use super::state::State;
use super::structure::names;

/// Under these names the structure of each source is kept, for as long as anything is known of it.
const SHELF: &str = "structure/";

/// What is kept of a source that was read and whose structure is not kept: it can be told that there was one.
const MARK: &str = "{}";

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
    // Whatever it is called now: another way to the same domain is none that was lost.
    let bases = parts.iter().flat_map(|part| part.queries.all());
    let there: BTreeSet<String> =
        bases.map(|(_, named)| names::domain(&names::normal(&named.query.base)).to_owned()).collect();
    let is_there = |name: &str| there.contains(&context(name));
    let read = kept.iter().filter(|(_, body)| !body.is_empty());
    let read = read.filter_map(|(shelf, _)| shelf.strip_prefix(SHELF));
    read.filter(|name| is_of_forest(name) && !is_there(name)).map(str::to_owned).collect()
}

/// The one of these domains that an entry was in: their names are made of their DNs.
pub(super) fn holder<'a>(vanished: &'a BTreeSet<String>, dn: &str) -> Option<&'a str> {
    let name = if vanished.is_empty() { return None } else { names::normal(dn) };
    vanished.iter().find(|source| names::domain(&name) == context(source)).map(String::as_str)
}

/// The normal DN of the domain that a source of a forest is.
fn context(source: &str) -> String {
    let (_, host) = source.split_once('/').unwrap_or_default();
    let parts: Vec<String> = host.split('.').map(|part| format!("dc={part}")).collect();
    names::normal(&parts.join(","))
}

/// Those whom a plan takes away and who are of these domains, with the domain; see [`make_wait`]. Who is on the way out already was allowed to go, or left before.
pub(super) async fn away(
    state: &State,
    vanished: &BTreeSet<String>,
    plan: &mut Plan,
) -> Result<BTreeMap<ObjectKey, String>, SyncError> {
    let mut away = BTreeMap::new();
    if vanished.is_empty() {
        return Ok(away);
    }
    let downwards = plan.operations.iter().filter(|operation| operation.action >= Action::Deactivate);
    let noted = plan.notes.iter().filter(|note| is_leaving(note)).map(|note| &note.key);
    let keys: Vec<ObjectKey> = downwards.map(|operation| &operation.key).chain(noted).cloned().collect();
    let links = state.links_of(&keys).await?;
    let links = links.into_iter().filter(|link| !matches!(link.state, LinkState::Leaving { .. }));
    let links: BTreeMap<ObjectKey, Link> = links.map(|link| (link.key.clone(), link)).collect();
    for (key, link) in &links {
        if let Some(domain) = holder(vanished, &link.dn) {
            away.insert(key.clone(), domain.to_owned());
        }
    }
    let links = links.into_iter().filter(|(key, _)| away.contains_key(key)).collect();
    make_wait(plan, &links);
    Ok(away)
}

/// What would only be noted of these becomes an operation, so that it can wait.
pub(super) fn make_wait(plan: &mut Plan, links: &BTreeMap<ObjectKey, Link>) {
    for note in plan.notes.iter_mut().filter(|note| is_leaving(note)) {
        let Some(link) = links.get(&note.key) else { continue };
        note.after = Some(Action::Deactivate);
        plan.operations.push(Operation {
            action: Action::Deactivate,
            key: link.key.clone(),
            dn: link.dn.clone(),
            target_id: Some(link.target_id.clone()),
            changes: Vec::new(),
            match_by: Vec::new(),
            afterwards: Afterwards::default(),
        });
    }
}

/// Whether the link alone changes, and its time begins.
pub(super) fn is_leaving(note: &Note) -> bool {
    note.after.is_none() && matches!(note.state, Some(LinkState::Leaving { .. }))
}

/// That these sources were read, and nothing of what was found.
pub(super) fn marks<'a>(sources: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    sources.map(|source| (shelf(source), MARK.to_owned())).collect()
}

/// The sources of which something is to be kept.
pub(super) fn sources(structure: &BTreeMap<String, String>) -> BTreeSet<String> {
    structure.keys().filter_map(|name| name.strip_prefix(SHELF)).map(str::to_owned).collect()
}

/// Marks are for sources of which nothing is kept yet: they never take the place of what is.
pub(super) async fn only_new_marks(
    state: &State,
    structure: &mut BTreeMap<String, String>,
) -> Result<(), SyncError> {
    if structure.values().any(|body| body == MARK) {
        let kept = state.structure().await?;
        structure.retain(|name, body| body != MARK || kept.get(name).is_none_or(String::is_empty));
    }
    Ok(())
}

/// What is kept of those of whom nobody is linked any more but who is on the way out: nothing.
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
        let staying = page.iter().filter(|link| !matches!(link.state, LinkState::Leaving { .. }));
        still.extend(staying.filter_map(|link| holder(vanished, &link.dn)));
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
