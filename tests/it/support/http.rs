//! How the tests ask by HTTP: of this machine's servers alone, whatever proxy the environment names.

use reqwest::{Client, ClientBuilder};

/// For a client that takes any certificate and goes through no proxy.
pub fn builder() -> ClientBuilder {
    Client::builder().tls_danger_accept_invalid_certs(true).no_proxy()
}

/// A client that has no more wishes.
pub fn client() -> Client {
    builder().build().expect("an HTTP client")
}
