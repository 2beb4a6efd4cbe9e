//! [`bind`]: the listening server, ready to be awaited. SIGTERM and SIGINT stop it; requests under way have 10 s.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{HttpServer, web};
use openssl::ssl::SslAcceptorBuilder;

use crate::app::App;

use super::{routes, tls};

/// TLS handshakes of one worker at a time. Silent connections hold such a place for 3 s; there must be more places than
/// anybody's browsers, or a few hundred of them keep everybody out.
const HANDSHAKES: usize = 4096;

/// How to listen.
#[derive(Debug)]
pub struct Listen {
    /// All addresses.
    pub addresses: Vec<SocketAddr>,
    /// How many threads answer; `None`: one for each core.
    pub workers: Option<usize>,
}

/// Binds the addresses, with TLS when `tls` makes an acceptor (called once for each address).
pub fn bind<E: From<std::io::Error>>(
    app: web::Data<App>,
    listen: &Listen,
    tls: impl Fn() -> Result<Option<SslAcceptorBuilder>, E>,
) -> Result<Server, E> {
    let mut server = HttpServer::new(move || routes::application(&app))
        .shutdown_timeout(10)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
        .max_connection_rate(HANDSHAKES)
        .server_hostname("localhost")
        .on_connect(tls::on_connect);
    if let Some(workers) = listen.workers {
        server = server.workers(workers);
    }
    for address in &listen.addresses {
        server = match tls()? {
            Some(acceptor) => server.bind_openssl(address, acceptor)?,
            None => server.bind(address)?,
        };
    }
    Ok(server.run())
}
