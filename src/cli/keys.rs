//! `sekisho keys generate`: makes the keys and secrets that the configuration names and that do not exist yet.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::Context;

use super::Failure;
use crate::clock::{Clock, Ids, RandomIds, SystemClock};
use crate::config::Config;
use crate::keys::{Generated, KeyKind, generate, generate_decryption};
use crate::secret::Secret;

/// How long a new signing certificate is valid: SPs store it by hand, so a change is work for many people.
const YEARS: u32 = 10;

/// What to do with keys.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(super) enum Command {
    /// Make what is missing: signing key and certificate, decryption keys if the configuration names some, session
    /// secret, name-id secret. Never overwrites.
    Generate {
        /// An EC P-256 key instead of RSA-2048: faster, but not every SP can verify it.
        #[arg(long)]
        ec: bool,
    },
}

/// Makes what is missing and tells what was made and what was kept.
pub(super) fn run(command: Command, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let Command::Generate { ec } = command;
    let kind = if ec { KeyKind::EcP256 } else { KeyKind::Rsa2048 };
    let made = make_pair(config, kind, out)?;
    if made && ec {
        writeln!(
            out,
            "warning: Google Workspace and Microsoft 365 take RSA certificates only, and other SaaS may too; \
             ask before you register an EC certificate"
        )?;
    }
    for path in &config.saml.decryption_keys {
        make_decryption_key(path, config.base_url.host(), out)?;
    }
    let secrets = [&config.session.secret_file, &config.saml.name_id_secret_file];
    for path in secrets.into_iter().flatten() {
        make_secret(path, out)?;
    }
    Ok(())
}

/// Makes key and certificate unless both are there; whether it did.
pub(super) fn make_pair(config: &Config, kind: KeyKind, out: &mut dyn Write) -> Result<bool, Failure> {
    let host = config.base_url.host();
    let pair = (&*config.saml.private_key, &*config.saml.certificate);
    make_files(pair, out, || Ok(generate(kind, host, YEARS, SystemClock.now())?))
}

/// Makes the two files of a pair unless both are there; whether it did. One without the other is refused: to replace
/// either would break the trust of every SP that knows the pair.
pub(super) fn make_files(
    (private_key, certificate): (&Path, &Path),
    out: &mut dyn Write,
    make: impl FnOnce() -> Result<Generated, Failure>,
) -> Result<bool, Failure> {
    let there = |path: &Path| path.symlink_metadata().is_ok();
    let lonely = match (there(private_key), there(certificate)) {
        (true, true) => {
            for path in [private_key, certificate] {
                writeln!(out, "kept  {}", path.display())?;
            }
            return Ok(false);
        }
        (false, false) => {
            let new = make()?;
            create(private_key, new.private_key.expose().as_bytes())?;
            create(certificate, new.certificate.as_bytes())?;
            for path in [private_key, certificate] {
                writeln!(out, "made  {}", path.display())?;
            }
            return Ok(true);
        }
        (true, false) => (private_key, certificate),
        (false, true) => (certificate, private_key),
    };
    let (present, missing) = (lonely.0.display(), lonely.1.display());
    Err(Failure::Other(anyhow::anyhow!(
        "{present} is there and {missing} is not; put the other half of the pair there, or move {present} away"
    )))
}

/// Makes a file with a key for decryption and its certificate unless it is there.
fn make_decryption_key(path: &Path, host: &str, out: &mut dyn Write) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        writeln!(out, "kept  {}", path.display())?;
        return Ok(());
    }
    let new = generate_decryption(host, YEARS, SystemClock.now())?;
    let both = Secret::new(format!("{}{}", new.private_key.expose(), new.certificate));
    create(path, both.expose().as_bytes())?;
    writeln!(out, "made  {}", path.display())?;
    Ok(())
}

/// Makes a file with a random secret unless it is there.
pub(super) fn make_secret(path: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        writeln!(out, "kept  {}", path.display())?;
        return Ok(());
    }
    let ids: &dyn Ids = &RandomIds;
    let secret = Secret::new(format!("{}\n", ids.token()));
    create(path, secret.expose().as_bytes())?;
    writeln!(out, "made  {}", path.display())?;
    Ok(())
}

/// Writes a new file that only its owner can read; its folder is made too. A file that exists stays as it is.
pub(super) fn create(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    match write() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => Ok(other.with_context(|| format!("cannot write {}", path.display()))?),
    }
}
