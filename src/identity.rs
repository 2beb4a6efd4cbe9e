//! What is known about a person: [`Attributes`], [`Subject`], [`AuthnContext`], [`NameId`], and the port
//! [`Inquiry`] by which a use case asks the directory again.

mod inquiry;
mod secrets;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use inquiry::{Found, Inquiry, Piece, Question, Unavailable};
pub use secrets::is_secret;

use crate::clock::Timestamp;

/// One attribute value. Directories hold octets; most of them are text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// UTF-8 text.
    Text(String),
    /// Octets that are no UTF-8, or that the schema calls binary (`objectGUID`).
    Binary(Vec<u8>),
}

impl Value {
    /// The text, unless the value is binary.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The octets of the value.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Attributes in the order in which they became known; names are case-sensitive, as the filters are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(Vec<(String, Vec<Value>)>);

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// All values of `name`.
    pub fn values(&self, name: &str) -> Option<&[Value]> {
        self.0.iter().find(|(held, _)| held == name).map(|(_, values)| values.as_slice())
    }

    /// The first value of `name` as text.
    pub fn first_text(&self, name: &str) -> Option<&str> {
        self.values(name)?.first()?.as_text()
    }

    /// Whether `name` is present, with or without values.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(held, _)| held == name)
    }

    /// Puts `values` at `name`, in its old place if it was there, else at the end.
    pub fn insert(&mut self, name: impl Into<String>, values: Vec<Value>) {
        let name = name.into();
        match self.0.iter_mut().find(|(held, _)| *held == name) {
            Some((_, held)) => *held = values,
            None => self.0.push((name, values)),
        }
    }

    /// Appends `values` to those of `name`.
    pub fn append(&mut self, name: &str, values: impl IntoIterator<Item = Value>) {
        match self.0.iter_mut().find(|(held, _)| held == name) {
            Some((_, held)) => held.extend(values),
            None => self.0.push((name.to_owned(), values.into_iter().collect())),
        }
    }

    /// Takes `name` away and returns its values.
    pub fn remove(&mut self, name: &str) -> Option<Vec<Value>> {
        let at = self.0.iter().position(|(held, _)| held == name)?;
        Some(self.0.remove(at).1)
    }

    /// Keeps the attributes for which `keep` says yes; it may change their values.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Vec<Value>) -> bool) {
        self.0.retain_mut(|(name, values)| keep(name, values));
    }

    /// Name and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Value])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, Vec<V>)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, Vec<V>)>>(pairs: I) -> Self {
        let mut attributes = Self::new();
        for (name, values) in pairs {
            attributes.insert(name, values.into_iter().map(Into::into).collect());
        }
        attributes
    }
}

/// Who somebody is for good: the directory's name and a key in it that outlives renames.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SubjectId {
    /// The `name` of the `[[directory]]`.
    pub directory: String,
    /// `objectGUID` (AD byte order) or `entryUUID` in lower-case hexadecimal with or without dashes as the directory
    /// gives it, the login of a file directory, or the value of `subject_attribute`.
    pub key: String,
}

impl SubjectId {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (directory, key) =
            text.split_once('/').filter(|(directory, key)| !directory.is_empty() && !key.is_empty())?;
        Some(Self { directory: directory.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.directory, self.key)
    }
}

/// A person who was found and proved, as the directory describes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The stable identity.
    pub id: SubjectId,
    /// The login name as the entry spells it (never as it was typed): for logs and pages.
    pub login: String,
    /// The name to greet the person by.
    pub display_name: String,
    /// The distinguished name, where the directory has one.
    pub dn: Option<String>,
    /// What the pipeline works on.
    pub attributes: Attributes,
    /// When the password ends, where the person should be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_expires: Option<Timestamp>,
}

/// How a person was authenticated: an authentication context class (saml-authn-context 3.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuthnContext(pub String);

impl AuthnContext {
    /// A password over TLS.
    pub const PASSWORD_PROTECTED_TRANSPORT: &'static str =
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    /// A password without TLS.
    pub const PASSWORD: &'static str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
    /// A Kerberos ticket.
    pub const KERBEROS: &'static str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos";
    /// A one-time password of a token that knows the time.
    pub const TIME_SYNC_TOKEN: &'static str = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
    /// Two factors, as REFEDS defines them.
    pub const REFEDS_MFA: &'static str = "https://refeds.org/profile/mfa";
    /// Anything.
    pub const UNSPECIFIED: &'static str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

    /// The classes from the weakest to the strongest, where the configuration says nothing else.
    pub const ORDER: [&'static str; 5] = [
        Self::PASSWORD,
        Self::PASSWORD_PROTECTED_TRANSPORT,
        Self::KERBEROS,
        Self::TIME_SYNC_TOKEN,
        Self::REFEDS_MFA,
    ];

    /// The class of a password that was typed into a page of ours.
    pub const fn of_form(over_tls: bool) -> &'static str {
        if over_tls { Self::PASSWORD_PROTECTED_TRANSPORT } else { Self::PASSWORD }
    }
}

/// A SAML name identifier (saml-core 2.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NameId {
    /// The identifier.
    pub value: String,
    /// The URI of its format.
    pub format: String,
    /// The IdP's entityID, for pairwise formats.
    pub name_qualifier: Option<String>,
    /// The SP's entityID or its affiliation's, for pairwise formats.
    pub sp_name_qualifier: Option<String>,
}

/// Knows whether accounts may still be used. Wired in `app`.
#[async_trait]
pub trait Accounts: Send + Sync + fmt::Debug {
    /// Why this account may not be used any more, as a stable word; `None` where it may, where it was looked at a short
    /// time before or after `good_at`, and where nothing can be found out.
    async fn bar(&self, id: &SubjectId, good_at: Timestamp) -> Option<&'static str>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_keep_their_order_and_place() {
        let mut a: Attributes = [("uid", vec!["u"]), ("mail", vec!["m"])].into_iter().collect();
        a.insert("uid", vec!["v".into()]);
        a.append("mail", ["n".into()]);
        a.append("sn", ["s".into()]);
        assert_eq!(a.iter().map(|(n, _)| n).collect::<Vec<_>>(), ["uid", "mail", "sn"]);
        assert_eq!(a.values("mail").map(<[Value]>::len), Some(2));
        assert_eq!(a.remove("uid"), Some(vec!["v".into()]));
        assert!(!a.contains("uid"));
    }

    #[test]
    fn a_subject_id_is_read_as_it_is_written() {
        let id = SubjectId { directory: "corp".to_owned(), key: "a/b".to_owned() };
        assert_eq!(SubjectId::parse(&id.to_string()), Some(id));
        assert_eq!(
            (SubjectId::parse("corp"), SubjectId::parse("/k"), SubjectId::parse("d/")),
            (None, None, None)
        );
    }

    #[test]
    fn attributes_survive_json_with_binary_values() {
        let mut a = Attributes::new();
        a.insert("objectGUID", vec![Value::Binary(vec![0, 255])]);
        a.insert("cn", vec!["田中".into()]);
        let json = serde_json::to_string(&a).unwrap();
        assert_eq!(serde_json::from_str::<Attributes>(&json).unwrap(), a);
    }
}
