//! [`Assertion`]: one AuthnStatement, at most one AttributeStatement (saml-core 2.3.3, saml-profiles 4.1.4.2), written
//! canonically so that it can be signed as written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::encryption::ENCRYPTED_ID;
use super::message::{ISSUER, date_time};
use super::signature::sign::Unsigned;
use super::uris::{SAML, attribute_name, names};
use super::xml::Writer;
use super::xml::writer::Attr;
use crate::clock::Timestamp;
use crate::identity::{Attributes, NameId, Value};

names! { SAML:
    ASSERTION = "Assertion",
    SUBJECT = "Subject",
    NAME_ID = "NameID",
    SUBJECT_CONFIRMATION = "SubjectConfirmation",
    SUBJECT_CONFIRMATION_DATA = "SubjectConfirmationData",
    CONDITIONS = "Conditions",
    AUDIENCE_RESTRICTION = "AudienceRestriction",
    AUDIENCE = "Audience",
    AUTHN_STATEMENT = "AuthnStatement",
    AUTHN_CONTEXT = "AuthnContext",
    AUTHN_CONTEXT_CLASS_REF = "AuthnContextClassRef",
    ATTRIBUTE_STATEMENT = "AttributeStatement",
    ATTRIBUTE = "Attribute",
    ATTRIBUTE_VALUE = "AttributeValue",
}

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// What the IdP asserts.
#[derive(Debug)]
pub struct Assertion<'a> {
    /// Its ID.
    pub id: &'a str,
    /// The IdP's entityID.
    pub issuer: &'a str,
    /// When it is made.
    pub issue_instant: Timestamp,
    /// Who; a person without a NameID where the SP wants none.
    pub name_id: Option<&'a NameId>,
    /// The EncryptedData of an EncryptedID in the place of the NameID, where the SP wants one:
    /// [`EncryptionKey::data`](super::encryption::EncryptionKey::data) of [`write_name_id`].
    pub encrypted_id: Option<&'a [u8]>,
    /// The request that it answers.
    pub in_response_to: Option<&'a str>,
    /// The ACS that may take it.
    pub recipient: &'a str,
    /// Before this it is not valid.
    pub not_before: Timestamp,
    /// From this on it is not valid.
    pub not_on_or_after: Timestamp,
    /// Who may believe it.
    pub audience: &'a [String],
    /// When the person proved who they are.
    pub authn_instant: Timestamp,
    /// The session at the SP.
    pub session_index: &'a str,
    /// The end of the session at the IdP.
    pub session_not_on_or_after: Option<Timestamp>,
    /// How the person proved who they are.
    pub authn_context: &'a str,
    /// What is released; nothing leaves out the statement.
    pub attributes: &'a Attributes,
    /// NameFormat of all attributes; by default `uri` for URIs and `basic` for all others (saml-core 8.2).
    pub name_format: Option<&'a str>,
}

impl Assertion<'_> {
    /// Writes it.
    pub fn write(&self) -> Unsigned {
        let mut w = Writer::with_capacity(4 * 1024);
        w.start(
            &ASSERTION,
            &mut [
                ("ID", self.id.into()),
                ("Version", "2.0".into()),
                ("IssueInstant", date_time(self.issue_instant).into()),
            ],
        );
        w.leaf(&ISSUER, &mut [], self.issuer);
        let insert_at = w.position();
        self.subject(&mut w);
        self.conditions(&mut w);
        self.authn_statement(&mut w);
        self.attribute_statement(&mut w);
        Unsigned { bytes: w.finish(), insert_at }
    }

    fn subject(&self, w: &mut Writer) {
        w.start(&SUBJECT, &mut []);
        match (self.encrypted_id, self.name_id) {
            (Some(encrypted), _) => {
                w.start(&ENCRYPTED_ID, &mut []);
                w.splice(encrypted);
                w.end();
            }
            (None, Some(given)) => w.leaf(&NAME_ID, &mut name_id_attributes(given), &given.value),
            (None, None) => {}
        }
        w.start(&SUBJECT_CONFIRMATION, &mut [("Method", BEARER.into())]);
        let mut data: Vec<Attr<'_>> = vec![
            ("NotOnOrAfter", date_time(self.not_on_or_after).into()),
            ("Recipient", self.recipient.into()),
        ];
        data.extend(self.in_response_to.map(|id| ("InResponseTo", id.into())));
        w.leaf(&SUBJECT_CONFIRMATION_DATA, &mut data, "");
        w.end();
        w.end();
    }

    fn conditions(&self, w: &mut Writer) {
        w.start(
            &CONDITIONS,
            &mut [
                ("NotBefore", date_time(self.not_before).into()),
                ("NotOnOrAfter", date_time(self.not_on_or_after).into()),
            ],
        );
        w.start(&AUDIENCE_RESTRICTION, &mut []);
        for audience in self.audience {
            w.leaf(&AUDIENCE, &mut [], audience);
        }
        w.end();
        w.end();
    }

    fn authn_statement(&self, w: &mut Writer) {
        let mut attributes: Vec<Attr<'_>> = vec![
            ("AuthnInstant", date_time(self.authn_instant).into()),
            ("SessionIndex", self.session_index.into()),
        ];
        attributes.extend(self.session_not_on_or_after.map(|t| ("SessionNotOnOrAfter", date_time(t).into())));
        w.start(&AUTHN_STATEMENT, &mut attributes);
        w.start(&AUTHN_CONTEXT, &mut []);
        w.leaf(&AUTHN_CONTEXT_CLASS_REF, &mut [], self.authn_context);
        w.end();
        w.end();
    }

    fn attribute_statement(&self, w: &mut Writer) {
        if self.attributes.is_empty() {
            return;
        }
        w.start(&ATTRIBUTE_STATEMENT, &mut []);
        for (name, values) in self.attributes.iter() {
            let format = self.name_format.unwrap_or_else(|| default_name_format(name));
            w.start(&ATTRIBUTE, &mut [("Name", name.into()), ("NameFormat", format.into())]);
            for value in values {
                match value {
                    Value::Text(text) => w.leaf(&ATTRIBUTE_VALUE, &mut [], &writable(text)),
                    Value::Binary(bytes) => w.leaf(&ATTRIBUTE_VALUE, &mut [], &STANDARD.encode(bytes)),
                }
            }
            w.end();
        }
        w.end();
    }
}

/// Format and qualifiers.
pub(super) fn name_id_attributes(name_id: &NameId) -> Vec<Attr<'_>> {
    let mut attributes: Vec<Attr<'_>> = vec![("Format", name_id.format.as_str().into())];
    let qualifiers =
        [("NameQualifier", &name_id.name_qualifier), ("SPNameQualifier", &name_id.sp_name_qualifier)];
    for (name, qualifier) in qualifiers {
        attributes.extend(qualifier.as_deref().map(|q| (name, q.into())));
    }
    attributes
}

/// A NameID as a document of its own, to be encrypted (saml-core 2.2.4). As the assertion's, its value must be one that
/// XML can hold.
pub fn write_name_id(given: &NameId) -> Vec<u8> {
    let mut w = Writer::with_capacity(512);
    w.leaf(&NAME_ID, &mut name_id_attributes(given), &given.value);
    w.finish()
}

/// saml-core 8.2: a name that is an absolute URI says so.
fn default_name_format(name: &str) -> &'static str {
    let absolute = name.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty() && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !scheme.contains(' ')
    });
    if absolute { attribute_name::URI } else { attribute_name::BASIC }
}

/// A directory may hold what no XML document can: such characters become U+FFFD rather than an unreadable message.
fn writable(text: &str) -> std::borrow::Cow<'_, str> {
    if text.chars().all(super::xml::name::is_char) {
        return text.into();
    }
    text.chars().map(|c| if super::xml::name::is_char(c) { c } else { '\u{FFFD}' }).collect()
}
