//! What is promised in seconds: an answer to whatever comes, a sign-in beside connections that never finish what they
//! began, sign-ons beside a directory that does not answer.

use std::time::{Duration, Instant};

use crate::client::Connection;
use crate::hostile;
use crate::load::{Person, Work, filled_in};
use crate::register;
use crate::report::{Goal, Report};
use crate::server::Server;
use crate::support::folder::{Folder, TANAKA};
use crate::support::slapd::{Slapd, password_of};
use crate::support::sp::{Sp, redirect};

/// How often each hostile message is sent.
const TRIES: usize = 3;
/// Connections that never finish what they began.
const SLOW: usize = 300;
/// Sign-ins that hang.
const HANGING: usize = 24;
/// Sign-ons beside them.
const SIGN_ONS: usize = 200;

/// Measures all promises.
pub fn measure(report: &mut Report) {
    hostile_messages(report);
    slow_connections(report, "plain HTTP", Folder::new());
    slow_connections(report, "TLS", Folder::tls());
    hanging_directory(report);
}

fn hostile_messages(report: &mut Report) {
    let folder = Folder::new();
    let sp = register(&folder, "sign = \"both\"");
    let server = Server::start(folder);
    let messages = hostile::messages(&sp, &server.folder.url("/saml/sso"));
    let times = messages.iter().flat_map(|message| {
        let time = |_| {
            let mut connection = Connection::open(&server.folder);
            let started = Instant::now();
            let answer = match &message.body {
                Some(body) => connection.post(&message.target, body),
                None => connection.get(&message.target),
            };
            let time = started.elapsed();
            let is_right = if message.is_accepted { answer.status == 303 } else { answer.status < 500 };
            assert!(is_right, "{}: {}\n{}", message.name, answer.status, answer.body);
            (time, message.name.as_str())
        };
        (0..TRIES).map(time)
    });
    let (time, name) = times.max().unwrap();
    let what = format!("slowest answer to {} hostile messages ({name}), ms", messages.len());
    report.limit(&what, milliseconds(time), Goal::Below(200.0));
}

fn slow_connections(report: &mut Report, over: &str, folder: Folder) {
    let sp = register(&folder, "sign = \"both\"");
    let server = Server::start(folder);
    let slow: Vec<Connection> = (0..SLOW).map(|number| begin(&server.folder, number)).collect();
    let people = [(TANAKA.0.to_owned(), TANAKA.1.to_owned())];
    let work = Work { sp: &sp, people: &people, warm: true };
    let started = Instant::now();
    let mut person = Person::new(&server, &work, 0);
    person.sign_on();
    let time = started.elapsed();
    let open = server.connections() - 1;
    drop((slow, person));
    let what = format!("sign-in beside {open} slow connections over {over}, ms");
    report.limit(&what, milliseconds(time), Goal::Below(1000.0));
}

/// A connection that stops within the body, the head or the handshake, or stays silent. The latter come last: the server
/// gives them up first.
fn begin(folder: &Folder, number: usize) -> Connection {
    let is_tls = folder.url("").starts_with("https:");
    let head: &[u8] = match number * 4 / SLOW {
        0 => {
            b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
              Content-Length: 9\r\n\r\nlogin"
        }
        1 => b"GET /saml/sso?SAMLRequest=x HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        2 if is_tls => {
            let mut connection = Connection::open_plain(folder);
            // A record of 512 octets with the beginning of a ClientHello (RFC 8446, 4.1.2 and 5.1).
            connection.send(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);
            return connection;
        }
        2 => b"GET /sa",
        _ => return Connection::open_plain(folder),
    };
    let mut connection = Connection::open(folder);
    connection.send(head);
    connection
}

/// Somebody with a session signs on, while people of a directory that has stopped wait for their sign-in.
fn hanging_directory(report: &mut Report) {
    let slapd = Slapd::start();
    let mut folder = Folder::new();
    folder.add_directory(&Slapd::directory(&[&slapd]));
    let sp = register(&folder, "sign = \"both\"");
    let server = Server::start(folder);
    let people = [(TANAKA.0.to_owned(), TANAKA.1.to_owned())];
    let work = Work { sp: &sp, people: &people, warm: true };
    let mut warm = Person::new(&server, &work, 0);
    warm.sign_on();
    let forms: Vec<_> = (0..HANGING).map(|number| form(&server, &sp, number)).collect();
    slapd.pause();
    let send = |(mut connection, body): (Connection, String)| {
        connection.begin_post("/login", &body);
        connection
    };
    let hanging: Vec<Connection> = forms.into_iter().map(send).collect();
    let time = |_| {
        let started = Instant::now();
        warm.sign_on();
        started.elapsed()
    };
    let mut times: Vec<Duration> = (0..SIGN_ONS).map(time).collect();
    times.sort_unstable();
    let waiting = hanging.iter().filter(|connection| connection.is_waiting()).count();
    slapd.resume();
    let what = format!("slowest of {SIGN_ONS} warm sign-ons while {waiting} sign-ins hang, ms");
    report.limit(&what, milliseconds(times[SIGN_ONS - 1]), Goal::Below(200.0));
    report.limit("  99 of 100 within, ms", milliseconds(times[SIGN_ONS * 99 / 100 - 1]), Goal::Below(50.0));
}

/// The sign-in page of a numbered person, filled in.
fn form(server: &Server, sp: &Sp, number: usize) -> (Connection, String) {
    let mut connection = Connection::open(&server.folder);
    let answer = connection.get(&redirect("/saml/sso", &sp.request().xml(), None));
    let login = connection.target(&answer);
    let page = connection.get(&login);
    let body = filled_in(&page, &format!("u{number}"), &password_of(number));
    (connection, body)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
