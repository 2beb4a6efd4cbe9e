//! [`FileKeys`]: the signing keys of single SPs, read and checked as that of the identity provider.

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::keys::{Concern, KeyPair, Purpose};
use crate::registry::{KeyRemark, SigningKey, SigningKeys};
use crate::secret::Secret;

/// Reads them from PEM files; an encrypted one is opened by the passphrase of the identity provider's.
#[derive(Debug)]
pub(super) struct FileKeys {
    passphrase: Option<Secret<String>>,
    clock: Arc<dyn Clock>,
}

impl FileKeys {
    pub(super) fn new(config: &Config, clock: &Arc<dyn Clock>) -> Self {
        Self { passphrase: config.saml.private_key_passphrase.clone(), clock: Arc::clone(clock) }
    }
}

impl SigningKeys for FileKeys {
    fn load(&self, private_key: &Path, certificate: &Path) -> Result<SigningKey, KeyRemark> {
        let passphrase = self.passphrase.as_ref();
        let pair = KeyPair::load(private_key, certificate, passphrase, self.clock.now());
        let pair =
            pair.map_err(|error| KeyRemark { message: error.to_string(), remedy: error.remedy() })?;
        let remark = |concern: &Concern| KeyRemark {
            message: concern.to_string(),
            remedy: concern.remedy(Purpose::SigningForOne).to_owned(),
        };
        let concerns = pair.concerns().iter().map(remark).collect();
        Ok(SigningKey { signer: Arc::new(pair), concerns })
    }
}
