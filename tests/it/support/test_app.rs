//! [`TestApp`]: the whole program inside the test, answering on a port of its own, with a clock that stands until it is
//! moved, reproducible ids, and an audit trail that can be read and broken.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web};
use serde_json::Value;

use sekisho::app::{App, Ports};
use sekisho::audit::memory::Memory;
use sekisho::clock::{Clock, ManualClock, SeededIds, SignedDuration, SystemClock};
use sekisho::config::Config;
use sekisho::web::{routes, tls};

use super::folder::Folder;
use super::request::AuthnRequest;
use super::sp::Sp;

/// A running program and what the test holds of it.
#[derive(Debug)]
pub struct TestApp {
    pub folder: Folder,
    pub clock: Arc<ManualClock>,
    runs: u64,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    app: web::Data<App>,
    audit: Arc<Memory>,
    server: ServerHandle,
    thread: JoinHandle<()>,
}

impl TestApp {
    /// Starts the program on a folder; the clock stands at the present time.
    pub fn start(mut folder: Folder) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        folder.move_to(listener.local_addr().unwrap().port());
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let running = Running::start(&folder, listener, Arc::clone(&clock), 1);
        Self { folder, clock, runs: 1, running: Some(running) }
    }

    /// Ends the program and starts it anew on the same folder and port, at the same time of the clock.
    pub fn restart(&mut self) {
        self.stop();
        let listener = TcpListener::bind(("127.0.0.1", self.folder.port)).unwrap();
        self.runs += 1;
        self.running = Some(Running::start(&self.folder, listener, Arc::clone(&self.clock), self.runs));
    }

    fn stop(&mut self) {
        if let Some(Running { server, thread, .. }) = self.running.take() {
            drop(server.stop(false));
            thread.join().ok();
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the program runs")
    }

    pub fn app(&self) -> &App {
        &self.running().app
    }

    pub fn audit(&self) -> &Memory {
        &self.running().audit
    }

    /// Reads the service providers' files anew.
    pub fn reload(&self) {
        self.app().registry.reload_now().unwrap();
    }

    /// The public address of a path.
    pub fn url(&self, path: &str) -> String {
        self.folder.url(path)
    }

    /// Where AuthnRequests go.
    pub fn sso(&self) -> String {
        self.url("/saml/sso")
    }

    /// A request of the SP at the time of the clock.
    pub fn request(&self, sp: &Sp) -> AuthnRequest {
        AuthnRequest { issue_instant: self.instant(SignedDuration::ZERO), ..sp.request() }
    }

    /// An xs:dateTime this far from the time of the clock.
    pub fn instant(&self, away: SignedDuration) -> String {
        (self.clock.now() + away).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// The audit records as they would be written.
    pub fn audit_records(&self) -> Vec<Value> {
        self.audit().records().iter().map(|record| serde_json::to_value(record).unwrap()).collect()
    }

    /// The audit records of this event.
    pub fn events(&self, event: &str) -> Vec<Value> {
        self.audit_records().into_iter().filter(|record| record["event"] == event).collect()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Running {
    /// `seed` makes the ids: other ones in every run, as with true randomness.
    fn start(folder: &Folder, listener: TcpListener, clock: Arc<ManualClock>, seed: u64) -> Self {
        let config = Config::load(&folder.write_config()).unwrap_or_else(|faults| panic!("{faults:?}"));
        let audit = Arc::new(Memory::default());
        let ports = Ports { clock, ids: Arc::new(SeededIds::new(seed)), audit: Arc::clone(&audit) as _ };
        let (started, running) = channel();
        let serve = async move {
            let app = web::Data::new(App::build(&config, ports).await.expect("the program starts"));
            let shared = app.clone();
            let http = HttpServer::new(move || routes::application(&shared)).workers(1).disable_signals();
            let http = http.on_connect(tls::on_connect);
            let http = match &config.listen.tls {
                Some(pair) => {
                    let mut acceptor = tls::acceptor(&pair.certificate, &pair.private_key).unwrap();
                    let api = config.password_api.as_ref();
                    if let Some(authorities) = api.and_then(|api| api.client_certificates.as_ref()) {
                        tls::ask_for_certificates(&mut acceptor, authorities).unwrap();
                    }
                    http.listen_openssl(listener, acceptor).unwrap()
                }
                None => http.listen(listener).unwrap(),
            };
            let server = http.run();
            started.send((app, server.handle())).unwrap();
            server.await.unwrap();
        };
        let thread = thread::spawn(move || actix_web::rt::System::new().block_on(serve));
        let (app, server) = running.recv().expect("the program runs");
        Self { app, audit, server, thread }
    }
}
