//! The operations of a private key: RSA with contexts that are kept, ECDSA in the form of XML signatures.

use std::sync::{Mutex, MutexGuard, PoisonError};

use openssl::ec::EcKey;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;

use crate::saml::signature::DigestAlgorithm;

/// An RSA key with contexts that are ready to sign: making one takes OpenSSL longer than everything else around a
/// signature. Of each hash there are as many as signatures at one time.
pub(super) struct RsaKey {
    key: PKey<Private>,
    sha1: Contexts,
    sha256: Contexts,
    sha384: Contexts,
    sha512: Contexts,
}

type Contexts = Mutex<Vec<PkeyCtx<Private>>>;

impl RsaKey {
    pub(super) fn new(key: PKey<Private>) -> Self {
        let [sha1, sha256, sha384, sha512] = std::array::from_fn(|_| Mutex::default());
        Self { key, sha1, sha256, sha384, sha512 }
    }

    /// RSASSA-PKCS1-v1_5 (RFC 8017, 8.2).
    pub(super) fn sign(&self, hash: DigestAlgorithm, data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut context = match self.idle(hash).pop() {
            Some(context) => context,
            None => self.context(hash)?,
        };
        let mut signature = Vec::with_capacity(self.key.size());
        context.sign_to_vec(&hash.of(data), &mut signature)?;
        // One that failed is not used again.
        self.idle(hash).push(context);
        Ok(signature)
    }

    fn context(&self, hash: DigestAlgorithm) -> Result<PkeyCtx<Private>, ErrorStack> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        context.set_rsa_padding(Padding::PKCS1)?;
        context.set_signature_md(hash.md())?;
        Ok(context)
    }

    fn idle(&self, hash: DigestAlgorithm) -> MutexGuard<'_, Vec<PkeyCtx<Private>>> {
        let contexts = match hash {
            DigestAlgorithm::Sha1 => &self.sha1,
            DigestAlgorithm::Sha256 => &self.sha256,
            DigestAlgorithm::Sha384 => &self.sha384,
            DigestAlgorithm::Sha512 => &self.sha512,
        };
        contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// r and s side by side, each `width` octets, as XML signatures want them (RFC 4050 3.3, xmldsig-core1 6.4.3), not
/// OpenSSL's DER.
pub(super) fn sign_ecdsa(key: &EcKey<Private>, digest: &[u8], width: i32) -> Result<Vec<u8>, ErrorStack> {
    let signature = EcdsaSig::sign(digest, key)?;
    let mut octets = signature.r().to_vec_padded(width)?;
    octets.extend(signature.s().to_vec_padded(width)?);
    Ok(octets)
}
