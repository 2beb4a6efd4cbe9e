//! Name identifiers (saml-core 2.2.3, 8.3): reading one, the policy of a request, and computed persistent ids.

use serde::{Deserialize, Serialize};

use super::uris::name_id::{EMAIL, UNSPECIFIED, WORDS};
use super::xml::Element;
use crate::identity::{NameId, SubjectId};
use crate::secret::{MacError, Secret};

/// NameIDPolicy (saml-core 3.4.1.1). Without one, everything is at its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameIdPolicy {
    /// The format that is asked for, by its canonical spelling.
    pub format: Option<String>,
    /// Whose name space a pairwise identifier should be of.
    pub sp_name_qualifier: Option<String>,
    /// Whether a new identifier may be made.
    pub allow_create: bool,
}

/// The one spelling of a format: SPs write emailAddress and unspecified with 2.0 although they are of 1.1.
pub fn canonical_format(format: &str) -> &str {
    match format {
        "urn:oasis:names:tc:SAML:2.0:nameid-format:emailAddress" => EMAIL,
        "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified" => UNSPECIFIED,
        other => other,
    }
}

/// The format that a configuration means: by its word, such as `persistent`, or by its identifier.
pub fn format_of(written: &str) -> Option<&'static str> {
    let format = canonical_format(written);
    WORDS.iter().find(|(word, uri)| *word == format || *uri == format).map(|(_, uri)| *uri)
}

/// Reads a NameID element; the value is its whole text.
pub fn read(element: &Element<'_>) -> NameId {
    NameId {
        value: element.text().trim().to_owned(),
        format: canonical_format(element.attribute("Format").unwrap_or(UNSPECIFIED)).to_owned(),
        name_qualifier: element.attribute("NameQualifier").map(str::to_owned),
        sp_name_qualifier: element.attribute("SPNameQualifier").map(str::to_owned),
    }
}

/// The persistent identifier of a person at an SP (saml-core 8.3.7): 256 bits in lower-case base32, of one letter case
/// so that no two differ only by it (saml2int). The parts go in with their lengths, so that no two lists are alike.
pub fn persistent(
    secret: &Secret<Vec<u8>>,
    idp: &str,
    qualifier: &str,
    subject: &SubjectId,
) -> Result<String, MacError> {
    let mut message = b"sekisho persistent name id".to_vec();
    for part in [idp, qualifier, &subject.directory, &subject.key] {
        message.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        message.extend_from_slice(part.as_bytes());
    }
    let mac = secret.hmac_sha256(&[&message])?;
    Ok(data_encoding::BASE32_NOPAD.encode(mac.expose()).to_ascii_lowercase())
}

/// The persistent identifier that SimpleSAMLphp 1.x computed of the same salt, entityIDs and attribute value: SHA-1 in
/// hexadecimal. To be used for accounts that SPs know by it, not for new ones.
pub fn legacy_persistent(salt: &Secret<String>, idp: &str, qualifier: &str, person: &[u8]) -> String {
    let salt = salt.expose().as_bytes();
    let mut data = [b"uidhashbase", salt].concat();
    for part in [idp.as_bytes(), qualifier.as_bytes(), person] {
        data.extend_from_slice(part.len().to_string().as_bytes());
        data.push(b':');
        data.extend_from_slice(part);
    }
    data.extend_from_slice(salt);
    data_encoding::HEXLOWER.encode(&openssl::sha::sha1(&data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persistent_ids_are_pairwise_and_stable() {
        let secret = Secret::new(vec![7; 32]);
        let tanaka = SubjectId { directory: "corp".into(), key: "00ff".into() };
        let id = persistent(&secret, "idp", "sp", &tanaka).unwrap();
        assert_eq!(id, persistent(&secret, "idp", "sp", &tanaka).unwrap());
        assert_eq!(id.len(), 52);
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert_ne!(id, persistent(&secret, "idp", "sp2", &tanaka).unwrap());
        assert_ne!(id, persistent(&secret, "idps", "p", &tanaka).unwrap());
        let moved = SubjectId { directory: "other".into(), key: "00ff".into() };
        assert_ne!(id, persistent(&secret, "idp", "sp", &moved).unwrap());
    }
}
