//! [`LdapOptions`]: what `[[directory]]` with `kind = "ldap"` says, and what can be wrong with it.

use std::path::PathBuf;

use super::filter::Template;
use crate::clock::SignedDuration;
use crate::secret::Secret;

/// Finds people in OpenLDAP by uid, in Active Directory by sAMAccountName or userPrincipalName, in both by mail.
pub const DEFAULT_LOGIN_FILTER: &str = "(&(objectClass=person)(|(uid={login})(sAMAccountName={login})\
    (userPrincipalName={login})(mail={login})))";

/// Two weeks.
pub const DEFAULT_PASSWORD_WARNING: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How Active Directory is asked for what changed; other servers are asked as they can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangesBy {
    /// By uSNChanged, which is of one domain controller: another one means that all must be read.
    Usn,
    /// By the DirSync control, which goes on at another domain controller, and takes the right to replicate.
    DirSync,
}

/// One LDAP directory.
#[derive(Debug, Clone)]
pub struct LdapOptions {
    /// The `name` of the `[[directory]]`.
    pub name: String,
    /// `ldaps://host[:port]` or `ldap://host[:port]`, in the order in which they are asked.
    pub urls: Vec<String>,
    /// Whether `ldap://` goes on by StartTLS.
    pub start_tls: bool,
    /// PEM file of the CAs that the servers' certificates must come from; none: the system's.
    pub ca_certificate: Option<PathBuf>,
    /// False takes any certificate; [`LdapOptions::tell_risks`] shouts about it.
    pub verify_certificate: bool,
    /// The service account; none: anonymous searches.
    pub bind_dn: Option<String>,
    /// Its password.
    pub bind_password: Option<Secret<String>>,
    /// Where searches begin.
    pub search_base: String,
    /// Finds the entry of a login name; see [`DEFAULT_LOGIN_FILTER`].
    pub login_filter: String,
    /// Makes the DN of a login name without a search.
    pub dn_pattern: Option<String>,
    /// The `DOMAIN`s of `DOMAIN\name` that are this directory.
    pub netbios_names: Vec<String>,
    /// The `domain`s of `user@domain` that are this directory; none: all, by `login_filter` alone.
    pub upn_suffixes: Vec<String>,
    /// What the stable identity is read from; none: objectGUID, else entryUUID.
    pub subject_attribute: Option<String>,
    /// How changes are asked for, where it is Active Directory.
    pub changes: ChangesBy,
    /// What is read for the pipeline: `*`, and operational attributes by name.
    pub attributes: Vec<String>,
    /// Where the name to greet somebody by comes from, in this order.
    pub display_name_attributes: Vec<String>,
    /// Whether people may change their password here; see [`LdapOptions::is_protected`].
    pub password_change: bool,
    /// So long before a password ends its person is told; none: never.
    pub password_warning: Option<SignedDuration>,
}

impl LdapOptions {
    /// Options with every default; `urls` and `search_base` are for the caller to fill.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            urls: Vec::new(),
            start_tls: false,
            ca_certificate: None,
            verify_certificate: true,
            bind_dn: None,
            bind_password: None,
            search_base: String::new(),
            login_filter: DEFAULT_LOGIN_FILTER.to_owned(),
            dn_pattern: None,
            netbios_names: Vec::new(),
            upn_suffixes: Vec::new(),
            subject_attribute: None,
            changes: ChangesBy::Usn,
            attributes: vec!["*".to_owned()],
            display_name_attributes: vec!["displayName".to_owned(), "cn".to_owned()],
            password_change: false,
            password_warning: Some(DEFAULT_PASSWORD_WARNING),
        }
    }

    /// Whether every server is reached by TLS and proves who it is: new passwords go over nothing less.
    pub fn is_protected(&self) -> bool {
        let by_tls = |url: &String| ServerUrl::parse(url, self).is_ok_and(|url| url.tls);
        self.verify_certificate && !self.urls.is_empty() && self.urls.iter().all(by_tls)
    }

    /// Of the servers, how many are global catalogues, which know few attributes: those on ports 3268 and 3269.
    pub fn catalogues(&self) -> usize {
        let is_one = |url: &&String| ServerUrl::parse(url, self).is_ok_and(|url| url.is_catalogue());
        self.urls.iter().filter(is_one).count()
    }

    /// How long before its end a password is warned about: where nobody can change it here, nobody is told either.
    pub(super) fn warns_before(&self) -> Option<SignedDuration> {
        self.password_warning.filter(|_| self.password_change)
    }

    /// Writes to the log what an administrator must not overlook.
    pub fn tell_risks(&self) {
        let directory = self.name.as_str();
        let urls = || self.urls.iter().filter_map(|url| ServerUrl::parse(url, self).ok());
        if !self.verify_certificate && urls().any(|url| url.tls) {
            tracing::warn!(
                directory,
                "CERTIFICATES ARE NOT VERIFIED: whoever is between here and the directory reads every password; set \
                 ca_certificate and verify_certificate = true"
            );
        }
        for clear in urls().filter(|url| !url.tls) {
            let server = clear.text;
            tracing::warn!(directory, server, "passwords go to this server in the clear (loopback only)");
        }
    }

    /// Everything that is wrong with the texts of the options; empty when they can be used.
    pub fn check(&self) -> Vec<OptionsError> {
        let mut faults: Vec<OptionsError> =
            self.urls.iter().filter_map(|url| ServerUrl::parse(url, self).err()).collect();
        if self.urls.is_empty() {
            faults.push(OptionsError::NoUrl);
        }
        if self.bind_dn.is_some() != self.bind_password.is_some() {
            faults.push(OptionsError::HalfServiceAccount);
        }
        if self.bind_dn.as_deref().is_some_and(|dn| dn.trim().is_empty())
            || self.bind_password.as_ref().is_some_and(|password| password.expose().is_empty())
        {
            faults.push(OptionsError::EmptyServiceAccount);
        }
        match &self.dn_pattern {
            Some(pattern) if Template::parse(pattern).is_none() || !pattern.contains('=') => {
                faults.push(OptionsError::DnPattern(pattern.clone()));
            }
            None if self.search_base.trim().is_empty() => faults.push(OptionsError::NoSearchBase),
            _ => {}
        }
        let filter = Template::parse(&self.login_filter).map(|template| template.filter("name"));
        if filter.is_none_or(|filter| ldap3::parse_filter(&filter).is_err()) {
            faults.push(OptionsError::LoginFilter(self.login_filter.clone()));
        }
        if self.password_change && !self.urls.is_empty() && !self.is_protected() {
            faults.push(OptionsError::UnprotectedChange);
        }
        faults
    }
}

/// A fault of the options; each names the key and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Nobody to ask.
    #[error("urls: there is none; give at least one, as in urls = [\"ldaps://dc1.example.co.jp\"]")]
    NoUrl,
    /// Not a URL of an LDAP server.
    #[error(
        "urls: \"{0}\" is no LDAP server; write ldaps://host[:port] or ldap://host[:port], nothing after it"
    )]
    Url(String),
    /// Passwords would travel in the clear.
    #[error("urls: \"{0}\" would send passwords in the clear; write ldaps:// or set start_tls = true")]
    Clear(String),
    /// StartTLS inside TLS.
    #[error("start_tls: \"{0}\" is TLS already; write ldap:// for StartTLS or set start_tls = false")]
    StartTlsInTls(String),
    /// One of the two without the other.
    #[error("bind_dn, bind_password: only one of them is set; set both, or neither for anonymous searches")]
    HalfServiceAccount,
    /// A bind with these would be anonymous.
    #[error(
        "bind_dn, bind_password: empty; a bind with an empty name or password is anonymous; set both or neither"
    )]
    EmptyServiceAccount,
    /// Searches need a base.
    #[error("search_base: empty; give the DN under which people are, as in \"DC=example,DC=co,DC=jp\"")]
    NoSearchBase,
    /// Not a filter.
    #[error("login_filter: \"{0}\" is no LDAP filter with {{login}} in it, as in \"(uid={{login}})\"")]
    LoginFilter(String),
    /// Not a DN.
    #[error(
        "dn_pattern: \"{0}\" is no DN with {{login}} in it, as in \"uid={{login}},ou=People,dc=example,dc=co,dc=jp\""
    )]
    DnPattern(String),
    /// The CA file.
    #[error("ca_certificate: {file}: {cause}; give a PEM file with the CA's certificates")]
    CaCertificate {
        /// Which file.
        file: String,
        /// What is wrong.
        cause: String,
    },
    /// A new password is only sent to a server that proved who it is.
    #[error(
        "password_change: new passwords go only over TLS to servers with a verified certificate; write ldaps:// or \
         set start_tls = true, and leave verify_certificate on"
    )]
    UnprotectedChange,
    /// No TLS at all.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A server, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerUrl {
    /// What ldap3 is given.
    pub(super) text: String,
    /// Name or address to connect to.
    pub(super) host: String,
    pub(super) port: u16,
    /// `ldaps`, or `ldap` with StartTLS.
    pub(super) tls: bool,
}

impl ServerUrl {
    /// Takes scheme, host and port and nothing else: DN, scope and filter of RFC 4516 have no place here.
    pub(super) fn parse(text: &str, options: &LdapOptions) -> Result<Self, OptionsError> {
        let wrong = || OptionsError::Url(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let ldaps = match scheme.to_ascii_lowercase().as_str() {
            "ldap" => false,
            "ldaps" => true,
            _ => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?,
            None if ldaps => 636,
            None => 389,
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_name =
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if !is_name && bare.is_none_or(|bare| bare.parse::<std::net::Ipv6Addr>().is_err()) {
            return Err(wrong());
        }
        let bare = bare.unwrap_or(host);
        match (ldaps, options.start_tls) {
            (true, true) => return Err(OptionsError::StartTlsInTls(text.to_owned())),
            (false, false) if !is_loopback(bare) => return Err(OptionsError::Clear(text.to_owned())),
            _ => {}
        }
        let text = format!("{}://{host}:{port}", if ldaps { "ldaps" } else { "ldap" });
        Ok(Self { text, host: bare.to_owned(), port, tls: ldaps || options.start_tls })
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_directory_without_verification_or_tls_shouts() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let mut open = options("ldaps://dc1.example.jp");
        open.verify_certificate = false;
        tracing::subscriber::with_default(subscriber, || {
            open.tell_risks();
            options("ldap://127.0.0.1:389").tell_risks();
            options("ldaps://dc2.example.jp").tell_risks();
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let [unverified, clear] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert!(
            unverified.contains("WARN") && unverified.contains("CERTIFICATES ARE NOT VERIFIED"),
            "{text}"
        );
        assert!(clear.contains("WARN") && clear.contains("in the clear"), "{text}");
    }

    fn options(url: &str) -> LdapOptions {
        let mut options = LdapOptions::new("corp");
        options.urls = vec![url.to_owned()];
        options.search_base = "dc=example".to_owned();
        options
    }

    #[test]
    fn urls_are_scheme_host_and_port() {
        let parse = |url| ServerUrl::parse(url, &options(url)).map(|it| (it.host, it.port, it.tls));
        assert_eq!(parse("ldaps://dc1.example.jp"), Ok(("dc1.example.jp".into(), 636, true)));
        assert_eq!(parse("LDAPS://dc1:1636/"), Ok(("dc1".into(), 1636, true)));
        assert_eq!(parse("ldap://127.0.0.1"), Ok(("127.0.0.1".into(), 389, false)));
        assert_eq!(parse("ldap://[::1]:10389"), Ok(("::1".into(), 10389, false)));
        for wrong in [
            "dc1",
            "http://dc1",
            "ldaps://",
            "ldaps://dc1:0",
            "ldaps://dc1:x",
            "ldaps://dc1/dc=x",
            "ldaps://a@b",
            "ldaps://[x]",
        ] {
            assert_eq!(parse(wrong), Err(OptionsError::Url(wrong.into())), "{wrong}");
        }
    }

    #[test]
    fn passwords_never_travel_in_the_clear() {
        let mut remote = options("ldap://dc1.example.jp");
        assert_eq!(remote.check(), [OptionsError::Clear("ldap://dc1.example.jp".into())]);
        remote.start_tls = true;
        assert_eq!(remote.check(), []);
        remote.urls = vec!["ldaps://dc1".into()];
        assert_eq!(remote.check(), [OptionsError::StartTlsInTls("ldaps://dc1".into())]);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let mut wrong = options("ldaps://dc1");
        wrong.urls.clear();
        wrong.search_base.clear();
        wrong.login_filter = "(uid={login}".into();
        wrong.bind_dn = Some(String::new());
        assert_eq!(
            wrong.check(),
            [
                OptionsError::NoUrl,
                OptionsError::HalfServiceAccount,
                OptionsError::EmptyServiceAccount,
                OptionsError::NoSearchBase,
                OptionsError::LoginFilter("(uid={login}".into())
            ]
        );
        wrong.dn_pattern = Some("{login}@example.jp".into());
        assert!(wrong.check().contains(&OptionsError::DnPattern("{login}@example.jp".into())));
    }
}
