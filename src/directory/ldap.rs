//! [`LdapDirectory`]: Active Directory, OpenLDAP and their relatives.
//!
//! A sign-in is [`find`](Directory::find) by the service account, then [`verify`](Directory::verify) by one user bind on
//! a connection of the user pool. With `dn_pattern` there is no search: the pattern makes the DN, and the person's
//! own entry is read over the connection that the bind made theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ldap3::Scope;
use tokio::sync::OnceCell;
use unicode_normalization::UnicodeNormalization;

use super::active_directory::bar;
use super::connection::{Fault, Limits, Query, tls_connector};
use super::dn::Dn;
use super::failover::Servers;
use super::filter::Template;
use super::lockout::is_for_good;
use super::options::{LdapOptions, OptionsError, ServerUrl};
use super::person::{LOCKS, NEEDED, key_filter, requested, subject};
use super::policy::Policies;
use super::pool::Lease;
use super::server::{Approach, Server};
use super::source::dirsync::Kept;
use super::wire::{BindAnswer, Entry, judge_bind};
use super::{
    Administrator, Candidate, Directory, DirectoryError, Lockout, Login, Lookup, PasswordChange,
    PasswordReset, Reason, Standing, Verdict,
};
use crate::clock::{Clock, Timestamp};
use crate::identity::{Found, Question, Subject, SubjectId};
use crate::secret::Secret;

/// What the entry itself says against signing in. A lock against guessers has a time and ends by itself; one that an
/// administrator closed stays.
pub(super) fn barred(entry: &Entry, now: Timestamp) -> Option<Reason> {
    let closed = |lock: &str| is_for_good(lock) || lock.eq_ignore_ascii_case("true");
    let locked = LOCKS.iter().any(|name| entry.text(name).is_some_and(closed));
    bar(entry, now).or(locked.then_some(Reason::Disabled))
}

/// A directory that is spoken to by LDAP.
#[derive(Debug)]
pub struct LdapDirectory {
    pub(super) options: LdapOptions,
    pub(super) servers: Servers,
    pub(super) is_active_directory: OnceCell<bool>,
    pub(super) policies: Policies,
    pub(super) approach: Approach,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) login_filter: Template,
    dn_pattern: Option<Template>,
    pub(super) requested: Arc<[String]>,
    pub(super) first_cookie: Kept,
    /// The domain that each global catalogue is of, by its URL.
    pub(super) catalogues: Mutex<HashMap<String, Dn>>,
}

impl LdapDirectory {
    /// Connects nowhere yet; fails on options that [`LdapOptions::check`] finds fault with and on a CA file that cannot
    /// be used.
    pub fn new(options: LdapOptions, clock: Arc<dyn Clock>) -> Result<Self, DirectoryError> {
        Self::with_limits(options, clock, Limits::default())
    }

    /// The same with other time limits.
    pub fn with_limits(
        options: LdapOptions,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, DirectoryError> {
        let name = options.name.clone();
        Self::build(options, clock, limits)
            .map_err(|cause| DirectoryError::Options { directory: name, cause: Box::new(cause) })
    }

    fn build(options: LdapOptions, clock: Arc<dyn Clock>, limits: Limits) -> Result<Self, OptionsError> {
        if let Some(fault) = options.check().into_iter().next() {
            return Err(fault);
        }
        let urls: Vec<ServerUrl> =
            options.urls.iter().map(|url| ServerUrl::parse(url, &options)).collect::<Result<_, _>>()?;
        let tls = urls.iter().any(|url| url.tls);
        let connector =
            if tls { Some(tls_connector(&options, read_ca(&options)?.as_deref())?) } else { None };
        let account = options.bind_dn.clone().zip(options.bind_password.clone());
        let approach = Approach { start_tls: options.start_tls, connector, account, limits };
        let servers = Servers {
            directory: options.name.clone(),
            bind_dn: options.bind_dn.clone().unwrap_or_default(),
            list: urls.into_iter().map(|url| Arc::new(Server::new(url, approach.clone()))).collect(),
            limits,
        };
        let login_filter = Template::parse(&options.login_filter)
            .ok_or_else(|| OptionsError::LoginFilter(options.login_filter.clone()))?;
        Ok(Self {
            servers,
            policies: Policies::default(),
            approach,
            is_active_directory: OnceCell::new(),
            clock,
            login_filter,
            dn_pattern: options.dn_pattern.as_deref().and_then(Template::parse),
            requested: requested(&options).into(),
            first_cookie: Kept::default(),
            catalogues: Mutex::default(),
            options,
        })
    }

    /// The names to look for, in this order: without a `DOMAIN\` of ours, with an `@domain` of ours and then without it.
    /// None when the domain is another's.
    pub(super) fn local_names<'a>(&self, login: &'a str) -> Vec<&'a str> {
        let is_in = |ours: &[String], domain: &str| {
            let domain = domain.to_lowercase();
            ours.iter().any(|ours| ours.to_lowercase() == domain)
        };
        let (options, suffixes) = (&self.options, &self.options.upn_suffixes);
        let names = match (login.split_once('\\'), login.rsplit_once('@')) {
            (Some((domain, name)), _) if is_in(&options.netbios_names, domain) => vec![name.trim()],
            (Some(_), _) => vec![],
            (None, Some((name, domain))) if is_in(suffixes, domain) => vec![login, name.trim()],
            (None, Some(_)) if !suffixes.is_empty() => vec![],
            (None, _) => vec![login],
        };
        names.into_iter().filter(|name| !name.is_empty()).collect()
    }

    pub(super) async fn search(&self, query: &Query) -> Result<super::connection::Found, DirectoryError> {
        self.servers.ask(|server| async move { server.search(query).await }).await
    }

    /// One entry by its DN.
    pub(super) async fn entry(&self, dn: &str, names: &[&str]) -> Result<Option<Entry>, DirectoryError> {
        Ok(self.search(&Query::of_entry(dn, names)).await?.entries.into_iter().next())
    }

    /// The answer to a search, and who gave it.
    async fn search_at(
        &self,
        query: &Query,
    ) -> Result<(Arc<Server>, super::connection::Found), DirectoryError> {
        self.servers
            .ask(|server| async move { server.search(query).await.map(|found| (server, found)) })
            .await
    }

    fn people(&self, filter: String) -> Query {
        Query {
            base: self.options.search_base.clone(),
            scope: Scope::Subtree,
            filter,
            attributes: Arc::clone(&self.requested),
            // Two are enough to know that it is not exactly one.
            limit: 2,
        }
    }

    pub(super) fn subject(&self, entry: &Entry) -> Result<Subject, DirectoryError> {
        let mut subject = subject(entry, &self.options).map_err(|cause| self.unusable(&entry.dn, cause))?;
        subject.password_expires = subject.password_expires.and_then(|ends| self.near_end(ends));
        Ok(subject)
    }

    pub(super) fn unusable(&self, dn: &str, cause: String) -> DirectoryError {
        DirectoryError::Entry { directory: self.options.name.clone(), dn: dn.to_owned(), cause }
    }

    async fn found(&self, server: &Arc<Server>, entry: &Entry) -> Result<Box<Candidate>, DirectoryError> {
        let subject = self.subject(entry)?;
        let lockout = self.lockout(server, entry).await;
        Ok(Box::new(Candidate {
            throttle_key: subject.id.to_string(),
            bind_name: entry.dn.clone(),
            barred: barred(entry, self.clock.now()),
            lockout,
            subject: Some(subject),
        }))
    }

    /// One bind with a person's password, on a connection of its own.
    pub(super) async fn bind(
        &self,
        name: &str,
        password: &Secret<String>,
    ) -> Result<(Arc<Server>, Lease, BindAnswer), DirectoryError> {
        let opened = self.servers.ask(|server| async move {
            let lease = server.user_connection().await?;
            Ok((server, lease))
        });
        let (server, mut lease) = opened.await?;
        match lease.connection.bind(name, password.expose()).await {
            Ok(answer) => Ok((server, lease, answer)),
            Err(fault) => {
                // Sent, and not answered: the password may have been counted, so no other server is asked.
                self.servers.note(&server, &fault);
                Err(self.servers.unanswered(&server, &fault))
            }
        }
    }

    /// Reads the entry of the person who has just bound, over the person's own connection.
    async fn own_entry(
        &self,
        server: &Arc<Server>,
        lease: &mut Lease,
        dn: &str,
    ) -> Result<Entry, DirectoryError> {
        let query = Query::entry(dn, Arc::clone(&self.requested));
        let hidden = || self.unusable(dn, "cannot be read by its owner; grant \"self read\"".to_owned());
        match lease.connection.search(&query).await {
            Ok(found) => found.entries.into_iter().next().ok_or_else(hidden),
            Err(Fault::Refused { .. }) => Err(hidden()),
            Err(fault) => Err(self.fault(server, &fault)),
        }
    }

    pub(super) fn bind_refused(&self, answer: &BindAnswer) -> DirectoryError {
        let remedy = match answer.code {
            8 | 13 => "; the server wants TLS: write ldaps:// in urls or set start_tls = true",
            _ => "",
        };
        DirectoryError::Refused {
            directory: self.options.name.clone(),
            code: answer.code,
            operation: "user bind",
            cause: format!("{answer}{remedy}"),
        }
    }
}

#[async_trait]
impl Directory for LdapDirectory {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn local_name<'a>(&self, login: &'a Login) -> Option<&'a str> {
        // Most people type none.
        if !login.as_str().contains(['\\', '@']) {
            return None;
        }
        self.local_names(login.as_str()).pop().filter(|local| *local != login.as_str())
    }

    async fn find(&self, login: &Login) -> Result<Lookup, DirectoryError> {
        let names = self.local_names(login.as_str());
        if let (Some(pattern), Some(name)) = (&self.dn_pattern, names.last()) {
            let folded = name.nfkc().collect::<String>().to_lowercase();
            return Ok(Lookup::Found(Box::new(Candidate {
                throttle_key: format!("{}/{folded}", self.options.name),
                bind_name: pattern.dn(name),
                subject: None,
                barred: None,
                // The entry is read after the bind.
                lockout: Lockout::default(),
            })));
        }
        for name in names {
            let (server, found) = self.search_at(&self.people(self.login_filter.filter(name))).await?;
            match found.entries.as_slice() {
                [] => tracing::info!(directory = %self.options.name, "LDAP search returned zero entries"),
                [entry] if !found.more => return self.found(&server, entry).await.map(Lookup::Found),
                _ => return Ok(Lookup::Ambiguous),
            }
        }
        Ok(Lookup::Unknown)
    }

    async fn find_by_dn(&self, dn: &str) -> Result<Option<Box<Candidate>>, DirectoryError> {
        let (server, found) = self.search_at(&Query::entry(dn, Arc::clone(&self.requested))).await?;
        let Some(entry) = found.entries.first() else { return Ok(None) };
        match self.found(&server, entry).await {
            Ok(candidate) => Ok(Some(candidate)),
            // An entry without an id.
            Err(DirectoryError::Entry { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn verify(
        &self,
        candidate: &Candidate,
        password: &Secret<String>,
    ) -> Result<Verdict, DirectoryError> {
        // RFC 4513 5.1.2: a bind without a password, or without a name, succeeds and proves nothing.
        if super::is_blank(password) || candidate.bind_name.trim().is_empty() {
            return Ok(Verdict::Denied(Reason::WrongPassword));
        }
        let (server, mut lease, answer) = self.bind(&candidate.bind_name, password).await?;
        let verdict = match (judge_bind(&answer), &candidate.subject) {
            (None, _) => Err(self.bind_refused(&answer)),
            (Some(Err(Reason::Locked { .. })), _) => {
                Ok(Verdict::Denied(Reason::Locked { until: candidate.lockout.locked_until }))
            }
            (Some(Err(reason)), _) => Ok(Verdict::Denied(reason)),
            (Some(Ok(())), Some(subject)) => Ok(candidate
                .barred
                .map_or_else(|| self.accepted(subject.clone(), answer.expires_in), Verdict::Denied)),
            (Some(Ok(())), None) => {
                let entry = self.own_entry(&server, &mut lease, &candidate.bind_name).await?;
                match barred(&entry, self.clock.now()) {
                    Some(reason) => Ok(Verdict::Denied(reason)),
                    None => self.subject(&entry).map(|subject| self.accepted(subject, answer.expires_in)),
                }
            }
        };
        lease.give_back();
        verdict
    }

    async fn find_by_id(&self, id: &SubjectId) -> Result<Option<Box<Candidate>>, DirectoryError> {
        let filter =
            (id.directory == self.options.name).then(|| key_filter(&id.key, &self.options)).flatten();
        let Some(filter) = filter else { return Ok(None) };
        let (server, found) = self.search_at(&self.people(filter)).await?;
        match found.entries.as_slice() {
            [] => Ok(None),
            [entry] if !found.more => self.found(&server, entry).await.map(Some),
            [entry, ..] => {
                let cause = format!("is not the only one with the stable identity {}", id.key);
                Err(self.unusable(&entry.dn, cause))
            }
        }
    }

    async fn standing(&self, id: &SubjectId) -> Result<Standing, DirectoryError> {
        if self.options.search_base.trim().is_empty() {
            // With dn_pattern alone nobody but the person may read the entry.
            return Ok(Standing::Usable);
        }
        let filter = (id.directory == self.options.name).then(|| key_filter(&id.key, &self.options));
        let Some(filter) = filter.flatten() else { return Ok(Standing::Gone) };
        let attributes = NEEDED.into_iter().chain(LOCKS).map(str::to_owned).collect();
        let found = self.search(&Query { attributes, ..self.people(filter) }).await?;
        let Some(entry) = found.entries.first() else { return Ok(Standing::Gone) };
        Ok(barred(entry, self.clock.now()).map_or(Standing::Usable, Standing::Barred))
    }

    async fn ask(&self, subject: &Subject, question: &Question) -> Result<Vec<Found>, DirectoryError> {
        match (question, &subject.dn) {
            (Question::Groups { attribute }, Some(dn)) => self.groups_of(dn, attribute.as_deref()).await,
            (Question::Groups { .. }, None) => Ok(Vec::new()),
            (Question::Search { filter, attributes }, _) => self.found_by(filter, attributes).await,
        }
    }

    fn changes_passwords(&self) -> bool {
        self.options.password_change
    }

    async fn change_password(
        &self,
        candidate: &Candidate,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<PasswordChange, DirectoryError> {
        self.change(candidate, old, new).await
    }

    async fn reset_password(
        &self,
        by: &Administrator<'_>,
        login: &Login,
        new: &Secret<String>,
    ) -> Result<PasswordReset, DirectoryError> {
        self.reset(by, login, new).await
    }

    async fn has(&self, dn: &str) -> Result<bool, DirectoryError> {
        Ok(self.entry(dn, &["1.1"]).await?.is_some())
    }

    async fn locks_at(&self) -> Result<Option<u32>, DirectoryError> {
        self.threshold().await
    }

    async fn probe_each(&self) -> Vec<(String, Result<(), DirectoryError>)> {
        let mut answers = Vec::new();
        for server in &self.servers.list {
            let answer = server.probe().await.map_err(|fault| self.servers.error(server, &fault));
            answers.push((server.url.text.clone(), answer));
        }
        answers
    }

    async fn probe(&self) -> Result<(), DirectoryError> {
        if self.options.search_base.is_empty() {
            return self.servers.ask(|server| async move { server.probe().await }).await;
        }
        let base = Query::of_entry(&self.options.search_base, &["1.1"]);
        if self.search(&base).await?.entries.is_empty() {
            let cause = "it does not exist or may not be read; check search_base and the rights of bind_dn";
            return Err(self.unusable(&base.base, cause.to_owned()));
        }
        Ok(())
    }
}

fn read_ca(options: &LdapOptions) -> Result<Option<Vec<u8>>, OptionsError> {
    let Some(path) = &options.ca_certificate else { return Ok(None) };
    super::file::read_bytes(path).map(Some).map_err(|cause| OptionsError::CaCertificate {
        file: path.display().to_string(),
        cause: cause.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_local_name_is_what_stands_beside_a_domain_of_ours() {
        let mut options = LdapOptions::new("corp");
        options.urls = vec!["ldaps://dc1.example.jp".to_owned()];
        "dc=example".clone_into(&mut options.search_base);
        options.netbios_names = vec!["CORP".to_owned()];
        options.upn_suffixes = vec!["example.jp".to_owned()];
        let directory = LdapDirectory::new(options, Arc::new(SystemClock)).unwrap();
        let local = |name: &str| {
            let login = Login::parse(name).unwrap();
            directory.local_name(&login).map(str::to_owned)
        };
        for name in ["corp\\tanaka", "tanaka@EXAMPLE.jp"] {
            assert_eq!(local(name).as_deref(), Some("tanaka"), "{name}");
        }
        for name in ["tanaka", "OTHER\\tanaka", "tanaka@other.jp", "CORP\\", "@example.jp"] {
            assert_eq!(local(name), None, "{name}");
        }
    }

    #[test]
    fn what_an_administrator_locked_is_barred_and_what_guessers_locked_is_not() {
        let said = |name: &str, value: &str| {
            let entry = Entry {
                dn: String::new(),
                attributes: vec![(name.to_owned(), vec![value.as_bytes().to_vec()])],
            };
            barred(&entry, Timestamp::UNIX_EPOCH)
        };
        let disabled = Some(Reason::Disabled);
        assert_eq!((said("nsAccountLock", "TRUE"), said("nsaccountlock", "true")), (disabled, disabled));
        assert_eq!(said("nsAccountLock", "false"), None);
        assert_eq!(said("pwdAccountLockedTime", "000001010000Z"), disabled);
        assert_eq!(said("pwdAccountLockedTime", "20240501115900Z"), None);
        assert_eq!(said("userAccountControl", "514"), disabled);
    }

    #[test]
    fn a_ca_file_that_is_none_is_an_error_with_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path().to_owned(), file.path().join("missing")] {
            let mut options = LdapOptions::new("corp");
            options.urls = vec!["ldaps://dc1.example.jp".to_owned()];
            "dc=example".clone_into(&mut options.search_base);
            options.ca_certificate = Some(path.clone());
            let error = LdapDirectory::new(options, Arc::new(SystemClock)).unwrap_err().to_string();
            assert!(error.contains("ca_certificate") && error.contains(path.to_str().unwrap()), "{error}");
        }
    }
}
