//! The keys under `certs/`: loading and checking a [`KeyPair`], making a new one, and signing with it.
//!
//! A key is parsed once, when it is loaded: parsing the PEM for every signature costs four times the signature.

mod certificate;
mod decryption;
mod error;
mod generate;
mod signing;

use std::fmt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use openssl::ec::EcKey;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use zeroize::Zeroizing;

pub use self::certificate::Certificate;
pub use self::decryption::DecryptionPairs;
pub use self::error::{Concern, KeyError, Purpose};
pub use self::generate::{Generated, KeyKind, generate, generate_decryption, generate_tls};

use self::signing::{RsaKey, sign_ecdsa};

use crate::saml::signature::{SignError, SignatureAlgorithm, Signer};
use crate::secret::Secret;

/// Fewer bits than this are not secure, and SPs refuse them.
const LEAST_RSA_BITS: u32 = 2048;
/// Bits that let other people of the machine at a file: everything for others, writing for the group. The group may
/// read, since packaged services own their files as `root:service 0640`.
const OPEN_TO_OTHERS: u32 = 0o027;
/// How long before its end a certificate is worth a word.
const SOON: SignedDuration = SignedDuration::from_hours(60 * 24);

/// What tells that one of `files` has become another, or may be read by others than before: time of change, size and
/// inode of each; none for a file that is not there.
pub fn stamps(files: &[&Path]) -> Vec<Option<(i64, i64, u64, u64)>> {
    let stamp = |file: &&Path| {
        let seen = std::fs::metadata(file).ok()?;
        // Not the time of the content: `chmod` and `chown` are remedies that an error names.
        Some((seen.ctime(), seen.ctime_nsec(), seen.len(), seen.ino()))
    };
    files.iter().map(stamp).collect()
}

/// A private key and its certificate.
pub struct KeyPair {
    key: SigningKey,
    certificate: Certificate,
    concerns: Vec<Concern>,
}

enum SigningKey {
    Rsa(RsaKey),
    P256(EcKey<Private>),
    P384(EcKey<Private>),
}

impl KeyPair {
    /// Reads and checks a pair: who may read the key, its kind and strength, whether it belongs to the certificate.
    /// An expired certificate is a [`Concern`], not an error.
    pub fn load(
        private_key: &Path,
        certificate: &Path,
        passphrase: Option<&Secret<String>>,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let pem = read_private(private_key)?;
        let key = parse_private(private_key, &pem, passphrase)?;
        let signing = SigningKey::check(private_key, &key)?;
        let found = load_certificate(certificate)?;
        if !found.public_key().is_ok_and(|public| key.public_eq(&public)) {
            return Err(KeyError::Mismatch {
                private_key: private_key.to_owned(),
                certificate: certificate.to_owned(),
                subject: found.subject(),
            });
        }
        Ok(Self { key: signing, concerns: concerns(&found, now), certificate: found })
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What is worth knowing of it.
    pub fn concerns(&self) -> &[Concern] {
        &self.concerns
    }
}

/// Any hash may go with any of these keys; by default one that is as strong as the key.
impl Signer for KeyPair {
    fn algorithm(&self) -> SignatureAlgorithm {
        match self.key {
            SigningKey::Rsa(_) => SignatureAlgorithm::RsaSha256,
            SigningKey::P256(_) => SignatureAlgorithm::EcdsaSha256,
            SigningKey::P384(_) => SignatureAlgorithm::EcdsaSha384,
        }
    }

    fn algorithms(&self) -> &[SignatureAlgorithm] {
        use SignatureAlgorithm::{
            EcdsaSha256, EcdsaSha384, EcdsaSha512, RsaSha1, RsaSha256, RsaSha384, RsaSha512,
        };
        match self.key {
            SigningKey::Rsa(_) => &[RsaSha256, RsaSha384, RsaSha512, RsaSha1],
            SigningKey::P256(_) => &[EcdsaSha256, EcdsaSha384, EcdsaSha512],
            SigningKey::P384(_) => &[EcdsaSha384, EcdsaSha512, EcdsaSha256],
        }
    }

    fn sign_with(&self, algorithm: SignatureAlgorithm, data: &[u8]) -> Result<Vec<u8>, SignError> {
        if !self.algorithms().contains(&algorithm) {
            return Err(SignError(format!("the key cannot sign with {}", algorithm.word())));
        }
        let signature = match &self.key {
            SigningKey::Rsa(key) => key.sign(algorithm.digest(), data),
            SigningKey::P256(key) => sign_ecdsa(key, &algorithm.digest().of(data), 32),
            SigningKey::P384(key) => sign_ecdsa(key, &algorithm.digest().of(data), 48),
        };
        signature.map_err(|cause| SignError(cause.to_string()))
    }

    fn certificate(&self) -> &str {
        self.certificate.base64_der()
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.certificate.subject())
    }
}

impl SigningKey {
    fn check(file: &Path, key: &PKey<Private>) -> Result<Self, KeyError> {
        let unfit = |kind: String| KeyError::KeyKind { file: file.to_owned(), kind };
        match key.id() {
            Id::RSA if key.bits() >= LEAST_RSA_BITS => Ok(Self::Rsa(RsaKey::new(key.clone()))),
            Id::RSA => Err(KeyError::WeakRsa { file: file.to_owned(), bits: key.bits() }),
            Id::EC => {
                let ec = key.ec_key()?;
                match ec.group().curve_name() {
                    Some(Nid::X9_62_PRIME256V1) => Ok(Self::P256(ec)),
                    Some(Nid::SECP384R1) => Ok(Self::P384(ec)),
                    other => {
                        let name = other.and_then(|nid| nid.short_name().ok()).unwrap_or("unnamed curve");
                        Err(unfit(format!("EC {name}")))
                    }
                }
            }
            Id::ED25519 => Err(unfit("Ed25519".to_owned())),
            Id::RSA_PSS => Err(unfit("RSA-PSS".to_owned())),
            other => Err(unfit(format!("type {}", other.as_raw()))),
        }
    }
}

/// Reads the first certificate of a file.
pub fn load_certificate(file: &Path) -> Result<Certificate, KeyError> {
    let bytes = std::fs::read(file)
        .map_err(|cause| KeyError::CertificateUnreadable { file: file.to_owned(), cause })?;
    Certificate::parse(&bytes)
        .map_err(|cause| KeyError::CertificateMalformed { file: file.to_owned(), cause })
}

fn read_private(file: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let unreadable = |cause| KeyError::KeyUnreadable { file: file.to_owned(), cause };
    let mode = std::fs::metadata(file).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & OPEN_TO_OTHERS != 0 {
        return Err(KeyError::KeyExposed { file: file.to_owned(), mode });
    }
    std::fs::read(file).map(Zeroizing::new).map_err(unreadable)
}

fn parse_private(
    file: &Path,
    pem: &[u8],
    passphrase: Option<&Secret<String>>,
) -> Result<PKey<Private>, KeyError> {
    let text = String::from_utf8_lossy(pem);
    let encrypted = text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED");
    let file = || file.to_owned();
    match passphrase {
        _ if !encrypted => {
            // The callback keeps OpenSSL from asking on the terminal, whatever the file holds.
            PKey::private_key_from_pem_callback(pem, |_| Ok(0))
                .map_err(|cause| KeyError::KeyMalformed { file: file(), cause })
        }
        Some(passphrase) => PKey::private_key_from_pem_passphrase(pem, passphrase.expose().as_bytes())
            .map_err(|_| KeyError::WrongPassphrase { file: file() }),
        None => Err(KeyError::KeyEncrypted { file: file() }),
    }
}

fn concerns(certificate: &Certificate, now: Timestamp) -> Vec<Concern> {
    let (from, to) = (certificate.not_before(), certificate.not_after());
    let soon = now.saturating_add(SOON).unwrap_or(Timestamp::MAX);
    let mut concerns = Vec::new();
    if now < from {
        concerns.push(Concern::NotYetValid(from));
    }
    if to <= now {
        concerns.push(Concern::Expired(to));
    } else if to <= soon {
        concerns.push(Concern::ExpiresSoon(to));
    }
    concerns
}

#[cfg(test)]
mod tests;
