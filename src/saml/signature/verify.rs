//! Judges signatures: only the SAML shape, only registered keys, only the tree that will be read.
//!
//! KeyInfo is ignored; a Reference can name nothing but the root that holds the signature.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::Hasher;

use super::{AlgorithmSet, DigestAlgorithm, SignatureAlgorithm, VerificationKey};
use crate::saml::uris::{DS, ENVELOPED, EXC_C14N};
use crate::saml::xml::Element;
use crate::saml::xml::canonical::{self, Sink, Subset};
use crate::secret::constant_time_eq;

/// Proof that a signature over the whole message verified with a registered key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureValid {
    fingerprint: String,
    algorithm: SignatureAlgorithm,
}

impl SignatureValid {
    /// SHA-256 of the certificate whose key verified it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What it was signed with.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// Why a signature was not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("the message is not signed")]
    Missing,
    /// More than one `ds:Signature`, or one that is no child of the root.
    #[error("there must be exactly one ds:Signature, as a child of the root element")]
    Misplaced,
    /// The root has no ID, or an ID occurs twice.
    #[error("the ID \"{0}\" is missing or not unique")]
    AmbiguousId(String),
    /// The Signature does not have the elements of saml-core 5.4 and nothing else.
    #[error("the signature is not of the SAML shape: {0}")]
    Shape(&'static str),
    /// The Reference names something else than the root element.
    #[error("the reference \"{0}\" does not name the root element")]
    Reference(String),
    /// A transform other than enveloped-signature and exclusive c14n.
    #[error("the transform or canonicalization \"{0}\" is not allowed")]
    Transform(String),
    /// An algorithm that is unknown, forbidden, or needs a switch.
    #[error("the algorithm \"{0}\" is not allowed")]
    Algorithm(String),
    /// The digest is another.
    #[error("the digest of the message is {computed}, the signature says {stated}: the message was changed")]
    Digest {
        /// What the message hashes to, in base64.
        computed: String,
        /// What SignedInfo says.
        stated: String,
    },
    /// There is no key to judge by.
    #[error("no signing key is registered")]
    NoKeys,
    /// No registered key verifies it.
    #[error("no registered key verifies the signature; tried: {}", tried.join(", "))]
    NoKey {
        /// The first 16 hexadecimal digits of each key's fingerprint (SHA-256 of its certificate).
        tried: Vec<String>,
    },
}

/// Judges the enveloped signature of `root` by `keys`, made by one of the `allowed` algorithms.
pub fn enveloped(
    root: &Element<'_>,
    keys: &[VerificationKey],
    allowed: AlgorithmSet,
) -> Result<SignatureValid, SignatureError> {
    judge(root, sole_signature(root)?, keys, allowed)
}

/// Judges the signature of a Response, if it has one; that of the Assertion inside is a matter of its own.
pub fn response(
    root: &Element<'_>,
    keys: &[VerificationKey],
) -> Result<Option<SignatureValid>, SignatureError> {
    let mut own = root.all(DS.uri, "Signature");
    match (own.next(), own.next()) {
        (None, _) => Ok(None),
        (Some(signature), None) => judge(root, signature, keys, AlgorithmSet::SHA2).map(Some),
        (Some(_), Some(_)) => Err(SignatureError::Misplaced),
    }
}

fn judge(
    root: &Element<'_>,
    signature: &Element<'_>,
    keys: &[VerificationKey],
    allowed: AlgorithmSet,
) -> Result<SignatureValid, SignatureError> {
    let id = unique_id(root)?;
    let parts = Parts::of(signature)?;
    let digest = parts.check_reference(id, allowed)?;
    let algorithm = parts.algorithm(allowed)?;
    let stated = base64(parts.digest_value).ok_or(SignatureError::Shape("DigestValue is not base64 text"))?;
    // First the signature, whose SignedInfo is small by its shape: who holds no key makes us canonicalise nothing else.
    let mut signed_info = Vec::with_capacity(1024);
    let inclusive = prefix_list(parts.canonicalization)?;
    let subset = Subset {
        ancestors: &[root, signature],
        apex: parts.signed_info,
        without: None,
        inclusive: &inclusive,
    };
    canonical::write(&subset, &mut signed_info);
    let value = base64(parts.signature_value).ok_or(SignatureError::Shape("SignatureValue is not base64"))?;
    let valid = detached(&signed_info, algorithm, &value, keys)?;
    parts.check_digest(root, signature, digest, &stated)?;
    Ok(valid)
}

/// Judges a signature over octets: SignedInfo, or the query of the Redirect binding.
pub fn detached(
    octets: &[u8],
    algorithm: SignatureAlgorithm,
    signature: &[u8],
    keys: &[VerificationKey],
) -> Result<SignatureValid, SignatureError> {
    match keys.iter().find(|key| key.verifies(algorithm, octets, signature)) {
        Some(key) => Ok(SignatureValid { fingerprint: key.fingerprint().to_owned(), algorithm }),
        None if keys.is_empty() => Err(SignatureError::NoKeys),
        None => Err(SignatureError::NoKey {
            tried: keys.iter().map(|key| key.short_fingerprint().to_owned()).collect(),
        }),
    }
}

/// The algorithm of an identifier, if it may be used.
pub fn allowed_algorithm(uri: &str, allowed: AlgorithmSet) -> Result<SignatureAlgorithm, SignatureError> {
    let known = SignatureAlgorithm::from_uri(uri).filter(|algorithm| allowed.has(*algorithm));
    known.ok_or_else(|| SignatureError::Algorithm(uri.to_owned()))
}

fn sole_signature<'t, 'a>(root: &'t Element<'a>) -> Result<&'t Element<'a>, SignatureError> {
    let anywhere = root.descendants().iter().filter(|e| e.is(DS.uri, "Signature")).count();
    let mut children = root.all(DS.uri, "Signature");
    match (anywhere, children.next()) {
        (0, _) => Err(SignatureError::Missing),
        (1, Some(signature)) => Ok(signature),
        _ => Err(SignatureError::Misplaced),
    }
}

fn unique_id<'t>(root: &'t Element<'_>) -> Result<&'t str, SignatureError> {
    let id = root.attribute("ID").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| SignatureError::AmbiguousId(String::new()))?;
    let mut seen = HashSet::new();
    for element in root.descendants() {
        for attribute in &element.attributes {
            if attribute.local.eq_ignore_ascii_case("id") && !seen.insert(attribute.value.as_ref()) {
                return Err(SignatureError::AmbiguousId(attribute.value.to_string()));
            }
        }
    }
    Ok(id)
}

/// The elements of a signature that matter.
struct Parts<'t, 'a> {
    signed_info: &'t Element<'a>,
    canonicalization: &'t Element<'a>,
    signature_method: &'t Element<'a>,
    reference: &'t Element<'a>,
    digest_method: &'t Element<'a>,
    digest_value: &'t Element<'a>,
    transforms: Vec<&'t Element<'a>>,
    signature_value: &'t Element<'a>,
}

impl<'t, 'a> Parts<'t, 'a> {
    fn of(signature: &'t Element<'a>) -> Result<Self, SignatureError> {
        let children: Vec<_> = signature.elements().collect();
        let (signed_info, signature_value) = match children.as_slice() {
            [info, value] => (info, value),
            [info, value, key_info] if key_info.is(DS.uri, "KeyInfo") => (info, value),
            _ => return Err(SignatureError::Shape("SignedInfo, SignatureValue and at most one KeyInfo")),
        };
        let signed_info = named(signed_info, "SignedInfo")?;
        let info: Vec<_> = signed_info.elements().collect();
        let [canonicalization, signature_method, reference] = info.as_slice() else {
            return Err(SignatureError::Shape(
                "SignedInfo holds CanonicalizationMethod, SignatureMethod, one Reference",
            ));
        };
        let reference = named(reference, "Reference")?;
        let inside: Vec<_> = reference.elements().collect();
        let [transforms, digest_method, digest_value] = inside.as_slice() else {
            return Err(SignatureError::Shape("Reference holds Transforms, DigestMethod, DigestValue"));
        };
        Ok(Self {
            signed_info,
            canonicalization: named(canonicalization, "CanonicalizationMethod")?,
            signature_method: named(signature_method, "SignatureMethod")?,
            reference,
            digest_method: named(digest_method, "DigestMethod")?,
            digest_value: named(digest_value, "DigestValue")?,
            transforms: named(transforms, "Transforms")?.elements().collect(),
            signature_value: named(signature_value, "SignatureValue")?,
        })
    }

    fn check_reference(&self, id: &str, allowed: AlgorithmSet) -> Result<DigestAlgorithm, SignatureError> {
        let uri = self.reference.attribute("URI").unwrap_or_default();
        if uri.strip_prefix('#') != Some(id) {
            return Err(SignatureError::Reference(uri.to_owned()));
        }
        let named: Vec<_> =
            self.transforms.iter().map(|t| t.attribute("Algorithm").unwrap_or_default()).collect();
        for (transform, algorithm) in self.transforms.iter().zip(&named) {
            let known = *algorithm == EXC_C14N || (*algorithm == ENVELOPED && transform.children.is_empty());
            if !known || !transform.is(DS.uri, "Transform") {
                return Err(SignatureError::Transform((*algorithm).to_owned()));
            }
        }
        if named != [ENVELOPED, EXC_C14N] {
            return Err(SignatureError::Shape("the transforms are enveloped-signature, then exclusive c14n"));
        }
        self.transforms.last().map(|transform| prefix_list(transform)).transpose()?;
        let uri = self.digest_method.attribute("Algorithm").unwrap_or_default();
        let digest = DigestAlgorithm::from_uri(uri).filter(|digest| allowed.has_digest(*digest));
        digest.ok_or_else(|| SignatureError::Algorithm(uri.to_owned()))
    }

    fn algorithm(&self, allowed: AlgorithmSet) -> Result<SignatureAlgorithm, SignatureError> {
        let c14n = self.canonicalization.attribute("Algorithm").unwrap_or_default();
        if c14n != EXC_C14N {
            return Err(SignatureError::Transform(c14n.to_owned()));
        }
        if self.signature_method.elements().chain(self.digest_method.elements()).next().is_some() {
            return Err(SignatureError::Shape("SignatureMethod and DigestMethod take no parameters"));
        }
        allowed_algorithm(self.signature_method.attribute("Algorithm").unwrap_or_default(), allowed)
    }

    fn check_digest(
        &self,
        root: &Element<'a>,
        signature: &Element<'a>,
        algorithm: DigestAlgorithm,
        stated: &[u8],
    ) -> Result<(), SignatureError> {
        let failed = |_| SignatureError::Shape("the digest cannot be computed");
        let transform = self.transforms.last().ok_or(SignatureError::Shape("no transform"))?;
        let inclusive = prefix_list(transform)?;
        let mut hashing =
            Hashing { hasher: Hasher::new(algorithm.message_digest()).map_err(failed)?, failed: false };
        let subset = Subset { ancestors: &[], apex: root, without: Some(signature), inclusive: &inclusive };
        canonical::write(&subset, &mut hashing);
        let computed = hashing.hasher.finish().map_err(failed)?;
        if hashing.failed {
            return Err(SignatureError::Shape("the digest cannot be computed"));
        }
        if constant_time_eq(&computed, stated) {
            return Ok(());
        }
        Err(SignatureError::Digest { computed: STANDARD.encode(computed), stated: STANDARD.encode(stated) })
    }
}

struct Hashing {
    hasher: Hasher,
    failed: bool,
}

impl Sink for Hashing {
    fn push(&mut self, bytes: &[u8]) {
        self.failed |= self.hasher.update(bytes).is_err();
    }
}

fn named<'t, 'a>(element: &'t Element<'a>, local: &'static str) -> Result<&'t Element<'a>, SignatureError> {
    if element.is(DS.uri, local) { Ok(element) } else { Err(SignatureError::Shape(local)) }
}

/// Each prefix of a PrefixList is looked up at each element.
const PREFIX_LIMIT: usize = 64;

/// The InclusiveNamespaces PrefixList of a transform or CanonicalizationMethod.
fn prefix_list<'t>(method: &'t Element<'_>) -> Result<Vec<&'t str>, SignatureError> {
    let children: Vec<_> = method.elements().collect();
    match children.as_slice() {
        [] => Ok(Vec::new()),
        [list] if list.is(EXC_C14N, "InclusiveNamespaces") && list.elements().next().is_none() => {
            let prefixes = list.attribute("PrefixList").unwrap_or_default().split_ascii_whitespace();
            let prefixes: Vec<_> = prefixes.take(PREFIX_LIMIT + 1).collect();
            if prefixes.len() > PREFIX_LIMIT {
                return Err(SignatureError::Shape("a PrefixList of more than 64 prefixes"));
            }
            Ok(prefixes)
        }
        _ => Err(SignatureError::Shape("a transform holds at most InclusiveNamespaces")),
    }
}

/// Base64 that may be broken into lines, with nothing but text around it.
fn base64(element: &Element<'_>) -> Option<Vec<u8>> {
    let mut text = element.only_text()?.into_owned();
    text.retain(|c| !c.is_ascii_whitespace());
    STANDARD.decode(text).ok()
}
