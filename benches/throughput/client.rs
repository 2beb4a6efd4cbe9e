//! A small HTTP/1.1 client over one kept connection, so that the load costs little and waits for nothing else.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

/// One kept connection with its cookies.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    base: String,
    pub cookies: Vec<(String, String)>,
}

/// Status, head and body of an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    /// The values of all headers of this name (lower case).
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.split("\r\n").filter_map(move |line| {
            let (is, value) = line.split_once(':')?;
            is.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Names and values of the page's `<input>` elements.
    pub fn inputs(&self) -> Vec<(String, String)> {
        let tags = self.body.split("<input").skip(1).filter_map(|rest| rest.split_once('>'));
        let inputs = tags.filter_map(|(tag, _)| Some((attribute(tag, "name")?, attribute(tag, "value"))));
        inputs.map(|(name, value)| (name, value.unwrap_or_default())).collect()
    }

    /// The value of one `<input>`.
    pub fn input(&self, name: &str) -> Option<String> {
        self.inputs().into_iter().find(|(is, _)| is == name).map(|(_, value)| value)
    }
}

impl Connection {
    pub fn open(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_nodelay(true).unwrap();
        let base = format!("http://localhost:{port}");
        Self { stream, received: Vec::with_capacity(32 * 1024), base, cookies: Vec::new() }
    }

    pub fn get(&mut self, target: &str) -> Answer {
        let (base, cookies) = (&self.base, self.cookie_header());
        let host = &base["http://".len()..];
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{cookies}\r\n");
        self.exchange(request.as_bytes())
    }

    pub fn post(&mut self, target: &str, body: &str) -> Answer {
        let (base, cookies, length) = (&self.base, self.cookie_header(), body.len());
        let host = &base["http://".len()..];
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: {base}\r\n{cookies}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.exchange(request.as_bytes())
    }

    /// Where a redirect leads, as a target on this server.
    pub fn target(&self, answer: &Answer) -> String {
        let location = answer.headers("location").next();
        let location =
            location.unwrap_or_else(|| panic!("{}: {}{}", answer.status, answer.head, answer.body));
        location.strip_prefix(&self.base).unwrap_or(location).to_owned()
    }

    fn cookie_header(&self) -> String {
        if self.cookies.is_empty() {
            return String::new();
        }
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: {}\r\n", pairs.join("; "))
    }

    fn exchange(&mut self, request: &[u8]) -> Answer {
        self.stream.write_all(request).unwrap();
        self.received.clear();
        let head_end = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more();
        };
        let head = String::from_utf8_lossy(&self.received[..head_end]).into_owned();
        let mut answer = Answer { status: 0, head, body: String::new() };
        answer.status = answer.head[9..12].parse().unwrap();
        let length: usize =
            answer.headers("content-length").next().map_or(0, |length| length.parse().unwrap());
        assert!(answer.headers("transfer-encoding").next().is_none(), "chunked answers are not read here");
        while self.received.len() < head_end + length {
            self.read_more();
        }
        answer.body = String::from_utf8_lossy(&self.received[head_end..]).into_owned();
        self.keep_cookies(&answer);
        answer
    }

    fn read_more(&mut self) {
        let mut chunk = [0; 16 * 1024];
        let count = self.stream.read(&mut chunk).unwrap();
        assert!(
            count > 0,
            "the server closed the connection after {}",
            String::from_utf8_lossy(&self.received)
        );
        self.received.extend_from_slice(&chunk[..count]);
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("name=value");
            self.cookies.retain(|(kept, _)| kept != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// The value of an attribute in a start tag, with the character references that templates write.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}="))?;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split([' ', '/']).next()?,
    };
    Some(quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), std::borrow::Cow::into_owned))
}
