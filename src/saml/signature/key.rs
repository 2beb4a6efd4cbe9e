//! [`VerificationKey`]: a public key that a peer's metadata registers. There is no other source of keys.

use std::fmt;

use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::sign::Verifier;
use openssl::x509::X509;
use sha2::{Digest, Sha256};

use super::SignatureAlgorithm;

/// RSA keys of fewer bits are not secure, and SPs refuse them.
pub const LEAST_RSA_BITS: u32 = 2048;

/// A public key strong enough to be believed.
#[derive(Clone)]
pub struct VerificationKey {
    key: PKey<Public>,
    fingerprint: String,
    not_after: Option<jiff::Timestamp>,
    ecdsa: bool,
}

/// Why a certificate's key is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRejected {
    /// The certificate cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Unreadable(String),
    /// RSA under 2048 bits.
    #[error("the RSA key has {0} bits; at least {LEAST_RSA_BITS} are needed")]
    WeakRsa(u32),
    /// A curve other than P-256, P-384 and P-521.
    #[error("the elliptic curve is not P-256, P-384 or P-521")]
    Curve,
    /// Neither RSA nor EC.
    #[error("the key is neither RSA nor EC")]
    Kind,
}

impl VerificationKey {
    /// The key of a certificate. The certificate's dates and issuer say nothing: metadata is the trust.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyRejected> {
        let (key, not_after) = public_key(der)?;
        let ecdsa = match key.id() {
            Id::RSA => false,
            Id::EC => {
                let curve = key.ec_key().map_err(unreadable)?.group().curve_name();
                let known = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];
                curve.is_some_and(|c| known.contains(&c)).then_some(true).ok_or(KeyRejected::Curve)?
            }
            _ => return Err(KeyRejected::Kind),
        };
        Ok(Self { key, fingerprint: sha256_hex(der), not_after, ecdsa })
    }

    /// When the certificate expires: worth a warning, never a reason to refuse.
    pub fn not_after(&self) -> Option<jiff::Timestamp> {
        self.not_after
    }

    /// SHA-256 of the certificate in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The first 16 digits of it, for errors and logs.
    pub fn short_fingerprint(&self) -> &str {
        self.fingerprint.get(..16).unwrap_or(&self.fingerprint)
    }

    /// Whether `signature` over `data` is this key's.
    pub fn verifies(&self, algorithm: SignatureAlgorithm, data: &[u8], signature: &[u8]) -> bool {
        if algorithm.is_ecdsa() != self.ecdsa {
            return false;
        }
        let der = if self.ecdsa { self.ecdsa_der(signature) } else { Some(signature.to_vec()) };
        let Some(der) = der else { return false };
        let digest = algorithm.digest().message_digest();
        let verified = Verifier::new(digest, &self.key).and_then(|mut v| v.verify_oneshot(&der, data));
        // openssl leaves its reasons in a queue of the thread; the answer is no either way.
        verified.unwrap_or(false)
    }

    fn ecdsa_der(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let width = usize::try_from(self.key.bits()).ok()?.div_ceil(8);
        if signature.len() != 2 * width {
            return None;
        }
        let (r, s) = signature.split_at(width);
        let (r, s) = (BigNum::from_slice(r).ok()?, BigNum::from_slice(s).ok()?);
        EcdsaSig::from_private_components(r, s).ok()?.to_der().ok()
    }
}

/// SHA-256 in hexadecimal: fingerprints of certificates and files.
pub fn sha256_hex(octets: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(octets))
}

/// The key of a certificate, not weak if it is RSA, and when the certificate expires.
pub(in crate::saml) fn public_key(
    der: &[u8],
) -> Result<(PKey<Public>, Option<jiff::Timestamp>), KeyRejected> {
    let certificate = X509::from_der(der).map_err(unreadable)?;
    let key = certificate.public_key().map_err(unreadable)?;
    if key.id() == Id::RSA && key.bits() < LEAST_RSA_BITS {
        return Err(KeyRejected::WeakRsa(key.bits()));
    }
    Ok((key, not_after(&certificate)))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn unreadable(error: ErrorStack) -> KeyRejected {
    KeyRejected::Unreadable(error.to_string())
}

fn not_after(certificate: &X509) -> Option<jiff::Timestamp> {
    let epoch = openssl::asn1::Asn1Time::from_unix(0).ok()?;
    let after = epoch.diff(certificate.not_after()).ok()?;
    jiff::Timestamp::from_second(i64::from(after.days) * 86_400 + i64::from(after.secs)).ok()
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({})", self.fingerprint)
    }
}
