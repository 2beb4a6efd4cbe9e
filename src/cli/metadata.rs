//! `sekisho metadata [--values [SP]]`: what SPs are given, as XML or as the values that a console's form asks for.

use std::io::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Failure, app_part};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::keys::{Certificate, KeyPair};

/// RFC 3986 2.3: what needs no escape in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The arguments of `metadata`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the single values; with an SP's entityID also the address that starts a sign-on there.
    #[arg(long, value_name = "SP")]
    #[expect(
        clippy::option_option,
        reason = "absent, without a value and with one are three things to clap"
    )]
    values: Option<Option<String>>,
}

/// Prints one or the other.
pub(super) fn run(arguments: &Arguments, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let saml = &config.saml;
    let passphrase = saml.private_key_passphrase.as_ref();
    match &arguments.values {
        None => out.write_all(app_part::metadata(config)?.as_bytes())?,
        Some(sp) => {
            let pair = KeyPair::load(&saml.private_key, &saml.certificate, passphrase, SystemClock.now())?;
            write_values(config, pair.certificate(), sp.as_deref(), out)?;
        }
    }
    Ok(())
}

fn write_values(
    config: &Config,
    certificate: &Certificate,
    sp: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let url = |path: &str| config.base_url.join(path);
    let mut values = vec![
        ("entityID (issuer)", config.saml.entity_id.clone()),
        ("sign-on URL", url("/saml/sso")),
        ("logout URL", url("/logout")),
        ("metadata URL", url("/saml/metadata")),
        ("certificate URL", url("/saml/certificate.pem")),
    ];
    if let Some(sp) = sp {
        let start = format!("/saml/sso/init?sp={}", utf8_percent_encode(sp, QUERY));
        values.push(("start URL of this SP", url(&start)));
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
    write!(out, "\n{}", certificate.pem())
}
