//! The artifact: a Response waits here under a reference that the browser takes to the SP, which fetches it by SOAP once.

use serde::{Deserialize, Serialize};

use super::accept::{Accepted, check_age, check_destination, enveloped, find};
use super::outcome::{Rejection, SoapAnswer};
use super::{RequestContext, SingleSignOn};
use crate::clock::SignedDuration;
use crate::saml::artifact::{Artifact, ArtifactResolve, ArtifactResponse};
use crate::saml::binding::{redirect, soap};
use crate::saml::signature::SignatureError;

/// How long a Response waits: an SP fetches it at once.
const WAITS: SignedDuration = SignedDuration::from_secs(60);

/// A Response that waits, and for whom.
#[derive(Serialize, Deserialize)]
struct Waiting {
    sp: String,
    xml: String,
}

impl SingleSignOn {
    /// Keeps a Response, and gives the address that takes its reference to the SP (saml-bindings 3.6.3).
    pub(super) async fn refer(&self, accepted: &Accepted, xml: Vec<u8>) -> Result<String, Rejection> {
        let mut handle = [0; 20];
        self.ids.fill(&mut handle);
        let artifact = Artifact::new(self.idp.issuer_without_subject(accepted.sp()), handle);
        let xml = String::from_utf8(xml).map_err(Rejection::unavailable)?;
        let waiting = Waiting { sp: accepted.sp().entity_id().to_owned(), xml };
        let body = serde_json::to_string(&waiting).map_err(Rejection::unavailable)?;
        let now = self.clock.now();
        let kept = self.memos.put(&key(&artifact), body, now.checked_add(WAITS).unwrap_or(now)).await;
        kept.map_err(Rejection::unavailable)?;
        let query = redirect::artifact_query(&artifact.encode(), accepted.relay_state());
        Ok(redirect::address(accepted.acs(), &query))
    }

    /// ArtifactResolve by SOAP (saml-profiles 5).
    pub async fn resolve_artifact(&self, envelope: &[u8], request: &RequestContext<'_>) -> SoapAnswer {
        match self.resolved(envelope).await {
            Ok(message) => SoapAnswer::Message(message),
            Err(rejection) => self.fault(&rejection, request),
        }
    }

    async fn resolved(&self, envelope: &[u8]) -> Result<Vec<u8>, Rejection> {
        let (now, snapshot) = (self.clock.now(), self.registry.snapshot());
        let root = soap::read(envelope)?;
        let resolve = ArtifactResolve::read(&root)?;
        let sp = find(&snapshot, &resolve.head.issuer, now)?;
        // Whoever can fetch an assertion must be who it is for.
        enveloped(&root, &sp).map_err(|cause| {
            let cause = if sp.keys.is_empty() { SignatureError::NoKeys } else { cause };
            Rejection::Signature { sp: sp.entity_id().to_owned(), cause }
        })?;
        check_destination(&sp, resolve.head.destination.as_deref(), &self.idp.demands.artifact_destinations)?;
        check_age(&sp, resolve.head.issue_instant, &self.idp.demands, now)?;
        let issuer = self.idp.issuer_without_subject(&sp);
        let artifact = Artifact::parse(&resolve.artifact).filter(|found| found.is_from(issuer));
        let waiting = match artifact {
            Some(artifact) => self.fetched(&artifact, sp.entity_id()).await?,
            None => None,
        };
        let id = self.ids.xml_id();
        let answer = ArtifactResponse {
            id: &id,
            issuer,
            issue_instant: now,
            in_response_to: &resolve.head.id,
            message: waiting.as_ref().map(|waiting| waiting.xml.as_bytes()),
        };
        let signed = answer.write().signed(&self.signing(&sp), &id);
        signed.map(|message| soap::envelope(&message)).map_err(Rejection::unavailable)
    }

    /// The Response behind an artifact: for its SP alone, and once.
    async fn fetched(&self, artifact: &Artifact, sp: &str) -> Result<Option<Waiting>, Rejection> {
        let key = key(artifact);
        let read = |body: Option<String>| {
            let waiting = body.and_then(|body| serde_json::from_str::<Waiting>(&body).ok());
            waiting.filter(|waiting| waiting.sp == sp)
        };
        let held = self.memos.get(&key).await.map_err(Rejection::unavailable)?;
        if read(held).is_none() {
            tracing::warn!(
                sp.entity_id = sp,
                "ArtifactResolve for an artifact that is unknown, over or another's"
            );
            return Ok(None);
        }
        Ok(read(self.memos.take(&key).await.map_err(Rejection::unavailable)?))
    }
}

fn key(artifact: &Artifact) -> String {
    format!("artifact/{}", artifact.handle())
}
