//! What an answer means: [`TargetFault`]s of statuses and `scimType`s (RFC 7644 section 3.12), with the LDAP result codes
//! (RFC 4511) that the log has for them.

use std::fmt;

use serde_json::Value;

use super::super::target::{FaultKind, TargetFault};
use crate::outgoing::{Answer, ExchangeError};
use crate::scim::json;
use crate::scim::message::ErrorBody;

/// The most characters of what a service says that are kept.
const WORDS: usize = 300;

/// For the service a type is not there.
const NO_ENDPOINT: u16 = 53;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// The service's description of itself.
    Service,
    /// A page of a list.
    List,
    /// Objects with a value.
    Find,
    /// A new object.
    Create,
    /// One object, to read or to change.
    Object,
    /// One object less.
    Delete,
}

/// No answer.
pub(super) fn unanswered(error: &ExchangeError) -> TargetFault {
    let kind = if error.is_unheard() { FaultKind::Unheard } else { FaultKind::Unknown };
    TargetFault { kind, code: 81, detail: error.to_string(), retry_after: None }
}

/// An answer that says yes and cannot be understood: what was asked may have been done.
pub(super) fn broken(cause: &dyn fmt::Display) -> TargetFault {
    let detail = format!("the answer cannot be used: {cause}");
    TargetFault { kind: FaultKind::Unknown, code: 80, detail, retry_after: None }
}

/// The JSON of an answer.
pub(super) fn document(url: &str, answer: &Answer) -> Result<Value, TargetFault> {
    json::document(&answer.body).map_err(|error| {
        let hint =
            if is_page(answer) { "; it is a web page: look whether url is that of its SCIM" } else { "" };
        broken(&format!("{}: {error}{hint}", plain(url)))
    })
}

/// Whether it is HTML, or XML, which no SCIM service answers with.
fn is_page(answer: &Answer) -> bool {
    answer.body.trim_ascii_start().starts_with(b"<")
}

/// An address without what may name people.
fn plain(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

/// What will not be done, and was not sent.
pub(super) fn refused(code: u16, detail: String) -> TargetFault {
    TargetFault { kind: FaultKind::Refused, code, detail, retry_after: None }
}

/// An answer that does not say yes.
pub(super) fn fault_of(url: &str, answer: &Answer, what: What) -> TargetFault {
    let error =
        json::document(&answer.body).ok().and_then(|body| ErrorBody::parse(&body)).unwrap_or_default();
    let (kind, code) = meaning(answer.status, &error, what);
    let mut detail = words(answer.status, &error);
    if code == NO_ENDPOINT && is_nowhere(answer.status) && !is_page(answer) {
        let told = detail.split_once(": ").map_or(String::new(), |(_, told)| format!(": {told}"));
        detail = format!("HTTP {} at {}{told}", answer.status, plain(url));
    }
    if is_page(answer) {
        // Gateways answer so, too, for a service that is down or does not know the credentials.
        let is_elsewhere = matches!(answer.status, 300..=400 | 404..=410);
        let hint = if is_elsewhere { "; look whether url is that of its SCIM" } else { "" };
        detail = format!("{detail}: {} answers with a web page{hint}", plain(url));
    }
    TargetFault { kind, code, detail, retry_after: answer.retry_after }
}

/// Whether a status says that there is no such endpoint, or nothing that could be done there.
fn is_nowhere(status: u16) -> bool {
    matches!(status, 404 | 405 | 410 | 501)
}

fn meaning(status: u16, error: &ErrorBody, what: What) -> (FaultKind, u16) {
    use FaultKind::{Busy, Conflict, NotFound, Refused, Unauthorized, Unknown};
    match status {
        // Some services keep the description of themselves from everybody.
        403 if what == What::Service => (Refused, 53),
        401 | 403 => (Unauthorized, 50),
        400 | 409 if what == What::Delete => (Refused, 66),
        400 => bad_request(error),
        404 | 410 if matches!(what, What::Object | What::Delete) => (NotFound, 32),
        // There is no such endpoint: the service does not have the type.
        status if is_nowhere(status) => (Refused, NO_ENDPOINT),
        409 => (Conflict, 68),
        // Somebody else changed it between our reading and our writing.
        // It is looked for before it is sent again: a gateway may say so of what the service behind it has done.
        503 if what == What::Create => (Unknown, 51),
        412 | 429 | 503 => (Busy, 51),
        413 | 422 => (Refused, 19),
        408 | 500 | 502 | 504..=599 => (Unknown, 80),
        _ => (Refused, 80),
    }
}

fn bad_request(error: &ErrorBody) -> (FaultKind, u16) {
    let kind = error.scim_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let detail = error.detail.as_deref().unwrap_or_default().to_ascii_lowercase();
    let is_missing = detail.contains("required") || detail.contains("missing");
    match kind.as_str() {
        "uniqueness" => (FaultKind::Conflict, 68),
        "" | "invalidvalue" if is_missing => (FaultKind::Refused, 65),
        "invalidvalue" | "mutability" | "toomany" => (FaultKind::Refused, 19),
        "sensitive" | "invalidvers" => (FaultKind::Refused, 53),
        // invalidSyntax, invalidPath, invalidFilter, noTarget, and nothing said.
        _ => (FaultKind::Refused, 21),
    }
}

/// One line of what the service says.
fn words(status: u16, error: &ErrorBody) -> String {
    let mut words = format!("HTTP {status}");
    if matches!(status, 300..=399) {
        words.push_str(" to another address, which is not followed: url must name the service itself");
    }
    for part in [&error.scim_type, &error.detail].into_iter().flatten() {
        words.push_str(": ");
        let line = part.chars().map(|character| if character.is_control() { ' ' } else { character });
        words.extend(line.take(WORDS));
    }
    words
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sync::words::remedy_of;

    fn fault(status: u16, body: &str, what: What) -> TargetFault {
        let retry_after = (status == 429).then_some(Duration::from_secs(7));
        fault_of(
            "https://x.test/v2/Users?filter=a",
            &Answer { status, body: body.as_bytes().to_vec(), retry_after, ..Answer::default() },
            what,
        )
    }

    #[test]
    fn an_endpoint_that_is_not_there_is_named() {
        let url = "https://x.test/v2/Users";
        let told = fault(404, r#"{"detail":"Endpoint Not Found"}"#, What::List).detail;
        assert_eq!(told, format!("HTTP 404 at {url}: Endpoint Not Found"));
        assert_eq!(fault(501, "", What::Create).detail, format!("HTTP 501 at {url}"));
        assert!(remedy_of(53, &told).starts_with("the service has no such endpoint; correct url"));
    }

    #[test]
    fn answers_become_codes() {
        use FaultKind::{Busy, Conflict, NotFound, Refused, Unauthorized, Unknown};
        use What::{Create, Delete, Find, List, Object, Service};
        let kind = |kind: &str| format!("{{\"scimType\":\"{kind}\"}}");
        let cases = [
            (400, kind("invalidValue"), Create, Refused, 19),
            (400, kind("invalidSyntax"), Create, Refused, 21),
            (400, kind("invalidPath"), Object, Refused, 21),
            (400, kind("noTarget"), Object, Refused, 21),
            (400, kind("invalidFilter"), Find, Refused, 21),
            (400, kind("mutability"), Object, Refused, 19),
            (400, kind("uniqueness"), Create, Conflict, 68),
            (
                400,
                r#"{"scimType":"invalidValue","detail":"Attribute 'userName' is Required"}"#.into(),
                Create,
                Refused,
                65,
            ),
            (400, r#"{"detail":"missing name.familyName"}"#.into(), Create, Refused, 65),
            (400, "<html>".into(), Create, Refused, 21),
            (400, String::new(), Delete, Refused, 66),
            (409, String::new(), Delete, Refused, 66),
            (409, kind("uniqueness"), Create, Conflict, 68),
            (409, String::new(), Object, Conflict, 68),
            (401, String::new(), List, Unauthorized, 50),
            (403, String::new(), Object, Unauthorized, 50),
            (403, String::new(), Service, Refused, 53),
            (401, String::new(), Service, Unauthorized, 50),
            (404, String::new(), Object, NotFound, 32),
            (404, String::new(), Delete, NotFound, 32),
            (410, String::new(), Object, NotFound, 32),
            (404, String::new(), Create, Refused, 53),
            (404, String::new(), List, Refused, 53),
            (404, String::new(), Service, Refused, 53),
            (405, String::new(), Object, Refused, 53),
            (501, String::new(), Create, Refused, 53),
            (412, String::new(), Object, Busy, 51),
            (429, String::new(), Create, Busy, 51),
            (503, String::new(), Create, Unknown, 51),
            (503, String::new(), Object, Busy, 51),
            (408, String::new(), Create, Unknown, 80),
            (500, String::new(), Create, Unknown, 80),
            (502, "<html>".into(), Create, Unknown, 80),
            (504, String::new(), Create, Unknown, 80),
            (302, String::new(), List, Refused, 80),
            (418, String::new(), List, Refused, 80),
        ];
        for (status, body, what, kind, code) in cases {
            let got = fault(status, &body, what);
            assert_eq!((got.kind, got.code), (kind, code), "{status} {body} {what:?}");
            assert_eq!(got.retry_after, (status == 429).then_some(Duration::from_secs(7)));
        }
    }

    #[test]
    fn what_is_said_is_one_short_line() {
        let body = r#"{"scimType":"uniqueness","detail":"a\nresult=0"}"#;
        assert_eq!(fault(409, body, What::Create).detail, "HTTP 409: uniqueness: a result=0");
        assert_eq!(
            fault(404, " <!doctype html>", What::List).detail,
            "HTTP 404: https://x.test/v2/Users answers with a web page; look whether url is that of its SCIM"
        );
        assert_eq!(
            fault(502, "<html>", What::List).detail,
            "HTTP 502: https://x.test/v2/Users answers with a web page"
        );
        let long = format!("{{\"detail\":\"{}\"}}", "\u{7530}".repeat(10_000));
        assert_eq!(fault(500, &long, What::Create).detail.chars().count(), "HTTP 500: ".len() + WORDS);
    }
}
