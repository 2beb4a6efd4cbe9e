//! What the commands need of the running application, in one place.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use anyhow::{Context, Result, bail};
use tokio::sync::watch;

use super::report::{DirectoryRow, FindingRow, Report, ServiceProviderRow, Severity};
use super::sync::schedule;
use super::{logging, names};
use crate::app::{self, App, Ports};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigFault, DirectoryConfig};
use crate::directory::DirectoryError;
use crate::keys::stamps;
use crate::registry::{self, Release, ReleaseOrigin, ServiceProvider, Sign};
use crate::web::admin;
use crate::web::server::{Listen, bind};
use crate::web::tls;

/// How often the files of the signing key are looked at.
const LOOK_AT_KEYS_EVERY: Duration = Duration::from_secs(1);
/// How long a synchronisation that is under way may take to end.
const SYNC_ENDS_IN: Duration = Duration::from_secs(8);
/// How often the store is relieved of what has passed.
const PURGE_EVERY: Duration = Duration::from_mins(10);

/// Serves until SIGTERM.
pub(super) async fn serve(config: Config) -> Result<()> {
    logging::start(&config.log);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let app = Data::new(App::build(&config, Ports::of_system(&config)?).await?);
    app.announce("started")?;
    app.announce_configuration(&config)?;
    let listen = Listen { addresses: config.listen.addresses.clone(), workers: None };
    let server = bind(app.clone(), &listen, || match &config.listen.tls {
        Some(pair) => {
            let mut acceptor = tls::acceptor(&pair.certificate, &pair.private_key)?;
            if let Some(authorities) =
                config.password_api.as_ref().and_then(|api| api.client_certificates.as_ref())
            {
                tls::ask_for_certificates(&mut acceptor, authorities)?;
            }
            Ok(Some(acceptor))
        }
        None => Ok::<_, anyhow::Error>(None),
    })
    .with_context(|| {
        let file = config.file.display();
        format!(
            "cannot listen on {:?}; if another program does, change listen.address in {file}",
            config.listen.addresses
        )
    })?;
    let admin = config.listen.admin.map(|address| {
        let file = config.file.display();
        let remedy = || format!("cannot listen on {address}; change listen.admin in {file}");
        admin::bind(app.clone(), address).with_context(remedy)
    });
    let admin = admin.transpose()?.map(|server| (server.handle(), actix_web::rt::spawn(server)));
    let config = Arc::new(config);
    let background = [
        actix_web::rt::spawn(purge(app.clone())),
        actix_web::rt::spawn(watch_keys(app.clone(), Arc::clone(&config))),
    ];
    let (stop_sync, stopping) = watch::channel(false);
    let synchronising =
        actix_web::rt::spawn(schedule::keep(app.clone().into_inner(), Arc::clone(&config), stopping));
    tracing::info!(
        base_url = config.base_url.as_str(),
        addresses = ?config.listen.addresses,
        version = env!("CARGO_PKG_VERSION"),
        "sekisho serves"
    );
    server.await?;
    let _ = stop_sync.send(true);
    if tokio::time::timeout(SYNC_ENDS_IN, synchronising).await.is_err() {
        tracing::warn!("a synchronisation was cut off; the next run ends it first");
    }
    for task in background {
        task.abort();
    }
    if let Some((handle, serving)) = admin {
        handle.stop(false).await;
        let _ = serving.await;
    }
    app.sessions.settle().await?;
    app.announce("stopped")?;
    tracing::info!("sekisho has stopped");
    Ok(())
}

/// Takes over new keys when their files have changed and then stood still for one look, so that nobody judges a
/// pair of which one half is being copied. A pair that cannot be used is named once, and the old one stays.
async fn watch_keys(app: Data<App>, config: Arc<Config>) {
    let saml = &config.saml;
    let mut files = vec![saml.private_key.as_path(), saml.certificate.as_path()];
    files.extend(saml.next_certificate.as_deref());
    files.extend(saml.decryption_keys.iter().map(PathBuf::as_path));
    let mut every = tokio::time::interval(LOOK_AT_KEYS_EVERY);
    // The first look compares with what was loaded: the files may have changed since.
    let mut known = Vec::new();
    let mut before = Vec::new();
    loop {
        every.tick().await;
        let now = stamps(&files);
        if now != known && now == before {
            known.clone_from(&now);
            match app.reload_keys(&config) {
                Ok(true) => {
                    tracing::info!(file = %saml.certificate.display(), "the new keys are in use");
                }
                Ok(false) => {}
                Err(error) => tracing::error!("{error:#}; the old keys stay in use"),
            }
        }
        before = now;
    }
}

async fn purge(app: Data<App>) {
    let mut every = tokio::time::interval(PURGE_EVERY);
    loop {
        every.tick().await;
        match app.purge().await {
            Ok(rows) => tracing::debug!(rows, "purged what has passed"),
            Err(error) => tracing::error!("cannot purge the store: {error}"),
        }
    }
}

/// Asks every directory and loads every SP: adds them and what is wrong with them to the report.
pub(super) async fn inspect(config: &Config, report: &mut Report) -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut answering = Vec::new();
    for directory in app::directories(config, &clock)? {
        let configured = config.directories.iter().find(|one| one.name() == directory.name());
        let kind = match configured {
            Some(DirectoryConfig::File { .. }) => "file",
            _ => "ldap",
        };
        let probed = directory.probe().await;
        let state = match &probed {
            Ok(()) => "answers",
            Err(DirectoryError::Unreachable { .. }) => "does not answer",
            Err(_) => "answers, but cannot be used",
        };
        report.directories.push(DirectoryRow {
            name: directory.name().to_owned(),
            kind: kind.to_owned(),
            state: state.to_owned(),
        });
        if let Err(error) = probed {
            report.findings.push(directory_finding(config, directory.name(), &error));
        } else {
            let silent = directory.probe_each().await.into_iter().filter_map(|(_, answer)| answer.err());
            report.findings.extend(silent.map(|error| {
                let finding = directory_finding(config, directory.name(), &error);
                let message =
                    finding.message.replacen("no server answered: ", "this server does not answer: ", 1);
                FindingRow { severity: Severity::Warning, message, ..finding }
            }));
            answering.push(directory);
        }
    }
    let snapshot = app::service_providers(config, &clock)?;
    report.service_providers.extend(snapshot.iter().map(|sp| row(sp, config)));
    report.findings.extend(snapshot.findings().iter().map(finding));
    names::inspect(config, &answering, &snapshot, report).await;
    let lacking = app::lacking(config, &snapshot);
    report.findings.extend(lacking.into_iter().map(|lack| fault(Severity::Warning, lack)));
    Ok(())
}

fn directory_finding(config: &Config, name: &str, error: &DirectoryError) -> FindingRow {
    let told = error.to_string();
    let told = told.strip_prefix(&format!("directory \"{name}\": ")).unwrap_or(&told);
    let untrusted = told.contains("certificate verify failed");
    let (message, remedy) = match (error, told.split_once("; ")) {
        (DirectoryError::Unreachable { .. }, _) if untrusted && told.contains("mismatch") => {
            (told, "write into urls the name that the server's certificate holds")
        }
        (DirectoryError::Unreachable { .. }, _) if untrusted => (
            told,
            "put the certificate that issued the server's into a file, and name that in ca_certificate",
        ),
        (DirectoryError::Unreachable { .. }, _) => {
            (told, "check urls, and that a firewall lets this machine through")
        }
        (_, Some(parts)) => parts,
        (_, None) => (told, "check bind_dn, search_base and the log of the directory"),
    };
    FindingRow {
        severity: Severity::Error,
        file: config.file.display().to_string(),
        line: None,
        subject: format!("directory {name}"),
        message: message.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn row(sp: &ServiceProvider, config: &Config) -> ServiceProviderRow {
    let release = sp.releases.default_service();
    let released = release.attributes.as_ref().or(config.saml.attributes.as_ref());
    ServiceProviderRow {
        entity_id: sp.entity_id().to_owned(),
        name: sp.display_name("ja").to_owned(),
        file: sp.file.display().to_string(),
        acs: sp.metadata.acs.len(),
        name_id_format: match sp.name_id_format(None) {
            Some(uri) => uri.rsplit(':').next().unwrap_or(uri),
            None => "none",
        }
        .to_owned(),
        attributes: attributes(release, released.map(Vec::as_slice)),
        attributes_by: match release.origin {
            ReleaseOrigin::Policy => "policy",
            ReleaseOrigin::EntityAttribute => "entity attribute",
            ReleaseOrigin::Metadata => "metadata",
            ReleaseOrigin::IdentityProvider => "",
        },
        sign: match sp.policy.sign {
            Sign::Assertion => "assertion",
            Sign::Response => "response",
            Sign::Both => "both",
        }
        .to_owned(),
    }
}

fn attributes(release: &Release, listed: Option<&[String]>) -> String {
    let names = listed.unwrap_or_default().iter().map(String::as_str);
    let names: Vec<&str> = names.chain(release.subject_ids.iter().copied()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A fault of the configuration as a row.
pub(super) fn fault(severity: Severity, fault: ConfigFault) -> FindingRow {
    FindingRow {
        severity,
        file: fault.file.display().to_string(),
        line: fault.line,
        subject: fault.key,
        message: fault.message,
        remedy: fault.remedy,
    }
}

fn finding(finding: &registry::Finding) -> FindingRow {
    FindingRow {
        severity: match finding.severity {
            registry::Severity::Error => Severity::Error,
            registry::Severity::Warning => Severity::Warning,
            registry::Severity::Notice => Severity::Notice,
        },
        file: finding.file.clone(),
        line: finding.line,
        subject: finding.subject.clone(),
        message: finding.message.clone(),
        remedy: finding.remedy.clone(),
    }
}

/// The identity provider's signed metadata as XML; for an SP with a signing key of its own, what that SP is told.
pub(super) fn metadata(config: &Config, sp: Option<&str>) -> Result<String> {
    let keys = app::load_keys(config, &SystemClock)?;
    let found = match sp {
        Some(sp) => Some(service_provider(config, sp)?.with_context(|| {
            format!("no SP \"{sp}\" is in use; `sekisho check` lists them, and what is wrong with the others")
        })?),
        None => None,
    };
    let decryption = app::load_decryption_keys(config, &SystemClock)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let of_its_own = found.as_ref().and_then(|sp| Some((sp.signer.as_ref()?, sp.policy.ecp)));
    let ecp = match of_its_own {
        Some((_, ecp)) => ecp,
        None => app::service_providers(config, &clock)?.has_ecp(),
    };
    let own = of_its_own.map(|(signer, _)| signer);
    Ok(app::metadata(config, keys, &decryption, (own, ecp), clock.now())?.xml)
}

/// A service provider that is in use; none if no file describes it.
pub(super) fn service_provider(config: &Config, sp: &str) -> Result<Option<Arc<ServiceProvider>>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let snapshot = app::service_providers(config, &clock)?;
    if let Some(found) = snapshot.find(sp) {
        return Ok(Some(Arc::clone(found)));
    }
    let refused = |one: &&registry::Finding| one.subject == sp && one.severity == registry::Severity::Error;
    match snapshot.findings().iter().find(refused) {
        Some(finding) => bail!("{finding}"),
        None => Ok(None),
    }
}
