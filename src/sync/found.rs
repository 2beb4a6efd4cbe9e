//! What the target has: [`listing`] takes all of it where that is of use, [`settle`] looks for the counterparts of objects
//! that have none yet.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::mapping::Mapping;
use super::matching::{Hit, Listed, MatchRules, confirms, decide};
use super::object::{ObjectKey, ObjectType};
use super::plan::{Planner, Shown};
use super::questions::Questions;
use super::target::{FaultKind, Target, TargetFault, TargetObject};

/// Parts of a list that wait.
const AHEAD: usize = 4;

/// All that the target has of one type.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// To be looked up by what objects are matched by.
    pub(super) listed: Listed,
    /// The values that rules fill, by the target's id.
    pub(super) shown: BTreeMap<String, Shown>,
}

/// Lists everything of a type.
pub(super) async fn listing(
    (target, questions): (&dyn Target, &Questions),
    kind: ObjectType,
    mapping: &Mapping,
    active: Option<&str>,
) -> Result<Inventory, TargetFault> {
    let mut inventory =
        Inventory { listed: Listed::by(mapping.match_by().iter().cloned()), shown: BTreeMap::new() };
    let (parts, mut pages) = mpsc::channel::<Vec<TargetObject>>(AHEAD);
    let taking = async {
        while let Some(page) = pages.recv().await {
            for object in page {
                inventory.listed.put(&object.id, |path: &str| target.value(&object, path));
                let shown = shown(target, &object, mapping, active);
                inventory.shown.insert(object.id, shown);
            }
        }
    };
    let (listed, ()) = tokio::join!(target.list(kind, parts, questions), taking);
    listed.map(|()| inventory)
}

/// What an object shows at the paths that rules fill.
fn shown(target: &dyn Target, object: &TargetObject, mapping: &Mapping, active: Option<&str>) -> Shown {
    let paths = mapping.paths().chain(active);
    paths.filter_map(|path| Some((path.to_owned(), target.value(object, path)?))).collect()
}

/// Why somebody could not be looked for.
#[derive(Debug)]
pub(super) struct NotAsked {
    /// Who it is in the directory.
    pub(super) dn: String,
    pub(super) fault: TargetFault,
}

/// Finds out what becomes of all that is unmatched: by the lists where there are some, else by a question for each.
/// What could not be asked stays unmatched.
pub(super) async fn settle(
    planner: &mut Planner,
    (target, questions): (&dyn Target, &Questions),
    (mappings, active): (&BTreeMap<ObjectType, Mapping>, &BTreeMap<ObjectType, String>),
    lists: &BTreeMap<ObjectType, Inventory>,
    rules: MatchRules,
) -> Result<Vec<(ObjectKey, NotAsked)>, TargetFault> {
    let unmatched: Vec<(ObjectKey, Vec<(String, String)>)> =
        planner.unmatched().map(|(key, match_by)| (key.clone(), match_by.to_vec())).collect();
    let mut asked = Vec::new();
    for (key, match_by) in unmatched {
        let Some(inventory) = lists.get(&key.kind) else {
            asked.push((key, match_by));
            continue;
        };
        let hits = inventory.listed.hits(&match_by);
        let shown = only(&hits).and_then(|id| inventory.shown.get(id).cloned());
        let decision = decide(&key, &hits, |id| planner.holder(key.kind, id), rules);
        planner.matched(&key, decision, shown);
    }
    let looks = asked.into_iter().map(|(key, match_by)| async move {
        let found = look((target, questions), key.kind, &match_by).await;
        (key, found)
    });
    let mut answers = futures_util::stream::iter(looks).buffer_unordered(questions.at_once());
    let mut open = Vec::new();
    while let Some((key, found)) = answers.next().await {
        match found {
            Ok((hits, object)) => {
                let mapping = mappings.get(&key.kind);
                let shown = object.zip(mapping).map(|(object, mapping)| {
                    shown(target, &object, mapping, active.get(&key.kind).map(String::as_str))
                });
                let decision = decide(&key, &hits, |id| planner.holder(key.kind, id), rules);
                planner.matched(&key, decision, shown);
            }
            Err(fault) if fault.kind == FaultKind::Unauthorized => return Err(fault),
            Err(fault) => {
                let dn = planner.dn_of_unmatched(&key).unwrap_or_default().to_owned();
                open.push((key, NotAsked { dn, fault }));
            }
        }
    }
    Ok(open)
}

/// Asks by one key after another, until one finds something.
async fn look(
    (target, questions): (&dyn Target, &Questions),
    kind: ObjectType,
    match_by: &[(String, String)],
) -> Result<(Vec<Hit>, Option<TargetObject>), TargetFault> {
    let mut hits = Vec::new();
    for (path, value) in match_by {
        let found = questions.ask(|| target.find(kind, path, value)).await?;
        let mut found: Vec<TargetObject> = found
            .into_iter()
            .filter(|object| confirms(path, value, target.value(object, path).as_ref()))
            .collect();
        let ids: Vec<String> = found.iter().map(|object| object.id.clone()).collect();
        let ends = !ids.is_empty();
        hits.push(Hit { path: path.clone(), value: value.clone(), ids });
        if ends {
            let one = if found.len() == 1 { found.pop() } else { None };
            return Ok((hits, one));
        }
    }
    Ok((hits, None))
}

/// The one id that was found by the first key that found any.
fn only(hits: &[Hit]) -> Option<&str> {
    let hit = hits.iter().find(|hit| !hit.ids.is_empty())?;
    let ids: BTreeSet<&str> = hit.ids.iter().map(String::as_str).collect();
    if ids.len() == 1 { ids.into_iter().next() } else { None }
}
