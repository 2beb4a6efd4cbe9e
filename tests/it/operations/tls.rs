//! The HTTPS listener.

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};

use crate::faults::{enter, received};
use crate::support::app::TestServer;
use crate::support::browser::Browser;
use crate::support::folder::{Folder, TANAKA};
use crate::support::sp::Sp;

/// The version that a client gets which offers nothing newer than this.
fn negotiated(port: u16, newest: SslVersion) -> Result<String, String> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    // The client would take old versions and weak ciphers: it is the server that does not.
    connector.set_security_level(0);
    connector.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    connector.set_min_proto_version(None).unwrap();
    connector.set_max_proto_version(Some(newest)).unwrap();
    let stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let connected = connector.build().connect("localhost", stream).map_err(|error| error.to_string())?;
    Ok(connected.ssl().version_str().to_owned())
}

#[tokio::test]
async fn tls_is_1_2_or_newer() {
    let sp = Sp::new("kintai");
    let folder = Folder::tls();
    folder.register("sp", &sp, "");
    let server = TestServer::start(folder).await;
    let port = server.folder.port;
    assert_eq!(negotiated(port, SslVersion::TLS1_3).unwrap(), "TLSv1.3");
    assert_eq!(negotiated(port, SslVersion::TLS1_2).unwrap(), "TLSv1.2");
    for old in [SslVersion::TLS1_1, SslVersion::TLS1] {
        let refused = negotiated(port, old).unwrap_err();
        assert!(refused.contains("alert protocol version"), "{refused}");
    }
    let mut browser = Browser::new();
    let page = enter(&server, &mut browser, &sp, TANAKA).await;
    received(&server, &sp, &page);
    assert!(browser.cookies.iter().all(|cookie| cookie.secure && cookie.name.starts_with("__Host-")));
    assert!(page.header("strict-transport-security").contains("max-age="));
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_no_way_in_and_harms_nobody() {
    use std::io::{Read, Write};
    let server = TestServer::start(Folder::tls()).await;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.folder.port)).unwrap();
    stream.write_all(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(Browser::new().open(&server.url("/login")).await.status, 200);
}
