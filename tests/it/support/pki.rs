//! Keys and certificates for the tests, made by openssl and not by the code under test.

use std::sync::OnceLock;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// A private key and its self-signed certificate.
#[derive(Debug, Clone)]
pub struct Pair {
    pub key: PKey<Private>,
    pub certificate: X509,
}

impl Pair {
    /// RSA with this many bits.
    pub fn rsa(bits: u32) -> Self {
        Self::of(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap(), "rsa")
    }

    /// An elliptic curve: `Nid::X9_62_PRIME256V1` or `Nid::SECP384R1`.
    pub fn ec(curve: Nid) -> Self {
        let group = EcGroup::from_curve_name(curve).unwrap();
        Self::of(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(), "ec")
    }

    /// One RSA-2048 pair for all service providers of this run: making one takes long.
    pub fn of_sp() -> &'static Self {
        static PAIR: OnceLock<Pair> = OnceLock::new();
        PAIR.get_or_init(|| Self::rsa(2048))
    }

    /// One RSA-2048 pair for all identity providers of this run.
    pub fn of_idp() -> &'static Self {
        static PAIR: OnceLock<Pair> = OnceLock::new();
        PAIR.get_or_init(|| Self::rsa(2048))
    }

    /// A certificate of ten years for `localhost` and 127.0.0.1, signed by its own key.
    pub fn of(key: PKey<Private>, name: &str) -> Self {
        let mut subject = X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial.rand(64, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();
        builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(&subject).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(3650).unwrap()).unwrap();
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        let names = SubjectAlternativeName::new()
            .dns("localhost")
            .ip("127.0.0.1")
            .build(&builder.x509v3_context(None, None))
            .unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { key, certificate: builder.build() }
    }

    /// The same key, with a certificate whose time was over long ago.
    pub fn expired(&self) -> Self {
        let name = self.certificate.subject_name();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(name).unwrap();
        builder.set_issuer_name(name).unwrap();
        builder.set_pubkey(&self.key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(86_400).unwrap()).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        Self { key: self.key.clone(), certificate: builder.build() }
    }

    pub fn key_pem(&self) -> String {
        String::from_utf8(self.key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    pub fn certificate_pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    /// The DER in base64 on one line, as ds:X509Certificate holds it.
    pub fn certificate_base64(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(self.certificate.to_der().unwrap())
    }
}
