//! [`Pool`]: kept connections of one server for one purpose, each used by one caller at a time.
//!
//! A [`Lease`] goes back only by [`Lease::give_back`], which its user calls after a complete answer; any other end (an
//! error, a timeout, a dropped future) closes the connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::connection::{Connection, Fault};

/// The connections that rest, and the right to have one.
#[derive(Debug)]
pub(super) struct Pool {
    resting: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    idle: Duration,
}

impl Pool {
    /// At most `size` connections at once; one that rested longer than `idle` is not used again.
    pub(super) fn new(size: usize, idle: Duration) -> Self {
        Self { resting: Arc::default(), permits: Arc::new(Semaphore::new(size)), idle }
    }

    /// Waits for the right to use a connection. `take` then gives a kept one, or the caller opens one.
    pub(super) async fn admit(&self) -> Result<Admitted<'_>, Fault> {
        match Arc::clone(&self.permits).acquire_owned().await {
            Ok(permit) => Ok(Admitted { pool: self, permit }),
            Err(_) => Err(Fault::Lost("the pool is closed".to_owned())),
        }
    }

    /// Forgets every kept connection: the server went away.
    pub(super) fn clear(&self) {
        if let Ok(mut resting) = self.resting.lock() {
            resting.clear();
        }
    }

    /// The connection that rested last and is still good.
    fn take(&self) -> Option<Connection> {
        let mut resting = self.resting.lock().ok()?;
        let now = Instant::now();
        resting.retain_mut(|held| now.duration_since(held.rested) < self.idle && !held.is_closed());
        resting.pop()
    }
}

/// The right to use one connection of a pool.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    pool: &'a Pool,
    permit: OwnedSemaphorePermit,
}

impl Admitted<'_> {
    /// A kept connection, if there is a good one.
    pub(super) fn take(&self) -> Option<Connection> {
        self.pool.take()
    }

    /// Uses the right for this connection.
    pub(super) fn lease(self, connection: Connection) -> Lease {
        Lease { connection, resting: Arc::clone(&self.pool.resting), _permit: self.permit }
    }
}

/// A connection in use by one caller.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) connection: Connection,
    resting: Arc<Mutex<Vec<Connection>>>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// Keeps the connection for the next caller.
    pub(super) fn give_back(self) {
        let Self { mut connection, resting, _permit } = self;
        connection.rested = Instant::now();
        if let Ok(mut resting) = resting.lock() {
            resting.push(connection);
        }
    }
}
