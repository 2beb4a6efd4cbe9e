//! `sekisho sync token set TARGET`: a new token, read from standard input and written to `token_file`.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use clap::Subcommand;

use super::super::Failure;
use crate::app::sync::sync_options;
use crate::config::Config;
use crate::secret::Secret;
use crate::sync::options::{Access, Destination};

/// The longest token.
const LONGEST: u64 = 64 * 1024;

/// The token of a target.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Read a token from standard input and write it to the target's token_file; the next run uses it.
    Set {
        /// The `name` of a [[sync]].
        target: String,
    },
}

/// Writes the file anew, readable by its owner alone, in one step.
pub(super) fn run(command: &Command, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let Command::Set { target } = command;
    let options = sync_options(config, target).map_err(|error| Failure::Usage(error.to_string()))?;
    let Destination::Scim { access: Access::TokenFile(path), .. } = &options.destination else {
        let message = format!("target \"{target}\" has no token_file; write token_file in its [[sync]]");
        return Err(Failure::Usage(message));
    };
    let token = read(target)?;
    let token = token.expose().trim();
    if token.is_empty() || token.contains(|letter: char| letter.is_control() || letter == ' ') {
        return Err(Failure::Usage("a token is one line without blanks".to_owned()));
    }
    replace(path, token)?;
    writeln!(out, "the token is in {}; `sekisho sync test {target}` tries it", path.display())?;
    Ok(())
}

fn read(target: &str) -> Result<Secret<String>, Failure> {
    if std::io::stdin().is_terminal() {
        return Ok(Secret::new(rpassword::prompt_password(format!("Token of {target}: "))?));
    }
    let mut text = String::new();
    std::io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
    Ok(Secret::new(text))
}

fn replace(path: &Path, token: &str) -> Result<(), Failure> {
    let aside = path.with_extension("new");
    let written = || {
        // What another process left there, or a link, is not written into.
        match std::fs::remove_file(&aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        writeln!(file, "{token}")?;
        file.sync_all()?;
        std::fs::rename(&aside, path)
    };
    Ok(written().with_context(|| format!("cannot write {}", path.display()))?)
}
