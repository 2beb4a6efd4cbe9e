//! [`Own`]: the signing key in force and all that is published of it, exchanged as one when the files change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::metadata::{Document, Template};
use super::{App, idp, load_decryption_keys, load_keys};
use crate::audit::Event;
use crate::config::Config;
use crate::keys::{DecryptionPairs, KeyPair};
use crate::registry::Snapshot;
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
    with_clients: Published,
    /// The documents of SPs that have a key of their own, by entityID.
    of_sps: Mutex<HashMap<String, Arc<OfSp>>>,
    /// All published certificates in base64: for signatures, the active one first, then those to encrypt to.
    certificates: Vec<String>,
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
        let encryption = idp::encryption_certificates(decryption);
        let certificates = [signing.as_slice(), &encryption].concat();
        let certificate = keys.certificate().clone();
        let signer: Arc<dyn Signer> = Arc::new(keys);
        let template = idp::template(config, signing, encryption);
        Ok(Self {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key: VerificationKey::from_certificate_der(certificate.der())?,
            published: Published::new(template.with_clients(false), &signer, now)?,
            with_clients: Published::new(template, &signer, now)?,
            of_sps: Mutex::default(),
            signer,
            certificates,
        })
    }
}

/// Whether some SP is open to enhanced clients.
pub fn serves_clients(snapshot: &Snapshot) -> bool {
    snapshot.iter().any(|sp| sp.policy.enabled && sp.policy.ecp)
}

impl App {
    /// The own metadata as it is served now.
    pub fn metadata(&self) -> Arc<Document> {
        let own = self.own.load();
        let clients = serves_clients(&self.registry.snapshot());
        let published = if clients { &own.with_clients } else { &own.published };
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
            let template = own.with_clients.template.with_key(signer.as_ref()).with_clients(sp.policy.ecp);
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
        if own.certificates == self.own.load().certificates {
            return Ok(false);
        }
        self.record(Event::ConfigurationChanged {
            kind: "key".to_owned(),
            file: config.saml.certificate.display().to_string(),
            change: "changed".to_owned(),
            sha256: own.key.fingerprint().to_owned(),
        })?;
        self.sso.signer.store(Arc::new(Arc::clone(&own.signer)));
        self.sso.decryption.store(Arc::new(decryption.keys().clone()));
        self.own.store(Arc::new(own));
        Ok(true)
    }
}
