//! Requests of a [`ScimTarget`] in bulk: which operations may go so, and what each of them is answered with.

use serde_json::Value;

use super::super::target::{FaultKind, TargetFault};
use super::ScimTarget;
use super::answers::{broken, document, refused};
use super::gather::{Answered, Bulk, Ended, Lead, SLOW, Turn, Went};
use crate::outgoing::{Answer, Ask, Method};
use crate::scim::bulk::{self, Operation, Outcome};
use crate::scim::json;
use crate::scim::message::ErrorBody;

impl ScimTarget {
    /// Sends a request that changes something, together with others where the service takes that.
    pub(super) async fn change(&self, method: Method, url: &str, body: Option<&Value>) -> Answered {
        let written = written(body)?;
        let Some(bulk) = self.bulk.get() else { return self.alone((method, url), written, None).await };
        let octets = written.as_ref().map_or(0, Vec::len);
        let turn = match self.operation(method, url, body) {
            Some(operation) => bulk.turn(operation, octets).await,
            None => Turn::Alone,
        };
        let turn = match turn {
            Turn::Lead(lead) if !lead.is_alone() => self.carry(bulk, lead).await,
            turn => turn,
        };
        match turn {
            Turn::Answer(answer) => answer,
            // It takes a place as long as it lasts.
            Turn::Lead(_lead) => self.alone((method, url), written, None).await,
            Turn::Alone => self.alone((method, url), written, None).await,
            Turn::Apart(doubt) => {
                let answer = self.alone((method, url), written, None).await;
                let is_accepted = answer.as_ref().is_ok_and(|answer| matches!(answer.status, 200..=299));
                if let Some(ended) = is_accepted.then(|| bulk.was_right(&doubt)).flatten() {
                    self.warn_of(ended, "it refuses in them what it takes otherwise");
                }
                answer
            }
        }
    }

    /// A request by itself.
    pub(super) async fn alone(
        &self,
        (method, url): (Method, &str),
        body: Option<Vec<u8>>,
        if_match: Option<&str>,
    ) -> Answered {
        let ask = Ask { method, url, body, if_match };
        let Some(bulk) = self.bulk.get() else { return self.ask(ask).await };
        let _place = bulk.place(method != Method::Get).await?;
        self.heard(bulk, ask).await
    }

    async fn heard(&self, bulk: &Bulk, ask: Ask<'_>) -> Answered {
        let changes = ask.method != Method::Get;
        let answer = self.ask(ask).await;
        if let Ok(answer) = &answer {
            bulk.heard(answer, changes);
        }
        answer
    }

    /// A request as an operation; none when it means something else there: `bulkId:` is a reference to what is made in the
    /// same request, and not all services take a path apart as a URL.
    fn operation(&self, method: Method, url: &str, body: Option<&Value>) -> Option<Operation> {
        let method = match method {
            Method::Get => return None,
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let path = url.strip_prefix(self.options.base_url.trim_end_matches('/'))?;
        let refers = body.is_some_and(|body| has_text(body, &|text| text.to_lowercase().contains("bulkid:")));
        let is_plain = !refers && path.starts_with('/') && !path.contains(['%', '?', '#']);
        is_plain.then(|| Operation { method, path: path.to_owned(), data: body.cloned() })
    }

    /// Sends what goes together, and says how it goes on with one's own.
    async fn carry(&self, bulk: &Bulk, mut lead: Lead) -> Turn {
        let _place = match bulk.place(true).await {
            Ok(place) => place,
            Err(fault) => {
                let turns = lead.operations().iter().map(|_| Turn::Answer(Err(fault.clone()))).collect();
                return lead.end(Went::Busy, turns).0;
            }
        };
        let body = bulk::request(&lead.operations());
        let body = match written(Some(&body)) {
            Ok(body) => body,
            Err(fault) => return Turn::Answer(Err(fault)),
        };
        let url = self.url("Bulk");
        lead.begin();
        let answer = self.heard(bulk, Ask { method: Method::Post, url: &url, body, if_match: None }).await;
        let is_secret = |path: &str| self.options.is_secret(path);
        let (went, cause, turns) = judge(&url, &lead.operations(), answer, &is_secret);
        let (own, ended) = lead.end(went, turns);
        if let Some(ended) = ended {
            self.warn_of(ended, &cause);
        }
        own
    }

    fn warn_of(&self, ended: Ended, cause: &str) {
        tracing::warn!(
            "{} {}: each change is sent by itself for the rest of this run; bulk = false in [[sync]] is the same from the \
             beginning",
            self.options.base_url,
            why(ended, cause)
        );
    }
}

fn why(ended: Ended, cause: &str) -> String {
    match ended {
        Ended::NotDone => format!("announces bulk requests and does not do them ({cause})"),
        Ended::TooLong(changes) => {
            format!("takes longer than {} s for a bulk request of {changes} changes", SLOW.as_secs())
        }
    }
}

/// The octets of a body.
pub(super) fn written(body: Option<&Value>) -> Result<Option<Vec<u8>>, TargetFault> {
    body.map(serde_json::to_vec).transpose().map_err(|error| refused(80, error.to_string()))
}

/// How the request went, what was wrong with it, and what follows for each operation.
fn judge(
    url: &str,
    operations: &[&Operation],
    answer: Answered,
    is_secret: &dyn Fn(&str) -> bool,
) -> (Went, String, Vec<Turn>) {
    let each = |make: &dyn Fn() -> Turn| operations.iter().map(|_| make()).collect::<Vec<_>>();
    let same = |went, cause, answer: Answered| (went, cause, each(&|| Turn::Answer(answer.clone())));
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault) if fault.kind == FaultKind::Unknown => {
            return same(Went::Unusable, fault.detail.clone(), Err(fault));
        }
        Err(fault) => return same(Went::Busy, String::new(), Err(fault)),
    };
    let cause = format!("HTTP {}", answer.status);
    if is_refused(answer.status) {
        // Also 403: a token may be good for everything else.
        return (Went::Refused, cause, each(&|| Turn::Alone));
    }
    let secrets = secrets(operations, is_secret);
    if !matches!(answer.status, 200..=299) {
        let went = if matches!(answer.status, 401 | 429 | 503) { Went::Busy } else { Went::Unusable };
        return same(went, cause, Ok(without(&secrets, answer)));
    }
    let results = document(url, &answer)
        .and_then(|body| bulk::results(operations, body).map_err(|error| broken(&error)));
    let results = match results {
        Ok(results) => results,
        Err(fault) => return same(Went::Unusable, fault.detail.clone(), Err(fault)),
    };
    if results.iter().all(|result| is_misunderstood(result.as_ref())) {
        // Nothing was done, and each says by itself what is wrong with it, or that it is right.
        return (Went::Doubtful, String::new(), each(&|| Turn::Alone));
    }
    let unsaid = results.iter().filter(|result| result.is_none()).count();
    let (went, cause) = if unsaid * 2 > results.len() {
        (Went::Unusable, "most operations have no result")
    } else {
        (Went::Well, "")
    };
    let turn = |result: Option<Outcome>| {
        let unsaid = || broken(&"the answer to the bulk request does not say what became of it");
        Turn::Answer(result.map(|outcome| answered(outcome, &secrets, &answer)).ok_or_else(unsaid))
    };
    (went, cause.to_owned(), results.into_iter().map(turn).collect())
}

/// Whether a status says that nothing was done, because it is no bulk request or there are none.
fn is_refused(status: u16) -> bool {
    matches!(status, 300..=499 | 501) && !matches!(status, 401 | 408 | 429)
}

/// Whether an operation was refused in a way that may be that of bulk requests alone.
fn is_misunderstood(result: Option<&Outcome>) -> bool {
    let Some(Outcome { status, response, .. }) = result else { return false };
    let kind =
        response.as_ref().and_then(|response| ErrorBody::parse(response)?.scim_type).unwrap_or_default();
    let is_of_object =
        ["noTarget", "uniqueness", "mutability"].iter().any(|own| own.eq_ignore_ascii_case(&kind));
    match status {
        400 => !is_of_object,
        // Perhaps it is the path that is not found, and not the object: of a deletion that would be the end.
        404 | 405 | 501 => true,
        _ => false,
    }
}

/// The answer that a request of its own would have had.
fn answered(outcome: Outcome, secrets: &[&str], whole: &Answer) -> Answer {
    let Outcome { status, location, version, mut response } = outcome;
    if let Some(response) = response.as_mut().filter(|_| !matches!(status, 200..=299)) {
        mask(response, secrets);
    }
    let retry_after = whole.retry_after.filter(|_| matches!(status, 429 | 503));
    let body = response.map(|response| response.to_string().into_bytes()).unwrap_or_default();
    Answer { status, retry_after, location, etag: version, body }
}

/// Secrets that the operations have, by names and paths: what is said of one may repeat that of another.
fn secrets<'a>(operations: &[&'a Operation], names: &dyn Fn(&str) -> bool) -> Vec<&'a str> {
    fn look<'a>(value: &'a Value, is_secret: bool, names: &dyn Fn(&str) -> bool, found: &mut Vec<&'a str>) {
        match value {
            Value::String(text) if is_secret && !text.is_empty() => found.push(text),
            Value::Array(items) => items.iter().for_each(|item| look(item, is_secret, names, found)),
            Value::Object(members) => {
                let path = members.get("path").and_then(Value::as_str).is_some_and(names);
                for (name, value) in members {
                    look(value, is_secret || names(name) || (path && name == "value"), names, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    operations
        .iter()
        .filter_map(|operation| operation.data.as_ref())
        .for_each(|data| look(data, false, names, &mut found));
    found
}

/// An answer to all of them, without what one alone may know.
fn without(secrets: &[&str], mut answer: Answer) -> Answer {
    if !secrets.is_empty() {
        let body = json::document(&answer.body).ok().map(|mut body| {
            mask(&mut body, secrets);
            body.to_string().into_bytes()
        });
        answer.body = body.unwrap_or_default();
    }
    answer
}

fn mask(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::String(text) => {
            for secret in secrets {
                *text = text.replace(secret, "[secret]");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secrets)),
        Value::Object(members) => members.values_mut().for_each(|value| mask(value, secrets)),
        _ => {}
    }
}

fn has_text(value: &Value, is_it: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_it(text),
        Value::Array(items) => items.iter().any(|item| has_text(item, is_it)),
        Value::Object(members) => members.iter().any(|(name, value)| is_it(name) || has_text(value, is_it)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
