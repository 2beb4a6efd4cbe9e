//! The password API as the configuration wants it.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::config::Config;
use crate::password::{ApiOptions, PasswordApi, Passwords};

/// `None` unless it is switched on.
pub(super) fn api(config: &Config, passwords: &Passwords) -> Result<Option<PasswordApi>> {
    let Some(wanted) = &config.password_api else { return Ok(None) };
    let mut directories = passwords.sign_in.directories().iter();
    let directory = directories
        .find(|directory| directory.name() == wanted.directory)
        .with_context(|| format!("password_api.directory: there is no directory \"{}\"", wanted.directory))?;
    let options = ApiOptions {
        callers: wanted.callers.clone(),
        search_base: wanted.search_base.clone(),
        calls_per_minute: wanted.calls_per_minute,
    };
    Ok(Some(PasswordApi::new(options, Arc::clone(directory), passwords.clone())))
}
