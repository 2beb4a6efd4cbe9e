//! [`MessageError`]: what can be wrong with a message that is well-formed XML.

use super::encryption::NotDecrypted;

/// A violation of saml-core, with the element and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Another document than expected.
    #[error("the message is a \"{found}\", not a {expected}")]
    Root {
        /// What it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A version other than 2.0 (saml-core 3.2.1).
    #[error("Version \"{0}\" is not 2.0")]
    Version(String),
    /// No ID, or one that nobody could refer to.
    #[error("ID must be 1 to 256 characters of A-Z a-z 0-9 . _ : -")]
    Id,
    /// An IssueInstant that is no xs:dateTime.
    #[error("IssueInstant \"{0}\" is no xs:dateTime")]
    IssueInstant(String),
    /// No Issuer, or an empty one.
    #[error("there is no Issuer")]
    NoIssuer,
    /// More than one Issuer.
    #[error("there is more than one Issuer")]
    SecondIssuer,
    /// An Issuer with elements inside, or of another format than entity (saml-core 4.1.4.1 of saml-profiles).
    #[error("the Issuer is not an entityID")]
    Issuer,
    /// An attribute with an impossible value.
    #[error("{attribute}=\"{value}\" is not allowed")]
    Value {
        /// The attribute.
        attribute: &'static str,
        /// Its value, cut to 128 characters.
        value: String,
    },
    /// An element that may occur once occurs twice.
    #[error("{0} occurs twice")]
    Twice(&'static str),
    /// A Subject that names nobody whom we could compare with (saml-core 2.4.1).
    #[error("the Subject of the request holds a {0}; only a NameID in the clear can be compared")]
    Subject(&'static str),
    /// A LogoutRequest that does not say who is to be signed out.
    #[error("the LogoutRequest names {0}; it must hold one NameID or EncryptedID")]
    Principal(&'static str),
    /// An ArtifactResolve without an Artifact.
    #[error("there is no Artifact")]
    NoArtifact,
    /// An EncryptedID in a request that is not signed: it might be another's.
    #[error(
        "the Subject is an EncryptedID, and the request is not signed; nothing of an unsigned request is decrypted"
    )]
    EncryptedUnsigned,
    /// An EncryptedID, and nothing to decrypt it with.
    #[error("it holds an EncryptedID, and saml.decryption_keys names no key")]
    NoDecryptionKey,
    /// An EncryptedID that does not decrypt to a NameID.
    #[error("its EncryptedID: {0}")]
    NotDecrypted(#[from] NotDecrypted),
    /// The web browser profile forbids it: the browser that brings the request is the one that is confirmed
    /// (saml-profiles 4.1.4.1).
    #[error("the Subject of the request holds a SubjectConfirmation, which it must not")]
    SubjectConfirmation,
    /// A Comparison other than exact, minimum, maximum, better.
    #[error("Comparison \"{0}\" is unknown")]
    Comparison(String),
}
