//! The configuration file: `sekisho.toml`, one file per section, text in and checked options out.
//!
//! [`Config::load`] reads the whole file and tells all that is wrong with it at once, each fault with file, line, key
//! and remedy. Paths are relative to the file. A secret `x` may be written as `x`, `x_file` or `x_env`. What each key
//! means is written at the field that holds it, and in [`crate::manual::configuration`].

mod authproc;
mod base_url;
mod directory;
mod fault;
mod integrated;
mod listen;
mod log;
mod password_api;
mod published;
mod reader;
mod saml;
mod secrets;
mod serde_words;
mod session;
mod store;
mod subject;
mod sync;
mod throttle;
mod values;

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

pub use self::base_url::BaseUrl;
pub use self::directory::DirectoryConfig;
pub use self::fault::{ConfigFault, FaultKind};
pub use self::integrated::{Integrated, TicketProver};
pub use self::listen::{Listen, Tls};
pub use self::log::{Log, LogFormat};
pub use self::password_api::PasswordApi;
pub use self::published::Published;
pub use self::saml::{Endpoint, Saml};
pub use self::secrets::read_secret_file;
pub use self::session::Session;
pub use self::subject::Subject;
pub use self::throttle::Throttle;

use self::fault::Complaint;
use self::reader::{Environment, Reader};
use crate::authproc::FilterConfig;
use crate::outgoing::mail::MailOptions;
use crate::secret::{MacError, Secret};
use crate::sync::options::SyncOptions;

/// Everything that an admin may set.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that was read.
    pub file: PathBuf,
    /// `base_url`: the public address.
    pub base_url: BaseUrl,
    /// `[listen]`
    pub listen: Listen,
    /// `[saml]`
    pub saml: Saml,
    /// `[session]`
    pub session: Session,
    /// `[store] url`, which may hold a password.
    pub store_url: Secret<String>,
    /// `[[directory]]`, in the order of the file.
    pub directories: Vec<DirectoryConfig>,
    /// `[integrated]`; none where it is switched off.
    pub integrated: Option<Integrated>,
    /// `[password_api]`, where it is switched on.
    pub password_api: Option<PasswordApi>,
    /// `[throttle]`
    pub throttle: Throttle,
    /// `[[authproc]]`: the global level of the pipeline.
    pub authproc: Vec<FilterConfig>,
    /// `[log]`
    pub log: Log,
    /// `[[sync]]`: the services that accounts are carried to.
    pub sync: Vec<SyncOptions>,
    /// `[mail]`: the relay for notices.
    pub mail: Option<MailOptions>,
    text: Secret<String>,
    /// What is allowed and dangerous: `check` and the log shout about it.
    pub warnings: Vec<ConfigFault>,
}

impl Config {
    /// Reads and checks the file at `path`, with all faults in the order of their lines.
    pub fn load(path: &Path) -> Result<Self, Vec<ConfigFault>> {
        let (config, faults) = Self::read_file(path)?;
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    /// Like [`Config::load`], but takes no offence at files that do not exist yet: for `keys generate`, which makes
    /// them. Secrets from such files are empty.
    pub fn load_before_keys(path: &Path) -> Result<Self, Vec<ConfigFault>> {
        let (config, faults) = Self::read_file(path)?;
        let faults: Vec<ConfigFault> =
            faults.into_iter().filter(|fault| fault.kind != FaultKind::MissingFile).collect();
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    /// A hash of the file's text for the audit trail. The text may hold a password, so that the hash is an HMAC under
    /// the session secret: it tells that something changed, and nothing can be guessed from it.
    pub fn fingerprint(&self) -> Result<String, MacError> {
        let parts: [&[u8]; 2] = [b"sekisho configuration", self.text.expose().as_bytes()];
        Ok(data_encoding::HEXLOWER.encode(self.session.secret.hmac_sha256(&parts)?.expose()))
    }

    fn read_file(path: &Path) -> Result<(Self, Vec<ConfigFault>), Vec<ConfigFault>> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            vec![ConfigFault {
                kind: FaultKind::Unreadable,
                file: path.to_owned(),
                line: None,
                key: String::new(),
                message: format!("cannot be read: {cause}"),
                remedy: "name the file by --config or SEKISHO_CONFIG; `sekisho demo` shows a complete one"
                    .to_owned(),
            }]
        })?;
        #[expect(clippy::disallowed_methods, reason = "config is where the environment is read")]
        let environment = |name: &str| std::env::var(name).ok();
        Self::read_text(path, &text, &environment)
    }

    fn read_text(
        path: &Path,
        text: &str,
        environment: Environment<'_>,
    ) -> Result<(Self, Vec<ConfigFault>), Vec<ConfigFault>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let reader = Reader::new(path, text, environment);
        if !errors.is_empty() {
            for error in errors {
                let complaint =
                    Complaint::wrong(error.message(), "correct the TOML; the rest is read after that");
                reader.fault(error.span(), String::new(), complaint.kind(FaultKind::Syntax));
            }
            return Err(reader.finish().0);
        }
        let mut config = Self::read(path, &reader, &table);
        let (faults, warnings) = reader.finish();
        config.warnings = warnings;
        config.text = Secret::new(text.to_owned());
        Ok((config, faults))
    }

    fn read<'a>(path: &Path, reader: &'a Reader<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        let document = reader.document(table.get_ref());
        let public = "write the address that browsers use, such as \"https://idp.example.co.jp\"";
        let base_url = document.required("base_url", public, |value| BaseUrl::parse(&values::text(value)?));
        if !base_url.is_https() && !base_url.as_str().is_empty() {
            document.warn(
                "base_url",
                format!(
                    "{base_url} has no TLS: passwords, cookies and assertions cross the network in clear"
                ),
                "use https:// for anything but a test",
            );
        }
        let listen = Listen::read(&document.section("listen"));
        let saml = Saml::read(&document.section("saml"), &base_url);
        let directories = directory::read(&document);
        let log = Log::read(&document.section("log"));
        let mail = sync::read_mail(&document.section("mail"));
        let around = (directories.as_slice(), &listen, saml.subject.authn_context_order.as_slice());
        Self {
            file: path.to_owned(),
            integrated: Integrated::read(&document.section("integrated"), around),
            password_api: password_api::read(&document.section("password_api"), &directories, &listen),
            listen,
            saml,
            session: Session::read(&document.section("session")),
            sync: sync::read(&document, &directories, &log.timezone, mail.is_some()),
            mail,
            store_url: store::read(&document.section("store")),
            directories,
            throttle: Throttle::read(&document.section("throttle")),
            authproc: authproc::read(&document),
            log,
            text: Secret::new(String::new()),
            warnings: Vec::new(),
            base_url,
        }
    }
}
