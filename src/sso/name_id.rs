//! Which NameID an SP gets for a person (saml-core 3.4.1.1, 8.3).
//!
//! AllowCreate is read and changes nothing. Where it is false, an identifier must be one that "has already been
//! established", which "does not prevent the identity provider from creating such identifiers outside the context of
//! this specific request" (saml-core 3.4.1.1): a computed identifier is there before anybody asks for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::identifiers::{Identifiers, LegacyIds, PersistentIds};
use super::names;
use crate::clock::Timestamp;
use crate::identity::{Attributes, NameId, Value};
use crate::registry::{NameIdEncoding, ServiceProvider, Snapshot};
use crate::saml::name_id::{NameIdPolicy, legacy_persistent, persistent};
use crate::saml::subject_id;
use crate::saml::uris::name_id::{
    EMAIL, KERBEROS, PERSISTENT, TRANSIENT, UNSPECIFIED, WINDOWS_DOMAIN, X509_SUBJECT,
};
use crate::saml::uris::subject_id::PAIRWISE_ID;
use crate::saml::xml::name::is_char;
use crate::secret::Secret;
use crate::session::SsoSession;

/// saml-core 8.3.7.
const LONGEST_PERSISTENT: usize = 256;

/// Why no NameID can be given: InvalidNameIDPolicy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameIdError {
    /// The format is none that can be computed, and no attribute is configured.
    #[error("the NameID format {0} needs name_id_attribute in the SP's policy")]
    Format(String),
    /// What no XML document can hold: to write something in its place could make two people one.
    #[error("the value for the NameID holds a character that XML does not allow")]
    Unwritable,
    /// saml-core 8.3.7.
    #[error("the value for the persistent NameID has more than {LONGEST_PERSISTENT} characters")]
    TooLong,
    /// The person does not have the attribute.
    #[error("the attribute \"{0}\" for the NameID has no value after authproc")]
    Missing(String),
    /// The person's entry does not say what the format is made of.
    #[error("the NameID format {format} needs {needs}, or name_id_attribute in the SP's policy")]
    Source {
        /// The last word of the format.
        format: &'static str,
        /// What it is made of.
        needs: &'static str,
    },
    /// An e-mail address was asked for, and the value is none.
    #[error("the value of \"mail\" does not look like an e-mail address")]
    Address,
    /// SimpleSAMLphp would not have had an id for this person either.
    #[error("legacy-sha1: the attribute \"{0}\" has not exactly one value that is not empty")]
    Legacy(String),
    /// OpenSSL could not compute it.
    #[error("the persistent NameID cannot be computed: {0}")]
    Uncomputable(String),
    /// A name space that is neither the SP's nor of an affiliation that it is in.
    #[error(
        "SPNameQualifier \"{0}\" is neither the SP's entityID nor an affiliation whose metadata names it"
    )]
    Qualifier(String),
}

/// Why there is no subject-id or pairwise-id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectIdError {
    /// `saml.scope` is not set.
    #[error("saml.scope is not set")]
    Scope,
    /// `saml.subject_id_attribute` is not set.
    #[error("saml.subject_id_attribute is not set")]
    Attribute,
    /// The person does not have it, or it has another form.
    #[error(
        "the value of \"{0}\" is not 1 to 127 letters, digits, '=' and '-', or there is none, or more than one"
    )]
    Value(String),
    /// OpenSSL could not compute it.
    #[error("it cannot be computed: {0}")]
    Uncomputable(String),
}

/// What a NameID is made from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The IdP's entityID, which computed persistent ids hang on, whatever it calls itself to an SP.
    pub idp: &'a str,
    /// The Issuer: the NameQualifier of pairwise ids.
    pub issuer: &'a str,
    /// The secret of computed persistent ids.
    pub secret: &'a Secret<Vec<u8>>,
    /// What the configuration says of names.
    pub identifiers: &'a Identifiers,
    /// Which SPs share a name space.
    pub snapshot: &'a Snapshot,
    /// The present moment.
    pub now: Timestamp,
    /// The person.
    pub session: &'a SsoSession,
    /// The person's attributes after the filters.
    pub attributes: &'a Attributes,
}

impl Source<'_> {
    /// The NameID for `sp`, none if its policy wants none; `transient` makes the value of a new transient one.
    pub fn name_id(
        &self,
        sp: &ServiceProvider,
        requested: &NameIdPolicy,
        transient: impl FnOnce() -> String,
    ) -> Result<Option<NameId>, NameIdError> {
        let qualifier = requested.sp_name_qualifier.as_deref();
        let Some(format) = sp.name_id_format(requested.format.as_deref()) else { return Ok(None) };
        self.of_format(sp, format, qualifier, transient).map(Some)
    }

    /// The NameID of this format.
    pub(super) fn of_format(
        &self,
        sp: &ServiceProvider,
        format: &str,
        qualifier: Option<&str>,
        transient: impl FnOnce() -> String,
    ) -> Result<NameId, NameIdError> {
        let entity_id = sp.entity_id();
        let qualifier = qualifier.unwrap_or(entity_id);
        if qualifier != entity_id && !self.snapshot.is_affiliated(qualifier, entity_id, self.now) {
            return Err(NameIdError::Qualifier(qualifier.chars().take(512).collect()));
        }
        let pairwise = |value| NameId {
            value,
            format: format.to_owned(),
            name_qualifier: Some(self.issuer.to_owned()),
            sp_name_qualifier: Some(qualifier.to_owned()),
        };
        if format == TRANSIENT {
            let held = self.session.sp_sessions_at(entity_id).into_iter().filter_map(|s| s.name_id);
            let mut held = held.filter(|n| n.format == TRANSIENT);
            let same = held.find(|n| n.sp_name_qualifier.as_deref() == Some(qualifier));
            return Ok(same.unwrap_or_else(|| pairwise(transient())));
        }
        let value = match &sp.policy.name_id_attribute {
            Some(attribute) => self.attribute(attribute, sp.policy.name_id_encoding)?,
            None => self.computed(format, qualifier, entity_id)?,
        };
        if !value.chars().all(is_char) {
            return Err(NameIdError::Unwritable);
        }
        if format == PERSISTENT && value.chars().count() > LONGEST_PERSISTENT {
            return Err(NameIdError::TooLong);
        }
        if format == PERSISTENT {
            return Ok(pairwise(value));
        }
        Ok(NameId { value, format: format.to_owned(), name_qualifier: None, sp_name_qualifier: None })
    }

    /// The value where no attribute is configured.
    fn computed(&self, format: &str, qualifier: &str, entity_id: &str) -> Result<String, NameIdError> {
        let subject = &self.session.subject;
        match format {
            PERSISTENT if qualifier != entity_id => self.shared(qualifier),
            PERSISTENT => self.persistent(entity_id),
            EMAIL => {
                let mail = self.attribute("mail", NameIdEncoding::Text)?;
                if names::is_address(&mail) { Ok(mail) } else { Err(NameIdError::Address) }
            }
            UNSPECIFIED => Ok(subject.login.clone()),
            X509_SUBJECT => subject.dn.clone().ok_or(NameIdError::Source {
                format: "X509SubjectName",
                needs: "the DN of the person, which a file directory does not have",
            }),
            WINDOWS_DOMAIN => {
                let netbios = self.identifiers.netbios.get(&subject.id.directory).map(String::as_str);
                names::windows_domain(subject, netbios).ok_or(NameIdError::Source {
                    format: "WindowsDomainQualifiedName",
                    needs: "sAMAccountName and one netbios_names of the directory, or msDS-PrincipalName",
                })
            }
            KERBEROS => names::kerberos(subject).ok_or(NameIdError::Source {
                format: "kerberos",
                needs: "krbPrincipalName, userPrincipalName, or sAMAccountName and a DN that ends with DC=",
            }),
            _ => Err(NameIdError::Format(format.chars().take(512).collect())),
        }
    }

    fn persistent(&self, entity_id: &str) -> Result<String, NameIdError> {
        match &self.identifiers.persistent {
            PersistentIds::HmacSha256 => self.hmac(entity_id),
            PersistentIds::LegacySha1(legacy) => self.legacy(legacy, entity_id),
        }
    }

    /// No entityID holds a line feed: whatever name an affiliation gives itself, its names are never those of an SP.
    fn shared(&self, affiliation: &str) -> Result<String, NameIdError> {
        self.hmac(&format!("affiliation\n{affiliation}"))
    }

    fn hmac(&self, space: &str) -> Result<String, NameIdError> {
        persistent(self.secret, self.idp, space, &self.session.subject.id)
            .map_err(|error| NameIdError::Uncomputable(error.to_string()))
    }

    /// SimpleSAMLphp took `userid.attribute` before its filters, and the attribute of `saml:PersistentNameID` among them:
    /// what the filters leave goes first, then what the directory said.
    fn legacy(&self, legacy: &LegacyIds, entity_id: &str) -> Result<String, NameIdError> {
        let name = &legacy.attribute;
        let raw = || self.session.subject.attributes.values(name);
        match self.attributes.values(name).or_else(raw) {
            Some([value]) if !value.as_bytes().is_empty() => {
                Ok(legacy_persistent(&legacy.salt, &legacy.idp, entity_id, value.as_bytes()))
            }
            _ => Err(NameIdError::Legacy(name.clone())),
        }
    }

    /// The value of subject-id or pairwise-id for an SP (saml-subject-id-attr 1.0, 3.3 and 3.4). What is pairwise is the
    /// computed persistent NameID, so that an SP that moves from one to the other finds its people again.
    pub fn subject_id(&self, name: &str, sp: &str) -> Result<String, SubjectIdError> {
        let scope = self.identifiers.scope.as_deref().ok_or(SubjectIdError::Scope)?;
        if name == PAIRWISE_ID {
            let unique = self.hmac(sp).map_err(|error| SubjectIdError::Uncomputable(error.to_string()))?;
            return subject_id::value(&unique, scope).ok_or(SubjectIdError::Scope);
        }
        let from = self.identifiers.subject_id_attribute.as_deref().ok_or(SubjectIdError::Attribute)?;
        let value = match self.attributes.values(from) {
            Some([Value::Text(text)]) => subject_id::value(text, scope),
            _ => None,
        };
        value.ok_or_else(|| SubjectIdError::Value(from.to_owned()))
    }

    fn attribute(&self, name: &str, encoding: NameIdEncoding) -> Result<String, NameIdError> {
        let missing = || NameIdError::Missing(name.to_owned());
        let value = self.attributes.values(name).and_then(<[Value]>::first).ok_or_else(missing)?;
        let text = match encoding {
            NameIdEncoding::Base64 => STANDARD.encode(value.as_bytes()),
            NameIdEncoding::Text => value.as_text().ok_or_else(missing)?.to_owned(),
        };
        if text.is_empty() { Err(missing()) } else { Ok(text) }
    }
}

#[cfg(test)]
mod tests;
