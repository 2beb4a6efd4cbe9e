//! [`Acceptor`]: Kerberos tickets that browsers show by SPNEGO (RFC 4559), proved with the keys of a keytab.
//!
//! `gss` is the one file that speaks to the library of MIT Kerberos. It is there with the cargo feature `kerberos`; a
//! program without it has `absent` in its place, and refuses the configuration that would need it.

#[cfg_attr(not(feature = "kerberos"), path = "absent.rs")]
mod gss;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use gss::Keys;

/// So many tickets are looked at together: each takes a millisecond of a core and a write to the replay cache.
const AT_ONCE: usize = 4;
const PATIENCE: Duration = Duration::from_secs(2);
/// What a message of SSP begins with that is no SPNEGO.
const NTLMSSP: &[u8] = b"NTLMSSP\0";

/// Proves tickets.
#[derive(Debug)]
pub struct Acceptor {
    keys: Arc<Keys>,
    places: Arc<Semaphore>,
}

/// A ticket that was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// `user@REALM`, in octets.
    pub name: Vec<u8>,
    /// What the browser is answered beside the page, in base64: the proof of who we are.
    pub reply: Option<String>,
}

/// The keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeytabError {
    /// The library says so.
    #[error("the keys cannot be used: {0}")]
    Library(String),
    /// The program has no Kerberos.
    #[error("this program was built without Kerberos")]
    Absent,
}

/// Why what a browser showed is no ticket of use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketFault {
    /// NTLM: the browser has no ticket for us, and tries what it has.
    #[error(
        "the browser answered with NTLM: it knows no Kerberos service of this name, or is outside the domain"
    )]
    Ntlm,
    /// No base64.
    #[error("the token is no base64")]
    Encoding,
    /// The library refuses it: for another service, over, seen before, garbage.
    #[error("{0}")]
    Refused(String),
    /// It would take more than one step.
    #[error("the browser and this server could not agree on Kerberos in one step")]
    Incomplete,
    /// It was proved, and by something else.
    #[error("the token is not of Kerberos, or of nobody")]
    Mechanism,
    /// It is a ticket for another service of this machine.
    #[error("the ticket is for {0}, and not for HTTP")]
    Service(String),
    /// Too much to do.
    #[error("too many tickets wait to be looked at")]
    Busy,
}

impl Acceptor {
    /// Uses the keytab that the variable `KRB5_KTNAME` of the process names, and of its keys those of `principal`, or all.
    pub fn open(principal: Option<&str>) -> Result<Self, KeytabError> {
        let keys = Arc::new(Keys::open(principal)?);
        Ok(Self { keys, places: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Proves the token of an `Authorization: Negotiate` header.
    pub async fn accept(&self, token: &str) -> Result<Proved, TicketFault> {
        let token = decode(token)?;
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(TicketFault::Busy) };
        let keys = Arc::clone(&self.keys);
        let work = spawn_blocking(move || {
            let _place = place;
            keys.accept(&token)
        });
        work.await.unwrap_or_else(|cause| Err(TicketFault::Refused(cause.to_string())))
    }
}

fn decode(token: &str) -> Result<Vec<u8>, TicketFault> {
    let octets = STANDARD.decode(token.trim()).map_err(|_| TicketFault::Encoding)?;
    if octets.starts_with(NTLMSSP) { Err(TicketFault::Ntlm) } else { Ok(octets) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntlm_and_nonsense_never_reach_the_library() {
        let ntlm = "TlRMTVNTUAABAAAAl4II4gAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==";
        assert_eq!(decode(ntlm), Err(TicketFault::Ntlm));
        assert_eq!(decode("no base64"), Err(TicketFault::Encoding));
        assert_eq!(decode(" YIIB \t"), Ok(vec![0x60, 0x82, 0x01]));
    }
}
