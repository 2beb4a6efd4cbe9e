//! Changes of one object, as requests: [`plan`] makes the operations, `ScimTarget` sends them by PATCH or in a PUT.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::target::{Edit, TargetFault};
use super::answers::{What, document, refused};
use super::bulk::written;
use super::{ScimTarget, ScimType};
use crate::outgoing::{Answer, Method};
use crate::scim::message::ErrorBody;
use crate::scim::patch::{self, Operation};
use crate::scim::{Path, ScimError, json};

/// What one request has.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    operations: Vec<Operation>,
    /// Whether they take members out.
    leaves: bool,
}

impl Step {
    fn of(operations: Vec<Operation>) -> Self {
        Self { operations, leaves: false }
    }
}

/// The requests, in order: attributes, and members in parts of `most`.
pub(super) fn plan(own: &ScimType, edits: &[Edit], most: usize) -> Result<Vec<Step>, ScimError> {
    let mut set = BTreeMap::new();
    let mut clear = Vec::new();
    let mut members = Vec::new();
    for edit in edits {
        match edit {
            Edit::Set(path, value) => {
                set.insert(path.clone(), own.typed(path, value).into_owned());
            }
            Edit::Clear(path) => clear.push(path.clone()),
            Edit::Join(path, ids) => {
                let path = Path::parse(path)?;
                members.extend(ids.chunks(most).map(|ids| Step::of(vec![patch::join(&path, ids)])));
            }
            Edit::Leave(path, ids) => {
                let path = Path::parse(path)?;
                let step = |ids| Step { operations: patch::leave(&path, ids), leaves: true };
                members.extend(ids.chunks(most).map(step));
            }
        }
    }
    let attributes = patch::whole(&set, &clear)?;
    let first = (!attributes.is_empty()).then(|| Step::of(attributes));
    Ok(first.into_iter().chain(members).collect())
}

/// The values that the edits carry, by their paths.
pub(super) fn sent(edits: &[Edit]) -> BTreeMap<&str, &Value> {
    let set = edits.iter().filter_map(|edit| match edit {
        Edit::Set(path, value) => Some((path.as_str(), value)),
        Edit::Clear(_) | Edit::Join(..) | Edit::Leave(..) => None,
    });
    set.collect()
}

impl ScimTarget {
    /// One PATCH for each step.
    pub(super) async fn patch(
        &self,
        url: &str,
        plan: Vec<Step>,
        sent: &BTreeMap<&str, &Value>,
    ) -> Result<(), TargetFault> {
        for step in plan {
            let body = patch::message(&step.operations);
            let answer = self.send(Method::Patch, url, Some(&body)).await?;
            if step.leaves && is_no_target(&answer) {
                self.leave_each(url, step.operations).await?;
            } else {
                self.accepted((url, &answer), What::Object, sent)?;
            }
        }
        Ok(())
    }

    /// Some services refuse to take out somebody who is not in, and all others with them: one by one then.
    async fn leave_each(&self, url: &str, operations: Vec<Operation>) -> Result<(), TargetFault> {
        if operations.len() == 1 {
            return Ok(());
        }
        for operation in operations {
            let answer = self.send(Method::Patch, url, Some(&patch::message(&[operation]))).await?;
            if !is_no_target(&answer) {
                self.accepted((url, &answer), What::Object, &BTreeMap::new())?;
            }
        }
        Ok(())
    }

    /// All steps on the object as it is there now, which must not have changed until it is back.
    pub(super) async fn put(
        &self,
        url: &str,
        plan: Vec<Step>,
        sent: &BTreeMap<&str, &Value>,
    ) -> Result<(), TargetFault> {
        if plan.is_empty() {
            return Ok(());
        }
        let there = self.send(Method::Get, url, None).await?;
        self.accepted((url, &there), What::Object, &BTreeMap::new())?;
        let mut body = document(url, &there)?;
        for step in &plan {
            patch::apply(&mut body, &step.operations).map_err(|error| refused(21, error.to_string()))?;
        }
        let answer = match &there.etag {
            Some(etag) => self.alone((Method::Put, url), written(Some(&body))?, Some(etag)).await?,
            None => self.send(Method::Put, url, Some(&body)).await?,
        };
        self.accepted((url, &answer), What::Object, sent)
    }
}

fn is_no_target(answer: &Answer) -> bool {
    let error = || ErrorBody::parse(&json::document(&answer.body).ok()?)?.scim_type;
    answer.status == 400 && error().is_some_and(|kind| kind.eq_ignore_ascii_case("noTarget"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_go_in_parts_after_the_attributes() {
        let ids = |range: std::ops::Range<u32>| range.map(|id| id.to_string()).collect::<Vec<_>>();
        let edits = [
            Edit::Leave("members".to_owned(), ids(0..3)),
            Edit::Set("displayName".to_owned(), json!("Staff")),
            Edit::Join("members".to_owned(), ids(10..14)),
            Edit::Clear("description".to_owned()),
        ];
        let plan = plan(&ScimType::group(), &edits, 2).unwrap();
        let size = |step: &Step| match step.operations.as_slice() {
            [Operation::Add(_, members)] => (step.leaves, 10 + members.as_array().unwrap().len()),
            operations => (step.leaves, operations.len()),
        };
        let sizes: Vec<_> = plan.iter().map(size).collect();
        assert_eq!(sizes, [(false, 2), (true, 2), (true, 1), (false, 12), (false, 12)]);
        assert_eq!(sent(&edits), BTreeMap::from([("displayName", &json!("Staff"))]));
        assert_eq!(super::plan(&ScimType::group(), &[], 2), Ok(vec![]));
    }
}
