//! `[saml]`: the identity provider itself, its keys, its metadata and those of its SPs.

use std::path::PathBuf;

use jiff::SignedDuration;
use toml::de::DeValue;

use super::authproc;
use super::base_url::BaseUrl;
use super::fault::Complaint;
use super::published::Published;
use super::reader::Section;
use super::secrets::secret_keys;
use super::subject::Subject;
use super::values::{choice, duration, flag, maybe_web_url, text};
use crate::authproc::{FilterConfig, hint};
use crate::registry::Profile;
use crate::saml::signature::{AlgorithmSet, DigestAlgorithm};
use crate::secret::Secret;

/// The identity provider.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the file, independent of the others"
)]
#[derive(Debug, Clone)]
pub struct Saml {
    /// `entity_id`. Default: `base_url` + `/saml/metadata`.
    pub entity_id: String,
    /// `private_key`: PEM, readable by its owner only. Default `certs/PrivateKey.pem`.
    pub private_key: PathBuf,
    /// `private_key_passphrase`, also as `_file` or `_env`: for an encrypted key.
    pub private_key_passphrase: Option<Secret<String>>,
    /// `certificate`: PEM, of that key. Default `certs/PublicKey.pem`.
    pub certificate: PathBuf,
    /// `next_certificate`: published beside the first, not used yet.
    pub next_certificate: Option<PathBuf>,
    /// `decryption_keys`: PEM files, each with an RSA key and its certificate, readable by their owner only; published
    /// for SPs to encrypt to. Default: none.
    pub decryption_keys: Vec<PathBuf>,
    /// `metadata`: the folder of the SPs' files. Default `metadata`.
    pub metadata: PathBuf,
    /// `want_authn_requests_signed`: refuse every unsigned AuthnRequest. Default false.
    pub want_authn_requests_signed: bool,
    /// `name_id_secret`, also as `_file` or `_env`: what persistent ids are computed with. Default: the file
    /// `certs/name-id-secret`.
    pub name_id_secret: Secret<Vec<u8>>,
    /// Where that secret came from, if from a file.
    pub name_id_secret_file: Option<PathBuf>,
    /// `aliases`: old paths and the endpoint that answers there.
    pub aliases: Vec<(String, Endpoint)>,
    /// `request_max_age`: how old an AuthnRequest may be. Default 1 h.
    pub request_max_age: SignedDuration,
    /// What SPs are told about persons.
    pub subject: Subject,
    /// `enforce_valid_until`: refuse metadata files whose validUntil has passed. Default false.
    pub enforce_valid_until: bool,
    /// `error_url`, `organization`, `contacts`, `ui_info`, `scope`, `name_id_formats`, `metadata_cache_duration`,
    /// `metadata_valid_for`: what the published metadata says besides.
    pub published: Published,
    /// `logout_without_question`: a link to `/logout` signs out at once. Default false.
    pub logout_without_question: bool,
    /// `after_logout_url`: where people go after a logout that began here. Default: our own page.
    pub after_logout_url: Option<String>,
    /// `profile`: the deployment profile of every SP that names none. Default: none.
    pub profile: Option<Profile>,
    /// `denied_algorithms`: the signature algorithms and digests that are left once those are taken out that this key
    /// names, for what comes in and what goes out. SHA-1 is in it, but used only where an SP's policy says so.
    pub algorithms: AlgorithmSet,
    /// `test_sp`: the built-in service provider. Default false.
    pub test_sp: bool,
    /// `allow_http_endpoints`: take `http://` endpoints in metadata. Default false.
    pub allow_http_endpoints: bool,
    /// `attributes`: the identity provider's own release list. Default: none.
    pub attributes: Option<Vec<String>>,
    /// `[[saml.authproc]]`: the identity provider's level of the pipeline.
    pub authproc: Vec<FilterConfig>,
}

/// What an alias leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/saml/metadata`
    Metadata,
    /// `/saml/sso`
    Sso,
    /// `/saml/sso/init`
    SsoInit,
    /// `/saml/slo`
    Slo,
    /// `/logout`
    Logout,
    /// `/saml/certificate.pem`
    Certificate,
}

const ENDPOINTS: &[(&str, Endpoint)] = &[
    ("sso", Endpoint::Sso),
    ("slo", Endpoint::Slo),
    ("metadata", Endpoint::Metadata),
    ("sso-init", Endpoint::SsoInit),
    ("logout", Endpoint::Logout),
    ("certificate", Endpoint::Certificate),
];

impl Saml {
    pub(super) fn read(section: &Section<'_>, base_url: &BaseUrl) -> Self {
        let (secret, name_id_secret_file) =
            section.secret_or_file(secret_keys!("name_id_secret"), "certs/name-id-secret");
        let entity_id =
            section.optional("entity_id", entity_id).unwrap_or_else(|| base_url.join("/saml/metadata"));
        let published = Published::read(section);
        let subject = Subject::read(section, base_url, &entity_id, published.scope.as_deref());
        let allow_http_endpoints = section.or("allow_http_endpoints", false, flag);
        if allow_http_endpoints {
            let message = "assertions may be sent to SPs without TLS";
            section.warn("allow_http_endpoints", message, "use it for tests and closed networks only");
        }
        Self {
            entity_id,
            private_key: section.private("private_key", Some("certs/PrivateKey.pem")).unwrap_or_default(),
            private_key_passphrase: section.secret(secret_keys!("private_key_passphrase")),
            certificate: section.existing("certificate", Some("certs/PublicKey.pem")).unwrap_or_default(),
            next_certificate: section.existing("next_certificate", None),
            decryption_keys: section.private_list("decryption_keys"),
            metadata: section.existing("metadata", Some("metadata")).unwrap_or_default(),
            want_authn_requests_signed: section.or("want_authn_requests_signed", false, flag),
            name_id_secret: Secret::new(secret.expose().clone().into_bytes()),
            name_id_secret_file,
            aliases: section.map("aliases", alias),
            request_max_age: section.or("request_max_age", SignedDuration::from_hours(1), duration),
            subject,
            enforce_valid_until: section.or("enforce_valid_until", false, flag),
            published,
            logout_without_question: section.or("logout_without_question", false, flag),
            after_logout_url: section.optional("after_logout_url", maybe_web_url).flatten(),
            profile: section.optional("profile", choice(&Profile::WORDS)),
            algorithms: algorithms(section),
            test_sp: section.or("test_sp", false, flag),
            allow_http_endpoints,
            attributes: section.list("attributes", text),
            authproc: authproc::read(section),
        }
    }
}

/// saml-core 8.3.6: an entityID is a URI of at most 1024 characters.
fn entity_id(value: &DeValue<'_>) -> Result<String, Complaint> {
    let written = text(value)?;
    if written.chars().count() > 1024 || written.contains(char::is_whitespace) {
        let message = format!("\"{written}\" is no entityID");
        return Err(Complaint::wrong(message, "write a URI of at most 1024 characters without blanks"));
    }
    Ok(written)
}

fn alias(path: &str, value: &DeValue<'_>) -> Result<(String, Endpoint), Complaint> {
    let endpoint = choice(ENDPOINTS)(value)?;
    let fits = path.starts_with('/')
        && !path.contains(['?', '#', '{', '}', '\\'])
        && !path.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    if fits {
        return Ok((path.to_owned(), endpoint));
    }
    let message = format!("\"{path}\" is no path");
    Err(Complaint::wrong(message, "write the old path alone, from its first slash on and without a query"))
}

fn algorithms(section: &Section<'_>) -> AlgorithmSet {
    let denied = section.list("denied_algorithms", |value| {
        let written = text(value)?;
        AlgorithmSet::from_word(&written).ok_or_else(|| {
            let words: Vec<&str> = AlgorithmSet::words().collect();
            Complaint::wrong(format!("\"{written}\" is no algorithm of signatures"), hint(&written, &words))
        })
    });
    let left = denied.unwrap_or_default().into_iter().fold(AlgorithmSet::ALL, AlgorithmSet::without);
    if left.signatures().all(|algorithm| algorithm.digest() == DigestAlgorithm::Sha1) {
        let message = "leaves nothing to sign with but SHA-1";
        section.complain("denied_algorithms", Complaint::wrong(message, "take some out of the list"));
    }
    left
}
