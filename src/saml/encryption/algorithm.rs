//! Algorithms of XML Encryption 1.1: which exist here, and which one an SP is served with.
//!
//! rsa-1_5 and Triple DES do not exist: the one gives its plaintext away to whoever may ask often enough, the other has
//! blocks too short.

use openssl::symm::Cipher;

use crate::saml::signature::DigestAlgorithm;
use crate::saml::uris::{DS, XENC11};
use crate::saml::xml::Element;

/// How the content is encrypted (xmlenc-core1 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockCipher {
    /// AES-128 in Galois/counter mode.
    Aes128Gcm,
    /// AES-192 in Galois/counter mode.
    Aes192Gcm,
    /// AES-256 in Galois/counter mode.
    Aes256Gcm,
    /// AES-128 in cipher-block chaining: written for an SP that asks for it, never read.
    Aes128Cbc,
    /// AES-192 in cipher-block chaining: likewise.
    Aes192Cbc,
    /// AES-256 in cipher-block chaining: likewise.
    Aes256Cbc,
}

/// How the content's key is encrypted: RSA with OAEP (xmlenc-core1 5.5.2), never with OAEPparams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyTransport {
    /// `rsa-oaep-mgf1p`: MGF1 with SHA-1; without a DigestMethod the digest is SHA-1.
    Mgf1p(Option<DigestAlgorithm>),
    /// `rsa-oaep` of 1.1, which names its mask generation function too.
    Oaep {
        /// DigestMethod.
        digest: DigestAlgorithm,
        /// The digest inside MGF1.
        mgf: DigestAlgorithm,
    },
}

/// md:EncryptionMethod (saml-metadata 2.4.1.1) and xenc:EncryptionMethod, which are of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionMethod {
    /// URI of the algorithm.
    pub algorithm: String,
    /// URI of the ds:DigestMethod inside.
    pub digest: Option<String>,
    /// URI of the xenc11:MGF inside.
    pub mgf: Option<String>,
    /// Whether OAEPparams stand inside.
    pub oaep_params: bool,
}

/// Why an SP that names algorithms cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAlgorithm {
    /// No AES-GCM or AES-CBC among them.
    #[error("of the block ciphers that its EncryptionMethods name none is AES-GCM or AES-CBC")]
    Block,
    /// No OAEP among them.
    #[error("of the key transports that its EncryptionMethods name none is RSA-OAEP as sekisho writes it")]
    Transport,
}

const MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
/// What is known of block ciphers and of ways to get at their keys, and not written here.
const OTHER_BLOCKS: [&str; 1] = ["http://www.w3.org/2001/04/xmlenc#tripledes-cbc"];
const OTHER_TRANSPORTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    "http://www.w3.org/2001/04/xmlenc#dh",
    "http://www.w3.org/2009/xmlenc11#ECDH-ES",
];

impl BlockCipher {
    /// All of them, best first.
    pub const ALL: [Self; 6] = [
        Self::Aes256Gcm,
        Self::Aes192Gcm,
        Self::Aes128Gcm,
        Self::Aes256Cbc,
        Self::Aes192Cbc,
        Self::Aes128Cbc,
    ];

    /// Its identifier.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Self::Aes192Gcm => "http://www.w3.org/2009/xmlenc11#aes192-gcm",
            Self::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            Self::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            Self::Aes192Cbc => "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
            Self::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        }
    }

    /// The cipher of an identifier.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.uri() == uri)
    }

    /// Whether a change of the ciphertext is noticed.
    pub fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }

    /// The same cipher as openssl calls it.
    pub(super) fn cipher(self) -> Cipher {
        match self {
            Self::Aes128Gcm => Cipher::aes_128_gcm(),
            Self::Aes192Gcm => Cipher::aes_192_gcm(),
            Self::Aes256Gcm => Cipher::aes_256_gcm(),
            Self::Aes128Cbc => Cipher::aes_128_cbc(),
            Self::Aes192Cbc => Cipher::aes_192_cbc(),
            Self::Aes256Cbc => Cipher::aes_256_cbc(),
        }
    }
}

impl KeyTransport {
    /// The identifiers of all of them.
    pub const URIS: [&str; 2] = [MGF1P, OAEP];

    /// Its identifier.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Mgf1p(_) => MGF1P,
            Self::Oaep { .. } => OAEP,
        }
    }

    /// The transport that `method` describes to the last child; `None` for any other.
    pub fn from_method(method: &EncryptionMethod) -> Option<Self> {
        if method.oaep_params {
            return None;
        }
        let digest = match &method.digest {
            Some(uri) => Some(DigestAlgorithm::from_uri(uri)?),
            None => None,
        };
        let mgf = match &method.mgf {
            Some(uri) => mgf1(uri)?,
            None => DigestAlgorithm::Sha1,
        };
        match method.algorithm.as_str() {
            MGF1P if mgf == DigestAlgorithm::Sha1 => Some(Self::Mgf1p(digest)),
            OAEP => Some(Self::Oaep { digest: digest.unwrap_or(DigestAlgorithm::Sha1), mgf }),
            _ => None,
        }
    }

    /// The digests of OAEP and of MGF1 inside it (RFC 8017, 7.1).
    pub(super) fn digests(self) -> (DigestAlgorithm, DigestAlgorithm) {
        match self {
            Self::Mgf1p(digest) => (digest.unwrap_or(DigestAlgorithm::Sha1), DigestAlgorithm::Sha1),
            Self::Oaep { digest, mgf } => (digest, mgf),
        }
    }
}

impl EncryptionMethod {
    /// Reads the element, of metadata or of a message.
    pub fn read(element: &Element<'_>) -> Option<Self> {
        let algorithm = |of: &Element<'_>| of.attribute("Algorithm").map(|uri| uri.trim().to_owned());
        Some(Self {
            algorithm: algorithm(element)?,
            digest: element.first(DS.uri, "DigestMethod").and_then(algorithm),
            mgf: element.first(XENC11.uri, "MGF").and_then(algorithm),
            oaep_params: element.elements().any(|child| child.local == "OAEPparams"),
        })
    }
}

/// Block cipher and key transport for an SP: of each kind the first of `methods` that exists here, and the default where
/// it names none of that kind. The default, AES-256-GCM and rsa-oaep-mgf1p with SHA-1, is what SPs can read that say
/// nothing: toolkits of before 2020 know no other digest.
pub(super) fn choose(methods: &[EncryptionMethod]) -> Result<(BlockCipher, KeyTransport), NoAlgorithm> {
    let default_transport = KeyTransport::Mgf1p(Some(DigestAlgorithm::Sha1));
    let named = |known: &dyn Fn(&str) -> bool| methods.iter().any(|method| known(&method.algorithm));
    let block = methods.iter().find_map(|method| BlockCipher::from_uri(&method.algorithm));
    let block = match block {
        None if named(&|uri| OTHER_BLOCKS.contains(&uri)) => return Err(NoAlgorithm::Block),
        found => found.unwrap_or(BlockCipher::Aes256Gcm),
    };
    let transport = match methods.iter().find_map(KeyTransport::from_method) {
        None if named(&|uri| KeyTransport::URIS.contains(&uri) || OTHER_TRANSPORTS.contains(&uri)) => {
            return Err(NoAlgorithm::Transport);
        }
        found => found.unwrap_or(default_transport),
    };
    Ok((block, transport))
}

/// What we can read ourselves, best first: it goes into our metadata.
pub fn readable() -> Vec<&'static str> {
    let blocks = BlockCipher::ALL.into_iter().filter(|block| block.is_authenticated()).map(BlockCipher::uri);
    blocks.chain([OAEP, MGF1P]).collect()
}

/// `xmlenc11#mgf1sha256` and its like (xmlenc-core1 5.5.2).
pub(super) fn mgf1_uri(digest: DigestAlgorithm) -> &'static str {
    match digest {
        DigestAlgorithm::Sha1 => "http://www.w3.org/2009/xmlenc11#mgf1sha1",
        DigestAlgorithm::Sha256 => "http://www.w3.org/2009/xmlenc11#mgf1sha256",
        DigestAlgorithm::Sha384 => "http://www.w3.org/2009/xmlenc11#mgf1sha384",
        DigestAlgorithm::Sha512 => "http://www.w3.org/2009/xmlenc11#mgf1sha512",
    }
}

fn mgf1(uri: &str) -> Option<DigestAlgorithm> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    [Sha1, Sha256, Sha384, Sha512].into_iter().find(|digest| mgf1_uri(*digest) == uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

    fn named(uris: &[&str]) -> Vec<EncryptionMethod> {
        uris.iter()
            .map(|uri| EncryptionMethod { algorithm: (*uri).to_owned(), ..Default::default() })
            .collect()
    }

    #[test]
    fn an_sp_that_says_nothing_gets_what_all_can_read() {
        let default = (BlockCipher::Aes256Gcm, KeyTransport::Mgf1p(Some(DigestAlgorithm::Sha1)));
        assert_eq!(choose(&[]), Ok(default));
        // Key wrapping and what nobody knows is neither of the two kinds.
        assert_eq!(choose(&named(&["http://www.w3.org/2001/04/xmlenc#kw-aes256", "urn:x"])), Ok(default));
    }

    #[test]
    fn each_kind_is_chosen_by_itself_and_the_first_counts() {
        let mut methods = named(&[
            OTHER_BLOCKS[0],
            BlockCipher::Aes128Cbc.uri(),
            OTHER_TRANSPORTS[0],
            BlockCipher::Aes256Gcm.uri(),
            OAEP,
            MGF1P,
        ]);
        let plain = KeyTransport::Oaep { digest: DigestAlgorithm::Sha1, mgf: DigestAlgorithm::Sha1 };
        assert_eq!(choose(&methods), Ok((BlockCipher::Aes128Cbc, plain)));
        methods[4].digest = Some(SHA256.to_owned());
        methods[4].mgf = Some(mgf1_uri(DigestAlgorithm::Sha256).to_owned());
        let strong = KeyTransport::Oaep { digest: DigestAlgorithm::Sha256, mgf: DigestAlgorithm::Sha256 };
        assert_eq!(choose(&methods).unwrap().1, strong);
        methods[4].oaep_params = true;
        assert_eq!(choose(&methods).unwrap().1, KeyTransport::Mgf1p(None), "OAEPparams are never written");
        methods[5].digest = Some("urn:x:md5".to_owned());
        assert_eq!(choose(&methods), Err(NoAlgorithm::Transport));
    }

    #[test]
    fn only_weak_algorithms_are_no_reason_to_take_others() {
        assert_eq!(choose(&named(&[OTHER_BLOCKS[0]])), Err(NoAlgorithm::Block));
        for uri in OTHER_TRANSPORTS {
            assert_eq!(choose(&named(&[uri])), Err(NoAlgorithm::Transport), "{uri}");
        }
    }

    #[test]
    fn mgf1p_has_no_other_mask_than_its_own() {
        let mut method = named(&[MGF1P]).remove(0);
        method.mgf = Some(mgf1_uri(DigestAlgorithm::Sha1).to_owned());
        assert_eq!(KeyTransport::from_method(&method), Some(KeyTransport::Mgf1p(None)));
        method.mgf = Some(mgf1_uri(DigestAlgorithm::Sha256).to_owned());
        assert_eq!(KeyTransport::from_method(&method), None);
    }
}
