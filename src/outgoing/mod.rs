//! The HTTP client: what this server asks of others by itself: the SOAP back channel of single logout ([`Outgoing`]), and
//! JSON with a service that accounts are carried to ([`Exchange`]).
//!
//! Every request has an end, every answer a size; no redirect is followed, no proxy of the environment is taken, and
//! certificates are verified against the system's authorities with TLS 1.2 or newer. Only endpoints that registered
//! metadata or the configuration name are ever asked.

mod exchange;

pub use exchange::{Answer, Ask, Credentials, Exchange, ExchangeError, ExchangeOptions, Method};

pub mod mail;

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, redirect};

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection, and a look whether somebody is there, may take.
const GLANCE: Duration = Duration::from_secs(2);
/// The largest answer.
const LARGEST: usize = 256 * 1024;
/// saml-bindings 3.2.3.1
const SOAP_ACTION: &str = "http://www.oasis-open.org/committees/security";

/// The client, with its kept connections.
#[derive(Debug, Clone)]
pub struct Outgoing {
    client: Client,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// The client cannot be made.
    #[error("cannot start the HTTP client: {0}")]
    Client(String),
    /// No connection.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// The endpoint.
        url: String,
        /// The chain of causes.
        cause: String,
    },
    /// The connection broke, perhaps after the message was read.
    #[error("{url}: the connection broke: {cause}")]
    Broken {
        /// The endpoint.
        url: String,
        /// The chain of causes.
        cause: String,
    },
    /// Nothing came in time.
    #[error("{0} did not answer within {PATIENCE:?}")]
    TooLate(String),
    /// An answer, but not of the kind.
    #[error("{url} answered with HTTP status {status}")]
    Status {
        /// The endpoint.
        url: String,
        /// What it said.
        status: u16,
    },
    /// More than anybody needs to say.
    #[error("{0} answered with more than {LARGEST} bytes")]
    TooLarge(String),
}

impl OutgoingError {
    /// Whether nobody was there to read the message.
    pub fn is_unheard(&self) -> bool {
        matches!(self, Self::Client(_) | Self::Unreachable { .. })
    }
}

impl Outgoing {
    /// A client with no connection yet.
    pub fn new() -> Result<Self, OutgoingError> {
        let client = Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(GLANCE)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("sekisho/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(|client| Self { client }).map_err(|error| OutgoingError::Client(chain(&error)))
    }

    /// Sends a SOAP envelope and returns the one that comes back: with status 200, or 500 for a fault.
    pub async fn post_soap(&self, url: &str, envelope: Vec<u8>) -> Result<Vec<u8>, OutgoingError> {
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"))
            .header("SOAPAction", HeaderValue::from_static(SOAP_ACTION))
            .body(envelope);
        let mut answer = request.send().await.map_err(|error| failed(url, &error))?;
        let status = answer.status().as_u16();
        if !matches!(status, 200 | 500) {
            return Err(OutgoingError::Status { url: url.to_owned(), status });
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| failed(url, &error))? {
            if body.len() + part.len() > LARGEST {
                return Err(OutgoingError::TooLarge(url.to_owned()));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    /// Whether somebody answers at `url`: a look that changes nothing there. A gateway that says that nobody is behind
    /// it counts as nobody.
    pub async fn is_there(&self, url: &str) -> bool {
        let answer = self.client.head(url).timeout(GLANCE).send().await;
        answer.is_ok_and(|answer| !matches!(answer.status().as_u16(), 502..=504))
    }
}

fn failed(url: &str, error: &reqwest::Error) -> OutgoingError {
    let (url, cause) = (url.to_owned(), chain(error));
    if error.is_connect() {
        return OutgoingError::Unreachable { url, cause };
    }
    if error.is_timeout() { OutgoingError::TooLate(url) } else { OutgoingError::Broken { url, cause } }
}

/// reqwest's own sentence names the URL alone; what happened is in its causes.
fn chain(error: &reqwest::Error) -> String {
    let mut below = error.source();
    let mut causes = Vec::new();
    while let Some(cause) = below {
        causes.push(cause.to_string());
        below = cause.source();
    }
    if causes.is_empty() { error.to_string() } else { plain(&causes.join(": ")) }
}

/// Of a certificate that is not trusted, the reason that OpenSSL gives in brackets, without the lines of its source.
fn plain(causes: &str) -> String {
    let failed = "certificate verify failed";
    let reason = causes.split_once(failed).and_then(|(_, rest)| rest.split_once('(')?.1.split(')').next());
    reason.map_or_else(|| causes.to_owned(), |reason| format!("{failed}: {reason}"))
}
