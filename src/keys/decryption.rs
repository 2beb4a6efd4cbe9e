//! [`DecryptionPairs`]: the keys of `saml.decryption_keys`, with the certificates that SPs encrypt to.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use openssl::pkey::Id;

use super::{Certificate, Concern, KeyError, concerns, parse_private, read_private, weigh_rsa};
use crate::saml::encryption::DecryptionKeys;

/// Keys for decryption: all are tried, and all are published.
#[derive(Debug, Clone, Default)]
pub struct DecryptionPairs {
    keys: DecryptionKeys,
    certificates: Vec<Certificate>,
    concerns: Vec<(PathBuf, Concern)>,
}

impl DecryptionPairs {
    /// Reads and checks the files, each a PEM file with an RSA key and its certificate: who may read it, kind and
    /// strength of the key, whether the two belong together.
    pub fn load(files: &[PathBuf], now: Timestamp) -> Result<Self, KeyError> {
        let mut loaded = Self::default();
        let mut keys = Vec::new();
        for file in files {
            let (key, certificate) = load(file)?;
            // SAML takes no notice of a certificate's time (saml-metadata 2.4.1.1), but some SPs do.
            loaded.concerns.extend(concerns(&certificate, now).into_iter().map(|one| (file.clone(), one)));
            loaded.certificates.push(certificate);
            keys.push(key);
        }
        loaded.keys = DecryptionKeys::new(keys);
        Ok(loaded)
    }

    /// The private keys.
    pub fn keys(&self) -> &DecryptionKeys {
        &self.keys
    }

    /// The certificates, in the order of the files.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// What is worth knowing of them, and of which file.
    pub fn concerns(&self) -> &[(PathBuf, Concern)] {
        &self.concerns
    }
}

fn load(file: &Path) -> Result<(openssl::pkey::PKey<openssl::pkey::Private>, Certificate), KeyError> {
    let pem = read_private(file)?;
    let key = parse_private(file, &pem, None).map_err(|error| match error {
        KeyError::KeyEncrypted { file } => KeyError::DecryptionKeyEncrypted { file },
        other => other,
    })?;
    if key.id() != Id::RSA {
        return Err(KeyError::DecryptionKeyKind { file: file.to_owned() });
    }
    weigh_rsa(file, &key)?;
    let certificate = Certificate::parse(&pem)
        .map_err(|cause| KeyError::NoCertificateBeside { file: file.to_owned(), cause })?;
    if !certificate.public_key().is_ok_and(|public| key.public_eq(&public)) {
        return Err(KeyError::Mismatch {
            private_key: file.to_owned(),
            certificate: file.to_owned(),
            subject: certificate.subject(),
        });
    }
    Ok((key, certificate))
}
