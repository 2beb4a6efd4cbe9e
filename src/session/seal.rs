//! [`Seal`]: closes what travels through a browser, so that it can be neither read nor changed nor used elsewhere.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::BASE64URL_NOPAD;
use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;

use crate::clock::Ids;
use crate::secret::{MacError, Secret, constant_time_eq};

const NONCE: usize = 12;
const TAG: usize = 16;
/// What OpenSSL wants to have room for beside the text.
const BLOCK: usize = 16;

/// Seals and opens under the session secret. Each purpose has keys of its own.
pub struct Seal {
    secret: Secret<Vec<u8>>,
    ids: Arc<dyn Ids>,
    /// Derived keys by use and purpose; the program has a handful of purposes.
    keys: RwLock<Vec<(String, Secret<Vec<u8>>)>>,
    /// Looked up by name once, which OpenSSL 3 would do with each use.
    cipher: Cipher,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// A seal under `secret`, which is the same on every node.
    ///
    /// # Errors
    ///
    /// OpenSSL has no AES-256-GCM.
    pub fn new(secret: Secret<Vec<u8>>, ids: Arc<dyn Ids>) -> Result<Self, ErrorStack> {
        let cipher = Cipher::fetch(None, "AES-256-GCM", None)?;
        Ok(Self { secret, ids, keys: RwLock::default(), cipher })
    }

    /// AES-256-GCM with a random 96-bit nonce and the purpose as additional data: nonce, ciphertext and tag in URL-safe
    /// base64 without padding. Should the library fail, the result is empty, and [`Seal::open`] refuses that.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> String {
        let mut nonce = [0; NONCE];
        self.ids.fill(&mut nonce);
        self.sealed(&nonce, purpose, plain).map(|sealed| BASE64URL_NOPAD.encode(&sealed)).unwrap_or_default()
    }

    fn sealed(&self, nonce: &[u8; NONCE], purpose: &str, plain: &[u8]) -> Result<Vec<u8>, MacError> {
        let key = self.key("seal", purpose)?;
        let mut context = CipherCtx::new()?;
        context.encrypt_init(Some(&self.cipher), Some(key.expose()), Some(nonce))?;
        context.cipher_update(purpose.as_bytes(), None)?;
        let mut sealed = Vec::with_capacity(NONCE + plain.len() + TAG);
        sealed.extend_from_slice(nonce);
        context.cipher_update_vec(plain, &mut sealed)?;
        context.cipher_final_vec(&mut sealed)?;
        let mut tag = [0; TAG];
        context.tag(&mut tag)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// What was sealed for this purpose; `None` for anything else, without saying why.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
        let (nonce, rest) = bytes.split_at_checked(NONCE)?;
        let (sealed, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        self.opened(nonce, purpose, sealed, tag).ok()
    }

    fn opened(&self, nonce: &[u8], purpose: &str, sealed: &[u8], tag: &[u8]) -> Result<Vec<u8>, MacError> {
        let key = self.key("seal", purpose)?;
        let mut context = CipherCtx::new()?;
        context.decrypt_init(Some(&self.cipher), Some(key.expose()), Some(nonce))?;
        context.set_tag(tag)?;
        context.cipher_update(purpose.as_bytes(), None)?;
        let mut plain = Vec::with_capacity(sealed.len() + BLOCK);
        context.cipher_update_vec(sealed, &mut plain)?;
        context.cipher_final_vec(&mut plain)?;
        Ok(plain)
    }

    /// HMAC-SHA-256 of `data` for a purpose, in URL-safe base64 without padding. Should the library fail, the result is
    /// random and fits nothing.
    pub fn mac(&self, purpose: &str, data: &[u8]) -> String {
        match self.key("mac", purpose).and_then(|key| key.hmac_sha256(&[data])) {
            Ok(mac) => BASE64URL_NOPAD.encode(mac.expose()),
            Err(_) => self.ids.token(),
        }
    }

    /// Whether `mac` is the one of `data`, compared in constant time.
    pub fn verify_mac(&self, purpose: &str, data: &[u8], mac: &str) -> bool {
        constant_time_eq(self.mac(purpose, data).as_bytes(), mac.as_bytes())
    }

    /// The key of a use and purpose, derived once.
    fn key(&self, usage: &str, purpose: &str) -> Result<Secret<Vec<u8>>, MacError> {
        let is = |label: &str| label.split_once(' ') == Some((usage, purpose));
        let held = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = held.iter().find(|(label, _)| is(label)) {
            return Ok(key.clone());
        }
        drop(held);
        let key = self.derived(usage, purpose)?;
        let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if !held.iter().any(|(label, _)| is(label)) {
            held.push((format!("{usage} {purpose}"), key.clone()));
        }
        Ok(key)
    }

    /// HMAC-SHA-256 with the secret as key and use and purpose as message (NIST SP 800-108, one block in counter mode
    /// without the length).
    fn derived(&self, usage: &str, purpose: &str) -> Result<Secret<Vec<u8>>, MacError> {
        let parts = [b"\x01sekisho ", usage.as_bytes(), b"\0", purpose.as_bytes()];
        self.secret.hmac_sha256(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededIds;

    fn seal(secret: u8) -> Seal {
        Seal::new(Secret::new(vec![secret; 32]), Arc::new(SeededIds::new(1))).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let seal_a = seal(1);
        let plain = "要求 & RelayState".as_bytes();
        let sealed = seal_a.seal("pending", plain);
        assert_eq!(seal_a.open("pending", &sealed).as_deref(), Some(plain));
        assert_eq!(seal_a.open("cookie", &sealed), None);
        assert_eq!(seal(2).open("pending", &sealed), None);
        assert_eq!(seal_a.open("pending", &seal_a.seal("pending", b"")).as_deref(), Some(b"".as_slice()));
        assert!(sealed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    }

    /// Other nodes and versions open it; both texts were judged by another implementation of AES-GCM.
    #[test]
    fn the_form_stays_and_the_purpose_is_authenticated() {
        let sealed = "wVwCiewtCpFn7I5lbJa4oVFgqC5Gi2WVhl9RnV06nXbLhw";
        assert_eq!(seal(1).seal("p", "要求".as_bytes()), sealed);
        assert_eq!(seal(1).open("p", sealed).as_deref(), Some("要求".as_bytes()));
        let of_another_purpose = "wVwCiewtCpFn7I5lbJa4oVFgCOC6xVElxhsuybpeJtlKiw";
        assert_eq!(seal(1).open("p", of_another_purpose), None, "under the key of this one");
    }

    #[test]
    fn the_same_plaintext_never_looks_the_same() {
        let seal = seal(1);
        assert_ne!(seal.seal("p", b"x"), seal.seal("p", b"x"));
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_refused() {
        let seal = seal(1);
        let sealed = BASE64URL_NOPAD.decode(seal.seal("p", b"some text").as_bytes()).unwrap();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(seal.open("p", &BASE64URL_NOPAD.encode(&changed)), None, "byte {at} bit {bit}");
            }
            assert_eq!(seal.open("p", &BASE64URL_NOPAD.encode(&sealed[..at])), None, "cut at {at}");
        }
        let text = BASE64URL_NOPAD.encode(&sealed);
        for wrong in
            [String::new(), format!("{text}="), format!("{text}AAAA"), format!(" {text}"), "é".into()]
        {
            assert_eq!(seal.open("p", &wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_mac_is_bound_to_key_purpose_and_data() {
        let (one, two) = (seal(1), seal(2));
        let mac = one.mac("csrf", b"data");
        assert!(one.verify_mac("csrf", b"data", &mac));
        assert!(!one.verify_mac("csrf", b"date", &mac) && !one.verify_mac("other", b"data", &mac));
        assert!(!two.verify_mac("csrf", b"data", &mac) && !one.verify_mac("csrf", b"data", ""));
        assert_eq!(mac.len(), 43);
    }
}
