//! `sekisho explain MESSAGE`: what a SAML message is, and what this identity provider would do with it.

use std::io::{self, Read, Write};
use std::sync::Arc;

use clap::Args;

use super::Failure;
use crate::app;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::sso::Ground;
use crate::sso::explain::explain;

/// A message with everything around it has less.
const LARGEST: u64 = 512 * 1024;

/// What to explain.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A URL, a query, a form value or XML as it was copied; `-` reads standard input.
    message: String,
}

/// Tells it a sentence a line; a message that would be refused is "found wrong".
pub(super) fn run(arguments: &Arguments, config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let message = if arguments.message == "-" { from_standard_input()? } else { arguments.message.clone() };
    if message.trim().is_empty() {
        return Err(Failure::Usage("there is no message; write a URL, a SAMLRequest or XML".to_owned()));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let decryption = app::load_decryption_keys(config, clock.as_ref())?;
    let told = explain(
        &message,
        Ground {
            idp: &app::identity(config),
            snapshot: &*app::service_providers(config, &clock)?,
            keys: decryption.keys(),
            now: clock.now(),
        },
    );
    for sentence in &told.sentences {
        writeln!(out, "{sentence}")?;
    }
    if told.refused { Err(Failure::Found) } else { Ok(()) }
}

fn from_standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin().lock().take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}
