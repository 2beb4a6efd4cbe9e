//! [`LogoutRequest`] and [`LogoutResponse`] (saml-core 3.7): read from a verified tree, and written canonically.

use super::assertion::{NAME_ID, name_id_attributes};
use super::error::MessageError;
use super::message::{Head, ISSUER, cut, date_time, instant, once};
use super::name_id;
use super::signature::sign::Unsigned;
use super::status::{self, Status};
use super::uris::{ASYNC_SLO, SAML, SAMLP, names};
use super::xml::writer::Attr;
use super::xml::{Element, Writer};
use crate::clock::Timestamp;
use crate::identity::NameId;

names! { SAMLP:
    LOGOUT_REQUEST = "LogoutRequest",
    LOGOUT_RESPONSE = "LogoutResponse",
    SESSION_INDEX = "SessionIndex",
}

/// Why a logout happens (saml-core 3.7.3): the person wants it.
const BY_USER: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";

/// What an SP asks for when a person signs out there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// ID, IssueInstant, Destination and Issuer.
    pub head: Head,
    /// From this on the request means nothing.
    pub not_on_or_after: Option<Timestamp>,
    /// Who.
    pub principal: Principal,
    /// Which of the person's sessions; empty means all.
    pub session_indexes: Vec<String>,
    /// The sender waits for no answer (Asynchronous Single Logout Protocol Extension 1.0).
    pub asynchronous: bool,
}

/// Who is to be signed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// By a name in the clear.
    Named(NameId),
    /// By an EncryptedID, which is a child of the request.
    Encrypted,
}

impl LogoutRequest {
    /// Reads the request that `root` is.
    pub fn read(root: &Element<'_>) -> Result<Self, MessageError> {
        let head = Head::read(root, "LogoutRequest", "samlp:LogoutRequest")?;
        let until = root.attribute("NotOnOrAfter").map(|text| {
            instant(text).map_err(|_| MessageError::Value { attribute: "NotOnOrAfter", value: cut(text) })
        });
        let indexes = root.all(SAMLP.uri, "SessionIndex").map(|index| index.text().trim().to_owned());
        let extensions = once(root, SAMLP.uri, "Extensions")?;
        Ok(Self {
            head,
            not_on_or_after: until.transpose()?,
            principal: principal(root)?,
            session_indexes: indexes.collect(),
            asynchronous: extensions.is_some_and(|e| e.first(ASYNC_SLO, "Asynchronous").is_some()),
        })
    }
}

fn principal(root: &Element<'_>) -> Result<Principal, MessageError> {
    if root.first(SAML.uri, "BaseID").is_some() {
        return Err(MessageError::Principal("a BaseID"));
    }
    match (once(root, SAML.uri, "NameID")?, once(root, SAML.uri, "EncryptedID")?) {
        (Some(name_id), None) => match name_id::read(name_id) {
            name_id if name_id.value.is_empty() => Err(MessageError::Principal("an empty NameID")),
            name_id => Ok(Principal::Named(name_id)),
        },
        (None, Some(_)) => Ok(Principal::Encrypted),
        (None, None) => Err(MessageError::Principal("nobody")),
        (Some(_), Some(_)) => Err(MessageError::Principal("a NameID and an EncryptedID")),
    }
}

/// How an SP's own logout went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutResponse {
    /// ID, IssueInstant, Destination and Issuer.
    pub head: Head,
    /// The request that it answers.
    pub in_response_to: Option<String>,
    /// The status codes, the outer one first.
    pub status: Vec<String>,
}

impl LogoutResponse {
    /// Reads the response that `root` is.
    pub fn read(root: &Element<'_>) -> Result<Self, MessageError> {
        let head = Head::read(root, "LogoutResponse", "samlp:LogoutResponse")?;
        let in_response_to = root.attribute("InResponseTo").map(str::to_owned);
        Ok(Self { head, in_response_to, status: status::codes(root) })
    }

    /// Whether the sender says that all is done.
    pub fn is_success(&self) -> bool {
        self.status.first().is_some_and(|code| code == status::SUCCESS)
            && !self.status.iter().any(|code| code == status::PARTIAL_LOGOUT)
    }
}

/// A LogoutRequest to an SP.
#[derive(Debug)]
pub struct Request<'a> {
    /// Its ID.
    pub id: &'a str,
    /// The IdP's entityID.
    pub issuer: &'a str,
    /// When it is made.
    pub issue_instant: Timestamp,
    /// From this on it means nothing.
    pub not_on_or_after: Timestamp,
    /// The endpoint that it is sent to.
    pub destination: &'a str,
    /// Who, as the SP knows them.
    pub name_id: &'a NameId,
    /// The sessions at the SP.
    pub session_indexes: &'a [String],
}

impl Request<'_> {
    /// Writes it, unsigned.
    pub fn write(&self) -> Unsigned {
        let mut w = Writer::with_capacity(2 * 1024);
        let mut attributes = head(self.id, self.issue_instant, Some(self.destination));
        attributes.push(("NotOnOrAfter", date_time(self.not_on_or_after).into()));
        attributes.push(("Reason", BY_USER.into()));
        w.start(&LOGOUT_REQUEST, &mut attributes);
        w.leaf(&ISSUER, &mut [], self.issuer);
        let insert_at = w.position();
        w.leaf(&NAME_ID, &mut name_id_attributes(self.name_id), &self.name_id.value);
        for index in self.session_indexes {
            w.leaf(&SESSION_INDEX, &mut [], index);
        }
        Unsigned { bytes: w.finish(), insert_at }
    }
}

/// A LogoutResponse to an SP.
#[derive(Debug)]
pub struct Response<'a> {
    /// Its ID.
    pub id: &'a str,
    /// The IdP's entityID.
    pub issuer: &'a str,
    /// When it is made.
    pub issue_instant: Timestamp,
    /// The endpoint that it is sent to; none by SOAP.
    pub destination: Option<&'a str>,
    /// The request that it answers.
    pub in_response_to: &'a str,
    /// How it went.
    pub status: &'a Status,
}

impl Response<'_> {
    /// Writes it, unsigned.
    pub fn write(&self) -> Unsigned {
        let mut w = Writer::with_capacity(1024);
        let mut attributes = head(self.id, self.issue_instant, self.destination);
        attributes.push(("InResponseTo", self.in_response_to.into()));
        w.start(&LOGOUT_RESPONSE, &mut attributes);
        w.leaf(&ISSUER, &mut [], self.issuer);
        let insert_at = w.position();
        self.status.write(&mut w);
        Unsigned { bytes: w.finish(), insert_at }
    }
}

fn head<'a>(id: &'a str, issue_instant: Timestamp, destination: Option<&'a str>) -> Vec<Attr<'a>> {
    let instant = date_time(issue_instant);
    let mut attributes: Vec<Attr<'a>> =
        vec![("ID", id.into()), ("Version", "2.0".into()), ("IssueInstant", instant.into())];
    attributes.extend(destination.map(|destination| ("Destination", destination.into())));
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::uris::name_id::PERSISTENT;
    use crate::saml::xml::{Limits, parse};

    fn request(inside: &str) -> Result<LogoutRequest, MessageError> {
        let xml = format!(
            "<p:LogoutRequest xmlns:p=\"{}\" xmlns:a=\"{}\" ID=\"_1\" Version=\"2.0\" \
             IssueInstant=\"2026-11-26T00:00:00Z\"><a:Issuer>sp</a:Issuer>{inside}</p:LogoutRequest>",
            SAMLP.uri, SAML.uri
        );
        LogoutRequest::read(&parse(xml.as_bytes(), &Limits::MESSAGE).unwrap())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let name_id = NameId {
            value: "田中".into(),
            format: PERSISTENT.into(),
            name_qualifier: Some("idp".into()),
            sp_name_qualifier: Some("sp".into()),
        };
        let until = Timestamp::from_second(1_800_000_300).unwrap();
        let written = Request {
            id: "_a",
            issuer: "idp",
            issue_instant: Timestamp::from_second(1_800_000_000).unwrap(),
            not_on_or_after: until,
            destination: "https://sp/slo",
            name_id: &name_id,
            session_indexes: &["_s".into(), "_t".into()],
        };
        let bytes = written.write().bytes;
        let read = LogoutRequest::read(&parse(&bytes, &Limits::MESSAGE).unwrap()).unwrap();
        assert_eq!((read.head.id.as_str(), read.head.issuer.as_str()), ("_a", "idp"));
        assert_eq!(read.head.destination.as_deref(), Some("https://sp/slo"));
        assert_eq!((read.not_on_or_after, read.principal), (Some(until), Principal::Named(name_id)));
        assert_eq!((read.session_indexes.len(), read.asynchronous), (2, false));
    }

    #[test]
    fn a_request_must_name_one_principal() {
        let refused = |inside: &str| request(inside).unwrap_err();
        assert_eq!(refused(""), MessageError::Principal("nobody"));
        assert_eq!(refused("<a:NameID> </a:NameID>"), MessageError::Principal("an empty NameID"));
        assert_eq!(refused("<a:BaseID/>"), MessageError::Principal("a BaseID"));
        assert_eq!(refused("<a:NameID>a</a:NameID><a:NameID>b</a:NameID>"), MessageError::Twice("NameID"));
        let both = "<a:NameID>a</a:NameID><a:EncryptedID/>";
        assert_eq!(refused(both), MessageError::Principal("a NameID and an EncryptedID"));
        let asynchronous = format!(
            "<p:Extensions><x:Asynchronous xmlns:x=\"{ASYNC_SLO}\"/></p:Extensions><a:NameID>a<!-- -->b</a:NameID>"
        );
        let read = request(&asynchronous).unwrap();
        assert!(read.asynchronous);
        assert!(matches!(read.principal, Principal::Named(name) if name.value == "ab"));
    }

    #[test]
    fn partial_is_no_success() {
        let response = |status: &Status| {
            let instant = Timestamp::UNIX_EPOCH;
            let written = Response {
                id: "_r",
                issuer: "sp",
                issue_instant: instant,
                destination: None,
                in_response_to: "_a",
                status,
            };
            let bytes = written.write().bytes;
            LogoutResponse::read(&parse(&bytes, &Limits::MESSAGE).unwrap()).unwrap()
        };
        assert!(response(&Status::success()).is_success());
        let partial = response(&Status::partial_logout());
        assert!(!partial.is_success());
        assert_eq!(partial.status, [status::SUCCESS, status::PARTIAL_LOGOUT]);
        assert_eq!((partial.in_response_to.as_deref(), partial.head.destination), (Some("_a"), None));
    }
}
