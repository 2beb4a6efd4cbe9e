//! The password API as the configuration wants it, and what ends when a password is changed.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;

use crate::config::Config;
use crate::identity::SubjectId;
use crate::password::{ApiOptions, EndsSessions, PasswordApi, Passwords};
use crate::session::{SessionError, Sessions};

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

/// Ends sessions here.
#[derive(Debug)]
pub(super) struct HeldSessions(pub(super) Arc<Sessions>);

#[async_trait]
impl EndsSessions for HeldSessions {
    async fn end_others(
        &self,
        subject: &SubjectId,
        keep: &str,
        _request: (&str, IpAddr),
    ) -> Result<usize, SessionError> {
        self.0.end_others(subject, keep).await
    }
}
