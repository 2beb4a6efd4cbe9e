//! An HTTP proxy in front of a SCIM service that does wrong on purpose, and keeps a list of all requests: what a real
//! service does once in a thousand times, here when a test says so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::http::client;

/// A request that reached the proxy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// Below the base URL, with the query.
    pub(crate) path: String,
    /// Null when there was none.
    pub(crate) body: Value,
    /// The headers, one a line, names in lower case.
    pub(crate) head: String,
}

impl Recorded {
    /// The operations of a bulk request (RFC 7644 section 3.7).
    pub(crate) fn operations(&self) -> &[Value] {
        let operations = (self.path == "/Bulk").then(|| self.body["Operations"].as_array()).flatten();
        operations.map_or(&[], Vec::as_slice)
    }

    fn lines(&self) -> Vec<String> {
        let line = |method: &str, path: &str| format!("{method} {path}");
        let text = |operation: &Value, name: &str| operation[name].as_str().unwrap().to_owned();
        match self.operations() {
            [] => vec![line(&self.method, &self.path)],
            all => all.iter().map(|one| line(&text(one, "method"), &text(one, "path"))).collect(),
        }
    }
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub(crate) enum Conduct {
    /// It is answered so, and the service never hears of it: status, header lines, body.
    Answer(u16, &'static [&'static str], &'static str),
    /// The service answers, and its answer has this body instead.
    Body(&'static str),
    /// The service does it, and the connection is closed instead of an answer.
    DropAfter,
    /// The service does it, and the connection is closed in the middle of the answer.
    HalfAfter,
    /// The service does it, and nothing comes any more.
    HangAfter,
    /// The connection is closed; the service never hears of it.
    DropBefore,
}

impl Conduct {
    pub(crate) const UNAUTHORIZED: Self = Self::Answer(401, &[], r#"{"detail":"token expired"}"#);
    pub(crate) const TOO_MANY: Self = Self::Answer(429, &["Retry-After: 7"], "");
    /// In 30 seconds, by the clock of the service.
    pub(crate) const TOO_MANY_BY_DATE: Self = Self::Answer(
        429,
        &["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT"],
        "",
    );
    pub(crate) const NOT_NOW: Self = Self::Answer(503, &[], "<html>maintenance</html>");
}

#[derive(Debug, Default)]
struct State {
    /// Method, what the path begins with, and what happens the next time.
    faults: VecDeque<(&'static str, &'static str, Conduct)>,
    log: Vec<Recorded>,
}

pub(crate) struct ScimProxy {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl ScimProxy {
    /// In front of the service at this base URL.
    pub(crate) async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (held, upstream) = (Arc::clone(&state), upstream.to_owned());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, upstream.clone(), Arc::clone(&held)));
            }
        });
        Self { url, state, task }
    }

    /// The next request by this method to a path that begins so goes wrong; faults for the same request one after the
    /// other.
    pub(crate) fn next(&self, method: &'static str, path: &'static str, conduct: Conduct) {
        self.state.lock().unwrap().faults.push_back((method, path, conduct));
    }

    /// Whether each fault has met its request.
    pub(crate) fn is_through(&self) -> bool {
        self.state.lock().unwrap().faults.is_empty()
    }

    /// All requests so far, and forgets them.
    pub(crate) fn take_log(&self) -> Vec<Recorded> {
        assert!(self.state.lock().unwrap().faults.is_empty(), "a fault that no request met");
        std::mem::take(&mut self.state.lock().unwrap().log)
    }

    /// Method and path of all requests so far, and forgets them; of a bulk request those of its operations.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        self.take_log().iter().flat_map(Recorded::lines).collect()
    }
}

impl Drop for ScimProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, upstream: String, state: Arc<Mutex<State>>) {
    let mut buffer = Vec::new();
    while let Some(request) = receive(&mut stream, &mut buffer).await {
        let conduct = {
            let mut state = state.lock().unwrap();
            state.log.push(request.clone());
            let meets = |(method, path, _): &(&str, &str, Conduct)| {
                request.method == *method && request.path.starts_with(path)
            };
            let at = state.faults.iter().position(meets);
            at.and_then(|at| state.faults.remove(at)).map(|(_, _, conduct)| conduct)
        };
        let answer = match conduct {
            Some(Conduct::DropBefore) => return,
            Some(Conduct::Answer(status, lines, body)) => written(status, lines, body.as_bytes()),
            None => forward(&upstream, &request, None).await,
            Some(Conduct::Body(body)) => forward(&upstream, &request, Some(body)).await,
            Some(after) => {
                let answer = forward(&upstream, &request, None).await;
                match after {
                    Conduct::HalfAfter => {
                        let _ = stream.write_all(&answer[..answer.len() - 10]).await;
                    }
                    // Until the client goes.
                    Conduct::HangAfter => drop(stream.read(&mut [0]).await),
                    _ => {}
                }
                return;
            }
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// The next request of a connection, as HTTP/1.1 with a Content-Length has it.
pub(super) async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Recorded> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        more(stream, buffer).await?;
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let (first, lines) = head.split_once("\r\n").unwrap();
    let head = lines.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while buffer.len() < end + length {
        more(stream, buffer).await?;
    }
    let body = serde_json::from_slice(&buffer[end..end + length]).unwrap_or_default();
    let [method, path, _] = first.split(' ').collect::<Vec<_>>()[..] else { panic!("{first}") };
    let request = Recorded {
        method: method.to_owned(),
        path: path.to_owned(),
        body,
        head: lines.lines().map(lower_name).collect(),
    };
    buffer.drain(..end + length);
    Some(request)
}

fn lower_name(line: &str) -> String {
    line.split_once(':')
        .map_or_else(String::new, |(name, value)| format!("{}:{value}\n", name.to_lowercase()))
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(buffer).await.ok()?;
    (read > 0).then_some(())
}

async fn forward(upstream: &str, request: &Recorded, instead: Option<&str>) -> Vec<u8> {
    let method = request.method.parse().unwrap();
    let mut question = client().request(method, format!("{upstream}{}", request.path));
    for line in request.head.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if ["authorization", "content-type", "if-match", "accept"].contains(&name) {
            question = question.header(name, value);
        }
    }
    if !request.body.is_null() {
        question = question.body(request.body.to_string());
    }
    let answer = question.send().await.expect("the service behind the proxy");
    let status = answer.status().as_u16();
    let kept = ["content-type", "etag", "location"];
    let lines = answer.headers().iter().filter(|(name, _)| kept.contains(&name.as_str()));
    let lines = lines.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    let lines: Vec<String> = lines.collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let body = answer.bytes().await.unwrap();
    written(status, &lines, instead.map_or(&body, str::as_bytes))
}

pub(super) fn written(status: u16, lines: &[&str], body: &[u8]) -> Vec<u8> {
    // An answer without content has no length (RFC 9110 section 8.6).
    let length = (status != 204).then(|| format!("Content-Length: {}", body.len()));
    let first = format!("HTTP/1.1 {status} Status");
    let lines = std::iter::once(first.as_str()).chain(lines.iter().copied()).chain(length.as_deref());
    let head: Vec<&str> = lines.flat_map(|line| [line, "\r\n"]).collect();
    [head.concat().as_bytes(), b"\r\n", body].concat()
}
