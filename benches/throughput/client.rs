//! A small HTTP/1.1 client over one kept connection, so that the load costs little and waits for nothing else.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use openssl::ssl::{Ssl, SslContext, SslMethod};

use crate::support::folder::Folder;

/// One kept connection with its cookies.
#[derive(Debug)]
pub struct Connection {
    stream: Box<dyn Stream>,
    tcp: TcpStream,
    received: Vec<u8>,
    base: String,
    pub cookies: Vec<(String, String)>,
}

/// TCP, or TLS over it.
trait Stream: Read + Write + fmt::Debug + Send {}

impl<S: Read + Write + fmt::Debug + Send> Stream for S {}

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
    /// Connects to the server of this folder, by TLS if its address is `https`.
    pub fn open(folder: &Folder) -> Self {
        let mut opened = Self::open_plain(folder);
        if opened.base.starts_with("https://") {
            // Without the certificate authorities of the system, which take longer to read than all else; nothing is verified.
            let context = SslContext::builder(SslMethod::tls_client()).unwrap().build();
            let tcp = opened.tcp.try_clone().unwrap();
            opened.stream = Box::new(Ssl::new(&context).unwrap().connect(tcp).unwrap());
        }
        opened
    }

    /// Connects without TLS, whatever the server speaks.
    pub fn open_plain(folder: &Folder) -> Self {
        let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, folder.port)).unwrap();
        tcp.set_nodelay(true).unwrap();
        let stream = Box::new(tcp.try_clone().unwrap());
        let received = Vec::with_capacity(32 * 1024);
        Self { stream, tcp, received, base: folder.url(""), cookies: Vec::new() }
    }

    pub fn get(&mut self, target: &str) -> Answer {
        let (host, cookies) = (self.host(), self.cookie_header());
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{cookies}\r\n");
        self.exchange(request.as_bytes())
    }

    pub fn post(&mut self, target: &str, body: &str) -> Answer {
        self.begin_post(target, body);
        self.answer()
    }

    /// Sends a form and reads no answer.
    pub fn begin_post(&mut self, target: &str, body: &str) {
        let (base, host, length) = (&self.base, self.host(), body.len());
        let cookies = self.cookie_header();
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: {base}\r\n{cookies}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.send(request.as_bytes());
    }

    /// Sends octets of any kind.
    pub fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
    }

    /// Whether the server has neither answered nor hung up (plain HTTP alone).
    pub fn is_waiting(&self) -> bool {
        self.tcp.set_nonblocking(true).unwrap();
        let peeked = self.tcp.peek(&mut [0; 1]);
        self.tcp.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
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

    fn host(&self) -> &str {
        self.base.split("://").nth(1).unwrap()
    }

    fn exchange(&mut self, request: &[u8]) -> Answer {
        self.send(request);
        self.answer()
    }

    fn answer(&mut self) -> Answer {
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
