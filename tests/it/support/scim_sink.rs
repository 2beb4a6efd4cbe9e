//! A SCIM service in the memory of the test, for many people: users alone, names and external ids unique. It loses answers
//! and has no time in a seeded order, falls silent when a test says so, and counts what nobody should have sent.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use sekisho::clock::{Ids, SeededIds};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::scim_proxy::{Recorded, receive, written};

/// The most objects of a page.
const PAGE: usize = 200;

/// Of a hundred requests to change a user, how many are done and not answered, and how many are refused for the moment;
/// of questions, a fifth of these are refused. A creation after a kill asks twice and is put off when eight attempts fail:
/// a service that refuses every tenth question, too, would have one in some thousands put off for hours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) busy: u64,
}

#[derive(Debug, Default)]
struct State {
    users: BTreeMap<u64, Value>,
    /// By attribute and value in lower case: whose it is.
    taken: HashMap<(&'static str, String), u64>,
    made: u64,
    seen: u64,
    writes: u64,
    lost: u64,
    busy: u64,
    twice: Vec<String>,
    faults: Option<Faults>,
    /// Whether it takes bulk requests.
    bulk: bool,
    bulk_requests: u64,
    /// Whether it refuses every operation of a bulk request.
    misreads: bool,
    /// From this request on nobody gets an answer.
    silent_from: Option<u64>,
}

struct Shared {
    state: Mutex<State>,
    chance: SeededIds,
    silent: watch::Sender<bool>,
}

pub(crate) struct ScimSink {
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What becomes of a request.
enum Fate {
    Answered(Vec<u8>),
    Closed,
    Silence,
}

impl ScimSink {
    pub(crate) async fn start(seed: u64, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Mutex::new(State { faults: Some(faults), ..State::default() });
        let shared =
            Arc::new(Shared { state, chance: SeededIds::new(seed), silent: watch::Sender::new(false) });
        let held = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&held)));
            }
        });
        Self { url, shared, task }
    }

    /// It takes bulk requests from now on.
    pub(crate) fn take_bulk(&self) {
        self.shared.lock().bulk = true;
    }

    /// It refuses every operation of a bulk request from now on.
    pub(crate) fn misread(&self) {
        self.shared.lock().misreads = true;
    }

    /// How many bulk requests there were.
    pub(crate) fn bulk_requests(&self) -> u64 {
        self.shared.lock().bulk_requests
    }

    /// After so many more requests nobody gets an answer any more, whether it is done or not.
    pub(crate) fn fall_silent_after(&self, more: u64) {
        let mut state = self.shared.lock();
        state.silent_from = Some(state.seen + more);
        self.shared.silent.send_replace(false);
    }

    /// Waits for that.
    pub(crate) async fn silent(&self) {
        self.shared.silent.subscribe().wait_for(|silent| *silent).await.unwrap();
    }

    /// Everybody gets an answer.
    pub(crate) fn speak(&self) {
        self.shared.lock().silent_from = None;
    }

    /// From now on nothing goes wrong.
    pub(crate) fn behave(&self) {
        self.shared.lock().faults = None;
    }

    /// By userName.
    pub(crate) fn users(&self) -> BTreeMap<String, Value> {
        let users = self.shared.lock().users.clone();
        users.into_values().map(|user| (user["userName"].as_str().unwrap().to_owned(), user)).collect()
    }

    /// Requests to make somebody who was there.
    pub(crate) fn made_twice(&self) -> Vec<String> {
        self.shared.lock().twice.clone()
    }

    /// How many requests to change something were done; how many answers were lost; how many requests were refused.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let state = self.shared.lock();
        (state.writes, state.lost, state.busy)
    }
}

impl Drop for ScimSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    while let Some(request) = receive(&mut stream, &mut buffer).await {
        match shared.fate(&request) {
            Fate::Answered(answer) if stream.write_all(&answer).await.is_ok() => {}
            // Until the client goes.
            Fate::Silence => return drop(stream.read(&mut [0]).await),
            _ => return,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn fate(&self, request: &Recorded) -> Fate {
        let mut state = self.lock();
        state.seen += 1;
        let drawn = self.draw() % 100;
        if state.silent_from.is_some_and(|from| state.seen > from) {
            if drawn < 50 {
                state.answer(request);
            }
            self.silent.send_replace(true);
            return Fate::Silence;
        }
        let faults =
            state.faults.filter(|_| ["/Users", "/Bulk"].iter().any(|path| request.path.starts_with(path)));
        let Faults { lost, busy } = match faults {
            Some(faults) if request.method == "GET" => Faults { lost: 0, busy: faults.busy / 5 },
            Some(faults) => faults,
            None => Faults { lost: 0, busy: 0 },
        };
        if drawn < busy {
            state.busy += 1;
            // Most of those that have no time say when they will.
            let (status, lines): (_, &[&str]) =
                if drawn == 0 { (503, &[]) } else { (429, &["Retry-After: 0"]) };
            return Fate::Answered(written(status, lines, b""));
        }
        let (status, body) = state.answer(request);
        if drawn < busy + lost {
            state.lost += 1;
            return Fate::Closed;
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Fate::Answered(written(status, &["Content-Type: application/scim+json"], body.as_bytes()))
    }

    fn draw(&self) -> u64 {
        let mut drawn = [0; 8];
        self.chance.fill(&mut drawn);
        u64::from_le_bytes(drawn)
    }
}

impl State {
    fn answer(&mut self, request: &Recorded) -> (u16, Value) {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let id = path.strip_prefix("/Users/").and_then(|id| id.parse::<u64>().ok());
        match (request.method.as_str(), path, id) {
            ("GET", "/ServiceProviderConfig", _) => {
                let yes = json!({ "supported": true });
                let bulk =
                    json!({ "supported": self.bulk, "maxOperations": 1000, "maxPayloadSize": 1_048_576 });
                (
                    200,
                    json!({ "patch": yes, "filter": { "supported": true, "maxResults": PAGE }, "bulk": bulk }),
                )
            }
            ("GET", "/ResourceTypes", _) => {
                let user = json!({ "id": "User", "name": "User", "endpoint": "/Users",
                    "schema": "urn:ietf:params:scim:schemas:core:2.0:User" });
                (200, page(1, 1, &[&user]))
            }
            ("GET", "/Users", _) => self.list(query),
            ("POST", "/Users", _) => self.make(request.body.clone()),
            ("POST", "/Bulk", _) if self.bulk => self.each(request),
            ("GET", _, Some(id)) => {
                self.users.get(&id).map_or((404, Value::Null), |user| (200, user.clone()))
            }
            ("PATCH", _, Some(id)) => self.change(id, &request.body),
            ("DELETE", _, Some(id)) => match self.users.remove(&id) {
                Some(_) => {
                    self.writes += 1;
                    self.taken.retain(|_, holder| *holder != id);
                    (204, Value::Null)
                }
                None => (404, Value::Null),
            },
            _ => (404, Value::Null),
        }
    }

    /// The operations of a bulk request, one after the other.
    fn each(&mut self, request: &Recorded) -> (u16, Value) {
        self.bulk_requests += 1;
        let results: Vec<Value> = request.operations().iter().map(|operation| {
            let text = |name: &str| operation[name].as_str().unwrap_or_default().to_owned();
            let (method, path, body) = (text("method"), text("path"), operation["data"].clone());
            let one = Recorded { method, path, body, head: String::new() };
            let (status, response) = if self.misreads { (400, Value::Null) } else { self.answer(&one) };
            let mut result = json!({ "method": operation["method"], "bulkId": operation["bulkId"], "status": status.to_string() });
            match status {
                201 => result["location"] = format!("/Users/{}", response["id"].as_str().unwrap()).into(),
                204 => {}
                _ => result["response"] = response,
            }
            result
        }).collect();
        (
            200,
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": results }),
        )
    }

    fn list(&self, query: &str) -> (u16, Value) {
        let value = |name: &str| {
            let text = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            Some(percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned())
        };
        if let Some(filter) = value("filter") {
            let Some((attribute, wanted)) = filter.split_once(" eq ") else { return (400, Value::Null) };
            let wanted: String = serde_json::from_str(wanted).unwrap();
            let Some(unique) = unique(attribute) else { return (400, Value::Null) };
            let found = self.taken.get(&(unique, wanted.to_lowercase()));
            let found: Vec<&Value> = found.and_then(|id| self.users.get(id)).into_iter().collect();
            return (200, page(found.len(), 1, &found));
        }
        let number = |name, otherwise| value(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
        let (start, count) = (number("startIndex", 1_usize), number("count", PAGE).min(PAGE));
        let part: Vec<&Value> = self.users.values().skip(start - 1).take(count).collect();
        (200, page(self.users.len(), start, &part))
    }

    fn make(&mut self, mut user: Value) -> (u16, Value) {
        let keys = keys(&user);
        if keys.is_empty() {
            return (400, json!({ "status": "400", "detail": "somebody without a name" }));
        }
        if keys.iter().any(|key| self.taken.contains_key(key)) {
            self.twice.push(user.to_string());
            return (409, json!({ "status": "409", "scimType": "uniqueness" }));
        }
        self.made += 1;
        self.writes += 1;
        let id = self.made;
        user["id"] = id.to_string().into();
        self.taken.extend(keys.into_iter().map(|key| (key, id)));
        self.users.insert(id, user.clone());
        (201, user)
    }

    fn change(&mut self, id: u64, body: &Value) -> (u16, Value) {
        let Some(user) = self.users.get(&id) else { return (404, Value::Null) };
        let mut changed = user.clone();
        for operation in body["Operations"].as_array().unwrap_or(&Vec::new()) {
            let Some(path) = operation["path"].as_str() else { return (400, Value::Null) };
            put(&mut changed, path, (operation["op"] != "remove").then(|| operation["value"].clone()));
        }
        let keys = keys(&changed);
        if keys.iter().any(|key| self.taken.get(key).is_some_and(|holder| *holder != id)) {
            return (409, json!({ "status": "409", "scimType": "uniqueness" }));
        }
        self.writes += 1;
        self.taken.retain(|_, holder| *holder != id);
        self.taken.extend(keys.into_iter().map(|key| (key, id)));
        self.users.insert(id, changed.clone());
        (200, changed)
    }
}

fn page(total: usize, start: usize, resources: &[&Value]) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total,
        "startIndex": start, "itemsPerPage": resources.len(), "Resources": resources })
}

fn unique(attribute: &str) -> Option<&'static str> {
    ["userName", "externalId"].into_iter().find(|name| *name == attribute)
}

fn keys(user: &Value) -> Vec<(&'static str, String)> {
    let key = |name: &'static str| Some((name, user[name].as_str()?.to_lowercase()));
    ["userName", "externalId"].into_iter().filter_map(key).collect()
}

/// An attribute, or a part of one, is this or none; paths without filters.
fn put(user: &mut Value, path: &str, value: Option<Value>) {
    let mut steps: Vec<&str> = match path.strip_prefix("urn:").and_then(|_| path.rsplit_once(':')) {
        Some((schema, rest)) => std::iter::once(schema).chain(rest.split('.')).collect(),
        None => path.split('.').collect(),
    };
    let last = steps.pop().unwrap();
    let mut here = user;
    for step in steps {
        here = here.as_object_mut().unwrap().entry(step).or_insert_with(|| Map::new().into());
    }
    let here = here.as_object_mut().unwrap();
    match value {
        Some(value) => drop(here.insert(last.to_owned(), value)),
        None => drop(here.remove(last)),
    }
}
