//! The load: people who sign on over kept connections for some seconds, and what came of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::{Answer, Connection};
use crate::server::Server;
use crate::support::browser::encode;
use crate::support::sp::{Received, Sp, redirect};
use crate::{CONNECTIONS, SECONDS};

/// Every so many Responses are kept and verified afterwards.
const SAMPLE: u64 = 100;

/// Who signs on where, and whether they have a session already.
#[derive(Debug)]
pub struct Work<'a> {
    pub sp: &'a Sp,
    pub people: &'a [(String, String)],
    pub warm: bool,
}

/// What the server did, and what it took.
#[derive(Debug)]
pub struct Run {
    count: u64,
    cpu_seconds: f64,
    pub resident_mb: f64,
    pub peak_mb: f64,
    verified: usize,
}

impl Run {
    /// Sign-ons per second of the server's CPU time.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.cpu_seconds
    }

    /// Sign-ons in all.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn count(&self) -> f64 {
        self.count as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn verified(&self) -> f64 {
        self.verified as f64
    }
}

/// The id of a request, and the base64 of the Response to it.
type SignOn = (String, String);

/// Runs the work on all connections, then verifies the samples.
pub fn run(server: &Server, work: &Work<'_>) -> Run {
    let (count, stop, ready) = (AtomicU64::new(0), AtomicBool::new(false), Barrier::new(CONNECTIONS + 1));
    let (samples, door) = (Mutex::new(Vec::new()), Mutex::new(()));
    let (before, after) = thread::scope(|scope| {
        for number in 0..CONNECTIONS {
            let (count, stop, ready, samples, door) = (&count, &stop, &ready, &samples, &door);
            scope.spawn(move || {
                let mut person = Person::new(server, work, number);
                // One after another: many tries of one account at the same time are throttled.
                let turn = door.lock().unwrap();
                person.sign_on();
                drop(turn);
                ready.wait();
                while !stop.load(Ordering::Relaxed) {
                    let sign_on = person.sign_on();
                    if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(SAMPLE) {
                        samples.lock().unwrap().push(sign_on);
                    }
                }
            });
        }
        ready.wait();
        let before = (server.cpu_seconds(), count.load(Ordering::Relaxed));
        thread::sleep(Duration::from_secs(SECONDS));
        let after = (server.cpu_seconds(), count.load(Ordering::Relaxed));
        stop.store(true, Ordering::Relaxed);
        (before, after)
    });
    let samples = samples.into_inner().unwrap();
    for sample in &samples {
        verify(server, work.sp, sample);
    }
    Run {
        count: after.1 - before.1,
        cpu_seconds: after.0 - before.0,
        resident_mb: server.memory_mb("VmRSS"),
        peak_mb: server.memory_mb("VmHWM"),
        verified: samples.len(),
    }
}

fn verify(server: &Server, sp: &Sp, (request, response): &SignOn) {
    let xml = String::from_utf8(STANDARD.decode(response).unwrap()).unwrap();
    let received = Received::new(&xml, sp.acs[0].clone(), None);
    crate::support::judges::xmlsec1(&xml, &server.folder.idp.certificate_pem())
        .unwrap_or_else(|fault| panic!("xmlsec1 refuses: {fault}\n{xml}"));
    assert_eq!(received.status(), ["Success"], "{xml}");
    assert_eq!(received.response.attribute("InResponseTo"), Some(request.as_str()), "{xml}");
}

/// One connection and who is behind it at the moment.
#[derive(Debug)]
pub struct Person<'a> {
    connection: Connection,
    work: &'a Work<'a>,
    turn: usize,
}

impl<'a> Person<'a> {
    pub fn new(server: &Server, work: &'a Work<'a>, number: usize) -> Self {
        Self { connection: Connection::open(&server.folder), work, turn: number }
    }

    /// A fresh request, a sign-in where there is no session yet, and the Response.
    pub fn sign_on(&mut self) -> SignOn {
        if !self.work.warm {
            // Somebody else comes, without a cookie, whom no other connection knows.
            self.connection.cookies.clear();
            self.turn += CONNECTIONS;
        }
        let request = self.work.sp.request();
        let answer = self.connection.get(&redirect("/saml/sso", &request.xml(), Some("/page?x=1")));
        let answer = if answer.status == 303 { self.sign_in(&answer) } else { answer };
        let response = answer.input("SAMLResponse");
        let response = response.unwrap_or_else(|| panic!("{}: no Response\n{}", answer.status, answer.body));
        (request.id, response)
    }

    fn sign_in(&mut self, to_login: &Answer) -> Answer {
        let login = self.connection.target(to_login);
        let page = self.connection.get(&login);
        let (name, password) = &self.work.people[self.turn % self.work.people.len()];
        let answer = self.connection.post("/login", &filled_in(&page, name, password));
        assert_eq!(answer.status, 303, "{name} is not let in: {}", answer.body);
        let going_on = self.connection.target(&answer);
        self.connection.get(&going_on)
    }
}

/// The body that the sign-in page posts.
pub fn filled_in(page: &Answer, login: &str, password: &str) -> String {
    let mut fields = page.inputs();
    for (field, value) in &mut fields {
        match field.as_str() {
            "login" => login.clone_into(value),
            "password" => password.clone_into(value),
            _ => {}
        }
    }
    encode(&fields)
}
