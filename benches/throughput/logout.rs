//! Logouts by redirect that an SP begins, with a second SP in the session: a LogoutRequest comes, the other is sent one, its
//! LogoutResponse comes, and the first is answered. Making the sessions is not counted.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::Connection;
use crate::load::filled_in;
use crate::server::Server;
use crate::support::folder::{Folder, TANAKA};
use crate::support::logout::{LogoutRequest, logout_response, verified_redirect};
use crate::support::sp::{REDIRECT, Received, Slo, Sp, redirect};
use crate::support::xml::Element;

/// Sessions that are signed out; 1,200 a second would take two and a half seconds.
const SESSIONS: usize = 3_000;
/// Every so many are verified.
const SAMPLE: usize = 100;
const THREADS: usize = 8;

/// A browser that is signed in at both SPs, and the address by which the first one begins its logout.
struct SignedIn {
    cookies: Vec<(String, String)>,
    begin: String,
}

/// Logouts per second of the server's CPU time.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn rate() -> f64 {
    let place = listening();
    let sps = ["first", "second"].map(|name| {
        let slo = vec![Slo::new(REDIRECT, &format!("http://127.0.0.1:{place}/{name}"))];
        Sp { slo, ..Sp::new(name) }
    });
    let folder = Folder::new();
    for (name, sp) in ["first", "second"].iter().zip(&sps) {
        folder.register(name, sp, "attributes = []\nname_id_format = \"persistent\"\nsign = \"assertion\"\n");
    }
    let server = Server::start(folder);
    let people = Mutex::new(Vec::with_capacity(SESSIONS));
    each(|_| {
        let mut connection = Connection::open(&server.folder);
        for _ in 0..SESSIONS / THREADS {
            let person = sign_in(&mut connection, &server, &sps);
            people.lock().unwrap().push(person);
        }
    });
    let people = Mutex::new(people.into_inner().unwrap());
    let before = server.cpu_seconds();
    each(|_| {
        let mut connection = Connection::open(&server.folder);
        loop {
            let Some((person, left)) = take(&people) else { return };
            sign_out(&mut connection, &server, &sps, person, left % SAMPLE == 0);
        }
    });
    (SESSIONS / THREADS * THREADS) as f64 / (server.cpu_seconds() - before)
}

fn take(people: &Mutex<Vec<SignedIn>>) -> Option<(SignedIn, usize)> {
    let mut people = people.lock().unwrap();
    let person = people.pop()?;
    Some((person, people.len()))
}

fn each(work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

fn sign_in(connection: &mut Connection, server: &Server, sps: &[Sp; 2]) -> SignedIn {
    connection.cookies.clear();
    let page = connection.get("/login");
    let answer = connection.post("/login", &filled_in(&page, TANAKA.0, TANAKA.1));
    assert_eq!(answer.status, 303, "{}", answer.body);
    let received: Vec<Received> = sps
        .iter()
        .map(|sp| {
            let answer = connection.get(&redirect("/saml/sso", &sp.request().xml(), None));
            let response = answer.input("SAMLResponse").unwrap_or_else(|| panic!("{}", answer.body));
            let xml = String::from_utf8(STANDARD.decode(response).unwrap()).unwrap();
            Received::new(&xml, sp.acs[0].clone(), None)
        })
        .collect();
    let slo = server.folder.url("/saml/slo");
    let request = LogoutRequest {
        destination: Some(slo),
        ..LogoutRequest::new(&sps[0].entity_id, received[0].name_id().1, &[received[0].session_index()])
    };
    let begin = sps[0].signed_redirect("/saml/slo", &request.xml(), Some("state"));
    SignedIn { cookies: connection.cookies.clone(), begin }
}

fn sign_out(connection: &mut Connection, server: &Server, sps: &[Sp; 2], person: SignedIn, verify: bool) {
    connection.cookies = person.cookies;
    let answer = connection.get(&person.begin);
    let query = leads_to(connection, &answer, &sps[1].slo[0].location);
    let request = Element::parse(&verified_redirect(&query, "SAMLRequest"));
    let slo = server.folder.url("/saml/slo");
    let id = request.attribute("ID").unwrap();
    let response = logout_response(&sps[1].entity_id, id, &slo, "Success");
    let answer = connection.get(&sps[1].signed_message("/saml/slo", "SAMLResponse", &response));
    let query = leads_to(connection, &answer, &sps[0].slo[0].location);
    if verify {
        let response = verified_redirect(&query, "SAMLResponse");
        assert!(response.contains("status:Success") && !response.contains("PartialLogout"), "{response}");
    }
}

fn leads_to(connection: &Connection, answer: &crate::client::Answer, location: &str) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let target = connection.target(answer);
    let (address, query) = target.split_once('?').expect("a query");
    assert_eq!(address, location);
    query.to_owned()
}

/// Somebody who is there when the server looks whether the SPs are.
fn listening() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut request = [0; 4096];
                while stream.read(&mut request).is_ok_and(|count| count > 0) {
                    let answer = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}
