//! [`Server`]: one server of an LDAP directory with its two pools and its [`Breaker`].
//!
//! Searches run on connections of the service account, user binds on connections of their own: a bind changes whom a
//! connection speaks for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use native_tls::TlsConnector;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::connection::{Connection, Fault, Found, Limits, Query};
use super::options::ServerUrl;
use super::pool::{Lease, Pool};
use crate::secret::Secret;

/// Connections of the service account to one server.
const SEARCH_CONNECTIONS: usize = 16;

/// Connections for user binds to one server.
const USER_CONNECTIONS: usize = 64;

/// A server that answered so recently, or a connection that was used so recently, needs no proof.
const PROVED_FOR: Duration = Duration::from_secs(1);

/// How every server of one directory is spoken to.
#[derive(Debug, Clone)]
pub(super) struct Approach {
    pub(super) start_tls: bool,
    pub(super) connector: Option<TlsConnector>,
    pub(super) account: Option<(String, Secret<String>)>,
    pub(super) limits: Limits,
}

/// One server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: ServerUrl,
    pub(super) breaker: Breaker,
    pub(super) approach: Approach,
    searches: Pool,
    users: Pool,
    /// When it last answered a search.
    answered: Mutex<Option<Instant>>,
}

impl Server {
    /// Opens nothing yet.
    pub(super) fn new(url: ServerUrl, approach: Approach) -> Self {
        let Limits { idle, retry, .. } = approach.limits;
        let searches = Pool::new(SEARCH_CONNECTIONS, idle);
        let users = Pool::new(USER_CONNECTIONS, idle);
        Self { url, breaker: Breaker::new(retry), approach, searches, users, answered: Mutex::default() }
    }

    /// Searches as the service account. A kept connection that turns out to be dead is replaced once: to search again
    /// does no harm.
    pub(super) async fn search(&self, query: &Query) -> Result<Found, Fault> {
        let admitted = self.searches.admit().await?;
        if let Some(kept) = admitted.take() {
            match self.run(admitted.lease(kept), query).await {
                // It may have been started anew: then those for binds are dead too.
                Err(Fault::Lost(_)) => self.forget_connections(),
                other => return other,
            }
            let admitted = self.searches.admit().await?;
            return self.run(admitted.lease(self.open_for_search().await?), query).await;
        }
        let fresh = self.open_for_search().await?;
        self.run(admitted.lease(fresh), query).await
    }

    async fn run(&self, mut lease: Lease, query: &Query) -> Result<Found, Fault> {
        let found = lease.connection.search(query).await;
        if matches!(found, Ok(_) | Err(Fault::Refused { .. })) {
            self.note_answer(Some(Instant::now()));
        }
        match &found {
            Ok(Found { unfinished: false, .. }) | Err(Fault::Refused { .. }) => lease.give_back(),
            _ => drop(lease),
        }
        found
    }

    /// A connection for one user bind, kept or new, to a server that showed a moment ago that it answers: once the bind
    /// is sent there is no going to another server.
    pub(super) async fn user_connection(&self) -> Result<Lease, Fault> {
        let admitted = self.users.admit().await?;
        if let Some(mut kept) = admitted.take() {
            let proved = kept.rested.elapsed() < PROVED_FOR || self.answered_lately();
            match if proved { Ok(()) } else { root_dse_answers(&mut kept).await } {
                Ok(()) => return Ok(admitted.lease(kept)),
                Err(Fault::Lost(_)) => self.users.clear(),
                Err(fault) => return Err(fault),
            }
        }
        let mut fresh = self.open().await?;
        if !self.url.tls && !self.answered_lately() {
            // A paused server still accepts TCP; a TLS handshake has proved more.
            root_dse_answers(&mut fresh).await?;
        }
        Ok(admitted.lease(fresh))
    }

    /// Connects anew, binds the service account and reads the root DSE.
    pub(super) async fn probe(&self) -> Result<(), Fault> {
        root_dse_answers(&mut self.open_for_search().await?).await
    }

    /// Closes what is kept: after a fault the other kept connections are dead too.
    pub(super) fn forget_connections(&self) {
        self.note_answer(None);
        self.searches.clear();
        self.users.clear();
    }

    fn note_answer(&self, at: Option<Instant>) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Whether it answered a search a moment ago, as before each bind of somebody who was searched for.
    fn answered_lately(&self) -> bool {
        let answered = *self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.is_some_and(|at| at.elapsed() < PROVED_FOR)
    }

    /// A new connection that nobody is bound on.
    pub(super) async fn open(&self) -> Result<Connection, Fault> {
        let Approach { start_tls, connector, limits, .. } = &self.approach;
        // Boxed: what is asked over a kept connection would be as large as a handshake, and is moved about.
        Box::pin(Connection::open(&self.url, *start_tls, connector.as_ref(), limits)).await
    }

    /// A new connection of the service account.
    pub(super) async fn open_for_search(&self) -> Result<Connection, Fault> {
        let mut connection = self.open().await?;
        if let Some((name, password)) = &self.approach.account {
            let answer = connection.bind(name, password.expose()).await?;
            if answer.code != 0 {
                return Err(Fault::ServiceBind(answer.code, answer.to_string()));
            }
        }
        Ok(connection)
    }
}

/// Any answer will do, "you may not read this" too.
async fn root_dse_answers(connection: &mut Connection) -> Result<(), Fault> {
    match connection.search(&Query::of_entry("", &["1.1"])).await {
        Ok(_) | Err(Fault::Refused { .. }) => Ok(()),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<F: Future>(_: impl Fn(&'static Server, &'static Query) -> F) -> usize {
        std::mem::size_of::<F>()
    }

    /// Each sign-in moves them about several times; a handshake alone is 16 KB.
    #[test]
    fn questions_over_kept_connections_are_small() {
        let sizes = [
            size(Server::search),
            size(|server, _| server.user_connection()),
            size(|server, _| server.open_for_search()),
        ];
        assert!(sizes.iter().all(|size| *size < 2048), "{sizes:?}");
    }
}
