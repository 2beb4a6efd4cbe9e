//! A SCIM service of the least possible cost: it answers a creation with an id and keeps nothing, or no more than names;
//! and [`load`], which sends it, or any other one, creations as plainly as can be.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const EMPTY: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#;
const REFUSED: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"429"}"#;

/// The service. Its threads end with their connections.
#[derive(Debug, Clone)]
pub struct Sink {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

/// What came.
#[derive(Debug, Default)]
pub struct Seen {
    /// The last body of a creation.
    pub body: String,
    pub created: usize,
    pub changed: usize,
    pub refused: u64,
    first: Option<Instant>,
    last: Option<Instant>,
    /// Bodies of changes, and when they came.
    pub changes: Vec<(String, Instant)>,
    /// How often each name was created, where there is a limit.
    pub names: HashMap<String, u64>,
    /// Tokens left, and when they were counted.
    bucket: Option<(f64, Instant)>,
}

impl Seen {
    /// Useful writes from the first to the last one, a second.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn rate(&self) -> f64 {
        let time = self.last.unwrap().duration_since(self.first.unwrap());
        (self.created + self.changed) as f64 / time.as_secs_f64()
    }
}

impl Sink {
    /// With a limit of writes a second: more are refused by 429, and a second is to be waited.
    pub fn start(limit: Option<f64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let sink = Self { url, seen: Arc::clone(&seen) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, seen) = (stream.unwrap(), Arc::clone(&seen));
                thread::spawn(move || serve(stream, &seen, limit));
            }
        });
        sink
    }

    /// What came since the last time.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Seen>, limit: Option<f64>) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((head, body)) = message(&mut reader) {
        let answer = answer(&head, body, &mut seen.lock().unwrap(), limit);
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(head: &str, body: String, seen: &mut Seen, limit: Option<f64>) -> String {
    let with = |status: &str, more: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/scim+json\r\n{more}Content-Length: {length}\r\n\r\n{body}"
        )
    };
    if head.starts_with("GET ") {
        let is_list = head.split_whitespace().nth(1).is_some_and(|target| target.contains('?'));
        return if is_list { with("200 OK", "", EMPTY) } else { with("404 Not Found", "", "") };
    }
    let now = Instant::now();
    if let Some(limit) = limit {
        let (left, since) = seen.bucket.unwrap_or((limit, now));
        let left = limit.min(left + limit * now.duration_since(since).as_secs_f64());
        seen.bucket = Some((if left < 1.0 { left } else { left - 1.0 }, now));
        if left < 1.0 {
            seen.refused += 1;
            return with("429 Too Many Requests", "Retry-After: 1\r\n", REFUSED);
        }
    }
    seen.first.get_or_insert(now);
    seen.last = Some(now);
    if !head.starts_with("POST ") {
        seen.changed += 1;
        seen.changes.push((body, now));
        return with("204 No Content", "", "");
    }
    seen.created += 1;
    if limit.is_some() {
        *seen.names.entry(name(&body).to_owned()).or_default() += 1;
    }
    seen.body = body;
    let id = format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{:08}-{:p}"}}"#,
        seen.created, &raw const *seen
    );
    with("201 Created", "", &id)
}

/// The userName of a body.
pub fn name(body: &str) -> &str {
    let (_, rest) = body.split_once(r#""userName":""#).unwrap();
    rest.split('"').next().unwrap()
}

/// Head and body of a message; `None` at the end of the connection.
fn message(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head[before..].trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((field, value)) = line.split_once(':')
            && field.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

/// Sends creations of `/Users` over 8 connections; what they hold is said by `body`. Gives creations a second.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn load(url: &str, token: &str, count: usize, body: impl Fn(usize) -> String + Sync) -> f64 {
    let (_, rest) = url.split_once("://").unwrap();
    let (host, path) =
        rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    let started = Instant::now();
    let send = |first: usize| {
        let mut open: Option<(TcpStream, BufReader<TcpStream>)> = None;
        for number in (first..count).step_by(8) {
            let body = body(number);
            let request = format!(
                "POST {path}/Users HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let (stream, reader) = open.get_or_insert_with(|| connect(host));
            stream.write_all(request.as_bytes()).unwrap();
            let (head, said) = message(reader).unwrap();
            assert!(head.split_whitespace().nth(1) == Some("201"), "{head}{said}");
            let head = head.to_ascii_lowercase();
            if head.starts_with("http/1.0") || head.contains("connection: close") {
                open = None;
            }
        }
    };
    thread::scope(|scope| (0..8).for_each(|first| drop(scope.spawn(move || send(first)))));
    count as f64 / started.elapsed().as_secs_f64()
}

fn connect(host: &str) -> (TcpStream, BufReader<TcpStream>) {
    let stream = TcpStream::connect(host).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let reader = BufReader::new(stream.try_clone().unwrap());
    (stream, reader)
}
