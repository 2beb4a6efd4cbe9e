//! What a message is and what would become of it, in plain sentences: for `sekisho explain`.
//!
//! Nothing is decided here: the message goes through the same steps as one that a browser brings, and what they say is told.
//! A refusal is told by the sentence that the log has for it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Incoming;
use super::accept::{Accepted, Ground, enveloped, find, rule};
use super::logout::accept::{Heard, Unheard, find_also_disabled, hear};
use super::outcome::Rejection;
use crate::clock::{SignedDuration, Timestamp};
use crate::registry::{ServiceProvider, VerifyRequests};
use crate::saml::acs::AcsBinding;
use crate::saml::authn_request::AuthnRequest;
use crate::saml::binding::{Kind, post, redirect};
use crate::saml::logout::{LogoutRequest, LogoutResponse, Principal};
use crate::saml::message::Head;
use crate::saml::signature::{SignatureError, SignatureValid};
use crate::saml::xml::{Element, Limits, parse};

/// A message, explained.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// One sentence each.
    pub sentences: Vec<String>,
    /// It would be refused.
    pub refused: bool,
}

impl Explanation {
    fn say(&mut self, sentence: impl Into<String>) {
        self.sentences.push(sentence.into());
    }

    fn refuse(&mut self, rejection: &Rejection) {
        self.refused = true;
        self.say(format!("It is refused with {}, and the log says:", rejection.sentence().code()));
        self.say(format!("  {}", rejection.to_string().escape_debug()));
    }
}

/// Explains a URL, a query, a form, a form value, or a document.
pub fn explain(text: &str, ground: Ground<'_>) -> Explanation {
    let mut told = Explanation::default();
    match Raw::guess(text) {
        Raw::Query(query) => by_redirect(&query, ground, &mut told),
        Raw::Form(form) => by_post(form.as_bytes(), ground, &mut told),
    }
    told
}

fn by_redirect(query: &str, ground: Ground<'_>, told: &mut Explanation) {
    let (kind, received) = match redirect::Received::message(query) {
        Ok(read) => read,
        Err(error) => return told.refuse(&error.into()),
    };
    told.say(format!("It came by HTTP-Redirect as {}.", kind.parameter()));
    let root = match parse(&received.xml, &Limits::MESSAGE) {
        Ok(root) => root,
        Err(error) => return told.refuse(&error.into()),
    };
    if let Some(digest) = received.signed_digest() {
        told.say(format!("What its signature is over has the SHA-256 {digest}."));
    }
    let judge = |sp: &ServiceProvider| received.verify(&sp.keys, sp.request_algorithms);
    message(&root, Incoming::Redirect { raw_query: query }, judge, ground, told);
}

fn by_post(body: &[u8], ground: Ground<'_>, told: &mut Explanation) {
    let (kind, received) = match post::Received::message(body) {
        Ok(read) => read,
        Err(error) => return told.refuse(&error.into()),
    };
    told.say(format!("It came by HTTP-POST as {}, or is looked at as if it had.", kind.parameter()));
    let root = match parse(&received.xml, &Limits::MESSAGE) {
        Ok(root) => root,
        Err(error) => return told.refuse(&error.into()),
    };
    let judge = |sp: &ServiceProvider| enveloped(&root, sp);
    message(&root, Incoming::Post { body }, judge, ground, told);
}

fn message(
    root: &Element<'_>,
    incoming: Incoming<'_>,
    judge: impl Fn(&ServiceProvider) -> Result<SignatureValid, SignatureError>,
    ground: Ground<'_>,
    told: &mut Explanation,
) {
    match root.local {
        "LogoutRequest" | "LogoutResponse" => logout(root, incoming, judge, ground, told),
        "Response" => {
            told.say("It is a Response: what an identity provider sends, not what it is sent.");
            told.refused = true;
        }
        _ => match AuthnRequest::read(root) {
            Ok(request) => authn_request(&request, incoming, judge, ground, told),
            Err(error) => told.refuse(&error.into()),
        },
    }
}

fn authn_request(
    request: &AuthnRequest,
    incoming: Incoming<'_>,
    judge: impl Fn(&ServiceProvider) -> Result<SignatureValid, SignatureError>,
    ground: Ground<'_>,
    told: &mut Explanation,
) {
    told.say(format!("It is an AuthnRequest with the ID {}.", request.id));
    made(request.issue_instant, ground.now, told);
    let found = find(ground.snapshot, &request.issuer, ground.now);
    let Some(sp) = sender(&request.issuer, found, told) else { return };
    signature(&sp, judge, ground, told);
    addressed(request.destination.as_deref(), &ground.idp.demands.destinations, told);
    wishes(request, told);
    match Accepted::read(incoming, ground) {
        Ok(accepted) => answered(request, &accepted, ground, told),
        Err(rejection) => told.refuse(&rejection),
    }
}

fn made(instant: Timestamp, now: Timestamp, told: &mut Explanation) {
    let age = now.duration_since(instant);
    let seconds = SignedDuration::from_secs(age.as_secs().abs());
    told.say(if age.is_negative() {
        format!("Its IssueInstant is {seconds:#} ahead of this machine's clock; 5 minutes are allowed.")
    } else {
        format!("It was made {seconds:#} ago by the clock of its sender.")
    });
}

fn sender(
    issuer: &str,
    found: Result<Arc<ServiceProvider>, Rejection>,
    told: &mut Explanation,
) -> Option<Arc<ServiceProvider>> {
    match found {
        Ok(sp) => {
            let file = sp.file.file_name().unwrap_or_default().to_string_lossy();
            told.say(format!("It is from {issuer}: \"{}\", described by {file}.", sp.display_name("en")));
            Some(sp)
        }
        Err(rejection) => {
            told.say(format!("It says that it is from {}.", issuer.escape_debug()));
            told.refuse(&rejection);
            None
        }
    }
}

fn signature(
    sp: &ServiceProvider,
    judge: impl Fn(&ServiceProvider) -> Result<SignatureValid, SignatureError>,
    ground: Ground<'_>,
    told: &mut Explanation,
) {
    believed(judge(sp), told);
    told.say(match rule(sp, &ground.idp.demands) {
        VerifyRequests::Required => "AuthnRequests of this SP must be signed.",
        VerifyRequests::WhenKey if sp.keys.is_empty() => {
            "No signing key of this SP is registered: a signature of an AuthnRequest says nothing."
        }
        VerifyRequests::WhenKey => {
            "AuthnRequests of this SP need not be signed, but a signature must verify."
        }
        VerifyRequests::Ignore => "Signatures of this SP's AuthnRequests are not looked at.",
    });
}

fn believed(judged: Result<SignatureValid, SignatureError>, told: &mut Explanation) {
    told.say(match judged {
        Ok(proof) => format!(
            "It is signed with {}; the key of the certificate {} verifies it.",
            proof.algorithm().uri(),
            proof.fingerprint()
        ),
        Err(SignatureError::Missing) => "It is not signed.".to_owned(),
        Err(error) => format!("Its signature is not believed: {error}."),
    });
}

fn addressed(destination: Option<&str>, ours: &[String], told: &mut Explanation) {
    told.say(match destination {
        Some(destination) => format!("Its Destination is {}.", destination.escape_debug()),
        None => "It has no Destination.".to_owned(),
    });
    told.say(format!("This identity provider takes it at {}.", ours.join(" and ")));
}

fn wishes(request: &AuthnRequest, told: &mut Explanation) {
    if request.force_authn {
        told.say("It asks for a new sign-in (ForceAuthn).");
    }
    if request.is_passive {
        told.say("It forbids a page (IsPassive).");
    }
    if let Some(format) = &request.name_id_policy.format {
        told.say(format!("It asks for a NameID of the format {}.", format.escape_debug()));
    }
    if let Some(context) = &request.requested_authn_context {
        told.say(format!(
            "It asks for {:?} of the authentication contexts {}.",
            context.comparison,
            context.classes.join(", ").escape_debug()
        ));
    }
    if request.subject.is_some() || request.subject_encrypted {
        told.say("It names the person who is to be signed in (Subject).");
    }
    if let Some(index) = request.attribute_consuming_service_index {
        told.say(format!("It asks for the attributes of AttributeConsumingService {index}."));
    }
}

fn answered(request: &AuthnRequest, accepted: &Accepted, ground: Ground<'_>, told: &mut Explanation) {
    let why = match (&request.acs_url, request.acs_index) {
        (Some(_), _) => "which the request names by its URL".to_owned(),
        (None, Some(index)) => format!("which the request names by its index {index}"),
        (None, None) => "the default of the metadata".to_owned(),
    };
    let binding = match accepted.binding() {
        AcsBinding::Post => "HTTP-POST",
        AcsBinding::Artifact => "HTTP-Artifact",
        AcsBinding::Paos => "PAOS",
    };
    told.say(format!("The answer goes to {} by {binding}: {why}.", accepted.acs()));
    let released = released(accepted.sp(), request.attribute_consuming_service_index, ground);
    told.say(if request.is_passive && ground.idp.ticket_class.is_some() {
        format!(
            "It is accepted. Without a session and without a Kerberos ticket that the browser shows by itself the SP gets \
             NoPassive; with one of them, an assertion with {released}."
        )
    } else if request.is_passive {
        format!(
            "It is accepted. Without a session the SP gets NoPassive; with one, an assertion with {released}."
        )
    } else {
        format!(
            "It is accepted: the person signs in, or has a session, and the SP gets an assertion with {released}."
        )
    });
}

/// What an assertion can hold at most.
fn released(sp: &ServiceProvider, service: Option<u16>, ground: Ground<'_>) -> String {
    let Ok(release) = sp.releases.service(service) else {
        return "no attributes, since there is no such AttributeConsumingService".to_owned();
    };
    if !sp.policy.send_attributes {
        return "no attributes (send_attributes = false)".to_owned();
    }
    let list = release.attributes.as_ref().or(ground.idp.attributes.as_ref()).into_iter().flatten();
    let names: Vec<&str> = list.map(String::as_str).chain(release.subject_ids.iter().copied()).collect();
    if names.is_empty() {
        return "what its filters name, since neither it nor saml.attributes has a list".to_owned();
    }
    format!("what its filters leave of {}", names.join(", "))
}

fn logout(
    root: &Element<'_>,
    incoming: Incoming<'_>,
    judge: impl Fn(&ServiceProvider) -> Result<SignatureValid, SignatureError>,
    ground: Ground<'_>,
    told: &mut Explanation,
) {
    let head = match named(root, told) {
        Ok(head) => head,
        Err(rejection) => return told.refuse(&rejection),
    };
    made(head.issue_instant, ground.now, told);
    let found = match root.local {
        "LogoutResponse" => find_also_disabled(ground.snapshot, &head.issuer, ground.now),
        _ => find(ground.snapshot, &head.issuer, ground.now),
    };
    let Some(sp) = sender(&head.issuer, found, told) else { return };
    believed(judge(&sp), told);
    addressed(head.destination.as_deref(), &ground.idp.demands.logout_destinations, told);
    match hear(incoming, ground) {
        Ok(Heard::Request(asked)) if asked.name.is_none() => {
            told.say("Its EncryptedID cannot be decrypted: the SP gets UnknownPrincipal.");
        }
        Ok(Heard::Request(_)) => {
            told.say("It is accepted once: the sessions that it names end, and the other SPs are told.");
        }
        Ok(Heard::Unsigned) => {
            told.say(
                "Nothing proves who sent it: the person is asked whether to sign out, and nothing more.",
            );
        }
        Ok(Heard::Response(_)) => {
            told.say(
                "It is accepted if a logout waits for it; which ones do, only the running server knows.",
            );
        }
        Err(Unheard::Request(rejection) | Unheard::Response(rejection, _)) => told.refuse(&rejection),
    }
}

fn named(root: &Element<'_>, told: &mut Explanation) -> Result<Head, Rejection> {
    if root.local == "LogoutResponse" {
        let response = LogoutResponse::read(root)?;
        let answers = response.in_response_to.unwrap_or_default();
        told.say(format!("It is a LogoutResponse to {}.", answers.escape_debug()));
        told.say(format!("Its status is {}.", response.status.join(" / ").escape_debug()));
        return Ok(response.head);
    }
    let request = LogoutRequest::read(root)?;
    told.say(format!("It is a LogoutRequest with the ID {}.", request.head.id));
    told.say(match &request.principal {
        Principal::Named(name) => {
            format!("It names \"{}\" (format {}).", name.value.escape_debug(), name.format.escape_debug())
        }
        Principal::Encrypted => "It names the person by an EncryptedID.".to_owned(),
    });
    told.say(match request.session_indexes.as_slice() {
        [] => "It names no SessionIndex: all sessions of the person at this SP are meant.".to_owned(),
        indexes => format!("It names the SessionIndex {}.", indexes.join(", ").escape_debug()),
    });
    Ok(request.head)
}

/// A message as it would come.
enum Raw {
    /// By redirect.
    Query(String),
    /// By POST.
    Form(String),
}

impl Raw {
    /// What somebody copied out of an address bar, a developer tool or a log.
    fn guess(text: &str) -> Self {
        let text = text.trim();
        let parameters = [Kind::Request, Kind::Response].map(|kind| format!("{}=", kind.parameter()));
        let begins = |part: &str| parameters.iter().any(|parameter| part.starts_with(parameter.as_str()));
        if let Some((_, query)) = text.split_once('?').filter(|_| !text.starts_with('<')) {
            return Self::Query(query.split('#').next().unwrap_or_default().to_owned());
        }
        if text.split('&').any(begins) {
            // A query and a form look alike; only one of them inflates.
            let inflates = redirect::Received::message(text).is_ok();
            return if inflates { Self::Query(text.to_owned()) } else { Self::Form(text.to_owned()) };
        }
        let encoded = if text.starts_with('<') { STANDARD.encode(text) } else { text.to_owned() };
        let kind = if text.contains("LogoutResponse") { Kind::Response } else { Kind::Request };
        let value = encoded.replace('+', "%2B");
        let alone = format!("{}={value}", kind.parameter());
        if redirect::Received::message(&alone).is_ok() { Self::Query(alone) } else { Self::Form(alone) }
    }
}
