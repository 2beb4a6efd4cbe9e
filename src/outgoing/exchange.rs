//! [`Exchange`]: JSON over HTTP with one service, such as SCIM: a request with credentials, an answer with its status.
//!
//! What the statuses mean is the caller's business. An [`ExchangeError`] says only whether the request may have been
//! read: [`ExchangeError::is_unheard`]. No redirect is followed: it would carry the credentials to somebody else.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use reqwest::header::{DATE, ETAG, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, Url, redirect};

use super::chain;
use crate::secret::Secret;

/// The longest that a service is believed when it names a time to wait.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// How a service is spoken to.
#[derive(Clone)]
pub struct ExchangeOptions {
    /// How long one request may take with its answer.
    pub timeout: Duration,
    /// How long a connection may take.
    pub connect: Duration,
    /// The largest answer, in bytes.
    pub largest: usize,
    /// Authorities that are trusted beside those of the system, as PEM.
    pub authorities: Option<Vec<u8>>,
    /// Whether `http://` is taken as well: for services on this machine, where nobody can listen.
    pub plain_http: bool,
    /// The media type of bodies, asked for and sent.
    pub media_type: &'static str,
}

impl Default for ExchangeOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            largest: 16 * 1024 * 1024,
            authorities: None,
            plain_http: false,
            media_type: "application/json",
        }
    }
}

impl fmt::Debug for ExchangeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeOptions").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// What a service knows us by.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nothing.
    None,
    /// A token (RFC 6750).
    Bearer(Secret<String>),
    /// A name and a password (RFC 7617).
    Basic(String, Secret<String>),
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Replaces as a whole.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// What is done.
    pub method: Method,
    /// To what.
    pub url: &'a str,
    /// With this.
    pub body: Option<Vec<u8>>,
    /// Only when it still has this ETag.
    pub if_match: Option<&'a str>,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// How long the service wants to be left alone (RFC 9110 section 10.2.3), a day at most.
    pub retry_after: Option<Duration>,
    /// Where the thing is that was made.
    pub location: Option<String>,
    /// Which state of it this is.
    pub etag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The client cannot be made.
    #[error("cannot start the HTTP client: {0}")]
    Client(String),
    /// No certificates in PEM.
    #[error("the extra authorities are no certificates in PEM: {0}")]
    Authorities(String),
    /// Credentials that no header can have.
    #[error(
        "the credentials have characters that cannot be sent: a line break at the end of the secret file?"
    )]
    Credentials,
    /// No URL to ask.
    #[error("{url}: {cause}")]
    Url {
        /// What was to be one.
        url: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// No connection.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// The chain of causes.
        cause: String,
    },
    /// The connection broke, perhaps after the request was read.
    #[error("{url}: the connection broke: {cause}")]
    Broken {
        /// What was asked.
        url: String,
        /// The chain of causes.
        cause: String,
    },
    /// Nothing came in time.
    #[error("{0} did not answer in time")]
    TooLate(String),
    /// More than is read.
    #[error("{url} answered with more than {largest} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// What is read at most.
        largest: usize,
    },
}

impl ExchangeError {
    /// Whether nobody can have read the request.
    pub fn is_unheard(&self) -> bool {
        !matches!(self, Self::Broken { .. } | Self::TooLate(_) | Self::TooLarge { .. })
    }
}

/// The client of one service, with its kept connections.
#[derive(Debug, Clone)]
pub struct Exchange {
    client: Client,
    options: ExchangeOptions,
}

impl Exchange {
    /// A client with no connection yet. HTTP/2 is spoken where it is offered.
    pub fn new(options: ExchangeOptions, credentials: &Credentials) -> Result<Self, ExchangeError> {
        let mut builder = Client::builder()
            .timeout(options.timeout)
            .connect_timeout(options.connect)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .tcp_nodelay(true)
            .pool_idle_timeout(Duration::from_secs(30))
            .default_headers(headers(options.media_type, credentials)?)
            .user_agent(concat!("sekisho/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &options.authorities {
            builder = builder.tls_certs_merge(certificates(pem)?);
        }
        let client = builder.build().map_err(|error| ExchangeError::Client(chain(&error)))?;
        Ok(Self { client, options })
    }

    /// Whether certificates can be taken from this text.
    pub fn check_authorities(pem: &[u8]) -> Result<(), ExchangeError> {
        certificates(pem).map(|_| ())
    }

    /// Whether endpoints can stand below a URL, the protocol aside: a host, no name or password, and nothing after its path.
    pub fn check_base(url: &str) -> Result<(), ExchangeError> {
        if url.contains(['?', '#']) {
            return Err(ExchangeError::Url { url: url.to_owned(), cause: "a base URL ends with its path" });
        }
        parse(url, true).map(|_| ())
    }

    /// Whether a URL may be asked with these options: `https`, a host, and no name or password in it.
    pub fn check(&self, url: &str) -> Result<(), ExchangeError> {
        self.parse(url).map(|_| ())
    }

    /// Asks.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Answer, ExchangeError> {
        let method = match ask.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(method, self.parse(ask.url)?);
        if let Some(body) = ask.body {
            request =
                request.header(CONTENT_TYPE, HeaderValue::from_static(self.options.media_type)).body(body);
        }
        if let Some(etag) = ask.if_match {
            request = request.header(IF_MATCH, etag);
        }
        let mut response = request.send().await.map_err(|error| failed(ask.url, &error))?;
        let mut answer = head(&response);
        let largest = self.options.largest;
        while let Some(part) = response.chunk().await.map_err(|error| failed(ask.url, &error))? {
            if answer.body.len() + part.len() > largest {
                return Err(ExchangeError::TooLarge { url: ask.url.to_owned(), largest });
            }
            answer.body.extend_from_slice(&part);
        }
        Ok(answer)
    }

    fn parse(&self, url: &str) -> Result<Url, ExchangeError> {
        parse(url, self.options.plain_http)
    }
}

fn parse(url: &str, plain_http: bool) -> Result<Url, ExchangeError> {
    let fault = |cause| ExchangeError::Url { url: url.to_owned(), cause };
    let parsed = Url::parse(url).map_err(|_| fault("no URL"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        // The text is not repeated: there is a password in it.
        let url = parsed.host_str().unwrap_or_default().to_owned();
        return Err(ExchangeError::Url { url, cause: "name and password do not belong into the URL" });
    }
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if plain_http => Ok(parsed),
        _ => Err(fault("not https: credentials are sent encrypted alone")),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, ExchangeError> {
    let found = Certificate::from_pem_bundle(pem);
    let found = found.map_err(|error| ExchangeError::Authorities(chain(&error)))?;
    if found.is_empty() {
        return Err(ExchangeError::Authorities("there is none in it".to_owned()));
    }
    Ok(found)
}

fn headers(media_type: &'static str, credentials: &Credentials) -> Result<HeaderMap, ExchangeError> {
    use base64::Engine as _;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(media_type));
    let text = match credentials {
        Credentials::None => return Ok(headers),
        Credentials::Bearer(token) => Secret::new(format!("Bearer {}", token.expose())),
        Credentials::Basic(name, password) => {
            let pair = Secret::new(format!("{name}:{}", password.expose()));
            Secret::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair.expose())))
        }
    };
    let mut value = HeaderValue::from_str(text.expose()).map_err(|_| ExchangeError::Credentials)?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Ok(headers)
}

fn head(response: &Response) -> Answer {
    let text = |name: HeaderName| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    Answer {
        status: response.status().as_u16(),
        retry_after: text(RETRY_AFTER).and_then(|wish| wait(&wish, text(DATE).as_deref())),
        location: text(LOCATION),
        etag: text(ETAG),
        body: Vec::new(),
    }
}

/// Seconds, or a date by the clock of the service, which its `Date` tells.
fn wait(wish: &str, now: Option<&str>) -> Option<Duration> {
    let wish = wish.trim();
    if let Ok(seconds) = wish.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let moment =
        |text: &str| rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text.trim()).ok();
    let left: SignedDuration = moment(wish)?.duration_since(moment(now?)?);
    Some(Duration::try_from(left).unwrap_or_default().min(LONGEST_WAIT))
}

fn failed(url: &str, error: &reqwest::Error) -> ExchangeError {
    let (url, cause) = (url.to_owned(), chain(error));
    if error.is_connect() || error.is_builder() {
        return ExchangeError::Unreachable { url, cause };
    }
    if error.is_timeout() { ExchangeError::TooLate(url) } else { ExchangeError::Broken { url, cause } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds_or_by_a_date() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let cases = [
            ("120", None, Some(120)),
            (" 0 ", None, Some(0)),
            ("99999999", None, Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", now, Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", now, Some(0)),
            ("Sun, 06 Nov 2094 08:00:00 GMT", now, Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", None, None),
            ("-1", now, None),
            ("soon", now, None),
        ];
        for (wish, now, wanted) in cases {
            assert_eq!(wait(wish, now), wanted.map(Duration::from_secs), "{wish}");
        }
    }

    #[test]
    fn credentials_go_encrypted_alone_and_are_never_printed() {
        let bearer = Credentials::Bearer(Secret::new("t0ken".to_owned()));
        let exchange = Exchange::new(ExchangeOptions::default(), &bearer).unwrap();
        assert!(!format!("{exchange:?} {bearer:?}").contains("t0ken"));
        assert!(exchange.check("https://scim.example/v2").is_ok());
        for refused in ["http://127.0.0.1/", "ftp://a/", "scim.example", "https://a:b@scim.example/"] {
            let error = exchange.check(refused).unwrap_err();
            assert!(error.is_unheard() && !error.to_string().contains("a:b"), "{error}");
        }
        let plain = ExchangeOptions { plain_http: true, ..ExchangeOptions::default() };
        assert!(Exchange::new(plain, &bearer).unwrap().check("http://127.0.0.1/").is_ok());
        let broken = Credentials::Bearer(Secret::new("t0ken\n".to_owned()));
        let error = Exchange::new(ExchangeOptions::default(), &broken).unwrap_err();
        assert!(matches!(error, ExchangeError::Credentials), "{error}");
        let no_pem = ExchangeOptions { authorities: Some(b"no pem".to_vec()), ..ExchangeOptions::default() };
        assert!(matches!(Exchange::new(no_pem, &bearer), Err(ExchangeError::Authorities(_))));
    }
}
