//! The service providers: `metadata/*.xml` with an optional `NAME.toml` policy, or a TOML alone, as a [`Snapshot`].
//!
//! [`Registry::open`] reads the folder and keeps watching it: a file that is dropped, changed or removed is live within
//! two seconds, without a restart. New content counts when two looks found it the same, so that nothing is judged while
//! it is being copied. A bad file is named in the log and in [`Snapshot::findings`], harms no other, and leaves what was
//! last good of it in use. Readers take [`Registry::snapshot`] and never wait.
//!
//! Reading order: [`unit`](self) one name over time, `load` content to providers, `snapshot` all names together.

mod affiliations;
mod change;
mod encryption;
mod endpoint;
mod finding;
mod folder;
mod lint;
mod load;
pub mod policy;
mod provider;
mod release;
mod signing;
mod snapshot;
mod state;
mod unit;
mod watch;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::authproc::FilterConfig;
use crate::clock::Clock;
use crate::saml::signature::{AlgorithmSet, SignatureAlgorithm};

pub use change::{Change, FileKind, InMemory, LiveFile, LiveFiles, Observer, What};
pub use finding::{Finding, Severity};
pub use policy::{Allow, Encrypt, NameIdEncoding, Policy, Profile, Sign, UPN_DOMAIN, VerifyRequests};
pub use provider::ServiceProvider;
pub use release::{EntityRelease, Release, ReleaseOrigin, Releases, UnknownService};
pub use signing::{KeyRemark, SigningKey, SigningKeys};
pub use snapshot::Snapshot;

use state::State;
use unit::Patience;
use watch::Watch;

/// How service providers are read.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// `saml.metadata`: the folder.
    pub folder: PathBuf,
    /// `saml.allow_http_endpoints`: http endpoints are used also where they are not on this machine.
    pub allow_http_endpoints: bool,
    /// `saml.enforce_valid_until`: a passed validUntil refuses a service provider.
    pub enforce_valid_until: bool,
    /// `[[authproc]]`
    pub global_filters: Vec<FilterConfig>,
    /// `[[saml.authproc]]`
    pub idp_filters: Vec<FilterConfig>,
    /// `saml.attributes`
    pub idp_attributes: Option<Vec<String>>,
    /// `[[saml.release]]`
    pub entity_releases: Vec<EntityRelease>,
    /// Which of subject-id and pairwise-id the configuration lets people have.
    pub subject_ids: Vec<&'static str>,
    /// A service provider that no file describes, as the TOML that could: the built-in one.
    pub built_in: Option<String>,
    /// `saml.profile`: the profile of service providers that name none.
    pub profile: Option<Profile>,
    /// `saml.denied_algorithms`
    pub denied: AlgorithmSet,
    /// What the identity provider's key can sign with, for findings; empty where that is not known.
    pub signs_with: Vec<SignatureAlgorithm>,
    /// Loads the signing keys of single service providers.
    pub signing_keys: Option<Arc<dyn SigningKeys>>,
}

/// The registry cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No such folder, or no right to read it.
    #[error("cannot read the metadata folder {}: {cause}; create it or correct saml.metadata", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's word.
        cause: io::Error,
    },
    /// The system gives no thread.
    #[error("cannot start the thread that watches the metadata folder: {0}")]
    Thread(io::Error),
}

/// The service providers, always up to date.
#[derive(Debug)]
pub struct Registry {
    shared: Arc<Shared>,
    _watch: Watch,
}

/// What the watching thread and the readers share.
pub(crate) struct Shared {
    state: Mutex<State>,
    snapshot: ArcSwap<Snapshot>,
}

impl Registry {
    /// Reads the folder and begins to watch it. Bad files are findings, not errors.
    pub fn open(
        options: RegistryOptions,
        clock: Arc<dyn Clock>,
        observer: Observer,
        live_files: Arc<dyn LiveFiles>,
    ) -> Result<Self, RegistryError> {
        let folder = options.folder.clone();
        let state = Mutex::new(State::new(options, clock, observer, live_files));
        let shared = Arc::new(Shared { state, snapshot: ArcSwap::default() });
        shared.read_now()?;
        let watch = Watch::start(&folder, Arc::clone(&shared)).map_err(RegistryError::Thread)?;
        Ok(Self { shared, _watch: watch })
    }

    /// The service providers of this moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// Reads what changed without waiting for the watcher.
    pub fn reload_now(&self) -> Result<(), RegistryError> {
        self.shared.read_now()
    }
}

impl Shared {
    /// One look at the folder by the watcher; says whether another is needed soon.
    fn watch(&self) -> bool {
        let mut state = self.state();
        let scan = state.watch();
        self.publish(scan.snapshot);
        scan.unsettled
    }

    fn read_now(&self) -> Result<(), RegistryError> {
        let mut state = self.state();
        let scan = state.scan(Patience::AtOnce)?;
        self.publish(scan.snapshot);
        Ok(())
    }

    // The lock is held over it, so that snapshots follow one another in order.
    fn publish(&self, snapshot: Option<Snapshot>) {
        if let Some(snapshot) = snapshot {
            self.snapshot.store(Arc::new(snapshot));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("snapshot", &self.snapshot).finish_non_exhaustive()
    }
}
