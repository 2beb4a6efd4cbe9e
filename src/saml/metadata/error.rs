//! [`MetadataError`]: why a metadata file is refused, on which line, and what an admin can do about it.

use crate::saml::xml::XmlError;
use crate::saml::xml::reader::Violation;

/// A metadata file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct MetadataError {
    /// Line from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: MetadataFault,
}

/// What is wrong with a metadata file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// The XML itself.
    #[error("{0}")]
    Xml(Violation),
    /// UTF-16 that is none.
    #[error("the file is neither UTF-8 nor UTF-16")]
    Encoding,
    /// Another document.
    #[error("the root element is <{0}>, not md:EntityDescriptor or md:EntitiesDescriptor")]
    NotMetadata(String),
    /// An entity without entityID, or with one that is empty, over 1,024 characters, or has control characters.
    #[error("EntityDescriptor has no entityID of 1 to 1024 characters without control characters")]
    EntityId,
    /// The metadata of an identity provider.
    #[error("this is the metadata of an identity provider ({0}), not of a service provider")]
    IdentityProvider(String),
    /// An entity with neither role.
    #[error("{0} has no SPSSODescriptor")]
    NoServiceProvider(String),
    /// A service provider of SAML 1.1 or of another protocol.
    #[error("the SPSSODescriptor of {0} does not support SAML 2.0")]
    NotSaml2(String),
    /// An attribute that an element must have.
    #[error("{element} has no {attribute}")]
    Missing {
        /// The element's local name.
        element: String,
        /// The attribute's name.
        attribute: &'static str,
    },
    /// A value that its type does not allow.
    #[error("{attribute}=\"{value}\" of {element} is no {expected}")]
    Value {
        /// The element's local name.
        element: String,
        /// The attribute's name.
        attribute: &'static str,
        /// What is written there.
        value: String,
        /// What should be.
        expected: &'static str,
    },
    /// Two endpoints with one index.
    #[error("two {element} elements have index {index}")]
    DuplicateIndex {
        /// The element's local name.
        element: &'static str,
        /// The index.
        index: u16,
    },
    /// An affiliation of nobody (saml-metadata 2.5).
    #[error("AffiliationDescriptor has no AffiliateMember")]
    NoMember,
    /// A certificate that is no base64.
    #[error("an X509Certificate is not base64")]
    Certificate,
}

impl MetadataError {
    /// What an admin can do.
    pub fn remedy(&self) -> &'static str {
        match &self.fault {
            MetadataFault::Xml(Violation::Doctype) => "remove the DOCTYPE; metadata needs none",
            MetadataFault::Xml(Violation::TooLarge { .. }) => {
                "cut the service providers that you need out of the file"
            }
            MetadataFault::Xml(Violation::NotUtf8 | Violation::Declaration) | MetadataFault::Encoding => {
                "save the file as UTF-8"
            }
            MetadataFault::Xml(_) => "fetch the file again; it is cut short or was damaged",
            MetadataFault::NotMetadata(_) => {
                "ask the service provider for its SAML 2.0 metadata, not for a web page or a message"
            }
            MetadataFault::IdentityProvider(_) => {
                "take the service provider's metadata; this file was perhaps made for the other direction"
            }
            MetadataFault::EntityId
            | MetadataFault::NoServiceProvider(_)
            | MetadataFault::NoMember
            | MetadataFault::Missing { .. }
            | MetadataFault::Value { .. } => {
                "correct the element, or ask the service provider for valid metadata"
            }
            MetadataFault::NotSaml2(_) => "ask the service provider for SAML 2.0 metadata",
            MetadataFault::DuplicateIndex { .. } => "give each endpoint an index of its own",
            MetadataFault::Certificate => "paste the certificate again, as base64 between the tags",
        }
    }
}

impl From<XmlError> for MetadataError {
    fn from(error: XmlError) -> Self {
        Self { line: error.line, fault: MetadataFault::Xml(error.cause) }
    }
}
