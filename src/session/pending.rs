//! [`PendingRequest`]: an accepted request while its person signs in. It travels sealed in the browser's address bar and
//! in the sign-in page, so that tabs, the back button, a restart and another node all find it again.

use serde::{Deserialize, Serialize};

use super::Seal;
use crate::clock::Timestamp;
use crate::identity::{NameId, SubjectId};
use crate::saml::acs::AcsBinding;
use crate::saml::authn_request::RequestedAuthnContext;
use crate::saml::name_id::NameIdPolicy;

/// What must be remembered of a request that was accepted, to decide on it again later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRequest {
    /// The SP's entityID.
    #[serde(rename = "s")]
    pub sp: String,
    /// The place for the answer; it must still be registered when the request goes on.
    #[serde(rename = "a")]
    pub acs: String,
    /// How that place is reached.
    #[serde(rename = "m", default)]
    pub binding: AcsBinding,
    /// RelayState.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub relay_state: Option<String>,
    /// What was asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What an SP asked for, apart from where the answer goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The ID of the request; none for IdP-initiated sign-on.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it came.
    #[serde(rename = "t")]
    pub received: Timestamp,
    /// ForceAuthn.
    #[serde(rename = "f", default)]
    pub force_authn: bool,
    /// IsPassive.
    #[serde(rename = "p", default)]
    pub is_passive: bool,
    /// NameIDPolicy.
    #[serde(rename = "n", default)]
    pub name_id_policy: NameIdPolicy,
    /// RequestedAuthnContext.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// Subject of the request.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<NameId>,
    /// Whether the Subject was encrypted: then no page shows it.
    #[serde(rename = "e", default)]
    pub subject_encrypted: bool,
    /// AttributeConsumingServiceIndex.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub attribute_service: Option<u16>,
    /// Who was signed in when a ForceAuthn request came: only this person's new sign-in meets it.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub signed_in: Option<SubjectId>,
}

const PURPOSE: &str = "pending request";

impl PendingRequest {
    /// Seals it into text for an address and a form field.
    pub fn seal(&self, seal: &Seal) -> Result<String, serde_json::Error> {
        Ok(seal.seal(PURPOSE, &serde_json::to_vec(self)?))
    }

    /// Opens what [`Self::seal`] made; `None` if anything about it is wrong.
    pub fn open(sealed: &str, seal: &Seal) -> Option<Self> {
        serde_json::from_slice(&seal.open(PURPOSE, sealed)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SeededIds;
    use crate::saml::authn_request::Comparison;
    use crate::secret::Secret;

    #[test]
    fn everything_comes_back() {
        let text = |text: &str| text.to_owned();
        let name_id = NameId {
            value: text("v"),
            format: text("f"),
            name_qualifier: Some(text("q")),
            sp_name_qualifier: Some(text("s")),
        };
        let pending = PendingRequest {
            sp: text("sp"),
            acs: text("https://sp/acs"),
            binding: AcsBinding::Artifact,
            relay_state: Some(text("state")),
            ask: Ask {
                id: Some(text("_1")),
                received: Timestamp::UNIX_EPOCH,
                force_authn: true,
                is_passive: true,
                name_id_policy: NameIdPolicy::default(),
                requested_authn_context: Some(RequestedAuthnContext {
                    comparison: Comparison::Better,
                    classes: vec![text("class")],
                }),
                subject: Some(name_id),
                signed_in: Some(SubjectId { directory: text("d"), key: text("k") }),
                subject_encrypted: true,
                attribute_service: Some(7),
            },
        };
        let seal = Seal::new(Secret::new(vec![1; 32]), Arc::new(SeededIds::new(1))).unwrap();
        let sealed = pending.seal(&seal).unwrap();
        assert_eq!(PendingRequest::open(&sealed, &seal), Some(pending), "no two fields share a name");
    }
}
