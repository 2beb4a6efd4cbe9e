//! XML Encryption 1.1 as SAML uses it (saml-core 2.2.4, 2.3.4): one EncryptedData whose key stands inside it.
//!
//! [`EncryptionKey`] is an SP's key with the algorithms that the SP asks for, chosen once when its metadata is read;
//! [`EncryptionKey::element`] writes EncryptedAssertion and EncryptedID. [`DecryptionKeys`] are ours, and
//! [`name_id`] reads an EncryptedID with them, from a message whose signature has been verified.

mod algorithm;
mod decrypt;
mod encrypt;

pub use algorithm::{BlockCipher, EncryptionMethod, KeyTransport, NoAlgorithm, readable};
pub use decrypt::{DecryptionKeys, NotDecrypted, decrypt, name_id};
pub use encrypt::{EncryptError, EncryptionKey, KeyUnfit};

use super::uris::{DS, SAML, XENC, XENC11, names};

names! { SAML: ENCRYPTED_ASSERTION = "EncryptedAssertion", ENCRYPTED_ID = "EncryptedID" }
names! { XENC:
    ENCRYPTED_DATA = "EncryptedData",
    ENCRYPTED_KEY = "EncryptedKey",
    ENCRYPTION_METHOD = "EncryptionMethod",
    CIPHER_DATA = "CipherData",
    CIPHER_VALUE = "CipherValue",
}
names! { XENC11: MGF = "MGF" }
names! { DS: KEY_INFO = "KeyInfo", DIGEST_METHOD = "DigestMethod" }

/// Type of an EncryptedData whose plaintext is one element (xmlenc-core1 3.1).
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
