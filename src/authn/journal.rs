//! [`Journal`]: what log and audit trail say of a sign-in, by whatever it was proved.

use std::net::IpAddr;
use std::sync::Arc;

use super::AuthnError;
use super::password::{Refusal, plain};
use crate::audit::{Event, Record, Sink};
use crate::clock::Clock;
use crate::identity::{AuthnContext, Subject};

/// Writes to both.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    audit: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
}

/// Where a try came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) address: IpAddr,
    /// The id that page, log and audit share.
    pub(super) request_id: &'a str,
}

impl Journal {
    pub(super) fn new(audit: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Self { audit, clock }
    }

    /// Somebody signed in; `ticket`: the name in it.
    pub(super) fn accept(
        &self,
        origin: Origin<'_>,
        subject: &Subject,
        context: &AuthnContext,
        ticket: Option<&str>,
    ) -> Result<(), AuthnError> {
        let (login, id) = (plain(&subject.login), subject.id.to_string());
        let context = context.0.clone();
        self.record(origin, Event::SignedIn { subject: id.clone(), login: login.clone(), context })?;
        tracing::info!(
            subject.id = %plain(&id), request.id = %origin.request_id, ticket,
            "{login} successfully authenticated"
        );
        Ok(())
    }

    /// Whoever called itself so did not.
    pub(super) fn refuse(
        &self,
        origin: Origin<'_>,
        (login, subject): (String, Option<&Subject>),
        reason: &str,
        refusal: Refusal,
    ) -> Result<(), AuthnError> {
        let subject = subject.map(|subject| subject.id.to_string());
        tracing::info!(
            subject.id = %subject.as_deref().map(plain).unwrap_or_default(),
            request.id = %origin.request_id,
            reason,
            "{login} was refused"
        );
        let locked_until = match refusal {
            Refusal::Locked { until } => until,
            _ => None,
        };
        self.record(origin, Event::SignInRefused { login, subject, reason: reason.to_owned(), locked_until })
    }

    /// Anything else.
    pub(super) fn record(&self, origin: Origin<'_>, event: Event) -> Result<(), AuthnError> {
        let (time, request_id) = (self.clock.now(), origin.request_id.to_owned());
        Ok(self.audit.write(&Record { time, request_id, client_address: Some(origin.address), event })?)
    }
}
