//! [`IntegratedSignIn`]: integrated Windows authentication. A name that a Kerberos ticket has proved, by a proxy or here,
//! becomes a [`Subject`] or a refusal.
//!
//! A ticket lives for hours after its account was disabled. So the entry is looked up each time, and its state there is
//! what counts.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::AuthnError;
use super::journal::{Journal, Origin};
use super::password::{Answer, PasswordSignIn, Refusal, plain};
use super::spnego::{Acceptor, TicketFault};
use super::throttle::{Keys, Name, Throttle};
use super::trusted_header::TrustedHeader;
use crate::audit::Event;
use crate::directory::active_directory::dns_name_of;
use crate::directory::{Directory, Login, Lookup, Reason};
use crate::identity::{AuthnContext, Subject};

/// Signs people in by their ticket.
#[derive(Debug)]
pub struct IntegratedSignIn {
    options: IntegratedOptions,
    directories: Vec<Arc<dyn Directory>>,
    throttle: Arc<Throttle>,
    journal: Journal,
}

/// What `[integrated]` says.
#[derive(Debug)]
pub struct IntegratedOptions {
    /// Who proves the tickets.
    pub prover: Prover,
    /// Whose browsers are asked for one.
    pub networks: Vec<IpNet>,
    /// Kerberos realms and NetBIOS names of domains, each with the `name` of its directory.
    pub realms: Vec<(String, String)>,
    /// The class that a ticket gives.
    pub context: AuthnContext,
}

/// Who proves tickets.
#[derive(Debug)]
pub enum Prover {
    /// A proxy, which names the person in a header.
    Proxy(TrustedHeader),
    /// This server, with the keys of a keytab.
    Keytab(Acceptor),
}

/// A name that was proved.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// `user@REALM`, `DOMAIN\user` or `user`, in octets.
    pub name: &'a [u8],
    /// Where the browser is.
    pub address: IpAddr,
    /// The id that page, log and audit share.
    pub request_id: &'a str,
}

impl<'a> Claim<'a> {
    fn origin(&self) -> Origin<'a> {
        Origin { address: self.address, request_id: self.request_id }
    }
}

/// The parts of a name; neither is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WindowsName<'a> {
    user: &'a str,
    realm: Option<&'a str>,
}

impl IntegratedSignIn {
    /// Beside `sign_in`, with its directories, of which `realms` says which are meant, and its throttle, which remembers
    /// who signed in where.
    pub fn new(options: IntegratedOptions, sign_in: &PasswordSignIn) -> Self {
        let (throttle, journal) = (Arc::clone(sign_in.throttle()), sign_in.journal().clone());
        Self { options, directories: sign_in.directories().to_vec(), throttle, journal }
    }

    /// Who proves the tickets.
    pub fn prover(&self) -> &Prover {
        &self.options.prover
    }

    /// The class that a ticket gives.
    pub fn context(&self) -> &AuthnContext {
        &self.options.context
    }

    /// Whether a browser at this address, over a connection from `peer`, may be asked for a ticket.
    pub fn is_offered(&self, peer: IpAddr, address: IpAddr) -> bool {
        let reached = match &self.options.prover {
            Prover::Proxy(trusted) => trusted.is_proxy(peer),
            Prover::Keytab(_) => true,
        };
        let address = address.to_canonical();
        reached && self.options.networks.iter().any(|network| network.contains(&address))
    }

    /// Finds out who this is. Nothing is counted: a ticket is not guessed.
    pub async fn sign_in(&self, claim: Claim<'_>) -> Result<Answer, AuthnError> {
        let parsed = std::str::from_utf8(claim.name).ok().and_then(WindowsName::parse);
        let Some((name, login)) = parsed.and_then(|name| Some((name, Login::parse(name.user)?))) else {
            return self.refuse(claim, None, "invalid_login", Refusal::Ticket);
        };
        let Some(directory) = self.directory(name.realm) else {
            return self.refuse(claim, None, "unknown_realm", Refusal::Ticket);
        };
        let candidate = match directory.find(&login).await {
            Ok(Lookup::Found(candidate)) => candidate,
            Ok(Lookup::Unknown) => return self.unmatched(claim, Reason::Unknown),
            Ok(Lookup::Ambiguous) => return self.unmatched(claim, Reason::Ambiguous),
            Err(error) => {
                self.refuse(claim, None, "directory_unavailable", Refusal::Ticket)?;
                return Err(error.into());
            }
        };
        if !self.is_of_realm(candidate.subject.as_ref(), name.realm, directory.name()) {
            return self.refuse(claim, None, "other_realm", Refusal::Ticket);
        }
        let lockout = candidate.lockout;
        let locked = lockout.locked.then_some(Reason::Locked { until: lockout.locked_until });
        match (candidate.barred.or(locked), candidate.subject) {
            (Some(reason), subject) => {
                self.refuse(claim, subject.as_ref(), reason.as_str(), Refusal::from(reason))
            }
            (None, Some(subject)) => {
                // From here a password is hers, too, whoever guesses elsewhere.
                let typed = Arc::new(Name::new(&login, login.as_str(), claim.address));
                self.throttle.make_known(&Keys::new(&typed, Some(&candidate.throttle_key)))?;
                self.accept(claim, subject)
            }
            // A directory that names people by a pattern has looked at no entry; the configuration refuses such.
            (None, None) => self.unmatched(claim, Reason::Unknown),
        }
    }

    /// Writes to the audit trail that headers did not say one name.
    pub fn refuse_header(&self, address: IpAddr, request_id: &str) -> Result<(), AuthnError> {
        let claim = Claim { name: b"", address, request_id };
        self.refuse(claim, None, "proxy_header", Refusal::Ticket).map(drop)
    }

    /// Writes to log and audit trail what was wrong with a ticket. A browser outside the domain, which has none, is no event.
    pub fn refuse_ticket(
        &self,
        fault: &TicketFault,
        address: IpAddr,
        request_id: &str,
    ) -> Result<(), AuthnError> {
        tracing::info!(request.id = %request_id, "no Kerberos ticket of use: {fault}");
        let event = Event::SignInRefused {
            login: String::new(),
            subject: None,
            reason: "bad_ticket".to_owned(),
            locked_until: None,
        };
        match fault {
            TicketFault::Ntlm | TicketFault::Busy => Ok(()),
            _ => self.journal.record(Origin { address, request_id }, event),
        }
    }

    /// The directory of a realm. A bare name is taken where no other than one domain can be meant: with several it would
    /// be a guess, and a namesake would be somebody else.
    fn directory(&self, realm: Option<&str>) -> Option<&Arc<dyn Directory>> {
        let realms = &self.options.realms;
        let named = match realm {
            Some(realm) => realms.iter().find(|(known, _)| known.to_lowercase() == realm.to_lowercase())?,
            None => realms.first().filter(|(_, first)| {
                realms.iter().all(|(_, name)| name == first) && !self.has_several_domains(first)
            })?,
        };
        self.directories.iter().find(|directory| directory.name() == named.1)
    }

    /// Whether more than one realm is of this directory, as of a global catalogue. The NetBIOS name of a domain has no dot.
    fn has_several_domains(&self, directory: &str) -> bool {
        let dotted = |(realm, of): &&(String, String)| of == directory && realm.contains('.');
        self.options.realms.iter().filter(dotted).count() > 1
    }

    /// Whether an entry is of the realm that proved its name. A directory of several domains finds the namesake of another
    /// one too: there the entry's own domain must have the realm's name, as in Active Directory it has.
    fn is_of_realm(&self, subject: Option<&Subject>, realm: Option<&str>, directory: &str) -> bool {
        let Some(realm) = realm.filter(|_| self.has_several_domains(directory)) else { return true };
        let domain = subject.and_then(|subject| subject.dn.as_deref()).map(dns_name_of).unwrap_or_default();
        let same = domain.to_lowercase() == realm.to_lowercase();
        if !same {
            tracing::warn!(
                realm = %plain(realm), domain = %plain(&domain),
                "directory \"{directory}\" has several realms in integrated.realms, and the entry is of another domain"
            );
        }
        same
    }

    fn unmatched(&self, claim: Claim<'_>, reason: Reason) -> Result<Answer, AuthnError> {
        self.refuse(claim, None, reason.as_str(), Refusal::Ticket)
    }

    fn accept(&self, claim: Claim<'_>, subject: Subject) -> Result<Answer, AuthnError> {
        self.journal.accept(claim.origin(), &subject, &self.options.context, Some(&printed(claim.name)))?;
        Ok(Answer::SignedIn(Box::new(subject)))
    }

    fn refuse(
        &self,
        claim: Claim<'_>,
        subject: Option<&Subject>,
        reason: &str,
        refusal: Refusal,
    ) -> Result<Answer, AuthnError> {
        self.journal.refuse(claim.origin(), (printed(claim.name), subject), reason, refusal)?;
        Ok(Answer::Refused(refusal))
    }
}

impl<'a> WindowsName<'a> {
    /// `None` for what is no person's: service principals (`HTTP/host@REALM`), enterprise names, and names with marks
    /// that no account has (\[MS-ADTS\] 3.1.1.3.1.2: `"/\[]:;|=,+*?<>@`).
    fn parse(text: &'a str) -> Option<Self> {
        let (user, realm) = match (text.split_once('\\'), text.rsplit_once('@')) {
            (Some((domain, user)), None) => (user, Some(domain)),
            (None, Some((user, realm))) => (user, Some(realm)),
            (None, None) => (text, None),
            (Some(_), Some(_)) => return None,
        };
        let marks = |part: &str| part.contains(['"', '/', '\\', '[', ']', ':', ';', '|', '=', ',', '+', '*']);
        let more = |part: &str| part.contains(['?', '<', '>', '@']) || part.chars().any(char::is_control);
        let fits = |part: &str| !part.is_empty() && part.trim() == part && !marks(part) && !more(part);
        (fits(user) && realm.is_none_or(fits)).then_some(Self { user, realm })
    }
}

fn printed(name: &[u8]) -> String {
    plain(&String::from_utf8_lossy(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_have_their_parts() {
        for (text, user, realm) in [
            ("alice@EXAMPLE.TEST", "alice", Some("EXAMPLE.TEST")),
            ("EXAMPLE\\alice", "alice", Some("EXAMPLE")),
            ("alice", "alice", None),
            ("田中 太郎@EXAMPLE.TEST", "田中 太郎", Some("EXAMPLE.TEST")),
            ("o'brien-x.y_$1@R", "o'brien-x.y_$1", Some("R")),
        ] {
            assert_eq!(WindowsName::parse(text), Some(WindowsName { user, realm }), "{text}");
        }
    }

    #[test]
    fn what_is_no_persons_name_is_none() {
        for text in [
            "",
            "@R",
            "alice@",
            "\\alice",
            "EXAMPLE\\",
            "EXAMPLE\\alice@R",
            "A\\B\\alice",
            "HTTP/sso.example.test@EXAMPLE.TEST",
            "alice\\@corp.test@EXAMPLE.TEST",
            "alice@corp.test@EXAMPLE.TEST",
            "alice, bob",
            "alice*",
            " alice",
            "alice @R",
            "alice\n@R",
            "a\0",
        ] {
            assert_eq!(WindowsName::parse(text), None, "{text:?}");
        }
    }
}
