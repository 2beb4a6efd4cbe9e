//! Synchronisation as the configuration wants it: sources, target and state of each `[[sync]]`, and whose sessions end.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::audit::{Event, Record, Sink};
use crate::clock::{Clock, Ids, Timestamp};
use crate::config::{Config, DirectoryConfig, FaultKind};
use crate::directory::source::{Source, subject_keys};
use crate::directory::write::LdapWriter;
use crate::directory::{FileDirectory, LdapDirectory};
use crate::identity::SubjectId;
use crate::outgoing::{Credentials, ExchangeOptions};
use crate::secret::Secret;
use crate::session::Sessions;
use crate::sso::logout::SingleLogout;
use crate::sso::logout::sessions::Cause;
use crate::sso::{RequestContext, Ticket};
use crate::store::{Store, SyncStore, Write};
use crate::sync::engine::Synchronisation;
use crate::sync::options::{Access, Destination, SyncOptions};
use crate::sync::report::Leavers;
use crate::sync::state::State;
use crate::sync::{LdapTarget, ScimOptions, ScimTarget, ScimType, Target, Update, preset};

/// The word of the audit trail for whom a run deactivated.
const DEACTIVATED: &str = "deactivated";
/// Objects of one page of a list.
const PAGE: usize = 200;

/// The `[[sync]]` of this name.
pub fn sync_options<'a>(config: &'a Config, name: &str) -> Result<&'a SyncOptions> {
    let known: Vec<&str> = config.sync.iter().map(|target| target.name.as_str()).collect();
    match config.sync.iter().find(|target| target.name == name) {
        Some(options) => Ok(options),
        None if known.is_empty() => {
            bail!("there is no [[sync]] in {}; describe the target there", config.file.display())
        }
        None => bail!("there is no target \"{name}\"; there are {}", known.join(", ")),
    }
}

/// One target, ready to be asked. `node` is what others are told of this process.
pub fn synchronisation(
    config: &Config,
    options: &SyncOptions,
    store: &SyncStore,
    (clock, ids, node): (Arc<dyn Clock>, Arc<dyn Ids>, String),
) -> Result<Synchronisation> {
    // Each begins with reading the certificate authorities of the system, which takes OpenSSL 3 a tenth of a second.
    let (sources, target) = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("target".to_owned());
        let target = thread.spawn_scoped(scope, || target(config, options, &clock));
        let sources = sources(config, options, &clock)?;
        let target = target.context("no thread for the target")?.join();
        anyhow::Ok((sources, target.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?))
    })?;
    let state = state(options, store, &clock);
    Ok(Synchronisation::new(options.clone(), sources, target, state, (clock, ids, node)))
}

/// What is kept of a target: for whoever asks neither it nor a directory.
pub fn state(options: &SyncOptions, store: &SyncStore, clock: &Arc<dyn Clock>) -> State {
    State::new(store.clone(), &options.name, Arc::clone(clock))
}

/// The directories of a target, in the order of the configuration.
pub fn sources(
    config: &Config,
    options: &SyncOptions,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Arc<dyn Source>>> {
    options.sources.iter().map(|source| source_of(config, &source.directory, clock)).collect()
}

fn source_of(config: &Config, name: &str, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Source>> {
    let configured = config.directories.iter().find(|directory| directory.name() == name);
    Ok(match configured.with_context(|| format!("there is no directory \"{name}\""))? {
        DirectoryConfig::File { name, path } => Arc::new(FileDirectory::load(name, path)?),
        DirectoryConfig::Ldap(_) => ldap_directory(config, name, clock)?,
    })
}

fn ldap_directory(config: &Config, name: &str, clock: &Arc<dyn Clock>) -> Result<Arc<LdapDirectory>> {
    let configured = config.directories.iter().find(|directory| directory.name() == name);
    let Some(DirectoryConfig::Ldap(options)) = configured else {
        bail!("there is no LDAP directory \"{name}\"");
    };
    let made = LdapDirectory::new((**options).clone(), Arc::clone(clock));
    Ok(Arc::new(made.with_context(|| format!("directory \"{name}\""))?))
}

/// The target of a `[[sync]]`, which has not been asked yet.
pub fn target(config: &Config, options: &SyncOptions, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Target>> {
    let (url, access, authorities, plain_http) = match &options.destination {
        Destination::Scim { url, access, authorities, plain_http } => (url, access, authorities, plain_http),
        Destination::Ldap { directory, options: target } => {
            let writer = LdapWriter::new(ldap_directory(config, directory, clock)?);
            let made = LdapTarget::new(writer, target.clone());
            return Ok(Arc::new(made.with_context(|| format!("target \"{}\"", options.name))?));
        }
    };
    let credentials = match access {
        Access::TokenFile(path) => Credentials::Bearer(read_token(path, &options.name)?),
        Access::Token(token) => Credentials::Bearer(token.clone()),
        Access::Password(user, password) => Credentials::Basic(user.clone(), password.clone()),
    };
    let carried = options.preset.types.iter().filter(|(kind, _)| options.objects.contains(kind));
    let types: BTreeMap<_, _> = carried
        .map(|(kind, preset)| {
            let (endpoint, schemas) = (preset.endpoint.clone(), preset.schemas.clone());
            (*kind, ScimType { endpoint, schemas, active: preset.active.clone() })
        })
        .collect();
    let exchange = ExchangeOptions {
        authorities: authorities.clone(),
        plain_http: *plain_http,
        ..ExchangeOptions::default()
    };
    let target = ScimTarget::new(ScimOptions {
        base_url: url.clone(),
        credentials,
        types,
        update: match options.preset.update {
            preset::Update::Patch => Update::Patch,
            preset::Update::Put => Update::Put,
        },
        page: PAGE,
        members_per_patch: options.preset.members_per_request as usize,
        bulk: options.bulk,
        in_flight: options.pace.in_flight,
        secrets: options
            .preset
            .types
            .values()
            .flat_map(|preset| preset.mapping.secret_paths())
            .map(str::to_owned)
            .collect(),
        exchange,
    });
    Ok(Arc::new(target.with_context(|| format!("target \"{}\"", options.name))?))
}

/// Why no run of a target can begin, where that is its token.
pub fn unusable_token(options: &SyncOptions) -> Option<String> {
    let Destination::Scim { access: Access::TokenFile(path), .. } = &options.destination else { return None };
    read_token(path, &options.name).err().map(|error| error.to_string())
}

fn read_token(path: &std::path::Path, target: &str) -> Result<Secret<String>> {
    crate::config::read_secret_file(path).map_err(|fault| {
        let also = if fault.kind == FaultKind::Exposed {
            format!(", or {}", fault.remedy)
        } else {
            String::new()
        };
        anyhow!(
            "the token of target \"{target}\": {}; write it anew with `sekisho sync token set {target}`{also}",
            fault.message
        )
    })
}

/// Ends the sessions of a person.
#[async_trait]
pub trait EndsAll: Send + Sync + std::fmt::Debug {
    /// All of them.
    async fn end_all(&self, id: &SubjectId) -> Result<()>;
}

/// In a server: the service providers are told, too.
#[derive(Debug)]
pub struct InServer(pub Arc<SingleLogout>, pub Arc<dyn Ids>);

#[async_trait]
impl EndsAll for InServer {
    async fn end_all(&self, id: &SubjectId) -> Result<()> {
        let (request_id, address) = (self.1.request_id(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let request = RequestContext { id: &request_id, address, ticket: Ticket::Never };
        self.0.end_others(id, "", Cause::Account(DEACTIVATED), &request).await?;
        Ok(())
    }
}

/// In a command: a running server takes it over within a second.
#[derive(Debug)]
pub struct InStore {
    /// The sessions of the store.
    pub sessions: Sessions,
    /// The audit trail.
    pub audit: Arc<dyn Sink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl EndsAll for InStore {
    async fn end_all(&self, id: &SubjectId) -> Result<()> {
        let found = self.sessions.of(id).await?;
        self.sessions.revoke(&found).await?;
        for session in found {
            let (subject, login) = (session.subject.id.to_string(), session.subject.login.clone());
            let event = Event::SessionEnded { subject, login, reason: DEACTIVATED.to_owned() };
            let (time, request_id) = (self.clock.now(), String::new());
            self.audit.write(&Record { time, request_id, client_address: None, event })?;
        }
        Ok(())
    }
}

/// Takes the ids of those who left; what is behind it ends their sessions one after another.
#[derive(Debug)]
pub struct Farewell(mpsc::UnboundedSender<String>);

impl Leavers for Farewell {
    fn left(&self, id: &str) {
        // Nobody takes it when the server is going down: the account check at the next sign-on does.
        let _ = self.0.send(id.to_owned());
    }
}

/// Whom a run deactivates loses all sessions. The task ends when the [`Farewell`] is dropped and all are done.
pub fn farewell(
    options: &SyncOptions,
    ends: Arc<dyn EndsAll>,
) -> (Farewell, impl Future<Output = ()> + Send + 'static) {
    let (sender, mut left) = mpsc::unbounded_channel::<String>();
    let directories: Vec<String> = options.sources.iter().map(|source| source.directory.clone()).collect();
    let work = async move {
        while let Some(id) = left.recv().await {
            for directory in &directories {
                for key in subject_keys(&id) {
                    let subject = SubjectId { directory: directory.clone(), key };
                    if let Err(error) = ends.end_all(&subject).await {
                        tracing::error!(subject.id = %subject, "sessions of somebody who left are not ended: {error:#}");
                    }
                }
            }
        }
    };
    (Farewell(sender), work)
}

/// How often a run looks whether its target was paused.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// Long enough for what has no end.
const FOR_EVER_MS: i64 = i64::MAX / 4;

fn pause_key(target: &str) -> String {
    format!("sync-paused/{target}")
}

/// From now on nothing is carried to a target.
pub async fn pause(store: &Store, target: &str) -> Result<()> {
    let (key, body) = (pause_key(target), String::new());
    Ok(store.commit(vec![Write::PutMemo { key, body, expires_ms: FOR_EVER_MS }]).await?)
}

/// It goes on.
pub async fn resume(store: &Store, target: &str) -> Result<()> {
    Ok(store.commit(vec![Write::DropMemo { key: pause_key(target) }]).await?)
}

/// Returns when a target is paused.
pub async fn until_paused(store: &Store, target: &str, clock: &dyn Clock) {
    loop {
        tokio::time::sleep(LOOKS_EVERY).await;
        match is_paused(store, target, clock.now()).await {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => tracing::debug!(sync.target = target, "cannot see whether it is paused: {error:#}"),
        }
    }
    tracing::info!(sync.target = target, "{target} was paused: the run ends");
}

/// Whether it is paused.
pub async fn is_paused(store: &Store, target: &str, now: Timestamp) -> Result<bool> {
    Ok(store.memo(&pause_key(target), now.as_millisecond()).await?.is_some())
}
