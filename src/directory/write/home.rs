//! [`Home`]: the one server that is written to as long as it answers, and the connections that are kept to it.
//!
//! Copies of a directory follow one another in their own time: who writes to one server and reads from another does not
//! find what was written. So all goes to the server that answered first, until it is lost.

use std::sync::{Arc, PoisonError};

use tokio::time::Instant;

use super::super::connection::{Fault, Query};
use super::super::pool::{Lease, Pool};
use super::super::server::Server;
use super::{LdapWriter, WriteFault};

/// Connections that are open at once.
const CONNECTIONS: usize = 16;

/// A kept connection that rested for longer is asked whether it is alive before a write is risked on it.
const PROVED_FOR: std::time::Duration = std::time::Duration::from_secs(1);

/// A server, and connections of the service account that are used for nothing else.
#[derive(Debug)]
pub(super) struct Home {
    server: Arc<Server>,
    pool: Pool,
}

/// A connection in use.
pub(super) struct Line {
    pub(super) home: Arc<Home>,
    pub(super) lease: Lease,
    /// Whether it was kept from before, and may be dead without our knowing.
    pub(super) kept: bool,
}

impl Home {
    pub(super) fn url(&self) -> &str {
        &self.server.url.text
    }
}

impl LdapWriter {
    /// A connection for reading, kept or new.
    pub(super) async fn line(&self) -> Result<Line, WriteFault> {
        let current = self.home.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(home) = current {
            let admitted = home.pool.admit().await.map_err(|fault| self.not_connected(&home, &fault))?;
            if let Some(kept) = admitted.take() {
                let lease = admitted.lease(kept);
                return Ok(Line { home: Arc::clone(&home), lease, kept: true });
            }
            match home.server.open_for_search().await {
                Ok(fresh) => {
                    let lease = admitted.lease(fresh);
                    return Ok(Line { home: Arc::clone(&home), lease, kept: false });
                }
                Err(fault) => self.leave(&home, &fault),
            }
        }
        let opened = self.directory.servers.ask(|server| async move {
            let connection = server.open_for_search().await?;
            Ok((server, connection))
        });
        let (server, connection) = opened.await?;
        let home = self.settle(server);
        let admitted = home.pool.admit().await.map_err(|fault| self.not_connected(&home, &fault))?;
        let lease = admitted.lease(connection);
        Ok(Line { home: Arc::clone(&home), lease, kept: false })
    }

    /// A connection that has shown that it is alive: what is written on it and not answered may have been done.
    pub(super) async fn proved_line(&self) -> Result<Line, WriteFault> {
        let mut line = self.line().await?;
        if !line.kept || line.lease.connection.rested.elapsed() < PROVED_FOR {
            return Ok(line);
        }
        match line.lease.connection.search(&Query::of_entry("", &["1.1"])).await {
            Ok(_) | Err(Fault::Refused { .. }) => Ok(line),
            Err(fault) => {
                self.leave(&line.home, &fault);
                drop(line);
                self.line().await
            }
        }
    }

    /// The server is lost: its connections are closed, and the next one asked may be another.
    pub(super) fn leave(&self, home: &Arc<Home>, fault: &Fault) {
        self.directory.servers.note(&home.server, fault);
        home.pool.clear();
        let mut current = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|held| Arc::ptr_eq(held, home)) {
            *current = None;
        }
    }

    fn settle(&self, server: Arc<Server>) -> Arc<Home> {
        let mut current = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(home) = current.as_ref().filter(|home| Arc::ptr_eq(&home.server, &server)) {
            return Arc::clone(home);
        }
        let pool = Pool::new(CONNECTIONS, self.directory.approach.limits.idle);
        let home = Arc::new(Home { server, pool });
        *current = Some(Arc::clone(&home));
        home
    }

    pub(super) fn not_connected(&self, home: &Home, fault: &Fault) -> WriteFault {
        let cause = format!("{}: {fault}", home.url());
        WriteFault::NotConnected { directory: self.name().to_owned(), cause }
    }

    /// How long one operation may take; writes are waited for longer than people are.
    pub(super) fn patience(&self) -> std::time::Duration {
        self.directory.approach.limits.answer * 6
    }
}

impl Line {
    /// Keeps the connection for the next operation.
    pub(super) fn give_back(mut self) {
        self.lease.connection.rested = Instant::now();
        self.lease.give_back();
    }
}
