//! One connection to one server: opened with TCP_NODELAY and TLS, limited in time, and given up after any fault.
//!
//! A [`Connection`] that failed, timed out or whose future was dropped is dropped with it and closes its socket:
//! ldap3 would keep it busy with the unanswered operation.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use ldap3::exop::PasswordModify;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions, StdStream};
use native_tls::TlsConnector;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::options::{LdapOptions, OptionsError, ServerUrl};
use super::password_write::{PasswordWrite, unicode_pwd_mods};
use super::wire::{
    BindAnswer, Entry, password_policy_error, password_policy_expiry, password_policy_request,
};

/// Longer attributes are given up with an error: a policy must not be judged by a part.
const MOST_VALUES: usize = 200_000;

/// A limit of time that is noticed so late was noticed by a thread that was held up.
const HELD_UP: Duration = Duration::from_millis(100);

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Without an answer for so long, the next server is asked too.
    pub hedge: Duration,
    /// TCP and TLS.
    pub connect: Duration,
    /// One operation.
    pub answer: Duration,
    /// One call of the directory, over all servers.
    pub total: Duration,
    /// A silent server is tried again after this, then after twice as much, and so on up to 16 times.
    pub retry: Duration,
    /// A kept connection that rested for longer is not used again: a firewall may have forgotten it.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hedge: Duration::from_millis(250),
            connect: Duration::from_secs(3),
            answer: Duration::from_secs(5),
            total: Duration::from_secs(10),
            retry: Duration::from_secs(1),
            idle: Duration::from_secs(30),
        }
    }
}

/// Why a server did not do what it was asked.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// No answer in time.
    Silent(String),
    /// Not reachable, not trusted, or the connection broke.
    Lost(String),
    /// The service account was refused, with this result code.
    ServiceBind(u32, String),
    /// An answer, and it is an error. `code`: the result code (RFC 4511 appendix A), 0 where what was answered will not do.
    Refused { code: u32, operation: &'static str, cause: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(cause) | Self::Lost(cause) | Self::ServiceBind(_, cause) => f.write_str(cause),
            Self::Refused { operation, cause, .. } => write!(f, "{operation}: {cause}"),
        }
    }
}

/// The TLS side of every connection to this directory; `None` when no server uses TLS.
pub(super) fn tls_connector(options: &LdapOptions, ca: Option<&[u8]>) -> Result<TlsConnector, OptionsError> {
    let tls = |cause: native_tls::Error| OptionsError::Tls(cause.to_string());
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(native_tls::Protocol::Tlsv12));
    if let (Some(pem), Some(path)) = (ca, &options.ca_certificate) {
        let fault = |cause: String| OptionsError::CaCertificate { file: path.display().to_string(), cause };
        let certificates =
            native_tls::Certificate::stack_from_pem(pem).map_err(|cause| fault(cause.to_string()))?;
        if certificates.is_empty() {
            return Err(fault("no certificate in it".to_owned()));
        }
        builder.disable_built_in_roots(true);
        for certificate in certificates {
            builder.add_root_certificate(certificate);
        }
    }
    if !options.verify_certificate {
        builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
    }
    builder.build().map_err(tls)
}

/// What a search asks.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) base: String,
    pub(super) scope: Scope,
    pub(super) filter: String,
    pub(super) attributes: Arc<[String]>,
    /// At most so many entries; 0 is no limit.
    pub(super) limit: usize,
}

impl Query {
    /// One entry by its DN; the root DSE by "".
    pub(super) fn of_entry(dn: &str, attributes: &[&str]) -> Self {
        Self::entry(dn, attributes.iter().map(|name| (*name).to_owned()).collect())
    }

    /// The same with attributes that are asked for again and again.
    pub(super) fn entry(dn: &str, attributes: Arc<[String]>) -> Self {
        let filter = "(objectClass=*)".to_owned();
        Self { base: dn.to_owned(), scope: Scope::Base, filter, attributes, limit: 1 }
    }
}

/// Entries, and whether the server had more than it gave.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    pub(super) more: bool,
    /// The server is still sending: the connection cannot be used again.
    pub(super) unfinished: bool,
}

/// An open connection.
pub(super) struct Connection {
    pub(super) ldap: Ldap,
    driver: AbortHandle,
    answer: Duration,
    /// When it was last given back.
    pub(super) rested: Instant,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("rested", &self.rested).finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Connects within `limits.connect`: TCP, then TLS as the URL and `start_tls` say, never less.
    pub(super) async fn open(
        url: &ServerUrl,
        start_tls: bool,
        connector: Option<&TlsConnector>,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let opening = async {
            let stream = tokio::net::TcpStream::connect((url.host.as_str(), url.port)).await?;
            // Without it a fresh LDAPS bind waits 40 ms for a delayed acknowledgement.
            stream.set_nodelay(true)?;
            let mut settings = LdapConnSettings::new()
                .set_std_stream(StdStream::Tcp(stream.into_std()?))
                .set_starttls(start_tls);
            if let Some(connector) = connector {
                settings = settings.set_connector(connector.clone());
            }
            LdapConnAsync::with_settings(settings, &url.text).await
        };
        let (driver, ldap) = in_time(limits.connect, guarded(opening))
            .await
            .unwrap_or_else(|| Err(Fault::Silent(format!("no connection within {:?}", limits.connect))))?;
        let driver = tokio::spawn(async move {
            if let Err(cause) = driver.drive().await {
                tracing::debug!(%cause, "LDAP connection ended");
            }
        });
        let driver = driver.abort_handle();
        Ok(Self { ldap, driver, answer: limits.answer, rested: Instant::now() })
    }

    /// Whether the server closed it, as far as is known here.
    pub(super) fn is_closed(&mut self) -> bool {
        self.driver.is_finished() || self.ldap.is_closed()
    }

    /// One simple bind; the caller has refused empty names and passwords.
    pub(super) async fn bind(&mut self, name: &str, password: &str) -> Result<BindAnswer, Fault> {
        let ldap = &mut self.ldap;
        let binding =
            async { ldap.with_controls(password_policy_request()).simple_bind(name, password).await };
        let result = limited(self.answer, "the bind", guarded(binding)).await?;
        let policy_error = password_policy_error(&result.ctrls);
        let expires_in = password_policy_expiry(&result.ctrls);
        Ok(BindAnswer { code: result.rc, text: result.text, policy_error, expires_in })
    }

    /// One write to an entry's password, with the policy's answer.
    pub(super) async fn write(&mut self, write: PasswordWrite<'_>) -> Result<BindAnswer, Fault> {
        let ldap = self.ldap.with_controls(password_policy_request());
        let writing = async {
            match write {
                PasswordWrite::Unicode { dn, old, new } => ldap.modify(dn, unicode_pwd_mods(old, new)).await,
                PasswordWrite::Modify { user, old, new } => {
                    let exop = PasswordModify { user_id: user, old_pass: old, new_pass: Some(new) };
                    ldap.extended(exop).await.map(|ended| ended.1)
                }
            }
        };
        let result = limited(self.answer, "the change of a password", guarded(writing)).await?;
        let policy_error = password_policy_error(&result.ctrls);
        Ok(BindAnswer { code: result.rc, text: result.text, policy_error, expires_in: None })
    }

    /// One search; referrals are passed over.
    pub(super) async fn search(&mut self, query: &Query) -> Result<Found, Fault> {
        let ldap = &mut self.ldap;
        limited(self.answer, "the search", guarded(search(ldap, query, self.answer))).await?
    }
}

async fn search(ldap: &mut Ldap, query: &Query, answer: Duration) -> Result<Result<Found, Fault>, LdapError> {
    let options = SearchOptions::new()
        .sizelimit(i32::try_from(query.limit).unwrap_or(0))
        .timelimit(i32::try_from(answer.as_secs()).unwrap_or(0).max(1));
    let mut stream = ldap
        .with_search_options(options)
        .streaming_search(&query.base, query.scope, &query.filter, &*query.attributes)
        .await?;
    let mut found = Found::default();
    while let Some(item) = stream.next().await? {
        if item.is_ref() || item.is_intermediate() {
            continue;
        }
        let Some(entry) = Entry::decode(item) else {
            return Ok(Err(Fault::Lost("the server sent a malformed entry".to_owned())));
        };
        if query.limit > 0 && found.entries.len() >= query.limit {
            // A server that minds no size limit.
            return Ok(Ok(Found { more: true, unfinished: true, ..found }));
        }
        found.entries.push(entry);
    }
    let result = stream.finish().await;
    match result.rc {
        0 => {
            for entry in &mut found.entries {
                if let Err(fault) = complete(ldap, entry).await? {
                    return Ok(Err(fault));
                }
            }
            Ok(Ok(found))
        }
        // sizeLimitExceeded (RFC 4511 A.2) is an answer when somebody asked whether there is more than one.
        4 if query.limit > 0 && !found.entries.is_empty() => Ok(Ok(Found { more: true, ..found })),
        // busy, unavailable
        51 | 52 => Ok(Err(Fault::Lost(result.to_string()))),
        // noSuchObject below a base that exists is nobody; the base itself is checked by probe.
        32 if query.scope == Scope::Base => Ok(Ok(Found::default())),
        10 => Ok(Err(Fault::Refused {
            code: 10,
            operation: "search",
            cause: format!(
                "\"{}\" is held by another server (referral); set search_base and urls to match",
                query.base
            ),
        })),
        code => Ok(Err(Fault::Refused { code, operation: "search", cause: result.to_string() })),
    }
}

/// Reads what is missing of attributes that came in part.
pub(super) async fn complete(ldap: &mut Ldap, entry: &mut Entry) -> Result<Result<(), Fault>, LdapError> {
    while let Some(cut) = entry.cut() {
        let Some(end) = cut.end else {
            entry.make_whole(&cut);
            continue;
        };
        if end >= MOST_VALUES {
            let cause = format!("{} of \"{}\" has more than {MOST_VALUES} values", cut.name, entry.dn);
            return Ok(Err(Fault::Refused { code: 0, operation: "search", cause }));
        }
        let asked = format!("{};range={}-*", cut.name, end + 1);
        let (mut results, _) =
            ldap.search(&entry.dn, Scope::Base, "(objectClass=*)", [asked.as_str()]).await?.success()?;
        let part = results.pop().and_then(Entry::decode);
        if part.and_then(|part| entry.append(&cut, part)).is_none() {
            let cause = format!("the rest of {} of \"{}\" does not come", cut.name, entry.dn);
            return Ok(Err(Fault::Refused { code: 0, operation: "search", cause }));
        }
    }
    Ok(Ok(()))
}

pub(super) fn limited<T>(
    limit: Duration,
    what: &str,
    operation: impl Future<Output = Result<T, Fault>>,
) -> impl Future<Output = Result<T, Fault>> {
    let silent = move || Err(Fault::Silent(format!("no answer to {what} within {limit:?}")));
    in_time(limit, operation).map(move |ended| ended.unwrap_or_else(silent))
}

/// What comes within a limit. When this thread itself was held up past it (by a disk, or by the machine below), what came
/// in the meantime was not looked at: then the limit begins once more.
fn in_time<T>(limit: Duration, operation: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    // Boxed before anything holds it: each function that it passes through would be so much larger.
    let mut operation = Box::pin(operation);
    async move {
        let begun = Instant::now();
        match timeout(limit, &mut operation).await {
            Ok(ended) => Some(ended),
            Err(_) if begun.elapsed() < limit + HELD_UP => None,
            Err(_) => timeout(limit, &mut operation).await.ok(),
        }
    }
}

/// ldap3 panics on some malformed answers; here they are a lost connection.
pub(super) async fn guarded<T>(operation: impl Future<Output = Result<T, LdapError>>) -> Result<T, Fault> {
    match AssertUnwindSafe(operation).catch_unwind().await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(LdapError::EndOfStream | LdapError::ResultRecv { .. } | LdapError::OpSend { .. })) => {
            Err(Fault::Lost("the server closed the connection or sent no LDAP".to_owned()))
        }
        Ok(Err(cause)) => Err(Fault::Lost(plain(&cause.to_string()))),
        Err(_) => Err(Fault::Lost("the server sent a malformed answer".to_owned())),
    }
}

/// Of a certificate that is not trusted, the reason that OpenSSL gives in brackets, without the lines of its source.
fn plain(cause: &str) -> String {
    let failed = "certificate verify failed";
    match cause.split_once(failed).and_then(|(_, rest)| rest.rsplit_once('(')) {
        Some((_, reason)) => format!("{failed}: {}", reason.trim_end_matches(')')),
        None => cause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_while_the_thread_was_held_up_came_in_time() {
        let limit = Duration::from_millis(20);
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let answering = tokio::spawn(async move {
            tokio::time::sleep(limit / 2).await;
            sender.send("the answer").await
        });
        // The only thread there is: neither the answer nor its end is heard meanwhile.
        tokio::spawn(async move { std::thread::sleep(limit + 2 * HELD_UP) });
        // What others hand on comes after the limit, as an answer does that a driver has to read.
        let answer = in_time(limit, async {
            let answer = receiver.recv().await;
            tokio::task::yield_now().await;
            answer
        });
        assert_eq!(answer.await, Some(Some("the answer")));
        answering.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_for_what_does_not_come() {
        let limit = Duration::from_secs(5);
        let begun = Instant::now();
        assert_eq!(in_time(limit, std::future::pending::<()>()).await, None);
        assert!(begun.elapsed() < limit + HELD_UP);
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_in_words() {
        let cause = "native TLS error: error:0A000086:SSL routines:f:certificate verify failed:../ssl/s.c:1889: \
                     (self-signed certificate in certificate chain)";
        assert_eq!(plain(cause), "certificate verify failed: self-signed certificate in certificate chain");
        assert_eq!(plain("I/O error: refused (os error 111)"), "I/O error: refused (os error 111)");
    }
}
