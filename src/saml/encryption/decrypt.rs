//! Reading what was encrypted to us: an EncryptedID of a message whose signature has been verified.
//!
//! Whoever can ask often whether a ciphertext was good can read ciphertexts of others. So there is one error for
//! everything, and a content key that cannot be unwrapped is replaced by another one: the same steps follow.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::symm::decrypt_aead;

use super::algorithm::{BlockCipher, EncryptionMethod, KeyTransport};
use super::encrypt::{TAG, set_oaep};
use super::{ELEMENT, ENCRYPTED_KEY};
use crate::identity::NameId;
use crate::saml::error::MessageError;
use crate::saml::signature::SignatureValid;
use crate::saml::uris::{DS, SAML, XENC};
use crate::saml::xml::{Element, Limits, parse};
use crate::secret::Secret;

/// So many EncryptedKeys are looked at: one for each of our keys, and some for others.
const KEYS_LIMIT: usize = 4;

/// Our private keys for decryption, all RSA.
#[derive(Clone, Default)]
pub struct DecryptionKeys(Vec<PKey<Private>>);

/// Nothing that could be used came out. There is no other word, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the encrypted element cannot be decrypted to what it should be")]
pub struct NotDecrypted;

impl DecryptionKeys {
    /// Holds `keys`, which are tried in this order.
    pub fn new(keys: Vec<PKey<Private>>) -> Self {
        Self(keys)
    }

    /// Whether there is none: nothing encrypted can be read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for DecryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKeys({})", self.0.len())
    }
}

/// The NameID in `encrypted_id`, a saml:EncryptedID (saml-core 2.2.4) of the message that `_proof` is about: only what is
/// known to come from the SP is decrypted, so that nobody else can use us to read what an SP has encrypted.
pub fn name_id(
    encrypted_id: &Element<'_>,
    _proof: &SignatureValid,
    keys: &DecryptionKeys,
) -> Result<NameId, MessageError> {
    if keys.is_empty() {
        return Err(MessageError::NoDecryptionKey);
    }
    Ok(decrypted_name_id(encrypted_id, keys)?)
}

fn decrypted_name_id(encrypted_id: &Element<'_>, keys: &DecryptionKeys) -> Result<NameId, NotDecrypted> {
    if !encrypted_id.is(SAML.uri, "EncryptedID") {
        return Err(NotDecrypted);
    }
    let plaintext = decrypt(encrypted_id, keys)?;
    let root = parse(&plaintext, &Limits::MESSAGE).map_err(|_| NotDecrypted)?;
    if !root.is(SAML.uri, "NameID") || root.elements().next().is_some() {
        return Err(NotDecrypted);
    }
    Ok(crate::saml::name_id::read(&root))
}

/// The plaintext of the one EncryptedData in `element`. Its key stands in its KeyInfo or beside it; OAEP and AES-GCM are
/// read and nothing else, and nothing is looked up by reference.
pub fn decrypt(element: &Element<'_>, keys: &DecryptionKeys) -> Result<Vec<u8>, NotDecrypted> {
    let data = once(element, "EncryptedData").ok_or(NotDecrypted)?;
    let block = method(data)
        .and_then(|method| BlockCipher::from_uri(&method.algorithm))
        .filter(|block| block.is_authenticated() && data.attribute("Type").is_none_or(|kind| kind == ELEMENT))
        .ok_or(NotDecrypted)?;
    let content = cipher_value(data).ok_or(NotDecrypted)?;
    let inside = data.all(DS.uri, "KeyInfo").flat_map(|info| info.all(XENC.uri, ENCRYPTED_KEY.local));
    let carriers: Vec<_> = inside.chain(element.all(XENC.uri, ENCRYPTED_KEY.local)).collect();
    if carriers.is_empty() || carriers.len() > KEYS_LIMIT {
        return Err(NotDecrypted);
    }
    let unwrapped = unwrap(&carriers, keys, block.cipher().key_len());
    let stand_in = Secret::new(vec![0; block.cipher().key_len()]);
    let plaintext = open(block, unwrapped.as_ref().unwrap_or(&stand_in).expose(), &content);
    plaintext.filter(|_| unwrapped.is_some()).ok_or(NotDecrypted)
}

/// The content key of `length` octets. Every key is tried on every carrier, whichever was the right one.
fn unwrap(carriers: &[&Element<'_>], keys: &DecryptionKeys, length: usize) -> Option<Secret<Vec<u8>>> {
    let mut found = None;
    for carrier in carriers {
        let transport = method(carrier).as_ref().and_then(KeyTransport::from_method);
        let (Some(transport), Some(wrapped)) = (transport, cipher_value(carrier)) else { continue };
        for key in &keys.0 {
            // OpenSSL's reason is dropped: the answer is no either way.
            let unwrapped = oaep(key, transport, &wrapped).ok();
            found = found.or(unwrapped.filter(|content_key| content_key.expose().len() == length));
        }
    }
    found
}

fn oaep(key: &PKey<Private>, transport: KeyTransport, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, ErrorStack> {
    let mut context = PkeyCtx::new(key)?;
    context.decrypt_init()?;
    set_oaep(&mut context, transport)?;
    let mut content_key = Secret::new(Vec::with_capacity(key.size()));
    context.decrypt_to_vec(wrapped, content_key.expose_mut())?;
    Ok(content_key)
}

/// Initialisation vector, ciphertext and tag (xmlenc-core1 5.2.4).
fn open(block: BlockCipher, key: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    let cipher = block.cipher();
    let (iv, rest) = content.split_at_checked(cipher.iv_len()?)?;
    let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
    decrypt_aead(cipher, key, Some(iv), &[], ciphertext, tag).ok()
}

fn method(encrypted: &Element<'_>) -> Option<EncryptionMethod> {
    once(encrypted, "EncryptionMethod").and_then(EncryptionMethod::read)
}

/// CipherReference, which would have to be fetched, is nothing.
fn cipher_value(encrypted: &Element<'_>) -> Option<Vec<u8>> {
    let mut text = once(once(encrypted, "CipherData")?, "CipherValue")?.only_text()?.into_owned();
    text.retain(|c| !c.is_ascii_whitespace());
    STANDARD.decode(text).ok()
}

/// The only child of this name in the namespace of XML Encryption.
fn once<'t, 'a>(element: &'t Element<'a>, local: &'static str) -> Option<&'t Element<'a>> {
    let mut found = element.all(XENC.uri, local);
    found.next().filter(|_| found.next().is_none())
}
