//! Which NameID an SP gets for a person (saml-core 3.4.1.1, 8.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::identity::{Attributes, NameId, Value};
use crate::registry::{NameIdEncoding, ServiceProvider};
use crate::saml::name_id::{NameIdPolicy, canonical_format, persistent};
use crate::saml::uris::name_id::{EMAIL, ENCRYPTED, PERSISTENT, TRANSIENT, UNSPECIFIED};
use crate::saml::xml::name::is_char;
use crate::secret::Secret;
use crate::session::SsoSession;

/// Why no NameID can be given: InvalidNameIDPolicy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameIdError {
    /// The format is none that can be computed, and no attribute is configured.
    #[error("the NameID format {0} needs name_id_attribute in the SP's policy")]
    Format(String),
    /// What no XML document can hold: to write something in its place could make two people one.
    #[error("the value for the NameID holds a character that XML does not allow")]
    Unwritable,
    /// The person does not have the attribute.
    #[error("the attribute \"{0}\" for the NameID has no value after authproc")]
    Missing(String),
    /// OpenSSL could not compute it.
    #[error("the persistent NameID cannot be computed: {0}")]
    Uncomputable(String),
    /// A name space that is not the SP's.
    #[error("SPNameQualifier \"{0}\" is not the SP's entityID")]
    Qualifier(String),
}

/// What a NameID is made from.
#[derive(Debug)]
pub struct Source<'a> {
    /// The IdP's entityID.
    pub idp: &'a str,
    /// The secret of computed persistent ids.
    pub secret: &'a Secret<Vec<u8>>,
    /// The person.
    pub session: &'a SsoSession,
    /// The person's attributes after the filters.
    pub attributes: &'a Attributes,
}

impl Source<'_> {
    /// The NameID for `sp`; `transient` makes the value of a new transient one.
    pub fn name_id(
        &self,
        sp: &ServiceProvider,
        requested: &NameIdPolicy,
        transient: impl FnOnce() -> String,
    ) -> Result<NameId, NameIdError> {
        let format = format(sp, requested);
        let foreign = requested.sp_name_qualifier.as_deref().filter(|own| *own != sp.entity_id());
        if let Some(qualifier) = foreign {
            return Err(NameIdError::Qualifier(qualifier.chars().take(512).collect()));
        }
        let entity_id = sp.entity_id();
        let pairwise = |value| NameId {
            value,
            format: format.clone(),
            name_qualifier: Some(self.idp.to_owned()),
            sp_name_qualifier: Some(entity_id.to_owned()),
        };
        if format == TRANSIENT {
            let held = self.session.sp_sessions_at(entity_id).into_iter().map(|s| s.name_id);
            let same = held.into_iter().find(|n| n.format == TRANSIENT);
            return Ok(same.unwrap_or_else(|| pairwise(transient())));
        }
        let value = match (&sp.policy.name_id_attribute, format.as_str()) {
            (Some(attribute), _) => self.attribute(attribute, sp.policy.name_id_encoding)?,
            (None, PERSISTENT) => persistent(self.secret, self.idp, entity_id, &self.session.subject.id)
                .map_err(|error| NameIdError::Uncomputable(error.to_string()))?,
            (None, EMAIL) => self.attribute("mail", NameIdEncoding::Text)?,
            (None, UNSPECIFIED) => self.session.subject.login.clone(),
            (None, _) => return Err(NameIdError::Format(format.chars().take(512).collect())),
        };
        if !value.chars().all(is_char) {
            return Err(NameIdError::Unwritable);
        }
        if format == PERSISTENT {
            return Ok(pairwise(value));
        }
        Ok(NameId { value, format, name_qualifier: None, sp_name_qualifier: None })
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

/// The request's format unless that is unspecified or the wish for an EncryptedID, which leaves it open, else the policy's, else the first of the metadata that says
/// something, else what an attribute leaves open, else transient.
fn format(sp: &ServiceProvider, requested: &NameIdPolicy) -> String {
    let policy = sp.policy.name_id_format.as_deref().map(canonical_format);
    let names_one = |f: &&str| ![UNSPECIFIED, ENCRYPTED].contains(f);
    let asked = requested.format.as_deref().filter(names_one);
    let asked = if sp.policy.name_id_force { policy.or(asked) } else { asked.or(policy) };
    let published = || sp.metadata.name_id_formats.iter().map(|f| canonical_format(f)).find(names_one);
    let open = || if sp.policy.name_id_attribute.is_some() { UNSPECIFIED } else { TRANSIENT };
    asked.or_else(published).unwrap_or_else(open).to_owned()
}
