//! [`Secret`]: a value that is never printed and is overwritten when dropped.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use openssl::error::ErrorStack;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// Holds a password, key or token. There is no way to print it, and its memory is zeroed on drop.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes a value into custody.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself, for the one call that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, for the one call that fills it.
    pub fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl Secret<Vec<u8>> {
    /// HMAC-SHA-256 (RFC 2104) of `parts`, one after the other, under this secret. OpenSSL 3 takes ten times as long for a
    /// short message: it looks its algorithms up by name each time.
    pub fn hmac_sha256(&self, parts: &[&[u8]]) -> Result<Secret<Vec<u8>>, MacError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.expose())?;
        for part in parts {
            mac.update(part);
        }
        Ok(Secret::new(mac.finalize().into_bytes().to_vec()))
    }
}

/// The library could not compute it.
#[derive(Debug, thiserror::Error)]
pub enum MacError {
    /// No key of this length.
    #[error("HMAC-SHA-256 cannot be computed: {0}")]
    Length(#[from] hmac::digest::InvalidLength),
    /// OpenSSL says no.
    #[error("OpenSSL cannot compute it: {0}")]
    Library(#[from] ErrorStack),
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Compares without telling by its duration where two values differ.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && openssl::memcmp::eq(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let secret = Secret::new(b"Jefe".to_vec());
        let mac = secret.hmac_sha256(&[b"what do ya want ", b"for nothing?"]).unwrap();
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(data_encoding::HEXLOWER.encode(mac.expose()), hex);
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "[secret]");
        assert!(
            constant_time_eq(b"ab", b"ab")
                && !constant_time_eq(b"ab", b"ac")
                && !constant_time_eq(b"a", b"ab")
        );
    }
}
