//! Making keys with self-signed certificates, for SAML and for the server's own TLS.

use std::net::IpAddr;

use jiff::Timestamp;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use super::KeyError;
use crate::secret::Secret;

/// What key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with 2048 bits: every SP takes it.
    Rsa2048,
    /// EC on P-256: ten times as fast, but not every SP can verify it.
    EcP256,
}

/// A new pair, both in PEM.
#[derive(Debug)]
pub struct Generated {
    /// The private key (PKCS#8).
    pub private_key: Secret<String>,
    /// The certificate, signed by that key with SHA-256.
    pub certificate: String,
}

/// Makes a key to sign assertions with, and its certificate for `years` from `now`.
pub fn generate(kind: KeyKind, subject_cn: &str, years: u32, now: Timestamp) -> Result<Generated, KeyError> {
    let key = new_key(kind)?;
    let mut builder = new_certificate(&key, subject_cn, now, i64::from(years) * 1461 / 4)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
    finish(builder, &key)
}

/// Makes an RSA key that SPs encrypt to, and its certificate for `years` from `now`.
pub fn generate_decryption(subject_cn: &str, years: u32, now: Timestamp) -> Result<Generated, KeyError> {
    let key = new_key(KeyKind::Rsa2048)?;
    let mut builder = new_certificate(&key, subject_cn, now, i64::from(years) * 1461 / 4)?;
    builder.append_extension(KeyUsage::new().critical().key_encipherment().build()?)?;
    finish(builder, &key)
}

/// Makes a key and certificate for the server's own TLS, for two years and the names and addresses `hosts`.
pub fn generate_tls(hosts: &[&str], now: Timestamp) -> Result<Generated, KeyError> {
    let key = new_key(KeyKind::EcP256)?;
    let first = hosts.first().copied().unwrap_or("localhost");
    // Browsers refuse TLS certificates that run for more than 825 days.
    let mut builder = new_certificate(&key, first, now, 730)?;
    builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
    let mut names = SubjectAlternativeName::new();
    for host in hosts {
        match host.parse::<IpAddr>() {
            Ok(_) => names.ip(host),
            Err(_) => names.dns(host),
        };
    }
    let names = names.build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    finish(builder, &key)
}

fn new_key(kind: KeyKind) -> Result<PKey<Private>, ErrorStack> {
    match kind {
        KeyKind::Rsa2048 => PKey::from_rsa(Rsa::generate(2048)?),
        KeyKind::EcP256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            PKey::from_ec_key(EcKey::generate(&group)?)
        }
    }
}

fn new_certificate(
    key: &PKeyRef<Private>,
    subject_cn: &str,
    now: Timestamp,
    days: i64,
) -> Result<X509Builder, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    // X.520 allows 64 characters for a common name.
    let common_name: String = subject_cn.chars().take(64).collect();
    name.append_entry_by_nid(Nid::COMMONNAME, &common_name)?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(159, MsbOption::MAYBE_ZERO, false)?;
    let start = now.as_second();
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(Asn1Integer::from_bn(&serial)?.as_ref())?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_not_before(Asn1Time::from_unix(start)?.as_ref())?;
    builder.set_not_after(Asn1Time::from_unix(start.saturating_add(days * 86_400))?.as_ref())?;
    builder.set_pubkey(key)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    Ok(builder)
}

fn finish(mut builder: X509Builder, key: &PKeyRef<Private>) -> Result<Generated, KeyError> {
    builder.sign(key, MessageDigest::sha256())?;
    let text = |pem: Vec<u8>| String::from_utf8_lossy(&pem).into_owned();
    let private_key = key.private_key_to_pem_pkcs8().map(text)?;
    let certificate = builder.build().to_pem().map(text)?;
    Ok(Generated { private_key: Secret::new(private_key), certificate })
}
