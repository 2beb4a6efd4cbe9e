//! [`Own`]: the signing key in force and all that is published of it, exchanged as one when the files change.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::metadata::{Document, Template};
use super::{App, idp, load_decryption_keys, load_keys};
use crate::audit::Event;
use crate::config::Config;
use crate::keys::{DecryptionPairs, KeyPair};
use crate::saml::signature::key::sha256_hex;
use crate::saml::signature::{Signer, VerificationKey};

/// What is published of the signing key.
#[derive(Debug)]
pub struct Own {
    /// The certificate as PEM.
    pub certificate_pem: String,
    /// The certificate in DER.
    pub certificate_der: Vec<u8>,
    /// The key that the built-in SP verifies with.
    pub key: VerificationKey,
    pub(super) signer: Arc<dyn Signer>,
    published: Published,
    /// The same with the endpoint of enhanced clients.
    with_ecp: Published,
    /// The documents of SPs that have a key of their own, by entityID.
    of_sps: Mutex<HashMap<String, Arc<OfSp>>>,
    /// Which file each published certificate is from, and its SHA-256 in hexadecimal: those of signing keys, the active one
    /// first, then those to encrypt to.
    certificates: Vec<(PathBuf, String)>,
}

#[derive(Debug)]
struct OfSp {
    signer: Arc<dyn Signer>,
    published: Published,
}

/// A document and what the next one is made of.
#[derive(Debug)]
pub(super) struct Published {
    template: Template,
    current: ArcSwap<Document>,
    renewing: Mutex<()>,
}

impl Published {
    pub(super) fn new(template: Template, signer: &Arc<dyn Signer>, now: Timestamp) -> Result<Self> {
        let current = ArcSwap::from_pointee(template.sign(signer, now)?);
        Ok(Self { template, current, renewing: Mutex::default() })
    }

    /// The document of this moment. One request of an interval pays for the new signature, and no other waits for it.
    pub(super) fn document(&self, signer: &Arc<dyn Signer>, now: Timestamp) -> Arc<Document> {
        if self.current.load().is_due(now)
            && let Ok(_alone) = self.renewing.try_lock()
            && self.current.load().is_due(now)
        {
            match self.template.sign(signer, now) {
                Ok(fresh) => self.current.store(Arc::new(fresh)),
                Err(error) => tracing::error!("cannot sign the own metadata anew: {error:#}"),
            }
        }
        self.current.load_full()
    }
}

impl Own {
    pub(super) fn of(
        config: &Config,
        keys: KeyPair,
        decryption: &DecryptionPairs,
        now: Timestamp,
    ) -> Result<Self> {
        let signing = idp::certificates(config, &keys)?;
        let (saml, encryption) = (&config.saml, decryption.certificates());
        let files = std::iter::once(&saml.certificate).chain(&saml.next_certificate);
        let hashes = signing.iter().chain(encryption).map(|one| sha256_hex(one.der()));
        let certificates = files.chain(&saml.decryption_keys).cloned().zip(hashes).collect();
        let certificate = keys.certificate().clone();
        let signer: Arc<dyn Signer> = Arc::new(keys);
        let template = idp::template(config, &signing, encryption);
        Ok(Self {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key: VerificationKey::from_certificate_der(certificate.der())?,
            published: Published::new(template.with_ecp(false), &signer, now)?,
            with_ecp: Published::new(template, &signer, now)?,
            of_sps: Mutex::default(),
            signer,
            certificates,
        })
    }
}

impl App {
    /// The own metadata as it is served now.
    pub fn metadata(&self) -> Arc<Document> {
        let own = self.own.load();
        let ecp = self.registry.snapshot().has_ecp();
        let published = if ecp { &own.with_ecp } else { &own.published };
        published.document(&own.signer, self.clock.now())
    }

    /// The same for one SP, which is another where a key of its own signs for it; none if there is no such SP.
    pub fn metadata_for(&self, sp: &str) -> Result<Option<Arc<Document>>> {
        let snapshot = self.registry.snapshot();
        let Some(sp) = snapshot.find(sp) else { return Ok(None) };
        let Some(signer) = &sp.signer else { return Ok(Some(self.metadata())) };
        let (own, now) = (self.own.load(), self.clock.now());
        let mut of_sps = own.of_sps.lock().unwrap_or_else(PoisonError::into_inner);
        let known = of_sps.get(sp.entity_id()).filter(|known| Arc::ptr_eq(&known.signer, signer));
        let of_sp = if let Some(known) = known {
            Arc::clone(known)
        } else {
            let template = own.with_ecp.template.with_key(signer.as_ref()).with_ecp(sp.policy.ecp);
            let published = Published::new(template, signer, now)?;
            let made = Arc::new(OfSp { signer: Arc::clone(signer), published });
            of_sps.insert(sp.entity_id().to_owned(), Arc::clone(&made));
            made
        };
        drop(of_sps);
        Ok(Some(of_sp.published.document(signer, now)))
    }

    /// Takes over what the key files hold now; says whether that is something else. A pair that cannot be used leaves
    /// everything as it is.
    pub fn reload_keys(&self, config: &Config) -> Result<bool> {
        let keys = load_keys(config, self.clock.as_ref())?;
        let decryption = load_decryption_keys(config, self.clock.as_ref())?;
        let own = Own::of(config, keys, &decryption, self.clock.now())?;
        let before = self.own.load();
        let changed = own.certificates.iter().zip(&before.certificates).filter(|(new, old)| new != old);
        let changed: Vec<_> = changed.map(|(new, _)| new.clone()).collect();
        if changed.is_empty() {
            return Ok(false);
        }
        for (file, sha256) in changed {
            let (kind, change) = ("key".to_owned(), "changed".to_owned());
            let file = file.display().to_string();
            self.record(Event::ConfigurationChanged { kind, file, change, sha256 })?;
        }
        self.sso.signer.store(Arc::new(Arc::clone(&own.signer)));
        self.sso.decryption.store(Arc::new(decryption.keys().clone()));
        self.own.store(Arc::new(own));
        Ok(true)
    }
}
