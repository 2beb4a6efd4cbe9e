//! Lists that are whole: [`Proof`] takes the pages of one and says when, and whether, that was all.
//!
//! A page may be smaller than was asked for (RFC 7644 section 3.4.2.4), and the next one then begins where it ended.
//! Whole is a list when its pages hold as many different objects as every one of them said that there are.

use std::collections::HashSet;

use serde_json::Value;

use super::super::target::TargetObject;
use crate::scim::message::ListResponse;
use crate::scim::{self, Path};

/// The most objects of one list.
const MOST: usize = 5_000_000;

/// The longest id of the service, in octets: a URL holds so much, and an index of every store.
pub(super) const LONGEST_ID: usize = 1024;

/// Why a list is not whole, or not a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ListingFault {
    #[error("an object without an id")]
    NoId,
    #[error("an object with an id of {0} octets, of which {LONGEST_ID} can be kept")]
    LongId(usize),
    #[error(
        "the list grew or shrank while it was read, from {0} to {1} objects: it is read anew the next time"
    )]
    Moved(usize, usize),
    #[error("the list says {0} objects, and ends after {1}")]
    Short(usize, usize),
    #[error("the object {0:?} is in the list twice")]
    Twice(String),
    #[error("the page from {asked} on was asked for, and that from {got} on came")]
    OtherPage { asked: usize, got: usize },
    #[error("a list of {0} objects is too long")]
    Long(usize),
    #[error("the service answers with other objects than were asked for by {0}: it does not filter by that")]
    Unfiltered(String),
}

/// The pages so far.
#[derive(Debug, Default)]
pub(super) struct Proof {
    total: Option<usize>,
    seen: HashSet<String>,
}

impl Proof {
    /// The place of the next object, from 1.
    pub(super) fn next(&self) -> usize {
        self.seen.len() + 1
    }

    /// Whether it was all.
    pub(super) fn is_complete(&self) -> bool {
        self.total == Some(self.seen.len())
    }

    /// Takes the page that begins at [`Proof::next`].
    pub(super) fn take(&mut self, page: ListResponse) -> Result<Vec<TargetObject>, ListingFault> {
        let asked = self.next();
        let total = *self.total.get_or_insert(page.total);
        if page.total != total {
            return Err(ListingFault::Moved(total, page.total));
        }
        if total > MOST {
            return Err(ListingFault::Long(total));
        }
        // Some services say 0, or 1, on a page without objects.
        if let Some(got) = page.start.filter(|got| *got != asked && !page.resources.is_empty()) {
            return Err(ListingFault::OtherPage { asked, got });
        }
        let had = self.seen.len();
        let mut objects = Vec::with_capacity(page.resources.len());
        for body in page.resources {
            let object = object(body)?;
            if !self.seen.insert(object.id.clone()) {
                return Err(ListingFault::Twice(object.id));
            }
            objects.push(object);
        }
        let seen = self.seen.len();
        if seen > total || (seen == had && seen < total) {
            return Err(ListingFault::Short(total, seen));
        }
        Ok(objects)
    }
}

/// A resource with its id.
pub(super) fn object(body: Value) -> Result<TargetObject, ListingFault> {
    let id = Path { schema: None, attribute: "id".to_owned(), filter: None, sub: None };
    match scim::read(&body, &id) {
        Some(Value::String(id)) if id.len() > LONGEST_ID => Err(ListingFault::LongId(id.len())),
        Some(Value::String(id)) if !id.is_empty() => Ok(TargetObject { id, body }),
        // RFC 7643 section 3.1 has a text; some services count.
        Some(Value::Number(id)) => Ok(TargetObject { id: id.to_string(), body }),
        _ => Err(ListingFault::NoId),
    }
}

/// Those that have the value, of what a service found. One with another value shows that it does not filter, and that
/// it has none such is then not known; one that does not tell its value may be anybody.
pub(super) fn those_with(
    found: Vec<TargetObject>,
    path: &Path,
    value: &str,
) -> Result<Vec<TargetObject>, ListingFault> {
    let mut those = Vec::with_capacity(found.len());
    for object in found {
        match scim::read(&object.body, path) {
            None => {}
            Some(has) if is(&has, value) => those.push(object),
            Some(_) => return Err(ListingFault::Unfiltered(path.to_string())),
        }
    }
    Ok(those)
}

/// RFC 7643 section 2.3.1: most texts are the same in any case, and no two ids differ by case alone.
fn is(has: &Value, value: &str) -> bool {
    match has {
        Value::String(has) => has == value || has.to_lowercase() == value.to_lowercase(),
        Value::Array(values) => values.iter().any(|has| is(has, value)),
        Value::Null | Value::Object(_) => false,
        Value::Bool(_) | Value::Number(_) => {
            let has = has.to_string();
            has == value
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(total: usize, start: Option<usize>, ids: &[&str]) -> ListResponse {
        ListResponse { total, start, resources: ids.iter().map(|id| json!({"id": id})).collect() }
    }

    fn read(pages: Vec<ListResponse>) -> Result<(usize, bool), ListingFault> {
        let mut proof = Proof::default();
        let mut count = 0;
        for page in pages {
            count += proof.take(page)?.len();
        }
        Ok((count, proof.is_complete()))
    }

    #[test]
    fn a_list_is_whole_or_an_error() {
        let cases = [
            (vec![page(0, Some(1), &[])], Ok((0, true))),
            (vec![page(0, Some(0), &[])], Ok((0, true))),
            (vec![page(2, None, &["a", "b"])], Ok((2, true))),
            (vec![page(3, Some(1), &["a", "b"])], Ok((2, false))),
            (vec![page(3, Some(1), &["a", "b"]), page(3, Some(3), &["c"])], Ok((3, true))),
            (vec![page(3, Some(1), &["a"]), page(3, Some(2), &["b", "c"])], Ok((3, true))),
            (vec![page(3, Some(1), &["a"]), page(3, Some(2), &[])], Err(ListingFault::Short(3, 1))),
            (vec![page(3, None, &[])], Err(ListingFault::Short(3, 0))),
            (vec![page(1, None, &["a", "b"])], Err(ListingFault::Short(1, 2))),
            (vec![page(3, None, &["a", "b"]), page(2, None, &[])], Err(ListingFault::Moved(3, 2))),
            (vec![page(3, None, &["a", "b"]), page(4, None, &["c"])], Err(ListingFault::Moved(3, 4))),
            (vec![page(3, None, &["a", "b"]), page(3, None, &["b"])], Err(ListingFault::Twice("b".into()))),
            (
                vec![page(4, Some(1), &["a", "b"]), page(4, Some(1), &["c", "d"])],
                Err(ListingFault::OtherPage { asked: 3, got: 1 }),
            ),
            (vec![page(1, None, &[""])], Err(ListingFault::NoId)),
            (vec![page(1, None, &[&"x".repeat(LONGEST_ID)])], Ok((1, true))),
            (vec![page(1, None, &[&"x".repeat(LONGEST_ID + 1)])], Err(ListingFault::LongId(LONGEST_ID + 1))),
            (vec![page(MOST + 1, None, &["a"])], Err(ListingFault::Long(MOST + 1))),
        ];
        for (pages, wanted) in cases {
            assert_eq!(read(pages.clone()), wanted, "{pages:?}");
        }
    }

    #[test]
    fn what_a_service_finds_is_looked_at() {
        let path = Path::parse("userName").unwrap();
        let found = |bodies: Value| -> Result<Vec<String>, ListingFault> {
            let bodies: Vec<Value> = serde_json::from_value(bodies).unwrap();
            let objects = bodies.into_iter().map(|body| object(body).unwrap()).collect();
            Ok(those_with(objects, &path, "Taro@b")?.into_iter().map(|object| object.id).collect())
        };
        assert_eq!(found(json!([{"id": 7, "userName": "taro@B"}])), Ok(vec!["7".to_owned()]));
        assert_eq!(found(json!([{"id": "1"}])), Ok(vec![]));
        let other = found(json!([{"id": "1", "userName": "Taro@b"}, {"id": "2", "userName": "x"}]));
        assert_eq!(other, Err(ListingFault::Unfiltered("userName".to_owned())));
    }
}
