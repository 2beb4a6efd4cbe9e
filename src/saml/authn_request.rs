//! [`AuthnRequest`] (saml-core 3.4.1): read from a verified tree, and written by the built-in SP.

use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Serialize};

use super::error::MessageError;
use super::name_id::{self, NameIdPolicy};
use super::uris::{BINDING_POST, SAML, SAMLP, names};
use super::xml::{Element, Writer};
use crate::clock::Timestamp;
use crate::identity::NameId;

names! { SAMLP: AUTHN_REQUEST = "AuthnRequest" }
names! { SAML: ISSUER = "Issuer" }

/// What an SP asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnRequest {
    /// The ID that the Response will answer.
    pub id: String,
    /// When the SP made it.
    pub issue_instant: Timestamp,
    /// Where the SP meant to send it.
    pub destination: Option<String>,
    /// The SP's entityID.
    pub issuer: String,
    /// Where it wants the answer.
    pub acs_url: Option<String>,
    /// The same as an index of its metadata.
    pub acs_index: Option<u16>,
    /// By which binding it wants the answer.
    pub protocol_binding: Option<String>,
    /// Sign in anew, whatever session there is.
    pub force_authn: bool,
    /// Show no page.
    pub is_passive: bool,
    /// What the NameID should be.
    pub name_id_policy: NameIdPolicy,
    /// How strongly the person should be authenticated.
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// Who should be signed in.
    pub subject: Option<NameId>,
}

/// saml-core 3.3.2.2.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedAuthnContext {
    /// How the classes are compared.
    pub comparison: Comparison,
    /// AuthnContextClassRef, in order of preference.
    pub classes: Vec<String>,
}

/// saml-core 3.3.2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// One of the classes.
    Exact,
    /// At least as strong as one of them.
    Minimum,
    /// As strong as possible without exceeding one of them.
    Maximum,
    /// Stronger than any of them.
    Better,
}

impl AuthnRequest {
    /// Reads the request that `root` is.
    pub fn read(root: &Element<'_>) -> Result<Self, MessageError> {
        if !root.is(SAMLP.uri, "AuthnRequest") {
            let found = cut(root.local);
            return Err(MessageError::Root { found, expected: "samlp:AuthnRequest" });
        }
        let version = root.attribute("Version").unwrap_or_default();
        if version != "2.0" {
            return Err(MessageError::Version(cut(version)));
        }
        Ok(Self {
            id: id(root)?,
            issue_instant: instant(root.attribute("IssueInstant").unwrap_or_default())?,
            destination: root.attribute("Destination").filter(|d| !d.is_empty()).map(str::to_owned),
            issuer: issuer(root)?,
            acs_url: root.attribute("AssertionConsumerServiceURL").map(str::to_owned),
            acs_index: index(root, "AssertionConsumerServiceIndex")?,
            protocol_binding: root.attribute("ProtocolBinding").map(str::to_owned),
            force_authn: boolean(root, "ForceAuthn")?,
            is_passive: boolean(root, "IsPassive")?,
            name_id_policy: name_id_policy(root)?,
            requested_authn_context: requested_authn_context(root)?,
            subject: subject(root)?,
        })
    }

    /// Writes an unsigned request that asks for a Response by POST at `acs_url`.
    pub fn write(id: &str, now: Timestamp, destination: &str, issuer: &str, acs_url: &str) -> Vec<u8> {
        let mut w = Writer::with_capacity(1024);
        w.start(
            &AUTHN_REQUEST,
            &mut [
                ("ID", id.into()),
                ("Version", "2.0".into()),
                ("IssueInstant", date_time(now).into()),
                ("Destination", destination.into()),
                ("AssertionConsumerServiceURL", acs_url.into()),
                ("ProtocolBinding", BINDING_POST.into()),
            ],
        );
        w.leaf(&ISSUER, &mut [], issuer);
        w.finish()
    }
}

/// An xs:dateTime in UTC to the second (saml-core 1.3.3).
pub fn date_time(instant: Timestamp) -> String {
    const SECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
    SECONDS.timestamp_to_string(&instant)
}

fn cut(text: &str) -> String {
    text.chars().take(128).collect()
}

fn id(root: &Element<'_>) -> Result<String, MessageError> {
    let id = root.attribute("ID").unwrap_or_default();
    let fits = (1..=256).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'));
    if fits { Ok(id.to_owned()) } else { Err(MessageError::Id) }
}

fn instant(text: &str) -> Result<Timestamp, MessageError> {
    let refused = || MessageError::IssueInstant(cut(text));
    let zoned = is_date_time(text).ok_or_else(refused)?;
    // saml-core 1.3.3: times are UTC; some SPs leave the Z out.
    let parsed = if zoned { text.parse() } else { format!("{text}Z").parse() };
    parsed.map_err(|_| refused())
}

/// Whether `text` has the shape of an xs:dateTime (XML Schema 2, 3.2.7), and if so, whether it names a zone. jiff alone
/// would take a blank for the T, named zones, a comma, and times without seconds.
fn is_date_time(text: &str) -> Option<bool> {
    let like = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(b, s)| if s == b'0' { b.is_ascii_digit() } else { b == s })
    };
    let (seconds, rest) = text.split_at_checked(19)?;
    let zone = rest.strip_prefix('.').map_or(rest, |f| f.trim_start_matches(|c: char| c.is_ascii_digit()));
    // An offset has at most 14 hours.
    let offset = (like(zone, "+00:00") || like(zone, "-00:00")) && zone.get(1..3) <= Some("14");
    (like(seconds, "0000-00-00T00:00:00") && (zone.is_empty() || zone == "Z" || offset))
        .then_some(!zone.is_empty())
}

fn issuer(root: &Element<'_>) -> Result<String, MessageError> {
    let mut issuers = root.all(SAML.uri, "Issuer");
    let issuer = issuers.next().ok_or(MessageError::NoIssuer)?;
    if issuers.next().is_some() {
        return Err(MessageError::SecondIssuer);
    }
    let format = issuer.attribute("Format").unwrap_or(super::uris::name_id::ENTITY);
    if issuer.elements().next().is_some() || format != super::uris::name_id::ENTITY {
        return Err(MessageError::Issuer);
    }
    let text = issuer.text();
    let text = text.trim();
    match text.chars().count() {
        0 => Err(MessageError::NoIssuer),
        // saml-core 8.3.6
        1..=1024 => Ok(text.to_owned()),
        _ => Err(MessageError::Issuer),
    }
}

fn boolean(root: &Element<'_>, attribute: &'static str) -> Result<bool, MessageError> {
    match root.attribute(attribute).map(str::trim) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(MessageError::Value { attribute, value: cut(other) }),
    }
}

fn index(root: &Element<'_>, attribute: &'static str) -> Result<Option<u16>, MessageError> {
    let Some(text) = root.attribute(attribute) else { return Ok(None) };
    let parsed = text.trim().parse().map(Some);
    parsed.map_err(|_| MessageError::Value { attribute, value: cut(text) })
}

fn once<'t, 'a>(
    root: &'t Element<'a>,
    namespace: &'t str,
    local: &'static str,
) -> Result<Option<&'t Element<'a>>, MessageError> {
    let mut found = root.all(namespace, local);
    let first = found.next();
    if found.next().is_some() { Err(MessageError::Twice(local)) } else { Ok(first) }
}

fn name_id_policy(root: &Element<'_>) -> Result<NameIdPolicy, MessageError> {
    let Some(policy) = once(root, SAMLP.uri, "NameIDPolicy")? else { return Ok(NameIdPolicy::default()) };
    let format = policy.attribute("Format").map(str::trim).filter(|f| !f.is_empty());
    Ok(NameIdPolicy {
        format: format.map(|f| name_id::canonical_format(f).to_owned()),
        sp_name_qualifier: policy.attribute("SPNameQualifier").filter(|q| !q.is_empty()).map(str::to_owned),
        allow_create: boolean(policy, "AllowCreate")?,
    })
}

fn requested_authn_context(root: &Element<'_>) -> Result<Option<RequestedAuthnContext>, MessageError> {
    let Some(requested) = once(root, SAMLP.uri, "RequestedAuthnContext")? else { return Ok(None) };
    let comparison = match requested.attribute("Comparison").unwrap_or("exact") {
        "exact" => Comparison::Exact,
        "minimum" => Comparison::Minimum,
        "maximum" => Comparison::Maximum,
        "better" => Comparison::Better,
        other => return Err(MessageError::Comparison(cut(other))),
    };
    let classes: Vec<_> = requested
        .elements()
        .filter(|e| e.namespace == SAML.uri)
        .map(|e| e.text().trim().to_owned())
        .collect();
    Ok((!classes.is_empty()).then_some(RequestedAuthnContext { comparison, classes }))
}

fn subject(root: &Element<'_>) -> Result<Option<NameId>, MessageError> {
    let Some(subject) = once(root, SAML.uri, "Subject")? else { return Ok(None) };
    // To pass over who is meant would be to answer for whoever is signed in.
    for other in ["EncryptedID", "BaseID"] {
        if subject.first(SAML.uri, other).is_some() {
            return Err(MessageError::Subject(other));
        }
    }
    let Some(name_id) = once(subject, SAML.uri, "NameID")? else { return Ok(None) };
    Ok(Some(name_id::read(name_id)))
}
