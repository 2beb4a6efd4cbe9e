//! XML signatures of the one shape that SAML allows (saml-core 5.4), and the detached ones of the Redirect binding.
//!
//! [`sign::enveloped`] signs what [`super::xml::Writer`] wrote; [`verify::enveloped`] judges a tree that
//! [`super::xml::parse`] made and returns a [`SignatureValid`], the only proof that a message was signed.

mod algorithm;
mod choice;
pub mod key;
pub mod sign;
pub mod verify;

use std::fmt;

use openssl::hash::MessageDigest;
use openssl::md::{Md, MdRef};
use sha2::{Digest, Sha256, Sha384, Sha512};

pub use algorithm::AlgorithmSet;
pub use choice::{Chosen, Preference};
pub use key::{KeyRejected, VerificationKey};
pub use verify::{SignatureError, SignatureValid};

use super::uris::{DS, names};

names! { DS:
    SIGNATURE = "Signature",
    SIGNED_INFO = "SignedInfo",
    CANONICALIZATION_METHOD = "CanonicalizationMethod",
    SIGNATURE_METHOD = "SignatureMethod",
    REFERENCE = "Reference",
    TRANSFORMS = "Transforms",
    TRANSFORM = "Transform",
    DIGEST_METHOD = "DigestMethod",
    DIGEST_VALUE = "DigestValue",
    SIGNATURE_VALUE = "SignatureValue",
    KEY_INFO = "KeyInfo",
    X509_DATA = "X509Data",
    X509_CERTIFICATE = "X509Certificate",
}

/// How something is signed. MD5, HMAC and DSA do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-1: read where an SP's policy says so, never written by default.
    RsaSha1,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaSha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
}

impl SignatureAlgorithm {
    const ALL: [Self; 7] = [
        Self::RsaSha256,
        Self::RsaSha384,
        Self::RsaSha512,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
        Self::RsaSha1,
    ];

    /// Its identifier (RFC 9231).
    pub fn uri(self) -> &'static str {
        match self {
            Self::RsaSha1 => "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            Self::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Self::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            Self::EcdsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        }
    }

    /// The algorithm of an identifier.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.uri() == uri)
    }

    /// The hash inside.
    pub fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaSha1 => DigestAlgorithm::Sha1,
            Self::RsaSha256 | Self::EcdsaSha256 => DigestAlgorithm::Sha256,
            Self::RsaSha384 | Self::EcdsaSha384 => DigestAlgorithm::Sha384,
            Self::RsaSha512 | Self::EcdsaSha512 => DigestAlgorithm::Sha512,
        }
    }

    /// Whether keys are on an elliptic curve.
    pub fn is_ecdsa(self) -> bool {
        matches!(self, Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512)
    }
}

/// How something is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-1: read where an SP's policy says so.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    const ALL: [Self; 4] = [Self::Sha256, Self::Sha384, Self::Sha512, Self::Sha1];

    /// Its identifier (RFC 9231).
    pub fn uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The algorithm of an identifier.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.uri() == uri)
    }

    /// The hash of `octets`. What is signed is a few kilobytes at most, for which OpenSSL 3 takes longer to look the algorithm
    /// up by name than to hash.
    pub fn of(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => openssl::sha::sha1(octets).to_vec(),
            Self::Sha256 => Sha256::digest(octets).to_vec(),
            Self::Sha384 => Sha384::digest(octets).to_vec(),
            Self::Sha512 => Sha512::digest(octets).to_vec(),
        }
    }

    /// The same algorithm as openssl's contexts of keys want it.
    pub fn md(self) -> &'static MdRef {
        match self {
            Self::Sha1 => Md::sha1(),
            Self::Sha256 => Md::sha256(),
            Self::Sha384 => Md::sha384(),
            Self::Sha512 => Md::sha512(),
        }
    }

    /// The same algorithm as openssl calls it.
    pub fn message_digest(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// A private key that signs; `keys::KeyPair` is the one of a server.
pub trait Signer: Send + Sync + fmt::Debug {
    /// What it signs with where nothing else is chosen.
    fn algorithm(&self) -> SignatureAlgorithm;
    /// What it can sign with; the one of [`Self::algorithm`] first.
    fn algorithms(&self) -> &[SignatureAlgorithm];
    /// Signs `data` with one of [`Self::algorithms`]; an ECDSA signature comes as r||s (RFC 4050, 3.3), not as DER.
    fn sign_with(&self, algorithm: SignatureAlgorithm, data: &[u8]) -> Result<Vec<u8>, SignError>;
    /// Signs `data` with [`Self::algorithm`].
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, SignError> {
        self.sign_with(self.algorithm(), data)
    }
    /// The certificate in base64, for KeyInfo.
    fn certificate(&self) -> &str;
}

/// The key did not sign.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign: {0}")]
pub struct SignError(pub String);
