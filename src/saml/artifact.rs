//! The artifact (saml-bindings 3.6.4) and the protocol that resolves it (saml-core 3.5).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::MessageError;
use super::message::{Head, ISSUER, date_time, once};
use super::signature::sign::Unsigned;
use super::status::Status;
use super::uris::{SAMLP, names};
use super::xml::{Element, Writer};
use crate::clock::Timestamp;

names! { SAMLP: ARTIFACT_RESPONSE = "ArtifactResponse" }

/// Type code and endpoint index: 0x0004, and the first ArtifactResolutionService.
const TYPE_AND_INDEX: [u8; 4] = [0, 4, 0, 0];

/// An artifact of type 0x0004: who made it, and a handle that nobody can guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    source: [u8; 20],
    handle: [u8; 20],
}

impl Artifact {
    /// An artifact of this IdP.
    pub fn new(issuer: &str, handle: [u8; 20]) -> Self {
        Self { source: source(issuer), handle }
    }

    /// Reads what an SP sends back; `None` unless it is one of the type that we make.
    pub fn parse(text: &str) -> Option<Self> {
        let octets = STANDARD.decode(text.trim()).ok()?;
        let rest = octets.strip_prefix(&TYPE_AND_INDEX)?;
        let (source, handle) = rest.split_at_checked(20)?;
        Some(Self { source: source.try_into().ok()?, handle: handle.try_into().ok()? })
    }

    /// Whether this IdP made it.
    pub fn is_from(&self, issuer: &str) -> bool {
        self.source == source(issuer)
    }

    /// The value of SAMLart.
    pub fn encode(&self) -> String {
        STANDARD.encode([&TYPE_AND_INDEX[..], &self.source, &self.handle].concat())
    }

    /// The handle in hexadecimal.
    pub fn handle(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.handle)
    }
}

/// The SourceID of an IdP: the SHA-1 of its entityID, which protects nothing.
fn source(issuer: &str) -> [u8; 20] {
    openssl::sha::sha1(issuer.as_bytes())
}

/// An SP asks for the message behind an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactResolve {
    /// ID, IssueInstant, Destination and Issuer.
    pub head: Head,
    /// The artifact as it was written.
    pub artifact: String,
}

impl ArtifactResolve {
    /// Reads the request that `root` is.
    pub fn read(root: &Element<'_>) -> Result<Self, MessageError> {
        let head = Head::read(root, "ArtifactResolve", "samlp:ArtifactResolve")?;
        let artifact = once(root, SAMLP.uri, "Artifact")?.ok_or(MessageError::NoArtifact)?;
        Ok(Self { head, artifact: artifact.text().trim().to_owned() })
    }
}

/// The message behind an artifact, or none.
#[derive(Debug)]
pub struct ArtifactResponse<'a> {
    /// Its ID.
    pub id: &'a str,
    /// The IdP's entityID.
    pub issuer: &'a str,
    /// When it is made.
    pub issue_instant: Timestamp,
    /// The request that it answers.
    pub in_response_to: &'a str,
    /// The message as [`super::response`] wrote it.
    pub message: Option<&'a [u8]>,
}

impl ArtifactResponse<'_> {
    /// Writes it, unsigned. An artifact that is unknown is no failure (saml-core 3.5.3).
    pub fn write(&self) -> Unsigned {
        let mut w = Writer::with_capacity(1024 + self.message.map_or(0, <[u8]>::len));
        w.start(
            &ARTIFACT_RESPONSE,
            &mut [
                ("ID", self.id.into()),
                ("Version", "2.0".into()),
                ("IssueInstant", date_time(self.issue_instant).into()),
                ("InResponseTo", self.in_response_to.into()),
            ],
        );
        w.leaf(&ISSUER, &mut [], self.issuer);
        let insert_at = w.position();
        Status::success().write(&mut w);
        if let Some(message) = self.message {
            w.splice_within(message);
        }
        Unsigned { bytes: w.finish(), insert_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_comes_back() {
        let artifact = Artifact::new("https://idp.example/", [7; 20]);
        let text = artifact.encode();
        assert_eq!(text.len(), 60);
        assert_eq!(Artifact::parse(&format!(" {text}\n")), Some(artifact.clone()));
        assert!(artifact.is_from("https://idp.example/") && !artifact.is_from("https://idp.example"));
        assert_eq!(artifact.handle(), "07".repeat(20));
    }

    #[test]
    fn what_is_no_artifact_of_ours_is_none() {
        let octets = STANDARD.decode(Artifact::new("idp", [1; 20]).encode()).unwrap();
        let mut other_type = octets.clone();
        other_type[1] = 1;
        let mut other_index = octets.clone();
        other_index[3] = 1;
        for wrong in [&other_type[..], &other_index, &octets[..43], &[&octets[..], &[0]].concat(), &[]] {
            assert_eq!(Artifact::parse(&STANDARD.encode(wrong)), None);
        }
        assert_eq!(Artifact::parse("!"), None);
    }
}
