//! Bulk requests (RFC 7644 section 3.7): [`request`] makes one of operations, [`results`] says what became of each.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::ScimError;
use super::json::{count, member, spelling, text};

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: &'static str,
    /// Below the base URL, from a slash on: `/Users`.
    pub path: String,
    /// What a request of its own would have as its body.
    pub data: Option<Value>,
}

/// What became of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The status that a request of its own would have had.
    pub status: u16,
    /// Where the object is.
    pub location: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What a request of its own would have been answered with; of a creation always with an `id`.
    pub response: Option<Value>,
}

impl Operation {
    fn creates(&self) -> bool {
        self.method == "POST"
    }
}

/// The message. Each operation has a `bulkId`, since services repeat it also where it need not be.
pub fn request(operations: &[&Operation]) -> Value {
    let one = |(place, operation): (usize, &&Operation)| {
        let mut one =
            json!({"method": operation.method, "path": operation.path, "bulkId": place.to_string()});
        if let (Some(data), Some(one)) = (&operation.data, one.as_object_mut()) {
            one.insert("data".to_owned(), data.clone());
        }
        one
    };
    let operations: Vec<Value> = operations.iter().enumerate().map(one).collect();
    json!({"schemas": [BULK_REQUEST], "Operations": operations})
}

/// What became of each operation of a request, in their order; none where the answer does not say it, says it twice, or
/// says that something was made without its id. An operation is known by its `bulkId`, or by method and location where
/// there is none.
pub fn results(operations: &[&Operation], body: Value) -> Result<Vec<Option<Outcome>>, ScimError> {
    let fault = |cause| ScimError::Message { message: "BulkResponse", cause };
    let Value::Object(mut body) = body else { return Err(fault("not an object")) };
    let found = spelling(&body, "Operations").and_then(|name| body.remove(&name));
    let Some(Value::Array(found)) = found else { return Err(fault("without Operations")) };
    let changes = operations.iter().enumerate().filter(|(_, operation)| !operation.creates());
    let by_path: HashMap<&str, usize> =
        changes.map(|(place, operation)| (operation.path.as_str(), place)).collect();
    let longest = by_path.keys().map(|path| path.len()).max().unwrap_or(0);
    let mut results: Vec<(usize, Option<Outcome>)> = operations.iter().map(|_| (0, None)).collect();
    for entry in found {
        let Value::Object(entry) = entry else { continue };
        let Some(place) = place(&entry, &by_path, longest) else { continue };
        if let (Some((times, result)), Some(operation)) = (results.get_mut(place), operations.get(place)) {
            *times += 1;
            *result = outcome(operation, entry).filter(|_| *times == 1);
        }
    }
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Which operation it is about, of paths that are no longer than `longest`.
fn place(entry: &Map<String, Value>, by_path: &HashMap<&str, usize>, longest: usize) -> Option<usize> {
    match member(entry, "bulkId") {
        None | Some(Value::Null) => {}
        Some(id) => return count(id),
    }
    let location = text(entry, "location")?;
    let location = without_query(&location);
    let tails = location.rmatch_indices('/').filter_map(|(from, _)| location.get(from..));
    tails.take_while(|tail| tail.len() <= longest).find_map(|tail| by_path.get(tail).copied())
}

fn outcome(operation: &Operation, mut entry: Map<String, Value>) -> Option<Outcome> {
    let method = text(&entry, "method");
    if method.is_some_and(|method| !method.eq_ignore_ascii_case(operation.method)) {
        return None;
    }
    let status = member(&entry, "status").and_then(status)?;
    let location = text(&entry, "location");
    let version = text(&entry, "version");
    let response = spelling(&entry, "response").and_then(|name| entry.remove(&name));
    let mut response = response.filter(|response| !response.is_null());
    if operation.creates() && matches!(status, 200..=299) && !response.as_ref().is_some_and(has_id) {
        response = Some(json!({"id": id(location.as_deref()?, &operation.path)?}));
    }
    Some(Outcome { status, location, version, response })
}

/// A number, as a text too, or as drafts of the standard had it.
fn status(value: &Value) -> Option<u16> {
    let code = match value {
        Value::Object(status) => member(status, "code").and_then(count),
        status => count(status),
    };
    code.and_then(|code| u16::try_from(code).ok()).filter(|code| matches!(code, 100..=599))
}

fn has_id(resource: &Value) -> bool {
    match resource.as_object().and_then(|resource| member(resource, "id")) {
        Some(Value::String(id)) => !id.is_empty(),
        Some(Value::Number(_)) => true,
        _ => false,
    }
}

/// The id of what was made at an endpoint, of the place where it is.
fn id(location: &str, endpoint: &str) -> Option<String> {
    let (above, id) = without_query(location).rsplit_once('/')?;
    let start = above.len().checked_sub(endpoint.len())?;
    let is_below = above.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(endpoint));
    let id = percent_decode_str(id).decode_utf8().ok().filter(|id| is_below && !id.is_empty())?;
    Some(id.into_owned())
}

fn without_query(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &'static str, path: &str) -> Operation {
        let data = (method != "DELETE").then(|| json!({"a": 1}));
        Operation { method, path: path.to_owned(), data }
    }

    /// The status of each, and the id of what was made.
    fn told(entries: &Value) -> Vec<Option<(u16, Option<String>)>> {
        let operations = [
            operation("POST", "/Users"),
            operation("POST", "/Users"),
            operation("PATCH", "/Users/7"),
            operation("DELETE", "/Users/8"),
        ];
        let operations: Vec<&Operation> = operations.iter().collect();
        let results = results(&operations, json!({"operations": entries})).unwrap();
        let id = |outcome: &Outcome| Some(outcome.response.as_ref()?.get("id")?.as_str()?.to_owned());
        results.into_iter().map(|one| one.map(|one| (one.status, id(&one)))).collect()
    }

    #[test]
    fn a_request_has_the_operations_with_ids() {
        let operations = [operation("POST", "/Users"), operation("DELETE", "/Users/8")];
        assert_eq!(
            request(&operations.iter().collect::<Vec<_>>()),
            json!({"schemas": [BULK_REQUEST], "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "0", "data": {"a": 1}},
                {"method": "DELETE", "path": "/Users/8", "bulkId": "1"},
            ]})
        );
    }

    #[test]
    fn results_are_known_by_bulk_id_or_place_and_statuses_in_every_form() {
        let all = told(&json!([
            {"bulkId": "1", "method": "post", "status": {"code": "201"}, "location": "/x/users/a%20b/?c"},
            {"bulkId": 0, "Status": 201, "response": {"id": "i"}, "location": "/x/Users/other"},
            {"method": "DELETE", "location": "https://h/v2/Users/8", "status": "204"},
            {"method": "PATCH", "bulkId": null, "location": "/v2/Users/7/", "status": "404",
                "response": {"detail": "none"}},
        ]));
        let made = |id: &str| Some((201, Some(id.to_owned())));
        assert_eq!(all, [made("i"), made("a b"), Some((404, None)), Some((204, None))]);
    }

    #[test]
    fn what_is_not_said_once_and_clearly_is_not_known() {
        let delete = json!({"method": "DELETE", "location": "/Users/8", "status": "204"});
        let all = told(&json!([
            {"bulkId": "0", "status": "201", "location": "/Groups/1"},
            {"bulkId": "1", "status": "created", "location": "/Users/1"},
            {"bulkId": "2", "method": "DELETE", "status": "204"},
            delete, delete, delete, 7, {"bulkId": "9", "status": "201"}, {"bulkId": "x"},
            {"method": "POST", "status": "201", "location": "/Users"}, {"location": "////////////"},
        ]));
        assert_eq!(all, [None, None, None, None]);
        for status in [json!(99), json!(600), json!(true), json!({}), json!("2e2"), json!(-1), Value::Null] {
            let all = told(&json!([{"bulkId": "3", "status": status}]));
            assert_eq!(all, [None, None, None, None], "{status}");
        }
        for location in ["", "/Users", "/Users/", "Users/1", "/XUsers", "/Users/%ff", "é/Users", "1"] {
            let all = told(&json!([{"bulkId": "0", "status": "201", "location": location}]));
            assert_eq!(all, [None, None, None, None], "{location}");
        }
        for body in [json!([]), json!({}), json!({"Operations": {}}), Value::Null] {
            assert!(results(&[], body).is_err());
        }
    }

    #[test]
    fn many_results_that_nobody_asked_for_cost_no_more_than_to_be_read() {
        let one = json!({"method": "DELETE", "location": format!("/{}Users/8", "x/".repeat(1_000)), "status": "204"});
        let all = told(&Value::Array(vec![one; 10_000]));
        assert_eq!(all, [None, None, None, None]);
    }
}
