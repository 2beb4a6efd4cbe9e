//! [`Certificate`]: an X.509 certificate as SPs are given it.

use jiff::{SignedDuration, Timestamp};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::x509::X509;

/// A certificate that was read once and is held in the forms in which it is asked for.
#[derive(Debug, Clone)]
pub struct Certificate {
    x509: X509,
    der: Vec<u8>,
    base64_der: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Certificate {
    /// Reads the first certificate of a PEM file, or a DER one.
    pub fn parse(bytes: &[u8]) -> Result<Self, ErrorStack> {
        let x509 = X509::from_pem(bytes).or_else(|error| X509::from_der(bytes).map_err(|_| error))?;
        let der = x509.to_der()?;
        Ok(Self {
            base64_der: data_encoding::BASE64.encode(&der),
            not_before: moment(x509.not_before())?,
            not_after: moment(x509.not_after())?,
            der,
            x509,
        })
    }

    /// The DER form.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The DER form in base64, for `ds:X509Certificate`.
    pub fn base64_der(&self) -> &str {
        &self.base64_der
    }

    /// The PEM form, alone, with lines of 64 characters.
    pub fn pem(&self) -> String {
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in self.base64_der.as_bytes().chunks(64) {
            pem.extend(line.iter().copied().map(char::from));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// From when it is valid.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The SHA-1 fingerprint as consoles show it, `AB:CD:..`.
    pub fn fingerprint_sha1(&self) -> String {
        self.fingerprint(MessageDigest::sha1())
    }

    /// The SHA-256 fingerprint as consoles show it, `AB:CD:..`.
    pub fn fingerprint_sha256(&self) -> String {
        self.fingerprint(MessageDigest::sha256())
    }

    /// The subject, `CN=idp.example.co.jp`, as a person reads it.
    pub fn subject(&self) -> String {
        let entry = |entry: &openssl::x509::X509NameEntryRef| {
            let name = entry.object().nid().short_name().unwrap_or("?");
            let value = entry.data().to_string().unwrap_or_default();
            format!("{name}={value}")
        };
        self.x509.subject_name().entries().map(entry).collect::<Vec<_>>().join(", ")
    }

    /// The kind of the public key, `RSA 2048` or `EC P-256`.
    pub fn key_kind(&self) -> String {
        let Ok(key) = self.public_key() else { return "unreadable".to_owned() };
        match (key.id(), key.ec_key().ok().and_then(|ec| ec.group().curve_name())) {
            (Id::RSA, _) => format!("RSA {}", key.bits()),
            (_, Some(Nid::X9_62_PRIME256V1)) => "EC P-256".to_owned(),
            (_, Some(Nid::SECP384R1)) => "EC P-384".to_owned(),
            (id, _) => format!("type {}", id.as_raw()),
        }
    }

    /// The public key.
    pub(super) fn public_key(&self) -> Result<PKey<Public>, ErrorStack> {
        self.x509.public_key()
    }

    fn fingerprint(&self, digest: MessageDigest) -> String {
        let Ok(bytes) = openssl::hash::hash(digest, &self.der) else { return String::new() };
        let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }
}

fn moment(time: &Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let from_epoch = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(from_epoch.days) * 86_400 + i64::from(from_epoch.secs);
    Ok(Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX))
}
