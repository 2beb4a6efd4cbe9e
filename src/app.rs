//! [`App`]: the running program, every part made once and in one function from the configuration.
//!
//! A test hands in its own clock, randomness and audit sink by [`Ports`]; a server takes [`Ports::of_system`].

mod accounts;
mod adapters;
mod idp;
mod inquiry;
mod metadata;
mod metrics;
mod own;
mod password;
mod profile;
mod sp_keys;
pub mod sync;

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use arc_swap::ArcSwap;

pub use metadata::Document;
pub use metrics::Metrics;
pub use own::Own;
pub use profile::lacking;

use crate::audit::jsonl::JsonLines;
use crate::audit::{Event, Record, Sink};
use crate::authn::{IntegratedSignIn, PasswordSignIn, ThrottleOptions};
use crate::clock::{Clock, Ids, RandomIds, SystemClock, Timestamp};
use crate::config::{Config, DirectoryConfig};
use crate::directory::Directory;
use crate::directory::file::FileDirectory;
use crate::directory::ldap::LdapDirectory;
use crate::identity::AuthnContext;
use crate::keys::{DecryptionPairs, KeyPair};
use crate::outgoing::Outgoing;
use crate::password::{PasswordApi, Passwords};
use crate::registry::{InMemory, Observer, Registry, Snapshot};
use crate::saml::signature::{SignatureAlgorithm, Signer};
use crate::session::{Memos, Seal, SessionOptions, Sessions};
use crate::sso::logout::SingleLogout;
use crate::sso::{Idp, SingleSignOn};
use crate::store::Store;
use crate::web::Site;

/// The running program.
#[derive(Debug)]
pub struct App {
    /// Sign-on.
    pub sso: Arc<SingleSignOn>,
    /// Single logout.
    pub logout: Arc<SingleLogout>,
    /// Sessions.
    pub sessions: Arc<Sessions>,
    /// Signing in by password.
    pub sign_in: PasswordSignIn,
    /// Signing in by a Kerberos ticket, where it is switched on.
    pub integrated: Option<IntegratedSignIn>,
    /// Changing passwords.
    pub passwords: Passwords,
    /// Passwords that other programs set, where that is switched on.
    pub password_api: Option<PasswordApi>,
    /// Seals what browsers keep.
    pub seal: Arc<Seal>,
    /// The service providers.
    pub registry: Arc<Registry>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The durable state.
    pub store: Store,
    /// The audit trail.
    pub audit: Arc<dyn Sink>,
    /// What was counted.
    pub metrics: Metrics,
    /// What is published of the signing key in force.
    pub own: ArcSwap<Own>,
    /// The place on the network.
    pub site: Site,
}

/// What a program takes from outside itself.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// The audit trail.
    pub audit: Arc<dyn Sink>,
}

impl Ports {
    /// The system's clock and randomness, and the audit file of the configuration.
    pub fn of_system(config: &Config) -> Result<Self> {
        let audit: Arc<dyn Sink> = match &config.log.audit {
            Some(path) => Arc::new(JsonLines::file(path)?),
            None => Arc::new(JsonLines::standard_output()),
        };
        Ok(Self { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds), audit })
    }
}

impl App {
    /// Makes every part; fails with the file and the remedy where one cannot be made.
    pub async fn build(config: &Config, ports: Ports) -> Result<Self> {
        let Ports { clock, ids, audit } = ports;
        let metrics = Metrics::new(config);
        let audit = metrics.counted(audit);
        let keys = load_keys(config, clock.as_ref())?;
        let decryption = load_decryption_keys(config, clock.as_ref())?;
        let own = Own::of(config, keys, &decryption, clock.now())?;
        let signer = Arc::clone(&own.signer);
        let own = ArcSwap::from_pointee(own);
        let store = Store::open(config.store_url.expose()).await?;
        let options = SessionOptions { lifetime: config.session.lifetime, idle: config.session.idle };
        let sessions = Arc::new(Sessions::new(store.clone(), Arc::clone(&clock), Arc::clone(&ids), options));
        let seal = Arc::new(Seal::new(config.session.secret.clone(), Arc::clone(&ids))?);
        let directories = directories(config, &clock)?;
        let known = store.live_files().await?;
        let registry = Arc::new(Registry::open(
            idp::registry_options(config, signer.algorithms(), &clock),
            Arc::clone(&clock),
            adapters::observer(Arc::clone(&audit), Arc::clone(&clock)),
            Arc::new(adapters::StoredLiveFiles::new(store.clone(), known)),
        )?);
        let throttle = throttle_options(config);
        let memos = Arc::new(Memos::open(store.clone(), Arc::clone(&clock)).await?);
        let sso = Arc::new(SingleSignOn {
            idp: idp::idp(config),
            registry: Arc::clone(&registry),
            sessions: Arc::clone(&sessions),
            memos: Arc::clone(&memos),
            seal: Arc::clone(&seal),
            signer: ArcSwap::from_pointee(signer),
            decryption: ArcSwap::from_pointee(decryption.keys().clone()),
            name_id_secret: config.saml.name_id_secret.clone(),
            inquiry: Arc::new(inquiry::DirectoryInquiry::new(directories.clone(), Arc::clone(&clock))),
            audit: Arc::clone(&audit),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
        });
        let after_logout_url = config.saml.after_logout_url.clone();
        let every = config.session.account_check;
        let accounts = accounts::DirectoryAccounts::new(directories.clone(), Arc::clone(&clock), every);
        let accounts = Arc::new(accounts);
        let logout = SingleLogout::new(Arc::clone(&sso), memos, accounts, Outgoing::new()?, after_logout_url);
        let logout = Arc::new(logout);
        let sign_in =
            PasswordSignIn::new(directories, store.clone(), Arc::clone(&audit), Arc::clone(&clock), throttle)
                .with_context(AuthnContext(idp::form_class(config).to_owned()));
        let integrated = match &config.integrated {
            Some(integrated) => Some(IntegratedSignIn::new(idp::integrated(integrated)?, &sign_in)),
            None => None,
        };
        let passwords = password::own(&sign_in, &logout, Arc::clone(&audit), Arc::clone(&clock));
        let password_api = password::api(config, &passwords)?;
        for lack in lacking(config, &registry.snapshot()) {
            tracing::warn!("{lack}");
        }
        let site = idp::site(config)?;
        Ok(Self {
            sso,
            logout,
            sessions,
            sign_in,
            integrated,
            passwords,
            password_api,
            seal,
            registry,
            ids,
            clock,
            store,
            audit,
            metrics,
            own,
            site,
        })
    }

    /// Writes to the audit trail that the server starts or stops.
    pub fn announce(&self, state: &str) -> Result<()> {
        self.record(Event::Server { state: state.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
    }

    /// Writes to the audit trail which configuration and which key are in force from now on.
    pub fn announce_configuration(&self, config: &Config) -> Result<()> {
        let certificate = config.saml.certificate.display().to_string();
        for (kind, file, hash) in [
            ("configuration", config.file.display().to_string(), config.fingerprint()?),
            ("key", certificate, self.own.load().key.fingerprint().to_owned()),
        ] {
            let (kind, change) = (kind.to_owned(), "loaded".to_owned());
            self.record(Event::ConfigurationChanged { kind, file, change, sha256: hash })?;
        }
        Ok(())
    }

    fn record(&self, event: Event) -> Result<()> {
        let record =
            Record { time: self.clock.now(), request_id: String::new(), client_address: None, event };
        Ok(self.audit.write(&record)?)
    }

    /// What was counted, as text of OpenMetrics.
    pub async fn metrics(&self) -> Result<String> {
        self.metrics.text(&self.store, &self.clock).await
    }

    /// Removes from the store what has passed: ended sessions, old throttle rows.
    pub async fn purge(&self) -> Result<u64> {
        Ok(self.store.purge(self.clock.now().as_millisecond()).await?)
    }
}

/// How many wrong passwords are let through.
pub fn throttle_options(config: &Config) -> ThrottleOptions {
    let configured = &config.throttle;
    ThrottleOptions {
        account_tries: configured.account_tries,
        address_tries: configured.address_tries,
        address_accounts: configured.address_accounts,
        window: configured.window,
    }
}

/// Whether the keys for tickets can be used, for the command that looks at everything.
pub fn check_keytab(config: &Config) -> Result<()> {
    config.integrated.as_ref().map_or(Ok(()), |integrated| idp::integrated(integrated).map(drop))
}

/// The signing key and its certificate.
pub fn load_keys(config: &Config, clock: &dyn Clock) -> Result<KeyPair> {
    let saml = &config.saml;
    let passphrase = saml.private_key_passphrase.as_ref();
    let keys = KeyPair::load(&saml.private_key, &saml.certificate, passphrase, clock.now());
    let keys = keys.map_err(|error| anyhow!(error.told()))?;
    let key = saml.private_key.display();
    ensure!(
        saml.algorithms.leaves(keys.algorithms()),
        "saml.denied_algorithms leaves nothing that {key} can sign with; take some out, or use another kind of key"
    );
    Ok(keys)
}

/// The keys for what SPs encrypt to us.
pub fn load_decryption_keys(config: &Config, clock: &dyn Clock) -> Result<DecryptionPairs> {
    let pairs = DecryptionPairs::load(&config.saml.decryption_keys, clock.now());
    pairs.map_err(|error| anyhow!(error.told()))
}

/// The directories in the order in which they are asked: files first, so that break-glass accounts work while LDAP is
/// down, then the others as configured.
pub fn directories(config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Arc<dyn Directory>>> {
    tell_risks(config);
    let mut files: Vec<Arc<dyn Directory>> = Vec::new();
    let mut others: Vec<Arc<dyn Directory>> = Vec::new();
    for directory in &config.directories {
        match directory {
            DirectoryConfig::File { name, path } => files.push(Arc::new(FileDirectory::load(name, path)?)),
            DirectoryConfig::Ldap(options) => {
                let made = LdapDirectory::new((**options).clone(), Arc::clone(clock));
                let made = made.with_context(|| format!("directory \"{}\"", options.name))?;
                others.push(Arc::new(made));
            }
        }
    }
    files.append(&mut others);
    Ok(files)
}

/// Writes to the log how the directories of the configuration are spoken to, where that is not safe.
pub fn tell_risks(config: &Config) {
    for directory in &config.directories {
        if let DirectoryConfig::Ldap(options) = directory {
            options.tell_risks();
        }
    }
}

/// The identity provider's signed metadata, for the command that prints it: octet for octet what the server serves, as
/// long as it has no validUntil. `own`: the key that signs for one SP alone, for which it is meant; `ecp`: whether some SP
/// is open to enhanced clients.
pub fn metadata(
    config: &Config,
    keys: KeyPair,
    decryption: &DecryptionPairs,
    (own, ecp): (Option<&Arc<dyn Signer>>, bool),
    now: Timestamp,
) -> Result<Document> {
    let signing = idp::certificates(config, &keys)?;
    let template = idp::template(config, &signing, decryption.certificates()).with_ecp(ecp);
    match own {
        Some(signer) => template.with_key(signer.as_ref()).sign(signer, now),
        None => template.sign(&(Arc::new(keys) as Arc<dyn Signer>), now),
    }
}

/// What the identity provider is, for the command that explains messages.
pub fn identity(config: &Config) -> Idp {
    idp::idp(config)
}

/// The service providers as they would be live, for the command that looks at them: nothing is written.
pub fn service_providers(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<Snapshot>> {
    let silent: Observer = Arc::new(|_| {});
    let memory = Arc::new(InMemory::default());
    // What is wrong with the keys is told elsewhere.
    let keys = load_keys(config, clock.as_ref()).ok();
    let signs_with = keys.as_ref().map_or(&[] as &[SignatureAlgorithm], Signer::algorithms);
    let options = idp::registry_options(config, signs_with, clock);
    let registry = Registry::open(options, Arc::clone(clock), silent, memory)?;
    Ok(registry.snapshot())
}
