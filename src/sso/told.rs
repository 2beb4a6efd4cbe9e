//! What an SP is told of a person: the filters, the NameID, and what of the attributes leaves.

use super::SingleSignOn;
use super::accept::Accepted;
use super::decide::unknown_service;
use super::issue::NotIssued;
use super::name_id::Source;
use super::outcome::Rejection;
use crate::authproc::Context;
use crate::identity::{Attributes, NameId, Value};
use crate::registry::Release;
use crate::saml::status::{INVALID_NAME_ID_POLICY, REQUESTER, Status, UNKNOWN_PRINCIPAL};
use crate::session::SsoSession;

/// A person as one SP gets to know them.
pub(super) struct Told {
    /// The name.
    pub(super) name_id: NameId,
    /// What leaves.
    pub(super) attributes: Attributes,
    /// What the SP says that it does not work without, and does not get.
    pub(super) missing: Vec<String>,
}

impl Told {
    /// Runs the filters and chooses.
    pub(super) fn of(
        sso: &SingleSignOn,
        accepted: &Accepted,
        session: &SsoSession,
    ) -> Result<Self, NotIssued> {
        let (sp, ask) = (accepted.sp(), accepted.ask());
        let release = sp.releases.service(ask.attribute_service).map_err(|unknown| {
            let status = unknown_service(unknown);
            NotIssued::Status(status, unknown.to_string())
        })?;
        let context = Context {
            sp_attributes: release.attributes.as_deref(),
            idp_attributes: sso.idp.attributes.as_deref(),
        };
        let filtered = sp
            .chain
            .apply(session.subject.attributes.clone(), &context)
            .map_err(|error| Rejection::Unavailable(format!("authproc of {}: {error}", sp.entity_id())))?;
        let source =
            Source { idp: &sso.idp.entity_id, secret: &sso.name_id_secret, session, attributes: &filtered };
        let name_id = source.name_id(sp, &ask.name_id_policy, || sso.ids.xml_id()).map_err(|error| {
            let status = Status::failure(REQUESTER, INVALID_NAME_ID_POLICY, "the NameIDPolicy cannot be met");
            NotIssued::Status(status, error.to_string())
        })?;
        check_subject(ask.subject.as_ref(), &name_id)?;
        if !sp.policy.send_attributes {
            return Ok(Self { name_id, attributes: Attributes::new(), missing: Vec::new() });
        }
        let mut attributes = sp.chain.release(filtered, &context);
        restrict(release, &mut attributes);
        let missing = missing(release, &attributes);
        Ok(Self { name_id, attributes, missing })
    }
}

/// Takes away the values that nobody wants, and identifiers that the SP said it does not want.
fn restrict(release: &Release, attributes: &mut Attributes) {
    attributes.retain(|name, values| {
        if let Some(wanted) = release.wanted(name) {
            values.retain(|value| value.as_text().is_some_and(|text| wanted.iter().any(|w| w == text)));
        }
        release.passes(name) && (release.wanted(name).is_none() || !values.is_empty())
    });
}

/// A person without a required attribute is still let through: the SP knows what it can do without, and says so better
/// than an error could.
fn missing(release: &Release, attributes: &Attributes) -> Vec<String> {
    let empty = Value::Text(String::new());
    let has = |name: &String| attributes.values(name).unwrap_or_default().iter().any(|value| *value != empty);
    let missing = release.required().iter().filter(|names| !names.iter().any(has));
    missing.filter_map(|names| names.last()).cloned().collect()
}

/// saml-core 3.4.1.4: a request that names its Subject is answered for that one or not at all.
fn check_subject(asked: Option<&NameId>, given: &NameId) -> Result<(), NotIssued> {
    let Some(asked) = asked else { return Ok(()) };
    let same_format = asked.format == given.format || asked.format == crate::saml::uris::name_id::UNSPECIFIED;
    if same_format && asked.value == given.value {
        return Ok(());
    }
    let message = "the person who is signed in is not the Subject of the request";
    Err(NotIssued::Status(Status::failure(REQUESTER, UNKNOWN_PRINCIPAL, message), message.to_owned()))
}
