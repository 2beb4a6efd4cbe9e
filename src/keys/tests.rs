//! Loading good and bad pairs, and what a signature looks like.

use std::fs::Permissions;
use std::path::PathBuf;

use openssl::ec::EcGroup;
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use openssl::symm::Cipher;
use openssl::x509::{X509, X509NameBuilder};
use tempfile::TempDir;

use super::*;
use crate::saml::signature::DigestAlgorithm;

fn now() -> Timestamp {
    "2026-04-01T00:00:00Z".parse().unwrap()
}

/// A folder with `key.pem` (0600) and `cert.pem`.
struct Pair(TempDir);

impl Pair {
    fn of(key: &str, certificate: &str) -> Self {
        let pair = Self(TempDir::new().unwrap());
        std::fs::write(pair.key(), key).unwrap();
        std::fs::write(pair.certificate(), certificate).unwrap();
        pair.mode(0o600);
        pair
    }

    fn generated(kind: KeyKind) -> Self {
        let made = generate(kind, "idp.example.co.jp", 10, now()).unwrap();
        Self::of(made.private_key.expose(), &made.certificate)
    }

    fn certified(key: &PKey<Private>) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, "test").unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&name.build()).unwrap();
        builder.set_not_before(&openssl::asn1::Asn1Time::from_unix(now().as_second()).unwrap()).unwrap();
        let end = now().as_second() + 3600;
        builder.set_not_after(&openssl::asn1::Asn1Time::from_unix(end).unwrap()).unwrap();
        builder.set_pubkey(key).unwrap();
        let digest = if key.id() == Id::ED25519 { MessageDigest::null() } else { MessageDigest::sha256() };
        builder.sign(key, digest).unwrap();
        let certificate = String::from_utf8(builder.build().to_pem().unwrap()).unwrap();
        Self::of(&String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap(), &certificate)
    }

    fn mode(&self, mode: u32) {
        std::fs::set_permissions(self.key(), Permissions::from_mode(mode)).unwrap();
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    fn certificate(&self) -> PathBuf {
        self.0.path().join("cert.pem")
    }

    fn load(&self) -> Result<KeyPair, KeyError> {
        KeyPair::load(&self.key(), &self.certificate(), None, now())
    }
}

fn ec_key(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

#[test]
fn an_rsa_signature_verifies() {
    let pair = Pair::generated(KeyKind::Rsa2048).load().unwrap();
    assert_eq!(pair.algorithm(), SignatureAlgorithm::RsaSha256);
    assert_eq!(pair.certificate().key_kind(), "RSA 2048");
    assert_eq!(pair.certificate().subject(), "CN=idp.example.co.jp");
    assert!(pair.concerns().is_empty());
    let public = pair.certificate().public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &public).unwrap();
    let signature = pair.sign("関所".as_bytes()).unwrap();
    assert!(verifier.verify_oneshot(&signature, "関所".as_bytes()).unwrap());
}

#[test]
fn each_algorithm_of_a_key_makes_its_own_signature() {
    for pair in [
        Pair::generated(KeyKind::Rsa2048),
        Pair::generated(KeyKind::EcP256),
        Pair::certified(&ec_key(Nid::SECP384R1)),
    ] {
        let pair = pair.load().unwrap();
        let public = pair.certificate().public_key().unwrap();
        assert_eq!(pair.algorithms().first(), Some(&pair.algorithm()));
        // Twice, since what is kept of the first is used for the second.
        for algorithm in pair.algorithms().iter().chain(pair.algorithms()) {
            let mut signature = pair.sign_with(*algorithm, b"x").unwrap();
            if algorithm.is_ecdsa() {
                let (r, s) = signature.split_at(signature.len() / 2);
                let part = |bytes: &[u8]| openssl::bn::BigNum::from_slice(bytes).unwrap();
                signature = EcdsaSig::from_private_components(part(r), part(s)).unwrap().to_der().unwrap();
            }
            for digest in [
                DigestAlgorithm::Sha1,
                DigestAlgorithm::Sha256,
                DigestAlgorithm::Sha384,
                DigestAlgorithm::Sha512,
            ] {
                let mut verifier = Verifier::new(digest.message_digest(), &public).unwrap();
                let good = verifier.verify_oneshot(&signature, b"x").unwrap_or(false);
                assert_eq!(good, digest == algorithm.digest(), "{algorithm:?} {digest:?}");
            }
        }
        let other = if pair.algorithm().is_ecdsa() {
            SignatureAlgorithm::RsaSha256
        } else {
            SignatureAlgorithm::EcdsaSha256
        };
        assert!(pair.sign_with(other, b"x").is_err());
    }
}

#[test]
fn an_ecdsa_signature_is_r_and_s_side_by_side() {
    for (pair, digest, width) in [
        (Pair::generated(KeyKind::EcP256), MessageDigest::sha256(), 32),
        (Pair::certified(&ec_key(Nid::SECP384R1)), MessageDigest::sha384(), 48),
    ] {
        let pair = pair.load().unwrap();
        let public = pair.certificate().public_key().unwrap().ec_key().unwrap();
        // Often enough that an r or s with a leading zero octet comes by.
        for round in 0..300_u32 {
            let data = round.to_be_bytes();
            let signature = pair.sign(&data).unwrap();
            assert_eq!(signature.len(), 2 * width);
            let part = |bytes: &[u8]| openssl::bn::BigNum::from_slice(bytes).unwrap();
            let sig = EcdsaSig::from_private_components(part(&signature[..width]), part(&signature[width..]))
                .unwrap();
            let hash = openssl::hash::hash(digest, &data).unwrap();
            assert!(sig.verify(&hash, &public).unwrap());
        }
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let pair = Pair::generated(KeyKind::EcP256);
    pair.mode(0o644);
    let error = pair.load().unwrap_err();
    let key = pair.key();
    let key = key.display();
    assert_eq!(
        error.told(),
        format!(
            "Unable to load private key {key}: it is open to other users of this machine (mode 0644); chmod 600 {key}"
        )
    );
    pair.mode(0o640);
    assert!(pair.load().is_ok());
}

#[test]
fn an_encrypted_key_wants_its_passphrase() {
    let plain = Pair::generated(KeyKind::EcP256);
    let key = PKey::private_key_from_pem(&std::fs::read(plain.key()).unwrap()).unwrap();
    let pkcs8 = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"sesame").unwrap();
    let legacy =
        key.ec_key().unwrap().private_key_to_pem_passphrase(Cipher::aes_128_cbc(), b"sesame").unwrap();
    for pem in [pkcs8, legacy] {
        std::fs::write(plain.key(), pem).unwrap();
        assert!(matches!(plain.load(), Err(KeyError::KeyEncrypted { .. })));
        let with = |word: &str| {
            KeyPair::load(&plain.key(), &plain.certificate(), Some(&Secret::new(word.to_owned())), now())
        };
        assert!(matches!(with("sesam"), Err(KeyError::WrongPassphrase { .. })));
        assert!(with("sesame").is_ok());
    }
}

#[test]
fn a_pair_of_two_pairs_is_refused() {
    let (one, other) = (Pair::generated(KeyKind::EcP256), Pair::generated(KeyKind::EcP256));
    let error = KeyPair::load(&one.key(), &other.certificate(), None, now()).unwrap_err();
    assert!(matches!(error, KeyError::Mismatch { .. }), "{error}");
    assert!(error.to_string().contains("Unable to load private key"));
}

#[test]
fn weak_and_foreign_keys_are_refused() {
    let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    assert!(matches!(Pair::certified(&weak).load(), Err(KeyError::WeakRsa { bits: 1024, .. })));
    let curve = Pair::certified(&ec_key(Nid::SECP256K1)).load().unwrap_err();
    assert!(curve.to_string().contains("EC secp256k1 keys cannot sign SAML"), "{curve}");
    let edwards = Pair::certified(&PKey::generate_ed25519().unwrap()).load().unwrap_err();
    assert!(matches!(edwards, KeyError::KeyKind { kind, .. } if kind == "Ed25519"));
}

#[test]
fn files_that_hold_something_else_are_named() {
    let pair = Pair::generated(KeyKind::EcP256);
    let certificate = std::fs::read_to_string(pair.certificate()).unwrap();
    let swapped = Pair::of(&certificate, &certificate);
    assert!(matches!(swapped.load(), Err(KeyError::KeyMalformed { .. })));
    std::fs::write(pair.certificate(), "no certificate").unwrap();
    assert!(matches!(pair.load(), Err(KeyError::CertificateMalformed { .. })));
    std::fs::remove_file(pair.certificate()).unwrap();
    assert!(matches!(pair.load(), Err(KeyError::CertificateUnreadable { .. })));
    std::fs::remove_file(pair.key()).unwrap();
    let gone = pair.load().unwrap_err();
    assert!(gone.to_string().starts_with("Unable to load private key"), "{gone}");
}

#[test]
fn an_expired_certificate_is_a_concern_and_no_error() {
    let pair = Pair::generated(KeyKind::EcP256);
    let end: Timestamp = "2036-03-31T00:00:00Z".parse().unwrap();
    let at = |days: i64| {
        let now = end + SignedDuration::from_hours(24 * days);
        KeyPair::load(&pair.key(), &pair.certificate(), None, now).unwrap().concerns().to_vec()
    };
    assert_eq!(at(-100), []);
    assert_eq!(at(-30), [Concern::ExpiresSoon(end)]);
    assert_eq!(at(1), [Concern::Expired(end)]);
    let early = at(-4000);
    assert!(matches!(early[..], [Concern::NotYetValid(_)]));
    for purpose in [Purpose::Signing, Purpose::SigningForOne, Purpose::Decryption] {
        assert!(early[0].remedy(purpose).contains("clock"));
        let remedy = Concern::Expired(end).remedy(purpose);
        assert_eq!(remedy.contains("saml.next_certificate"), purpose == Purpose::Signing, "{remedy}");
    }
}

#[test]
fn fingerprints_and_pem_are_openssls() {
    let pair = Pair::generated(KeyKind::EcP256);
    let pem = std::fs::read_to_string(pair.certificate()).unwrap();
    let certificate = load_certificate(&pair.certificate()).unwrap();
    assert_eq!(certificate.pem(), pem);
    let x509 = X509::from_pem(pem.as_bytes()).unwrap();
    let sha256 = data_encoding::HEXUPPER.encode(&x509.digest(MessageDigest::sha256()).unwrap());
    assert_eq!(certificate.fingerprint_sha256().replace(':', ""), sha256);
    assert_eq!(certificate.fingerprint_sha1().len(), 59);
}

#[test]
fn a_tls_certificate_names_its_hosts() {
    let made = generate_tls(&["localhost", "127.0.0.1"], now()).unwrap();
    let x509 = X509::from_pem(made.certificate.as_bytes()).unwrap();
    let names = x509.subject_alt_names().unwrap();
    assert_eq!(names[0].dnsname(), Some("localhost"));
    assert_eq!(names[1].ipaddress(), Some(&[127, 0, 0, 1][..]));
}

/// A file that holds both, readable by its owner.
fn decryption_file(key: &str, certificate: &str) -> Pair {
    Pair::of(&format!("{key}{certificate}"), "")
}

#[test]
fn a_decryption_key_stands_with_its_certificate_in_one_file() {
    let made: Vec<_> = (0..2).map(|_| generate_decryption("idp.example.co.jp", 10, now()).unwrap()).collect();
    let files: Vec<_> =
        made.iter().map(|pair| decryption_file(pair.private_key.expose(), &pair.certificate)).collect();
    let paths: Vec<PathBuf> = files.iter().map(Pair::key).collect();
    let loaded = DecryptionPairs::load(&paths, now()).unwrap();
    assert!(!loaded.keys().is_empty() && loaded.concerns().is_empty());
    let published: Vec<_> = loaded.certificates().iter().map(Certificate::pem).collect();
    assert_eq!(published, [made[0].certificate.clone(), made[1].certificate.clone()]);
    assert_eq!(loaded.certificates()[0].key_kind(), "RSA 2048");
    assert!(DecryptionPairs::load(&[], now()).unwrap().keys().is_empty());
    files[1].mode(0o644);
    assert!(matches!(DecryptionPairs::load(&paths, now()), Err(KeyError::KeyExposed { .. })));
}

#[test]
fn decryption_keys_that_cannot_be_used_are_refused() {
    let rsa = generate_decryption("idp", 10, now()).unwrap();
    let other = generate_decryption("idp", 10, now()).unwrap();
    let curve = generate(KeyKind::EcP256, "idp", 10, now()).unwrap();
    let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let weak = String::from_utf8(weak.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let locked = PKey::private_key_from_pem(rsa.private_key.expose().as_bytes()).unwrap();
    let locked = locked.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"sesame").unwrap();
    let locked = String::from_utf8(locked).unwrap();
    for (key, certificate, said) in [
        (rsa.private_key.expose(), "", "append it, in PEM form"),
        (rsa.private_key.expose(), &*other.certificate, "it is not the key of certificate"),
        (curve.private_key.expose(), &*curve.certificate, "only RSA keys decrypt"),
        (&weak, &*rsa.certificate, "RSA with 1024 bits is too weak"),
        (&locked, &*rsa.certificate, "put its certificate behind it"),
        (&rsa.certificate, "", "holds no private key in PEM form"),
    ] {
        let file = decryption_file(key, certificate);
        let error = DecryptionPairs::load(&[file.key()], now()).unwrap_err().told();
        assert!(error.starts_with("Unable to load private key ") && error.contains(said), "{said}: {error}");
    }
}
