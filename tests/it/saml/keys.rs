//! Keys made by openssl for the tests of this folder, as a [`Signer`] and as what a judge loads.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer as Signing;
use openssl::x509::{X509, X509NameBuilder};
use sekisho::saml::signature::{
    SignError, SignatureAlgorithm, SignatureValid, Signer, VerificationKey, verify,
};

/// A private key, its self-signed certificate, and the algorithm that it signs with.
#[derive(Debug, Clone)]
pub struct TestKey {
    key: PKey<Private>,
    certificate: X509,
    base64: String,
    algorithm: SignatureAlgorithm,
}

/// The key of the service provider in most tests.
pub fn sp() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::rsa(2048, SignatureAlgorithm::RsaSha256))
}

/// Proof that the service provider signed something.
pub fn proof() -> SignatureValid {
    let signature = sp().sign(b"message").unwrap();
    verify::detached(b"message", sp().algorithm, &signature, &sp().registered()).unwrap()
}

/// A key that no metadata registers.
pub fn attacker() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::rsa(2048, SignatureAlgorithm::RsaSha256))
}

/// An EC key on P-256.
pub fn p256() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::ec(Nid::X9_62_PRIME256V1, SignatureAlgorithm::EcdsaSha256))
}

/// An EC key on P-384.
pub fn p384() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::ec(Nid::SECP384R1, SignatureAlgorithm::EcdsaSha384))
}

impl TestKey {
    /// RSA with this many bits.
    pub fn rsa(bits: u32, algorithm: SignatureAlgorithm) -> Self {
        Self::of(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap(), algorithm)
    }

    /// An elliptic curve.
    pub fn ec(curve: Nid, algorithm: SignatureAlgorithm) -> Self {
        let group = EcGroup::from_curve_name(curve).unwrap();
        Self::of(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(), algorithm)
    }

    /// The same key with another algorithm.
    pub fn with(&self, algorithm: SignatureAlgorithm) -> Self {
        Self { algorithm, ..self.clone() }
    }

    fn of(key: PKey<Private>, algorithm: SignatureAlgorithm) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "test").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(3650).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        let base64 = STANDARD.encode(certificate.to_der().unwrap());
        Self { key, certificate, base64, algorithm }
    }

    pub fn der(&self) -> Vec<u8> {
        self.certificate.to_der().unwrap()
    }

    pub fn certificate_pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    pub fn public_key_pem(&self) -> Vec<u8> {
        self.key.public_key_to_pem().unwrap()
    }

    pub fn key_pem(&self) -> String {
        String::from_utf8(self.key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    /// What metadata with this certificate registers.
    pub fn registered(&self) -> Vec<VerificationKey> {
        vec![VerificationKey::from_certificate_der(&self.der()).unwrap()]
    }
}

impl Signer for TestKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn algorithms(&self) -> &[SignatureAlgorithm] {
        std::slice::from_ref(&self.algorithm)
    }

    fn sign_with(&self, algorithm: SignatureAlgorithm, data: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signing = Signing::new(algorithm.digest().message_digest(), &self.key).unwrap();
        let signature = signing.sign_oneshot_to_vec(data).unwrap();
        if !self.algorithm.is_ecdsa() {
            return Ok(signature);
        }
        let width = i32::try_from(self.key.bits().div_ceil(8)).unwrap();
        let parts = EcdsaSig::from_der(&signature).unwrap();
        let mut rs = parts.r().to_vec_padded(width).unwrap();
        rs.extend(parts.s().to_vec_padded(width).unwrap());
        Ok(rs)
    }

    fn certificate(&self) -> &str {
        &self.base64
    }
}
