//! When accounts are locked: the policies of the directory, read now and then, and the counters of one account, read where
//! they are right.
//!
//! Active Directory counts wrong passwords on each domain controller by itself and all of them on the PDC emulator, so the
//! counters that came with the entry are compared with the PDC's where another controller answered. The PDC has the
//! `hedge` time to answer; afterwards what is known must do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap3::Scope;
use tokio::time::{Instant, timeout};

use super::DirectoryError;
use super::active_directory::domain_of;
use super::breaker::Standing;
use super::connection::{Fault, Query};
use super::dn::Dn;
use super::ldap::LdapDirectory;
use super::lockout::{Lockout, LockoutPolicy, of_account, of_policed_entry};
use super::options::ServerUrl;
use super::server::{Approach, Server};
use super::wire::Entry;

/// What is asked of an entry to know how near it is to a lock; most of it only comes when asked for by name.
pub(super) const COUNTERS: [&str; 8] = [
    "badPwdCount",
    "badPasswordTime",
    "lockoutTime",
    "msDS-User-Account-Control-Computed",
    "msDS-ResultantPSO",
    "pwdFailureTime",
    "pwdAccountLockedTime",
    "pwdPolicySubentry",
];

/// A policy is read again after this.
const FRESH: Duration = Duration::from_mins(5);
/// That a policy could not be read is remembered for so long.
const UNREAD: Duration = Duration::from_secs(10);
/// The most policies that are remembered.
const REMEMBERED: usize = 1_000;
/// Where a policy applies that cannot be read, so many wrong passwords are taken to lock.
const CAUTIOUS: u32 = 3;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// The policies and until when they are fresh, by the DN of the domain or the policy; that of a directory with one
    /// default by "".
    rules: Mutex<HashMap<String, (Instant, Rule)>>,
    /// Domain controllers that are not of the configuration, by URL.
    servers: Mutex<HashMap<String, Arc<Server>>>,
}

/// A policy, and in Active Directory who counts.
#[derive(Debug, Clone)]
struct Rule {
    policy: LockoutPolicy,
    pdc: Option<Arc<Server>>,
}

impl LdapDirectory {
    /// How near the account of this entry is to a lock, as `server`, which gave the entry, and the PDC show it. What
    /// cannot be read is logged and taken as unknown: the throttle's own bounds hold all the same.
    pub(super) async fn lockout(&self, server: &Arc<Server>, entry: &Entry) -> Lockout {
        let now = self.clock.now();
        if entry.text("userAccountControl").is_none() {
            let dn = entry.text("pwdPolicySubentry").unwrap_or("");
            let rule = match self.fresh(dn) {
                Some(rule) => rule,
                None => self.rule(dn, Box::pin(self.password_policy(dn))).await,
            };
            return of_policed_entry(entry, rule.policy, now);
        }
        let domain = domain_of(&entry.dn);
        let mut rule = match self.fresh(domain) {
            Some(rule) => rule,
            None => self.rule(domain, Box::pin(self.domain(server, domain))).await,
        };
        if let Some(dn) = entry.text("msDS-ResultantPSO") {
            let fine_grained = match self.fresh(dn) {
                Some(rule) => rule,
                None => self.rule(dn, Box::pin(self.fine_grained(dn, rule.policy))).await,
            };
            rule.policy = fine_grained.policy;
        }
        let shown = of_account(entry, rule.policy, now);
        match rule.pdc.filter(|pdc| !Arc::ptr_eq(pdc, server) && rule.policy.threshold.is_some()) {
            Some(pdc) => match self.at_pdc(pdc, &entry.dn).await {
                Some(counted) => shown.or_worse(of_account(&counted, rule.policy, now)),
                None => shown,
            },
            None => shown,
        }
    }

    /// So many wrong passwords lock where no fine-grained policy says otherwise.
    pub(super) async fn threshold(&self) -> Result<Option<u32>, DirectoryError> {
        if self.options.search_base.trim().is_empty() {
            return Ok(None);
        }
        if self.is_active_directory().await? {
            let root = self.entry(domain_of(&self.options.search_base), &["lockoutThreshold"]).await?;
            return Ok(root
                .as_ref()
                .and_then(LockoutPolicy::of_active_directory)
                .and_then(|policy| policy.threshold));
        }
        // Who may not read them is told so with the first sign-in.
        Ok(self.password_policy("").await.ok().and_then(|rule| rule.policy.threshold))
    }

    /// The rule by this name, unless it is not known or old.
    fn fresh(&self, name: &str) -> Option<Rule> {
        let held = self.policies.held();
        let (until, rule) = held.get(name)?;
        (Instant::now() < *until).then(|| rule.clone())
    }

    /// The rule by this name, read anew. One that cannot be read is taken as it was before, or as none, and read again
    /// soon.
    async fn rule(&self, name: &str, read: impl Future<Output = Result<Rule, String>>) -> Rule {
        let (rule, fresh) = match read.await {
            Ok(rule) => (rule, FRESH),
            Err(cause) => {
                let known = self.policies.held().get(name).cloned();
                let directory = self.options.name.as_str();
                tracing::warn!(directory, policy = name, %cause, "it is not known when accounts are locked");
                (known.map_or_else(Rule::unknown, |(_, rule)| rule), UNREAD)
            }
        };
        let mut held = self.policies.held();
        if held.len() >= REMEMBERED {
            held.clear();
        }
        held.insert(name.to_owned(), (Instant::now() + fresh, rule.clone()));
        rule
    }

    async fn domain(&self, server: &Arc<Server>, domain: &str) -> Result<Rule, String> {
        let names = ["lockoutThreshold", "lockOutObservationWindow", "lockoutDuration", "fSMORoleOwner"];
        // A global catalogue holds neither the policy nor the counters; the domain controller that it is on holds its own.
        let beside = if server.url.is_catalogue() { self.like(server, &server.url.host) } else { None };
        let server = beside.as_ref().unwrap_or(server);
        let found =
            server.search(&Query::of_entry(domain, &names)).await.map_err(|cause| cause.to_string())?;
        let root = found.entries.into_iter().next().ok_or_else(|| unreadable(domain))?;
        let policy = LockoutPolicy::of_active_directory(&root)
            .ok_or_else(|| format!("lockoutThreshold of \"{domain}\" cannot be read; let bind_dn read it"))?;
        let pdc = match root.text("fSMORoleOwner") {
            Some(owner) => self.pdc(server, owner).await,
            None => None,
        };
        Ok(Rule { policy, pdc })
    }

    /// The rule of a fine-grained policy, which only administrators may read unless somebody lets bind_dn.
    async fn fine_grained(&self, dn: &str, domain: LockoutPolicy) -> Result<Rule, String> {
        let names = ["msDS-LockoutThreshold", "msDS-LockoutObservationWindow", "msDS-LockoutDuration"];
        let read = self.one(dn, &names).await;
        if let Some(policy) = read.as_ref().ok().and_then(LockoutPolicy::of_active_directory) {
            return Ok(Rule { policy, pdc: None });
        }
        let directory = self.options.name.as_str();
        tracing::warn!(
            directory,
            policy = dn,
            "a fine-grained password policy cannot be read, so {CAUTIOUS} wrong passwords are taken to lock; let bind_dn \
             read the Password Settings Container"
        );
        let policy = domain.stricter(LockoutPolicy { threshold: Some(CAUTIOUS), ..domain });
        Ok(Rule { policy, pdc: None })
    }

    /// The rule of this `pwdPolicy`. Without a name the server's configuration says which is the default, and nobody may
    /// read that: the strictest of all holds.
    async fn password_policy(&self, dn: &str) -> Result<Rule, String> {
        let names = ["pwdLockout", "pwdMaxFailure", "pwdFailureCountInterval", "pwdLockoutDuration"];
        if !dn.is_empty() {
            let policy = LockoutPolicy::of_password_policy(&self.one(dn, &names).await?);
            return Ok(Rule { policy, pdc: None });
        }
        let query = Query {
            base: self.naming_context().await?,
            scope: Scope::Subtree,
            filter: "(objectClass=pwdPolicy)".to_owned(),
            attributes: names.map(str::to_owned).into(),
            limit: REMEMBERED,
        };
        let found = self.search(&query).await.map_err(|cause| cause.to_string())?;
        let policies = found.entries.iter().map(LockoutPolicy::of_password_policy);
        let policy = policies.reduce(LockoutPolicy::stricter).unwrap_or_default();
        Ok(Rule { policy, pdc: None })
    }

    /// The naming context that holds the search base, where the server tells; policies seldom stand among the people.
    async fn naming_context(&self) -> Result<String, String> {
        let base = self.options.search_base.as_str();
        let root = self.one("", &["namingContexts"]).await?;
        Ok(innermost(root.texts("namingContexts"), base).unwrap_or(base).to_owned())
    }

    /// The server that holds the role of the PDC emulator: one of ours, or one more like them.
    async fn pdc(&self, server: &Arc<Server>, owner: &str) -> Option<Arc<Server>> {
        let (_, holder) = owner.split_once(',')?;
        let host = self.one(holder, &["dNSHostName"]).await.ok()?.text("dNSHostName")?.to_ascii_lowercase();
        let is_it =
            |ours: &&Arc<Server>| ours.url.host.eq_ignore_ascii_case(&host) && !ours.url.is_catalogue();
        let ours = self.servers.list.iter().find(is_it);
        if let Some(ours) = ours {
            return Some(Arc::clone(ours));
        }
        // An address is one machine; a name may be an alias of several.
        let is_address = server.url.host.parse::<std::net::IpAddr>().is_ok();
        if is_address && self.service_name(server).await.is_some_and(|name| is_same(&name, owner)) {
            return Some(Arc::clone(server));
        }
        self.like(server, &host)
    }

    /// A domain controller on this host that is spoken to as `server` is; the same one when asked again.
    fn like(&self, server: &Server, host: &str) -> Option<Arc<Server>> {
        let url = server.url.at_host(host, &self.options)?;
        Some(self.policies.server(url, &self.approach))
    }

    async fn service_name(&self, server: &Server) -> Option<String> {
        let found = server.search(&Query::of_entry("", &["dsServiceName"])).await.ok()?;
        found.entries.first()?.text("dsServiceName").map(str::to_owned)
    }

    /// The counters at the PDC, when it answers soon. What comes late makes the next answer quick.
    async fn at_pdc(&self, pdc: Arc<Server>, dn: &str) -> Option<Entry> {
        match pdc.breaker.standing(Instant::now()) {
            Standing::Good => {}
            Standing::Probe => {
                self.servers.probe_aside(pdc);
                return None;
            }
            Standing::LastResort | Standing::Out => return None,
        }
        let (asked, query, limit) =
            (Arc::clone(&pdc), Query::of_entry(dn, &COUNTERS), self.servers.limits.answer);
        let asking = tokio::spawn(async move {
            let silent = || Err(Fault::Silent(format!("no answer within {limit:?}")));
            let found = timeout(limit, asked.search(&query)).await.unwrap_or_else(|_| silent());
            if found.is_ok() {
                asked.breaker.succeeded();
            }
            found
        });
        let hedge = self.servers.limits.hedge;
        let fault = match timeout(hedge, asking).await {
            Ok(Ok(Ok(found))) => return found.entries.into_iter().next(),
            Ok(Ok(Err(fault))) => fault,
            Ok(Err(_)) | Err(_) => Fault::Silent(format!("no answer within {hedge:?}")),
        };
        self.servers.note(&pdc, &fault);
        None
    }

    /// One entry by its DN, or why there is none.
    async fn one(&self, dn: &str, attributes: &[&str]) -> Result<Entry, String> {
        let found = self.entry(dn, attributes).await.map_err(|cause| cause.to_string())?;
        found.ok_or_else(|| unreadable(dn))
    }
}

impl Policies {
    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, Rule)>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server that was made for a URL before, with its connections, or a new one.
    fn server(&self, url: ServerUrl, approach: &Approach) -> Arc<Server> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = servers.entry(url.text.clone());
        Arc::clone(known.or_insert_with(|| Arc::new(Server::new(url, approach.clone()))))
    }
}

impl Rule {
    fn unknown() -> Self {
        Self { policy: LockoutPolicy::default(), pdc: None }
    }
}

impl ServerUrl {
    pub(super) fn is_catalogue(&self) -> bool {
        matches!(self.port, 3268 | 3269)
    }

    /// The same kind of server on another machine; of a global catalogue, the domain controller behind it.
    pub(super) fn at_host(&self, host: &str, options: &super::LdapOptions) -> Option<Self> {
        let (scheme, _) = self.text.split_once("://")?;
        let port = self.port_beside();
        Self::parse(&format!("{scheme}://{host}:{port}"), options).ok()
    }

    /// The domain controller that a global catalogue is on.
    pub(super) fn beside(&self) -> String {
        let host = self.text.rsplit_once(':').map_or(self.text.as_str(), |(host, _)| host);
        format!("{host}:{}", self.port_beside())
    }

    fn port_beside(&self) -> u16 {
        match self.port {
            3268 => 389,
            3269 => 636,
            port => port,
        }
    }
}

fn is_same(one: &str, other: &str) -> bool {
    Dn::parse(one).is_some_and(|one| Some(one) == Dn::parse(other))
}

/// The smallest of these contexts that holds a DN, however either is written.
pub(super) fn innermost<'a>(contexts: impl Iterator<Item = &'a str>, dn: &str) -> Option<&'a str> {
    let dn = Dn::parse(dn)?;
    let holds = |context: &'a str| Some((context, Dn::parse(context).filter(|held| dn.is_under(held))?));
    let mut best: Option<(&str, Dn)> = None;
    for (context, held) in contexts.filter_map(holds) {
        if best.as_ref().is_none_or(|(_, best)| held.is_under(best)) {
            best = Some((context, held));
        }
    }
    best.map(|(context, _)| context)
}

fn unreadable(dn: &str) -> String {
    format!("\"{dn}\" cannot be read; let bind_dn read it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::directory::LdapOptions;

    #[test]
    fn the_naming_context_is_found_by_any_spelling() {
        let contexts = ["", "dc=test", "dc=Example,dc=test", "dc=ample,dc=test", "ou=other,dc=test"];
        let holds = |base| innermost(contexts.into_iter(), base);
        for base in ["ou=people, DC=example, dc=test", "dc=ex\\61mple;dc=TEST"] {
            assert_eq!(holds(base), Some("dc=Example,dc=test"), "{base}");
        }
        assert_eq!(holds("ou=people,o=elsewhere"), None);
        assert_eq!(holds("no name"), None);
    }

    #[test]
    fn the_domain_controller_behind_a_global_catalogue_keeps_its_connections() {
        let mut options = LdapOptions::new("corp");
        options.urls = vec!["ldaps://dc1.example.jp:3269".to_owned()];
        "dc=example".clone_into(&mut options.search_base);
        let directory = LdapDirectory::new(options, Arc::new(SystemClock)).unwrap();
        let catalogue = directory.servers.list.first().unwrap();
        let like = |host| directory.like(catalogue, host).unwrap();
        assert_eq!(like("dc1.example.jp").url.text, "ldaps://dc1.example.jp:636");
        assert!(Arc::ptr_eq(&like("dc1.example.jp"), &like("dc1.example.jp")));
        assert!(!Arc::ptr_eq(&like("dc1.example.jp"), &like("dc2.example.jp")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_policy_that_could_not_be_read_is_read_again_soon() {
        let mut options = LdapOptions::new("corp");
        options.urls = vec!["ldap://127.0.0.1".to_owned()];
        "dc=example".clone_into(&mut options.search_base);
        let directory = LdapDirectory::new(options, Arc::new(SystemClock)).unwrap();
        let locks_at = |threshold| Rule {
            policy: LockoutPolicy { threshold: Some(threshold), ..LockoutPolicy::default() },
            pdc: None,
        };
        let seen = async |answer: Result<Rule, String>| match directory.fresh("") {
            Some(rule) => rule.policy.threshold,
            None => directory.rule("", async { answer }).await.policy.threshold,
        };
        assert_eq!(seen(Err("silence".to_owned())).await, None);
        assert_eq!(seen(Ok(locks_at(5))).await, None, "not asked with each sign-in");
        tokio::time::advance(UNREAD).await;
        assert_eq!(seen(Ok(locks_at(5))).await, Some(5));
        tokio::time::advance(UNREAD).await;
        assert_eq!(seen(Ok(locks_at(3))).await, Some(5), "fresh");
        tokio::time::advance(FRESH).await;
        assert_eq!(seen(Err("silence".to_owned())).await, Some(5), "as it was");
        tokio::time::advance(UNREAD).await;
        assert_eq!(seen(Ok(locks_at(3))).await, Some(3));
    }
}
