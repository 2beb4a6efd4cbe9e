//! A service provider that takes logout messages on a port of its own, verifies them by judges that are not ours, and
//! answers as the test wants: rightly, with a refusal, with nonsense, or not at all.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use actix_web::cookie::Cookie;
use actix_web::dev::ServerHandle;
use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use percent_encoding::percent_decode_str;
use tokio::net::TcpSocket;

use sekisho::clock::{Clock, Ids, RandomIds, SystemClock};

use super::html::Page;
use super::judges;
use super::pki::Pair;
use super::request::escape;
use super::soap::envelope;
use super::sp::{SOAP, Slo, Sp, sign, unsigned_message};
use super::xml::Element;

/// How it answers a LogoutRequest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Success,
    Refusal,
    /// A LogoutResponse that nobody signed.
    Unsigned,
    /// A LogoutResponse that another key signed.
    Forged,
    /// Something that is no message.
    Garbage,
    /// A page, and no way back.
    Silence,
}

/// A service provider with logout endpoints.
#[derive(Debug)]
pub struct LogoutSp {
    pub sp: Sp,
    seen: Arc<Mutex<Vec<Element>>>,
    with_session: Arc<AtomicUsize>,
    server: Option<(ServerHandle, JoinHandle<()>)>,
    /// Bound and never listening, so that nobody else takes the port of a dead one.
    _held: Option<TcpSocket>,
}

struct Service {
    entity_id: String,
    /// Where the identity provider takes LogoutResponses.
    idp: Arc<Mutex<String>>,
    answer: Answer,
    seen: Arc<Mutex<Vec<Element>>>,
    with_session: Arc<AtomicUsize>,
}

impl LogoutSp {
    /// Starts it with endpoints of these bindings, the first first. `idp` is filled in once the server has an address.
    pub fn start(name: &str, bindings: &[&str], answer: Answer, idp: &Arc<Mutex<String>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let sp = Self::described(name, bindings, port);
        let (seen, with_session): (Arc<Mutex<Vec<Element>>>, Arc<AtomicUsize>) = Default::default();
        let service = web::Data::new(Service {
            entity_id: sp.entity_id.clone(),
            idp: Arc::clone(idp),
            answer,
            seen: Arc::clone(&seen),
            with_session: Arc::clone(&with_session),
        });
        let (started, running) = channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let make = move || {
                    App::new()
                        .app_data(service.clone())
                        .route("/acs", web::post().to(signed_in))
                        .route("/slo", web::get().to(by_redirect))
                        .route("/slo", web::post().to(by_post))
                        .route("/soap", web::post().to(by_soap))
                };
                let server =
                    HttpServer::new(make).workers(1).disable_signals().listen(listener).unwrap().run();
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { sp, seen, with_session, server: Some((running.recv().unwrap(), thread)), _held: None }
    }

    /// One whose address nobody answers at, as long as this is kept.
    pub fn dead(name: &str, bindings: &[&str]) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let sp = Self::described(name, bindings, socket.local_addr().unwrap().port());
        Self { sp, seen: Arc::default(), with_session: Arc::default(), server: None, _held: Some(socket) }
    }

    fn described(name: &str, bindings: &[&str], port: u16) -> Sp {
        let mut sp = Sp::new(name);
        let place = |path: &str| format!("http://127.0.0.1:{port}{path}");
        sp.slo = bindings
            .iter()
            .map(|binding| Slo::new(binding, &place(if *binding == SOAP { "/soap" } else { "/slo" })))
            .collect();
        sp
    }

    /// The same, with an assertion consumer service that signs the browser in by a cookie.
    pub fn with_acs(mut self) -> Self {
        let base = self.sp.slo[0].location.rsplit_once('/').unwrap().0;
        self.sp.acs = vec![format!("{base}/acs")];
        self
    }

    /// How many LogoutRequests came with the cookie of the session.
    pub fn with_session(&self) -> usize {
        self.with_session.load(Ordering::SeqCst)
    }

    /// The LogoutRequests that came and were genuine.
    pub fn seen(&self) -> Vec<Element> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for LogoutSp {
    fn drop(&mut self) {
        if let Some((server, thread)) = self.server.take() {
            drop(server.stop(false));
            thread.join().ok();
        }
    }
}

/// A LogoutRequest as an SP writes it (saml-core 3.7.1).
#[derive(Debug, Clone)]
pub struct LogoutRequest {
    pub id: String,
    pub issuer: String,
    pub issue_instant: String,
    pub destination: Option<String>,
    pub not_on_or_after: Option<String>,
    /// The whole element: NameID, EncryptedID ...
    pub principal: String,
    pub session_indexes: Vec<String>,
    pub extensions: String,
}

impl LogoutRequest {
    pub fn new(issuer: &str, name_id: &str, session_indexes: &[&str]) -> Self {
        Self {
            id: (&RandomIds as &dyn Ids).xml_id(),
            issuer: issuer.to_owned(),
            issue_instant: SystemClock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            destination: None,
            not_on_or_after: None,
            principal: format!("<saml:NameID>{}</saml:NameID>", escape(name_id)),
            session_indexes: session_indexes.iter().map(|index| (*index).to_owned()).collect(),
            extensions: String::new(),
        }
    }

    pub fn xml(&self) -> String {
        let attribute = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" {name}=\"{}\"", escape(value))).unwrap_or_default()
        };
        let mut indexes = String::new();
        for index in &self.session_indexes {
            write!(indexes, "<samlp:SessionIndex>{}</samlp:SessionIndex>", escape(index)).unwrap();
        }
        format!(
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{}\" Version=\"2.0\" IssueInstant=\"{}\"{}{}>\
             <saml:Issuer>{}</saml:Issuer>{}{}{indexes}</samlp:LogoutRequest>",
            self.id,
            self.issue_instant,
            attribute("Destination", &self.destination),
            attribute("NotOnOrAfter", &self.not_on_or_after),
            escape(&self.issuer),
            self.extensions,
            self.principal,
        )
    }
}

async fn signed_in(service: web::Data<Service>) -> HttpResponse {
    let cookie = Cookie::build(service.cookie(), "1").path("/").finish();
    HttpResponse::Ok().cookie(cookie).body("You are signed in.")
}

async fn by_redirect(req: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let query = req.query_string();
    if query.is_empty() {
        return HttpResponse::BadRequest().finish();
    }
    service.note_session(&req);
    let request = Element::parse(&verified_redirect(query, "SAMLRequest"));
    service.keep(&request);
    let Some(message) = service.reply(&request) else { return HttpResponse::Ok().body("You are here.") };
    let location = match message {
        Reply::Signed(xml) => Sp::new("x").signed_message(&service.idp(), "SAMLResponse", &xml),
        Reply::Unsigned(xml) => unsigned_message(&service.idp(), "SAMLResponse", &xml),
        Reply::Raw(text) => format!("{}?SAMLResponse={text}", service.idp()),
        Reply::Forged(xml) => {
            let stranger = Sp { pair: Pair::rsa(2048), ..Sp::new("x") };
            stranger.signed_message(&service.idp(), "SAMLResponse", &xml)
        }
    };
    HttpResponse::Found().insert_header((LOCATION, location)).finish()
}

async fn by_post(
    req: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
    service: web::Data<Service>,
) -> HttpResponse {
    service.note_session(&req);
    let field = form.iter().find(|(name, _)| name == "SAMLRequest").expect("a SAMLRequest");
    let xml = String::from_utf8(STANDARD.decode(&field.1).unwrap()).unwrap();
    judges::accept(&xml, &Pair::of_idp().certificate_pem());
    let request = Element::parse(&xml);
    service.keep(&request);
    let value = match service.reply(&request) {
        None => return HttpResponse::Ok().body("You are here."),
        Some(Reply::Signed(xml)) => STANDARD.encode(sign(&xml, Pair::of_sp())),
        Some(Reply::Unsigned(xml)) => STANDARD.encode(xml),
        Some(Reply::Raw(text)) => text,
        Some(Reply::Forged(xml)) => STANDARD.encode(sign(&xml, &Pair::rsa(2048))),
    };
    let page = format!(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"SAMLResponse\" value=\"{value}\">\
         <button>On</button></form><script>document.forms[0].submit()</script>",
        service.idp()
    );
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

async fn by_soap(body: String, service: web::Data<Service>) -> HttpResponse {
    let from = body.find("<samlp:LogoutRequest").expect("a LogoutRequest");
    let to = body.find("</S:Body>").expect("the end of the body");
    let xml = &body[from..to];
    judges::accept(xml, &Pair::of_idp().certificate_pem());
    let request = Element::parse(xml);
    service.keep(&request);
    let message = match service.reply(&request) {
        None => return HttpResponse::ServiceUnavailable().finish(),
        Some(Reply::Signed(xml)) => sign(&xml, Pair::of_sp()),
        Some(Reply::Unsigned(message) | Reply::Raw(message)) => message,
        Some(Reply::Forged(xml)) => sign(&xml, &Pair::rsa(2048)),
    };
    let message = message.split_once("?>\n").map_or(message.as_str(), |(_, rest)| rest);
    HttpResponse::Ok().content_type("text/xml").body(envelope(message))
}

/// The message of a query whose signature by the identity provider verifies over the octets as they came.
fn verified_redirect(query: &str, parameter: &str) -> String {
    let (octets, signature) = query.split_once("&Signature=").expect("a signature at the end");
    let raw = |name: &str| {
        let found = octets.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        percent_decode_str(found.unwrap_or_else(|| panic!("no {name} in {query}"))).decode_utf8().unwrap()
    };
    let order: Vec<&str> = octets.split('&').filter_map(|pair| pair.split('=').next()).collect();
    assert_eq!(order.first(), Some(&parameter));
    assert_eq!(order.last(), Some(&"SigAlg"), "saml-bindings 3.4.4.1: the order of the parameters");
    assert_eq!(raw("SigAlg"), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    let signature = percent_decode_str(signature).decode_utf8().unwrap();
    let key = Pair::of_idp().certificate.public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    let signature = STANDARD.decode(signature.as_bytes()).unwrap();
    assert!(verifier.verify_oneshot(&signature, octets.as_bytes()).unwrap(), "the query's signature");
    let deflated = STANDARD.decode(raw(parameter).as_bytes()).unwrap();
    std::io::read_to_string(DeflateDecoder::new(deflated.as_slice())).unwrap()
}

/// The LogoutResponse that the browser takes to this address by redirect, and that is not sent here.
pub fn redirected(page: &Page, location: &str) -> Element {
    assert_eq!(page.status, 303, "{}", page.body);
    let (address, query) = page.header("location").split_once('?').expect("a query");
    assert_eq!(address, location);
    let response = Element::parse(&verified_redirect(query, "SAMLResponse"));
    assert_eq!(response.name, "LogoutResponse");
    response
}

enum Reply {
    Signed(String),
    Forged(String),
    Unsigned(String),
    /// As it is, whatever the binding would make of a message.
    Raw(String),
}

impl Service {
    fn idp(&self) -> String {
        self.idp.lock().unwrap().clone()
    }

    /// Cookies know no ports: each service has its own name.
    fn cookie(&self) -> String {
        self.entity_id.chars().filter(char::is_ascii_alphanumeric).collect()
    }

    fn note_session(&self, req: &HttpRequest) {
        if req.cookie(&self.cookie()).is_some() {
            self.with_session.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn keep(&self, request: &Element) {
        assert_eq!(request.name, "LogoutRequest");
        self.seen.lock().unwrap().push(request.clone());
    }

    fn reply(&self, request: &Element) -> Option<Reply> {
        let id = request.attribute("ID").unwrap();
        let code = if self.answer == Answer::Refusal { "Responder" } else { "Success" };
        let xml = logout_response(&self.entity_id, id, &self.idp(), code);
        Some(match self.answer {
            Answer::Success | Answer::Refusal => Reply::Signed(xml),
            Answer::Forged => Reply::Forged(xml),
            Answer::Unsigned => Reply::Unsigned(xml),
            Answer::Garbage => Reply::Raw("AAAA".to_owned()),
            Answer::Silence => return None,
        })
    }
}

/// A LogoutResponse as an SP writes it.
pub fn logout_response(issuer: &str, in_response_to: &str, destination: &str, code: &str) -> String {
    let id = (&RandomIds as &dyn Ids).xml_id();
    let instant = SystemClock.now().strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{instant}\" Destination=\"{destination}\" InResponseTo=\"{in_response_to}\">\
         <saml:Issuer>{issuer}</saml:Issuer><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{code}\"/></samlp:Status></samlp:LogoutResponse>"
    )
}
