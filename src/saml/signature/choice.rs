//! Which algorithm signs for a peer: [`Preference`] says what it takes, [`Chosen`] signs so.

use std::sync::Arc;

use super::{AlgorithmSet, SignError, SignatureAlgorithm, Signer};

/// What a peer takes, and what we may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preference {
    wanted: Vec<SignatureAlgorithm>,
    allowed: AlgorithmSet,
}

impl Preference {
    /// `wanted`: what the peer takes, best first; empty means anything. `allowed`: what may be used at all.
    pub fn new(wanted: Vec<SignatureAlgorithm>, allowed: AlgorithmSet) -> Self {
        Self { wanted, allowed }
    }

    /// The first that is wanted, allowed, and among what a key can do.
    pub fn fitting(&self, can: &[SignatureAlgorithm]) -> Option<SignatureAlgorithm> {
        self.wanted.iter().copied().find(|wanted| self.allowed.has(*wanted) && can.contains(wanted))
    }

    /// The same, else what the key does best and is allowed. SHA-1 is never the latter. A key of which nothing is allowed
    /// has been refused when it was loaded ([`AlgorithmSet::leaves`]).
    pub fn choose(&self, signer: &dyn Signer) -> SignatureAlgorithm {
        let can = signer.algorithms();
        let default = |able: &SignatureAlgorithm| self.allowed.and(AlgorithmSet::SHA2).has(*able);
        self.fitting(can).or_else(|| can.iter().copied().find(default)).unwrap_or_else(|| signer.algorithm())
    }
}

/// A key that signs with the algorithm chosen for a peer.
#[derive(Debug, Clone)]
pub struct Chosen {
    signer: Arc<dyn Signer>,
    algorithm: SignatureAlgorithm,
}

impl Chosen {
    /// `signer`, with what `preference` chooses of it.
    pub fn new(signer: Arc<dyn Signer>, preference: &Preference) -> Self {
        let algorithm = preference.choose(signer.as_ref());
        Self { signer, algorithm }
    }
}

impl Signer for Chosen {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn algorithms(&self) -> &[SignatureAlgorithm] {
        self.signer.algorithms()
    }

    fn sign_with(&self, algorithm: SignatureAlgorithm, data: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign_with(algorithm, data)
    }

    fn certificate(&self) -> &str {
        self.signer.certificate()
    }
}

#[cfg(test)]
mod tests {
    use super::SignatureAlgorithm::{EcdsaSha256, RsaSha1, RsaSha256, RsaSha384, RsaSha512};
    use super::*;

    #[derive(Debug)]
    struct Rsa;

    impl Signer for Rsa {
        fn algorithm(&self) -> SignatureAlgorithm {
            RsaSha256
        }
        fn algorithms(&self) -> &[SignatureAlgorithm] {
            &[RsaSha256, RsaSha384, RsaSha512, RsaSha1]
        }
        fn sign_with(&self, algorithm: SignatureAlgorithm, _: &[u8]) -> Result<Vec<u8>, SignError> {
            Ok(algorithm.word().into())
        }
        fn certificate(&self) -> &'static str {
            ""
        }
    }

    #[test]
    fn the_first_that_fits_signs() {
        let sha256 = AlgorithmSet::from_word("sha256").unwrap();
        let table: [(&[SignatureAlgorithm], AlgorithmSet, SignatureAlgorithm); 8] = [
            (&[], AlgorithmSet::SHA2, RsaSha256),
            (&[], AlgorithmSet::ALL, RsaSha256),
            (&[], AlgorithmSet::SHA2.without(sha256), RsaSha384),
            (&[EcdsaSha256, RsaSha512, RsaSha256], AlgorithmSet::SHA2, RsaSha512),
            (&[RsaSha256, RsaSha512], AlgorithmSet::SHA2.without(sha256), RsaSha512),
            (&[EcdsaSha256], AlgorithmSet::SHA2, RsaSha256),
            (&[RsaSha1], AlgorithmSet::SHA2, RsaSha256),
            (&[RsaSha1], AlgorithmSet::ALL, RsaSha1),
        ];
        for (wanted, allowed, expected) in table {
            let chosen = Chosen::new(Arc::new(Rsa), &Preference::new(wanted.to_vec(), allowed));
            assert_eq!(chosen.algorithm(), expected, "{wanted:?} {allowed:?}");
            assert_eq!(chosen.sign(b"").unwrap(), expected.word().as_bytes());
        }
    }
}
