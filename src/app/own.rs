//! [`Own`]: the signing key in force and all that is published of it, exchanged as one when the files change.

use std::sync::Arc;

use anyhow::Result;

use super::{App, idp, load_decryption_keys, load_keys};
use crate::audit::Event;
use crate::clock::Ids;
use crate::config::Config;
use crate::keys::{DecryptionPairs, KeyPair};
use crate::saml::signature::{Signer, VerificationKey};

/// What is published of the signing key.
#[derive(Debug)]
pub struct Own {
    /// The own metadata, signed.
    pub metadata_xml: String,
    /// The certificate as PEM.
    pub certificate_pem: String,
    /// The certificate in DER.
    pub certificate_der: Vec<u8>,
    /// The key that the built-in SP verifies with.
    pub key: VerificationKey,
    /// All published certificates in base64: for signatures, the active one first, then those to encrypt to.
    certificates: Vec<String>,
}

impl Own {
    pub(super) fn of(
        config: &Config,
        keys: &KeyPair,
        decryption: &DecryptionPairs,
        ids: &dyn Ids,
    ) -> Result<Self> {
        let certificate = keys.certificate();
        let mut certificates = idp::certificates(config, keys)?;
        certificates.extend(idp::encryption_certificates(decryption));
        Ok(Self {
            metadata_xml: idp::metadata(config, keys, decryption, ids)?,
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key: VerificationKey::from_certificate_der(certificate.der())?,
            certificates,
        })
    }
}

impl App {
    /// Takes over what the key files hold now; says whether that is something else. A pair that cannot be used leaves
    /// everything as it is.
    pub fn reload_keys(&self, config: &Config) -> Result<bool> {
        let keys = load_keys(config, self.clock.as_ref())?;
        let decryption = load_decryption_keys(config, self.clock.as_ref())?;
        let own = Own::of(config, &keys, &decryption, self.ids.as_ref())?;
        if own.certificates == self.own.load().certificates {
            return Ok(false);
        }
        self.record(Event::ConfigurationChanged {
            kind: "key".to_owned(),
            file: config.saml.certificate.display().to_string(),
            change: "changed".to_owned(),
            sha256: own.key.fingerprint().to_owned(),
        })?;
        let signer: Box<dyn Signer> = Box::new(keys);
        self.sso.signer.store(Arc::new(signer));
        self.sso.decryption.store(Arc::new(decryption.keys().clone()));
        self.own.store(Arc::new(own));
        Ok(true)
    }
}
