//! [`Servers`]: asks the servers of a directory in order, and goes on to the next one when one is out or slow.

use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::DirectoryError;
use super::breaker::Standing;
use super::connection::{Fault, Limits};
use super::server::Server;

/// The servers in the order of the configuration.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) directory: String,
    pub(super) bind_dn: String,
    pub(super) list: Vec<Arc<Server>>,
    pub(super) limits: Limits,
}

impl Servers {
    /// The first answer to a question that may be asked of several servers: the next server is asked after a fault, and
    /// beside the first when that one is silent for `limits.hedge`.
    pub(super) async fn ask<T, F, R>(&self, question: F) -> Result<T, DirectoryError>
    where
        F: Fn(Arc<Server>) -> R,
        R: Future<Output = Result<T, Fault>>,
    {
        let mut next = self.order().into_iter();
        let mut running = FuturesUnordered::new();
        let mut started: Vec<Arc<Server>> = Vec::new();
        let mut faults: Vec<(Arc<Server>, Fault)> = Vec::new();
        let deadline = Instant::now() + self.limits.total;
        loop {
            if let Some(server) = next.next() {
                started.push(Arc::clone(&server));
                let answer = question(Arc::clone(&server));
                running.push(async move { (server, answer.await) });
            }
            let hedge = if next.len() == 0 { self.limits.total } else { self.limits.hedge };
            tokio::select! {
                ended = running.next() => match ended {
                    None => return Err(self.all_failed(faults)),
                    Some((server, Ok(answer))) => {
                        self.answered(&server, &started);
                        return Ok(answer);
                    }
                    Some((server, Err(fault @ Fault::Refused { .. }))) => {
                        self.answered(&server, &started);
                        return Err(self.error(&server, &fault));
                    }
                    Some((server, Err(fault))) => {
                        self.note(&server, &fault);
                        started.retain(|other| !Arc::ptr_eq(other, &server));
                        faults.push((server, fault));
                    }
                },
                () = sleep(hedge) => {}
                () = sleep_until(deadline) => {
                    let fault = Fault::Silent(format!("no answer within {:?}", self.limits.total));
                    for server in started {
                        self.note(&server, &fault);
                        faults.push((server, fault.clone()));
                    }
                    return Err(self.all_failed(faults));
                }
            }
        }
    }

    /// The first answer to a question that is long in the answering: the next server is asked only after a fault or a
    /// `None`, and nobody is asked beside another. `None`: whoever answered said so.
    pub(super) async fn ask_in_turn<T, F, R>(&self, question: F) -> Result<Option<T>, DirectoryError>
    where
        F: Fn(Arc<Server>) -> R,
        R: Future<Output = Result<Option<T>, Fault>>,
    {
        let mut faults: Vec<(Arc<Server>, Fault)> = Vec::new();
        let mut answered = false;
        for server in self.order() {
            match question(Arc::clone(&server)).await {
                Ok(answer) => {
                    self.answered(&server, &[]);
                    answered = true;
                    if answer.is_some() {
                        return Ok(answer);
                    }
                }
                Err(fault @ Fault::Refused { .. }) => return Err(self.error(&server, &fault)),
                Err(fault) => {
                    self.note(&server, &fault);
                    faults.push((server, fault));
                }
            }
        }
        if answered { Ok(None) } else { Err(self.all_failed(faults)) }
    }

    /// What each server says that is not out, in order; all are asked at the same time.
    pub(super) async fn ask_each<T, F, R>(&self, question: F) -> Vec<(Arc<Server>, Result<T, Fault>)>
    where
        F: Fn(Arc<Server>) -> R,
        R: Future<Output = Result<T, Fault>>,
    {
        let servers = self.order();
        let answers = join_all(servers.iter().map(|server| question(Arc::clone(server)))).await;
        let each: Vec<_> = servers.into_iter().zip(answers).collect();
        for (server, answer) in &each {
            match answer {
                Ok(_) | Err(Fault::Refused { .. }) => self.answered(server, &[]),
                Err(fault) => self.note(server, fault),
            }
        }
        each
    }

    /// Counts a fault of one server against it, as [`Servers::ask`] does by itself.
    pub(super) fn note(&self, server: &Server, fault: &Fault) {
        if matches!(fault, Fault::Refused { .. }) {
            return;
        }
        server.forget_connections();
        if server.breaker.failed(fault.clone(), Instant::now()) {
            self.tell(server, fault);
        }
    }

    /// Tells why a server is not asked for a while.
    fn tell(&self, server: &Server, fault: &Fault) {
        let (directory, server) = (&self.directory, &server.url.text);
        let bind_dn = &self.bind_dn;
        match fault {
            // strongerAuthRequired, confidentialityRequired (RFC 4511 appendix A)
            Fault::ServiceBind(8 | 13, cause) => {
                tracing::warn!(%directory, %server, bind_dn, %cause, "LDAP server takes no password in clear; write ldaps:// in urls, or start_tls = true");
            }
            Fault::ServiceBind(_, cause) => {
                tracing::warn!(%directory, %server, bind_dn, %cause, "LDAP server refuses the service account; check bind_dn and bind_password");
            }
            _ => tracing::warn!(%directory, %server, cause = %fault, "LDAP server is out"),
        }
    }

    /// The error for a fault of the server that was asked last.
    pub(super) fn error(&self, server: &Server, fault: &Fault) -> DirectoryError {
        match fault {
            Fault::ServiceBind(code, cause) => DirectoryError::ServiceBind {
                code: *code,
                directory: self.directory.clone(),
                bind_dn: self.bind_dn.clone(),
                cause: cause.clone(),
            },
            Fault::Refused { code, operation, cause } => DirectoryError::Refused {
                code: *code,
                directory: self.directory.clone(),
                operation,
                cause: cause.clone(),
            },
            Fault::Silent(_) | Fault::Lost(_) => self.unreachable(format!("{}: {fault}", server.url.text)),
        }
    }

    /// The error for a user bind that was sent to this server and not answered.
    pub(super) fn unanswered(&self, server: &Server, fault: &Fault) -> DirectoryError {
        let cause = format!("{}: {fault}", server.url.text);
        DirectoryError::Unanswered { directory: self.directory.clone(), cause }
    }

    fn unreachable(&self, cause: String) -> DirectoryError {
        DirectoryError::Unreachable { directory: self.directory.clone(), cause }
    }

    /// Notes who answered, and that those who were asked before are slow.
    fn answered(&self, server: &Arc<Server>, started: &[Arc<Server>]) {
        if server.breaker.succeeded() {
            tracing::info!(directory = %self.directory, server = %server.url.text, "LDAP server answers again");
        }
        for slow in started.iter().take_while(|other| !Arc::ptr_eq(other, server)) {
            self.note(slow, &Fault::Silent(format!("no answer within {:?}", self.limits.hedge)));
        }
    }

    fn order(&self) -> Vec<Arc<Server>> {
        let mut good = Vec::new();
        let mut due = Vec::new();
        let mut last_resort = Vec::new();
        let now = Instant::now();
        for server in &self.list {
            match server.breaker.standing(now) {
                Standing::Good => good.push(Arc::clone(server)),
                Standing::Probe => due.push(Arc::clone(server)),
                Standing::LastResort => last_resort.push(Arc::clone(server)),
                Standing::Out => {}
            }
        }
        if good.is_empty() {
            due.append(&mut last_resort);
            return due;
        }
        for server in due {
            self.probe_aside(server);
        }
        good.append(&mut last_resort);
        good
    }

    /// Tries a server that is out without letting anybody wait for it.
    pub(super) fn probe_aside(&self, server: Arc<Server>) {
        let directory = self.directory.clone();
        let limit = self.limits.answer;
        tokio::spawn(async move {
            let silent = || Err(Fault::Silent(format!("no answer within {limit:?}")));
            match timeout(limit, server.probe()).await.unwrap_or_else(|_| silent()) {
                Ok(()) => {
                    server.breaker.succeeded();
                    tracing::info!(%directory, server = %server.url.text, "LDAP server answers again");
                }
                Err(fault) => {
                    server.breaker.failed(fault, Instant::now());
                }
            }
        });
    }

    pub(super) fn all_failed(&self, mut faults: Vec<(Arc<Server>, Fault)>) -> DirectoryError {
        // Nobody was asked, since all are out: what they said last still holds.
        if faults.is_empty() {
            let last = |server: &Arc<Server>| Some((Arc::clone(server), server.breaker.fault()?));
            faults = self.list.iter().filter_map(last).collect();
        }
        if let Some((server, fault)) =
            faults.iter().find(|(_, fault)| matches!(fault, Fault::ServiceBind(..)))
        {
            return self.error(server, fault);
        }
        let each: Vec<String> =
            faults.iter().map(|(server, fault)| format!("{}: {fault}", server.url.text)).collect();
        self.unreachable(each.join("; "))
    }
}
