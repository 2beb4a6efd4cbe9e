//! [`Head`]: what every SAML message begins with (saml-core 3.2.1, 3.2.2), and the plain values inside messages.

use jiff::fmt::temporal::DateTimePrinter;

use super::error::MessageError;
use super::uris::name_id::ENTITY;
use super::uris::{SAML, SAMLP, names};
use super::xml::Element;
use crate::clock::Timestamp;

names! { SAML: ISSUER = "Issuer" }

/// ID, IssueInstant, Destination and Issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What an answer will name as InResponseTo.
    pub id: String,
    /// When the sender made it.
    pub issue_instant: Timestamp,
    /// Where the sender meant to send it.
    pub destination: Option<String>,
    /// The sender's entityID.
    pub issuer: String,
}

impl Head {
    /// Reads the head of the samlp element `local`; another element or another Version is refused.
    pub fn read(root: &Element<'_>, local: &str, expected: &'static str) -> Result<Self, MessageError> {
        if !root.is(SAMLP.uri, local) {
            return Err(MessageError::Root { found: cut(root.local), expected });
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
        })
    }
}

/// An xs:dateTime in UTC to the second (saml-core 1.3.3).
pub fn date_time(instant: Timestamp) -> String {
    const SECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
    SECONDS.timestamp_to_string(&instant)
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(128).collect()
}

fn id(root: &Element<'_>) -> Result<String, MessageError> {
    let id = root.attribute("ID").unwrap_or_default();
    let fits = (1..=256).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'));
    if fits { Ok(id.to_owned()) } else { Err(MessageError::Id) }
}

pub(super) fn instant(text: &str) -> Result<Timestamp, MessageError> {
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
    let format = issuer.attribute("Format").unwrap_or(ENTITY);
    if issuer.elements().next().is_some() || format != ENTITY {
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

pub(super) fn boolean(root: &Element<'_>, attribute: &'static str) -> Result<bool, MessageError> {
    match root.attribute(attribute).map(str::trim) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(MessageError::Value { attribute, value: cut(other) }),
    }
}

pub(super) fn once<'t, 'a>(
    root: &'t Element<'a>,
    namespace: &'t str,
    local: &'static str,
) -> Result<Option<&'t Element<'a>>, MessageError> {
    let mut found = root.all(namespace, local);
    let first = found.next();
    if found.next().is_some() { Err(MessageError::Twice(local)) } else { Ok(first) }
}
