//! [`AlgorithmSet`]: which algorithms may be used, as values that cost nothing to copy and to ask.

use super::{DigestAlgorithm, SignatureAlgorithm};

/// A set of signature and digest algorithms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlgorithmSet {
    signatures: u8,
    digests: u8,
}

/// Words for all that can be denied, beside the identifiers themselves.
const WORDS: [(&str, AlgorithmSet); 11] = [
    ("rsa-sha1", AlgorithmSet::of(SignatureAlgorithm::RsaSha1)),
    ("rsa-sha256", AlgorithmSet::of(SignatureAlgorithm::RsaSha256)),
    ("rsa-sha384", AlgorithmSet::of(SignatureAlgorithm::RsaSha384)),
    ("rsa-sha512", AlgorithmSet::of(SignatureAlgorithm::RsaSha512)),
    ("ecdsa-sha256", AlgorithmSet::of(SignatureAlgorithm::EcdsaSha256)),
    ("ecdsa-sha384", AlgorithmSet::of(SignatureAlgorithm::EcdsaSha384)),
    ("ecdsa-sha512", AlgorithmSet::of(SignatureAlgorithm::EcdsaSha512)),
    ("sha1", AlgorithmSet::of_digest(DigestAlgorithm::Sha1)),
    ("sha256", AlgorithmSet::of_digest(DigestAlgorithm::Sha256)),
    ("sha384", AlgorithmSet::of_digest(DigestAlgorithm::Sha384)),
    ("sha512", AlgorithmSet::of_digest(DigestAlgorithm::Sha512)),
];

impl AlgorithmSet {
    /// RSA and ECDSA with SHA-256, SHA-384 and SHA-512.
    pub const SHA2: Self = Self::ALL.without(Self::of_digest(DigestAlgorithm::Sha1));
    /// The same and SHA-1.
    pub const ALL: Self = Self { signatures: 0b0111_1111, digests: 0b1111 };

    const fn of(algorithm: SignatureAlgorithm) -> Self {
        Self { signatures: 1 << algorithm as u8, digests: 0 }
    }

    /// One digest, and with it every signature that is made of it.
    const fn of_digest(digest: DigestAlgorithm) -> Self {
        let signatures = match digest {
            DigestAlgorithm::Sha1 => 1 << SignatureAlgorithm::RsaSha1 as u8,
            DigestAlgorithm::Sha256 => {
                1 << SignatureAlgorithm::RsaSha256 as u8 | 1 << SignatureAlgorithm::EcdsaSha256 as u8
            }
            DigestAlgorithm::Sha384 => {
                1 << SignatureAlgorithm::RsaSha384 as u8 | 1 << SignatureAlgorithm::EcdsaSha384 as u8
            }
            DigestAlgorithm::Sha512 => {
                1 << SignatureAlgorithm::RsaSha512 as u8 | 1 << SignatureAlgorithm::EcdsaSha512 as u8
            }
        };
        Self { signatures, digests: 1 << digest as u8 }
    }

    /// What a word (`rsa-sha256`, `sha1`) or an identifier names.
    pub fn from_word(word: &str) -> Option<Self> {
        let known = WORDS.iter().find(|(known, _)| *known == word).map(|(_, set)| *set);
        let signature = || SignatureAlgorithm::from_uri(word).map(Self::of);
        let digest = || DigestAlgorithm::from_uri(word).map(Self::of_digest);
        known.or_else(signature).or_else(digest)
    }

    /// The words of [`Self::from_word`].
    pub fn words() -> impl Iterator<Item = &'static str> {
        WORDS.iter().map(|(word, _)| *word)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { signatures: self.signatures & other.signatures, digests: self.digests & other.digests }
    }

    /// What is not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self { signatures: self.signatures & !other.signatures, digests: self.digests & !other.digests }
    }

    /// Whether signatures may be of this algorithm.
    pub fn has(self, algorithm: SignatureAlgorithm) -> bool {
        self.signatures & Self::of(algorithm).signatures != 0
    }

    /// Whether a key that can do all these has one in it to sign with by default, which SHA-1 never is.
    pub fn leaves(self, can: &[SignatureAlgorithm]) -> bool {
        can.iter().any(|algorithm| self.and(Self::SHA2).has(*algorithm))
    }

    /// Whether this digest may be used.
    pub fn has_digest(self, digest: DigestAlgorithm) -> bool {
        self.digests & Self::of_digest(digest).digests != 0
    }

    /// Its signature algorithms, best first.
    pub fn signatures(self) -> impl Iterator<Item = SignatureAlgorithm> {
        SignatureAlgorithm::ALL.into_iter().filter(move |algorithm| self.has(*algorithm))
    }

    /// Its digests, best first.
    pub fn digests(self) -> impl Iterator<Item = DigestAlgorithm> {
        DigestAlgorithm::ALL.into_iter().filter(move |digest| self.has_digest(*digest))
    }
}

impl SignatureAlgorithm {
    /// The algorithm of a word such as `rsa-sha384`, or of an identifier.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == word || algorithm.uri() == word)
    }

    /// The word for it: what stands behind the `#` of its identifier.
    pub fn word(self) -> &'static str {
        self.uri().split_once('#').map_or("", |(_, word)| word)
    }

    /// The words of all.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_goes_and_nothing_else() {
        for algorithm in SignatureAlgorithm::ALL {
            let left = AlgorithmSet::ALL.without(AlgorithmSet::from_word(algorithm.word()).unwrap());
            assert!(!left.has(algorithm) && left.has_digest(algorithm.digest()));
            assert_eq!(left.signatures().count(), 6);
            assert_eq!(SignatureAlgorithm::from_word(algorithm.uri()), Some(algorithm));
            let left = AlgorithmSet::ALL.without(AlgorithmSet::from_word(algorithm.digest().uri()).unwrap());
            assert!(left.signatures().all(|other| other.digest() != algorithm.digest()), "{left:?}");
            assert!(!left.has_digest(algorithm.digest()) && left.digests().count() == 3);
        }
        assert!(AlgorithmSet::words().all(|word| AlgorithmSet::from_word(word).is_some()));
        assert_eq!(AlgorithmSet::from_word("md5"), None);
    }

    #[test]
    fn sha_2_is_all_but_sha_1() {
        assert_eq!(AlgorithmSet::SHA2.signatures().next(), Some(SignatureAlgorithm::RsaSha256));
        assert_eq!(AlgorithmSet::SHA2.signatures().count(), 6);
        assert!(!AlgorithmSet::SHA2.has(SignatureAlgorithm::RsaSha1));
        assert!(!AlgorithmSet::SHA2.has_digest(DigestAlgorithm::Sha1));
        assert_eq!(AlgorithmSet::ALL.signatures().last(), Some(SignatureAlgorithm::RsaSha1));
    }
}
