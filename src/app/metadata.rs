//! [`Document`]: the own metadata, signed, as it is served until it is renewed.

use std::sync::Arc;

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};

use crate::saml::metadata::idp::{IdpDescription, content_id, write};
use crate::saml::signature::{AlgorithmSet, Chosen, Preference, Signer, sign};

/// Signed metadata.
#[derive(Debug)]
pub struct Document {
    /// The octets, UTF-8.
    pub xml: String,
    /// The ID of the root. It is made of the content: the same content has the same ID on every node.
    pub id: String,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// From when on it is to be signed anew.
    due: Option<Timestamp>,
}

/// What documents are made of.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) description: IdpDescription,
    pub(super) valid_for: Option<SignedDuration>,
    pub(super) algorithms: AlgorithmSet,
}

impl Template {
    /// What an SP is told that another key signs for.
    pub(super) fn with_key(&self, signer: &dyn Signer) -> Self {
        let certificates = vec![signer.certificate().to_owned()];
        Self { description: IdpDescription { certificates, ..self.description.clone() }, ..*self }
    }

    /// Without the endpoint of enhanced clients, where no SP is open to them.
    pub(super) fn with_ecp(&self, open: bool) -> Self {
        let ecp = self.description.ecp.clone().filter(|_| open);
        Self { description: IdpDescription { ecp, ..self.description.clone() }, ..*self }
    }

    /// Signs the document of `now`. A copy that is taken from it just before it is renewed is still good for three
    /// quarters of `metadata_valid_for`.
    pub(super) fn sign(&self, signer: &Arc<dyn Signer>, now: Timestamp) -> Result<Document> {
        let until = self.valid_for.map(|valid_for| now.checked_add(valid_for)).transpose()?;
        let description = IdpDescription { valid_until: until, ..self.description.clone() };
        let id = content_id(&description);
        let unsigned = write(&description, &id);
        let signer = Chosen::new(Arc::clone(signer), &Preference::new(Vec::new(), self.algorithms));
        let signature = sign::enveloped(&signer, &id, &unsigned.bytes)?;
        let xml = String::from_utf8(unsigned.with_signature(&signature))?;
        let due = self.valid_for.map(|valid_for| now.checked_add(valid_for / 4)).transpose()?;
        // Whole seconds, as HTTP tells the time.
        Ok(Document { xml, id, signed_at: Timestamp::from_second(now.as_second())?, due })
    }
}

impl Document {
    /// Whether it is time for a new one.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}
