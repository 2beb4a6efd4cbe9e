//! People with bad intentions or bad networks: connections that never finish what they began.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{enter, folder_with, received};
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::folder::TANAKA;
use crate::support::sp::Sp;

const SLOW: usize = 300;

/// A connection that has sent this and nothing more.
fn begin(port: u16, head: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(head).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

/// Whether the server has neither answered nor hung up.
fn is_waiting(mut stream: &TcpStream) -> bool {
    let read = stream.read(&mut [0; 1]);
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[tokio::test]
async fn a_sign_in_passes_three_hundred_slow_connections() {
    let sp = Sp::new("kintai");
    let server = TestServer::start(folder_with(&sp)).await;
    let heads: [&[u8]; 3] = [
        b"",
        b"GET /saml/sso?SAMLRequest=x HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nlogin",
    ];
    let slow: Vec<TcpStream> =
        heads.iter().cycle().take(SLOW).map(|head| begin(server.folder.port, head)).collect();
    received(&server, &sp, &enter(&server, &mut Browser::new(), &sp, TANAKA).await);
    let waiting = slow.iter().filter(|stream| is_waiting(stream)).count();
    // The sign-in did not wait for the server to give them up.
    assert!(waiting > SLOW / 2, "{waiting} of {SLOW} are still open");
}
