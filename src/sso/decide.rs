//! The second step, pure: the only place where ForceAuthn, IsPassive, RequestedAuthnContext, AttributeConsumingService,
//! the age of a session and `allow` are judged.

use std::cmp::Ordering;

use super::accept::Accepted;
use crate::clock::{SignedDuration, Timestamp};
use crate::identity::AuthnContext;
use crate::registry::{Allow, UnknownService};
use crate::saml::authn_request::{Comparison, RequestedAuthnContext};
use crate::saml::status::{
    AUTHN_FAILED, NO_AUTHN_CONTEXT, NO_PASSIVE, REQUEST_DENIED, REQUEST_UNSUPPORTED, REQUESTER, RESPONDER,
    Status,
};
use crate::session::SsoSession;

/// A session with less than this left is no ground for a new sign-on.
const LEAST_LEFT: SignedDuration = SignedDuration::from_mins(5);

const NOT_ALLOWED: &str = "the person who is signed in may not use this service provider";

/// What a request leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// An assertion for the person of the session.
    Issue,
    /// The person signs in, anew if need be.
    Login,
    /// The SP is told why not.
    Reject(Status),
    /// The person is told that the SP is not for them.
    Forbid,
}

/// What a decision rests on besides request and session.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The present moment.
    pub now: Timestamp,
    /// The groups of the person, if the SP's policy asks for groups.
    pub groups: &'a [String],
    /// Authentication context classes from the weakest to the strongest.
    pub class_order: &'a [String],
    /// The class that signing in at the page gives.
    pub form_class: &'a str,
    /// The class that a Kerberos ticket gives; none where nobody is asked for one.
    pub ticket_class: Option<&'a str>,
    /// Whether this browser may be asked for a ticket.
    pub ticket: Ticket,
}

/// Whether a browser may be asked for a Kerberos ticket: integrated Windows authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticket {
    /// Not at all: it is elsewhere, or has just been asked and had none that is of use.
    Never,
    /// When its person clicks: after a sign-out, and when somebody else signed in there at the page.
    OnClick,
    /// Without anybody noticing.
    Silent,
}

/// Whose session a browser has, or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// It never had one.
    Nobody,
    /// Somebody who signed in at the page.
    ByForm,
    /// Somebody whom a ticket signed in.
    ByTicket,
    /// Somebody whose session is over by its time.
    Lapsed,
    /// Somebody whose session was ended: by a logout, an administrator, the person from elsewhere.
    Ended,
}

impl Ticket {
    /// Of a browser that is offered the sign-in by ticket. `mark` is what its last sign-out or click left there: whether
    /// the person wants the ticket to be asked for.
    pub fn of(mark: Option<bool>, holder: Holder) -> Self {
        match (mark, holder) {
            (Some(true), _) | (None, Holder::Nobody | Holder::ByTicket | Holder::Lapsed) => Self::Silent,
            // The ticket may be another person's than the one who signed in at the page.
            (Some(false), _) | (None, Holder::ByForm | Holder::Ended) => Self::OnClick,
        }
    }
}

/// The ways of signing in that would meet a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// By name and password at the page, so that a person sees one.
    pub form: bool,
    /// By a ticket: no challenge to a person (ForceAuthn), and no page (IsPassive) only where nothing is clicked.
    pub ticket: bool,
}

impl Ways {
    /// Those of a request in these circumstances.
    pub fn of(accepted: &Accepted, around: &Circumstances<'_>) -> Self {
        let (ask, policy) = (accepted.ask(), &accepted.sp().policy);
        let requested = ask.requested_authn_context.as_ref();
        let requested = requested.filter(|_| !policy.ignore_requested_authn_context);
        let gives = |class| requested.is_none_or(|requested| satisfies(requested, class, around.class_order));
        let unseen = match around.ticket {
            Ticket::Never => false,
            Ticket::OnClick => !ask.is_passive,
            Ticket::Silent => true,
        };
        Self {
            form: !ask.is_passive && gives(around.form_class),
            ticket: unseen && !ask.force_authn && around.ticket_class.is_some_and(gives),
        }
    }
}

/// Judges a request.
pub fn decide(accepted: &Accepted, session: Option<&SsoSession>, around: Circumstances<'_>) -> Decision {
    let ask = accepted.ask();
    let policy = &accepted.sp().policy;
    let ways = Ways::of(accepted, &around);
    let login = || {
        let passive =
            Status::failure(RESPONDER, NO_PASSIVE, "a page would be needed, and IsPassive forbids it");
        match (ways.form || ways.ticket, ask.is_passive) {
            (true, _) => Decision::Login,
            (false, true) => Decision::Reject(passive),
            (false, false) => Decision::Reject(no_authn_context()),
        }
    };
    if let Err(unknown) = accepted.sp().releases.service(ask.attribute_service) {
        return Decision::Reject(unknown_service(unknown));
    }
    let requested = ask.requested_authn_context.as_ref().filter(|_| !policy.ignore_requested_authn_context);
    if let Some(requested) = requested {
        let met = session.is_some_and(|s| satisfies(requested, &s.context.0, around.class_order));
        if !met {
            let reachable = ways.ticket || satisfies(requested, around.form_class, around.class_order);
            // Somebody is signed in, so that it is the class alone that IsPassive leaves unmet.
            let unmet = !reachable || (ask.is_passive && session.is_some() && !ways.ticket);
            return if unmet { Decision::Reject(no_authn_context()) } else { login() };
        }
    }
    let Some(session) = session else { return login() };
    if ask.force_authn {
        // A ticket is shown by the machine: it proves nothing about who sits there now.
        if session.authn_instant < ask.received || session.silent {
            return login();
        }
        if ask.signed_in.as_ref().is_some_and(|before| *before != session.subject.id) {
            let other = "another person signed in than the one that ForceAuthn was to prove";
            return Decision::Reject(Status::failure(RESPONDER, AUTHN_FAILED, other));
        }
    }
    let too_old = |max_age| around.now.duration_since(session.authn_instant) > max_age;
    let ending = session.not_on_or_after.duration_since(around.now) < LEAST_LEFT;
    if policy.max_authn_age.is_some_and(too_old) || ending {
        return login();
    }
    match (allowed(&policy.allow, session, around.groups), ask.is_passive) {
        (true, _) => Decision::Issue,
        (false, false) => Decision::Forbid,
        (false, true) => Decision::Reject(Status::failure(RESPONDER, REQUEST_DENIED, NOT_ALLOWED)),
    }
}

/// saml-core leaves it to the IdP what becomes of an index that it cannot map (3.4.1); to send the attributes of some
/// other service would be to release what was not asked for.
pub(super) fn unknown_service(unknown: UnknownService) -> Status {
    Status::failure(REQUESTER, REQUEST_UNSUPPORTED, unknown.to_string())
}

fn no_authn_context() -> Status {
    let message = "no way of signing in here meets the RequestedAuthnContext";
    Status::failure(RESPONDER, NO_AUTHN_CONTEXT, message)
}

/// Nobody is kept out by an empty list; names and DNs are compared without case (RFC 4517, caseIgnoreMatch).
pub(super) fn allowed(allow: &[Allow], session: &SsoSession, groups: &[String]) -> bool {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    allow.is_empty()
        || allow.iter().any(|one| match one {
            Allow::User(login) => same(login, &session.subject.login),
            Allow::Group(dn) => groups.iter().any(|group| same(group, dn)),
        })
}

/// saml-core 3.3.2.2.1. A class that the order does not hold is as strong as itself and cannot be compared with any
/// other; `unspecified` is what every class is at least, and weaker than all.
fn satisfies(requested: &RequestedAuthnContext, class: &str, order: &[String]) -> bool {
    let any = |wanted: &&String| *wanted == AuthnContext::UNSPECIFIED;
    let rank = |class: &str| order.iter().position(|known| known == class);
    let compared = |wanted: &str| match (rank(class), rank(wanted)) {
        _ if wanted == class => Some(Ordering::Equal),
        (Some(own), Some(wanted)) => Some(own.cmp(&wanted)),
        _ => None,
    };
    let mut wanted = requested.classes.iter();
    match requested.comparison {
        Comparison::Exact => wanted.any(|w| any(&w) || w == class),
        Comparison::Minimum => wanted.any(|w| any(&w) || compared(w).is_some_and(Ordering::is_ge)),
        Comparison::Maximum => wanted.any(|w| any(&w) || compared(w).is_some_and(Ordering::is_le)),
        Comparison::Better => {
            !requested.classes.is_empty() && wanted.all(|w| any(&w) || compared(w) == Some(Ordering::Greater))
        }
    }
}

#[cfg(test)]
mod tests;
