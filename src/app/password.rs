//! The password API as the configuration wants it, and what ends when a password is changed.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;

use crate::audit::Sink;
use crate::authn::PasswordSignIn;
use crate::clock::Clock;
use crate::config::Config;
use crate::identity::SubjectId;
use crate::password::{EndsSessions, PasswordApi, Passwords};
use crate::sso::logout::SingleLogout;
use crate::sso::logout::sessions::Cause;
use crate::sso::{RequestContext, Ticket};

/// Passwords that people change.
pub(super) fn own(
    sign_in: &PasswordSignIn,
    logout: &Arc<SingleLogout>,
    audit: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
) -> Passwords {
    let sessions = Arc::new(ByLogout(Arc::clone(logout)));
    Passwords { sign_in: sign_in.clone(), sessions, audit, clock }
}

/// `None` unless it is switched on.
pub(super) fn api(config: &Config, passwords: &Passwords) -> Result<Option<PasswordApi>> {
    let Some(wanted) = &config.password_api else { return Ok(None) };
    let mut directories = passwords.sign_in.directories().iter();
    let directory = directories
        .find(|directory| directory.name() == wanted.directory)
        .with_context(|| format!("password_api.directory: there is no directory \"{}\"", wanted.directory))?;
    Ok(Some(PasswordApi::new(wanted.options.clone(), Arc::clone(directory), passwords.clone())))
}

/// Ends sessions here, and tells the service providers that can be told without the browser.
#[derive(Debug)]
struct ByLogout(Arc<SingleLogout>);

#[async_trait]
impl EndsSessions for ByLogout {
    async fn end_others(
        &self,
        subject: &SubjectId,
        keep: &str,
        (id, address): (&str, IpAddr),
    ) -> Result<usize, Box<dyn Error + Send + Sync>> {
        let request = RequestContext { id, address, ticket: Ticket::Never };
        Ok(self.0.end_others(subject, keep, Cause::PasswordChanged, &request).await?)
    }
}
