//! [`EncryptionKey`]: a key of an SP, and the elements that only its owner can read.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::pkey::{HasPublic, Id, PKey, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::symm::{encrypt, encrypt_aead};

use super::algorithm::{EncryptionMethod, NoAlgorithm, choose, mgf1_uri};
use super::{
    BlockCipher, CIPHER_DATA, CIPHER_VALUE, DIGEST_METHOD, ELEMENT, ENCRYPTED_DATA, ENCRYPTED_KEY,
    ENCRYPTION_METHOD, KEY_INFO, KeyTransport, MGF,
};
use crate::clock::{Ids, Timestamp};
use crate::saml::signature::key::public_key;
use crate::saml::signature::{DigestAlgorithm, KeyRejected};
use crate::saml::xml::Writer;
use crate::saml::xml::writer::Name;
use crate::secret::Secret;

/// Octets of the authentication tag of GCM (xmlenc-core1 5.2.4).
pub(super) const TAG: usize = 16;

/// A public key of an SP with the algorithms that it asks for.
#[derive(Clone)]
pub struct EncryptionKey {
    key: PKey<Public>,
    block: BlockCipher,
    transport: KeyTransport,
    not_after: Option<Timestamp>,
}

/// Why a certificate's key is not encrypted to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyUnfit {
    /// The certificate cannot be read, or its key is weak.
    #[error(transparent)]
    Certificate(#[from] KeyRejected),
    /// EC, DSA and the like: RSA-OAEP is the only key transport.
    #[error("the key is not RSA, and nothing else can carry a content key")]
    Kind,
    /// Its EncryptionMethods leave nothing.
    #[error(transparent)]
    Algorithm(#[from] NoAlgorithm),
}

/// OpenSSL did not encrypt.
#[derive(Debug, thiserror::Error)]
#[error("cannot encrypt: {0}")]
pub struct EncryptError(#[from] ErrorStack);

impl EncryptionKey {
    /// The key of a certificate, whose owner takes `methods`. The certificate's dates and issuer say nothing.
    pub fn from_certificate_der(der: &[u8], methods: &[EncryptionMethod]) -> Result<Self, KeyUnfit> {
        let (key, not_after) = public_key(der)?;
        if key.id() != Id::RSA {
            return Err(KeyUnfit::Kind);
        }
        let (block, transport) = choose(methods)?;
        Ok(Self { key, block, transport, not_after })
    }

    /// What the content is encrypted with.
    pub fn block(&self) -> BlockCipher {
        self.block
    }

    /// What its key is encrypted with.
    pub fn transport(&self) -> KeyTransport {
        self.transport
    }

    /// When the certificate expires: worth a warning, never a reason to refuse.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }

    /// The element `name` (EncryptedAssertion, EncryptedID) around [`Self::data`], as a document of its own.
    pub fn element(
        &self,
        name: &'static Name,
        plaintext: &[u8],
        ids: &dyn Ids,
    ) -> Result<Vec<u8>, EncryptError> {
        let data = self.data(plaintext, ids)?;
        let mut w = Writer::with_capacity(data.len() + 256);
        w.start(name, &mut []);
        w.splice(&data);
        Ok(w.finish())
    }

    /// EncryptedData of `plaintext`, which is one element with all the namespace declarations that it needs.
    pub fn data(&self, plaintext: &[u8], ids: &dyn Ids) -> Result<Vec<u8>, EncryptError> {
        let mut content_key = Secret::new(vec![0; self.block.cipher().key_len()]);
        ids.fill(content_key.expose_mut());
        let wrapped = self.wrapped(content_key.expose())?;
        let content = self.content(content_key.expose(), plaintext, ids)?;
        let mut w = Writer::with_capacity(content.len() * 4 / 3 + 2 * 1024);
        w.start(&ENCRYPTED_DATA, &mut [("Type", ELEMENT.into())]);
        w.leaf(&ENCRYPTION_METHOD, &mut [("Algorithm", self.block.uri().into())], "");
        w.start(&KEY_INFO, &mut []);
        w.start(&ENCRYPTED_KEY, &mut []);
        self.transport_method(&mut w);
        cipher_data(&mut w, &wrapped);
        w.end();
        w.end();
        cipher_data(&mut w, &content);
        Ok(w.finish())
    }

    fn transport_method(&self, w: &mut Writer) {
        let digest = |w: &mut Writer, digest: DigestAlgorithm| {
            w.leaf(&DIGEST_METHOD, &mut [("Algorithm", digest.uri().into())], "");
        };
        w.start(&ENCRYPTION_METHOD, &mut [("Algorithm", self.transport.uri().into())]);
        match self.transport {
            KeyTransport::Mgf1p(None) => {}
            KeyTransport::Mgf1p(Some(named)) => digest(w, named),
            KeyTransport::Oaep { digest: named, mgf } => {
                digest(w, named);
                w.leaf(&MGF, &mut [("Algorithm", mgf1_uri(mgf).into())], "");
            }
        }
        w.end();
    }

    /// The content key as only the SP can read it.
    fn wrapped(&self, content_key: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.encrypt_init()?;
        set_oaep(&mut context, self.transport)?;
        let mut wrapped = Vec::with_capacity(self.key.size());
        context.encrypt_to_vec(content_key, &mut wrapped)?;
        Ok(wrapped)
    }

    /// Initialisation vector, ciphertext and, for GCM, tag (xmlenc-core1 5.2).
    fn content(&self, key: &[u8], plaintext: &[u8], ids: &dyn Ids) -> Result<Vec<u8>, ErrorStack> {
        let cipher = self.block.cipher();
        let mut octets = vec![0; cipher.iv_len().unwrap_or_default()];
        ids.fill(&mut octets);
        if self.block.is_authenticated() {
            let mut tag = [0; TAG];
            let encrypted = encrypt_aead(cipher, key, Some(&octets), &[], plaintext, &mut tag)?;
            octets.extend_from_slice(&encrypted);
            octets.extend_from_slice(&tag);
        } else {
            // The padding of PKCS#7 is one of those that xmlenc-core1 5.2 allows.
            let encrypted = encrypt(cipher, key, Some(&octets), plaintext)?;
            octets.extend_from_slice(&encrypted);
        }
        Ok(octets)
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey(RSA {}, {:?}, {:?})", self.key.bits(), self.block, self.transport)
    }
}

/// OAEP with the digests of `transport`, on a context that was told whether it encrypts or decrypts.
pub(super) fn set_oaep<T: HasPublic>(
    context: &mut PkeyCtx<T>,
    transport: KeyTransport,
) -> Result<(), ErrorStack> {
    let (digest, mgf) = transport.digests();
    context.set_rsa_padding(Padding::PKCS1_OAEP)?;
    context.set_rsa_oaep_md(digest.md())?;
    context.set_rsa_mgf1_md(mgf.md())
}

fn cipher_data(w: &mut Writer, octets: &[u8]) {
    w.start(&CIPHER_DATA, &mut []);
    w.start(&CIPHER_VALUE, &mut []);
    w.splice(STANDARD.encode(octets).as_bytes());
    w.end();
    w.end();
}
