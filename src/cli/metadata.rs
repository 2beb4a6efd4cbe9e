//! `sekisho metadata [--sp SP] [--output FILE]`, `sekisho metadata --values [SP]`: what SPs are given, as XML or as the
//! values that a console's form asks for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Failure, app_part};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, DirectoryConfig};
use crate::keys::{Certificate, KeyPair};

/// RFC 3986 2.3: what needs no escape in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The arguments of `metadata`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the single values; with an SP's entityID also the address that starts a sign-on there.
    #[arg(long, value_name = "SP", conflicts_with_all = ["sp", "output"])]
    #[expect(
        clippy::option_option,
        reason = "absent, without a value and with one are three things to clap"
    )]
    values: Option<Option<String>>,
    /// The XML for this SP (entityID), if a key of its own signs for it.
    #[arg(long, value_name = "SP")]
    sp: Option<String>,
    /// Write the XML to this file, in one piece: who reads it meanwhile reads the old one.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints one or the other.
pub(super) fn run(arguments: &Arguments, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    match (&arguments.values, &arguments.output) {
        (None, None) => {
            out.write_all(app_part::metadata(config, arguments.sp.as_deref())?.as_bytes())?;
        }
        (None, Some(file)) => replace(file, &app_part::metadata(config, arguments.sp.as_deref())?)?,
        (Some(sp), _) => write_values(config, sp.as_deref(), out)?,
    }
    Ok(())
}

/// Writes a file beside the named one and moves it there.
fn replace(file: &Path, text: &str) -> Result<()> {
    let mut name = file.file_name().map(OsString::from).context("--output names no file")?;
    name.push(format!(".{}.new", std::process::id()));
    let beside = file.with_file_name(name);
    let written = File::create_new(&beside).and_then(|mut new| {
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&beside, file)
    });
    written.with_context(|| {
        // What is left of the try; that it failed is told already.
        fs::remove_file(&beside).ok();
        format!("cannot write {}; check that its folder exists and may be written", file.display())
    })
}

fn write_values(config: &Config, sp: Option<&str>, out: &mut dyn Write) -> Result<()> {
    let saml = &config.saml;
    let found = sp.map(|sp| app_part::service_provider(config, sp)).transpose()?.flatten();
    let own = found.as_ref().and_then(|sp| sp.signer.as_ref());
    let issuer = found.as_ref().and_then(|sp| sp.policy.idp_entity_id.as_ref());
    let certificate = if let Some(signer) = own {
        Certificate::parse(&STANDARD.decode(signer.certificate())?)?
    } else {
        let passphrase = saml.private_key_passphrase.as_ref();
        let pair = KeyPair::load(&saml.private_key, &saml.certificate, passphrase, SystemClock.now())?;
        pair.certificate().clone()
    };
    let url = |path: &str| config.base_url.join(path);
    let name = sp.map(|sp| utf8_percent_encode(sp, QUERY).to_string()).unwrap_or_default();
    let mut values = vec![
        ("entityID (issuer)", issuer.unwrap_or(&saml.entity_id).clone()),
        ("sign-on URL", url("/saml/sso")),
        ("logout URL", url("/logout")),
    ];
    let changes = |directory: &DirectoryConfig| match directory {
        DirectoryConfig::Ldap(options) => options.password_change,
        DirectoryConfig::File { .. } => false,
    };
    if config.directories.iter().any(changes) {
        values.push(("password URL", url("/password")));
    }
    if own.is_some() {
        values.push(("metadata URL", url(&format!("/saml/metadata?sp={name}"))));
    } else {
        values.push(("metadata URL", url("/saml/metadata")));
        values.push(("certificate URL", url("/saml/certificate.pem")));
    }
    if sp.is_some() {
        values.push(("start URL of this SP", url(&format!("/saml/sso/init?sp={name}"))));
    }
    values.extend([
        ("certificate is", format!("{}, {}", certificate.subject(), certificate.key_kind())),
        ("certificate expires", certificate.not_after().to_string()),
        ("fingerprint SHA-1", certificate.fingerprint_sha1()),
        ("fingerprint SHA-256", certificate.fingerprint_sha256()),
    ]);
    for (name, value) in values {
        writeln!(out, "{name:<22}{value}")?;
    }
    write!(out, "\n{}", certificate.pem())?;
    Ok(())
}
