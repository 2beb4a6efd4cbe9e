//! `sekisho check [--json]`: configuration, keys, directories, SPs and targets, all faults at once.

use std::io::Write;

use super::report::{FindingRow, IdentityProvider, Report, Severity};
use super::{Failure, app_part, serve, targets};
use crate::app;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigFault, FaultKind};
use crate::keys::{Concern, DecryptionPairs, KeyPair, Purpose, load_certificate};

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print JSON for machines instead of tables.
    #[arg(long)]
    json: bool,
}

/// Fails when there is at least one error among the findings.
pub(super) fn run(
    arguments: &Arguments,
    loaded: Result<Config, Vec<ConfigFault>>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut report = Report::default();
    match loaded {
        Ok(config) => inspect(&config, &mut report),
        Err(faults) if arguments.json && !unreadable(&faults) => {
            report.findings.extend(faults.into_iter().map(|fault| app_part::fault(Severity::Error, fault)));
        }
        Err(faults) => return Err(Failure::Config(faults)),
    }
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &report).map_err(anyhow::Error::new)?;
        writeln!(out)?;
    } else {
        report.write(out)?;
    }
    if report.has_errors() { Err(Failure::Found) } else { Ok(()) }
}

fn inspect(config: &Config, report: &mut Report) {
    // What is wrong with a token is told as an error of its target.
    let warnings = config.warnings.iter().filter(|warning| warning.kind != FaultKind::Token).cloned();
    report.findings.extend(warnings.map(|warning| app_part::fault(Severity::Warning, warning)));
    let certificate = inspect_keys(config, report);
    report.identity_provider = Some(identity_provider(config, certificate));
    inspect_keytab(config, report);
    if let Err(error) = serve::block_on(app_part::inspect(config, report)) {
        // One part that cannot be looked at must not hide what is wrong with the others.
        report.findings.push(FindingRow {
            severity: Severity::Error,
            file: config.file.display().to_string(),
            line: None,
            subject: "directories and SPs".to_owned(),
            message: format!("cannot be inspected: {error:#}"),
            remedy: "mend this and check again".to_owned(),
        });
    }
    serve::block_on(targets::inspect(config, report));
}

fn identity_provider(config: &Config, certificate: String) -> IdentityProvider {
    let addresses: Vec<String> = config.listen.addresses.iter().map(ToString::to_string).collect();
    let how = match &config.listen.tls {
        Some(_) => "TLS",
        None if config.base_url.is_https() => "plain HTTP: a TLS proxy must stand in front",
        None => "plain HTTP",
    };
    IdentityProvider {
        entity_id: config.saml.entity_id.clone(),
        base_url: config.base_url.as_str().to_owned(),
        listens: format!("{}, {how}", addresses.join(", ")),
        certificate,
    }
}

/// Adds what is wrong with the keys; says what the server signs with, or nothing when it cannot.
fn inspect_keys(config: &Config, report: &mut Report) -> String {
    let saml = &config.saml;
    let file = |path: &std::path::Path| path.display().to_string();
    let mut say = |severity, file, message: String, remedy: String| {
        let subject = "keys".to_owned();
        report.findings.push(FindingRow { severity, file, line: None, subject, message, remedy });
    };
    let passphrase = saml.private_key_passphrase.as_ref();
    let mut known = String::new();
    match KeyPair::load(&saml.private_key, &saml.certificate, passphrase, SystemClock.now()) {
        Ok(pair) => {
            for concern in pair.concerns() {
                let remedy = concern.remedy(Purpose::Signing).to_owned();
                say(severity(concern), file(&saml.certificate), concern.to_string(), remedy);
            }
            let own = pair.certificate();
            let until = own.not_after().strftime("%Y-%m-%d");
            known = format!("{}, {}, until {until}", own.subject(), own.key_kind());
        }
        Err(error) => say(Severity::Error, file(&saml.private_key), error.to_string(), error.remedy()),
    }
    if let Some(next) = &saml.next_certificate
        && let Err(error) = load_certificate(next)
    {
        say(Severity::Error, file(next), error.to_string(), error.remedy());
    }
    match DecryptionPairs::load(&saml.decryption_keys, SystemClock.now()) {
        Ok(pairs) => {
            for (path, concern) in pairs.concerns() {
                let remedy = concern.remedy(Purpose::Decryption).to_owned();
                say(severity(concern), file(path), concern.to_string(), remedy);
            }
        }
        Err(error) => {
            say(Severity::Error, "saml.decryption_keys".to_owned(), error.to_string(), error.remedy());
        }
    }
    known
}

/// Adds what is wrong with the keys for Kerberos tickets.
fn inspect_keytab(config: &Config, report: &mut Report) {
    if let Err(error) = app::check_keytab(config) {
        let remedy = error.to_string();
        report.findings.push(FindingRow {
            severity: Severity::Error,
            file: config.file.display().to_string(),
            line: None,
            subject: "integrated.keytab".to_owned(),
            message: error.root_cause().to_string(),
            remedy,
        });
    }
}

fn severity(concern: &Concern) -> Severity {
    match concern {
        Concern::ExpiresSoon(_) => Severity::Notice,
        Concern::Expired(_) | Concern::NotYetValid(_) => Severity::Warning,
    }
}

fn unreadable(faults: &[ConfigFault]) -> bool {
    faults.iter().any(|fault| fault.kind == FaultKind::Unreadable)
}
