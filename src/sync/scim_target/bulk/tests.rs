//! What each operation of a bulk request is answered with.

use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;

use super::*;
use crate::outgoing::Credentials;
use crate::scim::message::ServiceConfig;
use crate::sync::scim_target::ScimOptions;

/// As a target is told by the rules of its configuration.
fn is_secret(path: &str) -> bool {
    let options = ScimOptions::new("https://scim.example/v2", Credentials::None);
    let secrets = ["urn:x:User:initialSecret".to_owned()].into();
    ScimOptions { secrets, ..options }.is_secret(path)
}

const URL: &str = "https://scim.example/v2/Bulk";

fn operations() -> [Operation; 2] {
    let post = json!({"userName": "a@b", "password": "pa55-w0rd"});
    let patch = json!({"Operations": [{"op": "replace", "path": "password", "value": "0ther"},
        {"op": "replace", "path": "title", "value": "x"}]});
    [
        Operation { method: "POST", path: "/Users".to_owned(), data: Some(post) },
        Operation { method: "PATCH", path: "/Users/7".to_owned(), data: Some(patch) },
    ]
}

fn told(status: u16, body: &str) -> Answer {
    let retry_after = Some(Duration::from_secs(7));
    Answer { status, retry_after, body: body.as_bytes().to_vec(), ..Answer::default() }
}

/// How it went, and of each operation the status, the wait and the body, the kind of its fault, or that it goes alone.
fn judged(answer: Answered) -> (Went, Vec<String>) {
    let operations = operations();
    let (went, _, turns) = judge(URL, &operations.iter().collect::<Vec<_>>(), answer, &is_secret);
    let word = |turn| match turn {
        Turn::Answer(Ok(Answer { status, retry_after, body, .. })) => {
            let wait = retry_after.map_or(0, |wait| wait.as_secs());
            format!("{status} {wait} {}", String::from_utf8(body).unwrap())
        }
        Turn::Answer(Err(fault)) => format!("{:?}", fault.kind),
        Turn::Alone | Turn::Apart(_) => "alone".to_owned(),
        Turn::Lead(_) => "lead".to_owned(),
    };
    (went, turns.into_iter().map(word).collect())
}

#[test]
fn an_answer_to_all_is_the_answer_to_each() {
    let each = |word: &str| vec![word.to_owned(), word.to_owned()];
    for status in [302, 400, 403, 404, 405, 413, 422, 501] {
        assert_eq!(judged(Ok(told(status, ""))), (Went::Refused, each("alone")), "{status}");
    }
    for status in [401, 429, 503] {
        assert_eq!(judged(Ok(told(status, ""))), (Went::Busy, each(&format!("{status} 7 "))), "{status}");
    }
    for status in [408, 500, 502, 504] {
        assert_eq!(judged(Ok(told(status, ""))), (Went::Unusable, each(&format!("{status} 7 "))), "{status}");
    }
    for body in ["", "<html>", "{}", "{\"Operations\":[]}", "{\"Operations\":[{\"bulkId\":\"7\"}]}"] {
        assert_eq!(judged(Ok(told(200, body))), (Went::Unusable, each("Unknown")), "{body}");
    }
    let fault = |kind| Err(TargetFault { kind, code: 81, detail: String::new(), retry_after: None });
    assert_eq!(judged(fault(FaultKind::Unknown)), (Went::Unusable, each("Unknown")));
    assert_eq!(judged(fault(FaultKind::Unheard)), (Went::Busy, each("Unheard")));
}

#[test]
fn each_has_the_answer_that_it_would_have_had() {
    let body = |post: Value, patch: Value| json!({"Operations": [post, patch]}).to_string();
    let made = json!({"bulkId": "0", "status": "201", "location": "https://scim.example/v2/Users/1"});
    let busy = json!({"bulkId": "1", "status": "429"});
    let missing = json!({"bulkId": "1", "status": "404", "response": {"detail": "none"}});
    let wrong = |place: &str| json!({"bulkId": place, "status": "400"});
    let out = |place: &str| json!({"bulkId": place, "status": "400", "response": {"scimType": "noTarget"}});
    let none = |place: &str| json!({"bulkId": place, "status": "404"});
    let no_target = "400 0 {\"scimType\":\"noTarget\"}";
    let cases = [
        (body(made.clone(), busy), Went::Well, ["201 0 {\"id\":\"1\"}", "429 7 "]),
        (body(missing, made.clone()), Went::Well, ["201 0 {\"id\":\"1\"}", "404 0 {\"detail\":\"none\"}"]),
        (body(made, json!({"bulkId": "1"})), Went::Well, ["201 0 {\"id\":\"1\"}", "Unknown"]),
        (body(wrong("0"), json!(1)), Went::Well, ["400 0 ", "Unknown"]),
        (body(out("0"), out("1")), Went::Well, [no_target, no_target]),
        // Perhaps nothing but that it was a bulk request was wrong with them.
        (body(none("0"), none("1")), Went::Doubtful, ["alone", "alone"]),
        (body(wrong("0"), wrong("1")), Went::Doubtful, ["alone", "alone"]),
    ];
    for (body, went, wanted) in cases {
        assert_eq!(judged(Ok(told(200, &body))), (went, wanted.map(str::to_owned).to_vec()), "{body}");
    }
}

#[test]
fn what_is_wrong_with_bulk_requests_is_said_as_it_is() {
    let cause = |answer: Answered| judge(URL, &operations().iter().collect::<Vec<_>>(), answer, &is_secret).1;
    assert_eq!(cause(Err(TargetFault { detail: "too late".to_owned(), ..broken(&"") })), "too late");
    assert_eq!(cause(Ok(told(501, ""))), "HTTP 501");
    let well = json!({"Operations": [{"bulkId": "1", "status": "204"}, {"bulkId": "0", "status": "409"}]});
    assert_eq!(cause(Ok(told(200, &well.to_string()))), "");
    assert_eq!(cause(Ok(told(200, "{\"Operations\":[]}"))), "most operations have no result");
    assert_eq!(why(Ended::TooLong(2), ""), "takes longer than 8 s for a bulk request of 2 changes");
    assert_eq!(why(Ended::NotDone, "HTTP 501"), "announces bulk requests and does not do them (HTTP 501)");
}

#[test]
fn nobodys_password_is_told_with_another() {
    let said = "pa55-w0rd 0ther x";
    let body = json!({"Operations": [
        {"bulkId": "0", "status": "409", "response": {"detail": said}},
        {"bulkId": "1", "status": "400", "response": [{"detail": said}]},
    ]});
    let wanted =
        ["409 0 {\"detail\":\"[secret] [secret] x\"}", "400 0 [{\"detail\":\"[secret] [secret] x\"}]"];
    assert_eq!(judged(Ok(told(200, &body.to_string()))).1, wanted);
    let wanted = "429 7 {\"detail\":\"[secret] [secret] x\"}";
    assert_eq!(judged(Ok(told(429, &json!({"detail": said}).to_string()))).1, [wanted, wanted]);
    assert_eq!(judged(Ok(told(429, said))).1, ["429 7 ", "429 7 "]);
}

#[test]
fn what_the_rules_call_secret_is_one_by_any_name() {
    let operation = |data| Operation { method: "POST", path: "/Users".to_owned(), data: Some(data) };
    let operations = [
        operation(json!({"userName": "a", "urn:x:User": {"InitialSecret": "one", "other": "b"}})),
        operation(json!({"Operations": [
            {"op": "replace", "path": "urn:x:User:initialSecret", "value": "two"},
            {"op": "replace", "path": "urn:x:User:other", "value": "c"},
            {"op": "add", "path": "initialsecret[type eq \"x\"].value", "value": {"deep": ["three"]}},
        ]})),
    ];
    let operations: Vec<_> = operations.iter().collect();
    assert_eq!(secrets(&operations, &is_secret), ["one", "two", "three"]);
}

#[test]
fn what_would_mean_something_else_goes_by_itself() {
    let target = ScimTarget::new(ScimOptions::new("https://scim.example/v2/", Credentials::None)).unwrap();
    let goes = |path: &str, body: Value| {
        let url = format!("https://scim.example/v2{path}");
        target.operation(Method::Patch, &url, Some(&body)).map(|operation| operation.path)
    };
    assert_eq!(goes("/Users/7", json!({})), Some("/Users/7".to_owned()));
    for path in ["/Users/a%20b", "/Users?a", "x"] {
        assert_eq!(goes(path, json!({})), None, "{path}");
    }
    for body in [json!("bulkId:1"), json!({"a": [{"b": "x BULKID:1"}]}), json!({"bulkId:1": 1})] {
        assert_eq!(goes("/Users/7", body.clone()), None, "{body}");
    }
    let delete = target.operation(Method::Delete, "https://scim.example/v2/Users/7", None).unwrap();
    assert_eq!((delete.method, delete.data), ("DELETE", None));
    assert_eq!(target.operation(Method::Get, "https://scim.example/v2/Users/7", None), None);
}

/// Who leads a request and is dropped before it goes has sent nothing.
#[tokio::test]
async fn what_waits_for_its_place_was_not_sent() {
    let options =
        ScimOptions { bulk: true, ..ScimOptions::new("https://scim.example/v2", Credentials::None) };
    let target = ScimTarget::new(options).unwrap();
    let config = ServiceConfig { bulk: Some(10), ..ServiceConfig::default() };
    let bulk = target.bulk.get_or_init(|| Bulk::new(&config, 1).unwrap());
    let place = bulk.place(false).await.unwrap();
    let change = |id: u32| {
        let url = format!("https://scim.example/v2/Users/{id}");
        let target = &target;
        Box::pin(async move { target.change(Method::Delete, &url, None).await })
    };
    let [mut first, mut second, mut third, mut fourth] = [1, 2, 3, 4].map(change);
    for change in [&mut first, &mut second, &mut third, &mut fourth] {
        assert!(change.now_or_never().is_none());
    }
    drop(first);
    assert!((&mut second).now_or_never().is_none(), "it leads the others, and waits");
    drop(second);
    assert!((&mut third).now_or_never().is_none(), "now this one leads");
    bulk.heard(&told(429, ""), true);
    drop(place);
    for change in [third, fourth] {
        let fault = change.await.unwrap_err();
        assert_eq!((fault.kind, fault.retry_after.is_some()), (FaultKind::Unsent, true), "{fault}");
    }
}
