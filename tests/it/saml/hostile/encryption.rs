//! What is encrypted to us by people who want to know something: every failure is the one error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::PKey;
use openssl::rsa::Padding;
use openssl::symm::{Cipher, encrypt_aead};
use sekisho::clock::SeededIds;
use sekisho::saml::encryption::{
    BlockCipher, DecryptionKeys, ENCRYPTED_ID, EncryptionKey, EncryptionMethod, NotDecrypted, name_id,
};
use sekisho::saml::error::MessageError;
use sekisho::saml::xml::{Limits, parse};

use crate::saml::keys::proof;
use crate::support::pki::Pair;

const NAME_ID: &str =
    "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">tanaka</saml:NameID>";
const MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";

/// An EncryptedID to one of our keys.
fn encrypted(plaintext: &str, block: BlockCipher, pair: &Pair) -> String {
    let method = EncryptionMethod { algorithm: block.uri().to_owned(), ..EncryptionMethod::default() };
    let der = pair.certificate.to_der().unwrap();
    let key = EncryptionKey::from_certificate_der(&der, &[method]).unwrap();
    String::from_utf8(key.element(&ENCRYPTED_ID, plaintext.as_bytes(), &SeededIds::new(9)).unwrap()).unwrap()
}

fn genuine() -> String {
    encrypted(NAME_ID, BlockCipher::Aes256Gcm, Pair::of_sp())
}

fn ours() -> DecryptionKeys {
    DecryptionKeys::new(vec![Pair::of_sp().key.clone()])
}

fn read(xml: &str) -> Result<String, MessageError> {
    let root = parse(xml.as_bytes(), &Limits::MESSAGE).unwrap_or_else(|error| panic!("{error}: {xml}"));
    name_id(&root, &proof(), &ours()).map(|name_id| name_id.value)
}

/// The CipherValues: that of the key, that of the content.
fn values(xml: &str) -> [String; 2] {
    let values = xml.split("<xenc:CipherValue>").skip(1);
    let values: Vec<_> = values.map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect();
    values.try_into().unwrap()
}

/// The same with one bit of a CipherValue changed.
fn flipped(xml: &str, which: usize, at: impl Fn(usize) -> usize) -> String {
    let value = &values(xml)[which];
    let mut octets = STANDARD.decode(value).unwrap();
    let at = at(octets.len());
    octets[at] ^= 1;
    xml.replace(value, &STANDARD.encode(octets))
}

/// The same with another CipherValue for key and content.
fn with(xml: &str, key: &[u8], content: &[u8]) -> String {
    let [old_key, old_content] = values(xml);
    xml.replace(&old_key, &STANDARD.encode(key)).replace(&old_content, &STANDARD.encode(content))
}

/// IV, ciphertext and tag under this content key.
fn sealed(content_key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let (mut tag, iv) = ([0; 16], [7; 12]);
    let encrypted =
        encrypt_aead(Cipher::aes_256_gcm(), content_key, Some(&iv), &[], plaintext, &mut tag).unwrap();
    [&iv, encrypted.as_slice(), &tag].concat()
}

/// A content key as RSA carries it with this padding.
fn carried(content_key: &[u8], padding: Padding) -> Vec<u8> {
    let public = Pair::of_sp().key.rsa().unwrap();
    let mut carried = vec![0; 256];
    public.public_encrypt(content_key, &mut carried, padding).unwrap();
    carried
}

#[test]
fn every_failure_to_decrypt_is_the_same_error() {
    assert_eq!(read(&genuine()).as_deref(), Ok("tanaka"));
    let content_key = [3; 32];
    let oaep = carried(&content_key, Padding::PKCS1_OAEP);
    let sound = with(&genuine(), &oaep, &sealed(&content_key, NAME_ID.as_bytes()));
    assert_eq!(read(&sound).as_deref(), Ok("tanaka"));
    let data = |xml: &str| {
        let from = xml.find("<xenc:EncryptedData").unwrap();
        xml[from..].replace("</saml:EncryptedID>", "")
    };
    let key = |xml: &str| {
        let from = xml.find("<xenc:EncryptedKey>").unwrap();
        xml[from..].split_inclusive("</xenc:EncryptedKey>").next().unwrap().to_owned()
    };
    let g = genuine();
    let gcm = BlockCipher::Aes256Gcm.uri();
    let short = carried(&[3; 16], Padding::PKCS1_OAEP);
    let table = [
        ("the ciphertext changed", flipped(&g, 1, |length| length / 2)),
        ("the vector changed", flipped(&g, 1, |_| 0)),
        ("the tag changed", flipped(&g, 1, |length| length - 1)),
        ("the key changed", flipped(&g, 0, |length| length / 2)),
        ("the content cut", with(&g, &oaep, &[0; 27])),
        ("no content", with(&g, &oaep, &[])),
        ("no base64", g.replace(&values(&g)[1], "%")),
        ("to another key", encrypted(NAME_ID, BlockCipher::Aes256Gcm, Pair::of_idp())),
        ("CBC", encrypted(NAME_ID, BlockCipher::Aes256Cbc, Pair::of_sp())),
        ("CBC named, GCM sent", g.replace(gcm, BlockCipher::Aes256Cbc.uri())),
        ("Triple DES", g.replace(gcm, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")),
        (
            "rsa-1_5",
            with(
                &g.replace(MGF1P, "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
                &carried(&content_key, Padding::PKCS1),
                &sealed(&content_key, NAME_ID.as_bytes()),
            ),
        ),
        (
            "rsa-1_5 under the name of OAEP",
            with(&g, &carried(&content_key, Padding::PKCS1), &sealed(&content_key, NAME_ID.as_bytes())),
        ),
        ("a key of another length", with(&g, &short, &sealed(&content_key, NAME_ID.as_bytes()))),
        ("another digest", g.replace("xmldsig#sha1", "xmldsig-more#md5")),
        (
            "OAEPparams",
            g.replacen("<ds:DigestMethod", "<xenc:OAEPparams>AA==</xenc:OAEPparams><ds:DigestMethod", 1),
        ),
        ("content and not an element", g.replace("xmlenc#Element", "xmlenc#Content")),
        ("no key", g.replace(&key(&g), "")),
        ("a key by reference", g.replace(&key(&g), "<ds:RetrievalMethod URI=\"#k\"/>")),
        ("five keys", g.replace(&key(&g), &key(&g).repeat(5))),
        ("two contents", g.replace(&data(&g), &data(&g).repeat(2))),
        ("none", g.replace(&data(&g), "")),
        (
            "content by reference",
            g.replace(
                &format!("<xenc:CipherValue>{}</xenc:CipherValue>", values(&g)[1]),
                "<xenc:CipherReference URI=\"http://127.0.0.1/\"/>",
            ),
        ),
        ("another element", g.replace("saml:EncryptedID", "saml:EncryptedAttribute")),
    ];
    for (what, xml) in table {
        assert!(what == "no key" || xml != g, "{what}: nothing was changed");
        assert_eq!(read(&xml), Err(NotDecrypted.into()), "{what}");
    }
    let root = parse(g.as_bytes(), &Limits::MESSAGE).unwrap();
    let nothing = name_id(&root, &proof(), &DecryptionKeys::default());
    assert_eq!(nothing, Err(MessageError::NoDecryptionKey));
    let stranger = DecryptionKeys::new(vec![PKey::clone(&Pair::of_idp().key)]);
    assert_eq!(name_id(&root, &proof(), &stranger), Err(NotDecrypted.into()), "with another key");
}

/// A carrier that cannot be unwrapped is followed by the same steps under a key that everybody can know: what opens
/// under that key is not taken, or its taking would tell that the carrier was bad.
#[test]
fn nothing_opens_under_the_key_that_stands_in() {
    for broken in [vec![0; 256], vec![1; 256], vec![0xff; 256], vec![5; 17]] {
        let xml = with(&genuine(), &broken, &sealed(&[0; 32], NAME_ID.as_bytes()));
        assert_eq!(read(&xml), Err(NotDecrypted.into()));
    }
}

#[test]
fn a_plaintext_that_is_no_name_id_is_the_same_error() {
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let xmlns = "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let table = [
        ("nothing", String::new()),
        ("text", "tanaka".to_owned()),
        ("an entity bomb", format!("{bomb}{}", NAME_ID.replace("tanaka", "&b;"))),
        ("an unknown entity", NAME_ID.replace("tanaka", "&b;")),
        ("two elements", NAME_ID.repeat(2)),
        ("another element", NAME_ID.replace("NameID", "Issuer")),
        ("another namespace", NAME_ID.replace("SAML:2.0", "SAML:1.0")),
        ("no namespace", "<saml:NameID>tanaka</saml:NameID>".to_owned()),
        ("an element inside", NAME_ID.replace("tanaka", "tanaka<a/>")),
        ("one inside another", format!("<saml:Subject {xmlns}>{NAME_ID}</saml:Subject>")),
        ("encrypted again", genuine()),
        ("too deep", format!("{}{}", "<a>".repeat(100), "</a>".repeat(100))),
        ("a processing instruction", format!("<?a?>{NAME_ID}")),
    ];
    for (what, plaintext) in table {
        let xml = encrypted(&plaintext, BlockCipher::Aes256Gcm, Pair::of_sp());
        assert_eq!(read(&xml), Err(NotDecrypted.into()), "{what}");
    }
}

/// What is too large for a message is refused before anything is decrypted.
#[test]
fn an_oversized_ciphertext_is_no_message() {
    let xml =
        encrypted(&NAME_ID.replace("tanaka", &"x".repeat(128 * 1024)), BlockCipher::Aes256Gcm, Pair::of_sp());
    let error = parse(xml.as_bytes(), &Limits::MESSAGE).unwrap_err();
    assert!(matches!(error.cause, sekisho::saml::xml::reader::Violation::TooLarge { .. }), "{error}");
}
