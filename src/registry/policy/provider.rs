//! A service provider without XML: the keys of its TOML.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use toml::de::DeValue;

use super::values::{Wrong, word, wrong};

/// What the TOML says in the place of metadata. `entity_id_aliases`, `audience`, `relay_state` and `enabled` are in the
/// [`super::Policy`], since they may stand beside an XML file too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TomlServiceProvider {
    /// `entity_id`
    pub entity_id: String,
    /// `acs`: the URLs of the AssertionConsumerServices (HTTP-POST); the first is the default.
    pub acs: Vec<String>,
    /// `slo`: the URLs of the SingleLogoutServices (HTTP-Redirect).
    pub slo: Vec<String>,
    /// `certificates`: whose keys may sign requests.
    pub certificates: Vec<CertificateSource>,
    /// `encryption_certificates`: whose keys assertions may be encrypted to; the first usable one is.
    pub encryption_certificates: Vec<CertificateSource>,
    /// `name`: for pages.
    pub name: Option<String>,
}

/// Where a certificate of the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    /// In the file itself, as PEM or base64: its DER.
    Der(Vec<u8>),
    /// In a PEM file (relative names start at the TOML's folder).
    File(PathBuf),
}

impl CertificateSource {
    /// The DER of every certificate of a PEM text.
    pub fn from_pem(text: &str) -> Option<Vec<Vec<u8>>> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let blocks = text.split(BEGIN).skip(1).map(|block| decoded(block.split_once(END)?.0));
        blocks.collect::<Option<Vec<_>>>().filter(|found| !found.is_empty())
    }
}

/// One entry of `certificates` or `encryption_certificates`: PEM, base64 of DER, or the name of a file.
pub(super) fn certificate(value: &DeValue<'_>, file: &Path) -> Result<CertificateSource, Wrong> {
    if let Some(pem) = value.as_str().filter(|text| text.contains("-----BEGIN")) {
        let mut found = CertificateSource::from_pem(pem).unwrap_or_default();
        let one = found.pop().filter(|_| found.is_empty());
        let bad = || {
            wrong("it is not one PEM certificate", "write one -----BEGIN CERTIFICATE----- block per entry")
        };
        return one.map(CertificateSource::Der).ok_or_else(bad);
    }
    // Base64 in a TOML string may run over lines.
    if let Some(der) = value.as_str().and_then(decoded) {
        return Ok(CertificateSource::Der(der));
    }
    let name = word(value)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    Ok(CertificateSource::File(folder.join(name)))
}

/// The octets of base64 with white space, if they begin as DER does (a SEQUENCE).
fn decoded(base64: &str) -> Option<Vec<u8>> {
    let packed: String = base64.split_whitespace().collect();
    STANDARD.decode(packed).ok().filter(|der| der.first() == Some(&0x30))
}
